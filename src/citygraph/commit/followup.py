"""What a commit does beyond its own change: default graph, rules, description, index, and the shapes."""

from __future__ import annotations

from collections import Counter

from pyoxigraph import DefaultGraph, NamedNode, Quad

from citygraph.commit.commit import Consequences, Followed
from citygraph.incremental.counts import Tally
from citygraph.incremental.derivation import Deriver
from citygraph.incremental.index_update import bring_on
from citygraph.incremental.partial_validation import PartialValidator
from citygraph.rdf.delta import Before, Delta
from citygraph.release.releases import Staged
from citygraph.report import Report, write_report
from citygraph.settings import Settings
from citygraph.source.files import Sources
from citygraph.source.rules import read_rules


class Nothing:
    """For a server that is open: no consequences, and the default graph is one as any other."""

    def follow(self, staged: Staged, delta: Delta) -> Followed:  # noqa: ARG002 - as the others are called
        """Count."""
        graphs: Counter[str] = Counter()
        for quads, sign in ((delta.added, 1), (delta.removed, -1)):
            for quad in quads:
                graphs[quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else ""] += sign
        graphs.pop("", None)
        merged = Delta(_unnamed(delta.added), _unnamed(delta.removed))
        return Followed(delta, graphs, merged, Report((), ""))


def _unnamed(quads: set[Quad]) -> set[Quad]:
    return {quad for quad in quads if isinstance(quad.graph_name, DefaultGraph)}


class Local:
    """Consequences worked out from the change alone, wherever that is the same as from the whole graph."""

    def __init__(self, sources: Sources) -> None:
        self._deriver = Deriver(read_rules(sources.rule_files()))
        self._validator = PartialValidator([file.path for file in sources.shape_files()])

    def follow(self, staged: Staged, delta: Delta) -> Followed:
        """Derive, describe, index and validate."""
        assert staged.parent is not None  # noqa: S101
        parent = staged.parent.manifest
        tally = Tally(staged.open())
        tally.note(delta)
        # The ontology, which rules look at, is another only after a build.
        self._deriver.follow(tally, parent.quads, parent.built or parent.id)
        tally.describe()
        merged = Delta(tally.added, tally.removed)
        changed = merged.added | merged.removed
        report = self._validator.validate(changed, Before(tally.store, merged), tally.store, staged.path)
        if report.conforms:
            write_report(report, staged.parent.path, staged.path)
            bring_on(staged.parent.path, staged.path, tally.store, changed)
        return Followed(tally.delta, tally.graphs, merged, report)


def consequences_of(settings: Settings) -> Consequences:
    """What commits to these releases entail."""
    return Nothing() if settings.open_writes else Local(Sources(settings.data, settings.ontology))


def fingerprint(settings: Settings) -> object:
    """Another value when the shapes or rules have changed on the disk."""
    if settings.open_writes:
        return ()
    folders = (settings.ontology / "shapes", settings.ontology / "rules")
    files = sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir())
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)
