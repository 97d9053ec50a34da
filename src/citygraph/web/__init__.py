"""The web application: its parts wired together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from citygraph import errors
from citygraph.release import Releases
from citygraph.settings import Settings
from citygraph.web.answers import addresses_of, reader_language
from citygraph.web.endpoint import PATH, Runs, SparqlEndpoint
from citygraph.web.negotiation import wanted
from citygraph.web.pages import Pages, Reader
from citygraph.web.problems import MEDIA_TYPE, Problem, as_json, problem_of
from citygraph.web.resources import Resources
from citygraph.web.words import Words

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Everything a page needs comes from this host; no script and no style stands in a page.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Language, Content-Location, ETag, Last-Modified, Link, Location, Vary",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, If-Modified-Since, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_log = logging.getLogger(__name__)


def create_app(settings: Settings, releases: Releases, engines: Runs | None = None) -> Flask:
    """The site over the current release of `releases`; with `engines` it answers queries at /sparql too."""
    app = Flask(__name__, template_folder=None, static_url_path="/static")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(Resources(settings, releases).blueprint())
    app.after_request(_finish)
    handler = _problem_handler(settings, releases)
    app.register_error_handler(errors.CitygraphError, handler)
    app.register_error_handler(HTTPException, handler)
    if engines is not None:
        app.wsgi_app = _Dispatcher(app.wsgi_app, SparqlEndpoint(settings, releases, engines))  # type: ignore[method-assign]
    return app


class _Dispatcher:
    """Sends /sparql to its endpoint, which stands beside Flask, and everything else to Flask."""

    def __init__(self, site: WSGIApplication, endpoint: SparqlEndpoint) -> None:
        self._site = site
        self._endpoint = endpoint

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ.get("PATH_INFO") == PATH:
            return self._endpoint(environ, start_response)
        return self._site(environ, start_response)


def _finish(response: Response) -> Response:
    """What every response has, errors too."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT)
    return response


def _problem_handler(settings: Settings, releases: Releases) -> Callable[[Any], Response]:
    pages = Pages()

    def handle(error: BaseException) -> Response:
        problem = problem_of(_ours(error))
        if _wants_page():
            addresses, _ = addresses_of(request, settings.base, settings.trusted_proxies)
            reader = Reader(Words(reader_language(request)), addresses)
            body, content_type = pages.problem(problem, releases, reader).encode(), "text/html; charset=utf-8"
        else:
            body, content_type = as_json(problem, settings.base), MEDIA_TYPE
        return _problem_response(problem, body, content_type)

    return handle


def _problem_response(problem: Problem, body: bytes, content_type: str) -> Response:
    response = Response(body, problem.type.status.value, content_type=content_type)
    response.headers.extend(list(problem.headers))
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def _wants_page() -> bool:
    if request.args.get("format") == "html":
        return True
    try:
        return wanted(request.headers.get("Accept", "")).html
    except errors.NotAcceptable:
        return False


def _ours(error: BaseException) -> BaseException:
    """What the framework raises, as an error of our tree."""
    if isinstance(error, NotFound):
        return errors.NotFound(f"there is nothing at {request.path}")
    if isinstance(error, MethodNotAllowed):
        return errors.MethodNotAllowed(
            f"{request.method} is not a method of this address", tuple(sorted(error.valid_methods or ()))
        )
    original = getattr(error, "original_exception", None)
    if original is not None:
        _log.error("a fault in answering %s", request.path, exc_info=original)
        return original if isinstance(original, BaseException) else error
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return errors.UsageError(error.description or error.name)
    return error
