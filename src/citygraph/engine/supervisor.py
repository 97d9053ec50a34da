"""The pre-fork supervisor of one release: it holds the store, forks engine processes, and kills those over a limit.

It is single-threaded. A fork copies only the thread that forks, and a lock held by another thread would stay locked in
the child forever.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from citygraph.engine import sandbox, wire, worker
from citygraph.engine.counting_build import AwaitedCountingStore
from citygraph.engine.loading import have_graphs, load_into_memory
from citygraph.engine.process import Assignment, ControlLoop, Draining, announce, listen
from citygraph.engine.worker import COUNTED, COUNTING, COUNTS_SUFFIX, RUNNING, STARTING, StatusTable
from citygraph.errors import EngineFailed
from citygraph.logs import start_logging
from citygraph.parent import die_with_parent
from citygraph.rdf.nquads import apply_patch
from citygraph.release.releases import CURRENT
from citygraph.settings import Settings
from citygraph.shared_counts import NamedCounts
from citygraph.sparql.grammar import prepare_parser

log = logging.getLogger(__name__)

# All times are in seconds. The first two are between two checks of the engines, while a query runs and otherwise.
_TICK = 0.025
_IDLE_TICK = 0.1
# After this time a query continues with a lower priority, so that it does not slow down short ones.
_SLOW = 2.0
_NICER = 10
_ENDS_KEPT = 1000
# The part of the limits that the counting store may use, before the main store evaluates the query instead.
_COUNTING_SHARE = 0.25
_BUSY = frozenset({RUNNING, COUNTING})
_FAILED_STARTS = 5
# The grace period of the engines of a replaced release, because requests may be on their way to them.
_DRAINING = 3.0
_MOST_DRAINING = 3
_IDLE_BEFORE_CLOSING = 300.0
# An engine beyond those at rest ends when it had no query for so long. One is started for a connection that no engine
# has accepted after the second time.
_IDLE_BEFORE_RESTING = 60.0
_ACCEPTED_WITHIN = 0.003


@dataclass
class _Engine:
    """The supervisor's record of an engine process."""

    pid: int
    slot: int
    federated: bool
    memory_at_start: int
    assignment: Assignment  # the release that it serves, which may be a replaced one
    started: float
    killed_for: str = ""  # the id of the query for which this process was killed
    slowed: bool = False
    counts: bool = False  # whether it has the counting store


