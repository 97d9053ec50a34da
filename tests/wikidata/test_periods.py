"""What Wikidata tells of time: periods of one pair, unknown ends, ranks; and what the rules conclude from it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.incremental.counts import CountedStore
from citygraph.incremental.derivation import Deriver
from citygraph.rdf.delta import Delta
from citygraph.rdf.partial_dates import UNKNOWN_DATE
from citygraph.rdf.terms import CG, DERIVED_GRAPH, ID, ONTOLOGY_GRAPH, PREFIXES, RDF, SOURCE, WD
from citygraph.source.rules import derive, derive_from_scratch, read_rules
from citygraph.wikidata.entity import STATEMENT
from citygraph.wikidata.item_names import ExistingData, IriMinter
from citygraph.wikidata.mapping import map_world
from citygraph.wikidata.model import (
    COUNTRY,
    END,
    HEAD_OF_GOVERNMENT,
    INSTANCE_OF,
    START,
    TWINNED,
    Absent,
    Item,
    ItemValue,
    Notice,
    Rank,
    Snak,
    Statement,
    TimeValue,
    parse_date,
)
from citygraph.wikidata.periods import periods, tie_periods
from citygraph.wikidata.world import Selection, World, name_items

ONTOLOGY = Path(__file__).parents[2] / "ontology"
ALPHA, BETA, LAND, OLDLAND, OLD, NEW = "Q1", "Q2", "Q10", "Q11", "Q21", "Q22"
TIE = ID + "agreement/alpha-beta"
UNKNOWN = "?"


def said(
    entity: str, property_: str, value: str, start: str = "", end: str = "", rank: Rank = Rank.NORMAL, number: int = 0
) -> Statement:
    """A statement with dates as text; the end "?" is unknown."""
    qualifiers = [Snak(START, parse_date(start))] if start else []
    if end:
        qualifiers.append(Snak(END, Absent.UNKNOWN if end == UNKNOWN else parse_date(end)))
    id_ = f"{entity}-{property_}-{value}-{start or 0}-{end.strip('?') or 0}-{rank}-{number}"
    return Statement(id_, entity, property_, ItemValue(value), rank, tuple(qualifiers))


def twinned(start: str = "", end: str = "", of: str = ALPHA, rank: Rank = Rank.NORMAL) -> Statement:
    """A statement that Alpha is twinned with Beta, or the reverse."""
    return said(of, TWINNED, BETA if of == ALPHA else ALPHA, start, end, rank)


def mapped(*statements: Statement) -> tuple[list[Quad], list[Notice]]:
    """What an import writes and reports of two cities with these statements."""
    names = {ALPHA: "Alpha", BETA: "Beta", LAND: "Land", OLDLAND: "Oldland", OLD: "Old Mayor", NEW: "New Mayor"}
    classes = {ALPHA: "Q515", BETA: "Q515", LAND: "Q6256", OLDLAND: "Q6256", OLD: "Q5", NEW: "Q5"}
    given = [s for s in statements if s.property == COUNTRY] or [said(ALPHA, COUNTRY, LAND)]
    every = [*statements, *given, said(BETA, COUNTRY, LAND)]
    items = {
        qid: Item(
            qid,
            {"en": name},
            statements=(said(qid, INSTANCE_OF, classes[qid]), *dict.fromkeys(s for s in every if s.entity == qid)),
            retrieved="2026-11-16T00:00:00Z",
        )
        for qid, name in names.items()
    }
    people = frozenset(
        s.value.qid for s in every if s.property == HEAD_OF_GOVERNMENT and isinstance(s.value, ItemValue)
    )
    selection = Selection(frozenset({ALPHA}), frozenset({ALPHA, BETA}), frozenset({LAND}), people)
    world = World(items, selection, ExistingData(), SOURCE("wikidata"), "2026-11-20")
    namer = IriMinter(frozenset())
    found: list[Quad | Notice] = [*name_items(world, namer), *map_world(world, namer)]
    return [q for q in found if isinstance(q, Quad)], [n for n in found if isinstance(n, Notice)]


@cache
def ontology() -> tuple[Quad, ...]:
    """The ontology with its alignments, which the rules read."""
    paths = [*ONTOLOGY.glob("*.ttl"), *(ONTOLOGY / "alignments").glob("*.ttl")]
    triples = (quad for path in paths for quad in parse(path=str(path), format=RdfFormat.TURTLE))
    return tuple(Quad(triple.subject, triple.predicate, triple.object, ONTOLOGY_GRAPH) for triple in triples)


def concluded(*statements: Statement) -> Store:
    """The default graph with what the rules derive."""
    store = Store()
    store.extend(ontology())
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in mapped(*statements)[0])
    derive(read_rules(sorted((ONTOLOGY / "rules").glob("*.rq"))), store)
    return store


def values(quads: list[Quad] | Store, subject: str, name: str) -> set[str]:
    """The values of a property of ours, or the terms themselves where they are no literals."""
    return {q.object.value for q in quads if q.subject == NamedNode(subject) and q.predicate == CG(name)}  # type: ignore[union-attr]


def held(store: Store) -> set[str]:
    """When the tie holds."""
    return values(store, TIE, "validDuring")


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([twinned("1990", "2000"), twinned("2010")], {"1990/2000", "2010/.."}),
        ([twinned("1990", "2000"), twinned("2010"), twinned(of=BETA)], {"1990/2000", "2010/.."}),
        ([twinned("1990", "2000"), twinned("2000")], {"1990/2000", "2000/.."}),
        ([twinned("1990"), twinned("1992", of=BETA)], {"1990/.."}),
        ([twinned("1990"), twinned("1990-05-05", of=BETA)], {"1990-05-05/.."}),
        ([twinned("1990"), twinned("", "2000", of=BETA)], {"1990/2000"}),
        ([twinned("2010"), twinned("", "2000", of=BETA)], {"/2000", "2010/.."}),
        ([twinned("1990", UNKNOWN)], {"1990/"}),
        ([twinned("1990", UNKNOWN), twinned("2010")], {"1990/", "2010/.."}),
        ([twinned("", UNKNOWN), twinned("2010")], {"/", "2010/.."}),
        ([twinned("2010"), twinned("", UNKNOWN, of=BETA)], {"2010/"}),
        ([twinned("2000", "1990")], {"2000/"}),
        ([twinned(), twinned(of=BETA)], set()),
        ([twinned("1990", rank=Rank.DEPRECATED), twinned("1991")], {"1991/.."}),
        ([twinned("1990"), twinned("1991", rank=Rank.PREFERRED)], {"1991/.."}),
        ([twinned("1990", "2000"), twinned("2010", rank=Rank.PREFERRED)], {"1990/2000", "2010/.."}),
        ([twinned("1990", "2000", rank=Rank.PREFERRED), twinned()], {"1990/2000"}),
    ],
)
def test_a_tie_holds_when_its_statements_say(statements: list[Statement], expected: set[str]) -> None:
    """Several times of a pair stay apart; both directions, unknown ends and ranks are respected (13.12) (13.13)."""
    assert held(concluded(*statements)) == expected


def test_two_periods_are_no_contradiction() -> None:
    """1990 to 2000 and from 2010: two nodes, the first start, no end, and no notice about differing dates (13.13)."""
    quads, notices = mapped(twinned("1990", "2000"), twinned("2010"), twinned(of=BETA))
    assert (values(quads, TIE, "startDate"), values(quads, TIE, "endDate")) == ({"1990"}, set())
    nodes = values(quads, TIE, "status")
    spans = {(*values(quads, node, "from"), *values(quads, node, "until")) for node in nodes}
    assert spans == {("1990", "2000"), ("2010",)}
    assert {value for node in nodes for value in values(quads, node, "state")} == {PREFIXES["status"] + "active"}
    assert {notice.kind for notice in notices}.isdisjoint({"contradiction", "dates-differ"})


def test_an_unknown_end_is_stored_and_reported() -> None:
    """Of a tie, a term, and the statements of both (13.12)."""
    head = said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2000", UNKNOWN)
    quads, notices = mapped(twinned("1990", UNKNOWN), head)
    (period,) = values(quads, TIE, "status")
    tenure = ID + "tenure/old-mayor-mayor-of-alpha"
    for node in (period, tenure, STATEMENT + head.id, STATEMENT + twinned("1990", UNKNOWN).id):
        assert values(quads, node, "until") == {UNKNOWN_DATE.value}
    assert [n.detail.partition(" has ended")[0] for n in notices if n.kind == "somevalue"] == [
        "Q1: P190 Q2",
        "Q1: P6 Q21",
    ]


def test_a_vague_end_is_an_end() -> None:
    """The 1990s are no date of ours, and the tie has ended all the same (13.12)."""
    decade = Snak(END, TimeValue(1990, 0, 0, 8))
    statement = Statement(
        "Q1-vague", ALPHA, TWINNED, ItemValue(BETA), qualifiers=(Snak(START, parse_date("1980")), decade)
    )
    assert held(concluded(statement)) == {"1980/"}


@pytest.mark.parametrize("end", ["1991", UNKNOWN])
def test_a_country_that_a_place_has_left_does_not_count(end: str) -> None:
    """Its statement is kept, with the end (13.12)."""
    left = said(ALPHA, COUNTRY, OLDLAND, "", end)
    quads, _ = mapped(left, said(ALPHA, COUNTRY, LAND))
    assert values(quads, ID + "city/alpha", "country") == {ID + "country/land"}
    node = NamedNode(STATEMENT + left.id)
    assert Quad(node, RDF("object"), NamedNode(WD + OLDLAND), SOURCE("wikidata")) in quads
    assert values(quads, node.value, "until") == ({UNKNOWN_DATE.value} if end == UNKNOWN else set())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2000", UNKNOWN), said(ALPHA, HEAD_OF_GOVERNMENT, NEW)),
        (said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2000"), said(ALPHA, HEAD_OF_GOVERNMENT, NEW, rank=Rank.PREFERRED)),
        (said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2000"), said(ALPHA, HEAD_OF_GOVERNMENT, NEW, "2010")),
        (
            said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2015", rank=Rank.DEPRECATED),
            said(ALPHA, HEAD_OF_GOVERNMENT, NEW, "2010"),
        ),
    ],
)
def test_the_head_is_the_one_that_wikidata_prefers(old: Statement, new: Statement) -> None:
    """wdt:P6 as in Wikidata's truthy form, and who has left office has no post in W3C ORG or schema.org (13.12)."""
    store = concluded(old, new)
    heads = {q.object.value for q in store.quads_for_pattern(None, NamedNode(PREFIXES["wdt"] + "P6"), None)}  # type: ignore[union-attr]
    assert heads == {ID + "person/new-mayor"}
    for name in (PREFIXES["org"] + "holds", PREFIXES["schema"] + "memberOf") if old.qualifier(END) else ():
        holders = {q.subject for q in store.quads_for_pattern(None, NamedNode(name), None)}
        assert holders == {NamedNode(ID + "person/new-mayor")}


