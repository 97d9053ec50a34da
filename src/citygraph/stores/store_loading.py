"""Loading of a release into a store: surveyed, loaded in chunks, verified, switched to; then the previous one removed.

A chunk is added in one step, and the statements of a graph have one order, so that a load that was broken off goes on
where it was: after the last whole chunk of each graph.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, serialize

from citygraph.errors import UsageError
from citygraph.progress import Progress, Step
from citygraph.rdf.nquads import named_graphs
from citygraph.release.releases import Release
from citygraph.stores.inspection import Inspection, inspect
from citygraph.stores.literal_classes import NEVER_LOADED, LiteralSurvey, class_of
from citygraph.stores.release_names import OF_BASE, PUBLIC_NAME, ReleaseNames
from citygraph.stores.store_service import StoreService
from citygraph.stores.store_state import GRACE, LoadedRelease, loaded_releases, mark_loaded, unmark

# Virtuoso's parser of updates takes less than 5,000 statements.
_INSERTED, _POSTED = 2000, 50_000
_REPORTED = 100_000


class LoadingStopped(Exception):
    """The loading was broken off; the next one goes on where it was."""


@dataclass(frozen=True)
class _Source:
    """A graph of the release and its name in the store."""

    name: str
    quads: Callable[[], Iterable[Quad]]


class StoreLoader:
    """Loads releases of the instance with a base into a store, one at a time."""

    def __init__(
        self,
        service: StoreService,
        base: str,
        progress: Progress | None = None,
        grace: float = GRACE,
        stopping: threading.Event | None = None,
        inspection: Inspection | None = None,
    ) -> None:
        self._service = service
        self._base = base
        self._progress = progress or Progress()
        self._grace = grace
        self._stopping = stopping or threading.Event()
        self._inspection = inspection
        self._size = _POSTED if service.addresses.graphs else _INSERTED

    def load(self, release: Release) -> LoadedRelease:
        """Loads a release unless the store has it, and removes all others of the instance from the store.

        Raises StoreUnavailable, QueryRefused, UsageError if the store cannot have it.
        """
        digest = release.manifest.digest
        loaded = next((one for one in loaded_releases(self._service) if one.digest == digest), None)
        if loaded is None:
            loaded = self._load(release)
            unmark(self._service, loaded.names)
            mark_loaded(self._service, loaded)
        self._remove_others(loaded)
        return loaded

    def remove(self, release: Release) -> None:
        """Removes a release from the store: its record, and GRACE seconds later its graphs."""
        self._remove([ReleaseNames(release.manifest.digest)])

    def _remove(self, names: Sequence[ReleaseNames]) -> None:
        marked = {one.names.prefix for one in loaded_releases(self._service)}
        for one in names:
            if one.prefix in marked:
                unmark(self._service, one)
        # Queries that began before may still read them.
        self._stopping.wait(self._grace)
        self._continue()
        for one in names:
            rows = self._service.rows(f"SELECT ?g {{ GRAPH <{one.graph_list}> {{ ?g <{PUBLIC_NAME}> ?public }} }}")
            for row in rows:
                self._service.update(f"DROP SILENT GRAPH <{row['g']['value']}>")
            for graph in (one.default_graph, one.graph_list):
                # The list is the last, so that a removal that is broken off is repeated.
                self._service.update(f"DROP SILENT GRAPH <{graph}>")

    def _continue(self) -> None:
        """Raises LoadingStopped if the server ends."""
        if self._stopping.is_set():
            raise LoadingStopped("the server ends")

    def _load(self, release: Release) -> LoadedRelease:
        names = ReleaseNames(release.manifest.digest)
        store = release.open_store()
        with self._progress.step("survey") as step:
            survey = LiteralSurvey()
            survey.add(self._counted(store.quads_for_pattern(None, None, None, None), step))
            step.result = f"{len(survey.predicates)} classes of literals"
        with self._progress.step("inspect") as step:
            # The caller may have inspected the store already, with literals of all kinds that the release has.
            inspection = self._inspection or inspect(self._service, survey.samples)
            step.result = f"{len(inspection.deviations)} deviations of {inspection.product}"
        changed = {*inspection.classes, *NEVER_LOADED} & survey.predicates.keys()
        counts = self._fill(names, store, changed)
        with self._progress.step("verify") as step:
            self._verify(counts)
            step.result = f"{len(counts)} graphs"
        predicates = set[str]().union(*(survey.predicates[name] for name in changed))
        constructs = tuple(tuple(one) for one in inspection.constructs)
        return LoadedRelease(
            names.digest,
            release.id,
            self._base,
            inspection.row_limit,
            constructs,
            tuple(sorted(predicates)),
            survey.uniform(),
        )

    def _fill(self, names: ReleaseNames, store: Store, changed: set[str]) -> dict[str, int]:
        """Loads all graphs, and returns how many statements each has in the store."""
        graphs = named_graphs(store)
        public, predicate = [names.graph(graph.value) for graph in graphs], NamedNode(PUBLIC_NAME)
        entries = [Quad(NamedNode(names.prefix), NamedNode(OF_BASE), Literal(self._base))]
        entries += [Quad(NamedNode(name), predicate, graph) for name, graph in zip(public, graphs, strict=True)]
        sources = [_Source(names.graph_list, lambda: entries), _Source(names.default_graph, _reader(store, None))]
        sources += [_Source(name, _reader(store, graph)) for name, graph in zip(public, graphs, strict=True)]
        with self._progress.step("load") as step:
            total = 0
            counts = {}
            for source in sources:
                quads = (quad for quad in source.quads() if class_of(quad) not in changed)
                counts[source.name] = self._fill_graph(source.name, self._counted(quads, step, total))
                total += counts[source.name]
            step.result = f"{total:,} statements in {len(sources)} graphs"
        return counts

    def _fill_graph(self, graph: str, quads: Iterable[Quad]) -> int:
        remaining = iter(quads)
        # All but the last chunk are whole, so that the next to be added begins at a multiple of their size.
        present = self._count(graph) // self._size * self._size
        number = sum(1 for _ in islice(remaining, present))
        while chunk := list(islice(remaining, self._size)):
            self._continue()
            out = io.BytesIO()
            serialize((Triple(quad.subject, quad.predicate, quad.object) for quad in chunk), out, RdfFormat.N_TRIPLES)
            self._service.add(graph, out.getvalue())
            number += len(chunk)
        return number

    def _count(self, graph: str) -> int:
        rows = self._service.rows(f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
        return int(rows[0]["n"]["value"])

    def _verify(self, counts: dict[str, int]) -> None:
        for graph, expected in counts.items():
            if (number := self._count(graph)) != expected:
                raise UsageError(
                    f"the store has {number} statements in <{graph}> instead of {expected}: nothing was switched. "
                    f"Remove them (`citygraph store drop RELEASE`) and load again"
                )

    def _counted(self, quads: Iterable[Quad], step: Step, number: int = 0) -> Iterator[Quad]:
        for quad in quads:
            number += 1
            if not number % _REPORTED:
                step.result = f"{number:,} statements"
                self._progress.moved(step)
            yield quad

    def _remove_others(self, loaded: LoadedRelease) -> None:
        """Removes all other releases of the instance, also those whose load or removal was broken off."""
        rows = self._service.rows(f"SELECT ?s ?base {{ GRAPH ?list {{ ?s <{OF_BASE}> ?base }} }}")
        prefixes = {row["s"]["value"] for row in rows if row["base"]["value"] == self._base}
        others = [ReleaseNames.of_prefix(prefix) for prefix in sorted(prefixes - {loaded.names.prefix})]
        if others:
            with self._progress.step("drop") as step:
                self._remove(others)
                step.result = f"{len(others)} earlier"


def _reader(store: Store, graph: NamedNode | None) -> Callable[[], Iterable[Quad]]:
    return lambda: store.quads_for_pattern(None, None, None, graph or DefaultGraph())
