"""Commits of batches of changes in a sandboxed child process: no network, limited time and memory.

Requests from outside are parsed only in a process that may be killed; a staged release that it leaves is swept. A child
commits one batch after the other, and keeps the store open in between.
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
from typing import TYPE_CHECKING

from citygraph.commit.change import Change, change_as_json, change_from_json
from citygraph.commit.outcomes import Outcome, current_id, outcome_as_json, outcome_from_json, published_commit
from citygraph.engine import sandbox, wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import BadData, CitygraphError, EngineFailed, LimitReached, StorageFull
from citygraph.logs import start_logging
from citygraph.parent import die_with_parent
from citygraph.release.releases import Releases, WorkingCopy
from citygraph.settings import Settings, read_settings

# A command that has its change committed by a child process needs nothing of this.
if TYPE_CHECKING:
    from citygraph.commit.commit import Followup

log = logging.getLogger(__name__)

_RECEIVE_SECONDS = 10.0  # for a whole response, once it begins
_IDLE_SECONDS = 300.0


def commit_here(changes: Sequence[Change], settings: Settings) -> list[Outcome]:
    """Commits changes from a process without a writer, such as a command.

    Returns for each its commit, or the error for which it changed nothing.
    """
    begun = time.monotonic()
    releases = Releases(settings.releases)
    before = current_id(releases)
    request = json.dumps([change_as_json(change) for change in changes]).encode()
    # A new process, not a fork: this one may have had a store open, whose threads and locks do not survive a fork.
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.commit.batch"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **settings.as_environment(), "RUST_BACKTRACE": "0"},
    )
    try:
        response, _ = process.communicate(request, settings.write_time_limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        response = b""
    if process.returncode == 0:
        return [outcome_from_json(values) for values in json.loads(response)]
    # It may have died after the publication.
    error = _exit_error(process.returncode, time.monotonic() - begun, settings)
    return [published_commit(change, releases, before) or error for change in changes]


class Committer:
    """A child process that commits one batch after the other, as its parent sees it.

    The parent forks it, so it must not have opened a store: a store's threads and locks do not survive a fork.
    """

    def __init__(self, settings: Settings, followup: Followup, forked: Callable[[], None] = lambda: None) -> None:
        self._settings = settings
        self._begun = 0.0
        self._needs_replacement = False
        self._is_ended = False  # by this object
        self._was_killed = False
        parent = os.getpid()
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            start_logging("committer", settings)
            forked()
            _run_sandboxed(
                lambda working: _serve_batches(Channel(theirs), settings, followup, working), settings, parent
            )
        theirs.close()
        self._channel = Channel(ours)

    @property
    def descriptor(self) -> int:
        """The file descriptor on which a response arrives."""
        return self._channel.socket.fileno()

    @property
    def needs_replacement(self) -> bool:
        """Whether a new child should do the next batch, because this one has used too much memory."""
        return self._needs_replacement

    @property
    def was_killed(self) -> bool:
        """Whether another process killed the child, such as the kernel when memory is short."""
        return self._was_killed

    def send(self, changes: Sequence[Change]) -> None:
        """Sends a batch. Raises ConnectionLost if the child has ended."""
        self._begun = time.monotonic()
        self._channel.send(wire.frame_of(wire.ASK, {"changes": [change_as_json(change) for change in changes]}))

    def is_late(self) -> bool:
        """Returns whether the batch has exceeded its time limit."""
        return time.monotonic() - self._begun > self._settings.write_time_limit

    def receive(self) -> list[Outcome] | CitygraphError:
        """Returns the outcome of each change, or the error with which the child ended.

        Call it when a response is readable or the batch is late. A late child is killed.
        """
        try:
            if not self.is_late():
                response = json.loads(self._channel.receive(_RECEIVE_SECONDS)[1])
                self._needs_replacement = response["worn"]
                return [outcome_from_json(values) for values in response["outcomes"]]
            self._end()
        except ConnectionLost:
            pass  # the exit status gives the reason
        except TimeoutError:
            self._end()
        elapsed = time.monotonic() - self._begun
        status = self.close()
        self._was_killed = status == -signal.SIGKILL and not self._is_ended
        return _exit_error(status, elapsed, self._settings)

    def _end(self) -> None:
        self._is_ended = True
        os.kill(self._pid, signal.SIGKILL)

    def close(self) -> int:
        """Closes the channel, waits for the child and returns its exit code."""
        self._channel.close()
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def _exit_error(status: int | None, elapsed: float, settings: Settings) -> CitygraphError:
    """Returns the reason for which a commit process ended without a response."""
    if elapsed > settings.write_time_limit:
        limit = settings.write_time_limit
        return LimitReached(f"the commit took more than {limit:g} s; nothing was changed", "time", limit, elapsed)
    # Rust aborts on a failed allocation, and `_run_sandboxed` turns a MemoryError into the same signal.
    if status == -signal.SIGABRT:
        most = settings.write_memory_limit
        return LimitReached(f"the commit needs more than {most} bytes of memory", "memory", most, elapsed)
    # The parser crashes on some bodies.
    if status == -signal.SIGSEGV:
        return BadData("the parser crashed on this body; nothing was changed", "body")
    if status == -signal.SIGXFSZ:
        return StorageFull("the disk is full: nothing was changed")
    return EngineFailed(f"the commit process ended with status {status}; nothing was changed")


def _run_sandboxed(work: Callable[[WorkingCopy], None], settings: Settings, parent: int) -> None:
    """Runs the work of a child process in a sandbox, and exits."""
    status = 1
    working = WorkingCopy(Releases(settings.releases))
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)  # inherited from the parent, whose loop must not be woken by this process
        die_with_parent(parent)
        if not sandbox.can_filter():
            sandbox.cut_network()
        sandbox.limit_memory(settings.write_memory_limit)
        try:
            work(working)
        except MemoryError:
            os.kill(os.getpid(), signal.SIGABRT)
        working.drop()
        status = 0
    except BaseException:
        log.exception("a commit failed")
    finally:
        # Not sys.exit: the cleanup that a fork inherited is the parent's.
        os._exit(status)


def _serve_batches(channel: Channel, settings: Settings, followup: Followup, working: WorkingCopy) -> None:
    """Commits batches until the channel closes or is idle for long: an open store costs memory."""
    most = sandbox.anonymous_memory() + settings.write_memory_limit // 8
    # A collection would write to the objects inherited from the parent, and so copy their shared pages.
    gc.freeze()
    followup.begin()
    with suppress(ConnectionLost, TimeoutError):
        while True:
            request = json.loads(channel.receive(_IDLE_SECONDS)[1])
            changes = [change_from_json(values) for values in request["changes"]]
            outcomes = _outcomes(changes, settings, followup, working)
            worn = sandbox.anonymous_memory() > most
            response = {"outcomes": [outcome_as_json(outcome) for outcome in outcomes], "worn": worn}
            channel.send(wire.frame_of(wire.NOTE, response))


def _outcomes(changes: Sequence[Change], settings: Settings, followup: Followup, working: WorkingCopy) -> list[Outcome]:
    from citygraph.commit.commit import commit

    try:
        return commit(changes, Releases(settings.releases), followup, settings, working)
    except CitygraphError as error:
        return [error] * len(changes)


def main() -> None:
    """Commits the changes from standard input and writes their outcomes to standard output."""
    start_logging("commit", read_settings())
    # A library that prints must not break the JSON: its output goes to standard error.
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    from citygraph.commit.followup import followup_for

    changes = [change_from_json(values) for values in json.load(sys.stdin.buffer)]
    settings = read_settings()
    followup = followup_for(settings)

    def work(working: WorkingCopy) -> None:
        followup.begin()
        outcomes = _outcomes(changes, settings, followup, working)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump([outcome_as_json(outcome) for outcome in outcomes], pipe)

    _run_sandboxed(work, settings, os.getppid())


if __name__ == "__main__":
    main()
