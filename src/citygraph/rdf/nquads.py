"""N-Quads in a defined order: sorted lines in constant memory, an order-independent digest, gzip files and patches."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, groupby, islice, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TypeVar, cast

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.saving import naming_full_disk

_Item = TypeVar("_Item")

# AdHash (Bellare and Micciancio, 1997): the sum of the members' hashes. The modulus must be large for
# collisions to be infeasible, hence 2,048 bits of SHAKE-256 for each quad.
_BYTES = 256
_MODULUS = 1 << (8 * _BYTES)


class SetDigest:
    """The digest of a set of quads. With `total`, it can be continued later."""

    def __init__(self, total: int = 0) -> None:
        self.total = total

    def add(self, quads: Iterable[Quad]) -> int:
        """Adds quads that are not in the set, and returns their number."""
        count = 0
        for batch in batched(quads):
            count += len(batch)
            self.add_encoded(str(quad).encode() for quad in batch)
        return count

    def add_encoded(self, quads: Iterable[bytes]) -> None:
        """Adds quads that are not in the set, given as lines of N-Quads in UTF-8 without their ends."""
        self.total = (self.total + sum(map(_hash, quads))) % _MODULUS

    def remove(self, quads: Iterable[Quad]) -> int:
        """Removes quads that are in the set, and returns their number."""
        count = 0
        for count, quad in enumerate(quads, 1):  # noqa: B007 - the count outlives the loop
            self.total = (self.total - _hash(str(quad).encode())) % _MODULUS
        return count

    @property
    def hex(self) -> str:
        """The digest: 64 hexadecimal digits."""
        return hashlib.sha256(self.total.to_bytes(_BYTES, "big")).hexdigest()


def _hash(quad: bytes) -> int:
    return int.from_bytes(hashlib.shake_256(quad).digest(_BYTES), "big")


# An RDF Patch from the store of the parent to that of this release, default graph included.
PATCH = "changes/store.rdfp.gz"
_END = " .\n"
_RUN = 200_000  # lines that are sorted in memory at a time: some 50 MB
_BATCH = 10_000
_BUFFER = 1 << 20
_AFTER_ALL = "\U0010ffff"  # no line begins with the last character
_BLOCK = 1 << 18  # characters of each run that are in memory while the runs are merged
# Level 9 takes three times as long for 4 % less.
_LEVEL = 6


class SortedLines:
    """An external merge sort: lines in order of characters, each once. Files of `folder` hold what exceeds memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = TemporaryDirectory(dir=folder, prefix="sort-")
        self._files = 0
        self._runs: list[Path] = []
        self._last = ""  # the last line of the newest run
        self._lines: list[str] = []
        self._starts: list[tuple[str, int]] = []  # of the parts of the joined file: the first line, and its offset

    def add(self, lines: Iterable[str]) -> None:
        """Adds lines in any order."""
        self._lines.extend(lines)
        if len(self._lines) >= _RUN:
            ordered = _in_order(self._lines)
            # Lines that are added in order need a single run.
            if not self._runs or ordered[0] <= self._last:
                self._runs.append(self._new_file())
            with self._runs[-1].open("a", encoding="utf-8", newline="\n") as run:
                run.writelines(ordered)
            self._last = ordered[-1]
            self._lines.clear()

    def add_graph(self, store: Store, graph: NamedNode) -> None:
        """Adds the triples of a graph as lines of N-Triples."""
        for lines in triples_of(store, graph, Path(self._folder.name)):
            self.add(lines)

    def batches(self) -> Iterator[list[str]]:
        """Yields the lines in order, some at a time."""
        with ExitStack() as stack:
            runs = [stack.enter_context(run.open(encoding="utf-8", newline="\n")) for run in self._runs]
            yield from _merged([*map(_blocks, runs), batched(_in_order(self._lines))])

    def joined(self) -> Iterator[list[str]]:
        """Yields the same as `batches`. After the last line, one file replaces the runs, and is read faster."""
        path, offset = self._new_file(), 0
        self._starts = []
        with path.open("wb") as file:
            for batch in self.batches():
                self._starts.append((batch[0], offset))
                offset += file.write("".join(batch).encode())
                yield batch
        for run in self._runs:
            run.unlink()
        self._runs, self._last = [path], _AFTER_ALL
        self._lines.clear()

    def starting_with(self, beginnings: Iterable[str]) -> Iterator[str]:
        """Yields the lines with one of these beginnings, none of which begins another.

        All lines have been `joined`; it does not find those that were added since. Few parts of the file are read.
        """
        starts, loaded, lines = [line for line, _ in self._starts], -1, list[str]()
        for beginning in sorted(beginnings):
            for number in range(max(bisect_right(starts, beginning) - 1, 0), len(starts)):
                if number != loaded:
                    loaded, lines = number, self._joined_part(number)
                first = bisect_left(lines, beginning)
                found = list(takewhile(lambda line: line.startswith(beginning), islice(lines, first, None)))  # noqa: B023
                yield from found
                if first + len(found) < len(lines):
                    break

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self.batches())

    def close(self) -> None:
        """Removes the files. Iterating is not possible any more."""
        self._lines.clear()
        self._folder.cleanup()

    def _joined_part(self, number: int) -> list[str]:
        offset = self._starts[number][1]
        size = self._starts[number + 1][1] - offset if number + 1 < len(self._starts) else -1
        with self._runs[0].open("rb") as file:
            file.seek(offset)
            return io.StringIO(file.read(size).decode(), newline="\n").readlines()

    def _new_file(self) -> Path:
        self._files += 1
        return Path(self._folder.name, str(self._files))


