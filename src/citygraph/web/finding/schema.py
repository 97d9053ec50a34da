"""The types and properties that the reconciliation service offers: those of the ontology, under short identifiers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from citygraph.terms import CG, OWL, RDFS, SCHEMA, SKOS
from citygraph.text import collation_key, fold
from citygraph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.web.finding.questions import local_name
from citygraph.web.pages.words import Words

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
        words = Words(self._language)
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
