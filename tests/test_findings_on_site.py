"""Who says so: squares that open their source, the list of sources, and what the shapes say of a page's thing."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_shapes_speak_plainly(client: FlaskClient) -> None:
    """What was found of a part of the document, in the reader's language; else that it conforms."""
    assert "What the shapes say No date. #population-page" in text(page(client, "/doc/city/bremen"))
    assert "Tarih yok." in page(client, "/doc/city/bremen", "tr")
    assert "It conforms" in text(page(client, "/doc/city/baku"))


def test_without_a_report_nothing_is_claimed(tmp_path: Path) -> None:
    """That nothing was found is not said where nobody looked."""
    assert read_findings(tmp_path).of("https://w3id.org/citygraph/id/city/baku") is None
    publish(small_world(), tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    assert "What the shapes say" not in page(client, "/doc/city/baku")


@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/source/page", "/ontology", "/dataset", "/search"])
def test_head_names_the_page_in_every_language(client: FlaskClient, path: str) -> None:
    """One alternate for each language, and one for whoever asks for none."""
    html = client.get(path, headers={"Accept": "text/html"}).text
    head = html[: html.index("</head>")]
    assert re.findall(r'<link rel="alternate" hreflang="([^"]+)"', head) == ["en", "tr", "az", "x-default"]
