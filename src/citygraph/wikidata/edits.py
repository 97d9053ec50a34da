"""What Wikidata lacks as edits of it: checked against its items, with the documents to cite. Pure; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from citygraph.text import fold
from citygraph.wikidata.compare import Document
from citygraph.wikidata.differences import LABEL, Change, State, Thing
from citygraph.wikidata.entity import decimal, degrees
from citygraph.wikidata.graph_facts import Facts
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    PUBLISHED,
    REFERENCE_URL,
    RETRIEVED,
    START,
    TITLE,
    TWINNED,
    Link,
    Point,
    Quantity,
    Snak,
    Text,
    Value,
    time_of,
)
from citygraph.wikidata.pairing import kilometres

# Two points of one city may be this far apart; an id that was made up points anywhere on earth.
FAR = 50.0

# The kinds of edits in the order of their batches, by property; dates are added to statements that are there.
DATES = "dates"
KINDS = {
    TWINNED: "sister cities",
    DATES: "dates of statements that are there",
    COUNTRY: "countries",
    COORDINATES: "coordinates",
    POPULATION: "populations",
    HEAD_OF_GOVERNMENT: "heads of government",
    LABEL: "labels",
}


@dataclass(frozen=True)
class Edit:
    """A statement or label to add to an item; where the statement is there already, its qualifiers and references.

    `property` of a label is "L" and the language. `kind` is a key of KINDS.
    """

    kind: str
    qid: str
    property: str
    value: Value
    qualifiers: tuple[Snak, ...] = ()
    references: tuple[tuple[Snak, ...], ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A finding that makes no edit, why, and which entity is to blame."""

    change: Change
    reason: str
    who: Thing


