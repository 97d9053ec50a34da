"""A store as it was before a change that is in it by now, for those who ask it for patterns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store


class Before:
    """What a store held before this change; nothing is copied. The change must stay as it is meanwhile."""

    def __init__(self, store: Store, delta: Delta) -> None:
        self._store = store
        self._delta = delta

    def quads_for_pattern(self, subject: Any, predicate: Any, object_: Any, graph: Any = None, /) -> Iterator[Quad]:
        """The quads that fit; None fits all."""
        for quad in self._store.quads_for_pattern(subject, predicate, object_, graph):
            if quad not in self._delta.added:
                yield quad
        for quad in self._gone(subject, object_):
            if (
                (subject is None or quad.subject == subject)
                and (predicate is None or quad.predicate == predicate)
                and (object_ is None or quad.object == object_)
                and (graph is None or quad.graph_name == graph)
            ):
                yield quad

    def _gone(self, subject: Any, object_: Any) -> Any:
        """The fewest of the removed quads that are quickly found."""
        if not self._delta.removed:
            return ()
        if subject is not None:
            return self._by_subject.get(subject, ())
        return self._delta.removed if object_ is None else self._by_object.get(object_, ())

    @cached_property
    def _by_subject(self) -> dict[Any, list[Quad]]:
        found = defaultdict(list)
        for quad in self._delta.removed:
            found[quad.subject].append(quad)
        return found

    @cached_property
    def _by_object(self) -> dict[Any, list[Quad]]:
        found = defaultdict(list)
        for quad in self._delta.removed:
            found[quad.object].append(quad)
        return found


Graph = NamedNode | DefaultGraph


@dataclass
class Delta:
    """Quads that were not there before, quads that are no longer there; graphs, even empty, likewise."""

    added: set[Quad] = field(default_factory=set)
    removed: set[Quad] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.created or self.dropped)

    def add(self, quad: Quad) -> None:
        """Count a quad in that was not in the store."""
        if quad in self.removed:
            self.removed.remove(quad)
        else:
            self.added.add(quad)

    def remove(self, quad: Quad) -> None:
        """Count a quad out that was in the store."""
        if quad in self.added:
            self.added.remove(quad)
        else:
            self.removed.add(quad)

    def create(self, graph: str) -> None:
        """Count a graph in that was not there."""
        self.created.add(graph) if graph not in self.dropped else self.dropped.remove(graph)

    def drop(self, graph: str) -> None:
        """Count a graph out that was there."""
        self.dropped.add(graph) if graph not in self.created else self.created.remove(graph)

    def follow(self, later: Delta) -> None:
        """Make this the change of both, this one first."""
        for quad in later.removed:
            self.remove(quad)
        for quad in later.added:
            self.add(quad)
        for graph in later.dropped:
            self.drop(graph)
        for graph in later.created:
            self.create(graph)

    def graphs(self) -> set[str]:
        """The named graphs that differ."""
        names = (quad.graph_name for quad in (*self.added, *self.removed))
        return {name.value for name in names if isinstance(name, NamedNode)} | self.created | self.dropped
