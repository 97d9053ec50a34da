"""The layer of time in front of the site: releases, differences, histories, mementos, citations, feeds and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import Flask

from citygraph.errors import CitygraphError, NotFound
from citygraph.graph.history import Timeline
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web.http.addresses import MOUNT
from citygraph.web.http.messages import RELEASE
from citygraph.web.http.replies import FOR_EVER
from citygraph.web.sparql.endpoint import PATH
from citygraph.web.time.citations import Citations
from citygraph.web.time.downloads import Feeds, Holdings
from citygraph.web.time.entity_history import Histories
from citygraph.web.time.memento import Mementos, has_past
from citygraph.web.time.release_pages import READING, WRITES, ReleasePages
from citygraph.web.time.release_site import Past
from citygraph.web.view.release_cache import Shelf
from citygraph.web.view.templates import Templates

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_BELOW = re.compile(r"/releases/(?P<id>[^/]+)(?P<rest>/.*)", re.DOTALL)
# What is of all time, or not of the data: a release has none of its own.
_TIMELESS = ("releases", "timegate", "timemap", "health", "ready", "metrics", "admin", "robots", "feed", "ldes")
_LASTING = ("200", "206", "301", "303", "304")
_DOCUMENT = ("200", "304")


def mount_time(app: Flask, settings: Settings, releases: Releases) -> None:
    """Add the addresses of time to the site, and the whole site below each release.

    To be called when everything else stands in front of Flask already: that answers below a release too.
    """
    past = Past(settings, Timeline(releases), Shelf(releases, settings.base), Templates())
    mementos = Mementos(past)
    app.register_blueprint(Citations(past).blueprint())
    Histories(past).mount(app)
    app.register_blueprint(mementos.blueprint())
    app.register_blueprint(ReleasePages(past).blueprint())
    app.register_blueprint(Feeds(past).blueprint())
    app.register_blueprint(Holdings(past).blueprint())
    app.wsgi_app = TimeLayer(app.wsgi_app, Flask.wsgi_app.__get__(app), past.timeline, mementos)  # type: ignore[method-assign]


class TimeLayer:
    """Lets the site answer below /releases/{id} as it does at its root, but of that release.

    The part of the path that names the release moves from PATH_INFO to SCRIPT_NAME (PEP 3333), and the release's
    name stands in `environ`: whatever answers finds it there, and builds its links on the longer root. What is asked
    of a document's past, wherever the document itself is answered, goes to `own`.
    """

    def __init__(self, site: WSGIApplication, own: WSGIApplication, timeline: Timeline, mementos: Mementos) -> None:
        self._site = site
        self._own = own
        self._timeline = timeline
        self._mementos = mementos

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get("PATH_INFO") or "/"
        if path.startswith("/releases/"):
            path = self._enter(environ, path)
        if environ["REQUEST_METHOD"] in READING:
            query = environ.get("QUERY_STRING", "")
            if query and _is_of_time(path, query):
                return self._own(environ, self._lasting(environ, start_response))
            if has_past(path[1:]):
                if "HTTP_ACCEPT_DATETIME" in environ and RELEASE not in environ:
                    return self._own(environ, start_response)
                start_response = self._dated(environ, path, start_response)
            elif RELEASE in environ and not path.startswith("/static/"):
                start_response = self._lasting(environ, start_response)
        return self._site(environ, start_response)

    def _enter(self, environ: WSGIEnvironment, path: str) -> str:
        """Step into the release that the path names, if there is one; answers the path from there."""
        match = _BELOW.fullmatch(path)
        if match is None or not self._is_below(match["id"], match["rest"], environ["REQUEST_METHOD"]):
            return path
        environ[RELEASE] = match["id"]
        environ[MOUNT] = f"/releases/{match['id']}"
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + environ[MOUNT]
        environ["PATH_INFO"] = match["rest"]
        return match["rest"]

    def _is_below(self, release_id: str, rest: str, method: str) -> bool:
        first = rest.split("/")[1].partition(".")[0]
        if first in _TIMELESS or (first in WRITES and method not in READING):
            return False
        try:
            return self._timeline.get(release_id) is not None
        except NotFound:
            return False

    def _dated(self, environ: WSGIEnvironment, path: str, start_response: StartResponse) -> StartResponse:
        """Start a document's response with what it says of its past."""

        def add(status: str, headers: list[tuple[str, str]]) -> None:
            if status[:3] in _DOCUMENT:
                # A path is decoded from UTF-8, which WSGI passes as Latin-1.
                decoded = path[1:].encode("latin-1", "replace").decode("utf-8", "replace")
                for name, value in self._mementos.headers(environ, decoded):
                    _append(headers, name, value)

        return _changing(self._lasting(environ, start_response) if RELEASE in environ else start_response, add)

    def _lasting(self, environ: WSGIEnvironment, start_response: StartResponse) -> StartResponse:
        """Start the response of something below a release, which never changes."""

        def keep(status: str, headers: list[tuple[str, str]]) -> None:
            kept = next((value for name, value in headers if name.lower() == "cache-control"), "")
            if status[:3] in _LASTING and not {"no-store", "no-cache"} & set(kept.split(", ")):
                headers[:] = [header for header in headers if header[0].lower() != "cache-control"]
                headers.append(("Cache-Control", FOR_EVER))

        return _changing(start_response, keep) if RELEASE in environ else start_response


def _is_of_time(path: str, query: str) -> bool:
    """Whether the history of a document is asked for, or how to cite what stands there."""
    names = {part.partition("=")[0] for part in query.split("&")}
    return ("_cite" in names and path != PATH) or ("history" in names and has_past(path[1:]))


def _changing(start_response: StartResponse, change: Callable[[str, list[tuple[str, str]]], None]) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
        # Whatever comes of it, the document is answered: only what it would say of its past is not known.
        with suppress(CitygraphError):
            change(status, headers)
        return start_response(status, headers, *error)

    return start


def _append(headers: list[tuple[str, str]], name: str, value: str) -> None:
    """Add a value to a header that is a list."""
    for place, (known, before) in enumerate(headers):
        if known.lower() == name.lower():
            headers[place] = (known, f"{before}, {value}")
            return
    headers.append((name, value))
