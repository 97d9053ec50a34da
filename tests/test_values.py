"""Literals as readers write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import Node, Statements, Value
from citygraph.rdf.terms import CG, RDF, XSD
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import (
    Text,
    _separators,
    _with_separators,
    coordinates,
    date,
    literal_text,
    number,
    summary,
)


@pytest.mark.parametrize(
    ("lexical", "english", "turkish"),
    [
        ("1996-04-24", "24 April 1996", "24 Nisan 1996"),
        ("1991-09", "September 1991", "Eylül 1991"),
        ("1984", "1984", "1984"),
        ("2026-01-12T16:03:00Z", "12 January 2026, 16:03 UTC", "12 Ocak 2026, 16:03 UTC"),
        ("2026-01-12T16:03:00", "12 January 2026, 16:03", "12 Ocak 2026, 16:03"),
        ("about 1900", "about 1900", "about 1900"),
    ],
)
def test_date_is_as_precise_as_it_is_known(lexical: str, english: str, turkish: str) -> None:
    """No day is invented for a month, no month for a year."""
    assert (date(lexical, Translations("en")), date(lexical, Translations("tr"))) == (english, turkish)


@pytest.mark.parametrize(
    ("lexical", "english", "turkish", "azerbaijani"),
    [
        ("-0752-04-21", "21 April 753 BCE", "21 Nisan MÖ 753", "21 aprel e.ə. 753"),
        ("-0752-04", "April 753 BCE", "Nisan MÖ 753", "aprel e.ə. 753"),
        ("-0752", "753 BCE", "MÖ 753", "e.ə. 753"),
        ("0000", "1 BCE", "MÖ 1", "e.ə. 1"),
        ("-0004-02-29", "29 February 5 BCE", "29 Şubat MÖ 5", "29 fevral e.ə. 5"),
        ("-12000", "12001 BCE", "MÖ 12001", "e.ə. 12001"),
        ("0330-05-11", "11 May 330", "11 Mayıs 330", "11 may 330"),
        ("0330", "330", "330", "330"),
        ("12026-01-02", "2 January 12026", "2 Ocak 12026", "2 yanvar 12026"),
        ("-0752-13", "-0752-13", "-0752-13", "-0752-13"),
    ],
)
def test_years_before_our_era_are_counted_as_people_count(
    lexical: str, english: str, turkish: str, azerbaijani: str
) -> None:
    """The year 0000 is 1 BCE; all years have as many digits as they need (13.16)."""
    shown = [date(lexical, Translations(tag)) for tag in ("en", "tr", "az")]
    assert shown == [english, turkish, azerbaijani]
    year = Literal(lexical, datatype=XSD("gYear" if lexical.count("-") < 2 else "date"))
    assert literal_text(year, Translations("tr")) == Text(turkish, time=lexical)


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


@given(st.decimals(-(10**12), 10**12, places=4), st.sampled_from(["en", "tr", "az", "de", "pl", "sv", "hi", "ar"]))
def test_a_number_is_written_as_babel_writes_it(value: Decimal, language: str) -> None:
    """Most numbers are written without Babel, which takes longer; in some languages, Babel writes all (16 §7)."""
    separators = _separators(language)
    if separators is not None:
        expected = format_decimal(value, locale=language, decimal_quantization=False)
        assert _with_separators(value, *separators) == expected


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


@pytest.mark.parametrize(
    ("dates", "english", "turkish"),
    [
        ({"attestedOn": "2022-12-22"}, "active (documented on 22 December 2022)",
         "active (22 Aralık 2022 tarihinde belgelendi)"),
        ({"from": "1995"}, "active, since 1995", "active, başlangıç: 1995"),
        ({"from": "1990", "until": "2000-05"}, "active, 1990 – May 2000", "active, 1990 – Mayıs 2000"),
        ({}, "active", "active"),
    ],
)  # fmt: skip
def test_the_period_of_a_tie_is_a_state_with_its_dates(dates: dict[str, str], english: str, turkish: str) -> None:
    """In one line, with the state linked (15 §1)."""
    kinds = {4: "gYear", 7: "gYearMonth", 10: "date"}
    values: dict[str, NamedNode | Literal] = {
        name: Literal(day, datatype=XSD(kinds[len(day)])) for name, day in dates.items()
    }
    statements: list[tuple[NamedNode, NamedNode | Literal]] = [
        (RDF("type"), CG("Period")),
        (CG("state"), NamedNode("urn:active")),
    ]
    statements += [(CG(name), term) for name, term in values.items()]
    node = Node("urn:p", tuple(Statements(predicate.value, (Value(term, ()),)) for predicate, term in statements))

    def link(iri: str) -> Text:
        return Text(iri.removeprefix("urn:"), "", iri)

    shown = ["".join(text.text for text in summary(node, Translations(tag), link)) for tag in ("en", "tr")]
    assert shown == [english, turkish]
