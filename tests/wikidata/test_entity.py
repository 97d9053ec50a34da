"""Items in Wikidata's JSON: read, reduced and spooled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from citygraph.wikidata.entity import decimal, degrees, read_entity, reduce_entity
from citygraph.wikidata.model import Absent, ItemValue, Rank, TextValue, TimeValue
from citygraph.wikidata.spool import ItemSpool
from tests.wikidata.conftest import RETRIEVED, entities


def test_what_is_written_reads_the_same(tmp_path: Path) -> None:
    """Reading, reducing, spooling: nothing that we read is lost on the way."""
    with ItemSpool(tmp_path / "items") as spool:
        for entity in entities():
            item = read_entity(entity, RETRIEVED)
            assert read_entity(reduce_entity(entity), RETRIEVED) == item
            spool.put(item)
            assert spool[item.qid] == item


def test_weimar_as_it_was(real_entities: list[dict[str, Any]]) -> None:
    """Five partners, each with its day and the city's page as reference."""
    weimar = next(read_entity(e) for e in real_entities if e["id"] == "Q3955")
    twinned = weimar.of("P190")
    assert [s.value for s in twinned] == [ItemValue(q) for q in ("Q160927", "Q202158", "Q2751", "Q3138", "Q145972")]
    assert twinned[0].id == "Q3955-f5bc4a76-4cfb-d8da-8620-e9d1f17716cc"
    assert twinned[0].qualifier("P580") == (TimeValue(1995, 2, 18, 11),)
    (reference,) = twinned[0].references
    assert reference.snaks[0].value == TextValue("http://stadt.weimar.de/ueber-weimar/partnerstaedte/")
    assert [s.value for s in weimar.best("P17")] == [ItemValue("Q183")]


def test_the_best_rank_is_preferred_and_deprecated_is_none() -> None:
    """As in Wikidata's truthy form."""
    item = next(read_entity(e) for e in entities() if e["id"] == "Q9000001")
    assert [s.rank for s in item.best("P6")] == [Rank.PREFERRED]
    assert Rank.DEPRECATED not in {s.rank for s in item.of("P6")}
    assert Absent.UNKNOWN in {s.value for s in item.of("P190")}


@pytest.mark.parametrize(
    ("value", "text"), [("+63477", "63477"), ("1E+2", "100"), (8.50, "8.5"), ("-0.10", "-0.1"), ("0.0", "0")]
)
def test_numbers_are_plain(value: object, text: str) -> None:
    """No plus, no exponent, no zeros at the end."""
    assert decimal(value) == text


def test_numbers_that_are_none_are_refused() -> None:
    """NaN is no population."""
    for value in ("NaN", "Infinity", "many"):
        with pytest.raises(ValueError, match="not a number"):
            decimal(value)
    assert degrees("1E-9") == "0"
    assert degrees(-0.0000001) == "0"
