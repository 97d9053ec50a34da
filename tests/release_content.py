"""What two releases of the same files must have in common."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from citygraph.release.releases import Release


def content(release: Release) -> dict[str, Any]:
    """Returns all that is the same for equal builds: the files, the quads, and the manifest without name and time."""
    store = release.open_store()
    files = {
        str(path.relative_to(release.path)): sha256(path.read_bytes()).hexdigest()
        for path in release.path.rglob("*")
        if path.is_file() and path.parent.name != "store"
    }
    # These differ between two builds of the same files.
    del files["manifest.json"]
    manifest = json.loads((release.path / "manifest.json").read_text())
    return {
        "content": files,
        "store": sorted(map(str, store)),
        "index": sorted(_rows(release.path / "search.sqlite")),
        **{key: value for key, value in manifest.items() if key not in {"id", "created", "parent", "number"}},
    }


def _rows(database: Path) -> Iterator[str]:
    """Yields the rows of all tables, but those that SQLite makes for the search for words."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if not name.startswith(("word", "sqlite_")):
                for row in connection.execute(f"SELECT * FROM {name}"):  # noqa: S608 - a name of the schema
                    yield f"{name} {row}"
