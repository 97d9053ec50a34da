"""What Wikidata says, as plain values: items, statements, their ranks, qualifiers and references."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

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
