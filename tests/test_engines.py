"""Engine processes: limits, ends, replacements, and what is taken from them; with real processes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from citygraph.engine import sandbox, supervisor, wire
from citygraph.engine.engines import Answer, Engines, Stream
from citygraph.engine.host import HostProcess, start_host, supervise
from citygraph.engine.pool import Connection
from citygraph.engine.process import Assignment, ForkedProcess, listen, stop, sweep
from citygraph.engine.wire import Channel
from citygraph.errors import (
    Busy,
    CitygraphError,
    EngineFailed,
    Forbidden,
    LimitReached,
    NotFound,
    QuerySyntaxError,
    Upstream,
)
from citygraph.settings import MIB, Settings
from citygraph.sparql.protocol import Query
from tests.running import PATIENCE
from tests.world import publish

EX = "http://example.org/"
CROSS_JOIN = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 40000"
# Seconds. A query that is not to reach a limit of time has PATIENCE.
LIMIT = 1.0
NEEDS_FILTER = pytest.mark.skipif(bool(sandbox.can_filter()), reason="system calls cannot be filtered here")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release with three thousand triples, in a graph and in the default graph."""
    triples = [(NamedNode(f"{EX}{i}"), NamedNode(EX + "p"), Literal(i)) for i in range(3000)]
    quads = [Quad(*triple, graph) for triple in triples for graph in (DefaultGraph(), NamedNode(EX + "g"))]
    return publish(quads, tmp_path_factory.mktemp("engines") / "releases").path


@pytest.fixture(scope="module")
def settings(release: Path) -> Settings:
    """Little memory for a query, and much time."""
    return Settings(
        releases=release.parent,
        workers=1,
        engines=3,
        time_limit=PATIENCE,
        memory_limit=64 * MIB,
        queue_wait=PATIENCE,
    )


@pytest.fixture(scope="module", params=["memory", "disk"])
def host(settings: Settings, request: pytest.FixtureRequest) -> Iterator[HostProcess]:
    """A host that many tests share, in both modes: what they do to engines is mended before the next."""
    with start_host(settings.with_changes(store_mode=str(request.param))) as host:
        yield host


@pytest.fixture
def engines(host: HostProcess) -> Iterator[Engines]:
    """The engines as a web process has them."""
    with Engines(host.settings) as engines:
        yield engines


@pytest.fixture
def run(engines: Engines, release: Path) -> Callable[..., Answer]:
    """Evaluate a text on the release."""

    def run(text: str, *formats: str, time_limit: float = 0.0, **more: Any) -> Answer:
        return engines.run(release.name, Query(text, formats=formats, time_limit=time_limit), **more)

    return run


@contextlib.contextmanager
def changed(settings: Settings, **changes: Any) -> Iterator[Engines]:
    """Engines of a host of their own, with some settings changed."""
    with start_host(settings.with_changes(**changes)) as host, Engines(host.settings) as engines:
        yield engines


@pytest.fixture(scope="module", params=["memory", "disk"])
def run_at_leisure(
    settings: Settings, release: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Answer]]:
    """Evaluate a text on the release, in a host of its own."""
    with changed(settings, store_mode=str(request.param)) as engines:
        yield lambda text: engines.run(release.name, Query(text))


RunInFormat = Callable[[str, str], Answer]


@pytest.fixture(scope="module")
def run_in_format(settings: Settings, release: Path) -> Iterator[RunInFormat]:
    """Evaluate a text with the usual memory, which the libraries of some formats need."""
    with changed(settings, engines=1, memory_limit=512 * MIB) as engines:
        yield lambda text, format_: engines.run(release.name, Query(text, formats=(format_,)))


def lookup(number: int) -> str:
    return f"SELECT ?o {{ <{EX}{number}> ?p ?o }}"


