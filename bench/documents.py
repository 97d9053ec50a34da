"""Documents per second, compared with oxigraph's DESCRIBE of the same entities: `python -m bench.documents --help`.

Each document is made for each request: the servers keep no results. Native oxigraph describes from the default graph; a
document also has the source of each statement, incoming links, and the labels of all named entities.

In such a short time nearly every page is the first of its city, whose neighbours are read. Those of "HTML again" and
"Turtle again" were made before, as the first ones of each process: their descriptions are kept. Turtle is the first of
a city in the first round, and mostly made before in the others.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median

from pyoxigraph import DefaultGraph, NamedNode

from bench.connection import Connection, Endpoint
from bench.dataset import find_or_write
from bench.generator import World
from bench.load import Figures, Load, Request, measure
from bench.processes import processor_time
from bench.servers import Running, server
from citygraph.rdf.terms import CG, ID, RDF
from citygraph.release.releases import Release

_TURTLE = "text/turtle"
_FORMS = {"Turtle": "ttl", "JSON-LD": "jsonld", "HTML": "html"}
_AGAIN = {"HTML again": "html", "Turtle again": "ttl"}
_REPEATED = 50  # documents
_CONNECTIONS = 8
_NOT_MODIFIED = 304
# What part of native's rate we aim at, with one client and with several.
_PAGES, _TURTLE_AIM = (0.112, 0.084), (0.4, 0.4)
_AIMS = {"Turtle": _TURTLE_AIM, "Turtle again": _TURTLE_AIM, "HTML": _PAGES, "HTML again": _PAGES, "304": (0.5, 0.5)}


@dataclass(frozen=True)
class Task:
    """A request and the running server that gets it."""

    server: str
    what: str
    endpoint: Endpoint
    pid: int
    requests: tuple[Request, ...]
    status: int = 200


@dataclass(frozen=True)
class Row:
    """The middle of several rounds: documents a second, what part of native's rate in the same round that is, and the
    processor time of all processes of the server for a document, in microseconds.
    """

    cities: int
    server: str
    what: str
    clients: int
    rate: float
    part: float
    processor: float
    failed: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each size of the world."""
    options = _parser().parse_args(arguments)
    rows: list[Row] = []
    for size in options.cities:
        release = find_or_write(options.work, World(size, options.seed))
        entities = _entities(release, options.entities, options.seed)
        rows.extend(_measured(release, size, entities, options))
    print("\n".join(_table(rows)))
    if options.out:
        options.out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.documents", description=__doc__)
    add = parser.add_argument
    add("--cities", type=int, nargs="+", default=[1_000, 30_000], help="sizes of the generated worlds [1000 30000]")
    add("--entities", type=int, default=1_500, help="how many different cities are asked for [1500]")
    add("--seed", type=int, default=1, help="another seed is another world [1]")
    add("--seconds", type=float, default=0.5, help="how long each thing is asked in each round [0.5]")
    add("--rounds", type=int, default=7, help="rounds with one client, and with several [7]")
    add("--clients", type=int, default=4, help="how many clients are several [4]")
    add("--held", type=int, default=5_000_000, help="quads up to which a release is also tried in memory [5000000]")
    add("--work", type=Path, default=Path("var/bench"), help="folder that keeps generated worlds [var/bench]")
    add("--out", type=Path, metavar="FILE.json", help="write all figures as JSON too")
    return parser


def _measured(release: Release, size: int, entities: list[str], options: argparse.Namespace) -> Iterator[Row]:
    """Measures all servers in turns, round after round, so that all run under the same load."""
    with ExitStack() as stack:
        native = stack.enter_context(server("oxigraph", release))
        describe = tuple((_describe(native.endpoint, iri), b"") for iri in entities)
        tasks = [Task("oxigraph", "DESCRIBE", native.endpoint, native.pid, describe)]
        for name, held in (("citygraph", 0), ("citygraph, held", options.held)):
            if not name.endswith("held") or release.manifest.quads <= held:
                with _without_results(held):
                    ours = stack.enter_context(server("citygraph-disk", release))
                tasks.extend(_tasks(name, ours, entities))
        if any(task.server.endswith("held") for task in tasks):
            _say(f"{size:,} cities: waiting until the release is in memory")
            time.sleep(2 + release.manifest.quads / 40_000)
        for task in tasks:
            if task.what in _AGAIN:
                _ask_all(task)
        for clients in (1, options.clients):
            yield from _rounds(tasks, size, clients, options)


