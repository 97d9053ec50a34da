"""Errors for texts that the engine does not parse, with the position and the remedy.

The engine's own position is that of the furthest token that it tried, plus the length of a keyword that it tried there.
The grammar gives the position of the first token that cannot follow; the faults that are beyond a grammar, such as an
undeclared prefix, are looked for one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import count, pairwise
from unicodedata import category, name

from citygraph.errors import QuerySyntaxError, UsageError
from citygraph.rdf.terms import CG, PREFIXES, namespace
from citygraph.sparql.functions import FUNCTIONS as EXTENSIONS
from citygraph.sparql.grammar import (
    FUNCTIONS,
    QUERY,
    SyntaxNode,
    SyntaxTree,
    Token,
    UnexpectedToken,
    deep_recursion,
    nodes_of,
    parse,
    tokens_of,
    variables_in_scope,
)

_ENGINE = re.compile(r"error at (\d+):(\d+): (?:expected )?(?:one of )?(.*)", re.DOTALL)
# The engine lists the expected tokens: character classes, quoted tokens, keywords and, among them, sentences.
_EXPECTED = re.compile(r"\[[^\]]*\]|\"(?:[^\"\\]|\\.)*\"|[^,\[\"]+")
# Syntax of SPARQL 1.2, which the engine parses and the grammar does not cover.
_NEWER = re.compile(r"<<|\{\||~")
_MOST_EXPECTED = 8
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = frozenset("tbnrf\\\"'uU")
_FUNCTION = re.compile(r"The custom function <([^>]*)> (.*)", re.DOTALL)
_CASTS = (
    "string", "boolean", "integer", "decimal", "float", "double", "dateTime", "date", "time", "gYear", "gYearMonth",
    "duration", "yearMonthDuration", "dayTimeDuration",
)  # fmt: skip
_TEMPLATES = frozenset({"ConstructTemplate", "QuadPattern"})
_GROUPS = frozenset({
    "GroupGraphPattern", "SubSelect", "GroupOrUnionGraphPattern", "OptionalGraphPattern", "MinusGraphPattern",
    "GraphGraphPattern", "ServiceGraphPattern", "Bind", "InlineData",
})  # fmt: skip
_IN_WORDS = {
    **dict.fromkeys(("IRIREF", "PNAME_LN", "PNAME_NS"), "an IRI"),
    **dict.fromkeys(("INTEGER", "DECIMAL", "SIGNED"), "a number"),
    **dict.fromkeys(("BLANK_NODE", "ANON"), "a blank node"),
    **dict.fromkeys(("TRUE", "FALSE"), "true or false"),
    **dict.fromkeys(("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT", "FUNCTION"), "a function"),
    "VARIABLE": "a variable",
    "STRING": "a string",
    "LANGTAG": "a language tag",
    "NIL": "()",
    "END": "the end",
}  # fmt: skip


def syntax_error(message: str, text: str, start: str = QUERY) -> QuerySyntaxError:
    """Returns an error for the engine's message about a text, which is a query or, from `start`, an update."""
    with deep_recursion():
        faults = list(_faults(text, start))
    if faults:
        offset, fault = min(faults)
        line, column = line_and_column(text, offset)
        return QuerySyntaxError(f"syntax error at line {line}, column {column}: {fault}", line, column)
    match = _ENGINE.match(message)
    if match is None:
        return QuerySyntaxError(message)
    line, column = int(match[1]), int(match[2])
    sentence = _sentence(match[3])
    return QuerySyntaxError(f"syntax error at line {line}, column {column}{sentence}", line, column)


def _sentence(expected: str) -> str:
    """Returns the sentences among the tokens that the engine expects, which are the rules beyond its grammar."""
    parts = [part.strip() for part in _EXPECTED.findall(expected)]
    sentences = [part for part in parts if " " in part and re.search("[a-z]", part) and part[0] not in '["']
    return ": " + "; ".join(sentences) if sentences else ""


