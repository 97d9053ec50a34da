"""What a commit does beyond its own change: default graph, rules, description, index, and the shapes."""

from __future__ import annotations

from collections import Counter

from pyoxigraph import NamedNode

from citygraph.files import Sources
from citygraph.release import Staged
from citygraph.report import Report
from citygraph.rules import read_rules
from citygraph.search import INDEXED, is_readable, write_index
from citygraph.settings import Settings
from citygraph.writing.change import Delta
from citygraph.writing.partial import PartialValidator
from citygraph.writing.rederive import Deriver
from citygraph.writing.tally import Tally
from citygraph.writing.write import Consequences, Followed, link


class Nothing:
    """For a server that is open: no consequences, and the default graph is one as any other."""

    def follow(self, staged: Staged, delta: Delta) -> Followed:  # noqa: ARG002 - as the others are called
        """Count."""
        graphs: Counter[str] = Counter()
        for quads, sign in ((delta.added, 1), (delta.removed, -1)):
            for quad in quads:
                graphs[quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else ""] += sign
        return Followed(delta, graphs, graphs.pop("", 0), Report((), ""))


class Local:
    """Consequences worked out from the change alone, wherever that is the same as from the whole graph."""

    def __init__(self, sources: Sources) -> None:
        self._deriver = Deriver(read_rules(sources.rule_files()))
        self._validator = PartialValidator([file.path for file in sources.shape_files()])

    def follow(self, staged: Staged, delta: Delta) -> Followed:
        """Derive, describe, index and validate."""
        assert staged.parent is not None  # noqa: S101
        before = staged.parent.open_store()
        tally = Tally(staged.open())
        tally.note(delta)
        self._deriver.follow(tally, before)
        tally.describe()
        report = self._validator.validate(tally.added | tally.removed, before, tally.store, staged.path)
        (staged.path / "report.ttl").write_text(report.turtle, encoding="utf-8")
        index(staged, tally)
        return Followed(tally.delta, tally.graphs, len(tally.added) - len(tally.removed), report)


def index(staged: Staged, tally: Tally) -> None:
    """The index of the staged release: the same file as before if nothing of which it is made has changed."""
    target = staged.path / "search.sqlite"
    old = staged.parent.path / "search.sqlite" if staged.parent is not None else None
    changed = any(quad.predicate in INDEXED for quad in (*tally.added, *tally.removed))
    if old is not None and not changed and is_readable(old):
        link(old, target)
    if not target.exists():
        write_index(staged.open(), target)


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
