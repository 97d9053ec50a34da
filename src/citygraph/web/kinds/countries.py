"""The page of a country: its places with agreements, on a map and by partner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.map import MapMark, atlas, extent
from citygraph.charts.projection import GeoPoint
from citygraph.charts.svg import Caption
from citygraph.geo import kilometres
from citygraph.graph.description import Description
from citygraph.graph.things import Facts
from citygraph.rdf.terms import CG
from citygraph.web.kinds.drawing import NARROW, WIDE, land_files, thousands
from citygraph.web.kinds.page_context import (
    ATTESTED_DURING,
    CURRENT_STATE,
    VALID_DURING,
    Layout,
    PageContext,
    TablePart,
    part_of,
    text_of,
    validity,
)
from citygraph.web.kinds.ties import Point, point_of
from citygraph.web.view.values import Text, number

_COUNTRY, _PARTY = CG("country").value, CG("party").value
# The variables of the query about ties, with the properties of an agreement.
_OF_TIE = (("other", _PARTY), ("valid", VALID_DURING), ("attested", ATTESTED_DURING), ("state", CURRENT_STATE))
_Ties = Mapping[tuple[str, str], Facts]  # by place and agreement
_COVERED_LINKS = frozenset({_COUNTRY})
# The page of a country with thousands of places stays small: limits of table and map.
_PARTNERS = 8  # of one place in the table
_MARKS = 120


@dataclass(frozen=True, slots=True)
class TiedPlace:
    """A place of the country with its partners by name; `more` partners are left out."""

    number: int
    iri: str
    name: Text
    agreements: int
    partners: tuple[Text, ...]
    more: int
    point: Point | None


@dataclass(frozen=True)
class CountryMap:
    """A map of the country's places and the place at its centre, if it has one."""

    svg: Markup
    near: Markup  # for a telephone
    centre: Text | None


