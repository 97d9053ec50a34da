"""Stored queries on ties: who signed, what holds, how it came about, and what each side says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest
from pyoxigraph import QuerySolutions, Store

from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Release
from tests.test_stored_queries import rows, world

AGREEMENT = """agreement:x a cg:Agreement ; cg:party city:izmir , city:x .
  city:x rdfs:label "X"@en . city:izmir rdfs:label "İzmir"@en ."""
PERHAPS = "perhaps: it began or ended in that month or year"
STATUSES = "<https://w3id.org/citygraph/ontology/statuses>"


@pytest.fixture(scope="module")
def store(izmir: Release) -> Store:
    """The İzmir graph. Do not write to it."""
    return izmir.open_store()


def cells(found: Iterable[dict[str, str]], *columns: str) -> list[tuple[str, ...]]:
    """Returns these columns of each row, with identifiers shortened to their last part."""
    return [tuple(row[column].rpartition("/")[2] for column in columns) for row in found]


def ask(store: Store, text: str) -> list[dict[str, str]]:
    """Returns the solutions of a query, with the project's prefixes."""
    solutions = store.query(text, prefixes=PREFIXES)
    assert isinstance(solutions, QuerySolutions)
    names = [variable.value for variable in solutions.variables]
    return [{name: one[name].value for name in names} for one in solutions]


def is_so(store: Store, text: str) -> bool:
    """Returns the answer to an ASK query, with the project's prefixes."""
    return bool(store.query(text, prefixes=PREFIXES))


def ties_of_the_page(store: Store) -> set[str]:
    """Returns the agreements that the municipal page lists."""
    return {
        row["tie"]
        for row in ask(store, "SELECT ?tie { GRAPH source:izmir-sister-cities { ?tie cg:party city:izmir } }")
    }


# Signings


def test_the_signatories_of_turin_are_its_mayors(store: Store) -> None:
    """In which office, for whom, where, and by which documents (15 §4)."""
    found = [row for row in rows(store, "signatories") if row["partners"] == "Turin"]
    assert cells(found, "date", "place", "signatoryLabel", "office", "onBehalfOf") == [
        ("2012-09-12", "İzmir", "Aziz Kocaoğlu", "Mayor of İzmir", "İzmir"),
        ("2012-09-12", "İzmir", "Piero Fassino", "Mayor of Turin", "Turin"),
    ]
    assert all("turin-press-izmir-2012" in row["sources"].split("; ") for row in found)


def test_a_signing_of_which_nobody_is_known_is_listed() -> None:
    """Its bounds count only without a day, and one that was only planned is left out (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT}
        agreement:x cg:signedAt event:done , event:bounded , event:planned .
        event:done cg:startDate "2001-05-02"^^xsd:date , "2001"^^xsd:gYear ; cg:notAfter "2001-06-01"^^xsd:date .
        event:bounded cg:notBefore "2002"^^xsd:gYear ; cg:notAfter "2002-06"^^xsd:gYearMonth ;
          cg:venue "Salon"@fr , "Hall"@en ; cg:signatory <urn:s> .
        <urn:s> cg:person person:p ; cg:as tenure:t . tenure:t cg:post post:p . post:p rdfs:label "P"@en .
        event:planned cg:startDate "2030"^^xsd:gYear ; schema:eventStatus schema:EventScheduled . }}"""
    )
    assert cells(
        rows(told, "signatories"), "signing", "date", "notBefore", "notAfter", "venue", "office", "sources"
    ) == [
        ("done", "2001-05-02", "", "", "", "", "a"),
        ("bounded", "", "2002", "2002-06", "Hall", "P", "a"),
    ]


