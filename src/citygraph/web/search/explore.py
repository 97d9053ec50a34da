"""/explore: the entities of a kind beside their map, filtered by facets; the address is the state."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup

from citygraph.charts.map import MapMark, extent
from citygraph.charts.projection import GeoPoint
from citygraph.charts.svg import Caption
from citygraph.index.entities import Entity, FacetCounts, Filter
from citygraph.settings import Settings
from citygraph.text import collation_key
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, Variant, chosen, reply
from citygraph.web.kinds.drawing import land
from citygraph.web.search.explore_filters import SIGNED, State, query_of, read_state
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import OpenRelease, Shelf
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import N_
from citygraph.web.view.values import KINDS, Text

PAGE = 50
_MOST_POINTS = 250  # on the map; more are no picture
_FIRST = 8  # values of a facet; the rest folds away
_CSV = Variant("csv", "text/csv; charset=utf-8")
_COLUMNS = ("id", "iri", "name_en", "name_tr", "type", "country", "latitude", "longitude", "since", "agreements",
            "protocol")  # fmt: skip
_FACETS = {
    "country": N_("Country"),
    "decade": N_("Decade"),
    "protocol": N_("Protocol"),
    "source": N_("Source"),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """A value of a facet: how many have it, and where the page is that wants it, or wants it no more."""

    value: str
    name: Text
    count: int
    share: int  # of the facet's largest count, in hundredths
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """A facet with its values: those that are shown, and those that fold away."""

    name: str
    title: str
    first: tuple[Choice, ...]
    rest: tuple[Choice, ...]

    @property
    def chosen(self) -> tuple[Choice, ...]:
        """The values that are wanted."""
        return tuple(choice for choice in (*self.first, *self.rest) if choice.is_chosen)


class Explore:
    """The list of a release, for people and as files."""

    def __init__(self, settings: Settings, shelf: Shelf, pages: Templates) -> None:
        self._settings = settings
        self._shelf = shelf
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """What passes the filters, as a page, JSON or CSV. Raises UsageError for a bad filter."""
        offer = chosen(request, (HTML, JSON, _CSV), extension)
        opened, reader = self._shelf.of_request(request), page_request_of(request, self._settings)
        addresses, language = reader.addresses, reader.translations.language
        state = read_state(request.args)
        wanted = state.wanted(addresses, language)
        if offer is _CSV:
            return reply(request, _as_csv(opened.listing.rows(wanted)), _CSV)
        if offer is JSON:
            return reply(request, _as_json(opened.listing.rows(wanted), wanted, state), JSON)
        return reply(request, self._page(opened, state, wanted, reader), HTML, language)

    def _page(self, opened: OpenRelease, state: State, wanted: Filter, reader: PageRequest) -> str:
        counts = opened.listing.counts(wanted)
        last = max(1, -(-counts.total // PAGE))
        page = min(state.page, last)
        rows = opened.listing.rows(wanted, PAGE, (page - 1) * PAGE)
        points = opened.listing.points(wanted, _MOST_POINTS)
        here = reader.addresses.path("explore")
        files = [(name, f"{here}.{name.lower()}?{state.query('lang', 'page')}") for name in ("CSV", "JSON")]
        return self._pages.page(
            "explore.html", reader, opened.release,
            state=state, here=here, counts=counts, rows=rows, country=_country_of(opened, reader),
            kinds=[(kind, counts.kinds[kind], state.with_kind(kind).href(here)) for kind in KINDS
                   if kind in counts.kinds],
            facets=[facet for name in _FACETS if (facet := _facet(name, state, counts, opened, reader)).first],
            first=(page - 1) * PAGE + 1, last=min(page * PAGE, counts.total),
            previous=state.on_page(page - 1).href(here) if page > 1 else "",
            next=state.on_page(page + 1).href(here) if page < last else "",
            map=map_of(points, reader),
            points=len(points), files=files, query=query_of(wanted),
            workbench=f"{reader.addresses.path('sparql')}?{urlencode({'query': query_of(wanted)})}",
        )  # fmt: skip


def _facet(name: str, state: State, counts: FacetCounts, opened: OpenRelease, reader: PageRequest) -> Facet:
    here, found = reader.addresses.path("explore"), dict(counts.facets[name])
    wanted = {value: found.get(value, 0) for value in state.iris(name, reader.addresses)}
    largest = max([*found.values(), 1])
    choices = [
        Choice(value, _value_name(name, value, opened, reader), count, round(100 * count / largest),
               state.toggled(name, value).href(here), value in wanted)
        for value, count in {**found, **wanted}.items()
    ]  # fmt: skip
    if name == "decade":
        return Facet(name, reader.translations(_FACETS[name]), tuple(sorted(choices, key=lambda one: one.value)), ())
    by_count = sorted(choices, key=lambda one: (not one.is_chosen, -one.count, collation_key(one.name.text)))
    rest = sorted(by_count[_FIRST:], key=lambda one: collation_key(one.name.text))
    # One or two that are left need not fold away.
    first, rest = (by_count, []) if len(rest) < 3 else (by_count[:_FIRST], rest)
    return Facet(name, reader.translations(_FACETS[name]), tuple(first), tuple(rest))


def _value_name(name: str, value: str, opened: OpenRelease, reader: PageRequest) -> Text:
    if name == "decade":
        return Text(f"{value}–{value[:3]}9")
    if name == "protocol":
        return Text(reader.translations(SIGNED[value]) if value in SIGNED else value)
    label = opened.labels.best(value, reader.translations.language)
    return Text(label.text, "" if label.language in ("", reader.translations.language) else label.language)


def _country_of(opened: OpenRelease, reader: PageRequest) -> Callable[[Entity], str]:
    def country(one: Entity) -> str:
        return (
            opened.labels.best(one.country, reader.translations.language).text
            if one.country not in ("", one.iri)
            else ""
        )

    return country


def _as_csv(rows: Iterable[Entity]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_record(one).values() for one in rows)
    return text.getvalue()


def _as_json(rows: Iterable[Entity], wanted: Filter, state: State) -> str:
    results = [{name: value for name, value in _record(one).items() if value not in ("", None)} for one in rows]
    asked = {"type": wanted.kind, **dict(state.values), **({"at": wanted.at} if wanted.at else {})}
    answer = {"asked": asked, "count": len(results), "results": results, "query": query_of(wanted)}
    return json.dumps(answer, ensure_ascii=False) + "\n"


def _record(one: Entity) -> dict[str, str | float | None]:
    id_ = one.iri.partition("/id/")[2]
    values = (id_, one.iri, one.label, one.label_tr, id_.partition("/")[0], one.country.partition("/id/")[2],
              one.latitude, one.longitude, one.since, one.ties, one.protocol)  # fmt: skip
    return dict(zip(_COLUMNS, values, strict=True))


_SIZE = 230.0  # so small that names are as large on the page as in the drawing
_SHADES = (10, 3, 1)  # agreements from which a shade begins, the darkest first


def map_of(places: Sequence[Entity], reader: PageRequest) -> Markup:
    """The map, or nothing where no place is known."""
    marks = [_mark(one, reader) for one in places if one.latitude is not None and one.longitude is not None]
    if not marks:
        return Markup()
    words = reader.translations
    title = words.count("Map of {number} place", "Map of {number} places", len(marks))
    told = words("Each mark is a place in the list; darker marks have more agreements.")
    return extent(marks, land(), Caption(title, told, words.language), name="map", size=_SIZE)


def _mark(one: Entity, reader: PageRequest) -> MapMark:
    name = one.name(reader.translations.language)
    told = reader.translations.count("{number} agreement", "{number} agreements", one.ties)
    shade = next((place for place, least in enumerate(_SHADES) if one.ties >= least), len(_SHADES))
    return MapMark(
        0, name, GeoPoint(one.latitude or 0.0, one.longitude or 0.0),
        f"{name}, {told}",
        href=reader.addresses.local(one.iri), kind="area" if "/area/" in one.iri else "city", age=shade,
    )  # fmt: skip
