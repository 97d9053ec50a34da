"""A connection of the HTTP server: uvicorn's, with limits on the size of heads, and on slow sending and reading."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from citygraph.server.accepting import ConnectionNumber
from citygraph.shared_counts import SharedCounts

# Seconds for the head of a request, and for its body, which has one more for each so many bytes.
_HEAD_SECONDS = 10.0
_BODY_SECONDS, _BODY_RATE = 20.0, 500
# Seconds within which a client that has not taken all of a response must take more of it.
_READING_SECONDS = 60.0
_SWEEP_SECONDS = 1.0
# Bytes of a head: request line and headers. An address may have a query in it.
_LONGEST_HEAD = 256 * 1024
_MOST_HEADERS = 100
# So much of a body that the application does not read is received, for the client to read the response first.
_MOST_DROPPED = 1024 * 1024
_TOO_LONG = b"The address and the headers have more than %d bytes." % _LONGEST_HEAD
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
_REFUSAL = _REFUSAL % len(_TOO_LONG) + b"connection: close\r\n\r\n" + _TOO_LONG
_ENCODING = (
    "In an address, characters beyond ASCII are percent-encoded, as in %C4%B0. curl does so with --data-urlencode."
)
# Parts of a request.
_NONE, _HEAD, _BODY = range(3)


class Connections:
    """The connections of a process. Those whose client must send or read something are checked each second."""

    def __init__(self, most: int, counts: SharedCounts, number: ConnectionNumber) -> None:
        self._most = most
        self._counts = counts  # of open connections, for the metrics
        self._number = number  # of open connections, for the other processes
        self._sending: dict[HttpConnection, float] = {}  # with the time since which the client sends
        self._reading: dict[HttpConnection, tuple[float, int]] = {}  # with a time, and the bytes left then
        self._idle: dict[HttpConnection, None] = {}  # the longest idle connection first
        self._is_checking = False

    def open(self, connection: HttpConnection, number: int) -> None:
        """Adds a new connection. If there are more than `number`, the connection that is idle longest is closed."""
        self._counts.add(0)
        self.sends(connection)
        if number > self._most:
            victim = next(iter(self._idle), None) or next(iter(self._sending))
            victim.transport.abort()

    def close(self, connection: HttpConnection) -> None:
        """Removes a connection."""
        self._counts.add(0, -1)
        self._number.add(-1)
        self._sending.pop(connection, None)
        self._reading.pop(connection, None)
        self._idle.pop(connection, None)

    def sends(self, connection: HttpConnection) -> None:
        """Notes that the client has to send something, if it is not noted already."""
        self._sending.setdefault(connection, time.monotonic())
        self._check_later(connection.loop)

    def sends_body(self, connection: HttpConnection) -> None:
        """Notes that the client has sent a head, so that the time for the body begins."""
        if connection in self._sending:
            self._sending[connection] = time.monotonic()

    def has_sent(self, connection: HttpConnection) -> None:
        """Notes that the client has nothing to send."""
        self._sending.pop(connection, None)

    def reads(self, connection: HttpConnection) -> None:
        """Starts the time limit for the client to read the rest of the sent data."""
        self._reading[connection] = time.monotonic(), connection.unread
        self._check_later(connection.loop)

    def has_read(self, connection: HttpConnection) -> None:
        """Notes that the client has read nearly all."""
        self._reading.pop(connection, None)

    def rests(self, connection: HttpConnection) -> None:
        """Notes that no request of the connection is under way."""
        self._idle[connection] = None

    def works(self, connection: HttpConnection) -> None:
        """Notes that a request of the connection is under way."""
        self._idle.pop(connection, None)

    def _check_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_checking:
            self._is_checking = True
            loop.call_later(_SWEEP_SECONDS, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        late = [connection for connection, since in self._sending.items() if connection.is_late(now - since)]
        for connection, (since, unread) in self._reading.items():
            if connection.unread < unread:
                self._reading[connection] = now, connection.unread
            elif now - since > _READING_SECONDS:
                late.append(connection)
        for connection in late:
            connection.transport.abort()
        self._is_checking = False
        if self._sending or self._reading:
            self._check_later(loop)


class HttpConnection(HttpToolsProtocol):
    """A connection to a client. `on_lost` is called if it is lost."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.on_lost: Callable[[], None] | None = None
        self._open_connections = connections
        self._answered: RequestResponseCycle | None = None
        self._is_answering = False
        self._part = _NONE
        self._received = 0  # bytes of this part, at least

    @property
    def unread(self) -> int:
        """The bytes that wait for the client to read them."""
        return self.transport.get_write_buffer_size()

    def is_late(self, seconds: float) -> bool:
        """Returns whether the client has sent less in this time than it should."""
        if self._part == _BODY:
            # A pause in reading is not the client's fault.
            return not self.flow.read_paused and seconds > _BODY_SECONDS + self._received / _BODY_RATE
        return seconds > _HEAD_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins the connection."""
        super().connection_made(transport)
        self._open_connections.open(self, len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the connection."""
        self._open_connections.close(self)
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Reads a piece of a request, or several requests."""
        self._received += len(data)
        super().data_received(data)
        if self._part == _HEAD and self._received > _LONGEST_HEAD:
            self.transport.write(_REFUSAL)
            self.transport.close()
        elif self._part == _BODY and self._is_answered() and self._received > _MOST_DROPPED:
            self.transport.close()
        if self._part != _NONE or self._is_waiting():
            self._open_connections.sends(self)
        else:
            self._open_connections.has_sent(self)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP. Most often it is an address with letters that are not encoded."""
        super().send_400_response(f"{msg} {_ENCODING}\n")

    def _is_answered(self) -> bool:
        """Returns whether the request has its response. One with a malformed head is refused before it begins."""
        return self.cycle is not None and self.cycle.response_complete

    def _is_waiting(self) -> bool:
        """Returns whether neither a request is under way nor the time limit of idle connections runs."""
        is_working = self.cycle is not None and not self.cycle.response_complete
        return not is_working and self.timeout_keep_alive_task is None

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._part = _HEAD
        self._open_connections.works(self)
        # It may follow another request at once.
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self.scope["state"] = {"connection": self}

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Starts to serve a request, which is completed here if it is quick."""
        if self._is_answering:
            # The response to a pipelined request starts the next request: many would fill the stack.
            self.loop.call_soon(self._start_asgi_task, cycle, app)
            return
        # With requests in a pipeline, `cycle` is the last one.
        self._answered = cycle
        self._is_answering = True
        try:
            if cycle.scope["method"] == "GET" and app.answer_quickly(cycle.scope):
                return
        finally:
            self._is_answering = False
        super()._start_asgi_task(cycle, app)

    def send_whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Sends a response in one piece, which costs one system call. The headers have its length, if it needs one."""
        cycle = self._answered
        if cycle is None or self.transport.is_closing():
            return
        # Encoded together, because that takes half as long.
        head = "".join([f"{name.lower()}: {value}\r\n" for name, value in headers]).encode("latin-1")
        if head.count(b"\n") != len(headers) or b"\0" in head:
            raise ValueError("a header has a line break")
        defaults = [b"%b: %b\r\n" % header for header in cycle.default_headers]
        end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], *defaults, head, end, body)))
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def on_headers_complete(self) -> None:
        """Starts the request."""
        if len(self.headers) > _MOST_HEADERS:
            # The parser passes it on as an error of the request.
            raise ValueError("too many headers")
        self._part, self._received = _BODY, 0
        self._open_connections.sends_body(self)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends the request."""
        self._part, self._received = _NONE, 0
        super().on_message_complete()
        if self.cycle.response_complete:
            self._open_connections.rests(self)

    def on_response_complete(self) -> None:
        """Ends the response, after which the connection may be idle."""
        self.on_lost = None
        super().on_response_complete()
        if not self.pipeline and self._part == _NONE:
            self._open_connections.rests(self)

    def pause_writing(self) -> None:
        """Stops sending, because the client reads more slowly."""
        super().pause_writing()
        self._open_connections.reads(self)

    def resume_writing(self) -> None:
        """Continues sending."""
        super().resume_writing()
        self._open_connections.has_read(self)
