"""The releases that this process holds open, and what is read once of each."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from pyoxigraph import Literal, NamedNode, Store, Triple

from citygraph.jsonld import Context, context_of
from citygraph.labels import Labels
from citygraph.listing.read import Listing
from citygraph.products.dataset import dataset_description
from citygraph.release import Release, Releases
from citygraph.terms import CG, CURATION_GRAPH, ONTOLOGY_GRAPH, RDF, SHAPES_GRAPH
from citygraph.vocabulary import Vocabulary
from citygraph.web.answering.held import Held
from citygraph.web.documents.forms import Writer
from citygraph.web.pages.findings import Findings, read_findings
from citygraph.withdrawals import Withdrawal, read_withdrawals

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
        self.said: dict[str, list[tuple[str, str]]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        # What pages asked about the whole release, by the name of the query.
        self.asked: dict[str, list[Mapping[str, NamedNode | Literal]]] = {}

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
    def listing(self) -> Listing:
        """The entities as a list to filter, and their ties. Raises NotFound if the release has no index."""
        return Listing(self.release.path / "search.sqlite", self.store)

    @cached_property
    def withdrawals(self) -> dict[str, Withdrawal]:
        """What was published once and is no more."""
        return read_withdrawals(self.store)

    @cached_property
    def findings(self) -> Findings:
        """What the shapes found in it."""
        return read_findings(self.release.path)

    @cached_property
    def writer(self) -> Writer:
        """What writes the documents."""
        return Writer(self.context)

    @cached_property
    def conclusions(self) -> dict[tuple[str, str, str], Conclusion]:
        """The curator's conclusions, by the triple concluded."""
        conclusions = self.store.quads_for_pattern(None, RDF("type"), CG("Conclusion"), CURATION_GRAPH)
        found = {}
        for quad in islice(conclusions, _MOST_CONCLUSIONS):
            if isinstance(quad.subject, NamedNode):
                said: dict[str, list[NamedNode | Literal]] = {}
                for part in self.store.quads_for_pattern(quad.subject, None, None, CURATION_GRAPH):
                    if isinstance(part.object, NamedNode | Literal):
                        said.setdefault(part.predicate.value, []).append(part.object)
                found.update(_conclusion(quad.subject.value, said))
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


class Shelf:
    """Open releases, the most recently used last; a release that nobody asks for is closed again."""

    def __init__(self, releases: Releases, base: str, size: int = 4, held_quads: int = 0) -> None:
        """`held_quads` is the largest current release that is read into memory, behind the first requests for it."""
        self._releases = releases
        self._base = base
        self._size = size
        self._held_quads = held_quads
        self._held = Held()
        self._open: OrderedDict[str, OpenRelease] = OrderedDict()
        self._lock = threading.Lock()

    def reading(self) -> AbstractContextManager[None]:
        """While a request reads from releases of this shelf."""
        return self._held.reading()

    def current(self) -> OpenRelease:
        """The release that is served now. Raises NotFound if there is none."""
        return self.get(self._releases.current_id())

    def get(self, release_id: str) -> OpenRelease:
        """The release of that name, opened at need. Raises NotFound."""
        with self._lock:
            found = self._open.get(release_id)
            if found is None:
                found = self._open[release_id] = OpenRelease(self._releases.get(release_id), self._base)
                is_small = found.release.manifest.quads <= self._held_quads
                if is_small and release_id == self._releases.current_id():
                    self._held.want(found)
            self._open.move_to_end(release_id)
            while len(self._open) > self._size:
                self._open.popitem(last=False)
            return found


def _conclusion(iri: str, said: dict[str, list[NamedNode | Literal]]) -> dict[tuple[str, str, str], Conclusion]:
    reasons = tuple(r for r in said.get(CG("reason").value, ()) if isinstance(r, Literal))
    evidence = tuple(e.value for e in said.get(CG("evidence").value, ()))
    conclusion = Conclusion(iri, reasons, evidence)
    return {
        (subject.value, predicate.value, term.value): conclusion
        for subject in said.get(RDF("subject").value, ())
        for predicate in said.get(RDF("predicate").value, ())
        for term in said.get(RDF("object").value, ())
    }
