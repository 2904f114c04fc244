"""Runs that are no longer wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.errors import DatasetBusy, NotFound
from storage.repository import Repository
from tests.backends import Backend
from tests.making import checkpoint, epoch, new_run
from tests.ml_fixtures import digits_model


def test_a_removed_run_takes_its_epochs_and_checkpoints_along(repository: Repository) -> None:
    run, other = repository.runs.create(new_run()), repository.runs.create(new_run())
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repository.runs.remove(run)
    assert [record.id for record in repository.runs.all()] == [other]
    with pytest.raises(NotFound, match=f"no run {run}"):
        repository.runs.checkpoint(run, "last")
    assert list(repository.check()) == []


def test_the_model_of_a_removed_run_stays(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    model = repository.models.add(replace(digits_model(), run=run))
    repository.runs.remove(run)
    assert repository.models.get(model).run is None


def test_a_run_that_a_process_works_on_is_not_removed(
    repository: Repository, backend: Backend
) -> None:
    run = repository.runs.create(new_run())
    with (
        repository.runs.hold(run),
        backend.open() as second,
        pytest.raises(DatasetBusy, match=f"run {run}"),
    ):
        second.runs.remove(run)
    assert repository.runs.get(run).id == run


def test_a_run_that_is_not_there_cannot_be_removed(repository: Repository) -> None:
    with pytest.raises(NotFound, match="no run 9"):
        repository.runs.remove(9)
