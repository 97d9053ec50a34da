"""Dereferencing over HTTP: redirections, negotiation, validators, links, errors."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse
from werkzeug.test import Client, TestResponse, create_environ, run_wsgi_app

from citygraph.graph import description
from citygraph.rdf.terms import BASE, CG, ID, ONTOLOGY_GRAPH, SOURCE
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.documents import documents, representation
from citygraph.web.http.messages import QUICK, NeedsThread
from tests.world import publish, small_world

Reply = tuple[str, list[tuple[str, str]], bytes]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORMS = {
    "ttl": "text/turtle; charset=utf-8",
    "nt": "application/n-triples",
    "nq": "application/n-quads",
    "trig": "application/trig",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
    "html": "text/html; charset=utf-8",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small world as its current release."""
    root = tmp_path_factory.mktemp("world")
    publish(small_world(), root)
    return root


@pytest.fixture(scope="module")
def app(root: Path) -> Flask:
    """The site over the small world."""
    return create_app(Settings(), Releases(root))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def links(response: TestResponse, rel: str) -> list[str]:
    """The targets of a response's links of one relation."""
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"([^,]*)', ", ".join(response.headers.getlist("Link")))
    return [target for target, names, rest in found if rel in names.split() and "profile=" not in rest]


# Things


def test_thing_answers_303_to_its_document_on_this_host(client: FlaskClient) -> None:
    """A city is not a document; the way to its document stays on the host that is asked."""
    response = client.get("/id/city/izmir", headers={"Host": "graph.example:81"})
    assert (response.status_code, response.headers["Location"]) == (303, "/doc/city/izmir")


def test_redirection_keeps_what_was_asked(client: FlaskClient) -> None:
    """The query and the extension go along."""
    assert client.get("/id/city/izmir?format=nt&lang=tr").headers["Location"] == "/doc/city/izmir?format=nt&lang=tr"
    assert client.get("/id/city/izmir.ttl").headers["Location"] == "/doc/city/izmir.ttl"


@pytest.mark.parametrize(
    "path",
    [
        "/id/city/atlantis", "/id/city/%C4%B0zmir", "/id/city/I%CC%87zmir", "/id/city/%25C4%25B0zmir", "/id/city/%FF",
        "/id/city/iz%2Fmir", "/id/city/%22%3C%3E", "/id/town/izmir", "/id/city", "/doc/city/atlantis.ttl",
        "/source/nobody", "/graph/none", "/graph/a%20b", "/source/%22%3C%3E",
        "/ontology/roles/king", "/nothing", "/doc/", "/id/city/%00",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_404_in_every_spelling(client: FlaskClient, path: str) -> None:
    """A path is decoded once and compared in NFC; nothing else is guessed."""
    response = client.get(path, headers={"Accept": "text/turtle"}, follow_redirects=True)
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "proper"),
    [
        ("/id/city/izmir/", "/id/city/izmir"),
        ("/doc/city/izmir/?lang=tr", "/doc/city/izmir?lang=tr"),
        ("/id/city/izmir//", "/id/city/izmir"),
        ("/source/page/", "/source/page"),
        ("/ontology/", "/ontology"),
    ],
)
def test_other_spellings_of_an_address_are_sent_to_the_one_it_has(client: FlaskClient, path: str, proper: str) -> None:
    """A slash at the end gets 301, and so does NFD (test_addresses_spellings)."""
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, proper)


# Negotiation


