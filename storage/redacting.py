"""Texts that may repeat what a user typed, with the passwords in it left out.

`redacted` knows the forms in which a dataset's password can be typed: in a URL, as one of its
parameters, and in PostgreSQL's own text of `keyword=value`. Everything else stays as it is.
"""

from __future__ import annotations

import re

from storage.errors import RefusedInput

_KEYWORDS = "password|sslpassword|oauth_client_secret|scram_client_key|scram_server_key"

# From the user's name to the last '@', since a password may have one. A path has lost a slash.
_USER = re.compile(
    r"((?:\bpostgres(?:ql)?:/+|//)[^\s:@/]*):(?:(?!://).)*@", re.IGNORECASE | re.DOTALL
)
_VALUE = re.compile(
    rf"((?<![\w-])(?:{_KEYWORDS})\s*=\s*)(?:'(?:[^'\\]|\\.)*'?|[^\s&'\"]+)", re.IGNORECASE
)
_POSTGRES = re.compile(r"postgres(?:ql)?:/", re.IGNORECASE)


def redacted(text: str) -> str:
    """`text` with '…' for every password in it."""
    return _VALUE.sub(r"\1…", _USER.sub(r"\1:…@", text))


def refuse_database(path: object) -> None:
    """Raises RefusedInput, which does not repeat it, where the URL of a PostgreSQL database was
    given for a file."""
    if _POSTGRES.match(str(path)):
        raise RefusedInput(
            "a PostgreSQL database is no file",
            hint="'pixshelf db copy FROM TO' copies a dataset out of one, or into one.",
        )
