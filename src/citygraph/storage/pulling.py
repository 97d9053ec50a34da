"""Releases on their way from a folder of objects: read, verified, and then switched to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citygraph.errors import BadData, NotFound
from citygraph.progress import Progress, Step
from citygraph.release.receiving import BESIDE, ReceivedReleases
from citygraph.release.releases import Releases
from citygraph.storage.object_folder import ObjectFolder, StoredFile, record_text, record_values, stored_files
from citygraph.storage.received_files import checked, write_file
from citygraph.storage.release_pointer import RELEASES, ReleasePointer, read_pointer

# Smaller files are not worth a link.
_BLOCK = 4096


@dataclass(frozen=True)
class PulledReleases:
    """The result of a pull: the current release, the number of new ones, the bytes read, and the pointer's tag."""

    release: str
    new: int
    files: int
    size: int
    tag: str


def pull(
    releases: Releases,
    folder: ObjectFolder,
    progress: Progress,
    tag: str = "",
    force: bool = False,
    warm: Callable[[str], None] = lambda _: None,
) -> PulledReleases | None:
    """Makes the current release of a folder of objects the current one here; None if its pointer still has the tag.

    Everything is read and verified before the switch, and `warm` is called with the release; after a failure the
    former release stays. Releases that the publisher has pruned are removed. Raises NotFound, BadData, Upstream,
    StorageFull, and Conflict if the current release was made here and is not known there, unless `force`.
    """
    found = read_pointer(folder, tag)
    if found is None:
        return None
    pointer, new_tag = found
    received = ReceivedReleases(releases)
    if not force:
        received.require_received(pointer.records)
    with progress.step("pull") as step:
        transfer = _Transfer(received, folder, progress, step)
        new = sum(transfer.receive(name, digest) for name, digest in pointer.records.items())
        transfer.receive_beside(pointer)
        if not _is_current(releases, pointer.release):
            warm(pointer.release)
            received.switch(pointer.release)
        received.prune(pointer.records)
        step.result = f"{new:,} release(s), {transfer.files:,} files read ({transfer.size / 1e6:,.1f} MB)"
    return PulledReleases(pointer.release, new, transfer.files, transfer.size, new_tag)


class _Transfer:
    """A transfer of files; files that a received release has are shared with it."""

    def __init__(self, received: ReceivedReleases, folder: ObjectFolder, progress: Progress, step: Step) -> None:
        self._received = received
        self._folder = folder
        self._progress = progress
        self._step = step
        self._here: dict[tuple[str, int, int], Path] | None = None
        self.files = 0
        self.size = 0

    def receive(self, name: str, digest: str) -> bool:
        """Receives a release, unless it is here. Raises BadData, NotFound, StorageFull."""
        root = self._received.releases.root
        if "/" in name or name.startswith(".") or not name:
            raise BadData(f"has a release of the name {name!r}", self._folder.store.place("current"))
        if (root / name).is_dir():
            return False
        try:
            values = self._folder.read_record(RELEASES, name, digest)
        except NotFound as error:
            raise BadData("missing, although the pointer names it", str(error).rpartition(": ")[0]) from None
        files = stored_files(values["files"])
        here = self._files_here()
        need = sum(file.size for file in files if _key(file) not in here)
        self._received.keep_record(name, record_text(values)[0])
        with self._received.receiving(name, need) as staged:
            for file in files:
                self._write(file, staged / checked(file, self._folder.name))
        self._add_here(name, files)
        return True

    def receive_beside(self, pointer: ReleasePointer) -> None:
        """Receives the stored results, and why releases are pinned."""
        root = self._received.releases.root
        for file in pointer.beside:
            path = root / checked(file, self._folder.name)
            if file.path.split("/")[0] in BESIDE and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f"{path.name}.part")
                part.unlink(missing_ok=True)
                write_file(file, part, self._folder)
                part.rename(path)

    def _write(self, file: StoredFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shared = self._files_here().get(_key(file))
        if shared is not None and file.size > _BLOCK and _is_as_received(shared, file):
            path.hardlink_to(shared)
            return
        write_file(file, path, self._folder)
        self.files += 1
        self.size += file.size
        self._step.result = f"{self.files:,} files ({self.size / 1e6:,.1f} MB)"
        self._progress.moved(self._step)

    def _files_here(self) -> dict[tuple[str, int, int], Path]:
        """Returns the files of the received releases, which were verified when they were written."""
        if self._here is None:
            self._here = {}
            for release in self._received.releases.history():
                if (record := self._received.record(release.id)) is not None:
                    self._add_here(release.id, stored_files(record_values(record, release.id)["files"]))
        return self._here

    def _add_here(self, name: str, files: tuple[StoredFile, ...]) -> None:
        if self._here is not None:
            self._here.update({_key(file): self._received.releases.root / name / file.path for file in files})


def _key(file: StoredFile) -> tuple[str, int, int]:
    return file.sha256, file.mode, file.modified


def _is_as_received(path: Path, file: StoredFile) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == (file.size, file.modified)


def _is_current(releases: Releases, name: str) -> bool:
    try:
        return releases.current_id() == name
    except NotFound:
        return False
