"""Dependencies of SPARQL queries: their triple patterns, and the paths from a node to each of them.

They are read from the texts of rules and constraints. With them, a commit examines only the nodes that a change can
affect and the triples that these nodes depend on, instead of the whole graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any

from pyoxigraph import Literal, NamedNode

from citygraph.build.patterns import KINDS, DependencyPaths, Path, Pattern, Term, Variable
from citygraph.build.query_algebra import (
    alternatives,
    always_bound,
    conjuncts,
    first_part,
    kinds_of,
    part_of,
    projecting_part,
    rows_of_values,
    variables_in,
)
from citygraph.rdf.terms import PREFIXES, RDF

_TYPE = RDF("type")
_VARIABLE = re.compile(r"[?$](\w+)")
# Each further pattern multiplies the number of paths; our rules and shapes need fewer.
_LONGEST = 8
# The parts of these need not match, or not in the data.
_NOT_REQUIRING = frozenset({"Union", "Builtin_EXISTS", "Builtin_NOTEXISTS"})
_GRAPHS = frozenset({"Graph", "GraphGraphPattern"})
# In a pattern, the graph of `GRAPH ?graph`.
ANY_GRAPH = NamedNode("urn:x-citygraph:any-graph")
# SERVICE, LIMIT and OFFSET.
_BEYOND_PATTERNS = frozenset({"ServiceGraphPattern", "Slice"})
# The solutions of the other parts of these are not joined with those of the first: they extend, remove or test them.
_FIRST_PARTS = {"LeftJoin": "p1", "Minus": "p1"} | dict.fromkeys(
    ("Filter", "Extend", "OrderBy", "Group", "AggregateJoin"), "p"
)
# In EXISTS, where rdflib has no algebra, the part that these belong to is not known.
_FIRST_PARTS |= dict.fromkeys(("OptionalGraphPattern", "MinusGraphPattern", "SubSelect", "Bind"), "")


# The variables by which a pattern is joined with the required ones, so that no match with another term matters; None is
# all. The solution of an OPTIONAL in an OPTIONAL, for instance, may lack a variable that the whole must bind.
Joined = frozenset[str] | None


class Unbounded(Exception):
    """A dependency without a limit, such as a property path of any length: the whole graph must be examined."""


@dataclass
class QueryPatterns:
    """The patterns of a query, those of its CONSTRUCT template, and its BIND variables."""

    patterns: list[Pattern]
    template: list[Pattern]
    bound_from: dict[str, set[str]]  # a variable of BIND, and the variables in its expression
    new_terms: set[str] = field(default_factory=set)  # variables of BIND that get new terms, not those of others
    branches: bool = True  # whether it has a UNION, so that not all patterns need to match together
    kinds: dict[str, frozenset[str]] = field(default_factory=dict)  # the kinds of terms that a variable can be
    required: list[Pattern] = field(default_factory=list)  # without a match of each, the query has no solution
    absent: list[Pattern] = field(default_factory=list)  # with a match of one, there is no solution
    graphs: set[NamedNode] = field(default_factory=set, compare=False)  # that GRAPH names
    values: dict[str, set[Term]] = field(default_factory=dict, compare=False)  # that VALUES requires of a variable
    # Only a build reads this: `PatternCache` does not keep it.
    joined: dict[Pattern, Joined] = field(default_factory=dict, compare=False)  # of each pattern, without `once`

    def dependencies(self, pivot: str) -> DependencyPaths:
        """Returns the paths from a variable to the patterns of the query. No path visits a variable twice."""
        conditions = [p for p in self.patterns if p.graph is not None and pivot in p.variables()]
        paths: dict[Path, None] = {}
        _extend((), {pivot}, {pivot}, [p for p in self.patterns if p.graph is None], paths)
        needed: Iterable[Path] = paths
        if not self.branches:
            # If all patterns must match, one path to a pattern is enough: not one through all members of a class.
            direct = {path[-1] for path in paths if not _goes_through_class(path)}
            needed = (path for path in paths if path[-1] not in direct or not _goes_through_class(path))
        kinds = self.kinds.get(pivot, KINDS)
        return DependencyPaths(pivot, sorted(needed, key=len), conditions, kinds=kinds, absent=self.absent)


def query_patterns(text: str) -> QueryPatterns:
    """Returns the patterns of a query. Raises Unbounded, also for `GRAPH ?graph`.

    It takes some 50 ms; `PatternCache` keeps the results.
    """
    return _patterns_of(text, any_graph=False)


def patterns_of_graphs(text: str) -> QueryPatterns:
    """Returns the patterns of a query, as `query_patterns` does; those in `GRAPH ?graph` have ANY_GRAPH as graph."""
    return _patterns_of(text, any_graph=True)


def _patterns_of(text: str, any_graph: bool) -> QueryPatterns:
    # Imported here because it takes a third of a second, and most processes do not need it.
    from rdflib.plugins.sparql import prepareQuery

    algebra = prepareQuery(text, initNs=dict(PREFIXES)).algebra
    reader = _AlgebraReader(text, algebra, any_graph)
    reader.walk(algebra, None, {})
    # The short form, CONSTRUCT WHERE, has no template, and no new triples.
    template = [reader.pattern(s, p, o, None, {}) for s, p, o in part_of(algebra, "template") or ()]
    branches = re.search(r"\bUNION\b", text, re.IGNORECASE) is not None
    kinds = {name: kinds_of(algebra, name) for name in set(_VARIABLE.findall(text))}
    return QueryPatterns(
        reader.patterns_with_once(),
        template,
        reader.bound_from,
        reader.new_terms,
        branches,
        kinds,
        reader.required,
        reader.absent,
        reader.graphs,
        reader.values,
        reader.joined,
    )


def _goes_through_class(path: Path) -> bool:
    """Returns whether a path leads from one node to another by a class that both have."""
    return any(
        one.predicate == _TYPE and isinstance(one.object, Variable) and one.object.name in other.variables()
        for one, other in pairwise(path)
    )


def _extend(
    path: Path, frontier: set[str], reached: set[str], patterns: Sequence[Pattern], paths: dict[Path, None]
) -> None:
    """Extends a path from the variables of its last pattern; patterns at earlier variables have a shorter path."""
    for pattern in patterns:
        if pattern in path or not pattern.variables() & frontier:
            continue
        longer = (*path, pattern)
        if len(longer) > _LONGEST:
            raise Unbounded(f"a query has a chain of more than {_LONGEST} patterns")
        paths[longer] = None
        new = pattern.variables() - reached
        if new and not pattern.once:
            _extend(longer, new, reached | new, patterns, paths)


class _AlgebraReader:
    """A collector of the patterns in rdflib's algebra."""

    def __init__(self, text: str, algebra: Any, any_graph: bool) -> None:
        self._any_graph = any_graph
        self._whole = Counter(variables_in(algebra))
        self.patterns: list[Pattern] = []
        self.required: list[Pattern] = []
        self.absent: list[Pattern] = []
        self._is_required = True
        self.joined: dict[Pattern, Joined] = {}
        self._joined: Joined = None
        self.graphs: set[NamedNode] = set()
        self.values: dict[str, set[Term]] = {}
        self.bound_from: dict[str, set[str]] = {}
        self.new_terms: set[str] = set()
        self._fresh = count()
        self._uses = Counter(_VARIABLE.findall(text))
        self._sums = re.search(r"\b(GROUP|COUNT|SUM)\b", text, re.IGNORECASE) is not None

    def walk(self, node: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        """Collects the patterns of a part of the algebra; `names` renames the local variables of subqueries."""
        from rdflib.plugins.sparql.parserutils import CompValue

        if isinstance(node, CompValue):
            if node.name in _BEYOND_PATTERNS or part_of(node, "datasetClause"):
                raise Unbounded("a query with FROM, SERVICE, LIMIT or OFFSET depends on more than its patterns")
            self._walk_value(node, graph, names)
        elif isinstance(node, list | tuple) and not hasattr(node, "n3"):
            for part in node:
                self.walk(part, graph, names)

    def pattern(self, s: Any, p: Any, o: Any, graph: NamedNode | None, names: dict[str, str]) -> Pattern:
        """Returns a pattern whose predicate is not a property path."""
        terms = [self._term(term, names) for term in (s, p, o)]
        return Pattern(terms[0], terms[1], terms[2], graph)

    def patterns_with_once(self) -> list[Pattern]:
        """Returns the patterns, with `once` where one match is enough because nothing else uses the bound variables."""
        uses = Counter(name for pattern in set(self.patterns) for name in pattern.variables())
        for name, number in self._uses.items():
            uses[name] = max(uses[name], number)
        return [
            self._with_once(pattern, {name for name in pattern.variables() if uses[name] > 1})
            for pattern in dict.fromkeys(self.patterns)
        ]

    def _with_once(self, pattern: Pattern, used: set[str]) -> Pattern:
        """Returns a pattern with how much of it is enough, if these of its variables are used elsewhere."""
        is_free = not self._sums and len(used) < len(pattern.variables())
        predicate = {pattern.predicate.name} if isinstance(pattern.predicate, Variable) else set()
        once = is_free and len(pattern.variables()) > 1 and len(used) <= 1
        return replace(pattern, once=once, once_of_each=is_free and not once and len(used - predicate) <= 1)

    def _walk_value(self, node: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        # In EXISTS, triples are flat lists: rdflib translates it to algebra only when it is evaluated.
        for triples in node.triples if node.name in {"BGP", "TriplesBlock"} else ():
            for s, p, o in zip(triples[::3], triples[1::3], triples[2::3], strict=True):
                self._add_path(s, p, o, graph, names)
        if node.name in _GRAPHS:
            graph = self._graph(node.term)
            self.graphs.add(graph)
        self._record(node, names)
        if node.name == "ToMultiSet" and (subquery := projecting_part(node.p)):
            names = self._inside(subquery, names)
        is_required, joined, before = self._is_required, self._joined, len(self.patterns)
        for key, part in node.items():
            if key not in {"_vars", "PV", "template", "datasetClause", "triples"}:
                self._is_required = is_required and _is_required_part(node, key)
                self._joined = joined
                if key != _FIRST_PARTS.get(node.name, key):
                    first = frozenset(names.get(name, name) for name in always_bound(first_part(node)))
                    self._joined = _both(joined, first)
                self.walk(part, graph, self._in_arm(part, node, names) if node.name == "Union" else names)
        self._is_required, self._joined = is_required, joined
        if graph == ANY_GRAPH and node.name in _GRAPHS and len(self.patterns) == before:
            raise Unbounded("a query reads which graphs exist")

    def _record(self, node: Any, names: dict[str, str]) -> None:
        """Records what a part of the algebra says about variables."""
        if node.name == "Extend":
            self._record_bind(node, names)
        if node.name == "Filter" and self._is_required and not names:
            self._record_absence(node)
        if node.name == "ToMultiSet" and self._is_required:
            self._record_values(node, names)

    def _record_bind(self, node: Any, names: dict[str, str]) -> None:
        from rdflib.plugins.sparql.parserutils import CompValue

        used = set(variables_in(node.expr))
        self.bound_from.setdefault(str(node.var), set()).update(names.get(name, name) for name in used)
        if any(isinstance(part, CompValue) for part in alternatives(node.expr)):
            self.new_terms.add(str(node.var))

    def _record_absence(self, node: Any) -> None:
        """Records the pattern of OPTIONAL whose object a filter requires to be unbound."""
        from rdflib import URIRef
        from rdflib import Variable as RdflibVariable

        optional = node.p.p2 if node.p.name == "LeftJoin" and node.p.expr.name == "TrueFilter" else None
        if optional is None or optional.name != "BGP" or len(optional.triples) != 1:
            return
        unbound = {str(part.expr.arg) for part in conjuncts(node.expr) if _is_not_bound(part)}
        ((subject, predicate, value),) = optional.triples
        others = set(variables_in(node.p.p1))
        is_own = isinstance(value, RdflibVariable) and str(value) in unbound - others
        if is_own and str(subject) in others and isinstance(predicate, URIRef):
            self.absent.append(self.pattern(subject, predicate, value, None, {}))

    def _record_values(self, node: Any, names: dict[str, str]) -> None:
        """Records the values of the variables that every row of VALUES binds."""
        rows = rows_of_values(node) or []
        for name in set(rows[0]).intersection(*rows) if rows else ():
            self.values[names.get(str(name), str(name))] = {_constant(row[name]) for row in rows}

    def _graph(self, term: Any) -> NamedNode:
        from rdflib import Variable as RdflibVariable

        if not isinstance(term, RdflibVariable):
            return _named_node(term)
        if not self._any_graph:
            raise Unbounded("a query reads the graphs that a variable names")
        return ANY_GRAPH

    def _inside(self, subquery: Any, names: dict[str, str]) -> dict[str, str]:
        """Returns the names of variables in a subquery: those that it does not project get new names."""
        inner = {str(v) for v in part_of(subquery, "_vars")} - {str(v) for v in subquery.PV}
        number = next(self._fresh)
        names = {**names, **{name: f"{name}__{number}" for name in inner}}
        self._uses.update({new: self._uses[old] for old, new in names.items()})
        return names

    def _in_arm(self, arm: Any, union: Any, names: dict[str, str]) -> dict[str, str]:
        """Returns the names of variables in one arm of a UNION: those of no other part get a new name in each arm."""
        inside, both = Counter(variables_in(arm)), Counter(variables_in(union))
        number = next(self._fresh)
        own = {name: f"{name}__{number}" for name in inside if both[name] == self._whole[name] and name not in names}
        self._uses.update({new: inside[old] for old, new in own.items()})
        return {**names, **own}

    def _add_path(self, s: Any, p: Any, o: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        """Adds the patterns of a triple whose predicate may be a property path."""
        from rdflib import URIRef, paths

        is_required = self._is_required
        if isinstance(p, paths.AlternativePath):
            self._is_required = False
            for alternative in p.args:
                self._add_path(s, alternative, o, graph, names)
        elif isinstance(p, paths.InvPath):
            self._add_path(o, p.arg, s, graph, names)
        elif isinstance(p, paths.SequencePath):
            ends = [s, *(self._new_variable() for _ in p.args[1:]), o]
            self._uses.update(str(end) for end in ends[1:-1] for _ in range(2))
            for step, begin, end in zip(p.args, ends, ends[1:], strict=False):
                self._add_path(begin, step, end, graph, names)
        elif isinstance(p, paths.Path):
            # In a graph that never changes it can be ignored: then more nodes are examined than necessary.
            if graph in (None, ANY_GRAPH):
                raise Unbounded(f"the path {p} has no end")
            if isinstance(p, paths.MulPath) and p.mod == "+" and isinstance(p.path, URIRef) and is_required:
                steps = ((s, self._new_variable()), (self._new_variable(), o))
                self.required += [self.pattern(begin, p.path, end, graph, names) for begin, end in steps]
        else:
            pattern = self.pattern(s, p, o, graph, names)
            self.patterns.append(pattern)
            if is_required:
                self.required.append(pattern)
            self.joined[pattern] = _both(self.joined.get(pattern), self._joined)
        self._is_required = is_required

    def _new_variable(self) -> Any:
        from rdflib import Variable as RdflibVariable

        return RdflibVariable(f"path__{next(self._fresh)}")

    def _term(self, term: Any, names: dict[str, str]) -> Term | Variable:
        from rdflib import BNode
        from rdflib import Variable as RdflibVariable

        if isinstance(term, RdflibVariable | BNode):
            return Variable(names.get(str(term), str(term)))
        return _constant(term)


def _is_required_part(node: Any, key: str) -> bool:
    """Returns whether a part of the algebra must have a solution, if the whole must."""
    # Without GROUP BY, an aggregate has a solution of nothing.
    if node.name == "Group" and node.expr is None:
        return False
    if node.name in {"LeftJoin", "Minus"}:
        return key == "p1"
    return key in {"p", "p1", "p2", "part"} and node.name not in _NOT_REQUIRING


def _both(one: Joined, other: Joined) -> Joined:
    return other if one is None else one if other is None else one & other


def _is_not_bound(expression: Any) -> bool:
    is_not = getattr(expression, "name", "") == "UnaryNot"
    return is_not and getattr(expression.expr, "name", "") == "Builtin_BOUND"


def _constant(term: Any) -> NamedNode | Literal:
    from rdflib import URIRef

    return _named_node(term) if isinstance(term, URIRef) else to_literal(term)


def _named_node(term: Any) -> NamedNode:
    # A name with an escape (cg:a\/b) is not the IRI that the engine reads.
    if "\\" in term:
        raise Unbounded(f"a query has a name with an escape: {term}")
    return NamedNode(str(term))


def to_literal(term: Any) -> Literal:
    """Converts a literal of rdflib to one of pyoxigraph."""
    if term.language:
        return Literal(str(term), language=term.language)
    return Literal(str(term), datatype=NamedNode(str(term.datatype))) if term.datatype else Literal(str(term))
