"""The server of /metrics on a separate port, in threads of the main process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from citygraph.engine.engines import Engines
from citygraph.errors import CitygraphError, Unauthorized
from citygraph.settings import Settings
from citygraph.web.http.metrics import Metrics, folder_of
from citygraph.web.sparql.admin import require_bearer
from citygraph.web.sparql.server_metrics import ServerMetrics

_PATH = "/metrics"
# A few at a time, and none for long: the port may be open to a network.
_MOST = 8
_SECONDS = 10.0


@contextmanager
def metrics_served(settings: Settings) -> Iterator[None]:
    """Serves the metrics on their port during the block, if the settings name one. Raises OSError if it is taken."""
    if not settings.metrics_port:
        yield
        return
    # The settings must have the socket of the engine host.
    metrics = ServerMetrics(settings, Engines(settings), Metrics(folder_of(settings.engine_socket)), os.getpid)
    with _MetricsServer(settings, metrics) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _MetricsServer(ThreadingMixIn, TCPServer):
    """An HTTP server with one address."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, settings: Settings, metrics: ServerMetrics) -> None:
        self.address_family = socket.AF_INET6 if ":" in settings.metrics_host else socket.AF_INET
        self.token = settings.metrics_token
        self.metrics = metrics
        self._places = threading.BoundedSemaphore(_MOST)
        super().__init__((settings.metrics_host, settings.metrics_port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handles a request in a new thread, unless too many are in progress."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handles a request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Does nothing: a client that has gone is no error."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server: _MetricsServer

    def do_GET(self) -> None:
        """Sends the metrics."""
        if self.path != _PATH:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"the metrics are at /metrics\n")
            return
        try:
            if self.server.token:
                require_bearer(self.headers.get("Authorization", ""), self.server.token)
            content_type, body = self.server.metrics.render(self.headers.get("Accept", ""))
        except Unauthorized as error:
            self._send(HTTPStatus.UNAUTHORIZED, "text/plain", f"{error}\n".encode())
        except (CitygraphError, OSError) as error:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"{error}\n".encode())
        else:
            self._send(HTTPStatus.OK, content_type, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Logs nothing: a scrape comes every few seconds."""

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", 'Bearer realm="citygraph"')
        self.end_headers()
        self.wfile.write(body)
