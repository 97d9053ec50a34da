"""Counters of several processes: each counts in its own memory-mapped file, which the others can read."""

from __future__ import annotations

import mmap
import os
import secrets
import struct
from pathlib import Path
from threading import Lock

_BYTES = 8  # of a counter


class SharedCounts:
    """The counters of this process by place, and their sums over all processes with files in the same folder.

    Without a folder there are no other processes. A file outlives its process, so that sums never go down.
    """

    def __init__(self, size: int, folder: Path | None = None, suffix: str = "") -> None:
        self.lock = Lock()
        self._suffix = suffix
        self._size = size * _BYTES
        self.restart(folder)

    def restart(self, folder: Path | None) -> None:
        """Counts from zero, in a file of this process. A forked process calls it, or it would count in its parent's."""
        self._folder = folder
        self._memory = mmap.mmap(-1, self._size) if folder is None else _mapped(folder, self._suffix, self._size)
        # Threads of one process share the counters; no other process writes to them.
        self.values = memoryview(self._memory).cast("d")

    def add(self, place: int, amount: float = 1.0) -> None:
        """Adds to a counter."""
        with self.lock:
            self.values[place] += amount

    def sums(self) -> list[float]:
        """Returns the sums over all processes, of those that have ended too."""
        return self._summed(only_running=False)

    def present(self) -> list[float]:
        """Returns the sums over the processes that run: of counters that go down again."""
        return self._summed(only_running=True)

    def _summed(self, only_running: bool) -> list[float]:
        if self._folder is None:
            return list(self.values)
        counts = struct.Struct(f"={self._size // _BYTES}d")
        sums = [0.0] * (self._size // _BYTES)
        for path in self._folder.glob(f"*{self._suffix}"):
            if only_running and not _runs(path):
                continue
            data = path.read_bytes()
            # A file that was just created is still empty.
            if len(data) == self._size:
                sums = [one + other for one, other in zip(sums, counts.unpack(data), strict=True)]
        return sums


class NamedCounts:
    """Counters by name, for a process that counts rarely: a mapping whose values are kept as `SharedCounts`."""

    def __init__(self, names: tuple[str, ...], folder: Path | None = None, suffix: str = "") -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self._counts = SharedCounts(len(names), folder, suffix)

    def keys(self) -> list[str]:
        """Returns the names."""
        return list(self._places)

    def __getitem__(self, name: str) -> int:
        return int(self._counts.values[self._places[name]])

    def __setitem__(self, name: str, count: int) -> None:
        self._counts.values[self._places[name]] = count

    def sums(self) -> dict[str, int]:
        """Returns the sums over all processes, by name."""
        return {name: int(count) for name, count in zip(self._places, self._counts.sums(), strict=True)}


def _runs(path: Path) -> bool:
    return Path(f"/proc/{path.name.partition('-')[0]}").exists()


def _mapped(folder: Path, suffix: str, size: int) -> mmap.mmap:
    # A process may get the number of an ended process, whose counts must remain.
    with (folder / f"{os.getpid()}-{secrets.token_hex(4)}{suffix}").open("x+b") as file:
        file.truncate(size)
        return mmap.mmap(file.fileno(), size)
