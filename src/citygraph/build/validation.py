"""Shapes over a graph: shifty finds what breaks them, pySHACL explains it, in a process of their own.

pySHACL changes rdflib for the whole process while it runs, and both may need much memory: so this module is
also a program. It is told the shapes, reads a request a line from standard input and writes an answer a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query

from citygraph.errors import CitygraphError
from citygraph.rdf.terms import CG, RDFS, SH
from citygraph.report import Place, Report, Result, conforming, order
from citygraph.source.files import SourceFile


def validate(shapes: Sequence[Path], data: Path) -> Report:
    """Validate the graph in `data`, a file of N-Triples, against all shapes. (SHACL, W3C Recommendation 2017.)

    Raises CitygraphError if the engines could not run.
    """
    with Validation(shapes) as validation:
        return validation.validate(data)


class Validation:
    """A process that has read the shapes and validates one graph after the other."""

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
        """Validate a file of N-Triples; with `both`, each engine looks at everything and they must agree.

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
            why = self._errors.read().strip() or f"it ended with {self._process.wait()}"
            raise CitygraphError(f"validation could not run: {why}") from None
        results = (Result(**{**values, "place": None}) for values in answer["results"])
        return Report(tuple(results), answer["turtle"])

    def __enter__(self) -> Validation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()
        self._errors.close()


def locate(report: Report, files: Iterable[SourceFile]) -> Report:
    """The report with the file and line of each result, where the files tell; sorted."""
    wanted = {node for result in report.results for node in _subjects(result)}
    best: dict[tuple[str, str, str], Place] = {}
    for file in files if wanted else ():
        for line, quad in file.read_with_lines():
            subject = str(quad.subject)
            if subject in wanted:
                # The first place in the files that fits. A rule in SPARQL tells its value but no path.
                predicate, value = quad.predicate.value, str(quad.object)
                for key in ((predicate, value), (predicate, ""), ("", value), ("", "")):
                    best.setdefault((subject, *key), Place(file.name, line))
    located = (result.at(next((best[key] for key in _keys(result) if key in best), None)) for result in report.results)
    return Report(tuple(sorted(located, key=order)), report.turtle)


def _subjects(result: Result) -> Iterator[str]:
    yield f"<{result.focus_node}>"
    yield result.value


def _keys(result: Result) -> Iterator[tuple[str, str, str]]:
    focus = f"<{result.focus_node}>"
    yield (focus, result.path, result.value)
    yield (focus, result.path, "")
    if not result.path and result.value.startswith("<"):
        # A rule about the whole dataset names the offending node as its value.
        yield (result.value, "", "")
    yield (focus, "", "")


class Validator:
    """Both engines with their shapes read, for a process that does nothing but validate: pySHACL changes rdflib."""

    def __init__(self, shapes: Sequence[Path]) -> None:
        import shifty
        from rdflib import Graph, plugin
        from rdflib.query import Processor

        plugin.register("sparql", Processor, "citygraph.build.validation", "Prepared")
        text = "\n".join(path.read_text(encoding="utf-8") for path in shapes)
        self._finder = shifty.PreparedValidator(text)
        self._shapes = Graph().parse(data=text, format="turtle")

    @property
    def shapes(self) -> Any:
        """The shapes, as a graph of rdflib's."""
        return self._shapes

    def validate(self, data: Path, both: bool = False) -> Report:
        """Validate a file of N-Triples.

        With `both` pySHACL looks at everything too, not just at what shifty found. Raises CitygraphError if
        the engines disagree.
        """
        found = self.find(data)
        return self.explain(data, found, both) if found or both else conforming()

    def find(self, data: Path, among: Callable[[str, str], bool] | None = None) -> set[tuple[str, str]]:
        """The focus nodes that shifty finds in breach, of whatever severity, each with its shape.

        With `among`, only results matter of whose focus node and value it is true.
        """
        # "data": the default also counts the shapes' own nodes as data, such as the blank nodes of their lists.
        result = self._finder.validate_algebra(data, graph_mode="data", infer=False, on_unsupported="error")
        return {
            (_bare(v.focus_node), _bare(v.shape_name or ""))
            for v in result.violations
            if among is None or any(among(_bare(v.focus_node), _bare(reason.value or "")) for reason in v.reasons)
        }

    def explain(self, data: Path, found: set[tuple[str, str]], both: bool = False) -> Report:
        """What pySHACL says of the nodes and shapes that shifty found. Raises CitygraphError if the two disagree."""
        report = self._explain(data, self._shapes if both else _aimed_at(self._shapes, found))
        differing = {node for node, _ in found} ^ {result.focus_node for result in report.results}
        if differing:
            raise CitygraphError(f"shifty and pySHACL disagree on {sorted(differing)[:5]}")
        return report

    def _explain(self, data: Path, shapes: Any) -> Report:
        """The W3C report of pySHACL."""
        import pyshacl
        from rdflib import Graph

        graph = Graph().parse(data, format="nt")
        _, results, _ = pyshacl.validate(graph, shacl_graph=shapes, inplace=True)
        return Report(tuple(_results(results, graph, shapes)), results.serialize(format="turtle"))


