"""What hostile clients send, to a real server: each ends cleanly and in time, and nobody else notices."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from citygraph.engine.engines import Engines
from citygraph.engine.process import servers
from citygraph.errors import EngineFailed
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import MIB, Settings
from tests.lookups import ADDRESS
from tests.running import PATIENCE, Reply, Running, is_running, serving, wait_for

Built = tuple[Releases, Release, Report]
REPOSITORY = Path(__file__).parents[1]
LIMIT = 2.0
# Seconds until an answer, and after the limit until a process has ended. A busy machine is late by many seconds;
# without the limit, most queries here would be evaluated for minutes.
IN_TIME = LIMIT + 60.0
GONE_AFTER = 20.0
MOST_TIMES_SLOWER = 5
# A machine that is busy with other things answers a few lookups late by itself.
FLOOR = 0.05
QUIET_SECONDS = 0.15

GOES_ON = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 200000"


def nested(number: int, opening: str, closing: str, core: str = "") -> str:
    return opening * number + core + closing * number


# Nesting and operators are just above the limits, 200 levels and 2,000 operators (13.38).
QUERIES: dict[str, tuple[str, set[int]]] = {
    "cross join": (GOES_ON, {503}),
    "sorted cross join": ("SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c ?f", {503}),
    "path of anything": ("SELECT (COUNT(*) AS ?n) { ?s (rdf:type|!rdf:type)* ?o }", {200, 503}),
    "10 MB": ("SELECT * { ?s ?p '" + "x" * 10_000_000 + "' }", {413}),
    "10 MB of comment": ("ASK {} #" + "x" * 10_000_000, {413}),
    "250 parentheses": (f"ASK {{ FILTER({nested(250, '(', ')', '1')}) }}", {413}),
    "250 groups": (f"ASK {nested(250, '{', '}')}", {413}),
    "250 [ ]": (f"ASK {{ {nested(250, '[ ?p ', ' ]', '[]')} ?p ?o }}", {413}),
    "250 collections": (f"ASK {{ {nested(250, '( ', ' )', '1')} ?p ?o }}", {413}),
    "250 !": (f"ASK {{ FILTER({'!' * 250}true) }}", {413}),
    "250 sub-selects": (f"SELECT * {nested(250, '{ SELECT * ', ' }', '{}')}", {413}),
    "250 calls": (f"ASK {{ FILTER({nested(250, 'STR(', ')', '1')} = '1') }}", {413}),
    "2,010 UNION": (f"SELECT * {{ {' UNION '.join(['{ ?s ?p ?o }'] * 2_010)} }}", {413}),
    "2,010 +": (f"SELECT ({' + '.join(['1'] * 2_010)} AS ?n) {{}}", {413}),
    "2,010 ||": (f"ASK {{ FILTER({' || '.join(['true'] * 2_010)}) }}", {413}),
    "2,010 path steps": (f"ASK {{ ?s {'/'.join(['rdf:type'] * 2_010)} ?o }}", {413}),
    "2,010 path alternatives": (f"ASK {{ ?s ({'|'.join(['rdf:type'] * 2_010)})* ?o }}", {413}),
    "100,000 prefixes": ("".join(f"PREFIX p{n}: <http://x/{n}>\n" for n in range(100_000)) + "ASK {}", {413}),
    "prefixes within the length": ("".join(f"PREFIX p{n}:<x:>\n" for n in range(50_000)) + "ASK {}", {200, 413}),
    "200,000 rows of VALUES": (f"SELECT (COUNT(*) AS ?n) {{ VALUES ?x {{ {'1 ' * 200_000} }} }}", {200}),
    "IN with 100,000": (f"SELECT * {{ ?s ?p ?o FILTER(?o IN ({', '.join(map(str, range(100_000)))})) }}", {200, 503}),
    "catastrophic regex": (f"ASK {{ FILTER(REGEX('{'a' * 5000}!', '^(a+)+$')) }}", {200}),
    "regex that grows": ("ASK { ?s ?p ?o FILTER(REGEX(STR(?o), '((a{1,100}){1,100}){1,100}')) }", {200, 503}),
    "GROUP_CONCAT of everything": ("SELECT (GROUP_CONCAT(CONCAT(STR(?s), STR(?p), STR(?o))) AS ?all) { ?s ?p ?o }",
                                   {200}),
    "GROUP_CONCAT of a cross join": ("SELECT (GROUP_CONCAT(STR(?c)) AS ?all) { ?a ?b ?c . ?d ?e ?f }", {503}),
    "FILTER NOT EXISTS": ("SELECT (COUNT(*) AS ?n) { ?a ?b ?c FILTER NOT EXISTS { ?d ?e ?c . ?d ?f ?a } }", {200, 503}),
    "text that doubles": ("SELECT (STRLEN(?z) AS ?n) { BIND('%s' AS ?a)" % ("x" * 1000) + "".join(
        f" BIND(CONCAT(?{a}, ?{a}, ?{a}, ?{a}) AS ?{b})" for a, b in zip("abcdefghijkl", "bcdefghijklz", strict=True)
    ) + " }", {503}),
    "result of gigabytes": ("SELECT * { ?a ?b ?c . ?d ?e ?f }", {0}),
    "CONSTRUCT of a cross join": ("CONSTRUCT { ?a ?e ?i } { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", {0, 503}),
    "DESCRIBE of everything": ("DESCRIBE * { ?s ?p ?o }", {0, 200, 503}),
}  # fmt: skip


@dataclass
class Siege:
    """A server under attack, beside it a client that looks things up, and what was seen of engines."""

    server: Running
    engines: Engines
    log: Path
    loud: list[tuple[float, float]] = field(default_factory=list)
    # When the query of an engine process began, by the query.
    seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    overdue: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    closed_after: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dribbling = threading.Thread(target=dribble, args=(self.server.port, self.closed_after))

    @contextlib.contextmanager
    def attack(self) -> Iterator[None]:
        """What happens in the block is hostile; some quiet after it, to compare with."""
        begun = time.monotonic()
        yield
        self.loud.append((begun, time.monotonic()))
        time.sleep(QUIET_SECONDS)

    def watch(self) -> None:
        """Look at the processes of running queries, until all is over: none may live long after its limit."""
        while not self.ended.wait(0.05):
            with contextlib.suppress(EngineFailed):
                self._look()
            for query_id, (pid, begun) in list(self.seen.items()):
                over = time.monotonic() - begun - LIMIT
                if not is_running(pid):
                    del self.seen[query_id]
                elif over > GONE_AFTER:
                    is_reused = self._has_another(pid, query_id)
                    if _computes(pid) and not is_reused and not self._has_another(pid, query_id):
                        self.overdue.append(f"{query_id}: {over:.2f} s over")
                    del self.seen[query_id]

    def _look(self) -> None:
        """Note the hostile queries that run, and forget those that were answered before their limit."""
        now = time.monotonic()
        listed = {running.id: running for running in self.engines.running() if running.client != ADDRESS}
        for running in listed.values():
            self.seen.setdefault(running.id, (running.pid, time.monotonic() - running.age))
        answered = [key for key, (_, begun) in self.seen.items() if key not in listed and now - begun < LIMIT]
        for query_id in answered:
            # Its process may live, and be busy with another one.
            del self.seen[query_id]

    def _has_another(self, pid: int, query_id: str) -> bool:
        """Whether a process evaluates another query by now, because this one was answered before its limit."""
        with contextlib.suppress(EngineFailed):
            return any(running.pid == pid and running.id != query_id for running in self.engines.running())
        return False

    def lookups(self) -> tuple[list[float], list[float]]:
        """Seconds of the lookups during attacks, and of those in between."""
        loud: list[float] = []
        quiet: list[float] = []
        for line in self.log.read_text().splitlines()[20:]:
            begun, seconds, status = line.split()
            assert status == "200", line
            end = float(begun) + float(seconds)
            during = any(float(begun) < until and end > since for since, until in self.loud)
            (loud if during else quiet).append(float(seconds))
        return loud, quiet


def _computes(pid: int) -> bool:
    """Whether a process is there and works without rest."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        before = _ticks(pid)
        time.sleep(0.1)
        # A tick is ten milliseconds; who works without end has nine of them, or half as many on a busy machine.
        return _ticks(pid) - before >= 3
    return False


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture(scope="module")
def siege(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    log = tmp_path_factory.mktemp("siege") / "lookups"
    settings = Settings(releases=built[0].root)
    limits: dict[str, Any] = {
        "time_limit": LIMIT,
        "memory_limit": 256 * MIB,
        "queue_wait": 1.0,
        "spool_limit": 64 * MIB,
    }
    with serving(built[0].root, **limits) as server:
        command = [sys.executable, "-m", "tests.lookups", str(server.port), str(log)]
        client = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE)
        # A server of another test may stand on the same releases: ours is the last that was started.
        siege = Siege(server, Engines(_server_of(settings, server.process.pid)), log)
        watch = threading.Thread(target=siege.watch)
        watch.start()
        time.sleep(1.0)
        siege.dribbling.start()
        yield siege
        siege.ended.set()
        watch.join()
        assert client.stdin
        client.stdin.close()
        client.wait(PATIENCE)


