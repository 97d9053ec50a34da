"""Files of lines have what a store has: the same quads by predicate and class, with literals in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build import predicate_files
from citygraph.build.graph_files import GraphFiles, as_stored
from citygraph.build.predicate_files import PredicateFiles
from citygraph.rdf.nquads import as_line, with_graph
from citygraph.rdf.terms import CATALOG_GRAPH, DERIVED_GRAPH, ONTOLOGY_GRAPH, RDF, SHAPES_GRAPH, XSD

_A, _B = NamedNode("urn:x:g/a"), NamedNode("urn:x:g")
_LITERALS = (
    *('"01"^^xsd:integer', '"+7"^^xsd:int', '"1.0"^^xsd:decimal', '"1.00"^^xsd:decimal', '"1.00"^^xsd:double'),
    *('"1996-04-24"^^xsd:date', '"1996-04-24+00:00"^^xsd:date', '"2023-02-30"^^xsd:date', '"1"^^xsd:boolean'),
    *('"2020-01-01T00:00:00+00:00"^^xsd:dateTime', '"-0000"^^xsd:gYear', '"no number"^^xsd:integer'),
    *('"q\\"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:x:g> ."', '"POINT(1.00 2)"^^<urn:x:wkt>'),
    *('"İzmir %41 ığş"@tr-TR', '"a\\u2028b\\u0085c\\rd\\ne\\u007F"', '"x"^^xsd:string'),
)
_TURTLE = "".join(
    f"@prefix xsd: <{XSD}> . "
    f"<urn:x:{number}> <urn:x:p/%41> {text} ; a <urn:x:C>, _:class . _:b{number} <urn:x:q> {text}, _:b0 .\n"
    for number, text in enumerate(_LITERALS)
)


def quads() -> Iterator[Quad]:
    """Every kind of term, in several graphs each."""
    for graph in (_A, _B, ONTOLOGY_GRAPH, SHAPES_GRAPH, CATALOG_GRAPH):
        for quad in parse(_TURTLE, RdfFormat.TURTLE, rename_blank_nodes=False):
            yield Quad(quad.subject, quad.predicate, quad.object, graph)


def store_of(quads: list[Quad]) -> Store:
    store = Store()
    store.extend(quads)
    return store


def lines_in(files: PredicateFiles, predicate: str = "", class_: str = "") -> list[str]:
    return [line for file in files.select(predicate, class_) for line in file]


@pytest.mark.parametrize("most_files", [2000, 3])
@pytest.mark.parametrize("way", ["lines", "store"])
def test_files_have_the_lines_of_a_store(
    way: str, most_files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) The named graphs as N-Quads; as N-Triples their merge, without the ontology and the shapes."""
    monkeypatch.setattr(predicate_files, "_MOST_FILES", most_files)
    every = list(quads())
    store = store_of(every)
    files = GraphFiles(tmp_path / "parts")
    if way == "lines":
        files.add(map(as_line, [*every, *every[:9]]))
    else:
        files.add_store(store)
    assert set(lines_in(files.quads)) == set(map(as_line, store))
    data = [quad for quad in store if quad.graph_name not in (ONTOLOGY_GRAPH, SHAPES_GRAPH)]
    assert set(lines_in(files.triples)) == {f"{quad.triple} .\n" for quad in data}
    files.remove()
    assert list(tmp_path.iterdir()) == []


def test_predicate_and_class_select_the_same_of_quads_and_triples(tmp_path: Path) -> None:
    """(16 §5) The graph is no part of the class; a class may be a blank node, and by error a text."""
    texts = [Quad(NamedNode("urn:x:s"), RDF("type"), Literal(text), _A) for text in ("some text", "text")]
    every = [*quads(), *texts]
    files = GraphFiles(tmp_path / "parts")
    files.add(map(as_line, every))
    for selected, number in ((files.quads, 5), (files.triples, 3)):
        assert {line.split(" ")[1] for line in lines_in(selected, "<urn:x:q>")} == {"<urn:x:q>"}
        classes = {"<urn:x:C>": number * len(_LITERALS), '"some text"': 1, '"text"': 1}
        for class_, expected in classes.items():
            assert sum(f" {class_} " in line for line in lines_in(selected, str(RDF("type")), class_)) == expected


def test_files_are_removed_whatever_is_in_their_folder(tmp_path: Path) -> None:
    """(16 §5) An error may have left the file of a graph, or no file where one was to be."""
    files = GraphFiles(tmp_path / "parts")
    files.add(map(as_line, quads()))
    (tmp_path / "parts" / "graph.nt").write_text("half a li")
    next(iter(files.quads.select())).path.unlink()
    files.remove()
    assert list(tmp_path.iterdir()) == []


def test_blank_nodes_keep_their_labels(tmp_path: Path) -> None:
    """(16 §5) In the files, and in a store that is loaded from them."""
    every = list(quads())
    files = GraphFiles(tmp_path / "parts")
    files.add(map(as_line, every))
    loaded = Store()
    for file in files.quads.select():
        file.load_into(loaded)
    assert set(loaded) == set(store_of(every))
    merged = Store()
    for file in files.triples.select():
        file.load_into(merged)
    assert {quad.graph_name for quad in merged} == {DefaultGraph()}


def test_literals_are_rewritten_as_a_store_does() -> None:
    """(16 §5) Each line once if its literal has a datatype of XML Schema; no line is lost."""
    every = list(quads())
    assert set(as_stored(list(map(as_line, every)))) == set(map(as_line, store_of(every)))
    assert as_stored([]) == []


def test_derived_triples_are_added_as_their_quads_are(tmp_path: Path) -> None:
    """(16 §5) To the same files, whatever predicate and class they have."""
    graph = DERIVED_GRAPH
    types = [f"<x:s> {RDF('type')} {value} .\n" for value in ("<x:a>", "<x:b>", '"a b"', "_:b")]
    triples = [*types, "<x:s> <x:p> <x:a> .\n", '<x:s> <x:p> "a <b> ." .\n', *types[:1]]
    for name in ("quads", "triples"):
        files = GraphFiles(tmp_path / name)
        if name == "quads":
            files.add(with_graph(triples, graph))
        else:
            files.add_triples(triples, graph)
    texts = [{p.relative_to(f): p.read_text() for p in f.rglob("*.nt")} for f in tmp_path.iterdir()]
    assert texts[0]
    assert texts[0] == texts[1]