def test_a_later_document_outdates_what_wikidata_preferred() -> None:
    """A document that shows another mayor after Wikidata was read (13.12)."""
    quads, _ = mapped(
        said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2000"), said(ALPHA, HEAD_OF_GOVERNMENT, NEW, rank=Rank.PREFERRED)
    )
    store = Store()
    store.extend(Quad(q.subject, q.predicate, q.object) for q in quads)
    shown = Literal("2026-11-20", datatype=NamedNode(PREFIXES["xsd"] + "date"))
    store.add(Quad(NamedNode(ID + "tenure/old-mayor-mayor-of-alpha"), CG("attestedOn"), shown))
    derive(read_rules(ONTOLOGY / "rules" / f"{name}.rq" for name in ("07-in-office", "11-wikidata")), store)
    heads = [q.object for q in store.quads_for_pattern(None, NamedNode(PREFIXES["wdt"] + "P6"), None)]
    assert heads == [NamedNode(ID + "person/old-mayor")]


def test_terms_of_one_person_stay_apart() -> None:
    """A term that ended before another began is another one, also without a start (13.13)."""
    terms = [said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "", "2000"), said(ALPHA, HEAD_OF_GOVERNMENT, OLD, "2010")]
    assert len(periods(terms)) == 2
    assert len(tie_periods([twinned("1990"), twinned("2010", of=BETA)])) == 1


