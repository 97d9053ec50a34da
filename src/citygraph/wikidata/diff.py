"""The diff of our facts and Wikidata's: whether each statement agrees, differs or is missing on a side. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from citygraph.instance import current_instance
from citygraph.text import best_tag, fold
from citygraph.wikidata import pairing
from citygraph.wikidata.differences import (
    ITEM,
    LABEL,
    ComparedEntity,
    ComparedStatement,
    Outcome,
    SourcedDate,
    SourcedValue,
    order,
)
from citygraph.wikidata.graph_facts import ACT, Fact, GraphFacts, Sources
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
    dates_agree,
    finest_dates,
)

LANGUAGES = current_instance().languages

_DATES = (START, END, POINT_IN_TIME)


@dataclass(frozen=True)
class Sides:
    """The facts of both sides.

    `gone` has the items that no longer exist, with the item that each was merged into, or "" if it was deleted.
    `guesses` maps entities of Wikidata to one of ours that has the same name and no item.
    """

    ours: GraphFacts
    theirs: GraphFacts
    gone: Mapping[str, str] = field(default_factory=dict)
    guesses: Mapping[str, str] = field(default_factory=dict)

    def entity(self, iri: str) -> ComparedEntity:
        """Returns an entity of either side."""
        ours, theirs = self.ours.items.get(iri, ()), self.theirs.items.get(iri, ())
        side = self.ours if iri in self.ours.names else self.theirs
        return ComparedEntity(iri if self.is_here(iri) else "", next(iter((*ours, *theirs)), ""), side.name(iri))

    def is_here(self, iri: str) -> bool:
        """Returns whether it is an entity of ours."""
        return iri in self.ours.classes or iri in self.ours.items or iri in self.ours.names

    def is_there(self, iri: str) -> bool:
        """Returns whether its item was read."""
        return iri in self.theirs.items


def diff(
    ours: GraphFacts,
    theirs: GraphFacts,
    seeds: Iterable[str],
    gone: Mapping[str, str] | None = None,
    languages: tuple[str, ...] = LANGUAGES,
) -> list[ComparedStatement]:
    """Returns the compared statements of the places `seeds` (IRIs), their ties, partners and mayors, sorted.

    `theirs` uses our IRIs for the items that our entities are linked to. Labels are compared in `languages`.
    """
    seeds = set(seeds)
    guesses = _guesses(ours, theirs)
    sides = Sides(ours, theirs, gone or {}, guesses)
    pairs = [pair for pair in {**ours.ties, **theirs.ties} if seeds & set(pair)]
    places = seeds | {place for pair in pairs for place in pair}
    holders = {f.value for s in seeds for side in (ours, theirs) for f in side.of(s, HEAD_OF_GOVERNMENT)}
    statements: list[ComparedStatement] = []
    # An entity with a guess is compared under the IRI of ours that it may be.
    for iri in (places | holders) - set(guesses):
        statements += _entity(sides, iri)
        if iri in places and sides.is_here(iri) and sides.is_there(iri):
            statements += _labels(sides, iri, languages)
            statements += _place(sides, iri, mayors=iri in seeds)
    statements += _ties(sides, seeds, pairs)
    return sorted(statements, key=order)


def _guesses(ours: GraphFacts, theirs: GraphFacts) -> dict[str, str]:
    """Returns the entities of Wikidata with the name of an unlinked entity of ours: the same thing, or a namesake."""
    unlinked: dict[str, str] = {}
    for iri in sorted(set(ours.classes) - set(ours.items)):
        for name in ours.names.get(iri, ()):
            unlinked.setdefault(fold(name), iri)
    guesses: dict[str, str] = {}
    for iri in sorted(set(theirs.items) - set(ours.items)):
        kind = iri.split("/")[-2]
        for name in sorted(theirs.names.get(iri, ())):
            guess = unlinked.get(fold(name), "")
            # A person and a place of one name are never the same.
            if guess and guess != iri and (guess.split("/")[-2] == "person") == (kind == "person"):
                guesses.setdefault(iri, guess)
    return guesses


def _entity(sides: Sides, iri: str) -> Iterator[ComparedStatement]:
    """Compares an entity's link with the state of its item in Wikidata."""
    entity, qids = sides.entity(iri), sides.ours.items.get(iri, ())
    mine = tuple(SourcedValue(qid) for qid in qids)
    guessed = [sides.entity(there).qid for there, here in sorted(sides.guesses.items()) if here == iri]
    if not sides.is_here(iri):
        state, detail = Outcome.MISSING_HERE, ""
    elif not qids and guessed:
        state, detail = Outcome.AMBIGUOUS, f"no item is linked, and {', '.join(guessed)} has the same name"
    elif not qids:
        state, detail = Outcome.MISSING_THERE, "no item is linked"
    elif len(qids) > 1:
        state, detail = Outcome.AMBIGUOUS, "several items are linked"
    elif sides.gone.get(qids[0]):
        state, detail = Outcome.MERGED, f"{qids[0]} was merged into {sides.gone[qids[0]]}"
    elif qids[0] in sides.gone:
        state, detail = Outcome.DELETED, f"{qids[0]} does not exist"
    else:
        state, detail = Outcome.AGREES, ""
    theirs = tuple(SourcedValue(q) for q in (*guessed, *sides.theirs.items.get(iri, ())))
    yield ComparedStatement(state, entity, ITEM, ours=mine, theirs=theirs, detail=detail)


