"""What reconciliation knows of entities beside their names."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph.index.facts import EntityFacts, StoredQuads, read_facts
from citygraph.rdf.terms import CG, ID, RDF, SCHEMA
from tests.world import small_world


@pytest.fixture(scope="module")
def facts() -> dict[str, EntityFacts]:
    """Of the small world, by identifier."""
    store = Store()
    store.extend(small_world())
    return {iri.removeprefix(ID): one for iri, one in read_facts(StoredQuads(store)).items()}


def test_a_city_has_its_types_country_place_and_item(facts: dict[str, EntityFacts]) -> None:
    """The broader types too; schema.org's are not ours."""
    izmir = facts["city/izmir"]
    assert izmir.types == {"City", "Place"}
    assert izmir.country == ID + "country/turkiye"
    assert (izmir.latitude, izmir.longitude) == (38.4361, 27.1518)
    assert izmir.qids == ["Q35997"]
    assert facts["country/turkiye"].country == ID + "country/turkiye"


def test_a_municipality_is_where_its_city_is(facts: dict[str, EntityFacts]) -> None:
    """By way of its jurisdiction."""
    assert facts["organisation/izmir-municipality"].country == ID + "country/turkiye"


@pytest.mark.parametrize(
    ("entity", "first", "last"),
    [("agreement/izmir-bremen", "1993-10-19", "1996-04-24"), ("agreement/izmir-baku", "1985-09-04", "1985-09-04"),
     ("city/baku", "1991-09", ""), ("tenure/cemil-tugay-mayor-of-izmir", "2026-01-06", "2026-01-06"),
     ("person/cemil-tugay", "2026-01-06", "2026-01-06"), ("city/bremen", "", "")],
)  # fmt: skip
def test_each_has_the_time_of_its_dates(facts: dict[str, EntityFacts], entity: str, first: str, last: str) -> None:
    """A person has that of the terms of office; what was founded goes on."""
    assert (facts[entity].first, facts[entity].last) == (first, last)


def test_parts_of_documents_are_no_entities(facts: dict[str, EntityFacts]) -> None:
    """A gift of an event is found on the event's page."""
    assert not any("#" in identifier for identifier in facts)


def facts_of(*statements: tuple[str, NamedNode, NamedNode | Literal]) -> dict[str, EntityFacts]:
    """Returns the facts of places with these statements, by identifier."""
    places = {ID + place: Quad(NamedNode(ID + place), RDF("type"), CG("Area")) for place in "abcde"}
    quads = [Quad(NamedNode(ID + place), predicate, value) for place, predicate, value in statements]
    found: list[dict[str, EntityFacts]] = []
    for order in (quads, quads[::-1]):
        store = Store()
        for quad in (*places.values(), *order):
            store.add(quad)
        found.append(read_facts(StoredQuads(store)))
    assert found[0] == found[1]
    return {iri.removeprefix(ID): one for iri, one in found[0].items()}


def test_country_comes_by_way_of_a_chain_of_neighbours() -> None:
    """In whatever order the statements are; of equally near ones the first by IRI, and a circle ends."""
    near = CG("locatedIn")
    x, y, *places = (NamedNode(ID + name) for name in ("country/x", "country/y", *"abcde"))
    a, b, c, d, e = places
    facts = facts_of(
        *(("a", near, b), ("b", near, c), ("c", near, d), ("c", near, e), ("d", near, a)),
        *(("d", CG("country"), y), ("e", CG("country"), x)),
    )
    assert [facts[place].country for place in "abcde"] == [x.value, x.value, x.value, y.value, x.value]


def test_coordinate_is_the_least_number() -> None:
    """NaN is no coordinate."""
    latitudes = [("a", SCHEMA("latitude"), Literal(text)) for text in ("nan", "38.5", "7", "north")]
    assert facts_of(*latitudes)["a"].latitude == 7
    assert facts_of(*latitudes[::3])["a"].latitude is None


def test_holder_has_the_time_of_the_own_offices_only() -> None:
    """Not that of an office whose holder is an office by error."""
    dates = [(place, CG("startDate"), Literal(f"20{number}0")) for number, place in enumerate("ab")]
    facts = facts_of(*dates, ("a", CG("holder"), NamedNode(ID + "b")), ("b", CG("holder"), NamedNode(ID + "c")))
    assert (facts["a"].first, facts["b"].first, facts["c"].first) == ("2000", "2000", "2010")
