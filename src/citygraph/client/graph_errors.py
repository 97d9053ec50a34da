"""The errors of the client.

GraphError
├── RequestRejected    the request is wrong: syntax, an unknown parameter, a format that the result does not have
├── NotInGraph         no such entity, stored query or release; or it was withdrawn
├── LimitExceeded      a limit of time, memory or size was reached, of the server or of this client
├── Unavailable        the server is busy, or cannot be reached, after all attempts
├── ServerFailure      the server failed on this request
└── IncompleteResult   the connection was cut, or the response is not whole
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# The names at the end of the IRI of a problem's type.
_LIMITS = frozenset({"time-limit", "memory-limit", "size-limit", "cancelled"})
_MISSING = frozenset({404, 410})
# Overload, and failures of a proxy: the same request may succeed later.
_TRANSIENT = frozenset({429, 502, 503, 504})
_LONGEST_TEXT = 500


class GraphError(Exception):
    """An error of a request; `status` is that of the response (0 without one), `problem` its problem document.

    `problem` has the members of RFC 9457, such as `detail`, and those of its type, such as `line` and `column`.
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem: dict[str, Any] = dict(problem or {})

    @property
    def kind(self) -> str:
        """The name of the problem's type, such as "syntax-error"; "" without one."""
        return str(self.problem.get("type", "")).rstrip("/").rpartition("/")[2]


class RequestRejected(GraphError):
    """A request that is wrong: sending it again is of no use."""


class NotInGraph(GraphError):
    """A thing that the site does not have, or has no longer."""


class LimitExceeded(GraphError):
    """A limit that was reached: `problem` has `limit` and `elapsed` in seconds or bytes."""


class Unavailable(GraphError):
    """A server that is busy or out of reach; `retry_after` is the wait that it asks for, in seconds."""

    retry_after = 0.0


class ServerFailure(GraphError):
    """A failure of the server on this request."""


class IncompleteResult(GraphError):
    """A response that ended before its end."""


def error_of(status: int, body: bytes, url: str, retry_after: float = 0.0) -> GraphError:
    """Returns the error for a response that is not a success."""
    problem = _problem(body)
    error = _class_of(status, problem)(_message(status, problem, body, url), status, problem)
    if isinstance(error, Unavailable):
        error.retry_after = retry_after
    return error


def _class_of(status: int, problem: Mapping[str, Any]) -> type[GraphError]:
    if GraphError("", status, problem).kind in _LIMITS:
        return LimitExceeded
    if status in _MISSING:
        return NotInGraph
    if status in _TRANSIENT:
        return Unavailable
    return ServerFailure if status >= 500 else RequestRejected


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _message(status: int, problem: Mapping[str, Any], body: bytes, url: str) -> str:
    """Returns the server's own text, with the place in the query."""
    if not problem:
        text = " ".join(body[: 4 * _LONGEST_TEXT].decode("utf-8", "replace").split())[:_LONGEST_TEXT]
        return f"HTTP {status} from {url}" + (f": {text}" if text else "")
    place = f" (line {problem['line']}, column {problem.get('column', 1)})" if problem.get("line") else ""
    title, detail = str(problem.get("title", f"HTTP {status}")), str(problem.get("detail", ""))
    return f"{title}{place}" + (f": {detail}" if detail else "")
