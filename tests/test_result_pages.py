"""Results of stored queries by extension, and page by page (17, Stored queries)."""

from __future__ import annotations

import html
import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from citygraph.engine.engines import Answer
from citygraph.freeze.inprocess import InProcessEngine
from citygraph.rdf.formats import BY_NAME
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query
from citygraph.web import create_app
from citygraph.web.http.bodies import Outlet
from citygraph.web.http.messages import OUTLET, Reply, Request
from citygraph.web.sparql.endpoint import name_file
from tests.past import three_releases
from tests.small import REPOSITORY

PARTNERS = "/queries/partners"
CITIES = "/queries/tables/cities"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """A reader of the İzmir graph, with an engine in this process."""
    return create_app(Settings(queries=REPOSITORY / "queries"), built[0], InProcessEngine(built[0])).test_client()


def following(response: Any) -> str:
    """Returns the address of the next page, or nothing."""
    match = re.search(r'<([^>]*)>; rel="next"', response.headers.get("Link", ""))
    return match[1] if match else ""


@pytest.mark.parametrize(
    ("extension", "type_"),
    [
        ("csv", "text/csv"), ("tsv", "text/tab-separated-values"), ("json", "application/sparql-results+json"),
        ("parquet", "application/vnd.apache.parquet"), ("geojson", "application/geo+json"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("gpkg", "application/geopackage+sqlite3"), ("gexf", "application/gexf+xml"),
        ("graphml", "application/graphml+xml"),
    ],
)  # fmt: skip
def test_extension_parameter_and_accept_give_the_same(client: FlaskClient, extension: str, type_: str) -> None:
    """Every row is in the file (17)."""
    by_extension = client.get(f"{PARTNERS}.{extension}")
    assert (by_extension.status_code, by_extension.content_type.partition(";")[0]) == (200, type_)
    rows = client.get(f"{PARTNERS}.csv").headers["X-Citygraph-Rows"]
    assert by_extension.headers["X-Citygraph-Rows"] == rows
    assert by_extension.data == client.get(f"{PARTNERS}?format={extension}").data
    assert by_extension.data == client.get(PARTNERS, headers={"Accept": type_}).data


def test_binary_files_are_named_and_can_be_read_in_parts(client: FlaskClient) -> None:
    """They are not compressed, so that readers can fetch parts of them (17)."""
    whole = client.get(f"{PARTNERS}?format=parquet", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in whole.headers
    assert whole.headers["Content-Disposition"] == 'attachment; filename="partners.parquet"'
    part = client.get(f"{PARTNERS}.parquet", headers={"Range": "bytes=-4"})
    assert (part.status_code, part.data) == (206, b"PAR1")


@pytest.mark.parametrize(
    ("format_", "name"),
    [
        ("json", "partners.json"),
        ("xml", "partners.xml"),
        ("csv", "partners.csv"),
        ("tsv", "partners.tsv"),
        ("sheet", "partners.csv"),
        ("md", "partners.md"),
        ("geojson", "partners.geojson"),
    ],
)
def test_a_text_is_shown_and_saved_under_a_name_with_an_extension(client: FlaskClient, format_: str, name: str) -> None:
    """Browsers save a type that they cannot show, and know no extension for some. A program's reply has no name."""
    reply = client.get(f"{PARTNERS}?format={format_}")
    assert reply.headers["Content-Disposition"] == f'inline; filename="{name}"'
    assert "Content-Disposition" not in client.get(PARTNERS, headers={"Accept": "text/csv"}).headers


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/doc/city/izmir?format=ttl", "izmir.ttl"),
        ("/doc/city/izmir?format=text/turtle", "izmir.ttl"),
        ("/doc/city/izmir?format=linkset.json", "izmir.linkset.json"),
        ("/releases/{release}/doc/city/izmir?format=trig", "izmir.trig"),
        ("/ontology?format=nt", "ontology.nt"),
        ("/explore?format=csv&page=1", "explore.csv"),
        ("/releases?format=json", "releases.json"),
        ("/tables?format=json", "tables.json"),
        ("/feed/ldes?format=ttl", "ldes.ttl"),
        ("/cite/doc/city/izmir?format=bibtex", "izmir.bib"),
    ],
)
def test_documents_and_lists_are_saved_under_names_as_results_are(client: FlaskClient, address: str, name: str) -> None:
    """Pages, addresses with an extension and replies to Accept have no name: the address or the program gives it."""
    address = address.format(release=client.get("/releases").headers["X-Citygraph-Release"])
    response = client.get(address)
    assert (response.status_code, response.headers.get("Content-Disposition")) == (200, f'inline; filename="{name}"')
    path = address.partition("?")[0]
    programs = client.get(path, headers={"Accept": response.headers["Content-Type"].partition(";")[0]})
    assert "Content-Disposition" not in programs.headers
    assert "Content-Disposition" not in client.get(f"{path}?format=html").headers


@pytest.mark.parametrize("path", ["/doc/city/izmir.ttl", "/explore.csv", "/releases.json?lang=tr"])
def test_an_address_with_an_extension_needs_no_name(client: FlaskClient, path: str) -> None:
    """A browser saves it under the end of its address."""
    assert "Content-Disposition" not in client.get(path).headers


def test_a_name_in_other_letters_is_kept_and_has_a_form_in_ascii() -> None:
    """As RFC 6266 recommends in appendix D."""
    reply = Reply(headers=[("Content-Type", BY_NAME["tsv"].content_type)])
    name_file(Request(create_environ("/queries/\u0130zmir")), "tsv", reply)
    named = "inline; filename=\"Izmir.tsv\"; filename*=UTF-8''%C4%B0zmir.tsv"
    assert reply.header("Content-Disposition") == named


