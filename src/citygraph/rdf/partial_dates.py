"""Partial dates: a day, a month or a year in the lexical form of XSD, and the days that it covers."""

from __future__ import annotations

import re
from calendar import isleap
from datetime import date

from pyoxigraph import Literal

from citygraph.rdf.terms import XSD

DATE_TYPES = (XSD("gYear"), XSD("gYearMonth"), XSD("date"))
_PARTIAL = re.compile(r"(?P<year>-?\d{4,})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?(?P<zone>Z|[+-]\d\d:\d\d)?")
_ALWAYS = ("0000-01-01", "9999-12-31")


def period_of(text: str) -> tuple[str, str] | None:
    """Returns the first and the last day of a partial date, each with its time zone; None for other text.

    The month and the day of a full date are not checked.
    """
    match = _PARTIAL.fullmatch(text)
    if match is None:
        return None
    year, month, day, zone = match["year"], match["month"], match["day"], match["zone"] or ""
    last_month = int(month or 12)
    last_day = int(day or _days_in_month(int(year), last_month))
    return f"{year}-{month or '01'}-{day or '01'}{zone}", f"{year}-{last_month:02}-{last_day:02}{zone}"


def date_literal(text: str) -> Literal | None:
    """Returns a partial date without time zone as a literal of its datatype; None for other text."""
    match = _PARTIAL.fullmatch(text)
    if match is None or match["zone"]:
        return None
    return Literal(text, datatype=DATE_TYPES[bool(match["month"]) + bool(match["day"])])


def overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Returns whether two intervals of dates, which may be partial or open (empty), have a day in common."""
    (begin, end), (other_begin, other_end) = _days_of(one), _days_of(other)
    return begin <= other_end and other_begin <= end


def is_past(text: str, today: str) -> bool:
    """Returns whether all days of a partial date are before today."""
    # ISO dates sort as text: a prefix of today's date is the month or year that is not over yet.
    return text < today[: len(text)]


def in_year(text: str, year: int) -> str:
    """Returns a partial date moved to another year; a leap day becomes its month in a common year."""
    moved = f"{year}{text[4:]}"
    try:
        return date.fromisoformat(moved).isoformat() if len(moved) > len("2026-01") else moved
    except ValueError:
        return moved[: len("2026-01")]


def _days_of(interval: tuple[str, str]) -> tuple[str, str]:
    begin, end = interval
    return (period_of(begin) or _ALWAYS)[0], (period_of(end) or _ALWAYS)[1]


# `calendar.monthrange` refuses years before 1, which XSD allows.
def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if isleap(year) else 28
    return 30 if month in {4, 6, 9, 11} else 31
