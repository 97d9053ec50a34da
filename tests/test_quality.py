"""Quality: each metric is described, each is measured, and the measurements are right."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Quad, QuerySolutions, RdfFormat, Store, Triple, parse

from citygraph.build.quality import FILE, METRIC, QualityMeasurement, measure, quality_queries, shape_counts
from citygraph.errors import BadData
from citygraph.rdf.terms import DATASET, DQV, ONTOLOGY_GRAPH, PREFIXES, RDF, RDFS, SKOS, VOID, XSD
from citygraph.release.releases import Release
from citygraph.report import Report, ValidationResult
from citygraph.source.queries import read_query
from tests.conftest import REPOSITORY

QUERIES = quality_queries([REPOSITORY / "queries"])


@pytest.fixture(scope="session")
def measured(izmir: Release) -> set[Triple]:
    return {quad.triple for quad in parse(path=str(izmir.path / FILE), format=RdfFormat.TURTLE)}


def value(measured: set[Triple], name: str) -> str:
    node = NamedNode(f"{DATASET.value}#quality-{name}")
    (found,) = (t.object.value for t in measured if (t.subject, t.predicate) == (node, DQV("value")))  # type: ignore[union-attr]
    return found


def test_each_metric_has_its_query_and_is_described(izmir: Release) -> None:
    """In the ontology, in every language; the two of the shapes come from the report."""
    store = izmir.open_store()
    metrics = {q.subject for q in store.quads_for_pattern(None, RDF("type"), DQV("Metric"), ONTOLOGY_GRAPH)}
    names = {query.name.removeprefix("quality/") for query in QUERIES} | {"violations", "warnings"}
    assert metrics == {NamedNode(METRIC + name) for name in names}
    for metric in metrics:
        for term in (RDFS("label"), SKOS("definition")):
            said = {q.object.language for q in store.quads_for_pattern(metric, term, None, ONTOLOGY_GRAPH)}  # type: ignore[union-attr]
            assert said >= {"en", "tr", "de"}


def test_shares_are_what_sparql_counts(izmir: Release, measured: set[Triple]) -> None:
    """Three of them, asked otherwise."""
    store = izmir.open_store()

    def asked(pattern: str) -> int:
        solutions = store.query(f"SELECT (COUNT(DISTINCT ?x) AS ?n) {{ {pattern} }}", prefixes=PREFIXES)
        assert isinstance(solutions, QuerySolutions)
        return int(next(iter(solutions))["n"].value)

    both = asked("?x a cg:Agreement ; cg:councilActDate ?a ; cg:protocolDate ?p") / asked("?x a cg:Agreement")
    assert math.isclose(float(value(measured, "agreement-dates-Agreement")), both, abs_tol=0.00005)
    turkish = asked('?x a cg:City ; rdfs:label ?l FILTER(LANG(?l) = "tr")') / asked("?x a cg:City")
    assert math.isclose(float(value(measured, "recommended-labels-City")), turkish, abs_tol=0.00005)
    assert 0 < float(value(measured, "several-sources")) < 1


def test_what_the_shapes_found_is_measured(izmir: Release, measured: set[Triple]) -> None:
    """No violations; warnings in all and by rule, which add up."""
    assert value(measured, "violations") == "0"
    assert value(measured, "warnings") == str(izmir.manifest.warnings)
    by_rule = [
        int(t.object.value)  # type: ignore[union-attr]
        for t in measured
        if t.predicate == DQV("value") and t.subject.value.startswith(f"{DATASET.value}#quality-warnings-")  # type: ignore[union-attr]
    ]
    assert sum(by_rule) == izmir.manifest.warnings


def test_a_measurement_of_a_class_is_of_its_partition(izmir: Release, measured: set[Triple]) -> None:
    """It is computed on a node that the catalogue describes."""
    parts = {t.object for t in measured if t.predicate == DQV("computedOn") and t.object != DATASET}
    described = {q.subject for q in izmir.open_store().quads_for_pattern(None, VOID("class"), None)}
    assert parts
    assert parts <= described


def test_nothing_of_nothing_is_whole() -> None:
    """A share without members has a value too."""
    assert QualityMeasurement("x", 0, 0).value.value == "1.0000"
    assert Decimal(QualityMeasurement("x", 1, 3).value.value) == Decimal("0.3333")
    assert QualityMeasurement("x", 7).value.value == "7"


def test_a_query_that_does_not_count_is_told(tmp_path: Path) -> None:
    """The file is named."""
    path = tmp_path / "x.rq"
    for text in ("SELECT ?x { ?x ?p ?o }", "ASK {}", "SELECT {"):
        path.write_text(f"#+ title: T\n#+ description: D\n{text}")
        with pytest.raises(BadData, match=r"quality/x\.rq"):
            measure(Store, [read_query(path, "quality/x")])


def test_a_query_counts_each_alternative(tmp_path: Path) -> None:
    """Builds evaluate queries as the endpoint does, with the project's functions (13.15, 13.39)."""
    store = Store()
    for name in "pq":
        store.add(Quad(NamedNode("x:a"), NamedNode(f"x:{name}"), Literal("1986", datatype=XSD("gYear"))))
    path = tmp_path / "x.rq"
    select = "SELECT (COUNT(cg:endOfPeriod(?o)) AS ?numerator) (COUNT(?o) AS ?denominator) { ?s <x:p>|<x:q> ?o }"
    path.write_text(f"#+ title: T\n#+ description: D\n{select}")
    (measured, *_) = measure(lambda: store, [read_query(path, "quality/x")])
    assert (measured.numerator, measured.denominator) == (2, 2)


def test_warnings_of_a_report_are_counted_by_shape() -> None:
    """Two of one rule, one of another."""
    results = tuple(ValidationResult("warning", f"x:{n}", f"s:{n // 2}", "c:c") for n in range(3))
    counts = shape_counts(Report(results, ""))
    assert [(m.metric, m.numerator, m.shape) for m in counts] == [
        ("violations", 0, ""), ("warnings", 3, ""), ("warnings", 2, "s:0"), ("warnings", 1, "s:1"),
    ]  # fmt: skip
