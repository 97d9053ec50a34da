"""A store made in memory and written by another process is the store that a build makes on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store

from citygraph.build.build import build
from citygraph.build.store_writing import StoreWriting, write_store
from citygraph.errors import CitygraphError
from citygraph.progress import Progress
from citygraph.release.releases import Releases
from tests.small import write_files

GRAPHS = (DefaultGraph(), NamedNode("urn:x:g"), BlankNode("g"))
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


@pytest.mark.parametrize("chunk", [2, 1000])
def test_written_store_has_every_quad_and_graph(tmp_path: Path, chunk: int) -> None:
    """(16 §5) Whatever the number that is loaded at a time."""
    store = filled()
    store.dump(str(tmp_path / "all.nq"), RdfFormat.N_QUADS)
    write_store(tmp_path / "all.nq", tmp_path / "store", ["urn:x:empty", "urn:x:g"], chunk)
    written = Store.read_only(str(tmp_path / "store"))
    assert set(written) == set(store)
    assert set(written.named_graphs()) == set(store.named_graphs())


def test_writing_process_tells_that_it_failed(tmp_path: Path) -> None:
    """(16 §5) A disk that cannot be written ends the build; the process that waits is told why."""
    (tmp_path / "store").write_text("a file where the folder belongs")
    with StoreWriting(filled(), tmp_path / "store") as writing, pytest.raises(CitygraphError, match="could not be"):
        writing.wait()


def test_releases_made_in_memory_and_on_the_disk_are_equal(tmp_path: Path) -> None:
    """(16 §5) Data above the limit are built on the disk: the same statements, and the same bytes of each file."""
    sources = write_files(tmp_path)
    ways = {}
    for name, most in (("memory", 1 << 20), ("disk", 0)):
        release, _ = build(sources, Releases(tmp_path / name), Progress(), most_in_memory=most)
        manifest = release.manifest
        ways[name] = (manifest.digest, manifest.graphs, manifest.triples, manifest.outputs, set(release.open_store()))
        assert not list(release.path.glob("*.n[tq]"))
    assert ways["memory"] == ways["disk"]
