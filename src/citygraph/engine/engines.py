"""The client of the engine processes, used by web processes to run queries.

A query that exceeds a limit costs its engine process, never the web process.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

from citygraph.engine import wire
from citygraph.engine.client_watch import ClientGone, current_watch
from citygraph.engine.exchange import Answer as Answer
from citygraph.engine.exchange import Exchange, NotBegun
from citygraph.engine.exchange import Stream as Stream
from citygraph.engine.pool import Pool
from citygraph.engine.wire import ConnectionLost
from citygraph.errors import EngineFailed
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query

# More than one, because an engine may be replaced between two queries on the same connection.
_ATTEMPTS = 4
# A query whose engine was killed is evaluated once more, not again and again: it may be why memory has run out.
_KILLS = 1


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
        self._numbers = itertools.count(1)
        self._pools: dict[tuple[str, bool], Pool] = {}
        self._lock = threading.Lock()

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query on a release; `federated` selects an engine with network access.

        Raises the engine's own errors (QuerySyntaxError, NotAcceptable, Forbidden, Upstream, EngineFailed), Busy if
        no engine is free in time, LimitReached, NotFound for an unknown release, ClientGone.
        """
        pool, watch = self._pool(release_id, federated), current_watch()
        attempts, kills, kind = 0, 0, wire.QUERY
        while attempts < _ATTEMPTS:
            connection = pool.acquire(self._settings.queue_wait, client)
            if watch is not None and watch.is_gone:
                pool.release(connection)
                raise ClientGone
            # An idle connection may have been closed since its last query, which costs nothing to find out here.
            attempts += not connection.is_reused
            prefix = _public(query.name) if query.name else self._name
            exchange = Exchange(connection, pool, _limited(self._settings, query), f"{prefix}-{next(self._numbers)}")
            try:
                return exchange.run(query, client, kind)
            except NotBegun as ended:
                # The counting store may be what ended the engine.
                kind, kills = wire.PLAIN_QUERY, kills + ended.is_killed
                if kills > _KILLS:
                    break
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
        """Returns counts by release since its engines started: queries, engines, busy, started, recycled, time, …"""
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
        if opened.get("kind") == "Busy":
            return "starting"
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

    @cached_property
    def _name(self) -> str:
        # Made for the first query, so that processes that were forked before it do not share a name.
        return secrets.token_hex(8)

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


def _limited(settings: Settings, query: Query) -> Settings:
    """Returns the settings with the time limit of the client, if that is lower."""
    if not 0 < query.time_limit < settings.time_limit:
        return settings
    return settings.with_changes(time_limit=query.time_limit)


def _public(name: str) -> str:
    """Returns a hash of a query's name for public lists, because anyone who knows the name can cancel the query."""
    return blake2b(name.encode(), digest_size=8).hexdigest()
