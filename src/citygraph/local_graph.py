"""The site of this machine as a transport of the client: it runs in this process, without a server.

Its pages, formats and errors are those of a server. Queries of `open_graph` have no limits, because this process
evaluates them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from werkzeug.test import Client

from citygraph.client import Graph, NotInGraph
from citygraph.client.graph_errors import error_of
from citygraph.client.web_exchange import WebRequest, WebResponse
from citygraph.errors import NotFound
from citygraph.freeze.inprocess import InProcessEngine
from citygraph.release.releases import Releases
from citygraph.settings import read_settings
from citygraph.web import create_app
from citygraph.web.http.messages import RELEASE

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class LocalTransport:
    """A transport to an application in this process, whose requests are for `release` if one is given.

    `root` is used instead of a site's address, such as the address of a folder. Several threads may send.
    """

    def __init__(self, application: WSGIApplication, root: str, release: str = "") -> None:
        self._client = Client(application, use_cookies=False)
        self._environ = {"REMOTE_ADDR": "127.0.0.1", **({RELEASE: release} if release else {})}
        self.root = root

    def send(self, request: WebRequest) -> WebResponse:
        """Returns the response of the site. Raises GraphError."""
        form = {"query": request.query} if request.query else request.form
        response = self._client.open(
            f"/{quote(request.path)}",
            method="GET" if form is None else "POST",
            query_string=dict(request.parameters),
            data=form,
            headers={"Accept": request.accept},
            environ_overrides=self._environ,
            follow_redirects=True,
            buffered=True,
        )
        with response:
            body = response.get_data()
            url = self.root + urlsplit(response.request.url).path
            if response.status_code >= 400:
                raise error_of(response.status_code, body, url)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return WebResponse(response.status_code, headers, body, url)


def open_graph(path: str | os.PathLike[str] | None, release: str, language: str) -> Graph:
    """Returns the graph of a release; see `citygraph.open`. Raises NotInGraph if there is none."""
    folder = Path(path) if path is not None else read_settings().releases
    if not release and (folder / "manifest.json").is_file():
        folder, release = folder.parent, folder.name
    releases = Releases(folder)
    try:
        opened = releases.get(release or releases.current_id())
    except NotFound as error:
        raise NotInGraph(str(error)) from error
    settings = read_settings().with_changes(releases=folder, engine_socket="", writer_socket="")
    application = create_app(settings, releases, InProcessEngine(releases)).wsgi_app
    transport = LocalTransport(application, opened.path.resolve().as_uri(), opened.id)
    return Graph(transport.root, language=language, transport=transport)
