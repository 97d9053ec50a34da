"""The expressions and variables that the counting store evaluates exactly as the main store (counting_form.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from citygraph.sparql.grammar import SyntaxNode, SyntaxTree

# Without escapes, and numbers in canonical form: the main store would return others in another form.
_STRING = re.compile(r"\"[^\"\\\r\n]*\"|'[^'\\\r\n]*'")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")
_XSD_INTEGER = "<http://www.w3.org/2001/XMLSchema#integer>"
_COMPARISONS = frozenset({"=", "!=", "<", ">", "<=", ">="})
_EQUALITY = frozenset({"=", "!="})


class NotCovered(Exception):
    """A construct that only the main store evaluates."""


class ValueKind(Enum):
    """The kind of an expression's values: a resource, any RDF term, a plain string, an integer, a boolean."""

    RESOURCE = "resource"
    TERM = "term"
    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"


_NODES = frozenset({ValueKind.RESOURCE, ValueKind.TERM})


@dataclass(frozen=True)
class CountedVariable:
    """A variable in scope; it is optional if it may be unbound.

    A variable of a triple pattern has its places there: the predicates of which it is the object, and "" where it is a
    subject.
    """

    kind: ValueKind
    is_optional: bool = False
    places: frozenset[str] = frozenset()

    @property
    def is_node(self) -> bool:
        """Returns whether its values are terms of the data."""
        return self.kind in _NODES


Scope = Mapping[str, CountedVariable]


class CountingExpressions:
    """A writer of the expressions of a query."""

    def __init__(self, tree: SyntaxTree, resolve: Iris) -> None:
        self._tree = tree
        self._resolve = resolve
        self._functions = {
            "STR": (ValueKind.TEXT, self._string_argument),
            "LANG": (ValueKind.TEXT, self._node_argument),
            "LCASE": (ValueKind.TEXT, self._text_arguments),
            "UCASE": (ValueKind.TEXT, self._text_arguments),
            "SUBSTR": (ValueKind.TEXT, self._part_arguments),
            "STRLEN": (ValueKind.NUMBER, self._text_arguments),
            "CONTAINS": (ValueKind.TRUTH, self._text_arguments),
            "STRSTARTS": (ValueKind.TRUTH, self._text_arguments),
            "STRENDS": (ValueKind.TRUTH, self._text_arguments),
            "BOUND": (ValueKind.TRUTH, self._variable),
            "ISIRI": (ValueKind.TRUTH, self._node_argument),
            "ISLITERAL": (ValueKind.TRUTH, self._node_argument),
        }

    def typed(self, node: SyntaxNode, scope: Scope, counted: Scope | None = None) -> tuple[str, ValueKind]:
        """Returns the text of an expression, and the kind of its values. Raises NotCovered.

        `counted` are the variables that aggregates may count, or None where no aggregate may be.
        """
        match node.rule:
            case "Var":
                name = variable_name(self._tree, node)
                return f"?{name}", variable_in(scope, name).kind
            case "RDFLiteral" | "NumericLiteral":
                return self._literal(node)
            case "BrackettedExpression":
                text, kind = self.typed(node.children[0], scope, counted)
                return f"({text})", kind
            case "Expression" | "ConditionalAndExpression":
                sign = " || " if node.rule == "Expression" else " && "
                return sign.join(self.truth(child, scope, counted) for child in node.children), ValueKind.TRUTH
            case "UnaryExpression" if self._kind(node.first) == "!":
                return f"!({self.truth(node.children[0], scope, counted)})", ValueKind.TRUTH
            case "RelationalExpression":
                return self._comparison(node, scope, counted), ValueKind.TRUTH
            case "Aggregate" if counted is not None:
                return self._count(node, counted), ValueKind.NUMBER
            case "BuiltInCall":
                return self._call(node, scope)
        raise NotCovered(node.rule)

    def truth(self, node: SyntaxNode, scope: Scope, counted: Scope | None = None) -> str:
        """Returns the text of a condition. Raises NotCovered."""
        return self._of_kind(node, scope, ValueKind.TRUTH, counted)

    def text(self, node: SyntaxNode, scope: Scope) -> str:
        """Returns the text of an expression whose values are strings. Raises NotCovered."""
        return self._of_kind(node, scope, ValueKind.TEXT)

    def plain_string(self, node: SyntaxNode) -> str:
        """Returns a string without language, datatype and escapes. Raises NotCovered."""
        return _matched(_STRING, self._tree.source(node))

    def integer(self, node: SyntaxNode) -> str:
        """Returns a non-negative integer in canonical form. Raises NotCovered."""
        return _matched(_INTEGER, self._tree.source(node))

    def _literal(self, node: SyntaxNode) -> tuple[str, ValueKind]:
        if node.rule == "NumericLiteral":
            return self.integer(node), ValueKind.NUMBER
        if not node.children:
            return self.plain_string(node), ValueKind.TEXT
        if self._resolve.absolute(node.children[0]) != _XSD_INTEGER:
            raise NotCovered("datatype")
        string = self._tree.tokens[node.first]
        return _matched(_INTEGER, self._tree.text[string.start + 1 : string.end - 1]), ValueKind.NUMBER

    def _of_kind(self, node: SyntaxNode, scope: Scope, kind: ValueKind, counted: Scope | None = None) -> str:
        text, own = self.typed(node, scope, counted)
        if own is not kind:
            raise NotCovered(node.rule)
        return text

    def _comparison(self, node: SyntaxNode, scope: Scope, counted: Scope | None) -> str:
        """Returns a comparison of two strings or numbers, or an equality of resources."""
        left, right = node.children
        operator = self._kind(left.last)
        if operator not in _COMPARISONS:
            raise NotCovered(operator)
        (one, kind), (other, other_kind) = (self._operand(side, scope, counted) for side in (left, right))
        if kind is not other_kind or kind in {ValueKind.TERM, ValueKind.TRUTH}:
            raise NotCovered("comparison")
        if kind is ValueKind.RESOURCE and operator not in _EQUALITY:
            raise NotCovered(operator)
        return f"{one} {operator} {other}"

    def _operand(self, node: SyntaxNode, scope: Scope, counted: Scope | None) -> tuple[str, ValueKind]:
        if node.rule == "iri":
            return self._resolve.absolute(node), ValueKind.RESOURCE
        return self.typed(node, scope, counted)

    def _count(self, node: SyntaxNode, counted: Scope) -> str:
        """Returns an aggregate that counts rows or a variable.

        COUNT of an expression is not covered: if it has an error, the main store returns no number.
        """
        if self._kind(node.first) != "COUNT":
            raise NotCovered(self._kind(node.first))
        is_distinct = self._kind(node.first + 2) == "DISTINCT"
        if not node.children:
            if is_distinct:
                raise NotCovered("DISTINCT *")
            return "COUNT(*)"
        if node.children[0].rule != "Var":
            raise NotCovered("COUNT")
        name = variable_name(self._tree, node.children[0])
        variable = variable_in(counted, name)
        if is_distinct:
            return f"COUNT(DISTINCT ?{name})"
        # Faster: rows are counted without a look at their values.
        return f"COUNT(?{name})" if variable.is_optional else "COUNT(*)"

    def _call(self, node: SyntaxNode, scope: Scope) -> tuple[str, ValueKind]:
        token = self._tree.tokens[node.first]
        name = self._tree.text[token.start : token.end].upper()
        if name not in self._functions:
            raise NotCovered(name)
        kind, arguments = self._functions[name]
        return f"{name}({arguments(node.children[0].children, scope)})", kind

    def _variable(self, nodes: list[SyntaxNode], scope: Scope) -> str:
        if [node.rule for node in nodes] != ["Var"]:
            raise NotCovered("argument")
        return self.typed(nodes[0], scope)[0]

    def _node_argument(self, nodes: list[SyntaxNode], scope: Scope) -> str:
        text = self._variable(nodes, scope)
        if not scope[text[1:]].is_node:
            raise NotCovered("argument")
        return text

    def _string_argument(self, nodes: list[SyntaxNode], scope: Scope) -> str:
        text = self._variable(nodes, scope)
        if scope[text[1:]].kind is ValueKind.NUMBER:
            raise NotCovered("argument")
        return text

    def _text_arguments(self, nodes: list[SyntaxNode], scope: Scope) -> str:
        return ", ".join(self.text(node, scope) for node in nodes)

    def _part_arguments(self, nodes: list[SyntaxNode], scope: Scope) -> str:
        if any(node.rule != "NumericLiteral" for node in nodes[1:]):
            raise NotCovered("SUBSTR")
        return ", ".join([self.text(nodes[0], scope), *map(self.integer, nodes[1:])])

    def _kind(self, index: int) -> str:
        return self._tree.tokens[index].kind


