"""Partial dates: a day, a month or a year in the lexical form of XSD, and the days that it covers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from pyoxigraph import Literal, NamedNode

from citygraph.instance import current_instance
from citygraph.rdf.lexical import days_in_month, is_valid
from citygraph.rdf.terms import CG, XSD

DATE_TYPES = (XSD("gYear"), XSD("gYearMonth"), XSD("date"))
_PARTIAL = re.compile(r"(?P<year>-?\d{4,})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?(?P<zone>Z|[+-]\d\d:\d\d)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# 9 for 0, 8 for 1 …: years before our era count backwards.
_COMPLEMENTS = str.maketrans("0123456789", "9876543210")
_ALWAYS = ("0000-01-01", "9999-12-31")

# The value of cg:until where something has ended on a date that no source gives.
UNKNOWN_DATE = CG("unknownDate")
# The datatype of the intervals that the rules derive: 1990/2000, 2010/.., 1990/ (Extended Date/Time Format).
EDTF = NamedNode("http://id.loc.gov/datatypes/edtf/EDTF")
_OPEN = ".."


class Validity(StrEnum):
    """Whether something holds on a day. Undated things are valid: nothing shows that they are not."""

    VALID = ""
    NOT_YET = "not yet"
    NO_LONGER = "no longer"
    UNDOCUMENTED = "not documented for that day"


@dataclass(frozen=True, slots=True, order=True)
class DateInterval:
    """An interval that includes two partial dates: `start` is "" if unknown, `end` is "" if open or unknown.

    `is_open` distinguishes an interval that continues from one that ended on an unknown date.
    """

    start: str
    end: str
    is_open: bool = False

    def validity(self, day: str) -> Validity:
        """Returns whether the interval contains a day; partial dates cover their whole month or year."""
        if self.start and chronological((period_of(self.start) or _ALWAYS)[0]) > chronological(day):
            return Validity.NOT_YET
        if self.end and chronological((period_of(self.end) or _ALWAYS)[1]) < chronological(day):
            return Validity.NO_LONGER
        return Validity.VALID if self.end or self.is_open else Validity.UNDOCUMENTED


def date_interval(text: str) -> DateInterval:
    """Returns an interval from its EDTF text."""
    start, _, end = text.partition("/")
    return DateInterval(start, "" if end == _OPEN else end, end == _OPEN)


def validity_on(day: str, valid: Iterable[str], attested: Iterable[str] = (), today: str = "") -> Validity:
    """Returns whether something holds on a day, by the EDTF intervals of cg:validDuring and cg:attestedDuring.

    Between two intervals it is no longer valid. With an unknown end date, it is no longer valid on and after today.
    Without an end, its validity after today is undocumented.
    """
    intervals = sorted(map(date_interval, valid))
    if not any(one.start or one.end for one in intervals):
        documented = {date_interval(text).validity(day) for text in attested}
        if documented:
            return Validity.VALID if Validity.VALID in documented else Validity.UNDOCUMENTED
    is_future = bool(today) and day > today
    validities = [Validity.UNDOCUMENTED if is_future and one.is_open else one.validity(day) for one in intervals]
    if not validities or Validity.VALID in validities:
        return Validity.VALID
    if Validity.UNDOCUMENTED in validities:
        is_over = bool(today) and day >= today and not any(one.is_open for one in intervals)
        return Validity.NO_LONGER if is_over else Validity.UNDOCUMENTED
    return Validity.NO_LONGER if Validity.NO_LONGER in validities else Validity.NOT_YET


def local_day(zone: str, now: datetime | None = None) -> date:
    """Returns the day in a time zone, such as Europe/Istanbul, at a moment or else now."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()


def present_day() -> date:
    """Returns today's date where the instance is."""
    return local_day(current_instance().timezone)


def full_date(text: str) -> date | None:
    """Returns the day of a text such as 2026-01-31, or None for any other text."""
    # Other forms of ISO 8601, such as 20260131, are not compared correctly as text.
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


