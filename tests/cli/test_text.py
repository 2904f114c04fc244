"""Text on its way to a terminal: cleaned, measured, set in columns."""

from __future__ import annotations

import pytest

from cli.text import (
    in_bytes,
    in_columns,
    in_time,
    nearest,
    percent,
    plural,
    printable,
    shorten,
    when,
    width,
)


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31mred\x1b[0m",
        "\x1b]0;title\x07red",
        "\x1b]8;;http://x\x1b\\red\x1b]8;;\x1b\\",
        "\x1bPq#0\x1b\\red",
        "\x9b2Jred",
        "\x1bcred",
    ],
)
def test_escape_sequences_are_taken_out_whole(text: str) -> None:
    assert printable(text) == "red"


@pytest.mark.parametrize("char", ["\n", "\r", "\t", "\x00", "\x7f", "\x85", "\u202e", "\u2028"])
def test_a_control_character_becomes_a_visible_one(char: str) -> None:
    assert printable(f"a{char}b") == "a\ufffdb"


def test_half_a_character_becomes_a_visible_one() -> None:
    assert printable("a\udcffb") == "a\ufffdb"


@pytest.mark.parametrize("text", ["plain", "Katze 🐈", "猫", "naïve", "👩\u200d🚀", 'a "b"'])
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_an_unfinished_sequence_leaves_no_escape() -> None:
    assert "\x1b" not in printable("a\x1b[12")
    assert "\x1b" not in printable("a\x1b")


def test_wide_letters_take_two_cells_and_accents_none() -> None:
    assert [width("ab"), width("猫"), width("e\u0301")] == [2, 4 - 2, 1]


def test_long_text_is_cut_within_its_cells() -> None:
    assert shorten("abcdef", 4) == "abc…"
    assert width(shorten("猫猫猫", 4)) <= 4
    assert shorten("abc", 4) == "abc"


def test_columns_are_aligned() -> None:
    lines = in_columns(["id", "label"], [["1", "猫"], ["10", "dog"]], right=[True])
    assert lines == ["id  label", " 1  猫", "10  dog"]


def test_the_nearest_word_is_found_and_a_far_one_is_not() -> None:
    assert nearest("labl", ["label", "split"]) == "label"
    assert nearest("zzz", ["label", "split"]) is None


def test_figures_are_written_for_people() -> None:
    assert plural(1, "image") == "1 image"
    assert plural(1797, "image") == "1,797 images"
    assert [in_bytes(512), in_bytes(1536), in_bytes(5 << 40)] == ["512 B", "1.5 KiB", "5.0 TiB"]
    assert [in_time(0.44), in_time(12.2), in_time(185)] == ["0.4 s", "12 s", "3 min 5 s"]
    assert [in_time(3_599), in_time(7_790)] == ["59 min 59 s", "2 h 10 min"]
    assert [percent(0.98611), percent(None)] == ["98.61 %", "-"]
    assert when(0) == "1970-01-01T00:00:00Z"
