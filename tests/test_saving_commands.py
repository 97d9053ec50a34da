"""Commands that cannot write, or are killed while they write: nothing is lost, and the next run works."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from citygraph.release.releases import Releases
from tests.small import REPOSITORY, build_small

_RUN = [sys.executable, "-m", "citygraph.cli"]


def limited(size: int) -> None:
    """What a full disk is for a program: no file may grow beyond a size."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small graph in files, built; and a table of names."""
    folder = tmp_path_factory.mktemp("small")
    build_small(folder)
    (folder / "names.csv").write_text("City\n" + "İzmir\nBremen\n" * 20_000, encoding="utf-8")
    return folder


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "CITYGRAPH_DATA": str(folder / "data"), "CITYGRAPH_RELEASES": str(folder / "releases"),
        "CITYGRAPH_ONTOLOGY": str(REPOSITORY / "ontology"), "CITYGRAPH_QUERIES": str(REPOSITORY / "queries"),
    }  # fmt: skip


def run(folder: Path, *arguments: object, size: int = 0) -> subprocess.CompletedProcess[str]:
    """A command; with a `size`, on a disk that is full beyond it."""
    command = [*_RUN, *map(str, arguments)]
    before = partial(limited, size) if size else None
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, preexec_fn=before
    )


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def update(folder: Path, text: str) -> None:
    change = folder / "change.ru"
    change.write_text(text, encoding="utf-8")
    done = run(folder, "update", change)
    change.unlink()
    assert done.returncode == 0, done.stderr


def refused(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("citygraph: ")


def test_a_table_survives_a_full_disk(folder: Path) -> None:
    """The input is the output, and the decisions are those of a person (13.20)."""
    arguments = ("reconcile", "names.csv", "--column", "City", "--decisions", "decisions.csv", "-o", "names.csv")
    (folder / "decisions.csv").write_text("name,decision,note\nRoma,city/rome," + "x" * 5_000 + "\n", encoding="utf-8")
    before = snapshot(folder)
    for size in (1_000, 100_000):
        refused(run(folder, *arguments, size=size))
        after = snapshot(folder)
        assert after.pop("decisions.csv").startswith(b"name,")
        assert after == {name: data for name, data in before.items() if name != "decisions.csv"}
    done = run(folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert (folder / "names.csv").read_text(encoding="utf-8").count("city/bremen") == 20_000
    assert "x" * 5_000 in (folder / "decisions.csv").read_text(encoding="utf-8")


def test_an_export_survives_a_full_disk(folder: Path) -> None:
    """A file of an earlier export is still there (13.21)."""
    update(folder, "INSERT DATA { GRAPH graph:notes { city:izmir cg:note 'a'@en, 'a'@tr } }")
    assert run(folder, "export", "--into", "data").returncode == 0
    update(folder, f"INSERT DATA {{ GRAPH graph:notes {{ city:izmir cg:note '{'b' * 9_000}'@en, 'b'@tr }} }}")
    before = snapshot(folder / "data")
    refused(run(folder, "export", "--into", "data", size=5_000))
    assert snapshot(folder / "data") == before
    assert run(folder, "export", "--into", "data").returncode == 0
    assert snapshot(folder / "data") != before


def test_a_release_survives_a_full_disk(folder: Path) -> None:
    """A build and a rollback on it change nothing, and leave nothing (13.22)."""
    releases = Releases(folder / "releases")
    first, current = releases.history()[-1].id, releases.current_id()
    for arguments in (("build", "--force"), ("rollback", first)):
        for size in (2_000, 50_000):
            refused(run(folder, *arguments, size=size))
            assert releases.current_id() == current
            assert [path.name for path in releases.root.glob(".staging-*")] == []
    assert run(folder, "rollback", first).returncode == 0


@pytest.mark.parametrize("moment", [0.6, 1.2])
def test_a_rollback_that_is_killed_can_be_repeated(folder: Path, moment: float) -> None:
    """The current release is the one before or the one after, and whole (13.22)."""
    releases = Releases(folder / "releases")
    first = releases.history()[-1]
    with subprocess.Popen(
        [*_RUN, "rollback", first.id], cwd=folder, env=environment(folder), stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
    current = releases.current()
    assert len(list(current.open_store().named_graphs())) == len(current.manifest.graphs)
    assert run(folder, "rollback", first.id).returncode == 0
    assert releases.current().manifest.digest == first.manifest.digest


@pytest.mark.parametrize("command", ["template", "export"])
def test_a_workbook_survives_a_full_disk(folder: Path, command: str) -> None:
    """It stays as it was, nothing is left next to it, and the error names the file and what to do."""
    (folder / "book.xlsx").write_bytes(b"the work of a person")
    before = snapshot(folder)
    done = run(folder, "sheets", command, "book.xlsx", "--force", size=5_000)
    refused(done)
    assert "book.xlsx: the disk is full: make room, and run the command again" in done.stderr
    assert snapshot(folder) == before


def test_a_workbook_gets_its_folder(folder: Path) -> None:
    """As other files of the commands do."""
    done = run(folder, "sheets", "template", "new/folder/template.xlsx")
    assert done.returncode == 0, done.stderr
    assert (folder / "new" / "folder" / "template.xlsx").is_file()


def test_an_empty_folder_is_filled_and_a_filled_one_is_kept(folder: Path) -> None:
    """Nothing in it can be lost."""
    (folder / "forms").mkdir()
    assert run(folder, "sheets", "template", "forms").returncode == 0
    assert (folder / "forms" / "places.csv").is_file()
    again = run(folder, "sheets", "template", "forms")
    assert (again.returncode, "--force replaces it" in again.stderr) == (2, True)


_NEW = ("--title", "Bergama", "--language", "tr", "--home", "Bergama", "--publisher", "Bergama", "--contact", "")


@pytest.mark.parametrize("exists", [False, True])
def test_an_instance_that_does_not_fit_on_the_disk_can_be_started_again(tmp_path: Path, exists: bool) -> None:
    """A part of it would be refused as a folder that is not empty."""
    new = tmp_path / "a" / "b"
    if exists:
        new.mkdir(parents=True)
    command = ("init", new, "--base", "https://bergama.bel.tr/", *_NEW)
    done = run(REPOSITORY, *command, size=1_000)
    refused(done)
    assert "the disk is full" in done.stderr
    assert list(tmp_path.rglob("*")) == ([new.parent, new] if exists else [])
    assert run(REPOSITORY, *command).returncode == 0


@pytest.mark.parametrize(
    "arguments", [("check", "names.csv"), ("import", "names.csv"), ("map", "names.csv"), ("export", "moved.xlsx")]
)
def test_spreadsheets_wait_for_a_build_after_a_move(folder: Path, arguments: tuple[str, ...]) -> None:
    """The release has the old base, so its names would give identifiers of the old base."""
    moved = environment(folder) | {"CITYGRAPH_BASE": "https://moved.bergama.bel.tr/"}
    before = snapshot(folder)
    command = [*_RUN, "sheets", *arguments]
    done = subprocess.run(command, cwd=folder, env=moved, capture_output=True, text=True, check=False)
    refused(done)
    assert "make a release with `citygraph build`" in done.stderr
    assert snapshot(folder) == before