def _labels(sides: Sides, iri: str, languages: Iterable[str]) -> Iterator[ComparedStatement]:
    """Compares the labels. A name that the other side has as an alias or in another language agrees."""
    for language in languages:
        mine, yours = (_in_language(facts.labels.get(iri, {}), language) for facts in (sides.ours, sides.theirs))
        # A pull labels an item without a name with its id, which is not a label to compare.
        mine = {label: sources for label, sources in mine.items() if label not in sides.ours.items.get(iri, ())}
        if not mine and not yours:
            continue
        is_alias = set(mine) & sides.theirs.names.get(iri, frozenset()) or set(yours) & sides.ours.names.get(
            iri, frozenset()
        )
        other = Outcome.DIFFERS if mine and yours else _state(bool(mine), bool(yours))
        state = Outcome.AGREES if is_alias else other
        yield ComparedStatement(
            state, sides.entity(iri), LABEL, language=language, ours=_sourced(mine), theirs=_sourced(yours)
        )


def _in_language(labels: Mapping[str, Mapping[str, Sources]], language: str) -> Mapping[str, Sources]:
    tag = best_tag(labels, language)
    return labels[tag] if tag else {}


def _place(sides: Sides, iri: str, mayors: bool) -> Iterator[ComparedStatement]:
    # Wikidata gives a country itself as its country.
    if COUNTRY_CLASS.value not in sides.theirs.classes.get(iri, ()):
        yield from _countries(sides, iri)
    yield from _coordinates(sides, iri)
    mine, yours = sides.ours.of(iri, POPULATION), sides.theirs.of(iri, POPULATION)
    for state, m, y in pairing.pair_figures(mine, yours):
        yield _compared(sides, state, iri, POPULATION, m, y, detail=_why_ambiguous(state))
    if mayors:
        yield from _mayors(sides, iri)


def _countries(sides: Sides, iri: str) -> Iterator[ComparedStatement]:
    mine = _by_value(sides.ours.of(iri, COUNTRY))
    yours = _by_value(sides.theirs.of(iri, COUNTRY))
    entity = sides.entity(iri)
    if mine and yours and not set(mine) & set(yours):
        value = sides.entity(min(mine))
        yield ComparedStatement(
            Outcome.DIFFERS, entity, COUNTRY, value, ours=_sourced(mine, sides), theirs=_sourced(yours, sides)
        )
        return
    for country in sorted({*mine, *yours}):
        state = _state(country in mine, country in yours)
        ours = _sourced({country: mine[country]}, sides) if country in mine else ()
        theirs = _sourced({country: yours[country]}, sides) if country in yours else ()
        yield ComparedStatement(state, entity, COUNTRY, sides.entity(country), ours=ours, theirs=theirs)


