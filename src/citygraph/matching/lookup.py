"""The search for candidates in a release's index; the finder of score.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from citygraph.errors import NotFound
from citygraph.index.names import Index, is_readable
from citygraph.index.spelling import keys, similarity
from citygraph.matching.score import IndexedEntity
from citygraph.text import fold, nfc, wikidata_item

_PREFIXED = re.compile(r"([a-z]+):([^/:\s]+)")
# Limits of the candidates that are fetched and scored for one query.
_MAX_NAMES = 200
_MAX_SPELLINGS, _MIN_SIMILARITY = 25, 0.6
_MAX_COUNTRIES = 1000  # cached names of countries

_NAMED = "SELECT entity, folded, preferred FROM name WHERE folded IN ({marks}) LIMIT ?"
# Folded names have only letters, digits and spaces, and "!" is the character after the space: this is a prefix search.
_LONGER = "SELECT entity, folded, preferred FROM name WHERE folded > ? || ' ' AND folded < ? || '!' LIMIT 40"
_LIKE = "SELECT DISTINCT folded FROM key JOIN spelling ON number = spelling WHERE key IN ({marks}) LIMIT 2000"
_WORDS = """
SELECT name.entity, name.folded, name.preferred FROM word JOIN name ON name.rowid = word.rowid
WHERE word MATCH ? LIMIT 40
"""
_FACTS = """
SELECT iri, label, label_tr, types, country, latitude, longitude, first, last, qids FROM entity WHERE iri IN ({marks})
"""
_DATES = "SELECT entity, date FROM dated WHERE entity = ? AND property = ?"
_HAS_DATES = "SELECT 1 FROM sqlite_master WHERE name = 'dated'"
_BY_IDENTIFIER = "SELECT iri FROM entity WHERE identifier = ? OR iri = ?"
_BY_QID = "SELECT entity FROM qid WHERE qid = ?"
_TYPES = "SELECT DISTINCT types FROM entity"
_NAMES_OF = "SELECT entity, folded, preferred FROM name WHERE entity IN ({marks})"
_COUNTRIES = """
SELECT DISTINCT iri FROM name JOIN entity ON iri = name.entity
WHERE folded = ? AND ' ' || types || ' ' LIKE '% Country %'
"""


class Lookup(Index):
    """The index of a release with the queries of reconciliation, open for reading in one thread at a time.

    Raises NotFound if the release has no index that this version can read.
    """

    def __init__(self, path: Path) -> None:
        if not is_readable(path):
            raise NotFound("this release has no index for reconciliation: build it again")
        super().__init__(path)
        self._countries: dict[str, frozenset[str]] = {}
        # An older index does not have the dates by property.
        self._has_dates = bool(self._database.execute(_HAS_DATES).fetchone())

    def identified(self, identifiers: Iterable[str]) -> list[IndexedEntity]:
        """Returns the entities with these IRIs, identifiers or QIDs, with all their names."""
        iris = [iri for identifier in identifiers for iri in self._iris(nfc(identifier.strip()))]
        return self._entities(self._rows_in(_NAMES_OF, iris))

    def named(self, folded: Sequence[str]) -> list[IndexedEntity]:
        """Returns the entities with one of these folded names, or with a longer name that starts with the first."""
        rows = self._rows_in(_NAMED, folded, _MAX_NAMES)
        rows += self._ask(_LONGER, (folded[0], folded[0]))
        return self._entities(rows)

    def spelled_like(self, folded: str) -> list[IndexedEntity]:
        """Returns the entities with a name of a similar spelling, or with these words in it."""
        spellings = self._rows_in(_LIKE, list(keys(folded)), of_entities=False)
        near = [(similarity(folded, other), other) for (other,) in spellings]
        best = [other for alike, other in sorted(near, reverse=True)[:_MAX_SPELLINGS] if alike >= _MIN_SIMILARITY]
        rows = self._rows_in(_NAMED, best, _MAX_NAMES)
        words = " ".join(f'"{word}"' for word in folded.split())
        rows += self._ask(_WORDS, (words,)) if words else []
        return self._entities(rows)

    def countries(self, text: str) -> frozenset[str]:
        """Returns the IRIs of the countries with this name, identifier or QID."""
        cached = self._countries.get(text)
        if cached is None:
            # An lru_cache on the method would form a reference cycle, which delays the closing of the files.
            if len(self._countries) >= _MAX_COUNTRIES:
                self._countries.clear()
            iris = self._iris(nfc(text.strip()))
            iris += [iri for (iri,) in self._ask(_COUNTRIES, (fold(text),))]
            cached = self._countries[text] = frozenset(iris)
        return cached

    def dates(self, entity: str, property_: str) -> list[str]:
        """Returns the dates of an entity with a property, by its local name."""
        return [date for _, date in self._ask(_DATES, (entity, property_))] if self._has_dates else []

    def types(self) -> frozenset[str]:
        """Returns the local names of the classes that an entity has."""
        return frozenset(type_ for (types,) in self._ask(_TYPES, (), of_entities=False) for type_ in types.split())

    def _iris(self, identifier: str) -> list[str]:
        if qid := wikidata_item(identifier):
            return [iri for (iri,) in self._ask(_BY_QID, (qid,))]
        identifier = identifier.removesuffix("/")
        if "/" not in identifier:
            # "city:izmir" is the identifier "city/izmir"; any other text without a slash is a name.
            prefixed = _PREFIXED.fullmatch(identifier)
            if not prefixed:
                return []
            identifier = f"{prefixed[1]}/{prefixed[2]}"
        return [iri for (iri,) in self._ask(_BY_IDENTIFIER, (identifier, identifier))]

    def _rows_in(
        self, query: str, values: Sequence[str | int], *more: int, of_entities: bool = True
    ) -> list[tuple[str, ...]]:
        if not values:
            return []
        # Only marks are put into the text; the values are bound.
        return self._ask(query.format(marks=", ".join("?" * len(values))), (*values, *more), of_entities)

    def _entities(self, rows: Iterable[tuple[str, ...]]) -> list[IndexedEntity]:
        """Returns the entities of these names, with their facts."""
        names: dict[str, list[tuple[str, bool]]] = {}
        for entity, folded, preferred in rows:
            names.setdefault(entity, []).append((folded, bool(preferred)))
        rows_of_facts = self._rows_in(_FACTS, list(names))
        return [_entity(row, tuple(names[row[0]])) for row in rows_of_facts]


def _entity(row: Sequence[Any], names: tuple[tuple[str, bool], ...]) -> IndexedEntity:
    iri, label, label_tr, types, country, latitude, longitude, first, last, qids = row
    place = (country, latitude, longitude)
    return IndexedEntity(iri, label, label_tr, tuple(types.split()), *place, first, last, tuple(qids.split()), names)
