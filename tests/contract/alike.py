"""Several datasets that are all told the same and must all answer the same: the first is the plain
model, the others are what is tested. Only times may differ, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from storage.errors import PixshelfError
from storage.repository import Repository
from tests.backends import Backend

_TIMES = frozenset({"at", "added_at", "started_at", "finished_at", "created_at"})


class Alike:
    """The datasets, open. Every backend is of a fresh dataset."""

    def __init__(self, *backends: Backend) -> None:
        self._backends = backends
        self._open = [backend.open() for backend in backends]

    def open_again(self) -> None:
        """Close all and open them again."""
        self.close()
        self._open = [backend.open() for backend in self._backends]

    def close(self) -> None:
        for repository in self._open:
            repository.close()

    def ask(self, question: Callable[[Repository], Any]) -> Any:
        """What all of them answer; None where all of them refuse, in the same words. The answer is
        the first one's; an iterator is read to its end for it, and given as a list."""
        first, *others = (_answer(question, repository) for repository in self._open)
        for backend, other in zip(self._backends[1:], others, strict=True):
            assert other == first, f"{type(backend).__name__} answers {other}, not {first}"
        return None if isinstance(first, _Refused) else first.value

    def problems(self) -> list[str]:
        """What is wrong with any of them."""
        return [problem.what for repository in self._open for problem in repository.check()]


class _Given:
    """An answer, equal to others that tell the same."""

    def __init__(self, value: Any) -> None:
        self.value = list(value) if isinstance(value, Iterator) else value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and plain(self.value) == plain(other.value)

    def __hash__(self) -> int:
        raise TypeError("answers are compared, not looked up")

    def __repr__(self) -> str:
        return repr(plain(self.value))


class _Refused(str):
    """The kind and the words of an error."""

    __slots__ = ()


def plain(value: Any) -> Any:
    """The value in lists and dictionaries without times, the order of every dictionary kept."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            one.name: plain(getattr(value, one.name))
            for one in fields(value)
            if one.name not in _TIMES
        }
    if isinstance(value, Mapping):
        return [(plain(key), plain(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _answer(question: Callable[[Repository], Any], repository: Repository) -> _Given | _Refused:
    try:
        return _Given(question(repository))
    except PixshelfError as error:
        return _Refused(f"{type(error).__name__}: {error.message}")
