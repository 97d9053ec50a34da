"""Validation reports: plain values, their order and their texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse

from citygraph.instance import current_instance
from citygraph.rdf.terms import DATASET, RDF, SH
from citygraph.text import best_tag, nfc

# Files of a release: the report of the build on the whole graph, and those of later commits on parts of it.
REPORT = "report.ttl"
LATER = "report-later.jsonl"
# Lines of commits in that file, after which they are merged.
_MOST_LATER = 64
# A report as Turtle: its head, and a line for each result and for each blank node that results mention.
_HEAD = f"@prefix sh: <{SH}> .\n_:report a sh:ValidationReport ; sh:conforms {{}} ."
_RESULT = "_:report sh:result [ "
_FIRST = {"sh:focusNode": "", "sh:sourceShape": " "}
_SH_TERM = re.compile(rf"\A<{re.escape(SH)}([A-Za-z]+)>\Z")
_TERM = r'(<[^>]*>|sh:\w+|_:\w+|\[\]|"(?:[^"\\]|\\.)*"\S*)'
_IDENTITY = re.compile(rf"{re.escape(_RESULT)}sh:focusNode {_TERM} ; sh:sourceShape {_TERM} ; ")
_LABEL = re.compile(r"_:\w+")
# A result in a form that can be compared: focus node, shape, path and value.
Finding = tuple[str, str, str, str]


@dataclass(frozen=True)
class Place:
    """The place of a statement: a file name and a line, counted from one."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class ValidationResult:
    """A SHACL validation result; IRIs are absolute, `messages` and `remedies` map languages to sentences."""

    severity: str  # "violation", "warning" or "info"
    focus_node: str
    shape: str
    component: str
    path: str = ""
    value: str = ""  # as in N-Triples
    label: str = ""
    messages: dict[str, str] = field(default_factory=dict)
    remedies: dict[str, str] = field(default_factory=dict)
    place: Place | None = None

    def message(self, language: str) -> str:
        """Returns the message in a language, else in English."""
        return text_in(self.messages, language) or f"violates {self.shape}"

    def remedy(self, language: str) -> str:
        """Returns how to correct the data, in a language or else in English; empty if the shape has no remedy."""
        return text_in(self.remedies, language)

    def at(self, place: Place | None) -> ValidationResult:
        """Returns this result with its place."""
        return replace(self, place=place)


@dataclass(frozen=True)
class ReportScope:
    """The scope of a report on a part of the graph, as IRIs.

    A node in `datasets` represents the whole graph: of its results, only those with one of `values` are in the scope.
    With `shapes`, only results of these shapes are.
    """

    nodes: Set[str] = frozenset()
    values: Set[str] = frozenset()
    datasets: Set[str] = frozenset()
    shapes: Set[str] = frozenset()

    def covers(self, focus: str, value: str, shape: str = "") -> bool:
        """Returns whether a result is in the scope, of any shape if none is given.

        `value` is as in N-Triples or without brackets.
        """
        # Nothing tells the shapes without a name apart.
        if shape and self.shapes and shape not in self.shapes and not shape.startswith("_:"):
            return False
        return focus in self.nodes or (focus in self.datasets and value.strip("<>") in self.values)


class ReportScopes:
    """The scopes of several reports together."""

    def __init__(self) -> None:
        # Changes of one kind concern the same shapes, so that there are few.
        self._by_shapes: dict[Set[str], tuple[set[str], set[str], set[str]]] = {}
        self._scopes: list[ReportScope] = []

    def add(self, scope: ReportScope) -> None:
        """Adds a scope."""
        parts = self._by_shapes.get(scope.shapes)
        if parts is None:
            parts = self._by_shapes[scope.shapes] = (set(), set(), set())
            self._scopes.append(ReportScope(*parts, scope.shapes))
        for part, added in zip(parts, (scope.nodes, scope.values, scope.datasets), strict=True):
            part.update(added)

    def covers(self, focus: str, value: str, shape: str) -> bool:
        """Returns whether a result is in one of the scopes."""
        return any(scope.covers(focus, value, shape) for scope in self._scopes)

    def __iter__(self) -> Iterator[ReportScope]:
        return iter(self._scopes)

    def __len__(self) -> int:
        return len(self._scopes)

    def __bool__(self) -> bool:
        return any(scope.nodes for scope in self._scopes)

    def has_node(self, iri: str) -> bool:
        """Returns whether a node is in one of the scopes."""
        return any(iri in scope.nodes for scope in self._scopes)


@dataclass(frozen=True)
class Report:
    """The results of a validation, and the W3C report as Turtle; without `scope` it is about the whole graph.

    `further` is the scope of some shapes about nodes that are not in `scope`.
    """

    results: tuple[ValidationResult, ...]
    turtle: str
    scope: ReportScope | None = None
    further: ReportScope | None = None

    @property
    def violations(self) -> tuple[ValidationResult, ...]:
        """The results that prevent publication."""
        return tuple(result for result in self.results if result.severity == "violation")

    @property
    def warnings(self) -> tuple[ValidationResult, ...]:
        """The results that do not prevent publication."""
        return tuple(result for result in self.results if result.severity != "violation")

    @property
    def conforms(self) -> bool:
        """Whether there are no violations. (In the W3C report, sh:conforms is false for warnings too.)"""
        return not self.violations


