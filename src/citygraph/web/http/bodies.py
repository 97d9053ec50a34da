"""Bodies compressed for the wire: whole ones at once, streams piece by piece."""

from __future__ import annotations

import tempfile
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from threading import BoundedSemaphore
from typing import IO, Protocol

import brotli
import zstandard

from citygraph.errors import Busy, LimitReached

# Below this the saving is less than a packet.
SMALLEST = 1024

_GZIP_LEVEL, _BROTLI_QUALITY, _ZSTD_LEVEL = 5, 4, 3
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    """Brotli's compressor with the names of the others."""

    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=_BROTLI_QUALITY)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._compressor.process(data))

    def flush(self) -> bytes:
        return bytes(self._compressor.finish())


# By the size of the body, which is -1 if it is not known.
_COMPRESSORS: dict[str, Callable[[int], _Compressor]] = {
    "gzip": lambda _: zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW),
    "br": lambda _: _Brotli(),
    "zstd": lambda size: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj(size=size),
}


def compress(body: bytes, encoding: str) -> bytes:
    """The body in one of the encodings of negotiation.ENCODINGS."""
    compressor = _COMPRESSORS[encoding](len(body))
    return compressor.compress(body) + compressor.flush()


def compressed(pieces: Iterator[bytes], encoding: str) -> Generator[bytes, None, None]:
    """The pieces in one of the encodings, as they come; what fails in them fails here."""
    compressor = _COMPRESSORS[encoding](-1)
    for piece in pieces:
        if data := compressor.compress(piece):
            yield data
    yield compressor.flush()


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
