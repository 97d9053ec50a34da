"""A rate and concurrency limit for each client, counted by each web process alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

from citygraph.errors import Busy
from citygraph.settings import Settings

# A client may save up this many seconds of its rate, since a page sends its requests in a burst.
_SAVED_SECONDS = 10
# Bounds the memory that clients with ever new addresses can take.
_MOST_CLIENTS = 10_000


@dataclass
class _Account:
    """A token bucket, and the count of running queries."""

    tokens: float
    updated: float
    running: int = 0


class RateLimiter:
    """The accounts of all clients; `clock` returns seconds. `rate` is in requests a second: by default, the setting."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        rate: float | None = None,
        saved_seconds: float = _SAVED_SECONDS,
    ) -> None:
        self._rate = settings.client_rate if rate is None else rate
        self._saved_seconds = saved_seconds
        self._most = max(1.0, self._rate * saved_seconds)
        self._concurrency = settings.client_concurrency
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._lock = Lock()

    def count_request(self, client: str) -> None:
        """Takes a token for a request. Raises Busy when the client has used up its rate."""
        if not self._rate:
            return
        with self._lock:
            account = self._account(client)
            if account.tokens < 1:
                wait = ceil((1 - account.tokens) / self._rate)
                message = f"more than {self._rate:g} requests a second; the next is accepted in {wait} s"
                raise Busy(message, retry_after=wait, yours=True)
            account.tokens -= 1

    def acquire(self, client: str) -> None:
        """Counts a query that starts; each needs its `release`. Raises Busy when too many are running."""
        if not self._concurrency:
            return
        with self._lock:
            account = self._account(client)
            if account.running >= self._concurrency:
                message = f"{self._concurrency} of your queries are running, which is the maximum"
                raise Busy(message, retry_after=1, yours=True)
            account.running += 1

    def release(self, client: str) -> None:
        """Counts a query that ended."""
        if not self._concurrency:
            return
        with self._lock:
            # An account with a running query is never dropped, so that its count cannot be lost.
            self._accounts[client].running -= 1

    def _account(self, client: str) -> _Account:
        now = self._clock()
        account = self._accounts.get(client)
        if account is None:
            if len(self._accounts) >= _MOST_CLIENTS:
                self._drop_accounts(now)
            account = self._accounts[client] = _Account(self._most, now)
        account.tokens = min(self._most, account.tokens + (now - account.updated) * self._rate)
        account.updated = now
        return account

    def _drop_accounts(self, now: float) -> None:
        """Drops the idle accounts, or the tenth that was seen longest ago if none is idle."""
        # After this time the bucket is full again: a new account would be the same.
        idle = [c for c, a in self._accounts.items() if not a.running and now - a.updated >= self._saved_seconds]
        by_age = sorted((a.updated, c) for c, a in self._accounts.items() if not a.running)
        for client in idle or [client for _, client in by_age[: _MOST_CLIENTS // 10]]:
            del self._accounts[client]
