"""Sitemap, robots.txt, the Atom feed and the event stream over HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, RdfFormat, parse
from werkzeug.test import TestResponse

from citygraph.rdf.nquads import open_gzip_text
from citygraph.rdf.terms import BASE
from citygraph.release.changes import CREATED, DELETED, THINGS, UPDATED
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.past import VISIT, three_releases

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"
TREE = "https://w3id.org/tree#"
ACTIVITY = "https://www.w3.org/ns/activitystreams#"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for three releases."""
    return tmp_path_factory.mktemp("feeds")


@pytest.fixture(scope="module")
def three(root: Path) -> tuple[Release, Release, Release]:
    """The three releases, with the lists of things that they changed."""
    made = three_releases(root)
    for release, kinds in zip(made[1:], ((CREATED, UPDATED), (DELETED, UPDATED)), strict=True):
        (release.path / "changes").mkdir()
        with open_gzip_text(release.path / THINGS) as out:
            out.write(f"{kinds[1]}\t{BASE}id/agreement/izmir-baku\n{kinds[0]}\t{VISIT}\n")
    return made


@pytest.fixture(scope="module")
def app(root: Path, three: tuple[Release, ...]) -> Flask:
    """The site over them."""
    return create_app(Settings(), Releases(root))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def elements(response: TestResponse, name: str) -> list[ElementTree.Element]:
    """The elements of our own XML by their name."""
    return list(ElementTree.fromstring(response.data).iter(name))  # noqa: S314


def test_sitemap_names_the_pages_of_this_host(client: FlaskClient) -> None:
    """Documents of entities and sources, each of which answers."""
    response = client.get("/sitemap.xml", headers={"Host": "graph.example"})
    assert response.content_type == "application/xml"
    found = [node.text or "" for node in elements(response, f"{SITEMAP}loc")]
    assert "http://graph.example/doc/city/izmir" in found
    for address in found:
        if "/doc/" in address or "/source/" in address:
            assert client.get(address.removeprefix("http://graph.example")).status_code == 200, address
    assert client.get("/sitemap-9.xml").status_code == 404


def test_sitemap_below_a_release_is_of_that_release(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The visit is in the second release alone."""
    here = f"/releases/{three[1].id}"
    assert f"http://localhost{here}/doc/event/visit" in client.get(f"{here}/sitemap.xml").text
    assert "event/visit" not in client.get("/sitemap.xml").text


def test_robots_names_the_sitemap(root: Path, three: tuple[Release, ...]) -> None:
    """Under a prefix the paths have it."""
    client = create_app(Settings(trusted_proxies=1), Releases(root)).test_client()
    headers = {"X-Forwarded-Host": "example.org", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/graph"}
    text = client.get("/robots.txt", headers=headers).text
    assert "Sitemap: https://example.org/graph/sitemap.xml" in text
    assert "Disallow: /graph/sparql" in text
    assert client.get("/robots.txt").content_type == "text/plain; charset=utf-8"


def test_feed_tells_of_releases(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The newest first, with links to what changed that answer."""
    response = client.get("/feed")
    assert response.content_type == "application/atom+xml; charset=utf-8"
    entries = elements(response, f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [f"{BASE}releases/{r.id}" for r in reversed(three)]
    for link in elements(response, f"{ATOM}link"):
        if link.attrib["href"].startswith("http://localhost"):
            assert client.get(link.attrib["href"].removeprefix("http://localhost")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/releases", "/about", "/queries"])
def test_pages_link_to_the_feed(client: FlaskClient, path: str) -> None:
    """A feed reader finds it from any page (13.37)."""
    page = client.get(path, headers={"Accept": "text/html"}).text
    feeds = re.findall(r'<link rel="alternate" title="[^"]*" type="application/atom\+xml" href="([^"]*)">', page)
    assert feeds == ["/feed"]


@pytest.mark.parametrize("path", ["/doc/city/izmir", "/ontology", "/shapes", "/source/page", "/releases", "/queries"])
def test_every_alternate_of_a_page_has_a_type(client: FlaskClient, path: str) -> None:
    """A program chooses without a request (13.37)."""
    page = client.get(path, headers={"Accept": "text/html"}).text
    alternates = re.findall(r'<link rel="alternate"[^>]*>', page)
    assert alternates
    assert [one for one in alternates if ' type="' not in one] == []


def test_stream_leads_to_every_change(client: FlaskClient) -> None:
    """From the view over its relations to the members, deletions among them."""
    form = {"Accept": "application/n-triples"}
    view = list(parse(client.get("/feed/ldes", headers=form).data, format=RdfFormat.N_TRIPLES))
    pages = [q.object for q in view if q.predicate.value == f"{TREE}node"]
    members = {}
    for page in pages:
        assert isinstance(page, NamedNode)
        response = client.get(page.value.removeprefix("http://localhost"), headers=form)
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        said = list(parse(response.data, format=RdfFormat.N_TRIPLES))
        kinds = {q.subject: q.object for q in said if str(q.object).startswith(f"<{ACTIVITY}")}
        members.update({q.object: kinds[q.object] for q in said if q.predicate.value == f"{TREE}member"})
    assert len(pages) == 3
    assert sorted(str(kind).rpartition("#")[2][:-1] for kind in members.values()) == [
        "Create", "Delete", "Update", "Update",
    ]  # fmt: skip


def test_stream_has_a_validator_and_its_pages_go_with_their_release(tmp_path: Path) -> None:
    """304 for the view; 410 for the changes of a release that is no longer kept."""
    first, _, third = three_releases(tmp_path)
    releases = Releases(tmp_path)
    client = create_app(Settings(), releases).test_client()
    tag = client.get("/feed/ldes").headers["ETag"]
    assert client.get("/feed/ldes", headers={"If-None-Match": tag}).status_code == 304
    assert client.get(f"/feed/ldes/{third.id}/2").status_code == 404
    releases.prune(2)
    assert client.get(f"/feed/ldes/{first.id}/1").status_code == 410
    assert client.get("/feed/ldes/nope/1").status_code == 404
