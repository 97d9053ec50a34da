"""Terms in the client's queries, and values from results: what goes in comes out, whatever its text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isnan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import QueryResultsFormat, QuerySolutions, Store

from citygraph.client import IRI, BlankTerm, PartialDate, TypedText
from citygraph.client.query_terms import with_terms
from citygraph.client.typed_values import value_of

STORE = Store()
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = (
    TEXTS
    | st.sampled_from(['"', "'''", "\\", 'x" } # ', "$name", "İ\r\nı", "😀", "\\u0022", '"""', "\\' ?s ?p ?o"])
    | st.builds(TypedText, TEXTS, st.sampled_from(["tr", "en-gb"]))
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.dates()
    | st.floats(allow_nan=True)
    | st.decimals(-(10**9), 10**9, places=6)
    | st.sampled_from(
        [IRI("https://w3id.org/citygraph/id/city/izmir"), IRI("urn:x:ş'(a)"), PartialDate("1991-09", 1991, 9)]
    )
)


def evaluated(text: str) -> Any:
    """Returns ?x of the one row, as the client reads it."""
    solutions = STORE.query(text)
    assert isinstance(solutions, QuerySolutions)
    results = solutions.serialize(format=QueryResultsFormat.JSON)
    (row,) = json.loads(results or b"")["results"]["bindings"]
    return value_of(row["x"])


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_a_term_comes_back_as_the_value_that_it_was(value: Any) -> None:
    """Through another SPARQL engine, in FILTER as in VALUES; no text ends its own token (17)."""
    text = "SELECT ?x { VALUES ?x { $value } FILTER(SAMETERM(?x, $value)) }"
    result = evaluated(with_terms(text, {"value": value}))
    if isinstance(value, float) and isnan(value):
        assert isnan(result)
    else:
        assert result == value
        assert type(result) is type(value)
        assert getattr(result, "language", "") == getattr(value, "language", "")


def test_a_dollar_sign_in_strings_comments_and_iris_is_no_parameter() -> None:
    """Only tokens are replaced."""
    text = """SELECT ?x { # $x '
      VALUES ?x { "$x" '$x' '''a '$x' ''' \"\"\"b "$x" \"\"\" <urn:$x> $x }
      FILTER(?x = 1 || ?x<5&&?x>$x) }"""
    done = with_terms(text, {"x": 7})
    assert done.count("$x") == 6
    assert done.count(" 7 ") == 2


@pytest.mark.parametrize(
    ("text", "terms", "error", "message"),
    [
        ("SELECT * { $city ?p ?o }", {}, ValueError, r"the query has \$city: give a value, as city=…, or write \?city"),
        ("SELECT * { ?city ?p ?o }", {"city": 1}, ValueError, r"the query has no \$city"),
        ('SELECT * { ?s ?p "abc $x }', {"x": 1}, ValueError, "the string that begins at character 18"),
        ("ASK { $x ?p ?o }", {"x": ["a"]}, TypeError, "list is not a term"),
        ("ASK { $x ?p ?o }", {"x": None}, TypeError, "NoneType is not a term"),
        ("ASK { $x ?p ?o }", {"x": BlankTerm("b0")}, TypeError, "BlankTerm is not a term"),
        ("ASK { $x ?p ?o }", {"x": IRI("urn:a> ?p ?o . <urn:b")}, ValueError, "is not an absolute IRI"),
        ("ASK { $x ?p ?o }", {"x": IRI("izmir")}, ValueError, "is not an absolute IRI"),
        ("ASK { $x ?p ?o }", {"x": TypedText("a", "tr> ")}, ValueError, "is not the tag of a language"),
        ("ASK { $x ?p ?o }", {"x": "\0"}, ValueError, "NUL"),
        ("ASK { $x ?p ?o }", {"x": "\ud800"}, ValueError, "surrogates"),
        ("ASK { $x ?p ?o }", {"x": Decimal("NaN")}, ValueError, "not a decimal"),
    ],
)
def test_what_is_no_term_is_refused(text: str, terms: dict[str, Any], error: type[Exception], message: str) -> None:
    """Before anything is sent."""
    with pytest.raises(error, match=message):
        with_terms(text, terms)