MAYORS = """
  organisation:o cg:jurisdiction city:x . post:p cg:of organisation:o ; cg:role role:governing-mayor .
  person:a rdfs:label "A"@en . person:b rdfs:label "B"@en .
  tenure:a cg:holder person:a ; cg:post post:p . tenure:b cg:holder person:b ; cg:post post:p ."""


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ('tenure:a cg:startDate "1999"^^xsd:gYear ; cg:endDate "2004"^^xsd:gYear .', "by its start and end dates"),
        ('tenure:a cg:startDate "1999"^^xsd:gYear .', "since its start; no end is known"),
        ('tenure:a cg:startDate "1999"^^xsd:gYear ; cg:until cg:unknownDate .', ""),
        ('tenure:a cg:attestedOn "2001-05-02"^^xsd:date .', "attested on that day"),
        ('tenure:a cg:attestedOn "2001-05"^^xsd:gYearMonth .', ""),
        ("tenure:a cg:attestedAt event:e .", "at the signing"),
        ("event:e cg:signatory <urn:s> . <urn:s> cg:as tenure:a .", "at the signing"),
        ('tenure:a cg:startDate "2001"^^xsd:gYear .', PERHAPS),
        ('tenure:a cg:startDate "1999"^^xsd:gYear ; cg:endDate "2001"^^xsd:gYear .', PERHAPS),
        # Another mayor is known before the signing: in 2000, or in the year of the end.
        ('tenure:a cg:startDate "1990"^^xsd:gYear . tenure:b cg:attestedOn "2000-01-01"^^xsd:date .', ""),
        (
            'tenure:a cg:startDate "1990"^^xsd:gYear ; cg:endDate "2001"^^xsd:gYear . '
            'tenure:b cg:attestedOn "2001-04-01"^^xsd:date .',
            "",
        ),
    ],
)  # fmt: skip
def test_a_mayor_on_the_day_of_signing(dates: str, expected: str) -> None:
    """By each kind of evidence, and nobody who had been followed by another (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT} {MAYORS} {dates}
        agreement:x cg:signedAt event:e ; cg:protocolDate "2001-05-02"^^xsd:date .
        event:e cg:startDate "2001-05-02"^^xsd:date . }}
        GRAPH graph:ontology {{ role:governing-mayor skos:broader role:mayor }}"""
    )
    found = [row for row in rows(told, "mayors-at-signing") if row["partyLabel"] == "X"]
    assert cells(found, "mayorLabel", "shown") == [("A" if expected else "", expected)]
    assert {row["signing"].rpartition("/")[2] for row in found} == {"e"}


def test_a_protocol_without_a_signing_has_its_mayors(store: Store) -> None:
    """Özfatura when İzmir signed with Baku; the mayor of Baku on that day is in no document (15 §4)."""
    found = [row for row in rows(store, "mayors-at-signing") if row["agreement"].endswith("/izmir-baku")]
    assert cells(found, "date", "partyLabel", "mayorLabel", "signing") == [
        ("1986-04-28", "Baku", "", ""),
        ("1986-04-28", "İzmir", "Burhan Özfatura", ""),
    ]


def test_mayors_of_izmir_since_1984_have_their_terms(store: Store) -> None:
    """(15 §3) One after another, from Özfatura to Tugay, who holds the office today."""
    found = ask(
        store,
        """SELECT ?name ?when { ?tenure cg:post post:mayor-of-izmir ; cg:holder ?holder ; cg:validDuring ?when .
        ?holder rdfs:label ?name FILTER(LANG(?name) = "tr") } ORDER BY STR(?when)""",
    )
    terms = [(row["name"], *(end[:4] for end in row["when"].split("/"))) for row in found]
    assert terms == [
        ("Burhan Özfatura", "1984", "1989"), ("Yüksel Çakmur", "1989", "1994"), ("Burhan Özfatura", "1994", "1999"),
        ("Ahmet Piriştina", "1999", "2004"), ("Aziz Kocaoğlu", "2004", "2019"), ("Tunç Soyer", "2019", "2024"),
        ("Cemil Tugay", "2024", ".."),
    ]  # fmt: skip


