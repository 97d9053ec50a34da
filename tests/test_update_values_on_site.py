"""Values in updates and bodies over HTTP: each faulty statement is a 422 that names it; a valid one passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode

from citygraph.build.build import check
from citygraph.progress import Progress
from citygraph.rdf.terms import CG, GRAPH, ID, OWL, PREFIXES
from citygraph.report import term_text
from citygraph.source.files import Sources
from tests.small import REPOSITORY
from tests.writing import Writable

NOTES = GRAPH("notes").value
ZETA = f"""<{ID}city/zeta> a cg:City ; rdfs:label "Zeta"@en , "Zeta"@tr ; cg:country country:germany ;
    schema:longitude 12.5 ; """
LINKED = "owl:sameAs <http://www.wikidata.org/entity/Q9000001> ; "


def violations(body: bytes) -> list[dict[str, str]]:
    return [one for one in json.loads(body)["violations"] if one["severity"] == "violation"]


def shapes(body: bytes) -> set[str]:
    return {one["shape"].partition("#")[2] for one in violations(body)}


@pytest.mark.parametrize("other", ["", LINKED], ids=["with-a-warning", "without-another-result"])
@pytest.mark.parametrize(
    ("statement", "shape"),
    [
        ('schema:latitude "4.19e1"^^xsd:decimal', "LatitudeRange"),
        ('schema:latitude "NaN"^^xsd:decimal', "LatitudeRange"),
        ('schema:latitude "1e3"^^xsd:decimal', "LatitudeRange"),
        ('schema:latitude 41.9 ; cg:foundingDate "1996-04-24Z"^^xsd:date', "PlaceFoundingDate"),
        ('schema:latitude 41.9 ; cg:foundingDate "-0752-02-30"^^xsd:date', "PlaceFoundingDate"),
        ('schema:latitude 41.9 ; cg:noet "x"@en', "KnownProperty"),
        ("schema:latitude 41.9 ; a cg:SisterCityAgrement", "KnownClass"),
        ('schema:latitude 41.9 ; skos:altLabel " "@en', "TextNotEmpty"),
        ('schema:latitude 41.9 ; cg:foundingDate "-0752-04-21"^^xsd:date', ""),
    ],
)
def test_faulty_value_is_a_violation_whatever_else_is_found(
    site_to_write: Writable, statement: str, shape: str, other: str
) -> None:
    """(13.1, 13.2) Neither a 200 nor a 500; a date before the year 1 is valid."""
    reply = site_to_write.update(f"INSERT DATA {{ GRAPH <{NOTES}> {{ {ZETA} {other} {statement} }} }}", "?dry-run")
    assert (reply.status, shapes(reply.body) if shape else set()) == ((422, {shape}) if shape else (200, set()))


@pytest.mark.parametrize(
    ("literal", "is_value"),
    [
        ('"inf"^^xsd:double', False),
        ('"-5"^^xsd:positiveInteger', False),
        ("'''\\u0069nf''' ^^ xsd:double", False),
        ('"-5" ^^ <http://www.w3.org/2001/XMLSchema#positiveInteger>', False),
        ('"INF"^^xsd:double', True),
        ('"05"^^xsd:positiveInteger', True),
        ('"a \\"inf\\"^^xsd:double b"', True),
    ],
)
def test_literal_that_the_store_would_correct_is_refused(
    site_to_write: Writable, literal: str, *, is_value: bool
) -> None:
    """(13.3) By its text in the update or the body, with its line, because the store writes inf as INF."""
    triple = f"<{ID}city/bremen> skos:note\n {literal} ."
    bodies = [f"INSERT DATA {{ GRAPH <{NOTES}> {{\n{triple} }} }}"]
    bodies.append(f"INSERT {{ GRAPH <{NOTES}> {{\n{triple} }} }} WHERE {{}}")
    replies = [site_to_write.update(body, "?dry-run") for body in bodies]
    turtle = PREFIX_LINES + triple
    replies.append(site_to_write.ask("PUT", f"/graphs?graph={NOTES}&dry-run", turtle, Content_Type="text/turtle"))
    for reply in replies:
        text = reply.body.decode()
        assert ("is not a value of xsd:" in text) is not is_value, text
        assert (reply.status == 400) is not is_value
    if not is_value:
        assert json.loads(replies[0].body)["line"] == 3
        assert json.loads(replies[2].body)["line"] == len(PREFIXES) + 2


def test_every_faulty_statement_is_named(site_to_write: Writable) -> None:
    """(13.3) Focus, property and value of each, in an update and in a body of the Graph Store Protocol."""
    agreement = f"{ID}agreement/izmir-bremen"
    values = {'"24.04.1996"^^xsd:date': "24.04.1996", "<http://example.org/day>": "http://example.org/day", "5": "5"}
    triples = "".join(f"<{agreement}> cg:attestedOn {value} .\n" for value in values)
    replies = [
        site_to_write.update(f"INSERT DATA {{ GRAPH <{NOTES}> {{ {triples} }} }}", "?dry-run"),
        site_to_write.ask("PUT", f"/graphs?graph={NOTES}", PREFIX_LINES + triples, Content_Type="text/turtle"),
    ]
    for reply in replies:
        assert reply.status == 422
        named = {one["value"]: one for one in violations(reply.body)}
        assert named.keys() == set(values.values())
        assert {(one["focus"], one["path"]) for one in named.values()} == {(agreement, CG("attestedOn").value)}
        assert all('"1996-04-24"^^xsd:date' in one["remedy"] for one in named.values())


PREFIX_LINES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
ONTOLOGY = [
    quad for file in Sources(REPOSITORY / "data", REPOSITORY / "ontology").ontology_files() for quad in file.read()
]
LINKS, TEXTS = (
    sorted({str(q.subject) for q in ONTOLOGY if q.object == OWL(kind) and str(q.subject).startswith(f"<{CG}")})
    for kind in ("ObjectProperty", "DatatypeProperty")
)


def test_iri_and_literal_are_told_apart_for_every_property(site_to_write: Writable, tmp_path: Path) -> None:
    """(13.3) Over HTTP and in a file, with the same violations; in the file each has its line."""
    subject = NamedNode(f"{ID}city/bremen")
    values: list[tuple[str, NamedNode | Literal]] = [(name, Literal("x", language="en")) for name in LINKS]
    values += [(name, NamedNode("http://example.org/x")) for name in TEXTS]
    lines = [f"{subject} {name} {value} ." for name, value in values]
    reply = site_to_write.update(f"INSERT DATA {{ GRAPH <{NOTES}> {{ {' '.join(lines)} }} }}", "?dry-run")
    assert reply.status == 422
    over_http = {
        (one["path"], one["value"])
        for one in violations(reply.body)
        # Violations of other shapes may be about a path without one of its values.
        if one["focus"] == subject.value and one["path"] and "value" in one
    }
    assert over_http == {(name[1:-1], term_text(str(value))) for name, value in values}
    path = tmp_path / "values.trig"
    path.write_text(f"{PREFIX_LINES}GRAPH <{NOTES}> {{\n" + "\n".join(lines) + "\n}")
    report = check(Sources(site_to_write.folder / "data", REPOSITORY / "ontology"), [path], Progress())
    of_file = {
        (r.path, term_text(r.value)): r
        for r in report.violations
        if r.focus_node == subject.value and r.path and r.value
    }
    assert of_file.keys() == over_http
    for number, (name, value) in enumerate(values, len(PREFIXES) + 2):
        place = of_file[name[1:-1], term_text(str(value))].place
        assert place is not None
        assert place.line == number
