"""The cite form over HTTP: of releases, documents and stored results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from citygraph.rdf.partial_dates import present_day
from citygraph.rdf.terms import BASE
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.past import three_releases


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for three releases."""
    return tmp_path_factory.mktemp("cite")


@pytest.fixture(scope="module")
def three(root: Path) -> tuple[Release, Release, Release]:
    """The three releases."""
    return three_releases(root)


@pytest.fixture(scope="module")
def app(root: Path, three: tuple[Release, ...]) -> Flask:
    """The site over them, with the repository's stored queries."""
    return create_app(Settings(queries=Path(__file__).parents[1] / "queries"), Releases(root))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def cited(client: FlaskClient, path: str) -> dict[str, Any]:
    """The CSL-JSON of an address."""
    (entry,) = json.loads(client.get(path).data)
    return dict(entry)


def test_document_is_cited_in_its_release(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """At /cite/… and with ?_cite=: the current release's address, whatever form was looked at."""
    address = f"{BASE}releases/{three[2].id}/doc/city/baku"
    for path in ("/cite/doc/city/baku?format=csl", "/doc/city/baku?_cite=csl", "/doc/city/baku.ttl?_cite=csl"):
        entry = cited(client, path)
        assert (entry["URL"], entry["title"], entry["version"]) == (address, "Baku", three[2].id)
    assert cited(client, "/doc/city/baku?_cite=csl&lang=tr")["title"] == "Bakü"


def test_document_of_a_release_is_cited_there(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Below a release everything is of that release."""
    here = f"/releases/{three[1].id}"
    for path in (f"{here}/doc/event/visit?_cite=csl", f"{here}/cite/doc/event/visit?format=csl"):
        assert cited(client, path)["URL"] == f"{BASE}releases/{three[1].id}/doc/event/visit"


def test_release_and_dataset_are_cited(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The dataset is cited as its current release."""
    assert cited(client, f"/releases/{three[0].id}?_cite=csl")["URL"] == f"{BASE}releases/{three[0].id}"
    assert cited(client, f"/cite/releases/{three[0].id}?format=csl")["version"] == three[0].id
    for digest in (three[0].manifest.digest, three[0].manifest.digest[:12]):
        assert cited(client, f"/cite/releases/{digest}?format=csl")["version"] == three[0].id
    for path in ("/cite?format=csl", "/?_cite=csl", "/dataset?_cite=csl", "/cite/dataset?format=csl"):
        assert cited(client, path)["URL"] == f"{BASE}releases/{three[2].id}"
    assert client.get("/CITATION.cff").text.startswith('cff-version: "1.2.0"\n')


def test_stored_result_is_cited_with_its_parameters(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Title of the query with their values, pinned to the release; what belongs to the citation is left out."""
    entry = cited(client, "/cite/queries/partners?city=city:izmir&format=csl&accessed=2026-05-01")
    assert entry["URL"] == f"{BASE}releases/{three[2].id}/queries/partners?city=city:izmir"
    assert entry["title"] == "Partners of a city (İzmir)"
    assert entry["accessed"] == {"date-parts": [[2026, 5, 1]]}
    assert cited(client, "/cite/queries/partners?city=Baku&format=csl&lang=tr")["title"].endswith(" (Baku)")
    assert cited(client, "/cite/queries/partners?format=csl")["title"] == entry["title"], "the default"


def test_table_is_cited_by_its_title(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Its file at the address of the release (17, Citation)."""
    entry = cited(client, "/cite/tables/cities.csv?format=csl&lang=tr")
    assert (entry["URL"], entry["type"]) == (f"{BASE}releases/{three[2].id}/tables/cities.csv", "dataset")
    assert entry["title"] == "Şehirler, iller ve ilçeler tablosu"
    assert client.get("/cite/tables/nothing.csv").status_code == 404


def test_forms_are_negotiated(client: FlaskClient) -> None:
    """Text for programs, a page for browsers, and each form by name or media type."""
    types = {
        form: client.get(f"/cite/doc/city/izmir?format={form}").content_type
        for form in ("text", "bibtex", "csl", "ris", "cff")
    }
    assert types == {
        "text": "text/plain; charset=utf-8", "bibtex": "application/x-bibtex; charset=utf-8",
        "csl": "application/vnd.citationstyles.csl+json",
        "ris": "application/x-research-info-systems; charset=utf-8", "cff": "application/yaml",
    }  # fmt: skip
    refused = client.get("/cite/doc/city/izmir?format=endnote")
    assert (refused.status_code, "'endnote' is not available here; there are text, " in refused.text) == (406, True)
    asked = client.get("/cite/doc/city/izmir", headers={"Accept": "application/x-bibtex"})
    assert r"{\.I}zmir" in asked.text
    page = client.get("/doc/city/izmir?_cite=html")
    assert page.content_type == "text/html; charset=utf-8"
    assert "@misc{" in page.text
    assert client.get("/doc/city/izmir?_cite=mods").status_code == 406


def test_day_of_access_is_given_or_today(client: FlaskClient) -> None:
    """With a day the answer may be kept; without one it is asked for again; a bad day is refused."""
    given = client.get("/cite/doc/city/izmir?accessed=2026-02-03")
    assert "accessed 2026-02-03" in given.text
    before = present_day()
    today = client.get("/cite/doc/city/izmir")
    assert any(f"accessed {day}" in today.text for day in (before, present_day()))
    assert today.headers["Cache-Control"] == "no-cache"
    assert client.get("/cite/doc/city/izmir?accessed=today").status_code == 400


@pytest.mark.parametrize(
    "path", ["/cite/doc/city/atlantis", "/cite/releases/nope", "/cite/queries/nope", "/cite/health"]
)
def test_nothing_is_cited_that_is_not_there(client: FlaskClient, path: str) -> None:
    """404, as the address itself."""
    assert client.get(path).status_code == 404
