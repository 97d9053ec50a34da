"""The request type, the reply type, and the headers that every reply has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from citygraph.errors import NotFound
from citygraph.release.releases import Release
from citygraph.text import without_mark

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The key of the WSGI environment that holds the id of the release that the address names.
RELEASE = "citygraph.release"
# The key of the WSGI environment that holds the id by which logs name the request.
REQUEST_ID = "citygraph.request"

# The current release at the arrival of the request: the whole response is made from it.
CURRENT = "citygraph.current"
RELEASE_HEADER = "X-Citygraph-Release"

# The key of the WSGI environment that marks a request for which the event loop waits, so that it must be quick. It is
# False for a request that was tried this way before.
QUICK = "citygraph.quick"
# The key of the WSGI environment with the Outlet of a server that can send a body while it is made.
OUTLET = "citygraph.outlet"

# Values of Cache-Control. A release never changes, so an address that names one may be kept for ever.
FRESH = "public, max-age=60"
FOR_EVER = "public, max-age=31536000, immutable"
NO_STORE = "no-store"

# Pages load everything from this host, and no inline script runs. Blocks of JSON-LD are data, which a policy on
# scripts does not concern (HTML, 4.12.1.1: only script types are executed).
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
# The one place for CORS: any page may read every public address, with these headers of the reply.
_CORS = (
    ("Access-Control-Allow-Origin", "*"),
    (
        "Access-Control-Expose-Headers",
        "Accept-Query, Accept-Ranges, Content-Language, Content-Location, Content-Profile, Content-Range, ETag, "
        "Last-Modified, Link, Location, Memento-Datetime, Retry-After, Server-Timing, Vary, "
        "X-Citygraph-Compared-Dates, X-Citygraph-Release, X-Citygraph-Rows, X-Request-Id",
    ),
    ("X-Content-Type-Options", "nosniff"),
)
# A browser renders these types as documents, so they need the policies of documents.
_DOCUMENT_TYPES = ("text/html", "image/svg+xml")
_DOCUMENT_POLICIES = (
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)
_ALLOWED_HEADERS = (
    "Accept, Accept-Datetime, Accept-Language, Accept-Profile, Authorization, Cache-Control, Content-Encoding, "
    "Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, "
    "X-Citygraph-Query-Id, X-Request-Id, X-Requested-With"
)
# Of a representation that is compressed while it is sent, too: it may have other bytes.
_CODINGS = ("-gzip", "-br", "-zstd")
_IN_PIECES = "-pieces"
_CODING_SUFFIXES = ("", *_CODINGS, *(f"{coding}{_IN_PIECES}" for coding in _CODINGS))
_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_WITHOUT_BODY = (204, 304)
_COMPUTED_PARTS = frozenset({"scheme", "server", "root_path", "query_string", "headers", "remote_addr"})


class NeedsThread(BaseException):
    """Ends a request that takes too long for the event loop. It has no effects yet and restarts in a thread."""


class _NoParameters(ImmutableMultiDict[str, str]):
    """The parameters of an address that has none."""

    def get(self, _: str, default: Any = None, *__: Any) -> Any:
        """Returns the default. Werkzeug would make an exception first, which takes longer."""
        return default


_NO_PARAMETERS = _NoParameters()


class Request(flask.Request):
    """A request. Werkzeug reads its parts when they are first needed, which keeps a point lookup cheap."""

    def __init__(self, environ: WSGIEnvironment, shallow: bool = False) -> None:
        # Unlike in Werkzeug, the environment does not contain the request: a cycle would be left to the collector.
        self.environ = environ
        self.shallow = shallow
        self.method = environ.get("REQUEST_METHOD", "GET").upper()
        self.route = ""  # the address of its route as a template, once it is found
        path: str = environ.get("PATH_INFO") or ""
        # WSGI has a character for each byte (PEP 3333).
        self.path = "/" + (path if path.isascii() else path.encode("latin-1").decode(errors="replace")).lstrip("/")

    def __getattr__(self, name: str) -> Any:
        # Called only for missing attributes: with the first of these parts, Werkzeug computes all.
        if name not in _COMPUTED_PARTS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        super().__init__(self.environ, populate_request=False, shallow=self.shallow)
        return self.__dict__[name]

    @cached_property
    def args(self) -> ImmutableMultiDict[str, str]:
        """The parameters of the address, without byte order marks in front."""
        # Most addresses have none, and Werkzeug takes as long for none as for a few.
        return _unmarked(super().args) if self.query else _NO_PARAMETERS

    @cached_property
    def form(self) -> ImmutableMultiDict[str, str]:
        """The parameters of a form, without byte order marks in front."""
        return _unmarked(super().form)

    @property
    def query(self) -> str:
        """The query string as it was sent, still percent-encoded."""
        return str(self.environ.get("QUERY_STRING", ""))

    @property
    def id(self) -> str:
        """The id by which logs name the request."""
        return str(self.environ.get(REQUEST_ID, ""))

    @property
    def release(self) -> str:
        """The id of the release that the address names, or an empty string for the current one."""
        return str(self.environ.get(RELEASE, ""))

    @property
    def answering_release(self) -> str:
        """The id of the responding release: the one in the address, else the current one; "" for none."""
        return self.release or str(self.environ.get(CURRENT, ""))

    def header(self, name: str) -> str:
        """Returns the value of a header, or an empty string."""
        return str(self.environ.get(_environ_key(name), ""))


def _unmarked(parameters: MultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    return ImmutableMultiDict((name, without_mark(value)) for name, value in parameters.items(multi=True))


@dataclass
class Reply:
    """A response: status, headers, and a body that is whole or comes in pieces.

    `outcome` is for the log, if the status does not suffice.
    """

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""
    outcome: str = ""

    def header(self, name: str) -> str:
        """Returns the value of a header, or an empty string."""
        # Loops, because a generator takes three times as long, and every reply is searched.
        for key, value in self.headers:
            if key == name:
                return value
        lower = name.lower()
        for key, value in self.headers:
            if key.lower() == lower:
                return value
        return ""

    def set(self, name: str, value: str) -> None:
        """Replaces a header."""
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        self.headers.append((name, value))

    def append(self, name: str, value: str) -> None:
        """Adds a value to a header that is a list, such as Link or Vary."""
        lower = name.lower()
        for index, (key, before) in enumerate(self.headers):
            if key.lower() == lower:
                self.headers[index] = name, f"{before}, {value}" if before else value
                return
        self.headers.append((name, value))

    def whole_body(self) -> bytes:
        """Returns the body in one piece."""
        return self.body if isinstance(self.body, bytes) else b"".join(self.body)

    def sent_headers(self) -> list[tuple[str, str]]:
        """Returns all headers: those of the reply, CORS, the policies of a document, and the length of a whole body."""
        headers = [*self.headers, *_CORS]
        if self.header("Content-Type").startswith(_DOCUMENT_TYPES):
            present = {name.lower() for name, value in self.headers if value}
            headers.extend([one for one in _DOCUMENT_POLICIES if one[0].lower() not in present])
        if isinstance(self.body, bytes) and self.status not in _WITHOUT_BODY:
            headers.append(("Content-Length", str(len(self.body))))
        return headers

    def send(self, method: str, start_response: StartResponse) -> Iterable[bytes]:
        """Sends the reply by WSGI. A HEAD request gets the headers of a GET and no body (RFC 9110, 9.3.2)."""
        start_response(_status_line(self.status), self.sent_headers())
        if method == "HEAD":
            self.close()
            return ()
        # A tuple is whole, which the server takes at once.
        return (self.body,) if isinstance(self.body, bytes) else self.body

    def close(self) -> None:
        """Frees what a body in pieces occupies, if it is not sent."""
        close = getattr(self.body, "close", None)
        if close is not None:
            close()


@lru_cache(64)
def _environ_key(name: str) -> str:
    """Returns the WSGI key of a header (PEP 3333)."""
    return "HTTP_" + name.upper().replace("-", "_")


def preflight(methods: Iterable[str]) -> Reply:
    """Returns the reply to OPTIONS for an address with these methods (Fetch, 4.8)."""
    allowed = ", ".join(methods)
    headers = [
        ("Allow", allowed),
        ("Access-Control-Allow-Methods", allowed),
        ("Access-Control-Allow-Headers", _ALLOWED_HEADERS),
        ("Access-Control-Max-Age", "86400"),
        ("Cache-Control", "public, max-age=86400"),
    ]
    return Reply(HTTPStatus.NO_CONTENT, headers)


def entity_tags(header: str) -> list[str]:
    """Returns the opaque tags of If-None-Match or If-Match without quotes and weakness; a star stays a star."""
    return ["*"] if header.strip() == "*" else _TAG.findall(header)


def is_unmodified(request: Request, tag: str, changed: datetime | None = None) -> bool:
    """Returns whether the client has this representation (RFC 9110, 13.2.2).

    `tag` is the opaque tag without the content coding: a client may have the same bytes in any. If-Modified-Since
    counts only where there is no If-None-Match, and only for `changed`, the time of the last change.
    """
    if header := request.header("If-None-Match"):
        return header.strip() == "*" or has_tag(header, tag)
    since = request.header("If-Modified-Since")
    moment = read_date(since) if since and changed is not None else None
    return moment is not None and changed is not None and changed <= moment


def has_tag(header: str, tag: str) -> bool:
    """Returns whether If-None-Match names this tag in any content coding (RFC 9110, 13.1.2)."""
    # Most headers do not even contain our tag: the check spares the regular expression.
    return tag in header and any(_is_tag(one, tag) for one in entity_tags(header))


def has_strong_tag(header: str, quoted: str) -> bool:
    """Returns whether If-Match names this tag in quotes, and not as a weak one (RFC 9110, 13.1.1)."""
    return any(match[0] == quoted for match in _TAG.finditer(header))


def coded_tag(tag: str, coding: str | None, in_pieces: bool = False) -> str:
    """Returns an entity tag in quotes; a content coding makes another representation, with another tag."""
    return f'"{tag}-{coding}{_IN_PIECES if in_pieces else ""}"' if coding else f'"{tag}"'


def _is_tag(candidate: str, tag: str) -> bool:
    return candidate.startswith(tag) and candidate[len(tag) :] in _CODING_SUFFIXES


def redirection(target: str, status: int) -> Reply:
    """Returns a redirection that caches may keep for a minute."""
    return Reply(status, [("Location", target), ("Cache-Control", FRESH)])


@lru_cache(256)
def http_date(moment: datetime) -> str:
    """Returns a time in the format of HTTP headers (RFC 9110, 5.6.7)."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def read_date(text: str) -> datetime | None:
    """Returns the time in a header, or None if it is malformed."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache
def _status_line(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def modified(release: Release) -> datetime:
    """Returns when the release was published."""
    return _time(release.manifest.created) or datetime.fromtimestamp(release.path.stat().st_mtime, UTC).replace(
        microsecond=0
    )


def not_known(path: str) -> NotFound:
    """Returns the error for an address without a resource in this release."""
    return NotFound(f"there is nothing at /{path} in this release")


@lru_cache(64)
def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