def value(answer: Answer) -> str:
    assert isinstance(answer.body, bytes)
    bindings: list[dict[str, dict[str, str]]] = json.loads(answer.body)["results"]["bindings"]
    return bindings[0]["o"]["value"]


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether a condition is met within so many seconds: far more than it takes on a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def engine_of(engines: Engines, text: str) -> int:
    """The process that evaluates this text, once it does."""
    found: list[int] = []

    def look() -> bool:
        found.extend(running.pid for running in engines.running() if running.text == text)
        return bool(found)

    assert wait_until(look)
    return found[0]


def in_background(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """A call in a thread, and the list that gets its result or its error."""
    outcome: list[object] = []

    def work() -> None:
        try:
            outcome.append(call())
        except CitygraphError as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome


# answers


def test_a_query_is_answered(run: Callable[..., Answer], release: Path) -> None:
    """The answer knows its format, its rows, its release and how long it took."""
    answer = run(lookup(7), "json")
    assert value(answer) == "7"
    assert (answer.format.name, answer.rows, answer.release) == ("json", 1, release.name)
    assert 0 < answer.elapsed < PATIENCE


def test_errors_of_the_engine_come_back_as_they_were(run_at_leisure: Callable[[str], Answer]) -> None:
    """With line and column, and the engine serves on."""
    with pytest.raises(QuerySyntaxError) as caught:
        run_at_leisure("SELECT * {\n ?s ?p")
    assert caught.value.line == 2
    with pytest.raises(Forbidden) as refused:
        run_at_leisure("SELECT * FROM <http://nowhere/> { ?s ?p ?o }")
    assert refused.value.allowed == (EX + "g",)
    assert value(run_at_leisure(lookup(1))) == "1"


def test_an_unknown_release_is_not_found(engines: Engines) -> None:
    """Nor is a path, or the link to the current release."""
    for name in ("nothing", "../releases", "", ".", "current"):
        with pytest.raises(NotFound):
            engines.run(name, Query("ASK {}"))


def test_many_threads_get_each_its_own_answer(run: Callable[..., Answer]) -> None:
    """Eight threads, two hundred lookups each, through three engines."""
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 200):
            got = value(run(lookup(number)))
            if got != str(number):
                wrong.append((number, got))

    threads = [threading.Thread(target=work, args=(200 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_and_disk_give_the_same_answers(settings: Settings, release: Path) -> None:
    """How a release is held is nobody's business but the operator's."""
    texts = [
        "SELECT * { ?s ?p ?o } ORDER BY ?o LIMIT 50",
        f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{EX}g> {{ ?s ?p ?o }} }}",
        "SELECT (SUM(?o) AS ?sum) { ?s ?p ?o }",
        "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }",
    ]
    bodies = []
    for mode in ("memory", "disk"):
        with changed(settings, store_mode=mode) as engines:
            bodies.append([engines.run(release.name, Query(text)).body for text in texts])
    assert bodies[0] == bodies[1]


# large results


def test_a_large_result_is_a_stream(settings: Settings, release: Path) -> None:
    """What is over hold_limit comes in pieces, and is whole at its end."""
    with changed(settings, hold_limit=100_000) as engines:
        answer = engines.run(release.name, Query(LARGE, formats=("csv",)))
        assert isinstance(answer.body, Stream)
        assert answer.rows is None
        body = b"".join(answer.body)
        assert body.count(b"\n") == 40_001
        assert answer.body.rows == 40_000
        assert value(engines.run(release.name, Query(lookup(3)))) == "3"


def test_a_stream_that_is_closed_ends_its_query(settings: Settings, release: Path) -> None:
    """A reader who leaves does not keep an engine busy, nor the connection that leads to it."""
    text = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    with changed(settings, hold_limit=100_000, engines=1) as engines:
        for _ in range(3):
            answer = engines.run(release.name, Query(text))
            assert isinstance(answer.body, Stream)
            next(answer.body)
            pid = engine_of(engines, text)
            answer.body.close()
            assert wait_until(lambda pid=pid: not alive(pid) or not engines.running())  # type: ignore[misc]
        assert value(engines.run(release.name, Query(lookup(3)))) == "3"


def test_a_stream_that_fails_raises(settings: Settings, release: Path) -> None:
    """A result that is cut off never looks complete, also when its reader is slow: the time limit goes on."""
    text = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    with start_host(settings.with_changes(hold_limit=100_000, engines=1)) as host, Engines(host.settings) as engines:
        pid = only_engine(engines, host, release)
        # On a busy machine too, the result begins before.
        answer = engines.run(release.name, Query(text, time_limit=5.0))
        assert isinstance(answer.body, Stream)
        assert wait_until(lambda: not alive(pid))
        with pytest.raises(LimitReached) as caught:
            list(answer.body)
        assert caught.value.kind == "time"
        with pytest.raises(EngineFailed):
            next(answer.body)


def test_a_result_over_its_limit_is_an_error(settings: Settings, release: Path) -> None:
    """StoreReplica or streamed: never a cut list."""
    for hold in (10_000, 10_000_000):
        with changed(settings, result_limit=200_000, hold_limit=hold) as engines:
            with pytest.raises(LimitReached) as caught:
                b"".join(engines.run(release.name, Query(LARGE)).body)  # type: ignore[arg-type]
            assert caught.value.kind == "size"
            assert value(engines.run(release.name, Query(lookup(3)))) == "3"


# limits


@pytest.mark.parametrize("mode", ["memory", "disk"])
def test_a_query_over_the_time_limit_is_ended(settings: Settings, release: Path, mode: str) -> None:
    """Its client hears the limit and the time spent; its process, which would go on for minutes, is gone."""
    with start_host(settings.with_changes(store_mode=mode, engines=1)) as host, Engines(host.settings) as engines:
        pid = only_engine(engines, host, release)
        with pytest.raises(LimitReached) as caught:
            engines.run(release.name, Query(CROSS_JOIN, time_limit=LIMIT))
        assert wait_until(lambda: not alive(pid))
        assert (caught.value.kind, caught.value.limit) == ("time", LIMIT)
        assert LIMIT <= caught.value.elapsed < PATIENCE
        assert value(engines.run(release.name, Query(lookup(5)))) == "5"


def test_the_time_limit_holds_without_its_supervisor(settings: Settings, release: Path) -> None:
    """On a machine too busy for the supervisor, the client hears the limit all the same."""
    with start_host(settings.with_changes(store_mode="disk", engines=1)) as host, Engines(host.settings) as engines:
        engine = only_engine(engines, host, release)
        supervisor, _ = processes()[engine]
        os.kill(supervisor, signal.SIGSTOP)
        try:
            with pytest.raises(LimitReached) as caught:
                engines.run(release.name, Query(CROSS_JOIN, time_limit=LIMIT))
        finally:
            os.kill(supervisor, signal.SIGCONT)
        assert (caught.value.kind, caught.value.limit) == ("time", LIMIT)


def only_engine(engines: Engines, host: HostProcess, release: Path) -> int:
    """The process that evaluates the next query, if the host may have one engine."""
    engines.open(release.name)
    (pid,) = engines_below(host)
    return pid


def test_a_client_may_lower_the_time_limit(settings: Settings, release: Path) -> None:
    """The query ends at the limit of its client, which is in the error; a higher one changes nothing (17)."""
    with changed(settings, time_limit=LIMIT) as engines:
        for wanted, limit in ((0.1, 0.1), (PATIENCE, LIMIT)):
            with pytest.raises(LimitReached) as caught:
                engines.run(release.name, Query(CROSS_JOIN, time_limit=wanted))
            assert (caught.value.kind, caught.value.limit) == ("time", limit)
            assert limit <= caught.value.elapsed < PATIENCE


def test_a_query_within_the_limit_of_its_client_is_answered(run: Callable[..., Answer]) -> None:
    """The limit of a client is no other one than its own (17)."""
    assert value(run(lookup(5), time_limit=0.9 * PATIENCE)) == "5"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c",
        'SELECT (STRLEN(?x) AS ?n) { BIND("%s" AS ?a) BIND(CONCAT(?a, ?a, ?a, ?a, ?a, ?a, ?a, ?a, ?a) AS ?b)'
        " BIND(CONCAT(?b, ?b, ?b, ?b, ?b, ?b, ?b, ?b, ?b) AS ?c) BIND(CONCAT(?c, ?c, ?c, ?c, ?c) AS ?x) }"
        % ("x" * 300_000),
    ],
    ids=["grows", "asks for much at once"],
)
def test_a_query_over_the_memory_limit_is_ended(settings: Settings, release: Path, text: str) -> None:
    """Whether it grows or asks for much at once; the limit is what it uses beyond the store."""
    with changed(settings) as engines:
        with pytest.raises(LimitReached) as caught:
            engines.run(release.name, Query(text))
        assert (caught.value.kind, caught.value.limit) == ("memory", 64 * MIB)
        assert value(engines.run(release.name, Query(lookup(5)))) == "5"


