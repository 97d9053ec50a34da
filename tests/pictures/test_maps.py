"""Maps: true bearings, distances by the root, land cut at the rim, names apart from one another."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import cache
from math import degrees, hypot, isclose, sqrt
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citygraph.charts.label_placement import Box, place_labels, width
from citygraph.charts.map import MapMark, atlas, extent, split_by_distance
from citygraph.charts.projection import XY, Azimuthal, GeoPoint, Land, middle, read_land
from citygraph.charts.svg import Caption
from citygraph.geo import kilometres

IZMIR = GeoPoint(38.42, 27.14)
CAPTION = Caption("Ties", "A map of ties", "en")
SVG = "{http://www.w3.org/2000/svg}"
LAND = Path(__file__).parents[2] / "src" / "citygraph" / "web" / "static" / "built" / "world" / "land-110m.json"
LATITUDES = st.floats(-89, 89)
LONGITUDES = st.floats(-180, 180)
DRY = [GeoPoint(*place) for place in ((50, 60), (39, -98), (-25, 134), (10, 20), (-10, -55), (-80, 90))]
WET = [GeoPoint(*place) for place in ((0, -30), (-15, 75), (0, -130), (-45, -150), (30, 160), (42, 51.5))]
needs_land = pytest.mark.skipif(not LAND.exists(), reason="the outlines are not built: Node is missing (docs/web.md)")


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(str.replace(svg, "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314 - our own


def mark(number: int, name: str, latitude: float, longitude: float, **more: object) -> MapMark:
    return MapMark(number, name, GeoPoint(latitude, longitude), **more)  # type: ignore[arg-type]


@given(LATITUDES, LONGITUDES)
def test_distance_is_the_great_circles(latitude: float, longitude: float) -> None:
    """A place stands at the root of its distance."""
    view = Azimuthal(IZMIR, 20_100, 400)
    x, y = view.place(GeoPoint(latitude, longitude))
    km = kilometres(IZMIR.latitude, IZMIR.longitude, latitude, longitude)
    assert isclose(hypot(x, y), 400 * sqrt(km / 20_100), abs_tol=0.01)


@pytest.mark.parametrize(("latitude", "longitude", "bearing"), [(60, 27.14, 0), (-20, 27.14, 180)])
def test_bearing_is_true(latitude: float, longitude: float, bearing: float) -> None:
    """North is up, and what lies due south is below."""
    _, angle = Azimuthal(IZMIR, 20_100, 400).polar(GeoPoint(latitude, longitude))
    assert isclose(degrees(angle) % 360, bearing, abs_tol=1e-6)


def test_great_circles_through_the_centre_are_straight() -> None:
    """The way from the centre to a far place runs along its ray."""
    view = Azimuthal(IZMIR, 20_100, 400)
    far, half = GeoPoint(39.13, 117.2), middle([IZMIR, GeoPoint(39.13, 117.2)])
    (x1, y1), (x2, y2) = view.place(half), view.place(far)
    assert isclose(x1 * y2, y1 * x2, rel_tol=1e-6)


@needs_land
@settings(max_examples=20, deadline=None)
@given(st.builds(GeoPoint, LATITUDES, LONGITUDES), st.floats(1_000, 21_000))
@example(IZMIR, 20_000)
@example(GeoPoint(-34.6, -58.4), 20_000)
@example(GeoPoint(-89, 0), 20_000)
@example(GeoPoint(0, -180), 20_000)
@example(GeoPoint(-50, -120), 12_000)
def test_land_is_land_and_sea_is_sea(centre: GeoPoint, reach: float) -> None:
    """By the even-odd rule places on land are within the outlines and places at sea are not, wherever the centre is and
    however much of the world is drawn, which decides how precise the outlines are (16 §7)."""
    view = Azimuthal(centre, reach, 400)
    cut = list(view.outlines(_land()))
    for places, is_land in ((DRY, True), (WET, False)):
        for point in places:
            # At the antipode of the centre, a place is drawn all along the rim.
            if view.polar(point)[0] < min(0.95 * reach, 19_000):
                crossings = sum(_within(view.place(point), ring) for ring in cut)
                assert bool(crossings % 2) is is_land, (point, is_land)


@needs_land
@settings(max_examples=6, deadline=None)
@given(st.builds(GeoPoint, LATITUDES, LONGITUDES), st.floats(300, 15_000))
def test_outlines_are_as_precise_as_is_seen(centre: GeoPoint, reach: float) -> None:
    """Every point of an outline within the reach is drawn within a unit of where it is, or of a drawn line (16 §7)."""
    view = Azimuthal(centre, reach, 400)
    edges = [edge for ring in view.outlines(_land()) for edge in zip(ring, (*ring[1:], ring[0]), strict=True)]
    ring = max(_land().rings, key=len)
    for longitude, latitude in ring[:: len(ring) // 25]:
        point = GeoPoint(latitude, longitude)
        if view.polar(point)[0] < 0.9 * reach:
            assert min(_apart(view.place(point), *edge) for edge in edges) < 1.5


@needs_land
def test_no_outline_leaves_the_rim() -> None:
    """What is beyond the reach is cut along the circle: no chord runs across the picture or out of it."""
    rings = list(Azimuthal(IZMIR, 3000, 400).outlines(_land()))
    assert rings
    for ring in rings:
        assert all(hypot(x, y) <= 400.01 for x, y in ring)
        for (x1, y1), (x2, y2) in itertools.pairwise(ring):
            on_rim = hypot(x1, y1) > 399.9 and hypot(x2, y2) > 399.9
            assert not on_rim or hypot(x2 - x1, y2 - y1) < 30


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-390, 390), st.floats(-390, 390), st.text("abcç ", min_size=1, max_size=24)), max_size=60
    )
)
def test_names_stand_apart(spots: list[tuple[float, float, str]]) -> None:
    """No name meets another, and each is within the frame."""
    frame = Box(-400, -400, 400, 400)
    marks = [(x, y, 4.5, name) for x, y, name in spots]
    boxes = []
    for (_, _, _, name), placed in zip(marks, place_labels(marks, frame), strict=True):
        if placed:
            w = width(name)
            left = placed.x - {"start": 0, "middle": w / 2, "end": w}[placed.anchor]
            boxes.append(Box(left, placed.y - 4 - 7, left + w, placed.y - 4 + 7))
    for i, box in enumerate(boxes):
        assert not any(box.meets(other) for other in boxes[:i])


def test_map_is_told_in_words() -> None:
    """A screen reader gets title, description and each tie by name; a name is no markup."""
    svg = atlas(
        mark(0, "İzmir", 38.4, 27.1), [mark(1, "<b>Bremen</b>", 53, 8.8, href="/b", language="de")], Land(), CAPTION
    )
    root = parsed(svg)
    assert [e.text for e in root.iter(f"{SVG}title")] == ["Ties", "<b>Bremen</b>", "İzmir"]
    (link,) = root.iter(f"{SVG}a")
    assert link.get("data-n") == "1"
    assert root.get("aria-labelledby") == "atlas-title"
    assert "style=" not in svg


def test_standing_and_end_are_no_matter_of_colour() -> None:
    """Each standing is a class of line, and what ended is struck through."""
    marks = [mark(1, "A", 50, 10, state="act"), mark(2, "B", 40, 10, ended=True)]
    root = parsed(atlas(mark(0, "C", 38, 27), marks, Land(), CAPTION))
    assert {e.get("class") for e in root.iter(f"{SVG}g")} >= {"tie act age-1", "tie signed age-1 ended"}
    assert any(e.get("class") == "strike" for e in root.iter(f"{SVG}path"))


def test_many_partners_keep_their_numbers() -> None:
    """With two hundred partners the register has the names, and every ray its number."""
    chance = random.Random(7)  # noqa: S311 - no secret
    marks = [mark(n, f"City {n}", chance.uniform(-60, 70), chance.uniform(-180, 180)) for n in range(1, 201)]
    root = parsed(atlas(mark(0, "C", 38, 27), marks, Land(), CAPTION))
    assert sum(e.get("class") == "number" for e in root.iter(f"{SVG}text")) == 200


def test_half_of_the_ties_is_near() -> None:
    """The split_by_distance half is drawn on a small map; the rest is listed by bearing, with its wind."""
    marks = [
        mark(1, "Near", 39, 28),
        mark(2, "North", 70, 27.14),
        mark(3, "Nearer", 38.5, 27.5),
        mark(4, "South", -40, 27.14),
    ]
    parts = split_by_distance(IZMIR, marks)
    assert [m.name for m in parts.near] == ["Near", "Nearer"]
    assert [(wind, m.name) for wind, _, m in parts.far] == [("N", "North"), ("S", "South")]


def test_same_places_give_the_same_map() -> None:
    """A picture depends on its data alone."""
    marks = [mark(1, "A", 50, 10), mark(2, "B", -20, 100)]
    assert extent(marks, Land(), CAPTION) == extent(marks, Land(), CAPTION)
    with pytest.raises(ValueError, match="at least one place"):
        extent([], Land(), CAPTION)


@cache
def _land() -> Land:
    return read_land(LAND)


def _apart(at: XY, start: XY, end: XY) -> float:
    """Returns how far a point is from a line."""
    (x, y), (x1, y1), (x2, y2) = at, start, end
    length = (x2 - x1) ** 2 + (y2 - y1) ** 2
    share = max(0.0, min(1.0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) if length else 0.0
    return hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1))


def _within(at: tuple[float, float], ring: Sequence[tuple[float, float]]) -> bool:
    x, y = at
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside
