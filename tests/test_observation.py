"""What is observed of a request: its id, and what its line in the log says."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from citygraph.engine.client_watch import ClientGone
from citygraph.errors import LimitReached
from citygraph.logs import FIELDS
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query
from citygraph.web import create_app
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.metrics import IN_PROGRESS, Metrics
from citygraph.web.http.observation import RequestObserver
from tests.inprocess import InProcess
from tests.world import small_world


class Slow(InProcess):
    """An engine whose queries exceed their limit if they say so."""

    def run(self, release_id: str, query: Query, *args: Any, **named: Any) -> Any:
        """Raises, or evaluates."""
        if "?slow" in query.text:
            raise LimitReached("the query was ended", "time", 1, 1)
        return super().run(release_id, query, *args, **named)


@pytest.fixture
def client(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO, "citygraph.requests")
    engine = Slow(small_world())
    return create_app(Settings(log_requests=True), engine, engine).test_client()


def last(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The members of the last line about a request."""
    fields: dict[str, Any] = getattr(caplog.records[-1], FIELDS)
    return fields


@pytest.mark.parametrize("given", ["5f0c-2b1e", "a" * 128, "AZaz09._+/=:-"])
def test_an_id_is_taken_over(client: Any, caplog: pytest.LogCaptureFixture, given: str) -> None:
    """(18) In the response, in problem+json and in the log."""
    reply = client.get("/nothing", headers={"X-Request-Id": given})
    assert reply.headers.getlist("X-Request-Id") == [given]
    assert json.loads(reply.data)["request_id"] == given == last(caplog)["request_id"]


@pytest.mark.parametrize("given", ["", "a b", "a\tb", "İ", "a" * 129, '"', "<script>", "a;b", "%0a"])
def test_an_id_that_could_forge_something_is_replaced(client: Any, given: str) -> None:
    """(18) By one of our own, which differs each time."""
    ids = {client.get("/nothing", headers={"X-Request-Id": given}).headers["X-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert given not in ids


def test_a_line_says_what_came_of_a_request(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """(18) Method, path, status, bytes, milliseconds, release and outcome; never what follows the question mark."""

    def outcome(path: str, **headers: str) -> tuple[int, str]:
        reply = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        line = last(caplog)
        assert (line["method"], line["path"], line["bytes"]) == ("GET", path.partition("?")[0], len(reply.data))
        assert 0 < line["ms"] < 60_000
        assert "secret" not in caplog.text
        return line["status"], line["outcome"]

    ask = "/sparql?secret=1&query="
    city = ask.replace("secret=1&", "") + quote("SELECT ?secret { ?secret a cg:City }")
    assert outcome(city) == (200, "ok")
    assert last(caplog)["release"] == "2026-01-01T000000Z-0123456789ab"
    assert outcome(city) == (200, "cached")
    assert outcome(city, If_None_Match="*") == (304, "not modified")
    assert outcome("/sparql?query=" + quote("SELECT ?slow { ?slow ?p ?o }")) == (503, "timed out")
    assert outcome(ask + "x") == (400, "refused")
    assert outcome("/secretless".replace("secret", "name") + "?token=secret") == (404, "refused")


class Body:
    """A body in two pieces, of which the second may fail; `closed` counts."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        if self.fails:
            raise LimitReached("over", "time", 1, 1)
        yield b"two"

    def close(self) -> None:
        """It is let go of."""
        self.closed += 1


@pytest.mark.parametrize(
    ("pieces", "fails", "size", "outcome"), [(3, False, 6, "ok"), (1, False, 3, "client gone"), (3, True, 3, "cut")]
)
def test_a_body_in_pieces_is_recorded_at_its_end(
    caplog: pytest.LogCaptureFixture, pieces: int, fails: bool, size: int, outcome: str
) -> None:
    """(18) With the bytes that were sent: whole, left by its client, or cut; once, however often it is closed."""
    caplog.set_level(logging.INFO, "citygraph.requests")
    metrics = Metrics()
    observer = RequestObserver(Settings(log_requests=True), metrics)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "REMOTE_ADDR": "192.0.2.1"}
    begun = observer.begin(environ)
    body = Body(fails)
    reply = Reply(200, [], body)
    observer.end(Request(environ), reply, begun)
    assert (metrics.sums().present[IN_PROGRESS], caplog.records) == (1, [])
    sent: Any = reply.body
    iterator = iter(sent)
    try:
        for _ in range(pieces):
            next(iterator, None)
    except LimitReached:
        assert fails
    del iterator
    sent.close()
    sent.close()
    assert (last(caplog)["bytes"], last(caplog)["outcome"], len(caplog.records)) == (size, outcome, 1)
    assert (metrics.sums().present[IN_PROGRESS], body.closed > 0) == (0, True)


@pytest.mark.parametrize(("end", "counted"), [(ClientGone(), [("other", "499", 1)]), (KeyboardInterrupt(), [])])
def test_a_request_without_a_reply_is_no_longer_in_progress(
    caplog: pytest.LogCaptureFixture, end: BaseException, counted: list[tuple[str, str, int]]
) -> None:
    """(18) A client that left while its query ran is counted; a request that is begun again is not."""
    caplog.set_level(logging.INFO, "citygraph.requests")
    metrics = Metrics()
    observer = RequestObserver(Settings(log_requests=True), metrics)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "REMOTE_ADDR": "192.0.2.1"}
    observer.drop(Request(environ), observer.begin(environ), end)
    assert list(metrics.sums().requests()) == counted
    assert metrics.sums().present[IN_PROGRESS] == 0
    assert [getattr(record, FIELDS)["outcome"] for record in caplog.records] == ["client gone"] * len(counted)
