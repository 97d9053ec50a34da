"""A check and what it finds, and the ways to write one that only looks into the metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pyoxigraph import NamedNode

from citygraph.doctor.site import Site


class State(StrEnum):
    """How it stands."""

    MET = "met"
    MISSING = "missing"
    TOLD = "by hand"  # no machine sees it: where it is met is told


@dataclass(frozen=True)
class Finding:
    """What a check found, and the evidence: an address, a value, or what was expected in vain."""

    state: State
    evidence: str


Examination = Callable[[Site], Finding]


@dataclass(frozen=True)
class Check:
    """One item of a list; the site fails as a whole only on what is `required`."""

    list: str
    name: str
    examine: Examination
    required: bool = True


def met(evidence: str) -> Finding:
    """It is so."""
    return Finding(State.MET, evidence)


def missing(evidence: str) -> Finding:
    """It is not so."""
    return Finding(State.MISSING, evidence)


def found(evidence: str, expected: str) -> Finding:
    """It is so if there is evidence."""
    return met(evidence) if evidence else missing(expected)


def told(where: str) -> Examination:
    """No machine sees this: it is told where to look."""

    def examine(_: Site) -> Finding:
        return Finding(State.TOLD, where)

    return examine


def states(*properties: NamedNode) -> Examination:
    """The description of the dataset has one of these properties."""

    def examine(site: Site) -> Finding:
        for of_one in properties:
            if values := site.values(of_one):
                return met(f"{short(of_one)} {values[0].value}"[:160])
        return missing("the dataset's description has none of " + ", ".join(map(short, properties)))

    return examine


def states_all(*properties: NamedNode) -> Examination:
    """The description of the dataset has each of these properties."""

    def examine(site: Site) -> Finding:
        absent = [short(of_one) for of_one in properties if not site.values(of_one)]
        present = ", ".join(map(short, properties))
        return missing(f"the dataset's description lacks {', '.join(absent)}") if absent else met(present)

    return examine


def either(*examinations: Examination) -> Examination:
    """One of several ways is enough."""

    def examine(site: Site) -> Finding:
        findings = [one(site) for one in examinations]
        good = next((f for f in findings if f.state is not State.MISSING), None)
        return good or missing("; ".join(f.evidence for f in findings))

    return examine


def short(term: NamedNode) -> str:
    """The last part of an IRI."""
    return term.value.replace("#", "/").rstrip("/").rpartition("/")[2]
