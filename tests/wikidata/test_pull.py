"""A pull: paged by key, the same as an import of the dump, resumable, and ready to build."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.build import build
from citygraph.errors import NotFound, Upstream, UsageError
from citygraph.progress import Progress
from citygraph.rdf.terms import CG, ID, OWL, PREFIXES, RDFS, SKOS, WD
from citygraph.release.releases import Releases
from citygraph.source.files import Sources
from citygraph.wikidata.client import Client
from citygraph.wikidata.pull import ItemFetcher, PullResult, Scope, pull
from tests.running import wait_for
from tests.wikidata.conftest import FIXTURES, MakeClient, entities
from tests.wikidata.endpoint import Endpoint, serving
from tests.wikidata.rdf_form import entity_quads, redirect_quads

REPOSITORY = Path(__file__).parents[2]


def pulled(scope: Scope, client: Client, into: Path, data: list[Quad] | None = None) -> PullResult:
    """A pull with nothing of ours beside it, unless `data` says otherwise."""
    return pull(scope, client, lambda: data or [], into, today="2026-11-20")


def facts(path: Path) -> set[tuple[str, str, str]]:
    """The statements about entities, with short names."""
    quads = parse(path.read_bytes(), format=RdfFormat.N_QUADS)
    short = str.maketrans({"<": "", ">": ""})
    found = {tuple(str(t).translate(short) for t in (q.subject, q.predicate, q.object)) for q in quads}
    return {(s.removeprefix(ID), p.removeprefix(CG), o.removeprefix(ID)) for s, p, o in found}


def test_a_pull_of_the_world_is_the_dump(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Both ways give the same text; only the digest of what was read differs."""
    result = pulled(Scope(), client_of(invented), tmp_path)

    def without_digest(path: Path) -> list[str]:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if "#sha256>" not in line]

    assert without_digest(result.source.path) == without_digest(FIXTURES / "invented.nq")
    assert result.requests == len(invented.queries)


