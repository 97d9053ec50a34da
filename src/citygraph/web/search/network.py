"""/network: places and agreements as a graph: the whole, the surroundings of a place, the shortest path between two."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from math import atan2, cos, degrees, pi, radians, sin

from markupsafe import Markup, escape

from citygraph.errors import UnknownName, UsageError
from citygraph.index.entities import Entity, EntityTable
from citygraph.index.tie_graph import Subgraph, TieEdge, neighbourhood, path_between, whole_graph
from citygraph.rdf.formats import BY_NAME
from citygraph.rdf.partial_dates import chronological
from citygraph.settings import Settings
from citygraph.text import nfc
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, Variant, check_parameters, chosen, reply
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, ReleaseCache
from citygraph.web.view.templates import Templates
from citygraph.web.view.values import AlternateForm, Text

# Returns the result of a stored query in a format.
ResultFile = Callable[[Request, str, str], Reply]

# The stored query for the files, and the format of each by its extension.
_QUERY = "network"
_FORMATS = {"json": "nodelink", "csv": "edges"} | {
    name: name for name in ("gexf", "graphml", "geojson", "gpkg", "parquet", "xlsx")
}
_OFFERS = (
    HTML,
    JSON,
    *(Variant(name, BY_NAME[format_].content_type) for name, format_ in _FORMATS.items() if name != JSON.name),
)
# Parameters that select a part of the network.
_PARTS = ("city", "from", "to")
_LONGEST = 200
_PLACES = ("city", "area", "country")
_MOST_LISTED = 300  # of the places that the chart omits
_MOST_ROWS = 200  # of the table below the chart
_HALF = 500  # the chart reaches from -500 to 500
_RADII = (0, 200, 350)  # of the rings, by distance from the centre in hops
_ONLY_RADIUS = 330  # of a single ring
_HUB_SIZE, _DOT_SIZE = 9, 5
_LETTERS = 24  # of a label; the whole name is in the title
_AGES = (1990, 2000, 2010)  # years at which a colour ends: the oldest is the darkest


@dataclass(frozen=True)
class RequestedPlace:
    """A place in the request: the typed text and the place; `iri` is empty if no place has this name."""

    typed: str
    iri: str = ""
    name: str = ""


@dataclass(frozen=True)
class TieRow:
    """A row of the table: both places, and the agreements with their first dates and the state of the protocol."""

    one: Text
    other: Text
    agreements: tuple[tuple[Text, str, str], ...]


@dataclass(frozen=True)
class NetworkView:
    """The content of the page: `kind` is whole, neighbourhood, path or unknown (a place is missing or unknown).

    Agreements that are not in force are not part of the network; `ended` is the number of these agreements in the
    release.
    """

    kind: str
    subgraph: Subgraph
    path_count: int = 0  # of shortest paths
    places: int = 0  # in the network
    ended: int = 0


class Network:
    """The graph of ties of a release."""

    def __init__(
        self,
        settings: Settings,
        cache: ReleaseCache,
        lookups: Lookups,
        pages: Templates,
        today: Callable[[], date],
        files: ResultFile,
    ) -> None:
        self._files = files
        self._settings = settings
        self._today = today
        self._cache = cache
        self._lookups = lookups
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """Returns the whole network, the surroundings of ?city=, or the shortest path ?from= ?to= (names or ids)."""
        check_parameters(request, *_PARTS)
        offer = chosen(request, _OFFERS, extension)
        if offer is not HTML and not any(request.args.get(name) for name in _PARTS):
            # By an engine, which can be ended, because a file has the whole network.
            answer = self._files(request, _QUERY, _FORMATS[offer.name])
            if offer.name == JSON.name and answer.header("Content-Type"):
                answer.set("Content-Type", JSON.content_type)
            return answer
        if offer not in (HTML, JSON):
            raise UsageError("the ties around a city and the paths are available as JSON; other files have all ties")
        opened, reader = self._cache.of_request(request), page_request_of(request, self._settings)
        city, start, end = (self._place(opened, request.args.get(n, ""), reader) for n in _PARTS)
        if offer is JSON:
            _check_places(city, start, end)
        # A release at its own address never changes, whatever the day.
        today = opened.release.manifest.created[:10] if request.release else self._today().isoformat()
        view = _view(opened.listing, city, start, end, today)
        subgraph = view.subgraph
        entities = opened.listing.named({*subgraph.places, *(a for tie in subgraph.ties for a in tie.agreements)})
        if offer is JSON:
            return reply(request, _as_json(view, entities), JSON)
        language = reader.translations.language
        entities = {iri: opened.in_language(one, language) for iri, one in entities.items()}
        omitted = [iri for hop in subgraph.omitted for iri in hop]
        named = opened.listing.named(omitted[:_MOST_LISTED])
        names = {iri: opened.in_language(one, language) for iri, one in named.items()}
        page = self._pages.page(
            "network.html",
            reader,
            opened.release,
            view=view,
            subgraph=subgraph,
            city=city,
            start=start,
            end=end,
            picture=network_of(view.kind, subgraph, entities, reader),
            rows=_rows(view, entities, reader)[:_MOST_ROWS],
            stops=[_text(entities[iri], reader) for iri in subgraph.places],
            omitted=_by_name(names.values(), reader),
            omitted_count=len(omitted),
            places=view.places,
            here=reader.addresses.path("network"),
            files=[] if any(place.typed for place in (city, start, end)) else _files(reader),
        )
        return reply(request, page, HTML, reader.translations.language)

    def _place(self, opened: OpenRelease, typed: str, reader: PageRequest) -> RequestedPlace:
        """Returns the place with this identifier, or else the best match of this name."""
        typed = nfc(typed).strip()[:_LONGEST]
        iri = _iri_of_identifier(typed, reader.addresses)
        place = opened.listing.named([iri]).get(iri) if iri else None
        if place is None and typed:
            lookup = self._lookups.of(opened.release)
            hit = next((hit for kind in _PLACES for hit in lookup.find(typed, 1, kind)), None)
            place = opened.listing.named([hit.entity]).get(hit.entity) if hit else None
        if place is None:
            return RequestedPlace(typed)
        language = reader.translations.language
        return RequestedPlace(typed, place.iri, opened.in_language(place, language).name(language))


def _check_places(city: RequestedPlace, start: RequestedPlace, end: RequestedPlace) -> None:
    """Raises UsageError if a program asks for a path without both ends, UnknownName if a place is unknown."""
    if bool(start.typed) != bool(end.typed) or (city.typed and start.typed):
        raise UsageError("name either one place as city, or both ends of a path as from and to")
    for parameter, place in zip(_PARTS, (city, start, end), strict=True):
        if place.typed and not place.iri:
            raise UnknownName(f"{parameter}: no place has the name {place.typed[:80]!r}", parameter)


def _files(reader: PageRequest) -> list[AlternateForm]:
    """Returns the files of the whole network."""
    return [
        AlternateForm(BY_NAME[format_].label, reader.addresses.path(f"network.{name}"), BY_NAME[format_].media_type)
        for name, format_ in _FORMATS.items()
    ]


def _view(
    table: EntityTable, city: RequestedPlace, start: RequestedPlace, end: RequestedPlace, today: str
) -> NetworkView:
    ties = table.ties_on(today)
    view = partial(NetworkView, places=len(ties.neighbours), ended=table.ended_count(today))
    if start.iri and end.iri:
        return view("path", path_between(ties, start.iri, end.iri), ties.path_count(start.iri, end.iri))
    if city.iri and not (start.typed or end.typed):
        return view("neighbourhood", neighbourhood(ties, city.iri))
    if start.typed or end.typed or city.typed:
        return view("unknown", Subgraph((), ()))
    return view("whole", whole_graph(ties))


def _iri_of_identifier(typed: str, addresses: Addresses) -> str:
    kind, slash, slug = typed.partition("/")
    return addresses.thing(f"id/{typed}") if slash and slug and kind in _PLACES else ""


def _rows(view: NetworkView, entities: Mapping[str, Entity], reader: PageRequest) -> list[TieRow]:
    """Returns the table: a path in its order, else the places with the most ties first, their partners by name."""
    rows = [_row(tie, entities, reader) for tie in view.subgraph.ties]
    if view.kind == "path":
        return rows
    # The ties are in the order of their first places, which a stable sort within each of them keeps.
    by_first = groupby(rows, key=lambda row: row.one.href)
    sort_key = reader.translations.sort_key
    return [row for _, ties in by_first for row in sorted(ties, key=lambda row: sort_key(row.other.text))]


def _row(tie: TieEdge, entities: Mapping[str, Entity], reader: PageRequest) -> TieRow:
    agreements = tuple(
        (_text(entities[iri], reader), entities[iri].since, entities[iri].protocol) for iri in tie.agreements
    )
    return TieRow(_text(entities[tie.one], reader), _text(entities[tie.other], reader), agreements)


def _text(one: Entity, reader: PageRequest) -> Text:
    return Text(one.name(reader.translations.language), "", reader.addresses.local(one.iri))


def _by_name(entities: Iterable[Entity], reader: PageRequest) -> list[Text]:
    sort_key = reader.translations.sort_key
    return sorted((_text(one, reader) for one in entities), key=lambda text: sort_key(text.text))


def _as_json(view: NetworkView, entities: Mapping[str, Entity]) -> str:
    # NetworkX's node-link format (directed, multigraph, graph, id, source, target), with members of our own.
    network: dict[str, object] = {
        "directed": False,
        "multigraph": False,
        "graph": {},
        "view": view.kind,
        "places": view.subgraph.count,
        "ended": view.ended,
        "nodes": [
            {"id": iri, "iri": iri, "label": entities[iri].label, "hop": distance}
            for distance, places in enumerate(view.subgraph.hops)
            for iri in places
        ],
        "edges": [
            {
                "source": tie.one,
                "target": tie.other,
                "from": tie.one,
                "to": tie.other,
                "agreements": list(tie.agreements),
            }
            for tie in view.subgraph.ties
        ],
    }
    if view.kind == "path":
        network["paths"] = view.path_count
    return json.dumps(network, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class _Position:
    """A position in the chart: the angle from the top, clockwise in radians, and the distance from the centre."""

    angle: float
    radius: float

    @property
    def point(self) -> tuple[float, float]:
        return round(self.radius * sin(self.angle), 1), round(-self.radius * cos(self.angle), 1)


def network_of(kind: str, part: Subgraph, entities: Mapping[str, Entity], reader: PageRequest) -> Markup:
    """Returns the chart of the whole network or of a place's surroundings; empty for other kinds and without ties."""
    if kind not in ("whole", "neighbourhood") or not part.ties:
        return Markup()
    hub = _hub(part) if kind == "whole" else part.hops[0][0]
    around = [one for tie in part.ties if hub in (tie.one, tie.other) for one in (tie.one, tie.other) if one != hub]
    # Rings show a whole network only if every other place is a partner of the hub.
    if kind == "whole" and len(around) < len(part.places) - 1:
        places = _circle(part.places, entities)
    else:
        places = _rings(hub, around, part, entities)
    lines = "".join(_line(tie, places, entities, hub in places and len(part.hops) > 1) for tie in part.ties)
    dots = "".join(_dot(iri, place, iri == hub, entities, reader) for iri, place in places.items())
    translate = reader.translations
    title = translate("Network of {count} places", count=len(places))
    description = translate(
        "The table below lists the connections. Older lines are darker; dashed lines have no known "
        "protocol, dotted lines no known date."
    )
    text = (
        f'<svg class="picture net" viewBox="{-_HALF} {-_HALF} {2 * _HALF} {2 * _HALF}" role="group" '
        f'aria-labelledby="net-title net-desc"><title id="net-title">{escape(title)}</title>'
        f'<desc id="net-desc">{escape(description)}</desc><g aria-hidden="true">{lines}</g>{dots}</svg>'
    )
    return Markup(text)  # noqa: S704 - every text in it is escaped


