"""From changes to a published release: apply, derive, describe, validate in a working copy, and publish it."""

from __future__ import annotations

import errno
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pyoxigraph import NamedNode, Quad, Store

from citygraph.build.quality import FILE as QUALITY
from citygraph.commit.apply import apply_update, apply_write
from citygraph.commit.change import Change, Commit, GraphWrite
from citygraph.commit.edit import Edit, undo
from citygraph.errors import CitygraphError, Conflict, PreconditionFailed, StorageFull, Violations
from citygraph.index.names import AMENDMENTS, INDEX
from citygraph.rdf.delta import Before, Delta
from citygraph.rdf.nquads import SetDigest, as_line, write_patch
from citygraph.release.changes import write_changes
from citygraph.release.ownership import only, permission, within
from citygraph.release.releases import Manifest, Release, Releases, Staged, Working
from citygraph.report import LATER, REPORT, Report
from citygraph.settings import Settings

Outcome = Commit | CitygraphError

_ATTEMPTS = 5


class Consequences(Protocol):
    """What a commit does beyond its own change; see `consequences.py`."""

    def follow(self, staged: Staged, delta: Delta) -> Followed:
        """Bring what is made from the graphs up to date in the staged release, and validate it."""
        ...


@dataclass(frozen=True)
class Followed:
    """All that a commit changed. Plain values: who holds on to the store keeps it open, and it must close first."""

    delta: Delta  # of named graphs
    graphs: Counter[str]  # by how many quads each of them grew
    merged: Delta  # of the default graph
    report: Report

    @property
    def whole(self) -> Delta:
        """All that became different in the store."""
        delta, merged = self.delta, self.merged
        return Delta(delta.added | merged.added, delta.removed | merged.removed, delta.created, delta.dropped)


@dataclass(frozen=True)
class _Applied:
    """A change that is in the staged store, and what it did there."""

    change: Change
    delta: Delta
    blank_nodes: int
    existed: bool


def write(
    changes: Sequence[Change],
    releases: Releases,
    consequences: Consequences,
    settings: Settings,
    working: Working | None = None,
) -> list[Outcome]:
    """Publish the current release with these changes applied, in one release if they conform together.

    `working` is for who commits again and again. Answers for each change its commit, or the error for which it changed
    nothing: Violations, Conflict, Forbidden, PreconditionFailed, NotFound, QuerySyntaxError, BadData, StorageFull, …
    """
    kept = working or Working(releases)
    try:
        with _errors_of_storage(), releases.writing():
            return _in_turn(changes, _Desk(releases, kept, consequences, settings))
    finally:
        if working is None:
            kept.drop()


def rollback(release_id: str, releases: Releases) -> Release:
    """Publish a release equal to an older one. Raises NotFound, Conflict if another was published meanwhile."""
    old = releases.get(release_id)
    with releases.writing(), releases.stage(copy_of=old) as staged:
        manifest = old.manifest
        # Equal data have equal dumps and tables.
        for name in (INDEX, AMENDMENTS, REPORT, LATER, QUALITY, *manifest.outputs):
            (staged.path / name).parent.mkdir(parents=True, exist_ok=True)
            link(old.path / name, staged.path / name)
        current = staged.parent.manifest if staged.parent else manifest
        built = manifest.built or manifest.id
        differing = {**manifest.versions, **current.versions}
        versions = {graph: old.version_of(graph) for graph in differing if graph in manifest.graphs}
        return staged.publish(
            replace(
                manifest,
                message=f"back to {release_id}",
                commits=[],
                built=built,
                versions=versions,
                added=0,
                removed=0,
            )
        )


@dataclass(frozen=True)
class _Desk:
    """What a commit is made with."""

    releases: Releases
    working: Working
    consequences: Consequences
    settings: Settings


class _Moved(Conflict):
    """A build published while this commit was made."""


def _in_turn(changes: Sequence[Change], desk: _Desk) -> list[Outcome]:
    """All together if they conform together, else one half after the other: a bad one among many is soon found."""
    try:
        return _again(changes, desk)
    except StorageFull as error:
        return [error] * len(changes)
    except CitygraphError as error:
        if len(changes) == 1:
            return [_bare(error)]
    middle = len(changes) // 2
    return [*_in_turn(changes[:middle], desk), *_in_turn(changes[middle:], desk)]


