"""The check of our links to Wikidata: the item exists, is not a redirect, and has a fitting class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.build.export import export_quads
from citygraph.catalogues import N_, templates
from citygraph.rdf.terms import CG, DCTERMS, ID, LICENSE, QUALITY_GRAPH, RDF, RDFS, VOID
from citygraph.saving import replace_text
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.client import Client
from citygraph.wikidata.differences import ITEM, ComparedEntity, ComparedStatement, Outcome, SourcedValue, to_quads
from citygraph.wikidata.graph_facts import GraphFacts, read_facts
from citygraph.wikidata.item_names import by_number
from citygraph.wikidata.model import INSTANCE_OF, Item
from citygraph.wikidata.pull import ItemFetcher
from citygraph.wikidata.spool import ItemSpool

_PLACES = {kinds.CITY.value, kinds.AREA.value, kinds.COUNTRY.value, kinds.PLACE.value}


def _texts(text: str) -> list[Literal]:
    return [Literal(template, language=language) for language, template in templates(text).items()]


_DESCRIPTION: tuple[tuple[NamedNode, NamedNode | Literal], ...] = (
    (RDF("type"), VOID("Dataset")),
    *((p, text) for p in (RDFS("label"), DCTERMS("title")) for text in _texts(N_("Data quality"))),
    *((DCTERMS("description"), text) for text in _texts(N_("Whether our links to Wikidata lead where they should."))),
    (DCTERMS("publisher"), NamedNode(ID + "organisation/citygraph")),
    (DCTERMS("license"), LICENSE),
)


def check_links(
    quads: Iterable[Quad], client: Client, progress: Callable[[str], None] = lambda _: None
) -> list[ComparedStatement]:
    """Returns a finding for each link of ours, sorted. Raises Upstream if the service fails."""
    ours = read_facts(quads)
    linked = [(iri, qid) for iri, qids in sorted(ours.items.items()) for qid in qids]
    with TemporaryDirectory(prefix="citygraph-") as folder, ItemSpool(Path(folder) / "items") as items:
        fetcher = ItemFetcher(client, items, progress)
        labels = fetcher.classes_of(by_number({qid for _, qid in linked}))
        return [_check(ours, iri, qid, fetcher, items.get(qid), labels) for iri, qid in linked]


def quality_quads(findings: Iterable[ComparedStatement], checked: str) -> Iterator[Quad]:
    """Yields the findings in the graph of data quality, and the description of that graph; `checked` is an ISO date."""
    yield from to_quads(findings, QUALITY_GRAPH, checked)
    for predicate, value in _DESCRIPTION:
        yield Quad(QUALITY_GRAPH, predicate, value, QUALITY_GRAPH)


def fits(ours: frozenset[str], item: Item, label_of: Callable[[str], str]) -> bool:
    """Returns whether an item can be of one of our classes; an item whose classes are unknown fits."""
    human = kinds.HUMAN in item.links(INSTANCE_OF)
    if CG + "Person" in ours:
        return human
    kind = kinds.kind_of_place(item, label_of)
    if not ours & _PLACES:
        return not human and kind is None
    country = kinds.COUNTRY.value in ours
    # In Wikidata many items are both a city and an area; few are both a country and a city.
    return not human and (kind is None or (kind == kinds.COUNTRY) == country or (not country and kind != kinds.COUNTRY))


def _check(
    ours: GraphFacts, iri: str, qid: str, fetcher: ItemFetcher, item: Item | None, labels: Callable[[str], str]
) -> ComparedStatement:
    entity = ComparedEntity(iri, qid, ours.name(iri))
    classes = ours.classes.get(iri, frozenset())
    state, theirs, detail = Outcome.AGREES, qid, ""
    if qid in fetcher.redirects:
        state, theirs, detail = (
            Outcome.MERGED,
            fetcher.redirects[qid],
            f"{qid} was merged into {fetcher.redirects[qid]}",
        )
    elif qid not in fetcher.living:
        state, theirs, detail = Outcome.DELETED, "", f"{qid} does not exist"
    elif item is not None and not fits(classes, item, labels):
        names = ", ".join(sorted(labels(c) or c for c in item.links(INSTANCE_OF)))
        state, detail = Outcome.MISFIT, f"{qid} is a {names or 'thing without a class'}"
    there = (SourcedValue(theirs),) if theirs else ()
    return ComparedStatement(state, entity, ITEM, ours=(SourcedValue(qid),), theirs=there, detail=detail)


def write_links(findings: Iterable[ComparedStatement], checked: str, data: Path) -> Path:
    """Writes the findings as the quality graph to the data folder, from which a build publishes them."""
    path = data / "quality" / "wikidata-links.trig"
    replace_text(path, export_quads(QUALITY_GRAPH, quality_quads(findings, checked)))
    return path
