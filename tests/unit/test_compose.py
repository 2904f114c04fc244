"""compose.yaml keeps its promises: what runs, what it may write, what is reached, what is secret.

The file is read as an engine would read it, with .env.example's variables put in; nothing is run.
tests/image/test_image_commands.py runs its commands.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cli.serve.running import grace
from cli.serve.settings import ServeSettings
from tests.containers import (
    ROOT,
    Unset,
    filled_in,
    in_seconds,
    raw_compose,
    read_compose,
    read_dockerfile,
    read_env_example,
    variables_of_compose,
)

ALL = {"db", "serve", "pixshelf"}
OURS = ("serve", "pixshelf")
SECRETS = {"PIXSHELF_DB_PASSWORD", "PIXSHELF_TOKEN"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = read_compose(filled_in())["services"]
    return table


# What runs


def test_up_starts_the_database_and_the_door_and_not_the_app(
    services: dict[str, dict[str, Any]],
) -> None:
    assert set(services) == ALL
    started = {name for name, service in services.items() if "profiles" not in service}
    assert started == ALL - {"pixshelf"}


def test_run_opens_the_app_on_the_terminal_that_it_is_run_in(
    services: dict[str, dict[str, Any]],
) -> None:
    app = services["pixshelf"]
    assert app["stdin_open"] is app["tty"] is True
    assert "command" not in app
    assert "entrypoint" not in app
    assert {name for name, value in app["environment"].items() if value is None} == {
        "TERM",
        "COLORTERM",
        "TERM_PROGRAM",
        "NO_COLOR",
        "LOGNAME",
    }


def test_the_database_is_the_official_image_of_one_release_on_one_debian(
    services: dict[str, dict[str, Any]],
) -> None:
    assert re.fullmatch(r"postgres:\d+-[a-z]+", services["db"]["image"])


def test_the_database_is_healthy_when_it_answers_by_tcp(
    services: dict[str, dict[str, Any]],
) -> None:
    word, program, *options = services["db"]["healthcheck"]["test"]
    assert (word, program) == ("CMD", "pg_isready")
    assert "--host=127.0.0.1" in options


def test_what_needs_the_database_waits_until_it_is_healthy(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in OURS:
        assert services[name]["depends_on"] == {"db": {"condition": "service_healthy"}}


def test_all_of_ours_are_the_one_image_that_is_built_here_and_never_fetched(
    services: dict[str, dict[str, Any]],
) -> None:
    images = {
        tuple(services[name][key] for key in ("image", "build", "pull_policy")) for name in OURS
    }
    assert images == {("pixshelf", ".", "never")}


def test_the_doors_health_is_asked_with_python_alone_and_without_the_token(
    services: dict[str, dict[str, Any]],
) -> None:
    word, program, option, text = services["serve"]["healthcheck"]["test"]
    assert (word, program, option) == ("CMD", "python", "-c")
    imported = {
        node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }
    assert imported == {"http.client"}
    assert "/healthz" in text
    assert filled_in()["PIXSHELF_TOKEN"] not in text


def test_the_door_has_time_to_finish_what_it_took_on(
    services: dict[str, dict[str, Any]],
) -> None:
    settings = ServeSettings("any.db")
    given = in_seconds(services["serve"]["stop_grace_period"])
    # Requests end, and then what they asked for is stored.
    assert given > grace(settings) + settings.wait


def test_what_serves_comes_back_and_what_ends_stays_ended(
    services: dict[str, dict[str, Any]],
) -> None:
    policies = {name: service["restart"] for name, service in services.items()}
    assert policies == {
        "db": "unless-stopped",
        "serve": "unless-stopped",
        "pixshelf": "no",
    }


# What it may do


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_service_changes_nothing_but_its_volumes(
    name: str, services: dict[str, dict[str, Any]]
) -> None:
    assert services[name]["read_only"] is True
    for folder in services[name]["tmpfs"]:
        assert re.search(r":size=\d+m,mode=1777$", folder)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_service_has_no_rights_that_it_does_not_need(
    name: str, services: dict[str, dict[str, Any]]
) -> None:
    service = services[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    granted = {"cap_add", "privileged", "devices", "network_mode", "pid", "ipc", "userns_mode"}
    assert not granted & set(service)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_service_takes_no_more_than_its_share(
    name: str, services: dict[str, dict[str, Any]]
) -> None:
    service = services[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 1024
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


def test_no_service_runs_as_root(services: dict[str, dict[str, Any]]) -> None:
    assert services["db"]["user"] == "postgres"
    (user,) = read_dockerfile()[-1].all("USER")
    assert user.rest.split(":")[0] != "0"
    assert not any("user" in services[name] for name in OURS)


def test_all_that_is_kept_lies_on_named_volumes(services: dict[str, dict[str, Any]]) -> None:
    document = read_compose(filled_in())
    (home,) = read_dockerfile()[-1].all("VOLUME")
    assert set(document["volumes"]) == {"database", "data"}
    assert services["db"]["volumes"][0] == "database:/var/lib/postgresql"
    for name in OURS:
        assert services[name]["volumes"] == [
            f"data:{home.rest}",
            read_dockerfile()[-1].environment()["TMPDIR"],
        ]


def test_nothing_of_the_machine_is_mounted_but_the_databases_first_commands(
    services: dict[str, dict[str, Any]],
) -> None:
    mounts = [text for service in services.values() for text in service["volumes"]]
    (from_here,) = [text for text in mounts if text.startswith((".", "/")) and ":" in text]
    source, target, access = from_here.split(":")
    assert (ROOT / source).is_file()
    assert Path(target).parent == Path("/docker-entrypoint-initdb.d")
    assert access == "ro"


# What is reached


def test_only_the_door_is_published_and_only_to_this_machine(
    services: dict[str, dict[str, Any]],
) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"serve"}
    command = services["serve"]["command"]
    inside = command[command.index("--port") + 1]
    assert services["serve"]["ports"] == [f"127.0.0.1:8765:{inside}"]


def test_the_database_is_on_a_network_that_leads_nowhere(
    services: dict[str, dict[str, Any]],
) -> None:
    networks = read_compose(filled_in())["networks"]
    assert networks["database"] == {"internal": True}
    reached = {name: service["networks"] for name, service in services.items()}
    assert reached.pop("serve") == ["database", "outside"]
    assert all(names == ["database"] for names in reached.values())


def test_the_door_listens_to_all_of_its_container_and_wants_a_token(
    services: dict[str, dict[str, Any]],
) -> None:
    command = services["serve"]["command"]
    assert command[0] == "serve"
    assert command[command.index("--host") + 1] == "0.0.0.0"  # noqa: S104  (inside the container)
    assert services["serve"]["environment"]["PIXSHELF_TOKEN"] == filled_in()["PIXSHELF_TOKEN"]
    assert not any("token" in word for word in command)


def test_the_program_finds_the_database_that_is_made_for_it(
    services: dict[str, dict[str, Any]],
) -> None:
    made = (ROOT / "compose.database.sql").read_text("utf-8")
    for name in OURS:
        url = urlsplit(services[name]["environment"]["PIXSHELF_DB"])
        assert url.scheme == "postgresql"
        assert url.hostname in services
        assert url.password is None
        assert f"CREATE ROLE {url.username} LOGIN" in made
        assert f"CREATE DATABASE {url.path[1:]} OWNER {url.username};" in made
        assert services[name]["environment"]["PGPASSWORD"] == filled_in()["PIXSHELF_DB_PASSWORD"]


# What is secret


def test_no_secret_is_in_the_repository() -> None:
    required = {name for name, kind, _ in variables_of_compose() if kind == ":?"}
    assert required == SECRETS
    example = read_env_example()
    assert {name: example[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
    text = yaml.safe_dump(raw_compose())
    for match in re.findall(r"(?:PASSWORD|TOKEN): (.+)", text):
        assert match.lstrip("'\"").startswith("${"), match


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_nothing_starts_and_it_is_said_what_to_do(missing: str) -> None:
    with pytest.raises(Unset, match=rf"{missing} is not set; copy \.env\.example to \.env"):
        read_compose(filled_in() | {missing: ""})


def test_the_example_names_every_variable_and_its_default() -> None:
    example = read_env_example()
    assert {name for name, _, _ in variables_of_compose()} == set(example)
    for name, kind, default in variables_of_compose():
        if kind == ":-":
            assert example[name] == default


def test_the_file_of_secrets_stays_out_of_git_and_out_of_the_image() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {"*", "**/.env*"} <= set(ignored)
    assert "!.env" not in ignored


# What is written about it

PAGE = ROOT / "docs/containers.md"


def commands(page: Path) -> list[str]:
    """The lines of a page that are commands."""
    return [
        line.strip() for line in page.read_text("utf-8").splitlines() if line.startswith("    ")
    ]


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=["containers.md", "README.md"])
def test_documented_commands_name_services_that_there_are(page: Path) -> None:
    lines = [line for line in commands(page) if line.startswith("docker compose ")]
    assert lines
    for line in lines:
        words = line.split()
        for place, word in enumerate(words):
            if word in {"run", "exec", "logs", "restart"}:
                rest = [later for later in words[place + 1 :] if later in ALL]
                assert rest, line
                break


def test_the_documented_command_fills_in_the_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_bytes((ROOT / ".env.example").read_bytes())
    lines = commands(PAGE)
    start = next(place for place, line in enumerate(lines) if line.startswith("secret()"))
    script = "\n".join(lines[start : start + 2])
    subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, env=os.environ | {"LC_ALL": "C"}, check=True
    )
    made = dict(
        line.split("=", 1)
        for line in (tmp_path / ".env").read_text("utf-8").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert made == read_env_example() | {name: made[name] for name in SECRETS}
    assert len({made[name] for name in SECRETS}) == 2
    assert all(re.fullmatch(r"[0-9a-f]{48}", made[name]) for name in SECRETS)
    read_compose(made)


def test_a_dataset_is_brought_back_before_the_door_makes_one() -> None:
    lines = commands(PAGE)
    (copied,) = (place for place, line in enumerate(lines) if " db copy " in line)
    assert lines[copied - 1] == "docker compose up --detach db"
    dropped = next(line for line in lines[copied:] if "DROP SCHEMA" in line)
    assert lines[lines.index(dropped) - 1] == "docker compose stop serve"


def test_every_variable_is_explained() -> None:
    text = PAGE.read_text("utf-8")
    assert all(f"`{name}`" in text for name in read_env_example())


def test_the_documented_command_finds_the_token(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PIXSHELF_DB_PASSWORD=one\nPIXSHELF_TOKEN=f00\n", "utf-8")
    lines = commands(PAGE)
    place = next(place for place, line in enumerate(lines) if line.startswith("TOKEN="))
    assert "$TOKEN" in lines[place + 1]
    script = f'{lines[place]}\nprintf %s "$TOKEN"'
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "f00"
