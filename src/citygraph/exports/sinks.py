"""Where a result is written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

_PIECE = 1024 * 1024
# A write takes longer than the joining of some hundred texts.
_JOINED = 500


class Sink(Protocol):
    """The target of a result: a binary file, or a connection."""

    def write(self, data: bytes, /) -> int:
        """Accepts all of these bytes."""
        ...

    def flush(self) -> None:
        """Passes on the bytes that are held."""
        ...


class ResultPieces(Protocol):
    """The pieces of a large result, and its number of rows once all have been read."""

    rows: int | None

    def __iter__(self) -> Iterator[bytes]:
        """Returns itself."""
        ...

    def __next__(self) -> bytes:
        """Returns the next piece."""
        ...

    def close(self) -> None:
        """Discards the rest."""
        ...


def write_in_pieces(data: bytes | memoryview, out: Sink) -> None:
    """Writes bytes that are in memory in pieces that fit in a frame."""
    for start in range(0, len(data), _PIECE):
        out.write(bytes(data[start : start + _PIECE]))


def write_joined(texts: Iterable[str], out: Sink) -> None:
    """Writes many short texts, some hundred at a time."""
    joined: list[str] = []
    for text in texts:
        joined.append(text)
        if len(joined) == _JOINED:
            out.write("".join(joined).encode())
            joined.clear()
    out.write("".join(joined).encode())
