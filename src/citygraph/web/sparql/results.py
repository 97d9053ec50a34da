"""The reply to one query: 304, a cached result, or a fresh one from this process or an engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, Protocol

from citygraph.engine.client_watch import ClientGone
from citygraph.errors import Busy, CitygraphError, EngineFailed, LimitReached, QuerySyntaxError
from citygraph.exports.writers import WRITERS
from citygraph.instance import current_instance
from citygraph.rdf.formats import BY_NAME, Format
from citygraph.rdf.terms import BASE
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.sparql.guard import scan
from citygraph.sparql.hints import compared_dates
from citygraph.sparql.protocol import Query
from citygraph.traces import child_span
from citygraph.web.http.bodies import SMALLEST, Outlet, Spool, StreamedBody, compress, compressed
from citygraph.web.http.messages import FOR_EVER, FRESH, NO_STORE, NeedsThread, Reply, coded_tag, has_tag
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.negotiation import AcceptedFormats
from citygraph.web.http.rate_limiter import RateLimiter
from citygraph.web.http.result_cache import CachedResult, ResultCache

if TYPE_CHECKING:
    from citygraph.engine.engines import Answer
    from citygraph.exports.sinks import ResultPieces
    from citygraph.sparql.bounds import Bound
    from citygraph.stores.store_queries import StoreQueries
    from citygraph.stores.translation import StoreQuery
    from citygraph.web.sparql.bounded_queries import BoundedQueries


Headers = list[tuple[str, str]]

VARY = ("Vary", "Accept, Accept-Encoding")

# Functions whose value differs at every evaluation (SPARQL 1.1, 17.4): their results are not cached.
_VOLATILE = re.compile(r"(?<![\w:?$])(?:NOW|RAND|(?:STR)?UUID)\s*\(", re.IGNORECASE)


class Runs(Protocol):
    """Evaluates queries; implemented by engine.engines.Engines."""

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query on a release."""
        ...


class QueryRequest(NamedTuple):
    """A query and the negotiated representation of its result.

    `coding` is the content coding, `if_none_match` the value of the header. If `pinned`, the address names the release,
    so that the result never changes. With a `quick_bound`, no engine may be used. Results that are too large for
    memory, or take long, go to the `outlet` while they are evaluated; without it, they wait until they are complete,
    those that are too large on disk.
    """

    release: Release
    query: Query
    accepted: AcceptedFormats
    client: str = ""
    coding: str | None = None
    if_none_match: str = ""
    pinned: bool = False
    quick_bound: Bound | None = None
    outlet: Outlet | None = None


