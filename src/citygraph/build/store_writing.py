"""A process that writes a store to the disk, while the build that made it in memory goes on.

This module is also that program: it takes a file of N-Quads and the folder of the store as arguments, and the names of
the graphs on standard input, whose end says that the build has ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

from pyoxigraph import NamedNode, RdfFormat, Store, parse

from citygraph.errors import CitygraphError
from citygraph.parent import die_with_parent
from citygraph.rdf.nquads import named_graphs

# Quads that are loaded at a time: the memory for a whole large store at once would be many times as much.
_CHUNK = 200_000


class StoreWriting:
    """The writing of a store into a folder by another process; leaving the context ends it."""

    def __init__(self, store: Store, target: Path) -> None:
        self._quads = target.with_suffix(".nq")
        store.dump(str(self._quads), RdfFormat.N_QUADS)
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.build.store_writing", str(self._quads), str(target), str(os.getpid())],
            stdin=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self._process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):  # it has ended early, and `wait` says why
            # An empty graph has no quads that would create it.
            self._process.stdin.write("".join(f"{graph.value}\n" for graph in named_graphs(store)) + "\n")
            self._process.stdin.flush()

    def wait(self) -> None:
        """Returns when the store is on the disk. Raises CitygraphError if it could not be written."""
        if self._process.wait() != 0:
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines() or [f"it ended with {self._process.returncode}"]
            raise CitygraphError(f"the store could not be written: {lines[-1]}")
        self._quads.unlink()

    def __enter__(self) -> StoreWriting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()
        self._errors.close()


def write_store(quads: Path, target: Path, graphs: Iterable[str], chunk: int = _CHUNK) -> None:
    """Makes a store in a folder from a file of N-Quads, in memory that does not grow with the file."""
    store = Store(str(target))
    # Lenient: the terms have been checked when they were read. (`bulk_load` would give blank nodes other labels.)
    read = parse(path=quads, format=RdfFormat.N_QUADS, lenient=True)
    while part := list(islice(read, chunk)):
        store.bulk_extend(part)
    for graph in graphs:
        store.add_graph(NamedNode(graph))
    # Each chunk has made files of its own, all of which a lookup would have to read.
    store.optimize()
    store.flush()


def main() -> None:
    """Writes the store, and ends. `StoreWriting` starts this program."""
    die_with_parent(int(sys.argv[3]))
    graphs = list(iter(lambda: sys.stdin.readline().rstrip("\n"), ""))
    write_store(Path(sys.argv[1]), Path(sys.argv[2]), graphs)


if __name__ == "__main__":
    main()
