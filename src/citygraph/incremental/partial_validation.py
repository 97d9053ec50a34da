"""Incremental validation: checks only the nodes that a change can affect, with the result of a full validation.

The shapes give the nodes that a changed triple affects, and the triples that a node's result depends on: those of its
statements that the shapes name, the classes of the nodes that it links to, and what its SPARQL constraints read. These
triples form a small graph. The engines validate it, and their results for the affected nodes equal those for the whole
graph.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.dependencies import Unbounded
from citygraph.build.patterns import (
    CachedQuads,
    DependencyPaths,
    Pattern,
    Term,
    batches,
    kind_of_triple,
    renamed,
    united,
)
from citygraph.build.shape_dependencies import ShapePaths, all_shape_paths
from citygraph.build.statements import with_faults
from citygraph.build.validation import Validator
from citygraph.incremental.dependency_index import DependencyIndex, by_subject
from citygraph.incremental.pattern_cache import PatternCache
from citygraph.rdf.delta import Delta, PreviousState
from citygraph.rdf.nquads import as_line
from citygraph.rdf.terms import RDF, RDFS
from citygraph.report import Report, ReportScope, ValidationResult, conforming_report, label_among, merge_reports
from citygraph.source.files import Sources

_TYPE = RDF("type")
_SUBCLASS = RDFS("subClassOf")
_DEFAULT = DefaultGraph()
# Of the nodes that a change affects. With fewer, two processes end at the same time.
_MOST_IN_PART = 500
# Sets of shapes whose dependencies are kept.
_MOST_KEPT = 32


class ShapeDependencies:
    """The dependency paths of all shapes: which nodes a change affects, and which triples their results depend on.

    `of_focus` begin at the focus node. `of_value` are those of constraints on the dataset as a whole; they begin at the
    node that a result names as value. Only results that name a shape among `judged` count, by default all.
    """

    def __init__(self, shapes: Mapping[str, ShapePaths], judged: Set[str] = frozenset()) -> None:
        self.shapes = shapes
        self.judged = judged
        self._restricted: dict[frozenset[str], ShapeDependencies] = {}
        self.of_focus: list[DependencyPaths] = []
        self.of_value: list[DependencyPaths] = []
        self._dataset_nodes: set[str] = set()
        # The names of the shapes with paths of either kind. A shape may have both.
        self.focus_shapes: set[str] = set()
        self.value_shapes: set[str] = set()
        for name, paths in shapes.items():
            self.of_focus += paths.of_focus
            self.of_value += paths.of_value
            if paths.of_focus:
                self.focus_shapes.add(name)
            if paths.of_value:
                self.value_shapes.add(name)
                self._dataset_nodes |= paths.nodes
        self._indexes = DependencyIndex(self.of_focus), DependencyIndex(self.of_value)
        self._read_paths = DependencyIndex(_by_target(self.of_focus))

    def concerned(self, quads: Iterable[Quad]) -> ShapeDependencies:
        """Returns the dependencies of the shapes that can have other results after a change of these triples.

        All results of shapes outside its scope remain.
        """
        kinds = set(map(kind_of_triple, quads))
        names = frozenset(
            name
            for name, patterns in self._ends.items()
            if any(pattern.may_match(*kind) for pattern in patterns for kind in kinds)
        )
        return self.restricted(frozenset(part for name in names for part in self.shapes[name].names))

    def restricted(self, judged: frozenset[str]) -> ShapeDependencies:
        """Returns the dependencies of the shapes, or parts of shapes, with these names."""
        if judged not in self._restricted:
            if len(self._restricted) >= _MOST_KEPT:
                self._restricted.clear()
            # A result may name only the part of a shape that several shapes have.
            shapes = {name: paths for name, paths in self.shapes.items() if not paths.names.isdisjoint(judged)}
            self._restricted[judged] = ShapeDependencies(shapes, judged)
        return self._restricted[judged]

    @cached_property
    def _ends(self) -> dict[str, set[Pattern]]:
        """The patterns that a shape reads, by its name."""
        return {name: paths.ends() for name, paths in self.shapes.items()}

    def nodes(self, changes: Iterable[tuple[Collection[Quad], CachedQuads]]) -> tuple[set[Term], set[Term]]:
        """Returns the focus nodes and the values that changed triples affect.

        Removed triples come with the store before the change, added ones with the store after it. Raises Unbounded if
        the change may affect every node.
        """
        focus: set[Term] = set()
        values: set[Term] = set()
        for quads, store in changes:
            if any(quad.predicate == _SUBCLASS for quad in quads):
                raise Unbounded("the class hierarchy has changed")
            subjects = by_subject(quads)
            for nodes, index in zip((focus, values), self._indexes, strict=True):
                nodes.update(index.affected(store, subjects))
        return focus, values

    def relevant(self, store: CachedQuads, focus: Iterable[Term], values: Iterable[Term]) -> set[Quad]:
        """Returns the triples that determine the results for these nodes."""
        quads: set[Quad] = set()
        for value in values:
            quads.update(self._indexes[1].relevant(store, value))
        # Constraints on the dataset would find the other nodes if these had no class.
        named = {t for quad in quads for t in (quad.subject, quad.object) if isinstance(t, NamedNode | BlankNode)}
        for node in named:
            quads.update(store.types_of(node))
        for one in focus:
            quads.update(self._read_paths.relevant(store, one))
        return quads

    def possible_values(self, store: CachedQuads, values: Iterable[Term]) -> set[Term]:
        """Returns those of the values about which a constraint on the dataset can have a result."""
        return {value for value in values if any(one.may_have_result(store, value) for one in self.of_value)}

    def shapes_for(self, focus: Collection[Term], values: Collection[Term]) -> list[str]:
        """Returns the names of the shapes that can have results about these nodes and values."""
        return sorted((self.focus_shapes if focus else set()) | (self.value_shapes if values else set()))

    def scope(self, focus: Iterable[Term], values: Iterable[Term]) -> ReportScope:
        """Returns the scope of a report on these nodes and values."""
        nodes, named = (frozenset(map(_report_name, terms)) for terms in (focus, values))
        return ReportScope(nodes, named, frozenset(self._dataset_nodes), frozenset(self.judged))


def _by_target(dependencies: Iterable[DependencyPaths]) -> list[DependencyPaths]:
    """Returns the same paths, each once for each target: many shapes with a target in common have equal paths."""
    groups: dict[Pattern | None, list[DependencyPaths]] = {}
    for one in dependencies:
        for target in one.targets or (None,):
            key = renamed((target,), one.pivot)[0] if target else None
            groups.setdefault(key, []).append(one)
    return [replace(united(group), targets=[target] if target else []) for target, group in groups.items()]


@dataclass(frozen=True)
class AffectedNodes:
    """The focus nodes and values that a change affects, and the faults of single triples that it adds."""

    dependencies: ShapeDependencies
    focus: set[Term]
    values: set[Term]
    faults: list[ValidationResult]

    def as_json(self) -> dict[str, Any]:
        """Returns it without faults, for `PartialValidator.read_affected` in another process."""
        lines = {
            name: "".join(map(_term_line, terms)) for name, terms in (("focus", self.focus), ("values", self.values))
        }
        return {"judged": sorted(self.dependencies.judged), **lines}

    @cached_property
    def parts(self) -> list[set[Term]]:
        """The nodes and values in parts, each of which can be validated without the others."""
        return list(batches(self.focus | self.values, _MOST_IN_PART))

    @cached_property
    def scope(self) -> ReportScope:
        """The scope of a report on them."""
        scope = self.dependencies.scope(self.focus, self.values)
        return replace(scope, shapes=scope.shapes | {fault.shape for fault in self.faults})


class PartialValidator:
    """Both validation engines, with the dependency paths of the shapes, which `patterns` may have kept."""

    def __init__(self, sources: Sources, patterns: PatternCache | None = None) -> None:
        self.validator = Validator(sources)
        self.today = sources.today
        self.dependencies: ShapeDependencies | None = None
        # With a shape whose dependencies have no limit, each validation is of the whole graph.
        with suppress(Unbounded):
            self.dependencies = ShapeDependencies(_shape_paths(self.validator, patterns))

    def validate(self, change: Delta, after: Store, folder: Path) -> Report:
        """Validates the nodes that a change of the default graph affects, and each single added triple."""
        return self.judge(self.affected(change, after), after, folder)

    def affected(self, change: Delta, after: Store) -> AffectedNodes | None:
        """Returns the nodes that a change of the default graph affects, which `after` has; None for the whole graph."""
        if self.dependencies is None:
            return None
        added, removed = change.added, change.removed
        dependencies = self.dependencies.concerned(chain(added, removed))
        try:
            changes = ((removed, CachedQuads(PreviousState(after, change))), (added, CachedQuads(after)))
            focus, values = dependencies.nodes(changes)
        except Unbounded:
            return None
        faults = self._faults(added, after)
        # The scope must have their nodes, so that a later report on these supersedes them.
        faulty = {fault.focus_node for fault in faults}
        focus |= {quad.subject for quad in added if faulty and _report_name(quad.subject) in faulty}
        return AffectedNodes(dependencies, focus, values, faults)

    def read_affected(self, values: dict[str, Any]) -> AffectedNodes:
        """Returns the nodes from `AffectedNodes.as_json`."""
        assert self.dependencies is not None  # noqa: S101 - that process had them
        focus, others = (set(_terms(values[name])) for name in ("focus", "values"))
        return AffectedNodes(self.dependencies.restricted(frozenset(values["judged"])), focus, others, [])

    def judge(self, affected: AffectedNodes | None, store: Store, folder: Path) -> Report:
        """Validates the nodes that a change affects."""
        day = self.today()
        if affected is None:
            self.validator.set_day(day)
            return self.validate_all(store, folder)
        return self.complete(affected, self.judge_parts(affected, day, range(len(affected.parts)), store, folder))

    def judge_parts(
        self, affected: AffectedNodes, day: date, numbers: Iterable[int], store: Store, folder: Path
    ) -> dict[int, Report]:
        """Validates the parts with these numbers of the nodes that a change affects; another process may do others."""
        self.validator.set_day(day)
        return {number: self._judge_part(affected, affected.parts[number], store, folder) for number in numbers}

    def _judge_part(self, affected: AffectedNodes, part: set[Term], store: Store, folder: Path) -> Report:
        reports: list[Report] = []
        cached = CachedQuads(store)
        if focus := part & affected.focus:
            reports.append(self._validate_batch(affected.dependencies, focus, set(), cached, folder))
        if values := affected.dependencies.possible_values(cached, part & affected.values):
            reports.append(self._validate_batch(affected.dependencies, set(), values, cached, folder))
        return merge_reports(reports)

    def complete(self, affected: AffectedNodes, reports: Mapping[int, Report]) -> Report:
        """Returns the report on all nodes that a change affects, from those on its parts by number."""
        report = merge_reports(reports[number] for number in range(len(affected.parts)))
        scope = affected.scope
        judged = (r for r in report.results if scope.covers(r.focus_node, r.value, r.shape))
        report = with_faults(replace(report, results=tuple(judged)), affected.faults)
        return replace(report, scope=scope)

    def _faults(self, added: Iterable[Quad], store: Store) -> list[ValidationResult]:
        """Returns the faults of single triples."""
        faults = self.validator.statements.check(sorted(_as_line(quad) for quad in added))
        return [replace(fault, label=_label(store, fault.focus_node)) for fault in faults]

    def _validate_batch(
        self, dependencies: ShapeDependencies, focus: set[Term], values: set[Term], store: CachedQuads, folder: Path
    ) -> Report:
        """Validates these nodes on the graph of their relevant triples."""
        scope = dependencies.scope(focus, values)
        # The other shapes would find much wrong with nodes of which the graph has only some triples.
        shapes = dependencies.shapes_for(focus, values)
        with self._nquads_file(dependencies.relevant(store, focus, values), folder) as data:
            failing = self.validator.find(data, scope.covers, shapes)
        if not failing:
            return conforming_report()
        # pySHACL is slow: it gets only the triples that the few failing nodes depend on.
        names = {name for name, _ in failing}
        failing_focus = [node for node in focus if _report_name(node) in names]
        few = dependencies.relevant(store, failing_focus, values)
        for node in failing_focus:  # for the labels
            few.update(store.quads_for_pattern(node, RDFS("label"), None, _DEFAULT))
        # Results about the dataset may have values outside the scope, which have no complete data here.
        with self._nquads_file(few, folder) as data:
            return self.validator.explain(data, failing, among=scope.covers)

    def validate_all(self, store: Store, folder: Path) -> Report:
        """Validates the whole default graph."""
        path = folder / "whole.nt"
        store.dump(str(path), RdfFormat.N_TRIPLES, from_graph=_DEFAULT)
        try:
            return self.validator.validate(path)
        finally:
            path.unlink()

    @contextmanager
    def _nquads_file(self, quads: Iterable[Quad], folder: Path) -> Iterator[Path]:
        """Yields a temporary file of N-Triples with these triples, as the engines may read them."""
        path = folder / f"affected-{os.getpid()}.nt"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(self.validator.statements.for_engines(sorted(map(_as_line, quads))))
        try:
            yield path
        finally:
            path.unlink()


def _shape_paths(validator: Validator, patterns: PatternCache | None) -> dict[str, ShapePaths]:
    """Returns the dependency paths of all shapes. Raises Unbounded."""
    if patterns is None:
        return all_shape_paths(validator.shapes)
    return patterns.shape_paths(validator.text, lambda read: all_shape_paths(validator.shapes, read))


def _term_line(term: Term) -> str:
    return as_line(Quad(_TYPE, _TYPE, term))


def _terms(lines: str) -> Iterator[Term]:
    return (quad.object for quad in parse(lines, RdfFormat.N_QUADS, lenient=True))


def _as_line(quad: Quad) -> str:
    return f"{quad.triple} .\n"


def _label(store: Store, node: str) -> str:
    labels = [quad.object for quad in store.quads_for_pattern(NamedNode(node), RDFS("label"), None, _DEFAULT)]
    return label_among({label.language or "": label.value for label in labels if isinstance(label, Literal)})


def _report_name(node: Term) -> str:
    """Returns the name of a node in a report: an IRI without brackets, other terms as in N-Triples."""
    return node.value if isinstance(node, NamedNode) else str(node)
