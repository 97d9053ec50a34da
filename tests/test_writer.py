"""Many writers at once: none loses another's update, none waits for ever, who comes second is told to look again."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.running import PATIENCE
from tests.writing import Writable, writable

WRITERS = 16
EACH = 4
TTL = {"Content_Type": "text/turtle"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    with writable(tmp_path_factory.mktemp("open")) as running:
        yield running


def at_once(work: Callable[[int], None]) -> None:
    """Have all writers work at the same time."""
    failed: list[BaseException] = []
    ready = threading.Barrier(WRITERS)

    def one(number: int) -> None:
        try:
            ready.wait()
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    assert failed == []


def value(server: Writable, graph: str) -> tuple[int, str]:
    """The number in a graph, and the tag of what was read."""
    reply = server.ask("GET", f"/graphs?graph={graph}", Accept="application/n-triples")
    found = re.search(rb'"(\d+)"', reply.body)
    return int(found[1]) if found else 0, reply.headers["etag"]


def test_updates_of_one_graph_lose_nothing(server: Writable) -> None:
    """Each adds one to the same number, and a statement to the same graph: all are in it, each once."""
    server.update("INSERT DATA { GRAPH <urn:one> { <urn:n> <urn:value> 0 } }")
    adds = """DELETE { GRAPH <urn:one> { <urn:n> <urn:value> ?old } }
        INSERT { GRAPH <urn:one> { <urn:n> <urn:value> ?new ; <urn:by> "w%d-%d" } }
        WHERE { GRAPH <urn:one> { <urn:n> <urn:value> ?old } BIND(?old + 1 AS ?new) }"""

    def work(number: int) -> None:
        for step in range(EACH):
            reply = server.update(adds % (number, step))
            assert reply.status == 200, reply.body

    at_once(work)
    body = server.ask("GET", "/graphs?graph=urn:one", Accept="application/n-triples").body.decode()
    assert len(re.findall(r'"w\d+-\d+"', body)) == WRITERS * EACH
    assert value(server, "urn:one")[0] == WRITERS * EACH


def test_updates_of_different_graphs_hold_nobody_up(server: Writable) -> None:
    """Those that wait go together: fewer releases are published than updates, and each is in one."""
    releases: list[str] = []

    def work(number: int) -> None:
        for step in range(EACH):
            text = f"INSERT DATA {{ GRAPH <urn:many:{number}> {{ <urn:s> <urn:p> {step} }} }}"
            reply = server.update(text)
            assert reply.status == 200
            releases.append(reply.headers["x-citygraph-release"])

    at_once(work)
    assert len(releases) == WRITERS * EACH > len(set(releases))
    for number in range(WRITERS):
        body = server.ask("GET", f"/graphs?graph=urn:many:{number}", Accept="application/n-triples").body
        assert len(body.splitlines()) == EACH


def test_one_of_those_who_know_the_same_wins(server: Writable) -> None:
    """Sixteen PUT with the same If-Match: one is taken, the others are told 412 and have changed nothing."""
    # What nobody writes again: to put what is there already changes nothing, not even the tag.
    assert server.ask("PUT", "/graphs?graph=urn:match", "<urn:n> <urn:value> 99 .", **TTL).status == 201
    _, tag = value(server, "urn:match")
    statuses: list[tuple[int, int]] = []

    def work(number: int) -> None:
        reply = server.ask("PUT", "/graphs?graph=urn:match", f"<urn:n> <urn:value> {number} .", If_Match=tag, **TTL)
        statuses.append((reply.status, number))

    at_once(work)
    assert Counter(status for status, _ in statuses) == {200: 1, 412: WRITERS - 1}
    (winner,) = [number for status, number in statuses if status == 200]
    assert value(server, "urn:match")[0] == winner


def test_one_of_those_who_make_a_graph_wins(server: Writable) -> None:
    """If-None-Match: * makes a graph once."""
    statuses: list[int] = []

    def work(number: int) -> None:
        body = f"<urn:n> <urn:value> {number} ."
        statuses.append(server.ask("PUT", "/graphs?graph=urn:new", body, If_None_Match="*", **TTL).status)

    at_once(work)
    assert Counter(statuses) == {201: 1, 412: WRITERS - 1}


def test_who_is_told_to_look_again_gets_there(server: Writable) -> None:
    """Read, add one, PUT with If-Match, again after 412: no update is lost, and all come to an end."""
    assert server.ask("PUT", "/graphs?graph=urn:retry", "<urn:n> <urn:value> 0 .", **TTL).status == 201

    def work(_: int) -> None:
        while True:
            number, tag = value(server, "urn:retry")
            body = f"<urn:n> <urn:value> {number + 1} ."
            status = server.ask("PUT", "/graphs?graph=urn:retry", body, If_Match=tag, **TTL).status
            if status == 200:
                return
            assert status == 412

    at_once(work)
    assert value(server, "urn:retry")[0] == WRITERS
