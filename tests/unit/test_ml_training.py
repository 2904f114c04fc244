"""The parent's side of a training, against children that only speak the protocol."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ml.events import Done, Event, EventError, Phase, Started
from ml.settings import TrainSettings
from ml.training import Training, last_lines, start_child
from storage.errors import NotReady, PixshelfError
from storage.opening import open_repository
from storage.records import NewRun
from storage.repository import Repository

SPEAK = """
import json, os, sys, time
pipe = int(sys.argv[1])
request = json.loads(sys.stdin.readline())
def tell(event, **fields):
    os.write(pipe, json.dumps({"v": 1, "event": event} | fields).encode() + b"\\n")
def started():
    tell("started", run=1, name="n", pid=os.getpid(), seed=request["settings"]["seed"],
         preset="quick", labels=["a", "b"], train=9, val=1, height=8, width=8, channels=1, batch=9,
         epochs=2, steps_per_epoch=1, total_steps=2, parameters=5)
def done(stopped=False):
    tell("done", run=1, model=1, epochs=2, steps=2, seconds=1.0, train_seconds=0.5,
         val_accuracy=1.0, val_loss=0.1, seed=0, weights_sha256="00", stopped=stopped)
"""

Start = Callable[..., Training]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    """A dataset with one run under way, whose id is 1."""
    with open_repository(tmp_path / "dataset.db", create=True) as opened:
        run = NewRun("n", 0, {}, ("a", "b"), b"\0" * 32, {}, total_epochs=2, total_steps=2)
        opened.runs.create(run)
        yield opened


@pytest.fixture
def start(repository: Repository, tmp_path: Path) -> Iterator[Start]:
    """Starts a child from the lines of its script."""
    begun: list[Training] = []

    def start(script: str, *, grace: float = 30.0) -> Training:
        code = SPEAK + textwrap.dedent(script)
        command = [sys.executable, "-c", code]
        log = tmp_path / "log.txt"
        begun.append(start_child(command, repository.url, TrainSettings(seed=5), log, grace))
        return begun[-1]

    yield start
    for training in begun:
        training.kill()
        training.detach()


def test_events_come_in_order_up_to_done(start: Start) -> None:
    events = list(
        start('tell("phase", name="starting", done=None, total=None); started(); done()').events()
    )
    assert [type(event) for event in events] == [Phase, Started, Done]


def test_the_child_gets_the_settings(start: Start) -> None:
    events = list(start("started(); done()").events())
    assert isinstance(events[0], Started)
    assert events[0].seed == 5


def test_what_the_child_prints_is_in_the_log(start: Start) -> None:
    training = start('print("to stdout"); print("to stderr", file=sys.stderr); done()')
    list(training.events())
    assert set(last_lines(training.log)) == {"to stdout", "to stderr"}


def test_a_failure_comes_back_as_the_error_that_it_was(start: Start) -> None:
    training = start('tell("error", kind="NotReady", message="no labels", hint="label", run=None)')
    with pytest.raises(NotReady, match="no labels") as raised:
        list(training.events())
    assert raised.value.hint == "label"


def test_a_child_that_dies_is_an_error_with_its_last_words(
    start: Start, repository: Repository
) -> None:
    training = start('started(); sys.exit("out of luck")')
    with pytest.raises(PixshelfError, match=r"exit status 1.*out of luck"):
        list(training.events())
    record = repository.runs.get(1)
    assert record.status == "failed"
    assert record.error == "the process died (exit status 1)"


def test_a_child_that_is_killed_by_the_system_says_so(start: Start) -> None:
    training = start("started(); os.kill(os.getpid(), 9)")
    with pytest.raises(PixshelfError, match="SIGKILL") as raised:
        list(training.events())
    assert "memory" in str(raised.value.hint)


def test_a_child_that_dies_before_its_run_is_stored_is_an_error_too(
    start: Start, repository: Repository
) -> None:
    with pytest.raises(PixshelfError, match="died"):
        list(start("sys.exit(3)").events())
    assert repository.runs.get(1).status == "running"


def test_a_child_that_speaks_nonsense_is_ended(start: Start, repository: Repository) -> None:
    training = start('started(); os.write(pipe, b"hello\\n"); time.sleep(60)')
    with pytest.raises(EventError, match="hello"):
        list(training.events())
    assert repository.runs.get(1).status == "failed"


def test_a_line_without_an_end_is_an_error(start: Start) -> None:
    with pytest.raises(EventError, match="bytes"):
        list(start('os.write(pipe, b"x" * 1_100_000); time.sleep(60)').events())


def test_a_stop_is_asked_for_on_stdin(start: Start) -> None:
    training = start("started(); done(stopped=sys.stdin.readline() == 'stop\\n')")
    events: list[Event] = []
    for event in training.events():
        events.append(event)
        training.request_stop()
        training.request_stop()
    assert isinstance(events[-1], Done)
    assert events[-1].stopped


def test_a_child_deaf_to_a_stop_is_sent_sigterm(start: Start) -> None:
    script = """
    import signal
    def term(*_):
        done(stopped=True)
        os._exit(0)
    signal.signal(signal.SIGTERM, term)
    started()
    time.sleep(60)
    """
    training = start(script, grace=0.1)
    events = []
    for event in training.events():
        events.append(event)
        training.request_stop()
    assert isinstance(events[-1], Done)


def test_a_child_deaf_to_everything_is_killed(start: Start, repository: Repository) -> None:
    script = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    started()
    time.sleep(60)
    """
    training = start(script, grace=0.1)
    events = training.events()
    next(events)
    training.request_stop()
    with pytest.raises(PixshelfError, match="killed"):
        next(events)
    assert repository.runs.get(1).status == "stopped"


