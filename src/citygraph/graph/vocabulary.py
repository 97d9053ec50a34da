"""The ontology of a release as values: classes, properties and concepts with their statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyoxigraph import Literal, NamedNode, Store

from citygraph.graph.labels import LABEL_PROPERTIES, Label, choose, last_segment
from citygraph.rdf.terms import CG, OWL, RDF, RDFS, SCHEMA, SH, SKOS, split_iri

# schema:rangeIncludes and schema:domainIncludes are used where several classes are possible, which rdfs:range would all
# require at once.
_RANGES = (RDFS("range").value, SCHEMA("rangeIncludes").value)
_DOMAINS = (RDFS("domain").value, SCHEMA("domainIncludes").value)
_PROPERTIES = {
    OWL("ObjectProperty").value,
    OWL("DatatypeProperty").value,
    OWL("AnnotationProperty").value,
    RDF("Property").value,
}
_CLASSES = {OWL("Class").value, RDFS("Class").value}
_SHAPES = {SH("NodeShape").value, SH("PropertyShape").value}
_SKOLEM = "/.well-known/genid/"  # a blank node of a file


@dataclass(frozen=True)
class VocabularyTerm:
    """A term of a vocabulary with its statements: values by property."""

    iri: str
    statements: Mapping[str, tuple[NamedNode | Literal, ...]]

    @property
    def name(self) -> str:
        """The local name, after the hash or slash."""
        return last_segment(self.iri)

    def iris(self, *properties: str) -> tuple[str, ...]:
        """Returns the IRIs among the values of these properties."""
        values = (v for p in properties for v in self.statements.get(p, ()))
        return tuple(v.value for v in values if isinstance(v, NamedNode))

    def text(self, language: str, *properties: str) -> Label | None:
        """Returns the text of the first of these properties that has one, in the reader's language if possible."""
        for property_ in properties:
            text = choose((v for v in self.statements.get(property_, ()) if isinstance(v, Literal)), language)
            if text:
                return text
        return None

    def label(self, language: str) -> Label:
        """Returns the term's label in a language, or its local name."""
        properties = (p.value for p in LABEL_PROPERTIES)
        return self.text(language, *properties) or Label(self.name, "")

    @property
    def types(self) -> tuple[str, ...]:
        """The classes that the term is an instance of."""
        return self.iris(RDF("type").value)

    @property
    def ranges(self) -> tuple[str, ...]:
        """The classes or datatypes of the property's values."""
        return self.iris(*_RANGES)

    @property
    def domains(self) -> tuple[str, ...]:
        """The classes whose members have the property."""
        return self.iris(*_DOMAINS)

    @property
    def above(self) -> tuple[str, ...]:
        """The direct super-properties or superclasses."""
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
    def is_of_instance(self) -> bool:
        """Whether an instance has added this class, property or shape."""
        is_described = self.is_class or self.is_property or not _SHAPES.isdisjoint(self.types)
        return is_described and not split_iri(self.iri)[0] and _SKOLEM not in self.iri

    @property
    def is_expected_once(self) -> bool:
        """Whether an entity has at most one true value, so that two values show that sources differ."""
        values = self.statements.get(CG("expectedOnce").value, ())
        return any(value.value in ("true", "1") for value in values)

    @property
    def is_object_property(self) -> bool:
        """Whether the values are resources rather than literals."""
        return OWL("ObjectProperty").value in self.types


class Vocabulary:
    """The terms of one named graph, by IRI."""

    def __init__(self, store: Store, graph: NamedNode) -> None:
        by_subject: dict[str, dict[str, list[NamedNode | Literal]]] = {}
        for quad in store.quads_for_pattern(None, None, None, graph):
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode | Literal):
                values = by_subject.setdefault(quad.subject.value, {}).setdefault(quad.predicate.value, [])
                values.append(quad.object)
        self.terms: dict[str, VocabularyTerm] = {
            # Sorted, because a store returns its quads in no lasting order.
            iri: VocabularyTerm(iri, {p: tuple(sorted(vs, key=str)) for p, vs in by_subject[iri].items()})
            for iri in sorted(by_subject)
        }

    def get(self, iri: str) -> VocabularyTerm | None:
        """Returns the term with this IRI; None if the graph does not describe it."""
        return self.terms.get(iri)

    def documented(self, namespace: str) -> list[VocabularyTerm]:
        """Returns the terms of a namespace, and the classes, properties and shapes that an instance adds to them.

        The terms of an instance are in its own namespace, which has no prefix here.
        """
        return [term for term in self.terms.values() if term.iri.startswith(namespace) or term.is_of_instance]

    @cached_property
    def classes(self) -> tuple[VocabularyTerm, ...]:
        """The classes, sorted by IRI."""
        return tuple(t for t in self.terms.values() if t.is_class)

    @cached_property
    def properties(self) -> tuple[VocabularyTerm, ...]:
        """The properties, sorted by IRI."""
        return tuple(t for t in self.terms.values() if t.is_property)

    @cached_property
    def schemes(self) -> tuple[VocabularyTerm, ...]:
        """The concept schemes, sorted by IRI."""
        return tuple(t for t in self.terms.values() if SKOS("ConceptScheme").value in t.types)

    def concepts(self, scheme: str) -> tuple[VocabularyTerm, ...]:
        """Returns the concepts of a scheme, sorted by IRI."""
        in_scheme = SKOS("inScheme").value
        return tuple(t for t in self.terms.values() if scheme in t.iris(in_scheme))

    def broader_classes(self, iri: str) -> Iterator[str]:
        """Yields a class and its superclasses, the nearest first."""
        waiting, visited = [iri], set()
        while waiting:
            one = waiting.pop(0)
            # A class may be below another by several ways, and nothing forbids a cycle of rdfs:subClassOf.
            if one not in visited:
                visited.add(one)
                yield one
                term = self.terms.get(one)
                waiting.extend(term.iris(RDFS("subClassOf").value) if term else ())
