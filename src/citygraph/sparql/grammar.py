"""A parser for the grammar of SPARQL 1.1 (sparql.ebnf), without recursion: the tokens and the syntax tree of a text.

The grammar is LL(1): the next token alone decides which alternative of a rule applies. A table made of the rules thus
leads from each rule and token to the symbols that follow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from citygraph.sparql.guard import COMMENT, IRI, STRING

QUERY, UPDATE = "QueryUnit", "UpdateUnit"
END = "END"

_RULES = files("citygraph.sparql").joinpath("sparql.ebnf").read_text("utf-8").partition("\n\n")[2]
# The built-in functions by their least and greatest number of arguments; the last two lines are of SPARQL 1.2.
_FUNCTIONS = """
0 0 RAND NOW UUID STRUUID
0 1 BNODE
1 1 STR LANG DATATYPE BOUND IRI URI ABS CEIL FLOOR ROUND STRLEN UCASE LCASE ENCODE_FOR_URI YEAR MONTH DAY HOURS MINUTES
1 1 SECONDS TIMEZONE TZ MD5 SHA1 SHA256 SHA384 SHA512 ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC
2 2 LANGMATCHES CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER STRLANG STRDT SAMETERM
2 3 SUBSTR REGEX
3 3 IF
3 4 REPLACE
0 100000 CONCAT COALESCE
1 1 LANGDIR HASLANG HASLANGDIR SUBJECT PREDICATE OBJECT ISTRIPLE
3 3 STRLANGDIR TRIPLE
"""
FUNCTIONS: dict[str, tuple[int, int]] = {
    name: (int(least), int(most))
    for least, most, *names in map(str.split, _FUNCTIONS.strip().splitlines())
    for name in names
}
_CHARACTERS = r"\w\u00b7\u0300-\u036f\u203f\u2040"
_PREFIX = rf"(?:[^\W\d_](?:[{_CHARACTERS}-]++|\.(?=\.*+[{_CHARACTERS}-]))*+)?+"
_LOCAL = (
    r"(?:[\w:]|%[0-9A-Fa-f]{2}|\\[^\w\s])"
    rf"(?:[{_CHARACTERS}:-]++|%[0-9A-Fa-f]{{2}}|\\[^\w\s]|\.(?=\.*+[{_CHARACTERS}:%\\-]))*+"
)
PNAME = rf"{_PREFIX}:(?:{_LOCAL})?+"
_TOKEN = re.compile(
    rf"""(?:[ \t\r\n]++|{COMMENT})*+(?:
      (?P<VARIABLE>[?$][{_CHARACTERS}]++)
    | (?P<STRING>{STRING})
    | (?P<IRIREF>{IRI})
    | (?P<BLANK_NODE>_:\w(?:[{_CHARACTERS}-]|\.(?=\.*+[{_CHARACTERS}-]))*+)
    | (?P<PNAME>{_PREFIX}:(?P<local>{_LOCAL})?+)
    | (?P<LANGTAG>@[A-Za-z]++(?:-{{1,2}}[A-Za-z0-9]++)*+)
    | (?P<number>(?P<sign>[+-])?+(?:\d++(?:\.\d*+[eE][+-]?+\d++|[eE][+-]?+\d++|\.\d++)?+
        |\.\d++(?:[eE][+-]?+\d++)?+))
    | (?P<word>\w++)
    | (?P<NIL>\([ \t\r\n]*+\))
    | (?P<ANON>\[[ \t\r\n]*+\])
    | (?P<punctuation>\^\^|&&|\|\||<=|>=|!=|[][(){{}}.,;|/^*+?!=<>-])
    )""",
    re.VERBOSE | re.DOTALL,
)

_SPACE = re.compile(rf"(?:[ \t\r\n]++|{COMMENT})*+")
_RULE_NAMES = frozenset(re.findall(r"^(?:[A-Z]\w*|iri)(?=:)", _RULES, re.MULTILINE))
# Rules that bring no variable into scope.
_WITHOUT_SCOPE = frozenset({"Filter", "MinusGraphPattern", "GroupClause", "HavingClause", "OrderClause"})
# A level of nesting is up to three nodes deep, and a function may take several frames for each of them.
_RECURSION = 60_000
# Marks the end of a node in the list of expected symbols.
_CLOSE = ")node"


class Token(NamedTuple):
    """A token: its kind, which is a class of tokens or the token itself, and its place in the text."""

    kind: str
    start: int
    end: int


@dataclass(slots=True)
class SyntaxNode:
    """A part of a text by the name of its rule: its tokens from `first` up to but not including `last`.

    A rule that only repeats another rule has no node of its own: `cg:party` in the place of a path is an `iri`.
    """

    rule: str
    first: int
    last: int = 0
    children: list[SyntaxNode] = field(default_factory=list)


@dataclass(frozen=True)
class SyntaxTree:
    """A text with its tokens, the last of which is END, and the tree of its rules."""

    text: str
    tokens: list[Token]
    root: SyntaxNode

    def source(self, node: SyntaxNode) -> str:
        """Returns the text of a node."""
        return self.text[self.tokens[node.first].start : self.tokens[node.last - 1].end]


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Raises the recursion limit during the block, for functions that call themselves for each level of a text."""
    # The frames are Python frames, which are allocated like other objects.
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class UnexpectedToken(Exception):
    """A token that cannot follow those before it; `expected` lists the kinds that can."""

    def __init__(self, token: Token, expected: tuple[str, ...]) -> None:
        super().__init__(token.kind)
        self.token = token
        self.expected = expected


