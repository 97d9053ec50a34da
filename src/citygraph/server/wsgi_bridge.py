"""The bridge from the event loop (ASGI) to the application (WSGI, PEP 3333), which works in threads."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from citygraph.engine.client_watch import ClientGone, ClientWatch, watched
from citygraph.errors import Busy, CitygraphError
from citygraph.server.request_body import HELD, Message, Receive, RequestBody
from citygraph.web.http.bodies import Outlet, SendBuffer, has_body
from citygraph.web.http.messages import NO_STORE, OUTLET, QUICK, NeedsThread, Reply
from citygraph.web.http.problems import MEDIA_TYPE, as_json, problem_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

    from citygraph.server.http_connection import HttpConnection

log = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]

# Threads that end the queries of clients that have left.
_ENDING_THREADS = 2
# Names of headers that are kept as keys of WSGI.
_MOST_KEYS = 500
_LONGEST_NAME = 100


class _Whole(NamedTuple):
    """A response in memory."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class _Pieces(NamedTuple):
    """A response whose pieces are made while they are sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: Iterable[bytes]


class WsgiBridge:
    """An ASGI application that runs a WSGI application in `threads` threads; further requests wait for a thread.

    A small body is received before a thread is taken, so that slow clients take none. `base` is that of the IRIs of
    problems.
    """

    def __init__(self, application: WSGIApplication, threads: int, base: str) -> None:
        self._application = application
        # The site has quick replies; other applications are always called in threads.
        self._is_quick: Callable[[WSGIEnvironment, bytes], bool] = getattr(application, "is_quick", lambda *_: False)
        self._reply: Callable[[WSGIEnvironment], Reply] | None = getattr(application, "reply", None)
        self._threads = ThreadPoolExecutor(threads, "request")
        self._ending = ThreadPoolExecutor(_ENDING_THREADS, "ending")
        self._keys: dict[bytes, str] = {}
        self._refusal = _refusal_when_stopping(base)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serves a request."""
        state = scope["state"]
        connection: HttpConnection = state["connection"]
        environ: WSGIEnvironment = state.get("environ") or self._environ(
            scope, scope["method"], scope["http_version"], scope["raw_path"], scope["query_string"]
        )
        watch = ClientWatch()
        connection.on_lost = lambda: self._leave(watch)
        exchange = _Exchange(connection, send, watch)
        body = environ["wsgi.input"] = RequestBody(connection.loop, receive)
        try:
            if _is_small(environ):
                await body.begin()
            received = body.whole
            with _failures_logged(environ):
                reply = self._quick_reply_to(environ, received, connection) if received is not None else None
            if reply is not None:
                connection.send_whole(reply.status, reply.sent_headers(), reply.whole_body())
            else:
                await exchange.answer(self._threads, self._application, environ)
        except ClientGone:
            return
        except asyncio.CancelledError:
            # The server stops, and this request has had its time.
            for end in watch.leave():
                end()
            if not connection.refuse_when_stopping(self._refusal):
                raise

    def quick_reply(self, connection: HttpConnection, version: str) -> Reply | None:
        """Returns the reply to a GET that needs no thread. Returns None for any other, which has had no effects."""
        path, _, query = connection.url.partition(b"?")
        # Addresses with a host or a fragment (RFC 9112, 3.2) are left to the parser of addresses.
        if not path.startswith(b"/") or b"#" in connection.url:
            return None
        scope = connection.scope
        environ = scope["state"]["environ"] = self._environ(scope, "GET", version, path, query)
        return None if has_body(environ) else self._quick_reply_to(environ, b"", connection)

    def _quick_reply_to(self, environ: WSGIEnvironment, body: bytes, connection: HttpConnection) -> Reply | None:
        if self._reply is None or connection.flow.write_paused or not self._is_quick(environ, body):
            return None
        environ[QUICK] = True
        try:
            return self._reply(environ)
        except NeedsThread:
            environ[QUICK] = False
            return None

    def _leave(self, watch: ClientWatch) -> None:
        for end in watch.leave():
            self._ending.submit(end)

    def _environ(
        self, scope: Mapping[str, Any], method: str, version: str, path: bytes, query: bytes
    ) -> WSGIEnvironment:
        server, client = scope["server"] or ("", 0), scope["client"] or ("", 0)
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{version}",
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "REMOTE_ADDR": client[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope["scheme"],
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        for name, value in scope["headers"]:
            key = self._keys.get(name) or self._key(name)
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
        # Names with underscores would have the keys of others, which proxies set.
        environ.pop("", None)
        return environ

    def _key(self, name: bytes) -> str:
        """Returns the key of a header."""
        text = name.decode("latin-1").upper().replace("-", "_")
        key = text if text in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{text}"
        if b"_" in name:
            key = ""
        if key and len(self._keys) < _MOST_KEYS and len(name) <= _LONGEST_NAME:
            self._keys[name] = key
        return key


class _Exchange:
    """A request and its response. A thread runs the application; the event loop sends its output."""

    def __init__(self, connection: HttpConnection, send: Send, watch: ClientWatch) -> None:
        self._connection = connection
        self._loop = connection.loop
        self._send_message = send
        self._watch = watch

    async def answer(self, threads: ThreadPoolExecutor, application: WSGIApplication, environ: WSGIEnvironment) -> None:
        """Runs the application and sends its response. Raises ClientGone, and what the application raises."""
        response = await self._loop.run_in_executor(threads, self._run, application, environ)
        if isinstance(response, Future):
            await asyncio.wrap_future(response)
        elif response is not None:
            # The bytes sent before on the same connection.
            await self._connection.flow.drain()
            self._connection.send_whole(*response)

    def _run(self, application: WSGIApplication, environ: WSGIEnvironment) -> _Whole | Future[None] | None:
        """Runs the application, in a thread. Returns a response in memory, or the sending of one from a buffer."""
        if self._watch.is_gone:
            raise ClientGone
        outlet = Outlet()
        if environ["SERVER_PROTOCOL"] != "HTTP/1.0" and environ["REQUEST_METHOD"] != "HEAD":
            environ[OUTLET] = outlet
        with watched(self._watch):
            with _failures_logged(environ):
                response = _called(application, environ)
            if isinstance(response, _Whole):
                # An error may have come after the buffer.
                if outlet.buffer is not None:
                    outlet.buffer.close()
                return response
            try:
                if outlet.buffer is not None:
                    return self._fill(response, outlet.buffer, environ)
                self._send_pieces(*response, environ)
            finally:
                close = getattr(response.body, "close", None)
                if close is not None:
                    close()
        return None

    def _fill(self, response: _Pieces, buffer: SendBuffer, environ: WSGIEnvironment) -> Future[None]:
        """Writes the pieces of a response into the buffer from which it is sent. If they fail, the rest is cut."""
        grown = asyncio.Event()
        sending = asyncio.run_coroutine_threadsafe(self._send_buffer(response, buffer, grown), self._loop)
        try:
            for piece in response.body:
                if self._watch.is_gone:
                    raise ClientGone
                buffer.write(piece)
                self._loop.call_soon_threadsafe(grown.set)
            buffer.is_complete = True
        except Exception as error:
            if not self._watch.is_gone:
                _log_cut(environ, error)
        finally:
            buffer.is_failed = not buffer.is_complete
            self._loop.call_soon_threadsafe(grown.set)
        return sending

    async def _send_buffer(self, response: _Pieces, buffer: SendBuffer, grown: asyncio.Event) -> None:
        """Sends a response from its buffer as the client reads it. Raises ClientGone, and an error that cuts it."""
        try:
            await self._send_head(response.status, response.headers)
            at = 0
            while not self._watch.is_gone:
                grown.clear()
                is_complete, is_failed = buffer.is_complete, buffer.is_failed
                if piece := buffer.read(at):
                    at += len(piece)
                    await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                elif is_failed:
                    raise ConnectionAbortedError("the response is cut")
                elif is_complete:
                    return await self._send({"type": "http.response.body", "body": b""})
                else:
                    await grown.wait()
            raise ClientGone
        finally:
            buffer.close()

    def _send_pieces(
        self, status: int, headers: list[tuple[bytes, bytes]], pieces: Iterable[bytes], environ: WSGIEnvironment
    ) -> None:
        """Sends a response in pieces, each when the client has taken those before. If they fail, the rest is cut."""
        if environ["SERVER_PROTOCOL"] == "HTTP/1.0" and not any(name == b"content-length" for name, _ in headers):
            # The end of the connection would be its end, so that a cut would look complete.
            whole = b"".join(pieces)
            headers.append((b"content-length", str(len(whole)).encode()))
            pieces = (whole,)
        self._wait_for(self._send_head(status, headers))
        try:
            for piece in pieces:
                self._wait_for(self._send({"type": "http.response.body", "body": piece, "more_body": True}))
        except Exception as error:
            _log_cut(environ, error)
            raise
        self._wait_for(self._send({"type": "http.response.body", "body": b""}))

    async def _send(self, message: Message) -> None:
        self._connection.sent_pieces += 1
        await self._send_message(message)

    async def _send_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _wait_for(self, sending: Awaitable[None]) -> None:
        """Waits in a thread until the event loop has sent something. Raises ClientGone."""

        async def send() -> None:
            await sending

        asyncio.run_coroutine_threadsafe(send(), self._loop).result()
        if self._watch.is_gone:
            raise ClientGone


def _refusal_when_stopping(base: str) -> Reply:
    """Returns the reply to a request that the end of the server cuts."""
    problem = problem_of(Busy("the server stopped before the request was completed", retry_after=5))
    headers = [("Content-Type", MEDIA_TYPE), ("Cache-Control", NO_STORE), *problem.headers]
    return Reply(problem.type.status, headers, as_json(problem, base))


@contextmanager
def _failures_logged(environ: WSGIEnvironment) -> Iterator[None]:
    """Logs an error for which the server sends 500."""
    try:
        yield
    except Exception:
        log.exception("the reply to %r fails", environ["PATH_INFO"])
        raise


def _log_cut(environ: WSGIEnvironment, error: Exception) -> None:
    # Our own errors have a clear message; others need their traceback.
    is_known = isinstance(error, CitygraphError)
    log.warning("the response to %r is cut: %s", environ["PATH_INFO"], error, exc_info=None if is_known else error)


def _is_small(environ: WSGIEnvironment) -> bool:
    """Returns whether a request has a body that may be small, and whose client does not wait for 100 Continue."""
    length = str(environ.get("CONTENT_LENGTH", ""))
    # A large body is often refused for its length.
    has_body = int(length) <= HELD if length.isdecimal() else "HTTP_TRANSFER_ENCODING" in environ
    return has_body and "HTTP_EXPECT" not in environ


def _called(application: WSGIApplication, environ: WSGIEnvironment) -> _Whole | _Pieces:
    """Calls the application. A body that is a tuple is complete, and the headers have its length."""
    started: list[Any] = []
    body = application(environ, lambda *head: started.extend(head))  # type: ignore[arg-type]
    status = int(started[0][:3])
    if isinstance(body, tuple):
        return _Whole(status, started[1], b"".join(body))
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in started[1]]
    return _Pieces(status, headers, body)
