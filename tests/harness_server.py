"""A server for the conformance harness: /sparql over the N-Quads that were last posted to /load, and nothing else.

    python -m tests.harness_server PORT FOLDER host|direct|direct-disk|store

`host` evaluates in engine processes as `citygraph serve` does, anew for each load; `direct` in the web process, which
is quick enough for a load before every test; `direct-disk` does so with a store on disk; `store` has the SPARQL
store of the settings answer what it can, and loads each release into it. Settings come from the environment.
It takes its data from anybody who reaches it, on loopback: it is for tests alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from citygraph.engine.engines import Engines
from citygraph.engine.host import HostProcess, start_host
from citygraph.release.releases import Releases
from citygraph.server.web_processes import listeners, run
from citygraph.settings import read_settings
from citygraph.stores.inspection import Inspection, inspect
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_service import StoreService, addresses_of
from citygraph.web import create_app
from tests.inprocess import InProcess
from tests.world import publish

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class HarnessServer:
    """The endpoint, and a way to give it other data."""

    def __init__(self, folder: Path, engines: str) -> None:
        self.folder = folder
        self.disk = engines == "direct-disk"
        self.settings = read_settings().with_changes(releases=folder / "releases", time_limit=10.0, engines=2)
        self.direct = engines != "host"
        self.host: HostProcess | None = None
        self.inspection: Inspection | None = None
        # The host dies with the thread that starts it, which must not be one of those of the server.
        self.starter = ThreadPoolExecutor(1)
        self.endpoint = self.load(b"")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"] != "/load":
            return self.endpoint(environ, start_response)
        self.endpoint = self.load(environ["wsgi.input"].read())
        start_response("204 No Content", [])
        return ()

    def load(self, nquads: bytes) -> WSGIApplication:
        """An endpoint over these quads alone."""
        quads = list(parse(nquads, format=RdfFormat.N_QUADS))
        if self.settings.store:
            return self._load_store(quads)
        if self.direct:
            name = f"test-{time.monotonic_ns()}"
            store = InProcess(quads, name, self.folder / name if self.disk else None)
            return create_app(self.settings, store, store).wsgi_app
        publish([*quads, _marker()], self.settings.releases)
        if self.host is not None:
            self.host.close()
        self.host = self.starter.submit(start_host, self.settings).result()
        return create_app(self.settings, Releases(self.settings.releases), Engines(self.host.settings)).wsgi_app

    def _load_store(self, quads: list[Quad]) -> WSGIApplication:
        releases = Releases(self.settings.releases)
        release = publish(quads, releases.root, derived=False)
        service = StoreService(addresses_of(self.settings))
        self.inspection = self.inspection or inspect(service, matches=8)
        StoreLoader(service, self.settings.base, grace=0.0, inspection=self.inspection).load(release)
        return create_app(self.settings, releases, InProcess(quads, release.id)).wsgi_app


def _marker() -> Quad:
    """What makes every release another one, in a graph that no test asks."""
    now = NamedNode(f"urn:x-load:{time.monotonic_ns()}")
    return Quad(now, NamedNode("urn:x-load:is"), now, NamedNode("urn:x-load:graph"))


def main(port: int, folder: str, engines: str) -> None:
    """Serve until SIGTERM."""
    settings = read_settings().with_changes(port=port, workers=1, threads=8)
    run(listeners(settings), settings, HarnessServer(Path(folder), engines))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
