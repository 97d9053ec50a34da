"""The site of this machine for the tools, without a server: engines with their limits, pages in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from citygraph.client.web_exchange import Transport
from citygraph.engine.engines import Engines
from citygraph.engine.host import start_host
from citygraph.local_graph import LocalTransport
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app


@contextmanager
def own_site(settings: Settings) -> Iterator[Transport]:
    """Yields the transport to the releases of this machine; its queries run in engines that end with the block.

    Raises NotFound if there is no release, OSError if the engines do not start.
    """
    releases = Releases(settings.releases)
    current = releases.current_id()
    with start_host(settings) as host:
        own = host.settings.with_changes(writer_socket="")
        with Engines(own) as engines:
            engines.open(current)
            yield LocalTransport(create_app(own, releases, engines).wsgi_app, settings.base.rstrip("/"))
