"""The document of an entity in every RDF format: equal triples, with metadata of the document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple, serialize

from citygraph.graph.description import Description, Statements, Value
from citygraph.graph.jsonld import HYDRA, Context, frame
from citygraph.graph.labels import StatedLabel
from citygraph.rdf.formats import Format
from citygraph.rdf.terms import DATASET, DCTERMS, LICENSE, PREFIXES, RDF, VOID, XSD, namespace, split_iri
from citygraph.release.releases import Release

_FOAF = PREFIXES["foaf"]
_PRIMARY_TOPIC = _FOAF + "primaryTopic"
_DERIVED_FROM = PREFIXES["prov"] + "wasDerivedFrom"
_TOTAL = HYDRA + "totalItems"
_WITH_PREFIXES = {"ttl", "trig"}


class Document(NamedTuple):
    """A description for a response, with the IRI of the document and its own metadata."""

    iri: str
    description: Description
    metadata: tuple[Statements, ...]

    @property
    def about(self) -> tuple[Triple, ...]:
        """The metadata as triples about the document."""
        node = NamedNode(self.iri)
        return tuple(Triple(node, NamedNode(s.predicate), value.term) for s in self.metadata for value in s.values)


def document(iri: str, description: Description, release: Release) -> Document:
    """Returns the document of a description, with topic, dataset, licence, date and sources.

    Each further page of incoming links is a document with its own IRI.
    """
    name = iri if description.page == 1 else f"{iri}?page={description.page}"
    type_, *rest = _always(release.manifest.created)
    metadata = [
        type_,
        _one(_PRIMARY_TOPIC, NamedNode(description.iri)),
        *rest,
        _one(_TOTAL, Literal(description.incoming_count)),
    ]
    sources = tuple([Value(NamedNode(source), ()) for source in description.sources])
    if sources:
        metadata.append(Statements(_DERIVED_FROM, sources))
    if description.page < description.pages:
        metadata.append(_one(HYDRA + "next", NamedNode(f"{iri}?page={description.page + 1}")))
    return Document(name, description, tuple(metadata))


class DocumentWriter:
    """A writer of documents in the RDF formats, with one context for JSON-LD."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turtle = Turtle()

    def write(self, doc: Document, format_: Format, context_url: str) -> bytes:
        """Returns the document in a format; `context_url` is the address of the JSON-LD context at this server."""
        if format_.name == "ttl":
            return self._turtle.write(doc.description, doc.iri, doc.metadata)
        if format_.name == "jsonld":
            return _json_ld(doc, self._context, context_url)
        if format_.name in _WITH_GRAPHS:
            quads = [*doc.description.quads(), *(Quad(*triple) for triple in doc.about)]
            return _serialize(_WITH_GRAPHS[format_.name](quads), format_)
        return _serialize([*doc.description.triples(), *doc.about], format_)


def has_graphs(format_: Format) -> bool:
    """Returns whether the format can express which graph states a triple."""
    return format_.name in _WITH_GRAPHS


def write_graph(quads: Iterable[Quad], format_: Format) -> bytes:
    """Returns a whole graph in one of the RDF formats, sorted by subject."""
    ordered = sorted(quads, key=lambda q: (str(q.subject), q.predicate != RDF("type"), str(q.predicate), str(q.object)))
    if format_.name in _WITH_GRAPHS:
        return _serialize(ordered, format_)
    return _serialize([quad.triple for quad in ordered], format_)


def used_prefixes(terms: Iterable[Triple | Quad]) -> dict[str, str]:
    """Returns the prefixes of the occurring namespaces, in the order of PREFIXES."""
    iris: set[str] = set()
    for triple in terms:
        iris.add(triple.predicate.value)
        for term in (triple.subject, triple.object):
            if isinstance(term, NamedNode):
                iris.add(term.value)
            elif isinstance(term, Literal):
                iris.add(term.datatype.value)
        if isinstance(triple, Quad) and isinstance(triple.graph_name, NamedNode):
            iris.add(triple.graph_name.value)
    used = {namespace(iri) for iri in iris}
    return {name: namespace for name, namespace in PREFIXES.items() if namespace in used}


def _serialize(statements: list[Triple] | list[Quad], format_: Format) -> bytes:
    if format_.rdf is None:
        raise ValueError(f"{format_.name} is not an RDF format")
    prefixes = used_prefixes(statements)
    body_with_prefixes = serialize(statements, format=format_.rdf, prefixes=prefixes) or b""
    if format_.name not in _WITH_PREFIXES:
        return body_with_prefixes
    # pyoxigraph writes the prefixes in the order of a hash table, but a strong ETag requires equal bytes.
    body = body_with_prefixes.split(b"\n", len(prefixes))[-1]
    return _head(prefixes) + b"\n" + body


def _head(prefixes: dict[str, str]) -> bytes:
    return "".join(f"@prefix {name}: <{namespace}> .\n" for name, namespace in prefixes.items()).encode()


def _by_graph(quads: list[Quad]) -> list[Quad]:
    """Returns the distinct quads by graph, the default graph first, without changing the order within a graph."""
    return sorted(
        dict.fromkeys(quads), key=lambda q: "" if isinstance(q.graph_name, DefaultGraph) else str(q.graph_name)
    )


def _as_they_come(quads: list[Quad]) -> list[Quad]:
    return list(dict.fromkeys(quads))


_WITH_GRAPHS: dict[str, Callable[[list[Quad]], list[Quad]]] = {"trig": _by_graph, "nq": _as_they_come}


