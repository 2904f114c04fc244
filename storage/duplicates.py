"""Which pictures are copies of one another: pure functions over the hashes of an import.

Equal pixels have equal `pixel_hash`; pictures that look alike have a `dhash` that differs in few of
its 64 bits. Nothing here reads a dataset, and nothing decodes a picture.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from storage.errors import UsageError
from storage.records import SPLITS, Fingerprint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["exact", "pixels", "near"]
Keep = Literal["first", "largest"]

NEAR = 4
"""So many of 64 bits may differ between near duplicates, where nothing else is said."""
MOST = 10
"""The largest distance: beyond it pictures that have nothing in common are near by chance."""

CROWD = 0.05
"""A group with more than this share of all images says that these pictures are too much alike to be
told apart by so few bits, not that they are copies of one another."""

_RUN = 512
_CHECK_EVERY = 256
_SAMPLE = 65_536


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Fingerprints of n images as arrays, in one order: `ids`, `pixels` (width times height) and
    `bytes` int64 [n]; `pixel_hashes` uint64 [n, 2]; `dhashes` uint64 [n]; `splits` int8 [n], the
    place in SPLITS, -1 for none. A million of them take 60 MB."""

    ids: NDArray[np.int64]
    pixel_hashes: NDArray[np.uint64]
    dhashes: NDArray[np.uint64]
    splits: NDArray[np.int8]
    pixels: NDArray[np.int64]
    bytes: NDArray[np.int64]


def gather(rows: Iterable[Fingerprint]) -> Fingerprints:
    """The rows as arrays."""
    import numpy as np

    ids, dhashes, pixels, sizes, splits = (array(kind) for kind in "qqqqb")
    hashes = bytearray()
    places = {split: place for place, split in enumerate(SPLITS)}
    for row in rows:
        ids.append(row.id)
        hashes += row.pixel_hash
        dhashes.append(row.dhash)
        splits.append(-1 if row.split is None else places[row.split])
        pixels.append(row.width * row.height)
        sizes.append(row.bytes)
    return Fingerprints(
        ids=np.array(ids, np.int64),
        pixel_hashes=np.frombuffer(bytes(hashes), np.uint64).reshape(-1, 2),
        dhashes=np.array(dhashes, np.int64).view(np.uint64),
        splits=np.array(splits, np.int8),
        pixels=np.array(pixels, np.int64),
        bytes=np.array(sizes, np.int64),
    )


def find_groups(prints: Fingerprints, kind: Kind, distance: int = NEAR) -> list[NDArray[np.int64]]:
    """The groups of two images and more that are duplicates of one another, as places in
    `prints`, ascending in each group and by the groups' first.

    'exact' finds none, as a dataset holds the same bytes once. 'pixels' are those with equal
    pixels. 'near' are those with equal pixels, and those whose dhashes differ in at most `distance`
    bits: a group holds everything that a chain of such pairs connects. A dhash of 0 has no edge in
    it, is that of a black picture and of a white one alike, and so is near to none by itself.
    Raises UsageError for a distance outside 0 to MOST.
    """
    if kind == "exact":
        return []
    labels = equal_labels(prints.pixel_hashes)
    if kind == "near":
        import numpy as np

        telling = np.flatnonzero(prints.dhashes)
        # Equal pixels have equal dhashes, so those with an edge need no other look.
        labels[telling] = telling[near_labels(prints.dhashes[telling], distance)]
    return groups_of(labels)


def across_splits(
    prints: Fingerprints, groups: Iterable[NDArray[np.int64]]
) -> list[NDArray[np.int64]]:
    """Of the groups, those with images in two splits or more, without their images in none."""
    import numpy as np

    placed = (group[prints.splits[group] >= 0] for group in groups)
    return [group for group in placed if np.unique(prints.splits[group]).size > 1]


def kept_of(prints: Fingerprints, group: NDArray[np.int64], keep: Keep) -> int:
    """The place of the group's image to keep: 'first' is that of the lowest id, 'largest' that of
    the most pixels, of these the most bytes, of these the lowest id."""
    if keep == "first":
        return int(group[prints.ids[group].argmin()])
    import numpy as np

    order = np.lexsort((prints.ids[group], -prints.bytes[group], -prints.pixels[group]))
    return int(group[order[0]])


def crowded(prints: Fingerprints, groups: Iterable[NDArray[np.int64]]) -> int:
    """The size of the largest group, where it is a CROWD of 20 images and more; else 0."""
    largest = max(map(len, groups), default=0)
    return largest if largest >= max(20, CROWD * len(prints.ids)) else 0


