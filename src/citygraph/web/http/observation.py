"""Observation of requests, in one place for all: the id, the counts, and the line in the log."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from citygraph.engine.client_watch import ClientGone, current_watch
from citygraph.logs import log_request
from citygraph.settings import Settings
from citygraph.traces import Traces
from citygraph.web.http.addresses import MOUNT, client_address
from citygraph.web.http.messages import RELEASE_HEADER, REQUEST_ID, Reply, Request
from citygraph.web.http.metrics import OTHER_ROUTE, ROUTE_NUMBERS, Metrics, folder_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Proxies and clients name requests by UUIDs, hexadecimal numbers or Base64. Anything else could forge parts of a log.
_ID = re.compile(r"[A-Za-z0-9._+/=:-]{1,128}")
_LINE = '{client} "{method} {path}" {status} {bytes} B {ms} ms "{outcome}" {release} {request_id}'
# The key of the WSGI environment that holds the span of the request.
_SPAN = "citygraph.span"
# The status by which nginx counts a request whose client has left; no client receives it.
_CLIENT_CLOSED = 499
_GONE = "client gone"
_OUTCOMES = {2: "ok", 3: "redirected", 4: "refused", 5: "failed"}


class RequestObserver:
    """Observes the requests of a web process from their arrival to the last byte of the response."""

    def __init__(self, settings: Settings, metrics: Metrics, traces: Traces | None = None) -> None:
        self._metrics = metrics
        self._traces = traces
        self._metrics_folder = folder_of(settings.engine_socket)
        self._logs = settings.log_requests
        self._proxies = settings.trusted_proxies
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count(1)

    def begin_process(self, traces: Traces | None) -> None:
        """Takes ids, counts and traces of its own for a process that was forked with this observer."""
        self._traces = traces
        self._process = secrets.token_hex(8)
        self._metrics.restart(self._metrics_folder)

    def begin(self, environ: WSGIEnvironment) -> float:
        """Gives a request its id: that of the header X-Request-Id if it is well-formed. Returns the time."""
        given = environ.get("HTTP_X_REQUEST_ID")
        valid = given is not None and _ID.fullmatch(given)
        environ[REQUEST_ID] = given if valid else f"{self._process}-{next(self._numbers):x}"
        if self._traces is not None:
            environ[_SPAN] = self._traces.begin(environ)
        return self._metrics.begin_request()

    def end(self, request: Request, reply: Reply, begun: float) -> None:
        """Adds the id to a reply, and records the request: now, or when its body has been sent in pieces."""
        reply.headers.append(("X-Request-Id", request.id))
        if span := request.environ.get(_SPAN):
            span.leave()
        if request.method == "HEAD":
            self.record(request, reply, begun, 0)
        elif isinstance(reply.body, bytes):
            self.record(request, reply, begun, len(reply.body))
        else:
            reply.body = _ObservedBody(self, request, reply, begun, reply.body)

    def drop(self, request: Request, begun: float, end: BaseException) -> None:
        """Records a request without a reply, because its client has left; a restarted request is not counted."""
        if span := request.environ.get(_SPAN):
            span.leave()
        if isinstance(end, ClientGone):
            self.record(request, Reply(_CLIENT_CLOSED), begun, 0, _GONE)
        else:
            self._metrics.withdraw_request()

    def record(self, request: Request, reply: Reply, begun: float, size: int, outcome: str = "") -> None:
        """Counts and logs a completed request; `outcome` describes how its sending ended."""
        seconds = time.perf_counter() - begun
        self._metrics.end_request(ROUTE_NUMBERS.get(request.route, OTHER_ROUTE), reply.status, seconds, size)
        if self._logs or self._traces is not None:
            fields = self._fields(request, reply, seconds, size, outcome or outcome_of(reply))
            if span := request.environ.get(_SPAN):
                span.end(f"{request.method} {request.route}".rstrip(), reply.status, _attributes(fields, request.route))
                fields["trace_id"] = span.trace_id
            if self._logs:
                _log(fields)

    def close(self) -> None:
        """Sends the last spans, before the process ends."""
        if self._traces is not None:
            self._traces.close()

    def _fields(
        self, request: Request, reply: Reply, seconds: float, size: int, outcome: str
    ) -> dict[str, str | int | float]:
        environ = request.environ
        path = f"{environ.get(MOUNT, '')}{request.path}"
        return {
            "client": client_address(environ, self._proxies),
            "method": request.method,
            # Without the query string: it may have private queries, or a token that a client puts there by mistake.
            "path": path,
            "status": reply.status,
            "bytes": size,
            "ms": round(seconds * 1000, 2),
            "outcome": outcome,
            "release": reply.header(RELEASE_HEADER),
            "request_id": request.id,
        }


class _ObservedBody:
    """A body in pieces. It is recorded when it is closed: whole, cut by an error, or left by its client."""

    def __init__(
        self, observer: RequestObserver, request: Request, reply: Reply, begun: float, pieces: Iterable[bytes]
    ) -> None:
        self._observer = observer
        self._request = request
        self._reply = reply
        self._begun = begun
        self._pieces = pieces
        self._size = 0
        self._outcome: str | None = None
        self._is_recorded = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._size += len(piece)
                yield piece
            self._outcome = ""
        except (GeneratorExit, ClientGone):
            raise
        except BaseException:
            self._outcome = "cut"
            raise

    def close(self) -> None:
        """Closes the body and records the request."""
        try:
            if close := getattr(self._pieces, "close", None):
                close()
        finally:
            if not self._is_recorded:
                self._is_recorded = True
                self._observer.record(self._request, self._reply, self._begun, self._size, self._ending())

    def _ending(self) -> str:
        """Returns how the sending ended: an incompletely read body is cut, unless its client has left."""
        if self._outcome is not None:
            return self._outcome
        watch = current_watch()
        return _GONE if watch is None or watch.is_gone else "cut"


def _log(fields: Mapping[str, str | int | float]) -> None:
    # A quotation mark would end that of the address.
    quoted = {**fields, "path": str(fields["path"]).replace('"', "%22"), "release": fields["release"] or "-"}
    log_request(_LINE.format_map(quoted), fields)


def _attributes(fields: Mapping[str, str | int | float], route: str) -> dict[str, str | int]:
    """Returns the attributes of a span, by OpenTelemetry's conventions for HTTP."""
    return {
        "http.request.method": str(fields["method"]),
        "http.route": route,
        "http.response.body.size": int(fields["bytes"]),
        "url.path": str(fields["path"]),
        **{f"citygraph.{name}": str(fields[name]) for name in ("outcome", "release", "request_id")},
    }


def outcome_of(reply: Reply) -> str:
    """Returns what came of a request, as the log names it."""
    if reply.outcome:
        return reply.outcome
    return "not modified" if reply.status == 304 else _OUTCOMES.get(reply.status // 100, "failed")