def _faults(text: str, start: str) -> Iterator[tuple[int, str]]:
    """Yields the faults of a text with their offsets."""
    tokens = tokens_of(text)
    yield from _undeclared_prefixes(text, tokens)
    try:
        tree = parse(text, start)
    except UnexpectedToken as error:
        if not _NEWER.search(text):
            yield error.token.start, unexpected(text, error)
        return
    yield from _repeated_labels(tree)
    yield from _wrong_arguments(tree)
    yield from _assigned_again(tree)
    yield from _uneven_rows(tree)
    yield from _wrong_escapes(tree)


def _undeclared_prefixes(text: str, tokens: list[Token]) -> Iterator[tuple[int, str]]:
    declared = set(PREFIXES)
    for before, token in pairwise(tokens):
        prefix = text[token.start : token.end].partition(":")[0]
        if before.kind == "PREFIX" and token.kind == "PNAME_NS":
            declared.add(prefix)
        elif token.kind in {"PNAME_LN", "PNAME_NS"} and prefix not in declared:
            yield token.start, _undeclared(prefix, declared)


def _undeclared(prefix: str, declared: set[str]) -> str:
    lower = {name.lower(): name for name in declared}
    close = get_close_matches(prefix.lower(), [name for name in lower if name], 1)
    suggestion = f"did you mean {lower[close[0]]}:, or " if close else ""
    return f"the prefix {prefix}: is not declared; {suggestion}is PREFIX {prefix}: <…> missing at the beginning?"


def unexpected(text: str, error: UnexpectedToken) -> str:
    """Returns what is wrong with a token of a text, and what could follow in its place."""
    token, expected = error.token, error.expected
    source = text[token.start : token.end]
    if token.kind == "<" and "IRIREF" in expected:
        return "IRI parsing failed: the IRI that begins here is not closed, or has a space or another invalid character"
    words = list(dict.fromkeys(_IN_WORDS.get(kind, kind if kind.isalpha() else f'"{kind}"') for kind in expected))
    close = get_close_matches(source.upper(), [kind for kind in expected if kind.isalpha()], 1, 0.75)
    suggestion = f"did you mean {close[0]}? " if close and token.kind != close[0] else ""
    more = ", …" if len(words) > _MOST_EXPECTED else ""
    return f"{_describe(token, source)} is unexpected; {suggestion}expected {', '.join(words[:_MOST_EXPECTED])}{more}"


def _describe(token: Token, source: str) -> str:
    if token.kind == "END":
        return "the end of the text"
    if len(source) == 1 and (not source.isascii() or category(source)[0] == "C"):
        return f"the character {source if source.isprintable() else ''} ({name(source, f'U+{ord(source):04X}')})"
    return f'"{source}"' if len(source) <= 40 else f'"{source[:37]}…"'


