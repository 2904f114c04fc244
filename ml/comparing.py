"""Two models on the same images: which is better, and whether that may be chance.

What is stored of their answers is taken as it is, for neither an image nor a model ever changes;
what is missing is predicted and stored. A few numbers an image are held, however many images.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ml.differences import Difference, differences_of
from ml.metrics import wilson_interval
from ml.pixels import Progress
from storage.errors import NotReady, UsageError
from storage.query import Query, parse
from storage.records import SPLITS, ModelRecord

if TYPE_CHECKING:
    from storage.repository import Repository

FEW = 25
"""Below so many images that only one of the two gets right, the exact test is used."""

LEVEL = 0.05
"""A p-value below this is called evidence."""

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test of two models on the same images. `statistic` is chi-square with one degree
    of freedom, None for the exact test; `p_value` is two-sided."""

    method: Literal["exact", "chi-square"]
    statistic: float | None
    p_value: float


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models: how many of the images it gets right, that as a share of them, and
    the share's 95 % Wilson interval."""

    model: int
    name: str
    run: int | None
    correct: int
    accuracy: float
    accuracy_interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Flip:
    """An image that one of the two gets right and the other does not."""

    image: int
    label: str
    a: str
    b: str
    right: Literal["a", "b"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the `n` labelled images of `on`, a split or a query.

    The images are counted by who gets them right: both, only one, or neither. `flips` holds the
    first of those that only one gets right, in id order. `differences` is empty, and `notes` says
    so, where a model's training is not in the dataset.
    """

    on: str
    n: int
    a: Side
    b: Side
    both: int
    only_a: int
    only_b: int
    neither: int
    test: McNemar
    verdict: str
    differences: tuple[Difference, ...]
    flips: tuple[Flip, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, under the fields' names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The labelled images: ids, ascending, and beside each its label's place in `names`."""

    names: list[str]
    places: dict[str, int]
    ids: array[int]
    truth: array[int]
    unlabelled: int
    trained_on: int

    def place(self, name: str) -> int:
        if name not in self.places:
            self.places[name] = len(self.names)
            self.names.append(name)
        return self.places[name]


def mcnemar(b: int, c: int) -> McNemar:
    """McNemar's test (1947) of whether two models are equally good, as Dietterich (1998) uses it:
    `b` and `c` count the images that only the one and only the other gets right.

    Below FEW of them the exact binomial test, else chi-square with the continuity correction.
    Raises ValueError for counts below 0.
    """
    if b < 0 or c < 0:
        raise ValueError(f"b={b}, c={c}: expected counts of 0 and more")
    total = b + c
    if total < FEW:
        tail = sum(math.comb(total, at) for at in range(min(b, c) + 1))
        return McNemar("exact", None, min(1.0, 2 * tail / 2**total))
    statistic = max(0, abs(b - c) - 1) ** 2 / total
    return McNemar("chi-square", statistic, math.erfc(math.sqrt(statistic / 2)))


def model_of(repo: Repository, run_id: int) -> ModelRecord:
    """The model that a run gave. Raises NotFound for an unknown run, NotReady where it gave none
    or where the model was removed."""
    run = repo.runs.get(run_id)
    if run.model is None:
        raise NotReady(
            f"run {run_id} ({run.status}) has no model to compare",
            hint="'pixshelf runs ls' shows which runs have one.",
        )
    return repo.models.get(run.model)


def compare(
    repo: Repository,
    model_a: str,
    model_b: str,
    on: str | Query = "test",
    *,
    flips: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two stored models, by name or id, on `on`: 'train', 'val' or 'test', the text of a
    query, or a Query. At most `flips` images that only one gets right are listed; None is all.

    Answers that had to be predicted are stored. Raises UsageError if both are one model, NotFound
    for an unknown one, NotReady where no image has a label, QueryError, and what `load_predictor`
    raises.
    """
    a, b = repo.models.find(model_a), repo.models.find(model_b)
    if a.id == b.id:
        raise UsageError(
            f"'{model_a}' and '{model_b}' are the same model", hint="'pixshelf models ls' lists all"
        )
    query, name = _as_query(on)
    chosen = _choose(repo, query, name)
    notes = _notes(chosen, (a, b))
    # Both are read before either is predicted: what is stored may change what a query finds.
    answers = [_stored(repo, model, query, chosen) for model in (a, b)]
    missing = [
        array("q", (at for at, place in enumerate(each) if place == _UNKNOWN)) for each in answers
    ]
    total, done = sum(map(len, missing)), 0
    for model, each, places in zip((a, b), answers, missing, strict=True):
        _predict(repo, model, each, places, chosen, threads, _shifted(progress, done, total))
        done += len(places)
    differences, unknown = differences_of(repo, a, b)
    return _compared(name, (a, b), chosen, answers, differences, [*notes, *unknown], flips)


def _as_query(on: str | Query) -> tuple[Query, str]:
    if isinstance(on, Query):
        return on, "query"
    return parse(f"split:{on}" if on in SPLITS else on), on


def _choose(repo: Repository, query: Query, name: str) -> _Chosen:
    chosen = _Chosen([], {}, array("q"), array("q"), 0, 0)
    unlabelled = trained_on = 0
    for example in repo.images.examples(query):
        if example.label is None:
            unlabelled += 1
        else:
            chosen.ids.append(example.id)
            chosen.truth.append(chosen.place(example.label))
            trained_on += example.split == "train"
    if not chosen.ids:
        where = f"the {name} split" if name in SPLITS else f"'{name}'"
        raise NotReady(
            f"no image of {where} has a label to compare the models by",
            hint="'pixshelf stats' shows how many images each split has.",
        )
    return replace(chosen, unlabelled=unlabelled, trained_on=trained_on)


def _notes(chosen: _Chosen, models: tuple[ModelRecord, ...]) -> list[str]:
    """What to say of images that are left out, were learnt by heart, or cannot be right."""
    notes = []
    if chosen.unlabelled:
        notes.append(f"left out for want of a label: {chosen.unlabelled:,}")
    if chosen.trained_on:
        notes.append(f"in the train split, and so perhaps learnt by heart: {chosen.trained_on:,}")
    counts = Counter(chosen.truth)
    for model in models:
        strange = [at for at in counts if chosen.names[at] not in model.labels]
        if strange:
            listed = ", ".join(sorted(chosen.names[at] for at in strange)[:5])
            count = sum(counts[at] for at in strange)
            notes.append(f"{model.name} never learnt {listed}: {count:,} images count as wrong")
    return notes


def _stored(repo: Repository, model: ModelRecord, query: Query, chosen: _Chosen) -> array[int]:
    """For each image the place of the label that the model is stored to have answered."""
    answers = array("q", [_UNKNOWN]) * len(chosen.ids)
    at = 0
    for prediction in repo.predictions.of_model(model.id, query):
        while at < len(chosen.ids) and chosen.ids[at] < prediction.image:
            at += 1
        if at < len(chosen.ids) and chosen.ids[at] == prediction.image:
            answers[at] = chosen.place(prediction.label)
    return answers


def _predict(
    repo: Repository,
    model: ModelRecord,
    answers: array[int],
    missing: array[int],
    chosen: _Chosen,
    threads: int | None,
    progress: Progress | None,
) -> None:
    """Fill in the answers at the places that are `missing`, and store them."""
    if not missing:
        return
    from ml.predicting import load_predictor, predict_stored

    predictor = load_predictor(repo, str(model.id), threads=threads)
    outputs = [chosen.place(label) for label in predictor.labels]
    wanted = array("q", (chosen.ids[at] for at in missing))
    places = iter(missing)
    for _, rows in predict_stored(repo, predictor, wanted, save=True, progress=progress):
        for best in rows.argmax(axis=1).tolist():
            answers[next(places)] = outputs[best]


def _shifted(progress: Progress | None, done: int, total: int) -> Progress | None:
    """The same progress for a part of the work that begins at `done`."""
    return None if progress is None else lambda part, _: progress(done + part, total)


def _compared(
    name: str,
    models: tuple[ModelRecord, ModelRecord],
    chosen: _Chosen,
    answers: list[array[int]],
    differences: tuple[Difference, ...],
    notes: list[str],
    most: int | None,
) -> Comparison:
    counts: Counter[tuple[bool, bool]] = Counter()
    flips: list[Flip] = []
    for image, truth, by_a, by_b in zip(chosen.ids, chosen.truth, *answers, strict=True):
        right = (by_a == truth, by_b == truth)
        counts[right] += 1
        if right[0] != right[1] and (most is None or len(flips) < most):
            label, says_a, says_b = (chosen.names[at] for at in (truth, by_a, by_b))
            flips.append(Flip(image, label, says_a, says_b, "a" if right[0] else "b"))
    n = len(chosen.ids)
    both, only_a, only_b = counts[True, True], counts[True, False], counts[False, True]
    a, b = (
        Side(model.id, model.name, model.run, correct, correct / n, wilson_interval(correct, n))
        for model, correct in zip(models, (both + only_a, both + only_b), strict=True)
    )
    test = mcnemar(only_a, only_b)
    return Comparison(
        on=name,
        n=n,
        a=a,
        b=b,
        both=both,
        only_a=only_a,
        only_b=only_b,
        neither=counts[False, False],
        test=test,
        verdict=_verdict(a, b, only_a + only_b, test),
        differences=differences,
        flips=tuple(flips),
        notes=tuple(notes),
    )


def _verdict(a: Side, b: Side, discordant: int, test: McNemar) -> str:
    """What the test means, in a sentence."""
    if discordant == 0:
        return "They are right and wrong on the same images: nothing here tells them apart."
    names = (a.name, b.name) if a.name != b.name else (f"model {a.model}", f"model {b.model}")
    better = names[0] if a.correct > b.correct else names[1]
    digits = 0 if test.p_value >= 0.1 else 2
    chance = f"{100 * test.p_value:.{digits}f} %" if test.p_value >= 1e-4 else "less than 0.01 %"
    if test.p_value < LEVEL:
        return (
            f"{better} is better: were the two equally good, a difference as large as this would "
            f"come about by chance in {chance} of such comparisons."
        )
    return (
        "No evidence that one is better: were the two equally good, a difference as large as this "
        f"would come about by chance in {chance} of such comparisons."
    )
