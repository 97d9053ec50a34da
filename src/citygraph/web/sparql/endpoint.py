"""The SPARQL endpoint: the parts of a request become a query, and its result a reply (SPARQL 1.1 Protocol, 2.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from citygraph.errors import CitygraphError, TooLarge, UnsupportedMedia
from citygraph.rdf.formats import FORMATS, Kind
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.bounds import Bound
from citygraph.sparql.protocol import (
    DIRECT,
    FORM,
    WITH_BODY,
    ProtocolRequest,
    Query,
    check_form,
    parameters_of_query,
    parse_request,
    query_name,
)
from citygraph.stores.store_queries import StoreQueries
from citygraph.web.http.addresses import client_address, public_root
from citygraph.web.http.bodies import BodyReceiver, compress, declared_length, has_body
from citygraph.web.http.messages import (
    CURRENT,
    FOR_EVER,
    FRESH,
    NO_STORE,
    OUTLET,
    QUICK,
    Reply,
    Request,
    coded_tag,
    is_unmodified,
)
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.negotiation import AcceptedFormats, coding_of, formats_of, language
from citygraph.web.http.rate_limiter import RateLimiter
from citygraph.web.http.replies import file_name
from citygraph.web.sparql.bounded_queries import BoundedQueries
from citygraph.web.sparql.results import VARY, Headers, QueryRequest, Results
from citygraph.web.sparql.results import Runs as Runs
from citygraph.web.sparql.service_description import describe_service, write_description

# The extension of a saved result, and whether a browser can only save it, by Content-Type. JSON and XML have their own
# names instead of srj and srx, which few programs know.
_SAVED = {
    format_.content_type: (format_.name if format_.results else format_.extension, not format_.text)
    for format_ in FORMATS
}
# Returns the reply to a query in a format that a page can read.
Ask = Callable[[Query], Reply]
# From the request, the query in it, the reader's language, and a function that runs queries: a status and a page.
Workbench = Callable[[Request, Query | None, str, Ask], tuple[int, str]]

# The formats of results that a page can read.
_READ_BY_PAGES = "application/sparql-results+json, application/n-triples;q=0.9"
# A form writes a byte of the query in up to three, and has other parameters too.
_FORM_FACTOR, _FORM_ROOM = 3, 64 * 1024
_MOST_OPEN = 100
# The key of the WSGI environment with what `is_quick` has read.
_OPERATION = "citygraph.operation"
# Characters of the encoded text of a quick query.
_LONGEST_QUICK = 8192
# Of a query, as an address; longer ones are refused by some proxies.
_LONGEST_ADDRESS = 4000
# Of a body that is too large, so much is received and dropped, for its sender to read why.
_MOST_DROPPED = 16 * 1024 * 1024


class SparqlEndpoint:
    """The endpoint. `workbench` renders the page for a browser; it runs queries by the passed function."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        engines: Runs,
        workbench: Workbench,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
        bodies: BodyReceiver | None = None,
        bounded: BoundedQueries | None = None,
        store: StoreQueries | None = None,
    ) -> None:
        self._limiter = RateLimiter(settings, clock)
        self._metrics = metrics or Metrics()
        self.results = Results(settings, engines, self._limiter, self._metrics, bounded, store)
        self._settings = settings
        self._releases = releases
        self._workbench = workbench
        self._opened: dict[str, Release] = {}
        self._bodies = bodies or BodyReceiver(settings)
        self._bounded = bounded

    def is_quick(self, environ: dict[str, Any], body: bytes) -> bool:
        """Returns whether a request is a query whose result the event loop may wait for."""
        length = len(environ["QUERY_STRING"]) + len(body)
        # A page takes longer, and so may an error.
        if self._bounded is None or length > _LONGEST_QUICK or "html" in environ.get("HTTP_ACCEPT", ""):
            return False
        try:
            content_type = environ.get("CONTENT_TYPE", "")
            if body:
                _check_type(environ, content_type)
            method, parameters = environ["REQUEST_METHOD"], environ["QUERY_STRING"]
            operation = parse_request(method, parameters, content_type, body, self._settings.base)
            if operation.query is None or operation.format == "html":
                return False
            release = self._release_of("")
            bound = self._bounded.quick_bound(release, operation.query)
            # Read once for each request.
            environ[CURRENT], environ[_OPERATION] = release.id, (operation, bound)
            return bound is not None
        except CitygraphError:
            return False

    def answer(self, request: Request) -> Reply:
        """Returns the result of the query, the workbench for a browser, or the service description without a query."""
        client = client_address(request.environ, self._settings.trusted_proxies)
        quick = request.environ.get(QUICK)
        if quick is not False:
            self._limiter.count_request(client)
        operation, bound = self._operation(request)
        accepted = formats_of(request.header("Accept"), operation.format)
        if accepted.html:
            return self._page(request, operation, client)
        release = self._release(request)
        query = operation.query
        if query is None:
            return self._description(request, release, accepted)
        name = query_name(request.header("X-Citygraph-Query-Id"))
        query_request = QueryRequest(
            release,
            query._replace(formats=accepted.formats, name=name),
            accepted,
            client,
            coding_of(request.header("Accept-Encoding")),
            # On a POST the header would mean something else (RFC 9110, 13.1.2).
            "" if request.method == "POST" else request.header("If-None-Match"),
            bool(request.release),
            bound if quick else None,
            request.environ.get(OUTLET),
        )
        answer = self.results.answer(query_request)
        name_file(request, operation.format, answer)
        return self._located(request, operation, query_request, answer) if request.method == "QUERY" else answer

    def _located(
        self, request: Request, operation: ProtocolRequest, query_request: QueryRequest, answer: Reply
    ) -> Reply:
        """Returns the reply to a QUERY with its GET addresses (RFC 10008): of the current result, and of this one."""
        parameters = parameters_of_query(query_request.query, operation.format)
        if len(parameters) > _LONGEST_ADDRESS:
            return answer
        root = public_root(request.environ, self._settings.trusted_proxies)
        live = root.partition("/releases/")[0]
        answer.set("Location", f"{root}{quote(request.path)}?{parameters}")
        format_ = next((one.name for one in FORMATS if answer.header("Content-Type") == one.content_type), "")
        if format_:
            pinned = parameters_of_query(query_request.query, format_)
            answer.set("Content-Location", f"{live}/releases/{query_request.release.id}{quote(request.path)}?{pinned}")
        return answer

    def ask(self, request: Request, query: Query) -> Reply:
        """Returns the result of a query in a format that a page can read. Raises what `answer` raises."""
        client = client_address(request.environ, self._settings.trusted_proxies)
        self._limiter.count_request(client)
        return self._ask(request, client, query)

    def _ask(self, request: Request, client: str, query: Query) -> Reply:
        accepted = formats_of(_READ_BY_PAGES, None)
        readable = query._replace(formats=accepted.formats)
        return self.results.answer(QueryRequest(self._release(request), readable, accepted, client))

    def _operation(self, request: Request) -> tuple[ProtocolRequest, Bound | None]:
        """Returns the parsed request and the bound of its query, if that is known."""
        known: tuple[ProtocolRequest, Bound | None] | None = request.environ.pop(_OPERATION, None)
        if known is not None:
            return known
        content_type = request.environ.get("CONTENT_TYPE") or ""
        body = self._body(request.environ, content_type) if request.method in WITH_BODY else b""
        return parse_request(request.method, request.query, content_type, body, self._settings.base), None

    def _body(self, environ: Mapping[str, Any], content_type: str) -> bytes:
        """Returns the body. Raises before a body of the wrong type or size is received."""
        if not has_body(environ):
            return b""
        _check_type(environ, content_type)
        longest = self._settings.query_length
        limit = longest * _FORM_FACTOR + _FORM_ROOM
        declared = declared_length(environ)
        too_large = TooLarge(f"the body is too large: a query may have {longest} bytes", longest)
        if declared is not None and declared > limit:
            # Many clients read no response before they have sent everything, and would only see a broken connection.
            if declared <= _MOST_DROPPED:
                self._bodies.drop(environ, declared)
            raise too_large
        body = self._bodies.receive(environ, limit)
        if len(body) > limit:
            raise too_large
        return body

    def _release(self, request: Request) -> Release:
        return self._release_of(request.release)

    def _release_of(self, release_id: str) -> Release:
        release_id = release_id or self._releases.current_id()
        release = self._opened.get(release_id)
        if release is None:
            release = self._releases.get(release_id)
            if len(self._opened) >= _MOST_OPEN:
                self._opened.clear()
            self._opened[release_id] = release
        return release

    def _page(self, request: Request, operation: ProtocolRequest, client: str) -> Reply:
        reader_language = language(request.header("Accept-Language"), operation.language)

        status, text = self._workbench(request, operation.query, reader_language, partial(self._ask, request, client))
        page = text.encode()
        headers: Headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", reader_language),
            ("Vary", "Accept, Accept-Encoding, Accept-Language"),
            ("Cache-Control", FRESH if status == HTTPStatus.OK else NO_STORE),
        ]
        if coding := coding_of(request.header("Accept-Encoding")):
            page = compress(page, coding)
            headers.append(("Content-Encoding", coding))
        return Reply(status, headers, page)

    def _description(self, request: Request, release: Release, accepted: AcceptedFormats) -> Reply:
        format_ = accepted.of_kind(Kind.GRAPH)
        root = public_root(request.environ, self._settings.trusted_proxies)
        body = write_description(
            describe_service(root + quote(request.path), release.manifest, self._settings), format_
        )
        tag = blake2b(body + release.id.encode(), digest_size=18).hexdigest()
        coding = coding_of(request.header("Accept-Encoding"))
        headers = [
            ("ETag", coded_tag(tag, coding)),
            VARY,
            ("Cache-Control", FOR_EVER if request.release else FRESH),
            ("X-Citygraph-Release", release.id),
        ]
        if is_unmodified(request, tag):
            return Reply(304, headers)
        headers.append(("Content-Type", accepted.content_type(format_)))
        if coding:
            headers.append(("Content-Encoding", coding))
            body = compress(body, coding)
        return Reply(200, headers, body)


def _check_type(environ: Mapping[str, Any], content_type: str) -> None:
    """Raises UnsupportedMedia if a body is of another type than queries have, or is compressed."""
    check_form(content_type)
    if (environ.get("HTTP_CONTENT_ENCODING") or "identity").strip().casefold() != "identity":
        raise UnsupportedMedia("a compressed body is not read", (FORM, DIRECT))


def name_file(request: Request, format_: str | None, answer: Reply) -> None:
    """Names the file as which a browser saves the result."""
    extension, is_attachment = _SAVED.get(answer.header("Content-Type"), ("", False))
    # Programs, which send Accept, give names themselves.
    if extension and (is_attachment or format_):
        answer.set("Content-Disposition", file_name(request, extension, "attachment" if is_attachment else "inline"))
