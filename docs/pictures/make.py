"""Draw the README's pictures anew: `python -m docs.pictures.make`, in the repository's root.

Each is what a command really prints on a terminal of 100 columns in full colour, run on a fresh
demo dataset, without the progress on stderr; or the app on that dataset, come to by keys. `train`
is the live view at one moment of a real training, drawn from its events, and so is `app-train`. It
takes about two minutes.
"""

from __future__ import annotations

import asyncio
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.text import Text

from cli.live import screen
from ml.events import Epoch, Event, Step, decode
from ml.figures import Figures
from tests.tui.driving import running
from tests.tui.scenes import Played, Stage, evaluate, explained, review, settled
from tests.tui.screen_svg import screen_svg
from tui.frame.dataset import Dataset
from tui.plain.training_lines import epoch_line
from tui.screens.train import TrainScreen

HERE = Path(__file__).parent
COLUMNS, LINES = 100, 60
LINES_OF = {
    "demo": "demo",
    "train": "train --preset quick",
    "explain": "predict --query id:1376,1579 --top 2 --explain",
    "": "train --epochs 1 --name hasty",
    "eval": "eval",
    "ls": "ls split:test sort:confidence --limit 5",
}
"""What is run, in this order, by the picture's name. A hasty model has more to show: mistakes."""

MOMENT = 0.6
"""How far the training has come in its picture."""

EPOCHS_ABOVE = 4
"""The finished epochs that stand above the live view."""

APP = (120, 34)
"""The app's columns and lines."""


def printed(words: list[str], db: str) -> str:
    """What `pixshelf WORDS` writes to a terminal on its standard output."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "cli", "--db", db, *words],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        cwd=HERE.parents[1],
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    os.close(terminal)
    written = io.BytesIO()
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        written.write(part)
    os.close(master)
    if child.wait() != 0:
        raise SystemExit(f"pixshelf {' '.join(words)} ended with {child.returncode}")
    return written.getvalue().decode().replace("\r\n", "\n")


def draw(name: str, line: str, text: Text) -> None:
    """Write one picture: a command, and what stands below it."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text(f"$ pixshelf {line}"))
    console.print(text)
    svg = console.export_svg(title="pixshelf", unique_id=f"pixshelf-{name}")
    # Without the fonts that a reader's browser would fetch.
    svg = re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", svg, flags=re.DOTALL)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


def until_moment(events: str) -> list[Event]:
    """What a training has told up to MOMENT."""
    told: list[Event] = []
    for line in events.splitlines():
        if '"event"' not in line:  # the result, which comes last
            break
        event = decode(line)
        told.append(event)
        if isinstance(event, Step) and event.step >= MOMENT * event.total_steps:
            break
    return told


def live_view(events: list[Event]) -> Text:
    """What stands on the terminal then, with the last finished epochs above."""
    figures, finished = Figures(), []
    for event in events:
        figures.take(event)
        if isinstance(event, Epoch):
            finished.append(Text(epoch_line(event)))
    lines = screen(figures, width=COLUMNS - 1, height=LINES, elapsed=0.0)
    return Text("\n").join(finished[-EPOCHS_ABOVE:] + lines)


async def library(stage: Stage) -> None:
    """Digits by what the model takes them for, some of them selected."""
    await stage.ask("predicted:9 split:test sort:confidence")
    await stage.press("right", "space", "right", "space", "down", "space")


async def train(stage: Stage) -> None:
    """The training, watched."""
    await stage.open("f4", TrainScreen)
    await stage.press("s")
    await stage.until(lambda: "epoch" in stage.app.running)


async def draw_app(
    name: str, come: Callable[[Stage], Awaitable[None]], db: str, told: list[Event]
) -> None:
    """Write one picture of the app."""
    dataset, trainer = Dataset(db), Played(tuple(told))
    with patch("ml.training.start_training", lambda *_: trainer):
        async with running(dataset, size=APP) as (app, pilot):
            stage = Stage(app, pilot)
            await come(stage)
            await settled(stage)
            svg = screen_svg(app, title="pixshelf")
            trainer.over.set()
    dataset.close()
    (HERE / f"app-{name}.svg").write_text(svg, encoding="utf-8")


async def draw_all_of_app(db: str, told: list[Event]) -> None:
    """Write every picture of the app."""
    scenes = {"library": library, "matrix": evaluate, "train": train}
    for name, come in (scenes | {"explain": explained, "review": review}).items():
        await draw_app(name, come, db, told)


def main() -> None:
    """Draw every picture."""
    told: list[Event] = []
    with tempfile.TemporaryDirectory() as folder:
        db = str(Path(folder) / "demo.db")
        for name, line in LINES_OF.items():
            live = name == "train"
            text = printed([*line.split(), *(["--json"] if live else [])], db)
            text = text.replace(folder + "/", "~/.local/share/pixshelf/").rstrip()
            told = until_moment(text) if live else told
            if name:
                draw(name, line, live_view(told) if live else Text.from_ansi(text))
        asyncio.run(draw_all_of_app(db, told))


if __name__ == "__main__":
    main()
