"""Data extension (Reconciliation API 0.2, section 7): the values of properties of entities, for a client's columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode

from citygraph.errors import TooLarge, UsageError
from citygraph.reconciliation.facts import ENTITY
from citygraph.terms import CG, WD, XSD
from citygraph.web.answering.shelf import OpenRelease
from citygraph.web.finding.questions import read_json
from citygraph.web.finding.schema import COORDINATES, QID, Property, Schema
from citygraph.web.pages.catalogues import LANGUAGES, own_name
from citygraph.web.pages.words import Words

MOST_IDS = 1000
_WHOLE = {XSD(name).value for name in ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger")}
_BROKEN = {XSD(name).value for name in ("decimal", "double", "float")}
_DAY = re.compile(r"(-?\d{4,}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_VALUE = CG("value")

Cell = dict[str, Any]


def settings_of_properties(words: Words) -> list[dict[str, Any]]:
    """What a person may set for each property."""
    every = {"value": "all", "name": words("every language")}
    choices = [{"value": tag, "name": own_name(tag)} for tag in LANGUAGES]
    return [
        {"name": "limit", "label": words("At most"), "type": "number", "default": 0,
         "help_text": words("Values for each row; 0 is all.")},
        {"name": "language", "label": words("Language"), "type": "select", "default": words.language,
         "choices": [*choices, every],
         "help_text": words("Texts in this language, or in another where there are none.")},
    ]  # fmt: skip


class Extension:
    """Answers for one release in one language."""

    def __init__(self, opened: OpenRelease, schema: Schema, language: str) -> None:
        self._opened = opened
        self._schema = schema
        self._language = language

    def answer(self, text: str) -> dict[str, Any]:
        """The table for a query. Raises UsageError if it is not one, TooLarge for too many entities."""
        query = read_json(text, "extend")
        ids, wanted = query.get("ids"), query.get("properties")
        if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            raise UsageError("extend must have a list of ids")
        if len(ids) > MOST_IDS:
            raise TooLarge(f"{len(ids)} entities are asked; at most {MOST_IDS} are answered at once", MOST_IDS)
        if not isinstance(wanted, list) or not all(_is_property(one) for one in wanted):
            raise UsageError("extend must have a list of properties, each an object with an id")
        return {
            "meta": [self._meta(one["id"]) for one in wanted],
            "rows": {id_: {one["id"]: self._cells(id_, one) for one in wanted} for id_ in dict.fromkeys(ids)},
        }

    def _meta(self, id_: str) -> dict[str, Any]:
        found = self._schema.property(id_)
        if found is None:
            raise UsageError(f"there is no property {id_[:80]!r}")
        meta: dict[str, Any] = {"id": id_, "name": found.name}
        type_ = self._schema.types.get(found.range)
        # Of a figure the number is given, not the thing that bears it.
        if type_ and "Figure" not in (type_.id, *type_.above):
            meta["type"] = {"id": type_.id, "name": type_.name}
        return meta

    def _cells(self, id_: str, wanted: Mapping[str, Any]) -> list[Cell]:
        settings = wanted.get("settings") or {}
        found = self._schema.property(wanted["id"])
        cells = (
            list(self._values(self._iri(id_), found, str(settings.get("language", self._language)))) if found else []
        )
        unique = [cell for place, cell in enumerate(cells) if cell not in cells[:place]]
        most = settings.get("limit")
        return unique[: int(most)] if isinstance(most, int | float) and most >= 1 else unique

    def _iri(self, id_: str) -> str:
        return id_ if ENTITY in id_ else f"{self._opened.base}id/{id_}"

    def _values(self, iri: str, wanted: Property, language: str) -> Iterator[Cell]:
        terms = [term for predicate in wanted.iris for term in self._terms(iri, predicate)]
        if wanted.id == COORDINATES:
            texts = [term.value for term in terms if isinstance(term, Literal)]
            # The first latitude and the first longitude: the values of two properties one after the other.
            return iter([{"str": f"{texts[0]},{texts[len(texts) // 2]}"}] if len(texts) >= 2 else [])
        if wanted.id == QID:
            return ({"str": term.value.removeprefix(WD)} for term in terms if term.value.startswith(WD))
        spoken = {term.language for term in terms if isinstance(term, Literal) and term.language}
        kept = {language} if language in spoken else {"en"} & spoken if language != "all" else spoken
        return (self._cell(term) for term in terms if _is_in(term, kept or spoken))

    def _terms(self, iri: str, predicate: str) -> list[NamedNode | Literal]:
        quads = self._opened.store.quads_for_pattern(NamedNode(iri), NamedNode(predicate), None, DefaultGraph())
        terms = [quad.object for quad in quads if isinstance(quad.object, NamedNode | Literal)]
        return sorted(terms, key=lambda term: (getattr(term, "language", "") or "", term.value))

    def _cell(self, term: NamedNode | Literal) -> Cell:
        if isinstance(term, Literal):
            return _literal(term)
        if ENTITY not in term.value:
            # A concept has a name; what is not ours at all is its address.
            return {"str": self._opened.labels.best(term.value, self._language).text
                    if term.value.startswith(self._opened.base) else term.value}  # fmt: skip
        if "#" in term.value:
            figures = [value for value in self._terms(term.value, _VALUE.value) if isinstance(value, Literal)]
            return (
                _literal(figures[0]) if figures else {"str": self._opened.labels.best(term.value, self._language).text}
            )
        name = self._opened.labels.best(term.value, self._language).text
        return {"id": term.value.partition(ENTITY)[2], "name": name}


def _literal(literal: Literal) -> Cell:
    datatype, text = literal.datatype.value, literal.value
    if datatype in _WHOLE:
        return {"int": int(text)}
    if datatype in _BROKEN and text not in ("INF", "-INF", "NaN"):
        return {"float": float(text)}
    if datatype == XSD("date").value and (match := _DAY.fullmatch(text)):
        return {"date": f"{match[1]}T00:00:00Z"}
    return {"str": text}


def _is_property(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("settings") or {}, dict)


def _is_in(term: NamedNode | Literal, languages: set[str]) -> bool:
    return not isinstance(term, Literal) or not term.language or term.language in languages
