"""The benchmark's made-up world, its mix of queries and its arithmetic; nothing here is timed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, Store

from bench import sheets
from bench.connection import Endpoint
from bench.dataset import find_or_write
from bench.generator import World, merged, quads
from bench.load import Figures
from bench.lookup import figures
from bench.mix import questions
from bench.report import Report, Result, as_text
from citygraph.rdf.terms import CG, DERIVED_GRAPH, OWL, RDF, RDFS, WD, XSD

_SMALL = World(size=150)
_ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def world() -> list[Quad]:
    return list(quads(_SMALL))


@pytest.fixture(scope="module")
def store(world: list[Quad]) -> Store:
    store = Store()
    store.bulk_extend(merged(world))
    return store


def test_the_same_seed_makes_the_same_quads(world: list[Quad]) -> None:
    """Figures of two days can be compared: they are of the same data."""
    assert list(quads(World(size=150))) == world


def test_another_seed_makes_another_world(world: list[Quad]) -> None:
    """A seed is not an ornament."""
    assert set(quads(World(size=150, seed=2))) != set(world)


def test_every_own_term_is_of_the_ontology(world: list[Quad]) -> None:
    """Nothing is said in words of the generator's own."""
    ontology = Store()
    ontology.load(path=str(_ROOT / "ontology" / "citygraph.ttl"))
    known = {quad.subject for quad in ontology.quads_for_pattern(None, None, None)}
    used = {quad.predicate for quad in world} | {q.object for q in world if q.predicate == RDF("type")}
    assert {term for term in used if isinstance(term, NamedNode) and term.value.startswith(CG)} <= known


def test_there_are_no_blank_nodes_and_every_statement_has_a_source(world: list[Quad]) -> None:
    """The contract's two rules about statements."""
    for quad in world:
        assert isinstance(quad.subject, NamedNode)
        assert isinstance(quad.object, NamedNode | Literal)
        assert isinstance(quad.graph_name, NamedNode)


def test_every_city_has_its_facts(store: Store) -> None:
    """A type, two labels, one country, a place on the map and a population."""
    cities = {quad.subject for quad in store.quads_for_pattern(None, RDF("type"), CG("City"), DefaultGraph())}
    assert len(cities) == 150
    for city in cities:
        languages = sorted(_languages(store, city, RDFS("label")))
        assert languages == ["en", "tr"]
        assert _count(store, city, CG("country")) == 1
        assert _count(store, city, CG("populationFigure")) >= 1


def test_partnerships_are_those_of_sister_city_agreements_and_go_both_ways(store: Store) -> None:
    """`cg:twinnedWith` is in the derived graph alone, and symmetric."""
    pairs = {(q.subject, q.object) for q in store.quads_for_pattern(None, CG("twinnedWith"), None, DERIVED_GRAPH)}
    assert pairs
    assert pairs == {(other, one) for one, other in pairs}
    sisters = len(list(store.quads_for_pattern(None, RDF("type"), CG("SisterCityAgreement"), DefaultGraph())))
    assert len(pairs) == 2 * sisters


def test_facts_are_said_by_several_sources_but_once_in_the_default_graph(world: list[Quad], store: Store) -> None:
    """The merge holds each triple once, however many sources say it."""
    default = list(store.quads_for_pattern(None, None, None, DefaultGraph()))
    assert len(default) == len({quad.triple for quad in world}) < len(set(world))


def test_dates_are_of_all_three_precisions(world: list[Quad]) -> None:
    """As precise as the source happens to be."""
    dates = {q.object.datatype for q in world if q.predicate == CG("protocolDate") and isinstance(q.object, Literal)}
    assert dates == {XSD("date"), XSD("gYearMonth"), XSD("gYear")}


def test_wikidata_items_are_well_formed_and_used_once(world: list[Quad]) -> None:
    """No two things are the same as one item."""
    items = [quad.object for quad in set(world) if quad.predicate == OWL("sameAs")]
    assert len(items) == len(set(items))
    assert all(isinstance(i, NamedNode) and i.value.removeprefix(WD + "Q").isdigit() for i in items)


def test_literals_are_written_as_the_store_keeps_them(world: list[Quad], store: Store) -> None:
    """Otherwise a peer that reads the file would hold other texts."""
    assert set(store.quads_for_pattern(None, None, None)) >= set(world)


def test_names_have_the_letters_that_turkish_needs(world: list[Quad]) -> None:
    """İ, ş and ğ among them; identifiers are of plain ASCII."""
    names = "".join(q.object.value for q in world if q.predicate == RDFS("label") and isinstance(q.object, Literal))
    assert set("İşğçıöü") <= set(names)
    assert all(q.subject.value.isascii() for q in world if isinstance(q.subject, NamedNode))


def test_every_question_of_the_mix_has_texts_that_the_store_answers(store: Store) -> None:
    """Twelve questions, each with rows for some of its parameters."""
    mix = questions(store, seed=1)
    assert len(mix) == 12
    for question in mix:
        counts = []
        for text in question.texts[:40]:
            result = store.query(text)
            assert isinstance(result, QuerySolutions)
            counts.append(len(list(result)))
        assert max(counts) > 0, question.title
        assert len(set(question.texts)) == len(question.texts)


def test_a_world_on_disk_is_a_release_that_is_written_once(tmp_path: Path) -> None:
    """Its counts are those of the store; a second run finds it."""
    release = find_or_write(tmp_path, World(size=30))
    assert release.manifest.quads == len(release.open_store())
    assert release.manifest.triples == release.manifest.quads - sum(release.manifest.graphs.values())
    assert find_or_write(tmp_path, World(size=30)).id == release.id


