"""The result of a comparison as plain values: one for each statement, with the values and the sources of both sides."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.catalogues import ENGLISH, N_, interface_language, templates, translations
from citygraph.errors import BadData
from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import CG, DCTERMS, DQV, OA, PREFIXES, PROV, RDF, RDFS, WD, XSD
from citygraph.text import csv_line, guarded_cell
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    END,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    START,
    TWINNED,
)

ITEM, LABEL = "item", "label"
# The compared properties in the order of the output; the ids are Wikidata's.
PROPERTIES = (ITEM, LABEL, COUNTRY, COORDINATES, POPULATION, TWINNED, HEAD_OF_GOVERNMENT)


class Outcome(StrEnum):
    """The outcome of a comparison; each is a concept of ontology/findings.ttl."""

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
class SourcedValue:
    """A value on one side, and the sources that give it."""

    value: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourcedDate:
    """A date of a statement of ours: the property of its qualifier, the date as text, and the sources."""

    property: str
    date: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class ComparedEntity:
    """An entity on both sides: its IRI here, its item in Wikidata (either may be ""), and its name."""

    iri: str = ""
    qid: str = ""
    name: str = ""


@dataclass(frozen=True)
class ComparedStatement:
    """A compared statement of an entity: its property (one of PROPERTIES) and, for a date, the qualifier.

    `value` is the object if that is an entity; `language` is that of a label. `qualifiers` are our dates that a new
    statement in Wikidata would have. `node` is the IRI of our statement.
    """

    state: Outcome
    entity: ComparedEntity
    property: str
    value: ComparedEntity = ComparedEntity()
    qualifier: str = ""
    language: str = ""
    ours: tuple[SourcedValue, ...] = ()
    theirs: tuple[SourcedValue, ...] = ()
    qualifiers: tuple[SourcedDate, ...] = ()
    node: str = ""
    detail: str = ""


def order(statement: ComparedStatement) -> tuple[Any, ...]:
    """Returns the sort key: entity, property, object."""
    return (
        # "~" sorts after every IRI: entities that we do not have come last.
        statement.entity.iri or "~",
        statement.entity.qid,
        PROPERTIES.index(statement.property),
        statement.value.iri or "~",
        statement.value.qid,
        statement.language,
        statement.node,
        statement.qualifier,
        statement.state,
        statement.ours,
        statement.theirs,
    )


def to_json(statement: ComparedStatement) -> dict[str, Any]:
    """Returns the compared statement as plain data for JSON."""
    return asdict(statement)


def from_json(value: dict[str, Any]) -> ComparedStatement:
    """Returns the compared statement for data of `to_json`. Raises KeyError, TypeError or ValueError for others."""
    return ComparedStatement(
        **value
        | {
            "state": Outcome(value["state"]),
            "entity": ComparedEntity(**value["entity"]),
            "value": ComparedEntity(**value["value"]),
            "ours": _sourced(value["ours"]),
            "theirs": _sourced(value["theirs"]),
            "qualifiers": tuple(
                SourcedDate(d["property"], d["date"], tuple(d["sources"])) for d in value["qualifiers"]
            ),
        }
    )


def _sourced(values: list[dict[str, Any]]) -> tuple[SourcedValue, ...]:
    return tuple(SourcedValue(one["value"], tuple(one["sources"])) for one in values)


FINDING = VOCABULARY + "ontology/findings/"
# English and Turkish names of properties and qualifiers.
_WORDS = {
    COUNTRY: N_("country"),
    COORDINATES: N_("coordinates"),
    POPULATION: N_("population"),
    TWINNED: N_("sister city"),
    HEAD_OF_GOVERNMENT: N_("head of government"),
    START: N_("start"),
    END: N_("end"),
    POINT_IN_TIME: N_("point in time"),
    LABEL: N_("label"),
    ITEM: N_("item"),
}


@dataclass(frozen=True)
class ComparisonRow:
    """A compared statement in words; sources are IRIs. `state` is the name of the outcome's concept."""

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


COLUMNS = tuple(field.name for field in fields(ComparisonRow))


def rows(statements: Iterable[ComparedStatement], language: str = "en") -> list[ComparisonRow]:
    """Returns the statements in words, in English or Turkish (`en`, `tr`), for a table or a page."""
    return [_row(statement, language) for statement in statements]


def counts(statements: Iterable[ComparedStatement]) -> dict[str, int]:
    """Returns the number of statements by outcome, the most frequent first."""
    return dict(Counter(statement.state.value for statement in statements).most_common())


def to_csv(statements: Iterable[ComparedStatement]) -> str:
    """Returns a CSV table with several values of a cell separated by "; ", and formulas of spreadsheets disarmed."""
    lines = [csv_line(COLUMNS)]
    for row in rows(statements):
        cells = (getattr(row, column) for column in COLUMNS)
        lines.append(csv_line(guarded_cell("; ".join(cell) if isinstance(cell, tuple) else cell) for cell in cells))
    return "".join(lines)


