"""The nursery of one release: holds its store, forks engine processes from it, ends those over a limit, replaces them.

It has one thread, always: a fork copies only the thread that forks, and a lock that another one holds would stay
locked for ever in the child.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import time
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from citygraph.engine import sandbox as confine
from citygraph.engine import wire, worker
from citygraph.engine.loading import have_graphs, load_into_memory
from citygraph.engine.process import Control, announce, listen
from citygraph.engine.worker import RUNNING, STARTING, Board
from citygraph.errors import EngineFailed
from citygraph.rdf.nquads import apply_patch
from citygraph.release.releases import CURRENT
from citygraph.settings import Settings, read_settings
from citygraph.sparql import clauses as clauses  # engines need it for FROM alone, and then have it at once

log = logging.getLogger(__name__)

# Seconds between two looks at the engines, while a query runs and while none does.
_TICK = 0.025
_IDLE_TICK = 0.1
# After so many seconds a query goes on with less priority, so that short ones beside it stay short.
_SLOW = 2.0
_NICER = 10
_ENDS_KEPT = 1000
_FAILED_STARTS = 5
# Seconds for which the engines of a release go on after it was moved on from: requests may be on their way.
_GRACE = 3.0
_MOST_PASSING = 3
_IDLE_BEFORE_CLOSING = 300.0


@dataclass(frozen=True)
class Charge:
    """What a nursery is given: a release's folder, how to hold it ("memory" or "disk"), and sockets that listen."""

    release: Path
    mode: str
    control: str  # where this nursery takes questions; its engines tell their clients
    listener: socket.socket
    federated: socket.socket | None = None


@dataclass
class _Engine:
    """An engine process as its nursery sees it."""

    pid: int
    slot: int
    federated: bool
    memory_at_start: int
    charge: Charge  # the release that it answers for: an older one, for a moment after that has moved on
    killed_for: str = ""  # the query that this process was ended for
    slowed: bool = False


