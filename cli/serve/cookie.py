"""The browser page's way through a token: a cookie that proves that the token was typed in.

The cookie's value is made from the token and is not the token. It is the same for as long as the
token is, so nothing is kept on the door's side; a browser drops it when it is closed.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from starlette.responses import Response

NAME = "pixshelf"


def give_cookie(response: Response, token: str, *, secure: bool) -> None:
    """Let the browser that gets this answer in from now on. No script can read the cookie, and no
    other site can have it sent. `secure` keeps it to HTTPS."""
    response.set_cookie(NAME, _value(token), httponly=True, samesite="strict", secure=secure)


def cookie_fits(token: str, header: bytes) -> bool:
    """Whether a Cookie header has it, told in the same time whatever it has."""
    given = b""
    # Taken apart here: the value is never quoted, and to undo quotes can take very long.
    for pair in header.split(b";"):
        name, _, value = pair.partition(b"=")
        if name.strip() == NAME.encode():
            given = value.strip()
    return hmac.compare_digest(_value(token).encode(), given)


def _value(token: str) -> str:
    return hmac.new(token.encode(), b"pixshelf page", sha256).hexdigest()
