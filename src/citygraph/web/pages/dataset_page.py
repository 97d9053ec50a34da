"""The document of the dataset: the statements of its graph, and facts that only a published release has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pyoxigraph import Literal, NamedNode, Quad, Triple

from citygraph.graph.description import Description, Node, Statements, Value
from citygraph.graph.labels import choose
from citygraph.rdf.terms import CATALOG_GRAPH, DATASET, DCAT, DCTERMS, DQV, RDF, RDFS, SPDX, VOID
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text

_TYPE = RDF("type").value
_FILES, _QUALITY = DCAT("distribution").value, DQV("hasQualityMeasurement").value
_MEASUREMENT = DQV("QualityMeasurement").value
# Classes of the nodes that the page shows in its tables.
_IN_TABLES_TYPES = {DCAT("Distribution").value, SPDX("Checksum").value, _MEASUREMENT}

_CLASSES, _PROPERTIES = VOID("classPartition").value, VOID("propertyPartition").value
_IN_TABLES = (_FILES, _QUALITY, _CLASSES, _PROPERTIES)

BySubject = dict[str, dict[str, dict[str, Value]]]


@dataclass(frozen=True)
class ReleaseFile:
    """A file of the release: its address, size and checksum."""

    anchor: str
    title: str
    href: str
    size: str
    sha256: str


@dataclass(frozen=True)
class Measurement:
    """A quality measurement: its metric, its subject, its value, and the two numbers of a share."""

    anchor: str
    metric: str
    href: str
    of: str
    value: str
    numbers: str


@dataclass(frozen=True)
class PartitionCount:
    """The number of members of a class, or of statements with a property."""

    anchor: str
    of: Text
    count: str


@dataclass(frozen=True)
class DatasetTables:
    """The tables on the page of the dataset, and the number of validation findings."""

    files: tuple[ReleaseFile, ...]
    measured: tuple[Measurement, ...]
    classes: tuple[PartitionCount, ...]
    properties: tuple[PartitionCount, ...]
    findings: int


def with_release(description: Description, opened: OpenRelease) -> Description:
    """Returns the description with the facts of the release about the dataset, its versions, files and quality."""
    by_subject = _by_subject(description)
    own = {description.iri, *(node.iri for node in description.nodes)}
    for triple in opened.about_dataset:
        subject, predicate, term = triple.subject, triple.predicate.value, triple.object
        if isinstance(subject, NamedNode) and isinstance(term, NamedNode | Literal):
            values = by_subject.setdefault(subject.value, {}).setdefault(predicate, {})
            values.setdefault(str(term), Value(term, _graph_of(triple, opened)))
    # Nodes that only the release describes have their labels in the description, with sources.
    for iri in by_subject.keys() - own:
        for stated in description.labels.get(iri, ()):
            value = Value(stated.literal, stated.sources)
            by_subject[iri].setdefault(stated.predicate.value, {}).setdefault(str(stated.literal), value)
    statements = _statements(by_subject.pop(description.iri, {}))
    nodes = tuple(
        Node(iri, _statements(by_subject[iri])) for iri in sorted(by_subject, key=lambda iri: (iri not in own, iri))
    )
    labels = {iri: stated for iri, stated in description.labels.items() if iri not in by_subject}
    for iri in sorted(
        _named([statements, *(node.statements for node in nodes)]) - by_subject.keys() - {description.iri}
    ):
        if iri not in labels and (stated_of := opened.labels.for_readers(iri)):
            labels[iri] = stated_of
    return replace(description, statements=statements, nodes=nodes, labels=labels)


def whole(description: Description, opened: OpenRelease, addresses: Addresses, _: Translations) -> DatasetTables:
    """Returns the tables of the page."""
    language = _.language
    link = StatementTable(opened, _, addresses).link
    nodes = description.node_by_iri()
    files = [_file(nodes[v.iri], nodes, addresses, language) for v in description.values(_FILES) if v.iri in nodes]
    measured = [
        _measured(node, nodes, opened, addresses, language)
        for node in description.nodes
        if _MEASUREMENT in _iris(node, _TYPE)
    ]
    return DatasetTables(
        tuple(files),
        tuple(sorted(measured, key=lambda m: (_.sort_key(m.metric), _.sort_key(m.of)))),
        tuple(_counted(description, _CLASSES, "class", "entities", link)),
        tuple(_counted(description, _PROPERTIES, "property", "triples", link)),
        sum(1 for _finding in opened.findings.distinct()),
    )


def without_tables(description: Description) -> Description:
    """Returns the description without the content of the tables, and without nodes that have their own pages."""
    nodes = tuple(
        node
        for node in description.nodes
        if node.iri.startswith(DATASET.value + "#")
        and not _IN_TABLES_TYPES & set(_iris(node, _TYPE))
        and not _is_counted(node)
    )
    statements = tuple(s for s in description.statements if s.predicate not in _IN_TABLES)
    return replace(description, statements=statements, nodes=nodes)


def _by_subject(description: Description) -> BySubject:
    parts = ((description.iri, description.statements), *((n.iri, n.statements) for n in description.nodes))
    return {iri: {s.predicate: {str(v.term): v for v in s.values} for s in statements} for iri, statements in parts}


def _graph_of(triple: Triple, opened: OpenRelease) -> tuple[str, ...]:
    """Returns the catalogue if it has the triple; facts that are known from the release alone are in no graph."""
    quad = Quad(triple.subject, triple.predicate, triple.object, CATALOG_GRAPH)
    return (CATALOG_GRAPH.value,) if quad in opened.quick else ()


def _statements(by_subject: Mapping[str, Mapping[str, Value]]) -> tuple[Statements, ...]:
    # The class comes first: it decides how the node is shown.
    order = sorted(by_subject, key=lambda predicate: predicate != _TYPE)
    return tuple(Statements(p, tuple(by_subject[p].values())) for p in order)


def _named(parts: Iterable[Iterable[Statements]]) -> set[str]:
    return {v.iri for statements in parts for s in statements if s.predicate != _TYPE for v in s.values if v.iri}


def _file(node: Node, nodes: Mapping[str, Node], addresses: Addresses, language: str) -> ReleaseFile:
    checksum = next((nodes[iri] for iri in _iris(node, SPDX("checksum").value) if iri in nodes), None)
    return ReleaseFile(
        node.iri.partition("#")[2],
        _text(node, DCTERMS("title").value, language),
        next((addresses.local(iri) for iri in _iris(node, DCAT("downloadURL").value)), ""),
        _text(node, DCAT("byteSize").value),
        _text(checksum, SPDX("checksumValue").value) if checksum else "",
    )


def _measured(
    node: Node, nodes: Mapping[str, Node], opened: OpenRelease, addresses: Addresses, language: str
) -> Measurement:
    metric = next(iter(_iris(node, DQV("isMeasurementOf").value)), "")
    parts = (nodes[iri] for iri in _iris(node, DQV("computedOn").value) if iri in nodes)
    classes = [iri for part in parts for iri in _iris(part, VOID("class").value)]
    of = next(iter((*classes, *_iris(node, DCTERMS("subject").value))), "")
    return Measurement(
        node.iri.partition("#")[2],
        opened.labels.best(metric, language).text,
        addresses.local(metric),
        opened.labels.best(of, language).text if of else "",
        _text(node, DQV("value").value),
        _text(node, RDFS("comment").value),
    )


def _counted(
    description: Description, predicate: str, kind: str, counts: str, link: Callable[[str], Text]
) -> Iterator[PartitionCount]:
    """Yields the partitions by class or by property, the largest first."""
    nodes = description.node_by_iri()
    parts = [nodes[value.iri] for value in description.values(predicate) if value.iri in nodes]
    for node in sorted(parts, key=lambda node: (-int(_text(node, VOID(counts).value) or 0), node.iri)):
        for iri in _iris(node, VOID(kind).value)[:1]:
            yield PartitionCount(node.iri.partition("#")[2], link(iri), _text(node, VOID(counts).value))


def _is_counted(node: Node) -> bool:
    return bool(_iris(node, VOID("class").value) or _iris(node, VOID("property").value))


def _values(node: Node, predicate: str) -> tuple[Value, ...]:
    return next((s.values for s in node.statements if s.predicate == predicate), ())


def _iris(node: Node, predicate: str) -> list[str]:
    return [value.iri for value in _values(node, predicate) if value.iri]


def _text(node: Node, predicate: str, language: str = "") -> str:
    best = choose((value.term for value in _values(node, predicate) if isinstance(value.term, Literal)), language)
    return best.text if best else ""
