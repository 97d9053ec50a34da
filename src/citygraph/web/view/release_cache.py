"""The current release's store in memory: read once, then kept current by the patches of commits."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple

from citygraph.build.dataset import dataset_description
from citygraph.graph.document import DocumentWriter
from citygraph.graph.jsonld import Context, context_of
from citygraph.graph.labels import Labels
from citygraph.graph.vocabulary import Vocabulary
from citygraph.graph.withdrawals import Withdrawal, read_withdrawals
from citygraph.index.entities import EntityTable
from citygraph.matching.lookup import Lookup
from citygraph.rdf.nquads import apply_patch, patched_ancestors
from citygraph.rdf.terms import CG, CURATION_GRAPH, ONTOLOGY_GRAPH, RDF, SHAPES_GRAPH
from citygraph.release.releases import Release, Releases
from citygraph.web.http.messages import Request
from citygraph.web.view.findings import Findings, read_findings

log = logging.getLogger(__name__)

_LONGEST_CHAIN = 50  # commits, beyond which a release is read anew


class Holder(Protocol):
    """An open release that may have a copy of its store in memory to read from."""

    release: Release
    store: Store

    def read_from(self, store: Store) -> None:
        """Read from this store from now on: its own, or a copy."""
        ...


class StoreReplica:
    """At most one store in memory, of the release that was asked for last; what reads it is told apart by request."""

    def __init__(self) -> None:
        self._readers: set[object] = set()
        self._change = threading.Condition()
        self._wanted: Holder | None = None
        self._busy = False
        # What is in memory; only the thread at work touches it.
        self._kept: tuple[Holder, Store] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a request is answered: a store that it may be reading does not change meanwhile."""
        reader = object()
        with self._change:
            self._readers.add(reader)
        try:
            yield
        finally:
            with self._change:
                self._readers.discard(reader)
                self._change.notify_all()

    def request(self, holder: Holder) -> None:
        """Have this release's store in memory soon, behind the requests for it."""
        with self._change:
            self._wanted = holder
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._work, name="held", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._change:
                holder, self._wanted = self._wanted, None
                if holder is None:
                    self._busy = False
                    return
            try:
                self._hold(holder)
            except Exception:
                # It is read from the disk then, which is slower and no less right.
                log.exception("%s could not be read into memory", holder.release.id)
                self._kept = None

    def _hold(self, holder: Holder) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].read_from(kept[0].store)
            self._let_readers_end()
        way = _way(kept[0].release.path.name, holder.release.path) if kept is not None else None
        if kept is not None and way is not None:
            store = kept[1]
            for folder in way:
                apply_patch(folder, store)
        else:
            store = _in_memory(holder.store)
        holder.read_from(store)
        self._kept = holder, store

    def _let_readers_end(self) -> None:
        """Wait for the requests that began before now: one of them may hold the store."""
        with self._change:
            before = set(self._readers)
            self._change.wait_for(lambda: not before & self._readers)


def _way(held: str, wanted: Path) -> list[Path] | None:
    """The releases by whose patches one leads to the other; None if there are none."""
    way: list[Path] = []
    for folder, parent in islice(patched_ancestors(wanted), _LONGEST_CHAIN):
        way.insert(0, folder)
        if parent == held:
            return way
    return None


def _in_memory(store: Store) -> Store:
    """A copy, from which an entity is looked up several times faster than from the disk."""
    copy = Store()
    with tempfile.TemporaryFile(prefix="citygraph-") as file:
        store.dump(file, RdfFormat.N_QUADS)
        file.seek(0)
        copy.bulk_load(file, RdfFormat.N_QUADS, lenient=True)
    return copy


_MOST_CONCLUSIONS = 20_000
_MOST_SCANNED = 50_000


@dataclass(frozen=True)
class Conclusion:
    """Why the curator holds a triple to be true."""

    iri: str
    reasons: tuple[Literal, ...]
    evidence: tuple[str, ...]


