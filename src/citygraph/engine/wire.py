"""The wire protocol on the Unix sockets between web processes, the engine host and engine processes.

A frame is one byte for its kind, four for its length (big endian) and the payload. An engine sends HELLO when it has
accepted a connection. Then the client sends QUERY or PLAIN_QUERY frames, one after the other. The engine responds to
each with WHOLE (a small result), or with BEGIN, DATA…, END, or at any point with FAIL. A response that ends without
WHOLE, END or FAIL was truncated.
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
QUERY = b"q"
PLAIN_QUERY = b"p"  # a query that the counting store must not answer
ASK = b"a"  # a change or a batch of changes for the writer
WHOLE = b"w"  # rows, the format's name, and the result
BEGIN = b"b"  # the format's name
DATA = b"d"
END = b"e"  # rows, and bytes of the result
FAIL = b"f"
NOTE = b"n"  # a request to a host, supervisor or writer, or the response to it

_HEAD = struct.Struct(">cI")
_WHOLE = struct.Struct(">Q8s")
_END = struct.Struct(">QQ")
_QUERY = struct.Struct(">d8I")  # the client's time limit, and the lengths of the parts of a query
_TIMEOUT = struct.Struct("@ll")  # seconds and microseconds (socket(7), SO_RCVTIMEO)
# A DATA frame of an engine and its head.
_PIECE = 64 * 1024 + 64
# A peer that reads nothing for this time is lost.
_SENDING = 30.0  # seconds
_ATTEMPTS = 3
# No frame that is sent is longer. A greater length comes from data that are not a frame, and must not be buffered.
_LONGEST = 256 * 1024 * 1024


class ConnectionLost(Exception):
    """An error for a peer that is gone. It is not an OSError, so that pyoxigraph's writers propagate it unchanged."""


class Channel:
    """A framed connection on a socket, for one thread at a time; a send takes at most `sending` seconds.

    The kernel measures the timeouts: Python's own would cost a system call before each send and receive, and two more
    for each change.
    """

    def __init__(self, connection: socket.socket, sending: float = _SENDING) -> None:
        self.socket = connection
        self._received = bytearray()
        self._timeout: float | None = None
        connection.setblocking(True)
        self._set_timeout(socket.SO_SNDTIMEO, sending)

    def send(self, *frames: bytes) -> None:
        """Sends complete frames. Raises ConnectionLost."""
        try:
            # Joined, so that several frames cost one system call.
            self.socket.sendall(frames[0] if len(frames) == 1 else b"".join(frames))
        except OSError as error:
            raise ConnectionLost(str(error)) from error

    def receive(self, timeout: float) -> tuple[bytes, bytes]:
        """Returns the next frame's kind and payload. Raises TimeoutError, ConnectionLost.

        A timeout costs a system call if it is not the same as before.
        """
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

    def has_more(self, timeout: float) -> bool:
        """Returns whether a part of a frame, or the end of the connection, arrives within `timeout` seconds."""
        return bool(self._received) or is_readable(self.socket, timeout)

    def close(self) -> None:
        """Closes the socket."""
        self.socket.close()

    def _fill(self, size: int, timeout: float) -> None:
        """Receives until `size` bytes are buffered."""
        deadline = time.monotonic() + timeout
        while True:
            if timeout != self._timeout:
                self._set_timeout(socket.SO_RCVTIMEO, timeout)
                self._timeout = timeout
            try:
                piece = self.socket.recv(_PIECE)
            except BlockingIOError:
                raise TimeoutError(f"nothing arrived within {timeout:g} s") from None
            except OSError as error:
                raise ConnectionLost(str(error)) from error
            if not piece:
                raise ConnectionLost("closed by the other end")
            self._received += piece
            if len(self._received) >= size:
                return
            # A frame may arrive in many pieces, and the timeout is for all of them together.
            timeout = deadline - time.monotonic()

    def _set_timeout(self, option: int, seconds: float) -> None:
        # At least a millisecond, because zero would be no timeout.
        whole, fraction = divmod(max(0.001, seconds), 1)
        self.socket.setsockopt(socket.SOL_SOCKET, option, _TIMEOUT.pack(int(whole), int(fraction * 1_000_000)))


def is_readable(waiting: socket.socket | IO[bytes], timeout: float = 0.0) -> bool:
    """Returns whether a read would not block: a listener has a connection, or a connection has data or was closed."""
    # Not select(), which fails for descriptors over 1023.
    poll = select.poll()
    poll.register(waiting, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


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
    channel = _asked(path, frame_of(NOTE, request), timeout)
    try:
        response: dict[str, Any] = json.loads(channel.receive(timeout)[1])
    finally:
        channel.close()
    return response


def _asked(path: str, request: bytes, timeout: float) -> Channel:
    """Returns a connection over which a request was sent. Raises OSError, ConnectionLost.

    The receiver waits only briefly, and this process may get no processor for longer. The request is then sent again,
    because it was not read.
    """
    for attempt in range(_ATTEMPTS):
        channel = connect(path, timeout)
        try:
            channel.send(request)
        except ConnectionLost:
            channel.close()
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    return channel


def query_frame(query: Query, query_id: str, client: str, kind: bytes = QUERY) -> bytes:
    """Returns the frame of a query, without its secret name. Lengths come first, so that no text can end a part."""
    parts = (
        query_id.encode(),
        client.encode("utf-8", "surrogatepass"),
        query.text.encode("utf-8", "surrogatepass"),
        query.base.encode("utf-8", "surrogatepass"),
        # No line break is in an IRI or in the name of a format.
        "\n".join(query.formats).encode(),
        "\n".join(query.default_graphs).encode("utf-8", "surrogatepass"),
        "\n".join(query.named_graphs).encode("utf-8", "surrogatepass"),
        json.dumps(query.about).encode() if query.about else b"",
    )
    return frame(kind, _QUERY.pack(query.time_limit, *map(len, parts)) + b"".join(parts))


def read_query(payload: bytes) -> tuple[Query, str, str]:
    """Returns a query, its id and its client from the payload of a query frame."""
    at = _QUERY.size
    texts = []
    time_limit, *lengths = _QUERY.unpack_from(payload)
    for length in lengths:
        texts.append(payload[at : at + length].decode("utf-8", "surrogatepass"))
        at += length
    query_id, client, text, base, *lists, about = texts
    formats, default_graphs, named_graphs = (tuple(names.split("\n")) if names else () for names in lists)
    described = tuple((name, value) for name, value in json.loads(about)) if about else ()
    query = Query(text, default_graphs, named_graphs, formats, base, time_limit=time_limit, about=described)
    return query, query_id, client


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
