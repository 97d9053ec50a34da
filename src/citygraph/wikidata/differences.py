"""What a comparison finds, as plain values: a finding for each statement, with what both sides say and who says so."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from io import StringIO
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.errors import BadData
from citygraph.rdf.terms import BASE, CG, DCTERMS, DQV, OA, PREFIXES, PROV, RDF, RDFS, WD, XSD
from citygraph.text import guarded_cell
from citygraph.wikidata.model import COORDINATES, COUNTRY, HEAD_OF_GOVERNMENT, POPULATION, TWINNED

ITEM, LABEL = "item", "label"
# What is compared, in the order in which it is told; the ids are Wikidata's.
PROPERTIES = (ITEM, LABEL, COUNTRY, COORDINATES, POPULATION, TWINNED, HEAD_OF_GOVERNMENT)


class State(StrEnum):
    """What was found; each is a concept of ontology/findings.ttl."""

    AGREES = "agrees"
    DIFFERS = "differs"
    MISSING_HERE = "missing-here"
    MISSING_THERE = "missing-there"
    NO_REVERSE = "no-reverse"
    MERGED = "merged"
    DELETED = "deleted"
    AMBIGUOUS = "ambiguous"
    MISFIT = "misfit"


@dataclass(frozen=True, order=True)
class Told:
    """A value as one side gives it, and the sources that say so."""

    value: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dated:
    """A date that belongs to a statement of ours: the property of its qualifier, the date as text, who says so."""

    property: str
    date: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Thing:
    """An entity on both sides: its IRI here, its item there (either may be ""), and what people call it."""

    iri: str = ""
    qid: str = ""
    name: str = ""


@dataclass(frozen=True)
class Change:
    """One finding: about an entity, a property (one of PROPERTIES), and perhaps a qualifier of the statement.

    `value` is what the statement is about if that is an entity; `language` that of a label. `qualifiers` are the
    dates of ours that a new statement there would bear. `node` is what bears the statement here.
    """

    state: State
    entity: Thing
    property: str
    value: Thing = Thing()
    qualifier: str = ""
    language: str = ""
    ours: tuple[Told, ...] = ()
    theirs: tuple[Told, ...] = ()
    qualifiers: tuple[Dated, ...] = ()
    node: str = ""
    detail: str = ""


def order(change: Change) -> tuple[Any, ...]:
    """Sort key: by entity, then property, then what it is about."""
    return (
        change.entity.iri or "~",
        change.entity.qid,
        PROPERTIES.index(change.property),
        change.value.iri or "~",
        change.value.qid,
        change.language,
        change.node,
        change.qualifier,
        change.state,
        change.ours,
        change.theirs,
    )


def to_json(change: Change) -> dict[str, Any]:
    """The finding as plain data for JSON."""
    return asdict(change)


def from_json(value: dict[str, Any]) -> Change:
    """The finding that was written. Raises KeyError, TypeError or ValueError for what is none."""
    return Change(
        state=State(value["state"]),
        entity=Thing(**value["entity"]),
        property=value["property"],
        value=Thing(**value["value"]),
        qualifier=value["qualifier"],
        language=value["language"],
        ours=_told(value["ours"]),
        theirs=_told(value["theirs"]),
        qualifiers=tuple(Dated(d["property"], d["date"], tuple(d["sources"])) for d in value["qualifiers"]),
        node=value["node"],
        detail=value["detail"],
    )


def _told(values: list[dict[str, Any]]) -> tuple[Told, ...]:
    return tuple(Told(told["value"], tuple(told["sources"])) for told in values)


FINDING = BASE + "ontology/findings/"
COLUMNS = ("state", "entity", "qid", "name", "statement", "value", "ours", "theirs", "our_sources", "their_sources",
           "detail")  # fmt: skip

_WORDS = {
    "P17": ("country", "ülke"), "P625": ("coordinates", "koordinat"), "P1082": ("population", "nüfus"),
    "P190": ("sister city", "kardeş şehir"), "P6": ("head of government", "yönetim başkanı"),
    "P580": ("start", "başlangıç"), "P582": ("end", "bitiş"), "P585": ("point in time", "zaman noktası"),
    LABEL: ("label", "ad"), ITEM: ("item", "öge"),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A finding in words; sources are IRIs. `state` is the name of the finding's concept."""

    state: str
    entity: str
    qid: str
    name: str
    statement: str
    value: str
    ours: str
    theirs: str
    our_sources: tuple[str, ...]
    their_sources: tuple[str, ...]
    detail: str


def rows(changes: Iterable[Change], language: str = "en") -> list[Row]:
    """The findings in words, in English or Turkish (`en`, `tr`): for a table or a page."""
    return [_row(change, language) for change in changes]


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """How many findings there are of each state, the most frequent first."""
    return dict(Counter(change.state.value for change in changes).most_common())


