"""Reads the list of a release: what is of a kind and passes the filters, counted by every facet; and the ties."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

from pyoxigraph import Store

from citygraph.errors import NotFound
from citygraph.index.entity_writer import write_listing

FACETS = ("country", "decade", "source", "protocol")
_KEPT = 64  # answers of one release
_MOST_MADE = 20_000  # entities of a release without the list for which it is made while somebody waits
_IN = """+listed IN (
  SELECT listed FROM facet
  WHERE choice IN (SELECT number FROM choice WHERE kind = ? AND name = ? AND value IN ({marks}))
)"""
# What is true on a day is put aside, for every count asks for it; the plus keeps SQLite from looking up each of it in
# each choice. A partial date ends with what it names: "1991" is after every day of 1991.
_AT = "+listed IN temp.valid"
_VALID = "SELECT DISTINCT number FROM span WHERE since <= ? AND (until = '' OR until || '-99' >= ?)"
_COLUMNS = """
SELECT iri, label, label_tr, country, latitude, longitude,
       (SELECT min(since) FROM span WHERE span.number = listed.number),
       (SELECT count(*) FROM tie WHERE party = listed.number), protocol
FROM (SELECT *, number AS listed FROM listed) AS listed
"""
_ROWS = """
WHERE kind = ? AND {conditions} ORDER BY {order}, number LIMIT ? OFFSET ?
"""
_COUNTS = """
SELECT value, count(*) FROM choice CROSS JOIN facet ON facet.choice = choice.number
WHERE kind = ? AND name = ? AND {conditions} GROUP BY choice.number
"""
_POINTS = """
WHERE kind = ? AND latitude IS NOT NULL AND longitude IS NOT NULL AND {conditions}
ORDER BY 8 DESC, {order}, number LIMIT ?
"""
_TIES = """
SELECT one.party, other.party, one.agreement FROM tie AS one JOIN tie AS other USING (agreement)
WHERE one.party <> other.party ORDER BY one.party, other.party, one.agreement
"""


@dataclass(frozen=True)
class Wanted:
    """What is asked of the list: a kind, the values of each facet of which one must be had, a day, a language."""

    kind: str = "city"
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at: str = ""
    turkish: bool = False

    def of(self, facet: str) -> tuple[str, ...]:
        """The values wanted of a facet."""
        return dict(self.values).get(facet, ())


@dataclass(frozen=True, slots=True)
class Listed:
    """One entity of the list: since when by its first date, with how many agreements, and whether one is signed."""

    iri: str
    label: str
    label_tr: str
    country: str
    latitude: float | None
    longitude: float | None
    since: str
    ties: int
    protocol: str

    def name(self, language: str) -> str:
        """What it is called in the list."""
        return self.label_tr if language == "tr" else self.label


@dataclass(frozen=True)
class Counts:
    """How many there are: in all, and by facet and value, each facet as if nothing were wanted of it."""

    total: int
    kinds: Mapping[str, int]
    facets: Mapping[str, Mapping[str, int]]


class Listing:
    """The list of one release; several threads may ask."""

    def __init__(self, path: Path, store: Store) -> None:
        """The list in the index at `path`; for a small release without one it is made here, in memory.

        Raises NotFound if there is no index, or the release is large and was made before there were lists.
        """
        if not path.is_file():
            raise NotFound("this release has no index: build it anew")
        self._database = _opened(path, store)
        self._lock = RLock()
        self._day = ""
        self._database.execute("CREATE TEMP TABLE valid (listed INTEGER PRIMARY KEY)")
        self.counts = lru_cache(_KEPT)(self._counts)

    def rows(self, wanted: Wanted, limit: int = -1, offset: int = 0) -> list[Listed]:
        """What passes, by name."""
        conditions, values = _conditions(wanted)
        text = _COLUMNS + _ROWS.format(conditions=conditions, order=_order(wanted))
        return [_listed(row) for row in self._ask(text, wanted.kind, *values, limit, offset, at=wanted.at)]

    def points(self, wanted: Wanted, limit: int) -> list[Listed]:
        """What of it has a place on the map, that with the most ties first."""
        conditions, values = _conditions(wanted)
        text = _COLUMNS + _POINTS.format(conditions=conditions, order=_order(wanted))
        return [_listed(row) for row in self._ask(text, wanted.kind, *values, limit, at=wanted.at)]

    def named(self, iris: Iterable[str]) -> dict[str, Listed]:
        """The entities with these IRIs."""
        asked = list(iris)
        marks = ", ".join("?" * len(asked))
        text = f"{_COLUMNS} WHERE iri IN ({marks})"
        return {row[0]: _listed(row) for row in self._ask(text, *asked)}

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many there are of each type of identifier."""
        return dict(self._ask("SELECT kind, count(*) FROM listed GROUP BY kind"))

    @cached_property
    def ties(self) -> Ties:
        """All ties of the release, held for ways through them."""
        iris = dict(self._ask("SELECT number, iri FROM listed WHERE kind <> 'person'"))
        neighbours: dict[str, dict[str, list[str]]] = {}
        for one, other, agreement in self._ask(_TIES):
            neighbours.setdefault(iris[one], {}).setdefault(iris[other], []).append(iris[agreement])
        return Ties(neighbours)

    def _counts(self, wanted: Wanted) -> Counts:
        facets = {}
        for name in FACETS:
            conditions, values = _conditions(wanted, but=name)
            facets[name] = dict(
                self._ask(_COUNTS.format(conditions=conditions), wanted.kind, name, *values, at=wanted.at)
            )
        kinds = {kind: self._total(wanted, kind) for kind in self.kinds}
        return Counts(kinds.get(wanted.kind, 0), kinds, facets)

    def _total(self, wanted: Wanted, kind: str) -> int:
        conditions, values = _conditions(Wanted(kind, wanted.values, wanted.at))
        found = dict(self._ask(_COUNTS.format(conditions=conditions), kind, "type", *values, at=wanted.at))
        return int(found.get(kind, 0))

    def _ask(self, text: str, *values: object, at: str = "") -> list[tuple[Any, ...]]:
        with self._lock:
            if at and at != self._day:
                self._database.execute("DELETE FROM temp.valid")
                self._database.execute(f"INSERT INTO temp.valid {_VALID}", (at, at))
                self._day = at
            return self._database.execute(text, values).fetchall()


