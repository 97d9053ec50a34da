"""The life line of an agreement: act, protocol, events under it, and coming anniversaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.charts.label_placement import Box, LabelPosition, place_labels
from citygraph.charts.svg import Caption, element, linked, path, picture
from citygraph.charts.times import Scale, Span, scale

_LEFT, _LINE = 24.0, 74.0
_BOTTOM = 118.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A mark on the line.

    `kind` is "act", "protocol", "event", "anniversary" or "end"; screen readers read `accessible_name`.
    """

    kind: str
    name: str
    when: Span
    accessible_name: str = ""
    language: str = ""
    href: str = ""


def lifeline(
    moments: Sequence[Moment], caption: Caption, until: float, name: str = "life", width: float = 1000.0
) -> Markup:
    """Returns the line from the first moment to the last; without an end it continues to the year `until` (2026.9).

    `width` is in units of the drawing: names without room are left out. Raises ValueError without moments.
    """
    times = [year for moment in moments for year in (moment.when.start, moment.when.end)]
    ended = any(moment.kind == "end" for moment in moments)
    years = scale([*times, *([] if ended else [until])], _LEFT, width - 2 * _LEFT)
    return picture(
        name,
        "lifeline",
        caption,
        (0, 0, width, 144),
        [years.grid(_LINE - 8, _BOTTOM), *_line(moments, years, until, ended), *_moments(moments, years, width)],
        role="group",
    )


def _line(moments: Sequence[Moment], years: Scale, until: float, ended: bool) -> Iterator[Markup]:
    act = next((m.when.middle for m in moments if m.kind == "act"), None)
    protocol = next((m.when.middle for m in moments if m.kind == "protocol"), None)
    first = min(m.when.middle for m in moments)
    last = max((m.when.middle for m in moments if m.kind == "end"), default=until)
    if act is not None and protocol is not None:
        backwards = " backwards" if protocol < act else ""
        yield _stroke("wait" + backwards, years.x(act), years.x(protocol))
    if protocol is not None:
        yield _stroke("force", years.x(protocol), years.x(last))
    else:
        yield _stroke("open", years.x(first), years.x(last))
    if not ended:
        yield element(
            "path",
            class_="on",
            d=path([(years.x(until), _LINE - 5), (years.x(until) + 7, _LINE), (years.x(until), _LINE + 5)]),
        )


def _stroke(kind: str, start: float, end: float) -> Markup:
    return element("path", class_=kind, d=path([(start, _LINE), (end, _LINE)]))


def _moments(moments: Sequence[Moment], years: Scale, width: float) -> Iterator[Markup]:
    marks = [(years.x(m.when.middle), _LINE, 9.0, m.name) for m in moments]
    # The line itself is occupied: no name may cross it.
    spots = place_labels(marks, Box(0, 0, width, _LINE + 30), [Box(0, _LINE - 6, width, _LINE + 6)])
    for moment, (x, *_), spot in zip(moments, marks, spots, strict=True):
        yield linked(
            moment.href,
            moment.accessible_name or moment.name,
            *_sign(moment, years, x),
            *_name(moment, x, spot),
            language=moment.language,
            class_=f"moment {moment.kind}",
        )


def _sign(moment: Moment, years: Scale, x: float) -> Iterator[Markup]:
    if not moment.when.is_point:
        left, right = years.x(moment.when.start), years.x(moment.when.end)
        yield element("rect", class_="blur", x=left, y=_LINE - 5, width=max(right - left, 4.0), height=10.0)
    elif moment.kind == "act":
        yield element("rect", class_="mark", x=x - 1.5, y=_LINE - 10, width=3.0, height=20.0)
    elif moment.kind == "end":
        yield element("path", class_="mark", d=path([(x - 6, _LINE - 8), (x + 6, _LINE + 8)]))
    else:
        yield element("circle", class_="mark", cx=x, cy=_LINE, r=6.0 if moment.kind == "protocol" else 4.5)


def _name(moment: Moment, x: float, spot: LabelPosition | None) -> Iterator[Markup]:
    # The name is still available to readers, as the title of the mark.
    if spot is None:
        return
    if spot.leader:
        yield element("path", class_="leader", d=path([(x, _LINE), spot.leader]))
    yield element("text", moment.name, class_="name", x=spot.x, y=spot.y, text_anchor=spot.anchor, lang=moment.language)
