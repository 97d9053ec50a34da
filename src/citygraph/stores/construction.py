"""The graph of a CONSTRUCT query, made of the rows of its pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from citygraph.sparql import grammar
from citygraph.sparql.grammar import nodes_of
from citygraph.sparql.statement_triples import StatementTriples

Term = NamedNode | BlankNode | Literal | Triple
Row = Mapping[str, Term | None]
_STATEMENT = "TriplesSameSubjectPath"


def construct(template: str, rows: Iterable[Row]) -> Iterator[Triple]:
    """Yields the triples of a template for each row, each triple once (SPARQL 1.1, 16.2)."""
    patterns = _patterns(template)
    found: set[Triple] = set()
    for row in rows:
        nodes: dict[str, BlankNode] = {}
        for pattern in patterns:
            subject, predicate, object_ = (_value(term, row, nodes) for term in pattern)
            # An invalid triple, with an unbound variable or a literal as subject, is left out.
            if isinstance(subject, NamedNode | BlankNode) and isinstance(predicate, NamedNode) and object_ is not None:
                triple = Triple(subject, predicate, object_)
                if triple not in found:
                    found.add(triple)
                    yield triple


def _patterns(template: str) -> list[tuple[Term | str, ...]]:
    """Returns the triples of a template: a variable with a question mark, a blank node as a variable without one."""
    tree = grammar.parse(f"SELECT * {template}")
    reader = StatementTriples(tree)
    own = {"?" + tree.source(node)[1:] for node in nodes_of(tree.root) if node.rule == "Var"}
    patterns = []
    for node in nodes_of(tree.root):
        if node.rule == _STATEMENT:
            for triple in reader.of(node):
                verb = tree.source(triple.verb) if triple.verb else triple.verb_text
                patterns.append(tuple(_term(text, own) for text in (triple.subject, verb, triple.object)))
    return patterns


def _term(text: str, own: set[str]) -> Term | str:
    if text[0] in "?$":
        name = f"?{text[1:]}"
        return name if name in own else name[1:]
    value: Term = next(iter(parse(f"<urn:s> <urn:p> {text} .".encode(), format=RdfFormat.TURTLE))).object
    return value


def _value(term: Term | str, row: Row, nodes: dict[str, BlankNode]) -> Term | None:
    if not isinstance(term, str):
        return term
    if term.startswith("?"):
        return row.get(term[1:])
    return nodes.setdefault(term, BlankNode())
