"""`pixshelf tag`: put a tag on images, or take it off, as one action of the history."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.editing import actor, images_named, write_edit
from cli.selection import QueryCommand, query_text
from cli.session import session
from cli.text import plural, printable

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Put a tag on images, or take it off."
)

Tag = Annotated[str, typer.Argument(metavar="TAG", help="The tag.", show_default=False)]
Words = Annotated[
    list[str],
    typer.Argument(
        metavar="IMAGES", help="Ids, or query words, or - for ids on stdin.", show_default=False
    ),
]


@app.command(
    "add",
    cls=QueryCommand,
    epilog="\b\nExamples:\n  pixshelf tag add checked 12 13 14\n"
    "  pixshelf tag add doubtful is:wrong 'conf<0.5'",
)
def add(
    ctx: typer.Context,
    *,
    tag: Tag,
    words: Words,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Put a tag on images.

    Prints how many images there are and how many did not have it. The whole change is one action
    of the dataset's history.
    """
    _change(ctx, tag, words, put_on=True, dry_run=dry_run, json=json)


@app.command(
    "rm",
    cls=QueryCommand,
    epilog="\b\nExamples:\n  pixshelf tag rm checked 12\n  pixshelf tag rm doubtful is:right",
)
def remove(
    ctx: typer.Context,
    *,
    tag: Tag,
    words: Words,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Take a tag off images.

    Prints how many images there are and how many had it. The whole change is one action of the
    dataset's history. `pixshelf tags rm` takes a tag off every image.
    """
    _change(ctx, tag, words, put_on=False, dry_run=dry_run, json=json)


def _change(
    ctx: typer.Context, tag: str, words: list[str], *, put_on: bool, dry_run: bool, json: bool
) -> None:
    from storage.labels import clean_tag

    state = session(ctx)
    name = clean_tag(query_text([tag]))
    with state.open() as repo:
        ids = images_named(repo, words, check=dry_run)
        edit = repo.images.add_tag if put_on else repo.images.remove_tag
        action = None if dry_run else edit(ids, name, actor=actor())
    done = f"tagged {printable(name)}" if put_on else f"without the tag {printable(name)}"
    text = f"{plural(len(ids), 'image')} {'would be ' if dry_run else ''}{done}"
    write_edit(state, {"tag": name}, text, images=len(ids), action=action, json=json)
