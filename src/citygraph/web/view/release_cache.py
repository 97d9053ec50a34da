"""Open releases, and an in-memory replica of the current one's store, which the patches of commits keep current."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple

from citygraph.bounded_cache import BoundedCache
from citygraph.build.dataset import dataset_description
from citygraph.graph.curation import Assessment, Conclusion, read_assessments, read_conclusions
from citygraph.graph.curation import Triple as CuratedTriple
from citygraph.graph.description import Description
from citygraph.graph.document import DocumentWriter
from citygraph.graph.examples import examples_in, home_place
from citygraph.graph.history import base_of
from citygraph.graph.jsonld import Context, context_of
from citygraph.graph.labels import Labels
from citygraph.graph.things import Things
from citygraph.graph.vocabulary import Vocabulary
from citygraph.graph.withdrawals import Withdrawal, read_withdrawals
from citygraph.index.entities import Entity, EntityTable
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import IndexedEntity
from citygraph.rdf.nquads import apply_patch, patched_ancestors
from citygraph.rdf.terms import ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.release.releases import Release, Releases
from citygraph.text import matches_language
from citygraph.web.http.messages import Request
from citygraph.web.view.findings import Findings, read_findings
from citygraph.web.view.values import Text

log = logging.getLogger(__name__)
Indexed = TypeVar("Indexed", Entity, IndexedEntity)

_MOST_READERS = 16  # languages and roots of addresses
_SHARED = 2**23  # bytes of parts that pages share
_DESCRIPTIONS = 24 * 2**20  # bytes of descriptions
_LONGEST_CHAIN = 50  # commits after which a release is read again
_MOST_SCANNED = 50_000  # statements of a graph
_MOST_LOOKUPS = 2  # open indexes of each thread; a file is opened again in no time


class Holder(Protocol):
    """An open release that can read from a replica of its store in memory."""

    release: Release
    store: Store

    def read_from(self, store: Store) -> None:
        """Reads from this store from now on: its own, or a replica."""
        ...


class StoreReplica:
    """Keeps an in-memory copy of the last requested store; tracks requests so that it never changes under them."""

    def __init__(self) -> None:
        self._readers: set[object] = set()
        self._change = threading.Condition()
        self._waiting = False  # whether the worker thread waits for readers to end
        self._requested: Holder | None = None
        self._busy = False
        # The replica and its release; only the worker thread touches it, so it needs no lock.
        self._replica: tuple[Holder, Store] | None = None

    def begin_reading(self, reader: object) -> None:
        """Adds a reader."""
        # Without the lock, because every request does it: each step is one operation of the interpreter.
        self._readers.add(reader)

    def end_reading(self, reader: object) -> None:
        """Removes a reader."""
        self._readers.discard(reader)
        if self._waiting:
            with self._change:
                self._change.notify_all()

    def request(self, holder: Holder) -> None:
        """Requests a replica of this release's store, made in a background thread."""
        with self._change:
            self._requested = holder
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._work, name="held", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._change:
                holder, self._requested = self._requested, None
                if holder is None:
                    self._busy = False
                    return
            try:
                self._hold(holder)
            except Exception:
                # Without the replica, the store on the disk serves: slower, but as correct.
                log.exception("%s could not be read into memory", holder.release.id)
                self._replica = None

    def _hold(self, holder: Holder) -> None:
        previous, self._replica = self._replica, None
        if previous is not None:
            previous[0].read_from(previous[0].store)
            self._let_readers_end()
        way = _patches_between(previous[0].release.path.name, holder.release.path) if previous is not None else None
        if previous is not None and way is not None:
            store = previous[1]
            for folder in way:
                apply_patch(folder, store)
        else:
            store = _in_memory(holder.store)
        holder.read_from(store)
        self._replica = holder, store

    def _let_readers_end(self) -> None:
        """Waits for the requests that have already begun, because one of them may read the replica."""
        with self._change:
            # First, so that each reader that is still there sees it when it ends.
            self._waiting = True
            before = set(self._readers)
            self._change.wait_for(lambda: not before & self._readers)
            self._waiting = False


class _Reading(AbstractContextManager[str]):
    """The mark of a running request. A class, because a generator would take twice as long."""

    __slots__ = ("_current", "_releases", "_replica", "_token")

    def __init__(self, replica: StoreReplica, releases: Releases, current: str) -> None:
        self._replica = replica
        self._releases = releases
        self._current = current

    def __enter__(self) -> str:
        name, self._token = self._releases.fix_current(self._current)
        self._replica.begin_reading(self)
        return name

    def __exit__(self, *_: object) -> None:
        self._replica.end_reading(self)
        self._releases.unfix_current(self._token)


