"""The diff: every finding there is, statement by statement, with the sources of both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from citygraph.errors import BadData, NotFound
from citygraph.instance import Instance
from citygraph.rdf.terms import ID, SOURCE, WD
from citygraph.wikidata.client import Client
from citygraph.wikidata.compare import ComparisonResult, Fetcher, compare, compare_imported, their_facts
from citygraph.wikidata.diff import diff
from citygraph.wikidata.differences import LABEL, ComparedStatement, Outcome, to_json_text
from citygraph.wikidata.dump import LocalEngine, import_dump
from citygraph.wikidata.dump_fetcher import DumpFetcher
from citygraph.wikidata.edits import plan_edits
from citygraph.wikidata.entity import STATEMENT
from citygraph.wikidata.graph_facts import Fact, GraphFacts, read_facts
from citygraph.wikidata.item_names import read_existing
from citygraph.wikidata.model import (
    COUNTRY,
    POINT_IN_TIME,
    START,
    TWINNED,
    Item,
    ItemValue,
    Snak,
    Statement,
    dates_agree,
    finest_dates,
)
from citygraph.wikidata.pairing import distance, pair_figures, pair_tenures
from citygraph.wikidata.pull import ItemFetcher, Scope
from citygraph.wikidata.saved_comparison import more_of, read_saved, saved_text
from citygraph.wikidata.spool import ItemSpool
from citygraph.wikidata.world import Selection, World
from tests.wikidata.conftest import DUMP, RETRIEVED, MakeClient
from tests.wikidata.endpoint import Endpoint
from tests.wikidata.ours import TRIG, our_quads
from tests.wikidata.rdf_form import redirect_quads

Found = tuple[str, str, str, str, str]
ALPHAVILLE = Scope(cities=("Q9000001",))


def short(changes: list[ComparedStatement]) -> set[Found]:
    """State, entity, property, value and qualifier of each."""
    return {(c.state, c.entity.name, c.property, c.value.name or c.language, c.qualifier) for c in changes}


def fetching(client: Client) -> Callable[[ItemSpool], Fetcher]:
    """What `compare` needs to ask the service."""
    return lambda items: ItemFetcher(client, items)


def of_alphaville(endpoint: Endpoint, client_of: MakeClient, trig: str = TRIG) -> ComparisonResult:
    """The comparison of Alphaville with the invented items."""
    return compare(our_quads(trig), fetching(client_of(endpoint)), Scope(cities=("Q9000001",)), today="2026-11-20")


def test_every_state_is_told(invented: Endpoint, client_of: MakeClient) -> None:
    """A city with a dated tie, one with another date, one that is deleted there, one without an item."""
    found = short(of_alphaville(invented, client_of).findings)
    assert {
        ("agrees", "Alphaville", "item", "", ""), ("agrees", "Alphaville", "P17", "Alphaland", ""),
        ("agrees", "Alphaville", "P625", "", ""), ("agrees", "Alphaville", "P190", "Betaburg", "P580"),
        ("missing-here", "Alphaville", "P1082", "", ""), ("missing-here", "Alphaville", "P6", "Bo Baker", ""),
        ("missing-here", "Deltastadt", "item", "", ""), ("missing-here", "Alphaville", "P190", "Deltastadt", ""),
        ("differs", "Alphaville", "P190", "Gammaton", "P580"), ("differs", "Gammaton", "label", "en", ""),
        ("no-reverse", "Gammaton", "P190", "Alphaville", ""), ("missing-there", "Betaburg", "label", "tr", ""),
        ("missing-there", "Alphaville", "P190", "Nowhere", ""), ("deleted", "Nowhere", "item", "", ""),
        ("missing-there", "Unlinked", "item", "", ""), ("missing-here", "Betaburg", "P625", "", ""),
    } <= found  # fmt: skip
    assert not any(state == "ambiguous" for state, *_ in found)


def by_dump(dump: Path, scope: Scope | None = ALPHAVILLE) -> ComparisonResult:
    """The comparison with a dump."""
    engine = LocalEngine(workers=1)
    return compare(
        our_quads(),
        lambda items: DumpFetcher(str(dump), engine, items, RETRIEVED),
        scope,
        today="2026-11-20",
    )


def test_a_dump_compares_like_the_service(invented: Endpoint, client_of: MakeClient) -> None:
    """The same findings for a city, a country and all our places; a dump just cannot know what was merged (13.23)."""
    online, offline = of_alphaville(invented, client_of), by_dump(DUMP)
    assert offline.retrieved == RETRIEVED
    absent = [c.detail for c in offline.findings if c.state == Outcome.DELETED]
    assert absent
    assert all("is not in the dump: deleted, merged, or newer than the dump" in detail for detail in absent)
    assert [replace(c, detail="") for c in offline.findings] == [replace(c, detail="") for c in online.findings]
    for scope in (Scope(country="Q9000101"), Scope(), None):
        asked = compare(our_quads(), fetching(client_of(invented)), scope, today="2026-11-20").findings
        assert short(by_dump(DUMP, scope).findings) == short(asked), scope


def test_what_was_imported_compares_like_its_dump(tmp_path: Path) -> None:
    """Without the dump: all findings about the items that were imported (13.23)."""
    imported = import_dump(
        str(DUMP), our_quads, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(workers=1), sha256="0" * 64
    )
    theirs = list(parse(path=imported.path, format=RdfFormat.N_QUADS))
    for scope in (ALPHAVILLE, Scope(country="Q9000101"), Scope(), None):
        result = compare_imported([*our_quads(), *theirs], scope)
        assert result.retrieved == RETRIEVED
        expected = [c for c in by_dump(DUMP, scope).findings if c.state != Outcome.DELETED]
        assert short(result.findings) == short(expected), scope
    with pytest.raises(NotFound, match="no import of the world"):
        compare_imported(our_quads())
    with pytest.raises(NotFound, match="Q9000998 was not imported"):
        compare_imported([*our_quads(), *theirs], Scope(cities=("Q9000998",)))


def test_the_name_in_another_language_is_no_label_to_compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import gives a Greek instance the English name where Wikidata has no Greek one; ours is missing there."""
    greek = Instance(languages=("el", "en"))
    for module in ("citygraph.catalogues", "citygraph.wikidata.world", "citygraph.wikidata.mapping",
                   "citygraph.wikidata.source_file", "citygraph.wikidata.compare"):  # fmt: skip
        monkeypatch.setattr(f"{module}.current_instance", lambda: greek)
    monkeypatch.setattr("citygraph.wikidata.diff.diff.__defaults__", (None, ("el", "en")))
    ours = our_quads(TRIG.replace('"Betaburg"@en', '"Betaburg"@en, "Βητάμπουργκ"@el'))
    imported = import_dump(
        str(DUMP), lambda: ours, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1), languages=("el", "en")
    )
    theirs = list(parse(path=imported.path, format=RdfFormat.N_QUADS))
    assert any(isinstance(q.object, Literal) and q.object.language == "el" for q in theirs)
    findings = compare_imported([*ours, *theirs], ALPHAVILLE).findings
    greek_labels = [one for one in findings if (one.property, one.language) == (LABEL, "el")]
    assert [(one.entity.name, one.state) for one in greek_labels] == [
        ("Alphaville", Outcome.MISSING_HERE),
        ("Betaburg", Outcome.MISSING_THERE),
    ]
    assert greek_labels[1].theirs == ()


