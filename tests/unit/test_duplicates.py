"""Groups of duplicates are those that comparing every two hashes gives, found without doing so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from storage.duplicates import (
    MOST,
    Kind,
    across_splits,
    equal_labels,
    find_groups,
    gather,
    groups_of,
    kept_of,
    near_labels,
)
from storage.errors import UsageError
from storage.records import Fingerprint, Split

SEEDS = st.integers(0, 2**32 - 1)


def by_brute_force(hashes: NDArray[np.uint64], distance: int) -> list[int]:
    """The lowest place of each hash's group, by comparing every two."""
    parents = list(range(len(hashes)))

    def root(place: int) -> int:
        return place if parents[place] == place else root(parents[place])

    for one, other in itertools.combinations(range(len(hashes)), 2):
        if (int(hashes[one]) ^ int(hashes[other])).bit_count() <= distance:
            low, high = sorted((root(one), root(other)))
            parents[high] = low
    return [root(place) for place in range(len(hashes))]


def print_of(
    number: int, *, dhash: int = 1, pixels: int = 0, split: Split | None = None, **facts: int
) -> Fingerprint:
    return Fingerprint(
        id=number,
        pixel_hash=pixels.to_bytes(16, "little"),
        dhash=dhash,
        split=split,
        width=facts.get("width", 10),
        height=facts.get("height", 10),
        bytes=facts.get("size", 100),
    )


def groups(prints: list[Fingerprint], kind: Kind, distance: int = 4) -> list[list[int]]:
    gathered = gather(prints)
    return [gathered.ids[group].tolist() for group in find_groups(gathered, kind, distance)]


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, MOST))
def test_any_hashes_are_grouped_as_by_brute_force(numbers: list[int], distance: int) -> None:
    hashes = np.array(numbers, np.uint64)
    assert near_labels(hashes, distance).tolist() == by_brute_force(hashes, distance)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(0, MOST), st.integers(1, 30), st.integers(0, 12))
def test_hashes_around_a_few_centres_are_grouped_as_by_brute_force(
    seed: int, distance: int, centres: int, flips: int
) -> None:
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, centres, dtype=np.uint64)[random.integers(0, centres, 60)]
    for _ in range(flips):
        hashes = hashes ^ (np.uint64(1) << random.integers(0, 64, 60).astype(np.uint64))
    assert near_labels(hashes, distance).tolist() == by_brute_force(hashes, distance)


@pytest.mark.parametrize("distance", [1, 4, 7])
def test_hashes_that_share_most_of_their_bits_are_grouped_as_by_brute_force(
    distance: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.duplicates._RUN", 4)
    monkeypatch.setattr("storage.duplicates._CHECK_EVERY", 2)
    random = np.random.default_rng(distance)
    hashes = random.integers(0, 2**20, 300, dtype=np.uint64) << np.uint64(20)
    assert near_labels(hashes, distance).tolist() == by_brute_force(hashes, distance)


def test_a_hundred_thousand_equal_hashes_are_one_group() -> None:
    labels = near_labels(np.full(100_000, 7, np.uint64), 4)
    assert not labels.any()


def test_a_chain_of_near_hashes_is_one_group() -> None:
    chain = np.array([0, 0b1111, 0b11111111, 0b111111111111], np.uint64)
    assert near_labels(chain, 4).tolist() == [0, 0, 0, 0]
    assert near_labels(chain, 3).tolist() == [0, 1, 2, 3]


def test_no_hash_at_all_gives_no_group() -> None:
    assert near_labels(np.array([], np.uint64), 4).tolist() == []
    assert groups([], "near") == groups([], "pixels") == []


@pytest.mark.parametrize("distance", [-1, MOST + 1])
def test_a_distance_out_of_range_is_a_usage_error(distance: int) -> None:
    with pytest.raises(UsageError, match=f"distance is {distance}"):
        near_labels(np.array([1], np.uint64), distance)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_equal_rows_have_the_first_place_of_their_kind(rows: list[tuple[int, int]]) -> None:
    keys = np.array(rows, np.uint64).reshape(-1, 2)
    assert equal_labels(keys).tolist() == [rows.index(row) for row in rows]


def test_groups_have_two_places_or_more_in_order() -> None:
    found = groups_of(np.array([0, 1, 0, 3, 1, 0]))
    assert [group.tolist() for group in found] == [[0, 2, 5], [1, 4]]


def test_equal_pixels_are_a_group_whatever_their_looks() -> None:
    prints = [print_of(1, pixels=5), print_of(2, pixels=6), print_of(3, pixels=5)]
    assert groups(prints, "pixels") == [[1, 3]]


def test_near_duplicates_are_those_whose_looks_differ_little() -> None:
    prints = [print_of(1, dhash=-1, pixels=1), print_of(2, dhash=-16, pixels=2)]
    prints.append(print_of(3, dhash=255, pixels=3))
    assert groups(prints, "near") == [[1, 2]]
    assert groups(prints, "near", 3) == []


def test_pictures_without_an_edge_are_near_only_where_their_pixels_are_equal() -> None:
    black = [print_of(1, dhash=0, pixels=1), print_of(2, dhash=0, pixels=1)]
    white = [print_of(3, dhash=0, pixels=2), print_of(4, dhash=1, pixels=3)]
    assert groups(black + white, "near") == [[1, 2]]


def test_the_same_bytes_are_never_twice_in_a_dataset() -> None:
    assert groups([print_of(1), print_of(2)], "exact") == []


def test_groups_within_one_split_do_not_straddle() -> None:
    prints = gather(
        [
            print_of(1, pixels=1, split="train"),
            print_of(2, pixels=1, split="test"),
            print_of(3, pixels=1),
            print_of(4, pixels=2, split="val"),
            print_of(5, pixels=2, split="val"),
            print_of(6, pixels=2),
        ]
    )
    across = across_splits(prints, find_groups(prints, "pixels"))
    assert [prints.ids[group].tolist() for group in across] == [[1, 2]]


def test_the_first_or_the_largest_of_a_group_is_kept() -> None:
    prints = gather(
        [
            print_of(4, width=10, size=900),
            print_of(7, width=20, size=100),
            print_of(8, width=20, size=200),
            print_of(9, width=20, size=200),
        ]
    )
    group = np.arange(4)
    assert prints.ids[kept_of(prints, group, "first")] == 4
    assert prints.ids[kept_of(prints, group, "largest")] == 8
