"""The words of the evaluate screen: totals, the reliability diagram, the most confused pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from textual.content import Content

from tui.evaluation.matrix import Matrix
from tui.plain.text import percent, printable

if TYPE_CHECKING:
    from ml.evaluating import Evaluation


def summary_text(evaluation: Evaluation) -> Content:
    """The totals, a line each, and the notes below."""
    lines = [
        Content.assemble(f"{name:<12}", (f"{figure:>10}", "bold"), (f"   {words}", "$text-muted"))
        for name, figure, words in summary(evaluation)
    ]
    for note in evaluation.notes:
        lines += [Content(""), Content.styled(f"! {printable(note)}", "$text-warning")]
    return Content("\n").join(lines)


def reliability_text(evaluation: Evaluation, across: int, *, ink: str, paper: str) -> Group:
    """The reliability diagram in `across` cells, a sentence above it. `ink` is the colour of the
    bars, `paper` that of the screen."""
    from rich.text import Text

    from tui.plain.reliability import reliability_table

    table = reliability_table(
        evaluation.calibration.reliability,
        bar=max(16, min(80, across - 50)),
        ink=ink,
        mark=f"bold {paper} on {ink}",
    )
    table.title = None
    return Group(Text(sureness(evaluation)), Text(""), table)


def pairs_text(matrix: Matrix, cell: tuple[int, int], room: int) -> Content:
    """The most confused pairs in `room` lines, a mark at the one that is the cell."""
    lines = [Content.styled("Most confused (n, p)", "bold")]
    for truth, answer in matrix.confused[: max(1, room - 1)]:
        here = (truth, answer) == cell
        names = [printable(matrix.labels[at]) for at in (truth, answer)]
        share = percent(matrix.share(truth, answer, "rows"), 1)
        text = f"{names[0]} as {names[1]}: {matrix.counts[truth][answer]:,}, {share}"
        lines.append(Content.styled(("> " if here else "  ") + text, "bold" if here else ""))
    return Content("\n").join(lines)


def summary(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    """The totals as (name, figure, what it means)."""
    low, high = evaluation.accuracy_interval
    now, before, macro = evaluation.calibration, evaluation.uncalibrated, evaluation.macro
    found = [
        ("images", f"{evaluation.n:,}", "with a label, in " + printable(evaluation.split)),
        (
            "accuracy",
            percent(evaluation.accuracy),
            f"right answers; 95 % interval {percent(low)} to {percent(high)}",
        ),
    ]
    if evaluation.top3 is not None:
        found.append(("top-3", percent(evaluation.top3), "the label among the three most probable"))
    return [
        *found,
        ("precision", percent(macro.precision), "of the answers, mean over labels"),
        ("recall", percent(macro.recall), "of the images, mean over labels"),
        ("F1", percent(macro.f1), "both in one, mean over labels"),
        ("loss", f"{now.loss:.4f}", f"cross-entropy in nats; {before.loss:.4f} uncalibrated"),
        (
            "ECE",
            percent(now.ece),
            f"confidence less accuracy; {percent(before.ece)} uncalibrated",
        ),
        ("temperature", f"{evaluation.temperature:.3f}", "divides the logits; 1 changes nothing"),
    ]


def sureness(evaluation: Evaluation) -> str:
    """What the reliability diagram says, in a sentence."""
    bins = evaluation.calibration.reliability
    total = sum(each.images for each in bins)
    gap = sum(each.images * (each.confidence - each.accuracy) for each in bins) / total
    ece = percent(evaluation.calibration.ece, 1)
    if abs(gap) < 0.005:
        return f"Confidence and accuracy agree on the whole; calibration error {ece}."
    word = "surer than it is right" if gap > 0 else "less sure than it is right"
    return f"The model is {word}, by {percent(abs(gap), 1)} on the whole; calibration error {ece}."
