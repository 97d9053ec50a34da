"""The label index of a release: every name of every entity in its search form, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.terms import ID, RDFS, SKOS
from citygraph.text import fold, nfc

_LABELS = ((RDFS("label"), 1), (SKOS("altLabel"), 0))
_SCHEMA = """
CREATE TABLE name (entity TEXT, text TEXT, language TEXT, preferred INTEGER, folded TEXT);
CREATE INDEX name_folded ON name (folded);
CREATE INDEX name_entity ON name (entity);
CREATE VIRTUAL TABLE word USING fts5 (folded, content='name', prefix='1 2 3', tokenize='ascii');
"""
# An exact name before a name that begins so before one that has the words; a label before an alias; short first.
_FIND = """
SELECT name.entity, name.text, name.language, name.preferred,
       CASE WHEN name.folded = :folded THEN 0 WHEN name.folded LIKE :folded || '%' THEN 1 ELSE 2 END AS rank
FROM word JOIN name ON name.rowid = word.rowid
WHERE word MATCH :words AND name.entity LIKE :kind
ORDER BY rank, name.preferred DESC, length(name.folded), name.entity
LIMIT :limit
"""


@dataclass(frozen=True)
class Hit:
    """An entity found, by which of its names."""

    entity: str
    name: str
    language: str
    preferred: bool


def write_index(store: Store, path: Path) -> int:
    """Write the index of all labels and aliases of the entities in the store; answers how many names."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(_SCHEMA)
        database.executemany("INSERT INTO name VALUES (?, ?, ?, ?, ?)", _names(store))
        database.execute("INSERT INTO word (word) VALUES ('rebuild')")
        database.commit()
        count: int = database.execute("SELECT count(*) FROM name").fetchone()[0]
    return count


class Index:
    """The label index of a release, open for reading in one thread."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)

    def find(self, text: str, limit: int = 20, kind: str = "") -> list[Hit]:
        """The entities whose names have the words of `text`, the last of them as a beginning; best first.

        `kind` keeps those of one type of identifier, such as "city". An entity appears once, by its best name.
        """
        folded = fold(text)
        if not folded:
            return []
        words = " ".join(f'"{word}"*' if last else f'"{word}"' for word, last in _with_last(folded.split()))
        like = f"{ID}{kind}/%" if kind else "%"
        rows = self._database.execute(_FIND, {"folded": folded, "words": words, "kind": like, "limit": limit * 8})
        hits: dict[str, Hit] = {}
        for entity, name, language, preferred, _ in rows:
            hits.setdefault(entity, Hit(entity, name, language, bool(preferred)))
        return list(hits.values())[:limit]

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _names(store: Store) -> Iterator[tuple[str, str, str, int, str]]:
    for predicate, preferred in _LABELS:
        for quad in store.quads_for_pattern(None, predicate, None, DefaultGraph()):
            entity, label = quad.subject, quad.object
            if isinstance(entity, NamedNode) and isinstance(label, Literal) and entity.value.startswith(ID):
                yield entity.value, nfc(label.value), label.language or "", preferred, fold(label.value)


def _with_last(words: list[str]) -> Iterator[tuple[str, bool]]:
    for number, word in enumerate(words, 1):
        yield word, number == len(words)
