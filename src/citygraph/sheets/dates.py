"""Dates as people write them in cells: a day, a month or a year, in the precision that is written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

from pyoxigraph import Literal

from citygraph.catalogues import catalogue_languages
from citygraph.rdf.partial_dates import date_literal
from citygraph.sheets.cell_problems import CellRule
from citygraph.sheets.cell_texts import in_plain_signs
from citygraph.source.instance_languages import month_names, weekday_names
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
OTHER_CALENDAR = CellRule(
    "date-other-calendar",
    "{value} seems to be a date of another calendar.",
    "Write the date of the Gregorian calendar.",
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
_MONTH_OF = {fold(name): {number} for number, names in _MONTHS.items() for name in names.split()}
# Months in any language, as in 27 X 1992 and 27 x 1992.
_ROMAN = dict(
    zip(("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"), range(1, 13), strict=True)
)
_WEEKDAYS = (
    "monday montag pazartesi",
    "tuesday dienstag salı",
    "wednesday mittwoch çarşamba",
    "thursday donnerstag perşembe",
    "friday freitag cuma",
    "saturday samstag cumartesi",
    "sunday sonntag pazar",
)
_WEEKDAY_OF = {fold(name): {number} for number, names in enumerate(_WEEKDAYS) for name in names.split()}
# The first year of the Gregorian calendar, and one that it will not reach in documents of this time.
_GREGORIAN, _BUDDHIST = 1583, 2400
_YEAR = re.compile(r"-?[0-9]{4}")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])\s*([0-9]{1,2})(?:\2\s*([0-9]{1,2}))?")
_MONTH_AND_YEAR = re.compile(r"([0-9]{1,2})[./-]([0-9]{4})")
_THREE_NUMBERS = re.compile(r"([0-9]{1,2})\s*([./-])\s*([0-9]{1,2})\s*\2\s*([0-9]{2}|[0-9]{4})")
_DAY_FIRST_IN_WORDS = re.compile(
    r"(?:([0-9]{1,2})(?:\.\s*|(?:st|nd|rd|th|er|[oº°])?\s+|[-/]))?"
    r"([^\s\d.,;:/?()-]+)(?:\.?,?\s+|[-/.])([0-9]{4})"
)
_YEAR_FIRST_IN_WORDS = re.compile(r"([0-9]{4})\.?\s+([^\s\d.,;:/?()-]+)\.?(?:\s+([0-9]{1,2})\.?)?")
_MONTH_FIRST_IN_WORDS = re.compile(r"([^\s\d.,;:/?()-]+)\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?,?\s+([0-9]{4})")
# 1962年12月18日(火), 1987년 7월 31일; with the years of an era, 昭和37年12月18日. The first year of an era is 元年.
_EAST_ASIAN = re.compile(
    r"(?:(?P<year>[0-9]{4})|(?P<era>[^\W\d]{2})\s*(?P<of_era>元|[0-9]{1,3}))\s*[年년]\s*"
    r"(?:(?P<month>[0-9]{1,2})\s*[月월]\s*(?:(?P<day>[0-9]{1,2})\s*[日일]\s*(?:\((?P<weekday>\w)\))?)?)?"
)
_EAST_ASIAN_WEEKS = ("月火水木金土日", "월화수목금토일", "一二三四五六日")
# The first and the last day of each era. One that has not ended has no years that would be those of another calendar.
_ERAS = {
    "大正": ("1912-07-30", "1926-12-25"),
    "昭和": ("1926-12-25", "1989-01-07"),
    "平成": ("1989-01-08", "2019-04-30"),
    "令和": ("2019-05-01", "2399-12-31"),
    "民國": ("1912-01-01", "2399-12-31"),
    "民国": ("1912-01-01", "2399-12-31"),
}
_VIETNAMESE = re.compile(
    r"(?:(?:ngày\s+)?([0-9]{1,2})\s+)?tháng\s+([0-9]{1,2})(?:\s+năm|,)?\s+([0-9]{4})", re.IGNORECASE
)
# 2010–11 and –1996 г.: with these dashes a range of years, not a date.
_RANGE = re.compile(r"\s*(?:\d{4}\s*)?[‒–]\s*\d{1,4}\s*[^\W\d]*\.?\s*")
# Databases write a day as its first moment.
_MIDNIGHT = re.compile(r"(?<=[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?Z?")
_LAST_DOT = re.compile(r"(?<=[0-9])\.$")
# Words of dates that are neither day, month nor year, in search form: 24 de abril de 1996, 24 апреля 1996 г.
_BETWEEN = frozenset({"the", "of", "de", "del", "den", "dnia", "g", "goda", "gada", "r", "roku", "rik", "m", "d"})
# Words and letters that are written with the next or last one: 24 d’abril, 24 באפריל, 21.06.1988r.
_ELIDED = re.compile(r"\b(?:d['’]|ב)(?=[^\W\d])|(?<=[0-9]{4})[rрг]\.?$")
_LETTER = re.compile(r"[^\W\d]")
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


def read_date(text: str, order: str = "", languages: tuple[str, ...] = ()) -> DateReading:
    """Reads a day, month or year as people write it.

    `order` is "dmy" or "mdy", and decides how 03/04/1996 is read; without it such a date is ambiguous. `languages` are
    those of the instance: names of months and days are read in these and in the languages of the interface. The literal
    has the precision of the text: nothing is padded.
    """
    if _RANGE.fullmatch(text):
        return DateReading(None, NOT_A_DATE)
    reading = _with_weekday(_MIDNIGHT.sub("", in_plain_signs(text)).split(), order, languages)
    if reading.literal and _is_of_other_calendar(int(reading.literal.value[:4]), text):
        return DateReading(None, OTHER_CALENDAR)
    return reading


def _is_of_other_calendar(year: int, text: str) -> bool:
    """Returns whether a year is improbable: one of Thailand (2539), or in Persian or Arabic digits (1375, 1416)."""
    # Digits of full width are digits of ASCII in NFKC.
    has_other_digits = any(one.isdecimal() and not one.isascii() for one in unicodedata.normalize("NFKC", text))
    return year >= _BUDDHIST or (year < _GREGORIAN and has_other_digits)


def _with_weekday(words: list[str], order: str, languages: tuple[str, ...]) -> DateReading:
    # Spreadsheet programs show long dates with the weekday: in front, or in Turkish behind. Some have two words.
    for count in (2, 1):
        for name, rest in ((words[:count], words[count:]), (words[-count:], words[:-count])):
            if rest and (weekdays := _weekdays(" ".join(name), languages)):
                return _on_weekday(_without_weekday(" ".join(rest).rstrip(","), order, languages), weekdays)
    return _without_weekday(" ".join(words), order, languages)


def _weekdays(text: str, languages: tuple[str, ...]) -> frozenset[int]:
    """Returns the days of the week that a text names in any of the languages; Monday is 0."""
    # Most texts are digits, which need no names.
    return _named(fold(text), _WEEKDAY_OF, weekday_names, languages) if _LETTER.match(text) else frozenset()


def _named(
    word: str,
    known: Mapping[str, set[int]],
    names_in: Callable[[str], Mapping[int, frozenset[str]]],
    languages: tuple[str, ...],
) -> frozenset[int]:
    """Returns the numbers of the months or days with a name, in search form."""
    numbers = set(known.get(word, ())) | _folded(names_in, languages).get(word, set())
    return frozenset(numbers or _folded(names_in, catalogue_languages()).get(word, set()))


@cache
def _folded(
    names_in: Callable[[str], Mapping[int, frozenset[str]]], languages: tuple[str, ...]
) -> Mapping[str, set[int]]:
    numbers: dict[str, set[int]] = {}
    for language in languages:
        for number, names in names_in(language).items():
            for name in names:
                numbers.setdefault(fold(name), set()).add(number)
    return numbers


def _without_weekday(text: str, order: str, languages: tuple[str, ...]) -> DateReading:
    if match := _EAST_ASIAN.fullmatch(text):
        return _east_asian(match)
    if match := _VIETNAMESE.fullmatch(text):
        return _checked(match[3], match[2], match[1])
    plain = " ".join(word for word in _ELIDED.sub("", text).split() if fold(word) not in _BETWEEN)
    plain = _LAST_DOT.sub("", plain)
    reading = _in_numbers(plain, order)
    return _with_month_in_words(plain, languages) if reading is None else reading


def _in_numbers(text: str, order: str) -> DateReading | None:
    """Returns the reading of a date that has only numbers, or None for another text."""
    if _YEAR.fullmatch(text):
        return _reading(text)
    if match := _YEAR_FIRST.fullmatch(text):
        return _checked(match[1], match[3], match[4])
    if match := _MONTH_AND_YEAR.fullmatch(text):
        return _checked(match[2], match[1])
    if match := _THREE_NUMBERS.fullmatch(text):
        return _three_numbers(match, order)
    if _SERIAL.fullmatch(text):
        days = timedelta(int(text))
        first, second = (_EPOCH_1900 + days).isoformat(), (_EPOCH_1904 + days).isoformat()
        return DateReading(None, SERIAL, {"first": first, "second": second})
    return None


def _east_asian(match: re.Match[str]) -> DateReading:
    """Returns the reading of a date with the signs for year, month and day."""
    year, era = match["year"], match["era"]
    if era and era not in _ERAS:
        return DateReading(None, NOT_A_DATE)
    if era:
        year = str(int(_ERAS[era][0][:4]) - 1 + int(match["of_era"].replace("元", "1")))
    reading = _checked(year, match["month"], match["day"]) if match["month"] else _reading(year)
    if era and reading.literal and not _is_in_era(reading.literal.value, era):
        return DateReading(None, NO_SUCH_DAY)
    if not match["weekday"]:
        return reading
    return _on_weekday(reading, frozenset({week.find(match["weekday"]) for week in _EAST_ASIAN_WEEKS}))


def _is_in_era(value: str, era: str) -> bool:
    """Returns whether a part of a day, month or year is in an era."""
    first, last = _ERAS[era]
    return first[: len(value)] <= value <= last[: len(value)]


def _with_month_in_words(text: str, languages: tuple[str, ...]) -> DateReading:
    if match := _DAY_FIRST_IN_WORDS.fullmatch(text):
        return _in_words(match[3], match[2], match[1], languages)
    if match := _MONTH_FIRST_IN_WORDS.fullmatch(text):
        return _in_words(match[3], match[1], match[2], languages)
    if match := _YEAR_FIRST_IN_WORDS.fullmatch(text):
        return _in_words(match[1], match[2], match[3], languages)
    return DateReading(None, NOT_A_DATE)


def _on_weekday(reading: DateReading, weekdays: frozenset[int]) -> DateReading:
    """Returns a reading that was written with the name of a weekday, which must be that of the day."""
    if reading.literal is None:
        return reading
    if not _DAY.fullmatch(reading.literal.value):
        return DateReading(None, NOT_A_DATE)
    is_right = date.fromisoformat(reading.literal.value).weekday() in weekdays
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


def _in_words(year: str, name: str, day: str | None, languages: tuple[str, ...]) -> DateReading:
    name = name.rstrip("،")
    if name != name.strip("'’") or not all(one in "'’" or unicodedata.category(one)[0] in "LM" for one in name):
        return DateReading(None, NOT_A_DATE)  # ~April, April* and 'April' state a doubt
    numeral = name.upper() if name.islower() else name
    if numeral in _ROMAN and (day or len(name) > 1):
        return _checked(year, str(_ROMAN[numeral]), day)
    months = sorted(_named(fold(name), _MONTH_OF, month_names, languages))
    if len(months) > 1:
        # Listopad is October in Croatian, and November in Czech and Polish.
        first, second, *_ = (_iso(year, str(month), day) for month in months)
        return DateReading(None, AMBIGUOUS, {"first": first, "second": second})
    return _checked(year, str(months[0]), day) if months else DateReading(None, NOT_A_DATE)


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
