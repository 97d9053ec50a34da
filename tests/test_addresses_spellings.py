"""One right answer for each spelling of an address; and identifiers under another base than citygraph's."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from citygraph.rdf.terms import BASE, CG, ID, RDF, RDFS, SOURCE
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.http.addresses import Addresses, redirected
from citygraph.web.http.messages import Request
from tests.world import publish, small_world

_APPENDED = "&".join(
    f"{name}=x"
    for name in ("fbclid", "utm_source", "utm_source_platform", "mtm_campaign", "pk_campaign", "srsltid", "_gl", "_")
)
OTHER = "https://data.example/cities/"


def named(iri: str, label: str, source: NamedNode) -> list[Quad]:
    """A city of that IRI."""
    city = NamedNode(iri)
    name = Literal(label, language="tr")
    triples = [Triple(city, RDF("type"), CG("City")), Triple(city, RDFS("label"), name)]
    return [Quad(t.subject, t.predicate, t.object, graph) for t in triples for graph in (source, DefaultGraph())]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A world with an entity whose IRI has Turkish letters, though no slug of ours has."""
    root = tmp_path_factory.mktemp("spellings")
    publish([*small_world(), *named(ID + "city/İzmir-ışıklı", "İzmir ışıklı", SOURCE("page"))], root)
    return create_app(Settings(), Releases(root)).test_client()


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        # İ, ı and ş in UTF-8 are the entity; the document's address is written in percent signs.
        ("/id/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1", 303, "/doc/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1"),
        ("/doc/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1.nt", 200, ""),
        # Small letters in percent signs are the same.
        ("/doc/city/%c4%b0zmir-%c4%b1%c5%9f%c4%b1kl%c4%b1.nt", 200, ""),
        # NFD leads to NFC.
        ("/doc/city/I%CC%87zmir-%C4%B1s%CC%A7%C4%B1kl%C4%B1", 301, "/doc/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1"),
        ("/id/city/I%CC%87zmir-%C4%B1s%CC%A7%C4%B1kl%C4%B1", 301, "/id/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1"),
        # A slash at the end leads to the address without.
        ("/id/city/izmir/", 301, "/id/city/izmir"),
        ("/doc/city/izmir//", 301, "/doc/city/izmir"),
        # An i is not an ı, and an IRI is not folded.
        ("/doc/city/izmir.nt", 200, ""),
        ("/doc/city/%C4%B1zmir.nt", 404, ""),
        ("/doc/city/Izmir.nt", 404, ""),
        ("/doc/city/%C4%B0zmir.nt", 404, ""),
        # Decoded once: what is encoded twice is another IRI, and a slash in disguise is a slash.
        ("/doc/city/%25C4%25B0zmir.nt", 404, ""),
        ("/doc/city%2Fizmir.nt", 200, ""),
        ("/doc/city/iz%2Fmir.nt", 404, ""),
        ("/doc/city/../city/izmir.nt", 404, ""),
        # No UTF-8, no IRI.
        ("/doc/city/%FF.nt", 404, ""),
        ("/doc/city/%00", 404, ""),
        ("/id/city/%22%3E%3Cscript%3E", 404, ""),
    ],
)  # fmt: skip
def test_each_spelling_has_one_right_answer(client: FlaskClient, path: str, status: int, location: str) -> None:
    """A path is decoded once and compared in NFC; nothing else is guessed."""
    response = client.get(path, headers={"Accept": "text/turtle"})
    assert (response.status_code, response.headers.get("Location", "")) == (status, location)


@pytest.mark.parametrize("path", ["queries/partners", "explore", "openapi.json", "releases", "robots.txt"])
def test_no_address_ends_with_a_slash(client: FlaskClient, path: str) -> None:
    """Every kind of address, not documents alone, redirects to the one without, with its query."""
    for root in ("", f"/releases/{client.get('/releases').headers['X-Citygraph-Release']}"):
        response = client.get(f"{root}/{path}/?lang=tr&q=%C4%B0")
        assert (response.status_code, response.headers["Location"]) == (301, f"{root}/{path}?lang=tr&q=%C4%B0")
    assert client.post(f"/{path}/").status_code in (404, 405)


