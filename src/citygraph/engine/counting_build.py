"""Counting stores of the open releases: the host writes them in the background; the supervisors open them.

A separate process writes a counting store, because its threads must not be in a process that forks. It has a low
priority, so that neither the start of a server nor its first queries wait for it.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Set
from pathlib import Path

from pyoxigraph import Store

from citygraph.engine import sandbox
from citygraph.engine.process import spawn, stop
from citygraph.errors import EngineFailed
from citygraph.logs import start_logging
from citygraph.parent import die_with_parent
from citygraph.settings import Settings, read_settings
from citygraph.sparql.counting_store import CountingStore, write_counting_store

log = logging.getLogger(__name__)

_SUFFIX = ".counting"
_NICER = 10
# After a commit, another one may follow soon, and would make the counting store useless.
_STEADY = 10.0  # seconds
# Replaced releases on disk stay open for minutes, and the disk must not fill up with their counting stores.
_MOST_STORES = 2
# After so many the machine may have too little memory for the store.
_MOST_KILLS = 3


def is_counted(release: Path, settings: Settings) -> bool:
    """Returns whether a release is large enough for a counting store."""
    return 0 < settings.counting_triples <= _triples(release)


class AwaitedCountingStore:
    """The counting store of a release, opened when complete; its process has a socket in the same folder."""

    def __init__(self, release: Path, control: str, settings: Settings) -> None:
        self.store: CountingStore | None = None
        self._folder = _folder(Path(control).parent, release.name) if is_counted(release, settings) else None

    def is_open(self) -> bool:
        """Returns whether the store is open, after an attempt to open it."""
        if self.store is None and self._folder is not None and self._folder.is_dir():
            try:
                self.store = CountingStore(self._folder)
            except (OSError, ValueError) as error:
                log.warning("the counting store cannot be read: %s", error)
                self._folder = None
        return self.store is not None


class CountingBuilds:
    """The counting stores of a host. They are written one after the other into its folder of sockets."""

    def __init__(self, settings: Settings, sockets: Path) -> None:
        self._settings = settings
        self._sockets = sockets
        self._since: dict[str, float] = {}  # when each release became ready
        self._kills: Counter[str] = Counter()  # of the process that wrote it, by another process
        self._finished: set[str] = set()  # the releases that were written, are too small, or failed
        self._process: subprocess.Popen[bytes] | None = None
        self._release = ""
        self._is_first = True
        # Of a host that was killed, and served in the same folder.
        self._remove_all()

    def follow(self, ready: Set[str]) -> None:
        """Writes the counting stores of these releases, and removes those of others."""
        now = time.monotonic()
        for release_id in self._since.keys() - ready:
            del self._since[release_id]
            self._kills.pop(release_id, None)
            self._finished.discard(release_id)
            shutil.rmtree(_folder(self._sockets, release_id), ignore_errors=True)
        for release_id in ready - self._since.keys():
            self._since[release_id] = now
        if self._process is not None and (self._release not in ready or self._process.poll() is not None):
            self._end(self._process)
        if self._process is None:
            self._start_next(now)

    def close(self) -> None:
        """Ends the writing process and removes all counting stores."""
        if self._process is not None:
            self._end(self._process)
        self._remove_all()

    def _remove_all(self) -> None:
        for folder in self._sockets.glob(f"*{_SUFFIX}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _start_next(self, now: float) -> None:
        if len(list(self._sockets.glob(f"*{_SUFFIX}"))) >= _MOST_STORES:
            return
        for release_id in sorted(self._since.keys() - self._finished, reverse=True):
            release = self._settings.releases / release_id
            if not is_counted(release, self._settings):
                self._finished.add(release_id)
            elif self._is_first or now - self._since[release_id] > _STEADY:
                target = _folder(self._sockets, release_id)
                arguments = (str(release), str(target), str(os.getpid()))
                self._process = spawn("citygraph.engine.counting_build", *arguments)
                self._release, self._is_first = release_id, False
                return

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        is_killed = process.poll() == -signal.SIGKILL
        if process.poll() is None:
            process.kill()
        elif process.returncode:
            log.warning("%s: no counting store was written (status %d)", self._release, process.returncode)
        stop(process, _STEADY)
        shutil.rmtree(_partial(_folder(self._sockets, self._release)), ignore_errors=True)
        self._kills[self._release] += is_killed
        if self._release in self._since and not (is_killed and self._kills[self._release] < _MOST_KILLS):
            self._finished.add(self._release)
        self._process = None


def write(release: Path, target: Path) -> None:
    """Writes the counting store of a release to a folder, which appears when it is complete.

    Raises OSError, EngineFailed if it has not the triples of the release.
    """
    partial = _partial(target)
    partial.mkdir()
    start = time.monotonic()
    triples = write_counting_store(Store.read_only(str(release / "store")), partial)
    if triples != _triples(release):
        raise EngineFailed(f"the counting store has {triples} triples instead of {_triples(release)}")
    partial.rename(target)
    log.info("%s: counting store of %d triples after %.1f s", release.name, triples, time.monotonic() - start)


def _triples(release: Path) -> int:
    """Returns the number of triples in the default graph of a release, or 0 if it is unknown."""
    try:
        return int(json.loads((release / "manifest.json").read_text(encoding="utf-8"))["triples"])
    except (OSError, KeyError, ValueError):
        return 0


def _folder(sockets: Path, release_id: str) -> Path:
    return sockets / f"{release_id}{_SUFFIX}"


def _partial(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-partial")


def main(release: str, target: str, parent: str) -> None:
    """Writes the counting store of a release, for a host with this process id."""
    start_logging("counting-store", read_settings())
    die_with_parent(int(parent))
    sandbox.lower_priority(os.getpid(), _NICER)
    sandbox.limit_memory(read_settings().memory_limit)
    try:
        write(Path(release), Path(target))
    except (OSError, ValueError, EngineFailed) as error:
        log.error("%s: %s", release, error)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
