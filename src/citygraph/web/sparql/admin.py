"""Operations at /admin/running and /metrics: running queries, their end, counters."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from citygraph.commit.tokens import bearer
from citygraph.engine.engines import RunningQuery
from citygraph.errors import Forbidden, NotFound, Unauthorized, UsageError
from citygraph.settings import Settings
from citygraph.sparql.protocol import query_name
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.sparql.server_metrics import ServerMetrics

_NO_STORE = ("Cache-Control", NO_STORE)
_CLOSED_ADMIN = "the admin addresses are closed: the operator has set no CITYGRAPH_ADMIN_TOKEN"
_CLOSED_METRICS = "the metrics are not public: the operator has set no CITYGRAPH_METRICS_TOKEN"


@runtime_checkable
class Supervised(Protocol):
    """The running queries of the engines, implemented by engine.engines.Engines."""

    def running(self) -> list[RunningQuery]:
        """Returns the running queries."""
        ...

    def cancel(self, query_id: str) -> bool:
        """Ends a query by its id."""
        ...

    def cancel_named(self, name: str) -> bool:
        """Ends a query by the name that its client gave it."""
        ...

    def figures(self) -> dict[str, dict[str, int]]:
        """Returns counts by release."""
        ...

    def state(self, release_id: str) -> str:
        """Returns "ok" or "starting" for the engines of a release. Raises EngineFailed."""
        ...


class Admin:
    """Operations on running queries, and the metrics of the server."""

    def __init__(self, settings: Settings, engines: Supervised, metrics: ServerMetrics) -> None:
        self._settings = settings
        self._engines = engines
        self._metrics = metrics

    def metrics(self, request: Request) -> Reply:
        """Returns the metrics for Prometheus. Raises Forbidden or Unauthorized unless the request has their token."""
        _require_token(request, self._settings.metrics_token, _CLOSED_METRICS)
        content_type, body = self._metrics.render(request.header("Accept"))
        return Reply(200, [("Content-Type", content_type), _NO_STORE], body)

    def running(self, request: Request) -> Reply:
        """Returns the running queries. Raises Forbidden or Unauthorized unless the operator asks."""
        self._require_operator(request)
        queries = [
            {"id": q.id, "age": round(q.age, 3), "client": q.client, "release": q.release, "text": q.text}
            for q in self._engines.running()
        ]
        body = json.dumps({"running": queries}, ensure_ascii=False) + "\n"
        return Reply(200, [("Content-Type", "application/json"), _NO_STORE], body.encode("utf-8", "replace"))

    def end_any(self, request: Request, query_id: str) -> Reply:
        """Ends any query. Raises Forbidden or Unauthorized unless the operator asks, NotFound."""
        self._require_operator(request)
        return _end(self._engines.cancel, query_id)

    def end_own(self, request: Request, name: str) -> Reply:
        """Ends the query with a name that only its client knows. Raises NotFound."""
        del request
        return _end(self._engines.cancel_named, query_name(name))

    def _require_operator(self, request: Request) -> None:
        _require_token(request, self._settings.admin_token, _CLOSED_ADMIN)


def _require_token(request: Request, expected: str, closed: str) -> None:
    if not expected:
        raise Forbidden(closed)
    # Addresses end up in logs and histories, so a token there is refused before it becomes a habit.
    if request.query:
        raise UsageError("this address has no parameters; send the token in the Authorization header")
    require_bearer(request.header("Authorization"), expected)


def require_bearer(authorization: str, expected: str) -> None:
    """Raises Unauthorized if the header does not have the token. The comparison takes constant time."""
    if not hmac.compare_digest(bearer(authorization).encode("utf-8", "replace"), expected.encode()):
        raise Unauthorized("this is not the token for this address")


def _end(cancel: Callable[[str], bool], name: str) -> Reply:
    if not cancel(name):
        raise NotFound("no such query is running: it has ended, or waits for an engine")
    return Reply(204, [_NO_STORE])
