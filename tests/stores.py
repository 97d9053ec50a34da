"""SPARQL stores for tests: native oxigraph on a free port, Virtuoso, and a proxy that changes what a store answers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from citygraph.stores.release_names import STATE_GRAPH
from citygraph.stores.store_service import StoreAddresses
from tests.running import PATIENCE, free_port

OXIGRAPH = Path(sys.executable).parent / "oxigraph"
needs_oxigraph = pytest.mark.skipif(not OXIGRAPH.exists(), reason="the native oxigraph server is missing")


@contextmanager
def oxigraph_server(port: int = 0) -> Iterator[tuple[StoreAddresses, subprocess.Popen[bytes]]]:
    """An empty store in memory, until the block ends."""
    port = port or free_port()
    with subprocess.Popen(
        [str(OXIGRAPH), "serve", "--bind", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            _await_answer(f"{url}/query?query=ASK%7B%7D", process)
            yield StoreAddresses(f"{url}/query", f"{url}/update", f"{url}/store"), process
        finally:
            process.kill()


def _await_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the store ended"
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError("the store does not answer")


@dataclass
class Proxy:
    """A proxy in front of the queries of a store; `change` gets the body of each answer, and `asked` are the bodies.

    `delay` is in seconds, before the answer. What asks for the state of the store, every few seconds, is passed on.
    """

    address: str
    change: Callable[[bytes], bytes] = lambda body: body
    delay: float = 0.0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[bytes] = field(default_factory=list)


@contextmanager
def proxy_of(query_address: str) -> Iterator[Proxy]:
    """A proxy of a store until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # With faults that were set for a query, the state would be that of a store that fails.
            faults = Proxy("") if f"GRAPH <{STATE_GRAPH}>" in unquote_plus(body.decode()) else proxy
            faults.asked.append(body)
            headers = {name: self.headers[name] for name in ("Content-Type", "Accept")}
            request = urllib.request.Request(query_address, body, headers)
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                answer = faults.change(response.read())
            time.sleep(faults.delay)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(faults.status)
                for name, value in faults.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that leaves is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_port}/")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
