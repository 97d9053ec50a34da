"""The page of a country: its places with agreements, on a map and by partner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.map import MapMark, atlas, extent
from citygraph.charts.projection import GeoPoint as MapPoint
from citygraph.charts.svg import Caption
from citygraph.geo import kilometres
from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.text import collation_key
from citygraph.web.kinds.drawing import NARROW, WIDE, land, thousands
from citygraph.web.kinds.page_context import Ground, Layout, standing, text_of
from citygraph.web.kinds.ties import Facts, GeoPoint, dates_of, facts, point_of
from citygraph.web.view.values import Text, number

_TOLD_OF = frozenset({CG("country").value})
_MOST = 200  # places in the table
_PARTNERS = 8  # of one place in the table
_MARKS = 120


@dataclass(frozen=True, slots=True)
class Bound:
    """A place of the country with its partners, by name; `more` are left out."""

    number: int
    iri: str
    name: Text
    agreements: int
    partners: tuple[Text, ...]
    more: int
    point: GeoPoint | None


@dataclass(frozen=True)
class CountryMap:
    """The map, and about which place it is: None where it has no centre."""

    svg: Markup
    near: Markup  # for a telephone
    centre: Text | None


def country(ground: Ground, description: Description) -> Layout:
    """The layout of a country."""
    node = NamedNode(description.iri)
    agreements, partners = _tied(ground, node)
    said = facts(ground.ask("country-points", country=node), "party")
    points = {iri: point for iri, one in said.items() if (point := point_of(one))}
    bound = _bound(ground, agreements, partners, points)
    values = {
        "map": _map(ground, ground.registrar.link(description.iri).text, bound, partners, points),
        "bound": bound[:_MOST],
        "total": len(bound),
    }
    return Layout("kinds/country.html", values, told_of=_TOLD_OF if bound else frozenset())


def _tied(ground: Ground, node: NamedNode) -> tuple[dict[str, set[str]], dict[str, Counter[str]]]:
    """The agreements of each place, and with whom each has how many; on a day, those that were in force."""
    agreements: dict[str, set[str]] = {}
    partners: dict[str, Counter[str]] = {}
    dated = facts(ground.ask("country-dates", country=node), "agreement") if ground.at else {}
    gone = {iri for iri, said in dated.items() if not _is_in_force(ground, said)}
    for row in ground.ask("country-ties", country=node):
        if text_of(row.get("agreement")) in gone:
            continue
        place, partner = text_of(row.get("place")), text_of(row.get("partner"))
        agreements.setdefault(place, set()).add(text_of(row.get("agreement")))
        partners.setdefault(place, Counter())[partner] += 1
    return agreements, partners


def _is_in_force(ground: Ground, said: Facts) -> bool:
    starts = (*dates_of(said, "councilActDate"), *dates_of(said, "protocolDate"))
    return not standing(ground, starts, dates_of(said, "endDate"))


def _bound(
    ground: Ground,
    agreements: Mapping[str, set[str]],
    partners: Mapping[str, Counter[str]],
    points: Mapping[str, GeoPoint],
) -> tuple[Bound, ...]:
    """The places, that with the most agreements first."""
    link = ground.registrar.link
    names = {iri: link(iri) for iri in agreements}
    order = sorted(agreements, key=lambda iri: (-len(agreements[iri]), collation_key(names[iri].text), iri))
    found = []
    for place_number, iri in enumerate(order, 1):
        known = sorted(map(link, partners[iri]), key=lambda text: collation_key(text.text))
        shown = known if len(known) <= _PARTNERS + 1 else known[:_PARTNERS]
        more = len(known) - len(shown)
        found.append(Bound(place_number, iri, names[iri], len(agreements[iri]), tuple(shown), more, points.get(iri)))
    return tuple(found)


def _map(
    ground: Ground, name: str, bound: Iterable[Bound], partners: Mapping[str, Counter[str]], points: Mapping[str, GeoPoint]
) -> CountryMap | None:
    """The places about the partner that all of them have, or the only one about itself; else with no centre."""
    placed = [one for one in bound if one.point][:_MARKS]
    if not placed:
        return None
    shared = Counter(partner for one in placed for partner in partners[one.iri] if partner in points)
    heart, reach = shared.most_common(1)[0] if shared else ("", 0)
    if len(placed) == 1 and len(shared) > 1:
        others = [iri for iri in partners[placed[0].iri] if iri in points]
        marks = [_ray(ground, iri, points[iri], placed[0].point) for iri in others]
        return _about(ground, name, placed[0].iri, points, marks)
    if heart and reach == len(placed) and heart not in {one.iri for one in placed}:
        return _about(ground, name, heart, points, [_mark(ground, one, points[heart]) for one in placed])
    words = ground.words
    title = words("Places of {name} with agreements", name=name)
    caption = Caption(title, words("A map of the places, numbered as in the table."), words.language)
    marks = [_mark(ground, one, None) for one in placed]
    return CountryMap(
        extent(marks, land(), caption, "places", WIDE), extent(marks, land(), caption, "places-near", NARROW), None
    )


def _about(ground: Ground, name: str, heart: str, points: Mapping[str, GeoPoint], marks: Sequence[MapMark]) -> CountryMap:
    """The map about one place, with a ray to each mark."""
    words, centre = ground.words, ground.registrar.link(heart)
    title = words("{name}, seen from {centre}", name=name, centre=centre.text)
    described = words("A map about {centre}: a ray to each place that has an agreement with it.", centre=centre.text)
    here = MapMark(0, centre.text, MapPoint(*points[heart]), centre.text, centre.language, centre.href)
    caption = Caption(title, described, words.language)
    whole, near = (
        atlas(here, marks, land(), caption, drawn, size, words("{number} km", number="{}"), thousands(words))
        for drawn, size in (("places", WIDE), ("places-near", NARROW))
    )
    return CountryMap(whole, near, centre)


def _ray(ground: Ground, iri: str, point: GeoPoint, centre: GeoPoint | None) -> MapMark:
    """A partner abroad, which the table names with its place."""
    name = ground.registrar.link(iri)
    words = ground.words
    km = [words("{number} km", number=number(str(round(kilometres(*centre, *point))), words))] if centre else []
    return MapMark(0, name.text, MapPoint(*point), ", ".join([name.text, *km]), name.language, name.href)


def _mark(ground: Ground, one: Bound, centre: GeoPoint | None) -> MapMark:
    point = one.point or (0.0, 0.0)
    words = ground.words
    km = [words("{number} km", number=number(str(round(kilometres(*centre, *point))), words))] if centre else []
    agreements = words.count("{number} agreement", "{number} agreements", one.agreements)
    told = ", ".join([f"{one.number}: {one.name.text}", *km, agreements])
    label = f"{one.number} {one.name.text}"
    return MapMark(one.number, label, MapPoint(*point), told, one.name.language, one.name.href)
