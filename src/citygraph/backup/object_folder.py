"""The folder of backups: objects named by their SHA-256, and a record of each backup, written last."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from citygraph.errors import BadData, Conflict, NotFound
from citygraph.saving import replace_text

_OBJECTS = "objects"
_RECORDS = "backups"
_PART = ".part"
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup: its path in the restored folder, and its content by digest."""

    path: str
    sha256: str
    size: int
    mode: int
    modified: int  # in nanoseconds


@dataclass(frozen=True)
class BackupRecord:
    """A complete backup: its files, and the release that was current."""

    name: str
    created: str
    software_version: str
    releases: str  # the folder of the releases in the restored folder
    current: str
    files: tuple[BackupFile, ...]


class ObjectFolder:
    """A folder of backups. Equal contents are stored once, whichever backup they belong to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the folder for one backup, and removes what a killed one left. Raises Conflict if another runs."""
        for name in (_OBJECTS, _RECORDS):
            # Only for the operator: the hashes of tokens and the audit log are among the objects.
            (self.root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"another backup is being written to {self.root}: try again when it is done") from None
            for part in (self.root / _OBJECTS).glob(f"*{_PART}"):
                part.unlink()
            yield

    def has(self, sha256: str, size: int) -> bool:
        """Returns whether an object is there, with its size."""
        path = self._object(sha256)
        return path.is_file() and path.stat().st_size == size

    def add(self, file: IO[bytes]) -> tuple[str, int, bool]:
        """Stores the content of a file unless it is there; returns its digest, its size and whether it was new.

        An object has its name only when it is whole and on the disk.
        """
        part = self.root / _OBJECTS / f"{os.getpid()}{_PART}"
        try:
            with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as target:
                sha256, size = _copied(file, target)
                if self.has(sha256, size):
                    return sha256, size, False
                target.flush()
                os.fsync(target.fileno())
            path = self._object(sha256)
            path.parent.mkdir(exist_ok=True, mode=0o700)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        return sha256, size, True

    def open_object(self, file: BackupFile) -> IO[bytes]:
        """Opens the content of a file. Raises BadData if it is missing."""
        try:
            return self._object(file.sha256).open("rb")
        except FileNotFoundError:
            raise BadData(f"missing, with the content of {file.path}", str(self._object(file.sha256))) from None

    def problem(self, file: BackupFile) -> str:
        """Returns what is wrong with the object of a file, which it names; "" if nothing is."""
        path = self._object(file.sha256)
        try:
            with path.open("rb") as opened:
                sha256, size = _copied(opened, None)
        except FileNotFoundError:
            return f"{path}: missing"
        except OSError as error:
            return f"{path}: {error.strerror}"
        if (sha256, size) == (file.sha256, file.size):
            return ""
        return f"{path}: damaged: {size} bytes with SHA-256 {sha256[:12]}…, instead of {file.size} bytes"

    def add_record(self, record: BackupRecord) -> None:
        """Writes the record of a complete backup: with it the backup exists."""
        for folder in (path for path in (self.root / _OBJECTS).iterdir() if path.is_dir()):
            _sync(folder)
        text = json.dumps(asdict(record), ensure_ascii=False, indent=1)
        digest = hashlib.sha256(text.encode()).hexdigest()
        # The first line is the digest of the rest.
        replace_text(self._record(record.name), f"{digest}\n{text}")
        _sync(self.root / _RECORDS)

    def names(self) -> list[str]:
        """Returns the names of the complete backups, the newest first."""
        return sorted((path.stem for path in (self.root / _RECORDS).glob("*.json")), reverse=True)

    def record(self, name: str = "") -> BackupRecord:
        """Returns a backup by its name, or the newest. Raises NotFound, BadData if its record is damaged."""
        names = self.names()
        if not names or (name and name not in names):
            there = f"there are {', '.join(names)}" if names else "there is none"
            raise NotFound(f"no backup {name} in {self.root}; {there}".replace("backup  in", "backup in"))
        path = self._record(name or names[0])
        digest, _, text = path.read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            raise BadData("damaged: its content does not have the digest in its first line", str(path))
        values = json.loads(text)
        return BackupRecord(**{**values, "files": tuple(BackupFile(**file) for file in values["files"])})

    def _object(self, sha256: str) -> Path:
        return self.root / _OBJECTS / sha256[:2] / sha256[2:]

    def _record(self, name: str) -> Path:
        return self.root / _RECORDS / f"{name}.json"


def _copied(source: IO[bytes], target: IO[bytes] | None) -> tuple[str, int]:
    """Returns SHA-256 and size of a file, which is copied if there is a target."""
    digest, size = hashlib.sha256(), 0
    while piece := source.read(_PIECE):
        digest.update(piece)
        size += len(piece)
        if target is not None:
            target.write(piece)
    return digest.hexdigest(), size


def copy_object(source: IO[bytes], target: IO[bytes]) -> str:
    """Copies an object to an open file, and returns its digest."""
    return _copied(source, target)[0]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
