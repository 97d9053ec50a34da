"""What a query or a shape looks at: its triple patterns, and how each hangs together with the node in question.

Read from the texts of rules and shapes, which are ours. From it follows which nodes a change can affect, and which
triples are needed to judge a node: a commit then looks at those and not at the graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Any

from pyoxigraph import Literal, NamedNode

from citygraph.incremental.patterns import Path, Pattern, Reach, Term, Variable
from citygraph.rdf.terms import PREFIXES, RDF

_TYPE = RDF("type")
_VARIABLE = re.compile(r"[?$](\w+)")
_LONGEST = 8


class Unbounded(Exception):
    """A pattern of which it cannot be said how far it reaches, such as a path of any length."""


@dataclass
class Query:
    """What a query is made of, as far as it matters here."""

    patterns: list[Pattern]
    template: list[Pattern]
    made: dict[str, set[str]]  # a variable that BIND makes, and what it makes it of
    built: set[str] = field(default_factory=set)  # those of them that are new terms, not another variable's
    branches: bool = True  # whether it has a UNION, so that not all its patterns need to match together
    algebra: Any = None

    def reach(self, pivot: str) -> Reach:
        """All paths from a variable to the query's patterns, without any variable twice."""
        guards = [p for p in self.patterns if p.graph is not None and pivot in p.variables()]
        paths: dict[Path, None] = {}
        _extend((), {pivot}, {pivot}, [p for p in self.patterns if p.graph is None], paths)
        kept: Iterable[Path] = paths
        if not self.branches:
            # Where all patterns must match, any one way to a pattern will do: not the one through all of a class.
            direct = {path[-1] for path in paths if not _goes_through_class(path)}
            kept = (path for path in paths if path[-1] not in direct or not _goes_through_class(path))
        return Reach(pivot, sorted(kept, key=len), guards, literal=_may_be_literal(self.algebra, pivot))


def read_query(text: str) -> Query:
    """A query taken apart. Raises Unbounded."""
    from rdflib.plugins.sparql import prepareQuery

    algebra = prepareQuery(text, initNs=dict(PREFIXES)).algebra
    reader = _Reader(text, algebra)
    reader.walk(algebra, None, {})
    template = [reader.pattern(s, p, o, None, {}) for s, p, o in _given(algebra, "template")]
    branches = re.search(r"\bUNION\b", text, re.IGNORECASE) is not None
    return Query(reader.marked(), template, reader.made, reader.built, branches, algebra)


def _goes_through_class(path: Path) -> bool:
    """Whether a path leads from one node to another by their having the same class, or another such value."""
    return any(
        one.predicate == _TYPE and isinstance(one.object, Variable) and one.object.name in other.variables()
        for one, other in pairwise(path)
    )


def _extend(
    path: Path, frontier: set[str], seen: set[str], patterns: Sequence[Pattern], paths: dict[Path, None]
) -> None:
    """Go on from the variables that the last pattern brought; what hangs on earlier ones has a shorter path."""
    for pattern in patterns:
        if pattern in path or not pattern.variables() & frontier:
            continue
        longer = (*path, pattern)
        if len(longer) > _LONGEST:
            raise Unbounded("a query whose patterns form a longer chain than is followed")
        paths[longer] = None
        new = pattern.variables() - seen
        if new and not pattern.once:
            _extend(longer, new, seen | new, patterns, paths)


