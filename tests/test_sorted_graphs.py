"""Graphs as sorted lines: the same from a store and from files, with the counts that SPARQL gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import count, describe, description_of
from citygraph.build.graph_files import NOT_DATA, GraphFiles
from citygraph.build.sorted_graphs import SortedGraphs
from citygraph.rdf import nquads
from citygraph.rdf.nquads import as_line, lines_of, named_graphs, with_graph
from citygraph.rdf.terms import CATALOG_GRAPH, CG, DATASET, DCTERMS, ID, ONTOLOGY_GRAPH, OWL, PREFIXES, RDF, SOURCE, XSD
from citygraph.release.releases import Release
from citygraph.sparql.functions import Term

_CITY, _PART = NamedNode(f"{ID}city/%C4%B0zmir"), NamedNode(f"{ID}city/%C4%B0zmir#geometry")
_GRAPHS = [NamedNode(f"{SOURCE}{name}") for name in ("a", "a/b", "a-b")]


def _quads() -> Iterator[Quad]:
    """The same triples in several graphs, graphs that begin with the name of another, and odd values."""
    triples: list[tuple[NamedNode | BlankNode, NamedNode, Term]] = [
        *((_CITY, RDF("type"), class_) for class_ in (CG("City"), BlankNode("class"), Literal("City"))),
        *((_PART, RDF("type"), CG("City")), (BlankNode("b"), RDF("type"), CG("City"))),
        *((_CITY, OWL("sameAs"), NamedNode(PREFIXES["wd"] + name)) for name in ("Q1", "Q2")),
        *((_CITY, OWL("sameAs"), value) for value in (NamedNode("urn:x:other"), Literal(PREFIXES["wd"] + "Q3"))),
        *((_CITY, CG("attestedOn"), Literal(text, datatype=XSD("date"))) for text in ("0998-01-01", "1996-04-24Z")),
        *((_CITY, CG("startDate"), value) for value in (Literal('about "1300"\n'), NamedNode("urn:x:date"))),
        *((_CITY, CG("height"), Literal(text, datatype=XSD("integer"))) for text in ("1", "01")),
        *((DATASET, DCTERMS("publisher"), NamedNode(f"{ID}{name}")) for name in ("b", "b/a", "a")),
        (DATASET, DCTERMS("publisher"), Literal("somebody")),
    ]
    yield from (Quad(s, p, o, graph) for graph in (*_GRAPHS, ONTOLOGY_GRAPH) for s, p, o in triples)
    yield from describe(Store())[0]


def _store(quads: list[Quad]) -> Store:
    store = Store()
    store.extend(quads)
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads if quad.graph_name not in NOT_DATA)
    store.add_graph(NamedNode("urn:x:empty"))
    return store


@contextmanager
def _sorted(way: str, quads: list[Quad], folder: Path) -> Iterator[SortedGraphs]:
    """Sorted graphs that are filled from a store, from files, or line by line."""
    graphs, store = SortedGraphs(folder), _store(quads)
    if way == "store":
        graphs.add_store(store)
    else:
        files = GraphFiles(folder / "parts")
        files.add(map(as_line, [*quads, *quads[:7]]))
        graphs.add_files(files)
        files.remove()
    try:
        yield graphs
    finally:
        graphs.close()


@pytest.mark.parametrize("run", [200_000, 5])
@pytest.mark.parametrize("way", ["store", "files"])
def test_sorted_graphs_have_each_line_of_a_store_once(
    way: str, run: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) In order of graph and line, however little memory sorting has; twice if it is read twice."""
    monkeypatch.setattr(nquads, "_RUN", run)
    quads = list(_quads())
    store = _store(quads)
    (tmp_path / "other").mkdir()
    expected = list(lines_of(store, tmp_path / "other"))
    with _sorted(way, quads, tmp_path) as graphs:
        for _ in range(2):
            assert [line for graph, lines in graphs.graphs() for line in with_graph(lines, graph)] == expected
            merged = list(chain.from_iterable(graphs.merged()))
            assert merged == sorted(as_line(q) for q in store.quads_for_pattern(None, None, None, DefaultGraph()))
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize("way", ["store", "files"])
def test_the_default_graph_can_be_read_before_the_graphs(way: str, tmp_path: Path) -> None:
    """(16 §5) With statements that are added later, and without the ontology."""
    quads = list(_quads())
    triples = [q for q in _store(quads) if q.graph_name == DefaultGraph()]
    later = Quad(DATASET, DCTERMS("title"), Literal("later"), CATALOG_GRAPH)
    with _sorted(way, quads, tmp_path) as graphs:
        assert list(chain.from_iterable(graphs.merged())) == sorted(map(as_line, triples))
        graphs.add([as_line(later)])
        later_triple = Quad(later.subject, later.predicate, later.object)
        assert list(chain.from_iterable(graphs.merged())) == sorted(map(as_line, [*triples, later_triple]))


@pytest.mark.parametrize("with_blank_date", [False, True])
@pytest.mark.parametrize("way", ["store", "files"])
def test_counts_of_lines_are_those_of_sparql(way: str, with_blank_date: bool, tmp_path: Path) -> None:
    """(16 §5) Also of values that the shapes refuse, because the description is made before they are checked."""
    quads = list(_quads())
    if with_blank_date:
        quads.append(Quad(_CITY, CG("endDate"), BlankNode("b"), _GRAPHS[0]))
    with _sorted(way, quads, tmp_path) as graphs:
        assert graphs.count([NamedNode("urn:x:empty")]) == count(_store(quads))


def test_counts_of_an_empty_dataset_are_those_of_sparql(tmp_path: Path) -> None:
    """(16 §5) No dates, no classes, no graphs but that of the description."""
    with _sorted("files", [], tmp_path) as graphs:
        assert graphs.count() == count(Store())


def test_description_from_files_is_that_of_the_store(izmir: Release, tmp_path: Path) -> None:
    """(16 §5) With statements of a description that some files make already."""
    quads = [quad for quad in izmir.open_store() if quad.graph_name != DefaultGraph()]
    bare = [quad for quad in quads if quad.graph_name != CATALOG_GRAPH] + quads[::3]
    store = _store(bare)
    files = GraphFiles(tmp_path / "parts")
    files.add(map(as_line, bare))
    graphs = SortedGraphs(tmp_path)
    graphs.add_files(files)
    counts = graphs.count(named_graphs(store))
    assert counts == count(store)
    assert description_of(counts, (), cache(graphs.about)) == describe(store)
    graphs.close()
