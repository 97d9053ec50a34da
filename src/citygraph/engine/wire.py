"""The wire protocol on the Unix sockets between web processes, the engine host and engine processes.

A frame is one byte for its kind, four for its length (big endian) and the payload. An engine sends HELLO when it has
accepted a connection. Then the client sends any number of ASK frames, one after the other. The engine responds to each
with WHOLE (a small result), or with BEGIN, DATA…, END, or at any point with FAIL. A response that ends without WHOLE,
END or FAIL was truncated.
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
NOTE = b"n"  # a request to a host, supervisor or writer, or the response to it

_HEAD = struct.Struct(">cI")
_WHOLE = struct.Struct(">Q8s")
_END = struct.Struct(">QQ")
_PIECE = 256 * 1024
# No frame that is sent is longer. A greater length comes from data that are not a frame, and must not be buffered.
_LONGEST = 256 * 1024 * 1024


class ConnectionLost(Exception):
    """An error for a peer that is gone. It is not an OSError, so that pyoxigraph's writers propagate it unchanged."""


class Channel:
    """A framed connection on a socket, for one thread at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._received = bytearray()

    def send(self, *frames: bytes) -> None:
        """Sends complete frames. Raises ConnectionLost."""
        try:
            # Joined, so that several frames cost one system call.
            self.socket.sendall(b"".join(frames))
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def receive(self, timeout: float | None) -> tuple[bytes, bytes]:
        """Returns the next frame's kind and payload. Raises TimeoutError, ConnectionLost."""
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
        """Closes the socket."""
        self.socket.close()

    def _fill(self, size: int, timeout: float | None) -> None:
        """Receives until `size` bytes are buffered."""
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
                # A frame may arrive in many pieces, and the timeout is for all of them together. At least a millisecond
                # is left, because zero would make the socket non-blocking.
                self.socket.settimeout(max(0.001, deadline - time.monotonic()))


def is_readable(waiting: socket.socket | IO[bytes]) -> bool:
    """Returns whether a read would not block: a listener has a connection, or a connection has data or was closed."""
    # Not select(), which fails for descriptors over 1023.
    poll = select.poll()
    poll.register(waiting, select.POLLIN)
    return bool(poll.poll(0))


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Returns a frame as bytes."""
    return _HEAD.pack(kind, len(payload)) + payload


def frame_of(kind: bytes, values: dict[str, Any]) -> bytes:
    """Returns a frame whose payload is a JSON object."""
    return frame(kind, json.dumps(values).encode())


def whole(rows: int, format_name: str, body: bytes) -> bytes:
    """Returns the frame of a small result."""
    return _HEAD.pack(WHOLE, _WHOLE.size + len(body)) + _WHOLE.pack(rows, format_name.encode()) + body


def read_whole(payload: bytes) -> tuple[int, str, bytes]:
    """Returns the number of rows, the format's name and the result from a WHOLE payload."""
    rows, name = _WHOLE.unpack_from(payload)
    return rows, name.rstrip(b"\0").decode(), payload[_WHOLE.size :]


def end(rows: int, size: int) -> bytes:
    """Returns the frame that ends a large result."""
    return frame(END, _END.pack(rows, size))


def read_end(payload: bytes) -> tuple[int, int]:
    """Returns the number of rows and bytes of the result from an END payload."""
    rows, size = _END.unpack(payload)
    return rows, size


def connect(path: str, timeout: float) -> Channel:
    """Returns a channel to a listening socket. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    return Channel(connection)


def consult(path: str, request: dict[str, Any], timeout: float = 2.0) -> dict[str, Any]:
    """Sends one request to a host or supervisor and returns the response.

    Raises OSError (TimeoutError after `timeout` seconds among them), ConnectionLost.
    """
    channel = connect(path, timeout)
    try:
        channel.send(frame_of(NOTE, request))
        response: dict[str, Any] = json.loads(channel.receive(timeout)[1])
    finally:
        channel.close()
    return response


def query_to_wire(query: Query) -> dict[str, Any]:
    """Returns a query as a JSON object, without its secret name."""
    return {
        "text": query.text,
        "default_graphs": query.default_graphs,
        "named_graphs": query.named_graphs,
        "formats": query.formats,
        "base": query.base,
    }


def query_from_wire(values: dict[str, Any]) -> Query:
    """Returns the query from its JSON object."""
    return Query(
        text=values["text"],
        default_graphs=tuple(values["default_graphs"]),
        named_graphs=tuple(values["named_graphs"]),
        formats=tuple(values["formats"]),
        base=values["base"],
    )


def error_to_wire(error: CitygraphError) -> dict[str, Any]:
    """Returns an error as a JSON object: its class, its message and its attributes."""
    return {"error": type(error).__name__, "message": str(error), "fields": vars(error)}


def error_from_wire(values: dict[str, Any]) -> CitygraphError:
    """Returns the error from its JSON object."""
    kind = getattr(errors, values["error"], EngineFailed)
    # JSON has no tuples, so that each list in the fields was a tuple.
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in values["fields"].items()}
    error: CitygraphError = kind(values["message"], **fields)
    return error
