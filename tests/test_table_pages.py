"""Tables of hubs and of countries with thousands of places: in pages by link, and as of the last commit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, NamedNode, Quad, Variable

from citygraph.rdf.terms import CG, ID, RDF, SOURCE
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.test_places import hub, page
from tests.world import publish

_PARTNERS = 230
_GRAPHS = (NamedNode(SOURCE + "page"), DefaultGraph())
_BIG = NamedNode(ID + "country/big")


def world(partners: int) -> list[Quad]:
    """A hub with as many partners, all of which lie in one more country."""
    cities = [NamedNode(f"{ID}city/p-{number}") for number in range(partners)]
    named = next(quad for quad in hub(1) if quad.object == CG("Country"))
    kind = [Quad(_BIG, named.predicate, named.object, graph) for graph in _GRAPHS]
    return [*hub(partners), *kind, *(Quad(city, CG("country"), _BIG, graph) for city in cities for graph in _GRAPHS)]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release with tables of several pages."""
    return publish(world(_PARTNERS), tmp_path_factory.mktemp("large"))


@pytest.fixture(scope="module")
def client(large: Release) -> FlaskClient:
    """A reader of it."""
    return create_app(Settings(), Releases(large.path.parent)).test_client()


def rows(html: str, anchor: str) -> list[int]:
    """The numbers of the rows of a table."""
    table = html[html.index(f'id="{anchor}"') :]
    return [int(number) for number in re.findall(r'<tr data-n="(\d+)"', table[: table.index("</table>")])]


def turns(html: str) -> str:
    """The links between the pages of a table."""
    found = re.search(r'<nav class="pages" aria-label="Pages of the table">.*?</nav>', html, re.DOTALL)
    return found[0] if found else ""


@pytest.mark.parametrize(("path", "anchor"), [("/doc/city/hub", "ties"), ("/doc/country/big", "places")])
def test_every_row_is_reached_by_links(client: FlaskClient, path: str, anchor: str) -> None:
    """The next page is a link that works without JavaScript; all rows come once, in order (16 §7)."""
    seen, address, pages = [], path, 0
    while address:
        html = page(client, address)
        seen += rows(html, anchor)
        pages += 1
        assert turns(html).count('aria-current="page"') == 1
        following = re.search(r'<a rel="next" href="([^"#]+)#' + anchor, turns(html))
        address = path + following[1].replace("&amp;", "&") if following else ""
    assert (seen, pages) == (list(range(1, _PARTNERS + 1)), 3)


def test_pages_keep_order_filter_and_language(client: FlaskClient) -> None:
    """A table sorted backwards stays so on its second page; a filter leaves one page, even for a later one (16 §7)."""
    html = page(client, "/doc/city/hub?sort=-number&page=2&lang=en")
    assert rows(html, "ties") == list(range(130, 30, -1))
    assert "sort=-number" in turns(html)
    assert len(rows(page(client, "/doc/city/hub?q=Partner+17&page=2"), "ties")) == 11
    assert turns(page(client, "/doc/city/hub?q=Partner+17")) == ""


def test_further_pages_have_the_table_but_not_the_map_again(client: FlaskClient) -> None:
    """What the first page tells is not repeated (16 §7)."""
    assert 'class="picture map' in page(client, "/doc/country/big")
    assert 'class="picture map' not in page(client, "/doc/country/big?page=2")
    assert client.get("/doc/city/hub?page=9", headers={"Accept": "text/html"}).status_code == 404


def test_places_of_a_country_are_those_that_a_query_finds(large: Release, client: FlaskClient) -> None:
    """The table counts the places that the query of all ties of a country has (16 §7)."""
    text = (Path(__file__).parent / "page_queries/country-ties.rq").read_text(encoding="utf-8")
    found = large.open_store().query(text, substitutions={Variable("country"): _BIG})
    places = {str(row["place"]) for row in found}  # type: ignore[union-attr]
    assert f'Places with agreements <span class="count">{len(places)}</span>' in page(client, "/doc/country/big")


def test_lists_facets_and_tables_show_a_commit_at_the_next_request(tmp_path: Path) -> None:
    """Nothing that was read from the release before is shown of the next one (16 §7)."""
    publish(world(3), tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    paths = ("/doc/city/hub", "/doc/country/big", "/explore?type=city", "/search?q=Partner", "/")
    before = {path: page(client, path) for path in paths}
    tie, izmir, other = (NamedNode(ID + path) for path in ("agreement/new", "city/izmir", "city/p-4"))
    triples = [(tie, RDF("type"), CG("Agreement")), (tie, CG("party"), izmir), (tie, CG("party"), other)]
    publish([*world(5), *(Quad(*triple, graph) for triple in triples for graph in _GRAPHS)], tmp_path)
    after = {path: page(client, path) for path in paths}
    for path in paths:
        assert "city/p-4" not in before[path], path
        assert "city/p-4" in after[path], path
    assert rows(after["/doc/city/hub"], "ties") == [1, 2, 3, 4, 5]
