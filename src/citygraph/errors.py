"""Everything that can go wrong, as one tree; what an error means over HTTP is said in web/http/problems.py.

CitygraphError
├── UsageError            the caller asked wrongly
│   ├── QuerySyntaxError  the query does not parse; knows line and column
│   ├── NotAcceptable     no format we make
│   ├── UnsupportedMedia  no format we read
│   ├── MethodNotAllowed  no such method here
│   ├── WrongGraph        an update of one graph that changes another
│   └── TooLarge          text, body, depth or breadth over the limit
├── BadData               a file that cannot be read as RDF; knows file, line and column
├── NotFound              no such entity, graph, query or release
│   └── Gone              withdrawn, with what replaced it
├── Unauthorized · Forbidden
├── Violations            carries a Report
├── Conflict              the release moved meanwhile, or a file owns the graph
├── Busy                  too many at once; knows when to come back
├── LimitReached          time or memory; knows the limit and what was spent
├── EngineFailed          an engine process ended on its own
└── Upstream              another service failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from citygraph.report import Report


class CitygraphError(Exception):
    """The root of the tree: `str()` of it is a sentence for the person who caused it."""


class UsageError(CitygraphError):
    """The caller asked wrongly."""


class QuerySyntaxError(UsageError):
    """A query or update that does not parse."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class NotAcceptable(UsageError):
    """None of the asked formats is one we make; `offered` lists the media types there are."""

    def __init__(self, message: str, offered: tuple[str, ...]) -> None:
        super().__init__(message)
        self.offered = offered


class UnsupportedMedia(UsageError):
    """A body in a format we do not read; `accepted` lists the media types we do."""

    def __init__(self, message: str, accepted: tuple[str, ...]) -> None:
        super().__init__(message)
        self.accepted = accepted


class MethodNotAllowed(UsageError):
    """The address exists, the method does not; `allowed` lists those that do."""

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.allowed = allowed


class WrongGraph(UsageError):
    """An update that was sent to one graph and changes another."""


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
    """No such entity, graph, query or release."""


class Gone(NotFound):
    """It was withdrawn; `replaced_by` are the IRIs to use instead, `since` is the day."""

    def __init__(self, message: str, replaced_by: tuple[str, ...] = (), since: str = "") -> None:
        super().__init__(message)
        self.replaced_by = replaced_by
        self.since = since


class Unauthorized(CitygraphError):
    """No valid token."""


class Forbidden(CitygraphError):
    """Refused whoever asks: `construct` names what is refused, `allowed` what would be taken."""

    def __init__(self, message: str, construct: str = "", allowed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.construct = construct
        self.allowed = allowed


class Violations(CitygraphError):
    """The data break their shapes; `report` says where and how to mend it."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{len(report.violations)} violation(s) of the shapes")
        self.report = report


class Conflict(CitygraphError):
    """The release moved meanwhile, or a file owns the graph."""


class Busy(CitygraphError):
    """Too many requests at once; `retry_after` is in seconds. `yours` when the client's own limit is met."""

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


class StorageFull(CitygraphError):
    """No room on the disk for what was to be written; nothing was."""


class PreconditionFailed(CitygraphError):
    """The graph is not what If-Match or If-None-Match says."""


class Upstream(CitygraphError):
    """Another service failed."""