@pytest.mark.parametrize("form", FORMS)
def test_extension_format_and_accept_give_the_same(client: FlaskClient, form: str) -> None:
    """Three ways to ask for one thing."""
    media_type = FORMS[form].partition(";")[0]
    answers = [
        client.get(f"/doc/city/izmir.{form}"),
        client.get(f"/doc/city/izmir?format={form}"),
        client.get("/doc/city/izmir", headers={"Accept": media_type}),
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.content_type for answer in answers} == {FORMS[form]}
    assert {answer.headers["Content-Location"] for answer in answers} == {f"/doc/city/izmir.{form}"}
    if form != "html":
        assert len({answer.data for answer in answers}) == 1


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (BROWSER, FORMS["html"]),
        ("*/*", FORMS["ttl"]),
        ("text/turtle;q=0.4, application/ld+json;q=0.9", FORMS["jsonld"]),
        ("application/*", FORMS["nt"]),
        ("text/html;q=0.5, application/sparql-results+json", FORMS["html"]),
        ("application/rdf+xml, */*;q=0.1", FORMS["rdf"]),
    ],
)
def test_best_of_the_accepted_types_is_given(client: FlaskClient, accept: str, content_type: str) -> None:
    """Q-values and wildcards as RFC 9110 has them."""
    response = client.get("/doc/city/izmir", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.content_type.partition(";")[0] == content_type.partition(";")[0]


@pytest.mark.parametrize("accept", ["image/png", "text/csv", "application/sparql-results+json"])
def test_no_acceptable_form_is_406_with_a_list(client: FlaskClient, accept: str) -> None:
    """The answer says what there is; a table is nothing that a document could be."""
    response = client.get("/doc/city/izmir", headers={"Accept": accept})
    assert response.status_code == 406
    offered = json.loads(response.data)["offered"]
    assert {"text/html", "text/turtle"} <= set(offered)
    assert "text/csv" not in offered


@pytest.mark.parametrize(
    ("asked", "language"),
    [("?lang=tr", "tr"), ("", "en"), ("?lang=pt", "en")],
)
def test_language_of_a_page_is_asked_for(client: FlaskClient, asked: str, language: str) -> None:
    """?lang= goes before Accept-Language; what we do not speak is passed over."""
    response = client.get(f"/doc/city/baku.html{asked}", headers={"Accept-Language": "pt, en;q=0.5"})
    assert response.headers["Content-Language"] == language
    assert f'<html lang="{language}">' in response.text
    turkish = client.get("/doc/city/baku.html", headers={"Accept-Language": "tr-TR, en;q=0.5"})
    assert "Azerbaycan" in turkish.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "١"])
def test_page_that_is_no_number_is_refused(client: FlaskClient, page: str) -> None:
    """400 says what a page is."""
    assert client.get(f"/doc/city/izmir.ttl?page={page}").status_code == 400


def test_page_past_the_last_is_404(client: FlaskClient) -> None:
    """There is no empty page."""
    for path in ("/doc/city/izmir.ttl?page=2", "/source/page.html?page=2", "/source/page.html?page=99999999"):
        assert client.get(path).status_code == 404


def test_pages_of_links_name_the_ones_before_and_after(tmp_path: Path) -> None:
    """The first page is the document; the rest is reached by rel=next, cached or not."""
    country = NamedNode(ID + "country/germany")
    crowd = [Quad(NamedNode(f"{ID}city/{n:04}"), CG("country"), country) for n in range(150)]
    publish([*small_world(), *crowd], tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    for _ in range(2):
        first = client.get("/doc/country/germany.nt")
        assert links(first, "next") == ["/doc/country/germany?page=2"]
        second = client.get("/doc/country/germany.nt?page=2")
        assert (links(second, "prev"), links(second, "next")) == (["/doc/country/germany?page=1"], [])
    both = {line for page in (first, second) for line in page.text.splitlines() if "city/0" in line}
    assert len(both) == 150


def test_links_of_every_page_of_a_graph_answer(tmp_path: Path) -> None:
    """Its statements fill pages for people, but its description in RDF has one (13.32)."""
    country = NamedNode(ID + "country/germany")
    crowd = [Quad(NamedNode(f"{ID}city/{n:04}"), CG("country"), country, SOURCE("page")) for n in range(150)]
    publish([*small_world(), *crowd], tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    page = client.get("/source/page.html?page=2")
    assert page.status_code == 200
    assert links(page, "canonical") == [BASE + "doc/source/page?page=2"]
    for rel in ("alternate", "describedby", "item"):
        for link in links(page, rel):
            assert client.get(link).status_code == 200, link


# What else dereferences


@pytest.mark.parametrize("path", ["/source/page", "/graph/curation", "/ontology/roles/mayor", "/ontology/roles"])
def test_sources_graphs_and_concepts_answer_at_their_own_address(client: FlaskClient, path: str) -> None:
    """Their document is given at once, and says where else it stands."""
    turtle = client.get(path, headers={"Accept": "text/turtle"})
    assert turtle.status_code == 200
    assert turtle.headers["Content-Location"] == f"/doc{path}.ttl"
    assert client.get(f"/doc{path}.ttl").data == turtle.data == client.get(f"{path}.ttl").data
    assert client.get(path, headers={"Accept": BROWSER}).content_type == FORMS["html"]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "html"])
