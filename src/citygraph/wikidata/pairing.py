"""The pairing of our statements with those of Wikidata: figures and terms of office of a place, countries by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from citygraph.geo import kilometres
from citygraph.text import fold
from citygraph.wikidata.differences import Outcome
from citygraph.wikidata.graph_facts import Fact, GraphFacts
from citygraph.wikidata.model import COUNTRY, END, POINT_IN_TIME, START, dates_agree, finest_dates

# Points of one city in two data sets are kilometres apart: one is the town hall, the other the centre of the area.
NEAR = 10.0  # km

# An approximate figure ("nearly a million") may differ by a tenth.
_TOLERANCE = 0.1

Paired = Iterator[tuple[Outcome, Fact | None, Fact | None]]
Rule = Callable[[Fact, Fact], Outcome | None]


def distance(first: str, second: str) -> float:
    """Returns the distance of two points, each "latitude longitude", in kilometres."""
    return kilometres(*map(float, first.split()), *map(float, second.split()))


def with_our_countries(ours: GraphFacts, theirs: GraphFacts) -> GraphFacts:
    """Returns their facts, in which a country of ours without an item stands for the one of theirs with its name.

    Many data link cities to their items, but not countries.
    """
    countries = {fact.value for (_, property_), facts in ours.about.items() if property_ == COUNTRY for fact in facts}
    unlinked = [iri for iri in sorted(countries) if not ours.items.get(iri)]
    named = {fold(name): iri for iri in unlinked for name in ours.names.get(iri, ())}

    def our_country(iri: str) -> str:
        names = map(fold, sorted(theirs.names.get(iri, ())))
        return iri if iri in countries else next((named[name] for name in names if name in named), iri)

    about = {
        key: tuple(replace(fact, value=our_country(fact.value)) for fact in facts) if key[1] == COUNTRY else facts
        for key, facts in theirs.about.items()
    }
    return replace(theirs, about=about)


def pair_figures(mine: Sequence[Fact], yours: Sequence[Fact]) -> Paired:
    """Pairs figures of one date. One of ours without a date is ambiguous unless Wikidata has its number."""
    rules: tuple[Rule, ...] = (_same_figure, _same_number, _same_date)
    for state, m, y in _paired(mine, yours, rules):
        undated = m is not None and not m.dates.get(POINT_IN_TIME)
        yield (Outcome.AMBIGUOUS if state == Outcome.MISSING_THERE and undated and yours else state), m, y


def pair_tenures(mine: Sequence[Fact], yours: Sequence[Fact]) -> Paired:
    """Pairs terms of office of one person: first those with one start, then those with an unknown start."""
    rules: tuple[Rule, ...] = (_same_tenure, _same_start, _unknown_start)
    yield from _paired(mine, yours, rules)


def _paired(mine: Sequence[Fact], yours: Sequence[Fact], rules: Sequence[Rule]) -> Paired:
    open_mine, open_yours = list(mine), list(yours)
    # The strictest rule first, so that a loose one takes no fact away from its exact counterpart.
    for rule in rules:
        for m in list(open_mine):
            for y in open_yours:
                state = rule(m, y)
                if state is not None:
                    yield state, m, y
                    open_mine.remove(m)
                    open_yours.remove(y)
                    break
    yield from ((Outcome.MISSING_THERE, m, None) for m in open_mine)
    yield from ((Outcome.MISSING_HERE, None, y) for y in open_yours)


def _same_figure(mine: Fact, yours: Fact) -> Outcome | None:
    return Outcome.AGREES if mine.value == yours.value and _on(mine) == _on(yours) else None


def _same_number(mine: Fact, yours: Fact) -> Outcome | None:
    """Returns the outcome for equal numbers whose dates do not contradict each other."""
    contradict = _on(mine) and _on(yours) and not _overlap(_on(mine), _on(yours))
    return Outcome.AGREES if mine.value == yours.value and not contradict else None


def _same_date(mine: Fact, yours: Fact) -> Outcome | None:
    """Returns the outcome for figures of one date; an approximate one agrees within the tolerance."""
    if not _overlap(_on(mine), _on(yours)):
        return None
    near = abs(float(mine.value) - float(yours.value)) <= _TOLERANCE * float(yours.value)
    return Outcome.AGREES if mine.approximate and near else Outcome.DIFFERS


def _same_tenure(mine: Fact, yours: Fact) -> Outcome | None:
    same = all(finest_dates(mine.dates.get(q, {})) == finest_dates(yours.dates.get(q, {})) for q in (START, END))
    return Outcome.AGREES if mine.value == yours.value and same else None


def _same_start(mine: Fact, yours: Fact) -> Outcome | None:
    same = _overlap(mine.dates.get(START, {}), yours.dates.get(START, {}))
    return Outcome.AGREES if mine.value == yours.value and same else None


def _unknown_start(mine: Fact, yours: Fact) -> Outcome | None:
    both = mine.dates.get(START) and yours.dates.get(START)
    return Outcome.AGREES if mine.value == yours.value and not both else None


def _on(fact: Fact) -> frozenset[str]:
    return frozenset(fact.dates.get(POINT_IN_TIME, {}))


def _overlap(mine: Iterable[str], yours: Iterable[str]) -> bool:
    return any(dates_agree(m, y) for m in mine for y in yours)
