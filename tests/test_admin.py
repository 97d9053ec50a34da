"""Queries under way: who sees them, who ends them, and the figures that an operator reads."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.web.http.metrics import IN_PROGRESS, ROUTE_NUMBERS, Metrics
from tests.running import PATIENCE, Reply, Running, free_port, serving, wait_for

Built = tuple[Releases, Release, Report]
TOKEN = "the-operators-own-token"
SCRAPER = "the-token-of-the-metrics"
METRICS_PORT = free_port()
NAME = "a-secret-of-the-client-0123456789"
LONG = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
OPERATOR = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def server(built: Built) -> Iterator[Running]:
    with serving(
        built[0].root,
        admin_token=TOKEN,
        metrics_token=SCRAPER,
        metrics_port=METRICS_PORT,
        # Of the queries here, each is ended by a test.
        time_limit=PATIENCE,
        workers=2,
    ) as running:
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
        self.thread.join()
        return self.replies[0]


def listed(server: Running) -> list[dict[str, object]]:
    """What the operator sees, once something runs."""
    found: list[dict[str, object]] = []

    def look() -> bool:
        found.extend(json.loads(server.get("/admin/running", "GET", b"", **OPERATOR).body)["running"])
        return bool(found)

    wait_for(look)
    return found


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
            assert running.get("/metrics", "GET", b"", **headers).status == 403


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


def metrics(server: Running, port: int = 0, accept: str = "") -> dict[str, float]:
    """The samples, read by Prometheus's own parsers."""
    asked = Running(port or server.port, server.process)
    reply = asked.get("/metrics", authorization=f"Bearer {SCRAPER}", accept=accept or "*/*")
    assert reply.status == 200
    parse = openmetrics if "openmetrics" in accept else text_string_to_metric_families
    samples = (sample for family in parse(reply.body.decode()) for sample in family.samples)
    return {
        "".join((one.name, *(f"|{value}" for _, value in sorted(one.labels.items())))): one.value for one in samples
    }


def test_figures_are_there_for_prometheus(server: Running, izmir: Release) -> None:
    """(18) Requests, queries, cache, engines and release; of both web processes together, whichever is asked."""
    before = metrics(server)
    path = "/sparql?query=" + quote("SELECT (COUNT(*) AS ?metrics) {}")
    replies = [server.get(path) for _ in range(12)]
    server.get(path, if_none_match=replies[0].headers["etag"])
    server.get("/sparql?query=nothing")
    server.get("/nothing/at/all")
    after = metrics(server, METRICS_PORT)
    grown = {name: after[name] - before.get(name, 0.0) for name in after}
    assert [grown[f"citygraph_http_requests_total|/sparql|{status}"] for status in (200, 304, 400)] == [12, 1, 1]
    assert grown["citygraph_http_requests_total|other|404"] == 1
    assert grown["citygraph_http_request_seconds_count|/sparql"] == 14
    assert grown["citygraph_http_response_bytes_total|/sparql"] > 12 * len(replies[0].body)
    hits, misses = (grown[f"citygraph_cache_{what}_total|results"] for what in ("hits", "misses"))
    # "nothing" is looked up too, and is no query; each process has a cache of its own.
    assert (hits + misses, 2 <= misses <= 3) == (13, True)
    assert grown["citygraph_sparql_queries_total|cache|ok"] == hits
    evaluated = [n for name, n in grown.items() if name.startswith("citygraph_sparql_seconds_count")]
    assert sum(evaluated) == misses - 1
    assert sum(n for name, n in grown.items() if name.endswith("|syntax")) == 1
    assert after["citygraph_engine_ends_total|cancelled"] >= 1
    # An engine is idle a moment after its reply was read.
    wait_for(lambda: metrics(server)["citygraph_engines|idle"] >= 1)
    assert after["citygraph_engine_host_up"] == 1
    assert after[f"citygraph_release_info|{izmir.manifest.digest}|{izmir.id}"] == 1
    assert {f"citygraph_processes|{kind}" for kind in ("main", "web", "host", "supervisor", "engine", "writer")} <= set(
        after
    )
    assert after["citygraph_processes|web"] == 2
    assert after["citygraph_process_pss_bytes|web"] > 10_000_000
    assert 0 < time.time() - after["citygraph_start_time_seconds"] < 3600
    assert after["citygraph_disk_free_bytes"] > 0


def test_metrics_are_in_openmetrics_for_those_who_accept_it(server: Running) -> None:
    """(18) As Prometheus asks; a malformed version of the format is no error."""
    figures = metrics(server, METRICS_PORT, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert figures["citygraph_engine_host_up"] == 1
    assert metrics(server, accept="text/plain;version=x;escaping=y")["citygraph_engine_host_up"] == 1


@pytest.mark.parametrize("port", ["site", "own"])
def test_metrics_are_for_holders_of_their_token(server: Running, port: str) -> None:
    """(18) On both ports; the operator's token is another one; an address never has it."""
    asked = Running(METRICS_PORT, server.process) if port == "own" else server
    refused = [asked.get("/metrics", authorization=value) for value in ("", "Bearer x", f"Bearer {TOKEN}")]
    assert [(reply.status, SCRAPER in reply.body.decode()) for reply in refused] == [(401, False)] * 3
    assert asked.get(f"/metrics?token={SCRAPER}").status in (400, 404)
    assert asked.get("/other", authorization=f"Bearer {SCRAPER}").status == 404


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_prometheus_finds_no_fault_in_the_metrics(server: Running) -> None:
    """(18) `promtool check metrics`."""
    text = server.get("/metrics", authorization=f"Bearer {SCRAPER}").body
    command = [str(shutil.which("promtool")), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_counts_of_a_process_that_ended_are_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sums never go down: Prometheus would take that for a restart. What is under way ends with its process."""
    folder = tmp_path_factory.mktemp("metrics")
    ours = Metrics(folder)
    code = (
        "from pathlib import Path; from citygraph.web.http.metrics import Metrics, ROUTE_NUMBERS; "
        f"ended = Metrics(Path({str(folder)!r})); ended.begin_request(); ended.begin_request(); "
        "ended.end_request(ROUTE_NUMBERS['/sparql'], 200, 0.1, 10)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    ours.begin_request()
    ours.begin_request()
    for status in (200, 299):
        ours.end_request(ROUTE_NUMBERS["/sparql"], status, 0.1, 10)
    counts = ours.sums()
    assert list(counts.requests()) == [("/sparql", "200", 2), ("/sparql", "other", 1)]
    assert list(counts.sizes()) == [("/sparql", 30)]
    assert counts.present[IN_PROGRESS] == 0
