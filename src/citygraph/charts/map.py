"""Maps: rays from a place to its partners, or places without a centre; the land is included or a separate file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from markupsafe import Markup

from citygraph.bounded_cache import BoundedCache
from citygraph.charts.label_placement import Box, LabelPosition, place_labels
from citygraph.charts.projection import XY, Azimuthal, GeoPoint, Land, middle
from citygraph.charts.svg import Caption, box, centred, circle, element, label, line, linked, outlines, path, picture
from citygraph.text import escaped, trusted

_RINGS = (250, 500, 1000, 2500, 5000, 10000)  # kilometres
_MOST_RINGS = 4
_BEYOND = 1.1  # the rim lies farther out than the farthest place by this factor
_MARK = 4.5
_NUMBER = 7.5
NAMED = 80  # a map with more places shows numbers; the names are in the table
_LANDS: BoundedCache[tuple[Azimuthal, Land], Markup] = BoundedCache(4 * 2**20, len)  # some 12 kB for a view
_VIEW = re.compile(r"(-?\d{1,2}\.\d{4})_(-?\d{1,3}\.\d{4})_(\d{3,5}\.\d)_(\d{2,3})", re.ASCII)
_NEAREST = 200.0  # kilometres: no map is narrower
_FARTHEST = 23_000.0  # kilometres: none is wider, for the antipode is 20,015 away


class MapMark(NamedTuple):
    """A place on a map and its tie to the centre.

    `number` is that of its row in the table; `kind` is "city", "area", "county" or "country"; `state` is "signed",
    "act", "begun" or "undated"; `age` is 0 (oldest) to 3. Screen readers read `accessible_name`, such as "Bremen,
    2,034 km, 1995".
    """

    number: int
    name: str
    point: GeoPoint
    accessible_name: str = ""
    language: str = ""
    href: str = ""
    kind: str = "city"
    state: str = "signed"
    age: int = 1
    ended: bool = False


@dataclass(frozen=True, slots=True)
class LandFiles:
    """The folder with the land of each view, as an address: a map names a file, and a browser that shows it loads it.

    Drawing the land takes longer than the rest of a page, and programs that read pages do not need it.
    """

    folder: str


@dataclass(frozen=True, slots=True)
class MarksByDistance:
    """The marks that a small map shows, and those beyond it as compass direction ("NE"), kilometres and mark."""

    near: tuple[MapMark, ...]
    far: tuple[tuple[str, float, MapMark], ...]


def atlas(
    centre: MapMark,
    marks: Sequence[MapMark],
    land: Land | LandFiles,
    caption: Caption,
    name: str = "atlas",
    size: float = 400.0,
    kilometre: str = "{} km",
    thousands: str = ",",
) -> Markup:
    """Returns the map around one place, from which every tie is a ray of true bearing.

    `size` is the radius in units of the drawing, `kilometre` the format of a distance, `thousands` the separator in it.
    """
    reach = max([_NEAREST, *(_distance(centre.point, mark.point) for mark in marks)]) * _BEYOND
    view = Azimuthal(centre.point, reach, size)
    at = [view.place(mark.point) for mark in marks]
    places = _places(centre, marks, at, size)
    return picture(
        name,
        "map atlas" if len(marks) <= NAMED else "map atlas crowded",
        caption,
        (-size - 8, -size - 8, 2 * size + 16, 2 * size + 16),
        [
            centred("sea", size),
            _land(view, land),
            *_rings(view, kilometre, thousands),
            *(_tie(mark, xy, spot) for mark, xy, spot in _drawn(marks, at, places)),
            _centre(centre),
        ],
        role="group",
    )


def split_by_distance(centre: GeoPoint, marks: Sequence[MapMark], compass: Sequence[str] = ()) -> MarksByDistance:
    """Returns the nearer half of the marks, for a small map, and the others by bearing.

    `compass` names the eight directions clockwise from north.
    """
    winds = compass or ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
    view = Azimuthal(centre, 1.0, 1.0)
    polar = sorted(((*view.polar(mark.point), mark) for mark in marks), key=lambda one: (one[0], one[2].number))
    # Rounded up: with one partner, the small map shows it.
    half = -(-len(polar) // 2)
    # atan2 gives bearings from -π to π; 6.2832 is a full turn, 0.7854 an eighth of it.
    far = sorted(polar[half:], key=lambda one: (one[1] % 6.2832, one[0]))
    return MarksByDistance(
        tuple(sorted((mark for _, _, mark in polar[:half]), key=lambda mark: mark.number)),
        tuple((winds[round(bearing / 0.7854) % 8], distance, mark) for distance, bearing, mark in far),
    )


def extent(
    marks: Sequence[MapMark], land: Land | LandFiles, caption: Caption, name: str = "map", size: float = 400.0
) -> Markup:
    """Returns a map of places without a centre: in their middle, without rays. Raises ValueError without marks."""
    heart = middle(mark.point for mark in marks)
    reach = max([_NEAREST, *(_distance(heart, mark.point) for mark in marks)]) * _BEYOND
    view = Azimuthal(heart, reach, size)
    at = [view.place(mark.point) for mark in marks]
    places = _places(None, marks, at, size)
    return picture(
        name,
        "map extent",
        caption,
        (-size - 8, -size - 8, 2 * size + 16, 2 * size + 16),
        [
            centred("sea", size),
            _land(view, land),
            *(_place(mark, xy, spot) for mark, xy, spot in _drawn(marks, at, places)),
        ],
        role="group",
    )


def _distance(one: GeoPoint, other: GeoPoint) -> float:
    return Azimuthal(one, 1.0, 1.0).polar(other)[0]


def _drawn(
    marks: Sequence[MapMark], at: Sequence[XY], places: Sequence[LabelPosition | None]
) -> Iterator[tuple[MapMark, XY, LabelPosition | None]]:
    """Returns the marks with positions, the farthest first: later elements cover earlier ones, and near marks must be
    visible.
    """
    order = sorted(range(len(marks)), key=lambda i: -(at[i][0] ** 2 + at[i][1] ** 2))
    return ((marks[i], at[i], places[i]) for i in order)


def _places(
    centre: MapMark | None, marks: Sequence[MapMark], at: Sequence[XY], size: float
) -> list[LabelPosition | None]:
    """Returns the positions of the names. The crowded middle chooses first, because it has the least room."""
    frame = Box(-size - 8, -size - 8, size + 8, size + 8)
    names = [mark.name if len(marks) <= NAMED or _is_number(mark) else "" for mark in marks]
    spots = [(x, y, _MARK, name) for name, (x, y) in zip(names, at, strict=True)]
    order = sorted(range(len(spots)), key=lambda i: at[i][0] ** 2 + at[i][1] ** 2)
    occupied = [Box(-9, -9, 12 + 8.5 * len(centre.name), 9)] if centre else []
    chosen = place_labels([spots[i] for i in order], frame, occupied)
    places: list[LabelPosition | None] = [None] * len(spots)
    for i, position in zip(order, chosen, strict=True):
        places[i] = position
    return places


def _land(view: Azimuthal, land: Land | LandFiles) -> Markup:
    """Returns the outlines of the land, or a reference to their file."""
    if isinstance(land, LandFiles):
        # Unlike an image, a reference has the colours of the page, also in the dark and in print.
        return trusted(f'<use class="land" href="{escaped(land.folder)}/{view_name(view)}.svg#land"/>')
    drawn = _LANDS.get((view, land))
    if drawn is None:
        d = outlines(view.outlines(land))
        drawn = _LANDS.put((view, land), element("path", class_="land", d=d, fill_rule="evenodd") if d else Markup())
    return drawn


def view_name(view: Azimuthal) -> str:
    """Returns the name of a view of the land: latitude and longitude of its centre, its reach, and its radius."""
    return f"{view.centre.latitude:.4f}_{view.centre.longitude:.4f}_{view.reach:.1f}_{view.radius:.0f}"


def view_of(name: str) -> Azimuthal | None:
    """Returns the view of this name, or None if there is no such view."""
    match = _VIEW.fullmatch(name)
    if match is None:
        return None
    latitude, longitude, reach, radius = map(float, match.groups())
    if abs(latitude) > 90 or abs(longitude) > 180 or reach < _NEAREST or reach > _FARTHEST:
        return None
    return Azimuthal(GeoPoint(latitude, longitude), reach, radius)


def land_file(view: Azimuthal, land: Land) -> str:
    """Returns the land of a view as an SVG file."""
    size = view.radius + 8
    d = outlines(view.outlines(land))
    view_box = f"{-size:.0f} {-size:.0f} {2 * size:.0f} {2 * size:.0f}"
    drawn = element("path", id="land", d=d, fill_rule="evenodd")
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}">{drawn}</svg>\n'


def _rings(view: Azimuthal, kilometre: str, thousands: str) -> Iterator[Markup]:
    # The outermost four rings: more would hide the rays.
    fitting = [km for km in _RINGS if km < view.reach * 0.97][-_MOST_RINGS:]
    for km in fitting:
        r = view.at(km)
        yield centred("ring", r)
        # In the south-south-west, where few cities have partners.
        x, y = -r * 0.38, r * 0.925
        distance = kilometre.format(f"{km:,}".replace(",", thousands))
        yield label("km", x, y, distance, anchor="middle")


def _tie(mark: MapMark, at: XY, placed: LabelPosition | None) -> Markup:
    ray = line("ray", (0.0, 0.0), at)
    return linked(
        mark.href,
        mark.accessible_name or mark.name,
        ray,
        *_sign(mark, at, placed),
        language=mark.language,
        class_=_classes("tie", mark),
        data_n=mark.number or None,
    )


def _place(mark: MapMark, at: XY, placed: LabelPosition | None) -> Markup:
    return linked(
        mark.href,
        mark.accessible_name or mark.name,
        *_sign(mark, at, placed),
        language=mark.language,
        class_=_classes("place", mark),
        data_n=mark.number or None,
    )


def _is_number(mark: MapMark) -> bool:
    """Returns whether its name is only its number, which may be left out where it has no room."""
    return mark.name == str(mark.number)


def _classes(own: str, mark: MapMark) -> str:
    return f"{own} {mark.state} age-{mark.age}{' ended' if mark.ended else ''}"


def _sign(mark: MapMark, at: XY, placed: LabelPosition | None) -> Iterator[Markup]:
    """Yields the mark with its name, or with its number if the name has no room."""
    x, y = at
    yield shape(mark.kind, x, y)
    if mark.ended:
        yield line("strike", (x - 6, y + 6), (x + 6, y - 6))
    if placed is None:
        if mark.number and not _is_number(mark):
            r = sqrt(x * x + y * y) or 1.0
            beside = _NUMBER * 1.4 / r
            yield label("number", x + x * beside, y + y * beside + 3, str(mark.number), anchor="middle")
        return
    if placed.leader:
        yield line("leader", at, placed.leader)
    anchor = placed.anchor if placed.anchor != "start" else ""
    yield label("name", placed.x, placed.y, mark.name, mark.language, anchor)


def shape(kind: str, x: float, y: float, size: float = _MARK) -> Markup:
    """Returns the mark of a kind of place: a circle for a city, a square for a province, a diamond for a county."""
    if kind == "area":
        return box("mark", x - size, y - size, 2 * size, 2 * size)
    if kind == "county":
        d = path(((x, y - 1.3 * size), (x + 1.3 * size, y), (x, y + 1.3 * size), (x - 1.3 * size, y)), closed=True)
        return element("path", class_="mark", d=d)
    if kind == "country":
        return circle("mark hollow", x, y, size)
    return circle("mark", x, y, size)


def _centre(mark: MapMark) -> Markup:
    sign = centred("centre", 7.0)
    name = label("name", 12.0, 5.0, mark.name, mark.language)
    return linked(mark.href, mark.accessible_name or mark.name, sign, name, language=mark.language, class_="here")
