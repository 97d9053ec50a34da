"""/network: cities and agreements as a graph: the whole, a city with its partners and theirs, the way between two."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, pi, radians, sin

from markupsafe import Markup, escape

from citygraph.index.entities import Entity, EntityTable
from citygraph.index.tie_graph import MOST_WHOLE, Subgraph, TieEdge, neighbourhood, path_between, whole_graph
from citygraph.settings import Settings
from citygraph.text import collation_key
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, chosen, reply
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, Shelf
from citygraph.web.view.templates import Templates
from citygraph.web.view.values import Text

_LONGEST = 200
_PLACES = ("city", "area", "country")
_MOST_LISTED = 300  # of what is left out of the picture
_MOST_ROWS = 200  # of the table beside it


@dataclass(frozen=True)
class Asked:
    """A place that somebody named: what was typed, and what it is; `iri` is empty if nothing has this name."""

    typed: str
    iri: str = ""
    name: str = ""


@dataclass(frozen=True)
class TieRow:
    """A tie in the table: both places, the agreements with their first dates, and whether a protocol is signed."""

    one: Text
    other: Text
    agreements: tuple[tuple[Text, str, str], ...]


@dataclass(frozen=True)
class View:
    """What the page shows: which of its four sights, the part of the graph, and in how many ways it can be gone."""

    sight: str
    part: Subgraph
    ways: int = 0


class Network:
    """The graph of ties of a release."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups, pages: Templates) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """The whole; ?city= and its partners; the shortest way ?from= one ?to= another. Names or identifiers."""
        offer = chosen(request, (HTML, JSON), extension)
        opened, reader = self._shelf.of_request(request), page_request_of(request, self._settings)
        city, start, end = (self._asked(opened, request.args.get(n, ""), reader) for n in ("city", "from", "to"))
        view = _view(opened.listing, city, start, end)
        listed = opened.listing.named({*view.part.places, *(a for tie in view.part.ties for a in tie.agreements)})
        if offer is JSON:
            return reply(request, _as_json(view, listed), JSON)
        left = [iri for ring in view.part.omitted for iri in ring]
        names = opened.listing.named(left[:_MOST_LISTED])
        page = self._pages.page(
            "network.html", reader, opened.release, view=view, part=view.part, city=city, start=start, end=end,
            picture=network_of(view.sight, view.part, listed, reader), most=MOST_WHOLE,
            rows=[_row(tie, listed, reader) for tie in view.part.ties[:_MOST_ROWS]],
            ring=[_text(listed[iri], reader) for iri in view.part.places],
            left=_by_name([_text(one, reader) for one in names.values()]), left_count=len(left),
            places=len(opened.listing.ties.neighbours), here=reader.addresses.path("network"),
        )  # fmt: skip
        return reply(request, page, HTML, reader.translations.language)

    def _asked(self, opened: OpenRelease, typed: str, reader: PageRequest) -> Asked:
        """The place of this identifier, or else the best of this name."""
        typed = typed.strip()[:_LONGEST]
        iri = _identified(typed, reader.addresses)
        found = opened.listing.named([iri]).get(iri) if iri else None
        if found is None and typed:
            lookup = self._lookups.of(opened.release)
            hit = next((hit for kind in _PLACES for hit in lookup.find(typed, 1, kind)), None)
            found = opened.listing.named([hit.entity]).get(hit.entity) if hit else None
        return Asked(typed, found.iri, found.name(reader.translations.language)) if found else Asked(typed)


def _view(listing: EntityTable, city: Asked, start: Asked, end: Asked) -> View:
    if start.iri and end.iri:
        return View("way", path_between(listing.ties, start.iri, end.iri), listing.ties.path_count(start.iri, end.iri))
    if start.typed or end.typed:
        return View("asked", Subgraph((), ()))
    if city.typed:
        return View("around", neighbourhood(listing.ties, city.iri)) if city.iri else View("asked", Subgraph((), ()))
    return View("whole", whole_graph(listing.ties))


def _identified(typed: str, addresses: Addresses) -> str:
    kind, slash, slug = typed.partition("/")
    return addresses.iri(f"id/{typed}") if slash and slug and kind in _PLACES else ""


def _row(tie: TieEdge, listed: dict[str, Entity], reader: PageRequest) -> TieRow:
    agreements = [listed[iri] for iri in tie.agreements]
    return TieRow(_text(listed[tie.one], reader), _text(listed[tie.other], reader),
                  tuple((_text(one, reader), one.since, one.protocol) for one in agreements))  # fmt: skip


def _text(one: Entity, reader: PageRequest) -> Text:
    return Text(one.name(reader.translations.language), "", reader.addresses.local(one.iri))


def _by_name(texts: Iterable[Text]) -> list[Text]:
    return sorted(texts, key=lambda text: collation_key(text.text))


def _as_json(view: View, listed: dict[str, Entity]) -> str:
    nodes = [{"iri": iri, "label": listed[iri].label, "ring": ring} for ring, places in enumerate(view.part.hops)
             for iri in places]  # fmt: skip
    edges = [{"from": tie.one, "to": tie.other, "agreements": list(tie.agreements)} for tie in view.part.ties]
    answer = {"sight": view.sight, "places": view.part.count, "nodes": nodes, "edges": edges,
              **({"ways": view.ways} if view.sight == "way" else {})}  # fmt: skip
    return json.dumps(answer, ensure_ascii=False) + "\n"


_HALF = 500  # the picture reaches from -500 to 500
_RINGS = (0, 200, 350)
_ALONE = 330  # the first ring where there is no second
_DOTS = (9, 5, 4)
_LETTERS = 24  # of a label; the whole name stands in its title
_AGES = (1990, 2000, 2010)  # where a step of colour ends: the oldest is the darkest


@dataclass(frozen=True)
class _Place:
    """Where a place is drawn: angle from the top, clockwise, and distance from the middle."""

    angle: float
    radius: float

    @property
    def point(self) -> tuple[float, float]:
        return round(self.radius * sin(self.angle), 1), round(-self.radius * cos(self.angle), 1)


def network_of(sight: str, part: Subgraph, listed: Mapping[str, Entity], reader: PageRequest) -> Markup:
    """The picture of a whole or of what lies around a place; nothing where there is nothing to draw."""
    if sight not in ("whole", "around") or not part.ties:
        return Markup()
    hub = _hub(part) if sight == "whole" else part.hops[0][0]
    around = [one for tie in part.ties if hub in (tie.one, tie.other) for one in (tie.one, tie.other) if one != hub]
    if sight == "whole" and len(around) < len(part.places) - 1:
        places = _circle(part.places, listed)
    else:
        places = _rings(hub, around, part, listed)
    lines = "".join(_line(tie, places, listed, hub in places and len(part.hops) > 1) for tie in part.ties)
    dots = "".join(_dot(iri, place, iri == hub, listed, reader) for iri, place in places.items())
    words = reader.translations
    title = words("Network of {count} places", count=len(places))
    told = words("The table below lists the connections. Older lines are darker; dashed lines have no known "
                 "protocol, dotted lines no known date.")  # fmt: skip
    text = (
        f'<svg class="picture net" viewBox="{-_HALF} {-_HALF} {2 * _HALF} {2 * _HALF}" role="group" '
        f'aria-labelledby="net-title net-desc"><title id="net-title">{escape(title)}</title>'
        f'<desc id="net-desc">{escape(told)}</desc><g aria-hidden="true">{lines}</g>{dots}</svg>'
    )
    return Markup(text)  # noqa: S704 - names are escaped where they stand


def _hub(part: Subgraph) -> str:
    counts: dict[str, int] = {}
    for tie in part.ties:
        for one in (tie.one, tie.other):
            counts[one] = counts.get(one, 0) + 1
    return max(counts, key=lambda one: (counts[one], one))


def _circle(places: Sequence[str], listed: Mapping[str, Entity]) -> dict[str, _Place]:
    """All on one circle, those of a country side by side."""
    order = sorted(places, key=lambda iri: (listed[iri].country, iri))
    return {iri: _Place(2 * pi * number / len(order), _ALONE) for number, iri in enumerate(order)}


def _rings(hub: str, near: Sequence[str], part: Subgraph, listed: Mapping[str, Entity]) -> dict[str, _Place]:
    """The near ones in the order of their directions from the hub, the far ones beyond those that they hang on."""
    first = sorted(dict.fromkeys(near), key=lambda iri: (_bearing(listed[hub], listed[iri]), iri))
    far = part.hops[2] if len(part.hops) > 2 else ()
    radius = _RINGS[1] if far else _ALONE
    places = {hub: _Place(0, 0)}
    places |= {iri: _Place(2 * pi * number / len(first), radius) for number, iri in enumerate(first)}
    parents = {iri: parent for parent in reversed(first) for iri in far if _are_tied(part, parent, iri)}
    order = sorted((iri for iri in far if iri in parents), key=lambda iri: (places[parents[iri]].angle, iri))
    for iri, angle in zip(order, _spread([places[parents[iri]].angle for iri in order]), strict=True):
        places[iri] = _Place(angle, _RINGS[2])
    return places


def _spread(wanted: list[float]) -> list[float]:
    """Angles near the wanted ones, in their order, none nearer to the next than a label is high."""
    gap = min(2 * pi / max(1, len(wanted)), 0.05)
    angles: list[float] = []
    for angle in wanted:
        angles.append(max(angle, angles[-1] + gap) if angles else angle)
    over = angles[-1] - (angles[0] + 2 * pi - gap) if angles else 0
    return [2 * pi * n / len(wanted) + angles[0] for n in range(len(wanted))] if over > 0 else angles


def _are_tied(part: Subgraph, one: str, other: str) -> bool:
    return any({tie.one, tie.other} == {one, other} for tie in part.ties)


def _bearing(start: Entity, end: Entity) -> float:
    """The direction in which one lies from the other, clockwise from north; last what has no coordinates."""
    if None in (start.latitude, start.longitude, end.latitude, end.longitude):
        return 7.0
    (a, b), (c, d) = ((radians(one.latitude or 0), radians(one.longitude or 0)) for one in (start, end))
    return atan2(sin(d - b) * cos(c), cos(a) * sin(c) - sin(a) * cos(c) * cos(d - b)) % (2 * pi)


def _line(tie: TieEdge, places: Mapping[str, _Place], listed: Mapping[str, Entity], is_straight: bool) -> str:
    if tie.one not in places or tie.other not in places:
        return ""
    one, other = places[tie.one], places[tie.other]
    agreements = [listed[iri] for iri in tie.agreements if iri in listed]
    since = min((a.since for a in agreements if a.since), default="")
    signed = "signed" if any(a.protocol == "yes" for a in agreements) else "act" if since else "undated"
    age = sum(since[:4] >= str(year) for year in _AGES)
    (x, y), (u, v) = one.point, other.point
    bent = one.radius and other.radius and not (is_straight and one.radius != other.radius)
    way = f"Q{(x + u) / 5:.1f} {(y + v) / 5:.1f} {u} {v}" if bent else f"L{u} {v}"
    return f'<path class="{signed} age-{age}" d="M{x} {y}{way}"/>'


def _dot(iri: str, place: _Place, is_hub: bool, listed: Mapping[str, Entity], reader: PageRequest) -> str:
    name = listed[iri].name(reader.translations.language)
    size = _DOTS[0] if is_hub else _DOTS[1]
    x, y = place.point
    shape = f'<circle cx="{x}" cy="{y}" r="{size}"/>' if "/city/" in iri else _square(x, y, size)
    return (
        f'<a href="{escape(reader.addresses.local(iri))}" class="{"hub" if is_hub else "place"}">'
        f"<title>{escape(name)}</title>{shape}{''.join(_label(name, place, is_hub))}</a>"
    )


def _label(name: str, place: _Place, is_hub: bool) -> Iterator[str]:
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    if is_hub and not place.radius:
        yield f'<text y="-18" text-anchor="middle">{escape(short)}</text>'
        return
    turned = degrees(place.angle) - 90
    is_left = 90 < turned % 360 < 270
    x = place.radius + 12
    yield f'<text transform="rotate({turned + 180 if is_left else turned:.1f})" x="{-x if is_left else x}" dy="0.34em"'
    yield f' text-anchor="{"end" if is_left else "start"}">{escape(short)}</text>'


def _square(x: float, y: float, size: int) -> str:
    return f'<rect x="{x - size}" y="{y - size}" width="{2 * size}" height="{2 * size}"/>'
