"""/network: the whole, the ties around a city, the shortest tie between two."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse

from citygraph.freeze.inprocess import InProcessEngine
from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.text import collation_key
from citygraph.web import create_app
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """A reader of the İzmir graph."""
    return create_app(Settings(), built[0], InProcessEngine(built[0])).test_client()


def page(client: FlaskClient, query: str = "") -> str:
    """The page for people."""
    response = client.get(f"/network?{query}", headers={"Accept": "text/html"})
    assert response.status_code == 200
    return response.text


def test_the_whole_of_a_small_graph_is_drawn_and_told(client: FlaskClient) -> None:
    """Each place once in the picture, each tie once in the table."""
    html = page(client)
    picture, table = html[html.index('<svg class="picture net') :], html[html.index("<tbody>") :]
    network = client.get("/network.json").get_json()
    ended = {"ended", "suspended", "planned", "decided"}
    ties = {(edge["source"], edge["target"]) for edge in network["edges"] if edge.get("state") not in ended}
    places = re.findall(r'<a href="/id/((?:city|area)/[^"]+)"', picture[: picture.index("</svg>")])
    assert sorted(places) == sorted({iri.partition("/id/")[2] for tie in ties for iri in tie})
    assert table.count("<tr>") == len(ties)
    assert f"All {len(places)} places" in html


def test_the_shortest_tie_is_told_step_by_step(client: FlaskClient) -> None:
    """Bremen, the agreement with İzmir, İzmir, the agreement with Baku, Baku."""
    html = page(client, "from=city/bremen&to=city/baku")
    way = html[html.index('<ol class="way">') : html.index("</ol>")]
    assert re.findall(r'href="/id/([^"]+)"', way) == [
        "city/bremen", "agreement/izmir-bremen", "city/izmir", "agreement/izmir-baku", "city/baku",
    ]  # fmt: skip
    assert "They are connected by a chain of 2 agreements." in html


def test_cities_may_be_named_instead_of_identified(client: FlaskClient) -> None:
    """Without a script the field holds what was typed."""
    assert "From Bremen to Baku" in page(client, "from=bremen&to=Bak%C3%BC")
    assert "They are direct partners." in page(client, "from=izmir&to=bremen")


def test_no_tie_is_said_clearly(client: FlaskClient) -> None:
    """Essen met İzmir, but no agreement binds it."""
    html = page(client, "from=city/essen&to=city/izmir")
    assert "There is no connection between Essen and İzmir" in html
    assert "<svg" not in html


def test_a_name_that_no_city_has_is_said_and_can_be_searched(client: FlaskClient) -> None:
    """It is no error."""
    html = page(client, "city=Atlantis%22%3E")
    assert "No city has the name “Atlantis&#34;&gt;”." in html
    assert 'href="/search?q=Atlantis%22%3E"' in html


def test_around_a_city_its_partners_and_theirs(client: FlaskClient) -> None:
    """Bremen has one partner, and that has all the others of İzmir."""
    html = page(client, "city=city/bremen")
    around = client.get("/network.json?city=city/izmir").get_json()
    others = sum(node["hop"] == 1 for node in around["nodes"]) - 1
    assert f"It has 1 partner. Their partners add {others} places, on the outer ring." in html
    answer = client.get("/network.json?city=city/bremen").get_json()
    assert [sum(node["hop"] == ring for node in answer["nodes"]) for ring in (0, 1, 2)] == [1, 1, others]


def test_json_is_in_the_node_link_format(client: FlaskClient) -> None:
    """NetworkX reads it: nodes have ids, edges have their ends (13.27)."""
    views = {"?city=city/bremen": "neighbourhood", "?from=city/bremen&to=city/baku": "path"}
    for query, view in views.items():
        network = client.get(f"/network{query}", headers={"Accept": "application/json"}).get_json()
        assert (network["view"], "paths" in network) == (view, view == "path")
        assert (network["directed"], network["multigraph"], network["graph"]) == (False, False, {})
        ids = [node["id"] for node in network["nodes"]]
        assert len(ids) == len(set(ids))
        assert {edge[end] for edge in network["edges"] for end in ("source", "target")} <= set(ids)
        assert len({(edge["source"], edge["target"]) for edge in network["edges"]}) == len(network["edges"])


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("city=Atlantis", "city: no place has the name 'Atlantis'"),
        ("from=city/bremen&to=Atlantis", "to: no place has the name 'Atlantis'"),
        ("from=city/bremen", "both ends of a path"),
        ("to=city/bremen", "both ends of a path"),
        ("city=city/bremen&from=city/bremen&to=city/baku", "either one place as city, or both ends"),
    ],
)
def test_a_program_gets_an_error_instead_of_an_empty_network(client: FlaskClient, query: str, detail: str) -> None:
    """The page says the same next to its form."""
    response = client.get(f"/network.json?{query}")
    assert response.status_code == 400
    assert detail in response.get_json(force=True)["detail"]
    assert client.get(f"/network?{query}").status_code == 200


def test_the_network_is_told_in_turkish(client: FlaskClient) -> None:
    """Names, numbers and dates too."""
    html = page(client, "from=bremen&to=bak%C3%BC&lang=tr")
    assert "Bremen – Bakü" in html
    assert "2 anlaşmalık bir zincirle bağlılar." in html
    assert "19 Ekim 1993" in html


@pytest.mark.parametrize("language", ["en", "tr", "de", "az"])
def test_the_table_has_the_partners_by_the_names_that_it_shows(client: FlaskClient, language: str) -> None:
    """By the alphabet of the language; the place with the most ties is first."""
    html = client.get(f"/network?lang={language}", headers={"Accept": "text/html"}).text
    cells = [re.findall(r"<a href=[^>]*>([^<]*)</a>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    home = [row[1] for row in cells if row and row[0] == cells[1][0]]
    assert len(home) > 20
    assert home == sorted(home, key=lambda name: collation_key(name, language))


def test_a_tie_that_has_ended_is_not_part_of_the_network(tmp_path: Path) -> None:
    """It is no connection and no partner; the page and the JSON tell how many there are (13.10)."""
    head = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    quads = parse(f'{head} agreement:izmir-baku cg:endDate "2010"^^xsd:gYear .', format=RdfFormat.TURTLE)
    publish([*small_world(), *quads], tmp_path / "releases")
    client = create_app(Settings(), Releases(tmp_path / "releases")).test_client()
    assert "There is no connection between İzmir and Baku" in page(client, "from=city/izmir&to=city/baku")
    around = page(client, "city=city/izmir")
    assert "It has 1 partner." in around
    assert "1 agreement is not in force and is not part of the network." in around
    answer = client.get("/network.json?city=city/izmir").get_json()
    assert ({node["label"] for node in answer["nodes"]}, answer["ended"]) == ({"Bremen", "İzmir"}, 1)
    listed = client.get("/explore?type=city", headers={"Accept": "text/html"}).text
    assert 'Baku</a></th><td class="country">Azerbaijan</td>' in listed
    assert '<td class="number">0 <span class="ended">(1 not in force)</span></td>' in listed
    agreements = client.get("/explore?type=agreement", headers={"Accept": "text/html"}).text
    assert agreements.count('<span class="ended">(not in force)</span>') == 1


def test_files_have_the_whole_network(client: FlaskClient) -> None:
    """Nodes with label, country, continent and coordinates; edges with agreement, kind, state and dates (17)."""
    graph = client.get("/network.json").get_json()
    assert client.get("/network.json").content_type == "application/json"
    izmir = next(node for node in graph["nodes"] if node["id"].endswith("/city/izmir"))
    assert (izmir["label"], izmir["country"], izmir["continent"]) == ("İzmir", "Türkiye", "Asia")
    assert (round(izmir["lat"]), round(izmir["lon"])) == (38, 27)
    edges = {edge["agreement"].rpartition("/")[2]: edge for edge in graph["edges"]}
    assert len(edges) == len(graph["edges"])
    baku = edges["izmir-baku"]
    assert (baku["kind"], baku["state"], baku["during"]) == ("sister-city agreement", "active", "1985-09-04/..")
    assert (baku["during_first"], baku["spells"]) == ("1985-09-04", [["1985-09-04", None]])
    assert {graph["graph"]["licence"], graph["graph"]["release"]} <= set(graph["graph"].values())
    ends = {client.get(f"/network.{name}").data.count(b"<edge ") for name in ("gexf", "graphml")}
    assert ends == {len(edges)}
    assert client.get("/network.csv").text.count("\r\n") == len(edges) + 1
    lines = [
        one["geometry"]["type"] for one in client.get("/network.geojson").get_json()["features"] if one["geometry"]
    ]
    assert "LineString" in lines
    assert client.get("/network.gexf?city=city/izmir").status_code == 400
    assert 'href="/network.gexf"' in page(client)
    assert '<input type="hidden" name="name" value="network">' in page(client), "it can be cited"
