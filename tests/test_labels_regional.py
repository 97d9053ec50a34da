"""Names with a regional language tag, such as en-GB: they are English wherever an English name counts."""

from __future__ import annotations

import csv
import json

import pytest
from flask.testing import FlaskClient
from pyoxigraph import QueryResultsFormat, QuerySolutions, Store

from citygraph.build.build import build
from citygraph.progress import Progress
from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.source.queries import find_query
from citygraph.sparql.functions import functions_of
from citygraph.web import create_app
from tests.small import REPOSITORY, write_files

_REGIONAL = """
GRAPH graph:notes {
  city:colourville a cg:City ; cg:country country:germany ; schema:latitude 41 ; schema:longitude 21 ;
    rdfs:label "Colourville"@en-GB, "Farbstadt"@de, "Renkşehir"@tr-TR .
  city:harbor a cg:City ; cg:country country:germany ; schema:latitude 42 ; schema:longitude 22 ;
    rdfs:label "Harbor"@en-US, "Harbour"@en-GB, "Liman"@tr .
  city:plain a cg:City ; cg:country country:germany ; schema:latitude 43 ; schema:longitude 23 ;
    rdfs:label "Plain"@en, "Plane"@en-AU, "Ova"@tr .
  city:nukualofa a cg:City ; cg:country country:germany ; schema:latitude 44 ; schema:longitude 24 ;
    rdfs:label "Nukuʻalofa"@en, "Nukuʻalofa"@tr .
  agreement:colourville-izmir a cg:SisterCityAgreement ; cg:party city:colourville, city:izmir ;
    cg:protocolDate "2001-05-06"^^xsd:date .
  agreement:harbor-izmir a cg:SisterCityAgreement ; cg:party city:harbor, city:izmir ;
    cg:protocolDate "2001-07-08"^^xsd:date .
  agreement:izmir-plain a cg:SisterCityAgreement ; cg:party city:izmir, city:plain ;
    cg:protocolDate "2001-09-10"^^xsd:date .
}
"""
_ADDRESS = "/doc/city/colourville"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Releases, Release, Report]:
    """The small graph, three cities that have regional names and one with an apostrophe. Do not write to it."""
    folder = tmp_path_factory.mktemp("regional")
    sources = write_files(folder)
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    (folder / "data" / "notes.trig").write_text(prefixes + _REGIONAL, encoding="utf-8")
    releases = Releases(folder / "releases")
    release, report = build(sources, releases, Progress())
    return releases, release, report


@pytest.fixture(scope="module")
def store(made: tuple[Releases, Release, Report]) -> Store:
    """The store of that graph."""
    return made[1].open_store()


@pytest.fixture(scope="module")
def client(made: tuple[Releases, Release, Report]) -> FlaskClient:
    """A client of its site."""
    return create_app(Settings(queries=REPOSITORY / "queries"), made[0]).test_client()


def answer(store: Store, name: str, **values: str) -> list[dict[str, str]]:
    result = store.query(find_query([REPOSITORY / "queries"], name).bind(values), custom_functions=functions_of(store))
    assert isinstance(result, QuerySolutions)
    text = result.serialize(format=QueryResultsFormat.CSV)
    assert text is not None
    return list(csv.DictReader(text.decode().splitlines()))


def test_shapes_accept_regional_names(made: tuple[Releases, Release, Report]) -> None:
    """A British name is an English one, and a name in Turkish of Türkiye a Turkish one (13.4)."""
    findings = [
        (result.focus_node, result.message("en")) for result in made[2].results if "/colour" in result.focus_node
    ]
    assert not [message for _, message in findings if "English" in message or "Turkish" in message]
    # A finding names the entity by its English name.
    assert {result.label for result in made[2].results if result.focus_node.endswith("/harbor")} == {"Harbour"}


@pytest.mark.parametrize(("query", "column"), [("partners", "partnerLabel"), ("anniversaries", "partners")])
def test_stored_queries_name_each_partner_once(store: Store, query: str, column: str) -> None:
    """Each partner has one row; English comes before its variants, which follow by tag (13.4)."""
    names = [row[column] for row in answer(store, query, city="city:izmir")]
    assert sorted(names) == sorted(["Bremen", "Colourville", "Harbour", "Plain"])


