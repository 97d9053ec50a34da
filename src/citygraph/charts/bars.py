"""Bar charts: a bar and its figure for each row; a bar of several series has parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.charts.svg import Caption, element, linked, path, picture

SERIES = 8  # kinds of parts that have a style of their own
_ROW, _THICK, _WIDTH = 24.0, 14.0, 720.0
_LEFT, _RIGHT = 220.0, 64.0
_LETTER = 6.6  # the mean width of a letter


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part of a bar: the number of its series, and its value."""

    series: int
    value: float


@dataclass(frozen=True, slots=True)
class BarRow:
    """A bar: its name, its parts from the axis outwards, and the text of its value."""

    name: str
    parts: tuple[BarPart, ...]
    figure: str
    href: str = ""
    language: str = ""

    @property
    def below(self) -> float:
        """The sum of its negative parts."""
        return sum(part.value for part in self.parts if part.value < 0)

    @property
    def above(self) -> float:
        """The sum of its positive parts."""
        return sum(part.value for part in self.parts if part.value > 0)


def bar_chart(rows: Sequence[BarRow], caption: Caption, name: str = "bars") -> Markup:
    """Returns the bars one below the other, on a common axis at zero. Raises ValueError without rows."""
    if not rows:
        raise ValueError("a chart needs at least one row")
    low, high = min(0.0, *(row.below for row in rows)), max(0.0, *(row.above for row in rows))
    # A figure that is cut off would be another number.
    right = max(_RIGHT, max(len(row.figure) for row in rows) * _LETTER + 12)
    scale = (_WIDTH - _LEFT - right) / ((high - low) or 1.0)
    zero = _LEFT - low * scale
    height = len(rows) * _ROW + 8
    axis = element("path", class_="zero", d=path([(zero, 0.0), (zero, height)]))
    bars = [_bar(row, place * _ROW + 4, zero, scale) for place, row in enumerate(rows)]
    return picture(name, "bars", caption, (0, 0, _WIDTH, height), [*bars, axis], role="group")


def fitted(name: str, room: float) -> str:
    """Returns as much of a name as fits into the room, in units of the drawing."""
    most = max(4, int(room / _LETTER))
    return name if len(name) <= most else f"{name[: most - 1]}…"


def swatch(series: int) -> Markup:
    """Returns the sample of a series for a legend, hidden from screen readers, because text follows."""
    mark = element("rect", class_=f"series-{series % SERIES}", width=14.0, height=10.0)
    return element(
        "svg", mark, class_="picture sample bars", viewBox="0 0 28 10", aria_hidden="true", focusable="false"
    )


def _bar(row: BarRow, top: float, zero: float, scale: float) -> Markup:
    end = zero + max(row.above * scale, 0.0)
    name = element(
        "text",
        fitted(row.name, _LEFT - 12),
        class_="name",
        x=_LEFT - 8,
        y=top + 12,
        text_anchor="end",
        lang=row.language,
    )
    figure = element("text", row.figure, class_="value", x=end + 6, y=top + 12)
    return linked(
        row.href, f"{row.name}: {row.figure}", name, *_parts(row, top, zero, scale), figure,
        language=row.language, class_="bar-row",
    )  # fmt: skip


def _parts(row: BarRow, top: float, zero: float, scale: float) -> Iterator[Markup]:
    right = left = zero
    for part in row.parts:
        width = max(abs(part.value) * scale, 1.0 if part.value else 0.0)
        if part.value < 0:
            left -= width
        x = left if part.value < 0 else right
        style = f"series-{part.series % SERIES}{' below' if part.value < 0 else ''}"
        yield element("rect", class_=style, x=x, y=top + 1, width=width, height=_THICK)
        if part.value >= 0:
            right += width
