"""A SPARQL store behind the publisher: rows and limits of the release's own engines (18 §2)."""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from pyoxigraph import Literal, NamedNode, Quad

from citygraph.engine.client_watch import ClientGone, ClientWatch, watched
from citygraph.engine.engines import Answer
from citygraph.errors import UsageError
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.stores.inspection import Inspection, inspect
from citygraph.stores.keeping import StoreKeeper
from citygraph.stores.store_loading import LoadingStopped, StoreLoader
from citygraph.stores.store_queries import StoreQueries
from citygraph.stores.store_service import StoreAddresses, StoreService
from citygraph.stores.store_state import LoadedRelease, loaded_releases, mark_loaded, unmark
from citygraph.web import create_app
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.negotiation import accepted_formats
from citygraph.web.http.rate_limiter import RateLimiter
from citygraph.web.sparql.results import QueryRequest, Results
from tests.running import PATIENCE, free_port, wait_for
from tests.stores import needs_oxigraph, oxigraph_server, proxy_of
from tests.world import publish, small_world

pytestmark = needs_oxigraph

BASE = "https://w3id.org/citygraph/"
QUERIES = {
    "a star": "SELECT * { ?s cg:party ?o }",
    "the default graph is a merge": "SELECT (COUNT(*) AS ?n) { agreement:izmir-baku ?p ?o }",
    "sources of a statement": "SELECT ?g { GRAPH ?g { city:izmir a cg:City } }",
    "sources joined with what is said of them": "SELECT ?g ?l { GRAPH ?g { city:izmir a cg:City } ?g rdfs:label ?l }",
    "one source": "SELECT ?o { GRAPH source:page { agreement:izmir-bremen ?p ?o } }",
    "a source that is not there": "SELECT ?o { GRAPH source:nowhere { ?s ?p ?o } }",
    "optional": "SELECT ?a ?d { ?a a cg:SisterCityAgreement OPTIONAL { ?a cg:protocolDate ?d } }",
    "not stated in a graph": "SELECT ?s { ?s a cg:City FILTER NOT EXISTS { GRAPH source:news { ?s a cg:City } } }",
    "a path": "SELECT ?l { city:izmir cg:twinnedWith/rdfs:label ?l }",
    "count by class": "SELECT ?c (COUNT(DISTINCT ?s) AS ?n) { ?s a ?c } GROUP BY ?c ORDER BY DESC(?n) ?c",
    "a partial date": 'SELECT ?s { ?s cg:foundingDate "1991-09"^^xsd:gYearMonth }',
    "languages": 'SELECT ?l { ?s rdfs:label ?l FILTER(LANG(?l) = "tr") }',
    "true": "ASK { city:izmir cg:twinnedWith city:baku }",
    "false": "ASK { city:izmir cg:twinnedWith city:izmir }",
    "a graph": "CONSTRUCT { ?a cg:party ?b ; a cg:Agreement } WHERE { ?a cg:party ?b OPTIONAL { ?a cg:none ?c } }",
    "a graph with new nodes": "CONSTRUCT { [] cg:party ?b } WHERE { ?a cg:party ?b }",
    "no rows": "SELECT ?s { ?s cg:none ?o }",
}


@dataclass
class Engines:
    """What engines do, in this process; `asked` are the queries that came to them."""

    releases: Releases
    asked: list[Query] = field(default_factory=list)

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query."""
        del client, federated
        self.asked.append(query)
        out = io.BytesIO()
        result = evaluate(self.releases.get(release_id).open_store(), query)
        rows = result.write(out)
        return Answer(result.format, out.getvalue(), 0.001, rows, release_id)


class Site:
    """A site in this process; without `bounded_queries`, so that the store gets lookups too."""

    def __init__(self, releases: Path, **values: Any) -> None:
        self.engines = Engines(Releases(releases))
        settings = Settings(releases=releases, bounded_queries=False, **values)
        self._client = create_app(settings, self.engines.releases, self.engines).test_client()

    def get(self, query: str, **parameters: str) -> Any:
        """The reply to a query."""
        return self._client.get("/sparql?" + urlencode({"query": query, "format": "json", **parameters}))

    def document(self) -> int:
        """The status of a document."""
        return self._client.get("/doc/city/izmir.ttl").status_code


@dataclass(frozen=True)
class Store:
    """A store that has a release, and the inspection of it."""

    addresses: StoreAddresses
    release: Release
    inspection: Inspection

    @property
    def root(self) -> Path:
        return self.release.path.parent

    def loader(self, base: str = BASE) -> StoreLoader:
        return StoreLoader(StoreService(self.addresses), base, grace=0.0, inspection=self.inspection)

    def site(self, **values: Any) -> Site:
        return Site(self.root, **{"store": self.addresses.query, **values})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Native oxigraph with the small world, and a graph of somebody else."""
    release = publish(small_world(), tmp_path_factory.mktemp("store") / "releases", derived=False)
    with oxigraph_server() as (addresses, _):
        service = StoreService(addresses)
        service.update("INSERT DATA { GRAPH <urn:other> { <urn:secret> a <urn:other-class> } <urn:secret> <urn:p> 1 }")
        loaded = Store(addresses, release, inspect(service, matches=8))
        loaded.loader().load(release)
        yield loaded