def to_csv(changes: Iterable[Change]) -> str:
    """A table; several values or sources in a cell are divided by "; ". No spreadsheet runs what others wrote."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows(changes):
        cells = (getattr(row, column) for column in COLUMNS)
        writer.writerow(guarded_cell("; ".join(cell) if isinstance(cell, tuple) else cell) for cell in cells)
    return out.getvalue()


def to_json_text(changes: Iterable[Change], retrieved: str) -> str:
    """The comparison as it is kept in a file; `retrieved` is when Wikidata was read."""
    changes = list(changes)
    value = {"retrieved": retrieved, "counts": counts(changes), "findings": [to_json(change) for change in changes]}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def from_json_text(text: str, file: str) -> tuple[list[Change], str]:
    """A comparison that was kept, and when Wikidata was read for it. Raises BadData for what is none."""
    try:
        value: dict[str, Any] = json.loads(text)
        return [from_json(finding) for finding in value["findings"]], str(value["retrieved"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(f"this is no saved comparison with Wikidata: {error!r}", file) from None


def to_quads(changes: Iterable[Change], graph: NamedNode, checked: str) -> Iterator[Quad]:
    """Each finding as a dqv:QualityAnnotation in a graph, with an IRI that depends on what was found about what.

    Its target is the entity, its body the concept of the finding; `checked` is an ISO date.
    """
    for change in changes:
        yield from annotation(change, graph, checked)


def annotation(change: Change, graph: NamedNode, checked: str) -> Iterator[Quad]:
    """One finding as RDF."""
    node = NamedNode(f"{graph.value}#{_key(change)}")

    def say(predicate: NamedNode, value: NamedNode | Literal) -> Quad:
        return Quad(node, predicate, value, graph)

    yield say(RDF("type"), DQV("QualityAnnotation"))
    yield say(OA("motivatedBy"), DQV("qualityAssessment"))
    yield say(OA("hasTarget"), NamedNode(change.node.partition("#")[0] or _iri(change.entity)))
    yield say(OA("hasBody"), NamedNode(FINDING + change.state.value))
    yield say(CG("checkedOn"), Literal(checked, datatype=XSD("date")))
    yield say(RDF("subject"), NamedNode(_iri(change.entity)))
    yield say(RDF("predicate"), _predicate(change))
    if change.value != Thing():
        yield say(RDF("object"), NamedNode(_iri(change.value)))
    for language in ("en", "tr"):
        yield say(RDFS("comment"), Literal(_sentence(change, language), language=language))
    for source in sorted({source for told in change.ours for source in told.sources}):
        yield say(DCTERMS("source"), NamedNode(source))
    for source in sorted({source for told in change.theirs for source in told.sources if source.startswith("http")}):
        yield say(PROV("wasDerivedFrom"), NamedNode(source))


def _row(change: Change, language: str) -> Row:
    return Row(
        state=change.state.value,
        entity=change.entity.iri,
        qid=change.entity.qid,
        name=change.entity.name,
        statement=_statement(change, language),
        value=change.value.name,
        ours=_values(change.ours),
        theirs=_values(change.theirs),
        our_sources=_sources(change.ours),
        their_sources=_sources(change.theirs),
        detail=change.detail,
    )


def _statement(change: Change, language: str) -> str:
    word = _WORDS[change.property][language == "tr"]
    if change.qualifier:
        return f"{word}: {_WORDS[change.qualifier][language == 'tr']}"
    return f"{word} ({change.language})" if change.language else word


def _values(told: Iterable[Told]) -> str:
    return "; ".join(one.value for one in told)


def _sources(told: Iterable[Told]) -> tuple[str, ...]:
    return tuple(sorted({source for one in told for source in one.sources}))


def _sentence(change: Change, language: str) -> str:
    here, there = ("here", "there") if language == "en" else ("burada", "orada")
    about = f"{change.entity.name}, {_statement(change, language)}"
    about += f" {change.value.name}" if change.value.name else ""
    return f"{about}: {here} {_values(change.ours) or '–'}, {there} {_values(change.theirs) or '–'}"


def _predicate(change: Change) -> NamedNode:
    if change.property == LABEL:
        return RDFS("label")
    if change.property == ITEM:
        return NamedNode(PREFIXES["owl"] + "sameAs")
    return NamedNode(PREFIXES["wdt"] + (change.qualifier or change.property))


def _iri(thing: Thing) -> str:
    return thing.iri or WD + thing.qid


def _key(change: Change) -> str:
    """The same for the same statement in every comparison, whatever is found of it."""
    reverse = "reverse" if change.state == State.NO_REVERSE else ""
    # What only Wikidata says has no node here: of two figures there the values tell which is meant.
    theirs = "" if change.ours else _values(change.theirs)
    parts = (_iri(change.entity), change.property, _iri(change.value), change.qualifier, change.language, change.node)
    return "wikidata-" + hashlib.sha256("\n".join((*parts, reverse, theirs)).encode()).hexdigest()[:16]
