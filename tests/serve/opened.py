"""The door behind a real socket, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from cli.serve.app import create_app
from cli.serve.running import listening, server_of, url_of
from cli.serve.settings import ServeSettings


def tries(seconds: float = 60.0) -> Iterator[None]:
    """To try again and again what comes about by itself. Raises AssertionError where it takes
    longer than any machine needs."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
    raise AssertionError(f"it did not come about within {seconds:g} seconds")


@dataclass(frozen=True, slots=True)
class Opened:
    """Where a door is. `shut` closes it before its time."""

    url: str
    server: uvicorn.Server
    thread: threading.Thread

    def shut(self) -> None:
        """Close it. Safe to call twice."""
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def opened(settings: ServeSettings) -> Iterator[Opened]:
    """A door that listens, at a port of its own."""
    listener = listening(settings.host, 0)
    server = server_of(create_app(settings), settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    here = Opened(url_of(settings, listener), server, thread)
    try:
        yield here
    finally:
        here.shut()