def _json_ld(doc: Document, context: Context, context_url: str) -> bytes:
    # @base is not taken from a remote context (JSON-LD 1.1, section 4.1.3), so the document has it.
    head = {"@context": [context_url, {"@base": context.base}]}
    framed = frame(doc.description, doc.iri, doc.metadata, context)
    return (json.dumps({**head, **framed}, ensure_ascii=False, indent=2) + "\n").encode()


@lru_cache(64)
def _always(created: str) -> tuple[Statements, ...]:
    """Returns the metadata that all documents of a release have."""
    return (
        _one(RDF("type").value, NamedNode(_FOAF + "Document")),
        _one(VOID("inDataset").value, DATASET),
        _one(DCTERMS("license").value, LICENSE),
        _one(DCTERMS("modified").value, Literal(created, datatype=XSD("dateTime"))),
    )


def _one(predicate: str, term: NamedNode | Literal) -> Statements:
    return Statements(predicate, (Value(term, ()),))


_TYPE = RDF("type").value
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
# Literals that Turtle writes without quotes, in the form in which the store keeps them.
_BARE = {
    str(XSD("integer")): re.compile(r"[+-]?[0-9]+"),
    str(XSD("decimal")): re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    str(XSD("boolean")): re.compile(r"true|false"),
}
# A bound, because there may be more IRIs than memory.
_REMEMBERED = 100_000
_LONGEST = 1_000  # characters of a text that is kept


class Turtle:
    """A fast Turtle writer. It keeps how terms are written, because the same ones occur in many documents."""

    def __init__(self) -> None:
        # The prefix and the text of a term, by its form in N-Triples; of a property as a verb, by its IRI.
        self._texts: dict[str, tuple[str, str]] = {}
        self._labels: dict[str, tuple[frozenset[str], str]] = {}  # prefixes and line, by the IRI of the thing

    def write(self, description: Description, iri: str, metadata: Iterable[Statements]) -> bytes:
        """Returns the description and the metadata of the document as Turtle, with the prefixes that they need."""
        used: set[str] = set()
        lines: list[str] = []
        self._subject(description.iri, description.statements, used, lines)
        for node in description.nodes:
            self._subject(node.iri, node.statements, used, lines)
        thing = self._term(f"<{description.iri}>", used)
        for link in description.incoming:
            verb = self._verb(link.predicate, used)
            lines.extend([f"{self._term(str(subject), used)} {verb} {thing} ." for subject, _ in link.values])
        for named, labels in description.labels.items():
            prefixes, line = self._labels.get(named) or self._label_line(named, labels)
            used |= prefixes
            lines.append(line)
        self._subject(iri, metadata, used, lines)
        head = "".join([f"@prefix {name}: <{PREFIXES[name]}> .\n" for name in PREFIXES if name in used])
        return "\n".join([head, *lines, ""]).encode()

    def _subject(self, iri: str, statements: Iterable[Statements], used: set[str], lines: list[str]) -> None:
        parts = []
        for predicate, values in statements:
            if len(values) == 1:
                # Most properties have one value.
                objects = self._term(str(values[0][0]), used)
            else:
                objects = ", ".join([self._term(str(term), used) for term, _ in values])
            parts.append(f"{self._verb(predicate, used)} {objects}")
        if parts:
            lines.append(f"{self._term(f'<{iri}>', used)} " + " ;\n    ".join(parts) + " .")

    def _label_line(self, named: str, labels: Sequence[StatedLabel]) -> tuple[frozenset[str], str]:
        """Returns the statement of the labels of a thing, which are values of one property, and its prefixes."""
        used: set[str] = set()
        texts = ", ".join([str(label.literal) for label in labels])
        line = f"{self._term(f'<{named}>', used)} {self._verb(labels[0].predicate.value, used)} {texts} ."
        written = frozenset(used), line
        if len(line) <= _LONGEST:
            if len(self._labels) >= _REMEMBERED:
                self._labels.clear()
            self._labels[named] = written
        return written

    def _verb(self, predicate: str, used: set[str]) -> str:
        prefix, text = self._texts.get(predicate) or self._keep(predicate, f"<{predicate}>")
        used.add(prefix)
        return text

    def _term(self, text: str, used: set[str]) -> str:
        """Returns how a term is written that N-Triples writes like this."""
        # Blank nodes, plain texts, and texts in a language are the same in Turtle.
        if text[-1] != ">":
            return text
        prefix, text = self._texts.get(text) or self._keep(text, text)
        used.add(prefix)
        return text

    def _keep(self, key: str, text: str) -> tuple[str, str]:
        if key == _TYPE:
            kept = "", "a"
        elif text[0] == "<":
            kept = _shortened(text)
        else:
            kept = _typed(text)
        if len(text) <= _LONGEST:
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
            self._texts[key] = kept
        return kept


def _typed(text: str) -> tuple[str, str]:
    """Returns the prefix and the text of a literal with a datatype, as N-Triples writes it."""
    literal, _, datatype = text.rpartition("^^")
    bare = _BARE.get(datatype)
    if bare and bare.fullmatch(literal[1:-1]):
        return "", literal[1:-1]
    prefix, name = _shortened(datatype)
    return prefix, f"{literal}^^{name}"


def _shortened(iri: str) -> tuple[str, str]:
    """Returns the prefix and the prefixed name of an IRI in angle brackets; without a prefix, the IRI itself."""
    prefix, local = split_iri(iri[1:-1])
    name, hash_, fragment = local.partition("#")
    parts = [name, fragment] if hash_ else [name]
    if prefix and all(_LOCAL.fullmatch(part) for part in parts):
        return prefix, f"{prefix}:" + "\\#".join(parts)
    return "", iri