def test_a_dump_without_the_city_is_an_error() -> None:
    """Rather than a comparison in which everything is missing (13.23)."""
    with pytest.raises(NotFound, match="Q9000998 is not in the dump"):
        by_dump(DUMP, Scope(cities=("Q9000998",)))


def test_a_saved_comparison_gives_the_same_edits(invented: Endpoint, client_of: MakeClient) -> None:
    """The items are checked against our present data; a file without them is refused (13.23)."""
    result = of_alphaville(invented, client_of)
    text = saved_text(result, "r1")
    again = read_saved(text, "x.json", our_quads())
    assert more_of(text)["release"] == "r1"
    assert (again.findings, again.retrieved, again.documents) == (result.findings, result.retrieved, result.documents)
    plans = [plan_edits(r.findings, r.ours, r.theirs, r.documents) for r in (result, again)]
    assert plans[0].edits
    assert plans[0].omitted
    assert plans[0] == plans[1]
    for bad in (to_json_text(result.findings, ""), to_json_text(result.findings, "", {"items": {"a": {}}})):
        with pytest.raises(BadData, match="items"):
            read_saved(bad, "x.json", our_quads())


def test_both_sides_name_their_sources(invented: Endpoint, client_of: MakeClient) -> None:
    """Ours are documents; theirs the statements and what these refer to."""
    changes = of_alphaville(invented, client_of).findings
    tie = next(c for c in changes if (c.property, c.value.name, c.qualifier) == (TWINNED, "Betaburg", START))
    assert tie.ours[0].sources == (SOURCE + "page",)
    assert {s.removeprefix(STATEMENT)[-3:] for s in tie.theirs[0].sources if s.startswith(STATEMENT)} == {"014", "028"}
    assert "https://example.org/partners?a=1&b=2" in tie.theirs[0].sources
    assert WD + "Q9000901" in tie.theirs[0].sources


