"""/explore: facets, downloads and the SPARQL behind them; the address is the whole state."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyoxigraph import QuerySolutions
from werkzeug.datastructures import MultiDict

from citygraph.index.entities import _FURTHER, FACETS, EntityTable, Filter
from citygraph.index.facts import StoredQuads, pairs
from citygraph.rdf.partial_dates import validity_on
from citygraph.rdf.terms import BASE, CG
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.text import collation_key
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses
from citygraph.web.search.explore_filters import query_of, read_state
from citygraph.web.view.values import KINDS


@pytest.fixture(scope="module")
def client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """A reader of the İzmir graph."""
    return create_app(Settings(), built[0]).test_client()


@pytest.fixture(scope="module")
def listing(izmir: Release) -> EntityTable:
    """The list of the İzmir graph."""
    return EntityTable(izmir.path / "search.sqlite", izmir.open_store())


def page(client: FlaskClient, query: str = "") -> str:
    """The page for people."""
    return client.get(f"/explore?{query}", headers={"Accept": "text/html"}).text


def answer(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """The same as JSON."""
    found: dict[str, Any] = client.get(f"/explore.json?{query}").get_json()
    return found


def test_facets_narrow_together(client: FlaskClient) -> None:
    """German cities with an agreement: Bremen alone."""
    assert [one["id"] for one in answer(client, "country=germany&protocol=yes")["results"]] == ["city/bremen"]
    assert "Bremen" in page(client, "country=germany&protocol=yes")


def test_a_reader_of_a_third_language_reads_names_in_it(client: FlaskClient) -> None:
    """The index has the names in two languages of the instance; others come from the labels (14 §1)."""
    assert "Deutschland" in page(client, "type=country&lang=de")
    assert "Deutschland" not in page(client, "type=country&lang=tr")


def test_each_link_of_a_facet_keeps_the_rest_of_the_state(client: FlaskClient) -> None:
    """Language, day and the other facets stay; a page does not."""
    html = page(client, "country=germany&at=2000-01-01&page=1&lang=tr")
    assert 'href="/explore?country=germany&amp;protocol=yes&amp;at=2000-01-01&amp;lang=tr"' in html


def test_names_are_sorted_as_turkish_readers_expect(client: FlaskClient) -> None:
    """By the collation of the site, in both languages."""
    for language, field in (("en", "name_en"), ("tr", "name_tr")):
        names = [one[field] for one in answer(client, f"lang={language}")["results"]]
        assert names == sorted(names, key=collation_key)


@pytest.mark.parametrize("language", ["en", "tr", "de", "az"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_sorts_by_the_names_that_it_shows(client: FlaskClient, language: str, kind: str) -> None:
    """Also in a language whose names the index does not have, by the alphabet of the language."""
    html = page(client, f"type={kind}&lang={language}")
    names = re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', html)
    assert names == sorted(names, key=lambda name: collation_key(name, language))


def test_pages_and_filters_keep_the_order_of_a_further_language(client: FlaskClient) -> None:
    """The second page goes on where the first one ends."""
    shown = [
        name
        for number in (1, 2)
        for name in re.findall(
            r'<th scope="row"><a [^>]*>([^<]*)</a>', page(client, f"type=person&lang=de&page={number}")
        )
    ]
    assert len(shown) > 50
    assert shown == sorted(shown, key=lambda name: collation_key(name, "de"))


@pytest.mark.parametrize("language", ["en", "tr", "de", "az"])
@pytest.mark.parametrize("kind", ["country", "person"])
def test_files_have_the_order_and_the_names_of_the_page(client: FlaskClient, language: str, kind: str) -> None:
    """Also in a language that the index does not have, whose names are in a column of their own."""
    rows = list(csv.DictReader(io.StringIO(client.get(f"/explore.csv?type={kind}&lang={language}").text)))
    names = [row[f"name_{language}"].removeprefix("'") for row in rows]
    assert names == sorted(names, key=lambda name: collation_key(name, language))
    results = answer(client, f"type={kind}&lang={language}")["results"]
    assert [one["id"] for one in results] == [row["id"] for row in rows]
    shown = re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page(client, f"type={kind}&lang={language}"))
    assert shown == names[: len(shown)]
    assert f'href="/explore.csv?type={kind}&amp;lang={language}"' in page(client, f"type={kind}&lang={language}")


@pytest.mark.parametrize(("language", "germany"), [("en", "Germany"), ("tr", "Almanya"), ("de", "Deutschland")])
def test_the_query_sorts_by_the_names_that_the_page_shows(
    client: FlaskClient, izmir: Release, language: str, germany: str
) -> None:
    """In the language of the page; without a name in it, in the first language of the instance."""
    found = izmir.open_store().query(answer(client, f"type=country&lang={language}")["query"])
    assert isinstance(found, QuerySolutions)
    names = [row["name"].value if row["name"] else "" for row in found]
    assert germany in names
    assert names == sorted(names)
    people = izmir.open_store().query(query_of(Filter("person"), "az"))
    assert isinstance(people, QuerySolutions)
    assert all(row["name"] for row in people)


def test_the_rank_of_a_name_in_a_further_language_is_looked_up(listing: EntityTable) -> None:
    """By language and number: to read all ranks for each entity would take seconds in a large world."""
    table = "(SELECT *, number AS listed FROM listed)"
    query = " ".join(["EXPLAIN QUERY PLAN SELECT * FROM", table, "ORDER BY", _FURTHER])
    plan = " ".join(str(row) for row in listing._ask(query, "de"))
    assert "language=? AND number=?" in plan


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("country=nowhere", "No country has the identifier “nowhere”."),
        ("country=germany&country=nowhere", "No country has the identifier “nowhere”."),
        ("source=nothing", "No source has the identifier “nothing”."),
        ("country=%E0%A4%B9%E0%A4%BF%E0%A4%A8", "No country has the identifier “हिन”."),
    ],
)
def test_an_identifier_that_nothing_has_is_named(client: FlaskClient, query: str, sentence: str) -> None:
    """The page says so; a program gets an error, for which it could not take an empty list."""
    assert sentence in page(client, query)
    assert client.get(f"/explore.json?{query}").get_json()["type"].endswith("/unknown-name")
    assert client.get(f"/explore.csv?{query}").status_code == 400


@pytest.mark.parametrize("query", ["country=nicht/da", "protocol=maybe", "decade=199", "decade=nineties", "source=a b"])
def test_a_value_of_another_form_is_refused(client: FlaskClient, query: str) -> None:
    """Both as a page and as data."""
    assert client.get(f"/explore?{query}", headers={"Accept": "text/html"}).status_code == 400
    assert client.get(f"/explore.json?{query}").status_code == 400


def test_filters_are_read_in_nfc() -> None:
    """Like paths and search texts: some systems send letters and marks separately."""
    decomposed = MultiDict([("country", "tu\u0308rkiye"), ("country", "t\u00fcrkiye")])
    assert read_state(decomposed).values == (("country", ("t\u00fcrkiye",)),)


def test_downloads_hold_exactly_what_is_shown(client: FlaskClient) -> None:
    """All pages of it, with the same filters."""
    rows = list(csv.DictReader(io.StringIO(client.get("/explore.csv?type=agreement&decade=1990").text)))
    assert [row["id"] for row in rows] == [one["id"] for one in answer(client, "type=agreement&decade=1990")["results"]]
    shown = page(client, "type=agreement&decade=1990")
    assert all(f'href="/id/{row["id"]}"' in shown for row in rows)


@pytest.mark.parametrize("kind", KINDS)
def test_the_query_gives_what_the_list_gives(listing: EntityTable, izmir: Release, kind: str) -> None:
    """For every kind, every value of every facet, and a day."""
    store = izmir.open_store()
    asked = [Filter(kind), Filter(kind, at="2000-06-30"), Filter(kind, at="2040-01-01", today="2026-11-01")]
    asked += [
        Filter(kind, ((name, (value,)),)) for name in FACETS for value in listing.counts(Filter(kind)).facets[name]
    ]
    for wanted in asked:
        found = store.query(query_of(wanted))
        assert isinstance(found, QuerySolutions)
        assert {row[kind].value for row in found} == {one.iri for one in listing.rows(wanted)}, wanted


def test_pages_go_on_to_the_end(client: FlaskClient) -> None:
    """Each entity stands on one page, and beyond the last page there is the last."""
    names = re.compile(r'<th scope="row"><a href="([^"]+)"')
    first, second, beyond = (names.findall(page(client, f"page={number}")) for number in (1, 2, 99))
    assert len(first) == 50
    assert len({*first, *second}) == len(first) + len(second) == answer(client)["count"]
    assert beyond == second


@pytest.mark.parametrize("query", ["type=dream", "country=%3E%3Cscript", "decade=a%22%7D", "at=yesterday", "page=0"])
def test_what_no_link_of_ours_asks_is_refused(client: FlaskClient, query: str) -> None:
    """With an error that says what there is; nothing of it reaches a query."""
    assert client.get(f"/explore?{query}").status_code == 400


def test_what_nothing_passes_says_so_and_offers_a_way_out(client: FlaskClient) -> None:
    """A filter that matches nothing is no error."""
    html = page(client, "country=nowhere&at=1900-01-01")
    assert "No results match all of these filters." in html
    assert "Clear all filters" in html


def test_a_release_is_explored_at_its_own_address(client: FlaskClient, izmir: Release) -> None:
    """With links that stay below it, cached for ever."""
    response = client.get(f"/releases/{izmir.id}/explore", headers={"Accept": "text/html"})
    assert f'href="/releases/{izmir.id}/id/city/bremen"' in response.text
    assert "immutable" in response.headers["Cache-Control"]


def test_a_page_asks_a_fixed_number_of_questions(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is: the list is asked as often for everything as for one thing."""
    asked: list[str] = []
    ask = EntityTable._ask

    def counted(self: EntityTable, text: str, *values: object, **of: Any) -> list[tuple[Any, ...]]:
        asked.append(text)
        return ask(self, text, *values, **of)

    # What is counted once for a release is not counted again.
    page(client)
    monkeypatch.setattr(EntityTable, "_ask", counted)
    page(client, "country=germany&decade=1990&protocol=yes")
    few, asked[:] = len(asked), []
    page(client, "at=2026-01-01")
    assert few == len(asked) <= 20


