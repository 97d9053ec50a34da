"""The route table: every address of the site, with its methods, its endpoint and one line about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from werkzeug.routing import Map, MapAdapter, Rule

from citygraph.web.http.messages import Request

_GET = ("GET",)
_WRITE = ("PUT", "POST", "DELETE", "PATCH")


@dataclass(frozen=True)
class Route:
    """An address: `endpoint` is the module and method that handle it, `needs` a part that a server may run without."""

    methods: tuple[str, ...]
    pattern: str
    endpoint: str
    about: str
    needs: str = ""

    @property
    def address(self) -> str:
        """The pattern as a URI template (RFC 6570), such as /doc/{path}."""
        return address_of(self.pattern)


@cache
def address_of(pattern: str) -> str:
    """Returns a pattern of the map as a URI template (RFC 6570)."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern)


@dataclass(frozen=True)
class Section:
    """Addresses that belong together, under a heading."""

    heading: str
    routes: tuple[Route, ...]


# Modules whose endpoints run outside Flask, whose dispatch costs more than a point lookup. All others are pages, which
# run in Flask's request context.
FAST = ("documents", "health", "endpoint", "update", "graph_store")

# A request with a body is not redirected, so protocol endpoints have no other address.
_EXACT = ("/sparql", "/update")

_LINKED_DATA = (
    Route(_GET, "/", "documents.home", "Home page; for programs, the dataset"),
    Route(_GET, "/id/<path:path>", "documents.thing", "A thing: 303 to its document, 301 if merged, 410 if withdrawn"),
    Route(_GET, "/doc/<path:path>", "documents.document", "The document of an entity"),
    Route(_GET, "/source/<path:path>", "documents.document", "A source and its graph"),
    Route(_GET, "/graph/<path:path>", "documents.document", "A named graph"),
    Route(_GET, "/.well-known/genid/<path:path>", "documents.document", "A node that had no IRI in its source"),
    Route(_GET, "/dataset", "documents.document", "The dataset described: VoID, DCAT, DQV"),
    Route(_GET, "/dataset.<extension>", "documents.document", "The dataset in one format"),
    Route(_GET, "/ontology", "documents.ontology", "The ontology"),
    Route(_GET, "/ontology.<extension>", "documents.ontology", "The ontology in one format"),
    Route(_GET, "/ontology/<path:path>", "documents.ontology", "A concept of the ontology, or its shapes"),
    Route(_GET, "/shapes", "documents.shapes", "The SHACL shapes"),
    Route(_GET, "/shapes.<extension>", "documents.shapes", "The SHACL shapes in one format"),
    Route(_GET, "/problems/<path:path>", "documents.problem", "A kind of error"),
    Route(_GET, "/context.jsonld", "documents.context", "The JSON-LD context of the documents"),
    Route(_GET, "/health", "health.show", "Whether the server is alive"),
    Route(_GET, "/ready", "health.ready", "Which parts of the server work, and the current release"),
    Route(_GET, "/startup", "health.startup", "Whether the server has started"),
)
_SPARQL = (
    Route(
        ("GET", "POST", "QUERY"),
        "/sparql",
        "endpoint.answer",
        "SPARQL 1.1 queries; the workbench for a browser",
        "engines",
    ),
    Route(_GET, "/sparql/vocabulary", "completions.vocabulary", "Prefixes, classes and properties for an editor"),
    Route(_GET, "/sparql/code", "query_code.programs", "Programs that ask a query, in four languages"),
    Route(("DELETE",), "/sparql/running/<name>", "admin.end_own", "Ends a running query by its own id", "engines"),
    Route(_GET, "/queries", "stored_queries.all", "Stored queries"),
    Route(_GET, "/queries.<extension>", "stored_queries.all", "Stored queries in one format"),
    Route(_GET, "/queries/<path:name>", "stored_queries.one", "A stored query, with parameters"),
    Route(_GET, "/openapi.json", "stored_queries.described", "The API in OpenAPI 3.1"),
)
_WRITING = (
    Route(("POST",), "/update", "update.update", "SPARQL 1.1 Update (token)", "writer"),
    Route(("GET", *_WRITE), "/graphs", "graph_store.answer", "SPARQL 1.1 Graph Store Protocol", "writer"),
    Route(("GET", *_WRITE), "/graphs/<path:path>", "graph_store.answer", "A graph of the API (token)", "writer"),
    Route(_WRITE, "/graph/<path:path>", "graph_store.answer", "Writes a graph at its own address (token)", "writer"),
    Route(_WRITE, "/source/<path:path>", "graph_store.answer", "Writes a graph at its own address (token)", "writer"),
    Route(("GET", "POST"), "/curate", "curate_page.answer", "Imports spreadsheets in the browser (token)", "writer"),
)
_SEARCH = (
    Route(_GET, "/search", "search_page.search", "Entities by name"),
    Route(_GET, "/search.<extension>", "search_page.search", "Entities by name, in one format"),
    Route(_GET, "/suggest", "suggestions.suggest", "Suggestions for the beginning of a name"),
    Route(_GET, "/explore", "explore.show", "Entities by kind, filtered by facets"),
    Route(_GET, "/explore.<extension>", "explore.show", "Filtered entities in one format"),
    Route(_GET, "/network", "network.show", "Ties as a graph; the shortest path between two cities"),
    Route(_GET, "/network.<extension>", "network.show", "The network in one format"),
    Route(("GET", "POST"), "/reconcile", "reconcile.endpoint", "Reconciliation API 0.2"),
    Route(_GET, "/reconcile/suggest/<kind>", "reconcile.suggest", "Reconciliation: suggestions"),
    Route(_GET, "/reconcile/flyout/<kind>", "reconcile.flyout", "Reconciliation: the card of a suggestion"),
    Route(_GET, "/reconcile/preview", "reconcile.preview", "Reconciliation: the card of an entity"),
    Route(_GET, "/reconcile/properties", "reconcile.proposals", "Reconciliation: properties to fetch"),
    Route(_GET, "/reconcile/features", "reconcile.features", "Reconciliation: how a score is made"),
)
_TIME = (
    Route(_GET, "/releases", "release_pages.every", "Every release"),
    Route(_GET, "/releases.<extension>", "release_pages.every", "Every release, in one format"),
    Route(_GET, "/releases/<name>", "release_pages.one", "A release, or the difference of two (a..b)"),
    Route(("GET", *_WRITE), "/releases/<name>/<path:rest>", "release_pages.below", "The site as of a release"),
    Route(_GET, "/timegate/", "memento.time_gate", "The TimeGate of the home page (RFC 7089)"),
    Route(_GET, "/timegate/<path:uri>", "memento.time_gate", "The TimeGate of a document (RFC 7089)"),
    Route(_GET, "/timemap/", "memento.time_map", "The TimeMap of the home page (RFC 7089)"),
    Route(_GET, "/timemap/<path:uri>", "memento.time_map", "The TimeMap of a document (RFC 7089)"),
    Route(_GET, "/cite", "citations.at", "How to cite the dataset"),
    Route(_GET, "/cite/<path:path>", "citations.at", "How to cite a document"),
    Route(("POST",), "/results", "stored_results.store", "Stores a result, to be cited", "engines"),
    Route(_GET, "/results/<name>", "stored_results.one", "A cited result, or its rows in one format", "engines"),
    Route(_GET, "/results/<name>/again", "stored_results.again", "A cited result, compared with today", "engines"),
    Route(_GET, "/results/<name>/record", "stored_results.record", "The record of a cited result", "engines"),
    Route(_GET, "/CITATION.cff", "citations.cff", "The citation file of the dataset"),
)
_WHOLE_FILES_AND_FEEDS = (
    Route(_GET, "/.well-known/void", "downloads.void", "The dataset described, at its well-known address"),
    Route(_GET, "/croissant.json", "downloads.croissant", "Tables and dumps described in Croissant"),
    Route(_GET, "/dumps", "downloads.listed", "The dumps"),
    Route(_GET, "/dumps/<path:name>", "downloads.file", "A dump"),
    Route(_GET, "/tables", "downloads.listed", "The tables"),
    Route(_GET, "/tables/<path:name>", "downloads.file", "A table"),
    Route(_GET, "/feed", "feeds.atom", "Releases as an Atom feed"),
    Route(_GET, "/feed/ldes", "feeds.stream", "Changes as a linked data event stream"),
    Route(_GET, "/feed/ldes/<name>/<int:page>", "feeds.changes", "A page of the event stream"),
    Route(_GET, "/sitemap.xml", "feeds.sitemap", "The sitemap"),
    Route(_GET, "/sitemap-<int:part>.xml", "feeds.sitemap", "A part of the sitemap"),
    Route(_GET, "/robots.txt", "feeds.robots", "Rules for crawlers"),
)
_OTHER_PAGES = (
    Route(_GET, "/about", "about.about", "About the site"),
    Route(_GET, "/api", "about.api", "The API for programs"),
    Route(_GET, "/quality", "quality_page.show", "Validation findings by shape"),
    Route(_GET, "/quality.<extension>", "quality_page.show", "Validation findings in one format"),
    Route(_GET, "/wikidata", "wikidata_page.show", "The saved comparison with Wikidata"),
    Route(_GET, "/wikidata.<extension>", "wikidata_page.show", "The comparison in one format"),
    Route(_GET, "/preview/<path:name>.png", "previews.card", "The preview picture of a document"),
    Route(_GET, "/land/<version>/<view>.svg", "previews.land", "The land of a map"),
    Route(_GET, "/static/<path:name>", "assets.file", "A static file"),
)
_OPERATIONS = (
    Route(_GET, "/metrics", "admin.metrics", "Metrics for Prometheus", "engines"),
    Route(_GET, "/admin/running", "admin.running", "Running queries (operator's token)", "engines"),
    Route(("DELETE",), "/admin/running/<query_id>", "admin.end_any", "Ends a query (operator's token)", "engines"),
)

