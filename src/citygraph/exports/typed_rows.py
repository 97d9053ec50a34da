"""Rows of terms as columns with one type each: by the datatypes of the terms, never by how a text looks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from citygraph.rdf.lexical import is_valid
from citygraph.rdf.partial_dates import DATE_TYPES, EDTF, date_interval, period_of
from citygraph.rdf.terms import XSD

Term = NamedNode | BlankNode | Literal | Triple
# A geometry of GeoSPARQL.
WKT = "http://www.opengis.net/ont/geosparql#wktLiteral"

_INTEGERS = frozenset(
    XSD(name).value
    for name in (
        *("integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger"),
        *("negativeInteger", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
    )
)
_NUMBERS = _INTEGERS | {XSD(name).value for name in ("decimal", "double", "float")}
_DATES = frozenset(one.value for one in (*DATE_TYPES, EDTF))
_BOOLEAN = XSD("boolean").value
_LARGEST_INTEGER = 2**63 - 1
_MOST_DIGITS = 19
# Above this, the integers that a double can represent have gaps.
_EXACT_INTEGER = 2**53
# A day, before its time zone.
_DAY = re.compile(r"(-?\d{4,})-\d\d-\d\d")


class ColumnKind(StrEnum):
    """The type of all values in a column. Days are texts such as 1991-09-15, of the years 1 to 9999."""

    TEXT = "text"
    IRI = "iri"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DAY = "day"
    GEOMETRY = "geometry"


@dataclass(frozen=True)
class TypedColumn:
    """A column of values of one type, None where a row has none."""

    name: str
    kind: ColumnKind
    values: list[Any]


@dataclass(frozen=True)
class TypedTable:
    """A result: its columns and its description, such as the licence."""

    columns: tuple[TypedColumn, ...]
    size: int
    about: tuple[tuple[str, str], ...] = ()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yields the rows."""
        if not self.columns:
            return iter(() for _ in range(self.size))
        return zip(*(column.values for column in self.columns), strict=True)


@dataclass(frozen=True)
class TermTable:
    """A result as it comes from the engine: a list of terms for each column."""

    names: tuple[str, ...]
    columns: tuple[list[Term | None], ...]
    about: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.columns[0]) if self.columns else 0


def term_table(
    names: Iterable[str], rows: Iterable[Iterable[Term | None]], about: tuple[tuple[str, str], ...] = ()
) -> TermTable:
    """Returns rows of terms as columns."""
    names = tuple(names)
    columns: tuple[list[Term | None], ...] = tuple([] for _ in names)
    for row in rows:
        for column, term in zip(columns, row, strict=True):
            column.append(term)
    return TermTable(names, columns, about)


def typed(table: TermTable) -> TypedTable:
    """Returns the table with a type for each column. A column of dates becomes several (`typed_columns`)."""
    used = set(table.names)
    columns = [
        column
        for name, terms in zip(table.names, table.columns, strict=True)
        for column in typed_columns(name, terms, used)
    ]
    return TypedTable(tuple(columns), table.size, table.about)


def typed_columns(name: str, terms: Sequence[Term | None], used: set[str]) -> list[TypedColumn]:
    """Returns the column of these terms, and for dates three: as stated, the first and the last day.

    If a day is not in the years 1 to 9999, the days are text, and the year of the first is a fourth column, because
    most readers have no other years. `used` are names of columns, to which the new names are added.
    """
    kind = _kind(terms)
    values = [None if term is None else _READERS[kind](term) for term in terms]
    first = TypedColumn(name, kind, values)
    if not are_dates(terms):
        return [first]
    days = [(None, None) if term is None else _days(text_of(term)) for term in terms]
    is_common = all(_is_common(day) for pair in days for day in pair if day is not None)
    day_kind = ColumnKind.DAY if is_common else ColumnKind.TEXT
    columns = [first]
    for place, ending in enumerate(("first", "last")):
        columns.append(TypedColumn(_unused(f"{name}_{ending}", used), day_kind, [pair[place] for pair in days]))
    if not is_common:
        years = [None if day is None else _year(day) for day, _ in days]
        columns.append(TypedColumn(_unused(f"{name}_year", used), ColumnKind.INTEGER, years))
    return columns


