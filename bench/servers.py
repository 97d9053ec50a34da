"""The compared servers: their start, their endpoint and their data."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import virtuoso
from bench.connection import Connection, Endpoint
from bench.dataset import TRIPLES, write_default_graph
from bench.processes import NotReady, free_port, rest, running
from citygraph.release.releases import Release
from citygraph.settings import Settings

_ROOT = Path(__file__).parent.parent
_BIN = Path(sys.executable).parent
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class Plan:
    """The start of a server: its command, the path of its endpoint, and additional environment variables."""

    command: tuple[str, ...]
    path: str
    parameters: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Running:
    """A running server."""

    name: str
    endpoint: Endpoint
    pid: int


def citygraph_memory(release: Release, port: int) -> Plan:
    """This server, the release loaded into memory."""
    return _citygraph(release, port, "memory")


def citygraph_disk(release: Release, port: int) -> Plan:
    """This server, the release read from disk by each engine."""
    return _citygraph(release, port, "disk")


def oxigraph(release: Release, port: int) -> Plan:
    """The native server on the very same store, which it opens read-only like us."""
    store = str(release.store_path)
    return Plan((str(_BIN / "oxigraph"), "serve-read-only", "-l", store, "-b", f"{_HOST}:{port}"), "/query")


def rdflib_endpoint(release: Release, port: int) -> Plan:
    """rdflib-endpoint on rdflib's own store in memory, served by the HTTP server that we use ourselves."""
    options = ("--factory", "--host", _HOST, "--port", str(port), "--no-access-log", "--log-level", "warning")
    command = (str(_BIN / "uvicorn"), *options, "bench.rdflib_peer:application")
    return Plan(command, "/", "", {TRIPLES: str(write_default_graph(release)), "PYTHONPATH": str(_ROOT)})


def virtuoso_7(release: Release, port: int) -> Plan:
    """Virtuoso on the default graph, which it loads in the first run."""
    return Plan(virtuoso.command(release, port), "/sparql", virtuoso.PARAMETERS)


KINDS = {
    "citygraph-memory": citygraph_memory,
    "citygraph-disk": citygraph_disk,
    "oxigraph": oxigraph,
    "rdflib-endpoint": rdflib_endpoint,
    "virtuoso": virtuoso_7,
}


@contextmanager
def server(name: str, release: Release, patience: float = 900.0) -> Iterator[Running]:
    """The server of that name, for the time of a block. Raises NotReady."""
    port = free_port()
    plan = KINDS[name](release, port)
    environment = {**os.environ, **plan.environment}
    log = release.path.parent / f"{name}.log"
    with running(plan.command, port, log, environment, patience) as pid:
        endpoint = Endpoint(port, plan.path, _HOST, plan.parameters)
        _await_answer(name, endpoint, patience)
        rest(pid, patience)
        yield Running(name, endpoint, pid)


def _await_answer(name: str, endpoint: Endpoint, patience: float) -> None:
    """Waits for a response: a server may listen before it has loaded its data."""
    deadline = time.monotonic() + patience
    reply = None
    while time.monotonic() < deadline:
        connection = Connection(endpoint, patience)
        with suppress(OSError):
            reply = connection.ask(endpoint.request("ASK {}"))
        connection.close()
        if reply and reply.status == 200:
            return
        time.sleep(0.1)
    raise NotReady(f"{name} does not answer" + (f": status {reply.status}, {reply.body[:200]!r}" if reply else ""))


def _citygraph(release: Release, port: int, mode: str) -> Plan:
    """Settings that the environment gives are kept, so that others than the defaults can be measured."""
    own = Settings(releases=release.path.parent.absolute(), port=port, host=_HOST, store_mode=mode).as_environment()
    said = {name: value for name, value in own.items() if name in _GIVEN or name not in os.environ}
    return Plan((str(_BIN / "citygraph"), "serve"), "/sparql", "", said)


_GIVEN = frozenset({"CITYGRAPH_RELEASES", "CITYGRAPH_PORT", "CITYGRAPH_HOST", "CITYGRAPH_STORE_MODE"})