# The addresses as /api and docs/addresses.md list them.
SECTIONS = (
    Section("Linked data", _LINKED_DATA),
    Section("SPARQL", _SPARQL),
    Section("Writing", _WRITING),
    Section("Search", _SEARCH),
    Section("Time", _TIME),
    Section("Whole files and feeds", _WHOLE_FILES_AND_FEEDS),
    Section("Other pages", _OTHER_PAGES),
    Section("Operations", _OPERATIONS),
)
ROUTES = tuple(route for section in SECTIONS for route in section.routes)


def url_map(parts: Iterable[str]) -> Map:
    """Returns the routing map of a server with these parts, such as "engines" and "writer"."""
    enabled = {"", *parts}
    rules = [
        Rule(route.pattern, endpoint=route.endpoint, methods=route.methods, strict_slashes=route.pattern in _EXACT)
        for route in ROUTES
        if route.needs in enabled
    ]
    # The application redirects from addresses that end with a slash.
    return Map(rules, strict_slashes=False, merge_slashes=False)


def methods_at(routes: MapAdapter, request: Request) -> set[str]:
    """Returns the methods of an address; those of the whole site for *, which is no address (RFC 9110, 9.3.7)."""
    if request.environ.get("PATH_INFO") != "*":
        return set(routes.allowed_methods(request.path))
    return {method for rule in routes.map.iter_rules() for method in rule.methods or ()}


def routes_below(map_: Map) -> dict[tuple[str, str], str]:
    """Returns the endpoints of the only route below a folder, by method and folder, such as ("GET", "/doc/")."""
    rules = [rule for rule in map_.iter_rules() if rule.rule.endswith("/<path:path>")]
    every = [rule.rule for rule in map_.iter_rules()]
    below = {}
    for rule in rules:
        folder = rule.rule.removesuffix("<path:path>")
        if folder.count("/") == 2 and sum(other.startswith(folder) for other in every) == 1:
            below.update({(method, folder): str(rule.endpoint) for method in rule.methods or ()})
    return below


def as_markdown() -> str:
    """Returns the text of docs/addresses.md."""
    lines = ["# Addresses", "", "Made by `python -c 'from citygraph.web.http.routes import *; print(as_markdown())'`."]
    for section in SECTIONS:
        lines += ["", f"## {section.heading}", "", "| address | methods | what it is | view |", "|---|---|---|---|"]
        for route in section.routes:
            lines.append(f"| `{route.address}` | {' '.join(route.methods)} | {route.about} | `{route.endpoint}` |")
    return "\n".join(lines)
