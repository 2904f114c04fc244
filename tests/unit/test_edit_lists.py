"""The lists that edits hand to SQLite."""

from __future__ import annotations

import json

import pytest

from storage.sqlite import edits


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7])
def test_a_list_that_is_written_in_parts_is_the_list(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(edits, "_AT_ONCE", 3)
    values = [(at, 'a "name"') for at in range(count)]
    assert json.loads(edits._json(values)) == [list(value) for value in values]
    assert json.loads(edits._json(range(count))) == list(range(count))
