"""An evaluation as a person reads it in the terminal: the summary first, details when asked for."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from cli.output import Column, line, write_table
from cli.text import percent, plural, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from ml.curves import Curve
    from ml.evaluating import Evaluation
    from ml.metrics import ClassScore
    from ml.mistakes import Mistake
    from storage.repository import Repository

FEW_LABELS = 20
"""Up to so many labels are all printed; of more, the WORST ones, unless details are asked for."""

WORST = 10
PAIRS = 5
MISTAKES = 6
"""The most confused pairs, and the worst mistakes, that are printed without details."""

MANY_PAIRS = 25
_THUMBNAIL = (16, 8)
_CHART_HEIGHT = 6
_WIDE = 120
"""How many columns are used off a terminal."""


def print_evaluation(repo: Repository, evaluation: Evaluation, *, details: bool = False) -> None:
    """The figures for a person: totals, labels, confusion, mistakes; with `details` all labels,
    the reliability diagram and the learning curves too."""
    print_summary(evaluation)
    line()
    _print_labels(evaluation, every=details)
    line()
    print_confusion(evaluation, pairs=MANY_PAIRS if details else PAIRS)
    if details:
        _print_reliability(evaluation)
        _print_curves(repo, evaluation)
    mistakes = evaluation.mistakes if details else evaluation.mistakes[:MISTAKES]
    if mistakes:
        line()
        _print_mistakes(repo, mistakes)


def print_summary(evaluation: Evaluation) -> None:
    """The totals, in three lines."""
    low, high = evaluation.accuracy_interval
    now, before, macro = evaluation.calibration, evaluation.uncalibrated, evaluation.macro
    line(
        f"{printable(evaluation.model)} on {printable(evaluation.split)}, "
        f"{plural(evaluation.n, 'image')}: accuracy {percent(evaluation.accuracy)} "
        f"(95 % interval {percent(low)} to {percent(high)})"
    )
    first = "" if evaluation.top3 is None else f"top-3 {percent(evaluation.top3)}, "
    line(
        f"{first}mean over labels: precision {percent(macro.precision)}, "
        f"recall {percent(macro.recall)}, F1 {percent(macro.f1)}"
    )
    line(
        f"loss {now.loss:.4f} ({before.loss:.4f} before calibration), "
        f"calibration error {percent(now.ece)} ({percent(before.ece)})"
    )


def print_confusion(evaluation: Evaluation, *, pairs: int = PAIRS) -> None:
    """The confusion matrix, rows true and columns predicted, where it is not too wide; below it
    the most confused pairs."""
    from ml.metrics import confused_pairs
    from tui.plain.confusion import matrix_table, pairs_table

    matrix = matrix_table(evaluation.confusion, evaluation.labels, width=_width())
    if matrix is not None:
        _draw(matrix)
    elif not evaluation.confused:
        line("nothing was mistaken")
    if evaluation.confused and (pairs or matrix is None):
        if matrix is not None:
            line()
        every = confused_pairs(evaluation.confusion, evaluation.labels)
        _draw(pairs_table(every, most=pairs if matrix is not None else max(pairs, WORST)))


def _print_labels(evaluation: Evaluation, *, every: bool) -> None:
    scores = list(evaluation.per_class.items())
    cut = not every and len(scores) > FEW_LABELS
    if cut:
        # A label without images has no score that says anything.
        present = [each for each in scores if each[1].support]
        scores = sorted(present, key=lambda each: each[1].f1)[:WORST]

    def share(name: str) -> Column:
        def cell(row: tuple[str, ClassScore]) -> str:
            return percent(getattr(row[1], name), 1)

        return Column(name, cell, right=True)

    columns = (
        Column("label", lambda row: row[0]),
        *(share(name) for name in ("precision", "recall", "f1")),
        Column("images", lambda row: f"{row[1].support:,}", right=True),
    )
    write_table(scores, columns)
    if cut:
        rest = len(evaluation.per_class) - len(scores)
        line(f"the lowest by F1; {plural(rest, 'label')} more with --details")


def _print_reliability(evaluation: Evaluation) -> None:
    from tui.plain.reliability import reliability_table

    line()
    _draw(reliability_table(evaluation.calibration.reliability))


def _print_curves(repo: Repository, evaluation: Evaluation) -> None:
    from ml.curves import learning_curves

    if evaluation.run is None:
        return
    curves = learning_curves(repo.runs.get(evaluation.run))
    for what in ("loss", "accuracy"):
        chosen = [curve for curve in curves if curve.what == what]
        if chosen:
            line()
            _print_chart(what, chosen)


def _print_chart(what: str, curves: Sequence[Curve]) -> None:
    """One chart for all networks of an ensemble, since their epochs follow each other."""
    from rich.text import Text

    from tui.plain.curve import CURVE, MARK, bounds_of, curve_lines, styled

    parts = {
        part: [point for curve in curves if curve.part == part for point in curve.points]
        for part in ("train", "val")
    }
    low, high = bounds_of(*parts.values())
    first = min(points[0][0] for points in parts.values() if points)
    last = max(points[-1][0] for points in parts.values() if points)
    edges = [f"{high:.4g}", *[""] * (_CHART_HEIGHT - 2), f"{low:.4g}"]
    gutter = max(map(len, edges)) + 1
    rows = curve_lines(
        parts["train"],
        parts["val"],
        width=min(60, _width() - gutter),
        height=_CHART_HEIGHT,
        across=(first, max(last, first + 1)),
        bounds=(low, high),
    )
    key = Text.assemble(styled(CURVE), (" train  ", "dim"), styled(MARK), (" val", "dim"))
    _draw(Text.assemble((f"{what}, epochs {first} to {last}  ", "bold"), key))
    for edge, row in zip(edges, rows, strict=True):
        _draw(Text.assemble((f"{edge:>{gutter - 1}} ", "dim"), styled(row)))


def _print_mistakes(repo: Repository, mistakes: Sequence[Mistake]) -> None:
    """As pictures on a terminal, as a table anywhere else."""
    if not sys.stdout.isatty():
        columns = (
            Column("image", lambda row: str(row.image), right=True),
            Column("true", lambda row: row.truth),
            Column("predicted", lambda row: row.predicted),
            Column("confidence", lambda row: percent(row.confidence, 1), right=True),
        )
        write_table(mistakes, columns, title="Worst mistakes")
        return
    from cli.pictures import picture_lines
    from tui.plain.halfblocks import side_by_side

    line("worst mistakes: wrong, and most sure of it")
    line()
    blocks = []
    for mistake in mistakes:
        data = repo.images.thumbnail(mistake.image) or repo.images.data(mistake.image)
        caption = (
            f"image {mistake.image}",
            f"{printable(mistake.predicted)} {percent(mistake.confidence, 1)}",
            f"is {printable(mistake.truth)}",
        )
        blocks.append((picture_lines(data, *_THUMBNAIL), "\n".join(caption)))
    for text in side_by_side(blocks, _width()):
        line(text)


def _draw(what: RenderableType) -> None:
    from rich.console import Console

    Console(file=sys.stdout, highlight=False, width=_width()).print(what)


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else _WIDE
