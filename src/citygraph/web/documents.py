"""An entity's document in every RDF form: the same triples, with what the document says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Triple, serialize

from citygraph.describe import Description
from citygraph.formats import Format
from citygraph.jsonld import Context, frame
from citygraph.release import Release
from citygraph.terms import DATASET, DCTERMS, PREFIXES, RDF, VOID, XSD

LICENSE = NamedNode("https://creativecommons.org/publicdomain/zero/1.0/")
_FOAF = PREFIXES["foaf"]
_DERIVED_FROM = NamedNode(PREFIXES["prov"] + "wasDerivedFrom")
_WITH_PREFIXES = {"ttl", "trig"}
_HYDRA = "http://www.w3.org/ns/hydra/core#"


@dataclass(frozen=True)
class Document:
    """A description as it is served: `iri` is the document's own name, `about` what it says of itself."""

    iri: str
    description: Description
    about: tuple[Triple, ...]


def document(iri: str, description: Description, release: Release) -> Document:
    """The document of a description: its topic, dataset, licence, date and the sources that it draws on.

    The first page is the document itself; a further page of incoming links is one of its own.
    """
    name = iri if description.page == 1 else f"{iri}?page={description.page}"
    say = NamedNode(name)
    about = [
        Triple(say, RDF("type"), NamedNode(_FOAF + "Document")),
        Triple(say, NamedNode(_FOAF + "primaryTopic"), NamedNode(description.iri)),
        Triple(say, VOID("inDataset"), DATASET),
        Triple(say, DCTERMS("license"), LICENSE),
        Triple(say, DCTERMS("modified"), Literal(release.manifest.created, datatype=XSD("dateTime"))),
        Triple(say, NamedNode(_HYDRA + "totalItems"), Literal(description.incoming_count)),
        *(Triple(say, _DERIVED_FROM, NamedNode(source)) for source in description.sources()),
    ]
    if description.page < description.pages:
        following = NamedNode(f"{iri}?page={description.page + 1}")
        about.append(Triple(say, NamedNode(_HYDRA + "next"), following))
    return Document(name, description, tuple(about))


def write(doc: Document, format_: Format, context: Context, context_url: str) -> bytes:
    """The document in one of the RDF forms; `context_url` is where this server has the JSON-LD context."""
    if format_.name == "jsonld":
        return _json_ld(doc, context, context_url)
    if format_.name in _WITH_GRAPHS:
        quads = [*doc.description.quads(), *(Quad(*triple) for triple in doc.about)]
        return _written(_WITH_GRAPHS[format_.name](quads), format_)
    return _written([*doc.description.triples(), *doc.about], format_)


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


def _namespace(iri: str) -> str:
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]
