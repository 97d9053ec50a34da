"""Wikidata's data model as plain values: items, statements, ranks, qualifiers and references; and its partial dates."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from pyoxigraph import Literal

from citygraph.rdf.terms import XSD
from citygraph.text import ALL_LANGUAGES, best_tag

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

# The properties that are read. Those of FACTS become statements of ours and are read with qualifiers and references.
FACTS = (TWINNED, HEAD_OF_GOVERNMENT, POSITION_HELD, COUNTRY, COORDINATES, POPULATION)
PROPERTIES = (*FACTS, INSTANCE_OF, OFFICIAL_NAME, NATIVE_LABEL)
DATE_QUALIFIERS = (START, END, POINT_IN_TIME)
REFERENCE_PROPERTIES = (REFERENCE_URL, STATED_IN, IMPORTED_FROM, TITLE, PUBLISHED, RETRIEVED)

JULIAN = "http://www.wikidata.org/entity/Q1985786"
EARTH = "http://www.wikidata.org/entity/Q2"
DAY, MONTH, YEAR = 11, 10, 9

_TIME = re.compile(r"([+-]?)(\d+)-(\d\d)-(\d\d)T")


class Rank(StrEnum):
    """The rank of a statement among those of one property."""

    PREFERRED = "preferred"
    NORMAL = "normal"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class ItemValue:
    """An item as value, by its id such as "Q35997"."""

    qid: str


@dataclass(frozen=True, slots=True)
class TimeValue:
    """A point in time. Years are astronomical (1 BCE is 0), days Gregorian; parts finer than the precision are 0.

    `precision` is Wikidata's: 11 day, 10 month, 9 year, 8 decade, 7 century, 6 millennium. `julian` is true if Wikidata
    gives the date in the Julian calendar.
    """

    year: int
    month: int
    day: int
    precision: int
    julian: bool = False


@dataclass(frozen=True, slots=True)
class PointValue:
    """A point: WGS84 degrees as decimal text; `on_earth` is false for craters on the Moon."""

    latitude: str
    longitude: str
    on_earth: bool = True


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A number as decimal text; `spread` is the upper minus the lower bound, "" without bounds."""

    amount: str
    spread: str = ""


@dataclass(frozen=True, slots=True)
class TextValue:
    """A text; `language` is "" for plain strings, addresses and identifiers."""

    text: str
    language: str = ""


class Absent(StrEnum):
    """The absence of a value: it exists and is unknown, or it does not exist."""

    UNKNOWN = "somevalue"
    NONE = "novalue"


Value = ItemValue | TimeValue | PointValue | QuantityValue | TextValue | Absent


@dataclass(frozen=True, slots=True)
class Snak:
    """A property with its value, in a qualifier or a reference."""

    property: str
    value: Value


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of a statement; `hash` is its id in Wikidata."""

    hash: str
    snaks: tuple[Snak, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an item; `id` is the last segment of its IRI in Wikidata."""

    id: str
    entity: str
    property: str
    value: Value
    rank: Rank = Rank.NORMAL
    qualifiers: tuple[Snak, ...] = ()
    references: tuple[Reference, ...] = ()

    def qualifier(self, property_: str) -> tuple[Value, ...]:
        """Returns the values of one qualifier."""
        return tuple(snak.value for snak in self.qualifiers if snak.property == property_)


@dataclass(frozen=True)
class Item:
    """An item as of `retrieved` (ISO 8601, UTC): names by language, and the statements of PROPERTIES."""

    qid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    retrieved: str = ""

    def of(self, property_: str) -> tuple[Statement, ...]:
        """Returns the statements with a property that are not deprecated."""
        return tuple(s for s in self.statements if s.property == property_ and s.rank != Rank.DEPRECATED)

    def best(self, property_: str) -> tuple[Statement, ...]:
        """Returns the statements with a property that have the best rank, as in Wikidata's truthy form."""
        statements = self.of(property_)
        preferred = tuple(s for s in statements if s.rank == Rank.PREFERRED)
        return preferred or statements

    def links(self, property_: str) -> tuple[str, ...]:
        """Returns the items that the statements with a property have as values, without deprecated ones."""
        return links(self.of(property_))

    def label(self, language: str) -> str:
        """Returns the label in a language or a regional variant of it, else that for all languages ("mul"), or ""."""
        tag = best_tag(self.labels, language, ALL_LANGUAGES)
        return self.labels[tag] if tag else ""