def to_json_text(statements: Iterable[ComparedStatement], retrieved: str, more: Mapping[str, Any] | None = None) -> str:
    """Returns the comparison as the text of a file; `retrieved` is when Wikidata was read, `more` are more members."""
    statements = list(statements)
    value = {
        "retrieved": retrieved,
        "counts": counts(statements),
        "findings": [to_json(statement) for statement in statements],
        **(more or {}),
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def from_json_text(text: str, file: str) -> tuple[list[ComparedStatement], str]:
    """Returns a saved comparison, and when Wikidata was read for it. Raises BadData for any other text."""
    try:
        value: dict[str, Any] = json.loads(text)
        return [from_json(finding) for finding in value["findings"]], str(value["retrieved"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadData("this is not a saved comparison: `citygraph wikidata diff --save` writes one", file) from None


def to_quads(statements: Iterable[ComparedStatement], graph: NamedNode, checked: str) -> Iterator[Quad]:
    """Yields each statement as a dqv:QualityAnnotation in a graph, with an IRI that depends on the statement only.

    The target is the entity, the body the concept of the outcome; `checked` is an ISO date.
    """
    for statement in statements:
        yield from annotation(statement, graph, checked)


def annotation(statement: ComparedStatement, graph: NamedNode, checked: str) -> Iterator[Quad]:
    """Yields the quads of one annotation."""
    node = NamedNode(f"{graph.value}#{_key(statement)}")

    def quad(predicate: NamedNode, value: NamedNode | Literal) -> Quad:
        return Quad(node, predicate, value, graph)

    yield quad(RDF("type"), DQV("QualityAnnotation"))
    yield quad(OA("motivatedBy"), DQV("qualityAssessment"))
    yield quad(OA("hasTarget"), NamedNode(statement.node.partition("#")[0] or _iri(statement.entity)))
    yield quad(OA("hasBody"), NamedNode(FINDING + statement.state.value))
    yield quad(CG("checkedOn"), Literal(checked, datatype=XSD("date")))
    yield quad(RDF("subject"), NamedNode(_iri(statement.entity)))
    yield quad(RDF("predicate"), _predicate(statement))
    if statement.value != ComparedEntity():
        yield quad(RDF("object"), NamedNode(_iri(statement.value)))
    for language, template in templates(N_("{statement}: here {ours}, there {theirs}")).items():
        sentence = template.format(
            statement=_about(statement, language),
            ours=_values(statement.ours) or "–",
            theirs=_values(statement.theirs) or "–",
        )
        yield quad(RDFS("comment"), Literal(sentence, language=language))
    for source in _sources(statement.ours):
        yield quad(DCTERMS("source"), NamedNode(source))
    for source in _sources(statement.theirs):
        # A reference may name its source in words, which is not an IRI.
        if source.startswith("http"):
            yield quad(PROV("wasDerivedFrom"), NamedNode(source))


def _row(statement: ComparedStatement, language: str) -> ComparisonRow:
    entity, ours, theirs = statement.entity, statement.ours, statement.theirs
    names = (entity.iri, entity.qid, entity.name)
    texts = (_statement(statement, language), statement.value.name, _values(ours), _values(theirs))
    return ComparisonRow(statement.state.value, *names, *texts, _sources(ours), _sources(theirs), statement.detail)


def _statement(statement: ComparedStatement, language: str) -> str:
    translate = translations(interface_language(language) or ENGLISH).gettext
    word = translate(_WORDS[statement.property])
    if statement.qualifier:
        return f"{word}: {translate(_WORDS[statement.qualifier])}"
    return f"{word} ({statement.language})" if statement.language else word


def _values(values: Iterable[SourcedValue]) -> str:
    return "; ".join(one.value for one in values)


def _sources(values: Iterable[SourcedValue]) -> tuple[str, ...]:
    return tuple(sorted({source for one in values for source in one.sources}))


def _about(statement: ComparedStatement, language: str) -> str:
    about = f"{statement.entity.name}, {_statement(statement, language)}"
    return about + (f" {statement.value.name}" if statement.value.name else "")


def _predicate(statement: ComparedStatement) -> NamedNode:
    if statement.property == LABEL:
        return RDFS("label")
    if statement.property == ITEM:
        return NamedNode(PREFIXES["owl"] + "sameAs")
    return NamedNode(PREFIXES["wdt"] + (statement.qualifier or statement.property))


def _iri(entity: ComparedEntity) -> str:
    return entity.iri or WD + entity.qid


def _key(statement: ComparedStatement) -> str:
    """Returns a key that is equal for a statement in every comparison, whatever the outcome."""
    # The missing reverse is a finding of its own about the tie.
    reverse = "reverse" if statement.state == Outcome.NO_REVERSE else ""
    # A statement that only Wikidata has has no node here; its value distinguishes two figures of one place.
    theirs = "" if statement.ours else _values(statement.theirs)
    parts = (
        _iri(statement.entity),
        statement.property,
        _iri(statement.value),
        statement.qualifier,
        statement.language,
        statement.node,
    )
    return "wikidata-" + hashlib.sha256("\n".join((*parts, reverse, theirs)).encode()).hexdigest()[:16]
