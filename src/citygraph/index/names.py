"""The index of a release: the names of all entities in search form, and the facts that distinguish namesakes."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from pyoxigraph import Literal, NamedNode

from citygraph.index import entity_writer, facts
from citygraph.index.entity_writer import insert, insert_sorted, write_entity_table
from citygraph.index.facts import ENTITY, EntityFacts, QuadsByPredicate, dates, read_facts, withdrawn
from citygraph.index.spelling import keys
from citygraph.instance import current_instance
from citygraph.rdf.terms import RDFS, SKOS
from citygraph.text import ALL_LANGUAGES, best_tag, fold, nfc

INDEX = "search.sqlite"
# The entities that commits changed since the index was written; releases share the index itself as one file.
AMENDMENTS = "search-changed.sqlite"
_VERSION = 2  # of the tables; an index of another version is written again
# A hidden label, such as a misprint, finds its entity like any other name.
_LABELS = ((RDFS("label"), 1), (SKOS("altLabel"), 0), (SKOS("hiddenLabel"), 0))
# The properties that the index is made of.
INDEXED = frozenset({predicate for predicate, _ in _LABELS} | facts.READ | entity_writer.READ)
# In addition to the tables of this version: an index without it has no dates by property.
DATED = """
CREATE TABLE IF NOT EXISTS dated (
  entity TEXT, property TEXT, date TEXT, PRIMARY KEY (entity, property, date)
) WITHOUT ROWID;
"""
SCHEMA = f"""
PRAGMA user_version = {_VERSION};
CREATE TABLE name (entity TEXT, text TEXT, language TEXT, preferred INTEGER, folded TEXT);
CREATE TABLE entity (
  iri TEXT PRIMARY KEY, identifier TEXT, label TEXT, label_tr TEXT, types TEXT, country TEXT, latitude REAL,
  longitude REAL, first TEXT, last TEXT, qids TEXT
) WITHOUT ROWID;
CREATE TABLE qid (qid TEXT, entity TEXT, PRIMARY KEY (qid, entity)) WITHOUT ROWID;
{DATED}
CREATE TABLE spelling (number INTEGER PRIMARY KEY, folded TEXT);
CREATE TABLE key (key INTEGER, spelling INTEGER, PRIMARY KEY (key, spelling)) WITHOUT ROWID;
CREATE VIRTUAL TABLE word USING fts5 (folded, content='name', prefix='1 2 3', tokenize='ascii');
"""
# Created when the table is full, so that each index is written once, in order. The words come first: they would be read
# from the index of folded names, in its order, which takes five times as long.
_NAME_INDEXES = """
INSERT INTO word (word) VALUES ('rebuild');
CREATE INDEX name_folded ON name (folded, entity, preferred);
CREATE INDEX name_entity ON name (entity);
"""
# Exact names come before names with this prefix, these before names with the words; labels before aliases, short first.
_FIND = """
SELECT name.entity, name.text, name.language, name.preferred, length(name.folded),
       CASE WHEN name.folded = :folded THEN 0 WHEN name.folded LIKE :folded || '%' THEN 1 ELSE 2 END AS rank
FROM word JOIN name ON name.rowid = word.rowid
WHERE word MATCH :words AND name.entity LIKE :kind
ORDER BY rank, name.preferred DESC, length(name.folded), name.entity
LIMIT :limit
"""

# A limit of the names that are counted: an exact count of a very frequent word is of no use to a reader.
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
    """An entity in a search result, with the name that matched."""

    entity: str
    name: str
    language: str
    preferred: bool


def write_index(quads: QuadsByPredicate, path: Path) -> int:
    """Writes the index of all entities, with names and facts; returns the number of names.

    The order of the statements does not change the index.
    """
    with closing(sqlite3.connect(path)) as database:
        _keep_temporary_files_in(path.parent, database)
        # No journal and no sync: the file is in a staged release, which is synced when it is published.
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
        insert_sorted(database, "name", name_rows(quads))
        database.executescript(_NAME_INDEXES)
        _write_spellings(database)
        _write_entities(quads, database)
        write_entity_table(quads, database)
        database.execute("ANALYZE")
        database.commit()
        count: int = database.execute("SELECT count(*) FROM name").fetchone()[0]
    return count


def _keep_temporary_files_in(folder: Path, database: sqlite3.Connection) -> None:
    """Lets SQLite sort in files of this folder, whose disk was checked for room, instead of the system's folder.

    SQLite removes the name of such a file as soon as it is open. One that a kill leaves goes with the staged release.
    """
    # Deprecated, because it holds for the process; but SQLite reads the environment (SQLITE_TMPDIR) only once, when it
    # is loaded. A folder that is gone is passed over, and a SQLite without the pragma ignores it.
    quoted = str(folder.absolute()).replace("'", "''")
    database.execute(f"PRAGMA temp_store_directory = '{quoted}'")


def is_readable(path: Path) -> bool:
    """Returns whether the file is an index of this version."""
    if not path.is_file():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        return bool(database.execute("PRAGMA user_version").fetchone()[0] == _VERSION)


class Index:
    """The index of names of a release, open for reading in one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._database = _opened(path)
        changed = path.with_name(AMENDMENTS)
        self._changed = _opened(changed) if changed.is_file() else None

    def find(self, text: str, limit: int = 20, kind: str = "") -> list[Hit]:
        """Returns the entities whose names have the words of `text`, the last of them as a prefix; best first.

        `kind` limits the result to a type of identifier, such as "city". An entity appears once, with its best name.
        """
        folded = fold(text)
        if not folded:
            return []
        words = _match(folded)
        like = f"%{ENTITY}{kind}/%" if kind else "%"
        # An entity may match with several names, and is returned once.
        rows = self._ask(_FIND, {"folded": folded, "words": words, "kind": like, "limit": limit * 8})
        # The rows of the amendments follow those of the index, each in order.
        rows.sort(key=lambda row: (row[5], not row[3], row[4], row[0]))
        hits: dict[str, Hit] = {}
        for entity, name, language, preferred, *_ in rows:
            hits.setdefault(entity, Hit(entity, name, language, bool(preferred)))
        return list(hits.values())[:limit]

    def counts(self, text: str) -> dict[str, int]:
        """Returns how many entities of each type `find` would return without a limit; at most MOST_COUNTED."""
        folded = fold(text)
        # A counter, because amendments may give a second row for a kind.
        total: Counter[str] = Counter()
        for kind, number in self._ask(_COUNT, (_match(folded), MOST_COUNTED), of_entities=False) if folded else ():
            total[kind] += number
        return dict(total)

    def names_of(self, entity: str) -> list[str]:
        """Returns the names of an entity, its labels first, each once."""
        rows = self._ask(
            "SELECT entity, text FROM name WHERE entity = ? ORDER BY preferred DESC, language, text", (entity,)
        )
        return list(dict.fromkeys(text for _, text in rows))

    def close(self) -> None:
        """Closes the files."""
        for database in (self._database, self._changed):
            if database is not None:
                database.close()

    def __del__(self) -> None:
        """Closes the files when the thread that uses the index ends."""
        if hasattr(self, "_changed"):
            self.close()

    def _ask(
        self, text: str, values: Sequence[Any] | dict[str, Any], of_entities: bool = True
    ) -> list[tuple[Any, ...]]:
        """Returns the rows of index and amendments; with `of_entities`, column 1 is an IRI, and stale rows are left
        out.
        """
        rows = self._database.execute(text, values).fetchall()
        if self._changed is None:
            return rows
        if of_entities:
            iris = json.dumps([row[0] for row in rows])
            stale = {iri for (iri,) in self._changed.execute(_AMENDED, (iris,))}
            rows = [row for row in rows if row[0] not in stale]
        return rows + self._changed.execute(text, values).fetchall()