def test_no_head_of_a_conference_city_has_a_successor(store: Store) -> None:
    """(15) Neither as Wikidata's head of government nor as ORG's holder, in any of the 22 cities."""
    seats = """{ SELECT DISTINCT ?post { event:turkey-germany-mayors-roundtable cg:participant ?guest .
        ?seat cg:holder ?guest ; cg:post ?post ; cg:attestedAt event:turkey-germany-mayors-roundtable .
        ?post cg:role ?role FILTER(?role IN (role:mayor, role:governing-mayor)) } }"""
    assert len(ask(store, f"SELECT ?post {{ {seats} }}")) == 22
    left = f"""ASK {{ {seats} ?post org:heldBy ?head . ?post cg:of/cg:jurisdiction ?place .
        {{ ?head ^cg:holder ?tenure . ?tenure cg:post ?post ; cg:endDate | cg:until ?end .
          FILTER NOT EXISTS {{ ?again cg:holder ?head ; cg:post ?post ; cg:inOffice true }} }}
        UNION
        {{ ?other cg:post ?post ; cg:holder ?successor ; cg:startDate ?later . ?mine cg:post ?post ; cg:holder ?head ;
          cg:startDate | cg:attestedOn ?own FILTER(?successor != ?head && STR(?later) > STR(?own))
          FILTER NOT EXISTS {{ ?mine cg:startDate | cg:attestedOn ?newer FILTER(STR(?newer) >= STR(?later)) }} }} }}"""
    assert not is_so(store, left)
    heads = ask(store, "SELECT ?head ?holder { city:izmir wdt:P6 ?head . post:mayor-of-izmir org:heldBy ?holder }")
    assert cells(heads, "head", "holder") == [("cemil-tugay", "cemil-tugay")]


# States


def test_a_state_has_its_source_and_its_publisher() -> None:
    """A conclusion of the curator is called so, and unknown dates are named (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT} agreement:x cg:status <urn:p> .
          <urn:p> cg:state status:active ; cg:attestedOn "2020-05"^^xsd:gYearMonth . }}
        GRAPH graph:curation {{ agreement:x cg:status <urn:q> .
          <urn:q> cg:state status:ended ; cg:from "2021"^^xsd:gYear ; cg:until cg:unknownDate . }}
        GRAPH graph:catalog {{ source:a dcterms:publisher organisation:o . organisation:o rdfs:label "O"@en }}
        GRAPH graph:derived {{ agreement:x cg:currentState status:ended . status:ended rdfs:label "ended"@en }}
        GRAPH graph:ontology {{ status:active skos:prefLabel "active"@en ; skos:inScheme {STATUSES} .
          status:ended skos:prefLabel "ended"@en ; skos:inScheme {STATUSES} }}"""
    )
    columns = ("current", "state", "from", "until", "attestedOn", "source", "publisher")
    assert cells(rows(told, "status-of-ties"), *columns) == [
        ("ended", "active", "", "", "2020-05", "a", "O"),
        ("ended", "ended", "2021", "unknown", "", "curation", ""),
    ]


def test_every_tie_of_the_municipal_page_has_a_state(store: Store) -> None:
    """By a document or by a conclusion; Tel Aviv's has ended, according to five reports (15 §3)."""
    ties = ties_of_the_page(store)
    states = rows(store, "status-of-ties")
    assert len(ties) == 31
    assert ties <= {row["agreement"] for row in states if row["state"] and row["source"]}
    ended = {row["source"] for row in states if row["partners"] == "Tel Aviv" and row["state"] == "ended"}
    assert ended >= {"bianet-tel-aviv-cancelled", "sabah-tel-aviv-saygili", "yeni-mesaj-tel-aviv-cancelled"}
    assert {row["end"] for row in states if row["partners"] == "Tel Aviv"} == {"2024-08-12"}


def test_only_ties_that_hold_count_as_partners_of_today(store: Store) -> None:
    """Those that are planned, decided, suspended or ended are among the partners alone (15 §1)."""
    countries = {partner for row in rows(store, "partners-by-country") for partner in row["partners"].split("; ")}
    states = rows(store, "status-of-ties")
    assert countries == {row["partners"] for row in states if row["current"] in {"active", "dormant", ""}}


