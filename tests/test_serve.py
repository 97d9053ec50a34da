"""A running server: what a browser, a program and a shell get from it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.rdf.terms import GRAPH, ID, SOURCE
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests.process_tree import descendants, family
from tests.running import PATIENCE, Running, is_running, serving, wait_for
from tests.small import build_small, keep_patterns

Built = tuple[Releases, Release, Report]
ASK_IZMIR = "/sparql?query=" + quote("ASK { <https://w3id.org/citygraph/id/city/izmir> ?p ?o }")


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Running]:
    with serving(built[0].root) as running:
        yield running


@pytest.fixture(scope="module")
def small_server(built: Built) -> Iterator[Running]:
    """A server with so few threads that waiting clients could hold them all."""
    with serving(built[0].root, workers=1, threads=8, engines=1) as running:
        yield running


def test_an_identifier_leads_to_its_document(server: Running) -> None:
    """/id/… is answered 303 with the document's address, on the host that was asked."""
    reply = server.get("/id/city/izmir")
    assert (reply.status, reply.headers["location"]) == (303, "/doc/city/izmir")


@pytest.mark.parametrize(
    ("accept", "media_type", "format_"),
    [("text/turtle", "text/turtle; charset=utf-8", RdfFormat.TURTLE),
     ("application/n-triples", "application/n-triples", RdfFormat.N_TRIPLES),
     ("application/ld+json", "application/ld+json", None),
     ("text/html", "text/html; charset=utf-8", None)],
)  # fmt: skip
def test_a_document_comes_in_the_form_asked(
    server: Running, accept: str, media_type: str, format_: RdfFormat | None
) -> None:
    """Turtle, N-Triples, JSON-LD and HTML of the same entity."""
    reply = server.get("/doc/city/izmir", accept=accept)
    assert (reply.status, reply.headers["content-type"]) == (200, media_type)
    if format_ is not None:
        assert ID + "city/izmir" in {quad.subject.value for quad in parse(reply.body, format_)}
    assert "İzmir" in reply.body.decode()


@pytest.mark.parametrize("path", ["/", "/ontology", "/doc/agreement/izmir-baku", "/source/izmir-sister-cities"])
@pytest.mark.parametrize("language", ["en", "tr"])
def test_pages_are_pages(server: Running, path: str, language: str) -> None:
    """HTML in the reader's language, without a script or style from anywhere else."""
    reply = server.get(path, accept="text/html", accept_language=language)
    page = reply.body.decode()
    assert reply.status == 200
    assert f'lang="{language}"' in page
    assert "<h1" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("accept", "begin"),
    [("application/sparql-results+json", b'{"head"'), ("application/sparql-results+xml", b"<?xml"),
     ("text/csv", b"label\r\n"), ("text/tab-separated-values", b"?label\n")],
)  # fmt: skip
def test_queries_by_get_and_post(server: Running, accept: str, begin: bytes) -> None:
    """The same answer by GET, by form and by direct POST."""
    query = 'SELECT ?label { city:izmir rdfs:label ?label FILTER(LANG(?label) = "tr") }'
    by_get = server.get("/sparql?query=" + quote(query), accept=accept)
    form = ("query=" + quote(query)).encode()
    by_form = server.get("/sparql", "POST", form, accept=accept, content_type="application/x-www-form-urlencoded")
    direct = server.get("/sparql", "POST", query.encode(), accept=accept, content_type="application/sparql-query")
    assert by_get.status == by_form.status == direct.status == 200
    assert by_get.body == by_form.body == direct.body
    assert by_get.body.startswith(begin)
    assert "İzmir" in by_get.body.decode()


