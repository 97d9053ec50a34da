"""The writer: takes changes from web processes and has them committed, in a child process that may be killed.

Nothing that a stranger sent is parsed in a process that has to live: the child has no network, its time and memory
are limited, and what it staged is swept if it dies. While a batch is under way changes queue; the next batch takes
all of them into one release.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from citygraph.commit.batch import Committer, current_id, packed, unpacked, unsure
from citygraph.commit.change import Change, Commit, change_as_json, change_from_json
from citygraph.commit.commit import Consequences, Outcome
from citygraph.commit.followup import consequences_of, fingerprint
from citygraph.engine import wire
from citygraph.engine.process import Room, announce
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import Busy, CitygraphError, EngineFailed, LimitReached
from citygraph.release.releases import Releases
from citygraph.settings import Settings, read_settings

log = logging.getLogger(__name__)

_SOCKET = "writer.sock"
_WARM_UP = 3.0  # seconds
_BACKLOG = 128
_TICK = 0.2
# Seconds to wait for those who were answered together: most write again at once, and can go together again.
_GATHERING = 0.02
_LARGEST_BATCH = 32
_SLACK = 5.0
_PATIENCE = 30.0


class Writer:
    """Commits changes through the writer process; for the threads of a web process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def commit(self, change: Change) -> Commit:
        """Publish a change. Raises what `write` answers, Busy when too many wait, LimitReached, EngineFailed."""
        wait = self._settings.write_time_limit * 2 + _SLACK
        try:
            channel = wire.connect(self._settings.writer_socket, self._settings.queue_wait)
        except OSError as error:
            raise Busy(f"the writer is not there: {error}", retry_after=2) from None
        try:
            channel.send(wire.frame_of(wire.ASK, change_as_json(change)))
            _, payload = channel.receive(wait)
        except TimeoutError:
            raise LimitReached("the commit was not done in time", "time", wait, wait) from None
        except ConnectionLost as error:
            raise EngineFailed(f"the writer ended while it had this change: {error}; look before you repeat") from None
        finally:
            channel.close()
        return _opened(json.loads(payload))


class WriterProcess:
    """A running writer as its parent sees it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._room = Room()
        self._folder = self._room.path
        self._process = _spawn(settings, self._folder)

    @property
    def settings(self) -> Settings:
        """The settings with the writer's socket in them, for web processes."""
        return self._settings.with_changes(writer_socket=str(self._folder / _SOCKET))

    @property
    def pid(self) -> int:
        """The writer's process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the writer still runs; if not, `restart` it."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Start the writer anew on the same socket, after it died."""
        self._end()
        self._process = _spawn(self._settings, self._folder)

    def close(self) -> None:
        """End the writer when the batch under way is done, and remove its socket."""
        self._end()
        self._room.close()

    def _end(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=self._settings.write_time_limit + _SLACK)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> WriterProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_writer(settings: Settings) -> WriterProcess:
    """Start a writer and wait until it listens. Raises OSError if it does not start."""
    return WriterProcess(settings)


def _spawn(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.commit.writer", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **settings.as_environment(), "RUST_BACKTRACE": "0"},
    )
    assert process.stdout is not None  # noqa: S101
    said = process.stdout.readline()
    process.stdout.close()
    if not said:
        raise OSError(f"the writer did not start: it ended with {process.wait()}")
    return process


@dataclass
class _Waiting:
    channel: Channel
    change: Change