def test_ontology_is_given_whole(client: FlaskClient, form: str) -> None:
    """Every term in every RDF form."""
    response = client.get(f"/ontology.{form}")
    rdf = {"ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES, "nq": RdfFormat.N_QUADS, "trig": RdfFormat.TRIG,
           "jsonld": RdfFormat.JSON_LD, "rdf": RdfFormat.RDF_XML}[form]  # fmt: skip
    whole = {quad.triple for quad in small_world() if quad.graph_name == ONTOLOGY_GRAPH}
    assert {quad.triple for quad in parse(response.data, rdf)} == whole


def test_every_own_term_of_the_ontology_has_an_anchor(client: FlaskClient) -> None:
    """A hash IRI leads to its place on the page."""
    page = client.get("/ontology", headers={"Accept": BROWSER}).text
    defined = (q.subject for q in small_world() if q.graph_name == ONTOLOGY_GRAPH and isinstance(q.subject, NamedNode))
    terms = {term.value for term in defined if term.value.startswith(CG)}
    assert terms
    for term in terms:
        assert f'id="{term.removeprefix(CG)}"' in page


@pytest.mark.parametrize("path", ["/shapes", "/ontology/shapes"])
def test_shapes_dereference(client: FlaskClient, path: str) -> None:
    """The shapes stand at their own address and at that of their terms."""
    assert "A city has a country." in client.get(path, headers={"Accept": BROWSER}).text
    assert b"sh:NodeShape" in client.get(path, headers={"Accept": "text/turtle"}).data


def test_context_is_published(client: FlaskClient) -> None:
    """The context that documents name is there."""
    named = json.loads(client.get("/doc/city/izmir.jsonld").data)["@context"][0]
    response = client.get(named)
    assert response.content_type == "application/ld+json"
    assert json.loads(response.data)["@context"]["party"]["@type"] == "@id"


def test_dataset_describes_itself(client: FlaskClient) -> None:
    """The dataset is a thing like others."""
    assert b"dcat:Dataset" in client.get("/dataset.ttl").data
    assert client.get("/dataset", headers={"Accept": BROWSER}).status_code == 200


def test_type_of_a_problem_dereferences(client: FlaskClient) -> None:
    """The IRI in an error leads to what it means."""
    type_ = json.loads(client.get("/nothing", headers={"Accept": "application/json"}).data)["type"]
    assert client.get("/" + type_.removeprefix(BASE)).status_code == 200
    assert client.get("/problems/none").status_code == 404


def test_readiness_tells_the_release(client: FlaskClient, root: Path) -> None:
    """What a monitor asks."""
    assert json.loads(client.get("/health").data)["status"] == "alive"
    ready = json.loads(client.get("/ready").data)
    assert (ready["status"], ready["release"]) == ("ready", Releases(root).current_id())


# Validators and headers


