"""`pixshelf runs`: the trainings that the dataset remembers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli import options
from cli.output import Column, line, one_format, write_json, write_rows, write_table
from cli.records import epoch_json, run_detail_json, run_json
from cli.session import session
from cli.text import in_time, percent, plural, printable

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="List trainings, or show one.")

FIELDS = (
    "id",
    "name",
    "status",
    "seed",
    "epochs",
    "total_epochs",
    "val_accuracy",
    "model",
    "started_at",
    "finished_at",
    "error",
)
COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("name", lambda row: row["name"]),
    Column("status", lambda row: row["status"]),
    Column("epochs", lambda row: f"{row['epochs']}/{row['total_epochs']}", right=True),
    Column("val accuracy", lambda row: percent(row["val_accuracy"]), right=True),
    Column("model", lambda row: "-" if row["model"] is None else str(row["model"]), right=True),
    Column("started", lambda row: row["started_at"]),
)
EPOCH_COLUMNS = (
    Column("epoch", lambda row: str(row["epoch"]), right=True),
    Column("step", lambda row: f"{row['step']:,}", right=True),
    Column("time", lambda row: in_time(row["seconds"]), right=True),
    Column("train loss", lambda row: _loss(row["train_loss"]), right=True),
    Column("train accuracy", lambda row: percent(row["train_accuracy"]), right=True),
    Column("val loss", lambda row: _loss(row["val_loss"]), right=True),
    Column("val accuracy", lambda row: percent(row["val_accuracy"]), right=True),
)


@app.command(
    "ls", epilog="\b\nExamples:\n  pixshelf runs ls\n  pixshelf runs ls --jsonl | jq .val_accuracy"
)
def list_runs(
    ctx: typer.Context,
    *,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List every training, the newest first."""
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    with session(ctx).open() as repo:
        rows = [run_json(run) for run in repo.runs.all()]
    write_rows(rows, form, fields=FIELDS, columns=COLUMNS)


@app.command("show", epilog="\b\nExamples:\n  pixshelf runs show 3\n  pixshelf runs show 3 --json")
def show_run(
    ctx: typer.Context,
    *,
    run: Annotated[int, typer.Argument(metavar="ID", help="The run's id, from `runs ls`.")],
    json: options.Json = False,
) -> None:
    """Show one training: its settings and its epochs."""
    with session(ctx).open() as repo:
        record = repo.runs.get(run)
    if json:
        write_json(run_detail_json(record))
        return
    facts: dict[str, Any] = run_json(record)
    line(f"run {record.id}, {printable(record.name)}: {record.status}")
    if record.error:
        line(f"error: {printable(record.error)}")
    line(f"started {facts['started_at']}, ended {facts['finished_at'] or 'not yet'}")
    line(f"model {'none' if record.model is None else record.model}, seed {record.seed}")
    line(f"{plural(len(record.labels), 'label')}: {printable(', '.join(record.labels))}")
    for name, value in record.settings.items():
        line(printable(f"{name}: {_listed(value) if isinstance(value, Mapping) else value}"))
    line(printable(f"versions: {_listed(record.versions)}"))
    if record.epochs:
        line()
        write_table([epoch_json(epoch) for epoch in record.epochs], EPOCH_COLUMNS)


def _listed(values: Mapping[str, Any]) -> str:
    """'name value, name value', without the values that were left open."""
    shown = {
        name: f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if value is not None
    }
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
