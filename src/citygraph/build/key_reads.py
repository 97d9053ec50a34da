"""The triples that a query reads for each value of its key; of a SELECT, the variable that orders its rows first.

The rows of a key depend only on the triples that can be part of a solution with it. Steps find them: the lines whose
subject or object is the key, the lines about the nodes that these name, and so on.

Why this is enough: let the variables of a part of the query be limited to sets of nodes. A store with the lines of the
steps for these sets has the same solutions within the limits as the whole graph, and so has one with more lines of the
graph. For each kind of part this follows from the parts in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from citygraph.build.dependencies import Unbounded
from citygraph.build.key_parts import KEY, Constant, KeyReads, Reached, ReadStep, Slot
from citygraph.build.predicate_files import Key
from citygraph.build.query_algebra import joined_parts, part_of, rows_of_values, variables_in, words
from citygraph.rdf.terms import ONTOLOGY_GRAPH, PREFIXES, RDF, RDFS

_TYPE = str(RDF("type"))
_LABELS = frozenset({(str(RDFS("label")), "")})
_LABEL_IN = PREFIXES["cg"] + "labelIn"
# Where patterns match: in the default graph, in graphs that are read by steps, or in the ontology, which is read whole.
_DEFAULT, _NAMED, _WHOLE = "default", "named", "whole"
# By variable; None is any node.
_Slots = Mapping[str, Slot | None]


@dataclass(frozen=True)
class _Part:
    """A part of a query: its steps, and the nodes of the variables that are always bound, and of all."""

    steps: frozenset[ReadStep] = frozenset()
    always: _Slots = field(default_factory=dict)
    maybe: _Slots = field(default_factory=dict)
    # Steps by the key; every solution has a line of one step of each set.
    required: frozenset[frozenset[ReadStep]] = frozenset()

    def anchors(self) -> list[frozenset[ReadStep]]:
        """Returns the set with the fewest values, if there is any: most classes are smaller than properties."""
        return sorted(self.required, key=_order)[:1]

    def joined(self, other: _Part) -> _Part:
        """Returns the join of two parts."""
        return _Part(
            self.steps | other.steps,
            {**other.always, **self.always, **_known(other.always), **_known(self.always)},
            _either(self.maybe, other.maybe),
            self.required | other.required,
        )

    def united(self, other: _Part) -> _Part:
        """Returns the union of two parts."""
        both = self.always.keys() & other.always.keys()
        return _Part(
            self.steps | other.steps,
            {name: _united(self.always[name], other.always[name]) for name in both},
            _either(self.maybe, other.maybe),
            frozenset({one | two for one in self.anchors() for two in other.anchors()}),
        )

    def with_labels(self, expression: Any) -> _Part:
        """Returns the part with the steps for labels that an expression reads. Raises Unbounded."""
        return replace(self, steps=self.steps | set(_label_steps(expression, self.maybe)))

    def projected(self, names: Iterable[str]) -> _Part:
        """Returns the part with some of its variables."""
        kept = set(names)
        return replace(self, always=_only(self.always, kept), maybe=_only(self.maybe, kept))


def _order(steps: Iterable[ReadStep]) -> tuple[bool, bool, list[Key]]:
    keys = sorted(key for step in steps for key in step.keys)
    return not all(class_ for _, class_ in keys), not all(predicate for predicate, _ in keys), keys


def key_reads(text: str) -> KeyReads:
    """Returns what a SELECT query reads for each value of its key. Raises Unbounded if this cannot be proved."""
    query = algebra(text)
    return reads_of(query.p, order_of(query.p))


def reads_of(node: Any, key: str, expression: Any = ()) -> KeyReads:
    """Returns what a part of a query, and an expression after it, read for each value of a variable: the key.

    Raises Unbounded if this cannot be proved.
    """
    whole = _Reader().read(node, {key: KEY}, _DEFAULT).with_labels(expression)
    if key not in whole.always:
        raise Unbounded(f"?{key} may be unbound")
    if not whole.required:
        raise Unbounded(f"no pattern has all values of ?{key}")
    return KeyReads(key, whole.anchors()[0], whole.steps)


def algebra(text: str, kind: str = "SelectQuery") -> Any:
    """Returns rdflib's algebra of a query of a kind. Raises Unbounded if it may differ from that of the engine."""
    # Imported here because it takes a third of a second, and most processes do not need it.
    from rdflib.plugins.sparql.algebra import translateQuery
    from rdflib.plugins.sparql.parser import parseQuery

    try:
        parsed = parseQuery(text)
        query = translateQuery(parsed, initNs=dict(PREFIXES)).algebra
    except Exception as error:
        raise Unbounded(f"a query has syntax that only the engine knows: {error}") from None
    # With BASE, and with escapes in names (cg:a\/b), rdflib does not read all names as the engine does.
    is_escaped = "\\u" in text.lower() or "\\" in words(text)
    if is_escaped or "__agg_" in text or any(part.name == "Base" for part in parsed[0]):
        raise Unbounded("a query may have other names than it seems")
    if query.name != kind or part_of(query, "datasetClause"):
        raise Unbounded("a query with FROM, or of another kind, has no keys")
    return query


