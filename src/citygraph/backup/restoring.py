"""The restoration of a backup as a folder that can be served; each file is checked by its digest."""

from __future__ import annotations

import os
from pathlib import Path

from citygraph.backup.backup_records import BackupRecord, Backups
from citygraph.errors import UsageError
from citygraph.release.releases import CURRENT
from citygraph.storage.object_folder import ObjectFolder
from citygraph.storage.received_files import checked, write_file

# In the folder until everything is there.
_UNFINISHED = ".unfinished-restore"
# Smaller files are not worth a link.
_BLOCK = 4096


def restore(folder: ObjectFolder, target: Path, name: str = "") -> BackupRecord:
    """Writes a backup, by default the newest, to an empty or new folder; the link to the current release comes last.

    Raises UsageError if the folder has content, NotFound without such a backup, BadData if an object is damaged.
    """
    record = Backups(folder).get(name)
    _require_empty(target)
    target.mkdir(parents=True, exist_ok=True)
    (target / _UNFINISHED).touch()
    links: dict[tuple[str, int, int], Path] = {}
    for file in record.files:
        path = target / checked(file, folder.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Releases share most files of their stores, and never change them.
        key = (file.sha256, file.mode, file.modified)
        if file.size > _BLOCK and file.path.startswith(f"{record.releases}/") and key in links:
            path.hardlink_to(links[key])
            continue
        write_file(file, path, folder)
        links[key] = path
    if record.current:
        os.sync()
        (target / record.releases / CURRENT).symlink_to(record.current)
    (target / _UNFINISHED).unlink()
    return record


def _require_empty(target: Path) -> None:
    if (target / _UNFINISHED).exists():
        raise UsageError(f"{target} has a restore that did not finish: remove the folder, and restore again")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not an empty folder: a backup is restored into an empty or new one")
