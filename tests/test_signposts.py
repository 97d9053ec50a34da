"""FAIR Signposting: what a program learns of a document from its links alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, NamedNode, Quad

from citygraph.rdf.terms import BASE, CG, ID, RDF, SOURCE
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.world import publish, small_world

# What nginx takes of a response's headers, by default, with room for what a proxy adds.
MOST_BYTES = 3800


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A program without a parser."""
    root = tmp_path_factory.mktemp("signposts")
    publish(small_world(), root)
    return create_app(Settings(), Releases(root)).test_client()


def links(header: str) -> dict[str, set[str]]:
    """The targets of a Link header by relation."""
    found: dict[str, set[str]] = {}
    for target, rels in re.findall(r'<([^>]*)>; rel="([^"]*)"', header):
        for rel in rels.split():
            found.setdefault(rel, set()).add(target)
    return found


@pytest.mark.parametrize("form", ["html", "ttl", "jsonld", "nq"])
def test_document_has_the_signposts_of_level_two(client: FlaskClient, form: str) -> None:
    """cite-as, describedby, type, license, item, collection and linkset, in whatever form it is asked for."""
    found = links(client.get(f"/doc/city/izmir.{form}").headers["Link"])
    assert found["cite-as"] == {ID + "city/izmir"}
    assert {"https://schema.org/AboutPage", "https://schema.org/City"} == found["type"]
    assert found["license"] == {"https://creativecommons.org/publicdomain/zero/1.0/"}
    assert found["collection"] == {"/dataset"}
    assert found["canonical"] == {BASE + "doc/city/izmir"}
    for rel in ("describedby", "item", "linkset"):
        for target in found[rel]:
            assert client.get(target).status_code == 200


@pytest.mark.parametrize("path", ["/doc/city/izmir.html", "/doc/city/izmir.jsonld", "/source/page", "/", "/ontology"])
@pytest.mark.parametrize("accept", ["text/html", "application/ld+json", "*/*"])
def test_only_json_ld_is_just_an_alternate(client: FlaskClient, path: str, accept: str) -> None:
    """PyLD and jsonld.js follow the alternate of a page, and fail if there are several (13.32)."""
    response = client.get(path, headers={"Accept": accept}, follow_redirects=True)
    header = ", ".join(response.headers.getlist("Link"))
    types = re.findall(r'<[^>]*>; rel="alternate"; type="([^"]*)"', header)
    assert types == ["application/ld+json"]
    assert "text/turtle" in re.findall(r'; rel="alternate related"; type="([^"]*)"', header)


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/doc/city/izmir.linkset", "*/*", "application/linkset"),
        ("/doc/city/izmir.linkset.json", "*/*", "application/linkset+json"),
        ("/doc/city/izmir", "application/linkset", "application/linkset"),
        ("/doc/city/izmir", "application/linkset+json", "application/linkset+json"),
        ("/source/page.linkset.json", "*/*", "application/linkset+json"),
        ("/ontology.linkset.json", "*/*", "application/linkset+json"),
        ("/dataset.linkset", "*/*", "application/linkset"),
    ],
)
def test_linkset_is_a_document(client: FlaskClient, path: str, accept: str, content_type: str) -> None:
    """In both forms of RFC 9264, at its address or by Accept."""
    response = client.get(path, headers={"Accept": accept})
    assert (response.status_code, response.content_type) == (200, content_type)


def test_linkset_holds_the_links_of_the_header_and_those_back(client: FlaskClient) -> None:
    """Both forms say the same; every form of the document is an anchor that leads to it."""
    header = links(client.get("/doc/city/izmir.ttl").headers["Link"])
    told = json.loads(client.get("/doc/city/izmir.linkset.json").data)["linkset"]
    by_anchor = {context["anchor"]: context for context in told}
    page = by_anchor["/doc/city/izmir"]
    # In the header, "related" distinguishes alternates.
    assert header["related"] < header["alternate"]
    for rel in header.keys() - {"profile", "timegate", "timemap", "related"}:
        assert header[rel] <= {target["href"] for target in page[rel]}
    for form in ("ttl", "jsonld", "nq"):
        assert by_anchor[f"/doc/city/izmir.{form}"]["describes"][0]["href"] == "/doc/city/izmir"
    text = client.get("/doc/city/izmir.linkset").text
    pairs = {(c["anchor"], rel, t["href"]) for c in told for rel in c if rel != "anchor" for t in c[rel]}
    found = {
        (anchor, rel, href) for href, rel, anchor in re.findall(r'<([^>]*)>; rel="([^"]*)".*; anchor="(.*)"', text)
    }
    assert found == pairs


