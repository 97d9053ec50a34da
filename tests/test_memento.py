"""Memento (RFC 7089): datetime negotiation, TimeGate, TimeMap, and what mementos say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from citygraph.doctor.fetching import read_links
from citygraph.graph.history import Timeline
from citygraph.rdf.nquads import open_gzip_text
from citygraph.rdf.terms import ID
from citygraph.release.changes import CREATED, DELETED, THINGS, UPDATED, keep_deletions, kept_deletions
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.time.memento import has_past
from tests.past import VISIT, three_releases
from tests.world import publish, small_world

FIRST, SECOND, THIRD = (
    "Fri, 01 Mar 2024 10:00:00 GMT", "Sat, 01 Mar 2025 10:00:00 GMT", "Sun, 01 Mar 2026 10:00:00 GMT",
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for three releases."""
    return tmp_path_factory.mktemp("memento")


@pytest.fixture(scope="module")
def three(root: Path) -> tuple[Release, Release, Release]:
    """The three releases."""
    return three_releases(root)


@pytest.fixture(scope="module")
def app(root: Path, three: tuple[Release, ...]) -> Flask:
    """The site over them."""
    return create_app(Settings(), Releases(root))


@pytest.fixture(scope="module")
def without_visit(three: tuple[Release, ...]) -> None:
    """The third release records that it deleted the visit."""
    (three[2].path / THINGS).parent.mkdir(exist_ok=True)
    with open_gzip_text(three[2].path / THINGS) as out:
        out.write(f"{UPDATED}\t{ID}agreement/izmir-baku\n{DELETED}\t{VISIT}\n")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who asks."""
    return app.test_client()


def links(header: str) -> dict[str, dict[str, str]]:
    """Target and datetime of each relation of a Link header or link-format body."""
    return {
        rel: {"href": link.href, **link.parameters}
        for link in read_links(header.replace("\n", " "))
        for rel in link.rels
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("Thu, 31 May 2007 20:35:00 GMT", 0),
        (FIRST, 0),
        ("Sat, 01 Mar 2025 09:59:59 GMT", 0),
        (SECOND, 1),
        ("Sun, 01 Mar 2026 09:59:59 GMT", 1),
        (THIRD, 2),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 2),
        (None, 2),
    ],
)
def test_gate_sends_to_what_was_current_then(
    client: FlaskClient, three: tuple[Release, ...], asked: str | None, place: int
) -> None:
    """Before the first there is only the first; without a time the last is meant."""
    headers = {"Accept-Datetime": asked} if asked else {}
    response = client.get("/timegate/doc/city/izmir", headers=headers)
    assert response.status_code == 302
    assert response.headers["Location"] == f"http://localhost/releases/{three[place].id}/doc/city/izmir"
    assert response.headers["Vary"] == "Accept-Datetime"
    assert "Memento-Datetime" not in response.headers
    found = links(", ".join(response.headers.getlist("Link")))
    assert found["original"]["href"] == "http://localhost/doc/city/izmir"
    assert found["timemap"]["href"] == "http://localhost/timemap/doc/city/izmir"


def test_document_is_its_own_gate(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """Accept-Datetime on the document itself; without it the document answers, and tells caches that it looks."""
    response = client.get("/doc/city/izmir.ttl?page=1", headers={"Accept-Datetime": SECOND})
    assert response.status_code == 302
    assert response.headers["Location"] == f"http://localhost/releases/{three[1].id}/doc/city/izmir.ttl?page=1"
    plain = client.get("/doc/city/izmir.ttl")
    assert plain.status_code == 200
    assert "Accept-Datetime" in plain.headers["Vary"]
    found = links(", ".join(plain.headers.getlist("Link")))
    assert found["timegate"]["href"].endswith("/timegate/doc/city/izmir.ttl")
    assert found["timemap"]["href"].endswith("/timemap/doc/city/izmir.ttl")
    assert "Memento-Datetime" not in plain.headers


def test_only_releases_that_have_the_document_count(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """The visit is in the second release alone, though it is not there any more."""
    for asked in (FIRST, SECOND, THIRD):
        response = client.get("/doc/event/visit", headers={"Accept-Datetime": asked})
        assert response.headers["Location"].startswith(f"http://localhost/releases/{three[1].id}/")


@pytest.mark.parametrize(
    "asked",
    ["yesterday", "", "2025-03-01T10:00:00Z", "Sat, 01 Mar 2025 10:00:00 +0300", "Sat, 41 Mar 2025 10:00:00 GMT",
     "Saturday, 01-Mar-25 10:00:00 GMT"],
)  # fmt: skip
def test_malformed_time_is_refused(client: FlaskClient, asked: str) -> None:
    """RFC 7089 has one form of a time."""
    for path in ("/timegate/doc/city/izmir", "/doc/city/izmir"):
        assert client.get(path, headers={"Accept-Datetime": asked}).status_code == 400


def test_memento_says_when_it_was_and_names_its_neighbours(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """With the times of first, prev, next and last."""
    response = client.get(f"/releases/{three[1].id}/doc/city/izmir.nt", headers={"Accept-Datetime": FIRST})
    assert response.status_code == 200
    assert response.headers["Memento-Datetime"] == SECOND
    found = links(", ".join(response.headers.getlist("Link")))
    assert found["original"]["href"] == "http://localhost/doc/city/izmir.nt"
    assert {"timegate", "timemap", "first", "prev", "next", "last", "memento"} <= set(found)
    assert (found["first"]["datetime"], found["next"]["datetime"]) == (FIRST, THIRD)
    assert found["prev"]["href"] == f"http://localhost/releases/{three[0].id}/doc/city/izmir.nt"


def test_not_modified_memento_is_dated_too(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """A 304 has the headers of the 200."""
    path = f"/releases/{three[1].id}/doc/city/izmir.nt"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).headers["Memento-Datetime"] == SECOND
    assert client.head(path).headers["Memento-Datetime"] == SECOND


def test_map_lists_every_memento(client: FlaskClient, three: tuple[Release, ...]) -> None:
    """In link-format, and in JSON by Accept."""
    response = client.get("/timemap/doc/city/izmir")
    assert response.content_type == "application/link-format"
    mementos = [link for link in read_links(response.text.replace("\n", " ")) if "memento" in link.rels]
    assert [link.parameters["datetime"] for link in mementos] == [FIRST, SECOND, THIRD]
    assert [link.rels for link in mementos] == [("first", "memento"), ("memento",), ("last", "memento")]
    for link in mementos:
        assert client.get(link.href.removeprefix("http://localhost")).status_code == 200
    told = client.get("/timemap/doc/city/izmir", headers={"Accept": "application/json"}).json
    assert told is not None
    assert [memento["uri"] for memento in told["mementos"]["list"]] == [link.href for link in mementos]


def test_single_memento_is_first_and_last(client: FlaskClient) -> None:
    """The visit has one."""
    found = [link.rels for link in read_links(client.get("/timemap/doc/event/visit").text) if "memento" in link.rels]
    assert found == [("first", "last", "memento")]


@pytest.mark.parametrize(
    "name",
    ["doc/city/izmir", "id/city/izmir", "https://w3id.org/citygraph/id/city/izmir", "http://localhost/doc/city/izmir",
     "https:/w3id.org/citygraph/doc/city/izmir"],
)  # fmt: skip
def test_original_is_named_by_path_iri_or_address(client: FlaskClient, name: str) -> None:
    """As other gates take them: the address after the gate's own."""
    assert links(client.get(f"/timemap/{name}").text)["original"]["href"] == "http://localhost/doc/city/izmir"


