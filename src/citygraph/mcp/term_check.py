"""The check of a query before it runs: its properties and classes must exist in the graph or in its ontology."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from citygraph.rdf.terms import RDF
from citygraph.sparql.grammar import SyntaxNode, SyntaxTree, nodes_of, parse
from citygraph.sparql.statement_triples import StatementTriples

_TYPE = RDF("type").value
_MOST_SUGGESTED = 3
_SIMILAR = 0.6


@dataclass(frozen=True)
class GraphTerm:
    """A class or property of the graph: its name in a query, such as cg:party, and the number of its uses."""

    name: str
    iri: str
    label: str
    about: str
    count: int

    @property
    def local(self) -> str:
        """The name without its prefix."""
        return self.name.strip("<>").rpartition(":" if self.name[0] != "<" else "/")[2]


@dataclass(frozen=True)
class GraphTerms:
    """The prefixes, classes and properties that queries of a release can use."""

    prefixes: Mapping[str, str]
    classes: tuple[GraphTerm, ...]
    properties: tuple[GraphTerm, ...]

    @classmethod
    def of(cls, vocabulary: Mapping[str, Any]) -> GraphTerms:
        """Returns the terms of the JSON at /sparql/vocabulary."""
        classes = tuple(GraphTerm(**term) for term in vocabulary["classes"])
        return cls(vocabulary["prefixes"], classes, tuple(GraphTerm(**term) for term in vocabulary["properties"]))

    def shortened(self, iri: str) -> str:
        """Returns the IRI with a prefix, such as city:izmir, if it has one."""
        fitting = [(space, prefix) for prefix, space in self.prefixes.items() if prefix and iri.startswith(space)]
        if not fitting:
            return iri
        space, prefix = max(fitting, key=lambda pair: len(pair[0]))
        return f"{prefix}:{iri[len(space) :]}"

    def expanded(self, name: str, declared: Mapping[str, str]) -> str:
        """Returns the IRI of <…> or of a name with a prefix; the query's own prefixes come first."""
        if name.startswith("<"):
            return name[1:-1]
        prefix, _, local = name.partition(":")
        return {**self.prefixes, **declared}.get(prefix, f"{prefix}:") + local.replace("\\", "")


@dataclass(frozen=True)
class UnknownTerm:
    """A term of a query that the graph does not have, with its place and the most similar terms that it has."""

    kind: str
    name: str
    iri: str
    line: int
    column: int
    similar: tuple[str, ...]

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.similar)}?" if self.similar else ""
        return f"line {self.line}, column {self.column}: there is no {self.kind} {self.name} in this graph{hint}"


def unknown_terms(text: str, terms: GraphTerms) -> list[UnknownTerm]:
    """Returns the properties and classes of a query's patterns that are not in `terms`. Raises UnexpectedToken.

    A template of CONSTRUCT may have any terms.
    """
    tree = parse(text)
    declared = _declared(tree)
    kinds = {"property": terms.properties, "class": terms.classes}
    known = {kind: {term.iri for term in members} | {_TYPE} for kind, members in kinds.items()}
    unknown: dict[tuple[str, str], UnknownTerm] = {}
    for kind, node in _used(tree, terms, declared):
        name = tree.source(node)
        iri = terms.expanded(name, declared)
        # A relative IRI depends on BASE, and is left to the server.
        if iri not in known[kind] and ":" in iri:
            line, column = _place(text, tree.tokens[node.first].start)
            unknown.setdefault((kind, name), UnknownTerm(kind, name, iri, line, column, _similar(name, kinds[kind])))
    return list(unknown.values())


def _declared(tree: SyntaxTree) -> dict[str, str]:
    """Returns the prefixes that the query declares."""
    declarations = (tree.source(node) for node in nodes_of(tree.root) if node.rule == "PrefixDecl")
    pairs = (text[len("PREFIX") :].strip().partition(":") for text in declarations)
    return {prefix: space.strip()[1:-1] for prefix, _, space in pairs}


def _used(tree: SyntaxTree, terms: GraphTerms, declared: Mapping[str, str]) -> Iterator[tuple[str, SyntaxNode]]:
    """Yields the constant properties and classes of the patterns."""
    reader = StatementTriples(tree)
    for statement in nodes_of(tree.root):
        if statement.rule != "TriplesSameSubjectPath":
            continue
        yield from (("property", node) for triple in reader.of(statement) if triple.verb for node in _iris(triple.verb))
        for verb, objects in _verbs(statement):
            if tree.source(verb) == "a" or terms.expanded(tree.source(verb), declared) == _TYPE:
                yield from (("class", node) for node in _iris(objects))


def _verbs(statement: SyntaxNode) -> Iterator[tuple[SyntaxNode, SyntaxNode]]:
    """Yields each verb of a statement with its objects, also those in brackets."""
    for node in nodes_of(statement):
        if node.rule == "PropertyListPathNotEmpty":
            yield from zip(node.children[::2], node.children[1::2], strict=True)


def _iris(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yields the IRIs of a path or of a list of objects, but not those within brackets."""
    members = node.children if node.rule == "ObjectListPath" else nodes_of(node)
    inside = node.rule == "BlankNodePropertyListPath"
    return (member for member in members if member.rule == "iri" and not inside)


def _place(text: str, start: int) -> tuple[int, int]:
    before = text[:start]
    return before.count("\n") + 1, start - (before.rfind("\n") + 1) + 1


def _similar(name: str, terms: Iterable[GraphTerm]) -> tuple[str, ...]:
    """Returns the names of the most similar terms, the best first."""
    wanted = _folded(name.strip("<>").replace("#", ":").replace("/", ":").rpartition(":")[2])

    def score(term: GraphTerm) -> float:
        return max(SequenceMatcher(None, wanted, _folded(one)).ratio() for one in (term.local, term.label))

    scores = sorted(((score(term), term.count, term.name) for term in terms), reverse=True)
    return tuple(name for similarity, _, name in scores[:_MOST_SUGGESTED] if similarity >= _SIMILAR)


def _folded(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "").replace("-", "")
