"""One query on one connection to an engine, from the request to the end of its result.

A result is either complete or an error. A result of up to `hold_limit` bytes is buffered until its end has arrived. A
larger one is a stream, which raises if the engine fails before its end; so is one whose end is late, if its client can
take that.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

from citygraph.engine import wire
from citygraph.engine.client_watch import ClientGone, current_watch
from citygraph.engine.pool import Connection, Pool
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import EngineFailed, LimitReached
from citygraph.exports.sinks import ResultPieces
from citygraph.rdf.formats import BY_NAME, Format
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query

log = logging.getLogger(__name__)

# Seconds over the time limit. The supervisor enforces that limit; this one applies if the supervisor cannot.
_BACKSTOP = 2.0
# The kernel closes a killed process's sockets before its supervisor can reap it, so the reason may come a little later.
_WHY_PATIENCE = 1.0  # seconds
# The end of a result is late if it comes so much after the first 64 KiB: these seconds or this share of the time until
# then, whichever is more. Most results end before, and are an error if they fail.
_LATE_SECONDS, _LATE_SHARE = 0.05, 0.4
_INCOMPLETE = "the engine process ended before the result was complete"
# A query whose client has left is ended within this time, even if its engine has not begun to read it.
_ENDING_PATIENCE, _ENDING_RETRY = 2.0, 0.05  # seconds


class Answer(NamedTuple):
    """A query result. `body` is complete (bytes), or in pieces, such as a `Stream`."""

    format: Format
    body: bytes | ResultPieces
    elapsed: float
    rows: int | None
    release: str


class Stream:
    """An iterator of the pieces of a large result.

    It raises LimitReached or EngineFailed midway if the result cannot be finished. The connection to the reader must
    then be cut, because the status 200 has been sent already. `close` before the end cancels the query.
    """

    def __init__(self, exchange: Exchange, pieces: list[bytes]) -> None:
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


class NotBegun(Exception):
    """An internal signal that an engine ended before any part of the result was sent, so that the query can be retried.

    The query had not begun, the counting store evaluated it, or another process killed the engine, such as the kernel.
    """

    def __init__(self, is_killed: bool = False) -> None:
        super().__init__()
        self.is_killed = is_killed


class Exchange:
    """One query on one connection, from the request to the end of the result."""

    def __init__(self, connection: Connection, pool: Pool, settings: Settings, query_id: str) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._settings = settings
        self._id = query_id
        self._watch = current_watch()
        self._begun = time.monotonic()
        self._format: Format | None = None
        self._size = 0
        self._is_given = False  # whether a client has the beginning of the result
        self.rows: int | None = None

    def run(self, query: Query, client: str, kind: bytes) -> Answer:
        """Sends the query and receives its result, or a stream that begins with the part received so far."""
        pieces: list[bytes] = []
        late = 0.0
        try:
            if self._watch is not None:
                self._watch.add(self._end)
            self._send(query, client, kind)
            while (piece := self.next_piece()) is not None:
                pieces.append(piece)
                now = time.monotonic()
                late = late or now + max(_LATE_SECONDS, (now - self._begun) * _LATE_SHARE)
                if self._size > self._settings.hold_limit or (query.may_stream and self._is_late(late - now)):
                    self._is_given = True
                    return self._answer(Stream(self, pieces))
        except BaseException:
            self.abandon()
            raise
        return self._answer(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _is_late(self, remaining: float) -> bool:
        """Returns whether the next piece or the end of the result does not come in the remaining time."""
        connection = self._connection
        return connection is not None and (remaining <= 0 or not connection.channel.has_more(remaining))

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
            log.warning("query %s: no engine and no supervisor has ended it after %.1f s", self._id, elapsed)
            self._discard()
            raise self._error_of({"kind": "time", "elapsed": elapsed}) from None
        except ConnectionLost:
            raise self._reason() from None

    def abandon(self) -> None:
        """Cancels the query if it is still in progress."""
        if self._connection is not None:
            control = self._connection.control
            # The request goes to the supervisor, because an engine does not read its connection while it evaluates.
            self._discard()
            _consult_quietly(control, {"cancel": self._id, "as": "abandoned"})

    def _end(self) -> None:
        """Cancels the query of a disconnected client, in a thread other than the one that waits for the result."""
        deadline = time.monotonic() + _ENDING_PATIENCE
        while (connection := self._connection) is not None and time.monotonic() < deadline:
            if _consult_quietly(connection.control, {"cancel": self._id, "as": "abandoned"}).get("cancelled"):
                return
            time.sleep(_ENDING_RETRY)

    def _send(self, query: Query, client: str, kind: bytes) -> None:
        assert self._connection is not None  # noqa: S101
        try:
            self._connection.channel.send(wire.query_frame(query, self._id, client, kind))
        except ConnectionLost:
            self._discard()
            raise NotBegun from None

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

    def _reason(self) -> BaseException:
        """Returns an error for the reason why the engine closed the connection before the end of the result."""
        assert self._connection is not None  # noqa: S101
        control = self._connection.control
        self._discard()
        if self._watch is not None and self._watch.is_gone:
            return ClientGone()
        deadline = time.monotonic() + _WHY_PATIENCE
        while time.monotonic() < deadline:
            response = _consult_quietly(control, {"why": self._id})
            if response.get("end"):
                return self._error_of(response["end"])
            # A query that is still listed belongs to a process that has closed its connection but not quite ended.
            if not response.get("running"):
                break
            time.sleep(0.01)
        return EngineFailed(_INCOMPLETE) if self._is_given else NotBegun()

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
                return NotBegun()
            case "killed":
                return EngineFailed(_INCOMPLETE) if self._is_given else NotBegun(is_killed=True)
            case "cancelled":
                return LimitReached("the query was ended on request", "cancelled", 0, elapsed)
            case _:
                status = end["code"]
                return EngineFailed(f"the engine process crashed on this query after {elapsed:.1f} s (status {status})")

    def _release(self) -> None:
        if connection := self._taken():
            self._pool.release(connection)

    def _discard(self) -> None:
        if connection := self._taken():
            self._pool.discard(connection)

    def _taken(self) -> Connection | None:
        """Returns the connection, which is no longer that of this query."""
        connection, self._connection = self._connection, None
        if self._watch is not None:
            self._watch.remove(self._end)
        return connection


def _consult_quietly(control: str, request: dict[str, Any]) -> dict[str, Any]:
    """Returns a supervisor's response, or an empty one if the supervisor and its queries are gone."""
    try:
        return wire.consult(control, request)
    except (OSError, ConnectionLost):
        return {}
