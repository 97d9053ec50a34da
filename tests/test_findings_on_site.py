"""Sources on pages: squares that open their source, and the list of sources; and the findings of validation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.view.findings import read_findings
from tests.test_entity_page import page, text
from tests.world import publish, small_world

REPORT = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix id: <https://w3id.org/citygraph/id/> .
[] a sh:ValidationReport ; sh:result [ sh:focusNode <https://w3id.org/citygraph/id/city/bremen#population-page> ;
  sh:resultMessage "No date."@en, "Tarih yok."@tr ; sh:resultSeverity sh:Warning ;
  sh:sourceShape <https://w3id.org/citygraph/ontology/shapes#City-country> ] .
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A reader of the small world, in which the shapes found one thing."""
    root = tmp_path_factory.mktemp("world")
    release = publish(small_world(), root)
    (release.path / "report.ttl").write_text(REPORT, encoding="utf-8")
    return create_app(Settings(), Releases(root)).test_client()


def test_square_opens_its_source_without_a_script(client: FlaskClient) -> None:
    """Each square is a button for one popover of the page, and is read out with number and name."""
    html = page(client, "/doc/agreement/izmir-baku")
    opened = set(re.findall(r'popovertarget="([^"]+)"', html))
    assert opened == set(re.findall(r'id="(said-\d+)" popover', html))
    assert 'aria-label="source 1: News of the visit"' in html
    assert 'aria-label="1 numaralı kaynak: Ziyaret haberi"' in page(client, "/doc/agreement/izmir-baku", "tr")


def test_popover_stands_once_for_each_source(client: FlaskClient) -> None:
    """However many values a source has."""
    html = page(client, "/doc/agreement/izmir-baku")
    assert html.count('id="said-1"') == 1
    assert html.count('popovertarget="said-1"') > 1


def test_source_tells_what_it_is_and_who_published_it(client: FlaskClient) -> None:
    """A document by its publisher; a conclusion as one."""
    assert "document · publisher İzmir Metropolitan Municipality" in text(page(client, "/doc/city/bremen"))
    assert "conclusions of the editors" in text(page(client, "/doc/event/visit"))


def test_quality_lists_findings_by_shape(client: FlaskClient) -> None:
    """/quality has the message in the reader's language and links the entity; the dataset links it with a count."""
    html = page(client, "/quality")
    assert "Validation 1 finding" in text(html)
    assert "Bremen #population-page No date." in text(html)
    assert "Tarih yok." in page(client, "/quality", "tr")
    assert '<a href="/quality">Validation: 1 finding</a>' in page(client, "/dataset")


def test_quality_as_json(client: FlaskClient) -> None:
    """Each shape with its count and findings."""
    body: Any = client.get("/quality.json").json
    assert [(one["shape"].rpartition("#")[2], one["count"]) for one in body["shapes"]] == [("City-country", 1)]
    assert body["shapes"][0]["findings"][0]["focus"].endswith("/city/bremen#population-page")


def test_entity_pages_name_no_shapes(client: FlaskClient) -> None:
    """Findings are for curators, and pages of entities for the public."""
    assert "No date." not in page(client, "/doc/city/bremen")


def test_without_a_report_nothing_is_claimed(tmp_path: Path) -> None:
    """That nothing was found is not said where nobody looked."""
    assert read_findings(tmp_path).of("https://w3id.org/citygraph/id/city/baku") is None
    publish(small_world(), tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    assert "The release was not validated." in page(client, "/quality")


@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/source/page", "/ontology", "/dataset", "/search"])
def test_head_names_the_page_in_every_language(client: FlaskClient, path: str) -> None:
    """One alternate for each language, and one for whoever asks for none."""
    html = client.get(path, headers={"Accept": "text/html"}).text
    head = html[: html.index("</head>")]
    assert re.findall(r'<link rel="alternate" hreflang="([^"]+)"', head) == ["en", "tr", "az", "de", "x-default"]
