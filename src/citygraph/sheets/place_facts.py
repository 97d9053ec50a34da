"""Coordinates and countries that rows about places leave out, taken from the gazetteer into the graph of its source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph.geo import kilometres
from citygraph.rdf.terms import CG, DERIVED_GRAPH, OWL, RDF, RDFS, SCHEMA, SKOS, WD, XSD
from citygraph.release.releases import Release
from citygraph.sheets.cell_names import Names
from citygraph.sheets.cell_problems import NOTE, WARNING, CellProblem, CellRule
from citygraph.sheets.cell_statements import CellDeletion, CellStatement
from citygraph.sheets.gazetteer import (
    NATURAL_EARTH,
    GazetteerPlace,
    country_names,
    description,
    read_gazetteer,
)
from citygraph.sheets.merging import SheetRows
from citygraph.sheets.slots import Slot, slot_of, source_of
from citygraph.text import fold

FROM_GAZETTEER = CellRule(
    "gazetteer",
    "Natural Earth is the source of {facts} for {value}.",
    "Nothing needs to be done. If a document says something else, write that into the row.",
    NOTE,
)
CLOSED = CellRule(
    "gazetteer-closed",
    "Natural Earth would have {facts} for {value}, but its graph cannot be changed here ({reason}).",
    "Write them into the row if a document has them.",
    NOTE,
)
FAR = CellRule(
    "gazetteer-far",
    "{value} is {distance} km from where Natural Earth has this place: {latitude}, {longitude}.",
    "Check latitude and longitude, and that the Wikidata item or the name is that of this place.",
    WARNING,
)
OTHER_COUNTRY = CellRule(
    "gazetteer-country",
    "The country is {value}, but Natural Earth has this place in {country}.",
    "Check the country, and that the Wikidata item is that of this place.",
    WARNING,
)

_LATITUDE, _LONGITUDE, _COUNTRY = SCHEMA("latitude"), SCHEMA("longitude"), CG("country")
_NAMES = (RDFS("label"), SKOS("altLabel"))
_SAME, _TYPE, _CITY = OWL("sameAs"), RDF("type"), CG("City")
_FAR = 50.0  # km


@dataclass(frozen=True)
class GazetteerFacts:
    """The additions of the gazetteer to rows: statements, the statements that they displace, notes and warnings."""

    statements: list[CellStatement] = field(default_factory=list)
    deletions: list[CellDeletion] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)

    def added_to(self, rows: SheetRows) -> SheetRows:
        """Returns the rows with the gazetteer's additions."""
        statements, deletions = (*rows.statements, *self.statements), (*rows.deletions, *self.deletions)
        return replace(rows, statements=statements, deletions=deletions)


