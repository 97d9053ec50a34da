"""The state of a store: its complete releases, with the results of the inspection at their load.

The state is in a separate graph of the store, so that all servers that share the store see it. The statement about a
release is written last, and removed first, GRACE seconds before the graphs of the release.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from citygraph.sparql.normal_form import quoted
from citygraph.stores.release_names import LOADED, STATE_GRAPH, ReleaseNames
from citygraph.stores.store_service import StoreService

# For so long after its statement was seen, all of a release is in the store.
GRACE = 60.0
_FRESH = 5.0
_SECONDS = 10.0


@dataclass(frozen=True)
class LoadedRelease:
    """A release in a store, with the features that its queries must not rely on there.

    `row_limit` is the number of rows at which the store cuts results, 0 for none. A query with all the constructs of
    one of `constructs` has a wrong result there, and so has one that reads a predicate of `predicates`, whose values
    the store changes. `uniform` are the predicates whose values are all of one kind, and the kind.
    """

    digest: str
    release: str = ""
    base: str = ""
    row_limit: int = 0
    constructs: tuple[tuple[str, ...], ...] = ()
    predicates: tuple[str, ...] = ()
    uniform: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> ReleaseNames:
        """The names of its graphs."""
        return ReleaseNames(self.digest)


def loaded_releases(service: StoreService) -> list[LoadedRelease]:
    """Returns the complete releases in a store. Raises StoreUnavailable, QueryRefused, LimitReached."""
    rows = service.rows(f"SELECT ?o {{ GRAPH <{STATE_GRAPH}> {{ ?s <{LOADED}> ?o }} }}", _SECONDS)
    loaded = []
    for row in rows:
        # Another version may have written it: then the release is loaded again, and its statements are found.
        with suppress(ValueError, TypeError, KeyError):
            loaded.append(_read(row["o"]["value"]))
    return loaded


def mark_loaded(service: StoreService, loaded: LoadedRelease) -> None:
    """Records that a release is complete."""
    text = quoted(json.dumps(asdict(loaded)))
    service.update(f"INSERT DATA {{ GRAPH <{STATE_GRAPH}> {{ <{loaded.names.prefix}> <{LOADED}> {text} }} }}")


def unmark(service: StoreService, names: ReleaseNames) -> None:
    """Removes the record of a release, whose graphs may be removed GRACE seconds later."""
    service.update(f"DELETE WHERE {{ GRAPH <{STATE_GRAPH}> {{ <{names.prefix}> <{LOADED}> ?o }} }}")


class StoreState:
    """A process's view of a store: the complete releases, and the time of the last look."""

    def __init__(self, service: StoreService, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._clock = clock
        self._seen = float("-inf")
        self._loaded: dict[str, LoadedRelease] = {}

    def of(self, digest: str) -> LoadedRelease | None:
        """Returns the entry of a release, or None if it is not in the store. Raises StoreUnavailable, LimitReached."""
        if self._clock() - self._seen > _FRESH:
            self._read()
        return self._loaded.get(digest)

    def still_has(self, digest: str) -> bool:
        """Returns whether a query that just ended found all of a release."""
        if self._clock() - self._seen > GRACE:
            self._read()
        return digest in self._loaded

    def _read(self) -> None:
        # The time before the request, because the response may be older than its arrival.
        now = self._clock()
        loaded = {one.digest: one for one in loaded_releases(self._service)}
        # A dictionary is replaced as a whole, so that no thread sees half of a change.
        self._loaded, self._seen = loaded, now


def _read(text: str) -> LoadedRelease:
    values = json.loads(text)
    for name in ("constructs", "uniform"):
        values[name] = tuple(tuple(one) for one in values[name])
    return LoadedRelease(**{**values, "predicates": tuple(values["predicates"])})
