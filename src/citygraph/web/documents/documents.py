"""Dereferencing: things, their documents, sources, graphs, the ontology and the shapes.

These views run outside Flask, as queries do: its dispatch takes as long as rendering a document.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from itertools import dropwhile
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode

from citygraph.catalogues import LANGUAGES
from citygraph.errors import Gone, NotFound
from citygraph.graph.description import UNBOUNDED, Description, LargeDescription, describe, has_statements
from citygraph.graph.document import document, has_graphs, write_graph
from citygraph.graph.withdrawals import Withdrawal
from citygraph.instance import VOCABULARY, current_instance
from citygraph.rdf.partial_dates import midnight, present_day
from citygraph.rdf.terms import ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web.documents import schemaorg, signposts
from citygraph.web.documents.profile_list import profile_list
from citygraph.web.documents.profiles import OWN, WHOLE, is_list
from citygraph.web.documents.representation import (
    GRAPH_FORMATS,
    DocumentSelection,
    Form,
    Rendered,
    Representation,
    select,
    split,
)
from citygraph.web.documents.signposts import Signposts
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import CURRENT, QUICK, NeedsThread, Reply, Request, not_known, redirection
from citygraph.web.http.metrics import CacheMetrics
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.problems import PROBLEM_TYPES
from citygraph.web.http.result_cache import ResultCache
from citygraph.web.kinds.layouts import needs_only_lookups
from citygraph.web.pages.dataset_page import whole, with_release, without_tables
from citygraph.web.pages.entity_page import Pages, forms_of
from citygraph.web.pages.error_pages import ErrorPages
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.translations import Translations

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_GRAPHS = ("source/", "graph/")
_ONTOLOGY = "ontology"
_SHAPES = "ontology/shapes"
_DATASET = "dataset"
_QUICK = ("/doc/", "/id/")
_DATA = tuple(f".{format_.extension}" for format_ in GRAPH_FORMATS)
# The event loop waits for the description of a thing with so many quads: a few milliseconds from the disk.
_MOST_QUICK = 200


class Documents:
    """The addresses of linked data: things, their documents, the ontology, the shapes and the dataset."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        release_cache: ReleaseCache,
        errors: ErrorPages,
        pages: Pages,
        cache_counts: CacheMetrics,
        today: Callable[[], date] = present_day,
    ) -> None:
        self._settings = settings
        self._today = today
        self._releases = releases
        self._release_cache = release_cache
        self._pages = pages
        self._errors = errors
        # A quarter of the capacity for results: documents are small, and cheap to render again.
        self._cache = ResultCache(settings.cache_size // 4, cache_counts)

    def is_quick(self, environ: WSGIEnvironment) -> bool:
        """Returns whether the event loop may wait for an address: of a thing, or of its document.

        A document with many statements, and a page that needs more than lookups, take a thread all the same.
        """
        path, accept = environ["PATH_INFO"], environ.get("HTTP_ACCEPT", "")
        # For a document of another time, earlier releases are read.
        if not path.startswith(_QUICK) or environ["QUERY_STRING"] or "HTTP_ACCEPT_DATETIME" in environ:
            return False
        # An error would be a page.
        is_for_people = not accept or "html" in accept or "*" in accept
        if path.startswith("/id/") and is_for_people and not path.endswith(_DATA):
            return False
        try:
            environ[CURRENT] = self._releases.current_id()
        except NotFound:
            return False
        return self._release_cache.is_read(environ[CURRENT])

    def thing(self, request: Request) -> Reply:
        """Returns a 303 to the document of a thing, 301 if it was merged, 410 if it was withdrawn."""
        path = request.path.lstrip("/")
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        opened = self._release_cache.of_request(request)
        stem, form = split(path)
        iri = addresses.thing(stem)
        extension = path.removeprefix(stem) if form else ""
        if withdrawal := opened.withdrawals.get(iri):
            if target := addresses.local(withdrawal.merged_into) if withdrawal.merged_into else "":
                return redirection(target + extension + _query_of(request), 301)
            selection = self._select(request, addresses.document(iri).removeprefix(addresses.base) + extension)
            return self._described(request, selection, iri)
        if not has_statements(opened.quick, iri):
            raise not_known(path)
        document_path = addresses.document(iri).removeprefix(addresses.base)
        reply = redirection(addresses.path(document_path) + extension + _query_of(request), 303)
        reply.headers.append(("Link", f'<{addresses.path(document_path)}>; rel="describedby"'))
        return reply

    def document(self, request: Request) -> Reply:
        """Returns the document of an entity, or a source or a graph, which have documents at their own addresses."""
        selection = self._select(request, request.path.lstrip("/"))
        return self._described(request, selection, selection.addresses.thing(selection.path))

    def problem(self, request: Request) -> Reply:
        """Returns the page of a kind of error, whose IRI is the `type` in problem+json."""
        path = request.path.lstrip("/")
        type_ = next((t for t in PROBLEM_TYPES if t.slug == path.removeprefix("problems/")), None)
        if type_ is None:
            raise not_known(path)
        return self._errors.problem_type(request, type_)

    def ontology(self, request: Request) -> Reply:
        """Returns the whole ontology, as documentation or as a graph; or one of its concepts."""
        rest = request.path.lstrip("/").removeprefix(_ONTOLOGY).rstrip("/")
        if rest.startswith("/"):
            return self.shapes(request) if split(rest)[0] == "/shapes" else self.document(request)
        return self._vocabulary(request, ONTOLOGY_GRAPH, _ONTOLOGY)

    def shapes(self, request: Request) -> Reply:
        """Returns all shapes."""
        return self._vocabulary(request, SHAPES_GRAPH, _SHAPES)

    def home(self, request: Request) -> Reply:
        """Returns the home page; for programs, a 303 to the dataset."""
        selection, opened = self._select(request, ""), self._release_cache.of_request(request)
        if not selection.form.is_page:
            reply = redirection(selection.addresses.path(_DATASET) + _query_of(request), 303)
            reply.headers.append(("Vary", "Accept, Accept-Language"))
            return reply
        representation = Representation(request, opened.release, selection, self._cache, _DATASET)
        reply = representation.reuse() or representation.finish(self._home(opened, selection))
        reply.headers = [(name, value) for name, value in reply.headers if name != "Content-Location"]
        return reply

    def context(self, request: Request) -> Reply:
        """Returns the JSON-LD context of the documents."""
        addresses, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        selection = DocumentSelection("context", Form("jsonld", "application/ld+json", ""), 1, addresses, root)
        opened = self._release_cache.of_request(request)
        representation = Representation(request, opened.release, selection, self._cache)
        return representation.reuse() or representation.finish(Rendered(_pretty(opened.context.document())))

    def _described(self, request: Request, selection: DocumentSelection, iri: str) -> Reply:
        """Returns the document about an IRI. Raises NotFound, Gone for the page of a withdrawn entity."""
        opened = self._release_cache.of_request(request)
        addresses = selection.addresses
        document_iri = addresses.document(iri)
        path = document_iri.removeprefix(addresses.base)
        withdrawal = opened.withdrawals.get(iri)
        is_quick_page = bool(request.environ.get(QUICK)) and selection.form.is_page
        if withdrawal and withdrawal.merged_into:
            target = addresses.document(withdrawal.merged_into).removeprefix(addresses.base)
            extension = _extension(request.path, selection)
            return redirection(addresses.path(target) + extension + _query_of(request), 301)
        if withdrawal and selection.form.is_page:
            if is_quick_page:
                raise NeedsThread
            raise _gone(withdrawal, reader_language(request))
        if is_list(request.args.get("_profile", "")):
            return profile_list(selection, addresses.path(path), document_iri)
        representation = Representation(request, opened.release, selection, self._cache, path)
        if reply := representation.reuse():
            return reply
        # The first page of a release in a language also reads translations, templates and the vocabulary.
        if is_quick_page and selection.form.language not in opened.shown_languages:
            raise NeedsThread
        most = _MOST_QUICK if request.environ.get(QUICK) else UNBOUNDED
        try:
            rendered = self._rendered(selection, opened, iri, document_iri, most)
        except LargeDescription:
            raise NeedsThread from None
        except NotFound:
            # The page of an error takes longer.
            if is_quick_page:
                raise NeedsThread from None
            raise
        return representation.finish(rendered if withdrawal is None else rendered._replace(gone=True))

    def _rendered(
        self, selection: DocumentSelection, opened: OpenRelease, iri: str, document_iri: str, most: int
    ) -> Rendered:
        path, form = document_iri.removeprefix(selection.addresses.base), selection.form
        base = selection.addresses.base
        is_graph = iri.startswith(tuple(base + name for name in _GRAPHS)) or "/graph/" in iri
        if most < UNBOUNDED and (is_graph or iri == base + _DATASET):
            # These take longer, however few statements there are.
            raise LargeDescription
        description = self._description(selection, opened, iri, is_graph, most)
        if most < UNBOUNDED and form.is_page and not needs_only_lookups(opened, iri):
            raise NeedsThread
        is_dataset = iri == base + _DATASET and description.page == 1
        if is_dataset and (form.is_page or selection.profile is OWN):
            description = with_release(description, opened)
        posts = _signposts(selection, path, description)
        if form.is_linkset:
            return _linkset(form, posts)
        if not form.is_page:
            whole_document = document(document_iri, description, opened.release)
            body = opened.writer.write(whole_document, form.format, f"{selection.root}/context.jsonld")
            return Rendered(body, description.pages, posts)
        reader, forms = self._reader(selection), forms_of(selection.addresses.path(path), GRAPH_FORMATS)
        data = (
            schemaorg.dataset(description, opened, selection)
            if is_dataset
            else schemaorg.of(description, opened, document_iri, reader)
        )
        if is_graph:
            page = self._pages.graph(opened, description, reader, forms, selection.page, data)
            return Rendered(page.encode(), 1, posts)
        tables = whole(description, opened, reader.addresses, reader.translations) if is_dataset else None
        description = without_tables(description) if is_dataset else description
        page = self._pages.entity(opened, description, reader, forms, data, tables)
        return Rendered(page.encode(), description.pages, posts)

    def _description(
        self, selection: DocumentSelection, opened: OpenRelease, iri: str, is_graph: bool, most: int
    ) -> Description:
        """Returns the description that a document shows, which is read once for its formats and languages."""
        form = selection.form
        # A page shows every vocabulary: its schema.org block is made from it.
        profile = WHOLE if form.is_page else selection.profile
        # The pages of a graph's document divide its statements, not its few incoming links.
        page = 1 if is_graph and form.is_page else selection.page
        # A page reads the names that it shows in its language; only that of the dataset has triples in it.
        has_labels = not form.is_page or iri == selection.addresses.base + _DATASET
        is_sourced = not form.is_page and not form.is_linkset and has_graphs(form.format)
        key = iri, page, profile.token, has_labels, is_sourced
        description = opened.descriptions.get(key)
        if description is None:
            parts = opened.parts(iri) if is_graph else ()
            named = (opened.sourced_labels if is_sourced else opened.labels) if has_labels else None
            # Only pages look things up.
            things = opened.things if form.is_page and not is_graph else None
            description = describe(opened.quick, iri, named, page, parts, profile.keep, opened.store, most, things)
            opened.descriptions.put(key, description)
        elif description.value_count > most:
            raise LargeDescription
        return description

    def _home(self, opened: OpenRelease, selection: DocumentSelection) -> Rendered:
        iri = selection.addresses.base + _DATASET
        description = describe(opened.store, iri, opened.labels) if has_statements(opened.store, iri) else None
        data = schemaorg.dataset(description, opened, selection)
        releases = dropwhile(lambda one: one.id != opened.release.id, self._releases.history())
        page = self._pages.home(opened, releases, self._reader(selection), data)
        return Rendered(page.encode(), 1, schemaorg.signposts_of_dataset(description, selection))

    def _vocabulary(self, request: Request, graph: NamedNode, path: str) -> Reply:
        """Returns the ontology or the shapes as a whole."""
        selection = self._select(request, request.path.lstrip("/"))
        if selection.path not in {path, path.rpartition("/")[2]}:
            raise not_known(selection.path)
        opened = self._release_cache.of_request(request)
        representation = Representation(request, opened.release, selection, self._cache, path)
        return representation.reuse() or representation.finish(self._vocabulary_in(selection, opened, graph, path))

    def _vocabulary_in(
        self, selection: DocumentSelection, opened: OpenRelease, graph: NamedNode, path: str
    ) -> Rendered:
        posts = Signposts(selection.addresses, path, VOCABULARY + path)
        if selection.form.is_linkset:
            return _linkset(selection.form, posts)
        if not selection.form.is_page:
            quads = opened.store.quads_for_pattern(None, None, None, graph)
            return Rendered(write_graph(quads, selection.form.format), 1, posts)
        forms, reader = forms_of(selection.addresses.path(path), GRAPH_FORMATS), self._reader(selection)
        translate, iri = reader.translations, VOCABULARY + path
        if path == _SHAPES:
            data = schemaorg.terms(iri, translate("Shapes"), opened, translate.language)
            page = self._pages.shapes(opened, reader, forms, iri, data)
        else:
            data = schemaorg.terms(iri, translate("Ontology"), opened, translate.language)
            page = self._pages.ontology(opened, reader, forms, data)
        return Rendered(page.encode(), 1, posts)

    def _select(self, request: Request, path: str) -> DocumentSelection:
        proxies, zone = self._settings.trusted_proxies, current_instance().timezone
        return select(request, path.rstrip("/"), self._settings.base, proxies, lambda: midnight(self._today(), zone))

    def _reader(self, selection: DocumentSelection) -> PageRequest:
        translations = Translations(selection.form.language)
        # Links may repeat only those parameters that are part of the cache's key.
        language = [] if translations.language == LANGUAGES[0] else [f"lang={translations.language}"]
        query = "&".join([part for part in (selection.query[1:],) if part] + language)
        view, root = dict(selection.view), selection.root
        return PageRequest(translations, selection.addresses, query, selection.at, view, selection.today, root)


def _query_of(request: Request) -> str:
    return f"?{request.query}" if request.query else ""


def _extension(path: str, selection: DocumentSelection) -> str:
    """Returns the extension in the path, or ""."""
    extension = f".{selection.form.extension}"
    return extension if path.endswith(extension) else ""


def _pretty(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _linkset(form: Form, posts: Signposts) -> Rendered:
    as_links = signposts.as_json if form.name == "linkset.json" else signposts.as_text
    return Rendered(as_links(posts.linkset()))


def _signposts(selection: DocumentSelection, path: str, description: Description) -> Signposts:
    types = signposts.types_of(value.iri for value in description.values(signposts.TYPE))
    authors = tuple(value.iri for value in description.values(signposts.CREATOR) if value.iri)
    return Signposts(selection.addresses, path, description.iri, types, authors)


def _gone(withdrawal: Withdrawal, language: str) -> Gone:
    reason = withdrawal.reason(language) or f"{withdrawal.iri} was withdrawn"
    return Gone(reason, withdrawal.replaced_by, withdrawal.on)
