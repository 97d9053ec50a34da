"""Names in the parameters of stored queries: one entity, or an error with candidates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from citygraph.errors import AmbiguousName, UnknownName
from citygraph.matching.lookup import Lookup
from citygraph.matching.name_resolution import resolve_name
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release

PLACES = ("City", "AdministrativeArea")


@pytest.fixture(scope="module")
def lookup(izmir: Release) -> Iterator[Lookup]:
    """The index of the İzmir graph."""
    with closing(Lookup(izmir.path / "search.sqlite")) as lookup:
        yield lookup


@pytest.mark.parametrize(
    ("text", "classes", "found"),
    [
        ("İzmir", PLACES, "city/izmir"), ("IZMIR", PLACES, "city/izmir"), (" ızmir ", PLACES, "city/izmir"),
        ("Bakü", PLACES, "city/baku"), ("Bakı", PLACES, "city/baku"),
        ("izmir-baku", ("Agreement",), "agreement/izmir-baku"),
        ("city/baku", (), "city/baku"), ("city:baku", PLACES, "city/baku"), ("Cyprus", ("Country",), "country/cyprus"),
        ("cape-town", PLACES, "city/cape-town"), ("Fatma Şahin", ("Person",), "person/fatma-sahin"),
    ],
)  # fmt: skip
def test_a_name_an_identifier_and_a_slug_are_one_entity(
    lookup: Lookup, text: str, classes: tuple[str, ...], found: str
) -> None:
    """(17) By the Turkish search form, in any language, restricted to the classes of the parameter."""
    assert resolve_name(text, classes, lookup).iri == ID + found


def test_an_ambiguous_name_has_its_entities_as_candidates(lookup: Lookup) -> None:
    """(17) The island and the country have the same name; a class decides."""
    with pytest.raises(AmbiguousName, match="entity: 'Cyprus' is the name of several entities") as raised:
        resolve_name("Cyprus", (), lookup, "entity")
    assert {one["id"] for one in raised.value.candidates} == {"area/island-of-cyprus", "country/cyprus"}
    assert {one["name"] for one in raised.value.candidates} == {"Cyprus"}


@pytest.mark.parametrize(("text", "near"), [("Izmr", "city/izmir"), ("Bremmen", "city/bremen"), ("Atlantis", "")])
def test_an_unknown_name_has_similar_ones(lookup: Lookup, text: str, near: str) -> None:
    """(17) A misspelt name is not guessed."""
    with pytest.raises(UnknownName, match=f"city: no entity has the name '{text}'") as raised:
        resolve_name(text, PLACES, lookup, "city")
    assert next((one["id"] for one in raised.value.candidates), "") == near
