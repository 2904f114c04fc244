"""Runs while they run: who works on one, and what is put in its place in the middle."""

from __future__ import annotations

import pytest

from storage.errors import DatasetBusy, NotFound
from storage.repository import Repository
from tests.backends import Backend
from tests.making import checkpoint, epoch, new_run


def test_a_run_is_held_for_as_long_as_the_block_lasts(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    assert not repository.runs.is_held(run)
    with repository.runs.hold(run):
        assert repository.runs.is_held(run)
    assert not repository.runs.is_held(run)


def test_a_run_is_held_by_one_at_a_time(repository: Repository, backend: Backend) -> None:
    run, other = repository.runs.create(new_run()), repository.runs.create(new_run())
    with repository.runs.hold(run), backend.open() as second:
        assert second.runs.is_held(run)
        with pytest.raises(DatasetBusy, match=f"run {run}"), second.runs.hold(run):
            pass
        with second.runs.hold(other):
            assert repository.runs.is_held(other)
    with repository.runs.hold(run):
        pass


def test_an_error_in_the_block_gives_the_run_back(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    with pytest.raises(ValueError, match="in the block"), repository.runs.hold(run):
        raise ValueError("in the block")
    assert not repository.runs.is_held(run)


def test_a_checkpoint_within_an_epoch_takes_the_place_of_the_last(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    repository.runs.save_checkpoint(run, checkpoint(1))
    assert repository.runs.checkpoint(run, "last") == checkpoint(1)
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(2), best=checkpoint(2))
    repository.runs.save_checkpoint(run, checkpoint(3))
    assert repository.runs.checkpoint(run, "last") == checkpoint(3)
    assert repository.runs.checkpoint(run, "best") == checkpoint(2)
    assert repository.runs.get(run).epochs == (epoch(1),)
    repository.runs.save_checkpoint(run, checkpoint(4), best=checkpoint(5))
    assert repository.runs.checkpoint(run, "last") == checkpoint(4)
    assert repository.runs.checkpoint(run, "best") == checkpoint(5)


def test_a_revised_run_has_other_settings_and_another_length(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    repository.runs.save_checkpoint(run, checkpoint(1))
    repository.runs.revise(run, settings={"batch": 8}, total_epochs=5, total_steps=50)
    record = repository.runs.get(run)
    assert (record.settings, record.total_epochs, record.total_steps) == ({"batch": 8}, 5, 50)
    assert repository.runs.checkpoint(run, "last") == checkpoint(1)
    repository.runs.revise(
        run, settings={"batch": 4}, total_epochs=5, total_steps=100, last=checkpoint(2)
    )
    assert repository.runs.get(run).total_steps == 100
    assert repository.runs.checkpoint(run, "last") == checkpoint(2)


def test_a_reopened_run_runs_again_with_all_that_it_had(repository: Repository) -> None:
    run = repository.runs.create(new_run())
    repository.runs.record_epoch(run, epoch(1), last=checkpoint(1), best=checkpoint(1))
    repository.runs.finish(run, "failed", error="the power went")
    repository.runs.reopen(run, 4_321)
    record = repository.runs.get(run)
    assert (record.status, record.pid) == ("running", 4_321)
    assert (record.finished_at, record.error) == (None, None)
    assert (len(record.epochs), repository.runs.checkpoint(run, "last")) == (1, checkpoint(1))


def test_a_run_that_is_not_there_cannot_be_held_or_changed(repository: Repository) -> None:
    assert not repository.runs.is_held(9)
    for use in (
        lambda: repository.runs.hold(9).__enter__(),
        lambda: repository.runs.reopen(9, 1),
        lambda: repository.runs.save_checkpoint(9, checkpoint(1)),
        lambda: repository.runs.revise(9, settings={}, total_epochs=1, total_steps=1),
    ):
        with pytest.raises(NotFound, match="no run 9"):
            use()
