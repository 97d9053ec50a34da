"""A reader of N-Triples, for results of CONSTRUCT and DESCRIBE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from citygraph.client.typed_values import IRI, BlankTerm, literal

_TERM = (
    r'(?:<(?P<iri{0}>[^<>]*)>|_:(?P<blank{0}>\S+)|"(?P<text{0}>(?:[^"\\]|\\.)*)"'
    r"(?:@(?P<language{0}>[A-Za-z0-9-]+)|\^\^<(?P<datatype{0}>[^<>]*)>)?)"
)
_LINE = re.compile(rf"{_TERM.format(0)}[ \t]+{_TERM.format(1)}[ \t]+{_TERM.format(2)}[ \t]*\.")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def read_triples(text: str) -> Iterator[tuple[Any, Any, Any]]:
    """Yields the triples. Raises ValueError for an invalid line, such as an incomplete last one."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number} is not a triple")
        yield _term(match, 0), _term(match, 1), _term(match, 2)


def _term(match: re.Match[str], place: int) -> Any:
    if (iri := match[f"iri{place}"]) is not None:
        return IRI(_unescaped(iri))
    if blank := match[f"blank{place}"]:
        return BlankTerm(blank)
    return literal(
        _unescaped(match[f"text{place}"]), match[f"language{place}"] or "", _unescaped(match[f"datatype{place}"] or "")
    )


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_letter, text)


def _letter(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _LETTERS.get(match[3], match[3])
