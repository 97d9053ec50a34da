"""Bodies compressed for the wire: whole ones at once, streams piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

import brotli
import zstandard

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
