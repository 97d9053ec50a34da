"""A store being changed, with an account of what became different: each quad in and out is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import uuid4

from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Store, Triple

from citygraph.errors import BadData
from citygraph.rdf.delta import Delta, Graph
from citygraph.rdf.formats import why_not
from citygraph.rdf.terms import BASE

GENID = f"{BASE}.well-known/genid/"
_MANY = 10_000
# What pyoxigraph's own signatures do not tell apart well.
_Term = object


class Edit:
    """Changes a store. `may_change` is asked for each graph before it becomes another, and raises if it must not.

    With `skolemise`, blank nodes in what comes in get IRIs (RDF 1.1, 3.5), which `named` counts; and what not
    every form can carry is refused.
    """

    def __init__(self, store: Store, may_change: Callable[[Graph], None], skolemise: bool = True) -> None:
        self.store = store
        self.delta = Delta()
        self.named = 0
        self._may_change = may_change
        self._skolemise = skolemise
        self._allowed: set[Graph] = set()

    def insert(self, quads: Iterable[Quad]) -> None:
        """Add quads whose literals are as the store writes them. Raises BadData for what not every form can carry."""
        new = [quad for quad in quads if quad not in self.store]
        for quad in new if self._skolemise else ():
            if reason := why_not(quad):
                raise BadData(reason, "body")
        for graph in {quad.graph_name for quad in new}:
            self._ask(graph)
            if isinstance(graph, NamedNode) and not self.store.contains_named_graph(graph):
                self.delta.create(graph.value)
        self.store.bulk_extend(new) if len(new) > _MANY else self.store.extend(new)
        for quad in dict.fromkeys(new):
            self.delta.add(quad)

    def delete(self, quads: Iterable[Quad]) -> None:
        """Take quads away; their graphs stay, even empty."""
        gone = [quad for quad in quads if quad in self.store]
        for graph in {quad.graph_name for quad in gone}:
            self._ask(graph)
        for quad in gone:
            self.store.remove(quad)
            self.delta.remove(quad)

    def clear(self, graph: Graph) -> None:
        """Empty a graph."""
        self.delete(list(self.store.quads_for_pattern(None, None, None, graph)))

    def create(self, graph: NamedNode) -> None:
        """Have an empty graph, if it is not there."""
        if not self.store.contains_named_graph(graph):
            self._ask(graph)
            self.store.add_graph(graph)
            self.delta.create(graph.value)

    def drop(self, graph: Graph) -> None:
        """Have a graph no more."""
        self.clear(graph)
        if isinstance(graph, NamedNode) and self.store.contains_named_graph(graph):
            self._ask(graph)
            self.store.remove_graph(graph)
            self.delta.drop(graph.value)

    def undo(self) -> None:
        """Make the store what it was."""
        undo(self.store, self.delta)
        self.delta = Delta()

    def name_of(self, known: dict[BlankNode, NamedNode | BlankNode], node: BlankNode) -> NamedNode | BlankNode:
        """What stands for a blank node that comes in; the same for the same node while `known` is the same."""
        if node not in known:
            self.named += self._skolemise
            known[node] = NamedNode(f"{GENID}{uuid4().hex}") if self._skolemise else BlankNode()
        return known[node]

    def _ask(self, graph: Graph | BlankNode) -> None:
        if isinstance(graph, NamedNode | DefaultGraph) and graph not in self._allowed:
            self._may_change(graph)
            self._allowed.add(graph)


def apply_delta(store: Store, delta: Delta) -> None:
    """Make this change in a store that it fits."""
    for quad in delta.removed:
        store.remove(quad)
    for graph in delta.dropped:
        store.remove_graph(NamedNode(graph))
    for graph in delta.created:
        store.add_graph(NamedNode(graph))
    store.bulk_extend(delta.added) if len(delta.added) > _MANY else store.extend(delta.added)


def undo(store: Store, delta: Delta) -> None:
    """Take this change back."""
    apply_delta(store, Delta(delta.removed, delta.added, delta.dropped, delta.created))


def canonical(quads: Iterable[Quad]) -> Iterable[Quad]:
    """The quads as the store writes them, each once: it rewrites literals ("01" to "1")."""
    scratch = Store()
    scratch.extend(quads)
    return scratch


def renamed(quad: Quad, name: Callable[[BlankNode], NamedNode | BlankNode]) -> Quad:
    """The quad with other names for its blank nodes."""
    return Quad(_other(quad.subject, name), quad.predicate, _other(quad.object, name), quad.graph_name)  # type: ignore[arg-type]


def _other(term: _Term, name: Callable[[BlankNode], NamedNode | BlankNode]) -> _Term:
    if isinstance(term, BlankNode):
        return name(term)
    if isinstance(term, Triple):
        return Triple(_other(term.subject, name), term.predicate, _other(term.object, name))  # type: ignore[arg-type]
    return term
