"""The document of an entity in every RDF format: equal triples, with metadata of the document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, NamedTuple

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple, serialize

from citygraph.graph.description import Description, Statements, Term, Value
from citygraph.graph.jsonld import HYDRA, Context, frame
from citygraph.graph.labels import StatedLabel
from citygraph.rdf.formats import Format
from citygraph.rdf.terms import DATASET, DCTERMS, LICENSE, PREFIXES, RDF, VOID, XSD, namespace, split_iri
from citygraph.release.releases import Release

_FOAF = PREFIXES["foaf"]
_PRIMARY_TOPIC = _FOAF + "primaryTopic"
_DERIVED_FROM = PREFIXES["prov"] + "wasDerivedFrom"
_TOTAL = HYDRA + "totalItems"
_WITH_HEAD = {"ttl", "trig"}
_WITH_PREFIXES = {"rdf", *_WITH_HEAD}


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
    if format_.name not in _WITH_PREFIXES:
        return serialize(statements, format=format_.rdf) or b""
    prefixes = used_prefixes(statements)
    body_with_prefixes = serialize(statements, format=format_.rdf, prefixes=prefixes) or b""
    if format_.name not in _WITH_HEAD:
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
    return (_indented({**head, **framed}, "\n") + "\n").encode()


def _indented(value: Any, line: str) -> str:
    """Returns JSON with an indent of two, as json.dumps does in more time; `line` is a line break with the indent."""
    # Most values are texts.
    if isinstance(value, str):
        return encode_basestring(value)
    inner = line + "  "
    if isinstance(value, dict) and value:
        members = [f"{inner}{encode_basestring(name)}: {_indented(member, inner)}" for name, member in value.items()]
        return f"{{{','.join(members)}{line}}}"
    if isinstance(value, list) and value:
        return f"[{','.join([inner + _indented(member, inner) for member in value])}{line}]"
    return json.dumps(value)


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
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
# A local name that needs no other escape than that of a hash.
_LOCAL = re.compile(rf"{_NAME}(?:#{_NAME})?")
# Literals that Turtle writes without quotes, in the form in which the store keeps them.
_BARE = {
    str(XSD("integer")): re.compile(r"[+-]?[0-9]+"),
    str(XSD("decimal")): re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    str(XSD("boolean")): re.compile(r"true|false"),
}
# A bound, because there may be more IRIs than memory.
_REMEMBERED = 100_000
_LONGEST = 1_000  # characters of a text that is kept


_Text = tuple[str, str]  # the prefix and the text of a term
_END, _COMMA = ("", " .\n"), ("", ", ")


class Turtle:
    """A fast Turtle writer. It keeps how terms are written, because the same ones occur in many documents."""

    def __init__(self) -> None:
        # By the form of a term in N-Triples.
        self._terms = _Texts(_term)
        # By the IRI of a property, which follows the subject or a statement.
        self._first = _Texts(lambda predicate: _verb(predicate, " "))
        self._further = _Texts(lambda predicate: _verb(predicate, " ;\n    "))
        self._labels: dict[str, tuple[_Text, _Text, _Text]] = {}  # the statement, by the IRI of the thing

    def write(self, description: Description, iri: str, metadata: Sequence[Statements]) -> bytes:
        """Returns the description and the metadata of the document as Turtle, with the prefixes that they need."""
        texts: list[_Text] = []
        self._add_subject(description.iri, description.statements, texts)
        for node in description.nodes:
            self._add_subject(node.iri, node.statements, texts)
        thing = self._terms[f"<{description.iri}>"]
        for link in description.incoming:
            verb = self._first[link.predicate]
            for subject, _ in link.values:
                texts += self._object(subject), verb, thing, _END
        for named, labels in description.labels.items():
            texts += self._labels.get(named) or self._keep_labels(named, labels)
        self._add_subject(iri, metadata, texts)
        head = _head_of(frozenset(map(itemgetter(0), texts)))
        return "".join([head, *map(itemgetter(1), texts)]).encode()

    def _add_subject(self, iri: str, statements: Sequence[Statements], texts: list[_Text]) -> None:
        if not statements:
            return
        texts.append(self._terms[f"<{iri}>"])
        verbs = self._first
        for predicate, values in statements:
            texts += verbs[predicate], self._object(values[0][0])
            verbs = self._further
            # Most properties have one value.
            if len(values) > 1:
                for term, _ in values[1:]:
                    texts += _COMMA, self._object(term)
        texts.append(_END)

    def _object(self, term: Term) -> _Text:
        text = str(term)
        # Blank nodes, plain texts, and texts in a language are the same in Turtle.
        return self._terms[text] if text[-1] == ">" else ("", text)

    def _keep_labels(self, named: str, labels: Sequence[StatedLabel]) -> tuple[_Text, _Text, _Text]:
        """Returns the statement of the labels of a thing, which are values of one property."""
        texts = ", ".join([str(label.literal) for label in labels])
        statement = self._terms[f"<{named}>"], self._first[labels[0].predicate.value], ("", f"{texts} .\n")
        if len(texts) <= _LONGEST:
            if len(self._labels) >= _REMEMBERED:
                self._labels.clear()
            self._labels[named] = statement
        return statement


class _Texts(dict[str, _Text]):
    """Texts by key, which are made when they are first needed; those of long keys are not kept."""

    def __init__(self, make: Callable[[str], _Text]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> _Text:
        text = self._make(key)
        if len(key) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[key] = text
        return text


@lru_cache(1000)
def _head_of(prefixes: frozenset[str]) -> str:
    """Returns the declarations of prefixes, in the order of PREFIXES, and an empty line."""
    return "".join([f"@prefix {name}: <{PREFIXES[name]}> .\n" for name in PREFIXES if name in prefixes]) + "\n"


def _verb(predicate: str, before: str) -> _Text:
    """Returns the prefix and the text of a property, between `before` and a space."""
    prefix, name = ("", "a") if predicate == _TYPE else _shortened(f"<{predicate}>")
    return prefix, f"{before}{name} "


def _term(text: str) -> _Text:
    """Returns the prefix and the text of an IRI or a literal with a datatype, as N-Triples writes it."""
    return _shortened(text) if text[0] == "<" else _typed(text)


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
    if prefix and _LOCAL.fullmatch(local):
        return prefix, f"{prefix}:" + local.replace("#", "\\#")
    return "", iri
