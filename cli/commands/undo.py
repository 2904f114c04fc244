"""`pixshelf undo`: take back what was done last to labels, splits, tags and the trash."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf undo
  pixshelf undo 3
"""


@app.command(epilog=EPILOG)
def undo(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Argument(metavar="N", min=1, help="How many.")] = 1,
    json: options.Json = False,
) -> None:
    """Take back the newest actions of the history.

    Prints each, the newest first, and whose it is where somebody else did it. Works after a
    restart, and for what was done elsewhere on the dataset. The exit code is 1 where there is
    nothing to undo.
    """
    from cli.actions import go

    go(session(ctx), "undo", count, json=json)
