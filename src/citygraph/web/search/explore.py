"""/explore: the entities of a kind as a list with a map, filtered by facets; all state is in the address."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from markupsafe import Markup

from citygraph.charts.map import MapMark, extent
from citygraph.charts.projection import GeoPoint
from citygraph.charts.svg import Caption
from citygraph.errors import UnknownName
from citygraph.graph.description import has_statements
from citygraph.index.entities import Entity, FacetCounts, Filter
from citygraph.instance import current_instance
from citygraph.settings import Settings
from citygraph.text import guarded_cell, matches_language
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, Variant, check_parameters, chosen, reply
from citygraph.web.kinds.drawing import land_files
from citygraph.web.search.explore_filters import PARAMETERS, SIGNED, ExploreState, query_of, read_state
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import N_
from citygraph.web.view.values import KINDS, Text

PAGE = 50
_MOST_POINTS = 250  # on the map, which is unreadable with more
_FIRST = 8  # values of a facet; the others are folded
_CSV = Variant("csv", "text/csv; charset=utf-8")
_COLUMNS = (
    "type",
    "country",
    "latitude",
    "longitude",
    "since",
    "agreements",
    "protocol",
    "ended",
)
_FACETS = {"country": N_("Country"), "decade": N_("Decade"), "protocol": N_("Protocol"), "source": N_("Source")}
_MAP_SIZE = 230.0  # as on the page, so that names have their normal size
_SHADES = (10, 3, 1)  # agreements from which a shade begins, the darkest first


@dataclass(frozen=True)
class FacetValue:
    """A value of a facet with its count, and the address of the page that adds or removes this filter."""

    value: str
    name: Text
    count: int
    share: int  # of the facet's largest count, in hundredths
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet: its first values, and the others that are folded."""

    name: str
    title: str
    first: tuple[FacetValue, ...]
    rest: tuple[FacetValue, ...]

    @property
    def chosen(self) -> tuple[FacetValue, ...]:
        """The selected values."""
        return tuple(value for value in (*self.first, *self.rest) if value.is_chosen)


