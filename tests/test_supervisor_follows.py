"""Engines in memory go on to a new release by what changed, not by loading it."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.engine import wire
from citygraph.engine.engines import Answer, Engines
from citygraph.engine.host import start_host
from citygraph.engine.loading import have_graphs
from citygraph.rdf.nquads import PATCH, apply_patch
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query
from tests.committing import committed
from tests.running import PATIENCE

EX = "http://example.org/"
COUNT = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
SLOW = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } GRAPH ?h { ?a ?b ?c } GRAPH ?i { ?d ?e ?f } }"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server that is open for writing, over a hundred statements."""
    with Releases(tmp_path / "releases").stage() as staged:
        quads = [Quad(NamedNode(f"{EX}{n}"), NamedNode(EX + "p"), Literal(n), NamedNode(EX + "g")) for n in range(100)]
        staged.open().extend(quads)
        staged.open().extend(Quad(q.subject, q.predicate, q.object) for q in quads)
        staged.publish(Manifest(digest="0" * 64, quads=100, triples=100, graphs={EX + "g": 100}))
    return Settings(
        releases=tmp_path / "releases", open_writes=True, engines=2, queue_wait=PATIENCE, time_limit=PATIENCE
    )


def commit(settings: Settings, text: str) -> Release:
    """The release that an update makes."""
    outcome = commit_here([Change(Update(text))], settings)[0]
    assert isinstance(outcome, Commit), repr(outcome)
    return Releases(settings.releases).get(outcome.release)


def rows(answer: Answer) -> int:
    """The number in the only cell of an answer."""
    return int(bytes(answer.body).split()[1])  # type: ignore[arg-type]


def ask(engines: Engines, release: Release, text: str = COUNT) -> int:
    return rows(engines.run(release.id, Query(text, formats=("csv",))))


def held(settings: Settings) -> dict[str, list[str]]:
    """The control sockets of each release that is open: a supervisor keeps its own."""
    opened = wire.consult(settings.engine_socket, {"list": True}, PATIENCE)["open"]
    return {release: [supervisor["control"] for supervisor in supervisors] for release, supervisors in opened.items()}


def test_the_store_in_memory_is_the_one_on_disk(izmir: Release, consequences: Followup, tmp_path: Path) -> None:
    """Quad by quad: named graphs, what the rules derive, the description, the default graph; after each commit."""
    releases = Releases(tmp_path / "releases")
    with releases.stage(copy_of=izmir) as staged:
        staged.publish(replace(izmir.manifest, parent=None))
    settings = Settings(releases=releases.root)
    memory = Store()
    memory.bulk_extend(releases.current().open_store())
    for text in (
        """INSERT DATA { GRAPH graph:notes { city:izmir rdfs:comment "one"@en .
            agreement:izmir-baku cg:protocolDate "1999-01-01"^^xsd:date }
            GRAPH graph:more { city:izmir rdfs:comment "x"@en } }""",
        'DELETE DATA { GRAPH graph:notes { city:izmir rdfs:comment "one"@en } }',
        "DROP GRAPH graph:more ; CREATE GRAPH graph:empty",
    ):
        outcome = committed([Change(Update(text))], settings, consequences)[0]
        assert isinstance(outcome, Commit), repr(outcome)
        release = releases.get(outcome.release)
        apply_patch(release.path, memory)
        have_graphs(memory, release.path)
        assert set(memory) == set(release.open_store())
        assert set(memory.named_graphs()) == set(release.open_store().named_graphs())


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_a_new_release_is_answered_for_within_a_second(settings: Settings, mode: str) -> None:
    """By engines that a client need not know of, in both modes; and the release before is still there for a while."""
    first = Releases(settings.releases).current()
    with start_host(settings.with_changes(store_mode=mode)) as host, Engines(host.settings) as engines:
        assert ask(engines, first) == 100
        supervisors = held(host.settings)[first.id]
        second = commit(settings, f"INSERT DATA {{ GRAPH <{EX}g> {{ <{EX}a> <{EX}p> 1 , 2 }} }}")
        assert ask(engines, second) == 102
        assert ask(engines, first) == 100
        if mode == "memory":
            # No process was started for it, which would take a second.
            assert held(host.settings)[second.id] == supervisors


def test_releases_that_nobody_asked_for_are_passed_through(settings: Settings) -> None:
    """A chain of commits is followed to its end; another release than the current one is not gone on to."""
    first = Releases(settings.releases).current()
    with start_host(settings.with_changes(store_mode="memory")) as host, Engines(host.settings) as engines:
        assert ask(engines, first) == 100
        supervisors = held(host.settings)[first.id]
        chain = [commit(settings, f"INSERT DATA {{ <{EX}a> <{EX}p> {n} . GRAPH <{EX}g{n}> {{ <{EX}a> <{EX}p> {n} }} }}")
                 for n in range(3)]  # fmt: skip
        assert ask(engines, chain[-1]) == 103
        assert held(host.settings)[chain[-1].id] == supervisors
        assert ask(engines, chain[-1], "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == 103
        assert ask(engines, chain[0]) == 101
        assert held(host.settings)[chain[0].id] != supervisors


def test_a_query_ends_on_the_release_it_began_on(settings: Settings) -> None:
    """Though the engines move on meanwhile, and a release without a patch is loaded as ever."""
    first = Releases(settings.releases).current()
    with start_host(settings.with_changes(store_mode="memory")) as host, Engines(host.settings) as engines:
        assert ask(engines, first) == 100
        found: list[int] = []
        slow = threading.Thread(target=lambda: found.append(ask(engines, first, SLOW)))
        slow.start()
        second = commit(settings, f"INSERT DATA {{ GRAPH <{EX}g> {{ <{EX}a> <{EX}p> 1 }} }}")
        assert ask(engines, second) == 101
        slow.join()
        assert found == [100**3]
        (second.path / PATCH).unlink()
        third = commit(settings, f"DELETE WHERE {{ GRAPH <{EX}g> {{ <{EX}a> ?p ?o }} }}")
        assert ask(engines, third) == 100


def test_the_default_graph_of_an_open_server_follows(settings: Settings) -> None:
    """Where it is a graph as any other."""
    store = Store()
    store.bulk_extend(Releases(settings.releases).current().open_store())
    release = commit(settings, f"INSERT DATA {{ <{EX}a> <{EX}p> 1 }}")
    apply_patch(release.path, store)
    assert Quad(NamedNode(EX + "a"), NamedNode(EX + "p"), Literal(1), DefaultGraph()) in store
    assert set(store) == set(release.open_store())
