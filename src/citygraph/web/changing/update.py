"""SPARQL Update over HTTP (SPARQL 1.1 Protocol, 2.2) as a WSGI callable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from citygraph.errors import MethodNotAllowed
from citygraph.settings import Settings
from citygraph.sparql.updates import METHODS, parse_update
from citygraph.web.asking.results import Response
from citygraph.web.changing.writing import Gate, answer_commit, edge
from citygraph.writing.change import Change, Update

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PATH = "/update"
_PREFLIGHT = (
    ("Allow", ", ".join(METHODS)),
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    ("Access-Control-Allow-Headers", "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type"),
    ("Access-Control-Max-Age", "86400"),
)


class UpdateEndpoint:
    """The callable."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        self._settings = settings
        self._gate = gate

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; an error is a problem, never a page of the server."""
        return edge(environ, start_response, self._settings.base, lambda: self._respond(environ))

    def _respond(self, environ: WSGIEnvironment) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return "204 No Content", list(_PREFLIGHT), ()
        if method != "POST":
            raise MethodNotAllowed(f"{method} is not a method of this address: updates are sent by POST", METHODS)
        asker = self._gate.admit(environ)
        body = self._gate.body(environ)
        asked = parse_update(method, environ.get("QUERY_STRING") or "", environ.get("CONTENT_TYPE") or "", body)
        update = Update(asked.text, asked.using, asked.using_named, base=self._settings.base)
        holder = asker.holder
        change = Change(update, holder.name, asked.message, holder.prefixes, dry_run=asked.dry_run)
        commit = self._gate.commit(environ, asker, change)
        return answer_commit(commit, asked.dry_run, self._settings.base)
