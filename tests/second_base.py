"""Every address of the site, asked in the same way under any base, and answers that can be compared."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat, parse

from citygraph.release.releases import Release, Releases
from citygraph.web.http.routes import ROUTES
from tests.running import Reply, Running

FIRST = "https://w3id.org/citygraph/"
HOST = "graph.example"
_QUERIES = Path(__file__).parents[1] / "queries"
_COUNT = "SELECT (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } }"
_INSERT = "INSERT DATA { GRAPH graph:notes { city:izmir rdfs:comment 'hello'@en } }"
_DELETE = "DELETE WHERE { GRAPH <{base}graph/notes> { ?s ?p ?o } }"
_GRAPH = '<{base}id/city/baku> <http://www.w3.org/2000/01/rdf-schema#comment> "put"@en .'
_RECONCILE = '{"q0": {"query": "Bremen"}, "q1": {"query": "Cemil Tugay"}}'
_FORM, _UPDATE = "application/x-www-form-urlencoded", "application/sparql-update"
_BODIES = {"PUT": (_GRAPH, "text/turtle"), "POST": (_GRAPH, "text/turtle"), "PATCH": (_DELETE, _UPDATE), "DELETE": ()}


@dataclass(frozen=True)
class Ask:
    """A request of a route; {base} and {release} are filled in, and {q:…} encodes."""

    route: str
    path: str
    method: str = "GET"
    accept: str = ""
    body: str = ""
    type: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.method, self.path, self.accept, self.body[:80]) if part)


def asks() -> Iterator[Ask]:
    """Yields the requests, in the order in which they are sent: those that write are the last."""
    for route, paths in _PATHS.items():
        for path in paths:
            address, accept = path, ""
            if found := re.fullmatch(r"(.*) (\w+/[\w.+-]+)", path):
                address, accept = found.groups()
            yield Ask(route, address, accept=accept)
    for name in sorted(path.stem for path in _QUERIES.glob("*.rq")):
        yield Ask("/queries/<path:name>", f"/queries/{name}?format=csv")
        yield Ask("/queries/<path:name>", f"/queries/{name}", accept="text/html")
    yield from _ASKS


def uncovered() -> set[tuple[str, str]]:
    """Returns the routes and methods that no request has."""
    covered = {(ask.route, ask.method) for ask in asks()}
    return {(route.pattern, method) for route in ROUTES for method in route.methods} - covered


_DOCUMENTS = (
    *("city/izmir", "city/bremen", "country/germany", "person/cemil-tugay", "agreement/izmir-bremen"),
    *("organisation/city-of-potsdam", "event/izmir-baku-40th-anniversary", "city/nowhere"),
)
_PATHS: dict[str, tuple[str, ...]] = {
    "/": ("/ text/html", "/ text/turtle", "/?lang=tr text/html"),
    "/id/<path:path>": ("/id/city/izmir", "/id/city/nowhere", "/id/source/x"),
    "/doc/<path:path>": (
        *(f"/doc/{name}.html" for name in _DOCUMENTS),
        *(f"/doc/city/izmir.{extension}" for extension in ("nt", "ttl", "jsonld", "rdf", "trig", "nq")),
        *("/doc/city/izmir?lang=tr text/html", "/doc/city/izmir.jsonld?profile=schemaorg", "/doc/city/izmir.nt?page=2"),
    ),
    "/source/<path:path>": ("/source/izmir-sister-cities text/html", "/source/izmir-baku-forty-years.nq"),
    "/graph/<path:path>": (
        *("/graph/curation text/html", "/graph/derived.nt", "/graph/catalog.ttl", "/graph/catalog text/html"),
    ),
    "/.well-known/genid/<path:path>": ("/.well-known/genid/none",),
    "/dataset": ("/dataset text/html", "/dataset text/turtle"),
    "/dataset.<extension>": ("/dataset.nt", "/dataset.jsonld"),
    "/ontology": ("/ontology text/html",),
    "/ontology.<extension>": ("/ontology.nt",),
    "/ontology/<path:path>": ("/ontology/roles text/html", "/ontology/roles.nt"),
    "/shapes": ("/shapes text/html",),
    "/shapes.<extension>": ("/shapes.nt",),
    "/problems/<path:path>": ("/problems/not-found text/html",),
    "/context.jsonld": ("/context.jsonld",),
    "/health": ("/health",),
    "/ready": ("/ready?part=store",),
    "/startup": ("/startup",),
    "/sparql": (
        *("/sparql text/html", "/sparql text/turtle"),
        "/sparql?query={q:SELECT * WHERE { city:izmir ?p ?o } ORDER BY STR(?p) STR(?o)} text/csv",
        "/sparql?query={q:SELECT * WHERE { city:izmir ?p ?o }} text/html",
        "/sparql?query={q:DESCRIBE city:izmir} application/n-triples",
        "/sparql?query={q:SELECT * WHERE { ?s cg:cooperation ?o }} application/json",
        "/sparql?query={q:SELECT} application/json",
    ),
    "/sparql/vocabulary": ("/sparql/vocabulary",),
    "/sparql/code": ("/sparql/code?query={q:ASK { city:izmir ?p ?o }}",),
    # The names of cited results depend on the release, and so on the base.
    "/results/<name>": ("/results/none text/html",),
    "/results/<name>/again": ("/results/none/again text/html",),
    "/results/<name>/record": ("/results/none/record",),
    "/queries": ("/queries text/html",),
    "/queries.<extension>": ("/queries.json",),
    "/openapi.json": ("/openapi.json",),
    "/graphs": ("/graphs", "/graphs?graph={q:{base}graph/curation}"),
    "/graphs/<path:path>": ("/graphs/none",),
    "/search": ("/search?q=bremen text/html", "/search?q=bremen&type=city text/html", "/search text/html"),
    "/search.<extension>": ("/search.json?q=bremen", "/search.json?q=izmir&lang=tr"),
    "/suggest": ("/suggest?q=bre",),
    "/explore": ("/explore text/html", "/explore?type=agreement text/html", "/explore?type=event text/html"),
    "/explore.<extension>": ("/explore.csv?type=city", "/explore.json?type=person", "/explore.csv?type=event"),
    "/network": ("/network text/html", "/network?from=city/bremen&to=city/baku text/html"),
    "/network.<extension>": ("/network.json",),
    "/reconcile": ("/reconcile", "/reconcile?queries={q:" + _RECONCILE + "}"),
    "/reconcile/suggest/<kind>": tuple(
        f"/reconcile/suggest/{kind}?prefix=co" for kind in ("entity", "type", "property")
    ),
    "/reconcile/flyout/<kind>": (
        "/reconcile/flyout/entity?id={q:{base}id/city/izmir}",
        "/reconcile/flyout/entity?id=city/izmir",
    ),
    "/reconcile/preview": ("/reconcile/preview?id={q:{base}id/city/izmir}", "/reconcile/preview?id=city/izmir"),
    "/reconcile/properties": ("/reconcile/properties?type=City",),
    "/reconcile/features": ("/reconcile/features",),
    "/releases": ("/releases text/html",),
    "/releases.<extension>": ("/releases.json", "/releases.ttl", "/releases.nt"),
    "/releases/<name>": (
        "/releases/{release} text/html",
        "/releases/{release} text/turtle",
        "/releases/{release}.json",
    ),
    "/releases/<name>/<path:rest>": (
        *("/releases/{release}/doc/city/izmir.html", "/releases/{release}/doc/city/izmir.nt"),
        *("/releases/{release}/id/city/izmir", "/releases/{release}/dataset text/html"),
        "/releases/{release}/sparql?query={q:ASK { city:izmir ?p ?o }} application/json",
    ),
    "/timegate/": ("/timegate/",),
    "/timegate/<path:uri>": ("/timegate/doc/city/izmir", "/timegate/{base}id/city/izmir"),
    "/timemap/": ("/timemap/",),
    "/timemap/<path:uri>": ("/timemap/doc/city/izmir", "/timemap/{base}id/city/izmir"),
    "/cite": ("/cite text/html", "/cite?format=bibtex"),
    "/cite/<path:path>": ("/cite/doc/city/izmir text/html", "/cite/doc/city/izmir?format=csl"),
    "/CITATION.cff": ("/CITATION.cff",),
    "/.well-known/void": ("/.well-known/void application/n-triples", "/.well-known/void"),
    "/croissant.json": ("/croissant.json",),
    "/dumps": ("/dumps",),
    "/dumps/<path:name>": ("/dumps/citygraph.nq", "/dumps/citygraph.ttl.gz", "/dumps/citygraph.trig.gz"),
    "/tables": ("/tables",),
    "/tables/<path:name>": (
        *(f"/tables/{path.stem}.csv" for path in sorted((_QUERIES / "tables").glob("*.rq"))),
        *("/tables/csv-metadata.json", "/tables/datapackage.json"),
    ),
    "/feed": ("/feed",),
    "/feed/ldes": ("/feed/ldes application/n-triples", "/feed/ldes"),
    "/feed/ldes/<name>/<int:page>": ("/feed/ldes/{release}/1 application/n-triples",),
    "/sitemap.xml": ("/sitemap.xml",),
    "/sitemap-<int:part>.xml": ("/sitemap-1.xml",),
    "/robots.txt": ("/robots.txt",),
    "/about": ("/about text/html",),
    "/api": ("/api text/html",),
    "/quality": ("/quality text/html",),
    "/quality.<extension>": ("/quality.json",),
    "/wikidata": ("/wikidata text/html",),
    "/wikidata.<extension>": ("/wikidata.json",),
    "/preview/<path:name>.png": ("/preview/city/izmir.png",),
    "/land/<version>/<view>.svg": ("/land/earlier/38.4361_27.1518_1977.5_170.svg",),
    "/static/<path:name>": ("/static/mark.svg",),
    "/curate": ("/curate text/html",),
    "/metrics": ("/metrics",),
    "/admin/running": ("/admin/running",),
}
_ASKS = (
    Ask("/sparql", "/sparql", "QUERY", "text/csv", "query=" + quote(_COUNT), _FORM),
    Ask("/sparql", "/sparql", "POST", "text/csv", "query=" + quote(_COUNT), _FORM),
    Ask("/results", "/results", "POST", "", "{}", "application/json"),
    Ask("/sparql/running/<name>", "/sparql/running/mine", "DELETE"),
    Ask("/admin/running/<query_id>", "/admin/running/1", "DELETE"),
    Ask("/reconcile", "/reconcile", "POST", "", "queries=" + quote(_RECONCILE), _FORM),
    Ask("/curate", "/curate", "POST", "text/html", "action=check", _FORM),
    Ask("/update", "/update", "POST", "", _INSERT, _UPDATE),
    *(
        Ask(route, f"{address}{'&' if '?' in address else '?'}dry-run", method, "", *_BODIES[method])
        for route, address in (
            ("/graphs/<path:path>", "/graphs/notes"),
            ("/graph/<path:path>", "/graph/notes"),
            ("/source/<path:path>", "/source/added"),
            ("/graphs", "/graphs?graph={q:{base}graph/notes}"),
            ("/releases/<name>/<path:rest>", "/releases/{release}/graphs/notes"),
        )
        for method in ("PUT", "POST", "PATCH", "DELETE")
    ),
    Ask("/graph/<path:path>", "/graph/notes", "PUT", "", *_BODIES["PUT"]),
    Ask("/source/<path:path>", "/source/izmir-sister-cities", "PUT", "", *_BODIES["PUT"]),
    # What was written, and by whom.
    Ask("/feed/ldes", "/feed/ldes", accept="application/n-triples"),
    Ask("/releases", "/releases", accept="text/html"),
    Ask("/feed", "/feed"),
)


class Site:
    """A server under a base, with one release; its answers are those of a site under the first base."""

    def __init__(self, running: Running, base: str, releases: Path, token: str) -> None:
        self._running = running
        self._base = base
        self._token = token
        self._releases = Releases(releases)
        self._first = self._releases.current()
        self._history: list[Release] = []
        self._count = 0
        self._context = json.dumps(json.loads(running.get("/context.jsonld").body)["@context"])

    def answer(self, ask: Ask) -> str:
        """Returns status, headers and text of an answer."""
        headers = {"Host": HOST, "Accept": ask.accept or "*/*", "Content_Type": ask.type or "text/plain"}
        if ask.method != "GET":
            headers["Authorization"] = f"Bearer {self._token}"
        body = ask.body.replace("{base}", self._base).encode()
        reply = self._running.get(self._filled(ask.path), ask.method, body, **headers)
        head = [f"{name}: {value}" for name, value in sorted(reply.headers.items()) if name.lower() not in _VARYING]
        return self._rewritten("\n".join([str(reply.status), *head, ""])) + "\n" + self._text(ask.path, reply)

    def _filled(self, path: str) -> str:
        path = path.replace("{base}", self._base).replace("{release}", self._first.id)
        return re.sub(r"\{q:(.*)\}", lambda match: quote(match[1], safe=""), path)

    def _text(self, path: str, reply: Reply) -> str:
        kind = reply.headers.get("content-type", reply.headers.get("Content-Type", "")).partition(";")[0]
        if kind.startswith("image/png"):
            return f"{len(reply.body) > 0}"
        body = gzip.decompress(reply.body) if reply.body.startswith(b"\x1f\x8b") else reply.body
        text = body.decode()
        format_ = _RDF.get(kind) or _FILES.get(path.removesuffix(".gz").rpartition(".")[2] if "/dumps/" in path else "")
        if format_ == RdfFormat.JSON_LD:
            text = re.sub(r'"http[^"]*/context\.jsonld"', lambda _: self._context, text)
        text = self._rewritten(text)
        # Times and checksums are the objects of statements, and change their order.
        return "\n".join(sorted(_VARIABLE.sub("VARIES", _statements(text, format_)).split("\n"))) if format_ else text

    def _rewritten(self, text: str) -> str:
        for safe in (":/", "/", ""):
            if self._base != FIRST:
                # Only the vocabulary has this base everywhere.
                text = re.sub(re.escape(quote(FIRST, safe=safe)) + r"(?!ontology|shapes)", "http://another.base/", text)
            text = text.replace(quote(self._base, safe=safe), quote(FIRST, safe=safe))
        for number, release in enumerate(self._known()):
            for varying in (release.id, release.manifest.digest, release.manifest.digest[:12]):
                text = text.replace(varying, f"RELEASE-{number}")
        return _VARIABLE.sub("VARIES", _VARIABLE.sub("VARIES", text))

    def _known(self) -> list[Release]:
        if len(list(self._releases.root.iterdir())) != self._count:
            self._count = len(list(self._releases.root.iterdir()))
            self._history = self._releases.history()[::-1]
        return self._history


_RDF = {
    "application/ld+json": RdfFormat.JSON_LD,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/n-quads": RdfFormat.N_QUADS,
    "text/turtle": RdfFormat.TURTLE,
    "application/trig": RdfFormat.TRIG,
    "application/rdf+xml": RdfFormat.RDF_XML,
}
_FILES = {"nq": RdfFormat.N_QUADS, "trig": RdfFormat.TRIG, "ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES}
_VARYING = {
    "connection",
    "date",
    "etag",
    "content-length",
    "last-modified",
    "server",
    "server-timing",
    "memento-datetime",
    "x-request-id",
}
# Checksums of files, times, sizes, identifiers of requests.
_VARIABLE = re.compile(
    r"\b[0-9a-f]{64}\b|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT"
    r'|(?<=#byteSize> ")\d+|(?<=contentSize": ")\d+|(?<="bytes": )\d+'
    r'|(?<="uptime": )[\d.]+|(?<=citygraph_sparql_seconds_)\S+ \S+'
    r'|(?<="request_id": ")[0-9a-f-]+'
    r'|\d+</td><td><code title="VARIES">\w+'
)


def _statements(text: str, format_: RdfFormat) -> str:
    dataset = Dataset(parse(text, format=format_))
    if format_ == RdfFormat.JSON_LD or "_:" in text:
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return "\n".join(map(str, dataset))
