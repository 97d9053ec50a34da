"""/wikidata: the comparison that was saved last, as a page, CSV and JSON."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.wikidata import differences
from tests.wikidata.ours import TRIG
from tests.wikidata.test_diff import compared, tie

Built = tuple[Releases, Release, Report]


@pytest.fixture
def client(built: Built, tmp_path: Path) -> FlaskClient:
    settings = Settings(releases=built[0].root, wikidata_comparison=tmp_path / "comparison.json")
    return create_app(settings, built[0]).test_client()


@pytest.fixture
def saved(tmp_path: Path) -> int:
    """A comparison of two invented towns; how many findings it has."""
    changes = compared(TRIG, tie("Q9000001", "Q9000002"))
    (tmp_path / "comparison.json").write_text(differences.to_json_text(changes, "2026-11-20T00:00:00Z"))
    return len(changes)


@pytest.mark.parametrize(("language", "said"), [("en", "missing there"), ("tr", "Vikiveri")])
def test_the_page_tells_both_sides(client: FlaskClient, saved: int, language: str, said: str) -> None:
    """Every finding is a row, with its kind in words, in the reader's language."""
    page = client.get("/wikidata", headers={"Accept": "text/html", "Accept-Language": language})
    assert page.status_code == 200
    assert page.text.count('<th scope="row">') == saved
    assert said.casefold() in page.text.casefold()
    assert "20" in page.text


def test_the_findings_can_be_taken_home(client: FlaskClient, saved: int) -> None:
    """CSV and JSON hold what the page shows; ?state= narrows all three."""
    table = list(csv.DictReader(StringIO(client.get("/wikidata.csv").text)))
    assert len(table) == saved
    assert len(json.loads(client.get("/wikidata.json").text)["findings"]) == saved
    state = table[0]["state"]
    narrowed = list(csv.DictReader(StringIO(client.get(f"/wikidata.csv?state={state}").text)))
    assert {row["state"] for row in narrowed} == {state}
    assert client.get("/wikidata?state=nonsense").status_code == 400


def test_before_the_first_comparison_it_says_how_to_make_one(client: FlaskClient) -> None:
    """404 that names the command, not an empty table."""
    answer = client.get("/wikidata", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert "citygraph wikidata diff --save" in answer.text
