"""Metrics of a server: each web process counts in a memory-mapped file, which the others can read."""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from pathlib import Path
from threading import Lock

SUFFIX = ".metrics"
STATUSES = (200, 204, 304, 400, 403, 404, 405, 406, 413, 415, 429, 500, 502, 503)
SECONDS = (0.001, 0.01, 0.1, 1.0, 10.0)  # upper bounds of the buckets of durations
_BUCKETS = (*(f"seconds {bound}" for bound in SECONDS), "seconds more")
_STATUS_NAMES = tuple(f"status {status}" for status in STATUSES)
NAMES = (*_STATUS_NAMES, "status other", "cache hits", "cache misses", *_BUCKETS, "seconds")
_COUNTS = struct.Struct(f"={len(NAMES)}d")
# Places in the file. They are computed once, because several counts are made for each point lookup.
_STATUS_PLACES = {status: NAMES.index(f"status {status}") for status in STATUSES}
_OTHER_STATUS, _HITS, _MISSES = (NAMES.index(name) for name in ("status other", "cache hits", "cache misses"))
_FIRST_BUCKET, _SECONDS = NAMES.index(_BUCKETS[0]), NAMES.index("seconds")


class Metrics:
    """The counters of this process, and of all processes that share `folder`; without a folder, its own only.

    A file outlives its process, so that sums never go down while the server runs.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory = mmap.mmap(-1, _COUNTS.size) if folder is None else _mapped(folder / f"{os.getpid()}{SUFFIX}")
        self._counts = memoryview(self._memory).cast("d")
        self._lock = Lock()

    def count_reply(self, status: int) -> None:
        """Counts a reply by its status."""
        self._increment(_STATUS_PLACES.get(status, _OTHER_STATUS))

    def count_lookup(self, hit: bool) -> None:
        """Counts a lookup in the result cache."""
        self._increment(_HITS if hit else _MISSES)

    def count_query(self, seconds: float) -> None:
        """Counts a query that an engine has evaluated."""
        place = _FIRST_BUCKET + bisect_left(SECONDS, seconds)
        with self._lock:
            self._counts[place] += 1
            self._counts[_SECONDS] += seconds

    def sums(self) -> dict[str, float]:
        """Returns the sums over all processes, by name."""
        sums = [0.0] * len(NAMES)
        for counts in self._all():
            sums = [one + other for one, other in zip(sums, counts, strict=True)]
        return dict(zip(NAMES, sums, strict=True))

    def _increment(self, place: int) -> None:
        # Threads of one process share the file; no other process writes to it.
        with self._lock:
            self._counts[place] += 1

    def _all(self) -> list[tuple[float, ...]]:
        if self._folder is None:
            return [_COUNTS.unpack(self._memory)]
        files = (path.read_bytes() for path in self._folder.glob(f"*{SUFFIX}"))
        # A file that was just created is still empty.
        return [_COUNTS.unpack(data) for data in files if len(data) == _COUNTS.size]


def folder_of(engine_socket: str) -> Path | None:
    """Returns the folder for the metrics of a server: the one with the socket of its engine host."""
    folder = Path(engine_socket).parent if engine_socket else None
    return folder if folder is not None and folder.is_dir() else None


def _mapped(path: Path) -> mmap.mmap:
    with path.open("w+b") as file:
        file.truncate(_COUNTS.size)
        return mmap.mmap(file.fileno(), _COUNTS.size)