def _hub(part: Subgraph) -> str:
    """Returns the place with the most ties."""
    counts = Counter(one for tie in part.ties for one in (tie.one, tie.other))
    # Of equal ones always the same, so that the chart does not change from request to request.
    return max(counts, key=lambda one: (counts[one], one))


def _circle(places: Sequence[str], entities: Mapping[str, Entity]) -> dict[str, _Position]:
    """Returns positions on one circle, places of a country next to each other."""
    order = sorted(places, key=lambda iri: (entities[iri].country, iri))
    return {iri: _Position(2 * pi * number / len(order), _ONLY_RADIUS) for number, iri in enumerate(order)}


def _rings(hub: str, near: Sequence[str], part: Subgraph, entities: Mapping[str, Entity]) -> dict[str, _Position]:
    """Returns positions on rings: partners by their direction from the hub, others next to a partner of theirs."""
    first = sorted(dict.fromkeys(near), key=lambda iri: (_bearing(entities[hub], entities[iri]), iri))
    far = part.hops[2] if len(part.hops) > 2 else ()
    radius = _RADII[1] if far else _ONLY_RADIUS
    places = {hub: _Position(0, 0)}
    places |= {iri: _Position(2 * pi * number / len(first), radius) for number, iri in enumerate(first)}
    parents = {iri: parent for parent in reversed(first) for iri in far if _are_tied(part, parent, iri)}
    order = sorted((iri for iri in far if iri in parents), key=lambda iri: (places[parents[iri]].angle, iri))
    for iri, angle in zip(order, _spread([places[parents[iri]].angle for iri in order]), strict=True):
        places[iri] = _Position(angle, _RADII[2])
    return places


