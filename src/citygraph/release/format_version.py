"""The format of releases: which formats this version can read, and which it should build again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from citygraph import __version__
from citygraph.errors import NewerRelease

if TYPE_CHECKING:
    from citygraph.release.releases import Manifest

# Raise it whenever a release has something that earlier versions of citygraph would misread, or that this version
# misses in earlier releases. Then also: an entry below, and an archive (tests/releases/make.py).
FORMAT = 2
_ADDED = {2: "statistics that bound the cost of queries, and the citations of stored results"}


def require_readable(values: Mapping[str, Any], name: str) -> None:
    """Raises NewerRelease if the manifest `values` of a release was written in a later format than this version's."""
    found = values.get("format", 1)
    if isinstance(found, int) and found > FORMAT:
        software = values.get("software_version", "")
        raise NewerRelease(
            f"release {name} was made by citygraph {software} in format {found}; this is citygraph {__version__}, "
            f"which reads formats up to {FORMAT}: install citygraph {software} or newer, or restore an older backup"
        )


def upgrade_note(manifest: Manifest) -> str:
    """Returns a note on the earlier version that made a release and its missing features; "" for this version."""
    if manifest.format == FORMAT and manifest.software_version == __version__:
        return ""
    note = (
        f"release {manifest.id} was made by citygraph {manifest.software_version} in format {manifest.format}; "
        f"this is {__version__} with format {FORMAT}"
    )
    missing = [text for format_, text in _ADDED.items() if format_ > manifest.format]
    return f"{note}, which adds {'; '.join(missing)}" if missing else note
