"""The Python client: whole results or errors, through faults of every kind; and a release without a server."""

from __future__ import annotations

import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import citygraph
from citygraph.client import (
    IRI,
    Graph,
    GraphEntity,
    GraphError,
    IncompleteResult,
    LimitExceeded,
    NotInGraph,
    PartialDate,
    RequestRejected,
    ResultTable,
    RetryPolicy,
    ServerFailure,
    TransferState,
    Unavailable,
)
from citygraph.client.web_exchange import HttpTransport, user_agent
from citygraph.engine.engines import Engines
from citygraph.engine.process import servers
from citygraph.release.releases import Release
from citygraph.settings import Settings
from tests.faulty_proxy import Fault, FaultyProxy, faulty_proxy
from tests.running import PATIENCE, Running, free_port, wait_for

PARTIES = "SELECT ?agreement { ?agreement cg:party $city } ORDER BY ?agreement"
DATES = "SELECT ?date { $agreement cg:protocolDate ?date } ORDER BY STR(?date)"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
# Answers that the site itself would not give.
BUSY = b'{"type": "https://w3id.org/citygraph/problems/busy", "title": "The server is busy", "detail": "wait"}'


@pytest.fixture(scope="module")
def proxy(izmir_site: Running) -> Iterator[FaultyProxy]:
    with faulty_proxy(izmir_site.port) as running:
        yield running


@pytest.fixture
def faults(proxy: FaultyProxy) -> list[Fault]:
    """The faults of the next responses; `proxy.requests` are new as well."""
    proxy.faults.clear()
    proxy.requests.clear()
    proxy.statuses.clear()
    return proxy.faults


@pytest.fixture(scope="module")
def graph(izmir_site: Running) -> Graph:
    return Graph(izmir_site.url)


@pytest.fixture(scope="module")
def opened(izmir: Release) -> Graph:
    return citygraph.open(izmir.path)


@pytest.fixture(params=["over HTTP", "without a server"])
def either(request: pytest.FixtureRequest, graph: Graph, opened: Graph) -> Graph:
    """The graph of a server, and that of a folder."""
    return graph if request.param == "over HTTP" else opened


def waiting(proxy: FaultyProxy, **options: Any) -> tuple[Graph, list[float]]:
    """Returns a graph through the proxy whose waits are noted instead of waited for."""
    waits: list[float] = []
    policy = RetryPolicy(attempts=3, first_wait=0.5, longest_retry_after=60)
    transport = HttpTransport(proxy.url, user_agent(), policy, sleep=waits.append, random=lambda: 1.0)
    return Graph(proxy.url, transport=transport, **options), waits


# results


def test_rows_have_typed_values(either: Graph, izmir: Release) -> None:
    """By attribute, key and number; IRIs, dates as precise as their source, numbers (17)."""
    table = either.query(DATES, agreement=either.iri("agreement:izmir-baku"))
    assert [row.date for row in table] == [PartialDate("1986", 1986), date(1986, 4, 28)]
    assert table[0]["date"] is table[0][0]
    assert (table.columns, table.release) == (("date",), izmir.id)
    numbers = either.query("SELECT (1 AS ?i) (1.5 AS ?d) (1e0 AS ?f) (true AS ?b) ('1' AS ?s) ('a'@tr AS ?t) ?none {}")
    (row,) = numbers
    assert [type(value).__name__ for value in row] == [
        "int",
        "Decimal",
        "float",
        "bool",
        "str",
        "TypedText",
        "NoneType",
    ]
    assert row.t.language == "tr"
    with pytest.raises(AttributeError, match="no column 'x'"):
        _ = row.x
    with pytest.raises(KeyError, match="but i, d"):
        _ = row["x"]
    assert pickle.loads(pickle.dumps(table)).rows == table.rows  # noqa: S301 - our own


def test_every_kind_of_query_has_a_result(either: Graph) -> None:
    """ASK is true or false; CONSTRUCT and DESCRIBE are rows of triples; no row is no error."""
    assert bool(either.query("ASK { city:izmir a cg:City }")) is True
    assert either.query("ASK { city:izmir a cg:Person }").truth is False
    triples = either.query(
        "CONSTRUCT { $city rdfs:label ?label } WHERE { $city rdfs:label ?label }", city=either.iri("city:izmir")
    )
    assert {row.subject.local for row in triples} == {"izmir"}
    assert {("İzmir", "tr"), ("Σμύρνη", "el")} <= {(row.object, row.object.language) for row in triples}
    assert len(either.query("DESCRIBE city:izmir")) > 20
    assert not either.query("SELECT * { city:nowhere ?p ?o }")


