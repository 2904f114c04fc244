"""`pixshelf eval`: how good a model is, in figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.evaluation import print_evaluation
from cli.output import note, write_json
from cli.progress import progress
from cli.selection import split_or_query
from cli.session import session
from ml.evaluating import Evaluation, evaluate
from storage.errors import NotReady, RefusedInput, UsageError
from storage.repository import Repository

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf eval
  pixshelf eval --model cats --split val --json
  pixshelf eval --details
  pixshelf eval --report report/ --confusion matrix.svg

The predictions are stored: `pixshelf ls is:wrong sort:-confidence` lists the worst mistakes.
"""


@app.command("eval", epilog=EPILOG)
def eval_model(
    ctx: typer.Context,
    *,
    model: options.Model = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="SPLIT", help="train, val or test. [default: test]"),
    ] = None,
    on: Annotated[
        str | None, typer.Option("--on", metavar="QUERY", help="These images, not a split.")
    ] = None,
    details: Annotated[
        bool,
        typer.Option("--details", help="All labels, reliability, learning curves, more mistakes."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Write all of it as one HTML page."),
    ] = None,
    confusion: Annotated[
        Path | None,
        typer.Option("--confusion", metavar="FILE", help="Draw the confusion matrix: .png, .svg."),
    ] = None,
    reliability: Annotated[
        Path | None,
        typer.Option("--reliability", metavar="FILE", help="Draw the reliability diagram."),
    ] = None,
    curves: Annotated[
        Path | None,
        typer.Option("--curves", metavar="FILE", help="Draw the learning curves of its run."),
    ] = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Measure a model on the labelled images of a split.

    Prints accuracy with its 95 % interval, loss and calibration error, the figures of each label,
    the confusion matrix, and the worst mistakes.
    """
    state = session(ctx)
    where = split_or_query(split, on)
    files = Files(confusion, reliability, curves, report)
    files.check()
    with state.open() as repo:
        with progress("evaluating", quiet=state.quiet) as update:
            evaluation = evaluate(
                repo,
                model,
                where,
                threads=state.threads(threads),
                progress=lambda done, total: update(done, total, ""),
            )
        for remark in evaluation.notes:
            note(remark, quiet=state.quiet)
        if json:
            write_json(evaluation.to_json())
        else:
            print_evaluation(repo, evaluation, details=details)
        for written in files.write(repo, evaluation):
            note(written, quiet=state.quiet)


@dataclass(frozen=True, slots=True)
class Files:
    """What is drawn or written beside the figures; None for what was not asked for."""

    confusion: Path | None
    reliability: Path | None
    curves: Path | None
    report: Path | None

    def check(self) -> None:
        """Look at all of the names before the work, so that a slip of the finger does not cost an
        evaluation. Raises UsageError or RefusedInput."""
        for flag in ("confusion", "reliability", "curves"):
            target = getattr(self, flag)
            if target is not None:
                _check_target(f"--{flag}", target)
        folder = self.report
        if (
            folder is not None
            and folder.exists()
            and (not folder.is_dir() or any(folder.iterdir()))
        ):
            raise RefusedInput(
                f"--report is {str(folder)!r}, which is there already and is not overwritten",
                hint="name a new folder",
            )

    def write(self, repo: Repository, evaluation: Evaluation) -> Iterator[str]:
        """Write each; gives a line for each that is written. Raises NotReady for curves of a model
        without a run."""
        title = f"{evaluation.model} on {evaluation.split}"
        if self.confusion is not None:
            from ml.plots import plot_confusion

            plot_confusion(evaluation.confusion, evaluation.labels, self.confusion, title=title)
            yield f"confusion matrix drawn in {self.confusion}"
        if self.reliability is not None:
            from ml.line_plots import plot_reliability

            before = evaluation.uncalibrated.reliability
            bins = evaluation.calibration.reliability
            plot_reliability(bins, self.reliability, before=before, title=title)
            yield f"reliability diagram drawn in {self.reliability}"
        if self.curves is not None:
            _draw_curves(repo, evaluation, self.curves)
            yield f"learning curves drawn in {self.curves}"
        if self.report is not None:
            import time

            from cli.version import version_line
            from ml.report import write_report

            page = write_report(
                repo, evaluation, self.report, at=int(time.time()), program=version_line()
            )
            yield f"report written to {page}"


def _draw_curves(repo: Repository, evaluation: Evaluation, target: Path) -> None:
    from ml.curves import learning_curves
    from ml.line_plots import plot_curves

    if evaluation.run is None:
        raise NotReady(f"the model '{evaluation.model}' has no run, and so no learning curves")
    plot_curves(learning_curves(repo.runs.get(evaluation.run)), target, title=evaluation.model)


def _check_target(flag: str, target: Path) -> None:
    from ml.plots import ENDINGS

    if target.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"{flag} is {str(target)!r}, which ends in neither {' nor '.join(ENDINGS)}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"{flag} is {str(target)!r}, and there is no folder {target.parent}")
