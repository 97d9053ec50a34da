"""What `/dataset` and `/.well-known/void` say of a release: its catalogue, and what only a published release knows."""

from __future__ import annotations

from collections.abc import Iterator

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple, parse

from citygraph.products.catalog import CATALOG, data_graphs, distribution
from citygraph.products.offers import Offer
from citygraph.products.quality import FILE as QUALITY
from citygraph.release import Manifest, Release
from citygraph.terms import BASE, CATALOG_GRAPH, DATASET, DCAT, DCTERMS, OWL, PROV, RDF, SPDX, VOID, XSD

_TYPE = RDF("type")
_EU = "http://publications.europa.eu/resource/authority/"
_SHA256 = SPDX("checksumAlgorithm_sha256")
# Depends on nothing: what DCAT-AP wants from the vocabularies of the European Union.
_EUROPEAN = (
    (DCTERMS("accessRights"), "access-right/PUBLIC"),
    (DCTERMS("accrualPeriodicity"), "frequency/IRREG"),
    (DCTERMS("language"), "language/ENG"),
    (DCTERMS("language"), "language/TUR"),
    (DCAT("theme"), "data-theme/GOVE"),
    (DCAT("theme"), "data-theme/INTR"),
)


def dataset_description(release: Release, store: Store | None = None) -> list[Triple]:
    """The dataset as VoID, DCAT-AP 3 and DQV, without blank nodes, sorted. IRIs are those of the base, never of a host.

    `store` is the release's store if it is open already.
    """
    store = store or release.open_store()
    about = {quad.triple for quad in store.quads_for_pattern(None, None, None, CATALOG_GRAPH) if _belongs(quad.subject)}
    about.update(_of_publisher(store, about))
    about.update(_of_release(release.manifest))
    about.update(_of_files(release.manifest))
    about.update(_of_sources(store))
    quality = release.path / QUALITY
    if quality.is_file():
        about.update(quad.triple for quad in parse(path=str(quality), format=RdfFormat.TURTLE))
    return sorted(about, key=str)


def release_iri(release_id: str) -> NamedNode:
    """The name of a release as a version of the dataset."""
    return NamedNode(f"{BASE}releases/{release_id}")


def _belongs(subject: object) -> bool:
    """Whether a statement of the catalogue is about the dataset, a part of it, one of its files or services."""
    if not isinstance(subject, NamedNode) or not subject.value.startswith(BASE):
        return False
    return not subject.value.startswith((BASE + "id/", BASE + "source/"))


def _of_publisher(store: Store, about: set[Triple]) -> Iterator[Triple]:
    """The names and kinds of those whom the catalogue names as publisher, creator or contact."""
    roles = {DCTERMS("publisher"), DCTERMS("creator"), DCAT("contactPoint")}
    for agent in {t.object for t in about if t.predicate in roles and isinstance(t.object, NamedNode)}:
        for quad in store.quads_for_pattern(agent, None, None, CATALOG_GRAPH):
            yield quad.triple
        yield Triple(agent, _TYPE, NamedNode("http://xmlns.com/foaf/0.1/Agent"))
        for quad in store.quads_for_pattern(agent, NamedNode("http://xmlns.com/foaf/0.1/name"), None):
            yield quad.triple


def _of_release(manifest: Manifest) -> Iterator[Triple]:
    version = release_iri(manifest.id)
    issued = Literal(manifest.created, datatype=XSD("dateTime"))
    for predicate, code in _EUROPEAN:
        yield Triple(DATASET, predicate, NamedNode(_EU + code))
    yield Triple(DATASET, DCAT("hasCurrentVersion"), version)
    yield Triple(DATASET, DCAT("hasVersion"), version)
    yield Triple(version, DCAT("isVersionOf"), DATASET)
    yield Triple(version, _TYPE, DCAT("Dataset"))
    yield Triple(version, DCTERMS("title"), Literal(f"citygraph, release {manifest.id}", language="en"))
    yield Triple(version, DCTERMS("title"), Literal(f"citygraph, {manifest.id} sürümü", language="tr"))
    yield Triple(version, DCTERMS("description"), Literal(_what(manifest), language="en"))
    for node in (DATASET, version):
        yield Triple(node, DCTERMS("identifier"), Literal(node.value))
        yield Triple(node, DCAT("version"), Literal(manifest.id))
        yield Triple(node, OWL("versionInfo"), Literal(manifest.id))
        yield Triple(node, DCTERMS("issued"), issued)
        yield Triple(node, DCTERMS("modified"), issued)
        if manifest.parent:
            yield Triple(node, DCAT("prev"), release_iri(manifest.parent))
    if manifest.parent:
        yield Triple(version, PROV("wasRevisionOf"), release_iri(manifest.parent))
        yield Triple(DATASET, DCAT("hasVersion"), release_iri(manifest.parent))
    yield Triple(CATALOG, DCTERMS("modified"), issued)


def _what(manifest: Manifest) -> str:
    return f"{manifest.triples} triples from {len(manifest.graphs)} graphs; digest {manifest.digest}."


def _of_files(manifest: Manifest) -> Iterator[Triple]:
    """Size and checksum of each file, and where this release's own copy stands for good."""
    for path, facts in sorted(manifest.outputs.items()):
        node = distribution(Offer(path, "", "", ""))
        checksum = NamedNode(f"{node.value}-checksum")
        size = Literal(str(facts["bytes"]), datatype=XSD("nonNegativeInteger"))
        yield Triple(node, DCAT("byteSize"), size)
        yield Triple(node, DCTERMS("issued"), Literal(manifest.created, datatype=XSD("dateTime")))
        yield Triple(node, SPDX("checksum"), checksum)
        yield Triple(checksum, _TYPE, SPDX("Checksum"))
        yield Triple(checksum, SPDX("algorithm"), _SHA256)
        yield Triple(checksum, SPDX("checksumValue"), Literal(str(facts["sha256"]), datatype=XSD("hexBinary")))
        yield Triple(release_iri(manifest.id), DCAT("distribution"), node)
        if path.startswith("dumps/"):
            address = NamedNode(f"{release_iri(manifest.id).value}/{path}")
            yield Triple(release_iri(manifest.id), VOID("dataDump"), address)


def _of_sources(store: Store) -> Iterator[Triple]:
    for graph in data_graphs(store):
        if graph.value.startswith(BASE + "source/"):
            yield Triple(DATASET, PROV("wasDerivedFrom"), graph)
