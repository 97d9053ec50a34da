"""Comparisons in a query: whether the text and the data prove that both sides have values of one kind.

In SPARQL, comparing a number with a text, or a date with a month, is an error, which drops the row. Stores that compare
such values anyway can still evaluate comparisons without such operands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citygraph.sparql.grammar import SyntaxNode, SyntaxTree, nodes_of

NUMBER, TEXT, UNKNOWN = "number", "text", "?"
_OPERATORS = frozenset({"<", ">", "<=", ">="})
_NUMBERS = frozenset({"STRLEN", "YEAR", "MONTH", "DAY", "HOURS", "MINUTES"})
_NUMERIC_TYPES = frozenset({"integer", "decimal", "double", "float", "nonNegativeInteger", "positiveInteger"})
_CONSTANTS = frozenset({"iri", "RDFLiteral", "NumericLiteral", "BooleanLiteral"})
_SAME_AS_ARGUMENT = frozenset({"MIN", "MAX", "SAMPLE"})
_XSD = "<http://www.w3.org/2001/XMLSchema#"
_DEEPEST = 8


def kind_of_datatype(name: str) -> str:
    """Returns the kind of values of a datatype of XSD, by its local name."""
    return NUMBER if name in _NUMERIC_TYPES else TEXT if name == "string" else name


def special_comparisons(tree: SyntaxTree, uniform: Mapping[str, str]) -> Iterator[str]:
    """Yields "comparison:mixed" or "equality:mixed" for each comparison of values that may be of different kinds.

    Yields "comparison:text" for a comparison of texts in the data. `uniform` are the predicates all of whose values are
    of one kind. Equality with a constant does not count.
    """
    kinds = _VariableKinds(tree, uniform)
    for node in nodes_of(tree.root):
        if node.rule == "RelationalExpression" and len(node.children) == 2:
            operator = tree.tokens[node.children[0].last].kind
            sides = {kinds.of(child) for child in node.children}
            if len(sides) == 1 and UNKNOWN not in sides:
                if operator in _OPERATORS and sides == {TEXT} and any(child.rule == "Var" for child in node.children):
                    yield "comparison:text"
                continue
            if operator in _OPERATORS:
                yield "comparison:mixed"
            elif operator in {"=", "!="} and not any(child.rule in _CONSTANTS for child in node.children):
                yield "equality:mixed"


class _VariableKinds:
    """The kinds of values of a query's variables; "?" if unknown or of several kinds."""

    def __init__(self, tree: SyntaxTree, uniform: Mapping[str, str]) -> None:
        self._tree = tree
        self._uniform = uniform
        # Where each variable gets values: kinds, or expressions whose kind is computed when it is needed.
        self._origins: dict[str, list[str | SyntaxNode]] = {}
        for node in nodes_of(tree.root):
            self._read(node)

    def of(self, node: SyntaxNode, depth: int = 0) -> str:
        """Returns the kind of an expression's values."""
        tree = self._tree
        first = tree.tokens[node.first]
        word = tree.text[first.start : first.end].upper()
        if depth > _DEEPEST:
            return UNKNOWN
        if node.rule == "Var":
            origins = self._origins.get(tree.source(node)[1:], [UNKNOWN])
            found = {origin if isinstance(origin, str) else self.of(origin, depth + 1) for origin in origins}
            return found.pop() if len(found) == 1 else UNKNOWN
        if node.rule == "NumericLiteral" or word == "COUNT" or word in _NUMBERS:
            return NUMBER
        if node.rule == "RDFLiteral":
            return self._literal(node)
        if node.rule == "BrackettedExpression" or (word in _SAME_AS_ARGUMENT and len(node.children) == 1):
            return self.of(node.children[0], depth + 1)
        return TEXT if word == "STR" else UNKNOWN

    def _literal(self, node: SyntaxNode) -> str:
        parts = self._tree.tokens[node.first : node.last]
        if len(parts) == 1:
            return TEXT
        source = self._tree.text[parts[-1].start : parts[-1].end]
        return kind_of_datatype(source[len(_XSD) : -1]) if source.startswith(_XSD) else UNKNOWN

    def _read(self, node: SyntaxNode) -> None:
        if node.rule in {"Bind", "SelectClause", "GroupCondition"}:
            for value, child in zip(node.children, node.children[1:], strict=False):
                if self._tree.tokens[child.first - 1].kind == "AS":
                    self._add(child, value)
        elif node.rule == "DataBlock":
            self._read_rows(node)
        elif node.rule in {"TriplesSameSubjectPath", "GraphGraphPattern"}:
            self._add(node.children[0], UNKNOWN)
        elif node.rule == "PropertyListPathNotEmpty":
            for verb, objects in zip(node.children[::2], node.children[1::2], strict=True):
                self._read_objects(verb, objects)

    def _read_rows(self, block: SyntaxNode) -> None:
        variables = [child for child in block.children if child.rule == "Var"]
        values: list[str | SyntaxNode] = [child for child in block.children if child.rule != "Var"]
        for variable in variables:
            for value in values if len(variables) == 1 and values else [UNKNOWN]:
                self._add(variable, value)

    def _read_objects(self, verb: SyntaxNode, objects: SyntaxNode) -> None:
        self._add(verb, UNKNOWN)
        kind = self._uniform.get(self._tree.source(verb)[1:-1], UNKNOWN) if verb.rule == "iri" else UNKNOWN
        for inner in objects.children if objects.rule == "ObjectListPath" else [objects]:
            self._add(inner, kind)
            if inner.rule != "Var":
                for part in nodes_of(inner):
                    self._add(part, UNKNOWN)

    def _add(self, node: SyntaxNode, origin: str | SyntaxNode) -> None:
        if node.rule == "Var":
            self._origins.setdefault(self._tree.source(node)[1:], []).append(origin)