def order_of(node: Any) -> str:
    """Returns the variable by which the rows are ordered first, if it is one of their columns. Raises Unbounded."""
    from rdflib import Variable

    columns: set[Any] = set()
    while node.name in {"Distinct", "Reduced", "Project"}:
        columns.update(part_of(node, "PV"))
        node = node.p
    first = node.expr[0] if node.name == "OrderBy" else None
    if first is None or first.order == "DESC" or not isinstance(first.expr, Variable) or first.expr not in columns:
        raise Unbounded("the rows are not in the order of a column")
    return str(first.expr)


class _Reader:
    """A reader of rdflib's algebra, with a method for each kind of part.

    It gets the slots of those variables to which the solutions are limited, and where the patterns match.
    """

    def __init__(self) -> None:
        self._fresh = count()
        self._methods = {
            "BGP": self._read_patterns,
            "Graph": self._read_graph,
            "Join": self._read_join,
            "LeftJoin": self._read_optional,
            "Minus": self._read_optional,
            "Union": self._read_union,
            "Filter": self._read_filter,
            "OrderBy": self._read_filter,
            "Extend": self._read_bind,
            "ToMultiSet": self._read_subquery,
            "Project": self._read_projection,
            "AggregateJoin": self._read_aggregates,
        } | dict.fromkeys(("Distinct", "Reduced"), self._read_inner)

    def read(self, node: Any, slots: _Slots, where: str) -> _Part:
        """Returns a part of a query. Raises Unbounded."""
        if node.name not in self._methods:
            raise Unbounded(f"the steps for {node.name} are not known")
        return self._methods[node.name](node, slots, where)

    def _read_patterns(self, node: Any, slots: _Slots, where: str) -> _Part:
        if where != _DEFAULT and not node.triples:
            raise Unbounded("an empty pattern depends on which graphs there are")
        if where == _WHOLE:
            anything = dict.fromkeys(variables_in(node.triples))
            return _Part(always=anything, maybe=anything)
        waiting = [pattern for triple in node.triples for pattern in self._without_path(*triple)]
        nodes = {name: slots.get(name) for pattern in waiting for name in pattern.names()}
        steps = []
        while waiting:
            pattern, end, slot = _nearest(waiting, nodes)
            waiting.remove(pattern)
            step = ReadStep(where == _NAMED, pattern.keys(nodes), end, slot)
            steps.append(step)
            reached = _name(getattr(pattern, step.other_end))
            if reached and not nodes[reached]:
                nodes[reached] = frozenset({Reached(step)})
        # Not the nodes within paths, and blank nodes: no other part has them.
        bound = _only(nodes, set(variables_in(node.triples)))
        return _Part(frozenset(steps), bound, bound, frozenset(frozenset({step}) for step in steps if step.slot == KEY))

    def _without_path(self, subject: Any, predicate: Any, value: Any) -> Iterator[_Pattern]:
        """Yields the patterns of a triple. Raises Unbounded for a path of any length."""
        from rdflib import URIRef, Variable, paths

        if isinstance(predicate, URIRef | Variable):
            yield _Pattern(subject, (predicate,), value)
        elif isinstance(predicate, paths.AlternativePath) and all(isinstance(one, URIRef) for one in predicate.args):
            yield _Pattern(subject, tuple(predicate.args), value)
        elif isinstance(predicate, paths.InvPath):
            yield from self._without_path(value, predicate.arg, subject)
        elif isinstance(predicate, paths.SequencePath):
            # No query can have these variables.
            between = [Variable(f"path/{next(self._fresh)}") for _ in predicate.args[1:]]
            for begin, step, end in zip([subject, *between], predicate.args, [*between, value], strict=True):
                yield from self._without_path(begin, step, end)
        else:
            raise Unbounded(f"the steps for the path {predicate} are not known")

    def _read_graph(self, node: Any, slots: _Slots, where: str) -> _Part:
        if where != _DEFAULT:
            raise Unbounded("a graph in a graph depends on which graphs there are")
        if str(node.term) == ONTOLOGY_GRAPH.value:
            return self.read(node.p, slots, _WHOLE)
        graph = dict.fromkeys(variables_in(node.term))
        return _Part(always=graph, maybe=graph).joined(self.read(node.p, slots, _NAMED))

    def _read_join(self, node: Any, slots: _Slots, where: str) -> _Part:
        """Reads the parts in an order in which each limits those after it."""
        whole, waiting = _Part(), [*joined_parts(node)]
        while waiting:
            part = self._next_of(waiting, {**_known(whole.always), **slots}, where)
            whole = whole.joined(part)
        return whole

    def _next_of(self, waiting: list[Any], slots: _Slots, where: str) -> _Part:
        """Returns, and removes, the first part whose steps are known. Raises Unbounded if there is none."""
        for one in waiting[:-1]:
            with suppress(Unbounded):
                part = self.read(one, slots, where)
                waiting.remove(one)
                return part
        return self.read(waiting.pop(), slots, where)

    def _read_optional(self, node: Any, slots: _Slots, where: str) -> _Part:
        """Reads OPTIONAL or MINUS."""
        first = self.read(node.p1, slots, where)
        # A variable that the first part may leave unbound does not limit the second one: a solution beyond the limit
        # would extend, or remove, one of the first.
        own = {name: slot for name, slot in slots.items() if name in first.always}
        second = self.read(node.p2, {**_known(first.always), **own}, where)
        both = replace(first, steps=first.steps | second.steps, maybe=_either(first.maybe, second.maybe))
        return both.with_labels(part_of(node, "expr"))

    def _read_union(self, node: Any, slots: _Slots, where: str) -> _Part:
        return self.read(node.p1, slots, where).united(self.read(node.p2, slots, where))

    def _read_filter(self, node: Any, slots: _Slots, where: str) -> _Part:
        """Reads FILTER or ORDER BY."""
        return self.read(node.p, slots, where).with_labels(node.expr)

    def _read_inner(self, node: Any, slots: _Slots, where: str) -> _Part:
        return self.read(node.p, slots, where)

    def _read_bind(self, node: Any, slots: _Slots, where: str) -> _Part:
        name, renamed = str(node.var), _name(node.expr)
        inner = {other: slot for other, slot in slots.items() if other != name}
        if renamed and name in slots:
            inner[renamed] = slots[name]
        part = self.read(node.p, inner, where).with_labels(node.expr)
        always, maybe = dict(part.always), {**part.maybe, name: part.maybe.get(renamed)}
        if renamed in part.always:
            always[name] = part.always[renamed]
        return replace(part, always=always, maybe=maybe)

    def _read_subquery(self, node: Any, slots: _Slots, where: str) -> _Part:
        if where == _NAMED:
            raise Unbounded("a subquery or VALUES in a graph may depend on which graphs there are")
        rows = rows_of_values(node)
        return self.read(node.p, slots, where) if rows is None else _of_values(rows)

    def _read_projection(self, node: Any, slots: _Slots, where: str) -> _Part:
        names = set(map(str, node.PV))
        return self.read(node.p, _only(slots, names), where).projected(names)

    def _read_aggregates(self, node: Any, slots: _Slots, where: str) -> _Part:
        """Reads GROUP BY. Only the variables by which rows are grouped limit the rows of a group."""
        by = node.p.expr or ()
        names = {name for name in map(_name, by) if name}
        # The value of such a variable in the result is a sample of its equal values.
        samples = {str(one.res): _name(one.vars) for one in node.A if one.name == "Aggregate_Sample"}
        limits = {name: slots[one] for one, name in samples.items() if one in slots and name in names}
        part = self.read(node.p.p, limits, where).with_labels(by).with_labels(node.A)
        results = dict.fromkeys(str(one.res) for one in node.A)
        always, maybe = (
            {one: of[name] for one, name in samples.items() if name in of and name in names}
            for of in (part.always, part.maybe)
        )
        grouped = replace(part, always=always, maybe={**results, **maybe})
        # Without GROUP BY there is a row even if nothing matches.
        return grouped if by else replace(grouped, required=frozenset())


