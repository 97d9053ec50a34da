"""Large results wait in a temporary file until they are whole, and are sent with their length.

The server ends a body that breaks off as politely as one that is finished, and so may proxies; only a
Content-Length shows a reader what is missing. It also frees the engine at its own pace, not at the reader's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from threading import BoundedSemaphore
from typing import IO

from citygraph.errors import Busy, LimitReached

_BLOCK = 256 * 1024


class Spool:
    """Room for so many large bodies at a time: each holds a thread of the server until its reader has it all."""

    def __init__(self, places: int, limit: int) -> None:
        self._places = BoundedSemaphore(places)
        self._limit = limit

    def take(self, pieces: Iterable[bytes]) -> Spooled:
        """Take all the pieces of a body; it gives its place back when it is closed.

        What fails in the pieces fails here. Raises Busy if there is no place, LimitReached if the body is too large.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("too many large results are being sent", retry_after=5)
        try:
            file, size = _gather(pieces, self._limit)
        except BaseException:
            self._places.release()
            raise
        return Spooled(file, size, self._places)


class Spooled:
    """A whole body in a file without a name: to be iterated once, and closed."""

    def __init__(self, file: IO[bytes], size: int, places: BoundedSemaphore) -> None:
        self.size = size
        self._file = file
        self._places = places

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_BLOCK), b"")

    def close(self) -> None:
        """Give the room back."""
        if not self._file.closed:
            self._file.close()
            self._places.release()


def _gather(pieces: Iterable[bytes], limit: int) -> tuple[IO[bytes], int]:
    file = tempfile.TemporaryFile(prefix="citygraph-")  # noqa: SIM115 - it is closed when it was sent
    size, begun = 0, time.monotonic()
    try:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                elapsed = time.monotonic() - begun
                raise LimitReached(f"the result has more than {limit} bytes", "size", limit, elapsed)
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size
