"""What an operator's Prometheus reads at /metrics, in its text format (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from flask import Flask, Response

from citygraph.errors import EngineFailed
from citygraph.web.answering.tallies import SECONDS, Tallies
from citygraph.web.asking.running import Supervised

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