class Supervisor:
    """A pre-fork supervisor of the engines of one release."""

    def __init__(self, assignment: Assignment, settings: Settings, control: ControlLoop) -> None:
        self._assignment = assignment
        self._release = assignment.release
        self._settings = settings
        self._control = control
        kinds = (False, True) if assignment.federated else (False,)
        # More slots than engines, because the engines of replaced releases live on for a grace period.
        slots = settings.engines * len(kinds) * (_MOST_DRAINING + 2)
        self._status_table = StatusTable(slots)
        self._vacant = list(range(slots))
        self._engines: dict[int, _Engine] = {}
        self._ends: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._figures = NamedCounts(COUNTED, Path(assignment.control).parent, COUNTS_SUFFIX)
        self._failed_starts = 0
        self._ready = False
        self._retiring = False
        self._draining: Draining[Assignment] = Draining(_DRAINING)
        self._last_check = time.monotonic()
        self._queries_at_last_check = 0
        self._store: Store | None = None
        self._counting = AwaitedCountingStore(assignment.release, assignment.control, settings)
        # Made once, for the library takes time and memory for it. By whether an engine has the network.
        self._filters = {} if sandbox.can_filter() else {network: sandbox.call_filter(network) for network in kinds}

    def run(self) -> None:
        """Serves until the host requests a shutdown, or until its release is neither current nor queried any more.

        Raises OSError if the release cannot be read, EngineFailed if engines do not start.
        """
        if self._assignment.mode == "memory":
            self._store = load_into_memory(self._release)
        # Before the forks, so that no query waits for it.
        prepare_parser()
        # The garbage collector skips the objects made so far. Its marks would copy the pages that engines share.
        gc.freeze()
        tick = _TICK
        try:
            while self._engines if self._retiring else not self._unwanted():
                self._retire() if self._retiring else self._fill()
                if not self._control.serve(tick, self._handle):
                    return
                self._reap()
                self._close_drained()
                self._take_counting_store()
                tick = _TICK if self._enforce() or not self._ready else _IDLE_TICK
                if self._failed_starts >= _FAILED_STARTS:
                    raise EngineFailed(f"the engines of {self._release.name} do not start")
        finally:
            for pid in self._engines:
                os.kill(pid, signal.SIGKILL)
            for pid in self._engines:
                os.waitpid(pid, 0)

    # starting and ending engines

    def _fill(self) -> None:
        """Starts the missing engines. One with network access is started only when a client waits for it."""
        current = [engine for engine in self._engines.values() if engine.assignment is self._assignment]
        ordinary = [engine for engine in current if not engine.federated]
        for _ in range(min(self._wanted(ordinary) - len(ordinary), len(self._vacant))):
            self._start(federated=False)
        federated = self._assignment.federated
        if federated is not None and wire.is_readable(federated):
            engines = [engine for engine in current if engine.federated]
            free = any(self._state(engine) == STARTING for engine in engines)
            if not free and self._vacant and len(engines) < self._settings.engines:
                self._start(federated=True)
        if not self._ready and any(self._state(engine) != STARTING for engine in self._engines.values()):
            self._ready = True
            announce("ready")

    def _wanted(self, engines: list[_Engine]) -> int:
        """Returns how many engines there should be: one for each web process, and more as needed. Ends idle ones."""
        most, number, listener = self._settings.engines, len(engines), self._assignment.listener
        resting = min(most, self._settings.workers)
        is_watched = resting <= number < most and all(self._state(engine) != STARTING for engine in engines)
        self._control.watch(listener, is_watched)
        if is_watched and wire.is_readable(listener):
            # An idle engine is woken by the same connection.
            time.sleep(_ACCEPTED_WITHIN)
            return number + wire.is_readable(listener)
        now = time.monotonic()
        idle = [engine for engine in engines if now - self._last_used(engine) > _IDLE_BEFORE_RESTING]
        self._end_idle(idle[: max(0, number - resting)])
        return max(resting, number)

    def _last_used(self, engine: _Engine) -> float:
        """Returns when the last query of an engine began, or else when it was started."""
        return max(engine.started, self._status_table.state(engine.slot)[1])

    def _retire(self) -> None:
        """Ends the idle engines. The others finish their query first."""
        self._control.watch(self._assignment.listener, is_watched=False)
        self._end_idle(self._engines.values())

    def _end_idle(self, engines: Iterable[_Engine]) -> None:
        for engine in engines:
            # A query may begin between this check and the kill. It has no result yet, and its client retries it.
            if self._state(engine) not in _BUSY and not engine.killed_for:
                engine.killed_for = "retired"
                os.kill(engine.pid, signal.SIGKILL)

    def _take_counting_store(self) -> None:
        """Opens the counting store when it is complete, and replaces the idle engines that are without it."""
        if self._ready and self._counting.is_open():
            engines = (engine for engine in self._engines.values() if engine.assignment is self._assignment)
            self._end_idle(engine for engine in engines if not engine.counts and not engine.federated)

    def _advance(self, chain: list[Path], sockets: dict[str, str]) -> None:
        """Upgrades the store to a later release by applying its changes.

        Queries in progress finish on their own release, because running engines hold the store as of their fork.
        Raises OSError, SyntaxError, EngineFailed.
        """
        if self._store is None or self._retiring:
            raise EngineFailed(f"{self._release.name} is not held in memory")
        for release in chain:
            apply_patch(release, self._store)
        have_graphs(self._store, chain[-1])
        listeners = [listen(Path(path)) for path in sockets.values()]
        self._control.watch(self._assignment.listener, is_watched=False)
        # With frequent commits the oldest must end at once, or no slots are left for the new engines.
        self._draining.expire_oldest(keep=_MOST_DRAINING - 1)
        self._draining.add(self._assignment)
        self._assignment = Assignment(chain[-1], self._assignment.mode, self._assignment.control, *listeners)
        self._release = chain[-1]
        self._counting = AwaitedCountingStore(self._release, self._assignment.control, self._settings)
        gc.freeze()

    def _close_drained(self) -> None:
        """Ends the engines of replaced releases after the grace period. Closes their sockets after the last engine."""
        for assignment in self._draining.expired():
            engines = [engine for engine in self._engines.values() if engine.assignment is assignment]
            self._end_idle(engines)
            if not engines:
                assignment.close()
                self._draining.remove(assignment)

    def _state(self, engine: _Engine) -> int:
        return self._status_table.state(engine.slot)[0]

    def _start(self, federated: bool) -> None:
        slot = self._vacant.pop()
        self._status_table.reset(slot)
        memory = sandbox.anonymous_memory()
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            # A lack of processes or memory may be temporary. The next tick retries, and running engines continue.
            log.warning("no engine process could be started: %s", error)
            self._vacant.append(slot)
            time.sleep(_TICK)
            return
        if pid == 0:
            self._become_engine(slot, federated, parent)
        self._figures["started"] += 1
        counts = self._counting.store is not None
        self._engines[pid] = _Engine(pid, slot, federated, memory, self._assignment, time.monotonic(), counts=counts)

    def _become_engine(self, slot: int, federated: bool, parent: int) -> None:
        """Runs an engine in a forked child, and exits the process instead of returning to the supervisor's loop."""
        status = 1
        try:
            die_with_parent(parent)
            start_logging("engine", self._settings)
            self._control.abandon()
            for assignment in self._draining:
                assignment.close()
            listener, other = self._assignment.listener, self._assignment.federated
            if federated and other is not None:
                listener, other = other, listener
            if other is not None:
                other.close()
            greeting = {"release": self._release.name, "control": self._assignment.control}
            counting = None if federated else self._counting.store
            rules = self._filters.get(federated)
            worker_slot = worker.WorkerSlot(self._status_table, slot, listener, greeting, federated, counting, rules)
            worker.serve(worker_slot, self._open_store, self._settings)
            status = 0
        except BaseException:
            log.exception("an engine process of %s failed", self._release.name)
        finally:
            os._exit(status)

    def _open_store(self) -> Store:
        # RocksDB starts threads, so each engine opens the store for itself, after the fork.
        return self._store if self._store is not None else Store.read_only(str(self._release / "store"))

    def _reap(self) -> None:
        """Reaps engines that have exited, records their exit statuses, and frees their slots."""
        while self._engines:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if engine := self._engines.pop(pid, None):
                self._record_end(engine, wait_status)
                self._vacant.append(engine.slot)

    def _record_end(self, engine: _Engine, wait_status: int) -> None:
        status = self._status_table.read(engine.slot)
        if status.state == STARTING:
            self._failed_starts += not engine.killed_for
            return
        self._failed_starts = 0
        self._figures["queries"] += status.queries
        if status.state in _BUSY and not engine.killed_for:
            code = os.waitstatus_to_exitcode(wait_status)
            # The allocator aborts when the limit of sandbox.limit_memory refuses it memory.
            kinds = {-signal.SIGABRT: "memory", -signal.SIGKILL: "killed"}
            kind = kinds.get(code, "crashed")
            kind = "counting" if status.state == COUNTING else kind
            self._record(kind, status.query_id, status.started, code)
            # Without the text, which may be private.
            log.warning("engine %d ended with %d on query %s", engine.pid, code, status.query_id)
        elif status.state not in _BUSY and not engine.killed_for:
            self._figures["recycled"] += 1

    def _record(self, kind: str, query_id: str, started: float, code: int = 0) -> None:
        self._figures[kind] += 1
        self._ends[query_id] = {"kind": kind, "elapsed": time.monotonic() - started, "code": code}
        if len(self._ends) > _ENDS_KEPT:
            self._ends.popitem(last=False)

    # limits

    def _enforce(self) -> bool:
        """Kills the engines whose queries are over a limit. Returns whether any query runs."""
        now = time.monotonic()
        any_running = False
        for engine in self._engines.values():
            state, started, time_limit = self._status_table.state(engine.slot)
            if state not in _BUSY or engine.killed_for:
                continue
            any_running = True
            share = _COUNTING_SHARE if state == COUNTING else 1.0
            # The client may lower the limit, not raise it.
            limit = min(time_limit or self._settings.time_limit, self._settings.time_limit)
            memory = sandbox.anonymous_memory(engine.pid) - engine.memory_at_start
            if now - started > limit * share:
                self._kill(engine, "counting" if state == COUNTING else "time")
            elif memory > self._settings.memory_limit * share:
                self._kill(engine, "counting" if state == COUNTING else "memory")
            elif now - started > _SLOW and not engine.slowed:
                engine.slowed = sandbox.lower_priority(engine.pid, _NICER)
        return any_running

    def _kill(self, engine: _Engine, kind: str) -> None:
        status = self._status_table.read(engine.slot)
        engine.killed_for = status.query_id
        # Recorded before the kill, because the client requests the reason as soon as its connection closes.
        self._record(kind, status.query_id, status.started)
        os.kill(engine.pid, signal.SIGKILL)

    def _unwanted(self) -> bool:
        """Returns whether the release has had no queries for a long time and is not the current one."""
        now = time.monotonic()
        if now - self._last_check < _IDLE_BEFORE_CLOSING:
            return False
        before, self._queries_at_last_check = self._queries_at_last_check, self._count()["queries"]
        self._last_check = now
        if self._queries_at_last_check != before:
            return False
        try:
            return (self._release.parent / CURRENT).readlink().name != self._release.name
        except OSError:
            return True

    # requests of clients and of the host

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        if "why" in request:
            return self._why(request["why"])
        if "retire" in request:
            self._retiring = True
            return {}
        if "advance" in request:
            self._advance([Path(path) for path in request["advance"]], request["sockets"])
            return {"advanced": self._release.name}
        if "cancel" in request:
            return {"cancelled": self._cancel(request["cancel"], str(request.get("as", "cancelled")))}
        return {"running": self._running(), "figures": self._count()}

    def _count(self) -> dict[str, int]:
        # Queries of engines that have ended are counted in _record_end.
        alive = sum(self._status_table.read(engine.slot).queries for engine in self._engines.values())
        states = [self._state(engine) for engine in self._engines.values()]
        return {
            **self._figures,
            "queries": self._figures["queries"] + alive,
            "engines": len(self._engines),
            "busy": sum(state in _BUSY for state in states),
            "starting": states.count(STARTING),
        }

    def _why(self, query_id: str) -> dict[str, Any]:
        # The engine may have ended since the last tick.
        self._reap()
        running = any(status["id"] == query_id for status in self._running())
        return {"end": self._ends.get(query_id), "running": running}

    def _cancel(self, query_id: str, kind: str) -> bool:
        """Kills the running query with this id, or all queries that a client named so (their ids are "name-…").

        `kind` is the reason that is recorded.
        """
        cancelled = False
        for engine in self._engines.values():
            status = self._status_table.read(engine.slot)
            matches = query_id in (status.query_id, status.query_id.partition("-")[0])
            if matches and status.state in _BUSY and not engine.killed_for:
                self._kill(engine, kind)
                cancelled = True
        return cancelled

    def _running(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        statuses = ((engine, self._status_table.read(engine.slot)) for engine in self._engines.values())
        return [
            {**status.as_json(now), "pid": engine.pid}
            for engine, status in statuses
            if status.state in _BUSY and not engine.killed_for
        ]
