"""The web application: its parts wired together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from citygraph import errors
from citygraph.commit.tokens import Tokens
from citygraph.commit.writer import Writer
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web.documents.documents import Resources
from citygraph.web.http.assets import mount_assets
from citygraph.web.http.messages import COMMON, PREFLIGHT
from citygraph.web.http.metrics import Tallies, folder_of
from citygraph.web.pages.about import mount_about
from citygraph.web.pages.entity_page import Pages
from citygraph.web.pages.error_pages import Faults
from citygraph.web.pages.previews import mount_cards
from citygraph.web.pages.wikidata_page import mount_wikidata
from citygraph.web.search.explore import mount_explore
from citygraph.web.search.network import mount_network
from citygraph.web.search.reconcile import mount_reconcile
from citygraph.web.search.search_page import mount_search, mount_suggest
from citygraph.web.sparql.admin import Supervised, mount_metrics, mount_running
from citygraph.web.sparql.completions import mount_completions
from citygraph.web.sparql.endpoint import PATH, Runs, SparqlEndpoint
from citygraph.web.sparql.graph_store import GraphStore
from citygraph.web.sparql.stored_queries import mount_queries
from citygraph.web.sparql.update import PATH as UPDATE_PATH
from citygraph.web.sparql.update import Gate, UpdateEndpoint
from citygraph.web.sparql.workbench import Workbench
from citygraph.web.time.release_prefix import mount_time

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger(__name__)


def create_app(settings: Settings, releases: Releases, engines: Runs | None = None) -> Flask:
    """The site over the current release of `releases`; with `engines` it answers queries at /sparql too."""
    app = Flask(__name__, template_folder=None, static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.after_request(_finish)
    handler = _problem_handler(Faults(settings, releases, Pages()))
    app.register_error_handler(errors.CitygraphError, handler)
    app.register_error_handler(HTTPException, handler)
    tallies = Tallies(folder_of(settings.engine_socket))
    workbench = Workbench(settings, releases)
    endpoint = SparqlEndpoint(settings, releases, engines, workbench, tallies=tallies) if engines is not None else None
    supervised: object = engines
    if isinstance(supervised, Supervised):
        mount_running(app, settings, supervised)
        mount_metrics(app, supervised, tallies)
    app.wsgi_app = _Dispatcher(app.wsgi_app, Resources(settings, releases), endpoint)  # type: ignore[method-assign]
    if endpoint is not None and settings.writer_socket:
        gate = Gate(settings, Writer(settings), Tokens(settings.tokens))
        graphs = GraphStore(settings, releases, endpoint.results, gate)
        app.wsgi_app = _WritingDispatcher(app.wsgi_app, UpdateEndpoint(settings, gate), graphs)  # type: ignore[method-assign]
    shelf, lookups, lookup_pages = mount_search(app, settings, releases)
    mount_suggest(app, settings, shelf, lookups)
    mount_explore(app, settings, shelf, lookup_pages)
    mount_network(app, settings, shelf, lookups, lookup_pages)
    mount_about(app, settings, shelf, lookup_pages)
    mount_assets(app)
    mount_cards(app, settings, shelf)
    mount_completions(app, settings, releases, shelf)
    mount_reconcile(app, settings, shelf, lookups, lookup_pages)
    mount_wikidata(app, settings, shelf, lookup_pages)
    mount_queries(app, settings, releases, endpoint)
    mount_time(app, settings, releases)
    return app


class _Dispatcher:
    """Sends queries and documents to what answers them beside Flask, and everything else to Flask."""

    def __init__(self, site: WSGIApplication, resources: Resources, endpoint: SparqlEndpoint | None) -> None:
        self._site = site
        self._resources = resources
        self._endpoint = endpoint

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ.get("PATH_INFO") or "/"
        if path == PATH and self._endpoint is not None:
            return self._endpoint(environ, start_response)
        if self._resources.answers_for(path):
            return self._resources(environ, start_response)
        return self._site(environ, start_response)


class _WritingDispatcher:
    """Sends updates and graph store requests to what answers them, and everything else on."""

    def __init__(self, site: WSGIApplication, update: UpdateEndpoint, graphs: GraphStore) -> None:
        self._site = site
        self._update = update
        self._graphs = graphs

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") == UPDATE_PATH:
            return self._update(environ, start_response)
        if self._graphs.takes(environ):
            return self._graphs(environ, start_response)
        return self._site(environ, start_response)


def _finish(response: Response) -> Response:
    """What every response has, errors too."""
    for name, value in (*COMMON, *(PREFLIGHT if request.method == "OPTIONS" else ())):
        response.headers.setdefault(name, value)
    return response


def _problem_handler(faults: Faults) -> Callable[[Any], Response]:
    def handle(error: BaseException) -> Response:
        reply = faults.reply(request, _ours(error))
        return Response(reply.body, reply.status, headers=reply.headers)

    return handle


def _ours(error: BaseException) -> BaseException:
    """What the framework raises, as an error of our tree."""
    if isinstance(error, NotFound):
        return errors.NotFound(f"there is nothing at {request.path}")
    if isinstance(error, MethodNotAllowed):
        return errors.MethodNotAllowed(
            f"{request.method} is not a method of this address", tuple(sorted(error.valid_methods or ()))
        )
    original = getattr(error, "original_exception", None)
    if original is not None:
        _log.error("a fault in answering %s", request.path, exc_info=original)
        return original if isinstance(original, BaseException) else error
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return errors.UsageError(error.description or error.name)
    return error
