"""The entity table of a release: the entities of a kind that pass a filter, and their counts by facet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

from pyoxigraph import Store

from citygraph.errors import NotFound
from citygraph.index.entity_writer import ranks, write_entity_table
from citygraph.index.facts import StoredQuads
from citygraph.index.tie_graph import TieGraph
from citygraph.instance import current_instance

FACETS = ("country", "decade", "source", "protocol")
_MAX_COUNTS = 64  # cached counts of one release
_MAX_DAYS = 2  # cached graphs of ties: those of the last two days
# Of a release without the table it is written when a request needs it; for more entities that takes too long.
_MAX_WRITTEN = 20_000
_IN = """+listed IN (
  SELECT listed FROM facet
  WHERE choice IN (SELECT number FROM choice WHERE kind = ? AND name = ? AND value IN ({marks}))
)"""
# The entities valid on a day are put into a temporary table, because every count needs them. The plus keeps SQLite
# from looking up each of them in each choice. A partial date ends with its period: "1991-99" is after 1991-12-31.
_AT = "+listed IN temp.valid"
# An entity without an end is valid on any day that is not in the future.
_VALID = "SELECT DISTINCT number FROM span WHERE since <= ? AND (until = '' AND NOT ? OR until || '-99' >= ?)"
# An agreement that ended on an unknown date is over today, but had not necessarily ended on a day in the past.
_ENDED = "SELECT agreement FROM ending WHERE last < ? AND (last <> '' OR ?)"
_COLUMNS = """
SELECT iri, label, label_tr, country, latitude, longitude,
       (SELECT min(nullif(since, '')) FROM span WHERE span.number = listed.number),
       (SELECT count(*) FROM tie WHERE party = listed.number) AS ties, protocol,
       (SELECT count(*) FROM temp.ended WHERE agreement = listed.number)
       + (SELECT count(*) FROM tie JOIN temp.ended USING (agreement) WHERE party = listed.number) AS ended
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
ORDER BY ties - ended DESC, {order}, number LIMIT ?
"""
# The ranks of names in a further language, which the index does not have. Without its type, SQLite would not look up
# the number in the key, and read all ranks for each entity.
_FURTHER_TABLE = """
CREATE TEMP TABLE further (language TEXT, number INTEGER, place INTEGER, PRIMARY KEY (language, number)) WITHOUT ROWID
"""
_FURTHER = "(SELECT place FROM temp.further WHERE further.number = listed AND further.language = ?)"
_TIES = """
SELECT one.party, other.party, one.agreement FROM tie AS one JOIN tie AS other USING (agreement)
WHERE one.party <> other.party AND agreement NOT IN temp.ended ORDER BY one.party, other.party, one.agreement
"""


@dataclass(frozen=True)
class Filter:
    """A filter of entities: the kind, the accepted values of each facet, a day, and the language of the order.

    `language` is that of the order if it is in neither of the index's languages; see `EntityTable.rank`.
    `today` is the day of the request: without one, an end counts only by the day of the filter.
    """

    kind: str = "city"
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    at: str = ""
    second: bool = False
    today: str = ""
    language: str = ""

    @property
    def is_future(self) -> bool:
        """Whether the day is after the day of the request."""
        return bool(self.today) and self.at > self.today

    def of(self, facet: str) -> tuple[str, ...]:
        """Returns the accepted values of a facet."""
        return dict(self.values).get(facet, ())


@dataclass(frozen=True, slots=True)
class Entity:
    """A row of the table.

    `since` is its first date, `ties` counts agreements, `protocol` is "yes" if one is signed.

    `ended` is the number of its agreements that are not in force, or 1 for such an agreement.
    """

    iri: str
    label: str
    second_label: str
    country: str
    latitude: float | None
    longitude: float | None
    since: str
    ties: int
    protocol: str
    ended: int = 0

    @property
    def in_force(self) -> int:
        """The number of its agreements that are in force."""
        return self.ties - self.ended

    def name(self, language: str) -> str:
        """Returns the label in a language."""
        return self.second_label if language == current_instance().second_language else self.label


@dataclass(frozen=True)
class FacetCounts:
    """The number of entities in total, by kind, and by facet and value; a facet ignores its own filter."""

    total: int
    kinds: Mapping[str, int]
    facets: Mapping[str, Mapping[str, int]]


class EntityTable:
    """The entity table of one release, for several threads."""

    def __init__(self, path: Path, store: Store) -> None:
        """Opens the table in the index at `path`; for a small release without one it is written here, in memory.

        Raises NotFound if there is no index, or the release is large and older than the table.
        """
        if not path.is_file():
            raise NotFound("this release has no index: build it again")
        self._database = _opened(path, store)
        self._lock = RLock()
        self._day = ("", "")
        self._database.execute("CREATE TEMP TABLE valid (listed INTEGER PRIMARY KEY)")
        self._database.execute("CREATE TEMP TABLE ended (agreement INTEGER PRIMARY KEY)")
        self._database.execute(_FURTHER_TABLE)
        self._ranked: set[tuple[str, str]] = set()
        self.ties_on = lru_cache(_MAX_DAYS)(self._ties_on)
        self.counts = lru_cache(_MAX_COUNTS)(self._counts)

    def rows(self, filter_: Filter, limit: int = -1, offset: int = 0) -> list[Entity]:
        """Returns the entities that pass, by name."""
        conditions, values = _conditions(filter_)
        text = _COLUMNS + _ROWS.format(conditions=conditions, order=_order(filter_))
        bound = (filter_.kind, *values, *_bound_by_order(filter_), limit, offset)
        return [_entity(row) for row in self._ask(text, *bound, filter_=filter_)]

    def points(self, filter_: Filter, limit: int) -> list[Entity]:
        """Returns the entities that pass and have coordinates, those with the most ties in force first."""
        conditions, values = _conditions(filter_)
        text = _COLUMNS + _POINTS.format(conditions=conditions, order=_order(filter_))
        bound = (filter_.kind, *values, *_bound_by_order(filter_), limit)
        return [_entity(row) for row in self._ask(text, *bound, filter_=filter_)]

    def rank(self, kind: str, language: str, name_of: Callable[[str], str]) -> None:
        """Ranks the entities of a kind by their names in a further language, if it has not been done yet."""
        if (kind, language) in self._ranked:
            return
        numbers = self._ask("SELECT number, iri FROM listed WHERE kind = ?", kind)
        names = {number: name_of(iri) for number, iri in numbers}
        places = ranks(list(names.values()), language)
        rows = [(language, number, place) for number, place in zip(names, places, strict=True)]
        with self._lock:
            self._database.executemany("INSERT OR REPLACE INTO temp.further VALUES (?, ?, ?)", rows)
            self._ranked.add((kind, language))

    def named(self, iris: Iterable[str]) -> dict[str, Entity]:
        """Returns the entities with these IRIs."""
        values = list(iris)
        marks = ", ".join("?" * len(values))
        text = f"{_COLUMNS} WHERE iri IN ({marks})"
        return {row[0]: _entity(row) for row in self._ask(text, *values)}

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """The number of entities by kind, which is a part of the identifier: "city" in id/city/…"""
        return dict(self._ask("SELECT kind, count(*) FROM listed GROUP BY kind"))

    def ended_count(self, today: str) -> int:
        """Returns the number of agreements that are not in force today."""
        return int(self._ask("SELECT count(*) FROM temp.ended", day=("", today))[0][0])

    def _ties_on(self, today: str) -> TieGraph:
        """Returns the graph of the ties that are in force today."""
        iris = dict(self._ask("SELECT number, iri FROM listed WHERE kind <> 'person'"))
        neighbours: dict[str, dict[str, list[str]]] = {}
        for one, other, agreement in self._ask(_TIES, day=("", today)):
            neighbours.setdefault(iris[one], {}).setdefault(iris[other], []).append(iris[agreement])
        return TieGraph(neighbours)

    def _counts(self, filter_: Filter) -> FacetCounts:
        facets = {}
        for name in FACETS:
            conditions, values = _conditions(filter_, but=name)
            facets[name] = dict(
                self._ask(_COUNTS.format(conditions=conditions), filter_.kind, name, *values, filter_=filter_)
            )
        kinds = {kind: self._total(filter_, kind) for kind in self.kinds}
        return FacetCounts(kinds.get(filter_.kind, 0), kinds, facets)

    def _total(self, filter_: Filter, kind: str) -> int:
        conditions, values = _conditions(replace(filter_, kind=kind))
        counts = dict(self._ask(_COUNTS.format(conditions=conditions), kind, "type", *values, filter_=filter_))
        return int(counts.get(kind, 0))

    def _ask(
        self, text: str, *values: object, filter_: Filter | None = None, day: tuple[str, str] = ("", "")
    ) -> list[tuple[Any, ...]]:
        # One connection serves all threads, and the temporary tables are those of the last requested days.
        with self._lock:
            self._set_day(*((filter_.at, filter_.today) if filter_ else day))
            return self._database.execute(text, values).fetchall()

    def _set_day(self, at: str, today: str) -> None:
        if (at, today) == self._day:
            return
        is_future = bool(today) and at > today
        self._database.execute("DELETE FROM temp.valid")
        if at:
            self._database.execute(f"INSERT INTO temp.valid {_VALID}", (at, is_future, at))
        self._database.execute("DELETE FROM temp.ended")
        self._database.execute(f"INSERT INTO temp.ended {_ENDED}", (at or today, (at or today) >= today))
        self._day = (at, today)


def _entity(row: tuple[Any, ...]) -> Entity:
    iri, label, label_tr, country, latitude, longitude, since, ties, protocol, ended = row
    return Entity(iri, label, label_tr, country or "", latitude, longitude, since or "", ties, protocol or "", ended)


def _opened(path: Path, store: Store) -> sqlite3.Connection:
    """Opens the index, or copies it into memory and adds the table."""
    address = f"file:{path}?mode=ro&immutable=1"
    database = sqlite3.connect(address, uri=True, check_same_thread=False)
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    if "listed" in tables:
        if "ending" not in tables:  # written by an older version: no end is known
            database.execute("CREATE TEMP TABLE ending (agreement INTEGER PRIMARY KEY, last TEXT)")
        return database
    with closing(database):
        if database.execute("SELECT count(*) FROM entity").fetchone()[0] > _MAX_WRITTEN:
            raise NotFound("this release is older than the entity table: build it again")
        rows = database.execute("SELECT iri, label, label_tr, country, latitude, longitude FROM entity")
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        copy.execute("CREATE TABLE entity (iri, label, label_tr, country, latitude, longitude)")
        copy.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?)", rows)
    write_entity_table(StoredQuads(store), copy)
    return copy


def _conditions(filter_: Filter, but: str = "") -> tuple[str, list[str]]:
    """Returns the SQL condition of all filters except those of one facet, and its values."""
    texts, bound = ["1"], []
    for name, values in filter_.values:
        if values and name != but:
            texts.append(_IN.format(marks=", ".join("?" * len(values))))
            bound += [filter_.kind, name, *values]
    if filter_.at:
        texts.append(_AT)
    return " AND ".join(texts), bound


def _order(filter_: Filter) -> str:
    return _FURTHER if filter_.language else "place_tr" if filter_.second else "place"


def _bound_by_order(filter_: Filter) -> tuple[str, ...]:
    return (filter_.language,) if filter_.language else ()
