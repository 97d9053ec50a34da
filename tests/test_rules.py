"""What the rules derive: who is in office today, and the dates of an agreement from its acts and signings."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.rdf.terms import CG, DERIVED_GRAPH, ID, PREFIXES
from citygraph.release.releases import Release
from citygraph.source.rules import Rule, derive, derive_in_parts, read_rules
from tests.conftest import REPOSITORY

_HEAD = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
_OFFICE = """
  source:page a cg:Source ; cg:readOn "2026-11-22"^^xsd:date .
  source:news a cg:Source ; dcterms:issued "2026-01-06T16:03:00"^^xsd:dateTime .
  organisation:o cg:jurisdiction city:a . post:p cg:of organisation:o ; cg:role role:mayor .
  tenure:x a cg:Tenure ; cg:holder person:x ; cg:post post:p .
  tenure:y a cg:Tenure ; cg:holder person:y ; cg:post post:p ."""


def concluded(turtle: str, *names: str) -> Store:
    """The default graph after these rules have run over the statements."""
    store = Store()
    store.extend(parse(_HEAD + turtle, format=RdfFormat.TURTLE))
    derive(read_rules(REPOSITORY / "ontology" / "rules" / f"{name}.rq" for name in names), store)
    return store


def values(store: Store, subject: str, predicate: NamedNode) -> set[str]:
    quads = store.quads_for_pattern(NamedNode(ID + subject), predicate, None, DefaultGraph())
    return {quad.object.value.rpartition("/")[2] for quad in quads}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("stated", "holders"),
    [
        ('tenure:x cg:startDate "2019"^^xsd:gYear .', {"x"}),
        ('tenure:x cg:startDate "2019"^^xsd:gYear ; cg:until cg:unknownDate .', set()),
        ('tenure:x cg:startDate "2019"^^xsd:gYear ; cg:notAfter "2024"^^xsd:gYear .', set()),
        ('tenure:x cg:startDate "2019"^^xsd:gYear . tenure:y cg:startDate "2024-04"^^xsd:gYearMonth .', {"y"}),
        ('tenure:x cg:startDate "2019"^^xsd:gYear . tenure:y cg:endDate "2024"^^xsd:gYear .', set()),
        ('tenure:x cg:attestedOn "2020-11-12"^^xsd:date .', set()),
        ('tenure:x cg:attestedOn "2025-11-21"^^xsd:date .', set()),
        ('tenure:x cg:attestedOn "2026-01-06"^^xsd:date .', {"x"}),
        ('tenure:x cg:attestedOn "2026"^^xsd:gYear . tenure:y cg:attestedOn "2026-03-01"^^xsd:date .', {"x", "y"}),
        ('tenure:x cg:attestedOn "2026-01-06"^^xsd:date . tenure:y cg:attestedOn "2026-03-01"^^xsd:date .', {"y"}),
        ('tenure:x cg:attestedAt event:e . event:e cg:notBefore "2020-03"^^xsd:gYearMonth .', set()),
        ('tenure:x cg:attestedAt event:e . event:e cg:startDate "2026-01"^^xsd:gYearMonth .', {"x"}),
        ('event:s cg:signatory <urn:i> ; cg:startDate "1986"^^xsd:gYear . <urn:i> cg:as tenure:x .', set()),
        ('event:s cg:signatory <urn:i> ; cg:startDate "2026-02-02"^^xsd:date . <urn:i> cg:as tenure:x .', {"x"}),
        ("", set()),
    ],
)
def test_only_a_tenure_that_is_known_to_last_is_stated_as_one_of_today(stated: str, holders: set[str]) -> None:
    """By Wikidata's P6, W3C ORG and schema.org alike, from the same days (15 §1)."""
    store = concluded(_OFFICE + stated, "07-in-office", "08-w3c-org", "09-schema-org", "11-wikidata")
    for subject, property_ in (("city/a", "wdt:P6"), ("post/p", "org:heldBy"), ("organisation/o", "schema:member")):
        prefix, name = property_.split(":")
        assert values(store, subject, NamedNode(PREFIXES[prefix] + name)) == holders, property_
    assert not values(store, "organisation/o", NamedNode(PREFIXES["org"] + "hasPost")) - {"p"}


def test_without_dated_sources_the_last_holder_is_in_office() -> None:
    """There is nothing that an attestation could be too old for (15 §1)."""
    stated = 'tenure:x a cg:Tenure ; cg:holder person:x ; cg:post post:p ; cg:attestedOn "2001"^^xsd:gYear .'
    assert values(concluded(stated, "07-in-office"), "tenure/x", CG("inOffice")) == {"true"}


