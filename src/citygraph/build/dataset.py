"""The description of a release for `/dataset` and `/.well-known/void`, and its provenance in PROV.

It joins the catalogue of the store with the facts of a published release.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple, parse

from citygraph.build.catalog import CATALOG, data_graphs, distribution
from citygraph.build.quality import FILE as QUALITY
from citygraph.build.query_packs import FILE as QUERIES
from citygraph.catalogues import N_, of_instance
from citygraph.instance import current_instance
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, DATASET, DCAT, DCTERMS, OWL, PROV, RDF, RDFS, SPDX, VOID, XSD
from citygraph.release.outputs import OutputFile
from citygraph.release.releases import Manifest, Release

_TYPE = RDF("type")
_EU = "http://publications.europa.eu/resource/authority/"
_SHA256 = SPDX("checksumAlgorithm_sha256")
# Constant statements that DCAT-AP requires, with values of the vocabularies of the European Union.
_EUROPEAN = (
    (DCTERMS("accessRights"), "access-right/PUBLIC"),
    (DCTERMS("accrualPeriodicity"), "frequency/IRREG"),
    (DCAT("theme"), "data-theme/GOVE"),
    (DCAT("theme"), "data-theme/INTR"),
)
# These vocabularies name languages by three letters (ISO 639-2/T).
_LANGUAGES = {
    name[:2].lower(): name[3:]
    for line in (
        "ar-ARA az-AZE bg-BUL bs-BOS ca-CAT cs-CES da-DAN de-DEU el-ELL en-ENG es-SPA et-EST eu-EUS fa-FAS fi-FIN",
        "fr-FRA ga-GLE gl-GLG he-HEB hr-HRV hu-HUN hy-HYE is-ISL it-ITA ja-JPN ka-KAT kk-KAZ ko-KOR ku-KUR lb-LTZ",
        "lt-LIT lv-LAV mk-MKD mt-MLT nb-NOB nl-NLD nn-NNO no-NOR pl-POL pt-POR ro-RON ru-RUS sk-SLK sl-SLV sq-SQI",
        "sr-SRP sv-SWE tr-TUR uk-UKR uz-UZB zh-ZHO",
    )
    for name in line.split()
}


def dataset_description(release: Release, store: Store | None = None) -> list[Triple]:
    """Returns the dataset as VoID, DCAT-AP 3 and DQV, sorted and without blank nodes.

    IRIs are below the base, never at the responding host. `store` is the release's store if it is already open.
    """
    store = store or release.open_store()
    about = {quad.triple for quad in store.quads_for_pattern(None, None, None, CATALOG_GRAPH) if _belongs(quad.subject)}
    about.update(_of_publisher(store, about))
    about.update(_of_release(release.manifest))
    about.update(_of_files(release.manifest))
    about.update(_of_sources(store))
    for described in (release.path / QUALITY, release.path / QUERIES):
        if described.is_file():
            about.update(quad.triple for quad in parse(path=str(described), format=RdfFormat.TURTLE))
    # A set has no lasting order.
    return sorted(about, key=str)


def release_iri(release_id: str) -> NamedNode:
    """Returns the IRI of a release as a version of the dataset."""
    return NamedNode(f"{BASE}releases/{release_id}")


def _belongs(subject: object) -> bool:
    """Returns whether the subject is the dataset, a part of it, one of its files or services."""
    if not isinstance(subject, NamedNode) or not subject.value.startswith(BASE):
        return False
    # Entities and sources have documents of their own.
    return not subject.value.startswith((BASE + "id/", BASE + "source/"))


def _of_publisher(store: Store, about: set[Triple]) -> Iterator[Triple]:
    """Yields the names and types of the agents that the catalogue names as publisher, creator or contact."""
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
    for tag in current_instance().languages:
        if primary := _LANGUAGES.get(tag.partition("-")[0].lower()):
            yield Triple(DATASET, DCTERMS("language"), NamedNode(f"{_EU}language/{primary}"))
    yield Triple(DATASET, DCAT("hasCurrentVersion"), version)
    yield Triple(DATASET, DCAT("hasVersion"), version)
    yield Triple(version, DCAT("isVersionOf"), DATASET)
    yield Triple(version, _TYPE, DCAT("Dataset"))
    for text in of_instance(N_("{name}, release {release}"), release=manifest.id):
        yield Triple(version, DCTERMS("title"), text)
    for text in _summaries(manifest):
        yield Triple(version, DCTERMS("description"), text)
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


def _summaries(manifest: Manifest) -> Iterator[Literal]:
    text = N_("{triples} triples from {graphs} graphs; digest {digest}.")
    yield from of_instance(text, triples=manifest.triples, graphs=len(manifest.graphs), digest=manifest.digest)


def _of_files(manifest: Manifest) -> Iterator[Triple]:
    """Yields size and checksum of each file, and the permanent address of this release's copy."""
    for path, facts in sorted(manifest.outputs.items()):
        # The IRI of a distribution depends on the path alone.
        node = distribution(OutputFile(path, "", ""))
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


