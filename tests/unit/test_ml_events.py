"""The events' protocol: there and back, and what is not understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml.events import (
    MAX_LINE,
    CheckpointSaved,
    Done,
    Epoch,
    Event,
    EventError,
    Failed,
    Note,
    Phase,
    Started,
    Step,
    Throttle,
    decode,
    encode,
    to_error,
)
from storage.errors import NotReady, PixshelfError, UsageError

EVENTS: list[Event] = [
    Phase("decoding", 5, 10),
    Phase("starting"),
    Note("warning", 'a "label"\nof two lines'),
    Started(1, "n", 2, 0, "quick", ("a", "ü"), 9, 1, 8, 8, 1, 9, 2, 1, 2, 100),
    Step(1, 2, 3, 0.5, 1.0, 0.01, 100.0, 1.5),
    Epoch(1, 1, 2, 3, 4.0, 0.1, 0.5, 0.5, None, None, True),
    CheckpointSaved(1, "best", 2, 3),
    Done(1, None, 0, 0, 1.0, 0.0, None, None, 0, None, True),
    Failed("NotReady", "no", "try", 3),
]
KEYS = [
    "run",
    "model",
    "epochs",
    "steps",
    "seconds",
    "train_seconds",
    "val_accuracy",
    "val_loss",
    "seed",
    "weights_sha256",
    "stopped",
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_that_decodes_to_it(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == event


def test_done_gives_exactly_what_train_prints_last() -> None:
    done = EVENTS[7]
    assert isinstance(done, Done)
    assert list(done.to_json()) == KEYS


def test_a_whole_number_stands_for_a_real_one() -> None:
    step = json.loads(encode(EVENTS[4]))
    step["loss"] = 2
    decoded = decode(json.dumps(step))
    assert isinstance(decoded, Step)
    assert isinstance(decoded.loss, float)


def test_fields_of_a_later_program_are_passed_over() -> None:
    line = json.dumps(json.loads(encode(EVENTS[0])) | {"new": 1})
    assert decode(line) == EVENTS[0]


def test_another_version_is_an_error_that_names_it() -> None:
    with pytest.raises(EventError, match="version 2"):
        decode(b'{"v":2,"event":"phase"}')


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"v":1}',
        b'{"v":1,"event":"party"}',
        b'{"v":1,"event":["phase"]}',
        b'{"v":1,"event":"note","level":"info"}',
        b'{"v":1,"event":"note","level":"loud","text":"x"}',
        b'{"v":1,"event":"note","level":"info","text":5}',
        b'{"v":1,"event":"phase","name":"decoding","done":true,"total":1}',
        b'{"v":1,"event":"phase","name":"decoding","done":NaN,"total":1}',
        b"[" * 100_000,
        b" " * (MAX_LINE + 1),
    ],
)
def test_a_malformed_line_is_an_error(line: bytes) -> None:
    with pytest.raises(EventError):
        decode(line)


def test_a_loss_that_is_no_number_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(Step(1, 1, 1, float("nan"), 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("NotReady", NotReady), ("QueryError", UsageError), ("internal", PixshelfError)],
)
def test_a_failure_comes_back_as_the_same_kind_of_error(kind: str, expected: type[Any]) -> None:
    error = to_error(Failed(kind, "what", "how"))
    assert type(error) is expected
    assert (error.message, error.hint) == ("what", "how")


def test_a_throttle_says_yes_once_in_its_interval() -> None:
    times = iter([0.0, 0.05, 0.11, 0.15, 0.3])
    throttle = Throttle(lambda: next(times), 0.1)
    assert [throttle.ready() for _ in range(5)] == [True, False, True, False, True]
