"""How good a model is on some labelled images of a dataset, as numbers with their uncertainty.

Every image is predicted afresh, or what is stored of the answers is taken as it is. The answers
are stored, so that afterwards the mistakes can be looked at one by one.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from ml.metrics import (
    Bin,
    ClassScore,
    Pair,
    Score,
    confused_pairs,
    confusion_matrix,
    expected_calibration_error,
    macro,
    mean_cross_entropy,
    ranks,
    reliability,
    scores,
    uncalibrated,
    wilson_interval,
)
from ml.mistakes import Mistake, worst
from ml.pixels import Progress
from ml.predicting import load_predictor, predict_stored
from storage.errors import NotReady, RefusedInput
from storage.query import Query, parse
from storage.records import SPLITS, ModelRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.repository import Repository

MISTAKES = 24
"""How many of the worst mistakes, and of the most confused pairs, an evaluation keeps."""

TOP = 3
_NAMED = 5
_LOOKED_BACK = 500
_STORED_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well probabilities can be taken at their word. `loss` is the mean cross-entropy in nats,
    `ece` the expected calibration error over 15 bins, `reliability` those bins."""

    loss: float
    ece: float
    reliability: tuple[Bin, ...]

    @classmethod
    def of(
        cls,
        confidence: NDArray[np.floating],
        of_truth: NDArray[np.floating],
        right: NDArray[np.bool_],
    ) -> Self:
        """From arrays [N]: the highest probability, that of the true label, whether the answer is
        right."""
        bins = reliability(confidence, right)
        return cls(mean_cross_entropy(of_truth), expected_calibration_error(bins), bins)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, under the fields' names."""
        return {
            "loss": self.loss,
            "ece": self.ece,
            "reliability": [asdict(each) for each in self.reliability],
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's figures on `n` labelled images of a split, or of the images of a query.

    `accuracy_interval` is the 95 % Wilson interval. `top3` is the share of images whose label is
    among the three most probable; None for a model of three labels or fewer. `macro` holds means
    over the labels that occur. `calibration` is that of the model as it predicts, `uncalibrated`
    that of the same model without its `temperature`. `confusion` counts images, rows true, columns
    predicted, in the order of `labels`, which is the model's. `confused` and `mistakes` are the
    first MISTAKES. `data_digest` is a sha256 over the exact (sha256, split, label) of the images,
    whatever their ids. `notes` says what the figures leave out.
    """

    model: str
    model_id: int
    run: int | None
    split: str
    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    top3: float | None
    macro: Score
    calibration: Calibration
    uncalibrated: Calibration
    temperature: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_class: Mapping[str, ClassScore]
    confused: tuple[Pair, ...]
    mistakes: tuple[Mistake, ...]
    data_digest: bytes
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as docs/json.md has them. The notes are for people and not in it."""
        return {
            "model": self.model,
            "split": self.split,
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            **self.calibration.to_json(),
            "labels": list(self.labels),
            "confusion": [list(row) for row in self.confusion],
            "per_class": {label: asdict(score) for label, score in self.per_class.items()},
            "model_id": self.model_id,
            "run": self.run,
            "top3": self.top3,
            "macro": asdict(self.macro),
            "temperature": self.temperature,
            "uncalibrated": self.uncalibrated.to_json(),
            "confused": [asdict(pair) for pair in self.confused],
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
            "data_digest": self.data_digest.hex(),
        }


@dataclass(frozen=True, slots=True)
class Unanswered:
    """What keeps stored answers from being an evaluation: of the `n` labelled images of `split`,
    `missing` have no stored answer of the model."""

    model: ModelRecord
    split: str
    n: int
    missing: int


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The images to evaluate on: ids, ascending, beside each the index of its label."""

    ids: array[int]
    truth: array[int]
    unlabelled: int
    trained_on: int
    digest: bytes


class _Answers:
    """What is kept of the answers, 48 bytes an image: arrays [N], filled chunk by chunk.

    `predicted` is the index of the answer, `rank` the place of the true label. Beside them, for the
    model as it is and for the one without its temperature, the probability of the answer
    (`confidence`) and of the true label (`of_truth`).
    """

    def __init__(self, chosen: _Chosen, temperature: float) -> None:
        import numpy as np

        self.ids = np.frombuffer(chosen.ids, np.int64)
        self.truth = np.frombuffer(chosen.truth, np.int64)
        self.temperature = temperature
        n = len(self.truth)
        self.predicted = np.empty(n, np.int64)
        self.rank = np.empty(n, np.int64)
        self.confidence, self.of_truth = np.empty((2, n), np.float32)
        self.raw_confidence, self.raw_of_truth = np.empty((2, n), np.float32)

    def put(self, places: NDArray[np.integer], probabilities: NDArray[np.float32]) -> None:
        """Take the answers [n, labels] for the images at `places` [n]."""
        import numpy as np

        rows = np.arange(len(probabilities))
        truth = self.truth[places]
        predicted = probabilities.argmax(axis=1)
        self.predicted[places] = predicted
        self.rank[places] = ranks(probabilities, truth)
        self.confidence[places] = probabilities[rows, predicted]
        self.of_truth[places] = probabilities[rows, truth]
        raw = uncalibrated(probabilities, self.temperature)
        self.raw_confidence[places] = raw[rows, predicted]
        self.raw_of_truth[places] = raw[rows, truth]


def evaluate(
    repo: Repository,
    model: str | None,
    split: str | Query,
    *,
    save: bool = True,
    stored: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a model, by name or id (None is the newest), on `split`: 'train', 'val' or 'test',
    the text of a query, or a Query.

    With `stored`, what is stored of its answers is taken as it is and only the rest is predicted;
    `progress` counts that rest. Predictions are stored unless `save` is False. Raises NotReady
    without a model, without images or without labels there; RefusedInput if images have labels
    that the model never learned; QueryError for a query that is not understood; and what
    `load_predictor` raises.
    """
    import numpy as np

    query, name = _as_query(split)
    record = repo.models.find(model)
    chosen = _choose(repo, query, name, record)
    answers = _Answers(chosen, record.temperature)
    missing = np.arange(len(chosen.ids))
    if stored:
        missing = np.flatnonzero(~_take_stored(repo, record, query, answers))
    if len(missing):
        predictor = load_predictor(repo, str(record.id), threads=threads)
        wanted = array("q", answers.ids[missing].tobytes())
        done = 0
        for ids, probabilities in predict_stored(
            repo, predictor, wanted, save=save, progress=progress
        ):
            answers.put(missing[done : done + len(ids)], probabilities)
            done += len(ids)
    return _figures(record, name, chosen, answers, moved=moved_since(repo, record))


def evaluate_stored(
    repo: Repository, model: str | None, split: str | Query
) -> Evaluation | Unanswered:
    """The same from stored answers alone, against the labels of now; Unanswered where some image
    has none. Predicts and writes nothing. Raises what `evaluate` raises before it predicts."""
    query, name = _as_query(split)
    record = repo.models.find(model)
    chosen = _choose(repo, query, name, record)
    answers = _Answers(chosen, record.temperature)
    known = _take_stored(repo, record, query, answers)
    if not known.all():
        return Unanswered(record, name, len(known), len(known) - int(known.sum()))
    return _figures(record, name, chosen, answers, moved=moved_since(repo, record))


def _take_stored(
    repo: Repository, model: ModelRecord, query: Query, answers: _Answers
) -> NDArray[np.bool_]:
    """Put in the answers that are stored; gives for which images [N] there was one. What is not a
    probability for each of the model's labels counts as none."""
    import numpy as np

    n, length = len(answers.ids), 4 * len(model.labels)
    known = np.zeros(n, np.bool_)
    fitting = (
        (each.image, each.probabilities)
        for each in repo.predictions.of_model(model.id, query)
        if len(each.probabilities) == length
    )
    while chunk := list(islice(fitting, _STORED_CHUNK)):
        images = np.fromiter((image for image, _ in chunk), np.int64, len(chunk))
        rows = np.frombuffer(b"".join(row for _, row in chunk), "<f4").reshape(len(chunk), -1)
        places = np.minimum(np.searchsorted(answers.ids, images), n - 1)
        # Written so that NaN is refused too.
        sound = ((rows >= 0) & (rows <= 1)).all(axis=1)
        good = sound & (answers.ids[places] == images)
        answers.put(places[good], rows[good])
        known[places[good]] = True
    return known


def _as_query(split: str | Query) -> tuple[Query, str]:
    if isinstance(split, Query):
        return split, "query"
    return parse(f"split:{split}" if split in SPLITS else split), split


def _choose(repo: Repository, query: Query, name: str, model: ModelRecord) -> _Chosen:
    places = {label: at for at, label in enumerate(model.labels)}
    ids, truth = array("q"), array("q")
    rows: list[bytes] = []
    strange: Counter[str] = Counter()
    unlabelled = trained_on = 0
    for example in repo.images.examples(query):
        if example.label is None:
            unlabelled += 1
        elif (place := places.get(example.label)) is None:
            strange[example.label] += 1
        else:
            ids.append(example.id)
            truth.append(place)
            trained_on += example.split == "train"
            row = f"{example.split or ''}\0{example.label}".encode()
            rows.append(hashlib.sha256(example.sha256 + row).digest())
    if strange:
        raise _unknown_labels(strange, model, name)
    if not ids:
        raise _nothing_there(name, unlabelled)
    # Sorted, so that neither ids nor the order of import matter.
    digest = hashlib.sha256(b"".join(sorted(rows))).digest()
    return _Chosen(ids, truth, unlabelled, trained_on, digest)


def _unknown_labels(strange: Counter[str], model: ModelRecord, name: str) -> RefusedInput:
    most = [f"'{label}' ({count:,} images)" for label, count in strange.most_common(_NAMED)]
    if len(strange) > _NAMED:
        most.append(f"{len(strange) - _NAMED} more labels")
    return RefusedInput(
        f"the model '{model.name}' never learned these labels of {name}: {', '.join(most)}",
        hint=f"It knows {_listed(model.labels)}. Train a new model, or leave those images out.",
    )


def _nothing_there(name: str, unlabelled: int) -> NotReady:
    where = f"the {name} split" if name in SPLITS else f"'{name}'"
    if unlabelled:
        return NotReady(
            f"none of the {unlabelled:,} images of {where} has a label to compare with",
            hint="Label some of them first.",
        )
    return NotReady(
        f"there are no images in {where}",
        hint="'pixshelf stats' shows how many images each split has.",
    )


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:10])
    return f"{shown} and {len(labels) - 10} more" if len(labels) > 10 else shown


