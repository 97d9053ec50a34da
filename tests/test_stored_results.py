"""Cited results over HTTP: stored once, found by everyone, compared with the graph of today."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.engine.engines import Answer
from citygraph.errors import UsageError
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.web import create_app
from tests.past import three_releases

QUERIES = Path(__file__).parents[1] / "queries"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ACTS = "SELECT ?agreement ?date WHERE { ?agreement cg:councilActDate ?date } # by date\nORDER BY ?date"
NOT_LOCAL = {"REMOTE_ADDR": "192.0.2.7"}


class ByRelease:
    """The engines of all releases, in this process; `ran` are the queries that they evaluated."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases
        self.ran: list[tuple[str, str]] = []

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query on the release of that name."""
        self.ran.append((release_id, query.text))
        out = io.BytesIO()
        result = evaluate(self._releases.get(release_id).open_store(), query)
        rows = result.write(out)
        return Answer(result.format, out.getvalue(), 0.001, rows, release_id)


class Machine:
    """A server with the three releases of the small world."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.folder = root
        self.three = three_releases(root / "releases")
        self.releases = Releases(root / "releases")
        self.engines = ByRelease(self.releases)
        self.clock = 0.0
        self.settings = Settings(queries=QUERIES, tokens=root / "tokens.json", audit=root / "audit.jsonl", **settings)
        self.app = create_app(self.settings, self.releases, self.engines, lambda: self.clock, lambda: date(2026, 3, 2))

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def with_settings(self, **settings: Any) -> FlaskClient:
        """Returns a client of a server with other settings over the same releases."""
        changed = self.settings.with_changes(**settings)
        return create_app(changed, self.releases, self.engines, lambda: self.clock).test_client()

    def stored(self, **members: Any) -> Any:
        """Returns the record of a result that is stored."""
        response = self.client.post("/results", json=members)
        assert response.status_code in (200, 201), response.text
        return json.loads(response.data)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The machine on which results are cited."""
    return Machine(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Another machine, with releases of the same data."""
    return Machine(tmp_path_factory.mktemp("there"))


def test_same_query_on_the_same_data_has_one_identifier_everywhere(here: Machine, there: Machine) -> None:
    """However it is spelt, on which machine, and how often it is stored (17, Citation)."""
    first = here.stored(query=ACTS)
    assert here.stored(query=ACTS.lower().replace("councilactdate", "councilActDate").replace("cg:", " cg:")) == first
    for machine in (here, there):
        again = machine.stored(query="PREFIX x: <https://w3id.org/citygraph/ontology#>" + ACTS.replace("cg:", "x:"))
        assert (again["id"], again["result"]) == (first["id"], first["result"])
    older = here.stored(query=ACTS, release=here.three[1].manifest.digest[:12])
    assert older["id"] != first["id"]
    assert older["release_id"] == here.three[1].id
    ran = len(here.engines.ran)
    response = here.client.post("/results", json={"query": ACTS})
    assert (response.status_code, response.headers["Location"]) == (200, f"/results/{first['id']}")
    assert len(here.engines.ran) == ran


def test_record_of_one_machine_is_computed_again_on_another(here: Machine, there: Machine) -> None:
    """The exported record is a request; a release is found by its digest, never by its name (17, Citation)."""
    for subject in (
        {"query": "CONSTRUCT { ?x rdfs:label ?name } WHERE { ?x rdfs:label ?name }"},
        {"name": "partners", "parameters": {"city": "Baku"}, "lang": "tr"},
        {"document": "city/bremen"},
        {"table": "cities.csv"},
    ):
        record = here.stored(**subject, release=here.three[0].id)
        exported = json.loads(here.client.get(f"/results/{record['id']}/record").data)
        assert exported == record
        response = there.client.post("/results", json={**exported, "release_id": "elsewhere"})
        assert response.status_code == 201, response.text
        computed = json.loads(response.data)
        same = ("id", "query", "parameters", "release", "result", "name", "about", "title", "columns", "rows")
        assert [computed[name] for name in same] == [record[name] for name in same]


def test_other_result_than_the_expected_is_a_conflict(here: Machine) -> None:
    """A record that another program computed is not stored with a digest that is not this server's (17, Citation)."""
    query = "SELECT ?city { ?city a cg:City }"
    wrong = here.client.post("/results", json={"query": query, "result": "0" * 64})
    assert wrong.status_code == 409
    assert "has the digest" in wrong.text
    assert here.client.post("/results", json={"query": query, "id": "0" * 32}).status_code == 400


