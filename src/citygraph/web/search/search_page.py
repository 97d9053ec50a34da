"""/search: entities by name, as a page and as JSON; /suggest: suggestions while a name is typed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from urllib.parse import unquote, urlencode

from markupsafe import Markup, escape

from citygraph.errors import UsageError
from citygraph.index.facts import ENTITY
from citygraph.index.names import MOST_COUNTED, Hit
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import IndexedEntity, Question, reconcile
from citygraph.settings import Settings
from citygraph.text import fold, nfc, separates_words
from citygraph.web.http.addresses import Addresses, addresses_of
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import HTML, JSON, check_parameters, chosen, reply
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, ReleaseCache
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

KINDS = ("city", "country", "area", "organisation", "person", "post", "agreement", "event")
_MOST = 50
_OF_EACH = 6  # results of each kind if all kinds are shown
_SIMILAR = 8
_LONGEST = 200
_LEAST_SCORE = 55.0
_MOST_SUGGESTED = 8
_LONGEST_PREFIX = 100
# The address of a page, or the IRI of an entity at another address of the site, such as that of a copy.
_ADDRESS = re.compile(r"(?:https?://\S+)?/(?:id|doc)/([a-z]+/[^/:?#\s]+?)(?:\.html|/)?(?:[?#]\S*)?")


@dataclass(frozen=True)
class SearchResult:
    """An entity, and the name by which it matched if that is not its label."""

    id: str
    iri: str
    label: str
    name: str
    name_language: str
    kind: str
    country: str
    href: str


@dataclass(frozen=True)
class ResultGroup:
    """The best results of one kind, their total number, and the address of all of them."""

    kind: str
    count: int
    href: str
    results: list[SearchResult]


class Search:
    """The view of the search by name."""

    def __init__(self, settings: Settings, cache: ReleaseCache, lookups: Lookups, pages: Templates) -> None:
        self._settings = settings
        self._cache = cache
        self._lookups = lookups
        self._pages = pages

    def search(self, request: Request, extension: str = "") -> Reply:
        """Returns the entities with all words of ?q=, of the kind ?type=. The last word may be incomplete."""
        check_parameters(request, "q", "type")
        offer = chosen(request, (HTML, JSON), extension)
        text, kind = request.args.get("q", "").strip()[:_LONGEST], request.args.get("type", "").strip().casefold()
        if kind and kind not in KINDS:
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, reader = self._cache.of_request(request), page_request_of(request, self._settings)
        finder = _Finder(text, self._lookups.of(opened.release), opened, reader.translations.language, reader.addresses)
        results = finder.find(_MOST, kind)
        similar = [] if results or not text else finder.similar(kind)
        if offer is JSON:
            members = {
                "query": text,
                "results": [_as_json(one) for one in results],
                "suggestions": [_as_json(one) for one in similar],
                "counts": finder.counts(),
            }
            return reply(request, json.dumps(members, ensure_ascii=False) + "\n", JSON)
        page = self._page(finder, kind, results, similar, reader)
        return reply(request, page, HTML, finder.language)

    def _page(
        self, finder: _Finder, kind: str, results: list[SearchResult], similar: list[SearchResult], reader: PageRequest
    ) -> str:
        text, counts = finder.text, finder.counts()
        # The kind of the best result comes first.
        kinds = list(dict.fromkeys(one for one in (*(result.kind for result in results), *KINDS) if one in counts))
        groups = [
            ResultGroup(
                one,
                counts.get(one, 0),
                _address(text, one, reader),
                results if kind else finder.find(_OF_EACH, one),
            )
            for one in ([kind] if kind and results else [] if kind else kinds)
        ]
        return self._pages.page(
            "search.html",
            reader,
            finder.opened.release,
            text=text,
            kind=kind,
            kinds=kinds,
            groups=groups,
            similar=similar,
            counts=counts,
            most=MOST_COUNTED,
            marked=marked,
            address=lambda one: _address(text, one, reader),
        )


class Suggestions:
    """The view of suggestions for the beginning of a name."""

    def __init__(self, settings: Settings, cache: ReleaseCache, lookups: Lookups) -> None:
        self._settings = settings
        self._cache = cache
        self._lookups = lookups

    def suggest(self, request: Request) -> Reply:
        """Returns the best entities with a name that begins with ?q=, of the kinds ?type= if any are given."""
        check_parameters(request, "q", "type")
        text, kinds = request.args.get("q", "").strip()[:_LONGEST_PREFIX], request.args.getlist("type")
        if not set(kinds) <= set(KINDS):
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, language = self._cache.of_request(request), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        finder = _Finder(text, self._lookups.of(opened.release), opened, language, addresses)
        results = [result for kind in dict.fromkeys(kinds or [""]) for result in finder.find(_MOST_SUGGESTED, kind)]
        suggested = [one for one in results if one.kind in KINDS][:_MOST_SUGGESTED]
        translations = Translations(language)
        members = {"query": text, "results": [_suggestion_as_json(one, text, translations) for one in suggested]}
        return reply(request, json.dumps(members, ensure_ascii=False) + "\n", JSON, language)


@dataclass(frozen=True)
class Marked:
    """A name in pieces, each with a flag whether it matches the query."""

    pieces: tuple[tuple[str, bool], ...]

    def __html__(self) -> Markup:
        """Returns the name as markup, in which matching pieces are marked."""
        parts = (f"<mark>{escape(text)}</mark>" if matches else str(escape(text)) for text, matches in self.pieces)
        return Markup("".join(parts))  # noqa: S704 - escaped above


def marked(name: str, query: str) -> Marked:
    """Returns `name` with the beginnings of words marked that match words of `query`, in the search form of both."""
    name = nfc(name)
    flags = [False] * len(name)
    words = fold(query).split()
    # Folding may change the number of letters, so the match is looked up in the original name.
    for start, end in _words(name):
        length = max((_matching_length(name[start:end], word) for word in words), default=0)
        flags[start : start + length] = [True] * length
    runs = groupby(zip(name, flags, strict=True), key=lambda pair: pair[1])
    return Marked(tuple(("".join(letter for letter, _ in run), matches) for matches, run in runs))


def begins(name: str, query: str) -> bool:
    """Returns whether each word of `query` begins a word of `name`, in the search form of both."""
    words = fold(name).split()
    return all(any(word.startswith(beginning) for word in words) for beginning in fold(query).split())


@dataclass(frozen=True)
class _Finder:
    """The search for one text in one release, with results in one language."""

    text: str
    lookup: Lookup
    opened: OpenRelease
    language: str
    addresses: Addresses

    def find(self, most: int, kind: str = "") -> list[SearchResult]:
        """Returns the best matches, of one kind if it is given; of an identifier, its entity."""
        if self._identified:
            return [one for one in self._identified if kind in ("", one.kind)]
        # An entity may match by several names: its last hit counts.
        hits = {hit.entity: hit for hit in self.lookup.find(self.text, most, kind)}
        entities = {one.iri: one for one in self.lookup.identified(hits)}
        return [self._result(entities[iri], hit) for iri, hit in hits.items() if iri in entities]

    def similar(self, kind: str) -> list[SearchResult]:
        """Returns the entities with similarly spelled names."""
        candidates = reconcile(Question(self.text, limit=_MOST), self.lookup)
        near = (one.entity for one in candidates if one.score >= _LEAST_SCORE)
        of_kind = [entity for entity in near if not kind or f"{ENTITY}{kind}/" in entity.iri]
        return [self._result(entity) for entity in of_kind[:_SIMILAR]]

    def counts(self) -> dict[str, int]:
        """Returns the number of matches of each kind."""
        if self._identified:
            return dict(Counter(one.kind for one in self._identified))
        return {kind: count for kind, count in self.lookup.counts(self.text).items() if kind in KINDS}

    @cached_property
    def _identified(self) -> list[SearchResult]:
        """The entities that the text identifies: an identifier such as city:izmir, an address, or a QID of Wikidata."""
        address = _ADDRESS.fullmatch(self.text)
        identifiers = [unquote(address[1]) if address else self.text]
        entities = (self._result(entity) for entity in self.lookup.identified(identifiers))
        return [one for one in entities if one.kind in KINDS]

    def _result(self, entity: IndexedEntity, hit: Hit | None = None) -> SearchResult:
        id_ = entity.iri.partition(ENTITY)[2]
        is_second = self.language == current_instance().second_language and entity.second_label
        label = entity.second_label if is_second else self.opened.in_language(entity, self.language).label
        of_country = entity.country not in ("", entity.iri)
        country = self.opened.labels.best(entity.country, self.language).text if of_country else ""
        # The other name explains a result whose label does not match the typed text.
        name = "" if hit is None or begins(label, self.text) else hit.name
        name_language = hit.language if hit and name else ""
        href = self.addresses.local(entity.iri)
        return SearchResult(id_, entity.iri, label, name, name_language, id_.partition("/")[0], country, href)


def _address(text: str, kind: str, reader: PageRequest) -> str:
    language = reader.translations.language if "lang=" in reader.query else ""
    parameters = {"q": text, "type": kind, "lang": language}
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{reader.addresses.path('search')}?{query}"


def _as_json(result: SearchResult) -> dict[str, str]:
    values = {
        "id": result.id,
        "iri": result.iri,
        "label": result.label,
        "name": result.name or result.label,
        "type": result.kind,
        "country": result.country,
    }
    return {name: value for name, value in values.items() if value}


def _suggestion_as_json(result: SearchResult, text: str, translations: Translations) -> dict[str, object]:
    """Returns a suggestion; `pieces` of the label, and `name` if another name matched, have flags for matching text."""
    values = {
        "id": result.id,
        "label": result.label,
        "pieces": marked(result.label, text).pieces,
        "name": marked(result.name, text).pieces if result.name else (),
        "name_language": result.name_language,
        "type": translations.named(f"one_{result.kind}"),
        "country": result.country,
        "href": result.href,
    }
    return {name: value for name, value in values.items() if value}


def _words(name: str) -> Iterator[tuple[int, int]]:
    """Yields the start and end of each word."""
    start = 0
    for place, letter in enumerate(name + " "):
        # An apostrophe separates nothing: Xi'an is found as xian.
        if separates_words(letter):
            if place > start:
                yield start, place
            start = place + 1


def _matching_length(text: str, word: str) -> int:
    """Returns how many letters of a word of the name a word of the query covers, 0 if it does not begin the word."""
    return next((length for length in range(1, len(text) + 1) if fold(text[:length]).startswith(word)), 0)
