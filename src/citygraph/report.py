"""Validation reports: plain values, their order and their texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, parse, serialize

from citygraph.instance import current_instance
from citygraph.rdf.terms import DATASET, RDF, SH
from citygraph.text import best_tag, nfc

# Files of a release: the report of the build on the whole graph, and those of later commits on parts of it.
REPORT = "report.ttl"
LATER = "report-later.jsonl"
# Lines of commits in that file, after which they are merged.
_MOST_LATER = 64
_REPORT = SH("ValidationReport")
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
    """The results of a validation, and the W3C report as Turtle; without `scope` it is about the whole graph."""

    results: tuple[ValidationResult, ...]
    turtle: str
    scope: ReportScope | None = None

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
    return Report((), f"[] a <{_REPORT.value}> ; <{SH('conforms').value}> true .\n")


def report_of(results: Iterable[ValidationResult]) -> Report:
    """Returns the report with these results."""
    results = tuple(results)
    whole = BlankNode()
    quads = [Quad(whole, RDF("type"), _REPORT), Quad(whole, SH("conforms"), Literal(not results))]
    for result in results:
        node = BlankNode()
        quads += [Quad(whole, SH("result"), node), *(Quad(node, name, term) for name, term in _statements(result))]
    return Report(results, as_turtle(quads))


def _statements(result: ValidationResult) -> Iterator[tuple[NamedNode, NamedNode | Literal]]:
    """Yields the properties of a result in a W3C report."""
    yield RDF("type"), SH("ValidationResult")
    yield SH("resultSeverity"), SH(result.severity.capitalize())
    yield SH("sourceShape"), NamedNode(result.shape)
    yield SH("sourceConstraintComponent"), NamedNode(result.component)
    yield SH("focusNode"), _term(result.focus_node if result.focus_node[0] in '"_' else f"<{result.focus_node}>")
    if result.path:
        yield SH("resultPath"), NamedNode(result.path)
    if result.value:
        yield SH("value"), _term(result.value)
    for language, message in result.messages.items():
        yield SH("resultMessage"), Literal(message, language=language)


def _term(text: str) -> Any:
    """Returns a term from N-Triples."""
    (triple,) = parse(f"<{_REPORT.value}> <{_REPORT.value}> {text} .", RdfFormat.N_TRIPLES)
    return triple.object


def merge_reports(reports: Iterable[Report]) -> Report:
    """Returns one report from those on parts of a graph."""
    parts = [report for report in reports if report.results]
    if len(parts) < 2:
        return parts[0] if parts else conforming_report()
    whole = BlankNode()
    quads = [Quad(whole, RDF("type"), _REPORT), Quad(whole, SH("conforms"), Literal(False))]
    for report in parts:
        # Renamed: blank nodes of two reports may have the same label.
        part = list(parse(report.turtle, RdfFormat.TURTLE, rename_blank_nodes=True))
        own = {quad.subject for quad in part if quad.object == _REPORT}
        quads += (quad for quad in part if quad.subject not in own)
        quads += (Quad(whole, q.predicate, q.object) for q in part if q.subject in own and q.predicate == SH("result"))
    return Report(tuple(result for report in parts for result in report.results), as_turtle(quads))


def as_turtle(quads: Iterable[Quad]) -> str:
    """Returns the statements of a report as Turtle."""
    return (serialize(quads, format=RdfFormat.TURTLE, prefixes={"sh": SH}) or b"").decode()


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
    quads = list(parse(report.turtle, RdfFormat.TURTLE))
    of_subject: dict[object, list[Quad]] = {}
    for quad in quads:
        of_subject.setdefault(quad.subject, []).append(quad)
    names = {(result.focus_node, result.shape) for result in results}
    dropped = {
        quad.object
        for quad in quads
        if quad.predicate == SH("result") and _identity(of_subject.get(quad.object, ())) not in names
    }
    waiting = [quad.subject for quad in quads if quad.object == _REPORT]
    relevant: dict[Quad, None] = {}
    while waiting:
        for quad in of_subject.pop(waiting.pop(), ()):
            if quad.object not in dropped:
                relevant[quad] = None
                waiting.append(quad.object)
    return (serialize(relevant, format=RdfFormat.TURTLE, prefixes={"sh": SH}) or b"").decode()


def _identity(quads: Iterable[Quad]) -> tuple[str, ...]:
    """Returns focus node and shape of a result in a W3C report."""
    terms = {quad.predicate: quad.object for quad in quads}
    values = (terms.get(SH(name)) for name in ("focusNode", "sourceShape"))
    return tuple(value.value if isinstance(value, NamedNode) else str(value) for value in values)


def write_report(report: Report, old: Path, new: Path) -> None:
    """Writes the reports of the release in the folder `new`, whose parent is in `old`.

    These are a report on the whole graph, and one line of JSON for each later commit, about a part of it.
    """
    if report.scope is None:
        (new / REPORT).write_text(report.turtle, encoding="utf-8")
        return
    # The line of a later commit supersedes the report on the whole graph for the nodes in its scope.
    with suppress(FileNotFoundError):
        (new / REPORT).hardlink_to(old / REPORT)
    line = _later_line(report.scope, report.results)
    (new / LATER).write_bytes(b"".join([*_later_lines(old), line.encode(), b"\n"]))


def _later_line(scope: ReportScope, results: Iterable[ValidationResult]) -> str:
    judged = {name: sorted(iris) for name, iris in asdict(scope).items()}
    return json.dumps({"judged": judged, "results": [asdict(result) for result in results]}, ensure_ascii=False)


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


def order(result: ValidationResult) -> tuple[str, str, int, str, str, str]:
    """Returns a sort key: violations first, then by file and line, focus node, shape and value."""
    place = result.place or Place("~", 0)
    return (
        {"violation": "0", "warning": "1"}.get(result.severity, "2"),
        place.file,
        place.line,
        result.focus_node,
        result.shape,
        result.value,
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
