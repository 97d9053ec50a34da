"""The error boundary: every error becomes a page for a browser or problem+json for a program (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from werkzeug.exceptions import HTTPException

from citygraph import errors
from citygraph.catalogues import ENGLISH
from citygraph.release.releases import Release, Releases
from citygraph.report import Report, ValidationResult, term_text
from citygraph.settings import Settings
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import NO_STORE, Reply, Request
from citygraph.web.http.negotiation import accepted_formats, reader_language
from citygraph.web.http.problems import (
    GONE,
    MEDIA_TYPE,
    VIOLATIONS,
    Problem,
    ProblemType,
    as_json,
    outcome_of_problem,
    problem_of,
)
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

_log = logging.getLogger(__name__)
_HTML = ("Content-Type", "text/html; charset=utf-8")
_VARY = ("Vary", "Accept, Accept-Language")


class ErrorPages:
    """Renders errors, and guards views so that every request gets a reply."""

    def __init__(self, settings: Settings, releases: Releases, templates: Templates) -> None:
        self._settings = settings
        self._releases = releases
        self._templates = templates

    def guard(self, request: Request, view: Callable[[Request], Reply]) -> Reply:
        """Returns the reply of a view, or of its error. This is the one error boundary of the site."""
        try:
            return view(request)
        except errors.Violations as error:
            return self._report(request, error.report)
        except errors.CitygraphError as error:
            return self._problem(request, error)
        except HTTPException as error:
            return self._problem(request, _from_werkzeug(request, error))
        except Exception as error:
            # The client gets a reply without internals; the log gets the traceback.
            _log.exception("unexpected error at %s", request.path)
            return self._problem(request, error)

    def problem_type(self, request: Request, type_: ProblemType) -> Reply:
        """Returns the documentation of a kind of error, at the IRI that problem+json names."""
        problem = Problem(type_, "", {"members": list(type_.members)} if type_.members else {})
        page, language_ = self._page(request, problem)
        headers = [
            _HTML,
            ("Content-Language", language_),
            ("Cache-Control", "public, max-age=3600"),
            ("Vary", "Accept-Language"),
        ]
        return Reply(200, headers, page)

    def _problem(self, request: Request, error: BaseException) -> Reply:
        problem = problem_of(error)
        headers = [*problem.headers, ("Cache-Control", NO_STORE), _VARY]
        if _wants_page(request):
            body, language_ = self._page(request, problem)
            headers += [_HTML, ("Content-Language", language_)]
        else:
            translations = Translations(reader_language(request))
            detail, spoken = detail_in(problem, translations)
            title = translations(problem.type.title)
            languages = ", ".join(dict.fromkeys((translations.language, spoken)))
            body = as_json(replace(problem, detail=detail), self._settings.base, title, request.id)
            headers += [("Content-Type", MEDIA_TYPE), ("Content-Language", languages)]
        return Reply(problem.type.status, headers, body, outcome_of_problem(problem.type))

    def _report(self, request: Request, report: Report) -> Reply:
        """Returns 422 with the validation report: in words as problem+json or a page, or as Turtle."""
        translations = Translations(reader_language(request))
        spoken = translations.language
        detail = translations.count(
            "{number} violation of the shapes; nothing was changed.",
            "{number} violations of the shapes; nothing was changed.",
            len(report.violations),
        )
        headers = [("Content-Language", spoken), _VARY, ("Cache-Control", NO_STORE)]
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if _wants_page(request):
            results = [result_members(result, spoken) for result in report.results]
            body, _ = self._page(request, Problem(VIOLATIONS, detail), results)
            return Reply(status, [*headers, _HTML], body)
        accept = request.header("Accept")
        if "text/turtle" in accept and "json" not in accept:
            return Reply(status, [*headers, ("Content-Type", "text/turtle; charset=utf-8")], report.turtle.encode())
        violations = [result_members(result, spoken) for result in report.results]
        problem = Problem(VIOLATIONS, detail, {"violations": violations})
        body = as_json(problem, self._settings.base, translations(VIOLATIONS.title), request.id)
        return Reply(status, [*headers, ("Content-Type", MEDIA_TYPE)], body)

    def _page(
        self, request: Request, problem: Problem, violations: list[dict[str, str]] | None = None
    ) -> tuple[bytes, str]:
        """Returns the page of an error and its language."""
        reader = self._reader(request)
        detail, spoken = detail_in(problem, reader.translations)
        page = self._templates.page(
            "problem.html",
            reader,
            self._current(),
            problem=replace(problem, detail=detail),
            title=reader.translations(problem.type.title),
            detail_language=spoken,
            violations=violations or [],
            request_id=request.id,
        )
        return page.encode("utf-8", "replace"), reader.translations.language

    def _current(self) -> Release | None:
        try:
            return self._releases.current()
        except errors.NotFound:
            return None

    def _reader(self, request: Request) -> PageRequest:
        try:
            addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        except errors.UsageError:
            # A malformed Host header is an error to be shown, too; its page links by path alone.
            bare = Request({**request.environ, "HTTP_HOST": "localhost"})
            addresses, _ = addresses_of(bare, self._settings.base, 0)
        return PageRequest(Translations(reader_language(request)), addresses)


def detail_in(problem: Problem, translations: Translations) -> tuple[str, str]:
    """Returns the detail of a problem in the reader's language if possible, and its language."""
    if problem.type == VIOLATIONS:  # it is counted in the reader's language
        return problem.detail, translations.language
    detail = translations.error(problem.detail)
    # The reason of a withdrawal is data, and in the reader's language if it has been written in it.
    is_data = detail is None and problem.type == GONE
    return detail or problem.detail, translations.language if detail is not None or is_data else ENGLISH


def result_members(result: ValidationResult, language: str) -> dict[str, str]:
    """Returns a validation result as members of JSON, without those that are empty."""
    members = {
        "severity": result.severity,
        "focus": result.focus_node,
        "label": result.label,
        "path": result.path,
        "value": term_text(result.value) if result.value else "",
        "message": result.message(language),
        "remedy": result.remedy(language),
        "shape": result.shape,
    }
    return {name: text for name, text in members.items() if text}


def _from_werkzeug(request: Request, error: HTTPException) -> BaseException:
    """Returns a routing error of Werkzeug as an error of our tree."""
    if error.code == HTTPStatus.NOT_FOUND:
        return errors.NotFound(f"there is nothing at {request.path}")
    if error.code is not None and error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.UsageError(error.description or error.name)
    return error


def _wants_page(request: Request) -> bool:
    if request.args.get("format") == "html" or request.path.endswith(".html"):
        return True
    try:
        return accepted_formats(request.header("Accept")).html
    except errors.NotAcceptable:
        return False
