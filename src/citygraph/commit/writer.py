"""The writer process: receives changes from web processes and has them committed in a sandboxed child process.

The child has no network, its time and memory are limited, and a staged release that it leaves is swept. While a batch
is in progress changes wait in a queue; the next batch commits all of them in one release.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citygraph.commit.batch import Committer
from citygraph.commit.change import Change, change_from_json
from citygraph.commit.outcomes import Outcome, current_id, outcome_as_json, published_commit
from citygraph.commit.tokens import Tokens
from citygraph.engine import wire
from citygraph.engine.process import announce, detach_stdin
from citygraph.engine.service import begin_service
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import Busy, CitygraphError
from citygraph.release.releases import Releases
from citygraph.settings import Settings, read_settings

if TYPE_CHECKING:
    from citygraph.commit.commit import Followup

log = logging.getLogger(__name__)

# All times are in seconds.
_WARM_UP = 3.0
_TICK = 0.2
# How long to wait for clients that got their responses together: most write again at once, so that a batch forms.
_GATHERING = 0.02
_LARGEST_BATCH = 32
_MOST_REPEATS = 3
_RECEIVE = 30.0


@dataclass
class _QueuedChange:
    channel: Channel
    change: Change
    repeats: int = 0  # because the child was killed


class _Service:
    """The event loop of the writer process. It has one thread and opens no store, because it forks."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._releases = Releases(settings.releases)
        self._listener = listener
        self._queue: deque[_QueuedChange] = deque()
        self._single: deque[_QueuedChange] = deque()  # changes whose batch died, to be committed one by one
        self._under_way: list[_QueuedChange] = []
        self._committer: Committer | None = None
        self._awaited = (0.0, 0)  # until when to wait for more changes, and for how many
        self._before = ""  # the release from which the batch began
        self._followup: Followup | None = None
        self._fingerprint: object = None
        self._tokens = Tokens(settings.tokens)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def run(self) -> None:
        """Serves until standard input ends, and then finishes all received changes."""
        parented = True
        announce("listening")
        # Reading shapes and rules takes seconds of a core: not while web processes start, unless a change arrives.
        warm_up = time.monotonic() + _WARM_UP
        while parented or self._under_way or self._queue or self._single:
            if self._followup is None and time.monotonic() > warm_up and self._may_be_asked():
                self._refresh()
            for key, _ in self._selector.select(_GATHERING if self._awaits_more() else _TICK):
                if key.fileobj is self._listener:
                    self._accept()
                elif self._committer and key.fd == self._committer.descriptor:
                    # Without a batch the descriptor is readable only because the child has ended.
                    self._finish() if self._under_way else self._dismiss()
                elif parented and not os.read(sys.stdin.fileno(), 1024):
                    parented = False
                    self._selector.unregister(sys.stdin.fileno())
                    self._selector.unregister(self._listener)
            if self._committer and self._under_way and self._committer.is_late():
                self._finish()
            if not self._under_way and not self._awaits_more():
                self._start()
        self._dismiss()

    def _may_be_asked(self) -> bool:
        """Returns whether a token exists. Without tokens, shapes and rules would only take memory."""
        return self._settings.open_writes or bool(self._tokens.holders())

    def _awaits_more(self) -> bool:
        """Returns whether to hold the next batch open, as the clients of the last one are likely to write again."""
        until, most = self._awaited
        return time.monotonic() < until and 0 < len(self._queue) < most

    def _accept(self) -> None:
        """Receives all changes that wait on the socket, so that they can be committed together."""
        while wire.is_readable(self._listener):
            channel = Channel(self._listener.accept()[0])
            try:
                _, payload = channel.receive(_RECEIVE)
                if len(self._queue) >= self._settings.write_queue:
                    raise Busy(f"{self._settings.write_queue} commits are waiting already", retry_after=2)
                self._queue.append(_QueuedChange(channel, change_from_json(json.loads(payload))))
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
        assert self._followup is not None  # noqa: S101
        changes = [waiting.change for waiting in self._under_way]
        self._before = current_id(self._releases)
        if self._committer is not None:
            with suppress(ConnectionLost):
                self._committer.send(changes)
                return
            self._dismiss()
        self._committer = Committer(self._settings, self._followup, self._abandon)
        self._selector.register(self._committer.descriptor, selectors.EVENT_READ)
        with suppress(ConnectionLost):
            # If the child has ended already, `receive` reports it.
            self._committer.send(changes)

    def _next(self) -> list[_QueuedChange]:
        """Takes the next batch from the queue. A dry run forms its own batch, because its batch is not published."""
        batch: list[_QueuedChange] = []
        while self._queue and len(batch) < _LARGEST_BATCH:
            if self._queue[0].change.dry_run and batch:
                break
            batch.append(self._queue.popleft())
            if batch[-1].change.dry_run:
                break
        return batch

    def _finish(self) -> None:
        assert self._committer is not None  # noqa: S101
        self._selector.unregister(self._committer.descriptor)
        result = self._committer.receive()
        was_killed = self._committer.was_killed
        if isinstance(result, list) and not self._committer.needs_replacement:
            self._selector.register(self._committer.descriptor, selectors.EVENT_READ)
        else:
            if isinstance(result, list):
                self._committer.close()
            self._committer = None
        if isinstance(result, list):
            self._awaited = (time.monotonic() + _GATHERING, len(self._under_way))
            for waiting, outcome in zip(self._under_way, result, strict=True):
                _reply(waiting.channel, outcome)
        else:
            self._settle(result, was_killed)
        self._under_way = []

    def _settle(self, error: CitygraphError, was_killed: bool) -> None:
        """Replies for changes whose child has died. If it was killed, those not published are committed again."""
        may_repeat = was_killed and all(waiting.repeats < _MOST_REPEATS for waiting in self._under_way)
        for waiting in self._under_way:
            published = published_commit(waiting.change, self._releases, self._before)
            if published is None and (may_repeat or len(self._under_way) > 1):
                # If one change killed the child, the others can still be committed alone.
                waiting.repeats += may_repeat
                self._single.append(waiting)
            else:
                _reply(waiting.channel, published or error)

    def _dismiss(self) -> None:
        """Ends the child. (It also ends after a long time without changes.)"""
        if self._committer is not None:
            self._selector.unregister(self._committer.descriptor)
            self._committer.close()
            self._committer = None

    def _refresh(self) -> None:
        """Reads shapes and rules if they have changed on the disk."""
        # The modules take memory too, even without commits.
        from citygraph.commit.followup import fingerprint, followup_for

        now = fingerprint(self._settings)
        if self._followup is None or now != self._fingerprint:
            # The child was forked with the old ones.
            self._dismiss()
            self._followup = followup_for(self._settings)
            self._fingerprint = now

    def _abandon(self) -> None:
        """Closes, in the child, the file descriptors of the service."""
        self._selector.close()
        self._listener.close()
        # A client sees the end of its connection only when no process has it open.
        for waiting in (*self._queue, *self._single, *self._under_way):
            waiting.channel.close()
        detach_stdin()


def _reply(channel: Channel, outcome: Outcome) -> None:
    try:
        channel.send(wire.frame_of(wire.NOTE, outcome_as_json(outcome)))
    except ConnectionLost:
        log.warning("the client has gone; its outcome was: %.200s", outcome)
    finally:
        channel.close()


def main(folder: str, listener: str, parent: str) -> None:
    """Runs the writer with its socket in `folder`."""
    socket = begin_service("writer", folder, listener, parent)
    # Ctrl-C reaches the whole process group; the parent ends the writer after the batch in progress.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = read_settings()
    Releases(settings.releases).sweep()
    _Service(settings, socket).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
