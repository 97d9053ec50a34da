"""The SPARQL 1.1 Service Description of the endpoint, with the graphs of the release and the limits in force."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from citygraph.build.catalog import graph_node
from citygraph.catalogues import N_, of_instance
from citygraph.rdf.formats import FORMATS as ALL_FORMATS
from citygraph.rdf.formats import Format
from citygraph.rdf.terms import CG, DCTERMS, FORMATS, LICENSE, OWL, PREFIXES, RDF, RDFS, SD, VOID, XSD
from citygraph.release.releases import Manifest
from citygraph.settings import Settings
from citygraph.sparql.functions import FUNCTIONS

_TYPE = RDF("type")
_PREFIXED = {RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML, RdfFormat.JSON_LD}
_USED_PREFIXES = ("cg", "sd", "void", "dcterms", "owl", "rdf", "rdfs", "xsd")


def describe_service(endpoint: str, manifest: Manifest, settings: Settings) -> list[Triple]:
    """Returns the description as triples without blank nodes; `endpoint` is its public address."""
    # Comunica reads only a description whose subject is the address that it was given.
    service = NamedNode(endpoint)
    dataset = NamedNode(f"{settings.base}dataset")
    return [
        *_service(service, dataset, settings),
        *_limits(service, settings),
        *_functions(service),
        *_dataset(dataset, service, manifest),
    ]


def write_description(triples: list[Triple], format_: Format) -> bytes:
    """Serializes the triples in an RDF format."""
    prefixes = {prefix: PREFIXES[prefix] for prefix in _USED_PREFIXES}
    chosen = prefixes if format_.rdf in _PREFIXED else None
    return serialize(triples, format=format_.rdf, prefixes=chosen) or b""


def _service(service: NamedNode, dataset: NamedNode, settings: Settings) -> Iterator[Triple]:
    yield Triple(service, _TYPE, SD("Service"))
    yield Triple(service, SD("endpoint"), service)
    for title in of_instance(N_("SPARQL endpoint of {name}")):
        yield Triple(service, DCTERMS("title"), title)
    yield Triple(service, SD("supportedLanguage"), SD("SPARQL10Query"))
    yield Triple(service, SD("supportedLanguage"), SD("SPARQL11Query"))
    for format_ in ALL_FORMATS:
        if format_.iri:
            yield Triple(service, SD("resultFormat"), FORMATS(format_.iri))
    if settings.federation:
        yield Triple(service, SD("feature"), SD("BasicFederatedQuery"))
    yield Triple(service, SD("defaultDataset"), dataset)


def _limits(service: NamedNode, settings: Settings) -> Iterator[Triple]:
    """Yields the limits that apply to clients, without those that are 0 (unlimited)."""
    limits: dict[str, float] = {
        "timeLimit": settings.time_limit,
        "memoryLimit": settings.memory_limit,
        "resultSizeLimit": settings.result_limit,
        "queryLengthLimit": settings.query_length,
        "queryDepthLimit": settings.query_depth,
        "queryBreadthLimit": settings.query_breadth,
        "clientConcurrencyLimit": settings.client_concurrency,
        "clientRateLimit": settings.client_rate,
    }
    for name, value in limits.items():
        if value:
            # With a fraction always: Turtle's `30` is an integer.
            number = Literal(value) if isinstance(value, int) else Literal(str(value), datatype=XSD("decimal"))
            yield Triple(service, CG(name), number)


def _functions(service: NamedNode) -> Iterator[Triple]:
    for function in FUNCTIONS:
        yield Triple(service, SD("extensionFunction"), function.iri)
        yield Triple(function.iri, _TYPE, SD("Function"))
        yield Triple(function.iri, RDFS("label"), Literal(function.signature, language="en"))
        yield Triple(function.iri, RDFS("comment"), Literal(function.help, language="en"))


def _dataset(dataset: NamedNode, endpoint: NamedNode, manifest: Manifest) -> Iterator[Triple]:
    default = NamedNode(f"{dataset.value}#default-graph")
    yield Triple(dataset, _TYPE, SD("Dataset"))
    yield Triple(dataset, _TYPE, VOID("Dataset"))
    yield Triple(dataset, VOID("sparqlEndpoint"), endpoint)
    yield Triple(dataset, DCTERMS("license"), LICENSE)
    yield Triple(dataset, OWL("versionInfo"), Literal(manifest.id))
    if manifest.created:
        yield Triple(dataset, DCTERMS("modified"), Literal(manifest.created, datatype=XSD("dateTime")))
    yield Triple(dataset, SD("defaultGraph"), default)
    yield Triple(default, _TYPE, SD("Graph"))
    yield Triple(default, VOID("triples"), Literal(manifest.triples))
    for graph, triples in sorted(manifest.graphs.items()):
        name = NamedNode(graph)
        node = graph_node(name)
        yield Triple(dataset, SD("namedGraph"), node)
        yield Triple(node, _TYPE, SD("NamedGraph"))
        yield Triple(node, SD("name"), name)
        yield Triple(node, VOID("triples"), Literal(triples))
