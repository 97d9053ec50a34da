"""/curate over HTTP: upload, report, preview, publication, conflict and undo, with a token and without JavaScript."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from pyoxigraph import NamedNode
from python_calamine import CalamineWorkbook

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.instance import current_instance
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, ID
from citygraph.release.releases import Release, Releases
from citygraph.sheets.check import Checker, choices_of
from citygraph.sheets.export_rows import SheetExporter
from citygraph.sheets.export_state import state_lines, state_of
from citygraph.sheets.importing import imported
from citygraph.sheets.table_model import read_model
from citygraph.sheets.xlsx_files import write_rows
from citygraph.source.files import Sources
from tests.running import Reply
from tests.small import small_site
from tests.writing import Writable

REPOSITORY = Path(__file__).parents[1]
GRAPH = f"{BASE}source/page"
SOURCES = "Short name;Title;Publisher;Address on the web;Language;Date\npage;Twin towns;İzmir Metropolitan Municipality;https://www.example.com/;en;2025-03\n"
PLACES = """Name (en);Name (tr);Kind;Country;Latitude;Longitude;Wikidata;Source
Gdańsk;Gdańsk;city;Germany;54.35;18.65;Q1792;page
"""
GOOD = {"places.csv": PLACES, "sources.csv": SOURCES}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    with small_site(tmp_path_factory.mktemp("curate"), log_requests=1) as running:
        yield running


@dataclass(frozen=True)
class Answer:
    """A page of /curate: its status, its text, and the fields of the form whose button does something."""

    status: int
    text: str
    headers: dict[str, str]

    def field(self, name: str) -> str:
        match = re.search(f'name="{name}" value="([^"]*)"', self.text)
        assert match, self.text
        return html.unescape(match[1])

    def offers(self, step: str) -> bool:
        return f'name="do" value="{step}"' in self.text


def post(site: Writable, query: str = "", files: Mapping[str, str | bytes] | None = None, **fields: str) -> Answer:
    """Sends a form as a browser does, without a token in a header."""
    reply = post_raw(site, query, files, **fields)
    return Answer(reply.status, reply.body.decode(), reply.headers)


def post_raw(site: Writable, query: str = "", files: Mapping[str, str | bytes] | None = None, **fields: str) -> Reply:
    boundary = uuid4().hex
    body = io.BytesIO()
    for name, value in fields.items():
        body.write(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    for name, content in (files or {}).items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        body.write(head.encode() + (content if isinstance(content, bytes) else content.encode()) + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    kind = f"multipart/form-data; boundary={boundary}"
    return site.ask("POST", f"/curate{query}", body.getvalue(), Authorization="", Content_Type=kind, Accept="text/html")


def check(site: Writable, files: Mapping[str, str | bytes], query: str = "", token: str = "") -> Answer:
    return post(site, query, files, token=token or site.token, do="check")


def go_on(site: Writable, page: Answer, step: str, message: str = "") -> Answer:
    """Presses a button of a page."""
    assert page.offers(step), page.text
    return post(site, files=None, token=page.field("token"), check=page.field("check"), do=step, message=message)


def current(site: Writable) -> Release:
    return Releases(site.folder / "releases").current()


def in_graph(site: Writable, graph: str = GRAPH) -> set[str]:
    reply = site.ask("GET", f"/graphs?graph={graph}", Accept="application/n-triples")
    return set(reply.body.decode().splitlines()) if reply.status == 200 else set()


@pytest.fixture
def published(site: Writable) -> Iterator[Answer]:
    """The page after the publication of two good files; their graph is dropped afterwards."""
    page = go_on(site, check(site, GOOD), "publish", message="Twin towns")
    assert page.status == 200, page.text
    yield page
    site.ask("DELETE", f"/graphs?graph={GRAPH}")


@pytest.fixture(scope="module")
def good_graph(site: Writable) -> str:
    """What the publication of two good files writes: they are checked once, as a check takes seconds."""
    page = go_on(site, check(site, GOOD), "publish")
    assert page.status == 200, page.text
    lines = in_graph(site)
    site.ask("DELETE", f"/graphs?graph={GRAPH}")
    return "\n".join(sorted(lines))


@pytest.fixture
def filled(site: Writable, good_graph: str) -> Iterator[None]:
    """The graph of two good files, written without a check; it is dropped afterwards."""
    assert site.ask("PUT", f"/graphs?graph={GRAPH}", good_graph, Content_Type="application/n-triples").status == 201
    yield
    site.ask("DELETE", f"/graphs?graph={GRAPH}")


def test_the_form_works_without_scripts_and_is_kept_by_no_cache(site: Writable) -> None:
    """It sends the token by POST, in a field, to the same address (14 §2)."""
    reply = site.ask("GET", "/curate", Authorization="", Accept="text/html")
    page = reply.body.decode()
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    assert 'method="post" enctype="multipart/form-data"' in page
    assert '<input type="password" name="token" required' in page
    assert "script-src 'self'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize("token", ["", "cgt_wrong"])
def test_no_step_is_done_without_a_token(site: Writable, token: str) -> None:
    """Not even the check, which costs time (14 §2)."""
    before = current(site).id
    assert post(site, files=GOOD, token=token, do="check").status == 401
    assert post(site, token=token, do="publish", check="0" * 64).status == 401
    assert current(site).id == before


def test_a_token_in_an_address_is_refused(site: Writable) -> None:
    """Addresses are logged."""
    assert check(site, GOOD, f"?token={site.token}").status == 400


def test_a_report_has_every_problem_and_a_copy_with_marked_cells(site: Writable) -> None:
    """With an error there is nothing to publish; texts are in the language of the reader (14 §2)."""
    wrong = {**GOOD, "places.csv": PLACES.replace("54.35", "154.35").replace(";page", ";<b>nowhere</b>")}
    page = check(site, wrong, "?lang=tr")
    assert page.status == 422
    assert '<html lang="tr">' in page.text
    assert "Hata: 1" in page.text
    assert '<th scope="row">H2</th><td>&lt;b&gt;nowhere&lt;/b&gt;</td>' in page.text
    assert not page.offers("publish")
    assert str(site.folder) not in page.text
    assert "citygraph-upload" not in page.text
    forced = post(site, token=site.token, check=page.field("check"), do="publish")
    assert forced.status == 400
    reply = post_raw(site, token=site.token, check=page.field("check"), do="copy")
    assert reply.headers["content-disposition"].startswith("attachment")
    book = CalamineWorkbook.from_filelike(io.BytesIO(reply.body))
    assert book.sheet_names == ["Sorunlar", "places", "sources"]


def test_a_result_of_a_shape_names_its_cell(site: Writable) -> None:
    """As on the command line (14 §2)."""
    page = check(site, {**GOOD, "places.csv": PLACES.replace("54.35", "154.35")})
    assert page.status == 422
    assert '<th scope="row">E2</th><td>154.35</td>' in page.text


def test_a_preview_changes_nothing_and_publication_makes_one_release(site: Writable) -> None:
    """The release has the note and the name of the token's holder (14 §2)."""
    before = current(site)
    page = check(site, GOOD)
    assert page.status == 200, page.text
    assert "city:gdansk" in page.text
    assert current(site).id == before.id
    done = go_on(site, page, "publish", message="Twin towns")
    after = current(site)
    assert (done.status, after.manifest.parent) == (200, before.id)
    assert [(one["author"], one["message"]) for one in after.manifest.commits] == [("tester", "Twin towns")]
    assert f"/releases/{before.id}..{after.id}" in done.text
    graph = in_graph(site)
    assert any(f"<{ID}city/gdansk>" in line for line in graph)
    # The source describes itself in its own graph.
    assert any(line.startswith(f"<{GRAPH}>") and "Twin towns" in line for line in graph)
    again = go_on(site, page, "publish")
    assert (again.status, current(site).id) == (200, after.id)
    undone = go_on(site, done, "undo")
    assert undone.status == 200, undone.text
    assert in_graph(site) == set()
    site.ask("DELETE", f"/graphs?graph={GRAPH}")


