"""Equivalent texts for queries that the engine evaluates differently from SPARQL 1.1 (docs/sparql.md).

| in the text | the engine | the equivalent |
|---|---|---|
| `?s (ex:a|ex:b) ?o` | returns a pair once; 18.4 requires it once for each alternative | a UNION |
| `ex:a ex:p* ?o` | finds nothing if `ex:a` is not in the data; 18.4 requires `ex:a` itself | VALUES |
| `?date + ?duration` | reorders the operands, and can only add a duration to a date | `?date - -?duration` |
| `GROUP_CONCAT(?text)` | keeps a language that all texts have | `STR(GROUP_CONCAT(?text))` |
| `TRUE` | accepts only `true` | `true` |
| `GRAPH ?g { { SELECT … } }` | reads all graphs at once | a UNION of the graphs (`sparql/each_graph.py`) |

Texts are changed by their syntax tree, so that strings, comments and IRIs remain. A text with SERVICE remains as it is,
and so does one that the grammar does not cover, such as one with quoted triples.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, cast

from citygraph.sparql.each_graph import (
    MOST_GRAPHS,
    for_each_graph,
    graph_variable,
    may_need_each_graph,
    needs_each_graph,
)
from citygraph.sparql.grammar import (
    SyntaxNode,
    SyntaxTree,
    UnexpectedToken,
    deep_recursion,
    nodes_of,
    parse,
    variables_in_scope,
)
from citygraph.sparql.statement_triples import StatementTriple, StatementTriples

if TYPE_CHECKING:
    from pyoxigraph import QuerySolutions

_ALTERNATIVE = re.compile(r"(?<!\|)\|(?!\|)")
_STAR = re.compile(r"\*")
_OPTIONAL = re.compile(r"\?(?!\w)")
# After these words a star is not a path.
_SPACE_BEFORE_STAR = 40
_BEFORE_STAR = ("SELECT", "DISTINCT", "REDUCED", "DESCRIBE")
_NUMBERS = frozenset({"INTEGER", "DECIMAL", "SIGNED"})
_NUMERIC_RULES = frozenset({"NumericLiteral", "MultiplicativeExpression"})
_PATHS = frozenset({"PathAlternative", "PathSequence", "PathEltOrInverse", "PathElt", "PathPrimary"})
_STATEMENTS = frozenset({"TriplesSameSubjectPath", "BlankNodePropertyListPath", "CollectionPath"})
# The trees of longer texts would use too much memory.
_LONGEST_KEPT = 20_000
# Operands up to this length are repeated where either may be the date.
_SHORT = 200


def rewritten(text: str, ask: Callable[[str], object]) -> str:
    """Returns a query that the engine evaluates as SPARQL 1.1 requires, which is the text itself for most.

    `ask` evaluates a text with the prefixes, the base and the dataset of the query.

    Raises SyntaxError, with the engine's message about the text itself, if the text of a changed query is not valid,
    and UsageError for a pattern that would have to be evaluated in too many graphs.
    """
    if not _may_differ(text):
        return text
    parsed = _cached(text) if len(text) <= _LONGEST_KEPT else _parsed(text)
    if parsed.tree is None or parsed.result is not None:
        return parsed.result or text
    with deep_recursion():
        rewriter = _Rewriter(parsed.tree, ask)
        result = rewriter.result()
    if result != text:
        _check_syntax(parsed.tree, ask)
    if not rewriter.depends_on_data:
        parsed.result = result
    return result


def _may_differ(text: str) -> bool:
    """Returns whether a text may have an alternative, a sum, a path of length zero, or another part of the table.

    A cheap check, because point lookups are evaluated faster than a text is parsed here.
    """
    if "+" in text or ("|" in text and _ALTERNATIVE.search(text)) or _OPTIONAL.search(text):
        return True
    for star in _STAR.finditer(text) if "*" in text else ():
        before = text[max(0, star.start() - _SPACE_BEFORE_STAR) : star.start()].rstrip()
        if not before or ((before[-1] in "_>)" or before[-1].isalnum()) and not before.upper().endswith(_BEFORE_STAR)):
            return True
    upper = text.upper()
    has_booleans = upper.count("TRUE") != text.count("true") or upper.count("FALSE") != text.count("false")
    return has_booleans or "GROUP_CONCAT" in upper or may_need_each_graph(text, upper)


@dataclass(slots=True)
class _Parsed:
    """A text with its syntax tree, or None if it remains; the result of rewriting it, if it depends on no data."""

    tree: SyntaxTree | None
    result: str | None = None


@lru_cache(maxsize=64)
def _cached(text: str) -> _Parsed:
    return _parsed(text)


def _parsed(text: str) -> _Parsed:
    try:
        tree = parse(text)
    except UnexpectedToken:
        return _Parsed(None)
    # The pattern of a SERVICE is evaluated elsewhere.
    return _Parsed(None if any(token.kind == "SERVICE" for token in tree.tokens) else tree)


def _check_syntax(tree: SyntaxTree, ask: Callable[[str], object]) -> None:
    """Raises SyntaxError if the engine does not parse a text, in which TRUE and FALSE count as valid."""
    text = list(tree.text)
    for token in tree.tokens:
        if token.kind in {"TRUE", "FALSE"}:
            text[token.start : token.end] = token.kind.lower()
    if _first(tree.root, "ValuesClause") is None:
        # Without a row there is no solution, so that the engine evaluates nothing of the text.
        ask("".join(text) + "\nVALUES () {}")


class _Rewriter:
    def __init__(self, tree: SyntaxTree, ask: Callable[[str], object]) -> None:
        self._tree = tree
        prologue = _first(tree.root, "Prologue", "PrefixDecl", "BaseDecl")
        self._prologue = tree.source(prologue) if prologue else ""
        self._ask = ask
        self._in_data: dict[str, bool] = {}
        self._triples: dict[int, list[StatementTriple]] = {}
        self._each_graph = {id(node) for node in nodes_of(tree.root) if needs_each_graph(tree, node)}
        self._graphs: list[str] | None = None
        self._reader = StatementTriples(tree)

    @property
    def depends_on_data(self) -> bool:
        """Returns whether the result depends on the terms or the names of the queried graphs."""
        return bool(self._in_data) or self._graphs is not None

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
                triples = list(self._reader.of(node))
                if in_graph:
                    # Whether a constant is in the data is a question for each graph, which this text cannot ask.
                    triples = [triple._replace(constants=(False, False)) for triple in triples]
                if any(self._differs(triple, counts_rows) for triple in triples):
                    self._triples[id(node)] = triples
            return
        in_graph = in_graph or node.rule == "GraphGraphPattern"
        if node.rule == "BuiltInCall" and self._kind(node.first) in {"EXISTS", "NOT"}:
            counts_rows = any(inner.rule == "SubSelect" for inner in nodes_of(node))
        for child in node.children:
            self._find_statements(child, counts_rows, in_graph)

    def _differs(self, triple: StatementTriple, counts_rows: bool) -> bool:
        if triple.verb is None:
            return False
        if (counts_rows and self._splits(triple.verb)) or self._meets(triple, triple.verb):
            return True
        return self._is_nullable(triple.verb) and self._missing(triple) is not None

    def _meets(self, triple: StatementTriple, path: SyntaxNode) -> bool:
        """Returns whether the steps of a path may meet in a constant that is not in the data, being at both ends."""
        is_compound = path.children and path.rule in _PATHS - {"PathElt"} and self._kind(path.first) != "!"
        ends = (triple.subject, triple.object)
        return bool(is_compound) and all(triple.constants) and not any(map(self._is_in_data, ends))

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

    def _missing(self, triple: StatementTriple) -> str | None:
        """Returns a constant at an end of the triple that is not in the data."""
        for term, is_constant in zip((triple.subject, triple.object), triple.constants, strict=True):
            if is_constant and not self._is_in_data(term):
                return term
        return None

    def _is_in_data(self, term: str) -> bool:
        if term not in self._in_data:
            question = f"ASK {{ {{ {term} ?p ?o }} UNION {{ ?s ?p {term} }} }}"
            self._in_data[term] = bool(self._ask(f"{self._prologue}\n{question}"))
        return self._in_data[term]

    # the new text

    def _statement(self, triples: list[StatementTriple]) -> str:
        """Returns patterns for the triples: first those of one line, then the groups, as the grammar requires."""
        plain: list[str] = []
        groups: list[str] = []
        for triple in triples:
            pattern = self._pattern(triple)
            (groups if "{" in pattern else plain).append(pattern)
        return " . ".join([*filter(None, plain), *groups]) or "{}"

    def _pattern(self, triple: StatementTriple) -> str:
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

    def _split(self, triple: StatementTriple, path: SyntaxNode) -> str:
        """Returns the pattern of a path that has alternatives."""
        if path.rule == "PathAlternative":
            parts = [self._pattern(triple._replace(verb=branch)) for branch in path.children]
            return " UNION ".join(f"{{ {part} }}" for part in parts)
        if path.rule == "PathSequence":
            return self._sequence(triple, path.children)
        if path.rule == "PathEltOrInverse":
            inverse = StatementTriple(triple.object, path.children[0], triple.subject, triple.constants[::-1])
            return self._pattern(inverse)
        if path.rule == "PathNegatedPropertySet":
            return self._negated(triple, path)
        return self._pattern(triple._replace(verb=path.children[0]))

    def _sequence(self, triple: StatementTriple, steps: list[SyntaxNode]) -> str:
        between = [self._reader.variable() for _ in steps[1:]]
        is_first, is_last = triple.constants
        parts = []
        for index, step in enumerate(steps):
            subject = between[index - 1] if index else triple.subject
            object_ = between[index] if index < len(between) else triple.object
            constants = (is_first and not index, is_last and index == len(between))
            parts.append(self._pattern(StatementTriple(subject, step, object_, constants)))
        return " . ".join(parts)

    def _negated(self, triple: StatementTriple, path: SyntaxNode) -> str:
        parts = []
        for is_inverse in (False, True):
            chosen = [self._tree.source(m) for m in path.children if (self._kind(m.first) == "^") == is_inverse]
            parts.append(f"{{ {triple.subject} !({'|'.join(chosen)}) {triple.object} }}")
        return " UNION ".join(parts)

    def _render(self, node: SyntaxNode) -> str:
        """Returns the text of a node with the changes in it."""
        if node.rule == "ConstructTemplate":
            return self._tree.source(node)
        if id(node) in self._triples:
            return self._statement(self._triples[id(node)])
        if id(node) in self._each_graph:
            group = self._render(node.children[-1])
            return for_each_graph(graph_variable(self._tree, node), group, self._named_graphs())
        if node.rule == "BlankNode" and (self._triples or self._each_graph) and self._kind(node.first) != "ANON":
            # A label may not be in two patterns, and the new groups end a pattern.
            return self._reader.blank_node(self._tree.source(node))
        if node.rule == "BooleanLiteral":
            return self._tree.source(node).lower()
        if node.rule == "AdditiveExpression":
            return self._sum(node)
        if node.rule == "Aggregate" and self._kind(node.first) == "GROUP_CONCAT":
            return f"STR({self._joined(node, [self._render(child) for child in node.children])})"
        if (self._triples or self._each_graph) and node.rule in {"SelectQuery", "SubSelect", "DescribeQuery"}:
            return self._with_columns(node)
        return self._joined(node, [self._render(child) for child in node.children])

    def _named_graphs(self) -> list[str]:
        """Returns the named graphs of the dataset, or one more than the engine can read."""
        if self._graphs is None:
            found = self._ask(f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?s ?p ?o }} }} LIMIT {MOST_GRAPHS + 1}")
            self._graphs = [solution["g"].value for solution in cast("QuerySolutions", found)]
        return self._graphs

    def _sum(self, node: SyntaxNode) -> str:
        """Returns a sum as a subtraction, whose operands the engine does not reorder."""
        operands = [self._render(child) for child in node.children]
        if node.children[0].rule in _NUMERIC_RULES:
            return self._joined(node, operands)
        if self._has_two_plain_operands(node):
            left, right = operands
            return f"COALESCE({left} - -{right}, {right} - -{left})"
        signs = [self._sign(child) for child in node.children]
        # SPARQL does not allow a second sign before an operand: `+ -?x` is `- ?x`.
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
        """Returns a query with its own variables instead of `*`, which would also show those of this module."""
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
        """Returns the text of a node with these texts instead of its children, and signs before them if given."""
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
