"""What the shapes found in a release, after commits too: of what they judged anew, and of all else as before."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import Literal

from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.commit.rollback import rollback
from citygraph.release.releases import Release, Releases
from citygraph.report import (
    LATER,
    Report,
    ReportScope,
    ValidationResult,
    merge_reports,
    read_later_reports,
    report_of,
    write_report,
)
from citygraph.settings import Settings
from citygraph.web.view.findings import Findings, read_findings
from tests.committing import committed

CITY = "https://w3id.org/citygraph/id/city/"
DATASET = "https://w3id.org/citygraph/dataset"
SHAPE = "https://w3id.org/citygraph/ontology/shapes#"
NAMED = "INSERT DATA { GRAPH graph:notes { city:seoul owl:sameAs <http://www.wikidata.org/entity/Q8684> } }"


@pytest.fixture
def settings(izmir: Release, tmp_path: Path) -> Settings:
    """A repository of releases of its own, which begins with İzmir's."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=izmir) as staged:
        for name in ("search.sqlite", "report.ttl"):
            (staged.path / name).hardlink_to(izmir.path / name)
        staged.publish(izmir.manifest)
    return Settings(releases=releases.root)


def shapes_of(findings: Findings, city: str) -> set[str]:
    return {finding.shape.removeprefix(SHAPE) for finding in findings.of(CITY + city) or ()}


def messages_of(findings: Findings) -> set[frozenset[Literal]]:
    return {frozenset(finding.messages) for finding in findings.of(CITY + "seoul") or ()}


def test_commit_replaces_what_it_judged_and_keeps_the_rest(settings: Settings, consequences: Followup) -> None:
    """A place that gets its item is no longer warned of; another is still, and so is all else."""
    releases = Releases(settings.releases)
    before = read_findings(releases.current().path)
    assert shapes_of(before, "seoul") == shapes_of(before, "beijing") == {"PlaceQid", "PlaceCoordinates"}
    outcome = committed([Change(Update(NAMED))], settings, consequences)[0]
    assert isinstance(outcome, Commit)
    after = read_findings(releases.current().path)
    assert shapes_of(after, "seoul") == {"PlaceCoordinates"}
    assert after.whole
    assert after.built is before.built, "the report of the build is read again"
    changed = {iri for iri in before.built if before.of(iri) != after.of(iri)}
    assert changed == {CITY + "seoul"}


def test_second_commit_has_the_last_word(settings: Settings, consequences: Followup) -> None:
    """What it takes back is found again, in the same words; and going back to a release brings its findings."""
    releases = Releases(settings.releases)
    first = read_findings(releases.current().path)
    assert isinstance(committed([Change(Update(NAMED))], settings, consequences)[0], Commit)
    named = releases.current()
    undone = committed([Change(Update(NAMED.replace("INSERT", "DELETE")))], settings, consequences)[0]
    assert isinstance(undone, Commit)
    again = read_findings(releases.current().path)
    assert messages_of(again) == messages_of(first)
    assert shapes_of(read_findings(rollback(named.id, releases).path), "seoul") == {"PlaceCoordinates"}


CONCLUDED = """
INSERT DATA {
  GRAPH source:leaflet {
    source:leaflet a cg:Source ; rdfs:label "Leaflet"@en , "Broşür"@tr ; dcterms:title "Leaflet"@en ;
      dcterms:publisher organisation:izmir-metropolitan-municipality ; dcterms:language "en" ;
      cg:readOn "2026-11-22"^^xsd:date ;
      cg:sha256 "038f597b77125976edf6c28297e2fd99fa3dd3a07ee040e556ca2bb19f4757a9" .
  }
  GRAPH graph:curation {
    <https://w3id.org/citygraph/graph/curation#leaflet> a cg:Conclusion ;
      rdfs:label "Where it is"@en , "Nerede"@tr ; cg:reason "It is there."@en , "Orada."@tr ;
      rdf:subject city:seoul ; rdf:predicate cg:country ; rdf:object country:south-korea ; cg:evidence source:leaflet .
  }
}
"""
STATED = "INSERT DATA { GRAPH source:leaflet { city:seoul cg:country country:south-korea } }"


def test_a_rule_about_graphs_is_judged_where_another_node_changed(settings: Settings, consequences: Followup) -> None:
    """Evidence that says nothing of the conclusion, until it states what another source has stated."""
    releases = Releases(settings.releases)
    current = releases.current()
    with releases.stage(copy_of=current) as staged:
        (staged.path / "report.ttl").hardlink_to(current.path / "report.ttl")
        (staged.path / "search.sqlite").hardlink_to(current.path / "search.sqlite")
        staged.publish(replace(current.manifest, owners={}))
    warned = []
    for text in (CONCLUDED, STATED, STATED.replace("INSERT", "DELETE")):
        (outcome,) = committed([Change(Update(text))], settings, consequences)
        assert isinstance(outcome, Commit)
        found = read_findings(releases.current().path).of("https://w3id.org/citygraph/graph/curation") or ()
        warned.append([one.shape for one in found if one.focus.endswith("#leaflet")])
    assert warned == [[f"{SHAPE}EvidenceForeign"], [], [f"{SHAPE}EvidenceForeign"]]