DATES = """
  cg:councilActDate "1985-09-04"^^xsd:date ; cg:protocolDate "1986-04-28"^^xsd:date , "1986"^^xsd:gYear ;"""


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (DATES, {"validDuring": {"1985-09-04/.."}}),
        ('cg:protocolDate "1986"^^xsd:gYear , "1986-04-28"^^xsd:date ;', {"validDuring": {"1986-04-28/.."}}),
        ('cg:startDate "1980"^^xsd:gYear ; cg:endDate "1999"^^xsd:gYear ;', {"validDuring": {"1980/1999"}}),
        (
            DATES + ' cg:endDate "2020-05-05"^^xsd:date , "2020"^^xsd:gYear ;',
            {"validDuring": {"1985-09-04/2020-05-05"}},
        ),
        (DATES + " cg:status <urn:p1> , <urn:p2> ;", {"validDuring": {"1985-09-04/2000", "2010/.."}}),
        (DATES + " cg:status <urn:p3> ;", {"validDuring": {"1985-09-04/"}}),
        (DATES + ' cg:status <urn:p3> ; cg:endDate "2022"^^xsd:gYear ;', {"validDuring": {"1985-09-04/2022"}}),
        (DATES + ' cg:status <urn:p2> ; cg:endDate "2022"^^xsd:gYear ;', {"validDuring": {"1985-09-04/2022"}}),
        (DATES + " cg:status <urn:p4> ;", {"validDuring": {"1985-09-04/.."}}),
        (DATES + " cg:status <urn:p5> ;", {"validDuring": {"1985-09-04/2024-08"}}),
        (DATES + " cg:status <urn:p2> , <urn:p5> ;", {"validDuring": {"1985-09-04/2024-08"}}),
        (DATES + " cg:status <urn:p6> ; cg:currentState status:ended ;", {"validDuring": {"1985-09-04/"}}),
        (
            DATES + " cg:status <urn:p5> , <urn:p6> ; cg:currentState status:ended ;",
            {"validDuring": {"1985-09-04/2024-08"}},
        ),
        (
            'cg:attestedOn "2019-05-05"^^xsd:date , "2026"^^xsd:gYear ;',
            {"attestedDuring": {"2019-05-05/2026"}},
        ),
        ("", {}),
    ],
)
def test_one_rule_tells_when_an_agreement_holds(stated: str, expected: dict[str, set[str]]) -> None:
    """From the dates of documents and of Wikidata together; a tie documented as ended has an end (13.10, 15 §1)."""
    head = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    store = Store()
    turtle = f"""{head} agreement:x a cg:Agreement ; {stated} cg:party city:a , city:b .
        <urn:p1> cg:state status:active ; cg:from "1990"^^xsd:gYear ; cg:until "2000"^^xsd:gYear .
        <urn:p2> cg:state status:active ; cg:from "2010"^^xsd:gYear .
        <urn:p3> cg:state status:active ; cg:from "1990"^^xsd:gYear ; cg:until cg:unknownDate .
        <urn:p4> cg:state status:suspended ; cg:from "2022"^^xsd:gYear .
        <urn:p5> cg:state status:ended ; cg:from "2024-08"^^xsd:gYearMonth .
        <urn:p6> cg:state status:ended ; cg:attestedOn "2024"^^xsd:gYear ."""
    store.extend(parse(turtle, format=RdfFormat.TURTLE))
    derive([r for r in read_rules((ONTOLOGY / "rules").glob("*.rq")) if "agreement-validity" in r.name], store)
    names = ("validDuring", "attestedDuring")
    assert {name: of for name in names if (of := values(store, ID + "agreement/x", name))} == expected


