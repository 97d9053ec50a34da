"""The examined site, its checks and their results. Each address is requested once; a check reads responses and
metadata.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Store

from citygraph.doctor.fetching import Fetch, HttpRequest, HttpResponse
from citygraph.errors import Upstream
from citygraph.rdf.terms import DCAT, RDF, VOID

RDF_TYPES = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/trig": RdfFormat.TRIG,
    "application/n-quads": RdfFormat.N_QUADS,
}
_ACCEPT_RDF = "text/turtle, application/n-triples;q=0.9, application/rdf+xml;q=0.8, application/trig;q=0.7"
ACCEPT_HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"
# Enough for w3id.org, a host and a 303; a loop of redirections ends.
_HOPS = 6
_SAMPLE = 3
_SEE_OTHER = (301, 302, 303, 307, 308)

Term = NamedNode | BlankNode | Literal


class Site:
    """A site with the address of its landing page."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        # A path is needed for relative addresses.
        self.url = url if urlsplit(url).path else url + "/"
        self._fetch = fetch
        self._replies: dict[HttpRequest, HttpResponse] = {}

    def get(self, address: str, method: str = "GET", follow: bool = True, **headers: str) -> HttpResponse:
        """Returns the response of an address relative to the landing page. Underscores in header names become hyphens.

        Without any response the status is 0.
        """
        # Redirections are followed here and not in `fetch`, because some checks need the redirection itself.
        url = urljoin(self.url, address)
        header_fields = tuple(sorted((name.replace("_", "-"), value) for name, value in headers.items()))
        reply = self._once(HttpRequest(url, method, header_fields))
        hops = 0
        while follow and reply.status in _SEE_OTHER and reply.header("Location") and hops < _HOPS:
            hops += 1
            target = self.here(urljoin(reply.url, reply.header("Location")))
            reply = self._once(HttpRequest(target, method, header_fields))
        return reply

    def here(self, iri: str) -> str:
        """Returns the address at this host for an IRI, because identifiers may have a base that is not (yet) at this
        host.
        """
        base = self.base
        # A site under test on localhost has its public base in its identifiers.
        return urljoin(self.url, iri.removeprefix(base)) if base and iri.startswith(base) else iri

    def rdf(self, address: str, accept: str = _ACCEPT_RDF) -> Store:
        """Returns the statements at an address; an empty store if the response is not RDF."""
        reply = self.get(self.here(address), Accept=accept)
        return self.parsed(reply)

    def parsed(self, reply: HttpResponse) -> Store:
        """Returns the statements of a response; an empty store if it is not RDF that can be parsed."""
        store = Store()
        format_ = RDF_TYPES.get(reply.media_type)
        if reply.status == 200 and format_ is not None:
            try:
                store.load(reply.body.removeprefix(BOM_UTF8), format=format_, base_iri=reply.url)
            # Half of a document would pass checks that the whole may fail.
            except (SyntaxError, ValueError):
                return Store()
        return store

    def select(self, query: str) -> list[dict[str, str]]:
        """Returns the rows of a query at the SPARQL endpoint; empty without an endpoint or a response."""
        if not self.endpoint:
            return []
        address = f"{self.here(self.endpoint)}?query={quote(query, safe='')}"
        reply = self.get(address, Accept="application/sparql-results+json")
        try:
            bindings = json.loads(reply.text)["results"]["bindings"]
            return [{name: str(term["value"]) for name, term in row.items()} for row in bindings]
        except (ValueError, KeyError, TypeError):
            return []

    def values(self, predicate: NamedNode) -> list[Term]:
        """Returns the values of a property of the dataset."""
        return self.values_of(self.dataset, predicate) if self.dataset else []

    def values_of(self, subject: Term, predicate: NamedNode) -> list[Term]:
        """Returns the values of a property in the description of the dataset."""
        if isinstance(subject, Literal):
            return []
        quads = self.metadata.quads_for_pattern(subject, predicate, None, None)
        return [q.object for q in quads if isinstance(q.object, NamedNode | BlankNode | Literal)]

    @cached_property
    def landing(self) -> HttpResponse:
        """The landing page."""
        return self.get(self.url, Accept=ACCEPT_HTML)

    @cached_property
    def metadata(self) -> Store:
        """The description of the dataset, from VoID, `describedby` links of the landing page, and the dataset's IRI."""
        store = Store()
        places = ["/.well-known/void", *(link.href for link in self.landing.links("describedby")), "dataset"]
        for place in dict.fromkeys(places):
            store.extend(self.rdf_outside(place))
        return store

    def rdf_outside(self, place: str) -> Store:
        """Returns the statements at an address, without mapping IRIs to this host."""
        return self.parsed(self.get(place, Accept=_ACCEPT_RDF))

    @cached_property
    def base(self) -> str:
        """The IRI that the site's identifiers begin with, if it is not the address of the site."""
        # Read with plain requests, because `here` depends on this property.
        header_fields = (("Accept", _ACCEPT_RDF),)
        for place in ("/.well-known/void", "dataset"):
            store = self.parsed(self._through(urljoin(self.url, place), header_fields))
            for quad in store.quads_for_pattern(None, VOID("uriSpace"), None, None):
                space, subject = str(getattr(quad.object, "value", "")), str(getattr(quad.subject, "value", ""))
                # The targets of linksets have a uriSpace too; that of the site contains the IRI of its dataset.
                if space and subject.startswith(space):
                    return space
        return ""

    @cached_property
    def dataset(self) -> NamedNode | None:
        """The IRI of the dataset: of those described, the one with the most statements."""
        types = (DCAT("Dataset"), VOID("Dataset"))
        candidates = {
            quad.subject
            for type_ in types
            for quad in self.metadata.quads_for_pattern(None, RDF("type"), type_, None)
            if isinstance(quad.subject, NamedNode)
        }
        # A site may describe several datasets, such as its releases; its own has the longest description.
        sizes = {s: sum(1 for _ in self.metadata.quads_for_pattern(s, None, None, None)) for s in candidates}
        return max(sizes, key=lambda s: (sizes[s], s.value), default=None)

    @cached_property
    def endpoint(self) -> str:
        """The address of the SPARQL endpoint."""
        named = self.values(VOID("sparqlEndpoint")) or self.values(DCAT("endpointURL"))
        return named[0].value if named else ""

    @cached_property
    def entities(self) -> tuple[str, ...]:
        """The IRIs of a few entities, from the site's examples, its endpoint or its sitemap."""
        examples = [value.value for value in self.values(VOID("exampleResource"))]
        if not examples:
            space = self.base or self.url
            # Hash nodes are parts of entities and have no documents.
            query = (
                "SELECT DISTINCT ?s WHERE { ?s a ?c . FILTER(STRSTARTS(STR(?s), "
                f'"{space}id/") && !CONTAINS(STR(?s), "#")) }} ORDER BY ?s LIMIT {_SAMPLE}'
            )
            examples = [row["s"] for row in self.select(query) if "s" in row]
        return tuple((examples or self.sitemap)[:_SAMPLE])

    @cached_property
    def sitemap(self) -> list[str]:
        """The addresses in the sitemap, or in the first sitemap of its index."""
        # At the root of the host, even if the landing page is below a path (sitemaps.org).
        reply = self.get("/sitemap.xml")
        locations = _locations(reply)
        if "<sitemapindex" in reply.text and locations:
            locations = _locations(self.get(self.here(locations[0])))
        return locations

    @cached_property
    def json_ld(self) -> list[dict[str, Any]]:
        """The JSON-LD objects in the landing page."""
        return embedded(self.landing)

    def _once(self, ask: HttpRequest) -> HttpResponse:
        if ask not in self._replies:
            try:
                self._replies[ask] = self._fetch(ask)
            except Upstream as error:
                # Status 0 lets a check report the failure, and the other checks go on.
                self._replies[ask] = HttpResponse(ask.url, 0, (), str(error).encode())
        return self._replies[ask]

    def _through(self, url: str, headers: tuple[tuple[str, str], ...]) -> HttpResponse:
        reply = self._once(HttpRequest(url, "GET", headers))
        for _ in range(_HOPS):
            if reply.status not in _SEE_OTHER:
                break
            reply = self._once(HttpRequest(urljoin(reply.url, reply.header("Location")), "GET", headers))
        return reply


