"""The stored queries as an API: their list, pages and results, and the description of it all."""

from __future__ import annotations

import html
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from citygraph.errors import Busy, CitygraphError, LimitReached
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.inprocess import EnginesWithPast, InProcess
from tests.past import three_releases

QUERIES = Path(__file__).parents[1] / "queries"
RESULT = "/queries/single-source-statements"  # which the small world can answer
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
PARTNERS = "/queries/partners"
TODAY = date(2026, 1, 6)


@pytest.fixture(scope="module")
def engines() -> list[InProcess]:
    """The engines that answer, to see what they were asked."""
    return []


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, engines: list[InProcess]) -> Flask:
    """The site of the small world, with a past."""
    root = tmp_path_factory.mktemp("queries")
    three_releases(root)
    engines.append(EnginesWithPast(root))
    return create_app(Settings(queries=QUERIES), Releases(root), engines[0])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


@pytest.fixture(scope="module")
def izmir_client(built: tuple[Releases, Release, Report]) -> FlaskClient:
    """Returns a client of the İzmir graph, on a fixed day."""
    releases, release, _ = built
    engines = InProcess(list(release.open_store()), release.id)
    return create_app(Settings(), releases, engines, today=lambda: TODAY).test_client()


def told(response: TestResponse) -> Any:
    """The JSON of a response."""
    return json.loads(response.data)


def test_list_tells_names_parameters_and_addresses(client: FlaskClient) -> None:
    """All that a program needs to ask; each address answers."""
    queries = {one["name"]: one for one in told(client.get("/queries"))["queries"]}
    assert {"partners", "tables/cities", "quality/coordinates"} <= queries.keys()
    partners = queries["partners"]
    assert partners["parameters"] == [
        {"name": "city", "type": "iri", "default": "city:izmir",
         "description": "the city or province whose partners to list", "classes": ["cg:City", "cg:AdministrativeArea"]}
    ]  # fmt: skip
    assert (partners["view"], partners["addresses"]["csv"]) == ("map", "/queries/partners?format=csv")
    assert client.get(partners["addresses"]["csv"]).status_code == 200
    assert queries["office-holders-on-date"]["parameters"][0]["default"] == "2026-01-06"


def test_every_default_is_a_value_that_binds(client: FlaskClient) -> None:
    """What the list and the forms show as a default can be sent as it stands, and gives the same query."""
    queries = told(client.get("/queries"))["queries"]
    assert len(queries) > 10
    for one in queries:
        given = {parameter["name"]: parameter["default"] for parameter in one["parameters"]}
        sent = {**given, "format": "html", "run": "1"}
        assert client.get(f"/queries/{one['name']}", query_string=sent).status_code == 200, one["name"]


def test_list_is_a_page_in_two_languages(client: FlaskClient) -> None:
    """Turkish where the heads have it; every link is there."""
    english = client.get("/queries", headers={"Accept": BROWSER})
    turkish = client.get("/queries", headers={"Accept": BROWSER, "Accept-Language": "tr"})
    assert "Partners of a city" in english.text
    assert "Bir şehrin kardeş şehirleri" in turkish.text
    assert 'href="/queries/tables/cities"' in turkish.text
    summaries = re.findall(r'<p class="caption" lang="(?:tr|en)">(.*?)</p>', turkish.text)
    assert len(summaries) == len(told(client.get("/queries"))["queries"])
    assert all(summaries)
    assert turkish.headers["Content-Language"] == "tr"


def test_every_query_has_a_turkish_title(client: FlaskClient) -> None:
    """No head was forgotten."""
    queries = told(client.get("/queries?lang=tr"))["queries"]
    english = {one["name"]: one["title"] for one in told(client.get("/queries"))["queries"]}
    assert not [one["name"] for one in queries if one["title"] == english[one["name"]]]


def test_page_has_form_text_and_results(client: FlaskClient) -> None:
    """The parameters stand in the form as they were sent, in the text as terms, in the links to results."""
    page = client.get(f"{PARTNERS}?city=city:bremen", headers={"Accept": BROWSER})
    assert page.status_code == 200
    assert 'name="city" value="Bremen"' in page.text
    assert "VALUES ?city { &lt;https://w3id.org/citygraph/id/city/bremen&gt; }" in page.text
    assert f"{PARTNERS}?city=city%3Abremen&amp;format=csv" in page.text
    assert "#+" not in page.text


