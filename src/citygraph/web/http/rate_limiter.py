"""What one client may ask at a time and in a while; counted in each web process for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

from citygraph.errors import Busy
from citygraph.settings import Settings

# A client may save up so many seconds of its rate, for a page that sends a burst of requests.
_SAVED_SECONDS = 10
_MOST_CLIENTS = 10_000


@dataclass
class _Account:
    tokens: float
    seen: float
    running: int = 0


class Allowance:
    """The accounts of the clients; `clock` answers seconds."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._rate = settings.client_rate
        self._most = max(1.0, self._rate * _SAVED_SECONDS)
        self._concurrency = settings.client_concurrency
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._lock = Lock()

    def ask(self, client: str) -> None:
        """Count a request. Raises Busy when the client has used up its rate."""
        if not self._rate:
            return
        with self._lock:
            account = self._account(client)
            if account.tokens < 1:
                wait = ceil((1 - account.tokens) / self._rate)
                message = f"more than {self._rate:g} requests a second; the next is taken in {wait} s"
                raise Busy(message, retry_after=wait, yours=True)
            account.tokens -= 1

    def begin(self, client: str) -> None:
        """Count a query that begins; each needs its `end`. Raises Busy when too many are running."""
        if not self._concurrency:
            return
        with self._lock:
            account = self._account(client)
            if account.running >= self._concurrency:
                message = f"{self._concurrency} of your queries are running, which is the most at a time"
                raise Busy(message, retry_after=1, yours=True)
            account.running += 1

    def end(self, client: str) -> None:
        """Count a query that ended."""
        if not self._concurrency:
            return
        with self._lock:
            account = self._accounts.get(client)
            if account is not None:
                account.running -= 1

    def _account(self, client: str) -> _Account:
        now = self._clock()
        account = self._accounts.get(client)
        if account is None:
            if len(self._accounts) >= _MOST_CLIENTS:
                self._forget(now)
            account = self._accounts[client] = _Account(self._most, now)
        account.tokens = min(self._most, account.tokens + (now - account.seen) * self._rate)
        account.seen = now
        return account

    def _forget(self, now: float) -> None:
        """Drop the accounts that have nothing to remember; if all have, those that were seen longest ago."""
        idle = [c for c, a in self._accounts.items() if not a.running and now - a.seen >= _SAVED_SECONDS]
        by_age = sorted((a.seen, c) for c, a in self._accounts.items() if not a.running)
        for client in idle or [client for _, client in by_age[: _MOST_CLIENTS // 10]]:
            del self._accounts[client]