def result(focus: str, value: str = "") -> ValidationResult:
    return ValidationResult(
        "warning", focus, SHAPE + "X", SHAPE + "component", value=value, messages={"en": "No.", "tr": "Yok."}
    )


def test_of_the_dataset_only_the_values_judged_are_replaced(tmp_path: Path) -> None:
    """Its other values nobody has looked at; and where there is no report of all, only what was judged is known."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    both = ReportScope(values=frozenset({"urn:x:1", "urn:x:2"}), datasets=frozenset({DATASET}))
    found = (result(DATASET, "<urn:x:1>"), result(DATASET, "<urn:x:2>"))
    write_report(Report(found, "", both), tmp_path / "a", tmp_path / "b")
    one = ReportScope(frozenset({CITY + "izmir"}), frozenset({"urn:x:1"}), frozenset({DATASET}))
    write_report(Report((), "", one), tmp_path / "b", tmp_path / "c")
    assert len(list(read_later_reports(tmp_path / "c"))) == 2
    findings = read_findings(tmp_path / "c")
    assert [finding.value for finding in findings.of(DATASET) or ()] == ["<urn:x:2>"]
    assert findings.of(CITY + "izmir") == ()
    assert findings.of(CITY + "baku") is None


def test_results_of_shapes_that_a_commit_did_not_judge_stay(tmp_path: Path) -> None:
    """A commit judges only the shapes that read what it changed; the last one to judge a shape counts (16 §6)."""
    node = CITY + "izmir"
    found = {name: replace(result(node), shape=SHAPE + name) for name in ("A", "B", "C")}
    commits = (("ABC", "ABC"), ("AB", "A"), ("C", "C"), ("C", ""))
    for number, (judged, results) in enumerate(commits):
        (tmp_path / f"{number}").mkdir()
        scope = ReportScope(frozenset({node}), shapes=frozenset(SHAPE + name for name in judged))
        report = Report(tuple(found[name] for name in results), "", scope)
        write_report(report, tmp_path / f"{number - 1}", tmp_path / f"{number}")
    shapes = [shapes_of(read_findings(tmp_path / f"{number}"), "izmir") for number in range(len(commits))]
    assert shapes == [{"A", "B", "C"}, {"A", "C"}, {"A", "C"}, {"A"}]


def test_reports_of_many_commits_are_merged(tmp_path: Path) -> None:
    """(18) Hundreds of commits on few nodes take no more room than a few, and the findings are those of all lines."""
    nodes = [f"{CITY}{number}" for number in range(5)]
    shapes = [frozenset(), frozenset({SHAPE + "A"}), frozenset({SHAPE + "A", SHAPE + "B"})]
    chance = random.Random(18)  # noqa: S311
    expected = set[tuple[str, str]]()
    for number in range(300):
        (tmp_path / f"{number}").mkdir()
        scope = ReportScope(frozenset(chance.sample(nodes, 2)), shapes=chance.choice(shapes))
        judged = {(node, shape) for node in scope.nodes for shape in scope.shapes or {SHAPE + name for name in "ABC"}}
        found = {one for one in sorted(judged) if chance.random() < 0.5}
        expected = expected - judged | found
        report = Report(tuple(replace(result(node), shape=shape) for node, shape in sorted(found)), "", scope)
        write_report(report, tmp_path / f"{number - 1}", tmp_path / f"{number}")
        findings = read_findings(tmp_path / f"{number}")
        assert {(one.focus, one.shape) for node in nodes for one in findings.of(node) or ()} == expected, number
    assert (tmp_path / "299" / LATER).read_bytes().count(b"\n") < 80


def test_reports_on_parts_are_one_report(tmp_path: Path) -> None:
    """With every result, under one node, in an order of their own; nothing found anywhere is a report that says so."""
    nodes = ("urn:x:2", "urn:x:1", "urn:x:3")
    parts = [report_of([replace(result(node), messages={"tr": "Bir\u2028iki\n", "en": "One"})]) for node in nodes]
    whole = merge_reports([parts[0], Report((), ""), *parts[1:]])
    assert [r.focus_node for r in whole.results] == list(nodes)
    assert whole.turtle == merge_reports([parts[2], merge_reports(parts[:2])]).turtle
    assert whole.turtle == report_of(whole.results).turtle
    (tmp_path / "report.ttl").write_text(whole.turtle, encoding="utf-8")
    findings = read_findings(tmp_path)
    assert {one.focus: len(one.messages) for node in nodes for one in findings.of(node) or ()} == dict.fromkeys(
        nodes, 2
    )
    assert "conforms" in merge_reports([]).turtle
    assert merge_reports([parts[0], Report((), "")]) is parts[0]
