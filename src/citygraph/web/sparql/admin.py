"""Operations at /admin/running and /metrics: running queries, their end, counters."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Protocol, runtime_checkable

from citygraph.commit.tokens import bearer
from citygraph.engine.engines import RunningQuery
from citygraph.errors import EngineFailed, Forbidden, NotFound, Unauthorized, UsageError
from citygraph.settings import Settings
from citygraph.sparql.protocol import query_name
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.http.metrics import SECONDS, Metrics

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NO_STORE = ("Cache-Control", NO_STORE)
# How engine processes end, as a supervisor counts it.
_ENDS = ("time", "memory", "cancelled", "crashed", "killed", "recycled")


@runtime_checkable
class Supervised(Protocol):
    """The running queries of the engines, implemented by engine.engines.Engines."""

    def running(self) -> list[RunningQuery]:
        """Returns the running queries."""
        ...

    def cancel(self, query_id: str) -> bool:
        """Ends a query by its id."""
        ...

    def cancel_named(self, name: str) -> bool:
        """Ends a query by the name that its client gave it."""
        ...

    def figures(self) -> dict[str, dict[str, int]]:
        """Returns counts by release."""
        ...

    def state(self, release_id: str) -> str:
        """Returns "ok" or "starting" for the engines of a release. Raises EngineFailed."""
        ...


class Admin:
    """Operations on running queries, and the metrics of the server."""

    def __init__(self, settings: Settings, engines: Supervised, metrics: Metrics) -> None:
        self._settings = settings
        self._engines = engines
        self._metrics = metrics

    def metrics(self, request: Request) -> Reply:
        """Returns counters and histograms in Prometheus's text format (version 0.0.4)."""
        del request
        lines = [*_web(self._metrics.sums()), *_engines(self._engines)]
        return Reply(200, [("Content-Type", MEDIA_TYPE), _NO_STORE], ("\n".join(lines) + "\n").encode())

    def running(self, request: Request) -> Reply:
        """Returns the running queries. Raises Forbidden or Unauthorized unless the operator asks."""
        self._require_operator(request)
        queries = [
            {"id": q.id, "age": round(q.age, 3), "client": q.client, "release": q.release, "text": q.text}
            for q in self._engines.running()
        ]
        body = json.dumps({"running": queries}, ensure_ascii=False) + "\n"
        return Reply(200, [("Content-Type", "application/json"), _NO_STORE], body.encode("utf-8", "replace"))

    def end_any(self, request: Request, query_id: str) -> Reply:
        """Ends any query. Raises Forbidden or Unauthorized unless the operator asks, NotFound."""
        self._require_operator(request)
        return _end(self._engines.cancel, query_id)

    def end_own(self, request: Request, name: str) -> Reply:
        """Ends the query with a name that only its client knows. Raises NotFound."""
        del request
        return _end(self._engines.cancel_named, query_name(name))

    def _require_operator(self, request: Request) -> None:
        if not self._settings.admin_token:
            raise Forbidden("the admin addresses are closed: the operator has set no CITYGRAPH_ADMIN_TOKEN")
        # Addresses end up in logs and histories, so a token there is refused before it becomes a habit.
        if request.query:
            raise UsageError("this address has no parameters; send the token in the Authorization header")
        token = bearer(request.header("Authorization"))
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._settings.admin_token.encode()):
            raise Unauthorized("this is not the operator's token")


def _web(sums: dict[str, float]) -> Iterator[str]:
    yield from _head("sparql_answers_total", "counter", "Answers of the SPARQL endpoint by status.")
    for name, count in sums.items():
        if name.startswith("status "):
            yield _line("sparql_answers_total", count, status=name.partition(" ")[2])
    for what in ("hits", "misses"):
        yield from _head(f"sparql_cache_{what}_total", "counter", f"Results looked up in the cache: {what}.")
        yield _line(f"sparql_cache_{what}_total", sums[f"cache {what}"])
    yield from _head("sparql_seconds", "histogram", "Seconds that engines took for the queries they answered.")
    bounds = [*map(str, SECONDS), "+Inf"]
    counts = accumulate(sums[f"seconds {bound}"] for bound in [*bounds[:-1], "more"])
    count = 0.0
    for bound, count in zip(bounds, counts, strict=True):
        yield _line("sparql_seconds_bucket", count, le=bound)
    yield _line("sparql_seconds_sum", sums["seconds"])
    yield _line("sparql_seconds_count", count)


def _engines(engines: Supervised) -> Iterator[str]:
    yield from _head("engine_host_up", "gauge", "Whether the engine host answers.")
    try:
        figures, running = engines.figures(), len(engines.running())
    except EngineFailed:
        yield _line("engine_host_up", 0)
        return
    yield _line("engine_host_up", 1)
    yield from _head("queries_running", "gauge", "Queries under way.")
    yield _line("queries_running", running)
    for name, key, kind, help_ in (
        ("engines", "engines", "gauge", "Engine processes by release."),
        ("engines_started_total", "started", "counter", "Engine processes started."),
        ("queries_total", "queries", "counter", "Queries that engines have answered."),
    ):
        yield from _head(name, kind, help_)
        for release, counts in figures.items():
            yield _line(name, counts.get(key, 0), release=release)
    yield from _head("engine_ends_total", "counter", "Engine processes that ended, by reason.")
    for release, counts in figures.items():
        for reason in _ENDS:
            yield _line("engine_ends_total", counts.get(reason, 0), release=release, reason=reason)


def _head(name: str, kind: str, help_: str) -> tuple[str, str]:
    return f"# HELP citygraph_{name} {help_}", f"# TYPE citygraph_{name} {kind}"


def _line(name: str, value: float, **labels: str) -> str:
    # The values of our labels are statuses, bounds and names of releases: none needs escaping.
    pairs = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"citygraph_{name}{{{pairs}}} {value:.10g}" if pairs else f"citygraph_{name} {value:.10g}"


def _end(cancel: Callable[[str], bool], name: str) -> Reply:
    if not cancel(name):
        raise NotFound("no such query is running: it has ended, or waits for an engine")
    return Reply(204, [_NO_STORE])
