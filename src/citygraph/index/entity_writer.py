"""Writes the list into an index: kind, countries, decades, sources, protocols, times and ties of every entity."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.rdf.terms import CG, RDF
from citygraph.text import collation_key

ENTITY = "/id/"  # what every entity's IRI has, whatever the base
_SOURCE = "/source/"
_PARTY, _HOLDER, _COUNTRY, _END = CG("party"), CG("holder"), CG("country"), CG("endDate")
_PROTOCOL = CG("protocolDate")
_DATES = (CG("councilActDate"), _PROTOCOL, CG("startDate"), CG("attestedOn"), CG("foundingDate"))
# A source tells of what it says any of this of.
_TELLING = (RDF("type"), _COUNTRY, _PARTY, _END, *_DATES)
# Beside what search is made of; when none of these has changed, neither has what is written here.
READ = frozenset({*_TELLING, _HOLDER})
_PLACES = ("city", "area", "country")
# `place` and `place_tr` are the places in the alphabet by the two labels; `country` is one, the facet has all.
# A choice is a value of a facet for things of a kind.
SCHEMA_TEXT = """
CREATE TABLE listed (
  number INTEGER PRIMARY KEY, iri TEXT, kind TEXT, label TEXT, label_tr TEXT, place INTEGER, place_tr INTEGER,
  country TEXT, latitude REAL, longitude REAL, protocol TEXT
);
CREATE TABLE choice (number INTEGER PRIMARY KEY, kind TEXT, name TEXT, value TEXT);
CREATE TABLE facet (choice INTEGER, listed INTEGER, PRIMARY KEY (choice, listed)) WITHOUT ROWID;
CREATE TABLE span (number INTEGER, since TEXT, until TEXT, PRIMARY KEY (number, since, until)) WITHOUT ROWID;
CREATE TABLE tie (agreement INTEGER, party INTEGER, PRIMARY KEY (agreement, party)) WITHOUT ROWID;
"""
_INDEXES = """
CREATE UNIQUE INDEX listed_iri ON listed (iri);
CREATE INDEX listed_place ON listed (kind, place);
CREATE INDEX listed_place_tr ON listed (kind, place_tr);
CREATE UNIQUE INDEX choice_value ON choice (kind, name, value);
CREATE INDEX tie_party ON tie (party);
"""


@dataclass(slots=True)
class _Entry:
    """What is told of one entity by which it is found; places and people have it of their ties and offices."""

    countries: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    spans: set[tuple[str, str]] = field(default_factory=set)
    protocols: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


def write_listing(store: Store, database: sqlite3.Connection) -> None:
    """Write the list of what stands in the table `entity` of the index."""
    database.executescript(SCHEMA_TEXT)
    rows = database.execute("SELECT iri, label, label_tr, country, latitude, longitude FROM entity").fetchall()
    entries = _entries(store, {row[0]: row[3] for row in rows})
    numbers = {row[0]: number for number, row in enumerate(rows)}
    ranks = _ranks({label for row in rows for label in row[1:3]})
    database.executemany(
        "INSERT INTO listed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, iri, kind_of(iri), label, turkish or label, ranks[label], ranks[turkish or label], *rest,
             max(entries[iri].protocols, default=""))
            for number, (iri, label, turkish, *rest) in enumerate(rows)
        ),
    )  # fmt: skip
    _write_facets(database, entries, numbers)
    spans = sorted({(number, *span) for iri, number in numbers.items() for span in entries[iri].spans})
    database.executemany("INSERT INTO span VALUES (?, ?, ?)", spans)
    ties = sorted({(numbers[a], numbers[p]) for a, p in _pairs(store, _PARTY) if a in numbers and p in numbers})
    database.executemany("INSERT INTO tie VALUES (?, ?)", ties)
    database.executescript(_INDEXES)


def _write_facets(database: sqlite3.Connection, entries: dict[str, _Entry], numbers: dict[str, int]) -> None:
    having: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for iri, number in numbers.items():
        for choice in _facets(iri, entries[iri]):
            having[choice].append(number)
    choices = sorted(having)
    database.executemany("INSERT INTO choice VALUES (?, ?, ?, ?)", ((n, *one) for n, one in enumerate(choices)))
    pairs = ((n, number) for n, one in enumerate(choices) for number in sorted(having[one]))
    database.executemany("INSERT INTO facet VALUES (?, ?)", pairs)


def kind_of(iri: str) -> str:
    """The type in an identifier: "city"."""
    return iri.partition(ENTITY)[2].partition("/")[0]


def _entries(store: Store, countries: dict[str, str]) -> dict[str, _Entry]:
    entries: defaultdict[str, _Entry] = defaultdict(_Entry)
    for iri, country in countries.items():
        entries[iri].countries.update(filter(None, [country]))
    for iri, country in _pairs(store, _COUNTRY):
        entries[iri].countries.add(country)
    _read_times(store, entries)
    _read_sources(store, entries)
    _inherit(store, entries)
    return entries


def _read_sources(store: Store, entries: dict[str, _Entry]) -> None:
    for graph in store.named_graphs():
        if _SOURCE in _value(graph):
            for predicate in _TELLING:
                for quad in store.quads_for_pattern(None, predicate, None, graph):
                    entry = entries.get(_value(quad.subject))
                    if entry is not None:
                        entry.sources.add(_value(graph))


def _read_times(store: Store, entries: dict[str, _Entry]) -> None:
    """Its dates, and from the first of them to its end the time for which it is true."""
    for predicate in _DATES:
        for iri, date in _pairs(store, predicate):
            # A place has the times of its ties; when it was founded is another matter.
            if kind_of(iri) not in _PLACES:
                entries[iri].dates.add(date)
    ends: dict[str, str] = {}
    for iri, date in _pairs(store, _END):
        ends[iri] = max(date, ends.get(iri, ""))
    for iri, entry in entries.items():
        if entry.dates:
            entry.spans.add((min(entry.dates), ends.get(iri, "")))
    for iri, _ in _pairs(store, _PROTOCOL):
        entries[iri].protocols = {"yes"}


def _inherit(store: Store, entries: dict[str, _Entry]) -> None:
    """A place has the times of its agreements, a country those of its places, a person those of the offices."""
    for agreement, party in _pairs(store, _PARTY):
        of, place = entries[agreement], entries[party]
        of.protocols = of.protocols or {"no"}
        of.countries |= place.countries
        for one in (place, *(entries[country] for country in place.countries if country != party)):
            one.dates |= of.dates
            one.spans |= of.spans
            one.protocols |= of.protocols
    for tenure, holder in _pairs(store, _HOLDER):
        entries[holder].dates |= entries[tenure].dates
        entries[holder].spans |= entries[tenure].spans


def _facets(iri: str, entry: _Entry) -> Iterator[tuple[str, str, str]]:
    """Kind, facet and value, each once."""
    kind = kind_of(iri)
    yield kind, "type", kind
    named = (("country", entry.countries), ("decade", {date[:3] + "0" for date in entry.dates}),
             ("source", entry.sources), ("protocol", entry.protocols))  # fmt: skip
    for name, values in named:
        for value in values:
            yield kind, name, value


def _ranks(labels: set[str]) -> dict[str, int]:
    """The place of each label in the alphabet."""
    return {label: place for place, label in enumerate(sorted(labels, key=_key))}


def _key(label: str) -> str:
    """The key of the alphabet as one text, which sorts several times faster than pairs of numbers."""
    return "".join([chr(place + 1) + chr(letter) for place, letter in collation_key(label)])


def _pairs(store: Store, predicate: NamedNode) -> Iterator[tuple[str, str]]:
    """Subject and value of each statement in the merge of all graphs."""
    for quad in store.quads_for_pattern(None, predicate, None, DefaultGraph()):
        subject, value = _value(quad.subject), _value(quad.object)
        if ENTITY in subject and "#" not in subject and value:
            yield subject, value


def _value(term: object) -> str:
    return term.value if isinstance(term, NamedNode | Literal) else ""
