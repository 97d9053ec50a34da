"""The time axis: a lane for each post, bars with visible gaps, and separate tracks where bars overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from citygraph.charts.label_placement import width
from citygraph.charts.svg import Caption, element, linked, path, picture
from citygraph.charts.times import Scale, Span, scale

_HEAD, _BAR, _LINE, _FOOT = 26.0, 16.0, 16.0, 28.0
_SUCCESSION = 1 / 12  # years: a successor within a month leaves no gap
_INSIDE = -1  # the row of a name that fits into its bar
_LEFT, _RIGHT = 8.0, 24.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A period on the axis. Start and end are spans, because neither need be known to the day; no end means ongoing.

    `attested` are single days, for periods with neither start nor end.
    """

    name: str
    start: Span | None
    end: Span | None
    accessible_name: str = ""
    language: str = ""
    href: str = ""
    attested: tuple[Span, ...] = ()
    faint: bool = False  # not in office on the requested day


@dataclass(frozen=True, slots=True)
class Lane:
    """A post, or another line of things that follow one another."""

    name: str
    bars: tuple[Bar, ...]
    language: str = ""
    href: str = ""


def axis(
    lanes: Sequence[Lane],
    caption: Caption,
    until: float,
    name: str = "axis",
    day: float | None = None,
    total: float = 1000.0,
) -> Markup:
    """Returns the lanes one below the other. Bars without an end go on to `until` (a year, such as 2026.9).

    `day` draws a line across at that year; `total` is the width of the drawing. Raises ValueError if nothing has a
    time.
    """
    times = [year for lane in lanes for bar in lane.bars for span in _spans(bar) for year in (span.start, span.end)]
    years = scale([*times, until, *([day] if day else [])], _LEFT, total - _LEFT - _RIGHT)
    drawn: list[Markup] = []
    y = 0.0
    for lane in lanes:
        drawn += _head(lane, y)
        y += _HEAD if lane.name else 0
        drawn += _gaps(lane.bars, years, y, until)
        for track in _tracks(lane.bars, until):
            rows = _rows(track, years, until)
            drawn += [_bar(bar, row, years, y, until) for bar, row in zip(track, rows, strict=True)]
            y += _BAR + 8 + _LINE * (max(rows) + 1)
        y += 8
    across = [element("path", class_="day", d=path([(years.x(day), 0), (years.x(day), y)]))] if day else []
    return picture(name, "axis", caption, (0, 0, total, y + _FOOT), [*years.grid(0, y), *drawn, *across], role="group")


def _spans(bar: Bar) -> Iterator[Span]:
    yield from (span for span in (bar.start, bar.end, *bar.attested) if span)


def _from(bar: Bar) -> float:
    return min((span.start for span in _spans(bar)), default=0.0)


def _to(bar: Bar, until: float) -> float:
    if bar.end:
        return bar.end.end
    return until if bar.start else max((span.end for span in _spans(bar)), default=until)


def _tracks(bars: Sequence[Bar], until: float) -> list[list[Bar]]:
    """Returns the bars in the smallest number of tracks without overlap in a track."""
    tracks: list[list[Bar]] = []
    for bar in sorted(bars, key=_from):
        track = next((track for track in tracks if _follows(bar, track[-1], until)), None)
        if track is None:
            tracks.append([bar])
        else:
            track.append(bar)
    return tracks


def _follows(bar: Bar, before: Bar, until: float) -> bool:
    """Returns whether a bar begins after the one before it has ended, as far as is known."""
    # Often only the month or year of a succession is known. Equal months or years are not an overlap.
    ended = before.end.start if before.end and bar.start and _from(before) < _from(bar) else _to(before, until)
    return ended <= _from(bar) + _SUCCESSION


def _head(lane: Lane, y: float) -> list[Markup]:
    if not lane.name:
        return []
    text = element("text", lane.name, class_="lane", x=_LEFT, y=y + 18, lang=lane.language)
    return [linked(lane.href, lane.name, text, language=lane.language) if lane.href else text]


def _gaps(bars: Sequence[Bar], years: Scale, top: float, until: float) -> Iterator[Markup]:
    """Yields a hairline where no bar of any track is: a gap must be visible."""
    ordered = sorted(bars, key=_from)
    # A long bar may end after later ones, so the gap begins at the latest end so far.
    ends = accumulate((_to(bar, until) for bar in ordered), max)
    for end, after in zip(ends, ordered[1:], strict=False):
        if _from(after) - end > _SUCCESSION:
            line = [(years.x(end), top + _BAR / 2), (years.x(_from(after)), top + _BAR / 2)]
            yield element("path", class_="gap", d=path(line))


def _rows(track: Sequence[Bar], years: Scale, until: float) -> list[int]:
    """Returns the row of each name: inside its bar if it fits, else the first row below without an overlap."""
    ends: list[float] = []
    rows = []
    for bar in track:
        if width(bar.name) + 8 < _right_of_firm(bar, years, until) - _left_of_firm(bar, years):
            rows.append(_INSIDE)
            continue
        left = _left_of_name(bar, years)
        row = next((row for row, end in enumerate(ends) if end + 12 < left), len(ends))
        # Replaces the end of this row, or begins a new row.
        ends[row : row + 1] = [left + width(bar.name)]
        rows.append(row)
    return rows


def _left_of_firm(bar: Bar, years: Scale) -> float:
    """Returns the left end of the certain part of a bar: a name inside must not cover the blur."""
    return years.x(bar.start.end if bar.start and not bar.start.is_point else _from(bar))


def _right_of_firm(bar: Bar, years: Scale, until: float) -> float:
    return years.x(bar.end.start if bar.end and not bar.end.is_point else _to(bar, until))


def _left_of_name(bar: Bar, years: Scale) -> float:
    return max(_LEFT, min(years.x(_from(bar)), years.left + years.width + _RIGHT - _LEFT - width(bar.name)))


def _bar(bar: Bar, row: int, years: Scale, top: float, until: float) -> Markup:
    left, right = years.x(_from(bar)), years.x(_to(bar, until))
    parts = [element("rect", class_="bar", x=left, y=top, width=max(right - left, 3.0), height=_BAR)]
    for span in (bar.start, bar.end):
        # The blur is as wide as the uncertainty.
        if span and not span.is_point:
            x = years.x(span.start)
            parts.append(element("rect", class_="blur", x=x, y=top, width=years.x(span.end) - x, height=_BAR))
    if bar.start and not bar.end:
        parts.append(
            element("path", class_="on", d=path([(right, top), (right + 8, top + _BAR / 2), (right, top + _BAR)]))
        )
    name = _name(bar, row, years, top)
    return linked(
        bar.href,
        bar.accessible_name or bar.name,
        *parts,
        *name,
        language=bar.language,
        class_=f"span{' faint' if bar.faint else ''}{'' if bar.start else ' attested'}",
    )


def _name(bar: Bar, row: int, years: Scale, top: float) -> Iterator[Markup]:
    if row == _INSIDE:
        x = _left_of_firm(bar, years) + 4
        yield element("text", bar.name, class_="name inside", x=x, y=top + _BAR - 4, lang=bar.language)
        return
    y = top + _BAR + _LINE * (row + 1) - 3
    if row:
        left = years.x(_from(bar))
        yield element("path", class_="leader", d=path([(left + 1, top + _BAR), (left + 1, y - _LINE + 4)]))
    yield element("text", bar.name, class_="name", x=_left_of_name(bar, years), y=y, lang=bar.language)
