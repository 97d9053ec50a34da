"""JSON-LD in the form that a person would write: compact keys, nested nodes, and the context that maps it to RDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import Description, Node, Statements, Term
from citygraph.graph.labels import StatedLabel
from citygraph.graph.vocabulary import Vocabulary
from citygraph.rdf.terms import CG, DCTERMS, GEO, OWL, PREFIXES, RDF, RDFS, SCHEMA, SKOS, VOID, XSD

HYDRA = "http://www.w3.org/ns/hydra/core#"
_ID = "@id"
_LANGUAGE = "@language"
_TYPE = RDF("type").value
_LANG_STRING = RDF("langString").value
_STRING, _BOOLEAN, _INTEGER = XSD("string").value, XSD("boolean").value, XSD("integer").value
_DATES = {XSD("date").value, XSD("gYear").value, XSD("gYearMonth").value}
# Whole numbers that every reader of JSON keeps exactly, as an IEEE 754 double does (RFC 8259, section 6).
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")

# Short names beyond our own terms: property, and how its values are written (see `Short`).
_STANDARD: dict[str, str | None] = {
    RDFS("label").value: _LANGUAGE,
    SKOS("altLabel").value: _LANGUAGE,
    SKOS("hiddenLabel").value: _LANGUAGE,
    SKOS("prefLabel").value: _LANGUAGE,
    SKOS("definition").value: _LANGUAGE,
    DCTERMS("title").value: _LANGUAGE,
    DCTERMS("publisher").value: _ID,
    DCTERMS("creator").value: _ID,
    DCTERMS("license").value: _ID,
    DCTERMS("modified").value: XSD("dateTime").value,
    DCTERMS("issued").value: XSD("date").value,
    DCTERMS("language").value: None,
    OWL("sameAs").value: _ID,
    SCHEMA("latitude").value: XSD("decimal").value,
    SCHEMA("longitude").value: XSD("decimal").value,
    GEO("hasGeometry").value: _ID,
    GEO("asWKT").value: GEO("wktLiteral").value,
    VOID("inDataset").value: _ID,
    SKOS("note").value: _LANGUAGE,
    SKOS("broader").value: _ID,
    SKOS("inScheme").value: _ID,
    RDFS("comment").value: _LANGUAGE,
    DCTERMS("description").value: _LANGUAGE,
    HYDRA + "totalItems": None,
    HYDRA + "next": _ID,
    PREFIXES["prov"] + "wasDerivedFrom": _ID,
    PREFIXES["foaf"] + "primaryTopic": _ID,
}
_PRIMARY_TOPIC = PREFIXES["foaf"] + "primaryTopic"
_DESCRIBED_BY = "describedBy"


@dataclass(frozen=True)
class Short:
    """A short name, and how its values are written: "@id", "@language" (a map), a datatype, or None for as is."""

    name: str
    coercion: str | None


@dataclass(frozen=True)
class Context:
    """A JSON-LD context: the mapping from names to IRIs."""

    base: str
    shorts: Mapping[str, Short]
    classes: Mapping[str, str]
    prefixes: Mapping[str, str] = field(default_factory=lambda: dict(PREFIXES))

    def document(self) -> dict[str, Any]:
        """Returns the content of `/context.jsonld`."""
        terms: dict[str, Any] = dict(self.prefixes)
        terms.update({name: iri for iri, name in self.classes.items()})
        for iri, short in self.shorts.items():
            container = {"@container": _LANGUAGE} if short.coercion == _LANGUAGE else {}
            coerced = {"@type": short.coercion} if short.coercion and not container else {}
            terms[short.name] = {_ID: iri, **container, **coerced}
        # The document points at the entity with foaf:primaryTopic; a reverse property lets the entity hold its
        # document.
        terms[_DESCRIBED_BY] = {"@reverse": _PRIMARY_TOPIC, "@type": _ID}
        return {"@context": {"@version": 1.1, **terms}}

    def key(self, predicate: str) -> str:
        """Returns the key of a property whose values do not fit its short name: a prefixed name, or the whole IRI."""
        cut = max(predicate.rfind("#"), predicate.rfind("/")) + 1
        prefix = self._by_namespace.get(predicate[:cut])
        return predicate if prefix is None else f"{prefix}:{predicate[cut:]}"

    @cached_property
    def _by_namespace(self) -> dict[str, str]:
        """The first prefix of each namespace."""
        return {namespace: prefix for prefix, namespace in reversed(list(self.prefixes.items()))}

    def reference(self, iri: str) -> str:
        """Returns an IRI as value of @id, relative to the base where possible."""
        relative = iri.removeprefix(self.base)
        # The relative reference must not look like an absolute IRI, a prefixed name or a network path.
        return relative if relative and ":" not in relative and not relative.startswith("/") else iri


def context_of(vocabulary: Vocabulary, base: str) -> Context:
    """Returns the context of an ontology. Its local names are the short names; standard terms get theirs if free."""
    own_classes = {t.iri: t.name for t in vocabulary.classes if t.iri.startswith(CG)}
    shorts = {
        t.iri: Short(t.name, _coercion(t.ranges, t.is_object_property))
        for t in vocabulary.properties
        if t.iri.startswith(CG)
    }
    names = {short.name for short in shorts.values()} | set(own_classes.values()) | set(PREFIXES)
    for iri, coercion in _STANDARD.items():
        name = iri.replace("#", "/").rpartition("/")[2]
        # A local name of the ontology wins over the same name of a standard vocabulary.
        if name not in names:
            shorts[iri] = Short(name, coercion)
            names.add(name)
    return Context(base, shorts, own_classes)


def frame(description: Description, document: str, metadata: Iterable[Statements], context: Context) -> dict[str, Any]:
    """Returns a description as one JSON object: the entity with linked and linking nodes nested inside.

    `document` is the IRI of the document, which `metadata` is about. The caller adds "@context".
    """
    return _Framer(description, context).whole(document, metadata)


def _coercion(ranges: Iterable[str], of_things: bool) -> str | None:
    if of_things:
        return _ID
    datatypes = set(ranges)
    if datatypes == {_LANG_STRING}:
        return _LANGUAGE
    # Of values that are known to the day, month or year, the day is the usual case; others are written in full.
    return XSD("date").value if datatypes and datatypes <= _DATES else None


class _Framer:
    """A writer that nests the nodes of one description. Each hash node is written in full once, at its first
    occurrence.
    """

    def __init__(self, description: Description, context: Context) -> None:
        self._description = description
        self._nodes = description.node_by_iri()
        self._context = context
        self._nested: set[str] = set()
        self._labelled: set[str] = set()  # the labels of a thing are written once

    def whole(self, document: str, metadata: Iterable[Statements]) -> dict[str, Any]:
        description = self._description
        result = {_ID: self._context.reference(description.iri), **self._properties(description.statements)}
        if description.iri in description.labels:
            result.update(self._labels(description.labels[description.iri]))
        reverse = {
            self._reverse_key(link.predicate): [self._thing(v.term) for v in link.values]
            for link in description.incoming
            if link.values
        }
        # Only now is known which hash nodes nothing has linked to.
        orphans = [self._node(node) for node in description.nodes if node.iri not in self._nested]
        if reverse:
            result["@reverse"] = reverse
        result[_DESCRIBED_BY] = self._document(document, metadata)
        if orphans:
            result["@included"] = orphans
        return result

    def _properties(self, statements: Iterable[Statements]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for statement in statements:
            self._put(result, statement.predicate, [value.term for value in statement.values])
        return result

    def _put(self, result: dict[str, Any], predicate: str, terms: list[Term]) -> None:
        """Writes the values of a property: those that fit its short name under it, others in full."""
        if predicate == _TYPE:
            ours_first = sorted((term.value for term in terms), key=lambda iri: not iri.startswith(CG))
            result["@type"] = _plain([self._class(iri) for iri in ours_first])
            return
        short = self._context.shorts.get(predicate)
        if short is None:
            result[self._context.key(predicate)] = _plain([self._full(term) for term in terms])
        elif short.coercion == _LANGUAGE:
            fitting = [term for term in terms if _fits(term, _LANGUAGE)]
            if fitting:
                result[short.name] = _language_map(fitting)
            # A language map cannot hold values without a language (JSON-LD 1.1, section 4.2.4).
            if len(fitting) < len(terms):
                others = [self._full(term) for term in terms if not _fits(term, _LANGUAGE)]
                result[self._context.key(predicate)] = _plain(others)
        else:
            values = [self._short(t) if _fits(t, short.coercion) else self._expanded_value(t) for t in terms]
            result[short.name] = _plain(values)

    def _short(self, term: Term) -> Any:
        if not isinstance(term, Literal):
            thing = self._thing(term)
            return thing[_ID] if len(thing) == 1 else thing
        native = _native(term)
        return term.value if native is None else native

    def _expanded_value(self, term: Term) -> Any:
        """Returns a value object with an explicit type, for a value of a datatype other than that of its short name."""
        full = self._full(term)
        return full if isinstance(full, dict) else {"@value": full}

    def _full(self, term: Term) -> Any:
        if not isinstance(term, Literal):
            return self._thing(term)
        if term.language:
            return {"@value": term.value, _LANGUAGE: term.language}
        if term.datatype.value == _STRING:
            return term.value
        native = _native(term)
        return {"@value": term.value, "@type": self._datatype(term)} if native is None else native

    def _datatype(self, term: Literal) -> str:
        return self._context.key(term.datatype.value)

    def _thing(self, term: Term) -> dict[str, Any]:
        """Returns a reference: a hash node in full, anything else with its labels."""
        iri = term.value if isinstance(term, NamedNode) else str(term)
        node = self._nodes.get(iri)
        if node and iri not in self._nested:
            return self._node(node)
        labels = () if iri in self._labelled else self._description.labels.get(iri, ())
        self._labelled.add(iri)
        return {_ID: self._context.reference(iri), **self._labels(labels)}

    def _node(self, node: Node) -> dict[str, Any]:
        # Before its properties are written: hash nodes may link to one another in a circle.
        self._nested.add(node.iri)
        return {_ID: self._context.reference(node.iri), **self._properties(node.statements)}

    def _labels(self, labels: Iterable[StatedLabel]) -> dict[str, Any]:
        by_predicate: dict[str, list[Term]] = {}
        for label in labels:
            by_predicate.setdefault(label.predicate.value, []).append(label.literal)
        result: dict[str, Any] = {}
        for predicate, literals in by_predicate.items():
            self._put(result, predicate, literals)
        return result

    def _document(self, iri: str, metadata: Iterable[Statements]) -> dict[str, Any]:
        stated = self._properties(one for one in metadata if one.predicate != _PRIMARY_TOPIC)
        return {_ID: self._context.reference(iri), **stated}

    def _class(self, iri: str) -> str:
        return self._context.classes.get(iri) or self._context.key(iri)

    def _reverse_key(self, predicate: str) -> str:
        short = self._context.shorts.get(predicate)
        return short.name if short and short.coercion == _ID else self._context.key(predicate)


def _fits(term: Term, coercion: str | None) -> bool:
    if not isinstance(term, Literal):
        return coercion == _ID
    if term.language:
        return coercion == _LANGUAGE
    datatype = term.datatype.value
    if coercion is None:
        return datatype == _STRING or _native(term) is not None
    return datatype == coercion


def _native(term: Literal) -> int | bool | None:
    """Returns the JSON number or boolean that denotes exactly this literal; otherwise None."""
    datatype = term.datatype.value
    if datatype == _BOOLEAN:
        return {"true": True, "false": False}.get(term.value)
    is_whole = datatype == _INTEGER and _WHOLE.fullmatch(term.value)
    return int(term.value) if is_whole else None


def _plain(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _language_map(terms: Iterable[Term]) -> dict[str, Any]:
    texts: dict[str, list[str]] = {}
    for term in terms:
        if isinstance(term, Literal):
            texts.setdefault(term.language or "", []).append(term.value)
    return {language: _plain(texts[language]) for language in sorted(texts)}