@pytest.mark.usefixtures("filled")
def test_the_same_files_again_change_nothing(site: Writable) -> None:
    """There is nothing to publish (14 §2)."""
    page = check(site, GOOD)
    assert page.status == 200
    assert not page.offers("publish")


@pytest.mark.usefixtures("filled")
def test_a_changed_cell_is_previewed_with_the_old_value(site: Writable) -> None:
    """The description of the source stays without its sheet (14 §2)."""
    page = check(site, {"places.csv": PLACES.replace("54.35", "54.36")})
    assert page.status == 200, page.text
    row = "<td>places.csv E2</td><td>city:gdansk</td>"
    assert re.search(f"{re.escape(row)}<td>[^<]*</td><td>54.35</td><td>54.36</td>", page.text)
    assert "Added statements: 0 · Changed values: 1 · Removed statements: 0" in page.text


@pytest.mark.usefixtures("filled")
def test_a_change_by_another_is_a_conflict_that_names_the_cell(site: Writable) -> None:
    """Nothing is published; the other's value is shown (14 §2)."""
    page = check(site, {"places.csv": PLACES.replace("54.35", "54.36")})
    old = next(line for line in in_graph(site) if '"54.35"' in line)
    text = f"DELETE DATA {{ GRAPH <{GRAPH}> {{ {old} }} }}; "
    text += f"INSERT DATA {{ GRAPH <{GRAPH}> {{ {old.replace('54.35', '54.37')} }} }}"
    assert site.update(text).status == 200
    before = current(site).id
    refused = go_on(site, page, "publish")
    assert refused.status == 409
    assert '<th scope="row">E2</th>' in refused.text
    assert f"54.37 ({before}, tester)" in refused.text
    assert not refused.offers("publish")
    assert current(site).id == before


