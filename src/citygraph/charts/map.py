"""Maps: rays from one place to its partners, or places without a centre."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from markupsafe import Markup

from citygraph.bounded_cache import BoundedCache
from citygraph.charts.label_placement import Box, LabelPosition, place_labels
from citygraph.charts.projection import XY, Azimuthal, GeoPoint, Land, middle
from citygraph.charts.svg import Caption, element, linked, path, picture

_RINGS = (250, 500, 1000, 2500, 5000, 10000)  # kilometres
_MOST_RINGS = 4
_BEYOND = 1.1  # the rim lies farther out than the farthest place by this factor
_MARK = 4.5
_NUMBER = 7.5
NAMED = 80  # a map with more places shows numbers; the names are in the table
_LANDS: BoundedCache[tuple[Azimuthal, Land], Markup] = BoundedCache(24 * 2**20, len)  # some 20 kB for a view
_NEAREST = 200.0  # kilometres: no map is narrower


@dataclass(frozen=True, slots=True)
class MapMark:
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
class MarksByDistance:
    """The marks that a small map shows, and those beyond it as compass direction ("NE"), kilometres and mark."""

    near: tuple[MapMark, ...]
    far: tuple[tuple[str, float, MapMark], ...]


def atlas(
    centre: MapMark,
    marks: Sequence[MapMark],
    land: Land,
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
            element("circle", class_="sea", r=size),
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


def extent(marks: Sequence[MapMark], land: Land, caption: Caption, name: str = "map", size: float = 400.0) -> Markup:
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
            element("circle", class_="sea", r=size),
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


def _land(view: Azimuthal, land: Land) -> Markup:
    """Returns the outlines of the land. They do not depend on the data: pages in all languages have the same."""
    drawn = _LANDS.get((view, land))
    if drawn is None:
        d = "".join(path(ring, closed=True) for ring in view.outlines(land))
        drawn = _LANDS.put((view, land), element("path", class_="land", d=d, fill_rule="evenodd") if d else Markup())
    return drawn


def _rings(view: Azimuthal, kilometre: str, thousands: str) -> Iterator[Markup]:
    # The outermost four rings: more would hide the rays.
    fitting = [km for km in _RINGS if km < view.reach * 0.97][-_MOST_RINGS:]
    for km in fitting:
        r = view.at(km)
        yield element("circle", class_="ring", r=r)
        # In the south-south-west, where few cities have partners.
        x, y = -r * 0.38, r * 0.925
        distance = kilometre.format(f"{km:,}".replace(",", thousands))
        yield element("text", distance, class_="km", x=x, y=y, text_anchor="middle")


def _tie(mark: MapMark, at: XY, placed: LabelPosition | None) -> Markup:
    ray = element("path", class_="ray", d=path([(0.0, 0.0), at]))
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
        yield element("path", class_="strike", d=path([(x - 6, y + 6), (x + 6, y - 6)]))
    if placed is None:
        if mark.number and not _is_number(mark):
            r = sqrt(x * x + y * y) or 1.0
            yield element(
                "text",
                str(mark.number),
                class_="number",
                x=x + _NUMBER * x / r * 1.4,
                y=y + _NUMBER * y / r * 1.4 + 3,
                text_anchor="middle",
            )
        return
    if placed.leader:
        yield element("path", class_="leader", d=path([at, placed.leader]))
    yield element(
        "text",
        mark.name,
        class_="name",
        x=placed.x,
        y=placed.y,
        lang=mark.language,
        text_anchor=placed.anchor if placed.anchor != "start" else None,
    )


def shape(kind: str, x: float, y: float, size: float = _MARK) -> Markup:
    """Returns the mark of a kind of place: a circle for a city, a square for a province, a diamond for a county."""
    if kind == "area":
        return element("rect", class_="mark", x=x - size, y=y - size, width=2 * size, height=2 * size)
    if kind == "county":
        d = path([(x, y - 1.3 * size), (x + 1.3 * size, y), (x, y + 1.3 * size), (x - 1.3 * size, y)], closed=True)
        return element("path", class_="mark", d=d)
    if kind == "country":
        return element("circle", class_="mark hollow", cx=x, cy=y, r=size)
    return element("circle", class_="mark", cx=x, cy=y, r=size)


def _centre(mark: MapMark) -> Markup:
    sign = element("circle", class_="centre", r=7.0)
    name = element("text", mark.name, class_="name", x=12.0, y=5.0, lang=mark.language)
    return linked(mark.href, mark.accessible_name or mark.name, sign, name, language=mark.language, class_="here")
