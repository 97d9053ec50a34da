"""The WSGI application: wires the parts of the site together, and takes requests through them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache as once
from typing import TYPE_CHECKING, Any, cast

import flask
from flask import Flask
from werkzeug.exceptions import MethodNotAllowed as WrongMethod

from citygraph.commit.tokens import Tokens
from citygraph.commit.writer_client import Writer
from citygraph.engine.engines import Engines
from citygraph.engine.service import complete_marker
from citygraph.errors import MethodNotAllowed, NotFound
from citygraph.graph.history import Timeline
from citygraph.instance import current_instance
from citygraph.logs import start_logging
from citygraph.rdf.partial_dates import present_day
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings, read_settings
from citygraph.sparql.protocol import DIRECT, FORM
from citygraph.storage.exchange_state import read_exchange_state
from citygraph.stores.store_queries import StoreQueries
from citygraph.traces import Traces, traces_from_environment
from citygraph.web.documents.documents import Documents
from citygraph.web.http.addresses import MOUNT, canonical_address, check_host, moved_address, public_root, redirected
from citygraph.web.http.assets import STATIC, StaticFiles
from citygraph.web.http.bodies import BodyReceiver
from citygraph.web.http.file_replies import FileSender, check_unchanged, partial
from citygraph.web.http.messages import CURRENT, QUICK, RELEASE_HEADER, Reply, Request, preflight, redirection
from citygraph.web.http.metrics import Metrics, folder_of
from citygraph.web.http.observation import RequestObserver
from citygraph.web.http.routes import FAST, ROUTES, address_of, methods_at, routes_below, url_map
from citygraph.web.pages.about import AboutPages
from citygraph.web.pages.entity_page import Pages
from citygraph.web.pages.error_pages import ErrorPages
from citygraph.web.pages.health import OK, Check, Health
from citygraph.web.pages.previews import Cards
from citygraph.web.pages.quality_page import QualityPage
from citygraph.web.pages.wikidata_page import WikidataPage
from citygraph.web.search.explore import Explore
from citygraph.web.search.network import Network, ResultFile
from citygraph.web.search.reconcile import Reconciliation
from citygraph.web.search.search_page import Search, Suggestions
from citygraph.web.sparql.admin import Admin, Supervised
from citygraph.web.sparql.bounded_queries import BoundedQueries
from citygraph.web.sparql.completions import CompletionList
from citygraph.web.sparql.endpoint import Runs, SparqlEndpoint
from citygraph.web.sparql.graph_store import GraphStore
from citygraph.web.sparql.query_code import QueryCode
from citygraph.web.sparql.server_metrics import ServerMetrics
from citygraph.web.sparql.stored_queries import Queries
from citygraph.web.sparql.update import UpdateEndpoint, WriteAccess
from citygraph.web.sparql.workbench import Workbench
from citygraph.web.time.citations import Citations
from citygraph.web.time.downloads import Downloads, Feeds
from citygraph.web.time.entity_history import EntityHistories
from citygraph.web.time.memento import Mementos
from citygraph.web.time.release_pages import READING, ReleasePages
from citygraph.web.time.release_prefix import ReleasePrefix
from citygraph.web.time.release_site import ReleaseSite
from citygraph.web.time.result_access import ResultAccess
from citygraph.web.time.stored_results import StoredResults
from citygraph.web.view.release_cache import Lookups, ReleaseCache

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

View = Callable[..., Reply]
# An endpoint, the values in the address, and the address as a template.
_Match = tuple[str, dict[str, Any], str]


def application() -> Application:
    """Returns the application of `citygraph serve`, from the settings in the environment.

    The web processes are forked with it, and each calls `begin_process`.
    """
    settings = read_settings()
    return cast("Application", create_app(settings, Releases(settings.releases), Engines(settings)).wsgi_app)


def create_app(
    settings: Settings,
    releases: Releases,
    engines: Runs | None = None,
    clock: Callable[[], float] = time.monotonic,
    today: Callable[[], date] = present_day,
    traces: Traces | None = None,
) -> Flask:
    """Returns the site over the current release; with `engines` it evaluates queries, with a writer it accepts updates.

    `clock` returns seconds, `today` the day on which pages are read.
    """
    cache, lookups = ReleaseCache(releases, settings.base, held_quads=settings.held_quads), Lookups()
    pages = Pages()
    errors = ErrorPages(settings, releases, pages)
    release_site = ReleaseSite(settings, releases, Timeline(releases), cache, pages)
    metrics = Metrics(folder_of(settings.engine_socket))
    workbench = Workbench(settings, releases, cache, lookups)
    bodies, sender = BodyReceiver(settings), FileSender(settings)
    store = StoreQueries(settings) if settings.store else None
    bounded = BoundedQueries(settings, cache)
    endpoint = (
        SparqlEndpoint(settings, releases, engines, workbench, clock, metrics, bodies, bounded, store)
        if engines is not None
        else None
    )
    queries = Queries(settings, releases, cache, lookups, endpoint)
    mementos = Mementos(release_site)
    citations = Citations(release_site, today, stores=endpoint is not None)
    views = {
        "documents": Documents(settings, releases, cache, errors, pages, metrics.documents_cache, today),
        **_sparql_views(settings, releases, cache, queries, engines, endpoint, metrics, bodies, pages),
        **_search_views(settings, cache, lookups, pages, bodies, today, queries.file),
        **_time_views(release_site, mementos, citations, sender),
        "about": AboutPages(settings, cache, pages),
        "assets": StaticFiles(STATIC, sender),
        "previews": Cards(settings, cache),
        "quality_page": QualityPage(settings, cache, pages),
        "wikidata_page": WikidataPage(settings, cache, pages),
    }
    if endpoint is not None:
        access = ResultAccess(settings, clock)
        views["stored_results"] = StoredResults(release_site, citations, endpoint, access, bodies, lookups, today)
    app = Flask(__name__, template_folder=None, static_folder=None)
    app.request_class = Request
    prefix = ReleasePrefix(release_site.timeline, mementos, citations, EntityHistories(release_site))
    observer = RequestObserver(settings, metrics, traces)
    application = Application(settings, app, views, errors, prefix, cache, observer)
    app.wsgi_app = application  # type: ignore[method-assign]
    return app


class Application:
    """Handles a request: prefix of a release → route → view → reply, within one error boundary."""

    def __init__(
        self,
        settings: Settings,
        app: Flask,
        views: Mapping[str, object],
        errors: ErrorPages,
        prefix: ReleasePrefix,
        cache: ReleaseCache,
        observer: RequestObserver,
    ) -> None:
        self._settings = settings
        self._app = app
        self._errors = errors
        self._prefix = prefix
        self._cache = cache
        self._observer = observer
        endpoint = views.get("endpoint")
        self._endpoint = endpoint if isinstance(endpoint, SparqlEndpoint) else None
        self._documents = cast("Documents", views["documents"])
        self._health = cast("Health", views["health"])
        app.url_map = url_map(part for part, name in (("engines", "endpoint"), ("writer", "update")) if name in views)
        # Addresses without parameters, such as /sparql, are found without the map's state machine.
        self._exact: dict[tuple[str, str], _Match] = {
            (method, rule.rule): (str(rule.endpoint), {}, rule.rule)
            for rule in app.url_map.iter_rules()
            for method in rule.methods or ()
            if not rule.arguments
        }
        # So are those below a path that no other route begins with, such as /doc/.
        self._below = routes_below(app.url_map)
        # The map never builds addresses, so one binding serves every host.
        self._routes = app.url_map.bind("localhost")
        self.views = {
            route.endpoint: _view(views, route.endpoint) for route in ROUTES if _module(route.endpoint) in views
        }
        self._fast = frozenset(endpoint for endpoint in self.views if _module(endpoint) in FAST)

    def begin_process(self) -> Application:
        """Returns this application, with a log, ids, counts and traces of the process that was forked with it."""
        start_logging("web", self._settings)
        self._observer.begin_process(traces_from_environment())
        self._health.begin_process()
        return self

    def is_quick(self, environ: WSGIEnvironment, body: bytes) -> bool:
        """Returns whether the event loop may wait for the reply to a request with this body; see QUICK."""
        # Of life the event loop itself is the best witness: the threads may all wait for engines.
        if environ["PATH_INFO"] == "/health" and environ["REQUEST_METHOD"] == "GET":
            environ[CURRENT] = ""
            return True
        if environ["PATH_INFO"] != "/sparql":
            return environ["REQUEST_METHOD"] == "GET" and self._documents.is_quick(environ)
        is_query = environ["REQUEST_METHOD"] in ("GET", "POST")
        return is_query and self._endpoint is not None and self._endpoint.is_quick(environ, body)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serves a request by WSGI."""
        return self.reply(environ).send(environ["REQUEST_METHOD"], start_response)

    def reply(self, environ: WSGIEnvironment) -> Reply:
        """Returns the reply, made from one release, also if something fails. Raises NeedsThread."""
        begun = self._observer.begin(environ)
        with self._cache.reading(environ[CURRENT] if environ.get(QUICK) else "") as current:
            environ[CURRENT] = current
            self._prefix.enter(environ)
            request = Request(environ)
            try:
                reply = self._errors.guard(request, self._answer)
            except BaseException as end:
                self._observer.drop(request, begun, end)
                raise
        _name_release(request, reply)
        if request.path == "/sparql":
            # It holds for the address, so that errors and OPTIONS have it too (RFC 10008).
            reply.headers.append(("Accept-Query", f"{DIRECT}, {FORM}"))
        self._observer.end(request, reply, begun)
        return reply

    def close(self) -> None:
        """Ends what outlives a request, before the process ends."""
        self._observer.close()

    def _answer(self, request: Request) -> Reply:
        check_host(request.environ)
        if request.method == "OPTIONS" and (methods := methods_at(self._routes, request)):
            return preflight((*sorted(methods), "OPTIONS"))
        if moved := self._moved(request):
            return redirection(moved, 301)
        reply = self._prefix.answer(request, self._dispatch)
        check_unchanged(request, reply)
        # polars reads CSV only from addresses that support this, and query results are such addresses.
        return partial(request, reply) if request.header("Range") else reply

    def _moved(self, request: Request) -> str:
        """Returns the present address for an address at a former base of the instance; "" for all others."""
        former = current_instance().former_bases
        if not former or request.method not in READING:
            return ""
        environ = request.environ
        path = str(environ.get(MOUNT, "")) + request.path
        root = public_root(environ, self._settings.trusted_proxies)
        moved = moved_address(root, path, self._settings.base, former)
        return moved + (f"?{request.query}" if moved and request.query else "")

    def _dispatch(self, request: Request) -> Reply:
        """Returns the reply of the view of an address. Raises what the view raises, MethodNotAllowed, NotFound."""
        if str(request.environ.get("PATH_INFO")).startswith("//"):
            # Werkzeug drops the second slash; a document has one address.
            raise NotFound(f"there is nothing at /{request.path}")
        proxies = self._settings.trusted_proxies
        address = canonical_address(request, self._settings.base, proxies, self._routes.test)
        return redirected(request, address, self._viewed) if address else self._viewed(request)

    def _viewed(self, request: Request) -> Reply:
        try:
            key = request.method, request.path
            endpoint, values, request.route = self._exact.get(key) or self._route_below(*key) or self._match(*key)
        except WrongMethod as error:
            allowed = (*sorted(error.valid_methods or ()), "OPTIONS")
            raise MethodNotAllowed(f"{request.method} is not a method of this address", allowed) from None
        view = self.views[endpoint]
        if endpoint in self._fast:
            return view(request)
        with self._app.request_context(request.environ):
            return view(cast("Request", flask.request._get_current_object()), **values)  # type: ignore[attr-defined]

    def _match(self, method: str, path: str) -> _Match:
        """Returns the match of any address. Raises what the map raises."""
        rule, values = self._routes.match(path, method, return_rule=True)
        return str(rule.endpoint), dict(values), address_of(rule.rule)

    def _route_below(self, method: str, path: str) -> _Match | None:
        """Returns the match of an address such as /doc/city/bremen, or None."""
        end = path.find("/", 1) + 1
        endpoint = self._below.get((method, path[:end]))
        # Two slashes are for the map, which redirects.
        is_plain = endpoint is not None and end < len(path) and "//" not in path
        return (endpoint, {"path": path[end:]}, f"{path[:end]}{{path}}") if endpoint is not None and is_plain else None