@pytest.mark.parametrize(
    ("act", "permission", "protocol", "days", "missing", "wrong_order"),
    [
        ("2001-05-02", "2001-06-01", "2001-07-01", ("30", "30", "60"), "", ""),
        ("2001-05-02", "", "2001-04-30", ("", "", "-2"), "permission", "protocol before council act"),
        ("2001-05-02", "2001-05", "2001", ("", "", ""), "", ""),
        (
            "2001-05-02",
            "2001-04",
            "2001-04",
            ("", "", ""),
            "",
            "permission before council act; protocol before council act",
        ),
        ("", "2001-04", "2000", ("", "", ""), "council act", "protocol before permission"),
    ],
)
def test_steps_have_days_gaps_and_an_order(
    act: str, permission: str, protocol: str, days: tuple[str, ...], missing: str, wrong_order: str
) -> None:
    """Days by the calendar; a month or a year is out of order only as a whole (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT} organisation:o rdfs:label "Ministry"@en .
        {f"agreement:x cg:councilActDate {literal(act)} ; cg:decidedBy <urn:a> ." if act else ""}
        {f"<urn:a> cg:date {literal(act)} ; cg:number '512' ." if act else ""}
        {f"agreement:x cg:permittedBy <urn:p> . <urn:p> cg:date {literal(permission)} ." if permission else ""}
        <urn:p> cg:authority organisation:o . agreement:x cg:protocolDate {literal(protocol)} . }}"""
    )
    (row,) = rows(told, "procedure")
    assert (row["daysToPermission"], row["daysFromPermission"], row["daysToProtocol"]) == days
    assert (row["missing"], row["wrongOrder"]) == (missing, wrong_order)
    assert (row["actNumbers"], row["authorities"]) == ("512" if act else "", "Ministry" if permission else "")


def literal(text: str) -> str:
    """Returns a partial date as a term of Turtle."""
    return f'"{text}"^^xsd:{("gYear", "gYearMonth", "date")[text.count("-")]}'


def test_the_steps_of_izmir_are_in_order_but_one(store: Store) -> None:
    """Bukhara's protocol is eight days older than its act; the days are those of the query of days (15 §4)."""
    found = rows(store, "procedure")
    assert cells([row for row in found if row["wrongOrder"]], "partners", "daysToProtocol") == [
        ("Bukhara Province", "-8")
    ]
    days = {(row["agreement"], row["days"]) for row in rows(store, "days-between-act-and-protocol") if row["days"]}
    assert days == {(row["agreement"], row["daysToProtocol"]) for row in found if row["daysToProtocol"]}
    assert {row["agreement"] for row in found} == {row["agreement"] for row in rows(store, "partners")}


# One tie


def test_a_tie_is_told_in_the_order_of_time(store: Store) -> None:
    """The council's cancellation comes after the protocol, with its subject and its documents (15 §4)."""
    found = rows(store, "tie-by-year", agreement="agreement:izmir-tel-aviv")
    assert [row["year"] for row in found] == sorted(row["year"] for row in found)
    acts = [(row["date"], row["what"]) for row in found if row["kind"] == "council act"]
    assert acts[0] == ("1996-07-03", "")
    assert acts[-1][0] == "2024-08-12"
    assert "cancellation" in acts[-1][1]
    assert all(row["sources"] for row in found)


def test_an_event_without_a_day_is_in_the_year_of_its_bound() -> None:
    """The narrowest bounds count, and an announced event is marked (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT}
        event:e a cg:Event ; rdfs:label "E"@en ; cg:about agreement:x ;
          cg:notBefore "1999"^^xsd:gYear , "2000-02"^^xsd:gYearMonth ;
          cg:notAfter "2001-05-02"^^xsd:date , "2003"^^xsd:gYear .
        event:part a cg:Event ; rdfs:label "Part"@en ; cg:partOf event:e ; cg:startDate "2030"^^xsd:gYear ;
          schema:eventStatus schema:EventScheduled .
        agreement:x cg:signedAt event:s .
        event:s a cg:Event ; rdfs:label "S"@en ; cg:startDate "2000-01-01"^^xsd:date . }}"""
    )
    columns = ("year", "date", "notBefore", "notAfter", "kind", "what", "eventStatus")
    assert cells(rows(told, "tie-by-year", agreement="agreement:x"), *columns) == [
        ("2000", "2000-01-01", "", "", "signing", "S", ""),
        ("2001", "", "2000-02", "2001-05-02", "event", "E", ""),
        ("2030", "2030", "", "", "event", "Part", "scheduled"),
    ]