def canonical(reply: Any) -> object:
    """The content of a JSON result or of N-Triples, without an order and without labels of new nodes."""
    assert reply.status_code == 200, reply.data
    if reply.content_type.startswith("application/n-triples"):
        return Counter(line[line.index(" ") :] if line.startswith("_") else line for line in reply.text.splitlines())
    result = json.loads(reply.data)
    rows = Counter(json.dumps(row, sort_keys=True) for row in result.get("results", {}).get("bindings", []))
    return result.get("boolean"), result["head"].get("vars"), rows


@pytest.mark.parametrize("name", QUERIES)
def test_the_store_gives_the_rows_of_the_engines(store: Store, name: str) -> None:
    """Without engines, and without a trace of the names in the store or of its other graphs."""
    format_ = "nt" if "CONSTRUCT" in QUERIES[name] else "json"
    with_store, without = store.site(), store.site(store="")
    reply = with_store.get(QUERIES[name], format=format_)
    assert canonical(reply) == canonical(without.get(QUERIES[name], format=format_))
    assert not with_store.engines.asked
    assert "x-citygraph" not in reply.text.lower()


@pytest.mark.parametrize("format_", ["xml", "csv", "tsv", "sheet", "md", "xlsx"])
def test_results_are_written_by_our_own_writers(store: Store, format_: str) -> None:
    """Byte by byte as by the engines, except for what differs at each writing of a workbook."""
    query = "SELECT ?s ?l { ?s rdfs:label ?l } ORDER BY ?l ?s"
    replies = [site.get(query, format=format_) for site in (store.site(), store.site(store=""))]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].headers["X-Citygraph-Rows"] == replies[1].headers["X-Citygraph-Rows"]
    if format_ != "xlsx":
        assert replies[0].data == replies[1].data


def test_what_the_store_has_not_in_common_is_answered_by_the_release(store: Store) -> None:
    """Our functions, descriptions, several default graphs, and parts of SPARQL that the store evaluates differently."""
    site = store.site()
    queries = (
        "SELECT (cg:fold('İ') AS ?x) {}",
        "DESCRIBE city:izmir",
        "SELECT ?s FROM source:page FROM source:news { ?s a cg:City }",
        "SELECT ?s { ?s a|rdfs:label ?o }",
    )
    for query in queries:
        assert site.get(query, format="nt" if "DESCRIBE" in query else "json").status_code == 200
    assert len(site.engines.asked) == len(queries)


def test_errors_and_limits_are_ours(store: Store) -> None:
    """A faulty text has its place, a large result its limit, and a result is cached and validated as ever."""
    error = store.site().get("SELECT ?s { ?s ?p").json
    assert (error["type"].rpartition("/")[2], error["line"]) == ("syntax-error", 1)
    assert store.site(result_limit=100).get("SELECT * { ?s ?p ?o }").json["limit"] == 100
    with proxy_of(store.addresses.query) as proxy:
        site = store.site(store=proxy.address)
        first = site.get("SELECT ?s { ?s a cg:City }")
        asked = len(proxy.asked)
        assert site.get("SELECT ?s { ?s a cg:City }").data == first.data
        assert len(proxy.asked) == asked
        tag = first.headers["ETag"]
        assert tag
        large = store.site(hold_limit=100).get("SELECT * { ?s ?p ?o }")
        assert int(large.headers["Content-Length"]) == len(large.data) > 100
        large.close()


