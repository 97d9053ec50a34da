"""SHACL validation: shifty finds violations, pySHACL explains them, both in a process of their own.

pySHACL changes rdflib for the whole process while it runs, and both may need much memory. This module is therefore also
a program: it takes shapes as arguments, reads one request per line and writes one response per line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from pyoxigraph import BlankNode, Literal

from citygraph.errors import CitygraphError
from citygraph.rdf.terms import CG, DATASET, RDFS, SH
from citygraph.report import Place, Report, ValidationResult, conforming_report, order
from citygraph.source.files import SourceFile
from citygraph.source.reading import read_packaged_text
from citygraph.text import best_tag

# In place of a property: a node that statements mention as object or graph.
_USED = "used"
_BLANK = "_:"


def validate(shapes: Sequence[Path], data: Path) -> Report:
    """Validates the graph in `data`, a file of N-Triples, against all shapes (SHACL, W3C Recommendation 2017).

    Raises CitygraphError if the engines could not run.
    """
    with Validation(shapes) as validation:
        return validation.validate(data)


class Validation:
    """A process with loaded shapes that validates graphs one after the other."""

    def __init__(self, shapes: Sequence[Path]) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.build.validation", *map(str, shapes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def validate(self, data: Path, both: bool = False) -> Report:
        """Validates a file of N-Triples. With `both`, each engine checks everything and they must agree.

        Raises CitygraphError if the engines could not run, or differ.
        """
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        try:
            self._process.stdin.write(json.dumps({"data": str(data), "both": both}) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            self._errors.seek(0)
            # Standard error of the process has the traceback.
            why = self._errors.read().strip() or f"it ended with {self._process.wait()}"
            raise CitygraphError(f"validation could not run: {why}") from None
        results = (ValidationResult(**{**values, "place": None}) for values in answer["results"])
        return Report(tuple(results), answer["turtle"])

    def __enter__(self) -> Validation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            # It holds no state that is worth saving.
            self._process.kill()
        self._errors.close()


def locate(report: Report, files: Iterable[SourceFile]) -> Report:
    """Returns the report, sorted, with file and line of each result where the files contain it."""
    subjects = {node for result in report.results for node in _subjects(result)}
    best: dict[tuple[str, str, str], Place] = {}
    for file in files if subjects else ():
        for line, quad in file.read_with_lines():
            subject = _known_name(quad.subject)
            # The first use of a node that no file describes, and the first statement of a graph.
            for term in (quad.object, quad.graph_name):
                if not isinstance(term, Literal) and (name := _known_name(term)) in subjects:
                    best.setdefault((name, _USED, ""), Place(file.name, line))
            if subject in subjects:
                # The first matching place. The result of a SPARQL constraint has a value but no path.
                predicate, value = quad.predicate.value, str(quad.object)
                for key in ((predicate, value), (predicate, ""), ("", value), ("", "")):
                    best.setdefault((subject, *key), Place(file.name, line))
    located = (result.at(next((best[key] for key in _keys(result) if key in best), None)) for result in report.results)
    return Report(tuple(sorted(located, key=order)), report.turtle)


def _subjects(result: ValidationResult) -> Iterator[str]:
    yield _name(f"<{result.focus_node}>")
    yield _name(result.value)


def _keys(result: ValidationResult) -> Iterator[tuple[str, str, str]]:
    focus, value = _subjects(result)
    if result.focus_node == DATASET.value and value.startswith(("<", _BLANK)):
        # A rule about the whole dataset names the offending node as its value.
        yield (value, "", "")
        yield (value, _USED, "")
    yield (focus, result.path, result.value)
    # A statement of the value about the focus node, which a rule has found.
    yield (value, "", focus)
    yield (focus, result.path, "")
    yield (focus, "", "")
    yield (focus, _USED, "")


def _known_name(term: Any) -> str:
    return _BLANK if isinstance(term, BlankNode) else str(term)


def _name(term: str) -> str:
    """Returns a term as in N-Triples; all blank nodes as one, because each reading of a file labels them anew."""
    return _BLANK if term.startswith(("_:", "<_:")) else term


class Validator:
    """Both engines with loaded shapes, for a process that only validates, because pySHACL changes rdflib."""

    def __init__(self, shapes: Sequence[Path]) -> None:
        import shifty
        from rdflib import Graph, plugin
        from rdflib.query import Processor

        plugin.register("sparql", Processor, "citygraph.build.prepared_queries", "Prepared")
        # One text: shapes of one file may refer to those of another.
        text = "\n".join(read_packaged_text(path) for path in shapes)
        self._finder = shifty.PreparedValidator(text)
        self._shapes = Graph().parse(data=text, format="turtle")

    @property
    def shapes(self) -> Any:
        """The shapes as a graph of rdflib."""
        return self._shapes

    def validate(self, data: Path, both: bool = False) -> Report:
        """Validates a file of N-Triples.

        With `both`, pySHACL checks everything, not only what shifty found. Raises CitygraphError if the engines
        disagree.
        """
        failing = self.find(data)
        return self.explain(data, failing, both) if failing or both else conforming_report()

    def find(self, data: Path, among: Callable[[str, str], bool] | None = None) -> set[tuple[str, str]]:
        """Returns the focus nodes with results of any severity according to shifty, each with its shape.

        With `among`, only results count for whose focus node and value it returns true.
        """
        # "data": the default also counts the shapes' own nodes as data, such as the blank nodes of their lists.
        result = self._finder.validate_algebra(data, graph_mode="data", infer=False, on_unsupported="error")
        return {
            (_bare(v.focus_node), _bare(v.shape_name or ""))
            for v in result.violations
            if among is None or any(among(_bare(v.focus_node), _bare(reason.value or "")) for reason in v.reasons)
        }

    def explain(self, data: Path, failing: set[tuple[str, str]], both: bool = False) -> Report:
        """Returns pySHACL's report on these nodes and shapes. Raises CitygraphError if the engines disagree."""
        report = self._explain(data, self._shapes if both else _aimed_at(self._shapes, failing))
        differing = {node for node, _ in failing} ^ {result.focus_node for result in report.results}
        if differing:
            raise CitygraphError(f"shifty and pySHACL disagree on {sorted(differing)[:5]}")
        return report

    def _explain(self, data: Path, shapes: Any) -> Report:
        """Returns the W3C validation report of pySHACL."""
        import pyshacl
        from rdflib import Graph

        graph = Graph().parse(data, format="nt")
        _, results, _ = pyshacl.validate(graph, shacl_graph=shapes, inplace=True)
        return Report(tuple(_results(results, graph, shapes)), results.serialize(format="turtle"))


