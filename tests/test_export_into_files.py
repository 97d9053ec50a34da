"""Exported files are what a build makes the same release of; what the API owns can be adopted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from citygraph.build.build import build
from citygraph.build.export import adopt, adoptable
from citygraph.build.products import table_outputs
from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, Update
from citygraph.errors import NotFound
from citygraph.progress import Progress
from citygraph.rdf.terms import GRAPH
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources
from tests.small import REPOSITORY, build_small

_GRAPHS = "https://w3id.org/citygraph/graph"
_ODD = (f"{_GRAPHS}/notes", f"{_GRAPHS}/a/notes", f"{_GRAPHS}/b/notes", f"{_GRAPHS}/register", "urn:x:ü",
        f"{_GRAPHS}s/notes", "http://e.org/../../etc/passwd", "http://e.org/.hidden",
        "http://e.org/")  # fmt: skip
_SAYS = r"""city:izmir <urn:x:says> "a \"quoted\" line\nand another"@en , "=1+1"@en , <http://e.org/a(b)'c> .
    _:a a <urn:x:Thing> ; <urn:x:says> 1.50 , "2026-01"^^xsd:gYearMonth , "1"^^<urn:x:type> ."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """The small graph with graphs of the API, whose names are as odd as clients like."""
    folder = tmp_path_factory.mktemp("small")
    build_small(folder)
    graphs = " ".join(f"GRAPH <{name}> {{ {_SAYS} }}" for name in _ODD)
    return folder, written_to(folder, f"INSERT DATA {{ {graphs} }}")


def written_to(folder: Path, text: str) -> Release:
    outcome = commit_here([Change(Update(text))], Settings(data=folder / "data", releases=folder / "releases"))[0]
    assert isinstance(outcome, Commit), getattr(outcome, "report", outcome)
    return Releases(folder / "releases").current()


def built_of(data: Path, releases: Path) -> Release:
    sources = Sources(data, REPOSITORY / "ontology", REPOSITORY / "queries")
    return build(sources, Releases(releases), Progress())[0]


def test_what_is_exported_builds_the_same(written: tuple[Path, Release], tmp_path: Path) -> None:
    """All graphs into an empty folder: the release of these files has the same digest, and every graph an owner."""
    _, release = written
    paths = adopt(adoptable(release.manifest), release, tmp_path / "data", table_outputs(REPOSITORY / "queries"))
    assert all(path.resolve().is_relative_to(tmp_path / "data") for path in paths)
    assert len({path.name for path in paths}) == len(paths) == len(_ODD) + 2
    again = built_of(tmp_path / "data", tmp_path / "releases")
    assert again.manifest.digest == release.manifest.digest
    assert api_graphs(again.manifest) == []


def test_what_the_api_owns_is_adopted(written: tuple[Path, Release], tmp_path: Path) -> None:
    """Into data/ beside the files that are there: nothing changes but who owns it."""
    folder, release = written
    (folder / "data" / "more").mkdir()
    owned = (folder / "data" / "register.trig").read_bytes()
    adopt(api_graphs(release.manifest), release, folder / "data")
    assert (folder / "data" / "register.trig").read_bytes() == owned
    again = built_of(folder / "data", folder / "releases")
    assert (again.manifest.digest, again.manifest.added, again.manifest.removed) == (release.manifest.digest, 0, 0)
    assert again.manifest.owners[_ODD[0]] == "data/notes.trig"


def test_a_build_between_changes_nothing(written: tuple[Path, Release], tmp_path: Path) -> None:
    """What commits made of their changes alone is what a build makes of the whole; even an empty graph is kept."""
    folder, _ = written
    made = written_to(folder, "CREATE GRAPH <urn:x:empty> ; INSERT DATA { GRAPH <urn:x:b> { city:izmir <urn:x:p> 1 } }")
    again = built_of(folder / "data", folder / "releases")
    assert (again.manifest.digest, again.manifest.graphs["urn:x:empty"]) == (made.manifest.digest, 0)


def test_a_file_is_written_whole(written: tuple[Path, Release], tmp_path: Path) -> None:
    """One graph of a file that owns two brings the other with it."""
    _, release = written
    owners = {**release.manifest.owners, _ODD[0]: "data/places/both.trig"}
    owners[_ODD[1]] = "data/places/both.trig"
    both = Release(release.path, replace(release.manifest, owners=owners))
    (path,) = adopt([_ODD[0]], both, tmp_path)
    assert path == tmp_path / "places" / "both.trig"
    assert path.read_text(encoding="utf-8").count("GRAPH ") == 2


def test_what_no_file_can_hold(written: tuple[Path, Release], tmp_path: Path) -> None:
    """What rules made, and what is not there."""
    for name in (GRAPH("derived").value, "urn:x:none"):
        with pytest.raises(NotFound):
            adopt([name], written[1], tmp_path)