def finding_of(focus: str, shape: str, path: str, value: str) -> Finding:
    """Returns the subject of a result; all blank nodes are equal, because each program labels them differently."""
    focus, shape, path, value = ("_:" if term.startswith("_:") else term for term in (focus, shape, path, value))
    return focus, shape, path, value


def conforming_report() -> Report:
    """Returns the report of a graph without results."""
    return Report((), _HEAD.format("true") + "\n")


def report_of(results: Iterable[ValidationResult]) -> Report:
    """Returns the report with these results."""
    results = tuple(results)
    if not results:
        return conforming_report()
    return Report(results, report_text(map(result_line, map(properties_text, map(_properties, results)))))


def report_text(lines: Iterable[str]) -> str:
    """Returns the W3C report with these lines as Turtle; each is about a result, or a blank node of results.

    The text depends on the results alone: a blank node has a line once, and the lines are sorted.
    """
    of_results, of_nodes = list[str](), set[str]()
    for line in lines:
        if line.startswith(_RESULT):
            of_results.append(line)
        else:
            of_nodes.add(line)
    of_results.sort()
    return "\n".join([_HEAD.format("false"), *of_results, *sorted(of_nodes), ""])


def result_line(properties: str) -> str:
    """Returns the line of a result of a report."""
    return f"{_RESULT}{properties} ] ."


def properties_text(properties: Mapping[str, Iterable[str]]) -> str:
    """Returns a node's properties, by name, in order. Those that identify a result begin."""
    names = sorted(properties, key=lambda name: _FIRST.get(name, name))
    return " ; ".join([f"{name} {' , '.join(sorted(properties[name]))}" for name in names])


def turtle_of(term: object) -> str:
    """Returns a term in Turtle with the prefix of SHACL; a blank node as one about which nothing else is stated."""
    # It has another label in each process.
    return "[]" if isinstance(term, BlankNode) else _SH_TERM.sub(r"sh:\1", str(term))


def _properties(result: ValidationResult) -> dict[str, list[str]]:
    """Returns the properties of a result in a W3C report."""
    properties: dict[str, list[Any]] = {
        turtle_of(RDF("type")): [SH("ValidationResult")],
        "sh:focusNode": [_term(result.focus_node if result.focus_node[0] in '"_' else f"<{result.focus_node}>")],
        "sh:sourceShape": [NamedNode(result.shape)],
        "sh:resultSeverity": [SH(result.severity.capitalize())],
        "sh:sourceConstraintComponent": [NamedNode(result.component)],
        "sh:resultPath": [NamedNode(result.path)] if result.path else [],
        "sh:value": [_term(result.value)] if result.value else [],
        "sh:resultMessage": [Literal(text, language=tag) for tag, text in result.messages.items()],
    }
    return {name: list(map(turtle_of, terms)) for name, terms in properties.items() if terms}


def _term(text: str) -> Any:
    """Returns a term from N-Triples."""
    (triple,) = parse(f"<{SH}> <{SH}> {text} .", RdfFormat.N_TRIPLES)
    return triple.object


def merge_reports(reports: Iterable[Report]) -> Report:
    """Returns one report from those on parts of a graph."""
    parts = [report for report in reports if report.results]
    if len(parts) < 2:
        return parts[0] if parts else conforming_report()
    lines = chain.from_iterable(_lines(report.turtle) for report in parts)
    return Report(tuple(result for report in parts for result in report.results), report_text(lines))


def _lines(turtle: str) -> list[str]:
    """Returns the lines of a report that are about results."""
    return turtle.split("\n")[_HEAD.count("\n") + 1 : -1]


def report_of_change(report: Report, changed: Iterable[Quad]) -> Report:
    """Returns the part of a report for the author of changed quads.

    It has all violations, those of the subjects and graphs of the quads first, and of the warnings only theirs.
    """
    if not report.results:
        return report
    changed = list(changed)
    nodes = {name for quad in changed for name in (*_whole(quad.subject), *_whole(quad.graph_name))}
    # A rule about the dataset gives the node as its value, which may be the object of a statement.
    values = nodes | {name for quad in changed for name in _whole(quad.object)}
    relevant = [
        result
        for result in report.results
        if result.severity == "violation"
        or result.focus_node in nodes
        or (result.focus_node == DATASET.value and result.value.strip("<>") in values)
    ]
    relevant.sort(key=lambda result: (result.severity != "violation", result.focus_node not in nodes, order(result)))
    return Report(tuple(relevant), _turtle_of(report, relevant), report.scope)


def _whole(term: object) -> Iterator[str]:
    """Yields an IRI, and that of the entity of which it names a part."""
    if isinstance(term, NamedNode):
        yield from {term.value, term.value.partition("#")[0]}


