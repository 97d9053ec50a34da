"""A release that is a store in memory or in a folder, with an engine in this very process: for tests around engines."""

from __future__ import annotations

import io
from pathlib import Path

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from citygraph.engine.engines import Answer
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query


class InProcess(Releases):
    """Both the releases and the engines of an endpoint; `asked` are the queries that came through, and whose."""

    def __init__(
        self, quads: list[Quad], name: str = "2026-01-01T000000Z-0123456789ab", folder: Path | None = None
    ) -> None:
        super().__init__(Path())
        self.store = Store(folder)
        self.store.extend(quads)
        self.asked: list[Query] = []
        self.clients: list[str] = []
        names = (graph for graph in self.store.named_graphs() if isinstance(graph, NamedNode))
        graphs = {graph.value: self._count(graph) for graph in names}
        triples = self._count(DefaultGraph())
        self.release = Release(Path(), Manifest(id=name, digest=name[-12:], graphs=graphs, triples=triples))

    def current_id(self) -> str:
        """Always the same."""
        return self.release.id

    def get(self, release_id: str) -> Release:
        """Always the same."""
        assert release_id == self.release.id
        return self.release

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """What the engines do, without any limit."""
        assert not federated
        self.clients.append(client)
        self.asked.append(query)
        out = io.BytesIO()
        result = evaluate(self.store, query)
        rows = result.write(out)
        return Answer(result.format, out.getvalue(), 0.001, rows, release_id)

    def _count(self, graph: NamedNode | DefaultGraph) -> int:
        return sum(1 for _ in self.store.quads_for_pattern(None, None, None, graph))


class EnginesWithPast(InProcess):
    """The engines of the current release in a folder; `get` opens its other releases too."""

    def __init__(self, root: Path) -> None:
        self._releases = Releases(root)
        current = self._releases.current()
        super().__init__(list(current.open_store()), current.id)

    def get(self, release_id: str) -> Release:
        """Returns a release of the folder."""
        return self._releases.get(release_id)
