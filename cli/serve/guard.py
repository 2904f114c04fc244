"""What every request passes before it is served, and every answer on its way out.

Who asks (a token, or a page of this machine's own address), how much at one time, for how long;
and on the way out the headers that keep a browser strict, and the line in the log. Nothing that
goes wrong behind it comes out but as problem details.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Collection
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cli.serve.cookie import cookie_fits
from cli.serve.door import Door
from cli.serve.problems import (
    LOGGER,
    MEDIA_TYPE,
    RETRY,
    Problem,
    answer_of,
    overloaded,
    problem_of,
)
from cli.serve.room import holding
from storage.errors import PixshelfError

ACCESS = logging.getLogger("pixshelf.serve.access")

HEALTH = "/healthz"
STRICT = {
    b"content-security-policy": b"default-src 'none'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'; sandbox",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",
}
"""Headers of every answer that does not set its own."""

_FULL_BODY = overloaded().body()
_FULL = [
    *STRICT.items(),
    (b"content-type", MEDIA_TYPE.encode()),
    (b"content-length", str(len(_FULL_BODY)).encode()),
    (b"retry-after", RETRY["Retry-After"].encode()),
]
_LONGEST_HOST = 300
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_SITES = frozenset({"same-origin", "none"})


class Guard:
    """Middleware around the whole application. `open_paths` are those that want no token;
    `as_page` makes a problem's answer for a browser that shows `pages`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        door: Door,
        open_paths: Collection[str],
        pages: Collection[str],
        as_page: Callable[[Problem], Response],
    ) -> None:
        self._app = app
        self._door = door
        self._limits = door.settings.limits
        self._token = door.settings.token
        self._access_log = door.settings.access_log
        self._open_paths = frozenset({HEALTH, *open_paths})
        self._pages = frozenset(pages)
        self._as_page = as_page
        self._full_page = as_page(overloaded())
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        reply = _Reply(send)
        if self._working >= self._limits.requests and scope["path"] != HEALTH:
            # Before all else, and ready-made: what is turned away must cost next to nothing.
            reply.status = HTTPStatus.SERVICE_UNAVAILABLE
            if self._wants_page(scope):
                await self._full_page(scope, receive, reply.send)
            else:
                await send(
                    {"type": "http.response.start", "status": reply.status, "headers": _FULL}
                )
                await send({"type": "http.response.body", "body": _FULL_BODY})
            if self._access_log:
                _log(scope, reply.status, time.perf_counter() - began)
            return
        try:
            with holding(self._door.room):
                await self._guarded(scope, receive, reply)
        except ClientDisconnect:
            reply.status = 499
        except Exception as error:
            await self._failed(error, scope, receive, reply)
        finally:
            if self._access_log:
                _log(scope, reply.status, time.perf_counter() - began)

    async def _guarded(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        headers = _headers_of(scope)
        if _size_of_head(scope) > self._limits.head:
            raise Problem(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the headers have more than {self._limits.head:,} bytes",
                headers={"Connection": "close"},
            )
        if self._token is None:
            _check_host(headers)
        elif scope["path"] not in self._open_paths:
            authorization = headers.get(b"authorization")
            if authorization is not None or not cookie_fits(
                self._token, headers.get(b"cookie", b"")
            ):
                check_token(self._token, authorization or b"")
        if scope["method"] not in _SAFE:
            _check_site(headers)
        if scope["path"] == HEALTH:
            await self._app(scope, receive, reply.send)
            return
        self._working += 1
        try:
            await self._timed(scope, receive, reply)
        finally:
            self._working -= 1

    async def _timed(self, scope: Scope, receive: Receive, reply: _Reply) -> None:
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, receive, reply.send)
        except TimeoutError as error:
            raise Problem(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"it took more than {self._limits.seconds:g} seconds",
                hint="Ask for less at one time.",
            ) from error

    async def _failed(
        self, error: Exception, scope: Scope, receive: Receive, reply: _Reply
    ) -> None:
        problem = as_problem(error)
        if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            LOGGER.error("%s %s failed", scope["method"], _shown(scope), exc_info=error)
        if reply.status is None:
            make = self._as_page if self._wants_page(scope) else answer_of
            await make(problem)(scope, receive, reply.send)
        else:
            # What has begun cannot be taken back: the connection is closed in the middle of it.
            reply.status = problem.status

    def _wants_page(self, scope: Scope) -> bool:
        """Whether a browser asks for a page, and not its script or a program."""
        if scope["path"] not in self._pages:
            return False
        return _headers_of(scope).get(b"accept", b"").lower().startswith(b"text/html")


