"""Answers as rows: their order, their lines, and the queries that show them."""

from __future__ import annotations

import numpy as np
import pytest

from ml.predicting import Answer
from tui.classifying.answers import HEIGHTS, Answers, Seen, picture_lines, row_lines, seen_of
from tui.classifying.work import by_confidence
from tui.files.paths import tail_of
from tui.library.query_words import ids_query


def seen(source: str, confidence: float, label: str = "7") -> Seen:
    top = ((label, confidence), ("1", 1 - confidence))
    return Seen(source, top, np.full((8, 8, 3), 90, np.uint8))


def answers(*shares: float) -> Answers:
    found = Answers()
    found.add([seen(f"{at}.png", share) for at, share in enumerate(shares)])
    return found


def shown(found: Answers) -> list[str]:
    return [found.at(place).source for place in range(len(found))]


def test_answers_that_come_later_take_their_place_in_the_order() -> None:
    found = answers(0.9, 0.5)
    found.turn()
    found.add([seen("late.png", 0.7)])
    assert shown(found) == ["1.png", "late.png", "0.png"]
    found.turn()
    assert shown(found) == ["0.png", "late.png", "1.png"]


def test_the_marked_ones_are_chosen_or_all() -> None:
    found = answers(0.9, 0.5)
    assert len(found.chosen()) == 2
    found.marked.add("1.png")
    assert [each.source for each in found.chosen()] == ["1.png"]


def test_no_more_than_so_many_answers_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.classifying.answers.MOST", 3)
    assert len(answers(0.1, 0.2, 0.3, 0.4, 0.5)) == 3


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_kept_of_a_large_picture_is_small_and_colour(channels: int) -> None:
    pixels = np.full((224, 100, channels), 200, np.uint8)
    kept = seen_of(Answer("a.png", "7", 0.9, (("7", 0.9),), pixels))
    assert kept.pixels.shape == (32, 14, 3)
    assert (kept.pixels == 200).all()


def test_a_small_picture_is_kept_pixel_by_pixel() -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    kept = seen_of(Answer("a.png", "7", 0.9, (("7", 0.9),), pixels))
    assert (kept.pixels == pixels).all()


@pytest.mark.parametrize("shape", [(8, 8), (3, 32), (32, 1), (1, 1)])
def test_a_picture_fills_its_lines_whatever_its_shape(shape: tuple[int, int]) -> None:
    lines = picture_lines(np.zeros((*shape, 3), np.uint8), 4)
    assert [line.cell_length for line in lines] == [8] * 4


@pytest.mark.parametrize("height", HEIGHTS)
@pytest.mark.parametrize("width", [20, 78, 200])
def test_a_row_keeps_within_its_height_and_width(height: int, width: int) -> None:
    odd = seen("/x/" + "長[red]\x1b[2J" * 30, 0.4, label="\x1b]0;t\x07" + "日本" * 20)
    lines = row_lines(odd, width, height, below=0.8, marked=True, image=123)
    assert len(lines) <= height
    assert all("\x1b" not in line.plain for line in lines)
    assert all(line.cell_length <= max(width, 2 * (height - 1)) for line in lines)


def test_a_row_says_without_colours_what_is_unsure_marked_and_added() -> None:
    (line,) = row_lines(seen("a.png", 0.4), 78, 1, below=0.8, marked=True, image=12)
    assert "● +12 unsure? a.png" in line.plain


def test_the_end_of_a_long_path_is_shown() -> None:
    assert tail_of("/very/long/name.png", 10) == "…/name.png"
    assert tail_of("日本語.png", 8) == "…語.png"


def test_a_query_is_sorted_by_the_confidence_of_the_model_that_answered() -> None:
    query = 'label:"sort: me" sort:-width model:old split:test'
    expected = 'label:"sort: me" split:test model:"my model" sort:confidence'
    assert by_confidence(query, "my model") == expected
    assert by_confidence("", "m") == "model:m sort:confidence"


def test_a_query_by_ids_names_500_at_most() -> None:
    assert ids_query([3, 1]) == "id:3,1"
    assert ids_query(range(1, 1000)).endswith(",500")