class OpenRelease:
    """A release whose store is open for reading; what never changes in it is kept."""

    def __init__(self, release: Release, base: str) -> None:
        self.release = release
        self.base = base
        self.store: Store = release.open_store()
        # The same, or a copy in memory: its order of statements does not last.
        self.quick: Store = self.store
        self.labels = Labels(self.store, sourced=False)
        self.sourced_labels = Labels(self.store)
        # What graphs say, by graph: each subject with its class.
        self.graph_subjects: dict[str, list[tuple[str, str]]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        # What pages asked about the whole release, by the name of the query.
        self.query_results: dict[str, list[Mapping[str, NamedNode | Literal]]] = {}

    def read_from(self, store: Store) -> None:
        """Read from this store from now on: the release's own, or a copy."""
        self.labels, self.sourced_labels = Labels(store, sourced=False), Labels(store)
        self.quick = store

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The ontology."""
        return Vocabulary(self.store, ONTOLOGY_GRAPH)

    @cached_property
    def shapes(self) -> Vocabulary:
        """The shapes, as far as they have names."""
        return Vocabulary(self.store, SHAPES_GRAPH)

    @cached_property
    def context(self) -> Context:
        """The JSON-LD context."""
        return context_of(self.vocabulary, self.base)

    @cached_property
    def about_dataset(self) -> tuple[Triple, ...]:
        """The dataset as this release describes it, which of a large one costs a second to find."""
        return tuple(dataset_description(self.release, self.store))

    @cached_property
    def listing(self) -> EntityTable:
        """The entities as a list to filter, and their ties. Raises NotFound if the release has no index."""
        return EntityTable(self.release.path / "search.sqlite", self.store)

    @cached_property
    def withdrawals(self) -> dict[str, Withdrawal]:
        """What was published once and is no more."""
        return read_withdrawals(self.store)

    @cached_property
    def findings(self) -> Findings:
        """What the shapes found in it."""
        return read_findings(self.release.path)

    @cached_property
    def writer(self) -> DocumentWriter:
        """What writes the documents."""
        return DocumentWriter(self.context)

    @cached_property
    def conclusions(self) -> dict[tuple[str, str, str], Conclusion]:
        """The curator's conclusions, by the triple concluded."""
        conclusions = self.store.quads_for_pattern(None, RDF("type"), CG("Conclusion"), CURATION_GRAPH)
        found = {}
        for quad in islice(conclusions, _MOST_CONCLUSIONS):
            if isinstance(quad.subject, NamedNode):
                properties: dict[str, list[NamedNode | Literal]] = {}
                for part in self.store.quads_for_pattern(quad.subject, None, None, CURATION_GRAPH):
                    if isinstance(part.object, NamedNode | Literal):
                        properties.setdefault(part.predicate.value, []).append(part.object)
                found.update(_conclusion(quad.subject.value, properties))
        return found

    def parts(self, graph: str) -> tuple[str, ...]:
        """The hash nodes of a graph's own document, which no link need lead to."""
        known = self._parts.get(graph)
        if known is None:
            prefix = graph + "#"
            quads = self.store.quads_for_pattern(None, None, None, NamedNode(graph))
            subjects = (q.subject.value for q in islice(quads, _MOST_SCANNED) if isinstance(q.subject, NamedNode))
            known = self._parts[graph] = tuple(sorted({s for s in subjects if s.startswith(prefix)}))
        return known


class ReleaseCache:
    """Open releases, the most recently used last; a release that nobody asks for is closed again."""

    def __init__(self, releases: Releases, base: str, size: int = 4, held_quads: int = 0) -> None:
        """`held_quads` is the largest current release that is read into memory, behind the first requests for it."""
        self._releases = releases
        self._base = base
        self._size = size
        self._held_quads = held_quads
        self._held = StoreReplica()
        self._open: OrderedDict[str, OpenRelease] = OrderedDict()
        self._lock = threading.Lock()

    def reading(self) -> AbstractContextManager[None]:
        """While a request reads from releases of this shelf."""
        return self._held.reading()

    def current(self) -> OpenRelease:
        """The release that is served now. Raises NotFound if there is none."""
        return self.get(self._releases.current_id())

    def of_request(self, request: Request) -> OpenRelease:
        """Returns the release that the address names, or else the current one. Raises NotFound if there is none."""
        return self.get(request.release) if request.release else self.current()

    def get(self, release_id: str) -> OpenRelease:
        """The release of that name, opened at need. Raises NotFound."""
        with self._lock:
            found = self._open.get(release_id)
            if found is None:
                found = self._open[release_id] = OpenRelease(self._releases.get(release_id), self._base)
                is_small = found.release.manifest.quads <= self._held_quads
                if is_small and release_id == self._releases.current_id():
                    self._held.request(found)
            self._open.move_to_end(release_id)
            while len(self._open) > self._size:
                self._open.popitem(last=False)
            return found


def _conclusion(iri: str, properties: dict[str, list[NamedNode | Literal]]) -> dict[tuple[str, str, str], Conclusion]:
    reasons = tuple(r for r in properties.get(CG("reason").value, ()) if isinstance(r, Literal))
    evidence = tuple(e.value for e in properties.get(CG("evidence").value, ()))
    conclusion = Conclusion(iri, reasons, evidence)
    return {
        (subject.value, predicate.value, term.value): conclusion
        for subject in properties.get(RDF("subject").value, ())
        for predicate in properties.get(RDF("predicate").value, ())
        for term in properties.get(RDF("object").value, ())
    }


_HELD = 2  # by each thread; a file is opened again in no time


class Lookups:
    """Indexes by release, for the thread that asks."""

    def __init__(self) -> None:
        self._local = threading.local()

    def of(self, release: Release) -> Lookup:
        """The index of a release. Raises NotFound if it has none that can be read."""
        held: OrderedDict[str, Lookup] | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = OrderedDict()
        found = held.get(release.id)
        if found is None:
            found = held[release.id] = Lookup(release.path / "search.sqlite")
        held.move_to_end(release.id)
        while len(held) > _HELD:
            held.popitem(last=False)[1].close()
        return found