@pytest.mark.parametrize("path", ["/cite?", "/cite/doc/city/izmir?at=2000-01-01&", "/doc/city/izmir?_cite=text&"])
def test_a_citation_has_no_parameter_that_others_appended(client: FlaskClient, path: str) -> None:
    """Only what selects the cited content is part of its address."""
    assert client.get(path + _APPENDED).data == client.get(path).data


@pytest.mark.parametrize(
    "path",
    [
        *["nothing/", "doc/", "cafe\u0301", "queries.zip/x/", "land/1/"],
        *["doc/city/x/", "doc/city/nowhere.ttl/", "id/city/nowhere/", "doc/city/nowhe\u0301re", "graph/x/"],
        *["queries/nothing/", "tables/nothing.csv/", "dumps/nothing/", "problems/nothing/", "ontology/Nothing/"],
        *["static/nothing.css/", "preview/doc/city/nowhere.png/", "cite/doc/city/nowhere/"],
    ],
)
def test_no_redirect_leads_to_an_address_that_does_not_exist(client: FlaskClient, path: str) -> None:
    """A path that the site does not have is 404 at once, in every spelling."""
    for root in ("", f"/releases/{client.get('/releases').headers['X-Citygraph-Release']}"):
        assert client.get(f"{root}/{path}", headers={"Accept": "text/html"}).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/reconcile", "/doc/city/izmir.nt", "/tables", "/dumps", "/releases.json", "/feed", "/queries"],
)
def test_an_address_that_selects_nothing_ignores_other_parameters(client: FlaskClient, path: str) -> None:
    """Feed readers, scripts and OpenRefine append parameters of their own, and there is only one response."""
    assert client.get(f"{path}?colour=red").data == client.get(path).data


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/explore.json?kind=agreement", "type, country, decade, protocol, source, at, page, format, lang"),
        (
            "/explore?type=agreement&countries=germany",
            "type, country, decade, protocol, source, at, page, format, lang",
        ),
        ("/network.csv?at=1990-01-01", "city, from, to, format, lang"),
        ("/search.json?query=baku", "q, type, format, lang"),
        ("/suggest?prefix=baku", "q, type, format, lang"),
        ("/quality.json?shape=x", "format, lang"),
    ],
)
def test_a_parameter_that_an_address_does_not_have_is_refused(client: FlaskClient, path: str, names: str) -> None:
    """Without the misspelt filter, the response would be other data than those wanted."""
    response = client.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert response.get_json(force=True)["detail"].endswith(f"; it has: {names}")


@pytest.mark.parametrize(
    "path", ["/explore?type=city", "/search?q=baku", "/queries/partners?city=baku", "/doc/city/izmir?at=2000-01-01"]
)
def test_a_shared_link_works_with_what_others_append_to_it(client: FlaskClient, path: str) -> None:
    """Mail programs and social networks append parameters to links."""
    response = client.get(f"{path}&{_APPENDED}&lang=tr", headers={"Accept": "text/html"})
    assert (response.status_code, response.headers["Content-Language"]) == (200, "tr")


def test_options_for_the_whole_server(client: FlaskClient) -> None:
    """The asterisk is no path (RFC 9110, 9.3.7); the path /* is one, which the site does not have."""
    response = client.open("/", method="OPTIONS", environ_overrides={"PATH_INFO": "*"})
    assert response.status_code == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(response.headers["Allow"].split(", "))
    assert client.options("/*").status_code == 404
    assert client.open("/", environ_overrides={"PATH_INFO": "*"}).status_code == 404


