"""The maps: rays from one place to its partners, or places without a centre."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from markupsafe import Markup

from citygraph.pictures.labels import Box, Placed, place
from citygraph.pictures.projection import XY, Azimuthal, Point, Ring, middle
from citygraph.pictures.svg import Caption, element, linked, path, picture

_RINGS = (250, 500, 1000, 2500, 5000, 10000)  # kilometres
_MOST_RINGS = 4
_BEYOND = 1.1  # what lies farther than the farthest place by more than this is left out
_MARK = 4.5
_NUMBER = 7.5
NAMED = 80  # with more places, names stand in the register alone
_NEAREST = 200.0  # kilometres: no map is narrower


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a map, and how it is tied to the centre.

    `number` is the one that its row in the register has; `kind` is "city", "area", "county" or "country"; `state` is
    "signed", "act" or "undated"; `age` is 0 (oldest) to 3; `told` is read out: "Bremen, 2,034 km, 1995".
    """

    number: int
    name: str
    point: Point
    told: str = ""
    language: str = ""
    href: str = ""
    kind: str = "city"
    state: str = "signed"
    age: int = 1
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Nearer:
    """The marks that a small map shows, and those beyond it, by bearing: "NE", kilometres, mark."""

    near: tuple[Mark, ...]
    far: tuple[tuple[str, float, Mark], ...]


def atlas(
    centre: Mark,
    marks: Sequence[Mark],
    land: Iterable[Ring],
    caption: Caption,
    name: str = "atlas",
    size: float = 400.0,
    kilometre: str = "{} km",
    thousands: str = ",",
) -> Markup:
    """The map about one place, from which every tie goes out as a ray of true bearing.

    `size` is the radius in units of the drawing; `kilometre` is how a ring's distance is written, `thousands` what
    stands between its groups of three.
    """
    reach = max([_NEAREST, *(_distance(centre.point, mark.point) for mark in marks)]) * _BEYOND
    view = Azimuthal(centre.point, reach, size)
    at = [view.place(mark.point) for mark in marks]
    places = _places(centre, marks, at, size)
    return picture(
        name, "map atlas" if len(marks) <= NAMED else "map atlas crowded", caption,
        (-size - 8, -size - 8, 2 * size + 16, 2 * size + 16),
        [
            element("circle", class_="sea", r=size),
            _land(view, land),
            *_rings(view, kilometre, thousands),
            *(_tie(mark, xy, spot) for mark, xy, spot in _drawn(marks, at, places)),
            _centre(centre),
        ],
        role="group",
    )  # fmt: skip


