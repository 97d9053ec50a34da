"""The doctor's one door to the network: a request, its reply, and nothing followed on the way."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import IO
from urllib.parse import urljoin, urlsplit

from citygraph.errors import Upstream, UsageError

_SECONDS = 30
_MOST = 64 * 1024 * 1024  # bytes of an answer that are read
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*!-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\s\",;]+))?)*)")
_PARAMETER = re.compile(r";\s*([\w*!-]+)\s*(?:=\s*(?:\"([^\"]*)\"|([^\s\",;]+)))?")


@dataclass(frozen=True)
class Ask:
    """A request."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Link:
    """A typed link of a Link header or a linkset."""

    href: str
    rels: tuple[str, ...]
    parameters: dict[str, str]


@dataclass(frozen=True)
class Reply:
    """An answer: `url` is the address that gave it."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seen: tuple[str, ...] = field(default=())  # the addresses that redirected here

    def header(self, name: str) -> str:
        """The value of a header; several of one name as a list."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def links(self, rel: str = "") -> list[Link]:
        """The links of the Link headers, of one relation or of all."""
        found = read_links(self.header("Link"), self.url)
        return [link for link in found if not rel or rel in link.rels]


Fetch = Callable[[Ask], Reply]


def fetch(ask: Ask) -> Reply:
    """Ask over the network, without following a redirection.

    Raises Upstream if nothing answers, UsageError if the address is not of the web.
    """
    if urlsplit(ask.url).scheme not in ("http", "https"):
        raise UsageError(f"{ask.url} is no address of the web")
    request = urllib.request.Request(ask.url, method=ask.method, headers=dict(ask.headers))  # noqa: S310 - checked above
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=_SECONDS) as response:
            return Reply(ask.url, response.status, tuple(response.headers.items()), response.read(_MOST))
    except urllib.error.HTTPError as error:
        return Reply(ask.url, error.code, tuple(error.headers.items()), error.read(_MOST))
    except (OSError, ValueError) as error:
        raise Upstream(f"{ask.url} does not answer: {error}") from error


def read_links(header: str, url: str = "") -> list[Link]:
    """The links of a Link header or of an application/linkset body (RFC 8288, RFC 9264)."""
    found = []
    for href, rest in _LINK.findall(header):
        parameters = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        found.append(Link(urljoin(url, href), tuple(parameters.get("rel", "").split()), parameters))
    return found


class _Stay(urllib.request.HTTPRedirectHandler):
    """Leaves a redirection as it is."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """No new request."""
