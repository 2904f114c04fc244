"""What the evaluate screen shows, read and put into words; nothing here knows a widget.

A `Chosen` says which model on which images; `read_shown` makes of stored answers what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from storage.errors import QueryError
from storage.query import Query, Sort, Term, parse, quote
from storage.records import SPLITS
from tui.evaluation.matrix import Matrix
from tui.plain.text import percent, printable

if TYPE_CHECKING:
    from ml.evaluating import Evaluation, Unanswered
    from ml.metrics import ClassScore
    from ml.mistakes import Mistake
    from storage.records import ModelRecord
    from storage.repository import Repository

MISTAKES = 500
"""So many of the worst mistakes are shown."""

PREVIEWED = 100
"""So many of a cell's images are shown beside the matrix."""

PREFERRED = ("test", "val", "train")

Column = Literal["label", "precision", "recall", "f1", "images", "mistakes"]
COLUMNS: tuple[Column, ...] = ("label", "precision", "recall", "f1", "images", "mistakes")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model, the word by which queries and commands find it, and the images: a split's name or
    the text of a query."""

    model: ModelRecord
    word: str
    on: str

    def query(self, *words: str) -> str:
        """The text of a query for those of the images for which the words hold too."""
        where = f"split:{self.on}" if self.on in SPLITS else self.on
        return " ".join((*words, where, f"model:{quote(self.word)}"))

    def cell(self, truth: str, predicted: str) -> str:
        """The query for a cell of the matrix."""
        return self.query(f"label:{quote(truth)}", f"predicted:{quote(predicted)}")

    def mistakes(self, truth: str | None = None) -> str:
        """The query for the wrong answers, or for those to a label's images, the surest first."""
        of_label = () if truth is None else (f"label:{quote(truth)}",)
        return self.query(*of_label, "is:wrong") + " sort:-confidence"

    def arguments(self) -> tuple[str, ...]:
        """The images as options of the command line."""
        return ("--split" if self.on in SPLITS else "--on", self.on)


@dataclass(frozen=True, slots=True)
class Shown:
    """An evaluation with what the views need beside it."""

    evaluation: Evaluation
    matrix: Matrix
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label's line: `mistakes` counts its images that were taken for others, `taken_for` is
    the label they were most often taken for."""

    label: str
    score: ClassScore
    mistakes: int
    taken_for: str | None


def model_words(models: Sequence[ModelRecord]) -> dict[int, str]:
    """For each model, newest first, what names it and no other: its name, or its id where a newer
    one has that name or the name looks like an id or an option or has control characters."""
    newest: dict[str, int] = {}
    for model in models:
        newest.setdefault(model.name, model.id)
    return {
        model.id: model.name
        if newest[model.name] == model.id and _is_word(model.name)
        else str(model.id)
        for model in models
    }


def _is_word(name: str) -> bool:
    return not name.isdecimal() and not name.startswith("-") and printable(name) == name


def model_names(models: Sequence[ModelRecord]) -> dict[str, ModelRecord]:
    """The models by what a list of them shows, which is different for each."""
    words = model_words(models)
    return {
        printable(model.name)
        if words[model.id] == model.name
        else f"{printable(model.name)} (id {model.id})": model
        for model in models
    }


def wrong_choice(on: str) -> str:
    """What is wrong with a split's name or a query as the images to evaluate on; '' for nothing."""
    if on in SPLITS:
        return ""
    try:
        query = parse(on)
    except QueryError as error:
        return error.message
    if query.model is not None or query.sort != Sort() or "sort:" in on:
        return "leave out 'model:' and 'sort:'; the model is chosen beside"
    return "" if query.terms else "the query is empty"


def first_split(repo: Repository) -> str:
    """The first of test, val and train that has a labelled image; test where none has."""
    for split in PREFERRED:
        query = Query((Term("split", ":", (split,)), Term("is", ":", ("labelled",))))
        if repo.images.page(query, limit=1).images:
            return split
    return PREFERRED[0]


def read_shown(repo: Repository, model: ModelRecord, on: str) -> Shown | Unanswered:
    """The evaluation from what is stored, or what is missing of it. Raises as evaluate_stored."""
    from ml.evaluating import Unanswered, evaluate_stored

    found = evaluate_stored(repo, str(model.id), on)
    return found if isinstance(found, Unanswered) else shown(repo, found)


