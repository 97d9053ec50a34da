"""The facts of entities for reconciliation, read in one pass for each property."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Protocol

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.rdf.partial_dates import chronological
from citygraph.rdf.terms import CG, ONTOLOGY_GRAPH, OWL, RDF, RDFS, SCHEMA

ENTITY = "/id/"  # in the IRI of every entity, whatever the base
_QID = re.compile(r"https?://www\.wikidata\.org/entity/(Q[1-9]\d*)")
_COUNTRY = CG("country")
# An entity without a country has that of its neighbour by one of these properties.
BY_WAY_OF = (CG("jurisdiction"), CG("homePlace"), CG("locatedIn"), CG("takesPlaceIn"))
_LATITUDE, _LONGITUDE = SCHEMA("latitude"), SCHEMA("longitude")
_SAME, HOLDER = OWL("sameAs"), CG("holder")
_START, _FOUNDED, _END, _UNTIL = CG("startDate"), CG("foundingDate"), CG("endDate"), CG("until")
_DATES = (_START, _END, _FOUNDED, CG("attestedOn"), CG("councilActDate"), CG("protocolDate"))
_WITHDRAWN = CG("WithdrawnIdentifier")
_VALUES = (NamedNode, Literal)

# A commit that changes none of these properties leaves the facts as they are.
READ = frozenset(
    {RDF("type"), RDFS("subClassOf"), _COUNTRY, *BY_WAY_OF, _LATITUDE, _LONGITUDE, _SAME, HOLDER, _UNTIL, *_DATES}
)


class QuadsByPredicate(Protocol):
    """The statements of a release by predicate, in any order. A statement may occur more than once."""

    def merged(self, predicate: NamedNode, value: NamedNode | None = None) -> Iterator[Quad]:
        """Yields the statements with a predicate, and a value if given, in the merge of the data graphs."""
        ...

    def in_graphs(self, predicate: NamedNode, part: str) -> Iterator[Quad]:
        """Yields the statements with a predicate in the named graphs whose IRI contains `part`."""
        ...


@dataclass(frozen=True)
class StoredQuads:
    """The statements of a store by predicate."""

    store: Store

    def merged(self, predicate: NamedNode, value: NamedNode | None = None) -> Iterator[Quad]:
        """Yields the statements with a predicate, and a value if given, in the default graph."""
        return self.store.quads_for_pattern(None, predicate, value, DefaultGraph())

    def in_graphs(self, predicate: NamedNode, part: str) -> Iterator[Quad]:
        """Yields the statements with a predicate in the named graphs whose IRI contains `part`."""
        for graph in self.store.named_graphs():
            if part in value_of(graph):
                yield from self.store.quads_for_pattern(None, predicate, None, graph)


@dataclass(slots=True)
class EntityFacts:
    """The facts of one entity. `first` and `last` are the ends of its time, empty if open or unknown."""

    types: frozenset[str] = frozenset()
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    first: str = ""
    latest: str = ""
    ongoing: bool = False
    qids: Sequence[str] = ()

    @property
    def last(self) -> str:
        """The latest date, or "" if the time is open."""
        return "" if self.ongoing else self.latest

    def extend(self, first: str, latest: str, ongoing: bool) -> None:
        """Extends the time of the entity to these dates."""
        # Most entities have one date.
        if self.first != first:
            self.first = min(filter(None, (self.first, first)), key=chronological, default="")
        if self.latest != latest:
            self.latest = max(filter(None, (self.latest, latest)), key=chronological, default="")
        self.ongoing = self.ongoing or ongoing


def read_facts(quads: QuadsByPredicate) -> dict[str, EntityFacts]:
    """Returns the facts of every entity that has a type of ours, by IRI."""
    facts = _typed(quads)
    _read_countries(quads, facts)
    _read_coordinates(quads, facts)
    _read_dates(quads, facts)
    for iri, items in wikidata_items(quads).items():
        if iri in facts:
            facts[iri].qids = items
    return facts


def wikidata_items(quads: QuadsByPredicate) -> dict[str, list[str]]:
    """Returns the items of Wikidata that are the same as an entity, sorted, by its IRI."""
    items: defaultdict[str, set[str]] = defaultdict(set)
    for iri, other in pairs(quads, _SAME):
        if match := _QID.fullmatch(other):
            items[iri].add(match[1])
    return {iri: sorted(qids) for iri, qids in items.items()}


def withdrawn(quads: QuadsByPredicate) -> set[str]:
    """Returns the withdrawn identifiers, whose addresses lead elsewhere or are gone: nothing lists them."""
    return {value_of(quad.subject) for quad in quads.merged(RDF("type"), _WITHDRAWN)}


def dates(quads: QuadsByPredicate, entities: Collection[str]) -> Iterator[tuple[str, str, str]]:
    """Yields entity, local name of a property, and date."""
    for predicate in _DATES:
        name = predicate.value.removeprefix(CG)
        yield from ((iri, name, date) for iri, date in pairs(quads, predicate) if iri in entities)


def _typed(quads: QuadsByPredicate) -> dict[str, EntityFacts]:
    """Returns the entities that have a type of ours, with all their types."""
    facts: dict[str, EntityFacts] = {}
    superclasses, gone = _superclasses(quads), withdrawn(quads)
    # Few sets of types serve all entities.
    shared: dict[frozenset[str], frozenset[str]] = {}
    for iri, class_ in pairs(quads, RDF("type")):
        if not class_.startswith(CG) or iri in gone:
            continue
        if class_ not in superclasses:
            superclasses[class_] = frozenset({class_.removeprefix(CG)})
        types, entity = superclasses[class_], facts.get(iri)
        if entity is None:
            facts[iri] = EntityFacts(types)
        elif not types <= entity.types:
            types |= entity.types
            entity.types = shared.setdefault(types, types)
    return facts


def _read_countries(quads: QuadsByPredicate, facts: dict[str, EntityFacts]) -> None:
    countries: dict[str, str] = {}
    for iri, entity in facts.items():
        if "Country" in entity.types:
            entity.country = countries.setdefault(iri, iri)
    for iri, text in pairs(quads, _COUNTRY):
        if iri in facts:
            country = countries.setdefault(text, text)
            # Where sources differ, the first by IRI, so that every build gives the same index.
            facts[iri].country = min(facts[iri].country or country, country)
    for predicate in BY_WAY_OF:
        _spread_countries(quads, predicate, facts)


def _spread_countries(quads: QuadsByPredicate, predicate: NamedNode, facts: dict[str, EntityFacts]) -> None:
    """Gives entities without a country that of their neighbour by a property, which may have it from its own one."""
    dependents: defaultdict[str, list[str]] = defaultdict(list)
    for iri, neighbour in pairs(quads, predicate):
        if neighbour in facts and iri in facts and not facts[iri].country:
            dependents[neighbour].append(iri)
    level = {neighbour for neighbour in dependents if facts[neighbour].country}
    while level:
        found: dict[str, str] = {}
        for neighbour in level:
            country = facts[neighbour].country
            for iri in dependents.pop(neighbour):
                # Of several nearest ones, the first by IRI.
                found[iri] = min(found.get(iri, country), country)
        found = {iri: country for iri, country in found.items() if not facts[iri].country}
        for iri, country in found.items():
            facts[iri].country = country
        level = found.keys() & dependents.keys()


def _read_coordinates(quads: QuadsByPredicate, facts: dict[str, EntityFacts]) -> None:
    for predicate, name in ((_LATITUDE, "latitude"), (_LONGITUDE, "longitude")):
        for iri, text in pairs(quads, predicate):
            if iri in facts:
                # Where sources differ, the least, so that a build and a commit give the same index.
                degrees = (getattr(facts[iri], name), _number(text))
                setattr(facts[iri], name, min((one for one in degrees if one is not None), default=None))


def _read_dates(quads: QuadsByPredicate, facts: dict[str, EntityFacts]) -> None:
    ended = {iri for predicate in (_END, _UNTIL) for iri, _ in pairs(quads, predicate)}
    for predicate in _DATES:
        for iri, date in pairs(quads, predicate):
            if entity := facts.get(iri):
                # A term without an end is taken to last; an organisation or a city exists on.
                in_office = predicate == _START and "Tenure" in entity.types and iri not in ended
                entity.extend(date, date, in_office or predicate == _FOUNDED)
    in_office_by_holder: dict[str, EntityFacts] = {}
    for iri, person in pairs(quads, HOLDER):
        if (tenure := facts.get(iri)) and person in facts:
            time = in_office_by_holder.setdefault(person, EntityFacts())
            time.extend(tenure.first, tenure.latest, tenure.ongoing)
    for person, time in in_office_by_holder.items():
        facts[person].extend(time.first, time.latest, time.ongoing)


def _superclasses(quads: QuadsByPredicate) -> dict[str, frozenset[str]]:
    """Returns the local names of each of our classes and its superclasses."""
    direct: defaultdict[str, set[str]] = defaultdict(set)
    for quad in quads.in_graphs(RDFS("subClassOf"), ONTOLOGY_GRAPH.value):
        class_ = value_of(quad.object) if quad.graph_name == ONTOLOGY_GRAPH else ""
        if class_.startswith(CG):
            direct[value_of(quad.subject)].add(class_)
    closure = {}
    for class_ in direct:
        visited, waiting = {class_}, [class_]
        while waiting:
            new = direct.get(waiting.pop(), set()) - visited
            visited |= new
            waiting.extend(new)
        closure[class_] = frozenset(name.removeprefix(CG) for name in visited)
    return closure


def pairs(quads: QuadsByPredicate, predicate: NamedNode) -> Iterator[tuple[str, str]]:
    """Yields entity and value of each statement with a property in the merge of all graphs."""
    for quad in quads.merged(predicate):
        subject, value = quad.subject, quad.object
        if isinstance(subject, NamedNode) and isinstance(value, _VALUES):
            iri, text = subject.value, value.value
            # An IRI with a fragment is a part of an entity's document, not an entity.
            if ENTITY in iri and "#" not in iri and text:
                yield iri, text


def value_of(term: object) -> str:
    """Returns the IRI or the text of a term; "" for other terms."""
    return term.value if isinstance(term, _VALUES) else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if isnan(number) else number  # which is neither less nor more than another
