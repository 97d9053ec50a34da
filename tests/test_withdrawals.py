"""What was merged or withdrawn: its address goes on to say what became of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Quad, RdfFormat, parse

from citygraph.build.build import check
from citygraph.commit.change import Change, Update
from citygraph.commit.commit import Followup
from citygraph.errors import Violations
from citygraph.progress import Progress
from citygraph.rdf.terms import CATALOG_GRAPH, CG, GRAPH, ID, PREFIXES, RDF, SD, SKOS, SOURCE
from citygraph.release.releases import Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.source.files import Sources
from citygraph.web import create_app
from citygraph.wikidata import differences
from tests.committing import committed
from tests.inprocess import InProcess
from tests.past import DATES, dated
from tests.small import build_small, write_files
from tests.test_links import read_page
from tests.wikidata.ours import TRIG
from tests.wikidata.test_diff import compared, tie
from tests.withdrawn import tombstones
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Somebody who asks for what is no more."""
    root = tmp_path_factory.mktemp("withdrawn")
    publish([*small_world(), *tombstones()], root)
    return create_app(Settings(), Releases(root)).test_client()


@pytest.mark.parametrize(
    ("path", "successor"),
    [
        ("/id/city/smyrna", "/id/city/izmir"),
        ("/id/city/smyrna.ttl?lang=tr", "/id/city/izmir.ttl?lang=tr"),
        ("/doc/city/smyrna", "/doc/city/izmir"),
        ("/doc/city/smyrna.jsonld", "/doc/city/izmir.jsonld"),
    ],
)
def test_merged_entity_leads_to_its_successor_for_good(client: FlaskClient, path: str, successor: str) -> None:
    """301, with the extension and whatever else was asked."""
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (301, successor)


