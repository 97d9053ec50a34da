"""The words of a query, and the parts of rdflib's algebra: what they bind, and which terms a variable can be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from citygraph.build.patterns import KINDS, NODE_KINDS

_TESTS = {"Builtin_isIRI": "iri", "Builtin_isURI": "iri", "Builtin_isBLANK": "blank", "Builtin_isLITERAL": "literal"}
# Names without escapes, texts and comments of a query: they may contain its words.
_NOT_WORDS = re.compile(
    r"""<[^<>\s"{}|^`\\]*>|\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"""
    r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\r\n]*|[\w.-]*:[\w.%-]*|(?<=[?$])\w+""",
    re.DOTALL,
)


def words(text: str) -> str:
    """Returns a query with spaces in place of its names, texts and comments; a backslash in a name is kept."""
    return _NOT_WORDS.sub(lambda found: " " * len(found[0]), text)


def part_of(node: Any, name: str) -> Any:
    """Returns a part of the algebra, or an empty tuple. (For a missing part, rdflib's own lookup returns its name.)"""
    return dict.get(node, name, ())


def first_part(node: Any) -> Any:
    """Returns the part with which the others are joined."""
    return part_of(node, "p1") or part_of(node, "p")


def rows_of_values(node: Any) -> list[dict[Any, Any]] | None:
    """Returns the rows of VALUES, each without the variables that are UNDEF in it; None for another part."""
    from rdflib.term import Identifier

    if node.name != "ToMultiSet" or getattr(node.p, "name", "values") != "values":
        return None
    # Without variables or without rows, rdflib has an empty list in place of the part.
    rows = node.p.res if node.p else []
    return [{name: term for name, term in row.items() if isinstance(term, Identifier)} for row in rows]


def joined_parts(node: Any) -> Iterator[Any]:
    """Yields the parts of joins in joins; VALUES come first, because they limit the others."""
    parts = [node.p1, node.p2]
    flat = [one for part in parts for one in (joined_parts(part) if part.name == "Join" else [part])]
    return iter(sorted(flat, key=lambda one: rows_of_values(one) is None))


def projecting_part(node: Any) -> Any:
    """Returns the part of a subquery that projects its variables, or None for another group. DISTINCT is around it."""
    while node and "PV" not in node:
        node = part_of(node, "p")
    return node or None


def always_bound(node: Any) -> set[str]:
    """Returns the variables that every solution of a part of the algebra binds, or fewer."""
    if not node:
        return set()
    if node.name == "BGP":
        return set(variables_in(node.triples))
    bound = always_bound(first_part(node))
    if node.name in {"Join", "Union"}:
        others = always_bound(node.p2)
        return bound | others if node.name == "Join" else bound & others
    return bound.intersection(map(str, node.PV)) if "PV" in node else bound


def binds_of(node: Any, name: str) -> list[Any] | None:
    """Returns the expressions of all BINDs of a variable in a part without subqueries; None if it is bound otherwise.

    The part has no other kinds than those that bind in patterns, VALUES, GRAPH and BIND.
    """
    if not node:
        return []
    is_bound = (
        node.name in {"Project", "AggregateJoin"}
        or (node.name == "BGP" and name in set(variables_in(node.triples)))
        or (node.name == "Graph" and str(node.term) == name)
        or any(name in map(str, row) for row in rows_of_values(node) or ())
    )
    if is_bound:
        return None
    found = [node.expr] if node.name == "Extend" and str(node.var) == name else []
    # The rows of VALUES are no part of the algebra.
    inner = [part_of(node, part) for part in ("p", "p1", "p2")] if rows_of_values(node) is None else []
    for part in inner:
        others = binds_of(part, name)
        if others is None:
            return None
        found += others
    return found


def kinds_of(node: Any, name: str) -> frozenset[str]:
    """Returns the kinds of terms that a variable can be bound to, by its places in triples and the tests of filters."""
    from rdflib import Variable as RdflibVariable
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(node, list | tuple) and not hasattr(node, "n3"):
        return frozenset().union(*(kinds_of(part, name) for part in node))
    if isinstance(node, RdflibVariable) or not isinstance(node, CompValue):
        return frozenset()
    kinds: frozenset[str] = frozenset()
    if node.name in {"BGP", "TriplesBlock"} and name in set(variables_in(node.triples)):
        kinds = KINDS if any(_has_as_object(row, name) for row in node.triples) else NODE_KINDS
    parts = [kinds_of(part, name) for key, part in node.items() if key not in {"_vars", "PV", "triples"}]
    tests = conjuncts(node.expr) if node.name == "Filter" else ()
    return kinds.union(*parts).intersection(*(_tested(part, name) for part in tests))


def _has_as_object(row: Any, name: str) -> bool:
    """Returns whether a variable may be an object in triples; with a property path, it may be the subject."""
    from rdflib.paths import Path as PropertyPath

    ends = row if any(isinstance(term, PropertyPath) for term in row) else row[1:]
    return any(str(term) == name for term in ends)


def conjuncts(expression: Any) -> Iterator[Any]:
    """Yields the conditions that must all hold."""
    if getattr(expression, "name", "") == "ConditionalAndExpression":
        for part in (expression.expr, *expression.other):
            yield from conjuncts(part)
    else:
        yield expression


def _tested(expression: Any, name: str) -> frozenset[str]:
    """Returns the kinds of terms for which a condition on a variable can hold."""
    kind = _TESTS.get(getattr(expression, "name", ""), "")
    return frozenset({kind}) if kind and str(expression.arg) == name else KINDS


def alternatives(expression: Any) -> list[Any]:
    """Returns the expressions that can give the value: both branches of IF, else the expression itself."""
    if getattr(expression, "name", "") == "Builtin_IF":
        return [expression.arg2, expression.arg3]
    return [expression]


def variables_in(expression: Any) -> Iterable[str]:
    """Yields the variables of an expression or of patterns, some more than once."""
    from rdflib import Variable as RdflibVariable
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(expression, RdflibVariable):
        yield str(expression)
    elif isinstance(expression, CompValue):
        for part in expression.values():
            yield from variables_in(part)
    elif isinstance(expression, list | tuple):
        for part in expression:
            yield from variables_in(part)
