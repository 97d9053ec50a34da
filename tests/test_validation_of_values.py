"""Validation of values: what each engine would judge differently, is judged alike, and what day it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyoxigraph import Literal, RdfFormat, parse

from citygraph.build.build import check
from citygraph.build.validation import Validation, validate
from citygraph.commit.outcomes import outcome_as_json, outcome_from_json
from citygraph.errors import EnginesDisagree
from citygraph.instance import FILE, parse_instance
from citygraph.progress import Progress
from citygraph.rdf.partial_dates import local_day, midnight
from citygraph.rdf.terms import PREFIXES, RDFS
from citygraph.report import Place, Report, ValidationResult
from citygraph.source.files import Sources
from citygraph.web.http.problems import problem_of
from tests.small import REPOSITORY, write_files

PREFIX_LINES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())


def found(report: Report, name: str) -> ValidationResult:
    (result,) = [r for r in report.violations if r.shape.endswith("#" + name)]
    return result


ROME = """country:italy a cg:Country ; rdfs:label "Italy"@en , "İtalya"@tr .
city:rome a cg:City ; rdfs:label "Rome"@en , "Roma"@tr ; cg:country country:italy ; schema:longitude 12.5 ;
"""
LINKED = "owl:sameAs <http://www.wikidata.org/entity/Q220> ; "


@pytest.fixture(scope="module")
def judge(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[str]]]:
    """Returns the shapes that a text of Turtle violates, by both engines: validation raises if they differ."""
    path = tmp_path_factory.mktemp("judged") / "data.nt"
    with Validation(sources) as validation:

        def violated(text: str) -> list[str]:
            quads = parse(PREFIX_LINES + text, RdfFormat.TURTLE)
            path.write_text("".join(f"{quad.triple} .\n" for quad in quads))
            report = validation.validate(path, both=True)
            return sorted(result.shape.partition("#")[2] for result in report.violations)

        yield violated


@pytest.mark.parametrize("other", ["", LINKED], ids=["with-a-warning", "without-another-result"])
@pytest.mark.parametrize(
    ("statement", "shapes"),
    [
        ('schema:latitude "4.19e1"^^xsd:decimal', ["LatitudeRange"]),
        ('schema:latitude "NaN"^^xsd:decimal', ["LatitudeRange"]),
        ('schema:latitude " 41.9"^^xsd:decimal', ["LatitudeRange"]),
        ('schema:latitude "41.9"^^xsd:double', ["LatitudeRange"]),
        ('schema:latitude 41.9 ; cg:foundingDate "-0752-04-21"^^xsd:date', []),
        ('schema:latitude 95.0 ; cg:foundingDate "-0752-04-21"^^xsd:date', ["LatitudeRange"]),
        ('schema:latitude 41.9 ; cg:foundingDate "-0752"^^xsd:gYear', []),
        ('schema:latitude 41.9 ; cg:foundingDate "-0752-02-30"^^xsd:date', ["PlaceFoundingDate"]),
        ('schema:latitude 41.9 ; cg:foundingDate "1996-04-24Z"^^xsd:date', ["PlaceFoundingDate"]),
        ('schema:latitude 41.9 ; cg:foundingDate "1996-13"^^xsd:gYearMonth', ["PlaceFoundingDate"]),
        ('schema:latitude 41.9 ; cg:foundingDate "yesterday"^^xsd:gYear', ["PlaceFoundingDate"]),
        ('schema:latitude 41.9 ; skos:altLabel "Rom\\n"@de', []),
        ('schema:latitude 41.9 ; cg:noet "x"@en', ["KnownProperty"]),
        ('schema:latitude 41.9 ; cg:landmark ""@en', ["TextNotEmpty"]),
        ("schema:latitude 41.9 ; a cg:Ctiy", ["KnownClass"]),
        ('schema:latitude "-0000"^^xsd:gYear', ["LatitudeRange"]),
        ("schema:latitude 41.9 ; rdfs:label <http://example.org/rome>", ["LabelLanguage"]),
    ],
)
def test_no_violation_is_dropped_and_none_invented(
    judge: Callable[[str], list[str]], statement: str, shapes: list[str], other: str
) -> None:
    """(13.2) Whether the node has another result or not; what the engines would judge differently is judged before."""
    assert judge(f"{ROME} {other} {statement} .") == shapes


def test_ill_formed_literal_is_reported_as_it_was_written(sources: Sources, tmp_path: Path) -> None:
    """(13.2) With its own datatype and its line, in the report for readers and in the W3C's."""
    path = tmp_path / "rome.ttl"
    path.write_text(f'{PREFIX_LINES}{ROME} schema:latitude "4.19e1"^^xsd:decimal .')
    report = check(sources, [path], Progress())
    result = found(report, "LatitudeRange")
    assert result.value == '"4.19e1"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    assert result.place == Place(str(path), len(PREFIXES) + 3)
    assert result.value in report.turtle
    assert "ill-formed" not in report.turtle