@pytest.mark.parametrize("path", ["/id/city/buda-pest", "/doc/city/buda-pest"])
def test_withdrawn_entity_is_gone_with_a_tombstone_for_readers(client: FlaskClient, path: str) -> None:
    """410; the page says why, since when, and what to use instead, in the reader's language."""
    english = client.get(path, headers={"Accept": "text/html"})
    assert english.status_code == 410
    assert "Two cities." in english.text
    assert "2026-04-02" in english.text
    assert {f'href="/id/city/{name}"' in english.text for name in ("baku", "bremen")} == {True}
    assert "İki şehir." in client.get(f"{path}?lang=tr", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("path", ["/id/city/buda-pest", "/doc/city/buda-pest", "/doc/city/buda-pest.ttl"])
def test_withdrawn_entity_is_gone_with_a_tombstone_for_programs(client: FlaskClient, path: str) -> None:
    """410 with the statements of the tombstone in RDF."""
    response = client.get(path, headers={"Accept": "text/turtle"})
    assert response.status_code == 410
    said = {(quad.predicate, quad.object) for quad in parse(response.data, RdfFormat.TURTLE)}
    assert any(predicate == CG("withdrawnOn") for predicate, _ in said)
    assert any(getattr(value, "value", "") == ID + "city/baku" for _, value in said)


def test_tombstone_is_no_less_gone_when_it_is_asked_again(client: FlaskClient) -> None:
    """From the cache too; and a date is no reason to say that it is unchanged."""
    for _ in range(2):
        first = client.get("/doc/city/buda-pest.nt")
        assert first.status_code == 410
    again = client.get("/doc/city/buda-pest.nt", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.status_code == 410


def test_tombstone_in_json_is_json(client: FlaskClient) -> None:
    """With the same short names."""
    told = json.loads(client.get("/doc/city/buda-pest.jsonld").data)
    assert told["@id"] == "id/city/buda-pest"


def test_withdrawn_entity_names_its_last_version(tmp_path: Path) -> None:
    """The release before its withdrawal still has it; on the page, and in the Link header."""
    city = [Quad(ID("city/buda-pest"), RDF("type"), CG("City"), graph) for graph in (SOURCE("page"), DefaultGraph())]
    before = dated(tmp_path, publish([*small_world(), *city], tmp_path), DATES[0], None)
    dated(tmp_path, publish([*small_world(), *tombstones()], tmp_path), DATES[1], before.id)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    page = client.get("/id/city/buda-pest", headers={"Accept": "text/html"})
    last = f"http://localhost/releases/{before.id}/doc/city/buda-pest"
    assert page.status_code == 410
    assert f'<a href="{last}">' in page.text
    assert f'<{last}>; rel="first last memento"' in page.headers["Link"]


def test_file_for_withdrawn_identifiers_is_in_the_repository(sources: Sources) -> None:
    """It is read like every data file; nothing has been withdrawn so far."""
    files = {Path(file.name).name: file for file in sources.data_files()}
    assert list(files["withdrawn.trig"].read()) == []


LINKING = (
    "/", "/explore", "/explore?type=city", "/search?q=Bremen", "/doc/city/izmir", "/doc/country/germany",
    "/doc/agreement/izmir-bremen", "/doc/graph/withdrawn", "/doc/source/page", "/network", "/sitemap.xml", "/wikidata",
)  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, str]:
    """A site on which Bremen was withdrawn although sources still refer to it, and the path of the difference."""
    root = tmp_path_factory.mktemp("dangling")
    before = dated(root, publish(small_world(), root), DATES[0], None)
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    stone = 'GRAPH graph:withdrawn { city:bremen a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date }'
    quads = list(parse(prefixes + stone, RdfFormat.TRIG))
    described = [Quad(GRAPH("withdrawn"), RDF("type"), SD("NamedGraph"), CATALOG_GRAPH)]
    merged = [Quad(quad.subject, quad.predicate, quad.object) for quad in quads]
    after = dated(root, publish([*small_world(), *quads, *merged, *described], root), DATES[1], before.id)
    comparison = differences.to_json_text(compared(TRIG, tie("Q9000001", "Q9000002")), "2026-11-20T00:00:00Z")
    (root / "comparison.json").write_text(comparison.replace("city/alphaville", "city/bremen"))
    settings = Settings(wikidata_comparison=root / "comparison.json")
    return create_app(settings, Releases(root)).test_client(), f"/releases/{before.id}..{after.id}"


@pytest.mark.parametrize("page", [*LINKING, "the difference"])
def test_no_page_links_to_a_withdrawn_entity(past: tuple[FlaskClient, str], page: str) -> None:
    """(13.7) Names stay readable without a link; lists, search and sitemap leave the entity out."""
    client, difference = past
    path = difference if page == "the difference" else page
    answer = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
    assert answer.status_code == 200
    if page == "the difference":
        assert "Bremen" in answer.text
    links = {href.partition("#")[0] for href in read_page(answer.text).hrefs}
    assert "/doc/city/bremen" not in answer.text
    entities = [href for href in links if "/id/" in href]
    assert [href for href in entities if client.get(href, follow_redirects=True).status_code == 410] == []


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?place { ?agreement cg:party ?place }",
        "CONSTRUCT { ?agreement cg:party ?place } { ?agreement cg:party ?place }",
    ],
)
def test_no_result_of_a_query_links_to_a_withdrawn_entity(tmp_path: Path, query: str) -> None:
    """(13.7) A query of one's own can name it: its cell has no link, and the script knows which have none."""
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    stone = 'city:bremen a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date .'
    release = publish([*small_world(), *parse(prefixes + stone, RdfFormat.TURTLE)], tmp_path)
    engines = InProcess(list(release.open_store()), release.id)
    client = create_app(Settings(), Releases(tmp_path), engines).test_client()
    parameters = {"query": f"PREFIX cg: <{CG}> {query}", "run": "1"}
    pages = [client.get("/sparql", query_string=parameters, headers={"Accept": "text/html"})]
    pages.append(client.get("/queries/tables/cities?run=1", headers={"Accept": "text/html"}))
    shown = ("city:bremen", f'<span title="{ID}city/bremen">Bremen</span>')
    for answer, name in zip(pages, shown, strict=True):
        assert answer.status_code == 200
        assert 'href="/id/city/baku"' in answer.text
        assert name in answer.text
        assert 'href="/id/city/bremen"' not in answer.text
    assert re.search(rf'"gone": ?\["{ID}city/bremen"\]', pages[0].text)


