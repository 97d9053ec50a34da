"""A build that is interrupted is continued by the next one, and gives the same release."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from citygraph.build.build import build
from citygraph.build.store_writing import StoreFilling
from citygraph.errors import BadData
from citygraph.progress import Progress, Step
from citygraph.rdf.nquads import SetDigest, named_graphs
from citygraph.release.interrupted_build import FOLDER, interrupted_size, remove_interrupted
from citygraph.release.releases import Release, Releases
from citygraph.source.files import Sources
from tests.release_content import content
from tests.small import REPOSITORY, build_small, publish_name, write_files

# The program builds, and kills itself as soon as it says that a step begins or ends.
_KILLED = """
import os, signal, sys, time
from pathlib import Path
from pytest import MonkeyPatch
from citygraph.build.build import build
from citygraph.build.store_writing import StoreWriting
from citygraph.progress import Progress
from citygraph.release.releases import Releases
from tests.made_once import parse_queries_once
from tests.small import REPOSITORY, Sources

parse_queries_once(MonkeyPatch())

folder, moment, step, most = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

class Killing(Progress):
    def started(self, step_):
        if (moment, step) == ("started", step_.name):
            os.kill(os.getpid(), signal.SIGKILL)

    def finished(self, step_):
        # The other process has written the store when the steps after it begin.
        while writers and step_.name == "describe" and not writers[0].is_done():
            time.sleep(0.01)
        if (moment, step) == ("finished", step_.name):
            os.kill(os.getpid(), signal.SIGKILL)

