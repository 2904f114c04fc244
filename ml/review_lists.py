"""The queues of the review that no query gives: read whole, as numbers only.

What is read is what is stored: answers of models, labels of now, fingerprints, measures.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ml.pixels import Progress
from ml.review_queue import NOT_REVIEWED, Listing, Queue
from storage.errors import DatasetError
from storage.query import Query, Term
from storage.records import LOOKS, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.repository import Repository

GRAVITY = ("blank", "one-colour", "dark", "bright", "blurry", "odd-size", "odd-aspect", "animated")
"""The problems in the order in which they are reviewed."""

_CHUNK = 4096


def answers(
    repo: Repository, model: str, query: Query, *, progress: Progress | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """A model's stored answers for the images that match, in id order and in chunks: ids [n] and
    probabilities [n, labels]. Raises DatasetError for a row that does not fit the model."""
    import numpy as np

    record = repo.models.find(model)
    width = len(record.labels)
    asked = Query(query.terms, model=str(record.id))
    rows = repo.predictions.of_model(record.id, asked)
    total = repo.images.count(asked.where(Term("is", ":", ("predicted",))))
    done = 0
    for chunk in _chunks(rows):
        for row in chunk:
            if len(row.probabilities) != 4 * width:
                raise DatasetError(
                    f"what the model '{record.name}' said of image {row.image} does not fit it",
                    hint="'pixshelf predict --save' stores its answers anew.",
                )
        ids = np.array([row.image for row in chunk], np.int64)
        joined = b"".join(row.probabilities for row in chunk)
        yield ids, np.frombuffer(joined, "<f4").reshape(len(chunk), width)
        done += len(chunk)
        if progress is not None:
            progress(done, max(done, total))


def _chunks(rows: Iterator[Prediction]) -> Iterator[list[Prediction]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


def labels_now(
    repo: Repository, query: Query, labels: tuple[str, ...] | None = None
) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """What gives, for ids [n], the numbers [n] of the labels that the images have now: their places
    in `labels`, or, where that is None, any number for each. UNKNOWN for an image without a label,
    for a label that is not among them, and for an image that does not match."""
    import numpy as np

    from ml.doubting import UNKNOWN

    places = {label: at for at, label in enumerate(labels or ())}
    ids, given = array("q"), array("i")
    for example in repo.images.examples(query):
        ids.append(example.id)
        if example.label is None:
            given.append(UNKNOWN)
        elif labels is None:
            given.append(places.setdefault(example.label, len(places)))
        else:
            given.append(places.get(example.label, UNKNOWN))
    known, numbers = np.array(ids, np.int64), np.array(given, np.int64)

    def of(wanted: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(known):
            return np.full(len(wanted), UNKNOWN)
        at = np.searchsorted(known, wanted).clip(0, len(known) - 1)
        return np.where(known[at] == wanted, numbers[at], UNKNOWN)

    return of


def list_label_errors(repo: Repository, queue: Queue, progress: Progress | None) -> Listing:
    """The likely label errors, the lowest normalized margin first. What narrows the queue only
    chooses among them: an image is a likely error or not whatever else is looked at."""
    import numpy as np

    from ml.doubting import Thresholds, label_errors, normalized_margin

    model = repo.models.find(queue.model)
    labelled = Query((Term("is", ":", ("labelled",)),))
    given = labels_now(repo, labelled, model.labels)
    thresholds = Thresholds(len(model.labels))
    for ids, rows in answers(repo, str(model.id), labelled, progress=progress):
        thresholds.add(given(ids), rows)
    images, margins = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    # Only a wrong answer can tell of a wrong label.
    wrong = queue.query.where(Term("is", ":", ("wrong",)), NOT_REVIEWED)
    for ids, rows in answers(repo, str(model.id), wrong):
        labels = given(ids)
        likely = label_errors(labels, rows, thresholds.values)
        images.append(ids[likely])
        margins.append(normalized_margin(labels, rows)[likely])
    return _ordered(np.concatenate(images), np.concatenate(margins))


def list_by_entropy(repo: Repository, queue: Queue, progress: Progress | None) -> Listing:
    """The unlabelled images, those of which the model knows least first."""
    import numpy as np

    from ml.doubting import entropy

    images, scores = [np.empty(0, np.int64)], [np.empty(0)]
    query = queue.query.where(Term("is", ":", ("unlabelled",)), NOT_REVIEWED)
    for ids, rows in answers(repo, queue.model or "", query, progress=progress):
        images.append(ids)
        scores.append(-entropy(rows))
    return _ordered(np.concatenate(images), np.concatenate(scores))


def list_disagreement(repo: Repository, queue: Queue, progress: Progress | None) -> Listing:
    """The images that the two models tell apart, those of which both are surest first: at least
    one of them is then surely wrong."""
    import numpy as np

    query = queue.query.where(NOT_REVIEWED)
    numbers: dict[str, int] = {}
    read = []
    for name in (queue.model, queue.other):
        model = repo.models.find(name)
        places = np.array([numbers.setdefault(each, len(numbers)) for each in model.labels])
        parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
        for ids, rows in answers(repo, str(model.id), query, progress=progress):
            parts.append((ids, places[rows.argmax(axis=1)], rows.max(axis=1)))
        read.append([np.concatenate(column) for column in zip(*parts, strict=True)])
    (ids_a, says_a, sure_a), (ids_b, says_b, sure_b) = read
    both, at_a, at_b = np.intersect1d(ids_a, ids_b, assume_unique=True, return_indices=True)
    apart = says_a[at_a] != says_b[at_b]
    return _ordered(both[apart], -(sure_a[at_a] * sure_b[at_b])[apart])


def _ordered(images: NDArray[np.int64], scores: NDArray[np.floating]) -> Listing:
    """The images by ascending score, of equal ones the lower id first."""
    import numpy as np

    order = np.lexsort((images, scores))
    return Listing(array("q", images[order].tobytes()))


def list_problems(repo: Repository, queue: Queue) -> Listing:
    """Every image with a problem, the gravest first, with all of its problems."""
    import numpy as np

    query = Query((*queue.query.terms, NOT_REVIEWED))
    found = [
        np.array(repo.images.ids(query.where(Term("is", ":", (look,)))), np.int64) for look in LOOKS
    ]
    images = np.unique(np.concatenate(found))
    looks = np.zeros(len(images), np.uint8)
    rank = np.full(len(images), len(GRAVITY))
    for at, ids in enumerate(found):
        places = np.searchsorted(images, ids)
        looks[places] |= np.uint8(1 << at)
        rank[places] = np.minimum(rank[places], GRAVITY.index(LOOKS[at]))
    order = np.lexsort((images, rank))
    return Listing(array("q", images[order].tobytes()), looks=looks[order].tobytes())
