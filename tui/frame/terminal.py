"""The terminal that the app draws on: its standard output, with nothing else let through to it.

Libraries in other languages write to descriptor 2 whatever Python does; while the app is there
that descriptor leads nowhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App


class TerminalDriver(LinuxDriver):
    """Textual's own driver, which draws on standard output. A letter that the terminal's encoding
    does not have becomes a question mark."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        stream = sys.__stdout__
        if stream is not None:
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")
            self._file = stream


@contextmanager
def silenced(descriptor: int = 2) -> Iterator[None]:
    """Lead a descriptor nowhere until the end of the block."""
    kept = os.dup(descriptor)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(nothing)
        os.close(kept)
