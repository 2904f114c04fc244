"""`pixshelf tags`: the vocabulary of tags, each change one action of the history."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options, vocabulary
from cli.output import one_format
from cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None, help="List, rename or remove tags.")


@app.command("ls", epilog="\b\nExamples:\n  pixshelf tags ls\n  pixshelf tags ls --json")
def list_tags(
    ctx: typer.Context,
    *,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List every tag with how many images have it."""
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    vocabulary.list_names(session(ctx), "tag", form)


@app.command("rename", epilog="\b\nExamples:\n  pixshelf tags rename chekced checked")
def rename(
    ctx: typer.Context,
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="What it is called.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it will be called.")],
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Give a tag another name."""
    vocabulary.rename(session(ctx), "tag", old, new, dry_run=dry_run, json=json)


@app.command(
    "rm",
    epilog="\b\nExamples:\n  pixshelf tags rm doubtful --dry-run\n"
    "  pixshelf tags rm doubtful --yes",
)
def remove(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tag, as `tags ls` lists it.")],
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Take a tag off every image.

    Asks on a terminal, and needs --yes anywhere else.
    """
    vocabulary.remove(session(ctx), "tag", name, dry_run=dry_run, yes=yes, json=json)
