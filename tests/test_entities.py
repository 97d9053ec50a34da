"""The list of a release: what is filtered and counted, in which order, and the ties between places."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, parse

from citygraph.errors import NotFound
from citygraph.index.entities import EntityTable, Filter
from citygraph.index.tie_graph import MOST_FAR, MOST_NEAR, TieGraph, neighbourhood, path_between, whole_graph
from citygraph.rdf.terms import CG, GRAPH, ID, PREFIXES, RDF, RDFS, XSD
from citygraph.release.releases import Release
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The small world."""
    return publish(small_world(), tmp_path_factory.mktemp("listing"))


@pytest.fixture(scope="module")
def listing(world: Release) -> EntityTable:
    """Its list."""
    return EntityTable(world.path / "search.sqlite", world.open_store())


def names(listing: EntityTable, wanted: Filter) -> list[str]:
    """What passes."""
    return [one.label for one in listing.rows(wanted)]


def star(points: int) -> TieGraph:
    """A hub bound to so many others."""
    others = [f"p{number:03}" for number in range(points)]
    return TieGraph({"hub": {one: ["a"] for one in others}, **{one: {"hub": ["a"]} for one in others}})


def test_a_place_has_the_times_and_protocols_of_its_ties(listing: EntityTable) -> None:
    """A city is of a decade, and signed, when one of its agreements is; its own founding is another matter."""
    assert names(listing, Filter(values=(("decade", ("1990",)),))) == ["Bremen", "İzmir"]
    assert names(listing, Filter(values=(("protocol", ("no",)),))) == ["Baku", "İzmir"]


def test_a_year_before_our_era_is_in_no_decade(tmp_path: Path) -> None:
    """What was founded in 753 BCE is not shown as of a decade that reads -070 (13.16)."""
    body = NamedNode(ID + "organisation/senate")
    founded = Literal("-0752", datatype=XSD("gYear"))
    label = Literal("Senate", language="en")
    facts: list[tuple[NamedNode, NamedNode | Literal]]
    facts = [(RDF("type"), CG("Organisation")), (CG("foundingDate"), founded), (RDFS("label"), label)]
    quads = [Quad(body, *fact, graph) for fact in facts for graph in (DefaultGraph(), GRAPH("x"))]
    release = publish([*small_world(), *quads], tmp_path)
    counts = EntityTable(release.path / "search.sqlite", release.open_store()).counts(Filter("organisation"))
    assert counts.facets["decade"] == {}


def test_a_day_keeps_what_had_begun_and_not_ended(listing: EntityTable) -> None:
    """Before the act of an agreement its parties are not listed."""
    assert names(listing, Filter(at="1990-01-01")) == ["Baku", "İzmir"]
    assert names(listing, Filter(at="1980-01-01")) == []


def test_each_facet_is_counted_as_if_nothing_were_wanted_of_it(listing: EntityTable) -> None:
    """Whoever has chosen a country sees how many there are in the others."""
    counts = listing.counts(Filter(values=(("country", (ID("country/germany").value,)),)))
    assert counts.total == 1
    assert set(counts.facets["country"].values()) == {1}
    assert len(counts.facets["country"]) == 3
    assert counts.facets["protocol"] == {"yes": 1}


def test_filters_of_one_facet_add_and_of_several_narrow(listing: EntityTable) -> None:
    """Germany or Azerbaijan, and signed."""
    both = ("country", (ID("country/germany").value, ID("country/azerbaijan").value))
    assert names(listing, Filter(values=(both,))) == ["Baku", "Bremen"]
    assert names(listing, Filter(values=(both, ("protocol", ("yes",))))) == ["Bremen"]


