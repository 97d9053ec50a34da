"""/reconcile over HTTP: the Reconciliation API 0.2, and what its clients trip over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, NamedNode
from werkzeug.test import TestResponse

from citygraph.rdf.terms import CG, RDF
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.reconciliation_rules import check_extension, check_manifest, check_results, check_suggestions

ADDRESSES = ["/reconcile", "/reconcile/suggest/entity?prefix=iz", "/reconcile/flyout/entity?id=city/izmir",
             "/reconcile/preview?id=city/izmir", "/reconcile/properties?type=City"]  # fmt: skip


@pytest.fixture(scope="module")
def app(built: tuple[Releases, Release, Report]) -> Flask:
    """The site over the İzmir graph."""
    return create_app(Settings(), built[0])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def ask(client: FlaskClient, queries: Any, path: str = "/reconcile") -> dict[str, Any]:
    """The results of a batch that is sent as a form."""
    response = client.post(path, data={"queries": json.dumps(queries)})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    check_results(answer, set(queries))
    return answer


def ids(answer: dict[str, Any], name: str = "q0") -> list[str]:
    """The identifiers of the candidates."""
    return [candidate["id"] for candidate in answer[name]["result"]]


def test_a_get_without_parameters_is_the_manifest(client: FlaskClient) -> None:
    """R1 and R2."""
    response = client.get("/reconcile")
    assert response.status_code == 200
    assert response.content_type == "application/json"
    check_manifest(response.get_json())


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_manifest_names_types_in_the_readers_language(client: FlaskClient, language: str) -> None:
    """By ?lang= or Accept-Language."""
    manifest = client.get(f"/reconcile?lang={language}").get_json()
    assert manifest["defaultTypes"][0] == {"id": "City", "name": {"en": "city", "tr": "şehir"}[language]}
    check_manifest(manifest)


def test_a_batch_is_answered_by_post_and_by_get(client: FlaskClient) -> None:
    """R4 and R12: the same answer on both ways."""
    queries = {"q0": {"query": "Smyrna", "type": "City"}, "x": {"query": "Баку", "limit": 1}}
    posted = ask(client, queries)
    assert ids(posted) == ["city/izmir"]
    assert ids(posted, "x") == ["city/baku"]
    assert posted["q0"]["result"][0]["match"] is True
    assert client.get("/reconcile", query_string={"queries": json.dumps(queries)}).get_json() == posted


def test_queries_in_a_batch_do_not_touch_each_other(client: FlaskClient) -> None:
    """Section 4.4."""
    queries = {f"q{n}": {"query": name} for n, name in enumerate(["Bremen", "Xyzzy", "", "İzmir", "Tugay"])}
    together = ask(client, queries)
    for id_, query in queries.items():
        assert ask(client, {id_: query})[id_] == together[id_]


@pytest.mark.parametrize(
    "properties",
    [
        [{"pid": "country", "v": "Almanya"}],
        [{"pid": "cg:country", "v": {"id": "country/germany", "name": "Germany"}}],
        [{"pid": "https://w3id.org/citygraph/ontology#country", "v": ["France", "Germany"]}],
        [{"pid": "P17", "v": "Q183"}],
        [{"pid": "coordinates", "v": "53.08, 8.8"}],
        [{"pid": "coordinates", "v": "POINT(8.8 53.08)"}],
        [{"pid": "latitude", "v": 53.08}, {"pid": "longitude", "v": 8.8}],
        [{"pid": "owl:sameAs", "v": "http://www.wikidata.org/entity/Q24879"}],
        [{"pid": "qid", "v": "Q24879"}],
    ],
)
def test_properties_weigh(client: FlaskClient, properties: list[dict[str, Any]]) -> None:
    """Country, coordinates and QID, in the forms in which clients send them."""
    found = ask(client, {"q0": {"query": "Bremem", "type": "City", "properties": properties}})["q0"]["result"][0]
    plain = ask(client, {"q0": {"query": "Bremem", "type": "City"}})["q0"]["result"][0]
    assert found["id"] == plain["id"] == "city/bremen"
    assert found["score"] > plain["score"]
    assert len(found["features"]) > len(plain["features"])


@pytest.mark.parametrize("date", ["1985", "04.09.1985", "1985-09-04T00:00:00Z", "1980/1990"])
def test_dates_weigh(client: FlaskClient, date: str) -> None:
    """In full, partial, Turkish, or as an interval."""
    query = {"query": "İzmir–Baku", "type": "Agreement", "properties": [{"pid": "date", "v": date}]}
    found = ask(client, {"q0": query})["q0"]["result"][0]
    assert {"id": "date", "value": True} in found["features"]


@pytest.mark.parametrize("value", ["unknown", "", None, "1/2/3/4", [], {}, True, -1e300, "POINT(500 500)"])
def test_a_value_that_says_nothing_changes_nothing(client: FlaskClient, value: Any) -> None:
    """Real columns hold such values."""
    for pid in ("date", "coordinates", "country", "qid", "nosuch"):
        query = {"query": "Bremen", "type": "City", "properties": [{"pid": pid, "v": value}]}
        assert ids(ask(client, {"q0": query}))[0] == "city/bremen"


@pytest.mark.parametrize(
    "date",
    ["31.02.1985", "1985-02-31", "1985-13", "1985-00", "12/31/1985", "0000", "1990/1980", "1985-09-04/1985-08", "1985/",
     "yok", "c. 1985", "1985?", "٣١.٠٢.١٩٨٥"],
)  # fmt: skip
def test_a_date_that_no_calendar_has_is_no_evidence(client: FlaskClient, date: str) -> None:
    """Neither for nor against a candidate (13.20)."""
    query = {"query": "İzmir–Baku", "type": "Agreement"}
    plain = ask(client, {"q0": query})
    assert ask(client, {"q0": {**query, "properties": [{"pid": "date", "v": date}]}}) == plain


@pytest.mark.parametrize(
    "text",
    ['{"q0": {"query": "\\ud800"}}', '{"q0": {"query": "x", "properties": [{"pid": "date", "v": "\\uDFFF"}]}}',
     '{"q0": {"query": "x", "limit": 1e999}}', '{"q0": {"query": "x", "limit": ' + "9" * 5000 + "}}"],
)  # fmt: skip
def test_a_malformed_query_is_refused(client: FlaskClient, text: str) -> None:
    """Half of a surrogate pair, and numbers that are none (13.20)."""
    assert client.post("/reconcile", data={"queries": text}).status_code == 400


def test_odd_settings_of_an_extension_are_answered(client: FlaskClient) -> None:
    """An infinite limit is none; half of a surrogate pair is refused (13.20)."""
    text = '{"ids": ["city/izmir"], "properties": [{"id": "country", "settings": {"limit": 1e999}}]}'
    answer = client.post("/reconcile", data={"extend": text})
    assert len(answer.get_json()["rows"]["city/izmir"]["country"]) == 1
    assert client.post("/reconcile", data={"extend": text.replace("izmir", "\\ud800")}).status_code == 400
    for odd in ("😀", "a b", "\\u0000", "http://[/id/"):
        answer = client.post("/reconcile", data={"extend": text.replace("city/izmir", odd)})
        assert list(answer.get_json()["rows"].values()) == [{"country": []}]


@pytest.mark.parametrize("path", ["suggest/entity?prefix=iz&cursor=", "properties?type=City&limit="])
def test_a_number_of_any_length_is_refused(client: FlaskClient, path: str) -> None:
    """Python does not read one of thousands of digits (13.20)."""
    for number in ("9" * 5000, "100000", "²", "-1", "1.5"):
        assert client.get(f"/reconcile/{path}{number}").status_code == 400
    assert client.get(f"/reconcile/{path}3").status_code == 200


@pytest.mark.parametrize("type_", ["City", "city", "cg:City", "https://w3id.org/citygraph/ontology#City",
                                   ["City"], [{"id": "City"}], ["Person", "City"]])  # fmt: skip
def test_types_constrain(client: FlaskClient, type_: Any) -> None:
    """One or several, by any of their identifiers."""
    answer = ask(client, {"q0": {"query": "Bremen", "type": type_}})
    assert ids(answer) == ["city/bremen"]


@pytest.mark.parametrize("query", ["Bremen", "Bremem"])
def test_a_type_that_does_not_exist_has_no_candidates(client: FlaskClient, query: str) -> None:
    """Like a type without entities; one that exists next to it still counts, and "should" only costs points."""
    assert ids(ask(client, {"q0": {"query": query, "type": "Ship"}})) == []
    assert ids(ask(client, {"q0": {"query": query, "type": ["Ship", "City"], "type_strict": "all"}})) == []
    assert ids(ask(client, {"q0": {"query": query, "type": ["Ship", "City"]}})) == ["city/bremen"]
    assert "city/bremen" in ids(ask(client, {"q0": {"query": query, "type": "Ship", "type_strict": "should"}}))


@pytest.mark.parametrize("query", ["city/bremen", "Q24879"])
def test_an_identifier_of_another_type_is_no_match(client: FlaskClient, query: str) -> None:
    """It is the only candidate, for a person to decide: either the identifier or the type is wrong."""
    for type_ in ("Person", "Ship"):
        (candidate,) = ask(client, {"q0": {"query": query, "type": type_}})["q0"]["result"]
        assert (candidate["id"], candidate["match"]) == ("city/bremen", False)
        assert {"id": "type", "value": False} in candidate["features"]
    (candidate,) = ask(client, {"q0": {"query": query, "type": "Place"}})["q0"]["result"]
    assert candidate["match"]


def test_a_broader_type_holds_the_narrower(client: FlaskClient) -> None:
    """A city is a place."""
    assert "city/bremen" in ids(ask(client, {"q0": {"query": "Bremen", "type": "Place"}}))


@pytest.mark.parametrize("prefix", ["Q35997", "city/izmir", "https://w3id.org/citygraph/id/city/izmir", "İZM", "smyr"])
def test_entities_are_suggested(client: FlaskClient, prefix: str) -> None:
    """R7: by the beginning of a name, or by identifier."""
    answer = client.get("/reconcile/suggest/entity", query_string={"prefix": prefix}).get_json()
    check_suggestions(answer)
    assert answer["result"][0]["id"] == "city/izmir"


def test_the_cursor_skips(client: FlaskClient) -> None:
    """More suggestions are those behind the first."""
    first = client.get("/reconcile/suggest/entity?prefix=i").get_json()["result"]
    rest = client.get("/reconcile/suggest/entity?prefix=i&cursor=3").get_json()["result"]
    assert rest[: len(first) - 3] == first[3:]
    assert client.get("/reconcile/suggest/entity?prefix=i&cursor=x").status_code == 400


@pytest.mark.parametrize(
    ("kind", "prefix", "id_"),
    [("type", "şeh", "City"), ("type", "City", "City"), ("property", "ülk", "country"),
     ("property", "coord", "coordinates"), ("property", "cg:country", "country")],
)  # fmt: skip
def test_types_and_properties_are_suggested(client: FlaskClient, kind: str, prefix: str, id_: str) -> None:
    """R15: by name in the reader's language, or by identifier."""
    answer = client.get(f"/reconcile/suggest/{kind}", query_string={"prefix": prefix, "lang": "tr"}).get_json()
    check_suggestions(answer)
    assert id_ in [one["id"] for one in answer["result"]][:2]


