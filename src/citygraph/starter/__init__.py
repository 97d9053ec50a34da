"""The files of a new instance, which `citygraph init` copies; $names are filled in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from citygraph.errors import UsageError
from citygraph.saving import naming_full_disk

# Names in the package that would have a meaning there, such as a file that git itself reads.
_RENAMED = {"gitignore": ".gitignore", "publish.yml": ".github/workflows/publish.yml"}


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Makes a folder that is empty or does not exist; after an error or Ctrl-C, it is as it was.

    Raises UsageError for another folder.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder")
    # A link that leads nowhere is there: it is refused below, and stays.
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        # An error here must not replace the first one.
        with suppress(OSError):
            for path in (*sorted(folder.rglob("*"), reverse=True), *missing):
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink(missing_ok=True)
        raise


def start_instance(folder: Path, values: Mapping[str, str]) -> list[Path]:
    """Writes the files of a new instance into a folder, and returns their paths.

    `values` fills the placeholders of the files.
    """
    paths = []
    for name, text in _templates(files(__package__), ""):
        path = folder / _RENAMED.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with naming_full_disk(path):
            path.write_text(Template(text).substitute(values), encoding="utf-8")
        paths.append(path)
    return sorted(paths)


def _templates(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    templates: list[tuple[str, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir() and entry.name != "__pycache__":
            templates += _templates(entry, f"{prefix}{entry.name}/")
        elif entry.is_file() and not entry.name.endswith((".py", ".pyc")):
            templates.append((prefix + entry.name, entry.read_text(encoding="utf-8")))
    return templates
