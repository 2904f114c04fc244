"""Runs and models as rows of tables and as details: records in, texts out.

Pure. Whatever comes from the dataset is made printable here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from tui.plain.settings_lines import listed, settings_lines
from tui.plain.text import in_time, minute, percent, plural, printable
from tui.training.plan import wrapped
from tui.training.view import epochs_chart

if TYPE_CHECKING:
    from ml.run_state import RunState
    from storage.records import ModelRecord, RunRecord
    from storage.repository import Repository

CHART_HEIGHT = 6

MOST_LABELS = 2_000
"""Letters of the list of labels that are shown."""

_STATES = {
    "running": "▶ running",
    "interrupted": "! interrupted",
    "done": "  done",
    "stopped": "■ stopped",
    "failed": "! failed",
}
"""A run's state with a sign, so that it is told without colour."""


RUN_TITLES = ("run", "name", "state", "epochs", "best val", "started")
MODEL_TITLES = ("", "model", "name", "labels", "val", "run", "made")


@dataclass(frozen=True, slots=True)
class Stored:
    """Every run with its state, and every model; the newest first."""

    runs: tuple[tuple[RunRecord, RunState], ...]
    models: tuple[ModelRecord, ...]


def read_stored(repo: Repository) -> Stored:
    """What the dataset has now."""
    from ml.run_state import run_state

    runs = tuple((record, run_state(repo, record)) for record in repo.runs.all())
    return Stored(runs, tuple(repo.models.all()))


def run_row(record: RunRecord, state: RunState) -> tuple[str, ...]:
    """A cell for each of RUN_TITLES."""
    return (
        str(record.id),
        printable(record.name),
        _STATES[state],
        f"{len(record.epochs)}/{record.total_epochs}",
        percent(best_accuracy(record)),
        minute(record.started_at),
    )


def model_row(model: ModelRecord, *, marked: bool) -> tuple[str, ...]:
    """A cell for each of MODEL_TITLES."""
    return (
        "●" if marked else " ",
        str(model.id),
        printable(model.name),
        f"{len(model.labels):,}",
        percent(model.val_accuracy),
        "-" if model.run is None else str(model.run),
        minute(model.created_at),
    )


def best_accuracy(record: RunRecord) -> float | None:
    """The best validation accuracy of its epochs."""
    found = [epoch.val_accuracy for epoch in record.epochs if epoch.val_accuracy is not None]
    return max(found, default=None)


def run_details(record: RunRecord, state: RunState, cells: int) -> Content:
    """Everything about a run, in lines of at most `cells` cells."""
    lines = [Content.styled(f"run {record.id}, {printable(record.name)}", "bold")]
    lines.append(Content(_STATES[state].strip()))
    facts = [f"error: {record.error}"] if record.error else []
    facts.append(f"started {minute(record.started_at)}")
    if record.finished_at is not None:
        facts.append(f"took {in_time(max(0, record.finished_at - record.started_at))}")
    facts.append("no model" if record.model is None else f"model {record.model}")
    if record.epochs:
        last, best = record.epochs[-1], best_accuracy(record)
        facts.append(
            f"epoch {last.epoch} of {record.total_epochs}, step {last.step:,} of "
            f"{record.total_steps:,}, {in_time(last.seconds)} of training"
        )
        facts.append(f"train loss {last.train_loss:.4f}, {percent(last.train_accuracy)}")
        if last.val_loss is not None:
            facts.append(f"val loss {last.val_loss:.4f}, {percent(last.val_accuracy)}")
        facts.append(f"best {percent(best)} of its epochs")
    lines += _wrapped(facts, cells)
    chart = _epochs(record, cells)
    if chart:
        lines += [Content.styled("val accuracy by epoch", "dim"), chart]
    more = [*settings_lines(record.settings), f"versions: {listed(record.versions)}"]
    more.append(_labels(record.labels))
    more.append(f"data {record.data_digest.hex()[:16]}")
    return Content("\n").join([*lines, Content(""), *_wrapped(more, cells)])


def model_details(model: ModelRecord, cells: int) -> Content:
    """Everything about a model, in lines of at most `cells` cells."""
    lines = [Content.styled(f"model {model.id}, {printable(model.name)}", "bold")]
    facts = [
        f"made {minute(model.created_at)}",
        "imported, no run" if model.run is None else f"run {model.run}",
        f"{model.parameters:,} parameters",
        f"val accuracy {percent(model.val_accuracy)}",
        f"val loss {'-' if model.val_loss is None else format(model.val_loss, '.4f')}",
        f"temperature {model.temperature:.3f}",
        f"input {_input(model)}",
        _labels(model.labels),
        f"weights {model.weights_sha256.hex()[:16]}",
    ]
    return Content("\n").join([*lines, *_wrapped(facts, cells)])


def _epochs(record: RunRecord, cells: int) -> Content:
    values = [
        (float(epoch.epoch), epoch.val_accuracy)
        for epoch in record.epochs
        if epoch.val_accuracy is not None
    ]
    return epochs_chart(values, cells, CHART_HEIGHT)


def _input(model: ModelRecord) -> str:
    from ml.pixels import InputSpec
    from storage.errors import DatasetError

    try:
        spec = InputSpec.from_json(model.spec.get("input"))
    except DatasetError:
        # Of another version of the program.
        return "unknown to this version"
    return f"{spec.width}x{spec.height}x{spec.channels}, {spec.resize}"


def _labels(labels: tuple[str, ...]) -> str:
    return f"{plural(len(labels), 'label')}: {', '.join(labels)[:MOST_LABELS]}"


def _wrapped(texts: list[str], cells: int) -> list[Content]:
    return [Content(part) for text in texts for part in wrapped(printable(text), cells)]
