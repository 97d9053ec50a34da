"""The triples of a file on which the results of shapes can depend: far fewer than all.

The dependency paths of the shapes are followed from their focus nodes, for all nodes together. The result may be too
large, never too small. Terms are represented by their hashes: two terms with the same hash only make the result larger.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import compress
from operator import or_
from pathlib import Path
from typing import Any

from citygraph.build.dependencies import QueryPatterns, Unbounded
from citygraph.build.patterns import KINDS, DependencyPaths, Pattern, Term, Variable, united
from citygraph.build.shape_dependencies import ShapePaths, shape_paths
from citygraph.build.triple_table import Numbers, TripleTable, number_of
from citygraph.rdf.terms import RDFS

_SUBCLASS, _LABEL = RDFS("subClassOf"), RDFS("label")
_THIS = Variable("this")
# With more parts than these, a table is sorted: to sort it costs as much as to read it for some ten parts.
_FEW_PARTS = 8
# Shapes that read other nodes need half as much memory for a triple.
_FAR = 2
_LEAST, _NUMBERS = -(1 << 63), 1 << 64  # the least hash, and how many there are


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
            for row in column.rows(subjects, objects):
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
            for subject, _, line in column.rows(self._pivots):
                if subject in self._pivots:
                    self._read[line] = 1

    def add_statement_of_all(self, predicate: Term | Variable) -> None:
        """Adds a triple with this predicate, if there is one, of each node that is read so far."""
        nodes: Numbers = set()
        for column in self._table.columns():
            are_read = bytes(map(self._read.__getitem__, column.lines))
            nodes.update(compress(column.subjects, are_read), compress(column.objects, are_read))
        for column in self._table.columns(predicate):
            for subject, _, line in column.rows():
                if subject in nodes:
                    nodes.discard(subject)
                    self._read[line] = 1

    def __or__(self, other: RelevantTriples) -> RelevantTriples:
        """Returns the triples that are read by either."""
        both = RelevantTriples(self._table)
        both._pivots = self._pivots | other._pivots
        # As numbers, in a hundredth of the time of single bytes.
        numbers = (int.from_bytes(one._read, "big") for one in (self, other))
        both._read = bytearray(or_(*numbers).to_bytes(self._table.size, "big"))
        return both

    def __len__(self) -> int:
        return self._read.count(1)

    def copy(self, source: Path, target: Path) -> None:
        """Writes those lines of the table's file that are read to another file."""
        starts = self._table.starts
        # Only these lines are read from the disk: a large file has hundreds of parts.
        with source.open("rb", buffering=0) as file, target.open("wb") as out:
            for begin, end in self._runs():
                out.write(os.pread(file.fileno(), starts[end] - starts[begin], starts[begin]))

    def _runs(self) -> Iterator[tuple[int, int]]:
        """Yields the first line of each run of lines that are read, and the line after it."""
        end = 0
        while (begin := self._read.find(1, end)) >= 0:
            end = self._read.find(0, begin)
            end = end if end >= 0 else len(self._read)
            yield begin, end


def _name(term: Term | Variable) -> str:
    return term.name if isinstance(term, Variable) else ""


def _candidates(term: Term | Variable, bound: dict[str, Numbers]) -> Numbers | None:
    """Returns the terms that can be here; None if it may be any."""
    return bound.get(term.name) if isinstance(term, Variable) else {number_of(str(term))}