@pytest.mark.parametrize(("kind", "id_"), [("entity", "city/izmir"), ("type", "City"), ("property", "country")])
def test_flyouts_are_small_cards(client: FlaskClient, kind: str, id_: str) -> None:
    """An object with the id that was asked and some HTML, without any script."""
    answer = client.get(f"/reconcile/flyout/{kind}", query_string={"id": id_}).get_json()
    assert answer["id"] == id_
    assert answer["html"].startswith("<h3>")
    assert "<script" not in answer["html"]


def test_the_preview_is_a_page_for_a_frame_of_any_site(client: FlaskClient) -> None:
    """R6."""
    url = client.get("/reconcile").get_json()["preview"]["url"].replace("{{id}}", "city%2Fizmir")
    response = client.get(url.removeprefix("http://localhost"))
    assert response.content_type == "text/html; charset=utf-8"
    assert "frame-ancestors *" in response.headers["Content-Security-Policy"]
    for text in ("İzmir", "Smyrna", "Q35997", "38.4"):
        assert text in response.text


def test_the_view_of_an_identifier_leads_to_the_entity(client: FlaskClient) -> None:
    """R5: with the identifier encoded as the client does it."""
    url = client.get("/reconcile").get_json()["view"]["url"].replace("{{id}}", "city%2Fizmir")
    response = client.get(
        url.removeprefix("http://localhost"), follow_redirects=True, headers={"Accept": "text/turtle"}
    )
    assert response.status_code == 200
    assert "izmir" in response.text


