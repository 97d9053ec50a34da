"""A splitter of SPARQL Update texts into operations, by their tokens; the engine then parses each part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from citygraph.errors import QuerySyntaxError, TooLarge
from citygraph.sparql.guard import COMMENT, IRI, STRING

# Possessive throughout, so that no text causes backtracking.
_SPACE = rf"(?:\s++|{COMMENT})++"
_VARIABLE = r"[?$]\w++"
_LOCAL_NAME = r"(?:[\w:%-]|\\.|\.++(?=[\w:%\\-]))*+"
_WORD = rf"\w[\w-]*+(?:\.++[\w-]++)*+(?::{_LOCAL_NAME})?+|:{_LOCAL_NAME}"
_BEFORE_BRACKETS = (_SPACE, IRI, STRING, _VARIABLE, _WORD)
_TOKEN = re.compile(
    rf"""
    (?P<space>{_SPACE})
  | (?P<iri>{IRI})
  | (?P<string>{STRING})
  | (?P<variable>{_VARIABLE})
  | (?P<word>{_WORD})
  | (?P<open>[{{(\[])
  | (?P<close>[}})\]])
  | (?P<deep><<|>>)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# Tokens that neither open nor close anything: those of `_TOKEN` that come before its brackets, and other characters.
_PLAIN_RUN = re.compile(rf"(?:{'|'.join(_BEFORE_BRACKETS)}|(?!<<|>>)[^{{}}()\[\]])++", re.DOTALL)
VARIABLE = "urn:x-citygraph-variable:"
_BLACK = re.compile(r"\S")
_MANAGING = frozenset({"LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY"})
_ALL_GRAPHS = frozenset({"DEFAULT", "NAMED", "ALL"})


@dataclass
class Operation:
    """One operation: its keywords in capitals, and the texts of its parts as written.

    `names` are the graphs after the keywords: IRIs or prefixed names as written, or DEFAULT, NAMED, ALL.
    """

    kind: str  # "INSERT DATA", "DELETE DATA", "DELETE WHERE", "MODIFY", or a word such as CLEAR
    prologue: str
    span: tuple[int, int] = (0, 0)  # in the text of the update, without prologue and semicolon
    end: int = 0  # where the semicolon ends
    delete: str | None = None
    insert: str | None = None
    where: str | None = None
    with_graph: str = ""
    using: list[tuple[bool, str]] = field(default_factory=list)  # whether NAMED, and the name
    names: list[str] = field(default_factory=list)
    silent: bool = False


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    begin: int = 0
    end: int = 0


def operations(text: str, depth: int) -> list[Operation]:
    """Returns the operations of an update.

    Raises TooLarge if it is nested more than `depth` levels deep, QuerySyntaxError where the text has no operation.
    """
    return list(_UpdateReader(text, list(_pieces(text, depth))).read())


def alone(text: str, parts: list[Operation], part: Operation) -> str:
    """Returns the update with this operation alone: the others are blank, so that positions stay the same."""
    parts_before, reached = [], 0
    for other in parts[: parts.index(part)]:
        begin = other.span[0]
        # The semicolon too, which would separate nothing.
        parts_before += [text[reached:begin], _BLACK.sub(" ", text[begin : other.end])]
        reached = other.end
    return "".join(parts_before) + text[reached : part.span[1]]


def as_data(template: str) -> str:
    """Returns a template of quads with an IRI for each variable, so that it can be parsed as data."""
    return "".join(
        f"<{VARIABLE}{match[0][1:]}>" if match.lastgroup == "variable" else match[0]
        for match in _TOKEN.finditer(template)
    )


def typed_literals(template: str) -> Iterator[tuple[int, str, str]]:
    """Yields each literal with a datatype in a template: its offset, its string in quotes, the datatype as written."""
    string: re.Match[str] | None = None
    carets = 0
    for match in _TOKEN.finditer(template):
        if match.lastgroup == "string":
            string, carets = match, 0
        elif match[0] == "^":
            carets += 1
        elif match.lastgroup != "space":
            if string and carets == 2 and match.lastgroup in ("iri", "word"):
                yield string.start(), string[0], match[0]
            string = None


def variables(template: str) -> list[str]:
    """Returns the names of the variables in a template, each once."""
    names = (match[0][1:] for match in _TOKEN.finditer(template) if match.lastgroup == "variable")
    return list(dict.fromkeys(names))


