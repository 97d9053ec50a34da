"""The dataset described in the graph: VoID counts, partitions and linksets; the DCAT catalogue of what it offers.

What depends on the data alone stands here, and so in the digest. What only a published release knows (its name, time,
sizes and checksums) is said by `dataset.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store

from citygraph.formats import Kind, of_kind
from citygraph.products.lines import named_graphs
from citygraph.products.offers import DUMPS, Offer
from citygraph.terms import (
    BASE,
    CATALOG_GRAPH,
    DATASET,
    DCAT,
    DCTERMS,
    FORMATS,
    ID,
    ONTOLOGY_GRAPH,
    OWL,
    PREFIXES,
    RDF,
    SD,
    SHAPES_GRAPH,
    VOID,
    XSD,
    partition,
)

CATALOG = NamedNode(DATASET.value + "#catalog")
LICENSE = NamedNode("https://creativecommons.org/publicdomain/zero/1.0/")
_TEMPORAL = NamedNode(DATASET.value + "#temporal")
_TYPE = RDF("type")
_SAME = OWL("sameAs")
_IANA = "https://www.iana.org/assignments/media-types/"
_NOT_DATA = {ONTOLOGY_GRAPH, SHAPES_GRAPH}
_DATES = (
    (re.compile(r"-?[0-9]{4,}-[0-9]{2}-[0-9]{2}"), XSD("date")),
    (re.compile(r"-?[0-9]{4,}-[0-9]{2}"), XSD("gYearMonth")),
    (re.compile(r"-?[0-9]{4,}"), XSD("gYear")),
)
# When the ties were decided, signed, shown and met for: what the data cover. A city's founding is not covered.
_COVERED = "cg:councilActDate cg:protocolDate cg:attestedOn cg:startDate cg:endDate"
# The addresses that serve the data to programs: IRI below the base, English and Turkish title, what they conform to.
_SERVICES = (
    ("sparql", "SPARQL endpoint of citygraph", "citygraph SPARQL uç noktası",
     "http://www.w3.org/TR/sparql11-protocol/"),
    ("queries", "Stored queries of citygraph as an API", "API olarak citygraph kayıtlı sorguları",
     "https://spec.openapis.org/oas/v3.1.0"),
    ("reconcile", "Reconciliation of names with citygraph", "Adları citygraph ile eşleştirme",
     "https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/"),
)  # fmt: skip
_TARGETS = {
    PREFIXES["wd"]: ("wikidata", "Wikidata"),
    "https://sws.geonames.org/": ("geonames", "GeoNames"),
    "http://dbpedia.org/resource/": ("dbpedia", "DBpedia"),
}


@dataclass(frozen=True)
class Counts:
    """What SPARQL counts: in the default graph, but for `graphs`."""

    triples: int
    subjects: int
    entities: int
    classes: Counter[str] = field(default_factory=Counter)
    properties: Counter[str] = field(default_factory=Counter)
    graphs: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)  # owl:sameAs, by the name of what they lead to
    first: str = ""  # the earliest and the latest date covered, as exact as they are
    last: str = ""
    publishers: tuple[NamedNode, ...] = ()  # whom the files call the dataset's publisher


def data_graphs(store: Store) -> list[NamedNode]:
    """The named graphs whose merge is the default graph: all but the ontology's and the shapes', by name."""
    return [graph for graph in named_graphs(store) if graph not in _NOT_DATA]


def graph_counts(store: Store) -> dict[str, int]:
    """Quads in each named graph, by its IRI; a graph may be empty."""
    rows = _rows(store, "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    empty = {graph.value: 0 for graph in named_graphs(store)}
    return dict(sorted({**empty, **{graph: int(number) for graph, number in rows}}.items()))


def described(store: Store, tables: Sequence[Offer] = ()) -> list[Quad]:
    """What `describe` has written into a store."""
    return list(_statements(count(store), tables))


def describe(store: Store, tables: Sequence[Offer] = ()) -> list[Quad]:
    """Write the description of the store and of what is offered of it into the catalogue; answers what was written.

    The description counts itself: it is written on paper until its numbers are those of a store that has it.
    """
    counted = count(store)
    said = {quad.triple for quad in store.quads_for_pattern(None, None, None, CATALOG_GRAPH)}
    # What the files state already is counted already.
    total, description = counted, list(_statements(counted, tables))
    while True:
        new = [quad for quad in description if quad.triple not in said]
        total = _with(counted, new, store)
        again = list(_statements(total, tables))
        if again == description:
            break
        description = again
    store.extend(description)
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in description)
    return description


def count(store: Store) -> Counts:
    """Count by SPARQL: aggregates do not read the texts of terms, which takes ten times as long as the rest."""
    (totals,) = _rows(store, "SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?s) AS ?m) WHERE { ?s ?p ?o }")
    things = f'FILTER(STRSTARTS(STR(?s), "{ID}") && !CONTAINS(STR(?s), "#"))'
    ((entities,),) = _rows(store, f"SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE {{ ?s a ?class . {things} }}")
    dates = f"VALUES ?p {{ {_COVERED} }} ?s ?p ?d BIND(STR(?d) AS ?date)"
    (covered,) = _rows(store, f"SELECT (MIN(?date) AS ?a) (MAX(?date) AS ?z) WHERE {{ {dates} }}")
    links = store.quads_for_pattern(None, _SAME, None, DefaultGraph())
    return Counts(
        triples=int(totals[0]),
        subjects=int(totals[1]),
        entities=int(entities),
        classes=_numbers(store, "SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c FILTER(isIRI(?c)) } GROUP BY ?c"),
        properties=_numbers(store, "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p"),
        graphs=Counter({CATALOG_GRAPH.value: 0, **graph_counts(store)}),
        links=Counter(name for quad in links if (name := linkset_of(quad))),
        first=covered[0],
        last=covered[1],
        publishers=tuple(_publishers(store)),
    )


def linkset_of(quad: Quad) -> str:
    """The name of the linkset to which a statement belongs: "wikidata"; empty for what is no link."""
    if quad.predicate != _SAME or not isinstance(quad.object, NamedNode):
        return ""
    return next((name for space, (name, _) in _TARGETS.items() if quad.object.value.startswith(space)), "")


def of_graph(graph: NamedNode, number: int) -> Iterator[Quad]:
    """The statements about a named graph that has so many quads."""
    yield _say(graph, _TYPE, SD("NamedGraph"))
    yield _say(graph, _TYPE, VOID("Dataset"))
    yield _say(graph, SD("name"), graph)
    yield _say(graph, VOID("triples"), number)
    yield _say(DATASET, SD("namedGraph"), graph)
    yield _say(DATASET, VOID("subset"), graph)


def of_linkset(name: str, number: int) -> Iterator[Quad]:
    """The statements about the links into another dataset."""
    links, target = (NamedNode(f"{DATASET.value}#{part}{name}") for part in ("links-to-", "target-"))
    space, title = next((space, title) for space, (known, title) in _TARGETS.items() if known == name)
    yield _say(DATASET, VOID("subset"), links)
    yield _say(links, _TYPE, VOID("Linkset"))
    yield _say(links, VOID("subjectsTarget"), DATASET)
    yield _say(links, VOID("objectsTarget"), target)
    yield _say(links, VOID("linkPredicate"), _SAME)
    yield _say(links, VOID("triples"), number)
    yield _say(target, _TYPE, VOID("Dataset"))
    yield _say(target, DCTERMS("title"), Literal(title, language="en"))
    yield _say(target, VOID("uriSpace"), space)


def _statements(counts: Counts, tables: Sequence[Offer]) -> Iterator[Quad]:
    for graph, number in sorted(counts.graphs.items()):
        yield from of_graph(NamedNode(graph), number)
    yield from _of_dataset(counts)
    yield from _of_partitions(counts)
    for name, number in sorted(counts.links.items()):
        yield from of_linkset(name, number)
    yield from _of_catalog(counts.publishers)
    for offer in (*DUMPS, *tables):
        yield from _of_distribution(offer)


def _of_dataset(counts: Counts) -> Iterator[Quad]:
    yield _say(DATASET, VOID("triples"), counts.triples)
    yield _say(DATASET, VOID("entities"), counts.entities)
    yield _say(DATASET, VOID("distinctSubjects"), counts.subjects)
    yield _say(DATASET, VOID("classes"), len(counts.classes))
    yield _say(DATASET, VOID("properties"), len(counts.properties))
    yield _say(DATASET, VOID("uriSpace"), BASE)
    yield _say(DATASET, VOID("sparqlEndpoint"), NamedNode(BASE + "sparql"))
    for dump in DUMPS:
        yield _say(DATASET, VOID("dataDump"), NamedNode(dump.address))
    for space in sorted({namespace(iri) for iri in (*counts.classes, *counts.properties)}):
        yield _say(DATASET, VOID("vocabulary"), NamedNode(space))
    for format_ in of_kind(Kind.GRAPH):
        if format_.iri:
            yield _say(DATASET, VOID("feature"), FORMATS(format_.iri))
    if counts.first:
        yield _say(DATASET, DCTERMS("temporal"), _TEMPORAL)
        yield _say(_TEMPORAL, _TYPE, DCTERMS("PeriodOfTime"))
        yield _say(_TEMPORAL, DCAT("startDate"), _date(counts.first))
        yield _say(_TEMPORAL, DCAT("endDate"), _date(counts.last))


def _of_partitions(counts: Counts) -> Iterator[Quad]:
    for kind, term, numbers in (("class", "entities", counts.classes), ("property", "triples", counts.properties)):
        for member, number in sorted(numbers.items()):
            part = partition(kind, member)
            yield _say(DATASET, VOID(kind + "Partition"), part)
            yield _say(part, _TYPE, VOID("Dataset"))
            yield _say(part, VOID(kind), NamedNode(member))
            yield _say(part, VOID(term), number)


def _of_catalog(publishers: Iterable[NamedNode]) -> Iterator[Quad]:
    yield _say(CATALOG, _TYPE, DCAT("Catalog"))
    yield _say(CATALOG, DCTERMS("title"), Literal("Catalogue of citygraph", language="en"))
    yield _say(CATALOG, DCTERMS("title"), Literal("citygraph kataloğu", language="tr"))
    about_en = "The dataset of city diplomacy, its dumps, tables and services."
    yield _say(CATALOG, DCTERMS("description"), Literal(about_en, language="en"))
    about_tr = "Şehir diplomasisi veri kümesi; dökümleri, tabloları ve hizmetleri."
    yield _say(CATALOG, DCTERMS("description"), Literal(about_tr, language="tr"))
    for publisher in publishers:
        yield _say(CATALOG, DCTERMS("publisher"), publisher)
    yield _say(CATALOG, DCTERMS("license"), LICENSE)
    yield _say(CATALOG, DCAT("dataset"), DATASET)
    yield _say(DATASET, DCTERMS("conformsTo"), NamedNode(BASE + "ontology"))
    yield _say(DATASET, DCTERMS("conformsTo"), SHAPES_GRAPH)
    for path, english, turkish, standard in _SERVICES:
        service = NamedNode(BASE + path)
        yield _say(CATALOG, DCAT("service"), service)
        yield _say(service, _TYPE, DCAT("DataService"))
        yield _say(service, DCTERMS("title"), Literal(english, language="en"))
        yield _say(service, DCTERMS("title"), Literal(turkish, language="tr"))
        yield _say(service, DCTERMS("license"), LICENSE)
        yield _say(service, DCTERMS("conformsTo"), NamedNode(standard))
        yield _say(service, DCAT("endpointURL"), service)
        yield _say(service, DCAT("servesDataset"), DATASET)


def _of_distribution(offer: Offer) -> Iterator[Quad]:
    node = distribution(offer)
    yield _say(DATASET, DCAT("distribution"), node)
    yield _say(node, _TYPE, DCAT("Distribution"))
    yield _say(node, DCTERMS("title"), Literal(offer.title_en, language="en"))
    yield _say(node, DCTERMS("title"), Literal(offer.title_tr, language="tr"))
    yield _say(node, DCTERMS("license"), LICENSE)
    yield _say(node, DCAT("accessURL"), DATASET)
    yield _say(node, DCAT("downloadURL"), NamedNode(offer.address))
    yield _say(node, DCAT("mediaType"), NamedNode(_IANA + offer.media_type))
    if offer.packed:
        yield _say(node, DCAT("compressFormat"), NamedNode(_IANA + "application/gzip"))
    if offer.format_iri:
        yield _say(node, DCTERMS("format"), FORMATS(offer.format_iri))


def distribution(offer: Offer) -> NamedNode:
    """The name of a file as dcat:Distribution."""
    return NamedNode(f"{DATASET.value}#{offer.name}")


def namespace(iri: str) -> str:
    """The IRI without its local name; of one such as urn:isbn:0 what ends with the last colon."""
    return iri[: (max(iri.rfind("#"), iri.rfind("/")) + 1) or iri.rfind(":") + 1]


def _with(counts: Counts, new: Iterable[Quad], store: Store) -> Counts:
    """The counts once these statements of the catalogue are in the store too."""
    triples = {quad.triple for quad in new if Quad(quad.subject, quad.predicate, quad.object) not in store}
    subjects = {triple.subject for triple in triples}
    fresh = [s for s in subjects if next(store.quads_for_pattern(s, None, None, DefaultGraph()), None) is None]
    types = Counter(t.object.value for t in triples if t.predicate == _TYPE and isinstance(t.object, NamedNode))
    in_catalog = len({quad.triple for quad in new})
    return replace(
        counts,
        triples=counts.triples + len(triples),
        subjects=counts.subjects + len(fresh),
        classes=counts.classes + types,
        properties=counts.properties + Counter(triple.predicate.value for triple in triples),
        graphs=Counter({**counts.graphs, CATALOG_GRAPH.value: counts.graphs[CATALOG_GRAPH.value] + in_catalog}),
    )


def _numbers(store: Store, query: str) -> Counter[str]:
    return Counter({name: int(number) for name, number in _rows(store, query)})


def _publishers(store: Store) -> list[NamedNode]:
    said = store.quads_for_pattern(DATASET, DCTERMS("publisher"), None, DefaultGraph())
    return sorted((q.object for q in said if isinstance(q.object, NamedNode)), key=lambda node: node.value)


def _rows(store: Store, query: str) -> list[list[str]]:
    solutions = store.query(query, prefixes=PREFIXES)
    assert isinstance(solutions, QuerySolutions)  # noqa: S101 - the queries of this module are SELECTs
    return [[getattr(term, "value", "") for term in row] for row in solutions]


def _date(text: str) -> Literal:
    # What is no date is told by the shapes, which see it after this.
    fitting = (Literal(text, datatype=kind) for pattern, kind in _DATES if pattern.fullmatch(text))
    return next(fitting, Literal(text))


def _say(subject: NamedNode, predicate: NamedNode, value: NamedNode | int | str | Literal) -> Quad:
    term = value if isinstance(value, NamedNode | Literal) else Literal(value)
    return Quad(subject, predicate, term, CATALOG_GRAPH)
