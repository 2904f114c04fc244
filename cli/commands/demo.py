"""`pixshelf demo`: the whole work once, on images that come with the installation."""

from __future__ import annotations

import typer

from cli import options
from cli.session import session

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
\b
Examples:
  pixshelf demo
  pixshelf --db digits.db demo

Nothing is fetched: the digits come with scikit-learn. A second run reuses what the first made.
"""


@app.command(epilog=EPILOG)
def demo(ctx: typer.Context, *, json: options.Json = False) -> None:
    """Train on 1,797 digits, offline, and show what comes out.

    Makes a dataset file, trains with live progress, evaluates on the test split, and draws some
    test images with their three most probable labels. Takes less than a minute.
    """
    # Only here, so that the help needs neither numpy nor Pillow.
    from cli.demonstration import demonstrate

    demonstrate(session(ctx), json=json)
