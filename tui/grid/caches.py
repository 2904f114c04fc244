"""A cache that holds the newest used values within a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ByteCache(Generic[Key, Value]):
    """Values by key, within `limit` bytes by what `put` is told; the longest unused go first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._held: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._held))

    def get(self, key: Key) -> Value | None:
        """The value, which counts as used now."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, cost: int) -> None:
        """Hold a value of `cost` bytes. One larger than the limit is not held."""
        self.drop(key)
        if cost > self.limit:
            return
        self._held[key] = (value, cost)
        self.used += cost
        while self.used > self.limit:
            _, (_, gone) = self._held.popitem(last=False)
            self.used -= gone

    def drop(self, key: Key) -> None:
        """Forget a value, if it is held."""
        found = self._held.pop(key, None)
        if found is not None:
            self.used -= found[1]

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
        self.used = 0
