"""What a label or a tag may be."""

from __future__ import annotations

import pytest

from storage.errors import RefusedInput
from storage.labels import clean_label, clean_tag, clean_tags


def test_space_around_a_label_is_taken_off() -> None:
    assert clean_label("  big cat \n") == "big cat"


def test_two_ways_to_write_one_letter_are_one_label() -> None:
    assert clean_label("cafe\u0301") == clean_label("caf\u00e9") == "caf\u00e9"


@pytest.mark.parametrize("text", ["🐈‍⬛", 'say "cat"', "it's", "a/b", "=1+1", "数字"])
def test_any_printable_text_will_do(text: str) -> None:
    assert clean_label(text) == text


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_label_is_refused(text: str) -> None:
    with pytest.raises(RefusedInput, match="label is empty"):
        clean_label(text)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "a\0b", "a\x1b[31m", "a\u2028b", "a\udcffb"])
def test_control_characters_are_refused_by_their_number(text: str) -> None:
    with pytest.raises(RefusedInput, match=r"control character, U\+[0-9A-F]{4}"):
        clean_label(text)


def test_two_hundred_characters_are_the_most() -> None:
    assert clean_label("x" * 200) == "x" * 200
    with pytest.raises(RefusedInput, match="has 201 characters; 200 are the most"):
        clean_label("x" * 201)


def test_a_tag_with_a_comma_is_refused() -> None:
    with pytest.raises(RefusedInput, match="comma"):
        clean_tag("a,b")


def test_tags_are_kept_once_in_the_order_given() -> None:
    assert clean_tags(["b", " a", "b "]) == ("b", "a")
