"""The comparison from beginning to end: fetch the items, read both sides in the same way, and diff them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeGuard

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.errors import NotFound
from citygraph.instance import current_instance
from citygraph.rdf.terms import CG, DCTERMS, FOAF, ID, SCHEMA, SKOS, SOURCE, WD
from citygraph.text import matches_language
from citygraph.wikidata.diff import diff
from citygraph.wikidata.differences import ITEM, ComparedStatement, Outcome
from citygraph.wikidata.graph_facts import GraphFacts, Sources, read_facts
from citygraph.wikidata.item_names import ExistingData, IriMinter, by_number, read_existing
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import COUNTRY, HEAD_OF_GOVERNMENT, Item
from citygraph.wikidata.pairing import with_our_countries
from citygraph.wikidata.pull import NO_ITEMS, Scope
from citygraph.wikidata.spool import ItemSpool
from citygraph.wikidata.world import NO_NAME, Selection, World, name_items

_WIKIDATA = NamedNode(ID + "organisation/wikidata")
# Where several properties mean the same, as for the address, any of them counts.
_DOCUMENT_FIELDS = {
    DCTERMS("title"): "title",
    DCTERMS("issued"): "issued",
    CG("readOn"): "read_on",
    SCHEMA("url"): "address",
    FOAF("page"): "address",
}
# A graph that is in no release: the comparison replaces no statement of ours.
_NO_GRAPH = NamedNode("urn:citygraph:wikidata")


@dataclass(frozen=True)
class CitedDocument:
    """A document of ours, with the fields of a Wikidata reference; unknown fields are empty.

    It has a title of its own or an address.
    """

    iri: str
    title: str
    language: str = ""
    issued: str = ""
    read_on: str = ""
    address: str = ""


@dataclass(frozen=True)
class ComparisonResult:
    """The compared statements, both sides, and our documents; `retrieved` is when Wikidata was read (ISO 8601, UTC)."""

    findings: list[ComparedStatement]
    ours: GraphFacts
    theirs: GraphFacts
    documents: Mapping[str, CitedDocument]
    retrieved: str


class Fetcher(Protocol):
    """The interface to Wikidata's items: the query service (ItemFetcher) or a dump (DumpFetcher)."""

    redirects: dict[str, str]
    has_redirects: bool
    requested: set[str]
    retrieved: str

    def scope_name(self, scope: Scope) -> str:
        """Returns the name of a scope. Raises NotFound if it does not exist."""
        ...

    def select(self, scope: Scope, also: Selection = NO_ITEMS) -> Selection:
        """Fetches all items of a scope, and more."""
        ...

    def add_names(self, world: World) -> None:
        """Fetches the names of all items."""
        ...


def compare(
    quads: Iterable[Quad],
    fetcher_for: Callable[[ItemSpool], Fetcher],
    scope: Scope | None = None,
    *,
    today: str,
) -> ComparisonResult:
    """Compares our data with Wikidata for the places of a scope, or for all our places that have ties and an item.

    `fetcher_for` returns a fetcher that puts items into a spool. Our data that were pulled from Wikidata are left out.
    `today` is an ISO date. Raises Upstream if the service fails, BadData for a malformed dump, NotFound if an item of
    the scope does not exist.
    """
    quads = list(quads)
    ours = read_facts(quads, without=wikidata_sources(quads))
    existing = read_existing(quads, _NO_GRAPH)
    with TemporaryDirectory(prefix="citygraph-") as folder, ItemSpool(Path(folder) / "items") as items:
        fetcher = fetcher_for(items)
        if scope is not None:
            # Raises NotFound for an item of the scope that does not exist, before anything is fetched.
            fetcher.scope_name(scope)
        scope = scope or _scope_of(ours)
        selection = fetcher.select(scope, _our_selection(ours, existing, scope))
        # An entity of ours that is linked to a merged item is compared with the item that replaced it.
        existing = with_redirects(existing, fetcher.redirects)
        world = World(items, selection, existing, _NO_GRAPH, today)
        fetcher.add_names(world)
        theirs = with_our_countries(ours, their_facts(world))
        seeds = {iri for iri, qids in theirs.items.items() if selection.seeds.intersection(qids)}
        # A requested place whose item was deleted is a finding as well.
        seeds |= {existing.items[qid] for qid in scope.cities if qid in existing.items}
        gone = _gone(ours, fetcher, items)
        has_redirects = fetcher.has_redirects
    findings = diff(ours, theirs, seeds, gone)
    if not has_redirects:
        findings = [_perhaps_merged(one) if one.state == Outcome.DELETED else one for one in findings]
    return ComparisonResult(findings, ours, theirs, read_documents(quads), fetcher.retrieved)


