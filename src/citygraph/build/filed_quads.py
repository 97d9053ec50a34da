"""The statements of a large release by predicate, read from files of lines: for the index, which needs no store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from citygraph.build.graph_files import GraphFiles
from citygraph.build.predicate_files import LineFile


@dataclass(frozen=True)
class FiledQuads:
    """The statements in files by predicate. A statement may occur more than once."""

    files: GraphFiles

    def merged(self, predicate: NamedNode, value: NamedNode | None = None) -> Iterator[Quad]:
        """Yields the statements with a predicate, and a value if given, in the merge of the data graphs."""
        for quad in _quads(self.files.triples.select(str(predicate), "" if value is None else str(value))):
            if quad.predicate == predicate and value in (None, quad.object):
                yield quad

    def in_graphs(self, predicate: NamedNode, part: str) -> Iterator[Quad]:
        """Yields the statements with a predicate in the named graphs whose IRI contains `part`."""
        for quad in _quads(self.files.quads.select(str(predicate))):
            graph = quad.graph_name
            if quad.predicate == predicate and isinstance(graph, NamedNode) and part in graph.value:
                yield quad


def _quads(files: Iterable[LineFile]) -> Iterator[Quad]:
    for file in files:
        if file.size:
            # Lenient: the terms have been checked when they were read.
            yield from parse(path=file.path, format=RdfFormat.N_QUADS, lenient=True)
