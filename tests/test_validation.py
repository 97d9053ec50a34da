"""Validation: what is found, where it stands, in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygraph.build.build import check
from citygraph.build.validation import validate
from citygraph.errors import CitygraphError
from citygraph.progress import Progress
from citygraph.report import Place, Report, ValidationResult
from citygraph.source.files import Sources

HEAD = """@prefix cg: <https://w3id.org/citygraph/ontology#> .
@prefix city: <https://w3id.org/citygraph/id/city/> .
@prefix country: <https://w3id.org/citygraph/id/country/> .
@prefix agreement: <https://w3id.org/citygraph/id/agreement/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
ONE_PARTY = (
    HEAD
    + """
agreement:izmir-nowhere a cg:SisterCityAgreement ;
    cg:party city:izmir ;
    cg:councilActDate "2199-01-01"^^xsd:date .
"""
)
GOOD = HEAD + 'city:urla a cg:City ; rdfs:label "Urla"@en , "Urla"@tr ; cg:country country:turkiye .\n'


def found(report: Report, name: str) -> ValidationResult:
    (result,) = [r for r in report.violations if r.shape.endswith("#" + name)]
    return result


def test_a_violation_is_told_with_place_words_and_remedy(sources: Sources, tmp_path: Path) -> None:
    """File and line, the entity's label, what is wrong in both languages, how to mend it."""
    path = tmp_path / "new.ttl"
    path.write_text(ONE_PARTY)
    report = check(sources, [path], Progress())
    result = found(report, "TwoParties")
    assert result.place == Place(str(path), 9)
    assert result.label.startswith("İzmir")
    assert result.message("en") != result.message("tr")
    assert result.remedy("en")
    assert found(report, "AgreementDateNotInFuture").place == Place(str(path), 10)


def test_a_new_file_is_checked_beside_the_data(sources: Sources, tmp_path: Path) -> None:
    """A link to what data/ describes is no fault, and the report is of the new file alone."""
    path = tmp_path / "urla.ttl"
    path.write_text(GOOD)
    report = check(sources, [path], Progress())
    assert report.conforms
    assert {result.focus_node.rpartition("/")[2] for result in report.results} <= {"urla"}


def test_the_izmir_graph_conforms_with_the_warnings_it_must_have(built: tuple[object, object, Report]) -> None:
    """Bukhara's protocol is older than its act, Cape Town's agreement has no date, Famagusta has two countries."""
    report = built[2]
    assert report.conforms
    warned = {(r.shape.partition("#")[2], r.focus_node.rpartition("/")[2]) for r in report.warnings}
    assert {w for w in warned if w[0] in {"ProtocolBeforeAct", "AgreementUndated", "OneCountry"}} == {
        ("ProtocolBeforeAct", "izmir-bukhara-province"),
        ("AgreementUndated", "izmir-cape-town"),
        ("OneCountry", "famagusta"),
    }


def test_engines_that_cannot_run_are_an_error_not_a_pass(tmp_path: Path) -> None:
    """Broken shapes are told; they never mean that the data conform."""
    (tmp_path / "shapes.ttl").write_text("this is no Turtle")
    (tmp_path / "data.nt").touch()
    with pytest.raises(CitygraphError, match="could not run"):
        validate([tmp_path / "shapes.ttl"], tmp_path / "data.nt")