def _server_of(settings: Settings, pid: int) -> Settings:
    (beacon,) = settings.releases.glob(f".serving-*-{pid}")
    return next(server for server in servers(settings) if server.engine_socket == beacon.read_text())


# What is known of a result that was cut: the server sent 200 before its query reached a limit.
CUT = Reply(0, {}, b"")


def ask(server: Running, text: str) -> tuple[Reply, float]:
    begun = time.monotonic()
    try:
        reply = server.get("/sparql", "POST", text.encode(), content_type="application/sparql-query")
    except http.client.IncompleteRead:
        reply = CUT
    return reply, time.monotonic() - begun


def assert_clean(reply: Reply, statuses: set[int]) -> None:
    """A result, or a problem with a type that says what it is, or a cut; never a page of the server.

    On a busy machine any query that is evaluated may reach its limit of time, or find no engine in time. One that is
    too long or too deep is refused before.
    """
    problem = json.loads(reply.body) if reply.status not in (0, 200) else {}
    is_late = statuses != {413} and problem.get("type", "").rpartition("/")[2] in ("time-limit", "busy")
    assert reply.status in statuses or is_late, reply.body[:500]
    if problem:
        assert reply.headers["content-type"] == "application/problem+json"
        assert problem["status"] == reply.status
        assert problem["type"].startswith("https://w3id.org/citygraph/problems/")
        assert problem["detail"]
    if reply.status == 503:
        assert int(reply.headers["retry-after"]) > 0


