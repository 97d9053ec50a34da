"""The preview card of a page for other sites (1200 by 630): title, kind, facts, and its map or life line, as SVG or
PNG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, sin, tau
from pathlib import Path

import resvg_py
from markupsafe import Markup

from citygraph.charts.lifeline import Moment
from citygraph.charts.map import MapMark
from citygraph.charts.projection import XY, Azimuthal, Land
from citygraph.charts.svg import element, number, outlines, path
from citygraph.charts.times import scale

WIDTH, HEIGHT = 1200, 630
_SPACE = "http://www.w3.org/2000/svg"
# The rasteriser reads no stylesheet, so this repeats the light palette of static/citygraph.css.
_PAPER, _INK, _SECOND, _RULE, _LAND = "#FAF8F3", "#17212B", "#55606B", "#DAD5C9", "#ECE6D8"
_GULF = ("#062F40", "#0B5A78", "#4C8CA6", "#9CC0CF")
_HERE, _GONE = "#A8431F", "#8A929A"
# Our fonts, or those that servers have: the rasteriser maps the generic names to fonts that few servers have.
_SERIF = "'Source Serif 4', 'Source Serif 4 SemiBold', Georgia, 'Noto Serif', 'DejaVu Serif', 'Liberation Serif', serif"
_SANS = "'IBM Plex Sans', Arial, 'Noto Sans', 'DejaVu Sans', 'Liberation Sans', sans-serif"
_NOTHING = Markup()
_LEFT = 64.0
_RADIUS, _MIDDLE = 262.0, (880.0, 315.0)
_DASHES = {"act": "10 7", "begun": "20 5", "undated": "2 7"}
_RINGS = (1000, 2500, 5000, 10000)  # kilometres
_LEAST, _BEYOND = 200.0, 1.1  # as in map.py
# The title gets the largest of these sizes that fits into three lines. The widths of letters, relative to the size,
# are generous estimates: the fonts are not read here.
_SIZES = (72.0, 60.0, 50.0, 42.0)
_LINES = 3
_LETTER, _CAPITAL = 0.54, 0.72


def card(
    title: str,
    kind: str,
    facts: Sequence[str] = (),
    picture: Markup = _NOTHING,
    side_by_side: bool = False,
    site: str = "citygraph",
) -> str:
    """Returns the card as a standalone SVG, with the title of the site.

    With `side_by_side` the picture takes the right half, else the lower half.

    Without `title` the picture is alone: for a machine that has no font.
    """
    room = 470.0 if side_by_side else WIDTH - 2 * _LEFT
    words = [*_words(title, kind, facts, room, HEIGHT - 240 if side_by_side or not picture else 280), _mark(site, room)]
    return str(
        element(
            "svg",
            element("rect", width=WIDTH, height=HEIGHT, fill=_PAPER),
            picture,
            *(words if title else ()),
            xmlns=_SPACE,
            width=WIDTH,
            height=HEIGHT,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
        )
    )


def probe() -> str:
    """Returns a picture of one letter in the fonts of cards. It renders empty if no font is available."""
    return str(element("svg", _text("A", 4.0, 32.0, 30.0, _INK), xmlns=_SPACE, viewBox="0 0 40 40"))


def card_map(centre: MapMark, marks: Sequence[MapMark], land: Land) -> Markup:
    """Returns a place and the rays of its ties without names, for the right half of a card."""
    first = Azimuthal(centre.point, 1.0, 1.0)
    reach = max([_LEAST, *(first.polar(mark.point)[0] for mark in marks)]) * _BEYOND
    view = Azimuthal(centre.point, reach, _RADIUS)
    d = outlines(view.outlines(land))
    # A ring close to the rim would look like a double rim.
    rings = (view.at(km) for km in _RINGS if km < reach * 0.97)
    return element(
        "g",
        element("path", d=d, fill=_LAND, fill_rule="evenodd") if d else Markup(),
        *(element("circle", r=r, fill="none", stroke=_RULE) for r in rings),
        element("circle", r=_RADIUS, fill="none", stroke=_RULE),
        *(_ray(mark, view.place(mark.point)) for mark in sorted(marks, key=lambda mark: -mark.age)),
        element("circle", r=10.0, fill=_HERE),
        transform=f"translate({number(_MIDDLE[0])} {number(_MIDDLE[1])})",
    )


def card_life(moments: Sequence[Moment], until: float) -> Markup:
    """Returns the life line of an agreement with years, for the lower half. Raises ValueError without moments."""
    ended = any(moment.kind == "end" for moment in moments)
    years = [moment.when.middle for moment in moments]
    span = scale([*years, *([] if ended else [until])], _LEFT, WIDTH - 2 * _LEFT)
    y = 430.0
    signed = min((m.when.middle for m in moments if m.kind == "protocol"), default=max(years))
    last = max(years) if ended else until
    return element(
        "g",
        _line(span.x(min(years)), span.x(signed), y, _GULF[2], "10 7"),
        _line(span.x(signed), span.x(last), y, _GULF[1], None if "protocol" in {m.kind for m in moments} else "10 7"),
        *(_moment(moment, span.x(moment.when.middle), y) for moment in moments),
        *_years(moments, [span.x(year) for year in years], y + 54),
    )


def _ray(mark: MapMark, at: XY) -> Markup:
    colour = _GONE if mark.ended else _GULF[min(mark.age, len(_GULF) - 1)]
    line = element(
        "path",
        d=path([(0.0, 0.0), at]),
        stroke=colour,
        stroke_width=2,
        fill="none",
        stroke_dasharray=_DASHES.get(mark.state),
    )
    return element("g", line, element("circle", cx=at[0], cy=at[1], r=5.5, fill=colour))


def _line(start: float, end: float, y: float, colour: str, dashes: str | None) -> Markup:
    d = path([(start, y), (end, y)])
    return element("path", d=d, stroke=colour, stroke_width=4, fill="none", stroke_dasharray=dashes)


def _moment(moment: Moment, x: float, y: float) -> Markup:
    if moment.kind == "act":
        return element("rect", x=x - 3, y=y - 22, width=6.0, height=44.0, fill=_GULF[0])
    if moment.kind == "end":
        return element("path", d=path([(x - 12, y - 16), (x + 12, y + 16)]), stroke=_GONE, stroke_width=5)
    if moment.kind == "protocol":
        return element("circle", cx=x, cy=y, r=14.0, fill=_GULF[0])
    return element("circle", cx=x, cy=y, r=8.0, fill=_PAPER, stroke=_GULF[1], stroke_width=3)


def _years(moments: Sequence[Moment], places: Sequence[float], y: float) -> Iterator[Markup]:
    """Yields the years below the marks where there is room. Those of act and protocol come first."""
    used: list[float] = []
    for moment, x in sorted(zip(moments, places, strict=True), key=lambda one: one[0].kind not in ("act", "protocol")):
        if all(abs(x - other) > 80 for other in used):
            used.append(x)
            yield _text(
                str(int(moment.when.start)),
                min(max(x, _LEFT + 30), WIDTH - _LEFT - 30),
                y,
                26.0,
                _SECOND,
                anchor="middle",
            )


def _words(title: str, kind: str, facts: Sequence[str], room: float, height: float) -> Iterator[Markup]:
    size, lines = _fitted(title, room)
    y = 104.0
    for line in _wrapped(kind, 28.0, room)[:2]:
        yield _text(line, _LEFT, y, 28.0, _SECOND)
        y += 36
    y += size * 0.72
    for line in lines:
        yield _text(line, _LEFT, y, size, _INK, family=_SERIF, weight=600)
        y += size * 1.12
    y += 4
    for fact in facts:
        for line in _wrapped(fact, 30.0, room)[:2]:
            if y < 104 + height:
                yield _text(line, _LEFT, y, 30.0, _INK)
            y += 42


def _mark(site: str, room: float) -> Markup:
    """Returns the title of the site with its star of rays."""
    x, y = _LEFT + 14, 560.0
    rays = (path([(x, y), (x + 15 * cos(i * tau / 8), y + 15 * sin(i * tau / 8))]) for i in range(8))
    return element(
        "g",
        element("path", d="".join(rays), stroke=_GULF[1], stroke_width=2),
        element("circle", cx=x, cy=y, r=5.0, fill=_HERE),
        _text(_cut(site, 32.0, room - 42), x + 28, y + 10, 32.0, _INK, family=_SERIF, weight=600),
    )


def _fitted(title: str, room: float) -> tuple[float, list[str]]:
    """Returns the largest size at which a title fits, and its lines; a longer title ends in an ellipsis."""
    for size in _SIZES:
        lines = _wrapped(title, size, room)
        if len(lines) <= _LINES and all(_wide(line, size) <= room for line in lines):
            return size, lines
    lines = [_cut(line, _SIZES[-1], room) for line in _wrapped(title, _SIZES[-1], room)]
    return _SIZES[-1], [*lines[: _LINES - 1], lines[_LINES - 1] + " …"] if len(lines) > _LINES else lines


def _wrapped(text: str, size: float, room: float) -> list[str]:
    lines: list[str] = []
    # A line may break after a dash or a space.
    for word in text.replace("–", "–\u200b").replace(" ", " \u200b").split("\u200b"):
        if lines and _wide(lines[-1] + word.rstrip(), size) <= room:
            lines[-1] += word
        else:
            lines.append(word)
    return [line.rstrip() for line in lines if line.strip()]


def _cut(line: str, size: float, room: float) -> str:
    while _wide(line, size) > room:
        line = line[:-2].rstrip("…") + "…"
    return line


def _wide(text: str, size: float) -> float:
    return size * sum(_CAPITAL if letter.isupper() else _LETTER for letter in text)


def _text(
    text: str, x: float, y: float, size: float, colour: str, family: str = _SANS, weight: int = 400, anchor: str = ""
) -> Markup:
    return element(
        "text", text, x=x, y=y, font_family=family, font_size=size, font_weight=weight, fill=colour, text_anchor=anchor
    )


def png(svg: str, fonts: Sequence[Path] = (), width: int = 1200) -> bytes:
    """Renders an SVG picture as PNG, `width` pixels wide, in these fonts (TTF, OTF) or those of the system.

    Raises ValueError for invalid SVG.
    """
    # With fonts of our own, those of the system are skipped: the picture is then the same on every machine.
    names = [str(path) for path in fonts]
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, font_files=names, skip_system_fonts=bool(fonts)))


def is_blank(svg: str, fonts: Sequence[Path] = ()) -> bool:
    """Returns whether a picture is empty, such as a text without a font, for which the rasteriser gives no error."""
    empty = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"/>'
    return png(svg, fonts, 40) == png(empty, fonts, 40)