class Results:
    """Runs queries, and caches finished results that are small enough."""

    def __init__(
        self,
        settings: Settings,
        engines: Runs,
        limiter: RateLimiter,
        metrics: Metrics,
        bounded: BoundedQueries | None = None,
        store: StoreQueries | None = None,
    ) -> None:
        self.cache = ResultCache(settings.cache_size, metrics.results_cache)
        self._spool = Spool(max(1, settings.threads // 4), settings.spool_limit)
        self._settings = settings
        self._engines = engines
        self._bounded = bounded
        self.store = store
        self._limiter = limiter
        self.metrics = metrics

    def answer(self, request: QueryRequest) -> Reply:
        """Returns the reply. Raises NeedsThread, and what the guard, the engine and the client's rate limiter raise."""
        try:
            keywords = scan(request.query.text, self._settings)
        except CitygraphError as error:
            self.metrics.count_query("none", query_outcome(error))
            raise
        request = _described(request)
        federated = self._settings.federation and "SERVICE" in keywords
        plan = None if federated else self._plan(request)
        if federated or _is_volatile(request.query.text):
            return self._fresh(request, federated, plan=plan)
        key = _key(request, plan)
        tag = _tag(key, request)
        if request.if_none_match and (request.if_none_match.strip() == "*" or has_tag(request.if_none_match, tag)):
            self.metrics.count_query("cache", "not modified")
            return Reply(304, [*_headers(request, tag), ("ETag", coded_tag(tag, request.coding))])
        entry = self.cache.get(key)
        if entry is None:
            return self._fresh(request, False, key, tag, plan)
        self.metrics.count_query("cache", "ok")
        reply = self._whole(request, entry, key, tag, "cache")
        reply.outcome = "cached"
        return reply

    def _fresh(
        self, request: QueryRequest, federated: bool, key: bytes = b"", tag: str = "", plan: StoreQuery | None = None
    ) -> Reply:
        """Returns the reply to an evaluated query; with a key and a tag it is cached and has an ETag."""
        self._limiter.acquire(request.client)
        try:
            answer, evaluator = self._evaluated(request, federated, bool(key), plan)
            if plan and evaluator == "engine":
                # The engines' rows may have another order than the rows of the tag.
                key, tag = b"", ""
            timing = f"engine;dur={answer.elapsed * 1000:.1f}"
            if not isinstance(answer.body, bytes):
                keep = partial(self._keep, key, answer.format.name) if key else None
                count = partial(self._count, evaluator, answer.elapsed)
                stream = CountedPieces(answer.body, count, self._settings.hold_limit, keep)
                return self._large(request, answer.format, stream, tag, timing)
        finally:
            self._limiter.release(request.client)
        entry = CachedResult(answer.format.name, answer.body, answer.rows)
        if key:
            self.cache.put(key, entry)
        return self._whole(request, entry, key, tag, timing)

    def _keep(self, key: bytes, format_name: str, body: bytes, rows: int | None) -> None:
        self.cache.put(key, CachedResult(format_name, body, rows))

    def _plan(self, request: QueryRequest) -> StoreQuery | None:
        """Returns the query for the store, or None if it has none for this one. Raises StoreUnavailable."""
        # Lookups work without the store, and the event loop must not wait for it.
        if self.store is None or request.quick_bound is not None or self._is_bounded(request):
            return None
        try:
            return self.store.plan(request.release, request.query)
        except CitygraphError as error:
            self.metrics.count_query("store", query_outcome(error))
            raise

    def _is_bounded(self, request: QueryRequest) -> bool:
        return self._bounded is not None and self._bounded.is_bounded(request.release, request.query)

    def _evaluated(
        self, request: QueryRequest, federated: bool, is_bounded: bool, plan: StoreQuery | None
    ) -> tuple[Answer, str]:
        """Returns the result and its evaluator: this process if the cost is bounded, the store, or an engine."""
        evaluator = "web"
        try:
            # A query without a key is not bounded: its text may have SERVICE.
            answer = None
            if is_bounded and self._bounded:
                answer = self._bounded.run(request.release, request.query, request.quick_bound)
            if answer is None and request.quick_bound is not None:
                raise NeedsThread
            if answer is None and self.store and plan:
                evaluator = "store"
                with child_span("store query", **{"citygraph.release": request.release.id}):
                    answer = self.store.run(request.release, request.query, plan, request.client)
            if answer is None:
                evaluator = "engine"
                with child_span("engine query", **{"citygraph.release": request.release.id}):
                    query = request.query._replace(may_stream=request.outlet is not None and self._spool.has_place())
                    answer = self._engines.run(request.release.id, query, request.client, federated)
        except (CitygraphError, ClientGone) as error:
            self._count(evaluator, None, error)
            raise
        if isinstance(answer.body, bytes):
            self.metrics.count_query(evaluator, "ok", answer.elapsed)
        return answer, evaluator

    def _count(self, evaluator: str, seconds: float | None, error: BaseException | None) -> None:
        self.metrics.count_query(evaluator, query_outcome(error) if error else "ok", None if error else seconds)

    def _whole(self, request: QueryRequest, entry: CachedResult, key: bytes, tag: str, timing: str) -> Reply:
        """Returns the reply from a result in memory."""
        headers = _headers(request, tag, timing)
        headers.append(("Content-Type", request.accepted.content_type(BY_NAME[entry.format])))
        if entry.rows is not None:
            headers.append(("X-Citygraph-Rows", str(entry.rows)))
        body, coding = entry.body, request.coding if BY_NAME[entry.format].text else None
        if coding and len(body) >= SMALLEST:
            body = entry.encoded.get(coding) or self._encode(entry, coding, key)
            headers.append(("Content-Encoding", coding))
        else:
            coding = None
        if tag:
            headers.append(("ETag", coded_tag(tag, coding)))
        return Reply(200, headers, body)

    def _encode(self, entry: CachedResult, coding: str, key: bytes) -> bytes:
        body = compress(entry.body, coding)
        if key:
            self.cache.put(key, entry.with_encoded(coding, body))
        return body

    def _large(self, request: QueryRequest, format_: Format, stream: CountedPieces, tag: str, timing: str) -> Reply:
        """Returns the reply from a result that is too large for memory, or takes long."""
        coding = request.coding if format_.text else None
        pieces: Iterable[bytes] = compressed(iter(stream), coding) if coding else stream
        headers = _headers(request, tag, timing)
        headers.append(("Content-Type", request.accepted.content_type(format_)))
        if coding:
            headers.append(("Content-Encoding", coding))
        if tag:
            headers.append(("ETag", coded_tag(tag, coding, in_pieces=True)))
        try:
            if request.outlet is not None:
                request.outlet.buffer = self._spool.buffer()
                return Reply(200, headers, StreamedBody(pieces, stream.close))
            body = self._spool.take(pieces)
        except BaseException as error:
            stream.end(error)
            raise
        stream.close()
        headers.append(("Content-Length", str(body.size)))
        if stream.rows is not None:
            headers.append(("X-Citygraph-Rows", str(stream.rows)))
        return Reply(200, headers, body)


class CountedPieces:
    """The pieces of a large result. Its query is counted when they end, or are no longer wanted.

    A result of up to `most` bytes is given to `keep` at its end, with the number of its rows.
    """

    def __init__(
        self,
        pieces: ResultPieces,
        count: Callable[[BaseException | None], None],
        most: int,
        keep: Callable[[bytes, int | None], None] | None,
    ) -> None:
        self._pieces = pieces
        self._count: Callable[[BaseException | None], None] | None = count
        self._room = most
        self._keep = keep
        self._kept: list[bytes] = []

    @property
    def rows(self) -> int | None:
        """The number of rows, once all pieces have been taken."""
        return self._pieces.rows

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._hold(piece)
                yield piece
        except (CitygraphError, ClientGone) as error:
            self.end(error)
            raise
        if self._keep is not None:
            self._keep(b"".join(self._kept), self.rows)
        self.end(None)

    def _hold(self, piece: bytes) -> None:
        self._room -= len(piece)
        if self._room < 0:
            self._keep = None
            self._kept.clear()
        elif self._keep is not None:
            self._kept.append(piece)

    def end(self, error: BaseException | None) -> None:
        """Counts the query, unless it has been counted, and ends the making of pieces."""
        count, self._count = self._count, None
        if count is not None:
            count(error)
            self._pieces.close()

    def close(self) -> None:
        """Ends the making of pieces. If some were not taken, the client has left."""
        self.end(ClientGone())


def query_outcome(error: BaseException) -> str:
    """Returns the outcome of a query for the counters."""
    match error:
        case LimitReached():
            return error.kind
        case ClientGone():
            return "client gone"
        case Busy():
            return "busy"
        case QuerySyntaxError():
            return "syntax"
        case EngineFailed():
            return "failed"
        case _:
            return "refused"


def _described(request: QueryRequest) -> QueryRequest:
    """Returns the request with a description of the result, if the format of a table can hold it."""
    # Each kind of result has one format among these, and only tables have others than those of RDF and of the W3C.
    if WRITERS.keys().isdisjoint(request.query.formats):
        return request
    return request._replace(query=request.query._replace(about=_about(request.release)))


def _about(release: Release) -> tuple[tuple[str, str], ...]:
    """Returns the licence, the citation and the release of a file."""
    instance, manifest = current_instance(), release.manifest
    title = instance.title_in(instance.languages[0])
    publisher = instance.publisher.name or title
    issued = manifest.created[:10]
    address = f"{BASE}releases/{release.id}"
    citation = f"{publisher} ({issued[:4]}). {title}. Release {release.id}. SHA-256 {manifest.digest}. {address}"
    return (
        *(("title", title), ("publisher", publisher), ("licence", instance.licence), ("citation", citation)),
        *(("release", release.id), ("digest", manifest.digest), ("issued", issued)),
    )


def _is_volatile(text: str) -> bool:
    upper = text.upper()
    # The slow regular expression runs only on texts that contain the letters, as KNOWS and BRAND do.
    return ("NOW" in upper or "RAND" in upper or "UUID" in upper) and _VOLATILE.search(text) is not None


def _headers(request: QueryRequest, tag: str, timing: str = "") -> Headers:
    """Returns the headers common to all replies; without a tag no cache may store the reply."""
    cache = NO_STORE if not tag else FOR_EVER if request.pinned else FRESH
    headers = [VARY, ("Cache-Control", cache), ("X-Citygraph-Release", request.release.id)]
    if timing:
        headers.append(("Server-Timing", timing))
    if dates := compared_dates(request.query.text):
        headers.append(("X-Citygraph-Compared-Dates", ", ".join(dates)))
    return headers


def _key(request: QueryRequest, plan: StoreQuery | None) -> bytes:
    """Returns a hash of everything a result depends on; NUL, which separates the parts, occurs in none of them."""
    query = request.query
    parts = (
        request.release.manifest.digest or request.release.id,
        query.text,
        query.base,
        " ".join(query.formats),
        "\n".join(query.default_graphs),
        "\n".join(query.named_graphs),
        # It names the release, of which several may have the same data.
        repr(query.about),
        # The store may have its rows in another order.
        plan.text if plan else "",
    )
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=18).digest()


def _tag(key: bytes, request: QueryRequest) -> str:
    """Returns the strong validator without the content coding: release, query and an unusual media type."""
    release = (request.release.manifest.digest or request.release.id)[:12]
    # Two releases may have the same data, of which the headers name one.
    key = blake2b(key + request.release.id.encode(), digest_size=18).digest()
    if not request.accepted.types:
        return f"{release}-{key.hex()}"
    types = blake2b(repr(sorted(request.accepted.types.items())).encode(), digest_size=4)
    return f"{release}-{key.hex()}-{types.hexdigest()}"
