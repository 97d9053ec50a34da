"""Releases on their way into a folder of objects: objects, then records, then the pointer."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from citygraph.errors import BadData, Conflict, NotFound
from citygraph.progress import Progress, Step
from citygraph.release.receiving import BESIDE
from citygraph.release.releases import Release, Releases
from citygraph.storage.file_copying import FileCopying, by_path
from citygraph.storage.object_folder import ObjectFolder, StoredFile, stored_files
from citygraph.storage.release_pointer import RELEASES, ReleasePointer, read_pointer, replace_pointer
from citygraph.storage.unused_objects import remove_records, remove_unused


@dataclass(frozen=True)
class PushedReleases:
    """The result of a push: the current release there, the number of new ones, and the copied files and bytes."""

    release: str
    new: int
    copied: int
    copied_bytes: int


def push(releases: Releases, folder: ObjectFolder, progress: Progress, force: bool = False) -> PushedReleases:
    """Publishes the current release and its predecessors in a folder of objects; existing objects are not copied.

    Readers see the release when it is complete. Raises Conflict if this machine lacks the folder's current release
    (unless `force`), or if another push was faster; NotFound without a local release.
    """
    history = list(reversed(releases.history()))
    current = releases.current_id()
    pointer, tag = _pointer_of(folder)
    if pointer is not None and not force:
        _require_descent(pointer, history, releases, folder)
    with progress.step("push") as step:
        before = _files_of(folder, pointer)
        with folder.writing({file.sha256 for file in before.values()}):
            copying = _copying(folder, before, progress, step)
            records, new = _push_releases(history, pointer, folder, copying)
            if current not in records:
                raise Conflict("the current release was pruned while it was copied: try again")
            copying.files = []
            for name in BESIDE:
                copying.copy_folder(releases.root / name, name)
            pushed = ReleasePointer(
                current, _publisher(releases), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", records, tuple(copying.files)
            )
            if pointer is None or (pointer.release, pointer.records) != (current, records) or _besides(pointer, pushed):
                replace_pointer(folder, pushed, tag)
            _remove_pruned(folder, pointer, pushed)
        step.result = f"{new:,} release(s), {copying.copied:,} files copied ({copying.copied_bytes / 1e6:,.1f} MB)"
    return PushedReleases(current, new, copying.copied, copying.copied_bytes)


def _pointer_of(folder: ObjectFolder) -> tuple[ReleasePointer | None, str]:
    with suppress(NotFound):
        found = read_pointer(folder)
        if found is not None:
            return found
    return None, ""


def _require_descent(
    pointer: ReleasePointer, history: Sequence[Release], releases: Releases, folder: ObjectFolder
) -> None:
    """Raises Conflict if the folder's current release is neither here nor an ancestor nor pushed from here."""
    known = {release.id for release in history} | {release.manifest.parent for release in history}
    if pointer.release not in known and pointer.publisher != _publisher(releases):
        raise Conflict(
            f"the current release of {folder.name} is not known here: {pointer.described}. Get it with "
            f"`citygraph pull {folder.name}`, or replace it with --force"
        )


def _files_of(folder: ObjectFolder, pointer: ReleasePointer | None) -> dict[str, StoredFile]:
    """Returns the files of the folder's current release, which are not read again if they are here too."""
    if pointer is None:
        return {}
    with suppress(NotFound, BadData):
        return by_path(stored_files(folder.read_record(RELEASES, pointer.release)["files"]))
    return {}


def _copying(folder: ObjectFolder, before: dict[str, StoredFile], progress: Progress, step: Step) -> FileCopying:
    def moved(text: str) -> None:
        step.result = text
        progress.moved(step)

    return FileCopying(folder, before, moved)


def _push_releases(
    history: Sequence[Release], pointer: ReleasePointer | None, folder: ObjectFolder, copying: FileCopying
) -> tuple[dict[str, str], int]:
    """Copies the missing releases. Returns the digests of all records by release, and the number of new ones.

    A release that is pruned during the copy is left out.
    """
    there = set(folder.names(RELEASES))
    records, new = dict[str, str](), 0
    for release in history:
        if pointer is not None and release.id in pointer.records and release.id in there:
            records[release.id] = pointer.records[release.id]
            continue
        copying.files = []
        copying.copy_folder(release.path, "")
        # A release is renamed before its files are removed.
        if release.path.is_dir():
            files = [asdict(file) for file in copying.files]
            records[release.id] = folder.write_record(RELEASES, release.id, {"name": release.id, "files": files})
            new += 1
    return records, new


def _besides(before: ReleasePointer, after: ReleasePointer) -> bool:
    return {(one.path, one.sha256) for one in before.beside} != {(one.path, one.sha256) for one in after.beside}


def _remove_pruned(folder: ObjectFolder, before: ReleasePointer | None, after: ReleasePointer) -> None:
    """Removes the records of releases that the publisher has pruned, and objects that nothing has named for long."""
    there = set(folder.names(RELEASES)) if before else set()
    pruned = [name for name in (before.records if before else ()) if name not in after.records and name in there]
    if pruned:
        # With a damaged record the needed objects are unknown: `citygraph backup --verify` names it, and objects stay.
        with suppress(BadData):
            remove_records(folder, RELEASES, pruned)
            remove_unused(folder, datetime.now(UTC))


def _publisher(releases: Releases) -> str:
    with suppress(KeyError, OSError):
        return f"{getpass.getuser()}@{socket.gethostname()}:{releases.root.resolve()}"
    return f"{socket.gethostname()}:{releases.root.resolve()}"