def _in_order(lines: Iterable[str]) -> list[str]:
    # Neighbours are compared in a fifth of the time in which a dict hashes them.
    return [line for line, _ in groupby(sorted(lines))]


def batched(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Yields the items in lists, so that derived values do not need memory for all items at once."""
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _blocks(text: IO[str]) -> Iterator[list[str]]:
    return iter(partial(text.readlines, _BLOCK), [])


def _merged(runs: list[Iterator[list[str]]]) -> Iterator[list[str]]:
    """Yields the lines of runs in order, each once. Each run is in order, and so needs one block in memory."""
    blocks = [next(run, []) for run in runs]
    while any(blocks):
        # No block that is still to be read has a line before this one. (Sorting joins ordered lists quickly.)
        last = min(block[-1] for block in blocks if block)
        ends = [bisect_right(block, last) for block in blocks]
        parts = [block[:end] for block, end in zip(blocks, ends, strict=True) if end]
        yield _in_order(chain.from_iterable(parts)) if len(parts) > 1 else parts[0]
        for number, end in enumerate(ends):
            if end:
                blocks[number] = blocks[number][end:] or next(runs[number], [])


def named_graphs(store: Store) -> list[NamedNode]:
    """Returns the named graphs of a store, sorted by IRI."""
    return sorted((g for g in store.named_graphs() if isinstance(g, NamedNode)), key=lambda graph: graph.value)


def as_line(quad: Quad) -> str:
    """Returns the quad as a line of N-Quads."""
    return f"{quad}{_END}"


def with_graph(lines: Iterable[str], graph: NamedNode) -> list[str]:
    """Returns the lines of quads, made from those of their triples."""
    end, triple = f" {graph}{_END}", slice(-len(_END))
    return [line[triple] + end for line in lines]


def encoded_quads(lines: Iterable[str], graph: NamedNode) -> list[bytes]:
    """Returns quads as lines in UTF-8 without their ends, made from the lines of their triples."""
    name, triple = f" {graph}", slice(-len(_END))
    return [(line[triple] + name).encode() for line in lines]


def joined_lines(quads: list[bytes]) -> bytes:
    """Returns the text of lines that were made without their ends."""
    return _END.encode().join([*quads, b""])


def without_graph(line: str) -> str:
    """Returns the line of a triple, made from that of its quad in a graph with an IRI."""
    return line[: line.rindex(" <")] + _END


def graph_of(line: str) -> str:
    """Returns the IRI of the graph of a line. (An IRI contains neither a space nor <.)"""
    return line[line.rindex(" <") + 2 : -len(_END) - 1]


class ByteStream:
    """Pieces of bytes as a binary stream, for the engine to read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = io.BytesIO()

    def read(self, size: int) -> bytes:
        """Returns up to so many bytes; none at the end."""
        while not (read := self._piece.read(size)) and (piece := next(self._pieces, None)) is not None:
            self._piece = io.BytesIO(piece)
        return read


class LineStream(ByteStream):
    """Lines as a binary stream, for the engine to read."""

    def __init__(self, lines: Iterable[str]) -> None:
        super().__init__("".join(some).encode() for some in batched(lines))


def subject_of(line: str) -> str:
    """Returns the IRI of the line's subject; empty for a blank node."""
    return line[1 : line.index(">")] if line.startswith("<") else ""


def triples_of(store: Store, graph: NamedNode, folder: Path) -> Iterator[list[str]]:
    """Yields the triples of a graph as lines of N-Triples, some at a time, from a temporary file in `folder`."""
    path = folder / "graph.nt"
    # The engine writes lines in half of the time in which Python makes them of quads.
    store.dump(str(path), RdfFormat.N_TRIPLES, from_graph=graph)
    with path.open(encoding="utf-8", newline="\n") as text:
        yield from _blocks(text)
    path.unlink()


def lines_of(store: Store, folder: Path) -> Iterator[str]:
    """Yields the quads of the named graphs as lines, sorted by graph and then by characters, as in a release's dump."""
    for graph in named_graphs(store):
        lines = SortedLines(folder)
        try:
            lines.add_graph(store, graph)
            for batch in lines.batches():
                yield from with_graph(batch, graph)
        finally:
            lines.close()


@contextmanager
def packed(path: Path) -> Iterator[IO[bytes]]:
    """Opens a gzip file for writing, without time or name in it: equal content gives equal bytes.

    Raises OSError with the name of the file, also if the disk becomes full.
    """
    with (
        naming_full_disk(path),
        path.open("wb") as raw,
        # A file name or a time in the header would make equal content differ (RFC 1952, section 2.3).
        gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as compressed,
        io.BufferedWriter(cast(io.RawIOBase, compressed), _BUFFER) as buffered,
    ):
        yield buffered


@contextmanager
def open_gzip_text(path: Path) -> Iterator[IO[str]]:
    """Opens a gzip file of UTF-8 text for writing."""
    with packed(path) as binary, io.TextIOWrapper(binary, encoding="utf-8", newline="\n") as text:
        yield text


@contextmanager
def unpacked(path: Path) -> Iterator[IO[str]]:
    """Opens a gzip file of UTF-8 text for reading."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as text:
        yield text


def write_patch(folder: Path, added: Iterable[str], removed: Iterable[str]) -> None:
    """Writes the lines of N-Quads in which the store of a release differs from its parent's."""
    (folder / PATCH).parent.mkdir(exist_ok=True)
    with open_gzip_text(folder / PATCH) as out:
        out.writelines(f"D {line}" for line in removed)
        out.writelines(f"A {line}" for line in added)


def patched_ancestors(release: Path) -> Iterator[tuple[Path, str]]:
    """Yields this release and its ancestors as long as each has a patch, with the name of its parent."""
    # An ancestor may have been pruned, or may be pruned at this moment.
    with suppress(OSError, KeyError, ValueError):
        while (release / PATCH).is_file():
            parent = str(json.loads((release / "manifest.json").read_text(encoding="utf-8"))["parent"])
            yield release, parent
            release = release.parent / parent


def apply_patch(folder: Path, store: Store) -> None:
    """Turns a store that equals the parent of a release into one that equals the release.

    Raises OSError or SyntaxError if the patch cannot be read.
    """
    with unpacked(folder / PATCH) as rows:
        for operation, group in groupby(rows, lambda row: row[0]):
            quads = parse("".join(row[2:] for row in group), RdfFormat.N_QUADS, lenient=True)
            if operation == "A":
                store.extend(quads)
            else:
                for quad in quads:
                    store.remove(quad)
