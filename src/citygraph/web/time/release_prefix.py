"""The site below /releases/{id}, and the links of every document to its past."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from citygraph.errors import CitygraphError, NotFound
from citygraph.graph.history import Timeline, base_of
from citygraph.release.releases import Release
from citygraph.web.http.addresses import MOUNT, RELEASE_BASE
from citygraph.web.http.messages import FOR_EVER, RELEASE, Reply, Request
from citygraph.web.time.citations import Citations
from citygraph.web.time.entity_history import EntityHistories
from citygraph.web.time.memento import Mementos, has_past
from citygraph.web.time.release_pages import READING, WRITES

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_BELOW = re.compile(r"/releases/(?P<id>[^/]+)(?P<rest>/.*)", re.DOTALL)
# Addresses that are not of one release: they concern all of them, or the server.
_TIMELESS = (
    "releases",
    "timegate",
    "timemap",
    "health",
    "ready",
    "startup",
    "metrics",
    "admin",
    "curate",
    "robots",
    "feed",
    "ldes",
    "results",
)
_IMMUTABLE_STATUSES = (200, 206, 301, 303, 304)


class ReleasePrefix:
    """Serves the whole site below /releases/{id}, from that release.

    The part of the path that names the release moves from PATH_INFO to SCRIPT_NAME (PEP 3333), and the release's id is
    put into the environment: views find it there, and build their links on the longer root.
    """

    def __init__(
        self, timeline: Timeline, mementos: Mementos, citations: Citations, histories: EntityHistories
    ) -> None:
        self._timeline = timeline
        self._mementos = mementos
        self._citations = citations
        self._histories = histories

    def enter(self, environ: WSGIEnvironment) -> None:
        """Moves the prefix of a release, if the path has one, from PATH_INFO to SCRIPT_NAME."""
        path = environ.get("PATH_INFO") or "/"
        match = _BELOW.fullmatch(path) if path.startswith("/releases/") else None
        release = self._below(match["id"], match["rest"], environ["REQUEST_METHOD"]) if match else None
        if match is None or release is None:
            return
        environ[RELEASE] = match["id"]
        environ[MOUNT] = f"/releases/{match['id']}"
        if (base := base_of(release, self._mementos.base)) != self._mementos.base:
            environ[RELEASE_BASE] = base
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + environ[MOUNT]
        environ["PATH_INFO"] = match["rest"]

    def answer(self, request: Request, view: Callable[[Request], Reply]) -> Reply:
        """Returns the history, citation or memento that a request for any address may ask for, or the view's reply."""
        if request.method not in READING or request.method == "OPTIONS":
            return view(request)
        reply = self._of_time(request)
        if reply is None:
            reply = self._dated(request, self._present(request, view))
        if request.release and not request.path.startswith("/static/"):
            _keep_for_ever(reply)
        return reply

    def _present(self, request: Request, view: Callable[[Request], Reply]) -> Reply:
        """Returns the reply of the view; the error of a document that only earlier releases have names the last one."""
        try:
            return view(request)
        except NotFound as error:
            versions = error
            # If the past cannot be read, the error is shown without it.
            with suppress(CitygraphError, OSError, EOFError):
                versions = self._mementos.with_last_version(request, error)
            raise versions from error.__cause__

    def _dated(self, request: Request, reply: Reply) -> Reply:
        """Returns the reply with the links to its past, if it is a document."""
        if has_past(request.path[1:]) and reply.status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            # A document whose past cannot be read is served all the same, without links to it.
            with suppress(CitygraphError):
                for name, value in self._mementos.headers(request.environ, request.path[1:]):
                    reply.append(name, value)
        return reply

    def _of_time(self, request: Request) -> Reply | None:
        """Returns the reply to ?_cite, ?history or Accept-Datetime, or None for any other request."""
        # The text is searched first: a query at /sparql is long, and its parameters are not parsed twice.
        # /sparql forwards every parameter to the query's form, so it has no citation of its own.
        if "_cite" in request.query and request.path != "/sparql" and "_cite" in request.args:
            return self._citations.requested(request)
        if "history" in request.query and has_past(request.path[1:]) and "history" in request.args:
            return self._histories.answer(request)
        if "HTTP_ACCEPT_DATETIME" in request.environ and not request.release and has_past(request.path[1:]):
            return self._mementos.redirect(request)
        return None

    def _below(self, release_id: str, rest: str, method: str) -> Release | None:
        """Returns the release below which an address exists: one of the data, and read only."""
        first = rest.split("/")[1].partition(".")[0]
        if first in _TIMELESS or (first in WRITES and method not in READING):
            return None
        try:
            return self._timeline.get(release_id)
        except NotFound:
            return None


def _keep_for_ever(reply: Reply) -> None:
    """Lets caches keep the reply of a release, which never changes, unless the view forbids it."""
    caching = set(reply.header("Cache-Control").split(", "))
    if reply.status in _IMMUTABLE_STATUSES and not {"no-store", "no-cache"} & caching:
        reply.set("Cache-Control", FOR_EVER)
