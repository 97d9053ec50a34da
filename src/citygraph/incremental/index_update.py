"""Incremental updates of a release's index: a commit writes the names and facts of the affected entities only.

The index file is a hard link to that of the parent; the differences are in a small file of amendments.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.index.entity_writer import insert, insert_sorted
from citygraph.index.facts import BY_WAY_OF, ENTITY, HOLDER, StoredQuads, dates, read_facts
from citygraph.index.names import (
    AMENDMENTS,
    DATED,
    INDEX,
    INDEXED,
    SCHEMA,
    entity_rows,
    is_readable,
    name_rows,
    qid_rows,
    write_index,
)
from citygraph.index.spelling import keys
from citygraph.rdf.terms import ONTOLOGY_GRAPH, RDFS
from citygraph.release.changes import Quads
from citygraph.release.releases import link_file

_DEFAULT = DefaultGraph()
_SUBCLASS = RDFS("subClassOf")
# A small index is written again as a whole, which is fast and needs no amendments.
_FEW = 5_000
_MORE = """
CREATE TABLE changed (iri TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX name_folded ON name (folded, entity, preferred);
CREATE INDEX name_entity ON name (entity);
CREATE INDEX entity_identifier ON entity (identifier);
CREATE UNIQUE INDEX spelling_folded ON spelling (folded);
"""
_FORGET = (
    "INSERT INTO word (word, rowid, folded) SELECT 'delete', rowid, folded FROM name WHERE entity = ?",
    "DELETE FROM name WHERE entity = ?",
    "DELETE FROM entity WHERE iri = ?",
    "DELETE FROM qid WHERE entity = ?",
    "DELETE FROM dated WHERE entity = ?",
    "INSERT OR IGNORE INTO changed VALUES (?)",
)


def update_index(old: Path, new: Path, store: Store, changed: Iterable[Quad]) -> None:
    """Writes the index of a store into the folder `new`, from the index in `old` and the changed quads."""
    indexed = [quad for quad in changed if quad.predicate in INDEXED]
    # A change of the class hierarchy can change the types of any entity.
    if not is_readable(old / INDEX) or any(quad.predicate == _SUBCLASS for quad in indexed):
        write_index(StoredQuads(store), new / INDEX)
        return
    concerned = _concerned(store, indexed)
    if concerned and _names_in(old / INDEX) <= _FEW:
        write_index(StoredQuads(store), new / INDEX)
        return
    link_file(old / INDEX, new / INDEX)
    if not concerned:
        link_file(old / AMENDMENTS, new / AMENDMENTS)
        return
    with suppress(FileNotFoundError):
        (new / AMENDMENTS).write_bytes((old / AMENDMENTS).read_bytes())
    _amend(new / AMENDMENTS, concerned, _around(store, concerned))


def _concerned(store: Quads, changed: Iterable[Quad]) -> set[str]:
    """Returns the entities whose entries in the index may have changed."""
    concerned: set[str] = set()
    waiting = {node for quad in changed for node in _entities_of(quad)}
    while waiting:
        node = waiting.pop()
        if node in concerned:
            continue
        concerned.add(node)
        # Entities that get their country through this one, and the holders of this office.
        near = chain.from_iterable(store.quads_for_pattern(None, way, NamedNode(node), _DEFAULT) for way in BY_WAY_OF)
        holders = store.quads_for_pattern(NamedNode(node), HOLDER, None, _DEFAULT)
        nodes = {_name(quad.subject) for quad in near} | {_name(quad.object) for quad in holders}
        waiting |= {other for other in nodes if _is_entity(other)} - concerned
    return concerned


def _entities_of(quad: Quad) -> Iterator[str]:
    for node in (_name(quad.subject), _name(quad.object) if quad.predicate == HOLDER else ""):
        if _is_entity(node):
            yield node


def _around(store: Quads, concerned: set[str]) -> Store:
    """Returns a store in memory with the statements that determine the names and facts of these entities."""
    scratch = Store()
    scratch.extend(store.quads_for_pattern(None, _SUBCLASS, None, ONTOLOGY_GRAPH))
    waiting, visited = set(concerned), set()
    while waiting:
        node = waiting.pop()
        visited.add(node)
        quads = [q for q in store.quads_for_pattern(NamedNode(node), None, None, _DEFAULT) if q.predicate in INDEXED]
        scratch.extend(quads)
        places = {_name(quad.object) for quad in quads if quad.predicate in BY_WAY_OF}
        offices: set[str] = set()
        if node in concerned:
            offices = {_name(q.subject) for q in store.quads_for_pattern(None, HOLDER, NamedNode(node), _DEFAULT)}
        waiting |= {other for other in places | offices if _is_entity(other)} - visited
    return scratch


def _amend(path: Path, concerned: set[str], around: Store) -> None:
    """Replaces the entries of these entities in the file of amendments."""
    is_new = not path.exists()
    with closing(sqlite3.connect(path)) as database:
        # The file is private until the release is published, which also syncs it to the disk.
        # Keys of names are written in any order: with 64 MiB of pages in memory, few are written twice.
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")
        if is_new:
            database.executescript(SCHEMA + _MORE)
        database.executescript(DATED)
        iris = [(iri,) for iri in sorted(concerned)]
        for text in _FORGET:
            database.executemany(text, iris)
        quads = StoredQuads(around)
        rows = sorted({row for row in name_rows(quads) if row[0] in concerned})
        for row in rows:
            number = database.execute("INSERT INTO name VALUES (?, ?, ?, ?, ?)", row).lastrowid
            database.execute("INSERT INTO word (rowid, folded) VALUES (?, ?)", (number, row[4]))
        _spell(database, {row[4] for row in rows})
        facts_of = {iri: facts for iri, facts in read_facts(quads).items() if iri in concerned}
        insert(database, "entity", entity_rows((row[:3] for row in rows if row[3]), facts_of))
        insert(database, "qid", qid_rows(facts_of))
        insert_sorted(database, "dated", dates(quads, facts_of))
        database.commit()


def _spell(database: sqlite3.Connection, folded: set[str]) -> None:
    """Adds spelling keys for new names."""
    # Keys of removed names stay: they lead to no name, and their removal would need a search.
    for name in sorted(folded):
        added = database.execute("INSERT OR IGNORE INTO spelling (folded) VALUES (?)", (name,))
        if added.rowcount:
            pairs = ((key, added.lastrowid) for key in set(keys(name)))
            database.executemany("INSERT INTO key VALUES (?, ?)", pairs)


def _names_in(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        # The last row number is found without counting the rows.
        return int(database.execute("SELECT max(rowid) FROM name").fetchone()[0] or 0)


def _is_entity(iri: str) -> bool:
    return ENTITY in iri


def _name(term: object) -> str:
    return term.value if isinstance(term, NamedNode | Literal) else ""
