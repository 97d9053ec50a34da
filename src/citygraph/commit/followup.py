"""Updates of everything derived from the graphs after a change: default graph, rules, catalog, index, validation."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pyoxigraph import DefaultGraph, NamedNode, Quad

from citygraph.build.graph_rules import GraphRules, with_graph_rules
from citygraph.commit.commit import Effects, Followup
from citygraph.incremental.counts import CountedStore
from citygraph.incremental.derivation import Deriver
from citygraph.incremental.index_update import update_index
from citygraph.incremental.partial_validation import PartialValidator
from citygraph.incremental.pattern_cache import PatternCache
from citygraph.rdf.delta import Delta, PreviousState
from citygraph.rdf.partial_dates import present_day
from citygraph.release.releases import Staged
from citygraph.report import Report, write_report
from citygraph.settings import Settings
from citygraph.source.files import Sources, sources_of
from citygraph.source.rules import read_rules

# A file in the folder of releases.
_PATTERNS = ".patterns.json"
# Literals, blank nodes and triples in a report begin with these.
_NO_IRI = ('"', "_:", "<")


class NoFollowup:
    """The followup of a server with open writes, where nothing is derived and the default graph can be written to."""

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
    """The followup that works from the change alone, wherever the result equals that from the whole graph."""

    def __init__(self, sources: Sources, patterns: PatternCache) -> None:
        self._deriver = Deriver(read_rules(sources.rule_files()), patterns.read)
        self._validator = PartialValidator(sources, patterns.read)
        self._graph_rules = GraphRules(file.path for file in sources.shape_files())

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
        changed = merged.added | merged.removed
        report = self._validator.validate(changed, PreviousState(counted.store, merged), counted.store, staged.path)
        report = self._with_graph_rules(report, counted)
        if report.conforms:
            write_report(report, staged.parent.path, staged.path)
            update_index(staged.parent.path, staged.path, counted.store, changed)
        return Effects(counted.delta, counted.graphs, merged, report)

    def _with_graph_rules(self, report: Report, counted: CountedStore) -> Report:
        """Returns the report with what the rules about named graphs find about nodes that changed or that it judges."""
        if report.scope is None:
            return with_graph_rules(report, self._graph_rules.check(counted.store))
        changed = {t for quad in counted.delta.added | counted.delta.removed for t in (quad.subject, quad.object)}
        nodes = {node for node in changed if isinstance(node, NamedNode)}
        nodes |= {NamedNode(name) for name in report.scope.nodes if not name.startswith(_NO_IRI)}
        if not nodes:
            return report
        scope = replace(report.scope, shapes=report.scope.shapes | self._graph_rules.shapes)
        return with_graph_rules(replace(report, scope=scope), self._graph_rules.check(counted.store, nodes))


def followup_for(settings: Settings) -> Followup:
    """Returns the followup of commits under these settings."""
    if settings.open_writes:
        return NoFollowup()
    patterns = PatternCache(settings.releases / _PATTERNS)
    followup = IncrementalFollowup(sources_of(settings), patterns)
    patterns.save()
    return followup


def fingerprint(settings: Settings) -> object:
    """Returns a value that changes when the ontology, shapes or rules change on the disk, and with the day."""
    if settings.open_writes:
        return ()
    sources = sources_of(settings)
    paths = [file.path for file in (*sources.ontology_files(), *sources.shape_files())] + sources.rule_files()
    return present_day(), tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in paths)