writers = []
start = StoreWriting.__enter__
StoreWriting.__enter__ = lambda writing: writers.append(writing) or start(writing)
sources = Sources(folder / "data", REPOSITORY / "ontology", REPOSITORY / "queries")
build(sources, Releases(folder / "releases"), Killing(), most_in_memory=most)
"""


_FINISH = StoreFilling.finish


class Steps(Progress):
    """The steps of a build, and an error at the beginning of one of them."""

    def __init__(self, failing: str = "", error: type[BaseException] = KeyboardInterrupt) -> None:
        self.names: list[str] = []
        self._failing = failing
        self._error = error

    def started(self, step: Step) -> None:
        self.names.append(step.name)
        if step.name == self._failing:
            raise self._error


def killed(folder: Path, moment: str, step: str, most: int) -> None:
    """Builds in a process that is killed at this moment."""
    process = subprocess.run([sys.executable, "-c", _KILLED, str(folder), moment, step, str(most)], check=False)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return write_files(tmp_path)


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    """What an uninterrupted build of the same files gives."""
    return content(build_small(tmp_path / "whole"))


def finished(sources: Sources, releases: Releases, progress: Progress | None = None, **options: Any) -> Release:
    """Returns the release of a build that is not interrupted."""
    return build(sources, releases, progress or Progress(), **options)[0]


@pytest.mark.parametrize(
    ("moment", "step", "most", "next_step"),
    [
        ("started", "derive", 1 << 28, ""),
        ("started", "index", 0, "index"),
        ("finished", "index", 1 << 28, "dump"),
        ("finished", "dump", 0, "tables"),
        ("started", "publish", 1 << 28, "quality"),
    ],
)
def test_killed_build_is_continued(
    sources: Sources, tmp_path: Path, whole: dict[str, Any], moment: str, step: str, most: int, next_step: str
) -> None:
    """(16 §5) The release is that of an uninterrupted build; complete steps are not repeated."""
    releases = Releases(tmp_path / "releases")
    killed(tmp_path, moment, step, most)
    assert releases.history() == []
    notices: list[str] = []
    steps = Steps()
    release = finished(sources, releases, steps, notice=notices.append)
    assert [text.rpartition(" ")[2] for text in notices] == ([next_step] if next_step else [])
    assert ("derive" in steps.names) == (not next_step)
    assert content(release) == whole
    assert interrupted_size(releases) == 0


@pytest.fixture
def interrupted(tmp_path: Path, built_until_tables: Path) -> Path:
    """An instance whose build was interrupted when it began to write tables."""
    return copytree(built_until_tables, tmp_path / "instance")


@pytest.fixture(scope="module")
def built_until_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    notices: list[str] = []
    sources, releases = write_files(folder), Releases(folder / "releases")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoreFilling, "finish", _finish_and_wait)
        with pytest.raises(KeyboardInterrupt):
            finished(sources, releases, Steps("tables"), notice=notices.append, most_in_memory=0)
    assert notices == ["the next build continues from step tables (--fresh: from the beginning)"]
    return folder


def _finish_and_wait(filling: StoreFilling) -> None:
    """As StoreFilling.finish; then the other process has written the store when the steps after it begin."""
    _FINISH(filling)
    assert filling.writing
    filling.writing.wait()


def sources_in(folder: Path) -> Sources:
    return Sources(folder / "data", REPOSITORY / "ontology", REPOSITORY / "queries")


def damage(pattern: str) -> Callable[[Path], None]:
    """Returns a function that changes the last byte of a file in the folder of the interrupted build."""

    def change(folder: Path) -> None:
        (path,) = (folder / "releases" / FOLDER).glob(pattern)
        content = path.read_bytes()
        path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])

    return change


def remove_catalogue(folder: Path) -> None:
    for path in (folder / "releases" / FOLDER).glob("release-*/store/CURRENT"):
        path.unlink()


def add_name(folder: Path) -> None:
    with (folder / "data" / "register.trig").open("a") as file:
        file.write('GRAPH source:register { city:izmir skos:altLabel "Smyrna"@en }\n')


def publish_other(folder: Path) -> None:
    publish_name(
        Releases(
            copytree(build_small(folder / "other").path.parent, folder / "releases", dirs_exist_ok=True, symlinks=True)
        ),
        1,
    )


@pytest.mark.parametrize(
    ("change", "notice"),
    [
        (add_name, "are others now"),
        (publish_other, "are others now"),
        (damage("journal.json"), ""),
        (damage("release-*/dumps/citygraph.nq"), "its files are incomplete"),
        (damage("merged.nt"), "its files are incomplete"),
        (remove_catalogue, "its files are incomplete"),
    ],
    ids=["file", "release", "journal", "dump", "triples", "store"],
)  # fmt: skip
def test_build_begins_anew_if_anything_differs(interrupted: Path, change: Callable[[Path], None], notice: str) -> None:
    """(16 §5) Other inputs or a damaged folder: all steps are made, and the reason is given."""
    change(interrupted)
    notices: list[str] = []
    steps = Steps()
    release = finished(sources_in(interrupted), Releases(interrupted / "releases"), steps, notice=notices.append)
    assert "load" in steps.names
    assert [text.endswith(notice) for text in notices] == ([True] if notice else [])
    digest, store = SetDigest(), release.open_store()
    for graph in named_graphs(store):
        digest.add(store.quads_for_pattern(None, None, None, graph))
    assert digest.hex == release.manifest.digest


@pytest.mark.parametrize("most", [0, 1 << 28])
def test_refused_build_leaves_no_folder(tmp_path: Path, sources: Sources, most: int) -> None:
    """There is nothing that another build could continue."""
    (tmp_path / "data" / "malformed.ttl").write_text("this is not Turtle")
    releases = Releases(tmp_path / "releases")
    with pytest.raises(BadData):
        finished(sources, releases, most_in_memory=most)
    assert not (releases.root / FOLDER).exists()


def test_fresh_build_begins_anew(interrupted: Path, whole: dict[str, Any]) -> None:
    """(16 §5) With `fresh`, nothing of the interrupted build is used."""
    steps = Steps()
    assert content(finished(sources_in(interrupted), Releases(interrupted / "releases"), steps, fresh=True)) == whole
    assert "load" in steps.names


def test_unfinished_files_are_not_published(interrupted: Path, whole: dict[str, Any]) -> None:
    """(16 §5) What the interrupted step had written goes, and the step is made from its beginning."""
    (release,) = (interrupted / "releases" / FOLDER).glob("release-*")
    (release / "tmp1" / "part").mkdir(parents=True)
    (release / "tmp1" / "part" / "0.nq").write_text("half a part")
    (release / "tables").mkdir()
    (release / "tables" / "cities.csv").write_text("half a ta")
    (release / "tables" / "left.csv").write_text("another file")
    published = finished(sources_in(interrupted), Releases(interrupted / "releases"))
    assert content(published) == whole
    assert not list(published.path.glob("tmp*"))


def test_only_one_build_continues(interrupted: Path, whole: dict[str, Any]) -> None:
    """(16 §5) A build beside the one that continues has a folder of its own, which leaves nothing."""
    releases = Releases(interrupted / "releases")
    inputs = sources_in(interrupted)

    class Second(Progress):
        def started(self, step: Step) -> None:
            if step.name == "tables":
                remove_interrupted(releases)
                notices: list[str] = []
                with pytest.raises(KeyboardInterrupt):
                    finished(inputs, releases, Steps("index"), notice=notices.append)
                assert notices == []

    assert content(finished(inputs, releases, Second())) == whole
    assert not list(releases.root.glob(".staging-*"))
    assert not (releases.root / FOLDER).exists()


def test_prune_removes_an_interrupted_build(interrupted: Path) -> None:
    """(16 §5) Its bytes count as room for the next build, until they are removed."""
    releases = Releases(interrupted / "releases")
    assert interrupted_size(releases) > 1_000_000
    remove_interrupted(releases)
    assert interrupted_size(releases) == 0
    assert not (releases.root / FOLDER).exists()
