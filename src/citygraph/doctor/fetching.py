"""HTTP access of the doctor: one request, one response, no redirection followed."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import IO
from urllib.parse import urljoin, urlsplit

from citygraph.errors import Upstream, UsageError

_SECONDS = 30
_MOST = 64 * 1024 * 1024  # bytes of a body that are read: a dump may be larger than memory
# RFC 8288, section 3: the target in angle brackets, then parameters as tokens or quoted strings.
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*!-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\",;]+))?)*)")
_PARAMETER = re.compile(r";\s*([\w*!-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s\",;]+)))?")


@dataclass(frozen=True)
class HttpRequest:
    """A request."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TypedLink:
    """A typed link from a Link header or a linkset."""

    href: str
    rels: tuple[str, ...]
    parameters: dict[str, str]


@dataclass(frozen=True)
class HttpResponse:
    """A response; `url` is the address that gave it."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def header(self, name: str) -> str:
        """Returns the value of a header; repeated headers are joined with commas."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8-sig", "replace")

    def links(self, rel: str = "") -> list[TypedLink]:
        """Returns the links of the Link headers, optionally of one relation."""
        links = read_links(self.header("Link"), self.url)
        return [link for link in links if not rel or rel in link.rels]


Fetch = Callable[[HttpRequest], HttpResponse]


def fetch(ask: HttpRequest) -> HttpResponse:
    """Sends a request without following a redirection.

    Raises Upstream if the server does not respond, UsageError if the address is not http or https.
    """
    # urllib would also open file: and ftp: URLs.
    if urlsplit(ask.url).scheme not in ("http", "https"):
        raise UsageError(f"{ask.url} is not an http or https address")
    request = urllib.request.Request(ask.url, method=ask.method, headers=dict(ask.headers))  # noqa: S310 - checked above
    # Each step of a redirection is evidence, so urllib must not follow it.
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            return HttpResponse(ask.url, response.status, tuple(response.headers.items()), response.read(_MOST))
    # urllib raises for redirections and errors; both are responses to examine.
    except urllib.error.HTTPError as error:
        return HttpResponse(ask.url, error.code, tuple(error.headers.items()), error.read(_MOST))
    except (OSError, ValueError) as error:
        raise Upstream(f"{ask.url} does not respond: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Returns the reason of the system, such as "Connection refused", without the wrapping of urllib."""
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or str(inner)


def read_links(header: str, url: str = "") -> list[TypedLink]:
    """Parses a Link header or an application/linkset body (RFC 8288, RFC 9264)."""
    links = []
    for href, rest in _LINK.findall(header):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        links.append(TypedLink(urljoin(url, href), tuple(parameters.get("rel", "").split()), parameters))
    return links


class _Stay(urllib.request.HTTPRedirectHandler):
    """A handler that does not follow redirections."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Makes no new request."""
