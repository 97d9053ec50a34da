"""Descriptions of entities: statements with their sources, incoming links, hash nodes and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from importlib.resources import files
from itertools import islice
from sys import intern
from typing import NamedTuple

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store, Triple, Variable

from citygraph.errors import NotFound
from citygraph.graph.labels import Labels, StatedLabel
from citygraph.graph.things import Things
from citygraph.rdf.terms import CG, DCTERMS, RDF, RDFS, SKOS

PAGE = 100  # incoming links of one property on a page
# Up to this many incoming quads are read and sorted in memory. Of more, only the requested page is read, in the
# order of the store, so that the cost does not grow with a hub such as a country.
_FEW = 4_000
_NODES = 1_000  # hash nodes of a document: a bound for documents whose nodes link to ever more nodes
UNBOUNDED = 10**9  # quads of a description
_OF_VALUE = 300  # bytes of a value beyond its text
_TYPE = RDF("type").value
_FIRST = {
    _TYPE: 0,
    RDFS("label").value: 1,
    SKOS("prefLabel").value: 2,
    SKOS("altLabel").value: 3,
    SKOS("hiddenLabel").value: 4,
    DCTERMS("title").value: 5,
}

Term = NamedNode | BlankNode | Literal
# Takes a property and the graphs that state a value; returns whether a view shows that value.
Keep = Callable[[str, tuple[str, ...]], bool]


class Value(NamedTuple):
    """A value, or the subject of an incoming link, with the graphs that state it."""

    term: Term
    sources: tuple[str, ...]

    @property
    def iri(self) -> str:
        """The IRI; empty for a literal."""
        return self.term.value if isinstance(self.term, NamedNode) else ""


class Statements(NamedTuple):
    """The values of one property."""

    predicate: str
    values: tuple[Value, ...]


class Node(NamedTuple):
    """A part of a document that has its own IRI, after a hash."""

    iri: str
    statements: tuple[Statements, ...]


@dataclass(frozen=True, slots=True)
class Incoming:
    """The incoming links of one property: their number, and one page of them."""

    predicate: str
    count: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Description:
    """The description of one entity in one release. Only the first page has its own statements."""

    iri: str
    statements: tuple[Statements, ...]
    nodes: tuple[Node, ...]
    incoming: tuple[Incoming, ...]
    labels: Mapping[str, tuple[StatedLabel, ...]]
    page: int = 1

    @property
    def pages(self) -> int:
        """The number of pages that the incoming links fill."""
        return max([1, *[-(-link.count // PAGE) for link in self.incoming]])

    @cached_property
    def value_count(self) -> int:
        """The number of values and links."""
        return sum(map(len, self._all_values()))

    @cached_property
    def size(self) -> int:
        """An estimate of the bytes in memory."""
        texts = [len(value[0].value) for values in self._all_values() for value in values]
        return sum(texts) + _OF_VALUE * (len(texts) + len(self.labels) + len(self.nodes))

    @property
    def incoming_count(self) -> int:
        """The number of statements that point at the entity."""
        return sum([link.count for link in self.incoming])

    def node_by_iri(self) -> dict[str, Node]:
        """Returns the hash nodes by IRI."""
        return {node.iri: node for node in self.nodes}

    def values(self, predicate: str) -> tuple[Value, ...]:
        """Returns the values of one property of the entity."""
        return next((s.values for s in self.statements if s.predicate == predicate), ())

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Every graph that states something here, sorted by IRI."""
        # Most values have the sources of another one.
        return tuple(sorted(set().union(*{sources for values in self._all_values() for _, sources in values})))

    def quads(self) -> Iterator[Quad]:
        """Yields each statement once for every graph that states it, or once in the default graph if no graph does."""
        for triple, graphs in self._stated():
            for graph in graphs:
                yield Quad(triple.subject, triple.predicate, triple.object, NamedNode(graph))
            if not graphs:
                yield Quad(triple.subject, triple.predicate, triple.object)

    def triples(self) -> list[Triple]:
        """Returns each triple once, the entity's own first."""
        return list(dict.fromkeys(triple for triple, _ in self._stated()))

    def _stated(self) -> Iterator[tuple[Triple, tuple[str, ...]]]:
        """Yields every triple with the graphs that state it."""
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

    def _all_values(self) -> list[tuple[Value, ...]]:
        parts = (self.statements, *[node.statements for node in self.nodes])
        stated = [values for part in parts for _, values in part]
        return [*stated, *[link.values for link in self.incoming]]


# As the classes make them, without a call of Python for each.
_value, _statement = partial(tuple.__new__, Value), partial(tuple.__new__, Statements)


class LargeDescription(Exception):
    """A description has more statements than its caller waits for."""


def keep_all(_: str, __: tuple[str, ...]) -> bool:
    """Keeps every statement."""
    return True


