"""What an error is over HTTP: one table from the classes of errors.py to status, type and title (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from typing import Any

from citygraph import errors
from citygraph.rdf.terms import BASE

MEDIA_TYPE = "application/problem+json"
# How long a query that met a limit had better not be sent again: nothing will be different before.
_RETRY_AFTER_LIMIT = 60


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem: the last part of its IRI, its status, its title and the members that it may have."""

    slug: str
    status: HTTPStatus
    title: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """One error as it is answered."""

    type: ProblemType
    detail: str
    members: dict[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def status_line(self) -> str:
        """The status as WSGI wants it."""
        return f"{self.type.status.value} {self.type.status.phrase}"


_LIMITED = ("limit", "elapsed")
BAD_REQUEST = ProblemType("bad-request", HTTPStatus.BAD_REQUEST, "The request is not understood")
SYNTAX = ProblemType("syntax-error", HTTPStatus.BAD_REQUEST, "The query has a syntax error", ("line", "column"))
NOT_ACCEPTABLE = ProblemType(
    "not-acceptable", HTTPStatus.NOT_ACCEPTABLE, "No accepted format can be made", ("offered",)
)
UNSUPPORTED = ProblemType(
    "unsupported-media", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is of a type that is not read", ("accepted",)
)
NOT_ALLOWED = ProblemType(
    "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The address has no such method", ("allowed",)
)
TOO_LARGE = ProblemType("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is over a limit", ("limit",))
BAD_DATA = ProblemType("bad-data", HTTPStatus.BAD_REQUEST, "The data cannot be read", ("file", "line", "column"))
WRONG_GRAPH = ProblemType(
    "wrong-graph", HTTPStatus.UNPROCESSABLE_ENTITY, "The update changes another graph than the one it was sent to"
)
NOT_FOUND = ProblemType("not-found", HTTPStatus.NOT_FOUND, "There is no such thing here")
GONE = ProblemType("gone", HTTPStatus.GONE, "This was withdrawn", ("since", "replaced_by"))
UNAUTHORIZED = ProblemType("unauthorized", HTTPStatus.UNAUTHORIZED, "A token is needed")
FORBIDDEN = ProblemType("forbidden", HTTPStatus.FORBIDDEN, "This is refused", ("construct", "allowed"))
VIOLATIONS = ProblemType("violations", HTTPStatus.UNPROCESSABLE_ENTITY, "The data break their shapes")
CONFLICT = ProblemType("conflict", HTTPStatus.CONFLICT, "The data changed meanwhile, or are kept elsewhere")
BUSY = ProblemType("busy", HTTPStatus.SERVICE_UNAVAILABLE, "Too many queries are running")
TOO_MANY = ProblemType("too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "You are asking too much at once")
TIME_LIMIT = ProblemType("time-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The query reached the limit of time", _LIMITED)
MEMORY_LIMIT = ProblemType(
    "memory-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The query reached the limit of memory", _LIMITED
)
SIZE_LIMIT = ProblemType("size-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The result reached the limit of size", _LIMITED)
CANCELLED = ProblemType("cancelled", HTTPStatus.SERVICE_UNAVAILABLE, "The query was ended on request", ("elapsed",))
ENGINE_FAILED = ProblemType("engine-failed", HTTPStatus.INTERNAL_SERVER_ERROR, "The query could not be evaluated")
STORAGE_FULL = ProblemType("storage-full", HTTPStatus.INSUFFICIENT_STORAGE, "There is no room for this on the disk")
PRECONDITION = ProblemType(
    "precondition-failed", HTTPStatus.PRECONDITION_FAILED, "The graph is not the one that you know"
)
UPSTREAM = ProblemType("upstream", HTTPStatus.BAD_GATEWAY, "Another service failed")
INTERNAL = ProblemType("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "The server has a fault")

_TABLE: dict[type[BaseException], ProblemType] = {
    errors.UsageError: BAD_REQUEST,
    errors.QuerySyntaxError: SYNTAX,
    errors.NotAcceptable: NOT_ACCEPTABLE,
    errors.UnsupportedMedia: UNSUPPORTED,
    errors.MethodNotAllowed: NOT_ALLOWED,
    errors.TooLarge: TOO_LARGE,
    errors.WrongGraph: WRONG_GRAPH,
    errors.BadData: BAD_DATA,
    errors.NotFound: NOT_FOUND,
    errors.Gone: GONE,
    errors.Unauthorized: UNAUTHORIZED,
    errors.Forbidden: FORBIDDEN,
    errors.Violations: VIOLATIONS,
    errors.Conflict: CONFLICT,
    errors.Busy: BUSY,
    errors.EngineFailed: ENGINE_FAILED,
    errors.StorageFull: STORAGE_FULL,
    errors.PreconditionFailed: PRECONDITION,
    errors.Upstream: UPSTREAM,
}
_LIMITS = {"time": TIME_LIMIT, "memory": MEMORY_LIMIT, "size": SIZE_LIMIT, "cancelled": CANCELLED}

PROBLEM_TYPES: tuple[ProblemType, ...] = tuple(dict.fromkeys((*_TABLE.values(), *_LIMITS.values(), TOO_MANY, INTERNAL)))


def type_iri(type_: ProblemType, base: str = BASE) -> str:
    """The IRI of a kind of problem, which dereferences to its description."""
    return f"{base}problems/{type_.slug}"


def problem_of(error: BaseException) -> Problem:
    """The error as a problem; of one that is not in our tree nothing is told."""
    type_ = _type_of(error)
    if type_ is INTERNAL:
        return Problem(INTERNAL, "an unexpected fault; it was written to the server's log")
    members = {name: getattr(error, name, None) for name in type_.members}
    shown = {name: _plain(value) for name, value in members.items() if value not in (None, "", ())}
    return Problem(type_, str(error), shown, tuple(_headers(error)))


def as_json(problem: Problem, base: str = BASE) -> bytes:
    """The body as application/problem+json."""
    body = {
        "type": type_iri(problem.type, base),
        "title": problem.type.title,
        "status": problem.type.status.value,
        "detail": problem.detail,
        **problem.members,
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def as_html(problem: Problem, base: str = BASE) -> bytes:
    """The body as a page that needs nothing else."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(', '.join(map(str, _listed(value))))}</dd>"
        for name, value in problem.members.items()
    )
    title, iri = escape(problem.type.title), escape(type_iri(problem.type, base))
    return _PAGE.format(
        title=title, status=problem.type.status.value, detail=escape(problem.detail), rows=rows, iri=iri
    ).encode("utf-8", "replace")


def _type_of(error: BaseException) -> ProblemType:
    if isinstance(error, errors.LimitReached):
        return _LIMITS.get(error.kind, TIME_LIMIT)
    if isinstance(error, errors.Busy) and error.yours:
        return TOO_MANY
    return next((_TABLE[class_] for class_ in type(error).__mro__ if class_ in _TABLE), INTERNAL)


def _headers(error: BaseException) -> Iterator[tuple[str, str]]:
    for class_, headers in _HEADERS.items():
        if isinstance(error, class_):
            yield headers(error)


_HEADERS: dict[type[BaseException], Callable[[Any], tuple[str, str]]] = {
    errors.Busy: lambda error: ("Retry-After", str(error.retry_after)),
    errors.LimitReached: lambda _: ("Retry-After", str(_RETRY_AFTER_LIMIT)),
    errors.MethodNotAllowed: lambda error: ("Allow", ", ".join(error.allowed)),
    errors.UnsupportedMedia: lambda error: ("Accept-Post", ", ".join(error.accepted)),
    errors.Unauthorized: lambda _: ("WWW-Authenticate", 'Bearer realm="citygraph"'),
}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return list(value) if isinstance(value, tuple) else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1.1rem/1.5 Georgia, serif; max-width: 38rem; margin: 4rem auto; padding: 0 1.2rem; }}
p {{ white-space: pre-wrap; overflow-wrap: anywhere; }}
dt {{ font-variant: small-caps; }} dd {{ margin: 0 0 .6rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{detail}</p>
<dl>{rows}</dl>
<p>{status} · <a href="{iri}">{iri}</a></p>
</body>
</html>
"""
