"""Facts about cells that the library does not return: extent, errors, formats, merged and struck-out cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A cell by row and column, from 0.
Place = tuple[int, int]

STATE_SHEET = "citygraph export"  # hidden: the state of an exported workbook
MOST_CELLS = 5_000_000  # between A1 and the last filled cell, in all sheets: the library allocates each of them
MOST_LETTERS = 100_000_000  # in all cells: a text that is stored once can be in each of them

# The granularity of a date: a day, a month, a year, a day with a time; or no year, so that it is not a date.
DAY, MONTH, YEAR, MOMENT, TIME, NO_YEAR = "day", "month", "year", "moment", "time", "no year"

_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|[_*].|\[(?!h+\]|m+\]|s+\])[^\]]*\]')
_TOKENS = re.compile(r"general|am/pm|a/p|y+|e+(?![+\-])|m+|d+|h+|s+|[0#?]")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?")
_NUMBERS = re.compile(r"\d+")


@dataclass
class SheetFacts:
    """A sheet of a workbook: how far it reaches, and the remarkable cells."""

    name: str
    hidden: bool = False
    has_cells: bool = True  # a chart has none
    rows: int = 0
    columns: int = 0
    letters: int = 0
    # Columns by row of the cells for which the library must have a value; a set of places would need much memory.
    filled: dict[int, list[int]] = field(default_factory=dict)
    errors: dict[Place, str] = field(default_factory=dict)
    uncalculated: list[Place] = field(default_factory=list)
    date_formats: dict[Place, str] = field(default_factory=dict)  # the granularity of dates
    struck: list[Place] = field(default_factory=list)
    texts: dict[Place, str] = field(default_factory=dict)  # where the library loses line breaks or the whole text
    merged: list[tuple[Place, Place]] = field(default_factory=list)
    remarks: dict[Place, str] = field(default_factory=dict)  # comments, which some programs call notes
    hidden_rows: dict[int, None] = field(default_factory=dict)  # those with values
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)

    def extend(self, rows: int, columns: int) -> None:
        """Notes that the sheet has at least so many rows and columns."""
        self.rows, self.columns = max(self.rows, rows), max(self.columns, columns)

    def fill(self, place: Place) -> None:
        """Notes that a cell has a value."""
        self.filled.setdefault(place[0], []).append(place[1])

    @property
    def cells(self) -> int:
        """The number of cells between A1 and the last filled one."""
        return self.rows * self.columns


def shown_by_format(code: str) -> str:
    """Returns the parts of a date that an XLSX number format shows; empty if it is not a date format.

    Only its first section counts: the others are for negative numbers, zero and texts.
    """
    plain = _NOT_SHOWN.sub("", code.lower()).partition(";")[0]
    tokens = _TOKENS.findall(plain)
    if not tokens or "general" in tokens or tokens[0] in "0#?":
        return ""
    parts = set()
    for place, token in enumerate(tokens):
        before, after = tokens[place - 1][0] if place else "", tokens[place + 1][0] if place + 1 < len(tokens) else ""
        if token[0] == "m":
            # As Excel reads it: after hours and before seconds it is minutes.
            parts.add("time" if before == "h" or after == "s" or f"[{token}]" in plain else "month")
        elif token[0] in "hsa":
            parts.add("time")
        elif token[0] in "ye":
            parts.add("year")
        elif token in ("d", "dd"):
            parts.add("day")
    return _granularity(parts)


# The formats that a file does not spell out (ECMA-376, part 1, 18.8.30), with those of East Asian programs.
BUILT_IN = {
    **dict.fromkeys((14, 15, 27, 30, 31, 36, 50, 57), DAY),
    **dict.fromkeys((17, 52), MONTH),
    **dict.fromkeys((16, 28, 29, 51, 53, 54, 58), NO_YEAR),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56), TIME),
    22: MOMENT,
}


def shown_by_text(text: str, day: str) -> str:
    """Returns the part of a day (YYYY-MM-DD) that a text shows: "April 1985" shows the month of 1985-04-01."""
    year = day.lstrip("-").partition("-")[0]
    plain = _CLOCK.sub(" ", text)
    numbers = _NUMBERS.findall(plain)
    if not text.strip():
        return DAY
    for form in (year, year[-2:]):
        if form in numbers:
            numbers.remove(form)
            break
    else:
        return NO_YEAR
    named = bool(re.search(r"[^\W\d]{3,}", plain))
    parts = {"year"} | ({"month"} if named or numbers else set()) | ({"day"} if len(numbers) + named > 1 else set())
    return _granularity(parts | ({"time"} if plain != text else set()))


def _granularity(parts: set[str]) -> str:
    if not parts:
        return ""
    if parts == {"time"}:
        return TIME
    if "year" not in parts or (parts >= {"year", "day"} and "month" not in parts):
        return NO_YEAR
    if "time" in parts and "day" in parts:
        return MOMENT
    return DAY if "day" in parts else MONTH if "month" in parts else YEAR
