"""Rules about the sources of statements: queries over the named graphs, which SHACL engines do not see.

A shape with cg:graphQuery has the query. Each solution is a result about ?focus, with ?path and ?value if bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolution, QuerySolutions, RdfFormat, Store, parse

from citygraph.build.dependencies import ANY_GRAPH, QueryPatterns, Unbounded
from citygraph.build.patterns import CachedQuads, DependencyPaths, Pattern, Term, Variable, kind_of_triple
from citygraph.build.patterns import Path as Chain
from citygraph.build.statements import filled, short_name
from citygraph.rdf.terms import CG, ONTOLOGY_GRAPH, PREFIXES, RDFS, SH, SHAPES_GRAPH
from citygraph.report import Report, ValidationResult, label_among, merge_reports, report_of
from citygraph.source.reading import read_packaged_text
from citygraph.sparql.guard import COMMENT, IRI, STRING

_QUERY, _REMEDY, _MESSAGE, _SEVERITY = CG("graphQuery"), CG("remedy"), SH("message"), SH("severity")
_LABEL = RDFS("label")
_DEFAULT = DefaultGraph()
_OTHERS = (None, ANY_GRAPH)  # of a pattern that is not in a graph which the query names
_NOT_MERGED = (ONTOLOGY_GRAPH, SHAPES_GRAPH)  # only a build changes them
_AT_A_TIME = 500
_GRAPH = re.compile(r"\bGRAPH\s+\S+\s*\{\Z")
_BRACES = re.compile(f"{COMMENT}|{STRING}|{IRI}|[{{}}]", re.DOTALL)


_Kinds = set[tuple[NamedNode, Term | None]]


@dataclass
class _GraphRule:
    """A rule: its query, its severity, and its words."""

    query: str = ""
    severity: str = "violation"
    messages: dict[str, str] = field(default_factory=dict)
    remedies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Reads:
    """What a query reads: graphs that it names, and patterns in others, with the properties that a variable can be.

    A variable can be one of the values that VALUES gives it, or a subject of a pattern in a graph that the query names.
    `paths` lead from ?focus to statements of other nodes; None if they have no limit.
    """

    graphs: set[NamedNode]
    patterns: list[Pattern]
    values: dict[str, set[Term]]
    listing: dict[str, Pattern]
    paths: DependencyPaths | None

    def may_match(self, named: _Kinds, default: _Kinds, store: Store) -> bool:
        """Returns whether it reads one of these kinds of triples in the named graphs or in the default graph."""
        for pattern in self.patterns:
            kinds = default if pattern.graph is None else named
            kinds = {kind for kind in kinds if pattern.may_match(*kind)}
            if kinds and isinstance(pattern.predicate, Variable):
                kinds = {kind for kind in kinds if self._may_be(pattern.predicate.name, kind[0], store)}
            if kinds:
                return True
        return False

    def _may_be(self, variable: str, value: NamedNode, store: Store) -> bool:
        if variable in self.values:
            return value in self.values[variable]
        if (pattern := self.listing.get(variable)) is None:
            return True
        return next(pattern.quads(CachedQuads(store), {variable: value}), None) is not None


def _reads_of(query: str, read: Callable[[str], QueryPatterns]) -> _Reads | None:
    """Returns what a query reads, or None if that has no limit."""
    try:
        patterns = read(query)
    except Unbounded:
        return None
    listing = {
        one.subject.name: one
        for one in patterns.required
        if one.graph not in _OTHERS and isinstance(one.subject, Variable) and not isinstance(one.predicate, Variable)
    }
    others = [one for one in patterns.patterns if one.graph in _OTHERS]
    return _Reads(patterns.graphs - {ANY_GRAPH}, others, patterns.values, listing, _paths_of(patterns))


def _paths_of(query: QueryPatterns) -> DependencyPaths | None:
    """Returns the paths from ?focus to statements of other nodes in the default graph, which has those of all graphs.

    Returns None if they have no limit.
    """
    try:
        paths = replace(query, patterns=_merged(query.patterns)).dependencies("focus")
    except Unbounded:
        return None
    longer = [path for path in paths.paths if "focus" not in path[-1].variables()]
    # Many nodes have a value or a property in common: such a path is needed only if it is the only one.
    direct = {path[-1] for path in longer if not _goes_through_any_property(path)}
    needed = [path for path in longer if path[-1] not in direct or not _goes_through_any_property(path)]
    return replace(paths, paths=needed, required=_merged(query.required))


def _merged(patterns: Iterable[Pattern]) -> list[Pattern]:
    """Returns the patterns as the default graph may match them; it has no statements of ontology and shapes."""
    return list(dict.fromkeys(one if one.graph in _NOT_MERGED else replace(one, graph=None) for one in patterns))


def _goes_through_any_property(path: Chain) -> bool:
    return any(isinstance(one.predicate, Variable) for one in path[:-1])


class GraphRules:
    """The rules with a query over named graphs, by the IRI of their shape."""

    def __init__(self, shapes: Iterable[Path]) -> None:
        rules: dict[str, _GraphRule] = {}
        quads = [quad for path in shapes for quad in parse(read_packaged_text(path), RdfFormat.TURTLE)]
        with_query = {quad.subject for quad in quads if quad.predicate == _QUERY}
        for quad in (quad for quad in quads if quad.subject in with_query):
            rule = rules.setdefault(str(quad.subject)[1:-1], _GraphRule())
            if quad.predicate == _SEVERITY:
                rule.severity = str(quad.object)[1:-1].removeprefix(SH).lower()
            elif not isinstance(quad.object, Literal):
                continue
            elif quad.predicate == _QUERY:
                rule.query = quad.object.value
            elif quad.predicate in (_MESSAGE, _REMEDY):
                texts = rule.messages if quad.predicate == _MESSAGE else rule.remedies
                texts[quad.object.language or ""] = quad.object.value
        self._rules = dict(sorted(rules.items()))
        self._reads: dict[str, _Reads | None] = dict.fromkeys(self._rules)

    @property
    def shapes(self) -> frozenset[str]:
        """The IRIs of the shapes that have a query."""
        return frozenset(self._rules)

    def read(self, read: Callable[[str], QueryPatterns]) -> None:
        """Reads the patterns of the queries by a function that allows GRAPH with a variable."""
        self._reads = {shape: _reads_of(rule.query, read) for shape, rule in self._rules.items()}

    def concerned(self, changed: Collection[Quad], merged: Iterable[Quad], store: Store) -> frozenset[str]:
        """Returns the shapes that can have other results after a change of these quads in named graphs of a store.

        `merged` are the changed triples of the default graph. All results of the other shapes remain.
        """
        graphs = {quad.graph_name for quad in changed}
        named, default = (set(map(kind_of_triple, quads)) for quads in (changed, merged))
        if (_LABEL, None) in default:  # which each result has
            return self.shapes
        return frozenset(
            shape
            for shape, reads in self._reads.items()
            if reads is None or not reads.graphs.isdisjoint(graphs) or reads.may_match(named, default, store)
        )

    def paths(self, shapes: Collection[str]) -> list[DependencyPaths]:
        """Returns the paths from the nodes of results of these shapes to statements of other nodes."""
        return [reads.paths for shape, reads in self._reads.items() if shape in shapes and reads and reads.paths]

    def check(
        self, store: Store, among: Collection[NamedNode] | None = None, shapes: Collection[str] | None = None
    ) -> Iterator[ValidationResult]:
        """Yields the results about all nodes of a store with its named graphs, or only those about nodes `among`.

        With `shapes`, only results of these shapes.
        """
        for shape, rule in self._rules.items():
            if shapes is not None and shape not in shapes:
                continue
            for query in [rule.query] if among is None else _restricted(rule.query, among):
                solutions = store.query(query, prefixes=PREFIXES)
                assert isinstance(solutions, QuerySolutions)  # noqa: S101 - the queries are SELECTs
                for solution in solutions:
                    yield _result(shape, rule, solution, store)


def _restricted(query: str, nodes: Iterable[NamedNode]) -> Iterator[str]:
    """Yields the query about some of these nodes at a time.

    They are given to the group in which ?focus is mentioned first, which the rule must require. From a group around it,
    or of many nodes, the engine would look at all nodes of the graphs first.

    If that group is a GRAPH after a VALUES of the rule, it becomes a sub-select. The engine begins with the VALUES that
    has the fewest rows: with properties as constants it would look at all their statements, however few the nodes are.
    """
    mention = query.index("?focus", query.index("WHERE"))
    begin = query.rindex("{", 0, mention) + 1
    head, tail = query[:begin], query[begin:]
    if "VALUES" in head and (graph := _GRAPH.search(head)):
        end = _end_of_group(tail)
        head, tail = f"{head[: graph.start()]}{{ SELECT * {{ {graph[0]}", f"{tail[:end]} }} }}{tail[end:]}"
    names = sorted(map(str, nodes))
    for start in range(0, len(names), _AT_A_TIME):
        values = f" VALUES ?focus {{ {' '.join(names[start : start + _AT_A_TIME])} }} "
        yield head + values + tail


def _end_of_group(text: str) -> int:
    """Returns the place after the brace that closes the group in which the text begins."""
    depth = 1
    for token in _BRACES.finditer(text):
        depth += (token[0] == "{") - (token[0] == "}")
        if not depth:
            return token.end()
    raise ValueError("a group of a rule about graphs is not closed")


def _result(shape: str, rule: _GraphRule, solution: QuerySolution, store: Store) -> ValidationResult:
    focus = solution["focus"]
    path, value = (_bound(solution, name) for name in ("path", "value"))
    words = (("path", short_name(path)),)
    return ValidationResult(
        severity=rule.severity,
        focus_node=focus.value if isinstance(focus, NamedNode) else str(focus),
        shape=shape,
        component=f"{SH}SPARQLConstraintComponent",
        path=path.removeprefix("<").removesuffix(">"),
        value=value,
        label=_label(store, focus),
        messages={language: filled(text, words) for language, text in rule.messages.items()},
        remedies={language: filled(text, words) for language, text in rule.remedies.items()},
    )


def _bound(solution: QuerySolution, name: str) -> str:
    try:
        return str(solution[name] or "")
    except KeyError:
        return ""


def _label(store: Store, node: object) -> str:
    quads = store.quads_for_pattern(node, _LABEL, None, _DEFAULT) if isinstance(node, NamedNode) else ()
    labels = (quad.object for quad in quads)
    return label_among({label.language or "": label.value for label in labels if isinstance(label, Literal)})


def with_graph_rules(report: Report, results: Iterable[ValidationResult]) -> Report:
    """Returns a report to which the results of these rules are added, except on values that a shape rejects already."""
    rejected = {(r.focus_node, r.path, r.value) for r in report.violations if r.value}
    own = report_of(r for r in results if (r.focus_node, r.path, r.value) not in rejected)
    return replace(merge_reports([report, own]), scope=report.scope) if own.results else report
