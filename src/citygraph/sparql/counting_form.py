"""Recognises queries for which the counting store has the results of the main store, and rewrites them.

They count, or return some rows in a total order: triple patterns with constant predicates and without other constants
than classes, OPTIONAL, MINUS, FILTER, BIND, VALUES of strings or integers, sub-selects, COUNT, GROUP BY, HAVING, ORDER
BY and LIMIT. Everything else is left to the main store: docs/sparql.md lists why. The query is written again from its
syntax tree, so that the two engines cannot parse it differently. `tests/test_counting_form.py` compares the two stores
on generated queries of these forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from citygraph.rdf.terms import PREFIXES
from citygraph.sparql.counting_expressions import (
    CountedVariable,
    CountingExpressions,
    Iris,
    NotCovered,
    Scope,
    ValueKind,
    variable_in,
    variable_name,
)
from citygraph.sparql.grammar import SyntaxNode, SyntaxTree, UnexpectedToken, parse

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
# A cheap check before a text is parsed, because lookups are evaluated faster than a text is parsed here.
_MAY_COUNT = re.compile(r"COUNT\s*\(|GROUP\s+BY|CONTAINS\s*\(|STRSTARTS\s*\(|STRENDS\s*\(", re.IGNORECASE)
_LONGEST = 10_000
_DEEPEST = 20
# Below the recursion limit of Python, even if all of them are nested.
_MOST_OPENED = 100
_TRIPLES = frozenset({"TriplesBlock", "TriplesSameSubjectPath"})
_MODIFIERS = frozenset({"GroupClause", "HavingClause", "OrderClause", "LimitClause", "OffsetClause"})


class CountingQuery(NamedTuple):
    """A query for the counting store.

    It may be answered there only if the objects of the predicates in `sorted_places` are all IRIs, and for "" all
    subjects: the order of rows depends on them, and the two stores order literals differently.
    """

    text: str
    sorted_places: frozenset[str]


def counting_query(text: str) -> CountingQuery | None:
    """Returns the equivalent query for the counting store, or None if only the main store may evaluate it."""
    if not _MAY_COUNT.search(text) or len(text) > _LONGEST or "\\" in text:
        return None
    if text.count("(") + text.count("!") > _MOST_OPENED:
        return None
    try:
        return _Form(parse(text)).query()
    except (UnexpectedToken, NotCovered):
        return None


class _Group(NamedTuple):
    """A group graph pattern: its text without braces and filters, its variables, and whether they hang together."""

    parts: list[str]
    scope: dict[str, CountedVariable]
    links: list[frozenset[str]]

    def is_connected(self) -> bool:
        """Returns whether all patterns are joined by common variables: otherwise the result may be huge."""
        if not self.links:
            return False
        reached, rest = set(self.links[0]), self.links[1:]
        while near := [link for link in rest if link & reached]:
            reached.update(*near)
            rest = [link for link in rest if not link & reached]
        return not rest


@dataclass(frozen=True)
class _Select:
    """A SELECT: its text, and the variables that it returns."""

    text: str
    scope: dict[str, CountedVariable]
    is_bounded: bool


class _Form:
    def __init__(self, tree: SyntaxTree) -> None:
        self._tree = tree
        self._iris = Iris(tree, PREFIXES)
        self._expressions = CountingExpressions(tree, self._iris)
        self._is_grouped = False
        self._sorted: set[str] = set()

    def query(self) -> CountingQuery:
        """Returns the query. Raises NotCovered."""
        root = self._tree.root
        children = root.children if root.rule == "QueryUnit" else [root]
        for prologue in children[:-1]:
            for declaration in prologue.children if prologue.rule == "Prologue" else [prologue]:
                if declaration.rule != "PrefixDecl":
                    raise NotCovered(declaration.rule)
                self._iris.declare(declaration)
        if children[-1].rule != "SelectQuery":
            raise NotCovered(children[-1].rule)
        select = self._select(children[-1], 0)
        if not self._is_grouped and not select.is_bounded:
            # The main store returns the first rows at once, and this one would hold all of them.
            raise NotCovered("no aggregate and no LIMIT")
        return CountingQuery(select.text, frozenset(self._sorted))

    # SELECT

    def _select(self, node: SyntaxNode, depth: int) -> _Select:
        if depth > _DEEPEST:
            raise NotCovered("depth")
        clause, where, *rest = node.children
        modifiers = self._modifiers(rest)
        group = self._group(_inside(where), depth + 1)
        keys, grouping = self._keys(modifiers.get("GroupClause"), group.scope)
        is_grouped = "GroupClause" in modifiers or "HavingClause" in modifiers or self._has_aggregate(clause)
        self._is_grouped = self._is_grouped or is_grouped
        visible, counted = (keys, group.scope) if is_grouped else (group.scope, None)
        columns, scope = self._columns(clause, visible, counted)
        having = self._having(modifiers.get("HavingClause"), visible, counted)
        is_distinct = self._kind(clause.first + 1) == "DISTINCT"
        sortable = scope if is_distinct else {**visible, **scope}
        order, ordered = self._order(modifiers.get("OrderClause"), sortable, counted)
        limits = "".join(self._limit(modifiers[name]) for name in ("LimitClause", "OffsetClause") if name in modifiers)
        if limits and not set(keys if is_grouped else scope) <= ordered:
            raise NotCovered("rows in no total order")
        if limits and not is_grouped and not is_distinct:
            raise NotCovered("equal rows")
        distinct = "DISTINCT " if is_distinct else ""
        text = f"SELECT {distinct}{columns} WHERE {{ {' '.join(group.parts)} }}{grouping}{having}{order}{limits}"
        return _Select(text, scope, bool(limits))

    def _modifiers(self, nodes: list[SyntaxNode]) -> dict[str, SyntaxNode]:
        modifiers: dict[str, SyntaxNode] = {}
        pending = list(nodes)
        while pending:
            node = pending.pop()
            if node.rule in {"SolutionModifier", "LimitOffsetClauses"}:
                pending += node.children
            elif node.rule in _MODIFIERS:
                modifiers[node.rule] = node
            else:
                raise NotCovered(node.rule)
        return modifiers

    def _keys(self, clause: SyntaxNode | None, scope: Scope) -> tuple[dict[str, CountedVariable], str]:
        """Returns the variables by which rows are grouped, and the clause."""
        keys: dict[str, CountedVariable] = {}
        conditions = []
        for node in clause.children if clause else ():
            if node.rule == "Var":
                name = variable_name(self._tree, node)
                if name in keys:
                    raise NotCovered(name)
                keys[name] = variable_in(scope, name)
                conditions.append(f"?{name}")
                continue
            if node.rule != "GroupCondition" or len(node.children) != 2:
                raise NotCovered(node.rule)
            text, name = self._expressions.text(node.children[0], scope), self._new(node.children[1], {**scope, **keys})
            keys[name] = CountedVariable(ValueKind.TEXT, is_optional=True)
            conditions.append(f"({text} AS ?{name})")
        return keys, f" GROUP BY {' '.join(conditions)}" if conditions else ""

    def _has_aggregate(self, clause: SyntaxNode) -> bool:
        return any(child.rule == "Aggregate" for child in clause.children)

    def _columns(
        self, clause: SyntaxNode, visible: Scope, counted: dict[str, CountedVariable] | None
    ) -> tuple[str, dict[str, CountedVariable]]:
        """Returns the columns of a SELECT, and their variables."""
        if self._kind(clause.first + 1) == "REDUCED" or not clause.children:
            raise NotCovered("SELECT")
        columns: list[str] = []
        scope: dict[str, CountedVariable] = {}
        for node, alias in self._pairs(clause.children):
            if alias is None:
                name = variable_name(self._tree, node)
                columns.append(f"?{name}")
                scope[name] = variable_in(visible, name)
                continue
            text, kind = self._expressions.typed(node, visible, counted)
            name = self._new(alias, {**visible, **(counted or {}), **scope})
            if node.rule == "Var" or kind not in {ValueKind.TEXT, ValueKind.NUMBER}:
                raise NotCovered(node.rule)
            columns.append(f"({text} AS ?{name})")
            scope[name] = CountedVariable(kind, is_optional=kind is ValueKind.TEXT)
        if len(scope) < len(columns):
            raise NotCovered("equal columns")
        return " ".join(columns), scope

    def _pairs(self, nodes: list[SyntaxNode]) -> Iterator[tuple[SyntaxNode, SyntaxNode | None]]:
        """Yields each variable, and each expression with its variable."""
        pending = iter(nodes)
        for node in pending:
            has_alias = self._kind(node.last) == "AS"
            yield node, next(pending) if has_alias else None

    def _having(self, clause: SyntaxNode | None, keys: Scope, counted: Scope | None) -> str:
        if clause is None:
            return ""
        conditions = [self._expressions.truth(node, keys, counted) for node in clause.children]
        return f" HAVING ({' && '.join(f'({condition})' for condition in conditions)})"

    def _order(self, clause: SyntaxNode | None, scope: Scope, counted: Scope | None) -> tuple[str, set[str]]:
        """Returns the clause, and the variables by which rows are ordered."""
        if clause is None:
            return "", set()
        conditions: list[str] = []
        ordered: set[str] = set()
        for node in clause.children:
            direction = self._kind(node.first) if node.rule == "OrderCondition" else "ASC"
            expression = node.children[0] if node.rule == "OrderCondition" else node
            while expression.rule == "BrackettedExpression":
                expression = expression.children[0]
            text, kind = self._expressions.typed(expression, scope, counted)
            if expression.rule == "Var":
                ordered.add(text[1:])
                self._sorted |= scope[text[1:]].places
            elif kind not in {ValueKind.TEXT, ValueKind.NUMBER}:
                raise NotCovered(expression.rule)
            conditions.append(f"{direction}({text})")
        return f" ORDER BY {' '.join(conditions)}", ordered

    def _limit(self, clause: SyntaxNode) -> str:
        number = self._tree.tokens[clause.first + 1]
        text = self._tree.text[number.start : number.end]
        if not re.fullmatch("0|[1-9][0-9]{0,8}", text):
            raise NotCovered(text)
        return f" {self._kind(clause.first)} {text}"

    # patterns

    def _group(self, nodes: list[SyntaxNode], depth: int) -> _Group:
        """Returns a group graph pattern. Its filters apply to all of it, and are written at its end."""
        group = _Group([], {}, [])
        filters = [node for node in nodes if node.rule == "Filter"]
        patterns = [node for node in nodes if node.rule != "Filter"]
        is_over = False
        for node in patterns:
            if node.rule in {"OptionalGraphPattern", "MinusGraphPattern"}:
                if not group.is_connected():
                    raise NotCovered("a product")
                self._add_dependent(node, group)
                is_over = True
            elif node.rule == "Bind":
                self._add_bind(node, group)
            elif is_over:
                # A join with variables that may be unbound.
                raise NotCovered("a pattern after OPTIONAL or MINUS")
            else:
                self._add_required(node, group, depth)
        if not group.is_connected():
            raise NotCovered("a product")
        group.parts.extend(f"FILTER({self._expressions.truth(node.children[0], group.scope)})" for node in filters)
        return group

    def _add_required(self, node: SyntaxNode, group: _Group, depth: int) -> None:
        if node.rule in _TRIPLES:
            self._add_triples(node, group)
        elif node.rule == "InlineData":
            self._add_values(node.children[0], group)
        elif node.rule in {"GroupGraphPattern", "SubSelect"}:
            inner = _inside(node) if node.rule == "GroupGraphPattern" else [node]
            if [child.rule for child in inner] != ["SubSelect"]:
                raise NotCovered(node.rule)
            select = self._select(inner[0], depth)
            for name, variable in select.scope.items():
                self._join(group, name, variable)
            group.parts.append(f"{{ {select.text} }}")
            group.links.append(frozenset(select.scope))
        else:
            raise NotCovered(node.rule)

    def _add_triples(self, node: SyntaxNode, group: _Group) -> None:
        for statement in node.children if node.rule == "TriplesBlock" else [node]:
            subject, *properties = statement.children
            if subject.rule != "Var" or len(properties) != 1:
                raise NotCovered(subject.rule)
            for verb, objects in zip(properties[0].children[::2], properties[0].children[1::2], strict=True):
                for object_ in objects.children if objects.rule == "ObjectListPath" else [objects]:
                    self._add_triple(subject, verb, object_, group)

    def _add_triple(self, subject: SyntaxNode, verb: SyntaxNode, object_: SyntaxNode, group: _Group) -> None:
        name = variable_name(self._tree, subject)
        predicate = _TYPE if self._kind(verb.first) == "a" else self._predicate(verb)
        self._join(group, name, CountedVariable(ValueKind.RESOURCE, places=frozenset({""})))
        if object_.rule == "iri" and predicate == _TYPE:
            # Other constants lead to few rows, which the main store finds at once.
            group.parts.append(f"?{name} {predicate} {self._iris.absolute(object_)} .")
            group.links.append(frozenset({name}))
            return
        other = variable_name(self._tree, object_)
        if object_.rule != "Var" or other == name:
            raise NotCovered(object_.rule)
        self._join(group, other, CountedVariable(ValueKind.TERM, places=frozenset({predicate[1:-1]})))
        group.parts.append(f"?{name} {predicate} ?{other} .")
        group.links.append(frozenset({name, other}))

    def _predicate(self, verb: SyntaxNode) -> str:
        if verb.rule != "iri":
            raise NotCovered(verb.rule)
        return self._iris.absolute(verb)

    def _join(self, group: _Group, name: str, variable: CountedVariable) -> None:
        """Adds a variable of a required pattern, which must be a term of the data wherever it occurs."""
        known = group.scope.get(name)
        if known is None:
            group.scope[name] = variable
            return
        if not (known.is_node and variable.is_node) or known.is_optional or variable.is_optional:
            raise NotCovered(name)
        is_resource = ValueKind.RESOURCE in {known.kind, variable.kind}
        kind = ValueKind.RESOURCE if is_resource else ValueKind.TERM
        group.scope[name] = CountedVariable(kind, places=known.places | variable.places)

    def _add_values(self, block: SyntaxNode, group: _Group) -> None:
        variable, *values = block.children
        if variable.rule != "Var" or self._kind(block.first) != "VARIABLE" or self._kind(block.last - 1) != "}":
            raise NotCovered(block.rule)
        rules = {value.rule for value in values}
        if rules == {"RDFLiteral"} and not any(value.children for value in values):
            kind, texts = ValueKind.TEXT, [self._expressions.plain_string(value) for value in values]
        elif rules == {"NumericLiteral"}:
            kind, texts = ValueKind.NUMBER, [self._expressions.integer(value) for value in values]
        else:
            raise NotCovered("VALUES")
        if self._tree.source(block).count("UNDEF"):
            raise NotCovered("UNDEF")
        name = self._new(variable, group.scope)
        group.scope[name] = CountedVariable(kind)
        group.parts.append(f"VALUES ?{name} {{ {' '.join(texts)} }}")

    def _add_bind(self, node: SyntaxNode, group: _Group) -> None:
        expression, variable = node.children
        text, name = self._expressions.text(expression, group.scope), self._new(variable, group.scope)
        group.scope[name] = CountedVariable(ValueKind.TEXT, is_optional=True)
        group.parts.append(f"BIND({text} AS ?{name})")

    def _add_dependent(self, node: SyntaxNode, group: _Group) -> None:
        """Adds an OPTIONAL or MINUS, of triples and filters, that has bound variables in common with the group."""
        nodes = _inside(node.children[0])
        inner = _Group([], {}, [])
        for pattern in nodes:
            if pattern.rule in _TRIPLES:
                self._add_triples(pattern, inner)
            elif pattern.rule != "Filter":
                raise NotCovered(pattern.rule)
        common = [group.scope[name] for name in inner.scope if name in group.scope]
        if not common or not inner.is_connected() or any(known.is_optional or not known.is_node for known in common):
            raise NotCovered("OPTIONAL")
        is_optional = node.rule == "OptionalGraphPattern"
        bound = {name: variable for name, variable in group.scope.items() if not variable.is_optional}
        scope = {**bound, **inner.scope} if is_optional else inner.scope
        conditions = [self._expressions.truth(one.children[0], scope) for one in nodes if one.rule == "Filter"]
        parts = [*inner.parts, *(f"FILTER({condition})" for condition in conditions)]
        group.parts.append(f"{'OPTIONAL' if is_optional else 'MINUS'} {{ {' '.join(parts)} }}")
        for name, variable in inner.scope.items() if is_optional else ():
            known = group.scope.get(name)
            kind, places = (known.kind, known.places) if known else (variable.kind, frozenset())
            group.scope[name] = CountedVariable(kind, is_optional=known is None, places=places | variable.places)

    def _new(self, node: SyntaxNode, scope: Mapping[str, CountedVariable]) -> str:
        """Returns the name of a variable that gets a value here. Raises NotCovered if it has one already."""
        name = variable_name(self._tree, node)
        if node.rule != "Var" or name in scope:
            raise NotCovered(name)
        return name

    def _kind(self, index: int) -> str:
        return self._tree.tokens[index].kind


def _inside(node: SyntaxNode) -> list[SyntaxNode]:
    """Returns the patterns of a WHERE clause or group."""
    if node.rule == "WhereClause":
        node = node.children[-1]
    if node.rule != "GroupGraphPattern" or not node.children:
        raise NotCovered(node.rule)
    return node.children[0].children if node.children[0].rule == "GroupGraphPatternSub" else node.children
