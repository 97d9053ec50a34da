"""/about and /api: the purpose, sources and limits of the site; and its interfaces for programs, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from citygraph.errors import NotFound
from citygraph.graph.examples import with_examples
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind, of_kind
from citygraph.rdf.terms import ID, SOURCE
from citygraph.settings import Settings
from citygraph.source.instance_languages import with_languages
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, chosen, reply
from citygraph.web.http.routes import SECTIONS
from citygraph.web.view.page_request import page_request_of
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.templates import Templates
from citygraph.web.view.values import KINDS

_MIB = 1024 * 1024
_QUERY = """SELECT ?partner ?name ?date WHERE {
  ?agreement cg:party city:HOME_PLACE, ?partner ;
             cg:protocolDate ?date .
  ?partner rdfs:label ?name .
  FILTER(?partner != city:HOME_PLACE && LANGMATCHES(LANG(?name), "FIRST_LANGUAGE"))
}
ORDER BY cg:startOfPeriod(?date)"""


class AboutPages:
    """The pages about the site."""

    def __init__(self, settings: Settings, cache: ReleaseCache, pages: Templates) -> None:
        self._settings = settings
        self._cache = cache
        self._pages = pages

    def about(self, request: Request) -> Reply:
        """Returns the page about the site."""
        opened = self._cache.of_request(request)
        counts: Mapping[str, int] = {}
        with suppress(NotFound):  # without an index there are no counts, but the page still works
            counts = opened.listing.kinds
        return self._page(
            request, "about.html", opened, kinds=[(kind, counts[kind]) for kind in KINDS if kind in counts]
        )

    def api(self, request: Request) -> Reply:
        """Returns the page about the interfaces for programs."""
        limits = {
            "time": round(self._settings.time_limit),
            "memory": round(self._settings.memory_limit / _MIB),
            "length": round(self._settings.query_length / 1024),
            "at_once": self._settings.client_concurrency,
        }
        opened = self._cache.of_request(request)
        query = with_languages(with_examples(_QUERY, opened.examples), current_instance())
        return self._page(
            request,
            "api.html",
            opened,
            limits=limits,
            query=query,
            home=opened.home.removeprefix(ID) or "city/izmir",
            formats=of_kind(Kind.GRAPH),
            results=of_kind(Kind.SOLUTIONS),
            address_sections=SECTIONS,
        )

    def _page(self, request: Request, template: str, opened: OpenRelease, **values: Any) -> Reply:
        offer = chosen(request, (HTML,))
        reader = page_request_of(request, self._settings)
        _, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        link = StatementTable(opened, reader.translations, reader.addresses).link
        graphs = opened.release.manifest.graphs
        sources = [
            (link(iri), count)
            for iri, count in sorted(graphs.items(), key=lambda one: -one[1])
            if iri.startswith(SOURCE)
        ]
        page = self._pages.page(
            template,
            reader,
            opened.release,
            manifest=opened.release.manifest,
            root=root,
            base=self._settings.base,
            sources=sources,
            **values,
        )
        return reply(request, page, offer, reader.translations.language)