def submitted(client: FlaskClient, path: str, **values: str) -> str:
    """Returns the page after the form of a query's page was sent without JavaScript, with these values changed."""
    page = client.get(path, headers={"Accept": BROWSER}).text
    form = page[page.index('<form class="search"') : page.index("</form>", page.index('<form class="search"'))]
    fields = {
        name: html.unescape(value) for name, value in re.findall(r'<input[^>]*name="([^"]*)" value="([^"]*)"', form)
    }
    pressed = dict(re.findall(r'<button name="([^"]*)" value="([^"]*)"', form))
    action = re.findall(r'action="([^"#]*)#result"', form)[0]
    sent = {**fields, "format": "html", **pressed, **values}
    response = client.get(action, query_string=sent, headers={"Accept": BROWSER})
    assert response.status_code == 200
    return response.text


def rows(page: str) -> list[list[str]]:
    """Returns the texts of the cells of the table on a page, without its head."""
    table = page[page.index('<table class="answer">') : page.index("</table>")]
    cells = (re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[1:])
    return [[html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in row] for row in cells]


def test_run_shows_the_result_in_the_page(izmir_client: FlaskClient, izmir: Release) -> None:
    """The form leads to a table with the rows, linked to their pages; no script is needed (13.26)."""
    for root in ("", f"/releases/{izmir.id}"):
        page = submitted(izmir_client, root + PARTNERS, city="city:bremen")
        partners = told(izmir_client.get(f"{PARTNERS}?city=city:bremen&format=json"))["results"]["bindings"]
        assert len(rows(page)) == len(partners) > 0
        assert {one["partnerLabel"]["value"] for one in partners} <= {cell for row in rows(page) for cell in row}
        assert f'href="{root}/id/city/izmir"' in page
        assert len(rows(submitted(izmir_client, root + PARTNERS))) > len(partners)


def test_run_shows_a_query_without_parameters(client: FlaskClient) -> None:
    """Its form has nothing but the button (13.26)."""
    assert any("İzmir–Baku" in cell for row in rows(submitted(client, RESULT)) for cell in row)


def test_run_tells_of_no_rows_in_the_language(client: FlaskClient) -> None:
    """An empty result is an answer (13.26)."""
    page = submitted(client, f"{PARTNERS}?lang=tr", city="city:nowhere")
    assert 'lang="tr"' in page
    assert '<table class="answer">' not in page
    assert '<p class="none">' in page


def test_reading_about_a_query_evaluates_nothing(client: FlaskClient, engines: list[InProcess]) -> None:
    """Crawlers read the pages of all queries, and none is run for them (13.26)."""
    before = len(engines[0].asked)
    for path in (PARTNERS, f"{PARTNERS}?lang=tr", f"{PARTNERS}?format=html"):
        page = client.get(path, headers={"Accept": BROWSER}).text
        assert '<table class="answer">' not in page
        assert re.search("<h2>(Result|Sonuç)</h2>", page) is None
    assert len(engines[0].asked) == before


def test_home_page_leads_to_the_rows_that_it_counts(izmir_client: FlaskClient) -> None:
    """ "All 16 of 2026" shows 16 rows (13.26)."""
    home = izmir_client.get("/?lang=en", headers={"Accept": BROWSER}).text
    links = re.findall(r'href="([^"]*queries/anniversaries[^"]*)"[^>]*>All (\d+) of (\d+)<', home)
    assert links
    for href, count, year in links:
        shown = rows(izmir_client.get(html.unescape(href), headers={"Accept": BROWSER}).text)
        assert len(shown) == int(count)
        assert all(row[0].startswith(year) for row in shown)


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [
        ("json", "application/sparql-results+json"), ("xml", "application/sparql-results+xml"),
        ("csv", "text/csv"), ("tsv", "text/tab-separated-values"), ("md", "text/markdown"),
    ],
)  # fmt: skip
def test_result_comes_in_every_format(client: FlaskClient, format_: str, media_type: str) -> None:
    """By ?format= and by Accept."""
    for response in (
        client.get(RESULT, query_string={"format": format_}),
        client.get(RESULT, headers={"Accept": media_type}),
    ):
        assert response.content_type.partition(";")[0] == media_type
        assert "izmir-baku" in response.text


def test_name_may_hold_a_slash(client: FlaskClient) -> None:
    """The tables are stored queries in a folder."""
    assert client.get("/queries/tables/cities?format=csv").status_code == 200


