"""Conclusions of the curator with their reasons, and assessments of the statements of sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

from pyoxigraph import Literal, NamedNode, Store

from citygraph.rdf.terms import CG, CURATION_GRAPH, RDF

Triple = tuple[str, str, str]  # the values of subject, predicate and object
_Properties = Mapping[str, list[NamedNode | Literal]]

_MOST = 20_000  # conclusions, and assessments
_TRIPLE = (RDF("subject").value, RDF("predicate").value, RDF("object").value)


@dataclass(frozen=True)
class Conclusion:
    """A conclusion of the curator: the reasons and the evidence for a triple."""

    iri: str
    reasons: tuple[Literal, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Assessment:
    """The curator's verdict on a statement, such as "outdated"; it applies to all sources if `stated_in` is empty."""

    iri: str
    verdict: str
    reasons: tuple[Literal, ...]
    stated_in: frozenset[str]


def read_conclusions(store: Store) -> dict[Triple, Conclusion]:
    """Returns the curator's conclusions, by the concluded triple."""
    return {
        triple: Conclusion(iri, _reasons(properties), _iris(properties, "evidence"))
        for iri, properties in _described(store, "Conclusion")
        for triple in _triples(properties)
    }


def read_assessments(store: Store) -> dict[Triple, tuple[Assessment, ...]]:
    """Returns the curator's assessments of statements, by the assessed triple."""
    by_triple: defaultdict[Triple, list[Assessment]] = defaultdict(list)
    for iri, properties in _described(store, "Assessment"):
        for statement, verdict in product(_iris(properties, "assesses"), _iris(properties, "verdict")):
            stated = _properties(store, NamedNode(statement))
            sources = frozenset(_iris(stated, "statedIn"))
            for triple in _triples(stated):
                by_triple[triple].append(Assessment(iri, verdict, _reasons(properties), sources))
    return {triple: tuple(sorted(notes, key=lambda one: one.iri)) for triple, notes in by_triple.items()}


def _described(store: Store, class_: str) -> Iterator[tuple[str, _Properties]]:
    quads = store.quads_for_pattern(None, RDF("type"), CG(class_), CURATION_GRAPH)
    for quad in islice(quads, _MOST):
        if isinstance(quad.subject, NamedNode):
            yield quad.subject.value, _properties(store, quad.subject)


def _properties(store: Store, subject: NamedNode) -> _Properties:
    properties: defaultdict[str, list[NamedNode | Literal]] = defaultdict(list)
    for quad in store.quads_for_pattern(subject, None, None, CURATION_GRAPH):
        if isinstance(quad.object, NamedNode | Literal):
            properties[quad.predicate.value].append(quad.object)
    return properties


def _reasons(properties: _Properties) -> tuple[Literal, ...]:
    return tuple(term for term in properties.get(CG("reason").value, ()) if isinstance(term, Literal))


def _iris(properties: _Properties, name: str) -> tuple[str, ...]:
    return tuple(term.value for term in properties.get(CG(name).value, ()))


def _triples(properties: _Properties) -> Iterator[Triple]:
    subjects, predicates, objects = ([term.value for term in properties.get(name, ())] for name in _TRIPLE)
    yield from product(subjects, predicates, objects)
