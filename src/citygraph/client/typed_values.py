"""Values of results in Python: each term of SPARQL's JSON by its own datatype, never by the look of its text."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

XSD = "http://www.w3.org/2001/XMLSchema#"
WKT = "http://www.opengis.net/ont/geosparql#wktLiteral"
_DATE = re.compile(r"(-?[0-9]{4,9})(?:-([0-9]{2}))?(?:-([0-9]{2}))?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_DATE_TYPES = {"gYear": 1, "gYearMonth": 2, "date": 3}
_PRECISIONS = ("", "year", "month", "day")
_INTEGERS = re.compile(
    r"integer|(?:unsigned)?(?:Long|long|Int|int|Short|short|Byte|byte)|(?:non)?(?:Negative|negative|Positive|positive)Integer"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?INF|NaN")
_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")


class IRI(str):
    """An IRI."""

    __slots__ = ()

    @property
    def local(self) -> str:
        """The part after the last # or /."""
        return re.split(r"[#/]", self)[-1]


class BlankTerm(str):
    """A node without an IRI; its label means nothing outside of its result."""

    __slots__ = ()


class TypedText(str):
    """A text with a language, or the text of a datatype without a class in Python."""

    language: str
    datatype: str

    def __new__(cls, text: str, language: str = "", datatype: str = "") -> TypedText:
        self = super().__new__(cls, text)
        self.language, self.datatype = language, datatype
        return self


@dataclass(frozen=True)
class PartialDate:
    """A date as precise as its source: `month` and `day` may be missing. `str()` is the date as stated."""

    text: str
    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def precision(self) -> str:
        """Returns "year", "month" or "day"."""
        return _PRECISIONS[1 + (self.month is not None) + (self.day is not None)]

    @property
    def datatype(self) -> str:
        """The IRI of its datatype."""
        return XSD + {"year": "gYear", "month": "gYearMonth", "day": "date"}[self.precision]

    @property
    def first(self) -> date | None:
        """The first day; None before the year 1 and after 9999, which Python's dates do not have."""
        return _day(self.year, self.month or 1, self.day or 1)

    @property
    def last(self) -> date | None:
        """The last day; None before the year 1 and after 9999, which Python's dates do not have."""
        month = self.month or 12
        return _day(self.year, month, self.day or _days(self.year, month))


def as_partial(value: date | PartialDate) -> PartialDate:
    """Returns a date as a partial date with a day."""
    if isinstance(value, PartialDate):
        return value
    return PartialDate(value.isoformat(), value.year, value.month, value.day)


def value_of(term: Mapping[str, Any]) -> Any:
    """Returns the value of a term of the SPARQL results in JSON.

    Text that is not valid for its datatype remains a `TypedText`. A quoted triple is a tuple of three values.
    """
    kind, text = term["type"], term["value"]
    if kind == "uri":
        return IRI(text)
    if kind == "bnode":
        return BlankTerm(text)
    if kind == "triple":
        return tuple(value_of(text[part]) for part in ("subject", "predicate", "object"))
    return literal(text, term.get("xml:lang", ""), term.get("datatype", ""))


def literal(text: str, language: str = "", datatype: str = "") -> Any:
    """Returns the value of a literal."""
    if language:
        return TypedText(text, language)
    name = datatype.removeprefix(XSD) if datatype.startswith(XSD) else ""
    if not datatype or name == "string":
        return text
    read = _reader(name)
    value = None if read is None else read(text)
    return TypedText(text, "", datatype) if value is None else value


def _reader(name: str) -> Callable[[str], Any] | None:
    """Returns a function that reads texts of a datatype, and returns None for an invalid one."""
    if _INTEGERS.fullmatch(name):
        return lambda text: int(text) if _WHOLE.fullmatch(text) else None
    if name in _DATE_TYPES:
        return lambda text: _date(text, _DATE_TYPES[name])
    return _READERS.get(name)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _double(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        return None


def _date(text: str, parts: int) -> date | PartialDate | None:
    match = _DATE.fullmatch(text)
    if match is None or sum(part is not None for part in match.groups()) != parts:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    if year is None or not 1 <= (month or 1) <= 12 or not 1 <= (day or 1) <= _days(year, month or 1):
        return None
    # A day with a time zone is unchanged.
    whole = _day(year, month, day) if month and day and text[-3] == "-" else None
    return whole or PartialDate(text, year, month, day)


def _day(year: int, month: int, day: int) -> date | None:
    return date(year, month, day) if 1 <= year <= 9999 else None


def _days(year: int, month: int) -> int:
    # The calendar repeats after 400 years, and Python's begins with the year 1.
    return calendar.monthrange(year % 400 + 2000, month)[1]


_READERS: dict[str, Callable[[str], Any]] = {
    "decimal": _decimal,
    "double": _double,
    "float": _double,
    "boolean": {"true": True, "1": True, "false": False, "0": False}.get,
    "dateTime": _moment,
}