def test_result_is_answered_as_the_endpoint_answers(client: FlaskClient) -> None:
    """Validators, compression, CORS and the release are those of /sparql."""
    first = client.get(RESULT, headers={"Accept-Encoding": "gzip"})
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["X-Citygraph-Rows"] == "1"
    assert 'rel="service-desc"' in first.headers["Link"]
    packed = client.get("/queries/tables/cities?format=json", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    again = client.get(RESULT, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(RESULT)
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) > 0


def test_parameter_is_a_term_and_never_text(client: FlaskClient, engines: list[InProcess]) -> None:
    """What would end the string or the block is escaped or refused."""
    evil = '" } DROP ALL #'
    assert client.get("/queries/place-names-by-source", query_string={"language": evil}).status_code == 400
    refused = client.get(PARTNERS, query_string={"city": "city:izmir> } #"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    ("address", "named"),
    [
        (f"{PARTNERS}?city=Atlantis", "city"), (f"{PARTNERS}?city=", "city"), (f"{PARTNERS}?city=http://[", "city"),
        (f"{PARTNERS}?town=city:bremen", "town"), (f"{PARTNERS}?city=city:a&city=city:b", "city"),
        ("/queries/anniversaries?year=next", "year"), (f"/queries/anniversaries?year={'9' * 5000}", "year"),
        ("/queries/office-holders-on-date?date=2026-02-30", "date"),
        ("/queries/office-holders-on-date?date=yesterday", "date"),
    ],
)  # fmt: skip
def test_bad_parameter_is_named(client: FlaskClient, address: str, named: str) -> None:
    """As a problem to programs and as a page to people."""
    response = client.get(address)
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert named in told(response)["detail"]
    assert len(told(response)["detail"]) < 300
    assert client.get(address, headers={"Accept": BROWSER}).status_code == 400


@pytest.mark.parametrize(
    ("values", "marked", "kept"),
    [
        ({"year": "soon", "every": "5"}, ["year"], 'value="soon"'),
        ({"year": "soon", "every": "<b>"}, ["year", "every"], 'value="&lt;b&gt;"'),
        ({"town": "city:bremen"}, [], 'name="year"'),
    ],
)
def test_bad_value_is_told_in_the_form(
    client: FlaskClient, engines: list[InProcess], values: dict[str, str], marked: list[str], kept: str
) -> None:
    """The form keeps what was typed, marks the field and says what is wrong, without JavaScript (13.26)."""
    asked = len(engines[0].asked)
    response = client.get(
        "/queries/anniversaries", query_string={**values, "run": "1", "lang": "tr"}, headers={"Accept": BROWSER}
    )
    assert (response.status_code, response.headers["Cache-Control"]) == (400, "no-store")
    assert response.content_type == "text/html; charset=utf-8"
    form = response.text[response.text.index('<form class="search" method="get" action="/queries/anniv') :]
    fields = re.findall(r"<input name=.*?>", form)
    assert [field.split('"')[1] for field in fields if 'aria-invalid="true"' in field] == marked
    assert kept in form
    assert form.count('role="alert"') == form.count('id="result"') == 1
    assert 'class="caption takes"' not in form, "there is no result to download"
    assert "<h2>Sonuç</h2>" not in form
    assert "İstek geçersiz" in form
    assert len(engines[0].asked) == asked


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (LimitReached("the query was ended after 60 s: the limit is 60 s", "time", 60.0, 60.0), 503, "60"),
        (Busy("all engines are busy", 3), 503, "3"),
    ],
)
def test_limit_is_told_in_the_form(
    client: FlaskClient, engines: list[InProcess], monkeypatch: pytest.MonkeyPatch,
    error: CitygraphError, status: int, header: str,
) -> None:  # fmt: skip
    """With its status, and with the values to try again (13.26)."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(engines[0], "run", refuse)
    response = client.get(f"{PARTNERS}?city=city:baku&run=1", headers={"Accept": BROWSER})
    assert response.status_code == status
    assert response.headers.get("Retry-After", "") == header
    assert str(error) in response.text
    assert 'value="Baku"' in response.text


def test_unknown_query_tells_where_the_others_are(client: FlaskClient) -> None:
    """Nothing of the server's files is told."""
    for name in ("nope", "../README", "partners.rq", "tables"):
        response = client.get(f"/queries/{name}")
        assert response.status_code == 404, name
        assert response.content_type == "application/problem+json"
    assert told(client.get("/queries/nope"))["detail"] == "no stored query 'nope'; all are listed at /queries"