@dataclass(frozen=True)
class Ties:
    """Who is bound to whom, by which agreements."""

    neighbours: Mapping[str, Mapping[str, list[str]]]

    def of(self, iri: str) -> Mapping[str, list[str]]:
        """The partners of a place, each with the agreements that bind them."""
        return self.neighbours.get(iri, {})

    def shortest(self, start: str, end: str) -> list[str]:
        """The places on a shortest way from one to the other, both ends with it; none if there is no way.

        Of several the one whose names come first.
        """
        if start == end or end not in self.neighbours:
            return [start] if start == end else []
        came = {start: ""}
        ring = [start]
        while ring and end not in came:
            reached: list[str] = []
            for place in ring:
                for other in self.of(place):
                    if other not in came:
                        came[other] = place
                        reached.append(other)
            ring = reached
        way = [end] if end in came else []
        while way and way[-1] != start:
            way.append(came[way[-1]])
        return way[::-1]

    def ways(self, start: str, end: str) -> int:
        """How many ways there are of the shortest length."""
        counts = {start: 1}
        ring, seen = [start], {start}
        while ring and end not in counts:
            found: dict[str, int] = {}
            for place in ring:
                for other in self.of(place):
                    if other not in seen:
                        found[other] = found.get(other, 0) + counts[place]
            counts.update(found)
            seen |= found.keys()
            ring = list(found)
        return counts.get(end, 0)


def _listed(row: tuple[Any, ...]) -> Listed:
    iri, label, label_tr, country, latitude, longitude, since, ties, protocol = row
    return Listed(iri, label, label_tr, country or "", latitude, longitude, since or "", ties, protocol or "")


def _opened(path: Path, store: Store) -> sqlite3.Connection:
    """The index, or a copy of what it has in memory with the list added."""
    address = f"file:{path}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    if database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'listed'").fetchone()[0]:
        return database
    with closing(database):
        if database.execute("SELECT count(*) FROM entity").fetchone()[0] > _MOST_MADE:
            raise NotFound("this release was made before there were lists: build it anew")
        rows = database.execute("SELECT iri, label, label_tr, country, latitude, longitude FROM entity")
        made = sqlite3.connect(":memory:", check_same_thread=False)
        made.execute("CREATE TABLE entity (iri, label, label_tr, country, latitude, longitude)")
        made.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?)", rows)
    write_listing(store, made)
    return made


def _conditions(wanted: Wanted, but: str = "") -> tuple[str, list[str]]:
    """The condition of all filters, without those of one facet."""
    texts, bound = ["1"], []
    for name, values in wanted.values:
        if values and name != but:
            texts.append(_IN.format(marks=", ".join("?" * len(values))))
            bound += [wanted.kind, name, *values]
    if wanted.at:
        texts.append(_AT)
    return " AND ".join(texts), bound


def _order(wanted: Wanted) -> str:
    return "place_tr" if wanted.turkish else "place"
