"""Facts of things, for pages that show many of them: each thing is read once per release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from sys import intern

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.bounded_cache import BoundedCache
from citygraph.graph.labels import LABEL_PROPERTIES, Labels

Facts = Mapping[str, tuple[str, ...]]  # values, by property

_CAPACITY = 24 * 2**20
_DEFAULT = DefaultGraph()
_FACTS = (NamedNode, Literal)
_LABELS = frozenset(one.value for one in LABEL_PROPERTIES)
_OF_VALUE = 100  # bytes of a value beyond its text


class Things:
    """Reads things in the default graph, which has each statement once; the last read ones are kept, up to a size.

    A release never changes, so that what was read from its store on the disk also holds for its copy in memory. Pages
    mostly show a thing's name too: labels that are read with it are passed to `labels`.
    """

    def __init__(self, store: Store, labels: Labels, capacity: int = _CAPACITY) -> None:
        self.store = store
        self.labels = labels
        self._facts: BoundedCache[str, Facts] = BoundedCache(capacity // 2, _size)
        self._subjects: BoundedCache[tuple[str, str], tuple[str, ...]] = BoundedCache(capacity // 4, _size_of_iris)
        self._linking: BoundedCache[str, Facts] = BoundedCache(capacity // 4, _size)

    def facts(self, iri: str) -> Facts:
        """Returns the values of every property of a thing, sorted by their text. Blank nodes are left out."""
        facts = self._facts.get(iri)
        if facts is None:
            facts = self._learn_facts(iri, self.store.quads_for_pattern(NamedNode(iri), None, None, _DEFAULT))
        return facts

    def subjects(self, predicate: str, iri: str) -> tuple[str, ...]:
        """Returns the IRIs of the things that point at one with a property, sorted."""
        # Those with any property are mostly known; of a hub they are too many to be read for one.
        linking = self._linking.get(iri)
        if linking is not None:
            return linking.get(predicate, ())
        key = predicate, iri
        subjects = self._subjects.get(key)
        if subjects is None:
            quads = self.store.quads_for_pattern(None, NamedNode(predicate), NamedNode(iri), _DEFAULT)
            found = (quad.subject.value for quad in quads if isinstance(quad.subject, NamedNode))
            subjects = self._subjects.put(key, tuple(sorted(found)))
        return subjects

    def linking(self, iri: str) -> Facts:
        """Returns the IRIs of the things that point at one, by property, each sorted."""
        linking = self._linking.get(iri)
        if linking is None:
            linking = self._learn_links(iri, self.store.quads_for_pattern(None, None, NamedNode(iri), _DEFAULT))
        return linking

    def learn(self, subject: NamedNode | None, value: NamedNode | None, quads: Iterable[Quad]) -> None:
        """Keeps what all quads with a subject or a value say of a thing, so that it is not read again. Parts of
        documents are left out: nothing looks them up.
        """
        if subject is not None and "#" not in subject.value:
            self._learn_facts(subject.value, quads)
        elif value is not None and "#" not in value.value:
            self._learn_links(value.value, quads)

    def _learn_facts(self, iri: str, quads: Iterable[Quad]) -> Facts:
        read: dict[str, list[str]] = {}
        labels: dict[str, list[Literal]] = {}
        # Only the needed terms of a quad, because each is made when it is read.
        for quad in quads:
            if isinstance(quad.graph_name, DefaultGraph) and isinstance(value := quad.object, _FACTS):
                name = quad.predicate.value
                read.setdefault(name, []).append(value.value)
                if name in _LABELS and isinstance(value, Literal):
                    labels.setdefault(name, []).append(value)
        self.labels.learn(iri, labels)
        return self._facts.put(iri, _sorted(read))

    def _learn_links(self, iri: str, quads: Iterable[Quad]) -> Facts:
        read: dict[str, list[str]] = {}
        for quad in quads:
            if isinstance(quad.graph_name, DefaultGraph) and isinstance(subject := quad.subject, NamedNode):
                read.setdefault(quad.predicate.value, []).append(subject.value)
        return self._linking.put(iri, _sorted(read))


def selected(facts: Facts, properties: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Returns the values of some properties, without properties that have none."""
    return {name: facts[name] for name in properties if name in facts}


def _sorted(read: Mapping[str, list[str]]) -> Facts:
    # Property names repeat: each text is kept once. Most properties have one value.
    return {
        intern(name): tuple(values) if len(values) == 1 else tuple(sorted(set(values))) for name, values in read.items()
    }


def _size(facts: Facts) -> int:
    return sum(_OF_VALUE + _size_of_iris(values) for values in facts.values())


def _size_of_iris(iris: tuple[str, ...]) -> int:
    return sum(map(len, iris)) + _OF_VALUE * len(iris)
