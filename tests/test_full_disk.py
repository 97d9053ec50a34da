"""A disk that is full at any moment of a commit: a clean 507, nothing lost, and the next commit works."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygraph.cli.main import main
from citygraph.rdf.nquads import SetDigest, packed
from citygraph.release.releases import Releases
from tests.small import small_site
from tests.writing import Writable

_SIZE = 24 * 1024 * 1024
_GRAPH = "https://w3id.org/citygraph/graph/notes"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        [shutil.which("mount") or "/bin/mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a disk that is full is not tested: nobody may mount one here ({mounted.stderr.decode().strip()})")
    yield folder
    subprocess.run([shutil.which("umount") or "/bin/umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def site(disk: Path) -> Iterator[Writable]:
    with small_site(disk) as running:
        yield running


def fill(disk: Path, free: int) -> None:
    """Leave so many bytes free."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb") as file:
        for _ in range(50):
            room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            try:
                return os.posix_fallocate(file.fileno(), 0, max(1, room - free))
            except OSError:  # the server has taken some meanwhile
                file.truncate(0)
    raise AssertionError("the disk could not be filled")


def send(site: Writable, number: int, triples: int = 200) -> int:
    """A commit whose labels have the index written anew; answers its status."""
    about = " ".join(
        f'<urn:x:{number}-{n}> a <urn:x:Thing> ; rdfs:comment "{number} {n} {"x" * 500}"@en .' for n in range(triples)
    )
    label = f'city:izmir skos:altLabel "İzmir {number}"@tr .'
    reply = site.update(f"INSERT DATA {{ GRAPH <{_GRAPH}> {{ {about} {label} }} }}")
    if reply.status != 200:
        problem = json.loads(reply.body)
        assert reply.headers["content-type"] == "application/problem+json"
        assert problem["type"].endswith("/problems/storage-full"), problem
        assert "nothing was changed" in problem["detail"]
    return reply.status


def assert_whole(site: Writable, taken: set[int]) -> None:
    """What is current is what its manifest says, with every commit that was acknowledged; nothing else lies there."""
    releases = Releases(site.folder / "releases")
    release = releases.current()
    store = release.open_store()
    digest = SetDigest()
    counts = {
        graph.value: digest.add(store.quads_for_pattern(None, None, None, graph)) for graph in store.named_graphs()
    }
    assert (digest.hex, counts) == (release.manifest.digest, release.manifest.graphs)
    found = {int(str(quad.subject)[7:].split("-")[0]) for quad in store if str(quad.subject).startswith("<urn:x:")}
    assert found == taken
    history = releases.history()
    assert [one.manifest.parent for one in history] == [*(one.id for one in history[1:]), None]


@pytest.mark.parametrize(
    "sizes",
    [
        [0, 16, 96, 256, 640, 2048],
        # Twice as many moments take twenty seconds.
        pytest.param([0, 4, 16, 48, 96, 160, 256, 384, 640, 1024, 2048, 4096], marks=pytest.mark.slow),
    ],
    ids=["some", "all"],
)
def test_a_full_disk_is_507_and_harms_nothing(disk: Path, site: Writable, sizes: list[int]) -> None:
    """Full before it begins, while it copies, applies, indexes, describes, publishes: whichever comes first.

    Queries are answered meanwhile, and where there is room again the next commit is taken, without a restart.
    """
    taken = {0}
    assert send(site, 0) == 200
    statuses = []
    for number, free in enumerate(sizes, 1):
        fill(disk, free * 1024)
        statuses.append(send(site, number))
        if statuses[-1] == 200:
            taken.add(number)
        assert site.ask("GET", "/doc/city/izmir.ttl").status == 200
        assert_whole(site, taken)
    assert set(statuses) <= {200, 507}
    assert statuses.count(507) >= 3
    (disk / "filler").unlink()
    assert send(site, 100) == 200
    assert_whole(site, taken | {100})
    assert Releases(site.folder / "releases").sweep() == 0


def test_the_error_of_a_full_disk_names_the_file() -> None:
    """Dumps and the files for a store's bulk loader say where there is no room (18, 6)."""
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"), packed(Path("/dev/full")) as out:
        out.write(os.urandom(1_000_000))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("IO error: No space left on device: While appending"),
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_an_error_of_a_full_disk_without_a_name_gets_the_folder(error: Exception, tmp_path: Path) -> None:
    """An error of a library during a build leads to the folder of the releases, and is one of the system."""
    releases = Releases(tmp_path / "releases")
    with pytest.raises(OSError, match="No space left") as raised, releases.stage():
        raise error
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(releases.root))
    assert [path.name for path in releases.root.iterdir()] == [".lock"]


def test_an_instance_a_backup_and_a_restore_name_the_file_that_has_no_room(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands name the file: it may be on another disk than the administrator believes."""
    options = "--base https://data.town.example/ --title Town --language en --home Town --publisher Town --contact a@b"
    runner = CliRunner()
    fill(disk, 4096)
    made = runner.invoke(main, ["init", str(disk / "town"), *options.split()])
    assert (made.exit_code, f"{disk}/town" in made.output, "the disk is full" in made.output) == (2, True, True)
    assert not (disk / "town").exists()
    assert runner.invoke(main, ["init", str(tmp_path / "town"), *options.split()]).exit_code == 0
    monkeypatch.chdir(tmp_path / "town")
    saved = runner.invoke(main, ["backup", str(disk / "copies")])
    assert (saved.exit_code, f"{disk}/copies/objects/" in saved.output) == (2, True)
    assert runner.invoke(main, ["backup", str(tmp_path / "copies")]).exit_code == 0
    restored = runner.invoke(main, ["restore", str(tmp_path / "copies"), str(disk / "again")])
    assert (restored.exit_code, f"{disk}/again/" in restored.output) == (2, True)
