"""The time axis: a lane for each post, bars with visible gaps, and separate tracks where bars overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from markupsafe import Markup

from citygraph.charts.label_placement import width
from citygraph.charts.svg import Caption, box, label, line, linked, picture
from citygraph.charts.times import Scale, Span, scale

_HEAD, _BAR, _LINE, _FOOT = 26.0, 16.0, 16.0, 28.0
_SUCCESSION = 1 / 12  # years: a successor within a month leaves no gap
_INSIDE = -1  # the row of a name that fits into its bar
_LEFT, _RIGHT = 8.0, 24.0
WIDE = 1000.0  # the width of a drawing for wide screens


class Bar(NamedTuple):
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


class Lane(NamedTuple):
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
    total: float = WIDE,
) -> Markup:
    """Returns the lanes one below the other, in a drawing of the width `total`; see `axes`."""
    return axes(lanes, caption, until, [(name, total)], day)[0]


def axes(
    lanes: Sequence[Lane],
    caption: Caption,
    until: float,
    sizes: Iterable[tuple[str, float]],
    day: float | None = None,
) -> tuple[Markup, ...]:
    """Returns the lanes one below the other, as a drawing for each name and width.

    Bars without an end go on to `until` (a year, such as 2026.9). `day` draws a line across at that year. Raises
    ValueError if nothing has a time.
    """
    placed = [(lane, [_placed(bar, until) for bar in lane.bars]) for lane in lanes]
    times = [year for _, bars in placed for bar in bars for span in bar.spans for year in (span.start, span.end)]
    times += [until, *([day] if day else [])]
    in_tracks = [_PlacedLane(lane, bars, _tracks(bars)) for lane, bars in placed]
    return tuple([_drawn(in_tracks, scale(times, _LEFT, w - _LEFT - _RIGHT), w, caption, n, day) for n, w in sizes])


def _drawn(
    lanes: Iterable[_PlacedLane], years: Scale, total: float, caption: Caption, name: str, day: float | None
) -> Markup:
    drawn: list[Markup] = []
    y = 0.0
    for lane, bars, tracks in lanes:
        drawn += _head(lane, y)
        y += _HEAD if lane.name else 0
        drawn += _gaps(bars, years, y)
        for track in tracks:
            rows = _rows(track, years)
            drawn += [_bar(bar, row, years, y) for bar, row in zip(track, rows, strict=True)]
            y += _BAR + 8 + _LINE * (max(rows) + 1)
        y += 8
    across = [line("day", (years.x(day), 0), (years.x(day), y))] if day else []
    return picture(name, "axis", caption, (0, 0, total, y + _FOOT), [years.grid(0, y), *drawn, *across], role="group")


class _PlacedBar(NamedTuple):
    """A bar with its known times, its first and its last moment, and the ends of its certain part."""

    bar: Bar
    spans: tuple[Span, ...]
    first: float
    last: float
    firm_start: float
    firm_end: float


class _PlacedLane(NamedTuple):
    """A lane with its bars, and these in tracks without overlaps."""

    lane: Lane
    bars: list[_PlacedBar]
    tracks: list[list[_PlacedBar]]


def _placed(bar: Bar, until: float) -> _PlacedBar:
    start, end = bar.start, bar.end
    spans = tuple([span for span in (start, end, *bar.attested) if span])
    first = min([span.start for span in spans], default=0.0)
    last = end.end if end else until if start else max([span.end for span in spans], default=until)
    # A name inside a bar must not cover the blur.
    firm_start = start.end if start and not start.is_point else first
    firm_end = end.start if end and not end.is_point else last
    return _PlacedBar(bar, spans, first, last, firm_start, firm_end)


def _first_of(placed: _PlacedBar) -> float:
    return placed.first


def _tracks(bars: Sequence[_PlacedBar]) -> list[list[_PlacedBar]]:
    """Returns the bars in the smallest number of tracks without overlap in a track."""
    tracks: list[list[_PlacedBar]] = []
    for bar in sorted(bars, key=_first_of):
        track = next((track for track in tracks if _follows(bar, track[-1])), None)
        if track is None:
            tracks.append([bar])
        else:
            track.append(bar)
    return tracks


def _follows(placed: _PlacedBar, before: _PlacedBar) -> bool:
    """Returns whether a bar begins after the one before it has ended, as far as is known."""
    # Often only the month or year of a succession is known. Equal months or years are not an overlap.
    end = before.bar.end
    ended = end.start if end and placed.bar.start and before.first < placed.first else before.last
    return ended <= placed.first + _SUCCESSION


def _head(lane: Lane, y: float) -> list[Markup]:
    if not lane.name:
        return []
    text = label("lane", _LEFT, y + 18, lane.name, lane.language)
    return [linked(lane.href, lane.name, text, language=lane.language) if lane.href else text]


def _gaps(bars: Sequence[_PlacedBar], years: Scale, top: float) -> Iterator[Markup]:
    """Yields a hairline where no bar of any track is: a gap must be visible."""
    ordered = sorted(bars, key=_first_of)
    # A long bar may end after later ones, so the gap begins at the latest end so far.
    ends = accumulate([bar.last for bar in ordered], max)
    for end, after in zip(ends, ordered[1:], strict=False):
        if after.first - end > _SUCCESSION:
            yield line("gap", (years.x(end), top + _BAR / 2), (years.x(after.first), top + _BAR / 2))


def _rows(track: Sequence[_PlacedBar], years: Scale) -> list[int]:
    """Returns the row of each name: inside its bar if it fits, else the first row below without an overlap."""
    ends: list[float] = []
    rows = []
    for placed in track:
        room = width(placed.bar.name)
        if room + 8 < years.x(placed.firm_end) - years.x(placed.firm_start):
            rows.append(_INSIDE)
            continue
        left = _left_of_name(placed, years)
        row = next((row for row, end in enumerate(ends) if end + 12 < left), len(ends))
        # Replaces the end of this row, or begins a new row.
        ends[row : row + 1] = [left + room]
        rows.append(row)
    return rows


def _left_of_name(placed: _PlacedBar, years: Scale) -> float:
    right = years.left + years.width + _RIGHT - _LEFT - width(placed.bar.name)
    return max(_LEFT, min(years.x(placed.first), right))


def _bar(placed: _PlacedBar, row: int, years: Scale, top: float) -> Markup:
    bar, left, right = placed.bar, years.x(placed.first), years.x(placed.last)
    parts = [box("bar", left, top, max(right - left, 3.0), _BAR)]
    for span in (bar.start, bar.end):
        # The blur is as wide as the uncertainty.
        if span and not span.is_point:
            x = years.x(span.start)
            parts.append(box("blur", x, top, years.x(span.end) - x, _BAR))
    if bar.start and not bar.end:
        parts.append(line("on", (right, top), (right + 8, top + _BAR / 2), (right, top + _BAR)))
    return linked(
        bar.href,
        bar.accessible_name or bar.name,
        *parts,
        *_name(placed, row, years, top),
        language=bar.language,
        class_=f"span{' faint' if bar.faint else ''}{'' if bar.start else ' attested'}",
    )


def _name(placed: _PlacedBar, row: int, years: Scale, top: float) -> Iterator[Markup]:
    bar = placed.bar
    if row == _INSIDE:
        yield label("name inside", years.x(placed.firm_start) + 4, top + _BAR - 4, bar.name, bar.language)
        return
    y = top + _BAR + _LINE * (row + 1) - 3
    if row:
        left = years.x(placed.first)
        yield line("leader", (left + 1, top + _BAR), (left + 1, y - _LINE + 4))
    yield label("name", _left_of_name(placed, years), y, bar.name, bar.language)
