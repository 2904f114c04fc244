"""The facts of an image as text: whole, within their width, and harmless whatever they hold."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from rich.cells import cell_len

from storage.opening import open_repository
from storage.records import Action, Event, ImageRecord, Measures, ModelRecord, Prediction
from tui.frame.dataset import Dataset
from tui.picture.image_facts import ImageFacts, answer_of, read_facts, told

RECORD = ImageRecord(
    *(7, b"\x01" * 32, "c\x1b[31mat", "train", ("[red]", "ünï"), 640, 480, 3, "jpeg", 123_456),
    *("日本語/" * 20 + "a.jpg\x07", 1_700_000_000),
)
MODEL = ModelRecord(1, "net", None, ("cat", "dog", "cow"), {}, 9, b"", 1.0, None, None, 0)


def prediction(shares: list[float]) -> Prediction:
    data = struct.pack(f"<{len(shares)}f", *shares)
    return Prediction(7, 1, "dog", 0.7, 0.5, data, None, 0)


def facts() -> ImageFacts:
    return ImageFacts(
        RECORD,
        Measures(0, 255, 30.5, 255, None, True),
        (answer_of(MODEL, prediction([0.2, 0.7, 0.1])),),
        ((Action(1, 0, "tui", "label", "label it", 1, "undone"), Event(7, None, "a\x1b]0;x\x07")),),
    )


@pytest.mark.parametrize("width", [8, 24, 30, 62])
def test_every_line_is_within_the_width(width: int) -> None:
    lines = told(facts(), width).plain.split("\n")
    assert max(map(cell_len, lines)) <= max(width, 12)


def test_nothing_that_is_stored_reaches_the_terminal_as_it_is() -> None:
    text = told(facts(), 60).plain
    assert not any(sign in text for sign in "\x1b\x07")
    assert "[red]" in text


def test_a_wrong_answer_is_said_in_words() -> None:
    assert "dog 70.0 % wrong" in told(facts(), 60).plain
    right = replace(facts(), record=replace(RECORD, label="dog"))
    assert "dog 70.0 % right" in told(right, 60).plain
    unknown = replace(facts(), record=replace(RECORD, label=None))
    assert "right" not in told(unknown, 60).plain
    assert "wrong" not in told(unknown, 60).plain


def test_measures_and_history_are_told() -> None:
    text = told(facts(), 60).plain
    assert "contrast30.5" in text.replace(" ", "")
    assert "more than one" in text
    assert "(undone)" in text


def test_probabilities_of_another_number_leave_the_answer_alone() -> None:
    assert answer_of(MODEL, prediction([0.5, 0.5])).top == (("dog", 0.7),)
    assert answer_of(MODEL, prediction([0.2, 0.7, 0.1])).top[1][0] == "cat"


def test_all_that_is_known_is_read_at_once(dataset: Dataset) -> None:
    with open_repository(dataset.url) as repo:
        repo.images.set_label([1], "9", actor="test")
        found = read_facts(repo, 1)
    assert (found.record.id, found.record.label) == (1, "9")
    assert [answer.name for answer in found.answers] == ["means"]
    assert found.history[0][1].after == "9"