def tokens_of(text: str) -> list[Token]:
    """Returns the tokens of a text. A character that begins no token is one of the kind "?!", which no rule has."""
    tokens = []
    position, length = 0, len(text)
    while match := _TOKEN.match(text, position):
        group = match.lastgroup or ""
        tokens.append(Token(_kind(match, group), match.start(group), match.end()))
        position = match.end()
    space = _SPACE.match(text, position)
    position = space.end() if space else position
    tokens.append(Token(END if position == length else "?!", position, min(position + 1, length)))
    return tokens


def parse(text: str, start: str = QUERY) -> SyntaxTree:
    """Returns the syntax tree of a query or update. Raises UnexpectedToken."""
    tokens, table = tokens_of(text), _table()
    open_nodes, pending = [SyntaxNode("", 0)], [END, start]
    position = 0
    while pending:
        symbol = pending.pop()
        if symbol == _CLOSE:
            _close(open_nodes, position)
        elif symbol in table:
            expansion = table[symbol].get(tokens[position].kind)
            if expansion is None:
                raise UnexpectedToken(tokens[position], _expected(tokens[:position], start))
            if symbol in _RULE_NAMES:
                open_nodes.append(SyntaxNode(symbol, position))
                pending.append(_CLOSE)
            pending.extend(expansion)
        elif symbol == tokens[position].kind:
            position += 1
        else:
            raise UnexpectedToken(tokens[position], _expected(tokens[:position], start))
    return SyntaxTree(text, tokens, (open_nodes[0].children or open_nodes)[0])


