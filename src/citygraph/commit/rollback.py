"""Rollback: a new release with the content of an older one, and a record of the undone changes for the next build."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace

from citygraph.build.quality import FILE as QUALITY
from citygraph.build.query_packs import FILE as QUERIES
from citygraph.errors import NotFound
from citygraph.index.names import AMENDMENTS, INDEX
from citygraph.release.changes import ADDED, REMOVED, THINGS, ChangeCounts, write_changes_back
from citygraph.release.releases import Manifest, Release, Releases, Staged, link_file
from citygraph.report import LATER, REPORT
from citygraph.saving import is_disk_full
from citygraph.sparql.statistics import STATISTICS

_QUERY = ".rq"  # the extension of rules and stored queries


def rollback(release_id: str, releases: Releases) -> Release:
    """Publishes a release equal to an older one. Raises NotFound, Conflict if another release was published."""
    old = releases.get(release_id)
    with releases.writing(), releases.stage(copy_of=old) as staged:
        manifest = old.manifest
        # Equal data has equal dumps and tables, so they are linked and not made again.
        # Releases of older versions do not describe their stored queries.
        described = (QUERIES,) if (old.path / QUERIES).is_file() else ()
        for name in (INDEX, AMENDMENTS, REPORT, LATER, QUALITY, STATISTICS, *described, *manifest.outputs):
            (staged.path / name).parent.mkdir(parents=True, exist_ok=True)
            link_file(old.path / name, staged.path / name)
        current = staged.parent or old
        # A graph written to since `old` must not keep the version of its later content.
        differing = {**manifest.versions, **current.manifest.versions}
        versions = {graph: old.version_of(graph) for graph in differing if graph in manifest.graphs}
        changes = _write_changes(staged, current, old)
        return staged.publish(
            replace(
                manifest,
                message=f"back to {release_id}",
                commits=[],
                built=manifest.built or manifest.id,
                versions=versions,
                undone=_undone(old, current, releases),
                added=changes.added,
                removed=changes.removed,
            )
        )


def _write_changes(staged: Staged, current: Release, old: Release) -> ChangeCounts:
    """Writes the changes for feeds and histories. From a damaged release, the rollback succeeds without them."""
    try:
        return write_changes_back(current, old, staged.open(), staged.path)
    except (OSError, EOFError, RuntimeError) as error:
        if is_disk_full(error):
            raise
        for name in (ADDED, REMOVED, THINGS):
            (staged.path / name).unlink(missing_ok=True)
        return ChangeCounts(0, 0)


def _undone(old: Release, current: Release, releases: Releases) -> dict[str, list[str]]:
    """Returns the contents of files that are in the releases after an old one, and not in it.

    By name of the file, as SHA-256; "" for a file that did not exist.
    """
    contents: dict[str, set[str]] = defaultdict(set)
    for name, undone in current.manifest.undone.items():
        contents[name].update(undone)
    for manifest in _since(old, current, releases):
        for name in _compared(old.manifest.files, manifest.files):
            contents[name].add(manifest.files.get(name, ""))
    others = (
        (name, sorted(digests - {old.manifest.files.get(name, "")})) for name, digests in sorted(contents.items())
    )
    return {name: digests for name, digests in others if digests}


def _since(old: Release, current: Release, releases: Releases) -> Iterator[Manifest]:
    """Yields the manifests of the builds after an old release, from the current one back."""
    release = current
    with suppress(NotFound):  # a release in between may have been removed
        while release.manifest.number > old.manifest.number:
            yield release.manifest
            # Commits have the files of the build that they follow.
            release = releases.get(release.manifest.built or release.manifest.parent or "")


def _compared(old: Collection[str], new: Collection[str]) -> set[str]:
    names = {*old, *new}
    # Manifests of earlier versions of the software do not list rules and queries.
    listed = all(any(name.endswith(_QUERY) for name in files) for files in (old, new))
    return names if listed else {name for name in names if not name.endswith(_QUERY)}