def test_too_many_at_once_are_told_to_come_back(settings: Settings, release: Path) -> None:
    """One engine, a long query on it, and another request that does not wait long."""
    with changed(settings, engines=1, queue_wait=0.1) as engines:
        engines.open(release.name)
        thread, outcome = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN)))
        engine_of(engines, CROSS_JOIN)
        with pytest.raises(Busy) as caught:
            engines.run(release.name, Query(lookup(1)))
        assert caught.value.retry_after >= 1
        assert engines.cancel(engines.running()[0].id)
        thread.join()
        assert isinstance(outcome[0], LimitReached)


def test_one_client_never_has_all_engines(settings: Settings, release: Path) -> None:
    """The second of its long queries waits while another client is served, and is told in the end that it waited."""
    with changed(settings, engines=2, queue_wait=1.0) as engines:
        # Both clients find a connection: the second engine may not start within a second.
        pool = engines._pool(release.name, federated=False)
        for connection in [pool.acquire(PATIENCE) for _ in range(2)]:
            pool.release(connection)
        thread, _ = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN), client="a"))
        engine_of(engines, CROSS_JOIN)
        waiting, outcome = in_background(lambda: engines.run(release.name, Query(lookup(1)), client="a"))
        for number in range(20):
            assert value(engines.run(release.name, Query(lookup(number)), client="b")) == str(number)
        waiting.join()
        (refused,) = outcome
        assert isinstance(refused, Busy)
        assert refused.yours
        assert engines.cancel(engines.running()[0].id)
        thread.join()
        assert value(engines.run(release.name, Query(lookup(1)), client="a")) == "1"