def text_of(term: Term) -> str:
    """Returns a term as text: a literal without datatype and language, an IRI, or the label of a blank node."""
    return term.value if isinstance(term, NamedNode | Literal) else str(term)


def _kind(terms: Sequence[Term | None]) -> ColumnKind:
    """Returns the type that all terms of a column have, else text."""
    present = [term for term in terms if term is not None]
    if not present:
        return ColumnKind.TEXT
    if all(isinstance(term, NamedNode) for term in present):
        return ColumnKind.IRI
    literals = [term for term in present if isinstance(term, Literal)]
    if len(literals) < len(present):
        return ColumnKind.TEXT
    datatypes = {literal.datatype.value for literal in literals}
    if datatypes == {WKT}:
        return ColumnKind.GEOMETRY
    # A query can make a literal that is not valid for its datatype.
    if not datatypes <= _NUMBERS | {_BOOLEAN} or not all(is_valid(one.value, one.datatype.value) for one in literals):
        return ColumnKind.TEXT
    if datatypes == {_BOOLEAN}:
        return ColumnKind.BOOLEAN
    return _kind_of_numbers(literals, datatypes) if datatypes <= _NUMBERS else ColumnKind.TEXT


def _kind_of_numbers(literals: Iterable[Literal], datatypes: set[str]) -> ColumnKind:
    """Returns integer, or number, or text if a value would not be the same afterwards."""
    if datatypes <= _INTEGERS:
        return ColumnKind.INTEGER if all(_fits(literal.value) for literal in literals) else ColumnKind.TEXT
    # Many formats have no NaN and no infinity.
    return ColumnKind.NUMBER if all(_is_representable(literal) for literal in literals) else ColumnKind.TEXT


def _fits(integer: str) -> bool:
    return len(integer.lstrip("+-0")) <= _MOST_DIGITS and abs(int(integer)) <= _LARGEST_INTEGER


def _is_representable(literal: Literal) -> bool:
    """Returns whether a number can be a double: decimals are rounded, integers must not be."""
    number = float(literal.value)
    if not math.isfinite(number):
        return False
    return literal.datatype.value not in _INTEGERS or abs(number) <= _EXACT_INTEGER


def are_dates(terms: Iterable[Term | None]) -> bool:
    """Returns whether all terms are dates or intervals of dates."""
    kinds = {term.datatype.value if isinstance(term, Literal) else "" for term in terms if term is not None}
    return bool(kinds) and kinds <= _DATES


# Many rows have the same date.
@lru_cache(4096)
def _days(text: str) -> tuple[str | None, str | None]:
    """Returns the first and the last day of a partial date or an interval, without time zones; None where unknown."""
    if "/" not in text:
        period = period_of(text)
        return (_without_zone(period[0]), _without_zone(period[1])) if period else (None, None)
    interval = date_interval(text)
    start, end = period_of(interval.start), period_of(interval.end)
    return _without_zone(start[0]) if start else None, _without_zone(end[1]) if end else None


def _without_zone(day: str) -> str:
    match = _DAY.match(day)
    return match[0] if match else day


def _is_common(day: str) -> bool:
    return day[4] == "-" and day >= "0001"


def _year(day: str) -> int | None:
    match = _DAY.match(day)
    return int(match[1]) if match and len(match[1]) < _MOST_DIGITS else None


def _unused(name: str, used: set[str]) -> str:
    while name in used:
        name += "_"
    used.add(name)
    return name


_READERS: dict[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.TEXT: text_of,
    ColumnKind.IRI: text_of,
    ColumnKind.GEOMETRY: text_of,
    ColumnKind.INTEGER: lambda term: int(term.value),
    ColumnKind.NUMBER: lambda term: float(term.value),
    ColumnKind.BOOLEAN: lambda term: term.value in ("true", "1"),
}
