"""Whether our links to Wikidata lead where they should: the item lives, is no redirect, is of a fitting class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.build.export import export_quads
from citygraph.rdf.terms import CG, DCTERMS, ID, QUALITY_GRAPH, RDF, RDFS, VOID
from citygraph.wikidata import item_names as kinds
from citygraph.wikidata.client import Client
from citygraph.wikidata.differences import ITEM, Change, State, Thing, Told, to_quads
from citygraph.wikidata.graph_facts import Facts, read_facts
from citygraph.wikidata.item_names import by_number
from citygraph.wikidata.model import INSTANCE_OF, Item
from citygraph.wikidata.pull import Gatherer
from citygraph.wikidata.spool import Spool

_PLACES = {kinds.CITY.value, kinds.AREA.value, kinds.COUNTRY.value, kinds.PLACE.value}

_DESCRIPTION: tuple[tuple[NamedNode, NamedNode | Literal], ...] = (
    (RDF("type"), VOID("Dataset")),
    *((p, Literal("Data quality", language="en")) for p in (RDFS("label"), DCTERMS("title"))),
    *((p, Literal("Veri niteliği", language="tr")) for p in (RDFS("label"), DCTERMS("title"))),
    (DCTERMS("description"), Literal("Whether our links to Wikidata lead where they should.", language="en")),
    (DCTERMS("description"), Literal("Vikiveri bağlantılarımızın doğru yere gidip gitmediği.", language="tr")),
    (DCTERMS("publisher"), NamedNode(ID + "organisation/citygraph")),
    (DCTERMS("license"), NamedNode("https://creativecommons.org/publicdomain/zero/1.0/")),
)


def check_links(quads: Iterable[Quad], client: Client, tell: Callable[[str], None] = lambda _: None) -> list[Change]:
    """A finding for each link of ours, in order. Raises Upstream if the service fails."""
    ours = read_facts(quads)
    linked = [(iri, qid) for iri, qids in sorted(ours.items.items()) for qid in qids]
    with TemporaryDirectory(prefix="citygraph-") as folder, Spool(Path(folder) / "items") as items:
        gatherer = Gatherer(client, items, tell)
        labels = gatherer.classes_of(by_number({qid for _, qid in linked}))
        return [_checked(ours, iri, qid, gatherer, items.get(qid), labels) for iri, qid in linked]


def quality_quads(findings: Iterable[Change], checked: str) -> Iterator[Quad]:
    """The findings in the graph of data quality, and what that graph is; `checked` is an ISO date."""
    yield from to_quads(findings, QUALITY_GRAPH, checked)
    for predicate, value in _DESCRIPTION:
        yield Quad(QUALITY_GRAPH, predicate, value, QUALITY_GRAPH)


def fits(ours: frozenset[str], item: Item, label_of: Callable[[str], str]) -> bool:
    """Whether an item can be of one of our classes; a class that tells nothing is given the benefit of the doubt."""
    human = kinds.HUMAN in item.links(INSTANCE_OF)
    if CG + "Person" in ours:
        return human
    kind = kinds.kind_of_place(item, label_of)
    if not ours & _PLACES:
        return not human and kind is None
    country = kinds.COUNTRY.value in ours
    # Cities and areas are often both there; a country and a city seldom are.
    return not human and (kind is None or (kind == kinds.COUNTRY) == country or (not country and kind != kinds.COUNTRY))


def _checked(
    ours: Facts, iri: str, qid: str, gatherer: Gatherer, item: Item | None, labels: Callable[[str], str]
) -> Change:
    thing = Thing(iri, qid, ours.name(iri))
    classes = ours.classes.get(iri, frozenset())
    state, theirs, detail = State.AGREES, qid, ""
    if qid in gatherer.moved:
        state, theirs, detail = State.MERGED, gatherer.moved[qid], f"{qid} was merged into {gatherer.moved[qid]}"
    elif qid not in gatherer.living:
        state, theirs, detail = State.DELETED, "", f"{qid} is not there"
    elif item is not None and not fits(classes, item, labels):
        found = ", ".join(sorted(labels(c) or c for c in item.links(INSTANCE_OF)))
        state, detail = State.MISFIT, f"{qid} is a {found or 'thing of no class'}"
    told = (Told(theirs),) if theirs else ()
    return Change(state, thing, ITEM, ours=(Told(qid),), theirs=told, detail=detail)


def write_links(findings: Iterable[Change], checked: str, data: Path) -> Path:
    """Write the findings to the folder of the data as the quality graph, which a build publishes."""
    path = data / "quality" / "wikidata-links.trig"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(export_quads(QUALITY_GRAPH, quality_quads(findings, checked)), encoding="utf-8")
    return path
