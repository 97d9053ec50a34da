"""One kept-alive HTTP connection on a bare socket, so light that it measures the server and not itself."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from urllib.parse import quote_plus

JSON = "application/sparql-results+json"
_PIECE = 256 * 1024
_NO_BODY = frozenset({204, 304})


@dataclass(frozen=True)
class Endpoint:
    """Where a server takes queries."""

    port: int
    path: str
    host: str = "127.0.0.1"
    parameters: str = ""  # others than the query, each with an ampersand at its end

    def request(self, text: str, **headers: str) -> bytes:
        """The bytes of a GET request for a query's JSON result."""
        lines = [
            f"GET {self.path}?{self.parameters}query={quote_plus(text)} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
        ]
        lines += [f"Accept: {JSON}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def serial_request(self, text: str) -> tuple[bytes, bytes]:
        """Returns the bytes before and after a serial number in a comment at the end of the query.

        The number makes each text unique, so that no cache of results or of parsed queries is used.
        """
        head, _, tail = self.request(text + "\n#serial").partition(b"serial")
        return head, tail


@dataclass(frozen=True)
class Reply:
    """A response; `length` is the number of bytes of the body."""

    status: int
    head: bytes
    body: bytes
    length: int

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return ""


class Connection:
    """A connection that is opened when first needed, and again after the server has closed it."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._address = (endpoint.host, endpoint.port)
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._buffer = memoryview(bytearray(_PIECE))

    def ask(self, request: bytes, keep: bool = True) -> Reply:
        """Sends a request and reads the response to its end; without `keep` the body is only counted.

        Raises OSError when the server is silent for the timeout or the connection breaks.
        """
        if self._socket is None:
            self._socket = socket.create_connection(self._address, self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(request)
            return self._read(self._socket, keep)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _read(self, connection: socket.socket, keep: bool) -> Reply:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive(connection)
        head, rest = data[: end + 2], data[end + 4 :]
        folded = head.lower()
        status = int(head[9:12])
        if status in _NO_BODY:
            reply = Reply(status, head, b"", 0)
        elif (at := folded.find(b"\r\ncontent-length:")) >= 0:
            length = int(folded[at + 17 : folded.index(b"\r\n", at + 17)])
            reply = Reply(status, head, self._read_length(connection, rest, length, keep), length)
        else:
            body, length = self._read_chunks(connection, rest, keep)
            reply = Reply(status, head, body, length)
        if b"\r\nconnection: close" in folded:
            self.close()
        return reply

    def _read_length(self, connection: socket.socket, rest: bytes, length: int, keep: bool) -> bytes:
        pieces, got = [rest], len(rest)
        while got < length:
            piece = self._receive(connection)
            got += len(piece)
            if keep:
                pieces.append(piece)
        return b"".join(pieces) if keep else b""

    def _read_chunks(self, connection: socket.socket, rest: bytes, keep: bool) -> tuple[bytes, int]:
        """A body in chunks. JSON has no bare line end within, so the last chunk cannot be mistaken."""
        pieces, got, last = [rest], len(rest), rest[-7:]
        while not (last.endswith(b"\r\n0\r\n\r\n") or rest == b"0\r\n\r\n"):
            piece = self._receive(connection)
            rest = b""
            got += len(piece)
            last = (last + piece)[-7:]
            if keep:
                pieces.append(piece)
        return (_joined(b"".join(pieces)) if keep else b""), got

    def _receive(self, connection: socket.socket) -> bytes:
        count = connection.recv_into(self._buffer)
        if not count:
            raise ConnectionError("the server closed the connection within an answer")
        return bytes(self._buffer[:count])


def _joined(chunks: bytes) -> bytes:
    """The body that these chunks carry (RFC 9112, 7.1)."""
    body: list[bytes] = []
    at = 0
    while True:
        end = chunks.index(b"\r\n", at)
        size = int(chunks[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(body)
        body.append(chunks[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
