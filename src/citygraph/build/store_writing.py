"""A process that writes a store to the disk, while the build continues in memory.

This module is also that program: it takes the folder of the store as an argument. It reads the names of files of
N-Quads on standard input, an empty line, the names of the graphs, and another empty line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, cast

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.catalog import add_description, describe, description_of
from citygraph.build.dependencies import Unbounded
from citygraph.build.excerpts import Excerpts
from citygraph.build.filed_quads import FiledQuads
from citygraph.build.graph_files import GraphFiles, as_stored
from citygraph.build.key_parts import KeyParts
from citygraph.build.sorted_graphs import SortedGraphs
from citygraph.errors import CitygraphError
from citygraph.index.facts import QuadsByPredicate, StoredQuads
from citygraph.parent import die_with_parent
from citygraph.rdf.nquads import ByteStream, as_line, batched, named_graphs, with_graph, without_graph
from citygraph.rdf.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH
from citygraph.release.outputs import OutputFile
from citygraph.source.rules import DATES, Rule, derive_in_parts, year_before_newest_source

# Quads of a file: the memory for a whole large store at once would be many times as much.
_CHUNK = 200_000
# Files that are loaded one by one: together they have three million quads.
_MOST_ALONE = 15


class StoreWriting:
    """The writing of a store into a folder by another process; leaving the context ends it."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._files = 0
        self._lines: list[str] = []
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.build.store_writing", str(target), str(os.getpid())],
            stdin=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def add(self, lines: Iterable[str]) -> None:
        """Takes quads as lines of N-Quads; the other process gets them when there are enough."""
        self._lines.extend(lines)
        if len(self._lines) >= _CHUNK:
            self._send_lines()

    def finish(self, graphs: Iterable[NamedNode]) -> None:
        """Ends the stream with the names of all graphs, because an empty graph has no quads."""
        self._send_lines()
        self._send(["", *(graph.value for graph in graphs), ""])

    def _send_lines(self) -> None:
        self._files += 1
        path = self.target.with_name(f"{self.target.name}-{self._files}.nq")
        with path.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(self._lines)
        self._lines.clear()
        self._send([str(path)])

    def _send(self, lines: Iterable[str]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):  # it has ended early; `wait` has the reason
            self._process.stdin.write("".join(f"{line}\n" for line in lines))
            self._process.stdin.flush()

    def is_done(self) -> bool:
        """Returns whether the store is on the disk."""
        return self._process.poll() == 0

    def wait(self) -> None:
        """Returns when the store is on the disk. Raises CitygraphError if it could not be written."""
        if self._process.wait() != 0:
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines() or [f"it ended with {self._process.returncode}"]
            raise CitygraphError(f"the store could not be written: {lines[-1]}")

    def __enter__(self) -> StoreWriting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process that has ended early cannot be sent what was left to send.
        with suppress(BrokenPipeError), self._process:
            self._process.kill()
        self._errors.close()


