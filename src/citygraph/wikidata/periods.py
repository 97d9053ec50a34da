"""The times for which statements of Wikidata hold: those about the same time form one period."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyoxigraph import Literal

from citygraph.wikidata.model import (
    END,
    START,
    Statement,
    TimeValue,
    date_literal,
    finest_dates,
    has_ended,
    is_before,
    same_period,
    truthy,
)


@dataclass(frozen=True)
class Period:
    """One holding of a post, or one time of an agreement, with its statements.

    `has_ended` is true without an end if that is unknown.
    """

    start: Literal | None
    end: Literal | None
    statements: tuple[Statement, ...]
    has_ended: bool


def periods(statements: Iterable[Statement]) -> list[Period]:
    """Returns the holdings in order; statements about the same time form one."""
    return _merge_all([_period([s]) for s in statements], _are_one)


def tie_periods(statements: Iterable[Statement]) -> list[Period]:
    """Returns the times of an agreement in order; two are one unless the first ended before the second began."""
    return _merge_all([_period([s]) for s in statements], lambda a, b: not _is_over_before(a, b))


def _merge_all(unordered: list[Period], are_one: Callable[[Period, Period], bool]) -> list[Period]:
    """Merges periods until no two are the same: a merged period may overlap another."""
    ordered = sorted(unordered, key=_order)
    for i, first in enumerate(ordered):
        for j in range(i + 1, len(ordered)):
            if are_one(first, ordered[j]):
                rest = [p for k, p in enumerate(ordered) if k not in (i, j)]
                return _merge_all([*rest, _period([*first.statements, *ordered[j].statements])], are_one)
    return ordered


def _order(period: Period) -> tuple[str, str, str]:
    start, end = (date.value if date else "" for date in (period.start, period.end))
    return (start, end, period.statements[0].id)


def _period(statements: Iterable[Statement]) -> Period:
    """Returns the period of statements about the same time: its earliest start and latest end, of the best rank."""
    statements = tuple(statements)
    best = truthy(statements)

    def dates(qualifier: str) -> list[Literal]:
        return finest(date_literal(t) for s in best for t in s.qualifier(qualifier) if isinstance(t, TimeValue))

    starts, ends = dates(START), dates(END)
    ended = any(has_ended(statement) for statement in best)
    return Period(starts[0] if starts else None, ends[-1] if ends else None, statements, ended)


def _is_over_before(a: Period, b: Period) -> bool:
    """Returns whether one of two periods had ended when the other began."""
    return _ended_before(a, b) or _ended_before(b, a)


def _ended_before(a: Period, b: Period) -> bool:
    if b.start is None or not a.has_ended:
        return False
    if a.end is not None:
        return not is_before(b.start, a.end)
    # An unknown end is before another start, unless both may be about the same time in the words of two items.
    if a.start is not None:
        return is_before(a.start, b.start)
    return not {s.entity for s in a.statements}.isdisjoint(s.entity for s in b.statements)


def _are_one(a: Period, b: Period) -> bool:
    if _is_over_before(a, b):
        return False
    if a.start and b.start:
        return same_period(a.start, b.start) or _reaches_into(a, b) or _reaches_into(b, a)
    if a.end and b.end:
        return same_period(a.end, b.end) or _reaches_into(a, b) or _reaches_into(b, a)
    return True


def _reaches_into(a: Period, b: Period) -> bool:
    """Returns whether b starts or ends inside a: the shape TenureOverlap rejects such a pair."""
    if not (a.start and a.end):
        return False
    begins = b.start is not None and not is_before(b.start, a.start) and is_before(b.start, a.end)
    ends = b.end is not None and is_before(a.start, b.end) and not is_before(a.end, b.end)
    return begins or ends


def finest(literals: Iterable[Literal | None]) -> list[Literal]:
    """Returns the dates without those that a finer one makes redundant."""
    by_text = {date.value: date for date in literals if date is not None}
    return [by_text[text] for text in finest_dates(by_text)]
