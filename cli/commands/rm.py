"""`pixshelf rm`: put images into the trash, as one action of the history."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.ask import confirm
from cli.editing import actor, images_named, write_edit
from cli.selection import QueryCommand
from cli.session import session
from cli.text import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf rm 12 13
  pixshelf rm 'width<16' --dry-run
  pixshelf ls tag:blurred --limit 0 --tsv | cut -f1 | tail -n +2 | pixshelf rm - --yes

`pixshelf ls is:deleted` lists the trash, `pixshelf restore` takes images out of it again.
"""


@app.command(cls=QueryCommand, epilog=EPILOG)
def rm(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGES", help="Ids, or query words, or - for ids on stdin.", show_default=False
        ),
    ],
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Put images into the trash; `db vacuum` empties it.

    Until then they keep all they have and come back with `pixshelf restore` or `pixshelf undo`.
    Asks on a terminal, and needs --yes anywhere else.
    """
    state = session(ctx)
    with state.open() as repo:
        ids = images_named(repo, words, check=dry_run)
        images = plural(len(ids), "image")
        action = None
        if not dry_run:
            if ids:
                confirm(f"Put {images} into the trash?", yes=yes)
            action = repo.images.delete(ids, actor=actor())
    text = f"{images} {'would be put' if dry_run else 'put'} into the trash"
    write_edit(state, {}, text, images=len(ids), action=action, json=json)
