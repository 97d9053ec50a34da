"""A SPARQL 1.1 service over HTTP: queries with a time limit, updates, and signs of an incomplete result."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from citygraph.engine.client_watch import ClientGone, ClientWatch, End, current_watch
from citygraph.errors import LimitReached, StoreUnavailable, UsageError
from citygraph.setting_rules import is_web_address
from citygraph.settings import Settings

RESULTS = "application/sparql-results+json"
_CONNECT_SECONDS = 3.0
_UPDATE_SECONDS = 900.0
_MOST_IDLE = 16
_PIECE = 64 * 1024
_TEXT_OF_ERROR = 500
_NOT_PERMITTED = {401, 403, 405}
# The statuses that a proxy or the service sends if it is unavailable, whatever the query is.
_UNAVAILABLE = {429, 502, 503, 504}
_BOOLEAN = re.compile(rb'(XMLSchema#boolean", "value": ")([01])(?=")')
# Virtuoso marks partial results with these headers.
_PARTIAL = ("X-SQL-State", "X-SPARQL-MaxRows")


class QueryRefused(Exception):
    """An error of the service about a query, or a result that it marks as incomplete."""


@dataclass(frozen=True)
class StoreAddresses:
    """Where a store takes queries and updates, and with whose credentials.

    `parameters` are sent with each query; {seconds} and {milliseconds} in them are the time that is left for it.
    """

    query: str
    update: str = ""
    graphs: str = ""
    user: str = ""
    password: str = ""
    parameters: str = ""

    def __post_init__(self) -> None:
        """Raises UsageError for an address that is not http or https."""
        for address in filter(None, (self.query, self.update, self.graphs)):
            if not is_web_address(address):
                raise UsageError(f"the store {address!r} must be an address that begins with https:// or http://")


def addresses_of(settings: Settings) -> StoreAddresses:
    """Returns the addresses of the store in the settings. Raises UsageError."""
    update = settings.store_update or settings.store
    return StoreAddresses(
        settings.store,
        update,
        settings.store_graphs,
        settings.store_user,
        settings.store_password,
        settings.store_parameters,
    )


class StoreService:
    """A client of a store for all threads of a process, with connections that are kept open."""

    def __init__(self, addresses: StoreAddresses) -> None:
        self.addresses = addresses
        self._idle: list[http.client.HTTPConnection] = []
        self._down_until = 0.0
        parts = urlsplit(addresses.query)
        self._class = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host = parts.netloc.rpartition("@")[2]
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @contextmanager
    def select(self, text: str, seconds: float, accept: str = RESULTS) -> Iterator[StoreResult]:
        """Yields the body of a result. It raises LimitReached while it is read if the time is over.

        Raises StoreUnavailable, QueryRefused, LimitReached.
        """
        limit, watch = _Limit(seconds), current_watch()
        connection, response, cut = self._respond(self._body(text, seconds), accept, limit, watch)
        is_reusable = False
        try:
            self._check(response, limit)
            result = StoreResult(response, connection, limit, watch)
            yield result
            is_reusable = result.is_complete
        finally:
            if watch:
                watch.remove(cut)
            if is_reusable and len(self._idle) < _MOST_IDLE and not response.will_close:
                self._idle.append(connection)
            else:
                # A service that watches its connection notices that no client waits for the rest.
                connection.close()

    def update(self, text: str) -> None:
        """Sends an update. Raises StoreUnavailable, QueryRefused, UsageError without permission."""
        self._write(self.addresses.update, "application/sparql-update; charset=utf-8", text.encode())

    def add(self, graph: str, lines: bytes) -> None:
        """Adds N-Triples to a graph, in one step. Raises what `update` raises."""
        if self.addresses.graphs:
            mark = "&" if "?" in self.addresses.graphs else "?"
            self._write(f"{self.addresses.graphs}{mark}{urlencode({'graph': graph})}", "application/n-triples", lines)
        else:
            self.update(f"INSERT DATA {{ GRAPH <{graph}> {{\n{lines.decode()}}} }}")

    @property
    def product(self) -> str:
        """The product and its version, as the service names it."""
        with self.select("SELECT (1 AS ?x) {}", 10.0) as result:
            result.read()
        return result.server

    def _write(self, address: str, content_type: str, body: bytes) -> None:
        request = urllib.request.Request(address, body, {"Content-Type": content_type}, method="POST")  # noqa: S310 - http or https
        try:
            with self._opener().open(request, timeout=_UPDATE_SECONDS) as response:
                response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except OSError as error:
            raise StoreUnavailable(f"the store {self._host} does not respond: {error}") from error

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        reason = _start(error.read(_TEXT_OF_ERROR))
        if error.code in _UNAVAILABLE:
            return StoreUnavailable(f"the store answers {error.code}: {reason}")
        if error.code in _NOT_PERMITTED:
            return UsageError(
                f"the store refuses updates ({error.code}): check CITYGRAPH_STORE_USER, CITYGRAPH_STORE_PASSWORD and "
                f"the address {self.addresses.update}"
            )
        return QueryRefused(f"{error.code}: {reason}")

    def rows(self, text: str, seconds: float = 600.0) -> list[dict[str, dict[str, str]]]:
        """Returns all rows of a small result as in SPARQL's JSON. Raises what `select` raises."""
        with self.select(text, seconds) as result:
            try:
                return list(json.loads(result.read())["results"]["bindings"])
            except (ValueError, KeyError, TypeError) as error:
                raise QueryRefused(f"the result is not valid JSON: {error}") from None

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        """Closes the connections of a service that was not closed."""
        self.close()

    def _body(self, text: str, seconds: float) -> bytes:
        body = urlencode({"query": text})
        if self.addresses.parameters:
            # The store's own limit is a little later than ours, whose error is clearer.
            whole = int(seconds) + 1
            body += "&" + self.addresses.parameters.format(seconds=whole, milliseconds=whole * 1000)
        return body.encode()

    def _respond(
        self, body: bytes, accept: str, limit: _Limit, watch: ClientWatch | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, End]:
        headers = {
            "Accept": accept,
            "Content-Type": "application/x-www-form-urlencoded",
            **self._credentials(),
        }
        while True:
            connection, is_reused = self._connection()
            cut = _cut_of(connection)
            try:
                connection.sock.settimeout(limit.remaining())
                if watch:
                    watch.add(cut)
                connection.request("POST", self._path, body, headers)
                return connection, connection.getresponse(), cut
            except TimeoutError:
                connection.close()
                raise limit.error() from None
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                _require_client(watch)
                # A kept connection may have been closed in the meantime.
                if not is_reused:
                    raise self._unavailable(error) from error

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with suppress(IndexError):
            return self._idle.pop(), True
        if time.monotonic() < self._down_until:
            raise StoreUnavailable(f"the store {self._host} does not respond")
        connection = self._class(self._host, timeout=_CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            raise self._unavailable(error) from error
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, False

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        # Others need not wait for the same failure.
        self._down_until = time.monotonic() + 1.0
        return StoreUnavailable(f"the store {self._host} does not respond: {error or type(error).__name__}")

    def _check(self, response: http.client.HTTPResponse, limit: _Limit) -> None:
        if response.status != 200:
            try:
                reason = _start(response.read(_TEXT_OF_ERROR))
            except TimeoutError:
                raise limit.error() from None
            except (OSError, http.client.HTTPException):
                reason = ""
            if response.status in _UNAVAILABLE:
                raise StoreUnavailable(f"the store answers {response.status}: {reason}")
            raise QueryRefused(f"{response.status}: {reason}")
        if response.headers.get("X-SQL-State") == "S1TAT":
            # Virtuoso's own time limit: partial results with status 200.
            raise limit.error()
        for name in _PARTIAL:
            if value := response.headers.get(name):
                raise QueryRefused(f"the result is not complete ({name}: {value})")

    def _credentials(self) -> dict[str, str]:
        if not self.addresses.user:
            return {}
        pair = base64.b64encode(f"{self.addresses.user}:{self.addresses.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def _opener(self) -> urllib.request.OpenerDirector:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        for address in filter(None, (self.addresses.update, self.addresses.graphs)):
            passwords.add_password(None, address, self.addresses.user, self.addresses.password)
        # Virtuoso takes updates with digest authentication alone, and no other credentials before.
        handlers = (urllib.request.HTTPDigestAuthHandler(passwords), urllib.request.HTTPBasicAuthHandler(passwords))
        return urllib.request.build_opener(*handlers)


class _Limit:
    """The end of the time of a query."""

    def __init__(self, seconds: float) -> None:
        self._begun = time.monotonic()
        self._seconds = seconds

    def remaining(self) -> float:
        """Returns the seconds that are left. Raises LimitReached."""
        remaining = self._begun + self._seconds - time.monotonic()
        if remaining <= 0:
            raise self.error()
        return remaining

    def error(self) -> LimitReached:
        """Returns the error for a query whose time is over."""
        elapsed = time.monotonic() - self._begun
        message = f"the query was ended after {elapsed:.1f} s: the limit is {self._seconds:g} s"
        return LimitReached(message, "time", self._seconds, elapsed)


def _cut_of(connection: http.client.HTTPConnection) -> End:
    """Returns a function that ends a query from another thread."""

    def cut() -> None:
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    return cut


def _require_client(watch: ClientWatch | None) -> None:
    """Raises ClientGone if the client of the request has left."""
    if watch and watch.is_gone:
        raise ClientGone


class StoreResult(io.RawIOBase):
    """The body of a result as a file; `error` is what ended the reading, because a parser hides it."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        limit: _Limit,
        watch: ClientWatch | None,
    ) -> None:
        super().__init__()
        self._response = response
        self._connection = connection
        self._limit = limit
        self._watch = watch
        self._left = self._tail = b""
        self.server = response.headers.get("Server") or ""
        self._is_virtuoso = self.server.startswith("Virtuoso")
        self.is_complete = False
        self.error: Exception | None = None

    def readable(self) -> bool:
        """Returns True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Returns some bytes, at most `size`; empty at the end. Raises LimitReached, StoreUnavailable."""
        if size is None or size < 0:
            return b"".join(iter(self._piece, b""))
        if not self._left:
            self._left = self._lines() if self._is_virtuoso else self._piece()
        piece, self._left = self._left[:size], self._left[size:]
        return piece

    def _lines(self) -> bytes:
        """Returns some whole lines, with booleans as true and false, which Virtuoso's JSON has as 1 and 0."""
        while True:
            piece = self._piece()
            self._tail += piece
            cut = self._tail.rfind(b"\n") + 1 if piece else len(self._tail)
            if cut or not piece:
                lines, self._tail = self._tail[:cut], self._tail[cut:]
                return _BOOLEAN.sub(lambda match: match[1] + (b"true" if match[2] == b"1" else b"false"), lines)

    def _piece(self) -> bytes:
        try:
            if self._connection.sock is not None:
                self._connection.sock.settimeout(self._limit.remaining())
            piece = self._response.read1(_PIECE)
            if not piece and self._response.length:
                raise http.client.IncompleteRead(b"")
        except TimeoutError:
            self.error = self._limit.error()
        except LimitReached as error:
            self.error = error
        except (OSError, http.client.HTTPException) as error:
            _require_client(self._watch)
            self.error = StoreUnavailable(f"the store broke off its result: {error or type(error).__name__}")
        if self.error:
            raise self.error
        self.is_complete = not piece
        return piece


def _start(text: bytes) -> str:
    """Returns the first line of an error."""
    return next(iter(text.decode("utf-8", "replace").strip().splitlines()), "")[:200]
