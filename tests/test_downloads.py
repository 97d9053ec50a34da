"""The files of a release over HTTP: its description, its dumps and its tables."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, RdfFormat, parse

from citygraph.rdf.terms import BASE, DATASET, DCAT, VOID
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app


@pytest.fixture
def client(izmir: Release) -> FlaskClient:
    """Somebody who asks the site of the İzmir graph."""
    return create_app(Settings(), Releases(izmir.path.parent)).test_client()


def test_every_file_is_what_the_manifest_says(client: FlaskClient, izmir: Release) -> None:
    """Bytes and checksum; its ETag is the checksum."""
    assert len(izmir.manifest.outputs) > 10
    for path, facts in izmir.manifest.outputs.items():
        with client.get(f"/{path}") as response:
            assert response.status_code == 200
            assert (len(response.data), hashlib.sha256(response.data).hexdigest()) == (facts["bytes"], facts["sha256"])
            assert response.headers["ETag"] == f'"{facts["sha256"]}"'


def test_file_below_a_release_may_be_kept_for_ever(client: FlaskClient, izmir: Release) -> None:
    """And the current one, whose bytes will be others, for a minute."""
    path = "dumps/citygraph.nq.gz"
    with client.get(f"/releases/{izmir.id}/{path}") as below, client.get(f"/{path}") as current:
        assert below.data == current.data
        assert below.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert current.headers["Cache-Control"] == "public, max-age=60"
        assert sum(1 for _ in parse(gzip.decompress(below.data), format=RdfFormat.N_QUADS)) > 1000


def test_a_saved_file_has_the_identifier_of_its_release(client: FlaskClient, izmir: Release) -> None:
    """Two releases of one day would overwrite each other's files."""
    for path, name in (("dumps/citygraph.nq.gz", "citygraph-{}.nq.gz"), ("tables/cities.csv", "cities-{}.csv")):
        with client.get(f"/{path}") as response:
            assert response.headers["Content-Disposition"] == f"attachment; filename={name.format(izmir.id)}"


def test_part_of_a_file_can_be_had(client: FlaskClient, izmir: Release) -> None:
    """A broken download goes on where it broke; what is known is not sent again."""
    with client.get("/dumps/citygraph.nq.gz") as whole:
        with client.get("/dumps/citygraph.nq.gz", headers={"Range": "bytes=10-19"}) as part:
            assert (part.status_code, part.data) == (206, whole.data[10:20])
        with client.get("/dumps/citygraph.nq.gz", headers={"If-None-Match": whole.headers["ETag"]}) as known:
            assert (known.status_code, known.data) == (304, b"")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("tables/cities.csv", "text/csv; charset=utf-8; header=present"),
        ("tables/cities.parquet", "application/vnd.apache.parquet"),
        ("tables/datapackage.json", "application/json"),
        ("dumps/citygraph.nq", "application/n-quads"),
        ("dumps/citygraph.nq.gz", "application/gzip"),
    ],
)
def test_files_have_one_type_with_one_charset(client: FlaskClient, path: str, content_type: str) -> None:
    """The charset of a table is in its type once (13.37)."""
    with client.get(f"/{path}") as response:
        assert response.headers.getlist("Content-Type") == [content_type]


def test_quads_are_available_uncompressed(client: FlaskClient) -> None:
    """Tools that read N-Quads from an address do not unpack gzip (13.37)."""
    with client.get("/dumps/citygraph.nq") as plain, client.get("/dumps/citygraph.nq.gz") as packed:
        assert plain.data == gzip.decompress(packed.data)


def test_croissant_describes_every_table_at_its_address(client: FlaskClient, izmir: Release) -> None:
    """Files with checksums, and a field for each column (13.37)."""
    response = client.get(f"/releases/{izmir.id}/croissant.json")
    assert response.content_type == "application/ld+json"
    described = json.loads(response.data)
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    assert described["datePublished"] == izmir.manifest.created[:10]
    files = {one["@id"]: one for one in described["distribution"]}
    for file in files.values():
        with client.get(file["contentUrl"].removeprefix("http://localhost")) as download:
            assert hashlib.sha256(download.data).hexdigest() == file["sha256"]
    for records in described["recordSet"]:
        with client.get(f"/tables/{records['name']}.csv") as table:
            header = table.data.decode().partition("\r\n")[0].split(",")
        assert [field["source"]["extract"]["column"] for field in records["field"]] == header
        assert {field["source"]["fileObject"]["@id"] for field in records["field"]} <= files.keys()


