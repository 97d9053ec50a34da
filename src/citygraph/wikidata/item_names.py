"""The IRI and the class of an item: the IRI of ours that is linked to it, otherwise a new one from its English name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import CG, DERIVED_GRAPH, ID, ONTOLOGY_GRAPH, OWL, RDF, RDFS, SCHEMA, SHAPES_GRAPH, WD
from citygraph.text import slug
from citygraph.wikidata.model import INSTANCE_OF, Item, links, number

# Graphs without statements of sources: definitions, and statements that rules derived from the others.
INTERNAL_GRAPHS = frozenset({ONTOLOGY_GRAPH, SHAPES_GRAPH, DERIVED_GRAPH})
# The roles of posts that correspond to Wikidata's "head of government" of a place.
MAYORAL_ROLES = frozenset(VOCABULARY + "ontology/roles/" + role for role in ("mayor", "governing-mayor", "governor"))


@dataclass(frozen=True)
class ExistingData:
    """The existing data that a pull must not contradict. Keys and values are IRIs.

    `items` has our entities by QID, `used_iris` all IRIs in use, `labels` the names by entity and language, `located`
    the places with coordinates, `governments` by place the organisation, the mayor's post, and whether another source
    describes them, `agreements` the agreements by their parties, `tenures` the tenures with their starts by holder
    and post.
    """

    items: Mapping[str, str] = field(default_factory=dict)
    used_iris: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    located: frozenset[str] = frozenset()
    governments: Mapping[str, tuple[str, str, bool]] = field(default_factory=dict)
    agreements: Mapping[frozenset[str], str] = field(default_factory=dict)
    tenures: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = field(default_factory=dict)


def read_existing(quads: Iterable[Quad], replaced: NamedNode) -> ExistingData:
    """Returns the existing data. Of the graph that a pull replaces only the IRIs count: a slug never changes."""
    data = _Collected()
    for quad in quads:
        if isinstance(quad.subject, NamedNode) and quad.graph_name not in INTERNAL_GRAPHS:
            data.add(quad.subject.value, quad, quad.graph_name == replaced)
    return ExistingData(
        items=data.items,
        used_iris=frozenset(data.used_iris),
        labels=data.labels,
        located=frozenset(data.located),
        governments=dict(data.governments()),
        agreements=data.agreements(),
        tenures=data.tenures(),
    )


class IriMinter:
    """A mint of IRIs: the first with a name gets the plain slug, a namesake adds its country."""

    def __init__(self, used: Iterable[str]) -> None:
        self._used = set(used)

    def name(self, segment: str, label: str, country: str, otherwise: str) -> str:
        """Returns a new IRI for a label; `country` is a slug or "", `otherwise` distinguishes the last namesakes."""
        plain = slug(label) or slug(otherwise)
        for candidate in (plain, f"{plain}-{country}" if country else plain, f"{plain}-{slug(otherwise)}"):
            iri = f"{ID}{segment}/{candidate}"
            if iri not in self._used:
                self._used.add(iri)
                return iri
        raise AssertionError(f"{otherwise} was named twice")


def slug_of(iri: str) -> str:
    """Returns the last segment of an IRI of ours."""
    return iri.rpartition("/")[2]


def by_number(qids: Iterable[str]) -> list[str]:
    """Returns the ids sorted by number: older items, which are the better known, come first."""
    return sorted(qids, key=number)


class _Collected:
    """The values collected from the quads."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.used_iris: set[str] = set()
        self.labels: dict[str, dict[str, str]] = {}
        self.located: set[str] = set()
        self._parties: dict[str, set[str]] = {}
        self._sister_city: set[str] = set()
        # Posts that another graph than the replaced one describes: a pull must not describe them again.
        self._elsewhere: set[str] = set()
        self._values: dict[NamedNode, dict[str, str]] = {
            CG(name): {} for name in ("jurisdiction", "of", "role", "holder", "post", "startDate")
        }

    def add(self, subject: str, quad: Quad, replaced: bool) -> None:
        value = quad.object
        if subject.startswith(ID):
            # A node with a fragment belongs to the entity before the "#", which owns the slug.
            self.used_iris.add(subject.partition("#")[0])
        if isinstance(value, NamedNode):
            self._add_link(subject, quad.predicate, value.value)
            if quad.predicate == CG("of") and not replaced:
                self._elsewhere.add(subject)
        elif isinstance(value, Literal) and quad.predicate in self._values:
            self._values[quad.predicate][subject] = value.value
        elif isinstance(value, Literal) and not replaced:
            self._add_text(subject, quad.predicate, value)

    def _add_link(self, subject: str, predicate: NamedNode, value: str) -> None:
        if predicate == OWL("sameAs") and value.startswith(WD):
            self.items[value.removeprefix(WD)] = subject
        elif predicate == CG("party"):
            self._parties.setdefault(subject, set()).add(value)
        elif predicate == RDF("type") and value == CG + "SisterCityAgreement":
            self._sister_city.add(subject)
        elif predicate in self._values:
            self._values[predicate][subject] = value

    def _add_text(self, subject: str, predicate: NamedNode, value: Literal) -> None:
        if predicate == RDFS("label") and value.language:
            self.labels.setdefault(subject, {})[value.language] = value.value
        elif predicate == SCHEMA("latitude"):
            self.located.add(subject)

    def agreements(self) -> dict[frozenset[str], str]:
        """Returns the agreements by parties; of several between the same parties, the first by IRI."""
        # In reverse, so that the first by IRI overwrites the others.
        agreements = sorted(((iri, p) for iri, p in self._parties.items() if iri in self._sister_city), reverse=True)
        return {frozenset(parties): iri for iri, parties in agreements}

    def governments(self) -> Iterator[tuple[str, tuple[str, str, bool]]]:
        for post, organisation in sorted(self._values[CG("of")].items(), reverse=True):
            place = self._values[CG("jurisdiction")].get(organisation)
            if place and self._values[CG("role")].get(post) in MAYORAL_ROLES:
                yield place, (organisation, post, post in self._elsewhere)

    def tenures(self) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
        by_holder: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for tenure, holder in sorted(self._values[CG("holder")].items()):
            post = self._values[CG("post")].get(tenure, "")
            by_holder.setdefault((holder, post), []).append((tenure, self._values[CG("startDate")].get(tenure, "")))
        return {key: tuple(tenures) for key, tenures in by_holder.items()}