def test_unchanged_document_is_304_without_evaluation(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conditional request costs no lookup."""
    first = client.get("/doc/city/izmir.ttl")
    monkeypatch.setattr("citygraph.web.documents.documents.describe", lambda *_: pytest.fail("evaluated"))
    second = client.get("/doc/city/izmir.ttl", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.data) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Vary"] == first.headers["Vary"]
    since = client.get("/doc/city/izmir.ttl", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert since.status_code == 304


def test_etags_are_strong_and_differ_by_form_language_and_coding(client: FlaskClient) -> None:
    """One tag for each sequence of bytes."""
    asked: list[tuple[str, dict[str, str]]] = [
        ("/doc/city/izmir.ttl", {}),
        ("/doc/city/izmir.nt", {}),
        ("/doc/city/izmir.html?lang=en", {}),
        ("/doc/city/izmir.html?lang=tr", {}),
        ("/doc/city/izmir.html?lang=tr", {"Accept-Encoding": "br"}),
        ("/doc/city/izmir.html?lang=tr", {"Accept-Encoding": "gzip"}),
        ("/doc/city/baku.ttl", {}),
    ]
    tags = [client.get(path, headers=headers).headers["ETag"] for path, headers in asked]
    assert len(set(tags)) == len(tags)
    assert not any(tag.startswith("W/") for tag in tags)


def test_new_release_is_served_at_once(tmp_path: Path) -> None:
    """The current release is looked up for each request; documents of the former one are no longer current."""
    publish(small_world(), tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    before = client.get("/doc/city/izmir.nt")
    city, country = NamedNode(ID + "city/izmir"), NamedNode(ID + "country/germany")
    link = [Quad(city, CG("country"), country, graph) for graph in (SOURCE("page"), DefaultGraph())]
    publish([*small_world(), *link], tmp_path)
    after = client.get("/doc/city/izmir.nt", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert b"country/germany" in after.data


@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/id/city/izmir", "/doc/city/none", "/nothing", "/health"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_everything_may_be_read_from_other_origins(client: FlaskClient, path: str, method: str) -> None:
    """CORS on every answer, errors too; and what protects readers."""
    response = client.open(path, method=method)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if (response.content_type or "").startswith("text/html"):
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
    if method == "OPTIONS" and response.status_code < 400:
        assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Access-Control-Allow-Methods"].split(", "))


def test_head_has_the_headers_of_get(client: FlaskClient) -> None:
    """The same without a body."""
    get, head = client.get("/doc/city/izmir.ttl"), client.head("/doc/city/izmir.ttl")
    assert head.data == b""
    for name in ("ETag", "Content-Length", "Content-Type", "Last-Modified", "Link", "Vary"):
        assert head.headers.getlist(name) == get.headers.getlist(name)


def test_links_name_every_form_the_licence_and_the_canonical_address(client: FlaskClient) -> None:
    """What a program finds without reading the body."""
    response = client.get("/doc/city/izmir", headers={"Accept": "text/turtle"})
    assert {link.rpartition(".")[2] for link in links(response, "alternate")} == set(FORMS)
    assert links(response, "canonical") == [BASE + "doc/city/izmir"]
    assert links(response, "describedby") == ["/doc/city/izmir.ttl", "/doc/city/izmir.jsonld"]
    assert links(response, "license")[0].startswith("https://creativecommons.org/")
    for link in links(response, "alternate"):
        assert client.get(link).status_code == 200


def test_compressed_document_is_the_document(client: FlaskClient) -> None:
    """Content-Encoding by Accept-Encoding, and Vary says so."""
    response = client.get("/doc/city/izmir.ttl", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]
    assert gzip.decompress(response.data) == client.get("/doc/city/izmir.ttl").data


def test_method_that_is_not_there_is_405(client: FlaskClient) -> None:
    """With the methods that are."""
    response = client.post("/doc/city/izmir")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


def test_browser_gets_errors_as_pages(client: FlaskClient) -> None:
    """A page with a way home, in the reader's language."""
    response = client.get("/id/city/none", headers={"Accept": BROWSER, "Accept-Language": "tr"})
    assert (response.status_code, response.content_type) == (404, FORMS["html"])
    assert 'href="/"' in response.text


def test_site_without_a_release_says_so(tmp_path: Path) -> None:
    """404 that tells the operator what to do."""
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    assert [client.get(path).status_code for path in ("/health", "/ready")] == [200, 503]
    for path in ("/", "/doc/city/izmir"):
        response = client.get(path, headers={"Accept": "application/json"})
        assert response.status_code == 404
        assert "citygraph build" in json.loads(response.data)["detail"]


def test_queries_go_to_their_endpoint(app: Flask, root: Path) -> None:
    """With engines /sparql is answered beside Flask; without there is no such address."""
    engines: Any = object()
    with_engines = create_app(Settings(), Releases(root), engines).test_client()
    assert "POST" in with_engines.options("/sparql").headers["Access-Control-Allow-Methods"]
    assert with_engines.get("/doc/city/izmir.ttl").status_code == 200
    assert app.test_client().get("/sparql").status_code == 404


# Mounted elsewhere


def mounted(app: Flask, prefix: str) -> Callable[..., Iterable[bytes]]:
    """The site below a path, as a proxy or another application has it."""

    def outer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = prefix
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return app.wsgi_app(environ, start_response)

    return outer


def test_below_a_path_everything_stays_below_it(app: Flask) -> None:
    """Redirections, links of pages, links of headers and the context."""
    client = Client(mounted(app, "/graph"))
    assert client.get("/graph/id/city/izmir").headers["Location"] == "/graph/doc/city/izmir"
    page = client.get("/graph/doc/city/izmir.html")
    local = [part for part in page.text.split("href=")[1:] if part.startswith('"/')]
    for addresses, beginning in ((local, '"/graph/'), (links(page, "alternate"), "/graph/")):
        assert addresses
        assert all(address.startswith(beginning) for address in addresses)
    named = json.loads(client.get("/graph/doc/city/izmir.jsonld").data)["@context"][0]
    assert named == "http://localhost/graph/context.jsonld"


def test_identifiers_do_not_change_with_the_host(client: FlaskClient) -> None:
    """Under any host the same triples; only the address of the context is the host's."""
    here, there = (client.get("/doc/city/izmir.nt", headers={"Host": host}).data for host in ("a.example", "b.example"))
    assert here == there
    assert b"a.example" not in here


# The event loop


def by_event_loop(app: Flask, path: str, accept: str, coding: str = "", language: str = "en") -> Reply | None:
    """The reply on the event loop: status, headers and body. None if a request needs a thread."""
    codings = {"Accept-Encoding": coding} if coding else {}
    sent = {"Accept": accept, "Accept-Language": language, "X-Request-Id": "test", **codings}
    environ = create_environ(path, headers=sent)
    if not app.wsgi_app.is_quick(environ, b""):  # type: ignore[attr-defined]
        return None
    try:
        body, status, headers = run_wsgi_app(app.wsgi_app, {**environ, QUICK: True})
    except NeedsThread:
        return None
    return status, list(headers), b"".join(body)


def in_thread(app: Flask, path: str, accept: str) -> Reply:
    """The reply in a thread."""
    environ = create_environ(path, headers={"Accept": accept, "X-Request-Id": "test"})
    body, status, headers = run_wsgi_app(app.wsgi_app, environ)
    return status, list(headers), b"".join(body)


@pytest.mark.parametrize(
    "path", ["/doc/city/izmir", "/doc/agreement/izmir-baku", "/doc/city/atlantis", "/id/city/izmir"]
)
@pytest.mark.parametrize("accept", [FORMS["ttl"], FORMS["jsonld"], FORMS["trig"]])
def test_event_loop_gives_programs_the_reply_of_a_thread(app: Flask, path: str, accept: str) -> None:
    """A description for programs is not worth a thread; nobody can tell which of the two answered (16.7)."""
    in_thread(app, "/doc/city/izmir", accept)  # the release is read
    assert in_thread(app, path, accept) == by_event_loop(app, path, accept)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/source/page", FORMS["ttl"]),
        ("/doc/city/izmir.ttl?page=1", FORMS["ttl"]),
        ("/doc/city/izmir.html?at=2000-01-01", BROWSER),
        ("/doc/agreement/izmir-baku", BROWSER),
        ("/doc/city/atlantis", BROWSER),
        ("/doc/city/no%20iri.html", BROWSER),
        ("/id/city/izmir", BROWSER),
    ],
)
def test_event_loop_leaves_graphs_queries_and_errors_to_threads(app: Flask, path: str, accept: str) -> None:
    """They take longer, and others would wait (16.7)."""
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    in_thread(app, "/doc/city/izmir", BROWSER)
    assert by_event_loop(app, path, accept) is None


