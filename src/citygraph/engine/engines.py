"""The client of the engine processes, used by web processes to run queries.

A query that exceeds a limit costs its engine process, never the web process. A result is either complete or an error.
A result of up to `hold_limit` bytes is buffered until its end has arrived. A larger one is a stream, which raises if
the engine fails before its end.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from typing import Any, NamedTuple

from citygraph.engine import wire
from citygraph.engine.pool import Connection, Pool
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import EngineFailed, LimitReached
from citygraph.rdf.formats import BY_NAME, Format
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query

# More than one, because an engine may be replaced between two queries on the same connection.
_ATTEMPTS = 4
# Seconds over the time limit. The supervisor enforces that limit; this one applies only if the supervisor is gone.
_BACKSTOP = 2.0
# The kernel closes a killed process's sockets before its supervisor can reap it, so the reason may come a little later.
_WHY_PATIENCE = 1.0  # seconds


class Answer(NamedTuple):
    """A query result. `body` is complete (bytes), or a `Stream` whose number of rows is not known yet."""

    format: Format
    body: bytes | Stream
    elapsed: float
    rows: int | None
    release: str


@dataclass(frozen=True)
class RunningQuery:
    """A query in progress; `age` is in seconds, `text` is at most its first 4096 bytes."""

    id: str
    release: str
    age: float
    client: str
    text: str
    pid: int


class Engines:
    """A client of the engines of all releases, shared by the threads of one process. It connects lazily."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._pools: dict[tuple[str, bool], Pool] = {}
        self._lock = threading.Lock()

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query on a release; `federated` selects an engine with network access.

        Raises the engine's own errors (QuerySyntaxError, NotAcceptable, Forbidden, Upstream, EngineFailed), Busy if
        no engine is free in time, LimitReached, NotFound for an unknown release.
        """
        pool = self._pool(release_id, federated)
        attempts, kind = 0, wire.QUERY
        while attempts < _ATTEMPTS:
            connection = pool.acquire(self._settings.queue_wait, client)
            # An idle connection may have been closed since its last query, which costs nothing to find out here.
            attempts += not connection.is_reused
            prefix = _public(query.name) if query.name else self._name
            exchange = _Exchange(connection, pool, _limited(self._settings, query), f"{prefix}-{next(self._numbers)}")
            try:
                return exchange.run(query, client, kind)
            except _NotBegun:
                # The counting store may be what ended the engine.
                kind = wire.PLAIN_QUERY
                continue
        raise EngineFailed("no engine process accepted the query")

    def open(self, release_id: str, wait: float = 300.0) -> None:
        """Waits until a release can be queried. Raises Busy after `wait` seconds."""
        pool = self._pool(release_id, federated=False)
        connection = pool.acquire(wait)
        # An engine never writes before a query: an idle connection is readable only if it was closed.
        while connection.is_reused and wire.is_readable(connection.channel.socket):
            pool.discard(connection)
            connection = pool.acquire(wait)
        pool.release(connection)

    def running(self) -> list[RunningQuery]:
        """Returns the queries in progress, of all web processes, the oldest first."""
        queries = [
            RunningQuery(release=release, **entry)
            for release, response in self._consult_supervisors({"running": True})
            for entry in response["running"]
        ]
        return sorted(queries, key=lambda query: -query.age)

    def cancel(self, query_id: str) -> bool:
        """Ends a running query, whose client gets LimitReached "cancelled". Returns False if no such query runs."""
        # A list, so that every supervisor is consulted: a client may give one name to several queries.
        cancelled = [response["cancelled"] for _, response in self._consult_supervisors({"cancel": query_id})]
        return any(cancelled)

    def cancel_named(self, name: str) -> bool:
        """Ends the running queries to which a client gave this name; see `cancel`."""
        return self.cancel(_public(name))

    def figures(self) -> dict[str, dict[str, int]]:
        """Returns counts by release since its engines started: queries, engines, started, recycled, time, memory, …"""
        sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for release, response in self._consult_supervisors({"running": True}):
            sums[release].update(response["figures"])
        return {release: dict(figures) for release, figures in sums.items()}

    def state(self, release_id: str) -> str:
        """Returns "ok" if the engines of a release accept queries, "starting" if they soon will.

        Raises EngineFailed if they do not start, or the host does not respond.
        """
        try:
            # As before a query, because an unknown release has no engines until then.
            opened = wire.consult(self._settings.engine_socket, {"open": release_id})
        except (OSError, ConnectionLost) as error:
            raise EngineFailed(f"the engine host does not respond: {error}") from error
        if "error" in opened:
            raise EngineFailed(opened["error"])
        if opened["state"] == "failing":
            raise EngineFailed(f"the engines of release {release_id} ended, and are started again; see the log")
        return str(opened["state"])

    def close(self) -> None:
        """Closes the connections that are not in use."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pool(self, release_id: str, federated: bool) -> Pool:
        key = release_id, federated
        if pool := self._pools.get(key):
            return pool
        with self._lock:
            if key not in self._pools:
                # The web processes share the engines evenly.
                size = max(1, self._settings.engines // max(1, self._settings.workers))
                self._pools[key] = Pool(self._settings.engine_socket, release_id, federated, size)
            return self._pools[key]

    def _consult_supervisors(self, request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        try:
            opened = wire.consult(self._settings.engine_socket, {"list": True})["open"]
        except (OSError, ConnectionLost) as error:
            raise EngineFailed(f"the engine host does not respond: {error}") from error
        for release, supervisors in opened.items():
            for supervisor in supervisors:
                if supervisor["ready"]:
                    # A supervisor that has just ended runs no query.
                    with contextlib.suppress(OSError, ConnectionLost):
                        yield release, wire.consult(supervisor["control"], request)


class Stream:
    """An iterator of the pieces of a large result.

    It raises LimitReached or EngineFailed midway if the result cannot be finished. The connection to the reader must
    then be cut, because the status 200 has been sent already. `close` before the end cancels the query.
    """

    def __init__(self, exchange: _Exchange, pieces: list[bytes]) -> None:
        self._exchange = exchange
        self._pieces = pieces
        self.rows: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._pieces:
            return self._pieces.pop(0)
        piece = self._exchange.next_piece()
        if piece is None:
            self.rows = self._exchange.rows
            raise StopIteration
        return piece

    def close(self) -> None:
        """Discards the rest of the result, and cancels the query if it still runs."""
        self._pieces.clear()
        self._exchange.abandon()

    def __del__(self) -> None:
        # A stream that is dropped before its end must not keep its engine busy.
        self._exchange.abandon()


class _NotBegun(Exception):
    """An internal signal that an engine ended before it began this query, or while the counting store evaluated it.

    The query can be retried on another engine.
    """


class _Exchange:
    """One query on one connection, from the request to the end of the result."""

    def __init__(self, connection: Connection, pool: Pool, settings: Settings, query_id: str) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._settings = settings
        self._id = query_id
        self._begun = time.monotonic()
        self._format: Format | None = None
        self._size = 0
        self.rows: int | None = None

    def run(self, query: Query, client: str, kind: bytes) -> Answer:
        """Sends the query and receives its result, or a stream that begins with the part received so far."""
        pieces: list[bytes] = []
        try:
            self._send(query, client, kind)
            while (piece := self.next_piece()) is not None:
                pieces.append(piece)
                if self._size > self._settings.hold_limit:
                    return self._answer(Stream(self, pieces))
        except BaseException:
            self.abandon()
            raise
        return self._answer(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def next_piece(self) -> bytes | None:
        """Returns the next piece of the result, or None at its end.

        Raises the error that the engine sent, or one for the reason why the engine ended.
        """
        if self._connection is None:
            if self.rows is None:
                # After a failure, or after `abandon`: None would mark the result as complete.
                raise EngineFailed("the result is not complete")
            return None
        while True:
            kind, payload = self._receive(self._connection.channel)
            if kind == wire.WHOLE:
                self.rows, name, body = wire.read_whole(payload)
                self._format = BY_NAME[name]
                self._release()
                return body
            if kind == wire.DATA:
                self._size += len(payload)
                return payload
            if kind == wire.BEGIN:
                self._format = BY_NAME[payload.decode()]
            elif kind == wire.FAIL:
                self._release()
                raise wire.error_from_wire(json.loads(payload))
            else:
                self._finish(*wire.read_end(payload))
                return None

    def _receive(self, channel: Channel) -> tuple[bytes, bytes]:
        try:
            return channel.receive(self._remaining())
        except TimeoutError:
            elapsed = time.monotonic() - self._begun
            self._discard()
            raise EngineFailed(f"the engine process did not respond within {elapsed:.0f} s") from None
        except ConnectionLost:
            raise self._reason() from None

    def abandon(self) -> None:
        """Cancels the query if it is still in progress."""
        if self._connection is not None:
            control = self._connection.control
            # The request goes to the supervisor, because an engine does not read its connection while it evaluates.
            self._discard()
            _consult_quietly(control, {"cancel": self._id})

    def _send(self, query: Query, client: str, kind: bytes) -> None:
        assert self._connection is not None  # noqa: S101
        try:
            self._connection.channel.send(wire.query_frame(query, self._id, client, kind))
        except ConnectionLost:
            self._discard()
            raise _NotBegun from None

    def _answer(self, body: bytes | Stream) -> Answer:
        if self._format is None:
            raise EngineFailed("the engine process sent a result without its format")
        elapsed = time.monotonic() - self._begun
        return Answer(self._format, body, elapsed, self.rows, self._pool.release_id)

    def _finish(self, rows: int, size: int) -> None:
        if size != self._size:
            self._discard()
            raise EngineFailed(f"{self._size} of {size} bytes of the result arrived")
        self.rows = rows
        self._release()

    def _remaining(self) -> float:
        # A slow reader, not the engine, may have used up the time: pieces sent already can still be received.
        remaining = self._settings.time_limit + _BACKSTOP - (time.monotonic() - self._begun)
        # In whole seconds, because each other timeout costs a system call.
        return max(1.0, ceil(remaining))

    def _reason(self) -> Exception:
        """Returns an error for the reason why the engine closed the connection before the end of the result."""
        assert self._connection is not None  # noqa: S101
        control = self._connection.control
        self._discard()
        deadline = time.monotonic() + _WHY_PATIENCE
        while time.monotonic() < deadline:
            response = _consult_quietly(control, {"why": self._id})
            if response.get("end"):
                return self._error_of(response["end"])
            # A query that is still listed belongs to a process that has closed its connection but not quite ended.
            if not response.get("running"):
                break
            time.sleep(0.01)
        if self._format is None:
            return _NotBegun()
        return EngineFailed("the engine process ended before the result was complete")

    def _error_of(self, end: dict[str, Any]) -> Exception:
        elapsed = end["elapsed"]
        match end["kind"]:
            case "time":
                limit = self._settings.time_limit
                message = f"the query was ended after {elapsed:.1f} s: the limit is {limit:g} s"
                return LimitReached(message, "time", limit, elapsed)
            case "memory":
                size = self._settings.memory_limit
                message = f"the query was ended after {elapsed:.1f} s: it needs more than {size} bytes of memory"
                return LimitReached(message, "memory", size, elapsed)
            case "counting":
                return _NotBegun()
            case "cancelled":
                return LimitReached("the query was ended on request", "cancelled", 0, elapsed)
            case _:
                return EngineFailed(
                    f"the engine process crashed on this query after {elapsed:.1f} s (status {end['code']})"
                )

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.release(connection)

    def _discard(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.discard(connection)


def _limited(settings: Settings, query: Query) -> Settings:
    """Returns the settings with the time limit of the client, if that is lower."""
    if not 0 < query.time_limit < settings.time_limit:
        return settings
    return settings.with_changes(time_limit=query.time_limit)


def _public(name: str) -> str:
    """Returns a hash of a query's name for public lists, because anyone who knows the name can cancel the query."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def _consult_quietly(control: str, request: dict[str, Any]) -> dict[str, Any]:
    """Returns a supervisor's response, or an empty one if the supervisor and its queries are gone."""
    try:
        return wire.consult(control, request)
    except (OSError, ConnectionLost):
        return {}
