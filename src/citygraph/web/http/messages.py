"""A request and a reply as plain values, so light that a document costs more to look up than to send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


from citygraph.errors import NotFound
from citygraph.release.releases import Release

# Set by whoever handed a request on: the release that its address names.
RELEASE = "citygraph.release"

# Everything a page needs comes from this host; no script runs, and no style stands in a page. Blocks of JSON-LD are
# data, which a policy on scripts does not concern (HTML, 4.12.1.1: nothing but script types gets that far).
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_EXPOSED = (
    "Content-Language, Content-Location, Content-Profile, ETag, Last-Modified, Link, Location, Memento-Datetime, Vary"
)
# What every response has, errors too.
COMMON = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", _EXPOSED),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
)
# What is no page needs no policy for pages.
_PAGES_ONLY = ("Content-Security-Policy", "Cross-Origin-Opener-Policy", "Referrer-Policy")
PAGES_ONLY = tuple((name, value) for name, value in COMMON if name in _PAGES_ONLY)
_PLAIN = tuple((name, value) for name, value in COMMON if name not in _PAGES_ONLY)
PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Accept, Accept-Datetime, Accept-Language, Accept-Profile, If-Modified-Since, If-None-Match",
    ),
    ("Access-Control-Max-Age", "86400"),
)
METHODS = ("GET", "HEAD", "OPTIONS")


class Headers:
    """The headers of a request, by name."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._environ = environ

    def get(self, name: str, default: str = "") -> str:
        """The value of a header; several of the name are one list."""
        return str(self._environ.get("HTTP_" + name.upper().replace("-", "_"), default))


class Request:
    """What was asked. Parts of it are read when they are first needed."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method = str(environ["REQUEST_METHOD"])
        self.headers = Headers(environ)
        # WSGI decodes the percent signs once and passes the bytes as Latin-1 (PEP 3333).
        self.path = str(environ.get("PATH_INFO") or "/").encode("latin-1", "replace").decode("utf-8", "replace")

    @property
    def query(self) -> str:
        """What stands after the question mark, as it was sent."""
        return str(self.environ.get("QUERY_STRING", ""))

    @cached_property
    def args(self) -> dict[str, str]:
        """The parameters; of several with one name the first."""
        if not self.query:
            return {}
        pairs = parse_qsl(self.query, keep_blank_values=True, max_num_fields=None, errors="replace")
        return dict(reversed(pairs))

    @property
    def release(self) -> str:
        """The release that the address names, or nothing."""
        return str(self.environ.get(RELEASE, ""))


@dataclass
class Reply:
    """What is answered."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def send(self, method: str, start_response: StartResponse) -> Iterable[bytes]:
        """Answer by WSGI; a HEAD has the headers of a GET."""
        headers = [*self.headers, *(COMMON if self.header("Content-Type").startswith("text/html") else _PLAIN)]
        if method == "OPTIONS":
            headers.extend(PREFLIGHT)
        if self.status != HTTPStatus.NOT_MODIFIED:
            headers.append(("Content-Length", str(len(self.body))))
        start_response(_status_line(self.status), headers)
        return () if method == "HEAD" or not self.body else (self.body,)


def redirection(target: str, status: int) -> Reply:
    """The way to another address."""
    return Reply(status, [("Location", target), ("Cache-Control", "public, max-age=60")])


@lru_cache(256)
def http_date(moment: datetime) -> str:
    """A time as headers have it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def read_date(text: str) -> datetime | None:
    """The time in a header, or nothing if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache
def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def modified(release: Release) -> datetime:
    """When the release was made."""
    return _time(release.manifest.created) or datetime.fromtimestamp(release.path.stat().st_mtime, UTC).replace(
        microsecond=0
    )


def not_known(path: str) -> NotFound:
    """Nothing is said of what would stand at this address."""
    return NotFound(f"there is nothing at /{path} in this release")


@lru_cache(64)
def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
