"""Dumps and changes: whole, the same bytes each time, and what was added and removed is just that."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.products import write_dumps
from citygraph.build.sorted_graphs import SortedGraphs
from citygraph.rdf import nquads as lines
from citygraph.rdf.nquads import SetDigest, SortedLines, as_line, graph_of, lines_of, subject_of
from citygraph.rdf.terms import CG, GRAPH, ID, RDF, SOURCE
from citygraph.release.changes import ADDED, REMOVED, THINGS, compare, things_changed, write_all_changes, write_changes
from citygraph.release.outputs import DUMPS, JSONLD, NQUADS, TRIG, TURTLE, measured, sha256
from citygraph.release.releases import Release
from citygraph.sparql.functions import Term
from citygraph.sparql.statistics import read_statistics

IZMIR, BAKU = NamedNode(ID + "city/izmir"), NamedNode(ID + "city/baku")


def read(path: Path, format_: RdfFormat) -> set[Quad]:
    with gzip.open(path) as file:
        return set(parse(file.read(), format_))


def filled(quads: Iterable[Quad]) -> Store:
    store = Store()
    store.extend(quads)
    return store


def dumped(store: Store, folder: Path) -> SetDigest:
    with closing(SortedGraphs(folder)) as graphs:
        graphs.add_store(store)
        return write_dumps(graphs, folder)


def named(store: Store) -> set[Quad]:
    return {quad for quad in store if quad.graph_name != DefaultGraph()}


def test_every_dump_has_every_statement(izmir: Release) -> None:
    """N-Quads and TriG have the named graphs, Turtle and JSON-LD the default graph."""
    store = izmir.open_store()
    default = set(store.quads_for_pattern(None, None, None, DefaultGraph()))
    assert read(izmir.path / NQUADS.path, RdfFormat.N_QUADS) == named(store)
    assert read(izmir.path / TRIG.path, RdfFormat.TRIG) == named(store)
    assert read(izmir.path / TURTLE.path, RdfFormat.TURTLE) == default
    assert read(izmir.path / JSONLD.path, RdfFormat.JSON_LD) == default


def test_the_same_statements_give_the_same_bytes(
    izmir: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they were loaded, in whatever store, however little memory sorting has."""
    quads = list(izmir.open_store())
    random.Random(1).shuffle(quads)  # noqa: S311 - the same order each time
    monkeypatch.setattr(lines, "_RUN", 500)
    assert dumped(filled(quads), tmp_path).hex == izmir.manifest.digest
    for offer in DUMPS:
        assert (tmp_path / offer.path).read_bytes() == (izmir.path / offer.path).read_bytes(), offer
    assert read_statistics(tmp_path) == read_statistics(izmir.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dumps", "statistics.json"]


def test_nquads_are_sorted_by_graph_and_line(izmir: Release) -> None:
    """So two releases can be compared line by line."""
    found = gzip.decompress((izmir.path / NQUADS.path).read_bytes()).decode().splitlines(keepends=True)
    assert found == sorted(set(found), key=lambda line: (graph_of(line), line))
    assert found == list(lines_of(izmir.open_store(), izmir.path.parent))


def test_sorting_on_disk_is_sorting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line once, in order, whether it waited in a file or not."""
    monkeypatch.setattr(lines, "_RUN", 3)
    many = SortedLines(tmp_path)
    for line in ["c\n", "a\n", "b\n", "b\n", "d\n", "a\n", "ğ\n"]:
        many.add([line])
    assert list(many) == ["a\n", "b\n", "c\n", "d\n", "ğ\n"]
    many.close()
    assert not list(tmp_path.iterdir())


def test_sorting_in_blocks_is_sorting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §5) Whatever was added together, and however little of each file is read at a time."""
    chance = random.Random(3)  # noqa: S311 - the same lines each time
    for _ in range(30):
        for name in ("_RUN", "_BLOCK", "_BATCH"):
            monkeypatch.setattr(lines, name, chance.randrange(1, 6))
        added = [[f"{chance.randrange(30)}\n" for _ in range(chance.randrange(9))] for _ in range(12)]
        with closing(SortedLines(tmp_path)) as many:
            for texts in added:
                many.add(texts)
            assert list(many) == sorted({text for texts in added for text in texts})


def test_joined_lines_are_found_by_their_beginnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §5) Each once and in order, after the lines have been joined into one file, and if more are added then."""
    chance = random.Random(5)  # noqa: S311 - the same lines each time
    for _ in range(30):
        for name in ("_RUN", "_BLOCK", "_BATCH"):
            monkeypatch.setattr(lines, name, chance.randrange(1, 9))
        texts = [f"{chance.randrange(9)} ğ\x85{chance.randrange(9)}\n" for _ in range(chance.randrange(60))]
        beginnings = [f"{number} " for number in range(chance.randrange(9))]
        with closing(SortedLines(tmp_path)) as many:
            for text in texts:
                many.add([text])
            assert [line for batch in many.joined() for line in batch] == sorted({*texts})
            found = list(many.starting_with(beginnings))
            assert found == [text for text in sorted({*texts}) if text[:2] in beginnings]
            many.add(["0\n", "9 x\n"])
            assert list(many) == sorted({*texts, "0\n", "9 x\n"})


def test_lines_of_the_engine_are_those_of_the_terms(tmp_path: Path) -> None:
    """(16 §5) The digest and the dumps of a build and of a commit are of the same lines, whatever the characters."""
    odd = "".join(map(chr, [*range(1, 0x100), 0x2028, 0xFFFD, 0xFFFE, 0x1F600]))
    values: list[Term] = [
        Literal(odd),
        Literal(odd, language="tr"),
        Literal(odd, datatype=NamedNode("urn:x:d")),
        BlankNode("b"),
    ]
    values.append(NamedNode("http://e/ğ?a=b&c#d"))
    graph = NamedNode("urn:x:g")
    quads = [Quad(NamedNode("urn:x:s"), NamedNode("urn:x:p"), value, graph) for value in values]
    digest = SetDigest()
    digest.add(quads)
    assert list(lines_of(filled(quads), tmp_path)) == sorted(map(as_line, quads))
    assert dumped(filled(quads), tmp_path).hex == digest.hex


def test_a_line_tells_its_subject_and_graph() -> None:
    """Whatever stands in the literal between."""
    quad = next(iter(parse('<s:s> <p:p> "a <b> \\" <c> .\\n" <g:g> .', RdfFormat.N_QUADS)))
    assert (subject_of(as_line(quad)), graph_of(as_line(quad))) == ("s:s", "g:g")
    assert as_line(quad).count("\n") == 1


def test_comparing_sorted_lines_finds_just_what_differs() -> None:
    """Against what sets say, over many random pairs."""
    chance = random.Random(2)  # noqa: S311 - the same pairs each time
    for _ in range(200):
        pool = [f"<s:{s}> <p:p> <o:o> <g:{g}> .\n" for s in range(6) for g in range(3)]
        older, newer = (set(chance.sample(pool, chance.randrange(len(pool)))) for _ in range(2))
        found = list(compare(*(sorted(each, key=lambda line: (graph_of(line), line)) for each in (older, newer))))
        assert {line for new, line in found if new} == newer - older
        assert {line for new, line in found if not new} == older - newer


def test_the_first_release_adds_everything(izmir: Release) -> None:
    """It has no parent: all is new, and every entity and source was created."""
    assert read(izmir.path / ADDED, RdfFormat.N_QUADS) == named(izmir.open_store())
    assert read(izmir.path / REMOVED, RdfFormat.N_QUADS) == set()
    things = {change.iri: change.kind for change in things_changed(izmir)}
    assert set(things.values()) == {"created"}
    assert {IZMIR.value, SOURCE + "izmir-sister-cities"} <= set(things)
    assert izmir.manifest.added == izmir.manifest.quads


def test_a_build_is_compared_with_its_parent(izmir: Release, tmp_path: Path) -> None:
    """Added, removed; and of the things it touched: created, updated, deleted."""
    quads = [quad for quad in izmir.open_store() if quad.subject != BAKU]
    new = NamedNode(ID + "city/x")
    quads += [Quad(new, RDF("type"), CG("City"), graph) for graph in (GRAPH("curation"), DefaultGraph())]
    quads += [Quad(IZMIR, CG("twinnedWith"), new, GRAPH("curation"))]
    store = filled(quads)
    dumped(store, tmp_path)
    counts = write_all_changes(izmir, store, tmp_path)
    added, removed = (read(tmp_path / name, RdfFormat.N_QUADS) for name in (ADDED, REMOVED))
    assert added == named(store) - named(izmir.open_store())
    assert removed == named(izmir.open_store()) - named(store)
    assert (counts.added, counts.removed) == (len(added), len(removed))
    things = gzip.decompress((tmp_path / THINGS).read_bytes()).decode().split("\n")
    assert things == [f"deleted\t{BAKU.value}", f"updated\t{IZMIR.value}", f"created\t{new.value}", ""]


def test_a_commit_writes_the_same_files(tmp_path: Path) -> None:
    """From the change alone, with the two stores to tell new from changed."""
    quad = Quad(IZMIR, RDF("type"), CG("City"))
    in_graph = Quad(quad.subject, quad.predicate, quad.object, GRAPH("curation"))
    counts = write_changes(tmp_path, [as_line(in_graph)], [], Store(), filled([quad, in_graph]))
    assert (counts.added, counts.removed) == (1, 0)
    assert gzip.decompress((tmp_path / THINGS).read_bytes()) == f"created\t{IZMIR.value}\n".encode()


def test_a_file_with_a_known_digest_is_not_read_for_the_manifest(tmp_path: Path) -> None:
    """The digest that is given is written, and those of other files are computed."""
    (tmp_path / "dumps").mkdir()
    for offer in (NQUADS, TRIG):
        (tmp_path / offer.path).write_bytes(b"content")
    facts = measured(tmp_path, (NQUADS, TRIG), {NQUADS.path: "known"})
    assert facts[NQUADS.path] == {"bytes": 7, "sha256": "known"}
    assert facts[TRIG.path] == {"bytes": 7, "sha256": sha256(tmp_path / TRIG.path)}