@dataclass(frozen=True)
class _Pattern:
    """A triple pattern with terms of rdflib; one of the predicates matches."""

    subject: Any
    predicates: tuple[Any, ...]
    object: Any

    def names(self) -> Iterator[str]:
        """Yields the names of its variables."""
        return filter(None, map(_name, (self.subject, *self.predicates, self.object)))

    def slot(self, end: str, nodes: _Slots) -> Slot | None:
        """Returns the nodes that an end can be; None if any."""
        from rdflib import URIRef

        term = getattr(self, end)
        # A class or a country has too many subjects to be a limit.
        if isinstance(term, URIRef):
            return frozenset({Constant(f"<{term}>")}) if end == "subject" else None
        return nodes.get(_name(term))

    def keys(self, nodes: _Slots) -> frozenset[Key]:
        """Returns the predicates and classes of its triples; "" is any."""
        predicates, classes = (_texts(terms, nodes) for terms in (self.predicates, (self.object,)))
        return frozenset(
            (predicate, class_)
            for predicate in ([""] if predicates is None else predicates)
            for class_ in (classes or [""] if predicate == _TYPE else [""])
        )


def _texts(terms: Sequence[Any], nodes: _Slots) -> list[str] | None:
    """Returns the IRIs that terms can be, as in N-Triples; None if others may be too."""
    from rdflib import URIRef

    texts = []
    for term in terms:
        slot = {Constant(f"<{term}>")} if isinstance(term, URIRef) else nodes.get(_name(term))
        if not slot or not all(isinstance(one, Constant) for one in slot):
            return None
        texts += [one.node for one in slot if isinstance(one, Constant)]
    return texts


