"""What PostgreSQL's scanner takes for code is seen as code, and what it takes for text is not."""

from __future__ import annotations

import pytest

from storage.errors import UsageError
from storage.postgres.tokens import calls, first_words, tokens


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("SELECT f(1)", {"f"}),
        ("SELECT pg_catalog . F /* x */ -- y\n (1)", {"f"}),
        ('SELECT "F""g"(1)', {'f"g'}),
        ("SELECT 'f(1)'", set()),
        ("SELECT 'it''s f(1)'", set()),
        ("SELECT 'a\\', f(1) --'", {"f"}),
        ("SELECT E'a\\', f(1) --'", set()),
        ("SELECT E'a\\\\', f(1) --'", {"f"}),
        ("SELECT nameE'a\\', f(1) --'", {"f"}),
        ("SELECT U&'a\\', f(1) --'", {"f"}),
        ("SELECT $$ f(1) $$", set()),
        ("SELECT $a$ $b$ f(1) $a$, g(1)", {"g"}),
        ("SELECT a$b$, f(1) --$b$", {"f"}),
        ("SELECT 1 -- f(1)", set()),
        ("SELECT 1 -- x\r, f(1)", {"f"}),
        ("SELECT 1 /* /* f(1) */ g(1) */, h(1)", {"h"}),
        ("SELECT 1 /*/ f(1) */, h(1)", {"h"}),
        ("SELECT 1 */* x */ f(1)", {"f"}),
        ("SELECT ä(1)", {"ä"}),
        (f"SELECT {'n' * 70}(1)", {"n" * 63}),
        ("SELECT 1e5, .5, 1., 0x1F, 1_000, f(2)", {"f"}),
    ],
)
def test_what_is_called_is_found_outside_of_strings_and_comments(
    text: str, called: set[str]
) -> None:
    assert calls(list(tokens(text))) == called


@pytest.mark.parametrize(
    "text",
    [
        'SELECT U&"f"(1)',
        "SELECT E'a'\n'b\\', f(1) --'",
        "SELECT E'a' -- more\n'b\\', f(1) --'",
        "SELECT 1a$b$, f(1) --$b$",
        "SELECT 1$b$ f(1) $b$",
        "SELECT $1",
        "SELECT 'open",
        'SELECT "open',
        "SELECT $a$ open",
        "SELECT /* open",
        "SELECT /* /* open */",
    ],
)
def test_what_is_not_closed_or_read_otherwise_by_some_versions_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^SQL: [^\n]*$"):
        list(tokens(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("",)),
        ("-- nothing", ("",)),
        ("select 1", ("select",)),
        ("((SELECT 1))", ("select",)),
        ("/* x */ With a AS (SELECT 1) TABLE a", ("with",)),
        ("EXPLAIN SELECT 1", ("explain", "select")),
        ("EXPLAIN ANALYZE VERBOSE DELETE FROM image", ("explain", "delete")),
        ("EXPLAIN (ANALYZE, FORMAT json) (SELECT 1)", ("explain", "select")),
        ("EXPLAIN (SELECT 1)", ("explain", "select")),
        ("EXPLAIN", ("explain", "")),
        ('"select" 1', ('"select"',)),
    ],
)
def test_what_a_statement_is_stands_in_its_first_words(text: str, words: tuple[str, ...]) -> None:
    assert first_words(list(tokens(text))) == words
