"""Evaluates `GRAPH ?g { … }` in each named graph, where the engine would evaluate it over all of them at once.

SPARQL 1.1 (18.6) evaluates the pattern within each graph, and binds ?g afterwards. The engine makes ?g a part of each
triple pattern instead. A sub-select that does not return ?g hides it, and a group without a triple pattern lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from citygraph.errors import UsageError
from citygraph.sparql.grammar import SyntaxNode, SyntaxTree, nodes_of
from citygraph.sparql.guard import COMMENT

# A pattern is repeated for each graph, within these limits.
MOST_GRAPHS = 1000
_LONGEST = 2_000_000
_SPACE = rf"(?:\s|{COMMENT})*+"
_SUB_SELECT = re.compile(rf"\{{{_SPACE}SELECT\b", re.IGNORECASE)
# A group that begins so may have no triple pattern.
_WITHOUT_TRIPLE = re.compile(
    rf"\bGRAPH{_SPACE}[?$]\w++{_SPACE}\{{{_SPACE}(?:[{{}}]|(?:VALUES|OPTIONAL|BIND|FILTER|MINUS|GRAPH)\b)",
    re.IGNORECASE,
)
_STATEMENTS = frozenset({"TriplesSameSubjectPath", "BlankNodePropertyListPath", "CollectionPath"})
_GROUPS = frozenset({"GroupGraphPattern", "GroupGraphPatternSub", "TriplesBlock", "WhereClause"})


def may_need_each_graph(text: str, upper: str) -> bool:
    """Returns whether a text may have such a pattern; `upper` is the text in capitals."""
    return "GRAPH" in upper and bool(_SUB_SELECT.search(text) or _WITHOUT_TRIPLE.search(text))


def needs_each_graph(tree: SyntaxTree, node: SyntaxNode) -> bool:
    """Returns whether a node is GRAPH with a variable that the engine would evaluate over all graphs at once."""
    if node.rule != "GraphGraphPattern" or tree.tokens[node.first + 1].kind != "VARIABLE":
        return False
    name, group = graph_variable(tree, node), node.children[-1]
    return not _binds(tree, group, name) or not _all_return(tree, group, name)


def graph_variable(tree: SyntaxTree, node: SyntaxNode) -> str:
    """Returns the name of the variable of a GRAPH pattern."""
    token = tree.tokens[node.first + 1]
    return tree.text[token.start + 1 : token.end]


def for_each_graph(name: str, group: str, graphs: Sequence[str]) -> str:
    """Returns a pattern that evaluates a group in each graph, and gives the variable its IRI.

    Raises UsageError for more graphs than the engine can read, with another way to write the query.
    """
    if len(graphs) > MOST_GRAPHS or len(graphs) * len(group) > _LONGEST:
        raise UsageError(
            f"GRAPH ?{name} is evaluated for each graph by itself, because a sub-select in it does not "  # noqa: S608
            "return that variable, and there are too many graphs for that. Write GRAPH within the sub-select, "
            "return its variable from it and group by it, or name the graphs with FROM NAMED"
        )
    if not graphs:
        return f"{{ VALUES ?{name} {{}} }}"
    return " UNION ".join(f"{{ GRAPH <{graph}> {group} VALUES ?{name} {{ <{graph}> }} }}" for graph in graphs)


def _binds(tree: SyntaxTree, node: SyntaxNode, name: str) -> bool:
    """Returns whether every solution of a pattern has the graph from a triple pattern."""
    if node.rule in _STATEMENTS:
        return True
    if node.rule in _GROUPS:
        return any(_binds(tree, child, name) for child in node.children)
    if node.rule == "GroupOrUnionGraphPattern":
        return all(_binds(tree, child, name) for child in node.children)
    return node.rule == "SubSelect" and _returns(tree, node, name)


def _all_return(tree: SyntaxTree, node: SyntaxNode, name: str) -> bool:
    """Returns whether all sub-selects of a pattern return the graph, apart from those within another GRAPH."""
    if node.rule == "GraphGraphPattern":
        return True
    if node.rule == "SubSelect" and not _returns(tree, node, name):
        return False
    return all(_all_return(tree, child, name) for child in node.children)


def _returns(tree: SyntaxTree, select: SyntaxNode, name: str) -> bool:
    """Returns whether a sub-select returns the graph of its triples, with the same rows for each graph as alone."""
    columns = [child for child in select.children[0].children if child.rule == "Var"]
    if not any(tree.source(column)[1:] == name and tree.tokens[column.last].kind != "AS" for column in columns):
        return False
    if any(tree.source(inner)[1:] == name and tree.tokens[inner.first - 1].kind == "AS" for inner in nodes_of(select)
           if inner.rule == "Var"):  # fmt: skip
        return False
    # A limit is one for each graph.
    is_limited = any(tree.tokens[index].kind in {"LIMIT", "OFFSET"} for index in range(select.first, select.last))
    return not is_limited and any(_binds(tree, child, name) for child in select.children[1:])
