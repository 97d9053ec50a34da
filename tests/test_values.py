"""Literals as readers write them."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal

from citygraph.rdf.terms import XSD
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, coordinates, date, literal_text, number


@pytest.mark.parametrize(
    ("lexical", "english", "turkish"),
    [
        ("1996-04-24", "24 April 1996", "24 Nisan 1996"),
        ("1991-09", "September 1991", "Eylül 1991"),
        ("1984", "1984", "1984"),
        ("2026-01-12T16:03:00Z", "12 January 2026, 16:03 UTC", "12 Ocak 2026, 16:03 UTC"),
        ("about 1900", "about 1900", "about 1900"),
    ],
)
def test_date_is_as_precise_as_it_is_known(lexical: str, english: str, turkish: str) -> None:
    """No day is invented for a month, no month for a year."""
    assert (date(lexical, Translations("en")), date(lexical, Translations("tr"))) == (english, turkish)


@pytest.mark.parametrize(
    ("lexical", "english", "turkish"),
    [
        ("600000", "600,000", "600.000"),
        ("1771", "1771", "1771"),
        ("-8", "-8", "-8"),
        ("33.3", "33.3", "33,3"),
        ("1234567.5", "1,234,567.5", "1.234.567,5"),
        ("NaN?", "NaN?", "NaN?"),
    ],
)
def test_number_is_grouped_as_the_language_does(lexical: str, english: str, turkish: str) -> None:
    """Comma and point change places; four digits stay together."""
    assert (number(lexical, Translations("en")), number(lexical, Translations("tr"))) == (english, turkish)


def test_coordinates_name_the_directions() -> None:
    """North is K in Turkish, east D, south G, west B."""
    assert coordinates("53.08", "8.80002", Translations("en")) == "53.08° N, 8.80° E"
    assert coordinates("-33.92", "-18.42", Translations("tr")) == "33,92° G, 18,42° B"


def test_text_says_its_language_only_where_it_is_another() -> None:
    """The lang attribute is for texts that are not in the page's language."""
    literal = Literal("Weser Nehri", language="tr")
    assert literal_text(literal, Translations("tr")) == Text("Weser Nehri")
    assert literal_text(literal, Translations("en")) == Text("Weser Nehri", "tr")


def test_truth_value_is_a_word() -> None:
    """Readers get yes, not true."""
    literal = Literal("true", datatype=XSD("boolean"))
    assert [literal_text(literal, Translations(tag)).text for tag in ("en", "tr")] == ["yes", "evet"]