def main() -> None:
    """Answer requests on standard input until it ends: the program that `Validation` starts."""
    validator = Validator([Path(name) for name in sys.argv[1:]])
    for line in sys.stdin:
        request = json.loads(line)
        report = validator.validate(Path(request["data"]), request["both"])
        answer = {"results": [asdict(result) for result in report.results], "turtle": report.turtle}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _aimed_at(shapes: Any, found: set[tuple[str, str]]) -> Any:
    """The shapes, each aimed at the nodes found to break it and at nothing else.

    (pySHACL's own `focus_nodes` also drops the nodes of nested shapes, so that sh:not finds faults that are none.)
    """
    from rdflib import Graph, URIRef
    from rdflib.util import from_n3

    aimed = Graph() + shapes
    for name in ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf"):
        aimed.remove((None, URIRef(SH(name).value), None))
    for node, shape in found:
        term = from_n3(node) if node.startswith(('"', "_:")) else URIRef(node)
        aimed.add((URIRef(shape), URIRef(SH("targetNode").value), term))
    return aimed


def _bare(term: str) -> str:
    """An IRI without its brackets; literals and blank nodes as in N-Triples."""
    return term[1:-1] if term.startswith("<") else term


def _results(results: Any, graph: Any, shapes: Any) -> Iterator[Result]:
    from rdflib import URIRef

    def uri(term: Any) -> Any:
        return URIRef(term.value)

    # What stands under sh:detail belongs to another result.
    for node in results.objects(None, uri(SH("result"))):
        focus = results.value(node, uri(SH("focusNode")))
        shape = results.value(node, uri(SH("sourceShape")))
        path = results.value(node, uri(SH("resultPath")))
        value = results.value(node, uri(SH("value")))
        yield Result(
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
    return labels.get("en") or next(iter(labels.values()), "")


if __name__ == "__main__":
    main()


class Prepared(SPARQLProcessor):
    """A processor of queries that remembers what it parsed."""

    def query(  # type: ignore[override]  # as above it, where rdflib leaves Processor's own signature too
        self,
        strOrQuery: str | Query,  # noqa: N803 - rdflib calls it so
        initBindings: Mapping[str, Any] | None = None,  # noqa: N803
        initNs: Mapping[str, Any] | None = None,  # noqa: N803
        base: str | None = None,
        DEBUG: bool = False,  # noqa: N803
    ) -> Mapping[str, Any]:
        """Answer a query, parsing it where its text with these prefixes is new."""
        query = strOrQuery
        if isinstance(query, str):
            query = _parsed(query, tuple(sorted((initNs or {}).items())), base)
        return super().query(query, initBindings, initNs, base, DEBUG)


# As many as all shapes have queries, a few times over.
@lru_cache(256)
def _parsed(text: str, prefixes: tuple[tuple[str, Any], ...], base: str | None) -> Query:
    return prepareQuery(text, dict(prefixes), base)