def _pieces(text: str, depth: int) -> Iterator[_Token]:
    """Yields the tokens outside of brackets, and each outermost bracketed group as one token."""
    # Counted here, before the engine parses, because the engine may crash.
    nested: list[int] = []  # where the open brackets are
    reached = 0
    while match := _TOKEN.match(text, reached):
        reached = match.end()
        kind = match.lastgroup or ""
        if kind == "open" or match[0] == "<<":
            nested.append(match.start())
            if len(nested) > depth:
                raise TooLarge(f"the update is nested more than {depth} levels deep", depth)
        elif kind == "close" or match[0] == ">>":
            if not nested:
                raise error_at(text, match.start(), f"{match[0]} closes nothing")
            begun = nested.pop()
            if not nested:
                yield _Token("group", text[begun + 1 : match.start()], begun, match.end())
        elif not nested and kind != "space":
            yield _Token(kind, match[0], match.start(), match.end())
        # The data of a large change has a million tokens, and most are of no interest here.
        if nested and (run := _PLAIN_RUN.match(text, reached)):
            reached = run.end()
    if nested:
        opening = text[nested[-1]]
        line, column = position(text, nested[-1])
        expected = {"{": "}", "(": ")", "[": "]"}.get(opening, ">>")
        raise error_at(text, len(text), f"expected {expected} for {opening} at line {line}, column {column}")


class _UpdateReader:
    """A reader of the tokens of an update, from left to right."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._at = 0
        self._prologue = ""

    def read(self) -> Iterator[Operation]:
        """Yields the operations, which are separated by semicolons."""
        while self._at < len(self._tokens):
            word = self._word()
            if word in {"PREFIX", "BASE", "VERSION"}:
                # A prologue may follow each semicolon, and holds for all later operations (SPARQL 1.1 Update, 3).
                self._declaration(word)
                continue
            begin = self._tokens[self._at].begin
            operation = self._operation(word)
            operation.span = (begin, self._tokens[self._at - 1].end)
            if self._at < len(self._tokens) and self._next().text != ";":
                self._at -= 1
                raise self._error("expected ; or the end")
            operation.end = self._tokens[self._at - 1].end
            yield operation

    def _declaration(self, word: str) -> None:
        parts = [self._next().text for _ in range(3 if word == "PREFIX" else 2)]
        self._prologue += " ".join(parts) + "\n"

    def _operation(self, word: str) -> Operation:
        if word in _MANAGING:
            return self._managing(word)
        operation = Operation("MODIFY", self._prologue)
        if word == "WITH":
            self._next()
            operation.with_graph = self._next().text
        for verb in ("DELETE", "INSERT"):
            if self._word() == verb:
                self._next()
                following = self._word()
                if following in {"DATA", "WHERE"} and operation.kind == "MODIFY" and not operation.delete:
                    self._next()
                    return self._plain(operation, f"{verb} {following}")
                setattr(operation, verb.lower(), self._group())
        if operation.delete is None and operation.insert is None:
            raise self._error("expected an operation of SPARQL Update")
        while self._word() == "USING":
            self._next()
            named = self._word() == "NAMED"
            if named:
                self._next()
            operation.using.append((named, self._next().text))
        if self._word() != "WHERE":
            raise self._error("expected WHERE")
        self._next()
        operation.where = self._group()
        return operation

    def _plain(self, operation: Operation, kind: str) -> Operation:
        operation.kind = kind
        group = self._group()
        if kind == "INSERT DATA":
            operation.insert = group
        else:
            operation.delete = group
        if kind == "DELETE WHERE":
            operation.where = group
        return operation

    def _managing(self, word: str) -> Operation:
        self._next()
        operation = Operation(word, self._prologue)
        while self._at < len(self._tokens) and self._tokens[self._at].text != ";":
            token = self._next()
            upper = token.text.upper() if token.kind == "word" else ""
            if upper == "SILENT":
                operation.silent = True
            elif upper in _ALL_GRAPHS:
                operation.names.append(upper)
            elif upper not in {"GRAPH", "TO", "INTO"}:
                operation.names.append(token.text)
        return operation

    def _word(self) -> str:
        """Returns the next token in capitals if it is a word, else an empty string, without consuming it."""
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return token.text.upper() if token.kind == "word" else ""

    def _group(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at].kind != "group":
            raise self._error("expected {")
        return self._next().text

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise self._error("the update is cut")
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self, problem: str) -> QuerySyntaxError:
        """Returns an error at the next token, or at the end of the text."""
        offset = self._tokens[self._at].begin if self._at < len(self._tokens) else len(self._text)
        return error_at(self._text, offset, problem)


def error_at(text: str, offset: int, problem: str) -> QuerySyntaxError:
    """Returns an error at an offset of the text, with line and column."""
    line, column = position(text, offset)
    return QuerySyntaxError(f"syntax error at line {line}, column {column}: {problem}", line, column)


def position(text: str, offset: int) -> tuple[int, int]:
    """Returns line and column of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