def test_merged_items_are_told_and_compared(invented: Endpoint, client_of: MakeClient) -> None:
    """The statements are compared with those of the item that the old one became."""
    invented.store.extend(redirect_quads("Q9000888", "Q9000002"))
    found = of_alphaville(invented, client_of, TRIG.replace("wd:Q9000002", "wd:Q9000888")).findings
    merged = next(c for c in found if c.state == Outcome.MERGED)
    assert (merged.entity.name, merged.detail) == ("Betaburg", "Q9000888 was merged into Q9000002")
    assert ("agrees", "Alphaville", "P190", "Betaburg", "P580") in short(found)


def test_a_namesake_without_a_link_is_ambiguous(invented: Endpoint, client_of: MakeClient) -> None:
    """Their Betaburg may be our Betaburg, or not: a person decides; it is told once, not as missing on both sides."""
    found = short(of_alphaville(invented, client_of, TRIG.replace(" ; owl:sameAs wd:Q9000002", "")).findings)
    assert {f for f in found if f[1] == "Betaburg" or f[3] == "Betaburg"} == {
        ("ambiguous", "Betaburg", "item", "", ""), ("ambiguous", "Alphaville", "P190", "Betaburg", ""),
    }  # fmt: skip


UNLINKED_COUNTRIES = TRIG.replace(" ; owl:sameAs wd:Q9000101", "").replace(" ; owl:sameAs wd:Q9000102", "")


def test_a_country_without_a_link_agrees_by_its_name(invented: Endpoint, client_of: MakeClient) -> None:
    """Data that link cities but no countries are compared like others, and their statements are offered."""
    with_links, without = (of_alphaville(invented, client_of, trig) for trig in (TRIG, UNLINKED_COUNTRIES))
    countries = [{one for one in short(found.findings) if one[2] == COUNTRY} for found in (with_links, without)]
    assert ("agrees", "Alphaville", "P17", "Alphaland", "") in countries[1]
    assert countries[0] == countries[1]
    plans = [plan_edits(one.findings, one.ours, one.theirs, one.documents) for one in (with_links, without)]
    assert plans[0].edits
    assert plans[0].edits == plans[1].edits


def test_a_country_with_another_name_differs(invented: Endpoint, client_of: MakeClient) -> None:
    """A place in another country is another place."""
    other = UNLINKED_COUNTRIES.replace('"Alphaland"@en, "Alfaülke"@tr', '"Otherland"@en')
    result = of_alphaville(invented, client_of, other)
    assert ("differs", "Alphaville", "P17", "Otherland", "") in short(result.findings)
    left = plan_edits(result.findings, result.ours, result.theirs, result.documents).omitted
    assert any("not in Otherland" in omission.reason for omission in left)


def test_our_own_disagreement_is_ambiguous() -> None:
    """Two documents with dates that cannot both be true: neither is offered as the date."""
    other = TRIG.replace('cg:protocolDate "1992"^^xsd:gYear', 'cg:protocolDate "1993"^^xsd:gYear')
    found = compared(other, tie("Q9000001", "Q9000003"), tie("Q9000003", "Q9000001"))
    dates = [c for c in found if c.qualifier and c.value.name == "Gammaton"]
    assert [(c.state, c.qualifiers, c.detail) for c in dates] == [(Outcome.AMBIGUOUS, (), "our sources differ")]


def test_the_date_of_the_act_is_recognised() -> None:
    """What stands there as the start is often the day of the council's decision."""
    found = compared(TRIG, tie("Q9000001", "Q9000002", "1984"), tie("Q9000002", "Q9000001"))
    date = next(c for c in found if c.qualifier)
    assert (date.state, date.detail) == (Outcome.DIFFERS, "theirs is our date of the council's act (1984-03-01)")


def test_what_was_pulled_is_not_ours(invented: Endpoint, client_of: MakeClient) -> None:
    """A source that Wikidata publishes says nothing of ours."""
    pulled = TRIG.replace('dcterms:title "Kardeş', 'dcterms:publisher organisation:wikidata ; dcterms:title "Kardeş')
    found = of_alphaville(invented, client_of, pulled).findings
    assert ("missing-here", "Alphaville", "P190", "Betaburg", "") in short(found)


def test_nothing_to_compare_is_an_error(client_of: MakeClient, invented: Endpoint) -> None:
    """Without a scope, and without a linked city of ours, the whole world would be asked for."""
    with pytest.raises(NotFound, match="give --city"):
        compare([], fetching(client_of(invented)), today="2026-11-20")
    with pytest.raises(NotFound, match="Q9000998"):
        compare(our_quads(), fetching(client_of(invented)), Scope(cities=("Q9000998",)), today="2026-11-20")


