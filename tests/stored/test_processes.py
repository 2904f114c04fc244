"""Two processes on one dataset: who holds a run, and that it is given back by whoever dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from storage.repository import Repository
from tests.backends import Backend
from tests.making import new_run

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import sys
from storage.opening import open_repository
with open_repository(sys.argv[1]) as repository, repository.runs.hold(1):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(url: str) -> subprocess.Popen[bytes]:
    """Another process that holds run 1 until its stdin is closed, or it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_process_that_is_killed_gives_its_run_back(
    repository: Repository, backend: Backend
) -> None:
    repository.runs.create(new_run())
    process = holder(backend.url)
    try:
        assert repository.runs.is_held(1)
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while repository.runs.is_held(1):  # a server hears of it a moment later
            assert time.monotonic() < deadline
        with repository.runs.hold(1):
            assert repository.runs.is_held(1)
    finally:
        process.kill()
        process.communicate()