@pytest.mark.usefixtures("filled")
def test_a_change_since_an_export_is_a_conflict_with_its_author(site: Writable, tmp_path: Path) -> None:
    """The workbook says what it said when it was exported; other cells are merged (14 §2)."""
    release = current(site)
    sources = Sources(REPOSITORY / "data", REPOSITORY / "ontology")
    model, choices = read_model(sources.ontology, current_instance().languages), choices_of(sources)
    quads = imported(Checker(model, sources, release))
    assert {quad.graph_name for quad in quads} == {NamedNode(GRAPH), CATALOG_GRAPH}
    export = SheetExporter(model, choices).rows(quads)
    state = state_of(release.id, export.keys, quads)
    (place,) = export.rows["places"]
    place[model.sheet("places").column("latitude")] = "54.36"
    path = tmp_path / "export.xlsx"
    write_rows(path, model, choices, export.rows, state_lines(state))
    for old, new in (("18.65", "18.66"), ("54.35", "54.37")):
        line = next(one for one in in_graph(site) if f'"{old}"' in one)
        text = f"DELETE DATA {{ GRAPH <{GRAPH}> {{ {line} }} }}; "
        assert site.update(text + f"INSERT DATA {{ GRAPH <{GRAPH}> {{ {line.replace(old, new)} }} }}").status == 200
        page = check(site, {"export.xlsx": path.read_bytes()})
        assert page.status == (200 if old == "18.65" else 422), page.text
        assert "Since then the source page says 18.66" in page.text
    assert f"54.37 instead ({current(site).id}, tester)" in page.text
    assert not page.offers("publish")


def test_an_import_is_not_undone_over_later_changes(site: Writable, published: Answer) -> None:
    """The later author decides."""
    subject = f"<{ID}city/gdansk> <http://www.w3.org/2000/01/rdf-schema#comment>"
    assert site.update(f'INSERT DATA {{ GRAPH <{GRAPH}> {{ {subject} "later"@en }} }}').status == 200
    assert go_on(site, published, "undo").status == 412
    assert any('"later"' in line for line in in_graph(site))


def test_a_graph_of_a_file_is_refused_with_the_name_of_the_file(site: Writable) -> None:
    """At the cell that names the source (14 §2)."""
    page = check(site, {"places.csv": PLACES.replace(";page", ";register")})
    assert page.status == 422
    assert "data/register.trig" in page.text


def test_a_token_for_other_graphs_is_refused_at_the_cell(site: Writable) -> None:
    """The check says so before the commit would."""
    token = Tokens(site.folder / "tokens.json").make(TokenHolder("notes", prefixes=(f"{BASE}graph/notes",)))
    page = check(site, GOOD, token=token)
    assert page.status == 422
    assert "source-forbidden" in page.text


def test_a_check_belongs_to_the_holder_of_its_token(site: Writable) -> None:
    """Another holder can neither see nor publish it."""
    page = check(site, {"places.csv": PLACES.replace("54.35", "54.4"), "sources.csv": SOURCES})
    other = Tokens(site.folder / "tokens.json").make(TokenHolder("other"))
    for step in ("publish", "undo", "copy"):
        assert post(site, token=other, check=page.field("check"), do=step).status == 404
    assert post(site, token=other, check="../tokens", do="publish").status == 404


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({}, 400),
        ({"a.pdf": b"%PDF-1.7"}, 400),
        ({"a.xlsx": b"PK\x03\x04 broken"}, 400),
        ({"../../a.csv": PLACES, "b/a.csv": PLACES}, 400),
        ({"..": PLACES}, 400),
        ({f"{'x' * 300}.csv": PLACES}, 400),
        ({**GOOD, "mapping.toml": "colour = 1"}, 400),
        ({"latin.csv": "Ad;Ülke\nİzmir;Türkiye\n".encode("cp1254")}, 400),
    ],
    ids=["none", "not a table", "broken", "same name", "no name", "long name", "mapping", "encoding"],
)
def test_files_that_cannot_be_read_say_why(site: Writable, files: Mapping[str, str | bytes], status: int) -> None:
    """Without a path of the server."""
    page = check(site, files)
    assert page.status == status, page.text
    assert "citygraph-upload" not in page.text


def test_neither_files_nor_tokens_stay_on_the_server(site: Writable) -> None:
    """Not in the folder of checks, not in the log, not in the audit (14 §2)."""
    go_on(site, go_on(site, check(site, GOOD), "publish"), "undo")
    kept = site.folder / "curate"
    assert {path.suffix for path in kept.iterdir()} <= {".json", ".xlsx"}
    assert kept.stat().st_mode & 0o077 == 0
    for path in (*kept.glob("*.json"), site.folder / "server.log", site.folder / "audit.jsonl"):
        assert site.token not in path.read_text(encoding="utf-8")


def test_a_release_has_no_import_of_its_own(site: Writable) -> None:
    """It never changes, so that its address leads to that of the site."""
    path = f"/releases/{current(site).id}/curate"
    assert site.ask("GET", path, Authorization="").headers["location"].endswith("/curate")
    assert site.ask("POST", path, "").status in (404, 405)