@pytest.mark.parametrize(
    ("address", "status", "reason"),
    [
        ("/queries/procedure.geojson", 406, "columns lat and lon"),
        ("/queries/quality/coordinates.gexf", 406, "?source and ?target"),
        (f"{PARTNERS}.ttl", 406, "is a table"), (f"{PARTNERS}.pdf", 404, "no stored query"),
    ],
)  # fmt: skip
def test_format_that_is_not_possible_is_an_error(client: FlaskClient, address: str, status: int, reason: str) -> None:
    """It says what is missing, and which formats there are (17)."""
    response = client.get(address)
    assert response.status_code == status
    assert reason in response.get_json()["detail"]
    assert status == 404 or "text/csv" in response.get_json()["offered"]


def test_tables_have_the_same_formats(client: FlaskClient) -> None:
    """A table that is not a file of the release is its stored query (17)."""
    moved = client.get("/tables/cities.xlsx")
    assert (moved.status_code, moved.headers["Location"]) == (307, "http://localhost/queries/tables/cities.xlsx")
    assert client.get(moved.headers["Location"]).data[:2] == b"PK"
    assert client.get("/tables/nothing.xlsx").status_code == 404


def test_pages_offer_the_formats_that_are_possible(client: FlaskClient) -> None:
    """A map has GeoJSON, the network GEXF, a table of numbers neither (17)."""

    def offered(name: str) -> set[str]:
        page = client.get(f"/queries/{name}", headers={"Accept": BROWSER}).text
        return set(re.findall(r"format=(\w+)", html.unescape(page[page.index('class="caption takes"') :])))

    assert {"geojson", "gpkg", "xlsx"} <= offered("partners")
    assert {"gexf", "graphml", "nodelink", "edges"} <= offered("network")
    assert {"geojson", "gexf"}.isdisjoint(offered("procedure"))
    workbench = client.get("/sparql?run=1&query=SELECT ?lat ?lon {}", headers={"Accept": BROWSER}).text
    assert "format=geojson" in workbench
    assert "format=gexf" not in workbench


def test_pages_are_all_rows_each_once(client: FlaskClient) -> None:
    """Following the links gives what the whole file has (17)."""
    whole = client.get(f"{PARTNERS}.csv").text.splitlines()
    address, rows = f"{PARTNERS}.csv?limit=7", []
    while address:
        response = client.get(address)
        rows += response.text.splitlines()[1:]
        address = following(response)
    assert sorted(rows) == sorted(whole[1:])
    assert len(rows) > 7


def test_last_page_has_no_next_one(client: FlaskClient) -> None:
    """Not even if it is full (17)."""
    count = int(client.get(f"{PARTNERS}.csv").headers["X-Citygraph-Rows"])
    assert not following(client.get(f"{PARTNERS}.csv?limit={count}"))
    assert following(client.get(f"{PARTNERS}.csv?limit={count - 1}"))


def test_a_page_is_whole_before_it_is_sent(
    built: tuple[Releases, Release, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §2) Its link needs the number of rows; the whole result may be sent while it is evaluated."""
    asked: list[Query] = []
    engine = InProcessEngine(built[0])
    evaluate = engine.run

    def run(release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        asked.append(query)
        return evaluate(release_id, query, client, federated)

    monkeypatch.setattr(engine, "run", run)
    site = create_app(Settings(queries=REPOSITORY / "queries", bounded_queries=False), built[0], engine).test_client()
    for address in (f"{PARTNERS}.csv?limit=3", f"{PARTNERS}.csv"):
        site.get(address, environ_overrides={OUTLET: Outlet()})
    assert (asked[0].may_stream, asked[-1].may_stream) == (False, True)


def test_pages_exist_in_every_format(client: FlaskClient) -> None:
    """The next page of a workbook is a workbook (17)."""
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    second = client.get(following(client.get(f"{PARTNERS}.xlsx?limit=3")))
    assert openpyxl.load_workbook(io.BytesIO(second.data))["result"].max_row == 4


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("after=x", "header Link"), ("limit=2000000", "limit"),
     ("after=0123456789ab-01234567-3", "another query")],
)  # fmt: skip
def test_bad_page_is_refused(client: FlaskClient, parameters: str, reason: str) -> None:
    """The error says which parameter it is (17)."""
    response = client.get(f"{PARTNERS}.csv?{parameters}")
    assert response.status_code == 400
    assert reason in response.get_json()["detail"]


def test_pages_never_mix_releases(tmp_path: Path) -> None:
    """After a new release the pages go on in theirs, or are gone with it (17)."""
    three_releases(tmp_path)
    releases = Releases(tmp_path)
    client = create_app(Settings(queries=REPOSITORY / "queries"), releases, InProcessEngine(releases)).test_client()
    old = releases.history()[1]
    link = following(client.get(f"/releases/{old.id}{CITIES}.csv?limit=1"))
    assert link.startswith(f"/releases/{old.id}/")
    assert client.get(link).headers["X-Citygraph-Release"] == old.id
    live = link.removeprefix(f"/releases/{old.id}")
    moved = client.get(live)
    assert (moved.status_code, moved.headers["Location"]) == (307, link)
    shutil.rmtree(old.path)
    gone = client.get(live)
    assert gone.status_code == 410
    assert "begin again" in gone.get_json()["detail"]