@pytest.mark.parametrize(
    ("mine", "yours", "states"),
    [
        ([("9000", "2020")], [("9000", "2020-12-31")], ["agrees"]),
        ([("9000", "2020")], [("8000", "2020-12-31")], ["differs"]),
        ([("~9000", "2020")], [("8900", "2020-12-31")], ["agrees"]),
        ([("9000", "2020")], [("9000", "2021")], ["missing-there", "missing-here"]),
        ([("9000", "")], [("9000", "2021")], ["agrees"]),
        ([("9000", "")], [("8000", "2021")], ["ambiguous", "missing-here"]),
        ([("9000", "2020")], [], ["missing-there"]),
        ([("1", "2020"), ("2", "2020")], [("2", "2020"), ("1", "2020")], ["agrees", "agrees"]),
    ],
)
def test_figures_of_people(mine: list[tuple[str, str]], yours: list[tuple[str, str]], states: list[str]) -> None:
    """The same date is the same figure; "nearly" is near; one without a date cannot be told from others."""

    def facts(found: list[tuple[str, str]]) -> list[Fact]:
        return [Fact("n", value.strip("~"), frozenset(), {POINT_IN_TIME: {on: frozenset()}} if on else {}, "~" in value)
                for value, on in found]  # fmt: skip

    assert [state.value for state, _, _ in pair_figures(facts(mine), facts(yours))] == states


def test_times_in_office() -> None:
    """Two terms of one person are two; a term without a beginning is the one that is left."""

    def term(start: str) -> Fact:
        return Fact("n", "ann", frozenset(), {START: {start: frozenset()}} if start else {})

    found = list(pair_tenures([term("2004"), term("")], [term("2010-03-01"), term("2004-04")]))
    assert [(s.value, *(f.dates.get(START) for f in (m, y) if f)) for s, m, y in found] == [
        ("agrees", {"2004": frozenset()}, {"2004-04": frozenset()}),
        ("agrees", None, {"2010-03-01": frozenset()}),
    ]


def test_dates_and_distances() -> None:
    """At the coarser precision; İzmir and Baku lie 1,970 km apart."""
    assert dates_agree("1985", "1985-09-04")
    assert not dates_agree("1985-09", "1985-10-04")
    assert finest_dates(["1985", "1985-09-04", "1986"]) == ["1985-09-04", "1986"]
    assert distance("38.4 27.1", "40.4 49.9") == pytest.approx(1970, abs=15)


def test_of_an_unnamed_place_the_named_one_is_told() -> None:
    """What a document says without the name belongs to the place that the curator found."""
    facts = read_facts(
        our_quads("""GRAPH graph:curation {
      <https://w3id.org/citygraph/source/page#unnamed> cg:identifiedAs city:gammaton ; cg:country country:betaland .
      agreement:a a cg:SisterCityAgreement ; cg:party city:alphaville ;
        cg:unnamedParty <https://w3id.org/citygraph/source/page#unnamed> . }""")
    )
    assert set(facts.ties) == {(ID + "city/alphaville", ID + "city/gammaton")}
    assert [f.value for f in facts.of(ID + "city/gammaton", COUNTRY)] == [ID + "country/betaland"]


def tie(subject: str, value: str, start: str = "") -> Statement:
    """A twinning of two items, perhaps since a year."""
    from citygraph.wikidata.model import parse_date

    qualifiers = (Snak(START, parse_date(start)),) if start else ()
    return Statement(f"{subject}-{value}", subject, TWINNED, ItemValue(value), qualifiers=qualifiers)


def theirs(trig: str, *ties: Statement) -> GraphFacts:
    """The facts of three cities there, in the countries where ours lie."""
    names = {"Q9000001": "Alphaville", "Q9000002": "Betaburg", "Q9000003": "Gammaton",
             "Q9000101": "Alphaland", "Q9000102": "Betaland"}  # fmt: skip
    items = {qid: Item(qid, {"en": name}) for qid, name in names.items()}
    for qid in ("Q9000001", "Q9000002", "Q9000003"):
        land = Statement(f"{qid}-land", qid, COUNTRY, ItemValue("Q9000101" if qid == "Q9000001" else "Q9000102"))
        said = (land, *(t for t in ties if t.entity == qid))
        items[qid] = replace(items[qid], statements=said)
    cities = frozenset(qid for qid in names if qid < "Q9000100")
    selection = Selection(cities, cities, frozenset(names) - cities, frozenset())
    nowhere = NamedNode("urn:none")
    return their_facts(World(items, selection, read_existing(our_quads(trig), nowhere), nowhere, "2026-11-20"))


def compared(trig: str, *ties: Statement) -> list[ComparedStatement]:
    """What the diff finds of Alphaville, where these ties stand there."""
    return diff(read_facts(our_quads(trig)), theirs(trig, *ties), [ID + "city/alphaville"])
