"""Releases: staged in private, published by one rename, never changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from citygraph.errors import Conflict, NotFound
from citygraph.release.releases import Manifest, Release, Releases, WorkingCopy

P = NamedNode("http://example.org/p")


def publish(releases: Releases, text: str, digest: str = "") -> Release:
    with releases.stage() as staged:
        staged.open().add(Quad(P, P, Literal(text)))
        return staged.publish(Manifest(digest=digest or f"{abs(hash(text)):012x}"))


def test_a_published_release_is_current_and_readable(tmp_path: Path) -> None:
    """After publishing, `current` names the release, and its store can be read by several at once."""
    releases = Releases(tmp_path)
    release = publish(releases, "one", "0123456789abcdef")
    assert releases.current() == release
    assert release.id.endswith("Z-0123456789ab")
    first, second = release.open_store(), release.open_store()
    assert len(first) == len(second) == 1


def test_nothing_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    """Without a release the error names the command that makes one."""
    with pytest.raises(NotFound, match="citygraph build"):
        Releases(tmp_path).current()


@pytest.mark.parametrize("name", ["../etc", ".staging-x", "current/..", "no-such", ""])
def test_a_name_that_is_no_release_is_not_found(tmp_path: Path, name: str) -> None:
    """Names come from addresses: none leads out of the folder."""
    releases = Releases(tmp_path)
    publish(releases, "one")
    with pytest.raises(NotFound):
        releases.get(name)


def test_what_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    """A failure while staging removes the staged folder and keeps the current release."""
    releases = Releases(tmp_path)
    release = publish(releases, "one")
    with pytest.raises(RuntimeError), releases.stage():
        raise RuntimeError
    assert releases.current() == release
    assert not list(tmp_path.glob(".staging-*"))


def test_a_lost_race_is_a_conflict(tmp_path: Path) -> None:
    """Who staged from a release that is no longer current cannot publish: no lost update."""
    releases = Releases(tmp_path)
    publish(releases, "one")
    with releases.stage() as late:
        second = publish(releases, "two")
        with pytest.raises(Conflict):
            late.publish(Manifest(digest="3" * 12))
    assert releases.current() == second


def test_a_copy_holds_the_same_quads(tmp_path: Path) -> None:
    """A staged copy starts from the release's quads and changes without touching it."""
    releases = Releases(tmp_path)
    first = publish(releases, "one")
    with releases.stage(copy_of=first) as staged:
        staged.open().add(Quad(P, P, Literal("two")))
        second = staged.publish(Manifest(digest="2" * 12))
    assert (len(first.open_store()), len(second.open_store())) == (1, 2)
    assert second.manifest.parent == first.id


def test_pruning_keeps_the_newest_and_the_current(tmp_path: Path) -> None:
    """Old releases go, the one that is served never does."""
    releases = Releases(tmp_path)
    names = []
    for number in range(3):
        names.append(publish(releases, str(number), f"{number}" * 12).id)
        time.sleep(1.1 if number < 2 else 0)
    assert releases.prune(1) == names[1::-1]
    assert [release.id for release in releases.history()] == names[2:]


def test_the_history_has_no_release_that_is_being_published_or_removed(tmp_path: Path) -> None:
    """(18) A folder with a manifest is a release only under its own name, and may vanish while it is read."""
    releases = Releases(tmp_path)
    release = publish(releases, "one")
    (tmp_path / ".staging-x").mkdir()
    (tmp_path / ".staging-x" / "manifest.json").write_text("{}")
    assert releases.history() == [release]


def test_a_killed_build_is_swept_and_a_living_one_is_left(tmp_path: Path) -> None:
    """What a killed process staged is removed at the next start; what a live one stages stays."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom citygraph.release.releases import Releases\n"
        "with Releases(Path(sys.argv[1])).stage() as staged:\n print('staged', flush=True)\n sys.stdin.read()"
    )
    releases = Releases(tmp_path)
    release = publish(releases, "one")
    command = [sys.executable, "-c", script, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == b"staged\n"
        assert releases.sweep() == 0
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert releases.sweep() == 1
    assert releases.current() == release
    assert not list(tmp_path.glob(".staging-*"))


def test_releases_do_not_grow_with_the_number_of_commits(tmp_path: Path) -> None:
    """(18 One machine) RocksDB's log of files, which each release copies, does not get longer for ever."""
    releases = Releases(tmp_path)
    release, working = publish(releases, "first"), WorkingCopy(releases)
    sizes = []
    for number in range(25):
        with releases.stage(copy_of=release, working=working) as staged:
            staged.open().add(Quad(P, P, Literal(number)))
            release = staged.publish(Manifest(digest=f"{number:012x}"))
        working.mark_published(release)
        [log] = release.store_path.glob("MANIFEST-*")
        sizes.append(log.stat().st_size)
    working.drop()
    assert len(release.open_store()) == 26
    assert any(later < earlier for earlier, later in pairwise(sizes))