def test_headers_fit_through_a_proxy(client: FlaskClient) -> None:
    """nginx gives up on a response with more than 4 KiB of them."""
    for path in ("/doc/tenure/cemil-tugay-mayor-of-izmir.html", "/source/page.ttl", "/", "/ontology.html"):
        headers = client.get(path).headers
        assert sum(len(name) + len(value) + 4 for name, value in headers) < MOST_BYTES, path


def test_headers_fit_through_a_proxy_with_long_names_below_a_release(tmp_path: Path) -> None:
    """The rarer forms are named in the linkset alone; what matters stays."""
    slug = "a-very-long-name-of-an-entity-as-agreements-and-tenures-have-them-" * 2
    city = NamedNode(f"{ID}city/{slug}x")
    quads = [
        Quad(city, predicate, value, graph)
        for predicate, value in ((RDF("type"), CG("City")), (RDF("type"), NamedNode("https://schema.org/City")))
        for graph in (SOURCE("page"), DefaultGraph())
    ]
    release = publish([*small_world(), *quads], tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    response = client.get(f"/releases/{release.id}/doc/city/{slug}x.html")
    assert response.status_code == 200
    assert sum(len(name) + len(value) + 4 for name, value in response.headers) < MOST_BYTES + 1000
    found = links(",".join(response.headers.getlist("Link")))
    assert {"cite-as", "describedby", "type", "license", "item", "collection", "linkset"} <= found.keys()


def structured(client: FlaskClient, path: str) -> list[dict[str, object]]:
    """The blocks of JSON-LD in a page."""
    page = client.get(path, headers={"Accept": "text/html"}).text
    return [json.loads(block) for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)]


def test_landing_page_tells_search_engines_of_the_dataset(client: FlaskClient) -> None:
    """schema.org's Dataset, with licence and downloads; nothing in the policy lets a script run."""
    (data,) = structured(client, "/")
    assert (data["@context"], data["@type"]) == ("https://schema.org/", "Dataset")
    assert data["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    distribution = data["distribution"]
    assert isinstance(distribution, list)
    for download in distribution:
        assert client.get(download["contentUrl"].removeprefix("http://localhost")).status_code == 200
    page = client.get("/", headers={"Accept": "text/html"})
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "type_", "iri"),
    [
        ("/doc/city/izmir", "City", ID + "city/izmir"),
        ("/source/page", "CreativeWork", BASE + "source/page"),
        ("/graph/derived", "Dataset", BASE + "graph/derived"),
        ("/ontology", "DefinedTermSet", BASE + "ontology"),
        ("/shapes", "DefinedTermSet", BASE + "ontology/shapes"),
    ],
)
def test_every_page_tells_search_engines_what_it_is_of(client: FlaskClient, path: str, type_: str, iri: str) -> None:
    """schema.org JSON-LD of the thing, and of the page as what tells of it."""
    (data,) = structured(client, path)
    assert (data["@type"], data["@id"]) == (type_, iri)


def test_site_is_the_dataset_to_a_program(client: FlaskClient) -> None:
    """RDF asked of the first page is that of the dataset; its links are there for all."""
    response = client.get("/", headers={"Accept": "text/turtle"})
    assert (response.status_code, response.headers["Location"]) == (303, "/dataset")
    found = links(client.get("/", headers={"Accept": "text/html"}).headers["Link"])
    assert found["cite-as"] == {BASE + "dataset"}
    assert "https://schema.org/Dataset" in found["type"]
    assert len(found["item"]) > 1