def test_a_day_of_evidence_is_no_beginning(client: FlaskClient) -> None:
    """People who are shown in office on one day are listed for it alone, as their own pages say (13.14)."""
    assert answer(client, "type=person&at=2040-01-01")["results"] == []
    assert "person/perviz-altay" in {one["id"] for one in answer(client, "type=person&at=2026-01-06")["results"]}
    own = client.get(
        "/doc/tenure/perviz-altay-president-of-izazder?at=2020-06-01&lang=en", headers={"Accept": "text/html"}
    )
    assert "This entry on that day: not documented for that day." in own.text
    assert "person/perviz-altay" not in {one["id"] for one in answer(client, "type=person&at=2020-06-01")["results"]}


@pytest.mark.parametrize("day", ["1984-12-31", "1986-02-01", "1996-04-24", "2005-06-01", "2026-01-06"])
def test_explore_lists_what_the_pages_call_valid(listing: EntityTable, izmir: Release, day: str) -> None:
    """One function decides about a day, for every agreement that is dated (13.11)."""
    intervals: dict[str, list[str]] = {}
    for iri, text in pairs(StoredQuads(izmir.open_store()), CG("validDuring")):
        intervals.setdefault(iri, []).append(text)
    valid = {iri for iri, of in intervals.items() if not validity_on(day, of) and "/agreement/" in iri}
    assert {one.iri for one in listing.rows(Filter("agreement", at=day))} == valid


def test_identifiers_with_letters_of_other_scripts_are_iris_as_in_the_data() -> None:
    """Data have İ, not %C4%B0."""
    state = read_state(MultiDict([("country", "I\u0307zmir")]))
    assert state.iris("country", Addresses(BASE)) == (f"{BASE}id/country/\u0130zmir",)
