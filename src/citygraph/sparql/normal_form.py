"""The normal form of a query: one text for all spellings of a query, by which a cited result is identified.

docs/citing.md defines it. Two queries with one normal form have the same result; the reverse is not promised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from urllib.parse import urljoin

from citygraph.errors import UsageError
from citygraph.rdf.terms import BASE, PREFIXES, RDF, XSD, split_iri
from citygraph.sparql.grammar import FUNCTIONS, SyntaxNode, SyntaxTree, Token, UnexpectedToken, nodes_of, parse
from citygraph.sparql.syntax_errors import syntax_error

# Functions that have another value at every evaluation (SPARQL 1.1, 17.4).
_VOLATILE = frozenset({"RAND", "UUID", "STRUUID"})
# The engine accepts no space between these names and their arguments.
_CALLED = frozenset(FUNCTIONS) | {"COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT"}
# Words that begin a line in a readable query.
_LINE_STARTS = frozenset(
    ("FILTER", "BIND", "OPTIONAL", "MINUS", "VALUES", "GRAPH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FROM")
)
_AFTER_OPTIONAL_DOT = frozenset(("{", "}", "FILTER", "OPTIONAL", "BIND", "MINUS", "VALUES", "GRAPH"))
_SELECTS = frozenset({"SelectQuery", "SubSelect", "ConstructQuery", "DescribeQuery"})
_CUTS = frozenset({"LimitClause", "OffsetClause", "LimitOffsetClauses"})
# Characters that no IRI has (SPARQL 1.1, IRIREF): an escape in an IRI must not end it.
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\\ud800-\udfff]')
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NUMBER_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_STRING_ESCAPE = re.compile(r"""\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([tbnrf"'\\]))""")
_NAMED_ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_NAME_ESCAPE = re.compile(r"\\(.)")
# The escapes of canonical N-Triples (RDF 1.2 N-Triples, 4), for strings of a normal form and of a digest.
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
_UNSAFE = re.compile('[\x00-\x1f\x7f"\\\\]')
_LITERAL_WORDS = ("TRUE", "FALSE")


def normal_form(text: str, day: date, base: str = BASE) -> str:
    """Returns the normal form of a query. It is a query itself, with the same result: NOW() is the beginning of `day`.

    Raises QuerySyntaxError, and UsageError for a query whose result cannot be reproduced.
    """
    tree = _parsed(text)
    _refuse_volatile(tree)
    return _spaced(_Spelling(tree, base, day).tokens())


def full_spelling(text: str, base: str = BASE) -> str:
    """Returns a query with each IRI in full, each string in one spelling, and no prologue. Functions remain.

    Raises QuerySyntaxError, and UsageError for an invalid IRI.
    """
    return _spaced(_Spelling(_parsed(text), base, None).tokens())


def values_in(normal: str, names: Iterable[str]) -> dict[str, str]:
    """Returns the terms in the VALUES blocks of these variables. Raises UsageError for a variable without a block."""
    tree = _parsed(normal)
    sources = [normal[token.start : token.end] for token in tree.tokens]
    values = {}
    for name in sorted(names):
        starts = [
            i for i, part in enumerate(sources) if part == "VALUES" and sources[i + 1 : i + 3] == [f"?{name}", "{"]
        ]
        if not starts:
            raise UsageError(f"the parameter {name[:80]!r} has no VALUES ?{name[:80]} {{ … }} in the query")
        values[name] = _spaced(sources[starts[0] + 3 : sources.index("}", starts[0])])
    return values


def sort_columns(normal: str) -> tuple[str, ...]:
    """Returns the variables that the outer ORDER BY of a query names by themselves, without expressions."""
    tree = _parsed(normal)
    names = []
    for clause in (node for node in _modifiers(tree.root) if node.rule == "OrderClause"):
        for condition in clause.children:
            key = condition
            # ASC(?name) and DESC(?name) are the variable too.
            while key.rule in ("OrderCondition", "BrackettedExpression") and len(key.children) == 1:
                key = key.children[0]
            if key.rule == "Var":
                names.append(tree.source(key)[1:])
    return tuple(names)


def ordering_variables(text: str) -> frozenset[str]:
    """Returns the variables in the outer ORDER BY of a query, in expressions too. Raises QuerySyntaxError."""
    tree = _parsed(text)
    clauses = (node for node in _modifiers(tree.root) if node.rule == "OrderClause")
    return frozenset(tree.source(node)[1:] for clause in clauses for node in nodes_of(clause) if node.rule == "Var")


def cuts_unordered(normal: str) -> bool:
    """Returns whether the engine chooses the rows: a LIMIT or OFFSET of a part that has no ORDER BY.

    Aggregates without GROUP BY give one row, and OFFSET 0 leaves none out.
    """
    tree = _parsed(normal)
    for node in nodes_of(tree.root):
        if node.rule in _SELECTS:
            parts = list(_modifiers(node))
            rules = {part.rule for part in parts}
            cuts = any(_is_cut(tree, part) for part in parts if part.rule in _CUTS)
            if cuts and "OrderClause" not in rules and ("GroupClause" in rules or not _has_aggregate(parts)):
                return True
    return False


def _is_cut(tree: SyntaxTree, clauses: SyntaxNode) -> bool:
    return any(
        node.rule == "LimitClause" or (node.rule == "OffsetClause" and bool(tree.source(node).split()[-1].strip("0")))
        for node in nodes_of(clauses)
    )


def _has_aggregate(parts: Iterable[SyntaxNode]) -> bool:
    selected = (part for part in parts if part.rule == "SelectClause")
    return any(node.rule == "Aggregate" for clause in selected for node in nodes_of(clause))


def readable(normal: str) -> str:
    """Returns a normal form for readers: with the prefixes of citygraph, and a line for each statement."""
    lines: list[str] = []
    tokens: list[str] = []
    depth = indent = parentheses = 0
    for part in [*_shortened(normal), ""]:
        depth -= part == "}"
        if tokens and not parentheses and (part in _LINE_STARTS or part in ("}", "")):
            lines.append("  " * indent + _spaced(tokens))
            tokens, indent = [], depth
        tokens.append(part)
        parentheses += {"(": 1, ")": -1}.get(part, 0)
        if not parentheses and part in ("{", "}", ".", ";"):
            lines.append("  " * min(indent, depth) + _spaced(tokens))
            depth += part == "{"
            tokens, indent = [], depth + (part == ";")
    return "\n".join(lines)


def quoted(text: str) -> str:
    """Returns a string in quotes, with the escapes of canonical N-Triples."""
    return '"' + _UNSAFE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}", text) + '"'