def main() -> None:
    """Responds to requests on standard input until it ends. `Validation` starts this program."""
    validator = Validator([Path(name) for name in sys.argv[1:]])
    for line in sys.stdin:
        request = json.loads(line)
        report = validator.validate(Path(request["data"]), request["both"])
        answer = {"results": [asdict(result) for result in report.results], "turtle": report.turtle}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _aimed_at(shapes: Any, failing: set[tuple[str, str]]) -> Any:
    """Returns the shapes with these failing nodes as their only targets.

    (pySHACL's own `focus_nodes` also drops the nodes of nested shapes, so that sh:not reports false violations.)
    """
    from rdflib import Graph, URIRef
    from rdflib.util import from_n3

    aimed = Graph() + shapes
    for name in ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf"):
        aimed.remove((None, URIRef(SH(name).value), None))
    for node, shape in failing:
        term = from_n3(node) if node.startswith(('"', "_:")) else URIRef(node)
        aimed.add((URIRef(shape), URIRef(SH("targetNode").value), term))
    return aimed


def _bare(term: str) -> str:
    """Returns an IRI without angle brackets; literals and blank nodes as in N-Triples."""
    return term[1:-1] if term.startswith("<") else term


def _results(results: Any, graph: Any, shapes: Any) -> Iterator[ValidationResult]:
    from rdflib import URIRef

    def uri(term: Any) -> Any:
        return URIRef(term.value)

    # Only those of the report: a result below sh:detail belongs to another result.
    for node in results.objects(None, uri(SH("result"))):
        focus = results.value(node, uri(SH("focusNode")))
        shape = results.value(node, uri(SH("sourceShape")))
        path = results.value(node, uri(SH("resultPath")))
        value = results.value(node, uri(SH("value")))
        yield ValidationResult(
            severity=str(results.value(node, uri(SH("resultSeverity")))).rpartition("#")[2].lower(),
            focus_node=str(focus) if isinstance(focus, URIRef) else focus.n3(),
            shape=str(shape),
            component=str(results.value(node, uri(SH("sourceConstraintComponent")))),
            path=str(path) if isinstance(path, URIRef) else "",
            value=value.n3() if value is not None else "",
            label=_label(graph, focus, uri(RDFS("label"))),
            # From the shape: in the report pySHACL takes the languages of messages of SPARQL constraints away.
            messages=_by_language(shapes.objects(shape, uri(SH("message")))),
            remedies=_by_language(shapes.objects(shape, uri(CG("remedy")))),
        )


def _by_language(texts: Iterable[Any]) -> dict[str, str]:
    return {text.language or "": str(text) for text in texts}


def _label(graph: Any, node: Any, label: Any) -> str:
    labels = _by_language(graph.objects(node, label))
    tag = best_tag(labels, "en", "*", "")
    return "" if tag is None else labels[tag]


if __name__ == "__main__":
    main()
