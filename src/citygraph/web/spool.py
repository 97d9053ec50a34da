"""Large results wait in a temporary file until they are whole, and are sent with their length.

The server ends a body that breaks off as politely as one that is finished, and so may proxies; only a
Content-Length shows a reader what is missing. It also frees the engine at its own pace, not at the reader's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import IO

from citygraph.errors import LimitReached

_BLOCK = 256 * 1024


class Spooled:
    """A whole body in a file without a name: to be iterated once, and closed."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.size = size
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_BLOCK), b"")

    def close(self) -> None:
        """Give the room back."""
        self._file.close()


def spool(pieces: Iterable[bytes], limit: int) -> Spooled:
    """Take all the pieces. What fails in them fails here; LimitReached if they are more than `limit` bytes."""
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
    return Spooled(file, size)
