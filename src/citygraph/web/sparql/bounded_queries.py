"""Evaluation in the web process of queries that the statistics of their release bound, such as lookups.

A bounded query has at most MOST_BINDINGS bindings and MOST_BYTES bytes of terms (`sparql/bounds.py`), so that it needs
no process that can be ended: it takes some tens of milliseconds at most, less than many a page. It is not in the list
of running queries. All other queries go to the engines, and so does one whose result is larger than is held in memory.
"""

from __future__ import annotations

import time

from pyoxigraph import Store

from citygraph.engine.engines import Answer
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.bounds import Bound, QueryBounds
from citygraph.sparql.evaluate import evaluate_plain
from citygraph.sparql.protocol import Query
from citygraph.sparql.statistics import read_statistics
from citygraph.web.view.release_cache import ReleaseCache

_MOST_KEPT = 16  # releases
_MOST_PATTERNS = 10_000
# Characters of the IRIs by which a count is kept.
_LONGEST_IRIS = 1000
# The part of the greatest bound for which the event loop waits: it serves no other client for these few milliseconds.
_QUICK_PART = 20


class BoundedQueries:
    """Evaluates bounded queries on the stores of open releases."""

    def __init__(self, settings: Settings, cache: ReleaseCache) -> None:
        self._cache = cache
        self._is_on = settings.bounded_queries
        self._most_bytes = min(settings.hold_limit, settings.result_limit or settings.hold_limit)
        self._bounds: dict[str, QueryBounds | None] = {}
        # A release never changes, so that counts remain valid, and many queries are about the same things.
        self._kept: dict[tuple[str, Bound], bool] = {}

    def quick_bound(self, release: Release, query: Query) -> Bound | None:
        """Returns the bound of a query with so few bindings that the event loop may wait for it, or None."""
        bounds = self._bounds.get(release.id)
        if bounds is None or not self._may_be_bounded(query) or not self._cache.has(release.id):
            return None
        return bounds.of(query.text, _QUICK_PART)

    def is_bounded(self, release: Release, query: Query) -> bool:
        """Returns whether `run` evaluates a query, unless its terms are too long."""
        if not self._may_be_bounded(query):
            return False
        bounds = self._bounds_of(release)
        return bounds is not None and bounds.of(query.text) is not None

    def run(self, release: Release, query: Query, bound: Bound | None = None) -> Answer | None:
        """Returns the result of a query, or None if engines must evaluate it. Raises what `evaluate` raises.

        Pass the bound if it is known.
        """
        if not self._may_be_bounded(query):
            return None
        begun = time.monotonic()
        if bound is None and (bounds := self._bounds_of(release)) is not None:
            bound = bounds.of(query.text)
        if bound is None:
            return None
        try:
            # The store on the disk and not its replica, so that the rows are in the same order in all web processes.
            store = self._cache.get(release.id).store
            if not self._is_kept(release, store, bound):
                return None
            result = evaluate_plain(store, query, bound.prefixes)
            if result.format.results is None:
                # Spreadsheets and other exports take more time and memory than their rows.
                return None
            body, rows = result.whole()
        except OSError:
            # The engines report the error in the store, if it concerns them too.
            return None
        if len(body) > self._most_bytes:
            return None
        return Answer(result.format, body, time.monotonic() - begun, rows, release.id)

    def _may_be_bounded(self, query: Query) -> bool:
        # Only an engine can end a query that its client has named, or to which it has set a limit.
        is_plain = not (query.name or query.time_limit or query.default_graphs or query.named_graphs)
        return self._is_on and is_plain

    def _is_kept(self, release: Release, store: Store, bound: Bound) -> bool:
        """Returns whether a release has as few bindings of the first patterns as the bound requires."""
        if not bound.first:
            return True
        key = release.id, bound
        is_kept = self._kept.get(key)
        if is_kept is None:
            is_kept = _is_kept(store, bound)
            if len(self._kept) >= _MOST_PATTERNS:
                self._kept.clear()
            if sum(map(len, bound.iris)) <= _LONGEST_IRIS:
                self._kept[key] = is_kept
        return is_kept

    def _bounds_of(self, release: Release) -> QueryBounds | None:
        try:
            return self._bounds[release.id]
        except KeyError:
            statistics = read_statistics(release.path)
            if len(self._bounds) >= _MOST_KEPT:
                self._bounds.clear()
            bounds = self._bounds[release.id] = QueryBounds(statistics) if statistics is not None else None
            return bounds


def _is_kept(store: Store, bound: Bound) -> bool:
    """Returns whether the first patterns of a query have as few bindings as the bound requires."""
    try:
        return not store.query(bound.excess_query())
    except SyntaxError:
        # An IRI that only looks like one.
        return False