def test_a_city_comes_with_its_partners(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """What its partners agreed among themselves is not asked for; their side of its agreements is."""
    written = pulled(Scope(cities=("Q9000002",)), client_of(invented), tmp_path).source
    assert written.path.name == "wikidata-betaburg.nq"
    found = facts(written.path)
    assert {s for s, p, _ in found if p == "party"} == {
        "agreement/alphaville-betaburg",
        "agreement/betaburg-deltastadt",
    }
    assert {o for s, p, o in found if s == "agreement/alphaville-betaburg" and p == "startDate"} == {
        '"1985-09-04"^^http://www.w3.org/2001/XMLSchema#date'
    }
    evidence = {o[-12:] for s, p, o in found if s == "agreement/alphaville-betaburg" and p.endswith("#wasDerivedFrom")}
    assert evidence == {"000000000014", "000000000028"}
    assert not any(s.startswith("person/") for s, _, _ in found)
    assert ("https://w3id.org/citygraph/source/wikidata-betaburg", "about", "city/betaburg") in found


def test_an_unknown_end_comes_from_the_service_as_from_the_dump(client_of: MakeClient, tmp_path: Path) -> None:
    """A qualifier with an unknown value says that the tie has ended (13.12)."""
    store = Store()
    for entity in entities():
        for claim in entity["claims"].get("P190", ()) if entity["id"] == "Q9000002" else ():
            unknown = {"snaktype": "somevalue", "property": "P582", "datatype": "time"}
            claim.setdefault("qualifiers", {})["P582"] = [unknown]
        store.extend(entity_quads(entity))
    with serving(store) as endpoint:
        written = pulled(Scope(cities=("Q9000002",)), client_of(endpoint), tmp_path).source
    ended = {s for s, p, o in facts(written.path) if p == "until" and o == CG + "unknownDate"}
    assert "agreement/betaburg-deltastadt#period-wikidata-00000000-0000-4000-8000-000000000029" in ended
    assert {notice.qid for notice in written.notices if notice.kind == "somevalue"} >= {"Q9000002"}


def test_a_country_comes_with_its_cities(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Its twinned places are the seeds; mayors are those of the seeds."""
    written = pulled(Scope(country="Q9000101"), client_of(invented), tmp_path).source
    assert written.path.name == "wikidata-alphaland.nq"
    assert {s for s, p, _ in facts(written.path) if p == "holder"} == {
        "tenure/ann-able-mayor-of-alphaville", "tenure/ann-able-mayor-of-alphaville-2010",
        "tenure/bo-baker-mayor-of-alphaville",
    }  # fmt: skip


def test_merged_items_are_followed(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """A redirect, even a twofold one, leads to what is there now, and is told."""
    invented.store.extend([*redirect_quads("Q9000006", "Q9000008"), *redirect_quads("Q9000008", "Q9000003")])
    written = pulled(Scope(cities=("Q9000001",)), client_of(invented), tmp_path).source
    assert ("redirect", "Q9000006") in {(f.kind, f.qid) for f in written.notices}
    assert "missing" not in {f.kind for f in written.notices}
    assert ("agreement/alphaville-alphaville-betaland", "party", "city/alphaville-betaland") in facts(written.path)
    invented.store.extend(redirect_quads("Q9000009", "Q9000002"))
    assert pulled(Scope(cities=("Q9000009",)), client_of(invented), tmp_path).source.path.name == "wikidata-betaburg.nq"


def test_what_is_not_there_is_told(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """A city that was deleted, an id that is none."""
    with pytest.raises(NotFound, match="Q9000998"):
        pulled(Scope(cities=("Q9000998",)), client_of(invented), tmp_path)
    for scope in ({"cities": ("İzmir",)}, {"country": "P17"}, {"cities": ("Q1",), "country": "Q2"}):
        with pytest.raises(UsageError):
            Scope(**scope)


def test_our_iris_and_names_are_kept(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Entities that we hold keep their IRI and label; agreements, posts and tenures of ours are met again."""
    ours = """
        GRAPH <https://w3id.org/citygraph/source/ours> {
          city:alpha a cg:City ; rdfs:label "Alpha"@en ; owl:sameAs wd:Q9000001 ;
            schema:latitude 1.5 .
          city:betaburg a cg:City ; rdfs:label "Old Betaburg"@en .
          area:delta a cg:AdministrativeArea ; owl:sameAs wd:Q9000005 .
          agreement:delta-alpha a cg:SisterCityAgreement ;
            cg:party city:alpha, area:delta .
          organisation:alpha-hall cg:jurisdiction city:alpha .
          post:alpha-mayor cg:of organisation:alpha-hall ;
            cg:role <https://w3id.org/citygraph/ontology/roles/mayor> .
          person:bo owl:sameAs wd:Q9000202 .
          tenure:bo-alpha cg:holder person:bo ;
            cg:post post:alpha-mayor .
        }"""
    prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
    data = list(parse(prefixes + ours, format=RdfFormat.TRIG))
    found = facts(pulled(Scope(cities=("Q9000001",)), client_of(invented), tmp_path, data).source.path)
    alpha = {(p, o) for s, p, o in found if s == "city/alpha"}
    assert (SKOS("altLabel").value, '"Alphaville"@en') in alpha
    assert not any(p == RDFS("label").value and o.endswith("@en") for p, o in alpha)
    assert not any(p.endswith("latitude") for p, _ in alpha)
    # A namesake of ours without an item is not taken for the same place.
    assert (OWL("sameAs").value, WD + "Q9000002") in {(p, o) for s, p, o in found if s == "city/betaburg-betaland"}
    assert ("area/delta", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", CG + "AdministrativeArea") in found
    assert ("agreement/delta-alpha", "party", "area/delta") in found
    assert ("tenure/bo-alpha", "post", "post/alpha-mayor") in found
    assert not any(s.startswith(("organisation/municipality", "post/mayor")) for s, _, _ in found)


def test_a_second_pull_keeps_the_slugs_of_the_first(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Pulled again with its own output among our data, the text is the same."""
    first = pulled(Scope(), client_of(invented), tmp_path).source.path
    text = first.read_bytes()
    again = pulled(Scope(), client_of(invented), tmp_path, list(parse(text, format=RdfFormat.N_QUADS)))
    assert again.source.path.read_bytes() == text
    assert again.requests == 0


def test_a_failed_pull_changes_nothing(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """The old file stays; what was answered is not asked again."""
    old = pulled(Scope(cities=("Q9000002",)), client_of(invented), tmp_path).source.path
    text = old.read_bytes()
    invented.queries.clear()
    invented.faults.extend(["ok", "ok", "500", "500", "500", "500"])
    client = client_of(invented, newer_than="2026-11-20T00:00:01Z")
    with pytest.raises(Upstream, match="500"):
        pulled(Scope(cities=("Q9000002",)), client, tmp_path)
    assert old.read_bytes() == text
    assert not list(tmp_path.glob("*.part"))


_PULL = """
import sys
from pathlib import Path
from citygraph.wikidata.client import Client, over_http
from citygraph.wikidata.pull import Scope
from citygraph.wikidata.pull import pull
address, cache, into = sys.argv[1:]
client = Client(address, over_http(address, "test@example.org"), Path(cache))
result = pull(Scope(), client, list, Path(into), today="2026-11-20")
print(result.requests, result.cached)
"""


def test_a_killed_pull_goes_on_where_it_was(invented: Endpoint, tmp_path: Path) -> None:
    """kill -9 in the middle: the next one asks only for what was not answered, and writes the same."""
    invented.faults.extend(["none"] * 6 + ["silent 600"])
    command = [sys.executable, "-c", _PULL, invented.address, str(tmp_path / "cache"), str(tmp_path)]
    process = subprocess.Popen(command)
    wait_for(lambda: len(invented.queries) == 7)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("*.nq"))
    kept = len(list((tmp_path / "cache").rglob("*.json")))
    assert kept == 6
    done = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    asked, found = (int(word) for word in done)
    assert found >= kept
    assert asked + found == 21
    text = (tmp_path / "wikidata.nq").read_text(encoding="utf-8")
    assert text.count("\n") == (FIXTURES / "invented.nq").read_text(encoding="utf-8").count("\n")


def test_weimar_and_bielefeld_as_they_were(real: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Weimar's partners by the day, Bielefeld's by the year, one of them with no date at all."""
    written = pulled(Scope(cities=("Q3955", "Q2112")), client_of(real), tmp_path).source
    dates = {s.removeprefix("agreement/"): o.partition("^")[0].strip('"')
             for s, p, o in facts(written.path) if s.startswith("agreement/") and p == "startDate"}  # fmt: skip
    assert dates == {
        "blois-weimar": "1995-02-18", "trier-weimar": "1987-05-24", "siena-weimar": "1994-04-15",
        "hameenlinna-weimar": "1970-09-06", "weimar-zamosc": "2012-05-25", "bielefeld-rochdale": "1953",
        "bielefeld-enniskillen": "1958", "bielefeld-concarneau": "1973", "bielefeld-naharija": "1980",
        "bielefeld-weliki-nowgorod": "1987", "bielefeld-rzeszow": "1991", "bielefeld-esteli": "1995",
    }  # fmt: skip
    assert ("agreement/bielefeld-figeac", "party", "city/bielefeld") in facts(written.path)


def test_pages_of_a_thousand_by_key(real: Endpoint, client_of: MakeClient) -> None:
    """Every twinned place of 2016 is found, each once, though a page holds but a thousand."""
    gatherer = ItemFetcher(client_of(real), None)  # type: ignore[arg-type]
    found = list(gatherer._pages(""))
    assert len(found) == len(set(found)) == len({str(q.subject) for q in real.store.quads_for_pattern(
        None, NamedNode("http://www.wikidata.org/prop/P190"), None)})  # fmt: skip
    assert len(real.queries) == len(found) // 1000 + 2


def test_a_pull_is_ready_to_build(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Beside our own data it conforms to every shape, and what it says can be asked for."""
    data = tmp_path / "data"
    for path in (p for p in (REPOSITORY / "data").rglob("*") if p.suffix in {".ttl", ".trig"}):
        copy = data / path.relative_to(REPOSITORY / "data")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    ours = [quad for file in Sources(data, REPOSITORY / "ontology").data_files() for quad in file.read()]
    pulled(Scope(), client_of(invented), data / "sources", ours)
    release, report = build(Sources(data, REPOSITORY / "ontology"), Releases(tmp_path / "releases"), Progress())
    assert report.conforms
    store: Store = release.open_store()
    twinned = store.quads_for_pattern(NamedNode(ID + "city/alphaville"), CG("twinnedWith"), None, None)
    assert NamedNode(ID + "city/betaburg") in {quad.object for quad in twinned}