def equal_labels(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """For each row of uint64 [n, k] the first place with an equal row: int64 [n]."""
    import numpy as np

    labels = np.arange(len(keys))
    if not len(keys):
        return labels
    order = np.lexsort(keys.T)  # stable, so that the first of a run is the first of all
    ordered = keys[order]
    begins = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    labels[order] = order[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    return labels


def near_labels(hashes: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """For each of n hashes, uint64 [n], the first place of its group: int64 [n]. Two are in one
    group where a chain of pairs that differ in at most `distance` bits connects them.

    It is multi-index hashing (Norouzi, Punjani, Fleet: Fast Search in Hamming Space with
    Multi-Index Hashing, CVPR 2012): of `distance` + 1 blocks of bits at least one is equal in such
    a pair, so only hashes that share a block are compared. Raises UsageError for a distance
    outside 0 to MOST.
    """
    import numpy as np

    if not 0 <= distance <= MOST:
        raise UsageError(
            f"distance is {distance}: it must be from 0 to {MOST}",
            hint=f"{NEAR} of 64 bits is what near duplicates mostly differ in.",
        )
    distinct, firsts, places = np.unique(hashes, return_index=True, return_inverse=True)
    forest = _Forest(len(distinct))
    if distance and len(distinct) > 1:
        _search(distinct, np.arange(len(distinct)), 0, distance, forest)
    roots = forest.roots(np.arange(len(distinct)))
    lowest = np.full(len(distinct), len(hashes))
    np.minimum.at(lowest, roots, firsts)
    labels: NDArray[np.int64] = lowest[roots][places.reshape(-1)]
    return labels


def groups_of(labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The places with equal labels, where there are two or more, ascending."""
    import numpy as np

    if not len(labels):
        return []
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    members = order[sizes[labels[order]] > 1]
    sizes = sizes[sizes > 1]
    return np.split(members, np.cumsum(sizes)[:-1]) if len(sizes) else []


class _Forest:
    """Disjoint sets of 0 … n-1, joined and asked by whole arrays. A parent is never higher than
    its child, so a root is the lowest of its set."""

    def __init__(self, count: int) -> None:
        import numpy as np

        self._parents = np.arange(count)

    def roots(self, members: NDArray[np.int64]) -> NDArray[np.int64]:
        """The root of each, and the way to it made short."""
        parents = self._parents
        roots = parents[members]
        while ((above := parents[roots]) != roots).any():
            roots = above
        parents[members] = roots
        return roots

    def join(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
        """Put each pair into one set."""
        import numpy as np

        while left.size:
            left, right = self.roots(left), self.roots(right)
            apart = left != right
            left, right = left[apart], right[apart]
            # Of several parents for one root the lowest is taken; the others come round again.
            np.minimum.at(self._parents, np.maximum(left, right), np.minimum(left, right))


def _search(
    values: NDArray[np.uint64],
    members: NDArray[np.int64],
    fixed: int,
    distance: int,
    forest: _Forest,
) -> None:
    """Join what is near among the members that are equal in the bits `fixed`: sorted by these bits
    and one block more, they lie in runs. Runs that stay long are searched the same way within."""
    import numpy as np

    for block in _blocks(values[members[:: 1 + len(members) // _SAMPLE]], fixed, distance + 1):
        keys = values[members] & np.uint64(fixed | block)
        order = keys.argsort()
        keys, ordered = keys[order], members[order]
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        sizes = np.diff(starts, append=len(ordered))
        open_ = _apart(forest, ordered, starts)
        long = open_ & (sizes > _RUN) & _worth_splitting(fixed | block, distance)
        chosen = open_ & ~long
        _compare(values, ordered[np.repeat(chosen, sizes)], sizes[chosen], distance, forest)
        if long.any():
            _search(values, ordered[np.repeat(long, sizes)], fixed | block, distance, forest)


def _blocks(sample: NDArray[np.uint64], fixed: int, count: int) -> list[int]:
    """The bits that are not fixed, dealt out to `count` masks from the most even to the most
    lopsided, so that every block tells about as many hashes apart as any other."""
    import numpy as np

    free = [bit for bit in range(64) if not fixed >> bit & 1]
    uneven = {bit: abs(float((sample >> np.uint64(bit) & 1).mean()) - 0.5) for bit in free}
    dealt = sorted(free, key=lambda bit: (uneven[bit], bit))
    return [sum(1 << bit for bit in dealt[at::count]) for at in range(count)]


def _worth_splitting(fixed: int, distance: int) -> bool:
    """Whether blocks of what is not fixed have enough values to pay for searching each."""
    return 1 << (64 - fixed.bit_count()) // (distance + 1) > 2 * (distance + 1)


def _apart(
    forest: _Forest, members: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which runs are not in one set yet."""
    import numpy as np

    roots = forest.roots(members)
    apart: NDArray[np.bool_] = np.minimum.reduceat(roots, starts) != np.maximum.reduceat(
        roots, starts
    )
    return apart


def _compare(
    values: NDArray[np.uint64],
    members: NDArray[np.int64],
    sizes: NDArray[np.int64],
    distance: int,
    forest: _Forest,
) -> None:
    """Join what is near within each run: every member with the next, with the next but one, and
    so on, all runs at once. Memory is a few times that of the members."""
    import numpy as np

    if not len(sizes):
        return
    hashes = values[members]
    ends = np.cumsum(sizes)
    starts = ends - sizes
    runs = np.repeat(np.arange(len(sizes)), sizes)
    left = np.arange(len(members))
    for step in range(1, int(sizes.max())):
        left = left[left + step < ends[runs[left]]]
        if step % _CHECK_EVERY == 0:
            left = left[_apart(forest, members, starts)[runs[left]]]
            if not left.size:
                return
        near = np.bitwise_count(hashes[left] ^ hashes[left + step]) <= distance
        found = left[near]
        forest.join(members[found], members[found + step])
