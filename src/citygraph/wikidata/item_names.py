"""Which IRI an item gets: the one that we know it by, otherwise a new one made from its English name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG, GRAPH, ID, OWL, RDF, RDFS, SCHEMA, WD
from citygraph.text import slug
from citygraph.wikidata.model import INSTANCE_OF, Item, number

_INSIDE = frozenset({GRAPH("ontology"), GRAPH("shapes"), GRAPH("derived")})


@dataclass(frozen=True)
class Known:
    """What our data say already, as far as a pull must not contradict it. Keys and values are IRIs.

    `items` are our entities by QID, `taken` all IRIs in use, `labels` names by entity and language, `located`
    the places with coordinates, `governments` organisation and post of the mayor by place, and whether another
    source describes them, `agreements` by their parties, `tenures` with their starts by holder and post.
    """

    items: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    located: frozenset[str] = frozenset()
    governments: Mapping[str, tuple[str, str, bool]] = field(default_factory=dict)
    agreements: Mapping[frozenset[str], str] = field(default_factory=dict)
    tenures: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = field(default_factory=dict)


def read_known(quads: Iterable[Quad], replaced: NamedNode) -> Known:
    """What the data say. Of the graph that a pull replaces only the IRIs count: a slug never changes."""
    facts = _Facts()
    for quad in quads:
        if isinstance(quad.subject, NamedNode) and quad.graph_name not in _INSIDE:
            facts.note(quad.subject.value, quad, quad.graph_name == replaced)
    return Known(
        items=facts.items,
        taken=frozenset(facts.taken),
        labels=facts.labels,
        located=frozenset(facts.located),
        governments=dict(facts.governments()),
        agreements=facts.agreements(),
        tenures=facts.tenures(),
    )


class Namer:
    """Gives out IRIs. Who comes first gets the plain slug, a namesake gets its country added."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def name(self, segment: str, label: str, country: str, otherwise: str) -> str:
        """A new IRI for a label; `country` is a slug or "", `otherwise` what tells the last namesakes apart."""
        plain = slug(label) or slug(otherwise)
        for candidate in (plain, f"{plain}-{country}" if country else plain, f"{plain}-{slug(otherwise)}"):
            iri = f"{ID}{segment}/{candidate}"
            if iri not in self._taken:
                self._taken.add(iri)
                return iri
        raise AssertionError(f"{otherwise} was named twice")


def slug_of(iri: str) -> str:
    """The last segment of an IRI of ours."""
    return iri.rpartition("/")[2]


def by_number(qids: Iterable[str]) -> list[str]:
    """Ids of items in the order of their numbers: older items, which are the better known, come first."""
    return sorted(qids, key=number)


