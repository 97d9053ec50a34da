"""A connection of the HTTP server: uvicorn's, with limits on the size of heads, and on slow sending and reading."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from citygraph.server.accepting import ConnectionNumber
from citygraph.shared_counts import SharedCounts
from citygraph.web.http.messages import Reply

log = logging.getLogger(__name__)

# Seconds for the head of a request, and for its body, which has one more for each so many bytes.
_HEAD_SECONDS = 10.0
_BODY_SECONDS, _BODY_RATE = 20.0, 500
# Seconds within which a client that has not taken all of a response must take more of it.
_READING_SECONDS = 60.0
# Longer than proxies keep theirs (nginx: 60 s), which else would send a request into a closing connection.
_IDLE_SECONDS = 75.0
_SWEEP_SECONDS = 1.0
# A client that sends no more may have closed the connection or wait for a response, which look alike. Only one that
# has closed it refuses what is sent. So work for it ends when nothing was sent for such a time.
_SILENT_SECONDS = 0.4
# Bytes of a head: request line and headers. An address may have a query in it.
_LONGEST_HEAD = 256 * 1024
_MOST_HEADERS = 100
# Of requests that arrive together, so many are completed at once: other clients wait meanwhile.
_MOST_AT_ONCE = 8
# So much of a body that the application does not read is received, for the client to read the response first.
_MOST_DROPPED = 1024 * 1024
_TOO_LONG = b"The address and the headers have more than %d bytes." % _LONGEST_HEAD
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
_REFUSAL = _REFUSAL % len(_TOO_LONG) + b"connection: close\r\n\r\n" + _TOO_LONG
_ENCODING = (
    "In an address, characters beyond ASCII are percent-encoded, as in %C4%B0. curl does so with --data-urlencode."
)
_FAILURE = b"Internal Server Error"
_FAILURE_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_FAILURE)))]
# Parts of a request.
_NONE, _HEAD, _BODY = range(3)


class Connections:
    """The connections of a process. Those that are idle, or whose client must send or read, are checked each second."""

    def __init__(self, most: int, counts: SharedCounts, number: ConnectionNumber) -> None:
        self._most = most
        self._counts = counts  # of open connections, for the metrics
        self._number = number  # of open connections, for the other processes
        self._sending: dict[HttpConnection, float] = {}  # with the time since which the client sends
        self._reading: dict[HttpConnection, tuple[float, int]] = {}  # with a time, and the bytes left then
        self._idle: dict[HttpConnection, float] = {}  # with the time since which it is idle, the longest first
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
        """Starts the time limit for the client to read the rest of the sent data, if there is any."""
        if connection.unread:
            self._reading[connection] = time.monotonic(), connection.unread
            self._check_later(connection.loop)

    def has_read(self, connection: HttpConnection) -> None:
        """Notes that the client has read nearly all. The rest has the same limit if nothing more will be sent."""
        self._reading.pop(connection, None)
        if connection in self._idle or connection.transport.is_closing():
            self.reads(connection)

    def rests(self, connection: HttpConnection) -> None:
        """Notes that no request of the connection is under way, though its client may still read a response."""
        self._idle[connection] = time.monotonic()
        self.reads(connection)
        self._check_later(connection.loop)

    def works(self, connection: HttpConnection) -> None:
        """Notes that a request of the connection is under way."""
        self._idle.pop(connection, None)
        # What is sent next would look as if the client read nothing.
        if not connection.flow.write_paused:
            self._reading.pop(connection, None)

    def _check_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._is_checking:
            self._is_checking = True
            loop.call_later(_SWEEP_SECONDS, self._check, loop)

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        late = [connection for connection, since in self._sending.items() if connection.is_late(now - since)]
        for connection, (since, unread) in list(self._reading.items()):
            if not connection.unread:
                self._has_read_all(connection, now)
            elif connection.unread < unread:
                self._reading[connection] = now, connection.unread
            elif now - since > _READING_SECONDS:
                late.append(connection)
        idle = takewhile(lambda one: now - self._idle[one] > _IDLE_SECONDS, self._idle)
        late.extend(one for one in idle if one not in self._reading)
        for connection in late:
            # Unlike close(), it does not wait for a client that leaves the end of a response unread.
            connection.transport.abort()
        self._is_checking = False
        if self._sending or self._reading or self._idle:
            self._check_later(loop)

    def _has_read_all(self, connection: HttpConnection, now: float) -> None:
        """Ends the time limit for reading. Only now the connection may be idle."""
        del self._reading[connection]
        if self._idle.pop(connection, None) is not None:
            self._idle[connection] = now


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
        self._part = _NONE
        self._received = 0  # bytes of this part, at least, or between two requests
        self._left_at_once = _MOST_AT_ONCE
        self._refusal = ""  # of what follows the requests under way
        self._wants_upgrade = False  # whether the last head wishes another protocol; CONNECT does not
        self.sent_pieces = 0  # of responses that tasks send

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
        self._left_at_once = _MOST_AT_ONCE
        self._parse(data)
        if self._part == _HEAD and self._received > _LONGEST_HEAD:
            self.transport.write(_REFUSAL)
            self.transport.close()
        elif self._part == _BODY and not self._is_working() and self._received > _MOST_DROPPED:
            self.transport.close()
        # After a request, line breaks are no part of the next one.
        if self._part != _NONE or (self._received and not self._is_working()):
            self._open_connections.sends(self)
        else:
            self._open_connections.has_sent(self)
        if self.transport.is_closing():
            self._open_connections.reads(self)

    def _parse(self, data: bytes) -> None:
        """Passes data to the parser, which stops after CONNECT and after the head of a request for another protocol."""
        # The next one last.
        pieces: list[bytes | memoryview] = [data]
        while pieces:
            piece = pieces.pop()
            try:
                self.parser.feed_data(piece)
            except HttpParserUpgrade as stop:
                pieces.append(memoryview(piece)[stop.args[0] :])
                # The parser stops after CONNECT too, to which the application has replied like to any other method.
                if self._wants_upgrade:
                    pieces.append(self._head_without_upgrade())
                    # With "close", or in HTTP/1.0, the old one would ignore the head that follows again.
                    self.parser = _new_parser(self)
            except HttpParserError:
                self.send_400_response("Invalid HTTP request received.")
                pieces.clear()

    def _head_without_upgrade(self) -> bytes:
        """Returns the head that was read without its wish for another protocol, which is ignored (RFC 9110, 7.8)."""
        # The parser expects no body after a head with the wish.
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += (b"%b: %b" % header for header in self.headers if header[0] != b"upgrade")
        return b"\r\n".join([*lines, b"", b""])

    def eof_received(self) -> bool:  # type: ignore[override]
        """Returns whether the connection stays open, for a client that sends no more and may wait for a response."""
        if not self._is_working() or self._part == _BODY:
            return False
        if not self._refusal:
            self.cycle.keep_alive = False
        self._part = _NONE
        self._open_connections.has_sent(self)
        self.loop.call_later(_SILENT_SECONDS, self._end_if_silent, self.sent_pieces)
        return True

    def _end_if_silent(self, sent_pieces: int) -> None:
        """Ends the connection if nothing was sent since the call with this number, and nothing waits to be sent."""
        if self.transport.is_closing():
            return
        if self.sent_pieces == sent_pieces and not self.unread:
            self.transport.abort()
        else:
            self.loop.call_later(_SILENT_SECONDS, self._end_if_silent, self.sent_pieces)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP, after the responses to earlier requests (RFC 9112, 9.3.2)."""
        if self._is_working() and self._part != _BODY:
            # The client has nothing more to send that would be read.
            self._refusal, self._part = msg, _NONE
        else:
            # Most often it is an address with letters that are not encoded.
            super().send_400_response(f"{msg} {_ENCODING}\n")
            self._open_connections.reads(self)

    def _is_working(self) -> bool:
        """Returns whether a request has no response yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._part = _HEAD
        self._open_connections.works(self)
        super().on_message_begin()
        self.scope["state"] = {"connection": self}

    def on_headers_complete(self) -> None:
        """Starts the request, or completes it if it is quick."""
        if len(self.headers) > _MOST_HEADERS:
            # The parser passes it on as an error of the request.
            raise ValueError("too many headers")
        self._wants_upgrade = self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"
        if self._wants_upgrade:
            return
        if not self._answer_quickly():
            super().on_headers_complete()
        self._part, self._received = _BODY, 0
        self._open_connections.sends_body(self)

    def _answer_quickly(self) -> bool:
        """Serves a request that needs no thread, without a task. Returns False for any other, which had no effects."""
        if self._is_working() or not self._left_at_once or self.parser.get_method() != b"GET":
            return False
        version = self.parser.get_http_version()
        keep_alive = version != "1.0" and self.parser.should_keep_alive()
        try:
            reply = self.app.quick_reply(self, version)
            if reply is None:
                return False
            self._write_whole(reply.status, reply.sent_headers(), reply.whole_body(), keep_alive)
        except Exception:
            # The parser would take it for an error of the request.
            log.exception("the reply to %r fails", self.url)
            self._write_whole(500, _FAILURE_HEADERS, _FAILURE, keep_alive=False)
        self._left_at_once -= 1
        # The request is complete, so that the connection has none.
        self.cycle = None  # type: ignore[assignment]
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Starts to serve a request in a task."""
        # With requests in a pipeline, `cycle` is the last one.
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def send_whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Sends the response of a task in one piece. The headers have its length, if it needs one."""
        cycle = self._answered
        if cycle is None:
            return
        self.sent_pieces += 1
        self._write_whole(status, headers, body, cycle.keep_alive)
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        cycle.on_response()

    def refuse_when_stopping(self, reply: Reply) -> bool:
        """Sends a reply and closes the connection. Returns False if a response has begun, which can only be cut."""
        cycle = self._answered
        if cycle is None or cycle.response_started:
            return False
        cycle.keep_alive = False
        body = b"" if cycle.scope["method"] == "HEAD" else reply.whole_body()
        self.send_whole(reply.status, reply.sent_headers(), body)
        return True

    def _write_whole(self, status: int, headers: list[tuple[str, str]], body: bytes, keep_alive: bool) -> None:
        """Writes a response in one piece, which costs one system call, unless the connection is being closed."""
        if self.transport.is_closing():
            return
        # Encoded together, because that takes half as long.
        head = "".join([f"{name.lower()}: {value}\r\n" for name, value in headers]).encode("latin-1")
        if head.count(b"\n") != len(headers) or b"\0" in head:
            raise ValueError("a header has a line break")
        defaults = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], *defaults, head, end, body)))
        if not keep_alive:
            self.transport.close()
            self._open_connections.reads(self)

    def on_message_complete(self) -> None:
        """Ends the request."""
        if self._wants_upgrade:
            # The request follows again without it.
            return
        self._part, self._received = _NONE, 0
        if self._is_working():
            super().on_message_complete()
        else:
            self._open_connections.rests(self)

    def on_response_complete(self) -> None:
        """Ends the response of a task, after which the next request starts or the connection may be idle."""
        self.on_lost = None
        if self.transport.is_closing():
            self._open_connections.reads(self)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal:
            self.send_400_response(self._refusal)
        elif self._part == _NONE:
            self._open_connections.rests(self)

    def pause_writing(self) -> None:
        """Stops sending, because the client reads more slowly."""
        super().pause_writing()
        self._open_connections.reads(self)

    def resume_writing(self) -> None:
        """Continues sending."""
        super().resume_writing()
        self._open_connections.has_read(self)


def _new_parser(connection: HttpConnection) -> HttpRequestParser:
    parser = HttpRequestParser(connection)
    # As uvicorn's parser: it ignores what follows a last request, which would be an error otherwise.
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser
