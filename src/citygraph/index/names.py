"""The index of a release: every name of every entity in its search form, and what tells namesakes apart; one file."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.index import entity_writer as listing
from citygraph.index import facts
from citygraph.index.entity_writer import write_listing
from citygraph.index.facts import ENTITY, Facts, read_facts
from citygraph.index.spelling import keys
from citygraph.rdf.terms import RDFS, SKOS
from citygraph.text import fold, nfc

INDEX = "search.sqlite"
# What commits changed of the index since it was written whole; the index itself is shared by their releases.
AMENDMENTS = "search-changed.sqlite"
_VERSION = 2  # of the tables; a file of another is not read but made anew
_LABELS = ((RDFS("label"), 1), (SKOS("altLabel"), 0))
# The properties that the index is made of.
INDEXED = frozenset({predicate for predicate, _ in _LABELS} | facts.READ | listing.READ)
SCHEMA = f"""
PRAGMA user_version = {_VERSION};
CREATE TABLE name (entity TEXT, text TEXT, language TEXT, preferred INTEGER, folded TEXT);
CREATE TABLE entity (
  iri TEXT PRIMARY KEY, identifier TEXT, label TEXT, label_tr TEXT, types TEXT, country TEXT, latitude REAL,
  longitude REAL, first TEXT, last TEXT, qids TEXT
) WITHOUT ROWID;
CREATE TABLE qid (qid TEXT, entity TEXT, PRIMARY KEY (qid, entity)) WITHOUT ROWID;
CREATE TABLE spelling (number INTEGER PRIMARY KEY, folded TEXT);
CREATE TEMP TABLE unsorted (key INTEGER, spelling INTEGER);
CREATE TABLE key (key INTEGER, spelling INTEGER, PRIMARY KEY (key, spelling)) WITHOUT ROWID;
CREATE VIRTUAL TABLE word USING fts5 (folded, content='name', prefix='1 2 3', tokenize='ascii');
"""
# Made when the tables are full: each is then written once, in order.
_INDEXES = """
CREATE INDEX name_folded ON name (folded, entity, preferred);
CREATE INDEX name_entity ON name (entity);
CREATE INDEX entity_identifier ON entity (identifier);
INSERT INTO key SELECT DISTINCT key, spelling FROM unsorted ORDER BY key, spelling;
INSERT INTO word (word) VALUES ('rebuild');
"""
# An exact name before a name that begins so before one that has the words; a label before an alias; short first.
_FIND = """
SELECT name.entity, name.text, name.language, name.preferred, length(name.folded),
       CASE WHEN name.folded = :folded THEN 0 WHEN name.folded LIKE :folded || '%' THEN 1 ELSE 2 END AS rank
FROM word JOIN name ON name.rowid = word.rowid
WHERE word MATCH :words AND name.entity LIKE :kind
ORDER BY rank, name.preferred DESC, length(name.folded), name.entity
LIMIT :limit
"""

# As many names are counted at most: of what is found everywhere, nobody reads the number.
MOST_COUNTED = 5_000
_COUNT = """
SELECT substr(entity, place + 4, instr(substr(entity, place + 4), '/') - 1), count(*) FROM (
  SELECT DISTINCT entity, instr(entity, '/id/') AS place FROM (
    SELECT name.entity FROM word JOIN name ON name.rowid = word.rowid WHERE word MATCH ? LIMIT ?
  )
) GROUP BY 1
"""
_AMENDED = "SELECT iri FROM changed WHERE iri IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class Hit:
    """An entity found, by which of its names."""

    entity: str
    name: str
    language: str
    preferred: bool


def write_index(store: Store, path: Path) -> int:
    """Write the index of all entities in the store, by label, alias and facts; answers how many names."""
    with closing(sqlite3.connect(path)) as database:
        # Nobody sees the file before it is whole, and a release is brought to the disk when it is published.
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        database.executemany("INSERT INTO name VALUES (?, ?, ?, ?, ?)", names(store))
        _write_spellings(database)
        _write_entities(database, read_facts(store))
        write_listing(store, database)
        database.commit()
        database.executescript(_INDEXES)
        database.execute("ANALYZE")
        database.commit()
        count: int = database.execute("SELECT count(*) FROM name").fetchone()[0]
    return count


def is_readable(path: Path) -> bool:
    """Whether the file is an index of this version."""
    if not path.is_file():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        return bool(database.execute("PRAGMA user_version").fetchone()[0] == _VERSION)


class Index:
    """The label index of a release, open for reading in one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._database = _opened(path)
        changed = path.with_name(AMENDMENTS)
        self._changed = _opened(changed) if changed.is_file() else None

    def find(self, text: str, limit: int = 20, kind: str = "") -> list[Hit]:
        """The entities whose names have the words of `text`, the last of them as a beginning; best first.

        `kind` keeps those of one type of identifier, such as "city". An entity appears once, by its best name.
        """
        folded = fold(text)
        if not folded:
            return []
        words = _match(folded)
        like = f"%{ENTITY}{kind}/%" if kind else "%"
        rows = self._ask(_FIND, {"folded": folded, "words": words, "kind": like, "limit": limit * 8})
        rows.sort(key=lambda row: (row[5], not row[3], row[4], row[0]))
        hits: dict[str, Hit] = {}
        for entity, name, language, preferred, *_ in rows:
            hits.setdefault(entity, Hit(entity, name, language, bool(preferred)))
        return list(hits.values())[:limit]

    def counts(self, text: str) -> dict[str, int]:
        """How many entities of each type of identifier `find` would find without a limit; MOST_COUNTED at most."""
        folded = fold(text)
        counted: Counter[str] = Counter()
        for kind, number in self._ask(_COUNT, (_match(folded), MOST_COUNTED), of_entities=False) if folded else ():
            counted[kind] += number
        return dict(counted)

    def names_of(self, entity: str) -> list[str]:
        """The names of an entity, its labels first, each once."""
        rows = self._ask(
            "SELECT entity, text FROM name WHERE entity = ? ORDER BY preferred DESC, language, text", (entity,)
        )
        return list(dict.fromkeys(text for _, text in rows))

    def close(self) -> None:
        """Close the files."""
        for database in (self._database, self._changed):
            if database is not None:
                database.close()

    def __del__(self) -> None:
        """A thread that ends lets go of its index."""
        if hasattr(self, "_changed"):
            self.close()

    def _ask(
        self, text: str, values: Sequence[Any] | dict[str, Any], of_entities: bool = True
    ) -> list[tuple[Any, ...]]:
        """The rows of index and amendments; with `of_entities` the first column is an entity, which one knows."""
        rows = self._database.execute(text, values).fetchall()
        if self._changed is None:
            return rows
        if of_entities:
            told = json.dumps([row[0] for row in rows])
            stale = {iri for (iri,) in self._changed.execute(_AMENDED, (told,))}
            rows = [row for row in rows if row[0] not in stale]
        return rows + self._changed.execute(text, values).fetchall()


