"""A time axis with a row for each line of a table: its dates are marks, whose width shows their precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.charts.bars import fitted
from citygraph.charts.svg import Caption, element, linked, path, picture
from citygraph.charts.times import Scale, Span, scale

_ROW, _WIDTH, _LEFT, _FOOT = 22.0, 720.0, 236.0, 26.0
KINDS = 4  # of marks that have a style of their own


@dataclass(frozen=True, slots=True)
class DatedRow:
    """A row: its name, and its dates, each with the number of its kind. `held` draws the time between them as a bar."""

    name: str
    dates: tuple[tuple[int, Span], ...]
    accessible_name: str = ""
    href: str = ""
    language: str = ""
    held: bool = False


def dated_rows(rows: Sequence[DatedRow], caption: Caption, name: str = "dates") -> Markup:
    """Returns the rows one below the other over a common scale of years. Raises ValueError without dates."""
    times = [year for row in rows for _, span in row.dates for year in (span.start, span.end)]
    years = scale(times, _LEFT, _WIDTH - _LEFT - 16)
    bottom = len(rows) * _ROW + 6
    drawn = [_row(row, place * _ROW + _ROW / 2 + 2, years) for place, row in enumerate(rows)]
    return picture(
        name, "dated-rows", caption, (0, 0, _WIDTH, bottom + _FOOT), [years.grid(0, bottom), *drawn], role="group"
    )


def mark_sample(kind: int) -> Markup:
    """Returns the sample of a kind of date for a legend, hidden from screen readers, because text follows."""
    mark = next(_mark(kind, Span(0.0, 0.0), Scale(0.0, 1.0, 7.0, 1.0), 5.0))
    return element(
        "svg", mark, class_="picture sample dated-rows", viewBox="0 0 28 10", aria_hidden="true", focusable="false"
    )


def _row(row: DatedRow, y: float, years: Scale) -> Markup:
    name = element(
        "text", fitted(row.name, _LEFT - 16), class_="name", x=_LEFT - 12, y=y + 4, text_anchor="end", lang=row.language
    )
    label = row.accessible_name or row.name
    marks = [mark for kind, span in row.dates for mark in _mark(kind, span, years, y)]
    return linked(row.href, label, name, *_between(row, years, y), *marks, language=row.language, class_="dated-row")


def _between(row: DatedRow, years: Scale, y: float) -> Iterator[Markup]:
    if len(row.dates) < 2:
        return
    first, last = min(s.start for _, s in row.dates), max(s.end for _, s in row.dates)
    if row.held:
        yield element(
            "rect", class_="held", x=years.x(first), y=y - 4, width=years.x(last) - years.x(first), height=8.0
        )
    else:
        yield element("path", class_="between", d=path([(years.x(first), y), (years.x(last), y)]))


def _mark(kind: int, span: Span, years: Scale, y: float) -> Iterator[Markup]:
    style = f"mark kind-{kind % KINDS}"
    if not span.is_point:
        left = years.x(span.start)
        yield element(
            "rect", class_=f"{style} wide", x=left, y=y - 3, width=max(years.x(span.end) - left, 3.0), height=6.0
        )
    elif kind % KINDS == 0:
        yield element("rect", class_=style, x=years.x(span.middle) - 1.5, y=y - 7, width=3.0, height=14.0)
    else:
        yield element("circle", class_=style, cx=years.x(span.middle), cy=y, r=4.0)
