"""The files that say who works on a run of a dataset file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import DatasetBusy
from storage.opening import open_repository
from storage.repository import Repository
from tests.making import new_run


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with open_repository(tmp_path / "dataset.db", create=True) as opened:
        yield opened


def test_nothing_is_left_beside_the_dataset_once_a_run_is_given_back(
    repository: Repository, tmp_path: Path
) -> None:
    run = repository.runs.create(new_run())
    before = set(tmp_path.iterdir())
    with repository.runs.hold(run):
        pass
    assert set(tmp_path.iterdir()) == before


def test_a_dataset_that_is_reached_by_a_link_has_the_same_runs_held(
    repository: Repository, tmp_path: Path
) -> None:
    run = repository.runs.create(new_run())
    link = tmp_path / "link.db"
    link.symlink_to(repository.url)
    with open_repository(link) as linked:
        assert linked.url == repository.url
        with repository.runs.hold(run):
            assert linked.runs.is_held(run)
            with pytest.raises(DatasetBusy), linked.runs.hold(run):
                pass
