"""The cost of metrics: microseconds for each counted request, and milliseconds for a scrape."""

from __future__ import annotations

import os
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from citygraph.settings import Settings
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.observation import RequestObserver
from citygraph.web.sparql.server_metrics import ServerMetrics

_TIMES, _ROUNDS = 50_000, 7


class _NoEngines:
    def figures(self) -> dict[str, dict[str, int]]:
        return {}


def main() -> None:
    """Prints both, the best of seven rounds; the scrape is measured without the engines' part."""
    with tempfile.TemporaryDirectory() as folder:
        metrics = Metrics(Path(folder))

        observer = RequestObserver(Settings(), metrics)
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "REMOTE_ADDR": "192.0.2.1"}
        request, reply = Request(environ), Reply(200, [], b"a result")
        request.route = "/sparql"

        def lookup() -> None:
            begun = observer.begin(environ)
            metrics.results_cache.count_lookup(hit=False)
            metrics.count_query("web", "ok", 0.0003)
            metrics.results_cache.count_stored(1, 2000, 0)
            observer.end(request, reply, begun)
            reply.headers.clear()

        print(f"a lookup: {_best(lookup, _TIMES) * 1e6:.1f} µs")
        site = ServerMetrics(Settings(), _NoEngines(), metrics, os.getpid)
        print(f"a scrape: {_best(lambda: site.render(''), 10) * 1e3:.1f} ms")


def _best(function: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(function, number=times, repeat=_ROUNDS, timer=time.process_time)) / times


if __name__ == "__main__":
    main()
