"""What releases say one after another: which hold a thing, what changed between two, how long a statement stood."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.graph.description import says
from citygraph.rdf.nquads import unpacked
from citygraph.rdf.terms import CG, RDF
from citygraph.release.changes import ADDED, REMOVED
from citygraph.release.releases import Release, Releases

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NODES = 1_000  # hash nodes whose statements belong to an entity's history
_KEPT = 16  # stores that stay open, and comparisons that are remembered
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Changes:
    """What has to be added to one release and removed from it to get another."""

    older: Release
    newer: Release
    added: tuple[Quad, ...]
    removed: tuple[Quad, ...]

    @cached_property
    def by_graph(self) -> dict[str, tuple[int, int]]:
        """Statements added and removed in each graph that changed, by its IRI."""
        added = Counter(quad.graph_name.value for quad in self.added if isinstance(quad.graph_name, NamedNode))
        removed = Counter(quad.graph_name.value for quad in self.removed if isinstance(quad.graph_name, NamedNode))
        return {graph: (added[graph], removed[graph]) for graph in sorted({*added, *removed})}


@dataclass(frozen=True)
class Lifetime:
    """A statement of a source: the release that it came with and the one that it was gone from, if it is gone."""

    quad: Quad
    since: Release
    until: Release | None

    @property
    def source(self) -> str:
        """The graph that states it."""
        return self.quad.graph_name.value if isinstance(self.quad.graph_name, NamedNode) else ""


class Timeline:
    """The releases that there are, with as many of their stores open as are asked for."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._lock = threading.Lock()
        self._listed: tuple[object, tuple[Release, ...]] = ((), ())
        self._stores: OrderedDict[str, Store] = OrderedDict()
        self._holding: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._changes: OrderedDict[tuple[str, str], Changes] = OrderedDict()

    def releases(self) -> tuple[Release, ...]:
        """All releases, the oldest first. Raises NotFound if there is none."""
        root = self._releases.root
        # Publishing and pruning both touch the folder.
        state = (self._releases.current_id(), root.stat().st_mtime_ns)
        if self._listed[0] != state:
            self._listed = (state, tuple(reversed(self._releases.history())))
        return self._listed[1]

    def get(self, release_id: str) -> Release | None:
        """The release of that name, if there is one."""
        return next((release for release in self.releases() if release.id == release_id), None)

    def is_pruned(self, release_id: str) -> bool:
        """Whether there was a release of that name: a later one names it as its parent."""
        return any(release.manifest.parent == release_id for release in self.releases())

    def holding(self, iri: str) -> tuple[Release, ...]:
        """The releases that say anything of a thing, and not that it is withdrawn, the oldest first."""
        found = []
        before: Release | None = None
        held = False
        for release in self.releases():
            key = (release.id, iri)
            known = self._holding.get(key)
            if known is None:
                # A release that says nothing new of a thing says of it what its parent says.
                same = before is not None and _follows(release, before) and not _mentions(release, iri)
                known = held if same else _tells_of(self.store(release), iri)
                self._remember(self._holding, key, known, _REMEMBERED)
            held = known
            if held:
                found.append(release)
            before = release
        return tuple(found)

    def between(self, older: Release, newer: Release) -> Changes:
        """What changed from one release to another."""
        key = (older.id, newer.id)
        found = self._changes.get(key)
        if found is None:
            found = self._followed(older, newer) or self._compared(older, newer)
            self._remember(self._changes, key, found, _KEPT)
        return found

    def of(self, iri: str, last: Release | None = None) -> list[Lifetime]:
        """Every statement that a release up to `last` made of a thing, the latest change first."""
        standing: dict[Quad, Release] = {}
        found: list[Lifetime] = []
        before: Release | None = None
        for release in self.releases():
            if before is None or not _follows(release, before) or _mentions(release, iri):
                now = set(_said_of(self.store(release), iri))
                gone = [quad for quad in standing if quad not in now]
                found.extend(Lifetime(quad, standing.pop(quad), release) for quad in gone)
                for quad in now:
                    standing.setdefault(quad, release)
            before = release
            if last is not None and release.id == last.id:
                break
        found.extend(Lifetime(quad, since, None) for quad, since in standing.items())
        place = {release.id: number for number, release in enumerate(self.releases())}
        found.sort(key=lambda one: str(one.quad))
        return sorted(found, key=lambda one: place[(one.until or one.since).id], reverse=True)

    def store(self, release: Release) -> Store:
        """The store of a release, open for reading."""
        with self._lock:
            store = self._stores.get(release.id)
            if store is None:
                store = self._stores[release.id] = release.open_store()
            self._stores.move_to_end(release.id)
            while len(self._stores) > _KEPT:
                self._stores.popitem(last=False)
            return store

    def _followed(self, older: Release, newer: Release) -> Changes | None:
        """The changes from the files in which each release wrote its own, if these lead from one to the other."""
        steps: list[Release] = []
        at: Release | None = newer
        while at is not None and at.id != older.id:
            if not _has_changes(at):
                return None
            steps.append(at)
            at = self.get(at.manifest.parent or "")
        if at is None:
            return None
        added: dict[Quad, None] = {}
        removed: dict[Quad, None] = {}
        for release in reversed(steps):
            for path, here, there in ((REMOVED, removed, added), (ADDED, added, removed)):
                for quad in _quads(release, path):
                    # What came and went again on the way is no change.
                    if quad in there:
                        del there[quad]
                    else:
                        here[quad] = None
        return Changes(older, newer, tuple(sorted(added, key=_order)), tuple(sorted(removed, key=_order)))

    def _compared(self, older: Release, newer: Release) -> Changes:
        """The changes by comparing the two stores."""
        before, after = self.store(older), self.store(newer)
        return Changes(older, newer, tuple(_only_in(after, before)), tuple(_only_in(before, after)))

    def _remember(self, known: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
        with self._lock:
            known[key] = value
            while len(known) > most:
                known.popitem(last=False)


def _tells_of(store: Store, iri: str) -> bool:
    """Whether a store says something of a thing that is not a tombstone."""
    if not says(store, iri):
        return False
    stone = store.quads_for_pattern(NamedNode(iri), RDF("type"), CG("WithdrawnIdentifier"), None)
    return next(stone, None) is None


def _has_changes(release: Release) -> bool:
    return all((release.path / name).is_file() for name in (ADDED, REMOVED))


def _follows(release: Release, before: Release) -> bool:
    """Whether a release says in files what it changed of the one before."""
    return release.manifest.parent == before.id and _has_changes(release)


def _mentions(release: Release, iri: str) -> bool:
    """Whether a statement that a release added or removed has a thing, or a hash node of it, in it."""
    names = (f"<{iri}>", f"<{iri}#")
    for path in (REMOVED, ADDED):
        with unpacked(release.path / path) as lines:
            if any(name in line for line in lines for name in names):
                return True
    return False


def _quads(release: Release, path: str) -> Iterator[Quad]:
    with unpacked(release.path / path) as lines:
        for line in lines:
            for quad in parse(line, format=RdfFormat.N_QUADS):
                if isinstance(quad.graph_name, NamedNode):
                    yield quad


def _only_in(one: Store, other: Store) -> Iterator[Quad]:
    """The quads of named graphs that the other store lacks, by graph and subject; only these are held in memory."""
    found = (quad for quad in one.quads_for_pattern(None, None, None, None) if isinstance(quad.graph_name, NamedNode))
    return iter(sorted((quad for quad in found if quad not in other), key=_order))


def _order(quad: Quad) -> tuple[str, str, str, str]:
    return (str(quad.graph_name), str(quad.subject), quad.predicate.value, str(quad.object))


def _said_of(store: Store, iri: str) -> Iterator[Quad]:
    """What the named graphs say of a thing and of its hash nodes."""
    prefix = iri + "#"
    waiting, seen = [iri], {iri}
    while waiting and len(seen) <= _NODES:
        node = NamedNode(waiting.pop())
        near = list(store.quads_for_pattern(node, None, None, None))
        yield from (quad for quad in near if isinstance(quad.graph_name, NamedNode))
        linked = {quad.object.value for quad in near if isinstance(quad.object, NamedNode)}
        linked |= {q.subject.value for q in store.quads_for_pattern(None, None, node, None)
                   if isinstance(q.subject, NamedNode) and q.subject.value.startswith(prefix)}  # fmt: skip
        new = {other for other in linked if other.startswith(prefix)} - seen
        seen |= new
        waiting.extend(sorted(new))