def compare_imported(quads: Iterable[Quad], scope: Scope | None = None) -> ComparisonResult:
    """Compares our data with the dump that was imported into them, without requests.

    Only items that were imported are compared. Raises NotFound if there is no import of the world, or if a city of the
    scope is not in it.
    """
    quads = list(quads)
    sources, imported = wikidata_sources(quads), _imports(quads)
    if not imported:
        raise NotFound("the release has no import of the world: `citygraph wikidata import-dump`, then build")
    ours = read_facts(quads, without=sources)
    theirs = with_our_countries(ours, _imported_facts(quads, imported))
    findings = diff(ours, theirs, _imported_seeds(ours, theirs, scope))
    # Whether the item of an entity exists is known only if it was imported.
    certain = [one for one in findings if one.property != ITEM or one.state != Outcome.AGREES or one.theirs]
    return ComparisonResult(certain, ours, theirs, read_documents(quads), max(imported.values()))


def _imports(quads: Iterable[Quad]) -> dict[str, str]:
    """Returns the sources from Wikidata that are about the whole world, each with its time of retrieval."""
    quads = list(quads)
    sources = wikidata_sources(quads)
    partial = {quad.subject.value for quad in quads if quad.predicate == CG("about") and _is_in(quad.subject, sources)}
    return {
        quad.subject.value: quad.object.value
        for quad in quads
        if quad.predicate == CG("retrieved")
        and isinstance(quad.object, Literal)
        and _is_in(quad.subject, sources - partial)
    }


def _is_in(term: object, iris: Collection[str]) -> TypeGuard[NamedNode]:
    return isinstance(term, NamedNode) and term.value in iris


def _imported_facts(quads: Iterable[Quad], imported: Collection[str]) -> GraphFacts:
    """Returns the facts of an import, with the posts of our graphs and with names as labels.

    A name in another language, which an import takes for a required label, is no label of Wikidata.
    """
    # An import uses our posts, and makes a name an alias where we have another label.
    shared = {CG("of"), CG("role"), CG("jurisdiction")}
    own = [quad for quad in quads if _is_in(quad.graph_name, imported) or quad.predicate in shared]
    facts = read_facts(own)
    labels: dict[str, dict[str, dict[str, Sources]]] = {}
    for quad in own:
        entity, name = quad.subject, quad.object
        if quad.predicate == SKOS("altLabel") and isinstance(entity, NamedNode) and isinstance(name, Literal):
            items = frozenset(WD + qid for qid in facts.items.get(entity.value, ()))
            of_language = labels.setdefault(entity.value, {}).setdefault(name.language or "", {})
            of_language[name.value] = items
    unnamed = {quad.subject.value for quad in own if _is_note(quad, NO_NAME) and isinstance(quad.subject, NamedNode)}
    stated = {iri: {**labels.get(iri, {}), **names} for iri, names in facts.labels.items()}
    return replace(facts, labels={**stated, **{iri: _without_required(stated[iri]) for iri in unnamed & set(stated)}})


def _is_note(quad: Quad, text: str) -> bool:
    return quad.predicate == CG("note") and isinstance(quad.object, Literal) and quad.object.value == text


def _without_required(labels: Mapping[str, Mapping[str, Sources]]) -> dict[str, Mapping[str, Sources]]:
    required = current_instance().languages[0]
    return {tag: names for tag, names in labels.items() if not matches_language(tag, required)}


def _imported_seeds(ours: GraphFacts, theirs: GraphFacts, scope: Scope | None) -> set[str]:
    """Returns the places of a scope that were imported. Raises NotFound for a city that was not."""
    iris = {qid: iri for iri, qids in theirs.items.items() for qid in qids}
    if scope is None:
        return tied_places(ours) & set(theirs.items)
    if missing := [qid for qid in (*scope.cities, *filter(None, [scope.country])) if qid not in iris]:
        raise NotFound(f"{', '.join(missing)} was not imported")
    if scope.cities:
        return {iris[qid] for qid in scope.cities}
    country = iris.get(scope.country)
    return {
        place
        for place, _ in theirs.directions
        if country is None or country in (fact.value for fact in theirs.of(place, COUNTRY))
    }


def their_facts(world: World) -> GraphFacts:
    """Returns the facts of a world's items, mapped as in a pull, but with the labels of the items instead of ours."""
    # A label, a point or a post of a mayor in our data must not hide theirs, as it does in a pull.
    posts = {place: (body, post, False) for place, (body, post, _) in world.existing.governments.items()}
    existing = replace(world.existing, labels={}, located=frozenset(), governments=posts)
    world = replace(world, existing=existing, iris={}, times={}, classes={})
    namer = IriMinter(world.existing.used_iris)
    # The notices are meant for the user of a pull.
    for _ in name_items(world, namer):
        pass
    facts = read_facts(quad for quad in map_world(world, namer) if isinstance(quad, Quad))
    named = {iri: world.items[qid] for qid, iri in world.iris.items()}
    labels = {iri: _labels(item) for iri, item in named.items()}
    names = {iri: frozenset([*item.labels.values(), *_aliases(item)]) for iri, item in named.items()}
    return replace(facts, labels={**facts.labels, **labels}, names={**facts.names, **names})


