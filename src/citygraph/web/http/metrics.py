"""Counters of the web processes in shared memory: requests, queries, results in the cache, commits."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from citygraph.shared_counts import SharedCounts
from citygraph.web.http.routes import ROUTES

SUFFIX = ".metrics"
# An address without a route counts as OTHER: labels made of paths would have no limit.
OTHER = "other"
_PATTERNS = (*dict.fromkeys(route.address for route in ROUTES), OTHER)
ROUTE_NUMBERS = {pattern: number for number, pattern in enumerate(_PATTERNS)}
OTHER_ROUTE = ROUTE_NUMBERS[OTHER]

# fmt: off
STATUSES = (
    "200", "201", "202", "204", "206", "301", "302", "303", "304", "307", "308", "400", "401", "403", "404", "405",
    "406", "409", "410", "412", "413", "415", "416", "422", "429", "499", "500", "502", "503", "504", "507", OTHER,
)
# fmt: on
# Upper bounds of the buckets of durations, in seconds.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0)
COMMIT_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
# Where a query was evaluated: "none" if it was refused before.
EVALUATORS = ("cache", "web", "engine", "store", "none")
QUERY_OUTCOMES = (
    *("ok", "not modified", "time", "memory", "size", "cancelled", "client gone"),
    *("busy", "syntax", "refused", "failed", OTHER),
)
COMMIT_OUTCOMES = ("published", "unchanged", "dry run", "refused", "failed")

_STATUS_PLACES = {int(status): place for place, status in enumerate(STATUSES[:-1])}
_OTHER_STATUS = len(STATUSES) - 1


@dataclass(frozen=True)
class Histogram:
    """Where the counts of a histogram are: one for each bucket, and then the sum."""

    start: int
    bounds: tuple[float, ...]

    @property
    def end(self) -> int:
        """The place after the last."""
        return self.start + len(self.bounds) + 2

    def read(self, counts: list[float]) -> tuple[list[tuple[str, float]], float]:
        """Returns the cumulative buckets as Prometheus has them, and the sum."""
        buckets, total = [], 0.0
        for place, bound in enumerate([*map(str, self.bounds), "+Inf"], self.start):
            total += counts[place]
            buckets.append((bound, total))
        return buckets, counts[self.end - 1]


# The block of a route: its statuses, the histogram of its durations, its bytes.
_OF_ROUTE = Histogram(len(STATUSES), SECONDS)
_SECONDS_SPENT, _BYTES_SENT = _OF_ROUTE.end - 1, _OF_ROUTE.end
_BLOCK = _BYTES_SENT + 1
_QUERIES = _BLOCK * len(_PATTERNS)
_QUERY_SECONDS = _QUERIES + len(EVALUATORS) * len(QUERY_OUTCOMES)
_OF_EVALUATOR = Histogram(0, SECONDS)
_SUM = _OF_EVALUATOR.end - 1
# Computed once: a dictionary is faster than a search.
_QUERY_PLACES = {
    (evaluator, outcome): _QUERIES + place
    for place, (evaluator, outcome) in enumerate(product(EVALUATORS, QUERY_OUTCOMES))
}
_SECONDS_PLACES = {
    evaluator: _QUERY_SECONDS + number * _OF_EVALUATOR.end for number, evaluator in enumerate(EVALUATORS)
}
_COMMITS = _QUERY_SECONDS + len(EVALUATORS) * _OF_EVALUATOR.end
COMMIT_HISTOGRAM = Histogram(_COMMITS + len(COMMIT_OUTCOMES), COMMIT_SECONDS)
IN_PROGRESS, WAITING_COMMITS, _CACHE_COUNTS = range(COMMIT_HISTOGRAM.end, COMMIT_HISTOGRAM.end + 3)
_HITS, _MISSES, _EVICTIONS, _ENTRIES, _CACHE_BYTES, _OF_CACHE = range(6)
# Caches of finished bytes in each web process.
CACHES = ("results", "documents")
_SIZE = _CACHE_COUNTS + len(CACHES) * _OF_CACHE


class Metrics:
    """The counters of this process, and of all web processes that share `folder`; without a folder, its own only."""

    def __init__(self, folder: Path | None = None) -> None:
        self._shared = SharedCounts(_SIZE, folder, SUFFIX)
        self._values = self._shared.values
        self._lock = self._shared.lock
        self.results_cache, self.documents_cache = (CacheMetrics(self._shared, name) for name in CACHES)

    def restart(self, folder: Path | None) -> None:
        """Counts from zero for a process that was forked with these counters."""
        self._shared.restart(folder)
        self._values = self._shared.values

    def begin_request(self) -> float:
        """Counts a request in progress. Returns the time, for `end_request`."""
        with self._lock:
            self._values[IN_PROGRESS] += 1
        return time.perf_counter()

    def end_request(self, route: int, status: int, seconds: float, size: int) -> None:
        """Counts a request that has ended, by the number of its route."""
        block = route * _BLOCK
        bucket = block + _OTHER_STATUS + 1 + bisect_left(SECONDS, seconds)
        # One lock for all: a point lookup takes half a millisecond, and is counted in a few millionths of a second.
        with self._lock:
            values = self._values
            values[IN_PROGRESS] -= 1
            values[block + _STATUS_PLACES.get(status, _OTHER_STATUS)] += 1
            values[bucket] += 1
            values[block + _SECONDS_SPENT] += seconds
            values[block + _BYTES_SENT] += size

    def withdraw_request(self) -> None:
        """Takes back that a request is in progress: it will be begun again."""
        self._shared.add(IN_PROGRESS, -1)

    def count_query(self, evaluator: str, outcome: str, seconds: float | None = None) -> None:
        """Counts a query by where it was evaluated and what came of it; with the duration of its evaluation."""
        place = _QUERY_PLACES.get((evaluator, outcome)) or _QUERY_PLACES[evaluator, OTHER]
        with self._lock:
            values = self._values
            values[place] += 1
            if seconds is not None:
                start = _SECONDS_PLACES[evaluator]
                values[start + bisect_left(SECONDS, seconds)] += 1
                values[start + _SUM] += seconds

    def begin_commit(self) -> float:
        """Counts a commit that waits for the writer. Returns the time, for `end_commit`."""
        self._shared.add(WAITING_COMMITS)
        return time.perf_counter()

    def end_commit(self, outcome: str, begun: float) -> float:
        """Counts a commit that has ended. Returns how many seconds it took, in thousandths."""
        seconds = time.perf_counter() - begun
        with self._lock:
            self._values[WAITING_COMMITS] -= 1
            self._values[_COMMITS + COMMIT_OUTCOMES.index(outcome)] += 1
            self._values[COMMIT_HISTOGRAM.start + bisect_left(COMMIT_SECONDS, seconds)] += 1
            self._values[COMMIT_HISTOGRAM.end - 1] += seconds
        return round(seconds, 3)

    def sums(self) -> WebCounts:
        """Returns the counts of all processes."""
        return WebCounts(self._shared.sums(), self._shared.present())


class CacheMetrics:
    """The counters of a cache."""

    def __init__(self, shared: SharedCounts, name: str) -> None:
        self._shared = shared
        self._start = _CACHE_COUNTS + CACHES.index(name) * _OF_CACHE

    def count_lookup(self, hit: bool) -> None:
        """Counts a lookup."""
        self._shared.add(self._start + (_HITS if hit else _MISSES))

    def count_stored(self, entries: int, size: int, evicted: int) -> None:
        """Counts by how many entries and bytes the cache has changed, and how many entries had to make room."""
        start, values = self._start, self._shared.values
        with self._shared.lock:
            values[start + _ENTRIES] += entries
            values[start + _CACHE_BYTES] += size
            values[start + _EVICTIONS] += evicted


@dataclass(frozen=True)
class CacheCounts:
    """The counts of a cache: sums, and its current entries and bytes."""

    name: str
    hits: float
    misses: float
    evictions: float
    entries: float
    size: float


class WebCounts:
    """Counts of all web processes: `sums` of those that have ended too, `present` of those that run."""

    def __init__(self, sums: list[float], present: list[float]) -> None:
        self.sums = sums
        self.present = present

    def requests(self) -> Iterator[tuple[str, str, float]]:
        """Yields route, status and number, where there are any."""
        for route, block in self._routes():
            for place, status in enumerate(STATUSES):
                if count := self.sums[block + place]:
                    yield route, status, count

    def durations(self) -> Iterator[tuple[str, list[tuple[str, float]], float]]:
        """Yields the histogram of each route that was requested."""
        for route, block in self._routes():
            buckets, seconds = Histogram(block + _OF_ROUTE.start, SECONDS).read(self.sums)
            if buckets[-1][1]:
                yield route, buckets, seconds

    def sizes(self) -> Iterator[tuple[str, float]]:
        """Yields the bytes of each route that sent any."""
        for route, block in self._routes():
            if size := self.sums[block + _BYTES_SENT]:
                yield route, size

    def queries(self) -> Iterator[tuple[str, str, float]]:
        """Yields evaluator, outcome and number, where there are any."""
        for (evaluator, outcome), place in _QUERY_PLACES.items():
            if count := self.sums[place]:
                yield evaluator, outcome, count

    def query_durations(self) -> Iterator[tuple[str, list[tuple[str, float]], float]]:
        """Yields the histogram of each evaluator that had a query."""
        for evaluator, start in _SECONDS_PLACES.items():
            buckets, seconds = Histogram(start, SECONDS).read(self.sums)
            if buckets[-1][1]:
                yield evaluator, buckets, seconds

    def commits(self) -> Iterator[tuple[str, float]]:
        """Yields each outcome of commits and its number."""
        yield from zip(COMMIT_OUTCOMES, self.sums[_COMMITS:], strict=False)

    def caches(self) -> Iterator[CacheCounts]:
        """Yields the counts of each cache."""
        for number, name in enumerate(CACHES):
            start = _CACHE_COUNTS + number * _OF_CACHE
            sums, present = self.sums[start:], self.present[start:]
            yield CacheCounts(
                name, sums[_HITS], sums[_MISSES], sums[_EVICTIONS], present[_ENTRIES], present[_CACHE_BYTES]
            )

    def _routes(self) -> Iterator[tuple[str, int]]:
        return ((route, number * _BLOCK) for number, route in enumerate(_PATTERNS))


def connection_counts(engine_socket: str) -> SharedCounts:
    """Returns the counter of open connections, which the HTTP server counts."""
    return SharedCounts(1, folder_of(engine_socket), ".connections")


def folder_of(engine_socket: str) -> Path | None:
    """Returns the folder for the metrics of a server: the one with the socket of its engine host."""
    folder = Path(engine_socket).parent if engine_socket else None
    return folder if folder is not None and folder.is_dir() else None
