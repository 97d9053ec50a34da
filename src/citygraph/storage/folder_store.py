"""Objects as files of a folder, written under another name first and then renamed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from citygraph.errors import Conflict, NotFound
from citygraph.saving import naming_full_disk, sync
from citygraph.storage.object_store import StoredObject

_PART = ".part"
_OBJECTS = "objects/"
_PIECE = 1024 * 1024


class FolderStore:
    """A folder as an object store: the key of an object is its path."""

    def __init__(self, root: Path, private: bool = True) -> None:
        self.root = root
        self._folder_mode, self._file_mode = (0o700, 0o600) if private else (0o755, 0o644)
        # Folders with new objects; they are synced to the disk before anything names these.
        self._unsynced: set[Path] = set()

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.root)

    def place(self, key: str) -> str:
        """Returns the path of an object."""
        return str(self.root / key)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Locks the folder for this process, and removes a killed one's leftovers. Raises Conflict if it is locked."""
        self.root.mkdir(parents=True, exist_ok=True, mode=self._folder_mode)
        with (self.root / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    f"another backup or push is being written to {self.root}: try again when it is done"
                ) from None
            for part in (*self.root.glob(f".*{_PART}"), *(self.root / _OBJECTS).glob(f"*{_PART}")):
                part.unlink(missing_ok=True)
            yield

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yields the objects in a folder."""
        for path in sorted((self.root / prefix).rglob("*")):
            # It has been removed in the meantime.
            with suppress(FileNotFoundError):
                status = path.stat()
                if path.is_file() and path.suffix != _PART:
                    modified = datetime.fromtimestamp(status.st_mtime, UTC)
                    yield StoredObject(path.relative_to(self.root).as_posix(), status.st_size, modified)

    def read(self, key: str, tag: str = "") -> tuple[bytes, str] | None:
        """Returns a small object and the digest that is its tag; None if it has this tag. Raises NotFound."""
        try:
            content = (self.root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{self.place(key)}: missing") from None
        found = hashlib.sha256(content).hexdigest()
        return None if found == tag else (content, found)

    def pieces(self, key: str, size: int) -> Iterator[bytes]:
        """Yields the bytes of an object, one more than its size if it is longer. Raises NotFound."""
        left = size + 1
        try:
            with (self.root / key).open("rb") as file:
                while left > 0 and (piece := file.read(min(left, _PIECE))):
                    left -= len(piece)
                    yield piece
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{self.place(key)}: missing") from None

    def put(self, key: str, content: Iterable[bytes]) -> None:
        """Writes an object; it has its name only when it is whole and on the disk."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True, mode=self._folder_mode)
        part = self.root / f".{os.getpid()}-{threading.get_ident()}{_PART}"
        try:
            with naming_full_disk(path), self._opened(part) as target:
                for piece in content:
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            if not key.startswith(_OBJECTS):
                for folder in self._unsynced:
                    sync(folder)
                self._unsynced.clear()
            part.rename(path)
            if key.startswith(_OBJECTS):
                self._unsynced |= {path.parent, path.parent.parent}
            else:
                sync(path.parent)
        finally:
            part.unlink(missing_ok=True)

    def _opened(self, part: Path) -> BinaryIO:
        return os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, self._file_mode), "wb")

    def replace(self, key: str, content: bytes, tag: str) -> None:
        """Writes a small object if the present one has this tag ("" if absent). Raises Conflict otherwise."""
        self.root.mkdir(parents=True, exist_ok=True, mode=self._folder_mode)
        with (self.root / ".replacing").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = ""
            with suppress(NotFound):
                there = (self.read(key) or (b"", ""))[1]
            if there != tag:
                raise Conflict(f"{self.place(key)} was replaced by another process meanwhile")
            self.put(key, [content])

    def delete(self, key: str) -> None:
        """Removes an object if it exists."""
        (self.root / key).unlink(missing_ok=True)