def run_evaluation(
    repo: Repository,
    model: ModelRecord,
    on: str,
    *,
    again: bool,
    progress: Callable[[int, int], None],
) -> Shown:
    """Predict what is missing, or with `again` everything, store it, and evaluate. Raises as
    evaluate, and what `progress` raises."""
    from ml.evaluating import evaluate

    return shown(repo, evaluate(repo, str(model.id), on, stored=not again, progress=progress))


def shown(repo: Repository, evaluation: Evaluation) -> Shown:
    """An evaluation made ready to be shown."""
    from ml.mistakes import worst_mistakes

    on = evaluation.split
    query = parse(f"split:{on}" if on in SPLITS else on)
    return Shown(
        evaluation,
        Matrix.of(evaluation.labels, evaluation.confusion),
        worst_mistakes(repo, str(evaluation.model_id), query, MISTAKES),
    )


def cell_images(repo: Repository, shown: Shown, row: int, column: int) -> list[int]:
    """The first images of a cell, at most PREVIEWED, in id order."""
    evaluation, labels = shown.evaluation, shown.matrix.labels
    on = evaluation.split
    query = parse(f"split:{on}" if on in SPLITS else on).where(
        Term("label", ":", (labels[row],)), Term("predicted", ":", (labels[column],))
    )
    query = replace(query, model=str(evaluation.model_id))
    return [image.id for image in repo.images.page(query, limit=PREVIEWED).images]


def label_rows(shown: Shown, column: Column, *, reverse: bool = False) -> list[LabelRow]:
    """A line for each label, ordered by a column: labels in the model's order, figures with the
    lowest scores and the most images or mistakes first; `reverse` turns it round. Labels without
    images come last, for they have no scores."""
    taken = _taken_for(shown.matrix)
    rows = [
        LabelRow(
            label, score, shown.matrix.rows[at] - shown.matrix.counts[at][at], taken.get(label)
        )
        for at, (label, score) in enumerate(shown.evaluation.per_class.items())
    ]
    keys: Mapping[Column, Callable[[LabelRow], float]] = {
        "precision": lambda row: row.score.precision,
        "recall": lambda row: row.score.recall,
        "f1": lambda row: row.score.f1,
        "images": lambda row: -row.score.support,
        "mistakes": lambda row: -row.mistakes,
    }
    present = [row for row in rows if row.score.support]
    if column in keys:
        present.sort(key=keys[column])
    if reverse:
        present.reverse()
    return [*present, *(row for row in rows if not row.score.support)]


def _taken_for(matrix: Matrix) -> dict[str, str]:
    found: dict[str, str] = {}
    for row, column in matrix.confused:
        found.setdefault(matrix.labels[row], matrix.labels[column])
    return found


def headline(evaluation: Evaluation) -> str:
    """The evaluation in one short line."""
    low, high = evaluation.accuracy_interval
    return f"accuracy {percent(evaluation.accuracy)} ({percent(low, 1)} to {percent(high, 1)})"


def command_words(
    chosen: Chosen, words: Sequence[str], cell: str | None
) -> list[tuple[str, tuple[str, ...]]]:
    """What can be done with an evaluation, with the words of the command that does it. `words`
    name all models; `cell` is the query of the cell under the cursor."""
    base = ("eval", "--model", chosen.word, *chosen.arguments())
    found: list[tuple[str, tuple[str, ...]]] = []
    if cell is not None:
        found.append(("list the images of this cell", ("ls", cell)))
    found += [
        ("evaluate", base),
        ("evaluate with every detail", (*base, "--details")),
        ("evaluate as JSON", (*base, "--json")),
        ("write a report", (*base, "--report", "report")),
        ("draw the matrix", (*base, "--confusion", "matrix.svg")),
        ("draw the reliability", (*base, "--reliability", "reliability.svg")),
        ("list the mistakes", ("ls", chosen.mistakes())),
    ]
    others = [word for word in words if word != chosen.word]
    if others:
        compare = ("models", "compare", chosen.word, others[0], *chosen.arguments())
        found.append(("compare with another model", compare))
    return found
