"""The triples of a file in columns of numbers, one column for each predicate and class.

Terms are represented by their hashes: two terms with the same hash only make a result larger.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from citygraph.build.patterns import Term, Variable
from citygraph.rdf.terms import RDF

_TYPE = str(RDF("type"))
Numbers = set[int]
Row = tuple[int, int, int]
# To look up a term costs as much as to read this many rows.
_LOOKUP = 12


@dataclass
class PredicateColumn:
    """The triples of one predicate: the numbers of their subjects and objects, and of their lines."""

    subjects: array[int] = field(default_factory=lambda: array("q"))
    objects: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("I"))
    is_sorted: bool = False

    def rows(self, subjects: Numbers | None = None, objects: Numbers | None = None) -> Iterator[Row]:
        """Yields subject, object and line of triples: at least of those with these terms, of which None is any."""
        if self.is_sorted and subjects is not None:
            return self._about(subjects)
        if self.is_sorted and objects is not None and len(objects) * _LOOKUP < len(self.objects):
            return self._with(objects)
        return zip(self.subjects, self.objects, self.lines, strict=True)

    def sort(self) -> None:
        """Sorts the triples by subject, so that `rows` does not read all of them for a few terms."""
        if not self.is_sorted:
            order = _order(self.subjects)
            self.objects = array("q", map(self.objects.__getitem__, order))
            self.lines = array("I", map(self.lines.__getitem__, order))
            self.subjects = array("q", map(self.subjects.__getitem__, order))
            self.is_sorted = True

    def _about(self, subjects: Numbers) -> Iterator[Row]:
        if not subjects:
            return
        # The subjects of a part follow each other.
        begin, end = bisect_left(self.subjects, min(subjects)), bisect_right(self.subjects, max(subjects))
        if end - begin < _LOOKUP * len(subjects):
            yield from zip(self.subjects[begin:end], self.objects[begin:end], self.lines[begin:end], strict=True)
            return
        for subject in subjects:
            place = bisect_left(self.subjects, subject, begin, end)
            while place < end and self.subjects[place] == subject:
                yield subject, self.objects[place], self.lines[place]
                place += 1

    def _with(self, objects: Numbers) -> Iterator[Row]:
        for value in objects:
            begin = bisect_left(self._by_object, value, key=self.objects.__getitem__)
            end = bisect_right(self._by_object, value, begin, key=self.objects.__getitem__)
            for place in self._by_object[begin:end]:
                yield self.subjects[place], value, self.lines[place]

    @cached_property
    def _by_object(self) -> array[int]:
        return _order(self.objects)


def _order(numbers: array[int]) -> array[int]:
    """Returns the places of the numbers, sorted by number and then by place."""
    return array("I", sorted(range(len(numbers)), key=numbers.__getitem__))


class TripleTable:
    """The terms of a file of canonical N-Triples as numbers, by predicate."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._columns: dict[tuple[str, str], PredicateColumn] = {}
        self.blanks: Numbers = set()
        self.size = 0
        # The bytes before each line, and before the end.
        self.starts = array("Q", [0])
        self.add(lines)

    def add(self, lines: Iterable[str]) -> None:
        """Adds the next lines of the file."""
        end = self.starts[-1]
        for line in lines:
            end += len(line) if line.isascii() else len(line.encode())
            self.starts.append(end)
            subject, predicate, value = line[:-3].split(" ", 2)
            # Most patterns about classes are about one class.
            class_ = value if predicate == _TYPE else ""
            column = self._columns.get((predicate, class_))
            if column is None:
                column = self._columns[predicate, class_] = PredicateColumn()
            # As in `number_of`.
            column.subjects.append(hash(subject) & -2)
            column.objects.append(hash(value) | 1 if value[0] == '"' else hash(value) & -2)
            column.lines.append(self.size)
            self.size += 1
            if subject[0] == "_" or value[0] == "_":
                self.blanks.update(number_of(term) for term in (subject, value) if term[0] == "_")

    def columns(
        self, predicate: Term | Variable | None = None, value: Term | Variable | None = None
    ) -> list[PredicateColumn]:
        """Returns the columns that can have triples with this predicate and object; None is any."""
        name = "" if predicate is None or isinstance(predicate, Variable) else str(predicate)
        class_ = "" if value is None or isinstance(value, Variable) or name != _TYPE else str(value)
        return [
            column
            for (its_name, its_class), column in self._columns.items()
            if name in ("", its_name) and class_ in ("", its_class)
        ]

    def sort(self) -> None:
        """Sorts the columns, for many lookups of a few terms each."""
        for column in self._columns.values():
            column.sort()

    def terms(self, with_literals: bool) -> Numbers:
        """Returns all subjects and objects."""
        terms: Numbers = set()
        for column in self.columns():
            terms.update(column.subjects)
            terms.update(number for number in column.objects if with_literals or not number & 1)
        return terms


def number_of(term: str) -> int:
    """Returns the number of a term that is given as in N-Triples. Those of literals are odd."""
    return hash(term) | 1 if term[0] == '"' else hash(term) & -2
