"""What reconciliation knows of each entity beside its names, read from a store in one pass per property."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.rdf.terms import CG, ONTOLOGY_GRAPH, OWL, RDF, RDFS, SCHEMA

ENTITY = "/id/"  # what every entity's IRI has, whatever the base
_QID = re.compile(r"https?://www\.wikidata\.org/entity/(Q[1-9]\d*)")
_COUNTRY = CG("country")
# By which of its neighbours a thing without a country has one.
BY_WAY_OF = (CG("jurisdiction"), CG("homePlace"), CG("locatedIn"), CG("takesPlaceIn"))
_LATITUDE, _LONGITUDE = SCHEMA("latitude"), SCHEMA("longitude")
_SAME, HOLDER = OWL("sameAs"), CG("holder")
_START, _FOUNDED, _END = CG("startDate"), CG("foundingDate"), CG("endDate")
_DATES = (_START, _END, _FOUNDED, CG("attestedOn"), CG("councilActDate"), CG("protocolDate"))

# When none of these has changed, neither has what is read here.
READ = frozenset({RDF("type"), RDFS("subClassOf"), _COUNTRY, *BY_WAY_OF, _LATITUDE, _LONGITUDE, _SAME, HOLDER, *_DATES})


@dataclass(slots=True)
class Facts:
    """The facts of one entity. `first` and `last` are the ends of its time, empty where that is open or not known."""

    types: set[str] = field(default_factory=set)
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    dates: list[str] = field(default_factory=list)
    ongoing: bool = False
    qids: list[str] = field(default_factory=list)

    @property
    def first(self) -> str:
        """The earliest date."""
        return min(self.dates, default="")

    @property
    def last(self) -> str:
        """The latest date, or nothing when the time goes on."""
        return "" if self.ongoing else max(self.dates, default="")


def read_facts(store: Store) -> dict[str, Facts]:
    """The facts of every entity that has a type of ours, by IRI."""
    found: dict[str, Facts] = {}
    above = _classes_above(store)
    for quad in _quads(store, RDF("type")):
        if isinstance(quad.object, NamedNode) and quad.object.value.startswith(CG):
            found.setdefault(_subject(quad), Facts()).types.update(above.get(quad.object.value, (quad.object.value,)))
    for facts in found.values():
        facts.types = {iri.removeprefix(CG) for iri in facts.types}
    _read_countries(store, found)
    for predicate, name in ((_LATITUDE, "latitude"), (_LONGITUDE, "longitude")):
        for quad in _quads(store, predicate):
            if facts_ := found.get(_subject(quad)):
                # Where sources differ the least, so that a build and a commit always say the same.
                told = [known for known in (getattr(facts_, name), _number(_value(quad))) if known is not None]
                setattr(facts_, name, min(told, default=None))
    _read_dates(store, found)
    for quad in _quads(store, _SAME):
        if (facts_ := found.get(_subject(quad))) and (match := _QID.fullmatch(_value(quad))):
            facts_.qids.append(match[1])
    return found


def _read_countries(store: Store, found: dict[str, Facts]) -> None:
    for iri, facts in found.items():
        if "Country" in facts.types:
            facts.country = iri
    for quad in _quads(store, _COUNTRY):
        if facts_ := found.get(_subject(quad)):
            # Where sources differ the first by name, so that a build always says the same.
            facts_.country = min(facts_.country or _value(quad), _value(quad))
    for predicate in BY_WAY_OF:
        for quad in _quads(store, predicate):
            facts_, place = found.get(_subject(quad)), found.get(_value(quad))
            if facts_ and place and not facts_.country:
                facts_.country = place.country


def _read_dates(store: Store, found: dict[str, Facts]) -> None:
    ended = {_subject(quad) for quad in _quads(store, _END)}
    for predicate in _DATES:
        for quad in _quads(store, predicate):
            if facts := found.get(_subject(quad)):
                facts.dates.append(_value(quad))
                in_office = predicate == _START and "Tenure" in facts.types and _subject(quad) not in ended
                facts.ongoing = facts.ongoing or in_office or predicate == _FOUNDED
    for quad in _quads(store, HOLDER):
        tenure, holder = found.get(_subject(quad)), found.get(_value(quad))
        if tenure and holder:
            holder.dates.extend(tenure.dates)
            holder.ongoing = holder.ongoing or tenure.ongoing


def _classes_above(store: Store) -> dict[str, set[str]]:
    """Each of our classes with those above it."""
    direct: dict[str, set[str]] = {}
    for quad in store.quads_for_pattern(None, RDFS("subClassOf"), None, ONTOLOGY_GRAPH):
        if isinstance(quad.object, NamedNode) and quad.object.value.startswith(CG):
            direct.setdefault(_subject(quad), set()).add(quad.object.value)
    found = {}
    for class_ in direct:
        seen, waiting = {class_}, [class_]
        while waiting:
            new = direct.get(waiting.pop(), set()) - seen
            seen |= new
            waiting.extend(new)
        found[class_] = seen
    return found


def _quads(store: Store, predicate: NamedNode) -> Iterator[Quad]:
    for quad in store.quads_for_pattern(None, predicate, None, DefaultGraph()):
        if isinstance(quad.subject, NamedNode) and ENTITY in quad.subject.value and "#" not in quad.subject.value:
            yield quad


def _subject(quad: Quad) -> str:
    return quad.subject.value if isinstance(quad.subject, NamedNode) else ""


def _value(quad: Quad) -> str:
    return quad.object.value if isinstance(quad.object, NamedNode | Literal) else ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
