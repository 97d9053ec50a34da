"""The later changes of a source since an export: their release and authors."""

from __future__ import annotations

from collections.abc import Iterator

from citygraph.release.releases import Release, Releases
from citygraph.sheets.slots import Slot, digest_of, normalised

_MOST = 50  # releases that are looked through


class LaterChanges:
    """The releases since an export, by its release."""

    def __init__(self, current: Release, exported: str) -> None:
        self._current = current
        self._exported = exported

    def by(self, slot: Slot) -> str:
        """Returns the release that gave a slot its present values, with the authors of its commits."""
        now, first = self._digest(self._current, slot), self._current
        for release in self._earlier():
            if self._digest(release, slot) != now:
                break
            first = release
        authors = dict.fromkeys(str(commit.get("author", "")) for commit in first.manifest.commits)
        names = ", ".join(name for name in authors if name)
        return f"{first.id}, {names}" if names else first.id

    def _earlier(self) -> Iterator[Release]:
        """Yields the releases before the current one, as far back as that of the export, the newest first."""
        releases = Releases(self._current.path.parent).history()
        ids = [release.id for release in releases]
        first = ids.index(self._current.id) + 1 if self._current.id in ids else 0
        for release in releases[first : first + _MOST]:
            yield release
            if release.id == self._exported:
                return

    def _digest(self, release: Release, slot: Slot) -> str:
        quads = release.open_store().quads_for_pattern(slot.subject, slot.predicate, None, None)
        # A file describes its source in the catalogue.
        values = {
            normalised(quad.object)
            for quad in quads
            if (quad.graph_name == slot.source or slot.subject == slot.source)
            and (getattr(quad.object, "language", "") or "") == slot.language
        }
        return digest_of(values)
