"""The one family of errors that pixshelf raises on purpose, and the process's exit codes.

Every error says in one line what was received and why it will not do (`message`), and,
where something can be done about it, what to do (`hint`). The command line prints both and
leaves with `exit_code`; the full-screen app shows both. No other text is owed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process's exit status says. Scripts may rely on these numbers."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNOPENED = 3
    REFUSED = 4
    INTERRUPTED = 130


class PixshelfError(Exception):
    """The command failed for a reason that its user can understand."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotReady(PixshelfError):
    """The dataset does not hold what the command needs: no model, one class, no labels."""


class TimedOut(PixshelfError):
    """The work took longer than the time that it was given."""


class StorageFull(PixshelfError):
    """The disk took no more. What was committed before is kept."""


class UsageError(PixshelfError):
    """A flag, an argument or a setting makes no sense."""

    exit_code = ExitCode.USAGE


class QueryError(UsageError):
    """A query has a word that is not understood. `start` and `end` are its place in the text."""

    def __init__(
        self, message: str, *, text: str, start: int, end: int, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.start = start
        self.end = end


class DatasetError(PixshelfError):
    """The dataset cannot be opened: missing, damaged, not a dataset, or from a newer program."""

    exit_code = ExitCode.UNOPENED


class DatasetBusy(DatasetError):
    """Another process kept the dataset's write lock for longer than the time allowed."""


class NotAllowed(DatasetError):
    """The dataset may not be read or written in that way by this user, or from this place: to try
    again does not help."""


class ConnectionLost(DatasetError):
    """The connection to the dataset's server broke, and was not to be had again in time."""


class RefusedInput(PixshelfError):
    """A file or value from outside was refused."""

    exit_code = ExitCode.REFUSED


class NotFound(RefusedInput):
    """There is no image, run or model of the given id or name."""
