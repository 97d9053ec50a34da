"""Bodies: requests received by few threads, responses compressed whole or as streams, and a spool for large ones."""

from __future__ import annotations

import os
import tempfile
import time
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from threading import BoundedSemaphore, Lock
from typing import IO, Any, Protocol

import brotli
import zstandard
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import parse_form_data

from citygraph.engine.pool import Admission, Refusal
from citygraph.errors import Busy, LimitReached, UsageError
from citygraph.settings import Settings
from citygraph.web.http.addresses import client_address

# Bytes below which compression saves less than a packet.
SMALLEST = 1024

_GZIP_LEVEL, _BROTLI_QUALITY, _ZSTD_LEVEL = 5, 4, 3
_GZIP_WINDOW = 16 + zlib.MAX_WBITS  # 16 selects the gzip container in zlib


class _Compressor(Protocol):
    """A streaming compressor."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    """Brotli's compressor with the method names of the others."""

    def __init__(self) -> None:
        self._compressor = brotli.Compressor(quality=_BROTLI_QUALITY)

    def compress(self, data: bytes, /) -> bytes:
        return bytes(self._compressor.process(data))

    def flush(self) -> bytes:
        return bytes(self._compressor.finish())


# Each takes the size of the body, which is -1 if it is unknown: zstd writes it into the frame.
_COMPRESSORS: dict[str, Callable[[int], _Compressor]] = {
    "gzip": lambda _: zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW),
    "br": lambda _: _Brotli(),
    "zstd": lambda size: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj(size=size),
}


def compress(body: bytes, encoding: str) -> bytes:
    """Returns the body in one of the encodings of negotiation.ENCODINGS."""
    compressor = _COMPRESSORS[encoding](len(body))
    return compressor.compress(body) + compressor.flush()


def compressed(pieces: Iterator[bytes], encoding: str) -> Generator[bytes, None, None]:
    """Yields the pieces in one of the encodings as they come. Raises whatever the pieces raise."""
    compressor = _COMPRESSORS[encoding](-1)
    for piece in pieces:
        if data := compressor.compress(piece):
            yield data
    yield compressor.flush()


_BLOCK = 256 * 1024
_PIECE = 64 * 1024


