"""The history of releases: which hold an entity, what changed between two, and the lifetime of each statement."""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.graph.description import has_statements
from citygraph.rdf.nquads import unpacked
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, CG, RDF
from citygraph.release.changes import (
    ADDED,
    CREATED,
    DELETED,
    MOST_DELETIONS,
    REMOVED,
    THINGS,
    kept_deletions,
    things_changed,
)
from citygraph.release.releases import Release, Releases

# The graph of each release that describes its sources, below the base of the instance.
_CATALOG = CATALOG_GRAPH.value.removeprefix(BASE)
_DIGEST = re.compile("[0-9a-fA-F]{12,64}")

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NODES = 1_000  # hash nodes whose statements belong to an entity's history
_MAX_OPEN = 16  # stores that stay open, and comparisons that are remembered
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Changes:
    """The quads to add to one release and to remove from it to get another."""

    older: Release
    newer: Release
    added: tuple[Quad, ...]
    removed: tuple[Quad, ...]

    @cached_property
    def by_graph(self) -> dict[str, tuple[int, int]]:
        """The numbers of added and removed statements by IRI of the changed graph."""
        added = Counter(quad.graph_name.value for quad in self.added if isinstance(quad.graph_name, NamedNode))
        removed = Counter(quad.graph_name.value for quad in self.removed if isinstance(quad.graph_name, NamedNode))
        return {graph: (added[graph], removed[graph]) for graph in sorted({*added, *removed})}


@dataclass(frozen=True)
class Lifetime:
    """A statement of a source, with the release that added it and the release that removed it, if any."""

    quad: Quad
    since: Release
    until: Release | None

    @property
    def source(self) -> str:
        """The graph that states it."""
        return self.quad.graph_name.value if isinstance(self.quad.graph_name, NamedNode) else ""


@dataclass(frozen=True)
class _Deletions:
    """The entities that some releases may have deleted: together, and by release and kinds of changes."""

    releases: tuple[Release, ...] = ()
    by_release: dict[tuple[str, frozenset[str]], frozenset[str]] = field(default_factory=dict)
    entities: frozenset[str] = frozenset()


