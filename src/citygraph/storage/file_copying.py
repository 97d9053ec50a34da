"""Files copied into a folder of objects, each read only if it is new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from citygraph.errors import BadData
from citygraph.storage.object_folder import ObjectFolder, StoredFile

# A log of the store for its developers; any process that opens the store may write it.
_LOG_OF_STORE = "LOG"
_ATTEMPTS = 3


@dataclass
class FileCopying:
    """Files on their way into a folder of objects: those of an earlier record by path, and those copied so far."""

    folder: ObjectFolder
    before: dict[str, StoredFile]
    moved: Callable[[str], None] = lambda _: None
    # By device, inode and time: releases share most files of their stores.
    links: dict[tuple[int, int, int], StoredFile] = field(default_factory=dict)
    files: list[StoredFile] = field(default_factory=list)
    copied: int = 0
    copied_bytes: int = 0

    def copy_folder(self, folder: Path, place: str) -> None:
        """Copies the files in a folder, without those that are being written."""
        for path in _walk(folder):
            if not (path.parent.name == "store" and path.name.startswith(_LOG_OF_STORE)):
                name = path.relative_to(folder).as_posix()
                self.copy(path, f"{place}/{name}" if place else name)

    def copy(self, path: Path, name: str) -> None:
        """Copies a file, unless it has been removed or its content exists."""
        with suppress(FileNotFoundError), path.open("rb") as file:
            status = os.fstat(file.fileno())
            known = self.links.get(_identity(status)) or self.before.get(name)
            if known is None or not _is_same(known, status) or not self.folder.has(known.sha256, known.size):
                known = None
            sha256, size = (known.sha256, known.size) if known else self._add(file, path)
            status = os.fstat(file.fileno())
            entry = StoredFile(name, sha256, size, status.st_mode & 0o777, status.st_mtime_ns)
            self.links[_identity(status)] = entry
            self.files.append(entry)
            self.moved(f"{len(self.files):,} files, {self.copied:,} copied ({self.copied_bytes / 1e6:,.1f} MB)")

    def _add(self, file: IO[bytes], path: Path) -> tuple[str, int]:
        """Adds the content of an open file, again if the file changed during the copy; returns its digest and size."""
        added: tuple[str, int] | None = None
        for _ in range(_ATTEMPTS):
            before = os.fstat(file.fileno())
            file.seek(0)
            with suppress(BadData):
                sha256, size, is_new = self.folder.add(file)
                self.copied += is_new
                self.copied_bytes += size if is_new else 0
                added = sha256, size
                after = os.fstat(file.fileno())
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and size == after.st_size:
                    break
        if added is None:
            raise BadData("is written to all the time, and cannot be copied", str(path))
        # A file that is always being written to, such as the log of a busy server, is taken as it was at one moment.
        return added


def by_path(files: Iterable[StoredFile]) -> dict[str, StoredFile]:
    """Returns files by their paths."""
    return {file.path: file for file in files}


def _walk(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder; files removed during the walk are left out."""
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.is_file() and entry.suffix != ".part":
            yield entry


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _is_same(known: StoredFile, status: os.stat_result) -> bool:
    return (known.size, known.modified) == (status.st_size, status.st_mtime_ns)
