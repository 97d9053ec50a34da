"""The result of a check of uploaded spreadsheets: values that processes exchange as JSON, and the update they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from citygraph.commit.change import Update
from citygraph.release.releases import Release
from citygraph.sheets.cell_problems import ERROR, CellAddress, CellProblem, CellRule, problem_from_json
from citygraph.sheets.importing import SheetDifference
from citygraph.sheets.later_changes import LaterChanges
from citygraph.sheets.merging import ChangedBy
from citygraph.sheets.slots import slot_of

CHANGED_MEANWHILE = CellRule(
    "changed-meanwhile",
    "The graph was changed here since the preview: {now} ({by})",
    "Upload the file again and decide in the new preview which value is right.",
)


@dataclass(frozen=True)
class CheckedUpload:
    """The statements of uploaded files as N-Quads with their cells, their problems, and the graph that they change.

    `versions` has the version of each source's graph that the check compared with, "" for a graph that did not exist.
    """

    files: tuple[str, ...]
    cells: Mapping[str, CellAddress]
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()  # statements of the graphs that come from no cell and stay
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> list[CellProblem]:
        """The problems that prevent an import."""
        return [problem for problem in self.problems if problem.rule.severity == ERROR]

    @cached_property
    def difference(self) -> SheetDifference:
        """The statements that the import adds and removes."""
        return SheetDifference(tuple(_quads(self.added)), tuple(_quads(self.removed)))

    def address_of(self, quad: Quad) -> CellAddress | None:
        """Returns the cell that a statement comes from."""
        return self.cells.get(as_nquad(quad))

    def update(self) -> Update:
        """Returns the import as SPARQL Update: exactly the statements of the preview."""
        return Update(_operations("DELETE", self.removed) + _operations("INSERT", self.added))

    def reverse(self) -> Update:
        """Returns the update that undoes the import, and removes the graphs that it created."""
        created = [graph for graph, version in self.versions.items() if not version]
        added = [line for line in self.added if not line.endswith(tuple(f" <{graph}>" for graph in created))]
        drops = "".join(f"DROP GRAPH <{graph}> ;\n" for graph in created)
        return Update(drops + _operations("DELETE", added) + _operations("INSERT", self.removed))

    def conflicts(self, release: Release) -> list[CellProblem]:
        """Returns the cells whose property has changed in the graph since the preview.

        If only others have changed, it is the first cell of their source.
        """
        store, later = release.open_store(), LaterChanges(release, "")
        old = {*(self.cells.keys() - set(self.added)), *self.removed, *self.unchanged}
        problems: list[CellProblem] = []
        for graph in self.versions:
            now = set(map(as_nquad, store.quads_for_pattern(None, None, None, NamedNode(graph))))
            before = {line for line in old if line.endswith(f" <{graph}>")}
            if now != before:
                problems += self._conflicts(graph, sorted(before ^ now), now, later.by)
        return problems

    def _conflicts(
        self, graph: str, lines: Sequence[str], now: set[str], changed_by: ChangedBy
    ) -> Iterator[CellProblem]:
        theirs: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for quad, line in ((next(_quads([line])), line) for line in lines):
            values = theirs[quad.subject, quad.predicate]
            if line in now:
                values.append(str(getattr(quad.object, "value", quad.object)))
        named: set[CellAddress] = set()
        for line, address in self.cells.items():
            quad = next(_quads([line]))
            values_now = theirs.get((quad.subject, quad.predicate))
            if line.endswith(f" <{graph}>") and values_now is not None and address not in named:
                named.add(address)
                value = str(getattr(quad.object, "value", quad.object))
                changes = {"now": ", ".join(values_now) or "–", "by": changed_by(slot_of(quad))}
                yield CellProblem(CHANGED_MEANWHILE, address, value, changes)
        first = next((address for line, address in self.cells.items() if line.endswith(f" <{graph}>")), None)
        if not named and first:
            others = ", ".join(value for of_slot in theirs.values() for value in of_slot)
            changes = {"now": others or "–", "by": changed_by(slot_of(next(_quads(lines))))}
            yield CellProblem(CHANGED_MEANWHILE, first, graph.rpartition("/")[2], changes)

    def as_json(self) -> dict[str, Any]:
        """Returns the values as a JSON object."""
        return {**asdict(self), "cells": [[line, asdict(address)] for line, address in self.cells.items()]}


def upload_from_json(values: Mapping[str, Any]) -> CheckedUpload:
    """Returns the result from a JSON object."""
    lists = {name: tuple(values[name]) for name in ("files", "notes", "added", "removed", "unchanged")}
    problems = tuple(map(problem_from_json, values["problems"]))
    cells = {line: CellAddress(**address) for line, address in values["cells"]}
    return CheckedUpload(**lists, cells=cells, problems=problems, versions=values["versions"])


def as_nquad(quad: Quad) -> str:
    """Returns a statement of a named graph as a line of N-Quads, without the full stop."""
    return f"{quad.subject} {quad.predicate} {quad.object} {quad.graph_name}"


def _quads(lines: Iterable[str]) -> Iterator[Quad]:
    return parse("".join(f"{line} .\n" for line in lines), format=RdfFormat.N_QUADS)


def _operations(verb: str, lines: Iterable[str]) -> str:
    """Returns an operation for each graph; one without statements would be a syntax error to some readers."""
    graphs: dict[str, list[str]] = defaultdict(list)
    for quad in _quads(lines):
        graphs[str(quad.graph_name)].append(str(quad.triple))
    blocks = ((graph, " .\n".join(triples)) for graph, triples in sorted(graphs.items()))
    return "".join(f"{verb} DATA {{ GRAPH {graph} {{\n{triples}\n}} }} ;\n" for graph, triples in blocks)
