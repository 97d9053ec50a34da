"""An entity's description from a store."""

from __future__ import annotations

from typing import Any

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.errors import NotFound
from citygraph.graph import description as module
from citygraph.graph.description import PAGE, Description, describe, has_statements
from citygraph.graph.labels import Labels
from citygraph.rdf.terms import BASE, CG, CURATION_GRAPH, ID, RDFS, SOURCE
from tests.world import small_world


@pytest.fixture
def store() -> Store:
    """The small world."""
    store = Store()
    store.extend(small_world())
    return store


def described(store: Store, path: str, page: int = 1) -> Description:
    """The description of one of our things."""
    return describe(store, BASE + path, Labels(store), page)


def names(sources: tuple[str, ...]) -> list[str]:
    """The last segments of graph names."""
    return [source.rpartition("/")[2] for source in sources]


def test_statement_of_two_documents_stands_once_and_names_both(store: Store) -> None:
    """A fact is one statement, however many sources say it; the merge of all graphs is no source."""
    parties = described(store, "id/agreement/izmir-baku").values(CG("party").value)
    assert [(value.iri, names(value.sources)) for value in parties] == [
        (ID + "city/baku", ["news", "page"]),
        (ID + "city/izmir", ["news", "page"]),
    ]


def test_document_has_the_parts_that_it_links_to_and_those_that_link_to_it(store: Store) -> None:
    """A hash IRI is said in the document of its entity, whichever way the link goes."""
    bremen, visit = described(store, "id/city/bremen"), described(store, "id/event/visit")
    assert [node.iri for node in bremen.nodes] == [ID + "city/bremen#population-page"]
    assert [node.iri for node in visit.nodes] == [ID + "event/visit#gift"]


def test_parts_of_the_document_are_no_incoming_links(store: Store) -> None:
    """What the document itself says is not counted as said elsewhere."""
    assert CG("at").value not in {link.predicate for link in described(store, "id/event/visit").incoming}


def test_incoming_links_are_counted_by_property(store: Store) -> None:
    """İzmir is a party of two agreements."""
    links = {link.predicate: link.count for link in described(store, "id/city/izmir").incoming}
    assert links[CG("party").value] == 2
    assert links[CG("jurisdiction").value] == 1


def test_everything_named_has_its_labels_for_readers(store: Store) -> None:
    """English and Turkish labels of all that is named; Baku's Azerbaijani one is Baku's own affair."""
    labels = described(store, "id/agreement/izmir-baku").labels
    assert {s.literal.language for s in labels[ID + "city/baku"]} == {"en", "tr"}
    assert ID + "event/visit" in labels


def test_quads_stand_in_their_sources(store: Store) -> None:
    """Every quad of a description is a quad of the store."""
    description = described(store, "id/city/izmir")
    quads = list(description.quads())
    assert quads
    assert all(quad in store for quad in quads)
    assert not any(isinstance(quad.graph_name, DefaultGraph) for quad in quads)


def test_triples_are_the_quads_without_graphs_each_once(store: Store) -> None:
    """The same statements in both."""
    description = described(store, "id/city/izmir")
    triples = description.triples()
    assert len(triples) == len(set(triples))
    assert set(triples) == {quad.triple for quad in description.quads()}


def test_sources_are_all_graphs_that_say_something(store: Store) -> None:
    """The conclusion on the visit's date makes the curation one of its sources."""
    assert CURATION_GRAPH.value in described(store, "id/event/visit").sources


@pytest.mark.parametrize("path", ["id/city/atlantis", "id/city/İzmir", "id/city/", "id/city/a b", 'id/city/"<>'])
def test_unknown_entity_is_not_found(store: Store, path: str) -> None:
    """Nothing is said of it, be it a proper IRI or not."""
    with pytest.raises(NotFound):
        described(store, path)
    assert not has_statements(store, BASE + path)


def crowded(links: int) -> Store:
    """A country with many cities, each in a source."""
    store = Store()
    country, source = NamedNode(ID + "country/x"), NamedNode(SOURCE + "s")
    for graph in (source, DefaultGraph()):
        store.extend(Quad(NamedNode(f"{ID}city/{number:05}"), CG("country"), country, graph) for number in range(links))
        store.add(Quad(country, RDFS("label"), Literal("X", language="en"), graph))
    return store


def test_incoming_links_beyond_a_page_are_on_the_next_ones() -> None:
    """Pages together have every link once, and each says how many there are."""
    store = crowded(2 * PAGE + 7)
    pages = [described(store, "id/country/x", page) for page in (1, 2, 3)]
    links = [value.iri for page in pages for value in page.incoming[0].values]
    assert len(links) == len(set(links)) == 2 * PAGE + 7
    assert {page.incoming[0].count for page in pages} == {2 * PAGE + 7}
    assert [page.pages for page in pages] == [3, 3, 3]
    assert pages[0].statements
    assert not pages[1].statements


@pytest.mark.parametrize("page", [4, 1000])
def test_page_past_the_last_is_not_found(page: int) -> None:
    """There is no empty page."""
    with pytest.raises(NotFound, match="no page"):
        described(crowded(2 * PAGE + 7), "id/country/x", page)


def test_many_links_are_counted_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of links only the asked page is read; count, pages and sources are the same."""
    store = crowded(2 * PAGE + 7)
    few = [described(store, "id/country/x", page) for page in (1, 2, 3)]
    monkeypatch.setattr(module, "_FEW", 10)
    many = [described(store, "id/country/x", page) for page in (1, 2, 3)]
    assert [d.incoming[0].count for d in many] == [d.incoming[0].count for d in few]
    every = [{v for d in ds for v in d.incoming[0].values} for ds in (few, many)]
    assert every[0] == every[1]


class CountingStore:
    """A store that counts lookups."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lookups = 0

    def quads_for_pattern(self, *pattern: Any) -> Any:
        """Pass a lookup on."""
        self.lookups += 1
        return self._store.quads_for_pattern(*pattern)

    def query(self, text: str) -> Any:
        """Pass a query on."""
        self.lookups += 1
        return self._store.query(text)


def test_lookups_for_a_page_do_not_grow_with_the_store() -> None:
    """Ten times the links cost no more lookups once a page is full."""
    counts = []
    for links in (PAGE, 10 * PAGE):
        store: Any = CountingStore(crowded(links))
        describe(store, ID + "country/x", Labels(store))
        counts.append(store.lookups)
    assert counts[0] == counts[1] < 4 * PAGE
