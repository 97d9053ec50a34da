"""The Graph Store Protocol: a graph is read and written at an address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.writing import Writable, writable

TTL = {"Content_Type": "text/turtle"}
ONE, TWO = "<urn:s> <urn:p> 1 .", "<urn:s> <urn:p> 2 ."
pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    with writable(tmp_path_factory.mktemp("open")) as running:
        yield running


def read(server: Writable, path: str) -> list[str]:
    return sorted(server.ask("GET", path, Accept="application/n-triples").body.decode().splitlines())


def test_put_replaces_and_post_merges(server: Writable) -> None:
    """201 for a graph that was not there, 200 for one that was; 204 for an empty POST; 404 when it is gone."""
    path = "/graphs?graph=urn:x:put"
    assert server.ask("PUT", path, ONE, **TTL).status == 201
    assert server.ask("PUT", path, TWO, **TTL).status == 200
    assert len(read(server, path)) == 1
    assert server.ask("POST", path, ONE, **TTL).status == 200
    assert len(read(server, path)) == 2
    assert server.ask("POST", path, "", **TTL).status == 204
    assert server.ask("HEAD", path).status == 200
    assert server.ask("DELETE", path).status == 200
    assert server.ask("GET", path).status == server.ask("DELETE", path).status == 404


def test_a_graph_is_written_as_it_is_known(server: Writable) -> None:
    """If-Match with the tag of any format; If-None-Match: * only for a new graph; 304 for the known."""
    path = "/graphs?graph=urn:x:tag"
    assert server.ask("PUT", path, ONE, If_None_Match="*", **TTL).status == 201
    assert server.ask("PUT", path, ONE, If_None_Match="*", **TTL).status == 412
    tag = server.ask("GET", path, Accept="text/turtle").headers["etag"]
    assert server.ask("GET", path, Accept="text/turtle", If_None_Match=tag).status == 304
    assert server.ask("PUT", "/graphs?graph=urn:x:other", ONE, **TTL).status == 201
    assert server.ask("GET", path, Accept="text/turtle", If_None_Match=tag).status == 304
    assert server.ask("PUT", path, TWO, If_Match=tag, **TTL).status == 200
    assert server.ask("PUT", path, ONE, If_Match=tag, **TTL).status == 412
    assert server.ask("DELETE", path, If_Match='"nothing"').status == 412


def test_parts_are_merged(server: Writable) -> None:
    """Each part of a form has a type of its own."""
    parts = [("a.ttl", "text/turtle", ONE), ("b.nt", "application/n-triples", "<urn:s> <urn:p> <urn:o> .")]
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\nContent-Type: {type_}\r\n\r\n{text}\r\n'
        for name, type_, text in parts
    )
    path = "/graphs?graph=urn:x:parts"
    reply = server.ask("POST", path, f"{body}--b--\r\n", Content_Type="multipart/form-data; boundary=b")
    assert reply.status == 201
    assert len(read(server, path)) == 2


def test_a_patch_is_an_update_of_one_graph(server: Writable) -> None:
    """What it says without a graph means this one; another is refused with 422."""
    path = "/graphs?graph=urn:x:patch"
    sparql = {"Content_Type": "application/sparql-update"}
    assert server.ask("PATCH", path, f"INSERT DATA {{ {ONE} }}", **sparql).status == 200
    assert len(read(server, path)) == 1
    assert server.ask("PATCH", path, f"INSERT DATA {{ GRAPH <urn:y> {{ {ONE} }} }}", **sparql).status == 422
    assert server.ask("PATCH", path, ONE, **TTL).status == 415


def test_a_graph_is_made_where_the_server_likes(server: Writable) -> None:
    """POST to the store answers with the address of the new graph, which can be read there."""
    reply = server.ask("POST", "/graphs", ONE, **TTL)
    assert reply.status == 201
    assert len(read(server, urlsplit(reply.headers["location"]).path)) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("PUT", "/graphs?graph=urn:x:a&default", TTL, 400),
        ("PUT", "/graphs?graph=relative", TTL, 400),
        ("PUT", "/graphs", TTL, 405),
        ("PUT", "/graphs?graph=urn:x:a", {"Content_Type": "image/png"}, 415),
        ("PUT", "/graphs?graph=urn:x:a", {"Content_Type": "application/rdf+xml"}, 400),
        ("TRACE", "/graphs?graph=urn:x:a", {}, 405),
        ("PUT", "/graphs?graph=urn:x:a", {"Authorization": "", **TTL}, 401),
    ],
)
def test_what_is_not_taken_is_told(
    server: Writable, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Each with its status."""
    reply = server.ask(method, path, ONE, **headers)
    assert reply.status == status
    assert json.loads(reply.body)["status"] == status


def test_the_graphs_are_listed(server: Writable) -> None:
    """With their sizes and owners."""
    server.ask("PUT", "/graphs?graph=urn:x:listed", ONE, **TTL)
    listed = {entry["graph"]: entry for entry in json.loads(server.ask("GET", "/graphs").body)["graphs"]}
    assert (listed["urn:x:listed"]["quads"], listed["urn:x:listed"]["owner"]) == (1, "api")


def test_the_list_of_graphs_has_the_addresses_of_its_release(server: Writable) -> None:
    """In an earlier release they lead to the graphs as they were; a client that has the list gets 304."""
    path = "/graphs?graph=urn:x:earlier"
    server.ask("PUT", path, ONE, **TTL)
    earlier = server.ask("GET", "/graphs").headers["x-citygraph-release"]
    server.ask("PUT", path, TWO, **TTL)
    for root, statement in ((f"/releases/{earlier}", ONE), ("", TWO)):
        listed = server.ask("GET", f"{root}/graphs")
        address = {one["graph"]: one["address"] for one in json.loads(listed.body)["graphs"]}["urn:x:earlier"]
        assert address == f"{root}/graphs?graph=urn%3Ax%3Aearlier"
        assert statement.rpartition(" ")[0].split()[-1] in read(server, address)[0]
        assert server.ask("GET", f"{root}/graphs", If_None_Match=listed.headers["etag"]).status == 304