def _spread(ideal: list[float]) -> list[float]:
    """Returns angles near the ideal ones, in their order, with room for a label between any two."""
    gap = min(2 * pi / max(1, len(ideal)), 0.06)
    angles: list[float] = []
    for angle in ideal:
        angles.append(max(angle, angles[-1] + gap) if angles else angle)
    # Pushed beyond a full turn, the last labels would cover the first: then all are spread evenly.
    over = angles[-1] - (angles[0] + 2 * pi - gap) if angles else 0
    return [2 * pi * n / len(ideal) + angles[0] for n in range(len(ideal))] if over > 0 else angles


def _are_tied(part: Subgraph, one: str, other: str) -> bool:
    return any({tie.one, tie.other} == {one, other} for tie in part.ties)


def _bearing(start: Entity, end: Entity) -> float:
    """Returns the initial bearing from one place to another: radians, clockwise from north."""
    if None in (start.latitude, start.longitude, end.latitude, end.longitude):
        return 7.0  # more than a full turn, so that places without coordinates come last
    (a, b), (c, d) = ((radians(one.latitude or 0), radians(one.longitude or 0)) for one in (start, end))
    return atan2(sin(d - b) * cos(c), cos(a) * sin(c) - sin(a) * cos(c) * cos(d - b)) % (2 * pi)