# queries


@pytest.mark.parametrize("name", QUERIES)
def test_a_hostile_query_ends_cleanly_and_in_time(siege: Siege, name: str) -> None:
    """With its result, or with a problem that names the limit."""
    text, statuses = QUERIES[name]
    with siege.attack():
        reply, seconds = ask(siege.server, text)
    assert_clean(reply, statuses)
    assert seconds < IN_TIME


# connections


def raw(siege: Siege, request: bytes, wait: float = IN_TIME) -> bytes:
    """What the server answers to these bytes, until it closes or has said nothing for long."""
    with socket.create_connection(("127.0.0.1", siege.server.port), timeout=wait) as connection:
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
                if b"\r\n\r\n" in answer and _is_whole(answer):
                    break
        return answer


def _is_whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(lengths) and len(body) >= int(lengths[0])


def get(target: bytes, method: bytes = b"GET", more: bytes = b"") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n"


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (get(b"example.com:443", b"CONNECT"), {400, 404, 405}),
        (get(b"/sparql", b"CONNECT"), {400, 405}),
        (get(b"/sparql", b"BREW"), {400, 405}),
        (get(b"/sparql?query=ASK%20%7B%7D%zz"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D%"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D%00"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D\x00"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D%FF"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D\xff"), {400}),
        (get(b"/sparql?query=ASK%20%7B%7D%ED%A0%80"), {400}),
        (get(b"/sparql?query=ASK%7B%7D&format=json%0D%0AX-Evil:%201"), {400, 406}),
        (get(b"/sparql?query=ASK%7B%7D&default-graph-uri=http://x/%0D%0AX-Evil:1"), {400}),
        (get(b"/sparql?query=ASK%7B%7D", more=b"X-Citygraph-Query-Id: a\rX-Evil: 1\r\n"), {400}),
        (get(b"/sparql?query=ASK%7B%7D&query=ASK%7B%7D"), {400}),
        (get(b"/sparql?" + b"&".join([b"a=b"] * 6000)), {400, 414, 431}),
        (get(b"/sparql?query=" + b"x" * 500_000), {400, 414, 431}),
        (get(b"/sparql", more=b"X: " + b"x" * 500_000 + b"\r\n"), {200, 400, 431}),
        (get(b"/sparql", more=b"X: y\r\n" * 5000), {400, 431}),
        (get(b"/sparql?query=ASK%7B%7D", more=b"Accept: " + b"a/b;q=0.5," * 20_000 + b"\r\n"), {200, 400, 406, 431}),
        (get(b"/sparql?query=ASK%7B%7D", more=b"If-None-Match: " + b'"x",' * 20_000 + b"\r\n"), {200, 400, 431}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Length: -1\r\n"), {400}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Length: 9999999999\r\n"), {413}),
        (get(b"/sparql", b"POST", b"Content-Length: 0\r\n"), {415}),
        (get(b"/sparql", b"POST", b"Content-Type: application/json\r\nContent-Length: 2\r\n") + b"{}", {415}),
        (get(b"/sparql", b"POST", b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n")
         + b'{"query": 1}', {400}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Length: 11\r\n")
         + b"query=ASK{}", {400}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Length: 4\r\n")
         + b"\xff\xfe\x00\x01", {400}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Encoding: gzip\r\n"
             b"Content-Length: 6\r\n") + b"ASK {}", {415}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query;charset=utf-16\r\nContent-Length: 6\r\n")
         + b"ASK {}", {415}),
        (get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nTransfer-Encoding: chunked\r\n")
         + b"zz\r\nASK {}\r\n0\r\n\r\n", {400}),
        (get(b"/doc" + b"/x" * 400, more=b"Accept: application/json\r\n"), {404}),
        (get(b"/doc/city/%F0%9F%8F%99/../bremen.ttl", more=b"Accept: application/json\r\n"), {404}),
        (get(b"/id/city/a%0D%0AX-Evil:%201", more=b"Accept: application/json\r\n"), {400, 404}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {0, 400}),
        (b"GET /sparql HTTP/9.9\r\n\r\n", {0, 400, 505}),
    ],
)  # fmt: skip
def test_a_hostile_request_is_refused(siege: Siege, request_: bytes, statuses: set[int]) -> None:
    """With a status that says whose fault it is, or, where it is no HTTP, with a closed connection."""
    with siege.attack():
        answer = raw(siege, request_)
    status = int(answer.split()[1]) if answer else 0
    assert status in statuses, answer[:500]
    assert b"x-evil" not in answer.lower().partition(b"\r\n\r\n")[0]
    assert b"Traceback" not in answer


