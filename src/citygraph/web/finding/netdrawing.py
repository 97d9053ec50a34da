"""A part of the network as a picture: rings around a place in the order of true directions, or a circle by country."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, degrees, pi, radians, sin

from markupsafe import Markup, escape

from citygraph.listing.network import Part, Tie
from citygraph.listing.read import Listed
from citygraph.web.pages.render import Reader

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


def network_of(sight: str, part: Part, listed: Mapping[str, Listed], reader: Reader) -> Markup:
    """The picture of a whole or of what lies around a place; nothing where there is nothing to draw."""
    if sight not in ("whole", "around") or not part.ties:
        return Markup()
    hub = _hub(part) if sight == "whole" else part.rings[0][0]
    around = [one for tie in part.ties if hub in (tie.one, tie.other) for one in (tie.one, tie.other) if one != hub]
    if sight == "whole" and len(around) < len(part.places) - 1:
        places = _circle(part.places, listed)
    else:
        places = _rings(hub, around, part, listed)
    lines = "".join(_line(tie, places, listed, hub in places and len(part.rings) > 1) for tie in part.ties)
    dots = "".join(_dot(iri, place, iri == hub, listed, reader) for iri, place in places.items())
    words = reader.words
    title = words("Network of {count} places", count=len(places))
    told = words("The ties stand in the table below. The darker a line, the older; broken where no protocol is known, "
                 "dotted where no date is.")  # fmt: skip
    text = (
        f'<svg class="picture net" viewBox="{-_HALF} {-_HALF} {2 * _HALF} {2 * _HALF}" role="group" '
        f'aria-labelledby="net-title net-desc"><title id="net-title">{escape(title)}</title>'
        f'<desc id="net-desc">{escape(told)}</desc><g aria-hidden="true">{lines}</g>{dots}</svg>'
    )
    return Markup(text)  # noqa: S704 - names are escaped where they stand


def _hub(part: Part) -> str:
    counts: dict[str, int] = {}
    for tie in part.ties:
        for one in (tie.one, tie.other):
            counts[one] = counts.get(one, 0) + 1
    return max(counts, key=lambda one: (counts[one], one))


def _circle(places: Sequence[str], listed: Mapping[str, Listed]) -> dict[str, _Place]:
    """All on one circle, those of a country side by side."""
    order = sorted(places, key=lambda iri: (listed[iri].country, iri))
    return {iri: _Place(2 * pi * number / len(order), _ALONE) for number, iri in enumerate(order)}


def _rings(hub: str, near: Sequence[str], part: Part, listed: Mapping[str, Listed]) -> dict[str, _Place]:
    """The near ones in the order of their directions from the hub, the far ones beyond those that they hang on."""
    first = sorted(dict.fromkeys(near), key=lambda iri: (_bearing(listed[hub], listed[iri]), iri))
    far = part.rings[2] if len(part.rings) > 2 else ()
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


def _are_tied(part: Part, one: str, other: str) -> bool:
    return any({tie.one, tie.other} == {one, other} for tie in part.ties)


def _bearing(start: Listed, end: Listed) -> float:
    """The direction in which one lies from the other, clockwise from north; last what has no coordinates."""
    if None in (start.latitude, start.longitude, end.latitude, end.longitude):
        return 7.0
    (a, b), (c, d) = ((radians(one.latitude or 0), radians(one.longitude or 0)) for one in (start, end))
    return atan2(sin(d - b) * cos(c), cos(a) * sin(c) - sin(a) * cos(c) * cos(d - b)) % (2 * pi)


def _line(tie: Tie, places: Mapping[str, _Place], listed: Mapping[str, Listed], is_straight: bool) -> str:
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


def _dot(iri: str, place: _Place, is_hub: bool, listed: Mapping[str, Listed], reader: Reader) -> str:
    name = listed[iri].name(reader.words.language)
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
