"""`citygraph rebase`: an instance moves to another base, whole, and its old addresses lead to the new ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import Quad, RdfFormat, parse, serialize

from citygraph.errors import UsageError
from citygraph.instance import VOCABULARY, Instance, parse_instance, placeholder_problem
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, RDF, SD, SHAPES_GRAPH, base_pattern
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sheets.importing import undo_import
from citygraph.starter.rebase import checked_base, rebased, save
from citygraph.web import create_app
from citygraph.web.http.addresses import moved_address
from tests.world import publish, small_world

OLD, NEW = "https://old.example/", "https://stadt.example/daten/"
_SETTINGS = f"""# Ours.
base = "{OLD}"  # chosen for ever
timezone = "Europe/Berlin"

[publisher]
name = "Stadt"
notice = "{OLD}about"
"""
_DATA = f"""# The base {OLD} is ours.
@prefix city: <{OLD}id/city/> .
@prefix cg: <https://w3id.org/citygraph/ontology#> .
GRAPH <{OLD}source/page> {{
  city:bremen a cg:City ; cg:note "archived"@en ;
    cg:url <https://web.archive.org/web/2020/{OLD}page> .
}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An instance with a file of its own and one made from spreadsheets."""
    (tmp_path / "data" / "sheets").mkdir(parents=True)
    (tmp_path / "citygraph.toml").write_text(_SETTINGS, encoding="utf-8")
    (tmp_path / "data" / "page.trig").write_text(_DATA, encoding="utf-8")
    (tmp_path / "data" / "sheets" / "page.trig").write_text(_DATA, encoding="utf-8")
    (tmp_path / "data" / "LICENSE").write_text(OLD, encoding="utf-8")
    return tmp_path


def move(folder: Path, old: str = OLD, new: str = NEW, redirect: bool = False) -> list[tuple[str, int]]:
    """Moves the instance; the changed files, and how many IRIs of each."""
    files = rebased(folder, [folder / "data"], old, new, redirect)
    save(files)
    return [(file.path.relative_to(folder).as_posix(), file.count) for file in files]


def test_data_and_settings_get_the_new_base(folder: Path) -> None:
    """Comments stay; an address that only contains the old base is another one (14 §1)."""
    assert move(folder) == [("data/page.trig", 3), ("data/sheets/page.trig", 3), ("citygraph.toml", 2)]
    assert (folder / "data" / "page.trig").read_text() == _DATA.replace(OLD, NEW).replace(f"2020/{NEW}", f"2020/{OLD}")
    assert (folder / "citygraph.toml").read_text() == _SETTINGS.replace(OLD, NEW)


def test_a_base_that_continues_the_old_one_is_added_once(folder: Path) -> None:
    """After an interruption the same command goes on: what has the new base already is left alone."""
    new = OLD + "kg/"
    files = rebased(folder, [folder / "data"], OLD, new, redirect=False)
    save(files[:1])
    move(folder, new=new)
    for name in ("page.trig", "sheets/page.trig"):
        text = (folder / "data" / name).read_text()
        assert (text.count(new), "kg/kg/" in text) == (3, False)


def test_an_import_can_be_undone_after_a_move(folder: Path) -> None:
    """The previous files have the new base then; a build would refuse the old one."""
    imported, further = folder / "data" / "sheets" / "page.trig", folder / "data" / "sheets" / "new.trig"
    further.write_text(_DATA, encoding="utf-8")
    previous = {str(imported): _DATA.replace("archived", "earlier"), str(further): None}
    (folder / "sheets-import.json").write_text(json.dumps(previous), encoding="utf-8")
    save(rebased(folder, [folder / "data"], OLD, NEW, redirect=False, journal=folder))
    undo_import(folder)
    text = imported.read_text(encoding="utf-8")
    assert "earlier" in text
    assert text.replace("earlier", "archived") == (folder / "data" / "page.trig").read_text(encoding="utf-8")
    assert not further.exists()


def test_the_vocabulary_keeps_its_base(folder: Path) -> None:
    """For an instance that began under the base of the vocabulary."""
    path = folder / "data" / "page.trig"
    path.write_text(_DATA.replace(OLD, VOCABULARY), encoding="utf-8")
    move(folder, VOCABULARY)
    assert "<https://w3id.org/citygraph/ontology#>" in path.read_text()
    assert f"<{NEW}id/city/>" in path.read_text()


def test_old_addresses_are_recorded_on_request(folder: Path) -> None:
    """Each former base once, and never the present one (14 §1)."""
    move(folder, redirect=True)
    move(folder, NEW, "https://third.example/", redirect=True)
    instance = parse_instance((folder / "citygraph.toml").read_text())
    assert (instance.base, instance.former_bases) == ("https://third.example/", (OLD, NEW))


def test_iris_in_pieces_are_refused_before_anything_is_written(folder: Path) -> None:
    """The file and the statement are named."""
    text = f'@prefix host: <https://old.example> .\nGRAPH <{OLD}source/x> {{ host:\\/id\\/a <{OLD}p> "1" }}'
    (folder / "data" / "pieces.trig").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"pieces\.trig: an IRI is written in pieces"):
        move(folder)
    assert (folder / "data" / "page.trig").read_text() == _DATA


@pytest.mark.parametrize(
    "base",
    ["", "stadt.example", "ftp://stadt.example/", "https://", "https://stadt.example/?a=b", "https://a b.example/"],
)
def test_what_is_no_base_is_refused(base: str) -> None:
    """With an example of one."""
    with pytest.raises(UsageError, match=r"https://data\.bremen\.example/"):
        checked_base(base)


def test_a_slash_is_added() -> None:
    """As everywhere."""
    assert checked_base("https://stadt.example/daten") == NEW


def test_the_same_base_and_missing_settings_are_refused(folder: Path) -> None:
    """Nothing would change, or nothing could."""
    with pytest.raises(UsageError, match="already"):
        move(folder, new=OLD)
    (folder / "citygraph.toml").unlink()
    with pytest.raises(UsageError, match="citygraph init"):
        move(folder)


@pytest.mark.parametrize(
    ("root", "path", "former", "moved"),
    [
        ("https://old.example", "/id/city/bremen", OLD, NEW + "id/city/bremen"),
        ("https://old.example", "/kg/id/é", "https://old.example/kg/", NEW + "id/%C3%A9"),
        ("https://old.example", "/id/a", "https://old.example/kg/", NEW + "id/a"),
        ("https://stadt.example", "/alt/id/a", "https://stadt.example/alt/", NEW + "id/a"),
        ("https://stadt.example", "/id/a", "https://stadt.example/alt/", ""),
        ("https://stadt.example", "/id/a", "https://stadt.example/", ""),
        ("https://other.example", "/id/a", OLD, ""),
    ],
)
def test_an_old_address_has_a_new_one(root: str, path: str, former: str, moved: str) -> None:
    """On the old host, or under the old path of the same host; no address leads back to itself (14 §1)."""
    assert moved_address(root, path, NEW, [former]) == moved


def test_the_site_redirects_at_the_old_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the query string; a write goes nowhere else, and other hosts are answered as before (14 §1)."""
    monkeypatch.setattr("citygraph.web.application.current_instance", lambda: Instance(former_bases=(OLD,)))
    client = create_app(Settings(base=NEW), Releases(tmp_path)).test_client()
    moved = client.get("/doc/city/bremen?lang=de", base_url=OLD)
    assert (moved.status_code, moved.headers["Location"]) == (301, NEW + "doc/city/bremen?lang=de")
    assert client.post("/sparql", base_url=OLD).status_code != 301
    assert client.get("/robots.txt", base_url="https://stadt.example/").status_code != 301


@pytest.mark.parametrize(
    ("base", "is_placeholder"),
    [
        ("https://example.org/", True),
        ("https://graph.example.com/x/", True),
        ("http://localhost:8000/", True),
        ("http://127.0.0.1/", True),
        ("https://daten.bremen.de/", False),
        ("https://w3id.org/citygraph/", False),
    ],
)
def test_bases_of_nobody_are_not_to_be_published(base: str, is_placeholder: bool) -> None:
    """The message names the command that helps (14 §1)."""
    problem = placeholder_problem(base)
    assert bool(problem) == is_placeholder
    assert ("citygraph rebase" in problem) == is_placeholder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def test_an_instance_with_an_example_base_moves_and_is_published(tmp_path: Path) -> None:
    """init with the base of an example, freeze refuses, rebase helps, and the release has the new base (14 §1)."""
    answers = {
        "--base": "https://example.org/",
        "--title": "Bremen",
        "--language": "en",
        "--home": "Bremen",
        "--publisher": "Stadt",
        "--contact": "https://bremen.de/",
    }
    assert run(tmp_path, "init", "mine", *(part for pair in answers.items() for part in pair)).returncode == 0
    folder = tmp_path / "mine"
    refused = run(folder, "freeze", "site")
    assert (refused.returncode, "citygraph rebase" in refused.stderr) == (2, True)
    moved = run(folder, "rebase", "https://daten.bremen.de/", "--redirect")
    assert moved.returncode == 0, moved.stderr
    assert "citygraph.toml: 1 changed" in moved.stdout
    built = run(folder, "build")
    assert (built.returncode, built.stderr) == (0, ""), built.stderr
    assert "https://daten.bremen.de/id/agreement/" in run(folder, "query", "partners", "--format", "csv").stdout


def test_a_release_with_the_old_base_is_followed_by_one_with_the_new_base(tmp_path: Path) -> None:
    """What the API wrote gets the new base as the files do; until the build, nothing mixes the two bases (14 §1)."""
    options = ("--title", "Bremen", "--language", "en", "--home", "Bremen", "--publisher", "Stadt")
    started = run(tmp_path, "init", "mine", "--base", OLD, *options, "--contact", "https://bremen.de/")
    assert started.returncode == 0, started.stderr
    folder = tmp_path / "mine"
    written = f"INSERT DATA {{ GRAPH <{OLD}graph/notes> {{ <{OLD}id/city/bremen> rdfs:seeAlso <{OLD}about> }} }}"
    (folder / "note.ru").write_text(written, encoding="utf-8")
    of_notes = run(folder, "token", "make", "office", "--graphs", "graph:notes")
    assert of_notes.returncode == 0, of_notes.stderr
    for command in (("build",), ("update", "note.ru"), ("rebase", "https://daten.bremen.de/")):
        done = run(folder, *command)
        assert done.returncode == 0, done.stderr
    assert "https://daten.bremen.de/graph/notes" in run(folder, "token", "list").stdout
    for command in (("freeze", "site"), ("update", "note.ru")):
        refused = run(folder, *command)
        assert (refused.returncode, f"has the base {OLD}" in refused.stderr) == (2, True), refused.stderr
    built = run(folder, "build")
    assert (built.returncode, built.stderr) == (0, ""), built.stderr + built.stdout
    dump = run(folder, "export", "https://daten.bremen.de/graph/notes").stdout
    assert "https://daten.bremen.de/about" in dump
    assert OLD not in dump
    graphs = Releases(folder / "var" / "releases").current().manifest.graphs
    assert [graph for graph in graphs if graph.startswith(OLD)] == []


FORMER = "https://alt.example/kg/"


@pytest.fixture(scope="module")
def moved_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, Release, Release]:
    """A site with a release of before `citygraph rebase` and one of afterwards."""
    root = tmp_path_factory.mktemp("moved")
    world = [*small_world(), Quad(SHAPES_GRAPH, RDF("type"), SD("NamedGraph"), CATALOG_GRAPH)]
    text = serialize(world, format=RdfFormat.N_QUADS) or b""
    former = base_pattern(BASE, FORMER).sub(FORMER, text.decode())
    first = publish(list(parse(former, RdfFormat.N_QUADS)), root, derived=False)
    second = publish(world, root)
    return create_app(Settings(), Releases(root)).test_client(), first, second


