"""The door on the network: its socket, its server, and how it ends.

SIGTERM and Ctrl-C let what was taken on be finished; nothing new is taken on meanwhile.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from cli.serve.app import create_app
from cli.serve.connection import LimitedProtocol
from cli.serve.door import Door
from cli.serve.guard import ACCESS
from cli.serve.settings import ServeSettings, addresses
from storage.errors import PixshelfError, UsageError

_KEEP_ALIVE = 20
_BACKLOG = 1024


def serve(settings: ServeSettings, *, log_level: str, quiet: bool = False) -> None:
    """Open the door, say where on stderr, and serve until a signal ends it. Returns after SIGTERM,
    raises KeyboardInterrupt after Ctrl-C. Raises UsageError for an address that cannot be had or
    is not safe, DatasetError where the dataset cannot be opened."""
    app = create_app(settings)
    door: Door = app.state.door
    server = server_of(app, settings)
    with listening(settings.host, settings.port) as listener, door.opened(), _ended_by(server):
        _log_to_stderr(log_level, access=settings.access_log)
        if not quiet:
            sys.stderr.write(f"pixshelf: serving {url_of(settings, listener)}\n")
            sys.stderr.flush()
        try:
            server.run(sockets=[listener])
        except SystemExit as error:
            raise PixshelfError("the door could not be opened") from error


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 stands for any that is free. Raises UsageError."""
    family, place = addresses(host, port)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _unavailable(host, port, error) from error
    return listener


def url_of(settings: ServeSettings, listener: socket.socket) -> str:
    """The address to ask at, with the port that was had."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}/"


def server_of(app: Starlette, settings: ServeSettings) -> uvicorn.Server:
    """The server for an application, with the limits of the settings."""
    door: Door = app.state.door
    config = uvicorn.Config(
        app,
        http=type("Protocol", (LimitedProtocol,), {"limits": door.settings.limits}),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=grace(settings),
    )
    return uvicorn.Server(config)


def grace(settings: ServeSettings) -> int:
    """Seconds that requests have to end once the door is to close. What they asked to be stored
    is stored after that, which can wait `settings.wait` for other writers."""
    return int(settings.limits.seconds) + 5


@contextmanager
def _ended_by(server: uvicorn.Server) -> Iterator[None]:
    """Within the block SIGTERM ends the server and nothing else: the server raises it once more
    when it has finished, and that is not to kill the process."""

    def end(signum: int, frame: FrameType | None) -> None:
        server.should_exit = True

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _unavailable(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} of {host} is taken by another program",
            hint="Choose another with --port; 0 picks one that is free.",
        )
    if error.errno == errno.EACCES:
        return UsageError(
            f"port {port} of {host} may not be opened by this user",
            hint="Choose one above 1023 with --port.",
        )
    return UsageError(f"cannot listen on port {port} of {host}: {error.strerror or error}")


def _log_to_stderr(level: str, *, access: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    for name in ("pixshelf.serve", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level.upper())
    ACCESS.setLevel(logging.INFO if access else logging.CRITICAL)
