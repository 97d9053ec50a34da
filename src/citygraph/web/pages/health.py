"""The state of the server for those who watch over it: /health, /ready and /startup."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from citygraph.errors import CitygraphError, NotFound, UsageError
from citygraph.index.names import is_readable
from citygraph.release.disk_room import low_room, require_room_for_commit
from citygraph.release.releases import Release, Releases
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.view.release_cache import ReleaseCache

OK, STARTING = "ok", "starting"
# Returns "ok", "starting" or the reason why a part is degraded; the release is None if it cannot be read.
# Raises CitygraphError or OSError if the part is missing.
Check = Callable[[Release | None], str]


class Health:
    """The state of the server: whether it is alive, whether each of its parts works, whether it has started.

    `checks` are those of the parts that are other processes. `complete` is a file that exists once all parts have
    worked; without it the server has started as soon as it responds.
    """

    def __init__(
        self, releases: Releases, cache: ReleaseCache, checks: Mapping[str, Check], complete: Path | None = None
    ) -> None:
        self._releases = releases
        self._cache = cache
        own: dict[str, Check] = {"store": self._store, "index": _index, "disk": self._disk}
        self._checks = {**own, **checks}
        self._complete = complete
        self.begin_process()

    def begin_process(self) -> None:
        """Measures the uptime from now on: that of a process that was forked with this view."""
        self._begun = time.monotonic()

    def show(self, request: Request) -> Reply:
        """Returns that this web process is alive. It reads nothing, so it works whatever else is broken."""
        del request
        return _reply({"status": "alive", "uptime": self._uptime()}, True)

    def ready(self, request: Request) -> Reply:
        """Returns the state of the parts, with 503 if one is missing or starting. `part` names those that matter.

        Raises UsageError for a part that there is not.
        """
        parts = self._parts(request.args.getlist("part"))
        missing = sorted(name for name, (state, _) in parts.items() if state == "missing")
        state = {
            "status": _status({state for state, _ in parts.values()}),
            **_release(self._current()),
            "missing": missing,
            "starting": sorted(name for name, (state, _) in parts.items() if state == STARTING),
            "degraded": sorted(name for name, (state, _) in parts.items() if state == "degraded"),
            "parts": {name: text for name, (_, text) in parts.items()},
            "uptime": self._uptime(),
        }
        return _reply(state, state["status"] in {"ready", "degraded"})

    def startup(self, request: Request) -> Reply:
        """Returns whether all parts have worked at least once, with 503 before that and how far the start is."""
        del request
        if self._complete is None or self._complete.exists():
            return _reply({"status": "started", "uptime": self._uptime()}, True)
        parts = {name: text for name, (_, text) in self._parts([]).items()}
        return _reply({"status": STARTING, "parts": parts, "uptime": self._uptime()}, False)

    def _parts(self, named: list[str]) -> dict[str, tuple[str, str]]:
        """Returns for each named part, by default for all, its state and a text about it."""
        if unknown := set(named) - self._checks.keys():
            names = ", ".join(self._checks)
            raise UsageError(f"there is no part {sorted(unknown)[0]!r} of this server; there are: {names}")
        release = self._current()
        return {name: _checked(check, release) for name, check in self._checks.items() if name in named or not named}

    def _current(self) -> Release | None:
        try:
            return self._releases.current()
        except (CitygraphError, OSError, ValueError):
            return None

    def _store(self, release: Release | None) -> str:
        if release is None:
            raise NotFound("there is no release that can be read")
        self._cache.check()
        return OK if release.store_path.is_dir() else f"the store of {release.id} has gone from the disk"

    def _disk(self, release: Release | None) -> str:
        del release
        require_room_for_commit(self._releases, 0)
        return low_room(self._releases) or OK

    def _uptime(self) -> float:
        return round(time.monotonic() - self._begun, 1)


def _index(release: Release | None) -> str:
    if release is None or not is_readable(release.path / "search.sqlite"):
        raise NotFound("this release has no index: build it again")
    return OK


def _checked(check: Check, release: Release | None) -> tuple[str, str]:
    try:
        text = check(release)
    except (CitygraphError, OSError) as error:
        return "missing", str(error)
    return (text if text in {OK, STARTING} else "degraded"), text


def _status(states: set[str]) -> str:
    if "missing" in states:
        return "failing"
    if STARTING in states:
        return STARTING
    return "degraded" if "degraded" in states else "ready"


def _release(release: Release | None) -> dict[str, Any]:
    if release is None:
        return {"release": None, "digest": None}
    manifest = release.manifest
    return {
        "release": release.id,
        "digest": manifest.digest,
        "created": manifest.created,
        "quads": manifest.quads,
        "triples": manifest.triples,
    }


def _reply(state: Mapping[str, Any], is_well: bool) -> Reply:
    status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
    headers = [("Content-Type", "application/json"), ("Cache-Control", NO_STORE)]
    return Reply(status, headers, (json.dumps(state, ensure_ascii=False) + "\n").encode())
