"""The facts of one side of a comparison: the statements about places, as values with dates and sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import combinations

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG, DCTERMS, GEO, OWL, PREFIXES, PROV, RDF, RDFS, SCHEMA, SKOS, WD
from citygraph.text import ALL_LANGUAGES, best_tag
from citygraph.wikidata.entity import STATEMENT
from citygraph.wikidata.item_names import INTERNAL_GRAPHS, MAYORAL_ROLES, by_number
from citygraph.wikidata.model import (
    COORDINATES,
    COUNTRY,
    END,
    HEAD_OF_GOVERNMENT,
    POINT_IN_TIME,
    POPULATION,
    START,
    TWINNED,
)

# The date of a council's act. Wikidata has no such qualifier, but often has this date as the start.
ACT = "act"

_TYPE = RDF("type").value
_DERIVED = PROV("wasDerivedFrom").value
_POINT = re.compile(r"POINT\s*\(\s*(\S+)\s+(\S+?)\s*\)", re.IGNORECASE)
# These describe an unnamed place itself; its other statements hold for the place that it was identified with, too.
_OWN = {_TYPE, RDFS("label").value, CG("description").value, CG("identifiedAs").value}

# Our properties for the dates of a tie, by qualifier: the protocol's date counts before any other start.
_TIE_DATES = {
    START: ("protocolDate", "startDate"),
    END: ("endDate",),
    POINT_IN_TIME: ("attestedOn",),
    ACT: ("councilActDate",),
}

Sources = frozenset[str]
Dates = Mapping[str, Mapping[str, Sources]]  # by qualifier, then by date as text


@dataclass(frozen=True)
class Fact:
    """A statement about a place. `node` is the IRI that has the dates here (an agreement, a tenure, a figure).

    `value` is an IRI, a number, or "latitude longitude". `sources` are graphs of ours, or statements of Wikidata with
    the sources of their references.
    """

    node: str
    value: str
    sources: Sources
    dates: Dates = field(default_factory=dict)
    approximate: bool = False


@dataclass(frozen=True)
class GraphFacts:
    """The facts of one side. Keys are IRIs of ours; the key of a tie is its two places, sorted.

    `directions` has, for each statement of Wikidata about two tied places, subject and object; our ties have no
    direction.
    """

    items: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, Mapping[str, Mapping[str, Sources]]]  # by entity, language, label
    names: Mapping[str, frozenset[str]]  # labels and aliases of all languages
    about: Mapping[tuple[str, str], tuple[Fact, ...]]  # by place and property
    ties: Mapping[tuple[str, str], tuple[Fact, ...]]
    classes: Mapping[str, frozenset[str]]
    directions: frozenset[tuple[str, str]] = frozenset()

    def of(self, place: str, property_: str) -> tuple[Fact, ...]:
        """Returns the facts of a place with a property."""
        return self.about.get((place, property_), ())

    def name(self, iri: str) -> str:
        """Returns the English name, else one in any language, else the last segment of the IRI."""
        labels = self.labels.get(iri, {})
        tag = best_tag(labels, "en", ALL_LANGUAGES, "*")
        if tag:
            return min(labels[tag])
        return iri.rpartition("/")[2]


def read_facts(quads: Iterable[Quad], without: Sources = frozenset()) -> GraphFacts:
    """Returns the facts in the named graphs, except some (`without`) and the graph of derived statements."""
    statements = _Statements()
    for quad in quads:
        subject, graph = quad.subject, quad.graph_name
        # The default graph is the merge of the named graphs, not a source.
        if not isinstance(subject, NamedNode) or not isinstance(graph, NamedNode):
            continue
        if graph not in INTERNAL_GRAPHS and graph.value not in without:
            statements.add(subject.value, quad.predicate.value, quad.object, graph.value)
    statements.copy_to_identified()
    return GraphFacts(
        items={s: tuple(by_number(statements.items(s))) for s in statements if statements.items(s)},
        labels={s: statements.labels(s) for s in statements},
        names={s: statements.names(s) for s in statements if statements.names(s)},
        about=_by_key(_about(statements)),
        ties=_by_key(_ties(statements)),
        classes={s: frozenset(statements.iris(s, _TYPE)) for s in statements if statements.iris(s, _TYPE)},
        directions=frozenset(_directions(statements)),
    )


class _Statements:
    """The statements by subject, predicate and value, each with its graphs."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, dict[NamedNode | Literal, set[str]]]] = {}

    def add(self, subject: str, predicate: str, value: object, graph: str) -> None:
        if isinstance(value, NamedNode | Literal):
            by_value = self._values.setdefault(subject, {}).setdefault(predicate, {})
            by_value.setdefault(value, set()).add(graph)

    def copy_to_identified(self) -> None:
        """Copies the statements about an unnamed place to the place that it was identified with."""
        for unnamed in list(self):
            for place in self.iris(unnamed, CG("identifiedAs").value):
                for predicate, values in self._values[unnamed].items():
                    for value, graphs in values.items() if predicate not in _OWN else ():
                        for graph in graphs:
                            self.add(place, predicate, value, graph)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def values(self, subject: str, predicate: str) -> Mapping[NamedNode | Literal, set[str]]:
        return self._values.get(subject, {}).get(predicate, {})

    def iris(self, subject: str, *predicates: str) -> list[str]:
        return [v.value for p in predicates for v in self.values(subject, p) if isinstance(v, NamedNode)]

    def items(self, subject: str) -> list[str]:
        return [iri.removeprefix(WD) for iri in self.iris(subject, OWL("sameAs").value) if iri.startswith(WD + "Q")]

    def labels(self, subject: str) -> dict[str, dict[str, Sources]]:
        by_language: dict[str, dict[str, Sources]] = {}
        for value, graphs in self.values(subject, RDFS("label").value).items():
            if isinstance(value, Literal) and value.language:
                by_language.setdefault(value.language, {})[value.value] = frozenset(graphs)
        return by_language

    def names(self, subject: str) -> frozenset[str]:
        values = (*self.values(subject, RDFS("label").value), *self.values(subject, SKOS("altLabel").value))
        return frozenset(value.value for value in values if isinstance(value, Literal))

    def dates(self, node: str, names: Mapping[str, tuple[str, ...]]) -> Dates:
        """Returns the dates of a node by qualifier, each from the first of our properties that has a value."""
        dates: dict[str, dict[str, Sources]] = {}
        for qualifier, properties in names.items():
            for values in (self.values(node, CG(name).value) for name in properties):
                if values and qualifier not in dates:
                    dates[qualifier] = {v.value: self.sources(node, graphs) for v, graphs in values.items()}
        return dates

    def sources(self, node: str, graphs: Iterable[str], property_: str = "", items: Set[str] = frozenset()) -> Sources:
        """Returns the Wikidata statements that a node is derived from, with their references; otherwise the graphs.

        `property_` and `items` limit them to statements with this property and one of these values.
        """
        sources = {s for s in self.iris(node, _DERIVED) if s.startswith(STATEMENT)}
        if property_:
            sources = {s for s in sources if self.iris(s, RDF("predicate").value)[:1] == [_direct(property_)]}
        if items:
            sources = {s for s in sources if not items.isdisjoint(self.iris(s, RDF("object").value))}
        for statement in list(sources):
            for reference in self.iris(statement, _DERIVED):
                sources.update(self._cited(reference))
        return frozenset(sources or graphs)

    def _cited(self, reference: str) -> list[str]:
        addresses = [v.value for v in self.values(reference, SCHEMA("url").value)]
        linked = self.iris(reference, DCTERMS("source").value, CG("importedFrom").value)
        return addresses or linked or [reference]


