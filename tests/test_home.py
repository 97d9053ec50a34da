"""The home page's register of agreements."""

from __future__ import annotations

import pytest
from pyoxigraph import Store

from citygraph.terms import ID, SOURCE
from citygraph.web.home import Home, Span, read_home, span
from tests.world import small_world


@pytest.fixture(scope="module")
def home() -> Home:
    """The home page of the small world."""
    store = Store()
    store.extend(small_world())
    return read_home(store)


def test_city_with_most_agreements_is_in_the_middle(home: Home) -> None:
    """İzmir has two, the others one."""
    assert home.hub == ID + "city/izmir"


def test_agreements_stand_in_order_of_their_acts(home: Home) -> None:
    """Baku 1985, Bremen 1993; the partner is the party that is not the city itself."""
    assert [agreement.partners for agreement in home.dated] == [(ID + "city/baku",), (ID + "city/bremen",)]
    assert home.undated == ()


def test_figures_are_counted(home: Home) -> None:
    """Partners, countries, the first year, documents."""
    assert (len(home.partners), len(home.countries), home.first_year) == (2, 2, "1985")
    assert home.sources == (SOURCE + "news", SOURCE + "page", SOURCE + "register")


def test_picture_spans_whole_decades(home: Home) -> None:
    """From the decade of the first date to the end of that of the last."""
    assert home.years == (1980, 2000)


def test_store_without_agreements_has_a_home_page() -> None:
    """Nothing is not an error."""
    home = read_home(Store())
    assert (home.hub, home.dated, home.years) == ("", (), (0, 1))


@pytest.mark.parametrize(
    ("lexical", "days"), [("1996-04-24", 1), ("1991-09", 30), ("1992-02", 29), ("1984", 366), ("1984-05-06", 1)]
)
def test_imprecise_date_has_a_width(lexical: str, days: int) -> None:
    """A month is as long as a month, never a false point."""
    found = span(lexical)
    assert found is not None
    assert round((found.end - found.start) * 365.25) == days
    assert found.is_point == (days == 1)


def test_what_is_no_date_has_no_span() -> None:
    """A text is no point in time."""
    assert span("long ago") is None
    assert Span(1.0, 1.0).is_point
