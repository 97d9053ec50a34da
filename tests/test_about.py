"""/about and /api: what the site says of itself, and that what it tells programs is so."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """A reader of the İzmir graph."""
    return create_app(Settings(), built[0]).test_client()


def page(client: FlaskClient, path: str) -> str:
    """A page's source."""
    return client.get(path, headers={"Accept": "text/html"}).text


def test_the_page_names_every_document_with_what_it_gave(client: FlaskClient, izmir: Release) -> None:
    """The largest first; of many documents the rest are counted."""
    html = page(client, "/about")
    counts = {iri: count for iri, count in izmir.manifest.graphs.items() if "/source/" in iri}
    largest = sorted(counts, key=lambda iri: -counts[iri])[:30]
    for iri in largest:
        assert f'href="/source/{iri.rpartition("/")[2]}"' in html
        assert f"{counts[iri]:,}" in html or str(counts[iri]) in html
    assert len(counts) <= 30 or f"and {len(counts) - 30} more" in html


@pytest.mark.parametrize("path", ["/about", "/api"])
def test_both_languages_have_the_whole_text(client: FlaskClient, path: str) -> None:
    """As many paragraphs in Turkish as in English, and none of them the same."""
    english, turkish = (re.findall(r"<p>(.{40,}?)</p>", page(client, f"{path}?lang={one}")) for one in ("en", "tr"))
    assert len(english) == len(turkish) > 5
    assert not set(english) & set(turkish)


def test_the_examples_work_as_they_stand(client: FlaskClient) -> None:
    """Each address in them answers on this host."""
    examples = [unescape(text) for text in re.findall(r"<pre[^>]*><code>(.*?)</code>", page(client, "/api"), re.DOTALL)]
    assert len(examples) >= 10
    addresses = {one for text in examples for one in re.findall(r"http://localhost(/[^\s'\"]+)", text)}
    assert {"/id/city/izmir", "/explore.csv?country=germany&protocol=yes", "/tables/agreements.csv"} <= addresses
    for address in addresses:
        if not address.startswith(("/sparql", "/queries", "/releases")):  # these need engines
            with client.get(address) as response:
                assert response.status_code in (200, 303), address
