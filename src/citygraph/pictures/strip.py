"""One row of the register of acts and protocols: a tick for the act, a dot for the protocol, the wait between them."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from citygraph.pictures.svg import element, path
from citygraph.pictures.times import Scale, Span

_WIDTH, _HEIGHT, _MIDDLE = 200.0, 20.0, 10.0
_EDGE = 6.0


def strip(act: Span | None, protocol: Span | None, years: Scale, ended: bool = False) -> Markup:
    """The dates of one agreement; imprecision has a width. For the eye alone: the row says the dates itself."""
    classes = f"picture strip{' ended' if ended else ''}"
    return _drawn(classes, [*_grid(years), *_line(act, protocol, years), *_signs(act, protocol, years)])


def strip_scale(years: Scale) -> Markup:
    """The years over a column of strips."""
    labels = [
        element("text", str(year), class_="year", x=years.x(year), y=15.0, text_anchor="middle")
        for year in _labelled(years)
    ]
    return _drawn("picture strip", labels)


def strip_years(spans: list[Span]) -> Scale:
    """The scale of a column of strips, in whole decades. Raises ValueError for no spans."""
    first, last = min(s.start for s in spans) // 10 * 10, -(-max(s.end for s in spans) // 10) * 10
    return Scale(first, max(last, first + 10), _EDGE, _WIDTH - 2 * _EDGE)


def _drawn(classes: str, content: list[Markup]) -> Markup:
    box = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return element("svg", *content, class_=classes, viewBox=box, aria_hidden="true", focusable="false")


def _decades(years: Scale) -> range:
    return range(int(years.first), int(years.last) + 1, 10)


def _labelled(years: Scale) -> range:
    """As many decades as have room for their years."""
    decades = _decades(years)
    return decades[:: -(-len(decades) // 5)]


def _grid(years: Scale) -> Iterator[Markup]:
    for year in _decades(years):
        x = years.x(year)
        yield element("path", class_="tick", d=path([(x, 0.0), (x, _HEIGHT)]))


def _line(act: Span | None, protocol: Span | None, years: Scale) -> Iterator[Markup]:
    if act and protocol:
        kind = "wait backwards" if protocol.end < act.start else "wait"
        yield element(
            "path", class_=kind, d=path([(years.x(act.middle), _MIDDLE), (years.x(protocol.middle), _MIDDLE)])
        )
    elif act:
        yield element("path", class_="open", d=path([(years.x(act.middle), _MIDDLE), (_WIDTH - _EDGE, _MIDDLE)]))


def _signs(act: Span | None, protocol: Span | None, years: Scale) -> Iterator[Markup]:
    for kind, span in (("act", act), ("protocol", protocol)):
        if span is None:
            continue
        x = years.x(span.middle)
        if not span.is_point:
            width = max(years.x(span.end) - years.x(span.start), 4.0)
            yield element("rect", class_=f"blur {kind}", x=x - width / 2, y=_MIDDLE - 3, width=width, height=6.0)
        elif kind == "act":
            yield element("rect", class_="mark act", x=x - 0.9, y=_MIDDLE - 6, width=1.8, height=12.0)
        else:
            yield element("circle", class_="mark protocol", cx=x, cy=_MIDDLE, r=3.2)
