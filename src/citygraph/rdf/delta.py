"""The difference between two states of a store, and a read-only view of the earlier state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

# More quads than this go through the bulk loader of a store, which takes a third of the time.
_MANY = 10_000


def add_all(store: Store, quads: Collection[Quad]) -> None:
    """Adds quads to a store. If the process is killed, a store on the disk has all of them or none."""
    store.bulk_extend(quads) if len(quads) > _MANY else store.extend(quads)


class PreviousState:
    """A read-only view of a store as it was before an already applied change.

    Nothing is copied, so the change must not be modified while the view is in use.
    """

    def __init__(self, store: Store, delta: Delta) -> None:
        self._store = store
        self._delta = delta

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any = None, /) -> Iterator[Quad]:
        """Yields the matching quads; None matches every term."""
        for quad in self._store.quads_for_pattern(subject, predicate, object_, graph):
            if quad not in self._delta.added:
                yield quad
        for quad in self._removed_candidates(subject, object_):
            if (
                (subject is None or quad.subject == subject)
                and (predicate is None or quad.predicate == predicate)
                and (object_ is None or quad.object == object_)
                and (graph is None or quad.graph_name == graph)
            ):
                yield quad

    def _removed_candidates(self, subject: Any, object_: Any) -> Any:
        """Returns the removed quads that may match: those with the subject, else those with the object, else all."""
        if not self._delta.removed:
            return ()
        if subject is not None:
            return self._by_subject.get(subject, ())
        return self._delta.removed if object_ is None else self._by_object.get(object_, ())

    @cached_property
    def _by_subject(self) -> dict[Any, list[Quad]]:
        quads = defaultdict(list)
        for quad in self._delta.removed:
            quads[quad.subject].append(quad)
        return quads

    @cached_property
    def _by_object(self) -> dict[Any, list[Quad]]:
        quads = defaultdict(list)
        for quad in self._delta.removed:
            quads[quad.object].append(quad)
        return quads


Graph = NamedNode | DefaultGraph


@dataclass
class Delta:
    """The difference between two states of a store: quads added and removed, graphs created and dropped.

    Graphs are listed apart from quads because a graph may be empty.
    """

    added: set[Quad] = field(default_factory=set)
    removed: set[Quad] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.created or self.dropped)

    def add(self, quad: Quad) -> None:
        """Records the addition of a quad that was not in the store."""
        # Added and removed cancel out, so that the delta is the net difference.
        if quad in self.removed:
            self.removed.remove(quad)
        else:
            self.added.add(quad)

    def extend(self, quads: Iterable[Quad]) -> None:
        """Records the addition of quads that were not in the store; they may repeat."""
        if self.removed:
            for quad in dict.fromkeys(quads):
                self.add(quad)
        else:
            self.added.update(quads)

    def remove(self, quad: Quad) -> None:
        """Records the removal of a quad that was in the store."""
        if quad in self.added:
            self.added.remove(quad)
        else:
            self.removed.add(quad)

    def create(self, graph: str) -> None:
        """Records the creation of a graph that did not exist."""
        self.created.add(graph) if graph not in self.dropped else self.dropped.remove(graph)

    def drop(self, graph: str) -> None:
        """Records the removal of a graph that existed."""
        self.dropped.add(graph) if graph not in self.created else self.created.remove(graph)

    def append(self, later: Delta) -> None:
        """Extends this change by a later one."""
        # Removals first: `later` may remove a quad that this change added.
        for quad in later.removed:
            self.remove(quad)
        self.extend(later.added)
        for graph in later.dropped:
            self.drop(graph)
        for graph in later.created:
            self.create(graph)

    def graphs(self) -> set[str]:
        """Returns the IRIs of the named graphs that differ."""
        names = {quad.graph_name for quads in (self.added, self.removed) for quad in quads}
        return {name.value for name in names if isinstance(name, NamedNode)} | self.created | self.dropped