def test_page_shows_result_query_release_and_citations(here: Machine) -> None:
    """In the reader's language; links of the result lead into its release (17, Citation)."""
    statements = {"name": "single-source-statements", "parameters": {"entity": "agreement:izmir-baku"}}
    record = here.stored(**statements, release=here.three[0].id)
    page = here.client.get(f"/results/{record['id']}?lang=tr", headers=BROWSER).text
    assert "<h1>Yalnız bir kaynakta bulunan bildirimler (İzmir–Bakü anlaşması)</h1>" in page
    assert f'href="/releases/{here.three[0].id}/id/agreement/izmir-baku"' in page
    for part in (here.three[0].id, record["release"], record["result"], "@misc{", "TY  - DATA", "&#34;version&#34;"):
        assert part in page
    assert f"/results/{record['id']}.csv" in page
    assert "VALUES ?entity" in page
    assert "noindex" in page
    assert "Bugünkü" in page
    assert '<th scope="col">Özellik</th>' in page, "headings are those of the stored query"
    programs = [part.partition("</summary>")[0] for part in page.split('<details name="program"><summary>')[1:]]
    assert programs == ["Python", "R", "JavaScript", "curl"]
    assert f"/releases/{here.three[0].id}/sparql" in page.partition("<summary>curl")[2]


@pytest.mark.parametrize(("form", "part"), [("csv", "date\r\n"), ("json", '"head"'), ("xml", "<sparql"), ("md", "| ")])
def test_rows_are_files_in_every_format(here: Machine, form: str, part: str) -> None:
    """By extension, ?format= and Accept; they never change (17, Citation)."""
    record = here.stored(query=ACTS)
    by_extension = here.client.get(f"/results/{record['id']}.{form}")
    assert part in by_extension.text
    assert by_extension.headers["X-Citygraph-Rows"] == str(record["rows"]) == "2"
    assert "immutable" in by_extension.headers["Cache-Control"]
    assert here.client.get(f"/results/{record['id']}?format={form}").data == by_extension.data


def test_rows_have_a_stable_order(here: Machine) -> None:
    """Rows that the query does not order are in order of their terms, whatever the engine's order (17, Citation)."""
    query = "SELECT ?kind ?x { ?x a ?kind FILTER(?kind IN (cg:City, cg:Country)) } ORDER BY DESC(?kind)"
    record = here.stored(query=query)
    rows = here.client.get(f"/results/{record['id']}.csv").text.splitlines()[1:]
    kinds = [row.split(",")[0].rpartition("#")[2] for row in rows]
    assert kinds == ["Country"] * 3 + ["City"] * 3
    assert rows == sorted(rows[:3]) + sorted(rows[3:])


def test_running_again_shows_what_changed(here: Machine) -> None:
    """Added, removed and changed rows, as a page and as JSON (17, Citation)."""
    kinds = "VALUES ?kind { cg:SisterCityAgreement cg:Meeting }"
    query = f"SELECT ?x ?date {{ {kinds} ?x a ?kind OPTIONAL {{ ?x cg:councilActDate ?date }} }}"
    record = here.stored(query=query, release=here.three[1].id)
    address = f"/results/{record['id']}/again"
    changes = json.loads(here.client.get(address, headers={"Accept": "application/json"}).data)
    assert (changes["key"], changes["same"], changes["unchanged"]) == (["x"], False, 1)
    assert [row["x"]["value"].rpartition("/")[2] for row in changes["removed"]] == ["visit"]
    assert changes["added"] == []
    assert [(row["before"]["date"]["value"], row["after"]["date"]["value"]) for row in changes["changed"]] == [
        ("1985-09-04", "1985-09-05")
    ]
    page = here.client.get(address, headers=BROWSER).text
    assert "<del><span>1985-09-04</span></del> <ins><span>1985-09-05</span></ins>" in page
    assert "Rows are matched by x." in page
    same = here.client.get(f"/results/{here.stored(query=query)['id']}/again", headers=BROWSER).text
    assert "Nothing has changed" in same


def test_unknown_identifier_says_how_to_obtain_the_result(here: Machine) -> None:
    """404 on every address of a result (17, Citation)."""
    for path in ("0" * 32, "0" * 32 + ".csv", "0" * 32 + "/again", "0" * 32 + "/record", "nothing"):
        response = here.client.get(f"/results/{path}")
        assert response.status_code == 404
        assert "POST /results" in response.text
    assert here.client.get(f"/cite/results/{'0' * 32}").status_code == 404
    assert here.client.post("/results", json={"query": ACTS, "release": "0" * 64}).status_code == 404


