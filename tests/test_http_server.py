"""The HTTP server by itself, over a small application: connections, bodies, responses in pieces, clients that leave."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from citygraph.engine.client_watch import current_watch
from citygraph.errors import LimitReached
from citygraph.server import http_connection, web_processes
from citygraph.server.accepting import Acceptor, ConnectionNumber, ConnectionNumbers
from citygraph.server.http_connection import HttpConnection
from citygraph.server.web_processes import http_server, listeners
from citygraph.settings import Settings
from citygraph.web.http.bodies import SendBuffer, StreamedBody
from citygraph.web.http.messages import OUTLET, Reply
from tests.running import PATIENCE, wait_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
LARGE = 4_000_000
LAST_CHUNK = b"\r\n0\r\n\r\n"


class Application:
    """Answers by the path; events are set by what happens."""

    def __init__(self) -> None:
        self.events = {name: threading.Event() for name in ("begun", "left", "go", "ended")}
        self.places = threading.BoundedSemaphore(1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/pieces":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return self.pieces(environ["QUERY_STRING"])
        if path == "/buffered":
            return self.buffered(environ, start_response)
        text: bytes = getattr(self, path[1:])(environ)
        start_response("200 OK", [("Content-Length", str(len(text)))])
        return (text,)

    def buffered(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[OUTLET].buffer = SendBuffer(self.places, 10**8)
        self.places.acquire()
        start_response("200 OK", [])
        return StreamedBody(self.large(environ["QUERY_STRING"]), self.events["ended"].set)

    def large(self, query: str) -> Iterator[bytes]:
        yield b"first"
        self.events["begun"].set()
        self.events["go"].wait(60)
        if query == "fails":
            raise LimitReached("too long", "time", 1, 1)
        for _ in range(200):
            yield b"x" * 100_000

    def pieces(self, query: str) -> Iterator[bytes]:
        yield b"first"
        if query == "fails":
            raise RuntimeError("the second piece is lost")
        while query == "endless":
            yield b"x" * 65536
        yield b"second"

    def quick(self, environ: WSGIEnvironment) -> bytes:
        return f"quick {environ['QUERY_STRING']}".encode()

    def body(self, environ: WSGIEnvironment) -> bytes:
        self.events["begun"].set()
        body: bytes = environ["wsgi.input"].read()
        return str(len(body)).encode()

    def unread(self, environ: WSGIEnvironment) -> bytes:
        return b"unread"

    def forwarded(self, environ: WSGIEnvironment) -> bytes:
        return str(environ.get("HTTP_X_FORWARDED_FOR")).encode()

    def slow(self, environ: WSGIEnvironment) -> bytes:
        watch = current_watch()
        assert watch is not None
        watch.add(self.events["left"].set)
        self.events["begun"].set()
        self.events["go"].wait(60)
        self.events["ended"].set()
        return b"slow"


@contextmanager
def answering(application: Application, **settings: int) -> Iterator[int]:
    """The port of a server in a thread of this process."""
    configured = Settings(port=0, workers=1, threads=1).with_changes(**settings)
    (listener,) = listeners(configured)
    with serving(application, listener, configured):
        yield listener.getsockname()[1]


@contextmanager
def serving(
    application: Application, listener: socket.socket, settings: Settings, number: ConnectionNumber | None = None
) -> Iterator[None]:
    """A server in a thread of this process."""
    server = http_server(settings, application, number)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield
    finally:
        for event in application.events.values():
            event.set()
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with answering(Application(), threads=4) as port:
        yield port


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def exchange(port: int, sent: bytes, number: int = 1) -> bytes:
    """What is received until so many responses are whole, or the server closes the connection."""
    with connected(port) as connection:
        connection.sendall(sent)
        return responses(connection, number)


def responses(connection: socket.socket, number: int = 1) -> bytes:
    received = b""
    while whole(received) < number and (piece := connection.recv(65536)):
        received += piece
    return received


def whole(received: bytes) -> int:
    """The number of responses that have arrived whole; none that ends with its connection is among them."""
    number = 0
    while b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        if length := re.search(rb"content-length: (\d+)", head):
            end = int(length[1])
        elif b"transfer-encoding: chunked" in head:
            end = rest.find(LAST_CHUNK) + len(LAST_CHUNK) if LAST_CHUNK in rest else len(rest) + 1
        else:
            end = len(rest) + 1 if b"connection: close" in head else 0
        if len(rest) < end:
            break
        number, received = number + 1, rest[end:]
    return number


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes the connection, perhaps by a reset."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


def test_pieces_are_sent_as_chunks(port: int) -> None:
    """A response without a length ends with an empty chunk."""
    received = exchange(port, GET % b"/pieces")
    assert b"transfer-encoding: chunked" in received
    assert received.endswith(b"5\r\nfirst\r\n6\r\nsecond" + LAST_CHUNK)


def test_a_response_that_fails_is_cut(port: int) -> None:
    """(16 §2) It is never ended as if it were complete: the connection closes without the last chunk."""
    with connected(port) as connection:
        connection.sendall(GET % b"/pieces?fails")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"first" in received
    assert LAST_CHUNK not in received


def test_a_client_of_http_1_0_gets_a_length(port: int) -> None:
    """It knows no chunks, and could not tell the end of a response from a cut."""
    received = exchange(port, b"GET /pieces HTTP/1.0\r\n\r\n")
    assert b"content-length: 11" in received
    assert b"chunked" not in received
    assert received.endswith(b"firstsecond")


def test_requests_in_a_pipeline_are_answered_in_order(port: int) -> None:
    """RFC 9112, 9.3.2."""
    received = exchange(port, b"".join(GET % b"/quick?%d" % number for number in range(5)), 5)
    assert [received.index(b"quick %d" % number) for number in range(5)] == sorted(
        received.index(b"quick %d" % number) for number in range(5)
    )


def test_wishes_for_another_protocol_are_ignored(port: int) -> None:
    """RFC 9110, 7.8. Nothing that follows in the same segment is lost: neither bodies nor requests."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
    chunked = POST.replace(b"Content-Length: %d\r\n", b"Transfer-Encoding: chunked\r\n") % b"/body"
    requests = (
        GET % b"/quick?1",
        POST % (b"/body", 3) + b"abc",
        chunked + b"5\r\nabcde\r\n0\r\n\r\n",
        GET % b"/quick?2",
    )
    received = exchange(port, b"".join(one.replace(b"Host: a\r\n", b"Host: a\r\n" + wish) for one in requests), 4)
    bodies = re.findall(rb"\r\n\r\n(quick \d|\d)", received)
    assert bodies == [b"quick 1", b"3", b"5", b"quick 2"]


