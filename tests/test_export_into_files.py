"""Exported files are what a build makes the same release of; what the API owns can be adopted."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyoxigraph import RdfFormat, Store

from citygraph.build.build import build
from citygraph.build.export import adopt, adoptable
from citygraph.build.products import table_outputs
from citygraph.cli.main import main
from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.errors import Conflict, NotFound
from citygraph.progress import Progress
from citygraph.rdf.terms import GRAPH
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources
from tests.committing import committed
from tests.small import REPOSITORY, build_small, write_files

_GRAPHS = "https://w3id.org/citygraph/graph"
_ODD = (f"{_GRAPHS}/notes", f"{_GRAPHS}/a/notes", f"{_GRAPHS}/b/notes", f"{_GRAPHS}/register", "urn:x:ü",
        f"{_GRAPHS}s/notes", "http://e.org/../../etc/passwd", "http://e.org/.hidden",
        "http://e.org/")  # fmt: skip
_SAYS = r"""city:izmir <urn:x:says> "a \"quoted\" line\nand another"@en , "=1+1"@en , <http://e.org/a(b)'c> .
    _:a a <urn:x:Thing> ; <urn:x:says> 1.50 , "2026-01"^^xsd:gYearMonth , "1"^^<urn:x:type> ."""


@pytest.fixture(scope="module")
def written(consequences: Followup, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """The small graph with graphs of the API, whose names are as odd as clients like."""
    folder = tmp_path_factory.mktemp("small")
    build_small(folder)
    graphs = " ".join(f"GRAPH <{name}> {{ {_SAYS} }}" for name in _ODD)
    return folder, written_to(folder, f"INSERT DATA {{ {graphs} }}", consequences)


def written_to(folder: Path, text: str, consequences: Followup) -> Release:
    settings = Settings(data=folder / "data", releases=folder / "releases")
    (outcome,) = committed([Change(Update(text))], settings, consequences)
    assert isinstance(outcome, Commit), getattr(outcome, "report", outcome)
    return Releases(folder / "releases").current()


def built_of(data: Path, releases: Path) -> Release:
    sources = Sources(data, REPOSITORY / "ontology", REPOSITORY / "queries")
    return build(sources, Releases(releases), Progress())[0]


def test_what_is_exported_builds_the_same(written: tuple[Path, Release], tmp_path: Path) -> None:
    """All graphs into an empty folder: the release of these files has the same digest, and every graph an owner."""
    _, release = written
    paths = adopt(adoptable(release.manifest), release, tmp_path / "data", table_outputs([REPOSITORY / "queries"]))
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


def test_only_graphs_of_the_api_are_written(written: tuple[Path, Release], tmp_path: Path) -> None:
    """Every file that is there stays as it is, with its comments; a second export writes nothing (13.21)."""
    folder, release = written
    data = tmp_path / "data"
    data.mkdir()
    for name in ("register.trig", "catalog.ttl"):
        shutil.copy(folder / "data" / name, data)
    register = data / "register.trig"
    register.write_text("# a comment\n" + register.read_text(encoding="utf-8"), encoding="utf-8")
    before = {path: path.read_bytes() for path in data.iterdir()}
    paths = adopt(api_graphs(release.manifest), release, data)
    assert len(paths) == len(_ODD)
    assert {path: path.read_bytes() for path in before} == before
    assert adopt(adoptable(release.manifest), release, data, table_outputs([REPOSITORY / "queries"])) == []


def test_a_graph_goes_into_the_file_that_fills_it(consequences: Followup, tmp_path: Path) -> None:
    """Wherever an export wrote it, while the API owns the graph; a file that a person changed stays (13.21)."""
    build_small(tmp_path)
    data = tmp_path / "data"
    release = written_to(
        tmp_path, "INSERT DATA { GRAPH graph:notes { city:izmir cg:note 'a'@en, 'a'@tr } }", consequences
    )
    (path,) = adopt([_ODD[0]], release, data)
    path = path.rename(data / "moved.trig")
    release = written_to(
        tmp_path, "INSERT DATA { GRAPH graph:notes { city:bremen cg:note 'b'@en, 'b'@tr } }", consequences
    )
    assert adopt([_ODD[0]], release, data) == [path]
    assert path.read_text(encoding="utf-8").count("cg:note") == 4
    path.write_text("# mine\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert adopt([_ODD[0]], release, data) == []
    text = path.read_text(encoding="utf-8").replace('"b"@en', '"c"@en')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Conflict, match=r"moved\.trig has other statements"):
        adopt([_ODD[0]], release, data)
    (data / "notes.trig").write_text("GRAPH <urn:x:other> { <urn:x:a> <urn:x:b> 1 }", encoding="utf-8")
    path.unlink()
    (other,) = adopt([_ODD[0]], release, data)
    assert other.name.startswith("notes-")


def test_a_build_tells_what_a_file_does_not_have_of_the_api(consequences: Followup, tmp_path: Path) -> None:
    """What the API wrote between export and build is not lost without a word (13.21)."""
    build_small(tmp_path)
    sources = Sources(tmp_path / "data", REPOSITORY / "ontology", REPOSITORY / "queries")
    release = written_to(
        tmp_path, "INSERT DATA { GRAPH graph:notes { city:izmir cg:note 'a'@en, 'a'@tr } }", consequences
    )
    adopt([_ODD[0]], release, sources.data)
    written_to(tmp_path, "INSERT DATA { GRAPH graph:notes { city:bremen cg:note 'b'@en, 'b'@tr } }", consequences)
    notices: list[str] = []
    build(sources, Releases(tmp_path / "releases"), Progress(), notice=notices.append)
    assert len(notices) == 1
    assert notices[0].startswith(f"data/notes.trig fills <{_ODD[0]}> from now on, without 2 statement(s)")
    build(sources, Releases(tmp_path / "releases"), Progress(), notice=notices.append)
    assert len(notices) == 1


def test_files_of_other_formats_keep_their_graphs(consequences: Followup, tmp_path: Path) -> None:
    """After an import there is no second file for its graph, and an older release does not change a file (13.21)."""
    sources = write_files(tmp_path)
    store = Store()
    store.load(path=sources.data / "register.trig")
    (sources.data / "register.trig").unlink()
    (sources.data / "sources").mkdir()
    (sources.data / "sources" / "register.nq").write_bytes(store.dump(format=RdfFormat.N_QUADS) or b"")
    built_of(sources.data, tmp_path / "releases")
    release = written_to(
        tmp_path, "INSERT DATA { GRAPH graph:notes { city:izmir cg:note 'a'@en, 'a'@tr } }", consequences
    )
    command = ["--data", str(sources.data), "--releases", str(tmp_path / "releases"), "export", "--into"]
    done = CliRunner().invoke(main, [*command, str(sources.data)])
    assert (done.exit_code, done.stderr.splitlines()[1:]) == (0, ["1 file(s) written"])
    assert sorted(path.name for path in sources.data.rglob("*.*")) == ["catalog.ttl", "notes.trig", "register.nq"]
    built = built_of(sources.data, tmp_path / "releases")
    assert built.manifest.digest == release.manifest.digest
    (sources.data / "notes.trig").write_text("GRAPH graph:notes {}", encoding="utf-8")
    older = CliRunner().invoke(main, [*command, str(sources.data), "--release", release.id])
    assert (older.exit_code, older.stderr.count("\n")) == (2, 1)


def test_a_build_between_changes_nothing(written: tuple[Path, Release], consequences: Followup, tmp_path: Path) -> None:
    """What commits made of their changes alone is what a build makes of the whole; even an empty graph is kept."""
    folder, _ = written
    made = written_to(
        folder, "CREATE GRAPH <urn:x:empty> ; INSERT DATA { GRAPH <urn:x:b> { city:izmir <urn:x:p> 1 } }", consequences
    )
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
