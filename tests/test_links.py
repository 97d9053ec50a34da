"""Every link of every page, and every IRI of the ontology and of a sample of the data, in every format."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, RdfFormat, parse
from werkzeug.test import TestResponse

from citygraph.doctor.fetching import read_links
from citygraph.rdf.terms import BASE, ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.inprocess import InProcess
from tests.past import three_releases

ROOT = "http://localhost"
QUERIES = Path(__file__).parents[1] / "queries"
FORMS = {
    "ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES, "rdf": RdfFormat.RDF_XML, "jsonld": RdfFormat.JSON_LD,
    "trig": RdfFormat.TRIG, "nq": RdfFormat.N_QUADS,
}  # fmt: skip
READABLE = {"text/turtle": RdfFormat.TURTLE, "application/n-triples": RdfFormat.N_TRIPLES,
            "application/rdf+xml": RdfFormat.RDF_XML, "application/trig": RdfFormat.TRIG,
            "application/n-quads": RdfFormat.N_QUADS}  # fmt: skip
# Addresses of parts that need processes of their own, or that the catalogue names before they are there.
ELSEWHERE = ("/metrics", "/ready", "/admin", "/update", "/graphs")
NO_DOCUMENTS = (".well-known/genid/", "sparql", "dumps", "tables", "queries", "feed", "releases", "reconcile", "graphs")


@dataclass
class Page:
    """What a page links to, and which anchors it has."""

    hrefs: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)


_SILENT = re.compile(r"<!--.*?-->|(<script\b[^>]*>).*?</script>", re.DOTALL)
_TAG = re.compile(r"""<[a-z][^\s/>]*((?:[^<>"']|"[^"]*"|'[^']*')*)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\s(id|href|src)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def read_page(text: str) -> Page:
    """The links, anchors and things loaded of a page; a twentieth of the time that HTMLParser takes."""
    page = Page()
    for tag in _TAG.finditer(_SILENT.sub(r"\1", text)):
        for name, *values in _ATTRIBUTE.findall(tag[1]):
            value = unescape("".join(values))
            if name.lower() != "id":
                page.hrefs.append(value)
            elif value:
                if value in page.anchors:
                    page.twice.append(value)
                page.anchors.add(value)
    return page


class Reader(HTMLParser):
    """Reads the same as Python does."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hrefs += [value for name, value in attrs if name in ("href", "src") and value is not None]
        self.ids += [value for name, value in attrs if name == "id" and value]


class Walk:
    """Goes from page to page of one site and keeps what does not answer."""

    def __init__(self, app: Flask, most: int = 100_000, anchors: bool = True) -> None:
        self.client: FlaskClient = app.test_client()
        self.most = most
        self.looks_for_anchors = anchors
        self.broken: list[str] = []
        self.pages = 0
        self.formats: set[str] = set()
        self._waiting: deque[tuple[str, str]] = deque()
        self._seen: set[str] = set()
        self._anchors: dict[str, set[str]] = {}
        self._wanted: list[tuple[str, str, str]] = []

    def go(self, *starts: str) -> None:
        """Follow every link from here."""
        for start in starts:
            self._want(start, "the start")
        while self._waiting and self.pages < self.most:
            self._visit(*self._waiting.popleft())
        for address, fragment, origin in self._wanted if self.looks_for_anchors else ():
            # A shape names the class that an earlier version of the ontology had, to refuse it.
            is_former = fragment == "PlannedEvent" and origin.endswith("/graph/shapes")
            if address in self._anchors and fragment not in self._anchors[address] and not is_former:
                self.broken.append(f"{origin}: no anchor #{fragment} at {address}")

    def _want(self, href: str, origin: str) -> None:
        if href.startswith("/") and not href.startswith("//"):
            path, _, fragment = href.partition("#")  # as nearly all are: nothing to resolve
        else:
            address, fragment = urldefrag(urljoin(ROOT + origin if origin.startswith("/") else ROOT, href))
            if urlsplit(address).netloc != "localhost":
                return
            path = address.removeprefix(ROOT) or "/"
        if "/explore?" in path and "/explore?" in origin:
            return  # a filter leads to every other: one step from the whole list is enough
        if "lang=az" in path or ("lang=" in path and "/releases/" in path):
            return  # a third language, and a second of the past, differ in their words alone
        if fragment:
            self._wanted.append((path, fragment, origin))
        if path not in self._seen and not path.startswith(ELSEWHERE):
            self._seen.add(path)
            self._waiting.append((path, origin))

    def _visit(self, path: str, origin: str) -> None:
        self.pages += 1
        response = self.client.get(path, headers={"Accept": "text/html,*/*;q=0.5"})
        self._look(path, origin, response)
        response.close()

    def _look(self, path: str, origin: str, response: TestResponse) -> None:
        if response.status_code in (301, 302, 303):
            self._want(response.headers["Location"], path)
            return
        if response.status_code not in (200, 410):
            self.broken.append(f"{origin} → {path}: {response.status_code}")
            return
        media_type = response.content_type.partition(";")[0]
        self.formats.add(media_type)
        for link in read_links(", ".join(response.headers.getlist("Link"))):
            # What a memento is of may be gone by now; where it is not, other links lead to it.
            if "original" not in link.rels:
                self._want(link.href, path)
        if media_type == "text/html":
            page = read_page(response.text)
            self._anchors[path] = page.anchors
            self.broken += [f"{path}: the id {id_} stands twice" for id_ in page.twice]
            for href in page.hrefs:
                self._want(href, path)
        elif media_type in READABLE:
            self._read(path, response.data, READABLE[media_type])

    def _read(self, path: str, data: bytes, format_: RdfFormat) -> None:
        try:
            count = sum(1 for _ in parse(data, format=format_))
        except SyntaxError as error:
            self.broken.append(f"{path}: {error}")
            return
        if not count and "part=" not in path:
            self.broken.append(f"{path}: no statement")


def site(root: Path) -> Flask:
    """The site of the releases in a folder, with an endpoint over the current one."""
    current = Releases(root).current()

    class Both(InProcess):
        def get(self, release_id: str) -> Release:
            return Releases(root).get(release_id)

    return create_app(Settings(queries=QUERIES), Releases(root), Both(list(current.open_store()), current.id))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The site of the small world, with a past."""
    root = tmp_path_factory.mktemp("links")
    three_releases(root)
    return site(root)


@pytest.fixture(scope="module")
def izmir_app(izmir: Release) -> Flask:
    """The site of the İzmir graph."""
    return site(izmir.path.parent)


@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/explore", "/sparql", "/releases", "/ontology?lang=tr"])
def test_a_page_is_read_as_a_parser_reads_it(world: Flask, path: str) -> None:
    """What the walk goes by: no link and no anchor is overlooked or made up."""
    text = world.test_client().get(path, headers={"Accept": "text/html"}).text
    page, reader = read_page(text), Reader()
    reader.feed(text)
    assert page.hrefs
    assert sorted(page.hrefs) == sorted(reader.hrefs)
    assert sorted([*page.anchors, *page.twice]) == sorted(reader.ids)


@pytest.mark.slow
def test_every_link_of_the_small_world_answers(world: Flask) -> None:
    """From the home page, in both languages, over all pages of all releases, in all formats that are linked."""
    # The small world's ontology lacks most of the terms that its cities are told with.
    walk = Walk(world, anchors=False)
    walk.go("/", "/?lang=tr", "/releases", "/sitemap.xml", "/robots.txt", "/feed", "/feed/ldes")
    assert not walk.broken, "\n".join(sorted(walk.broken)[:40])
    assert walk.pages > 500
    assert {"text/html", *READABLE, "application/ld+json", "application/rdf-patch"} <= walk.formats


def own_iris(root: Path) -> Iterator[str]:
    """Every IRI of ours that the current release names."""
    store = Releases(root).current().open_store()
    found = {
        term.value
        for quad in store
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name)
        if isinstance(term, NamedNode) and term.value.startswith(BASE)
    }
    yield from sorted(found)


def check_iri(client: FlaskClient, iri: str) -> str:
    """What is wrong with an IRI of ours: it must answer in every format with a document that tells of it."""
    path = urldefrag(iri.removeprefix(BASE)).url
    page = client.get(f"/{path}", headers={"Accept": "text/html"}, follow_redirects=True)
    if page.status_code != 200:
        return f"{iri} as html: {page.status_code}"
    for form, format_ in FORMS.items():
        response = client.get(f"/{path}", query_string={"format": form}, follow_redirects=True)
        if response.status_code != 200:
            return f"{iri} as {form}: {response.status_code}"
        if form in ("nt", "nq") and f"<{iri}>" not in response.text:
            return f"{iri} is not in its own document as {form}"
        if form != "jsonld" and not any(True for _ in parse(response.data, format=format_)):
            return f"{iri} as {form} says nothing"
    return ""


def is_checked(iri: str) -> bool:
    """What answers with a document: addresses of services and files are walked, not dereferenced."""
    # A blank node that was given an IRI (RDF 1.1, 3.5) names nothing by itself: it is told of in its graph.
    return iri != BASE and not iri.endswith("#") and not iri.removeprefix(BASE).startswith(NO_DOCUMENTS)


def test_every_iri_of_the_ontology_and_the_shapes_answers_in_every_format(izmir: Release, izmir_app: Flask) -> None:
    """Own terms dereference: each is told of in the document that it leads to."""
    client = izmir_app.test_client()
    store = izmir.open_store()
    terms = {
        quad.subject.value
        for graph in (ONTOLOGY_GRAPH, SHAPES_GRAPH)
        for quad in store.quads_for_pattern(None, None, None, graph)
        if isinstance(quad.subject, NamedNode)
        and quad.subject.value.startswith(BASE)
        and is_checked(quad.subject.value)
    }
    # Terms of one document share it: one of each is asked in every format, all must stand in it.
    documents: dict[str, list[str]] = {}
    for term in sorted(terms):
        documents.setdefault(urldefrag(term).url, []).append(term)
    wrong = [text for of_one in documents.values() if (text := check_iri(client, of_one[0]))]
    for document, of_one in documents.items():
        text = client.get(f"/{document.removeprefix(BASE)}?format=nt", follow_redirects=True).text
        wrong += [f"{term} is not in {document}" for term in of_one if f"<{term}>" not in text]
    assert len(terms) > 100
    assert not wrong, "\n".join(wrong[:40])


# All of them take a minute.
@pytest.mark.parametrize("step", [23, pytest.param(1, marks=pytest.mark.slow)])
def test_a_sample_of_the_data_answers_in_every_format(izmir: Release, izmir_app: Flask, step: int) -> None:
    """One IRI of the release in so many: entities, parts of documents, sources, graphs, concepts."""
    client = izmir_app.test_client()
    iris = [iri for iri in own_iris(izmir.path.parent) if is_checked(iri)]
    wrong = [text for iri in iris[::step] if (text := check_iri(client, iri))]
    assert len(iris) > 500
    assert not wrong, "\n".join(wrong[:40])


def test_links_of_the_izmir_site_answer(izmir_app: Flask) -> None:
    """The first pages of a walk; `test_every_link_of_the_small_world_answers` goes to the end of a smaller site."""
    walk = Walk(izmir_app, most=500)
    walk.go("/", "/ontology", "/shapes", "/dataset", "/releases", "/feed")
    assert not walk.broken, "\n".join(sorted(walk.broken)[:40])
    assert walk.pages == 500
