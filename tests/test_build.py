"""A build: the same files give the same digest, and nothing that fails changes anything."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Store

from citygraph.build.build import build
from citygraph.build.catalog import data_graphs
from citygraph.errors import BadData, Violations
from citygraph.progress import Progress
from citygraph.rdf.terms import CG, DATASET, DERIVED_GRAPH, GRAPH, ID, PREFIXES, SOURCE, VOID
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.source.files import Sources, is_current
from tests.process_tree import descendants, maps
from tests.release_content import content
from tests.running import is_running, wait_for
from tests.small import REPOSITORY, build_small, write_files

Built = tuple[Releases, Release, Report]


def ask(store: Store, text: str) -> list[list[str]]:
    return [[getattr(term, "value", "") for term in row] for row in store.query(text, prefixes=PREFIXES)]  # type: ignore[union-attr]


@pytest.fixture
def copy(sources: Sources, tmp_path: Path) -> Sources:
    """The repository's files, to be changed."""
    for folder in (sources.data, sources.ontology):
        shutil.copytree(folder, tmp_path / folder.name)
    return Sources(tmp_path / "data", tmp_path / "ontology", sources.queries)


_BUILDING = """
import sys
from pathlib import Path
from pytest import MonkeyPatch
from citygraph.build.build import build
from citygraph.progress import Progress
from citygraph.release.releases import Releases
from tests.made_once import parse_queries_once
from tests.small import REPOSITORY, Sources

parse_queries_once(MonkeyPatch())
sources = Sources(Path(sys.argv[1]), REPOSITORY / "ontology", REPOSITORY / "queries")
build(sources, Releases(Path(sys.argv[2])), Progress(), most_in_memory=int(sys.argv[3]))
"""


def test_files_of_a_release_are_the_same_bytes_in_each_build(tmp_path: Path) -> None:
    """Whatever order sets have in a process, in memory and from files; the files of the store have times."""
    data = write_files(tmp_path).data
    ways = []
    for seed, most in (("1", 1 << 20), ("2", 1 << 20), ("3", 0)):
        command = [sys.executable, "-c", _BUILDING, str(data), str(tmp_path / seed), str(most)]
        subprocess.run(command, check=True, timeout=300, env={**os.environ, "PYTHONHASHSEED": seed}, cwd=REPOSITORY)
        ways.append(content(Releases(tmp_path / seed).current()))
        assert "sh:resultMessage" in (Releases(tmp_path / seed).current().path / "report.ttl").read_text()
    assert ways[0] == ways[1]
    assert ways[0] == ways[2]


def test_the_default_graph_is_the_merge_of_the_data_graphs(izmir: Release) -> None:
    """Each triple once, however many sources say it; neither ontology nor shapes."""
    store = izmir.open_store()
    merge = {q.triple for graph in data_graphs(store) for q in store.quads_for_pattern(None, None, None, graph)}
    default = [q.triple for q in store.quads_for_pattern(None, None, None, DefaultGraph())]
    assert len(default) == len(set(default)) == izmir.manifest.triples
    assert set(default) == merge
    assert not {graph.value for graph in data_graphs(store)} & {GRAPH("ontology").value, GRAPH("shapes").value}


def test_no_blank_nodes_are_published(izmir: Release) -> None:
    """Every node of the data has an IRI."""
    store = izmir.open_store()
    blank = [
        quad
        for graph in data_graphs(store)
        for quad in store.quads_for_pattern(None, None, None, graph)
        if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)
    ]
    assert blank == []