def test_other_methods_and_formats_are_refused(client: FlaskClient) -> None:
    """405 and 406, as problems."""
    assert client.post(PARTNERS).status_code == 405
    assert client.options(PARTNERS).headers["Access-Control-Allow-Methods"]
    assert client.get(f"{PARTNERS}?format=ttl").status_code == 406
    refused = client.get(f"{PARTNERS}?format=pdf")
    assert refused.status_code == 406
    assert "'pdf' is not a supported format; there are json, " in told(refused)["detail"]


def test_release_has_its_own(client: FlaskClient) -> None:
    """Below a release the same addresses, for good, with links that stay below it."""
    release = client.get(PARTNERS).headers["X-Citygraph-Release"]
    below = f"/releases/{release}"
    result = client.get(f"{below}{PARTNERS}")
    assert (result.status_code, result.headers["X-Citygraph-Release"]) == (200, release)
    assert "immutable" in result.headers["Cache-Control"]
    page = client.get(f"{below}{PARTNERS}", headers={"Accept": BROWSER})
    assert f'action="{below}{PARTNERS}#result"' in page.text
    listed = told(client.get(f"{below}/queries"))["queries"][0]
    assert listed["addresses"]["json"].startswith(below)
    assert told(client.get(f"{below}/openapi.json"))["servers"] == [{"url": f"http://localhost{below}"}]


def test_pages_lead_to_the_queries(client: FlaskClient) -> None:
    """From the foot of every page, and from the page for programs."""
    home = client.get("/", headers={"Accept": BROWSER}).text
    assert 'href="/queries"' in home
    assert 'href="/openapi.json"' in client.get("/api", headers={"Accept": BROWSER}).text


def test_site_without_engines_still_tells_of_the_queries(tmp_path: Path) -> None:
    """The list and the pages are there; a result is not."""
    three_releases(tmp_path)
    client = create_app(Settings(queries=QUERIES), Releases(tmp_path)).test_client()
    assert client.get("/queries").status_code == client.get(f"{PARTNERS}?format=html").status_code == 200
    assert client.get(PARTNERS).status_code == 404


def references(node: Any) -> list[str]:
    """Every $ref in a description."""
    if isinstance(node, dict):
        return [str(v) for k, v in node.items() if k == "$ref"] + [r for v in node.values() for r in references(v)]
    return [r for v in node for r in references(v)] if isinstance(node, list) else []


@pytest.mark.parametrize(
    ("method", "path", "operation", "status"),
    [
        ("POST", "/sparql", "/sparql", 415),
        ("GET", "/queries/partners?city=a%20b", "/queries/partners", 400),
        ("GET", "/queries/partners?format=png", "/queries/partners", 406),
        ("GET", "/queries?format=png", "/queries", 406),
        ("GET", "/doc/city/atlantis", "/doc/{type}/{slug}", 404),
        ("GET", "/doc/city/izmir?page=x", "/doc/{type}/{slug}", 400),
        ("GET", "/id/city/atlantis", "/id/{type}/{slug}", 404),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_openapi_describes_errors(
    client: FlaskClient, method: str, path: str, operation: str, status: int, accept: str
) -> None:
    """Problem details, or a page for a browser (13.37)."""
    body = b"SELECT" if method == "POST" else None
    response = client.open(path, method=method, data=body, content_type="text/plain", headers={"Accept": accept})
    assert response.status_code == status
    described = json.loads(client.get("/openapi.json").data)
    reference = described["paths"][operation][method.lower()]["responses"][str(status)]["$ref"]
    content = described["components"]["responses"][reference.rpartition("/")[2]]["content"]
    assert response.mimetype in content


def test_openapi_describes_what_is_there(client: FlaskClient) -> None:
    """OpenAPI 3.1: each query a path with its parameters, unique operations, no dangling reference."""
    response = client.get("/openapi.json")
    assert response.content_type == "application/vnd.oai.openapi+json;version=3.1"
    said = json.loads(response.data)
    assert re.fullmatch(r"3\.1\.\d+", said["openapi"])
    assert {"title", "version"} <= said["info"].keys()
    names = [one["name"] for one in told(client.get("/queries"))["queries"]]
    assert {f"/queries/{name}" for name in names} | {"/queries", "/sparql", "/doc/{type}/{slug}"} <= said[
        "paths"
    ].keys()
    operations = [(path, one) for path, item in said["paths"].items() for one in item.values()]
    ids = [one["operationId"] for _, one in operations]
    assert len(ids) == len(set(ids))
    for path, one in operations:
        assert one["responses"], path
        assert all(answer.keys() & {"description", "$ref"} for answer in one["responses"].values()), path
        in_path = {p["name"] for p in one.get("parameters", ()) if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path))
        every = [(p["name"], p["in"]) for p in one.get("parameters", ())]
        assert len(every) == len(set(every))
    for reference in references(said):
        part = said
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]
    year = next(p for p in said["paths"]["/queries/anniversaries"]["get"]["parameters"] if p["name"] == "year")
    assert year["schema"] == {"type": "integer", "minimum": 1, "maximum": 9999, "default": 2026}


