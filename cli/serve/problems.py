"""Every answer that is no success: problem details as JSON (RFC 9457), with a hint.

A Problem is raised anywhere on the way of a request. `problem_of` says which one an error of the
program's own family is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from storage.errors import (
    DatasetBusy,
    DatasetError,
    NotAllowed,
    NotFound,
    NotReady,
    PixshelfError,
    RefusedInput,
    StorageFull,
    TimedOut,
    UsageError,
)

LOGGER = logging.getLogger("pixshelf.serve")

MEDIA_TYPE = "application/problem+json"
RETRY = {"Retry-After": "1"}
_STATUSES: tuple[tuple[type[PixshelfError], HTTPStatus], ...] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (RefusedInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (NotReady, HTTPStatus.CONFLICT),
    (StorageFull, HTTPStatus.INSUFFICIENT_STORAGE),
    (TimedOut, HTTPStatus.GATEWAY_TIMEOUT),
    (NotAllowed, HTTPStatus.FORBIDDEN),
    (DatasetError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_IN_THE_LOG = "The door's log tells more."


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
    time comes with Retry-After. What is wrong with the dataset goes to the log: its message may
    name servers, users and files."""
    status = next(
        (status for kind, status in _STATUSES if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if isinstance(error, DatasetError) or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        LOGGER.warning("%s", error.message)
    match error:
        case DatasetBusy():
            return Problem(status, "the dataset is busy", hint="Ask again later.", headers=RETRY)
        case NotAllowed():
            return Problem(
                status,
                "this door may not do that in its dataset",
                hint=f"Where it may not store, ?save=false predicts all the same. {_IN_THE_LOG}",
            )
        case DatasetError():
            return Problem(status, "the dataset is out of reach", hint=_IN_THE_LOG, headers=RETRY)
        case StorageFull():
            return Problem(status, "the dataset's disk took no more", hint=_IN_THE_LOG)
    return Problem(status, error.message, hint=error.hint)


def overloaded() -> Problem:
    """The answer while there is as much to do as there may be."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "there is more to do than this door takes on at one time",
        hint="Ask again in a second.",
        headers=RETRY,
    )
