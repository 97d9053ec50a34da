"""The extension functions, called as queries call them."""

from __future__ import annotations

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store

from citygraph.geo import kilometres
from citygraph.rdf.partial_dates import EDTF
from citygraph.rdf.terms import PREFIXES, RDFS, XSD
from citygraph.sparql.functions import FUNCTIONS, functions_of


def value(expression: str, store: Store | None = None) -> object:
    """The value of an expression; None if it is an error."""
    store = Store() if store is None else store
    text = f"SELECT ({expression} AS ?value) {{}}"
    answer = store.query(text, prefixes=PREFIXES, custom_functions=functions_of(store))
    assert isinstance(answer, QuerySolutions)
    return next(answer)["value"]


def decimal(text: str) -> Literal:
    return Literal(text, datatype=XSD("decimal"))


def date(text: str) -> Literal:
    return Literal(text, datatype=XSD("date"))


@pytest.mark.parametrize("name", ["İzmir", "IZMIR", "izmir", "ızmır", "I\u0307zmir"])
def test_fold_makes_one_of_all_spellings(name: str) -> None:
    """The function is the search form, so that a query finds what the search box finds."""
    assert value(f'cg:fold("{name}")') == Literal("izmir")
    assert value(f'cg:fold("{name}"@tr)') == Literal("izmir")


def test_distance_is_in_kilometres() -> None:
    """İzmir to Bremen is 2,151 km; half way round the earth is half its circumference."""
    assert value("cg:distance(38.42, 27.14, 53.08, 8.80)") == decimal("2151.103")
    assert kilometres(0, 0, 0, 180) == pytest.approx(20015.115, abs=0.001)
    assert value("cg:distance(1.5, 2, 1.5e0, 2.0)") == decimal("0")
    assert value("xsd:integer(ROUND(cg:distance(38.42, 27.14, 53.08, 8.80)))") == Literal(2151)


@pytest.mark.parametrize(
    "arguments", ["91, 0, 0, 0", '"38.42", 27.14, 0, 0', "1, 2, 3", "1, 2, 3, 4, 5", "<http://x/>, 1, 1, 1"]
)
def test_distance_of_what_is_no_place_is_an_error(arguments: str) -> None:
    """An error in an expression leaves its variable unbound (SPARQL 1.1, 17.6)."""
    assert value(f"cg:distance({arguments})") is None


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ('"1991-09"^^xsd:gYearMonth', "1991-09-01", "1991-09-30"),
        ('"1992-02"^^xsd:gYearMonth', "1992-02-01", "1992-02-29"),
        ('"1900-02"^^xsd:gYearMonth', "1900-02-01", "1900-02-28"),
        ('"1985"^^xsd:gYear', "1985-01-01", "1985-12-31"),
        ('"1985-09-04"^^xsd:date', "1985-09-04", "1985-09-04"),
        ('"1985Z"^^xsd:gYear', "1985-01-01Z", "1985-12-31Z"),
    ],
)
def test_a_partial_date_has_a_first_and_a_last_day(given: str, first: str, last: str) -> None:
    """Dates are as precise as their source; comparing them takes the bounds of their period."""
    assert value(f"cg:startOfPeriod({given})") == date(first)
    assert value(f"cg:endOfPeriod({given})") == date(last)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ('"-0752"^^xsd:gYear', "-0752-01-01", "-0752-12-31"),
        ('"-0752-02"^^xsd:gYearMonth', "-0752-02-01", "-0752-02-29"),
        ('"0000-02"^^xsd:gYearMonth', "0000-02-01", "0000-02-29"),
        ('"2024-02-29"^^xsd:date', "2024-02-29", "2024-02-29"),
        ('"12024-02"^^xsd:gYearMonth', "12024-02-01", "12024-02-29"),
    ],
)
def test_a_period_in_any_year(given: str, first: str, last: str) -> None:
    """Years before our era, leap years, and years with more digits (13.16)."""
    assert value(f"cg:startOfPeriod({given})") == date(first)
    assert value(f"cg:endOfPeriod({given})") == date(last)


