"""Files written from a folder of objects, each with its mode and time, and checked by its digest."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from citygraph.errors import BadData
from citygraph.saving import naming_full_disk
from citygraph.storage.object_folder import ObjectFolder, StoredFile


def write_file(file: StoredFile, path: Path, folder: ObjectFolder) -> None:
    """Writes a new file. Raises BadData, with the object's place, if its content is missing or has another digest."""
    # Private until its mode is set.
    with naming_full_disk(path), os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as target:
        folder.write_to(file, target)
    path.chmod(file.mode)
    os.utime(path, ns=(file.modified, file.modified))


def checked(file: StoredFile, place: str) -> PurePosixPath:
    """Returns the path of a file. Raises BadData if it leads out of the target folder."""
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise BadData(f"a record leads out of its folder, to {file.path}", place)
    return path
