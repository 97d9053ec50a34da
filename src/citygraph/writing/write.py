"""From changes to a published release: stage a copy, apply, derive, describe, validate, publish."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pyoxigraph import NamedNode, Store

from citygraph.digest import SetDigest
from citygraph.errors import CitygraphError, Conflict, PreconditionFailed, StorageFull, Violations
from citygraph.release import Manifest, Release, Releases, Staged
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.writing.apply import apply_update, apply_write
from citygraph.writing.change import Change, Commit, Delta, GraphWrite
from citygraph.writing.edit import Edit
from citygraph.writing.ownership import only, permission, within

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
    triples: int  # by how many the default graph did
    report: Report


@dataclass(frozen=True)
class _Applied:
    """A change that is in the staged store, and what it did there."""

    change: Change
    delta: Delta
    blank_nodes: int
    existed: bool


def write(
    changes: Sequence[Change], releases: Releases, consequences: Consequences, settings: Settings
) -> list[Outcome]:
    """Publish the current release with these changes applied, in one release if they conform together.

    Answers for each change its commit, or the error for which it changed nothing: Violations, Conflict, Forbidden,
    PreconditionFailed, NotFound, QuerySyntaxError, BadData, StorageFull, …
    """
    with releases.writing():
        if len(changes) == 1:
            return [_one(changes[0], releases, consequences, settings)]
        try:
            return _together(changes, releases, consequences, settings)
        except CitygraphError:
            # Together they do not conform: each for itself then, in the same order.
            return [_one(change, releases, consequences, settings) for change in changes]


def rollback(release_id: str, releases: Releases) -> Release:
    """Publish a release equal to an older one. Raises NotFound, Conflict if another was published meanwhile."""
    old = releases.get(release_id)
    with releases.writing(), releases.stage(copy_of=old) as staged:
        for name in ("search.sqlite", "report.ttl"):
            link(old.path / name, staged.path / name)
        manifest = old.manifest
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


def _one(change: Change, releases: Releases, consequences: Consequences, settings: Settings) -> Outcome:
    for attempt in range(_ATTEMPTS):
        try:
            outcome = _together([change], releases, consequences, settings)[0]
        except _Moved as error:
            if attempt == _ATTEMPTS - 1:
                return Conflict(str(error))
        except CitygraphError as error:
            return error
        else:
            return outcome
    raise AssertionError


class _Moved(Conflict):
    """A build published while this commit was made."""


def _together(
    changes: Sequence[Change], releases: Releases, consequences: Consequences, settings: Settings
) -> list[Outcome]:
    begun = time.monotonic()
    current = releases.current()
    with _errors_of_storage(), releases.stage(copy_of=current) as staged:
        if staged.parent is None or staged.parent.id != current.id:
            raise _Moved("another release was published meanwhile: nothing was changed, try again")
        applied = [_apply(change, staged, current, settings) for change in changes]
        delta = Delta()
        for done in applied:
            if isinstance(done, _Applied):
                delta.follow(done.delta)
        if not delta:
            return [_outcome(done, current, Report((), ""), begun, published=False) for done in applied]
        followed = consequences.follow(staged, delta)
        if not followed.report.conforms:
            raise Violations(followed.report)
        if any(change.dry_run for change in changes):
            return [_outcome(done, current, followed.report, begun, published=False) for done in applied]
        manifest = _manifest(current.manifest, followed, applied)
        _write_changes(staged.path, followed.delta)
        try:
            release = staged.publish(manifest)
        except Conflict as error:
            raise _Moved(str(error)) from None
    return [_outcome(done, release, followed.report, begun) for done in applied]


def _apply(change: Change, staged: Staged, current: Release, settings: Settings) -> _Applied | CitygraphError:
    allowed = within(change.prefixes) if settings.open_writes else permission(current.manifest, change.prefixes)
    if not isinstance(change.what, GraphWrite) and change.what.only:
        allowed = only(change.what.only, allowed)
    edit = Edit(staged.open(), allowed, skolemise=not settings.open_writes)
    try:
        _check(change, edit.store, current)
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


def _check(change: Change, store: Store, current: Release) -> None:
    """The preconditions of a request (RFC 9110, 13.1)."""
    graph = change.what.graph if isinstance(change.what, GraphWrite) else change.what.only
    match, none_match = change.conditions.match, change.conditions.none_match
    if not match and not none_match:
        return
    version = version_in(store, current, graph)
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
        triples=before.triples + followed.triples,
        graphs=dict(sorted(graphs.items())),
        added=len(delta.added),
        removed=len(delta.removed),
        versions=dict(sorted({**kept, **dict.fromkeys(written & graphs.keys(), version)}.items())),
        built=before.built or before.id,
        commits=[_told(one, now) for one in done],
        warnings=len(followed.report.warnings),
        message="; ".join(one.change.message for one in done if one.change.message),
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
    delta, what = done.delta, done.change.what
    graph = what.graph if isinstance(what, GraphWrite) else what.only
    return Commit(
        release=release.id,
        digest=release.manifest.digest,
        added=len(delta.added),
        removed=len(delta.removed),
        graphs=tuple(sorted(delta.graphs())),
        created=not done.existed,
        version=release.version_of(graph) if graph in release.manifest.graphs or not graph else "",
        blank_nodes=done.blank_nodes,
        warnings=report.warnings,
        published=published and bool(delta),
        elapsed=time.monotonic() - begun,
    )


def _write_changes(folder: Path, delta: Delta) -> None:
    """What is different from the release before, as N-Quads; sorted, so that equal changes make equal files."""
    for name, quads in (("added.nq.gz", delta.added), ("removed.nq.gz", delta.removed)):
        with (folder / name).open("wb") as file, gzip.GzipFile("", "wb", 6, file, 0) as packed:
            packed.writelines(sorted(f"{quad} .\n".encode() for quad in quads))


def link(source: Path, target: Path) -> None:
    """The same file in another release, if it is there: releases never change."""
    with suppress(FileNotFoundError):
        target.hardlink_to(source)


class _errors_of_storage:  # noqa: N801 - a context manager that reads as a phrase
    """A full disk as an error of ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and (error.errno in {28, 122, 27} or _says_full(error)):
            raise StorageFull("there is no room on the disk: nothing was changed") from error


def _says_full(error: OSError) -> bool:
    text = str(error).casefold()
    return "no space left" in text or "quota exceeded" in text or "file too large" in text