def test_a_stored_query_runs_with_parameters(either: Graph) -> None:
    """Its values are texts, numbers, dates and entities."""
    assert len(either.run("partners", city=either.iri("city:izmir"))) == len(either.run("partners")) > 30
    assert len(either.run("anniversaries", year=2026, every=10)) > 3
    with pytest.raises(RequestRejected, match="year is 'x': it must be a whole number"):
        either.run("anniversaries", year="x")
    with pytest.raises(NotInGraph, match="no stored query 'nothing'"):
        either.run("nothing")
    with pytest.raises(ValueError, match="format is not a parameter"):
        either.run("partners", format="csv")


def test_an_entity_has_its_statements_with_sources(either: Graph) -> None:
    """By name, by path and by IRI; values by local name, each with its source (17)."""
    agreement = either.entity("agreement:izmir-baku")
    assert isinstance(agreement, GraphEntity)
    assert (agreement, agreement) == (either.entity("agreement/izmir-baku"), either.entity(agreement.iri))
    assert agreement.label == "İzmir–Baku sister-city agreement"
    assert sorted(map(str, agreement["protocolDate"])) == ["1986", "1986-04-28"]
    (fact,) = (fact for fact in agreement.facts("protocolDate") if str(fact.value) == "1986")
    assert (fact.source.local, agreement.sources[fact.source]) == ("aksiyon-izazder-visit", fact.source_label)
    assert either.entity("city:izmir").coordinates == pytest.approx((38.4, 27.15), abs=0.1)
    with pytest.raises(NotInGraph, match="no statements about https://w3id"):
        either.entity("city:nowhere")
    with pytest.raises(NotInGraph, match="not an IRI of this graph"):
        either.entity("https://example.org/")
    with pytest.raises(ValueError, match="neither an IRI nor a name such as city:izmir"):
        either.entity("izmir")


def test_search_finds_names_and_similar_ones(either: Graph) -> None:
    """Of one kind if it is given."""
    row = either.search("izmir", kind="city")[0]
    assert (row.iri, row.label, row.kind, row.similar) == (either.iri("city:izmir"), "İzmir", "city", False)
    assert either.search("izmr")[0].similar is True
    with pytest.raises(RequestRejected):
        either.search("izmir", kind="planet")


def test_reconcile_keeps_the_order_and_the_index(either: Graph) -> None:
    """Missing and repeated names too; a doubtful match says so."""
    names = ["Baku", "", "Bremen", "Baku", None, "Qqqq"]
    table = either.reconcile(names, kind="City")
    assert [row.iri and row.iri.local for row in table] == ["baku", None, "bremen", "baku", None, None]
    assert [row.match for row in table] == [True, False, True, True, False, False]
    pandas = pytest.importorskip("pandas")
    frame = either.reconcile(pandas.Series(["Baku", None], index=["x", "y"])).pandas()
    assert list(frame.index) == ["x", "y"]
    assert frame.loc["x", "label"] == "Baku"
    with pytest.raises(ValueError, match="no entity has the kind 'Town'; there are City, "):
        either.reconcile(["Baku"], kind="Town")
    assert either.reconcile(["Qqqq"], kind="cg:City")[0].iri is None
    with pytest.raises(ValueError, match="names is one text"):
        either.reconcile("Baku")
    with pytest.raises(ValueError, match="2 names and 1 countries"):
        either.reconcile(["Baku", "Bremen"], country=["Germany"])
    assert either.reconcile(["Bremen"], country=["Germany"])[0].match


def test_both_ways_return_equal_results(graph: Graph, opened: Graph) -> None:
    """`citygraph.open` has the methods, the class and the rows of the client (17)."""
    iri = graph.iri("city:izmir")
    assert type(opened) is Graph
    calls: tuple[Callable[[Graph], ResultTable], ...] = (
        lambda either: either.query(PARTIES, city=iri),
        lambda either: either.run("partners"),
        lambda either: either.search("bre"),
    )
    for call in calls:
        assert call(opened).rows == call(graph).rows != ()


