"""What the HTTP door is told before it opens: the dataset, the address, the token, the limits.

`checked` refuses what would leave the door open to others by mistake.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

from storage.errors import UsageError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765
SHORTEST_TOKEN = 16
LONGEST_TOKEN = 1024

_MIB = 1024 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one door takes on. Sizes are in bytes, times in seconds.

    `body` bounds one request's body, `held` all the bodies and files in memory at one time,
    `images` those of one request to /predict/batch, `requests` those that are worked on at one
    time, `waiting` the images that wait for the model, `connections` those that are open. `head`
    and `head_seconds` bound a request's first line and headers, `body_seconds` the time that a
    body may take to arrive, `seconds` the whole request.
    """

    body: int = 32 * _MIB
    held: int = 256 * _MIB
    images: int = 64
    requests: int = 64
    waiting: int = 512
    connections: int = 512
    head: int = 32 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 15.0
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """How the door is opened. `db` and `wait` are those of `open_repository`; `model` is a name
    or an id, None for the newest; `threads` are those of the model, None for one."""

    db: str
    wait: float = 10.0
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str | None = field(default=None, repr=False)
    model: str | None = None
    threads: int | None = None
    access_log: bool = False
    limits: Limits = Limits()


def checked(settings: ServeSettings) -> ServeSettings:
    """The settings, if they are safe. Raises UsageError for a token that is too short or cannot
    stand in a header, for a host that is none, and for one that others reach without a token."""
    if settings.token is not None:
        _check_token(settings.token)
    elif not _only_this_machine(settings.host):
        raise UsageError(
            f"{settings.host} can be reached from other machines, and no token is set",
            hint="Set one of at least 16 characters in PIXSHELF_TOKEN, or leave out --host.",
        )
    return settings


def addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """(family, (address, port)) of every address that a host name stands for, the first one to be
    tried first. Raises UsageError where it stands for none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"there is no address for the host {host!r:.80}",
            hint="--host takes a name or an address of this machine, such as 127.0.0.1.",
        ) from error
    return [(int(family), (str(place[0]), port)) for family, _, _, _, place in found]


def _check_token(token: str) -> None:
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"the token has {len(token)} characters; it needs at least {SHORTEST_TOKEN}",
            hint='Make one: python3 -c "import secrets; print(secrets.token_urlsafe())"',
        )
    if len(token) > LONGEST_TOKEN or _TOKEN.fullmatch(token) is None:
        raise UsageError(
            "the token cannot be sent in a header",
            hint=f"Use letters, digits and signs of ASCII without spaces, up to {LONGEST_TOKEN:,}.",
        )


def _only_this_machine(host: str) -> bool:
    return all(ip_address(place[0].split("%")[0]).is_loopback for _, place in addresses(host, 0))
