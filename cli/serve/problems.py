"""Every answer that is no success: problem details as JSON (RFC 9457), with a hint.

A Problem is raised anywhere on the way of a request. `problem_of` says which one an error of the
program's own family is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from storage.errors import (
    DatasetError,
    NotFound,
    NotReady,
    PixshelfError,
    RefusedInput,
    StorageFull,
    TimedOut,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"
RETRY = {"Retry-After": "1"}
_STATUSES: tuple[tuple[type[PixshelfError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (RefusedInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotReady, HTTPStatus.CONFLICT),
    (StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (TimedOut, HTTPStatus.GATEWAY_TIMEOUT),
    (DatasetError, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Problem(Exception):
    """A request that is not answered as it was meant, and why."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, Any]:
        """The members of RFC 9457, and `hint` where there is one."""
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.hint is not None:
            members["hint"] = self.hint
        return members

    def body(self) -> bytes:
        """The document as it is sent."""
        return json.dumps(self.to_json()).encode()


def answer_of(problem: Problem) -> Response:
    """A problem as a response."""
    return Response(
        problem.body(), status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def problem_of(error: PixshelfError) -> Problem:
    """What an error of the program's own family says to the one who asked. What may pass with
    time comes with Retry-After."""
    status = next(
        (status for kind, status in _STATUSES if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    headers = RETRY if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return Problem(status, error.message, hint=error.hint, headers=headers)


def overloaded() -> Problem:
    """The answer while there is as much to do as there may be."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "there is more to do than this door takes on at one time",
        hint="Ask again in a second.",
        headers=RETRY,
    )