@pytest.mark.parametrize(
    "head",
    [b"GET /quick?1 HTTP/1.0\r\nConnection: Upgrade\r\n", b"GET /quick?1 HTTP/1.1\r\nConnection: Upgrade, close\r\n"],
)
def test_a_last_request_may_wish_another_protocol(port: int, head: bytes) -> None:
    """RFC 9110, 7.8. It is answered, and nothing after it is."""
    received = exchange(port, head + b"Host: a\r\nUpgrade: h2c\r\n\r\n" + GET % b"/quick?2", 2)
    assert received.endswith(b"connection: close\r\n\r\nquick 1")


def test_connect_is_a_request_like_any_other(port: int) -> None:
    """The parser stops after it, but the application replies, and what follows is read."""
    received = exchange(port, b"CONNECT /body HTTP/1.1\r\nHost: a\r\n\r\n" + GET % b"/quick?2", 2)
    assert re.findall(rb"\r\n\r\n(quick \d|\d)", received) == [b"0", b"quick 2"]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_bodies_arrive_whole(port: int, size: int) -> None:
    """Small ones before a thread begins, large ones while it reads; by length or in chunks."""
    body = b"x" * size
    by_length = exchange(port, POST % (b"/body", size) + body)
    chunked = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    in_chunks = exchange(port, chunked + (b"%x\r\n%s\r\n" % (size, body) if size else b"") + b"0\r\n\r\n")
    assert by_length.endswith(b"\r\n\r\n%d" % size)
    assert in_chunks.endswith(b"\r\n\r\n%d" % size)


