"""Order and schedule: pure functions, and what they promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ml.order import batches, permutation
from ml.schedule import averaging, one_cycle


def test_a_permutation_has_every_number_once() -> None:
    assert sorted(permutation(0, 1, 1_000).tolist()) == list(range(1_000))


def test_the_same_seed_and_epoch_give_the_same_order() -> None:
    assert permutation(5, 3, 100).tolist() == permutation(5, 3, 100).tolist()


def test_another_epoch_gives_another_order() -> None:
    orders = [tuple(permutation(0, epoch, 50).tolist()) for epoch in range(1, 101)]
    assert len(set(orders)) == 100


def test_another_seed_gives_another_order_even_where_their_sums_agree() -> None:
    assert permutation(1, 2, 50).tolist() != permutation(2, 1, 50).tolist()


def test_the_order_never_changes_between_versions() -> None:
    assert permutation(0, 1, 10).tolist() == [9, 0, 6, 7, 4, 3, 2, 1, 8, 5]


def test_neighbours_do_not_stay_neighbours() -> None:
    order = permutation(0, 1, 10_000)
    assert (np.abs(np.diff(order)) == 1).sum() < 10


def test_every_image_is_in_an_epoch_and_all_batches_are_full() -> None:
    epoch = batches(0, 1, 10, 4)
    assert epoch.shape == (3, 4)
    assert set(epoch.ravel().tolist()) == set(range(10))


def test_the_learning_rate_rises_to_its_highest_and_falls_to_nothing() -> None:
    rates = [one_cycle(step / 100) for step in range(101)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1.0)
    assert all(a < b for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(a > b for a, b in itertools.pairwise(rates[top:]))
    assert rates[-1] == pytest.approx(0.0)


def test_a_position_outside_the_training_is_held_at_its_ends() -> None:
    assert one_cycle(-1) == one_cycle(0)
    assert one_cycle(2) == one_cycle(1)


def test_the_average_forgets_the_beginning_quickly() -> None:
    assert averaging(0.995, 0) == pytest.approx(0.1)
    assert averaging(0.995, 10_000) == 0.995
