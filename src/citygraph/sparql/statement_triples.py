"""The triples of a statement in a query: lists, nested nodes and blank nodes as triples with variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from citygraph.sparql.grammar import SyntaxNode, SyntaxTree

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CONSTANTS = frozenset({"iri", "RDFLiteral", "NumericLiteral", "BooleanLiteral"})


class StatementTriple(NamedTuple):
    """A triple of a statement: the texts of its terms, and the node of its verb, or None for `verb_text`.

    `constants` is whether the subject is an IRI or a literal, and whether the object is.
    """

    subject: str
    verb: SyntaxNode | None
    object: str
    constants: tuple[bool, bool] = (False, False)
    verb_text: str = ""


class StatementTriples:
    """A reader of statements, which names the blank nodes of a query by variables that the query does not have."""

    def __init__(self, tree: SyntaxTree) -> None:
        self._tree = tree
        self._labels: dict[str, str] = {}
        self._count = 0
        self._prefix = "path"
        while self._prefix in tree.text:
            self._prefix += "_"

    def of(self, statement: SyntaxNode) -> Iterator[StatementTriple]:
        """Yields the triples of a statement, in the order of its text."""
        if statement.rule != "TriplesSameSubjectPath":
            yield from self._term(statement)[1]
            return
        subject, triples = self._term(statement.children[0])
        yield from triples
        if len(statement.children) > 1:
            yield from self._properties(subject, statement.children[0].rule in _CONSTANTS, statement.children[1])

    def variable(self) -> str:
        """Returns a new variable."""
        self._count += 1
        return f"?{self._prefix}{self._count}"

    def blank_node(self, source: str) -> str:
        """Returns the variable for a blank node: the same one for the same label."""
        if not source.startswith("_:"):
            return self.variable()
        if source not in self._labels:
            self._labels[source] = self.variable()
        return self._labels[source]

    def _properties(self, subject: str, is_constant: bool, properties: SyntaxNode) -> Iterator[StatementTriple]:
        children = properties.children
        for verb, objects in zip(children[::2], children[1::2], strict=True):
            for node in objects.children if objects.rule == "ObjectListPath" else [objects]:
                term, triples = self._term(node)
                yield StatementTriple(subject, verb, term, (is_constant, node.rule in _CONSTANTS))
                yield from triples

    def _term(self, node: SyntaxNode) -> tuple[str, list[StatementTriple]]:
        """Returns the text of a term, and the triples that are written in it."""
        if node.rule == "BlankNodePropertyListPath":
            subject = self.variable()
            return subject, list(self._properties(subject, False, node.children[0]))
        if node.rule == "CollectionPath":
            return self._collection(node.children)
        source = self._tree.source(node)
        if node.rule == "BlankNode":
            return self.blank_node(source), []
        return source.lower() if node.rule == "BooleanLiteral" else source, []

    def _collection(self, members: list[SyntaxNode]) -> tuple[str, list[StatementTriple]]:
        triples = []
        cells = [self.variable() for _ in members]
        for cell, rest, member in zip(cells, [*cells[1:], f"<{_RDF}nil>"], members, strict=True):
            term, inner = self._term(member)
            triples += [StatementTriple(cell, None, term, verb_text=f"<{_RDF}first>"), *inner]
            triples.append(StatementTriple(cell, None, rest, verb_text=f"<{_RDF}rest>"))
        return cells[0], triples