def extend(client: FlaskClient, entities: list[str], properties: list[dict[str, Any]]) -> dict[str, Any]:
    """The rows of an extension."""
    query = {"ids": entities, "properties": properties}
    response = client.post("/reconcile", data={"extend": json.dumps(query)})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    check_extension(answer, entities, [one["id"] for one in properties])
    assert client.get("/reconcile", query_string={"extend": json.dumps(query)}).get_json() == answer
    return dict(answer["rows"])


def test_data_are_extended(client: FlaskClient) -> None:
    """R8: entities, texts, dates, numbers; nothing for what is not there."""
    names = ["country", "qid", "label", "councilActDate", "populationFigure", "coordinates"]
    rows = extend(client, ["city/izmir", "agreement/izmir-baku", "city/nowhere"], [{"id": name} for name in names])
    assert rows["city/izmir"]["country"] == [{"id": "country/turkiye", "name": "Türkiye"}]
    assert rows["city/izmir"]["qid"] == [{"str": "Q35997"}]
    assert rows["city/izmir"]["coordinates"][0]["str"].startswith("38.4")
    assert rows["agreement/izmir-baku"]["councilActDate"] == [{"date": "1985-09-04T00:00:00Z"}]
    assert all(cells == [] for cells in rows["city/nowhere"].values())
    baku = extend(client, ["city/baku"], [{"id": "populationFigure"}])["city/baku"]["populationFigure"]
    assert isinstance(baku[0]["int"], int)


