"""`pixshelf labels`: the vocabulary of labels, each change one action of the history."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options, vocabulary
from cli.ask import confirm
from cli.editing import actor, known_name, write_edit
from cli.output import one_format
from cli.session import session
from cli.text import plural, printable
from storage.errors import UsageError

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="List, rename, merge or remove labels."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The label, as `labels ls` lists it.")]


@app.command("ls", epilog="\b\nExamples:\n  pixshelf labels ls\n  pixshelf labels ls --csv")
def list_labels(
    ctx: typer.Context,
    *,
    json: options.Json = False,
    jsonl: options.JsonLines = False,
    csv: options.Csv = False,
    tsv: options.Tsv = False,
) -> None:
    """List every label with how many images have it, those that only a model knows too."""
    form = one_format(json=json, jsonl=jsonl, csv=csv, tsv=tsv)
    vocabulary.list_names(session(ctx), "label", form)


@app.command("rename", epilog="\b\nExamples:\n  pixshelf labels rename kat cat")
def rename(
    ctx: typer.Context,
    *,
    old: Annotated[str, typer.Argument(metavar="OLD", help="What it is called.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it will be called.")],
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Give a label another name, for images, models and predictions alike."""
    vocabulary.rename(session(ctx), "label", old, new, dry_run=dry_run, json=json)


@app.command(
    "merge",
    epilog="\b\nExamples:\n  pixshelf labels merge kitten cat\n"
    "  pixshelf labels merge kitten cat --dry-run",
)
def merge(
    ctx: typer.Context,
    *,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The label that goes.")],
    target: Annotated[str, typer.Argument(metavar="INTO", help="The label that stays.")],
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Give every image of one label another that there is.

    Models keep telling the two apart. Asks on a terminal, and needs --yes anywhere else.
    """
    state = session(ctx)
    if source == target:
        raise UsageError(f"'{source}' cannot be merged into itself")
    with state.open() as repo:
        counts = repo.labels.counts()
        images = known_name("label", source, counts)
        known_name("label", target, counts)
        action = None
        if not dry_run:
            if images:
                confirm(f"Give {plural(images, 'image')} of {source} the label {target}?", yes=yes)
            action = repo.labels.merge(source, target, actor=actor())
    verb = "would be merged" if dry_run else "merged"
    text = f"label {printable(source)} {verb} into {printable(target)}: {plural(images, 'image')}"
    facts = {"label": source, "into": target}
    write_edit(state, facts, text, images=images, action=action, json=json)


@app.command(
    "rm",
    epilog="\b\nExamples:\n  pixshelf labels rm doubtful --dry-run\n"
    "  pixshelf labels rm doubtful --yes",
)
def remove(
    ctx: typer.Context,
    *,
    name: Name,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Take a label off every image, which is then unlabelled.

    Asks on a terminal, and needs --yes anywhere else.
    """
    vocabulary.remove(session(ctx), "label", name, dry_run=dry_run, yes=yes, json=json)
