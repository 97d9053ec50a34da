"""The form of a query whose cost can be bounded: its text without the names in it, which are IRIs and strings.

Whatever the names are, texts of one form have the same syntax tree, so that a text is parsed once for each form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from citygraph.rdf.terms import RDF
from citygraph.sparql.grammar import PNAME, SyntaxNode, SyntaxTree, UnexpectedToken, nodes_of, parse
from citygraph.sparql.guard import COMMENT, IRI, STRING

# Characters outside names, then a name, a comment, or a character that can only be read in its context. Every
# quantifier is possessive, and each character is read once or twice.
NAMES = re.compile(
    rf"""((?:[^\w<"'\#?$@:]++|[?$@]\w++|\w++(?![\w.-]*+:)|<(?=[\s=]))*+)({COMMENT}|{STRING}|{IRI}|{PNAME}|.|\Z)""",
    re.DOTALL,
)

_PREFIXED = frozenset({"PNAME_LN", "PNAME_NS"})
_NAME_KINDS = _PREFIXED | {"STRING", "IRIREF"}
_MOST_PATTERNS = 8
_MOST_TOKENS_IN_FILTERS = 200
# Functions that take time in proportion to their arguments, and return no more than these.
_CHEAP = """
STR LANG DATATYPE BOUND SAMETERM LANGMATCHES ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC STRLEN LCASE UCASE STRSTARTS
STRENDS CONTAINS STRBEFORE STRAFTER YEAR MONTH DAY
"""
_CHEAP_FUNCTIONS = frozenset(_CHEAP.split())
_TOKENS = "FILTER VARIABLE LANGTAG INTEGER DECIMAL TRUE FALSE IN NOT FUNCTION ( ) , && || ! = != < > <= >= ^^"
_IN_FILTERS = _NAME_KINDS | frozenset(_TOKENS.split())
# Searched first, because to parse a text takes longer.
_SURELY_UNBOUNDED = re.compile(
    r"\b(?:GROUP|COUNT|SUM|AVG|UNION|MINUS|EXISTS|SERVICE|GRAPH|BIND|FROM|CONSTRUCT|DESCRIBE|BASE)\b", re.IGNORECASE
)
# As the engine reads them; of all that is rewritten for it (rewrite.py), bounded queries can have nothing else.
_BOOLEANS, _BOOLEANS_READ = frozenset({"TRUE", "FALSE"}), frozenset({"true", "false"})
_CLAUSES = frozenset({"Prologue", "SelectQuery", "AskQuery", "SolutionModifier", "LimitOffsetClauses"})
_PLAIN = frozenset({"WhereClause", "GroupGraphPattern", "LimitClause", "OffsetClause"})
_SORTED = frozenset({"OrderClause", "OrderCondition", "BrackettedExpression", "Var"})
_STATEMENT = "TriplesSameSubjectPath"
_CONSTANTS = frozenset({"iri", "RDFLiteral", "NumericLiteral", "BooleanLiteral"})
_TERMS = _CONSTANTS | {"Var", "BlankNode"}
_TYPE = RDF("type").value


class FormPattern(NamedTuple):
    """A triple pattern, or the rows of a VALUES.

    `terms` are its variables, and "" for a constant. `predicate` is an IRI, or the place of a name, or None for a
    variable; `ends` are the places of the IRIs that are subject and object. The place of a name is its number in the
    text. `rows` is the number of rows of a VALUES, whose variable is the first of `terms`.
    """

    terms: tuple[str, str, str]
    predicate: int | str | None = None
    ends: tuple[int | None, int | None] = (None, None)
    rows: int = 0

    @property
    def variables(self) -> frozenset[str]:
        """The variables of the pattern."""
        return frozenset(filter(None, self.terms))


@dataclass(frozen=True, eq=False, slots=True)
class QueryForm:
    """The common parts of all texts of a form: patterns, the patterns of each OPTIONAL, declared prefixes.

    `prefixes` are the places of their names, which their IRIs follow. `names` are the places of all names on which the
    number of bindings depends: prefixes, their IRIs and predicates. `prefixed` are the places of all others that have
    prefixes.
    """

    patterns: tuple[FormPattern, ...]
    optional: tuple[FormPattern, ...]
    prefixes: tuple[int, ...]
    names: tuple[int, ...]
    prefixed: tuple[int, ...]


def read_form(text: str) -> QueryForm | None:
    """Returns the form of a text, or None if queries of this form are not bounded."""
    if _SURELY_UNBOUNDED.search(text):
        return None
    try:
        tree = parse(text)
    except UnexpectedToken:
        return None
    names = {match.start(2): match.end() for match in NAMES.finditer(text) if match[2] and match[2][0] != "#"}
    if any(token.kind in _BOOLEANS and text[token.start : token.end] not in _BOOLEANS_READ for token in tree.tokens):
        return None
    tokens = {token.start: token.end for token in tree.tokens if token.kind in _NAME_KINDS}
    # Only if both agree about the names, other names in their places give the same syntax tree.
    if tokens != names:
        return None
    starts = [match.start(2) for match in NAMES.finditer(text)]
    return _FormReader(tree, {start: place for place, start in enumerate(starts)}).form()


class _FormReader:
    """A reader of a syntax tree; `places` are the places of the names by their start in the text."""

    def __init__(self, tree: SyntaxTree, places: Mapping[int, int]) -> None:
        self._tree = tree
        self._places = places
        self._patterns: list[FormPattern] = []
        self._optional: list[FormPattern] = []
        self._prefixes: list[int] = []
        self._tokens_in_filters = 0

    def form(self) -> QueryForm | None:
        """Returns the form, or None if it is not bounded."""
        root = self._tree.root
        clauses = root.children if root.rule == "QueryUnit" else [root]
        group = next((node for node in nodes_of(root) if node.rule == "GroupGraphPattern"), None)
        if group is None or not all(map(self._is_plain, clauses)) or not all(map(self._read_member, _members(group))):
            return None
        bound = frozenset[str]().union(*(pattern.variables for pattern in self._patterns))
        if not self._patterns or not all(pattern.variables & bound for pattern in self._optional):
            return None
        predicates = (pattern.predicate for pattern in (*self._patterns, *self._optional))
        names = {place for place in predicates if isinstance(place, int)}
        names |= {place + step for place in self._prefixes for step in (0, 1)}
        prefixed = {self._places[token.start] for token in self._tree.tokens if token.kind in _PREFIXED} - names
        places = (tuple(self._prefixes), tuple(sorted(names)), tuple(sorted(prefixed)))
        return QueryForm(tuple(self._patterns), tuple(self._optional), *places)

    def _is_plain(self, node: SyntaxNode) -> bool:
        """Returns whether a clause of the query adds no bindings. Reads the prefixes."""
        if node.rule == "PrefixDecl":
            name, iri = (self._places[self._tree.tokens[node.first + step].start] for step in (1, 2))
            self._prefixes.append(name)
            # A comment between them has a place of its own.
            return iri == name + 1
        if node.rule == "SelectClause":
            return all(child.rule == "Var" for child in node.children)
        if node.rule == "OrderClause":
            return all(inner.rule in _SORTED for inner in nodes_of(node))
        if node.rule in _CLAUSES:
            return all(map(self._is_plain, node.children))
        return node.rule in _PLAIN

    def _read_member(self, node: SyntaxNode) -> bool:
        """Reads a member of the group, and returns whether it may be bounded."""
        if node.rule == "Filter":
            return self._is_cheap(node)
        if node.rule == "OptionalGraphPattern":
            before = len(self._optional)
            members = list(_members(node.children[0]))
            is_read = all(one.rule == _STATEMENT and self._read_statement(one, self._optional) for one in members)
            return is_read and len(self._optional) == before + 1
        # Patterns after an OPTIONAL are ordered together with it, and not by a table.
        if self._optional:
            return False
        if node.rule == "InlineData":
            return self._read_values(node)
        return node.rule == _STATEMENT and self._read_statement(node, self._patterns)

    def _read_statement(self, node: SyntaxNode, patterns: list[FormPattern]) -> bool:
        if len(node.children) != 2 or node.children[0].rule not in _TERMS:
            return False
        subject, properties = node.children
        for verb, objects in zip(properties.children[::2], properties.children[1::2], strict=True):
            for object_ in objects.children if objects.rule == "ObjectListPath" else [objects]:
                pattern = self._pattern(subject, verb, object_)
                if pattern is None or len(patterns) >= _MOST_PATTERNS:
                    return False
                patterns.append(pattern)
        return True

    def _pattern(self, subject: SyntaxNode, verb: SyntaxNode, object_: SyntaxNode) -> FormPattern | None:
        if object_.rule not in _TERMS:
            return None
        predicate: int | str | None = None
        if verb.rule == "iri":
            predicate = self._place(verb)
        elif verb.rule == "PathPrimary" and self._tree.source(verb) == "a":
            predicate = _TYPE
        elif verb.rule != "Var":
            return None
        terms = (self._variable(subject), self._variable(verb) if predicate is None else "", self._variable(object_))
        return FormPattern(terms, predicate, (self._place(subject), self._place(object_)))

    def _variable(self, node: SyntaxNode) -> str:
        """Returns a variable or a blank node, which is one too; "" for a constant."""
        source = self._tree.source(node)
        if node.rule == "BlankNode":
            return source if source[0] == "_" else f"[{node.first}]"
        return f"?{source[1:]}" if node.rule == "Var" else ""

    def _place(self, node: SyntaxNode) -> int | None:
        return self._places[self._tree.tokens[node.first].start] if node.rule == "iri" else None

    def _read_values(self, node: SyntaxNode) -> bool:
        children = node.children[0].children if node.children else []
        if not children or not children[1:] or len(self._patterns) >= _MOST_PATTERNS:
            return False
        variable, *rows = children
        if variable.rule != "Var" or not all(row.rule in _CONSTANTS for row in rows):
            return False
        self._patterns.append(FormPattern((self._variable(variable), "", ""), rows=len(rows)))
        return True

    def _is_cheap(self, node: SyntaxNode) -> bool:
        """Returns whether a filter takes time in proportion to its terms."""
        tokens = self._tree.tokens[node.first : node.last]
        self._tokens_in_filters += len(tokens)
        text = self._tree.text
        functions = (text[token.start : token.end].upper() for token in tokens if token.kind == "FUNCTION")
        # A name before a parenthesis is a function of ours, or a cast.
        calls = any(one.kind in _NAME_KINDS and other.kind in {"(", "NIL"} for one, other in pairwise(tokens))
        is_known = all(token.kind in _IN_FILTERS for token in tokens) and _CHEAP_FUNCTIONS.issuperset(functions)
        return is_known and not calls and self._tokens_in_filters <= _MOST_TOKENS_IN_FILTERS


def _members(group: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yields the statements, filters and other members of a group."""
    for child in group.children:
        if child.rule in {"GroupGraphPatternSub", "TriplesBlock"}:
            yield from _members(child)
        else:
            yield child
