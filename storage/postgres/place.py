"""Where a dataset in PostgreSQL is: its URL taken apart, and never its password in a text.

Passwords that stood in a URL are kept in this process's memory under the URL without them, so that
the short form opens the dataset again; a child process gets them by its environment.
"""

from __future__ import annotations

import os
import shlex
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from storage.postgres.unreadable import check, is_ambiguous, unread

SECRETS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""The parameters that are secret."""

# libpq itself has a variable for the first only.
_VARIABLES = {
    name: "PGPASSWORD" if name == "password" else f"PIXSHELF_PG_{name.upper()}" for name in SECRETS
}
_OPTIONS = (
    "-c search_path=pixshelf,pg_temp -c TimeZone=UTC -c client_encoding=UTF8 "
    # A page is a hundred rows: a plan that reads on ahead in other processes, or that is compiled,
    # costs more than it, and rows that an index finds are mostly in memory.
    "-c jit=off -c max_parallel_workers_per_gather=0 -c random_page_cost=1.1 "
    # The lock of a machine that went away without a word is free again in a minute.
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
_DEFAULTS = {
    "application_name": "pixshelf",
    "connect_timeout": 10,
    # And a server that did is given up as soon.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_guard = threading.Lock()
_remembered: dict[str, dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """A database on a server. `url` opens it again in this process and names no password;
    `parameters` are for psycopg.connect."""

    url: str
    parameters: dict[str, Any] = field(repr=False)

    @property
    def server(self) -> str:
        """The server in words: its host and port, or the folder of its socket."""
        host = self.parameters.get("host") or _default("host") or "on this machine"
        port = self.parameters.get("port")
        return f"{host}:{port}" if port and not host.startswith("/") else str(host)

    @property
    def database(self) -> str:
        """The database's name, which is the user's where none is given."""
        return str(self.parameters.get("dbname") or _default("dbname") or self.user)

    @property
    def names_a_database(self) -> bool:
        """Whether the database's name was given, by the URL or the environment."""
        return bool(self.parameters.get("dbname") or _default("dbname"))

    @property
    def createdb(self) -> str:
        """The command line that makes the database there."""
        words = ["createdb"]
        for flag, name in (("-h", "host"), ("-p", "port"), ("-U", "user")):
            if value := self.parameters.get(name):
                words += [flag, str(value)]
        return shlex.join([*words, self.database])

    @property
    def user(self) -> str:
        """The user's name."""
        return str(self.parameters.get("user") or _default("user"))


def place_of(url: str) -> Place:
    """Read a URL `postgresql://[user[:password]@][host][:port]/name[?parameters]`. Raises
    UsageError, which does not repeat what it cannot read: it may hold a password."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    if is_ambiguous(url):
        raise unread(url)
    try:
        parameters = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise unread(url, str(error)) from error
    check(parameters)
    given = {name: str(parameters.pop(name)) for name in SECRETS if name in parameters}
    shown = _url(parameters)
    with _guard:
        secrets = _remembered[shown] = _of_parent() | _remembered.get(shown, {}) | given
    others = parameters.get("options")
    options = f"{others} {_OPTIONS}" if others else _OPTIONS
    return Place(shown, {**_DEFAULTS, **parameters, **secrets, "options": options})


def environment_of(url: str) -> dict[str, str]:
    """The environment variables with which a child process can open the same URL."""
    with _guard:
        secrets = _remembered.get(url, {})
    return {_VARIABLES[name]: secret for name, secret in secrets.items()}


def _of_parent() -> dict[str, str]:
    """The secrets that this process was started with, where it is such a child. The password is
    read by libpq."""
    return {
        name: os.environ[variable]
        for name, variable in _VARIABLES.items()
        if name != "password" and variable in os.environ
    }


def _default(keyword: str) -> str:
    """What PostgreSQL's environment variables, or the system, say of what a URL leaves out."""
    from psycopg.pq import Conninfo

    found = (one.val for one in Conninfo.get_defaults() if one.keyword == keyword.encode())
    return (next(found, None) or b"").decode("utf-8", "replace")


def _url(parameters: dict[str, Any]) -> str:
    """The parameters as a URL, always the same for the same ones."""
    rest = dict(parameters)
    user, name = rest.pop("user", None), rest.pop("dbname", None)
    host, port = rest.get("host"), rest.get("port")
    plain = host is not None and not str(host).startswith("/") and "," not in str(host)
    text = "postgresql://" + (f"{quote(str(user), safe='')}@" if user else "")
    if plain:
        text += f"[{host}]" if ":" in str(host) else quote(str(rest["host"]), safe="")
        del rest["host"]
        if port is not None:
            text += f":{rest.pop('port')}"
    text += "/" + (quote(str(name), safe="") if name else "")
    pairs = [f"{key}={quote(str(value), safe='/')}" for key, value in sorted(rest.items())]
    return text + ("?" + "&".join(pairs) if pairs else "")
