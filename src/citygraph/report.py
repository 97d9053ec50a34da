"""What validation found: plain values, their order, and their words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pyoxigraph import BlankNode, Literal, Quad, RdfFormat, parse, serialize

from citygraph.rdf.terms import RDF, SH
from citygraph.text import nfc

# Of a release: the report on the whole graph, and what commits judged after it.
REPORT = "report.ttl"
LATER = "report-later.jsonl"
_REPORT = SH("ValidationReport")


@dataclass(frozen=True)
class Place:
    """Where a statement stands: a file's name and a line, counted from one."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Result:
    """One SHACL validation result; IRIs are whole, `messages` and `remedies` map languages to sentences."""

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
        """What is wrong, in that language or else in English."""
        return _in_language(self.messages, language) or f"breaks {self.shape}"

    def remedy(self, language: str) -> str:
        """How to mend it, in that language or else in English; empty where the shape does not say."""
        return _in_language(self.remedies, language)

    def at(self, place: Place | None) -> Result:
        """This result with its place."""
        return replace(self, place=place)


@dataclass(frozen=True)
class Judged:
    """What a report is about that is not about the whole graph; IRIs.

    Of a node in `datasets`, which stands for the graph as a whole, only results with these `values`.
    """

    nodes: Set[str] = frozenset()
    values: Set[str] = frozenset()
    datasets: Set[str] = frozenset()

    def covers(self, focus: str, value: str) -> bool:
        """Whether a result is one of this report; `value` as in N-Triples or without brackets."""
        return focus in self.nodes or (focus in self.datasets and value.strip("<>") in self.values)


@dataclass(frozen=True)
class Report:
    """The results of validating one graph, and the W3C report as Turtle; without `judged` it is about all of it."""

    results: tuple[Result, ...]
    turtle: str
    judged: Judged | None = None

    @property
    def violations(self) -> tuple[Result, ...]:
        """The results that stop a release."""
        return tuple(result for result in self.results if result.severity == "violation")

    @property
    def warnings(self) -> tuple[Result, ...]:
        """The results that do not."""
        return tuple(result for result in self.results if result.severity != "violation")

    @property
    def conforms(self) -> bool:
        """Whether there is no violation. (In the W3C report sh:conforms is false for warnings too.)"""
        return not self.violations


def conforming() -> Report:
    """The report of a graph in which nothing was found."""
    return Report((), f"[] a <{_REPORT.value}> ; <{SH('conforms').value}> true .\n")


def joined(reports: Iterable[Report]) -> Report:
    """One report of all that was found in parts of a graph."""
    found = [report for report in reports if report.results]
    if len(found) < 2:
        return found[0] if found else conforming()
    whole = BlankNode()
    quads = [Quad(whole, RDF("type"), _REPORT), Quad(whole, SH("conforms"), Literal(False))]
    for report in found:
        part = list(parse(report.turtle, RdfFormat.TURTLE, rename_blank_nodes=True))
        own = {quad.subject for quad in part if quad.object == _REPORT}
        quads += (quad for quad in part if quad.subject not in own)
        quads += (Quad(whole, q.predicate, q.object) for q in part if q.subject in own and q.predicate == SH("result"))
    turtle = serialize(quads, format=RdfFormat.TURTLE, prefixes={"sh": SH}) or b""
    return Report(tuple(result for report in found for result in report.results), turtle.decode())


def write_report(report: Report, old: Path, new: Path) -> None:
    """Write what is known of the release in the folder `new`, whose parent is in `old`.

    That is a report on the whole graph, and a line of JSON for each commit since, which judged a part of it.
    """
    if report.judged is None:
        (new / REPORT).write_text(report.turtle, encoding="utf-8")
        return
    with suppress(FileNotFoundError):
        (new / REPORT).hardlink_to(old / REPORT)
    judged = {name: sorted(iris) for name, iris in asdict(report.judged).items()}
    line = json.dumps({"judged": judged, "results": [asdict(result) for result in report.results]}, ensure_ascii=False)
    with (new / LATER).open("wb") as file:
        with suppress(FileNotFoundError):
            file.write((old / LATER).read_bytes())
        file.write(line.encode() + b"\n")


def read_later(folder: Path) -> Iterator[tuple[Judged, list[Result]]]:
    """What commits since the last build judged, and what they found; the oldest first."""
    with suppress(FileNotFoundError), (folder / LATER).open(encoding="utf-8") as file:
        for line in file:
            values = json.loads(line)
            judged = Judged(**{name: frozenset(iris) for name, iris in values["judged"].items()})
            yield judged, [Result(**{**result, "place": None}) for result in values["results"]]


def order(result: Result) -> tuple[str, str, int, str, str, str]:
    """Sort key: violations first, then by file and line, then by what is meant."""
    place = result.place or Place("~", 0)
    return (
        {"violation": "0", "warning": "1"}.get(result.severity, "2"),
        place.file,
        place.line,
        result.focus_node,
        result.shape,
        result.value,
    )


def shown(value: str) -> str:
    """A term as people read it: the text of a literal, an IRI without its brackets."""
    if value.startswith('"'):
        return nfc(value[1 : value.rindex('"')])
    return value.strip("<>")


def _in_language(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