class _Reader:
    """Collects the patterns of rdflib's algebra."""

    def __init__(self, text: str, algebra: Any) -> None:
        self._whole = Counter(_variables_in(algebra))
        self.patterns: list[Pattern] = []
        self.made: dict[str, set[str]] = {}
        self.built: set[str] = set()
        self._fresh = count()
        self._uses = Counter(_VARIABLE.findall(text))
        self._sums = re.search(r"\b(GROUP|COUNT|SUM)\b", text, re.IGNORECASE) is not None

    def walk(self, node: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        """Collect from a part of the algebra; `names` renames the variables that a subquery keeps to itself."""
        from rdflib.plugins.sparql.parserutils import CompValue

        if isinstance(node, CompValue):
            self._walk_value(node, graph, names)
        elif isinstance(node, list | tuple) and not hasattr(node, "n3"):
            for part in node:
                self.walk(part, graph, names)

    def pattern(self, s: Any, p: Any, o: Any, graph: NamedNode | None, names: dict[str, str]) -> Pattern:
        """One pattern with a plain predicate."""
        terms = [self._term(term, names) for term in (s, p, o)]
        return Pattern(terms[0], terms[1], terms[2], graph)

    def marked(self) -> list[Pattern]:
        """The patterns, with those marked of which one match is as good as all: nothing else uses what they bind."""
        uses = Counter(name for pattern in set(self.patterns) for name in pattern.variables())
        for name, number in self._uses.items():
            uses[name] = max(uses[name], number)
        return [
            replace(pattern, once=not self._sums and len(names) > 1 and sum(uses[name] > 1 for name in names) <= 1)
            for pattern in dict.fromkeys(self.patterns)
            for names in [pattern.variables()]
        ]

    def _walk_value(self, node: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        # Triples are flat lists in EXISTS, which is not made algebra before it is evaluated.
        for triples in node.triples if node.name in {"BGP", "TriplesBlock"} else ():
            for s, p, o in zip(triples[::3], triples[1::3], triples[2::3], strict=True):
                self._path(s, p, o, graph, names)
        if node.name in {"Graph", "GraphGraphPattern"}:
            graph = NamedNode(str(node.term))
        if node.name == "Extend":
            self._note_made(node, names)
        if node.name == "ToMultiSet" and "PV" in node.p:
            names = self._inside(node.p, names)
        if node.name == "Union":
            for arm in (node.p1, node.p2):
                self.walk(arm, graph, self._in_arm(arm, node, names))
            return
        for key, part in node.items():
            if key not in {"_vars", "PV", "template", "datasetClause", "triples"}:
                self.walk(part, graph, names)

    def _note_made(self, node: Any, names: dict[str, str]) -> None:
        from rdflib.plugins.sparql.parserutils import CompValue

        used = set(_variables_in(node.expr))
        self.made.setdefault(str(node.var), set()).update(names.get(name, name) for name in used)
        if any(isinstance(part, CompValue) for part in _branches(node.expr)):
            self.built.add(str(node.var))

    def _inside(self, subquery: Any, names: dict[str, str]) -> dict[str, str]:
        """The names of variables in a subquery: those that it does not give out are others than those outside."""
        inner = {str(v) for v in _given(subquery, "_vars")} - {str(v) for v in subquery.PV}
        number = next(self._fresh)
        names = {**names, **{name: f"{name}__{number}" for name in inner}}
        self._uses.update({new: self._uses[old] for old, new in names.items()})
        return names

    def _in_arm(self, arm: Any, union: Any, names: dict[str, str]) -> dict[str, str]:
        """The names of variables in one arm of a UNION: those of no other part of the query are others in each arm."""
        inside, both = Counter(_variables_in(arm)), Counter(_variables_in(union))
        number = next(self._fresh)
        own = {name: f"{name}__{number}" for name in inside if both[name] == self._whole[name] and name not in names}
        self._uses.update({new: inside[old] for old, new in own.items()})
        return {**names, **own}

    def _path(self, s: Any, p: Any, o: Any, graph: NamedNode | None, names: dict[str, str]) -> None:
        """A pattern whose predicate may be a path."""
        from rdflib import Variable as RdflibVariable
        from rdflib import paths

        if isinstance(p, paths.AlternativePath):
            for alternative in p.args:
                self._path(s, alternative, o, graph, names)
        elif isinstance(p, paths.InvPath):
            self._path(o, p.arg, s, graph, names)
        elif isinstance(p, paths.SequencePath):
            ends = [s, *(RdflibVariable(f"path__{next(self._fresh)}") for _ in p.args[1:]), o]
            self._uses.update(str(end) for end in ends[1:-1] for _ in range(2))
            for step, begin, end in zip(p.args, ends, ends[1:], strict=False):
                self._path(begin, step, end, graph, names)
        elif isinstance(p, paths.Path):
            # In a graph that never changes it can be passed over: more is looked at than need be.
            if graph is None:
                raise Unbounded(f"the path {p} has no end")
        else:
            self.patterns.append(self.pattern(s, p, o, graph, names))

    def _term(self, term: Any, names: dict[str, str]) -> Term | Variable:
        from rdflib import BNode, URIRef
        from rdflib import Variable as RdflibVariable

        if isinstance(term, RdflibVariable | BNode):
            return Variable(names.get(str(term), str(term)))
        return NamedNode(str(term)) if isinstance(term, URIRef) else to_literal(term)


def _may_be_literal(node: Any, name: str) -> bool:
    """Whether a part of the algebra has the variable as an object where no filter says that it is none or a node."""
    from rdflib import Variable as RdflibVariable
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(node, list | tuple) and not hasattr(node, "n3"):
        return any(_may_be_literal(part, name) for part in node)
    if isinstance(node, RdflibVariable) or not isinstance(node, CompValue):
        return False
    if node.name == "Filter" and any(_says_node(part, name) for part in _conjuncts(node.expr)):
        return False
    if node.name in {"BGP", "TriplesBlock"} and any(_has_as_object(row, name) for row in node.triples):
        return True
    return any(_may_be_literal(part, name) for key, part in node.items() if key not in {"_vars", "PV", "triples"})


def _has_as_object(row: Any, name: str) -> bool:
    """Whether a variable may stand for an object in triples; by a path, which may run backwards, a subject may too."""
    from rdflib.paths import Path as PropertyPath

    ends = row if any(isinstance(term, PropertyPath) for term in row) else row[1:]
    return any(str(term) == name for term in ends)


def _conjuncts(expression: Any) -> Iterator[Any]:
    if getattr(expression, "name", "") == "ConditionalAndExpression":
        for part in (expression.expr, *expression.other):
            yield from _conjuncts(part)
    else:
        yield expression


def _says_node(expression: Any, name: str) -> bool:
    is_test = getattr(expression, "name", "") in {"Builtin_isIRI", "Builtin_isURI", "Builtin_isBLANK"}
    return is_test and str(expression.arg) == name


def _given(node: Any, name: str) -> Any:
    """A part of the algebra, if it is there: asked for another, rdflib answers with its name."""
    return dict.get(node, name, ())


def to_literal(term: Any) -> Literal:
    """An rdflib literal as ours."""
    if term.language:
        return Literal(str(term), language=term.language)
    return Literal(str(term), datatype=NamedNode(str(term.datatype))) if term.datatype else Literal(str(term))


def _branches(expression: Any) -> list[Any]:
    """What an expression can be: IF has two branches."""
    if getattr(expression, "name", "") == "Builtin_IF":
        return [expression.arg2, expression.arg3]
    return [expression]


def _variables_in(expression: Any) -> Iterable[str]:
    from rdflib import Variable as RdflibVariable
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(expression, RdflibVariable):
        yield str(expression)
    elif isinstance(expression, CompValue):
        for part in expression.values():
            yield from _variables_in(part)
    elif isinstance(expression, list | tuple):
        for part in expression:
            yield from _variables_in(part)