RULES = """GRAPH source:a {
  city:a a cg:City ; rdfs:label "A"@en . city:b a cg:City ; rdfs:label "B"@en .
  organisation:o a cg:Municipality ; cg:jurisdiction city:a .
  post:p a cg:Post ; cg:of organisation:o ; cg:role role:mayor .
  tenure:x a cg:Tenure ; cg:holder person:x ; cg:post post:p ; cg:startDate "2000"^^xsd:gYear ;
    cg:until cg:unknownDate .
  tenure:y a cg:Tenure ; cg:holder person:y ; cg:post post:p ;
    cg:attestedOn "2010"^^xsd:gYear , "2012-01-01"^^xsd:date ;
    cg:attestedAt event:e ; prov:wasDerivedFrom wds:s2 .
  event:e a cg:Meeting ; cg:startDate "2015-05-05"^^xsd:date .
  wds:s2 a cg:WikidataStatement ; rdf:predicate wdt:P6 ; cg:statementRank "preferred" ;
    cg:retrieved "2026-11-16T00:00:00Z"^^xsd:dateTime .
  source:a a cg:Source ; cg:readOn "2026-11-22"^^xsd:date ; dcterms:issued "2016"^^xsd:gYear .
  event:s cg:signatory <urn:x-test:i> ; cg:startDate "2015-01-01"^^xsd:date . <urn:x-test:i> cg:as tenure:y .
  agreement:n a cg:SisterCityAgreement ; cg:party city:a , city:b ; cg:signedAt event:s ; cg:decidedBy <urn:x-test:a> .
  <urn:x-test:a> cg:council organisation:o ; cg:date "2014"^^xsd:gYear .
  agreement:m a cg:SisterCityAgreement ; cg:party city:a , city:b ; cg:endDate "2015"^^xsd:gYear ;
    cg:councilActDate "1985"^^xsd:gYear , "1985-09-04"^^xsd:date ; cg:startDate "1984"^^xsd:gYear ;
    cg:attestedOn "2001"^^xsd:gYear ; cg:status <urn:x-test:p1> , <urn:x-test:p2> , <urn:x-test:p3> .
  <urn:x-test:p3> cg:state status:ended ; cg:from "2016"^^xsd:gYear .
  <urn:x-test:p1> cg:state status:active ; cg:from "1990"^^xsd:gYear ; cg:until "2000"^^xsd:gYear .
  <urn:x-test:p2> cg:state status:active ; cg:from "2010"^^xsd:gYear ; cg:until cg:unknownDate .
}"""


def test_a_change_alone_gives_the_same_validity() -> None:
    """After statements are added and removed, the derived graph is that of a run of all rules (13.10)."""
    random = Random(1)  # noqa: S311 - the same changes in each run
    rules = read_rules(sorted((ONTOLOGY / "rules").glob("*.rq")))
    deriver = Deriver(rules)
    assert deriver.is_local
    head = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    quads = sorted(parse(head + RULES, format=RdfFormat.TRIG), key=str)
    for _ in range(40):
        present = set(random.sample(quads, len(quads) * 3 // 4))
        removed = set(random.sample(sorted(present, key=str), 3))
        added = set(random.sample(sorted(set(quads) - present, key=str), 3))
        store = Store()
        store.extend(ontology())
        store.extend(present)
        store.extend(derive_from_scratch(rules, store))
        store.extend([Quad(q.subject, q.predicate, q.object) for q in store if q.graph_name != ONTOLOGY_GRAPH])
        counted = CountedStore(store)
        counted.apply(Delta(added, removed))
        deriver.update(counted, 100_000, "the same")
        derived = set(store.quads_for_pattern(None, None, None, DERIVED_GRAPH))
        assert derived == derive_from_scratch(rules, store)
