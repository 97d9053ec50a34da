"""The board on which engine processes write what they are doing, in memory that their nursery shares.

An engine writes only its own slot and the nursery only reads, so there is no lock: the state is written last when a
query begins and first when it ends.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyoxigraph import Store

from citygraph.engine import sandbox as confine
from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import CitygraphError, EngineFailed, LimitReached
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.functions import functions_of

STARTING = 0
IDLE = 1
RUNNING = 2

_TEXT_KEPT = 4096
# state, queries answered, start, query id, client, length of the text kept
_SLOT = struct.Struct("<BxxxId32s64sI")
_QUERIES = struct.Struct("<I")
_SIZE = _SLOT.size + _TEXT_KEPT


@dataclass(frozen=True)
class Entry:
    """What one engine is doing; `started` is of time.monotonic(), which all processes of a machine share."""

    state: int
    queries: int
    started: float
    query_id: str
    client: str
    text: str


class Board:
    """Slots of engines; make it before forking them."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SIZE)

    def reset(self, slot: int) -> None:
        """Prepare a slot for a new engine."""
        self._memory[slot * _SIZE : slot * _SIZE + _SLOT.size] = bytes(_SLOT.size)

    def begin(self, slot: int, query_id: str, client: str, text: str) -> None:
        """The engine of this slot begins to evaluate."""
        at = slot * _SIZE
        kept = text[:_TEXT_KEPT].encode("utf-8", "replace")[:_TEXT_KEPT]
        self._memory[at + _SLOT.size : at + _SLOT.size + len(kept)] = kept
        head = (query_id.encode()[:32], client.encode("utf-8", "replace")[:64], len(kept))
        _SLOT.pack_into(self._memory, at, IDLE, self._queries(at), time.monotonic(), *head)
        self._memory[at] = RUNNING

    def rest(self, slot: int) -> None:
        """The engine of this slot has finished, or is ready for the first time."""
        at = slot * _SIZE
        was_running = self._memory[at] == RUNNING
        self._memory[at] = IDLE
        _QUERIES.pack_into(self._memory, at + 4, self._queries(at) + was_running)

    def state(self, slot: int) -> tuple[int, float]:
        """State and start of a slot; cheap."""
        state, _, started, *_ = _SLOT.unpack_from(self._memory, slot * _SIZE)
        return state, started

    def read(self, slot: int) -> Entry:
        """All that a slot says."""
        at = slot * _SIZE
        state, queries, started, query_id, client, length = _SLOT.unpack_from(self._memory, at)
        text = self._memory[at + _SLOT.size : at + _SLOT.size + min(length, _TEXT_KEPT)]
        return Entry(state, queries, started, _text(query_id), _text(client), text.decode("utf-8", "ignore"))

    def _queries(self, at: int) -> int:
        queries: int = _QUERIES.unpack_from(self._memory, at + 4)[0]
        return queries


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "ignore")


_PIECE = 64 * 1024
# An engine whose client sends nothing looks after so many seconds, one with a busy client after so many queries,
# whether somebody else is waiting for an engine.
_PATIENCE = 0.2
_TURNS = 100
_LONG = 0.1  # seconds


@dataclass(frozen=True)
class WorkerSlot:
    """Where an engine process serves: its slot on the board and the socket it takes connections from."""

    board: Board
    slot: int
    listener: socket.socket
    greeting: dict[str, str]  # what a client is told first: the release, and the nursery's socket
    federated: bool = False


def serve(post: WorkerSlot, open_store: Callable[[], Store], settings: Settings) -> None:
    """Answer queries until it is time to be replaced by a fresh process."""
    store = open_store()
    if not confine.can_filter():
        confine.filter_calls(network=post.federated)
    confine.limit_memory(settings.memory_limit)
    _Engine(post, store, settings).serve()


