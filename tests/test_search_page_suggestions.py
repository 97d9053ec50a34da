"""/suggest and the marks of /search: what somebody means while they type it."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.search.search_page import begins, marked


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """Somebody who types."""
    return create_app(Settings(), built[0]).test_client()


def suggested(client: FlaskClient, **query: str) -> list[dict[str, Any]]:
    """The suggestions."""
    found: list[dict[str, Any]] = client.get("/suggest", query_string=query).get_json()["results"]
    return found


@pytest.mark.parametrize("text", ["Izmir", "izmir", "İZMİR", "ızmır", "izm", "smyrna"])
def test_the_first_suggestion_is_the_one_that_is_meant(client: FlaskClient, text: str) -> None:
    """Whatever letters the keyboard has, and by an old name."""
    assert suggested(client, q=text)[0]["id"] == "city/izmir"


def test_another_name_that_was_found_is_told(client: FlaskClient) -> None:
    """So that whoever types Smyrna sees why İzmir is offered."""
    first = suggested(client, q="smyrna")[0]
    assert first["label"] == "İzmir"
    assert "".join(text for text, _ in first["name"]) == "Smyrna"
    assert "name" not in suggested(client, q="izmi")[0]


def test_suggestions_speak_the_language_of_the_page(client: FlaskClient) -> None:
    """Label, kind and country."""
    first = suggested(client, q="bakü", lang="tr")[0]
    assert (first["label"], first["type"], first["country"]) == ("Bakü", "şehir", "Azerbaycan")


def test_suggestions_are_few_and_only_of_the_kinds_asked_for(client: FlaskClient) -> None:
    """The network asks for places alone."""
    found = suggested(client, q="izmir", type="city")
    assert [one["id"] for one in found] == ["city/izmir"]
    assert len(suggested(client, q="i")) <= 8
    assert suggested(client, q="") == []
    assert client.get("/suggest?q=a&type=dream").status_code == 400


def test_suggestions_may_be_cached(client: FlaskClient, izmir: Release) -> None:
    """For a minute, and below a release for ever."""
    assert "max-age=60" in client.get("/suggest?q=izm").headers["Cache-Control"]
    below = client.get(f"/releases/{izmir.id}/suggest?q=izm")
    assert "immutable" in below.headers["Cache-Control"]
    assert below.get_json()["results"][0]["href"].startswith(f"/releases/{izmir.id}/")


@pytest.mark.parametrize(
    ("name", "query", "html"),
    [
        ("İzmir", "izm", "<mark>İzm</mark>ir"),
        ("Long Beach", "bea", "Long <mark>Bea</mark>ch"),
        ("Plzeň", "PLZEN", "<mark>Plzeň</mark>"),
        ("Xi'an", "xian", "<mark>Xi&#39;an</mark>"),
        ("Straße", "strass", "<mark>Straß</mark>e"),
        ("<b>", "b", "&lt;<mark>b</mark>&gt;"),
        ("Bremen", "men", "Bremen"),
    ],
)
def test_what_was_looked_for_is_marked_in_the_name(name: str, query: str, html: str) -> None:
    """In the letters of the name, where its words begin so."""
    assert str(marked(name, query).__html__()) == html


def test_a_name_begins_like_a_query_if_each_of_its_words_does() -> None:
    """In any order."""
    assert begins("Mayor of İzmir", "izm may")
    assert not begins("Mayor of İzmir", "izm pres")


def test_search_shows_each_kind_with_its_count(client: FlaskClient) -> None:
    """And leads to all of a kind."""
    html = client.get("/search?q=izmir", headers={"Accept": "text/html"}).text
    counts = client.get("/search.json?q=izmir").get_json()["counts"]
    assert counts["agreement"] == 40
    assert f'Agreements <span class="count">{counts["agreement"]}</span>' in html
    assert 'href="/search?q=izmir&amp;type=agreement"' in html
    assert "<mark>İzmir</mark>" in html


def test_every_page_has_the_search_box_and_says_where_one_is(client: FlaskClient) -> None:
    """A form that works without a script; the current section is marked."""
    for path, section in (("/explore", "Explore"), ("/network", "Network"), ("/about", "About"), ("/search", "Search")):
        html = client.get(path, headers={"Accept": "text/html"}).text
        assert html.count('role="search"') == 1
        assert f'aria-current="page">{section}</a>' in html
    lost = client.get("/nothing-here", headers={"Accept": "text/html"})
    assert lost.status_code == 404
    assert 'role="search"' in lost.text
    assert "What you can do" in lost.text