def test_a_killed_training_says_so_and_its_run_is_stopped(
    start: Start, repository: Repository
) -> None:
    training = start("started(); time.sleep(60)")
    events = training.events()
    next(events)
    training.kill()
    with pytest.raises(PixshelfError, match="killed"):
        next(events)
    assert not training.running
    assert repository.runs.get(1).status == "stopped"


def test_a_run_that_the_child_finished_itself_is_left_as_it_is(
    start: Start, repository: Repository
) -> None:
    repository.runs.finish(1, "done")
    with pytest.raises(PixshelfError):
        list(start("started(); sys.exit(1)").events())
    assert repository.runs.get(1).status == "done"


def test_a_run_that_another_process_goes_on_with_is_left_as_it_is(
    start: Start, repository: Repository
) -> None:
    repository.runs.reopen(1, 4_321)
    with pytest.raises(PixshelfError):
        list(start("started(); sys.exit(1)").events())
    assert repository.runs.get(1).status == "running"


def test_leaving_the_block_ends_the_child(start: Start, repository: Repository) -> None:
    with start("started(); time.sleep(60)") as training:
        next(iter(training.events()))
    assert not training.running
    assert repository.runs.get(1).status == "stopped"


def test_a_detached_child_goes_on(start: Start, tmp_path: Path) -> None:
    training = start(
        f"""
        started()
        sys.stdin.read()
        try:
            done()
        except BrokenPipeError:
            open({str(tmp_path / "alive")!r}, "w").close()
        """
    )
    with training:
        next(iter(training.events()))
        training.detach()
    assert training._child.wait(30) == 0
    assert (tmp_path / "alive").exists()


def test_stopping_and_killing_late_does_nothing(start: Start) -> None:
    training = start("done()")
    list(training.events())
    training.request_stop()
    training.kill()
    assert not training.running


def test_a_log_that_cannot_be_made_is_an_error(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(PixshelfError, match="cannot be started"):
        start_child(["true"], repository.url, TrainSettings(), tmp_path / "no" / "log.txt")


def test_the_last_lines_of_a_log_have_no_control_characters(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"one\n\n\x1b[31mtwo\xff\r\n" + b"x" * 500 + b"\n")
    assert last_lines(log) == ["one", "[31mtwo\ufffd", "x" * 300]


def test_the_parent_never_imports_tensorflow() -> None:
    import subprocess

    code = (
        "import sys, ml.training, ml.plan, ml.convert, ml.settings;"
        "heavy = {'tensorflow', 'keras', 'numpy', 'PIL', 'sklearn'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
