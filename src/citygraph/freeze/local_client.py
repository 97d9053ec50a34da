"""The in-process client of our own application: requests without sockets, responses as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.test import Client

from citygraph.web.http.messages import RELEASE

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class LocalResponse:
    """A response; `location` is the target of a redirection."""

    status: int
    location: str
    body: bytes


class LocalClient:
    """A client that requests one release of the application, as it will be addressed at `site`."""

    def __init__(self, app: WSGIApplication, site: str, release: str) -> None:
        self._client = Client(app, use_cookies=False)
        self._site = site
        # Pages of a named release do not show the current day, so that they are equal whenever they are made.
        self._environ = {RELEASE: release, "REMOTE_ADDR": "127.0.0.1"}

    def get(self, path: str, query: str = "", accept: str = "*/*") -> LocalResponse:
        """Returns the response to a GET of a decoded path without leading slash. Raises what the application raises."""
        response = self._client.get(
            # The client decodes the path, so that a percent sign in it must be encoded.
            quote(f"/{path}"),
            base_url=self._site,
            query_string=query,
            headers={"Accept": accept},
            environ_overrides=self._environ,
            buffered=True,
        )
        return LocalResponse(response.status_code, response.headers.get("Location", ""), response.get_data())
