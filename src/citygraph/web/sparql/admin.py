"""What an operator's Prometheus reads at /metrics, in its text format (version 0.0.4)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Protocol, runtime_checkable

from flask import Flask, Response, jsonify, request

from citygraph.commit.tokens import bearer
from citygraph.engine.engines import Running
from citygraph.errors import EngineFailed, Forbidden, NotFound, Unauthorized, UsageError
from citygraph.settings import Settings
from citygraph.sparql.protocol import query_name
from citygraph.web.http.metrics import SECONDS, Tallies

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# How engine processes end, as a nursery counts it.
_ENDS = ("time", "memory", "cancelled", "crashed", "recycled")


def mount_metrics(app: Flask, engines: Supervised, tallies: Tallies) -> None:
    """Add the address to the site."""

    def metrics() -> Response:
        lines = [*_web(tallies.sums()), *_engines(engines)]
        return Response("\n".join(lines) + "\n", content_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    app.add_url_rule("/metrics", "metrics", metrics)


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
    shown = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"citygraph_{name}{{{shown}}} {value:.10g}" if shown else f"citygraph_{name} {value:.10g}"


_NO_STORE = {"Cache-Control": "no-store"}


@runtime_checkable
class Supervised(Protocol):
    """What knows of running queries: sparql.engine.Engines."""

    def running(self) -> list[Running]:
        """The queries under way."""
        ...

    def cancel(self, query_id: str) -> bool:
        """End one."""
        ...

    def cancel_named(self, name: str) -> bool:
        """End one by the name that its client gave it."""
        ...

    def figures(self) -> dict[str, dict[str, int]]:
        """Counts by release."""
        ...


def mount_running(app: Flask, settings: Settings, engines: Supervised) -> None:
    """Add the addresses to the site."""

    def listed() -> Response:
        _require_operator(settings)
        queries = [
            {"id": q.id, "age": round(q.age, 3), "client": q.client, "release": q.release, "text": q.text}
            for q in engines.running()
        ]
        response = jsonify({"running": queries})
        response.headers.update(_NO_STORE)
        return response

    def end_any(query_id: str) -> Response:
        _require_operator(settings)
        return _end(engines.cancel, query_id)

    def end_own(name: str) -> Response:
        return _end(engines.cancel_named, query_name(name))

    app.add_url_rule("/admin/running", "running", listed)
    app.add_url_rule("/admin/running/<query_id>", "end_any", end_any, methods=["DELETE"])
    app.add_url_rule("/sparql/running/<name>", "end_own", end_own, methods=["DELETE"])
    app.after_request(_allow_delete)


def _end(cancel: Callable[[str], bool], name: str) -> Response:
    if not cancel(name):
        raise NotFound("no such query is running: it has ended, or waits for an engine")
    return Response(status=204, headers=_NO_STORE)


def _require_operator(settings: Settings) -> None:
    """Raise Forbidden or Unauthorized unless the request carries the operator's token."""
    if not settings.admin_token:
        raise Forbidden("the admin addresses are closed: the operator has set no CITYGRAPH_ADMIN_TOKEN")
    if request.query_string:
        raise UsageError("nothing belongs in this address, a token least of all: send it in the Authorization header")
    token = bearer(request.headers.get("Authorization", ""))
    if not hmac.compare_digest(token.encode("utf-8", "replace"), settings.admin_token.encode()):
        raise Unauthorized("this is not the operator's token")


def _allow_delete(response: Response) -> Response:
    """The preflight of a page on another host that ends its own query."""
    if request.method == "OPTIONS" and request.path.startswith("/sparql/running/"):
        response.headers["Access-Control-Allow-Methods"] = "DELETE, OPTIONS"
    return response
