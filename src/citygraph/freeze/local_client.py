"""The door to our own application: a request and its answer as plain values, by WSGI, in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


# What web/http/messages.py calls RELEASE: the release that is asked, whatever is published meanwhile. Its pages do not
# tell what day it is, so that they are the same whenever they are made.
_RELEASE = "citygraph.release"


@dataclass(frozen=True)
class Answer:
    """What was answered; `location` is where a redirection leads."""

    status: int
    location: str
    body: bytes


class Door:
    """Asks the application as it will be addressed at `site`, of one release."""

    def __init__(self, app: WSGIApplication, site: str, release: str) -> None:
        self._app = app
        self._parts = urlsplit(site)
        self._release = release

    def get(self, path: str, query: str = "", accept: str = "*/*") -> Answer:
        """The answer to a GET of a decoded path without a slash in front. Raises what the application raises."""
        said: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
            said.append((status, headers))
            return io.BytesIO().write

        parts = self._app(self._environ(path, query, accept), start)
        try:
            body = b"".join(parts)
        finally:
            _close(parts)
        status, headers = said[-1]
        location = next((value for name, value in headers if name.lower() == "location"), "")
        return Answer(int(status[:3]), location, body)

    def _environ(self, path: str, query: str, accept: str) -> WSGIEnvironment:
        secure = self._parts.scheme == "https"
        host = self._parts.hostname or "localhost"
        return {
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": self._parts.path.rstrip("/"),
            "PATH_INFO": ("/" + path).encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": host,
            "SERVER_PORT": str(self._parts.port or (443 if secure else 80)),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": self._parts.netloc or host,
            "HTTP_ACCEPT": accept,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            _RELEASE: self._release,
        }


def _close(parts: Iterable[bytes]) -> None:
    close = getattr(parts, "close", None)
    if close is not None:
        close()
