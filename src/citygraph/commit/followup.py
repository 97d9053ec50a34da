"""Updates of everything derived from the graphs after a change: default graph, rules, catalog, index, validation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.graph_rules import GraphRules, with_graph_rules
from citygraph.build.shared_parts import PartQueue
from citygraph.commit.commit import Effects, Followup
from citygraph.commit.second_process import SecondProcess
from citygraph.incremental.counts import CountedStore
from citygraph.incremental.dependency_index import nodes_with_paths
from citygraph.incremental.derivation import Deriver
from citygraph.incremental.index_update import update_index
from citygraph.incremental.partial_validation import AffectedNodes, PartialValidator
from citygraph.incremental.pattern_cache import PatternCache
from citygraph.index.names import INDEXED
from citygraph.rdf.delta import Delta
from citygraph.rdf.nquads import as_line
from citygraph.rdf.partial_dates import present_day
from citygraph.release.releases import Staged
from citygraph.report import (
    Report,
    ReportScope,
    ValidationResult,
    result_of_values,
    values_of_result,
    write_report,
)
from citygraph.settings import Settings
from citygraph.source.files import Sources, sources_of
from citygraph.source.rules import read_rules

# A file in the folder of releases, with the patterns that rules and shapes read.
PATTERNS = ".patterns.json"
# Of a change with more triples, the second process does its share.
_MOST_ALONE = 2000


class NoFollowup:
    """The followup of a server with open writes, where nothing is derived and the default graph can be written to."""

    def begin(self) -> None:
        """Does nothing."""

    def update_derived(self, staged: Staged, delta: Delta) -> Effects:  # noqa: ARG002 - the protocol's signature
        """Counts the quads by which each graph grew."""
        graphs: Counter[str] = Counter()
        for quads, sign in ((delta.added, 1), (delta.removed, -1)):
            for quad in quads:
                graphs[quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else ""] += sign
        graphs.pop("", None)
        merged = Delta(_unnamed(delta.added), _unnamed(delta.removed))
        return Effects(delta, graphs, merged, Report((), ""))


def _unnamed(quads: set[Quad]) -> set[Quad]:
    return {quad for quad in quads if isinstance(quad.graph_name, DefaultGraph)}


class IncrementalFollowup:
    """The followup that works from the change alone, wherever the result equals that from the whole graph.

    Of `memory`, the bytes that a commit may use, half are for its second process while that works.
    """

    def __init__(self, sources: Sources, patterns: PatternCache, memory: int) -> None:
        self._deriver = Deriver(read_rules(sources.rule_files()), patterns.read)
        self._validator = PartialValidator(sources, patterns)
        self._graph_rules = GraphRules(file.path for file in sources.shape_files())
        self._graph_rules.read(patterns.read_of_graphs)
        self._parts = PartQueue()
        self._second: SecondProcess | None = None
        self._memory = memory

    def begin(self) -> None:
        """Forks the second process."""
        self._second = SecondProcess(self._respond, self._memory // 2, [self._parts.fileno()])

    def update_derived(self, staged: Staged, delta: Delta) -> Effects:
        """Derives, describes, validates and, if the result conforms, writes report and index."""
        assert staged.parent is not None  # noqa: S101
        parent = staged.parent.manifest
        counted = CountedStore(staged.open())
        counted.record(delta)
        # Rules read the ontology, which only a build can change.
        self._deriver.update(counted, parent.quads, parent.built or parent.id)
        # After the rules: the description counts derived triples too.
        counted.update_description()
        merged = Delta(counted.added, counted.removed)
        is_large = len(merged.added) + len(merged.removed) > _MOST_ALONE
        if is_large and self._second and not self._second.has_ended:
            report = self._validate_with(self._second, staged, counted, merged)
        else:
            report = self._validate(staged, counted, merged)
        if report.conforms:
            write_report(report, staged.parent.path, staged.path)
        return Effects(counted.delta, counted.graphs, merged, report)

    def _validate(self, staged: Staged, counted: CountedStore, merged: Delta) -> Report:
        """Validates the affected nodes and, if they conform, writes the index."""
        assert staged.parent is not None  # noqa: S101
        affected = self._validator.affected(merged, counted.store)
        about = self._concerned_rules(counted, merged, affected)
        report = self._validator.judge(affected, counted.store, staged.path)
        report = _with_graph_rules(report, about, self._graph_rules.check(counted.store, about.nodes, about.shapes))
        if report.conforms:
            update_index(staged.parent.path, staged.path, counted.store, merged.added | merged.removed)
        return report

    def _validate_with(self, second: SecondProcess, staged: Staged, counted: CountedStore, merged: Delta) -> Report:
        """Validates the affected nodes. The second process writes the index and checks the rules about graphs.

        Then it takes parts of the nodes too, so that both end together.
        """
        with second:
            second.start(_write_index_request(staged, merged.added | merged.removed))
            affected = self._validator.affected(merged, counted.store)
            about = self._concerned_rules(counted, merged, affected)
            day = self._validator.today()
            self._parts.fill(len(affected.parts) if affected else 0)
            second.start(_write_rules_request(staged, about, affected, day))
            try:
                reports = self._judge(affected, day, counted.store, staged.path)
            finally:
                self._parts.fill(0)  # after an error, the second process need not take more
            second.result()
            results, others = _read_results(Path(second.result()["results"]))
            report = self._validator.complete(affected, reports | others) if affected else reports[0]
            return _with_graph_rules(report, about, results)

    def _judge(self, affected: AffectedNodes | None, day: date, store: Store, folder: Path) -> dict[int, Report]:
        """Validates those parts of the affected nodes that the other process does not take, or the whole graph."""
        if affected is None:
            return {0: self._validator.judge(None, store, folder)}
        return self._validator.judge_parts(affected, day, self._parts.taken(), store, folder)

    def _concerned_rules(self, counted: CountedStore, merged: Delta, affected: AffectedNodes | None) -> _ConcernedRules:
        """Returns the rules about graphs that may have other results after a change, and about which nodes."""
        if affected is None:
            return _ConcernedRules(self._graph_rules.shapes)
        delta = counted.delta
        changed, merged_quads = ([*one.added, *one.removed] for one in (delta, merged))
        shapes = self._graph_rules.concerned(changed, merged_quads, counted.store)
        if not shapes:
            return _ConcernedRules(shapes, set())
        others = nodes_with_paths(self._graph_rules.paths(shapes), delta, merged, counted.store)
        return _ConcernedRules(shapes, _nodes_of_graph_rules(delta, affected).union(others))

    def _respond(self, request: Path) -> dict[str, Any]:
        """Writes the index of a staged release, or checks rules about graphs and affected nodes: the second process."""
        values = json.loads(request.read_text(encoding="utf-8"))
        request.unlink()
        store = Store.read_only(values["store"])
        if "changed" in values:
            changed = parse(values["changed"], RdfFormat.N_QUADS, lenient=True)
            update_index(Path(values["parent"]), request.parent, store, changed)
            return {}
        nodes = None if values["nodes"] is None else set(map(NamedNode, values["nodes"]))
        results, reports = list(self._graph_rules.check(store, nodes, values["shapes"])), dict[int, Report]()
        if values["affected"]:
            affected, day = self._validator.read_affected(values["affected"]), date.fromisoformat(values["day"])
            reports = self._judge(affected, day, store, request.parent)
        return {"results": str(_write_results(request.with_name("results.json"), results, reports))}


@dataclass(frozen=True)
class _ConcernedRules:
    """The rules about graphs that a change concerns, by their shapes, and their nodes; None is the whole graph."""

    shapes: frozenset[str]
    nodes: set[NamedNode] | None = None


def _with_graph_rules(report: Report, about: _ConcernedRules, results: Iterable[ValidationResult]) -> Report:
    """Returns the report with the results of the rules about named graphs, and with their scopes."""
    report = with_graph_rules(report, results)
    scope = report.scope
    if scope is None or not about.nodes:
        return report
    others = frozenset(node.value for node in about.nodes) - scope.nodes
    further = ReportScope(others, shapes=about.shapes) if others else None
    return replace(report, scope=replace(scope, shapes=scope.shapes | about.shapes), further=further)


def _nodes_of_graph_rules(delta: Delta, affected: AffectedNodes) -> set[NamedNode]:
    """Returns the nodes that changed or that a report covers."""
    changed = (term for quad in chain(delta.added, delta.removed) for term in (quad.subject, quad.object))
    return {node for node in chain(changed, affected.focus) if isinstance(node, NamedNode)}


def _write_index_request(staged: Staged, changed: Iterable[Quad]) -> Path:
    """Writes a request for the index, and copies the store for the second process and for publication."""
    assert staged.parent is not None  # noqa: S101
    # The index reads nothing else of the change.
    lines = "".join(as_line(quad) for quad in changed if quad.predicate in INDEXED)
    values = {"store": str(staged.copy_store()), "parent": str(staged.parent.path), "changed": lines}
    return _write_request(staged.path / "index.json", values)


def _write_rules_request(staged: Staged, about: _ConcernedRules, affected: AffectedNodes | None, day: date) -> Path:
    values = {
        "store": str(staged.copy_store()),
        "nodes": None if about.nodes is None else [node.value for node in about.nodes],
        "shapes": sorted(about.shapes),
        "affected": affected and affected.as_json(),
        "day": day.isoformat(),
    }
    return _write_request(staged.path / "rules.json", values)


def _write_request(path: Path, values: Mapping[str, Any]) -> Path:
    path.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    return path


def _write_results(path: Path, results: Iterable[ValidationResult], reports: dict[int, Report]) -> Path:
    """Writes results of rules and the reports on parts to a file: many are larger than a response may be."""
    parts = {number: [part.turtle, list(map(values_of_result, part.results))] for number, part in reports.items()}
    return _write_request(path, {"rules": list(map(values_of_result, results)), "parts": parts})


def _read_results(path: Path) -> tuple[list[ValidationResult], dict[int, Report]]:
    values = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    reports = {
        int(number): Report(tuple(map(result_of_values, results)), turtle)
        for number, (turtle, results) in values["parts"].items()
    }
    return list(map(result_of_values, values["rules"])), reports


def followup_for(settings: Settings) -> Followup:
    """Returns the followup of commits under these settings."""
    if settings.open_writes:
        return NoFollowup()
    patterns = PatternCache(settings.releases / PATTERNS)
    followup = IncrementalFollowup(sources_of(settings), patterns, settings.write_memory_limit)
    patterns.save()
    return followup


def fingerprint(settings: Settings) -> object:
    """Returns a value that changes when the ontology, shapes or rules change on the disk, and with the day."""
    if settings.open_writes:
        return ()
    sources = sources_of(settings)
    paths = [file.path for file in (*sources.ontology_files(), *sources.shape_files())] + sources.rule_files()
    return present_day(), tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
