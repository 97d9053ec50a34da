"""A store made in memory and written by another process is the store that a build makes on the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.build import build
from citygraph.build.store_writing import StoreFilling, StoreWriting, write_store
from citygraph.errors import CitygraphError
from citygraph.progress import Progress
from citygraph.rdf.nquads import as_line, with_graph
from citygraph.rdf.terms import BASE, CG, ID, PREFIXES, RDFS, SCHEMA, SOURCE, XSD
from citygraph.release.releases import Releases
from citygraph.source.files import Sources
from tests.release_content import content
from tests.small import REPOSITORY, build_small, publish_name, write_files

_NAMED = NamedNode("urn:x:g")
GRAPHS = (DefaultGraph(), _NAMED, BlankNode("g"))
OBJECTS = (
    NamedNode("urn:x:o"),
    BlankNode("b"),
    Literal('a\n"b"\\ é\u0085'),
    Literal("01", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#integer")),
    Literal("-0000", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#gYear")),
    Literal("x", language="tr-TR"),
)


def filled() -> Store:
    """A store with every kind of term and graph, one of them empty."""
    store = Store()
    store.extend(Quad(BlankNode("s"), NamedNode("urn:x:p"), term, graph) for graph in GRAPHS for term in OBJECTS)
    store.add_graph(NamedNode("urn:x:empty"))
    return store


@pytest.mark.parametrize("with_blank_nodes", [True, False])
def test_written_store_has_every_quad_and_graph(tmp_path: Path, with_blank_nodes: bool) -> None:
    """(16 §5) Blank nodes keep their labels; files without any are loaded by the engine itself."""
    store = filled()
    if not with_blank_nodes:
        store.clear()
        store.add_graph(NamedNode("urn:x:empty"))
        graphs = (DefaultGraph(), NamedNode("urn:x:g"))
        objects = [term for term in OBJECTS if not isinstance(term, BlankNode)]
        store.extend(Quad(GRAPHS[1], NamedNode("urn:x:p"), term, graph) for graph in graphs for term in objects)
    lines = sorted(map(as_line, store))
    files = [tmp_path / "1.nq", tmp_path / "2.nq"]
    for number, path in enumerate(files):
        path.write_text("".join(lines[number::2]), encoding="utf-8", newline="\n")
    write_store(files, tmp_path / "store", ["urn:x:empty", "urn:x:g"])
    written = Store.read_only(str(tmp_path / "store"))
    assert set(written) == set(store)
    assert set(written.named_graphs()) == set(store.named_graphs())


@pytest.mark.parametrize("most_alone", [0, 1, 9])
def test_files_loaded_together_give_the_same_store(tmp_path: Path, most_alone: int) -> None:
    """(16 §5) Of any number of files, also empty ones, repeated quads and blank nodes in some, nothing is lost."""
    blank = sorted(map(as_line, filled()))
    quads = [Quad(GRAPHS[1], NamedNode("urn:x:p"), Literal(text), graph) for text in "abc" for graph in GRAPHS[:2]]
    plain = list(map(as_line, quads))
    store = filled()
    store.extend(quads)
    contents: tuple[list[str], ...] = (plain[:2], [], plain[1:3], blank[:3], blank[3:], plain[3:], plain[:1], [])
    files = [tmp_path / f"{number}.nq" for number in range(len(contents))]
    for path, some in zip(files, contents, strict=True):
        path.write_text("".join(some), encoding="utf-8", newline="\n")
    processors = os.sched_getaffinity(0)
    write_store(files, tmp_path / "store", ["urn:x:empty", "urn:x:g"], most_alone)
    assert os.sched_getaffinity(0) == processors
    assert set(Store.read_only(str(tmp_path / "store"))) == set(store)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_store_is_written_while_it_grows(tmp_path: Path) -> None:
    """(16 §5) What is loaded first, and then the graphs that are derived from it, whose triples are merged."""
    store, graph = filled(), NamedNode("urn:x:g")
    with StoreWriting(tmp_path / "store") as writing:
        writing.add(map(as_line, store))
        later = [Quad(NamedNode(f"urn:x:{number}"), NamedNode("urn:x:p"), Literal("x\n")) for number in range(9)]
        store.extend(later)
        store.extend(Quad(quad.subject, quad.predicate, quad.object, graph) for quad in later)
        writing.add(map(as_line, later))
        writing.add(with_graph(map(as_line, later), graph))
        writing.finish(graph for graph in store.named_graphs() if isinstance(graph, NamedNode))
        writing.wait()
    written = Store.read_only(str(tmp_path / "store"))
    assert set(written) == set(store)
    assert set(written.named_graphs()) == set(store.named_graphs())
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_writing_process_tells_that_it_failed(tmp_path: Path) -> None:
    """(16 §5) A disk that cannot be written ends the build; the process that waits is told why."""
    (tmp_path / "store").write_text("a file where the folder belongs")
    with StoreWriting(tmp_path / "store") as writing:
        writing.add(map(as_line, filled()))
        writing.finish([])
        with pytest.raises(CitygraphError, match="could not be"):
            writing.wait()


def test_error_of_a_build_is_not_replaced_by_that_of_a_process_that_has_ended(tmp_path: Path) -> None:
    """(16 §5) What was left to send to the process fails too, when the block is left."""
    (tmp_path / "store").write_text("a file where the folder belongs")

    def fail() -> None:
        with StoreWriting(tmp_path / "store") as writing:
            writing.finish([])
            with suppress(CitygraphError):
                writing.wait()
            writing.finish([])
            raise CitygraphError("the rules failed")

    with pytest.raises(CitygraphError, match="the rules failed"):
        fail()


# The same statements in two graphs and twice in one file, and values that a store writes in another form.
_SECOND = """
GRAPH source:second {
  city:izmir a cg:City ; cg:country country:turkiye ; rdfs:label "İzmir"@EN, "İzmir"@TR ;
    skos:altLabel "Smyrna 100%"@EN ; schema:latitude "038.420"^^xsd:decimal ; schema:longitude "+27.10"^^xsd:decimal ;
    owl:sameAs <http://www.wikidata.org/entity/Q35997> .
  agreement:izmir-bremen cg:protocolDate "1996-04-24"^^xsd:date .
}
"""
_DESCRIBED = """
GRAPH graph:catalog {
  source:NAME a cg:Source ; rdfs:label "NAME"@EN, "İkinci NAME"@TR ; dcterms:title "Iğdır \\"ŞĞ\\"" ;
    dcterms:language "tr" ; dcterms:publisher organisation:izmir-municipality ; dcterms:issued "2026-01-05"^^xsd:date ;
    cg:readOn "2026-01-06"^^xsd:date ; cg:sha256 "SHA" .
}
""".replace("SHA", "1" * 64)
_TWICE = f'<{ID}city/izmir> <{SCHEMA}latitude> "038.420"^^<{XSD}decimal> <{SOURCE}third> .\n' * 2
_ANY_TRIPLE = f"CONSTRUCT {{ ?s <{RDFS}seeAlso> ?country }} WHERE {{ ?s ?p ?country . ?country a <{CG}Country> }}"


def _odd_sources(folder: Path, with_unbounded_rule: bool) -> Sources:
    """The small files, the odd values above, and a rule that may read any triple."""
    sources = write_files(folder)
    prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    described = "".join(_DESCRIBED.replace("NAME", name) for name in ("second", "third"))
    (sources.data / "second.trig").write_text(prefixes + _SECOND + described, encoding="utf-8")
    (sources.data / "twice.nq").write_text(_TWICE, encoding="utf-8")
    rules = folder / "ontology" / "rules"
    rules.mkdir(parents=True)
    if with_unbounded_rule:
        (rules / "any.rq").write_text(_ANY_TRIPLE)
    return replace(sources, own_ontology=rules.parent)


@pytest.mark.parametrize("with_unbounded_rule", [False, True])
def test_releases_made_in_memory_and_on_the_disk_are_equal(tmp_path: Path, with_unbounded_rule: bool) -> None:
    """(16 §5) Data above the limit are built from files: the same statements, and the same bytes of each file.

    Derived statements count too: the build may begin in memory and go on without it. A rule that may read any triple
    needs the store on the disk.
    """
    sources = _odd_sources(tmp_path, with_unbounded_rule)
    ways = []
    files = sum(file.path.stat().st_size for file in sources.data_files())
    for name, most in (("memory", 1 << 20), ("disk", 0), ("both", files + 1)):
        release, _ = build(sources, Releases(tmp_path / name), Progress(), most_in_memory=most)
        assert not list(release.path.glob("*.n[tq]"))
        assert [path.name for path in (tmp_path / name).iterdir() if path.name.startswith(".building")] == []
        ways.append(content(release))
    assert ways[0] == ways[1]
    assert ways[0] == ways[2]


def test_graphs_of_the_api_are_kept_on_the_disk_too(tmp_path: Path) -> None:
    """(16 §5) With the triples that follow from them."""
    ways = []
    for name, most in (("memory", 1 << 20), ("disk", 0)):
        build_small(tmp_path / name)
        releases = Releases(tmp_path / name / "releases")
        publish_name(releases, 1)
        sources = Sources(tmp_path / name / "data", REPOSITORY / "ontology", REPOSITORY / "queries")
        release, _ = build(sources, releases, Progress(), most_in_memory=most)
        ways.append((release.manifest.digest, set(release.open_store())))
        assert release.manifest.graphs[f"{BASE}graph/notes"] == 1
    assert ways[0] == ways[1]


def test_store_that_outgrows_memory_goes_on_on_the_disk(tmp_path: Path) -> None:
    """(16 §5) With more bytes of triples than the limit: nothing is lost, and later statements go there."""
    (tmp_path / "merged.nt").write_text("")
    with StoreWriting(tmp_path / "store") as writing:
        filling = StoreFilling(filled(), tmp_path / "merged.nt", writing)
        everything = set(filling.store)
        named = [quad for quad in everything if quad.graph_name == _NAMED]
        filling.append(named[::2])
        filling.append_lines([f"{quad.triple} .\n" for quad in named[1::2]], _NAMED)
        filling.bound_memory((tmp_path / "merged.nt").stat().st_size)
        assert set(filling.store) == everything
        filling.bound_memory((tmp_path / "merged.nt").stat().st_size - 1)
        assert not set(filling.store)
        filling.open_on_disk()
        assert writing.is_done()
        assert not (tmp_path / "store-1.nq").exists()
        assert {quad for quad in everything if quad.graph_name != GRAPHS[2]} == set(filling.store)
        assert NamedNode("urn:x:empty") in set(filling.store.named_graphs())
        later = Quad(NamedNode("urn:x:later"), NamedNode("urn:x:p"), Literal("x"))
        filling.store.add(later)
        filling.close()
    assert later in Store.read_only(str(tmp_path / "store"))


class RecordingStore:
    """A store that notes whether its files have been merged."""

    is_optimized = False

    def optimize(self) -> None:
        """Notes it."""
        self.is_optimized = True


def test_files_of_a_store_on_the_disk_are_merged_at_the_end(tmp_path: Path) -> None:
    """(16 §5) As those of the other process are: each part of the derived triples may have made files of its own."""
    store = RecordingStore()
    StoreFilling(cast(Store, store), tmp_path / "merged.nt").finish()
    assert store.is_optimized
