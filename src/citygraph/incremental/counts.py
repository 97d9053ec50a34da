"""Incremental updates of the default graph and of the dataset's VoID counts after changes of named graphs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import graph_node, linkset_of, of_graph, of_linkset
from citygraph.rdf.delta import Delta, add_all
from citygraph.rdf.terms import (
    CATALOG_GRAPH,
    DATASET,
    ID,
    ONTOLOGY_GRAPH,
    RDF,
    SHAPES_GRAPH,
    VOID,
    namespace,
    partition,
)

NOT_DATA = (ONTOLOGY_GRAPH, SHAPES_GRAPH)
_TYPE = RDF("type")
_DEFAULT = DefaultGraph()
# The kinds of counts, with their terms in VoID: of the dataset as a whole, and of its partitions.
_TOTALS = {
    "triples": "triples",
    "subjects": "distinctSubjects",
    "entities": "entities",
    "class": "classes",
    "property": "properties",
}
_PARTS = {"class": "entities", "property": "triples"}

_MEMBER = tuple(VOID(kind) for kind in _PARTS)

_Key = tuple[str, str]  # a kind of count, and the IRI or name that is counted


class CountedStore:
    """A store whose default graph and description are updated after changes of its named graphs.

    `delta` is the whole change of named graphs; `added` and `removed` are the changed quads of the default graph, and
    `repeated` are the added triples that it had before.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.delta = Delta()
        self.added: set[Quad] = set()
        self.removed: set[Quad] = set()
        self.repeated: set[Quad] = set()
        self.graphs: Counter[str] = Counter()
        self._uncounted: Counter[_Key] = Counter()

    def record(self, delta: Delta) -> None:
        """Updates the default graph after a change that was applied to the named graphs."""
        self.delta.append(delta)
        for quad in delta.removed:
            self._count_graph(quad.graph_name, -1)
            # Another data graph may state the same triple, which then stays in the default graph.
            if quad.graph_name not in NOT_DATA and not self._is_stated(quad):
                self._remove_from_default(Quad(quad.subject, quad.predicate, quad.object))
        numbers = Counter(quad.graph_name for quad in delta.added)
        for graph, number in numbers.items():
            self._count_graph(graph, number)
        is_all_data = numbers.keys().isdisjoint(NOT_DATA)
        data = delta.added if is_all_data else [quad for quad in delta.added if quad.graph_name not in NOT_DATA]
        self._add_to_default({Quad(quad.subject, quad.predicate, quad.object) for quad in data})

    def present(self, quads: set[Quad]) -> set[Quad]:
        """Returns those of the quads that the default graph has now. Most are in the change, and need no lookup."""
        unchanged = quads - self.added - self.removed
        return (quads & self.added) | {quad for quad in unchanged if quad in self.store}

    def apply(self, delta: Delta) -> None:
        """Applies a change to the named graphs, and updates the default graph."""
        for quad in delta.removed:
            self.store.remove(quad)
        add_all(self.store, delta.added)
        self.record(delta)

    def update_description(self) -> None:
        """Updates the description in the catalogue; a store without one stays without.

        The description counts itself: each round updates the counts that the round before changed, until none changes.
        """
        if self._stated_number(DATASET, "triples") is None:
            return
        # Created and dropped graphs first: their descriptions change the counts below.
        graphs = Delta()
        graphs.added.update(quad for name in self.delta.created for quad in of_graph(NamedNode(name), 0))
        for name in self.delta.dropped:
            graph = NamedNode(name)
            graphs.removed.update(of_graph(graph, self._stated_number(graph_node(graph), "triples") or 0))
            self._uncounted.pop(("graph", name), None)
        self.apply(graphs)
        while counts := {key: count for key, count in self._uncounted.items() if count}:
            self._uncounted.clear()
            self.apply(self._restated(counts))

    def _restated(self, counts: dict[_Key, int]) -> Delta:
        """Returns the change of the statements whose numbers have changed."""
        delta = Delta()
        totals: Counter[str] = Counter()
        for (kind, name), change in sorted(counts.items()):
            if kind == "graph":
                if self.store.contains_named_graph(NamedNode(name)):
                    self._restate(delta, graph_node(NamedNode(name)), "triples", change)
            elif kind == "links":
                self._restate_links(delta, name, change)
            elif kind in _PARTS:
                totals[kind] += self._restate_part(delta, kind, NamedNode(name), change)
            else:
                totals[kind] += change
        for kind, change in totals.items():
            if change:
                self._restate(delta, DATASET, _TOTALS[kind], change)
        return delta

    def _restate(self, delta: Delta, subject: NamedNode, term: str, change: int) -> None:
        old = self._stated_number(subject, term)
        if old is not None:
            delta.remove(_quad(subject, VOID(term), Literal(old)))
        delta.add(_quad(subject, VOID(term), Literal((old or 0) + change)))

    def _restate_part(self, delta: Delta, kind: str, member: NamedNode, change: int) -> int:
        """Updates the statements of one partition, and returns the change of the number of partitions: -1, 0 or 1."""
        part = partition(kind, member.value)
        old = self._stated_number(part, _PARTS[kind]) or 0
        new = old + change
        delta.removed.update(_of_part(kind, part, member, old) if old else ())
        for quad in _of_part(kind, part, member, new) if new else ():
            delta.removed.remove(quad) if quad in delta.removed else delta.added.add(quad)
        if bool(new) != bool(old):
            self._restate_vocabulary(delta, member, used=bool(new))
        return (new > 0) - (old > 0)

    def _restate_vocabulary(self, delta: Delta, member: NamedNode, used: bool) -> None:
        """Updates void:vocabulary after the first use or the last removal of a class or property."""
        # A vocabulary stays as long as any other class or property of its namespace is used.
        space = namespace(member.value)
        statement = _quad(DATASET, VOID("vocabulary"), NamedNode(space))
        if used:
            delta.removed.discard(statement)
            if statement not in self.store:
                delta.added.add(statement)
            return
        parts = {
            quad for kind in _PARTS for quad in self.store.quads_for_pattern(None, VOID(kind), None, CATALOG_GRAPH)
        }
        members = {q.object.value for q in (parts | delta.added) - delta.removed if q.predicate in _MEMBER}  # type: ignore[union-attr]
        if space not in {namespace(name) for name in members}:
            delta.added.discard(statement)
            if statement in self.store:
                delta.removed.add(statement)

    def _restate_links(self, delta: Delta, name: str, change: int) -> None:
        old = self._stated_number(NamedNode(f"{DATASET.value}#links-to-{name}"), "triples") or 0
        before, after = (set(of_linkset(name, number)) if number else set() for number in (old, old + change))
        delta.removed.update(before - after)
        delta.added.update(after - before)

    def _stated_number(self, subject: NamedNode, term: str) -> int | None:
        quad = next(self.store.quads_for_pattern(subject, VOID(term), None, CATALOG_GRAPH), None)
        return None if quad is None else int(quad.object.value)  # type: ignore[union-attr]

    def _is_stated(self, quad: Quad) -> bool:
        """Returns whether a data graph has the triple."""
        quads = self.store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
        return any(other.graph_name != _DEFAULT and other.graph_name not in NOT_DATA for other in quads)

    def _add_to_default(self, quads: set[Quad]) -> None:
        new = [quad for quad in quads if quad not in self.store]
        if len(new) < len(quads):
            self.repeated |= quads.difference(new)
        # Before the addition: the quads must not count as earlier statements of their subjects.
        subjects, entities = {quad.subject for quad in new}, {quad.subject for quad in new if _is_entity(quad)}
        self._uncounted["subjects", ""] += sum(not self._is_subject(subject) for subject in subjects)
        self._uncounted["entities", ""] += sum(not self._is_typed(entity) for entity in entities)
        add_all(self.store, new)
        for quad in new:
            self.removed.remove(quad) if quad in self.removed else self.added.add(quad)
            self._count(quad, +1)

    def _remove_from_default(self, quad: Quad) -> None:
        if quad not in self.store:
            return
        self.store.remove(quad)
        self._uncounted["subjects", ""] -= not self._is_subject(quad.subject)
        self._uncounted["entities", ""] -= _is_entity(quad) and not self._is_typed(quad.subject)
        self.added.remove(quad) if quad in self.added else self.removed.add(quad)
        self._count(quad, -1)

    def _is_subject(self, node: Any) -> bool:
        return next(self.store.quads_for_pattern(node, None, None, _DEFAULT), None) is not None

    def _is_typed(self, node: Any) -> bool:
        return next(self.store.quads_for_pattern(node, _TYPE, None, _DEFAULT), None) is not None

    def _count(self, quad: Quad, by: int) -> None:
        self._uncounted["triples", ""] += by
        self._uncounted["property", quad.predicate.value] += by
        if quad.predicate == _TYPE and isinstance(quad.object, NamedNode):
            self._uncounted["class", quad.object.value] += by
        if linkset := linkset_of(quad):
            self._uncounted["links", linkset] += by

    def _count_graph(self, graph: object, by: int) -> None:
        if isinstance(graph, NamedNode):
            self.graphs[graph.value] += by
            self._uncounted["graph", graph.value] += by


def _is_entity(quad: Quad) -> bool:
    """Returns whether the quad is the type of an entity; a hash node is a part of one."""
    if quad.predicate != _TYPE or not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(ID) and "#" not in quad.subject.value


def _of_part(kind: str, part: NamedNode, member: NamedNode, count: int) -> Iterator[Quad]:
    yield _quad(DATASET, VOID(kind + "Partition"), part)
    yield _quad(part, _TYPE, VOID("Dataset"))
    yield _quad(part, VOID(kind), member)
    yield _quad(part, VOID(_PARTS[kind]), Literal(count))


def _quad(subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> Quad:
    return Quad(subject, predicate, value, CATALOG_GRAPH)
