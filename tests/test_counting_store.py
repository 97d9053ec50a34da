"""The second store that counts: what it refuses to answer, and its life in the engines of a release (16 §4)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, RdfFormat, Store

from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, Update
from citygraph.engine.engines import Engines
from citygraph.engine.host import HostProcess, start_host
from citygraph.errors import LimitReached
from citygraph.release.releases import Manifest, Releases
from citygraph.settings import Settings
from citygraph.sparql.counting_form import counting_query
from citygraph.sparql.counting_store import CountingStore, write_counting_store
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from tests.running import PATIENCE, wait_for

EX = "http://example.org/"
BY_OBJECT = f"SELECT ?b (COUNT(?a) AS ?n) {{ ?a <{EX}p> ?b }} GROUP BY ?b ORDER BY ?n ?b LIMIT 1"
COUNT = f"SELECT (COUNT(?a) AS ?n) {{ ?a <{EX}p> ?b }}"
# 300^4 rows.
HUGE = f"""SELECT ?a (COUNT(DISTINCT ?d) AS ?n) {{ ?a <{EX}p> ?x . ?b <{EX}p> ?x . ?c <{EX}p> ?x . ?d <{EX}p> ?x }}
    GROUP BY ?a"""


def written(data: str, folder: Path) -> CountingStore:
    """The counting store of some data in Turtle."""
    store = Store()
    store.load(data.encode(), RdfFormat.TURTLE, base_iri=EX)
    write_counting_store(store, folder)
    return CountingStore(folder)


def test_only_iris_are_sorted(tmp_path: Path) -> None:
    """The order of other terms differs between the two stores (16 §4)."""
    query = counting_query(BY_OBJECT)
    assert query is not None
    (tmp_path / "iris").mkdir()
    (tmp_path / "literals").mkdir()
    answer = written("<a> <p> <x>, <y> . <b> <p> <y> .", tmp_path / "iris").answer(query)
    assert answer is not None
    assert [[term.value for term in row] for row in answer] == [[EX + "x", "1"]]
    assert written("<a> <p> <x>, <y>, 'z' .", tmp_path / "literals").answer(query) is None


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv", "sheet", "md", "parquet"])
def test_every_format_has_the_bytes_of_the_main_store(tmp_path: Path, name: str) -> None:
    """Whichever store evaluates (16 §4)."""
    store = Store()
    store.load(b"<a> <p> 1.50, 'z' . <b> <p> <x> ; <q> <y> .", RdfFormat.TURTLE, base_iri=EX)
    write_counting_store(store, tmp_path)
    query = counting_query(text := f"SELECT ?a (COUNT(?b) AS ?n) {{ ?a <{EX}p> ?b }} GROUP BY ?a ORDER BY ?a")
    assert query is not None
    answer = CountingStore(tmp_path).answer(query)
    assert answer is not None
    bodies = []
    for count in (None, lambda _: answer):
        out = BytesIO()
        evaluate(store, Query(text, formats=(name,)), count=count).write(out)
        bodies.append(out.getvalue())
    assert bodies[0] == bodies[1]


def test_blank_nodes_are_not_returned(tmp_path: Path) -> None:
    """Their labels are those of a store (16 §4)."""
    query = counting_query(f"SELECT ?b (COUNT(?a) AS ?n) {{ ?a <{EX}p> ?b }} GROUP BY ?b")
    assert query is not None
    assert written("<a> <p> _:x .", tmp_path).answer(query) is None


def test_a_query_that_the_library_does_not_evaluate_is_left_to_the_main_store(tmp_path: Path) -> None:
    """Whether it refuses the query or breaks (16 §4)."""
    query = counting_query(COUNT)
    assert query is not None
    store = written("<a> <p> <x> .", tmp_path)
    assert store.answer(query) is not None
    assert store.answer(query._replace(text="SELECT")) is None


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """Engines of a release of three hundred triples, for which a counting store is kept."""
    releases = Releases(tmp_path_factory.mktemp("counting") / "releases")
    with releases.stage() as staged:
        triples = [(NamedNode(f"{EX}{n}"), NamedNode(EX + "p"), NamedNode(EX + "x")) for n in range(300)]
        staged.open().extend([Quad(*triple) for triple in triples])
        staged.open().extend([Quad(*triple, NamedNode(EX + "g")) for triple in triples])
        staged.publish(Manifest(digest="0" * 64, quads=600, triples=300, graphs={EX + "g": 300}))
    settings = Settings(
        releases=releases.root, counting_triples=300, open_writes=True, engines=1, workers=1, queue_wait=PATIENCE
    )
    with start_host(settings.with_changes(store_mode="memory")) as host:
        yield host


def stores(host: HostProcess) -> list[str]:
    """The releases that have a counting store."""
    return [path.name.removesuffix(".counting") for path in Path(host.socket).parent.glob("*.counting")]


def number(engines: Engines, release: str, text: str = COUNT) -> int:
    """The number in the last cell of the first row."""
    body = engines.run(release, Query(text, formats=("csv",))).body
    assert isinstance(body, bytes)
    return int(body.split()[1].rpartition(b",")[2])


def test_engines_count_by_it_within_a_part_of_the_limits_and_drop_it_after_a_commit(host: HostProcess) -> None:
    """A query that it does not finish in time goes to the main store; a new release is never counted by an old store.

    (16 §4)
    """
    release = Releases(host.settings.releases).current().id
    with Engines(host.settings) as engines:
        assert number(engines, release) == 300
        wait_for(lambda: stores(host) == [release])
        # The engines are replaced within a tick of their supervisor.
        wait_for(lambda: engines.figures()[release]["started"] > 1)
        assert number(engines, release) == 300
        assert number(engines, release, BY_OBJECT) == 300
        with pytest.raises(LimitReached) as error:
            engines.run(release, Query(HUGE, time_limit=3.0))
        assert error.value.kind == "time"
        figures = engines.figures()[release]
        assert (figures["counting"], figures["time"]) == (1, 1)
        assert number(engines, release) == 300
        change = Change(Update(f"INSERT DATA {{ <{EX}new> <{EX}p> <{EX}x> }}"))
        outcome = commit_here([change], host.settings)[0]
        assert isinstance(outcome, Commit), repr(outcome)
        assert number(engines, outcome.release) == 301
        wait_for(lambda: release not in stores(host))
