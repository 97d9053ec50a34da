"""The triples of a file on which the results of shapes can depend: far fewer than all.

The dependency paths of the shapes are followed from their focus nodes, for all nodes together. The result may be too
large, never too small. Terms are represented by their hashes: two terms with the same hash only make the result larger.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import compress
from operator import or_
from typing import Any

from citygraph.build.dependencies import QueryPatterns, Unbounded
from citygraph.build.patterns import KINDS, DependencyPaths, Pattern, Term, Variable, united
from citygraph.build.shape_dependencies import ShapePaths, shape_paths
from citygraph.rdf.terms import RDF, RDFS

_TYPE, _SUBCLASS, _LABEL = str(RDF("type")), RDFS("subClassOf"), RDFS("label")
_THIS = Variable("this")
Numbers = set[int]


@dataclass
class _Column:
    """The triples of one predicate: the numbers of their subjects and objects, and of their lines."""

    subjects: array[int] = field(default_factory=lambda: array("q"))
    objects: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("L"))

    def rows(self) -> Iterator[tuple[int, int, int]]:
        """Yields subject, object and line of each triple."""
        return zip(self.subjects, self.objects, self.lines, strict=True)


class TripleTable:
    """The terms of a file of canonical N-Triples as numbers, by predicate."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._columns: dict[tuple[str, str], _Column] = {}
        self.blanks: Numbers = set()
        self.size = 0
        for line in lines:
            subject, predicate, value = line[:-3].split(" ", 2)
            # Most patterns about classes are about one class.
            class_ = value if predicate == _TYPE else ""
            column = self._columns.get((predicate, class_))
            if column is None:
                column = self._columns[predicate, class_] = _Column()
            # As in `number_of`.
            column.subjects.append(hash(subject) & -2)
            column.objects.append(hash(value) | 1 if value[0] == '"' else hash(value) & -2)
            column.lines.append(self.size)
            self.size += 1
            if subject[0] == "_" or value[0] == "_":
                self.blanks.update(number_of(term) for term in (subject, value) if term[0] == "_")

    def columns(self, predicate: Term | Variable | None = None, value: Term | Variable | None = None) -> list[_Column]:
        """Returns the columns that can have triples with this predicate and object; None is any."""
        name = "" if predicate is None or isinstance(predicate, Variable) else str(predicate)
        class_ = "" if value is None or isinstance(value, Variable) or name != _TYPE else str(value)
        return [
            column
            for (its_name, its_class), column in self._columns.items()
            if name in ("", its_name) and class_ in ("", its_class)
        ]

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