def test_settings_choose_how_many_values_and_in_which_language(client: FlaskClient) -> None:
    """As the manifest offers them."""
    every = len(extend(client, ["city/izmir"], [{"id": "twinnedWith"}])["city/izmir"]["twinnedWith"])
    for limit, number in (
        (1, 1),
        ("1", 1),
        ("0", every),
        ("", every),
        ("-1", every),
        ("٢", every),
        ("9" * 5000, every),
    ):
        few = extend(client, ["city/izmir"], [{"id": "twinnedWith", "settings": {"limit": limit}}])
        assert len(few["city/izmir"]["twinnedWith"]) == number
    for language, names in (("tr", ["Bakü"]), ("en", ["Baku"])):
        rows = extend(client, ["city/baku"], [{"id": "label", "settings": {"language": language}}])
        assert rows["city/baku"]["label"] == [{"str": name} for name in names]
    translated = extend(client, ["city/baku"], [{"id": "label", "settings": {"language": "all"}}])
    assert len(translated["city/baku"]["label"]) > 1


def test_properties_are_proposed_for_a_type(client: FlaskClient) -> None:
    """R8 and R16: those that things of the type may have."""
    answer = client.get("/reconcile/properties?type=City").get_json()
    names = [one["id"] for one in answer["properties"]]
    assert answer["type"] == "City"
    assert {"country", "coordinates", "qid", "twinnedWith"} <= set(names)
    assert "holder" not in names
    limited = client.get("/reconcile/properties?type=City&limit=2").get_json()
    assert [one["id"] for one in limited["properties"]] == names[:2]
    assert limited["limit"] == 2


@pytest.mark.parametrize("type_", ["City", "Agreement", "Person", "Organisation"])
def test_properties_that_are_filled_most_frequently_are_proposed_first(
    client: FlaskClient, izmir: Release, type_: str
) -> None:
    """OpenRefine shows them in this order: the first has a value in every row (13.29)."""
    properties = [one["id"] for one in client.get(f"/reconcile/properties?type={type_}").get_json()["properties"]]
    quads = izmir.open_store().quads_for_pattern(None, RDF("type"), CG(type_), DefaultGraph())
    entities = [quad.subject.value.partition("/id/")[2] for quad in quads if isinstance(quad.subject, NamedNode)]
    rows = extend(client, entities, [{"id": one} for one in properties])
    filled = [sum(bool(row[one]) for row in rows.values()) for one in properties]
    assert filled[0] == len(entities)
    assert filled == sorted(filled, reverse=True)


def test_properties_of_an_unknown_type_are_ordered_too(client: FlaskClient) -> None:
    """Everything has a name (13.29)."""
    properties = client.get("/reconcile/properties?type=Ship").get_json()["properties"]
    assert properties[0]["id"] == "label"
    assert {"holder", "country"} <= {one["id"] for one in properties}


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_address_may_be_asked_from_other_sites(client: FlaskClient, address: str) -> None:
    """R3: the same on answers, preflights and errors."""
    for response in (client.get(address), client.head(address), client.options(address)):
        assert response.status_code in (200, 204)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    preflight = client.options(address, headers={"Access-Control-Request-Method": "POST"})
    assert ("POST" if address == "/reconcile" else "GET") in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]


def test_parameters_in_the_address_may_be_posted(client: FlaskClient) -> None:
    """An empty body has no type (13.33)."""
    posted = client.post("/reconcile?query=izmir", content_type="application/json")
    assert (posted.status_code, posted.get_json()) == (200, client.get("/reconcile?query=izmir").get_json())