@pytest.mark.parametrize(
    ("members", "status", "part"),
    [
        ({}, 400, "one of query, name, table, document"),
        ({"query": ACTS, "table": "cities"}, 400, "one of query"),
        ({"query": "SELECT ?x {"}, 400, "line 1, column 12"),
        ({"query": "SELECT (RAND() AS ?x) {}"}, 400, "RAND()"),
        ({"query": ACTS, "titel": "x"}, 400, "'titel' is not a field"),
        ({"query": ACTS, "parameters": {"city": "city:izmir"}}, 400, "no VALUES ?city"),
        ({"query": ACTS, "parameters": {"city": 1}}, 400, "a text for each"),
        ({"name": "nothing"}, 404, "no stored query"),
        ({"table": "nothing"}, 404, "no stored query"),
        ({"name": "partners", "parameters": {"town": "city:izmir"}}, 400, "no parameter 'town'"),
        ({"name": "partners", "parameters": {"city": "Atlantis"}}, 400, "Atlantis"),
        ({"document": "city:atlantis"}, 404, "no statements about"),
        ({"document": "nothing"}, 400, "neither an IRI nor"),
        ({"query": "ASK { VALUES ?x { " + "1 " * 40_000 + "} }"}, 413, "65536 bytes"),
    ],
)
def test_what_cannot_be_cited_is_an_error(here: Machine, members: dict[str, Any], status: int, part: str) -> None:
    """And nothing is stored (17, Citation)."""
    response = here.client.post("/results", json=members)
    assert (response.status_code, part in json.loads(response.data)["detail"]) == (status, True), response.text


def test_body_is_json_or_a_form(here: Machine) -> None:
    """Other types are refused before they are read, and large ones (17, Citation)."""
    assert here.client.post("/results", data="x", content_type="text/plain").status_code == 415
    assert here.client.post("/results", data="[]", content_type="application/json").status_code == 400
    assert here.client.post("/results", data="{", content_type="application/json").status_code == 400
    assert here.client.post("/results", data={"query": "x" * 300_000}).status_code == 413
    assert here.client.get("/results").status_code == 405


def test_result_that_is_too_large_is_refused(here: Machine) -> None:
    """The limit is a setting (17, Citation)."""
    response = here.with_settings(cited_result_limit=1000).post("/results", json={"query": "SELECT * { ?s ?p ?o }"})
    assert response.status_code == 413
    assert "a narrower query" in response.text


def test_form_leads_to_the_page_of_the_result(here: Machine) -> None:
    """As the buttons send it, without JavaScript, in the reader's language (17, Citation)."""
    form = {"name": "partners", "$city": "city:izmir", "release": here.three[2].id, "lang": "tr"}
    response = here.client.post("/results", data=form, headers=BROWSER)
    assert response.status_code == 303
    stored = here.stored(name="partners", parameters={"city": "İzmir"}, lang="tr")
    assert response.headers["Location"] == f"/results/{stored['id']}?lang=tr"


def test_every_page_of_a_result_has_the_button(here: Machine) -> None:
    """The workbench, a stored query, a table and a document (17, Citation)."""
    for path in (
        "/sparql?run=1&query=" + quote("SELECT ?x { ?x a cg:City }"),
        "/queries/partners?city=city:izmir",
        "/cite/tables/cities.csv?format=html",
        "/cite/doc/city/izmir?format=html",
        "/cite/queries/partners?city=city:baku&format=html",
    ):
        page = here.client.get(path, headers=BROWSER).text
        form = re.search(r'<form class="cite-result".*?</form>', page, re.DOTALL)
        assert form, path
        assert " hidden>" not in form[0]
        fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', html.unescape(form[0])))
        response = here.client.post("/results", data=fields, headers=BROWSER)
        assert response.status_code == 303, (path, response.text)
        assert here.client.get(response.headers["Location"], headers=BROWSER).status_code == 200
    # A citation without an engine needs no store: the site as files has no such form.
    frozen = create_app(here.settings, here.releases).test_client()
    assert "cite-result" not in frozen.get("/cite/doc/city/izmir?format=html").text


def test_only_this_machine_and_holders_of_tokens_store_by_default(here: Machine) -> None:
    """A stranger is told how to cite without storing; nothing is evaluated for him (17, Citation)."""
    query = {"query": "SELECT ?stranger { ?stranger a cg:City }"}
    ran = len(here.engines.ran)
    for headers, address in (
        ({}, "192.0.2.7"),
        ({"X-Forwarded-For": "192.0.2.7"}, "127.0.0.1"),
        ({"Host": "attacker.example"}, "127.0.0.1"),
    ):
        response = here.client.post("/results", json=query, headers=headers, environ_overrides={"REMOTE_ADDR": address})
        assert response.status_code == 401, headers
        assert response.headers["WWW-Authenticate"]
    page = here.client.post("/results", data=query, headers=BROWSER, environ_overrides=NOT_LOCAL)
    assert page.status_code == 401
    assert f"/releases/{here.three[2].id}/sparql?query=" in page.text
    assert 'name="token"' in page.text
    assert len(here.engines.ran) == ran
    token = Tokens(here.settings.tokens).make(TokenHolder("curator"))
    stored = here.client.post("/results", data={**query, "token": token}, headers=BROWSER, environ_overrides=NOT_LOCAL)
    assert stored.status_code == 303
    assert '"who": "curator"' in here.settings.audit.read_text()
    # What is stored is everyone's.
    again = here.client.post("/results", data=query, headers=BROWSER, environ_overrides=NOT_LOCAL)
    assert again.headers["Location"] == stored.headers["Location"]
    bearer = {"Authorization": "Bearer cgt_none"}
    assert here.client.post("/results", json={"query": "ASK { ?new a ?x }"}, headers=bearer).status_code == 401


