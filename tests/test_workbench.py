"""The workbench as the server makes it: a form with examples, whose answer is a table, and what is completed."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.inprocess import EnginesWithPast, InProcess
from tests.past import three_releases

QUERIES = Path(__file__).parents[1] / "queries"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
LABELS = 'SELECT ?thing ?label { ?thing rdfs:label ?label FILTER(LANG(?label) = "tr") } ORDER BY ?thing'


@pytest.fixture(scope="module")
def engines() -> list[InProcess]:
    """The engines that answer, to see what they were asked."""
    return []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, engines: list[InProcess]) -> FlaskClient:
    """The site of the small world, with a past."""
    root = tmp_path_factory.mktemp("workbench")
    three_releases(root)
    engines.append(EnginesWithPast(root))
    return create_app(Settings(queries=QUERIES), Releases(root), engines[0]).test_client()


def page(site: FlaskClient, **asked: str) -> str:
    """The page, asked for by a browser."""
    return site.get("/sparql", query_string=asked, headers=BROWSER).text


def test_a_query_in_the_address_is_shown_and_not_asked(site: FlaskClient, engines: list[InProcess]) -> None:
    """A link costs nothing until its reader runs it."""
    before = len(engines[0].asked)
    text = page(site, query="ASK { ?a ?b 'x<y' }")
    assert "ASK { ?a ?b &#39;x&lt;y&#39; }</textarea>" in text
    assert len(engines[0].asked) == before


def test_a_query_that_compares_partial_dates_has_a_hint(site: FlaskClient) -> None:
    """In the reader's language, with the variable; the endpoint's reply names it for the script (13.15)."""
    text = "SELECT (MIN(?date) AS ?first) { ?a cg:councilActDate ?date }"
    assert "write cg:startOfPeriod(…) around ?date." in page(site, query=text, run="1")
    assert "?date değişkenini cg:startOfPeriod(…) içine alın." in page(site, query=text, run="1", lang="tr")
    assert site.get("/sparql", query_string={"query": text}).headers["X-Citygraph-Compared-Dates"] == "?date"
    better = "SELECT (MIN(cg:startOfPeriod(?date)) AS ?first) { ?a cg:councilActDate ?date }"
    assert '<p class="caption hint" id="hint" hidden></p>' in page(site, query=better, run="1")
    assert "X-Citygraph-Compared-Dates" not in site.get("/sparql", query_string={"query": better}).headers


def test_a_query_in_nfd_has_a_hint_and_is_run_as_it_is(site: FlaskClient) -> None:
    """Literals are equal if they have the same characters (RDF 1.1 Concepts, 3.3)."""
    composed = 'SELECT ?city { ?city rdfs:label "\u0130zmir"@tr }'
    decomposed = composed.replace("\u0130", "I\u0307")
    hint = '<p class="caption hint" id="hint">Some letters of the query'
    assert hint in page(site, query=decomposed, run="1")
    assert hint not in page(site, query=composed, run="1")
    rows = [site.get("/sparql", query_string={"query": text, "format": "csv"}).text for text in (composed, decomposed)]
    assert [len(text.splitlines()) - 1 for text in rows] == [1, 0]


def test_the_form_is_answered_by_a_table(site: FlaskClient) -> None:
    """With its status line: how many, which release, complete; things lead to their pages, text has its language."""
    text = page(site, query=LABELS, run="1")
    assert re.search(r"<b>\d+ rows</b> · .* · release \S+ · complete", text)
    assert re.search(r'<td><a href="/id/city/[^"]+" title="https://w3id.org/citygraph/id/city/[^"]+">city:', text)
    assert '<span lang="tr">' in text


@pytest.mark.parametrize(("query", "shown"), [
    ("ASK { ?s ?p ?o }", '<p class="truth">Yes</p>'),
    ("SELECT * { ?s <x:none> ?o }", "The query has no results."),
    ("CONSTRUCT { ?s a cg:City } { ?s a cg:City }", '<th scope="col">predicate</th>'),
])  # fmt: skip
def test_every_kind_of_answer_is_shown(site: FlaskClient, query: str, shown: str) -> None:
    """Yes or no, nothing, and triples."""
    assert shown in page(site, query=query, run="1")


@pytest.mark.parametrize(
    "query",
    [
        "ASK {}",
        "SELECT * {}",
        "SELECT ?s { ?s a cg:City }",
        "DESCRIBE ?s { ?s a cg:City }",
        "CONSTRUCT { ?s a cg:City } { { SELECT ?s { ?s a cg:City } } }",
        "ASK { { SELECT ?s { ?s a cg:City } } }",
    ],
)
def test_the_result_is_offered_in_no_format_that_it_cannot_have(site: FlaskClient, query: str) -> None:
    """The kind of the result decides, not the words of the query: a sub-select makes no table."""
    offered = re.findall(r'<a href="(/sparql\?[^"]*format=[^"]*)"', page(site, query=query, run="1"))
    assert offered
    assert {site.get(unescape(address)).status_code for address in offered} == {200}


def test_a_long_result_is_cut_in_the_page_and_says_so(site: FlaskClient) -> None:
    """The first rows, the number of all, and the whole as files."""
    text = page(site, query="SELECT * { { ?a ?b ?c } { ?d ?e ?f } } LIMIT 600", run="1")
    assert "500 of 600 rows are shown" in text
    assert "format=csv" in text


def test_an_error_has_its_line_and_its_status(site: FlaskClient) -> None:
    """The page stays: the query can be mended in it."""
    answer = site.get("/sparql", query_string={"query": "SELECT *\n{ ?s ?p }", "run": "1"}, headers=BROWSER)
    assert answer.status_code == 400
    assert "Line 2, column" in answer.text
    assert 'data-line="2"' in answer.text
    assert "{ ?s ?p }</textarea>" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_example_brings_its_text_its_view_and_its_parameters(site: FlaskClient) -> None:
    """With the values that the form gives, as terms; one that is none is an error."""
    text = page(site, example="partners", **{"$city": "city:bremen"})
    assert "# view: map" in text
    assert "id/city/bremen&gt; }" in text
    assert 'name="$city" value="city:bremen"' in text
    assert site.get("/sparql?example=partners&$city=a b", headers=BROWSER).status_code == 400
    assert site.get("/sparql?example=nothing", headers=BROWSER).status_code == 404


def test_an_example_takes_the_name_of_an_entity(site: FlaskClient) -> None:
    """(17) As the page of the stored query does."""
    text = page(site, **{"example": "partners", "$city": "Bakü"})
    assert "VALUES ?city { &lt;https://w3id.org/citygraph/id/city/baku&gt; }" in text


def test_the_policy_of_all_pages_holds(site: FlaskClient) -> None:
    """No style or script stands in the page; what scripts need is data."""
    answer = site.get("/sparql", headers=BROWSER)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    types = re.findall(r"<script(?: type=\"([^\"]+)\")?([^>]*)>", answer.text)
    assert types
    assert all(kind == "application/json" or "src=" in rest for kind, rest in types)


def test_below_a_release_all_addresses_are_of_that_release(site: FlaskClient) -> None:
    """So that what is shared from there stays as it is."""
    release = json.loads(site.get("/ready").text)["release"]
    text = site.get(f"/releases/{release}/sparql?query=ASK+%7B%7D", headers=BROWSER).text
    assert f'action="/releases/{release}/sparql"' in text


def test_programs_still_get_the_service_description(site: FlaskClient) -> None:
    """The page is for who asks for HTML."""
    assert site.get("/sparql", headers={"Accept": "text/turtle"}).content_type.startswith("text/turtle")


def test_the_editor_completes_from_the_data(site: FlaskClient) -> None:
    """Classes and properties with their labels, our own first; and the prefixes."""
    found = json.loads(site.get("/sparql/vocabulary?lang=tr").text)
    names = [term["name"] for term in found["classes"]]
    assert "cg:City" in names
    assert names[0].startswith("cg:")
    assert found["prefixes"]["cg"] == "https://w3id.org/citygraph/ontology#"
    assert next(term for term in found["properties"] if term["name"] == "cg:party")["label"]
