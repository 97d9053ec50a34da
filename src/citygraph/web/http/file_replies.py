"""Replies with files and other bytes: whole, or the part that a Range header selects (RFC 9110, 14)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from citygraph.errors import Busy, PreconditionFailed, RangeNotSatisfiable
from citygraph.settings import Settings
from citygraph.web.http.bodies import Places
from citygraph.web.http.messages import Reply, Request, coded_tag, has_strong_tag, http_date, is_unmodified, read_date

_BLOCK = 256 * 1024
# A part of this size waits in memory for a slow client, as a page does.
_SMALL = 1024 * 1024
_RANGES = re.compile(r"bytes=[ \t]*(.+)", re.IGNORECASE)
_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})", re.ASCII)
# Merging the ranges of a header costs more with each, and no reader needs many.
_MOST_RANGES = 100

_OF_A_REPRESENTATION = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED)

# The first byte of a part, and the one after its last.
Part = tuple[int, int]


def partial(request: Request, reply: Reply) -> Reply:
    """Returns the part of a reply that a Range header selects, or the reply itself. Raises RangeNotSatisfiable.

    A reply that is sent in pieces, or that has no validator, stays whole.
    """
    tag = reply.header("ETag")
    if reply.status != HTTPStatus.OK or not isinstance(reply.body, bytes) or not tag:
        return reply
    size = len(reply.body)
    part = _part(request, size, tag, reply.header("Last-Modified"))
    if part is None:
        return reply
    headers = [*reply.headers, ("Content-Range", f"bytes {part[0]}-{part[1] - 1}/{size}")]
    return Reply(HTTPStatus.PARTIAL_CONTENT, headers, reply.body[part[0] : part[1]])


def check_unchanged(request: Request, reply: Reply) -> None:
    """Raises PreconditionFailed if If-Match or If-Unmodified-Since names another version (RFC 9110, 13.1.1, 13.1.4)."""
    if request.method not in ("GET", "HEAD") or reply.status not in _OF_A_REPRESENTATION:
        return
    tags, since = request.header("If-Match").strip(), request.header("If-Unmodified-Since")
    if tags:
        has_changed = tags != "*" and not has_strong_tag(tags, reply.header("ETag"))
    else:
        has_changed = bool(since) and _is_later(reply.header("Last-Modified"), since)
    if has_changed:
        reply.close()
        raise PreconditionFailed(f"the content has changed: its ETag is {reply.header('ETag') or 'none'}")


def _is_later(changed: str, since: str) -> bool:
    """Returns whether one time in a header is after another; a time that is missing or malformed is not."""
    moment, limit = read_date(changed), read_date(since)
    return moment is not None and limit is not None and moment > limit


class FileSender:
    """Sends files to the clients of a web process: small parts at once, large ones by few threads."""

    def __init__(self, settings: Settings) -> None:
        self._places = Places(settings)

    def reply(
        self,
        request: Request,
        path: Path,
        headers: list[tuple[str, str]],
        tag: str = "",
        changed: datetime | None = None,
        coding: str | None = None,
    ) -> Reply:
        """Returns a file with these headers, or the part that the request selects, or 304 if the client has it.

        Tag and time of the last change are those of the file itself, unless they are given.

        Raises RangeNotSatisfiable, Busy if too many large files are being sent.
        """
        state = path.stat()
        tag = tag or f"{state.st_mtime_ns:x}-{state.st_size:x}"
        changed = changed or datetime.fromtimestamp(int(state.st_mtime), UTC)
        quoted = coded_tag(tag, coding)
        headers = [*headers, ("ETag", quoted), ("Last-Modified", http_date(changed)), ("Accept-Ranges", "bytes")]
        if is_unmodified(request, tag, changed):
            return Reply(304, headers)
        part = _part(request, state.st_size, quoted, http_date(changed))
        status = HTTPStatus.OK
        if part is None:
            part = 0, state.st_size
        else:
            status = HTTPStatus.PARTIAL_CONTENT
            headers.append(("Content-Range", f"bytes {part[0]}-{part[1] - 1}/{state.st_size}"))
        if part[1] - part[0] <= _SMALL:
            return Reply(status, headers, _read(path, part))
        headers.append(("Content-Length", str(part[1] - part[0])))
        return Reply(status, headers, iter(()) if request.method == "HEAD" else self._body(request, path, part))

    def _body(self, request: Request, path: Path, part: Part) -> FileBody:
        """Returns the body of a large part. Raises Busy."""
        for_one = Busy("too many large files are being sent to you", retry_after=5, yours=True)
        for_all = Busy("too many large files are being sent", retry_after=5)
        free = self._places.take(request.environ, for_one, for_all)
        try:
            file = path.open("rb")
        except OSError:
            free()
            raise
        file.seek(part[0])
        return FileBody(file, part[1] - part[0], free)


class FileBody:
    """The next bytes of an open file: to be iterated once, and closed, which calls `free`."""

    def __init__(self, file: BinaryIO, size: int, free: Callable[[], None]) -> None:
        self._file = file
        self._left = size
        self._free = free

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (block := self._file.read(min(self._left, _BLOCK))):
            self._left -= len(block)
            yield block

    def close(self) -> None:
        """Closes the file and frees its place; harmless if repeated."""
        if not self._file.closed:
            self._file.close()
            self._free()

    def __del__(self) -> None:
        # A place that is not freed is lost until the server restarts.
        self.close()


def _read(path: Path, part: Part) -> bytes:
    with path.open("rb") as file:
        file.seek(part[0])
        return file.read(part[1] - part[0])


def _part(request: Request, size: int, tag: str, changed: str) -> Part | None:
    """Returns the part of a file that a request selects, or None for the whole file. Raises RangeNotSatisfiable."""
    # Range has a meaning for GET only (14.2), and after a change only the whole file is of use (13.1.5).
    if request.method != "GET" or request.header("If-Range") not in ("", tag, changed):
        return None
    ranges = _ranges(request.header("Range"), size)
    # A header that cannot be read is ignored, and an empty file has no part that Content-Range could name.
    if ranges is None or not size:
        return None
    if not ranges:
        raise RangeNotSatisfiable(f"none of the ranges is in the file, which has {size} bytes", size)
    merged = _merged(ranges)
    # A server may ignore a Range header (14.2): several parts are answered with the whole file, not with multipart.
    return merged[0] if len(merged) == 1 else None


def _ranges(header: str, size: int) -> list[Part] | None:
    """Returns the satisfiable ranges of a header, or None if it has none that can be read (14.1.1, 14.1.2)."""
    match = _RANGES.fullmatch(header.strip())
    texts = [text.strip() for text in match[1].split(",")] if match else []
    ranges = []
    for text in texts:
        if not text:
            continue
        read = _RANGE.fullmatch(text)
        if read is None or text == "-" or len(texts) > _MOST_RANGES:
            return None
        first, last = read.groups()
        if first and last and int(last) < int(first):
            return None
        # A suffix that is longer than the file selects all of it.
        start = int(first) if first else max(size - int(last), 0)
        end = min(int(last) + 1, size) if first and last else size
        if start < end:
            ranges.append((start, end))
    return ranges if any(texts) else None


def _merged(ranges: list[Part]) -> list[Part]:
    """Returns the ranges in order, those that touch each other as one."""
    merged: list[Part] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged
