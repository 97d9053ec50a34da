"""Caches of values that are made again when needed, bounded in bytes, or in the length of the texts in their keys."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Generic, TypeVar, TypeVarTuple

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
Arguments = TypeVarTuple("Arguments")

_OVERHEAD = 300  # bytes that an entry takes beyond its value: key, slots in the tables
# Characters of the texts by which a value is kept. Headers of browsers and of libraries for RDF are shorter.
_LONGEST = 1000


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


def kept_by_short_texts(most: int) -> Callable[[Callable[[*Arguments], Value]], Callable[[*Arguments], Value]]:
    """Keeps so many results of a function of texts from requests, where most requests have one of a few texts.

    Nothing is kept by long texts, because many of them would fill the memory.
    """

    def decorate(function: Callable[[*Arguments], Value]) -> Callable[[*Arguments], Value]:
        kept: dict[tuple[*Arguments], Value] = {}

        @wraps(function)
        def result(*texts: *Arguments) -> Value:
            try:
                return kept[texts]
            except KeyError:
                value = function(*texts)
            if sum(len(text) for text in texts if isinstance(text, str)) <= _LONGEST:
                if len(kept) >= most:
                    kept.clear()
                kept[texts] = value
            return value

        return result

    return decorate
