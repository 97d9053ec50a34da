"""The process that follows a publisher: it looks for a new release, verifies it, and switches to it."""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
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
from citygraph.storage.follow_state import FollowState, read_follow_state, write_follow_state
from citygraph.storage.object_folder import open_folder
from citygraph.storage.pulling import pull

log = logging.getLogger(__name__)

# All times are in seconds. A transfer that is cut is begun again.
_ENDING = 5.0
# Servers that were started together must not ask at the same time.
_JITTER = 0.25
# After failures, the next look waits twice as long each time, and so many times the interval at most.
_LONGEST = 8
# Engines that are not ready by then begin with the first query.
_WARMING = 30.0
_STEP = 0.1
# The engines of a release in memory move on by as many changes, which is faster than to start others.
_SHORT_CHAIN = 50


def start_follower(settings: Settings) -> ServiceProcess:
    """Starts the process that follows `settings.follow`. Raises OSError if it does not start."""
    return ServiceProcess("citygraph.storage.following", "", settings, _ENDING)


class Follower:
    """Looks for releases of a publisher at intervals, and keeps the present one if a new one is not right."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._releases = Releases(settings.releases)
        self._folder = open_folder(settings.follow)
        self._tag = ""
        self._failures = 0
        self._due = 0.0

    def look_if_due(self) -> None:
        """Looks for a new release, if the interval is over."""
        if time.monotonic() >= self._due:
            self.look()
            wait = self._settings.follow_interval * min(2**self._failures, _LONGEST)
            self._due = time.monotonic() + wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311

    def look(self) -> None:
        """Looks for a new release, and switches to it when it is verified; what prevents that is logged and kept."""
        try:
            pulled = pull(self._releases, self._folder, Progress(), self._tag, warm=self._warm)
        except (CitygraphError, OSError) as error:
            self._failures += 1
            self._note(str(error))
            return
        self._failures = 0
        if pulled is not None:
            self._tag = pulled.tag
            if pulled.new:
                log.info("now at release %s of %s", pulled.release, self._folder.name)
                place = {"command": "serve", "from": self._folder.name, "release": pulled.release}
                AuditLog(self._settings).write("-", "pull", "pulled", **place)
        self._note("")

    def _note(self, problem: str) -> None:
        before = read_follow_state(self._settings.releases)
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        release = ""
        with suppress(NotFound):
            release = self._releases.current_id()
        if problem and problem != before.problem:
            log.error("release %s stays, because the newest cannot be had: %s", release or "none", problem)
        elif before.problem and not problem and before.since:
            log.info("%s can be followed again", self._folder.name)
        since = (before.since or now) if problem else ""
        with suppress(OSError):
            write_follow_state(self._settings.releases, FollowState(now, release, problem, since))

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