def wikidata_sources(quads: Iterable[Quad]) -> Sources:
    """Returns the IRIs of the sources whose publisher is Wikidata."""
    publisher = DCTERMS("publisher")
    return frozenset(
        quad.subject.value
        for quad in quads
        if quad.predicate == publisher and quad.object == _WIKIDATA and isinstance(quad.subject, NamedNode)
    )


def tied_places(facts: GraphFacts) -> set[str]:
    """Returns the IRIs of the places that have a tie."""
    return {place for pair in facts.ties for place in pair}


def items_of(facts: GraphFacts, iris: Iterable[str]) -> list[str]:
    """Returns the items that entities are linked to, in the order of their numbers."""
    return by_number({qid for iri in iris for qid in facts.items.get(iri, ())})


def with_redirects(existing: ExistingData, redirects: Mapping[str, str]) -> ExistingData:
    """Returns the existing data with the entities of merged items under the items that replaced them."""
    moved = {
        new: existing.items[old]
        for old, new in redirects.items()
        if old in existing.items and new not in existing.items
    }
    return replace(existing, items={**existing.items, **moved})


def read_documents(quads: Iterable[Quad]) -> dict[str, CitedDocument]:
    """Returns the documents in the data that can be cited, by IRI."""
    fields: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for quad in quads:
        if (
            isinstance(quad.subject, NamedNode)
            and quad.subject.value.startswith(SOURCE)
            and quad.predicate in _DOCUMENT_FIELDS
        ):
            language = (quad.object.language or "") if isinstance(quad.object, Literal) else ""
            value = quad.object.value if isinstance(quad.object, NamedNode | Literal) else ""
            field = _DOCUMENT_FIELDS[quad.predicate]
            fields.setdefault(quad.subject.value, {}).setdefault(field, []).append((language, value))
    documents = (_document(iri, values) for iri, values in fields.items() if "title" in values)
    return {document.iri: document for document in documents if document.title or document.address}


def _document(iri: str, fields: Mapping[str, list[tuple[str, str]]]) -> CitedDocument:
    # The least of several values, so that every run cites the document alike.
    language, title = min((one for one in fields["title"] if not _is_supplied(one[1])), default=("", ""))
    rest = {name: min(value for _, value in values) for name, values in fields.items() if name != "title"}
    if "issued" in rest:
        rest["issued"] = rest["issued"].partition("T")[0]  # Wikidata's dates have no time of day
    return CitedDocument(iri, title, language, **rest)


def _is_supplied(title: str) -> bool:
    """Returns whether a title is in square brackets, by which curators mark their own name for an untitled document."""
    return title.startswith("[") and title.endswith("]")


def _scope_of(ours: GraphFacts) -> Scope:
    cities = tuple(items_of(ours, tied_places(ours)))
    if not cities:
        raise NotFound("none of our places has both a sister city and a Wikidata item: give --city Q…")
    return Scope(cities=cities)


def _our_selection(ours: GraphFacts, existing: ExistingData, scope: Scope) -> Selection:
    """Returns the items of our partners, countries and mayors: they are needed even if Wikidata does not name them."""
    seeds = {existing.items[qid] for qid in scope.cities if qid in existing.items} or tied_places(ours)
    places = {place for pair in ours.ties if seeds & set(pair) for place in pair}
    countries = {fact.value for place in places for fact in ours.of(place, COUNTRY)}
    people = {fact.value for seed in seeds for fact in ours.of(seed, HEAD_OF_GOVERNMENT)}
    return Selection(frozenset(), *(frozenset(items_of(ours, iris)) for iris in (places, countries, people)))


def _perhaps_merged(deleted: ComparedStatement) -> ComparedStatement:
    return replace(deleted, detail=f"{deleted.entity.qid} is not in the dump: deleted, merged, or newer than the dump")


def _gone(ours: GraphFacts, fetcher: Fetcher, items: Mapping[str, Item]) -> dict[str, str]:
    """Returns our linked items that were merged (with the new item) or deleted (""), among those requested."""
    linked = {qid for qids in ours.items.values() for qid in qids} & fetcher.requested
    return {qid: fetcher.redirects.get(qid, "") for qid in linked if qid in fetcher.redirects or qid not in items}


def _labels(item: Item) -> dict[str, dict[str, Sources]]:
    return {language: {label: frozenset([WD + item.qid])} for language, label in item.labels.items()}


def _aliases(item: Item) -> list[str]:
    return [alias for aliases in item.aliases.values() for alias in aliases]