def _repeated_labels(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Yields blank nodes whose label is in two patterns (SPARQL 1.1, 5.1.1)."""
    places: dict[str, int] = {}
    for pattern, node in _labels(tree.root, count(1), [0]):
        label = tree.source(node)
        if label.startswith("_:") and places.setdefault(label, pattern) != pattern:
            yield tree.tokens[node.first].start, f"{label} is also in another group; use a variable in both"


def _labels(node: SyntaxNode, numbers: Iterator[int], current: list[int]) -> Iterator[tuple[int, SyntaxNode]]:
    """Yields the blank nodes, each with the number of its basic graph pattern, which a FILTER does not end."""
    if node.rule == "BlankNode":
        yield current[0], node
        return
    ends_pattern = node.rule in _GROUPS
    before = current[0]
    current[0] = next(numbers) if ends_pattern else before
    for child in node.children if node.rule not in _TEMPLATES else []:
        yield from _labels(child, numbers, current)
    if node.rule == "Filter":
        current[0] = before
    elif ends_pattern:
        current[0] = next(numbers)


def _wrong_arguments(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Yields calls of built-in functions with too few or too many arguments."""
    for node in nodes_of(tree.root):
        token = tree.tokens[node.first]
        if node.rule == "BuiltInCall" and token.kind == "FUNCTION":
            function = tree.text[token.start : token.end].upper()
            count, (least, most) = len(node.children[0].children), FUNCTIONS[function]
            if not least <= count <= most:
                arity = f"{least}" if least == most else f"{least} to {most}"
                yield token.start, f"{function} has {count} arguments here and needs {arity}"


def _assigned_again(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Yields variables that BIND assigns although the group has them already (SPARQL 1.1, 10.1)."""
    for group in nodes_of(tree.root):
        if group.rule == "GroupGraphPatternSub":
            names: set[str] = set()
            for child in group.children:
                assigned = variables_in_scope(tree, child)
                if child.rule == "Bind" and assigned & names:
                    variable = child.children[-1]
                    yield tree.tokens[variable.first].start, f"BIND assigns {tree.source(variable)}, which is in use"
                names |= assigned


def _uneven_rows(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Yields rows of VALUES that have another number of values than there are variables."""
    for block in nodes_of(tree.root):
        if block.rule == "DataBlock":
            variables = sum(child.rule == "Var" for child in block.children)
            starts = [index for index in range(block.first, block.last) if tree.tokens[index].kind in {"(", "NIL"}]
            for start, end in pairwise([*starts[1:], block.last]):
                values = sum(start < child.first < end for child in block.children)
                if values != variables:
                    yield tree.tokens[start].start, f"the row has {values} values and VALUES has {variables} variables"


def _wrong_escapes(tree: SyntaxTree) -> Iterator[tuple[int, str]]:
    """Yields escapes that SPARQL does not have, such as those of regular expressions."""
    for token in tree.tokens:
        if token.kind == "STRING":
            for escape in _ESCAPE.finditer(tree.text, token.start, token.end):
                if escape[1] not in _ESCAPED:
                    yield escape.start(), f"{escape[0]} is not an escape of SPARQL; a backslash is written \\\\"


def unknown_function(message: str, text: str) -> UsageError | None:
    """Returns an error for the engine's message about a function, or None if the message is about something else."""
    match = _FUNCTION.match(message)
    if match is None:
        return None
    iri, problem = match[1], match[2]
    if problem != "is not supported":
        return UsageError(f"the function <{iri}> {problem}")
    signatures = {function.iri.value.removeprefix(CG): function.signature for function in EXTENSIONS}
    signatures |= {cast: f"xsd:{cast}(value)" for cast in _CASTS}
    lower = {name.lower(): name for name in signatures}
    close = get_close_matches(iri.removeprefix(namespace(iri)).lower(), list(lower), 1, 0.7)
    suggestion = f"; did you mean {signatures[lower[close[0]]]}?" if close else "."
    return UsageError(
        f"the function <{iri}>{_place_of(iri, text)} is not available{suggestion} Available are the functions of "
        f"SPARQL 1.1, casts ({', '.join(f'xsd:{cast}' for cast in _CASTS)}), "
        f"and {', '.join(function.signature for function in EXTENSIONS)}"
    )


def _place_of(iri: str, text: str) -> str:
    """Returns where an IRI is in the text, for a message."""
    prefixes, tokens = dict(PREFIXES), tokens_of(text)
    sources = [text[token.start : token.end] for token in tokens]
    for word, prefix, value in zip(tokens, sources[1:], sources[2:], strict=False):
        if word.kind == "PREFIX":
            prefixes[prefix[:-1]] = value[1:-1]
    for token, source in zip(tokens, sources, strict=True):
        prefix, _, local = source.partition(":")
        is_name = token.kind == "PNAME_LN" and prefixes.get(prefix, "?") + local == iri
        if is_name or (token.kind == "IRIREF" and source == f"<{iri}>"):
            line, column = line_and_column(text, token.start)
            return f" (line {line}, column {column})"
    return ""


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Returns the line and column of a character, both from 1 on."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
