"""Disk space: compares the needs of a build or commit with the free space before it starts."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from citygraph.errors import NotFound, StorageFull
from citygraph.release.releases import Release, Releases

_KB, _MB = 1000, 1_000_000
# The İzmir graph: 1.4 MB of files make a release of 27 MB, of which the vocabulary takes 4.8 MB. While a release of
# 10,000 cities is made (76 MB of files, 887 MB, 1.1 million quads), its dumps need the most: for each quad, 977 bytes
# more than the release if the graphs are in files, and 597 if they are in memory.
_LINES = 1_000  # bytes for each quad
_FIRST, _TIMES = 4_800_000, 15 + 15
# A commit of one statement writes at least this much, in addition to the files shared with the previous release.
_COMMIT, _TEXT = 128_000, 2
# Warn unless so many more releases of the size of the current one fit.
_FEW = 3


class DiskRoom(NamedTuple):
    """Bytes of the disk that has the releases."""

    free: int
    used: int


def disk_room(releases: Releases) -> DiskRoom:
    """Returns the free and used space of the releases' disk."""
    status = _status(releases)
    return DiskRoom(status.f_bavail * status.f_frsize, (status.f_blocks - status.f_bfree) * status.f_frsize)


def require_room_for_build(releases: Releases, data: int, left: int = 0) -> None:
    """Raises StorageFull if a build from so many bytes of data needs more room than is free, with both figures.

    The need is the highest during the build: the size of the current release, and 1 kB for each of its quads, for the
    lines that the build removes before its end. It continues or removes the `left` bytes of an interrupted build.
    """
    current = releases.current_or_none()
    need, free = _need_after(current) if current else _FIRST + _TIMES * data, disk_room(releases).free + left
    if need > free:
        raise StorageFull(
            f"a build needs about {need / _MB:.1f} MB of disk, and {free / _MB:.1f} MB are free: nothing was "
            "changed; remove old releases with `citygraph prune`, or make room"
        )


def require_room_for_commit(releases: Releases, text: int) -> None:
    """Raises StorageFull if a commit of so many bytes needs more room than is free, with both figures."""
    need, free = _COMMIT + _TEXT * text, disk_room(releases).free
    if need > free:
        raise StorageFull(
            f"a commit needs at least {need // _KB} kB of disk, and {free // _KB} kB are free: nothing was changed"
        )


def require_room(releases: Releases, need: int) -> None:
    """Raises StorageFull if a release from elsewhere needs more bytes than are free, with both figures."""
    free = disk_room(releases).free
    if need > free:
        raise StorageFull(
            f"the release needs {need / _MB:.1f} MB of disk, and {free / _MB:.1f} MB are free: nothing was changed"
        )


def low_room(releases: Releases) -> str:
    """Returns a warning if the disk will soon be full, with the figures; "" if not."""
    try:
        current = releases.current()
    except NotFound:
        return ""
    need, free = _need_after(current), disk_room(releases).free
    if free >= (_FEW - 1) * _size_of(current.path) + need:
        return ""
    return (
        f"the disk will soon be full: {free / _MB:.1f} MB are free, and a build needs about {need / _MB:.1f} MB. "
        'Remove old releases with `citygraph prune`, or set keep = "30d, 12 monthly" in citygraph.toml'
    )


def _status(releases: Releases) -> os.statvfs_result:
    folder = releases.root.absolute()
    return os.statvfs(next(path for path in (folder, *folder.parents) if path.is_dir()))


def _need_after(current: Release) -> int:
    """Returns the bytes that the build of a release like the current one needs at most while it runs."""
    return _size_of(current.path) + _LINES * current.manifest.quads


# A release never changes, and monitors ask for the room on the disk every few seconds.
@lru_cache(maxsize=4)
def _size_of(release: Path) -> int:
    return sum(_size(path) for path in release.rglob("*"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