@pytest.mark.parametrize(
    ("text", "datatype", "value"),
    [
        ("007", "integer", 7),
        ("1.50", "decimal", Decimal("1.50")),
        ("1E3", "double", 1000.0),
        ("true", "boolean", True),
        ("1991-09-15", "date", date(1991, 9, 15)),
        ("1991-09", "gYearMonth", PartialDate("1991-09", 1991, 9)),
        ("1991", "gYear", PartialDate("1991", 1991)),
        ("-0043-03-15", "date", PartialDate("-0043-03-15", -43, 3, 15)),
        ("1991-09-15Z", "date", PartialDate("1991-09-15Z", 1991, 9, 15)),
        ("1991-09-15T01:02:03Z", "dateTime", datetime(1991, 9, 15, 1, 2, 3, tzinfo=UTC)),
        ("12", "string", "12"),
    ],
)
def test_a_datatype_decides_the_type(text: str, datatype: str, value: object) -> None:
    """Never the look of the text: "12" is a text if the graph says so (17)."""
    term = {"type": "literal", "value": text, "datatype": f"http://www.w3.org/2001/XMLSchema#{datatype}"}
    assert value_of(term) == value
    assert type(value_of(term)) is type(value)


@pytest.mark.parametrize(
    ("text", "datatype"),
    [("x", "integer"), ("9" * 5000, "integer"), ("1991-13", "gYearMonth"), ("1991-02-29", "date"), ("1991", "date"),
     ("NaN", "decimal"), ("yes", "boolean"), ("P1Y", "duration"), ("1991-09-15", "dateTime"), ("nan", "double")],
)  # fmt: skip
def test_a_text_that_its_datatype_does_not_have_stays_a_text(text: str, datatype: str) -> None:
    """It keeps the datatype, and is neither lost nor guessed at."""
    term = {"type": "literal", "value": text, "datatype": f"http://www.w3.org/2001/XMLSchema#{datatype}"}
    value = value_of(term)
    assert (value, value.datatype) == (text, term["datatype"])


def test_a_partial_date_knows_its_days() -> None:
    """First and last day, also of a leap year; Python has no dates before the year 1."""
    assert (PartialDate("2024-02", 2024, 2).first, PartialDate("2024-02", 2024, 2).last) == (
        date(2024, 2, 1),
        date(2024, 2, 29),
    )
    assert PartialDate("1991", 1991).last == date(1991, 12, 31)
    assert PartialDate("-0043", -43).first is None
    assert [PartialDate("1991", 1991).precision, PartialDate("1991-09", 1991, 9).precision] == ["year", "month"]


@pytest.mark.parametrize(
    ("text", "unit", "term"),
    [
        ("2020", "Y", '"2020"^^<http://www.w3.org/2001/XMLSchema#gYear>'),
        ("-0044", "Y", '"-0044"^^<http://www.w3.org/2001/XMLSchema#gYear>'),
        ("2020-03", "M", '"2020-03"^^<http://www.w3.org/2001/XMLSchema#gYearMonth>'),
        ("1850-01-02", "D", '"1850-01-02"^^<http://www.w3.org/2001/XMLSchema#date>'),
        ("2020-01-02T03:04", "s", '"2020-01-02T03:04:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>'),
        ("2020-01-02T03:04", "ns", '"2020-01-02T03:04:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>'),
    ],
)
def test_times_of_numpy_are_dates_of_their_precision(text: str, unit: str, term: str) -> None:
    """A column of pandas has them in nanoseconds, for which numpy returns a number."""
    numpy = pytest.importorskip("numpy")
    assert with_terms("$x", {"x": numpy.datetime64(text, unit)}).strip() == term


def test_missing_dates_and_durations_are_no_terms() -> None:
    """They were the text NaT and a number, with which a query finds nothing."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    for value in (
        pandas.NaT,
        pandas.NA,
        numpy.datetime64("NaT"),
        numpy.timedelta64(5, "ns"),
        numpy.timedelta64(5, "D"),
    ):
        with pytest.raises((TypeError, ValueError), match="is not a term"):
            with_terms("$x", {"x": value})