def _about(statements: _Statements) -> Iterator[tuple[tuple[str, str], Fact]]:
    for subject in list(statements):
        # A place is derived from statements with several properties, and from those with countries that it has left.
        for country, graphs in statements.values(subject, CG("country").value).items():
            items = {WD + qid for qid in statements.items(country.value)}
            yield (subject, COUNTRY), Fact(subject, country.value, statements.sources(subject, graphs, COUNTRY, items))
        for geometry in statements.iris(subject, GEO("hasGeometry").value):
            yield from _point(statements, subject, geometry)
        for figure in statements.iris(subject, CG("populationFigure").value):
            yield from _figure(statements, subject, figure)
        for holder in statements.iris(subject, CG("holder").value):
            yield from _tenure(statements, subject, holder)


def _point(statements: _Statements, place: str, geometry: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    for wkt, graphs in statements.values(geometry, GEO("asWKT").value).items():
        match = _POINT.search(wkt.value)
        if match:
            value = f"{match.group(2)} {match.group(1)}"
            yield (place, COORDINATES), Fact(geometry, value, statements.sources(geometry, graphs))


def _figure(statements: _Statements, place: str, node: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    dates = statements.dates(node, {POINT_IN_TIME: ("asOf",)})
    approximate = any(v.value == "true" for v in statements.values(node, CG("approximate").value))
    for value, graphs in statements.values(node, CG("value").value).items():
        yield (place, POPULATION), Fact(node, value.value, statements.sources(node, graphs), dates, approximate)


def _tenure(statements: _Statements, node: str, holder: str) -> Iterator[tuple[tuple[str, str], Fact]]:
    dates = statements.dates(node, {START: ("startDate",), END: ("endDate",), POINT_IN_TIME: ("attestedOn",)})
    graphs = statements.values(node, CG("holder").value)[NamedNode(holder)]
    for post in statements.iris(node, CG("post").value):
        if not MAYORAL_ROLES.intersection(statements.iris(post, CG("role").value)):
            continue
        for body in statements.iris(post, CG("of").value):
            for place in statements.iris(body, CG("jurisdiction").value):
                yield (place, HEAD_OF_GOVERNMENT), Fact(node, holder, statements.sources(node, graphs), dates)


def _ties(statements: _Statements) -> Iterator[tuple[tuple[str, str], Fact]]:
    """Yields a tie for each two parties of a sister-city agreement."""
    for node in list(statements):
        if CG + "SisterCityAgreement" not in statements.iris(node, _TYPE):
            continue
        named = statements.values(node, CG("party").value)
        unnamed = [
            p
            for u in statements.iris(node, CG("unnamedParty").value)
            for p in statements.iris(u, CG("identifiedAs").value)
        ]
        parties = sorted({*(party.value for party in named), *unnamed})
        graphs = {graph for of_party in named.values() for graph in of_party}
        dates = statements.dates(node, _TIE_DATES)
        for pair in combinations(parties, 2):
            yield pair, Fact(node, "", statements.sources(node, graphs), dates)


def _directions(statements: _Statements) -> Iterator[tuple[str, str]]:
    """Yields subject and object of the statements of Wikidata about twinned places, as IRIs of ours."""
    iris = {WD + qid: subject for subject in statements for qid in statements.items(subject)}
    for node in statements:
        if node.startswith(STATEMENT) and statements.iris(node, RDF("predicate").value) == [_direct(TWINNED)]:
            for subject in statements.iris(node, RDF("subject").value):
                for value in statements.iris(node, RDF("object").value):
                    if subject in iris and value in iris:
                        yield iris[subject], iris[value]


def _direct(property_: str) -> str:
    return PREFIXES["wdt"] + property_


def _by_key(pairs: Iterable[tuple[tuple[str, str], Fact]]) -> dict[tuple[str, str], tuple[Fact, ...]]:
    lists: dict[tuple[str, str], list[Fact]] = {}
    for key, fact in pairs:
        lists.setdefault(key, []).append(fact)
    return {key: tuple(sorted(facts, key=lambda fact: (fact.node, fact.value))) for key, facts in lists.items()}
