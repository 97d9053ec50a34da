"""/search: what has a name, as a page and as JSON, with similar names where nothing has this one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from markupsafe import Markup, escape

from citygraph.errors import UsageError
from citygraph.index.facts import ENTITY
from citygraph.index.names import MOST_COUNTED, Hit
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import IndexedEntity, Question, reconcile
from citygraph.settings import Settings
from citygraph.text import fold, nfc
from citygraph.web.http.addresses import Addresses, addresses_of
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import HTML, JSON, chosen, reply
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, Shelf
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

KINDS = ("city", "country", "area", "organisation", "person", "post", "agreement", "event")
_MOST = 50
_OF_EACH = 6  # of each kind, where all kinds are shown
_SIMILAR = 8
_LONGEST = 200
_LEAST_SCORE = 55.0


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


class Search:
    """Search by name."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups, pages: Templates) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups
        self._pages = pages

    def search(self, request: Request, extension: str = "") -> Reply:
        """What has the words of ?q=, of the kind ?type=; the last word may be a beginning."""
        offer = chosen(request, (HTML, JSON), extension)
        text, kind = request.args.get("q", "").strip()[:_LONGEST], request.args.get("type", "").strip().casefold()
        if kind and kind not in KINDS:
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, reader = self._shelf.of_request(request), page_request_of(request, self._settings)
        addresses, language = reader.addresses, reader.translations.language
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


def found_by(
    hits: Iterable[Hit], text: str, lookup: Lookup, opened: OpenRelease, language: str, addresses: Addresses
) -> list[Found]:
    """The entities of these hits, in their order."""
    by_entity = {hit.entity: hit for hit in hits}
    known = {one.iri: one for one in lookup.identified(by_entity)}
    return [
        _found(known[iri], hit, text, opened, language, addresses) for iri, hit in by_entity.items() if iri in known
    ]  # fmt: skip


def _address(text: str, kind: str, reader: PageRequest) -> str:
    language = reader.translations.language if "lang=" in reader.query else ""
    asked = {"q": text, "type": kind, "lang": language}
    return f"{reader.addresses.path('search')}?{urlencode({name: value for name, value in asked.items() if value})}"


def _similar(text: str, kind: str, lookup: Lookup) -> list[IndexedEntity]:
    """The entities whose names are spelled nearly so."""
    candidates = reconcile(Question(text, limit=_MOST), lookup)
    near = [one.entity for one in candidates if one.score >= _LEAST_SCORE]
    return [known for known in near if not kind or f"{ENTITY}{kind}/" in known.iri][:_SIMILAR]


def _found(
    known: IndexedEntity, hit: Hit | None, text: str, opened: OpenRelease, language: str, addresses: Addresses
) -> Found:
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


_MOST_SUGGESTED = 8
_LONGEST_PREFIX = 100


class Suggestions:
    """The few best things for the beginning of a name."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups

    def suggest(self, request: Request) -> Reply:
        """What has a name that begins like ?q=, of the kinds ?type= if any are given."""
        text, kinds = request.args.get("q", "").strip()[:_LONGEST_PREFIX], request.args.getlist("type")
        if not set(kinds) <= set(KINDS):
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, language = self._shelf.of_request(request), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        lookup = self._lookups.of(opened.release)
        hits = [hit for kind in kinds or [""] for hit in lookup.find(text, _MOST_SUGGESTED, kind)]
        found = [one for one in found_by(hits, text, lookup, opened, language, addresses) if one.kind in KINDS][
            :_MOST_SUGGESTED
        ]
        words = Translations(language)
        answer = {"query": text, "results": [_suggestions_as_json(one, text, words) for one in found]}
        return reply(request, json.dumps(answer, ensure_ascii=False) + "\n", JSON, language)


def _suggestions_as_json(found: Found, text: str, words: Translations) -> dict[str, object]:
    """A suggestion; `name` is the one that was found where it is not the label, both in pieces that match or not."""
    values = {
        "id": found.id,
        "label": found.label,
        "pieces": marked(found.label, text).pieces,
        "name": marked(found.name, text).pieces if found.name else (),
        "name_language": found.name_language,
        "type": words.named(f"one_{found.kind}"),
        "country": found.country,
        "href": found.href,
    }
    return {name: value for name, value in values.items() if value}


_JOINING = "'’ʼ`"  # they part no words: Xi'an is found as xian


@dataclass(frozen=True)
class Marked:
    """A name in pieces: each with whether it was looked for."""

    pieces: tuple[tuple[str, bool], ...]

    def __html__(self) -> Markup:
        """The name for a page."""
        parts = (f"<mark>{escape(text)}</mark>" if is_it else str(escape(text)) for text, is_it in self.pieces)
        return Markup("".join(parts))  # noqa: S704 - escaped above


def marked(name: str, query: str) -> Marked:
    """The words of `name` marked as far as they begin like words of `query`, in the search form of both."""
    name = nfc(name)
    flags = [False] * len(name)
    words = fold(query).split()
    for start, end in _words(name):
        length = max((_reach(name[start:end], word) for word in words), default=0)
        flags[start : start + length] = [True] * length
    runs = groupby(zip(name, flags, strict=True), key=lambda pair: pair[1])
    return Marked(tuple(("".join(letter for letter, _ in run), is_it) for is_it, run in runs))


def begins(name: str, query: str) -> bool:
    """Whether each word of `query` is the beginning of a word of `name`, in the search form of both."""
    words = fold(name).split()
    return all(any(word.startswith(wanted) for word in words) for wanted in fold(query).split())


def _words(name: str) -> Iterator[tuple[int, int]]:
    start = 0
    for place, letter in enumerate(name + " "):
        if not fold(letter) and letter not in _JOINING:
            if place > start:
                yield start, place
            start = place + 1


def _reach(text: str, word: str) -> int:
    """How many letters of a word of the name the word that was looked for covers; none if it begins otherwise."""
    return next((length for length in range(1, len(text) + 1) if fold(text[:length]).startswith(word)), 0)
