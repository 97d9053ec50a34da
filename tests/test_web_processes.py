"""The web processes of a running server: forked with one application, and separate all the same."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import time
from contextlib import ExitStack, closing
from pathlib import Path

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests.process_tree import family
from tests.running import PATIENCE, Running, is_running, serving, wait_for

Built = tuple[Releases, Release, Report]
TOKEN = "the-token-of-the-metrics"
# An address that nothing else requests here.
PATH = "/robots.txt"


class Visitor:
    """Counts its requests, and collects the names of the web processes that answered: the first part of their ids."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.requests = 0
        self.names: set[str] = set()

    def visit(self, open_connections: ExitStack) -> None:
        """Sends a request on a new connection, which stays open: the next one is left to another process."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE)
        open_connections.enter_context(closing(connection))
        connection.request("GET", PATH)
        response = connection.getresponse()
        response.read()
        self.requests += 1
        self.names.add(response.headers["X-Request-Id"].partition("-")[0])

    def visit_until_named(self, names: int) -> None:
        """Sends requests until so many processes have answered in all."""
        with ExitStack() as open_connections:

            def all_answered() -> bool:
                self.visit(open_connections)
                return len(self.names) >= names

            wait_for(all_answered)


def counted(server: Running) -> int:
    """Returns how many requests of PATH the metrics of the server have."""
    text = server.get("/metrics", authorization=f"Bearer {TOKEN}").body.decode()
    return int(
        float(re.findall(rf'^citygraph_http_requests_total{{route="{PATH}",status="200"}} (\S+)', text, re.M)[0])
    )


def test_forked_web_processes_share_neither_ids_nor_counts(built: Built) -> None:
    """Each has a name of its own for its requests, and no count is lost because two write to one place."""
    with serving(built[0].root, workers=2, metrics_token=TOKEN) as server:
        visitor = Visitor(server)
        visitor.visit_until_named(2)
        assert len(visitor.names) == 2
        wait_for(lambda: counted(server) == visitor.requests)


def test_a_replaced_web_process_continues_the_counts_and_serves_a_new_release(built: Built, tmp_path: Path) -> None:
    """It is forked with an application that was made when the server started, and that holds nothing of that time."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=built[1]) as staged:
        first = staged.publish(built[1].manifest)
    with serving(releases.root, workers=1, metrics_token=TOKEN) as server:
        visitor = Visitor(server)
        visitor.visit_until_named(1)
        time.sleep(1.1)  # a release's name has a second's resolution
        with releases.stage(copy_of=first) as staged:
            second = staged.publish(first.manifest)
        (former,) = family(server.process.pid)["web"]
        os.kill(former, signal.SIGKILL)
        wait_for(lambda: not is_running(former))
        visitor.visit_until_named(2)
        wait_for(lambda: counted(server) == visitor.requests)
        assert json.loads(server.get("/ready").body)["release"] == second.id