def test_the_asterisk_is_no_address_but_has_methods(siege: Siege) -> None:
    """OPTIONS * asks about the server as a whole (RFC 9110, 9.3.7)."""
    answer = raw(siege, get(b"*", b"OPTIONS", b"Connection: close\r\n"))
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"\r\nallow: " in answer.lower()
    assert raw(siege, get(b"*", b"GET", b"Connection: close\r\n")).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("text", [GOES_ON, "SELECT * { ?a ?b ?c . ?d ?e ?f }"], ids=["computes", "streams"])
def test_clients_that_leave_harm_nobody(siege: Siege, text: str) -> None:
    """Five ask, and are gone before the answer: their engines end with the limit, which the watch has an eye on."""
    with siege.attack():
        for _ in range(5):
            connection = socket.create_connection(("127.0.0.1", siege.server.port))
            connection.sendall(get(b"/sparql?query=" + quote(text).encode()))
            connection.close()
        time.sleep(LIMIT + 0.5)
        wait_for(lambda: ask(siege.server, "ASK { city:izmir ?p ?o }")[0].status == 200, IN_TIME)


def test_clients_that_read_slowly_harm_nobody(siege: Siege) -> None:
    """Ten take a large result a few bytes at a time: the engine is not theirs any more, and others get theirs."""
    with siege.attack():
        connections = []
        for number in range(10):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", siege.server.port))
            query = quote(f"{LARGE} OFFSET {number}").encode()
            connection.sendall(get(b"/sparql?format=csv&query=" + query))
            connections.append(connection)
        time.sleep(LIMIT + 1.0)
        for connection in connections:
            assert connection.recv(64).startswith(b"HTTP/1.1 ")
        wait_for(lambda: ask(siege.server, "ASK { city:izmir ?p ?o ; ?q ?r }")[0].status == 200, IN_TIME)
        for connection in connections:
            connection.close()


