"""The types and properties that the reconciliation service offers: those of the ontology, under short identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode

from citygraph.errors import TooLarge, UsageError
from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.index.facts import ENTITY
from citygraph.rdf.terms import CG, OWL, RDFS, SCHEMA, SKOS, WD, XSD
from citygraph.text import collation_key, fold
from citygraph.web.http.negotiation import LANGUAGES, own_name
from citygraph.web.search.reconcile_questions import local_name, read_json
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import Translations

DEFAULT_TYPES = ("City", "Country", "AdministrativeArea", "Organisation", "Person", "Agreement", "Event")
COORDINATES, QID, DATE = "coordinates", "qid", "date"
_PLACE = "Place"
# Properties beside the ontology's own: their name on a page, what they are made of, and the type that has them.
_MORE: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("label", "label", (RDFS("label").value,), ""),
    ("altLabel", "alias", (SKOS("altLabel").value,), ""),
    (QID, "qid", (OWL("sameAs").value,), ""),
    (COORDINATES, "coordinates", (SCHEMA("latitude").value, SCHEMA("longitude").value), _PLACE),
    ("latitude", "latitude", (SCHEMA("latitude").value,), _PLACE),
    ("longitude", "longitude", (SCHEMA("longitude").value,), _PLACE),
    ("sameAs", "same_elsewhere", (OWL("sameAs").value,), ""),
    (DATE, "any_date", tuple(CG(name).value for name in (
        "startDate", "endDate", "attestedOn", "councilActDate", "protocolDate", "foundingDate")), ""),
)  # fmt: skip


@dataclass(frozen=True)
class Type:
    """A class as a type of the service; `above` are the broader ones, the nearest first."""

    id: str
    name: str
    description: str
    above: tuple[str, ...]


@dataclass(frozen=True)
class Property:
    """A property of the service: the IRIs it is made of, the types that have it, and the type of its values, if one."""

    id: str
    name: str
    description: str
    iris: tuple[str, ...]
    domains: tuple[str, ...]
    range: str


class Schema:
    """The types and properties of one release, named in one language."""

    def __init__(self, vocabulary: Vocabulary, language: str) -> None:
        self._vocabulary = vocabulary
        self._language = language

    @cached_property
    def types(self) -> dict[str, Type]:
        """All types by their identifiers, in the order of their names."""
        found = (self._type(term) for term in self._vocabulary.classes if term.iri.startswith(CG))
        return {type_.id: type_ for type_ in sorted(found, key=lambda type_: collation_key(type_.name))}

    @cached_property
    def properties(self) -> dict[str, Property]:
        """All properties by their identifiers: those that every service has first, then by name."""
        words = Translations(self._language)
        more = [Property(id_, words.named(f"property_{word}"), "", iris, (domain,) if domain else (), "")
                for id_, word, iris, domain in _MORE]  # fmt: skip
        own = [self._property(term) for term in self._vocabulary.properties if term.iri.startswith(CG)]
        return {one.id: one for one in (*more, *sorted(own, key=lambda one: collation_key(one.name)))}

    def type_id(self, identifier: str) -> str:
        """The identifier of a type that may be given as an IRI, a prefixed name, or in another case."""
        name = local_name(identifier.strip())
        return self._folded_types.get(name.casefold(), name)

    def property(self, identifier: str) -> Property | None:
        """The property of that identifier, IRI or prefixed name."""
        return self.properties.get(local_name(identifier.strip()))

    def of_type(self, identifier: str) -> list[Property]:
        """The properties that things of a type may have; all of them if there is no such type."""
        type_ = self.types.get(self.type_id(identifier))
        if type_ is None:
            return list(self.properties.values())
        fitting = {type_.id, *type_.above}
        return [one for one in self.properties.values() if not one.domains or not fitting.isdisjoint(one.domains)]

    def suggested(self, kind: str, prefix: str) -> list[Type] | list[Property]:
        """The types or properties whose identifier, name or a word of the name begins so; the nearest first."""
        every: list[Type] | list[Property] = (
            list(self.types.values()) if kind == "type" else list(self.properties.values())
        )
        begin = fold(local_name(prefix))
        ranked = [(rank, one) for one in every if (rank := _rank(one, begin)) is not None]
        return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]  # type: ignore[return-value]

    def specific(self, types: tuple[str, ...]) -> list[Type]:
        """The types of an entity, the most specific first."""
        known = [self.types[id_] for id_ in types if id_ in self.types]
        return sorted(known, key=lambda type_: (-len(type_.above), type_.id))

    @cached_property
    def _folded_types(self) -> dict[str, str]:
        return {id_.casefold(): id_ for id_ in self.types}

    def _type(self, term: VocabularyTerm) -> Type:
        above = [iri.removeprefix(CG) for iri in self._vocabulary.broader_classes(term.iri) if iri.startswith(CG)]
        return Type(term.name, term.label(self._language).text, self._description(term), tuple(above[1:]))

    def _property(self, term: VocabularyTerm) -> Property:
        ranges = [iri.removeprefix(CG) for iri in term.ranges if iri.startswith(CG)]
        domains = tuple(iri.removeprefix(CG) for iri in term.domains)
        name = term.label(self._language).text
        return Property(
            term.name, name, self._description(term), (term.iri,), domains, ranges[0] if len(ranges) == 1 else ""
        )

    def _description(self, term: VocabularyTerm) -> str:
        found = term.text(self._language, SKOS("definition").value, RDFS("comment").value)
        return found.text if found else ""


def _rank(one: Type | Property, begin: str) -> int | None:
    names = (fold(one.id), fold(one.name))
    if begin in names:
        return 0
    if any(name.startswith(begin) for name in names):
        return 1
    return 2 if any(f" {begin}" in name for name in names) else None


MOST_IDS = 1000
_WHOLE = {XSD(name).value for name in ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger")}
_BROKEN = {XSD(name).value for name in ("decimal", "double", "float")}
_DAY = re.compile(r"(-?\d{4,}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_VALUE = CG("value")

Cell = dict[str, Any]


def settings_of_properties(words: Translations) -> list[dict[str, Any]]:
    """What a person may set for each property."""
    every = {"value": "all", "name": words("every language")}
    choices = [{"value": tag, "name": own_name(tag)} for tag in LANGUAGES]
    return [
        {"name": "limit", "label": words("At most"), "type": "number", "default": 0,
         "help_text": words("Values for each row; 0 is all.")},
        {"name": "language", "label": words("Language"), "type": "select", "default": words.language,
         "choices": [*choices, every],
         "help_text": words("Texts in this language if available, otherwise in another.")},
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