def test_statements_about_a_withdrawn_entity_are_violations(tmp_path: Path) -> None:
    """(13.7) The report lists each statement of a source about it, and each entity that refers to it, with its line."""
    sources = write_files(tmp_path)
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    stone = """GRAPH graph:withdrawn { city:bremen a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date ;
      rdfs:label "Bremen"@en , "Bremen"@tr ; cg:note "A note."@en , "Bir not."@tr ;
      skos:changeNote "An error."@en , "Bir hata."@tr }"""
    (sources.data / "withdrawn.trig").write_text(prefixes + stone)
    report = check(sources, (), Progress())
    lines = (sources.data / "register.trig").read_text().splitlines()
    listed = {
        (r.shape.partition("#")[2], r.path, r.value, lines[r.place.line - 1].split()[0])
        for r in report.violations
        if r.place and r.place.file == "data/register.trig"
    }
    country = (CG("country").value, str(ID("country/germany")))
    kind = (RDF("type").value, str(CG("City")))
    agreement = str(ID("agreement/izmir-bremen"))
    assert {
        ("WithdrawnDescribed", *country, "city:bremen"),
        ("WithdrawnDescribed", *kind, "city:bremen"),
        ("WithdrawnUsed", "", agreement, "agreement:izmir-bremen"),
    } <= listed
    described = {r.path for r in report.violations if r.shape.endswith("#WithdrawnDescribed")}
    others = ("https://schema.org/name", "http://www.opengis.net/", SKOS)
    assert [path for path in described if path.startswith(others)] == []


def test_commit_on_a_withdrawn_entity_is_refused(tmp_path: Path, consequences: Followup) -> None:
    """(13.7) Whether the commit withdraws an entity that is described, or describes one that was withdrawn."""
    build_small(tmp_path)
    settings = Settings(releases=tmp_path / "releases", data=tmp_path / "data")

    def shapes_violated_by(text: str) -> set[str]:
        change = Change(Update(f"INSERT DATA {{ {text} }}"))
        (outcome,) = committed([change], settings, consequences)
        report = outcome.report if isinstance(outcome, Violations) else Report((), "")
        return {result.shape.partition("#")[2] for result in report.violations}

    stone = """GRAPH graph:stones { city:%s a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date ;
      skos:changeNote "An error."@en , "Bir hata."@tr }"""
    assert shapes_violated_by(stone % "bremen") == {"WithdrawnDescribed", "WithdrawnUsed"}
    assert shapes_violated_by(stone % "smyrna") == set()
    link = "GRAPH graph:notes { city:izmir dcterms:replaces city:smyrna }"
    assert shapes_violated_by(link) == {"WithdrawnUsed"}
    note = 'GRAPH graph:notes { city:smyrna cg:note "A note."@en , "Bir not."@tr }'
    assert shapes_violated_by(note) == {"WithdrawnDescribed"}


def test_withdrawal_alone_is_no_violation(tmp_path: Path) -> None:
    """(13.7) With what the tombstone may have, and what the rules derive from that."""
    sources = write_files(tmp_path)
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    stone = """GRAPH graph:withdrawn { city:smyrna a cg:WithdrawnIdentifier ; cg:withdrawnOn "2026-03-01"^^xsd:date ;
      cg:mergedInto city:izmir ; rdfs:label "Smyrna"@en ; skos:changeNote "An old name."@en , "Eski bir ad."@tr }"""
    (sources.data / "withdrawn.trig").write_text(prefixes + stone)
    assert check(sources, (), Progress()).conforms
