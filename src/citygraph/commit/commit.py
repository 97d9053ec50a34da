"""The commit of changes: apply them to a copy of the current release, update what is derived, validate, publish.

Each function adds one step to the function that it calls: `commit` → `_commit_or_split` → `_retry_if_moved` →
`_commit_once` → `_apply_all` and `_apply_change`, `_update_derived`, `_publish`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

from pyoxigraph import NamedNode, Quad, Store

from citygraph.commit.apply import apply_update, apply_write
from citygraph.commit.change import Change, Commit, GraphWrite, Update
from citygraph.commit.edit import Edit, undo
from citygraph.commit.outcomes import Outcome
from citygraph.errors import CitygraphError, Conflict, EngineFailed, PreconditionFailed, StorageFull, Violations
from citygraph.rdf.delta import Delta, PreviousState
from citygraph.rdf.nquads import SetDigest, as_line, write_patch
from citygraph.release.changes import write_changes
from citygraph.release.disk_room import require_room_for_commit
from citygraph.release.ownership import owner_check, prefix_check, require_base, single_graph_check
from citygraph.release.releases import Manifest, Release, Releases, Staged, WorkingCopy
from citygraph.report import Report, report_of_change
from citygraph.saving import REFUSED, is_disk_full
from citygraph.settings import Settings
from citygraph.sparql.statistics import continued, read_statistics, write_statistics

_ATTEMPTS = 5


class Followup(Protocol):
    """The part of a commit that follows the change itself; `followup.py` implements it."""

    def begin(self) -> None:
        """Prepares a process that has not opened a store yet for its commits."""
        ...

    def update_derived(self, staged: Staged, delta: Delta) -> Effects:
        """Updates everything derived from the graphs in the staged release, and validates it."""
        ...


@dataclass(frozen=True)
class Effects:
    """The effects of a commit: the change, everything derived from it, and the report.

    `graphs` counts by how many quads each named graph grew; `merged` is the change of the default graph.
    """

    # Plain values only: a reference to the store would keep it open, and it must be closed before publication.
    delta: Delta
    graphs: Counter[str]
    merged: Delta
    report: Report

    @property
    def whole(self) -> Delta:
        """The change of the whole store."""
        delta, merged = self.delta, self.merged
        return Delta(delta.added | merged.added, delta.removed | merged.removed, delta.created, delta.dropped)


@dataclass(frozen=True)
class _AppliedChange:
    """A change that has been applied to the staged store, and its effect there."""

    change: Change
    delta: Delta
    blank_nodes: int
    existed: bool

    @cached_property
    def graphs(self) -> set[str]:
        """The named graphs that it changes."""
        return self.delta.graphs()


def commit(
    changes: Sequence[Change],
    releases: Releases,
    followup: Followup,
    settings: Settings,
    working: WorkingCopy | None = None,
) -> list[Outcome]:
    """Publishes the current release with these changes applied, in one release if they conform together.

    A process that commits repeatedly passes its `working` copy. Returns for each change its commit, or the error for
    which it changed nothing: Violations, Conflict, Forbidden, PreconditionFailed, NotFound, QuerySyntaxError, BadData,
    StorageFull.
    """
    working_copy = working or WorkingCopy(releases)
    try:
        with _storage_errors(releases), releases.writing():
            return _commit_or_split(changes, _CommitContext(releases, working_copy, followup, settings))
    finally:
        if working is None:
            working_copy.drop()


@dataclass(frozen=True)
class _CommitContext:
    """The values that all steps of a commit need."""

    releases: Releases
    working: WorkingCopy
    followup: Followup
    settings: Settings


class _ReleaseMoved(Conflict):
    """A build published a release while this commit was in progress."""


def _commit_or_split(changes: Sequence[Change], context: _CommitContext) -> list[Outcome]:
    """Commits all changes together if they conform together, else each half on its own.

    Halving finds one bad change among n in about log n more attempts.
    """
    try:
        return _retry_if_moved(changes, context)
    except StorageFull as error:
        # Halves would need the same disk.
        return [error] * len(changes)
    except CitygraphError as error:
        if len(changes) == 1:
            return [_without_traceback(error)]
    middle = len(changes) // 2
    return [*_commit_or_split(changes[:middle], context), *_commit_or_split(changes[middle:], context)]


def _retry_if_moved(changes: Sequence[Change], context: _CommitContext) -> list[Outcome]:
    """Commits again from the new current release if a build published one. Raises Conflict after some attempts."""
    # Commits exclude each other by the write lock; only builds, which do not take it, can publish concurrently.
    for _ in range(_ATTEMPTS - 1):
        with suppress(_ReleaseMoved):
            return _commit_once(changes, context)
    try:
        return _commit_once(changes, context)
    except _ReleaseMoved as error:
        raise Conflict(str(error)) from None


def _commit_once(changes: Sequence[Change], context: _CommitContext) -> list[Outcome]:
    """Commits all changes in one release. Raises Violations if they do not conform together, _ReleaseMoved."""
    begun = time.monotonic()
    current = context.releases.current()
    require_base(current)
    require_room_for_commit(context.releases, sum(_size(change) for change in changes))
    with _storage_errors(context.releases), context.releases.stage(current, context.working) as staged:
        if staged.parent is None or staged.parent.id != current.id:
            raise _ReleaseMoved("another release was published in the meantime: nothing was changed, try again")
        completed = False
        try:
            applied = _apply_all(changes, staged, current, context.settings)
            effects = _update_derived(staged, applied, context.followup)
            is_published = bool(effects.delta) and effects.report.conforms and not any(c.dry_run for c in changes)
            if is_published:
                current = _publish(staged, current, effects, applied)
                context.working.mark_published(current)
            else:
                undo(staged.open(), effects.whole)
            completed = True
        finally:
            # After an error the copy may hold half a change, which the next commit must not publish.
            if not completed:
                context.working.drop()
    if not effects.report.conforms:
        raise Violations(report_of_change(effects.report, _changed(applied)))
    outcomes = [_outcome(result, current, effects.report, begun, is_published) for result in applied]
    return list(reversed(list(_with_versions(reversed(outcomes), reversed(changes), current))))


def _with_versions(outcomes: Iterable[Outcome], changes: Iterable[Change], release: Release) -> Iterator[Outcome]:
    """Yields the outcomes, the last first, each with the version of its graph.

    The version is empty if a later change of the same release changed the graph again: an author who has not seen the
    content must not get the version that a later If-Match would accept.
    """
    changed: set[str] = set()
    for outcome, change in zip(outcomes, changes, strict=True):
        graph = _graph_of(change)
        if not isinstance(outcome, Commit):
            yield outcome
            continue
        has_version = graph not in changed and (not graph or graph in release.manifest.graphs)
        changed.update(outcome.graphs)
        yield replace(outcome, version=release.version_of(graph)) if has_version else outcome


def _update_derived(staged: Staged, applied: Iterable[_AppliedChange | CitygraphError], followup: Followup) -> Effects:
    """Updates everything derived from the graphs, once for all changes together."""
    delta = Delta()
    for result in applied:
        if isinstance(result, _AppliedChange):
            delta.append(result.delta)
    return followup.update_derived(staged, delta) if delta else Effects(delta, Counter(), Delta(), Report((), ""))


def _publish(
    staged: Staged, current: Release, effects: Effects, applied: Iterable[_AppliedChange | CitygraphError]
) -> Release:
    _write_changes(staged, effects)
    if before := read_statistics(current.path):
        write_statistics(continued(before, effects.merged.added, staged.open()), staged.path)
    try:
        return staged.publish(_manifest(current.manifest, effects, applied))
    except Conflict as error:
        raise _ReleaseMoved(str(error)) from None


def _apply_all(
    changes: Sequence[Change], staged: Staged, current: Release, settings: Settings
) -> list[_AppliedChange | CitygraphError]:
    """Applies the changes in turn, each to the result of those before it."""
    applied: list[_AppliedChange | CitygraphError] = []
    changed: set[str] = set()
    for change in changes:
        result = _apply_change(change, staged, current, settings, changed)
        applied.append(result)
        if isinstance(result, _AppliedChange) and len(changes) > 1:
            changed |= result.graphs
    return applied


def _apply_change(
    change: Change, staged: Staged, current: Release, settings: Settings, changed: set[str]
) -> _AppliedChange | CitygraphError:
    check = prefix_check(change.prefixes) if settings.open_writes else owner_check(current.manifest, change.prefixes)
    if not isinstance(change.what, GraphWrite) and change.what.only:
        check = single_graph_check(change.what.only, check)
    edit = Edit(staged.open(), check, skolemise=not settings.open_writes)
    try:
        _check_preconditions(change, edit.store, current, changed)
        existed = True
        if isinstance(change.what, GraphWrite):
            existed = apply_write(change.what, edit, check)
        else:
            apply_update(change.what, edit, settings.query_depth)
    except CitygraphError as error:
        edit.undo()
        # A traceback refers to the frames, and so to the store, which would stay open.
        return _without_traceback(error)
    return _AppliedChange(change, edit.delta, edit.named, existed)


def _without_traceback(error: CitygraphError) -> CitygraphError:
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _size(change: Change) -> int:
    """Returns the bytes that were sent."""
    what = change.what
    return len(what.text) if isinstance(what, Update) else sum(len(payload.data) for payload in what.payloads)


def _graph_of(change: Change) -> str:
    """Returns the graph that a change is sent to; empty for an update that may change several."""
    return change.what.graph if isinstance(change.what, GraphWrite) else change.what.only


def _check_preconditions(change: Change, store: Store, current: Release, changed: set[str]) -> None:
    """Checks If-Match and If-None-Match (RFC 9110, 13.1). `changed` are graphs that differ from those of `current`."""
    for graph, expected in change.conditions.versions:
        if _version_now(graph, store, current, changed) != expected:
            raise PreconditionFailed(f"the graph <{graph}> was changed since it was read: read it again")
    graph = _graph_of(change)
    match, none_match = change.conditions.match, change.conditions.none_match
    if not match and not none_match:
        return
    version = _version_now(graph, store, current, changed)
    if match and version not in match and not ("*" in match and version):
        raise PreconditionFailed(f"the graph <{graph}> does not match If-Match any more: get it again")
    if version and ("*" in none_match or version in none_match):
        raise PreconditionFailed(f"the graph <{graph}> exists already")


def _version_now(graph: str, store: Store, current: Release, changed: set[str]) -> str:
    version = version_in(store, current, graph)
    # An earlier change of this batch wrote to the graph, so no client can have its version yet.
    return "-" if version and graph in changed else version


def version_in(store: Store, current: Release, graph: str) -> str:
    """Returns the version of a graph in a staged copy of a release; empty if the graph does not exist."""
    if graph and not store.contains_named_graph(NamedNode(graph)):
        return ""
    return current.version_of(graph)


def _manifest(before: Manifest, effects: Effects, applied: Iterable[_AppliedChange | CitygraphError]) -> Manifest:
    delta = effects.delta
    digest = SetDigest(int(before.digest_total or "0", 16))
    digest.remove(delta.removed)
    digest.add(delta.added)
    # The counts are continued from the parent's, because a count over all graphs would read the whole store.
    graphs = {name: count for name, count in before.graphs.items() if name not in delta.dropped}
    graphs.update(dict.fromkeys(delta.created, 0))
    for name, change in effects.graphs.items():
        if name in graphs:
            graphs[name] = graphs[name] + change if name not in delta.created else change
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    applied_changes = [result for result in applied if isinstance(result, _AppliedChange)]
    # A version cannot be the release's name, which is chosen at publication, after the manifest is written.
    version = f"{before.number + 1}-{digest.hex[:12]}"
    updated = {graph for one in applied_changes for graph in one.graphs} | delta.graphs()
    unchanged = {graph: name for graph, name in before.versions.items() if graph in graphs}
    return replace(
        before,
        digest=digest.hex,
        digest_total=f"{digest.total:x}",
        quads=sum(graphs.values()),
        triples=before.triples + len(effects.merged.added) - len(effects.merged.removed),
        graphs=dict(sorted(graphs.items())),
        added=len(delta.added),
        removed=len(delta.removed),
        versions=dict(sorted({**unchanged, **dict.fromkeys(updated & graphs.keys(), version)}.items())),
        built=before.built or before.id,
        commits=[_commit_record(one, now) for one in applied_changes],
        warnings=len(effects.report.warnings),
        message="; ".join(one.change.message for one in applied_changes if one.change.message),
        outputs={},  # only builds write dumps and tables
    )


def _commit_record(one: _AppliedChange, now: str) -> dict[str, Any]:
    delta = one.delta
    return {
        "id": one.change.id,
        "author": one.change.author,
        "message": one.change.message,
        "time": now,
        "added": len(delta.added),
        "removed": len(delta.removed),
        "graphs": sorted(one.graphs),
    }


def _changed(applied: Iterable[_AppliedChange | CitygraphError]) -> Iterator[Quad]:
    for one in applied:
        if isinstance(one, _AppliedChange):
            yield from one.delta.added | one.delta.removed


def _outcome(
    result: _AppliedChange | CitygraphError, release: Release, report: Report, begun: float, published: bool = True
) -> Outcome:
    if isinstance(result, CitygraphError):
        return result
    delta = result.delta
    return Commit(
        release=release.id,
        digest=release.manifest.digest,
        added=len(delta.added),
        removed=len(delta.removed),
        graphs=tuple(sorted(result.graphs)),
        created=not result.existed,
        blank_nodes=result.blank_nodes,
        warnings=report_of_change(report, _changed([result])).warnings,
        published=published and bool(delta),
        elapsed=time.monotonic() - begun,
    )


def _write_changes(staged: Staged, effects: Effects) -> None:
    """Writes the difference from the parent: as lists for readers, and as a patch for servers that hold the parent."""
    named = effects.delta
    before = PreviousState(staged.open(), effects.merged)
    added, removed = (sorted(map(as_line, _named(quads))) for quads in (named.added, named.removed))
    write_changes(staged.path, added, removed, before, staged.open())
    merged = (map(as_line, quads) for quads in (effects.merged.added, effects.merged.removed))
    write_patch(staged.path, *map(chain, (added, removed), merged))


def _named(quads: Iterable[Quad]) -> Iterator[Quad]:
    return (quad for quad in quads if isinstance(quad.graph_name, NamedNode))


@contextmanager
def _storage_errors(releases: Releases) -> Iterator[None]:
    """Raises StorageFull for an error that a full disk caused, EngineFailed for releases that cannot be written."""
    try:
        yield
    except Exception as error:
        if is_disk_full(error):
            raise StorageFull("the disk is full: nothing was changed") from error
        if isinstance(error, OSError) and error.errno in REFUSED and f"{releases.root}/" in str(error.filename):
            why = error.strerror
            raise EngineFailed(f"the folder of the releases cannot be written ({why}); nothing was changed") from error
        raise