def test_bodies_that_do_not_come_harm_nobody(siege: Siege) -> None:
    """Forty say that they send a query, and do not; another client's POST is taken."""
    head = get(b"/sparql", b"POST", b"Content-Type: application/sparql-query\r\nContent-Length: 1000\r\n")
    with siege.attack():
        connections = [socket.create_connection(("127.0.0.1", siege.server.port)) for _ in range(40)]
        for connection in connections:
            connection.sendall(head + b"ASK")
        time.sleep(0.5)
        other = http.client.HTTPConnection(
            "127.0.0.1", siege.server.port, timeout=PATIENCE, source_address=("127.0.0.3", 0)
        )
        other.request("POST", "/sparql", b"ASK {}", {"Content-Type": "application/sparql-query"})
        status = other.getresponse().status
        other.close()
        for connection in connections:
            connection.close()
    assert status == 200


def test_two_hundred_connections_at_once(siege: Siege) -> None:
    """Each is answered: with a result, or told to come back; a client's own limit keeps room for the others."""
    replies: list[Reply] = []

    def work(number: int) -> None:
        text = f"SELECT ({number} AS ?x) {{}}" if number % 2 else f"{GOES_ON} #{number}"
        replies.append(siege.server.get("/sparql?query=" + quote(text)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(200)]
    with siege.attack():
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - begun
    assert len(replies) == 200
    for reply in replies:
        assert_clean(reply, {200, 429, 503})
    assert seconds < IN_TIME


def dribble(port: int, closed_after: list[float]) -> None:
    """A hundred connections that send a byte of their headers a second; how long until the server had closed all."""
    connections = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(100)]
    begun = time.monotonic()
    for connection in connections:
        connection.sendall(b"GET /sparql HTTP/1.1\r\nHost: x\r\n")
    with contextlib.suppress(OSError):
        while time.monotonic() - begun < 9:
            for connection in connections:
                connection.sendall(b"X")
            time.sleep(1)
    for connection in connections:
        with contextlib.suppress(ConnectionError):
            while connection.recv(1024):
                pass
        connection.close()
    closed_after.append(time.monotonic() - begun)


def test_headers_that_dribble_are_cut_off(siege: Siege) -> None:
    """Ten seconds are enough for any headers; all that is tested here went on meanwhile."""
    siege.dribbling.join()
    assert siege.closed_after
    # The test itself would wait for two minutes.
    assert siege.closed_after[0] < PATIENCE / 2


# meanwhile


def test_no_engine_outlived_its_query(siege: Siege) -> None:
    """After all of the above: none computed on long after its limit."""
    wait_for(lambda: not siege.seen)
    assert not siege.overdue


def test_lookups_went_on_throughout(siege: Siege) -> None:
    """All of a second client's were answered, half of them within five times the median of quiet moments.

    Quiet and loud lie side by side in time, so that what else the machine does weighs on both. Nearly none waited for a
    hostile query to end.
    """
    loud, quiet = siege.lookups()
    assert min(len(loud), len(quiet)) > 20
    for name, seconds in (("loud", loud), ("quiet", quiet)):
        p99 = statistics.quantiles(seconds, n=100)[98]
        print(f"{name}: median {statistics.median(seconds):.4f} s, p99 {p99:.4f} s of {len(seconds)}")  # noqa: T201
    assert statistics.median(loud) < MOST_TIMES_SLOWER * max(statistics.median(quiet), FLOOR)
    assert statistics.quantiles(loud, n=10)[8] < LIMIT
