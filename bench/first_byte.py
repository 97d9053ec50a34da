"""Time to the first byte of a large result, compared with the engine's first row: `python -m bench.first_byte --help`.

The engine's first row is that of pyoxigraph in this process, on the files of the same release; the server reads them
too. No text is evaluated twice. A client leaves after its first byte of the body.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pyoxigraph import Store

from bench.connection import Endpoint
from bench.dataset import find_or_write
from bench.generator import World
from bench.servers import server
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query

_PATIENCE = 60.0
_AIM = 1.5
_RESULTS = "application/sparql-results+"


@dataclass(frozen=True)
class _Question:
    """A query with a large result, and its requested media types."""

    title: str
    text: str
    types: tuple[str, ...]


_QUESTIONS = (
    _Question(
        "all triples",
        "SELECT * { ?s ?p ?o }",
        (f"{_RESULTS}json", f"{_RESULTS}xml", "text/csv", "text/tab-separated-values"),
    ),
    _Question("triples in order", "SELECT * { ?s rdfs:label ?label } ORDER BY ?label", (f"{_RESULTS}json",)),
    _Question("groups", "SELECT ?s (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?s", (f"{_RESULTS}json",)),
    _Question("a graph", "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }", ("text/turtle", "application/n-triples")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser("python -m bench.first_byte", description=__doc__)
    parser.add_argument("--cities", type=int, default=1_000, help="size of the generated world [1000]")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked [5]")
    parser.add_argument("--work", type=Path, default=Path("var/bench"), help="folder that keeps the world [var/bench]")
    options = parser.parse_args(arguments)
    release = find_or_write(options.work, World(options.cities, 1))
    store = release.open_store()
    with server("citygraph-disk", release) as running:
        for row in _table(store, running.endpoint, options.rounds):
            print(row, flush=True)
    return 0


def _table(store: Store, endpoint: Endpoint, rounds: int) -> Iterator[str]:
    yield f"| result | type | first row (ms) | first byte (ms) | ratio (aim {_AIM}) | over {_AIM} × first row (ms) |"
    yield "|---|---|---:|---:|---:|---:|"
    serial = itertools.count()
    for question in _QUESTIONS:
        for media_type in question.types:
            rows, first_bytes = [], []
            for _ in range(rounds):
                rows.append(_first_row(store, f"{question.text} # {next(serial)}"))
                first_bytes.append(_first_byte(endpoint, f"{question.text} # {next(serial)}", media_type))
            row, first = 1e3 * median(rows), 1e3 * median(first_bytes)
            late = max(0.0, first - _AIM * row)
            yield f"| {question.title} | {media_type} | {row:.1f} | {first:.1f} | {first / row:.2f} | {late:.1f} |"


def _first_row(store: Store, text: str) -> float:
    """Returns the seconds until the library has the first solution or triple."""
    begun = time.perf_counter()
    next(iter(evaluate(store, Query(text)).answer))  # type: ignore[arg-type]
    return time.perf_counter() - begun


def _first_byte(endpoint: Endpoint, text: str, media_type: str) -> float:
    """Returns the seconds until the first byte of the body is here. Raises RuntimeError for another status than 200."""
    request = endpoint.request(text).replace(
        b"Accept: application/sparql-results+json", b"Accept: " + media_type.encode()
    )
    with socket.create_connection((endpoint.host, endpoint.port), _PATIENCE) as connection:
        begun = time.perf_counter()
        connection.sendall(request)
        received = b""
        while not received.partition(b"\r\n\r\n")[2]:
            piece = connection.recv(65536)
            if not piece:
                raise RuntimeError(f"{text}: the connection was closed")
            received += piece
        seconds = time.perf_counter() - begun
    if not received.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{text}: {received!r}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