class PlaceFacts:
    """Finds facts for the cities that rows describe: values of properties that neither rows nor other sources have."""

    def __init__(self, rows: SheetRows, names: Names, release: Release | None, languages: Sequence[str]) -> None:
        self._rows, self._names, self._languages = rows, names, languages
        self._store = release.open_store() if release else None
        self._deleted = {one.slot: one for one in rows.deletions}
        # The sign – in a cell refuses any value.
        self._refused = {slot[:2]: one.address for slot, one in self._deleted.items()}
        self._by_property: dict[tuple[object, NamedNode], list[CellStatement]] = defaultdict(list)
        for statement in rows.statements:
            self._by_property[statement.quad.subject, statement.quad.predicate].append(statement)

    def facts(self, reason: str = "") -> GazetteerFacts:
        """Returns the gazetteer's facts about the cities of the rows.

        `reason` explains why its graph cannot be changed; it is empty if the graph can be changed.
        """
        facts = GazetteerFacts()
        quads = (one.quad for one in self._rows.statements)
        cities = (quad.subject for quad in quads if quad.predicate == _TYPE and quad.object == _CITY)
        for subject in dict.fromkeys(one for one in cities if isinstance(one, NamedNode)):
            self._add(subject, facts, reason)
        if facts.statements:
            address = facts.statements[0].address
            facts.statements.extend(CellStatement(quad, address) for quad in description(self._languages))
        return facts

    def _add(self, subject: NamedNode, facts: GazetteerFacts, reason: str) -> None:
        place = self._match(subject)
        if place is None:
            return
        facts.problems.extend(self._contradictions(subject, place))
        quads = [*self._coordinates(subject, place), *self._country(subject, place)]
        for predicate in (_LATITUDE, _LONGITUDE, _COUNTRY):
            addresses = [one.address for one in self._by_property[subject, predicate]]
            if address := self._refused.get((subject, predicate)) or next(iter(addresses), None):
                facts.deletions.append(CellDeletion(Slot(subject, predicate, NATURAL_EARTH), address))
        if not quads:
            return
        qids, names = self._by_property[subject, _SAME], self._by_property[subject, RDFS("label")]
        address = (qids or names or self._by_property[subject, _TYPE])[0].address
        values = {"facts": self._as_text(quads), "reason": reason}
        facts.problems.append(CellProblem(CLOSED if reason else FROM_GAZETTEER, address, self._label(subject), values))
        if not reason:
            quads.append(Quad(subject, _TYPE, _CITY, NATURAL_EARTH))
            facts.statements.extend(CellStatement(quad, address) for quad in quads)

    def _match(self, subject: NamedNode) -> GazetteerPlace | None:
        gazetteer = read_gazetteer()
        items = [str(value).strip("<>").removeprefix(WD) for value in self._values(subject, _SAME)]
        qids = [item for item in items if item.startswith("Q")]
        if place := gazetteer.identified(qids):
            return place
        names = [getattr(value, "value", "") for name in _NAMES for value in self._values(subject, name)]
        place = gazetteer.named(names, self._codes(subject))
        # Another item is another place.
        return None if place and place.qid and qids else place

    def _values(self, subject: NamedNode, predicate: NamedNode) -> list[object]:
        in_rows: list[object] = [one.quad.object for one in self._by_property[subject, predicate]]
        return in_rows or self._values_in_graph(subject, predicate)

    def _has(self, subject: NamedNode, predicate: NamedNode) -> bool:
        """Returns whether the gazetteer must not add a value: there is one, or a cell refuses any."""
        return (subject, predicate) in self._refused or bool(self._values(subject, predicate))

    def _values_in_graph(self, subject: NamedNode, predicate: NamedNode) -> list[object]:
        """Returns the values in the graph that come from sources and that no row deletes."""
        if self._store is None:
            return []
        quads = self._store.quads_for_pattern(subject, predicate, None, None)
        named = (quad for quad in quads if isinstance(quad.graph_name, NamedNode))
        return [q.object for q in named if q.graph_name != NATURAL_EARTH and slot_of(q) not in self._deleted]

    def _codes(self, subject: NamedNode) -> frozenset[str]:
        return frozenset(code for country in self._values(subject, _COUNTRY) for code in self._codes_of(country))

    def _codes_of(self, country: object) -> frozenset[str]:
        """Returns the codes of a country, by the names in its rows and in the graph."""
        iri = str(country).strip("<>")
        names_in_rows = (one.quad.object for name in _NAMES for one in self._by_property[country, name])
        names = {*(fold(str(getattr(value, "value", ""))) for value in names_in_rows), *self._names.folded(iri)}
        return read_gazetteer().country_codes(names)

    def _coordinates(self, subject: NamedNode, place: GazetteerPlace) -> Iterator[Quad]:
        if self._has(subject, _LATITUDE) or self._has(subject, _LONGITUDE):
            return
        for predicate, text in ((_LATITUDE, place.latitude), (_LONGITUDE, place.longitude)):
            yield Quad(subject, predicate, Literal(text, datatype=XSD("decimal")), NATURAL_EARTH)

    def _country(self, subject: NamedNode, place: GazetteerPlace) -> Iterator[Quad]:
        if not place.country_code or self._has(subject, _COUNTRY):
            return
        texts = [*country_names(place.country_code, self._languages), place.country]
        matches = {iri for text in texts for iri in self._names.find(text, ("cg:Country",))}
        if len(matches) == 1:
            yield Quad(subject, _COUNTRY, NamedNode(matches.pop()), NATURAL_EARTH)

    def _contradictions(self, subject: NamedNode, place: GazetteerPlace) -> Iterator[CellProblem]:
        for one in self._by_property[subject, _COUNTRY]:
            codes = self._codes_of(one.quad.object)
            if place.country_code and codes and place.country_code not in codes:
                value = self._names.label(str(one.quad.object).strip("<>"))
                yield CellProblem(OTHER_COUNTRY, one.address, value, {"country": place.country})
        latitudes, longitudes = self._by_property[subject, _LATITUDE], self._by_property[subject, _LONGITUDE]
        for latitude, longitude in zip(latitudes, longitudes, strict=False):
            here = (_number(latitude), _number(longitude))
            distance = kilometres(*here, float(place.latitude), float(place.longitude))
            if distance > _FAR:
                values = {"distance": f"{distance:.0f}", "latitude": place.latitude, "longitude": place.longitude}
                yield CellProblem(FAR, latitude.address, f"{here[0]}, {here[1]}", values)

    def _as_text(self, quads: Iterable[Quad]) -> str:
        values = (quad.object for quad in quads)
        return ", ".join(one.value if isinstance(one, Literal) else self._label(one) for one in values)

    def _label(self, term: object) -> str:
        return self._names.label(str(term).strip("<>"))


def _number(statement: CellStatement) -> float:
    value = statement.quad.object
    assert isinstance(value, Literal)  # noqa: S101 - the column has decimals
    return float(value.value)


def without_lost_places(quads: Iterable[Quad], release: Release | None, touched: Collection[str]) -> tuple[Quad, ...]:
    """Drops the gazetteer's statements about places that no source describes any more, and returns the others.

    `touched` are the sources of the statements, by IRI; the release has the others.
    """
    quads = tuple(quads)
    described = {quad.subject for quad in quads if source_of(quad) != NATURAL_EARTH}
    own = {quad.subject: None for quad in quads if source_of(quad) == NATURAL_EARTH and quad.object == _CITY}
    store = release.open_store() if release else None
    lost = {one for one in own if one not in described and store and not _is_described(one, store, touched)}
    # Without a place, the source has no statements that would need a description.
    is_empty = len(lost) == len(own)
    return tuple(
        quad
        for quad in quads
        if source_of(quad) != NATURAL_EARTH or not (quad.subject in lost or (is_empty and store is not None))
    )


def _is_described(subject: object, store: Store, touched: Collection[str]) -> bool:
    graphs = (
        quad.graph_name for quad in store.quads_for_pattern(NamedNode(str(subject).strip("<>")), None, None, None)
    )
    names = {graph.value for graph in graphs if isinstance(graph, NamedNode)}
    return not names <= {*touched, NATURAL_EARTH.value, DERIVED_GRAPH.value}
