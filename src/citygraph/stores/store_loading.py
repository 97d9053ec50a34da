"""Loading of a release into a store: survey, load in chunks, verify, switch, and remove the previous release.

A chunk is added in one step, and the statements of a graph have a fixed order, so that an interrupted load continues
after the last complete chunk of each graph. A store with its own bulk loader gets files; its graphs are verified and
switched to in the same way.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import cast

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, serialize

from citygraph.errors import UsageError
from citygraph.progress import Progress, Step
from citygraph.rdf.nquads import named_graphs
from citygraph.release.releases import Release
from citygraph.stores.bulk_files import (
    FILE_SIZE,
    BulkContent,
    BulkFiles,
    BulkRecord,
    read_canary,
    read_record,
)
from citygraph.stores.inspection import Inspection, canary_quads, changed_literals, inspect, require_text
from citygraph.stores.literal_classes import NEVER_LOADED, LiteralSurvey, class_of
from citygraph.stores.release_names import OF_BASE, PUBLIC_NAME, ReleaseNames
from citygraph.stores.store_service import StoreService
from citygraph.stores.store_state import GRACE, LoadedRelease, loaded_releases, mark_loaded, unmark

# Virtuoso's parser of updates takes less than 5,000 statements.
_INSERTED, _POSTED = 2000, 50_000
_REPORTED = 100_000


class LoadingStopped(Exception):
    """The load was interrupted; the next one continues from the same place."""


@dataclass(frozen=True)
class _Source:
    """A graph of the release and its name in the store."""

    name: str
    quads: Callable[[], Iterable[Quad]]


@dataclass(frozen=True)
class _Prepared:
    """The store's effect on a release's literals: the classes that it changes, and predicates by class."""

    inspection: Inspection
    changed: set[str]
    predicates: dict[str, list[str]]
    uniform: tuple[tuple[str, str], ...]
    samples: Mapping[str, Sequence[Literal]] = field(default_factory=dict)


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
        return self._switch(release.manifest.digest, lambda: self._load(release))

    def write(
        self, release: Release, folder: Path, file_size: int = FILE_SIZE, with_default: bool = True
    ) -> BulkRecord:
        """Writes the files of a release for the store's own bulk loader; the store is inspected, and has nothing yet.

        Raises what `load` raises, and UsageError if the folder has files.
        """
        files, store = BulkFiles(folder, file_size), release.open_store()
        graphs = named_graphs(store)
        content = BulkContent(
            release.id,
            release.manifest.digest,
            graphs,
            lambda: chain.from_iterable(_reader(store, graph)() for graph in graphs),
            _reader(store, None),
            lambda: store.quads_for_pattern(None, None, None, None),
        )
        return self.write_content(content, files, with_default)

    def write_content(self, content: BulkContent, files: BulkFiles, with_default: bool) -> BulkRecord:
        """Writes statements as the files of a release."""
        names = ReleaseNames(content.digest)
        prepared = self._prepare(content.surveyed())
        stored = {graph: NamedNode(names.graph(graph.value)) for graph in content.graphs}
        with self._progress.step("write") as step:
            entries = self._entries(names, content.graphs)
            kept = (quad for quad in content.named() if class_of(quad) not in prepared.changed)
            named = (Quad(q.subject, q.predicate, q.object, stored[cast("NamedNode", q.graph_name)]) for q in kept)
            graphs = [NamedNode(names.graph_list), *stored.values()]
            files.add_graphs(graphs, self._counted(chain(entries, named), step))
            default = (quad for quad in content.default() if class_of(quad) not in prepared.changed)
            files.add_default(names.default_graph, self._counted(default, step), with_default)
            files.add_canary(canary_quads(names.canary, prepared.samples, prepared.inspection.classes))
            step.result = f"{sum(files.counts.values()):,} statements in {len(files.counts)} graphs"
        left_out, predicates = tuple(sorted(prepared.changed)), prepared.predicates
        record = BulkRecord(
            content.digest, content.release, self._base, files.counts, left_out, predicates, prepared.uniform
        )
        files.finish(record)
        return record

    def adopt(self, folder: Path) -> LoadedRelease:
        """Verifies a release that the store's bulk loader has loaded, switches to it, and removes all others.

        Raises what `load` raises, and UsageError if the folder is of another instance.
        """
        record = read_record(folder)
        if record.base != self._base:
            raise UsageError(f"the files in {folder} are of {record.base}, and not of {self._base}")
        return self._switch(record.digest, lambda: self._adopt(record, folder))

    def _adopt(self, record: BulkRecord, folder: Path) -> LoadedRelease:
        self._verify(record.counts)
        inspection = self._inspect({})
        literals = {
            quad.subject.value: quad.object
            for quad in read_canary(folder)
            if isinstance(quad.object, Literal) and isinstance(quad.subject, NamedNode)
        }
        # A bulk loader may change what updates do not change. Queries of such predicates are answered by the release.
        changed = changed_literals(self._service, record.names.canary, literals)
        require_text(changed)
        classes = {*record.left_out, *(changed.keys() & record.predicates.keys())}
        prepared = _Prepared(inspection, classes, record.predicates, record.uniform)
        return self._complete(record.names, record.release, prepared)

    def _switch(self, digest: str, load: Callable[[], LoadedRelease]) -> LoadedRelease:
        """Loads a release unless the store has it, records that it is complete, and removes all others."""
        loaded = next((one for one in loaded_releases(self._service) if one.digest == digest), None)
        if loaded is None:
            loaded = load()
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
            for graph in (one.canary, one.default_graph, one.graph_list):
                # The list is the last, so that a removal that is broken off is repeated.
                self._service.update(f"DROP SILENT GRAPH <{graph}>")

    def _continue(self) -> None:
        """Raises LoadingStopped if the server ends."""
        if self._stopping.is_set():
            raise LoadingStopped("the server ends")

    def _load(self, release: Release) -> LoadedRelease:
        names = ReleaseNames(release.manifest.digest)
        store = release.open_store()
        prepared = self._prepare(store.quads_for_pattern(None, None, None, None))
        with self._progress.step("load") as step:
            total = 0
            counts = {}
            for source in self._sources(names, store):
                quads = (quad for quad in source.quads() if class_of(quad) not in prepared.changed)
                counts[source.name] = self._fill_graph(source.name, self._counted(quads, step, total))
                total += counts[source.name]
            step.result = f"{total:,} statements in {len(counts)} graphs"
        self._verify(counts)
        return self._complete(names, release.id, prepared)

    def _complete(self, names: ReleaseNames, release_id: str, prepared: _Prepared) -> LoadedRelease:
        """Returns the record of a release whose graphs were verified."""
        predicates = set[str]().union(*(prepared.predicates[name] for name in prepared.changed))
        return LoadedRelease(
            names.digest,
            release_id,
            self._base,
            prepared.inspection.row_limit,
            tuple(tuple(one) for one in prepared.inspection.constructs),
            tuple(sorted(predicates)),
            prepared.uniform,
        )

    def _prepare(self, quads: Iterable[Quad]) -> _Prepared:
        """Surveys the literals of a release, and inspects the store with them."""
        with self._progress.step("survey") as step:
            survey = LiteralSurvey()
            survey.add(self._counted(quads, step))
            step.result = f"{len(survey.predicates)} classes of literals"
        inspection = self._inspect(survey.samples)
        changed = {*inspection.classes, *NEVER_LOADED} & survey.predicates.keys()
        predicates = {name: sorted(of_class) for name, of_class in sorted(survey.predicates.items())}
        return _Prepared(inspection, changed, predicates, survey.uniform(), survey.samples)

    def _inspect(self, samples: Mapping[str, Sequence[Literal]]) -> Inspection:
        with self._progress.step("inspect") as step:
            # The caller may have inspected the store already, with literals of all kinds that the release has.
            inspection = self._inspection or inspect(self._service, samples)
            step.result = f"{len(inspection.deviations)} deviations of {inspection.product}"
        return inspection

    def _sources(self, names: ReleaseNames, store: Store) -> list[_Source]:
        graphs = named_graphs(store)
        entries = self._entries(names, graphs)
        sources = [_Source(names.graph_list, lambda: entries), _Source(names.default_graph, _reader(store, None))]
        return sources + [_Source(names.graph(graph.value), _reader(store, graph)) for graph in graphs]

    def _entries(self, names: ReleaseNames, graphs: Iterable[NamedNode]) -> list[Quad]:
        """Returns the statements that list the graphs of a release in the store."""
        own, predicate = NamedNode(names.graph_list), NamedNode(PUBLIC_NAME)
        entries = [Quad(NamedNode(names.prefix), NamedNode(OF_BASE), Literal(self._base), own)]
        return entries + [Quad(NamedNode(names.graph(graph.value)), predicate, graph, own) for graph in graphs]

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

    def _verify(self, counts: Mapping[str, int]) -> None:
        with self._progress.step("verify") as step:
            for graph, expected in counts.items():
                if (number := self._count(graph)) != expected:
                    raise UsageError(
                        f"the store has {number} statements in <{graph}> instead of {expected}: nothing was switched. "
                        f"Remove them (`citygraph store drop RELEASE`) and load again"
                    )
            step.result = f"{len(counts)} graphs"

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
