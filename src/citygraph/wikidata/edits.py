"""Proposed edits of Wikidata: items are checked, and our documents become references. Pure; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from citygraph.text import fold
from citygraph.wikidata.compare import CitedDocument
from citygraph.wikidata.differences import LABEL, ComparedEntity, ComparedStatement, Outcome
from citygraph.wikidata.entity import decimal, degrees
from citygraph.wikidata.graph_facts import GraphFacts
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
    ItemValue,
    PointValue,
    QuantityValue,
    Snak,
    TextValue,
    Value,
    parse_date,
)
from citygraph.wikidata.pairing import distance

# Two points of one city may be this far apart. A wrong id leads to a place anywhere on earth.
FAR = 50.0  # km

# The kinds of edits by property, in the order of their batches; dates are added to existing statements.
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
class WikidataEdit:
    """A statement or label to add to an item; for an existing statement, the qualifiers and references to add.

    For a label, `property` is "L" and the language. `kind` is a key of KINDS.
    """

    kind: str
    qid: str
    property: str
    value: Value
    qualifiers: tuple[Snak, ...] = ()
    references: tuple[tuple[Snak, ...], ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class OmittedEdit:
    """A finding that makes no edit, the reason, and the entity that is the cause."""

    finding: ComparedStatement
    reason: str
    entity: ComparedEntity


@dataclass(frozen=True)
class EditPlan:
    """The edits, the findings that make none, and remarks about the cited documents for the reviewer."""

    edits: tuple[WikidataEdit, ...]
    omitted: tuple[OmittedEdit, ...]
    notes: tuple[str, ...]


def plan_edits(
    findings: Iterable[ComparedStatement],
    ours: GraphFacts,
    theirs: GraphFacts,
    documents: Mapping[str, CitedDocument],
    only: Iterable[str] = (),
    limit: int = 0,
) -> EditPlan:
    """Returns the edits that add to Wikidata the statements that it lacks: of the kinds `only`, up to `limit` (0: all).

    Items are checked first: an item that does not match our entity by label, country and coordinates gets no edit.
    """
    kinds = set(only) or set(KINDS)
    # A statement and its dates are separate findings, and become one edit.
    by_statement: dict[tuple[str, str, Value], WikidataEdit] = {}
    omitted: list[OmittedEdit] = []
    for finding in findings:
        if finding.state not in (Outcome.MISSING_THERE, Outcome.NO_REVERSE) or kind_of(finding) not in kinds:
            continue
        omission = _omission(finding, ours, theirs, documents)
        if omission:
            omitted.append(omission)
            continue
        for edit in _edits(finding, documents):
            key = (edit.qid, edit.property, edit.value)
            by_statement[key] = _merged(by_statement[key], edit) if key in by_statement else edit
    order = list(KINDS)
    edits = sorted(by_statement.values(), key=lambda edit: (order.index(edit.kind), _number(edit), str(edit.value)))
    edits = edits[:limit] if limit else edits
    return EditPlan(tuple(edits), tuple(omitted), tuple(_notes(edits, documents)))


def kind_of(finding: ComparedStatement) -> str:
    """Returns the kind of edit (a key of KINDS) for a finding; "" for a finding about the item itself."""
    return DATES if finding.qualifier else finding.property if finding.property in KINDS else ""


def mismatch_reason(iri: str, ours: GraphFacts, theirs: GraphFacts) -> str:
    """Returns why an item cannot be the entity that is linked to it; "" if it matches.

    It must have one of our names, and the same country or a point within FAR, where both sides have them; at least one
    of the two must be known on both sides. A person or a country is checked by its name only.
    """
    if iri not in theirs.items:
        return "its item was not found"
    mine, yours = ({fold(name) for name in side.names.get(iri, ())} for side in (ours, theirs))
    if not mine & yours:
        return f"the item has none of our names ({theirs.name(iri)}, not {ours.name(iri)})"
    if "/person/" in iri or "/country/" in iri:
        return ""
    our_countries, their_countries = ({fact.value for fact in side.of(iri, COUNTRY)} for side in (ours, theirs))
    if our_countries and their_countries and not our_countries & their_countries:
        return f"the item lies in {theirs.name(min(their_countries))}, not in {ours.name(min(our_countries))}"
    pairs = [(a.value, b.value) for a in ours.of(iri, COORDINATES) for b in theirs.of(iri, COORDINATES)]
    apart = min((distance(a, b) for a, b in pairs), default=0.0)
    if apart > FAR:
        return f"the item lies {apart:.0f} km away"
    # A name alone is not enough: there are many namesakes.
    confirmed = pairs or (our_countries and their_countries)
    return "" if confirmed else "neither country nor coordinates confirm the item"


def _omission(
    finding: ComparedStatement, ours: GraphFacts, theirs: GraphFacts, documents: Mapping[str, CitedDocument]
) -> OmittedEdit | None:
    """Returns why a finding makes no edit: because of its items, or because of our own data. None if it makes one."""
    for entity in (finding.entity, finding.value):
        reason = _wrong_item(entity, ours, theirs) if finding.ours and entity != ComparedEntity() else ""
        if reason:
            return OmittedEdit(finding, reason, entity)
    reason = _why_unfit(finding, ours, documents)
    return OmittedEdit(finding, reason, finding.entity) if reason else None


def _wrong_item(entity: ComparedEntity, ours: GraphFacts, theirs: GraphFacts) -> str:
    if not entity.qid:
        return "no item is linked"
    if len(ours.items.get(entity.iri, ())) > 1:
        return "several items are linked"
    return mismatch_reason(entity.iri, ours, theirs)


def _why_unfit(finding: ComparedStatement, ours: GraphFacts, documents: Mapping[str, CitedDocument]) -> str:
    if not finding.ours:
        return "none of our sources has it"
    if finding.property == POPULATION and not finding.qualifiers:
        return "the figure has no date"
    if finding.property == POPULATION and _is_approximate(finding, ours):
        return "the figure is approximate"
    if finding.property == HEAD_OF_GOVERNMENT and not any(dated.property == START for dated in finding.qualifiers):
        return "the start of the term of office is unknown"
    if finding.property != LABEL and not any(_references(finding, documents)):
        return "no document can be cited"
    return "our sources have several values" if len(finding.ours) > 1 and not finding.qualifier else ""


def _is_approximate(finding: ComparedStatement, ours: GraphFacts) -> bool:
    return any(fact.approximate for fact in ours.of(finding.entity.iri, POPULATION) if fact.node == finding.node)


def _edits(finding: ComparedStatement, documents: Mapping[str, CitedDocument]) -> Iterator[WikidataEdit]:
    # Wikidata records a tie on both items; a missing reverse is a finding of its own (NO_REVERSE).
    both = finding.property == TWINNED and finding.state == Outcome.MISSING_THERE
    ends = (
        ((finding.entity, finding.value), (finding.value, finding.entity))
        if both
        else ((finding.entity, finding.value),)
    )
    qualifiers = tuple(Snak(dated.property, parse_date(dated.date)) for dated in finding.qualifiers)
    for entity, value in ends:
        property_, term = _term(finding, value)
        # Labels have neither qualifiers nor references.
        is_statement = property_.startswith("P")
        yield WikidataEdit(
            kind_of(finding),
            entity.qid,
            property_,
            term,
            qualifiers if is_statement else (),
            tuple(_references(finding, documents)) if is_statement else (),
            _summary(finding, entity, value),
        )


def _term(finding: ComparedStatement, value: ComparedEntity) -> tuple[str, Value]:
    text = finding.ours[0].value
    if finding.property == LABEL:
        return f"L{finding.language}", TextValue(text)
    if finding.property == COORDINATES:
        latitude, longitude = text.split()
        return COORDINATES, PointValue(degrees(latitude), degrees(longitude))
    if finding.property == POPULATION:
        return POPULATION, QuantityValue(decimal(text.split()[0]))
    return finding.property, ItemValue(value.qid)


def _references(finding: ComparedStatement, documents: Mapping[str, CitedDocument]) -> Iterator[tuple[Snak, ...]]:
    """Yields a reference for each document of the statement; for a date, for the documents that give it."""
    dated = {source for d in finding.qualifiers for source in d.sources if d.property != POINT_IN_TIME}
    sources = dated if finding.qualifier else {s for value in finding.ours for s in value.sources} | dated
    for source in sorted(sources & set(documents)):
        document = documents[source]
        yield tuple(_reference(document))


def _reference(document: CitedDocument) -> Iterator[Snak]:
    if document.address:
        yield Snak(REFERENCE_URL, TextValue(document.address))
    if document.title:
        yield Snak(TITLE, TextValue(document.title, document.language or "und"))
    if document.issued:
        yield Snak(PUBLISHED, parse_date(document.issued))
    if document.read_on:
        yield Snak(RETRIEVED, parse_date(document.read_on))


def _summary(finding: ComparedStatement, entity: ComparedEntity, value: ComparedEntity) -> str:
    kind = KINDS[kind_of(finding)]
    return f"citygraph: {kind}, {entity.name}" + (f" and {value.name}" if value.name else "")


def _merged(first: WikidataEdit, second: WikidataEdit) -> WikidataEdit:
    """Merges two edits of one statement; the result has the kind of the one that adds the statement."""
    main, other = (second, first) if first.kind == DATES else (first, second)
    qualifiers = tuple(dict.fromkeys((*main.qualifiers, *other.qualifiers)))
    references = tuple(dict.fromkeys((*main.references, *other.references)))
    return WikidataEdit(main.kind, main.qid, main.property, main.value, qualifiers, references, main.summary)


def _number(edit: WikidataEdit) -> int:
    return int(edit.qid[1:])


def _notes(edits: Iterable[WikidataEdit], documents: Mapping[str, CitedDocument]) -> Iterator[str]:
    snaks = (snak for edit in edits for reference in edit.references for snak in reference)
    titles = {s.value.text for s in snaks if s.property == TITLE and isinstance(s.value, TextValue)}
    for document in sorted(documents.values(), key=lambda d: d.iri):
        if document.title in titles and not document.address:
            yield f"{document.iri} has no address (schema:url): it is cited by its title and dates only"
