"""An entity's description: what is said of it, by whom, what points at it, and what all that is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import islice

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store, Triple, Variable

from citygraph.errors import NotFound
from citygraph.labels import Labels, Stated
from citygraph.terms import CG, DCTERMS, RDF, RDFS, SKOS

PAGE = 100  # incoming links of one property on a page
_FEW = 4_000  # so many quads that point at a thing are read; of more, only the asked page, in the store's order
_NODES = 1_000  # hash nodes of a document
_TYPE = RDF("type").value
_FIRST = {_TYPE: 0, RDFS("label").value: 1, SKOS("prefLabel").value: 2, SKOS("altLabel").value: 3,
          DCTERMS("title").value: 4}  # fmt: skip

Term = NamedNode | BlankNode | Literal
# Whether a view shows the values of a property that these graphs state.
Keep = Callable[[str, tuple[str, ...]], bool]


@dataclass(frozen=True, slots=True)
class Value:
    """A value, or the subject of an incoming link, and the graphs that state it."""

    term: Term
    sources: tuple[str, ...]

    @property
    def iri(self) -> str:
        """The IRI, or nothing for a literal."""
        return self.term.value if isinstance(self.term, NamedNode) else ""


@dataclass(frozen=True, slots=True)
class Statements:
    """The values of one property."""

    predicate: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a document that has its own IRI, after a hash."""

    iri: str
    statements: tuple[Statements, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """What points at the entity with one property: how many, and one page of them."""

    predicate: str
    count: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Description:
    """What one release says of one entity; the first page has its own statements, every page some links."""

    iri: str
    statements: tuple[Statements, ...]
    nodes: tuple[Node, ...]
    incoming: tuple[Incoming, ...]
    labels: Mapping[str, tuple[Stated, ...]]
    page: int = 1

    @property
    def pages(self) -> int:
        """How many pages the incoming links fill."""
        return max([1, *(-(-link.count // PAGE) for link in self.incoming)])

    @property
    def incoming_count(self) -> int:
        """All statements that point at the entity."""
        return sum(link.count for link in self.incoming)

    def node_by_iri(self) -> dict[str, Node]:
        """The hash nodes, by IRI."""
        return {node.iri: node for node in self.nodes}

    def values(self, predicate: str) -> tuple[Value, ...]:
        """The values of one property of the entity."""
        return next((s.values for s in self.statements if s.predicate == predicate), ())

    def sources(self) -> tuple[str, ...]:
        """Every graph that states something here, in order of their names."""
        # Many values have the same few sources.
        every = {v.sources for v in self._all_values()}
        return tuple(sorted({source for sources in every for source in sources}))

    def quads(self) -> Iterator[Quad]:
        """All statements, each in the graphs that state it, else in the default graph."""
        for triple, graphs in self._stated():
            for graph in graphs:
                yield Quad(triple.subject, triple.predicate, triple.object, NamedNode(graph))
            if not graphs:
                yield Quad(triple.subject, triple.predicate, triple.object)

    def triples(self) -> list[Triple]:
        """The same without the graphs: each triple once, the entity's own first."""
        return list(dict.fromkeys(triple for triple, _ in self._stated()))

    def _stated(self) -> Iterator[tuple[Triple, tuple[str, ...]]]:
        """Every triple with the graphs that state it."""
        for iri, statements in ((self.iri, self.statements), *((n.iri, n.statements) for n in self.nodes)):
            subject = NamedNode(iri)
            for of_one in statements:
                predicate = NamedNode(of_one.predicate)
                for value in of_one.values:
                    yield Triple(subject, predicate, value.term), value.sources
        thing = NamedNode(self.iri)
        for link in self.incoming:
            predicate = NamedNode(link.predicate)
            for value in link.values:
                if not isinstance(value.term, Literal):
                    yield Triple(value.term, predicate, thing), value.sources
        for iri, labels in self.labels.items():
            named = NamedNode(iri)
            for label in labels:
                yield Triple(named, label.predicate, label.literal), label.sources

    def _all_values(self) -> Iterator[Value]:
        for part in (self.statements, *(node.statements for node in self.nodes)):
            for statements in part:
                yield from statements.values
        for link in self.incoming:
            yield from link.values


def describe(
    store: Store,
    iri: str,
    labels: Labels,
    page: int = 1,
    also: Iterable[str] = (),
    keep: Keep = lambda *_: True,
    ordered: Store | None = None,
) -> Description:
    """What the store says of an entity, with the `page`-th hundred of each kind of incoming link.

    `also` are hash nodes of its document that no link leads to; `keep` chooses what a view shows; `ordered` is the
    store on disk if `store` is its copy in memory, which has no lasting order to turn pages by. The number of lookups
    grows with what is shown on the page, not with the store. Raises NotFound if nothing is said of it, or the page is
    past the last.
    """
    subject = _node(iri)
    said = _statements(store, subject)
    incoming, parts = _incoming(store, subject, page, keep, ordered or store)
    nodes = _nodes(store, iri, said, [*parts, *also])
    if not said and not incoming and not nodes:
        raise NotFound(f"nothing is known of {iri}")
    own = _kept(said, keep)
    nodes = tuple(Node(node.iri, _kept(node.statements, keep)) for node in nodes)
    found = Description(iri, own, nodes, incoming, {}, page)
    if page > found.pages:
        raise NotFound(f"the links to {iri} fill {found.pages} page(s): there is no page {page}")
    if page > 1:
        found = Description(iri, (), (), incoming, {}, page)
    return Description(iri, found.statements, found.nodes, incoming, _named(found, labels), page)


def says(store: Store, iri: str) -> bool:
    """Whether the store says anything of this, or anything points at it."""
    try:
        thing = _node(iri)
    except NotFound:
        return False
    patterns = ((thing, None), (None, thing))
    return any(next(store.quads_for_pattern(s, None, o, None), None) is not None for s, o in patterns)


def _node(iri: str) -> NamedNode:
    """The IRI as a term. Raises NotFound if it is none: then nothing can be said of it."""
    try:
        return NamedNode(iri)
    except ValueError:
        raise NotFound(f"{iri!r} is no IRI") from None


def _statements(store: Store, subject: NamedNode) -> tuple[Statements, ...]:
    """The statements of one subject in all sources, each once, with the graphs that hold it."""
    found: dict[str, dict[Term, list[str]]] = {}
    for _, predicate, value, graph in store.quads_for_pattern(subject, None, None, None):
        # The default graph only repeats the others.
        if isinstance(graph, NamedNode) and not isinstance(value, Triple):
            values = found.setdefault(predicate.value, {})
            values.setdefault(value, []).append(graph.value)
    return tuple([Statements(p, _sorted(found[p])) for p in sorted(found, key=_place)])


def _place(predicate: str) -> tuple[int, bool, str]:
    """What names a thing comes first, then our own properties."""
    return _FIRST.get(predicate, 9), not predicate.startswith(CG), predicate


def _kept(statements: tuple[Statements, ...], keep: Keep) -> tuple[Statements, ...]:
    """The statements that a view shows."""
    kept = ((s, tuple([v for v in s.values if keep(s.predicate, v.sources)])) for s in statements)
    return tuple(s if len(values) == len(s.values) else Statements(s.predicate, values) for s, values in kept if values)


@lru_cache
def _query(name: str) -> str:
    return files("citygraph").joinpath(f"{name}.rq").read_text(encoding="utf-8")


def _incoming(
    store: Store, thing: NamedNode, page: int, keep: Keep, ordered: Store
) -> tuple[tuple[Incoming, ...], list[str]]:
    """What points at a thing, as far as a view shows it, and those of its own hash nodes that do."""
    quads = list(islice(store.quads_for_pattern(None, None, thing, None), _FEW + 1))
    if len(quads) > _FEW:
        return _incoming_of_many(ordered, thing, page, keep), []
    found: dict[str, dict[Term, list[str]]] = {}
    parts: dict[str, None] = {}
    own = thing.value + "#"
    for quad in quads:
        subject = quad.subject
        if isinstance(subject, NamedNode) and subject.value.startswith(own):
            parts[subject.value] = None
        elif subject != thing and not isinstance(subject, Triple):
            graphs = found.setdefault(quad.predicate.value, {}).setdefault(subject, [])
            if isinstance(quad.graph_name, NamedNode):
                graphs.append(quad.graph_name.value)
    start = (page - 1) * PAGE
    links = []
    for predicate in sorted(found):
        values = tuple([v for v in _sorted(found[predicate]) if keep(predicate, v.sources)])
        if values:
            links.append(Incoming(predicate, len(values), values[start : start + PAGE]))
    return tuple(links), sorted(parts)


def _incoming_of_many(store: Store, thing: NamedNode, page: int, keep: Keep) -> tuple[Incoming, ...]:
    """The same of a thing that very many point at: counted by the engine, and only the asked page read."""
    solutions = store.query(_query("incoming"), substitutions={Variable("thing"): thing})
    counts: dict[str, int] = {}
    if isinstance(solutions, QuerySolutions):
        counts = {s["property"].value: int(s["count"].value) for s in solutions}
    links = []
    for predicate, count in sorted(counts.items()):
        values = tuple(_page_of_many(store, NamedNode(predicate), thing, page))
        # Derivation says all of a property or nothing, so the first of the page speaks for all.
        if keep(predicate, values[0].sources if values else ()):
            links.append(Incoming(predicate, count, values))
    return tuple(links)


def _page_of_many(store: Store, predicate: NamedNode, thing: NamedNode, page: int) -> Iterator[Value]:
    every = store.quads_for_pattern(None, predicate, thing, DefaultGraph())
    for quad in islice(every, (page - 1) * PAGE, page * PAGE):
        if not isinstance(quad.subject, Triple):
            same = store.quads_for_pattern(quad.subject, predicate, thing, None)
            graphs = (q.graph_name.value for q in same if isinstance(q.graph_name, NamedNode))
            yield Value(quad.subject, tuple(sorted(graphs)))


def _nodes(store: Store, iri: str, own: Iterable[Statements], parts: Iterable[str]) -> tuple[Node, ...]:
    """The hash nodes of a document: those that it links to, those that link to it, and theirs."""
    prefix = iri + "#"
    waiting = [node for node in (*_linked(own), *parts) if node.startswith(prefix)]
    found: dict[str, Node] = {}
    while waiting and len(found) < _NODES:
        node = waiting.pop(0)
        if node not in found:
            statements = _statements(store, NamedNode(node))
            if statements:
                found[node] = Node(node, statements)
                waiting.extend(linked for linked in _linked(statements) if linked.startswith(prefix))
    return tuple(found.values())


def _linked(statements: Iterable[Statements]) -> list[str]:
    return [v.term.value for of_one in statements for v in of_one.values if isinstance(v.term, NamedNode)]


def _named(found: Description, labels: Labels) -> dict[str, tuple[Stated, ...]]:
    """The labels of everything that the description names, in English and Turkish where there are such.

    Classes and properties are left out: they are said at their own addresses, and their names are readable.
    """
    named: dict[str, None] = {}
    for part in (found.statements, *(node.statements for node in found.nodes)):
        named.update(dict.fromkeys(_linked(s for s in part if s.predicate != _TYPE)))
    for link in found.incoming:
        named.update(dict.fromkeys(value.iri for value in link.values if value.iri))
    if found.page > 1:
        named[found.iri] = None
    else:
        named.pop(found.iri, None)
    for node in found.nodes:
        named.pop(node.iri, None)
    return {iri: stated for iri in named if (stated := labels.for_readers(iri))}


def _sorted(values: Mapping[Term, list[str]]) -> tuple[Value, ...]:
    if len(values) == 1:
        return tuple([Value(term, _in_order(graphs)) for term, graphs in values.items()])
    return tuple([Value(term, _in_order(values[term])) for term in sorted(values, key=_order)])


def _in_order(graphs: list[str]) -> tuple[str, ...]:
    if len(graphs) > 1:
        graphs.sort()
    return tuple(graphs)


def _order(term: Term) -> tuple[bool, str, str]:
    language = term.language or "" if isinstance(term, Literal) else ""
    return isinstance(term, Literal), term.value, language
