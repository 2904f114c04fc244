"""What is remembered of a PostgreSQL URL's passwords, and what a child process gets of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.opening import child_environment, shown
from storage.postgres.place import SECRETS, place_of

ROOT = Path(__file__).parents[2]
READ = (
    "import sys; from storage.postgres.place import place_of; "
    "print(place_of(sys.argv[1]).parameters.get(sys.argv[2]))"
)


def with_all_secrets(name: str) -> str:
    pairs = "&".join(f"{secret}={secret}-%40" for secret in SECRETS)
    return f"postgresql://anna@server/{name}?sslmode=disable&{pairs}"


def test_the_short_form_opens_with_every_secret_of_the_long_one() -> None:
    long = place_of(with_all_secrets("short_form"))
    short = place_of(long.url)
    assert not any(secret in long.url for secret in SECRETS)
    assert {name: short.parameters[name] for name in SECRETS} == {
        name: f"{name}-@" for name in SECRETS
    }


@pytest.mark.parametrize("secret", ["sslpassword", "scram_server_key"])
def test_a_child_process_has_the_secrets_that_libpq_has_no_variable_for(secret: str) -> None:
    url = shown(with_all_secrets("child"))
    done = subprocess.run(
        [sys.executable, "-c", READ, url, secret],
        cwd=ROOT,
        env=os.environ | child_environment(url),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == f"{secret}-@"


def test_a_child_process_has_the_password_where_libpq_looks_for_it() -> None:
    url = shown(with_all_secrets("password"))
    assert child_environment(url)["PGPASSWORD"] == "password-@"


def test_a_child_process_gets_nothing_of_another_url() -> None:
    place_of(with_all_secrets("one"))
    assert child_environment(shown("postgresql://anna@server/other")) == {}
