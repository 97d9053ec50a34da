"""Cells whose text alone decides: numbers and items of Wikidata, as different keyboards write them."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal

from citygraph.rdf.terms import WD, XSD
from citygraph.sheets.cell_terms import PLAIN_TERMS, RULE_OF


@pytest.mark.parametrize(
    ("text", "value"),
    [("35.82", "35.82"), ("35,82", "35.82"), ("３５．８２", "35.82"), ("−78.88", "-78.88"), ("٣٥٫٨٢", "35.82")],
)
def test_a_decimal_may_have_the_digits_of_another_keyboard(text: str, value: str) -> None:
    """Of full width, as in Japanese text, or Arabic; and the minus sign that word processors write."""
    assert PLAIN_TERMS["decimal"](text) == Literal(value, datatype=XSD("decimal"))


def test_a_number_may_have_the_digits_of_another_keyboard() -> None:
    """A raised digit is the mark of a footnote, and no digit of the number."""
    assert PLAIN_TERMS["number"]("７１７，４８６") == Literal("717486", datatype=XSD("integer"))
    assert PLAIN_TERMS["number"]("717486²") is None


def test_the_arabic_sign_of_decimals_is_not_one_of_thousands() -> None:
    """A number of 1.234 is no whole number; the Arabic sign of thousands is another."""
    assert PLAIN_TERMS["number"]("١٫٢٣٤") is None
    assert PLAIN_TERMS["decimal"]("١٫٢٣٤") == Literal("1.234", datatype=XSD("decimal"))
    assert PLAIN_TERMS["number"]("١٬٢٣٤") == Literal("1234", datatype=XSD("integer"))


def test_an_item_of_wikidata_may_have_letters_of_full_width() -> None:
    """As a Japanese keyboard writes them."""
    assert PLAIN_TERMS["qid"]("Ｑ１７９２") == WD("Q1792")


def test_an_address_with_a_space_is_refused_with_what_to_write() -> None:
    """It begins as an address must."""
    assert PLAIN_TERMS["url"]("https://example.org/a b") is None
    assert "%20" in RULE_OF["url"].remedy
