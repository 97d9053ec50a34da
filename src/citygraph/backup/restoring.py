"""The way back: a backup becomes a folder that can be served, each file checked by its digest."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from citygraph.backup.object_folder import BackupFile, BackupRecord, ObjectFolder, copy_object
from citygraph.errors import BadData, UsageError
from citygraph.release.releases import CURRENT

# In the folder until everything is there.
_UNFINISHED = ".unfinished-restore"
# Smaller files are not worth a link.
_BLOCK = 4096


def restore(root: Path, target: Path, name: str = "") -> BackupRecord:
    """Writes a backup, by default the newest, to an empty or new folder; the link to the current release comes last.

    Raises UsageError if the folder has content, NotFound without such a backup, BadData if an object is damaged.
    """
    folder = ObjectFolder(root)
    record = folder.record(name)
    _require_empty(target)
    target.mkdir(parents=True, exist_ok=True)
    (target / _UNFINISHED).touch()
    links: dict[tuple[str, int, int], Path] = {}
    for file in record.files:
        path = target / _checked(file, root)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Releases share most files of their stores, and never change them.
        key = (file.sha256, file.mode, file.modified)
        if file.size > _BLOCK and file.path.startswith(f"{record.releases}/") and key in links:
            path.hardlink_to(links[key])
            continue
        _write(file, path, folder)
        links[key] = path
    if record.current:
        os.sync()
        (target / record.releases / CURRENT).symlink_to(record.current)
    (target / _UNFINISHED).unlink()
    return record


def _write(file: BackupFile, path: Path, folder: ObjectFolder) -> None:
    """Writes a file. Raises BadData, with the object's path, if its content has another digest."""
    with folder.open_object(file) as source:
        # Private until its mode is set.
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as target:
            digest = copy_object(source, target)
        if digest != file.sha256:
            raise BadData(f"damaged: it should be the content of {file.path}", source.name)
    path.chmod(file.mode)
    os.utime(path, ns=(file.modified, file.modified))


def _checked(file: BackupFile, root: Path) -> PurePosixPath:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts:
        raise BadData(f"a backup leads out of its folder, to {file.path}", str(root))
    return path


def _require_empty(target: Path) -> None:
    if (target / _UNFINISHED).exists():
        raise UsageError(f"{target} has a restore that did not finish: remove the folder, and restore again")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not an empty folder: a backup is restored into an empty or new one")