@pytest.mark.parametrize("path", ["/doc/city/izmir", "/doc/city/baku.html"])
def test_event_loop_gives_readers_the_page_of_a_thread(root: Path, path: str) -> None:
    """A page of few lookups is not worth a thread either (16.7)."""
    app = create_app(Settings(cache_size=0), Releases(root), today=lambda: date(2026, 11, 30))
    in_thread(app, "/doc/city/bremen", BROWSER)  # the translations are read
    page = in_thread(app, path, BROWSER)
    assert page == by_event_loop(app, path, BROWSER)
    assert "text/html; charset=utf-8" in dict(page[1]).values()


def test_event_loop_leaves_the_first_page_in_a_language_to_a_thread(root: Path) -> None:
    """It reads translations, templates and the vocabulary (16.7)."""
    app = create_app(Settings(), Releases(root))
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    assert by_event_loop(app, "/doc/city/izmir", BROWSER) is None
    in_thread(app, "/doc/city/bremen", BROWSER)
    assert by_event_loop(app, "/doc/city/izmir", BROWSER) is not None
    assert by_event_loop(app, "/doc/city/izmir", BROWSER, language="tr") is None


def test_event_loop_leaves_other_times_to_threads(app: Flask) -> None:
    """To find the release of a time, those before it may have to be read (16.7)."""
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    headers = {"Accept": FORMS["ttl"], "Accept-Datetime": "Thu, 31 May 2007 20:35:00 GMT"}
    assert not app.wsgi_app.is_quick(create_environ("/doc/city/izmir", headers=headers), b"")  # type: ignore[attr-defined]


