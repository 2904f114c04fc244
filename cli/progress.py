"""Progress on stderr: a bar on a terminal, nothing anywhere else and nothing when quiet.

`progress` gives a function to call with what is done so far; it never touches stdout.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Update = Callable[[int, "int | None", str], None]
"""Called with (done, total or None, words to show at the end of the line)."""


@contextmanager
def progress(title: str, *, unit: str = "images", quiet: bool = False) -> Iterator[Update]:
    """Show a bar with its rate and the time left while the block runs."""
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Task as RichTask
    from rich.text import Text

    class Rate(ProgressColumn):
        """The speed over the last moments."""

        def render(self, task: RichTask) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f} {unit}/s" if speed else "")

    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[words]}", markup=False),
    ]
    console = Console(file=sys.stderr, highlight=False)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None, words="")

        def update(done: int, total: int | None, words: str) -> None:
            bar.update(task, completed=done, total=total, words=words)

        yield update


def _nothing(done: int, total: int | None, words: str) -> None:
    """What stands in for a bar where none is wanted."""
