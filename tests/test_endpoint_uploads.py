"""What hostile clients with a token upload: refused in time, with nothing fetched and memory bounded."""

from __future__ import annotations

import gzip
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from citygraph.settings import MIB
from tests.process_tree import descendants
from tests.running import PATIENCE
from tests.test_canary import Canary
from tests.writing import Writable, writable

BODY = 8 * MIB
MEMORY = 256 * MIB
# Seconds: no body here takes so long on a busy machine, unless it has no end.
TIME = 60.0
_RDF = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary() as canary:
        yield canary


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    limits = {"body_limit": BODY, "write_memory_limit": MEMORY, "write_time_limit": TIME}
    with writable(tmp_path_factory.mktemp("open"), **{name: str(value) for name, value in limits.items()}) as running:
        yield running


def entities(first: str, more: str, times: int, levels: int) -> str:
    """RDF/XML whose entities stand for each other."""
    said = f"<!ENTITY e0 '{first}'>" + "".join(f"<!ENTITY e{n + 1} '{f'&e{n};' * times}'>" for n in range(levels))
    return (
        f"<?xml version='1.0'?><!DOCTYPE x [{said}]><rdf:RDF {_RDF}><rdf:Description rdf:about='urn:x'>"
        f"<p xmlns='urn:'>{more}</p></rdf:Description></rdf:RDF>"
    )


BODIES: dict[str, tuple[str, Callable[[str], str]]] = {
    "JSON-LD, remote context": ("application/ld+json", lambda url: f'{{"@context": "{url}", "@id": "urn:x", "p": 1}}'),
    "JSON-LD, remote context among others": (
        "application/ld+json", lambda url: f'[{{"@context": [{{}}, "{url}"], "@id": "urn:x", "p": 1}}]'),
    "JSON-LD, import": (
        "application/ld+json", lambda url: f'{{"@context": {{"@version": 1.1, "@import": "{url}"}}, "p": 1}}'),
    "JSON-LD, context of a file": (
        "application/ld+json", lambda _: '{"@context": "file:///etc/passwd", "@id": "urn:x", "p": 1}'),
    "JSON-LD, 250 deep and not closed": ("application/ld+json", lambda _: '{"urn:a":' * 250 + "1"),
    "JSON-LD, 250 lists, not closed": ("application/ld+json", lambda _: '{"urn:a":' + '{"@list":[' * 250),
    "RDF/XML, external entity": ("application/rdf+xml", lambda url: entities("", "&x;", 0, 0).replace(
        "[", f"[<!ENTITY x SYSTEM '{url}'>")),
    "RDF/XML, entity of a file": ("application/rdf+xml", lambda _: entities("", "&x;", 0, 0).replace(
        "[", "[<!ENTITY x SYSTEM 'file:///etc/passwd'>")),
    "RDF/XML, external DTD": ("application/rdf+xml", lambda url: entities("a", "&x;", 0, 0).replace(
        "DOCTYPE x [", f"DOCTYPE x SYSTEM '{url}' [")),
    "RDF/XML, parameter entity": ("application/rdf+xml", lambda url: entities("a", "&x;", 0, 0).replace(
        "[", f"[<!ENTITY % p SYSTEM '{url}'> %p;")),
    "RDF/XML, billion laughs": ("application/rdf+xml", lambda _: entities("lol", "&e9;", 10, 9)),
    "RDF/XML, quadratic": ("application/rdf+xml", lambda _: entities("a" * 100_000, "&e0;" * 100_000, 0, 0)),
    "RDF/XML, 250 deep and closed otherwise": (
        "application/rdf+xml", lambda _: f"<rdf:RDF {_RDF}>" + "<rdf:Description xmlns='urn:'><p>" * 125 + "</x>"),
    "Turtle, triple terms": ("text/turtle", lambda _: "<a:> <b:> " + "<<( <a:> <b:> " * 250),
    "Turtle, nested nodes": ("text/turtle", lambda _: "<a:> <b:> " + "[ <c:> " * 250),
    "Turtle, nested lists": ("text/turtle", lambda _: "<a:> <b:> " + "( " * 250),
    "TriG, another graph": ("application/trig", lambda _: "GRAPH <urn:other> { <a:> <b:> <c:> }"),
    "not UTF-8": ("text/turtle", lambda _: "<a:> <b:> \"\xff\" ."),
}  # fmt: skip


