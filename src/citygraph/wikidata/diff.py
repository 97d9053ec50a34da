"""Our facts against Wikidata's: for each entity and statement what agrees, differs or is missing on a side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from citygraph.text import fold
from citygraph.wikidata import pairing
from citygraph.wikidata.differences import ITEM, LABEL, Change, Dated, State, Thing, Told, order
from citygraph.wikidata.graph_facts import ACT, Fact, Facts, Sources
from citygraph.wikidata.item_names import COUNTRY as COUNTRY_CLASS
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    END,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    START,
    TWINNED,
    agree,
    finest,
)

LANGUAGES = ("en", "tr")

_DATES = (START, END, POINT_IN_TIME)


@dataclass(frozen=True)
class Sides:
    """Both sides. `fates` tells of items that are no more: what one was merged into, or "" if it was deleted.

    `guesses` are places and persons of Wikidata's that bear the name of one of ours that has no item, with that one.
    """

    ours: Facts
    theirs: Facts
    fates: Mapping[str, str] = field(default_factory=dict)
    guesses: Mapping[str, str] = field(default_factory=dict)

    def thing(self, iri: str) -> Thing:
        """An entity of either side."""
        ours, theirs = self.ours.items.get(iri, ()), self.theirs.items.get(iri, ())
        side = self.ours if iri in self.ours.names else self.theirs
        return Thing(iri if self.is_here(iri) else "", next(iter((*ours, *theirs)), ""), side.name(iri))

    def is_here(self, iri: str) -> bool:
        """Whether it is an entity of ours."""
        return iri in self.ours.classes or iri in self.ours.items or iri in self.ours.names

    def is_there(self, iri: str) -> bool:
        """Whether its item was read."""
        return iri in self.theirs.items


def diff(
    ours: Facts,
    theirs: Facts,
    seeds: Iterable[str],
    fates: Mapping[str, str] | None = None,
    languages: tuple[str, ...] = LANGUAGES,
) -> list[Change]:
    """What a comparison finds about the places `seeds` (IRIs), their ties, partners and mayors, in order.

    `theirs` has our IRIs for the items that we know. Labels are compared in `languages`.
    """
    seeds = set(seeds)
    guesses = _guesses(ours, theirs)
    sides = Sides(ours, theirs, fates or {}, guesses)
    pairs = [pair for pair in {**ours.ties, **theirs.ties} if seeds & set(pair)]
    places = seeds | {place for pair in pairs for place in pair}
    holders = {f.value for s in seeds for side in (ours, theirs) for f in side.of(s, HEAD_OF_GOVERNMENT)}
    found: list[Change] = []
    for iri in (places | holders) - set(guesses):
        found += _entity(sides, iri)
        if iri in places and sides.is_here(iri) and sides.is_there(iri):
            found += _labels(sides, iri, languages)
            found += _place(sides, iri, mayors=iri in seeds)
    found += _ties(sides, seeds, pairs)
    return sorted(found, key=order)


def _guesses(ours: Facts, theirs: Facts) -> dict[str, str]:
    """What there bears the name of something here that is linked to no item: perhaps the same, perhaps a namesake."""
    unlinked: dict[str, str] = {}
    for iri in sorted(set(ours.classes) - set(ours.items)):
        for name in ours.names.get(iri, ()):
            unlinked.setdefault(fold(name), iri)
    found: dict[str, str] = {}
    for iri in sorted(set(theirs.items) - set(ours.items)):
        kind = iri.split("/")[-2]
        for name in sorted(theirs.names.get(iri, ())):
            guess = unlinked.get(fold(name), "")
            if guess and guess != iri and (guess.split("/")[-2] == "person") == (kind == "person"):
                found.setdefault(iri, guess)
    return found


def _entity(sides: Sides, iri: str) -> Iterator[Change]:
    """What became of an entity's item there."""
    thing, qids = sides.thing(iri), sides.ours.items.get(iri, ())
    told = tuple(Told(qid) for qid in qids)
    guessed = [sides.thing(there).qid for there, here in sorted(sides.guesses.items()) if here == iri]
    if not sides.is_here(iri):
        state, detail = State.MISSING_HERE, ""
    elif not qids and guessed:
        state, detail = State.AMBIGUOUS, f"no item is linked, and {', '.join(guessed)} bears the same name"
    elif not qids:
        state, detail = State.MISSING_THERE, "no item is linked"
    elif len(qids) > 1:
        state, detail = State.AMBIGUOUS, "several items are linked"
    elif sides.fates.get(qids[0]):
        state, detail = State.MERGED, f"{qids[0]} was merged into {sides.fates[qids[0]]}"
    elif qids[0] in sides.fates:
        state, detail = State.DELETED, f"{qids[0]} is not there"
    else:
        state, detail = State.AGREES, ""
    theirs = tuple(Told(q) for q in (*guessed, *sides.theirs.items.get(iri, ())))
    yield Change(state, thing, ITEM, ours=told, theirs=theirs, detail=detail)


