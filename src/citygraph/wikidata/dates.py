"""Wikidata's times as our dates: exactly as precise as they are, and in words where they are vaguer than a year."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable

from pyoxigraph import Literal

from citygraph.terms import XSD
from citygraph.wikidata.model import DAY, MONTH, YEAR, Time

_DECADE, _CENTURY, _MILLENNIUM = 8, 7, 6
# Turkish vowel harmony: the last word of the decade's number decides (elli-ler, doksan-lar).
_TURKISH_PLURAL = {0: "ler", 1: "lar", 2: "ler", 3: "lar", 4: "lar", 5: "ler", 6: "lar", 7: "ler", 8: "ler", 9: "lar"}


def date_of(time: Time) -> Literal | None:
    """The date as xsd:date, xsd:gYearMonth or xsd:gYear; None if it is vaguer than a year or no day at all."""
    year = f"{'-' if time.year < 0 else ''}{abs(time.year):04}"
    if time.precision == YEAR:
        return Literal(year, datatype=XSD("gYear"))
    if time.precision < YEAR or not 1 <= time.month <= 12:
        return None
    if time.precision == MONTH:
        return Literal(f"{year}-{time.month:02}", datatype=XSD("gYearMonth"))
    # 400 years later the calendar is the same, and Python knows no years before 1.
    if time.precision < DAY or not 1 <= time.day <= monthrange(time.year % 400 + 400, time.month)[1]:
        return None
    return Literal(f"{year}-{time.month:02}-{time.day:02}", datatype=XSD("date"))


def words_of(time: Time) -> tuple[str, str]:
    """A time vaguer than a year in English and Turkish: "19th century", "19. yüzyıl"."""
    past = time.year <= 0
    # 1 BCE is the year 0: counting from the turn, it is the first before it.
    count = 1 - time.year if past else time.year
    before = (" BCE", "MÖ ") if past else ("", "")
    if time.precision == _DECADE:
        decade = count // 10 * 10
        plural = _TURKISH_PLURAL[decade // 10 % 10]
        return f"{decade}s{before[0]}", f"{before[1]}{decade}'{plural}"
    if time.precision in (_CENTURY, _MILLENNIUM):
        length, english, turkish = (
            (100, "century", "yüzyıl") if time.precision == _CENTURY else (1000, "millennium", "binyıl")
        )
        nth = (count + length - 1) // length
        return f"{_ordinal(nth)} {english}{before[0]}", f"{before[1]}{nth}. {turkish}"
    return f"around the year {count}{before[0]}", f"{before[1]}{count} yılı dolayları"


def same_period(first: Literal, second: Literal) -> bool:
    """Whether two dates agree at the coarser of their precisions."""
    return agree(first.value, second.value)


def agree(first: str, second: str) -> bool:
    """Whether two dates, as text, agree at the coarser of their precisions."""
    shorter, longer = sorted((first, second), key=len)
    return longer == shorter or longer.startswith(shorter + "-")


def finest(dates: Iterable[str]) -> list[str]:
    """The dates without those that a finer one among them makes needless."""
    kept: list[str] = []
    for date in sorted(set(dates), key=lambda date: (-len(date), date)):
        if not any(agree(date, finer) for finer in kept):
            kept.append(date)
    return sorted(kept)


def time_of(date: str) -> Time:
    """A date as text in Wikidata's form: "1985-09" is a month. Raises ValueError for what is no date."""
    parts = [int(part) for part in _split(date)]
    year, month, day = (*parts, 0, 0)[:3]
    return Time(year, month, day, {1: YEAR, 2: MONTH, 3: DAY}[len(parts)])


def before(first: Literal, second: Literal) -> bool:
    """Whether the first date is surely earlier, compared at the coarser precision."""
    parts = [[int(part) for part in _split(date.value)] for date in (first, second)]
    common = min(len(parts[0]), len(parts[1]))
    return parts[0][:common] < parts[1][:common]


def _split(date: str) -> list[str]:
    year, *rest = date[1:].split("-") if date.startswith("-") else date.split("-")
    return ["-" + year if date.startswith("-") else year, *rest]


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
