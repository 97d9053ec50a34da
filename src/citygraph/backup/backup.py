"""A backup of an instance: what belongs to it, copied while the server and its commits go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from citygraph import __version__
from citygraph.backup.object_folder import BackupFile, BackupRecord, ObjectFolder
from citygraph.errors import BadData, Conflict, NotFound, UsageError
from citygraph.instance import FILE
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings

# Beside the releases: why some are never pruned.
_BESIDE = (".pins", ".results")
# A log of the store for its developers; whoever opens the store may write it.
_LOG_OF_STORE = "LOG"
_ATTEMPTS = 3


@dataclass(frozen=True)
class BackupResult:
    """What a backup did: how many files it has, and how many of them and of their bytes were copied."""

    record: BackupRecord
    copied: int
    copied_bytes: int


@dataclass
class _Copying:
    """A backup in progress: the files of the last one that need not be read again, and those of this one."""

    folder: ObjectFolder
    before: dict[str, BackupFile]
    # By device, inode and time: releases share most files of their stores.
    links: dict[tuple[int, int, int], BackupFile] = field(default_factory=dict)
    files: list[BackupFile] = field(default_factory=list)
    copied: int = 0
    copied_bytes: int = 0


def back_up(settings: Settings, root: Path, config: Path = Path(FILE)) -> BackupResult:
    """Copies the instance into a folder of backups: releases, data, own vocabulary, tokens, audit log and settings.

    A file whose content is there already is not copied again. The backup exists when it is complete. Raises UsageError
    for a folder inside of what is copied, Conflict if another backup is being written to it.
    """
    _require_outside(settings, root)
    folder = ObjectFolder(root)
    with folder.writing():
        copying = _Copying(folder, _last_files(folder))
        place = _place(settings.releases, Settings().releases)
        _copy_instance(settings, config, copying)
        current = _copy_releases(Releases(settings.releases), place, copying)
        now = datetime.now(UTC)
        name = f"{now:%Y-%m-%dT%H%M%S.%fZ}"
        files = tuple(sorted(copying.files, key=lambda file: file.path))
        record = BackupRecord(name, f"{now:%Y-%m-%dT%H:%M:%SZ}", __version__, place, current, files)
        folder.add_record(record)
    return BackupResult(record, copying.copied, copying.copied_bytes)


def problems(folder: ObjectFolder) -> Iterator[str]:
    """Yields a sentence for each damaged record or object of the backups in a folder, with the files that need it."""
    needed: dict[str, tuple[BackupFile, list[str]]] = {}
    for name in folder.names():
        try:
            record = folder.record(name)
        except BadData as error:
            yield str(error)
            continue
        for file in record.files:
            needed.setdefault(file.sha256, (file, []))[1].append(f"{file.path} of {name}")
    for file, users in needed.values():
        if problem := folder.problem(file):
            more = f" and {len(users) - 1} more" if len(users) > 1 else ""
            yield f"{problem}. It is the content of {users[0]}{more}"


def _copy_releases(releases: Releases, place: str, copying: _Copying) -> str:
    """Copies all releases and returns the name of the current one; one that is pruned meanwhile is left out."""
    # Before the releases: each release that a stored result or a pin protects then exists.
    for beside in _BESIDE:
        _copy_folder(releases.root / beside, f"{place}/{beside}", copying)
    for _ in range(_ATTEMPTS):
        try:
            # What is published after this line belongs to the next backup.
            current = releases.current_id()
            history = releases.history()
        except NotFound:
            if not releases.history():
                return ""
            continue
        # From the oldest on: the files that a later one shares with it are then known.
        complete = {release.id for release in reversed(history) if _copy_release(release, place, copying)}
        if current in complete:
            return current
    raise Conflict("the current release was pruned while it was copied, several times: try again")


def _copy_release(release: Release, place: str, copying: _Copying) -> bool:
    """Copies a release, and returns whether it is complete."""
    begun = len(copying.files)
    _copy_folder(release.path, f"{place}/{release.id}", copying)
    # A release is renamed before its files are removed.
    if release.path.is_dir():
        return True
    del copying.files[begun:]
    return False


def _copy_folder(folder: Path, place: str, copying: _Copying) -> None:
    for path in _walk(folder):
        if not (path.parent.name == "store" and path.name.startswith(_LOG_OF_STORE)):
            _copy(path, f"{place}/{path.relative_to(folder)}", copying)


def _walk(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder, unless they are removed meanwhile."""
    try:
        entries = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.is_file() and entry.suffix != ".part":
            yield entry