def _name_release(request: Request, reply: Reply) -> None:
    """Names the release that answered in a header; assets are of no release."""
    release = request.answering_release
    if release and not request.path.startswith("/static/") and not reply.header(RELEASE_HEADER):
        reply.headers = [*reply.headers, (RELEASE_HEADER, release)]


def _sparql_views(
    settings: Settings,
    releases: Releases,
    cache: ReleaseCache,
    queries: Queries,
    engines: Runs | None,
    endpoint: SparqlEndpoint | None,
    metrics: Metrics,
    bodies: BodyReceiver,
    pages: Pages,
) -> dict[str, object]:
    views: dict[str, object] = {
        "completions": CompletionList(cache),
        "query_code": QueryCode(settings, cache),
        "stored_queries": queries,
    }
    checks: dict[str, Check] = {}
    supervised: object = engines
    if isinstance(supervised, Supervised):
        views["admin"] = Admin(settings, supervised, ServerMetrics(settings, supervised, metrics, main=os.getppid))
        checks["engine"] = _engine_check(supervised)
    if endpoint is not None:
        views["endpoint"] = endpoint
        if endpoint.results.store is not None:
            checks["sparql_store"] = endpoint.results.store.state
        if settings.writer_socket or settings.follow:
            writer = Writer(settings)
            if settings.follow:
                checks["following"] = lambda _: read_exchange_state(settings.releases, "following").problem or OK
            else:
                checks["writer"] = lambda _: writer.state()
            if settings.push_to:
                checks["pushing"] = lambda _: read_exchange_state(settings.releases, "pushing").problem or OK
            access = WriteAccess(settings, writer, Tokens(settings.tokens), bodies, metrics)
            views["update"] = UpdateEndpoint(settings, access)
            views["graph_store"] = GraphStore(settings, releases, endpoint.results, access)
            views["curate_page"] = _Deferred(lambda: _curate_page(settings, releases, access, pages))
    complete = complete_marker(settings.engine_socket) if settings.engine_socket else None
    views["health"] = Health(releases, cache, checks, complete)
    return views


