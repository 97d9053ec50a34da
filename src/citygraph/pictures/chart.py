"""A number for each label, as horizontal bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from citygraph.pictures.svg import Caption, element, linked, picture

_WIDTH, _ROW, _NAMES, _VALUES = 1000.0, 26.0, 260.0, 90.0
_LETTERS = 40


@dataclass(frozen=True, slots=True)
class Amount:
    """One bar: its value and how that is written."""

    name: str
    value: float
    written: str
    language: str = ""
    href: str = ""


def bars(rows: Sequence[Amount], caption: Caption, name: str = "chart") -> Markup:
    """The rows from above in the order given; negative values go to the left of the line."""
    low, high = min([0.0, *(row.value for row in rows)]), max([0.0, *(row.value for row in rows)])
    scale = (_WIDTH - _NAMES - _VALUES) / ((high - low) or 1.0)
    zero = _NAMES - low * scale
    drawn = [_bar(row, number * _ROW, zero, scale) for number, row in enumerate(rows)]
    return picture(name, "chart", caption, (0, 0, _WIDTH, max(len(rows), 1) * _ROW + 4), drawn, role="group")


def _bar(row: Amount, top: float, zero: float, scale: float) -> Markup:
    return linked(row.href, f"{row.name}: {row.written}", *_parts(row, top, zero, scale), language=row.language)


def _parts(row: Amount, top: float, zero: float, scale: float) -> Iterator[Markup]:
    length = abs(row.value) * scale
    left = zero if row.value >= 0 else zero - length
    name = row.name if len(row.name) <= _LETTERS else row.name[: _LETTERS - 1] + "…"
    yield element("text", name, class_="name", x=_NAMES - 12, y=top + 18, text_anchor="end", lang=row.language)
    yield element("rect", class_="bar", x=left, y=top + 5, width=max(length, 1.0), height=_ROW - 9)
    yield element("text", row.written, class_="value", x=max(zero, left + length) + 8, y=top + 18)