@pytest.mark.parametrize("path", ["", "ontology", "shapes", "source/news", "graph/curation", "ontology/roles/mayor"])
def test_other_documents_have_a_past_too(client: FlaskClient, three: tuple[Release, ...], path: str) -> None:
    """The home page, the ontology, sources, graphs and concepts."""
    response = client.get(f"/timegate/{path}", headers={"Accept-Datetime": FIRST})
    assert response.headers["Location"] == f"http://localhost/releases/{three[0].id}/{path}"
    located = response.headers["Location"].removeprefix("http://localhost")
    page = client.get(located, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Memento-Datetime"]) == (200, FIRST)


@pytest.mark.parametrize("path", ["doc/city/atlantis", "https://example.org/", "sparql", "health", "static/mark.svg"])
def test_what_has_no_past_is_not_found(client: FlaskClient, path: str) -> None:
    """Neither by gate nor by map."""
    assert client.get(f"/timegate/{path}").status_code == 404
    assert client.get(f"/timemap/{path}").status_code == 404


def test_times_of_one_second_give_the_later_release(tmp_path: Path) -> None:
    """Two releases of one second: what was current at its end."""
    world = small_world()
    first, second = publish(world, tmp_path), publish(world[:-1], tmp_path)
    if first.manifest.created == second.manifest.created:
        client = create_app(Settings(), Releases(tmp_path)).test_client()
        located = client.get("/timegate/doc/city/izmir", headers={"Accept-Datetime": THIRD.replace("2026", "2126")})
        assert second.id in located.headers["Location"]


@pytest.mark.parametrize(
    "name", ["", ".well-known/void", "ontology", "shapes", "dataset", "doc/x", "context", "sparql"]
)
@pytest.mark.parametrize("extension", ["", ".ttl", ".html", ".linkset.json", "s", ".unknown"])
def test_a_document_has_a_past_whatever_its_extension(name: str, extension: str) -> None:
    """Only an extension that names a form is cut (16 §1)."""
    cut = name if extension in {"", ".ttl", ".html", ".linkset.json"} else name + extension
    expected = cut in {"", ".well-known/void", "ontology", "shapes", "dataset", "context"} or cut.startswith("doc/")
    assert has_past(name + extension) == expected


@pytest.mark.usefixtures("without_visit")
@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/doc/event/visit", "doc/event/visit"),
        ("/doc/event/visit.ttl", "doc/event/visit.ttl"),
        ("/id/event/visit", "doc/event/visit"),
        # Nothing is there without the slash either, so that it is not redirected.
        ("/doc/event/visit/", "doc/event/visit"),
        ("/id/event/visit/", "doc/event/visit"),
    ],
)
def test_deleted_entity_names_its_last_version(
    client: FlaskClient, three: tuple[Release, ...], path: str, document: str
) -> None:
    """404, because it may come back; in the Link header, for programs, and on the page."""
    last = f"http://localhost/releases/{three[1].id}/{document}"
    response = client.get(path, headers={"Accept": "application/json"})
    assert response.status_code == 404
    found = links(response.headers["Link"])
    assert (found["memento"]["href"], found["memento"]["datetime"]) == (last, SECOND)
    assert found["timegate"]["href"] == f"http://localhost/timegate/{document}"
    problem = response.get_json()
    assert (problem["memento"], problem["timemap"]) == (last, f"http://localhost/timemap/{document}")
    assert problem["detail"] == f"{path} is no longer in the current release; the last version is of 2025-03-01"
    assert client.get(last).status_code == 200
    page = client.get(path, headers={"Accept": "text/html", "Accept-Language": "tr"})
    assert page.status_code == 404
    assert f'<a href="{last}">' in page.text
    assert "son hâli 2025-03-01 tarihli" in page.text