def test_a_query_over_its_time_is_cut_off(store: Store) -> None:
    """The connection to the store is closed, and the client gets our own error."""
    with proxy_of(store.addresses.query) as proxy:
        site = store.site(store=proxy.address, time_limit=20.0)
        assert site.get("SELECT ?s { ?s a cg:City }").status_code == 200
        proxy.delay = 120.0
        begun = time.monotonic()
        reply = site.get("SELECT ?s { ?s a cg:Country }", timeout="0.3")
        assert time.monotonic() - begun < proxy.delay / 2
    assert (reply.status_code, reply.json["type"].rpartition("/")[2]) == (503, "time-limit")


def test_without_the_store_queries_get_503_and_documents_are_served(tmp_path: Path, store: Store) -> None:
    """With `store_fallback` the release's engines answer."""
    with oxigraph_server() as (addresses, process):
        copy = replace(store, addresses=addresses)
        copy.loader().load(store.release)
        site, other = copy.site(), copy.site(store_fallback=True)
        assert site.get("ASK { ?s a cg:City }").json["boolean"] is True
        process.kill()
        process.wait()
        reply = site.get("ASK { ?s a cg:Agreement }")
        assert (reply.status_code, reply.json["type"].rpartition("/")[2]) == (503, "store-unavailable")
        assert int(reply.headers["Retry-After"]) > 0
        assert site.document() == 200
        assert other.get("ASK { ?s a cg:SisterCityAgreement }").json["boolean"] is True
        assert len(other.engines.asked) == 1
    del tmp_path


def test_lookups_need_no_store(store: Store) -> None:
    """What the web process evaluates itself is answered although the store does not respond."""

    class Bounded:
        """Evaluates all queries, as BoundedQueries does those that the statistics of a release bound."""

        def is_bounded(self, *_: object) -> bool:
            return True

        def run(self, release: Release, query: Query, *_: object) -> Answer:
            return Engines(Releases(store.root)).run(release.id, query)

    closed = f"http://127.0.0.1:{free_port()}/"
    settings = Settings(store=closed)
    results = Results(
        settings,
        Engines(Releases(store.root)),
        RateLimiter(settings, time.monotonic),
        Metrics(),
        cast(Any, Bounded()),
        StoreQueries(settings),
    )
    query = Query("ASK { city:izmir a cg:City }", formats=("json",))
    accepted = accepted_formats("", None)
    assert results.answer(QueryRequest(store.release, query, accepted)).status == 200


def test_a_result_that_the_store_cuts_is_answered_by_the_release(store: Store) -> None:
    """By the number of rows at which the store was found to cut."""
    service = StoreService(store.addresses)
    loaded = loaded_releases(service)[0]
    unmark(service, loaded.names)
    try:
        mark_loaded(service, replace(loaded, row_limit=4))
        site = store.site()
        assert len(site.get("SELECT ?s { ?s a cg:City }").json["results"]["bindings"]) == 3
        assert not site.engines.asked
        reply = site.get("SELECT ?s { ?s a ?c } ORDER BY ?s")
        assert len(reply.json["results"]["bindings"]) > 4
        assert len(site.engines.asked) == 1
        assert "ETag" not in reply.headers
    finally:
        unmark(service, loaded.names)
        mark_loaded(service, loaded)


def test_what_a_store_marks_as_incomplete_is_never_a_result(store: Store) -> None:
    """Virtuoso's partial results have status 200: over its time they are an error, cut ones come from the release."""
    with proxy_of(store.addresses.query) as proxy:
        site = store.site(store=proxy.address)
        assert site.get("SELECT ?s { ?s a cg:City }").status_code == 200
        proxy.headers = {"X-SPARQL-MaxRows": "1048576"}
        assert len(site.get("SELECT ?s { ?s a cg:Country }").json["results"]["bindings"]) == 3
        assert len(site.engines.asked) == 1
        proxy.headers = {"X-SQL-State": "S1TAT"}
        reply = site.get("SELECT (COUNT(*) AS ?n) { ?s a cg:City }")
        assert (reply.status_code, reply.json["type"].rpartition("/")[2]) == (503, "time-limit")


