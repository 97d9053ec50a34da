"""/search: what has a name, as a page and as JSON, with similar names where nothing has this one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, request

from citygraph.errors import UsageError
from citygraph.reconciliation.facts import ENTITY
from citygraph.reconciliation.lookup import Lookup
from citygraph.reconciliation.reconcile import Known, Question, reconcile
from citygraph.release import Release, Releases
from citygraph.settings import Settings
from citygraph.web.addresses import Addresses
from citygraph.web.answers import addresses_of, reader_language
from citygraph.web.lookups import Lookups
from citygraph.web.pages import Pages, Reader
from citygraph.web.replies import HTML, JSON, chosen, reply
from citygraph.web.shelf import Shelf
from citygraph.web.words import Words

KINDS = ("city", "country", "area", "organisation", "person", "post", "agreement", "event")
_MOST = 50
_SIMILAR = 8
_LONGEST = 200
_LEAST_SCORE = 55.0


class SearchPages(Pages):
    """The templates of search and reconciliation."""

    def page(self, template: str, reader: Reader, release: Release | None, **values: Any) -> str:
        """A page, filled; `release` is what its foot names."""
        return self._render(template, reader, release, **values)


@dataclass(frozen=True)
class Found:
    """An entity that was found, by which name, and where it is."""

    id: str
    iri: str
    label: str
    name: str
    kind: str
    country: str
    href: str


def mount_search(app: Flask, settings: Settings, releases: Releases) -> tuple[Shelf, Lookups, SearchPages]:
    """Add /search to the site; answers what others that look things up may share."""
    shelf, lookups, pages = Shelf(releases, settings.base), Lookups(), SearchPages()
    app.register_blueprint(Search(settings, shelf, lookups, pages).blueprint())
    return shelf, lookups, pages


class Search:
    """Search by name."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups, pages: SearchPages) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups
        self._pages = pages

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("search", __name__)
        blueprint.add_url_rule("/search", "search", self.search, methods=["GET"])
        blueprint.add_url_rule("/search.<extension>", "search-as", self.search, methods=["GET"])
        return blueprint

    def search(self, extension: str = "") -> Response:
        """What has the words of ?q=, of the kind ?type=; the last word may be a beginning."""
        offer = chosen(request, (HTML, JSON), extension)
        text, kind = request.args.get("q", "").strip()[:_LONGEST], request.args.get("type", "").strip().casefold()
        if kind and kind not in KINDS:
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, language = self._shelf.current(), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        lookup = self._lookups.of(opened.release)

        def found(known: Known, name: str) -> Found:
            country = "" if known.country in ("", known.iri) else opened.labels.best(known.country, language).text
            return _found(known, name, country, language, addresses)

        hits = lookup.find(text, _MOST, kind)
        names = {hit.entity: hit.name for hit in hits}
        by_iri = {known.iri: known for known in lookup.identified([hit.entity for hit in hits])}
        results = [found(by_iri[iri], name) for iri, name in names.items() if iri in by_iri]
        similar = [] if results or not text else [found(known, "") for known in _similar(text, kind, lookup)]
        if offer is JSON:
            answer = {"query": text, "results": [_as_json(one) for one in results],
                      "suggestions": [_as_json(one) for one in similar]}  # fmt: skip
            return reply(request, json.dumps(answer, ensure_ascii=False) + "\n", JSON)
        reader = Reader(Words(language), addresses, request.query_string.decode("ascii", "replace"))
        page = self._pages.page("search.html", reader, opened.release, text=text, kind=kind, kinds=KINDS,
                                results=results, similar=similar)  # fmt: skip
        return reply(request, page, HTML, language)


def _similar(text: str, kind: str, lookup: Lookup) -> list[Known]:
    """The entities whose names are spelled nearly so."""
    candidates = reconcile(Question(text, limit=_MOST), lookup)
    near = [one.known for one in candidates if one.score >= _LEAST_SCORE]
    return [known for known in near if not kind or f"{ENTITY}{kind}/" in known.iri][:_SIMILAR]


def _found(known: Known, name: str, country: str, language: str, addresses: Addresses) -> Found:
    id_ = known.iri.partition(ENTITY)[2]
    label = known.label_tr if language == "tr" and known.label_tr else known.label
    return Found(id_, known.iri, label, "" if name == label else name, id_.partition("/")[0], country,
                 addresses.local(known.iri))  # fmt: skip


def _as_json(found: Found) -> dict[str, str]:
    values = {"id": found.id, "iri": found.iri, "label": found.label, "name": found.name or found.label,
              "type": found.kind, "country": found.country}  # fmt: skip
    return {name: value for name, value in values.items() if value}
