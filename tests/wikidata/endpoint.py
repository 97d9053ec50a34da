"""A SPARQL endpoint on this machine that behaves as Wikidata's does, on bad days too."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

from pyoxigraph import QueryResultsFormat, Store

TIMEOUT_PAGE = b"SPARQL-QUERY: queryStr=SELECT ...\njava.util.concurrent.TimeoutException\n\tat java.util.concurrent"

BEGUN = b'{"head":{"vars":["item"]},"results":{"bindings":['
# Answers with status 200 that are none: the bytes, and the length that the header promises (-1: theirs).
BROKEN: dict[str, tuple[bytes, int | None]] = {
    "cut": (BEGUN, 5000),
    "cut-without-length": (BEGUN + b'{"item"', None),
    "timeout-page": (TIMEOUT_PAGE, -1),
    "rows-then-timeout-page": (BEGUN + TIMEOUT_PAGE, -1),
}


@dataclass
class Endpoint:
    """Its address, the faults to come (one a request, in order), and the requests that it had."""

    store: Store
    address: str = ""
    faults: deque[str] = field(default_factory=deque)
    queries: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    slowness: float = 0.0  # seconds before each answer


@contextmanager
def serving(store: Store) -> Iterator[Endpoint]:
    """The endpoint, for as long as the `with` lasts."""
    endpoint = Endpoint(store)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint))
    server.daemon_threads = True
    endpoint.address = f"http://127.0.0.1:{server.server_address[1]}/sparql"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"endpoint": endpoint})


class _Handler(BaseHTTPRequestHandler):
    endpoint: Endpoint

    def do_POST(self) -> None:
        """Answer, or fail as the next fault says; any other word than a fault's is no fault."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        query = parse_qs(body)["query"][0]
        self.endpoint.queries.append(query)
        self.endpoint.agents.add(self.headers["User-Agent"])
        time.sleep(self.endpoint.slowness)
        kind, _, detail = self.endpoint.faults.popleft().partition(" ") if self.endpoint.faults else ("", "", "")
        if kind.isdigit():
            self._refuse(int(kind), detail)
        elif kind in BROKEN:
            self._send(*BROKEN[kind])
        elif kind == "drop":
            self.connection.close()
        elif kind == "drip":
            self._drip(float(detail))
        else:
            time.sleep(float(detail) if kind == "silent" else 0)
            results: Any = self.endpoint.store.query(query)
            self._send(results.serialize(format=QueryResultsFormat.JSON))

    def _refuse(self, status: int, retry_after: str) -> None:
        self.send_response(status)
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"no")

    def _drip(self, seconds: float) -> None:
        self.send_response(200)
        self.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.02)

    def _send(self, body: bytes, length: int | None = -1) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/sparql-results+json")
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        with suppress(OSError):  # a client that was killed reads no more
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
