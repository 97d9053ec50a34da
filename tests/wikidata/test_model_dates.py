"""Times of every precision: never more exact than Wikidata, never an invented day."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal

from citygraph.wikidata.model import JULIAN, TimeValue, date_literal, describe_time, is_before, parse_time, same_period

GREGORIAN = "http://www.wikidata.org/entity/Q1985727"


@pytest.mark.parametrize(
    ("text", "precision", "value", "datatype"),
    [
        ("+1953-00-00T00:00:00Z", 9, "1953", "gYear"),
        ("+1953-01-01T00:00:00Z", 9, "1953", "gYear"),
        ("+1991-09-00T00:00:00Z", 10, "1991-09", "gYearMonth"),
        ("+1991-00-00T00:00:00Z", 10, "1991", "gYear"),
        ("+1995-02-18T00:00:00Z", 11, "1995-02-18", "date"),
        ("+1995-02-00T00:00:00Z", 11, "1995-02", "gYearMonth"),
        ("+1995-02-18T12:30:00Z", 14, "1995-02-18", "date"),
        ("+0079-08-24T00:00:00Z", 11, "0079-08-24", "date"),
        ("-0001-00-00T00:00:00Z", 9, "0000", "gYear"),
        ("-0753-04-21T00:00:00Z", 11, "-0752-04-21", "date"),
        ("+12026-00-00T00:00:00Z", 9, "12026", "gYear"),
    ],
)
def test_a_date_is_as_precise_as_there(text: str, precision: int, value: str, datatype: str) -> None:
    """Precision 9 is a year, 10 a month, 11 and finer a day; a month 0 or day 0 is none."""
    time = parse_time(text, precision, GREGORIAN, astronomical=False)
    assert time is not None
    date = date_literal(time)
    assert date is not None
    assert (date.value, date.datatype.value.rpartition("#")[2]) == (value, datatype)


@pytest.mark.parametrize(
    ("text", "precision", "english", "turkish", "german"),
    [
        ("+1853-00-00T00:00:00Z", 8, "1850s", "1850'ler", "1850er-Jahre"),
        ("+1990-00-00T00:00:00Z", 8, "1990s", "1990'lar", "1990er-Jahre"),
        ("+1900-00-00T00:00:00Z", 7, "19th century", "19. yüzyıl", "19. Jahrhundert"),
        ("+1801-00-00T00:00:00Z", 7, "19th century", "19. yüzyıl", "19. Jahrhundert"),
        ("+2001-00-00T00:00:00Z", 7, "21st century", "21. yüzyıl", "21. Jahrhundert"),
        ("-0500-00-00T00:00:00Z", 7, "5th century BCE", "MÖ 5. yüzyıl", "5. Jahrhundert v. Chr."),
        ("+1200-00-00T00:00:00Z", 6, "2nd millennium", "2. binyıl", "2. Jahrtausend"),
        (
            "-10000-00-00T00:00:00Z",
            5,
            "around the year 10000 BCE",
            "MÖ 10000 yılı dolayları",
            "um das Jahr 10000 v. Chr.",
        ),
    ],
)
def test_what_is_vaguer_than_a_year_is_told_in_words(
    text: str, precision: int, english: str, turkish: str, german: str
) -> None:
    """A decade or a century is no date."""
    time = parse_time(text, precision, GREGORIAN, astronomical=False)
    assert time is not None
    assert date_literal(time) is None
    assert describe_time(time) == {"en": english, "tr": turkish, "de": german}


@pytest.mark.parametrize(
    ("julian", "gregorian"),
    [
        ("+1752-09-02", (1752, 9, 13)),
        ("+1582-10-04", (1582, 10, 14)),
        ("+1918-01-31", (1918, 2, 13)),
        ("+0001-01-01", (0, 12, 30)),
        ("-0044-03-15", (-43, 3, 13)),
    ],
)
def test_a_julian_day_becomes_gregorian(julian: str, gregorian: tuple[int, int, int]) -> None:
    """In JSON it is Julian, in RDF it has been converted: both give the same day, and remember."""
    time = parse_time(f"{julian}T00:00:00Z", 11, JULIAN, astronomical=False)
    assert time == TimeValue(*gregorian, 11, julian=True)
    year, month, day = gregorian
    rdf = f"{'-' if year < 0 else ''}{abs(year):04}-{month:02}-{day:02}T00:00:00Z"
    assert parse_time(rdf, 11, JULIAN, astronomical=True) == time


def test_days_that_are_none_are_no_dates() -> None:
    """29 February exists in 2000 and in 1 BCE, not in 1900."""
    assert date_literal(TimeValue(2000, 2, 29, 11)) is not None
    assert date_literal(TimeValue(0, 2, 29, 11)) is not None
    assert date_literal(TimeValue(1900, 2, 29, 11)) is None
    assert date_literal(TimeValue(1900, 13, 0, 10)) is None
    assert parse_time("nonsense", 11, GREGORIAN, astronomical=False) is None


@pytest.mark.parametrize(
    ("first", "second", "same", "earlier"),
    [
        ("1985", "1985-09-04", True, False),
        ("1985-09", "1985-09-04", True, False),
        ("1985-08", "1985-09-04", False, True),
        ("1986", "1985-09-04", False, False),
        ("-0044", "0044", False, True),
        ("198", "1985", False, True),
    ],
)
def test_dates_are_compared_at_the_coarser_precision(first: str, second: str, same: bool, earlier: bool) -> None:
    """A year agrees with each of its days."""
    assert same_period(Literal(first), Literal(second)) == same
    assert is_before(Literal(first), Literal(second)) == earlier