def _labels(sides: Sides, iri: str, languages: Iterable[str]) -> Iterator[Change]:
    """A name that the other side has as an alias, or in another language, is no difference."""
    for language in languages:
        mine = sides.ours.labels.get(iri, {}).get(language, {})
        yours = sides.theirs.labels.get(iri, {}).get(language, {})
        mine = {label: sources for label, sources in mine.items() if label not in sides.ours.items.get(iri, ())}
        if not mine and not yours:
            continue
        known = set(mine) & sides.theirs.names.get(iri, frozenset()) or (
            set(yours) & sides.ours.names.get(iri, frozenset())
        )
        other = State.DIFFERS if mine and yours else _state(bool(mine), bool(yours))
        state = State.AGREES if known else other
        yield Change(state, sides.thing(iri), LABEL, language=language, ours=_told(mine), theirs=_told(yours))


def _place(sides: Sides, iri: str, mayors: bool) -> Iterator[Change]:
    if COUNTRY_CLASS.value not in sides.theirs.classes.get(iri, ()):
        yield from _countries(sides, iri)
    yield from _coordinates(sides, iri)
    mine, yours = sides.ours.of(iri, POPULATION), sides.theirs.of(iri, POPULATION)
    for state, m, y in pairing.figures(mine, yours):
        yield _change(sides, state, iri, POPULATION, m, y, detail=_why_ambiguous(state))
    if mayors:
        yield from _mayors(sides, iri)


def _countries(sides: Sides, iri: str) -> Iterator[Change]:
    mine = _merged(sides.ours.of(iri, COUNTRY))
    yours = _merged(sides.theirs.of(iri, COUNTRY))
    thing = sides.thing(iri)
    if mine and yours and not set(mine) & set(yours):
        value = sides.thing(min(mine))
        yield Change(State.DIFFERS, thing, COUNTRY, value, ours=_told(mine, sides), theirs=_told(yours, sides))
        return
    for country in sorted({*mine, *yours}):
        state = _state(country in mine, country in yours)
        ours = _told({country: mine[country]}, sides) if country in mine else ()
        theirs = _told({country: yours[country]}, sides) if country in yours else ()
        yield Change(state, thing, COUNTRY, sides.thing(country), ours=ours, theirs=theirs)


def _coordinates(sides: Sides, iri: str) -> Iterator[Change]:
    mine, yours = sides.ours.of(iri, COORDINATES), sides.theirs.of(iri, COORDINATES)
    if not mine and not yours:
        return
    state, detail = _state(bool(mine), bool(yours)), ""
    if mine and yours:
        apart = min(pairing.kilometres(m.value, y.value) for m in mine for y in yours)
        state = State.AGREES if apart <= pairing.NEAR else State.DIFFERS
        detail = f"{apart:.1f} km apart" if apart else ""
    yield Change(state, sides.thing(iri), COORDINATES, ours=_of_facts(mine), theirs=_of_facts(yours), detail=detail)


def _mayors(sides: Sides, iri: str) -> Iterator[Change]:
    mine = sides.ours.of(iri, HEAD_OF_GOVERNMENT)
    yours = tuple(
        replace(fact, value=sides.guesses.get(fact.value, fact.value))
        for fact in sides.theirs.of(iri, HEAD_OF_GOVERNMENT)
    )
    for state, m, y in pairing.tenures(mine, yours):
        holder = m.value if m else y.value if y else ""
        guessed = holder in sides.guesses.values()
        yield _change(sides, State.AMBIGUOUS if guessed else state, iri, HEAD_OF_GOVERNMENT, m, y, holder)
        if m and y and not guessed:
            yield from _dates(Change(state, sides.thing(iri), HEAD_OF_GOVERNMENT, sides.thing(holder)), m, y)


def _ties(sides: Sides, seeds: set[str], pairs: Iterable[tuple[str, str]]) -> Iterator[Change]:
    """Each pair once, from the side of a place that was asked for; then each direction that is missing there."""
    mapped: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for pair in pairs:
        a, b = (sides.guesses.get(place, place) for place in pair)
        mapped.setdefault((a, b) if a < b else (b, a), []).append(pair)
    for key, found in sorted(mapped.items()):
        entity, value = key if key[0] in seeds else (key[1], key[0])
        mine = _one([fact for pair in found for fact in sides.ours.ties.get(pair, ())])
        yours = _one([fact for pair in found for fact in sides.theirs.ties.get(pair, ())])
        if set(key) & set(sides.guesses.values()):
            yield _change(sides, State.AMBIGUOUS, entity, TWINNED, mine, yours, value)
            continue
        change = _change(sides, _state(mine is not None, yours is not None), entity, TWINNED, mine, yours, value)
        yield change
        if mine and yours:
            yield from _dates(change, mine, yours)
        if yours:
            yield from _reverse(sides, key, mine, yours)


def _reverse(sides: Sides, pair: tuple[str, str], mine: Fact | None, yours: Fact) -> Iterator[Change]:
    for entity, value in (pair, pair[::-1]):
        if (entity, value) not in sides.theirs.directions:
            yield _change(sides, State.NO_REVERSE, entity, TWINNED, mine, yours, value)


