"""A release on this machine as a graph of the client, without a server: the site answers in this process.

Its pages, formats and errors are those of a server. Queries have no limits, because this process evaluates them.
"""

from __future__ import annotations

import os
from pathlib import Path
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


class LocalTransport:
    """A transport to the site of one release in this process; `root` is the address of its folder."""

    def __init__(self, folder: Path, release: str) -> None:
        settings = read_settings().with_changes(releases=folder, engine_socket="", writer_socket="")
        releases = Releases(folder)
        self._release = releases.get(release or releases.current_id())
        self._client = Client(create_app(settings, releases, InProcessEngine(releases)).wsgi_app, use_cookies=False)
        self.root = self._release.path.resolve().as_uri()

    def send(self, request: WebRequest) -> WebResponse:
        """Returns the response of the site. Raises GraphError."""
        form = {"query": request.query} if request.query else request.form
        response = self._client.open(
            f"/{quote(request.path)}",
            method="GET" if form is None else "POST",
            query_string=dict(request.parameters),
            data=form,
            headers={"Accept": request.accept},
            environ_overrides={RELEASE: self._release.id, "REMOTE_ADDR": "127.0.0.1"},
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
    try:
        transport = LocalTransport(folder, release)
    except NotFound as error:
        raise NotInGraph(str(error)) from error
    return Graph(transport.root, language=language, transport=transport)
