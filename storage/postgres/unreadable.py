"""What is wrong with the URL of a database, said without repeating a part that may be of a
password: one that was not written with %XX is taken for a host, a port or a parameter."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from storage.errors import UsageError

_MOST_PORT = 65_535
_FORM = "Write postgresql://USER@HOST:PORT/NAME, with special characters as %XX."
_USUAL = re.compile(
    r"postgres(?:ql)?://(?:[^@/?]*@)?(?:\[[^\]]*\]|[^:@/?\[]*)(?::\d*)?(?:/[^@/?]*)?\?[^@]*"
)
"""A URL whose parameters cannot be the rest of a password: no other part ends early."""
_UNKNOWN = re.compile(r'invalid URI query parameter: "(\w{1,40})"')


def is_ambiguous(url: str) -> bool:
    """Whether a part of a password may be taken for the host, the port or the name: one that has a
    plain '@' or '/' in it."""
    rest = url.partition("://")[2]
    authority, _, path = rest.partition("/")
    return authority.count("@") > 1 or "@" in path.partition("?")[0]


def unread(url: str, said: str = "") -> UsageError:
    """What to raise for a URL that cannot be read; `said` is libpq's word on it."""
    unknown = _UNKNOWN.match(said)
    if unknown is None or _USUAL.fullmatch(url) is None:
        return UsageError("the URL of the PostgreSQL database cannot be read", hint=_FORM)
    from psycopg.pq import Conninfo

    known = [one.keyword.decode() for one in Conninfo.get_defaults()]
    close = difflib.get_close_matches(unknown[1].lower(), known, n=1)
    return UsageError(
        f"the URL of the PostgreSQL database has a parameter '{unknown[1]}', which PostgreSQL does "
        "not know",
        hint=f"Did you mean '{close[0]}'?" if close else f"Leave it out. {_FORM}",
    )


def check(parameters: Mapping[str, Any]) -> None:
    """Raises UsageError for a port or a time to connect that is no such number."""
    for port in str(parameters.get("port") or "1").split(","):
        if not (port.isascii() and port.isdecimal() and 1 <= int(port[:9]) <= _MOST_PORT):
            raise UsageError(
                f"the URL of the PostgreSQL database has a port that is no number from 1 to "
                f"{_MOST_PORT:,}",
                hint=_FORM,
            )
    seconds = str(parameters.get("connect_timeout", "0"))
    if not re.fullmatch(r"-?[0-9]{1,9}", seconds):
        raise UsageError(
            "the URL of the PostgreSQL database has a connect_timeout that is no number",
            hint="Give whole seconds.",
        )
