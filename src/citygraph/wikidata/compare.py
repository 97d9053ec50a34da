"""A comparison from beginning to end: which items are asked for, both sides read alike, and their difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.errors import NotFound
from citygraph.rdf.terms import CG, DCTERMS, FOAF, ID, SCHEMA, SOURCE, WD
from citygraph.wikidata.client import Client
from citygraph.wikidata.diff import diff
from citygraph.wikidata.differences import Change
from citygraph.wikidata.graph_facts import Facts, Sources, read_facts
from citygraph.wikidata.item_names import Known, Namer, by_number, read_known
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import COUNTRY, HEAD_OF_GOVERNMENT, Item
from citygraph.wikidata.pull import Gatherer, Scope
from citygraph.wikidata.spool import Spool
from citygraph.wikidata.world import Selection, World, name_items

_WIKIDATA = NamedNode(ID + "organisation/wikidata")
_TOLD = {
    DCTERMS("title"): "title",
    DCTERMS("issued"): "issued",
    CG("readOn"): "read_on",
    SCHEMA("url"): "address",
    FOAF("page"): "address",
}
_NOWHERE = NamedNode("urn:citygraph:wikidata")


@dataclass(frozen=True)
class Document:
    """A source of ours as a reference there would name it: title and its language, dates and address; "" if unknown."""

    iri: str
    title: str
    language: str = ""
    issued: str = ""
    read_on: str = ""
    address: str = ""


@dataclass(frozen=True)
class Comparison:
    """What was found, both sides, and the documents of ours; `retrieved` is when theirs was read (ISO 8601, UTC)."""

    changes: list[Change]
    ours: Facts
    theirs: Facts
    documents: Mapping[str, Document]
    retrieved: str


def compare(
    quads: Iterable[Quad],
    client: Client,
    scope: Scope | None = None,
    *,
    today: str,
    tell: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Compare our data with what Wikidata says of the places of a scope, or of all places that have ties with us.

    What was itself taken from Wikidata does not count as ours. `today` is an ISO date.
    Raises Upstream if the service fails, NotFound if the scope is not there.
    """
    quads = list(quads)
    ours = read_facts(quads, without=graphs_of_wikidata(quads))
    known = read_known(quads, _NOWHERE)
    with TemporaryDirectory(prefix="citygraph-") as folder, Spool(Path(folder) / "items") as items:
        gatherer = Gatherer(client, items, tell)
        if scope is not None:
            gatherer.name(scope)
        asked = scope or _scope_of(ours)
        selection = gatherer.select(asked, _also(ours, known, asked))
        known = with_moves(known, gatherer.moved)
        world = World(items, selection, known, _NOWHERE, today)
        gatherer.add_names(world)
        theirs = their_facts(world)
        seeds = {iri for iri, qids in theirs.items.items() if selection.seeds.intersection(qids)}
        seeds |= {known.items[qid] for qid in asked.cities if qid in known.items}
        fates = _fates(ours, gatherer, items)
    return Comparison(diff(ours, theirs, seeds, fates), ours, theirs, read_documents(quads), gatherer.retrieved)


def their_facts(world: World) -> Facts:
    """What the items of a world say, read as a pull of them would be; but their own names, ours put aside."""
    # What stands here already must not hide what they say: a label, a point, or the post of a mayor.
    posts = {place: (body, post, False) for place, (body, post, _) in world.known.governments.items()}
    known = replace(world.known, labels={}, located=frozenset(), governments=posts)
    world = replace(world, known=known, iris={}, times={}, classes={})
    namer = Namer(world.known.taken)
    for _ in name_items(world, namer):
        pass
    facts = read_facts(quad for quad in map_world(world, namer) if isinstance(quad, Quad))
    named = {iri: world.items[qid] for qid, iri in world.iris.items()}
    labels = {iri: _labels(item) for iri, item in named.items()}
    names = {iri: frozenset([*item.labels.values(), *_aliases(item)]) for iri, item in named.items()}
    return replace(facts, labels={**facts.labels, **labels}, names={**facts.names, **names})


def graphs_of_wikidata(quads: Iterable[Quad]) -> Sources:
    """The sources that Wikidata is said to publish."""
    publisher = DCTERMS("publisher")
    return frozenset(
        quad.subject.value
        for quad in quads
        if quad.predicate == publisher and quad.object == _WIKIDATA and isinstance(quad.subject, NamedNode)
    )


def tied_places(facts: Facts) -> set[str]:
    """The places that have a tie."""
    return {place for pair in facts.ties for place in pair}


def items_of(facts: Facts, iris: Iterable[str]) -> list[str]:
    """The items that entities are linked to, in the order of their numbers."""
    return by_number({qid for iri in iris for qid in facts.items.get(iri, ())})


def with_moves(known: Known, moved: Mapping[str, str]) -> Known:
    """What is known, with the entities of merged items under the items that these became."""
    there = {new: known.items[old] for old, new in moved.items() if old in known.items and new not in known.items}
    return replace(known, items={**known.items, **there})


def read_documents(quads: Iterable[Quad]) -> dict[str, Document]:
    """The documents that the data describe, by IRI: those with a title."""
    said: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for quad in quads:
        if isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(SOURCE) and quad.predicate in _TOLD:
            language = (quad.object.language or "") if isinstance(quad.object, Literal) else ""
            value = quad.object.value if isinstance(quad.object, NamedNode | Literal) else ""
            said.setdefault(quad.subject.value, {}).setdefault(_TOLD[quad.predicate], []).append((language, value))
    return {iri: _document(iri, told) for iri, told in said.items() if "title" in told}


def _document(iri: str, told: Mapping[str, list[tuple[str, str]]]) -> Document:
    language, title = min(told["title"])
    rest = {name: min(value for _, value in values) for name, values in told.items() if name != "title"}
    return Document(iri, title, language, **rest)


def _scope_of(ours: Facts) -> Scope:
    cities = tuple(items_of(ours, tied_places(ours)))
    if not cities:
        raise NotFound("no place of ours has both a sister city and a Wikidata item: name --city Q…")
    return Scope(cities=cities)


def _also(ours: Facts, known: Known, scope: Scope) -> Selection:
    """Our partners, countries and mayors, whose items are wanted although nobody there may name them."""
    seeds = {known.items[qid] for qid in scope.cities if qid in known.items} or tied_places(ours)
    places = {place for pair in ours.ties if seeds & set(pair) for place in pair}
    countries = {fact.value for place in places for fact in ours.of(place, COUNTRY)}
    people = {fact.value for seed in seeds for fact in ours.of(seed, HEAD_OF_GOVERNMENT)}
    return Selection(frozenset(), *(frozenset(items_of(ours, iris)) for iris in (places, countries, people)))


def _fates(ours: Facts, gatherer: Gatherer, items: Mapping[str, Item]) -> dict[str, str]:
    """What became of our items that are no more, among those that were asked for."""
    linked = {qid for qids in ours.items.values() for qid in qids} & gatherer.asked
    return {qid: gatherer.moved.get(qid, "") for qid in linked if qid in gatherer.moved or qid not in items}


def _labels(item: Item) -> dict[str, dict[str, Sources]]:
    return {language: {label: frozenset([WD + item.qid])} for language, label in item.labels.items()}


def _aliases(item: Item) -> list[str]:
    return [alias for aliases in item.aliases.values() for alias in aliases]
