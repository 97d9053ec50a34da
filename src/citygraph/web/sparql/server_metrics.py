"""The metrics of a server in the formats of Prometheus: what its processes counted, and how they are now."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

import citygraph
from citygraph.engine.worker import COUNTED, COUNTS_SUFFIX, ENDS
from citygraph.errors import CitygraphError, EngineFailed
from citygraph.release.disk_room import disk_room
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.shared_counts import NamedCounts
from citygraph.storage.exchange_state import read_exchange_state
from citygraph.web.http import metrics as places
from citygraph.web.http.messages import modified
from citygraph.web.http.metrics import Metrics, connection_counts, folder_of
from citygraph.web.http.process_memory import memory_by_kind, started

_OPENMETRICS = "application/openmetrics-text"
# The libraries on whose versions results depend.
_LIBRARIES = ("pyoxigraph", "pyshacl", "pyshifty")


class Figures(Protocol):
    """The numbers of the engines, implemented by engine.engines.Engines."""

    def figures(self) -> dict[str, dict[str, int]]:
        """Returns counts by release."""
        ...


class ServerMetrics(Collector):
    """All metrics of a server; `main` returns the id of its main process."""

    def __init__(self, settings: Settings, engines: Figures, metrics: Metrics, main: Callable[[], int]) -> None:
        self._engines = engines
        self._metrics = metrics
        self._releases = Releases(settings.releases)
        self._follows = bool(settings.follow)
        self._pushes = bool(settings.push_to)
        self._main = main
        self._connections = connection_counts(settings.engine_socket)
        self._counts = NamedCounts(COUNTED, folder_of(settings.engine_socket), COUNTS_SUFFIX)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def render(self, accept: str) -> tuple[str, bytes]:
        """Returns the Content-Type and the text: OpenMetrics if it is accepted, else Prometheus's text format."""
        if _OPENMETRICS in accept:
            return openmetrics.CONTENT_TYPE_LATEST, openmetrics.generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yields each metric with its present values."""
        counts = self._metrics.sums()
        yield from _requests(counts)
        connections = self._connections.present()[0]
        yield _gauge("http_connections", "Connections of clients, idle ones too.", connections)
        yield from _queries(counts)
        yield from _caches(counts)
        yield from _commits(counts)
        yield from self._engine_metrics()
        yield from self._release_metrics()
        yield from self._process_metrics()

    def describe(self) -> Iterator[Metric]:
        """Yields nothing: values are read only on a request for metrics."""
        return iter(())

    def _engine_metrics(self) -> Iterator[Metric]:
        try:
            figures: Counter[str] = Counter()
            for one in self._engines.figures().values():
                figures.update(one)
        except EngineFailed:
            yield _gauge("engine_host_up", "Whether the engine host answers.", 0)
        else:
            yield _gauge("engine_host_up", "Whether the engine host answers.", 1)
            engines = GaugeMetricFamily("citygraph_engines", "Engine processes by state.", labels=("state",))
            busy, starting = figures["busy"], figures["starting"]
            for state, count in (
                ("busy", busy),
                ("idle", figures["engines"] - busy - starting),
                ("starting", starting),
            ):
                engines.add_metric((state,), count)
            yield engines
        counts = self._counts.sums()
        yield _counter("engines_started", "Engine processes started.", counts["started"])
        ends = CounterMetricFamily("citygraph_engine_ends", "Engine processes that ended.", labels=("reason",))
        for reason in ENDS:
            ends.add_metric((reason,), counts[reason])
        yield ends

    def _release_metrics(self) -> Iterator[Metric]:
        room = disk_room(self._releases)
        yield _gauge("disk_free_bytes", "Bytes free on the disk of the releases.", room.free)
        yield _gauge("disk_used_bytes", "Bytes used on the disk of the releases.", room.used)
        if self._follows:
            state = read_exchange_state(self._releases.root, "following")
            yield _gauge("follow_up", "Whether this server has the newest release of its publisher.", not state.problem)
            if state.checked:
                looked = datetime.fromisoformat(state.checked).timestamp()
                yield _gauge("follow_timestamp_seconds", "When a newer release was last looked for.", looked)
        if self._pushes:
            state = read_exchange_state(self._releases.root, "pushing")
            yield _gauge("push_up", "Whether the last push of a release succeeded.", not state.problem)
            if state.checked:
                tried = datetime.fromisoformat(state.checked).timestamp()
                yield _gauge("push_timestamp_seconds", "When a release was last pushed, or could not be.", tried)
        try:
            release = self._releases.current()
        except CitygraphError:
            return
        manifest = release.manifest
        yield InfoMetricFamily(
            "citygraph_release", "The current release.", {"release": release.id, "digest": manifest.digest}
        )
        published = modified(release).timestamp()
        yield _gauge("release_timestamp_seconds", "When the current release was published.", published)
        yield _gauge("release_quads", "Statements in the named graphs of the current release.", manifest.quads)

    def _process_metrics(self) -> Iterator[Metric]:
        processes = GaugeMetricFamily("citygraph_processes", "Processes of the server.", labels=("process",))
        shared = GaugeMetricFamily(
            "citygraph_process_pss_bytes",
            "Memory of all processes of a kind, of shared pages their share (PSS).",
            labels=("process",),
        )
        largest = GaugeMetricFamily(
            "citygraph_process_rss_bytes", "Memory of the largest process of a kind (RSS).", labels=("process",)
        )
        for kind, memory in sorted(memory_by_kind(self._main()).items()):
            processes.add_metric((kind,), memory.processes)
            shared.add_metric((kind,), memory.pss)
            largest.add_metric((kind,), memory.largest)
        yield from (processes, shared, largest)
        yield _gauge("start_time_seconds", "When the server was started.", started(self._main()))
        versions = {name: version(name) for name in _LIBRARIES}
        yield InfoMetricFamily(
            "citygraph_build",
            "What runs.",
            {"version": citygraph.__version__, "python": platform.python_version(), **versions},
        )


def _requests(counts: places.WebCounts) -> Iterator[Metric]:
    requests = CounterMetricFamily("citygraph_http_requests", "Requests answered.", labels=("route", "status"))
    for route, status, count in counts.requests():
        requests.add_metric((route, status), count)
    seconds = HistogramMetricFamily(
        "citygraph_http_request_seconds", "Seconds until the response was sent.", labels=("route",)
    )
    for route, buckets, total in counts.durations():
        seconds.add_metric((route,), buckets, total)
    sent = CounterMetricFamily("citygraph_http_response_bytes", "Bytes of bodies sent.", labels=("route",))
    for route, size in counts.sizes():
        sent.add_metric((route,), size)
    yield from (requests, seconds, sent)
    yield _gauge("http_requests_in_progress", "Requests under way.", counts.present[places.IN_PROGRESS])


def _queries(counts: places.WebCounts) -> Iterator[Metric]:
    queries = CounterMetricFamily("citygraph_sparql_queries", "Queries answered.", labels=("evaluator", "outcome"))
    for evaluator, outcome, count in counts.queries():
        queries.add_metric((evaluator, outcome), count)
    seconds = HistogramMetricFamily("citygraph_sparql_seconds", "Seconds of evaluation.", labels=("evaluator",))
    for evaluator, buckets, total in counts.query_durations():
        seconds.add_metric((evaluator,), buckets, total)
    yield from (queries, seconds)


def _caches(counts: places.WebCounts) -> Iterator[Metric]:
    labels = ("cache",)
    hits = CounterMetricFamily("citygraph_cache_hits", "Lookups that found an entry.", labels=labels)
    misses = CounterMetricFamily("citygraph_cache_misses", "Lookups that found none.", labels=labels)
    evictions = CounterMetricFamily("citygraph_cache_evictions", "Entries that had to make room.", labels=labels)
    entries = GaugeMetricFamily("citygraph_cache_entries", "Entries.", labels=labels)
    size = GaugeMetricFamily("citygraph_cache_bytes", "Bytes of the entries.", labels=labels)
    for cache in counts.caches():
        hits.add_metric((cache.name,), cache.hits)
        misses.add_metric((cache.name,), cache.misses)
        evictions.add_metric((cache.name,), cache.evictions)
        entries.add_metric((cache.name,), cache.entries)
        size.add_metric((cache.name,), cache.size)
    yield from (hits, misses, evictions, entries, size)


def _commits(counts: places.WebCounts) -> Iterator[Metric]:
    commits = CounterMetricFamily("citygraph_commits", "Commits by outcome.", labels=("outcome",))
    for outcome, count in counts.commits():
        commits.add_metric((outcome,), count)
    seconds = HistogramMetricFamily("citygraph_commit_seconds", "Seconds of a commit, with its wait for others.")
    buckets, total = places.COMMIT_HISTOGRAM.read(counts.sums)
    seconds.add_metric((), buckets, total)
    yield from (commits, seconds)
    waiting = counts.present[places.WAITING_COMMITS]
    yield _gauge("commits_in_progress", "Commits in the queue of the writer and under way.", waiting)


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"citygraph_{name}", help_, value=value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(f"citygraph_{name}", help_, value=value)