class Explore:
    """The view of filtered entities: a page, JSON or CSV."""

    def __init__(self, settings: Settings, cache: ReleaseCache, pages: Templates, today: Callable[[], date]) -> None:
        self._settings = settings
        self._today = today
        self._cache = cache
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """Returns the entities that match all filters. Raises UsageError for a malformed filter."""
        check_parameters(request, *PARAMETERS)
        offer = chosen(request, (HTML, JSON, _CSV), extension)
        opened, reader = self._cache.of_request(request), page_request_of(request, self._settings)
        addresses, language = reader.addresses, reader.translations.language
        state = read_state(request.args)
        # A release at its own address never changes, whatever the day.
        today = opened.release.manifest.created[:10] if request.release else self._today().isoformat()
        filter_ = state.entity_filter(addresses, language, today)
        unknown = _unknown(opened, state, addresses)
        if offer is not HTML:
            _check_known(unknown)
        if offer is HTML:
            return reply(request, self._page(opened, state, filter_, reader, unknown), HTML, language)
        rows = opened.listing.rows(_by_shown_names(filter_, opened, language))
        table = ExportedRows(rows, _further_names(opened, language))
        text = table.as_csv() if offer is _CSV else table.as_json(filter_, state, query_of(filter_, language))
        return reply(request, text, offer)

    def _page(
        self,
        opened: OpenRelease,
        state: ExploreState,
        filter_: Filter,
        reader: PageRequest,
        unknown: Sequence[tuple[str, str]],
    ) -> str:
        counts = opened.listing.counts(filter_)
        filter_ = _by_shown_names(filter_, opened, reader.translations.language)
        last = max(1, -(-counts.total // PAGE))
        page = min(state.page, last)
        language = reader.translations.language
        points = [opened.in_language(one, language) for one in opened.listing.points(filter_, _MOST_POINTS)]
        rows = opened.listing.rows(filter_, PAGE, (page - 1) * PAGE)
        here = reader.addresses.path("explore")
        query = query_of(filter_, language)
        facets = [_facet(name, state, counts, opened, reader) for name in _FACETS]
        return self._pages.page(
            "explore.html",
            reader,
            opened.release,
            state=state,
            here=here,
            counts=counts,
            rows=[opened.in_language(one, language) for one in rows],
            country=_country_of(opened, reader),
            kinds=[
                (kind, counts.kinds[kind], state.with_kind(kind).href(here)) for kind in KINDS if kind in counts.kinds
            ],
            facets=[facet for facet in facets if facet.first],
            first=(page - 1) * PAGE + 1,
            last=min(page * PAGE, counts.total),
            previous=state.on_page(page - 1).href(here) if page > 1 else "",
            next=state.on_page(page + 1).href(here) if page < last else "",
            map=map_of(points, reader),
            points=len(points),
            unknown=unknown,
            files=[(name, f"{here}.{name.lower()}?{state.query('page')}") for name in ("CSV", "JSON")],
            query=query,
            workbench=f"{reader.addresses.path('sparql')}?{urlencode({'query': query})}",
        )


def _unknown(opened: OpenRelease, state: ExploreState, addresses: Addresses) -> list[tuple[str, str]]:
    """Returns the chosen countries and sources of which the release states nothing, as facet and value."""
    return [
        (facet, iri.rpartition("/")[2])
        for facet in ("country", "source")
        for iri in state.iris(facet, addresses)
        if not has_statements(opened.quick, iri)
    ]


def _check_known(unknown: Iterable[tuple[str, str]]) -> None:
    """Raises UnknownName for the first of these values: a program would take an empty list for the result."""
    for facet, value in unknown:
        if facet == "country":
            raise UnknownName(f"country: no country has the identifier {value!r}", facet)
        raise UnknownName(f"source: no source has the identifier {value!r}", facet)


def _by_shown_names(filter_: Filter, opened: OpenRelease, language: str) -> Filter:
    """Returns the filter with its entities sorted by their names in a language that the index need not have."""
    if _is_indexed(language):
        return filter_
    opened.listing.rank(filter_.kind, language, lambda iri: opened.labels.best(iri, language).text)
    return replace(filter_, language=language)


def _facet(name: str, state: ExploreState, counts: FacetCounts, opened: OpenRelease, reader: PageRequest) -> Facet:
    here, title = reader.addresses.path("explore"), reader.translations(_FACETS[name])
    totals = dict(counts.facets[name])
    # A selected value is listed even if it has no match, so that it can be removed.
    selected = {value: totals.get(value, 0) for value in state.iris(name, reader.addresses)}
    largest = max([*totals.values(), 1])
    values = [
        FacetValue(
            value,
            _value_name(name, value, opened, reader),
            count,
            round(100 * count / largest),
            state.toggled(name, value).href(here),
            value in selected,
        )
        for value, count in {**totals, **selected}.items()
    ]
    if name == "decade":
        return Facet(name, title, tuple(sorted(values, key=lambda one: one.value)), ())
    sort_key = reader.translations.sort_key
    by_count = sorted(values, key=lambda one: (not one.is_chosen, -one.count, sort_key(one.name.text)))
    rest = sorted(by_count[_FIRST:], key=lambda one: sort_key(one.name.text))
    # Folding one or two values would save no space.
    first, rest = (by_count, []) if len(rest) < 3 else (by_count[:_FIRST], rest)
    return Facet(name, title, tuple(first), tuple(rest))


def _value_name(name: str, value: str, opened: OpenRelease, reader: PageRequest) -> Text:
    if name == "decade":
        return Text(f"{value}–{value[:3]}9")
    if name == "protocol":
        return Text(reader.translations(SIGNED[value]) if value in SIGNED else value)
    label = opened.labels.best(value, reader.translations.language)
    return Text(label.text, "" if label.language in ("", reader.translations.language) else label.language)


def _country_of(opened: OpenRelease, reader: PageRequest) -> Callable[[Entity], str]:
    def country(one: Entity) -> str:
        if one.country in ("", one.iri):  # a country is its own country in the index
            return ""
        return opened.labels.best(one.country, reader.translations.language).text

    return country


@dataclass(frozen=True)
class FurtherNames:
    """A language that is in no column of the index, and the name of an entity for its readers."""

    language: str
    of: Callable[[str], str]


def _further_names(opened: OpenRelease, language: str) -> FurtherNames | None:
    """Returns the names in the language of a reader; None if it is one of the two that the index has."""
    if _is_indexed(language):
        return None
    return FurtherNames(language, lambda iri: opened.labels.best(iri, language).text)


def _is_indexed(language: str) -> bool:
    instance = current_instance()
    return any(matches_language(one, language) for one in (instance.languages[0], instance.second_language))


@dataclass(frozen=True)
class ExportedRows:
    """Entities for a file, in the order of the page; each may have its name in a further language."""

    rows: Sequence[Entity]
    further: FurtherNames | None = None

    def as_csv(self) -> str:
        """Returns the entities as CSV (RFC 4180) without formulas."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self._columns())
        # Names are free text, and people open the table in a spreadsheet.
        for record in self._records():
            writer.writerow([guarded_cell(v) if isinstance(v, str) else v for v in record.values()])
        return text.getvalue()

    def as_json(self, filter_: Filter, state: ExploreState, query: str) -> str:
        """Returns the entities as JSON, with the filters and the SPARQL query that select them."""
        results = [{name: value for name, value in one.items() if value not in ("", None)} for one in self._records()]
        filters = {"type": filter_.kind, **dict(state.values), **({"at": filter_.at} if filter_.at else {})}
        members = {"filters": filters, "count": len(results), "results": results, "query": query}
        return json.dumps(members, ensure_ascii=False) + "\n"

    def _records(self) -> Iterator[dict[str, str | float | None]]:
        columns = self._columns()
        for one in self.rows:
            id_ = one.iri.partition("/id/")[2]
            kind, country = id_.partition("/")[0], one.country.partition("/id/")[2]
            names = (id_, one.iri, one.label, one.second_label, *((self.further.of(one.iri),) if self.further else ()))
            dated = (one.since, one.ties, one.protocol, one.ended)
            yield dict(zip(columns, (*names, kind, country, one.latitude, one.longitude, *dated), strict=True))

    def _columns(self) -> tuple[str, ...]:
        instance = current_instance()
        languages = [instance.languages[0], instance.second_language]
        languages += [self.further.language] if self.further else []
        return ("id", "iri", *(f"name_{language}" for language in languages), *_COLUMNS)


def map_of(places: Sequence[Entity], reader: PageRequest) -> Markup:
    """Returns the map, or empty markup if no place has coordinates."""
    marks = [_mark(one, reader) for one in places if one.latitude is not None and one.longitude is not None]
    if not marks:
        return Markup()
    translate = reader.translations
    title = translate.count("Map of {number} place", "Map of {number} places", len(marks))
    description = translate("Each mark is a place in the list; darker marks have more agreements.")
    caption = Caption(title, description, translate.language)
    return extent(marks, land_files(reader.addresses), caption, name="map", size=_MAP_SIZE)


def _mark(one: Entity, reader: PageRequest) -> MapMark:
    name = one.name(reader.translations.language)
    agreements = reader.translations.count("{number} agreement", "{number} agreements", one.in_force)
    shade = next((place for place, least in enumerate(_SHADES) if one.in_force >= least), len(_SHADES))
    return MapMark(
        0,
        name,
        GeoPoint(one.latitude or 0.0, one.longitude or 0.0),
        f"{name}, {agreements}",
        href=reader.addresses.local(one.iri),
        kind="area" if "/area/" in one.iri else "city",
        age=shade,
    )
