"""/search: what has a name, as a page and as JSON, with similar names where nothing has this one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, request

from citygraph.errors import UsageError
from citygraph.reconciliation.facts import ENTITY
from citygraph.reconciliation.lookup import Lookup
from citygraph.reconciliation.reconcile import Known, Question, reconcile
from citygraph.release import Release, Releases
from citygraph.search import MOST_COUNTED, Hit
from citygraph.settings import Settings
from citygraph.web.answering.addresses import Addresses
from citygraph.web.answering.replies import HTML, JSON, chosen, reply
from citygraph.web.answering.shelf import OpenRelease, Shelf
from citygraph.web.asking.endpoint import RELEASE
from citygraph.web.finding.lookups import Lookups
from citygraph.web.finding.marked import begins, marked
from citygraph.web.pages.readers import reader_of
from citygraph.web.pages.render import Pages, Reader

KINDS = ("city", "country", "area", "organisation", "person", "post", "agreement", "event")
_MOST = 50
_OF_EACH = 6  # of each kind, where all kinds are shown
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
    name_language: str
    kind: str
    country: str
    href: str


@dataclass(frozen=True)
class Group:
    """The things of one kind that were found, how many there are in all, and where they all stand."""

    kind: str
    count: int
    href: str
    found: list[Found]


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
        opened, reader = opened_release(self._shelf), reader_of(request, self._settings)
        addresses, language = reader.addresses, reader.words.language
        lookup = self._lookups.of(opened.release)
        results = found_by(lookup.find(text, _MOST, kind), text, lookup, opened, language, addresses)
        near = [] if results or not text else _similar(text, kind, lookup)
        similar = [_found(known, None, "", opened, language, addresses) for known in near]
        counts = {one: count for one, count in lookup.counts(text).items() if one in KINDS}
        if offer is JSON:
            answer = {"query": text, "results": [_as_json(one) for one in results],
                      "suggestions": [_as_json(one) for one in similar], "counts": counts}  # fmt: skip
            return reply(request, json.dumps(answer, ensure_ascii=False) + "\n", JSON)
        # The kind of the best result comes first.
        kinds = list(dict.fromkeys(one for one in (*(found.kind for found in results), *KINDS) if one in counts))
        groups = [
            Group(one, counts.get(one, 0), _address(text, one, reader), results if kind else found_by(
                lookup.find(text, _OF_EACH, one), text, lookup, opened, language, addresses))
            for one in ([kind] if kind and results else [] if kind else kinds)
        ]  # fmt: skip
        page = self._pages.page("search.html", reader, opened.release, text=text, kind=kind, kinds=kinds,
                                groups=groups, similar=similar, counts=counts, most=MOST_COUNTED, marked=marked,
                                address=lambda one: _address(text, one, reader))  # fmt: skip
        return reply(request, page, HTML, language)


def opened_release(shelf: Shelf) -> OpenRelease:
    """The release that the address names, or else the current one. Raises NotFound if there is none."""
    named = request.environ.get(RELEASE)
    return shelf.get(str(named)) if named else shelf.current()


def found_by(
    hits: Iterable[Hit], text: str, lookup: Lookup, opened: OpenRelease, language: str, addresses: Addresses
) -> list[Found]:
    """The entities of these hits, in their order."""
    by_entity = {hit.entity: hit for hit in hits}
    known = {one.iri: one for one in lookup.identified(by_entity)}
    return [
        _found(known[iri], hit, text, opened, language, addresses) for iri, hit in by_entity.items() if iri in known
    ]  # fmt: skip


def _address(text: str, kind: str, reader: Reader) -> str:
    language = reader.words.language if "lang=" in reader.query else ""
    asked = {"q": text, "type": kind, "lang": language}
    return f"{reader.addresses.path('search')}?{urlencode({name: value for name, value in asked.items() if value})}"


def _similar(text: str, kind: str, lookup: Lookup) -> list[Known]:
    """The entities whose names are spelled nearly so."""
    candidates = reconcile(Question(text, limit=_MOST), lookup)
    near = [one.known for one in candidates if one.score >= _LEAST_SCORE]
    return [known for known in near if not kind or f"{ENTITY}{kind}/" in known.iri][:_SIMILAR]


def _found(known: Known, hit: Hit | None, text: str, opened: OpenRelease, language: str, addresses: Addresses) -> Found:
    id_ = known.iri.partition(ENTITY)[2]
    label = known.label_tr if language == "tr" and known.label_tr else known.label
    country = "" if known.country in ("", known.iri) else opened.labels.best(known.country, language).text
    # Another name is told only where what was typed does not lead to this one.
    name = "" if hit is None or begins(label, text) else hit.name
    return Found(id_, known.iri, label, name, hit.language if hit and name else "", id_.partition("/")[0], country,
                 addresses.local(known.iri))  # fmt: skip


def _as_json(found: Found) -> dict[str, str]:
    values = {"id": found.id, "iri": found.iri, "label": found.label, "name": found.name or found.label,
              "type": found.kind, "country": found.country}  # fmt: skip
    return {name: value for name, value in values.items() if value}
