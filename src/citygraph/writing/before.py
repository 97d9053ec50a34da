"""A store as it was before a change that is in it by now, for those who ask it for patterns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pyoxigraph import Quad, Store

from citygraph.writing.change import Delta


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
