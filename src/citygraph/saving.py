"""Files that are replaced as a whole: after an error or a kill, the old file is still there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

# The errors of a disk without room.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# The errors of files that may not be written.
REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def is_disk_full(error: Exception) -> bool:
    """Returns whether a disk without room caused an error."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return True
    # RocksDB, SQLite and the RDF library raise errors of their own, without an errno.
    text = str(error).casefold()
    return any(words in text for words in ("no space left", "quota exceeded", "file too large", "disk is full"))


@contextmanager
def replacement(path: Path) -> Iterator[TextIO]:
    """Opens a file for text in UTF-8, which replaces the file at `path` if the block ends without an error.

    An error of the system names `path`.
    """
    with _replacing(path, lambda part: part.open("w", encoding="utf-8", newline="")) as file:
        yield file


@contextmanager
def _replacing(path: Path, opened: Callable[[Path], IO[Any]]) -> Iterator[Any]:
    if path.exists() and not path.is_file():  # such as /dev/stdout, which cannot be replaced
        with opened(path) as file:
            yield file
        return
    # A symbolic link stays one.
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with naming(path, part):
            with opened(part) as file:
                yield file
                file.flush()
                # Otherwise a power failure after the rename might leave an empty file.
                os.fsync(file.fileno())
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def naming(path: Path, part: Path) -> Iterator[None]:
    """Gives an error of the system in the block the name of a file, whose new content is written to another, `part`."""
    try:
        yield
    except OSError as error:
        # An error of writing has no name, and the user does not know the name of the part.
        if error.filename in (None, str(part)):
            error.filename = str(path)
        raise


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Gives an error of a disk without room in the block, which has no name of a file, the name of a file or folder."""
    try:
        yield
    except Exception as error:
        # The text of another error may quote data.
        is_of_system = isinstance(error, OSError) or type(error).__module__ == "sqlite3"
        if not is_of_system or getattr(error, "filename", None) is not None or not is_disk_full(error):
            raise
        # Some errors of libraries have only a text.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def sync(path: Path) -> None:
    """Syncs a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Writes a text to a file, whose folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacement(path) as file:
        file.write(text)


def replace_bytes(path: Path, content: bytes) -> None:
    """Writes bytes to a file, whose folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path, lambda part: part.open("wb")) as file:
        file.write(content)
