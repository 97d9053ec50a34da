"""Releases over HTTP: each with the whole site below it, what changed between two, and the history of an entity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.rdf.terms import BASE, DCAT, PREFIXES, RDF
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.inprocess import InProcess
from tests.past import DATES, VISIT, three_releases
from tests.world import small_world

FOR_EVER = "public, max-age=31536000, immutable"
PROV = PREFIXES["prov"]
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for three releases."""
    return tmp_path_factory.mktemp("past")


@pytest.fixture(scope="module")
def three(root: Path) -> tuple[Release, Release, Release]:
    """The three releases."""
    return three_releases(root)


@pytest.fixture(scope="module")
def app(root: Path, three: tuple[Release, ...]) -> Flask:
    """The site over them."""
    return create_app(Settings(), Releases(root), InProcess(small_world(), three[1].id))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


# The list


def test_releases_are_listed_the_newest_first(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """As JSON, with what changed since the one before."""
    listed = client.get("/releases", headers={"Accept": "application/json"}).json
    assert listed is not None
    assert listed["current"] == three[2].id
    assert [release["id"] for release in listed["releases"]] == [r.id for r in reversed(three)]
    assert listed["releases"][0]["changes"] == f"http://localhost/releases/{three[1].id}..{three[2].id}"
    assert listed["releases"][2]["changes"] is None


@pytest.mark.parametrize("form", ["ttl", "nt", "rdf", "jsonld", "trig", "nq"])
def test_releases_are_versions_of_the_dataset(client: FlaskClient, three: tuple[Release, ...], form: str) -> None:
    """In RDF each is a DCAT version with the one before."""
    response = client.get(f"/releases.{form}")
    assert response.status_code == 200
    formats = {"ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES, "rdf": RdfFormat.RDF_XML,
               "jsonld": RdfFormat.JSON_LD, "trig": RdfFormat.TRIG, "nq": RdfFormat.N_QUADS}  # fmt: skip
    said = {quad.triple for quad in parse(response.data, format=formats[form])}
    versions = {triple.object for triple in said if triple.predicate == DCAT("hasVersion")}
    assert versions == {NamedNode(f"{BASE}releases/{release.id}") for release in three}
    assert sum(triple.predicate == DCAT("previousVersion") for triple in said) == 2


@pytest.mark.parametrize("digits", [64, 12])
@pytest.mark.parametrize("rest", ["", ".json", "?lang=tr", "/doc/city/izmir"])
def test_a_digest_leads_to_the_release(client: FlaskClient, three: tuple[Release, ...], digits: int, rest: str) -> None:
    """Whole or its first digits, so that a citation holds on any installation with the same data (14 §1)."""
    response = client.get(f"/releases/{three[1].manifest.digest[:digits]}{rest}")
    assert (response.status_code, response.headers["Location"]) == (302, f"/releases/{three[1].id}{rest}")


@pytest.mark.parametrize("digest", ["0" * 64, "0" * 12, "f" * 65, "g" * 12])
def test_an_unknown_digest_is_404(client: FlaskClient, three: tuple[Release, ...], digest: str) -> None:
    """Eleven digits are too few."""
    assert client.get(f"/releases/{digest}").status_code == 404
    assert client.get(f"/releases/{three[1].manifest.digest[:11]}").status_code == 404
    assert client.put(f"/releases/{three[1].manifest.digest}/graphs").status_code == 405


def test_pages_of_releases_speak_both_languages(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The list and each release are pages for browsers."""
    for path in ("/releases", f"/releases/{three[0].id}", f"/releases/{three[0].id}..{three[1].id}"):
        english, turkish = (client.get(path, headers={**BROWSER, "Accept-Language": tag}) for tag in ("en", "tr"))
        assert english.headers["Content-Language"] == "en"
        assert 'lang="tr"' in turkish.text.split("<head>")[0]
        assert "Releases" in english.text
        assert "Sürümler" in turkish.text


def test_release_has_a_validator(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """What is known need not be sent again."""
    first = client.get(f"/releases/{three[0].id}.json")
    again = client.get(f"/releases/{three[0].id}.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


# The site below a release


def test_document_below_a_release_is_of_that_release(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The visit is in the second release, and neither in the first nor in the third, which is the current one."""
    statuses = [client.get(f"/releases/{release.id}/doc/event/visit.nt").status_code for release in three]
    assert statuses == [404, 200, 404]
    assert client.get("/doc/event/visit.nt").status_code == 404


def test_what_is_below_a_release_may_be_kept_for_a_year(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Documents, redirections, the ontology; but not what is not there."""
    here = f"/releases/{three[1].id}"
    for path in ("/doc/city/izmir", "/id/city/izmir", "/ontology", "/shapes", "/", "/context.jsonld", "/source/news"):
        assert client.get(here + path).headers["Cache-Control"] == FOR_EVER, path
    missing = client.get(f"{here}/doc/city/atlantis")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert client.get("/doc/city/izmir").headers["Cache-Control"] != FOR_EVER


def test_releases_are_json_ld_if_both_kinds_of_json_are_accepted(client: FlaskClient) -> None:
    """The list and the history have both (13.37)."""
    for path in ("/releases", "/doc/event/visit?history"):
        response = client.get(path, headers={"Accept": "application/json, application/ld+json"})
        assert response.content_type == "application/ld+json"
        assert client.get(path, headers={"Accept": "application/json"}).content_type == "application/json"


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/releases", "text/plain, */*;q=0.1", "text/plain; charset=utf-8"),
        ("/releases", "application/x-turtle", "application/x-turtle"),
        ("/releases?format=ntriples", "", "application/n-triples"),
        ("/releases?format=json", "", "application/json"),
        ("/.well-known/void", "application/json", "application/json"),
        ("/.well-known/void", "application/n-quads, application/ld+json;q=0.9", "application/ld+json"),
    ],
)
def test_pages_accept_every_name_of_a_format(client: FlaskClient, path: str, accept: str, content_type: str) -> None:
    """As documents do: rdflib requests N-Triples as text/plain (13.36)."""
    assert client.get(path, headers={"Accept": accept}).content_type == content_type


def test_links_stay_inside_the_release(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Redirections, alternates and the links of pages; identifiers stay what they are."""
    here = f"/releases/{three[1].id}"
    assert client.get(f"{here}/id/city/izmir").headers["Location"] == f"{here}/doc/city/izmir"
    response = client.get(f"{here}/doc/city/izmir", headers=BROWSER)
    assert f'href="{here}/doc/city/bremen"' in response.text or f'href="{here}/id/city/bremen"' in response.text
    assert 'href="/id/' not in response.text
    assert f'<{here}/doc/city/izmir.ttl>; rel="alternate related"' in ", ".join(response.headers.getlist("Link"))
    assert f"{BASE}id/city/izmir" in response.text


def test_page_of_a_release_says_that_it_is_one(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """A reader of the past is told so, and led to the present."""
    below = client.get(f"/releases/{three[1].id}/doc/city/izmir", headers=BROWSER).text
    assert 'class="past"' in below
    assert 'class="past"' not in client.get("/doc/city/izmir", headers=BROWSER).text


def test_sparql_below_a_release_asks_that_release(root: Path, three: tuple[Release, ...]) -> None:
    """The service description names the address that was asked; the answer may be kept for ever."""

    class Both(InProcess):
        def get(self, release_id: str) -> Release:
            return Releases(root).get(release_id)

    engines = Both(small_world(), three[1].id)
    client = create_app(Settings(), Releases(root), engines).test_client()
    address = f"/releases/{three[1].id}/sparql"
    answer = client.get(address, query_string={"query": "ASK { ?s ?p ?o }"})
    assert (answer.status_code, answer.headers["X-Citygraph-Release"]) == (200, three[1].id)
    assert answer.headers["Cache-Control"] == FOR_EVER
    about = client.get(address, headers={"Accept": "text/turtle"}).text
    assert f"<http://localhost{address}>" in about
    assert f"<http://localhost{address}{address}>" not in about


@pytest.mark.parametrize(("prefix", "proxies"), [("", 0), ("/graph", 1)])
def test_release_behind_a_proxy_keeps_the_prefix(
    root: Path, three: tuple[Release, ...], prefix: str, proxies: int
) -> None:
    """Under a path prefix the links have both: the prefix and the release."""
    client = create_app(Settings(trusted_proxies=proxies), Releases(root)).test_client()
    headers = {"X-Forwarded-Prefix": prefix, "X-Forwarded-Host": "example.org"} if proxies else {}
    response = client.get(f"/releases/{three[1].id}/id/city/izmir", headers=headers)
    assert response.headers["Location"] == f"{prefix}/releases/{three[1].id}/doc/city/izmir"


@pytest.mark.parametrize("name", ["{0}.csv", "{0}.rdfp", "{0}..{1}.csv", "{0}..{1}.n3"])
def test_unavailable_format_of_a_release_is_406(client: FlaskClient, three: tuple[Release, ...], name: str) -> None:
    """The release exists: the error lists its formats, and those of a difference are not those of a release."""
    response = client.get("/releases/" + name.format(three[0].id, three[1].id))
    assert response.status_code == 406
    assert response.json is not None
    assert ("application/rdf-patch" in response.json["offered"]) == (".." in name)


@pytest.mark.parametrize("name", ["{0}..", "..{0}"])
def test_difference_without_one_of_its_releases_is_404(
    client: FlaskClient, three: tuple[Release, ...], name: str
) -> None:
    """The error has the form of the address."""
    response = client.get("/releases/" + name.format(three[0].id))
    assert response.status_code == 404
    assert response.json is not None
    assert "/releases/OLDER..NEWER" in response.json["detail"]


@pytest.mark.parametrize("name", ["nope", "nope.csv", "current", "..", "2020-01-01T000000Z-0123456789ab", ".locks"])
def test_unknown_release_is_404(client: FlaskClient, name: str) -> None:
    """With a problem that says so, at every address below it."""
    for rest in ("", "/doc/city/izmir", "/"):
        response = client.get(f"/releases/{name}{rest}", follow_redirects=True)
        assert response.status_code == 404
        assert response.content_type == "application/problem+json"


def test_pruned_release_is_410(tmp_path: Path) -> None:
    """Its child names it, so we know that it was there; what follows it is named."""
    first, second, _ = three_releases(tmp_path)
    releases = Releases(tmp_path)
    client = create_app(Settings(), releases).test_client()
    assert client.get(f"/releases/{first.id}/doc/city/izmir").status_code == 200
    releases.prune(2)
    for rest in ("", "/doc/city/izmir"):
        response = client.get(f"/releases/{first.id}{rest}")
        assert response.status_code == 410
        assert response.json is not None
        assert response.json["replaced_by"] == [f"{BASE}releases/{second.id}"]
    assert client.get(f"/releases/{first.id}..{second.id}").status_code == 410


def test_release_is_not_written_to(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """A release never changes, and what is of all time is not below it."""
    here = f"/releases/{three[1].id}"
    assert client.post(f"{here}/update", data="").status_code == 405
    assert client.put(f"{here}/graphs", data="").status_code == 405
    assert client.get(f"{here}/releases").headers["Location"] == "/releases"
    assert client.get(f"{here}/timegate/doc/city/izmir").headers["Location"] == "/timegate/doc/city/izmir"


# Differences


def between(three: tuple[Release, ...], older: int, newer: int) -> str:
    return f"/releases/{three[older].id}..{three[newer].id}"


def test_difference_is_counted(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """In all and by graph; it may be kept for ever."""
    response = client.get(between(three, 0, 2))
    assert response.headers["Cache-Control"] == FOR_EVER
    assert response.json == {
        "from": three[0].id, "to": three[2].id, "added": 1, "removed": 1,
        "graphs": {f"{BASE}source/page": {"added": 1, "removed": 1}},
    }  # fmt: skip


def test_patch_turns_one_release_into_the_other(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Each line of the RDF Patch is a statement of N-Quads after its letter."""
    response = client.get(between(three, 1, 2), headers={"Accept": "application/rdf-patch"})
    assert response.content_type == "application/rdf-patch"
    lines = response.text.splitlines()
    assert lines[0].startswith("H id <urn:sha256:")
    assert (lines[2], lines[-1]) == ("TX .", "TC .")
    store = Store()
    store.extend(q for q in three[1].open_store() if isinstance(q.graph_name, NamedNode))
    for line in lines[3:-1]:
        quads = parse(line[2:], format=RdfFormat.N_QUADS)
        for quad in quads:
            store.remove(quad) if line.startswith("D ") else store.add(quad)
    assert set(store) == {q for q in three[2].open_store() if isinstance(q.graph_name, NamedNode)}


def test_trig_has_what_was_added_and_removed(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Each in its own graphs, or both in one document whose graphs say what they are part of."""
    address = between(three, 0, 2)
    parts = {
        part: set(parse(client.get(f"{address}.trig?part={part}").data, format=RdfFormat.TRIG))
        for part in ("added", "removed")
    }
    assert [len(parts[part]) for part in parts] == [1, 1]
    assert {q.graph_name for part in parts.values() for q in part} == {NamedNode(f"{BASE}source/page")}
    both = list(parse(client.get(f"{address}.trig").data, format=RdfFormat.TRIG))
    for part, quads in parts.items():
        graph = NamedNode(f"{BASE}{address[1:]}#{part}:{BASE}source/page")
        assert {Quad(q.subject, q.predicate, q.object) for q in quads} == {
            Quad(q.subject, q.predicate, q.object) for q in both if q.graph_name == graph
        }
    assert client.get(f"{address}.trig?part=some").status_code == 400


def test_page_of_a_difference_shows_both_sides(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Dates as readers write them, with a sign; a page that is no number is refused."""
    page = client.get(between(three, 0, 2), headers=BROWSER).text
    assert "4 September 1985" in page
    assert "5 September 1985" in page
    assert page.count('class="came"') == page.count('class="went"') == 1
    assert set(re.findall(r"<(h[1-6])", page.partition("<main")[2].partition("</main>")[0])) == {"h1", "h2"}
    assert client.get(between(three, 0, 2) + ".html?page=x").status_code == 400


# The history of an entity


def test_history_tells_source_beginning_and_end(client: FlaskClient) -> None:
    """As JSON by default."""
    told = client.get("/doc/event/visit?history").json
    assert told is not None
    assert told["entity"] == VISIT
    label = next(
        s for s in told["statements"] if s["value"] == {"type": "literal", "value": "A visit", "xml:lang": "en"}
    )
    assert label["source"] == f"{BASE}source/news"
    assert (label["since"]["at"], label["until"]["at"]) == (DATES[1], DATES[2])


def test_history_is_provenance_in_rdf(client: FlaskClient) -> None:
    """Statements that releases generated and invalidated; the same in each form."""
    forms = {"ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES, "rdf": RdfFormat.RDF_XML, "jsonld": RdfFormat.JSON_LD}
    said = [set(parse(client.get(f"/doc/event/visit.{form}?history").data, format=rdf)) for form, rdf in forms.items()]
    assert all(one == said[0] for one in said)
    statements = [q.subject for q in said[0] if q.object == RDF("Statement")]
    ended = [q for q in said[0] if q.predicate.value == f"{PROV}invalidatedAtTime"]
    assert len(statements) == len(ended) > 5


def test_history_is_a_page_and_ends_with_the_release_asked(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Below a release nothing is told of what came after."""
    page = client.get("/doc/event/visit?history", headers=BROWSER)
    assert page.content_type == "text/html; charset=utf-8"
    assert page.text.count('class="came"') == page.text.count('class="went"') > 5
    below = client.get(f"/releases/{three[1].id}/doc/event/visit?history", headers=BROWSER)
    assert 'class="came"' in below.text
    assert 'class="went"' not in below.text


def test_history_of_nothing_is_404(client: FlaskClient) -> None:
    """And ?history of what is no single thing is passed over."""
    assert client.get("/doc/city/atlantis?history").status_code == 404
    assert client.get("/health?history").status_code == 200
