"""The cost of idle connections for an active client: `python -m bench.waiting --help`.

Run it in the folder of a built instance. It opens connections that send nothing, a part of a head, a part of a body, or
a complete request and then nothing. During this, one client requests a document repeatedly. In the last row, another
process opens connections without pause.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.connection import Connection, Endpoint
from bench.processes import free_port, rest, running

_SERVE = (sys.executable, "-m", "citygraph.cli", "serve", "--build")
_PATIENCE = 60.0
_SETTLING = 5.0  # less than a slow head has before its connection is closed
_AIM = 3
_ARRIVALS, _REQUESTS_THEN = 5, 150  # times that connections arrive
_KINDS = {
    "silent": b"",
    "slow head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "slow body": b"POST /sparql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/sparql-query\r\n"
    b"Content-Length: 100\r\n\r\nASK",
    "keep-alive": b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the median of the client's times with each kind of waiting connections, relative to none."""
    parser = argparse.ArgumentParser("python -m bench.waiting", description=__doc__)
    parser.add_argument("--connections", type=int, default=2000, help="number of connections that wait [2000]")
    parser.add_argument("--requests", type=int, default=300, help="number of the client's requests [300]")
    parser.add_argument("--path", default="/doc/city/izmir.ttl", help="what it asks for [/doc/city/izmir.ttl]")
    options = parser.parse_args(arguments)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, options.connections + 512)), hard))
    port = free_port()
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "CITYGRAPH_PORT": str(port)}
        with running(_SERVE, port, Path(folder) / "log", environment, _PATIENCE) as pid:
            rest(pid, _PATIENCE)
            for row in _table(pid, port, options):
                print(row, flush=True)
    return 0


def _table(pid: int, port: int, options: argparse.Namespace) -> Iterator[str]:
    """Yields the rows; each kind has a measurement without waiting connections just before it.

    The client begins when the server has accepted the connections, and read what they have sent.
    """
    path, requests, number = options.path, options.requests, options.connections
    yield f"| {number} connections | alone: median (ms) | beside them: median (ms) | worst | ratio (aim < {_AIM}) |"
    yield "|---|---:|---:|---:|---:|"
    for kind, sent in _KINDS.items():
        alone = median(_times(port, path, requests))
        with _waiting(port, number, sent):
            rest(pid, _SETTLING)
            beside = _times(port, path, requests)
        yield _row(kind, alone, beside)
    alone, beside = median(_times(port, path, requests)), []
    for _ in range(_ARRIVALS):
        beside += _times_while_they_arrive(port, number, path)
    yield _row("arriving", alone, beside)


def _row(kind: str, alone: float, beside: list[float]) -> str:
    ratio = median(beside) / alone
    return f"| {kind} | {1e3 * alone:.2f} | {1e3 * median(beside):.2f} | {1e3 * max(beside):.1f} | {ratio:.2f} |"


def _times_while_they_arrive(port: int, number: int, path: str) -> list[float]:
    """Returns the seconds of the requests of one connection while another process opens its connections.

    They are as many as the server may need to accept all.
    """
    opened, done = multiprocessing.get_context("fork").Event(), multiprocessing.get_context("fork").Event()

    def arrive() -> None:
        with _waiting(port, number, b""):
            opened.set()
            done.wait(_PATIENCE)

    process = multiprocessing.get_context("fork").Process(target=arrive, daemon=True)
    connection = Connection(Endpoint(port, path), _PATIENCE)
    connection.ask(_request(path))
    process.start()
    times: list[float] = []
    while not opened.is_set() or len(times) < _REQUESTS_THEN:
        times.append(_time(connection, path))
    done.set()
    process.join(_PATIENCE)
    return times


@contextmanager
def _waiting(port: int, number: int, sent: bytes) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), _PATIENCE)).sendall(sent)
        yield


def _times(port: int, path: str, requests: int) -> list[float]:
    """Returns the seconds of each request of one connection."""
    connection = Connection(Endpoint(port, path), _PATIENCE)
    return [_time(connection, path) for _ in range(requests)]


def _time(connection: Connection, path: str) -> float:
    start = time.perf_counter()
    status = connection.ask(_request(path)).status
    seconds = time.perf_counter() - start
    if status != 200:
        raise RuntimeError(f"{path} is answered with {status}")
    return seconds


def _request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


if __name__ == "__main__":
    sys.exit(main())
