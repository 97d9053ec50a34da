"""Triple patterns and dependency paths: which triples a rule reads for a node, and which nodes a triple affects.

Reads are cached and done in batches, so that memory does not grow with the number of nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Triple

from citygraph.rdf.terms import RDF
from citygraph.release.changes import Quads

Term = NamedNode | BlankNode | Literal | Triple
Binding = dict[str, Term]

_DEFAULT = DefaultGraph()
_TYPE = RDF("type")
KINDS = frozenset({"iri", "blank", "literal"})
NODE_KINDS = KINDS - {"literal"}
_KIND_OF = {NamedNode: "iri", BlankNode: "blank", Literal: "literal"}
_BATCH = 2000  # nodes
_CACHE_SIZE = 20_000  # subjects, and patterns
# A property with few statements is read as a whole, once it has been looked up often.
_MANY_LOOKUPS, _MOST_SCANNED = 200, 10_000
PIVOT = "pivot"
Getter = Callable[[Quad], Any]
GETTERS: tuple[Getter, ...] = (attrgetter("subject"), attrgetter("predicate"), attrgetter("object"))


class CachedQuads:
    """A cache in front of a store, valid while the store does not change."""

    def __init__(self, store: Quads) -> None:
        self._store = store
        self._by_subject: dict[Any, dict[Any, list[Quad]]] = {}
        self._by_pattern: dict[tuple[Any, ...], list[Quad]] = {}
        self._by_object: dict[Any, dict[Any, list[Quad]] | None] = {}
        self._lookups: Counter[Any] = Counter()

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any = None, /) -> Iterator[Quad]:
        """Yields the matching quads; None matches every term."""
        if subject is None or (predicate is None and object_ is not None) or graph != _DEFAULT:
            return iter(self._cached_pattern((subject, predicate, object_, graph)))
        if predicate is None:
            return chain.from_iterable(self._cached_subject(subject).values())
        # Rules and shapes read several properties of a subject: all are read at once. Often only its types matter.
        own = self.types_of(subject) if predicate == _TYPE else self._cached_subject(subject).get(predicate, ())
        return iter(own) if object_ is None else (quad for quad in own if quad.object == object_)

    def is_enough(self, quad: Quad) -> bool:  # noqa: ARG002 - for caches in which it is not so
        """Returns whether this match will do for a pattern of which only one matters."""
        return True

    def types_of(self, node: Any) -> Iterator[Quad]:
        """Yields the types of a node, without reading its other statements."""
        if node in self._by_subject:
            return iter(self._by_subject[node].get(_TYPE, ()))
        return iter(self._cached_pattern((node, _TYPE, None, _DEFAULT)))

    def may_be_object(self, predicate: NamedNode, term: Any) -> bool:
        """Returns whether a term may be the object of a property: of one with few statements, whether it is."""
        by_object = self._scanned(predicate)
        return by_object is None or term in by_object

    def _cached_pattern(self, key: tuple[Any, Any, Any, Any]) -> list[Quad]:
        subject, predicate, object_, graph = key
        if subject is None and graph == _DEFAULT and None not in (predicate, object_):
            by_object = self._scanned(predicate)
            if by_object is not None:
                return by_object.get(object_, [])
        if key not in self._by_pattern:
            if len(self._by_pattern) > _CACHE_SIZE:
                self._by_pattern.clear()
            self._by_pattern[key] = list(self._store.quads_for_pattern(*key))
        return self._by_pattern[key]

    def _scanned(self, predicate: Any) -> dict[Any, list[Quad]] | None:
        """Returns all statements of a property by object, if it has few and is looked up often, else None."""
        if predicate not in self._by_object:
            self._lookups[predicate] += 1
            if self._lookups[predicate] < _MANY_LOOKUPS:
                return None
            quads = self._store.quads_for_pattern(None, predicate, None, _DEFAULT)
            few = list(islice(quads, _MOST_SCANNED + 1))
            by_object: dict[Any, list[Quad]] = {}
            for quad in few:
                by_object.setdefault(quad.object, []).append(quad)
            self._by_object[predicate] = by_object if len(few) <= _MOST_SCANNED else None
        return self._by_object[predicate]

    def _cached_subject(self, subject: Any) -> dict[Any, list[Quad]]:
        if subject not in self._by_subject:
            if len(self._by_subject) > _CACHE_SIZE:
                self._by_subject.clear()
            by_predicate = self._by_subject[subject] = {}
            for quad in self._read_subject(subject):
                by_predicate.setdefault(quad.predicate, []).append(quad)
        return self._by_subject[subject]

    def _read_subject(self, subject: Any) -> Iterator[Quad]:
        return self._store.quads_for_pattern(subject, None, None, _DEFAULT)


def kind_of_triple(quad: Quad) -> tuple[NamedNode, Term | None]:
    """Returns the predicate of a triple and, if it is a type, the class: what decides whether a pattern may match."""
    return quad.predicate, quad.object if quad.predicate == _TYPE else None


def batches(nodes: Iterable[Term], most: int | None = None) -> Iterator[set[Term]]:
    """Yields the nodes in batches, with at most so many nodes if `most` is given."""
    size = min(_BATCH, most or _BATCH)
    # Sorted: nodes with similar names depend on the same triples, which are then read once.
    ordered = sorted(nodes, key=str)
    for start in range(0, len(ordered), size):
        yield set(ordered[start : start + size])


@dataclass(frozen=True)
class Variable:
    """A variable of a query."""

    name: str


@dataclass(frozen=True)
class Pattern:
    """A triple pattern; `graph` is None for the default graph.

    With `once`, only one match matters; with `once_of_each`, one of each predicate.
    """

    subject: Term | Variable
    predicate: Term | Variable
    object: Term | Variable
    graph: NamedNode | None = None
    once: bool = False
    once_of_each: bool = False

    def variables(self) -> set[str]:
        """Returns the names of its variables."""
        return {t.name for t in (self.subject, self.predicate, self.object) if isinstance(t, Variable)}

    def may_match(self, predicate: NamedNode, class_: Term | None) -> bool:
        """Returns whether it may match a triple with this predicate; of a type, the class counts too."""
        if not isinstance(self.predicate, Variable) and self.predicate != predicate:
            return False
        return class_ is None or isinstance(self.object, Variable) or self.object == class_

    def matches(self, store: CachedQuads, binding: Binding) -> Iterator[tuple[Quad, Binding]]:
        """Yields the matching quads of a store, each with the extended binding."""
        terms = (self.subject, self.predicate, self.object)
        bound = [binding.get(term.name) if isinstance(term, Variable) else term for term in terms]
        subject, predicate, object_ = bound
        if isinstance(subject, Literal) or not isinstance(predicate, NamedNode | None):
            return
        # The store matches bound terms; only unbound ones need to be read from the quads.
        unbound = [
            (variable.name, getter)
            for variable, term, getter in zip(terms, bound, GETTERS, strict=True)
            if term is None and isinstance(variable, Variable)
        ]
        for quad in store.quads_for_pattern(subject, predicate, object_, self.graph or _DEFAULT):
            extended = dict(binding)
            # A variable that occurs twice must have the same term in both places.
            if all(extended.setdefault(name, getter(quad)) == getter(quad) for name, getter in unbound):
                yield quad, extended
                if self.once and store.is_enough(quad):
                    return

    def quads(self, store: CachedQuads, binding: Binding) -> Iterator[Quad]:
        """Yields the matching quads of a store."""
        if self._repeats_variable:
            yield from (quad for quad, _ in self.matches(store, binding))
            return
        subject, predicate, object_ = (
            binding.get(term.name) if isinstance(term, Variable) else term
            for term in (self.subject, self.predicate, self.object)
        )
        if not isinstance(subject, Literal) and isinstance(predicate, NamedNode | None):
            for quad in store.quads_for_pattern(subject, predicate, object_, self.graph or _DEFAULT):
                yield quad
                if self.once and store.is_enough(quad):
                    return

    @cached_property
    def _repeats_variable(self) -> bool:
        terms = (self.subject, self.predicate, self.object)
        return len(self.variables()) < sum(isinstance(term, Variable) for term in terms)

    def bind(self, quad: Quad, binding: Binding) -> Binding | None:
        """Returns the binding under which this pattern equals the triple, or None."""
        extended = dict(binding)
        pairs = ((self.subject, quad.subject), (self.predicate, quad.predicate), (self.object, quad.object))
        for term, value in pairs:
            if isinstance(term, Variable):
                if extended.setdefault(term.name, value) != value:
                    return None
            elif term != value:
                return None
        return extended


Path = tuple[Pattern, ...]


@dataclass
class DependencyPaths:
    """All dependency paths of one rule or shape: chains of patterns from a node, the pivot, to the triples it reads.

    `conditions` are patterns about the pivot in graphs that never change; all must match. If there are `targets`, one
    of them must match for a node to be a pivot, in the state of the store that has the changed triple.
    """

    pivot: str
    paths: list[Path]
    conditions: list[Pattern] = field(default_factory=list)
    targets: list[Pattern] = field(default_factory=list)
    kinds: frozenset[str] = KINDS  # of terms that can be the pivot
    absent: list[Pattern] = field(default_factory=list)  # with a match of one, there is no result
    required: list[Pattern] = field(default_factory=list)  # without a match of each, there is no result

    def affected(self, store: CachedQuads, path: Path, quad: Quad) -> Iterator[Term]:
        """Yields the nodes that a triple affects as the end of a path; the store must be in a state with the triple."""
        if path[-1].graph is not None or (binding := path[-1].bind(quad, {})) is None:
            return
        if all(next(one.matches(store, binding), None) is not None for one in self.required):
            yield from self._backwards(store, path[:-1], binding)

    def relevant(self, store: CachedQuads, node: Term) -> Iterator[Quad]:
        """Yields the triples that are read for a node, which must be a target."""
        if not self._meets_conditions(store, node):
            return
        if not isinstance(node, Literal):
            for predicate, values in self._own_constants.items():
                own = store.quads_for_pattern(node, predicate, None, _DEFAULT)
                yield from (quad for quad in own if quad.object in values)
        bindings: list[list[Binding]] = [[{self.pivot: node}]]
        for beginning, pattern, is_continued in self._single_reads:
            extended: list[Binding] = []
            if pattern is None:
                bindings.append(extended)
                continue
            for binding in bindings[beginning]:
                if is_continued:
                    for quad, longer in pattern.matches(store, binding):
                        yield quad
                        extended.append(longer)
                else:
                    yield from pattern.quads(store, binding)
            bindings.append(extended)

    @cached_property
    def steps(self) -> list[tuple[int, Pattern, bool]]:
        """The last pattern of each path, with the number of the path before it (0 is the pivot), and if one follows."""
        numbers: dict[Path, int] = {(): 0}
        # Paths are sorted by length, so that the beginning of a path comes before it.
        for path in self.paths:
            if path[-1].graph is None and path[:-1] in numbers:
                numbers.setdefault(path, len(numbers))
        beginnings = {path[:-1] for path in numbers if path}
        return [(numbers[path[:-1]], path[-1], path in beginnings) for path in numbers if path]

    @cached_property
    def _own_constants(self) -> dict[Term | Variable, set[Term | Variable]]:
        """The objects by predicate of the steps that read whether the node has one statement and end there.

        They are read together, because many shapes ask for one class each.
        """
        values: dict[Term | Variable, set[Term | Variable]] = {}
        for step in self.steps:
            if self._is_own_constant(step):
                values.setdefault(step[1].predicate, set()).add(step[1].object)
        return values

    @cached_property
    def _single_reads(self) -> list[tuple[int, Pattern | None, bool]]:
        """The steps, with None for the patterns that are read together."""
        return [(step[0], None if self._is_own_constant(step) else step[1], step[2]) for step in self.steps]

    def _is_own_constant(self, step: tuple[int, Pattern, bool]) -> bool:
        beginning, pattern, is_continued = step
        is_constant = not isinstance(pattern.predicate, Variable) and not isinstance(pattern.object, Variable)
        return beginning == 0 and not is_continued and is_constant and pattern.subject == Variable(self.pivot)

    def beyond_own(self) -> DependencyPaths:
        """Returns the paths without those to the node's own statements and to the classes of nodes on the way."""
        needed = {
            longer[:end] for longer in self.paths if not self._is_own(longer) for end in range(1, len(longer) + 1)
        }
        return replace(self, paths=[path for path in self.paths if path in needed])

    def _is_own(self, path: Path) -> bool:
        last = path[-1]
        if last.subject == Variable(self.pivot):
            return last.graph is None
        return last.predicate == _TYPE and isinstance(last.subject, Variable) and last.graph is None

    def _backwards(self, store: CachedQuads, path: Path, binding: Binding) -> Iterator[Term]:
        """Yields the pivots from which this path leads to the binding."""
        if not path:
            node = binding.get(self.pivot)
            is_possible = node is not None and ("literal" in self.kinds or not isinstance(node, Literal))
            if node is not None and is_possible and self._meets_conditions(store, node) and self.is_target(store, node):
                yield node
            return
        for _, extended in path[-1].matches(store, binding):
            yield from self._backwards(store, path[:-1], extended)

    def is_target(self, store: CachedQuads, node: Term) -> bool:
        """Returns whether one of the targets matches, or there are none."""
        matches = (next(target.matches(store, {self.pivot: node}), None) for target in self.targets)
        return not self.targets or any(match is not None for match in matches)

    def may_have_result(self, store: CachedQuads, node: Term) -> bool:
        """Returns whether the kind of a node and what must be absent allow a result about it."""
        if _KIND_OF.get(type(node)) not in {*(self.kinds or KINDS), None}:
            return False
        about_node = (one for one in self.absent if one.subject == Variable(self.pivot))
        return all(next(one.matches(store, {self.pivot: node}), None) is None for one in about_node)

    def _meets_conditions(self, store: CachedQuads, node: Term) -> bool:
        return all(next(one.matches(store, {self.pivot: node}), None) is not None for one in self.conditions)


def renamed(path: Path, pivot: str) -> Path:
    """Returns the path with variables named by their order, and the pivot by its own name."""
    names = {pivot: PIVOT}
    renamed = []
    for pattern in path:
        terms = [
            Variable(names.setdefault(term.name, f"v{len(names)}")) if isinstance(term, Variable) else term
            for term in (pattern.subject, pattern.predicate, pattern.object)
        ]
        renamed.append(replace(pattern, subject=terms[0], predicate=terms[1], object=terms[2]))
    return tuple(renamed)


def united(dependencies: Iterable[DependencyPaths]) -> DependencyPaths:
    """Returns the paths of all, each once: many rules and shapes have paths that differ only in the names of variables.

    Conditions and targets are left out.
    """
    paths = {renamed(path, one.pivot): None for one in dependencies for path in one.paths}
    return DependencyPaths(PIVOT, sorted(paths, key=len))
