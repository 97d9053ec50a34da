"""The site that is examined: what it answers, asked once each, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Store

from citygraph.doctor.fetching import Ask, Fetch, Reply
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
_HOPS = 6
_SAMPLE = 3
_SEE_OTHER = (301, 302, 303, 307, 308)

Term = NamedNode | BlankNode | Literal


class Site:
    """A site by the address of its landing page."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        self.url = url if urlsplit(url).path else url + "/"
        self._fetch = fetch
        self._known: dict[Ask, Reply] = {}

    def get(self, address: str, method: str = "GET", follow: bool = True, **headers: str) -> Reply:
        """The answer of an address, relative to the landing page; header names are written with underscores.

        What does not answer at all has status 0.
        """
        url = urljoin(self.url, address)
        asked = tuple(sorted((name.replace("_", "-"), value) for name, value in headers.items()))
        reply = self._once(Ask(url, method, asked))
        seen: list[str] = []
        while follow and reply.status in _SEE_OTHER and reply.header("Location") and len(seen) < _HOPS:
            seen.append(reply.url)
            reply = self._once(Ask(self.here(urljoin(reply.url, reply.header("Location"))), method, asked))
        return Reply(reply.url, reply.status, reply.headers, reply.body, tuple(seen))

    def here(self, iri: str) -> str:
        """Where this host answers for an IRI: identifiers may stand on a base that is not (yet) this host's."""
        base = self.base
        return urljoin(self.url, iri.removeprefix(base)) if base and iri.startswith(base) else iri

    def rdf(self, address: str, accept: str = _ACCEPT_RDF) -> Store:
        """The statements that an address answers with; none if it answers with no RDF."""
        reply = self.get(self.here(address), Accept=accept)
        return self.parsed(reply)

    def parsed(self, reply: Reply) -> Store:
        """The statements of an answer; none if it is no RDF that can be read."""
        store = Store()
        format_ = RDF_TYPES.get(reply.media_type)
        if reply.status == 200 and format_ is not None:
            try:
                store.load(reply.body, format=format_, base_iri=reply.url)
            except (SyntaxError, ValueError):
                return Store()
        return store

    def ask(self, query: str) -> list[dict[str, str]]:
        """The rows that the SPARQL endpoint gives; none if there is no endpoint, or it does not answer."""
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
        """The values of a property of the dataset."""
        return self.values_of(self.dataset, predicate) if self.dataset else []

    def values_of(self, subject: Term, predicate: NamedNode) -> list[Term]:
        """The values of a property in the description of the dataset."""
        if isinstance(subject, Literal):
            return []
        quads = self.metadata.quads_for_pattern(subject, predicate, None, None)
        return [q.object for q in quads if isinstance(q.object, NamedNode | BlankNode | Literal)]

    @cached_property
    def landing(self) -> Reply:
        """The landing page."""
        return self.get(self.url, Accept=ACCEPT_HTML)

    @cached_property
    def metadata(self) -> Store:
        """What the site says of its dataset: VoID, what the landing page is described by, and the dataset's own IRI."""
        store = Store()
        places = ["/.well-known/void", *(link.href for link in self.landing.links("describedby")), "dataset"]
        for place in dict.fromkeys(places):
            store.extend(self.rdf_outside(place))
        return store

    def rdf_outside(self, place: str) -> Store:
        """The statements at an address, before the base of the identifiers is known."""
        return self.parsed(self.get(place, Accept=_ACCEPT_RDF))

    @cached_property
    def base(self) -> str:
        """What the site's identifiers begin with, if that is not its address."""
        # Read with plain requests: `here` needs this very answer.
        asked = (("Accept", _ACCEPT_RDF),)
        for place in ("/.well-known/void", "dataset"):
            store = self.parsed(self._through(urljoin(self.url, place), asked))
            for quad in store.quads_for_pattern(None, VOID("uriSpace"), None, None):
                space, subject = str(getattr(quad.object, "value", "")), str(getattr(quad.subject, "value", ""))
                # The targets of linksets have name spaces too: ours is the one in which its dataset stands.
                if space and subject.startswith(space):
                    return space
        return ""

    @cached_property
    def dataset(self) -> NamedNode | None:
        """The IRI of the dataset: of those described, the one of which most is said."""
        types = (DCAT("Dataset"), VOID("Dataset"))
        found = {
            quad.subject
            for type_ in types
            for quad in self.metadata.quads_for_pattern(None, RDF("type"), type_, None)
            if isinstance(quad.subject, NamedNode)
        }
        sizes = {s: sum(1 for _ in self.metadata.quads_for_pattern(s, None, None, None)) for s in found}
        return max(sizes, key=lambda s: (sizes[s], s.value), default=None)

    @cached_property
    def endpoint(self) -> str:
        """The address of the SPARQL endpoint."""
        named = self.values(VOID("sparqlEndpoint")) or self.values(DCAT("endpointURL"))
        return named[0].value if named else ""

    @cached_property
    def entities(self) -> tuple[str, ...]:
        """A few entities: the examples that the site gives, else what its endpoint or sitemap names."""
        examples = [value.value for value in self.values(VOID("exampleResource"))]
        if not examples:
            space = self.base or self.url
            query = (
                "SELECT DISTINCT ?s WHERE { ?s a ?c . FILTER(STRSTARTS(STR(?s), "
                f'"{space}id/") && !CONTAINS(STR(?s), "#")) }} ORDER BY ?s LIMIT {_SAMPLE}'
            )
            examples = [row["s"] for row in self.ask(query) if "s" in row]
        return tuple((examples or self.sitemap)[:_SAMPLE])

    @cached_property
    def sitemap(self) -> list[str]:
        """Addresses that the sitemap, or the first sitemap of its index, names."""
        reply = self.get("/sitemap.xml")
        found = _locations(reply)
        if "<sitemapindex" in reply.text and found:
            found = _locations(self.get(self.here(found[0])))
        return found

    @cached_property
    def json_ld(self) -> list[dict[str, Any]]:
        """The JSON-LD that stands in the landing page."""
        return embedded(self.landing)

    def _once(self, ask: Ask) -> Reply:
        if ask not in self._known:
            try:
                self._known[ask] = self._fetch(ask)
            except Upstream as error:
                self._known[ask] = Reply(ask.url, 0, (), str(error).encode())
        return self._known[ask]

    def _through(self, url: str, headers: tuple[tuple[str, str], ...]) -> Reply:
        reply = self._once(Ask(url, "GET", headers))
        for _ in range(_HOPS):
            if reply.status not in _SEE_OTHER:
                break
            reply = self._once(Ask(urljoin(reply.url, reply.header("Location")), "GET", headers))
        return reply


