"""Validation: what is found, where it stands, in which words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from citygraph.build.build import build, check
from citygraph.build.validation import Validation, validate
from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.errors import BadData, CitygraphError, Violations
from citygraph.progress import Progress
from citygraph.rdf.terms import GRAPH, PREFIXES
from citygraph.release.releases import Releases
from citygraph.report import Place, Report, ValidationResult
from citygraph.settings import Settings
from citygraph.source.files import Sources
from tests.committing import committed
from tests.small import REPOSITORY, build_small, write_files

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
    """Bukhara signed before its act; Cape Town has no act, Thessaloniki no date; no place two countries (15 §3)."""
    report = built[2]
    assert report.conforms
    warned = {(r.shape.partition("#")[2], r.focus_node.rpartition("/")[2]) for r in report.warnings}
    assert {("AgreementOneDate", "izmir-cape-town"), ("AgreementUndated", "izmir-thessaloniki")} <= warned
    assert {w for w in warned if w[0] in {"ProtocolBeforeAct", "OneCountry"}} == {
        ("ProtocolBeforeAct", "izmir-bukhara-province"),
    }


def test_engines_that_cannot_run_are_an_error_not_a_pass(tmp_path: Path) -> None:
    """Broken shapes are told; they never mean that the data conform."""
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "shapes.ttl").write_text("this is no Turtle")
    (tmp_path / "data.nt").touch()
    with pytest.raises(CitygraphError, match="could not run"):
        validate(Sources(tmp_path, tmp_path), tmp_path / "data.nt")
    with Validation(Sources(tmp_path, tmp_path)) as validation:
        validation._process.wait()  # they end before they are asked
        validation.prepare(tmp_path / "data.nt")
        validation.start(tmp_path / "data.nt")
        with pytest.raises(CitygraphError, match="could not run"):
            validation.report()


PREFIX_LINES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
# Statements of one file, a line each, with the shapes that each violates: of other nodes than the statement's subject.
ADDITION = {
    'GRAPH source:probe { city:izmir cg:note "A note."@en , "Bir not."@tr }': "GraphDescribed",
    "GRAPH graph:probe { city:izmir cg:capitalOf country:nowhere }": "KnownEntity",
    'GRAPH graph:probe { city:nowhere cg:note "A note."@en }': "EverySubjectTyped",
    "GRAPH graph:probe { city:izmir cg:about [ a cg:Country ] }": "NoBlankNodes",
    "GRAPH graph:probe { city:bremen cg:country city:izmir }": "CountryKind",
    "GRAPH graph:probe { city:bremen cg:twinnedWith city:izmir }": "DerivedByHand",
    'GRAPH graph:curation { city:bremen cg:note "A note."@en }': "ConclusionMissing",
}


def test_new_file_is_judged_as_a_build_judges_it(tmp_path: Path) -> None:
    """(13.6) The violations are the same, whatever entity they are about, with file and line of the addition."""
    sources = write_files(tmp_path)
    path = tmp_path / "probe.trig"
    path.write_text(PREFIX_LINES + "\n".join(ADDITION))
    report = check(sources, [path], Progress())
    shutil.copy(path, sources.data / "probe.trig")
    with pytest.raises(Violations) as raised:
        build(sources, Releases(tmp_path / "releases"), Progress())
    built = raised.value.report
    assert {named(result) for result in report.violations} == {named(result) for result in built.violations}
    for line, shape in enumerate(ADDITION.values(), len(PREFIXES) + 1):
        assert found(report, shape).place == Place(str(path), line)
        assert found(built, shape).place == Place("data/probe.trig", line)


def named(result: ValidationResult) -> tuple[str, str, str, str]:
    """Returns the parts of a result that identify it; each reading labels blank nodes anew."""
    focus, value = ("_:" if term.startswith("_:") else term for term in (result.focus_node, result.value))
    return result.shape, focus, result.path, value


def test_file_of_the_data_can_be_validated_alone(tmp_path: Path) -> None:
    """(13.6) It is not added a second time; a file that fills a graph of another is refused with its line."""
    sources = write_files(tmp_path)
    assert check(sources, [sources.data / "register.trig"], Progress()).conforms
    copy = tmp_path / "copy.trig"
    shutil.copy(sources.data / "register.trig", copy)
    with pytest.raises(BadData, match=rf"copy\.trig:{len(PREFIXES) + 3}: .* is filled by data/register\.trig already"):
        check(sources, [copy], Progress())


def test_files_of_documents_share_catalogue_and_translations(tmp_path: Path) -> None:
    """(15) Each describes its document and has the names that the document lacks."""
    sources = write_files(tmp_path)
    for name, alias in (("first", '"Smyrna"@en'), ("second", '"Smyrne"@fr')):
        (sources.data / f"{name}.trig").write_text(
            f"{PREFIX_LINES} GRAPH graph:translations {{ city:izmir skos:altLabel {alias} }}"
            f"GRAPH graph:catalog {{ source:register rdfs:comment 'In {name}'@en }}",
            encoding="utf-8",
        )
    manifest = build(sources, Releases(tmp_path / "releases"), Progress())[0].manifest
    assert manifest.graphs[GRAPH("translations").value] == 2


def test_the_file_in_the_documentation_conforms(tmp_path: Path) -> None:
    """(15) Of a document about a new tie; only coordinates and Wikidata items are missing."""
    page = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
    path = tmp_path / "example-news-alphaville.trig"
    path.write_text(page.partition("```trig\n")[2].partition("```")[0], encoding="utf-8")
    report = check(write_files(tmp_path), [path], Progress())
    assert report.conforms
    assert {result.shape.partition("#")[2] for result in report.warnings} == {"PlaceCoordinates", "PlaceQid"}


def test_new_file_stands_beside_what_the_api_owns(tmp_path: Path, consequences: Followup) -> None:
    """(13.6) A build keeps the API's graphs, so that a link to their entities is no fault."""
    release = build_small(tmp_path)
    sources = Sources(tmp_path / "data", REPOSITORY / "ontology", REPOSITORY / "queries")
    text = 'city:urla a cg:City ; rdfs:label "Urla"@en , "Urla"@tr ; cg:country country:turkiye'
    update = Change(Update(f"INSERT DATA {{ GRAPH graph:notes {{ {text} }} }}"))
    settings = Settings(releases=tmp_path / "releases", data=sources.data, ontology=sources.ontology)
    (outcome,) = committed([update], settings, consequences)
    assert isinstance(outcome, Commit)
    path = tmp_path / "probe.trig"
    path.write_text(PREFIX_LINES + "GRAPH graph:probe { city:izmir cg:locatedIn city:urla }")
    assert not check(sources, [path], Progress(), release).conforms
    assert check(sources, [path], Progress(), Releases(settings.releases).current()).conforms


def test_statements_in_no_graph_are_reported(tmp_path: Path) -> None:
    """(13.6) Turtle is validated as an addition, and a notice says what a build would miss."""
    path = tmp_path / "urla.ttl"
    path.write_text(GOOD)
    notices: list[str] = []
    assert check(write_files(tmp_path), [path], Progress(), notice=notices.append).conforms
    (notice,) = notices
    assert "urla.ttl: 4 statement(s) are in no graph" in notice
