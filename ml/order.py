"""The order in which a training sees its images: a pure function of seed and epoch.

There is no generator with a state to save. The arithmetic is written out here, so that the same
seed gives the same order in every version of numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The numbers 0..count-1 in the order of this epoch (counted from 1)."""
    import numpy as np

    start = np.array([seed, epoch], np.uint64)
    key = _mixed(_mixed(start[:1]) ^ start[1:])
    keys = _mixed(np.arange(count, dtype=np.uint64) * np.uint64(_GOLDEN) + key)
    return np.argsort(keys, kind="stable")


def batches(seed: int, epoch: int, count: int, batch: int) -> NDArray[np.int64]:
    """The epoch's batches as indices [steps, batch]. Every image comes at least once; the last
    batch is filled up from the front of the order, so that all batches are of one size."""
    import numpy as np

    order = permutation(seed, epoch, count)
    steps = -(-count // batch)
    return np.resize(order, steps * batch).reshape(steps, batch)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finisher: every input bit reaches every output bit."""
    import numpy as np

    values = values + np.uint64(_GOLDEN)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_SECOND)
    return values ^ (values >> np.uint64(31))
