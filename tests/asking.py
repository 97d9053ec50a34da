"""The doctor's door into an application in this very process: no socket is opened."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from citygraph.doctor import Fetch, HttpRequest, HttpResponse
from citygraph.errors import Upstream

HOST = "graph.example"
HOME = f"https://{HOST}/"


def asking(app: Flask) -> Fetch:
    """Asks the application whatever is asked at its host; nobody answers elsewhere."""
    client = app.test_client()

    def fetch(ask: HttpRequest) -> HttpResponse:
        parts = urlsplit(ask.url)
        if parts.hostname != HOST:
            raise Upstream(f"{ask.url} is not in this process")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        with client.open(path, method=ask.method, headers=dict(ask.headers), base_url=HOME) as response:
            return HttpResponse(ask.url, response.status_code, tuple(response.headers.items()), response.data)

    return fetch
