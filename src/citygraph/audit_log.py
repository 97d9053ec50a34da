"""The audit log: who changed what and when, one JSON object a line, in parts that are rotated by size and age."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from citygraph.saving import sync
from citygraph.settings import Settings

_log = logging.getLogger(__name__)

_DAY = 24 * 60 * 60
# How long to wait for other processes that write, in seconds, before the line goes into the server's log.
_PATIENCE = 5.0
_RETRY = 0.01
_BLOCK = 64 * 1024
_RECENT = 4 * 1024 * 1024


class AuditLog:
    """The audit log of an instance. Any number of threads and processes may write to it."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.audit
        self._size = settings.audit_size
        self._seconds = settings.audit_days * _DAY
        self._parts = settings.audit_parts

    def write(self, who: str, action: str, outcome: str, **details: Any) -> None:
        """Adds a line, which is on the disk when this returns.

        A line that cannot be written goes into the server's log, because the recorded action has already happened.
        """
        line = {"time": _now(), "who": who, "action": action, "outcome": outcome, **details}
        try:
            with self.locked():
                # The time of its turn, so that lines are in the order of their times.
                line["time"] = _now()
                self._append(_encoded(line))
        except OSError as error:
            _log.error("the audit log cannot be written (%s): %s", error, _encoded(line).decode().rstrip())

    def lacks(self, key: str, values: Iterable[str]) -> list[str]:
        """Returns the values of a key, of letters and digits, that no recent line has."""
        recent = b""
        for path in reversed(self.parts()):
            if len(recent) < _RECENT:
                with path.open("rb") as file:
                    file.seek(max(0, path.stat().st_size - _RECENT))
                    recent += file.read(_RECENT)
        there = set(re.findall(rb'"%b": "(\w+)"' % key.encode(), recent))
        return [value for value in values if value.encode() not in there]

    def parts(self) -> list[Path]:
        """Returns the files of the log, the oldest first and the present one last."""
        return [*self.rotated(), *([self._path] if self._path.exists() else [])]

    def rotated(self) -> list[Path]:
        """Returns the rotated parts, the oldest first."""
        return sorted(self._path.parent.glob(f"{self._path.name}.*")) if self._path.parent.is_dir() else []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing and rotating during the block. Raises OSError after five seconds."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # A file of its own, because the log is renamed when it is rotated. The kernel unlocks it however we end.
        lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _lock(lock)
            yield
        finally:
            os.close(lock)

    def _append(self, data: bytes) -> None:
        with _opened(self._path) as file:
            torn = _torn_line(file)
            is_due = not torn and self._is_due(file)
            if not is_due:
                _write(file, torn, data)
                return
        self._rotate()
        with _opened(self._path) as file:
            _write(file, b"", data)
        sync(self._path.parent)

    def _is_due(self, file: IO[bytes]) -> bool:
        """Returns whether the log needs rotation, by its size or the age of its first line."""
        size = file.seek(0, os.SEEK_END)
        if self._size and size >= self._size:
            return True
        if not self._seconds or not size:
            return False
        file.seek(0)
        return _age(file.readline(_BLOCK)) > self._seconds

    def _rotate(self) -> None:
        # The name never changes again, so that a part is backed up once.
        self._path.rename(self._path.with_name(f"{self._path.name}.{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"))
        for path in self.rotated()[: -self._parts] if self._parts else ():
            path.unlink(missing_ok=True)


def read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yields the complete lines of a part; an incomplete last line is skipped."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _encoded(line: Mapping[str, Any]) -> bytes:
    return (json.dumps(line, ensure_ascii=False, default=str) + "\n").encode("utf-8", "replace")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Not without end: a stopped process must not hold up all commits.
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
        else:
            return


def _opened(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)


def _torn_line(file: IO[bytes]) -> bytes:
    """Returns the beginning of a last line whose end was lost, as after a power failure or on a full disk."""
    size = start = file.seek(0, os.SEEK_END)
    tail = b""
    while start and b"\n" not in tail:
        start = max(0, start - _BLOCK)
        file.seek(start)
        tail = file.read(size - start)
    return tail.rpartition(b"\n")[2]


def _write(file: IO[bytes], torn: bytes, data: bytes) -> None:
    """Appends a line; an incomplete last line is replaced by a `repair` line with its text."""
    if torn:
        text = torn.decode("utf-8", "replace")
        line = {"time": _now(), "who": "", "action": "repair", "outcome": "a line was torn", "text": text}
        data = _encoded(line) + data
    end = file.seek(0, os.SEEK_END)
    file.seek(end - len(torn))
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
    os.fdatasync(file.fileno())


def _age(line: bytes) -> float:
    """Returns the age of a line in seconds; 0 if it has no time."""
    try:
        then = datetime.fromisoformat(str(json.loads(line)["time"]))
        return (datetime.now(UTC) - then).total_seconds()
    except (ValueError, KeyError, TypeError):
        return 0.0