def test_web_processes_share_engines_in_turn(settings: Settings, release: Path) -> None:
    """An engine whose client is idle takes the next who waits: one engine serves two web processes."""
    with start_host(settings.with_changes(engines=1)) as host, Engines(host.settings) as first:
        second = Engines(host.settings)
        for number in range(3):
            assert value(first.run(release.name, Query(lookup(number)))) == str(number)
            assert value(second.run(release.name, Query(lookup(number)))) == str(number)
        second.close()


# ends


def test_a_crash_is_an_error_for_its_own_client_only(settings: Settings, release: Path) -> None:
    """An engine that a signal ends fails its own query; those beside it go on (13.38)."""
    with changed(settings) as engines:

        def look_up() -> list[str]:
            return [value(engines.run(release.name, Query(lookup(i)))) for i in range(200)]

        lookups = [in_background(look_up) for _ in range(2)]
        for _ in range(3):
            thread, outcome = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN)))
            os.kill(engine_of(engines, CROSS_JOIN), signal.SIGSEGV)
            thread.join()
            assert isinstance(outcome[0], EngineFailed)
        for thread, outcome in lookups:
            thread.join()
            assert outcome == [[str(i) for i in range(200)]]
        assert engines.figures()[release.name]["crashed"] == 3


def test_a_query_outlives_one_kill_of_its_engine(settings: Settings, release: Path) -> None:
    """(18) Another engine evaluates it, and its client does not see the kill; a second one is an error."""
    text = "SELECT (COUNT(*) AS ?o) { ?a ?b ?c . ?d ?e ?f }"
    with changed(settings) as engines:
        # Again, if it was evaluated before it was seen.
        while not engines.figures().get(release.name, {}).get("killed", 0):
            thread, outcome = in_background(lambda: value(engines.run(release.name, Query(text))))
            wait_until(lambda thread=thread: bool(engines.running()) or not thread.is_alive())  # type: ignore[misc]
            for query in engines.running():
                os.kill(query.pid, signal.SIGKILL)
            thread.join()
            assert outcome == [str(3000**2)]
        thread, outcome = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN)))
        first = engine_of(engines, CROSS_JOIN)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: any(query.pid != first for query in engines.running()))
        assert not outcome
        os.kill(engine_of(engines, CROSS_JOIN), signal.SIGKILL)
        thread.join()
        assert isinstance(outcome[0], EngineFailed)
        assert engines.figures()[release.name]["killed"] == 3


