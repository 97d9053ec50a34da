"""What one side says of places, in the form in which two sides are compared: values, dates, and who says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import (
    BASE,
    CG,
    DERIVED_GRAPH,
    GEO,
    ONTOLOGY_GRAPH,
    OWL,
    RDF,
    RDFS,
    SCHEMA,
    SHAPES_GRAPH,
    SKOS,
    WD,
)
from citygraph.wikidata.entity import STATEMENT
from citygraph.wikidata.item_names import by_number
from citygraph.wikidata.model import COORDINATES, COUNTRY, END, HEAD_OF_GOVERNMENT, POINT_IN_TIME, POPULATION, START

ACT = "act"  # the date of a council's act: no qualifier of Wikidata's, yet often what stands there as the start

_TYPE = RDF("type").value
_DERIVED = "http://www.w3.org/ns/prov#wasDerivedFrom"
_MAYORAL = {BASE + "ontology/roles/" + role for role in ("mayor", "governing-mayor", "governor")}
_INSIDE = frozenset({ONTOLOGY_GRAPH.value, SHAPES_GRAPH.value, DERIVED_GRAPH.value})
_POINT = re.compile(r"POINT\s*\(\s*(\S+)\s+(\S+?)\s*\)", re.IGNORECASE)
# Of an unnamed place these are its own; all else is also said of the place that it was identified with.
_OWN = {_TYPE, RDFS("label").value, CG("description").value, CG("identifiedAs").value}

Sources = frozenset[str]
Dates = Mapping[str, Mapping[str, Sources]]  # by qualifier, then by date as text


@dataclass(frozen=True)
class Fact:
    """A statement about a place. `node` bears its dates here (an agreement, a tenure, a figure).

    `value` is an IRI, a number, or "latitude longitude". `sources` are graphs of ours, or statements of
    Wikidata with what they refer to.
    """

    node: str
    value: str
    sources: Sources
    dates: Dates = field(default_factory=dict)
    approximate: bool = False


@dataclass(frozen=True)
class Facts:
    """One side. Keys are IRIs of ours; a tie's key are its two places in order.

    `directions` tells which of two tied places a statement of Wikidata is about; ours are about both.
    """

    items: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, Mapping[str, Mapping[str, Sources]]]  # by entity, language, label
    names: Mapping[str, frozenset[str]]  # labels and aliases of all languages
    about: Mapping[tuple[str, str], tuple[Fact, ...]]  # by place and property
    ties: Mapping[tuple[str, str], tuple[Fact, ...]]
    classes: Mapping[str, frozenset[str]]
    directions: frozenset[tuple[str, str]] = frozenset()

    def of(self, place: str, property_: str) -> tuple[Fact, ...]:
        """What is said of a place with a property."""
        return self.about.get((place, property_), ())

    def name(self, iri: str) -> str:
        """What people call it: in English, or in whatever language it has a name."""
        labels = self.labels.get(iri, {})
        for language in ("en", *sorted(labels)):
            if labels.get(language):
                return min(labels[language])
        return iri.rpartition("/")[2]


def read_facts(quads: Iterable[Quad], without: Sources = frozenset()) -> Facts:
    """What the named graphs say of places, but for some of them (`without`) and what the rules say."""
    said = _Said()
    for quad in quads:
        subject, graph = quad.subject, quad.graph_name
        # The default graph is the merge of the others: it is no source.
        if isinstance(subject, NamedNode) and isinstance(graph, NamedNode) and graph.value not in _INSIDE | without:
            said.note(subject.value, quad.predicate.value, quad.object, graph.value)
    said.resolve()
    return Facts(
        items={s: tuple(by_number(said.items(s))) for s in said if said.items(s)},
        labels={s: said.labels(s) for s in said},
        names={s: said.names(s) for s in said if said.names(s)},
        about=_by_key(_about(said)),
        ties=_by_key(_ties(said)),
        classes={s: frozenset(said.iris(s, _TYPE)) for s in said if said.iris(s, _TYPE)},
        directions=frozenset(_directions(said)),
    )


class _Said:
    """Who says what: by subject, predicate and value, the graphs; of statements of Wikidata, these themselves."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, dict[NamedNode | Literal, set[str]]]] = {}

    def note(self, subject: str, predicate: str, value: object, graph: str) -> None:
        if isinstance(value, NamedNode | Literal):
            of = self._values.setdefault(subject, {}).setdefault(predicate, {})
            of.setdefault(value, set()).add(graph)

    def resolve(self) -> None:
        """Say of a place what documents say of it without naming it."""
        for unnamed in list(self):
            for place in self.iris(unnamed, CG("identifiedAs").value):
                for predicate, values in self._values[unnamed].items():
                    for value, graphs in values.items() if predicate not in _OWN else ():
                        for graph in graphs:
                            self.note(place, predicate, value, graph)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def values(self, subject: str, predicate: str) -> Mapping[NamedNode | Literal, set[str]]:
        return self._values.get(subject, {}).get(predicate, {})

    def iris(self, subject: str, *predicates: str) -> list[str]:
        return [v.value for p in predicates for v in self.values(subject, p) if isinstance(v, NamedNode)]

    def items(self, subject: str) -> list[str]:
        return [iri.removeprefix(WD) for iri in self.iris(subject, OWL("sameAs").value) if iri.startswith(WD + "Q")]

    def labels(self, subject: str) -> dict[str, dict[str, Sources]]:
        found: dict[str, dict[str, Sources]] = {}
        for value, graphs in self.values(subject, RDFS("label").value).items():
            if isinstance(value, Literal) and value.language:
                found.setdefault(value.language, {})[value.value] = frozenset(graphs)
        return found

    def names(self, subject: str) -> frozenset[str]:
        values = (*self.values(subject, RDFS("label").value), *self.values(subject, SKOS("altLabel").value))
        return frozenset(value.value for value in values if isinstance(value, Literal))

    def dates(self, node: str, names: Mapping[str, tuple[str, ...]]) -> Dates:
        """The dates of a node by qualifier: of the first of our properties that has one."""
        found: dict[str, dict[str, Sources]] = {}
        for qualifier, properties in names.items():
            for values in (self.values(node, CG(name).value) for name in properties):
                if values and qualifier not in found:
                    found[qualifier] = {v.value: self.sources(node, graphs) for v, graphs in values.items()}
        return found

    def sources(self, node: str, graphs: Iterable[str], property_: str = "") -> Sources:
        """The statements of Wikidata that a node rests on, with what they refer to; of ours, the graphs."""
        found = {s for s in self.iris(node, _DERIVED) if s.startswith(STATEMENT)}
        if property_:
            found = {s for s in found if self.iris(s, RDF("predicate").value)[:1] == [_direct(property_)]}
        for statement in list(found):
            for reference in self.iris(statement, _DERIVED):
                found.update(self._shown(reference))
        return frozenset(found or graphs)

    def _shown(self, reference: str) -> list[str]:
        addresses = [v.value for v in self.values(reference, SCHEMA("url").value)]
        linked = self.iris(reference, "http://purl.org/dc/terms/source", CG("importedFrom").value)
        return addresses or linked or [reference]


