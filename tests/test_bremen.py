"""Bremen's instance: built from its files, served, frozen, and equal to its workbook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from tests.running import Running, free_port, wait_until_up

REPOSITORY = Path(__file__).parents[1]
BREMEN = REPOSITORY / "examples" / "bremen"
BASE = "https://w3id.org/citygraph-examples/bremen/"
CG = "https://w3id.org/citygraph/ontology#"
TIE = f"{BASE}id/agreement/bremen-izmir"
# The active ones, and the dormant ones.
PARTNERS = (
    *("danzig", "riga", "dalian", "haifa", "izmir", "durban", "windhoek", "odessa"),
    *("rostock", "bratislava", "corinto", "el-realejo"),
)


def environment() -> dict[str, str]:
    """The environment without the settings of other tests: those of the instance are in its folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    return {**own, "PYTHONPATH": str(REPOSITORY / "src")}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command in the folder of an instance."""
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment())


@pytest.fixture(scope="module")
def bremen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the instance with a release."""
    folder = tmp_path_factory.mktemp("bremen") / "bremen"
    shutil.copytree(BREMEN, folder, ignore=shutil.ignore_patterns("var", "site"))
    done = run(folder, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 violations" in done.stdout
    return folder


@pytest.fixture(scope="module")
def served(bremen: Path) -> Iterator[Running]:
    """The instance, served from its folder."""
    port = free_port()
    command = [sys.executable, "-m", "citygraph.cli", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=bremen, env=environment(), stderr=subprocess.PIPE) as process:
        try:
            running = Running(port, process)
            wait_until_up(running)
            yield running
        finally:
            process.terminate()


def statements() -> Iterator[Quad]:
    """The statements of the imported files."""
    for path in sorted((BREMEN / "data" / "sheets").glob("*.trig")):
        yield from parse(path=path, format=RdfFormat.TRIG)


def test_every_partner_has_a_page(served: Running) -> None:
    """(14 §3) Those that are dormant have one too, with their state."""
    for name in PARTNERS:
        document = served.get(f"/doc/city/{name}", Accept="text/html")
        assert document.status == 200, name
    rostock = served.get("/doc/agreement/bremen-rostock.nt").body.decode()
    assert f"<{CG}state> <https://w3id.org/citygraph/ontology/statuses/dormant>" in rostock
    assert '"Danzig"@de' in served.get("/doc/city/danzig.nt").body.decode()


def test_a_dataset_without_english_texts_has_all_descriptions(served: Running) -> None:
    """(14 §1) The title that the formats require is that of the first language."""
    croissant = json.loads(served.get("/croissant.json").body)
    assert croissant["alternateName"] == croissant["description"] == "Bremens Städtepartnerschaften"


def test_what_is_published_is_described_in_german_first(served: Running) -> None:
    """(14 §1) Catalogue, package of the tables, and feed; English is there too."""
    package = json.loads(served.get("/tables/datapackage.json").body)
    agreements = next(one for one in package["resources"] if one["name"] == "agreements")
    assert (agreements["title"], agreements["title_en"]) == ("Tabelle der Vereinbarungen", "Table of agreements")
    assert agreements["schema"]["fields"][1]["title"] == "Name (Deutsch)"
    assert "title_tr" not in agreements
    feed = served.get("/feed", Accept="application/atom+xml").body.decode()
    assert 'xml:lang="de"' in feed
    assert "<title>Bremens Städtepartnerschaften: Veröffentlichungen</title>" in feed
    described = served.get("/dataset.nt").body.decode()
    assert '"Katalog von Bremens Städtepartnerschaften"@de' in described
    assert "authority/language/DEU>" in described
    assert "authority/language/TUR>" not in described


def test_stored_queries_on_ties_are_answered_in_german(served: Running) -> None:
    """(15 §4) With the names of places and states of the first language, under another base."""
    states = served.get("/queries/status-of-ties?format=csv").body.decode()
    assert f"{BASE}id/agreement/bremen-rostock,Rostock,ruhend," in states
    assert f"{BASE}id/agreement/bremen-danzig,Danzig," in states
    kinds = served.get("/queries/ties-by-kind-continent-decade?format=csv").body.decode()
    assert "Städtepartnerschaft" in kinds
    tie = served.get("/queries/tie-by-year?format=csv&agreement=agreement:bremen-izmir").body.decode()
    assert "1995,1995-03-08,,,protocol," in tie
    for name in (
        "signatories",
        "mayors-at-signing",
        "procedure",
        "reciprocity",
        "evidence-of-ties",
        "assessed-statements",
    ):
        assert served.get(f"/queries/{name}?format=csv").status == 200, name


def test_the_site_freezes(bremen: Path) -> None:
    """(14 §3) As Turtle only: the pages take half a minute, and are tested with İzmir's."""
    done = run(bremen, "freeze", "site", "--only", "ttl", "--url", "https://bremen.example.com")
    assert done.returncode == 0, done.stderr
    for name in PARTNERS:
        assert (bremen / "site" / "doc" / "city" / f"{name}.ttl").is_file()


def test_the_files_are_those_of_the_workbook_and_the_own_sheet(bremen: Path) -> None:
    """(14 §2) Imported again, with the office's own list by its mapping, the workbook changes nothing."""
    files = ("sheets/bremen.xlsx", "own-sheet.csv", "--mapping", "own-sheet.toml")
    done = run(bremen, "sheets", "check", *files, "--json")
    result = json.loads(done.stdout.splitlines()[-1])
    remedy = f"in examples/bremen: citygraph sheets import {' '.join(files)}"
    assert (result["errors"], result["added"], result["removed"]) == (0, 0, 0), remedy


def test_the_export_changes_nothing_when_it_is_imported_again(bremen: Path) -> None:
    """(14 §2) Names whose source has no row of its own are in the cells of another, with their source."""
    done = run(bremen, "sheets", "export", "export.xlsx")
    assert "no column for" not in done.stderr
    done = run(bremen, "sheets", "check", "export.xlsx", "--json")
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["errors"], result["added"], result["removed"]) == (0, 0, 0)


def test_every_document_has_its_address_and_the_day_on_which_it_was_read() -> None:
    """(14 §3) Each row cites a document that anyone can open."""
    quads = list(statements())
    graphs = {quad.graph_name for quad in quads} - {NamedNode(f"{BASE}graph/catalog")}
    for name in ("http://xmlns.com/foaf/0.1/page", f"{CG}readOn", "http://purl.org/dc/terms/publisher"):
        assert {quad.subject for quad in quads if quad.predicate == NamedNode(name)} == graphs


def test_izmir_and_bremen_keep_what_their_own_documents_say_about_their_tie() -> None:
    """(14 §3) The dates of the protocol differ; neither graph has the other's."""
    date = NamedNode("http://www.w3.org/2001/XMLSchema#date")
    protocol = NamedNode(f"{CG}protocolDate")
    bremens = [q.object for q in statements() if q.subject == NamedNode(TIE) and q.predicate == protocol]
    izmirs = [
        quad.object
        for quad in parse(path=REPOSITORY / "data" / "sources" / "izmir-sister-cities.trig", format=RdfFormat.TRIG)
        if str(quad.subject).endswith("/izmir-bremen>") and quad.predicate == protocol
    ]
    assert bremens == [Literal("1995-03-08", datatype=date)]
    assert izmirs == [Literal("1996-04-24", datatype=date)]
