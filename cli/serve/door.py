"""The door's workers together: the model, the writer, the readers, those who take bodies apart, and
the room in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from cli.serve.aside import Aside
from cli.serve.lanes import Lane
from cli.serve.predicting import Predicting
from cli.serve.room import Room
from cli.serve.settings import ServeSettings
from cli.serve.storing import Storing
from storage.errors import PixshelfError
from storage.opening import open_repository
from storage.repository import Repository

Result = TypeVar("Result")
Read = Callable[[Repository], Any]

_LOOK_SECONDS = 1.0
"""How long a worker looks for a dataset that is away. With the full wait it would keep everybody
waiting again and again; a door that starts was let in after the full wait already."""
_READERS = 2
_PARSERS = 2


class Door:
    """Everything that requests share. `start` opens the dataset, once for each worker."""

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        limits = settings.limits
        self.room = Room(limits.held)
        self.parsing = Aside("parse", threads=_PARSERS, waiting=limits.requests)
        self.predicting = Predicting(self._open, threads=settings.threads, waiting=limits.waiting)
        self.storing = Storing(self._open, waiting=limits.waiting)
        self._readers: Lane[Read, Any] = Lane(
            "read", self._open, _read, threads=_READERS, waiting=limits.waiting
        )
        self._started = False

    def start(self) -> None:
        """Begin, if it has not begun. Raises DatasetError where the dataset cannot be opened."""
        if self._started:
            return
        self._started = True
        try:
            self._readers.start()
            self.storing.start()
            self.predicting.start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Do what was taken on, then end. Safe to call twice."""
        self.parsing.close()
        self.predicting.close()
        self.storing.close()
        self._readers.close()
        self._started = False

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Started within the block."""
        self.start()
        try:
            yield
        finally:
            self.close()

    async def read(self, read: Callable[[Repository], Result]) -> Result:
        """What `read` gives, called with the dataset in a thread that has it open."""
        return cast("Result", await self._readers.ask(read))

    def _open(self) -> Repository:
        wait = self.settings.wait
        open_repository(self.settings.db, wait=min(wait, _LOOK_SECONDS)).close()
        return open_repository(self.settings.db, wait=wait)


def _read(repo: Repository, reads: Sequence[Read]) -> list[Any]:
    """One result or error for each."""
    results: list[Any] = []
    for read in reads:
        try:
            results.append(read(repo))
        except PixshelfError as error:
            results.append(error)
    return results
