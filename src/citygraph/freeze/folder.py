"""The folder of a frozen site: written beside its place, and moved there when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from citygraph.errors import UsageError

# Tells a folder that freeze may replace; written last.
MARKER = "frozen.json"
_LONGEST = 255  # bytes of a name, on most file systems


def check_target(folder: Path, force: bool, precious: tuple[Path, ...]) -> None:
    """Raise UsageError if what is at `folder` must not be replaced; never is what holds `precious` places."""
    here = folder.resolve()
    for place in precious:
        if place.resolve().is_relative_to(here):
            raise UsageError(f"{folder} holds {place}: freeze into a folder of its own")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file() and not force:
        raise UsageError(
            f"{folder} is not empty and was not made by freeze; --force replaces it with all that is in it"
        )


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of `folder` at the end of the block, and is gone if the block fails."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    stage = folder.with_name(_name(folder, os.getpid()))
    stage.mkdir()
    try:
        yield stage
        _replace(folder, stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write(stage: Path, name: str, data: bytes) -> int:
    """Write a file below the stage; answers its bytes. Raises UsageError for a name that no file can have."""
    path = _inside(stage, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def write_twice(stage: Path, names: tuple[str, ...], data: bytes) -> int:
    """Write the same under several names, on the disk once where the file system can."""
    size = write(stage, names[0], data)
    for name in names[1:]:
        path = _inside(stage, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(stage / names[0], path)
        except OSError:
            path.write_bytes(data)
    return size


def copy(stage: Path, name: str, source: Path) -> int:
    """Copy a file to the stage; answers its bytes."""
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
    """Two renames: between them the folder is missing for an instant, and never half."""
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
    """Take away what killed runs left; one that was killed between the two renames gets its folder back."""
    for left in folder.parent.glob(f".{folder.name}.freezing-*"):
        pid = left.name.removesuffix("-old").rpartition("-")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            if left.name.endswith("-old") and not folder.exists():
                left.rename(folder)
            else:
                shutil.rmtree(left, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _name(folder: Path, pid: int) -> str:
    return f".{folder.name}.freezing-{pid}"
