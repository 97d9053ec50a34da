"""citygraph: a knowledge graph of city diplomacy and the linked-data publisher that serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from citygraph.client import Graph

__version__ = "0.1.0"


def open(path: str | os.PathLike[str] | None = None, *, release: str = "", language: str = "en") -> Graph:  # noqa: A001
    """Returns a release on this machine, with the methods of `citygraph.client.Graph`, without a server.

    `path` is a folder of releases, whose current one is opened unless `release` names another, or the folder of one
    release; by default the one in the settings. `language` is that of labels. Raises NotInGraph if there is none.
    """
    # Everything of the server is imported here, so that the client needs none of it.
    from citygraph.local_graph import open_graph

    return open_graph(path, release, language)
