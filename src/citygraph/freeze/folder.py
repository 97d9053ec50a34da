"""The folder of a frozen site, written next to its target and moved there when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from citygraph.errors import StorageFull, UsageError
from citygraph.saving import DISK_FULL

# A folder with this file was made by freeze and may be replaced. It is written last.
MARKER = "frozen.json"
_LONGEST = 255  # bytes of a name, on most file systems


def check_target(folder: Path, force: bool, precious: tuple[Path, ...]) -> None:
    """Raises UsageError if `folder` must not be replaced.

    `force` permits it for every folder but those that contain one of the `precious` paths.
    """
    here = folder.resolve()
    for place in precious:
        if place.resolve().is_relative_to(here):
            raise UsageError(f"{folder} holds {place}: freeze into a folder of its own")
    nearest = next(place for place in (here, *here.parents) if place.exists())
    if not nearest.is_dir():
        raise UsageError(f"{nearest} is not a folder")
    if os.path.ismount(here):
        # Such as the volume of a container: no rename can replace it.
        raise UsageError(f"{folder} is a mount point and cannot be replaced: freeze into a folder in it")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file() and not force:
        raise UsageError(
            f"{folder} is not empty and was not made by freeze; --force replaces it with all that is in it"
        )


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Yields a new folder that replaces `folder` at the end of the block, and is removed if the block fails.

    Raises StorageFull for a full disk.
    """
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    # In the same parent folder, so that a rename can move it.
    stage = folder.with_name(_name(folder, os.getpid()))
    stage.mkdir()
    try:
        yield stage
        _replace(folder, stage)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise StorageFull(f"no space is left for {folder}: nothing was changed") from error
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write(stage: Path, name: str, data: bytes) -> int:
    """Writes a file below the stage, and returns its size. Raises UsageError for a name that no file can have."""
    path = _inside(stage, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def write_twice(stage: Path, names: tuple[str, ...], data: bytes) -> int:
    """Writes equal content under several names, on the disk once if the file system has hard links."""
    size = write(stage, names[0], data)
    for name in names[1:]:
        path = _inside(stage, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        # os.link does not replace a file.
        path.unlink(missing_ok=True)
        try:
            # A hard link needs no space; some file systems have none.
            os.link(stage / names[0], path)
        except OSError:
            path.write_bytes(data)
    return size


def copy(stage: Path, name: str, source: Path) -> int:
    """Copies a file to the stage, and returns its size."""
    path = _inside(stage, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    return path.stat().st_size


def _inside(stage: Path, name: str) -> Path:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > _LONGEST for part in parts):
        raise UsageError(f"no file can have the name {name!r}")
    return stage.joinpath(*parts)


def _replace(folder: Path, stage: Path) -> None:
    """Replaces the folder by two renames: between them it is missing for an instant, and never incomplete."""
    old = stage.with_name(stage.name + "-old")
    if folder.exists():
        folder.rename(old)
    try:
        stage.rename(folder)
    except OSError:
        with suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes the leftovers of killed runs. A run that was killed between the two renames gets its folder back."""
    for leftover in folder.parent.glob(f".{folder.name}.freezing-*"):
        pid = leftover.name.removesuffix("-old").rpartition("-")[2]
        # Another freeze may be running at this moment.
        if pid.isdigit() and not _is_alive(int(pid)):
            if leftover.name.endswith("-old") and not folder.exists():
                leftover.rename(folder)
            else:
                shutil.rmtree(leftover, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The process exists and belongs to another user.
        return True
    return True


def _name(folder: Path, pid: int) -> str:
    return f".{folder.name}.freezing-{pid}"
