"""Which statement of ours is which of Wikidata's, where a place has several: points, figures of people, mayors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import asin, cos, radians, sin, sqrt

from citygraph.wikidata.differences import State
from citygraph.wikidata.graph_facts import Fact
from citygraph.wikidata.model import END, POINT_IN_TIME, START, agree, finest

# Points of one city in two data sets lie kilometres apart: one is the town hall, the other the middle of the area.
NEAR = 10.0

_EARTH = 6371.0  # mean radius in kilometres
_ABOUT = 0.1  # "nearly a million" is a million less a tenth at most

Paired = Iterator[tuple[State, Fact | None, Fact | None]]
Rule = Callable[[Fact, Fact], State | None]


def kilometres(first: str, second: str) -> float:
    """The distance of two points, each "latitude longitude"."""
    (lat1, lon1), (lat2, lon2) = ([radians(float(part)) for part in point.split()] for point in (first, second))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH * asin(min(1.0, sqrt(half)))


def figures(mine: Sequence[Fact], yours: Sequence[Fact]) -> Paired:
    """Figures of the same date; one of ours without a date is ambiguous unless it is there."""
    rules: tuple[Rule, ...] = (_same_figure, _same_number, _same_date)
    for state, m, y in _paired(mine, yours, rules):
        undated = m is not None and not m.dates.get(POINT_IN_TIME)
        yield (State.AMBIGUOUS if state == State.MISSING_THERE and undated and yours else state), m, y


def tenures(mine: Sequence[Fact], yours: Sequence[Fact]) -> Paired:
    """Times in office of the same person: those that began at the same time, then those of unknown beginning."""
    rules: tuple[Rule, ...] = (_same_tenure, _same_start, _unknown_start)
    yield from _paired(mine, yours, rules)


def _paired(mine: Sequence[Fact], yours: Sequence[Fact], rules: Sequence[Rule]) -> Paired:
    left_mine, left_yours = list(mine), list(yours)
    for rule in rules:
        for m in list(left_mine):
            for y in left_yours:
                state = rule(m, y)
                if state is not None:
                    yield state, m, y
                    left_mine.remove(m)
                    left_yours.remove(y)
                    break
    yield from ((State.MISSING_THERE, m, None) for m in left_mine)
    yield from ((State.MISSING_HERE, None, y) for y in left_yours)


def _same_figure(mine: Fact, yours: Fact) -> State | None:
    return State.AGREES if mine.value == yours.value and _on(mine) == _on(yours) else None


def _same_number(mine: Fact, yours: Fact) -> State | None:
    """The same number, and no dates that contradict one another."""
    apart = _on(mine) and _on(yours) and not _overlap(_on(mine), _on(yours))
    return State.AGREES if mine.value == yours.value and not apart else None


def _same_date(mine: Fact, yours: Fact) -> State | None:
    """Another number of the same date; one that is only about right agrees with what is near it."""
    if not _overlap(_on(mine), _on(yours)):
        return None
    near = abs(float(mine.value) - float(yours.value)) <= _ABOUT * float(yours.value)
    return State.AGREES if mine.approximate and near else State.DIFFERS


def _same_tenure(mine: Fact, yours: Fact) -> State | None:
    same = all(finest(mine.dates.get(q, {})) == finest(yours.dates.get(q, {})) for q in (START, END))
    return State.AGREES if mine.value == yours.value and same else None


def _same_start(mine: Fact, yours: Fact) -> State | None:
    same = _overlap(mine.dates.get(START, {}), yours.dates.get(START, {}))
    return State.AGREES if mine.value == yours.value and same else None


def _unknown_start(mine: Fact, yours: Fact) -> State | None:
    known = mine.dates.get(START) and yours.dates.get(START)
    return State.AGREES if mine.value == yours.value and not known else None


def _on(fact: Fact) -> frozenset[str]:
    return frozenset(fact.dates.get(POINT_IN_TIME, {}))


def _overlap(mine: Iterable[str], yours: Iterable[str]) -> bool:
    return any(agree(m, y) for m in mine for y in yours)
