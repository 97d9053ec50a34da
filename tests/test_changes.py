"""The changes of a rollback: from the lists of the releases that it undoes, else by comparing the two releases."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from pyoxigraph import NamedNode

from citygraph.rdf.nquads import as_line, unpacked
from citygraph.rdf.terms import ID
from citygraph.release import changes
from citygraph.release.changes import (
    ADDED,
    REMOVED,
    UPDATED,
    EntityChange,
    things_changed,
    write_changes,
    write_changes_back,
)
from citygraph.release.releases import Manifest, Release
from tests.past import three_releases


def lines_of(release: Release) -> set[str]:
    """The statements of its named graphs."""
    quads = release.open_store().quads_for_pattern(None, None, None, None)
    return {as_line(quad) for quad in quads if isinstance(quad.graph_name, NamedNode)}


def listed(older: Release, newer: Release) -> None:
    """Gives a release its lists of changes."""
    before, after = lines_of(older), lines_of(newer)
    write_changes(newer.path, after - before, before - after, older.open_store(), newer.open_store())


def read(path: Path) -> set[str]:
    with unpacked(path) as lines:
        return set(lines)


@pytest.mark.parametrize("known", ["every list", "no list", "too many lines", "a damaged list"])
def test_changes_back_are_the_difference_of_both_releases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """What came and went between them is no change; the stores are compared only if there is no other way."""
    first, second, third = three_releases(tmp_path / "releases")
    if known != "no list":
        for older, newer in pairwise((first, second, third)):
            listed(older, newer)
    if known == "every list":
        monkeypatch.setattr(changes, "lines_of", lambda *_: pytest.fail("the stores were compared"))
    elif known == "too many lines":
        monkeypatch.setattr(changes, "_MOST_LINES", -1)
    elif known == "a damaged list":
        (second.path / REMOVED).write_bytes(b"no gzip")
    folder = tmp_path / "back"
    folder.mkdir()
    counts = write_changes_back(third, first, first.open_store(), folder)
    before, after = lines_of(third), lines_of(first)
    assert (read(folder / ADDED), read(folder / REMOVED)) == (after - before, before - after)
    assert (counts.added, counts.removed) == (1, 1)
    things = list(things_changed(Release(folder, Manifest(digest=""))))
    assert things == [EntityChange(UPDATED, ID + "agreement/izmir-baku")]
