"""What a comparison finds, as plain values: a finding for each statement, with what both sides say and who says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

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
