"""The writer process as others see it: its start, and the client for the threads of web processes."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

from citygraph.commit.change import Change, Commit, change_as_json
from citygraph.commit.outcomes import current_id, outcome_from_json, published_commit
from citygraph.engine import wire
from citygraph.engine.service import ServiceProcess, is_served
from citygraph.engine.wire import ConnectionLost
from citygraph.errors import Busy, CitygraphError, EngineFailed, LimitReached
from citygraph.release.releases import Releases
from citygraph.settings import Settings

# All times are in seconds. Beyond the time limit of a commit, until the client or the parent stops waiting for it.
_SLACK = 5.0
_RETRY = 0.05
_ATTEMPTS = 2


class Writer:
    """A client of the writer process, for the threads of a web process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Of its own: that of a request stays at the release with which the request began.
        self._releases = Releases(settings.releases)

    def state(self) -> str:
        """Returns "ok" if there is a writer, which may be busy. Raises EngineFailed."""
        if not is_served(self._settings.writer_socket):
            why = "it has ended, and is started again"
            raise EngineFailed(f"the writer cannot be reached: {why}")
        return "ok"

    def commit(self, change: Change) -> Commit:
        """Publishes a change. Raises the error of its outcome, Busy if too many wait, LimitReached, EngineFailed."""
        before = current_id(self._releases)
        # A change that a writer had when it died is sent again if it was not published. If another one dies of it, its
        # sender decides.
        for _ in range(_ATTEMPTS):
            with suppress(ConnectionLost):
                return self._send(change)
            if published := self._published(change, before):
                return published
        raise EngineFailed("the writer ended while it had this change; nothing was changed, so it can be sent again")

    def _send(self, change: Change) -> Commit:
        """Sends a change to the writer. Raises what `commit` raises, ConnectionLost if the writer dies."""
        # Twice: a change may wait for the batch before its own.
        wait = self._settings.write_time_limit * 2 + _SLACK
        self._wait_for_writer()
        try:
            channel = wire.connect(self._settings.writer_socket, self._settings.queue_wait)
        except OSError as error:
            raise Busy(f"the writer cannot be reached: {error}", retry_after=2) from None
        try:
            channel.send(wire.frame_of(wire.ASK, change_as_json(change)))
            _, payload = channel.receive(wait)
        except TimeoutError:
            raise LimitReached("the commit was not finished in time", "time", wait, wait) from None
        finally:
            channel.close()
        return _commit_or_raise(json.loads(payload))

    def _published(self, change: Change, before: str) -> Commit | None:
        """Returns the commit of a change whose writer has died, if it was published."""
        with suppress(Busy):
            # Its child is ended before another writer is started,
            self._wait_for_writer()
        # and the lock is free when it is dead.
        with self._releases.writing():
            return published_commit(change, self._releases, before)

    def _wait_for_writer(self) -> None:
        """Waits until there is a writer, which is restarted if it dies. Raises Busy."""
        deadline = time.monotonic() + self._settings.queue_wait
        while not is_served(self._settings.writer_socket):
            if time.monotonic() > deadline:
                why = "it has ended, and is started again"
                raise Busy(f"the writer cannot be reached: {why}", retry_after=2)
            time.sleep(_RETRY)


def start_writer(settings: Settings) -> ServiceProcess:
    """Starts a writer and waits until it listens. Raises OSError if it does not start."""
    # It ends after the batch in progress, which has its own time limit.
    return ServiceProcess("citygraph.commit.writer", "writer_socket", settings, settings.write_time_limit + _SLACK)


def _commit_or_raise(values: dict[str, Any]) -> Commit:
    outcome = outcome_from_json(values)
    if isinstance(outcome, CitygraphError):
        raise outcome
    return outcome