def _about(said: _Said) -> Iterator[tuple[tuple[str, str], Fact]]:
    for subject in list(said):
        for country, graphs in said.values(subject, CG("country").value).items():
            yield (subject, COUNTRY), Fact(subject, country.value, said.sources(subject, graphs, COUNTRY))
        for geometry in said.iris(subject, GEO("hasGeometry").value):
            yield from _point(said, subject, geometry)
        for figure in said.iris(subject, CG("populationFigure").value):
            yield from _figure(said, subject, figure)
        for holder in said.iris(subject, CG("holder").value):
            yield from _tenure(said, subject, holder)


def _point(said: _Said, place: str, geometry: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    for wkt, graphs in said.values(geometry, GEO("asWKT").value).items():
        match = _POINT.search(wkt.value)
        if match:
            value = f"{match.group(2)} {match.group(1)}"
            yield (place, COORDINATES), Fact(geometry, value, said.sources(geometry, graphs))


def _figure(said: _Said, place: str, node: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    dates = said.dates(node, {POINT_IN_TIME: ("asOf",)})
    approximate = any(v.value == "true" for v in said.values(node, CG("approximate").value))
    for value, graphs in said.values(node, CG("value").value).items():
        yield (place, POPULATION), Fact(node, value.value, said.sources(node, graphs), dates, approximate)


def _tenure(said: _Said, node: str, holder: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    dates = said.dates(node, {START: ("startDate",), END: ("endDate",), POINT_IN_TIME: ("attestedOn",)})
    graphs = said.values(node, CG("holder").value)[NamedNode(holder)]
    for post in said.iris(node, CG("post").value):
        if not _MAYORAL.intersection(said.iris(post, CG("role").value)):
            continue
        for body in said.iris(post, CG("of").value):
            for place in said.iris(body, CG("jurisdiction").value):
                yield (place, HEAD_OF_GOVERNMENT), Fact(node, holder, said.sources(node, graphs), dates)


def _ties(said: _Said) -> Iterator[tuple[tuple[str, str], Fact]]:
    """A tie for each two parties of a sister-city agreement; its start is the protocol's date where there is one."""
    for node in list(said):
        if CG + "SisterCityAgreement" not in said.iris(node, _TYPE):
            continue
        named = said.values(node, CG("party").value)
        unnamed = [p for u in said.iris(node, CG("unnamedParty").value) for p in said.iris(u, CG("identifiedAs").value)]
        parties = sorted({*(party.value for party in named), *unnamed})
        graphs = {graph for found in named.values() for graph in found}
        dates = said.dates(node, {START: ("protocolDate", "startDate"), END: ("endDate",),
                                  POINT_IN_TIME: ("attestedOn",), ACT: ("councilActDate",)})  # fmt: skip
        for pair in combinations(parties, 2):
            yield pair, Fact(node, "", said.sources(node, graphs), dates)


def _directions(said: _Said) -> Iterator[tuple[str, str]]:
    """Which item of a pair a statement is about, as IRIs of ours."""
    iris = {WD + qid: subject for subject in said for qid in said.items(subject)}
    for node in said:
        if node.startswith(STATEMENT) and said.iris(node, RDF("predicate").value) == [_direct("P190")]:
            for subject in said.iris(node, RDF("subject").value):
                for value in said.iris(node, RDF("object").value):
                    if subject in iris and value in iris:
                        yield iris[subject], iris[value]


def _direct(property_: str) -> str:
    return f"http://www.wikidata.org/prop/direct/{property_}"


def _by_key(found: Iterable[tuple[tuple[str, str], Fact]]) -> dict[tuple[str, str], tuple[Fact, ...]]:
    lists: dict[tuple[str, str], list[Fact]] = {}
    for key, fact in found:
        lists.setdefault(key, []).append(fact)
    return {key: tuple(sorted(facts, key=lambda fact: (fact.node, fact.value))) for key, facts in lists.items()}
