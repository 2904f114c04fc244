"""`pixshelf redo`: do again what `pixshelf undo` took back."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf redo
  pixshelf redo 3
"""


@app.command(epilog=EPILOG)
def redo(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many.")] = 1,
    json: options.Json = False,
) -> None:
    """Do again what was undone last.

    Prints each, in the order in which it was done. A new edit, whoever makes it, drops what could
    be done again; the exit code is 1 where there is nothing.
    """
    from cli.actions import go

    go(session(ctx), "redo", count, json=json)
