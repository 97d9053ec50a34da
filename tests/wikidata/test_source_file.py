"""Sorting by way of the disk, and telling how far a pull is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from citygraph.wikidata.source_file import sorted_lines
from citygraph.wikidata.spool import Pace, duration


@given(st.lists(st.text("ab\u0130\U0001f600", max_size=3)), st.integers(1, 5))
def test_lines_are_sorted_each_once(texts: list[str], in_memory: int) -> None:
    """However few fit into memory."""
    assert list(sorted_lines((f"{t}\n" for t in texts), in_memory)) == sorted({f"{t}\n" for t in texts})


def test_the_pace_is_told() -> None:
    """Count, rate and the time left; at most once a second, and at the end."""
    now = [0.0]
    told: list[str] = []
    pace = Pace("places", 3000, told.append, clock=lambda: now[0])
    for seconds, done in ((0.5, 100), (10, 900), (10.5, 10), (30, 1990)):
        now[0] = seconds
        pace.advance(done)
    assert told == ["places: 1,000 of 3,000, 100/s, 20 s left", "places: 3,000 of 3,000, 100/s"]
    assert [duration(s) for s in (89, 600, 6000)] == ["89 s", "10 min", "1 h 40 min"]
