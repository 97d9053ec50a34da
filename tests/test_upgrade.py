"""Releases of earlier versions are served, and built anew by `citygraph build`; those of later versions are refused."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

import citygraph.cli.serve_command
import citygraph.serve
from citygraph.cli.main import main
from citygraph.errors import NewerRelease
from citygraph.release.format_version import FORMAT
from citygraph.release.releases import Releases
from tests.running import serving
from tests.small import write_files

# Made by tests/releases/make.py with the code of each format.
ARCHIVES = sorted((Path(__file__).parent / "releases").glob("*.tar.xz"))
_COUNT = "/sparql?query=" + quote("SELECT (COUNT(*) AS ?n) { ?s a <https://w3id.org/citygraph/ontology#City> }")


def unpacked(archive: Path, folder: Path) -> Releases:
    """The releases of an archive."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="tar")
    return Releases(folder / "releases")


def test_each_format_has_an_archive() -> None:
    """(18 Upgrade) A new format comes with releases that were made in it."""
    assert [path.name for path in ARCHIVES] == [f"format-{number}.tar.xz" for number in range(1, FORMAT + 1)]


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def test_releases_of_earlier_versions_are_served(archive: Path, tmp_path: Path) -> None:
    """(18 Upgrade) Health, documents, search, queries and history; the release before the last commit too."""
    releases = unpacked(archive, tmp_path)
    current, first = releases.history()
    with serving(releases.root, tmp_path / "log", workers=1, engines=1) as server:
        assert server.get("/health").status == 200
        document = server.get("/doc/city/izmir.ttl")
        assert "İzmir" in document.body.decode()
        assert "Kept." in document.body.decode()
        assert "Bremen" in server.get("/search.json?q=brem").body.decode()
        assert server.get(_COUNT, Accept="text/csv").body.split() == [b"n", b"2"]
        earlier = server.get(f"/releases/{first.id}/doc/city/izmir.ttl").body.decode()
        assert "İzmir" in earlier
        assert "Kept." not in earlier
        assert server.get("/timemap/doc/city/izmir").body.count(b"memento") > 1
        difference = server.get(f"/releases/{first.id}..{current.id}", Accept="text/html")
        assert "Kept." in difference.body.decode()
    is_older = current.manifest.format < FORMAT
    assert (f"in format {current.manifest.format}" in (tmp_path / "log").read_text()) == is_older


def test_older_release_is_built_anew_with_a_message(tmp_path: Path) -> None:
    """(18 Upgrade) Although no file has changed; what commits wrote is carried over."""
    releases = unpacked(ARCHIVES[0], tmp_path)
    write_files(tmp_path)
    folders = ["--data", str(tmp_path / "data"), "--releases", str(releases.root)]
    done = CliRunner().invoke(main, [*folders, "build"])
    assert done.exit_code == 0, done.output
    assert "in format 1" in done.output
    assert "which adds statistics" in done.output
    release = releases.current()
    assert (release.manifest.format, release.manifest.number) == (FORMAT, 3)
    assert release.manifest.graphs["https://w3id.org/citygraph/graph/kept"] == 1
    assert "up to date" in CliRunner().invoke(main, [*folders, "build"]).output


def test_older_release_is_served_if_this_version_refuses_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18 Upgrade) An upgrade whose shapes are stricter does not end the site; a changed file still does."""
    current = unpacked(ARCHIVES[0], tmp_path).current()
    files = write_files(tmp_path).digests()
    manifest = current.path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "files": files}))
    served: list[object] = []
    monkeypatch.setattr(citygraph.serve, "serve", served.append)
    monkeypatch.setattr(citygraph.cli.serve_command, "_build", lambda _: 1)
    command = ["--data", str(tmp_path / "data"), "--releases", str(tmp_path / "releases"), "serve", "--build"]
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, len(served)) == (0, 1)
    assert "It is served as it is" in done.output
    with (tmp_path / "data" / "register.trig").open("a") as file:
        file.write("# changed\n")
    assert CliRunner().invoke(main, command).exit_code == 1


def test_release_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """(18 Upgrade) Nothing is served, built or listed from it, and the message names the version to install."""
    releases = unpacked(ARCHIVES[-1], tmp_path)
    release = releases.current()
    later = tmp_path / "releases" / "2099-01-01T000000Z-000000000000"
    shutil.copytree(release.path, later)
    values = json.loads((later / "manifest.json").read_text())
    changed = {"id": later.name, "format": FORMAT + 1, "software_version": "9.0", "unknown": []}
    (later / "manifest.json").write_text(json.dumps({**values, **changed}))
    assert later.name not in [one.id for one in releases.history()]
    (tmp_path / "releases" / "current").unlink()
    (tmp_path / "releases" / "current").symlink_to(later.name)
    with pytest.raises(NewerRelease, match=r"install citygraph 9\.0 or newer"):
        releases.current()
    for command in (["build"], ["serve"], ["query", "ASK {}"]):
        done = CliRunner().invoke(main, ["--releases", str(tmp_path / "releases"), *command])
        assert done.exit_code == 2
        assert f"made by citygraph 9.0 in format {FORMAT + 1}" in done.output
