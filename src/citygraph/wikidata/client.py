"""The one door to the network: a query goes to Wikidata's query service, politely, and its answer is kept on disk."""

from __future__ import annotations

import hashlib
import json
import os
import random as random_numbers
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import HTTPError

from SPARQLWrapper import JSON, POST, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import SPARQLWrapperException

from citygraph import __version__
from citygraph.errors import Upstream, UsageError
from citygraph.wikidata.entity import Row

ENDPOINT = "https://query.wikidata.org/sparql"

_WORTH_RETRYING = {429, 500, 502, 503, 504}


class Fault(Exception):
    """A request that failed; `retry_after` is in seconds, `final` tells that asking again is no use."""

    def __init__(self, message: str, retry_after: float = 0.0, final: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.final = final


@dataclass(frozen=True)
class Answer:
    """The rows of a query, when they were received (ISO 8601, UTC), and the SHA-256 of the text received."""

    rows: list[Row]
    retrieved: str
    sha256: str


@dataclass(frozen=True)
class Patience:
    """How often a query is tried, and how long is waited in between, in seconds."""

    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 120.0
    # A service that asks for more than this wants us to go away.
    longest_retry_after: float = 900.0


Send = Callable[[str], bytes]


class Client:
    """Asks one query at a time; an answer that is on disk is not asked for again.

    `send` does one request and raises Fault; `newer_than` (ISO 8601, UTC) makes older answers be asked again.
    """

    def __init__(
        self,
        endpoint: str,
        send: Send,
        cache: Path,
        *,
        newer_than: str = "",
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._endpoint = endpoint
        self._send = send
        self._cache = cache
        self._newer_than = newer_than
        self._patience = patience or Patience()
        self._sleep = sleep
        self._random = random
        self._now = now
        self._one_at_a_time = Lock()
        self.asked = 0
        self.found = 0

    def select(self, query: str) -> Answer:
        """The answer to a SELECT query, from disk or from the service.

        Raises Upstream if the service does not answer, however patiently asked; it says what and where.
        """
        with self._one_at_a_time:
            path = self._path(query)
            kept = _read(path)
            if kept is not None and kept["retrieved"] >= self._newer_than:
                self.found += 1
                return _answer(kept["answer"], kept["retrieved"])
            text = self._ask_patiently(query)
            self.asked += 1
            retrieved = self._now().isoformat(timespec="seconds").replace("+00:00", "Z")
            _write(path, {"endpoint": self._endpoint, "query": query, "retrieved": retrieved, "answer": text})
            return _answer(text, retrieved)

    def _path(self, query: str) -> Path:
        key = hashlib.sha256(f"{self._endpoint}\n{query}".encode()).hexdigest()
        return self._cache / key[:2] / f"{key}.json"

    def _ask_patiently(self, query: str) -> str:
        for attempt in range(1, self._patience.attempts + 1):
            try:
                return _whole(self._send(query))
            except Fault as fault:
                wait = max(fault.retry_after, self._backoff(attempt))
                last = fault.final or attempt == self._patience.attempts
                if last or fault.retry_after > self._patience.longest_retry_after:
                    come_back = f"; it asks to wait {fault.retry_after:.0f} s" if fault.retry_after else ""
                    raise Upstream(f"{self._endpoint} failed {attempt} time(s): {fault}{come_back}") from fault
                self._sleep(wait)
        raise Upstream(f"{self._endpoint} was not asked: no attempts are allowed")

    def _backoff(self, attempt: int) -> float:
        """Twice as long each time, and never in step with other clients: half to whole of it."""
        whole = min(self._patience.longest_wait, self._patience.first_wait * 2.0 ** (attempt - 1))
        return whole * (0.5 + self._random() / 2)


def over_http(
    endpoint: str,
    contact: str,
    *,
    socket_timeout: float = 75.0,
    whole_timeout: float = 300.0,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Send:
    """A `send` that asks the service over HTTP; times are in seconds.

    `contact` is an address at which Wikimedia reaches the person who runs this (its User-Agent policy).
    Raises UsageError without one.
    """
    if not contact.strip():
        raise UsageError("Wikidata asks who is calling: give an e-mail or web address as contact")

    def send(query: str) -> bytes:
        wrapper = SPARQLWrapper(endpoint, returnFormat=JSON, agent=f"citygraph/{__version__} ({contact})")
        wrapper.setMethod(POST)
        wrapper.setQuery(query)
        wrapper.timeout = socket_timeout  # type: ignore[assignment]  # its setter would cut it to whole seconds
        try:
            with wrapper.query().response as response:
                return _read_all(response, clock, whole_timeout)
        except (SPARQLWrapperException, HTTPError) as error:
            raise _fault(error, now()) from error
        except (HTTPException, OSError) as error:
            raise Fault(f"connection: {error or type(error).__name__}") from error

    return send


def _read_all(response: HTTPResponse, clock: Callable[[], float], seconds: float) -> bytes:
    """The body, within a time: a socket timeout alone does not end an answer that drips."""
    end = clock() + seconds
    pieces = []
    while piece := response.read1(1 << 20):
        pieces.append(piece)
        if clock() > end:
            raise Fault(f"the answer took more than {seconds:.0f} s")
    if response.length:
        raise Fault(f"the answer was cut: {response.length} bytes are missing")
    return b"".join(pieces)


def _fault(error: Exception, now: datetime) -> Fault:
    """SPARQLWrapper turns some statuses into errors of its own; what the service said stays in the context."""
    http = error if isinstance(error, HTTPError) else error.__context__
    if not isinstance(http, HTTPError):
        return Fault(str(error), final=True)
    message = str(getattr(error, "msg", "") or http.reason).strip().split("\n")[0][:300]
    http.close()
    retry_after = _seconds(http.headers.get("Retry-After", ""), now)
    return Fault(f"HTTP {http.code}: {message}", retry_after, final=http.code not in _WORTH_RETRYING)


def _seconds(retry_after: str, now: datetime) -> float:
    """Retry-After is a number of seconds or a date (RFC 9110, 10.2.3)."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _whole(body: bytes) -> str:
    """The text, if it is a whole answer: the service also sends error pages and cut rows with status 200."""
    try:
        text = body.decode()
        rows = json.loads(text)["results"]["bindings"]
    except (ValueError, KeyError, TypeError):
        begin = " ".join(body[:200].decode(errors="replace").split())
        raise Fault(f"the answer is not a whole SPARQL result: {begin!r}") from None
    if not isinstance(rows, list):
        raise Fault("the answer has no rows")
    return text


def _answer(text: str, retrieved: str) -> Answer:
    return Answer(json.loads(text)["results"]["bindings"], retrieved, hashlib.sha256(text.encode()).hexdigest())


def _read(path: Path) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return kept


def _write(path: Path, kept: dict[str, Any]) -> None:
    """Whole or not at all: a kill in between leaves the old answer, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(kept), encoding="utf-8")
    part.replace(path)