def test_each_fault_has_its_line(sources: Sources, tmp_path: Path) -> None:
    """(13.1, 13.3) An unknown class and property, a day first, an IRI and a number as dates, an empty label."""
    path = tmp_path / "faults.trig"
    lines = [
        "GRAPH graph:faults { agreement:rome-izmir a cg:SisterCityAgrement",
        '; cg:protocolDat "20.11.2026"^^xsd:date',
        '; cg:attestedOn "24.04.1996"^^xsd:date',
        ", <http://example.org/day>",
        ", 5",
        '; rdfs:label ""@en }',
    ]
    path.write_text(PREFIX_LINES + "\n".join(lines))
    report = check(sources, [path], Progress())
    shapes = ["KnownClass", "KnownProperty", "LexicalForm", "ValueIsLiteral", "ValueDatatype", "TextNotEmpty"]
    for number, shape in enumerate(shapes, len(PREFIXES) + 1):
        assert found(report, shape).place == Place(str(path), number)
    (written,) = {
        quad.object for quad in parse(report.turtle, RdfFormat.TURTLE) if quad.object == Literal("", language="en")
    }
    assert written


def test_engines_that_differ_are_a_named_error_with_both_verdicts(tmp_path: Path) -> None:
    """(13.2) In Python, $ matches before a final newline too, here within a group, where nothing corrects it."""
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "shapes.ttl").write_text(
        PREFIX_LINES
        + """shapes:S a sh:NodeShape ; sh:targetSubjectsOf rdfs:label ; sh:property shapes:P .
        shapes:P sh:path rdfs:label ; sh:pattern "^(a$|b)" ; sh:severity sh:Violation ."""
    )
    data = tmp_path / "data.nt"
    data.write_text(f'<urn:x:s> <{RDFS("label").value}> "a\\n" .\n<urn:x:s> <{RDFS("label").value}> "c" .\n')
    with pytest.raises(EnginesDisagree) as raised:
        validate(Sources(tmp_path, tmp_path), data)
    text = str(raised.value)
    assert "<urn:x:s> P <http://www.w3.org/2000/01/rdf-schema#label>" in text
    assert "shifty says violation, pySHACL none" in text
    assert '"c"' not in text
    # So it comes out of the committing process.
    error = outcome_from_json(json.loads(json.dumps(outcome_as_json(raised.value))))
    assert isinstance(error, EnginesDisagree)
    problem = problem_of(error)
    assert (problem.type.status, problem.type.slug, problem.detail) == (500, "engines-disagree", text)


class Dated(Sources):
    """The sources on a certain day."""

    def today(self) -> date:
        return date(2026, 11, 29)


@pytest.mark.parametrize(
    ("day", "in_future"),
    [
        ("2026-11-29", False),
        ("2026-11-30", True),
        ("2026-11", False),
        ("2026-12", True),
        ("2026", False),
        ("2027", True),
        ("19960-04-24", True),
        ("19960", True),
        ("-0752-04-21", False),
        ("-19960", False),
    ],
)
def test_today_is_that_of_the_instance(judge_on: Callable[[str], set[str]], day: str, in_future: bool) -> None:
    """(13.3, 13.16) A day, month or year after today is in the future, whatever day it is in UTC; five digits too."""
    datatype = ("gYear", "gYearMonth", "date")[day.lstrip("-").count("-")]
    date_shapes = {"AttestedOnNotInFuture", "AgreementDateNotInFuture"}
    found_shapes = judge_on(f'cg:attestedOn "{day}"^^xsd:{datatype} ; cg:startDate "{day}"^^xsd:{datatype}')
    assert found_shapes & date_shapes == (date_shapes if in_future else set())


