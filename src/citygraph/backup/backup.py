"""A backup of an instance, copied while the server and its commits continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from citygraph import __version__
from citygraph.audit_log import AuditLog
from citygraph.backup.backup_records import BackupRecord, Backups
from citygraph.errors import BadData, Conflict, NotFound, UsageError
from citygraph.instance import FILE
from citygraph.release.changes import DELETIONS
from citygraph.release.receiving import BESIDE
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.storage.file_copying import FileCopying, by_path
from citygraph.storage.folder_store import FolderStore
from citygraph.storage.object_folder import ObjectFolder, StoredFile

_ATTEMPTS = 3


@dataclass(frozen=True)
class BackupResult:
    """The result of a backup: its number of files, and the copied files and bytes."""

    record: BackupRecord
    copied: int
    copied_bytes: int


def back_up(settings: Settings, folder: ObjectFolder, config: Path = Path(FILE)) -> BackupResult:
    """Copies the instance into a folder of objects: releases, data, own vocabulary, tokens, audit log and settings.

    Existing content is not copied again. The backup exists when it is complete. Raises UsageError if the folder is
    inside a copied one or there is no instance, Conflict if another backup is being written to it.
    """
    _require_instance(settings, config)
    _require_outside(settings, folder)
    backups = Backups(folder)
    before = _last_files(backups)
    with folder.writing(file.sha256 for file in before.values()):
        copying = FileCopying(folder, before)
        place = _place(settings.releases, Settings().releases)
        _copy_instance(settings, config, copying)
        current = _copy_releases(Releases(settings.releases), place, copying)
        # After the releases: it has the deletions of those that were pruned during the copy.
        copying.copy(settings.releases / DELETIONS, f"{place}/{DELETIONS}")
        now = datetime.now(UTC)
        name = f"{now:%Y-%m-%dT%H%M%S.%fZ}"
        files = tuple(sorted(copying.files, key=lambda file: file.path))
        record = BackupRecord(name, f"{now:%Y-%m-%dT%H:%M:%SZ}", __version__, place, current, files)
        backups.add(record)
    return BackupResult(record, copying.copied, copying.copied_bytes)


def problems(folder: ObjectFolder) -> Iterator[str]:
    """Yields a sentence for each damaged record or object of the backups in a folder, with the files that need it."""
    needed: dict[str, tuple[StoredFile, list[str]]] = {}
    backups = Backups(folder)
    for name in backups.names():
        try:
            record = backups.get(name)
        except BadData as error:
            yield str(error)
            continue
        for file in record.files:
            needed.setdefault(file.sha256, (file, []))[1].append(f"{file.path} of {name}")
    for file, users in needed.values():
        if problem := folder.problem(file):
            more = f" and {len(users) - 1} more" if len(users) > 1 else ""
            yield f"{problem}. It is the content of {users[0]}{more}"


def _copy_releases(releases: Releases, place: str, copying: FileCopying) -> str:
    """Copies all releases, except those pruned during the backup, and returns the name of the current one."""
    # Before the releases: each release that a stored result or a pin protects then exists.
    for beside in BESIDE:
        copying.copy_folder(releases.root / beside, f"{place}/{beside}")
    for _ in range(_ATTEMPTS):
        try:
            # A release published after this line belongs to the next backup.
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


def _copy_release(release: Release, place: str, copying: FileCopying) -> bool:
    """Copies a release, and returns whether it is complete."""
    begun = len(copying.files)
    copying.copy_folder(release.path, f"{place}/{release.id}")
    # A release is renamed before its files are removed.
    if release.path.is_dir():
        return True
    del copying.files[begun:]
    return False


def _copy_instance(settings: Settings, config: Path, copying: FileCopying) -> None:
    """Copies the files outside of the releases; those that do not exist are left out."""
    defaults = Settings()
    copying.copy(config, FILE)
    copying.copy(settings.tokens, _place(settings.tokens, defaults.tokens))
    log = _place(settings.audit, defaults.audit)
    copying.copy(settings.audit, log)
    # Listed after that copy: if the log is rotated during it, both have its lines, and none is missing.
    for part in AuditLog(settings).rotated():
        copying.copy(part, f"{log}{part.name.removeprefix(settings.audit.name)}")
    comparison = settings.wikidata_comparison
    copying.copy(comparison, _place(comparison, defaults.wikidata_comparison))
    for folder, default in _folders(settings).items():
        copying.copy_folder(folder, _place(folder, default))


def _folders(settings: Settings) -> dict[Path, Path]:
    """Returns the folders of files that people edit, each with the default of its setting."""
    defaults = Settings()
    return {
        settings.data: defaults.data,
        settings.ontology: defaults.ontology,
        settings.queries: defaults.queries,
        # Where `citygraph init` has people keep their spreadsheets; no setting names another place.
        Path("sheets"): Path("sheets"),
    }


def _place(path: Path, default: Path) -> str:
    """Returns where a file or folder is restored: at its own path in the working folder, else at the default."""
    with suppress(ValueError):
        place = path.relative_to(Path.cwd()) if path.is_absolute() else path
        if ".." not in place.parts and place.parts:
            return place.as_posix()
    return default.as_posix()


def _require_instance(settings: Settings, config: Path) -> None:
    """Raises UsageError without an instance: an empty backup, such as of a wrong folder, would look like a success."""
    if not any(path.exists() for path in (config, settings.data, settings.releases)):
        raise UsageError(
            f"there is nothing to back up in {Path.cwd()}: run the command in the folder of the instance, which has "
            f"{config.name}, {settings.data} or {settings.releases}"
        )


def _require_outside(settings: Settings, folder: ObjectFolder) -> None:
    root = folder.store.root.resolve() if isinstance(folder.store, FolderStore) else None
    for copied in (settings.releases, *_folders(settings)):
        if root is not None and root.is_relative_to(copied.resolve()):
            raise UsageError(f"{folder.name} is inside of {copied}, which is backed up: name a folder elsewhere")


def _last_files(backups: Backups) -> dict[str, StoredFile]:
    """Returns the files of the newest backup whose record can be read, by path."""
    for name in backups.names():
        with suppress(BadData):
            return by_path(backups.get(name).files)
    return {}