_ACCEPTED = ("text/turtle", "text/html", "application/ld+json", "application/linkset+json")
_PATHS = ("doc/city/bremen", "source/page", "graph/curation", "doc/event/visit")


@pytest.mark.parametrize(("path", "accept"), [*product(_PATHS, _ACCEPTED), ("dataset", "text/html")])
def test_releases_of_before_a_move_keep_their_documents(
    moved_site: tuple[FlaskClient, Release, Release], path: str, accept: str
) -> None:
    """With the IRIs of that time, and links within the release, since the address of a release is cited."""
    client, first, second = moved_site
    for release, base, other in ((first, FORMER, BASE), (second, BASE, FORMER)):
        response = client.get(f"/releases/{release.id}/{path}", headers={"Accept": accept})
        assert response.status_code == 200, response.text
        assert f"{other}id/" not in response.text
        if accept != "text/html":
            assert base in response.text
        if accept == "text/html" and path == "doc/city/bremen":
            assert f'href="/releases/{release.id}/doc/agreement/izmir-bremen' in response.text.replace("/id/", "/doc/")
        assert "Memento-Datetime" in response.headers


def test_things_of_before_a_move_redirect_to_their_documents(moved_site: tuple[FlaskClient, Release, Release]) -> None:
    """303 as under the present base; what that release does not have is 404."""
    client, first, _ = moved_site
    response = client.get(f"/releases/{first.id}/id/city/bremen")
    assert (response.status_code, response.headers["Location"]) == (303, f"/releases/{first.id}/doc/city/bremen")
    assert client.get(f"/releases/{first.id}/doc/city/nowhere").status_code == 404
    assert client.get(f"/releases/{first.id}/doc/city/bremen?history").status_code == 200
    citation = client.get(f"/releases/{first.id}/doc/city/bremen?_cite=text")
    assert citation.status_code == 200, citation.text
    assert "Bremen" in citation.text


def test_mementos_of_a_document_include_those_of_before_a_move(
    moved_site: tuple[FlaskClient, Release, Release],
) -> None:
    """The original resource is at one address of the site, whatever the base was."""
    client, first, second = moved_site
    time_map = client.get("/timemap/doc/city/bremen").text
    assert f"/releases/{first.id}/doc/city/bremen" in time_map
    assert f"/releases/{second.id}/doc/city/bremen" in time_map
    earlier = client.get("/doc/city/bremen", headers={"Accept-Datetime": "Thu, 31 May 2007 20:35:00 GMT"})
    assert earlier.headers["Location"] == f"http://localhost/releases/{first.id}/doc/city/bremen"
