"""A query cannot make the server ask anybody or read a file: over HTTP, with a port on which nothing may arrive."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests.running import Reply, Running, serving

Built = tuple[Releases, Release, Report]
REDIRECTS = (301, 302, 303, 307, 308)
SECRET = "a-word-that-stands-in-a-file-of-ours"
RESULT = b'{"head":{"vars":["x"]},"results":{"bindings":[{"x":{"type":"literal","value":"from elsewhere"}}]}}'


@dataclass
class Canary:
    """A server that notes who comes; it answers as an endpoint does, or sends on with the status in its path."""

    elsewhere: str = ""
    touched: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sparql"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        canary = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.touched.append(self.path)
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b"" if canary.elsewhere else RESULT
                self.send_response(int(self.path.rpartition("/")[2]) if canary.elsewhere else 200)
                if canary.elsewhere:
                    self.send_header("Location", canary.elsewhere)
                self.send_header("Content-Type", "application/sparql-results+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler

    def __enter__(self) -> Canary:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with Canary() as canary:
        yield canary


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Running]:
    with serving(built[0].root, workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that could be read as RDF."""
    path = tmp_path_factory.mktemp("canary") / "data.nt"
    path.write_text(f'<http://x/s> <http://x/p> "{SECRET}" .\n')
    return path


def ask(server: Running, text: str) -> Reply:
    return server.get("/sparql?query=" + quote(text))


ATTEMPTS = {
    "SERVICE": "SELECT * { SERVICE <URL> { ?s ?p ?o } }",
    "SERVICE SILENT": "SELECT * { SERVICE SILENT <URL> { ?s ?p ?o } }",
    "SERVICE ?var": "SELECT * { BIND(<URL> AS ?where) SERVICE ?where { ?s ?p ?o } }",
    "SERVICE ?var from data": "SELECT * { ?any schema:url ?where SERVICE SILENT ?where { ?s ?p ?o } }",
    "SERVICE of a name": "PREFIX c: <URL> SELECT * { SERVICE c: { ?s ?p ?o } }",
    "SERVICE by BASE": "BASE <URL> SELECT * { SERVICE <> { ?s ?p ?o } }",
    "service in small": "SELECT * { service silent <URL> { ?s ?p ?o } }",
    "SERVICE glued": "SELECT * { ?a ?b 1SERVICE<URL>{ ?s ?p ?o } }",
    "SERVICE behind a comment": "SELECT * { SERVICE#\n<URL> { ?s ?p ?o } }",
    "SERVICE in a sub-select": "SELECT * { { SELECT * { FILTER EXISTS { SERVICE <URL> { ?s ?p ?o } } } } }",
    "SERVICE escaped": r"SELECT * { \u0053ERVICE <URL> { ?s ?p ?o } }",
    "SERVICE SILENT escaped": r"SELECT * { \U00000053ERVICE SILENT <URL> { ?s ?p ?o } }",
    "FROM http": "SELECT * FROM <URL> { ?s ?p ?o }",
    "FROM NAMED http": "SELECT * FROM NAMED <URL> { GRAPH ?g { ?s ?p ?o } }",
    "FROM file": "SELECT * FROM <file:FILE> { ?s ?p ?o }",
    "FROM file://": "SELECT * FROM <file://FILE> { ?s ?p ?o }",
    "FROM NAMED file": "SELECT * FROM NAMED <file://FILE> { GRAPH ?g { ?s ?p ?o } }",
    "GRAPH file": "SELECT * { GRAPH <file://FILE> { ?s ?p ?o } }",
    "LOAD http": "LOAD <URL>",
    "LOAD SILENT http": "LOAD SILENT <URL>",
    "LOAD file": "LOAD <file://FILE>",
    "LOAD after a query": "ASK {} ; LOAD <URL>",
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_nothing_is_asked_and_nothing_is_read(server: Running, canary: Canary, file: Path, name: str) -> None:
    """Refused with a reason, or answered from what we hold."""
    reply = ask(server, ATTEMPTS[name].replace("URL", canary.url).replace("FILE", str(file)))
    assert not canary.touched
    assert SECRET not in reply.body.decode()
    if name == "GRAPH file":
        assert json.loads(reply.body)["results"]["bindings"] == []
    else:
        assert reply.status in (400, 403)


@pytest.mark.parametrize("parameter", ["default-graph-uri", "named-graph-uri"])
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_dataset_of_a_request_is_not_fetched(
    server: Running, canary: Canary, file: Path, parameter: str, scheme: str
) -> None:
    """A graph that we do not hold is empty."""
    iri = canary.url if scheme == "http" else f"file://{file}"
    text = "SELECT * { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }"
    reply = server.get(f"/sparql?query={quote(text)}&{parameter}={quote(iri)}")
    assert (reply.status, json.loads(reply.body)["results"]["bindings"]) == (200, [])
    assert not canary.touched


@pytest.mark.parametrize(
    "text",
    ['SELECT * { ?SERVICE ?LOAD "FROM SERVICE <http://x/>" } LIMIT 1 # SERVICE <http://x/>',
     "SELECT * { ?s <http://x/SERVICE/LOAD/FROM> ?o }", "PREFIX x: <http://x/> SELECT * { ?s x:SERVICE ?o }"],
)  # fmt: skip
def test_the_words_alone_are_no_offence(server: Running, text: str) -> None:
    """In strings, comments, IRIs, names and variables."""
    assert ask(server, text).status == 200


@pytest.fixture(scope="module")
def federating(built: Built, canary: Canary) -> Iterator[tuple[Running, Canary, Canary]]:
    """A server with federation on, an endpoint that it may ask, and one that it may ask and that sends on."""
    with Canary() as allowed, Canary(elsewhere=canary.url) as sending_on:
        services = " ".join([allowed.url, *(f"{sending_on.url}/{status}" for status in REDIRECTS)])
        with serving(built[0].root, workers=1, federation=1, services=services) as running:
            yield running, allowed, sending_on


def test_an_allowed_endpoint_is_asked(federating: tuple[Running, Canary, Canary]) -> None:
    """Where the operator switched federation on; its answer is joined with ours."""
    server, allowed, _ = federating
    reply = ask(server, f"SELECT ?x {{ city:izmir a cg:City SERVICE <{allowed.url}> {{ ?x ?p ?o }} }}")
    assert reply.status == 200, reply.body
    assert json.loads(reply.body)["results"]["bindings"][0]["x"]["value"] == "from elsewhere"
    assert len(allowed.touched) == 1


@pytest.mark.parametrize("name", [name for name in ATTEMPTS if "GRAPH" not in name])
def test_federation_opens_nothing_else(
    federating: tuple[Running, Canary, Canary], canary: Canary, file: Path, name: str
) -> None:
    """Not what is not listed, not by a variable, not by escapes, and no file."""
    reply = ask(federating[0], ATTEMPTS[name].replace("URL", canary.url).replace("FILE", str(file)))
    assert reply.status in (400, 403)
    assert not canary.touched
    assert SECRET not in reply.body.decode()


@pytest.mark.parametrize("status", REDIRECTS)
def test_an_allowed_endpoint_cannot_send_on(
    federating: tuple[Running, Canary, Canary], canary: Canary, status: int
) -> None:
    """A redirect leads nowhere: what is not listed is not asked, whoever says so."""
    server, _, sending_on = federating
    reply = ask(server, f"SELECT * {{ SERVICE <{sending_on.url}/{status}> {{ ?x ?p ?o }} }}")
    assert sending_on.touched
    assert not canary.touched
    assert (reply.status, json.loads(reply.body)["type"].rpartition("/")[2]) == (502, "upstream")
