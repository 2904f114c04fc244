"""A TCP proxy before a PostgreSQL server, which breaks connections at the moment that a test names.

The server is left to find out by itself.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Proxy:
    """What is asked of `port` on this machine, the server at `server` answers."""

    server: int
    listener: socket.socket
    away: bool = False
    """Whether nobody gets through: connections are ended as they are made or used."""
    _words: bytes | None = None
    _answered: bool = False
    _left: int | None = None
    _then_away: bool = False
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    def url(self, url: str) -> str:
        """A URL of the server's, by the proxy."""
        return url.replace(f":{self.server}/", f":{self.port}/")

    def cut_at(self, words: bytes, *, answered: bool = False, then_away: bool = False) -> None:
        """Once a client sends the words, end its connection: before they reach the server, or,
        with `answered`, when the server has answered them. Then nobody else gets through, if so
        wished."""
        self._answered, self._then_away, self._words = answered, then_away, words

    def cut_after(self, size: int) -> None:
        """End a connection once so many bytes have been answered from now on."""
        self._left = size

    @property
    def has_cut(self) -> bool:
        """Whether what was to be cut was cut."""
        return self._words is None and self._left is None

    def run(self) -> None:
        """Accept connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.away:
                return
            with socket.create_connection(("127.0.0.1", self.server)) as server:
                while self._pass(client, server):
                    pass

    def _pass(self, client: socket.socket, server: socket.socket) -> bool:
        """Hand on what there is; whether the connection goes on."""
        for side in select.select([client, server], [], [])[0]:
            data = side.recv(65_536)
            if not data or self.away:
                return False
            if side is client and self._is_the_moment(data):
                if self._answered:
                    server.sendall(data)
                    server.recv(65_536)
                return False
            if side is server and self._is_enough(data):
                return False
            (server if side is client else client).sendall(data)
        return True

    def _is_the_moment(self, data: bytes) -> bool:
        with self._guard:
            if self._words is None or self._words not in data:
                return False
            self._words = None
            self.away = self._then_away
            return True

    def _is_enough(self, data: bytes) -> bool:
        with self._guard:
            if self._left is None:
                return False
            self._left -= len(data)
            if self._left > 0:
                return False
            self._left = None
            return True


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy before the server that listens on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(port, listener)
        thread = threading.Thread(target=proxy.run, daemon=True)
        thread.start()
        yield proxy
        # A thread that waits in accept hears of it only this way.
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
