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
from citygraph.rdf.terms import CG
from citygraph.web.kinds.drawing import NARROW, WIDE, land, thousands
from citygraph.web.kinds.page_context import Layout, PageContext, text_of, validity
from citygraph.web.kinds.ties import Point, facts_by_subject, point_of
from citygraph.web.view.values import Text, number

_COVERED_LINKS = frozenset({CG("country").value})
# The page of a country with thousands of places stays small: limits of table and map.
_MOST = 200  # places in the table
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
    """Returns the layout of a country."""
    node = NamedNode(description.iri)
    agreements, partners = _tied(context, node)
    facts = facts_by_subject(context.ask("country-points", country=node), "party")
    points = {iri: point for iri, one in facts.items() if (point := point_of(one))}
    places = _places(context, agreements, partners, points)
    values = {
        "map": _map(context, context.table.link(description.iri).text, places, partners, points),
        "bound": places[:_MOST],
        "total": len(places),
    }
    return Layout("kinds/country.html", values, covered_links=_COVERED_LINKS if places else frozenset())


def _tied(context: PageContext, node: NamedNode) -> tuple[dict[str, set[str]], dict[str, Counter[str]]]:
    """Returns the agreements of each place, and how many it has with each partner.

    Only agreements in force count, on the requested date or else today.
    """
    agreements: dict[str, set[str]] = {}
    partners: dict[str, Counter[str]] = {}
    dated = facts_by_subject(context.ask("country-dates", country=node), "agreement")
    day = context.at or context.today
    gone = {iri for iri, facts in dated.items() if validity(context, facts, day)}
    for row in context.ask("country-ties", country=node):
        if text_of(row.get("agreement")) in gone:
            continue
        place, partner = text_of(row.get("place")), text_of(row.get("partner"))
        agreements.setdefault(place, set()).add(text_of(row.get("agreement")))
        partners.setdefault(place, Counter())[partner] += 1
    return agreements, partners


def _places(
    context: PageContext,
    agreements: Mapping[str, set[str]],
    partners: Mapping[str, Counter[str]],
    points: Mapping[str, Point],
) -> tuple[TiedPlace, ...]:
    """Returns the places, those with the most agreements first."""
    link, sort_key = context.table.link, context.translations.sort_key
    names = {iri: link(iri) for iri in agreements}
    order = sorted(agreements, key=lambda iri: (-len(agreements[iri]), sort_key(names[iri].text), iri))
    places = []
    for place_number, iri in enumerate(order, 1):
        names_of_partners = sorted(map(link, partners[iri]), key=lambda text: sort_key(text.text))
        # A single further partner is listed: "and 1 more" would take as much space.
        listed = names_of_partners if len(names_of_partners) <= _PARTNERS + 1 else names_of_partners[:_PARTNERS]
        more = len(names_of_partners) - len(listed)
        places.append(
            TiedPlace(place_number, iri, names[iri], len(agreements[iri]), tuple(listed), more, points.get(iri))
        )
    return tuple(places)


def _map(
    context: PageContext,
    name: str,
    places: Iterable[TiedPlace],
    partners: Mapping[str, Counter[str]],
    points: Mapping[str, Point],
) -> CountryMap | None:
    """Draws the places around the partner that all of them share, or a single place around itself.

    Without such a centre it is a plain map.
    """
    placed = [one for one in places if one.point][:_MARKS]
    if not placed:
        return None
    shared = Counter(partner for one in placed for partner in partners[one.iri] if partner in points)
    heart, reach = shared.most_common(1)[0] if shared else ("", 0)
    # A country with one place on the map: the place itself is the centre, with its partners abroad.
    if len(placed) == 1 and len(shared) > 1:
        others = [iri for iri in partners[placed[0].iri] if iri in points]
        marks = [_ray(context, iri, points[iri], placed[0].point) for iri in others]
        return _about(context, name, placed[0].iri, points, marks)
    # The country's own places cannot be the centre of the places around them.
    if heart and reach == len(placed) and heart not in {one.iri for one in placed}:
        return _about(context, name, heart, points, [_mark(context, one, points[heart]) for one in placed])
    _ = context.translations
    title = _("Places of {name} with agreements", name=name)
    caption = Caption(title, _("A map of the places, numbered as in the table."), _.language)
    marks = [_mark(context, one, None) for one in placed]
    return CountryMap(
        extent(marks, land(), caption, "places", WIDE), extent(marks, land(), caption, "places-near", NARROW), None
    )


def _about(
    context: PageContext, name: str, heart: str, points: Mapping[str, Point], marks: Sequence[MapMark]
) -> CountryMap:
    """Draws a map around one place, with a line to each mark."""
    _, centre = context.translations, context.table.link(heart)
    title = _("{name}, seen from {centre}", name=name, centre=centre.text)
    described = _(
        "A map centred on {centre}, with a line to each place that has an agreement with it.", centre=centre.text
    )
    here = MapMark(0, centre.text, GeoPoint(*points[heart]), centre.text, centre.language, centre.href)
    caption = Caption(title, described, _.language)
    whole, near = (
        atlas(here, marks, land(), caption, drawn, size, _("{number} km", number="{}"), thousands(_))
        for drawn, size in (("places", WIDE), ("places-near", NARROW))
    )
    return CountryMap(whole, near, centre)


def _ray(context: PageContext, iri: str, point: Point, centre: Point | None) -> MapMark:
    """Returns the mark of a partner abroad, which the table names with its place."""
    name = context.table.link(iri)
    _ = context.translations
    km = [_("{number} km", number=number(str(round(kilometres(*centre, *point))), _))] if centre else []
    return MapMark(0, name.text, GeoPoint(*point), ", ".join([name.text, *km]), name.language, name.href)


def _mark(context: PageContext, one: TiedPlace, centre: Point | None) -> MapMark:
    point = one.point or (0.0, 0.0)
    _ = context.translations
    km = [_("{number} km", number=number(str(round(kilometres(*centre, *point))), _))] if centre else []
    agreements = _.count("{number} agreement", "{number} agreements", one.agreements)
    description = ", ".join([f"{one.number}: {one.name.text}", *km, agreements])
    label = f"{one.number} {one.name.text}"
    return MapMark(one.number, label, GeoPoint(*point), description, one.name.language, one.name.href)
