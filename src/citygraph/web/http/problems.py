"""Problem details (RFC 9457): one table from the classes of errors.py to status, type and title."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from citygraph import errors
from citygraph.rdf.terms import BASE

MEDIA_TYPE = "application/problem+json"
# Seconds after which a query that exceeded a limit may be sent again: earlier the result would be the same.
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
    """One error as a response describes it."""

    type: ProblemType
    detail: str
    members: dict[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()


_LIMITED = ("limit", "elapsed")
BAD_REQUEST = ProblemType("bad-request", HTTPStatus.BAD_REQUEST, "The request is invalid")
SYNTAX = ProblemType(
    "syntax-error", HTTPStatus.BAD_REQUEST, "The query or update has a syntax error", ("line", "column")
)
NOT_ACCEPTABLE = ProblemType(
    "not-acceptable", HTTPStatus.NOT_ACCEPTABLE, "None of the accepted formats is available", ("offered",)
)
UNSUPPORTED = ProblemType(
    "unsupported-media", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The media type of the body is not supported", ("accepted",)
)
NOT_ALLOWED = ProblemType(
    "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The address does not support this method", ("allowed",)
)
TOO_LARGE = ProblemType("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request exceeds a limit", ("limit",))
NO_RANGE = ProblemType(
    "range-not-satisfiable",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    "The file has no such part",
    ("size",),
)
BAD_DATA = ProblemType("bad-data", HTTPStatus.BAD_REQUEST, "The data cannot be read", ("file", "line", "column"))
_NAMED = ("parameter", "candidates")
AMBIGUOUS_NAME = ProblemType("ambiguous-name", HTTPStatus.BAD_REQUEST, "Several entities have this name", _NAMED)
UNKNOWN_NAME = ProblemType("unknown-name", HTTPStatus.BAD_REQUEST, "No entity has this name", _NAMED)
WRONG_GRAPH = ProblemType(
    "wrong-graph", HTTPStatus.UNPROCESSABLE_ENTITY, "The update changes a graph other than the one addressed"
)
_VERSIONS = ("memento", "timemap")
NOT_FOUND = ProblemType("not-found", HTTPStatus.NOT_FOUND, "Not found", _VERSIONS)
GONE = ProblemType("gone", HTTPStatus.GONE, "Withdrawn", ("since", "replaced_by", *_VERSIONS))
UNAUTHORIZED = ProblemType("unauthorized", HTTPStatus.UNAUTHORIZED, "A token is required")
FORBIDDEN = ProblemType("forbidden", HTTPStatus.FORBIDDEN, "Not permitted", ("construct", "allowed"))
VIOLATIONS = ProblemType("violations", HTTPStatus.UNPROCESSABLE_ENTITY, "The data violate their shapes")
ENGINES_DISAGREE = ProblemType(
    "engines-disagree", HTTPStatus.INTERNAL_SERVER_ERROR, "The two validation engines disagree"
)
CONFLICT = ProblemType(
    "conflict", HTTPStatus.CONFLICT, "The data have changed in the meantime, or are maintained elsewhere"
)
BUSY = ProblemType("busy", HTTPStatus.SERVICE_UNAVAILABLE, "The server is busy")
TOO_MANY = ProblemType("too-many-requests", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests")
TIME_LIMIT = ProblemType("time-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The time limit was exceeded", _LIMITED)
MEMORY_LIMIT = ProblemType("memory-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The memory limit was exceeded", _LIMITED)
SIZE_LIMIT = ProblemType("size-limit", HTTPStatus.SERVICE_UNAVAILABLE, "The result exceeded the size limit", _LIMITED)
CANCELLED = ProblemType("cancelled", HTTPStatus.SERVICE_UNAVAILABLE, "The query was cancelled", ("elapsed",))
ENGINE_FAILED = ProblemType("engine-failed", HTTPStatus.INTERNAL_SERVER_ERROR, "The request could not be completed")
STORE_UNAVAILABLE = ProblemType(
    "store-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The store of the SPARQL endpoint does not respond"
)
STORAGE_FULL = ProblemType("storage-full", HTTPStatus.INSUFFICIENT_STORAGE, "There is not enough disk space")
PRECONDITION = ProblemType(
    "precondition-failed", HTTPStatus.PRECONDITION_FAILED, "The content has changed since you read it"
)
UPSTREAM = ProblemType("upstream", HTTPStatus.BAD_GATEWAY, "Another service failed")
INTERNAL = ProblemType("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")

_TABLE: dict[type[BaseException], ProblemType] = {
    errors.UsageError: BAD_REQUEST,
    errors.QuerySyntaxError: SYNTAX,
    errors.NotAcceptable: NOT_ACCEPTABLE,
    errors.UnsupportedMedia: UNSUPPORTED,
    errors.MethodNotAllowed: NOT_ALLOWED,
    errors.TooLarge: TOO_LARGE,
    errors.NewerRelease: INTERNAL,
    errors.RangeNotSatisfiable: NO_RANGE,
    errors.AmbiguousName: AMBIGUOUS_NAME,
    errors.UnknownName: UNKNOWN_NAME,
    errors.WrongGraph: WRONG_GRAPH,
    errors.BadData: BAD_DATA,
    errors.NotFound: NOT_FOUND,
    errors.Gone: GONE,
    errors.Unauthorized: UNAUTHORIZED,
    errors.Forbidden: FORBIDDEN,
    errors.Violations: VIOLATIONS,
    errors.EnginesDisagree: ENGINES_DISAGREE,
    errors.Conflict: CONFLICT,
    errors.Busy: BUSY,
    errors.EngineFailed: ENGINE_FAILED,
    errors.StoreUnavailable: STORE_UNAVAILABLE,
    errors.StorageFull: STORAGE_FULL,
    errors.PreconditionFailed: PRECONDITION,
    errors.Upstream: UPSTREAM,
}
# The outcome in the log of a request that failed this way.
_OUTCOMES = {
    TIME_LIMIT: "timed out",
    MEMORY_LIMIT: "over memory",
    SIZE_LIMIT: "over size",
    CANCELLED: "cancelled",
    BUSY: "busy",
    TOO_MANY: "busy",
}
_LIMITS = {"time": TIME_LIMIT, "memory": MEMORY_LIMIT, "size": SIZE_LIMIT, "cancelled": CANCELLED}

PROBLEM_TYPES: tuple[ProblemType, ...] = tuple(dict.fromkeys((*_TABLE.values(), *_LIMITS.values(), TOO_MANY, INTERNAL)))


def type_iri(type_: ProblemType, base: str = BASE) -> str:
    """Returns the IRI of a kind of problem, which dereferences to its description."""
    return f"{base}problems/{type_.slug}"


def problem_of(error: BaseException) -> Problem:
    """Returns the error as a problem; an error outside the tree of errors.py is an internal one without details."""
    type_ = _type_of(error)
    # The text of an unexpected error may contain paths or data that are not public.
    if type_ is INTERNAL:
        return Problem(INTERNAL, "an unexpected error; it was written to the server's log")
    members = {name: getattr(error, name, None) for name in type_.members}
    present = {name: _plain(value) for name, value in members.items() if value not in (None, "", ())}
    return Problem(type_, str(error), present, tuple(_headers(error)))


def outcome_of_problem(type_: ProblemType) -> str:
    """Returns the outcome in the log of a request with such a problem; "" if the status suffices."""
    return _OUTCOMES.get(type_, "")


def as_json(problem: Problem, base: str = BASE, title: str = "", request_id: str = "") -> bytes:
    """Returns the body as application/problem+json; `title` is that of the type in the reader's language.

    `request_id` is the one in the log.
    """
    body = {
        "type": type_iri(problem.type, base),
        "title": title or problem.type.title,
        "status": problem.type.status.value,
        "detail": problem.detail,
        **problem.members,
        **({"request_id": request_id} if request_id else {}),
    }
    # The detail may quote a lone surrogate of the request, which UTF-8 cannot encode.
    return json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def _type_of(error: BaseException) -> ProblemType:
    if isinstance(error, errors.LimitReached):
        return _LIMITS.get(error.kind, TIME_LIMIT)
    if isinstance(error, errors.Busy) and error.yours:
        return TOO_MANY
    # The most specific class counts, as in an except clause.
    return next((_TABLE[class_] for class_ in type(error).__mro__ if class_ in _TABLE), INTERNAL)


def _headers(error: BaseException) -> Iterator[tuple[str, str]]:
    for class_, headers in _HEADERS.items():
        if isinstance(error, class_):
            name, value = headers(error)
            if value:
                yield name, value


_HEADERS: dict[type[BaseException], Callable[[Any], tuple[str, str]]] = {
    errors.Busy: lambda error: ("Retry-After", str(error.retry_after)),
    errors.StoreUnavailable: lambda error: ("Retry-After", str(error.retry_after)),
    errors.RangeNotSatisfiable: lambda error: ("Content-Range", f"bytes */{error.size}"),
    errors.LimitReached: lambda _: ("Retry-After", str(_RETRY_AFTER_LIMIT)),
    errors.NotFound: lambda error: ("Link", error.links),
    errors.MethodNotAllowed: lambda error: ("Allow", ", ".join(error.allowed)),
    errors.UnsupportedMedia: lambda error: ("Accept-Post", ", ".join(error.accepted)),
    errors.Unauthorized: lambda _: ("WWW-Authenticate", 'Bearer realm="citygraph"'),
}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return list(value) if isinstance(value, tuple) else value
