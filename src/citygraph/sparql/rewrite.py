"""Equivalent texts for queries that the engine evaluates differently from SPARQL 1.1 (docs/sparql.md).

| in the text | the engine | the equivalent |
|---|---|---|
| `?s (ex:a|ex:b) ?o` | returns a pair once; 18.4 requires it once for each alternative | a UNION |
| `ex:a ex:p* ?o` | finds nothing if `ex:a` is not in the data; 18.4 requires `ex:a` itself | VALUES |
| `?date + ?duration` | reorders the operands, and can only add a duration to a date | `?date - -?duration` |
| `GROUP_CONCAT(?text)` | keeps a language that all texts have | `STR(GROUP_CONCAT(?text))` |
| `TRUE` | accepts only `true` | `true` |

Texts are changed by their syntax tree, so that strings, comments and IRIs remain. A text with SERVICE remains as it is,
and so does one that the grammar does not cover, such as one with quoted triples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from citygraph.sparql.grammar import (
    SyntaxNode,
    SyntaxTree,
    UnexpectedToken,
    deep_recursion,
    nodes_of,
    parse,
    variables_in_scope,
)

# A cheap check, which few queries pass: an alternative, a sum, a path of length zero, a boolean, GROUP_CONCAT.
_MAY_DIFFER = re.compile(
    r"(?<!\|)\|(?!\|)|\+"
    r"|[\w>)](?<!SELECT)(?<!DISTINCT)(?<!REDUCED)(?<!DESCRIBE)\s*+[*?](?!\w)"
    r"|\b(?:(?!true\b|false\b)(?i:true|false)|(?i:GROUP_CONCAT))\b"
)
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CONSTANTS = frozenset({"iri", "RDFLiteral", "NumericLiteral", "BooleanLiteral"})
_NUMBERS = frozenset({"INTEGER", "DECIMAL", "SIGNED"})
_NUMERIC_RULES = frozenset({"NumericLiteral", "MultiplicativeExpression"})
_PATHS = frozenset({"PathAlternative", "PathSequence", "PathEltOrInverse", "PathElt", "PathPrimary"})
_STATEMENTS = frozenset({"TriplesSameSubjectPath", "BlankNodePropertyListPath", "CollectionPath"})
# Operands up to this length are repeated where either may be the date.
_SHORT = 200


def rewritten(text: str, ask: Callable[[str], object]) -> str:
    """Returns a query that the engine evaluates as SPARQL 1.1 requires, which is the text itself for most.

    `ask` evaluates a text with the prefixes, the base and the dataset of the query.

    Raises SyntaxError, with the engine's message about the text itself, if the text of a changed query is not valid.
    """
    if not _MAY_DIFFER.search(text):
        return text
    tree = _tree(text)
    if tree is None:
        return text
    with deep_recursion():
        result = _Rewriter(tree, ask).result()
    if result != text:
        _check_syntax(tree, ask)
    return result


def _check_syntax(tree: SyntaxTree, ask: Callable[[str], object]) -> None:
    """Raises SyntaxError if the engine does not parse a text, in which TRUE and FALSE count as valid."""
    text = list(tree.text)
    for token in tree.tokens:
        if token.kind in {"TRUE", "FALSE"}:
            text[token.start : token.end] = token.kind.lower()
    if _first(tree.root, "ValuesClause") is None:
        # Without a row there is no solution, so that the engine evaluates nothing of the text.
        ask("".join(text) + "\nVALUES () {}")


@lru_cache(maxsize=64)
def _tree(text: str) -> SyntaxTree | None:
    try:
        tree = parse(text)
    except UnexpectedToken:
        return None
    # The pattern of a SERVICE is evaluated elsewhere.
    return None if any(token.kind == "SERVICE" for token in tree.tokens) else tree


class _Triple(NamedTuple):
    """A triple of a statement: the texts of its terms, and the node of its verb, or None for `verb_text`."""

    subject: str
    verb: SyntaxNode | None
    object: str
    constants: tuple[bool, bool] = (False, False)
    verb_text: str = ""


class _Rewriter:
    def __init__(self, tree: SyntaxTree, ask: Callable[[str], object]) -> None:
        self._tree = tree
        prologue = _first(tree.root, "Prologue", "PrefixDecl", "BaseDecl")
        self._prologue = tree.source(prologue) if prologue else ""
        self._ask = ask
        self._known: dict[str, bool] = {}
        self._triples: dict[int, list[_Triple]] = {}
        self._labels: dict[str, str] = {}
        self._variables = 0
        self._prefix = "path"
        while self._prefix in tree.text:
            self._prefix += "_"

    def result(self) -> str:
        """Returns the text with all changes."""
        self._find_statements(self._tree.root, _counts_rows(self._tree), in_graph=False)
        first, last = self._tree.tokens[self._tree.root.first], self._tree.tokens[self._tree.root.last - 1]
        text = self._tree.text
        return text[: first.start] + self._render(self._tree.root) + text[last.end :]

    # which statements differ

    def _find_statements(self, node: SyntaxNode, counts_rows: bool, in_graph: bool) -> None:
        """Collects the triples of the statements that must be written differently."""
        if node.rule == "ConstructTemplate":
            return
        if node.rule in _STATEMENTS:
            if any(inner.rule in _PATHS for inner in nodes_of(node)):
                triples = list(self._triples_of(node))
                if in_graph:
                    # Whether a constant is in the data is a question for each graph, which this text cannot ask.
                    triples = [triple._replace(constants=(False, False)) for triple in triples]
                if any(self._differs(triple, counts_rows) for triple in triples):
                    self._triples[id(node)] = triples
            return
        in_graph = in_graph or node.rule == "GraphGraphPattern"
        for child in node.children:
            self._find_statements(child, counts_rows and not self._is_exists(node), in_graph)

    def _is_exists(self, node: SyntaxNode) -> bool:
        return node.rule == "BuiltInCall" and self._kind(node.first) in {"EXISTS", "NOT"}

    def _differs(self, triple: _Triple, counts_rows: bool) -> bool:
        if triple.verb is None:
            return False
        if (counts_rows and self._splits(triple.verb)) or self._meets(triple, triple.verb):
            return True
        return self._is_nullable(triple.verb) and self._missing(triple) is not None

    def _meets(self, triple: _Triple, path: SyntaxNode) -> bool:
        """Returns whether the steps of a path may meet in a constant that is not in the data, being at both ends."""
        is_compound = path.children and path.rule in _PATHS - {"PathElt"} and self._kind(path.first) != "!"
        ends = (triple.subject, triple.object)
        return bool(is_compound) and all(triple.constants) and not any(map(self._knows, ends))

    def _splits(self, path: SyntaxNode) -> bool:
        """Returns whether a path has alternatives that count: not those below `*`, `+` and `?`, which make a set."""
        if path.rule == "PathElt":
            return False
        return path.rule == "PathAlternative" or self._is_mixed(path) or any(map(self._splits, path.children))

    def _is_mixed(self, path: SyntaxNode) -> bool:
        """Returns whether a negated set has both directions: `!(ex:a|^ex:b)` is `!ex:a|!^ex:b`."""
        if path.rule != "PathNegatedPropertySet":
            return False
        return len({self._kind(member.first) == "^" for member in path.children}) == 2

    def _is_nullable(self, path: SyntaxNode) -> bool:
        """Returns whether a path connects a constant that is not in the data with itself.

        A sequence does not: its steps meet in a variable, which has only values from the data (SPARQL 1.1, 18.4).
        """
        if path.rule == "PathElt" and self._kind(path.last - 1) != "+":
            return True
        is_negated = self._kind(path.first) == "!"
        return not is_negated and path.rule in _PATHS - {"PathSequence"} and any(map(self._is_nullable, path.children))

    def _missing(self, triple: _Triple) -> str | None:
        """Returns a constant at an end of the triple that is not in the data."""
        for term, is_constant in zip((triple.subject, triple.object), triple.constants, strict=True):
            if is_constant and not self._knows(term):
                return term
        return None

    def _knows(self, term: str) -> bool:
        if term not in self._known:
            question = f"ASK {{ {{ {term} ?p ?o }} UNION {{ ?s ?p {term} }} }}"
            self._known[term] = bool(self._ask(f"{self._prologue}\n{question}"))
        return self._known[term]

    # the triples of a statement

    def _triples_of(self, statement: SyntaxNode) -> Iterator[_Triple]:
        if statement.rule != "TriplesSameSubjectPath":
            yield from self._term(statement)[1]
            return
        subject, triples = self._term(statement.children[0])
        yield from triples
        if len(statement.children) > 1:
            yield from self._properties(subject, statement.children[0].rule in _CONSTANTS, statement.children[1])

    def _properties(self, subject: str, is_constant: bool, properties: SyntaxNode) -> Iterator[_Triple]:
        children = properties.children
        for verb, objects in zip(children[::2], children[1::2], strict=True):
            for node in objects.children if objects.rule == "ObjectListPath" else [objects]:
                term, triples = self._term(node)
                yield _Triple(subject, verb, term, (is_constant, node.rule in _CONSTANTS))
                yield from triples

    def _term(self, node: SyntaxNode) -> tuple[str, list[_Triple]]:
        """Returns a term of a statement, with a variable for a blank node, and the triples that its text contains."""
        if node.rule == "BlankNodePropertyListPath":
            subject = self._variable()
            return subject, list(self._properties(subject, False, node.children[0]))
        if node.rule == "CollectionPath":
            return self._collection(node.children)
        if node.rule == "BlankNode" and self._kind(node.first) == "ANON":
            return self._variable(), []
        return self._render(node, with_labels=True), []

    def _collection(self, members: list[SyntaxNode]) -> tuple[str, list[_Triple]]:
        triples = []
        cells = [self._variable() for _ in members]
        for cell, rest, member in zip(cells, [*cells[1:], f"<{_RDF}nil>"], members, strict=True):
            term, inner = self._term(member)
            triples += [_Triple(cell, None, term, verb_text=f"<{_RDF}first>"), *inner]
            triples.append(_Triple(cell, None, rest, verb_text=f"<{_RDF}rest>"))
        return cells[0], triples

    def _variable(self) -> str:
        self._variables += 1
        return f"?{self._prefix}{self._variables}"

    def _label(self, label: str) -> str:
        if label not in self._labels:
            self._labels[label] = self._variable()
        return self._labels[label]

    # the new text

    def _statement(self, triples: list[_Triple]) -> str:
        """Returns patterns for the triples: first those of one line, then the groups, as the grammar requires."""
        plain: list[str] = []
        groups: list[str] = []
        for triple in triples:
            pattern = self._pattern(triple)
            (groups if "{" in pattern else plain).append(pattern)
        return " . ".join([*filter(None, plain), *groups]) or "{}"

    def _pattern(self, triple: _Triple) -> str:
        subject, path, object_, constants, verb_text = triple
        if path is None:
            return f"{subject} {verb_text} {object_}"
        if self._splits(path) or self._meets(triple, path):
            return self._split(triple, path)
        if self._is_nullable(path) and (missing := self._missing(triple)):
            other = object_ if missing == subject else subject
            if not all(constants):
                return f"VALUES {other} {{ {missing} }}"
            if subject == object_:
                return "{}"
        return f"{subject} {self._tree.source(path)} {object_}"

    def _split(self, triple: _Triple, path: SyntaxNode) -> str:
        """Returns the pattern of a path that has alternatives."""
        if path.rule == "PathAlternative":
            parts = [self._pattern(triple._replace(verb=branch)) for branch in path.children]
            return " UNION ".join(f"{{ {part} }}" for part in parts)
        if path.rule == "PathSequence":
            return self._sequence(triple, path.children)
        if path.rule == "PathEltOrInverse":
            inverse = _Triple(triple.object, path.children[0], triple.subject, triple.constants[::-1])
            return self._pattern(inverse)
        if path.rule == "PathNegatedPropertySet":
            return self._negated(triple, path)
        return self._pattern(triple._replace(verb=path.children[0]))

    def _sequence(self, triple: _Triple, steps: list[SyntaxNode]) -> str:
        between = [self._variable() for _ in steps[1:]]
        is_first, is_last = triple.constants
        parts = []
        for index, step in enumerate(steps):
            subject = between[index - 1] if index else triple.subject
            object_ = between[index] if index < len(between) else triple.object
            constants = (is_first and not index, is_last and index == len(between))
            parts.append(self._pattern(_Triple(subject, step, object_, constants)))
        return " . ".join(parts)

    def _negated(self, triple: _Triple, path: SyntaxNode) -> str:
        parts = []
        for is_inverse in (False, True):
            chosen = [self._tree.source(m) for m in path.children if (self._kind(m.first) == "^") == is_inverse]
            parts.append(f"{{ {triple.subject} !({'|'.join(chosen)}) {triple.object} }}")
        return " UNION ".join(parts)

    def _render(self, node: SyntaxNode, with_labels: bool = False) -> str:
        """Returns the text of a node with the changes in it."""
        if node.rule == "ConstructTemplate":
            return self._tree.source(node)
        if id(node) in self._triples:
            return self._statement(self._triples[id(node)])
        if node.rule == "BlankNode" and (with_labels or self._triples):
            # A label may not be in two patterns, and the new groups end a pattern.
            source = self._tree.source(node)
            return self._label(source) if source.startswith("_:") else source
        if node.rule == "BooleanLiteral":
            return self._tree.source(node).lower()
        if node.rule == "AdditiveExpression":
            return self._sum(node)
        if node.rule == "Aggregate" and self._kind(node.first) == "GROUP_CONCAT":
            return f"STR({self._joined(node, [self._render(child) for child in node.children])})"
        if self._triples and node.rule in {"SelectQuery", "SubSelect", "DescribeQuery"}:
            return self._with_columns(node)
        return self._joined(node, [self._render(child) for child in node.children])

    def _sum(self, node: SyntaxNode) -> str:
        """Returns a sum as a subtraction, whose operands the engine does not reorder."""
        operands = [self._render(child) for child in node.children]
        if node.children[0].rule in _NUMERIC_RULES:
            return self._joined(node, operands)
        if self._has_two_plain_operands(node):
            left, right = operands
            return f"COALESCE({left} - -{right}, {right} - -{left})"
        signs = [self._sign(child) for child in node.children]
        # A second sign before an operand is no SPARQL: `+ -?x` is `- ?x`.
        texts = [text[text[:1] in "+-" and bool(sign) :] for text, sign in zip(operands, signs, strict=True)]
        return self._joined(node, texts, signs)

    def _sign(self, operand: SyntaxNode) -> str:
        """Returns what replaces the plus before an operand that may be a duration."""
        first = self._kind(operand.first)
        if self._kind(operand.first - 1) != "+" or operand.rule in _NUMERIC_RULES or first in _NUMBERS | {"!"}:
            return ""
        return "-" if first == "-" else "- -"

    def _has_two_plain_operands(self, node: SyntaxNode) -> bool:
        tokens = self._tree.tokens
        if len(node.children) != 2 or node.children[-1].last != node.last:
            return False
        left, right = node.children
        kinds = [token.kind for token in tokens[left.last : right.first]]
        return kinds == ["+"] and all(
            operand.rule not in _NUMERIC_RULES | {"UnaryExpression"}
            and tokens[operand.last - 1].end - tokens[operand.first].start <= _SHORT
            and all(inner.rule not in {"AdditiveExpression", "Aggregate"} for inner in nodes_of(operand))
            for operand in node.children
        )

    def _with_columns(self, node: SyntaxNode) -> str:
        """Returns a query with its own variables in the place of `*`, which would also show those of this module."""
        tokens = self._tree.tokens
        text = self._joined(node, [self._render(child) for child in node.children])
        star = next((index for index in (node.first + 1, node.first + 2) if tokens[index].kind == "*"), None)
        names = variables_in_scope(self._tree, node)
        if node.rule != "SubSelect":
            values = _first(self._tree.root, "ValuesClause")
            names |= variables_in_scope(self._tree, values) if values else set()
        if star is None or not names:
            return text
        offset = tokens[star].start - tokens[node.first].start
        return f"{text[:offset]}{' '.join(f'?{name}' for name in sorted(names))}{text[offset + 1 :]}"

    def _joined(self, node: SyntaxNode, texts: list[str], signs: list[str] | None = None) -> str:
        """Returns the text of a node with these texts in the place of its children, and signs before them if given."""
        tokens, text = self._tree.tokens, self._tree.text
        parts, position = [], tokens[node.first].start
        for child, new, sign in zip(node.children, texts, signs or repeat(""), strict=False):
            before = child.first - 1 if sign else child.first
            parts += [text[position : tokens[before].start], sign, new]
            position = tokens[child.last - 1].end
        return "".join([*parts, text[position : tokens[node.last - 1].end]])

    def _kind(self, index: int) -> str:
        return self._tree.tokens[index].kind


def _first(root: SyntaxNode, *rules: str) -> SyntaxNode | None:
    return next((node for node in root.children if node.rule in rules), None)


def _counts_rows(tree: SyntaxTree) -> bool:
    """Returns whether the number of equal solutions matters: not for ASK and SELECT DISTINCT without aggregates."""
    nodes = list(nodes_of(tree.root))
    if any(node.rule in {"SubSelect", "Aggregate", "ConstructQuery"} for node in nodes):
        return True
    query = next((node for node in nodes if node.rule in {"SelectQuery", "AskQuery"}), None)
    if query is None:
        return False
    return query.rule == "SelectQuery" and tree.tokens[query.first + 1].kind != "DISTINCT"