class StoreFilling:
    """The store that a build fills, and the file of its triples as N-Triples.

    With `writing`, the store is in memory, and the other process gets each statement. A large graph is in the memory of
    neither: the store has only the ontology and the shapes, all graphs are in `files` too, and the rules are evaluated
    on excerpts from them.
    """

    def __init__(self, store: Store, merged: Path, writing: StoreWriting | None = None, is_large: bool = False) -> None:
        self.store = store
        self.merged = merged
        self.writing = writing
        self.is_large = is_large
        self.files = GraphFiles(self._folder) if writing and is_large else None
        self._sorted: SortedGraphs | None = None

    @property
    def _folder(self) -> Path:
        return self.merged.with_suffix(".parts")

    def note_loaded(self, triples: list[str], quads: list[str]) -> None:
        """Notes statements of a file, given as lines of the named graphs and of the default graph."""
        if self.files:
            self.files.add(quads)
        self._note(triples, quads)

    def append(self, quads: Iterable[Quad]) -> None:
        """Notes statements of data graphs that are in no file."""
        for batch in batched(map(as_line, quads)):
            triples = [without_graph(line) for line in batch]
            self._append(triples)
            self.note_loaded(triples, batch)

    def append_lines(self, lines: list[str], graph: NamedNode) -> None:
        """Notes triples of a graph and of the default graph, given as lines of N-Triples."""
        self._append(lines)
        if self.files:
            # Of a large graph, they are as a store writes them.
            self.files.add_triples(lines if self.is_large else as_stored(lines), graph)
        self._note(lines, with_graph(lines, graph))

    def _append(self, triples: list[str]) -> None:
        with self.merged.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(triples)

    def _note(self, triples: list[str], quads: list[str]) -> None:
        if self._sorted:
            self._sorted.add(as_stored(quads))
        if self.writing:
            self.writing.add(triples)
            self.writing.add(quads)

    def year_before_newest_source(self) -> str:
        """Returns the day that rules may name. (All data have been loaded.)"""
        return year_before_newest_source(self._excerpts().triples_with(*DATES) if self.is_large else self.store)

    def derive(self, rule: Rule, year_before: str) -> Iterator[list[str]]:
        """Yields the new triples of a rule as lines of N-Triples, some at a time, and notes them."""
        for lines in self._derived(rule, year_before):
            self.append_lines(lines, DERIVED_GRAPH)
            yield lines

    def _derived(self, rule: Rule, year_before: str) -> Iterator[list[str]]:
        if self.is_large:
            try:
                yield from self._excerpts().derive(rule, year_before)
                return
            except Unbounded:
                self.open_on_disk()
        yield from derive_in_parts(rule, self.store, year_before)

    def _excerpts(self) -> Excerpts:
        assert self.files is not None  # noqa: S101 - a large graph is in files
        return Excerpts(self.files, self._ontology(), self.merged.parent)

    def bound_memory(self, most: int) -> None:
        """Keeps no data in memory any more if the triples have more than `most` bytes."""
        if self.writing and not self.is_large and self.merged.stat().st_size > most:
            store, self.store = self.store, Store()
            self.files = GraphFiles(self._folder)
            self.files.add_store(store)
            for graph in named_graphs(store):
                self.store.add_graph(graph)
            self.store.extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
            self.is_large = True

    def open_on_disk(self) -> None:
        """Waits for the other process, and continues with its store, if the data are not in memory."""
        if self.writing and self.is_large:
            self.writing.finish(named_graphs(self.store))
            self.writing.wait()
            self.store = Store(str(self.writing.target))
            self.writing, self.is_large = None, False

    def describe(self, tables: Sequence[OutputFile]) -> tuple[list[Quad], dict[str, int]]:
        """Adds the description of the statements, and returns what `catalog.describe` does."""
        if not self.files:
            description, graphs = describe(self.store, tables)
        else:
            lines = self.sorted_graphs()
            counts = lines.count(named_graphs(self.store))
            description, graphs = description_of(counts, tables, cache(lines.about))
            if not self.writing:
                add_description(description, self.store)
        self.append(description)
        return description, graphs

    def sorted_graphs(self) -> SortedGraphs:
        """Returns all graphs as sorted lines, to which further statements are added. It is to be closed."""
        if not self._sorted:
            self._sorted = SortedGraphs(self.merged.parent)
            if self.files:
                self._sorted.add_files(self.files)
            else:
                self._sorted.add_store(self.store)
        return self._sorted

    def key_parts(self) -> KeyParts | None:
        """Returns the graph in files, for queries on some keys at a time; None if there are no files."""
        return KeyParts(self.files, self._ontology(), self.merged.parent) if self.files else None

    def _ontology(self) -> Iterator[Quad]:
        return self.store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH)

    def finish(self) -> None:
        """Ends the stream to the other process; merges the files of a store on the disk."""
        if self.writing:
            self.writing.finish(named_graphs(self.store))
        else:
            # As in `write_store`: all later steps of the build and the server read fewer files.
            self.store.optimize()

    def by_predicate(self) -> QuadsByPredicate:
        """Returns all statements by predicate, from the files if there are any."""
        return FiledQuads(self.files) if self.files else StoredQuads(self.open_store())

    def open_store(self) -> Store:
        """Returns the store with all statements. If it is not in memory, waits until it is on the disk."""
        if self.writing and self.is_large:
            self.writing.wait()
            self.store = Store.read_only(str(self.writing.target))
            self.is_large = False
        return self.store

    def remove_files(self) -> None:
        """Removes the files of the graphs: all that is made from them has been made."""
        if self._sorted:
            self._sorted.close()
            self._sorted = None
        if self.files:
            self.files.remove()
            self.files = None

    def end(self) -> None:
        """Closes the store when all of it is on the disk."""
        if self.writing:
            self.writing.wait()
        self.store = Store()

    def close(self) -> None:
        """Closes a store on the disk, whose files then do not change any more."""
        self.store.flush()
        self.store = Store()


