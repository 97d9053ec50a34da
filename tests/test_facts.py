"""What reconciliation knows of entities beside their names."""

from __future__ import annotations

import pytest
from pyoxigraph import Store

from citygraph.index.facts import EntityFacts, StoredQuads, read_facts
from citygraph.rdf.terms import ID
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
