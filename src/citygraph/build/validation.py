"""SHACL validation: shifty finds violations, pySHACL explains them, both in a process of their own.

Before them, one pass checks each statement by itself (`build/statements.py`), because the engines differ on ill-formed
literals. pySHACL changes rdflib for the whole process while it runs, and both may need much memory. This module is
therefore also a program: it takes files as arguments, reads a request per line, and writes a response and its results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from datetime import date
from functools import cache, partial
from itertools import islice
from pathlib import Path
from select import select
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from pyoxigraph import Literal

from citygraph.build.dependencies import Unbounded, query_patterns
from citygraph.build.locations import locate
from citygraph.build.relevant_triples import RelevantTriples, ShapePart, ShapeReader
from citygraph.build.shape_dependencies import names_of_shapes
from citygraph.build.shared_parts import perform_parts
from citygraph.build.statements import CheckedFile, StatementRules, with_faults
from citygraph.build.triple_table import TripleTable
from citygraph.errors import CitygraphError, EnginesDisagree
from citygraph.parent import die_with_parent
from citygraph.rdf.terms import RDFS, XSD
from citygraph.report import (
    Finding,
    Report,
    conforming_report,
    finding_of,
    label_among,
    merge_reports,
    result_of_values,
    term_text,
    values_of_result,
)
from citygraph.source.files import Sources

_MAX_RESULTS = 5
# shifty needs up to 3 KB of memory for each.
MOST_TRIPLES = 350_000
# pySHACL needs some 20 KB for each node with results.
MOST_EXPLAINED = 20_000
_BLANK = "_:"


def validate(sources: Sources, data: Path) -> Report:
    """Validates the graph in `data`, a file of N-Triples, against all shapes (SHACL, W3C Recommendation 2017).

    Raises CitygraphError if the engines could not run, EnginesDisagree if they differ.
    """
    with Validation(sources) as validation:
        return validation.validate(data)


class Validation:
    """A process with loaded shapes that validates graphs one after the other."""

    def __init__(self, sources: Sources) -> None:
        self._today = sources.today
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.build.validation", _as_text(sources), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def validate(self, data: Path, both: bool = False) -> Report:
        """Validates a file of N-Triples. With `both`, each engine checks everything and they must agree.

        Raises CitygraphError if the engines could not run, EnginesDisagree if they differ.
        """
        self.start(data, both)
        return self.report()

    def start(self, data: Path, both: bool = False, with_places: bool = False) -> None:
        """Begins to validate a file of N-Triples; with `with_places`, finds the results in the data files too."""
        self._send({"data": str(data), "both": both, "places": with_places, "today": self._today().isoformat()})

    def prepare(self, data: Path) -> None:
        """Begins to read a file of N-Triples that will be validated after more lines have been appended to it."""
        self._send({"prepare": str(data)})

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with suppress(BrokenPipeError):  # the process has ended; `report` has the reason
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()

    def report(self) -> Report:
        """Returns the report of the last started validation. Raises what `validate` raises."""
        assert self._process.stdout is not None  # noqa: S101
        self._send({"awaited": True})
        answers = map(json.loads, iter(self._process.stdout.readline, None))
        try:
            answer = next(answers)
            results = tuple(map(result_of_values, islice(answers, answer.get("results", 0))))
        except json.JSONDecodeError:
            self._errors.seek(0)
            # Standard error of the process has the traceback.
            why = self._errors.read().strip() or f"it ended with {self._process.wait()}"
            raise CitygraphError(f"validation could not run: {why}") from None
        if "disagreement" in answer:
            raise EnginesDisagree(answer["disagreement"])
        return Report(results, answer["turtle"])

    def __enter__(self) -> Validation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A process that has ended early cannot be sent what was left to send.
        with suppress(BrokenPipeError), self._process:
            # It holds no state that is worth saving.
            self._process.kill()
        self._errors.close()


class Validator:
    """Both engines with loaded shapes, for a process that only validates, because pySHACL changes rdflib.

    Of large data, a fork of the process validates some parts from the moment at which `is_awaited` returns true.
    """

    def __init__(self, sources: Sources, is_awaited: Callable[[], bool] = lambda: False) -> None:
        self._is_awaited = is_awaited
        files = sources.shape_files()
        # One text: shapes of one file may refer to those of another.
        self.text = "\n".join(file.shapes_text() for file in files)
        self.statements = StatementRules(
            [file.path for file in sources.ontology_files()], [file.path for file in files]
        )
        self._prepared: CheckedFile | None = None
        self._day: date | None = None
        # rdflib takes some 30 ms for each query.
        self._patterns = cache(query_patterns)
        self.set_day(sources.today())

    def set_day(self, today: date) -> None:
        """Loads the shapes for a day, which NOW() in their queries means, unless they are loaded for it.

        Both engines evaluate NOW() in UTC, but a day begins at another time where the instance is.
        """
        import shifty

        if today == self._day:
            return
        now = Literal(f"{today}T00:00:00", datatype=XSD("dateTime"))
        self._text_of_day = self.text.replace("NOW()", str(now).replace('"', "'"))
        self._finder = shifty.PreparedValidator(self._text_of_day)
        self._shapes: Any = None
        self._day = today

    @property
    def shapes(self) -> Any:
        """The shapes as a graph of rdflib, which is read when it is needed: a commit without results needs none."""
        from rdflib import Graph

        if self._shapes is None:
            # The usual store in memory also remembers in which graphs each triple is.
            self._shapes = Graph("SimpleMemory").parse(data=self._text_of_day, format="turtle")
        return self._shapes

    def validate(self, data: Path, both: bool = False) -> Report:
        """Validates a file of N-Triples.

        With `both`, pySHACL checks everything, not only the violations that shifty found. Raises EnginesDisagree if the
        engines differ.
        """
        file = self._prepared if self._prepared and self._prepared.path == data else CheckedFile(data, self.statements)
        self._prepared = None
        file.read()
        faults, readable = file.faults, data
        if faults:
            labels = _labels(data, {fault.focus_node for fault in faults})
            faults = [replace(fault, label=labels.get(fault.focus_node, "")) for fault in faults]
            readable = data.with_suffix(".readable.nt")
            with data.open(encoding="utf-8") as lines, readable.open("w", encoding="utf-8") as other:
                other.writelines(self.statements.for_engines(lines))
            with readable.open(encoding="utf-8") as lines:
                file.table = TripleTable(lines)
        report = (
            self.explain(readable, self.find(readable), both) if both else self._validate_by_parts(readable, file.table)
        )
        if readable != data:
            readable.unlink()
        return with_faults(report, faults)

    def prepare(self, data: Path) -> None:
        """Reads a file as far as it is written, and the shapes if it is so large that they are needed in any case."""
        if self._prepared:
            self._prepared.read()
            return
        self._prepared = CheckedFile(data, self.statements)
        self._prepared.read()
        if self._prepared.table.size > MOST_TRIPLES:
            with suppress(Unbounded):
                # The patterns of queries are kept.
                ShapeReader(self.shapes, names_of_shapes(self.shapes), TripleTable(), self._patterns)

    def _validate_by_parts(self, data: Path, table: TripleTable) -> Report:
        """Validates a file of N-Triples: large data in parts, each with only the triples that its shapes can read."""
        failing = self.find(data) if table.size <= MOST_TRIPLES else self.find_in_parts(data, table)
        if not failing:
            return conforming_report()
        reader = ShapeReader(self.shapes, {shape for _, shape in failing}, table, self._patterns)
        nodes = {node for node, _ in failing}
        if reader.unbounded or any(node.startswith('"') for node in nodes):
            return self.explain(data, failing)
        ordered = sorted(nodes)
        parts = [set(ordered[start : start + MOST_EXPLAINED]) for start in range(0, len(ordered), MOST_EXPLAINED)]

        def explain(part: set[str]) -> Report:
            with selected(reader.explaining(part), data) as few:
                return self.explain(few, {pair for pair in failing if pair[0] in part})

        return merge_reports(perform_parts(parts, explain, self._is_awaited, data.parent))

    def find_in_parts(self, data: Path, table: TripleTable) -> set[tuple[str, str]]:
        """Returns what `find` does."""
        try:
            names = names_of_shapes(self.shapes)
        except Unbounded:
            return self.find(data)
        parts = list(ShapeReader(self.shapes, names, table, self._patterns).parts(MOST_TRIPLES))
        return set().union(*perform_parts(parts, partial(self.find_part, data=data), self._is_awaited, data.parent))

    def find_part(self, part: ShapePart, data: Path) -> set[tuple[str, str]]:
        """Returns what `find` does about the shapes and nodes of a part."""
        with nullcontext(data) if part.read is None else selected(part.read(), data) as few:
            return self.find(few, part.owns, part.shapes)

    def find(
        self, data: Path, among: Callable[[str, str], bool] | None = None, shapes: list[str] | None = None
    ) -> set[tuple[str, str]]:
        """Returns the focus nodes with results of any severity according to shifty, each with its shape.

        Blank nodes are not among them: shifty takes a blank focus node for a variable (findings/), and data with blank
        nodes are rejected by a shape whose focus node is the dataset.

        With `among`, only results count for whose focus node and value it returns true; with `shapes`, only these
        shapes, given by name.
        """
        # "data": the default also counts the shapes' own nodes as data, such as the blank nodes of their lists.
        result = self._finder.validate_algebra(
            data, graph_mode="data", infer=False, on_unsupported="error", shape_names=shapes
        )
        return {
            (_bare(v.focus_node), _bare(v.shape_name or ""))
            for v in result.violations
            if not _bare(v.focus_node).startswith(_BLANK)
            and (among is None or any(among(_bare(v.focus_node), _bare(reason.value or "")) for reason in v.reasons))
        }

    def explain(
        self,
        data: Path,
        failing: set[tuple[str, str]],
        both: bool = False,
        among: Callable[[str, str], bool] | None = None,
    ) -> Report:
        """Returns pySHACL's report on these nodes and shapes, restricted as in `find`.

        Raises EnginesDisagree if shifty's results differ in a focus node, shape, path or value.
        """
        from citygraph.build.adapted_pyshacl import adapt, explain, listed_triples
        from citygraph.build.engine_results import findings_in

        adapt()
        names = None if both else sorted({shape for _, shape in failing})
        with listed_triples() as triples:
            self._finder.validate(data, graph_mode="data", infer=False, on_unsupported="error", shape_names=names)
        nodes = {finding_of(node, shape, "", "")[0] for node, shape in failing}
        by_shifty = {
            finding
            for finding in findings_in(triples)
            if (both or finding[0] in nodes)
            and not finding[0].startswith(_BLANK)
            and (among is None or among(finding[0], finding[3]))
        }
        report = explain(data, self.shapes, None if both else failing)
        results = tuple(
            r
            for r in report.results
            if not r.focus_node.startswith(_BLANK) and (among is None or among(r.focus_node, r.value))
        )
        by_pyshacl = {finding_of(r.focus_node, r.shape, r.path, r.value) for r in results}
        if by_shifty != by_pyshacl:
            raise EnginesDisagree(
                "the validation engines disagree, so nothing was published; please report this error: "
                f"{_verdicts(by_shifty, by_pyshacl)}"
            )
        return Report(results, report.turtle)


@contextmanager
def selected(triples: RelevantTriples, data: Path) -> Iterator[Path]:
    """Yields a file with these triples of a file, while the context lasts."""
    few = data.with_suffix(f".few-{os.getpid()}.nt")
    triples.copy(data, few)
    try:
        yield few
    finally:
        few.unlink()


def main() -> None:
    """Responds to requests on standard input until it ends. `Validation` starts this program."""
    die_with_parent(int(sys.argv[2]))
    sources = Sources(**{name: _of_json(value) for name, value in json.loads(sys.argv[1]).items()})
    requests = open(sys.stdin.fileno(), "rb", buffering=0)  # noqa: PTH123, SIM115 - without a buffer, for `select`
    # During a validation, the next request is that somebody waits for its report, so that a processor is idle.
    validator = Validator(sources, lambda: bool(select([requests], [], [], 0)[0]))
    for line in iter(requests.readline, b""):
        request = json.loads(line)
        if "prepare" in request:
            validator.prepare(Path(request["prepare"]))
        if "data" not in request:
            continue
        validator.set_day(date.fromisoformat(request["today"]))
        try:
            report = validator.validate(Path(request["data"]), request["both"])
            if request["places"]:
                report = locate(report, sources.data_files())
            answers = _answers(report)
        except EnginesDisagree as error:
            answers = iter([{"disagreement": str(error)}])
        sys.stdout.writelines(json.dumps(answer) + "\n" for answer in answers)
        sys.stdout.flush()


def _answers(report: Report) -> Iterator[dict[str, Any]]:
    """Yields a report as values of JSON, each result by itself: all of them would be in memory several times."""
    yield {"results": len(report.results), "turtle": report.turtle}
    yield from map(values_of_result, report.results)


def _as_text(sources: Sources) -> str:
    return json.dumps(asdict(sources), default=_as_json)


def _as_json(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, frozenset) else str(value)


def _of_json(value: Any) -> Any:
    return frozenset(map(Path, value)) if isinstance(value, list) else Path(value) if value else None


def _bare(term: str) -> str:
    """Returns an IRI without angle brackets; literals and blank nodes as in N-Triples."""
    return term[1:-1] if term.startswith("<") else term


def _labels(data: Path, nodes: set[str]) -> dict[str, str]:
    """Returns the label of each node."""
    labels: dict[str, dict[str, str]] = {}
    with data.open(encoding="utf-8") as file:
        for line in file:
            node, predicate, value = line.split(" ", 2)
            if predicate == str(RDFS("label")) and _bare(node) in nodes and value[0] == '"':
                tag = value[value.rindex('"') + 1 :].removesuffix(" .\n").removeprefix("@")
                labels.setdefault(_bare(node), {})[tag] = term_text(value)
    return {node: label_among(texts) for node, texts in labels.items()}


def _verdicts(by_shifty: set[Finding], by_pyshacl: set[Finding]) -> str:
    """Returns the verdicts that differ."""
    lines = [
        f"<{focus}> {shape.rpartition('#')[2]} {path and f'<{path}>'} {value}: shifty says {one}, pySHACL {other}"
        for one, other, only in (
            ("violation", "none", by_shifty - by_pyshacl),
            ("none", "violation", by_pyshacl - by_shifty),
        )
        for focus, shape, path, value in sorted(only)[:_MAX_RESULTS]
    ]
    return "; ".join(lines)


if __name__ == "__main__":
    main()