class _Reply:
    """The answer on its way out. `status` is None until it begins."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass it on, with the headers that every answer bears."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = message.get("headers", [])
            names = {name.lower() for name, _ in given}
            message["headers"] = [
                *given,
                *(each for each in STRICT.items() if each[0] not in names),
            ]
        await self._send(message)


def as_problem(error: Exception) -> Problem:
    """Any error as what is told of it. A defect of the program is not described to the asker."""
    match error:
        case Problem():
            return error
        case PixshelfError():
            return problem_of(error)
        case HTTPException():
            return _of_routing(error)
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "the request failed for a reason that is in the door's log",
    )


def check_token(token: str, authorization: bytes) -> None:
    """Raises a Problem, 401, unless the header bears the token."""
    scheme, _, given = authorization.strip().partition(b" ")
    if scheme.lower() != b"bearer" or not token_fits(token, given.strip()):
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "the token is wrong" if given else "a token is wanted",
            hint="Send it in a header: Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="pixshelf"'},
        )


def token_fits(token: str, given: bytes) -> bool:
    """Whether it is the token, told in the same time whatever was given."""
    return hmac.compare_digest(token.encode(), given)


def _headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The last of each name."""
    return dict(scope["headers"])


def _size_of_head(scope: Scope) -> int:
    size = len(scope["raw_path"]) + len(scope["query_string"])
    for name, value in scope["headers"]:
        size += len(name) + len(value)
    return size


def _check_host(headers: dict[bytes, bytes]) -> None:
    """Without a token, a name that some other site's DNS points here is no way in."""
    if not _is_this_machine(headers.get(b"host", b"")[:_LONGEST_HOST]):
        raise Problem(
            HTTPStatus.MISDIRECTED_REQUEST,
            "the Host header does not name this machine",
            hint="Ask by 127.0.0.1 or localhost, or set a token.",
        )


def _check_site(headers: dict[bytes, bytes]) -> None:
    """What changes something must not come from another site's page."""
    site = headers.get(b"sec-fetch-site", b"none").decode("latin-1")
    origin = headers.get(b"origin")
    own = headers.get(b"host", b"").decode("latin-1").lower()
    given = None if origin is None else origin.decode("latin-1").lower().partition("://")[2]
    if site not in _SITES or (given is not None and given != own):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "the request comes from another site's page",
            hint="Use the page of this door, or a program.",
        )


@lru_cache(maxsize=64)
def _is_this_machine(host: bytes) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


_ROUTING = {
    404: ("there is nothing at this address", "GET /openapi.json describes what there is."),
    405: ("the method is not one for this address", "The Allow header names those that are."),
}


def _of_routing(error: HTTPException) -> Problem:
    detail, hint = _ROUTING.get(error.status_code, (error.detail, None))
    return Problem(error.status_code, detail, hint=hint, headers=error.headers)


def _shown(scope: Scope) -> str:
    """The path alone: what follows it may hold what is nobody's business."""
    return "".join(c if c.isprintable() else "?" for c in scope["path"][:200])


def _log(scope: Scope, status: int | None, seconds: float) -> None:
    client = scope.get("client")
    ACCESS.info(
        '%s "%s %s" %s %.1f ms',
        client[0] if client else "-",
        scope["method"],
        _shown(scope),
        status or "-",
        1000 * seconds,
    )
