"""The process that follows a publisher: it looks for a new release, verifies it, and switches to it."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice

from citygraph.audit_log import AuditLog
from citygraph.engine import wire
from citygraph.engine.process import ControlLoop, announce
from citygraph.engine.service import ServiceProcess, begin_service
from citygraph.errors import CitygraphError, NotFound
from citygraph.progress import Progress
from citygraph.rdf.nquads import patched_ancestors
from citygraph.release.releases import Releases
from citygraph.settings import Settings, read_settings
from citygraph.storage.exchange_state import Schedule, note_exchange
from citygraph.storage.object_folder import open_folder
from citygraph.storage.pulling import pull

log = logging.getLogger(__name__)

# All times are in seconds. A transfer that is cut is begun again.
_ENDING = 5.0
# Engines that are not ready by then begin with the first query.
_WARMING = 30.0
_STEP = 0.1
# The engines of a release in memory move on by as many changes, which is faster than to start others.
_SHORT_CHAIN = 50


def start_follower(settings: Settings, credentials: Mapping[str, str]) -> ServiceProcess:
    """Starts the process that follows `settings.follow`. Raises OSError if it does not start."""
    return ServiceProcess("citygraph.storage.following", "", settings, _ENDING, credentials)


class Follower:
    """Looks for releases of a publisher at intervals, and keeps the present one if a new one is not right."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._releases = Releases(settings.releases)
        self._folder = open_folder(settings.follow)
        self._tag = ""
        self._schedule = Schedule(settings.follow_interval)

    def look_if_due(self) -> None:
        """Looks for a new release, if the interval is over."""
        if self._schedule.is_due():
            self.look()

    def look(self) -> None:
        """Looks for a new release, and switches to it when it is verified. A failure is logged and kept."""
        try:
            pulled = pull(self._releases, self._folder, Progress(), self._tag, warm=self._warm)
        except (CitygraphError, OSError) as error:
            self._schedule.record(False)
            self._note(str(error))
            return
        self._schedule.record(True)
        if pulled is not None:
            self._tag = pulled.tag
            if pulled.new:
                log.info("now at release %s of %s", pulled.release, self._folder.name)
                place = {"command": "serve", "from": self._folder.name, "release": pulled.release}
                AuditLog(self._settings).write("-", "pull", "pulled", **place)
        self._note("")

    def _note(self, problem: str) -> None:
        release = ""
        with suppress(NotFound):
            release = self._releases.current_id()
        before = note_exchange(self._settings.releases, "following", release, problem)
        if problem and problem != before.problem:
            log.error("release %s stays, because the newest cannot be had: %s", release or "none", problem)
        elif before.since and not problem:
            log.info("%s can be followed again", self._folder.name)

    def _warm(self, release_id: str) -> None:
        """Starts the engines of a release before it is served, unless those of the present one can move on to it."""
        if not self._settings.engine_socket or self._is_near(release_id):
            return
        deadline = time.monotonic() + _WARMING
        with suppress(OSError, wire.ConnectionLost, json.JSONDecodeError):
            while time.monotonic() < deadline:
                if wire.consult(self._settings.engine_socket, {"open": release_id}).get("state") != "starting":
                    return
                time.sleep(_STEP)

    def _is_near(self, release_id: str) -> bool:
        with suppress(NotFound):
            present = self._releases.current_id()
            chain = islice(patched_ancestors(self._settings.releases / release_id), _SHORT_CHAIN)
            return any(parent == present for _, parent in chain)
        return False


def main() -> None:
    """Runs the process: the folder of its socket, the socket and the process id of its parent are the arguments."""
    listener = begin_service("follower", *sys.argv[1:4])
    follower = Follower(read_settings())
    control = ControlLoop(listener)
    announce("listening")
    while control.serve(_STEP, lambda _: {}):
        follower.look_if_due()


if __name__ == "__main__":
    main()