def _dates(of: Change, mine: Fact, yours: Fact) -> Iterator[Change]:
    """The dates of a statement that both sides make, at the coarser of their precisions."""
    for qualifier in _DATES:
        ours, theirs = mine.dates.get(qualifier, {}), yours.dates.get(qualifier, {})
        # A day on which a document shows the tie is evidence; nobody wants it as a qualifier there.
        if not theirs and (not ours or qualifier == POINT_IN_TIME):
            continue
        state, detail = _date_state(finest(ours), finest(theirs))
        act = mine.dates.get(ACT, {})
        if state == State.DIFFERS and qualifier == START and any(agree(a, t) for a in act for t in theirs):
            detail = f"theirs is our date of the council's act ({', '.join(sorted(act))})"
        dated = tuple(Dated(qualifier, date, tuple(sorted(ours[date]))) for date in finest(ours))
        yield replace(
            of, state=state, qualifier=qualifier, ours=_told(ours), theirs=_told(theirs), node=mine.node,
            qualifiers=dated if state == State.MISSING_THERE else (), detail=detail,
        )  # fmt: skip


def _date_state(mine: list[str], yours: list[str]) -> tuple[State, str]:
    if not yours:
        differ = len(mine) > 1
        return (State.AMBIGUOUS, "our sources differ") if differ else (State.MISSING_THERE, "")
    if not mine:
        return State.MISSING_HERE, ""
    matched = [any(agree(m, y) for m in mine) for y in yours]
    if all(matched):
        return State.AGREES, ""
    return (State.AMBIGUOUS, "one of several dates there agrees") if any(matched) else (State.DIFFERS, "")


def _change(
    sides: Sides, state: State, iri: str, property_: str, mine: Fact | None, yours: Fact | None,
    value: str = "", detail: str = "",
) -> Change:  # fmt: skip
    """The finding about a statement, with the dates that ours would bear there."""
    node = mine.node if mine else ""
    thing = sides.thing(value) if value else Thing()
    missing = state in (State.MISSING_THERE, State.NO_REVERSE) and mine is not None
    return Change(
        state, sides.thing(iri), property_, thing,
        ours=_of_facts((mine,) if mine else ()), theirs=_of_facts((yours,) if yours else ()),
        qualifiers=tuple(_sure_dates(mine)) if missing and mine else (), node=node, detail=detail,
    )  # fmt: skip


def _sure_dates(fact: Fact) -> Iterator[Dated]:
    """The dates of ours on which all our sources agree."""
    for qualifier in (START, END, *((POINT_IN_TIME,) if "#population" in fact.node else ())):
        dates = finest(fact.dates.get(qualifier, {}))
        if len(dates) == 1:
            yield Dated(qualifier, dates[0], tuple(sorted(fact.dates[qualifier][dates[0]])))


def _state(here: bool, there: bool) -> State:
    if here and there:
        return State.AGREES
    return State.MISSING_THERE if here else State.MISSING_HERE


def _why_ambiguous(state: State) -> str:
    return "our figure has no date, and none there is the same" if state == State.AMBIGUOUS else ""


def _one(facts: list[Fact]) -> Fact | None:
    """Several agreements of the same pair as one fact."""
    if not facts:
        return None
    dates: dict[str, dict[str, Sources]] = {}
    for fact in facts:
        for qualifier, found in fact.dates.items():
            of = dates.setdefault(qualifier, {})
            for date, sources in found.items():
                of[date] = of.get(date, frozenset()) | sources
    sources = frozenset().union(*(fact.sources for fact in facts))
    return replace(facts[0], sources=sources, dates=dates)


def _merged(facts: Iterable[Fact]) -> dict[str, Sources]:
    found: dict[str, Sources] = {}
    for fact in facts:
        found[fact.value] = found.get(fact.value, frozenset()) | fact.sources
    return found


def _told(values: Mapping[str, Sources], sides: Sides | None = None) -> tuple[Told, ...]:
    """Values with their sources; of entities the names, where both sides are given."""
    return tuple(Told(sides.thing(v).name if sides else v, tuple(sorted(values[v]))) for v in sorted(values))


def _of_facts(facts: Iterable[Fact]) -> tuple[Told, ...]:
    return tuple(Told(_shown(fact), tuple(sorted(fact.sources))) for fact in facts)


def _shown(fact: Fact) -> str:
    """A figure with its date, a point; what binds two entities shows its dates alone."""
    dates = {q: " or ".join(finest(fact.dates[q])) for q in (START, END, POINT_IN_TIME) if fact.dates.get(q)}
    if fact.value and not fact.value.startswith("http"):
        return f"{fact.value} ({dates[POINT_IN_TIME]})" if POINT_IN_TIME in dates else fact.value
    if START in dates or END in dates:
        return f"{dates.get(START, '')}–{dates.get(END, '')}".removesuffix("–") or "yes"
    return "yes"
