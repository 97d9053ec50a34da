"""What things are called: a label in the reader's language, or the next best."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.terms import DCTERMS, RDFS, SKOS

_READERS = ("en", "tr")
# The second and third are what concepts and documents of other vocabularies have instead.
LABEL_PROPERTIES = (RDFS("label"), SKOS("prefLabel"), DCTERMS("title"))


@dataclass(frozen=True, slots=True)
class Label:
    """A text and its language; the language is empty for a name made of the IRI."""

    text: str
    language: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Stated:
    """A label as it stands in the store: the property that gives it and the graphs that say so."""

    predicate: NamedNode
    literal: Literal
    sources: tuple[str, ...]


class Labels:
    """The labels in one store. A release never changes, so what was read once is remembered.

    With `sourced` each label knows who states it, which costs a lookup in every graph.
    """

    def __init__(self, store: Store, remembered: int = 50_000, sourced: bool = True) -> None:
        self._store = store
        self._remembered = remembered
        # Labels of data stand in the default graph too; those of the ontology do not.
        self._graphs: tuple[DefaultGraph | None, ...] = (None,) if sourced else (DefaultGraph(), None)
        self._known: dict[str, tuple[Stated, ...]] = {}
        self._for_readers: dict[str, tuple[Stated, ...]] = {}
        self._best: dict[tuple[str, str], Label] = {}

    def of(self, iri: str) -> tuple[Stated, ...]:
        """Every label of a thing, by language, from the first label property that it has."""
        known = self._known.get(iri)
        if known is None:
            if len(self._known) >= self._remembered:
                self._known.clear()
            known = self._known[iri] = self._read(NamedNode(iri))
        return known

    def for_readers(self, iri: str) -> tuple[Stated, ...]:
        """The labels in English and Turkish, or all where there is neither."""
        known = self._for_readers.get(iri)
        if known is None:
            if len(self._for_readers) >= self._remembered:
                self._for_readers.clear()
            stated = self.of(iri)
            known = self._for_readers[iri] = tuple([s for s in stated if s.literal.language in _READERS]) or stated
        return known

    def best(self, iri: str, language: str) -> Label:
        """The label for a reader of this language; `choose` says what comes first."""
        known = self._best.get((iri, language))
        if known is None:
            if len(self._best) >= self._remembered:
                self._best.clear()
            stated = self.of(iri)
            known = choose([s.literal for s in stated], language) or Label(last_segment(iri), "")
            self._best[iri, language] = known
        return known

    def _read(self, thing: NamedNode) -> tuple[Stated, ...]:
        for graph in self._graphs:
            for predicate in LABEL_PROPERTIES:
                found: dict[Literal, list[str]] = {}
                for quad in self._store.quads_for_pattern(thing, predicate, None, graph):
                    if isinstance(quad.object, Literal):
                        graphs = found.setdefault(quad.object, [])
                        if not isinstance(quad.graph_name, DefaultGraph):
                            graphs.append(str(getattr(quad.graph_name, "value", "")))
                if found:
                    stated = (Stated(predicate, literal, tuple(sorted(graphs))) for literal, graphs in found.items())
                    return tuple(sorted(stated, key=lambda s: (s.literal.language or "", s.literal.value)))
        return ()


def choose(literals: Iterable[Literal], language: str) -> Label | None:
    """The best of several labels: the asked language, English, the local one, any; None if there is none.

    A place has its labels in English, Turkish and its own language, so the first that is neither of the two is
    taken for the local one.
    """
    by_language: dict[str, str] = {}
    for literal in literals:
        by_language.setdefault(literal.language or "", literal.value)
    for wanted in (language, "en"):
        if wanted in by_language:
            return Label(by_language[wanted], wanted)
    local = sorted(tag for tag in by_language if tag not in ("", "tr"))
    for tag in (*local, "", "tr"):
        if tag in by_language:
            return Label(by_language[tag], tag)
    return None


def last_segment(iri: str) -> str:
    """What stands after the last # or / of an IRI: the name of what has no label."""
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2]
