"""The engine host: opens releases on demand, each in a nursery of its own, and ends them all when its parent is gone.

`citygraph serve` starts one with `start_host` and gives its socket to the web processes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from citygraph.engine import sandbox as confine
from citygraph.engine import wire
from citygraph.engine.process import Control, Room, announce, listen
from citygraph.rdf.nquads import patched_ancestors
from citygraph.release.releases import CURRENT
from citygraph.settings import Settings, read_settings

log = logging.getLogger(__name__)

SOCKET = "host.sock"
_TICK = 1.0
# Quads that are in memory within about a second.
_LOADED_QUICKLY = 100_000
# So many commits are followed one by one in memory; beyond that it is loaded anew.
_LONGEST_CHAIN = 50
_PASSING = 2.0  # seconds for which a release that was moved on from is still served, less than in nursery.py
_ADVANCING = 10.0
# A release whose nursery ended badly is not tried again at once.
_PAUSE = 2.0


class HostProcess:
    """A running engine host as its parent sees it. Closing it ends all engines."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._room = Room()
        self._folder = self._room.path
        self._process = _spawn_host(settings, self._folder)

    @property
    def settings(self) -> Settings:
        """The settings with the host's socket in them, for web processes and `Engines`."""
        return self._settings.with_changes(engine_socket=str(self._folder / SOCKET))

    @property
    def pid(self) -> int:
        """The host's process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the host still runs; if not, `restart` it."""
        return self._process.poll() is None

    def open(self, release_id: str) -> None:
        """Begin to start the engines of a release, ahead of the first query."""
        with contextlib.suppress(OSError, wire.ConnectionLost):
            wire.consult(str(self._folder / SOCKET), {"open": release_id})

    def restart(self) -> None:
        """Start the host anew on the same socket, after it died; clients go on by themselves."""
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
        self._process = _spawn_host(self._settings, self._folder)

    def close(self) -> None:
        """End the host and all its engines, and remove its sockets."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._room.close()

    def __enter__(self) -> HostProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_host(settings: Settings) -> HostProcess:
    """Start an engine host and wait until it listens. Raises OSError if it does not start."""
    return HostProcess(settings)


def _spawn_host(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    """The host's process; it says on its stdout when it listens, and ends when its stdin does."""
    # Whoever can connect can run queries without a guard: the folder is ours alone.
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.engine.host", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=_environment(settings),
    )
    assert process.stdout is not None  # noqa: S101
    said = process.stdout.readline()
    process.stdout.close()
    if not said:
        raise OSError(f"the engine host did not start: it ended with {process.wait()}")
    return process


def _environment(settings: Settings) -> dict[str, str]:
    # A trace of a failed allocation would be printed while there is no memory, and may not end.
    return {**os.environ, **settings.as_environment(), "RUST_BACKTRACE": "0"}


@dataclass
class _Nursery:
    """A nursery as the host sees it."""

    process: subprocess.Popen[bytes]
    mode: str
    control: str
    ready: bool = False
    retiring: bool = False

    def is_ready(self) -> bool:
        """Whether its engines can be asked: it says so on its stdout."""
        if not self.ready and self.process.stdout and wire.is_readable(self.process.stdout):
            # Nothing to read although it is readable: it ended without having said so.
            self.ready = bool(os.read(self.process.stdout.fileno(), 64))
        return self.ready


@dataclass
class _Opened:
    """A release that is open: the sockets that clients connect to, and the nurseries whose engines answer there."""

    sockets: dict[str, str]
    nurseries: list[_Nursery]


