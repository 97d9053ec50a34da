"""The process that pushes each new release of a server to the folder or bucket that other servers follow."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress

from citygraph.audit_log import AuditLog
from citygraph.engine.process import ControlLoop, announce
from citygraph.engine.service import ServiceProcess, begin_service
from citygraph.errors import CitygraphError, NotFound
from citygraph.progress import Progress
from citygraph.release.releases import Releases
from citygraph.settings import Settings, read_settings
from citygraph.storage.exchange_state import Schedule, note_exchange
from citygraph.storage.object_folder import open_folder
from citygraph.storage.pushing import push

log = logging.getLogger(__name__)

# All times are in seconds. A transfer that is cut is begun again.
_ENDING = 5.0
_INTERVAL = 5.0
_STEP = 0.1


def start_automatic_push(settings: Settings, credentials: Mapping[str, str]) -> ServiceProcess:
    """Starts the process that pushes to `settings.push_to`. Raises OSError if it does not start."""
    return ServiceProcess("citygraph.storage.automatic_push", "", settings, _ENDING, credentials)


class AutomaticPush:
    """Pushes the current release whenever it changes. Failures are logged, and the push is tried again."""

    def __init__(self, settings: Settings, interval: float = _INTERVAL) -> None:
        self._settings = settings
        self._releases = Releases(settings.releases)
        self._schedule = Schedule(interval)
        self._pushed = ""

    def push_if_due(self) -> None:
        """Pushes a release that was not pushed yet, unless an attempt failed a moment ago."""
        with suppress(NotFound):
            if self._schedule.is_due() and self._releases.current_id() != self._pushed:
                self.push()

    def push(self) -> None:
        """Pushes the current release, and notes that or the problem for the other processes."""
        try:
            pushed = push(self._releases, open_folder(self._settings.push_to, private=False), Progress())
        except (CitygraphError, OSError) as error:
            self._schedule.record(False)
            before = note_exchange(self._settings.releases, "pushing", "", str(error))
            if before.problem != str(error):
                log.error("the newest release cannot be pushed to %s: %s", self._settings.push_to, error)
            return
        self._pushed = pushed.release
        self._schedule.record(True)
        before = note_exchange(self._settings.releases, "pushing", pushed.release, "")
        if before.since:
            log.info("%s takes releases again", self._settings.push_to)
        if pushed.new:
            place = {"command": "serve", "to": self._settings.push_to, "release": pushed.release}
            AuditLog(self._settings).write("-", "push", "published", **place)


def main() -> None:
    """Runs the process: the folder of its socket, the socket and the process id of its parent are the arguments."""
    listener = begin_service("pusher", *sys.argv[1:4])
    automatic = AutomaticPush(read_settings())
    control = ControlLoop(listener)
    announce("listening")
    while control.serve(_STEP, lambda _: {}):
        automatic.push_if_due()


if __name__ == "__main__":
    main()