def _copy(path: Path, name: str, copying: _Copying) -> None:
    """Copies a file, unless it was removed meanwhile or its content is there."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        status = os.fstat(file.fileno())
        known = copying.links.get(_identity(status)) or copying.before.get(name)
        if known is None or not _is_same(known, status) or not copying.folder.has(known.sha256, known.size):
            known = None
        sha256, size = (known.sha256, known.size) if known else _add(file, copying)
        status = os.fstat(file.fileno())
        entry = BackupFile(name, sha256, size, status.st_mode & 0o777, status.st_mtime_ns)
        copying.links[_identity(status)] = entry
        copying.files.append(entry)


def _add(file: IO[bytes], copying: _Copying) -> tuple[str, int]:
    """Adds the content of an open file, again if the file was written to meanwhile; returns its digest and size."""
    for _ in range(_ATTEMPTS):
        before = os.fstat(file.fileno())
        file.seek(0)
        sha256, size, is_new = copying.folder.add(file)
        copying.copied += is_new
        copying.copied_bytes += size if is_new else 0
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and size == after.st_size:
            break
    # A file that is always being written to, such as the log of a busy server, is taken as it was at one moment.
    return sha256, size


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_mtime_ns


def _is_same(known: BackupFile, status: os.stat_result) -> bool:
    return (known.size, known.modified) == (status.st_size, status.st_mtime_ns)


def _last_files(folder: ObjectFolder) -> dict[str, BackupFile]:
    """Returns the files of the newest backup whose record can be read, by path."""
    for name in folder.names():
        with suppress(BadData):
            return {file.path: file for file in folder.record(name).files}
    return {}


def _copy_instance(settings: Settings, config: Path, copying: _Copying) -> None:
    """Copies the files outside of the releases; those that do not exist are left out."""
    defaults = Settings()
    _copy(config, FILE, copying)
    for path, default in ((settings.tokens, defaults.tokens), (settings.audit, defaults.audit)):
        place = _place(path, default)
        # An audit log may have been rotated.
        for one in sorted(path.parent.glob(f"{path.name}*")) if path.parent.is_dir() else ():
            _copy(one, f"{place}{one.name.removeprefix(path.name)}", copying)
    _copy(settings.wikidata_comparison, _place(settings.wikidata_comparison, defaults.wikidata_comparison), copying)
    for folder, default in _folders(settings).items():
        _copy_folder(folder, _place(folder, default), copying)


def _folders(settings: Settings) -> dict[Path, Path]:
    """Returns the folders of files that people edit, each with the default of its setting."""
    defaults = Settings()
    return {
        settings.data: defaults.data,
        settings.ontology: defaults.ontology,
        settings.queries: defaults.queries,
    }


def _place(path: Path, default: Path) -> str:
    """Returns where a file or folder is restored: at its own path in the working folder, else at the default."""
    with suppress(ValueError):
        place = path.relative_to(Path.cwd()) if path.is_absolute() else path
        if ".." not in place.parts and place.parts:
            return place.as_posix()
    return default.as_posix()


def _require_outside(settings: Settings, root: Path) -> None:
    for folder in (settings.releases, *_folders(settings)):
        if root.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{root} is inside of {folder}, which is backed up: name a folder elsewhere")