def _parsed(text: str) -> SyntaxTree:
    try:
        return parse(text)
    except UnexpectedToken:
        raise syntax_error("the query does not parse", text) from None


def _refuse_volatile(tree: SyntaxTree) -> None:
    for token in tree.tokens:
        word = tree.text[token.start : token.end].upper()
        if token.kind == "FUNCTION" and word in _VOLATILE:
            raise UsageError(f"a query with {word}() has another result each time, so that its result cannot be cited")
        if token.kind == "SERVICE":
            raise UsageError(
                "a query with SERVICE depends on another server, whose data change, so that its result cannot be cited"
            )


class _Spelling:
    """The tokens of a query in the spelling of the normal form."""

    def __init__(self, tree: SyntaxTree, base: str, day: date | None) -> None:
        self._tree = tree
        self._base = base
        self._now = f'"{day.isoformat()}T00:00:00Z"^^{XSD("dateTime")}' if day else ""
        self._prefixes = dict(PREFIXES)

    def tokens(self) -> Iterator[str]:
        """Yields the tokens without the prologue, the optional WHERE and optional dots around other patterns."""
        tree = self._tree
        left_out = {node.first for node in nodes_of(tree.root) if node.rule == "WhereClause"}
        left_out = {place for place in left_out if tree.tokens[place].kind == "WHERE"}
        start = self._read_prologue()
        for place, token in enumerate(tree.tokens[start:-1], start):
            # GroupGraphPatternSub (SPARQL 1.1, 19.8): a dot is needed between two statements only.
            is_optional_dot = token.kind == "." and (
                tree.tokens[place - 1].kind == "}" or tree.tokens[place + 1].kind in _AFTER_OPTIONAL_DOT
            )
            if self._now and self._is_now(token):
                # The token after it is (): NOW has no arguments.
                left_out.add(place + 1)
                yield self._now
            elif place not in left_out and not is_optional_dot:
                yield self._spelled(token)

    def _is_now(self, token: Token) -> bool:
        return token.kind == "FUNCTION" and self._source(token).upper() == "NOW"

    def _read_prologue(self) -> int:
        """Reads the declarations, in their order, and returns the place of the first token after them."""
        tokens, place = self._tree.tokens, 0
        while tokens[place].kind in ("BASE", "PREFIX"):
            if tokens[place].kind == "BASE":
                self._base = self._iri(tokens[place + 1])
                place += 2
            else:
                self._prefixes[self._source(tokens[place + 1])[:-1]] = self._iri(tokens[place + 2])
                place += 3
        return place

    def _spelled(self, token: Token) -> str:
        source = self._source(token)
        match token.kind:
            case "IRIREF":
                return f"<{self._iri(token)}>"
            case "PNAME_LN" | "PNAME_NS":
                return f"<{self._expanded(source)}>"
            case "VARIABLE":
                return f"?{source[1:]}"
            case "STRING":
                return quoted(_unescaped(source))
            case "a":
                return str(RDF("type"))
            case "NIL":
                return "()"
            case "ANON":
                return "[]"
            case kind if kind in _LITERAL_WORDS:
                return kind.lower()
            case "BLANK_NODE" | "LANGTAG":
                return source
        return source.upper()

    def _source(self, token: Token) -> str:
        return self._tree.text[token.start : token.end]

    def _iri(self, token: Token) -> str:
        iri = _NUMBER_ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), self._source(token)[1:-1])
        if not _SCHEME.match(iri):
            # urljoin drops an empty fragment, with which many namespaces end.
            iri = urljoin(self._base, iri) + ("#" if iri.endswith("#") else "")
        return _checked_iri(iri)

    def _expanded(self, name: str) -> str:
        prefix, _, local = name.partition(":")
        if prefix not in self._prefixes:
            raise syntax_error(f"the prefix {prefix}: is not declared", self._tree.text)
        return _checked_iri(self._prefixes[prefix] + _NAME_ESCAPE.sub(r"\1", local))


