"""The named graphs of a release and their merge as sorted lines, each once, and what is counted in them.

Memory does not grow with the graphs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, parse

from citygraph.build.catalog import COVERED, SAME_AS, DatasetCounts, linkset_to
from citygraph.build.graph_files import NOT_DATA, GraphFiles
from citygraph.rdf.nquads import SortedLines, batched, named_graphs, triples_of, with_graph, without_graph
from citygraph.rdf.terms import CATALOG_GRAPH, DATASET, DCTERMS, ID, RDF

_TYPE, _SAME_AS, _PUBLISHER, _DATASET = map(str, (RDF("type"), SAME_AS, DCTERMS("publisher"), DATASET))
_COVERED = frozenset(map(str, COVERED))
_ENTITY = f"<{ID}"


class SortedGraphs:
    """The quads of the named graphs, and the triples of the default graph; files of `folder` hold them.

    More may be added between two readings. `close` removes the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # With the IRI of the graph in front, so that graphs are sorted by IRI.
        self._quads = SortedLines(folder)
        # Filled by the first reading of the quads: what is sorted by graph already is merged in less time.
        self._merged = SortedLines(folder)
        self._is_merged = False

    def add_store(self, store: Store) -> None:
        """Adds the named graphs of a store."""
        for graph in named_graphs(store):
            for lines in triples_of(store, graph, self._folder):
                self._quads.add([f"{graph.value} {line}" for line in lines])

    def add_files(self, files: GraphFiles) -> None:
        """Adds all graphs of files."""
        for file in files.quads.select():
            for lines in batched(file):
                self._quads.add(map(_graph_first, lines))

    def add(self, quads: Iterable[str]) -> None:
        """Adds statements of data graphs, given as lines of N-Quads with literals as a store writes them."""
        for lines in batched(quads):
            self._quads.add(map(_graph_first, lines))
            self._merged.add(map(without_graph, lines))

    def graphs(self) -> Iterator[tuple[NamedNode, list[str]]]:
        """Yields the named graphs in order of IRI, each with its triples as sorted lines, some at a time."""
        return self._by_graph(self._quads.batches())

    def merged(self) -> Iterator[list[str]]:
        """Yields the triples of the default graph as sorted lines, some at a time."""
        if not self._is_merged:
            for _ in self.graphs():
                pass
        return self._merged.batches()

    def count(self, names: Iterable[NamedNode] = ()) -> DatasetCounts:
        """Returns the counts that `catalog.count` gives for a store; `names` are those of graphs that may be empty."""
        graphs = Counter({graph.value: 0 for graph in (CATALOG_GRAPH, *names)})
        for graph, lines in self._by_graph(self._quads.joined()):
            graphs[graph.value] += len(lines)
        return replace(_counted(self._merged.joined()), graphs=graphs)

    def about(self, subjects: Iterable[str]) -> Store:
        """Returns a store with the statements about these subjects, given as in N-Triples, in two graphs.

        These are the default graph and that of the description. The statements have been counted.
        """
        beginnings, catalog = [f"{subject} " for subject in subjects], f"{CATALOG_GRAPH.value} "
        described = self._quads.starting_with(catalog + beginning for beginning in beginnings)
        quads = with_graph((line[len(catalog) :] for line in described), CATALOG_GRAPH)
        store = Store()
        store.extend(parse("".join([*quads, *self._merged.starting_with(beginnings)]), RdfFormat.N_QUADS, lenient=True))
        return store

    def close(self) -> None:
        """Removes the files."""
        self._quads.close()
        self._merged.close()

    def _by_graph(self, batches: Iterable[list[str]]) -> Iterator[tuple[NamedNode, list[str]]]:
        """Yields sorted quads by graph; notes the triples of the default graph if nothing has."""
        for batch in batches:
            start = 0
            while start < len(batch):
                name = batch[start][: batch[start].index(" ")]
                # In the order of characters, "!" follows the space after the name.
                end = bisect_left(batch, f"{name}!", start)
                graph, lines = NamedNode(name), [line[len(name) + 1 :] for line in batch[start:end]]
                # The default graph is the merge of the data alone.
                if not self._is_merged and graph not in NOT_DATA:
                    self._merged.add(lines)
                yield graph, lines
                start = end
        self._is_merged = True


def _counted(batches: Iterable[list[str]]) -> DatasetCounts:
    """Returns the counts of sorted triples, which are the default graph."""
    properties, subjects, entities, last, last_typed = Counter[str](), 0, 0, "", ""
    classes, links, publishers, dates = Counter[str](), Counter[str](), list[NamedNode](), set[str]()
    for line in chain.from_iterable(batches):
        subject, predicate, value = line.split(" ", 2)
        properties[predicate] += 1
        if subject != last:
            subjects, last = subjects + 1, subject
        if predicate == _TYPE:
            # A hash node is part of its entity, not an entity of its own.
            entities += subject != last_typed and subject.startswith(_ENTITY) and "#" not in subject
            classes[value[1:-4]] += value.startswith("<")
            last_typed = subject
        elif predicate == _SAME_AS:
            links[linkset_to(value[1:-4])] += value.startswith("<")
        elif predicate in _COVERED:
            dates.add(value)
        elif predicate == _PUBLISHER and subject == _DATASET and value.startswith("<"):
            publishers.append(NamedNode(value[1:-4]))
    first, last_date = _ends(dates)
    return DatasetCounts(
        triples=properties.total(),
        subjects=subjects,
        entities=entities,
        classes=+classes,
        properties=Counter({predicate[1:-1]: number for predicate, number in properties.items()}),
        links=Counter({name: number for name, number in links.items() if name and number}),
        first=first,
        last=last_date,
        publishers=tuple(sorted(publishers, key=lambda node: node.value)),
    )


def _ends(values: Iterable[str]) -> tuple[str, str]:
    """Returns the first and the last text of objects, given as the ends of lines; as SPARQL, none with a blank node."""
    text = "".join(f"<x:s> <x:p> {value}" for value in values)
    terms = [triple.object for triple in parse(text, RdfFormat.N_TRIPLES, lenient=True)]
    texts = [term.value for term in terms if isinstance(term, Literal | NamedNode)]
    return (min(texts), max(texts)) if texts and len(texts) == len(terms) else ("", "")


def _graph_first(line: str) -> str:
    """Returns the line of a quad as the IRI of its graph, a space, and the line of its triple."""
    triple, _, graph = line.rpartition(" <")
    return f"{graph[:-4]} {triple} .\n"