@pytest.mark.parametrize(("path", "is_asked"), [(b"/body", True), (b"/unread", False)])
def test_a_body_is_asked_for_if_it_is_read(port: int, path: bytes, is_asked: bool) -> None:
    """Expect: 100-continue: a refusal spares the client the sending."""
    head = b"POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n" % path
    with connected(port) as connection:
        connection.sendall(head)
        received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 100" if is_asked else b"HTTP/1.1 200")


def test_many_quick_requests_may_wait_behind_one_that_takes_a_thread() -> None:
    """(16 §1) In a pipeline, they are answered in order, however many they are."""
    number = 1000
    application = Quick()
    with answering(application) as port, connected(port) as connection:
        connection.sendall(GET % b"/slow")
        assert application.events["begun"].wait(PATIENCE)
        connection.sendall(GET % b"/quick?" * number)
        time.sleep(0.2)
        application.events["go"].set()
        received = responses(connection, number + 1)
    assert received.count(b"HTTP/1.1 200 OK") == number + 1
    assert received.index(b"slow") < received.index(b"quick")


@pytest.mark.parametrize("failing", [b"fails", b"breaks"])
def test_a_quick_reply_that_fails_is_an_error_of_the_server(failing: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """It is no error of the request, and the log has its cause."""
    with answering(Quick()) as port:
        received = exchange(port, GET % b"/quick?1" + GET % b"/quick?%s" % failing, 2)
        assert exchange(port, GET % b"/quick?2").endswith(b"quick 2")
    assert b"quick 1HTTP/1.1 500 Internal Server Error\r\n" in received
    assert [record.getMessage() for record in caplog.records] == [f"the reply to {b'/quick?' + failing!r} fails"]


@pytest.mark.parametrize("request_", [GET % b"/missing", POST % (b"/quick?fails", 1) + b"x"])
def test_a_reply_that_fails_in_a_task_is_logged(request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """In a thread, or on the event loop after the body has been received."""
    with answering(Quick()) as port:
        assert exchange(port, request_).startswith(b"HTTP/1.1 500")
    (record,) = caplog.records
    assert re.fullmatch("the reply to '/(missing|quick)' fails", record.getMessage())
    assert record.exc_info


def test_of_many_quick_requests_at_once_only_a_few_hold_up_other_clients() -> None:
    """The event loop serves nobody else meanwhile, so further ones are answered by threads."""
    application = Quick()
    with answering(application) as port:
        received = exchange(port, b"".join(GET % b"/quick?%d" % number for number in range(100, 200)), 100)
    assert re.findall(rb"quick (\d+)", received) == [b"%d" % number for number in range(100, 200)]
    assert threading.current_thread() not in application.threads
    assert len(application.threads) == 2


class Quick(Application):
    """An application that answers a path on the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[threading.Thread] = set()

    def quick(self, environ: WSGIEnvironment) -> bytes:
        self.threads.add(threading.current_thread())
        return super().quick(environ)

    def held(self, environ: WSGIEnvironment) -> bytes:
        return b"x" * LARGE

    def is_quick(self, environ: WSGIEnvironment, body: bytes) -> bool:
        return bool(environ["PATH_INFO"] == "/quick")

    def reply(self, environ: WSGIEnvironment) -> Reply:
        if environ["QUERY_STRING"] == "fails":
            raise OSError("the store is gone")
        if environ["QUERY_STRING"] == "large":
            return Reply(200, [("Content-Length", str(LARGE))], b"x" * LARGE)
        headers = [("X-Broken", "a\r\nb")] if environ["QUERY_STRING"] == "breaks" else []
        return Reply(200, headers, self.quick(environ))


def test_a_header_cannot_have_the_key_of_another(port: int) -> None:
    """X_Forwarded_For has the same key in WSGI as X-Forwarded-For, which proxies set."""
    head = b"GET /forwarded HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: forged\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    assert exchange(port, head).endswith(b"1.2.3.4")


@pytest.mark.parametrize(
    "sent", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"]
)
def test_what_is_not_http_is_refused(port: int, sent: bytes) -> None:
    """A wrong request line, and a length that is ambiguous."""
    assert exchange(port, sent).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "sent", [b"NONSENSE\r\n\r\n", b"GET http://: HTTP/1.1\r\n\r\n", GET[:-2] % b"/" + b"x: y\r\n" * 101 + b"\r\n"]
)
def test_what_follows_a_request_and_is_not_http_is_refused_after_the_response(sent: bytes) -> None:
    """(RFC 9112, 9.3.2) Its client would take the refusal for the response to the request."""
    application = Application()
    with answering(application) as port, connected(port) as connection:
        connection.sendall(GET % b"/slow" + sent)
        assert application.events["begun"].wait(PATIENCE)
        application.events["go"].set()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"400"]


def test_a_malformed_body_is_refused_at_once() -> None:
    """Its request would wait for the rest."""
    head = b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(Application()) as port:
        assert exchange(port, head + b"no length\r\n").startswith(b"HTTP/1.1 400")


def test_an_address_that_is_not_encoded_is_refused_with_advice(port: int) -> None:
    """As when somebody types a Turkish name into a command."""
    received = exchange(port, "GET /quick?İZMİR HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400")
    assert b"percent-encoded, as in %C4%B0" in received


def test_a_head_has_a_greatest_length(port: int) -> None:
    """An endless head does not fill the memory."""
    assert b"HTTP/1.1 431" in exchange(port, b"GET / HTTP/1.1\r\nX: " + b"x" * 263_000)


@pytest.mark.parametrize(
    ("sent", "then"),
    [(b"", b""), (b"GET / HT", b""), (b"\r\n", b""), (POST % (b"/body", 9) + b"x", b""), (GET % b"/quick", b"\r\n")],
)
def test_slow_senders_take_no_thread_and_are_disconnected(
    sent: bytes, then: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §3) With a single thread, others are answered meanwhile; nobody can send for ever."""
    with answering(Application()) as port:
        with connected(port) as slow:
            slow.sendall(sent)
            assert exchange(port, GET % b"/quick?").endswith(b"quick ")
        monkeypatch.setattr(http_connection, "_HEAD_SECONDS", 0.5)
        monkeypatch.setattr(http_connection, "_BODY_SECONDS", 0.5)
        with connected(port) as slow:
            # The time may be over before all is sent.
            with suppress(ConnectionError):
                slow.sendall(sent)
                if then:
                    responses(slow)
                    slow.sendall(then)
            assert is_closed(slow)


@pytest.mark.parametrize("path", [b"/quick", b"/forwarded"])
def test_a_connection_without_requests_is_closed_after_a_time(path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the event loop or a thread has answered the last one."""
    monkeypatch.setattr(http_connection, "_IDLE_SECONDS", 0.5)
    with answering(Quick()) as port, connected(port) as connection:
        connection.sendall(GET % path)
        assert responses(connection).startswith(b"HTTP/1.1 200")
        assert is_closed(connection)


# The last one is followed by what is no request.
@pytest.mark.parametrize("end", [b"", b"Connection: close\r\n", b"\r\nNONSENSE\r\n"])
@pytest.mark.parametrize("path", [b"/quick?large", b"/held"])
def test_a_client_that_leaves_a_response_unread_is_disconnected(
    path: bytes, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little is left, and also if the server would close the connection after it."""
    monkeypatch.setattr(http_connection, "_READING_SECONDS", 0.2)
    with unread_responses(monkeypatch) as (port, connections), connected(port) as connection:
        connection.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (path, end))
        wait_for(lambda: connections.had_any and not connections.number)


def test_a_slow_reader_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take longer than an idle connection, as long as it reads."""
    monkeypatch.setattr(http_connection, "_IDLE_SECONDS", 0.0)
    with unread_responses(monkeypatch) as (port, _), connected(port) as connection:
        connection.sendall(GET % b"/quick?large")
        # The connections are checked each second.
        time.sleep(2.5)
        assert whole(responses(connection)) == 1
        assert is_closed(connection)


@contextmanager
def unread_responses(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, CountedConnections]]:
    """The port of a server whose responses wait in the process until they are read, and its connections."""
    monkeypatch.setattr(HttpConnection, "connection_made", _with_little_sent(HttpConnection.connection_made))
    configured = Settings(port=0, workers=1, threads=1)
    (listener,) = listeners(configured)
    connections = CountedConnections()
    with serving(Quick(), listener, configured, connections):
        yield listener.getsockname()[1], connections


class CountedConnections(ConnectionNumber):
    """The number of open connections of one process."""

    def __init__(self) -> None:
        super().__init__(memoryview(bytearray(8)).cast("q"), 0)
        self.number, self.had_any = 0, False

    def add(self, number: int) -> None:
        super().add(number)
        self.number += number
        self.had_any = True


def _with_little_sent(connection_made: Callable[..., None]) -> Callable[..., None]:
    """A connection whose unread responses wait in the process, however large they are."""

    def made(self: HttpConnection, transport: asyncio.Transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        transport.set_write_buffer_limits(100_000_000)
        connection_made(self, transport)

    return made


def test_a_connection_with_a_request_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes, also if it follows a quick one at once."""
    monkeypatch.setattr(http_connection, "_IDLE_SECONDS", 0.0)
    application = Quick()
    with answering(application) as port, connected(port) as connection:
        connection.sendall(GET % b"/quick" + GET % b"/slow")
        assert application.events["begun"].wait(PATIENCE)
        # The connections are checked each second.
        assert not application.events["left"].wait(2.5)
        application.events["go"].set()
        assert responses(connection, 2).endswith(b"slow")


@pytest.mark.parametrize("path", [b"/quick?", b"http://a/quick?", b"/quick?#part"])
def test_a_quick_request_may_have_any_form(path: bytes) -> None:
    """An address with a host or a fragment, a body that is not read, and the end of the connection."""
    with answering(Quick()) as port:
        with_body = b"GET /quick? HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        last = b"GET /quick?1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        received = exchange(port, GET % path + with_body + GET % path + last + GET % b"/quick?2", 5)
    assert received.count(b"HTTP/1.1 200 OK") == received.count(b"quick ") == 4
    assert received.endswith(b"connection: close\r\n\r\nquick 1")


def test_a_client_that_reads_nothing_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §3) It does not keep its thread."""
    monkeypatch.setattr(http_connection, "_READING_SECONDS", 0.5)
    with answering(Application()) as port, connected(port) as slow:
        slow.sendall(GET % b"/pieces?endless")
        time.sleep(0.2)
        assert exchange(port, GET % b"/quick?").endswith(b"quick ")


def test_a_large_response_is_sent_while_it_is_made() -> None:
    """(16 §2) The first piece comes before the others are made, and a slow reader holds no thread after that."""
    application = Application()
    with answering(application) as port, connected(port) as slow:
        slow.sendall(GET % b"/buffered")
        received = receive_until(slow, b"first")
        application.events["go"].set()
        assert application.events["ended"].wait(PATIENCE)
        assert exchange(port, GET % b"/quick?").endswith(b"quick ")
        received += receive_until(slow, LAST_CHUNK)
        assert received.count(b"x") >= 20_000_000
        assert application.places.acquire(timeout=PATIENCE)


def test_a_large_response_that_fails_is_cut() -> None:
    """(16 §2) It does not look complete, and leaves its place to others."""
    application = Application()
    with answering(application) as port, connected(port) as connection:
        connection.sendall(GET % b"/buffered?fails")
        application.events["go"].set()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert b"first" in received
        assert LAST_CHUNK not in received
        assert application.places.acquire(timeout=PATIENCE)


def test_a_large_response_ends_when_its_client_leaves() -> None:
    """(16 §2) No further pieces are made, and its place is free."""
    application = Application()
    with answering(application) as port:
        with connected(port) as connection:
            connection.sendall(GET % b"/buffered")
            receive_until(connection, b"first")
        application.events["go"].set()
        assert application.events["ended"].wait(PATIENCE)
        assert application.places.acquire(timeout=PATIENCE)


def receive_until(connection: socket.socket, end: bytes) -> bytes:
    received = bytearray()
    while end not in received[-65536 - len(end) :]:
        piece = connection.recv(65536)
        assert piece, "the server has closed the connection"
        received += piece
    return bytes(received)


def test_the_connection_that_is_idle_longest_makes_room() -> None:
    """(16 §3) More connections than the server holds do not keep others out."""
    with answering(Application(), connections=4) as port:
        idle = []
        for _ in range(8):
            idle.append(connected(port))
            assert answer_of(idle[-1]) == "quick "
        assert is_closed(idle[0])
        assert exchange(port, GET % b"/quick?").endswith(b"quick ")
        for connection in idle:
            connection.close()


def test_servers_with_the_same_listener_have_as_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §1) Whatever the order is in which connections come and go; one that does not run gets none."""

    def resume(acceptor: Acceptor) -> None:
        acceptor._loop.add_reader(acceptor._listener, acceptor._accept_or_leave)

    # On a busy machine, the other may not run for long: here a connection is left to it until it does.
    monkeypatch.setattr(Acceptor, "_resume", resume)
    configured = Settings(port=0, threads=1)
    (listener,) = listeners(configured)
    numbers, names = ConnectionNumbers(3), ("first", "second")
    applications = [Named(name) for name in names]
    with (
        serving(applications[0], listener, configured, numbers.enter(0)),
        serving(applications[1], listener.dup(), configured, numbers.enter(1)),
    ):
        port = listener.getsockname()[1]
        opened = [connected(port) for _ in range(10)]
        answers = [answer_of(connection) for connection in opened]
        assert Counter(answers) == {"first": 5, "second": 5}
        for connection, name in zip(opened, answers, strict=True):
            if name == "first":
                connection.close()
        wait_for(lambda: numbers._numbers[0] == 0)
        again = [connected(port) for _ in range(5)]
        assert {answer_of(connection) for connection in again} == {"first"}
        for connection in (*opened, *again):
            connection.close()


def test_a_server_that_does_not_accept_is_not_waited_for() -> None:
    """(16 §1) Although it has fewer connections, because its process hangs."""
    configured = Settings(port=0, threads=1)
    (listener,) = listeners(configured)
    numbers = ConnectionNumbers(2)
    numbers.enter(1)
    with serving(Named("first"), listener, configured, numbers.enter(0)):
        for _ in range(3):
            with connected(listener.getsockname()[1]) as connection:
                assert answer_of(connection) == "first"


class Named(Application):
    """An application that answers with its name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def quick(self, environ: WSGIEnvironment) -> bytes:
        return self._name.encode()


def answer_of(connection: socket.socket) -> str:
    connection.sendall(GET % b"/quick")
    return responses(connection).decode().rpartition("\r\n")[2]


def test_what_runs_for_a_client_ends_when_it_leaves() -> None:
    """(16 §2) Its watch is called."""
    application = Application()
    with answering(application) as port:
        with connected(port) as connection:
            connection.sendall(GET % b"/slow")
            assert application.events["begun"].wait(PATIENCE)
        assert application.events["left"].wait(PATIENCE)


@pytest.mark.parametrize(
    ("request_", "end"),
    [(GET % b"/slow", b"slow"), (b"GET /slow HTTP/1.0\r\n\r\n", b"slow"), (GET % b"/buffered", LAST_CHUNK)],
)
def test_a_client_that_sends_no_more_gets_its_response(
    request_: bytes, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `nc -N` closes its direction of the connection, when it has sent the request."""
    application, has_ended = Application(), threading.Event()
    receive_end = HttpConnection.eof_received

    def received_end(connection: HttpConnection) -> bool | None:
        has_ended.set()
        return receive_end(connection)

    monkeypatch.setattr(HttpConnection, "eof_received", received_end)
    # Far longer than the test takes.
    monkeypatch.setattr(http_connection, "_SILENT_SECONDS", PATIENCE)
    with answering(application) as port, connected(port) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        assert application.events["begun"].wait(PATIENCE)
        assert has_ended.wait(PATIENCE)
        application.events["go"].set()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.endswith(end)


def test_a_client_that_sends_no_more_gets_all_its_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a pipeline, and its connection is closed after the last."""
    monkeypatch.setattr(http_connection, "_SILENT_SECONDS", PATIENCE)
    application = Application()
    with answering(application) as port, connected(port) as connection:
        connection.sendall(GET % b"/slow" + GET % b"/pieces" + b"GET /unfini")
        connection.shutdown(socket.SHUT_WR)
        application.events["go"].set()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.endswith(LAST_CHUNK)


def test_a_request_whose_client_has_left_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §2) One that waits for a thread is dropped."""
    application, has_left = Application(), threading.Event()
    lose = HttpConnection.connection_lost

    def lost(connection: HttpConnection, error: Exception | None) -> None:
        lose(connection, error)
        has_left.set()

    monkeypatch.setattr(HttpConnection, "connection_lost", lost)
    with answering(application) as port, connected(port) as first:
        first.sendall(GET % b"/slow")
        assert application.events["begun"].wait(PATIENCE)
        application.events["begun"].clear()
        with connected(port) as second:
            second.sendall(POST % (b"/body", 1) + b"x")
            time.sleep(0.2)
        assert has_left.wait(PATIENCE)
        application.events["go"].set()
        assert exchange(port, GET % b"/quick?").endswith(b"quick ")
        assert not application.events["begun"].is_set()


def test_requests_under_way_end_before_the_server_does() -> None:
    """A request that has begun is answered after SIGTERM; the connection then closes."""
    application = Application()
    with connected_after(application) as (connection, stop):
        stop()
        time.sleep(0.3)
        application.events["go"].set()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.endswith(b"slow")


def test_a_request_that_the_end_of_the_server_cuts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it has had its time after SIGTERM; the client may send it again."""
    monkeypatch.setattr(web_processes, "_ENDING_SECONDS", 0)
    application = Application()
    with connected_after(application) as (connection, stop):
        stop()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert application.events["left"].wait(PATIENCE)
        application.events["go"].set()
    assert received.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5\r\n" in received
    assert b"connection: close\r\n" in received
    assert b"/problems/busy" in received


def test_a_response_that_the_end_of_the_server_cuts_is_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks like no complete one, and nothing follows it."""
    monkeypatch.setattr(web_processes, "_ENDING_SECONDS", 0)
    application = Application()
    with connected_after(application, b"/buffered") as (connection, stop):
        receive_until(connection, b"first")
        stop()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
        application.events["go"].set()
    assert b"HTTP/1.1" not in received
    assert not received.endswith(LAST_CHUNK)


@contextmanager
def connected_after(
    application: Application, path: bytes = b"/slow"
) -> Iterator[tuple[socket.socket, Callable[[], None]]]:
    """A connection with a request that has begun, and a function that stops the server."""
    configured = Settings(port=0, workers=1, threads=1)
    (listener,) = listeners(configured)
    server = http_server(configured, application)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    with connected(listener.getsockname()[1]) as connection:
        connection.sendall(GET % path)
        assert application.events["begun"].wait(PATIENCE)
        yield connection, lambda: setattr(server, "should_exit", True)
    thread.join(PATIENCE)


_ENDED = """
from citygraph.server.accepting import ConnectionNumber, ConnectionNumbers
from citygraph.server.web_processes import listeners, run
from citygraph.settings import Settings

class Application:
    def __call__(self, environ, start):
        start("204 No Content", [])
        return ()

    def close(self):
        print("closed", flush=True)

settings = Settings(port=0, workers=1)
(listener,) = listeners(settings)
print(listener.getsockname()[1], flush=True)
run([listener], settings, Application())
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_application_is_closed_when_its_process_ends(number: signal.Signals) -> None:
    """(18) So that its last traces are sent."""
    command = [sys.executable, "-c", _ENDED]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert exchange(int(process.stdout.readline()), GET % b"/").startswith(b"HTTP/1.1 204")
        process.send_signal(number)
        assert process.stdout.read() == b"closed\nended\n"
    assert process.returncode == 0
