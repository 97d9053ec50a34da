"""The engine host: a process that starts a supervisor for each requested release, and ends with its parent.

`citygraph serve` starts one with `start_host` and passes its socket to the web processes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from citygraph.engine import sandbox, wire
from citygraph.engine.counting_build import CountingBuilds
from citygraph.engine.process import (
    Assignment,
    ControlLoop,
    Draining,
    ForkedProcess,
    announce,
    listen,
    stop,
)
from citygraph.engine.service import ServiceProcess, begin_service
from citygraph.engine.supervisor import Supervisor
from citygraph.errors import EngineFailed
from citygraph.logs import start_logging
from citygraph.rdf.nquads import patched_ancestors
from citygraph.release.releases import CURRENT
from citygraph.settings import Settings, read_settings

log = logging.getLogger(__name__)

# All times are in seconds.
_TICK = 1.0
# A release of up to this many quads loads into memory within about a second, and needs no engines on disk until then.
_LOADED_QUICKLY = 100_000
# The highest number of commits that are applied one by one in memory. After more, the release is loaded again.
_LONGEST_CHAIN = 50
# Clients still get the sockets of a replaced release for this time. It is shorter than the grace period of its engines
# (_DRAINING in supervisor.py), because a request may be on its way to them.
_DRAINING = 2.0
_ADVANCING = 10.0
_ENDING = 5.0
_SUPERVISOR_ENDING = 2.0
# A release whose supervisor failed is not started again at once.
_PAUSE = 2.0


class HostProcess(ServiceProcess):
    """A handle of the parent on its running engine host. Closing it ends all engines."""

    _opened = ""

    def open(self, release_id: str) -> None:
        """Asks the host to start the engines of a release, ahead of the first query. A restart asks again."""
        self._opened = release_id
        with contextlib.suppress(OSError, wire.ConnectionLost):
            wire.consult(self.socket, {"open": release_id})

    def restart(self) -> None:
        """Restarts the host, and the engines of the release that was opened last."""
        super().restart()
        if self._opened:
            self.open(self._opened)


def start_host(settings: Settings) -> HostProcess:
    """Starts an engine host and waits until it listens. Raises OSError if it does not start."""
    return HostProcess("citygraph.engine.host", "engine_socket", settings, _ENDING)


@dataclass
class _RunningSupervisor:
    """The host's record of a supervisor process."""

    process: ForkedProcess
    mode: str
    control: str
    ready: bool = False
    retiring: bool = False

    def is_ready(self) -> bool:
        """Returns whether the engines accept queries, which the supervisor announces on its stdout."""
        if not self.ready and self.process.stdout and wire.is_readable(self.process.stdout):
            # A pipe that is readable but without data belongs to a process that ended before it was ready.
            self.ready = bool(os.read(self.process.stdout.fileno(), 64))
        return self.ready


@dataclass
class _OpenRelease:
    """The client sockets of a release, and the supervisors whose engines serve them.

    The host has the `listeners` of the sockets too, so that it can replace a supervisor that was killed, while clients
    wait on them. A supervisor that moved on to a later release has made its own listeners.
    """

    sockets: dict[str, str]
    supervisors: list[_RunningSupervisor]
    listeners: list[socket.socket] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)

    def close_listeners(self) -> None:
        """Closes the listeners in this process."""
        while self.listeners:
            self.listeners.pop().close()

    def missing_modes(self) -> list[str]:
        """Returns the modes of the supervisors that are still needed but have ended."""
        modes = [supervisor.mode for supervisor in self.supervisors if not supervisor.retiring]
        # As soon as the last mode is there, it replaces the others.
        has_last = any(supervisor.mode == self.modes[-1] and supervisor.is_ready() for supervisor in self.supervisors)
        return [mode for mode in self.modes if mode not in modes and not (has_last and mode != self.modes[-1])]


