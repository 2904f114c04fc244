"""One connection, held to limits that lie below the application: how many there are, how long and
how large a request's head may be, and how long a refused body is still read.

What goes wrong here is answered as everywhere else, in problem details.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cli.serve.guard import STRICT
from cli.serve.problems import MEDIA_TYPE, Problem, overloaded
from cli.serve.settings import Limits

_LINGER_SECONDS = 2.0
"""How long a body that is not wanted is read and thrown away, so that the answer gets through."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits."""

    limits: ClassVar[Limits] = Limits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._in_head = True
        self._begun = False
        self._messages = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        if len(self.connections) > self.limits.connections:
            self._refuse(overloaded())
            return
        self._wait(self.limits.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        messages = self._messages
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            return
        # Where a message ended in it, who knows how much is of the next head.
        self._head += len(data) if self._messages == messages else 1
        if self._head > self.limits.head:
            self._refuse(
                Problem(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"the head of the request has more than {self.limits.head:,} bytes",
                )
            )
        elif self._patience is None and self._owes_nothing():
            self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._begun = True
        self._head = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._wait(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._begun = False
        self._messages += 1
        self._wait(None)

    def on_response_complete(self) -> None:
        # With another request behind it, the body that is coming is that one's.
        alone = not self.pipeline
        super().on_response_complete()
        if not alone or self.transport.is_closing():
            return
        if self._in_head:
            self._wait_for_head()
        else:
            self._wait(_LINGER_SECONDS)

    def send_400_response(self, msg: str) -> None:
        self._refuse(Problem(HTTPStatus.BAD_REQUEST, "what was sent is not HTTP"))

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one, and that is no news."""

    def _owes_nothing(self) -> bool:
        """Whether every request that was taken is answered: until then nothing is hung up."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_head(self) -> None:
        """Give a head that has begun its time."""
        if self._begun:
            self._wait(self.limits.head_seconds)

    def _wait(self, seconds: float | None) -> None:
        """Close the connection after so long, unless this is called again before."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if seconds is not None:
            self._patience = self.loop.call_later(seconds, self.transport.close)

    def _refuse(self, problem: Problem) -> None:
        """Answer here and close."""
        body = problem.body()
        headers = {
            **STRICT,
            b"content-type": MEDIA_TYPE.encode(),
            b"content-length": str(len(body)).encode(),
            b"connection": b"close",
            **{name.lower().encode(): text.encode() for name, text in problem.headers.items()},
        }
        lines = [STATUS_LINE[problem.status]]
        lines += [b"%s: %s\r\n" % each for each in headers.items()]
        self.transport.write(b"".join([*lines, b"\r\n", body]))
        self.transport.close()
