"""Clients that leave a running server: what is evaluated for them ends, and the engines are free for others."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from citygraph.engine.engines import Engines, RunningQuery
from citygraph.engine.process import servers
from citygraph.settings import Settings
from tests.running import PATIENCE, Running, serving, wait_for
from tests.small import build_small

# It takes until its time limit.
LONG = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"

# Its result has gigabytes.
ALL = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"

TOKEN = "the-token-of-the-metrics"

FEW, MANY = "?a a ?b", "?a ?b ?c"  # 18 and 106 kB


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Engines]]:
    """A server with three engines, of which a client may have two, and a way to see what they evaluate."""
    folder: Path = tmp_path_factory.mktemp("left")
    build_small(folder)
    releases = folder / "releases"
    limits: dict[str, Any] = {"engines": 3, "threads": 64, "client_concurrency": 0, "time_limit": PATIENCE}
    with serving(releases, workers=1, metrics_token=TOKEN, **limits) as running:
        (settings,) = servers(Settings(releases=releases))
        with Engines(settings) as engines:
            yield running, engines


def requests(kind: str) -> list[bytes]:
    """Fifty requests, no two of which are the same."""
    texts = [quote(f"{LONG} # {kind} {number}") for number in range(50)]
    paths = {"sparql": "/sparql?query={}", "page": "/sparql?run=1&query={}"}
    accept = {"sparql": "application/sparql-results+json", "page": "text/html"}[kind]
    return [
        f"GET {paths[kind].format(text)} HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n".encode() for text in texts
    ]


@pytest.mark.parametrize("kind", ["sparql", "page"])
def test_a_query_ends_when_its_client_leaves(site: tuple[Running, Engines], kind: str) -> None:
    """(16 §2) Of 50 connections that close, no query runs on, and no request is left that could begin one."""
    running, engines = site
    with ExitStack() as stack:
        for request in requests(kind):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            connection.sendall(request)
        wait_for(lambda: len(ours(engines)) == 2)
    # They would be evaluated for two minutes each, two at a time. The last request is that for the number.
    wait_for(lambda: under_way(running) == 1, PATIENCE / 2)
    wait_for(lambda: not ours(engines), PATIENCE / 2)
    assert running.get("/sparql?query=" + quote(f"ASK {{ ?s ?p ?o . ?o ?q ?r }} # {kind}")).status == 200


def test_a_large_result_streams_and_ends_with_its_client(site: tuple[Running, Engines]) -> None:
    """(16 §2) The first bytes of gigabytes come long before the last; when the client has enough, the query ends."""
    running, engines = site
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(request_of(f"{ALL} # COUNT"))
        assert connection.recv(12) == b"HTTP/1.1 200"
        receive(connection, 10_000_000)
        assert ours(engines)
    wait_for(lambda: not ours(engines), PATIENCE / 2)


def test_the_first_rows_arrive_while_later_ones_are_evaluated(site: tuple[Running, Engines]) -> None:
    """(16 §2) Here the last row never comes; the rows before it are far fewer than `hold_limit`."""
    running, engines = site
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection:
        connection.sendall(request_of(late_end(MANY)))
        assert receive(connection, 60_000).startswith(b"HTTP/1.1 200")
        assert ours(engines)
    wait_for(lambda: not ours(engines), PATIENCE / 2)


def receive(connection: socket.socket, size: int) -> bytes:
    """The next bytes, at least so many."""
    received = bytearray()
    while len(received) < size:
        piece = connection.recv(1_000_000)
        assert piece, "the server has closed the connection"
        received += piece
    return bytes(received)


@pytest.mark.parametrize(("rows", "version"), [(FEW, "1.1"), (MANY, "1.0")])
def test_an_ordinary_result_that_fails_is_an_error(site: tuple[Running, Engines], rows: str, version: str) -> None:
    """(16 §2) So is one with few bytes, and one for a client that would take a cut for the end."""
    running, _ = site
    request = request_of(late_end(rows), "timeout=1&").replace(b"HTTP/1.1", b"HTTP/" + version.encode())
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection:
        connection.sendall(request)
        reply = b""
        while b"problems/time-limit" not in reply and (piece := connection.recv(100_000)):
            reply += piece
    assert b" 503 " in reply.partition(b"\r\n")[0]
    assert b"problems/time-limit" in reply


def late_end(beginning: str) -> str:
    """A query with the rows of a pattern, after which it is evaluated until its time limit."""
    never = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l FILTER(STRLEN(CONCAT(STR(?c), STR(?l))) < 0)"
    return f"SELECT * {{ {{ {beginning} }} UNION {{ {never} }} }} # COUNT"


def test_a_large_result_that_reaches_a_limit_is_cut(site: tuple[Running, Engines]) -> None:
    """(16 §2) The connection closes without the last chunk, so that no client takes the part for the whole."""
    running, _ = site
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection:
        connection.sendall(request_of(ALL, "timeout=2&"))
        last = b""
        while piece := connection.recv(1_000_000):
            last = (last + piece)[-100:]
    assert last
    assert not last.endswith(b"0\r\n\r\n")


def request_of(text: str, parameters: str = "") -> bytes:
    head = f"GET /sparql?{parameters}query={quote(text)} HTTP/1.1\r\nHost: a\r\n"
    return f"{head}Accept: text/csv\r\n\r\n".encode()


def ours(engines: Engines) -> list[RunningQuery]:
    return [query for query in engines.running() if "COUNT" in query.text]


def under_way(running: Running) -> int:
    """The number of requests that the server answers."""
    text = running.get("/metrics", Authorization=f"Bearer {TOKEN}").body.decode()
    return int(float(re.findall(r"^citygraph_http_requests_in_progress (\S+)$", text, re.MULTILINE)[0]))
