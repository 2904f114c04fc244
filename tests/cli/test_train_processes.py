"""Trainings that outlive what started them: real ones, in processes and on terminals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml.run_state import run_state
from ml.training import stop_run
from storage.errors import NotReady
from storage.opening import open_repository
from storage.repository import Repository
from tests.cli.conftest import ROOT, RunProcess, RunTerminal
from tests.ml_fixtures import store_digits

PATIENCE = 120.0
TRAIN = ("train", "--epochs", "5000")

ON_ITS_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Makes stdin the controlling terminal: whose goes is sent SIGHUP."""


@pytest.fixture
def repo(db: Path) -> Iterator[Repository]:
    """A dataset of digits to train on. What still trains on it afterwards is stopped."""
    with open_repository(db, create=True) as opened:
        store_digits(opened, 300, split="train")
        yield opened
        for record in opened.runs.all():
            if opened.runs.is_held(record.id):
                stop_run(opened.url, record.id)
        wait_until(lambda: not any(opened.runs.is_held(run.id) for run in opened.runs.all()))


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def state(repo: Repository) -> str:
    return run_state(repo, repo.runs.get(1))


def attach(db: Path, *, after: str) -> tuple[int, str]:
    """Attach from a process of its own, and press Ctrl-C after that event; its exit code and what
    it said last."""
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "--db", str(db), "runs", "attach", "1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout is not None
    assert any(json.loads(line)["event"] == after for line in child.stdout)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=PATIENCE)
    return child.returncode, said.decode()


def train_until_the_terminal_goes(db: Path, *, at: bytes) -> int:
    """Train on a terminal that is closed once `at` is on it; the exit code."""
    master, terminal = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", ON_ITS_TERMINAL, "-m", "cli", "--db", str(db), *TRAIN],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(terminal)
    written = b""
    while at not in written:
        written += os.read(master, 65_536)
    os.close(master)
    return child.wait(PATIENCE)


@pytest.mark.slow
def test_a_training_stopped_by_ctrl_c_is_resumed_detached_and_watched_to_its_end(
    repo: Repository, db: Path, run_terminal: RunTerminal, run_process: RunProcess
) -> None:
    code, text = run_terminal("train", "--epochs", 60, interrupt_at="/60  train ")
    assert code == 130
    assert "stopping after this batch" in text
    assert "runs resume 1" in text
    assert state(repo) == "stopped"

    resumed = run_process("runs", "resume", 1, "--detach", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["run"] == 1

    attached = run_process("runs", "attach", 1)
    assert attached.returncode == 0, attached.stderr
    assert "trained for 60 epochs" in attached.stdout
    assert "epoch 60/60  train " in attached.stderr
    assert state(repo) == "done"
    assert [epoch.epoch for epoch in repo.runs.get(1).epochs] == list(range(1, 61))

    late = run_process("runs", "attach", 1)
    assert late.returncode == 0
    assert "run 1 is done: model" in late.stdout


@pytest.mark.slow
def test_a_training_goes_on_without_its_terminal_and_without_whoever_attached(
    repo: Repository, db: Path, run_process: RunProcess
) -> None:
    assert train_until_the_terminal_goes(db, at=b"/5000  train ") == -signal.SIGHUP
    assert state(repo) == "running"

    code, said = attach(db, after="epoch")
    assert code == 130
    assert "run 1 goes on" in said
    assert state(repo) == "running"

    stopped = run_process("runs", "stop", 1)
    assert stopped.returncode == 0, stopped.stderr
    assert state(repo) == "stopped"
    assert repo.runs.get(1).model is not None
    with pytest.raises(NotReady, match="not running"):
        stop_run(repo.url, 1)


@pytest.mark.slow
def test_a_training_that_is_killed_is_interrupted_and_can_be_gone_on_with(
    repo: Repository, run_process: RunProcess
) -> None:
    begun = run_process(*TRAIN, "--detach")
    assert begun.returncode == 0, begun.stderr
    wait_until(lambda: bool(repo.runs.get(1).epochs))
    pid = repo.runs.get(1).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: state(repo) == "interrupted")

    shown = run_process("runs", "show", 1)
    assert shown.stdout.startswith("run 1, standard-0: interrupted\n")
    assert "runs resume 1" in shown.stderr
    assert json.loads(run_process("runs", "ls", "--json").stdout)[0]["status"] == "interrupted"
