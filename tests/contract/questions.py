"""Queries as hypothesis makes them up: every word of the language, with values that something in a
small dataset has and values that nothing has.
"""

from __future__ import annotations

from hypothesis import strategies as st

from storage.query import SORT_KEYS, STATES, quote

LABELS = ("a", "b", "B", "10", 'é "2", 3%_')
TAGS = ("x", "y", "10")
MODELS = ("one", "two")
CONFIDENCES = (0.0, 0.25, 0.5, 0.75, 0.8, 1.0)
SIDES = (1, 7, 28, 29, 300)
FORMATS = ("png", "jpeg")
SOURCES = ("a.png", "a/b.png", "b/a.jpg", "A.PNG", "[a]-^*.png", "c d%_\\é.png")

_NUMBERS = st.sampled_from((0, 1, 2, 3, 5, 7, 8, 28, 29, 300, -1, 2**63 - 1, -(2**63) + 1))
_REALS = st.sampled_from((*CONFIDENCES, 0.1, -1.0, 1e18))
_OPERATORS = st.sampled_from((":", "<", "<=", ">", ">="))
_PATTERNS = st.sampled_from(
    (
        "*",
        "*.png",
        "?.png",
        "a*",
        "[ab]*",
        "[^a]*",
        "[]a]*",
        "[a-c]*",
        "[[]*",
        "[a",
        "**a?*",
        "[^]]*",
    )
) | st.text("ab./[]^-*?%_\\ é", min_size=1, max_size=6)


def _listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3).map(lambda some: ",".join(map(quote, some)))


def _text(field: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return _listed(values).map(lambda some: f"{field}:{some}")


def _number(field: str, values: st.SearchStrategy[float]) -> st.SearchStrategy[str]:
    equal = _listed(values.map(str)).map(lambda some: f"{field}:{some}")
    return equal | st.builds("{}{}{}".format, st.just(field), _OPERATORS, values)


_WORDS = st.one_of(
    _text("label", st.sampled_from((*LABELS, "nobody"))),
    _text("predicted", st.sampled_from((*LABELS, "nobody"))),
    _text("tag", st.sampled_from((*TAGS, "nobody"))),
    _text("split", st.sampled_from(("train", "val", "test", "none"))),
    _text("format", st.sampled_from((*FORMATS, "gif"))),
    _text("source", _PATTERNS),
    _text("is", st.sampled_from(STATES)),
    _text("is", st.sampled_from(STATES[:8])),
    *(_number(name, _NUMBERS) for name in ("id", "width", "height", "bytes", "channels")),
    *(_number(name, _REALS) for name in ("conf", "margin")),
)
_SORTS = st.builds("sort:{}{}".format, st.sampled_from(("", "-")), st.sampled_from(SORT_KEYS))
_MODELS = st.sampled_from((*MODELS, "1", "2", "nobody")).map("model:{}".format)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A query's text, which `parse` reads."""
    words = [
        f"{draw(st.sampled_from(('', '', '-')))}{draw(_WORDS)}"
        for _ in range(draw(st.integers(0, 3)))
    ]
    if draw(st.booleans()):
        words.append(draw(_SORTS))
    if draw(st.integers(0, 5)) == 5:
        words.append(draw(_MODELS))
    return " ".join(words)
