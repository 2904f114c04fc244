"""Following a run of another process by its journal, and stopping it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import ml.following
from ml.events import (
    Done,
    Epoch,
    Event,
    EventError,
    Failed,
    Note,
    Phase,
    Started,
    Step,
    encode,
)
from ml.journal import KEPT, Journal, JournalReader, journal_path
from ml.running import Running
from ml.training import follow_run, stop_run
from storage.errors import NotFound, NotReady, PixshelfError
from storage.opening import open_repository
from storage.records import NewRun
from storage.repository import Repository

STARTED = Started(1, "n", 2, 0, "quick", ("a", "b"), 9, 1, 8, 8, 1, 9, 2, 1, 2, 100)
EPOCH = Epoch(1, 1, 2, 3, 4.0, 0.1, 0.5, 0.5, None, None, True)
DONE = Done(1, 1, 2, 2, 1.0, 0.5, 1.0, 0.1, 0, "00", False)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A dataset with one run under way, whose id is 1, and a log folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        patch.setenv("HOME", str(tmp_path / "home"))
        patch.setattr(ml.following, "_GRACE", 0.3)
        with open_repository(tmp_path / "dataset.db", create=True) as opened:
            settings = {"machine": {"host": os.uname().nodename}}
            run = NewRun("n", 0, settings, ("a", "b"), b"\0" * 32, {}, 2, 2, pid=os.getpid())
            opened.runs.create(run)
            yield opened


def journal(repository: Repository, *events: Event) -> Journal:
    writer = Journal()
    writer.begin(repository.url, 1)
    for event in events:
        writer.write(event)
    return writer


def test_a_run_is_followed_from_its_beginning_to_its_end(repository: Repository) -> None:
    writer = journal(repository, Phase("starting"), STARTED)
    with repository.runs.hold(1):
        events = follow_run(repository.url, 1)
        assert [next(events), next(events)] == [Phase("starting"), STARTED]
        later = threading.Timer(0.2, lambda: [writer.write(each) for each in (EPOCH, DONE)])
        later.start()
        assert list(events) == [EPOCH, DONE]
        later.join()
    writer.close()


def test_a_run_that_is_given_back_just_before_its_last_event_is_followed_to_it(
    repository: Repository,
) -> None:
    writer = journal(repository, STARTED)
    with repository.runs.hold(1):
        events = follow_run(repository.url, 1)
        assert next(events) == STARTED
    writer.write(DONE)
    assert list(events) == [DONE]
    writer.close()


def test_a_run_whose_process_dies_is_noticed(repository: Repository) -> None:
    writer = journal(repository, STARTED)
    with repository.runs.hold(1):
        events = follow_run(repository.url, 1)
        assert next(events) == STARTED
    with pytest.raises(PixshelfError, match="run 1 died") as raised:
        list(events)
    assert "runs resume 1" in str(raised.value.hint)
    writer.close()


def test_a_run_that_another_process_goes_on_with_is_followed_there(
    repository: Repository,
) -> None:
    first = journal(repository, STARTED)
    with repository.runs.hold(1):
        events = follow_run(repository.url, 1)
        assert next(events) == STARTED
    first.close()
    with repository.runs.hold(1):
        second = journal(repository, Phase("starting"), STARTED, EPOCH)
        assert list(itertools.islice(events, 3)) == [Phase("starting"), STARTED, EPOCH]
    second.write(DONE)
    assert list(events) == [DONE]
    second.close()


def test_what_is_told_before_the_journal_is_begun_is_in_it(repository: Repository) -> None:
    writer = Journal()
    writer.write(Phase("starting"))
    assert not journal_path(repository.url, 1).exists()
    writer.begin(repository.url, 1)
    writer.write(STARTED)
    writer.close()
    reader = JournalReader(journal_path(repository.url, 1))
    assert list(reader.events()) == [Phase("starting"), STARTED]
    reader.close()


def test_a_failure_is_raised_as_the_error_that_it_was(repository: Repository) -> None:
    writer = journal(repository, STARTED, Failed("NotReady", "no memory", "less", 1))
    with repository.runs.hold(1), pytest.raises(NotReady, match="no memory"):
        list(follow_run(repository.url, 1))
    writer.close()


def test_a_run_that_nobody_works_on_cannot_be_followed_or_stopped(repository: Repository) -> None:
    for use in (lambda: list(follow_run(repository.url, 1)), lambda: stop_run(repository.url, 1)):
        with pytest.raises(NotReady, match="interrupted") as raised:
            use()
        assert "runs resume 1" in str(raised.value.hint)
    repository.runs.finish(1, "done")
    with pytest.raises(NotReady, match="it is done"):
        list(follow_run(repository.url, 1))
    with pytest.raises(NotFound):
        list(follow_run(repository.url, 9))


def test_a_run_without_a_journal_says_so(repository: Repository) -> None:
    with repository.runs.hold(1), pytest.raises(NotReady, match="no journal"):
        list(follow_run(repository.url, 1))


@pytest.mark.parametrize("line", [b"nonsense\n", b"x" * 1_100_000, b'{"v":1,"event":"done"}\n'])
def test_a_journal_that_was_meddled_with_is_an_error(repository: Repository, line: bytes) -> None:
    path = journal_path(repository.url, 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(encode(STARTED) + line)
    with repository.runs.hold(1), pytest.raises(EventError):
        list(follow_run(repository.url, 1))


def test_a_journal_holds_few_of_many_steps_and_all_else(repository: Repository) -> None:
    step = Step(1, 2, 3, 0.5, 1.0, 0.01, 100.0, 1.5)
    notes = [Note("info", str(number)) for number in range(5)]
    writer = journal(repository, STARTED, *[step] * 50, *notes, DONE)
    writer.close()
    reader = JournalReader(journal_path(repository.url, 1))
    assert list(reader.events()) == [STARTED, step, *notes, DONE]
    reader.close()


def test_a_run_that_is_gone_on_with_begins_its_journal_anew(repository: Repository) -> None:
    journal(repository, STARTED, DONE).close()
    old = JournalReader(journal_path(repository.url, 1))
    journal(repository, STARTED, EPOCH).close()
    new = JournalReader(journal_path(repository.url, 1))
    assert list(new.events()) == [STARTED, EPOCH]
    assert list(old.events()) == [STARTED, DONE]
    old.close()
    new.close()


def test_the_journal_is_begun_anew_before_a_run_is_planned_again(repository: Repository) -> None:
    journal(repository, STARTED, DONE).close()
    writer = Journal()
    told: list[bool] = []

    def held(run: int) -> None:
        told.append(repository.runs.is_held(run))
        writer.begin(repository.url, run)

    running = Running(repository, writer.write, lambda: False, 0.0, held)
    with pytest.raises(PixshelfError, match="its recipe is"):
        running.resume(1)
    writer.close()
    reader = JournalReader(journal_path(repository.url, 1))
    assert (list(reader.events()), told) == ([Phase("starting")], [True])
    reader.close()


def test_the_journals_of_old_runs_are_removed(repository: Repository) -> None:
    folder = journal_path(repository.url, 1).parent
    folder.mkdir(parents=True)
    for number in range(KEPT + 5):
        old = folder / f"run-{number:032}.jsonl"
        old.touch()
        os.utime(old, (number, number))
    journal(repository, STARTED).close()
    left = sorted(file.name for file in folder.glob("run-*.jsonl"))
    assert len(left) == KEPT
    assert journal_path(repository.url, 1).name in left
    assert f"run-{0:032}.jsonl" not in left


def test_a_training_goes_on_without_a_journal_that_cannot_be_made(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_bytes(b"a file in the way")
    (tmp_path / "home").write_bytes(b"and another")
    writer = journal(repository, STARTED, EPOCH, DONE)
    writer.close()
    assert capsys.readouterr().err.startswith("journal: ")


def test_a_run_is_stopped_by_sigterm_to_its_worker(repository: Repository) -> None:
    # Not the worker itself, but by its words it could be.
    code = "import signal, sys; print('up', flush=True); signal.sigwait({signal.SIGTERM})"
    block = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM});"
    child = subprocess.Popen(
        [sys.executable, "-c", block + code, "-m", "ml.worker"], stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        repository.runs.reopen(1, child.pid)
        with repository.runs.hold(1):
            stop_run(repository.url, 1)
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.communicate()


def test_a_process_that_is_no_worker_is_not_sent_a_signal(repository: Repository) -> None:
    with repository.runs.hold(1), pytest.raises(NotReady, match="not by a process"):
        stop_run(repository.url, 1)
