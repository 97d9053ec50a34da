"""A proxy that breaks: it passes requests on to a server, and answers the next ones with the faults it is given."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What happens to one response.

    With a status it is made here, with these headers and this body. Otherwise the server's own is cut after `keep`
    bytes: by closing the connection, or with a length that fits (`is_hidden`). `hangs` waits so many seconds first.
    `drops` closes the connection without a response.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep: int = -1
    is_hidden: bool = False
    hangs: float = 0.0
    drops: bool = False


@dataclass
class FaultyProxy:
    """The running proxy; `requests` are those that came: method, path, headers and body; `statuses` were sent."""

    port: int
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str, Mapping[str, str], str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Server(ThreadingHTTPServer):
    """A server whose clients go away on purpose."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def faulty_proxy(upstream: int) -> Iterator[FaultyProxy]:
    """Runs a proxy of a server on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            proxy.requests.append((self.command, self.path, dict(self.headers), body.decode()))
            fault = proxy.faults.pop(0) if proxy.faults else Fault()
            time.sleep(fault.hangs)
            self.close_connection = True
            if fault.drops:
                return
            status, headers, whole = (
                (fault.status, dict(fault.headers), fault.body) if fault.status else self._passed_on(body)
            )
            proxy.statuses.append(status)
            kept = whole if fault.keep < 0 else whole[: fault.keep]
            headers["Content-Length"] = str(len(kept if fault.is_hidden else whole))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(kept)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def _passed_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = HTTPConnection("127.0.0.1", upstream, timeout=60)
            try:
                own = {name: value for name, value in self.headers.items() if name.lower() not in ("connection",)}
                connection.request(self.command, self.path, body or None, own)
                response = connection.getresponse()
                dropped = ("content-length", "transfer-encoding", "connection")
                headers = {name: value for name, value in response.getheaders() if name.lower() not in dropped}
                return response.status, headers, response.read()
            finally:
                connection.close()

        def log_message(self, *_: Any) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    proxy = FaultyProxy(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
