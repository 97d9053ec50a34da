"""The writer of the entity table of an index: kind, countries, decades, sources, protocols, dates and ties."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from sys import intern
from typing import Any

from citygraph.index.facts import ENTITY, QuadsByPredicate, pairs, value_of
from citygraph.instance import current_instance
from citygraph.rdf.partial_dates import DateInterval, chronological, date_interval, finest_first, last_day
from citygraph.rdf.terms import CG, RDF
from citygraph.text import collation_key

_SOURCE = "/source/"
_PARTY, _HOLDER, _COUNTRY, _END = CG("party"), CG("holder"), CG("country"), CG("endDate")
_VALID, _STATE = CG("validDuring"), CG("currentState")
# The states in which an agreement is not in force, with the last day of such an ending: an agreement that never
# began was over before any day, and for a suspension or an end the day is unknown.
_STATES = {"planned": "0000-01-01", "decided": "0000-01-01", "suspended": "", "ended": ""}
_INTERVALS = (_VALID, CG("attestedDuring"))
_PROTOCOL = CG("protocolDate")
_DATES = (CG("councilActDate"), _PROTOCOL, CG("startDate"), CG("attestedOn"), CG("foundingDate"))
# A source is a facet value of the entities about which it has one of these properties.
_COVERED = (RDF("type"), _COUNTRY, _PARTY, _END, *_DATES)
# A commit that changes none of these, nor the names and facts of the index, leaves these tables as they are.
READ = frozenset({*_COVERED, *_INTERVALS, _STATE, _HOLDER})
_ALWAYS = "9999"
_PLACES = ("city", "area", "country")
# `label_tr` is the label in the second language of the instance. `place` and `place_tr` are the ranks in the alphabet
# by the two labels, each of its language, so that a query sorts by integers.
# `country` is one of the countries; the facet has all. A choice is a value of a facet for one kind of entity. An ending
# is that of an agreement which is not in force: its last day, "" if that is unknown.
SCHEMA_TEXT = """
CREATE TABLE listed (
  number INTEGER PRIMARY KEY, iri TEXT, kind TEXT, label TEXT, label_tr TEXT, place INTEGER, place_tr INTEGER,
  country TEXT, latitude REAL, longitude REAL, protocol TEXT
);
CREATE TABLE choice (number INTEGER PRIMARY KEY, kind TEXT, name TEXT, value TEXT);
CREATE TABLE facet (choice INTEGER, listed INTEGER, PRIMARY KEY (choice, listed)) WITHOUT ROWID;
CREATE TABLE span (number INTEGER, since TEXT, until TEXT, PRIMARY KEY (number, since, until)) WITHOUT ROWID;
CREATE TABLE tie (agreement INTEGER, party INTEGER, PRIMARY KEY (agreement, party)) WITHOUT ROWID;
CREATE TABLE ending (agreement INTEGER PRIMARY KEY, last TEXT);
"""
_SECOND_LABEL = "coalesce(nullif(label_tr, ''), label)"
# Created when the tables are full, so that each index is written once, in order.
_INDEXES = """
CREATE UNIQUE INDEX listed_iri ON listed (iri);
CREATE INDEX listed_place ON listed (kind, place);
CREATE INDEX listed_place_tr ON listed (kind, place_tr);
CREATE UNIQUE INDEX choice_value ON choice (kind, name, value);
CREATE INDEX tie_party ON tie (party);
"""


class _Entities:
    """The entities of the table by number, and what others have from them: a place has the times of its ties.

    An entity that is not in the table has a number after these: its times count for others too.
    """

    def __init__(self, rows: Iterable[tuple[str, str | None]]) -> None:
        self._numbers: dict[str, int] = {}
        self._countries: list[str] = []
        self.kinds: list[str] = []
        for iri, country in rows:
            self.number(iri)
            self._countries.append(intern(country or ""))
        self.listed = len(self._countries)
        self._further_countries: defaultdict[int, set[str]] = defaultdict(set)
        self.decades: dict[int, tuple[str, ...]] = {}
        self.spans: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        self.signed: set[int] = set()  # the agreements with a protocol

    def number(self, iri: str) -> int:
        """Returns the number of an entity."""
        number = self._numbers.setdefault(iri, len(self._numbers))
        if number == len(self.kinds):
            self.kinds.append(intern(kind_of(iri)))
        return number

    def is_listed(self, number: int) -> bool:
        """Returns whether an entity is in the table."""
        return number < self.listed

    def listed_number(self, iri: str) -> int | None:
        """Returns the number of an entity of the table, else None."""
        number = self._numbers.get(iri, self.listed)
        return number if self.is_listed(number) else None

    def add_country(self, number: int, country: str) -> None:
        """Adds a country of an entity."""
        if country not in self._countries[number : number + 1]:
            self._further_countries[number].add(country)

    def countries(self, number: int) -> set[str]:
        """Returns the countries of an entity."""
        first = filter(None, self._countries[number : number + 1])
        return {*first, *self._further_countries.get(number, ())}


class _Facets:
    """The entities of the table that have a value of a facet."""

    def __init__(self, entities: _Entities) -> None:
        self._entities = entities
        # An array takes a tenth of the memory of a list.
        self._numbers: defaultdict[tuple[str, str, str], array[int]] = defaultdict(partial(array, "L"))

    def add(self, number: int, name: str, values: Iterable[str]) -> None:
        """Adds values of a facet of an entity, which may have them already."""
        if self._entities.is_listed(number):
            for value in values:
                self._numbers[self._entities.kinds[number], name, value].append(number)

    def choices(self) -> list[tuple[str, str, str]]:
        """Returns kind, facet and value of all choices in order."""
        return sorted(self._numbers)

    def rows(self) -> Iterator[tuple[int, int]]:
        """Yields the numbers of choice and entity in order."""
        for choice, key in enumerate(self.choices()):
            yield from ((choice, number) for number in sorted(set(self._numbers[key])))


def write_entity_table(quads: QuadsByPredicate, database: sqlite3.Connection) -> None:
    """Writes the tables for the rows of the table `entity` of the index."""
    database.executescript(SCHEMA_TEXT)
    entities = _entities(quads, database)
    facets = _facets(quads, entities)
    insert(database, "choice", ((number, *choice) for number, choice in enumerate(facets.choices())))
    insert(database, "facet", facets.rows())
    insert_sorted(database, "span", _span_rows(quads, entities))
    insert_sorted(database, "tie", _ties(quads, entities))
    numbered = ((entities.listed_number(iri), last) for iri, last in _endings(quads))
    insert_sorted(database, "ending", (row for row in numbered if row[0] is not None))
    _write_listed(quads, database, entities)
    database.executescript(_INDEXES)


def insert(database: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Inserts rows into a table."""
    marks = ", ".join("?" for _ in database.execute(f"SELECT * FROM {table} LIMIT 0").description)  # noqa: S608 - our own name
    database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - as above