_PROVENANCE_TYPE, _LABEL, _COMMENT = RDF("type"), RDFS("label"), RDFS("comment")


def provenance(manifest: Manifest) -> Iterator[Triple]:
    """Yields the activities that made a release, the agents associated with them, and the release that it revises."""
    node = NamedNode(f"{BASE}releases/{manifest.id}")
    publication = NamedNode(f"{node.value}#publication")
    yield Triple(node, _PROVENANCE_TYPE, PROV("Entity"))
    yield Triple(node, PROV("wasGeneratedBy"), publication)
    yield Triple(publication, PROV("generated"), node)
    yield Triple(publication, PROV("endedAtTime"), _time(manifest.created))
    if manifest.parent:
        parent = NamedNode(f"{BASE}releases/{manifest.parent}")
        yield Triple(node, PROV("wasRevisionOf"), parent)
        yield Triple(publication, PROV("used"), parent)
    yield from _activity(publication, manifest.message, manifest.added, manifest.removed)
    for number, commit in enumerate(manifest.commits, 1):
        yield from _of_commit(NamedNode(f"{node.value}#commit-{number}"), node, publication, commit)


def _of_commit(node: NamedNode, release: NamedNode, publication: NamedNode, commit: dict[str, Any]) -> Iterator[Triple]:
    yield from _activity(node, commit["message"], commit["added"], commit["removed"])
    yield Triple(publication, PROV("wasInformedBy"), node)
    yield Triple(release, PROV("wasGeneratedBy"), node)
    yield Triple(node, PROV("endedAtTime"), _time(commit["time"]))
    for graph in commit["graphs"]:
        yield Triple(node, PROV("used"), NamedNode(graph))
    if author := commit["author"]:
        # The holder of a token has a name but no IRI, so the agent gets one below the release.
        agent = NamedNode(f"{release.value}#agent-{quote(author, safe='')}")
        for activity in (node, publication):
            yield Triple(activity, PROV("wasAssociatedWith"), agent)
        yield Triple(agent, _PROVENANCE_TYPE, PROV("Agent"))
        yield Triple(agent, _LABEL, Literal(author))


def _activity(node: NamedNode, message: str, added: int, removed: int) -> Iterator[Triple]:
    yield Triple(node, _PROVENANCE_TYPE, PROV("Activity"))
    # PROV has no counts: the added and the removed quads are entities with void:triples.
    for name, number in (("added", added), ("removed", removed)):
        quads = NamedNode(f"{node.value}-{name}")
        yield Triple(node, PROV("generated" if name == "added" else "invalidated"), quads)
        yield Triple(quads, _PROVENANCE_TYPE, PROV("Entity"))
        yield Triple(quads, VOID("triples"), Literal(number))
    if message:
        yield Triple(node, _COMMENT, Literal(message))


def _time(text: str) -> Literal:
    return Literal(text, datatype=XSD("dateTime"))
