"""The benchmark's book: what counts as met, what is taken up from an earlier file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.benchmarks.measuring import Aim, Book, Failure, measured, shown

ACCURACY = Aim("mnist", "accuracy", "at least", 0.996)
LOST = Aim("resume", "lost", "at most", 10.0, "worst")


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_aim_by_the_mean_is_met_by_the_mean() -> None:
    assert ACCURACY.met(ACCURACY.value([0.995, 0.997]))
    assert not ACCURACY.met(ACCURACY.value([0.995, 0.996]))


def test_an_aim_by_the_worst_run_is_missed_by_one_run() -> None:
    assert not LOST.met(LOST.value([1.0, 10.1]))


def test_a_figure_is_judged_as_precisely_as_it_is_shown() -> None:
    assert LOST.met(10.004)
    assert not LOST.met(10.006)


def test_a_share_is_shown_in_percent() -> None:
    assert shown("accuracy", 0.9927) == "99.27 %"


def test_a_missed_aim_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = Book(1.0, tmp_path / "out.jsonl")
    book.add("mnist", "pixshelf", 0, accuracy=0.99)
    assert not book.judge([ACCURACY])
    assert "MISSED" in capsys.readouterr().out
    assert rows(tmp_path / "out.jsonl")[-1]["verdict"] == "MISSED"


def test_only_our_own_side_is_judged() -> None:
    book = Book(1.0)
    book.add("mnist", "pixshelf", 0, accuracy=0.997)
    book.add("mnist", "reference", 0, accuracy=0.5)
    assert book.judge([ACCURACY])


def test_a_part_that_failed_is_no_success() -> None:
    book = Book(1.0)
    book.fail("mnist", "it did not start")
    assert not book.judge([ACCURACY])


def test_at_another_scale_nothing_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    book = Book(0.1)
    book.add("mnist", "pixshelf", 0, accuracy=0.5)
    assert book.judge([ACCURACY])
    assert "not full" in capsys.readouterr().out


def test_the_references_figures_are_taken_up_again(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    first = Book(1.0, out)
    first.begin()
    first.add("mnist", "reference", 3, seconds=150.0, accuracy=0.9927)
    first.add("mnist-time", "pixshelf", 3, accuracy=0.996)
    again = Book(1.0, out)
    again.recall()
    known = again.find("mnist", "reference", 3)
    assert known is not None
    assert known.figures == {"seconds": 150.0, "accuracy": 0.9927}
    assert again.find("mnist", "reference", 0) is None
    assert len(again.runs) == 1


def test_figures_of_another_scale_are_none(tmp_path: Path) -> None:
    Book(0.02, tmp_path / "out.jsonl").add("mnist", "reference", 0, seconds=5.0)
    book = Book(1.0, tmp_path / "out.jsonl")
    book.recall()
    assert book.find("mnist", "reference", 0) is None


def test_a_process_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(Failure, match="left with 1: no such thing"):
        measured(command, tmp_path)


def test_the_memory_of_a_process_is_that_of_the_largest_under_it(tmp_path: Path) -> None:
    inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'b\"x\" * 200_000_000'])"
    assert measured([sys.executable, "-c", inner], tmp_path).peak > 200