def _line(tie: TieEdge, places: Mapping[str, _Position], entities: Mapping[str, Entity], is_straight: bool) -> str:
    if tie.one not in places or tie.other not in places:
        return ""
    one, other = places[tie.one], places[tie.other]
    agreements = [entities[iri] for iri in tie.agreements if iri in entities]
    since = min((a.since for a in agreements if a.since), key=chronological, default="")
    signed = "signed" if any(a.protocol == "yes" for a in agreements) else "act" if since else "undated"
    age = sum(chronological(since) >= chronological(str(year)) for year in _AGES)
    (x, y), (u, v) = one.point, other.point
    # Lines along a ring bend towards the centre, or they would run through the places between.
    bent = one.radius and other.radius and not (is_straight and one.radius != other.radius)
    path = f"Q{(x + u) / 5:.1f} {(y + v) / 5:.1f} {u} {v}" if bent else f"L{u} {v}"
    return f'<path class="{signed} age-{age}" d="M{x} {y}{path}"/>'


def _dot(iri: str, place: _Position, is_hub: bool, entities: Mapping[str, Entity], reader: PageRequest) -> str:
    name = entities[iri].name(reader.translations.language)
    size = _HUB_SIZE if is_hub else _DOT_SIZE
    x, y = place.point
    shape = f'<circle cx="{x}" cy="{y}" r="{size}"/>' if "/city/" in iri else _square(x, y, size)
    return (
        f'<a href="{escape(reader.addresses.local(iri))}" class="{"hub" if is_hub else "place"}">'
        f"<title>{escape(name)}</title>{shape}{''.join(_label(name, place, is_hub))}</a>"
    )


def _label(name: str, place: _Position, is_hub: bool) -> Iterator[str]:
    short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    if is_hub and not place.radius:
        yield f'<text y="-18" text-anchor="middle">{escape(short)}</text>'
        return
    rotation = degrees(place.angle) - 90
    # On the left half the text is turned by 180 degrees, so that it is never upside down.
    is_left = 90 < rotation % 360 < 270
    x = place.radius + 12
    yield f'<text transform="rotate({rotation + 180 * is_left:.1f})" x="{-x if is_left else x}" dy="0.34em"'
    yield f' text-anchor="{"end" if is_left else "start"}">{escape(short)}</text>'


def _square(x: float, y: float, size: int) -> str:
    return f'<rect x="{x - size}" y="{y - size}" width="{2 * size}" height="{2 * size}"/>'