def test_an_engine_that_is_killed_between_queries_is_not_noticed(run: Callable[..., Answer], host: HostProcess) -> None:
    """The connection is found closed and another one is made."""
    run(lookup(1))
    for pid in engines_below(host):
        with contextlib.suppress(ProcessLookupError):  # one that a test before has worn out
            os.kill(pid, signal.SIGKILL)
    assert [value(run(lookup(number))) for number in range(5)] == list("01234")


def test_many_closed_connections_are_not_noticed(run: Callable[..., Answer], engines: Engines, release: Path) -> None:
    """More of them than the attempts that a query has with fresh ones (16 §1)."""
    run(lookup(1))
    pool = engines._pool(release.name, federated=False)
    for _ in range(10):
        ours, theirs = socket.socketpair()
        theirs.close()
        pool._idle.append(Connection(Channel(ours), "", is_reused=True))
    assert [value(run(lookup(number))) for number in range(5)] == list("01234")


def test_engines_are_replaced_after_many_queries(settings: Settings, release: Path) -> None:
    """Nobody notices, and a query is never lost."""
    with changed(settings, engine_queries=10) as engines:
        assert [value(engines.run(release.name, Query(lookup(i)))) for i in range(100)] == list(map(str, range(100)))
        assert wait_until(lambda: engines.figures()[release.name].get("recycled", 0) >= 8)
        # The last one is counted when its result has been sent.
        assert wait_until(lambda: engines.figures()[release.name]["queries"] == 100)


def test_running_queries_are_listed_and_can_be_ended(settings: Settings, release: Path) -> None:
    """With age, client and text; the client of one that is ended hears who did it."""
    with changed(settings) as engines:
        thread, outcome = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN), client="198.51.100.7"))
        pid = engine_of(engines, CROSS_JOIN)
        (running,) = engines.running()
        assert (running.client, running.text, running.release) == ("198.51.100.7", CROSS_JOIN, release.name)
        assert 0 <= running.age < PATIENCE
        assert not engines.cancel("0" * 16)
        assert engines.cancel(running.id)
        thread.join()
        assert isinstance(outcome[0], LimitReached)
        assert outcome[0].kind == "cancelled"
        assert wait_until(lambda: not alive(pid))
        assert engines.running() == []


# what is taken from an engine


@pytest.fixture
def canary() -> Iterator[tuple[int, list[object]]]:
    """A port on which nothing should arrive, and what arrived."""
    touched: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, address = server.accept()
                    touched.append(address)
                    connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], touched
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://127.0.0.1:%d/sparql> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <http://127.0.0.1:%d/sparql> { ?s ?p ?o } }",
        "SELECT * { BIND(<http://127.0.0.1:%d/> AS ?s) SERVICE ?s { ?s ?p ?o } }",
        "SELECT * FROM <http://127.0.0.1:%d/data.ttl> { ?s ?p ?o }",
        "SELECT * { SERVICE ?anything { ?s ?p ?o } }",
        "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }",
        "LOAD <http://127.0.0.1:%d/data.ttl>",
        "LOAD <file:///etc/passwd>",
    ],
)
def test_an_engine_asks_nobody_and_reads_no_file(
    run_at_leisure: Callable[[str], Answer], canary: tuple[int, list[object]], text: str
) -> None:
    """SERVICE, LOAD and FROM of what is not here are refused by name; nothing is fetched."""
    port, touched = canary
    with pytest.raises(Forbidden):
        run_at_leisure(text % port if "%d" in text else text)
    time.sleep(0.1)
    assert not touched