def _figures(
    model: ModelRecord, name: str, chosen: _Chosen, answers: _Answers, *, moved: bool
) -> Evaluation:
    matrix = confusion_matrix(answers.truth, answers.predicted, len(model.labels))
    per_class = scores(matrix, model.labels)
    right = answers.predicted == answers.truth
    correct, n = int(right.sum()), len(right)
    return Evaluation(
        model=model.name,
        model_id=model.id,
        run=model.run,
        split=name,
        n=n,
        accuracy=correct / n,
        accuracy_interval=wilson_interval(correct, n),
        top3=float((answers.rank < TOP).mean()) if len(model.labels) > TOP else None,
        macro=macro(per_class.values()),
        calibration=Calibration.of(answers.confidence, answers.of_truth, right),
        uncalibrated=Calibration.of(answers.raw_confidence, answers.raw_of_truth, right),
        temperature=model.temperature,
        labels=model.labels,
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        per_class=per_class,
        confused=confused_pairs(matrix, model.labels, MISTAKES),
        mistakes=worst(
            answers.ids,
            answers.truth,
            answers.predicted,
            answers.confidence,
            model.labels,
            MISTAKES,
        ),
        data_digest=chosen.digest,
        notes=_notes(chosen, per_class, moved=moved),
    )


def moved_since(repo: Repository, model: ModelRecord) -> bool:
    """Whether splits were changed after the model's training began: an image that is now in
    another split may then have been learnt. Looks at the newest actions, some hundreds."""
    if model.run is None:
        return False
    began = repo.runs.get(model.run).started_at
    return any(
        action.kind == "split" and action.state == "done" and action.at >= began
        for action in repo.history.actions(limit=_LOOKED_BACK)
    )


def _notes(chosen: _Chosen, per_class: Mapping[str, ClassScore], *, moved: bool) -> tuple[str, ...]:
    notes = []
    if moved:
        notes.append(
            "Splits were changed after this model's training began: it may have learnt from some "
            "of these images."
        )
    if chosen.trained_on:
        notes.append(f"In the train split, and so perhaps learnt by heart: {chosen.trained_on:,}.")
    if chosen.unlabelled:
        notes.append(f"Left out for want of a label: {chosen.unlabelled:,}.")
    absent = [label for label, score in per_class.items() if score.support == 0]
    if absent:
        notes.append(f"No image here has the label {_listed(absent)}.")
    return tuple(notes)
