"""The dataset described: every number is what SPARQL counts, and what a release knows is said beside it."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from citygraph.build.catalog import count, describe, distribution
from citygraph.build.dataset import dataset_description, release_iri
from citygraph.rdf.terms import CG, DATASET, DCAT, DCTERMS, ID, PREFIXES, RDF, SPDX, VOID, XSD
from citygraph.release.outputs import DUMPS
from citygraph.release.releases import Release
from tests.running import steps_of


def ask(store: Store, text: str) -> list[list[str]]:
    return [[getattr(term, "value", "") for term in row] for row in store.query(text, prefixes=PREFIXES)]  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def description(izmir: Release) -> list[Triple]:
    return dataset_description(izmir)


def values(description: list[Triple], subject: NamedNode, predicate: NamedNode) -> list[str]:
    return [t.object.value for t in description if (t.subject, t.predicate) == (subject, predicate)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("term", "counted"),
    [
        ("triples", "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"),
        ("distinctSubjects", "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s ?p ?o }"),
        ("properties", "SELECT (COUNT(DISTINCT ?p) AS ?n) { ?s ?p ?o }"),
        ("classes", "SELECT (COUNT(DISTINCT ?c) AS ?n) { ?s a ?c }"),
        ("entities", "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s a ?c FILTER(STRSTARTS(STR(?s), "
                     '"https://w3id.org/citygraph/id/") && !CONTAINS(STR(?s), "#")) }'),
    ],
)  # fmt: skip
def test_totals_are_what_sparql_counts(izmir: Release, term: str, counted: str) -> None:
    """VoID's numbers, the description itself included."""
    store = izmir.open_store()
    assert ask(store, f"SELECT ?n {{ <{DATASET.value}> void:{term} ?n }}") == ask(store, counted)


def test_the_linkset_has_as_many_links_as_the_data(izmir: Release) -> None:
    """Links to Wikidata: one owl:sameAs each."""
    store = izmir.open_store()
    stated = ask(store, "SELECT ?n { ?l a void:Linkset ; void:triples ?n }")
    assert stated == ask(store, "SELECT (COUNT(*) AS ?n) { ?s owl:sameAs ?o FILTER(STRSTARTS(STR(?o), STR(wd:))) }")


def test_describing_again_changes_nothing(izmir: Release) -> None:
    """The description counts itself, so counting a described store gives its numbers."""
    counts = count(izmir.open_store())
    (triples,) = izmir.open_store().quads_for_pattern(DATASET, VOID("triples"), None, DefaultGraph())
    assert triples.object == Literal(counts.triples)
    assert counts.first < counts.last


def test_a_description_that_files_state_in_part_is_counted_once() -> None:
    """What the catalogue's file says already is not counted a second time."""
    store = Store()
    said = Quad(DATASET, VOID("uriSpace"), Literal(ID.removesuffix("id/")))
    store.extend([said, Quad(said.subject, said.predicate, said.object, NamedNode(PREFIXES["graph"] + "catalog"))])
    store.add(Quad(NamedNode(ID + "city/x"), RDF("type"), CG("City")))
    describe(store)
    assert ask(store, f"SELECT ?n {{ <{DATASET.value}> void:triples ?n }}") == ask(
        store, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    )
    assert ask(store, "SELECT ?n { graph:catalog void:triples ?n }") == ask(
        store, "SELECT (COUNT(*) AS ?n) { GRAPH graph:catalog { ?s ?p ?o } }"
    )


def test_the_release_file_says_what_only_a_release_knows(izmir: Release, description: list[Triple]) -> None:
    """Version, time, and for each dump its size and checksum as they are on the disk."""
    assert values(description, DATASET, DCAT("version")) == [izmir.id]
    assert values(description, DATASET, DCTERMS("issued")) == [izmir.manifest.created]
    assert values(description, release_iri(izmir.id), DCAT("isVersionOf")) == [DATASET.value]
    for offer in DUMPS:
        node = distribution(offer)
        assert values(description, node, DCAT("byteSize")) == [str((izmir.path / offer.path).stat().st_size)]
        (checksum,) = values(description, node, SPDX("checksum"))
        assert len(values(description, NamedNode(checksum), SPDX("checksumValue"))[0]) == 64
    stored = {q.predicate for q in izmir.open_store().quads_for_pattern(None, None, None, DefaultGraph())}
    assert not stored & {DCAT("byteSize"), DCAT("version"), SPDX("checksum")}


# What DCAT-AP 3 calls mandatory or recommended, by class.
_DCAT_AP = {
    "Catalog": ("title", "description", "publisher", "license", "dataset", "service", "modified"),
    "Dataset": ("title", "description"),
    "Distribution": ("title", "accessURL", "downloadURL", "mediaType", "license", "byteSize", "checksum"),
    "DataService": ("title", "endpointURL", "servesDataset", "license", "conformsTo"),
}
_OF_DATASET = (
    "contactPoint", "keyword", "theme", "publisher", "accessRights", "accrualPeriodicity", "conformsTo", "spatial",
    "temporal", "language", "license", "version", "issued", "modified", "distribution", "identifier", "creator",
)  # fmt: skip


@pytest.mark.parametrize("kind", _DCAT_AP)
def test_dcat_ap_is_complete(description: list[Triple], kind: str) -> None:
    """Each node of a DCAT class has what the profile asks for."""
    nodes = {t.subject for t in description if t.predicate == RDF("type") and t.object == DCAT(kind)}
    assert nodes
    for node in nodes:
        said = {t.predicate.value.replace("#", "/").rpartition("/")[2] for t in description if t.subject == node}
        assert not set(_DCAT_AP[kind]) - said, node
    about = {t.predicate.value.replace("#", "/").rpartition("/")[2] for t in description if t.subject == DATASET}
    assert not set(_OF_DATASET) - about


def test_nothing_is_blank_and_every_number_has_a_type(description: list[Triple]) -> None:
    """No blank nodes; sizes and checksums typed as DCAT-AP wants them."""
    assert not [t for t in description if isinstance(t.subject, BlankNode) or isinstance(t.object, BlankNode)]
    sizes = {
        t.object.datatype for t in description if t.predicate == DCAT("byteSize") and isinstance(t.object, Literal)
    }
    assert sizes == {XSD("nonNegativeInteger")}


def test_describing_takes_no_time_that_grows_with_the_description(izmir: Release) -> None:
    """It is made once for each release, in less than thirty million short steps, because a page waits for it."""
    assert steps_of(lambda: dataset_description(izmir)) < 30_000_000


def test_items_of_wikidata_are_those_that_the_table_proves(izmir: Release) -> None:
    """(15 §2) The digest is that of the table in the repository, and each link is a proved row of it."""
    table = Path(__file__).parents[1] / "data" / "places" / "wikidata-items.csv"
    with table.open(encoding="utf-8", newline="") as file:
        proved = {row["qid"] for row in csv.DictReader(file) if row["confidence"] == "proved"}
    store = izmir.open_store()
    ((digest,),) = ask(store, "SELECT ?d { source:wikidata-items cg:sha256 ?d }")
    assert digest == hashlib.sha256(table.read_bytes()).hexdigest()
    linked = ask(store, "SELECT ?item { GRAPH source:wikidata-items { ?x owl:sameAs ?item } }")
    assert linked
    assert {iri.rpartition("/")[2] for (iri,) in linked} <= proved