def insert_sorted(database: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Inserts rows that come in any order, each once and sorted: a table is written at its end."""
    database.execute(f"CREATE TEMP TABLE unsorted AS SELECT * FROM {table} LIMIT 0")  # noqa: S608 - as above
    insert(database, "unsorted", rows)
    names = ", ".join(column[0] for column in database.execute("SELECT * FROM unsorted LIMIT 0").description)
    database.execute(f"INSERT INTO {table} SELECT DISTINCT * FROM unsorted ORDER BY {names}")  # noqa: S608 - as above
    database.execute("DROP TABLE unsorted")


def _entities(quads: QuadsByPredicate, database: sqlite3.Connection) -> _Entities:
    entities = _Entities(database.execute("SELECT iri, country FROM entity ORDER BY iri"))
    for iri, country in pairs(quads, _COUNTRY):
        entities.add_country(entities.number(iri), country)
    _read_times(quads, entities)
    entities.signed.update(entities.number(iri) for iri, _ in pairs(quads, _PROTOCOL))
    return entities


def _read_times(quads: QuadsByPredicate, entities: _Entities) -> None:
    """Reads the dates, and the spans of time in which an entity is valid.

    Agreements and tenures have intervals, by the rules in ontology/rules. Other dated
    entities are valid from their first date on: a past event remains an event.
    """
    dates: defaultdict[int, list[str]] = defaultdict(list)
    for predicate in _DATES:
        for iri, date in pairs(quads, predicate):
            # The dates of a place are those of its ties, not of its foundation.
            if kind_of(iri) not in _PLACES:
                dates[entities.number(iri)].append(date)
    for predicate in _INTERVALS:
        for iri, text in pairs(quads, predicate):
            entities.spans[entities.number(iri)].extend(_spans(text))
    for number, all_ in dates.items():
        if entities.kinds[number] not in ("agreement", "tenure"):
            entities.spans[number].append((min(finest_first(all_), key=chronological), _ALWAYS))
        # The facet has no decades before our era.
        entities.decades[number] = tuple({intern(date[:3] + "0") for date in all_ if not date.startswith("-")})


def _facets(quads: QuadsByPredicate, entities: _Entities) -> _Facets:
    facets = _Facets(entities)
    for number in range(entities.listed):
        facets.add(number, "type", (entities.kinds[number],))
        facets.add(number, "country", entities.countries(number))
        facets.add(number, "decade", entities.decades.get(number, ()))
    for predicate in _COVERED:
        for quad in quads.in_graphs(predicate, _SOURCE):
            entity = entities.listed_number(value_of(quad.subject))
            if entity is not None:
                facets.add(entity, "source", (value_of(quad.graph_name),))
    for agreement, party in pairs(quads, _PARTY):
        facets.add(entities.number(agreement), "country", entities.countries(entities.number(party)))
    for number, value in _protocols(quads, entities):
        facets.add(number, "protocol", (value,))
    for heir, origin in _heirs(quads, entities):
        facets.add(heir, "decade", entities.decades.get(origin, ()))
    return facets


def _protocols(quads: QuadsByPredicate, entities: _Entities) -> Iterator[tuple[int, str]]:
    """Yields the numbers of agreements, places and countries, each with "yes" for a protocol and "no" for a lack."""
    yield from ((number, "yes") for number in entities.signed)
    for place, tie in _places(quads, entities):
        value = "yes" if tie in entities.signed else "no"
        yield from ((tie, value), (place, value))


def _heirs(quads: QuadsByPredicate, entities: _Entities) -> Iterator[tuple[int, int]]:
    """Yields the number of each entity that has the times of another one, with the number of that."""
    yield from _places(quads, entities)
    yield from ((entities.number(holder), entities.number(tenure)) for tenure, holder in pairs(quads, _HOLDER))


def _places(quads: QuadsByPredicate, entities: _Entities) -> Iterator[tuple[int, int]]:
    """Yields the numbers of each party of an agreement and of its countries, with that of the agreement."""
    for agreement, party in pairs(quads, _PARTY):
        tie, place = entities.number(agreement), entities.number(party)
        yield place, tie
        yield from ((entities.number(country), tie) for country in entities.countries(place) if country != party)


def _span_rows(quads: QuadsByPredicate, entities: _Entities) -> Iterator[tuple[int, str, str]]:
    own = ((number, number) for number in list(entities.spans))
    for heir, origin in chain(own, _heirs(quads, entities)):
        if entities.is_listed(heir):
            yield from ((heir, *span) for span in entities.spans.get(origin, ()))


def _ties(quads: QuadsByPredicate, entities: _Entities) -> Iterator[tuple[int, int]]:
    for agreement, party in pairs(quads, _PARTY):
        tie, place = entities.listed_number(agreement), entities.listed_number(party)
        if tie is not None and place is not None:
            yield tie, place


def _write_listed(quads: QuadsByPredicate, database: sqlite3.Connection, entities: _Entities) -> None:
    protocols = array("B", bytes(entities.listed))
    names = ("", "no", "yes")
    for number, value in _protocols(quads, entities):
        if entities.is_listed(number):
            protocols[number] = max(protocols[number], names.index(value))
    instance = current_instance()
    first, other = (
        ranks([label for (label,) in database.execute(f"SELECT {column} FROM entity ORDER BY iri")], language)  # noqa: S608 - our own names
        for column, language in (("label", instance.languages[0]), (_SECOND_LABEL, instance.second_language))
    )
    rows = database.execute(
        f"SELECT iri, label, {_SECOND_LABEL}, country, latitude, longitude FROM entity ORDER BY iri"  # noqa: S608 - as above
    )
    insert(
        database,
        "listed",
        (
            (number, iri, kind_of(iri), label, second, first[number], other[number], *rest, names[protocols[number]])
            for number, (iri, label, second, *rest) in enumerate(rows)
        ),
    )


def kind_of(iri: str) -> str:
    """Returns the type in the IRI of an entity, such as "city"."""
    return iri.partition(ENTITY)[2].partition("/")[0]


def _endings(quads: QuadsByPredicate) -> Iterator[tuple[str, str]]:
    """Yields each agreement that is not in force any more or yet, with its last day or "" if that is unknown."""
    endings: dict[str, str] = {}
    for iri, state in pairs(quads, _STATE):
        last = _STATES.get(state.rpartition("/")[2])
        if last is not None:
            endings[iri] = min(endings.get(iri, last), last)
    intervals: defaultdict[str, list[DateInterval]] = defaultdict(list)
    for iri, text in pairs(quads, _VALID):
        if kind_of(iri) == "agreement":
            intervals[iri].append(date_interval(text))
    for iri, all_ in intervals.items():
        if not any(one.is_open for one in all_):
            endings[iri] = max(last_day(one.end) for one in all_)
    yield from endings.items()


def _spans(text: str) -> Iterator[tuple[str, str]]:
    """Yields an interval as a span, whose end is "" if it is open."""
    interval = date_interval(text)
    if interval.start or interval.end:
        # With an unknown end date, only the validity at the start is certain.
        yield interval.start, interval.end or ("" if interval.is_open else interval.start)


def ranks(labels: Sequence[str], language: str) -> array[int]:
    """Returns the rank of each label in the alphabet of a language; equal labels have one rank."""
    keys = [collation_key(label, language) for label in labels]
    in_order = sorted(range(len(labels)), key=keys.__getitem__)
    places, place = array("L", bytes(array("L").itemsize * len(labels))), -1
    for _, same in groupby(in_order, keys.__getitem__):
        place += 1
        for number in same:
            places[number] = place
    return places
