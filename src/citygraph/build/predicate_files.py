"""The triples of a graph as files of N-Triples, one for each predicate and class: a query reads only some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from pyoxigraph import RdfFormat, Store, parse

from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import RDF

_TYPE = str(RDF("type"))
# The triples of further predicates and classes share one file.
_MOST_FILES = 2000
_REST = ("", "")
# A predicate, and for rdf:type a class, both as in N-Triples.
Key = tuple[str, str]


class LineFile:
    """A file of canonical N-Triples that grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0  # lines
        self._has_blank = False

    def append(self, lines: Sequence[str]) -> None:
        """Adds lines."""
        text = "".join(lines)
        self.size += len(lines)
        self._has_blank = self._has_blank or "_:" in text
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)

    def load_into(self, store: Store) -> None:
        """Adds the triples to the default graph of a store."""
        if self._has_blank:
            # `bulk_load` would give blank nodes other labels.
            store.bulk_extend(parse(path=self.path, format=RdfFormat.N_TRIPLES, lenient=True))
        elif self.size:
            store.bulk_load(path=self.path, format=RdfFormat.N_TRIPLES, lenient=True)

    def __iter__(self) -> Iterator[str]:
        if self.size:
            with self.path.open(encoding="utf-8", newline="\n") as lines:
                yield from lines


class PredicateFiles:
    """The files of a graph by predicate, and by class for rdf:type."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Key, LineFile] = {}

    @property
    def size(self) -> int:
        """The number of lines."""
        return sum(file.size for file in self._files.values())

    def add(self, lines: Iterable[str]) -> None:
        """Adds canonical lines of N-Triples."""
        for batch in batched(lines):
            by_key: dict[Key, list[str]] = {}
            for line in batch:
                by_key.setdefault(key_of(line), []).append(line)
            for key, some in by_key.items():
                self._file(key).append(some)

    def select(self, predicate: str = "", class_: str = "") -> list[LineFile]:
        """Returns the files that have all triples with this predicate, and with this class; "" is any."""
        class_ = class_ if predicate == _TYPE else ""
        return [
            file
            for (its_predicate, its_class), file in self._files.items()
            if (predicate in ("", its_predicate) and class_ in ("", its_class)) or not its_predicate
        ]

    def remove(self) -> None:
        """Removes the files and their folder."""
        for file in self._files.values():
            file.path.unlink()
        self._folder.rmdir()

    def _file(self, key: Key) -> LineFile:
        if key not in self._files:
            key = key if len(self._files) < _MOST_FILES else _REST
            self._files.setdefault(key, LineFile(self._folder / f"{len(self._files)}.nt"))
        return self._files[key]


def key_of(line: str) -> Key:
    """Returns the predicate of a line of N-Triples, and for rdf:type the class."""
    _, predicate, value = line.split(" ", 2)
    return predicate, value[:-3] if predicate == _TYPE else ""


def subject_of(line: str) -> str:
    """Returns the subject of a line as in N-Triples."""
    return line[: line.index(" ")]


def split_by_subject(files: Iterable[LineFile], number: int, folder: Path, name: str) -> list[list[LineFile]]:
    """Returns files with the same triples in so many groups; a subject is in one group, which its text determines."""
    if number == 1:
        return [list(files)]
    groups = [LineFile(folder / f"{name}-{group}.nt") for group in range(number)]
    for file in files:
        for batch in batched(file):
            lines: list[list[str]] = [[] for _ in groups]
            for line in batch:
                lines[crc32(subject_of(line).encode()) % number].append(line)
            for group, some in zip(groups, lines, strict=True):
                group.append(some)
    return [[group] for group in groups]
