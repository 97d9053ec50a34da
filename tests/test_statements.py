"""The check of single statements: terms of the ontology, kinds and datatypes of values, lexical forms, empty texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Triple

from citygraph.build.statements import CheckedFile, StatementRules
from citygraph.rdf.terms import CG, DCTERMS, FOAF, GEO, ID, OWL, RDF, RDFS, SCHEMA, SKOS, XSD
from citygraph.report import ValidationResult
from citygraph.source.files import Sources
from tests.conftest import REPOSITORY

IZMIR = NamedNode(f"{ID}city/izmir")
OURS = Sources(REPOSITORY / "data", REPOSITORY / "ontology")
ONTOLOGY = [
    (quad.subject, quad.predicate, quad.object)
    for file in OURS.ontology_files()
    for quad in file.read()
    if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode)
]
KINDS = {
    kind: sorted({term for term, _, is_a in ONTOLOGY if is_a == OWL(kind) and term.value.startswith(CG)}, key=str)
    for kind in ("ObjectProperty", "DatatypeProperty")
}
RANGES: dict[NamedNode, set[str]] = {}
for term, predicate, value in ONTOLOGY:
    if predicate in (RDFS("range"), SCHEMA("rangeIncludes")):
        RANGES.setdefault(term, set()).add(value.value)


@pytest.fixture(scope="module")
def rules() -> StatementRules:
    return StatementRules([f.path for f in OURS.ontology_files()], [f.path for f in OURS.shape_files()])


def faults(rules: StatementRules, predicate: NamedNode, *values: NamedNode | Literal) -> list[ValidationResult]:
    return list(rules.check(f"{Triple(IZMIR, predicate, value)} .\n" for value in values))


def names(results: list[ValidationResult]) -> list[str]:
    return [result.shape.partition("#")[2] for result in results]


def typed(text: str, datatype: str) -> Literal:
    return Literal(text, datatype=XSD(datatype))


@pytest.mark.parametrize(
    ("predicate", "value", "rule", "nearest"),
    [
        (CG("protocolDat"), typed("2026-11-20", "date"), "KnownProperty", "cg:protocolDate"),
        (CG("noet"), Literal("x", language="en"), "KnownProperty", "cg:note"),
        (CG("prty"), IZMIR, "KnownProperty", "cg:party"),
        (CG("City"), IZMIR, "KnownProperty", "cg:"),
        (RDF("type"), CG("SisterCityAgrement"), "KnownClass", "cg:SisterCityAgreement"),
        (RDF("type"), CG("city"), "KnownClass", "cg:City"),
        (RDF("type"), CG("party"), "KnownClass", "cg:"),
        (RDF("predicate"), CG("jurisdicton"), "KnownTerm", "cg:jurisdiction"),
        (SKOS("notation"), typed("x", "sting"), "KnownDatatype", "xsd:string"),
    ],
)
def test_unknown_term_is_rejected_with_the_nearest_name(
    rules: StatementRules, predicate: NamedNode, value: NamedNode | Literal, rule: str, nearest: str
) -> None:
    """(13.1) A property, a class, a term as a value, a datatype; in both languages."""
    (result,) = faults(rules, predicate, value)
    assert names([result]) == [rule]
    assert (result.severity, result.focus_node, result.path, result.value) == (
        "violation", IZMIR.value, predicate.value, str(value),
    )  # fmt: skip
    assert all(nearest in result.remedy(language) for language in ("en", "tr"))
    assert all("{?" not in text for text in (*result.messages.values(), *result.remedies.values()))


def test_known_terms_and_terms_of_others_pass(rules: StatementRules) -> None:
    """(13.1) Whatever other vocabularies define is theirs."""
    assert not faults(rules, RDF("type"), CG("City"), NamedNode("https://schema.org/Thing"))
    assert not faults(rules, NamedNode("https://schema.org/knows"), IZMIR, Literal("x"))
    assert not faults(rules, RDF("predicate"), CG("party"))


@pytest.mark.parametrize("predicate", KINDS["ObjectProperty"], ids=lambda p: p.value.removeprefix(CG))
def test_literal_in_the_place_of_an_iri_is_rejected(rules: StatementRules, predicate: NamedNode) -> None:
    """(13.3) For every property that links entities, and of whatever datatype."""
    values = (Literal("İzmir", language="en"), Literal("x"), typed("5", "integer"), typed("1996-04-24", "date"))
    assert set(names(faults(rules, predicate, *values))) == {"ValueIsIri"}
    assert not faults(rules, predicate, IZMIR)


@pytest.mark.parametrize("predicate", KINDS["DatatypeProperty"], ids=lambda p: p.value.removeprefix(CG))
def test_iri_or_wrong_datatype_is_rejected(rules: StatementRules, predicate: NamedNode) -> None:
    """(13.3) For every property that takes literals: the range says of which datatypes."""
    ranges = RANGES[predicate]
    (of_iri,) = faults(rules, predicate, NamedNode("http://example.org/day"))
    assert names([of_iri]) == ["ValueIsLiteral"]
    samples = {
        XSD("string").value: Literal("x"),
        RDF("langString").value: Literal("x", language="en"),
        XSD("integer").value: typed("5", "integer"),
        XSD("decimal").value: typed("5.5", "decimal"),
        XSD("boolean").value: typed("true", "boolean"),
        XSD("date").value: typed("1996-04-24", "date"),
        XSD("gYearMonth").value: typed("1996-04", "gYearMonth"),
        XSD("gYear").value: typed("1996", "gYear"),
        XSD("dateTime").value: typed("1996-04-24T00:00:00Z", "dateTime"),
        XSD("double").value: typed("1e3", "double"),
    }
    for name, sample in samples.items():
        assert names(faults(rules, predicate, sample)) == ([] if name in ranges else ["ValueDatatype"]), name


def test_properties_of_other_vocabularies_have_their_kind_too(rules: StatementRules) -> None:
    """(13.3) Those that every entity may have: its class is no text, its label no IRI."""
    for predicate in (RDF("type"), OWL("sameAs"), FOAF("page"), GEO("hasGeometry"), DCTERMS("references")):
        assert names(faults(rules, predicate, Literal("x"), NamedNode("urn:x"))) == ["ValueIsIri"]
    for predicate in (RDFS("label"), SKOS("altLabel"), RDFS("comment"), DCTERMS("title"), DCTERMS("description")):
        assert names(faults(rules, predicate, NamedNode("urn:x"), Literal("x", language="en"))) == ["ValueIsLiteral"]


def test_the_repository_uses_only_terms_of_its_ontology() -> None:
    """(13.1) Shapes, rules, queries and documentation: there a wrong name would silently match nothing.

    Only the shape that refuses a former class names it, and the changelog.
    """
    files = [path for folder in ("ontology", "queries", "docs") for path in (REPOSITORY / folder).rglob("*.*")]
    used = {
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in files
        if path.suffix in (".ttl", ".rq", ".md") and path.parent.name != "violating"
        for name in re.findall(r"(?<![\w.-])cg:([A-Za-z]\w*)", path.read_text(encoding="utf-8"))
        if CG(name) not in {term for term, _, _ in ONTOLOGY}
    }
    with_former = ("docs/changelog.md", "ontology/citygraph.ttl", "ontology/shapes/event.ttl")
    assert used == {f"{file}: PlannedEvent" for file in with_former}


def test_property_may_take_literals_and_entities(rules: StatementRules) -> None:
    """(13.3) The end of a period is a date or cg:unknownDate; other literals are still rejected."""
    assert not faults(rules, CG("until"), typed("1996-04", "gYearMonth"), CG("unknownDate"))
    assert names(faults(rules, CG("until"), typed("5", "integer"), CG("unknwnDate"))) == ["ValueDatatype", "KnownTerm"]


def test_each_value_is_judged_by_itself(rules: StatementRules) -> None:
    """(13.3) A date with the day first, an IRI and a number as days of attestation are three violations."""
    values = (typed("24.04.1996", "date"), NamedNode("http://example.org/day"), typed("5", "integer"))
    results = faults(rules, CG("attestedOn"), *values)
    assert names(results) == ["LexicalForm", "ValueIsLiteral", "ValueDatatype"]
    assert '"1996-04-24"^^xsd:date' in results[0].remedy("en")
    assert "xsd:integer" in results[2].message("en")
    assert "xsd:date, xsd:gYear, xsd:gYearMonth" in results[2].message("en")


@pytest.mark.parametrize("text", ["1996-04-24Z", "1996-04-24+03:00"])
def test_date_has_no_time_zone(rules: StatementRules, text: str) -> None:
    """(13.2) It is a valid literal, but no source gives one, and it would not compare with other dates."""
    (result,) = faults(rules, CG("attestedOn"), typed(text, "date"))
    assert names([result]) == ["DateWithoutZone"]
    assert '"1996-04-24"^^xsd:date' in result.remedy("en")
    assert not faults(rules, NamedNode("https://schema.org/dateCreated"), typed(text, "date"))


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u00a0", "\u3000"])
def test_empty_text_is_rejected(rules: StatementRules, text: str) -> None:
    """(13.3) As a label, and with every other property: white space is no text."""
    for value in (Literal(text, language="en"), Literal(text)):
        assert names(faults(rules, RDFS("label"), value)) == ["TextNotEmpty"]
    assert names(faults(rules, CG("note"), Literal(text, language="tr"))) == ["TextNotEmpty"]
    assert not faults(rules, CG("note"), Literal('\n a \\ quote "', language="tr"))


def test_ill_formed_literals_reach_no_engine(rules: StatementRules) -> None:
    """(13.2) They read a literal of an unknown datatype instead, on which they agree; the rest stays as it is."""
    ill = f"{Triple(IZMIR, SCHEMA('latitude'), typed('4.19e1', 'decimal'))} .\n"
    others = [
        f"{Triple(IZMIR, SCHEMA('latitude'), value)} .\n"
        for value in (typed("41.9", "decimal"), Literal('"^^<urn:x>'), Literal("x", language="en"), IZMIR)
    ]
    first, *rest = rules.for_engines([ill, *others])
    assert first != ill
    assert "ill-formed:http://www.w3.org/2001/XMLSchema#decimal" in first
    assert rest == others


def test_growing_file_is_read_as_one_that_is_complete(rules: StatementRules, tmp_path: Path) -> None:
    """A line that has not been written to its end, even in the middle of a character, is read later."""
    good = f"{Triple(IZMIR, RDFS('label'), Literal('İzmir', language='tr'))} .\n".encode()
    bad = f"{Triple(IZMIR, CG('noet'), Literal('x', language='en'))} .\n".encode()
    path = tmp_path / "data.nt"
    path.write_bytes(b"")
    file = CheckedFile(path, rules)
    unfinished = good.index("İ".encode()) + 1
    for part, lines in ((good + good[:unfinished], 1), (good[unfinished:], 2), (b"", 2), (good, 3)):
        with path.open("ab") as out:
            out.write(part)
        file.read()
        assert (file.table.size, file.table.starts[-1]) == (lines, lines * len(good))
    assert not file.faults
    with path.open("ab") as out:
        out.write(bad)
    file.read()
    assert names(file.faults) == ["KnownProperty"]