def test_setting_says_who_may_store(here: Machine) -> None:
    """Off, holders of a token, anyone (17, Citation)."""
    query = {"query": "SELECT ?setting { ?setting a cg:City }"}
    assert here.with_settings(stored_results="off").post("/results", json=query).status_code == 403
    assert here.with_settings(stored_results="token").post("/results", json=query).status_code == 401
    anyone = here.with_settings(stored_results="anyone")
    assert anyone.post("/results", json=query, environ_overrides=NOT_LOCAL).status_code == 201
    with pytest.raises(UsageError, match="CITYGRAPH_STORED_RESULTS"):
        here.with_settings(stored_results="everyone")


def test_page_of_another_site_stores_nothing(here: Machine) -> None:
    """It would do so in the name of its reader (17, Citation)."""
    query = {"query": "SELECT ?foreign { ?foreign a cg:City }"}
    for headers in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert here.client.post("/results", data=query, headers=headers).status_code == 403
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert here.client.post("/results", data=query, headers=own).status_code == 201


def test_client_stores_so_many_in_an_hour(here: Machine) -> None:
    """429 with the time to wait; others go on (17, Citation)."""
    client = here.with_settings(stored_results_rate=2)
    queries = [{"query": f"ASK {{ ?rate{number} a cg:City }}"} for number in range(4)]
    assert [client.post("/results", json=query).status_code for query in queries[:3]] == [201, 201, 429]
    refused = client.post("/results", json=queries[2])
    assert int(refused.headers["Retry-After"]) == 1800
    # The clock of the machine, which all its applications read.
    here.clock += 1800
    assert client.post("/results", json=queries[3]).status_code == 201


def test_release_of_a_record_that_is_gone_is_said(tmp_path: Path, here: Machine) -> None:
    """The page says which data are needed; a record without its release has no rows (17, Citation)."""
    record = here.stored(query=ACTS, release=here.three[0].id)
    root = tmp_path / "releases"
    shutil.copytree(here.releases.root, root, symlinks=True)
    shutil.rmtree(root / here.three[0].id)
    client = create_app(here.settings, Releases(root), ByRelease(Releases(root))).test_client()
    page = client.get(f"/results/{record['id']}", headers=BROWSER)
    assert page.status_code == 200
    assert "is not on this server" in page.text
    assert record["release"] in page.text
    assert client.get(f"/results/{record['id']}.csv").status_code == 404


def test_results_have_no_past(here: Machine) -> None:
    """A result has one address: below a release it is redirected to it (17, Citation)."""
    record = here.stored(query=ACTS)
    response = here.client.get(f"/releases/{here.three[0].id}/results/{record['id']}")
    assert (response.status_code, response.headers["Location"]) == (301, f"/results/{record['id']}")


def test_page_of_a_stored_query_has_its_headings(here: Machine) -> None:
    """Headings and fixed words in the reader's language, and the language of the names if it is another one (17)."""
    stored = here.stored(name="partners", parameters={"city": "Baku"}, lang="tr")
    of_text = here.stored(query="SELECT ?inForce { agreement:izmir-baku cg:councilActDate ?inForce }")

    def page(record: dict[str, Any], language: str) -> str:
        return here.client.get(f"/results/{record['id']}?lang={language}", headers=BROWSER).text

    def headings(text: str) -> list[str]:
        return re.findall(r'<th scope="col">(.*?)</th>', text)

    for language in ("en", "tr", "de"):
        own = here.client.get(f"/queries/partners?city=Baku&lang={language}", headers=BROWSER).text
        assert headings(page(stored, language)) == headings(own)
    assert headings(page(of_text, "en")) == ["inForce"]
    assert "The names are in this language: Turkish." in page(stored, "en")
    assert "Sorgu, adları" not in page(stored, "tr")


@pytest.mark.parametrize(
    ("host", "is_noted"),
    [("localhost:8000", True), ("192.168.1.4:8000", True), ("laptop.local", True), ("graph.example.org", False)],
)
def test_page_says_that_others_cannot_reach_the_address_yet(here: Machine, host: str, is_noted: bool) -> None:
    """On a reader's own machine, with the record to send; not on a public site (17, Citation)."""
    record = here.stored(query=ACTS)
    page = here.client.get(f"/results/{record['id']}?lang=en", headers={**BROWSER, "Host": host}).text
    assert ("send it the record" in page) is is_noted
