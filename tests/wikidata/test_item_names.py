"""Kinds of places: by the few ids that we align with, otherwise by what a class is called."""

from __future__ import annotations

import pytest

from citygraph.wikidata.item_names import AREA, CITY, COUNTRY, kind_of_class, place_of_mayor


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("big city", CITY), ("urban municipality of Germany", CITY), ("municipality of Turkey", CITY),
        ("city with powiat rights", CITY), ("commune of France", CITY), ("human settlement", CITY),
        ("district of Turkey", AREA), ("province of Italy", AREA), ("U.S. state", AREA), ("state of Germany", AREA),
        ("sovereign state", COUNTRY), ("country", COUNTRY), ("island country", COUNTRY),
        ("river", None), ("", None), ("member of a league", None),
    ],
)  # fmt: skip
def test_the_head_of_a_name_tells_the_kind(label: str, kind: object) -> None:
    """Where it is, or of what, does not matter."""
    assert kind_of_class("Q9000300", label) == kind


def test_aligned_ids_need_no_name() -> None:
    """Q515 is a city whatever it is called."""
    assert kind_of_class("Q515", "") == CITY


@pytest.mark.parametrize(
    ("label", "place"),
    [("Mayor of İzmir", "İzmir"), ("Lord Mayor of Leipzig", "Leipzig"), ("mayor of the City of London", "London"),
     ("Deputy Mayor of Paris", ""), ("mayor", ""), ("Member of Parliament", "")],
)  # fmt: skip
def test_whose_mayor(label: str, place: str) -> None:
    """Only a mayor's post names the place of a mayor."""
    assert place_of_mayor(label) == place
