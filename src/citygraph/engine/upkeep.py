"""The upkeep of a running server: it restarts processes and follows new releases."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from citygraph.audit_log import AuditLog
from citygraph.engine.host import HostProcess
from citygraph.engine.service import ServiceProcess, complete_marker
from citygraph.errors import CitygraphError, NotFound
from citygraph.release.disk_room import low_room
from citygraph.release.releases import Release, Releases
from citygraph.release.retention import prune_by_setting
from citygraph.service_manager import passed_listeners
from citygraph.settings import Settings

log = logging.getLogger(__name__)

# All times are in seconds.
_TICK = 1.0
_FIRST_TICKS = 0.1
_ANSWER = 5.0
# A commit has its line before it is acknowledged, unless its web process was killed.
_AUDIT = 30.0
_COMPARED, _FIRST_COMPARED = 1000, 200
_GRAPHS = 100
_LATE = "this line was missing, and was written later"
_REQUIRED = "/ready?part=engine&part=store"


class Upkeep:
    """The upkeep of a running server, in threads of a pool, from the start of the context to its end.

    `on_complete` is called once, as soon as the site responds and no part of it is missing. `on_tick` is called each
    second while the upkeep works; use it to notify a service manager.
    """

    def __init__(
        self,
        settings: Settings,
        host: HostProcess,
        others: Sequence[ServiceProcess],
        pool: Executor,
        on_complete: Callable[[], None] = lambda: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._host = host
        self._services = (host, *others)
        self._pool = pool
        self._on_complete = on_complete
        self._on_tick = on_tick
        self._stopping = threading.Event()
        self._opened = ""
        self._audited = ""

    def __enter__(self) -> Self:
        # A restarted process dies with the thread that started it, which lives as long as the service.
        for service in self._services:
            self._pool.submit(service.keep_running)
        self._pool.submit(self._wait_until_complete)
        self._follower = self._pool.submit(self._follow)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._follower.result()

    def _wait_until_complete(self) -> None:
        while not self._stopping.wait(_FIRST_TICKS):
            if _is_complete(self._settings):
                complete_marker(self._host.socket).touch()
                self._on_complete()
                return

    def _follow(self) -> None:
        """Opens each new release in the engines before its first query. Then old ones are pruned, and logs compared."""
        audit = 0.0
        while not self._stopping.wait(_TICK):
            with suppress(NotFound):
                current = Releases(self._settings.releases).current_id()
                if self._opened != current:
                    self._host.open(current)
                    self._opened = current
                    self._pool.submit(self._tidy)
            # A follower's releases were committed elsewhere.
            if time.monotonic() > audit and not self._settings.follow:
                audit = time.monotonic() + _AUDIT
                self._complete_audit()
            self._on_tick()

    def _complete_audit(self) -> None:
        """Writes the lines of the audit log that web processes were killed before they wrote."""
        try:
            self._audited = complete_audit(Releases(self._settings.releases), AuditLog(self._settings), self._audited)
        except (CitygraphError, OSError, ValueError) as error:
            log.error("the audit log cannot be compared with the releases: %s", error)

    def _tidy(self) -> None:
        """Prunes by the setting, and warns before the disk is full."""
        releases = Releases(self._settings.releases)
        try:
            keep = self._settings.keep
            if pruned := prune_by_setting(releases, keep):
                log.info("pruned releases: %s", ", ".join(pruned))
                AuditLog(self._settings).write("-", "prune", "removed", command="serve", keep=keep, releases=pruned)
            if warning := low_room(releases):
                log.warning("%s", warning)
        except (CitygraphError, OSError) as error:
            log.error("old releases could not be pruned: %s", error)


def complete_audit(releases: Releases, audit: AuditLog, since: str = "", wait: float = _AUDIT) -> str:
    """Writes a line for each commit after the release `since` that has none `wait` seconds after its publication.

    Returns the newest release that was compared. Without `since`, the last few are.
    """
    youngest = f"{datetime.now(UTC) - timedelta(seconds=wait):%Y-%m-%dT%H:%M:%SZ}"
    name, compared = releases.current_id(), list[Release]()
    with suppress(NotFound):  # an earlier one may have been pruned
        while name and name != since and len(compared) < (_COMPARED if since else _FIRST_COMPARED):
            release = releases.get(name)
            name = release.manifest.parent or ""
            if compared or release.manifest.created <= youngest:
                compared.append(release)
    # Commits of older versions of this software have no id.
    records = [(one.id, record) for one in reversed(compared) for record in one.manifest.commits if "id" in record]
    lacking = audit.lacks("change", (record["id"] for _, record in records)) if records else []
    for release_id, record in records:
        if record["id"] in lacking:
            place = {"change": record["id"], "message": record["message"], "release": release_id}
            counts = {"added": record["added"], "removed": record["removed"], "graphs": record["graphs"][:_GRAPHS]}
            audit.write(record["author"], "commit", "published", **place, **counts, note=_LATE)
    return compared[0].id if compared else since


def _is_complete(settings: Settings) -> bool:
    """Returns whether the site reports that all its necessary parts are available."""
    passed = passed_listeners()
    host, port = passed[0].getsockname()[:2] if passed else (settings.host, settings.port)
    with suppress(OSError), socket.create_connection((host, port), _ANSWER) as connection:
        # A follower has no writer.
        required = _REQUIRED if settings.follow else f"{_REQUIRED}&part=writer"
        connection.sendall(f"GET {required} HTTP/1.0\r\n\r\n".encode())
        return connection.makefile("rb").readline().split()[1:2] == [b"200"]
    return False
