"""Counts of a server: each web process adds to its own, in a file of memory that the others can read."""

from __future__ import annotations

import mmap
import os
import struct
from bisect import bisect_left
from pathlib import Path
from threading import Lock

SUFFIX = ".tallies"
STATUSES = (200, 204, 304, 400, 403, 404, 405, 406, 413, 415, 429, 500, 502, 503)
SECONDS = (0.001, 0.01, 0.1, 1.0, 10.0)  # upper bounds of the classes of durations
_BUCKETS = (*(f"seconds {bound}" for bound in SECONDS), "seconds more")
NAMES = (*(f"status {status}" for status in STATUSES), "status other",
         "cache hits", "cache misses", *_BUCKETS, "seconds")  # fmt: skip
_COUNTS = struct.Struct(f"={len(NAMES)}d")
_PLACES = {name: place for place, name in enumerate(NAMES)}


class Tallies:
    """The counts of this process, and those of all that share `folder`; without a folder only its own.

    A file stays when its process has ended, so that sums never go down while the server runs.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory = mmap.mmap(-1, _COUNTS.size) if folder is None else _mapped(folder / f"{os.getpid()}{SUFFIX}")
        self._counts = memoryview(self._memory).cast("d")
        self._lock = Lock()

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._add(f"status {status}" if status in STATUSES else "status other", 1)

    def looked_up(self, found: bool) -> None:
        """Count a look into the cache of results."""
        self._add("cache hits" if found else "cache misses", 1)

    def evaluated(self, seconds: float) -> None:
        """Count a query that an engine has answered."""
        self._add(_BUCKETS[bisect_left(SECONDS, seconds)], 1)
        self._add("seconds", seconds)

    def sums(self) -> dict[str, float]:
        """The counts of all processes together, by their names."""
        sums = [0.0] * len(NAMES)
        for counts in self._all():
            sums = [one + other for one, other in zip(sums, counts, strict=True)]
        return dict(zip(NAMES, sums, strict=True))

    def _add(self, name: str, amount: float) -> None:
        with self._lock:
            self._counts[_PLACES[name]] += amount

    def _all(self) -> list[tuple[float, ...]]:
        if self._folder is None:
            return [_COUNTS.unpack(self._memory)]
        files = (path.read_bytes() for path in self._folder.glob(f"*{SUFFIX}"))
        return [_COUNTS.unpack(data) for data in files if len(data) == _COUNTS.size]


def folder_of(engine_socket: str) -> Path | None:
    """Where the web processes of a server keep their counts: beside the socket of their engine host."""
    folder = Path(engine_socket).parent if engine_socket else None
    return folder if folder is not None and folder.is_dir() else None


def _mapped(path: Path) -> mmap.mmap:
    with path.open("w+b") as file:
        file.truncate(_COUNTS.size)
        return mmap.mmap(file.fileno(), _COUNTS.size)
