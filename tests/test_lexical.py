"""Lexical forms: which texts are valid literals of a datatype of XML Schema."""

from __future__ import annotations

import pytest

from citygraph.rdf.lexical import DATATYPES, days_in_month, is_valid
from citygraph.rdf.terms import RDF, XSD

VALID = {
    "boolean": "true false 1 0",
    "decimal": "1 -1.50 +.5 1. 00 123456789012345678901234567890",
    "integer": "0 -0 +007 123456789012345678901234567890",
    "nonNegativeInteger": "0 -0 18446744073709551616",
    "positiveInteger": "1 99999999999999999999999",
    "negativeInteger": "-1 -99999999999999999999999",
    "nonPositiveInteger": "0 -5",
    "byte": "-128 127",
    "unsignedByte": "0 255",
    "unsignedLong": "18446744073709551615",
    "double": "1 1e3 4.19E-1 INF -INF +INF NaN",
    "date": "1996-04-24 1996-04-24Z 1996-04-24+14:00 -0752-04-21 19960-04-24 2000-02-29 0000-02-29 -0004-02-29",
    "gYearMonth": "1996-04 -0752-12 1996-04-02:00",
    "gYear": "1996 -0752 19960 0000 1996Z",
    "gMonthDay": "--02-29 --12-31Z",
    "gMonth": "--04",
    "gDay": "---31",
    "time": "18:30:00 24:00:00 00:00:59.999Z",
    "dateTime": "1996-04-24T18:30:00 1996-04-24T24:00:00Z 1996-04-24T00:00:00.5-05:00",
    "dateTimeStamp": "1996-04-24T18:30:00Z",
    "duration": "P1Y P1Y2M3DT4H5M6.7S -PT0S P1M",
    "yearMonthDuration": "P1Y6M -P3M",
    "dayTimeDuration": "P1D PT12H30M",
    "language": "tr en-GB x-klingon",
    "NCName": "city _1 Şehir",
    "hexBinary": "0FB7 ",
    "base64Binary": "aXptaXI= YQ== YWI=",
}
INVALID = {
    "boolean": "TRUE True yes",
    "decimal": "NaN INF 1e3 4.19e1 . 1,5 1_000 ٣ -",
    "integer": "1.0 1e3 0x10 --1",
    "nonNegativeInteger": "-1",
    "positiveInteger": "0 -5",
    "byte": "128 -129",
    "unsignedByte": "256 -1",
    "unsignedLong": "18446744073709551616",
    "double": "inf nan Infinity infinity -NaN 1e 1e1.5",
    "date": "24.04.1996 1996-4-24 1996-13-01 1996-00-01 1996-01-00 1996-04-31 1997-02-29 1900-02-29 996-04-24 "
    "019960-04-24 1996-04-24+14:01 1996-04-24z 1996-04 +1996-04-24 -0001-02-29 1996-04-24T00:00:00",
    "gYearMonth": "1996-13 1996 1996-4",
    "gYear": "96 01996 1996-04 +1996",
    "gMonthDay": "--02-30 --04-31 04-24",
    "gMonth": "--13 04 --04--",
    "gDay": "---32 24",
    "time": "24:00:01 25:00:00 18:30 18:30:60 18:30:00.",
    "dateTime": "1996-04-24 1996-04-24T18:30 1996-04-24T24:00:01 1997-02-29T00:00:00",
    "dateTimeStamp": "1996-04-24T18:30:00",
    "duration": "P PT P1YT P1S 1Y P1D1Y",
    "yearMonthDuration": "P1D P1YT",
    "dayTimeDuration": "P1Y",
    "language": "türkçe e-123456789",
    "NCName": "1city ci:ty",
    "hexBinary": "0FB 0G",
    "base64Binary": "aXp= a YQ=",
}


def cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts.split()]


@pytest.mark.parametrize(("name", "text"), cases(VALID))
def test_text_of_the_lexical_space_is_valid(name: str, text: str) -> None:
    """(13.2) Years before 1 and of five digits too, which Python's own dates do not have."""
    assert is_valid(text, XSD + name)


@pytest.mark.parametrize(("name", "text"), cases(INVALID))
def test_other_text_is_not_valid(name: str, text: str) -> None:
    """(13.2) Whatever an engine accepts: NaN as a decimal, 1e3, a thirteenth month, the day first."""
    assert not is_valid(text, XSD + name)


@pytest.mark.parametrize("name", sorted(VALID))
@pytest.mark.parametrize("text", ["{} ", " {}", "{}\n", "\t{}"])
def test_white_space_is_not_part_of_a_lexical_form(name: str, text: str) -> None:
    """(13.2) RDF knows no normalisation of white space (RDF 1.1, 3.3)."""
    assert not is_valid(text.format(VALID[name].split()[0]), XSD + name)


def test_every_example_is_valid() -> None:
    """The remedies show them."""
    assert all(is_valid(datatype.example, name) for name, datatype in DATATYPES.items())


def test_unknown_datatypes_take_every_text_but_misspelt_ones_none() -> None:
    """(13.2) XML Schema's namespace is closed; others are not known here."""
    assert is_valid("x", RDF + "HTML")
    assert is_valid("POINT(1 2)", "http://www.opengis.net/ont/geosparql#wktLiteral")
    assert not is_valid("1996-04-24", XSD + "dat")
    assert not is_valid("x", XSD + "QName")


def test_months_before_the_year_one_have_their_days() -> None:
    """There is a year 0, which is a leap year (XML Schema 1.1)."""
    assert [days_in_month(year, 2) for year in (-4, -1, 0, 4, 1900, 2000)] == [29, 28, 29, 29, 28, 29]
