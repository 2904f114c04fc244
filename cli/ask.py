"""Asking before something is destroyed: on a terminal only, and never where --yes was given."""

from __future__ import annotations

import sys

from cli.text import printable
from storage.errors import ExitCode, PixshelfError, UsageError


class DeclinedError(PixshelfError):
    """The user was asked and did not say yes."""

    exit_code = ExitCode.FAILED


def confirm(question: str, *, yes: bool) -> None:
    """Return if the answer is yes. Raises DeclinedError if it is not, and UsageError where nobody
    can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            "standard input is not a terminal, so there is nobody to ask",
            hint="--yes goes ahead, --dry-run only says what would be done",
        )
    sys.stderr.write(f"{printable(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DeclinedError("nothing was changed")
