"""A cache of values that are made again when needed: least recently used, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_OVERHEAD = 300  # bytes that an entry takes beyond its value: key, slots in the tables


class BoundedCache(Generic[Key, Value]):
    """Values by key, of which the least recently used are forgotten; `size_of` estimates the bytes of a value."""

    def __init__(self, capacity: int, size_of: Callable[[Value], int]) -> None:
        self.capacity = capacity
        self.size = 0
        self._size_of = size_of
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Returns the value, which thereby becomes the most recently used, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def put(self, key: Key, value: Value) -> Value:
        """Keeps a value, unless it is larger than an eighth of the capacity; returns it."""
        # One huge value would evict everything else.
        size = _OVERHEAD + self._size_of(value)
        if size > self.capacity // 8:
            return value
        with self._lock:
            if old := self._entries.pop(key, None):
                self.size -= old[1]
            self._entries[key] = value, size
            self.size += size
            while self.size > self.capacity:
                _, (_, freed) = self._entries.popitem(last=False)
                self.size -= freed
        return value