ACTS = """
  agreement:a-b a cg:Agreement ; cg:party city:a , city:b ; cg:decidedBy <urn:act-of-a> , <urn:act-of-b> .
  <urn:act-of-b> cg:council organisation:b ; cg:date "1984-12-01"^^xsd:date . organisation:b cg:jurisdiction city:b .
  <urn:act-of-a> cg:council organisation:a . organisation:a cg:jurisdiction city:a ."""


@pytest.mark.parametrize(
    ("stated", "act", "protocol", "valid"),
    [
        (ACTS + '<urn:act-of-a> cg:date "1985-09-04"^^xsd:date , "1985"^^xsd:gYear .', {"1985-09-04"}, set(),
         "1984-12-01/.."),
        (ACTS, {"1984-12-01"}, set(), "1984-12-01/.."),
        (ACTS + 'agreement:a-b cg:councilActDate "1985"^^xsd:gYear .', {"1985"}, set(), "1984-12-01/.."),
        ('agreement:a-b a cg:Agreement ; cg:signedAt event:s , event:t . event:s cg:startDate "1986-04-28"^^xsd:date .'
         'event:t cg:startDate "1987"^^xsd:gYear .', set(), {"1986-04-28"}, "1986-04-28/.."),
        ('agreement:a-b a cg:Agreement ; cg:signedAt event:s . event:s cg:startDate "2027"^^xsd:gYear ;'
         "schema:eventStatus schema:EventScheduled .", set(), set(), ""),
    ],
)  # fmt: skip
def test_the_dates_of_an_agreement_follow_from_its_acts_and_signings(
    stated: str, act: set[str], protocol: set[str], valid: str
) -> None:
    """The act of the side that its name begins with, the first protocol, and all of them for its validity (15 §1)."""
    store = concluded(stated, "05-instrument-dates", "12-agreement-validity")
    names = (
        ("councilActDate", act),
        ("protocolDate", protocol),
        ("validDuring", {valid.rpartition("/")[2]} if valid else set()),
    )
    assert {name: values(store, "agreement/a-b", CG(name)) for name, _ in names} == dict(names)
    spans = store.quads_for_pattern(NamedNode(ID + "agreement/a-b"), CG("validDuring"), None, DefaultGraph())
    assert [quad.object.value for quad in spans] == ([valid] if valid else [])  # type: ignore[union-attr]


def test_a_state_that_a_document_shows_on_a_day_attests_the_agreement() -> None:
    """Of a tie without any date of its own (15 §1)."""
    stated = """agreement:a-b a cg:Agreement ; cg:status <urn:p> , <urn:q> .
      <urn:p> cg:state status:active ; cg:attestedOn "2022-03-01"^^xsd:date .
      <urn:q> cg:state status:planned ; cg:attestedOn "2001"^^xsd:gYear ."""
    assert values(concluded(stated, "12-agreement-validity"), "agreement/a-b", CG("attestedDuring")) == {"2022-03-01"}


@pytest.mark.parametrize(
    ("dates", "valid"),
    [
        (("1995", "..", "1995-03", ".."), {"1995-03/.."}),
        (("1990", "..", "1995-03", ".."), {"1990/.."}),
        (("1990", "2000", "2010", ".."), {"1990/2000", "2010/.."}),
        (("1990", "", "2010", ".."), {"1990/", "2010/.."}),
    ],
)
def test_periods_without_an_end_are_one(dates: tuple[str, ...], valid: set[str]) -> None:
    """Two documents that give another day of the beginning do not make two ties (15 §1)."""
    stated = "agreement:a-b a cg:Agreement ; cg:status <urn:p> , <urn:q> ."
    for period, start, end in (("urn:p", *dates[:2]), ("urn:q", *dates[2:])):
        stated += f" <{period}> cg:state status:active ; cg:from {partial(start)} ."
        if end != "..":
            stated += f" <{period}> cg:until {partial(end) if end else 'cg:unknownDate'} ."
    store = concluded(stated, "12-agreement-validity")
    spans = store.quads_for_pattern(NamedNode(ID + "agreement/a-b"), CG("validDuring"), None, DefaultGraph())
    assert {quad.object.value for quad in spans} == valid  # type: ignore[union-attr]


