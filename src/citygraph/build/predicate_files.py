"""Statements as files of lines, one for each predicate and class: a query reads only some of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zlib import crc32

from pyoxigraph import RdfFormat, Store, parse

from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import RDF

_TYPE = str(RDF("type"))
# The triples of further predicates and classes share one file.
_MOST_FILES = 2000
_REST = ("", "")
# Lines of a divided graph that wait in memory for each of its files, and for all: to open a file takes as long as many.
_WAITING, _MOST_WAITING = 1000, 200_000
# A predicate, and for rdf:type a class, both as in N-Triples.
Key = tuple[str, str]


class LineFile:
    """A file of canonical N-Triples or N-Quads that grows."""

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
        """Adds the statements to a store, triples to its default graph."""
        if self._has_blank:
            # `bulk_load` would give blank nodes other labels.
            store.bulk_extend(parse(path=self.path, format=RdfFormat.N_QUADS, lenient=True))
        elif self.size:
            store.bulk_load(path=self.path, format=RdfFormat.N_QUADS, lenient=True)

    def __iter__(self) -> Iterator[str]:
        if self.size:
            with self.path.open(encoding="utf-8", newline="\n") as lines:
                yield from lines


class LineDivision:
    """Files among which lines are divided. Each is written when enough lines wait for it, and at the end."""

    def __init__(self, files: Sequence[LineFile]) -> None:
        self.files = files
        self._waiting: list[list[str]] = [[] for _ in files]
        self._most = min(_WAITING, _MOST_WAITING // max(1, len(files)))

    def add(self, lines: Mapping[int, Sequence[str]]) -> None:
        """Adds lines to files, by the numbers of these."""
        for number, some in lines.items():
            waiting = self._waiting[number]
            waiting += some
            if len(waiting) >= self._most:
                self._write(number)

    def finish(self) -> None:
        """Writes the lines that still wait."""
        for number, waiting in enumerate(self._waiting):
            if waiting:
                self._write(number)

    def _write(self, number: int) -> None:
        self.files[number].append(self._waiting[number])
        self._waiting[number].clear()


class PredicateFiles:
    """Files of N-Triples or N-Quads by predicate, and by class for rdf:type; `folder` exists and is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Key, LineFile] = {}

    @property
    def size(self) -> int:
        """The number of lines."""
        return sum(file.size for file in self._files.values())

    def add(self, lines: Iterable[str]) -> None:
        """Adds canonical lines."""
        for batch in batched(lines):
            for key, some in by_key(batch).items():
                self.append(key, some)

    def append(self, key: Key, lines: Sequence[str]) -> None:
        """Adds canonical lines with this key."""
        self._file(key).append(lines)

    def select(self, predicate: str = "", class_: str = "") -> list[LineFile]:
        """Returns the files that have all statements with this predicate, and with this class; "" is any.

        Predicate and class are as in N-Triples, such as "<http://…>". A file may have statements with others too.
        """
        class_ = class_ if predicate == _TYPE and not class_.startswith('"') else ""
        return [
            file
            for (its_predicate, its_class), file in self._files.items()
            if (predicate in ("", its_predicate) and class_ in ("", its_class)) or not its_predicate
        ]

    def select_any(self, keys: Iterable[Key]) -> list[LineFile]:
        """Returns the files that have all statements with one of these predicates and classes, each once."""
        return [*{file.path: file for key in keys for file in self.select(*key)}.values()]

    def _file(self, key: Key) -> LineFile:
        if key not in self._files:
            key = key if len(self._files) < _MOST_FILES else _REST
            self._files.setdefault(key, LineFile(self._folder / f"{len(self._files)}.nt"))
        return self._files[key]


def by_key(lines: Iterable[str]) -> dict[Key, list[str]]:
    """Returns the lines in groups with the same key."""
    groups: dict[Key, list[str]] = {}
    for line in lines:
        groups.setdefault(key_of(line), []).append(line)
    return groups


def key_of(line: str) -> Key:
    """Returns the predicate of a line, and for rdf:type the class. (A literal as class gives a part of its text.)"""
    _, predicate, value = line.split(" ", 2)
    return predicate, value[: value.index(" ")] if predicate == _TYPE else ""


def subject_of(line: str) -> str:
    """Returns the subject of a line as in N-Triples."""
    return line[: line.index(" ")]


def split_by_subject(
    files: Iterable[LineFile], number: int, folder: Path, name: str, containing: str = ""
) -> list[list[LineFile]]:
    """Returns files with the same statements in so many groups; a subject is in one, which its text determines.

    Of several groups, lines may be missing that do not contain a text.
    """
    if number == 1:
        return [list(files)]
    division = LineDivision([LineFile(folder / f"{name}-{group}.nt") for group in range(number)])
    for file in files:
        for batch in batched(file):
            lines: dict[int, list[str]] = {}
            for line in batch:
                if containing in line:
                    # (`subject_of`, without a function for each line)
                    lines.setdefault(crc32(line[: line.index(" ")].encode()) % number, []).append(line)
            division.add(lines)
    division.finish()
    return [[group] for group in division.files]
