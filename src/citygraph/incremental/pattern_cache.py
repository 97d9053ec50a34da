"""Query patterns that are kept in a file, because rdflib takes seconds to parse the queries of all rules and shapes."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from citygraph.build import dependencies, patterns
from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.patterns import Pattern, Term, Variable
from citygraph.rdf.terms import PREFIXES
from citygraph.saving import replace_text

_UNBOUNDED = "unbounded"


class PatternCache:
    """The patterns of queries by their texts, from a file and for the next process that reads it.

    A file of another version of this program, or one that cannot be read, counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = _version()
        self._kept: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] == self._version:
                self._kept = dict(content["queries"])

    def read(self, text: str) -> QueryPatterns:
        """Returns the patterns of a query, as `query_patterns` does. Raises Unbounded."""
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._used:
            self._used[key] = self._kept[key] if key in self._kept else _parsed(text)
        values = self._used[key]
        if _UNBOUNDED in values:
            raise Unbounded(values[_UNBOUNDED])
        return _from_json(values)

    def save(self) -> None:
        """Writes the patterns of all queries that were read, if the file does not have them. It may fail silently."""
        if self._used.keys() != self._kept.keys():
            with suppress(OSError):
                replace_text(self._path, json.dumps({"version": self._version, "queries": self._used}))


def _version() -> str:
    """Returns a value that changes with the program that reads the queries."""
    code = [Path(str(module.__file__)).read_bytes() for module in (dependencies, patterns)]
    return hashlib.sha256(b"\0".join([*code, Path(__file__).read_bytes(), repr(PREFIXES).encode()])).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        return _as_json(query_patterns(text))
    except Unbounded as error:
        return {_UNBOUNDED: str(error)}


def _as_json(query: QueryPatterns) -> dict[str, Any]:
    return {
        "patterns": [_row(pattern) for pattern in query.patterns],
        "template": [_row(pattern) for pattern in query.template],
        "bound_from": {name: sorted(names) for name, names in query.bound_from.items()},
        "new_terms": sorted(query.new_terms),
        "branches": query.branches,
        "kinds": {name: sorted(kinds) for name, kinds in query.kinds.items()},
        "required": [_row(pattern) for pattern in query.required],
        "absent": [_row(pattern) for pattern in query.absent],
    }


def _from_json(values: dict[str, Any]) -> QueryPatterns:
    return QueryPatterns(
        [_pattern(row) for row in values["patterns"]],
        [_pattern(row) for row in values["template"]],
        {name: set(names) for name, names in values["bound_from"].items()},
        set(values["new_terms"]),
        values["branches"],
        {name: frozenset(kinds) for name, kinds in values["kinds"].items()},
        [_pattern(row) for row in values["required"]],
        [_pattern(row) for row in values["absent"]],
    )


def _row(pattern: Pattern) -> list[Any]:
    terms = (pattern.subject, pattern.predicate, pattern.object)
    return [*map(_text, terms), pattern.graph and pattern.graph.value, pattern.once, pattern.once_of_each]


def _pattern(row: list[Any]) -> Pattern:
    subject, predicate, value, graph, once, once_of_each = row
    return Pattern(_term(subject), _term(predicate), _term(value), graph and NamedNode(graph), once, once_of_each)


def _text(term: Term | Variable) -> str:
    return f"?{term.name}" if isinstance(term, Variable) else str(term)


def _term(text: str) -> Term | Variable:
    if text.startswith("?"):
        return Variable(text[1:])
    if text.startswith("<"):
        return NamedNode(text[1:-1])
    term = next(iter(parse(f"<urn:x> <urn:x> {text} .", RdfFormat.N_TRIPLES))).object
    assert isinstance(term, Literal)  # noqa: S101 - a query has no other terms
    return term