def test_the_rules_conclude_what_the_contract_says(izmir: Release) -> None:
    """Partners not only planned, symmetric; labels in both languages for agreements and tenures; days between dates."""
    store = izmir.open_store()
    assert ask(store, "SELECT ?x { city:izmir cg:twinnedWith ?x MINUS { ?x cg:twinnedWith city:izmir } }") == []
    twins = {x for (x,) in ask(store, "SELECT ?x { city:izmir cg:twinnedWith ?x }")}
    assert {ID(f"city/{name}").value for name in ("baku", "sarajevo", "skopje")} <= twins
    assert not {ID(f"city/{name}").value for name in ("gaza", "thessaloniki")} & twins
    for class_ in ("cg:Agreement", "cg:Tenure"):
        for language in ("en", "tr"):
            pattern = f"?x a {class_} MINUS {{ ?x rdfs:label ?l FILTER(LANG(?l) = '{language}') }}"
            assert ask(store, f"SELECT ?x {{ {pattern} }}") == []
    assert ask(store, "SELECT ?d { agreement:izmir-baku cg:daysToProtocol ?d }") == [["236"]]
    assert ask(store, "SELECT ?d { agreement:izmir-bukhara-province cg:daysToProtocol ?d }") == [["-8"]]
    twinned = {q.graph_name for q in store.quads_for_pattern(None, CG("twinnedWith"), None, None)}
    assert twinned == {DERIVED_GRAPH, DefaultGraph()}


def test_who_knows_only_schema_org_or_wikidata_gets_the_same_answers(izmir: Release) -> None:
    """The alignment is materialised."""
    store = izmir.open_store()
    same = [
        ("?x a cg:City", "?x a schema:City"),
        ("?x a cg:Event", "?x a schema:Event"),
        ("?x cg:twinnedWith ?y", "?x wdt:P190 ?y"),
        ("?t cg:holder ?x", "?t org:member ?x"),
        ("?t cg:holder ?x", "?x foaf:name ?n . ?t a org:Membership ; org:member ?x"),
        ("?x cg:startDate ?d", "?x schema:startDate ?d"),
    ]
    for ours, theirs in same:
        assert ask(store, f"SELECT DISTINCT ?x {{ {ours} }} ORDER BY ?x") == ask(
            store, f"SELECT DISTINCT ?x {{ {theirs} }} ORDER BY ?x"
        ), theirs


