"""Queries that count: what they read for each subject, so that the counts for some subjects at a time add up.

All that such a query matches is about one subject: in each solution, every triple has the value of one variable as its
subject. If the subjects are divided, each solution is in one part. So a number of solutions, or a sum over them, is the
sum of those of the parts. A number of distinct values is too, if equal values are of one subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from citygraph.build.dependencies import Unbounded
from citygraph.build.key_parts import KEY, SubjectReads
from citygraph.build.key_reads import algebra, order_of, reads_of
from citygraph.build.query_algebra import alternatives, always_bound, binds_of, conjuncts, part_of
from citygraph.rdf.terms import ONTOLOGY_GRAPH


def subject_reads(text: str, counts: Iterable[str], group: str) -> SubjectReads:
    """Returns what a query reads for each subject if its counts for some subjects at a time add up.

    `counts` are its columns with integers. If it has the column `group` too, it has a row for each value of it, in
    their order; otherwise it has one row. Raises Unbounded if this cannot be proved.
    """
    query = algebra(text)
    columns, aggregation = _aggregation(query.p)
    matches, by = aggregation.p.p, aggregation.p.expr or []
    aggregates = [columns.get(name) for name in counts]
    if group in set(map(str, query.PV)):
        sample = columns.get(group)
        is_grouped = getattr(sample, "name", "") == "Aggregate_Sample" and [part_of(sample, "vars")] == by
        if not is_grouped or order_of(query.p) != group:
            raise Unbounded(f"the rows are not those of each ?{group}")
    elif by:
        raise Unbounded("the rows are of groups without a name")
    graphs = frozenset(_graphs_of(matches))
    for subject in sorted(always_bound(matches)):
        if all(_is_additive(one, matches, subject) for one in aggregates):
            with suppress(Unbounded):
                steps = reads_of(matches, subject, aggregation.A).steps
                if all(step.slot == KEY and step.end == "subject" for step in steps):
                    return SubjectReads(steps, graphs)
    raise Unbounded("the matches are not about one subject each, or the counts do not add up")


def _aggregation(node: Any) -> tuple[dict[str, Any], Any]:
    """Returns the aggregates by column, and the part of the algebra with them. Raises Unbounded."""
    names: dict[str, Any] = {}
    while node.name in {"Project", "OrderBy", "Extend"}:
        if node.name == "Extend":
            names[str(node.var)] = node.expr
        node = node.p
    if node.name != "AggregateJoin":
        raise Unbounded("a query does not only count")
    results = {str(one.res): one for one in node.A}
    return {name: results.get(str(expression)) for name, expression in names.items()}, node


def _is_additive(aggregate: Any, matches: Any, subject: str) -> bool:
    name = getattr(aggregate, "name", "")
    if name in {"Aggregate_Count", "Aggregate_Sum"} and not part_of(aggregate, "distinct"):
        return True
    return name == "Aggregate_Count" and aggregate.vars != "*" and _names_subject(aggregate.vars, matches, subject)


def _names_subject(expression: Any, matches: Any, subject: str, within: frozenset[str] = frozenset()) -> bool:
    """Returns whether equal values of an expression are of one subject."""
    from rdflib import Variable

    branches = alternatives(expression)
    if len(branches) > 1:
        return all(_names_subject(one, matches, subject, within) for one in branches)
    if not isinstance(expression, Variable):
        return _begins_with(expression, subject)
    name = str(expression)
    if name == subject:
        return True
    # A variable that nothing binds has no value.
    binds = None if name in within else binds_of(matches, name)
    return binds is not None and all(_names_subject(one, matches, subject, within | {name}) for one in binds)


def _begins_with(expression: Any, subject: str) -> bool:
    """Returns whether an expression is the text of a subject, a space, and more. No IRI has a space."""
    from rdflib import Literal

    if getattr(expression, "name", "") != "Builtin_CONCAT" or not expression.arg[1:]:
        return False
    begin, space, *_ = expression.arg
    is_text = getattr(begin, "name", "") == "Builtin_STR" and str(begin.arg) == subject
    return is_text and isinstance(space, Literal) and space.startswith(" ")


def _graphs_of(node: Any, conditions: tuple[Any, ...] = ()) -> Iterator[str]:
    """Yields the beginning of the IRIs of the named graphs that each GRAPH can be; "" for any.

    `conditions` hold for the part. Raises Unbounded if the ontology is one: no step reads it.
    """
    if not node:
        return
    if node.name == "Graph":
        if str(node.term) == ONTOLOGY_GRAPH.value:
            raise Unbounded("a query reads the ontology")
        yield next(filter(None, (_begin(one, node.term) for one in conditions)), "")
    above = (*conditions, *conjuncts(node.expr)) if node.name == "Filter" else ()
    for part in ("p", "p1", "p2"):
        yield from _graphs_of(part_of(node, part), above)


def _begin(condition: Any, graph: Any) -> str:
    """Returns the text with which the IRI of a graph begins where a condition holds; "" if unknown."""
    from rdflib import URIRef, Variable

    if getattr(condition, "name", "") != "Builtin_STRSTARTS" or not isinstance(graph, Variable):
        return ""
    whole, begin = condition.arg1, condition.arg2
    are_texts = [getattr(one, "name", "") for one in (whole, begin)] == ["Builtin_STR", "Builtin_STR"]
    return str(begin.arg) if are_texts and whole.arg == graph and isinstance(begin.arg, URIRef) else ""