@dataclass
class ShapePart:
    """Shapes with a function that finds the triples that they need; None if it may be any.

    The results are those for all of the data. With `owns`, only those for whose focus node and value it returns true.
    """

    shapes: list[str]
    read: Callable[[], RelevantTriples] | None
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
        own, classed, far = self._by_distance()
        of_dataset = [name for name in far if _is_about_dataset(self._paths[name])]
        of_nodes = sorted({*far} - {*of_dataset})
        of_far: RelevantTriples | None = None
        if self._table.size > _FEW_PARTS * most:
            sizes = self._estimated_sizes((own, classed, of_nodes), most)
        else:
            of_own, of_classed, of_far = self._read(own), self._read(classed), self._read(far)
            whole = of_own | of_classed | of_far
            if len(whole) <= most:
                yield ShapePart([*self._paths], partial(_known, whole))
                return
            sizes = [len(of_own), len(of_classed), len(of_far)]
            del whole, of_own, of_classed
        parts_of_own, parts_of_classed = (_parts(size, most) for size in sizes[:2])
        parts_of_far = _parts_of_far(sizes[2], most)
        if max(parts_of_own, parts_of_classed, parts_of_far) > _FEW_PARTS:
            self._table.sort()
        if parts_of_far == 1:
            yield ShapePart(far, partial(_known, of_far) if of_far else partial(self._read, far))
        else:
            of_far = None
            if of_dataset:
                yield ShapePart(of_dataset, partial(self._read, of_dataset))
            yield from self._divided(of_nodes, parts_of_far)
        yield from self._divided(own, parts_of_own)
        yield from self._divided(classed, parts_of_classed)

    def _by_distance(self) -> tuple[list[str], list[str], list[str]]:
        """Returns the shapes that read only their focus nodes' own triples, also the classes of others, or more.

        Where a part has the classes of other nodes, these are focus nodes too, and most results about them are false.
        """
        near = [name for name, paths in self._paths.items() if _is_near(paths)]
        own = [name for name in near if _reads_only_focus(self._paths[name])]
        return own, sorted({*near} - {*own}), sorted({*self._paths} - {*near})

    def _estimated_sizes(self, groups: Iterable[list[str]], most: int) -> list[int]:
        """Returns how many triples of a large table groups of shapes read, by what they read for some of the nodes.

        For all nodes at once, the numbers that paths reach would take many times the memory of the table.
        """
        self._table.sort()
        span = _Span(0, self._table.size // most)
        return [len(self._read(names, span)) * span.number for names in groups]

    def _divided(self, names: Collection[str], number: int) -> Iterator[ShapePart]:
        """Yields parts of the focus nodes of shapes, each with all triples that they need."""
        for one in range(number if names else 0):
            span = _Span(one, number)
            yield ShapePart(list(names), partial(self._read, names, span), partial(_is_about, span))

    def explaining(self, nodes: Iterable[str]) -> RelevantTriples:
        """Returns the triples for the results of all shapes about these focus nodes, with their labels."""
        triples = self._read([*self._paths], set(map(_number_of_name, nodes)))
        triples.add_labels()
        # The labels are statements of more nodes, such as the dataset.
        self._add_absent(triples, self._paths)
        return triples

    def _read(self, names: Collection[str], among: Numbers | _Span | None = None) -> RelevantTriples:
        """Returns the triples for all results of shapes, or only for those about some focus nodes."""
        triples = RelevantTriples(self._table)
        by_targets: dict[Any, list[ShapePaths]] = {}
        for name in names:
            paths = self._paths[name]
            by_targets.setdefault((frozenset(paths.targets), frozenset(paths.nodes)), []).append(paths)
        for (targets, nodes), group in by_targets.items():
            pivots = _among(sorted(number_of(f"<{node}>") for node in nodes), among)
            pivots.update(*(_among(self._matching(target), among) for target in targets))
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

    def _match(self, target: Pattern) -> array[int]:
        """Returns the focus nodes of a target, sorted."""
        objects = _candidates(target.object, {})
        nodes = {
            value if target.object == _THIS else subject
            for column in self._table.columns(target.predicate, target.object)
            for subject, value, _ in column.rows()
            if objects is None or value in objects
        }
        return array("q", sorted(nodes))

    def _possible(self, dependencies: DependencyPaths) -> Numbers:
        """Returns the terms that a constraint on the dataset can find."""
        kinds = dependencies.kinds or KINDS
        terms = self._table.blanks if kinds == {"blank"} else self._terms("literal" in kinds)
        for pattern in dependencies.absent:
            if pattern.subject == Variable(dependencies.pivot):
                terms = terms.difference(*(column.subjects for column in self._table.columns(pattern.predicate)))
        return terms


def _known(triples: RelevantTriples) -> RelevantTriples:
    return triples


def _parts(triples: int, most: int) -> int:
    return max(1, -(-triples // most))


def _parts_of_far(triples: int, most: int) -> int:
    # Parts of nodes that read others have some triples in common, so that they are about twice as large.
    return 1 if triples <= _FAR * most else _parts(triples, most)


def _with_tested(paths: ShapePaths) -> ShapePaths:
    """Returns the paths with the class of each sh:class as a constant, if subclasses do not matter."""

    def named(pattern: Pattern) -> Pattern:
        return replace(pattern, object=paths.tested.get(_name(pattern.object), pattern.object))

    of_focus = [replace(one, paths=[tuple(map(named, path)) for path in one.paths]) for one in paths.of_focus]
    return replace(paths, of_focus=of_focus)


def _is_near(paths: ShapePaths) -> bool:
    """Returns whether a shape reads only the focus node's own triples and the classes of their objects."""
    return not _is_about_dataset(paths) and not any(one.beyond_own().paths for one in paths.of_focus)


def _reads_only_focus(paths: ShapePaths) -> bool:
    """Returns whether a near shape does not read the classes of other nodes either."""
    return all(len(path) == 1 for one in paths.of_focus for path in one.paths)


def _is_about_dataset(paths: ShapePaths) -> bool:
    return bool(paths.of_value or paths.nodes)


@dataclass(frozen=True)
class _Span:
    """A part of all numbers of terms, one of as many as are given, from the least number on."""

    one: int
    number: int

    @property
    def begin(self) -> int:
        """The least number."""
        return _LEAST + _NUMBERS * self.one // self.number

    @property
    def end(self) -> int:
        """The number after the last."""
        return _LEAST + _NUMBERS * (self.one + 1) // self.number


def _among(nodes: Sequence[int], among: Numbers | _Span | None) -> Numbers:
    """Returns those of some sorted nodes that are among others."""
    if isinstance(among, _Span):
        return set(nodes[bisect_left(nodes, among.begin) : bisect_left(nodes, among.end)])
    return set(nodes) if among is None else among.intersection(nodes)


def _is_about(span: _Span, node: str, value: str) -> bool:  # noqa: ARG001 - as ShapePart.owns
    return span.begin <= _number_of_name(node) < span.end


def _number_of_name(node: str) -> int:
    """Returns the number of a node that is named as in a report, by its IRI without brackets."""
    return number_of(node if node.startswith(('"', "_:")) else f"<{node}>")
