"""What was merged or withdrawn: its address goes on to say what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse

from citygraph.rdf.terms import CG, ID
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources
from citygraph.web import create_app
from tests.withdrawn import tombstones
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Somebody who asks for what is no more."""
    root = tmp_path_factory.mktemp("withdrawn")
    publish([*small_world(), *tombstones()], root)
    return create_app(Settings(), Releases(root)).test_client()


@pytest.mark.parametrize(
    ("path", "successor"),
    [
        ("/id/city/smyrna", "/id/city/izmir"),
        ("/id/city/smyrna.ttl?lang=tr", "/id/city/izmir.ttl?lang=tr"),
        ("/doc/city/smyrna", "/doc/city/izmir"),
        ("/doc/city/smyrna.jsonld", "/doc/city/izmir.jsonld"),
    ],
)
def test_merged_entity_leads_to_its_successor_for_good(client: FlaskClient, path: str, successor: str) -> None:
    """301, with the extension and whatever else was asked."""
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, successor)


@pytest.mark.parametrize("path", ["/id/city/buda-pest", "/doc/city/buda-pest"])
def test_withdrawn_entity_is_gone_with_a_tombstone_for_readers(client: FlaskClient, path: str) -> None:
    """410; the page says why, since when, and what to use instead, in the reader's language."""
    english = client.get(path, headers={"Accept": "text/html"})
    assert english.status_code == 410
    assert "Two cities." in english.text
    assert "2026-04-02" in english.text
    assert {f'href="/id/city/{name}"' in english.text for name in ("baku", "bremen")} == {True}
    assert "İki şehir." in client.get(f"{path}?lang=tr", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("path", ["/id/city/buda-pest", "/doc/city/buda-pest", "/doc/city/buda-pest.ttl"])
def test_withdrawn_entity_is_gone_with_a_tombstone_for_programs(client: FlaskClient, path: str) -> None:
    """410 with the statements of the tombstone in RDF."""
    response = client.get(path, headers={"Accept": "text/turtle"})
    assert response.status_code == 410
    said = {(quad.predicate, quad.object) for quad in parse(response.data, RdfFormat.TURTLE)}
    assert any(predicate == CG("withdrawnOn") for predicate, _ in said)
    assert any(getattr(value, "value", "") == ID + "city/baku" for _, value in said)


def test_tombstone_is_no_less_gone_when_it_is_asked_again(client: FlaskClient) -> None:
    """From the cache too; and a date is no reason to say that it is unchanged."""
    for _ in range(2):
        first = client.get("/doc/city/buda-pest.nt")
        assert first.status_code == 410
    again = client.get("/doc/city/buda-pest.nt", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.status_code == 410


def test_tombstone_in_json_is_json(client: FlaskClient) -> None:
    """With the same short names."""
    told = json.loads(client.get("/doc/city/buda-pest.jsonld").data)
    assert told["@id"] == "id/city/buda-pest"


def test_file_for_withdrawn_identifiers_is_in_the_repository(sources: Sources) -> None:
    """It is read like every data file; nothing has been withdrawn so far."""
    files = {Path(file.name).name: file for file in sources.data_files()}
    assert list(files["withdrawn.trig"].read()) == []