def _engine_check(engines: Supervised) -> Check:
    def state(release: Release | None) -> str:
        if release is None:
            raise NotFound("there is no release that engines could answer from")
        return engines.state(release.id)

    return state


class _Deferred:
    """Views whose module is imported with their first request: what only few sites need does not delay every start."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._made = once(make)

    def __getattr__(self, name: str) -> View:
        def view(request: Request) -> Reply:
            reply: Reply = getattr(self._made(), name)(request)
            return reply

        return view


def _curate_page(settings: Settings, releases: Releases, access: WriteAccess, pages: Pages) -> object:
    # Spreadsheets are a third of all imports of the site.
    from citygraph.web.curate.curate_page import CuratePage

    return CuratePage(settings, releases, access, pages)


def _search_views(
    settings: Settings,
    cache: ReleaseCache,
    lookups: Lookups,
    pages: Pages,
    bodies: BodyReceiver,
    today: Callable[[], date],
    files: ResultFile,
) -> dict[str, object]:
    return {
        "search_page": Search(settings, cache, lookups, pages),
        "suggestions": Suggestions(settings, cache, lookups),
        "explore": Explore(settings, cache, pages, today),
        "network": Network(settings, cache, lookups, pages, today, files),
        "reconcile": Reconciliation(settings, cache, lookups, pages, bodies),
    }


def _time_views(
    release_site: ReleaseSite, mementos: Mementos, citations: Citations, sender: FileSender
) -> dict[str, object]:
    return {
        "citations": citations,
        "downloads": Downloads(release_site, sender),
        "feeds": Feeds(release_site),
        "memento": mementos,
        "release_pages": ReleasePages(release_site),
    }


def _module(endpoint: str) -> str:
    return endpoint.partition(".")[0]


def _view(views: Mapping[str, object], endpoint: str) -> View:
    module, _, name = endpoint.partition(".")
    view: View = getattr(views[module], name)
    return view
