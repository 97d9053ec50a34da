"""The client of Wikidata's query service: one request at a time, with retries, and a cache of responses on disk."""

from __future__ import annotations

import hashlib
import json
import os
import random as random_numbers
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import HTTPError

from SPARQLWrapper import JSON, POST, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import SPARQLWrapperException

from citygraph import __version__
from citygraph.client.retries import RetryPolicy, seconds_of
from citygraph.errors import Upstream, UsageError
from citygraph.wikidata.entity import ResultRow

# Overload, and failures of the service or its proxy. For other statuses a repeated request has the same result.
_RETRYABLE = {429, 500, 502, 503, 504}


class RequestFailed(Exception):
    """A failed request. `retry_after` is in seconds; `final` means that repeating the request is useless."""

    def __init__(self, message: str, retry_after: float = 0.0, final: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.final = final


@dataclass(frozen=True)
class QueryResult:
    """The rows of a query, when they were received (ISO 8601, UTC), and the SHA-256 of the response text."""

    rows: list[ResultRow]
    retrieved: str
    sha256: str


Send = Callable[[str], bytes]


class Client:
    """A client for one query at a time; a response in the cache is not requested again.

    `send` does one request and raises RequestFailed. Cached responses older than `newer_than` (ISO 8601, UTC) are
    requested again. `requests` and `cached` count the queries answered by the service and from disk. `notice` receives
    a sentence at the first request, and before each wait after a failed one.
    """

    def __init__(
        self,
        endpoint: str,
        send: Send,
        cache: Path,
        *,
        newer_than: str = "",
        policy: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._endpoint = endpoint
        self._send = send
        self._cache = cache
        self._newer_than = newer_than
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._random = random
        self._now = now
        self._notice = notice
        self._lock = Lock()
        self.requests = 0
        self.cached = 0

    def select(self, query: str) -> QueryResult:
        """Returns the result of a SELECT query, from disk or from the service.

        Raises Upstream, with the endpoint and the cause, if the service fails after all retries.
        """
        with self._lock:
            path = self._path(query)
            entry = _read(path)
            # Both times are ISO 8601 in UTC, so that comparing the texts compares the times.
            if entry is not None and entry["retrieved"] >= self._newer_than:
                self.cached += 1
                return _result(entry["answer"], entry["retrieved"])
            if not self.requests:
                self._notice(f"querying {self._endpoint}")
            text = self._send_with_retries(query)
            self.requests += 1
            retrieved = self._now().isoformat(timespec="seconds").replace("+00:00", "Z")
            _write(path, {"endpoint": self._endpoint, "query": query, "retrieved": retrieved, "answer": text})
            return _result(text, retrieved)

    def _path(self, query: str) -> Path:
        key = hashlib.sha256(f"{self._endpoint}\n{query}".encode()).hexdigest()
        return self._cache / key[:2] / f"{key}.json"

    def _send_with_retries(self, query: str) -> str:
        for attempt in range(1, self._policy.attempts + 1):
            try:
                return _complete(self._send(query))
            except RequestFailed as fault:
                wait = max(fault.retry_after, self._policy.backoff(attempt, self._random()))
                if fault.final or self._policy.gives_up(attempt, fault.retry_after):
                    pause = f"; it asks to wait {fault.retry_after:.0f} s" if fault.retry_after else ""
                    raise Upstream(f"{self._endpoint} failed {attempt} time(s): {fault}{pause}") from fault
                self._notice(f"{fault}; attempt {attempt + 1} of {self._policy.attempts} in {wait:.0f} s")
                self._sleep(wait)
        raise Upstream(f"{self._endpoint} was not queried: no attempts are allowed")


def over_http(
    endpoint: str,
    contact: str,
    *,
    socket_timeout: float = 75.0,
    whole_timeout: float = 300.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Send:
    """Returns a `send` that queries the service over HTTP; times are in seconds.

    `contact` is an address at which Wikimedia reaches the operator (required by its User-Agent policy). Raises
    UsageError if it is empty.
    """
    if not contact.strip():
        raise UsageError("Wikimedia requires a contact: set CITYGRAPH_WIKIDATA_CONTACT to an e-mail or web address")

    def send(query: str) -> bytes:
        wrapper = SPARQLWrapper(endpoint, returnFormat=JSON, agent=f"citygraph/{__version__} ({contact})")
        wrapper.setMethod(POST)
        wrapper.setQuery(query)
        wrapper.timeout = socket_timeout  # type: ignore[assignment]  # its setter would cut it to whole seconds
        try:
            with wrapper.query().response as response:
                return _read_all(response, clock, whole_timeout)
        except (SPARQLWrapperException, HTTPError) as error:
            raise _as_failure(error, now()) from error
        except (HTTPException, OSError) as error:
            raise RequestFailed(f"connection: {error or type(error).__name__}") from error

    return send


def _read_all(response: HTTPResponse, clock: Callable[[], float], seconds: float) -> bytes:
    """Returns the body. A socket timeout alone does not end a response that drips, hence the limit in seconds."""
    end = clock() + seconds
    pieces = []
    while piece := response.read1(1 << 20):
        pieces.append(piece)
        if clock() > end:
            raise RequestFailed(f"the response took more than {seconds:.0f} s")
    # read1 returns b"" at the end of a cut connection as well; only the announced length shows the difference.
    if response.length:
        raise RequestFailed(f"the response was cut: {response.length} bytes are missing")
    return b"".join(pieces)


def _as_failure(error: Exception, now: datetime) -> RequestFailed:
    """Returns the failure for an error. Behind an error of SPARQLWrapper, the HTTP error is its context."""
    http = error if isinstance(error, HTTPError) else error.__context__
    if not isinstance(http, HTTPError):
        return RequestFailed(str(error), final=True)
    message = str(getattr(error, "msg", "") or http.reason).strip().split("\n")[0][:300]
    http.close()
    retry_after = seconds_of(http.headers.get("Retry-After", ""), now)
    return RequestFailed(f"HTTP {http.code}: {message}", retry_after, final=http.code not in _RETRYABLE)


def _complete(body: bytes) -> str:
    """Returns the text of a complete result. The service also sends error pages and cut rows with status 200."""
    try:
        text = body.decode("utf-8-sig")
        rows = json.loads(text)["results"]["bindings"]
    except (ValueError, KeyError, TypeError):
        begin = " ".join(body[:200].decode(errors="replace").split())
        raise RequestFailed(f"the response is not a complete SPARQL result: {begin!r}") from None
    if not isinstance(rows, list):
        raise RequestFailed("the response has no rows")
    return text


def _result(text: str, retrieved: str) -> QueryResult:
    return QueryResult(json.loads(text)["results"]["bindings"], retrieved, hashlib.sha256(text.encode()).hexdigest())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return entry


def _write(path: Path, entry: dict[str, Any]) -> None:
    """Writes the file by a rename, so that a killed process leaves the old entry or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two pulls may share the cache: each writes a file of its own before the rename.
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(entry), encoding="utf-8")
    part.replace(path)
