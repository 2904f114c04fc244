"""Draw the README's pictures anew: `python docs/pictures/make.py`.

Each is what a command really prints on a terminal of 100 columns in full colour, run on a fresh
demo dataset, without the progress on stderr. It takes about a minute.
"""

from __future__ import annotations

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
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS, LINES = 100, 60
PICTURES = {
    "demo": ["demo"],
    "ls": ["ls", "split:test", "sort:confidence", "--limit", "5"],
}


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


def draw(name: str, words: list[str], folder: str) -> None:
    """Write one picture."""
    db = str(Path(folder) / "demo.db")
    text = printed(words, db).replace(folder + "/", "~/.local/share/pixshelf/")
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text.from_ansi(f"$ pixshelf {' '.join(words)}\n{text.rstrip()}"))
    svg = console.export_svg(title="pixshelf", unique_id=f"pixshelf-{name}")
    # Without the fonts that a reader's browser would fetch.
    svg = re.sub(r"@font-face \{.*?\}|<!--.*?-->", "", svg, flags=re.DOTALL)
    (HERE / f"{name}.svg").write_text(svg, encoding="utf-8")


def main() -> None:
    """Draw every picture."""
    with tempfile.TemporaryDirectory() as folder:
        for name, words in PICTURES.items():
            draw(name, words, folder)


if __name__ == "__main__":
    main()