@pytest.mark.parametrize(
    ("status", "change"),
    [(500, bytes), (400, bytes), (200, lambda body: body[:-20]), (200, lambda _: b"<html>busy</html>")],
    ids=["failed", "refused", "broken off", "no result"],
)
def test_a_store_that_fails_on_a_query_is_no_reason_for_an_error(store: Store, status: int, change: Any) -> None:
    """The engines of the release answer, or say what is wrong with the text."""
    with proxy_of(store.addresses.query) as proxy:
        site = store.site(store=proxy.address)
        assert site.get("SELECT ?s { ?s a cg:City }").status_code == 200
        proxy.status, proxy.change = status, change
        assert len(site.get("SELECT ?s { ?s a cg:Country }").json["results"]["bindings"]) == 3
        assert len(site.engines.asked) == 1


def test_a_query_whose_client_has_left_is_ended(store: Store) -> None:
    """The connection to the store is closed from the thread that learns of it."""
    with proxy_of(store.addresses.query) as proxy:
        service, watch = StoreService(replace(store.addresses, query=proxy.address)), ClientWatch()
        proxy.delay = 120.0
        threading.Timer(0.3, lambda: [end() for end in watch.leave()]).start()
        begun = time.monotonic()
        with watched(watch), pytest.raises(ClientGone), service.select("SELECT (1 AS ?x) {}", 100.0) as result:
            result.read()
        assert time.monotonic() - begun < proxy.delay / 2


def damages_months(body: bytes) -> bytes:
    """Changes what a store says about literals of one datatype."""
    return re.sub(rb'"(\d{4}-\d\d)","datatype":"([^"]*gYearMonth)"', rb'"\1-01","datatype":"\2"', body)


def test_literals_that_a_store_damages_are_read_from_the_release(store: Store) -> None:
    """The canary finds the class of literals; queries that read its predicates, or any, go to the engines."""
    with oxigraph_server() as (addresses, _), proxy_of(addresses.query) as proxy:
        proxy.change = damages_months
        damaging = replace(addresses, query=proxy.address)
        inspection = inspect(StoreService(damaging), matches=8)
        assert inspection.classes == ("gYearMonth",)
        copy = replace(store, addresses=damaging, inspection=inspection)
        copy.loader().load(store.release)
        site = copy.site()
        dates = site.get("SELECT ?d { ?s cg:foundingDate ?d }").json["results"]["bindings"]
        assert [row["d"]["value"] for row in dates] == ["1991-09"]
        any_value = site.get("SELECT ?o { city:baku ?p ?o }").json["results"]["bindings"]
        assert "1991-09" in {row["o"]["value"] for row in any_value}
        assert len(site.engines.asked) == 2
        assert site.get("SELECT ?s { ?s a cg:City }").status_code == 200
        assert len(site.engines.asked) == 2


def test_a_store_that_changes_ordinary_text_is_refused(store: Store) -> None:
    """It cannot be a copy of a release."""
    with oxigraph_server() as (addresses, _), proxy_of(addresses.query) as proxy:
        proxy.change = lambda body: body.replace("İ".encode(), b"I")
        with pytest.raises(UsageError, match="changes ordinary text"):
            inspect(StoreService(replace(addresses, query=proxy.address)), matches=8)
    del store


