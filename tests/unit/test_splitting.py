"""Which split a picture falls into by its content."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest

from storage.errors import UsageError
from storage.splitting import assign_split

EXPECTED = "rrreerrreerrerrrrrrerrrararrrerrrrererrr"
HASHES = [sha256(b"%d" % number).digest()[:16] for number in range(4000)]


def test_a_split_never_changes() -> None:
    assert [assign_split(HASHES[number], 0) for number in range(6)] == [
        assign_split(HASHES[number], 0) for number in range(6)
    ]


def test_the_splits_of_these_pictures_are_these_for_good() -> None:
    names = "".join(assign_split(one, 7)[1] for one in HASHES[:40])
    assert names == EXPECTED


def test_shares_are_met_on_average() -> None:
    found = Counter(assign_split(one, 3, (0.5, 0.3, 0.2)) for one in HASHES)
    assert found["train"] == pytest.approx(2000, abs=130)
    assert found["val"] == pytest.approx(1200, abs=120)
    assert found["test"] == pytest.approx(800, abs=110)


def test_another_seed_gives_other_splits() -> None:
    assert [assign_split(one, 0) for one in HASHES] != [assign_split(one, 1) for one in HASHES]


def test_ratios_are_weights() -> None:
    assert [assign_split(one, 0, (8, 1, 1)) for one in HASHES] == [
        assign_split(one, 0) for one in HASHES
    ]


@pytest.mark.parametrize(("ratios", "only"), [((1, 0, 0), "train"), ((0, 1, 0), "val")])
def test_a_share_of_nothing_gets_nothing(ratios: tuple[float, float, float], only: str) -> None:
    assert {assign_split(one, 0, ratios) for one in HASHES} == {only}


@pytest.mark.parametrize("ratios", [(0, 0, 0), (1, -1, 1), (float("nan"), 1, 1)])
def test_ratios_that_are_no_shares_are_refused(ratios: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="not shares of a whole"):
        assign_split(HASHES[0], 0, ratios)