def nearer(centre: Point, marks: Sequence[Mark], compass: Sequence[str] = ()) -> Nearer:
    """The half of the marks that is nearest to a place, for a small map, and the others by bearing.

    `compass` names the eight winds from north clockwise.
    """
    winds = compass or ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
    view = Azimuthal(centre, 1.0, 1.0)
    polar = sorted(((*view.polar(mark.point), mark) for mark in marks), key=lambda one: (one[0], one[2].number))
    half = -(-len(polar) // 2)
    far = sorted(polar[half:], key=lambda one: (one[1] % 6.2832, one[0]))
    return Nearer(
        tuple(sorted((mark for _, _, mark in polar[:half]), key=lambda mark: mark.number)),
        tuple((winds[round(bearing / 0.7854) % 8], distance, mark) for distance, bearing, mark in far),
    )


def extent(
    marks: Sequence[Mark], land: Iterable[Ring], caption: Caption, name: str = "map", size: float = 400.0
) -> Markup:
    """A map of places that have no centre: it stands in their middle, with no rays. Raises ValueError for no marks."""
    heart = middle(mark.point for mark in marks)
    reach = max([_NEAREST, *(_distance(heart, mark.point) for mark in marks)]) * _BEYOND
    view = Azimuthal(heart, reach, size)
    at = [view.place(mark.point) for mark in marks]
    places = _places(None, marks, at, size)
    return picture(
        name, "map extent", caption, (-size - 8, -size - 8, 2 * size + 16, 2 * size + 16),
        [
            element("circle", class_="sea", r=size),
            _land(view, land),
            *(_place(mark, xy, spot) for mark, xy, spot in _drawn(marks, at, places)),
        ],
        role="group",
    )  # fmt: skip


def _distance(one: Point, other: Point) -> float:
    return Azimuthal(one, 1.0, 1.0).polar(other)[0]


def _drawn(
    marks: Sequence[Mark], at: Sequence[XY], places: Sequence[Placed | None]
) -> Iterator[tuple[Mark, XY, Placed | None]]:
    """What is drawn, the farthest first: what is near stands above it."""
    order = sorted(range(len(marks)), key=lambda i: -(at[i][0] ** 2 + at[i][1] ** 2))
    return ((marks[i], at[i], places[i]) for i in order)


def _places(centre: Mark | None, marks: Sequence[Mark], at: Sequence[XY], size: float) -> list[Placed | None]:
    """Where the names stand; the crowded middle chooses first, for there is least room there."""
    frame = Box(-size - 8, -size - 8, size + 8, size + 8)
    names = [mark.name if len(marks) <= NAMED or _is_number(mark) else "" for mark in marks]
    spots = [(x, y, _MARK, name) for name, (x, y) in zip(names, at, strict=True)]
    order = sorted(range(len(spots)), key=lambda i: at[i][0] ** 2 + at[i][1] ** 2)
    taken = [Box(-9, -9, 12 + 8.5 * len(centre.name), 9)] if centre else []
    found = place([spots[i] for i in order], frame, taken)
    places: list[Placed | None] = [None] * len(spots)
    for i, placed in zip(order, found, strict=True):
        places[i] = placed
    return places


def _land(view: Azimuthal, land: Iterable[Ring]) -> Markup:
    d = "".join(path(ring, closed=True) for ring in view.outlines(land))
    return element("path", class_="land", d=d, fill_rule="evenodd") if d else Markup()


def _rings(view: Azimuthal, kilometre: str, thousands: str) -> Iterator[Markup]:
    fitting = [km for km in _RINGS if km < view.reach * 0.97][-_MOST_RINGS:]
    for km in fitting:
        r = view.at(km)
        yield element("circle", class_="ring", r=r)
        # On the south-south-west, where few partners of anyone live.
        x, y = -r * 0.38, r * 0.925
        said = kilometre.format(f"{km:,}".replace(",", thousands))
        yield element("text", said, class_="km", x=x, y=y, text_anchor="middle")


def _tie(mark: Mark, at: XY, placed: Placed | None) -> Markup:
    ray = element("path", class_="ray", d=path([(0.0, 0.0), at]))
    return linked(
        mark.href, mark.told or mark.name, ray, *_sign(mark, at, placed), language=mark.language,
        class_=_classes("tie", mark), data_n=mark.number or None,
    )  # fmt: skip


def _place(mark: Mark, at: XY, placed: Placed | None) -> Markup:
    return linked(
        mark.href, mark.told or mark.name, *_sign(mark, at, placed), language=mark.language,
        class_=_classes("place", mark), data_n=mark.number or None,
    )  # fmt: skip


def _is_number(mark: Mark) -> bool:
    """Whether it has no name but its number, which is left out where there is no room for it."""
    return mark.name == str(mark.number)


def _classes(own: str, mark: Mark) -> str:
    return f"{own} {mark.state} age-{mark.age}{' ended' if mark.ended else ''}"


def _sign(mark: Mark, at: XY, placed: Placed | None) -> Iterator[Markup]:
    """The mark, and its name or, where there is no room for it, its number."""
    x, y = at
    yield shape(mark.kind, x, y)
    if mark.ended:
        yield element("path", class_="strike", d=path([(x - 6, y + 6), (x + 6, y - 6)]))
    if placed is None:
        if mark.number and not _is_number(mark):
            r = sqrt(x * x + y * y) or 1.0
            yield element("text", str(mark.number), class_="number", x=x + _NUMBER * x / r * 1.4,
                          y=y + _NUMBER * y / r * 1.4 + 3, text_anchor="middle")  # fmt: skip
        return
    if placed.leader:
        yield element("path", class_="leader", d=path([at, placed.leader]))
    yield element("text", mark.name, class_="name", x=placed.x, y=placed.y, lang=mark.language,
                  text_anchor=placed.anchor if placed.anchor != "start" else None)  # fmt: skip


def shape(kind: str, x: float, y: float, size: float = _MARK) -> Markup:
    """The mark of a kind of place: a circle for a city, a square for a province, a diamond for a county."""
    if kind == "area":
        return element("rect", class_="mark", x=x - size, y=y - size, width=2 * size, height=2 * size)
    if kind == "county":
        d = path([(x, y - 1.3 * size), (x + 1.3 * size, y), (x, y + 1.3 * size), (x - 1.3 * size, y)], closed=True)
        return element("path", class_="mark", d=d)
    if kind == "country":
        return element("circle", class_="mark hollow", cx=x, cy=y, r=size)
    return element("circle", class_="mark", cx=x, cy=y, r=size)


def _centre(mark: Mark) -> Markup:
    sign = element("circle", class_="centre", r=7.0)
    name = element("text", mark.name, class_="name", x=12.0, y=5.0, lang=mark.language)
    return linked(mark.href, mark.told or mark.name, sign, name, language=mark.language, class_="here")