@pytest.fixture(scope="module")
def judge_on(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], set[str]]]:
    """Returns the shapes that an agreement with these statements violates on 29 November 2026."""
    path = tmp_path_factory.mktemp("dated") / "data.nt"
    with Validation(Dated(sources.data, sources.ontology)) as validation:

        def violated(text: str) -> set[str]:
            quads = parse(f"{PREFIX_LINES}agreement:a-b a cg:Agreement ; {text} .", RdfFormat.TURTLE)
            path.write_text("".join(f"{quad.triple} .\n" for quad in quads))
            return {r.shape.partition("#")[2] for r in validation.validate(path, both=True).violations}

        yield violated


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("-0500", "-0300", False),
        ("-0300", "-0500", True),
        ("-0300", "0100", False),
        ("1990", "1990-05", False),
        ("1990-06", "1990-05", True),
        ("1990-05-02", "1990-05", False),
        ("1991", "1990-05-01", True),
        ("1990", "12026", False),
        ("12026", "1990", True),
    ],
)
def test_order_of_dates_is_that_of_their_years(
    judge_on: Callable[[str], set[str]], start: str, end: str, wrong: bool
) -> None:
    """(13.2) Before the year 1 and after 9999 too, where the texts sort otherwise."""
    types = ("gYear", "gYearMonth", "date")
    first, last = (f'"{day}"^^xsd:{types[day.lstrip("-").count("-")]}' for day in (start, end))
    assert ("AgreementOrder" in judge_on(f"cg:startDate {first} ; cg:endDate {last}")) == wrong


def test_day_begins_at_midnight_of_the_time_zone() -> None:
    """(13.16) At half past midnight in İstanbul it is still yesterday in UTC."""
    moment = datetime(2026, 11, 28, 21, 30, tzinfo=UTC)
    assert local_day("Europe/Istanbul", moment) == date(2026, 11, 29)
    assert local_day("UTC", moment) == date(2026, 11, 28)
    assert midnight(date(2026, 11, 29), "Europe/Istanbul") == datetime(2026, 11, 28, 21, tzinfo=UTC)
    assert parse_instance((REPOSITORY / FILE).read_text(encoding="utf-8")).timezone == "Europe/Istanbul"


def test_todays_date_is_valid_where_the_instance_is(tmp_path: Path) -> None:
    """(13.16) Today in Kiritimati is always in the future in American Samoa, which is a day behind."""
    sources = write_files(tmp_path)
    path = tmp_path / "probe.trig"
    today = local_day("Pacific/Kiritimati")
    path.write_text(f'{PREFIX_LINES}GRAPH graph:probe {{ agreement:izmir-bremen cg:attestedOn "{today}"^^xsd:date }}')
    environment = {
        **os.environ,
        "CITYGRAPH_DATA": str(sources.data),
        "CITYGRAPH_ONTOLOGY": str(sources.ontology),
        "CITYGRAPH_RELEASES": str(tmp_path / "releases"),
    }
    outputs = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        (tmp_path / FILE).write_text(f'timezone = "{zone}"\n')
        command = [sys.executable, "-m", "citygraph.cli", "validate", "--no-warnings", str(path)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        outputs.append(done.stdout)
    assert ["AttestedOnNotInFuture" in output for output in outputs] == [False, True]
    assert "conform" in outputs[0]


def test_a_blank_node_is_a_violation_whatever_describes_it(judge: Callable[[str], list[str]], tmp_path: Path) -> None:
    """An engine takes a blank focus node for a variable: other rules judge it when it has an IRI (16 §5)."""
    tie = "a cg:SisterCityAgreement ; cg:party city:rome, city:nowhere"
    assert "NoBlankNodes" in judge(f"{ROME} schema:latitude 41.9 . [] {tie} . [] a cg:Event .")
    path = tmp_path / "new.trig"
    path.write_text(PREFIX_LINES + f"GRAPH source:new {{\n[] {tie.replace('rome', 'izmir')} .\n}}")
    report = check(write_files(tmp_path), [path], Progress())
    assert found(report, "NoBlankNodes").place == Place(str(path), len(PREFIXES) + 2)
