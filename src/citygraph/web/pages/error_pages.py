"""Errors as replies: a page for a browser, problem+json for a program."""

from __future__ import annotations

import logging

import flask

from citygraph.errors import NotAcceptable
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language, wanted
from citygraph.web.http.problems import MEDIA_TYPE, as_json, problem_of
from citygraph.web.pages.entity_page import Pages
from citygraph.web.view.page_request import Reader
from citygraph.web.view.translations import Words

_log = logging.getLogger(__name__)


class Faults:
    """Tells errors to those who asked."""

    def __init__(self, settings: Settings, releases: Releases, pages: Pages) -> None:
        self._settings = settings
        self._releases = releases
        self._pages = pages

    def reply(self, request: Request | flask.Request, error: BaseException) -> Reply:
        """The error in the form that the client reads."""
        problem = problem_of(error)
        headers = [*problem.headers, ("Cache-Control", "no-store"), ("Vary", "Accept, Accept-Language")]
        if _wants_page(request):
            reader = self.reader(request)
            body = self._pages.problem(problem, self._releases, reader).encode()
            headers += [("Content-Type", "text/html; charset=utf-8"), ("Content-Language", reader.words.language)]
        else:
            body = as_json(problem, self._settings.base)
            headers.append(("Content-Type", MEDIA_TYPE))
        return Reply(problem.type.status.value, headers, body)

    def unexpected(self, request: Request | flask.Request, error: BaseException) -> Reply:
        """The same of a fault of our own, which is written to the log."""
        _log.error("a fault in answering %s", request.path, exc_info=error)
        return self.reply(request, error)

    def reader(self, request: Request | flask.Request) -> Reader:
        """Who reads."""
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        return Reader(Words(reader_language(request)), addresses)


def _wants_page(request: Request | flask.Request) -> bool:
    if request.args.get("format") == "html" or request.path.endswith(".html"):
        return True
    try:
        return wanted(request.headers.get("Accept", "")).html
    except NotAcceptable:
        return False
