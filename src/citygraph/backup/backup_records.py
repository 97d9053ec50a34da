"""The records of backups in a folder of objects, and their removal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from citygraph.errors import BadData, NotFound
from citygraph.release.retention import KeepPolicy
from citygraph.storage.object_folder import ObjectFolder, StoredFile, stored_files
from citygraph.storage.unused_objects import RemovedObjects, remove_records, remove_unused

BACKUPS = "backups"


@dataclass(frozen=True)
class BackupRecord:
    """A complete backup: its files, and the release that was current."""

    name: str
    created: str
    software_version: str
    releases: str  # the folder of the releases in the restored folder
    current: str
    files: tuple[StoredFile, ...]


class Backups:
    """The backups in a folder of objects."""

    def __init__(self, folder: ObjectFolder) -> None:
        self._folder = folder

    def add(self, record: BackupRecord) -> None:
        """Writes the record of a complete backup: with it the backup exists."""
        self._folder.write_record(BACKUPS, record.name, asdict(record))

    def names(self) -> list[str]:
        """Returns the names of the complete backups, the newest first."""
        return self._folder.names(BACKUPS)

    def existing(self) -> list[str]:
        """Returns the names of the complete backups, the newest first. Raises NotFound if there is none."""
        names = self.names()
        if not names:
            raise NotFound(f"there is no backup in {self._folder.name}")
        return names

    def get(self, name: str = "") -> BackupRecord:
        """Returns a backup by its name, or the newest. Raises NotFound, BadData if its record is damaged."""
        names = self.existing()
        if name and name not in names:
            raise NotFound(f"no backup {name} in {self._folder.name}; there are {', '.join(names)}")
        values = self._folder.read_record(BACKUPS, name or names[0])
        return BackupRecord(**{**values, "files": stored_files(values["files"])})

    def prune(self, policy: KeepPolicy, now: datetime, waiting: timedelta) -> tuple[list[str], RemovedObjects]:
        """Removes the backups that a policy does not keep, and the objects that no record has named for some time.

        The newest is always kept. Returns the names of the removed backups, and what happened to the objects. Raises
        Conflict if a backup is being written, BadData if a record is damaged, because its objects are then unknown.
        """
        with self._folder.writing():
            names = self.names()
            kept = policy.kept_of([(name, _time(name)) for name in names], now) | set(names[:1])
            removed = [name for name in names if name not in kept]
            remove_records(self._folder, BACKUPS, removed)
            return removed, remove_unused(self._folder, now, waiting)


def _time(name: str) -> datetime:
    try:
        return datetime.fromisoformat(name)
    except ValueError:
        raise BadData("is not the name of a backup", name) from None
