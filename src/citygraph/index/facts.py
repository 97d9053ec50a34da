"""The facts of entities for reconciliation, read from a store in one pass for each property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

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

# A commit that changes none of these properties leaves the facts as they are.
READ = frozenset(
    {RDF("type"), RDFS("subClassOf"), _COUNTRY, *BY_WAY_OF, _LATITUDE, _LONGITUDE, _SAME, HOLDER, _UNTIL, *_DATES}
)


@dataclass(slots=True)
class EntityFacts:
    """The facts of one entity. `first` and `last` are the ends of its time, empty if open or unknown."""

    types: set[str] = field(default_factory=set)
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    dates: list[str] = field(default_factory=list)
    dated: list[tuple[str, str]] = field(default_factory=list)  # local name of a property, and date
    ongoing: bool = False
    qids: list[str] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The earliest date."""
        return min(self.dates, key=chronological, default="")

    @property
    def last(self) -> str:
        """The latest date, or "" if the time is open."""
        return "" if self.ongoing else max(self.dates, key=chronological, default="")


def read_facts(store: Store) -> dict[str, EntityFacts]:
    """Returns the facts of every entity that has a type of ours, by IRI."""
    facts: dict[str, EntityFacts] = {}
    superclasses = _superclasses(store)
    gone = withdrawn(store)
    for iri, class_ in pairs(store, RDF("type")):
        if class_.startswith(CG) and iri not in gone:
            types = superclasses.get(class_, {class_})
            facts.setdefault(iri, EntityFacts()).types.update(type_.removeprefix(CG) for type_ in types)
    _read_countries(store, facts)
    _read_coordinates(store, facts)
    _read_dates(store, facts)
    for iri, other in pairs(store, _SAME):
        if iri in facts and (match := _QID.fullmatch(other)):
            facts[iri].qids.append(match[1])
    return facts


def withdrawn(store: Store) -> set[str]:
    """Returns the withdrawn identifiers, whose addresses lead elsewhere or are gone: nothing lists them."""
    quads = store.quads_for_pattern(None, RDF("type"), CG("WithdrawnIdentifier"), DefaultGraph())
    return {value_of(quad.subject) for quad in quads}


def _read_countries(store: Store, facts: dict[str, EntityFacts]) -> None:
    for iri, entity in facts.items():
        if "Country" in entity.types:
            entity.country = iri
    for iri, country in pairs(store, _COUNTRY):
        if iri in facts:
            # Where sources differ, the first by IRI, so that every build gives the same index.
            facts[iri].country = min(facts[iri].country or country, country)
    for predicate in BY_WAY_OF:
        for iri, neighbour in pairs(store, predicate):
            if iri in facts and neighbour in facts and not facts[iri].country:
                facts[iri].country = facts[neighbour].country


def _read_coordinates(store: Store, facts: dict[str, EntityFacts]) -> None:
    for predicate, name in ((_LATITUDE, "latitude"), (_LONGITUDE, "longitude")):
        for iri, text in pairs(store, predicate):
            if iri in facts:
                # Where sources differ, the least, so that a build and a commit give the same index.
                degrees = (getattr(facts[iri], name), _number(text))
                setattr(facts[iri], name, min((one for one in degrees if one is not None), default=None))


def _read_dates(store: Store, facts: dict[str, EntityFacts]) -> None:
    ended = {iri for predicate in (_END, _UNTIL) for iri, _ in pairs(store, predicate)}
    for predicate in _DATES:
        for iri, date in pairs(store, predicate):
            if entity := facts.get(iri):
                entity.dates.append(date)
                entity.dated.append((predicate.value.removeprefix(CG), date))
                # A term without an end is taken to last; an organisation or a city exists on.
                in_office = predicate == _START and "Tenure" in entity.types and iri not in ended
                entity.ongoing = entity.ongoing or in_office or predicate == _FOUNDED
    for iri, person in pairs(store, HOLDER):
        tenure, holder = facts.get(iri), facts.get(person)
        if tenure and holder:
            holder.dates.extend(tenure.dates)
            holder.ongoing = holder.ongoing or tenure.ongoing


def _superclasses(store: Store) -> dict[str, set[str]]:
    """Returns each of our classes with its superclasses."""
    direct: dict[str, set[str]] = {}
    for quad in store.quads_for_pattern(None, RDFS("subClassOf"), None, ONTOLOGY_GRAPH):
        if isinstance(quad.object, NamedNode) and quad.object.value.startswith(CG):
            direct.setdefault(value_of(quad.subject), set()).add(quad.object.value)
    closure = {}
    for class_ in direct:
        visited, waiting = {class_}, [class_]
        while waiting:
            new = direct.get(waiting.pop(), set()) - visited
            visited |= new
            waiting.extend(new)
        closure[class_] = visited
    return closure


def pairs(store: Store, predicate: NamedNode) -> Iterator[tuple[str, str]]:
    """Yields entity and value of each statement with a property in the merge of all graphs."""
    for quad in store.quads_for_pattern(None, predicate, None, DefaultGraph()):
        subject, value = value_of(quad.subject), value_of(quad.object)
        # An IRI with a fragment is a part of an entity's document, not an entity.
        if ENTITY in subject and "#" not in subject and value:
            yield subject, value


def value_of(term: object) -> str:
    """Returns the IRI or the text of a term; "" for other terms."""
    return term.value if isinstance(term, NamedNode | Literal) else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