@pytest.mark.usefixtures("without_visit")
@pytest.mark.parametrize(
    "path",
    [
        "/doc/event/visits",
        "/doc/event/visit/x",
        "/doc/../doc/event/visit",
        "/doc/" + "x" * 5000,
        "/id/event/%C4%B0",
        "/doc/city/izmir?page=7",
        "/id/http:/w3id.org/citygraph/id/event/visit",
        "/explore/event/visit",
    ],
)
def test_unknown_address_has_no_versions_and_opens_no_release(
    app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """No address that was never deleted is looked up in earlier releases."""
    monkeypatch.setattr(Timeline, "holding", lambda *_: pytest.fail("earlier releases were searched"))
    response: TestResponse = app.test_client().get(path)
    assert response.status_code == 404
    assert "memento" not in response.headers.get("Link", "")
    assert "Last version" not in response.text


@pytest.mark.usefixtures("without_visit")
def test_memento_of_a_release_without_the_entity_has_no_versions(
    client: FlaskClient, three: tuple[Release, ...]
) -> None:
    """The address of a release is about that release alone."""
    response = client.get(f"/releases/{three[2].id}/doc/event/visit")
    assert response.status_code == 404
    assert "Link" not in response.headers


def test_deleted_entity_is_not_found_if_the_records_are_damaged(tmp_path: Path) -> None:
    """The reply is that of an unknown address."""
    release = three_releases(tmp_path)[2]
    (release.path / THINGS).parent.mkdir()
    (release.path / THINGS).write_bytes(b"no gzip")
    response = create_app(Settings(), Releases(tmp_path)).test_client().get("/doc/event/visit")
    assert response.status_code == 404
    assert "memento" not in response.get_json()


def test_entity_that_a_rollback_removed_names_its_last_version(tmp_path: Path) -> None:
    """A rollback may have no list of its changes; the release that created the entity has one."""
    _, second, _ = three_releases(tmp_path)
    (second.path / THINGS).parent.mkdir()
    with open_gzip_text(second.path / THINGS) as out:
        out.write(f"{CREATED}\t{VISIT}\n")
    response = create_app(Settings(), Releases(tmp_path)).test_client().get("/doc/event/visit")
    assert response.status_code == 404
    assert response.get_json()["memento"] == f"http://localhost/releases/{second.id}/doc/event/visit"


def test_deleted_entity_is_known_after_the_release_that_deleted_it_is_pruned(tmp_path: Path) -> None:
    """First its last version is named, if it is kept; afterwards that it was deleted, in the language of the reader."""
    _, second, third = three_releases(tmp_path)
    (third.path / THINGS).parent.mkdir(exist_ok=True)
    with open_gzip_text(third.path / THINGS) as out:
        out.write(f"{DELETED}\t{VISIT}\n")
    releases = Releases(tmp_path)
    last = publish([quad for quad in small_world() if VISIT not in str(quad)], tmp_path)
    client = create_app(Settings(), releases).test_client()
    assert third.id in releases.prune(lambda _: {second.id, last.id})
    problem = client.get("/doc/event/visit").get_json()
    assert problem["memento"] == f"http://localhost/releases/{second.id}/doc/event/visit"
    assert releases.prune(1, dry_run=True) == releases.prune(1) == [second.id]
    response = client.get("/doc/event/visit", headers={"Accept-Language": "de"})
    assert response.status_code == 404
    assert "wurde gelöscht" in response.get_json()["detail"]
    assert "deleted" not in client.get("/doc/event/visits").get_json()["detail"]


def test_kept_deletions_are_bounded_and_survive_damaged_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest are kept, each once, whatever characters an IRI has; a list that cannot be read is left out."""
    monkeypatch.setattr("citygraph.release.changes.MOST_DELETIONS", 3)
    releases = three_releases(tmp_path)
    names = (("a",), ("b", "c\u2028d", "e"), ("f", "b"))
    for release, deleted in zip(releases, names, strict=True):
        (release.path / THINGS).parent.mkdir(exist_ok=True)
        with open_gzip_text(release.path / THINGS) as out:
            out.writelines(f"{DELETED}\t{name}\n" for name in deleted)
    keep_deletions(tmp_path, releases[:2])
    keep_deletions(tmp_path, releases[2:])
    assert kept_deletions(tmp_path) == ["e", "f", "b"]
    whole = (releases[1].path / THINGS).read_bytes()
    for damaged in (b"no gzip", whole[:-9], whole[:12] + bytes([whole[12] ^ 255]) + whole[13:]):
        (releases[1].path / THINGS).write_bytes(damaged)
        keep_deletions(tmp_path, releases[1:2])
    assert len(kept_deletions(tmp_path)) == 3