def test_what_stands_in_a_graph_is_counted_right(izmir: Release) -> None:
    """The VoID counts in the catalog equal what SPARQL counts, for each graph and the whole."""
    store = izmir.open_store()
    stated = dict(ask(store, "SELECT ?g ?n { ?description a sd:NamedGraph ; sd:name ?g ; void:triples ?n }"))
    counted = dict(ask(store, "SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g"))
    assert stated == counted
    (whole,) = store.quads_for_pattern(DATASET, VOID("triples"), None, DefaultGraph())
    assert ask(store, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == [[whole.object.value]]  # type: ignore[union-attr]
    for kind, pattern in (("class", "?x a ?t"), ("property", "?x ?t ?y")):
        term = "entities" if kind == "class" else "triples"
        void = f"SELECT ?t ?n {{ ?d void:{kind}Partition ?p . ?p void:{kind} ?t ; void:{term} ?n }}"
        assert dict(ask(store, void)) == dict(ask(store, f"SELECT ?t (COUNT(*) AS ?n) {{ {pattern} }} GROUP BY ?t"))


def test_the_same_files_give_the_same_digest(copy: Sources, built: Built, tmp_path: Path) -> None:
    """Order of files, time of build and place of the folder do not matter."""
    path = copy.data / "sources" / "izmir-sister-cities.trig"
    path.rename(copy.data / "zzz.trig")
    releases = Releases(tmp_path / "releases")
    release, _ = build(copy, releases, Progress())
    assert release.manifest.digest == built[1].manifest.digest
    assert is_current(copy, releases) == release
    with (copy.data / "zzz.trig").open("a") as file:
        file.write("# a comment\n")
    assert is_current(copy, releases) is None


@pytest.mark.slow
def test_data_that_break_a_shape_change_nothing(copy: Sources, tmp_path: Path) -> None:
    """The report is raised, and no release is made."""
    with (copy.data / "curation.trig").open("a") as file:
        file.write(f"GRAPH {GRAPH('curation')} {{ <{ID('city/x').value}> a <{CG('City').value}> }}\n")
    releases = Releases(tmp_path / "releases")
    with pytest.raises(Violations) as raised:
        build(copy, releases, Progress())
    assert {result.shape.partition("#")[2] for result in raised.value.report.violations} >= {"RequiredLabel"}
    assert releases.history() == []


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("data/x.trig", "GRAPH <http://g> { <http://a> <http://b> }", r"data/x\.trig:1:"),
        ("data/x.trig", f"GRAPH {SOURCE('place-register')} {{ <a:a> <b:b> <c:c> }}", "one file owns a graph"),
        ("data/x.trig", f"GRAPH {GRAPH('derived')} {{ <a:a> <b:b> <c:c> }}", "made by the rules"),
        ("ontology/rules/99-x.rq", "SELECT * { ?s ?p ?o }", "must be a CONSTRUCT"),
        ("ontology/rules/99-x.rq", "CONSTRUCT {", r"rules/99-x\.rq"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_named(copy: Sources, tmp_path: Path, name: str, text: str, wrong: str) -> None:
    """What and where, for every kind of file; nothing is published."""
    (tmp_path / name).write_text(text)
    releases = Releases(tmp_path / "releases")
    with pytest.raises(BadData, match=wrong):
        build(copy, releases, Progress())
    assert releases.history() == []
    assert not list(releases.root.glob(".staging-*"))


def test_a_build_killed_at_any_moment_leaves_the_former_release(sources: Sources, tmp_path: Path) -> None:
    """kill -9 at random moments: the former release is served, and the next build works and sweeps."""
    former = build_small(tmp_path)
    releases = Releases(tmp_path / "releases")
    command = [sys.executable, "-m", "citygraph.cli", "--data", str(tmp_path / "data"),
               "--ontology", str(sources.ontology), "--releases", str(releases.root),
               "build", "--force", "-q"]  # fmt: skip
    chance = random.Random(2026)  # noqa: S311 - the same moments each time
    for _ in range(4):
        process = subprocess.Popen(command, start_new_session=True)
        time.sleep(chance.uniform(0.3, 2.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        current = releases.current()
        assert current.manifest.digest == former.manifest.digest
        assert len(current.open_store()) == former.manifest.quads + former.manifest.triples
    assert subprocess.run(command, check=False).returncode == 0
    # Whatever it has continued.
    assert releases.current().manifest.digest == former.manifest.digest
    assert not list(releases.root.glob(".staging-*"))


# Builds until it would wait for the validation, and no further.
_WAITING = """
import signal
from citygraph.build.validation import Validation
from citygraph.cli.main import main

Validation.report = lambda _: signal.pause()
main()
"""


def test_a_build_killed_while_it_validates_leaves_no_process(sources: Sources, tmp_path: Path) -> None:
    """(16 §5) The engines and the writer of the store end with the build itself, and the next build works."""
    build_small(tmp_path)
    releases = tmp_path / "releases"
    arguments = ["--data", str(tmp_path / "data"), "--ontology", str(sources.ontology),
                 "--releases", str(releases), "build", "--force", "-q"]  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", _WAITING, *arguments])
    engines: list[int] = []
    try:
        wait_for(lambda: engines_of(process.pid) != [])
        engines = engines_of(process.pid)
        # Stopped: it cannot end by itself.
        os.kill(engines[0], signal.SIGSTOP)
        process.kill()
        process.wait()
        wait_for(lambda: not is_running(engines[0]))
    finally:
        process.kill()
        for engine in engines:
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    assert subprocess.run(command, check=False).returncode == 0
    assert not list(releases.glob(".staging-*"))


def engines_of(number: int) -> list[int]:
    """Returns the processes that a build has started to validate, once they have loaded the engine."""
    return [child for child in descendants(number) if b"shifty" in maps(child)]


def test_every_named_graph_has_its_owner(izmir: Release) -> None:
    """The manifest says which file fills which graph."""
    store = izmir.open_store()
    made = {GRAPH(name).value for name in ("derived", "ontology", "shapes")}
    assert set(izmir.manifest.owners) == {g.value for g in store.named_graphs() if isinstance(g, NamedNode)} - made
