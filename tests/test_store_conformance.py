"""Stores against the release's own engines: the mix, the stored queries, and the W3C's tests of queries (18 §2)."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyoxigraph import BlankNode, Literal, QueryResultsFormat, QuerySolutions, parse_query_results

from bench import virtuoso
from bench.dataset import find_or_write
from bench.generator import World
from bench.mix import questions
from citygraph.errors import UsageError
from citygraph.release.releases import Release
from citygraph.settings import Settings
from citygraph.source.queries import load_queries
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.stores.literal_classes import canonical
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_queries import StoreQueries
from citygraph.stores.store_service import StoreAddresses, StoreService
from tests.stores import OXIGRAPH, oxigraph_server
from tests.test_w3c import HARNESS, REPOSITORY, run_harness, serving

pytestmark = [pytest.mark.operations, pytest.mark.timeout(1800)]

FAILURES = Path(__file__).parent / "w3c_store_failures.txt"
STORES = ("oxigraph", "virtuoso")


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreAddresses]:
    """An empty store."""
    with ExitStack() as stack:
        if request.param == "oxigraph":
            if not OXIGRAPH.exists():
                pytest.skip("the native oxigraph server is missing")
            yield stack.enter_context(oxigraph_server())[0]
        else:
            if reason := virtuoso.missing():
                pytest.skip(reason)
            yield stack.enter_context(virtuoso.store_server(tmp_path_factory.mktemp("virtuoso"), buffers=20_000))


def rows_of(body: bytes, format_: str) -> Counter[object]:
    """The rows of a result in canonical form, without an order."""
    if format_ == "nt":
        return Counter(body.splitlines())
    solutions = parse_query_results(body, QueryResultsFormat.JSON)
    if not isinstance(solutions, QuerySolutions):
        return Counter([bool(solutions)])
    return Counter(
        tuple(canonical([t])[0] if isinstance(t, Literal) else "_" if isinstance(t, BlankNode) else t for t in row)
        for row in solutions
    )


def answered(addresses: StoreAddresses, release: Release, texts: dict[str, str], base: str) -> set[str]:
    """Compares the answers of the store with those of the engine, and returns the names of the queries it answered."""
    StoreLoader(StoreService(addresses), base, grace=0.0).load(release)
    queries = StoreQueries(Settings(store=addresses.query, time_limit=120), StoreService(addresses))
    store, names = release.open_store(), set()
    for name, text in texts.items():
        query = Query(text, formats=("json", "nt"))
        plan = queries.plan(release, query)
        answer = queries.run(release, query, plan) if plan else None
        if answer is None:
            continue
        names.add(name)
        out = io.BytesIO()
        expected = evaluate(store, query)
        expected.write(out)
        body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        assert rows_of(body, answer.format.name) == rows_of(out.getvalue(), expected.format.name), name
    return names


def test_stored_queries_have_the_rows_of_the_engines(store: StoreAddresses, izmir: Release) -> None:
    """All whose functions a store has, on the İzmir graph."""
    texts = {
        f"{folder}/{name}": query.text
        for folder in ("queries", "queries/tables", "queries/quality")
        for name, query in load_queries(REPOSITORY / folder).items()
    }
    names = answered(store, izmir, texts, "urn:izmir")
    assert {"queries/quality/agreement-dates", "queries/quality/coordinates"} <= names


def test_the_mix_has_the_rows_of_the_engines(store: StoreAddresses, tmp_path: Path) -> None:
    """Counts and joins over a generated world, most of which the store answers."""
    release = find_or_write(tmp_path, World(300))
    texts = {question.title: question.texts[0] for question in questions(release.open_store(), 1)}
    names = answered(store, release, texts, "urn:mix")
    assert {"two hops", "count by country", "top countries", "agreements by year", "country matrix"} <= names


@pytest.mark.skipif(not HARNESS.is_file(), reason=f"no conformance harness at {HARNESS}")
def test_w3c_queries_fail_only_where_it_is_written(store: StoreAddresses, tmp_path: Path) -> None:
    """Beyond what fails with the engines too, the tests in w3c_store_failures.txt, each with its reason."""
    settings = {"CITYGRAPH_STORE": store.query, "CITYGRAPH_STORE_UPDATE": store.update}
    settings |= {"CITYGRAPH_STORE_USER": store.user, "CITYGRAPH_STORE_PASSWORD": store.password}
    settings |= {"CITYGRAPH_BOUNDED_QUERIES": "0", "CITYGRAPH_STORE_GRAPHS": store.graphs}
    with serving(tmp_path, "store", **settings) as server:
        load = "curl -sf --data-binary @{{files}} {url}/load"
        tests = run_harness(server, "query", load, tmp_path / "out.json")
    page = (REPOSITORY / "docs" / "sparql.md").read_text()
    listed = {line.partition(":")[0] for line in FAILURES.read_text().splitlines() if line and line[0] != "#"}
    failed = {test["test"]: test["note"] for test in tests if test["verdict"] == "fail"}
    assert len(tests) > 400
    assert not {name: note for name, note in failed.items() if f"`{name}`" not in page and name not in listed}


def test_what_virtuosos_bulk_loader_has_loaded_is_verified_and_answers(tmp_path: Path) -> None:
    """(18 §2) By the script beside the files, which makes the default graph; then as after a load by updates."""
    if reason := virtuoso.missing():
        pytest.skip(reason)
    release = find_or_write(tmp_path / "world", World(300, 1))
    files = tmp_path / "files"
    with virtuoso.bulk_store_server(tmp_path / "virtuoso", files, buffers=20_000) as server:
        service = StoreService(server.addresses)
        loader = StoreLoader(service, "https://example.org/", grace=0.0)
        record = loader.write(release, files, file_size=5000, with_default=False)
        with pytest.raises(UsageError, match="has 0 statements"):
            loader.adopt(files)
        server.load(files)
        service.update(f"INSERT DATA {{ GRAPH <{record.names.default_graph}> {{ <urn:s> <urn:p> 1 }} }}")
        with pytest.raises(UsageError, match="instead of"):
            loader.adopt(files)
        service.update(f"DELETE DATA {{ GRAPH <{record.names.default_graph}> {{ <urn:s> <urn:p> 1 }} }}")
        loaded = loader.adopt(files)
        assert loaded.predicates == ("http://www.opengis.net/ont/geosparql#asWKT",)
        texts = {question.title: question.texts[0] for question in questions(release.open_store(), 1)}
        # It is there already, so that it is not loaded again.
        assert len(answered(server.addresses, release, texts, "https://example.org/")) == 9
        loader.remove(release)
        assert service.rows("SELECT ?g { GRAPH ?g { ?s a <https://w3id.org/citygraph/ontology#City> } } LIMIT 1") == []
