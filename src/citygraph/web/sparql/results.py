"""The answer to one query over HTTP: not modified, kept from before, or fresh from an engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol

from citygraph.rdf.formats import BY_NAME, Format
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.guard import scan
from citygraph.sparql.protocol import Query
from citygraph.web.http.bodies import SMALLEST, Spool, compress, compressed
from citygraph.web.http.messages import FOR_EVER, FRESH, NO_STORE, Reply, coded_tag, has_tag
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.negotiation import Wanted
from citygraph.web.http.rate_limiter import RateLimiter
from citygraph.web.http.result_cache import CachedResult, ResultCache

if TYPE_CHECKING:
    from citygraph.engine.engines import Answer, Stream


Headers = list[tuple[str, str]]

VARY = ("Vary", "Accept, Accept-Encoding")

# Functions whose value is another at every evaluation (SPARQL 1.1, 17.4).
_VOLATILE = re.compile(r"(?<![\w:?$])(?:NOW|RAND|(?:STR)?UUID)\s*\(", re.IGNORECASE)


class Runs(Protocol):
    """What evaluates queries: sparql.engine.Engines."""

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluate a query on a release."""
        ...


@dataclass(frozen=True)
class QueryRequest:
    """One query as it was asked: `coding` is the content coding wanted, `known` the value of If-None-Match.

    `pinned` says that the address names the release, so that its answer will never be another.
    """

    release: Release
    query: Query
    accepted: Wanted
    client: str = ""
    coding: str | None = None
    known: str = ""
    pinned: bool = False


class Results:
    """Answers queries; keeps what is finished and small enough."""

    def __init__(self, settings: Settings, engines: Runs, limiter: RateLimiter, metrics: Metrics) -> None:
        self.cache = ResultCache(settings.cache_size)
        self.not_modified = 0
        self._spool = Spool(max(1, settings.threads // 4), settings.spool_limit)
        self._settings = settings
        self._engines = engines
        self._limiter = limiter
        self._metrics = metrics

    def answer(self, asked: QueryRequest) -> Reply:
        """The answer. Raises what the guard, the engine and the client's rate limiter raise."""
        words = scan(asked.query.text, self._settings)
        federated = self._settings.federation and "SERVICE" in words
        if federated or _is_volatile(asked.query.text):
            return self._fresh(asked, federated)
        key = _key(asked)
        tag = _tag(key, asked)
        if asked.known and (asked.known.strip() == "*" or has_tag(asked.known, tag)):
            self.not_modified += 1
            return Reply(304, [*_heads(asked), ("ETag", coded_tag(tag, asked.coding))])
        entry = self.cache.get(key)
        self._metrics.count_lookup(entry is not None)
        if entry is None:
            return self._fresh(asked, False, key)
        return self._held(asked, entry, key, "cache")

    def _fresh(self, asked: QueryRequest, federated: bool, key: bytes | None = None) -> Reply:
        """The answer of an engine; it is kept, and has an ETag, if it has a key."""
        self._limiter.acquire(asked.client)
        try:
            answer = self._engines.run(asked.release.id, asked.query, asked.client, federated)
            self._metrics.count_query(answer.elapsed)
            timing = f"engine;dur={answer.elapsed * 1000:.1f}"
            if not isinstance(answer.body, bytes):
                return self._large(asked, answer.format, answer.body, key, timing)
        finally:
            self._limiter.release(asked.client)
        entry = CachedResult(answer.format.name, answer.body, answer.rows)
        if key is not None:
            self.cache.put(key, entry)
        return self._held(asked, entry, key, timing)

    def _held(self, asked: QueryRequest, entry: CachedResult, key: bytes | None, timing: str) -> Reply:
        """The answer from a whole result."""
        headers = _heads(asked, key, timing)
        headers.append(("Content-Type", asked.accepted.content_type(BY_NAME[entry.format])))
        if entry.rows is not None:
            headers.append(("X-Citygraph-Rows", str(entry.rows)))
        body, coding = entry.body, asked.coding
        if coding and len(body) >= SMALLEST:
            body = entry.encoded.get(coding) or self._encode(entry, coding, key)
            headers.append(("Content-Encoding", coding))
        else:
            coding = None
        if key is not None:
            headers.append(("ETag", coded_tag(_tag(key, asked), coding)))
        return Reply(200, headers, body)

    def _encode(self, entry: CachedResult, coding: str, key: bytes | None) -> bytes:
        body = compress(entry.body, coding)
        if key is not None:
            self.cache.put(key, entry.with_encoded(coding, body))
        return body

    def _large(self, asked: QueryRequest, format_: Format, stream: Stream, key: bytes | None, timing: str) -> Reply:
        """The answer from a result that is too large for memory."""
        pieces: Iterable[bytes] = compressed(stream, asked.coding) if asked.coding else stream
        try:
            body = self._spool.take(pieces)
        finally:
            stream.close()
        headers = _heads(asked, key, timing)
        headers.append(("Content-Type", asked.accepted.content_type(format_)))
        headers.append(("Content-Length", str(body.size)))
        if stream.rows is not None:
            headers.append(("X-Citygraph-Rows", str(stream.rows)))
        if asked.coding:
            headers.append(("Content-Encoding", asked.coding))
        if key is not None:
            headers.append(("ETag", coded_tag(_tag(key, asked), asked.coding)))
        return Reply(200, headers, body)


def _is_volatile(text: str) -> bool:
    upper = text.upper()
    # The search, which is slow, is for texts that have the letters, as KNOWS and BRAND do.
    return ("NOW" in upper or "RAND" in upper or "UUID" in upper) and _VOLATILE.search(text) is not None


def _heads(asked: QueryRequest, key: bytes | None = b"", timing: str = "") -> Headers:
    """The headers that every answer has; without a key it may not be kept by anybody."""
    cache = NO_STORE if key is None else FOR_EVER if asked.pinned else FRESH
    headers = [VARY, ("Cache-Control", cache), ("X-Citygraph-Release", asked.release.id)]
    if timing:
        headers.append(("Server-Timing", timing))
    return headers


def _key(asked: QueryRequest) -> bytes:
    """What a result depends on, in one value: NUL, which separates the parts, is in none of them."""
    query = asked.query
    parts = (
        asked.release.manifest.digest or asked.release.id,
        query.text,
        query.base,
        " ".join(query.formats),
        "\n".join(query.default_graphs),
        "\n".join(query.named_graphs),
    )
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=18).digest()


def _tag(key: bytes, asked: QueryRequest) -> str:
    """The strong validator, without the content coding: release, query and, if it is not our own, media type."""
    release = (asked.release.manifest.digest or asked.release.id)[:12]
    if not asked.accepted.types:
        return f"{release}-{key.hex()}"
    types = blake2b(repr(sorted(asked.accepted.types.items())).encode(), digest_size=4)
    return f"{release}-{key.hex()}-{types.hexdigest()}"