def test_a_label_has_the_parties_in_one_order_whatever_the_order_of_the_statements() -> None:
    """By their names in the first language, some of which are equal or several of one party (16 §6)."""
    stated = """agreement:a-b a cg:Agreement ; cg:party city:a , city:b , city:c , city:d , city:e .
      city:a rdfs:label "Alfa"@tr , "Alpha"@en . city:b rdfs:label "Beta"@tr-TR , "Bêta"@en-GB .
      city:c rdfs:label "Beta"@tr , "Vita"@en . city:d rdfs:label "Delta"@tr , "Zelta"@en , "Delta"@en .
      city:e rdfs:label "Çelta"@tr , "Ğelta"@tr , "Xelta"@en ."""
    quads = sorted(parse(_HEAD + stated, format=RdfFormat.TURTLE), key=str)
    rules = read_rules([REPOSITORY / "ontology" / "rules" / "04-agreement-labels.rq"])
    orders = [Random(seed).sample(quads, len(quads)) for seed in range(40)]  # noqa: S311 - no secret
    assert {frozenset(str(quad.object) for quad in derive(rules, _store_of(order))) for order in orders} == {
        frozenset(
            {
                '"Alpha–Bêta–Delta–Zelta–Vita–Xelta–Delta–Zelta agreement"@en',
                '"Alfa–Beta–Delta–Beta–Çelta–Ğelta–Delta anlaşması"@tr',
            }
        )
    }


def _store_of(quads: Iterable[Quad]) -> Store:
    store = Store()
    for quad in quads:
        store.add(quad)
    return store


def partial(text: str) -> str:
    """Returns a partial date as a term of Turtle."""
    return f'"{text}"^^xsd:{("gYear", "gYearMonth", "date")[text.count("-")]}'


def test_heads_of_the_conference_cities_have_not_left_office(izmir: Release) -> None:
    """(15) Of the cities whose mayors met in 2020: nobody whose end or successor a document gives is a current head."""
    store = izmir.open_store()
    office = """event:turkey-germany-mayors-roundtable cg:participant ?guest .
      ?seat cg:holder ?guest ; cg:post ?post . ?tenure cg:post ?post ; cg:holder ?holder ."""
    left = f"""SELECT DISTINCT ?holder {{
      {{ {office} ?tenure cg:endDate | cg:until ?end }}
      UNION
      {{ {office}
        ?other cg:post ?post ; cg:holder ?successor ; cg:startDate | cg:attestedOn ?later .
        FILTER(?successor != ?holder && STR(?later) > "2020-06-18")
        FILTER NOT EXISTS {{ ?tenure cg:startDate | cg:attestedOn ?own FILTER(STR(?own) >= STR(?later)) }} }} }}"""
    heads = f"SELECT DISTINCT ?holder {{ {office} ?post cg:of/cg:jurisdiction ?place . ?place wdt:P6 ?holder }}"
    former, current = (
        {row[0].value.rpartition("/")[2] for row in store.query(text, prefixes=PREFIXES)}  # type: ignore[union-attr]
        for text in (left, heads)
    )
    assert {"tunc-soyer", "michael-muller"} <= former
    assert "cemil-tugay" in current
    assert not current & former


@pytest.mark.parametrize("node", ["<urn:x:s>", "_:b"])
def test_derived_triples_are_added_to_both_graphs_unless_a_source_states_them(node: str) -> None:
    """(16 §5) They are returned as lines; blank nodes keep their labels, and texts their escapes."""
    store = Store()
    stated = f'{node} <urn:x:p> "a .\\n\\"é\\u0085" , "b" ; <urn:x:q> "b" .'
    store.extend(parse(stated, RdfFormat.TURTLE))
    before = set(store)
    lines = [
        line
        for part in derive_in_parts(Rule("r", "CONSTRUCT { ?s <urn:x:q> ?o } { ?s <urn:x:p> ?o }"), store, "")
        for line in part
    ]
    new = set(store) - before
    assert {quad.object.value for quad in new} == {'a .\n"é\u0085'}
    assert {quad.graph_name for quad in new} == {DefaultGraph(), DERIVED_GRAPH}
    assert {quad.subject for quad in new} == {quad.subject for quad in before}
    assert lines == [f"{quad.triple} .\n" for quad in new if quad.graph_name == DERIVED_GRAPH]


def test_triple_that_two_rules_derive_is_derived_once() -> None:
    """(16 §5)"""
    store = Store()
    store.extend(parse("<urn:x:s> <urn:x:p> <urn:x:o> .", RdfFormat.TURTLE))
    rule = Rule("r", "CONSTRUCT { ?s <urn:x:q> ?o } { ?s <urn:x:p> ?o }")
    assert [[len(part) for part in derive_in_parts(rule, store, "")] for _ in range(2)] == [[1], [0]]
    assert len(store) == 3