def test_open_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NotInGraph, match="make one with `citygraph build`"):
        citygraph.open(tmp_path)


def test_a_release_is_pinned_by_its_name(izmir_site: Running, izmir: Release) -> None:
    """Its address is the root of every request; entities and reconciliation are of it too."""
    pinned = Graph(izmir_site.url, release=izmir.id)
    assert pinned.url == f"{izmir_site.url}/releases/{izmir.id}"
    table = pinned.query(PARTIES, city=pinned.iri("city:izmir"))
    assert table.url == f"{pinned.url}/sparql"
    assert pinned.reconcile(["Baku"])[0].match
    with pytest.raises(NotInGraph):
        Graph(izmir_site.url, release="2001-01-01T000000Z-000000000000").query("ASK {}")


# errors


@pytest.mark.parametrize("text", ["SELECT * {", "INSERT DATA { <urn:a> <urn:b> 1 }", "nonsense", ""])
def test_a_wrong_query_is_rejected_with_its_place(either: Graph, text: str) -> None:
    """With the text of the server's problem document, and its line and column (17)."""
    with pytest.raises(RequestRejected) as caught:
        either.query(text or " ")
    assert caught.value.status == 400
    assert caught.value.kind == "syntax-error"
    assert caught.value.problem["detail"] in str(caught.value)
    assert caught.value.problem["line"] == 1