class Host:
    """Keeps the nurseries: opens one for each release that is asked for.

    A large release that is to be held in memory gets two: one on disk that answers at once, and one in memory that
    takes over when it has loaded.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._opened: dict[str, _Opened] = {}
        self._failures: dict[str, float] = {}
        self._started = 0
        self._passing: dict[str, tuple[float, dict[str, str]]] = {}

    def run(self, control: Control) -> None:
        """Serve until our parent is gone or SIGTERM comes; then end every nursery."""
        try:
            while control.serve(_TICK, self._answer):
                self._look()
        finally:
            processes = [nursery.process for opened in self._opened.values() for nursery in opened.nurseries]
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                _end(process)
            _clear(self._folder)

    def _answer(self, question: dict[str, Any]) -> dict[str, Any]:
        self._look()
        if "open" in question:
            return self._open(str(question["open"]))
        return {
            "open": {
                release: [{"mode": n.mode, "control": n.control, "ready": n.is_ready()} for n in opened.nurseries]
                for release, opened in self._opened.items()
            }
        }

    def _open(self, release_id: str) -> dict[str, Any]:
        release = self._settings.releases / release_id
        named_well = bool(release_id) and "/" not in release_id and not release_id.startswith(".")
        if not named_well or release.is_symlink() or not (release / "store").is_dir():
            return {"error": f"no release {release_id!r}", "kind": "NotFound"}
        if release_id not in self._opened:
            if time.monotonic() - self._failures.get(release_id, -_PAUSE) < _PAUSE:
                return {"error": f"the engines of release {release_id} ended; see the log", "kind": "EngineFailed"}
            if release_id in self._passing:
                return {"sockets": self._passing[release_id][1]}
            self._opened[release_id] = self._advanced(release) or self._start_all(release)
        return {"sockets": self._opened[release_id].sockets}

    def _advanced(self, release: Path) -> _Opened | None:
        """The release in memory by way of an older one that is, if what changed since is known and it is current."""
        older = self._older_in_memory(release)
        if older is None or mode_of(release, self._settings)[0] != "memory":
            return None
        chain, opened = older
        sockets = {kind: str(self._new_socket(kind)) for kind in opened.sockets}
        question = {"advance": [str(path) for path in chain], "sockets": sockets}
        nursery = opened.nurseries[0]
        try:
            advanced = wire.consult(nursery.control, question, _ADVANCING).get("advanced") == release.name
        except (OSError, wire.ConnectionLost) as error:
            # Nobody knows what it holds now.
            log.warning("the engines could not move on to %s: %s", release.name, error)
            nursery.process.kill()
            return None
        if not advanced:
            return None
        name = next(name for name, one in self._opened.items() if one is opened)
        del self._opened[name]
        self._passing[name] = (time.monotonic() + _PASSING, opened.sockets)
        return _Opened(sockets, [nursery])

    def _older_in_memory(self, release: Path) -> tuple[list[Path], _Opened] | None:
        """An ancestor that is in memory, and the releases from there on."""
        chain: list[Path] = []
        try:
            if (release.parent / CURRENT).readlink().name != release.name:
                return None
        except OSError:
            return None
        for folder, parent in islice(patched_ancestors(release), _LONGEST_CHAIN):
            chain.insert(0, folder)
            opened = self._opened.get(parent)
            if opened and [(n.mode, n.is_ready(), n.retiring) for n in opened.nurseries] == [("memory", True, False)]:
                return chain, opened
        return None

    def _start_all(self, release: Path) -> _Opened:
        """The nurseries of a release. Its sockets listen at once, so that clients can wait in line."""
        kinds = ("query", "federated") if self._settings.federation else ("query",)
        paths = {kind: self._new_socket(kind) for kind in kinds}
        listeners = [listen(path) for path in paths.values()]
        mode, quads = mode_of(release, self._settings)
        modes = ["disk", "memory"] if mode == "memory" and quads > _LOADED_QUICKLY else [mode]
        nurseries = [self._start(release, mode, listeners) for mode in modes]
        for listener in listeners:
            listener.close()
        return _Opened({kind: str(path) for kind, path in paths.items()}, nurseries)

    def _start(self, release: Path, mode: str, listeners: list[socket.socket]) -> _Nursery:
        path = self._new_socket("control")
        control = listen(path)
        numbers = [listener.fileno() for listener in (control, *listeners)]
        process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.engine.supervisor", str(release), mode, str(os.getpid()), str(path)]
            + [str(number) for number in numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=numbers,
        )
        control.close()
        return _Nursery(process, mode, str(path))

    def _new_socket(self, kind: str) -> Path:
        # Never a name that was there before, even of a host before this one: a client may still have it.
        self._started += 1
        return self._folder / f"{os.getpid()}-{self._started}.{kind}"

    def _look(self) -> None:
        """Forget the nurseries that have ended, and retire those that have been replaced."""
        self._let_pass()
        for release_id, opened in list(self._opened.items()):
            for nursery in list(opened.nurseries):
                if nursery.process.poll() is not None:
                    self._forget(release_id, nursery)
            if opened.nurseries and opened.nurseries[-1].mode == "memory" and opened.nurseries[-1].is_ready():
                for nursery in opened.nurseries[:-1]:
                    _retire(nursery)
            if not opened.nurseries:
                # The next who asks for the release gets a new nursery.
                del self._opened[release_id]
                for path in opened.sockets.values():
                    Path(path).unlink(missing_ok=True)

    def _let_pass(self) -> None:
        for name, (until, sockets) in list(self._passing.items()):
            if time.monotonic() > until:
                del self._passing[name]
                for path in sockets.values():
                    Path(path).unlink(missing_ok=True)

    def _forget(self, release_id: str, nursery: _Nursery) -> None:
        self._opened[release_id].nurseries.remove(nursery)
        Path(nursery.control).unlink(missing_ok=True)
        _end(nursery.process)
        if nursery.process.returncode > 0:
            log.error("the nursery of %s (%s) ended with %d", release_id, nursery.mode, nursery.process.returncode)
            self._failures[release_id] = time.monotonic()


def _retire(nursery: _Nursery) -> None:
    """Ask a nursery to end when the queries of its engines have."""
    if not nursery.retiring:
        with contextlib.suppress(OSError, wire.ConnectionLost):
            wire.consult(nursery.control, {"retire": True}, timeout=0.5)
            nursery.retiring = True


def _clear(folder: Path) -> None:
    """Remove our sockets and the counts of web processes, and their folder if nothing else is in it."""
    for kind in ("sock", "query", "federated", "control", "metrics"):
        for left in folder.glob(f"*.{kind}"):
            left.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def mode_of(release: Path, settings: Settings) -> tuple[str, int]:
    """Whether engines hold this release in "memory" or read it from "disk", and its number of quads."""
    try:
        quads = int(json.loads((release / "manifest.json").read_text(encoding="utf-8"))["quads"])
    except (OSError, KeyError, ValueError):
        quads = sys.maxsize
    if settings.store_mode in {"memory", "disk"}:
        return settings.store_mode, quads
    return ("memory" if quads <= settings.memory_quads else "disk"), quads


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(folder: Path) -> None:
    """Run as a program."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s engine host: %(message)s")
    if why := confine.can_filter():
        log.warning("engines keep their network, only the guard holds them: %s", why)
    control = Control(listen(folder / SOCKET))
    announce("listening")
    Host(read_settings(), folder).run(control)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
