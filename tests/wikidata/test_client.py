"""The door to the network: polite, patient, and never asking twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from citygraph.client import RetryPolicy
from citygraph.errors import Upstream, UsageError
from citygraph.wikidata.client import Client, over_http
from tests.wikidata.conftest import MakeClient
from tests.wikidata.endpoint import Endpoint

QUERY = "SELECT ?item WHERE { ?item <http://www.wikidata.org/prop/P190> ?statement } ORDER BY ?item LIMIT 1"
FIRST = "http://www.wikidata.org/entity/Q9000001"


@pytest.mark.parametrize(
    ("faults", "expected_waits"),
    [
        (["429 7"], [7.0]),
        (["429 Fri, 20 Nov 2026 00:00:42 GMT"], [42.0]),
        (["429 Thu, 19 Nov 2026 00:00:00 GMT"], [1.0]),
        (["429 soon"], [1.0]),
        (["500", "503"], [1.0, 2.0]),
        (["503 90"], [90.0]),
        (["cut"], [1.0]),
        (["cut-without-length"], [1.0]),
        (["timeout-page"], [1.0]),
        (["rows-then-timeout-page"], [1.0]),
        (["drop", "drop", "drop"], [1.0, 2.0, 4.0]),
    ],
    ids=lambda value: "+".join(map(str, value)),
)
def test_a_fault_is_waited_out(
    invented: Endpoint, client_of: MakeClient, waits: list[float], faults: list[str], expected_waits: list[float]
) -> None:
    """Each fault is asked again after the wait that the service names, or after one that doubles."""
    invented.faults.extend(faults)
    answer = client_of(invented).select(QUERY)
    assert [row["item"]["value"] for row in answer.rows] == [FIRST]
    assert waits == expected_waits
    assert len(invented.queries) == len(faults) + 1


def test_the_wait_is_never_in_step_with_others(tmp_path: Path) -> None:
    """Jitter takes up to half of the wait away."""
    waits: list[float] = []
    client = Client(
        "http://127.0.0.1:1/", over_http("http://127.0.0.1:1/", "me@example.org"), tmp_path,
        policy=RetryPolicy(attempts=3), sleep=waits.append, random=lambda: 0.5,
    )  # fmt: skip
    with pytest.raises(Upstream, match=r"http://127\.0\.0\.1:1/ failed 3 time\(s\): connection: .*refused"):
        client.select(QUERY)
    assert waits == [0.75, 1.5]


def test_retries_are_reported_at_once(tmp_path: Path) -> None:
    """The first request and each wait, before it begins; with the reason (13.23)."""
    events: list[str] = []
    client = Client(
        "http://127.0.0.1:1/", over_http("http://127.0.0.1:1/", "me@example.org"), tmp_path,
        policy=RetryPolicy(attempts=3), sleep=lambda wait: events.append(f"sleep {wait}"), random=lambda: 1.0,
        notice=events.append,
    )  # fmt: skip
    with pytest.raises(Upstream):
        client.select(QUERY)
    assert events[::2] == ["querying http://127.0.0.1:1/", "sleep 1.0", "sleep 2.0"]
    assert "refused" in events[1]
    assert events[1].endswith("; attempt 2 of 3 in 1 s")
    assert events[3].endswith("; attempt 3 of 3 in 2 s")


def test_a_silent_service_is_left(invented: Endpoint, client_of: MakeClient) -> None:
    """A socket that says nothing is a fault; the next try may do better."""
    invented.faults.append("silent 0.5")
    assert client_of(invented, attempts=20, socket_timeout=0.2).select(QUERY).rows


def test_a_dripping_answer_is_left(invented: Endpoint, client_of: MakeClient) -> None:
    """Bytes that trickle in keep a socket awake for ever, but not us."""
    invented.faults.append("drip 1")
    assert client_of(invented, attempts=20, socket_timeout=60, whole_timeout=0.3).select(QUERY).rows


def test_a_slow_answer_is_waited_for(invented: Endpoint, client_of: MakeClient, waits: list[float]) -> None:
    """Slow is no fault."""
    invented.slowness = 0.3
    assert client_of(invented, socket_timeout=60).select(QUERY).rows
    assert waits == []


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (["400"], r"failed 1 time\(s\): HTTP 400"),
        (["429 3600"], r"failed 1 time\(s\): HTTP 429.*; it asks to wait 3600 s"),
        (["timeout-page"] * 4, r"failed 4 time\(s\): the response is not a complete SPARQL result: 'SPARQL-QUERY: "),
    ],
)
def test_it_gives_up_and_says_what_and_where(
    invented: Endpoint, client_of: MakeClient, faults: list[str], message: str
) -> None:
    """A query that is wrong is not repeated; a service that wants us away for an hour is left."""
    invented.faults.extend(faults)
    with pytest.raises(Upstream, match=f"{invented.address} {message}"):
        client_of(invented).select(QUERY)


def test_an_answer_on_disk_is_not_asked_for_again(invented: Endpoint, client_of: MakeClient, tmp_path: Path) -> None:
    """Answers are kept by endpoint and query; a damaged or old one is asked for again."""
    first = client_of(invented).select(QUERY)
    again = client_of(invented)
    assert again.select(QUERY) == first
    assert (again.requests, again.cached, len(invented.queries)) == (0, 1, 1)
    client_of(invented, newer_than="2026-11-21T00:00:00Z").select(QUERY)
    assert len(invented.queries) == 2
    kept = next((tmp_path / "cache").rglob("*.json"))
    assert json.loads(kept.read_text())["query"] == QUERY
    kept.write_text(kept.read_text()[:100])
    assert client_of(invented).select(QUERY) == first
    assert len(invented.queries) == 3
    assert not list((tmp_path / "cache").rglob("*.part"))


def test_it_says_who_is_calling(invented: Endpoint, client_of: MakeClient) -> None:
    """Wikimedia wants a User-Agent with a way to reach the caller."""
    client_of(invented).select(QUERY)
    (agent,) = invented.agents
    assert agent.startswith("citygraph/")
    assert agent.endswith("(test@example.org)")
    with pytest.raises(UsageError, match="CITYGRAPH_WIKIDATA_CONTACT"):
        over_http(invented.address, " ")
