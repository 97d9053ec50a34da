"""A cache of finished results in each web process: least recently used, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from citygraph.web.http.metrics import CacheMetrics

# Bytes that a result takes beyond its body: key, headers, slots in the tables.
_OVERHEAD = 1024


_NOT_ENCODED: Mapping[str, bytes] = MappingProxyType({})


class CachedResult(NamedTuple):
    """A finished result: the name of its format, its bytes, and the same bytes compressed, by content coding."""

    format: str
    body: bytes
    rows: int | None = None
    encoded: Mapping[str, bytes] = _NOT_ENCODED
    links: str = ""  # the value of its Link header
    gone: bool = False  # whether the entity was withdrawn

    def with_encoded(self, coding: str, body: bytes) -> CachedResult:
        """Returns a copy that has its bytes in one more coding."""
        return self._replace(encoded={**self.encoded, coding: body})

    @property
    def size(self) -> int:
        """The bytes that this takes in the cache."""
        encoded = sum(map(len, self.encoded.values())) if self.encoded else 0
        return _OVERHEAD + len(self.links) + len(self.body) + encoded


class ResultCache:
    """Results by release and query; they never expire, since a release never changes."""

    def __init__(self, capacity: int, counts: CacheMetrics) -> None:
        self.capacity = capacity
        self.size = 0
        self._counts = counts
        self._entries: OrderedDict[bytes, CachedResult] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> CachedResult | None:
        """Returns the result, which thereby becomes the most recently used, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        self._counts.count_lookup(entry is not None)
        return entry

    def put(self, key: bytes, entry: CachedResult) -> None:
        """Stores a result, unless it is larger than an eighth of the capacity."""
        # One huge result would evict everything else.
        size = entry.size
        if size > self.capacity // 8:
            return
        evicted = 0
        with self._lock:
            entries_before, size_before = len(self._entries), self.size
            if old := self._entries.pop(key, None):
                self.size -= old.size
            self._entries[key] = entry
            self.size += size
            while self.size > self.capacity:
                _, oldest = self._entries.popitem(last=False)
                self.size -= oldest.size
                evicted += 1
            entries, change = len(self._entries) - entries_before, self.size - size_before
        self._counts.count_stored(entries, change, evicted)
