"""Looking up much about many nodes in a store, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import attrgetter
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Triple

from citygraph.rdf.terms import RDF
from citygraph.release.changes import Quads

Term = NamedNode | BlankNode | Literal | Triple

_DEFAULT = DefaultGraph()
_TOGETHER = 2000  # nodes
_MOST_REMEMBERED = 20_000  # subjects, and patterns


class Remembering:
    """What a store that does not change meanwhile answers; asked again about the same node it is not looked up."""

    def __init__(self, store: Quads) -> None:
        self._store = store
        self._of_subject: dict[Any, dict[Any, list[Quad]]] = {}
        self._found: dict[tuple[Any, ...], list[Quad]] = {}

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any = None, /) -> Iterator[Quad]:
        """The quads that fit; None fits all."""
        if subject is None or (predicate is None and object_ is not None) or graph != _DEFAULT:
            key = (subject, predicate, object_, graph)
            found = self._found.get(key)
            if found is None:
                if len(self._found) > _MOST_REMEMBERED:
                    self._found.clear()
                found = self._found[key] = list(self._store.quads_for_pattern(*key))
            return iter(found)
        if subject not in self._of_subject:
            if len(self._of_subject) > _MOST_REMEMBERED:
                self._of_subject.clear()
            by_predicate = self._of_subject[subject] = {}
            for quad in self._store.quads_for_pattern(subject, None, None, graph):
                by_predicate.setdefault(quad.predicate, []).append(quad)
        if predicate is None:
            return chain.from_iterable(self._of_subject[subject].values())
        said = self._of_subject[subject].get(predicate, ())
        return iter(said) if object_ is None else (quad for quad in said if quad.object == object_)


def parts(nodes: Iterable[Term]) -> Iterator[set[Term]]:
    """The nodes a part at a time, those together that are named alike: they look at the same triples."""
    ordered = sorted(nodes, key=str)
    for start in range(0, len(ordered), _TOGETHER):
        yield set(ordered[start : start + _TOGETHER])


Binding = dict[str, Term]
_TYPE = RDF("type")
_PIVOT = "pivot"
_PLACES = (attrgetter("subject"), attrgetter("predicate"), attrgetter("object"))


@dataclass(frozen=True)
class Variable:
    """A variable of a query."""

    name: str


@dataclass(frozen=True)
class Pattern:
    """A triple pattern; `graph` is None for the default graph. `once`: only whether there is a match matters."""

    subject: Term | Variable
    predicate: Term | Variable
    object: Term | Variable
    graph: NamedNode | None = None
    once: bool = False

    def variables(self) -> set[str]:
        """The names of its variables."""
        return {t.name for t in (self.subject, self.predicate, self.object) if isinstance(t, Variable)}

    def matches(self, store: Quads, binding: Binding) -> Iterator[tuple[Quad, Binding]]:
        """The quads of a store that fit, each with the binding that it makes."""
        terms = (self.subject, self.predicate, self.object)
        known = [binding.get(term.name) if isinstance(term, Variable) else term for term in terms]
        subject, predicate, object_ = known
        if isinstance(subject, Literal) or not isinstance(predicate, NamedNode | None):
            return
        # What is known has been looked for: only what is not needs to be read.
        open_ = [(t.name, at) for t, term, at in zip(terms, known, _PLACES, strict=True)
                 if term is None and isinstance(t, Variable)]  # fmt: skip
        for quad in store.quads_for_pattern(subject, predicate, object_, self.graph or _DEFAULT):
            bound = dict(binding)
            if all(bound.setdefault(name, at(quad)) == at(quad) for name, at in open_):
                yield quad, bound
                if self.once:
                    return

    def bind(self, quad: Quad, binding: Binding) -> Binding | None:
        """The binding under which this pattern is this triple, or None."""
        bound = dict(binding)
        for mine, theirs in (
            (self.subject, quad.subject), (self.predicate, quad.predicate), (self.object, quad.object)
        ):  # fmt: skip
            if isinstance(mine, Variable):
                if bound.setdefault(mine.name, theirs) != theirs:
                    return None
            elif mine != theirs:
                return None
        return bound


Path = tuple[Pattern, ...]


@dataclass
class Reach:
    """All paths from one variable, the pivot; and what is known of the pivot from graphs that never change.

    Where there are `gates`, one of them must match for a node to be a pivot at all.
    """

    pivot: str
    paths: list[Path]
    guards: list[Pattern] = field(default_factory=list)
    gates: list[Pattern] = field(default_factory=list)
    literal: bool = True  # whether a literal can be the pivot

    def affected(self, store: Quads, path: Path, quad: Quad) -> Iterator[Term]:
        """The nodes for which this triple may matter as the end of a path, in a store that has or had it."""
        if path[-1].graph is None and (binding := path[-1].bind(quad, {})) is not None:
            yield from self._back(store, path[:-1], binding)

    def support(self, store: Quads, node: Term) -> Iterator[Quad]:
        """The triples that matter for this node, for which a gate is known to match where there are any."""
        if not self._is_guarded(store, node):
            return
        begun: dict[Path, list[Binding]] = {(): [{self.pivot: node}]}
        for path in self.paths:
            if path[-1].graph is not None or path[:-1] not in begun:
                continue
            found = begun.setdefault(path, [])
            for binding in begun[path[:-1]]:
                for quad, bound in path[-1].matches(store, binding):
                    yield quad
                    found.append(bound)

    def beyond_own(self) -> Reach:
        """Its paths but for those to what the node itself says, and to the classes of what is on the way there."""
        needed = {
            longer[:end] for longer in self.paths if not self._is_own(longer) for end in range(1, len(longer) + 1)
        }
        return replace(self, paths=[path for path in self.paths if path in needed])

    def _is_own(self, path: Path) -> bool:
        last = path[-1]
        if last.subject == Variable(self.pivot):
            return last.graph is None
        return last.predicate == _TYPE and isinstance(last.subject, Variable) and last.graph is None

    def _back(self, store: Quads, path: Path, binding: Binding) -> Iterator[Term]:
        if not path:
            node = binding.get(self.pivot)
            if node is not None and (self.literal or not isinstance(node, Literal)) and self._is_guarded(store, node):
                yield node
            return
        for _, bound in path[-1].matches(store, binding):
            yield from self._back(store, path[:-1], bound)

    def is_open(self, store: Quads, node: Term) -> bool:
        """Whether one of the gates matches, or there are none."""
        matches = (next(gate.matches(store, {self.pivot: node}), None) for gate in self.gates)
        return not self.gates or any(match is not None for match in matches)

    def _is_guarded(self, store: Quads, node: Term) -> bool:
        return all(next(guard.matches(store, {self.pivot: node}), None) is not None for guard in self.guards)


class Reaches:
    """Many of them, where those are soon found that a triple may matter for, or that are about a node."""

    def __init__(self, reaches: Sequence[Reach]) -> None:
        self._by_predicate: dict[object, list[tuple[Reach, Path]]] = {}
        self._by_class: dict[object, list[Reach]] = {}
        self._others: list[Reach] = []
        # Many reaches have a path that others have by other names.
        plain = [reach for reach in reaches if not reach.guards]
        for path, literal in {
            (_renamed(path, reach.pivot), reach.literal): 0 for reach in plain for path in reach.paths
        }:
            self._note(path, Reach(_PIVOT, [path], literal=literal))
        for reach in reaches:
            for path in reach.paths if reach.guards else ():
                self._note(path, reach)
            classes = [_class_of(gate, reach.pivot) for gate in reach.gates]
            for one in classes if all(classes) else ():
                self._by_class.setdefault(one, []).append(reach)
            if not classes or not all(classes):
                self._others.append(reach)

    def _note(self, path: Path, reach: Reach) -> None:
        predicate = path[-1].predicate
        known = None if isinstance(predicate, Variable) else predicate
        self._by_predicate.setdefault(known, []).append((reach, path))

    def support(self, store: Quads, node: Term) -> Iterator[Quad]:
        """The triples that matter for this node."""
        open_ = {id(reach): reach for reach in self._others if reach.is_open(store, node)}
        if not isinstance(node, Literal):
            for quad in store.quads_for_pattern(node, _TYPE, None, _DEFAULT):
                open_.update((id(reach), reach) for reach in self._by_class.get(quad.object, ()))
        for reach in open_.values():
            yield from reach.support(store, node)

    def affected(self, store: Quads, quad: Quad) -> Iterator[Term]:
        """The nodes for which this triple may matter, in a store that has or had it."""
        for predicate in (quad.predicate, None):
            for reach, path in self._by_predicate.get(predicate, ()):
                yield from reach.affected(store, path, quad)


def _renamed(path: Path, pivot: str) -> Path:
    """The path with names for its variables that follow from their order."""
    names = {pivot: _PIVOT}
    renamed = []
    for pattern in path:
        terms = [
            Variable(names.setdefault(term.name, f"v{len(names)}")) if isinstance(term, Variable) else term
            for term in (pattern.subject, pattern.predicate, pattern.object)
        ]
        renamed.append(replace(pattern, subject=terms[0], predicate=terms[1], object=terms[2]))
    return tuple(renamed)


def _class_of(gate: Pattern, pivot: str) -> Term | None:
    """The class that a gate wants the pivot to be of, if it is such a gate."""
    is_about_class = gate.subject == Variable(pivot) and gate.predicate == _TYPE and gate.graph is None
    return gate.object if is_about_class and not isinstance(gate.object, Variable) else None
