"""The addresses of linked data: things, their documents, sources, graphs, the ontology and the shapes.

They are answered beside Flask, as queries are: a document is made in the time that a framework takes to find its maker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import dropwhile
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from citygraph.errors import Gone
from citygraph.graph.description import Description, describe, has_statements
from citygraph.graph.document import document, has_graphs, write_graph
from citygraph.graph.withdrawals import Withdrawal
from citygraph.rdf.terms import BASE, DATASET, ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.text import nfc
from citygraph.web.documents import schemaorg, signposts
from citygraph.web.documents.profile_list import profile_list
from citygraph.web.documents.profiles import OWN, WHOLE, is_list
from citygraph.web.documents.representation import (
    GRAPH_FORMATS,
    DocumentRequest,
    Form,
    Made,
    answer,
    read_request,
    split,
)
from citygraph.web.documents.signposts import Signposts
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import Reply, Request, not_known, redirection
from citygraph.web.http.negotiation import LANGUAGES, reader_language
from citygraph.web.http.problems import PROBLEM_TYPES
from citygraph.web.http.result_cache import ResultCache
from citygraph.web.pages.dataset_page import whole, with_release, without_tables
from citygraph.web.pages.entity_page import Pages, forms_of
from citygraph.web.pages.error_pages import ErrorPages
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.translations import Translations

if TYPE_CHECKING:
    View = Callable[[Request, str], Reply]


_HTML = "text/html; charset=utf-8"
_GRAPHS = ("source/", "graph/")
_SHAPES = "ontology/shapes"
# Nodes of the ontology and the shapes that have no name but need one (RDF 1.1, 3.5).
_GENID = "/.well-known/genid/"
_DATASET = "dataset"


class Documents:
    """The addresses of linked data: things, their documents, the ontology, the shapes and the dataset."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        shelf: ReleaseCache,
        errors: ErrorPages,
        pages: Pages,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._settings = settings
        self._today = today
        self._releases = releases
        self._shelf = shelf
        self._pages = pages
        self._errors = errors
        # A quarter of the room for results: documents are small, and cheap to make again.
        self._cache = ResultCache(settings.cache_size // 4)
        self._started = time.monotonic()

    def thing(self, request: Request) -> Reply:
        """A thing is not a document: 303 to the document that describes it."""
        path = request.path.lstrip("/")
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        if elsewhere := _one_address(request, path, addresses.path):
            return elsewhere
        opened = self._opened(request)
        stem, form = split(path)
        iri = addresses.thing(stem)
        extension = path.removeprefix(stem) if form else ""
        query = f"?{request.query}" if request.query else ""
        if stone := opened.withdrawals.get(iri):
            if target := addresses.local(stone.merged_into) if stone.merged_into else "":
                return redirection(target + extension + query, 301)
            asked = self._read(request, addresses.document(iri).removeprefix(addresses.base) + extension)
            return self._described(request, asked, iri)
        if not has_statements(opened.quick, iri):
            raise not_known(path)
        document_path = addresses.document(iri).removeprefix(addresses.base)
        reply = redirection(addresses.path(document_path) + extension + query, 303)
        reply.headers.append(("Link", f'<{addresses.path(document_path)}>; rel="describedby"'))
        return reply

    def document(self, request: Request) -> Reply:
        """The document of an entity, a source or a graph; sources and graphs answer at their own address too."""
        path = request.path.lstrip("/")
        asked = self._read(request, nfc(path))
        if elsewhere := _one_address(request, path, asked.addresses.path):
            return elsewhere
        return self._described(request, asked, asked.addresses.thing(asked.path))

    def problem(self, request: Request) -> Reply:
        """What a kind of error means: the IRI that problem+json names."""
        path = request.path.lstrip("/")
        type_ = next((t for t in PROBLEM_TYPES if t.slug == path.removeprefix("problems/")), None)
        if type_ is None:
            raise not_known(path)
        return self._errors.problem_type(request, type_)

    def ontology(self, request: Request) -> Reply:
        """The ontology whole, documentation for people and the graph for programs; or one of its concepts."""
        path = request.path.lstrip("/")
        rest = path.removeprefix("ontology").rstrip("/")
        if rest.startswith("/"):
            return self.shapes(request) if split(rest)[0] == "/shapes" else self.document(request)

        def page(opened: OpenRelease, reader: PageRequest, forms: dict[str, str]) -> str:
            data = schemaorg.terms(
                BASE + "ontology", reader.translations("Ontology"), opened, reader.translations.language
            )
            return self._pages.ontology(opened, reader, forms, data)

        return self._whole(request, ONTOLOGY_GRAPH, "ontology", page)

    def shapes(self, request: Request) -> Reply:
        """The shapes whole."""
        iri = BASE + _SHAPES

        def page(opened: OpenRelease, reader: PageRequest, forms: dict[str, str]) -> str:
            data = schemaorg.terms(iri, reader.translations("Shapes"), opened, reader.translations.language)
            return self._pages.shapes(opened, reader, forms, iri, data)

        return self._whole(request, SHAPES_GRAPH, _SHAPES, page)

    def home(self, request: Request) -> Reply:
        """The first page; to a program the site is the dataset."""
        path = request.path.lstrip("/")
        asked = self._read(request, path)
        opened = self._opened(request)
        if not asked.form.is_page:
            query = f"?{request.query}" if request.query else ""
            reply = redirection(asked.addresses.path(_DATASET) + query, 303)
            reply.headers.append(("Vary", "Accept, Accept-Language"))
            return reply

        def make() -> Made:
            found = (
                describe(opened.store, DATASET.value, opened.labels)
                if has_statements(opened.store, DATASET.value)
                else None
            )
            data = schemaorg.dataset(found, opened, asked)
            page = self._pages.home(opened, self._before(opened.release), self._reader(asked), data)
            return Made(page.encode(), 1, schemaorg.signposts_of_dataset(found, asked))

        reply = answer(request, opened.release, asked, make, self._cache, _DATASET)
        reply.headers = [(name, value) for name, value in reply.headers if name != "Content-Location"]
        return reply

    def _before(self, release: Release) -> Iterator[Release]:
        """A release and those before it, the newest first."""
        return dropwhile(lambda one: one.id != release.id, self._releases.history())

    def context(self, request: Request) -> Reply:
        """The JSON-LD context of the documents."""
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        asked = DocumentRequest("context", Form("jsonld", "application/ld+json", ""), 1, addresses, root)
        opened = self._opened(request)

        def make() -> Made:
            return Made((json.dumps(opened.context.document(), ensure_ascii=False, indent=2) + "\n").encode())

        return answer(request, opened.release, asked, make, self._cache)

    def health(self, request: Request) -> Reply:
        """Whether we serve, and what."""
        del request
        release = self._shelf.current().release
        state = {
            "status": "ok",
            "release": release.id,
            "created": release.manifest.created,
            "quads": release.manifest.quads,
            "triples": release.manifest.triples,
            "uptime": round(time.monotonic() - self._started, 1),
        }
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        return Reply(200, headers, (json.dumps(state) + "\n").encode())

    def _described(self, request: Request, asked: DocumentRequest, iri: str) -> Reply:
        opened = self._opened(request)
        document_iri = asked.addresses.document(iri)
        path = document_iri.removeprefix(asked.addresses.base)
        stone = opened.withdrawals.get(iri)
        if stone and stone.merged_into:
            to = asked.addresses.document(stone.merged_into).removeprefix(asked.addresses.base)
            query = f"?{request.query}" if request.query else ""
            return redirection(asked.addresses.path(to) + _extension(request.path, asked) + query, 301)
        if stone and asked.form.is_page:
            raise _gone(stone, reader_language(request))
        if is_list(request.args.get("_profile", "")):
            return profile_list(asked, asked.addresses.path(path), document_iri)

        def make() -> Made:
            made = self._made(asked, opened, iri, document_iri)
            return Made(made.body, made.pages, made.signposts, gone=stone is not None)

        return answer(request, opened.release, asked, make, self._cache, path)

    def _made(self, asked: DocumentRequest, opened: OpenRelease, iri: str, document_iri: str) -> Made:
        path = document_iri.removeprefix(asked.addresses.base)
        is_graph = iri.startswith(tuple(asked.addresses.base + name for name in _GRAPHS)) or "/graph/" in iri
        is_page = asked.form.is_page
        # The page of a graph turns the pages of what it says; its incoming links are few.
        page = 1 if is_graph and is_page else asked.page
        parts = opened.parts(iri) if is_graph else ()
        sourced = not is_page and not asked.form.is_linkset and has_graphs(asked.form.format)
        labels = opened.sourced_labels if sourced else opened.labels
        # A page takes from all that is said: it has the words of others for programs.
        keep = WHOLE.keep if is_page else asked.profile.keep
        found = describe(opened.quick, iri, labels, page, parts, keep, opened.store)
        is_dataset = iri == DATASET.value and found.page == 1
        if is_dataset and (is_page or asked.profile is OWN):
            found = with_release(found, opened)
        posts = _signposts(asked, path, found)
        if asked.form.is_linkset:
            as_links = signposts.as_json if asked.form.name == "linkset.json" else signposts.as_text
            return Made(as_links(posts.linkset()))
        if not is_page:
            doc = document(document_iri, found, opened.release)
            return Made(opened.writer.write(doc, asked.form.format, f"{asked.root}/context.jsonld"), found.pages, posts)
        reader, forms = self._reader(asked), forms_of(asked.addresses.path(path), GRAPH_FORMATS)
        data = schemaorg.of(found, opened, document_iri, reader)
        if is_graph:
            return Made(self._pages.graph(opened, found, reader, forms, asked.page, data).encode(), 1, posts)
        tables = whole(found, opened, reader.addresses, reader.translations) if is_dataset else None
        found = without_tables(found) if is_dataset else found
        return Made(self._pages.entity(opened, found, reader, forms, data, tables).encode(), found.pages, posts)

    def _whole(
        self,
        request: Request,
        graph: NamedNode,
        path: str,
        page: Callable[[OpenRelease, PageRequest, dict[str, str]], str],
    ) -> Reply:
        sent = request.path.lstrip("/")
        asked = self._read(request, nfc(sent))
        if elsewhere := _one_address(request, sent, asked.addresses.path):
            return elsewhere
        if asked.path not in {path, path.rpartition("/")[2]}:
            raise not_known(asked.path)
        opened = self._opened(request)
        posts = Signposts(asked.addresses, path, BASE + path)

        def make() -> Made:
            if asked.form.is_linkset:
                as_links = signposts.as_json if asked.form.name == "linkset.json" else signposts.as_text
                return Made(as_links(posts.linkset()))
            if asked.form.is_page:
                forms = forms_of(asked.addresses.path(path), GRAPH_FORMATS)
                return Made(page(opened, self._reader(asked), forms).encode(), 1, posts)
            quads = opened.store.quads_for_pattern(None, None, None, graph)
            return Made(write_graph(quads, asked.form.format), 1, posts)

        return answer(request, opened.release, asked, make, self._cache, path)

    def _opened(self, request: Request) -> OpenRelease:
        """The release that the address names, or the current one."""
        return self._shelf.get(request.release) if request.release else self._shelf.current()

    def _read(self, request: Request, path: str) -> DocumentRequest:
        proxies = self._settings.trusted_proxies
        return read_request(request, path.rstrip("/"), self._settings.base, proxies, self._today())

    def _reader(self, asked: DocumentRequest) -> PageRequest:
        words = Translations(asked.form.language)
        # Only what the answer is kept by may stand in its links.
        language = [] if words.language == LANGUAGES[0] else [f"lang={words.language}"]
        query = "&".join([part for part in (asked.query[1:],) if part] + language)
        return PageRequest(words, asked.addresses, query, asked.at, dict(asked.view), asked.today, asked.root)


def _one_address(request: Request, path: str, address: Callable[[str], str]) -> Reply | None:
    """301 for an address with a slash at the end or not in NFC: a document has one address."""
    proper = nfc(path).rstrip("/")
    if proper == path:
        return None
    return redirection(address(proper) + (f"?{request.query}" if request.query else ""), 301)


def _extension(path: str, asked: DocumentRequest) -> str:
    """The extension that was asked for, if one was."""
    extension = f".{asked.form.extension}"
    return extension if path.endswith(extension) else ""


def _signposts(asked: DocumentRequest, path: str, found: Description) -> Signposts:
    types = signposts.types_of(value.iri for value in found.values(signposts.TYPE))
    authors = tuple(value.iri for value in found.values(signposts.CREATOR) if value.iri)
    return Signposts(asked.addresses, path, found.iri, types, authors)


def _gone(stone: Withdrawal, language: str) -> Gone:
    return Gone(stone.reason(language) or f"{stone.iri} was withdrawn", stone.replaced_by, stone.on)
