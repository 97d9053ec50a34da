"""Hints for queries that are valid and probably not meant: dates that are compared although they have no order."""

from __future__ import annotations

import re
from functools import lru_cache

from citygraph.sparql.grammar import SyntaxNode, SyntaxTree, UnexpectedToken, nodes_of, parse
from citygraph.sparql.statement_triples import StatementTriples

# Only such texts are parsed, and none that would take long.
_LONGEST = 20_000
_COMPARES = re.compile(r"\b(?:MIN|MAX)\s*\(|\bORDER\s+BY\b", re.IGNORECASE)
_DATE = re.compile(r"\w*Date\b|\battestedOn\b|\bnotBefore\b|\bnotAfter\b")


def compared_dates(text: str) -> tuple[str, ...]:
    """Returns the variables with partial dates that MIN, MAX or ORDER BY compares directly.

    Dates of different datatypes have no order, so that the result depends on the order of the data.
    """
    # Searched first, because a point lookup has none of these and is cheaper than the regular expressions.
    has_dates = "Date" in text or "attestedOn" in text or "notBefore" in text or "notAfter" in text
    return _compared_dates(text) if has_dates and len(text) <= _LONGEST else ()


@lru_cache(maxsize=256)
def _compared_dates(text: str) -> tuple[str, ...]:
    if not _COMPARES.search(text) or not _DATE.search(text):
        return ()
    try:
        tree = parse(text)
    except UnexpectedToken:
        return ()
    dates = _dates(tree)
    return tuple(dict.fromkeys(name for node in nodes_of(tree.root) for name in _compared(tree, node) if name in dates))


def _dates(tree: SyntaxTree) -> set[str]:
    """Returns the variables that are objects of properties with dates."""
    reader = StatementTriples(tree)
    statements = [node for node in nodes_of(tree.root) if node.rule == "TriplesSameSubjectPath"]
    return {
        triple.object
        for statement in statements
        for triple in reader.of(statement)
        if triple.verb and triple.object.startswith("?") and _DATE.search(tree.source(triple.verb))
    }


def _compared(tree: SyntaxTree, node: SyntaxNode) -> list[str]:
    """Returns the variables that a node of the tree compares."""
    if node.rule == "Aggregate" and tree.tokens[node.first].kind not in {"MIN", "MAX"}:
        return []
    if node.rule not in {"Aggregate", "OrderClause", "OrderCondition"}:
        return []
    return [tree.source(child).strip("() ") for child in node.children]