class Host:
    """The manager of the supervisors of all open releases.

    A large release for the memory gets two supervisors. One reads it from disk and can serve at once. The other holds
    it in memory, and replaces the first as soon as it has loaded.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._opened: dict[str, _OpenRelease] = {}
        self._failures: dict[str, float] = {}
        self._counting = CountingBuilds(settings, folder)
        self._started = 0
        self._draining: Draining[tuple[str, dict[str, str]]] = Draining(_DRAINING)  # release ids and sockets

    def run(self, control: ControlLoop) -> None:
        """Serves requests until the parent is gone or SIGTERM arrives. Then ends every supervisor."""
        try:
            while control.serve(_TICK, self._handle):
                self._look()
                self._counting.follow(self._steady())
        finally:
            processes = [supervisor.process for opened in self._opened.values() for supervisor in opened.supervisors]
            # All are signalled before the first is waited for, so that they end at the same time.
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                stop(process, _SUPERVISOR_ENDING)
            self._counting.close()
            _clear(self._folder)

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self._look()
        if "open" in request:
            return self._open(str(request["open"]))
        return {
            "open": {
                release: [{"mode": s.mode, "control": s.control, "ready": s.is_ready()} for s in opened.supervisors]
                for release, opened in self._opened.items()
            }
        }

    def _open(self, release_id: str) -> dict[str, Any]:
        release = self._settings.releases / release_id
        # The id comes from a URL, so it must not lead out of the folder, nor to a staged release or `current`.
        is_valid = bool(release_id) and "/" not in release_id and not release_id.startswith(".")
        if not is_valid or release.is_symlink() or not (release / "store").is_dir():
            return {"error": f"no release {release_id!r}", "kind": "NotFound"}
        if release_id not in self._opened:
            if time.monotonic() - self._failures.get(release_id, -_PAUSE) < _PAUSE:
                return {"error": f"the engines of release {release_id} ended; see the log", "kind": "EngineFailed"}
            for name, sockets in self._draining:
                if name == release_id:
                    return {"sockets": sockets, "state": "ok"}
            if not self._is_current(release_id) and self._is_starting():
                # Many may wait for releases that were current a moment ago. To start all at once would delay each.
                return {"error": "the engines of another release are starting", "kind": "Busy"}
            self._opened[release_id] = self._advanced(release) or self._start_all(release)
        return {"sockets": self._opened[release_id].sockets, "state": self._state(release_id)}

    def _is_starting(self) -> bool:
        """Returns whether a supervisor has not started its engines yet."""
        return any(not supervisor.is_ready() for opened in self._opened.values() for supervisor in opened.supervisors)

    def _state(self, release_id: str) -> str:
        """Returns "ok" if engines of an open release accept queries, else "starting" or "failing"."""
        if any(supervisor.is_ready() for supervisor in self._opened[release_id].supervisors):
            self._failures.pop(release_id, None)
            return "ok"
        return "failing" if release_id in self._failures else "starting"

    def _advanced(self, release: Path) -> _OpenRelease | None:
        """Upgrades an ancestor that is in memory to this release, by applying the changes between them.

        Returns None if the release is not the current one, or without such an ancestor and chain of changes.
        """
        older = self._older_in_memory(release)
        if older is None or mode_of(release, self._settings)[0] != "memory":
            return None
        chain, opened = older
        sockets = {kind: str(self._new_socket(kind)) for kind in opened.sockets}
        request = {"advance": [str(path) for path in chain], "sockets": sockets}
        supervisor = opened.supervisors[0]
        try:
            advanced = wire.consult(supervisor.control, request, _ADVANCING).get("advanced") == release.name
        except (OSError, wire.ConnectionLost) as error:
            # Its store may contain only some of the changes, so its engines must not serve any release.
            log.warning("the engines could not move on to %s: %s", release.name, error)
            supervisor.process.kill()
            return None
        if not advanced:
            return None
        replaced = next(name for name, candidate in self._opened.items() if candidate is opened)
        del self._opened[replaced]
        # Otherwise connections would wait here after the last engine has closed them.
        opened.close_listeners()
        self._draining.add((replaced, opened.sockets))
        return _OpenRelease(sockets, [supervisor])

    def _older_in_memory(self, release: Path) -> tuple[list[Path], _OpenRelease] | None:
        """Returns an ancestor that is in memory, and the releases from its first child to `release`."""
        chain: list[Path] = []
        if not self._is_current(release.name):
            return None
        for folder, parent in islice(patched_ancestors(release), _LONGEST_CHAIN):
            chain.insert(0, folder)
            opened = self._opened.get(parent)
            # A loading supervisor moves on when it has loaded. Otherwise, while commits follow each other quickly, each
            # would start another supervisor, and none would be ready before the next commit.
            if opened and [(s.mode, s.retiring) for s in opened.supervisors] == [("memory", False)]:
                return chain, opened
        return None

    def _start_all(self, release: Path) -> _OpenRelease:
        """Starts the supervisors of a release. Its sockets listen at once, so that clients can queue on them.

        All supervisors of a release inherit the same listening sockets.
        """
        kinds = ("query", "federated") if self._settings.federation else ("query",)
        paths = {kind: self._new_socket(kind) for kind in kinds}
        listeners = [listen(path) for path in paths.values()]
        mode, quads = mode_of(release, self._settings)
        modes = ["disk", "memory"] if mode == "memory" and quads > _LOADED_QUICKLY else [mode]
        supervisors = [self._start(release, mode, listeners) for mode in modes]
        return _OpenRelease({kind: str(path) for kind, path in paths.items()}, supervisors, listeners, modes)

    def _start(self, release: Path, mode: str, listeners: list[socket.socket]) -> _RunningSupervisor:
        path = self._new_socket("control")
        control = listen(path)
        run = partial(supervise, Assignment(release, mode, str(path), *listeners), control)
        process = ForkedProcess(run, [listener.fileno() for listener in (control, *listeners)])
        control.close()
        return _RunningSupervisor(process, mode, str(path))

    def _new_socket(self, kind: str) -> Path:
        # A name is never reused, not even after a restart of the host, because a client may still have it.
        self._started += 1
        return self._folder / f"{os.getpid()}-{self._started}.{kind}"

    def _look(self) -> None:
        """Removes the records of supervisors that have ended, and retires those that have been replaced."""
        self._close_drained()
        for release_id, opened in list(self._opened.items()):
            ended = [supervisor for supervisor in opened.supervisors if supervisor.process.poll() is not None]
            opened.supervisors = [supervisor for supervisor in opened.supervisors if supervisor not in ended]
            killed = sum(self._forget(release_id, supervisor) for supervisor in ended)
            if killed and self._is_current(release_id):
                self._replace(release_id, opened)
            if opened.supervisors and opened.supervisors[-1].mode == "memory" and opened.supervisors[-1].is_ready():
                for supervisor in opened.supervisors[:-1]:
                    _retire(supervisor)
            if not opened.supervisors:
                # The next client that requests the release gets a new supervisor.
                del self._opened[release_id]
                opened.close_listeners()
                for path in opened.sockets.values():
                    Path(path).unlink(missing_ok=True)

    def _replace(self, release_id: str, opened: _OpenRelease) -> None:
        """Starts the supervisors of a release again that were killed, without a client that waits for them."""
        release = self._settings.releases / release_id
        if opened.listeners:
            opened.supervisors += [self._start(release, mode, opened.listeners) for mode in opened.missing_modes()]
            opened.supervisors.sort(key=lambda supervisor: opened.modes.index(supervisor.mode))
        elif not opened.supervisors:
            for path in opened.sockets.values():
                Path(path).unlink(missing_ok=True)
            self._opened[release_id] = self._start_all(release)

    def _is_current(self, release_id: str) -> bool:
        try:
            return (self._settings.releases / CURRENT).readlink().name == release_id
        except OSError:
            return False

    def _steady(self) -> set[str]:
        """Returns the open releases with the one supervisor that will serve them."""
        return {
            release_id
            for release_id, opened in self._opened.items()
            if len(opened.supervisors) == 1 and opened.supervisors[0].is_ready()
        }

    def _close_drained(self) -> None:
        for drained in self._draining.expired():
            self._draining.remove(drained)
            for path in drained[1].values():
                Path(path).unlink(missing_ok=True)

    def _forget(self, release_id: str, supervisor: _RunningSupervisor) -> bool:
        """Removes the state of a supervisor that has ended. Returns whether a signal ended it."""
        Path(supervisor.control).unlink(missing_ok=True)
        stop(supervisor.process, _SUPERVISOR_ENDING)
        code = supervisor.process.wait()
        if code > 0:
            log.error("the supervisor of %s (%s) ended with %d", release_id, supervisor.mode, code)
            self._failures[release_id] = time.monotonic()
        return code < 0


def _retire(supervisor: _RunningSupervisor) -> None:
    """Requests a graceful shutdown of a supervisor, after the running queries of its engines."""
    if not supervisor.retiring:
        with contextlib.suppress(OSError, wire.ConnectionLost):
            wire.consult(supervisor.control, {"retire": True}, timeout=0.5)
            supervisor.retiring = True


def _clear(folder: Path) -> None:
    """Removes the sockets of a host, but not its own, which belongs to its parent."""
    for kind in ("query", "federated", "control"):
        for path in folder.glob(f"*.{kind}"):
            path.unlink(missing_ok=True)


def mode_of(release: Path, settings: Settings) -> tuple[str, int]:
    """Returns whether engines hold a release in "memory" or read it from "disk", and its number of quads."""
    try:
        quads = int(json.loads((release / "manifest.json").read_text(encoding="utf-8"))["quads"])
    except (OSError, KeyError, ValueError):
        # Without a manifest the size is unknown, and only the mode "disk" can serve a release of any size.
        quads = sys.maxsize
    if settings.store_mode in {"memory", "disk"}:
        return settings.store_mode, quads
    return ("memory" if quads <= settings.memory_quads else "disk"), quads


def supervise(assignment: Assignment, control: socket.socket) -> NoReturn:
    """Runs a supervisor in a child of the host, which has the listeners, and ends the process."""
    settings, status = read_settings(), 0
    start_logging("supervisor", settings)
    loop = ControlLoop(control)
    try:
        Supervisor(assignment, settings, loop).run()
    except (OSError, SyntaxError, EngineFailed) as error:
        # SIGTERM interrupts the reading of a store, and a host that ends has closed the pipe before.
        if not loop.is_stopping() and not isinstance(error, BrokenPipeError):
            log.error("%s: %s", assignment.release.name, error)
        status = 1
    os._exit(status)


def main(folder: str, listener: str, parent: str) -> None:
    """Runs the host with its sockets in `folder`."""
    control = ControlLoop(begin_service("host", folder, listener, parent))
    # Sockets of a host that was killed.
    _clear(Path(folder))
    if reason := sandbox.can_filter():
        log.warning("engines keep their network, and only the guard restricts queries: %s", reason)
    announce("listening")
    # Supervisors are forked. The collector skips the objects made so far: its marks would copy shared pages.
    gc.collect()
    gc.freeze()
    Host(read_settings(), Path(folder)).run(control)


if __name__ == "__main__":
    main(*sys.argv[1:])