def test_the_time_limit_reaches_the_server(
    proxy: FaultyProxy, faults: list[Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the query, and says so; it is not sent again (17)."""
    monkeypatch.setattr("citygraph.client.web_exchange._GRACE", PATIENCE)
    graph, waits = waiting(proxy, timeout=0.4)
    with pytest.raises(LimitExceeded, match=r"the limit is 0\.4 s") as caught:
        graph.query(ENDLESS)
    assert (caught.value.kind, caught.value.status, caught.value.problem["limit"]) == ("time-limit", 503, 0.4)
    assert waits == []
    assert "timeout=0.4" in proxy.requests[0][3]
    with pytest.raises(ValueError, match="positive"):
        Graph(proxy.url, timeout=0)


def test_the_time_limit_of_a_stored_query_is_in_its_address(proxy: FaultyProxy, faults: list[Fault]) -> None:
    graph, _ = waiting(proxy, timeout=25)
    assert graph.run("partners")
    assert "timeout=25" in proxy.requests[0][1]


@pytest.mark.parametrize(("status", "header", "wait"), [(503, "7", 7.0), (429, "2", 2.0), (502, "", 0.5)])
def test_a_busy_server_is_asked_again_when_it_says(
    proxy: FaultyProxy, faults: list[Fault], status: int, header: str, wait: float
) -> None:
    """After the wait of Retry-After, or of our own; the result is whole (17)."""
    graph, waits = waiting(proxy)
    faults.append(Fault(status, {"Retry-After": header} if header else {}, BUSY))
    assert len(graph.query(PARTIES, city=IRI("https://w3id.org/citygraph/id/city/izmir"))) > 20
    assert waits == [wait]


def test_attempts_are_bounded(proxy: FaultyProxy, faults: list[Fault]) -> None:
    """In number, and by the wait that the server asks for; the error has the server's text."""
    graph, waits = waiting(proxy)
    faults += [Fault(503, {"Retry-After": "1"}, BUSY)] * 3
    with pytest.raises(Unavailable, match="The server is busy: wait"):
        graph.query("ASK {}")
    assert (len(waits), faults) == (2, [])
    faults.append(Fault(503, {"Retry-After": "3600"}, BUSY))
    with pytest.raises(Unavailable) as caught:
        graph.query("ASK {}")
    assert (len(waits), caught.value.retry_after) == (2, 3600.0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(keep=0),
        Fault(keep=200),
        Fault(keep=200, is_hidden=True),
        Fault(200, {"Content-Type": "application/sparql-results+json"}, b'{"head": {}}'),
        Fault(200, {"Content-Type": "text/html"}, b"<html>Log in to the network</html>"),
        Fault(
            200,
            {"Content-Type": "application/sparql-results+json", "X-Citygraph-Rows": "2"},
            b'{"head": {"vars": ["agreement"]}, "results": {"bindings": []}}',
        ),
    ],
    ids=["cut at once", "cut", "cut by a proxy", "no rows", "a page", "rows are missing"],
)
def test_a_result_that_is_not_whole_is_an_error(proxy: FaultyProxy, faults: list[Fault], fault: Fault) -> None:
    """Never a shorter result (17)."""
    graph, waits = waiting(proxy)
    faults.append(fault)
    with pytest.raises(IncompleteResult):
        graph.query(PARTIES, city=IRI("https://w3id.org/citygraph/id/city/izmir"))
    assert waits == []


def test_a_graph_that_is_not_whole_is_an_error(proxy: FaultyProxy, faults: list[Fault]) -> None:
    """N-Triples cut within a line, and between two lines."""
    graph, _ = waiting(proxy)
    whole = graph.query("CONSTRUCT WHERE { city:izmir ?p ?o }")
    for body in (b"<urn:a> <urn:b> <urn:c> .\n<urn:a> <ur", b"<urn:a> <urn:b> <urn:c> .\n"):
        faults.append(Fault(200, {"Content-Type": "application/n-triples", "X-Citygraph-Rows": str(len(whole))}, body))
        with pytest.raises(IncompleteResult):
            graph.query("CONSTRUCT WHERE { city:izmir ?p ?o }")


def test_json_of_other_addresses_is_whole_too(proxy: FaultyProxy, faults: list[Fault]) -> None:
    graph, _ = waiting(proxy)
    faults += [Fault(200, {}, b'{"results": ['), Fault(200, {}, b"[]")]
    for _ in range(2):
        with pytest.raises(IncompleteResult):
            graph.search("izmir")


@pytest.mark.parametrize("status", [500, 507])
def test_a_failure_of_the_server_is_not_asked_again(proxy: FaultyProxy, faults: list[Fault], status: int) -> None:
    graph, waits = waiting(proxy)
    faults.append(Fault(status, {}, b"it broke"))
    with pytest.raises(ServerFailure, match=f"HTTP {status} from .*: it broke"):
        graph.query("ASK {}")
    assert waits == []


def test_a_dropped_connection_is_tried_again(proxy: FaultyProxy, faults: list[Fault]) -> None:
    """Nothing of a response had arrived."""
    graph, waits = waiting(proxy)
    faults.append(Fault(drops=True))
    assert graph.query("ASK {}").truth
    assert len(waits) == 1


def test_a_server_that_is_away_is_an_error(proxy: FaultyProxy) -> None:
    waits: list[float] = []
    root = f"http://127.0.0.1:{free_port()}"
    transport = HttpTransport(root, user_agent(), RetryPolicy(attempts=2), sleep=waits.append)
    with pytest.raises(Unavailable, match="does not answer"):
        Graph(root, transport=transport).query("ASK {}")
    assert len(waits) == 1
    with pytest.raises(ValueError, match="not an address of the web"):
        Graph("file:///etc")


def test_a_server_that_says_nothing_is_an_error(
    proxy: FaultyProxy, faults: list[Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time limit and a moment in which the server could have said that it is reached."""
    monkeypatch.setattr("citygraph.client.web_exchange._GRACE", 0.1)
    graph, _ = waiting(proxy, timeout=0.2)
    faults.append(Fault(hangs=10, drops=True))
    with pytest.raises(LimitExceeded, match=r"no whole response within 0\.2 s"):
        graph.query("ASK {}")


def test_every_error_is_a_graph_error() -> None:
    for class_ in (IncompleteResult, LimitExceeded, NotInGraph, RequestRejected, ServerFailure, Unavailable):
        assert issubclass(class_, GraphError)


# manners


def test_requests_name_the_client(proxy: FaultyProxy, faults: list[Fault]) -> None:
    """Program, versions and a contact, for queries as for other requests (17)."""
    graph = Graph(proxy.url, contact="me@example.org")
    graph.query("ASK {}")
    graph.search("izmir")
    assert len(proxy.requests) >= 2
    for _, _, headers, _ in proxy.requests:
        agent = rf"citygraph-client/{citygraph.__version__} \(me@example\.org\) SPARQLWrapper/[\d.]+ Python/[\d.]+"
        assert re.fullmatch(agent, headers["User-Agent"])


def test_progress_hears_of_pieces_and_waits(proxy: FaultyProxy, faults: list[Fault]) -> None:
    states: list[TransferState] = []
    policy = RetryPolicy(attempts=2, first_wait=0.01)
    faults.append(Fault(503, {}, BUSY))
    Graph(proxy.url, retries=policy, progress=states.append).run("partners")
    assert [state.stage for state in states][:3] == ["waiting", "sent", "receiving"]
    assert states[-1].received == states[-1].total
    assert str(states[-1]) == f"receiving: {states[-1].received:,} of {states[-1].total:,} bytes"
    assert str(states[0]).startswith("attempt 1 failed (The server is busy: wait)")


def test_an_interrupted_query_ends_on_the_server(proxy: FaultyProxy, faults: list[Fault], izmir: Release) -> None:
    """As by stopping a cell of a notebook: the server would not notice, and evaluate on."""
    graph = Graph(proxy.url)
    engines = [Engines(settings) for settings in servers(Settings(releases=izmir.path.parent))]

    def interrupt() -> None:
        # A query that still waits for an engine cannot be ended.
        wait_for(lambda: any(ENDLESS in query.text for one in engines for query in one.running()))
        os.kill(os.getpid(), signal.SIGUSR1)

    # Not by SIGINT itself, which a worker of the tests may ignore.
    before = signal.signal(signal.SIGUSR1, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            graph.query(ENDLESS)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    *_, (_, _, headers, _), (method, path, _, _) = proxy.requests
    assert (method, path) == ("DELETE", f"/sparql/running/{headers['X-Citygraph-Query-Id']}")
    wait_for(lambda: {204, 503} <= set(proxy.statuses))


def test_the_client_needs_little() -> None:
    """SPARQLWrapper and the standard library: nothing of the server, nothing of the libraries for frames (17)."""
    program = (
        "import sys; before = set(sys.modules); import citygraph.client; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)); "
        "print(*sorted(name for name in sys.modules if name.startswith('citygraph.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    outside, own = done.stdout.splitlines()
    assert set(outside.split()) <= {"SPARQLWrapper", "citygraph"}
    assert "citygraph.client" in own.split()
    assert all(name.startswith("citygraph.client") for name in own.split())


# notebooks


def test_a_notebook_shows_rows_map_and_sources(either: Graph) -> None:
    """Everything is escaped, and nothing is requested: no image, script or style of any host (17)."""
    table = either.query(
        """SELECT ?city ?latitude ?longitude ?name ?source {
          GRAPH ?source { ?city schema:latitude ?latitude ; schema:longitude ?longitude } BIND($text AS ?name)
        } ORDER BY ?city""",
        text="<script>alert('x')</script>",
    )
    html = table._repr_html_()
    assert html.count("<circle") == len(table) > 25
    assert "20 of" in html
    assert "&lt;script&gt;" in html
    assert f"Release {table.release}" in html
    assert re.search(r"\d°E</text>", html)
    assert "<p>Sources</p>" in html
    entity = either.entity("city:izmir")._repr_html_()
    assert entity.count("<circle") == 1
    assert "<p>Sources</p>" in entity
    for text in (html, entity):
        assert (
            re.findall(r"<(script|img|link|iframe|style|object)\b|\b(src|srcset|xlink:href|onload)=|url\(", text) == []
        )


@pytest.mark.parametrize("iri", ["javascript:alert(1)", "data:text/html,x", "urn:x:y"])
def test_only_addresses_of_the_web_become_links(graph: Graph, iri: str) -> None:
    table = graph.query("SELECT ?x { BIND($iri AS ?x) }", iri=IRI(iri))
    assert "<td><span" in table._repr_html_()


def test_an_empty_result_and_a_truth_are_shown(graph: Graph) -> None:
    assert "0 rows" in graph.query("SELECT * { city:nowhere ?p ?o }")._repr_html_()
    assert "<b>Yes</b>" in graph.query("ASK {}")._repr_html_()
    assert repr(graph.query("ASK {}")) == "<ResultTable: true>"
    assert isinstance(graph.query("SELECT * {}"), ResultTable)