def _patches_between(start: str, target: Path) -> list[Path] | None:
    """Returns the releases whose patches lead from one release to another; None if there is no such chain."""
    path: list[Path] = []
    for folder, parent in islice(patched_ancestors(target), _LONGEST_CHAIN):
        path.insert(0, folder)
        if parent == start:
            return path
    return None


def _in_memory(store: Store) -> Store:
    """Returns a copy in memory, which looks up an entity several times faster than the disk."""
    copy = Store()
    with tempfile.TemporaryFile(prefix="citygraph-") as file:
        store.dump(file, RdfFormat.N_QUADS)
        file.seek(0)
        copy.bulk_load(file, RdfFormat.N_QUADS, lenient=True)
    return copy


class PageNames(NamedTuple):
    """The links to things by IRI, and the names of properties with their place in a table."""

    links: dict[str, Text]
    properties: dict[str, tuple[tuple[int, str], Text]]


class OpenRelease:
    """A release whose store is open for reading; everything immutable in it is cached."""

    def __init__(self, release: Release, base: str) -> None:
        self.release = release
        self.base = base_of(release, base)
        self.is_wanted = False  # whether anything was read from it
        self.store: Store = release.open_store()
        # The store itself or a replica in memory, whose order of statements changes with each patch.
        self.quick: Store = self.store
        self.labels = Labels(self.store, sourced=False)
        self.sourced_labels = Labels(self.store)
        self.things = Things(self.store, self.labels)
        # Parts that many pages share, by their dependencies: the lines of sources.
        self.shared_parts: BoundedCache[Hashable, Any] = BoundedCache(_SHARED, lambda part: len(str(part)))
        # The last read descriptions, by what selects them: formats and languages share them.
        self.descriptions: BoundedCache[Hashable, Description] = BoundedCache(_DESCRIPTIONS, attrgetter("size"))
        # The subjects of each graph with their classes.
        self.graph_subjects: dict[str, list[tuple[str, str]]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        self._names: dict[tuple[str, str], PageNames] = {}
        # The languages in which pages of entities were made.
        self.shown_languages: set[str] = set()
        # Results of queries about the whole release, by the name of the query.
        self.query_results: dict[str, list[Mapping[str, NamedNode | Literal]]] = {}

    def names_in(self, language: str, root: str) -> PageNames:
        """Returns the names that pages in a language, at addresses below a root, have shown."""
        if len(self._names) >= _MOST_READERS:
            self._names.clear()
        return self._names.setdefault((language, root), PageNames({}, {}))

    def read_from(self, store: Store) -> None:
        """Reads from this store from now on: the release's own, or a replica."""
        self.labels, self.sourced_labels = Labels(store, sourced=False), Labels(store)
        self.things.store = self.quick = store
        self.things.labels = self.labels

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The ontology."""
        return Vocabulary(self.store, ONTOLOGY_GRAPH)

    @cached_property
    def shapes(self) -> Vocabulary:
        """The named shapes."""
        return Vocabulary(self.store, SHAPES_GRAPH)

    @cached_property
    def context(self) -> Context:
        """The JSON-LD context."""
        return context_of(self.vocabulary, self.base)

    @cached_property
    def about_dataset(self) -> tuple[Triple, ...]:
        """The description of the dataset in this release, which takes a second to compute for a large one."""
        return tuple(dataset_description(self.release, self.store))

    @cached_property
    def listing(self) -> EntityTable:
        """The table of entities and their ties. Raises NotFound if the release has no index."""
        return EntityTable(self.release.path / "search.sqlite", self.store)

    def in_language(self, entity: Indexed, language: str) -> Indexed:
        """Returns an entity of the index with its label in a language; the index has only those of two."""
        instance = current_instance()
        if any(matches_language(one, language) for one in (instance.languages[0], instance.second_language)):
            return entity
        return replace(entity, label=self.labels.best(entity.iri, language).text)

    @cached_property
    def withdrawals(self) -> dict[str, Withdrawal]:
        """The withdrawn entities."""
        return read_withdrawals(self.store)

    @cached_property
    def gone(self) -> frozenset[str]:
        """The entities whose address responds with 410: withdrawn and not merged, so that no page may link to them."""
        return frozenset(iri for iri, withdrawal in self.withdrawals.items() if not withdrawal.merged_into)

    @cached_property
    def home(self) -> str:
        """The IRI of the home place; "" without agreements."""
        return home_place(self.store, current_instance())

    @cached_property
    def examples(self) -> dict[str, str]:
        """The subjects of the example queries, by their placeholders in the texts."""
        return examples_in(self.store, current_instance())

    @cached_property
    def findings(self) -> Findings:
        """The validation findings."""
        return read_findings(self.release.path)

    @cached_property
    def writer(self) -> DocumentWriter:
        """The writer of documents."""
        return DocumentWriter(self.context)

    @property
    def is_read(self) -> bool:
        """Whether the parts of the release that every document needs have been read, by a page or for RDF."""
        return "withdrawals" in self.__dict__ and ("writer" in self.__dict__ or bool(self.shown_languages))

    @cached_property
    def conclusions(self) -> dict[CuratedTriple, Conclusion]:
        """The curator's conclusions, by the concluded triple."""
        return read_conclusions(self.store)

    @cached_property
    def assessments(self) -> dict[CuratedTriple, tuple[Assessment, ...]]:
        """The curator's assessments of statements, by the assessed triple."""
        return read_assessments(self.store)

    def parts(self, graph: str) -> tuple[str, ...]:
        """Returns the hash nodes of a graph's own document, which may have no incoming link."""
        if graph not in self.release.manifest.graphs:
            return ()  # an address may have any text, including an invalid IRI
        cached = self._parts.get(graph)
        if cached is None:
            quads = self.store.quads_for_pattern(None, None, None, NamedNode(graph))
            subjects = (q.subject.value for q in islice(quads, _MOST_SCANNED) if isinstance(q.subject, NamedNode))
            cached = self._parts[graph] = tuple(sorted({s for s in subjects if s.startswith(f"{graph}#")}))
        return cached


class ReleaseCache:
    """A cache of open releases, the most recently used last; unused releases are closed."""

    def __init__(self, releases: Releases, base: str, size: int = 4, held_quads: int = 0) -> None:
        """`held_quads` is the size limit of a current release that is replicated in memory, after its first request."""
        self._releases = releases
        self._base, self._size = base, size
        self._held_quads = held_quads
        self._replica = StoreReplica()
        self._open: OrderedDict[str, OpenRelease] = OrderedDict()
        self._lock = threading.Lock()
        self._opening = threading.Lock()  # which nobody needs for a release that is open

    def reading(self, current: str = "") -> AbstractContextManager[str]:
        """Marks a request as running, which sees one current release and no change of a store in memory.

        The value of the block is the name of that release, "" for none. Pass `current` if it has just been read.
        """
        return _Reading(self._replica, self._releases, current)

    def current(self) -> OpenRelease:
        """Returns the current release. Raises NotFound without one."""
        return self.get(self._releases.current_id())

    def of_request(self, request: Request) -> OpenRelease:
        """Returns the release that the address names, else the current one. Raises NotFound without one."""
        return self.get(request.release) if request.release else self.current()

    def get(self, release_id: str) -> OpenRelease:
        """Returns the release of that name, which is opened if needed, to read from. Raises NotFound."""
        opened = self._opened(release_id)
        if not opened.is_wanted:
            with self._lock:
                is_first, opened.is_wanted = not opened.is_wanted, True
            is_small = opened.release.manifest.quads <= self._held_quads
            if is_first and is_small and release_id == self._releases.current_id():
                self._replica.request(opened)
        return opened

    def has(self, release_id: str) -> bool:
        """Returns whether the release is open, so that `get` does not wait for it."""
        return release_id in self._open

    def is_read(self, release_id: str) -> bool:
        """Returns whether the release is open, and has what every document needs."""
        return (opened := self._open.get(release_id)) is not None and opened.is_read

    def check(self) -> Release:
        """Returns the current release, if its store can be opened; no replica is made of it. Raises NotFound."""
        return self._opened(self._releases.current_id()).release

    def _opened(self, release_id: str) -> OpenRelease:
        if opened := self._used(release_id):
            return opened
        with self._opening:
            opened = self._used(release_id) or OpenRelease(self._releases.get(release_id), self._base)
            with self._lock:
                self._open[release_id] = opened
                while len(self._open) > self._size:
                    self._open.popitem(last=False)
        return opened

    def _used(self, release_id: str) -> OpenRelease | None:
        """Returns an open release, which thereby becomes the most recently used, or None."""
        with self._lock:
            if opened := self._open.get(release_id):
                self._open.move_to_end(release_id)
            return opened


class Lookups:
    """Search indexes by release, separate for each thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def of(self, release: Release) -> Lookup:
        """Returns the index of a release. Raises NotFound if it has no readable index."""
        lookups: OrderedDict[str, Lookup] | None = getattr(self._local, "lookups", None)
        if lookups is None:
            lookups = self._local.lookups = OrderedDict()
        lookup = lookups.get(release.id)
        if lookup is None:
            lookup = lookups[release.id] = Lookup(release.path / "search.sqlite")
        lookups.move_to_end(release.id)
        while len(lookups) > _MOST_LOOKUPS:
            lookups.popitem(last=False)[1].close()
        return lookup
