"""`pixshelf restore`: take images out of the trash, as one action of the history."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.editing import actor, images_named, write_edit
from cli.selection import QueryCommand
from cli.session import session
from cli.text import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf restore 12 13
  pixshelf restore is:deleted label:cat

A query finds images in the trash only where it says is:deleted.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def restore(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES", help="Ids, or query words, or - for ids on stdin.", show_default=False
        ),
    ],
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Take images out of the trash.

    Prints how many images there are and how many lay in it. The whole change is one action of
    the dataset's history.
    """
    state = session(ctx)
    with state.open() as repo:
        ids = images_named(repo, words, check=dry_run)
        action = None if dry_run else repo.images.restore(ids, actor=actor())
    text = f"{plural(len(ids), 'image')} {'would be ' if dry_run else ''}out of the trash"
    write_edit(state, {}, text, images=len(ids), action=action, json=json)
