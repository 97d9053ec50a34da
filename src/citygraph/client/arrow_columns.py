"""Columns of a result as Arrow: one type for each, by the datatypes of its values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from citygraph.client.typed_values import PartialDate, as_partial

_EPOCH = date(1970, 1, 1)
_MOST = 2**63
_SPACES = re.compile(r"\s+")
DATES = ("auto", "columns", "text")


@dataclass(frozen=True)
class ArrowColumn:
    """A column: its Arrow type by name, and values that this type has."""

    name: str
    kind: str
    values: list[Any]


def columns_of(name: str, values: Sequence[Any], dates: str, taken: Iterable[str]) -> list[ArrowColumn]:
    """Returns the column, or the columns that a column of dates becomes; none of the added names is in `taken`."""
    present = [value for value in values if value is not None]
    if present and all(_is_date(value) for value in present):
        whole = not any(isinstance(value, PartialDate) for value in present)
        if dates == "text":
            return [ArrowColumn(name, "text", _texts(values))]
        if whole and dates == "auto":
            return [ArrowColumn(name, "date", [_days(value) for value in values])]
        return _of_partial(name, values, set(taken))
    return [_plain(name, values, present)]


def _of_partial(name: str, values: Sequence[Any], taken: set[str]) -> list[ArrowColumn]:
    """Returns three columns: as stated, first and last day.

    A year before 1 is a date in Arrow, but neither in pandas nor in Python: then the days are text, and a column has
    the year.
    """
    dates = [None if value is None else as_partial(value) for value in values]
    stated = ArrowColumn(name, "text", _texts(values))
    first, last = (_free(f"{name}_{part}", taken) for part in ("first", "last"))
    if all(value is None or value.first is not None for value in dates):
        days = (
            ArrowColumn(first, "date", [value and _days(value.first) for value in dates]),
            ArrowColumn(last, "date", [value and _days(value.last) for value in dates]),
        )
        return [stated, *days]
    texts = (
        ArrowColumn(first, "text", [value and _iso(value, value.first) for value in dates]),
        ArrowColumn(last, "text", [value and _iso(value, value.last) for value in dates]),
    )
    return [stated, *texts, ArrowColumn(_free(f"{name}_year", taken), "integer", [v and v.year for v in dates])]


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _iso(value: PartialDate, day: date | None) -> str:
    return day.isoformat() if day else value.text


def _plain(name: str, values: Sequence[Any], present: Sequence[Any]) -> ArrowColumn:
    for kind, is_of_kind, convert in _KINDS:
        if present and all(map(is_of_kind, present)):
            return ArrowColumn(name, kind, [None if value is None else convert(value) for value in values])
    return ArrowColumn(name, "text", _texts(values))


def _texts(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None else _text(value) for value in values]


def _text(value: Any) -> str:
    """Returns a value as RDF writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return _SPACES.sub(" ", str(tuple(map(_text, value)))) if isinstance(value, tuple) else str(value)


def _is_date(value: Any) -> bool:
    return isinstance(value, PartialDate) or (isinstance(value, date) and not isinstance(value, datetime))


def _days(value: Any) -> int | None:
    return None if value is None else int((value - _EPOCH).days)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST


def _is_number(value: Any) -> bool:
    return _is_integer(value) or isinstance(value, float | Decimal)


def _is_zoned(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None


def _is_local(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None


def _microseconds(moment: datetime) -> int:
    since = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


# A column has the first of these kinds that all its values are of; text otherwise.
_KINDS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    ("boolean", lambda value: isinstance(value, bool), bool),
    ("integer", _is_integer, int),
    ("number", _is_number, float),
    ("zoned", _is_zoned, _microseconds),
    ("local", _is_local, _microseconds),
)
