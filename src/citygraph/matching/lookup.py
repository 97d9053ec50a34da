"""Finds in a release's index the entities that a question may mean; the finder of reconcile.py."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from citygraph.errors import NotFound
from citygraph.index.facts import ENTITY
from citygraph.index.names import Index, is_readable
from citygraph.index.spelling import keys, similarity
from citygraph.matching.score import Known
from citygraph.text import fold, nfc

_QID = re.compile(r"(?:wd:|https?://(?:www\.)?wikidata\.org/(?:entity|wiki)/)?(Q[1-9]\d*)")
_PREFIXED = re.compile(r"([a-z]+):([^/:\s]+)")
_MOST_NAMES = 200
_MOST_SPELLINGS, _LEAST_SIMILAR = 25, 0.6
_REMEMBERED = 1000

_NAMED = "SELECT entity, folded, preferred FROM name WHERE folded IN ({marks}) LIMIT ?"
# The space is the first letter that a folded name has, "!" the next after it.
_LONGER = "SELECT entity, folded, preferred FROM name WHERE folded > ? || ' ' AND folded < ? || '!' LIMIT 40"
_LIKE = "SELECT DISTINCT folded FROM key JOIN spelling ON number = spelling WHERE key IN ({marks}) LIMIT 2000"
_WORDS = """
SELECT name.entity, name.folded, name.preferred FROM word JOIN name ON name.rowid = word.rowid
WHERE word MATCH ? LIMIT 40
"""
_FACTS = """
SELECT iri, label, label_tr, types, country, latitude, longitude, first, last, qids FROM entity WHERE iri IN ({marks})
"""
_BY_IDENTIFIER = "SELECT iri FROM entity WHERE identifier = ? OR iri = ?"
_BY_QID = "SELECT entity FROM qid WHERE qid = ?"
_NAMES_OF = "SELECT entity, folded, preferred FROM name WHERE entity IN ({marks})"
_COUNTRIES = """
SELECT DISTINCT iri FROM name JOIN entity ON iri = name.entity
WHERE folded = ? AND ' ' || types || ' ' LIKE '% Country %'
"""


class Lookup(Index):
    """The index of a release with what reconciliation asks of it, open for reading in one thread at a time.

    Raises NotFound if the release has none that this version can read.
    """

    def __init__(self, path: Path) -> None:
        if not is_readable(path):
            raise NotFound("this release has no index for reconciliation: build it anew")
        super().__init__(path)
        self._countries: dict[str, frozenset[str]] = {}

    def identified(self, identifiers: Iterable[str]) -> list[Known]:
        """The entities with these IRIs, identifiers or QIDs, with all their names."""
        iris = [iri for identifier in identifiers for iri in self._iris(nfc(identifier.strip()))]
        return self._known(self._rows(_NAMES_OF, iris))

    def named(self, folded: Sequence[str]) -> list[Known]:
        """The entities that have one of these folded names, or a longer one that begins with the first."""
        rows = self._rows(_NAMED, folded, _MOST_NAMES)
        rows += self._ask(_LONGER, (folded[0], folded[0]))
        return self._known(rows)

    def spelled_like(self, folded: str) -> list[Known]:
        """The entities with a name that is spelled nearly so, or that has these words."""
        near = [
            (similarity(folded, other), other) for (other,) in self._rows(_LIKE, list(keys(folded)), of_entities=False)
        ]
        best = [other for alike, other in sorted(near, reverse=True)[:_MOST_SPELLINGS] if alike >= _LEAST_SIMILAR]
        rows = self._rows(_NAMED, best, _MOST_NAMES)
        words = " ".join(f'"{word}"' for word in folded.split())
        rows += self._ask(_WORDS, (words,)) if words else []
        return self._known(rows)

    def countries(self, text: str) -> frozenset[str]:
        """The IRIs of the countries of this name, identifier or QID."""
        known = self._countries.get(text)
        if known is None:
            if len(self._countries) >= _REMEMBERED:
                self._countries.clear()
            iris = self._iris(nfc(text.strip()))
            iris += [iri for (iri,) in self._ask(_COUNTRIES, (fold(text),))]
            known = self._countries[text] = frozenset(iris)
        return known

    def _iris(self, identifier: str) -> list[str]:
        if match := _QID.fullmatch(identifier):
            return [iri for (iri,) in self._ask(_BY_QID, (match[1],))]
        if ENTITY not in identifier and not (prefixed := _PREFIXED.fullmatch(identifier)) and "/" not in identifier:
            return []
        if ENTITY not in identifier and "/" not in identifier and prefixed:
            identifier = f"{prefixed[1]}/{prefixed[2]}"
        return [iri for (iri,) in self._ask(_BY_IDENTIFIER, (identifier, identifier))]

    def _rows(
        self, query: str, values: Sequence[str | int], *more: int, of_entities: bool = True
    ) -> list[tuple[str, ...]]:
        if not values:
            return []
        # Only marks are put into the text; the values are bound.
        return self._ask(query.format(marks=", ".join("?" * len(values))), (*values, *more), of_entities)

    def _known(self, rows: Iterable[tuple[str, ...]]) -> list[Known]:
        """The entities of these names, with their facts."""
        names: dict[str, list[tuple[str, bool]]] = {}
        for entity, folded, preferred in rows:
            names.setdefault(entity, []).append((folded, bool(preferred)))
        found = []
        for iri, label, label_tr, types, country, latitude, longitude, first, last, qids in self._rows(
            _FACTS, list(names)
        ):
            found.append(
                Known(iri, label, label_tr, tuple(types.split()), country, _degrees(latitude), _degrees(longitude),
                      first, last, tuple(qids.split()), tuple(names[iri]))
            )  # fmt: skip
        return found


def _degrees(value: str | float | None) -> float | None:
    return None if value is None else float(value)
