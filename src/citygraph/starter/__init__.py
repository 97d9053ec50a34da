"""The files of a new instance, which `citygraph init` copies; $names are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from citygraph.errors import UsageError

# Names in the package that would have a meaning there, such as a file that git itself reads.
_RENAMED = {"gitignore": ".gitignore", "publish.yml": ".github/workflows/publish.yml"}


def start_instance(folder: Path, values: Mapping[str, str]) -> list[Path]:
    """Writes the files of a new instance into a folder, and returns their paths.

    `values` fills the placeholders of the files. Raises UsageError if the folder exists and is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty: name a new folder")
    paths = []
    for name, text in _templates(files(__package__), ""):
        path = folder / _RENAMED.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
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