@lru_cache(16)
def midnight(day: date, zone: str) -> datetime:
    """Returns the moment at which a day begins in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def period_of(text: str) -> tuple[str, str] | None:
    """Returns the first and the last day of a partial date, each with its time zone; None for other text."""
    match = _match(text)
    if match is None:
        return None
    year, month, day, zone = match["year"], match["month"], match["day"], match["zone"] or ""
    last_month = int(month or 12)
    # The leap years repeat every 400 years, and the number may be too long for a conversion.
    last_day = int(day or days_in_month(int(year[-4:].lstrip("-")), last_month))
    return f"{year}-{month or '01'}-{day or '01'}{zone}", f"{year}-{last_month:02}-{last_day:02}{zone}"


def last_day(text: str) -> str:
    """Returns the last day of a partial date in four digits for the year, which sort as text; "" for other text.

    Days after 9999 are the last of that year, and those before our era the day before the year 0.
    """
    period = period_of(text)
    return _as_sortable(period[1]) if period else ""


def _as_sortable(day: str) -> str:
    return "-" if day.startswith("-") else _ALWAYS[1] if day[4] != "-" else day[: len(_ALWAYS[1])]


def date_literal(text: str) -> Literal | None:
    """Returns a partial date without time zone as a literal of its datatype; None for other text."""
    match = _match(text)
    return None if match is None or match["zone"] else Literal(text, datatype=_datatype(match))


def _match(text: str) -> re.Match[str] | None:
    """Returns the parts of a text that is valid for its datatype."""
    match = _PARTIAL.fullmatch(text)
    return match if match and is_valid(text, _datatype(match).value) else None


def _datatype(match: re.Match[str]) -> NamedNode:
    return DATE_TYPES[bool(match["month"]) + bool(match["day"])]


@lru_cache(20_000)
def chronological(text: str) -> tuple[int, str, str]:
    """Returns the key by which dates sort in time: as text, -0100 would follow -0752, and 12000 precede 1986."""
    year = year_part(text)
    digits = year.removeprefix("-")
    rest = text.removeprefix(year)
    if year.startswith("-"):
        return -len(digits), digits.translate(_COMPLEMENTS), rest
    return len(digits), digits, rest


def finest_first(dates: Iterable[str]) -> tuple[str, ...]:
    """Returns the dates without those that a finer one contains ("1986" if there is "1986-04-28"); the finest first."""
    finest: list[str] = []
    for date_ in sorted(set(dates), key=lambda lexical: (-len(lexical), lexical)):
        if not any(finer.startswith(f"{date_}-") for finer in finest):
            finest.append(date_)
    return tuple(finest)


def overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Returns whether two intervals of dates, which may be partial or open (empty), have a day in common."""
    (begin, end), (other_begin, other_end) = (map(chronological, _days_of(days)) for days in (one, other))
    return begin <= other_end and other_begin <= end


def is_past(text: str, today: str) -> bool:
    """Returns whether all days of a partial date are before today."""
    # A prefix of today's date is the month or year that is not over yet.
    return chronological(text) < chronological(today[: len(text)])


def year_part(text: str) -> str:
    """Returns the year of a partial date as written: "1986", "-0752"; "" for other text."""
    match = _PARTIAL.match(text)
    return match["year"] if match else ""


def in_year(text: str, year: int) -> str:
    """Returns a partial date moved to another year; a leap day becomes its month in a common year."""
    moved = f"{year}{text.removeprefix(year_part(text))}"
    try:
        return date.fromisoformat(moved).isoformat() if len(moved) > len("2026-01") else moved
    except ValueError:
        return moved[: len("2026-01")]


def _days_of(interval: tuple[str, str]) -> tuple[str, str]:
    begin, end = interval
    return (period_of(begin) or _ALWAYS)[0], (period_of(end) or _ALWAYS)[1]
