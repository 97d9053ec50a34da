"""Keeps the default graph and the dataset's description true while named graphs change, from the change alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import linkset_of, namespace, of_graph, of_linkset
from citygraph.rdf.delta import Delta
from citygraph.rdf.terms import CATALOG_GRAPH, DATASET, ID, ONTOLOGY_GRAPH, RDF, SHAPES_GRAPH, VOID, partition

NOT_DATA = (ONTOLOGY_GRAPH, SHAPES_GRAPH)
_TYPE = RDF("type")
_DEFAULT = DefaultGraph()
# What the description says of the dataset as a whole, and of its parts.
_TOTALS = {
    "triples": "triples",
    "subjects": "distinctSubjects",
    "entities": "entities",
    "class": "classes",
    "property": "properties",
}
_PARTS = {"class": "entities", "property": "triples"}

_MEMBER = tuple(VOID(kind) for kind in _PARTS)

_Key = tuple[str, str]  # a kind of count, and of what


class Tally:
    """Follows changes of named graphs in a store's default graph and description.

    `delta` is all that changed in named graphs; `added` and `removed` are the triples of the default graph, as quads
    in it.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.delta = Delta()
        self.added: set[Quad] = set()
        self.removed: set[Quad] = set()
        self.graphs: Counter[str] = Counter()
        self._uncounted: Counter[_Key] = Counter()

    def note(self, delta: Delta) -> None:
        """Follow a change that was made in the store's named graphs."""
        self.delta.follow(delta)
        for quad in delta.removed:
            self._count_graph(quad, -1)
            if quad.graph_name not in NOT_DATA and not self._is_said(quad):
                self._take(Quad(quad.subject, quad.predicate, quad.object))
        for quad in delta.added:
            self._count_graph(quad, +1)
            if quad.graph_name not in NOT_DATA:
                self._put(Quad(quad.subject, quad.predicate, quad.object))

    def make(self, delta: Delta) -> None:
        """Change named graphs, and follow."""
        for quad in delta.removed:
            self.store.remove(quad)
        self.store.extend(delta.added)
        self.note(delta)

    def describe(self) -> None:
        """Bring the description in the catalogue up to date.

        It counts itself: each round states what the round before changed, until nothing is left to state. A store
        without a description keeps without.
        """
        if self._stated(DATASET, "triples") is None:
            return
        graphs = Delta()
        graphs.added.update(quad for name in self.delta.created for quad in of_graph(NamedNode(name), 0))
        for name in self.delta.dropped:
            graph = NamedNode(name)
            graphs.removed.update(of_graph(graph, self._stated(graph, "triples") or 0))
            self._uncounted.pop(("graph", name), None)
        self.make(graphs)
        while counts := {key: count for key, count in self._uncounted.items() if count}:
            self._uncounted.clear()
            self.make(self._restated(counts))

    def _restated(self, counts: dict[_Key, int]) -> Delta:
        """The statements that have other numbers now."""
        delta = Delta()
        totals: Counter[str] = Counter()
        for (kind, name), change in sorted(counts.items()):
            if kind == "graph":
                if self.store.contains_named_graph(NamedNode(name)):
                    self._restate(delta, NamedNode(name), "triples", change)
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
        old = self._stated(subject, term)
        if old is not None:
            delta.remove(_say(subject, VOID(term), Literal(old)))
        delta.add(_say(subject, VOID(term), Literal((old or 0) + change)))

    def _restate_part(self, delta: Delta, kind: str, member: NamedNode, change: int) -> int:
        """The statements of one partition; answers by how many partitions there are more."""
        part = partition(kind, member.value)
        old = self._stated(part, _PARTS[kind]) or 0
        new = old + change
        delta.removed.update(_of_part(kind, part, member, old) if old else ())
        for quad in _of_part(kind, part, member, new) if new else ():
            delta.removed.remove(quad) if quad in delta.removed else delta.added.add(quad)
        if bool(new) != bool(old):
            self._restate_vocabulary(delta, member, used=bool(new))
        return (new > 0) - (old > 0)

    def _restate_vocabulary(self, delta: Delta, member: NamedNode, used: bool) -> None:
        """Whether the vocabulary of a class or property is one of the dataset's."""
        space = namespace(member.value)
        said = _say(DATASET, VOID("vocabulary"), NamedNode(space))
        if used:
            delta.removed.discard(said)
            if said not in self.store:
                delta.added.add(said)
            return
        parts = {
            quad for kind in _PARTS for quad in self.store.quads_for_pattern(None, VOID(kind), None, CATALOG_GRAPH)
        }
        members = {q.object.value for q in (parts | delta.added) - delta.removed if q.predicate in _MEMBER}  # type: ignore[union-attr]
        if space not in {namespace(name) for name in members}:
            delta.added.discard(said)
            if said in self.store:
                delta.removed.add(said)

    def _restate_links(self, delta: Delta, name: str, change: int) -> None:
        old = self._stated(NamedNode(f"{DATASET.value}#links-to-{name}"), "triples") or 0
        before, after = (set(of_linkset(name, number)) if number else set() for number in (old, old + change))
        delta.removed.update(before - after)
        delta.added.update(after - before)

    def _stated(self, subject: NamedNode, term: str) -> int | None:
        found = next(self.store.quads_for_pattern(subject, VOID(term), None, CATALOG_GRAPH), None)
        return None if found is None else int(found.object.value)  # type: ignore[union-attr]

    def _is_said(self, quad: Quad) -> bool:
        """Whether any graph of data says it."""
        found = self.store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
        return any(other.graph_name != _DEFAULT and other.graph_name not in NOT_DATA for other in found)

    def _put(self, quad: Quad) -> None:
        if quad in self.store:
            return
        self._uncounted["subjects", ""] += not self._is_subject(quad)
        self._uncounted["entities", ""] += _is_entity(quad) and not self._is_typed(quad)
        self.store.add(quad)
        self.removed.remove(quad) if quad in self.removed else self.added.add(quad)
        self._count(quad, +1)

    def _take(self, quad: Quad) -> None:
        if quad not in self.store:
            return
        self.store.remove(quad)
        self._uncounted["subjects", ""] -= not self._is_subject(quad)
        self._uncounted["entities", ""] -= _is_entity(quad) and not self._is_typed(quad)
        self.added.remove(quad) if quad in self.added else self.removed.add(quad)
        self._count(quad, -1)

    def _is_subject(self, quad: Quad) -> bool:
        return next(self.store.quads_for_pattern(quad.subject, None, None, _DEFAULT), None) is not None

    def _is_typed(self, quad: Quad) -> bool:
        return next(self.store.quads_for_pattern(quad.subject, _TYPE, None, _DEFAULT), None) is not None

    def _count(self, quad: Quad, by: int) -> None:
        self._uncounted["triples", ""] += by
        self._uncounted["property", quad.predicate.value] += by
        if quad.predicate == _TYPE and isinstance(quad.object, NamedNode):
            self._uncounted["class", quad.object.value] += by
        if linkset := linkset_of(quad):
            self._uncounted["links", linkset] += by

    def _count_graph(self, quad: Quad, by: int) -> None:
        if isinstance(quad.graph_name, NamedNode):
            self.graphs[quad.graph_name.value] += by
            self._uncounted["graph", quad.graph_name.value] += by


def _is_entity(quad: Quad) -> bool:
    """Whether this says that something is an entity: a thing of its own, not a part of one."""
    if quad.predicate != _TYPE or not isinstance(quad.subject, NamedNode):
        return False
    return quad.subject.value.startswith(ID) and "#" not in quad.subject.value


def _of_part(kind: str, part: NamedNode, member: NamedNode, count: int) -> Iterator[Quad]:
    yield _say(DATASET, VOID(kind + "Partition"), part)
    yield _say(part, _TYPE, VOID("Dataset"))
    yield _say(part, VOID(kind), member)
    yield _say(part, VOID(_PARTS[kind]), Literal(count))


def _say(subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> Quad:
    return Quad(subject, predicate, value, CATALOG_GRAPH)
