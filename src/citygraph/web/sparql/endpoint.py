"""The SPARQL endpoint as a WSGI callable: a request's parts become a query, an answer or a problem.

It stands beside Flask and not in it, for a point lookup takes an engine less time than a framework's dispatch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from html import escape
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import quote

from citygraph.engine.pool import Turns
from citygraph.errors import Busy, CitygraphError, MethodNotAllowed, NotAcceptable, TooLarge, UnsupportedMedia
from citygraph.rdf.formats import Kind
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.protocol import DIRECT, FORM, METHODS, Query, Request, check_form, parse_request, query_name
from citygraph.web.http import problems
from citygraph.web.http.addresses import client_address, public_root
from citygraph.web.http.bodies import compress
from citygraph.web.http.messages import PAGES_ONLY, RELEASE
from citygraph.web.http.metrics import Tallies
from citygraph.web.http.negotiation import Wanted, encoding, language, wanted
from citygraph.web.http.rate_limiter import Allowance
from citygraph.web.sparql.results import FOR_EVER, FRESH, NEVER, VARY, Asked, Headers, Response, Results
from citygraph.web.sparql.results import Runs as Runs
from citygraph.web.sparql.service_description import describe_service, write_description

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    # Answers a query in the formats that a page can read.
    Ask = Callable[[Query], Response]
    # From environ, the query asked for, the reader's language, and what answers queries: a status and a page.
    Workbench = Callable[[WSGIEnvironment, Query | None, str, Ask], tuple[str, str]]


PATH = "/sparql"
CORS = (
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Content-Language, ETag, Link, Retry-After, Server-Timing, X-Citygraph-Release, X-Citygraph-Rows",
    ),
    ("X-Content-Type-Options", "nosniff"),
)
_PREFLIGHT = (
    ("Allow", ", ".join(METHODS)),
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    (
        "Access-Control-Allow-Headers",
        "Accept, Accept-Language, Authorization, Cache-Control, Content-Type, If-None-Match, X-Citygraph-Query-Id",
    ),
    ("Access-Control-Max-Age", "86400"),
    ("Cache-Control", "public, max-age=86400"),
)
_PAGE_VARY = ("Vary", "Accept, Accept-Encoding, Accept-Language")
# What a page reads of the answers to its queries.
_READ_BY_PAGES = "application/sparql-results+json, application/n-triples;q=0.9"
# A form writes a byte of the query in up to three, and has other parameters too.
_FORM_FACTOR, _FORM_ROOM = 3, 64 * 1024
_MOST_OPEN = 100
# Of a body that is too large, so much is received and dropped, for its sender to read why.
_MOST_DROPPED, _PIECE = 16 * 1024 * 1024, 64 * 1024
_log = logging.getLogger(__name__)


class SparqlEndpoint:
    """The callable. `workbench` makes the page for a browser; it is given what answers the queries of the page."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        engines: Runs,
        workbench: Workbench | None = None,
        clock: Callable[[], float] = time.monotonic,
        tallies: Tallies | None = None,
    ) -> None:
        self._allowance = Allowance(settings, clock)
        self._tallies = tallies or Tallies()
        self.results = Results(settings, engines, self._allowance, self._tallies)
        self._settings = settings
        self._releases = releases
        self._workbench = workbench or _plain_workbench
        self._opened: dict[str, Release] = {}
        # A body that does not come holds a thread of the server: there must be others.
        self._receiving = BoundedSemaphore(max(1, settings.threads // 4))
        self._received_of = Turns(max(1, settings.threads // 8))
        # The same few headers come again and again.
        self._wanted = lru_cache(512)(wanted)
        self._encoding = lru_cache(512)(encoding)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; an error is a problem, never a page of the server."""
        try:
            status, headers, body = self._respond(environ)
        except CitygraphError as error:
            status, headers, body = self._problem(environ, error)
        except Exception as error:
            # The edge of the program: the client gets an answer, and nothing of our insides.
            _log.exception("a fault in the SPARQL endpoint")
            status, headers, body = self._problem(environ, error)
        headers.extend(CORS)
        self._tallies.answered(int(status[:3]))
        start_response(status, headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            close = getattr(body, "close", None)
            if close is not None:
                close()
            return []
        return body

    def _respond(self, environ: WSGIEnvironment) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return "204 No Content", list(_PREFLIGHT), []
        if method not in METHODS:
            raise MethodNotAllowed(f"{method} is not a method of this address", METHODS)
        client = client_address(environ, self._settings.trusted_proxies)
        self._allowance.ask(client)
        request = self._request(environ, method, client)
        accepted = self._wanted(environ.get("HTTP_ACCEPT") or "", request.format)
        if accepted.html:
            return self._page(environ, request, client)
        release = self._release(environ)
        query = request.query
        if query is None:
            return self._description(environ, release, accepted)
        name = query_name(environ.get("HTTP_X_CITYGRAPH_QUERY_ID") or "")
        asked = Asked(
            release,
            Query(query.text, query.default_graphs, query.named_graphs, accepted.formats, query.base, name),
            accepted,
            client,
            self._encoding(environ.get("HTTP_ACCEPT_ENCODING") or ""),
            # On a POST the header would mean something else (RFC 9110, 13.1.2).
            "" if method == "POST" else environ.get("HTTP_IF_NONE_MATCH") or "",
            RELEASE in environ,
        )
        return self.results.answer(asked)

    def _request(self, environ: WSGIEnvironment, method: str, client: str) -> Request:
        content_type = environ.get("CONTENT_TYPE") or ""
        body = self._body(environ, content_type, client) if method == "POST" else b""
        return parse_request(method, environ.get("QUERY_STRING") or "", content_type, body, self._settings.base)

    def _body(self, environ: WSGIEnvironment, content_type: str, client: str) -> bytes:
        """The body, if it is of a type and a size that we take: others are not even received."""
        check_form(content_type)
        if (environ.get("HTTP_CONTENT_ENCODING") or "identity").strip().casefold() != "identity":
            raise UnsupportedMedia("a compressed body is not read", (FORM, DIRECT))
        longest = self._settings.query_length
        limit = longest * _FORM_FACTOR + _FORM_ROOM
        length = environ.get("CONTENT_LENGTH") or ""
        declared = int(length) if length.isdecimal() else None
        too_large = TooLarge(f"the body is too large: a query may have {longest} bytes", longest)
        if declared is not None and declared > limit:
            # Many a client reads no answer before it has sent all, and would only see a connection that breaks.
            if declared <= _MOST_DROPPED:
                self._receive(environ, declared, client, keep=False)
            raise too_large
        body = self._receive(environ, limit + 1 if declared is None else declared, client)
        if len(body) > limit:
            raise too_large
        return body

    def _receive(self, environ: WSGIEnvironment, size: int, client: str, keep: bool = True) -> bytes:
        if not self._received_of.take(client, wait=0):
            raise Busy("too many bodies of yours are being received", retry_after=5, yours=True)
        try:
            if not self._receiving.acquire(blocking=False):
                raise Busy("too many bodies are being received", retry_after=5)
            try:
                read = environ["wsgi.input"].read
                if keep:
                    return bytes(read(size))
                while size > 0 and (piece := read(min(size, _PIECE))):
                    size -= len(piece)
                return b""
            finally:
                self._receiving.release()
        finally:
            self._received_of.end(client)

    def _release(self, environ: WSGIEnvironment) -> Release:
        release_id = environ.get(RELEASE) or self._releases.current_id()
        release = self._opened.get(release_id)
        if release is None:
            release = self._releases.get(release_id)
            if len(self._opened) >= _MOST_OPEN:
                self._opened.clear()
            self._opened[release_id] = release
        return release

    def _page(self, environ: WSGIEnvironment, request: Request, client: str) -> Response:
        spoken = language(environ.get("HTTP_ACCEPT_LANGUAGE") or "", request.language)

        def ask(query: Query) -> Response:
            accepted = self._wanted(_READ_BY_PAGES)
            readable = replace(query, formats=accepted.formats)
            return self.results.answer(Asked(self._release(environ), readable, accepted, client))

        status, text = self._workbench(environ, request.query, spoken, ask)
        page = text.encode()
        coding = self._encoding(environ.get("HTTP_ACCEPT_ENCODING") or "")
        headers: Headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", spoken),
            *PAGES_ONLY,
            _PAGE_VARY,
            FRESH if status.startswith("200") else NEVER,
        ]
        if coding:
            page = compress(page, coding)
            headers.append(("Content-Encoding", coding))
        return status, [*headers, ("Content-Length", str(len(page)))], [page]

    def _description(self, environ: WSGIEnvironment, release: Release, accepted: Wanted) -> Response:
        format_ = accepted.of_kind(Kind.GRAPH)
        root = public_root(environ, self._settings.trusted_proxies)
        path = quote((environ.get("PATH_INFO") or "").encode("latin-1", "replace"))
        triples = describe_service(root + path, release.manifest, self._settings)
        body = write_description(triples, format_)
        tag = f'"{blake2b(body, digest_size=18).hexdigest()}"'
        headers = [
            ("Content-Type", accepted.content_type(format_)),
            ("ETag", tag),
            VARY,
            FOR_EVER if RELEASE in environ else FRESH,
            ("X-Citygraph-Release", release.id),
        ]
        if tag in (environ.get("HTTP_IF_NONE_MATCH") or ""):
            return "304 Not Modified", headers[1:], []
        return "200 OK", [*headers, ("Content-Length", str(len(body)))], [body]

    def _problem(self, environ: WSGIEnvironment, error: Exception) -> Response:
        problem = problems.problem_of(error)
        try:
            html = self._wanted(environ.get("HTTP_ACCEPT") or "").html
        except NotAcceptable:
            html = False
        base = self._settings.base
        body = problems.as_html(problem, base) if html else problems.as_json(problem, base)
        headers = [
            ("Content-Type", "text/html; charset=utf-8" if html else problems.MEDIA_TYPE),
            ("Content-Language", "en"),
            ("Content-Length", str(len(body))),
            VARY,
            NEVER,
            *problem.headers,
        ]
        return problem.status_line, headers, [body]


def _plain_workbench(_: WSGIEnvironment, query: Query | None, spoken: str, ask: Ask) -> tuple[str, str]:
    """A form that needs nothing else, where no other page is given."""
    del ask
    text = escape(query.text) if query else "SELECT * WHERE { ?s ?p ?o } LIMIT 10"
    run = "Çalıştır" if spoken == "tr" else "Run"
    page = f"""<!doctype html>
<html lang="{spoken}">
<head><meta charset="utf-8"><title>SPARQL</title></head>
<body>
<h1>SPARQL</h1>
<form method="get">
<p><label>SPARQL<br><textarea name="query" rows="12" cols="80">{text}</textarea></label></p>
<p><select name="format">
<option>json</option><option>csv</option><option>tsv</option><option>xml</option><option>md</option>
<option>ttl</option><option>nt</option><option>jsonld</option>
</select> <button>{run}</button></p>
</form>
</body>
</html>
"""
    return "200 OK", page
