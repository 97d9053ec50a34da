"""The description of the dataset in the graph: VoID counts, partitions and linksets, and the DCAT catalogue.

Everything here depends on the data alone, so that it can be part of the digest. `dataset.py` adds the facts of a
published release: its name, time, sizes and checksums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store

from citygraph.build.graph_files import NOT_DATA
from citygraph.catalogues import N_, of_instance
from citygraph.instance import VOCABULARY
from citygraph.rdf.formats import Kind, of_kind
from citygraph.rdf.nquads import named_graphs
from citygraph.rdf.partial_dates import date_literal
from citygraph.rdf.terms import (
    BASE,
    CATALOG_GRAPH,
    CG,
    DATASET,
    DCAT,
    DCTERMS,
    FORMATS,
    ID,
    LICENSE,
    OWL,
    PREFIXES,
    RDF,
    SD,
    SHAPES_GRAPH,
    SOURCE,
    VOID,
    namespace,
    partition,
)
from citygraph.release.outputs import DUMPS, OutputFile

CATALOG = NamedNode(DATASET.value + "#catalog")
_TEMPORAL = NamedNode(DATASET.value + "#temporal")
_TYPE = RDF("type")
SAME_AS = OWL("sameAs")
_IANA = "https://www.iana.org/assignments/media-types/"
# The dates that bound the period of the data: decisions, signatures, attestations, events. A city was founded long
# before, so that the date of its founding must not count.
COVERED = tuple(map(CG, ("councilActDate", "protocolDate", "attestedOn", "startDate", "endDate")))
# The services for programs: path below the base, title with the name of the site, specification.
_SERVICES = (
    ("sparql", N_("SPARQL endpoint of {name}"), "http://www.w3.org/TR/sparql11-protocol/"),
    ("queries", N_("Stored queries of {name} as an API"), "https://spec.openapis.org/oas/v3.1.0"),
    (
        "reconcile",
        N_("Reconciliation of names with {name}"),
        "https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/",
    ),
)
_TARGETS = {
    PREFIXES["wd"]: ("wikidata", "Wikidata"),
    "https://sws.geonames.org/": ("geonames", "GeoNames"),
    "http://dbpedia.org/resource/": ("dbpedia", "DBpedia"),
}


@dataclass(frozen=True)
class DatasetCounts:
    """Counts by SPARQL over the default graph; `graphs` counts the named graphs."""

    triples: int
    subjects: int
    entities: int
    classes: Counter[str] = field(default_factory=Counter)
    properties: Counter[str] = field(default_factory=Counter)
    graphs: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)  # owl:sameAs, by name of the target dataset
    first: str = ""  # the earliest and the latest date covered: a day, month or year
    last: str = ""
    publishers: tuple[NamedNode, ...] = ()


def data_graphs(store: Store) -> list[NamedNode]:
    """Returns the named graphs whose merge is the default graph: all but ontology and shapes, sorted by IRI."""
    return [graph for graph in named_graphs(store) if graph not in NOT_DATA]


def graph_counts(store: Store) -> dict[str, int]:
    """Returns the number of quads in each named graph by IRI; a graph may be empty."""
    rows = _rows(store, "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    # GROUP BY has no row for a graph without quads.
    empty = {graph.value: 0 for graph in named_graphs(store)}
    return dict(sorted({**empty, **{graph: int(number) for graph, number in rows}}.items()))


def described(store: Store, tables: Sequence[OutputFile] = ()) -> list[Quad]:
    """Returns the statements that `describe` has written into a store."""
    return list(_statements(count(store), tables))


def describe(store: Store, tables: Sequence[OutputFile] = ()) -> tuple[list[Quad], dict[str, int]]:
    """Writes the description of the store and of its files into the catalogue graph.

    Returns its quads and, as `graph_counts` does, the numbers of quads in the named graphs.
    """
    description, graphs = description_of(count(store), tables, lambda _: store)
    add_description(description, store)
    return description, graphs


def add_description(description: list[Quad], store: Store) -> None:
    """Adds a description to the catalogue graph and to the default graph."""
    store.extend(description)
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in description)


def description_of(
    counts: DatasetCounts, tables: Sequence[OutputFile], about: Callable[[frozenset[str]], Store]
) -> tuple[list[Quad], dict[str, int]]:
    """Returns the description of a dataset, and the numbers of quads in its named graphs with it.

    `counts` are those of the dataset without the description. `about` gets terms as in N-Triples, and returns a store
    with all statements about these subjects, or with more. The description counts itself: it is computed until its
    numbers are those of a dataset that contains it.
    """
    contained, previous = counts, list[Quad]()
    description = list(_statements(counts, tables))
    # Ends after a few rounds: a round changes numbers, and seldom how many statements there are.
    while description != previous:
        previous = description
        store = about(frozenset(str(quad.subject) for quad in description))
        # Statements that the files make already are counted already.
        contained = _with(counts, [quad for quad in description if quad not in store], store)
        description = list(_statements(contained, tables))
    return description, dict(sorted(contained.graphs.items()))


def count(store: Store) -> DatasetCounts:
    """Returns the counts of a store. SPARQL aggregates do not read the text of terms, which would take ten times as
    long.
    """
    # A hash node is part of its entity, not an entity of its own.
    things = f'FILTER(STRSTARTS(STR(?s), "{ID}") && !CONTAINS(STR(?s), "#"))'
    dates = f"VALUES ?p {{ {' '.join(map(str, COVERED))} }} ?s ?p ?d BIND(STR(?d) AS ?date)"
    queries = (
        "SELECT (COUNT(*) AS ?n) (COUNT(DISTINCT ?s) AS ?m) WHERE { ?s ?p ?o }",
        f"SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE {{ ?s a ?class . {things} }}",
        f"SELECT (MIN(?date) AS ?a) (MAX(?date) AS ?z) WHERE {{ {dates} }}",
        "SELECT ?c (COUNT(*) AS ?n) WHERE { ?s a ?c FILTER(isIRI(?c)) } GROUP BY ?c",
        "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p",
    )
    # Two at a time: a build has little other work for a second processor at this step.
    with ThreadPoolExecutor(2) as threads:
        graphs = threads.submit(graph_counts, store)
        (totals,), ((entities,),), (covered,), classes, properties = threads.map(partial(_rows, store), queries)
    links = store.quads_for_pattern(None, SAME_AS, None, DefaultGraph())
    return DatasetCounts(
        triples=int(totals[0]),
        subjects=int(totals[1]),
        entities=int(entities),
        classes=_numbers(classes),
        properties=_numbers(properties),
        graphs=Counter({CATALOG_GRAPH.value: 0, **graphs.result()}),
        links=Counter(name for quad in links if (name := linkset_of(quad))),
        first=covered[0],
        last=covered[1],
        publishers=tuple(_publishers(store)),
    )


def linkset_of(quad: Quad) -> str:
    """Returns the name of the linkset that a quad belongs to, such as "wikidata"; empty for other quads."""
    if quad.predicate != SAME_AS or not isinstance(quad.object, NamedNode):
        return ""
    return linkset_to(quad.object.value)


def linkset_to(iri: str) -> str:
    """Returns the name of the linkset whose links lead to an IRI, such as "wikidata"; empty if there is none."""
    return next((name for space, (name, _) in _TARGETS.items() if iri.startswith(space)), "")


def graph_node(graph: NamedNode) -> NamedNode:
    """Returns the node that describes a named graph: another than the document whose IRI is the name of the graph."""
    return NamedNode(f"{graph.value}#graph") if graph.value.startswith(SOURCE) else graph


def of_graph(graph: NamedNode, number: int) -> Iterator[Quad]:
    """Yields the statements about a named graph with this number of quads."""
    node = graph_node(graph)
    yield _quad(node, _TYPE, SD("NamedGraph"))
    yield _quad(node, _TYPE, VOID("Dataset"))
    yield _quad(node, SD("name"), graph)
    yield _quad(node, VOID("triples"), number)
    yield _quad(DATASET, SD("namedGraph"), node)
    yield _quad(DATASET, VOID("subset"), node)


def of_linkset(name: str, number: int) -> Iterator[Quad]:
    """Yields the statements about the links into another dataset."""
    links, target = (NamedNode(f"{DATASET.value}#{part}{name}") for part in ("links-to-", "target-"))
    space, title = next((space, title) for space, (target_name, title) in _TARGETS.items() if target_name == name)
    yield _quad(DATASET, VOID("subset"), links)
    yield _quad(links, _TYPE, VOID("Linkset"))
    yield _quad(links, VOID("subjectsTarget"), DATASET)
    yield _quad(links, VOID("objectsTarget"), target)
    yield _quad(links, VOID("linkPredicate"), SAME_AS)
    yield _quad(links, VOID("triples"), number)
    yield _quad(target, _TYPE, VOID("Dataset"))
    yield _quad(target, DCTERMS("title"), Literal(title, language="en"))
    yield _quad(target, VOID("uriSpace"), space)


def _statements(counts: DatasetCounts, tables: Sequence[OutputFile]) -> Iterator[Quad]:
    for graph, number in sorted(counts.graphs.items()):
        yield from of_graph(NamedNode(graph), number)
    yield from _of_dataset(counts)
    yield from _of_partitions(counts)
    for name, number in sorted(counts.links.items()):
        yield from of_linkset(name, number)
    yield from _of_catalog(counts.publishers)
    for offer in (*DUMPS, *tables):
        yield from _of_distribution(offer)


def _of_dataset(counts: DatasetCounts) -> Iterator[Quad]:
    yield _quad(DATASET, VOID("triples"), counts.triples)
    yield _quad(DATASET, VOID("entities"), counts.entities)
    yield _quad(DATASET, VOID("distinctSubjects"), counts.subjects)
    yield _quad(DATASET, VOID("classes"), len(counts.classes))
    yield _quad(DATASET, VOID("properties"), len(counts.properties))
    yield _quad(DATASET, VOID("uriSpace"), BASE)
    yield _quad(DATASET, DCTERMS("license"), LICENSE)
    yield _quad(DATASET, VOID("sparqlEndpoint"), NamedNode(BASE + "sparql"))
    for dump in DUMPS:
        yield _quad(DATASET, VOID("dataDump"), NamedNode(dump.address))
    for space in sorted({namespace(iri) for iri in (*counts.classes, *counts.properties)}):
        yield _quad(DATASET, VOID("vocabulary"), NamedNode(space))
    for format_ in of_kind(Kind.GRAPH):
        if format_.iri:
            yield _quad(DATASET, VOID("feature"), FORMATS(format_.iri))
    if counts.first:
        yield _quad(DATASET, DCTERMS("temporal"), _TEMPORAL)
        yield _quad(_TEMPORAL, _TYPE, DCTERMS("PeriodOfTime"))
        yield _quad(_TEMPORAL, DCAT("startDate"), _date(counts.first))
        yield _quad(_TEMPORAL, DCAT("endDate"), _date(counts.last))


def _of_partitions(counts: DatasetCounts) -> Iterator[Quad]:
    for kind, term, numbers in (("class", "entities", counts.classes), ("property", "triples", counts.properties)):
        for member, number in sorted(numbers.items()):
            part = partition(kind, member)
            yield _quad(DATASET, VOID(kind + "Partition"), part)
            yield _quad(part, _TYPE, VOID("Dataset"))
            yield _quad(part, VOID(kind), NamedNode(member))
            yield _quad(part, VOID(term), number)


def _of_catalog(publishers: Iterable[NamedNode]) -> Iterator[Quad]:
    yield _quad(CATALOG, _TYPE, DCAT("Catalog"))
    for text in of_instance(N_("Catalogue of {name}")):
        yield _quad(CATALOG, DCTERMS("title"), text)
    for text in of_instance(N_("The dataset of city diplomacy, its dumps, tables and services.")):
        yield _quad(CATALOG, DCTERMS("description"), text)
    for publisher in publishers:
        yield _quad(CATALOG, DCTERMS("publisher"), publisher)
    yield _quad(CATALOG, DCTERMS("license"), LICENSE)
    yield _quad(CATALOG, DCAT("dataset"), DATASET)
    yield _quad(DATASET, DCTERMS("conformsTo"), NamedNode(VOCABULARY + "ontology"))
    yield _quad(DATASET, DCTERMS("conformsTo"), SHAPES_GRAPH)
    for path, title, standard in _SERVICES:
        service = NamedNode(BASE + path)
        yield _quad(CATALOG, DCAT("service"), service)
        yield _quad(service, _TYPE, DCAT("DataService"))
        for text in of_instance(title):
            yield _quad(service, DCTERMS("title"), text)
        yield _quad(service, DCTERMS("license"), LICENSE)
        yield _quad(service, DCTERMS("conformsTo"), NamedNode(standard))
        yield _quad(service, DCAT("endpointURL"), service)
        yield _quad(service, DCAT("servesDataset"), DATASET)


def _of_distribution(offer: OutputFile) -> Iterator[Quad]:
    node = distribution(offer)
    yield _quad(DATASET, DCAT("distribution"), node)
    yield _quad(node, _TYPE, DCAT("Distribution"))
    for language, title in offer.titles.items():
        yield _quad(node, DCTERMS("title"), Literal(title, language=language))
    yield _quad(node, DCTERMS("license"), LICENSE)
    yield _quad(node, DCAT("accessURL"), DATASET)
    yield _quad(node, DCAT("downloadURL"), NamedNode(offer.address))
    yield _quad(node, DCAT("mediaType"), NamedNode(_IANA + offer.media_type))
    if offer.packed:
        yield _quad(node, DCAT("compressFormat"), NamedNode(_IANA + "application/gzip"))
    if offer.format_iri:
        yield _quad(node, DCTERMS("format"), FORMATS(offer.format_iri))


def distribution(offer: OutputFile) -> NamedNode:
    """Returns the IRI of a file as dcat:Distribution."""
    return NamedNode(f"{DATASET.value}#{offer.name}")


def _with(counts: DatasetCounts, new: Iterable[Quad], store: Store) -> DatasetCounts:
    """Returns the counts of the store after these quads have been added to the catalogue."""
    triples = {quad.triple for quad in new if Quad(quad.subject, quad.predicate, quad.object) not in store}
    subjects = {triple.subject for triple in triples}
    # A subject counts once, however many of its triples are new.
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


def _numbers(rows: Iterable[list[str]]) -> Counter[str]:
    return Counter({name: int(number) for name, number in rows})


def _publishers(store: Store) -> list[NamedNode]:
    quads = store.quads_for_pattern(DATASET, DCTERMS("publisher"), None, DefaultGraph())
    return sorted((q.object for q in quads if isinstance(q.object, NamedNode)), key=lambda node: node.value)


def _rows(store: Store, query: str) -> list[list[str]]:
    solutions = store.query(query, prefixes=PREFIXES)
    assert isinstance(solutions, QuerySolutions)  # noqa: S101 - the queries of this module are SELECTs
    return [[getattr(term, "value", "") for term in row] for row in solutions]


def _date(text: str) -> Literal:
    # Text that is not a date keeps its form: the shapes report it, and they see it after this.
    return date_literal(text) or Literal(text)


def _quad(subject: NamedNode, predicate: NamedNode, value: NamedNode | int | str | Literal) -> Quad:
    term = value if isinstance(value, NamedNode | Literal) else Literal(value)
    return Quad(subject, predicate, term, CATALOG_GRAPH)