HUMAN = "Q5"
MAYOR = "Q30185"

CITY = CG("City")
AREA = CG("AdministrativeArea")
COUNTRY = CG("Country")
PLACE = CG("Place")

# The segment of a place's IRI, by its class.
SEGMENTS = {CITY: "city", AREA: "area", COUNTRY: "country"}

_CLASSES = {segment: class_ for class_, segment in SEGMENTS.items()}
# The kind of items that are not parties of an agreement.
_OTHER = "other"
_RULES = tomllib.loads(files("citygraph.wikidata").joinpath("kinds_of_place.toml").read_text("utf-8"))
_KINDS = {word: kind for kind, rule in _RULES.items() for word in rule["words"].split()}
_PHRASES = {phrase: kind for kind, rule in _RULES.items() for phrase in rule.get("phrases", ())}
_ITEMS = {item: kind for kind, rule in _RULES.items() for item in rule.get("items", ())}
# The head noun of a class is before these words: "district of Turkey".
_TAIL = re.compile(r" (?:of|in|with|for|on|at|under|from|that|to)\b.*|[,(].*")
# A city that is also a district is a city; a state that is also a city, such as Singapore, is a country.
_ORDER = (COUNTRY, CITY, AREA)
_MAYOR = re.compile(r"(?:the )?(?:lord |governing |chief )?mayor of (?:the city of )?(.+)", re.IGNORECASE)


def kind_of_place(item: Item, label_of: Callable[[str], str]) -> NamedNode | None:
    """Returns our class for a place, or None if unknown. `label_of` returns the English label of an item.

    The classes of the best rank decide, and the others only if none of those shows the kind.
    """
    for classes in (links(item.best(INSTANCE_OF)), item.links(INSTANCE_OF)):
        kinds = {kind_of_class(qid, label_of(qid)) for qid in classes}
        for kind in _ORDER:
            if kind in kinds:
                return kind
    return None


def class_of_no_party(item: Item, label_of: Callable[[str], str]) -> str:
    """Returns the English name of an item's class that excludes it as a party, such as "lake"; else "".

    An item that is also a settlement or an administrative unit is not excluded.
    """
    if kind_of_place(item, label_of):
        return ""
    names = {qid: label_of(qid) for qid in links(item.best(INSTANCE_OF))}
    return next((name for qid, name in names.items() if _kind(qid, name) == _OTHER), "")


def is_telling(qid: str, label: str) -> bool:
    """Returns whether a class shows whether its instances are places of people."""
    return bool(_kind(qid, label))


def kind_of_class(qid: str, label: str) -> NamedNode | None:
    """Returns our class for an instance of an item with an English label, such as "district of Turkey"."""
    return _CLASSES.get(_kind(qid, label))


def _kind(qid: str, label: str) -> str:
    if qid in _ITEMS:
        return _ITEMS[qid]
    name = _TAIL.sub("", label.lower()).strip()
    words = name.split()
    return _PHRASES.get(name) or (_KINDS.get(words[-1], "") if words else "")


def place_of_mayor(label: str) -> str:
    """Returns the place in the English name of a post ("Leipzig" for "Lord Mayor of Leipzig"), or ""."""
    match = _MAYOR.fullmatch(label.strip())
    return match.group(1) if match else ""
