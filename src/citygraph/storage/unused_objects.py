"""Objects that no record names any more: they are removed some time after the last record that did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from citygraph.storage.object_folder import ObjectFolder

# The kinds of records that name objects.
_KINDS = ("backups", "releases")
_REMOVED = "removed"
# A writer that wrote a record a day ago has finished.
WAITING = timedelta(days=1)


@dataclass(frozen=True)
class RemovedObjects:
    """How many objects were removed, with their bytes, and how many will be, if no record names them again."""

    count: int
    size: int
    waiting: int
    waiting_size: int


def remove_records(folder: ObjectFolder, kind: str, names: Iterable[str]) -> None:
    """Removes records; their objects are kept for a time, because a writer may rely on them."""
    for name in names:
        folder.write_record(_REMOVED, f"{kind}.{name}", folder.read_record(kind, name))
        folder.remove_record(kind, name)


def remove_unused(folder: ObjectFolder, now: datetime, waiting: timedelta = WAITING) -> RemovedObjects:
    """Removes the objects that no record has named for `waiting`. Raises BadData if a record is damaged."""
    objects = folder.objects()
    used = {sha256 for kind in _KINDS for name in folder.names(kind) for sha256 in _digests(folder, kind, name)}
    young = {sha256 for sha256, (_, modified) in objects.items() if now - modified < waiting}
    for one in list(folder.store.listed(f"{_REMOVED}/")):
        name = one.key.removeprefix(f"{_REMOVED}/").removesuffix(".json")
        if now - one.modified < waiting:
            young |= set(_digests(folder, _REMOVED, name))
        else:
            folder.remove_record(_REMOVED, name)
    unused = [sha256 for sha256 in objects if sha256 not in used]
    old = [sha256 for sha256 in unused if sha256 not in young]
    for sha256 in old:
        folder.remove_object(sha256)
    size, all_size = (sum(objects[sha256][0] for sha256 in some) for some in (old, unused))
    return RemovedObjects(len(old), size, len(unused) - len(old), all_size - size)


def _digests(folder: ObjectFolder, kind: str, name: str) -> Iterable[str]:
    values: dict[str, Any] = folder.read_record(kind, name)
    return (str(file["sha256"]) for file in values["files"])
