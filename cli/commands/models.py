"""`pixshelf models`: the weights that the dataset holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options
from cli.ask import confirm
from cli.comparing import MODELS_EPILOG, compare_models
from cli.output import Column, line, note, one_format, write_json, write_rows
from cli.records import model_detail_json, model_json
from cli.session import session
from cli.text import in_bytes, nearest, percent, plural, printable, when
from storage.errors import UsageError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="List, show, export, import, rename or remove models.",
)

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
    """Show one model: its labels, its size, how well it did."""
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
    "  pixshelf models export 2 digits.keras\n  pixshelf models export 2 digits.onnx\n"
    "  pixshelf models export 2 digits --format savedmodel",
)
def export_model(
    ctx: typer.Context,
    *,
    model: NameOrId,
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Ends in .keras, .h5, .tflite or .onnx; without an ending, a SavedModel folder.",
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="keras, h5, tflite, onnx or savedmodel. [default: by FILE's ending]",
        ),
    ] = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Write a model in the form that other programs read.

    It takes uint8 pictures and gives a probability for each label. A file that is there is
    replaced. Prints the path. ONNX needs one more package; without it the error says how to get it.
    """
    from ml.convert import ENDINGS, form_of
    from ml.convert import export_model as write_model

    state = session(ctx)
    if form is None and (match := nearest(target.suffix.lower(), ENDINGS)) not in (
        None,
        target.suffix.lower(),
    ):
        raise UsageError(
            f"{target}: a model cannot be written as {target.suffix}", hint=f"did you mean {match}?"
        )
    chosen = form_of(target, form)
    with state.open() as repo:
        record = repo.models.find(model)
        if chosen != "tflite":
            note("starting TensorFlow, which takes some seconds", quiet=state.quiet)
        written = write_model(repo, record.id, target, form=chosen, threads=state.threads(threads))
    size = sum(each.stat().st_size for each in [written, *written.rglob("*")] if each.is_file())
    if json:
        write_json({"model": record.id, "path": str(written), "bytes": size})
        return
    line(f"{printable(str(written))}: model {record.id}, {in_bytes(size)}")


@app.command(
    "import",
    epilog="\b\nExamples:\n  pixshelf models import digits.keras --trust --scale 0..1\n"
    "  pixshelf models import pets.h5 --trust --labels cat,dog --name pets\n\n"
    "Model files have run code on loading (CVE-2025-1550, CVE-2025-8747, CVE-2025-9905, "
    "CVE-2026-1669). pixshelf runs nothing of the file: it reads layers and weights in a process "
    "with limits, and takes only layers that it knows. --trust says that you know where it is "
    "from.",
)
def import_model(
    ctx: typer.Context,
    *,
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .keras or .h5 file that Keras saved.")
    ],
    trust: Annotated[bool, typer.Option("--trust", help="I know where this file is from.")] = False,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Its name. [default: that of the file]"),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="A,B,C",
            help="Labels in the order of its outputs. [default: what the file names, or the "
            "dataset's labels if there are as many]",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale",
            metavar="RANGE",
            help="What it wants pixels to be: 0..1, -1..1 or 0..255. [default: 0..255 if it "
            "scales them itself, otherwise 0..1]",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="N or WxH", help="Pixels, for a model that takes any size."),
    ] = None,
    resize: Annotated[
        str | None,
        typer.Option(
            "--resize", metavar="HOW", help="letterbox, stretch or crop. [default: letterbox]"
        ),
    ] = None,
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Bring in a model that another program trained with Keras.

    Its answers are compared with Keras' own before it is stored. Prints the model.
    """
    from ml.importing import check_file, parse_resize, parse_scale
    from ml.importing import import_model as read_model

    state = session(ctx)
    check_file(source, trust=trust)
    with state.open(create=True) as repo:
        note("starting TensorFlow, which takes some seconds", quiet=state.quiet)
        done = read_model(
            repo,
            source,
            trust=trust,
            name=name,
            labels=None if labels is None else labels.split(","),
            scale=parse_scale(scale),
            size=None if size is None else _sides(size),
            resize=parse_resize(resize),
            threads=state.threads(threads),
        )
        record = repo.models.get(done.model)
    if done.labels_from == "dataset":
        note(
            f"labels taken from the dataset, in this order: {printable(', '.join(done.labels))}",
            quiet=state.quiet,
        )
    if json:
        write_json(model_json(record))
        return
    line(
        f"model {record.id}, {printable(record.name)}: {plural(len(record.labels), 'label')}, "
        f"{plural(record.parameters, 'parameter')}, {done.spec.input}, pixels {done.spec.scale}"
    )


def _sides(text: str) -> tuple[int, int]:
    """(height, width) of '224' or '320x240', which names the width first."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise UsageError(f"--size is {text!r:.40}, which is not a size", hint="such as 64 or 64x48")
    return int(parts[-1][:9]), int(parts[0][:9])


@app.command(
    "rename",
    epilog="\b\nExamples:\n  pixshelf models rename standard-1 digits\n"
    "  pixshelf models rename 3 best --json",
)
def rename_model(
    ctx: typer.Context,
    *,
    model: NameOrId,
    name: Annotated[
        str, typer.Argument(metavar="NEW", help="Its new name, which no other model has.")
    ],
    json: options.Json = False,
) -> None:
    """Give a model another name. Its id stays."""
    with session(ctx).open() as repo:
        before = repo.models.find(model)
        repo.models.rename(before.id, name)
        record = repo.models.get(before.id)
    if json:
        write_json({"model": record.id, "before": before.name, "name": record.name})
        return
    line(f"model {record.id}, {printable(before.name)}, is now {printable(record.name)}")


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


app.command("compare", epilog=MODELS_EPILOG)(compare_models)
