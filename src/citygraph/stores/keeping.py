"""Keeping a store up to date: each new release is loaded into it while the server runs."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor, Future

from citygraph.errors import CitygraphError
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.stores.store_loading import LoadingStopped, StoreLoader
from citygraph.stores.store_service import QueryRefused, StoreService, addresses_of

log = logging.getLogger(__name__)

# Also before the first load, so that the web processes are forked first.
_WATCH_SECONDS = 1.0
_RETRY_SECONDS = 30.0


class StoreKeeper:
    """Loads the current release into the store, and each that follows, during a block.

    If the store fails, the load is tried again after `retry` seconds; until then the release serves queries.
    """

    def __init__(self, settings: Settings, pool: Executor, retry: float = _RETRY_SECONDS) -> None:
        self._settings = settings
        self._pool = pool
        self._retry = retry
        self._stopping = threading.Event()
        self._running: Future[None] | None = None

    def __enter__(self) -> StoreKeeper:
        self._running = self._pool.submit(self._keep)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._running is not None:
            self._running.result()

    def _keep(self) -> None:
        loaded = ""
        while not self._stopping.wait(_WATCH_SECONDS):
            try:
                loaded = self._load_current(loaded)
            except LoadingStopped:
                return
            except (CitygraphError, QueryRefused, OSError) as error:
                log.error("the store cannot be loaded, and is tried again in %g s: %s", self._retry, error)
                self._stopping.wait(self._retry)

    def _load_current(self, loaded: str) -> str:
        """Loads the current release unless it has been loaded, and returns its name."""
        current = Releases(self._settings.releases).current()
        if current.id != loaded:
            service = StoreService(addresses_of(self._settings))
            StoreLoader(service, self._settings.base, stopping=self._stopping).load(current)
            log.warning("the store has release %s", current.id)
        return current.id
