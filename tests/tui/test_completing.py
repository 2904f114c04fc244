"""What the query line offers while a word is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.library.completing import Words, offer

WORDS = Words(("cat", "dog", 'sea "lion"'), ("odd", "very odd"), ("digits",))


def options(text: str) -> tuple[str, ...]:
    return offer(text, len(text), WORDS).options


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("la", "label:"),
        ("-sp", "split:"),
        ("wr", "is:wrong"),
        ("ca", "label:cat"),
        ("label:c", "cat"),
        ("label:cat,d", "dog"),
        ("label:sea", r'"sea \"lion\""'),
        ('tag:"very', '"very odd"'),
        ("-tag:o", "odd"),
        ("model:", "digits"),
        ("sort:-c", "-confidence"),
        ("split:test pre", "predicted:"),
        ("labels:c", "cat"),
    ],
)
def test_what_begins_so_is_offered_first(text: str, first: str) -> None:
    assert options(text)[0] == first


@pytest.mark.parametrize("text", ["", "label:cat ", "label:cat", "width:1", "nonsense:x", "zzz"])
def test_nothing_is_offered_where_nothing_fits(text: str) -> None:
    assert options(text) == ()


def test_an_option_takes_the_place_of_what_was_typed() -> None:
    offered = offer("split:test la conf<1", 13, WORDS)
    assert offered.taken("split:test la conf<1", "label:") == ("split:test label: conf<1", 17)


def test_a_value_ends_its_word() -> None:
    offered = offer("label:c", 7, WORDS)
    assert offered.taken("label:c", "cat") == ("label:cat ", 10)


@given(st.text(max_size=30), st.integers(0, 30))
def test_any_text_is_looked_at_without_an_error(text: str, cursor: int) -> None:
    at = min(cursor, len(text))
    offered = offer(text, at, WORDS)
    assert 0 <= offered.start <= offered.end == at