def _turtle_of(report: Report, results: list[ValidationResult]) -> str:
    """Returns the W3C report with these results alone."""
    if len(results) == len(report.results):
        return report.turtle
    names = {_identity(result) for result in results}
    kept, of_nodes = list[str](), list[str]()
    for line in _lines(report.turtle):
        if not (identity := _IDENTITY.match(line)):
            of_nodes.append(line)
        elif identity.groups() in names:
            kept.append(line)
    # A line of a blank node mentions no other one that has a line.
    mentioned = {label for line in kept for label in _LABEL.findall(line)}
    return report_text([*kept, *(line for line in of_nodes if line.partition(" ")[0] in mentioned)])


def _identity(result: ValidationResult) -> tuple[str, str]:
    """Returns focus node and shape of a result in Turtle."""
    focus = result.focus_node
    return turtle_of(focus if focus[0] in '"_' else f"<{focus}>"), turtle_of(f"<{result.shape}>")


def write_report(report: Report, old: Path, new: Path) -> None:
    """Writes the reports of the release in the folder `new`, whose parent is in `old`.

    These are a report on the whole graph, and a line of JSON for each scope of a later commit, about a part of it.
    """
    if report.scope is None:
        (new / REPORT).write_text(report.turtle, encoding="utf-8")
        return
    # The line of a later commit supersedes the report on the whole graph for the nodes in its scope.
    with suppress(FileNotFoundError):
        (new / REPORT).hardlink_to(old / REPORT)
    further = report.further
    parts: tuple[list[ValidationResult], list[ValidationResult]] = ([], [])
    for one in report.results:
        parts[further is not None and further.covers(one.focus_node, one.value, one.shape)].append(one)
    lines = [_later_line(scope, part) for scope, part in zip((report.scope, further), parts, strict=True) if scope]
    (new / LATER).write_bytes(b"".join([*_later_lines(old), *(f"{line}\n".encode() for line in lines)]))


def _later_line(scope: ReportScope, results: Iterable[ValidationResult]) -> str:
    judged = {name: sorted(iris) for name, iris in asdict(scope).items()}
    listed = [asdict(result) for result in sorted(results, key=order)]
    return json.dumps({"judged": judged, "results": listed}, ensure_ascii=False)


def _later_lines(folder: Path) -> Iterator[bytes]:
    """Yields the report lines of a release's later commits; many lines are merged into few."""
    try:
        text = (folder / LATER).read_bytes()
    except FileNotFoundError:
        return
    if text.count(b"\n") < _MOST_LATER:
        yield text
        return
    scopes, results = later_results(folder)
    # Valid results are in the last line, which no other line supersedes.
    for number, scope in enumerate(scopes, 1):
        yield _later_line(scope, results if number == len(scopes) else ()).encode() + b"\n"


def later_results(folder: Path) -> tuple[ReportScopes, list[ValidationResult]]:
    """Returns the nodes that commits since the last build validated, and the valid results, newest first."""
    judged, results = ReportScopes(), list[ValidationResult]()
    for scope, found in reversed(list(read_later_reports(folder))):
        results += [one for one in found if not judged.covers(one.focus_node, one.value, one.shape)]
        judged.add(scope)
    return judged, results


def read_later_reports(folder: Path) -> Iterator[tuple[ReportScope, list[ValidationResult]]]:
    """Yields scope and results of the reports of commits since the last build, the oldest first."""
    with suppress(FileNotFoundError), (folder / LATER).open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            scope = ReportScope(**{name: frozenset(iris) for name, iris in values["judged"].items()})
            yield scope, [ValidationResult(**{**result, "place": None}) for result in values["results"]]


def values_of_result(result: ValidationResult) -> dict[str, Any]:
    """Returns a result as values of JSON, which share its texts."""
    return {**vars(result), "place": result.place and vars(result.place)}


def result_of_values(values: dict[str, Any]) -> ValidationResult:
    """Returns the result with these values of JSON."""
    place = values["place"]
    return ValidationResult(**{**values, "place": place and Place(**place)})


def order(result: ValidationResult) -> tuple[str, str, int, str, str, str, str, str]:
    """Returns a sort key: violations first, then by file and line, focus node, shape, value and the rest."""
    place = result.place or Place("~", 0)
    return (
        {"violation": "0", "warning": "1"}.get(result.severity, "2"),
        place.file,
        place.line,
        result.focus_node,
        result.shape,
        result.value,
        result.path,
        result.component,
    )


def term_text(value: str) -> str:
    """Returns a term for readers: the text of a literal, or an IRI without brackets."""
    if value.startswith('"'):
        return nfc(value[1 : value.rindex('"')])
    return value.strip("<>")


def label_among(texts: Mapping[str, str]) -> str:
    """Returns the label by which a report names an entity: in the first language of the instance if it has one."""
    return text_in(texts, current_instance().languages[0])


def text_in(texts: Mapping[str, str], language: str) -> str:
    """Returns the text in a language, else in English, in any language, or without a language; "" without a text."""
    tag = best_tag(texts, language, "en", "*", "")
    return "" if tag is None else texts[tag]
