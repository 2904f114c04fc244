"""How good a model is on some labelled images of a dataset, as numbers with their uncertainty.

Every image is predicted afresh, and the answers are stored, so that afterwards the mistakes can
be looked at one by one.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ml.metrics import (
    ClassScore,
    confusion_and_scores,
    expected_calibration_error,
    mean_cross_entropy,
    wilson_interval,
)
from ml.pixels import Progress
from ml.predicting import Predictor, as_predictions, load_predictor, predict_stored
from storage.errors import NotReady, RefusedInput
from storage.query import Query, parse
from storage.records import SPLITS, ModelRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from storage.repository import Repository

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's figures on `n` labelled images of a split, or of the images of a query.

    `accuracy_interval` is the 95 % Wilson interval. `loss` is the mean cross-entropy in nats,
    `ece` the expected calibration error. `confusion` counts images, rows true, columns predicted,
    in the order of `labels`, which is the model's. `notes` says what the figures leave out.
    """

    model: str
    split: str
    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    loss: float
    ece: float
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    per_class: Mapping[str, ClassScore]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, under the fields' names. The notes are for people and not in it."""
        return {
            "model": self.model,
            "split": self.split,
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "ece": self.ece,
            "labels": list(self.labels),
            "confusion": [list(row) for row in self.confusion],
            "per_class": {label: asdict(score) for label, score in self.per_class.items()},
        }


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The images to evaluate on: ids, ascending, beside each the index of its label."""

    ids: array[int]
    truth: array[int]
    unlabelled: int


@dataclass(frozen=True, slots=True)
class _Answers:
    """For each image: the index of its label and of the predicted one (int64), the probability of
    the predicted one and of the true one (float32)."""

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    confidence: NDArray[np.float32]
    of_truth: NDArray[np.float32]


def evaluate(
    repo: Repository,
    model: str | None,
    split: str | Query,
    *,
    save: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a model, by name or id (None is the newest), on `split`: 'train', 'val' or 'test',
    the text of a query, or a Query.

    Predictions are stored unless `save` is False. Raises NotReady without a model, without images
    or without labels there; RefusedInput if images have labels that the model never learned;
    QueryError for a query that is not understood; and what `load_predictor` raises.
    """
    query, name = _as_query(split)
    predictor = load_predictor(repo, model, threads=threads)
    chosen = _choose(repo, query, name, predictor.model)
    answers = _ask(repo, predictor, chosen, save=save, progress=progress)
    return _figures(predictor.model, name, chosen, answers)


def _as_query(split: str | Query) -> tuple[Query, str]:
    if isinstance(split, Query):
        return split, "query"
    return parse(f"split:{split}" if split in SPLITS else split), split


def _choose(repo: Repository, query: Query, name: str, model: ModelRecord) -> _Chosen:
    places = {label: at for at, label in enumerate(model.labels)}
    chosen = _Chosen(array("q"), array("q"), 0)
    strange: Counter[str] = Counter()
    unlabelled = 0
    for example in repo.images.examples(query):
        if example.label is None:
            unlabelled += 1
        elif (place := places.get(example.label)) is None:
            strange[example.label] += 1
        else:
            chosen.ids.append(example.id)
            chosen.truth.append(place)
    if strange:
        raise _unknown_labels(strange, model, name)
    if not chosen.ids:
        raise _nothing_there(name, unlabelled)
    return replace(chosen, unlabelled=unlabelled)


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


def _ask(
    repo: Repository,
    predictor: Predictor,
    chosen: _Chosen,
    *,
    save: bool,
    progress: Progress | None,
) -> _Answers:
    """The model's answers for the chosen images, stored on the way if `save`."""
    import numpy as np

    truth = np.frombuffer(chosen.truth, np.int64)
    answers = _Answers(
        truth,
        np.empty(len(truth), np.int64),
        np.empty(len(truth), np.float32),
        np.empty(len(truth), np.float32),
    )
    done = 0
    for ids, probabilities in predict_stored(repo, predictor, chosen.ids, progress=progress):
        if save:
            batch = as_predictions(ids, predictor.labels, probabilities)
            repo.predictions.save(predictor.model.id, batch)
        place = slice(done, done + len(ids))
        answers.predicted[place] = probabilities.argmax(axis=1)
        answers.confidence[place] = probabilities.max(axis=1)
        answers.of_truth[place] = probabilities[np.arange(len(ids)), truth[place]]
        done += len(ids)
    return answers


def _figures(model: ModelRecord, name: str, chosen: _Chosen, answers: _Answers) -> Evaluation:
    matrix, scores = confusion_and_scores(answers.truth, answers.predicted, model.labels)
    right = answers.predicted == answers.truth
    correct, n = int(right.sum()), len(right)
    notes = []
    if chosen.unlabelled:
        notes.append(f"Left out for want of a label: {chosen.unlabelled:,}.")
    absent = [label for label, score in scores.items() if score.support == 0]
    if absent:
        notes.append(f"No image here has the label {_listed(absent)}.")
    return Evaluation(
        model=model.name,
        split=name,
        n=n,
        accuracy=correct / n,
        accuracy_interval=wilson_interval(correct, n),
        loss=mean_cross_entropy(answers.of_truth),
        ece=expected_calibration_error(answers.confidence, right),
        labels=model.labels,
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        per_class=scores,
        notes=tuple(notes),
    )