def describe(
    store: Store,
    iri: str,
    labels: Labels | None,
    page: int = 1,
    also: Iterable[str] = (),
    keep: Keep = keep_all,
    ordered: Store | None = None,
    most: int = UNBOUNDED,
    things: Things | None = None,
) -> Description:
    """Returns the description of an entity, with the `page`-th hundred of each kind of incoming link.

    `also` are hash nodes of its document that no link leads to; `keep` selects the statements of a view. `ordered` is
    the store on disk when `store` is its copy in memory, which has no stable order to page through. Without `labels`,
    the named entities have no labels; `things` learns what is read. The number of lookups grows with the page only.

    Raises NotFound if the store has nothing about the entity, or the page is past the last; LargeDescription if more
    than `most` quads must be read.
    """
    subject, reader = _node(iri), _Reader(store, most, things)
    statements = _statements(reader, subject)
    incoming, parts = _incoming(reader, subject, page, keep, ordered or store)
    nodes = _nodes(reader, iri, statements, [*parts, *also])
    if not statements and not incoming and not nodes:
        raise NotFound(f"the release has no statements about {iri}")
    own = _filtered(statements, keep)
    nodes = tuple(Node(node.iri, _filtered(node.statements, keep)) for node in nodes)
    named: dict[str, tuple[StatedLabel, ...]] = {}
    description = Description(iri, own, nodes, incoming, named, page)
    if page > description.pages:
        raise NotFound(f"the links to {iri} fill {description.pages} page(s): there is no page {page}")
    if page > 1:
        # Later pages show further links only; the entity's own statements are on the first.
        description = replace(description, statements=(), nodes=())
    # Its own dictionary is filled: another copy would take as long as a lookup.
    if labels is not None:
        named.update(_labels_of_named(description, labels))
    return description


def has_statements(store: Store, iri: str) -> bool:
    """Returns whether any quad has this IRI as subject or object."""
    try:
        thing = _node(iri)
    except NotFound:
        return False
    patterns = ((thing, None), (None, thing))
    return any(next(store.quads_for_pattern(s, None, o, None), None) is not None for s, o in patterns)


def _node(iri: str) -> NamedNode:
    """Returns the IRI as a term. Raises NotFound if it is not an IRI: no statement can have it."""
    try:
        return NamedNode(iri)
    except ValueError:
        raise NotFound(f"{iri!r} is not an IRI") from None


class _Reader:
    """A reader of the quads of one description, up to a number of them."""

    def __init__(self, store: Store, most: int, things: Things | None) -> None:
        self._store, self._left, self._things = store, most, things

    def quads(self, subject: NamedNode | None, value: NamedNode | None, first: int = UNBOUNDED) -> list[Quad]:
        """Returns the first quads with this subject or value. Raises LargeDescription."""
        every = self._store.quads_for_pattern(subject, None, value, None)
        quads = list(islice(every, min(first, self._left + 1)))
        self._left -= len(quads)
        if self._left < 0:
            raise LargeDescription
        # Nothing is kept of what does not exist: anybody can ask for any number of long addresses.
        if self._things is not None and 0 < len(quads) < first:
            self._things.learn(subject, value, quads)
        return quads


def _statements(reader: _Reader, subject: NamedNode) -> tuple[Statements, ...]:
    """Returns the statements of one subject from all sources, each once, with the graphs that hold it."""
    by_property: dict[str, dict[Term, list[str]]] = {}
    for quad in reader.quads(subject, None):
        graph = quad.graph_name
        # The default graph only repeats the named graphs.
        if isinstance(graph, NamedNode):
            value = quad.object
            # RDF 1.2 triple terms have no page of their own.
            if not isinstance(value, Triple):
                # Properties and graphs repeat: each text is kept once.
                values = by_property.setdefault(intern(quad.predicate.value), {})
                values.setdefault(value, []).append(intern(graph.value))
    return tuple([_statement((p, _sorted(by_property[p]))) for p in sorted(by_property, key=_property_order)])


@lru_cache(4096)
def _property_order(predicate: str) -> tuple[int, bool, str]:
    """Returns the sort key of a property: naming properties first, then those of the ontology."""
    return _FIRST.get(predicate, 9), not predicate.startswith(CG), predicate


def _filtered(statements: tuple[Statements, ...], keep: Keep) -> tuple[Statements, ...]:
    """Returns the statements that a view shows."""
    if keep is keep_all:
        return statements
    filtered = []
    for statement in statements:
        predicate, values = statement
        shown = [value for value in values if keep(predicate, value.sources)]
        if len(shown) == len(values):
            filtered.append(statement)
        elif shown:
            filtered.append(Statements(predicate, tuple(shown)))
    return tuple(filtered)


@lru_cache
def _query(name: str) -> str:
    return files("citygraph.graph").joinpath(f"{name}.rq").read_text(encoding="utf-8")


