"""Queries changed as text: what is written reads back as what is meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import QueryError
from storage.query import Query, Sort, Term, parse
from tui.library.query_words import ordered, standing, toggled, words_of, written

# Half of a surrogate pair and NUL are in no text of a dataset, and refused.
VALUES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6
)
TERMS = st.builds(
    Term,
    st.sampled_from(["label", "tag", "source", "predicted"]),
    st.just(":"),
    st.lists(VALUES, min_size=1, max_size=3).map(tuple),
    st.booleans(),
)


@given(
    st.lists(TERMS, max_size=4).map(tuple),
    st.builds(Sort, st.sampled_from(["id", "confidence"]), st.booleans()),
    st.none() | VALUES,
)
def test_a_written_query_reads_back_as_itself(
    terms: tuple[Term, ...], sort: Sort, model: str | None
) -> None:
    query = Query(terms, sort, model)
    assert parse(written(query)) == query


@pytest.mark.parametrize(
    ("before", "field", "value", "out", "after"),
    [
        ("", "label", "7", False, "label:7"),
        ("label:7", "label", "9", False, "label:7,9"),
        ("label:7,9", "label", "7", False, "label:9"),
        ("label:7", "label", "7", False, ""),
        ("label:7", "label", "7", True, "-label:7"),
        ("-label:7", "label", "7", False, "label:7"),
        ("-label:7", "label", "7", True, ""),
        ("split:test conf<0.8", "label", "a b", False, 'split:test conf<0.8 label:"a b"'),
        ("sort:-confidence", "is", "wrong", False, "is:wrong sort:-confidence"),
    ],
)
def test_a_value_is_put_in_taken_out_and_negated(
    before: str, field: str, value: str, out: bool, after: str
) -> None:
    assert toggled(before, field, value, out=out) == after


def test_a_query_tells_how_a_value_stands_in_it() -> None:
    query = parse("label:7 -tag:odd")
    assert standing(query, "label", "7") == "in"
    assert standing(query, "tag", "odd") == "out"
    assert standing(query, "tag", "7") == ""


def test_another_order_leaves_the_words() -> None:
    assert ordered("label:7 sort:width", Sort("bytes", True)) == "label:7 sort:-bytes"
    assert ordered("sort:width", Sort()) == ""


def test_a_query_that_cannot_be_read_is_not_changed() -> None:
    with pytest.raises(QueryError):
        toggled("labl:7", "label", "7")


def test_the_order_can_be_left_out_of_the_words() -> None:
    assert words_of(parse("label:7 sort:width model:a"), ordered=False) == ["label:7", "model:a"]