def test_a_broken_load_goes_on_and_earlier_releases_are_removed(store: Store, tmp_path: Path) -> None:
    """By the last whole chunk; by updates, because the store may have no other way."""
    with oxigraph_server() as (addresses, _):
        service = StoreService(replace(addresses, graphs=""))
        stopping = threading.Event()
        loader = StoreLoader(service, BASE, grace=0.0, stopping=stopping, inspection=store.inspection)
        loader._size = 10
        added: list[str] = []
        add = service.add

        def counting(graph: str, lines: bytes) -> None:
            added.append(graph)
            add(graph, lines)
            if len(added) == 5:
                stopping.set()

        service.add = counting  # type: ignore[method-assign]
        with pytest.raises(LoadingStopped):
            loader.load(store.release)
        assert loaded_releases(service) == []
        stopping.clear()
        loaded = loader.load(store.release)
        whole = sum(-(-count // 10) for count in _counts(store.release))
        # A last chunk is not whole: that of the list of graphs is added again, which changes nothing.
        assert len(added) == whole + 1
        other = publish(small_world()[:40], tmp_path / "releases", derived=False)
        loader.load(other)
        assert [one.digest for one in loaded_releases(service)] == [other.manifest.digest]
        rows = service.rows("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")
        assert not [row for row in rows if row["g"]["value"].startswith(loaded.names.prefix)]


def _counts(release: Release) -> list[int]:
    """How many statements each graph of a release has in a store, with the list of graphs."""
    graphs = release.manifest.graphs
    return [len(graphs) + 1, release.manifest.triples, *graphs.values()]


def test_a_load_that_lost_statements_is_not_used(store: Store, tmp_path: Path) -> None:
    """The counts of each graph are compared before the switch."""
    release = publish(small_world()[:50], tmp_path / "releases", derived=False)
    with oxigraph_server() as (addresses, _):
        service = StoreService(addresses)
        add = service.add
        service.add = lambda graph, lines: add(graph, lines.rpartition(b"\n<")[0] + b"\n")  # type: ignore[method-assign]
        loader = StoreLoader(service, BASE, grace=0.0, inspection=store.inspection)
        with pytest.raises(UsageError, match="instead of"):
            loader.load(release)
        assert loaded_releases(service) == []


def load_files(addresses: StoreAddresses, folder: Path, pattern: str = "*.nq.gz") -> None:
    """Does what the store's own bulk loader does with the files of a folder."""
    for path in sorted(folder.glob(pattern)):
        lines = gzip.decompress(path.read_bytes())
        headers = {"Content-Type": "application/n-quads"}
        urllib.request.urlopen(urllib.request.Request(addresses.graphs, lines, headers), timeout=PATIENCE).close()


def test_a_release_that_a_bulk_loader_has_loaded_is_verified_and_switched_to(store: Store, tmp_path: Path) -> None:
    """(18 §2) Parts of bounded size; what was lost is noticed; then it answers as a release that was sent."""
    folder = tmp_path / "files"
    record = store.loader().write(store.release, folder, file_size=50)
    assert sorted(record.counts.values()) == sorted(_counts(store.release))
    assert len(list(folder.glob("graphs-*.nq.gz"))) == -(
        -(sum(_counts(store.release)) - store.release.manifest.triples) // 50
    )
    with pytest.raises(UsageError, match="is not empty"):
        store.loader().write(store.release, folder)
    assert store.loader().write(store.release, tmp_path / "less", with_default=False) == record
    assert not list((tmp_path / "less").glob("default*"))
    with oxigraph_server() as (addresses, _):
        copy = replace(store, addresses=addresses)
        service = StoreService(addresses)
        with pytest.raises(UsageError, match="and not of https"):
            copy.loader("https://example.org/").adopt(folder)
        for lost in ("graphs-00002", "default-00001"):
            (folder / f"{lost}.nq.gz").rename(folder / lost)
        load_files(addresses, folder)
        for lost in ("graphs-00002", "default-00001"):
            with pytest.raises(UsageError, match=r"has \d+ statements in <.*> instead of"):
                copy.loader().adopt(folder)
            assert loaded_releases(service) == []
            (folder / lost).rename(folder / f"{lost}.nq.gz")
            load_files(addresses, folder, f"{lost}.nq.gz")
        assert copy.loader().adopt(folder) == copy.loader().load(store.release) == loaded_releases(service)[0]
        for name in ("the default graph is a merge", "sources of a statement", "a partial date"):
            expected = store.site().get(QUERIES[name])
            assert canonical(copy.site().get(QUERIES[name])) == canonical(expected)


def test_literals_that_a_bulk_loader_damages_are_read_from_the_release(store: Store, tmp_path: Path) -> None:
    """(18 §2) Its test literals were loaded with the rest."""
    folder = tmp_path / "files"
    names = store.loader().write(store.release, folder).names
    with oxigraph_server() as (addresses, _):
        service = StoreService(addresses)
        load_files(addresses, folder)
        months = f"DELETE {{ GRAPH ?g {{ ?s ?p ?o }} }} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g = <{names.canary}> "
        service.update(months + "&& DATATYPE(?o) = <http://www.w3.org/2001/XMLSchema#gYearMonth>) }")
        copy = replace(store, addresses=addresses)
        copy.loader().adopt(folder)
        site = copy.site()
        for name, asked in (("languages", 0), ("a partial date", 1)):
            assert canonical(site.get(QUERIES[name]))
            assert len(site.engines.asked) == asked
        copy.loader().remove(store.release)
        load_files(addresses, folder, "[dg]*.nq.gz")
        with pytest.raises(UsageError, match="changes ordinary text"):
            copy.loader().adopt(folder)


def numbered(number: int) -> list[Quad]:
    """A release in which two statements have one number."""
    ends = [NamedNode(f"{BASE}id/city/{name}") for name in ("first", "second")]
    value, graph = NamedNode(f"{BASE}ontology#value"), NamedNode(f"{BASE}source/page")
    quads = [Quad(end, value, Literal(number)) for end in ends]
    return [*quads, *(Quad(quad.subject, quad.predicate, quad.object, graph) for quad in quads)]


def test_queries_never_mix_releases_while_others_are_published(store: Store, tmp_path: Path) -> None:
    """Every answer has the numbers of the release that it names, whether the store or the engines gave it."""
    root = tmp_path / "releases"
    first = publish(numbered(0), root, derived=False).id
    numbers = {first: "0"}
    with oxigraph_server() as (addresses, _):
        stopping = threading.Event()
        # The loader inspects anew for each release in production; here it has been done.
        loader = StoreLoader(StoreService(addresses), BASE, grace=0.0, inspection=store.inspection)
        site = Site(root, store=addresses.query)
        answers: list[tuple[str, str, str]] = []
        faults: list[object] = []

        def ask() -> None:
            number = 0
            while not stopping.is_set():
                number += 1
                reply = site.get(
                    f"SELECT ?n ?m {{ city:first cg:value ?n GRAPH ?g {{ city:second cg:value ?m }} }} #{number}"
                )
                if reply.status_code != 200:
                    faults.append(reply.data)
                    continue
                rows = reply.json["results"]["bindings"]
                if len(rows) != 1:
                    faults.append(rows)
                    continue
                answers.append((reply.headers["X-Citygraph-Release"], rows[0]["n"]["value"], rows[0]["m"]["value"]))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            for number in range(1, 5):
                release = publish(numbered(number), root, derived=False)
                numbers[release.id] = str(number)
                loader.load(release)
                wait_for(lambda: bool(faults) or any(name == release.id for name, _, _ in answers))  # noqa: B023
        finally:
            stopping.set()
            thread.join()
    assert not faults
    assert numbers.keys() - {release for release, _, _ in answers} <= {first}
    assert all(n == m == numbers[release] for release, n, m in answers)


def test_the_server_loads_what_is_published(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Also after the store was not there, and it ends when the server does."""
    with oxigraph_server() as (addresses, process):
        process.kill()
        process.wait()
        settings = Settings(releases=store.root, store=addresses.query, store_update=addresses.update)
        with ThreadPoolExecutor() as pool, StoreKeeper(settings, pool, 0.2):
            wait_for(lambda: "the store cannot be loaded" in caplog.text)
            port = int(addresses.query.rpartition(":")[2].partition("/")[0])
            with oxigraph_server(port) as (again, _):
                service = StoreService(again)
                wait_for(lambda: bool(loaded_releases(service)))
                loaded = loaded_releases(service)
    assert [one.digest for one in loaded] == [store.release.manifest.digest]


def test_the_record_of_a_release_is_read_as_it_was_written(store: Store) -> None:
    """All servers that share a store read it."""
    service = StoreService(store.addresses)
    entry = LoadedRelease("f" * 64, "name", 'https://example.org/"x\\', 7, (("A", "B"), ("C",)), ("urn:p",))
    mark_loaded(service, entry)
    assert entry in loaded_releases(service)
    unmark(service, entry.names)
    assert entry not in loaded_releases(service)


def test_the_address_of_a_store_is_one_of_the_web() -> None:
    """No file is read as a store."""
    with pytest.raises(UsageError, match="must be an address"):
        StoreAddresses("file:///etc/passwd")
