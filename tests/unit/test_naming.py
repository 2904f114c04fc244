"""The names of new models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.naming import chosen_name, made_name
from storage.errors import UsageError
from storage.labels import LONGEST, clean_name
from storage.opening import open_repository
from storage.repository import Repository
from tests.making import new_model


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "d.db", create=True) as opened:
        for name in ("pets", "pets-2", "imported"):
            opened.models.add(new_model("a", name=name))
        yield opened


def test_a_chosen_name_is_stored_without_space_around_it(repository: Repository) -> None:
    assert chosen_name(repository, " cats ") == "cats"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7", "name: .* is a number"),
        ("", "name: .* is empty"),
        ("a\nb", "name: .* control character"),
        ("pets", "name: received 'pets', which a model has"),
        (" pets ", "name: received 'pets', which a model has"),
    ],
)
def test_a_chosen_name_that_another_model_has_or_that_is_none_is_refused(
    repository: Repository, text: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        chosen_name(repository, text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("cats", "cats"),
        ("pets", "pets-3"),
        (" \x1b\n", "imported-2"),
        ("7", "imported 7"),
        ("e\u0301t\udcff", "\xe9t"),
    ],
)
def test_a_name_is_made_of_any_file_s(repository: Repository, stem: str, name: str) -> None:
    assert made_name(repository, stem) == name
    assert clean_name(name) == name


def test_a_name_that_is_made_is_not_too_long_however_long_the_file_s_is(
    repository: Repository,
) -> None:
    long = made_name(repository, "\u0958" * 250)
    repository.models.add(new_model("a", name=long))
    other = made_name(repository, "\u0958" * 250)
    assert other != long
    assert len(clean_name(other)) <= LONGEST
