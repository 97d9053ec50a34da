"""Runs a query on a release in an engine process that may be killed; the side of it that web processes see.

An answer is either whole or an error: a result up to `hold_limit` is held until its end has come, a larger one is a
stream that raises if the engine fails before its end.
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
from typing import Any

from citygraph.engine import wire
from citygraph.engine.pool import Line, Pool
from citygraph.engine.wire import ConnectionLost
from citygraph.errors import EngineFailed, LimitReached
from citygraph.rdf.formats import BY_NAME, Format
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query

_ATTEMPTS = 4
# The nursery ends a query at its limit; if nothing has come so long after it, the nursery is not there.
_BACKSTOP = 2.0
_WHY_PATIENCE = 1.0


@dataclass(frozen=True)
class Answer:
    """A result. `body` is whole (bytes), or a `Stream`; a stream does not know its rows yet."""

    format: Format
    body: bytes | Stream
    elapsed: float
    rows: int | None
    release: str


@dataclass(frozen=True)
class Running:
    """A query under way; `age` is in seconds, `text` is at most its first 4096 bytes."""

    id: str
    release: str
    age: float
    client: str
    text: str
    pid: int


class Engines:
    """The engines of all releases, for the threads of one process. Makes connections when they are needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._pools: dict[tuple[str, bool], Pool] = {}
        self._lock = threading.Lock()

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluate a query on a release; `federated` takes an engine that has a network.

        Raises what the engine raises (QuerySyntaxError, NotAcceptable, Forbidden, Upstream, EngineFailed), Busy if
        no engine is free in time, LimitReached, NotFound for an unknown release.
        """
        pool = self._pool(release_id, federated)
        for _ in range(_ATTEMPTS):
            line = pool.take(self._settings.queue_wait, client)
            prefix = _public(query.name) if query.name else self._name
            reply = _Reply(line, pool, self._settings, f"{prefix}-{next(self._numbers)}")
            try:
                return reply.ask(query, client)
            except _NotBegun:
                # The engine was replaced between two queries: this one has met nobody.
                continue
        raise EngineFailed("no engine process took the query")

    def open(self, release_id: str, wait: float = 300.0) -> None:
        """Have a release ready: at start, and before a new one takes over. Raises Busy if it takes longer."""
        pool = self._pool(release_id, federated=False)
        pool.give_back(pool.take(wait))

    def running(self) -> list[Running]:
        """The queries under way in all web processes, the oldest first."""
        found = [
            Running(release=release, **entry)
            for release, answer in self._ask_nurseries({"running": True})
            for entry in answer["running"]
        ]
        return sorted(found, key=lambda running: -running.age)

    def cancel(self, query_id: str) -> bool:
        """End a running query; its client gets LimitReached "cancelled". False if no such query runs."""
        # All of them are asked: one name may stand for several queries.
        ended = [answer["cancelled"] for _, answer in self._ask_nurseries({"cancel": query_id})]
        return any(ended)

    def cancel_named(self, name: str) -> bool:
        """The same by the name that the client gave to its query."""
        return self.cancel(_public(name))

    def figures(self) -> dict[str, dict[str, int]]:
        """Counts since its engines were opened, by release: queries, engines, started, recycled, time, memory, …"""
        sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for release, answer in self._ask_nurseries({"running": True}):
            sums[release].update(answer["figures"])
        return {release: dict(figures) for release, figures in sums.items()}

    def close(self) -> None:
        """Close the connections that are not in use."""
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
        with self._lock:
            if key not in self._pools:
                size = max(1, self._settings.engines // max(1, self._settings.workers))
                self._pools[key] = Pool(self._settings.engine_socket, release_id, federated, size)
            return self._pools[key]

    def _ask_nurseries(self, question: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        try:
            opened = wire.consult(self._settings.engine_socket, {"list": True})["open"]
        except (OSError, ConnectionLost) as error:
            raise EngineFailed(f"the engine host does not answer: {error}") from error
        for release, nurseries in opened.items():
            for nursery in nurseries:
                if nursery["ready"]:
                    # One that has just ended runs no query.
                    with contextlib.suppress(OSError, ConnectionLost):
                        yield release, wire.consult(nursery["control"], question)


class Stream:
    """The body of a large result, piece by piece.

    Raises LimitReached or EngineFailed in the middle if the result cannot be finished: then the connection to the
    reader must be cut. `close` before the end ends the query.
    """

    def __init__(self, reply: _Reply, held: list[bytes]) -> None:
        self._reply = reply
        self._held = held
        self.rows: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._held:
            return self._held.pop(0)
        piece = self._reply.next_piece()
        if piece is None:
            self.rows = self._reply.rows
            raise StopIteration
        return piece

    def close(self) -> None:
        """Stop reading."""
        self._held.clear()
        self._reply.abandon()

    def __del__(self) -> None:
        self._reply.abandon()


class _NotBegun(Exception):
    """The engine ended before it had begun this query, which may be asked of another one."""


class _Reply:
    """One query on one connection, from asking to the end of its result."""

    def __init__(self, line: Line, pool: Pool, settings: Settings, query_id: str) -> None:
        self._line: Line | None = line
        self._pool = pool
        self._settings = settings
        self._id = query_id
        self._begun = time.monotonic()
        self._format: Format | None = None
        self._size = 0
        self.rows: int | None = None

    def ask(self, query: Query, client: str) -> Answer:
        """Send the query and take its result, or as much of it as is held."""
        held: list[bytes] = []
        try:
            self._send(query, client)
            while (piece := self.next_piece()) is not None:
                held.append(piece)
                if self._size > self._settings.hold_limit:
                    return self._answer(Stream(self, held))
        except BaseException:
            self.abandon()
            raise
        return self._answer(held[0] if len(held) == 1 else b"".join(held))

    def next_piece(self) -> bytes | None:
        """The next piece of the result; None at its end. Raises what the engine reports, or why it ended."""
        if self._line is None:
            if self.rows is None:
                # Asked again after a failure, or after it was closed: still not a polite end.
                raise EngineFailed("the result is not whole")
            return None
        while True:
            try:
                kind, payload = self._line.channel.receive(self._time_left())
            except TimeoutError:
                elapsed = time.monotonic() - self._begun
                self._drop()
                raise EngineFailed(f"the engine process did not answer within {elapsed:.0f} s") from None
            except ConnectionLost:
                raise self._reason() from None
            if kind == wire.WHOLE:
                self.rows, name, body = wire.read_whole(payload)
                self._format = BY_NAME[name]
                self._give_back()
                return body
            if kind == wire.DATA:
                self._size += len(payload)
                return payload
            if kind == wire.BEGIN:
                self._format = BY_NAME[payload.decode()]
            elif kind == wire.FAIL:
                self._give_back()
                raise wire.error_from_wire(json.loads(payload))
            else:
                self._finish(*wire.read_end(payload))
                return None

    def abandon(self) -> None:
        """End the query if it is still under way."""
        if self._line is not None:
            control = self._line.control
            self._drop()
            _consult_quietly(control, {"cancel": self._id})

    def _send(self, query: Query, client: str) -> None:
        asked = {**wire.query_to_wire(query), "id": self._id, "client": client}
        assert self._line is not None  # noqa: S101
        try:
            self._line.channel.socket.settimeout(self._settings.time_limit)
            self._line.channel.send(wire.frame_of(wire.ASK, asked))
        except ConnectionLost:
            self._drop()
            raise _NotBegun from None

    def _answer(self, body: bytes | Stream) -> Answer:
        if self._format is None:
            raise EngineFailed("the engine process did not say its format")
        elapsed = time.monotonic() - self._begun
        return Answer(self._format, body, elapsed, self.rows, self._pool.release_id)

    def _finish(self, rows: int, size: int) -> None:
        if size != self._size:
            self._drop()
            raise EngineFailed(f"{self._size} of {size} bytes of the result arrived")
        self.rows = rows
        self._give_back()

    def _time_left(self) -> float:
        # A reader that is slow, not the engine, may have used up the time: what has been sent can still be taken.
        return max(0.5, self._settings.time_limit + _BACKSTOP - (time.monotonic() - self._begun))

    def _reason(self) -> Exception:
        """Why the engine's connection is closed before the end."""
        assert self._line is not None  # noqa: S101
        control = self._line.control
        self._drop()
        deadline = time.monotonic() + _WHY_PATIENCE
        while time.monotonic() < deadline:
            answer = _consult_quietly(control, {"why": self._id})
            if answer.get("end"):
                return self._error_of(answer["end"])
            if not answer.get("running"):
                break
            time.sleep(0.01)
        if self._format is None:
            return _NotBegun()
        return EngineFailed("the engine process ended before the result was whole")

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
            case "cancelled":
                return LimitReached("the query was ended on request", "cancelled", 0, elapsed)
            case _:
                return EngineFailed(
                    f"the engine process broke down on this query after {elapsed:.1f} s (status {end['code']})"
                )

    def _give_back(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._pool.give_back(line)

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._pool.drop(line)


def _public(name: str) -> str:
    """What the list of running queries shows instead of a name: whoever reads it cannot end the query."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def _consult_quietly(control: str, question: dict[str, Any]) -> dict[str, Any]:
    """A nursery's answer; empty if it is gone, and its queries with it."""
    try:
        return wire.consult(control, question)
    except (OSError, ConnectionLost):
        return {}