def _opened(path: Path) -> sqlite3.Connection:
    # Used by one thread, but closed by whichever lets it go.
    return sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def names(store: Store) -> Iterator[tuple[str, str, str, int, str]]:
    """The rows of all names in a store."""
    for predicate, preferred in _LABELS:
        for quad in store.quads_for_pattern(None, predicate, None, DefaultGraph()):
            entity, label = quad.subject, quad.object
            if isinstance(entity, NamedNode) and isinstance(label, Literal) and ENTITY in entity.value:
                yield entity.value, nfc(label.value), label.language or "", preferred, fold(label.value)


def _write_spellings(database: sqlite3.Connection) -> None:
    """Each folded name once, with the keys by which it is found with a letter wrong."""
    database.execute("INSERT INTO spelling (folded) SELECT DISTINCT folded FROM name")
    rows = database.execute("SELECT number, folded FROM spelling")
    pairs = ((key, number) for number, folded in rows for key in keys(folded))
    database.executemany("INSERT INTO unsorted VALUES (?, ?)", pairs)


def _write_entities(database: sqlite3.Connection, found: dict[str, Facts]) -> None:
    labelled = database.execute("SELECT entity, text, language FROM name WHERE preferred ORDER BY language, text")
    rows = entities(labelled, found)
    database.executemany(f"INSERT INTO entity VALUES ({', '.join('?' * 11)})", rows)  # noqa: S608 - only marks
    pairs = ((qid, iri) for iri, known in found.items() for qid in known.qids)
    database.executemany("INSERT OR IGNORE INTO qid VALUES (?, ?)", pairs)


def entities(labelled: Iterable[tuple[str, str, str]], found: dict[str, Facts]) -> Iterator[tuple[Any, ...]]:
    """The rows of entities, from their labels (entity, text, language; ordered by language and text) and facts."""
    labels: dict[str, dict[str, str]] = {}
    for entity, text, language in labelled:
        labels.setdefault(entity, {}).setdefault(language, text)
    return (_entity(iri, found[iri], by_language) for iri, by_language in labels.items() if iri in found)


def _entity(iri: str, known: Facts, labels: dict[str, str]) -> tuple[str | float | None, ...]:
    label = labels.get("en") or next(iter(labels.values()))
    types, qids = " ".join(sorted(known.types)), " ".join(sorted(set(known.qids)))
    return (iri, iri.partition(ENTITY)[2], label, labels.get("tr", ""), types, known.country, known.latitude,
            known.longitude, known.first, known.last, qids)  # fmt: skip


def _match(folded: str) -> str:
    """The words, the last of them as a beginning, as FTS5 asks for them."""
    return " ".join(f'"{word}"*' if last else f'"{word}"' for word, last in _with_last(folded.split()))


def _with_last(words: list[str]) -> Iterator[tuple[str, bool]]:
    for number, word in enumerate(words, 1):
        yield word, number == len(words)