class _Facts:
    """What is gathered from the quads, before it is put together."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.taken: set[str] = set()
        self.labels: dict[str, dict[str, str]] = {}
        self.located: set[str] = set()
        self._parties: dict[str, set[str]] = {}
        self._sister_city: set[str] = set()
        self._elsewhere: set[str] = set()  # posts that another graph describes than the one that is replaced
        self._values: dict[NamedNode, dict[str, str]] = {
            CG(name): {} for name in ("jurisdiction", "of", "role", "holder", "post", "startDate")
        }

    def note(self, subject: str, quad: Quad, replaced: bool) -> None:
        value = quad.object
        if subject.startswith(ID):
            self.taken.add(subject.partition("#")[0])
        if isinstance(value, NamedNode):
            self._note_link(subject, quad.predicate, value.value)
            if quad.predicate == CG("of") and not replaced:
                self._elsewhere.add(subject)
        elif isinstance(value, Literal) and quad.predicate in self._values:
            self._values[quad.predicate][subject] = value.value
        elif isinstance(value, Literal) and not replaced:
            self._note_text(subject, quad.predicate, value)

    def _note_link(self, subject: str, predicate: NamedNode, value: str) -> None:
        if predicate == OWL("sameAs") and value.startswith(WD):
            self.items[value.removeprefix(WD)] = subject
        elif predicate == CG("party"):
            self._parties.setdefault(subject, set()).add(value)
        elif predicate == RDF("type") and value == CG + "SisterCityAgreement":
            self._sister_city.add(subject)
        elif predicate in self._values:
            self._values[predicate][subject] = value

    def _note_text(self, subject: str, predicate: NamedNode, value: Literal) -> None:
        if predicate == RDFS("label") and value.language:
            self.labels.setdefault(subject, {})[value.language] = value.value
        elif predicate == SCHEMA("latitude"):
            self.located.add(subject)

    def agreements(self) -> dict[frozenset[str], str]:
        """Of several agreements between the same parties the first by name counts."""
        found = sorted(((iri, p) for iri, p in self._parties.items() if iri in self._sister_city), reverse=True)
        return {frozenset(parties): iri for iri, parties in found}

    def governments(self) -> Iterator[tuple[str, tuple[str, str, bool]]]:
        mayoral = {CG.removesuffix("#") + "/roles/" + name for name in ("mayor", "governing-mayor", "governor")}
        for post, organisation in sorted(self._values[CG("of")].items(), reverse=True):
            place = self._values[CG("jurisdiction")].get(organisation)
            if place and self._values[CG("role")].get(post) in mayoral:
                yield place, (organisation, post, post in self._elsewhere)

    def tenures(self) -> dict[tuple[str, str], tuple[tuple[str, str], ...]]:
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for tenure, holder in sorted(self._values[CG("holder")].items()):
            post = self._values[CG("post")].get(tenure, "")
            found.setdefault((holder, post), []).append((tenure, self._values[CG("startDate")].get(tenure, "")))
        return {key: tuple(tenures) for key, tenures in found.items()}


HUMAN = "Q5"
MAYOR = "Q30185"

CITY = CG("City")
AREA = CG("AdministrativeArea")
COUNTRY = CG("Country")
PLACE = CG("Place")

# The segment of a place's IRI, by its class.
SEGMENTS = {CITY: "city", AREA: "area", COUNTRY: "country"}

# Only ids that ontology/alignments/wikidata.ttl aligns with our classes; other classes tell their kind by their name.
_ITEMS = {"Q515": CITY, "Q56061": AREA, "Q6256": COUNTRY}
_WORDS = {
    CITY: (
        "borough burgh capital city comune commune community hamlet locality megacity metropolis municipality port "
        "resort seat settlement suburb town township village"
    ),
    AREA: (
        "area arrondissement canton county department district governorate kraj krai oblast okrug powiat prefecture "
        "province raion region state territory voivodeship"
    ),
    COUNTRY: "country",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PHRASES = {"sovereign state": COUNTRY, "city-state": CITY, "city state": CITY}
# What follows these words says where or of what, not what.
_TAIL = re.compile(r" (?:of|in|with|for|on|at|under|from|that|to)\b.*|[,(].*")
# A city that is also a district is a city; a state that is also a city, such as Singapore, is a country.
_ORDER = (COUNTRY, CITY, AREA)
_MAYOR = re.compile(r"(?:the )?(?:lord |governing |chief )?mayor of (?:the city of )?(.+)", re.IGNORECASE)


def kind_of_place(item: Item, label_of: Callable[[str], str]) -> NamedNode | None:
    """Our class for a place, or None if its classes tell nothing. `label_of` gives the English label of an item."""
    found = {kind_of_class(qid, label_of(qid)) for qid in item.links(INSTANCE_OF)}
    return next((kind for kind in _ORDER if kind in found), None)


def kind_of_class(qid: str, label: str) -> NamedNode | None:
    """Our class for what is an instance of an item with an English label, such as "district of Turkey"."""
    if qid in _ITEMS:
        return _ITEMS[qid]
    name = _TAIL.sub("", label.lower()).strip()
    words = name.split()
    return _PHRASES.get(name) or (_KINDS.get(words[-1]) if words else None)


def place_of_mayor(label: str) -> str:
    """The place in the English name of a post: "Lord Mayor of Leipzig" is of Leipzig; "" if it is no mayor's."""
    match = _MAYOR.fullmatch(label.strip())
    return match.group(1) if match else ""