class _Service:
    """The loop of the writer process. It has one thread and opens no store, for it forks."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._queue: deque[_Waiting] = deque()
        self._single: deque[_Waiting] = deque()  # those whose batch died: each goes alone
        self._under_way: list[_Waiting] = []
        self._committer: Committer | None = None
        self._gathering = (0.0, 0)  # until when, and how many are awaited
        self._before = ""  # the release from which the batch began
        self._consequences: Consequences | None = None
        self._fingerprint: object = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until our parent is gone; what is under way is finished."""
        parented = True
        announce("listening")
        # Reading shapes and rules takes seconds of a core: not while web processes start, unless a change comes.
        warm_up = time.monotonic() + _WARM_UP
        while parented or self._under_way or self._queue or self._single:
            if self._consequences is None and time.monotonic() > warm_up:
                self._refresh()
            for key, _ in self._selector.select(_GATHERING if self._gathers() else _TICK):
                if key.fileobj is self._listener:
                    self._accept()
                elif self._committer and key.fd == self._committer.reading:
                    self._finish() if self._under_way else self._dismiss()
                elif parented and not os.read(sys.stdin.fileno(), 1024):
                    parented = False
                    self._selector.unregister(sys.stdin.fileno())
                    self._selector.unregister(self._listener)
            if self._committer and self._under_way and self._committer.is_late():
                self._finish()
            if not self._under_way and not self._gathers():
                self._start()
        self._dismiss()

    def _gathers(self) -> bool:
        """Whether more of those are awaited who were answered last."""
        until, most = self._gathering
        return time.monotonic() < until and 0 < len(self._queue) < most

    def _accept(self) -> None:
        """Take a change; then those that wait behind it, so that they can go together."""
        while wire.is_readable(self._listener):
            channel = Channel(self._listener.accept()[0])
            try:
                _, payload = channel.receive(_PATIENCE)
                if len(self._queue) >= self._settings.write_queue:
                    raise Busy(f"{self._settings.write_queue} commits wait already", retry_after=2)
                self._queue.append(_Waiting(channel, change_from_json(json.loads(payload))))
            except (TimeoutError, ConnectionLost):
                channel.close()
            except CitygraphError as error:
                _reply(channel, error)

    def _start(self) -> None:
        if self._single:
            self._under_way = [self._single.popleft()]
        else:
            self._under_way = self._next()
        if not self._under_way:
            return
        self._refresh()
        assert self._consequences is not None  # noqa: S101
        changes = [waiting.change for waiting in self._under_way]
        self._before = current_id(self._settings)
        if self._committer is not None:
            with suppress(ConnectionLost):
                self._committer.begin(changes)
                return
            self._dismiss()
        self._committer = Committer(self._settings, self._consequences, self._abandon)
        self._selector.register(self._committer.reading, selectors.EVENT_READ)
        with suppress(ConnectionLost):
            # If it is gone already, that is told when it has no answer.
            self._committer.begin(changes)

    def _next(self) -> list[_Waiting]:
        """The changes that go together: a trial run goes alone."""
        taken: list[_Waiting] = []
        while self._queue and len(taken) < _LARGEST_BATCH:
            if self._queue[0].change.dry_run and taken:
                break
            taken.append(self._queue.popleft())
            if taken[-1].change.dry_run:
                break
        return taken

    def _finish(self) -> None:
        assert self._committer is not None  # noqa: S101
        self._selector.unregister(self._committer.reading)
        came = self._committer.finish()
        if isinstance(came, list) and not self._committer.is_worn:
            self._selector.register(self._committer.reading, selectors.EVENT_READ)
        else:
            if isinstance(came, list):
                self._committer.end()
            self._committer = None
        if isinstance(came, list):
            self._gathering = (time.monotonic() + _GATHERING, len(self._under_way))
            for waiting, outcome in zip(self._under_way, came, strict=True):
                _reply(waiting.channel, outcome)
        elif current_id(self._settings) == self._before and len(self._under_way) > 1:
            self._single.extend(self._under_way)
        else:
            outcome = came if current_id(self._settings) == self._before else unsure()
            for waiting in self._under_way:
                _reply(waiting.channel, outcome)
        self._under_way = []

    def _dismiss(self) -> None:
        """Let the committer end, or be gone: it ends by itself when nobody has written for long."""
        if self._committer is not None:
            self._selector.unregister(self._committer.reading)
            self._committer.end()
            self._committer = None

    def _refresh(self) -> None:
        """Read shapes and rules, if they are not the ones that were read."""
        now = fingerprint(self._settings)
        if self._consequences is None or now != self._fingerprint:
            self._dismiss()
            self._consequences = consequences_of(self._settings)
            self._fingerprint = now

    def _abandon(self) -> None:
        """Let go, in the child, of what is the service's."""
        self._selector.close()
        self._listener.close()
        for waiting in (*self._queue, *self._single, *self._under_way):
            waiting.channel.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)


def _reply(channel: Channel, outcome: Outcome) -> None:
    try:
        channel.send(wire.frame_of(wire.NOTE, packed(outcome)))
    except ConnectionLost:
        log.warning("nobody waits any more for: %.200s", outcome)
    finally:
        channel.close()


def _opened(values: dict[str, Any]) -> Commit:
    outcome = unpacked(values)
    if isinstance(outcome, CitygraphError):
        raise outcome
    return outcome


def main(folder: Path) -> None:
    """Run as a program."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s writer: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path = folder / _SOCKET
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    settings = read_settings()
    Releases(settings.releases).sweep()
    _Service(settings, listener).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