def write_store(files: Iterable[Path], target: Path, graphs: Iterable[str], most_alone: int = _MOST_ALONE) -> None:
    """Makes a store in a folder from files of N-Quads, each of which must fit into memory, and removes the files.

    Up to `most_alone` files are loaded one by one, in 0.3 GB of memory, and further ones together, in 1.7 GB. The
    graphs are read after the files.
    """
    store = Store(str(target))
    texts = map(_taken, files)
    for text in islice(texts, most_alone):
        if _has_blank_nodes(text):
            _load_with_labels(store, text)
        else:
            store.bulk_load(text, RdfFormat.N_QUADS, lenient=True)
    for with_blank_nodes, some in groupby(texts, _has_blank_nodes):
        if with_blank_nodes:
            for text in some:
                _load_with_labels(store, text)
        else:
            _load_together(store, some)
    for graph in graphs:
        store.add_graph(NamedNode(graph))
    # Each load has made files of the store, all of which a lookup would have to read.
    store.optimize()
    store.flush()


def _taken(path: Path) -> bytes:
    text = path.read_bytes()
    path.unlink()
    return text


def _has_blank_nodes(text: bytes) -> bool:
    # As a term: the IRI of an article may contain the same signs.
    return text.startswith(b"_:") or b"\n_:" in text or b" _:" in text


def _load_with_labels(store: Store, text: bytes) -> None:
    # `bulk_load` would give blank nodes other labels. Lenient: the terms have been checked when they were read.
    store.bulk_extend(parse(text, RdfFormat.N_QUADS, lenient=True))


def _load_together(store: Store, texts: Iterable[bytes]) -> None:
    """Loads texts in one step, after which RocksDB merges their files once, and not again for each load.

    The engine holds up to a million quads in memory for each processor, and a million more that it parses. So it may
    see only one processor while it counts them, which it does before it reads. (Only Linux can limit them.)
    """
    processors = os.sched_getaffinity(0) if sys.platform == "linux" else None

    def read() -> Iterator[bytes]:
        if processors:
            os.sched_setaffinity(0, processors)
        yield from texts

    if processors:
        os.sched_setaffinity(0, {min(processors)})
    store.bulk_load(cast("IO[bytes]", ByteStream(read())), RdfFormat.N_QUADS, lenient=True)


def main() -> None:
    """Writes the store, and ends. `StoreWriting` starts this program."""
    die_with_parent(int(sys.argv[2]))
    # The end of the files, or of the graphs, is an empty line.
    lines = iter(lambda: sys.stdin.readline().rstrip("\n"), "")
    graphs = iter(lambda: sys.stdin.readline().rstrip("\n"), "")
    write_store(map(Path, lines), Path(sys.argv[1]), graphs)


if __name__ == "__main__":
    main()