class Timeline:
    """The releases in order of time, with a bounded number of open stores."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self._lock = threading.Lock()
        self._listed: tuple[object, tuple[Release, ...]] = ((), ())
        self._stores: OrderedDict[str, Store] = OrderedDict()
        self._holding: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._changes: OrderedDict[tuple[str, str], Changes] = OrderedDict()
        self._deletions = _Deletions()

    def releases(self) -> tuple[Release, ...]:
        """Returns all releases, the oldest first. Raises NotFound without releases."""
        state, listed = self._state(), self._listed
        if listed[0] != state:
            history = tuple(reversed(self._releases.history()))
            # A release that has not become the current one is not published yet.
            end = next((place for place, release in enumerate(history, 1) if release.id == state[0]), len(history))
            self._listed = listed = (state, history[:end])
        return listed[1]

    def get(self, release_id: str) -> Release | None:
        """Returns the release with this id; None if it does not exist."""
        return next((release for release in self.releases() if release.id == release_id), None)

    def with_digest(self, digest: str) -> Release | None:
        """Returns the first release whose data have this digest, or its first twelve or more digits."""
        if not _DIGEST.fullmatch(digest):
            return None
        named = [release for release in self.releases() if release.manifest.digest.startswith(digest.lower())]
        # Digits that name different data name none.
        return named[0] if len({release.manifest.digest for release in named}) == 1 else None

    def is_pruned(self, release_id: str) -> bool:
        """Returns whether a release with this id existed: a later one has it as parent."""
        return any(release.manifest.parent == release_id for release in self.releases())

    def holding(self, iri: str, base: str = BASE) -> tuple[Release, ...]:
        """Returns the releases that describe an entity and have not withdrawn it, the oldest first.

        Its IRI has the base of the site. Releases of before `citygraph rebase` are searched for that of their time.
        """
        holding = []
        before: Release | None = None
        parent_holds = False
        present = iri
        for release in self.releases():
            iri = base_of(release, base) + present.removeprefix(base) if present.startswith(base) else present
            key = (release.id, iri)
            holds = self._holding.get(key)
            if holds is None:
                # Without a change to the entity, a release holds what its parent holds; no store need be opened.
                same = before is not None and _follows(release, before) and not _mentions(release, iri)
                holds = parent_holds if same else _describes(self.store(release), iri)
                self._remember(self._holding, key, holds, _REMEMBERED)
            parent_holds = holds
            if parent_holds:
                holding.append(release)
            before = release
        return tuple(holding)

    def has_deleted(self, iri: str) -> bool:
        """Returns whether a release, kept or removed, may have deleted an entity, by their lists of changes."""
        releases, deletions = self.releases(), self._deletions
        if deletions.releases is not releases:
            self._deletions = deletions = _read_deletions(self._releases.root, releases, deletions)
        return iri in deletions.entities

    def may_have_deleted(self, iri: str) -> bool:
        """Returns False if no release deleted an entity; True if one did, or if only reading their lists can tell."""
        is_read = self._listed[0] == self._state() and self._deletions.releases is self._listed[1]
        return not is_read or self.has_deleted(iri)

    def between(self, older: Release, newer: Release) -> Changes:
        """Returns the changes from one release to another."""
        key = (older.id, newer.id)
        changes = self._changes.get(key)
        if changes is None:
            changes = self._from_patches(older, newer) or self._from_stores(older, newer)
            self._remember(self._changes, key, changes, _MAX_OPEN)
        return changes

    def of(self, iri: str, last: Release | None = None) -> list[Lifetime]:
        """Returns every statement about an entity in the releases up to `last`, the latest change first."""
        present: dict[Quad, Release] = {}
        lifetimes: list[Lifetime] = []
        before: Release | None = None
        for release in self.releases():
            if before is None or not _follows(release, before) or _mentions(release, iri):
                now = set(_statements_about(self.store(release), iri))
                gone = [quad for quad in present if quad not in now]
                lifetimes.extend(Lifetime(quad, present.pop(quad), release) for quad in gone)
                for quad in now:
                    present.setdefault(quad, release)
            before = release
            if last is not None and release.id == last.id:
                break
        lifetimes.extend(Lifetime(quad, since, None) for quad, since in present.items())
        place = {release.id: number for number, release in enumerate(self.releases())}
        lifetimes.sort(key=lambda one: str(one.quad))
        return sorted(lifetimes, key=lambda one: place[(one.until or one.since).id], reverse=True)

    def store(self, release: Release) -> Store:
        """Returns the store of a release, open for reading."""
        with self._lock:
            store = self._stores.get(release.id)
            if store is None:
                store = self._stores[release.id] = release.open_store()
            self._stores.move_to_end(release.id)
            # An open store holds files and memory.
            while len(self._stores) > _MAX_OPEN:
                self._stores.popitem(last=False)
            return store

    def _state(self) -> tuple[str, int]:
        """Returns what publishing and pruning change: the current release, and the folder's modification time."""
        return self._releases.current_id(), self._releases.root.stat().st_mtime_ns

    def _from_patches(self, older: Release, newer: Release) -> Changes | None:
        """Returns the changes from the change lists of the releases, if these lead from one to the other."""
        steps: list[Release] = []
        # From the newer release back along the parents.
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
                    # A quad that was added and removed again on the way is not a change.
                    if quad in there:
                        del there[quad]
                    else:
                        here[quad] = None
        return Changes(older, newer, tuple(sorted(added, key=_order)), tuple(sorted(removed, key=_order)))

    def _from_stores(self, older: Release, newer: Release) -> Changes:
        """Returns the changes by comparing the two stores."""
        before, after = self.store(older), self.store(newer)
        return Changes(older, newer, tuple(_only_in(after, before)), tuple(_only_in(before, after)))

    def _remember(self, cache: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
        with self._lock:
            cache[key] = value
            while len(cache) > most:
                cache.popitem(last=False)


def base_of(release: Release, base: str) -> str:
    """Returns the base of the IRIs in a release: that of the site, unless `citygraph rebase` changed it afterwards."""
    graphs = release.manifest.graphs
    if base + _CATALOG in graphs:
        return base
    former = (iri.removesuffix(_CATALOG) for iri in graphs if iri.endswith(f"/{_CATALOG}"))
    return min(former, key=len, default=base)


def _describes(store: Store, iri: str) -> bool:
    """Returns whether a store describes an entity that is not withdrawn."""
    if not has_statements(store, iri):
        return False
    withdrawals = store.quads_for_pattern(NamedNode(iri), RDF("type"), CG("WithdrawnIdentifier"), None)
    return next(withdrawals, None) is None


def _read_deletions(root: Path, releases: tuple[Release, ...], known: _Deletions) -> _Deletions:
    """Returns the deletions of the releases; those that are known already are not read again."""
    by_release: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
    room, kinds = MOST_DELETIONS, frozenset([DELETED])
    # The deletions of the oldest releases are left out if there are too many.
    for release in reversed(releases):
        entities = known.by_release.get((release.id, kinds))
        if entities is None:
            deleted = (change.iri for change in things_changed(release) if change.kind in kinds)
            # A release without a parent has only created entities.
            entities = frozenset(islice(deleted, room) if release.manifest.parent else ())
        by_release[release.id, kinds] = entities
        room = max(room - len(entities), 0)
        # A rollback may have no list: it deletes what earlier releases created.
        if release.manifest.parent and not (release.path / THINGS).is_file():
            kinds = frozenset([CREATED, DELETED])
    # Those of removed releases are the oldest.
    removed = islice(reversed(kept_deletions(root)), room)
    return _Deletions(releases, by_release, frozenset(removed).union(*by_release.values()))


def _has_changes(release: Release) -> bool:
    return all((release.path / name).is_file() for name in (ADDED, REMOVED))


def _follows(release: Release, before: Release) -> bool:
    """Returns whether a release has lists of its changes to the one before."""
    return release.manifest.parent == before.id and _has_changes(release)


def _mentions(release: Release, iri: str) -> bool:
    """Returns whether a statement that the release added or removed contains the entity or one of its hash nodes."""
    # Text search in lines of N-Quads, which is faster than parsing them.
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
    """Yields the quads of named graphs that the other store lacks, sorted; only these are held in memory."""
    quads = (quad for quad in one.quads_for_pattern(None, None, None, None) if isinstance(quad.graph_name, NamedNode))
    return iter(sorted((quad for quad in quads if quad not in other), key=_order))


def _order(quad: Quad) -> tuple[str, str, str, str]:
    return (str(quad.graph_name), str(quad.subject), quad.predicate.value, str(quad.object))


def _statements_about(store: Store, iri: str) -> Iterator[Quad]:
    """Yields the quads of named graphs about an entity and its hash nodes."""
    prefix = iri + "#"
    waiting, visited = [iri], {iri}
    while waiting and len(visited) <= _NODES:
        node = NamedNode(waiting.pop())
        near = list(store.quads_for_pattern(node, None, None, None))
        yield from (quad for quad in near if isinstance(quad.graph_name, NamedNode))
        linked = {quad.object.value for quad in near if isinstance(quad.object, NamedNode)}
        linked |= {
            q.subject.value
            for q in store.quads_for_pattern(None, None, node, None)
            if isinstance(q.subject, NamedNode) and q.subject.value.startswith(prefix)
        }
        new = {other for other in linked if other.startswith(prefix)} - visited
        visited |= new
        waiting.extend(sorted(new))
