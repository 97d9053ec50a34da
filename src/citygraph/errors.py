"""The errors of citygraph as one tree; web/http/problems.py maps them to HTTP status codes.

CitygraphError
├── UsageError            the request is invalid
│   ├── QuerySyntaxError  the query does not parse; has line and column
│   ├── NotAcceptable     none of the accepted formats can be written
│   ├── UnsupportedMedia  the format of a body cannot be read
│   ├── MethodNotAllowed  the address does not support the method
│   ├── WrongGraph        an update of one graph that changes another
│   ├── AmbiguousName     several entities have the name; has them as candidates
│   ├── UnknownName       no entity has the name; has those of similar names
│   ├── NewerRelease      a release that only a later version can read
│   ├── RangeNotSatisfiable  no part of a file is in the requested ranges
│   └── TooLarge          text, body, depth or breadth over the limit
├── BadData               a file that cannot be read as RDF; has file, line and column
├── NotFound              no such entity, graph, query or release
│   └── Gone              withdrawn; has its replacements
├── Unauthorized · Forbidden
├── Violations            has a Report
├── EnginesDisagree       the two validation engines do; has both verdicts in its text
├── Conflict              another release was published, or a file owns the graph
├── Busy                  too many requests at once; has the time to wait
├── LimitReached          time or memory; has the limit and the time spent
├── EngineFailed          an engine process ended on its own
├── StoreUnavailable      the SPARQL store behind the publisher does not respond
└── Upstream              another service failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from citygraph.report import Report


class CitygraphError(Exception):
    """The root of the tree. Its text is a sentence for the person who caused the error."""


class UsageError(CitygraphError):
    """An invalid request."""


class QuerySyntaxError(UsageError):
    """A query or update that does not parse."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class NotAcceptable(UsageError):
    """None of the accepted formats can be written; `offered` lists the media types that can."""

    def __init__(self, message: str, offered: tuple[str, ...]) -> None:
        super().__init__(message)
        self.offered = offered


class UnsupportedMedia(UsageError):
    """A body in a format that cannot be read; `accepted` lists the media types that can."""

    def __init__(self, message: str, accepted: tuple[str, ...]) -> None:
        super().__init__(message)
        self.accepted = accepted


class MethodNotAllowed(UsageError):
    """An address that does not support the method; `allowed` lists the supported ones."""

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class AmbiguousName(UsageError):
    """A name that several entities have.

    `candidates` has the identifier, IRI and name of each; `parameter` is the one whose value it is.
    """

    def __init__(self, message: str, parameter: str = "", candidates: tuple[dict[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.candidates = candidates


class UnknownName(AmbiguousName):
    """A name that no entity has; the candidates have similar ones."""


class WrongGraph(UsageError):
    """An update that was sent to one graph and changes another."""


class NewerRelease(UsageError):
    """A release whose format only a later version of citygraph can read."""


class RangeNotSatisfiable(UsageError):
    """No part of a file is in the requested ranges; `size` is that of the file in bytes."""

    def __init__(self, message: str, size: int) -> None:
        super().__init__(message)
        self.size = size


class TooLarge(UsageError):
    """A text or body over a limit; `limit` is the setting's value."""

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit


class BadData(CitygraphError):
    """A file that cannot be read as RDF."""

    def __init__(self, message: str, file: str, line: int | None = None, column: int | None = None) -> None:
        where = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{where}: {message}")
        self.file = file
        self.line = line
        self.column = column


class NotFound(CitygraphError):
    """No such entity, graph, query or release.

    If an earlier release has the document, `memento` is the address of its last version, `timemap` that of the list of
    all versions, and `links` the value of the header Link.
    """

    memento = ""
    timemap = ""
    links = ""


class Gone(NotFound):
    """A withdrawn entity; `replaced_by` are the IRIs to use instead, `since` is the day."""

    def __init__(self, message: str, replaced_by: tuple[str, ...] = (), since: str = "") -> None:
        super().__init__(message)
        self.replaced_by = replaced_by
        self.since = since


class Unauthorized(CitygraphError):
    """No valid token."""


class Forbidden(CitygraphError):
    """An operation that is refused: `construct` names it, `allowed` lists accepted alternatives."""

    def __init__(self, message: str, construct: str = "", allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.construct = construct
        self.allowed = allowed


class Violations(CitygraphError):
    """Data that violates the shapes; `report` has the places and the remedies."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{len(report.violations)} violation(s) of the shapes")
        self.report = report


class EnginesDisagree(CitygraphError):
    """An internal error: the two validation engines differ on the same data. Its text has both verdicts."""


class Conflict(CitygraphError):
    """Another release was published in the meantime, or a file owns the graph."""


class Busy(CitygraphError):
    """Too many requests at once; `retry_after` is in seconds. `yours` if the limit is that of the client."""

    def __init__(self, message: str, retry_after: int = 1, yours: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.yours = yours


class LimitReached(CitygraphError):
    """A query over a limit: `kind` is "time", "memory", "size" or "cancelled"."""

    def __init__(self, message: str, kind: str, limit: float, elapsed: float) -> None:
        super().__init__(message)
        self.kind = kind
        self.limit = limit
        self.elapsed = elapsed


class EngineFailed(CitygraphError):
    """An engine process ended on its own, or the engine reported a failure in evaluation."""


class StoreUnavailable(CitygraphError):
    """The SPARQL store behind the publisher does not respond; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int = 10) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StorageFull(CitygraphError):
    """The disk is full; nothing was written."""


class PreconditionFailed(CitygraphError):
    """The present version does not meet If-Match, If-None-Match or If-Unmodified-Since."""


class Upstream(CitygraphError):
    """Another service failed."""
