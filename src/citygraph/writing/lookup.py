"""Looking up much about many nodes in a store, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Triple

from citygraph.products.changes import Quads

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