@pytest.mark.parametrize("word", [r"\u0053ERVICE", r"\U00000053ERVICE SILENT", r"S\u0045RVICE"])
def test_an_escaped_keyword_is_no_keyword(
    run_at_leisure: Callable[[str], Answer], canary: tuple[int, list[object]], word: str
) -> None:
    """SPARQL 1.1, 19.2 allows the escapes anywhere; where the engine takes one it is refused, else it is no query."""
    port, touched = canary
    with pytest.raises((Forbidden, QuerySyntaxError)):
        run_at_leisure(f"SELECT * {{ {word} <http://127.0.0.1:{port}/sparql> {{ ?s ?p ?o }} }}")
    time.sleep(0.1)
    assert not touched


@NEEDS_FILTER
@pytest.mark.parametrize(
    ("format_", "start"),
    [("parquet", b"PAR1"), ("xlsx", b"PK"), ("geojson", b'{"type"'), ("gpkg", b"SQLite"), ("gexf", b"<?xml")],
)
def test_files_are_written_without_writing_to_the_disk(run_in_format: RunInFormat, format_: str, start: bytes) -> None:
    """Their libraries work where an engine may open no file for writing (17)."""
    query = f"SELECT (<{EX}a> AS ?source) (<{EX}b> AS ?target) ?lat (?lat AS ?lon) {{ VALUES ?lat {{ 1.5 2.5 }} }}"
    answer = run_in_format(query, format_)
    assert isinstance(answer.body, bytes)
    assert (answer.format.name, answer.rows, answer.body.startswith(start)) == (format_, 2, True)


@NEEDS_FILTER
@pytest.mark.parametrize("silent", ["", "SILENT"])
def test_an_engine_has_no_network_whatever_the_guard_thinks(
    settings: Settings, release: Path, canary: tuple[int, list[object]], silent: str
) -> None:
    """The wall behind the guard: the same allowed endpoint, in an engine of the kind that has no network."""
    port, touched = canary
    endpoint = f"http://127.0.0.1:{port}/sparql"
    text = f"SELECT * {{ SERVICE {silent} <{endpoint}> {{ ?s ?p ?o }} }}"
    pid = os.fork()
    if pid == 0:
        _evaluate_confined(release, text, endpoint)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == (0 if silent else 3)
    time.sleep(0.1)
    assert not touched


def _evaluate_confined(release: Path, text: str, endpoint: str) -> None:
    """In a child: 3 if evaluation met the wall, 4 if a file could be written."""
    from pyoxigraph import Store

    from citygraph.sparql.evaluate import evaluate

    status = 1
    try:
        store = Store.read_only(str(release / "store"))
        sandbox.call_filter(network=False).load()
        with contextlib.suppress(PermissionError):
            (release / "written").write_text("")
            os._exit(4)
        list(evaluate(store, Query(text), services=[endpoint]).answer)  # type: ignore[arg-type]
        status = 0
    except (Upstream, OSError):
        status = 3
    finally:
        os._exit(status)


def test_federated_engines_have_the_network(
    settings: Settings, release: Path, canary: tuple[int, list[object]]
) -> None:
    """Only where the operator switched federation on, and only to the endpoints listed."""
    port, touched = canary
    endpoint = f"http://127.0.0.1:{port}/sparql"
    text = "SELECT * { SERVICE <%s> { ?s ?p ?o } }"
    with changed(settings, federation=True, services=endpoint) as engines:
        with pytest.raises(Upstream):
            engines.run(release.name, Query(text % endpoint), federated=True)
        assert wait_until(lambda: bool(touched))
        with pytest.raises(Forbidden):
            engines.run(release.name, Query(text % "http://127.0.0.1:1/"), federated=True)
        with pytest.raises(Forbidden):
            engines.run(release.name, Query(text % endpoint))


