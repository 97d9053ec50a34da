"""Spans of time on a scale of years, from partial dates."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from citygraph.charts.times import Span
from citygraph.rdf.partial_dates import period_of

_DAYS_OF_YEAR = 365.25


# A timeline needs the same dates in two sizes, and a world has the same dates in many timelines.
@lru_cache(4096)
def span(lexical: str) -> Span | None:
    """Returns the time that a partial date covers; None for other text."""
    period = period_of(lexical)
    if period is None:
        return None
    try:
        first, last = map(date.fromisoformat, period)
    except ValueError:
        return None
    return Span(_in_years(first), _in_years(last) + 1 / _DAYS_OF_YEAR)


def span_between(start: str, end: str) -> Span | None:
    """Returns the time between two dates, or the time of the only date given."""
    one, other = span(start) or span(end), span(end) or span(start)
    return Span(one.start, max(one.end, other.end)) if one and other else None


def year_of(lexical: str) -> float:
    """Returns a day as a decimal year, such as 2026.9. Raises ValueError for other text."""
    return _in_years(date.fromisoformat(lexical))


def _in_years(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / _DAYS_OF_YEAR