@dataclass(frozen=True)
class Edits:
    """The edits, the findings that made none, and what a person should know of the documents cited."""

    edits: tuple[Edit, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def edits_of(
    changes: Iterable[Change],
    ours: Facts,
    theirs: Facts,
    documents: Mapping[str, Document],
    only: Iterable[str] = (),
    limit: int = 0,
) -> Edits:
    """The edits that would add to Wikidata what it lacks: of some kinds only, and no more than a limit (0: all).

    Items are checked first: one that does not fit our entity by label, country and coordinates gets no edit.
    """
    wanted = set(only) or set(KINDS)
    made: dict[tuple[str, str, Value], Edit] = {}
    left_out: list[LeftOut] = []
    for change in changes:
        if change.state not in (State.MISSING_THERE, State.NO_REVERSE) or kind_of(change) not in wanted:
            continue
        left = _left_out(change, ours, theirs, documents)
        if left:
            left_out.append(left)
            continue
        for edit in _edits(change, documents):
            key = (edit.qid, edit.property, edit.value)
            made[key] = _joined(made[key], edit) if key in made else edit
    order = list(KINDS)
    edits = sorted(made.values(), key=lambda edit: (order.index(edit.kind), _number(edit), str(edit.value)))
    edits = edits[:limit] if limit else edits
    return Edits(tuple(edits), tuple(left_out), tuple(_notes(edits, documents)))


def kind_of(change: Change) -> str:
    """The kind of edit (a key of KINDS) that a finding would make; "" for one of an item itself."""
    return DATES if change.qualifier else change.property if change.property in KINDS else ""


def misfit(iri: str, ours: Facts, theirs: Facts) -> str:
    """Why an item cannot be the entity that it is linked to; "" if it fits.

    It must bear one of our names, lie in the same country and near the same point; of the last two one must be
    known on both sides. A person or a country is told by its name.
    """
    if iri not in theirs.items:
        return "its item was not found"
    mine, yours = ({fold(name) for name in side.names.get(iri, ())} for side in (ours, theirs))
    if not mine & yours:
        return f"no name of the item is ours ({theirs.name(iri)}, not {ours.name(iri)})"
    if "/person/" in iri or "/country/" in iri:
        return ""
    here, there = ({fact.value for fact in side.of(iri, COUNTRY)} for side in (ours, theirs))
    if here and there and not here & there:
        return f"the item lies in {theirs.name(min(there))}, not in {ours.name(min(here))}"
    pairs = [(a.value, b.value) for a in ours.of(iri, COORDINATES) for b in theirs.of(iri, COORDINATES)]
    apart = min((kilometres(a, b) for a, b in pairs), default=0.0)
    if apart > FAR:
        return f"the item lies {apart:.0f} km away"
    confirmed = pairs or (here and there)
    return "" if confirmed else "neither country nor coordinates show that the item is meant"


def _left_out(change: Change, ours: Facts, theirs: Facts, documents: Mapping[str, Document]) -> LeftOut | None:
    """Why a finding makes no edit: first its items are judged, then what we know of it."""
    for thing in (change.entity, change.value):
        reason = _wrong_item(thing, ours, theirs) if change.ours and thing != Thing() else ""
        if reason:
            return LeftOut(change, reason, thing)
    reason = _why_not(change, ours, documents)
    return LeftOut(change, reason, change.entity) if reason else None


def _wrong_item(thing: Thing, ours: Facts, theirs: Facts) -> str:
    if not thing.qid:
        return "no item is linked"
    if len(ours.items.get(thing.iri, ())) > 1:
        return "several items are linked"
    return misfit(thing.iri, ours, theirs)


def _why_not(change: Change, ours: Facts, documents: Mapping[str, Document]) -> str:
    if not change.ours:
        return "no source of ours says it"
    if change.property == POPULATION and not change.qualifiers:
        return "the figure has no date"
    if change.property == POPULATION and _is_about(change, ours):
        return "the figure is only about right"
    if change.property == HEAD_OF_GOVERNMENT and not any(dated.property == START for dated in change.qualifiers):
        return "the beginning of the time in office is not known"
    if change.property != LABEL and not any(_references(change, documents)):
        return "no document can be cited"
    return "our sources give several" if len(change.ours) > 1 and not change.qualifier else ""


def _is_about(change: Change, ours: Facts) -> bool:
    return any(fact.approximate for fact in ours.of(change.entity.iri, POPULATION) if fact.node == change.node)


def _edits(change: Change, documents: Mapping[str, Document]) -> Iterator[Edit]:
    both = change.property == TWINNED and change.state == State.MISSING_THERE
    ends = ((change.entity, change.value), (change.value, change.entity)) if both else ((change.entity, change.value),)
    qualifiers = tuple(Snak(dated.property, time_of(dated.date)) for dated in change.qualifiers)
    for entity, value in ends:
        property_, term = _term(change, value)
        yield Edit(
            kind_of(change), entity.qid, property_, term,
            qualifiers if property_[0] == "P" else (),
            tuple(_references(change, documents)) if property_[0] == "P" else (),
            _summary(change, entity, value),
        )  # fmt: skip


def _term(change: Change, value: Thing) -> tuple[str, Value]:
    told = change.ours[0].value
    if change.property == LABEL:
        return f"L{change.language}", Text(told)
    if change.property == COORDINATES:
        latitude, longitude = told.split()
        return COORDINATES, Point(degrees(latitude), degrees(longitude))
    if change.property == POPULATION:
        return POPULATION, Quantity(decimal(told.split()[0]))
    return change.property, Link(value.qid)


def _references(change: Change, documents: Mapping[str, Document]) -> Iterator[tuple[Snak, ...]]:
    """A reference for each document that says so: of a date those that give the date."""
    dated = {source for d in change.qualifiers for source in d.sources if d.property != POINT_IN_TIME}
    sources = dated if change.qualifier else {s for told in change.ours for s in told.sources} | dated
    for source in sorted(sources & set(documents)):
        document = documents[source]
        yield tuple(_cited(document))


def _cited(document: Document) -> Iterator[Snak]:
    if document.address:
        yield Snak(REFERENCE_URL, Text(document.address))
    yield Snak(TITLE, Text(document.title, document.language or "und"))
    if document.issued:
        yield Snak(PUBLISHED, time_of(document.issued))
    if document.read_on:
        yield Snak(RETRIEVED, time_of(document.read_on))


def _summary(change: Change, entity: Thing, value: Thing) -> str:
    what = KINDS[kind_of(change)]
    return f"citygraph: {what}, {entity.name}" + (f" and {value.name}" if value.name else "")


def _joined(first: Edit, second: Edit) -> Edit:
    """Two edits of one statement as one, of the kind that makes the statement."""
    made, other = (second, first) if first.kind == DATES else (first, second)
    qualifiers = tuple(dict.fromkeys((*made.qualifiers, *other.qualifiers)))
    references = tuple(dict.fromkeys((*made.references, *other.references)))
    return Edit(made.kind, made.qid, made.property, made.value, qualifiers, references, made.summary)


def _number(edit: Edit) -> int:
    return int(edit.qid[1:])


def _notes(edits: Iterable[Edit], documents: Mapping[str, Document]) -> Iterator[str]:
    cited = {snak.value.text for e in edits for ref in e.references for snak in ref
             if snak.property == TITLE and isinstance(snak.value, Text)}  # fmt: skip
    for document in sorted(documents.values(), key=lambda d: d.iri):
        if document.title in cited and not document.address:
            yield f"{document.iri} has no address (schema:url): it is cited by its title and dates only"
