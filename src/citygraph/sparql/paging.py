"""Pages of a query's rows: the same query with a total order, and the part of the rows that a page has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from citygraph.errors import UsageError
from citygraph.sparql.guard import COMMENT, IRI, STRING

_TOKEN = re.compile(
    rf"(?P<skip>{COMMENT}|{STRING}|{IRI})|(?P<variable>[?$]\w+)|(?P<word>\w+(?:[:.-][\w.:-]*)?)|(?P<mark>[(){{}}*])",
    re.DOTALL,
)
_TAIL = ("LIMIT", "OFFSET", "VALUES")


@dataclass(frozen=True)
class _Token:
    """A token outside strings, IRIs and comments; `depth` counts the open parentheses and braces before it."""

    text: str
    start: int
    end: int
    depth: int

    @property
    def word(self) -> str:
        return self.text.upper()


def selected_names(text: str) -> tuple[str, ...]:
    """Returns the names of the variables that a query selects; for SELECT *, all that it has."""
    tokens = _tokens(text)
    start = next((place for place, token in enumerate(tokens) if token.word == "SELECT"), None)
    if start is None:
        return ()
    names: list[str] = []
    last = ""
    for token in tokens[start + 1 :]:
        if token.depth == 0 and (token.text == "{" or token.word in ("WHERE", "FROM")):
            break
        if token.text == "*" and token.depth == 0:
            return _all_names(tokens)
        if token.text[0] in "?$":
            last = token.text[1:]
            if token.depth == 0:
                names.append(last)
        elif token.text == ")" and token.depth == 1:
            # The last variable of an expression in parentheses is its name in the result.
            names.append(last)
    return tuple(names)


def page_of(text: str, offset: int, limit: int) -> str:
    """Returns a SELECT query that has at most `limit` rows of this one, those after the first `offset`.

    Rows that the query leaves in any order are sorted by all their values, so that each row is in one page.

    Raises UsageError if the query is not a SELECT.
    """
    names = selected_names(text)
    tokens = _tokens(text)
    if not names:
        raise UsageError("only the rows of a SELECT query have pages")
    # The first brace of depth 0 opens the body of the query: the SELECT clause has none.
    body = next(token.end for token in tokens if token.text == "}" and token.depth == 1)
    tail = [token for token in tokens if token.start >= body and token.depth == 0]
    values = next((token.start for token in tail if token.word == "VALUES"), None)
    end = next((token.start for token in tail if token.word in _TAIL), len(text))
    own_limit, own_offset = _number_after(tail, "LIMIT"), _number_after(tail, "OFFSET") or 0
    rows = limit if own_limit is None else max(0, min(limit, own_limit - offset))
    ordered = any(token.word == "ORDER" for token in tail)
    keys = " ".join(f"?{name} STR(?{name}) LANG(?{name}) STR(DATATYPE(?{name}))" for name in names)
    rest = text[values:] if values is not None else ""
    order = f"{text[:end].rstrip()}\n{'' if ordered else 'ORDER BY '}{keys}"
    return f"{order}\nLIMIT {rows} OFFSET {own_offset + offset}\n{rest}"


def count_of(text: str) -> str:
    """Returns a query for the number of rows of a SELECT query, as ?rows. Raises UsageError for other forms."""
    tokens = _tokens(text)
    select = next((token for token in tokens if token.word == "SELECT"), None)
    if select is None:
        raise UsageError("only the rows of a SELECT query have pages")
    start = next(token.start for token in tokens if token.depth == 0 and (token.text == "{" or token.word == "WHERE"))
    # The dataset is not part of a subquery.
    datasets = [token.start for token in tokens if token.word == "FROM" and select.end <= token.start < start]
    end = datasets[0] if datasets else start
    subquery = f"{text[select.start : end]} {text[start:]}"
    return f"{text[: select.start]}SELECT (COUNT(*) AS ?rows) {text[end:start]} WHERE {{ {subquery}\n}}"


def _number_after(tail: list[_Token], word: str) -> int | None:
    for token, following in pairwise(tail):
        if token.word == word and following.text.isdecimal():
            return int(following.text)
    return None


def _all_names(tokens: list[_Token]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(token.text[1:] for token in tokens if token.text[0] in "?$"))


def _tokens(text: str) -> list[_Token]:
    tokens = []
    depth = 0
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "skip":
            continue
        tokens.append(_Token(match[0], match.start(), match.end(), depth))
        depth += (match[0] in "({") - (match[0] in ")}")
    return tokens