def failures(client: FlaskClient) -> list[tuple[int, TestResponse]]:
    """What goes wrong, and the status that says so."""

    def post(**form: Any) -> TestResponse:
        return client.post("/reconcile", data={name: json.dumps(value) for name, value in form.items()})

    many = {f"q{n}": {"query": "x"} for n in range(101)}
    return [
        (400, client.post("/reconcile", data={"queries": "{"})),
        (400, client.post("/reconcile", data={"queries": "[" * 100_000})),
        (400, post(queries=[])),
        (400, post(queries={"q0": {}})),
        (400, post(queries={"q0": {"query": 5}})),
        (400, post(queries={"q0": {"query": "x", "limit": 0}})),
        (400, post(queries={"q0": {"query": "x", "limit": "many"}})),
        (400, post(queries={"q0": {"query": "x", "type": 5}})),
        (400, post(queries={"q0": {"query": "x", "type_strict": "never"}})),
        (400, post(queries={"q0": {"query": "x", "properties": [{"pid": "country"}]}})),
        (400, post(extend={"ids": "x", "properties": []})),
        (400, post(extend={"ids": [], "properties": [{"id": "nosuch"}]})),
        (400, post(other={})),
        (413, post(queries=many)),
        (413, post(extend={"ids": ["x"] * 1001, "properties": []})),
        (415, client.post("/reconcile", data="{}", content_type="application/json")),
        (405, client.delete("/reconcile")),
        (400, client.get("/reconcile?callback=alert(1)")),
        (400, client.get("/reconcile?callback=" + "a" * 2000)),
        (404, client.get("/reconcile/preview?id=city/nowhere")),
        (404, client.get("/reconcile/flyout/type?id=Nothing")),
        (404, client.get("/reconcile/suggest/dream?prefix=x")),
        (404, client.get("/reconcile/nothing")),
    ]


def test_errors_have_a_real_status_a_reason_and_cors(client: FlaskClient) -> None:
    """R17 and R3; batchSize is meant."""
    for place, (status, response) in enumerate(failures(client)):
        assert response.status_code == status, place
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.get_json()["detail"]


def test_a_whole_batch_fits(client: FlaskClient) -> None:
    """As many queries as batchSize says."""
    size = client.get("/reconcile").get_json()["batchSize"]
    answered = ask(client, {f"q{n}": {"query": "İzmir"} for n in range(size)})
    assert set(answered) == {f"q{n}" for n in range(size)}
    assert all(one["result"][0]["match"] for one in answered.values())


@pytest.mark.parametrize("path", ["", "?queries=%7B%22q%22%3A%7B%22query%22%3A%22Baku%22%7D%7D",
                                  "/suggest/entity?prefix=%E2%80%A8"])  # fmt: skip
def test_old_clients_get_a_script(client: FlaskClient, path: str) -> None:
    """R18: OpenRefine still probes with callback=."""
    response = client.get(f"/reconcile{path}{'&' if '?' in path else '?'}callback=jsonp_1.cb")
    assert response.mimetype == "application/javascript"
    text = response.text
    assert text.startswith("/**/jsonp_1.cb({")
    assert text.endswith("});")
    json.loads(text.removeprefix("/**/jsonp_1.cb(").removesuffix(");"))


def test_a_single_query_of_version_0_1_is_answered(client: FlaskClient) -> None:
    """As text or as an object."""
    for query in ("Smyrna", '{"query": "Smyrna", "type": "City"}'):
        found = client.get("/reconcile", query_string={"query": query}).get_json()["result"]
        assert found[0]["id"] == "city/izmir"


def test_addresses_are_right_behind_a_proxy(built: tuple[Releases, Release, Report]) -> None:
    """Scheme, host and prefix as the client sees them."""
    client = create_app(Settings(trusted_proxies=1), built[0]).test_client()
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "data.example", "X-Forwarded-Prefix": "/graph"}
    manifest = client.get("/reconcile", headers=forwarded).get_json()
    check_manifest(manifest)
    assert manifest["view"]["url"] == "https://data.example/graph/id/{{id}}"
    assert manifest["suggest"]["entity"]["service_url"] == "https://data.example/graph/reconcile"
    assert manifest["identifierSpace"] == "https://w3id.org/citygraph/id/"


def test_a_release_answers_at_its_own_address(client: FlaskClient, izmir: Release) -> None:
    """So that a match can be done again."""
    root = f"/releases/{izmir.id}"
    assert ids(ask(client, {"q0": {"query": "Smyrna", "type": "City"}}, f"{root}/reconcile")) == ["city/izmir"]
    manifest = client.get(f"{root}/reconcile").get_json()
    assert manifest["view"]["url"] == f"http://localhost{root}/id/{{{{id}}}}"


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_features_are_told(client: FlaskClient, language: str) -> None:
    """The address that feature_view names."""
    page = client.get(f"/reconcile/features?lang={language}", headers={"Accept": "text/html"}).text
    for feature in ("name", "alias", "type", "country", "distance", "near", "date", "qid", "id"):
        assert f'id="{feature}"' in page