def _checked_iri(iri: str) -> str:
    if _NOT_IN_IRI.search(iri):
        raise UsageError(f"{iri[:80]!a} is not an IRI")
    return iri


def _unescaped(source: str) -> str:
    """Returns the text of a string in any of the four kinds of quotes."""
    quotes = 3 if source[:3] in ('"""', "'''") and len(source) >= 6 else 1

    def character(match: re.Match[str]) -> str:
        if code := match[1] or match[2]:
            return chr(int(code, 16))
        return _NAMED_ESCAPES.get(match[3], match[3])

    text = _STRING_ESCAPE.sub(character, source[quotes:-quotes])
    if _SURROGATE.search(text):
        raise UsageError("the query contains half a surrogate pair: it is not Unicode text")
    return text


def _spaced(tokens: Iterable[str]) -> str:
    """Returns the tokens separated by spaces, but without one inside of parentheses, before a comma or in a literal."""
    parts: list[str] = []
    for token in tokens:
        before = parts[-1] if parts else "("
        is_call = before in _CALLED and token in ("(", "()")
        is_close = is_call or before in ("(", "^^") or token in (")", ",", "^^") or token.startswith("@")
        parts += [token] if is_close else [" ", token]
    return "".join(parts)


def _modifiers(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yields the solution modifiers of the outermost query in a node, such as its OrderClause."""
    pending = [node]
    while pending:
        part = pending.pop()
        yield part
        if part.rule in _SELECTS or part.rule in ("", "QueryUnit", "SolutionModifier"):
            # A sub-select is within the pattern of its query, which is not entered.
            pending.extend(child for child in part.children if child.rule not in ("SubSelect", "GroupGraphPattern"))


def _shortened(normal: str) -> Iterator[str]:
    """Yields the tokens of a normal form, IRIs as prefixed names where a prefix fits."""
    for token in parse(normal).tokens[:-1]:
        source = normal[token.start : token.end]
        if token.kind == "IRIREF":
            prefix, local = split_iri(source[1:-1])
            # A local name with other characters would need escapes.
            if prefix and re.fullmatch(r"[\w-]+", local):
                source = f"{prefix}:{local}"
        yield source