def _incoming(
    reader: _Reader, thing: NamedNode, page: int, keep: Keep, ordered: Store
) -> tuple[tuple[Incoming, ...], list[str]]:
    """Returns the incoming links that a view shows, and the entity's own hash nodes that link to it."""
    quads = reader.quads(None, thing, _FEW + 1)
    if len(quads) > _FEW:
        return _incoming_of_many(ordered, thing, page, keep), []
    by_property: dict[str, dict[Term, list[str]]] = {}
    parts: dict[str, None] = {}
    own = thing.value + "#"
    for quad in quads:
        subject = quad.subject
        if isinstance(subject, NamedNode) and subject.value.startswith(own):
            parts[subject.value] = None
        elif subject != thing and not isinstance(subject, Triple):
            graphs = by_property.setdefault(intern(quad.predicate.value), {}).setdefault(subject, [])
            if isinstance(quad.graph_name, NamedNode):
                graphs.append(intern(quad.graph_name.value))
    start = (page - 1) * PAGE
    links = []
    for predicate in sorted(by_property):
        values = tuple([v for v in _sorted(by_property[predicate]) if keep(predicate, v.sources)])
        if values:
            links.append(Incoming(predicate, len(values), values[start : start + PAGE]))
    return tuple(links), sorted(parts)


def _incoming_of_many(store: Store, thing: NamedNode, page: int, keep: Keep) -> tuple[Incoming, ...]:
    """Returns the links of an entity with very many: counted by the engine, only the requested page read."""
    solutions = store.query(_query("incoming"), substitutions={Variable("thing"): thing})
    counts: dict[str, int] = {}
    if isinstance(solutions, QuerySolutions):
        counts = {s["property"].value: int(s["count"].value) for s in solutions}
    links = []
    for predicate, count in sorted(counts.items()):
        values = tuple(_page_of_many(store, NamedNode(predicate), thing, page))
        # A rule derives either all values of a property or none of them, so the first value decides for all.
        if keep(predicate, values[0].sources if values else ()):
            links.append(Incoming(predicate, count, values))
    return tuple(links)


def _page_of_many(store: Store, predicate: NamedNode, thing: NamedNode, page: int) -> Iterator[Value]:
    # The default graph has each triple once; the named graphs would repeat those that several sources state.
    every = store.quads_for_pattern(None, predicate, thing, DefaultGraph())
    for quad in islice(every, (page - 1) * PAGE, page * PAGE):
        if not isinstance(quad.subject, Triple):
            same = store.quads_for_pattern(quad.subject, predicate, thing, None)
            graphs = (q.graph_name.value for q in same if isinstance(q.graph_name, NamedNode))
            yield Value(quad.subject, tuple(sorted(graphs)))


def _nodes(reader: _Reader, iri: str, own: Iterable[Statements], parts: Iterable[str]) -> tuple[Node, ...]:
    """Returns the hash nodes of a document: those that it links to, those that link to it, and theirs in turn."""
    prefix = iri + "#"
    waiting = [node for node in (*_linked(own), *parts) if node.startswith(prefix)]
    nodes: dict[str, Node] = {}
    while waiting and len(nodes) < _NODES:
        node = waiting.pop(0)
        if node not in nodes:
            statements = _statements(reader, NamedNode(node))
            if statements:
                nodes[node] = Node(node, statements)
                waiting.extend(linked for linked in _linked(statements) if linked.startswith(prefix))
    return tuple(nodes.values())


def _linked(statements: Iterable[Statements]) -> list[str]:
    return [v.term.value for of_one in statements for v in of_one.values if isinstance(v.term, NamedNode)]


def _labels_of_named(description: Description, labels: Labels) -> dict[str, tuple[StatedLabel, ...]]:
    """Returns the labels of everything that the description names, in the languages of the instance if available.

    Classes and properties are left out: they are described at their own addresses, and their names are readable.
    """
    named: dict[str, None] = {}
    parts = (description.statements, *[node.statements for node in description.nodes])
    own = [values for part in parts for predicate, values in part if predicate != _TYPE]
    for values in (*own, *[link.values for link in description.incoming]):
        for term, _ in values:
            if isinstance(term, NamedNode):
                named[term.value] = None
    if description.page > 1:
        # The page has no statements of the entity itself, but its title needs the label.
        named[description.iri] = None
    else:
        named.pop(description.iri, None)
    for node in description.nodes:
        named.pop(node.iri, None)
    return {iri: stated for iri in named if (stated := labels.for_readers(iri))}


def _sorted(values: Mapping[Term, list[str]]) -> tuple[Value, ...]:
    if len(values) == 1:
        # Most properties have one value.
        ((term, graphs),) = values.items()
        return (_value((term, _in_order(graphs))),)
    return tuple([_value((term, _in_order(values[term]))) for term in sorted(values, key=_order)])


def _in_order(graphs: list[str]) -> tuple[str, ...]:
    return tuple(graphs) if len(graphs) == 1 else tuple(sorted(graphs))


def _order(term: Term) -> tuple[bool, str, str]:
    language = term.language or "" if isinstance(term, Literal) else ""
    return isinstance(term, Literal), term.value, language