def test_a_release_without_the_list_gets_one_in_memory(world: Release, tmp_path: Path, listing: EntityTable) -> None:
    """One that an older version made answers the same."""
    path = tmp_path / "search.sqlite"
    path.write_bytes((world.path / "search.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE listed; DROP TABLE choice; DROP TABLE facet; DROP TABLE span; DROP TABLE tie;DROP TABLE ending;"
        )
    made = EntityTable(path, world.open_store())
    assert made.rows(Filter()) == listing.rows(Filter())
    assert made.counts(Filter()) == listing.counts(Filter())


def test_a_release_without_an_index_has_no_list(world: Release, tmp_path: Path) -> None:
    """It must be built anew."""
    with pytest.raises(NotFound):
        EntityTable(tmp_path / "search.sqlite", world.open_store())


def test_the_shortest_way_goes_by_the_fewest_agreements(listing: EntityTable) -> None:
    """From Bremen to Baku by way of İzmir."""
    start, end, ties = ID("city/bremen").value, ID("city/baku").value, listing.ties_on("")
    assert [place.rpartition("/")[2] for place in ties.shortest_path(start, end)] == ["bremen", "izmir", "baku"]
    assert ties.path_count(start, end) == 1
    assert len(path_between(ties, start, end).ties) == 2


def test_where_no_chain_of_agreements_leads_there_is_no_way() -> None:
    """Neither from an island nor to it; and to oneself no step is needed."""
    ties = TieGraph({"a": {"b": ["x"]}, "b": {"a": ["x"]}, "c": {"d": ["y"]}, "d": {"c": ["y"]}})
    assert ties.shortest_path("a", "c") == []
    assert ties.path_count("a", "c") == 0
    assert ties.shortest_path("a", "nowhere") == []
    assert ties.shortest_path("a", "a") == ["a"]


def test_all_ways_of_the_shortest_length_are_counted() -> None:
    """Two partners in common make two ways; the one that is shown is the first by name."""
    ties = TieGraph({"a": {"b": ["1"], "c": ["2"]}, "b": {"a": ["1"], "d": ["3"]}, "c": {"a": ["2"], "d": ["4"]},
                 "d": {"b": ["3"], "c": ["4"]}})  # fmt: skip
    assert ties.path_count("a", "d") == 2
    assert ties.shortest_path("a", "d") == ["a", "b", "d"]


def test_a_picture_is_bounded_and_what_is_left_out_is_told() -> None:
    """A city with 200 partners shows some, and names the others."""
    part = neighbourhood(star(200), "hub")
    assert [len(ring) for ring in part.hops] == [1, MOST_NEAR, 0]
    assert part.count == 201
    beyond = neighbourhood(star(200), "p000")
    assert [len(ring) for ring in beyond.hops] == [1, 1, MOST_FAR]
    assert len(beyond.omitted[1]) == 199 - MOST_FAR
    assert whole_graph(star(3)).count == 4


@pytest.mark.parametrize(
    ("status", "today", "is_over"),
    [
        ('cg:endDate "2010"^^xsd:gYear .', "2026-11-29", True),
        ('cg:endDate "2010"^^xsd:gYear .', "2010-12-31", False),
        ('cg:endDate "20100-01-01"^^xsd:date .', "2026-11-29", False),
        ("cg:status <urn:p> . <urn:p> cg:until cg:unknownDate .", "2026-11-29", True),
        ('cg:status <urn:p>, <urn:q> . <urn:p> cg:until "2010"^^xsd:gYear . <urn:q> cg:from "2020"^^xsd:gYear .',
         "2026-11-29", False),
        ("cg:status <urn:p> . <urn:p> cg:state status:planned .", "2026-11-29", True),
        ('cg:status <urn:p> . <urn:p> cg:state status:suspended ; cg:attestedOn "2024-01-01"^^xsd:date .',
         "2026-11-29", True),
        ('cg:status <urn:p>, <urn:q> . <urn:p> cg:state status:suspended ; cg:attestedOn "2024-01-01"^^xsd:date .'
         ' <urn:q> cg:state status:active ; cg:attestedOn "2024"^^xsd:gYear .', "2026-11-29", True),
        ('cg:status <urn:p>, <urn:q> . <urn:p> cg:state status:suspended ; cg:attestedOn "2024-01-01"^^xsd:date .'
         ' <urn:q> cg:state status:active ; cg:attestedOn "2025-02-01"^^xsd:date .', "2026-11-29", False),
        ("cg:status <urn:p> . <urn:p> cg:state status:dormant .", "2026-11-29", False),
    ],
)  # fmt: skip
def test_a_tie_that_is_not_in_force_is_not_counted_as_current(
    tmp_path: Path, status: str, today: str, *, is_over: bool
) -> None:
    """The entity table marks it, and the graph of ties does not have it (13.10, 15 §1)."""
    head = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    quads = list(parse(f"{head} agreement:izmir-baku {status}", format=RdfFormat.TURTLE))
    release = publish([*small_world(), *quads], tmp_path)
    table = EntityTable(release.path / "search.sqlite", release.open_store())
    ended = {one.label: (one.ties, one.ended) for one in table.rows(Filter(today=today))}
    assert ended == {"Baku": (1, is_over), "Bremen": (1, 0), "İzmir": (2, is_over)}
    assert {one.label for one in table.rows(Filter("agreement", today=today)) if one.ended} == (
        {"İzmir–Baku agreement"} if is_over else set()
    )
    assert len(table.ties_on(today).of(ID("city/izmir").value)) == 2 - is_over
    assert table.ended_count(today) == is_over


def test_an_index_of_an_older_version_has_no_ends(world: Release, tmp_path: Path, listing: EntityTable) -> None:
    """A release that was made before the index had ends is still listed (13.10)."""
    path = tmp_path / "search.sqlite"
    path.write_bytes((world.path / "search.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE ending")
    older = EntityTable(path, world.open_store())
    assert older.rows(Filter(today="2026-11-29")) == listing.rows(Filter(today="2026-11-29"))
