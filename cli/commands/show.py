"""`pixshelf show`: one image, drawn and described, or its bytes as they were given."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options
from cli.answers import predictions_of
from cli.output import line, note, write_json
from cli.records import image_json
from cli.session import session
from cli.text import in_bytes, in_columns, percent, printable
from storage.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

LOWEST = 8
FACTS = 11
"""Lines that the facts take, with those around them."""
WIDEST = 48
BAR = 24
SHOWN = 5
EPILOG = """
\b
Examples:
  pixshelf show 12
  pixshelf show 12 --json
  pixshelf show 12 -o picture.png
"""


@app.command(epilog=EPILOG)
def show(
    ctx: typer.Context,
    *,
    image: Annotated[int, typer.Argument(metavar="ID", help="The image's id, from `ls`.")],
    width: Annotated[
        int | None,
        typer.Option("--width", metavar="N", min=1, max=1000, help="Draw it N columns wide."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write the image's bytes; - is stdout."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Show one image, its facts and its predictions.

    Draws the picture in the terminal, in colour where the terminal has it, and lists what each
    model said of it.
    """
    if json and output is not None:
        raise UsageError("--json and --output were given: one of them at a time")
    state = session(ctx)
    with state.open() as repo:
        if output is not None:
            _write_bytes(repo.images.data(image), output, quiet=state.quiet)
            return
        record = repo.images.get(image)
        facts = image_json(record)
        facts["predictions"] = predictions_of(repo, image)
        data = b"" if json else repo.images.data(image)
    if json:
        write_json(facts)
        return
    from cli.pictures import picture_lines

    terminal = shutil.get_terminal_size((80, 24))
    columns = width or min(terminal.columns, WIDEST)
    # A cell is twice as high as wide: so many rows bound a picture at twice as high as wide.
    # Without --width the facts are to fit on the screen below it.
    rows = columns if width else min(columns, max(LOWEST, terminal.lines - FACTS))
    for text in picture_lines(data, columns, rows):
        line(text)
    line()
    for text in _facts(facts, deleted=record.deleted):
        line(text)
    for prediction in facts["predictions"]:
        line()
        for text in _bars(prediction):
            line(text)


def _write_bytes(data: bytes, output: str, *, quiet: bool) -> None:
    if output != "-":
        Path(output).write_bytes(data)
        note(f"{output}: {in_bytes(len(data))}", quiet=quiet)
        return
    if sys.stdout.isatty():
        raise UsageError(
            "standard output is a terminal, and the image's bytes would upset it",
            hint="-o FILE writes a file; or pipe it: pixshelf show 12 -o - | file -",
        )
    sys.stdout.flush()
    sys.stdout.buffer.write(data)


def _facts(image: dict[str, Any], *, deleted: bool) -> list[str]:
    rows: Sequence[tuple[str, str]] = (
        ("id", f"{image['id']}{', in the trash' if deleted else ''}"),
        ("label", "none" if image["label"] is None else image["label"]),
        ("split", image["split"] or "none"),
        ("tags", ", ".join(image["tags"]) or "none"),
        ("size", f"{image['width']}x{image['height']}, {image['channels']} channels"),
        ("file", f"{image['format']}, {in_bytes(image['bytes'])}"),
        ("source", image["source"]),
        ("added", image["added_at"]),
        ("sha256", image["sha256"]),
    )
    shown = [(name, printable(value)) for name, value in rows]
    return in_columns(shown[0], shown[1:])


def _bars(prediction: dict[str, Any]) -> list[str]:
    truth = prediction["truth"]
    verdict = (
        "" if truth is None else "  right" if truth == prediction["label"] else f"  wrong: {truth}"
    )
    heading = f"model {prediction['model']}, {prediction['name']}: {prediction['label']}{verdict}"
    best = sorted(prediction["probabilities"].items(), key=lambda item: -item[1])[:SHOWN]
    rows = [
        (printable(label), ("█" * round(BAR * share)).ljust(BAR), percent(share, 1))
        for label, share in best
    ]
    return [printable(heading), *in_columns(rows[0], rows[1:], right=[False, False, True])]