def test_what_commits_do_not_make_is_found_at_the_last_build(izmir: Release, tmp_path: Path) -> None:
    """The current release's manifest names no files; the address of a dump leads to the release that has it."""
    releases = Releases(tmp_path / "releases")
    for parent in (izmir, None):
        with releases.stage(copy_of=izmir) as staged:
            if parent is not None:
                (staged.path / "dumps").mkdir()
                (staged.path / "dumps/citygraph.nq.gz").hardlink_to(izmir.path / "dumps/citygraph.nq.gz")
            outputs = izmir.manifest.outputs if parent is not None else {}
            staged.publish(replace(izmir.manifest, outputs=outputs))
    client = create_app(Settings(), releases).test_client()
    built = releases.current().manifest.parent
    with client.get("/dumps/citygraph.nq.gz") as response:
        assert (response.status_code, response.headers["Cache-Control"]) == (307, "public, max-age=60")
        assert response.headers["Location"].endswith(f"/releases/{built}/dumps/citygraph.nq.gz")
    with client.get(f"/releases/{built}/dumps/citygraph.nq.gz") as response:
        assert response.status_code == 200
    with client.get("/dumps", headers={"Accept": "application/json"}) as response:
        assert response.get_json()["release"] == built


@pytest.mark.parametrize(
    "path",
    ["dumps/manifest.json", "dumps/../manifest.json", "tables/..%2Fmanifest.json", "dumps/", "tables/none.csv",
     "dumps/%2e%2e/manifest.json"],
)  # fmt: skip
def test_only_what_the_manifest_lists_is_given(client: FlaskClient, path: str) -> None:
    """No path leads to another file of the release."""
    with client.get(f"/{path}", headers={"Accept": "application/json"}, follow_redirects=True) as response:
        assert b"digest_total" not in response.data
        assert response.status_code == (200 if path == "dumps/" else 404)


@pytest.mark.parametrize("extension", ["", ".html", ".xlsx"])
def test_the_address_in_the_citation_of_a_table_leads_to_it(
    client: FlaskClient, izmir: Release, extension: str
) -> None:
    """Without a format too; the release and the parameters stay in the address."""
    (entry,) = client.get("/cite/tables/cities?format=csl").get_json(force=True)
    assert entry["URL"] == f"{BASE}releases/{izmir.id}/tables/cities"
    path = entry["URL"].removeprefix(BASE.rstrip("/"))
    response = client.get(f"{path}{extension}?lang=tr")
    assert response.status_code == 307
    assert response.headers["Location"].endswith(f"/releases/{izmir.id}/queries/tables/cities{extension}?lang=tr")
    with client.get(response.headers["Location"], headers={"Accept": "text/html"}) as page:
        assert (page.status_code, extension == ".xlsx") in ((200, False), (404, True))  # made by an engine


def test_folders_list_their_files(client: FlaskClient, izmir: Release) -> None:
    """For programs; people are led to the page of the dataset."""
    listed = client.get("/tables", headers={"Accept": "application/json"}).json
    assert listed is not None
    assert "/tables/cities.csv" in [file["url"] for file in listed["files"]]
    assert client.get("/dumps", headers={"Accept": "text/html"}).headers["Location"] == "/dataset"


def test_void_describes_the_release_at_its_well_known_address(client: FlaskClient, izmir: Release) -> None:
    """In every RDF form; versions and files are named."""
    said = {quad.triple for quad in parse(client.get("/.well-known/void").data, format=RdfFormat.TURTLE)}
    stated = {t.object.value for t in said if t.subject == DATASET and t.predicate == VOID("triples")}
    assert stated == {str(izmir.manifest.triples)}
    assert any(t.predicate == DCAT("hasCurrentVersion") and isinstance(t.object, NamedNode) for t in said)
    for form in ("nt", "rdf", "jsonld", "trig", "nq"):
        assert client.get(f"/.well-known/void?format={form}").status_code == 200
    assert client.get("/.well-known/void", headers={"Accept": "text/html"}).headers["Location"] == "/dataset"
