"""A private folder for the sockets of a server, and the removal of those whose server was killed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

_BEGINNING = "citygraph-room-"
_LOCK = "lock"


class Room:
    """A folder that nobody else can enter. Who made it holds its lock while alive; close it at the end."""

    def __init__(self) -> None:
        sweep()
        # Locked before it has the name that `sweep` looks for.
        made = Path(tempfile.mkdtemp(prefix=".citygraph-"))
        self._lock = (made / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = made.rename(made.with_name(f"{_BEGINNING}{os.getpid()}-{made.name[-8:]}"))

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        _remove(self.path)
        self._lock.close()


def sweep() -> None:
    """Remove the folders whose makers are gone: they were killed."""
    for path in Path(tempfile.gettempdir()).glob(_BEGINNING + "*"):
        # Others' folders cannot be opened, and are none of our business.
        with suppress(OSError), (path / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        # The lock last: without it nobody would know that the rest may go.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == _LOCK):
            path.unlink(missing_ok=True)
        folder.rmdir()
