"""Frames on the Unix sockets between web processes, the engine host and engine processes.

A frame is one byte for its kind, four for its length (big endian) and the payload. An engine says HELLO when it has
taken a connection. Then, any number of times: the client sends ASK, and the engine answers with WHOLE, a small result,
or with BEGIN, DATA…, END, or at any point with FAIL. A reply without WHOLE, END or FAIL is a reply that was cut off.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from typing import IO, Any

from citygraph import errors
from citygraph.errors import CitygraphError, EngineFailed
from citygraph.sparql.protocol import Query

HELLO = b"h"
ASK = b"a"
WHOLE = b"w"  # rows, the format's name, and the result
BEGIN = b"b"  # the format's name
DATA = b"d"
END = b"e"  # rows, and bytes of the result
FAIL = b"f"
NOTE = b"n"  # a question to a host or a nursery, or its answer

_HEAD = struct.Struct(">cI")
_WHOLE = struct.Struct(">Q8s")
_END = struct.Struct(">QQ")
_PIECE = 256 * 1024
_LONGEST = 256 * 1024 * 1024


class ConnectionLost(Exception):
    """The other end is gone; not an OSError, so that it passes unchanged through pyoxigraph's writers."""


class Channel:
    """One connected socket that carries frames, for one thread at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = bytearray()

    def send(self, *frames: bytes) -> None:
        """Send whole frames. Raises ConnectionLost."""
        try:
            self.socket.sendall(b"".join(frames))
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def receive(self, timeout: float | None) -> tuple[bytes, bytes]:
        """The next frame's kind and payload. Raises TimeoutError, ConnectionLost."""
        received = self._received
        if len(received) < _HEAD.size:
            self._fill(_HEAD.size, timeout)
        kind, length = _HEAD.unpack_from(received)
        end = _HEAD.size + length
        if len(received) < end:
            if length > _LONGEST:
                raise ConnectionLost("not a frame")
            self._fill(end, timeout)
        payload = bytes(received[_HEAD.size : end])
        del received[:end]
        return kind, payload

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _fill(self, size: int, timeout: float | None) -> None:
        """Receive until `size` bytes are there."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self.socket.settimeout(timeout)
        while True:
            try:
                piece = self.socket.recv(_PIECE)
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            if not piece:
                raise ConnectionLost("closed by the other end")
            self._received += piece
            if len(self._received) >= size:
                return
            if deadline is not None:
                # A frame may come in drops: the time is for all of it.
                self.socket.settimeout(max(0.001, deadline - time.monotonic()))


def is_readable(waiting: socket.socket | IO[bytes]) -> bool:
    """Whether something has come: on a listener a connection, on a connection data or its end."""
    # Not select(), which takes no descriptor over 1023.
    poll = select.poll()
    poll.register(waiting, select.POLLIN)
    return bool(poll.poll(0))


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return _HEAD.pack(kind, len(payload)) + payload


def frame_of(kind: bytes, values: dict[str, Any]) -> bytes:
    """One frame whose payload is a JSON object."""
    return frame(kind, json.dumps(values).encode())


def whole(rows: int, format_name: str, body: bytes) -> bytes:
    """The frame of a small result."""
    return _HEAD.pack(WHOLE, _WHOLE.size + len(body)) + _WHOLE.pack(rows, format_name.encode()) + body


def read_whole(payload: bytes) -> tuple[int, str, bytes]:
    """Rows, the format's name and the result."""
    rows, name = _WHOLE.unpack_from(payload)
    return rows, name.rstrip(b"\0").decode(), payload[_WHOLE.size :]


def end(rows: int, size: int) -> bytes:
    """The frame that ends a large result."""
    return frame(END, _END.pack(rows, size))


def read_end(payload: bytes) -> tuple[int, int]:
    """Rows and bytes of the result."""
    rows, size = _END.unpack(payload)
    return rows, size


def connect(path: str, timeout: float) -> Channel:
    """A channel to a listening socket. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return Channel(connection)


def consult(path: str, question: dict[str, Any], timeout: float = 2.0) -> dict[str, Any]:
    """A host's or nursery's answer to one question. Raises OSError (TimeoutError among them), ConnectionLost."""
    channel = connect(path, timeout)
    try:
        channel.send(frame_of(NOTE, question))
        answer: dict[str, Any] = json.loads(channel.receive(timeout)[1])
    finally:
        channel.close()
    return answer


def query_to_wire(query: Query) -> dict[str, Any]:
    """The query as JSON can carry it."""
    return {
        "text": query.text,
        "default_graphs": query.default_graphs,
        "named_graphs": query.named_graphs,
        "formats": query.formats,
        "base": query.base,
    }


def query_from_wire(values: dict[str, Any]) -> Query:
    """The query that was sent."""
    return Query(
        text=values["text"],
        default_graphs=tuple(values["default_graphs"]),
        named_graphs=tuple(values["named_graphs"]),
        formats=tuple(values["formats"]),
        base=values["base"],
    )


def error_to_wire(error: CitygraphError) -> dict[str, Any]:
    """An error as JSON can carry it: its class, its message and what else it knows."""
    return {"error": type(error).__name__, "message": str(error), "fields": vars(error)}


def error_from_wire(values: dict[str, Any]) -> CitygraphError:
    """The error that was sent."""
    kind = getattr(errors, values["error"], EngineFailed)
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in values["fields"].items()}
    error: CitygraphError = kind(values["message"], **fields)
    return error
