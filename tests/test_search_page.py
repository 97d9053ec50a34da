"""/search, for people and programs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from citygraph.rdf.terms import ID
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app

IZMIR = ID("city/izmir").value


@pytest.fixture(scope="module")
def app(built: tuple[Releases, Release, Report]) -> Flask:
    """The site over the İzmir graph."""
    return create_app(Settings(), built[0])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def found(client: FlaskClient, **query: str) -> dict[str, Any]:
    """The answer as JSON."""
    answer: dict[str, Any] = client.get(
        "/search", query_string=query, headers={"Accept": "application/json"}
    ).get_json()
    return answer


@pytest.mark.parametrize("text", ["izmir", "İZM", "smyrna", "Смирна"])
def test_the_first_is_the_one_that_is_meant(client: FlaskClient, text: str) -> None:
    """By any of its names."""
    answer = found(client, q=text, type="city")
    first = (answer["results"] or answer["suggestions"])[0]
    assert first["id"] == "city/izmir"
    assert first["country"] == "Türkiye"


@pytest.mark.parametrize(
    "text",
    [
        *("Q35997", "q35997", "wd:Q35997", "https://www.wikidata.org/wiki/Q35997", "city:izmir", "city/izmir", IZMIR),
        *(
            "http://localhost/doc/city/izmir?lang=tr",
            "/doc/city/izmir#names",
            "/id/city/%69zmir",
            "https://a.test/b/doc/city/izmir/",
            "city/izmir/",
            "city:izmir/",
        ),
        *(
            "q35997/",
            "https://www.wikidata.org/wiki/Q35997/",
            "http://www.wikidata.org/entity/Q35997#sitelinks",
            "https://m.wikidata.org/wiki/Q35997?uselang=tr",
        ),
    ],
)
def test_identifier_finds_its_entity_alone(client: FlaskClient, text: str) -> None:
    """Of this site or of Wikidata; in the suggestions too. Another kind has no result."""
    answer = found(client, q=text)
    assert [one["id"] for one in answer["results"]] == ["city/izmir"]
    assert answer["counts"] == {"city": 1}
    assert found(client, q=text, type="person")["results"] == []
    suggested = client.get("/suggest", query_string={"q": text}).get_json()
    assert [one["id"] for one in suggested["results"]] == ["city/izmir"]
    assert 'href="/id/city/izmir"' in client.get("/search", query_string={"q": text}).text


def test_similar_names_are_suggested_where_nothing_is_found(client: FlaskClient) -> None:
    """A letter is wrong."""
    answer = found(client, q="Bremem")
    assert answer["results"] == []
    assert answer["suggestions"][0]["id"] == "city/bremen"


def test_the_page_speaks_both_languages(client: FlaskClient) -> None:
    """With links to the entities."""
    page = client.get("/search?q=bak&lang=tr").text
    assert '<html lang="tr">' in page
    assert 'href="/id/city/baku"><mark>Bak</mark>ü</a>' in page
    assert "Benzer adlar" in client.get("/search?q=Bremem&lang=tr").text


@pytest.mark.parametrize("text", ['"><script>', "' OR 1=1", "*", "\x00", "", "a" * 5000])
def test_what_strangers_type_does_no_harm(client: FlaskClient, text: str) -> None:
    """It is escaped, and no syntax of anything."""
    response = client.get("/search", query_string={"q": text})
    assert response.status_code == 200
    assert "<script>" not in response.text


def test_a_kind_that_is_none_is_refused(client: FlaskClient) -> None:
    """With the list of those there are."""
    response = client.get("/search?q=x&type=dream")
    assert response.status_code == 400
    assert "city" in response.get_json()["detail"]


def test_many_threads_search_at_once(app: Flask) -> None:
    """Each has a connection of its own."""
    answers: list[int] = []

    def ask() -> None:
        answers.extend(len(found(app.test_client(), q="izmir")["results"]) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert len(set(answers)) == 1
