"""The ontology of a release as values: its classes, properties and concepts, and what is said of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import Literal, NamedNode, Store

from citygraph.labels import LABEL_PROPERTIES, Label, choose, last_segment
from citygraph.terms import OWL, RDF, RDFS, SCHEMA, SKOS

_RANGES = (RDFS("range").value, SCHEMA("rangeIncludes").value)
_DOMAINS = (RDFS("domain").value, SCHEMA("domainIncludes").value)
_PROPERTIES = {OWL("ObjectProperty").value, OWL("DatatypeProperty").value, OWL("AnnotationProperty").value,
               RDF("Property").value}  # fmt: skip
_CLASSES = {OWL("Class").value, RDFS("Class").value}


@dataclass(frozen=True)
class VocabularyTerm:
    """A term and its statements: values by property, as they stand in the graph."""

    iri: str
    statements: Mapping[str, tuple[NamedNode | Literal, ...]]

    @property
    def name(self) -> str:
        """The name after the hash or slash."""
        return last_segment(self.iri)

    def iris(self, *properties: str) -> tuple[str, ...]:
        """The IRIs that stand as values of these properties."""
        values = (v for p in properties for v in self.statements.get(p, ()))
        return tuple(v.value for v in values if isinstance(v, NamedNode))

    def text(self, language: str, *properties: str) -> Label | None:
        """The text of the first of these properties that has one, in the reader's language if possible."""
        for of_one in properties:
            found = choose((v for v in self.statements.get(of_one, ()) if isinstance(v, Literal)), language)
            if found:
                return found
        return None

    def label(self, language: str) -> Label:
        """The term's name for a reader."""
        properties = (p.value for p in LABEL_PROPERTIES)
        return self.text(language, *properties) or Label(self.name, "")

    @property
    def types(self) -> tuple[str, ...]:
        """The classes of the term."""
        return self.iris(RDF("type").value)

    @property
    def ranges(self) -> tuple[str, ...]:
        """What the values of the property are."""
        return self.iris(*_RANGES)

    @property
    def domains(self) -> tuple[str, ...]:
        """What the property is said of."""
        return self.iris(*_DOMAINS)

    @property
    def above(self) -> tuple[str, ...]:
        """The broader properties, or classes."""
        return self.iris(RDFS("subPropertyOf").value, RDFS("subClassOf").value)

    @property
    def is_property(self) -> bool:
        """Whether the term is a property."""
        return not _PROPERTIES.isdisjoint(self.types)

    @property
    def is_class(self) -> bool:
        """Whether the term is a class."""
        return not _CLASSES.isdisjoint(self.types)

    @property
    def is_functional(self) -> bool:
        """Whether an entity has one value at most, so that two show that sources differ."""
        return OWL("FunctionalProperty").value in self.types

    @property
    def is_object_property(self) -> bool:
        """Whether values are things rather than literals."""
        return OWL("ObjectProperty").value in self.types


class Vocabulary:
    """The terms of one graph, by IRI."""

    def __init__(self, store: Store, graph: NamedNode) -> None:
        found: dict[str, dict[str, list[NamedNode | Literal]]] = {}
        for quad in store.quads_for_pattern(None, None, None, graph):
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode | Literal):
                values = found.setdefault(quad.subject.value, {}).setdefault(quad.predicate.value, [])
                values.append(quad.object)
        self.terms: dict[str, VocabularyTerm] = {
            iri: VocabularyTerm(iri, {p: tuple(sorted(vs, key=str)) for p, vs in found[iri].items()})
            for iri in sorted(found)
        }

    def get(self, iri: str) -> VocabularyTerm | None:
        """The term of that IRI, if the graph speaks of it."""
        return self.terms.get(iri)

    @cached_property
    def classes(self) -> tuple[VocabularyTerm, ...]:
        """The classes, by name."""
        return tuple(t for t in self.terms.values() if t.is_class)

    @cached_property
    def properties(self) -> tuple[VocabularyTerm, ...]:
        """The properties, by name."""
        return tuple(t for t in self.terms.values() if t.is_property)

    @cached_property
    def schemes(self) -> tuple[VocabularyTerm, ...]:
        """The concept schemes, by name."""
        return tuple(t for t in self.terms.values() if SKOS("ConceptScheme").value in t.types)

    def concepts(self, scheme: str) -> tuple[VocabularyTerm, ...]:
        """The concepts of a scheme, by name."""
        in_scheme = SKOS("inScheme").value
        return tuple(t for t in self.terms.values() if scheme in t.iris(in_scheme))

    def broader_classes(self, iri: str) -> Iterator[str]:
        """A class and those above it, the nearest first."""
        waiting, seen = [iri], set()
        while waiting:
            one = waiting.pop(0)
            if one not in seen:
                seen.add(one)
                yield one
                term = self.terms.get(one)
                waiting.extend(term.iris(RDFS("subClassOf").value) if term else ())