@pytest.mark.parametrize(
    "given",
    [
        '"1991-13"^^xsd:gYearMonth',
        '"1991-00"^^xsd:gYearMonth',
        '"1991-02-30"^^xsd:date',
        '"1900-02-29"^^xsd:date',
        '"1991-9-1"^^xsd:date',
        '"1991"^^xsd:date',
        '"1991-09"^^xsd:gYear',
        '"1991-09-01"^^xsd:gYearMonth',
        '"01991"^^xsd:gYear',
        '"991"^^xsd:gYear',
        '"1991-09-01+15:00"^^xsd:date',
        '"24.04.1996"^^xsd:date',
        '"١٩٩١"^^xsd:gYear',
        '"1991\\n"^^xsd:gYear',
    ],
)
def test_a_date_that_does_not_exist_has_no_period(given: str) -> None:
    """Its datatype is that of a date, and its text is not valid for it (13.16)."""
    for function in ("startOfPeriod", "endOfPeriod"):
        assert value(f"cg:{function}({given})") is None


@pytest.mark.parametrize("number", ['"north"^^xsd:decimal', '"1_0"^^xsd:integer', '"4,5"^^xsd:double', '""^^xsd:float'])
def test_a_number_without_a_value_is_no_degree(number: str) -> None:
    """Python would read some of them (13.16)."""
    assert value(f"cg:distance({number}, 1, 2, 3)") is None


@pytest.mark.parametrize("given", ['"1991-09"', '"soon"^^xsd:date', "1991", "<http://x/>", '"1991"@en'])
def test_what_is_no_date_has_no_period(given: str) -> None:
    """A number or a text that looks like a date is none."""
    assert value(f"cg:startOfPeriod({given})") is None


@pytest.fixture
def labels() -> Store:
    """Baku in three languages, Ganja in Azerbaijani and Russian, Sumqayıt without one, Qusar in British and in all."""
    store = Store()
    for city, text, language in [
        ("baku", "Baku", "en"),
        ("baku", "Bakü", "tr"),
        ("baku", "Bakı", "az"),
        ("ganja", "Гянджа", "ru"),
        ("ganja", "Gəncə", "az"),
        ("sumqayit", "Sumqayıt", None),
        ("qusar", "Kussar", "en-GB"),
        ("qusar", "Qusar", "mul"),
    ]:
        literal = Literal(text, language=language) if language else Literal(text)
        store.add(Quad(NamedNode(PREFIXES["city"] + city), RDFS("label"), literal, DefaultGraph()))
    return store


@pytest.mark.parametrize(
    ("city", "language", "expected"),
    [
        ("baku", "tr", Literal("Bakü", language="tr")),
        ("baku", "tr-TR", Literal("Bakü", language="tr")),
        ("baku", "de", Literal("Baku", language="en")),
        ("qusar", "en", Literal("Kussar", language="en-gb")),
        ("qusar", "en-US", Literal("Kussar", language="en-gb")),
        ("qusar", "de", Literal("Qusar", language="mul")),
        ("ganja", "de", Literal("Gəncə", language="az")),
        ("sumqayit", "de", Literal("Sumqayıt")),
        ("nowhere", "de", None),
    ],
)
def test_label_falls_back_in_the_documented_order(
    labels: Store, city: str, language: str, expected: Literal | None
) -> None:
    """The language or its variant, all languages, English, the first other by its tag, none, nothing (13.4, 13.17)."""
    assert value(f'cg:labelIn(city:{city}, "{language}")', labels) == expected


def test_labels_are_read_while_a_query_runs(labels: Store) -> None:
    """The function asks the store in the middle of an evaluation, for every row, without a deadlock."""
    answer = labels.query(
        'SELECT ?city (cg:labelIn(?city, "tr") AS ?label) { ?city rdfs:label ?any } ORDER BY ?label',
        prefixes=PREFIXES,
        custom_functions=functions_of(labels),
    )
    assert isinstance(answer, QuerySolutions)
    assert len(list(answer)) == 8


def test_every_function_is_documented_once() -> None:
    """The service description lists what can be called, and nothing else."""
    assert [function.iri for function in FUNCTIONS] == list(functions_of(Store()))
    assert all(function.help and function.signature.startswith("cg:") for function in FUNCTIONS)


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("1990/2000-02", "1990-01-01", "2000-02-29"),
        ("2010-05/..", "2010-05-01", None),
        ("1990/", "1990-01-01", None),
        ("/2000", None, "2000-12-31"),
        ("-0752/12000", "-0752-01-01", "12000-12-31"),
        ("1990-13/x", None, None),
        ("", None, None),
    ],
)
def test_the_bounds_of_an_interval(given: str, first: str | None, last: str | None) -> None:
    """Queries compare the intervals of agreements by their days, not as text (13.10)."""
    interval = f'"{given}"^^<{EDTF.value}>'
    assert value(f"cg:startOfPeriod({interval})") == (date(first) if first else None)
    assert value(f"cg:endOfPeriod({interval})") == (date(last) if last else None)