def test_tables_have_regional_names(made: tuple[Releases, Release, Report]) -> None:
    """The table of cities has both names, one row a city, and variants among the other names (13.4)."""
    with (made[1].path / "tables" / "cities.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["iri"].rpartition("/")[2]: row for row in csv.DictReader(file)}
    assert len(rows) == 6
    assert (rows["colourville"]["label_en"], rows["colourville"]["label_tr"]) == ("Colourville", "Renkşehir")
    assert (rows["harbor"]["label_en"], rows["harbor"]["names"]) == ("Harbour", "Harbor@en-us")
    assert (rows["plain"]["label_en"], rows["plain"]["names"]) == ("Plain", "Plane@en-au")
    assert rows["izmir"]["partners"] == "Bremen; Colourville; Harbour; Plain"


def test_rules_name_agreements_by_regional_names(store: Store) -> None:
    """The label that is derived for an agreement has the British name of its party (13.4)."""
    (row,) = [row for row in answer(store, "tables/agreements") if row["iri"].endswith("/colourville-izmir")]
    assert row["label_en"] == "Colourville–İzmir sister-city agreement"
    assert row["label_tr"] == "Renkşehir–İzmir kardeş şehir anlaşması"


def test_the_language_parameter_of_place_names_is_a_range(store: Store) -> None:
    """Names in en-GB and en-US are names in English (13.4)."""
    text = 'SELECT ?l { VALUES ?language { "EN" } city:harbor rdfs:label ?l FILTER(LANGMATCHES(LANG(?l), ?language)) }'
    assert len(list(store.query(text, prefixes=PREFIXES))) == 2  # type: ignore[arg-type]
    assert answer(store, "place-names-by-source", language="en-US") == []


@pytest.mark.parametrize("parameter", ["tr", "TR", "tr-TR"])
def test_page_is_in_turkish(client: FlaskClient, parameter: str) -> None:
    """?lang=TR and ?lang=tr-TR select Turkish, and a name in tr-TR is shown (13.4)."""
    page = client.get(f"{_ADDRESS}?lang={parameter}", headers={"Accept": "text/html"})
    assert page.headers["Content-Language"] == "tr"
    assert "Renkşehir" in page.text.partition("<h1")[2].partition("</h1>")[0]


def test_page_in_english_has_the_british_name(client: FlaskClient) -> None:
    """An English reader sees the British name, with its language (13.4)."""
    page = client.get(f"{_ADDRESS}?lang=en", headers={"Accept": "text/html"}).text
    assert "Colourville" in page.partition("<h1")[2].partition("</h1>")[0]
    assert "Colourville" in client.get("/doc/city/izmir?lang=en-GB", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(("language", "name"), [("en", "Colourville"), ("tr-TR", "Renkşehir")])
def test_reconciliation_answers_in_the_readers_language(client: FlaskClient, language: str, name: str) -> None:
    """A candidate has the regional name (13.4)."""
    reply = client.get("/reconcile", query_string={"queries": '{"a": {"query": "Farbstadt"}}', "lang": language})
    (candidate,) = reply.get_json()["a"]["result"][:1]
    assert (candidate["id"], candidate["name"]) == ("city/colourville", name)


def test_data_extension_matches_by_range(client: FlaskClient) -> None:
    """A text in tr-TR is given for Turkish, and only it (13.4)."""
    extend = '{"ids": ["city/colourville"], "properties": [{"id": "label", "settings": {"language": "tr"}}]}'
    rows = client.post("/reconcile", data={"extend": extend}).get_json()["rows"]
    assert rows["city/colourville"]["label"] == [{"str": "Renkşehir"}]


@pytest.mark.parametrize("typed", ["Nuku'alofa", "Nuku’alofa", "nukuʼalofa", "nukualofa", "NUKUʻALOFA"])
def test_a_name_with_an_apostrophe_is_found(client: FlaskClient, typed: str) -> None:
    """The letter U+02BB is found by whatever apostrophe the reader has, or by none (13.18)."""
    found = client.get("/search.json", query_string={"q": typed}).get_json()["results"]
    assert [one["id"] for one in found] == ["city/nukualofa"]
    reply = client.get("/reconcile", query_string={"queries": json.dumps({"a": {"query": typed}})})
    (candidate,) = reply.get_json()["a"]["result"]
    assert (candidate["id"], candidate["score"], candidate["match"]) == ("city/nukualofa", 100, True)
