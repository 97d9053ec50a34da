"""The worker process that evaluates queries, and the status table in memory that it shares with its supervisor.

No lock is needed. A running engine writes only its own slot of the status table, which the supervisor only reads. The
state is written last when a query begins and first when it ends.
"""

from __future__ import annotations

import mmap
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyoxigraph import QuerySolutions, Store

from citygraph.engine import sandbox, wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import CitygraphError, EngineFailed, LimitReached
from citygraph.settings import Settings
from citygraph.sparql.counting_form import counting_query
from citygraph.sparql.counting_store import CountingStore
from citygraph.sparql.evaluate import Count, evaluate
from citygraph.sparql.functions import functions_of
from citygraph.sparql.protocol import Query

STARTING = 0
IDLE = 1
RUNNING = 2
COUNTING = 3  # running, and the counting store evaluates the query: the main store can still do so on another engine

# A supervisor's counters, in a file next to its socket: sums over all supervisors never go down.
COUNTS_SUFFIX = ".engine-counts"
# Why engines end. An abandoned query is one whose client has gone, or whose result became too large.
ENDS = ("time", "memory", "cancelled", "abandoned", "counting", "crashed", "killed", "recycled")
COUNTED = ("started", "queries", *ENDS)

_TEXT_KEPT = 4096
# state, number of queries, start, the client's time limit, query id, client, length of the text kept
_SLOT = struct.Struct("<BxxxIdd32s64sI")
_QUERIES = struct.Struct("<I")
_QUERY, _QUERY_AT = struct.Struct("<dd32s64sI"), 8  # the fields from the start on
_SIZE = _SLOT.size + _TEXT_KEPT

_PIECE = 64 * 1024
# For fairness an engine checks whether another client waits, after this many seconds without a query from its own
# client, and after this many queries from a busy one.
_PATIENCE = 0.2
_TURNS = 100
_LONG = 0.1  # seconds


@dataclass(frozen=True)
class SlotStatus:
    """The state and query of one engine; `started` is a time.monotonic(), which all processes of a machine share."""

    state: int
    queries: int
    started: float
    query_id: str
    client: str
    text: str

    def as_json(self, now: float) -> dict[str, Any]:
        """Returns the query as a JSON object, with its age."""
        return {"id": self.query_id, "age": now - self.started, "client": self.client, "text": self.text}


