"""`pixshelf serve` as it is started: what it says, how it ends, what it refuses."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from storage.extras import install_hint
from storage.opening import open_repository

ROOT = Path(__file__).parents[2]
TOKEN = "correct-horse-battery"  # noqa: S105 - a token that opens nothing


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, list(words), prog_name="pixshelf", env=env)


@contextmanager
def started(db: str, *words: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A door as a process, with its address, once it says it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "--db", db, "serve", "--port", "0", *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"serving (http://\S+:\d+)/", said)
        assert found, said + process.stderr.read()
        yield process, found[1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_says_where_it_is_and_ends_by_a_signal(
    db: str, digit: bytes, sign: signal.Signals, code: int
) -> None:
    with started(db, "--access-log") as (process, url):
        response = httpx.post(
            f"{url}/predict", content=digit, headers={"Content-Type": "image/png"}
        )
        assert response.json()["label"] == "3"
        process.send_signal(sign)
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert out == ""
    assert '"POST /predict" 200' in err
    assert err.count("\n") == (2 if sign is signal.SIGINT else 1)


def test_a_dataset_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with started(str(path)) as (_, url):
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/images").json() == {"images": [], "next": None}
    assert path.exists()


def test_the_token_comes_from_the_environment_and_is_in_no_text(db: str) -> None:
    with started(db, "--access-log", PIXSHELF_TOKEN=TOKEN) as (process, url):
        assert httpx.get(f"{url}/models").status_code == 401
        headers = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{url}/models", headers=headers).status_code == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert TOKEN not in err


def test_what_was_acknowledged_outlives_a_killed_door(db: str, digit: bytes) -> None:
    with started(db) as (process, url):
        image = httpx.post(
            f"{url}/predict", content=digit, headers={"Content-Type": "image/png"}
        ).json()["image"]
        process.kill()
        process.wait(30)
    with open_repository(db) as repo:
        assert repo.images.data(image["id"]) == digit
        assert len(repo.predictions.of_image(image["id"])) == 1


def test_serving_loads_nothing_that_trains_draws_or_shows(db: str, digit: bytes) -> None:
    code = (
        "import sys, cli.serve.running, cli.serve.settings, httpx\n"
        "from tests.serve.opened import opened\n"
        "with opened(cli.serve.settings.ServeSettings(sys.argv[1])) as door:\n"
        "    files = {'image': bytes.fromhex(sys.argv[2])}\n"
        "    assert httpx.post(door.url + 'predict', files=files).status_code == 200\n"
        "    assert httpx.get(door.url).status_code == 200\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, db, digit.hex()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stdout.split())
    assert "ai_edge_litert" in loaded
    unwanted = {"tensorflow", "keras", "sklearn", "scipy", "matplotlib", "textual", "psycopg"}
    assert not loaded & unwanted


def test_a_port_that_is_taken_is_told_in_one_line(db: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = run("--db", db, "serve", "--port", port)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"pixshelf: error: port {port} of 127.0.0.1 is taken by another program",
        "hint: Choose another with --port; 0 picks one that is free.",
    ]


def test_another_address_needs_a_token(db: str) -> None:
    result = run("--db", db, "serve", "--host", "0.0.0.0")  # noqa: S104
    assert result.exit_code == 2
    assert "PIXSHELF_TOKEN" in result.stderr


@pytest.fixture
def unserved(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings of doors that would have been opened."""
    doors: list[Any] = []
    monkeypatch.setattr("cli.serve.running.serve", lambda settings, **_: doors.append(settings))
    return doors


def test_a_model_that_there_is_not_is_refused(db: str, unserved: list[Any]) -> None:
    result = run("--db", db, "serve", "--model", "nope")
    assert result.exit_code == 4
    assert "there is no model 'nope'" in result.stderr
    assert not unserved


def test_a_model_that_is_still_to_come_is_told(tmp_path: Path, unserved: list[Any]) -> None:
    result = run("--db", str(tmp_path / "new.db"), "serve", "--model", "soon")
    assert result.exit_code == 0
    assert "answers once there is one named 'soon'" in result.stderr
    assert [settings.model for settings in unserved] == ["soon"]


def test_a_dataset_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("no dataset")
    assert run("--db", str(path), "serve", "--port", "0").exit_code == 3


def test_without_the_extra_it_says_how_to_install_it(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name in ("starlette", "uvicorn") else found(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    result = run("--db", db, "serve")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "pixshelf: error: serving needs packages that are not installed: starlette, uvicorn",
        f"hint: {install_hint('serve')}",
    ]