# the processes as a family


def engines_below(host: HostProcess) -> list[int]:
    """The children of the supervisors of a host."""
    there = processes()
    supervisors = {pid for pid, (parent, _) in there.items() if parent == host.pid}
    return [pid for pid, (parent, _) in there.items() if parent in supervisors]


def processes() -> dict[int, tuple[int, bytes]]:
    """All processes: parent and command line."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                found[int(folder.name)] = (int(stat[1]), (folder / "cmdline").read_bytes())
    return found


def descendants(pid: int) -> set[int]:
    children = {child for child, (parent, _) in processes().items() if parent == pid}
    return children.union(*(descendants(child) for child in children))


def test_closing_the_host_leaves_nothing_behind(settings: Settings, release: Path) -> None:
    """No process, no socket, no folder; not even with a query under way."""
    with start_host(settings) as host, Engines(host.settings) as engines:
        thread, outcome = in_background(lambda: engines.run(release.name, Query(CROSS_JOIN)))
        engine_of(engines, CROSS_JOIN)
        family = {host.pid, *descendants(host.pid)}
        assert len(family) >= 3
    assert wait_until(lambda: not any(map(alive, family)))
    assert not Path(host.settings.engine_socket).parent.exists()
    thread.join()
    assert isinstance(outcome[0], EngineFailed)


@pytest.mark.parametrize("victim", ["parent", "host", "supervisor"])
def test_nobody_outlives_who_started_it(settings: Settings, release: Path, victim: str) -> None:
    """Killed, not asked: the kernel and the closed pipes end those below; the next start sweeps what is left."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live_with_engines(settings, release, writing)
    os.close(writing)
    said_pid, said_folder = os.read(reading, 1000).decode().split("\0")
    os.close(reading)
    host_pid, folder = int(said_pid), Path(said_folder)
    family = descendants(host_pid)
    supervisor = next(child for child, (parent, _) in processes().items() if parent == host_pid)
    doomed = {"parent": family | {host_pid}, "host": family, "supervisor": family - {supervisor}}[victim]
    os.kill({"parent": pid, "host": host_pid, "supervisor": supervisor}[victim], signal.SIGKILL)
    assert wait_until(lambda: not any(map(alive, doomed)))
    if victim != "parent":
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert wait_until(lambda: not alive(host_pid))
    sweep()
    assert not folder.exists()


def _live_with_engines(settings: Settings, release: Path, writing: int) -> None:
    """In a child: start a host and wait to be killed."""
    host = start_host(settings)
    Engines(host.settings).open(release.name)
    os.write(writing, f"{host.pid}\0{Path(host.settings.engine_socket).parent}".encode())
    time.sleep(PATIENCE)
    os._exit(1)


def test_a_host_that_died_can_be_started_again(settings: Settings, release: Path) -> None:
    """Web processes go on with the socket they know."""
    with start_host(settings) as host, Engines(host.settings) as engines:
        assert value(engines.run(release.name, Query(lookup(1)))) == "1"
        family = descendants(host.pid)
        os.kill(host.pid, signal.SIGKILL)
        assert wait_until(lambda: not host.is_alive() and not any(map(alive, family)))
        # A query meanwhile waits for it.
        thread, outcome = in_background(lambda: value(engines.run(release.name, Query(lookup(2)))))
        host.restart()
        thread.join()
        assert outcome == ["2"]


def test_a_large_release_is_served_from_disk_until_it_is_in_memory(settings: Settings, tmp_path: Path) -> None:
    """The first engines answer at once; those in memory take over, and no query is lost when they do."""
    quads = [Quad(NamedNode(f"{EX}{i}"), NamedNode(EX + "p"), Literal(i)) for i in range(50_000)]
    release = publish(quads, tmp_path).path
    manifest = json.loads((release / "manifest.json").read_text())
    (release / "manifest.json").write_text(json.dumps({**manifest, "quads": 1_000_000}))
    # Again, if it was in memory before the first answer was seen.
    assert any(_first_modes(settings, release) == ["disk", "memory"] for _ in range(5))


