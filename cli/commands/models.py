"""`pixshelf models`: the weights that the dataset holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.ask import confirm
from cli.output import Column, line, note, one_format, write_json, write_rows
from cli.records import model_detail_json, model_json
from cli.session import session
from cli.text import in_bytes, nearest, percent, plural, printable, when
from storage.errors import UsageError

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="List, show, export or remove models."
)

ENDINGS = (".keras", ".h5", ".tflite")
FIELDS = (
    "id",
    "name",
    "run",
    "labels",
    "parameters",
    "val_accuracy",
    "val_loss",
    "weights_sha256",
    "created_at",
)
COLUMNS = (
    Column("id", lambda row: str(row["id"]), right=True),
    Column("name", lambda row: row["name"]),
    Column("run", lambda row: "-" if row["run"] is None else str(row["run"]), right=True),
    Column("labels", lambda row: str(len(row["labels"])), right=True),
    Column("parameters", lambda row: f"{row['parameters']:,}", right=True),
    Column("val accuracy", lambda row: percent(row["val_accuracy"]), right=True),
    Column("made", lambda row: row["created_at"]),
)
NameOrId = Annotated[
    str, typer.Argument(metavar="NAME_OR_ID", help="The model, as `models ls` lists it.")
]


@app.command(
    "ls", epilog="\b\nExamples:\n  pixshelf models ls\n  pixshelf models ls --csv > models.csv"
)
def list_models(
    ctx: typer.Context,
    *,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List every model, the newest first."""
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    with session(ctx).open() as repo:
        rows = [model_json(model) for model in repo.models.all()]
    write_rows(rows, form, fields=FIELDS, columns=COLUMNS)


@app.command(
    "show", epilog="\b\nExamples:\n  pixshelf models show 2\n  pixshelf models show 2 --json"
)
def show_model(ctx: typer.Context, *, model: NameOrId, json: options.Json = False) -> None:
    """Show one model: what it tells apart, how big it is, how well it did."""
    with session(ctx).open() as repo:
        record = repo.models.find(model)
    if json:
        write_json(model_detail_json(record))
        return
    line(f"model {record.id}, {printable(record.name)}, made {when(record.created_at)}")
    line(f"run {'none' if record.run is None else record.run}")
    line(f"{plural(len(record.labels), 'label')}: {printable(', '.join(record.labels))}")
    line(f"{plural(record.parameters, 'parameter')}, temperature {record.temperature:.3f}")
    loss = "-" if record.val_loss is None else f"{record.val_loss:.4f}"
    line(f"val accuracy {percent(record.val_accuracy)}, val loss {loss}")
    line(f"weights sha256 {record.weights_sha256.hex()}")


@app.command(
    "export",
    epilog="\b\nExamples:\n  pixshelf models export 2 digits.tflite\n"
    "  pixshelf models export 2 digits.keras",
)
def export_model(
    ctx: typer.Context,
    *,
    model: NameOrId,
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .keras, .h5 or .tflite.")],
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Write a model in the form that other programs read.

    The file takes uint8 pictures and gives a probability for each label. Prints the file's path.
    """
    state = session(ctx)
    if target.suffix.lower() not in ENDINGS:
        match = nearest(target.suffix.lower(), ENDINGS)
        raise UsageError(
            f"{target}: a model cannot be written as {target.suffix or 'a file without an ending'}",
            hint=f"did you mean {match}?" if match else f"endings: {', '.join(ENDINGS)}",
        )
    with state.open() as repo:
        from ml.convert import export_model as write_model

        record = repo.models.find(model)
        if target.suffix.lower() != ".tflite":
            note("starting TensorFlow, which takes some seconds", quiet=state.quiet)
        written = write_model(repo, record.id, target, threads=state.threads(threads))
    size = written.stat().st_size
    if json:
        write_json({"model": record.id, "path": str(written), "bytes": size})
        return
    line(f"{printable(str(written))}: model {record.id}, {in_bytes(size)}")


@app.command(
    "rm", epilog="\b\nExamples:\n  pixshelf models rm 2 --dry-run\n  pixshelf models rm 2 --yes"
)
def remove_model(
    ctx: typer.Context,
    *,
    model: NameOrId,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Remove a model with its predictions. Its run stays; this cannot be undone.

    Asks on a terminal, and needs --yes anywhere else.
    """
    with session(ctx).open() as repo:
        record = repo.models.find(model)
        named = f"model {record.id}, {record.name}"
        if not dry_run:
            confirm(f"Remove {named}, with its predictions?", yes=yes)
            repo.models.remove(record.id)
    if json:
        write_json({"model": record.id, "name": record.name, "removed": not dry_run})
        return
    line(f"{printable(named)} {'would be removed' if dry_run else 'removed'}")
