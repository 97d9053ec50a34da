"""What a list has of places on a map without a centre: the more agreements bind a place, the darker it is."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from citygraph.listing.read import Listed
from citygraph.pictures.map import Mark, extent
from citygraph.pictures.projection import Point
from citygraph.pictures.svg import Caption
from citygraph.web.pages.outlines import land
from citygraph.web.pages.render import Reader

_SIZE = 230.0  # so small that names are as large on the page as in the drawing
_SHADES = (10, 3, 1)  # agreements from which a shade begins, the darkest first


def map_of(places: Sequence[Listed], reader: Reader) -> Markup:
    """The map, or nothing where no place is known."""
    marks = [_mark(one, reader) for one in places if one.latitude is not None and one.longitude is not None]
    if not marks:
        return Markup()
    words = reader.words
    title = words.count("Map of {number} place", "Map of {number} places", len(marks))
    told = words("Each mark is a place of the list beside it; the darker, the more agreements bind it.")
    return extent(marks, land(), Caption(title, told, words.language), name="map", size=_SIZE)


def _mark(one: Listed, reader: Reader) -> Mark:
    name = one.name(reader.words.language)
    told = reader.words.count("{number} agreement", "{number} agreements", one.ties)
    shade = next((place for place, least in enumerate(_SHADES) if one.ties >= least), len(_SHADES))
    return Mark(
        0, name, Point(one.latitude or 0.0, one.longitude or 0.0),
        f"{name}, {told}",
        href=reader.addresses.local(one.iri), kind="area" if "/area/" in one.iri else "city", age=shade,
    )  # fmt: skip
