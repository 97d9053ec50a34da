"""Types and properties of the reconciliation service, and data extension: the values of properties for entities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store

from citygraph.catalogues import LANGUAGES
from citygraph.errors import TooLarge, UsageError
from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.index.facts import ENTITY
from citygraph.rdf.terms import CG, OWL, RDF, RDFS, SCHEMA, SKOS, WD, XSD, local_name
from citygraph.text import fold, matches_language
from citygraph.web.http.negotiation import own_name
from citygraph.web.search.reconcile_questions import read_json
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import Translations

DEFAULT_TYPES = ("City", "Country", "AdministrativeArea", "Organisation", "Person", "Agreement", "Event")
COORDINATES, QID, DATE = "coordinates", "qid", "date"
_PLACE = "Place"
_DATE_NAMES = ("startDate", "endDate", "attestedOn", "councilActDate", "protocolDate", "foundingDate")
_DATE_IRIS = tuple(CG(name).value for name in _DATE_NAMES)
# Properties in addition to those of the ontology: id, key of the name, IRIs of the values, and the type that has them.
_MORE: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("label", "label", (RDFS("label").value,), ""),
    ("altLabel", "alias", (SKOS("altLabel").value,), ""),
    (QID, "qid", (OWL("sameAs").value,), ""),
    (COORDINATES, "coordinates", (SCHEMA("latitude").value, SCHEMA("longitude").value), _PLACE),
    ("latitude", "latitude", (SCHEMA("latitude").value,), _PLACE),
    ("longitude", "longitude", (SCHEMA("longitude").value,), _PLACE),
    ("sameAs", "same_elsewhere", (OWL("sameAs").value,), ""),
    (DATE, "any_date", _DATE_IRIS, ""),
)
MOST_IDS = 1000
_SAMPLE = 500  # entities of a class; a store returns them in the order of a hash
_WHOLE = {XSD(name).value for name in ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger")}
_FRACTIONAL = {XSD(name).value for name in ("decimal", "double", "float")}
_DAY = re.compile(r"(-?\d{4,}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?")
_COUNT = re.compile("[0-9]{1,9}")
_VALUE = CG("value")
CellValue = dict[str, Any]


@dataclass(frozen=True)
class ServiceType:
    """A class as a type of the service; `above` are its broader classes, the nearest first."""

    id: str
    name: str
    description: str
    above: tuple[str, ...]


@dataclass(frozen=True)
class ServiceProperty:
    """A property of the service: the IRIs that it combines, the types that have it, and the type of its values."""

    id: str
    name: str
    description: str
    iris: tuple[str, ...]
    domains: tuple[str, ...]
    range: str


class ReconciliationSchema:
    """The types and properties of one release with names in one language."""

    def __init__(self, vocabulary: Vocabulary, language: str) -> None:
        self._vocabulary = vocabulary
        self._language = language
        self._proposals: dict[str, list[ServiceProperty]] = {}

    @cached_property
    def types(self) -> dict[str, ServiceType]:
        """All types by identifier, in the order of their names."""
        sort_key = Translations(self._language).sort_key
        types = (self._type(term) for term in self._vocabulary.classes if term.iri.startswith(CG))
        return {type_.id: type_ for type_ in sorted(types, key=lambda type_: sort_key(type_.name))}

    @cached_property
    def properties(self) -> dict[str, ServiceProperty]:
        """All properties by identifier: first those that only the service has, then those of the ontology by name."""
        translations = Translations(self._language)
        more = [
            ServiceProperty(id_, translations.named(f"property_{key}"), "", iris, (domain,) if domain else (), "")
            for id_, key, iris, domain in _MORE
        ]
        own = [self._property(term) for term in self._vocabulary.properties if term.iri.startswith(CG)]
        return {one.id: one for one in (*more, *sorted(own, key=lambda one: translations.sort_key(one.name)))}

    def type_id(self, identifier: str) -> str:
        """Returns the identifier of a type from its IRI, its prefixed name, or a name in another case."""
        name = local_name(identifier.strip())
        return self._folded_types.get(name.casefold(), name)

    def property(self, identifier: str) -> ServiceProperty | None:
        """Returns the property with this identifier, IRI or prefixed name, or None."""
        return self.properties.get(local_name(identifier.strip()))

    def of_type(self, identifier: str) -> list[ServiceProperty]:
        """Returns the properties that entities of a type may have; all properties if the type is unknown."""
        type_ = self.types.get(self.type_id(identifier))
        if type_ is None:
            return list(self.properties.values())
        classes = {type_.id, *type_.above}
        return [one for one in self.properties.values() if not one.domains or not classes.isdisjoint(one.domains)]

    def proposals(self, identifier: str, store: Store) -> list[ServiceProperty]:
        """Returns the properties that entities of a type may have, the most frequently filled first."""
        type_id = self.type_id(identifier)
        # All unknown types have the same properties.
        type_id = type_id if type_id in self.types else ""
        proposals = self._proposals.get(type_id)
        if proposals is None:
            available = [set(_predicates(store, entity)) for entity in self._sample(type_id, store)]

            def rank(one: ServiceProperty) -> int:
                return -sum(not predicates.isdisjoint(one.iris) for predicates in available)

            # Properties that are filled equally often stay in the order of their names.
            proposals = self._proposals[type_id] = sorted(self.of_type(type_id), key=rank)
        return proposals

    def _sample(self, type_id: str, store: Store) -> set[NamedNode]:
        """Returns entities of a type; of each of its narrower classes as many as are enough for an order."""
        entities: set[NamedNode] = set()
        for one in self.types.values():
            if not type_id or type_id in (one.id, *one.above):
                quads = store.quads_for_pattern(None, RDF("type"), CG(one.id), DefaultGraph())
                entities.update(quad.subject for quad in islice(quads, _SAMPLE) if isinstance(quad.subject, NamedNode))
        return entities

    def suggested(self, kind: str, prefix: str) -> list[ServiceType] | list[ServiceProperty]:
        """Returns the types or properties with an id, name or word that begins with `prefix`, the best first."""
        every: list[ServiceType] | list[ServiceProperty] = (
            list(self.types.values()) if kind == "type" else list(self.properties.values())
        )
        beginning = fold(local_name(prefix))
        ranked = [(rank, one) for one in every if (rank := _rank(one, beginning)) is not None]
        return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]  # type: ignore[return-value]

    def specific(self, types: tuple[str, ...]) -> list[ServiceType]:
        """Returns the types of an entity, the most specific first."""
        offered = [self.types[id_] for id_ in types if id_ in self.types]
        return sorted(offered, key=lambda type_: (-len(type_.above), type_.id))

    @cached_property
    def _folded_types(self) -> dict[str, str]:
        return {id_.casefold(): id_ for id_ in self.types}

    def _type(self, term: VocabularyTerm) -> ServiceType:
        above = [iri.removeprefix(CG) for iri in self._vocabulary.broader_classes(term.iri) if iri.startswith(CG)]
        return ServiceType(term.name, term.label(self._language).text, self._description(term), tuple(above[1:]))

    def _property(self, term: VocabularyTerm) -> ServiceProperty:
        ranges = [iri.removeprefix(CG) for iri in term.ranges if iri.startswith(CG)]
        domains = tuple(iri.removeprefix(CG) for iri in term.domains)
        name = term.label(self._language).text
        return ServiceProperty(
            term.name, name, self._description(term), (term.iri,), domains, ranges[0] if len(ranges) == 1 else ""
        )

    def _description(self, term: VocabularyTerm) -> str:
        text = term.text(self._language, SKOS("definition").value, RDFS("comment").value)
        return text.text if text else ""


def settings_of_properties(translate: Translations) -> list[dict[str, Any]]:
    """Returns the settings that a user may choose for each property."""
    choices = [{"value": tag, "name": own_name(tag)} for tag in LANGUAGES]
    return [
        {
            "name": "limit",
            "label": translate("At most"),
            "type": "number",
            "default": 0,
            "help_text": translate("Values for each row; 0 is all."),
        },
        {
            "name": "language",
            "label": translate("Language"),
            "type": "select",
            "default": translate.language,
            "choices": [*choices, {"value": "all", "name": translate("every language")}],
            "help_text": translate("Texts in this language if available, otherwise in another."),
        },
    ]


class DataExtension:
    """Data extension over one release, with texts in one language."""

    def __init__(self, opened: OpenRelease, schema: ReconciliationSchema, language: str) -> None:
        self._opened = opened
        self._schema = schema
        self._language = language

    def table(self, text: str) -> dict[str, Any]:
        """Returns the table for a JSON query. Raises UsageError if it is malformed, TooLarge for too many entities."""
        query = read_json(text, "extend")
        ids, columns = query.get("ids"), query.get("properties")
        if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            raise UsageError("extend must have a list of ids")
        if len(ids) > MOST_IDS:
            raise TooLarge(f"the request has {len(ids)} entities; the maximum is {MOST_IDS}", MOST_IDS)
        if not isinstance(columns, list) or not all(_is_property(one) for one in columns):
            raise UsageError("extend must have a list of properties, each an object with an id")
        return {
            "meta": [self._meta(one["id"]) for one in columns],
            "rows": {id_: {one["id"]: self._cells(id_, one) for one in columns} for id_ in dict.fromkeys(ids)},
        }

    def _meta(self, id_: str) -> dict[str, Any]:
        property_ = self._schema.property(id_)
        if property_ is None:
            raise UsageError(f"there is no property {id_[:80]!r}")
        meta: dict[str, Any] = {"id": id_, "name": property_.name}
        type_ = self._schema.types.get(property_.range)
        # The value of a figure is its number, so its cells are not entities.
        if type_ and "Figure" not in (type_.id, *type_.above):
            meta["type"] = {"id": type_.id, "name": type_.name}
        return meta

    def _cells(self, id_: str, column: Mapping[str, Any]) -> list[CellValue]:
        settings = column.get("settings") or {}
        property_ = self._schema.property(column["id"])
        language = str(settings.get("language", self._language))
        entity = self._entity(id_)
        cells = list(self._values(entity, property_, language)) if property_ and entity else []
        # Combined properties and languages may repeat a value.
        unique = [cell for place, cell in enumerate(cells) if cell not in cells[:place]]
        most = settings.get("limit")
        # The value of a field in a form is a text.
        if isinstance(most, str) and _COUNT.fullmatch(most):
            most = int(most)
        # A client may send 1e999, which is read as infinity.
        return unique[: int(min(most, len(unique)))] if isinstance(most, int | float) and most >= 1 else unique

    def _entity(self, id_: str) -> NamedNode | None:
        try:
            return NamedNode(id_ if ENTITY in id_ else f"{self._opened.base}id/{id_}")
        except ValueError:
            return None  # an invalid IRI identifies nothing

    def _values(self, entity: NamedNode, property_: ServiceProperty, language: str) -> Iterator[CellValue]:
        terms = [term for predicate in property_.iris for term in self._terms(entity, predicate)]
        if property_.id == COORDINATES:
            texts = [term.value for term in terms if isinstance(term, Literal)]
            # The first latitude and the first longitude: the list has all latitudes, then all longitudes.
            return iter([{"str": f"{texts[0]},{texts[len(texts) // 2]}"}] if len(texts) >= 2 else [])
        if property_.id == QID:
            return ({"str": term.value.removeprefix(WD)} for term in terms if term.value.startswith(WD))
        available = {term.language for term in terms if isinstance(term, Literal) and term.language}
        ranges = ("*",) if language == "all" else (language, "en", "*")
        tags = next(filter(None, ({tag for tag in available if matches_language(tag, one)} for one in ranges)), set())
        return (self._cell(term) for term in terms if _is_in(term, tags))

    def _terms(self, subject: NamedNode, predicate: str) -> list[NamedNode | Literal]:
        quads = self._opened.store.quads_for_pattern(subject, NamedNode(predicate), None, DefaultGraph())
        terms = [quad.object for quad in quads if isinstance(quad.object, NamedNode | Literal)]
        return sorted(terms, key=lambda term: (getattr(term, "language", "") or "", term.value))

    def _cell(self, term: NamedNode | Literal) -> CellValue:
        if isinstance(term, Literal):
            return _literal(term)
        if ENTITY not in term.value:
            # A concept has a label; an external thing is shown as its IRI.
            return {"str": self._label(term.value) if term.value.startswith(self._opened.base) else term.value}
        if "#" in term.value:
            figures = [value for value in self._terms(term, _VALUE.value) if isinstance(value, Literal)]
            return _literal(figures[0]) if figures else {"str": self._label(term.value)}
        return {"id": term.value.partition(ENTITY)[2], "name": self._label(term.value)}

    def _label(self, iri: str) -> str:
        return self._opened.labels.best(iri, self._language).text


def _predicates(store: Store, entity: NamedNode) -> Iterator[str]:
    return (quad.predicate.value for quad in store.quads_for_pattern(entity, None, None, DefaultGraph()))


def _rank(one: ServiceType | ServiceProperty, beginning: str) -> int | None:
    """Returns 0 for the whole name, 1 for its beginning, 2 for the beginning of a word, None without a match."""
    names = (fold(one.id), fold(one.name))
    if beginning in names:
        return 0
    if any(name.startswith(beginning) for name in names):
        return 1
    return 2 if any(f" {beginning}" in name for name in names) else None


def _literal(literal: Literal) -> CellValue:
    datatype, text = literal.datatype.value, literal.value
    if datatype in _WHOLE:
        return {"int": int(text)}
    if datatype in _FRACTIONAL and text not in ("INF", "-INF", "NaN"):
        return {"float": float(text)}
    if datatype == XSD("date").value and (match := _DAY.fullmatch(text)):
        return {"date": f"{match[1]}T00:00:00Z"}
    return {"str": text}


def _is_property(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str) and isinstance(one.get("settings") or {}, dict)


def _is_in(term: NamedNode | Literal, languages: set[str]) -> bool:
    return not isinstance(term, Literal) or not term.language or term.language in languages