def embedded(reply: HttpResponse) -> list[dict[str, Any]]:
    """Returns the JSON-LD objects in a page."""
    parser = _Scripts()
    parser.feed(reply.text)
    result: list[dict[str, Any]] = []
    for text in parser.texts:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        # A JSON-LD document is an object, an array or a @graph.
        objects = value if isinstance(value, list) else value.get("@graph", [value])
        result.extend(one for one in objects if isinstance(one, dict))
    return result


class _Scripts(HTMLParser):
    """A parser that collects the JSON-LD scripts of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script" and dict(attrs).get("type") == "application/ld+json":
            self._inside = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            # The parser may deliver one script in several parts.
            self.texts[-1] += data


def _locations(reply: HttpResponse) -> list[str]:
    parts = reply.text.split("<loc>")[1:]
    return [part.partition("</loc>")[0].strip().replace("&amp;", "&") for part in parts] if reply.status == 200 else []


class CheckState(StrEnum):
    """The outcome of a check."""

    MET = "met"
    MISSING = "missing"
    BY_HAND = "by hand"  # a person must look; the evidence names the place


@dataclass(frozen=True)
class CheckResult:
    """The outcome of a check with its evidence: an address, a value, or the missing item."""

    state: CheckState
    evidence: str


Examination = Callable[[Site], CheckResult]


@dataclass(frozen=True)
class Check:
    """One item of a list of checks. Only `required` ones make the site fail."""

    list: str
    name: str
    examine: Examination
    required: bool = True


def met(evidence: str) -> CheckResult:
    """Returns a passed result."""
    return CheckResult(CheckState.MET, evidence)


def missing(evidence: str) -> CheckResult:
    """Returns a failed result."""
    return CheckResult(CheckState.MISSING, evidence)


def met_if(evidence: str, expected: str) -> CheckResult:
    """Returns a passed result if the evidence is not empty, else a failed one."""
    return met(evidence) if evidence else missing(expected)


def by_hand(where: str) -> Examination:
    """Returns a check that a person must do, with the place to look at."""

    def examine(_: Site) -> CheckResult:
        return CheckResult(CheckState.BY_HAND, where)

    return examine


def has_any(*properties: NamedNode) -> Examination:
    """Returns a check that the dataset has one of these properties."""

    def examine(site: Site) -> CheckResult:
        for property_ in properties:
            if values := site.values(property_):
                return met(f"{short(property_)} {values[0].value}"[:160])
        return missing("the dataset's description has none of " + ", ".join(map(short, properties)))

    return examine


def has_all(*properties: NamedNode) -> Examination:
    """Returns a check that the dataset has each of these properties."""

    def examine(site: Site) -> CheckResult:
        absent = [short(property_) for property_ in properties if not site.values(property_)]
        present = ", ".join(map(short, properties))
        return missing(f"the dataset's description lacks {', '.join(absent)}") if absent else met(present)

    return examine


def any_of(*examinations: Examination) -> Examination:
    """Returns a check that passes if one of several does."""

    def examine(site: Site) -> CheckResult:
        findings = [one(site) for one in examinations]
        good = next((f for f in findings if f.state is not CheckState.MISSING), None)
        return good or missing("; ".join(f.evidence for f in findings))

    return examine


def short(term: NamedNode) -> str:
    """Returns the last part of an IRI."""
    return term.value.replace("#", "/").rstrip("/").rpartition("/")[2]
