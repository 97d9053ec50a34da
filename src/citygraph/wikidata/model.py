"""What Wikidata says, as plain values: items, statements, their ranks, qualifiers and references."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from pyoxigraph import Literal

from citygraph.rdf.terms import XSD

INSTANCE_OF = "P31"
SUBCLASS_OF = "P279"
COUNTRY = "P17"
COORDINATES = "P625"
POPULATION = "P1082"
TWINNED = "P190"
HEAD_OF_GOVERNMENT = "P6"
POSITION_HELD = "P39"
OFFICIAL_NAME = "P1448"
NATIVE_LABEL = "P1705"
START, END, POINT_IN_TIME = "P580", "P582", "P585"
REFERENCE_URL, STATED_IN, IMPORTED_FROM = "P854", "P248", "P143"
TITLE, PUBLISHED, RETRIEVED = "P1476", "P577", "P813"

# The properties that are read, with the references of those that make facts; what else an item says is left.
FACTS = (TWINNED, HEAD_OF_GOVERNMENT, POSITION_HELD, COUNTRY, COORDINATES, POPULATION)
PROPERTIES = (*FACTS, INSTANCE_OF, OFFICIAL_NAME, NATIVE_LABEL)
DATE_QUALIFIERS = (START, END, POINT_IN_TIME)
REFERENCE_PROPERTIES = (REFERENCE_URL, STATED_IN, IMPORTED_FROM, TITLE, PUBLISHED, RETRIEVED)

JULIAN = "http://www.wikidata.org/entity/Q1985786"
EARTH = "http://www.wikidata.org/entity/Q2"
DAY, MONTH, YEAR = 11, 10, 9

_TIME = re.compile(r"([+-]?)(\d+)-(\d\d)-(\d\d)T")


class Rank(StrEnum):
    """How Wikidata ranks a statement among those of the same property."""

    PREFERRED = "preferred"
    NORMAL = "normal"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Link:
    """Another item, by its id such as "Q35997"."""

    qid: str


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time. Years are astronomical (1 BCE is 0), days Gregorian; what is less precise is 0.

    `precision` is Wikidata's: 11 day, 10 month, 9 year, 8 decade, 7 century, 6 millennium. `julian` tells
    that Wikidata gives the date in the Julian calendar.
    """

    year: int
    month: int
    day: int
    precision: int
    julian: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """WGS84 degrees as decimal text; `on_earth` is false for craters on the Moon."""

    latitude: str
    longitude: str
    on_earth: bool = True


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as decimal text; `spread` is the upper less the lower bound, "" where none are given."""

    amount: str
    spread: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `language` is "" for plain strings, addresses and identifiers."""

    text: str
    language: str = ""


class Absent(StrEnum):
    """Where a value would stand: there is one that nobody knows, or there is none."""

    UNKNOWN = "somevalue"
    NONE = "novalue"


Value = Link | Time | Point | Quantity | Text | Absent


@dataclass(frozen=True, slots=True)
class Snak:
    """A property with its value, in a qualifier or a reference."""

    property: str
    value: Value


@dataclass(frozen=True, slots=True)
class Reference:
    """What a statement was derived from; `hash` names it in Wikidata."""

    hash: str
    snaks: tuple[Snak, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of an item; `id` is the last segment of its IRI there."""

    id: str
    entity: str
    property: str
    value: Value
    rank: Rank = Rank.NORMAL
    qualifiers: tuple[Snak, ...] = ()
    references: tuple[Reference, ...] = ()

    def qualifier(self, property_: str) -> tuple[Value, ...]:
        """The values of one qualifier."""
        return tuple(snak.value for snak in self.qualifiers if snak.property == property_)


@dataclass(frozen=True)
class Item:
    """An item as it was at `retrieved` (ISO 8601, UTC): names by language, and the statements that we read."""

    qid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    retrieved: str = ""

    def of(self, property_: str) -> tuple[Statement, ...]:
        """Its statements with a property that are not deprecated."""
        return tuple(s for s in self.statements if s.property == property_ and s.rank != Rank.DEPRECATED)

    def best(self, property_: str) -> tuple[Statement, ...]:
        """Its statements with a property that have the best rank, as in Wikidata's truthy form."""
        statements = self.of(property_)
        preferred = tuple(s for s in statements if s.rank == Rank.PREFERRED)
        return preferred or statements

    def links(self, property_: str) -> tuple[str, ...]:
        """The items that its statements with a property name, deprecated ones left out."""
        return links(self.of(property_))


@dataclass(frozen=True, order=True)
class Finding:
    """Something about an item that a person should know: `kind` is a short name, `detail` a sentence."""

    kind: str
    qid: str
    detail: str


def links(statements: Iterable[Statement]) -> tuple[str, ...]:
    """The items that statements name as values, each once, in their order."""
    return tuple(dict.fromkeys(s.value.qid for s in statements if isinstance(s.value, Link)))


def countries_of(item: Item) -> tuple[str, ...]:
    """The countries in which an item lies: of the best rank, and those that it has left only if there are no others."""
    statements = item.best(COUNTRY)
    present = tuple(s for s in statements if not any(isinstance(end, Time) for end in s.qualifier(END)))
    return links(present) or links(statements)


def number(qid: str) -> int:
    """The number in an item's id, by which items are sorted."""
    return int(qid[1:])


def parse_time(text: str, precision: int, calendar: str, astronomical: bool) -> Time | None:
    """A time from Wikidata's text, or None if it is no time.

    In JSON there is no year 0 and Julian days are Julian; in RDF (`astronomical`) there is, and days have
    been converted already (mediawiki.org, Wikibase/Indexing/RDF Dump Format, "Time").
    """
    match = _TIME.match(text)
    if not match:
        return None
    sign, *rest = match.groups()
    year, month, day = (int(part) for part in rest)
    year = year if sign != "-" else -year if astronomical else 1 - year
    julian = calendar == JULIAN
    if precision >= MONTH and not month:
        precision = YEAR
    if precision >= DAY and not day:
        precision = MONTH
    if precision >= DAY:
        if julian and not astronomical:
            year, month, day = _gregorian(year, month, day)
        return Time(year, month, day, DAY, julian)
    return Time(year, month if precision == MONTH else 0, 0, precision, julian)


def _gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """A day of the Julian calendar in the Gregorian one, by way of the Julian day number."""
    shift = (14 - month) // 12
    years = year + 4800 - shift
    months = month + 12 * shift - 3
    julian_day = day + (153 * months + 2) // 5 + 365 * years + years // 4 - 32083
    # Python's calendar starts in the year 1; whole cycles of 400 years (146,097 days) are alike.
    cycles = max(0, (1_721_426 - julian_day) // 146_097 + 1)
    found = date.fromordinal(1) + timedelta(days=julian_day + cycles * 146_097 - 1_721_426)
    return found.year - 400 * cycles, found.month, found.day


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
    for one in sorted(set(dates), key=lambda one: (-len(one), one)):
        if not any(agree(one, finer) for finer in kept):
            kept.append(one)
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
