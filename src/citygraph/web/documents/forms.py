"""An entity's document in every RDF form: the same triples, with what the document says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple, serialize

from citygraph.describe import Description, Statements, Value
from citygraph.formats import Format
from citygraph.jsonld import HYDRA, Context, frame
from citygraph.release import Release
from citygraph.terms import DATASET, DCTERMS, PREFIXES, RDF, VOID, XSD
from citygraph.web.documents.turtle import Turtle

LICENSE = NamedNode("https://creativecommons.org/publicdomain/zero/1.0/")
_FOAF = PREFIXES["foaf"]
_PRIMARY_TOPIC = _FOAF + "primaryTopic"
_DERIVED_FROM = PREFIXES["prov"] + "wasDerivedFrom"
_TOTAL = HYDRA + "totalItems"
_WITH_PREFIXES = {"ttl", "trig"}


@dataclass(frozen=True)
class Document:
    """A description as it is served: `iri` is the document's own name, `said` what it says of itself."""

    iri: str
    description: Description
    said: tuple[Statements, ...]

    @property
    def about(self) -> tuple[Triple, ...]:
        """What the document says of itself, as triples."""
        say = NamedNode(self.iri)
        return tuple(Triple(say, NamedNode(s.predicate), value.term) for s in self.said for value in s.values)


def document(iri: str, description: Description, release: Release) -> Document:
    """The document of a description: its topic, dataset, licence, date and the sources that it draws on.

    The first page is the document itself; a further page of incoming links is one of its own.
    """
    name = iri if description.page == 1 else f"{iri}?page={description.page}"
    type_, *rest = _always(release.manifest.created)
    said = [
        type_,
        _one(_PRIMARY_TOPIC, NamedNode(description.iri)),
        *rest,
        _one(_TOTAL, Literal(description.incoming_count)),
    ]
    sources = tuple([Value(NamedNode(source), ()) for source in description.sources()])
    if sources:
        said.append(Statements(_DERIVED_FROM, sources))
    if description.page < description.pages:
        said.append(_one(HYDRA + "next", NamedNode(f"{iri}?page={description.page + 1}")))
    return Document(name, description, tuple(said))


class Writer:
    """Writes documents in the RDF forms, with one context for JSON-LD."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._turtle = Turtle()

    def write(self, doc: Document, format_: Format, context_url: str) -> bytes:
        """The document in one of the forms; `context_url` is where this server has the JSON-LD context."""
        if format_.name == "ttl":
            return self._turtle.write(doc.description, doc.iri, doc.said)
        if format_.name == "jsonld":
            return _json_ld(doc, self._context, context_url)
        if format_.name in _WITH_GRAPHS:
            quads = [*doc.description.quads(), *(Quad(*triple) for triple in doc.about)]
            return _written(_WITH_GRAPHS[format_.name](quads), format_)
        return _written([*doc.description.triples(), *doc.about], format_)


def has_graphs(format_: Format) -> bool:
    """Whether the format says who states what."""
    return format_.name in _WITH_GRAPHS


def write_graph(quads: Iterable[Quad], format_: Format) -> bytes:
    """A whole graph in one of the RDF forms, by subject."""
    ordered = sorted(quads, key=lambda q: (str(q.subject), q.predicate != RDF("type"), str(q.predicate), str(q.object)))
    if format_.name in _WITH_GRAPHS:
        return _written(ordered, format_)
    return _written([quad.triple for quad in ordered], format_)


def used_prefixes(terms: Iterable[Triple | Quad]) -> dict[str, str]:
    """The prefixes of those namespaces that occur, in our usual order."""
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
    used = {_namespace(iri) for iri in iris}
    return {name: namespace for name, namespace in PREFIXES.items() if namespace in used}


def _written(statements: list[Triple] | list[Quad], format_: Format) -> bytes:
    if format_.rdf is None:
        raise ValueError(f"{format_.name} is no form of RDF")
    prefixes = used_prefixes(statements)
    written = serialize(statements, format=format_.rdf, prefixes=prefixes) or b""
    if format_.name not in _WITH_PREFIXES:
        return written
    # pyoxigraph writes the prefixes in the order of a hash table; a strong ETag promises the same bytes always.
    body = written.split(b"\n", len(prefixes))[-1]
    return _head(prefixes) + b"\n" + body


def _head(prefixes: dict[str, str]) -> bytes:
    return "".join(f"@prefix {name}: <{namespace}> .\n" for name, namespace in prefixes.items()).encode()


def _by_graph(quads: list[Quad]) -> list[Quad]:
    """Quads grouped by graph, the default graph first; in a graph the order stays."""
    return sorted(
        dict.fromkeys(quads), key=lambda q: "" if isinstance(q.graph_name, DefaultGraph) else str(q.graph_name)
    )


def _as_they_come(quads: list[Quad]) -> list[Quad]:
    return list(dict.fromkeys(quads))


_WITH_GRAPHS: dict[str, Callable[[list[Quad]], list[Quad]]] = {"trig": _by_graph, "nq": _as_they_come}


def _json_ld(doc: Document, context: Context, context_url: str) -> bytes:
    # @base is not taken from a remote context (JSON-LD 1.1, 4.1.3), so it stands in the document.
    head = {"@context": [context_url, {"@base": context.base}]}
    framed = frame(doc.description, doc.about, context)
    return (json.dumps({**head, **framed}, ensure_ascii=False, indent=2) + "\n").encode()


@lru_cache(64)
def _always(created: str) -> tuple[Statements, ...]:
    """What every document of a release says of itself."""
    return (
        _one(RDF("type").value, NamedNode(_FOAF + "Document")),
        _one(VOID("inDataset").value, DATASET),
        _one(DCTERMS("license").value, LICENSE),
        _one(DCTERMS("modified").value, Literal(created, datatype=XSD("dateTime"))),
    )


def _one(predicate: str, term: NamedNode | Literal) -> Statements:
    return Statements(predicate, (Value(term, ()),))


def _namespace(iri: str) -> str:
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]
