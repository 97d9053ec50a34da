"""The places of results: the file and line that each is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import BlankNode, Literal

from citygraph.rdf.terms import DATASET
from citygraph.report import Place, Report, ValidationResult, order
from citygraph.source.files import SourceFile
from citygraph.source.statement_lines import ANY_BLANK

# In place of a property: a node that statements mention as object or graph.
_USED = "used"


def locate(report: Report, files: Iterable[SourceFile]) -> Report:
    """Returns the report, sorted, with file and line of each result where the files contain it."""
    subjects = {node for result in report.results for node in _subjects(result)}
    best: dict[tuple[str, str, str], Place] = {}
    for file in files if subjects else ():
        for line, quad in file.read_about(subjects):
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
    # A graph is described by a node of its own.
    yield _name(f"<{result.focus_node.removesuffix('#graph')}>")
    yield _name(result.value)


def _keys(result: ValidationResult) -> Iterator[tuple[str, str, str]]:
    focus, value = _subjects(result)
    if result.focus_node == DATASET.value and value.startswith(("<", ANY_BLANK)):
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
    return ANY_BLANK if isinstance(term, BlankNode) else str(term)


def _name(term: str) -> str:
    """Returns a term as in N-Triples; blank nodes are equal, because each parse labels them differently."""
    return ANY_BLANK if term.startswith(("_:", "<_:")) else term
