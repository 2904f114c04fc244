"""Copies of pictures as items of the review: the groups, in order, each with the best one first.

Groups of equal pixels come before pictures that look alike, and of each kind those whose images
have different labels first.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ml.pixels import Progress
from ml.review_lists import labels_now
from ml.review_queue import REVIEWED, Listing, Stage
from storage.duplicates import crowded, find_groups, gather, kept_of
from storage.query import Query, Term

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.duplicates import Fingerprints
    from storage.records import Fingerprint
    from storage.repository import Repository

_EVERY = 4096


def list_copies(
    repo: Repository, query: Query, progress: Progress | None = None, stage: Stage | None = None
) -> Listing:
    """The groups among the images that match, less those whose every image bears the tag
    REVIEWED. In a group that looks alike each picture is there once, however many files it has:
    their group is one of its own. `progress` counts the fingerprints that are read; `stage` is
    told of what follows. Either may raise to give up."""
    import numpy as np

    query = Query(query.terms)
    prints = gather(_read(repo, query, progress))
    if stage is not None:
        stage(f"grouping {len(prints.ids):,} pictures")
    done = np.array(repo.images.ids(query.where(Term("tag", ":", (REVIEWED,)))), np.int64)
    open_ = ~np.isin(prints.ids, done)
    exact = find_groups(prints, "pixels")
    near, note = _near(prints, exact)
    if stage is not None:
        stage("reading the labels")
    labels = labels_now(repo, query)(prints.ids)
    images, starts = array("q"), array("q", [0])
    for group in (*_conflicts_first(exact, labels), *_conflicts_first(near, labels)):
        if not open_[group].any():
            continue
        kept = kept_of(prints, group, "largest")
        images.extend((int(prints.ids[kept]), *(int(prints.ids[at]) for at in group if at != kept)))
        starts.append(len(images))
    return Listing(images, starts, note=note)


def _read(repo: Repository, query: Query, progress: Progress | None) -> Iterator[Fingerprint]:
    """The fingerprints, counted."""
    rows = repo.measurements.fingerprints(query)
    if progress is None:
        yield from rows
        return
    total = repo.images.count(query)
    for done, row in enumerate(rows, 1):
        if done % _EVERY == 0:
            progress(done, max(done, total))
        yield row


def _near(
    prints: Fingerprints, exact: list[NDArray[np.int64]]
) -> tuple[list[NDArray[np.int64]], str | None]:
    """The groups that look alike, of equal pictures one only; and what is to be said of those
    that are too large to be copies."""
    import numpy as np

    single = np.ones(len(prints.ids), bool)
    for group in exact:
        single[group] = False
        single[kept_of(prints, group, "largest")] = True
    groups = [group[single[group]] for group in find_groups(prints, "near")]
    groups = [group for group in groups if len(group) > 1]
    if not (size := crowded(prints, groups)):
        return groups, None
    kept = [group for group in groups if not crowded(prints, [group])]
    return kept, f"{size:,} pictures look too much alike; left out"


def _conflicts_first(
    groups: list[NDArray[np.int64]], labels: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    return sorted(groups, key=lambda group: not _in_conflict(labels[group]))


def _in_conflict(labels: NDArray[np.int64]) -> bool:
    """Whether there are two labels among them; that one has none is no conflict."""
    given = labels[labels >= 0]
    return bool(len(given) and (given != given[0]).any())
