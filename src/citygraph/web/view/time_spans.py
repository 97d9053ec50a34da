"""Lexical dates reckoned with, each as precise as it is: the same day in another year, what lies before a day."""

from __future__ import annotations

import calendar
import re
from datetime import date

from citygraph.charts.times import Span


def on_year(lexical: str, year: int) -> str:
    """The same day in another year; of a leap day in a common year, its month."""
    there = f"{year}{lexical[4:]}"
    try:
        return date.fromisoformat(there).isoformat() if len(there) > len("2026-01") else there
    except ValueError:
        return there[: len("2026-01")]


def is_past(lexical: str, today: str) -> bool:
    """Whether all of a day, a month or a year lies before today."""
    return lexical < today[: len(lexical)]


_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?$")
_DAYS_OF_YEAR = 365.25


def span(lexical: str) -> Span | None:
    """The time that a date covers: a day, a month or a year. None for what is no date."""
    match = _DATE.match(lexical)
    if not match:
        return None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        first = date(year, month or 1, day or 1)
        last_month = month or 12
        last = date(year, last_month, day or calendar.monthrange(year, last_month)[1])
    except ValueError:
        return None
    return Span(_in_years(first), _in_years(last) + 1 / _DAYS_OF_YEAR)


def span_between(start: str, end: str) -> Span | None:
    """The time from one date to another; with one of them, that one's own."""
    one, other = span(start) or span(end), span(end) or span(start)
    return Span(one.start, max(one.end, other.end)) if one and other else None


def year_of(lexical: str) -> float:
    """A day in years: 2026.9. Raises ValueError for what is no day."""
    return _in_years(date.fromisoformat(lexical))


def _in_years(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / _DAYS_OF_YEAR
