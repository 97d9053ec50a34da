"""A file with the patterns that rules and shapes read, because rdflib takes seconds to parse all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from citygraph.build import dependencies, patterns, query_algebra, shape_dependencies
from citygraph.build.dependencies import QueryPatterns, Unbounded, patterns_of_graphs, query_patterns
from citygraph.build.patterns import DependencyPaths, Pattern, Term, Variable
from citygraph.build.shape_dependencies import ShapePaths
from citygraph.rdf.terms import PREFIXES
from citygraph.saving import replace_text

_UNBOUNDED = "unbounded"
_PARTS = ("conditions", "targets", "absent")


Read = Callable[[str], QueryPatterns]


class PatternCache:
    """The patterns of queries, and the paths of shapes, by their texts, from a file and for the next process.

    A file of another version of this program, or an unreadable file, counts as empty.
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
        return self._read(text, query_patterns)

    def read_of_graphs(self, text: str) -> QueryPatterns:
        """Returns the patterns of a query that may have `GRAPH ?graph`. Raises Unbounded."""
        return self._read(text, patterns_of_graphs, "graphs ")

    def _read(self, text: str, read: Read, kind: str = "") -> QueryPatterns:
        key = hashlib.sha256(f"{kind}{text}".encode()).hexdigest()
        if key not in self._used:
            self._used[key] = self._kept[key] if key in self._kept else _parsed(text, read)
        values = self._used[key]
        if _UNBOUNDED in values:
            raise Unbounded(values[_UNBOUNDED])
        return _from_json(values)

    def shape_paths(self, text: str, read_shapes: Callable[[Read], dict[str, ShapePaths]]) -> dict[str, ShapePaths]:
        """Returns the dependency paths of the shapes of this text, which `read_shapes` reads. Raises Unbounded."""
        key = hashlib.sha256(f"shapes {text}".encode()).hexdigest()
        if key in self._kept:
            # With the queries of the shapes, which need not be parsed when another shape has changed.
            self._used.update({one: self._kept[one] for one in (key, *self._kept[key]["queries"])})
        else:
            before = set(self._used)
            try:
                kept = _paths_as_json(read_shapes(self.read))
            except Unbounded as error:
                kept = {_UNBOUNDED: str(error)}
            self._used[key] = {**kept, "queries": sorted(self._used.keys() - before)}
        if _UNBOUNDED in self._used[key]:
            raise Unbounded(self._used[key][_UNBOUNDED])
        return _paths_from_json(self._used[key])

    def save(self) -> None:
        """Writes the patterns of all queries that were read, if the file does not have them. It may fail silently."""
        if self._used.keys() != self._kept.keys():
            with suppress(OSError):
                replace_text(self._path, json.dumps({"version": self._version, "queries": self._used}))


def _version() -> str:
    """Returns a value that changes with the program that reads the queries."""
    code = [
        Path(str(module.__file__)).read_bytes()
        for module in (dependencies, patterns, query_algebra, shape_dependencies)
    ]
    return hashlib.sha256(b"\0".join([*code, Path(__file__).read_bytes(), repr(PREFIXES).encode()])).hexdigest()


def _parsed(text: str, read: Read) -> dict[str, Any]:
    try:
        return _as_json(read(text))
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
        "graphs": sorted(graph.value for graph in query.graphs),
        "values": {name: sorted(map(str, terms)) for name, terms in query.values.items()},
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
        set(map(NamedNode, values["graphs"])),
        {name: {_constant(term) for term in terms} for name, terms in values["values"].items()},
    )


def _paths_as_json(shapes: dict[str, ShapePaths]) -> dict[str, Any]:
    """Returns paths as JSON. They share most of their patterns, each of which is written once."""
    numbers: dict[Pattern, int] = {}

    def numbered(patterns: Iterable[Pattern]) -> list[int]:
        return [numbers.setdefault(pattern, len(numbers)) for pattern in patterns]

    def of_one(one: DependencyPaths) -> dict[str, Any]:
        parts = {name: numbered(getattr(one, name)) for name in _PARTS}
        return {"pivot": one.pivot, "paths": list(map(numbered, one.paths)), "kinds": sorted(one.kinds), **parts}

    values = {
        name: {
            "targets": numbered(paths.targets),
            "of_focus": list(map(of_one, paths.of_focus)),
            "of_value": list(map(of_one, paths.of_value)),
            "nodes": sorted(paths.nodes),
            "tested": {variable: class_.value for variable, class_ in paths.tested.items()},
            "names": sorted(paths.names),
        }
        for name, paths in shapes.items()
    }
    return {"patterns": list(map(_row, numbers)), "shapes": values}


def _paths_from_json(values: dict[str, Any]) -> dict[str, ShapePaths]:
    patterns = list(map(_pattern, values["patterns"]))

    def of_numbers(numbers: Iterable[int]) -> list[Pattern]:
        return [patterns[number] for number in numbers]

    def of_one(one: dict[str, Any]) -> DependencyPaths:
        paths = [tuple(of_numbers(path)) for path in one["paths"]]
        parts = {name: of_numbers(one[name]) for name in _PARTS}
        return DependencyPaths(one["pivot"], paths, kinds=frozenset(one["kinds"]), **parts)

    return {
        name: ShapePaths(
            of_numbers(one["targets"]),
            list(map(of_one, one["of_focus"])),
            list(map(of_one, one["of_value"])),
            set(one["nodes"]),
            {variable: NamedNode(class_) for variable, class_ in one["tested"].items()},
            set(one["names"]),
        )
        for name, one in values["shapes"].items()
    }


def _row(pattern: Pattern) -> list[Any]:
    terms = (pattern.subject, pattern.predicate, pattern.object)
    return [*map(_text, terms), pattern.graph and pattern.graph.value, pattern.once, pattern.once_of_each]


def _pattern(row: list[Any]) -> Pattern:
    subject, predicate, value, graph, once, once_of_each = row
    return Pattern(_term(subject), _term(predicate), _term(value), graph and NamedNode(graph), once, once_of_each)


def _text(term: Term | Variable) -> str:
    return f"?{term.name}" if isinstance(term, Variable) else str(term)


def _term(text: str) -> Term | Variable:
    return Variable(text[1:]) if text.startswith("?") else _constant(text)


def _constant(text: str) -> NamedNode | Literal:
    if text.startswith("<"):
        return NamedNode(text[1:-1])
    term = next(iter(parse(f"<urn:x> <urn:x> {text} .", RdfFormat.N_TRIPLES))).object
    assert isinstance(term, Literal)  # noqa: S101 - a query has no other terms
    return term
