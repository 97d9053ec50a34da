"""What releases say one after another: presence, changes, lifetimes; by comparing stores and from the change files."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad

from citygraph.graph.history import Timeline
from citygraph.rdf.nquads import as_line, open_gzip_text
from citygraph.release.changes import ADDED, REMOVED
from citygraph.release.releases import Release, Releases
from tests.past import DATES, VISIT, three_releases

AGREEMENT = "https://w3id.org/citygraph/id/agreement/izmir-baku"


@pytest.fixture(params=["stores", "files"])
def timeline(request: pytest.FixtureRequest, tmp_path: Path) -> Timeline:
    """Three releases, which say in files what they changed, or do not."""
    made = three_releases(tmp_path)
    if request.param == "files":
        for older, newer in pairwise(made):
            write_changes(older, newer)
    return Timeline(Releases(tmp_path))


def write_changes(older: Release, newer: Release) -> None:
    before, after = (set(r.open_store().quads_for_pattern(None, None, None, None)) for r in (older, newer))
    (newer.path / "changes").mkdir()
    for name, quads in ((ADDED, after - before), (REMOVED, before - after)):
        with open_gzip_text(newer.path / name) as out:
            out.writelines(sorted(as_line(quad) for quad in quads if isinstance(quad.graph_name, NamedNode)))


def test_a_thing_is_held_by_the_releases_that_say_something_of_it(timeline: Timeline) -> None:
    """The visit is in the second release alone; what is in none is held by none."""
    assert [release.manifest.created for release in timeline.releases()] == list(DATES)
    assert [release.manifest.created for release in timeline.holding(VISIT)] == [DATES[1]]
    assert len(timeline.holding(AGREEMENT)) == 3
    assert timeline.holding(VISIT + "s") == ()


def test_changes_lead_from_one_release_to_the_other(timeline: Timeline) -> None:
    """Removing and adding what they say turns one release's graphs into the other's, forwards and backwards."""
    for older in timeline.releases():
        for newer in timeline.releases():
            changes = timeline.between(older, newer)
            assert (named(timeline, older) - set(changes.removed)) | set(changes.added) == named(timeline, newer)
            assert not set(changes.added) & set(changes.removed)


def named(timeline: Timeline, release: Release) -> set[Quad]:
    quads = timeline.store(release).quads_for_pattern(None, None, None, None)
    return {quad for quad in quads if isinstance(quad.graph_name, NamedNode)}


def test_what_came_and_went_between_is_no_change(timeline: Timeline) -> None:
    """From the first to the third only the date is another."""
    first, _, third = timeline.releases()
    changes = timeline.between(first, third)
    assert [str(quad.object)[:11] for quad in (*changes.removed, *changes.added)] == ['"1985-09-04', '"1985-09-05']
    assert changes.by_graph == {"https://w3id.org/citygraph/source/page": (1, 1)}


def test_a_statement_has_a_source_a_beginning_and_perhaps_an_end(timeline: Timeline) -> None:
    """The corrected date stood for two releases; the other stands since the third."""
    told = {
        str(one.quad.object)[1:11]: (one.source, one.since.manifest.created, one.until and one.until.manifest.created)
        for one in timeline.of(AGREEMENT)
        if one.quad.predicate.value.endswith("councilActDate")
    }
    page = "https://w3id.org/citygraph/source/page"
    assert told == {"1985-09-04": (page, DATES[0], DATES[2]), "1985-09-05": (page, DATES[2], None)}


def test_history_has_the_hash_nodes_and_ends_where_it_is_told_to(timeline: Timeline) -> None:
    """The visit's gift is part of its history; before the third release nothing of it had gone."""
    whole = timeline.of(VISIT)
    assert any(str(one.quad.subject) == f"<{VISIT}#gift>" for one in whole)
    assert all(one.until is not None for one in whole)
    assert all(one.until is None for one in timeline.of(VISIT, timeline.releases()[1]))
    assert timeline.of(VISIT, timeline.releases()[0]) == []


def test_new_and_pruned_releases_are_seen(tmp_path: Path) -> None:
    """The list is read again when the folder changed; a release that a later one names as parent was there."""
    first, second, third = three_releases(tmp_path)
    releases = Releases(tmp_path)
    timeline = Timeline(releases)
    assert timeline.get(first.id) == first
    releases.prune(2)
    assert timeline.releases() == (second, third)
    assert timeline.is_pruned(first.id)
    assert not timeline.is_pruned("2020-01-01T000000Z-0123456789ab")