def _first_modes(settings: Settings, release: Path) -> list[str]:
    """Looks up until a release is in memory; returns where it was held after the first answer."""
    seen: list[list[str]] = []
    with start_host(settings.with_changes(releases=release.parent)) as host, Engines(host.settings) as engines:
        while ["memory"] not in seen:
            number = len(seen) % 50_000
            assert value(engines.run(release.name, Query(lookup(number)))) == str(number)
            supervisors = wire.consult(host.settings.engine_socket, {"list": True})["open"][release.name]
            seen.append([supervisor["mode"] for supervisor in supervisors])
        assert engines.figures()[release.name].get("crashed", 0) == 0
    return seen[0]


def test_a_supervisor_that_died_is_replaced(settings: Settings, release: Path) -> None:
    """By the next query, after a pause that keeps a broken release from eating the machine."""
    with start_host(settings) as host, Engines(host.settings) as engines:
        engines.open(release.name)
        (supervisor,) = (child for child, (parent, _) in processes().items() if parent == host.pid)
        os.kill(supervisor, signal.SIGKILL)
        wait_until(lambda: not alive(supervisor))
        assert value(engines.run(release.name, Query(lookup(4)))) == "4"


def test_a_release_that_cannot_be_read_is_an_error(settings: Settings, tmp_path: Path) -> None:
    """Not a wait without end."""
    (tmp_path / "broken" / "store").mkdir(parents=True)
    (tmp_path / "broken" / "store" / "CURRENT").write_text("nothing\n")
    with changed(settings, releases=tmp_path) as engines, pytest.raises((EngineFailed, Busy)):
        engines.run("broken", Query("ASK {}"))


def test_engines_rest_until_connections_wait(
    settings: Settings, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §8) One for each web process is there; another is started when it is needed, and ends when it is not."""
    monkeypatch.setattr(supervisor, "_IDLE_BEFORE_RESTING", 0.3)
    # Not those that capture the output of tests.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(sys, "stdin", sys.__stdin__)
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    for name, value_ in settings.with_changes(workers=1, engines=3).as_environment().items():
        monkeypatch.setenv(name, value_)
    control, listener = listen(tmp_path / "control"), listen(tmp_path / "query")
    assignment = Assignment(release, "memory", str(tmp_path / "control"), listener)
    process = ForkedProcess(partial(supervise, assignment, control), [control.fileno(), listener.fileno()])

    def figure(name: str) -> int:
        return int(wire.consult(assignment.control, {"running": True})["figures"][name])

    def starts_another() -> bool:
        with contextlib.ExitStack() as stack:
            channels = [wire.connect(str(tmp_path / "query"), PATIENCE) for _ in range(2)]
            for channel in channels:
                stack.callback(channel.close)
                assert channel.receive(PATIENCE)[0] == wire.HELLO
            return figure("started") == 2

    try:
        assert process.stdout.readline() == b"ready\n"
        assert (figure("engines"), figure("started")) == (1, 1)
        # Again, if the first engine was ready for both connections before another was.
        assert any(starts_another() for _ in range(5))
        # It rests after a third of a second.
        assert wait_until(lambda: figure("engines") == 1)
    finally:
        stop(process, 2.0)
        control.close()
        listener.close()


def test_engines_inherit_no_descriptors(run: Callable[..., Answer], host: HostProcess) -> None:
    """What an engine could write to: its connection, the socket it listens on, and the log."""
    run(lookup(1))
    looked_at = 0
    for pid in engines_below(host):
        try:
            names = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        except FileNotFoundError:
            continue  # one that a test before has worn out, and that ends now
        looked_at += 1
        sockets = [name for name in names if name.startswith("socket:")]
        assert len(sockets) <= 2 + _sockets_of_standard_streams()
        assert not [name for name in names if "eventpoll" in name]
    assert looked_at


def _sockets_of_standard_streams() -> int:
    return sum(str(Path(f"/proc/self/fd/{number}").readlink()).startswith("socket:") for number in range(3))