class Places:
    """A limited number of places for what holds a thread of the server as long as a client is slow.

    Most threads stay free for others, and no client gets most of the places.
    """

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.trusted_proxies
        self._admission = Admission(max(1, settings.threads // 4), max(1, settings.threads // 8))

    def take(self, environ: Mapping[str, Any], for_one: Busy, for_all: Busy, wait: float = 0.0) -> Callable[[], None]:
        """Takes a place, and returns the function that frees it.

        Raises `for_one` or `for_all` if the client or all clients have taken theirs for `wait` seconds.
        """
        client = client_address(environ, self._proxies)
        refusal = self._admission.acquire(client, wait)
        if refusal is not None:
            raise for_one if refusal is Refusal.CLIENT else for_all
        return partial(self._admission.release, client)


class BodyReceiver:
    """Receives the bodies of requests by few threads. All views of a web process share one."""

    def __init__(self, settings: Settings) -> None:
        self._places = Places(settings)

    def receive(self, environ: Mapping[str, Any], limit: int, wait: float = 0.0) -> bytes:
        """Returns the body, or one byte more than `limit` of a longer one of unknown length.

        Raises Busy if no place becomes free within `wait` seconds.
        """
        declared = declared_length(environ)
        with self._place(environ, wait):
            return bytes(environ["wsgi.input"].read(limit + 1 if declared is None else declared))

    def drop(self, environ: Mapping[str, Any], size: int) -> None:
        """Receives a body of this size and discards it. Raises Busy if no place is free."""
        with self._place(environ, 0.0):
            read = environ["wsgi.input"].read
            while size > 0 and (piece := read(min(size, _PIECE))):
                size -= len(piece)

    @contextmanager
    def _place(self, environ: Mapping[str, Any], wait: float) -> Iterator[None]:
        for_one = Busy("too many bodies of yours are being received", retry_after=5, yours=True)
        free = self._places.take(environ, for_one, Busy("too many bodies are being received", retry_after=5), wait)
        try:
            yield
        finally:
            free()


def parts_of(
    environ: Mapping[str, Any], body: bytes, limit: int
) -> tuple[MultiDict[str, str], MultiDict[str, FileStorage]]:
    """Returns the fields and the files of a form that was received as `body`. Raises UsageError."""
    whole = {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    whole.pop("HTTP_CONTENT_ENCODING", None)
    try:
        parse = partial(parse_form_data, max_form_memory_size=limit, max_form_parts=100)
        _, fields, files = parse(whole, silent=False)
    except (HTTPException, ValueError) as error:
        raise UsageError(f"the multipart body is invalid: {error}") from None
    return fields, files


def declared_length(environ: Mapping[str, Any]) -> int | None:
    """Returns the Content-Length of a request, or None if it is unknown until the end of the body."""
    length = environ.get("CONTENT_LENGTH") or ""
    return int(length) if length.isdecimal() else None


def has_body(environ: Mapping[str, Any]) -> bool:
    """Returns whether a request has a body, which may turn out to be empty (RFC 9112, 6.3)."""
    return bool(declared_length(environ) or environ.get("HTTP_TRANSFER_ENCODING"))


class Spool:
    """A limited number of large bodies in temporary files, each until its client has it all."""

    def __init__(self, places: int, limit: int) -> None:
        self._places = BoundedSemaphore(places)
        self._limit = limit

    def buffer(self) -> SendBuffer:
        """Returns a buffer for a body that is sent while it is made. Raises Busy if all places are taken."""
        self._acquire()
        try:
            return SendBuffer(self._places, self._limit)
        except BaseException:
            self._places.release()
            raise

    def has_place(self) -> bool:
        """Returns whether a place is free now."""
        free = self._places.acquire(blocking=False)
        if free:
            self._places.release()
        return free

    def _acquire(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Busy("too many large results are being sent", retry_after=5)

    def take(self, pieces: Iterable[bytes]) -> Spooled:
        """Returns a body with all the pieces; closing it frees its place.

        Raises Busy if all places are taken, LimitReached if the body is too large, and whatever the pieces raise.
        """
        self._acquire()
        try:
            file, size = _write_file(pieces, self._limit)
        # After any exception: a place that is not freed is lost until the server restarts.
        except BaseException:
            self._places.release()
            raise
        return Spooled(file, size, self._places)


class Spooled:
    """A whole body in an unnamed temporary file: to be iterated once, and closed."""

    def __init__(self, file: IO[bytes], size: int, places: BoundedSemaphore) -> None:
        self.size = size
        self._file = file
        self._places = places

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self._file.read(_BLOCK), b"")

    def close(self) -> None:
        """Deletes the file and frees the place; harmless if repeated, for a semaphore must not be released twice."""
        if not self._file.closed:
            self._file.close()
            self._places.release()


class SendBuffer:
    """The part of a large body that its client has not read yet, in an unnamed temporary file.

    A thread writes to it, and the event loop reads. Closing it frees its place.
    """

    def __init__(self, places: BoundedSemaphore, limit: int) -> None:
        self._file = tempfile.TemporaryFile(prefix="citygraph-", buffering=0)  # noqa: SIM115 - it is closed after sending
        self._places = places
        self._limit = limit
        self._begun = time.monotonic()
        self._lock = Lock()
        self.size = 0
        self.is_complete = self.is_failed = False

    def write(self, piece: bytes) -> None:
        """Adds a piece. Raises LimitReached, ValueError if it is closed, OSError if the disk is full."""
        if self.size + len(piece) > self._limit:
            elapsed = time.monotonic() - self._begun
            raise LimitReached(f"the result has more than {self._limit} bytes", "size", self._limit, elapsed)
        rest = memoryview(piece)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        self.size += len(piece)

    def read(self, start: int) -> bytes:
        """Returns the next bytes, which may be none yet."""
        return os.pread(self._file.fileno(), min(_BLOCK, self.size - start), start)

    def close(self) -> None:
        """Deletes the file and frees the place; harmless if repeated."""
        with self._lock:
            is_open = not self._file.closed
            self._file.close()
        if is_open:
            self._places.release()


class Outlet:
    """A destination for a large body, which is sent while it is made: the server sends the content of the buffer.

    The body may then be cut, so use this only for connections on which the client notices a cut (not HTTP/1.0).
    """

    def __init__(self) -> None:
        self.buffer: SendBuffer | None = None


class StreamedBody:
    """The pieces of a large body, for the buffer of an outlet. Closing it ends the making of them."""

    def __init__(self, pieces: Iterable[bytes], end: Callable[[], None]) -> None:
        self._pieces = pieces
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        """Ends the making of pieces."""
        self._end()


def _write_file(pieces: Iterable[bytes], limit: int) -> tuple[IO[bytes], int]:
    file = tempfile.TemporaryFile(prefix="citygraph-")  # noqa: SIM115 - it is closed after sending
    size, start = 0, time.monotonic()
    try:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                elapsed = time.monotonic() - start
                raise LimitReached(f"the result has more than {limit} bytes", "size", limit, elapsed)
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size