def test_a_name_is_resolved_for_programs_too(izmir_client: FlaskClient) -> None:
    """(17) In any of its languages; an ambiguous one offers its entities, an unknown one similar names."""
    by_name = [izmir_client.get(PARTNERS, query_string={"city": name, "format": "csv"}) for name in ("Bakü", "BAKI")]
    by_iri = izmir_client.get(f"{PARTNERS}?city=city:baku&format=csv")
    assert {response.data for response in (*by_name, by_iri)} == {by_iri.data}
    ambiguous = izmir_client.get("/queries/single-source-statements?entity=Cyprus&format=csv")
    problem = told(ambiguous)
    assert (ambiguous.status_code, problem["type"].rpartition("/")[2]) == (400, "ambiguous-name")
    assert problem["parameter"] == "entity"
    assert {one["id"] for one in problem["candidates"]} == {"area/island-of-cyprus", "country/cyprus"}
    unknown = told(izmir_client.get(f"{PARTNERS}?city=Bremmen&format=csv"))
    assert unknown["type"].endswith("/unknown-name")
    assert [one["id"] for one in unknown["candidates"]] == ["city/bremen"]


def test_a_page_offers_the_candidates_of_a_name(izmir_client: FlaskClient) -> None:
    """(17) Each as a link to the result for it; the field is marked."""
    response = izmir_client.get("/queries/single-source-statements?entity=Cyprus&lang=tr", headers={"Accept": BROWSER})
    assert response.status_code == 400
    assert 'aria-invalid="true"' in response.text
    links = re.findall(r'<a href="(/queries/single-source-statements[^"]*)">Kıbrıs</a>', response.text)
    assert len(links) == 2
    for link in links:
        assert izmir_client.get(html.unescape(link), headers={"Accept": BROWSER}).status_code == 200


def test_a_form_has_an_input_for_each_type(izmir_client: FlaskClient) -> None:
    """(17) Entities with suggestions, numbers with bounds, dates, languages, choices."""

    def form(name: str) -> str:
        page = izmir_client.get(f"/queries/{name}?lang=tr", headers={"Accept": BROWSER}).text
        return page[page.index('<form class="search" method="get" action="/queries') :]

    assert 'data-suggest="/suggest?lang=tr&amp;type=city&amp;type=area"' in form("partners")
    assert 'name="year" value="2026" type="number" step="1" min="1" max="9999"' in form("anniversaries")
    assert re.search(r'name="date" value="[^"]*" size="12" maxlength="10"', form("office-holders-on-date"))
    assert '<option value="tr">Türkçe</option>' in form("place-names-by-source")
    assert '<option value="europe">Avrupa</option>' in form("agreements-by-continent")


PICTURED = [path.stem for path in sorted(QUERIES.glob("*.rq")) if "#+ view: table" not in path.read_text()]


@pytest.mark.parametrize("name", PICTURED)
def test_run_draws_the_view_of_the_head(izmir_client: FlaskClient, name: str) -> None:
    """(17) As SVG with a title, above the table with the same rows; the page of a result without dates says so."""
    page = izmir_client.get(f"/queries/{name}?run=1&lang=tr", headers={"Accept": BROWSER}).text
    assert rows(page)
    if name == "offices-of-person":  # the example person has no dated office
        assert "Zaman ekseni çizilemiyor" in page
        person = "/queries/offices-of-person?person=Tunç+Soyer&lang=tr"
        page = izmir_client.get(person, headers={"Accept": BROWSER}).text
    (svg,) = re.findall(r'<svg class="picture [^"]*" role="group" lang="tr".*?</svg>', page, re.DOTALL)
    assert re.search(r'<title id="result-\w+-title">[^<]+</title><desc id="result-\w+-desc">[^<]+</desc>', svg)
    assert svg.count("<a ") + svg.count("<g ") > 1