def _nearest(patterns: Iterable[_Pattern], nodes: _Slots) -> tuple[_Pattern, str, Slot]:
    """Returns the pattern that is nearest to the key, the end by which it is, and the nodes there. Raises Unbounded."""
    found = [(one, end, slot) for one in patterns for end in ("subject", "object") if (slot := one.slot(end, nodes))]
    if not found:
        raise Unbounded("a pattern has no known node")
    return min(found, key=lambda choice: (choice[2] != KEY, choice[1] == "object"))


def _name(term: Any) -> str:
    """Returns the name of a variable or of a blank node in a pattern; "" for anything else."""
    from rdflib import BNode, Variable

    return f"_:{term}" if isinstance(term, BNode) else str(term) if isinstance(term, Variable) else ""


def _of_values(rows: Sequence[Mapping[Any, Any]]) -> _Part:
    """Returns the part that is VALUES."""
    from rdflib import URIRef

    maybe: dict[str, Slot | None] = {}
    for name in {name for row in rows for name in row}:
        terms = [row[name] for row in rows if name in row]
        are_nodes = all(isinstance(term, URIRef) for term in terms)
        maybe[str(name)] = frozenset(Constant(f"<{term}>") for term in terms) if are_nodes else None
    always = {name: slot for name, slot in maybe.items() if all(name in map(str, row) for row in rows)}
    return _Part(always=always, maybe=maybe)


def _label_steps(expression: Any, nodes: _Slots) -> Iterator[ReadStep]:
    """Yields the steps for the labels that an expression reads. Raises Unbounded if it reads more."""
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(expression, CompValue):
        if expression.name in {"Builtin_EXISTS", "Builtin_NOTEXISTS"}:
            raise Unbounded("the steps for EXISTS are not known")
        if expression.name == "Function" and str(expression.iri) == _LABEL_IN:
            yield ReadStep(False, _LABELS, "subject", _labelled(expression.expr, nodes))
        for part in expression.values():
            yield from _label_steps(part, nodes)
    elif isinstance(expression, list | tuple) and not hasattr(expression, "n3"):
        for part in expression:
            yield from _label_steps(part, nodes)


def _labelled(arguments: Sequence[Any], nodes: _Slots) -> Slot:
    slot = nodes.get(_name(arguments[0])) if arguments else None
    if not slot:
        raise Unbounded("a label of any node is read")
    return slot


def _known(slots: _Slots) -> _Slots:
    return {name: slot for name, slot in slots.items() if slot}


def _only(slots: _Slots, names: set[str]) -> _Slots:
    return {name: slot for name, slot in slots.items() if name in names}


def _united(one: Slot | None, other: Slot | None) -> Slot | None:
    return one | other if one and other else None


def _either(one: _Slots, other: _Slots) -> _Slots:
    """Returns the nodes of variables that one part binds, or the other."""
    both = one.keys() & other.keys()
    return {**one, **other, **{name: _united(one[name], other[name]) for name in both}}
