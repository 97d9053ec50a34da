"""Queries under way: who sees them, who ends them, and the figures that an operator reads."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.web.http.metrics import Metrics
from tests.running import Reply, Running, serving

Built = tuple[Releases, Release, Report]
TOKEN = "the-operators-own-token"
NAME = "a-secret-of-the-client-0123456789"
LONG = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
OPERATOR = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Running]:
    with serving(built[0].root, admin_token=TOKEN, time_limit=20, workers=2) as running:
        assert running.get("/sparql?query=" + quote("ASK {}")).status == 200
        yield running


class Asking:
    """A long query that is asked in the background; `reply` is there when it has ended."""

    def __init__(self, server: Running, text: str = LONG, **headers: str) -> None:
        self.replies: list[Reply] = []
        path = "/sparql?query=" + quote(text)
        self.thread = threading.Thread(target=lambda: self.replies.append(server.get(path, "GET", b"", **headers)))
        self.thread.start()

    def reply(self) -> Reply:
        self.thread.join(30)
        return self.replies[0]


def listed(server: Running) -> list[dict[str, object]]:
    """What the operator sees, once something runs."""
    for _ in range(200):
        found = json.loads(server.get("/admin/running", "GET", b"", **OPERATOR).body)["running"]
        if found:
            return list(found)
        time.sleep(0.05)
    raise AssertionError("nothing runs")


def test_the_operator_sees_and_ends_queries(server: Running) -> None:
    """With id, age, client and text; the client hears that it was ended, not that it failed."""
    asking = Asking(server)
    (query,) = listed(server)
    assert (query["text"], query["client"]) == (LONG, "127.0.0.1")
    assert server.get(f"/admin/running/{query['id']}", "DELETE", b"", **OPERATOR).status == 204
    reply = asking.reply()
    assert (reply.status, json.loads(reply.body)["type"].rpartition("/")[2]) == (503, "cancelled")
    assert server.get(f"/admin/running/{query['id']}", "DELETE", b"", **OPERATOR).status == 404


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"authorization": "Bearer wrong"}, "", 401),
        ({"authorization": f"Basic {TOKEN}"}, "", 401),
        (OPERATOR, f"?token={TOKEN}", 400),
        ({}, f"?access_token={TOKEN}", 400),
    ],
)
@pytest.mark.parametrize(("path", "method"), [("/admin/running", "GET"), ("/admin/running/x", "DELETE")])
def test_others_do_not(
    server: Running, path: str, method: str, headers: dict[str, str], query: str, status: int
) -> None:
    """The token counts in its header alone."""
    reply = server.get(path + query, method, b"", **headers)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert TOKEN not in reply.body.decode()


def test_without_a_token_the_admin_addresses_are_closed(built: Built) -> None:
    """Also to those who send none, or an empty one."""
    with serving(built[0].root, workers=1) as running:
        for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer x"}):
            assert running.get("/admin/running", "GET", b"", **headers).status == 403


def test_a_client_ends_its_own_query(server: Running) -> None:
    """By the secret name that it gave it, without any token; what the operator's list shows is not that name."""
    asking = Asking(server, x_citygraph_query_id=NAME)
    (query,) = listed(server)
    assert NAME not in json.dumps(query)
    other = server.get(f"/sparql/running/{quote(str(query['id']).ljust(22, 'x'))}", "DELETE")
    assert other.status == 404
    assert server.get(f"/sparql/running/{NAME}", "DELETE").status == 204
    assert json.loads(asking.reply().body)["type"].rpartition("/")[2] == "cancelled"
    assert server.get(f"/sparql/running/{NAME}", "DELETE").status == 404


def test_a_page_of_another_site_may_end_its_own_query(server: Running) -> None:
    """The preflight allows the method and, at the endpoint, the header that carries the name."""
    reply = server.get(f"/sparql/running/{NAME}", "OPTIONS", origin="https://app.example")
    assert "DELETE" in reply.headers["access-control-allow-methods"]
    assert "X-Citygraph-Query-Id" in server.get("/sparql", "OPTIONS").headers["access-control-allow-headers"]


