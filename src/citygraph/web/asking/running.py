"""The queries under way: the operator lists and ends any, a client ends its own by the name that it gave it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from flask import Flask, Response, jsonify, request

from citygraph.errors import Forbidden, NotFound, Unauthorized, UsageError
from citygraph.settings import Settings
from citygraph.sparql.engine import Running
from citygraph.sparql.protocol import query_name
from citygraph.writing.tokens import bearer

_NO_STORE = {"Cache-Control": "no-store"}


@runtime_checkable
class Supervised(Protocol):
    """What knows of running queries: sparql.engine.Engines."""

    def running(self) -> list[Running]:
        """The queries under way."""
        ...

    def cancel(self, query_id: str) -> bool:
        """End one."""
        ...

    def cancel_named(self, name: str) -> bool:
        """End one by the name that its client gave it."""
        ...

    def figures(self) -> dict[str, dict[str, int]]:
        """Counts by release."""
        ...


def mount_running(app: Flask, settings: Settings, engines: Supervised) -> None:
    """Add the addresses to the site."""

    def listed() -> Response:
        _require_operator(settings)
        queries = [
            {"id": q.id, "age": round(q.age, 3), "client": q.client, "release": q.release, "text": q.text}
            for q in engines.running()
        ]
        response = jsonify({"running": queries})
        response.headers.update(_NO_STORE)
        return response

    def end_any(query_id: str) -> Response:
        _require_operator(settings)
        return _end(engines.cancel, query_id)

    def end_own(name: str) -> Response:
        return _end(engines.cancel_named, query_name(name))

    app.add_url_rule("/admin/running", "running", listed)
    app.add_url_rule("/admin/running/<query_id>", "end_any", end_any, methods=["DELETE"])
    app.add_url_rule("/sparql/running/<name>", "end_own", end_own, methods=["DELETE"])
    app.after_request(_allow_delete)


def _end(cancel: Callable[[str], bool], name: str) -> Response:
    if not cancel(name):
        raise NotFound("no such query is running: it has ended, or waits for an engine")
    return Response(status=204, headers=_NO_STORE)


def _require_operator(settings: Settings) -> None:
    """Raise Forbidden or Unauthorized unless the request carries the operator's token."""
    if not settings.admin_token:
        raise Forbidden("the admin addresses are closed: the operator has set no CITYGRAPH_ADMIN_TOKEN")
    if request.query_string:
        raise UsageError("nothing belongs in this address, a token least of all: send it in the Authorization header")
    token = bearer(request.headers.get("Authorization", ""))
    if not hmac.compare_digest(token.encode("utf-8", "replace"), settings.admin_token.encode()):
        raise Unauthorized("this is not the operator's token")


def _allow_delete(response: Response) -> Response:
    """The preflight of a page on another host that ends its own query."""
    if request.method == "OPTIONS" and request.path.startswith("/sparql/running/"):
        response.headers["Access-Control-Allow-Methods"] = "DELETE, OPTIONS"
    return response
