"""Recorded changes of a store: each quad added or removed is in a `Delta`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import uuid4

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from citygraph.errors import BadData
from citygraph.rdf.delta import Delta, Graph, add_all
from citygraph.rdf.formats import unsupported_reason
from citygraph.rdf.lexical import is_valid
from citygraph.rdf.terms import BASE, XSD

GENID = f"{BASE}.well-known/genid/"
# pyoxigraph's signatures do not distinguish the kinds of terms well enough.
_Term = object


class Edit:
    """Changes a store and records the difference. `check` is called for each graph before it changes, and may raise.

    With `skolemise`, new blank nodes get IRIs (RDF 1.1, 3.5), which `named` counts; and quads that some formats cannot
    represent are refused.
    """

    def __init__(self, store: Store, check: Callable[[Graph], None], skolemise: bool = True) -> None:
        self.store = store
        self.delta = Delta()
        self.named = 0
        self._check = check
        self._skolemise = skolemise
        self._allowed: set[Graph] = set()

    def insert(self, quads: Iterable[Quad]) -> None:
        """Adds quads in canonical form. Raises BadData for a quad that a format cannot represent."""
        new = [quad for quad in quads if quad not in self.store]
        for quad in new:
            self.check_supported(quad, "body")
        for graph in {quad.graph_name for quad in new}:
            self._check_graph(graph)
            if isinstance(graph, NamedNode) and not self.store.contains_named_graph(graph):
                self.delta.create(graph.value)
        add_all(self.store, new)
        self.delta.extend(new)

    def check_supported(self, quad: Quad, name: str, line: int | None = None) -> None:
        """Raises BadData with the place of a quad that some format cannot represent."""
        if self._skolemise and (reason := unsupported_reason(quad)):
            raise BadData(reason, name, line)

    def delete(self, quads: Iterable[Quad]) -> None:
        """Removes quads; their graphs stay, even if they are empty."""
        stored = [quad for quad in quads if quad in self.store]
        for graph in {quad.graph_name for quad in stored}:
            self._check_graph(graph)
        for quad in stored:
            self.store.remove(quad)
            self.delta.remove(quad)

    def clear(self, graph: Graph) -> None:
        """Removes all quads of a graph."""
        self.delete(list(self.store.quads_for_pattern(None, None, None, graph)))

    def create(self, graph: NamedNode) -> None:
        """Creates an empty graph, unless the graph exists."""
        if not self.store.contains_named_graph(graph):
            self._check_graph(graph)
            self.store.add_graph(graph)
            self.delta.create(graph.value)

    def drop(self, graph: Graph) -> None:
        """Removes a graph."""
        self.clear(graph)
        if isinstance(graph, NamedNode) and self.store.contains_named_graph(graph):
            self._check_graph(graph)
            self.store.remove_graph(graph)
            self.delta.drop(graph.value)

    def undo(self) -> None:
        """Restores the store to its state before all changes."""
        undo(self.store, self.delta)
        self.delta = Delta()

    def name_of(self, names: dict[BlankNode, NamedNode | BlankNode], node: BlankNode) -> NamedNode | BlankNode:
        """Returns the term that replaces a new blank node, from `names` or added to it."""
        if node not in names:
            self.named += self._skolemise
            names[node] = NamedNode(f"{GENID}{uuid4().hex}") if self._skolemise else BlankNode()
        return names[node]

    def _check_graph(self, graph: Graph | BlankNode) -> None:
        if isinstance(graph, NamedNode | DefaultGraph) and graph not in self._allowed:
            self._check(graph)
            self._allowed.add(graph)


def apply_delta(store: Store, delta: Delta) -> None:
    """Applies a change to a store that is in the state before it."""
    for quad in delta.removed:
        store.remove(quad)
    # Graphs are dropped after their quads are removed and created before theirs are added.
    for graph in delta.dropped:
        store.remove_graph(NamedNode(graph))
    for graph in delta.created:
        store.add_graph(NamedNode(graph))
    add_all(store, delta.added)


def undo(store: Store, delta: Delta) -> None:
    """Reverts a change."""
    apply_delta(store, Delta(delta.removed, delta.added, delta.dropped, delta.created))


def canonical(quads: Iterable[Quad]) -> Iterable[Quad]:
    """Returns the quads as a store writes them, each once: it normalises literals ("01" to "1")."""
    scratch = Store()
    scratch.extend(quads)
    return scratch


def check_as_written(literal: Literal, name: str, line: int, column: int | None = None) -> None:
    """Raises BadData for an ill-formed literal that the store would silently make well-formed: "inf"^^xsd:double.

    Any other is left to the shapes, whose report names the fault.
    """
    if is_valid(literal.value, literal.datatype.value):
        return
    thing = NamedNode("urn:x")
    stored = next(iter(canonical([Quad(thing, thing, literal)]))).object
    if isinstance(stored, Literal) and stored != literal and is_valid(stored.value, stored.datatype.value):
        type_ = literal.datatype.value.replace(str(XSD), "xsd:")
        raise BadData(f"“{literal.value[:80]}” is not a value of {type_}: correct the text", name, line, column)


def renamed(quad: Quad, name: Callable[[BlankNode], NamedNode | BlankNode]) -> Quad:
    """Returns the quad with its blank nodes replaced."""
    return Quad(_renamed(quad.subject, name), quad.predicate, _renamed(quad.object, name), quad.graph_name)  # type: ignore[arg-type]


def _renamed(term: _Term, name: Callable[[BlankNode], NamedNode | BlankNode]) -> _Term:
    if isinstance(term, BlankNode):
        return name(term)
    if isinstance(term, Triple):
        return Triple(_renamed(term.subject, name), term.predicate, _renamed(term.object, name))  # type: ignore[arg-type]
    return term