def _opened(path: Path) -> sqlite3.Connection:
    # Used by one thread, but another one may release and thereby close it.
    return sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def name_rows(quads: QuadsByPredicate) -> Iterator[tuple[str, str, str, int, str]]:
    """Yields the rows of all names, except those of withdrawn identifiers."""
    gone = withdrawn(quads)
    for predicate, preferred in _LABELS:
        for quad in quads.merged(predicate):
            entity, label = quad.subject, quad.object
            if isinstance(entity, NamedNode) and isinstance(label, Literal):
                iri, text = entity.value, label.value
                if ENTITY in iri and iri not in gone:
                    yield iri, nfc(text), label.language or "", preferred, fold(text)


def _write_spellings(database: sqlite3.Connection) -> None:
    """Writes each folded name once, with the keys by which a similar spelling finds it."""
    database.execute("INSERT INTO spelling (folded) SELECT DISTINCT folded FROM name ORDER BY folded")
    rows = database.execute("SELECT number, folded FROM spelling")
    insert_sorted(database, "key", ((key, number) for number, folded in rows for key in keys(folded)))


def _write_entities(quads: QuadsByPredicate, database: sqlite3.Connection) -> None:
    facts_of = read_facts(quads)
    labelled = database.execute("SELECT entity, text, language FROM name WHERE preferred ORDER BY rowid")
    insert(database, "entity", entity_rows(labelled, facts_of))
    insert_sorted(database, "qid", qid_rows(facts_of))
    insert_sorted(database, "dated", dates(quads, facts_of))
    database.execute("CREATE INDEX entity_identifier ON entity (identifier)")


def qid_rows(facts_of: Mapping[str, EntityFacts]) -> Iterator[tuple[str, str]]:
    """Yields the items of Wikidata, each with its entity."""
    return ((qid, iri) for iri, entity in facts_of.items() for qid in entity.qids)


def entity_rows(
    labelled: Iterable[tuple[str, str, str]], facts_of: Mapping[str, EntityFacts]
) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of entities from facts and labels (entity, text, language; sorted by entity and text)."""
    for iri, rows in groupby(labelled, itemgetter(0)):
        if iri in facts_of:
            labels: dict[str, str] = {}
            for _, text, language in rows:
                labels.setdefault(language, text)
            yield _entity(iri, facts_of[iri], labels)


def _entity(iri: str, entity: EntityFacts, labels: dict[str, str]) -> tuple[str | float | None, ...]:
    instance = current_instance()
    first, second = _label_tags(tuple(sorted(labels)), instance.languages[0], instance.second_language)
    label_tr = labels[second] if second else ""
    types, qids = " ".join(sorted(entity.types)), " ".join(entity.qids)
    identifier = iri.partition(ENTITY)[2]
    place = (entity.country, entity.latitude, entity.longitude)
    return (iri, identifier, labels[first], label_tr, types, *place, entity.first, entity.last, qids)


@lru_cache
def _label_tags(tags: tuple[str, ...], language: str, second_language: str) -> tuple[str, str | None]:
    """Returns the tags of an entity's label, and of that in the second language if it has one."""
    return best_tag(tags, language, ALL_LANGUAGES, "en") or tags[0], best_tag(tags, second_language)


def _match(folded: str) -> str:
    """Returns the query in FTS5 syntax: all words, the last of them as a prefix."""
    return " ".join(f'"{word}"' for word in folded.split()) + "*"
