"""Releases from another machine: written to a private folder, checked, added to the others, and made current."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from citygraph.errors import BadData, Conflict, NotFound
from citygraph.release.disk_room import require_room
from citygraph.release.folder_locks import sync_tree
from citygraph.release.releases import CURRENT, Release, Releases, read_release
from citygraph.release.retention import IN_USE, superseded

# In the folder of releases: the reasons why some are never pruned.
BESIDE = (".pins", ".results")
# The records of the releases that were received, by name.
_RECEIVED = ".received"


class ReceivedReleases:
    """The releases in a folder that were made elsewhere."""

    def __init__(self, releases: Releases) -> None:
        self.releases = releases
        self._records = releases.root / _RECEIVED

    @contextmanager
    def receiving(self, name: str, need: int) -> Iterator[Path]:
        """Yields a private folder for the files of a release of a known size in bytes.

        At the end of the block the release is checked, synced to the disk, and added to the others. Raises StorageFull
        before anything is written, BadData if it is not a release of this name.
        """
        require_room(self.releases, need)
        self.releases.sweep()
        with self.releases.private() as (staged, _):
            yield staged
            _check(staged, name)
            (staged / "lock").unlink()
            sync_tree(staged)
            staged.chmod(0o755)
            with self.releases.locked():
                if not (self.releases.root / name).exists():
                    staged.rename(self.releases.root / name)

    def switch(self, name: str) -> None:
        """Makes a received release the current one, by one rename. Raises NotFound."""
        self.releases.get(name)
        with self.releases.writing(), self.releases.locked():
            link = self.releases.root / f".switch-{os.getpid()}"
            link.unlink(missing_ok=True)
            link.symlink_to(name)
            link.rename(self.releases.root / CURRENT)

    def require_received(self, known: Collection[str]) -> None:
        """Raises Conflict if the current release was made here, and the other machine does not have it."""
        with suppress(NotFound):
            current = self.releases.current_id()
            if current not in known and self.record(current) is None:
                raise Conflict(
                    f"the current release here, {current}, was made here and is not there: "
                    "publish it with `citygraph push`, or replace it with `citygraph pull --force`"
                )

    def record(self, name: str) -> bytes | None:
        """Returns the record of a received release; None if it was made here."""
        with suppress(FileNotFoundError):
            return self._record(name).read_bytes()
        return None

    def keep_record(self, name: str, record: bytes) -> None:
        """Keeps the record of a release, before it is received."""
        self._records.mkdir(parents=True, exist_ok=True)
        part = self._record(name).with_suffix(".part")
        part.write_bytes(record)
        part.rename(self._record(name))

    def prune(self, kept: Collection[str]) -> list[str]:
        """Removes the received releases that the publisher has pruned, unless they may still be read."""
        now = datetime.now(UTC)

        def keep(history: list[Release]) -> set[str]:
            return {
                one.id
                for one in history
                if one.id in kept or self.record(one.id) is None or now - superseded(one, history) < IN_USE
            }

        removed = self.releases.prune(keep)
        for name in removed:
            self._record(name).unlink(missing_ok=True)
        return removed

    def _record(self, name: str) -> Path:
        return self._records / f"{name}.json"


def _check(folder: Path, name: str) -> None:
    """Raises BadData if a folder is not that of a release of this name, or its store cannot be opened."""
    try:
        release = read_release(folder)
        release.open_store()
    except (OSError, ValueError, TypeError) as error:
        raise BadData(f"it is not a release that this version can open: {error}", name) from None
    if release.id != name:
        raise BadData(f"its manifest is that of another release, {release.id!r}", name)