def test_a_redirect_of_a_faulty_request_shows_the_fault_at_its_target(client: FlaskClient) -> None:
    """The address exists; only what was asked there is wrong."""
    response = client.get("/explore/?colour=red")
    assert (response.status_code, response.headers["Location"]) == (301, "/explore?colour=red")


def test_no_query_is_evaluated_for_a_redirect() -> None:
    """It would be evaluated again at the target."""
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql/", "QUERY_STRING": "query=ASK%20{}"}
    reply = redirected(Request(environ), "/sparql?query=ASK%20{}", lambda _: pytest.fail("it was evaluated"))
    assert (reply.status, reply.header("Location")) == (301, "/sparql?query=ASK%20{}")


def test_a_uri_after_a_timegate_keeps_its_slash(client: FlaskClient) -> None:
    """It is compared as it is."""
    assert client.get("/timegate/").status_code == 302
    assert client.get("/timemap/").status_code == 200


def test_links_of_a_turkish_address_are_uris(client: FlaskClient) -> None:
    """A header is ASCII; each link in it leads back to the document."""
    response = client.get("/doc/city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1.nt")
    assert response.headers["Link"].isascii()
    assert f'<{ID}city/%C4%B0zmir-%C4%B1%C5%9F%C4%B1kl%C4%B1>; rel="cite-as"' in response.headers["Link"]
    assert client.get(response.headers["Content-Location"]).data == response.data
    assert {q.subject.value for q in parse(response.data, RdfFormat.N_TRIPLES)} >= {ID + "city/İzmir-ışıklı"}


# Another base


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Somebody else's cities, in citygraph's vocabulary."""
    root = tmp_path_factory.mktemp("elsewhere")
    source = NamedNode(OTHER + "source/register")
    ours = [quad for quad in small_world() if str(quad.graph_name).startswith("<https://w3id.org/citygraph/graph/")]
    about = [
        Quad(source, RDFS("label"), Literal("Register", language="en"), graph) for graph in (source, DefaultGraph())
    ]
    publish([*ours, *about, *named(OTHER + "id/city/urla", "Urla", source)], root)
    return create_app(Settings(base=OTHER), Releases(root)).test_client()


def test_entities_and_sources_are_of_the_base(elsewhere: FlaskClient) -> None:
    """They dereference on this host, and their documents are named after them."""
    assert elsewhere.get("/id/city/urla").headers["Location"] == "/doc/city/urla"
    response = elsewhere.get("/doc/city/urla.nt")
    assert response.status_code == 200
    assert f"<{OTHER}doc/city/urla>" in response.text
    assert f'<{OTHER}id/city/urla>; rel="cite-as"' in response.headers["Link"]
    assert elsewhere.get("/source/register.ttl").status_code == 200
    assert f"<{OTHER}source/register>" in response.text, "what it was derived from"
    assert 'href="/doc/city/urla.ttl"' in elsewhere.get("/doc/city/urla.html").text


@pytest.mark.parametrize("path", ["/ontology", "/ontology/roles/mayor", "/shapes"])
def test_the_vocabulary_keeps_its_names(elsewhere: FlaskClient, path: str) -> None:
    """A vocabulary is shared: it is answered for here too, under the names that it has."""
    response = elsewhere.get(path, headers={"Accept": "application/n-triples"}, follow_redirects=True)
    assert response.status_code == 200
    assert BASE in response.text


def test_addresses_know_both_bases() -> None:
    """Both ways; what is of neither stays as it is."""
    addresses = Addresses(OTHER, "/graph")
    assert addresses.local(OTHER + "id/city/urla") == "/graph/id/city/urla"
    assert addresses.local(CG("City").value) == "/graph/ontology#City"
    assert addresses.local("https://schema.org/City") == "https://schema.org/City"
    assert addresses.thing("doc/city/urla") == OTHER + "id/city/urla"
    assert addresses.thing("graph/curation") == OTHER + "graph/curation"
    assert addresses.document(OTHER + "graph/curation") == f"{OTHER}doc/graph/curation"