@pytest.mark.parametrize("name", ["short", "with space in it, and long enough", "x" * 129])
def test_a_name_that_can_be_guessed_is_refused(server: Running, name: str) -> None:
    """It would be a key that fits."""
    assert server.get("/sparql?query=" + quote("ASK {}"), x_citygraph_query_id=name).status == 400
    assert server.get(f"/sparql/running/{quote(name)}", "DELETE").status == 400


def test_the_command_lists_and_ends_queries(server: Running, built: Built) -> None:
    """`citygraph running` finds the server by the releases it serves, without a token."""
    asking = Asking(server)
    (query,) = listed(server)
    said = command(built, "--json")
    assert [json.loads(line)["id"] for line in said.stdout.splitlines()] == [query["id"]]
    assert LONG in command(built).stdout
    assert command(built, "--cancel", str(query["id"])).returncode == 0
    assert asking.reply().status == 503
    assert (command(built).stdout, command(built, "--cancel", "x").returncode) == ("", 2)


def test_the_command_tells_that_no_server_runs(built: Built, server: Running) -> None:
    """And clears up what one that was killed left behind."""
    left = built[0].root.parent / "elsewhere"
    left.mkdir()
    beacon = next(built[0].root.glob(".serving-*"))  # other servers may stand on these releases too
    stale = left / beacon.name
    stale.write_text("/nowhere/host.sock")
    done = subprocess.run(
        [sys.executable, "-m", "citygraph.cli", "--releases", str(left), "running"], capture_output=True, check=False
    )
    assert (done.returncode, b"no server" in done.stderr, stale.exists()) == (2, True, False)


def command(built: Built, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "citygraph.cli", "--releases", str(built[0].root), "running", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def metrics(server: Running) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_figures_are_there_for_prometheus(server: Running, izmir: Release) -> None:
    """Answers, cache, durations and ends; of both web processes together, whichever is asked."""
    before = metrics(server)
    path = "/sparql?query=" + quote("SELECT (COUNT(*) AS ?metrics) {}")
    replies = [server.get(path) for _ in range(12)]
    server.get(path, if_none_match=replies[0].headers["etag"])
    server.get("/sparql?query=nothing")
    after = metrics(server)
    grown = {name: after[name] - before[name] for name in after}
    assert grown['citygraph_sparql_answers_total{status="200"}'] == 12
    assert grown['citygraph_sparql_answers_total{status="304"}'] == 1
    assert grown['citygraph_sparql_answers_total{status="400"}'] == 1
    hits, misses = (grown[f"citygraph_sparql_cache_{what}_total"] for what in ("hits", "misses"))
    # "nothing" is looked up too, and is no query; each process has a cache of its own.
    assert (hits + misses, 2 <= misses <= 3) == (13, True)
    assert grown["citygraph_sparql_seconds_count"] == misses - 1 == grown['citygraph_sparql_seconds_bucket{le="+Inf"}']
    assert after[f'citygraph_engine_ends_total{{release="{izmir.id}",reason="cancelled"}}'] >= 1
    assert after[f'citygraph_engines{{release="{izmir.id}"}}'] >= 1
    assert after["citygraph_engine_host_up"] == 1


def test_counts_of_a_process_that_ended_are_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sums never go down: Prometheus would take that for a restart."""
    folder = tmp_path_factory.mktemp("metrics")
    ours = Metrics(folder)
    imports = "from pathlib import Path; from citygraph.web.http.metrics import Metrics"
    code = f"{imports}; Metrics(Path(%r)).count_reply(200)"
    subprocess.run([sys.executable, "-c", code % str(folder)], check=True)
    ours.count_reply(200)
    ours.count_reply(299)
    assert (ours.sums()["status 200"], ours.sums()["status other"]) == (2, 1)