def test_event_loop_leaves_large_descriptions_to_threads(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hub so many statements are read as shows that a thread must read them (16.7)."""
    app = create_app(Settings(), Releases(root))
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    monkeypatch.setattr(documents, "_MOST_QUICK", 10)
    assert by_event_loop(app, "/doc/city/izmir", FORMS["nt"]) is None
    assert in_thread(app, "/doc/city/izmir", FORMS["nt"])[0] == "200 OK"


def test_formats_and_languages_share_a_description(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages show all vocabularies, so that they have another one than documents for programs (16.7)."""
    read: list[str] = []

    def describe(store: Store, iri: str, *further: Any) -> description.Description:
        read.append(iri)
        return description.describe(store, iri, *further)

    monkeypatch.setattr(documents, "describe", describe)
    app = create_app(Settings(), Releases(root))
    for form in ("ttl", "jsonld", "nt", "rdf"):
        assert in_thread(app, f"/doc/city/izmir.{form}", "")[0] == "200 OK"
    assert read == [ID + "city/izmir"]
    for language in ("en", "tr"):
        assert in_thread(app, f"/doc/city/izmir.html?lang={language}", "")[0] == "200 OK"
    assert read == [ID + "city/izmir"] * 2
    # Another view has other statements, and formats with graphs have the sources of labels.
    in_thread(app, "/doc/city/izmir.ttl?_profile=schema", "")
    in_thread(app, "/doc/city/izmir.trig", "")
    assert read == [ID + "city/izmir"] * 4


def test_event_loop_leaves_long_documents_to_threads_that_compress_them(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few statements may have long texts (16.7)."""
    app = create_app(Settings(), Releases(root))
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    monkeypatch.setattr(representation, "_QUICKLY_COMPRESSED", 1_000)
    assert by_event_loop(app, "/doc/city/izmir", FORMS["ttl"]) is not None
    assert by_event_loop(app, "/doc/city/izmir", FORMS["ttl"], "gzip") is None


def test_long_document_is_kept_in_each_coding(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that compresses it for one client keeps the bytes for others, and makes nothing anew (16.7)."""
    app = create_app(Settings(), Releases(root))
    in_thread(app, "/doc/city/izmir", FORMS["ttl"])
    monkeypatch.setattr(representation, "_QUICKLY_COMPRESSED", 1_000)
    for coding in ("gzip", "br"):
        environ = create_environ("/doc/city/izmir", headers={"Accept": FORMS["ttl"], "Accept-Encoding": coding})
        assert app.wsgi_app.is_quick(environ, b"")  # type: ignore[attr-defined]
        environ[QUICK] = True
        with pytest.raises(NeedsThread):
            app.wsgi_app(environ, lambda *_: None)  # type: ignore[arg-type]
        environ[QUICK] = False
        app.wsgi_app(environ, lambda *_: None)  # type: ignore[arg-type]
    assert by_event_loop(app, "/doc/city/izmir", FORMS["ttl"], "gzip") is not None


def test_event_loop_opens_no_release(root: Path) -> None:
    """Opening a release takes long: the first request for it has a thread (16.7)."""
    assert by_event_loop(create_app(Settings(), Releases(root)), "/doc/city/izmir", FORMS["ttl"]) is None
