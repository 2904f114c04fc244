"""The query language: what is read, and how what is not understood is pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import QueryError
from storage.query import MAX_SETS, MAX_VALUES, Query, Sort, Term, parse, quote


def test_words_become_terms_in_order() -> None:
    assert parse("label:7 -label:9  split:test width>100") == Query(
        (
            Term("label", ":", ("7",)),
            Term("label", ":", ("9",), negated=True),
            Term("split", ":", ("test",)),
            Term("width", ">", (100,)),
        )
    )


def test_sort_and_model_are_not_terms() -> None:
    query = parse("sort:-conf model:best is:wrong")
    assert query == Query((Term("is", ":", ("wrong",)),), Sort("confidence", True), "best")


def test_quotes_keep_spaces_commas_and_quotes() -> None:
    (term,) = parse(r'label:"a b, \"c\" \\",d').terms
    assert term.values == ('a b, "c" \\', "d")


def test_american_spelling_is_understood() -> None:
    assert parse("is:unlabeled") == parse("is:unlabelled")


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_a_quoted_value_is_read_back_exactly(value: str) -> None:
    (term,) = parse(f"label:{quote(value)}").terms
    assert term.values == (value,)


def _parse_or_error(text: str) -> Query | QueryError:
    try:
        return parse(text)
    except QueryError as error:
        return error


@given(st.text(max_size=200))
def test_any_text_is_a_query_or_an_error_that_points_into_it(text: str) -> None:
    answer = _parse_or_error(text)
    if isinstance(answer, QueryError):
        assert 0 <= answer.start <= answer.end <= len(answer.text)


@pytest.mark.parametrize(
    ("text", "word", "hint"),
    [
        ("label:7 colour:red", "colour:red", "Known: bytes"),
        ("widht>10", "widht>10", "'width'"),
        ("wrong", "wrong", "is:wrong"),
        ("split:test seven", "seven", "label:seven"),
        ("is:wrnog", "is:wrnog", "'wrong'"),
        ("split:valid", "split:valid", "'val'"),
        ("width>wide", "width>wide", "width>10"),
        ("conf<nan", "conf<nan", None),
        ("width>99999999999999999999", "width>99999999999999999999", None),
        ("label>7", "label>7", "label:VALUE"),
        ("label:", "label:", "label:VALUE"),
        ('label:"open', "label:", "Close it"),
        ("sort:label", "sort:label", "Known: id"),
        ("sort:id sort:id", "sort:id", "one key"),
        ("model:1 model:2", "model:2", "one model"),
        ("-sort:id", "-sort:id", "sort:VALUE"),
        ("width>1,2", "width>1,2", None),
        ("()", "()", "FIELD:VALUE"),
    ],
)
def test_what_is_not_understood_is_pointed_at(text: str, word: str, hint: str | None) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert error.text[error.start : error.end] == word
    assert (hint or "") in (error.hint or "")


def test_a_query_is_bounded() -> None:
    with pytest.raises(QueryError, match="characters"):
        parse("x" * 20_000)
    with pytest.raises(QueryError, match="values"):
        parse("label:" + ",".join(["a"] * (MAX_VALUES + 1)))


@pytest.mark.parametrize("character", ["\0", "\udfff"])
def test_a_character_that_no_text_has_is_refused_where_it_stands(character: str) -> None:
    with pytest.raises(QueryError, match=rf"U\+{ord(character):04X} in the query") as refused:
        parse(f"label:a{character}b")
    assert (refused.value.start, refused.value.end) == (7, 8)


def test_a_pattern_with_too_many_sets_is_refused() -> None:
    parse("source:" + "[a-c]" * MAX_SETS)
    with pytest.raises(QueryError, match="more than 100 sets"):
        parse("source:" + "[a-c]" * (MAX_SETS + 1))


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("is:wrong", True),
        ("is:wrong,right", True),
        ("conf<0.5", True),
        ("sort:margin", True),
        ("is:wrong,unlabelled", False),
        ("-is:wrong", False),
        ("label:7", False),
    ],
)
def test_a_query_needs_a_prediction_where_nothing_else_will_do(text: str, needed: bool) -> None:
    assert parse(text).needs_prediction is needed
