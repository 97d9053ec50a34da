"""The graphs of a release as files of lines: what is too large for memory is read from these, not from a store."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from shutil import rmtree

from pyoxigraph import NamedNode, RdfFormat, Store, parse

from citygraph.build.predicate_files import PredicateFiles, by_key
from citygraph.rdf.nquads import as_line, batched, named_graphs, triples_of, with_graph, without_graph
from citygraph.rdf.terms import ONTOLOGY_GRAPH, SHAPES_GRAPH, XSD

# The named graphs that are not part of the default graph: they describe the data.
NOT_DATA = (ONTOLOGY_GRAPH, SHAPES_GRAPH)
_NOT_DATA_ENDS = tuple(f" {graph} .\n" for graph in NOT_DATA)
# Datatypes whose literals a store rewrites.
_REWRITTEN = f'"^^<{XSD}'


class GraphFiles:
    """The quads of all named graphs by predicate and class, and the triples of their merge, the default graph.

    `quads.select(predicate)` gives files of N-Quads, `triples.select(predicate)` files of N-Triples. A line may occur
    more than once in either, and in any order. Literals are as a store writes them ("1", not "01").
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in (folder, folder / "quads", folder / "triples"):
            part.mkdir()
        self.quads = PredicateFiles(folder / "quads")
        self.triples = PredicateFiles(folder / "triples")

    def add(self, lines: Iterable[str]) -> None:
        """Adds canonical lines of N-Quads in named graphs, with literals in any form."""
        for batch in batched(lines):
            self._add_stored(as_stored(batch))

    def add_triples(self, lines: Iterable[str], graph: NamedNode) -> None:
        """Adds triples of a data graph, given as canonical lines of N-Triples with literals as a store writes them."""
        for key, some in by_key(lines).items():
            self.quads.append(key, with_graph(some, graph))
            self.triples.append(key, some)

    def add_store(self, store: Store) -> None:
        """Adds the named graphs of a store."""
        for graph in named_graphs(store):
            for lines in triples_of(store, graph, self._folder):
                self._add_stored(with_graph(lines, graph))

    def remove(self) -> None:
        """Removes the files, also those that an error left unfinished."""
        rmtree(self._folder)

    def _add_stored(self, lines: Iterable[str]) -> None:
        for key, some in by_key(lines).items():
            self.quads.append(key, some)
            data = [without_graph(line) for line in some if not line.endswith(_NOT_DATA_ENDS)]
            self.triples.append(key, data)


def as_stored(lines: list[str]) -> list[str]:
    """Returns lines of N-Triples or N-Quads, in any order, with their literals as a store writes them."""
    rewritten = [line for line in lines if _REWRITTEN in line]
    if not rewritten:
        return lines
    text, store = "".join(rewritten), Store()
    kept = [line for line in lines if _REWRITTEN not in line]
    if "_:" in text:
        # `load` would give blank nodes other labels.
        store.extend(parse(text, RdfFormat.N_QUADS, lenient=True))
        return kept + list(map(as_line, store))
    store.load(text, RdfFormat.N_QUADS, lenient=True)
    dump = store.dump(format=RdfFormat.N_QUADS) or b""
    return kept + StringIO(dump.decode(), newline="\n").readlines()
