"""Labels: the name of a thing in the reader's language, or the next best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from citygraph.instance import current_instance
from citygraph.rdf.terms import BASE, DCTERMS, RDFS, SKOS
from citygraph.text import ALL_LANGUAGES, best_tag, matches_language

# Concepts of other vocabularies have a skos:prefLabel instead, their documents a dcterms:title.
LABEL_PROPERTIES = (RDFS("label"), SKOS("prefLabel"), DCTERMS("title"))

_Value = NamedNode | BlankNode | Literal | Triple


class Label(NamedTuple):
    """A text and its language; the language is empty for a name derived from the IRI."""

    text: str
    language: str

    def __str__(self) -> str:
        return self.text


class StatedLabel(NamedTuple):
    """A label as the store has it, with the property that gives it and the graphs that state it."""

    predicate: NamedNode
    literal: Literal
    sources: tuple[str, ...]


class Labels:
    """A cached reader of the labels in one store, which is safe because a release never changes.

    With `sourced` each label has the graphs that state it, which costs a lookup in every graph.
    """

    def __init__(self, store: Store, remembered: int = 50_000, sourced: bool = True) -> None:
        self._store = store
        self._remembered = remembered
        # The default graph has each label of the data once, so that one lookup is enough; labels of the ontology are
        # in its named graph only.
        graphs: tuple[DefaultGraph | None, ...] = (None,) if sourced else (DefaultGraph(), None)
        self._lookups = tuple(product(graphs, LABEL_PROPERTIES))
        self._labels: dict[str, tuple[StatedLabel, ...]] = {}
        self._for_readers: dict[str, tuple[StatedLabel, ...]] = {}
        self._best: dict[tuple[str, str], Label] = {}

    def of(self, iri: str) -> tuple[StatedLabel, ...]:
        """Returns every label of a thing, by language, from the first label property that it has."""
        labels = self._labels.get(iri)
        return self._keep(iri, self._read(NamedNode(iri))) if labels is None else labels

    def learn(self, iri: str, literals: Mapping[str, Iterable[Literal]]) -> None:
        """Keeps the labels among the literals of a thing in the default graph, by property, so that they are not read
        again. They have no sources.
        """
        for predicate in LABEL_PROPERTIES:
            if stated := literals.get(predicate.value):
                self._keep(iri, _in_order(StatedLabel(predicate, literal, ()) for literal in stated))
                return

    def for_readers(self, iri: str) -> tuple[StatedLabel, ...]:
        """Returns the labels in the languages of the instance and their regional variants, or all if there are none."""
        labels = self._for_readers.get(iri)
        if labels is None:
            if len(self._for_readers) >= self._remembered:
                self._for_readers.clear()
            every = self.of(iri)
            languages = current_instance().languages
            read = [label for label in every if _is_in_one_of(label.literal.language or "", languages)]
            labels = self._for_readers[iri] = tuple(read) or every
        return labels

    def best(self, iri: str, language: str) -> Label:
        """Returns the label for a reader of this language, in the order of preference of `choose`."""
        label = self._best.get((iri, language))
        if label is None:
            if len(self._best) >= self._remembered:
                self._best.clear()
            label = choose([s.literal for s in self.of(iri)], language) or Label(_name_of(iri), "")
            self._best[iri, language] = label
        return label

    def _keep(self, iri: str, labels: tuple[StatedLabel, ...]) -> tuple[StatedLabel, ...]:
        if len(self._labels) >= self._remembered:
            self._labels.clear()
        self._labels[iri] = labels
        return labels

    def _read(self, thing: NamedNode) -> tuple[StatedLabel, ...]:
        # Most things of other sites have no statements at all, which one lookup shows.
        if not thing.value.startswith(BASE) and not self._has_statements(thing):
            return ()
        for graph, predicate in self._lookups:
            quads = self._store.quads_for_pattern(thing, predicate, None, graph)
            stated = _with_sources(quads) if graph is None else [(quad.object, ()) for quad in quads]
            if labels := [StatedLabel(predicate, text, graphs) for text, graphs in stated if isinstance(text, Literal)]:
                return _in_order(labels)
        return ()

    def _has_statements(self, thing: NamedNode) -> bool:
        return next(self._store.quads_for_pattern(thing, None, None, None), None) is not None


def _with_sources(quads: Iterable[Quad]) -> list[tuple[_Value, tuple[str, ...]]]:
    """Returns the values of quads, each once, with the graphs that state it."""
    sources: dict[_Value, list[str]] = {}
    for quad in quads:
        graphs = sources.setdefault(quad.object, [])
        if not isinstance(quad.graph_name, DefaultGraph):
            graphs.append(quad.graph_name.value)
    return [(value, tuple(sorted(graphs))) for value, graphs in sources.items()]


def _in_order(labels: Iterable[StatedLabel]) -> tuple[StatedLabel, ...]:
    return tuple(sorted(labels, key=lambda s: (s.literal.language or "", s.literal.value)))


def choose(literals: Iterable[Literal], language: str) -> Label | None:
    """Returns the best label: in the requested language, for all languages ("mul"), in the first language of the
    instance, in English, in the local language, in any; None without labels.

    A regional variant, such as en-GB, counts as its language.
    """
    by_language: dict[str, str] = {}
    for literal in literals:
        by_language.setdefault(literal.language or "", literal.value)
    # Most things have a label in the language itself.
    if language in by_language:
        return Label(by_language[language], language)
    tag = _best_tag(tuple(by_language), language, current_instance().languages)
    return None if tag is None else Label(by_language[tag], tag)


# Most things have labels in one of a few sets of languages, and a list needs thousands of labels.
@lru_cache(1024)
def _best_tag(tags: tuple[str, ...], language: str, languages: tuple[str, ...]) -> str | None:
    first, *further = languages
    # A place has labels in the languages of the instance and its own, so any other tag is taken for the local one.
    local = sorted(tag for tag in tags if tag and not any(matches_language(tag, one) for one in further))
    return best_tag(tags, language, ALL_LANGUAGES, first, "en", *local, "", *further)


def is_in(text: Literal, language: str) -> bool:
    """Returns whether a text is in a language or one of its regional variants."""
    return matches_language(text.language or "", language)


@lru_cache(1024)
def _is_in_one_of(tag: str, languages: tuple[str, ...]) -> bool:
    return any(matches_language(tag, language) for language in languages)


def _name_of(iri: str) -> str:
    # The base is the home page: its last segment is no name.
    return iri if iri == BASE else last_segment(iri)


def last_segment(iri: str) -> str:
    """Returns the part of an IRI after its last # or /, the name of a thing without a label."""
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2]
