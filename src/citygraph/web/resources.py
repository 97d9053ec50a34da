"""The addresses of linked data: things, their documents, sources, graphs, the ontology and the shapes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from flask import Blueprint, Response, redirect, request
from pyoxigraph import NamedNode

from citygraph.describe import describe, says
from citygraph.release import Releases
from citygraph.settings import Settings
from citygraph.terms import ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.text import nfc
from citygraph.web.addresses import Addresses
from citygraph.web.answers import (
    GRAPH_FORMATS,
    Asked,
    Form,
    Made,
    addresses_of,
    answer,
    not_known,
    read_request,
    reader_language,
)
from citygraph.web.cache import ResultCache
from citygraph.web.documents import document, write, write_graph
from citygraph.web.home import read_home
from citygraph.web.pages import Pages, Reader, forms_of
from citygraph.web.problems import PROBLEM_TYPES
from citygraph.web.shelf import OpenRelease, Shelf
from citygraph.web.words import Words

_HTML = "text/html; charset=utf-8"
_GRAPHS = ("source/", "graph/")
_SHAPES = "ontology/shapes"


class Resources:
    """What answers for the addresses of linked data; `blueprint` mounts it."""

    def __init__(self, settings: Settings, releases: Releases) -> None:
        self._settings = settings
        self._releases = releases
        self._shelf = Shelf(releases, settings.base)
        self._pages = Pages()
        # A quarter of the room for results: documents are small, and cheap to make again.
        self._cache = ResultCache(settings.cache_size // 4)
        self._started = time.monotonic()

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("resources", __name__)
        rules: tuple[tuple[str, Callable[..., Response]], ...] = (
            ("/", self.home),
            ("/health", self.health),
            ("/context.jsonld", self.context),
            ("/id/<path:path>", self.thing),
            ("/doc/<path:path>", self.document),
            ("/source/<path:path>", self.document),
            ("/graph/<path:path>", self.document),
            ("/dataset", self.dataset),
            ("/dataset.<path:path>", self.dataset),
            ("/problems/<path:path>", self.problem),
            ("/ontology", self.ontology),
            ("/ontology.<path:path>", self.ontology),
            ("/ontology/<path:path>", self.concept),
            ("/shapes", self.shapes),
            ("/shapes.<path:path>", self.shapes),
        )
        for place, (rule, view) in enumerate(rules):
            blueprint.add_url_rule(rule, f"{view.__name__}-{place}", view, methods=["GET"])
        return blueprint

    def thing(self, path: str) -> Response:
        """A thing is not a document: 303 to the document that describes it."""
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        if elsewhere := self._one_address(f"id/{path}", addresses):
            return elsewhere
        opened = self._shelf.current()
        stem, _, extension = path.rpartition(".")
        thing = stem if extension in {"html", *(f.extension for f in GRAPH_FORMATS)} else path
        if not says(opened.store, addresses.thing(f"id/{thing}")):
            raise not_known(f"id/{path}")
        query = _query()
        target = addresses.path(f"doc/{path}") + (f"?{query}" if query else "")
        response = redirect(target, 303)
        response.headers.add("Link", f'<{addresses.path(f"doc/{thing}")}>; rel="describedby"')
        response.headers["Cache-Control"] = "public, max-age=60"
        return response  # type: ignore[return-value]

    def document(self, path: str) -> Response:
        """The document of an entity, a source or a graph; sources and graphs answer at their own address too."""
        del path  # with the part in front it is the path of the request
        asked = self._read(request.path.strip("/"))
        if isinstance(asked, Response):
            return asked
        return self._described(asked, asked.addresses.thing(asked.path))

    def dataset(self, path: str = "") -> Response:
        """The dataset as the catalog describes it: VoID and DCAT."""
        return self.document(path)

    def problem(self, path: str) -> Response:
        """What a kind of error means: the IRI that problem+json names."""
        type_ = next((t for t in PROBLEM_TYPES if t.slug == path), None)
        if type_ is None:
            raise not_known(f"problems/{path}")
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        asked = Asked(f"problems/{path}", Form("html", _HTML, reader_language(request)), 1, addresses, root)
        page = self._pages.problem_type(type_, self._releases, self._reader(asked))
        return Response(page, content_type=_HTML, headers={"Cache-Control": "public, max-age=3600"})

    def concept(self, path: str) -> Response:
        """A concept or a concept scheme of the ontology."""
        if path.partition(".")[0] == "shapes":
            return self.shapes()
        return self.document(path)

    def ontology(self, path: str = "") -> Response:
        """The ontology whole: documentation for people, the graph for programs."""
        del path
        return self._whole(ONTOLOGY_GRAPH, "ontology", self._pages.ontology)

    def shapes(self, path: str = "") -> Response:
        """The shapes whole."""
        del path
        iri = self._settings.base + _SHAPES

        def page(opened: OpenRelease, reader: Reader, forms: dict[str, str]) -> str:
            return self._pages.shapes(opened, reader, forms, iri)

        return self._whole(SHAPES_GRAPH, _SHAPES, page)

    def home(self) -> Response:
        """The first page."""
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        form = Form("html", _HTML, reader_language(request))
        asked = Asked("", form, 1, addresses, root)
        opened = self._shelf.current()

        def make() -> Made:
            return Made(self._pages.home(opened, read_home(opened.store), self._reader(asked)).encode())

        response = answer(request, opened.release, asked, make, self._cache)
        response.headers.remove("Link")
        response.headers.remove("Content-Location")
        response.headers["Vary"] = "Accept-Language, Accept-Encoding"
        return response

    def context(self) -> Response:
        """The JSON-LD context of the documents."""
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        asked = Asked("context", Form("jsonld", "application/ld+json", ""), 1, addresses, root)
        opened = self._shelf.current()

        def make() -> Made:
            return Made((json.dumps(opened.context.document(), ensure_ascii=False, indent=2) + "\n").encode())

        response = answer(request, opened.release, asked, make, self._cache)
        response.headers.remove("Link")
        response.headers["Cache-Control"] = "public, max-age=3600"
        return response

    def health(self) -> Response:
        """Whether we serve, and what."""
        release = self._shelf.current().release
        state = {
            "status": "ok",
            "release": release.id,
            "created": release.manifest.created,
            "quads": release.manifest.quads,
            "triples": release.manifest.triples,
            "uptime": round(time.monotonic() - self._started, 1),
        }
        response = Response(json.dumps(state) + "\n", content_type="application/json")
        response.headers["Cache-Control"] = "no-store"
        return response

    def _described(self, asked: Asked, iri: str) -> Response:
        opened = self._shelf.current()
        document_iri = asked.addresses.document(iri)
        path = document_iri.removeprefix(asked.addresses.base)
        is_graph = iri.removeprefix(asked.addresses.base).startswith(_GRAPHS)

        def make() -> Made:
            # The page of a graph turns the pages of what it says; its incoming links are few.
            page = 1 if is_graph and asked.form.is_page else asked.page
            parts = opened.parts(iri) if is_graph else ()
            found = describe(opened.store, iri, opened.labels, page, parts)
            if not asked.form.is_page:
                doc = document(document_iri, found, opened.release)
                return Made(write(doc, asked.form.format, opened.context, f"{asked.root}/context.jsonld"), found.pages)
            reader, forms = self._reader(asked), forms_of(asked.addresses.path(path), GRAPH_FORMATS)
            if is_graph:
                return Made(self._pages.graph(opened, found, reader, forms, asked.page).encode())
            return Made(self._pages.entity(opened, found, reader, forms).encode(), found.pages)

        return answer(request, opened.release, asked, make, self._cache, path, iri)

    def _whole(
        self, graph: NamedNode, path: str, page: Callable[[OpenRelease, Reader, dict[str, str]], str]
    ) -> Response:
        asked = self._read(request.path.strip("/"))
        if isinstance(asked, Response):
            return asked
        if asked.path not in {path, graph.value.rpartition("/")[2]}:
            raise not_known(asked.path)
        opened = self._shelf.current()

        def make() -> Made:
            if asked.form.is_page:
                forms = forms_of(asked.addresses.path(path), GRAPH_FORMATS)
                return Made(page(opened, self._reader(asked), forms).encode())
            return Made(write_graph(opened.store.quads_for_pattern(None, None, None, graph), asked.form.format))

        return answer(request, opened.release, asked, make, self._cache, path)

    def _read(self, path: str) -> Asked | Response:
        """What is asked for, or the redirection to the one address that the document has."""
        asked = read_request(request, nfc(path), self._settings.base, self._settings.trusted_proxies)
        return self._one_address(request.path.lstrip("/"), asked.addresses) or asked

    def _one_address(self, path: str, addresses: Addresses) -> Response | None:
        """301 for an address with a slash at the end or not in NFC: a document has one address."""
        proper = nfc(path).rstrip("/")
        if proper == path and not request.path.endswith("/"):
            return None
        query = _query()
        return redirect(addresses.path(proper) + (f"?{query}" if query else ""), 301)  # type: ignore[return-value]

    def _reader(self, asked: Asked) -> Reader:
        return Reader(Words(asked.form.language), asked.addresses, _query())


def _query() -> str:
    """What stands after the question mark, as it was sent."""
    return request.query_string.decode("ascii", "replace")