def _again(changes: Sequence[Change], desk: _Desk) -> list[Outcome]:
    """From the new current release, if a build publishes one meanwhile. Raises Conflict if that goes on."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(_Moved):
            return _together(changes, desk)
    try:
        return _together(changes, desk)
    except _Moved as error:
        raise Conflict(str(error)) from None


def _together(changes: Sequence[Change], desk: _Desk) -> list[Outcome]:
    begun = time.monotonic()
    current = desk.releases.current()
    with _errors_of_storage(), desk.releases.stage(current, desk.working) as staged:
        if staged.parent is None or staged.parent.id != current.id:
            raise _Moved("another release was published meanwhile: nothing was changed, try again")
        is_whole = False
        try:
            applied = _applied(changes, staged, current, desk.settings)
            followed = _followed(staged, applied, desk.consequences)
            is_kept = bool(followed.delta) and followed.report.conforms and not any(c.dry_run for c in changes)
            if is_kept:
                current = _publish(staged, current, followed, applied)
                desk.working.is_now(current)
            else:
                undo(staged.open(), followed.whole)
            is_whole = True
        finally:
            if not is_whole:
                desk.working.drop()
    if not followed.report.conforms:
        raise Violations(followed.report)
    outcomes = [_outcome(done, current, followed.report, begun, is_kept) for done in applied]
    return list(reversed(list(_with_versions(reversed(outcomes), reversed(changes), current))))


def _with_versions(outcomes: Iterable[Outcome], changes: Iterable[Change], release: Release) -> Iterator[Outcome]:
    """The outcomes, the last first, each with the version of its graph; none if a later one changed the graph again.

    For its author has not seen what the graph holds now, and must not seem to know it.
    """
    changed: set[str] = set()
    for outcome, change in zip(outcomes, changes, strict=True):
        graph = _graph_of(change)
        if not isinstance(outcome, Commit):
            yield outcome
            continue
        is_known = graph not in changed and (not graph or graph in release.manifest.graphs)
        changed.update(outcome.graphs)
        yield replace(outcome, version=release.version_of(graph)) if is_known else outcome


def _followed(staged: Staged, applied: Iterable[_Applied | CitygraphError], consequences: Consequences) -> Followed:
    """What all changes together entail."""
    delta = Delta()
    for done in applied:
        if isinstance(done, _Applied):
            delta.follow(done.delta)
    return consequences.follow(staged, delta) if delta else Followed(delta, Counter(), Delta(), Report((), ""))


def _publish(
    staged: Staged, current: Release, followed: Followed, applied: Iterable[_Applied | CitygraphError]
) -> Release:
    _write_changes(staged, followed)
    try:
        return staged.publish(_manifest(current.manifest, followed, applied))
    except Conflict as error:
        raise _Moved(str(error)) from None


def _applied(
    changes: Sequence[Change], staged: Staged, current: Release, settings: Settings
) -> list[_Applied | CitygraphError]:
    """Each change applied to what those before it made."""
    applied: list[_Applied | CitygraphError] = []
    changed: set[str] = set()
    for change in changes:
        done = _apply(change, staged, current, settings, changed)
        applied.append(done)
        if isinstance(done, _Applied) and len(changes) > 1:
            changed |= done.delta.graphs()
    return applied


def _apply(
    change: Change, staged: Staged, current: Release, settings: Settings, changed: set[str]
) -> _Applied | CitygraphError:
    allowed = within(change.prefixes) if settings.open_writes else permission(current.manifest, change.prefixes)
    if not isinstance(change.what, GraphWrite) and change.what.only:
        allowed = only(change.what.only, allowed)
    edit = Edit(staged.open(), allowed, skolemise=not settings.open_writes)
    try:
        _check(change, edit.store, current, changed)
        existed = True
        if isinstance(change.what, GraphWrite):
            existed = apply_write(change.what, edit, allowed)
        else:
            apply_update(change.what, edit, settings.query_depth)
    except CitygraphError as error:
        edit.undo()
        # Its traceback would keep the store open.
        return _bare(error)
    return _Applied(change, edit.delta, edit.named, existed)


def _bare(error: CitygraphError) -> CitygraphError:
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _graph_of(change: Change) -> str:
    """The one graph that a change is sent to; empty for an update of any."""
    return change.what.graph if isinstance(change.what, GraphWrite) else change.what.only


def _check(change: Change, store: Store, current: Release, changed: set[str]) -> None:
    """The preconditions of a request (RFC 9110, 13.1). `changed` are graphs that are not as `current` has them."""
    graph = _graph_of(change)
    match, none_match = change.conditions.match, change.conditions.none_match
    if not match and not none_match:
        return
    version = version_in(store, current, graph)
    if version and graph in changed:
        version = "-"  # one that nobody knows yet
    if match and version not in match and not ("*" in match and version):
        raise PreconditionFailed(f"the graph <{graph}> is no longer what If-Match says: get it again")
    if version and ("*" in none_match or version in none_match):
        raise PreconditionFailed(f"the graph <{graph}> is there already")


def version_in(store: Store, current: Release, graph: str) -> str:
    """The version of a graph in a staged copy of a release; empty if it is not there."""
    if graph and not store.contains_named_graph(NamedNode(graph)):
        return ""
    return current.version_of(graph)


def _manifest(before: Manifest, followed: Followed, applied: Iterable[_Applied | CitygraphError]) -> Manifest:
    delta = followed.delta
    digest = SetDigest(int(before.digest_total or "0", 16))
    digest.remove(delta.removed)
    digest.add(delta.added)
    graphs = {name: count for name, count in before.graphs.items() if name not in delta.dropped}
    graphs.update(dict.fromkeys(delta.created, 0))
    for name, change in followed.graphs.items():
        if name in graphs:
            graphs[name] = graphs[name] + change if name not in delta.created else change
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    done = [one for one in applied if isinstance(one, _Applied)]
    # A release has a name of its own only when it is published; a version must be known before.
    version = f"{before.number + 1}-{digest.hex[:12]}"
    written = {graph for one in done for graph in one.delta.graphs()} | delta.graphs()
    kept = {graph: name for graph, name in before.versions.items() if graph in graphs}
    return replace(
        before,
        digest=digest.hex,
        digest_total=f"{digest.total:x}",
        quads=sum(graphs.values()),
        triples=before.triples + len(followed.merged.added) - len(followed.merged.removed),
        graphs=dict(sorted(graphs.items())),
        added=len(delta.added),
        removed=len(delta.removed),
        versions=dict(sorted({**kept, **dict.fromkeys(written & graphs.keys(), version)}.items())),
        built=before.built or before.id,
        commits=[_told(one, now) for one in done],
        warnings=len(followed.report.warnings),
        message="; ".join(one.change.message for one in done if one.change.message),
        outputs={},  # dumps and tables are made by builds
    )


def _told(one: _Applied, now: str) -> dict[str, Any]:
    delta = one.delta
    return {
        "author": one.change.author,
        "message": one.change.message,
        "time": now,
        "added": len(delta.added),
        "removed": len(delta.removed),
        "graphs": sorted(delta.graphs()),
    }


def _outcome(
    done: _Applied | CitygraphError, release: Release, report: Report, begun: float, published: bool = True
) -> Outcome:
    if isinstance(done, CitygraphError):
        return done
    delta = done.delta
    return Commit(
        release=release.id,
        digest=release.manifest.digest,
        added=len(delta.added),
        removed=len(delta.removed),
        graphs=tuple(sorted(delta.graphs())),
        created=not done.existed,
        blank_nodes=done.blank_nodes,
        warnings=report.warnings,
        published=published and bool(delta),
        elapsed=time.monotonic() - begun,
    )


def _write_changes(staged: Staged, followed: Followed) -> None:
    """What is different from the release before: for readers, and as a patch for servers that hold that one loaded."""
    named = followed.delta
    before = Before(staged.open(), followed.merged)
    added, removed = (sorted(map(as_line, _named(quads))) for quads in (named.added, named.removed))
    write_changes(staged.path, added, removed, before, staged.open())
    whole = followed.whole
    write_patch(staged.path, map(as_line, whole.added), map(as_line, whole.removed))


def _named(quads: Iterable[Quad]) -> Iterator[Quad]:
    return (quad for quad in quads if isinstance(quad.graph_name, NamedNode))


def link(source: Path, target: Path) -> None:
    """The same file in another release, if it is there: releases never change."""
    with suppress(FileNotFoundError):
        target.hardlink_to(source)


class _errors_of_storage:  # noqa: N801 - a context manager that reads as a phrase
    """A full disk as an error of ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if _says_full(error):
            raise StorageFull("there is no room on the disk: nothing was changed") from error


def _says_full(error: BaseException | None) -> bool:
    """By its number, or by its words: store and index have errors of their own."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return True
    text = str(error).casefold() if isinstance(error, Exception) else ""
    return any(words in text for words in ("no space left", "quota exceeded", "file too large", "disk is full"))