@dataclass(frozen=True, order=True)
class Notice:
    """A notice about an item for the user: `kind` is a short name, `detail` a sentence."""

    kind: str
    qid: str
    detail: str


def links(statements: Iterable[Statement]) -> tuple[str, ...]:
    """Returns the items that statements have as values, each once, in their order."""
    return tuple(dict.fromkeys(s.value.qid for s in statements if isinstance(s.value, ItemValue)))


def truthy(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """Returns the statements without those that a preferred one of the same item and property outranks."""
    statements = tuple(statements)
    preferred = {(s.entity, s.property) for s in statements if s.rank == Rank.PREFERRED}
    return tuple(s for s in statements if s.rank == Rank.PREFERRED or (s.entity, s.property) not in preferred)


def has_ended(statement: Statement) -> bool:
    """Returns whether a statement has an end, on a date that may be unknown."""
    return any(isinstance(end, TimeValue) or end == Absent.UNKNOWN for end in statement.qualifier(END))


def countries_of(item: Item) -> tuple[str, ...]:
    """Returns the countries of an item: those of the best rank, and former ones only if there are no others."""
    statements = item.best(COUNTRY)
    # A country that the place has left has an end.
    present = tuple(s for s in statements if not has_ended(s))
    return links(present) or links(statements)


def number(qid: str) -> int:
    """Returns the number in the id of an item, by which items are sorted."""
    return int(qid[1:])


def parse_time(text: str, precision: int, calendar: str, astronomical: bool) -> TimeValue | None:
    """Returns a time from Wikidata's text, or None if it is not a time.

    JSON has no year 0, and its Julian days are Julian. RDF (`astronomical`) has a year 0, and days are already
    converted (mediawiki.org, Wikibase/Indexing/RDF Dump Format, "Time").
    """
    match = _TIME.match(text)
    if not match:
        return None
    sign, *rest = match.groups()
    year, month, day = (int(part) for part in rest)
    year = year if sign != "-" else -year if astronomical else 1 - year
    julian = calendar == JULIAN
    # Some values claim a finer precision than their text has.
    if precision >= MONTH and not month:
        precision = YEAR
    if precision >= DAY and not day:
        precision = MONTH
    if precision >= DAY:
        if julian and not astronomical:
            year, month, day = _gregorian(year, month, day)
        return TimeValue(year, month, day, DAY, julian)
    return TimeValue(year, month if precision == MONTH else 0, 0, precision, julian)


def _gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """Converts a day of the Julian calendar to the Gregorian one, by way of the Julian day number."""
    shift = (14 - month) // 12
    years = year + 4800 - shift
    months = month + 12 * shift - 3
    julian_day = day + (153 * months + 2) // 5 + 365 * years + years // 4 - 32083
    # Python's calendar starts in the year 1, but the calendar repeats every 400 years (146,097 days).
    cycles = max(0, (1_721_426 - julian_day) // 146_097 + 1)
    shifted = date.fromordinal(1) + timedelta(days=julian_day + cycles * 146_097 - 1_721_426)
    return shifted.year - 400 * cycles, shifted.month, shifted.day


_DECADE = 8
_PERIODS = {7: (100, "century", "yüzyıl", "Jahrhundert"), 6: (1000, "millennium", "binyıl", "Jahrtausend")}
# Turkish vowel harmony: the last word of the decade's number decides (elli-ler, doksan-lar).
_TURKISH_PLURAL = {0: "ler", 1: "lar", 2: "ler", 3: "lar", 4: "lar", 5: "ler", 6: "lar", 7: "ler", 8: "ler", 9: "lar"}


def date_literal(time: TimeValue) -> Literal | None:
    """Returns the date as xsd:date, xsd:gYearMonth or xsd:gYear; None if it is vaguer than a year or not a day."""
    year = f"{'-' if time.year < 0 else ''}{abs(time.year):04}"
    if time.precision == YEAR:
        return Literal(year, datatype=XSD("gYear"))
    if time.precision < YEAR or not 1 <= time.month <= 12:
        return None
    if time.precision == MONTH:
        return Literal(f"{year}-{time.month:02}", datatype=XSD("gYearMonth"))
    # The calendar repeats every 400 years, and Python has no years before 1.
    if time.precision < DAY or not 1 <= time.day <= monthrange(time.year % 400 + 400, time.month)[1]:
        return None
    return Literal(f"{year}-{time.month:02}-{time.day:02}", datatype=XSD("date"))


def describe_time(time: TimeValue) -> dict[str, str]:
    """Returns a time vaguer than a year in some languages: 19th century, 19. yüzyıl, 19. Jahrhundert."""
    is_bce = time.year <= 0
    # 1 BCE is the year 0.
    count = 1 - time.year if is_bce else time.year
    suffix, prefix, german = (" BCE", "MÖ ", " v. Chr.") if is_bce else ("", "", "")
    if time.precision == _DECADE:
        decade = count // 10 * 10
        plural = _TURKISH_PLURAL[decade // 10 % 10]
        return {"en": f"{decade}s{suffix}", "tr": f"{prefix}{decade}'{plural}", "de": f"{decade}er-Jahre{german}"}
    if time.precision in _PERIODS:
        length, *names = _PERIODS[time.precision]
        nth = (count + length - 1) // length
        english, turkish, in_german = names
        return {
            "en": f"{_ordinal(nth)} {english}{suffix}",
            "tr": f"{prefix}{nth}. {turkish}",
            "de": f"{nth}. {in_german}{german}",
        }
    return {
        "en": f"around the year {count}{suffix}",
        "tr": f"{prefix}{count} yılı dolayları",
        "de": f"um das Jahr {count}{german}",
    }


def same_period(first: Literal, second: Literal) -> bool:
    """Returns whether two dates agree at the coarser of their precisions."""
    return dates_agree(first.value, second.value)


def dates_agree(first: str, second: str) -> bool:
    """Returns whether two dates, as text, agree at the coarser of their precisions."""
    shorter, longer = sorted((first, second), key=len)
    return longer == shorter or longer.startswith(shorter + "-")


def finest_dates(dates: Iterable[str]) -> list[str]:
    """Returns the dates without those that a finer one makes redundant."""
    finest: list[str] = []
    # The finest first: a coarser date is dropped if it contains a kept finer one.
    for one in sorted(set(dates), key=lambda one: (-len(one), one)):
        if not any(dates_agree(one, finer) for finer in finest):
            finest.append(one)
    return sorted(finest)


def parse_date(date: str) -> TimeValue:
    """Returns a date as text in Wikidata's form: "1985-09" is a month. Raises ValueError for other text."""
    parts = [int(part) for part in _split(date)]
    year, month, day = (*parts, 0, 0)[:3]
    return TimeValue(year, month, day, {1: YEAR, 2: MONTH, 3: DAY}[len(parts)])


def is_before(first: Literal, second: Literal) -> bool:
    """Returns whether the first date is certainly earlier, compared at the coarser precision."""
    parts = [[int(part) for part in _split(date.value)] for date in (first, second)]
    common = min(len(parts[0]), len(parts[1]))
    return parts[0][:common] < parts[1][:common]


def _split(date: str) -> list[str]:
    year, *rest = date[1:].split("-") if date.startswith("-") else date.split("-")
    return ["-" + year if date.startswith("-") else year, *rest]


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
