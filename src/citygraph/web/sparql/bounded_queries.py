"""Evaluation in the web process of queries that the statistics of their release bound, such as lookups.

A bounded query has at most MOST_BINDINGS bindings and MOST_BYTES bytes of terms (`sparql/bounds.py`), so that it needs
no process that can be ended: it takes some tens of milliseconds at most, less than many a page. It is not in the list
of running queries. All other queries go to the engines, and so does one whose result is larger than is held in memory.
"""

from __future__ import annotations

import time
from itertools import islice

from pyoxigraph import DefaultGraph, NamedNode, Store

from citygraph.engine.engines import Answer
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.bounds import Bound, QueryBounds
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.statistics import read_statistics
from citygraph.web.view.release_cache import ReleaseCache

_MOST_KEPT = 16  # releases


class BoundedQueries:
    """Evaluates bounded queries on the stores of open releases."""

    def __init__(self, settings: Settings, cache: ReleaseCache) -> None:
        self._cache = cache
        self._is_on = settings.bounded_queries
        self._most_bytes = min(settings.hold_limit, settings.result_limit or settings.hold_limit)
        self._bounds: dict[str, QueryBounds | None] = {}

    def run(self, release: Release, query: Query) -> Answer | None:
        """Returns the answer to a query, or None if engines must evaluate it. Raises what `evaluate` raises."""
        # Only an engine can end a query that its client has named, or to which it has set a limit.
        if not self._is_on or query.name or query.time_limit or query.default_graphs or query.named_graphs:
            return None
        begun = time.monotonic()
        bounds = self._bounds_of(release)
        bound = bounds.of(query.text) if bounds is not None else None
        if bound is None:
            return None
        try:
            # The store on the disk and not its replica, so that the rows are in the same order in all web processes.
            store = self._cache.get(release.id).store
            if not _is_kept(store, bound):
                return None
            # No function of ours is in it.
            result = evaluate(store, query, {})
            if result.format.results is None:
                # Spreadsheets and other exports take more time and memory than their rows.
                return None
            body, rows = result.whole()
        except OSError:
            # The engines say what is wrong with the store, if it concerns them too.
            return None
        if len(body) > self._most_bytes:
            return None
        return Answer(result.format, body, time.monotonic() - begun, rows, release.id)

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
    """Returns whether the first pattern of a query has as few matches as the bound requires."""
    if bound.first is None:
        return True
    try:
        subject, predicate, object_ = (NamedNode(iri) if iri is not None else None for iri in bound.first)
    except ValueError:
        return False
    matches = store.quads_for_pattern(subject, predicate, object_, DefaultGraph())
    return sum(1 for _ in islice(matches, bound.most + 1)) <= bound.most