def test_construct_answers_in_turtle(server: Running) -> None:
    """A graph for a CONSTRUCT."""
    query = quote("CONSTRUCT { ?s a cg:City } WHERE { ?s a cg:City }")
    reply = server.get(f"/sparql?query={query}", accept="text/turtle")
    assert len(list(parse(reply.body, RdfFormat.TURTLE))) > 50


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/sparql?query=nonsense&format=html&run=1", 400),
        ("GET", "/sparql?query=ASK%20%7B%7D&query=ASK%20%7B%7D", 400),
        ("PUT", "/sparql", 405),
        ("GET", "/update", 405),
        ("POST", "/update", 401),
        ("GET", "/graphs?graph=nope", 400),
        ("GET", "/graphs/nope", 404),
        ("PUT", "/graphs/nope", 401),
        ("GET", "/queries/nope", 404),
        ("GET", "/static/nope.css", 404),
    ],
)
def test_pages_of_errors_have_the_policies_of_pages(server: Running, method: str, path: str, status: int) -> None:
    """No error page of a protocol lets a browser do more than the home page does (13.30)."""
    policies = ("content-security-policy", "cross-origin-opener-policy", "referrer-policy", "x-content-type-options")
    page = server.get("/about", accept="text/html")
    error = server.get(path, method, accept="text/html")
    assert (error.status, error.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert [error.headers[name] for name in policies] == [page.headers[name] for name in policies]


@pytest.mark.parametrize("path", [b"/", b"/sparql?query=ASK%7B%7D", b"/id/city/izmir", b"/static/mark.svg", b"/health"])
@pytest.mark.parametrize(
    ("head", "is_valid"),
    [
        (b"HTTP/1.1\r\n", False),
        (b"HTTP/1.1\r\nHost:\r\n", False),
        (b"HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n", False),
        (b"HTTP/1.1\r\nHost: a.example/path\r\n", False),
        (b"HTTP/1.1\r\nHost: city_graph:8000\r\n", True),
        (b"HTTP/1.0\r\n", True),
    ],
)
def test_a_request_has_one_host(server: Running, path: bytes, head: bytes, is_valid: bool) -> None:
    """RFC 9112, 3.2: by HTTP/1.1 exactly one, on every address; without it 400 (13.30)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"GET %s %sConnection: close\r\n\r\n" % (path, head))
        status = connection.makefile("rb").readline().split()[1]
    assert (status != b"400") == is_valid


def test_readiness_names_the_release_and_the_parts(server: Running, izmir: Release) -> None:
    """(18) /ready has the state of each part, and the release and digest that answer; it is never cached."""
    reply = server.complete("/ready")
    ready = json.loads(reply.body)
    assert (ready["status"], ready["release"], ready["digest"]) == ("ready", izmir.id, izmir.manifest.digest)
    assert ready["parts"] == dict.fromkeys(("store", "index", "disk", "engine", "writer"), "ok")
    assert (ready["missing"], ready["starting"], ready["degraded"]) == ([], [], [])
    assert reply.headers["cache-control"] == "no-store"
    for address in ("/health", "/ready", "/startup"):
        assert server.complete(address, "HEAD").body == b""


def test_the_rest_of_the_site_works_without_engines_and_writer(server: Running) -> None:
    """(18) What is dead is named with 503; /health, documents and search answer, and an unaffected part is ready."""
    wait_for(lambda: server.get("/startup").status == server.get("/ready").status == 200)
    # Otherwise it would restart both at once.
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for kind in ("host", "writer"):
            (pid,) = family(server.process.pid)[kind]
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: json.loads(server.get("/ready").body)["missing"] == ["engine", "writer"])
        reply = server.get("/ready")
        assert (reply.status, json.loads(reply.body)["status"]) == (503, "failing")
        assert json.loads(reply.body)["parts"]["engine"].startswith("the engine host does not respond")
        works = ("/health", "/startup", "/ready?part=store&part=index", "/doc/city/izmir.ttl", "/search?q=izmir")
        assert {path: server.get(path).status for path in works} == dict.fromkeys(works, 200)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    wait_for(lambda: server.get("/ready").status == 200)  # 3 s on a machine that does nothing else: tests/kills


@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly(built: Built, signal_: signal.Signals) -> None:
    """On SIGTERM and Ctrl-C it ends with 0, and nothing that it started is left."""
    with serving(built[0].root) as running:
        assert running.get(ASK_IZMIR).status == 200
        children = list(descendants(running.process.pid))
        assert len(children) >= 4
        os.kill(running.process.pid, signal_)
        assert running.process.wait(PATIENCE) == 0
        wait_for(lambda: not any(map(is_running, children)))


def test_a_kill_of_the_main_process_ends_all_others(built: Built) -> None:
    """Web processes, engines and writer end with the parent, and a restart at once serves (13.24)."""
    with serving(built[0].root) as running:
        children = list(descendants(running.process.pid))
        assert len(children) >= 4
        running.process.kill()
        running.process.wait()
        with serving(built[0].root, port=running.port) as restarted:
            assert restarted.get(ASK_IZMIR).status == 200
        wait_for(lambda: not any(map(is_running, children)))


def test_a_busy_child_ends_with_its_parent(built: Built) -> None:
    """Reading shapes or loading a store takes longer than 2 s; the kernel ends children that do not look (13.24)."""
    # With one web process an answer means that all processes have started.
    with serving(built[0].root, workers=1) as running:
        # An engine that answers was started by a supervisor that has begun its work.
        assert running.get(ASK_IZMIR).status == 200
        children = list(descendants(running.process.pid))
        assert len(children) >= 4
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        running.process.kill()
        running.process.wait()
        wait_for(lambda: not any(map(is_running, children)))


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", id="a request before"),
        pytest.param(b"GET /hea", id="half a head"),
        pytest.param(b"POST /reconcile HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                     b"Content-Type: application/x-www-form-urlencoded\r\n\r\nq", id="half a form"),
        pytest.param(b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                     b"Content-Type: application/sparql-query\r\n\r\nA", id="half a query"),
    ],
)  # fmt: skip
def test_idle_connections_delay_nobody(small_server: Running, sent: bytes) -> None:
    """400 connections that wait, whatever they have sent, leave a client that behaves well its speed (13.25)."""

    def seconds() -> list[float]:
        times = []
        for _ in range(5):
            start = time.monotonic()
            assert small_server.get("/doc/city/izmir.ttl").status == 200
            times.append(time.monotonic() - start)
        return times

    usual = seconds()

    def is_served_beside_them() -> bool:
        with ExitStack() as stack:
            idle = [stack.enter_context(socket.create_connection(("127.0.0.1", small_server.port))) for _ in range(400)]
            for connection in idle:
                connection.sendall(sent)
            # The server is still reading the 400 heads at first.
            times = seconds()
            # Connections that send nothing more are cut off after ten seconds: it did not wait for that.
            return min(times) < 0.2 + 10 * max(usual) and all(map(is_open, idle))

    # Others use the machine too: it may be so slow for a while that the ten seconds are over.
    wait_for(is_served_beside_them)


def is_open(connection: socket.socket) -> bool:
    """Returns whether the other end has not closed a connection."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_life_needs_no_thread(small_server: Running) -> None:
    """(18) /health answers at once while all threads wait for engines that are dead."""
    wait_for(lambda: small_server.get("/ready").status == 200)
    os.kill(small_server.process.pid, signal.SIGSTOP)
    try:
        for pid in family(small_server.process.pid)["host"]:
            os.kill(pid, signal.SIGKILL)
        text = quote("SELECT * { ?a ?b ?c . ?c ?d ?e . ?e ?f ?g } LIMIT ")
        clients = [Thread(target=small_server.get, args=(f"/sparql?query={text}{n}",)) for n in range(1, 17)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        assert small_server.get("/health").status == 200
        assert all(client.is_alive() for client in clients), "the threads did not wait"
    finally:
        os.kill(small_server.process.pid, signal.SIGCONT)
    for client in clients:
        client.join()


def test_an_address_in_use_is_told(built: Built) -> None:
    """Two servers never share a port silently."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "citygraph.cli", "--releases", str(built[0].root), "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_an_address_in_use_is_told_before_anything_is_built(tmp_path: Path) -> None:
    """(18) `make serve` with CITYGRAPH_PORT: a port in use ends the command before the build; nothing is written."""
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    recipe = makefile.partition("\nserve:")[2].partition("\n\n")[0]
    arguments = recipe.partition("$(BIN)/citygraph ")[2].split()
    assert recipe.count("$(BIN)/citygraph") == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "citygraph.cli", "--releases", str(tmp_path / "releases"), *arguments]
        own = {**os.environ, "CITYGRAPH_PORT": port}
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=own)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert not (tmp_path / "releases").exists()


def test_a_dead_engine_host_is_started_anew(server: Running) -> None:
    """Whoever kills the engine host has it back within seconds; documents are served meanwhile."""
    (host,) = family(server.process.pid)["host"]
    os.kill(host, signal.SIGKILL)
    assert server.get("/doc/city/izmir.ttl").status == 200
    # Texts that no cache can answer, until each web process has met the new host.
    queries = (quote(f"SELECT ?s {{ ?s a cg:Country }} ORDER BY ?s LIMIT {n}") for n in range(1, 1000))
    in_a_row = 0

    def is_back() -> bool:
        nonlocal in_a_row
        answered = server.get(f"/sparql?query={next(queries)}").status == 200
        in_a_row = in_a_row + 1 if answered else 0
        return in_a_row == 8

    wait_for(is_back)


def test_a_new_release_is_served_without_a_restart(built: Built, tmp_path: Path) -> None:
    """The link `current` decides, at each request."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=built[1]) as staged:
        first = staged.publish(built[1].manifest)
    with serving(releases.root) as running:
        assert json.loads(running.get("/ready").body)["release"] == first.id
        time.sleep(1.1)  # a release's name has a second's resolution
        with releases.stage(copy_of=first) as staged:
            second = staged.publish(first.manifest)
        assert json.loads(running.get("/ready").body)["release"] == second.id
        assert running.get(ASK_IZMIR).headers["x-citygraph-release"] == second.id


@pytest.mark.parametrize("module", ["citygraph.web.application", "citygraph.serve", "citygraph.cli.main"])
def test_a_start_waits_for_no_parser_that_it_does_not_need(module: str) -> None:
    """rdflib and the validators take longer to import than all the rest: only who uses them imports them."""
    code = f"import sys, {module}; print([name for name in {{'rdflib', 'pyshacl', 'shifty'}} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_shapes_are_read_in_advance_only_where_somebody_may_write(tmp_path: Path) -> None:
    """Reading them costs seconds of a core: the writer of a site without tokens waits for the first token."""
    build_small(tmp_path)
    tokens = tmp_path / "tokens.json"
    with serving(tmp_path / "releases", workers=1, engines=1, tokens=tokens) as running:
        (writer,) = family(running.process.pid)["writer"]
        maps = Path(f"/proc/{writer}/maps")
        time.sleep(4)  # it lets the web processes start first
        assert "_shifty" not in maps.read_text()
        Tokens(tokens).make(TokenHolder("press"))
        wait_for(lambda: "_shifty" in maps.read_text())


def test_a_commit_over_http_is_served_at_once(built: Built, tmp_path: Path) -> None:
    """An update with a token is validated, published and asked for; without one it is 401, in a file's graph 409."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=built[1]) as staged:
        staged.publish(built[1].manifest)
    keep_patterns(releases.root)
    tokens = tmp_path / "tokens.json"
    token = Tokens(tokens).make(TokenHolder("press", ("write",), (GRAPH("notes").value, SOURCE)))
    note = 'INSERT DATA { GRAPH graph:notes { city:izmir cg:note "A note."@en , "Bir not."@tr } }'
    in_file = note.replace("graph:notes", "source:place-register")
    with serving(releases.root, tokens=tokens) as running:
        headers = {"content_type": "application/sparql-update", "authorization": f"Bearer {token}"}
        assert running.get("/update", "POST", note.encode(), content_type=headers["content_type"]).status == 401
        done = running.get("/update", "POST", note.encode(), **headers)
        assert done.status == 200, done.body
        assert running.get("/update", "POST", in_file.encode(), **headers).status == 409
        breach = b"INSERT DATA { GRAPH graph:notes { city:nowhere a cg:City } }"
        assert running.get("/update", "POST", breach, **headers).status == 422
        asked = running.get("/sparql?query=" + quote('ASK { city:izmir cg:note "A note."@en }'))
        assert json.loads(asked.body)["boolean"]
        graph = running.get("/graphs?graph=" + quote(GRAPH("notes").value), accept="text/turtle")
        assert len(list(parse(graph.body, RdfFormat.TURTLE))) == 2
        page = running.get("/doc/city/izmir", accept="text/html").body.decode()
        assert "A note." in page