class _Engine:
    def __init__(self, post: WorkerSlot, store: Store, settings: Settings) -> None:
        self._post = post
        self._store = store
        self._settings = settings
        self._functions = functions_of(store)
        self._services = settings.service_list if post.federated else ()
        self._left = settings.engine_queries
        self._priority = os.getpriority(os.PRIO_PROCESS, 0)
        self._swollen = confine.anonymous_memory() + settings.memory_limit // 8

    def serve(self) -> None:
        """Serve one connection after the other while this process is good for more queries."""
        self._post.board.rest(self._post.slot)
        while self._left > 0:
            connection, _ = self._post.listener.accept()
            channel = Channel(connection)
            try:
                self._serve_connection(channel)
            except ConnectionLost:
                pass
            finally:
                self._post.board.rest(self._post.slot)
                channel.close()

    def _serve_connection(self, channel: Channel) -> None:
        channel.send(wire.frame_of(wire.HELLO, self._post.greeting))
        turns = 0
        while self._left > 0:
            try:
                kind, payload = channel.receive(_PATIENCE)
            except TimeoutError:
                if self._somebody_waits():
                    return
                continue
            if kind != wire.ASK:
                return
            turns += 1
            self._left -= 1
            self._answer(channel, json.loads(payload))
            if turns % _TURNS == 0 and self._somebody_waits():
                return

    def _answer(self, channel: Channel, asked: dict[str, Any]) -> None:
        query = wire.query_from_wire(asked)
        reply = _Reply(channel, self._settings.result_limit)
        self._post.board.begin(self._post.slot, asked["id"], asked["client"], query.text)
        # A client that takes nothing is no reason to wait for ever; the nursery ends this process earlier.
        channel.socket.settimeout(self._settings.time_limit + 1)
        try:
            result = evaluate(self._store, query, self._functions, self._services)
            reply.begin(result.format.name)
            rows = result.write(reply)
        except CitygraphError as error:
            reply.fail(error)
        except MemoryError:
            limit = self._settings.memory_limit
            message = f"the query needs more than {limit} bytes of memory"
            reply.fail(LimitReached(message, "memory", limit, reply.elapsed))
            self._left = 0
        except OSError as error:
            # Not of the connection, whose errors are ConnectionLost.
            reply.fail(EngineFailed(f"the store could not be read: {error}"))
        else:
            reply.end(rows)
        self._post.board.rest(self._post.slot)
        # After a long query only: looking costs a tenth of a short one.
        if reply.elapsed > _LONG and self._is_worn():
            self._left = 0

    def _is_worn(self) -> bool:
        """Whether a fresh process would serve better: this one keeps much memory, or was given less priority."""
        priority = os.getpriority(os.PRIO_PROCESS, 0)
        return priority > self._priority or confine.anonymous_memory() > self._swollen

    def _somebody_waits(self) -> bool:
        return wire.is_readable(self._post.listener)


class _Reply:
    """The reply to one query: a small result goes out in one frame, a large one piece by piece."""

    def __init__(self, channel: Channel, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self._size = 0
        self._begun = time.monotonic()
        self._format = ""
        self._streaming = False
        self._buffer = bytearray()

    @property
    def elapsed(self) -> float:
        """Seconds since the query came."""
        return time.monotonic() - self._begun

    def begin(self, format_name: str) -> None:
        """Say in which format the result will be."""
        self._format = format_name

    def write(self, data: bytes) -> int:
        """Take a piece of the result. Raises LimitReached, ConnectionLost."""
        self._size += len(data)
        if self._limit and self._size > self._limit:
            message = f"the result has more than {self._limit} bytes"
            raise LimitReached(message, "size", self._limit, self.elapsed)
        self._buffer += data
        if len(self._buffer) >= _PIECE:
            self._send()
        return len(data)

    def flush(self) -> None:
        """Nothing: the last piece goes out with the end."""

    def end(self, rows: int) -> None:
        """Say that the result is whole."""
        if self._streaming:
            self._send(wire.end(rows, self._size))
        else:
            self._channel.send(wire.whole(rows, self._format, bytes(self._buffer)))

    def fail(self, error: CitygraphError) -> None:
        """Say that there is no result, whatever was sent."""
        self._channel.send(wire.frame_of(wire.FAIL, wire.error_to_wire(error)))

    def _send(self, last: bytes = b"") -> None:
        head = b"" if self._streaming else wire.frame(wire.BEGIN, self._format.encode())
        self._streaming = True
        self._channel.send(head, wire.frame(wire.DATA, bytes(self._buffer)), last)
        self._buffer.clear()