def test_a_serial_number_stands_in_a_comment_of_the_query() -> None:
    """So each text is new to the server, and means the same."""
    head, tail = Endpoint(80, "/sparql").serial_request("ASK {}")
    assert head.startswith(b"GET /sparql?query=ASK+%7B%7D%0A%23")
    assert tail.startswith(b" HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert tail.endswith(b"\r\n\r\n")


def test_ratios_above_one_mean_that_ours_is_better() -> None:
    """Of times, rates and costs alike; the mean of ratios is the geometric one."""
    report = Report({"cores": 2}, ("citygraph-memory", "oxigraph"))
    for question, ours, peer in (("one", 1.0, 2.0), ("other", 1.0, 8.0)):
        report.results.append(_result(question, "citygraph-memory", ours))
        report.results.append(_result(question, "oxigraph", peer))
    lines = [line.split("|")[-2].strip() for line in as_text(report).splitlines() if line.startswith("|")]
    assert [cell for cell in lines if cell[0].isdigit() or cell[0] == "*"] == ["2.00", "8.00", "**4.00**"] * 3


def test_of_several_rounds_the_ratio_is_the_median_of_those_within_each() -> None:
    """A round in which the machine was slow for all servers does not count (16)."""
    report = Report({"cores": 2}, ("citygraph-memory", "oxigraph"))
    for ours, peer in ((1.0, 2.0), (10.0, 30.0), (1.0, 8.0)):
        report.results.append(_result("one", "citygraph-memory", ours))
        report.results.append(_result("one", "oxigraph", peer))
    row = next(line for line in as_text(report).splitlines() if line.startswith("| one"))
    assert [cell.strip() for cell in row.split("|")[2:-1]] == ["1.00 (1.00)", "8.00 (8.00)", "3.00"]


def test_the_counting_questions_can_be_asked_alone(store: Store) -> None:
    """By one word, though their titles have none in common (16 §4)."""
    assert len(questions(store, seed=1, only="counting")) == 5


def test_a_server_without_figures_leaves_its_cells_empty_and_a_note() -> None:
    """A peer that does not answer in time is said to have not answered, and makes no ratio."""
    report = Report({"cores": 2}, ("citygraph-memory", "oxigraph"))
    report.results.append(_result("one", "citygraph-memory", 1.0))
    report.results.append(Result("one", "oxigraph", note="no answer in 60 s"))
    text = as_text(report)
    assert "| —" in text
    assert "- oxigraph, one: no answer in 60 s" in text


def test_figures_with_failed_requests_are_not_shown() -> None:
    """A refusal may come sooner than an answer: it makes no rate and no ratio."""
    report = Report({"cores": 2}, ("citygraph-memory", "oxigraph"))
    refused = Figures(8, 8, 4, 1.0, 5.0, 5.0, 1600.0, 0.1)
    report.results.append(Result("one", "citygraph-memory", 1, None, refused, 5.0))
    report.results.append(_result("one", "oxigraph", 1.0))
    text = as_text(report)
    assert "4 of 8 failed" in text
    assert "1,600" not in text


def _result(question: str, server: str, milliseconds: float) -> Result:
    one, many = (Figures(n, 100, 0, 1.0, milliseconds, milliseconds, 1000 / milliseconds, 0.1) for n in (1, 8))
    return Result(question, server, 1, one, many, milliseconds)


def _languages(store: Store, subject: object, predicate: NamedNode) -> list[str]:
    assert isinstance(subject, NamedNode)
    found = store.quads_for_pattern(subject, predicate, None, DefaultGraph())
    return [quad.object.language or "" for quad in found if isinstance(quad.object, Literal)]


def _count(store: Store, subject: object, predicate: NamedNode) -> int:
    assert isinstance(subject, NamedNode)
    return sum(1 for _ in store.quads_for_pattern(subject, predicate, None, DefaultGraph()))


def test_the_table_of_spreadsheets_has_medians_and_their_ratios_to_the_build() -> None:
    """A check of less than 1.5 times the build is the aim (14)."""
    build = [sheets.Figures(10, 8), sheets.Figures(20, 10), sheets.Figures(90, 12)]
    check = [sheets.Figures(30, 5)]
    text = sheets.as_text({"build": build, "check": check}, "as asked")
    assert "| build | 20.0 | 1.00 | 10.0 | 1.00 |" in text
    assert "| check | 30.0 | 1.50 | 5.0 | 0.50 |" in text


def test_rows_of_spreadsheets_name_places_of_the_same_workbook() -> None:
    """Each pair of places has one agreement, and the same seed makes the same rows (14)."""
    rows = sheets.Rows(60, 20, 1).by_sheet()
    assert rows == sheets.Rows(60, 20, 1).by_sheet()
    names = {value for place in rows["places"] for value in (place["id"], place["name"])}
    assert all({tie["city"], tie["partner"]} <= names for tie in rows["agreements"])
    assert len({frozenset((tie["city"], tie["partner"])) for tie in rows["agreements"]}) == 60


def test_lookups_are_never_repeated_and_the_first_round_does_not_count() -> None:
    """So that no cache answers, and nothing is measured that happens once (16 §1)."""
    numbers: list[int] = []
    rows = figures(numbers.append, rounds=3, number=20)
    assert len(rows) == 3
    assert all(own > 0 for own, _ in rows)
    assert len(numbers) == len(set(numbers)) == 80