def country(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a country. Its further pages have the next places."""
    agreements, partners = _tied(context, description.iri)
    part = _part(context, agreements, description.page)
    shown = _places(context, part.rows, part.first, agreements, partners)
    drawn = shown if description.page == 1 else ()
    values = {
        "map": _map(context, context.table.link(description.iri).text, drawn, partners),
        "bound": TablePart(shown, part.first, part.total, part.page, part.pages),
    }
    covered_links = _COVERED_LINKS if agreements else frozenset()
    return Layout("kinds/country.html", values, covered_links=covered_links, has_map=True)


def _tied(context: PageContext, iri: str) -> tuple[dict[str, set[str]], dict[str, Counter[str]]]:
    """Returns the agreements of each place, and how many it has with each partner.

    Only agreements in force count, on the requested date or else today.
    """
    day = context.at or context.today
    agreements: dict[str, set[str]] = {}
    partners: dict[str, Counter[str]] = {}
    for (place, agreement), tie in _ties(context, iri).items():
        if not validity(context, tie, day):
            agreements.setdefault(place, set()).add(agreement)
            partners.setdefault(place, Counter()).update(tie[_PARTY])
    return agreements, partners


def _ties(context: PageContext, iri: str) -> _Ties:
    """Returns the agreements of each place, with their other parties and what decides whether they are in force.

    One query, because thousands of lookups take three times as long. The pages of the table have the result in common.
    """
    key = ("ties", iri)
    ties: _Ties | None = context.opened.shared_parts.get(key)
    if ties is None:
        read: dict[tuple[str, str], dict[str, set[str]]] = {}
        for row in context.ask("country-ties", country=NamedNode(iri)):
            facts = read.setdefault((text_of(row.get("place")), text_of(row.get("agreement"))), {})
            for variable, name in _OF_TIE:
                if value := text_of(row.get(variable)):
                    facts.setdefault(name, set()).add(value)
        ties = {pair: {name: tuple(sorted(values)) for name, values in read[pair].items()} for pair in sorted(read)}
        ties = context.opened.shared_parts.put(key, ties)
    return ties


def _part(context: PageContext, agreements: Mapping[str, set[str]], page: int) -> TablePart[str]:
    """Returns the places of a page of the table: those with the most agreements first, and equal ones by name."""
    link, sort_key = context.table.link, context.translations.sort_key
    order = sorted(agreements, key=lambda iri: (-len(agreements[iri]), iri))
    # Of the others the names are not read.
    numbers = {len(agreements[iri]) for iri in part_of(order, page).rows}
    start = next((place for place, iri in enumerate(order) if len(agreements[iri]) in numbers), 0)
    named = [iri for iri in order if len(agreements[iri]) in numbers]
    named.sort(key=lambda iri: (-len(agreements[iri]), sort_key(link(iri).text), iri))
    order[start : start + len(named)] = named
    return part_of(order, page)


def _places(
    context: PageContext,
    iris: Sequence[str],
    first: int,
    agreements: Mapping[str, set[str]],
    partners: Mapping[str, Counter[str]],
) -> tuple[TiedPlace, ...]:
    """Returns the places of a page, numbered from `first`."""
    link, sort_key = context.table.link, context.translations.sort_key
    places = []
    for place_number, iri in enumerate(iris, first):
        names_of_partners = sorted(map(link, partners[iri]), key=lambda text: sort_key(text.text))
        # A single further partner is listed: "and 1 more" would take as much space.
        listed = names_of_partners if len(names_of_partners) <= _PARTNERS + 1 else names_of_partners[:_PARTNERS]
        more = len(names_of_partners) - len(listed)
        point = point_of(context.opened.things.facts(iri))
        places.append(TiedPlace(place_number, iri, link(iri), len(agreements[iri]), tuple(listed), more, point))
    return tuple(places)


def _map(
    context: PageContext,
    name: str,
    places: Iterable[TiedPlace],
    partners: Mapping[str, Counter[str]],
) -> CountryMap | None:
    """Draws the places around the partner that all of them share, or a single place around itself.

    Without such a centre it is a plain map.
    """
    placed = [one for one in places if one.point][:_MARKS]
    if not placed:
        return None
    # A country with one place on the map: the place itself is the centre, with its partners abroad.
    if len(placed) == 1 and len(abroad := _points(context, partners[placed[0].iri])) > 1:
        centre = placed[0].point or (0.0, 0.0)
        marks = [_ray(context, iri, point, centre) for iri, point in abroad.items()]
        return _about(context, name, placed[0].iri, centre, marks)
    counts = Counter(partner for one in placed for partner in partners[one.iri])
    shared = _points(context, sorted(iri for iri, count in counts.items() if count == len(placed)))
    heart = next(iter(shared), "")
    # The country's own places cannot be the centre of the places around them.
    if heart and heart not in {one.iri for one in placed}:
        return _about(context, name, heart, shared[heart], [_mark(context, one, shared[heart]) for one in placed])
    _ = context.translations
    title = _("Places of {name} with agreements", name=name)
    caption = Caption(title, _("A map of the places, numbered as in the table."), _.language)
    marks, coast = [_mark(context, one, None) for one in placed], land_files(context.addresses)
    return CountryMap(
        extent(marks, coast, caption, "places", WIDE), extent(marks, coast, caption, "places-near", NARROW), None
    )


def _points(context: PageContext, iris: Iterable[str]) -> dict[str, Point]:
    """Returns the locations of those places that have one."""
    things = context.opened.things
    return {iri: point for iri in iris if (point := point_of(things.facts(iri)))}


def _about(context: PageContext, name: str, heart: str, point: Point, marks: Sequence[MapMark]) -> CountryMap:
    """Draws a map around one place, with a line to each mark."""
    _, centre = context.translations, context.table.link(heart)
    title = _("{name}, seen from {centre}", name=name, centre=centre.text)
    described = _(
        "A map centred on {centre}, with a line to each place that has an agreement with it.", centre=centre.text
    )
    here = MapMark(0, centre.text, GeoPoint(*point), centre.text, centre.language, centre.href)
    caption = Caption(title, described, _.language)
    coast = land_files(context.addresses)
    whole, near = (
        atlas(here, marks, coast, caption, drawn, size, _("{number} km", number="{}"), thousands(_))
        for drawn, size in (("places", WIDE), ("places-near", NARROW))
    )
    return CountryMap(whole, near, centre)


def _ray(context: PageContext, iri: str, point: Point, centre: Point) -> MapMark:
    """Returns the mark of a partner abroad, which the table names with its place."""
    name = context.table.link(iri)
    _ = context.translations
    km = _("{number} km", number=number(str(round(kilometres(*centre, *point))), _))
    return MapMark(0, name.text, GeoPoint(*point), f"{name.text}, {km}", name.language, name.href)


def _mark(context: PageContext, one: TiedPlace, centre: Point | None) -> MapMark:
    point = one.point or (0.0, 0.0)
    _ = context.translations
    km = [_("{number} km", number=number(str(round(kilometres(*centre, *point))), _))] if centre else []
    agreements = _.count("{number} agreement", "{number} agreements", one.agreements)
    description = ", ".join([f"{one.number}: {one.name.text}", *km, agreements])
    label = f"{one.number} {one.name.text}"
    return MapMark(one.number, label, GeoPoint(*point), description, one.name.language, one.name.href)
