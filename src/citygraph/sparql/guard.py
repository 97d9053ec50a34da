"""A lexical scan of query texts, which enforces the limits and finds keywords that a parser must check.

The web process parses no text of a client, because a parser may crash. This scan does not recurse: a regular expression
without backtracking finds the tokens, and a loop counts them. Texts with SERVICE, LOAD or FROM are then parsed and
checked in the engine process (clauses.py).
"""

from __future__ import annotations

import re

from citygraph.errors import QuerySyntaxError, TooLarge
from citygraph.settings import Settings

WORDS = ("SERVICE", "LOAD", "FROM")
_NO_WORDS: frozenset[str] = frozenset()

# Tokens, also for the splitter of updates (commit/operations.py): possessive, so that no text causes backtracking, and
# with a quantifier for characters without a meaning of their own, because alternatives take ten times as long for each.
IRI = r"<(?:[^\x00-\x20<>\"{}|^`\\]++|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>"
STRING = (
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"""'
    r"|'''(?:[^'\\]++|\\.|'(?!''))*+'''"
    r'|(?!""")"(?:[^"\\\n\r]++|\\.)*+"'
    r"|(?!''')'(?:[^'\\\n\r]++|\\.)*+'"
)
COMMENT = r"\#[^\n\r]*+"
# The plain terms of long lists, none of which can hide a keyword.
_PLAIN = (
    rf"(?:[?$]\w++|(?:{STRING})(?:@[A-Za-z][\w-]*+)?+|<[^\x00-\x20<>\"{{}}|^`\\)]{{0,300}}+>"
    r"|\w[\w-]*+:[\w-]*+|[-+]?\d++(?:\.\d++)?+)"
)
# Every quantifier is possessive, so that no text makes it read a character more than a few times; an unclosed string,
# which could, ends the scan.
_TOKEN = re.compile(
    rf"""
    (?: {COMMENT} | [^\w?$@:"'<\#(){{}}\[\],|&+*/.;!-]++ )++
  | (?P<list>(?:{_PLAIN}\s*+,\s*+){{2,}}+)
  | (?P<term>{STRING}|[?$]\w*+|@[A-Za-z][\w-]*+)
  | (?P<iri>{IRI})
  | (?P<operator>VALUES\s*+(?:[?$]\w++|\([^()]*+\))\s*+{{(?:[^{{}}"'<\#]++|{STRING}|{IRI}|{COMMENT}|<)*+}}
      |\|\||&&|[-+*/|.;]|<(?=<))
  | (?P<word>\w[\w.-]*+(?::(?:[\w.:%-]|\\.)*+)?+|:(?:[\w.:%-]|\\.)*+)
  | (?P<open>[({{\[])
  | (?P<close>[)}}\]])
  | (?P<comma>,)
  | (?P<nots>!(?:\s*+!)*+)
  | (?P<quote>["'])
  | <
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_GROUPS = _TOKEN.groupindex
_LIST, _TERM, _IRI_TOKEN, _WORD = _GROUPS["list"], _GROUPS["term"], _GROUPS["iri"], _GROUPS["word"]
_OPEN, _CLOSE, _COMMA = _GROUPS["open"], _GROUPS["close"], _GROUPS["comma"]
_OPERATOR, _NOTS = _GROUPS["operator"], _GROUPS["nots"]

# `?a<?b)SERVICE#>` matches as an IRI but may be a comparison, a keyword and a comment.
_HIDING = re.compile(r"\)[^#]*#")
_LONG_IRI = 1000
_HIDDEN_OPERATORS = re.compile(r"[-+*/(&!,]")
_DECIMAL = re.compile(r"\d+\.\d+")
# For terms that no operator or comma separates: members of collections, projected variables.
_TERMS_PER_BREADTH = 3


def scan(text: str, settings: Settings) -> frozenset[str]:
    """Returns those of WORDS that occur in the text outside strings, comments, IRIs and names.

    A false positive is harmless, because the syntax tree decides. A false negative would be a security hole. A keyword
    therefore counts even without a space around it: the engine reads `1SERVICE` and `FROMNAMED` as two tokens.

    Raises TooLarge if the text is over query_length, query_depth or query_breadth, QuerySyntaxError if a
    string is not closed.
    """
    _check_length(text, settings.query_length)
    words = words_in(text)
    # Each level and each operator needs a character, so that most texts are too short to exceed a limit.
    opened = text.count("(") + text.count("{") + text.count("[") + text.count("!")
    if not words and opened <= settings.query_depth and len(text) <= settings.query_breadth:
        return words
    return _scan(text, settings.query_depth, settings.query_breadth, has_words=bool(words))


def occurrences(text: str, word: str) -> int:
    """Returns the number of tokens that contain one of WORDS, in a text that passed `scan`."""
    return sum(word in _words_of(match) for match in _TOKEN.finditer(text))


def _check_length(text: str, limit: int) -> None:
    length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if length > limit:
        raise TooLarge(f"the query is {length} bytes long; the limit is {limit}", limit)


def words_in(text: str) -> frozenset[str]:
    """Returns those of WORDS whose letters occur in the text, in strings and names too."""
    upper = text.upper()
    if "SERVICE" not in upper and "LOAD" not in upper and "FROM" not in upper:
        return _NO_WORDS
    return frozenset(word for word in WORDS if word in upper)


def _scan(text: str, depth: int, breadth: int, has_words: bool) -> frozenset[str]:
    """Reads all tokens and returns the WORDS among them; `has_words` is whether the words can occur at all."""
    frames: list[str] = []
    wide = terms = 0
    words: frozenset[str] = frozenset()
    for match in _TOKEN.finditer(text):
        kind = match.lastindex
        if kind == _TERM:
            terms += 1
        elif kind in {_LIST, _COMMA}:
            # Not in parentheses: the engine handles a hundred thousand arguments or members of IN.
            wide += 0 if frames[-1:] == ["("] else match[0].count(",")
        elif kind == _OPERATOR:
            wide += 1
        elif kind == _OPEN:
            wide += 1
            frames.append(match[0])
            _check_depth(len(frames), depth)
        elif kind == _CLOSE:
            frames[-1:] = []
        elif kind is not None:
            terms += 1
            wide += _width(match, len(frames), depth)
            if has_words:
                words |= _words_of(match)
        if wide > breadth or terms > breadth * _TERMS_PER_BREADTH:
            raise _too_broad(breadth)
    return words


def _too_broad(limit: int) -> TooLarge:
    return TooLarge(
        f"the query has more than {limit} operators, alternatives, groups and statements "
        "(rows of VALUES and members of IN are not counted)",
        limit,
    )


def _width(match: re.Match[str], nested: int, depth: int) -> int:
    """Returns the breadth that a token adds. Raises QuerySyntaxError for the quote of an unclosed string."""
    token = match[0]
    if match.lastindex == _WORD:
        # `1-1-1` and `?o.?s` match as one token but are several; in a name all but the last full stop belong to it.
        if ":" in token or _DECIMAL.fullmatch(token):
            return int(token[-1] == ".")
        return token.count("-") + token.count(".")
    if match.lastindex == _IRI_TOKEN:
        # It may be an expression instead, such as `a<b+b+…+b&&c>d`.
        return len(_HIDDEN_OPERATORS.findall(token)) if len(token) > _LONG_IRI else 0
    if match.lastindex == _NOTS:
        _check_depth(nested + token.count("!"), depth)
        return 0
    before = match.string[: match.start()]
    line, column = before.count("\n") + 1, match.start() - before.rfind("\n")
    message = f"the string that begins at line {line}, column {column} is not closed"
    raise QuerySyntaxError(message, line, column)


def _words_of(match: re.Match[str]) -> frozenset[str]:
    """Returns the WORDS in a token: in the prefix of a name, as in `SERVICEex:a`, but not in its local part."""
    if match.lastindex == _WORD:
        return words_in(match[0].partition(":")[0])
    if match.lastindex == _IRI_TOKEN and _HIDING.search(match[0]):
        return words_in(match[0])
    return frozenset()


def _check_depth(nested: int, limit: int) -> None:
    if nested > limit:
        raise TooLarge(f"the query is nested more than {limit} levels deep", limit)
