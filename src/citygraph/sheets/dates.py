"""Dates as people write them in cells: a day, a month or a year, in the precision that is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from pyoxigraph import Literal

from citygraph.rdf.partial_dates import date_literal
from citygraph.sheets.cell_problems import CellRule
from citygraph.text import fold

NOT_A_DATE = CellRule(
    "date-form",
    "{value} is not a date.",
    "Write a day, a month or a year, such as 24.04.1996, 1996-04-24, April 1996, 1985-05 or 1985.",
)
NO_SUCH_DAY = CellRule("date-calendar", "The calendar has no day {value}.", "Correct the day, the month or the year.")
AMBIGUOUS = CellRule(
    "date-ambiguous",
    "{value} can mean {first} or {second}.",
    "Write the date as {first} or {second}, or set the order of day and month: --date-order, or the mapping.",
)
TWO_DIGIT_YEAR = CellRule(
    "date-century", "{value} can mean the year {first} or {second}.", "Write the year with four digits."
)
SERIAL = CellRule(
    "date-serial",
    "{value} looks like the number by which a spreadsheet stores a day: {first}, or {second} in the 1904 date system.",
    "Write the date as text.",
)

_MONTHS = {
    1: "january januar ocak yanvar jan oca yan",
    2: "february februar şubat fevral feb şub fev",
    3: "march märz mart mar mär",
    4: "april nisan aprel apr nis",
    5: "may mai mayıs",
    6: "june juni haziran iyun jun haz",
    7: "july juli temmuz iyul jul tem",
    8: "august ağustos avqust aug ağu avq",
    9: "september eylül sentyabr sep sept eyl sen",
    10: "october oktober ekim oktyabr oct okt eki",
    11: "november kasım noyabr nov kas noy",
    12: "december dezember aralık dekabr dec dez ara dek",
}
_MONTH_OF = {fold(name): number for number, names in _MONTHS.items() for name in names.split()}
_WEEKDAYS = (
    "monday montag pazartesi",
    "tuesday dienstag salı",
    "wednesday mittwoch çarşamba",
    "thursday donnerstag perşembe",
    "friday freitag cuma",
    "saturday samstag cumartesi",
    "sunday sonntag pazar",
)
_WEEKDAY_OF = {fold(name): number for number, names in enumerate(_WEEKDAYS) for name in names.split()}
_YEAR = re.compile(r"-?[0-9]{4}")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})(?:\2([0-9]{1,2}))?")
_MONTH_AND_YEAR = re.compile(r"([0-9]{1,2})[./-]([0-9]{4})")
_THREE_NUMBERS = re.compile(r"([0-9]{1,2})\s*([./-])\s*([0-9]{1,2})\s*\2\s*([0-9]{2}|[0-9]{4})")
_DAY_FIRST_IN_WORDS = re.compile(r"(?:([0-9]{1,2})(?:\.\s*|(?:st|nd|rd|th)?\s+|-))?([^\W\d]+)(?:\.?,?\s+|-)([0-9]{4})")
_MONTH_FIRST_IN_WORDS = re.compile(r"([^\W\d]+)\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?,?\s+([0-9]{4})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SERIAL = re.compile(r"[0-9]{5}")
# Day 0 of the two systems. The first counts a 29 February 1900 that did not exist, so it is right from March 1900 on.
_EPOCH_1900, _EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)


@dataclass(frozen=True)
class DateReading:
    """A cell read as a date: a literal, or the rule that it violates with the values of its message."""

    literal: Literal | None
    rule: CellRule | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def read_date(text: str, order: str = "") -> DateReading:
    """Reads a day, month or year as people write it.

    `order` is "dmy" or "mdy", and decides how 03/04/1996 is read; without it such a date is ambiguous. The literal has
    the precision of the text: nothing is padded.
    """
    words = text.split()
    # Spreadsheet programs show long dates with the weekday: in front, or in Turkish behind.
    for place, rest in ((0, words[1:]), (-1, words[:-1])):
        if rest and (weekday := _WEEKDAY_OF.get(fold(words[place]))) is not None:
            return _on_weekday(_without_weekday(" ".join(rest).rstrip(","), order), weekday)
    return _without_weekday(" ".join(words), order)


def _without_weekday(text: str, order: str) -> DateReading:
    if _YEAR.fullmatch(text):
        return _reading(text)
    if match := _YEAR_FIRST.fullmatch(text):
        return _checked(match[1], match[3], match[4])
    if match := _MONTH_AND_YEAR.fullmatch(text):
        return _checked(match[2], match[1])
    if match := _THREE_NUMBERS.fullmatch(text):
        return _three_numbers(match, order)
    if match := _DAY_FIRST_IN_WORDS.fullmatch(text):
        return _in_words(match[3], match[2], match[1])
    if match := _MONTH_FIRST_IN_WORDS.fullmatch(text):
        return _in_words(match[3], match[1], match[2])
    if _SERIAL.fullmatch(text):
        days = timedelta(int(text))
        first, second = (_EPOCH_1900 + days).isoformat(), (_EPOCH_1904 + days).isoformat()
        return DateReading(None, SERIAL, {"first": first, "second": second})
    return DateReading(None, NOT_A_DATE)


def _on_weekday(reading: DateReading, weekday: int) -> DateReading:
    """Returns a reading that was written with a weekday, which must be that of the day; Monday is 0."""
    if reading.literal is None:
        return reading
    if not _DAY.fullmatch(reading.literal.value):
        return DateReading(None, NOT_A_DATE)
    is_right = date.fromisoformat(reading.literal.value).weekday() == weekday
    return reading if is_right else DateReading(None, NO_SUCH_DAY)


def _three_numbers(match: re.Match[str], order: str) -> DateReading:
    first, separator, second, year = match.groups()
    if len(year) == len("96"):
        return DateReading(None, TWO_DIGIT_YEAR, {"first": f"19{year}", "second": f"20{year}"})
    # Only days are written with dots; a slash or a hyphen may separate month and day.
    if separator == "." or order == "dmy" or int(first) > 12 or first == second:
        return _checked(year, second, first)
    if order == "mdy" or int(second) > 12:
        return _checked(year, first, second)
    readings = [_iso(year, month, day) for month, day in ((second, first), (first, second))]
    return DateReading(None, AMBIGUOUS, {"first": readings[0], "second": readings[1]})


def _in_words(year: str, name: str, day: str | None) -> DateReading:
    month = _MONTH_OF.get(fold(name))
    return _checked(year, str(month), day) if month else DateReading(None, NOT_A_DATE)


def _checked(year: str, month: str, day: str | None = None) -> DateReading:
    try:
        date(int(year), int(month), int(day or 1))
    except ValueError:
        return DateReading(None, NO_SUCH_DAY)
    return _reading(_iso(year, month, day))


def _iso(year: str, month: str, day: str | None) -> str:
    return f"{year}-{int(month):02}" + (f"-{int(day):02}" if day else "")


def _reading(text: str) -> DateReading:
    return DateReading(date_literal(text))
