"""`pixshelf eval`: how good a model is, in figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.output import Column, line, note, write_json, write_table
from cli.progress import progress
from cli.session import session
from cli.text import nearest, percent, plural, printable
from ml.evaluating import Evaluation, evaluate
from storage.errors import UsageError
from storage.records import SPLITS

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf eval
  pixshelf eval --model cats --split val --json
  pixshelf eval --confusion matrix.svg

The predictions are stored: `pixshelf ls is:wrong sort:-confidence` lists the worst mistakes.
"""


@app.command("eval", epilog=EPILOG)
def eval_model(
    ctx: typer.Context,
    *,
    model: options.Model = None,
    split: Annotated[
        str, typer.Option("--split", metavar="SPLIT", help="train, val or test.")
    ] = "test",
    on: Annotated[
        str | None, typer.Option("--on", metavar="QUERY", help="These images, not a split.")
    ] = None,
    confusion: Annotated[
        Path | None,
        typer.Option("--confusion", metavar="FILE", help="Draw the confusion matrix: .png, .svg."),
    ] = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Measure a model on the labelled images of a split.

    Prints accuracy with its 95 % interval, loss and calibration error, the figures of each label,
    and the confusion matrix.
    """
    state = session(ctx)
    if split not in SPLITS:
        match = nearest(split, SPLITS)
        raise UsageError(
            f"--split is {split!r}, which is not a split",
            hint=f"did you mean {match}?" if match else "train, val or test; --on takes a query",
        )
    if confusion is not None:
        _check_target(confusion)
    with state.open() as repo, progress("evaluating", quiet=state.quiet) as update:

        def on_progress(done: int, total: int) -> None:
            update(done, total, "")

        evaluation = evaluate(
            repo,
            model,
            split if on is None else on,
            threads=state.threads(threads),
            progress=on_progress,
        )
    for remark in evaluation.notes:
        note(remark, quiet=state.quiet)
    if json:
        write_json(evaluation.to_json())
    else:
        print_evaluation(evaluation)
    if confusion is not None:
        from ml.plots import plot_confusion

        title = f"{evaluation.model} on {evaluation.split}"
        plot_confusion(evaluation.confusion, evaluation.labels, confusion, title=title)
        note(f"confusion matrix drawn in {confusion}", quiet=state.quiet)


def print_evaluation(evaluation: Evaluation) -> None:
    """The figures for a person: totals, a table of labels, the confusion matrix."""
    print_summary(evaluation)
    line()
    scores = [
        (label, score.precision, score.recall, score.f1, score.support)
        for label, score in evaluation.per_class.items()
    ]
    columns = (
        Column("label", lambda row: row[0]),
        Column("precision", lambda row: percent(row[1], 1), right=True),
        Column("recall", lambda row: percent(row[2], 1), right=True),
        Column("f1", lambda row: percent(row[3], 1), right=True),
        Column("images", lambda row: f"{row[4]:,}", right=True),
    )
    write_table(scores, columns)
    line()
    print_confusion(evaluation)


def print_summary(evaluation: Evaluation) -> None:
    """The totals, in two lines."""
    low, high = evaluation.accuracy_interval
    line(
        f"{printable(evaluation.model)} on {printable(evaluation.split)}, "
        f"{plural(evaluation.n, 'image')}: accuracy {percent(evaluation.accuracy)} "
        f"(95 % interval {percent(low)} to {percent(high)})"
    )
    line(f"loss {evaluation.loss:.4f}, calibration error {percent(evaluation.ece)}")


def print_confusion(evaluation: Evaluation) -> None:
    """The confusion matrix, rows true and columns predicted; the most confused pairs where it
    would be too wide."""
    import shutil
    import sys

    from rich.console import Console

    from tui.confusion import confusion_table

    width = shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else 120
    table = confusion_table(evaluation.confusion, evaluation.labels, width=width)
    Console(file=sys.stdout, highlight=False, width=width).print(table)


def _check_target(target: Path) -> None:
    from ml.plots import ENDINGS

    # Looked at before the work, so that a slip of the finger does not cost an evaluation.
    if target.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"--confusion is {str(target)!r}, which ends in neither {' nor '.join(ENDINGS)}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"--confusion is {str(target)!r}, and there is no folder {target.parent}")