class Watch:
    """The largest that processes of a server have been: those that live on, and those that commit."""

    def __init__(self, server: Writable) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most = 0

    def _look(self) -> None:
        while not self._over.wait(0.02):
            for pid in (self._server.pid, *descendants(self._server.pid)):
                with suppress(OSError, IndexError, ValueError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    self.most = max(self.most, int(status.partition("VmRSS:")[2].split()[0]) * 1024)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused(server: Writable, canary: Canary, name: str) -> None:
    """With a problem that says why, in time; nobody is asked, no file is read, and the graph is not there."""
    media_type, body = BODIES[name]
    begun = time.monotonic()
    with Watch(server) as watch:
        reply = server.ask(
            "PUT", "/graphs?graph=urn:hostile", body(canary.url).encode("latin-1"), Content_Type=media_type
        )
    seconds = time.monotonic() - begun
    problem = json.loads(reply.body)
    assert reply.status in (400, 413, 422, 503), problem
    assert problem["type"].rpartition("/")[2] in {"bad-data", "time-limit", "memory-limit", "too-large"}, problem
    # The limit of time, and what a busy machine needs besides.
    assert seconds < TIME + 20
    assert canary.touched == []
    assert "root:" not in reply.body.decode()
    assert watch.most < 3 * MEMORY
    assert server.ask("GET", "/graphs?graph=urn:hostile").status == 404


def test_a_bomb_is_put_out(server: Writable) -> None:
    """Unpacked no further than the limit: a gigabyte in a megabyte, one in another, and one that ends too early."""
    packed = {"Content_Type": "text/turtle", "Content_Encoding": "gzip"}
    bomb = gzip.compress(bytes(BODY * 16), 9)
    with Watch(server) as watch:
        for body, status in ((bomb, 413), (gzip.compress(bomb, 9), 400), (bomb[:-9], 413), (bomb * 20, 413)):
            assert server.ask("PUT", "/graphs?graph=urn:bomb", body, **packed).status == status
    assert watch.most < 3 * MEMORY


def test_blank_nodes_without_end_are_cut_off(server: Writable) -> None:
    """A body that does not end is read as far as the limit, whether or not it says how long it is."""
    head = (
        f"POST /graphs?graph=urn:endless HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        "Content-Type: application/n-triples\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    piece = b"".join(b"_:b%d <urn:p> _:c%d .\n" % (n, n) for n in range(3000))
    sent = 0
    with Watch(server) as watch, socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        with suppress(ConnectionError):
            while sent < 50 * BODY:
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent += len(piece)
        answer = b""
        with suppress(ConnectionError):
            answer = connection.recv(4096)
    assert sent < 50 * BODY
    assert answer.startswith(b"HTTP/1.1 413") or not answer
    assert watch.most < 3 * MEMORY
    declared = {"Content_Type": "application/n-triples", "Content_Length": str(10**12)}
    assert server.ask("POST", "/graphs?graph=urn:endless", b"_:a <urn:p> _:b .", **declared).status == 413


def test_as_many_blank_nodes_as_a_body_holds(server: Writable) -> None:
    """They are taken, or refused for the memory that they need; the server lives, and has let go of it."""
    line = b"[] <urn:p> [] .\n"
    with Watch(server) as watch:
        reply = server.ask("PUT", "/graphs?graph=urn:many", line * (BODY // len(line)), Content_Type="text/turtle")
    assert reply.status in (201, 503), reply.body
    assert watch.most < 3 * MEMORY
    assert server.update("INSERT DATA { GRAPH <urn:after> { <urn:s> <urn:p> 1 } }").status == 200


def test_bodies_that_come_slowly_hold_nobody_up(server: Writable) -> None:
    """Forty say that they send a graph, and do not: others are answered, and one from elsewhere can write."""
    head = (
        f"PUT /graphs?graph=urn:slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n"
        # A client that has sent much has a minute for the rest.
        f"Content-Type: text/turtle\r\nContent-Length: 60000\r\n\r\n<urn:s>{' ' * 30_000}"
    )
    connections = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    for connection in connections:
        connection.sendall(head.encode())
    time.sleep(0.5)
    assert server.ask("GET", "/sparql?query=ASK%20%7B%7D").status == 200
    text = "INSERT DATA { GRAPH <urn:meanwhile> { <urn:s> <urn:p> 1 } }"
    assert server.update(text, source="127.0.0.3").status == 200
    assert select.select(connections, [], [], 0)[0] == []  # none of the forty is cut off yet
    for connection in connections:
        connection.close()
    assert server.ask("GET", "/graphs?graph=urn:slow").status == 404
