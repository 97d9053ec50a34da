"""Batches of changes, committed in a child process that may be killed: with no network, little time and memory.

Nothing that a stranger sent is parsed in a process that has to live; what a child staged is swept if it dies. As long
as it lives it does one batch after the other, and keeps the store open in between.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from citygraph.commit.change import Change, Commit, change_as_json, change_from_json, commit_from_json, report_from_json
from citygraph.commit.commit import Consequences, Outcome, write
from citygraph.commit.followup import consequences_of
from citygraph.engine import sandbox as confine
from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import BadData, CitygraphError, EngineFailed, LimitReached, NotFound, StorageFull, Violations
from citygraph.release.releases import Releases, Working
from citygraph.settings import Settings, read_settings

log = logging.getLogger(__name__)

_ANSWERING = 10.0  # seconds for all of an answer, once it comes
_IDLE = 300.0  # seconds


def commit_here(changes: Sequence[Change], settings: Settings) -> list[Outcome]:
    """Commit changes from a process without a writer, such as a command.

    In a fresh process all the same, not a fork of this one: this one may have had a store open, whose threads and
    locks a fork does not survive. Answers for each its commit, or the error for which it changed nothing.
    """
    begun = time.monotonic()
    before = current_id(settings)
    sent = json.dumps([change_as_json(change) for change in changes]).encode()
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.commit.batch"],
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
    if current_id(settings) != before:
        return [unsure()] * len(changes)
    return [_death(process.returncode, time.monotonic() - begun, settings)] * len(changes)


def current_id(settings: Settings) -> str:
    """The current release, to be compared with what it was; empty if there is none."""
    try:
        return Releases(settings.releases).current_id()
    except NotFound:
        return ""


def unsure() -> CitygraphError:
    """What is told of a change whose process was ended when the release moved: it may have been the last it did."""
    return EngineFailed("the process that made the commit was ended, and a release was published: look at it first")


class Committer:
    """A child that commits one batch after the other; by its parent, which forks it and opens no store."""

    def __init__(
        self, settings: Settings, consequences: Consequences, forked: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._begun = 0.0
        self._worn = False
        parent = os.getpid()
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            forked()
            _live(lambda working: _serve(Channel(theirs), settings, consequences, working), settings, parent)
        theirs.close()
        self._channel = Channel(ours)

    @property
    def reading(self) -> int:
        """The descriptor on which an answer comes."""
        return self._channel.socket.fileno()

    @property
    def is_worn(self) -> bool:
        """Whether another one had better do the next batch."""
        return self._worn

    def begin(self, changes: Sequence[Change]) -> None:
        """Give it a batch. Raises ConnectionLost if it is gone."""
        self._begun = time.monotonic()
        self._channel.send(wire.frame_of(wire.ASK, {"changes": [change_as_json(change) for change in changes]}))

    def is_late(self) -> bool:
        """Whether the batch is over its time."""
        return time.monotonic() - self._begun > self._settings.write_time_limit

    def finish(self) -> list[Outcome] | CitygraphError:
        """What came of each change, once an answer comes or it is late; or why it died, and all of them with it."""
        try:
            if not self.is_late():
                answer = json.loads(self._channel.receive(_ANSWERING)[1])
                self._worn = answer["worn"]
                return [unpacked(values) for values in answer["outcomes"]]
            os.kill(self._pid, signal.SIGKILL)
        except ConnectionLost:
            pass  # it has ended, and how matters
        except TimeoutError:
            os.kill(self._pid, signal.SIGKILL)
        elapsed = time.monotonic() - self._begun
        return _death(self.end(), elapsed, self._settings)

    def end(self) -> int:
        """Let the child be gone; answers how it ended."""
        self._channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


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


def _live(work: Callable[[Working], None], settings: Settings, parent: int) -> None:
    """The rest of a child's life, with what it may do taken away."""
    status = 1
    working = Working(Releases(settings.releases))
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        confine.die_with_parent(parent)
        if not confine.can_filter():
            confine.cut_network()
        confine.limit_memory(settings.write_memory_limit)
        try:
            work(working)
        except MemoryError:
            os.kill(os.getpid(), signal.SIGABRT)
        working.drop()
        status = 0
    except BaseException:
        log.exception("a commit failed")
    finally:
        os._exit(status)


def _serve(channel: Channel, settings: Settings, consequences: Consequences, working: Working) -> None:
    """Commit batches until nobody sends any, or none comes for long: an open store costs memory."""
    most = confine.anonymous_memory() + settings.write_memory_limit // 8
    gc.freeze()
    with suppress(ConnectionLost, TimeoutError):
        while True:
            asked = json.loads(channel.receive(_IDLE)[1])
            changes = [change_from_json(values) for values in asked["changes"]]
            outcomes = _outcomes(changes, settings, consequences, working)
            worn = confine.anonymous_memory() > most
            answer = {"outcomes": [packed(outcome) for outcome in outcomes], "worn": worn}
            channel.send(wire.frame_of(wire.NOTE, answer))


def _outcomes(
    changes: Sequence[Change], settings: Settings, consequences: Consequences, working: Working
) -> list[Outcome]:
    try:
        return write(changes, Releases(settings.releases), consequences, settings, working)
    except CitygraphError as error:
        return [error] * len(changes)


def packed(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Commit):
        return {"commit": asdict(outcome)}
    if isinstance(outcome, Violations):
        report = outcome.report
        return {"violations": {"results": [asdict(result) for result in report.results], "turtle": report.turtle}}
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
    consequences = consequences_of(settings)

    def work(working: Working) -> None:
        outcomes = _outcomes(changes, settings, consequences, working)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump([packed(outcome) for outcome in outcomes], pipe)

    _live(work, settings, os.getppid())


if __name__ == "__main__":
    main()
