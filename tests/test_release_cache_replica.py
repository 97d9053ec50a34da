"""The store that a web process holds in memory follows commits by their patches, and never under a reader's eyes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from pyoxigraph import Store

from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.commit.rollback import rollback
from citygraph.rdf.nquads import PATCH
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from tests.committing import committed
from tests.running import PATIENCE, wait_for

Write = Callable[[str], None]


@pytest.fixture
def settings(izmir: Release, tmp_path: Path) -> Settings:
    """A repository of releases of its own, which begins with İzmir's."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=izmir) as staged:
        (staged.path / "search.sqlite").hardlink_to(izmir.path / "search.sqlite")
        staged.publish(izmir.manifest)
    return Settings(releases=releases.root)


@pytest.fixture
def write(settings: Settings, consequences: Followup) -> Write:
    """Commits a note on İzmir."""

    def write(note: str) -> None:
        text = f'INSERT DATA {{ GRAPH graph:notes {{ city:izmir rdfs:comment "{note}"@en }} }}'
        outcome = committed([Change(Update(text))], settings, consequences)[0]
        assert isinstance(outcome, Commit), repr(outcome)

    return write


@pytest.fixture
def open_releases(settings: Settings) -> ReleaseCache:
    return ReleaseCache(Releases(settings.releases), settings.base, held_quads=1_000_000)


def held(opened: OpenRelease) -> OpenRelease:
    """The release, once it is read from memory."""
    wait_for(lambda: opened.quick is not opened.store)
    return opened


def left_on_disk(open_releases: ReleaseCache, opened: OpenRelease) -> bool:
    """Whether a release is read from the disk after all replicas that were requested have been made."""
    wait_for(lambda: not open_releases._replica._busy)
    return opened.quick is opened.store


def test_commits_are_applied_to_the_store_that_is_there(open_releases: ReleaseCache, write: Write) -> None:
    """One after the other or several at once: it is the same store, and holds what the one on the disk does."""
    store = held(open_releases.current()).quick
    for notes in (["one"], ["two", "three"]):
        for note in notes:
            write(note)
        opened = held(open_releases.current())
        assert opened.quick is store
        assert set(opened.quick) == set(opened.store)


def test_request_under_way_reads_on_as_it_began(open_releases: ReleaseCache, write: Write) -> None:
    """What it reads from does not change before it has ended; others are answered from the disk meanwhile."""
    with open_releases.reading():
        before = held(open_releases.current())
        store, quads = before.quick, set(before.quick)
        write("later")
        with ThreadPoolExecutor(1) as others:
            after = others.submit(open_releases.current).result()
        wait_for(lambda: open_releases._replica._waiting)
        assert set(store) == quads
        assert after.quick is after.store
        assert before.quick is before.store, "who comes now would not be waited for"
    assert held(after).quick is store


@pytest.mark.parametrize("way", ["back", "damaged"])
def test_without_patch_it_is_read_anew(open_releases: ReleaseCache, settings: Settings, write: Write, way: str) -> None:
    """After a rollback, which has none; after a damaged one the disk serves until the next release."""
    releases = Releases(settings.releases)
    first = releases.current()
    write("one")
    store = held(open_releases.current()).quick
    if way == "back":
        rollback(first.id, releases)
    else:
        write("two")
        patch = releases.current().path / PATCH
        patch.chmod(0o644)
        patch.write_bytes(b"no gzip")
        assert left_on_disk(open_releases, open_releases.current())
        write("three")
    opened = held(open_releases.current())
    assert opened.quick is not store
    assert set(opened.quick) == set(opened.store)


def test_older_release_stays_on_the_disk(open_releases: ReleaseCache, settings: Settings, write: Write) -> None:
    """Only the current one is held, so that memory is that of one."""
    first = Releases(settings.releases).current().id
    write("one")
    held(open_releases.current())
    assert left_on_disk(open_releases, open_releases.get(first))


def test_an_open_release_is_read_while_another_one_is_opened(
    open_releases: ReleaseCache, settings: Settings, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop must not wait for the store of an older release, which only one request needs."""
    first = Releases(settings.releases).current().id
    write("one")
    current = open_releases.current()
    begun, go = Event(), Event()
    open_store = Release.open_store

    def open_later(release: Release) -> Store:
        begun.set()
        go.wait(PATIENCE)
        return open_store(release)

    monkeypatch.setattr(Release, "open_store", open_later)
    with ThreadPoolExecutor(3) as threads:
        older = [threads.submit(open_releases.get, first) for _ in range(2)]
        assert begun.wait(PATIENCE)
        assert threads.submit(open_releases.current).result(PATIENCE / 2) is current
        go.set()
        assert older[0].result(PATIENCE) is older[1].result(PATIENCE) is open_releases.get(first)


def test_a_check_of_health_holds_nothing_in_memory(open_releases: ReleaseCache) -> None:
    """An idle server that is only asked for its health has no replica; the first reader gets one (16 §8)."""
    release = open_releases.check()
    with open_releases.reading():
        assert open_releases.check().id == release.id
    assert held(open_releases.current()).release.id == release.id