def picture_of(tmp_path: Path, built: tuple[Releases, Release, Report], head: str, text: str) -> str:
    """The picture of a query with this view and body."""
    (tmp_path / "drawn.rq").write_text(f"#+ title: Drawn\n#+ description: Drawn.\n{head}\n{text}\n", encoding="utf-8")
    client = create_app(Settings(queries=tmp_path), built[0], InProcess([], built[1].id)).test_client()
    page = client.get("/queries/drawn?run=1", headers={"Accept": BROWSER}).text
    return "".join(re.findall(r'<svg class="picture [^"]*" role="group".*?</svg>', page, re.DOTALL))


def test_a_chart_has_exact_figures_in_the_order_of_years(
    tmp_path: Path, built: tuple[Releases, Release, Report]
) -> None:
    """Years by their value, not as texts; numbers without a place on the axis are left out."""
    values = '(1990 1234567) (900 -2.5) ("1991"^^xsd:gYear "NaN"^^xsd:double) (1992 "INF"^^xsd:double) (10 0)'
    text = f"SELECT ?year ?n {{ VALUES (?year ?n) {{ {values} }} }}"
    svg = picture_of(tmp_path, built, "#+ view: chart\n#+ picture: {by: year, value: n}", text)
    assert re.findall(r'<text class="value"[^>]*>([^<]*)</text>', svg) == ["0", "-2.5", "1,234,567"]
    assert not re.search(r'"(?:nan|inf|-inf)"', svg)


def test_a_long_figure_is_not_cut_off(tmp_path: Path, built: tuple[Releases, Release, Report]) -> None:
    """Else it would be another number: the longest bar leaves it room."""
    text = 'SELECT ?name ?n { VALUES (?name ?n) { ("a" 123456789012.5) ("b" 1) } }'
    svg = picture_of(tmp_path, built, "#+ view: chart\n#+ picture: {name: name, value: n}", text)
    width = float(re.findall(r'viewBox="0 0 ([\d.]+) ', svg)[0])
    figures = re.findall(r'<text class="value" x="([\d.]+)"[^>]*>([^<]*)</text>', svg)
    assert len(figures) == 2
    for x, figure in figures:
        assert float(x) + 6.6 * len(figure) <= width


def test_a_map_leaves_out_what_is_no_place_on_the_earth(
    tmp_path: Path, built: tuple[Releases, Release, Report]
) -> None:
    """A wrong coordinate would be drawn somewhere."""
    values = '("Volos" 39.4 22.9) ("Cairo" 30.0 31.2) ("Nowhere" 1000 2000) ("Unknown" "NaN"^^xsd:double 3)'
    text = f"SELECT ?name ?lat ?lon {{ VALUES (?name ?lat ?lon) {{ {values} }} }}"
    svg = picture_of(tmp_path, built, "#+ view: map\n#+ picture: {name: name}", text)
    assert "Volos" in svg
    assert "Nowhere" not in svg
    assert "Unknown" not in svg


def test_headings_labels_and_words_are_in_the_language(izmir_client: FlaskClient) -> None:
    """(17) A label that the language lacks is in the next best; programs choose with lang=."""
    page = izmir_client.get("/queries/tie-by-year?run=1&lang=tr", headers={"Accept": BROWSER}).text
    assert '<th scope="col">Etkinlik veya durum</th>' in page
    cells = {cell for row in rows(page) for cell in row}
    assert {"meclis kararı", "yürürlükte (belgelenmiş)"} <= cells
    turkish = izmir_client.get(f"{PARTNERS}?lang=tr&format=csv").text
    assert ",Saraybosna,Bosna-Hersek," in turkish
    assert ",Bălți,Moldova," in turkish
    assert ",Sarajevo,Bosnia and Herzegovina," in izmir_client.get(f"{PARTNERS}?format=csv").text


def test_an_empty_result_says_for_which_values(izmir_client: FlaskClient) -> None:
    """(17) Under the heading of the result, instead of a table."""
    page = izmir_client.get("/queries/agreements-by-continent?continent=oceania", headers={"Accept": BROWSER}).text
    sentence = page[page.index('<p class="none">') :].partition("</p>")[0]
    assert "The graph has nothing that fits these values" in sentence
    assert "continent = oceania" in sentence