def _coordinates(sides: Sides, iri: str) -> Iterator[ComparedStatement]:
    mine, yours = sides.ours.of(iri, COORDINATES), sides.theirs.of(iri, COORDINATES)
    if not mine and not yours:
        return
    state, detail = _state(bool(mine), bool(yours)), ""
    if mine and yours:
        apart = min(pairing.distance(m.value, y.value) for m in mine for y in yours)
        state = Outcome.AGREES if apart <= pairing.NEAR else Outcome.DIFFERS
        detail = f"{apart:.1f} km apart" if apart else ""
    yield ComparedStatement(
        state, sides.entity(iri), COORDINATES, ours=_of_facts(mine), theirs=_of_facts(yours), detail=detail
    )


def _mayors(sides: Sides, iri: str) -> Iterator[ComparedStatement]:
    mine = sides.ours.of(iri, HEAD_OF_GOVERNMENT)
    yours = tuple(
        replace(fact, value=sides.guesses.get(fact.value, fact.value))
        for fact in sides.theirs.of(iri, HEAD_OF_GOVERNMENT)
    )
    for state, m, y in pairing.pair_tenures(mine, yours):
        holder = m.value if m else y.value if y else ""
        guessed = holder in sides.guesses.values()
        yield _compared(sides, Outcome.AMBIGUOUS if guessed else state, iri, HEAD_OF_GOVERNMENT, m, y, holder)
        if m and y and not guessed:
            yield from _dates(
                ComparedStatement(state, sides.entity(iri), HEAD_OF_GOVERNMENT, sides.entity(holder)), m, y
            )


def _ties(sides: Sides, seeds: set[str], pairs: Iterable[tuple[str, str]]) -> Iterator[ComparedStatement]:
    """Yields each pair once, seen from a requested place, then the directions that Wikidata lacks."""
    mapped: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for pair in pairs:
        # A tie of a possible namesake of ours is compared with the tie of ours.
        a, b = (sides.guesses.get(place, place) for place in pair)
        mapped.setdefault((a, b) if a < b else (b, a), []).append(pair)
    for key, originals in sorted(mapped.items()):
        entity, value = key if key[0] in seeds else (key[1], key[0])
        mine = _as_one_fact([fact for pair in originals for fact in sides.ours.ties.get(pair, ())])
        yours = _as_one_fact([fact for pair in originals for fact in sides.theirs.ties.get(pair, ())])
        if set(key) & set(sides.guesses.values()):
            yield _compared(sides, Outcome.AMBIGUOUS, entity, TWINNED, mine, yours, value)
            continue
        tie = _compared(sides, _state(mine is not None, yours is not None), entity, TWINNED, mine, yours, value)
        yield tie
        if mine and yours:
            yield from _dates(tie, mine, yours)
        if yours:
            yield from _reverse(sides, key, mine, yours)


def _reverse(sides: Sides, pair: tuple[str, str], mine: Fact | None, yours: Fact) -> Iterator[ComparedStatement]:
    for entity, value in (pair, pair[::-1]):
        if (entity, value) not in sides.theirs.directions:
            yield _compared(sides, Outcome.NO_REVERSE, entity, TWINNED, mine, yours, value)


def _dates(statement: ComparedStatement, mine: Fact, yours: Fact) -> Iterator[ComparedStatement]:
    """Compares the dates of a statement that both sides have, at the coarser of their precisions."""
    for qualifier in _DATES:
        ours, theirs = mine.dates.get(qualifier, {}), yours.dates.get(qualifier, {})
        # A day on which a document attests the tie is evidence, which Wikidata does not record as a qualifier.
        if not theirs and (not ours or qualifier == POINT_IN_TIME):
            continue
        state, detail = _date_state(finest_dates(ours), finest_dates(theirs))
        act = mine.dates.get(ACT, {})
        if state == Outcome.DIFFERS and qualifier == START and any(dates_agree(a, t) for a in act for t in theirs):
            detail = f"theirs is our date of the council's act ({', '.join(sorted(act))})"
        dated = tuple(SourcedDate(qualifier, date, tuple(sorted(ours[date]))) for date in finest_dates(ours))
        yield replace(
            statement,
            state=state,
            qualifier=qualifier,
            ours=_sourced(ours),
            theirs=_sourced(theirs),
            node=mine.node,
            qualifiers=dated if state == Outcome.MISSING_THERE else (),
            detail=detail,
        )


