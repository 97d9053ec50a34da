"""The dataset described in its own terms: named graphs, VoID counts and partitions, DCAT distributions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.formats import Kind, of_kind
from citygraph.terms import BASE, CATALOG_GRAPH, DATASET, DCAT, DCTERMS, ONTOLOGY_GRAPH, RDF, SD, SHAPES_GRAPH, VOID

_TYPE = RDF("type")
_ENDPOINT = NamedNode(BASE + "sparql")
_NOT_DATA = {ONTOLOGY_GRAPH, SHAPES_GRAPH}


def data_graphs(store: Store) -> list[NamedNode]:
    """The named graphs whose merge is the default graph: all but the ontology's and the shapes', by name."""
    graphs = (g for g in store.named_graphs() if isinstance(g, NamedNode) and g not in _NOT_DATA)
    return sorted(graphs, key=lambda graph: graph.value)


def graph_counts(store: Store) -> dict[str, int]:
    """Quads in each named graph, by its IRI."""
    graphs = sorted(g.value for g in store.named_graphs() if isinstance(g, NamedNode))
    return {graph: _count(store, NamedNode(graph)) for graph in graphs}


def describe(store: Store) -> list[Quad]:
    """Write the description of the store's graphs and counts into the catalog; answers what was written.

    The description counts itself. Its number of statements does not depend on the counts it states, so it is
    written once to learn which classes and properties there are and a second time with the final counts.
    """
    written: list[Quad] = []
    for _ in range(3):
        description = [*_of_graphs(store, written), *_of_dataset(store), *_of_distributions()]
        if description == written:
            break
        _replace(store, written, description)
        written = description
    return written


def _replace(store: Store, old: Iterable[Quad], new: Iterable[Quad]) -> None:
    for quad in old:
        store.remove(quad)
        store.remove(Quad(quad.subject, quad.predicate, quad.object))
    store.extend(new)
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in new)


def _of_graphs(store: Store, written: list[Quad]) -> Iterator[Quad]:
    graphs = {*store.named_graphs(), CATALOG_GRAPH} if not written else set(store.named_graphs())
    for graph in sorted((g for g in graphs if isinstance(g, NamedNode)), key=lambda g: g.value):
        yield _say(graph, _TYPE, SD("NamedGraph"))
        yield _say(graph, SD("name"), graph)
        yield _say(graph, VOID("triples"), _count(store, graph))
        yield _say(DATASET, SD("namedGraph"), graph)


def _of_dataset(store: Store) -> Iterator[Quad]:
    classes: Counter[NamedNode] = Counter()
    properties: Counter[NamedNode] = Counter()
    subjects = set()
    triples = 0
    for quad in store.quads_for_pattern(None, None, None, DefaultGraph()):
        triples += 1
        subjects.add(quad.subject)
        properties[quad.predicate] += 1
        if quad.predicate == _TYPE and isinstance(quad.object, NamedNode):
            classes[quad.object] += 1
    yield _say(DATASET, VOID("triples"), triples)
    yield _say(DATASET, VOID("distinctSubjects"), len(subjects))
    yield _say(DATASET, VOID("classes"), len(classes))
    yield _say(DATASET, VOID("properties"), len(properties))
    yield _say(DATASET, VOID("uriSpace"), BASE)
    for kind, term, count in (("class", "entities", classes), ("property", "triples", properties)):
        for member, number in sorted(count.items(), key=lambda item: item[0].value):
            part = NamedNode(f"{DATASET.value}#{kind}-{_fragment(member.value)}")
            yield _say(DATASET, VOID(kind + "Partition"), part)
            yield _say(part, _TYPE, VOID("Dataset"))
            yield _say(part, VOID(kind), member)
            yield _say(part, VOID(term), number)


def _of_distributions() -> Iterator[Quad]:
    yield _say(DATASET, VOID("sparqlEndpoint"), _ENDPOINT)
    yield _say(_ENDPOINT, _TYPE, DCAT("DataService"))
    yield _say(_ENDPOINT, DCTERMS("title"), Literal("SPARQL endpoint of citygraph", language="en"))
    yield _say(_ENDPOINT, DCTERMS("title"), Literal("citygraph SPARQL uç noktası", language="tr"))
    yield _say(_ENDPOINT, DCAT("endpointURL"), _ENDPOINT)
    yield _say(_ENDPOINT, DCAT("servesDataset"), DATASET)
    for format_ in of_kind(Kind.GRAPH):
        if format_.iri:
            yield _say(DATASET, VOID("feature"), NamedNode(f"http://www.w3.org/ns/formats/{format_.iri}"))


def _fragment(iri: str) -> str:
    """A name for a partition: the host's label tells homonyms of two vocabularies apart."""
    _, _, rest = iri.partition("://")
    return "".join(letter if letter.isalnum() else "-" for letter in rest)


def _count(store: Store, graph: NamedNode) -> int:
    return sum(1 for _ in store.quads_for_pattern(None, None, None, graph))


def _say(subject: NamedNode, predicate: NamedNode, value: NamedNode | int | str | Literal) -> Quad:
    term = value if isinstance(value, NamedNode | Literal) else Literal(value)
    return Quad(subject, predicate, term, CATALOG_GRAPH)
