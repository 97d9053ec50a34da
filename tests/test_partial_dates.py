"""Partial dates are in the order of time, before our era and after the year 9999 too."""

from __future__ import annotations

import pytest

from citygraph.rdf.partial_dates import (
    Validity,
    chronological,
    in_year,
    is_past,
    last_day,
    overlap,
    validity_on,
    year_part,
)

_IN_ORDER = ["-12000", "-0752-04-21", "-0752-05", "-0751", "0000", "0999", "1986-04-28", "1986-05", "9999", "12000"]


def test_dates_sort_in_time() -> None:
    """As text, -0751 would precede -0752, and 12000 precede 1986 (13.16)."""
    assert sorted(sorted(_IN_ORDER), key=chronological) == _IN_ORDER


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("-0760", "-0740"), ("-0750", "-0730"), True),
        (("-0760", "-0750"), ("-0740", "-0730"), False),
        (("9000", "12000"), ("11000", ""), True),
        (("1990", "2000"), ("12000", ""), False),
    ],
)
def test_intervals_overlap_in_any_era(one: tuple[str, str], other: tuple[str, str], *, expected: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is expected


def test_a_day_is_judged_in_any_era() -> None:
    """An end after 9999 is in the future, and a start there has not come (13.16)."""
    assert validity_on("2026-11-29", ["1990/12000"]) is Validity.VALID
    assert validity_on("2026-11-29", ["12000/.."]) is Validity.NOT_YET
    assert validity_on("2026-11-29", ["-0752/-0700"]) is Validity.NO_LONGER
    assert not is_past("12000", "2026-11-29")
    assert (last_day("2010-02"), last_day("12000"), last_day("")) == ("2010-02-28", "9999-12-31", "")


def test_the_year_is_a_part_of_any_length() -> None:
    assert [year_part(text) for text in ("-0752-04-21", "12000", "1986-04", "soon")] == ["-0752", "12000", "1986", ""]
    assert (in_year("-0752-04-21", 2026), in_year("2000-02-29", 2026)) == ("2026-04-21", "2026-02")
