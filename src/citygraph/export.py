"""A graph as canonical TriG: sorted, stable, one statement a line, so that two exports differ only where data do."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.errors import NotFound
from citygraph.terms import PREFIXES, RDF

_TYPE = RDF("type")
# What may follow a prefix without escapes in Turtle, kept narrow: anything else is written as a whole IRI.
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def export(store: Store, graph: NamedNode) -> str:
    """The graph as TriG text that ends with a newline. Raises NotFound if the store has no such graph."""
    quads = list(store.quads_for_pattern(None, None, None, graph))
    if not quads:
        raise NotFound(f"no graph <{graph.value}> in this release")
    return export_quads(graph, quads)


def export_quads(graph: NamedNode, found: Iterable[Quad], in_block: bool = True) -> str:
    """The quads of one graph as TriG text that ends with a newline; without the block of the graph it is Turtle."""
    quads = list(found)
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in sorted(_used_prefixes(quads).items())]
    lines += ["", f"GRAPH {_written(graph)} {{"] if in_block else []
    for subject, about in groupby(sorted(quads, key=_order), key=lambda quad: quad.subject):
        lines += ["", *_block(_written(subject), list(about))]
    return "\n".join([*lines, *(["}"] if in_block else []), ""])


def _block(subject: str, quads: list[Quad]) -> list[str]:
    lines = [f"    {subject}"]
    for number, quad in enumerate(quads, 1):
        end = " ." if number == len(quads) else " ;"
        predicate = "a" if quad.predicate == _TYPE else _written(quad.predicate)
        lines.append(f"        {predicate} {_written(quad.object)}{end}")
    return lines


def _order(quad: Quad) -> tuple[str, bool, str, str]:
    return (str(quad.subject), quad.predicate != _TYPE, quad.predicate.value, str(quad.object))


def _used_prefixes(quads: Iterable[Quad]) -> dict[str, str]:
    used: dict[str, str] = {}
    for quad in quads:
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            node = term.datatype if isinstance(term, Literal) else term
            found = _prefix_of(node) if isinstance(node, NamedNode) else None
            if found:
                used[found] = PREFIXES[found]
    return used


def _prefix_of(node: NamedNode) -> str | None:
    for name, iri in PREFIXES.items():
        local = node.value.removeprefix(iri)
        if local != node.value and local and _LOCAL.issuperset(local) and local[0] not in "-0123456789":
            return name
    return None


def _written(term: object) -> str:
    if isinstance(term, NamedNode):
        prefix = _prefix_of(term)
        return f"{prefix}:{term.value.removeprefix(PREFIXES[prefix])}" if prefix else str(term)
    if isinstance(term, Literal) and not term.language and _prefix_of(term.datatype) == "xsd":
        quoted = str(Literal(term.value))
        return quoted if term.datatype.value.endswith("#string") else f"{quoted}^^{_written(term.datatype)}"
    if isinstance(term, DefaultGraph):
        return "DEFAULT"
    return str(term)