BODIES = """GRAPH graph:catalog {
  source:own dcterms:publisher organisation:own . organisation:own cg:jurisdiction city:izmir .
  source:theirs dcterms:publisher organisation:theirs . organisation:theirs cg:seat city:x .
  source:press dcterms:publisher organisation:press . organisation:press a cg:MediaOrganisation ; cg:seat city:x .
} GRAPH graph:ontology {
  agreementtype:sister-city skos:prefLabel "sister-city agreement"@en .
  agreementtype:friendship skos:prefLabel "friendship agreement"@en . }"""


@pytest.mark.parametrize(
    ("own", "theirs", "expected"),
    [
        ("cg:protocolDate '1995-05-02'^^xsd:date", "'1995'^^xsd:gYear", ("agreement", "1995", "1995")),
        (
            "cg:protocolDate '1995'^^xsd:gYear", "'1996'^^xsd:gYear , '1995'^^xsd:gYear",
            ("agreement", "1995", "1995; 1996"),
        ),
        (
            "cg:councilActDate '1993'^^xsd:gYear ; cg:protocolDate '1996'^^xsd:gYear", "'1995'^^xsd:gYear",
            ("difference", "1993; 1996", "1995"),
        ),
        ("cg:protocolDate '1996'^^xsd:gYear", "cg:unknownDate", ("silence", "1996", "")),
    ],
)  # fmt: skip
def test_the_years_of_both_sides_agree_differ_or_are_missing(own: str, theirs: str, expected: tuple[str, ...]) -> None:
    """What the press writes belongs to neither side (15 §3)."""
    told = world(
        f"""GRAPH source:own {{ {AGREEMENT} agreement:x {own} ; cg:agreementType agreementtype:sister-city }}
        GRAPH source:theirs {{ agreement:x cg:startDate {theirs} ; cg:agreementType agreementtype:friendship }}
        GRAPH source:press {{ agreement:x cg:startDate "1900"^^xsd:gYear ; cg:agreementType agreementtype:sister-city }}
        {BODIES}"""
    )
    (row,) = rows(told, "reciprocity")
    assert (row["year"], row["ownYears"], row["partnerYears"], row["otherYears"]) == (*expected, "1900")
    assert (row["kind"], row["ownKinds"], row["partnerKinds"]) == (
        "difference",
        "sister-city agreement",
        "friendship agreement",
    )
    assert (row["ownSources"], row["partnerSources"]) == ("own", "theirs")


def test_a_reading_of_the_curator_counts_for_its_document() -> None:
    """It is not the document's own statement, but what its side says (15 §3)."""
    told = world(
        f"""GRAPH source:own {{ {AGREEMENT} }} GRAPH source:theirs {{ agreement:x cg:startDate "1995"^^xsd:gYear }}
        GRAPH graph:curation {{ agreement:x cg:councilActDate "1995-01-01"^^xsd:date .
          <urn:c> a cg:Conclusion ; rdf:subject agreement:x ; rdf:predicate cg:councilActDate ;
            rdf:object "1995-01-01"^^xsd:date ; cg:evidence source:own }} {BODIES}"""
    )
    assert cells(rows(told, "reciprocity"), "year", "ownYears", "partnerYears") == [("agreement", "1995", "1995")]


def test_bremen_and_turin_see_their_ties_with_other_eyes(store: Store) -> None:
    """Bremen counts from 1995 and Turin signed a cooperation agreement; Tianjin agrees (15 §3)."""
    found = {row["partners"]: row for row in rows(store, "reciprocity") if row["ownSources"] and row["partnerSources"]}
    assert (found["Bremen"]["year"], found["Bremen"]["partnerYears"], found["Bremen"]["kind"]) == (
        "difference",
        "1995",
        "agreement",
    )
    assert (found["Turin"]["kind"], found["Turin"]["partnerKinds"]) == ("difference", "cooperation agreement")
    assert (found["Tianjin"]["year"], found["Tianjin"]["kind"]) == ("agreement", "agreement")