class StatusTable:
    """A status table in shared memory with a slot for each engine. It must be created before the engines are forked."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, slots * _SIZE)

    def reset(self, slot: int) -> None:
        """Clears a slot for a new engine."""
        self._memory[slot * _SIZE : slot * _SIZE + _SLOT.size] = bytes(_SLOT.size)

    def begin(self, slot: int, query_id: str, client: str, query: Query) -> None:
        """Records that the engine of this slot begins a query."""
        at = slot * _SIZE
        beginning = query.text[:_TEXT_KEPT].encode("utf-8", "replace")[:_TEXT_KEPT]
        start, name = time.monotonic(), client.encode("utf-8", "replace")
        # The format truncates values that are too long for their field.
        fields = start, query.time_limit, query_id.encode(), name, len(beginning)
        _QUERY.pack_into(self._memory, at + _QUERY_AT, *fields)
        self._memory[at + _SLOT.size : at + _SLOT.size + len(beginning)] = beginning
        # Written last, because a supervisor that reads RUNNING must find the fields of this query.
        self._memory[at] = RUNNING

    def mark(self, slot: int, state: int) -> None:
        """Records that another store evaluates the query of this slot from now on."""
        self._memory[slot * _SIZE] = state

    def rest(self, slot: int) -> None:
        """Records that the engine of this slot has finished a query, or is ready for its first."""
        at = slot * _SIZE
        was_running = self._memory[at] == RUNNING
        # Written first, so that the supervisor does not kill an engine for a query that has finished.
        self._memory[at] = IDLE
        if was_running:
            _QUERIES.pack_into(self._memory, at + 4, _QUERIES.unpack_from(self._memory, at + 4)[0] + 1)

    def state(self, slot: int) -> tuple[int, float, float]:
        """Returns the state, start and time limit of a slot. It decodes no texts, because it is called at each tick."""
        state, _, started, time_limit, *_ = _SLOT.unpack_from(self._memory, slot * _SIZE)
        return state, started, time_limit

    def read(self, slot: int) -> SlotStatus:
        """Returns all fields of a slot."""
        at = slot * _SIZE
        state, queries, started, _, query_id, client, length = _SLOT.unpack_from(self._memory, at)
        text = self._memory[at + _SLOT.size : at + _SLOT.size + min(length, _TEXT_KEPT)]
        return SlotStatus(state, queries, started, _text(query_id), _text(client), text.decode("utf-8", "ignore"))


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "ignore")


@dataclass(frozen=True)
class WorkerSlot:
    """The resources of one worker process: its slot in the status table, and the socket on which it accepts."""

    status_table: StatusTable
    slot: int
    listener: socket.socket
    greeting: dict[str, str]  # the payload of HELLO: the release, and the supervisor's control socket
    federated: bool = False
    counting: CountingStore | None = None
    call_filter: Any = None  # of sandbox.call_filter, unless the system cannot filter calls


def serve(worker_slot: WorkerSlot, open_store: Callable[[], Store], settings: Settings) -> None:
    """Evaluates queries until a fresh process should take over."""
    store = open_store()
    if worker_slot.call_filter is not None:
        worker_slot.call_filter.load()
    sandbox.limit_memory(settings.memory_limit)
    _Worker(worker_slot, store, settings).serve()


class _Worker:
    def __init__(self, worker_slot: WorkerSlot, store: Store, settings: Settings) -> None:
        self._worker_slot = worker_slot
        self._store = store
        self._settings = settings
        self._functions = functions_of(store)
        self._services = settings.service_list if worker_slot.federated else ()
        self._queries_left = settings.engine_queries
        self._priority = os.getpriority(os.PRIO_PROCESS, 0)
        self._worn_memory = sandbox.anonymous_memory() + settings.memory_limit // 8

    def serve(self) -> None:
        """Serves one connection after the other until the process has reached its query limit or is worn."""
        self._worker_slot.status_table.rest(self._worker_slot.slot)
        while self._queries_left > 0:
            connection, _ = self._worker_slot.listener.accept()
            # A client that reads nothing must not block the engine forever. Normally the supervisor ends the query.
            channel = Channel(connection, sending=self._settings.time_limit + 1)
            try:
                self._serve_connection(channel)
            except ConnectionLost:
                pass
            finally:
                self._worker_slot.status_table.rest(self._worker_slot.slot)
                channel.close()

    def _serve_connection(self, channel: Channel) -> None:
        channel.send(wire.frame_of(wire.HELLO, self._worker_slot.greeting))
        turns = 0
        while self._queries_left > 0:
            try:
                kind, payload = channel.receive(_PATIENCE)
            except TimeoutError:
                if self._others_wait():
                    return
                continue
            if kind not in {wire.QUERY, wire.PLAIN_QUERY}:
                return
            turns += 1
            self._queries_left -= 1
            self._respond(channel, payload, self._count if kind == wire.QUERY else None)
            if turns % _TURNS == 0 and self._others_wait():
                return

    def _count(self, text: str) -> QuerySolutions | None:
        """Returns the result of a query if the counting store can evaluate it."""
        counting = self._worker_slot.counting
        query = counting_query(text) if counting else None
        if counting is None or query is None:
            return None
        self._worker_slot.status_table.mark(self._worker_slot.slot, COUNTING)
        try:
            return counting.answer(query)
        finally:
            self._worker_slot.status_table.mark(self._worker_slot.slot, RUNNING)

    def _respond(self, channel: Channel, payload: bytes, count: Count | None) -> None:
        query, query_id, client = wire.read_query(payload)
        output = _ResponseWriter(channel, self._settings.result_limit)
        self._worker_slot.status_table.begin(self._worker_slot.slot, query_id, client, query)
        try:
            result = evaluate(self._store, query, self._functions, self._services, count)
            output.begin(result.format.name)
            rows = result.write(output)
        except CitygraphError as error:
            output.fail(error)
        except MemoryError:
            limit = self._settings.memory_limit
            message = f"the query needs more than {limit} bytes of memory"
            output.fail(LimitReached(message, "memory", limit, output.elapsed))
            self._queries_left = 0
        except OSError as error:
            # Errors of the connection are ConnectionLost, so that an OSError comes from the store.
            output.fail(EngineFailed(f"the store could not be read: {error}"))
        else:
            output.end(rows)
        self._worker_slot.status_table.rest(self._worker_slot.slot)
        # Checked only after a long query, because the check costs a tenth of a short one.
        if output.elapsed > _LONG and self._is_worn():
            self._queries_left = 0

    def _is_worn(self) -> bool:
        """Returns whether this process should be replaced, because it holds much memory or its priority was lowered."""
        priority = os.getpriority(os.PRIO_PROCESS, 0)
        return priority > self._priority or sandbox.anonymous_memory() > self._worn_memory

    def _others_wait(self) -> bool:
        return wire.is_readable(self._worker_slot.listener)


class _ResponseWriter:
    """A writer of the response to one query: a small result is sent in one frame, a large one in pieces."""

    def __init__(self, channel: Channel, limit: int) -> None:
        self._channel = channel
        self._limit = limit
        self._size = 0
        self._start = time.monotonic()
        self._format = ""
        self._streaming = False
        self._buffer = bytearray()

    @property
    def elapsed(self) -> float:
        """Returns the seconds since the query arrived."""
        return time.monotonic() - self._start

    def begin(self, format_name: str) -> None:
        """Sets the format of the result."""
        self._format = format_name

    def write(self, data: bytes) -> int:
        """Adds a piece of the result. Raises LimitReached, ConnectionLost."""
        self._size += len(data)
        if self._limit and self._size > self._limit:
            message = f"the result has more than {self._limit} bytes"
            raise LimitReached(message, "size", self._limit, self.elapsed)
        self._buffer += data
        if len(self._buffer) >= _PIECE:
            self._send()
        return len(data)

    def flush(self) -> None:
        """Does nothing, because the last piece is sent with the end."""

    def end(self, rows: int) -> None:
        """Sends the rest of the result and its end."""
        if self._streaming:
            self._send(wire.end(rows, self._size))
        else:
            self._channel.send(wire.whole(rows, self._format, bytes(self._buffer)))

    def fail(self, error: CitygraphError) -> None:
        """Sends an error, which also voids the pieces sent before."""
        self._channel.send(wire.frame_of(wire.FAIL, wire.error_to_wire(error)))

    def _send(self, last: bytes = b"") -> None:
        head = b"" if self._streaming else wire.frame(wire.BEGIN, self._format.encode())
        self._streaming = True
        self._channel.send(head, wire.frame(wire.DATA, bytes(self._buffer)), last)
        self._buffer.clear()