def embedded(reply: Reply) -> list[dict[str, Any]]:
    """The JSON-LD objects in a page."""
    parser = _Scripts()
    parser.feed(reply.text)
    found: list[dict[str, Any]] = []
    for text in parser.texts:
        try:
            value = json.loads(text)
        except ValueError:
            continue
        objects = value if isinstance(value, list) else value.get("@graph", [value])
        found.extend(one for one in objects if isinstance(one, dict))
    return found


class _Scripts(HTMLParser):
    """Collects the JSON-LD scripts of a page."""

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
            self.texts[-1] += data


def _locations(reply: Reply) -> list[str]:
    parts = reply.text.split("<loc>")[1:]
    return [part.partition("</loc>")[0].strip().replace("&amp;", "&") for part in parts] if reply.status == 200 else []


class State(StrEnum):
    """How it stands."""

    MET = "met"
    MISSING = "missing"
    TOLD = "by hand"  # no machine sees it: where it is met is told


@dataclass(frozen=True)
class Finding:
    """What a check found, and the evidence: an address, a value, or what was expected in vain."""

    state: State
    evidence: str


Examination = Callable[[Site], Finding]


@dataclass(frozen=True)
class Check:
    """One item of a list; the site fails as a whole only on what is `required`."""

    list: str
    name: str
    examine: Examination
    required: bool = True


def met(evidence: str) -> Finding:
    """It is so."""
    return Finding(State.MET, evidence)


def missing(evidence: str) -> Finding:
    """It is not so."""
    return Finding(State.MISSING, evidence)


def found(evidence: str, expected: str) -> Finding:
    """It is so if there is evidence."""
    return met(evidence) if evidence else missing(expected)


def told(where: str) -> Examination:
    """No machine sees this: it is told where to look."""

    def examine(_: Site) -> Finding:
        return Finding(State.TOLD, where)

    return examine


def states(*properties: NamedNode) -> Examination:
    """The description of the dataset has one of these properties."""

    def examine(site: Site) -> Finding:
        for of_one in properties:
            if values := site.values(of_one):
                return met(f"{short(of_one)} {values[0].value}"[:160])
        return missing("the dataset's description has none of " + ", ".join(map(short, properties)))

    return examine


def states_all(*properties: NamedNode) -> Examination:
    """The description of the dataset has each of these properties."""

    def examine(site: Site) -> Finding:
        absent = [short(of_one) for of_one in properties if not site.values(of_one)]
        present = ", ".join(map(short, properties))
        return missing(f"the dataset's description lacks {', '.join(absent)}") if absent else met(present)

    return examine


def either(*examinations: Examination) -> Examination:
    """One of several ways is enough."""

    def examine(site: Site) -> Finding:
        findings = [one(site) for one in examinations]
        good = next((f for f in findings if f.state is not State.MISSING), None)
        return good or missing("; ".join(f.evidence for f in findings))

    return examine


def short(term: NamedNode) -> str:
    """The last part of an IRI."""
    return term.value.replace("#", "/").rstrip("/").rpartition("/")[2]
