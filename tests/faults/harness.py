"""Ways to hurt a running pixshelf, and to look at what is left: kill, interrupt, a full disk.

Every run is `python -m cli …` in a process of its own, as a user starts it. What is left in a
dataset file is read with plain SQLite, so that the code under test does not vouch for itself.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 120.0
"""Seconds after which a command counts as hung."""

Content = frozenset[tuple[bytes, str | None, str | None, str]]
"""What an import is about: (sha256, label, split, source) of every image."""


# Running


def command(db: Path, *words: object) -> list[str]:
    """The command line of `pixshelf --db DB WORDS…`."""
    return [sys.executable, "-m", "cli", "--db", str(db), *map(str, words)]


def environment() -> dict[str, str]:
    """This process's, but with modules compiled once and not at every start."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def start(db: Path, *words: object) -> subprocess.Popen[str]:
    """Start a command and do not wait for it."""
    return subprocess.Popen(
        command(db, *words),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(
    db: Path, *words: object, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. `before` is called in the child, before the command starts."""
    return subprocess.run(
        command(db, *words),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        preexec_fn=before,
    )


def end(process: subprocess.Popen[str], number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Send a signal, and wait for the process to end of it or of itself."""
    process.send_signal(number)
    return end_of(process)


def end_of(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for the process to end."""
    out, err = process.communicate(timeout=TIMEOUT)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Let the process run for so long, then `kill -9` it. Whether it was still running."""
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(process, signal.SIGKILL)
        return True
    return False


def assert_clear_failure(
    done: subprocess.CompletedProcess[str], code: int, *words: str, never: Sequence[str] = ()
) -> None:
    """The command left with `code` and one line that says why, with each of `words` in it; and
    with no traceback, nor anything of `never`."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    lines = done.stderr.splitlines()
    assert lines[0].startswith("pixshelf: error: "), done.stderr
    assert [line for line in lines[1:] if not line.startswith("hint: ")] == []
    for word in words:
        assert word in lines[0], done.stderr
    for word in ("Traceback", "internal", *never):
        assert word not in done.stderr


# Images


def png(width: int, height: int, pixels: bytes) -> bytes:
    """An 8-bit grey PNG, made without any library."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = b"".join(
        b"\0" + pixels[start : start + width] for start in range(0, width * height, width)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(rows, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def make_images(folder: Path, count: int, *, side: int = 8, seed: int = 0) -> Path:
    """`count` different PNGs of noise in folders train and test, each with ten labels."""
    source = random.Random(seed)
    for index in range(count):
        place = folder / ("test" if index % 5 == 0 else "train") / str(index % 10)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:05}.png").write_bytes(png(side, side, source.randbytes(side * side)))
    return folder


# Looking at what is left


@contextmanager
def opened(db: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection that changes nothing: read-only, or to a copy where the making of the file
    was cut short, since to read that means to roll it back."""
    with TemporaryDirectory() as folder:
        mode, journal = "ro", Path(f"{db}-journal")
        if journal.exists():
            mode = "rw"
            shutil.copy(journal, folder)
            db = Path(shutil.copy(db, folder))
        connection = sqlite3.connect(f"{db.absolute().as_uri()}?mode={mode}", uri=True)
        try:
            yield connection
        finally:
            connection.close()


def content(db: Path) -> Content:
    """What the dataset file holds; nothing where it has no tables yet."""
    if not db.exists() or not db.stat().st_size:
        return frozenset()
    with opened(db) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'image'").fetchone():
            return frozenset()
        rows = connection.execute(
            "SELECT i.sha256, l.name, i.split, i.source"
            " FROM image AS i LEFT JOIN label AS l ON l.id = i.label_id"
        )
        return frozenset((row[0], row[1], row[2], row[3]) for row in rows)


def assert_sound(db: Path) -> None:
    """SQLite finds the file whole, every reference leads somewhere, every image has its bytes, and
    the bytes have their sha256."""
    with opened(db) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'image'").fetchone():
            return
        images = connection.execute("SELECT count(*) FROM image").fetchone()[0]
        rows = connection.execute(
            "SELECT i.sha256, d.data FROM image_data AS d JOIN image AS i ON i.id = d.image_id"
        )
        whole = sum(hashlib.sha256(data).digest() == sha256 for sha256, data in rows)
        assert whole == images
        assert connection.execute("SELECT count(*) FROM image_data").fetchone()[0] == images


# A user who may not write


def as_an_ordinary_user() -> None:
    """For a child about to start: let the modes of files bind it, also where it is root's."""
    if os.geteuid() == 0 and sys.platform == "linux":
        drop_from_bounding_set, override_modes = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, override_modes, 0, 0, 0)


# A full disk


@dataclass(frozen=True, slots=True)
class Step:
    """A command to run where room is short, or, with `room`, once there is room enough."""

    argv: Sequence[str]
    room: bool = False


_RUNNER = """
import json, os, resource, subprocess, sys
folder, tmpfs, limit, steps = json.load(sys.stdin)
def short():
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
answers = []
for argv, room in steps:
    if room and tmpfs:
        subprocess.run(["mount", "-o", "remount,size=1g", folder], check=True)
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        preexec_fn=None if room or tmpfs else short,
    )
    answers.append((done.returncode, done.stdout, done.stderr))
json.dump(answers, sys.stdout)
"""


def can_mount(folder: Path) -> bool:
    """Whether a file system of the test's own can be had, in a namespace that ends with it."""
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def run_short_of_room(
    folder: Path, kibibytes: int, steps: Sequence[Step], *, tmpfs: bool
) -> list[subprocess.CompletedProcess[str]]:
    """Run the steps one after another where `folder` takes so much and no more: a tmpfs of that
    size, seen by these commands only, or, without `tmpfs`, a limit on the size of each file."""
    argv = [sys.executable, "-c", _RUNNER]
    if tmpfs:
        mount = f'mount -t tmpfs -o size={kibibytes}k tmpfs "$0" && exec "$@"'
        argv = ["unshare", "-rm", "sh", "-c", mount, str(folder), *argv]
    told = (str(folder), tmpfs, kibibytes * 1024, [(list(step.argv), step.room) for step in steps])
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=environment(),
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return [
        subprocess.CompletedProcess(list(step.argv), code, out, err)
        for step, (code, out, err) in zip(steps, json.loads(done.stdout), strict=True)
    ]