class RelevantTriples:
    """The triples of a table that are read from some nodes, as far as dependency paths have been followed."""

    def __init__(self, table: TripleTable) -> None:
        self._table = table
        # For each line, whether it is read.
        self._read = bytearray(table.size)
        self._pivots: Numbers = set()

    def follow(self, paths: DependencyPaths, pivots: Numbers) -> None:
        """Adds the triples that the paths read from these nodes."""
        self._pivots |= pivots
        reached: list[dict[str, Numbers]] = [{paths.pivot: pivots}]
        for beginning, pattern, is_continued in paths.steps:
            reached.append(self._match_all(pattern, reached[beginning], is_continued))

    def _match_all(self, pattern: Pattern, bound: dict[str, Numbers], is_continued: bool) -> dict[str, Numbers]:
        """Adds the triples that match. Returns what their variables are bound to, if a longer path asks for it."""
        subjects, objects = (_candidates(term, bound) for term in (pattern.subject, pattern.object))
        found: tuple[Numbers, Numbers] = set(), set()
        # Where one match is enough, one for each known term.
        enough = (pattern.once or pattern.once_of_each) and (subjects is None) != (objects is None)
        known, seen = int(subjects is None), set[int]()
        can_match = subjects != set() and objects != set()
        for column in self._table.columns(pattern.predicate, pattern.object) if can_match else ():
            if pattern.once_of_each:
                seen.clear()
            for row in column.rows():
                subject, value, line = row
                if (subjects is None or subject in subjects) and (objects is None or value in objects):
                    if enough:
                        if row[known] in seen:
                            continue
                        seen.add(row[known])
                    self._read[line] = 1
                    if is_continued:
                        found[0].add(subject)
                        found[1].add(value)
        names = _name(pattern.subject), _name(pattern.object)
        return {**bound, **{name: numbers for name, numbers in zip(names, found, strict=True) if name}}

    def add_labels(self) -> None:
        """Adds the labels of the nodes at which the paths begin."""
        for column in self._table.columns(_LABEL):
            for subject, _, line in column.rows():
                if subject in self._pivots:
                    self._read[line] = 1

    def add_statement_of_all(self, predicate: Term | Variable) -> None:
        """Adds a triple with this predicate, if there is one, of each node that is read so far."""
        nodes: Numbers = set()
        for column in self._table.columns():
            for subject, value, line in column.rows():
                if self._read[line]:
                    nodes.add(subject)
                    nodes.add(value)
        for column in self._table.columns(predicate):
            for subject, _, line in column.rows():
                if subject in nodes:
                    nodes.discard(subject)
                    self._read[line] = 1

    def __or__(self, other: RelevantTriples) -> RelevantTriples:
        """Returns the triples that are read by either."""
        both = RelevantTriples(self._table)
        both._pivots = self._pivots | other._pivots
        both._read = bytearray(map(or_, self._read, other._read))
        return both

    def __len__(self) -> int:
        return sum(self._read)

    def select(self, lines: Iterable[str]) -> Iterator[str]:
        """Yields those of the lines of the table's file that are read."""
        return compress(lines, self._read)


def _name(term: Term | Variable) -> str:
    return term.name if isinstance(term, Variable) else ""


def _candidates(term: Term | Variable, bound: dict[str, Numbers]) -> Numbers | None:
    """Returns the terms that can be here; None if it may be any."""
    return bound.get(term.name) if isinstance(term, Variable) else {number_of(str(term))}


@dataclass
class ShapePart:
    """Shapes with the triples that they need; None if it may be any.

    The results are those for all of the data. With `owns`, only those for whose focus node and value it returns true.
    """

    shapes: list[str]
    triples: RelevantTriples | None
    owns: Callable[[str, str], bool] | None = None


