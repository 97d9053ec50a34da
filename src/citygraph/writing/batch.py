"""A batch of changes, committed in a child process that may be killed: with no network, little time and memory.

Nothing that a stranger sent is parsed in a process that has to live; what a child staged is swept if it dies.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from citygraph.errors import BadData, CitygraphError, EngineFailed, LimitReached, StorageFull, Violations
from citygraph.release import Releases
from citygraph.settings import Settings, read_settings
from citygraph.sparql import confine, wire
from citygraph.writing.change import (
    Change,
    Commit,
    change_as_json,
    change_from_json,
    commit_from_json,
    report_from_json,
)
from citygraph.writing.consequences import consequences_of
from citygraph.writing.write import Consequences, Outcome, write

log = logging.getLogger(__name__)

_READ = 1 << 20


def commit_here(changes: Sequence[Change], settings: Settings) -> list[Outcome]:
    """Commit changes from a process without a writer, such as a command.

    In a fresh process all the same, not a fork of this one: this one may have had a store open, whose threads and
    locks a fork does not survive. Answers for each its commit, or the error for which it changed nothing.
    """
    begun = time.monotonic()
    sent = json.dumps([change_as_json(change) for change in changes]).encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.writing.batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **settings.as_environment(), "RUST_BACKTRACE": "0"},
    )
    try:
        answer, _ = process.communicate(sent, settings.write_time_limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        answer = b""
    if process.returncode == 0:
        return [unpacked(values) for values in json.loads(answer)]
    return [_death(process.returncode, time.monotonic() - begun, settings)] * len(changes)


class Batch:
    """Changes that a child commits."""

    def __init__(
        self,
        changes: Sequence[Change],
        settings: Settings,
        consequences: Consequences,
        forked: Callable[[], None] = lambda: None,
    ) -> None:
        self._changes = changes
        self._settings = settings
        self._begun = time.monotonic()
        self._answer = bytearray()
        self.reading, writing = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self.reading)
            forked()
            _commit_in_child(changes, settings, consequences, writing, parent)
        os.close(writing)
        self._status: int | None = None

    def read(self, timeout: float) -> bool:
        """Read what has come of the answer; True when there is no more, or time is up."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.reading, selectors.EVENT_READ)
            if selector.select(timeout):
                piece = os.read(self.reading, _READ)
                self._answer += piece
                if not piece:
                    return True
        return self.is_late()

    def is_late(self) -> bool:
        """Whether the batch is over its time."""
        return time.monotonic() - self._begun > self._settings.write_time_limit

    def end(self) -> None:
        """Let the child be gone."""
        os.close(self.reading)
        if self.is_late():
            os.kill(self._pid, signal.SIGKILL)
        self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def outcomes(self) -> list[Outcome]:
        """What came of each change."""
        if self._status == 0:
            return [unpacked(values) for values in json.loads(self._answer)]
        elapsed = time.monotonic() - self._begun
        return [_death(self._status, elapsed, self._settings)] * len(self._changes)

    def died(self) -> bool:
        """Whether the child gave no answer."""
        return self._status != 0


def _death(status: int | None, elapsed: float, settings: Settings) -> CitygraphError:
    """Why a process that made a commit ended without an answer."""
    if elapsed > settings.write_time_limit:
        limit = settings.write_time_limit
        return LimitReached(f"the commit took more than {limit:g} s; nothing was changed", "time", limit, elapsed)
    if status == -signal.SIGABRT:
        most = settings.write_memory_limit
        return LimitReached(f"the commit needs more than {most} bytes of memory", "memory", most, elapsed)
    if status == -signal.SIGSEGV:
        return BadData("it is nested too deeply to be read", "body")
    if status == -signal.SIGXFSZ:
        return StorageFull("there is no room on the disk: nothing was changed")
    return EngineFailed(f"the process that made the commit ended with {status}")


def _commit_in_child(
    changes: Sequence[Change], settings: Settings, consequences: Consequences, writing: int, parent: int
) -> None:
    """The rest of a forked child's life."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        confine.die_with_parent(parent)
        if not confine.can_filter():
            confine.cut_network()
        confine.limit_memory(settings.write_memory_limit)
        try:
            outcomes = write(changes, Releases(settings.releases), consequences, settings)
        except MemoryError:
            os.kill(os.getpid(), signal.SIGABRT)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump([packed(outcome) for outcome in outcomes], pipe)
        status = 0
    except BaseException:
        log.exception("a commit failed")
    finally:
        os._exit(status)


def packed(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Commit):
        return {"commit": asdict(outcome)}
    if isinstance(outcome, Violations):
        return {"violations": asdict(outcome.report)}
    if isinstance(outcome, BadData):
        # Its constructor puts the place in front of the message.
        place = ":".join(str(part) for part in (outcome.file, outcome.line, outcome.column) if part is not None)
        return {**wire.error_to_wire(outcome), "message": str(outcome).removeprefix(f"{place}: ")}
    return wire.error_to_wire(outcome)


def unpacked(values: dict[str, Any]) -> Outcome:
    if "commit" in values:
        return commit_from_json(values["commit"])
    if "violations" in values:
        return Violations(report_from_json(values["violations"]))
    return wire.error_from_wire(values)


def main() -> None:
    """Run as a program: changes come in on standard input, what came of them goes out."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s commit: %(message)s")
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    changes = [change_from_json(values) for values in json.load(sys.stdin.buffer)]
    settings = read_settings()
    _commit_in_child(changes, settings, consequences_of(settings), writing, os.getppid())


if __name__ == "__main__":
    main()