def _date_state(mine: list[str], yours: list[str]) -> tuple[Outcome, str]:
    if not yours:
        differ = len(mine) > 1
        return (Outcome.AMBIGUOUS, "our sources differ") if differ else (Outcome.MISSING_THERE, "")
    if not mine:
        return Outcome.MISSING_HERE, ""
    matched = [any(dates_agree(m, y) for m in mine) for y in yours]
    if all(matched):
        return Outcome.AGREES, ""
    return (Outcome.AMBIGUOUS, "one of several dates there agrees") if any(matched) else (Outcome.DIFFERS, "")


def _compared(
    sides: Sides,
    state: Outcome,
    iri: str,
    property_: str,
    mine: Fact | None,
    yours: Fact | None,
    value: str = "",
    detail: str = "",
) -> ComparedStatement:
    """Returns the compared statement, with the dates that our statement would have in Wikidata."""
    missing = state in (Outcome.MISSING_THERE, Outcome.NO_REVERSE) and mine is not None
    return ComparedStatement(
        state,
        sides.entity(iri),
        property_,
        sides.entity(value) if value else ComparedEntity(),
        ours=_of_facts((mine,) if mine else ()),
        theirs=_of_facts((yours,) if yours else ()),
        qualifiers=tuple(_sure_dates(mine)) if missing and mine else (),
        node=mine.node if mine else "",
        detail=detail,
    )


def _sure_dates(fact: Fact) -> Iterator[SourcedDate]:
    """Yields our dates on which all our sources agree."""
    # A population needs the date that it is of; of a tie, a date of attestation is evidence only (see _dates).
    for qualifier in (START, END, *((POINT_IN_TIME,) if "#population" in fact.node else ())):
        dates = finest_dates(fact.dates.get(qualifier, {}))
        if len(dates) == 1:
            yield SourcedDate(qualifier, dates[0], tuple(sorted(fact.dates[qualifier][dates[0]])))


def _state(here: bool, there: bool) -> Outcome:
    if here and there:
        return Outcome.AGREES
    return Outcome.MISSING_THERE if here else Outcome.MISSING_HERE


def _why_ambiguous(state: Outcome) -> str:
    return "our figure has no date, and Wikidata has no equal figure" if state == Outcome.AMBIGUOUS else ""


def _as_one_fact(facts: list[Fact]) -> Fact | None:
    """Merges several agreements of the same pair into one fact."""
    if not facts:
        return None
    dates: dict[str, dict[str, Sources]] = {}
    for fact in facts:
        for qualifier, by_date in fact.dates.items():
            merged = dates.setdefault(qualifier, {})
            for date, sources in by_date.items():
                merged[date] = merged.get(date, frozenset()) | sources
    sources = frozenset().union(*(fact.sources for fact in facts))
    return replace(facts[0], sources=sources, dates=dates)


def _by_value(facts: Iterable[Fact]) -> dict[str, Sources]:
    by_value: dict[str, Sources] = {}
    for fact in facts:
        by_value[fact.value] = by_value.get(fact.value, frozenset()) | fact.sources
    return by_value


def _sourced(values: Mapping[str, Sources], sides: Sides | None = None) -> tuple[SourcedValue, ...]:
    """Returns values with their sources; with `sides`, values are IRIs, which are replaced by names."""
    return tuple(SourcedValue(sides.entity(v).name if sides else v, tuple(sorted(values[v]))) for v in sorted(values))


def _of_facts(facts: Iterable[Fact]) -> tuple[SourcedValue, ...]:
    return tuple(SourcedValue(_fact_text(fact), tuple(sorted(fact.sources))) for fact in facts)


def _fact_text(fact: Fact) -> str:
    """Returns a figure with its date, or a point; a fact that links two entities shows its dates only."""
    dates = {q: " or ".join(finest_dates(fact.dates[q])) for q in (START, END, POINT_IN_TIME) if fact.dates.get(q)}
    if fact.value and not fact.value.startswith("http"):
        return f"{fact.value} ({dates[POINT_IN_TIME]})" if POINT_IN_TIME in dates else fact.value
    if START in dates or END in dates:
        return f"{dates.get(START, '')}–{dates.get(END, '')}".removesuffix("–") or "yes"
    return "yes"