def _tasks(name: str, ours: Running, entities: list[str]) -> Iterator[Task]:
    endpoint = ours.endpoint
    for what, extension in _FORMS.items():
        requests = tuple((_get(endpoint, f"{_path(iri)}.{extension}"), b"") for iri in entities)
        yield Task(name, what, endpoint, ours.pid, requests)
    # The last ones, because each client begins at another place before them.
    last = entities[-_REPEATED:]
    for what, extension in _AGAIN.items():
        repeated = tuple((_get(endpoint, f"{_path(iri)}.{extension}"), b"") for iri in last)
        yield Task(name, what, endpoint, ours.pid, repeated)
    # Few, because their documents are made for their tags, and are no first ones afterwards.
    yield Task(name, "304", endpoint, ours.pid, tuple(_conditional(endpoint, last)), _NOT_MODIFIED)


def _ask_all(task: Task) -> None:
    """Sends all requests of a task to every process of a server, which shares connections among its processes."""
    with ExitStack() as stack:
        for connection in [Connection(task.endpoint, 60) for _ in range(_CONNECTIONS)]:
            stack.callback(connection.close)
            for head, _ in task.requests:
                connection.ask(head)


def _rounds(tasks: list[Task], size: int, clients: int, options: argparse.Namespace) -> Iterator[Row]:
    seen: list[list[Figures]] = [[] for _ in tasks]
    used: list[list[float]] = [[] for _ in tasks]
    for _ in range(options.rounds):
        for task, figures, times in zip(tasks, seen, used, strict=True):
            before = processor_time(task.pid)
            figures.append(measure(task.endpoint, task.requests, Load(clients, options.seconds, expected=task.status)))
            times.append((processor_time(task.pid) - before) / figures[-1].requests * 1e6)
    for task, figures, times in zip(tasks, seen, used, strict=True):
        parts = [ours.rate / native.rate for ours, native in zip(figures, seen[0], strict=True)]
        rate, failed = median(f.rate for f in figures), sum(f.failed for f in figures)
        row = Row(size, task.server, task.what, clients, rate, median(parts), median(times), failed)
        shown = f"{rate:7,.0f}/s {row.part:5.2f} {row.processor:6,.0f} µs"
        _say(f"{size:>7,} {row.server:16} {row.what:9} {clients} client(s) {shown}")
        yield row


def _entities(release: Release, count: int, seed: int) -> list[str]:
    """Cities from all over the world, in no order."""
    cities = release.open_store().quads_for_pattern(None, RDF("type"), CG("City"), DefaultGraph())
    found = sorted(quad.subject.value for quad in cities if isinstance(quad.subject, NamedNode))
    Random(seed).shuffle(found)  # noqa: S311 - nothing here is secret
    return list(islice(found, count))


def _path(iri: str) -> str:
    return f"/doc/{iri.removeprefix(ID)}"


def _get(endpoint: Endpoint, path: str, **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {endpoint.host}:{endpoint.port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _describe(endpoint: Endpoint, iri: str) -> bytes:
    query, _, rest = endpoint.request(f"DESCRIBE <{iri}>").partition(b"\r\n")
    lines = [line for line in rest.split(b"\r\n") if not line.startswith(b"Accept:")]
    return b"\r\n".join([query, f"Accept: {_TURTLE}".encode(), *lines])


def _conditional(endpoint: Endpoint, entities: Sequence[str]) -> Iterator[Request]:
    """Requests of a client that has the Turtle of each entity already."""
    connection = Connection(endpoint, 60)
    for iri in entities:
        path = f"{_path(iri)}.ttl"
        etag = connection.ask(_get(endpoint, path)).header("ETag")
        yield _get(endpoint, path, If_None_Match=etag), b""
    connection.close()


@contextmanager
def _without_results(held: int) -> Iterator[None]:
    """A server that makes every document for each request, with releases up to a size in memory."""
    before = dict(os.environ)
    os.environ.update(CITYGRAPH_CACHE_SIZE="0", CITYGRAPH_HELD_QUADS=str(held))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| cities | server | what | clients | a second | of native | aim | processor (µs) |"
    yield "|---:|---|---|---:|---:|---:|---:|---:|"
    for row in rows:
        aim = f"{_AIMS[row.what][row.clients > 1]:.3f}" if row.what in _AIMS else ""
        failed = f" ({row.failed} failed)" if row.failed else ""
        figures = f"{row.clients} | {row.rate:,.0f}{failed} | {row.part:.2f}"
        yield f"| {row.cities:,} | {row.server} | {row.what} | {figures} | {aim} | {row.processor:,.0f} |"
    yield from _growth(rows)


def _growth(rows: Sequence[Row]) -> Iterator[str]:
    """Returns the cost of a document in a larger world relative to a smaller one, and the same for a DESCRIBE."""
    smallest = {(row.server, row.what, row.clients): row for row in rows if row.cities == min(r.cities for r in rows)}
    for row in rows:
        small = smallest.get((row.server, row.what, row.clients), row)
        if row.cities != small.cities:
            times = f"{small.part / row.part:.2f} times as much beside native as with {small.cities:,}"
            yield f"\n{row.server}, {row.what}, {row.clients} client(s), {row.cities:,} cities: {times}"


if __name__ == "__main__":
    sys.exit(main())