class ShapeReader:
    """Reads the triples that shapes need from a table of triples; `read` returns the patterns of a query."""

    def __init__(
        self, shapes: Any, names: Iterable[str], table: TripleTable, read: Callable[[str], QueryPatterns]
    ) -> None:
        self._table = table
        self._matching = cache(self._match)
        self._terms = cache(table.terms)
        self._paths: dict[str, ShapePaths] = {}
        self.unbounded: list[str] = []
        for name in names:
            try:
                self._paths[name] = _with_tested(shape_paths(shapes, name, read))
            except Unbounded:
                self.unbounded.append(name)
        if table.columns(_SUBCLASS):
            # Engines look for the focus nodes by the subclasses too.
            self.unbounded += self._paths
            self._paths = {}

    def parts(self, most: int) -> Iterator[ShapePart]:
        """Yields parts of about this many triples at most, as far as the shapes can be divided."""
        if self.unbounded:
            yield ShapePart(self.unbounded, None)
        if not self._paths:
            return
        near = [name for name, paths in self._paths.items() if _is_near(paths)]
        far = sorted({*self._paths} - {*near})
        of_near, of_far = self._read(near), self._read(far)
        whole = of_near | of_far
        if len(whole) <= most:
            yield ShapePart([*self._paths], whole)
            return
        if far:
            yield ShapePart(far, of_far)
        number = -(-len(of_near) // most)
        for one in range(number if near else 0):
            owns = partial(self._owns, number, one)
            yield ShapePart(near, self._read(near, owns), partial(_is_about, owns))

    def explaining(self, nodes: Iterable[str]) -> RelevantTriples:
        """Returns the triples for the results of all shapes about these focus nodes, with their labels."""
        triples = self._read([*self._paths], set(map(_number_of_name, nodes)).__contains__)
        triples.add_labels()
        # The labels are statements of more nodes, such as the dataset.
        self._add_absent(triples, self._paths)
        return triples

    def _owns(self, number: int, one: int, term: int) -> bool:
        """Returns whether a part, one of a number, is about a term. An engine may give blank nodes other labels."""
        return one == (0 if term in self._table.blanks else (term >> 1) % number)

    def _read(self, names: Collection[str], among: Callable[[int], bool] | None = None) -> RelevantTriples:
        """Returns the triples for all results of shapes, or only for those about some focus nodes."""
        triples = RelevantTriples(self._table)
        by_targets: dict[Any, list[ShapePaths]] = {}
        for name in names:
            paths = self._paths[name]
            by_targets.setdefault((frozenset(paths.targets), frozenset(paths.nodes)), []).append(paths)
        for (targets, nodes), group in by_targets.items():
            pivots = {number_of(f"<{node}>") for node in nodes}.union(*map(self._matching, targets))
            if among is not None:
                pivots = set(filter(among, pivots))
            triples.follow(united(one for paths in group for one in paths.of_focus), pivots)
        for dependencies in (one for name in names for one in self._paths[name].of_value):
            triples.follow(dependencies, self._possible(dependencies))
        self._add_absent(triples, names)
        return triples

    def _add_absent(self, triples: RelevantTriples, names: Iterable[str]) -> None:
        """Adds what constraints on the dataset require of every node, so that they find no other node."""
        of_dataset = [one for name in names for one in self._paths[name].of_value]
        for predicate in {pattern.predicate for one in of_dataset for pattern in one.absent}:
            triples.add_statement_of_all(predicate)

    def _match(self, target: Pattern) -> Numbers:
        """Returns the focus nodes of a target."""
        objects = _candidates(target.object, {})
        return {
            value if target.object == _THIS else subject
            for column in self._table.columns(target.predicate, target.object)
            for subject, value, _ in column.rows()
            if objects is None or value in objects
        }

    def _possible(self, dependencies: DependencyPaths) -> Numbers:
        """Returns the terms that a constraint on the dataset can find."""
        kinds = dependencies.kinds or KINDS
        terms = self._table.blanks if kinds == {"blank"} else self._terms("literal" in kinds)
        for pattern in dependencies.absent:
            if pattern.subject == Variable(dependencies.pivot):
                terms = terms.difference(*(column.subjects for column in self._table.columns(pattern.predicate)))
        return terms


def _with_tested(paths: ShapePaths) -> ShapePaths:
    """Returns the paths with the class of each sh:class as a constant, if subclasses do not matter."""

    def named(pattern: Pattern) -> Pattern:
        return replace(pattern, object=paths.tested.get(_name(pattern.object), pattern.object))

    of_focus = [replace(one, paths=[tuple(map(named, path)) for path in one.paths]) for one in paths.of_focus]
    return replace(paths, of_focus=of_focus)


def _is_near(paths: ShapePaths) -> bool:
    """Returns whether a shape reads only the focus node's own triples and the classes of their objects."""
    is_about_dataset = bool(paths.of_value or paths.nodes)
    return not is_about_dataset and not any(one.beyond_own().paths for one in paths.of_focus)


def _is_about(owns: Callable[[int], bool], node: str, value: str) -> bool:  # noqa: ARG001 - as ShapePart.owns
    return owns(_number_of_name(node))


def _number_of_name(node: str) -> int:
    """Returns the number of a node that is named as in a report, by its IRI without brackets."""
    return number_of(node if node.startswith(('"', "_:")) else f"<{node}>")