class Iris:
    """The prefixes of a query, which make its names absolute IRIs."""

    # An absolute IRI without anything that a parser may normalise, and a local name without escapes.
    _IRI = re.compile(r"<[A-Za-z][A-Za-z0-9+-]*:(?:[\w:~?#@!$&'()*+,;=/-]|\.(?!/|\.|>))++>")
    _LOCAL = re.compile(r"[\w-]*")

    def __init__(self, tree: SyntaxTree, prefixes: Mapping[str, str]) -> None:
        self._tree = tree
        self._prefixes = dict(prefixes)

    def declare(self, node: SyntaxNode) -> None:
        """Adds a prefix declaration. Raises NotCovered."""
        prefix, iri = (self._tree.tokens[index] for index in (node.first + 1, node.first + 2))
        text = self._tree.text
        self._prefixes[text[prefix.start : prefix.end - 1]] = _matched(self._IRI, text[iri.start : iri.end])[1:-1]

    def absolute(self, node: SyntaxNode) -> str:
        """Returns an IRI in angle brackets. Raises NotCovered."""
        source = self._tree.source(node)
        if not source.startswith("<"):
            prefix, _, local = source.partition(":")
            if prefix not in self._prefixes:
                raise NotCovered(prefix)
            source = f"<{self._prefixes[prefix]}{_matched(self._LOCAL, local)}>"
        return _matched(self._IRI, source)


def variable_name(tree: SyntaxTree, node: SyntaxNode) -> str:
    """Returns the name of a variable without its sign."""
    return tree.source(node)[1:]


def variable_in(scope: Scope, name: str) -> CountedVariable:
    """Returns a variable of a scope. Raises NotCovered."""
    if name not in scope:
        raise NotCovered(name)
    return scope[name]


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise NotCovered(text)
    return text
