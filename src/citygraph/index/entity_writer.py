"""The writer of the entity table of an index: kind, countries, decades, sources, protocols, dates and ties."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyoxigraph import Store

from citygraph.index.facts import ENTITY, pairs, value_of
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
_ENTITIES = """
SELECT iri, label, coalesce(nullif(label_tr, ''), label), country, latitude, longitude FROM entity
"""
# Created when the tables are full, so that each index is written once, in order.
_INDEXES = """
CREATE UNIQUE INDEX listed_iri ON listed (iri);
CREATE INDEX listed_place ON listed (kind, place);
CREATE INDEX listed_place_tr ON listed (kind, place_tr);
CREATE UNIQUE INDEX choice_value ON choice (kind, name, value);
CREATE INDEX tie_party ON tie (party);
"""


@dataclass(slots=True)
class _Entry:
    """The facet values of one entity; places and people inherit those of their ties and offices."""

    countries: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    spans: set[tuple[str, str]] = field(default_factory=set)
    protocols: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


def write_entity_table(store: Store, database: sqlite3.Connection) -> None:
    """Writes the tables for the rows of the table `entity` of the index."""
    database.executescript(SCHEMA_TEXT)
    rows = database.execute(_ENTITIES).fetchall()
    entries = _entries(store, {row[0]: row[3] for row in rows})
    numbers = {row[0]: number for number, row in enumerate(rows)}
    instance = current_instance()
    first = ranks({row[1] for row in rows}, instance.languages[0])
    other = ranks({row[2] for row in rows}, instance.second_language)
    database.executemany(
        "INSERT INTO listed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, iri, kind_of(iri), label, second, first[label], other[second], *rest, _protocol(entries[iri]))
            for number, (iri, label, second, *rest) in enumerate(rows)
        ),
    )
    _write_facets(database, entries, numbers)
    spans = sorted({(number, *span) for iri, number in numbers.items() for span in entries[iri].spans})
    database.executemany("INSERT INTO span VALUES (?, ?, ?)", spans)
    ties = sorted({(numbers[a], numbers[p]) for a, p in pairs(store, _PARTY) if a in numbers and p in numbers})
    database.executemany("INSERT INTO tie VALUES (?, ?)", ties)
    endings = sorted((numbers[iri], last) for iri, last in _endings(store) if iri in numbers)
    database.executemany("INSERT INTO ending VALUES (?, ?)", endings)
    database.executescript(_INDEXES)


def _protocol(entry: _Entry) -> str:
    return max(entry.protocols, default="")


def _write_facets(database: sqlite3.Connection, entries: dict[str, _Entry], numbers: dict[str, int]) -> None:
    numbers_of: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for iri, number in numbers.items():
        for choice in _facets(iri, entries[iri]):
            numbers_of[choice].append(number)
    choices = sorted(numbers_of)
    database.executemany("INSERT INTO choice VALUES (?, ?, ?, ?)", ((n, *one) for n, one in enumerate(choices)))
    rows = ((n, number) for n, one in enumerate(choices) for number in sorted(numbers_of[one]))
    database.executemany("INSERT INTO facet VALUES (?, ?)", rows)


def kind_of(iri: str) -> str:
    """Returns the type in the IRI of an entity, such as "city"."""
    return iri.partition(ENTITY)[2].partition("/")[0]


def _entries(store: Store, countries: dict[str, str]) -> dict[str, _Entry]:
    entries: defaultdict[str, _Entry] = defaultdict(_Entry)
    for iri, country in countries.items():
        entries[iri].countries.update(filter(None, [country]))
    for iri, country in pairs(store, _COUNTRY):
        entries[iri].countries.add(country)
    _read_times(store, entries)
    _read_sources(store, entries)
    _inherit(store, entries)
    return entries


def _read_sources(store: Store, entries: dict[str, _Entry]) -> None:
    for graph in store.named_graphs():
        if _SOURCE in value_of(graph):
            for predicate in _COVERED:
                for quad in store.quads_for_pattern(None, predicate, None, graph):
                    entry = entries.get(value_of(quad.subject))
                    if entry is not None:
                        entry.sources.add(value_of(graph))


def _read_times(store: Store, entries: dict[str, _Entry]) -> None:
    """Reads the dates, and the spans of time in which an entity is valid.

    Agreements and tenures have intervals, by the rules in ontology/rules. Other dated
    entities are valid from their first date on: a past event remains an event.
    """
    for predicate in _DATES:
        for iri, date in pairs(store, predicate):
            # The dates of a place are those of its ties, not of its foundation.
            if kind_of(iri) not in _PLACES:
                entries[iri].dates.add(date)
    for predicate in _INTERVALS:
        for iri, text in pairs(store, predicate):
            entries[iri].spans.update(_spans(text))
    for iri, entry in entries.items():
        if entry.dates and kind_of(iri) not in ("agreement", "tenure"):
            entry.spans.add((min(finest_first(entry.dates), key=chronological), _ALWAYS))
    for iri, _ in pairs(store, _PROTOCOL):
        entries[iri].protocols = {"yes"}


def _endings(store: Store) -> Iterator[tuple[str, str]]:
    """Yields each agreement that is not in force any more or yet, with its last day or "" if that is unknown."""
    named = ((iri, state.rpartition("/")[2]) for iri, state in pairs(store, _STATE))
    endings = {iri: _STATES[name] for iri, name in named if name in _STATES}
    intervals: defaultdict[str, list[DateInterval]] = defaultdict(list)
    for iri, text in pairs(store, _VALID):
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


def _inherit(store: Store, entries: dict[str, _Entry]) -> None:
    """Copies the dates of agreements to places and their countries, those of tenures to persons."""
    for agreement, party in pairs(store, _PARTY):
        tie, place = entries[agreement], entries[party]
        tie.protocols = tie.protocols or {"no"}
        tie.countries |= place.countries
        for one in (place, *(entries[country] for country in place.countries if country != party)):
            one.dates |= tie.dates
            one.spans |= tie.spans
            one.protocols |= tie.protocols
    for tenure, holder in pairs(store, _HOLDER):
        entries[holder].dates |= entries[tenure].dates
        entries[holder].spans |= entries[tenure].spans


def _facets(iri: str, entry: _Entry) -> Iterator[tuple[str, str, str]]:
    """Yields kind, facet and value, each once."""
    kind = kind_of(iri)
    yield kind, "type", kind
    facets = {
        "country": entry.countries,
        # The facet has no decades before our era.
        "decade": {date[:3] + "0" for date in entry.dates if not date.startswith("-")},
        "source": entry.sources,
        "protocol": entry.protocols,
    }
    for name, values in facets.items():
        for value in values:
            yield kind, name, value


def ranks(labels: set[str], language: str) -> dict[str, int]:
    """Returns the rank of each label in the alphabet of a language."""
    in_order = sorted(labels, key=lambda label: collation_key(label, language))
    return {label: place for place, label in enumerate(in_order)}
