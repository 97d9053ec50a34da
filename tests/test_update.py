"""SPARQL Update over HTTP: who may, what is read, and what is answered."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_w3c import HARNESS
from tests.writing import Writable, writable

INSERT = "INSERT DATA { GRAPH <urn:g> { <urn:s> <urn:p> 1 } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    with writable(tmp_path_factory.mktemp("open"), body_limit="100000") as running:
        yield running


def test_an_update_is_answered_with_its_release(server: Writable) -> None:
    """Address, digest and counts."""
    reply = server.update(INSERT, "?message=a%20first")
    told = json.loads(reply.body)
    assert reply.status == 200
    assert (told["added"], told["removed"], told["published"]) == (1, 0, True)
    assert told["release"].endswith(reply.headers["x-citygraph-release"])


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Basic YTpi"])
def test_nobody_writes_without_a_token(server: Writable, header: str) -> None:
    """401 says what is wanted; reading stays open."""
    reply = server.update(INSERT, Authorization=header)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert server.ask("GET", "/sparql?query=ASK%7B%7D", Authorization="").status == 200


def test_a_token_in_the_address_is_refused(server: Writable) -> None:
    """Addresses are logged."""
    assert server.update(INSERT, f"?access_token={server.token}").status == 400


@pytest.mark.parametrize(
    ("method", "headers", "body", "status"),
    [
        ("GET", {}, b"", 405),
        ("PUT", {"Content_Type": "application/sparql-update"}, b"CLEAR ALL", 405),
        ("POST", {"Content_Type": "text/plain"}, b"CLEAR ALL", 415),
        ("POST", {"Content_Type": "application/sparql-update", "Content_Encoding": "br"}, b"x", 415),
        ("POST", {"Content_Type": "application/sparql-update", "Content_Encoding": "gzip"}, b"x", 400),
        ("POST", {"Content_Type": "application/sparql-update"}, b"x" * 100_001, 413),
        ("POST", {"Content_Type": "application/sparql-update"}, b"INSERT DATA", 400),
        ("POST", {"Content_Type": "application/sparql-update"}, b"INSERT DATA { " + b"(" * 250, 413),
        ("POST", {"Content_Type": "application/sparql-update"}, b"LOAD <file:///etc/passwd>", 403),
    ],
)  # fmt: skip
def test_what_is_not_read_is_told(
    server: Writable, method: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Each with its status, as problem+json."""
    reply = server.ask(method, "/update", body, **headers)
    assert reply.status == status
    assert json.loads(reply.body)["status"] == status


def test_a_packed_body_is_unpacked_within_the_limit(server: Writable) -> None:
    """A bomb is put out before it is large."""
    packed = {"Content_Type": "application/sparql-update", "Content_Encoding": "gzip"}
    small = gzip.compress(INSERT.replace("1 }", "2 }").encode())
    assert server.ask("POST", "/update", small, **packed).status == 200
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert server.ask("POST", "/update", bomb, **packed).status == 413


def test_the_audit_log_has_each_attempt_and_no_token(server: Writable) -> None:
    """Who, when, what came of it."""
    server.update("INSERT DATA")
    text = (server.folder / "audit.jsonl").read_text()
    last = json.loads(text.splitlines()[-1])
    assert (last["who"], last["path"], last["outcome"]) == ("tester", "/update", "QuerySyntaxError")
    assert server.token not in text
    assert "access_token" not in text


@pytest.mark.slow
@pytest.mark.skipif(not HARNESS.is_file(), reason=f"no conformance harness at {HARNESS}")
def test_updates_and_graphs_are_what_the_w3c_wants(tmp_path: Path) -> None:
    """Update 94, graph store 13, protocol 34, and the harness's own checks: all."""
    out = tmp_path / "out.json"
    with writable(tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}"
        command = [sys.executable, str(HARNESS), "--query-url", f"{url}/sparql", "--update-url", f"{url}/update"]
        command += ["--gsp-url", f"{url}/graphs", "--token", server.token, "--wipe", "--out", str(out)]
        subprocess.run(
            [*command, "--only", "update,gsp,protocol,extra"], check=True, stdout=subprocess.DEVNULL, timeout=450
        )
    tests = [test for test in json.loads(out.read_text())["tests"] if test["verdict"] != "skip"]
    assert {test["test"]: test["note"] for test in tests if test["verdict"] == "fail"} == {}
    counted = {kind: sum(test["category"] == kind for test in tests) for kind in ("update", "gsp", "protocol")}
    assert counted == {"update": 94, "gsp": 13, "protocol": 34}