class Nursery:
    """The engines of one release."""

    def __init__(self, charge: Charge, settings: Settings, control: Control) -> None:
        self._charge = charge
        self._release = charge.release
        self._settings = settings
        self._control = control
        # More than live at rest: while it moves on to another release the engines of those before live on.
        slots = settings.engines * (2 if charge.federated else 1) * (_MOST_PASSING + 2)
        self._board = Board(slots)
        self._vacant = list(range(slots))
        self._engines: dict[int, _Engine] = {}
        self._ends: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._figures: Counter[str] = Counter()
        self._failed_starts = 0
        self._ready = False
        self._retiring = False
        self._passing: list[tuple[float, Charge]] = []  # what was served before, and until when
        self._looked = time.monotonic()
        self._answered_before = 0
        self._store: Store | None = None

    def run(self) -> None:
        """Serve until told to stop or until the release is no longer wanted.

        Raises OSError if the release cannot be read, EngineFailed if engines do not start.
        """
        if self._charge.mode == "memory":
            self._store = load_into_memory(self._release)
        # Objects made so far will not be looked at by the collector, whose marks would copy their pages.
        gc.freeze()
        tick = _TICK
        try:
            while self._engines if self._retiring else not self._unwanted():
                self._retire() if self._retiring else self._fill()
                if not self._control.serve(tick, self._answer):
                    return
                self._reap()
                self._let_pass()
                tick = _TICK if self._enforce() or not self._ready else _IDLE_TICK
                if self._failed_starts >= _FAILED_STARTS:
                    raise EngineFailed(f"the engines of {self._release.name} do not start")
        finally:
            for pid in self._engines:
                os.kill(pid, signal.SIGKILL)
            for pid in self._engines:
                os.waitpid(pid, 0)

    # engines: begin and end

    def _fill(self) -> None:
        """Replace what is missing; an engine with a network is started when somebody waits for it."""
        mine = [engine for engine in self._engines.values() if engine.charge is self._charge]
        ordinary = sum(1 for engine in mine if not engine.federated)
        for _ in range(min(self._settings.engines - ordinary, len(self._vacant))):
            self._start(federated=False)
        federated = self._charge.federated
        if federated is not None and wire.is_readable(federated):
            engines = [engine for engine in mine if engine.federated]
            free = any(self._state(engine) == STARTING for engine in engines)
            if not free and self._vacant and len(engines) < self._settings.engines:
                self._start(federated=True)
        if not self._ready and any(self._state(engine) != STARTING for engine in self._engines.values()):
            self._ready = True
            announce("ready")

    def _retire(self) -> None:
        """End the engines that are idle; the others finish their query. Whoever just sent one asks elsewhere."""
        self._end_idle(self._engines.values())

    def _end_idle(self, engines: Iterable[_Engine]) -> None:
        for engine in engines:
            if self._state(engine) != RUNNING and not engine.killed_for:
                engine.killed_for = "retired"
                os.kill(engine.pid, signal.SIGKILL)

    def _advance(self, chain: list[Path], sockets: dict[str, str]) -> None:
        """Go on to a later release by what changed; queries under way end on the one they began on.

        Engines that run hold the store as it was when they were forked. Raises OSError, SyntaxError, EngineFailed.
        """
        if self._store is None or self._retiring:
            raise EngineFailed(f"{self._release.name} is not held in memory")
        for release in chain:
            apply_patch(release, self._store)
        have_graphs(self._store, chain[-1])
        listeners = [listen(Path(path)) for path in sockets.values()]
        # Where commits come fast the oldest must go at once, or there is no room for the new.
        kept = len(self._passing) - _MOST_PASSING + 1
        self._passing = [(0.0 if at < kept else until, charge) for at, (until, charge) in enumerate(self._passing)]
        self._passing.append((time.monotonic() + _GRACE, self._charge))
        self._charge = Charge(chain[-1], self._charge.mode, self._charge.control, *listeners)
        self._release = chain[-1]
        gc.freeze()

    def _let_pass(self) -> None:
        """Let go of releases that were moved on from, once nobody can be on the way to their engines."""
        for passing in list(self._passing):
            until, charge = passing
            if time.monotonic() > until:
                engines = [engine for engine in self._engines.values() if engine.charge is charge]
                self._end_idle(engines)
                if not engines:
                    _close(charge)
                    self._passing.remove(passing)

    def _state(self, engine: _Engine) -> int:
        return self._board.state(engine.slot)[0]

    def _start(self, federated: bool) -> None:
        slot = self._vacant.pop()
        self._board.reset(slot)
        memory = confine.anonymous_memory()
        nursery = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            # Too many processes or too little memory just now: the engines that run go on, this one comes later.
            log.warning("no engine process could be started: %s", error)
            self._vacant.append(slot)
            return
        if pid == 0:
            self._become_engine(slot, federated, nursery)
        self._figures["started"] += 1
        self._engines[pid] = _Engine(pid, slot, federated, memory, self._charge)

    def _become_engine(self, slot: int, federated: bool, nursery: int) -> None:
        """The rest of a forked child's life. It never returns into the nursery's loop."""
        status = 1
        try:
            confine.die_with_parent(nursery)
            self._control.abandon()
            for _, charge in self._passing:
                _close(charge)
            listener, other = self._charge.listener, self._charge.federated
            if federated and other is not None:
                listener, other = other, listener
            if other is not None:
                other.close()
            greeting = {"release": self._release.name, "control": self._charge.control}
            post = worker.WorkerSlot(self._board, slot, listener, greeting, federated)
            worker.serve(post, self._open_store, self._settings)
            status = 0
        except BaseException:
            log.exception("an engine process of %s failed", self._release.name)
        finally:
            os._exit(status)

    def _open_store(self) -> Store:
        # RocksDB starts threads, so each engine opens the store for itself, after the fork.
        return self._store if self._store is not None else Store.read_only(str(self._release / "store"))

    def _reap(self) -> None:
        """Note how engines ended that have ended."""
        while self._engines:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if engine := self._engines.pop(pid, None):
                self._note_end(engine, status)
                self._vacant.append(engine.slot)

    def _note_end(self, engine: _Engine, status: int) -> None:
        entry = self._board.read(engine.slot)
        if entry.state == STARTING:
            self._failed_starts += not engine.killed_for
            return
        self._failed_starts = 0
        self._figures["queries"] += entry.queries
        if entry.state == RUNNING and not engine.killed_for:
            code = os.waitstatus_to_exitcode(status)
            # The allocator aborts when the wall of confine.limit_memory refuses it memory.
            kind = "memory" if code == -signal.SIGABRT else "crashed"
            self._note(kind, entry.query_id, entry.started, code)
            log.warning("engine %d ended with %d on: %.300r", engine.pid, code, entry.text)
        elif entry.state != RUNNING and not engine.killed_for:
            self._figures["recycled"] += 1

    def _note(self, kind: str, query_id: str, started: float, code: int = 0) -> None:
        self._figures[kind] += 1
        self._ends[query_id] = {"kind": kind, "elapsed": time.monotonic() - started, "code": code}
        if len(self._ends) > _ENDS_KEPT:
            self._ends.popitem(last=False)

    # limits

    def _enforce(self) -> bool:
        """End the engines whose queries are over a limit; answers whether any query runs."""
        now = time.monotonic()
        any_running = False
        for engine in self._engines.values():
            state, started = self._board.state(engine.slot)
            if state != RUNNING or engine.killed_for:
                continue
            any_running = True
            if now - started > self._settings.time_limit:
                self._kill(engine, "time")
            elif confine.anonymous_memory(engine.pid) - engine.memory_at_start > self._settings.memory_limit:
                self._kill(engine, "memory")
            elif now - started > _SLOW and not engine.slowed:
                engine.slowed = confine.lower_priority(engine.pid, _NICER)
        return any_running

    def _kill(self, engine: _Engine, kind: str) -> None:
        entry = self._board.read(engine.slot)
        engine.killed_for = entry.query_id
        # Noted before the kill: the client asks as soon as it sees its connection closed.
        self._note(kind, entry.query_id, entry.started)
        os.kill(engine.pid, signal.SIGKILL)

    def _unwanted(self) -> bool:
        """Whether nobody asked for long and the release is no longer the current one."""
        now = time.monotonic()
        if now - self._looked < _IDLE_BEFORE_CLOSING:
            return False
        answered, self._answered_before = self._answered_before, self._count()["queries"]
        self._looked = now
        if self._answered_before != answered:
            return False
        try:
            return (self._release.parent / CURRENT).readlink().name != self._release.name
        except OSError:
            return True

    # questions of clients

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if "why" in question:
            return self._why(question["why"])
        if "retire" in question:
            self._retiring = True
            return {}
        if "advance" in question:
            self._advance([Path(path) for path in question["advance"]], question["sockets"])
            return {"advanced": self._release.name}
        if "cancel" in question:
            return {"cancelled": self._cancel(question["cancel"])}
        return {"running": self._running(), "figures": self._count()}

    def _count(self) -> dict[str, int]:
        under_way = sum(self._board.read(engine.slot).queries for engine in self._engines.values())
        return {
            **self._figures,
            "queries": self._figures["queries"] + under_way,
            "engines": len(self._engines),
        }

    def _why(self, query_id: str) -> dict[str, Any]:
        self._reap()
        running = any(entry["id"] == query_id for entry in self._running())
        return {"end": self._ends.get(query_id), "running": running}

    def _cancel(self, query_id: str) -> bool:
        """End the query of that id, or those whose id begins with it: the queries that a client gave one name."""
        ended = False
        for engine in self._engines.values():
            entry = self._board.read(engine.slot)
            is_it = query_id in (entry.query_id, entry.query_id.partition("-")[0])
            if is_it and entry.state == RUNNING and not engine.killed_for:
                self._kill(engine, "cancelled")
                ended = True
        return ended

    def _running(self) -> list[dict[str, Any]]:
        now = time.monotonic()
        entries = ((engine, self._board.read(engine.slot)) for engine in self._engines.values())
        return [
            {"id": entry.query_id, "age": now - entry.started, "client": entry.client, "text": entry.text,
             "pid": engine.pid}
            for engine, entry in entries
            if entry.state == RUNNING and not engine.killed_for
        ]  # fmt: skip


def _close(charge: Charge) -> None:
    for listener in (charge.listener, charge.federated):
        if listener is not None:
            listener.close()


def main(arguments: list[str]) -> None:
    """Run as a program.

    The arguments: release folder, mode, our host's process, path of the control socket, and the descriptors of the
    listeners for control, queries and, where there is federation, federated queries.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s nursery: %(message)s")
    folder, mode, parent, path, *numbers = arguments
    confine.die_with_parent(int(parent))
    control, *listeners = (socket.socket(fileno=int(number)) for number in numbers)
    charge = Charge(Path(folder), mode, path, *listeners)
    try:
        Nursery(charge, read_settings(), Control(control)).run()
    except (OSError, SyntaxError, EngineFailed) as error:
        log.error("%s: %s", charge.release.name, error)
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
