"""Locks that end with their process, and folders that are complete after a power cut."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from citygraph.saving import sync


@contextmanager
def file_lock(path: Path) -> Iterator[IO[str]]:
    """Holds the lock of a file; the kernel releases it when the process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def is_abandoned(path: Path) -> bool:
    """Returns whether the process that staged this has died: its lock does not exist or is free."""
    with suppress(FileNotFoundError), (path / "lock").open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def sync_tree(path: Path) -> None:
    """Syncs a folder to the disk, so that it is complete after a power cut that follows the rename."""
    for folder, _, files in os.walk(path):
        of_store = Path(folder).name == "store"
        for name in files:
            file = Path(folder, name)
            # RocksDB syncs a table before it refers to it; a table with two links belongs to an earlier release too.
            if not (of_store and file.suffix == ".sst" and file.stat().st_nlink > 1):
                sync(file)
        sync(Path(folder))
