"""Kinds of places: by the few ids that we align with, otherwise by what a class is called."""

from __future__ import annotations

import pytest

from citygraph.wikidata.item_names import AREA, CITY, COUNTRY, kind_of_class, kind_of_place, place_of_mayor
from citygraph.wikidata.model import INSTANCE_OF, Item, ItemValue, Rank, Statement


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


@pytest.mark.parametrize(
    ("classes", "kind"),
    [
        ({"country": Rank.NORMAL, "city": Rank.PREFERRED}, CITY),
        ({"country": Rank.DEPRECATED, "city": Rank.NORMAL}, CITY),
        ({"country": Rank.NORMAL, "city": Rank.NORMAL}, COUNTRY),
        ({"city": Rank.NORMAL, "member of a league": Rank.PREFERRED}, CITY),
    ],
)
def test_the_class_of_the_best_rank_decides(classes: dict[str, Rank], kind: object) -> None:
    """Of an item that was a country and is a city, unless the preferred class shows no kind of place (13.12)."""
    names = dict(enumerate(classes))
    statements = tuple(
        Statement(f"Q1-{number}", "Q1", INSTANCE_OF, ItemValue(f"Q900{number}"), classes[name])
        for number, name in names.items()
    )
    item = Item("Q1", statements=statements)
    assert kind_of_place(item, lambda qid: names[int(qid.removeprefix("Q900"))]) == kind