def nodes_of(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yields a node and all below it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def variables_in_scope(tree: SyntaxTree, node: SyntaxNode) -> set[str]:
    """Returns the names of the variables in scope at the end of a pattern (SPARQL 1.1, 18.2.1)."""
    if node.rule == "Var":
        return {tree.source(node)[1:]}
    if node.rule in _WITHOUT_SCOPE:
        return set()
    children = node.children
    if node.rule == "Bind":
        children = children[-1:]
    elif node.rule == "SubSelect" and tree.tokens[children[0].last - 1].kind != "*":
        columns = [child for child in children[0].children if child.rule == "Var"]
        children = [column for column in columns if tree.tokens[column.last].kind != "AS"]
    return {name for child in children for name in variables_in_scope(tree, child)}


def prepare_parser() -> None:
    """Makes the table of the parser, which the first text would otherwise wait for."""
    _table()


def _kind(match: re.Match[str], group: str) -> str:
    if group == "PNAME":
        return "PNAME_LN" if match["local"] else "PNAME_NS"
    if group == "number":
        return "SIGNED" if match["sign"] else "INTEGER" if match["number"].isdecimal() else "DECIMAL"
    if group == "word":
        word = match["word"]
        upper = word.upper()
        return "a" if word == "a" else "FUNCTION" if upper in FUNCTIONS else upper
    return match[group] if group == "punctuation" else group


def _close(open_nodes: list[SyntaxNode], position: int) -> None:
    """Closes the innermost node, and adds it to its parent unless it is empty or equal to its only child."""
    node = open_nodes.pop()
    node.last = position
    only = node.children[0] if len(node.children) == 1 else None
    if only and (only.first, only.last) == (node.first, node.last):
        node = only
    if node.last > node.first:
        open_nodes[-1].children.append(node)


def _expected(tokens: list[Token], start: str) -> tuple[str, ...]:
    """Returns the kinds of tokens that can follow these, which begin a valid text."""
    table, (first, nullable) = _table(), _first_sets()
    pending = [END, start]
    for token in tokens:
        while (symbol := pending.pop()) in table:
            pending.extend(table[symbol][token.kind])
    expected: set[str] = set()
    for symbol in reversed(pending):
        expected |= first.get(symbol, {symbol})
        if symbol not in nullable:
            break
    return tuple(sorted(expected))


@cache
def _productions() -> dict[str, list[tuple[str, ...]]]:
    """Returns the alternatives of each rule; groups and repetitions become separate rules."""
    productions: dict[str, list[tuple[str, ...]]] = {}
    for rule in re.split(r"\n(?=\w)", _RULES.strip()):
        name, _, body = rule.partition(":")
        parts = re.findall(r"'[^']+'|\w+|[()|*?+]", body)
        productions[name] = _alternatives(parts, productions)
    return productions


def _alternatives(parts: list[str], productions: dict[str, list[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """Reads alternatives up to a closing parenthesis or the end, and removes them from `parts`."""
    alternatives: list[tuple[str, ...]] = [()]
    while parts:
        part = parts.pop(0)
        if part == ")":
            break
        if part == "|":
            alternatives.append(())
            continue
        symbol = part.strip("'")
        if part == "(":
            symbol = f"#{len(productions)}"
            productions[symbol] = []
            productions[symbol] = _alternatives(parts, productions)
        if parts and parts[0] in "*?+":
            symbol = _repeated(symbol, parts.pop(0), productions)
        alternatives[-1] += (symbol,)
    return alternatives


def _repeated(symbol: str, sign: str, productions: dict[str, list[tuple[str, ...]]]) -> str:
    name = f"#{len(productions)}"
    productions[name] = [(symbol,), ()] if sign == "?" else [(symbol, name), ()]
    if sign != "+":
        return name
    productions[f"{name}+"] = [(symbol, name)]
    return f"{name}+"


@cache
def _first_sets() -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Returns the kinds of tokens with which each rule can begin, and the rules that can be empty."""
    productions = _productions()
    first: dict[str, set[str]] = {name: set() for name in productions}
    nullable: set[str] = set()
    size = -1
    while size != (size := sum(map(len, first.values())) + len(nullable)):
        for name, alternatives in productions.items():
            for alternative in alternatives:
                first[name] |= _first_of(alternative, first, nullable)
                if nullable.issuperset(alternative):
                    nullable.add(name)
    return {name: frozenset(kinds) for name, kinds in first.items()}, frozenset(nullable)


def _first_of(symbols: Iterable[str], first: Mapping[str, Set[str]], nullable: Set[str]) -> set[str]:
    kinds: set[str] = set()
    for symbol in symbols:
        kinds |= first.get(symbol, {symbol})
        if symbol not in nullable:
            break
    return kinds


@cache
def _table() -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns for each rule and kind of the next token the symbols that follow, in reverse order."""
    productions, (first, nullable) = _productions(), _first_sets()
    follow = _follow_sets()
    table: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in productions}
    for name, alternatives in productions.items():
        for alternative in alternatives:
            # A token that can begin an optional part belongs to it.
            table[name] |= dict.fromkeys(_first_of(alternative, first, nullable), alternative[::-1])
            if nullable.issuperset(alternative):
                table[name] = dict.fromkeys(follow[name], alternative[::-1]) | table[name]
    return table


def _follow_sets() -> dict[str, set[str]]:
    """Returns the kinds of tokens that can follow each rule."""
    productions, (first, nullable) = _productions(), _first_sets()
    follow: dict[str, set[str]] = {name: {END} if name in {QUERY, UPDATE} else set() for name in productions}
    size = -1
    while size != (size := sum(map(len, follow.values()))):
        for name, alternatives in productions.items():
            for index, symbol, alternative in _places(alternatives):
                if symbol in follow:
                    rest = alternative[index + 1 :]
                    follow[symbol] |= _first_of(rest, first, nullable)
                    if nullable.issuperset(rest):
                        follow[symbol] |= follow[name]
    return follow


def _places(alternatives: list[tuple[str, ...]]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for alternative in alternatives:
        for index, symbol in enumerate(alternative):
            yield index, symbol, alternative
