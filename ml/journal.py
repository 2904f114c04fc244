"""A run's journal: its events in a file of their own, for processes that did not start it.

One file for each run, in the user's log folder, named by a digest of the dataset's url and the
run's id; the lines are those of `ml.events`. A run that is gone on with begins its journal anew.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ml.events import MAX_LINE, Event, EventError, Phase, Step, Throttle, decode, encode
from storage.errors import PixshelfError

KEPT = 50
"""How many journals, and how many logs, the log folder keeps."""

STEP_INTERVAL = 0.5
"""The least seconds between two Step or Phase events in a journal."""

MAX_JOURNAL = 256 * 1024 * 1024
"""From this size on, a journal takes no more Steps and Phases."""

_MAX_EARLY = 1_000


class Journal:
    """Writes a run's journal, with what was told before it was begun. Whatever is wrong with the
    file is said on stderr, once: a training does not end for want of a journal."""

    def __init__(self) -> None:
        self._early: list[bytes] = []
        self._file: int | None = None
        self._size = 0
        self._broken = False
        self._throttle = Throttle(time.monotonic, STEP_INTERVAL)

    def begin(self, url: str, run: int) -> None:
        """Take the place of whatever journal the run (of the dataset with that Repository.url)
        has. To be called once the run is held, so that nobody reads an earlier one's end."""
        try:
            self._make(journal_path(url, run))
        except OSError as error:
            self._give_up(error)

    def write(self, event: Event) -> None:
        """Add an event. Fleeting ones are left out when they come too often."""
        if self._broken:
            return
        if isinstance(event, Step | Phase):
            often = not self._throttle.ready() and (isinstance(event, Step) or bool(event.done))
            if often or self._size > MAX_JOURNAL:
                return
        try:
            self._put(encode(event))
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _make(self, path: Path) -> None:
        """Make the file under another name first: who follows the old one is not confused."""
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_oldest(path.parent, "run-*.jsonl")
        self._file, name = tempfile.mkstemp(".part", "run-", path.parent)
        os.replace(name, path)
        early, self._early = self._early, []
        for line in early:
            self._put(line)

    def _give_up(self, error: OSError) -> None:
        self._broken = True
        print(f"journal: {error}", file=sys.stderr)  # noqa: T201  (to the log)

    def _put(self, line: bytes) -> None:
        if self._file is None:
            # A training that fails before it has a run leaves no journal.
            if len(self._early) < _MAX_EARLY:
                self._early.append(line)
            return
        self._size += len(line)
        while line:
            line = line[os.write(self._file, line) :]


def journal_path(url: str, run: int) -> Path:
    """Where the journal of a run is, whether there is one or not."""
    if "://" not in url:
        url = os.path.realpath(url)
    digest = hashlib.sha256(f"{url}\0{run}".encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return log_folder() / f"run-{digest}.jsonl"


def log_folder() -> Path:
    """The user's folder for logs and journals, which may not be there yet."""
    from platformdirs import user_log_path

    return user_log_path("pixshelf", appauthor=False)


def remove_oldest(folder: Path, pattern: str) -> None:
    """Make room for one more file of this pattern: the KEPT - 1 newest stay."""
    for old in sorted(folder.glob(pattern), key=_age)[: -KEPT + 1]:
        old.unlink(missing_ok=True)


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # another process removes old ones, too
        return 0.0


class JournalReader:
    """Reads a journal as it grows. To be closed."""

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError if there is none."""
        self._path = path
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._rest = b""

    def events(self) -> Iterator[Event]:
        """The whole events that were written since the last call. Raises EventError for lines
        that are none, and PixshelfError where the file cannot be read."""
        while True:
            try:
                part = os.read(self._file, 65_536)
            except OSError as error:
                raise PixshelfError(
                    f"the run's journal cannot be read: {error.strerror}"
                ) from error
            if not part:
                return
            *lines, self._rest = (self._rest + part).split(b"\n")
            for line in lines:
                yield decode(line)
            if len(self._rest) > MAX_LINE:
                raise EventError(f"event: received a line of more than {MAX_LINE} bytes")

    @property
    def replaced(self) -> bool:
        """Whether a newer journal has taken this one's place."""
        try:
            return not os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:  # removed, but not replaced
            return False
        except OSError as error:
            raise PixshelfError(f"the run's journal cannot be read: {error.strerror}") from error

    def close(self) -> None:
        """Give the file back. Safe to call twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