# Statements and evidence


def test_an_assessed_statement_has_its_reason_and_evidence(store: Store) -> None:
    """A part, such as a period, has the name of its whole (15 §1)."""
    found = rows(store, "assessed-statements")
    assert all(row["entityLabel"] and row["reason"] and row["verdict"] for row in found)
    outdated = [row for row in found if row["entity"].endswith("/izmir-tel-aviv") and row["verdict"] == "outdated"]
    assert "bianet-tel-aviv-cancelled" in outdated[0]["evidence"]
    parts = {row["entityLabel"] for row in found if "#status-" in row["entity"]}
    assert parts >= {"İzmir–Chengdu sister-city agreement"}
    assert len({row["assessment"] for row in found}) == len(ask(store, "SELECT ?a { ?a a cg:Assessment }"))


def test_ties_are_counted_by_kind_continent_and_decade() -> None:
    """One that is only planned does not count; one that has ended is not in force (15 §4)."""
    tie = "a cg:Agreement ; cg:agreementType agreementtype:sister-city ; cg:party city:izmir ,"
    told = world(
        f"""GRAPH source:a {{ agreement:x {tie} city:x ; cg:startDate "1985-05-02"^^xsd:date .
        agreement:y a cg:SisterCityAgreement , cg:Agreement ; cg:party city:izmir , city:y ;
          cg:startDate "1989"^^xsd:gYear ; cg:endDate "2001"^^xsd:gYear .
        agreement:z {tie} city:z . agreement:p {tie} city:x ; cg:currentState status:planned .
        city:x rdfs:label "X"@en ; cg:country country:c . city:y rdfs:label "Y"@en ; cg:country country:c .
        city:z rdfs:label "Z"@en . country:c cg:continent <urn:asia> . <urn:asia> rdfs:label "Asia"@en .
        }} GRAPH graph:ontology {{ agreementtype:sister-city skos:prefLabel "sister-city agreement"@en }}"""
    )
    columns = ("kind", "continent", "decade", "number", "inForce", "partners")
    assert cells(rows(told, "ties-by-kind-continent-decade"), *columns) == [
        ("sister-city agreement", "", "", "1", "1", "Z"),
        ("sister-city agreement", "Asia", "1980", "2", "1", "X; Y"),
    ]


def test_evidence_is_of_documents_and_not_of_conclusions() -> None:
    """Their number, languages and the last date that they show; searches are counted (15 §4)."""
    told = world(
        f"""GRAPH source:a {{ {AGREEMENT} agreement:x cg:status <urn:p> . <urn:p> cg:attestedOn "2020"^^xsd:gYear }}
        GRAPH source:b {{ event:e cg:about agreement:x ; cg:startDate "2020-05-02"^^xsd:date .
          event:f cg:about agreement:x ; cg:startDate "2030"^^xsd:gYear ; schema:eventStatus schema:EventScheduled }}
        GRAPH graph:curation {{ agreement:x cg:status <urn:q> . <urn:q> cg:attestedOn "2026-11-22"^^xsd:date .
          <urn:c> a cg:Conclusion ; rdf:subject agreement:x ; cg:searchQuery "one" , "two" }}
        GRAPH graph:catalog {{ source:a dcterms:language "tr" . source:b dcterms:language "de" }}"""
    )
    columns = ("documents", "languages", "lastAttested", "searches", "sources")
    assert cells(rows(told, "evidence-of-ties"), *columns) == [("2", "de; tr", "2020-05-02", "2", "b; a")]


def test_a_tie_with_the_municipal_page_alone_was_searched_for(store: Store) -> None:
    """(15 §3) With the queries tried, where no other document was found."""
    page = ties_of_the_page(store)
    alone = [row for row in rows(store, "evidence-of-ties") if row["agreement"] in page and row["documents"] == "1"]
    assert alone
    assert all(int(row["searches"]) > 0 for row in alone)
    last = {row["partners"]: row["lastAttested"] for row in rows(store, "evidence-of-ties")}
    assert date.fromisoformat(last["Baku"]).year == 2026
