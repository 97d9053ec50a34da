"""An index of dependency paths: which nodes a changed triple affects, and which triples are read for a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.patterns import (
    GETTERS,
    PIVOT,
    CachedQuads,
    DependencyPaths,
    Getter,
    Path,
    Pattern,
    Term,
    Variable,
    renamed,
)
from citygraph.rdf.delta import Delta, PreviousState
from citygraph.rdf.terms import RDF

_DEFAULT = DefaultGraph()
_TYPE = RDF("type")
_OBJECT = GETTERS[2]


class DependencyIndex:
    """An index of dependency paths: by predicate of their last pattern, and by class of their targets."""

    def __init__(self, dependencies: Sequence[DependencyPaths]) -> None:
        self._ends: dict[object, list[_PathEnd]] = {}
        self._ends_by_kind: dict[tuple[NamedNode | None, bool], tuple[list[_PathEnd], list[_PathEnd]]] = {}
        self._by_class: dict[object, list[DependencyPaths]] = {}
        self._others: list[DependencyPaths] = []
        # Many rules and shapes have equal paths that differ only in the names of variables: each is followed once.
        plain = [one for one in dependencies if not one.conditions]
        distinct = {
            (
                *_renamed_apart(path, _narrowing_required(path, one), one.pivot),
                one.kinds,
                _narrowing_targets(path, one),
            ): None
            for one in plain
            for path in one.paths
        }
        for path, required, kinds, targets in distinct:
            found = DependencyPaths(PIVOT, [path], targets=list(targets), kinds=kinds, required=list(required))
            self._add_path(path, found)
        for one in dependencies:
            for path in one.paths if one.conditions else ():
                self._add_path(path, replace(one, required=list(_narrowing_required(path, one))))
            classes = [_class_of(target, one.pivot) for target in one.targets]
            if classes and all(classes):
                for class_ in classes:
                    self._by_class.setdefault(class_, []).append(one)
            else:
                self._others.append(one)

    def _add_path(self, path: Path, dependencies: DependencyPaths) -> None:
        predicate = path[-1].predicate
        key = None if isinstance(predicate, Variable) else predicate
        number = sum(map(len, self._ends.values()))
        self._ends.setdefault(key, []).append(_path_end(number, dependencies, path))

    def _ends_for(self, predicate: NamedNode, is_literal: bool) -> tuple[list[_PathEnd], list[_PathEnd]]:
        """Returns the ends of paths that a triple may match, and those of them that use its object."""
        # All predicates that no path has at its end share an entry.
        kind = predicate if predicate in self._ends else None, is_literal
        if kind not in self._ends_by_kind:
            ends = [*self._ends.get(predicate, ()), *self._ends.get(None, ())]
            ends = [end for end in ends if not (is_literal and end.only_nodes)]
            self._ends_by_kind[kind] = ends, [end for end in ends if _OBJECT in end.used]
        return self._ends_by_kind[kind]

    def relevant(self, store: CachedQuads, node: Term) -> Iterator[Quad]:
        """Yields the triples that are read for a node."""
        # By id, because a node with several classes is the target of the same paths several times.
        applicable = {id(one): one for one in self._others if one.is_target(store, node)}
        if not isinstance(node, Literal):
            for quad in store.quads_for_pattern(node, _TYPE, None, _DEFAULT):
                applicable.update((id(one), one) for one in self._by_class.get(quad.object, ()))
        for dependencies in applicable.values():
            yield from dependencies.relevant(store, node)

    def affected(self, store: CachedQuads, subjects: Iterable[Iterable[Quad]]) -> Iterator[Term]:
        """Yields the nodes that the triples of these subjects affect; the store must be in a state with the triples."""
        followed: set[tuple[object, ...]] = set()
        for of_subject in subjects:
            kinds: set[tuple[NamedNode, bool]] = set()
            for quad in of_subject:
                kind = quad.predicate, isinstance(quad.object, Literal)
                every, of_object = self._ends_for(*kind)
                # Triples that differ only in terms that a path does not use lead to the same nodes.
                for end in of_object if kind in kinds else every:
                    if end.objects and not end.may_match(store, quad):
                        continue
                    key = (end.number, *[term(quad) for term in end.used])
                    if key not in followed:
                        followed.add(key)
                        yield from end.dependencies.affected(store, end.path, quad)
                kinds.add(kind)


@dataclass(frozen=True)
class _PathEnd:
    """A numbered path, and the terms of a triple at its end on which the affected nodes depend.

    With `only_nodes`, no triple with a literal affects a node. The terms in `objects` must be the object of a property.
    """

    number: int
    dependencies: DependencyPaths
    path: Path
    used: tuple[Getter, ...]
    only_nodes: bool
    objects: tuple[tuple[NamedNode, Getter], ...]

    def may_match(self, store: CachedQuads, quad: Quad) -> bool:
        """Returns whether the required patterns may match together with a triple: a quick test for most triples."""
        return all(store.may_be_object(predicate, term(quad)) for predicate, term in self.objects)


def _path_end(number: int, dependencies: DependencyPaths, path: Path) -> _PathEnd:
    pivot = Variable(dependencies.pivot)
    others = (*path[:-1], *dependencies.conditions, *dependencies.targets, *dependencies.required)
    names = {dependencies.pivot}.union(*(pattern.variables() for pattern in others))
    end = path[-1]
    terms = (end.subject, end.predicate, end.object)
    # A constant must be equal, and a variable that occurs twice too.
    used = [
        getter
        for term, getter in zip(terms, GETTERS, strict=True)
        if not isinstance(term, Variable) or term.name in names or terms.count(term) > 1
    ]
    is_subject = bool(dependencies.targets) and all(target.subject == pivot for target in dependencies.targets)
    only_nodes = len(path) == 1 and end.object == pivot and (is_subject or "literal" not in dependencies.kinds)
    objects = [
        (one.predicate, getter)
        for one in dependencies.required
        if one.graph is None and isinstance(one.predicate, NamedNode) and isinstance(one.object, Variable)
        for term, getter in zip(terms, GETTERS, strict=True)
        if term == one.object
    ]
    return _PathEnd(number, dependencies, path, tuple(used), only_nodes, tuple(objects))


def by_subject(quads: Iterable[Quad]) -> list[list[Quad]]:
    """Returns the quads of each subject, in order of subjects: the statements of similar nodes are read together."""
    subjects: dict[str, list[Quad]] = {}
    for quad in quads:
        subjects.setdefault(str(quad.subject), []).append(quad)
    return [subjects[name] for name in sorted(subjects)]


def nodes_with_paths(
    paths: Sequence[DependencyPaths], change: Delta, merged: Delta, after: Store
) -> Iterator[NamedNode]:
    """Yields the nodes from which paths in the default graph lead to the changed quads of named graphs.

    `merged` is the change of the default graph, which `after` has.
    """
    index = DependencyIndex(paths)
    for quads, store in ((change.removed, PreviousState(after, merged)), (change.added, after)):
        affected = index.affected(CachedQuads(store), by_subject(quads))
        yield from (node for node in affected if isinstance(node, NamedNode))


def _narrowing_targets(path: Path, dependencies: DependencyPaths) -> Path:
    """Returns the targets that a node must be among to be affected by a triple at the end of the path.

    Only a path that any property matches needs them: otherwise every node of every changed triple would be affected. A
    node that a change makes a target is affected by that change of its class.
    """
    if not isinstance(path[-1].predicate, Variable):
        return ()
    return tuple(renamed((target,), dependencies.pivot)[0] for target in dependencies.targets)


def _narrowing_required(path: Path, dependencies: DependencyPaths) -> Path:
    """Returns the required patterns that must match together with a triple at the end of the path.

    As with the targets, only a path that any property matches needs them. A change that completes the match is followed
    from its own triples.
    """
    names = path[-1].variables()
    if not isinstance(path[-1].predicate, Variable):
        return ()
    return tuple(one for one in dependencies.required if one.variables() & names)


def _renamed_apart(path: Path, required: Path, pivot: str) -> tuple[Path, Path]:
    """Returns a path and patterns about its variables with the same new names."""
    patterns = renamed((*path, *required), pivot)
    return patterns[: len(path)], patterns[len(path) :]


def _class_of(target: Pattern, pivot: str) -> Term | None:
    """Returns the class of a target of the form `?pivot a <class>`, else None."""
    is_about_class = target.subject == Variable(pivot) and target.predicate == _TYPE and target.graph is None
    return target.object if is_about_class and not isinstance(target.object, Variable) else None
