"""Queries that a web process evaluates itself: the replies are those of the engines, byte for byte (16 §1)."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from citygraph.commit.change import Change, GraphWrite, Payload
from citygraph.commit.commit import Followup, commit
from citygraph.commit.rollback import rollback
from citygraph.engine.engines import Answer
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.statistics import read_statistics
from citygraph.web import create_app
from citygraph.web.http.messages import QUICK, NeedsThread
from tests.small import build_small

COMMENT = "http://www.w3.org/2000/01/rdf-schema#comment"
FORMATS = ["json", "xml", "csv", "tsv", "sheet", "md", "ttl", "text/html", "application/unknown"]
CONSTANTS = ["city:izmir", "city:bremen", "city:nowhere", "agreement:izmir-bremen", "country:turkiye", "cg:City"]
PREDICATES = ["a", "rdfs:label", "cg:party", "cg:country", "cg:twinnedWith", "cg:protocolDate", "cg:currentState", "?p"]
FILTERS = [
    "",
    "FILTER(LANG(?b) = 'en')",
    "FILTER(BOUND(?c) && STR(?b) != 'x')",
    "FILTER(?a != city:izmir)",
    "FILTER(BOUND(?c) = TRUE)",
    "FILTER(?a",
]
HEADS = ["SELECT *", "SELECT DISTINCT ?a ?b", "SELECT ?c ?nowhere", "ASK", "ASK WHERE", "PREFIX city: <urn:> SELECT *"]
ends = st.one_of(st.sampled_from(["?a", "?b", "?c"]), st.sampled_from(CONSTANTS))
patterns = st.tuples(ends, st.sampled_from(PREDICATES), ends).map(" ".join)


@dataclass
class EnginesOnDisk:
    """What engines do, on the store on the disk; `asked` are the queries that came to them."""

    releases: Releases
    asked: list[Query] = field(default_factory=list)

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Evaluates a query."""
        assert not federated
        self.asked.append(query)
        out = io.BytesIO()
        result = evaluate(self.releases.get(release_id).open_store(), query)
        rows = result.write(out)
        return Answer(result.format, out.getvalue(), 0.001, rows, release_id)


@dataclass
class EventLoop:
    """Calls the application as the event loop does: a request that is quick here, any other as a thread would."""

    application: Any
    engines: EnginesOnDisk
    quick: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answers a request."""
        if self.application.is_quick(environ, b""):
            environ[QUICK] = True
            before = len(self.engines.asked)
            try:
                reply = self.application(environ, start_response)
            except NeedsThread:
                environ[QUICK] = False
            else:
                assert len(self.engines.asked) == before
                self.quick += 1
                return reply
        return self.application(environ, start_response)


class Site:
    """A site, and the engines behind it."""

    def __init__(self, folder: Path, by_event_loop: bool = False, **values: Any) -> None:
        releases = Releases(folder)
        self.engines = EnginesOnDisk(releases)
        settings = Settings(releases=folder, **values)
        # Time stands still: what is counted by the second must not depend on how fast a machine is.
        app = create_app(settings, releases, self.engines, clock=lambda: 0.0).wsgi_app
        self.loop = EventLoop(app, self.engines)
        self._client = Client(self.loop if by_event_loop else app)

    def reply(self, text: str, headers: dict[str, str] | None = None, **parameters: str) -> tuple[object, ...]:
        """The reply, without what differs at each evaluation."""
        address = "/sparql?" + urlencode({"query": text, **parameters})
        reply = self._client.get(address, headers={"Accept": "text/csv", "X-Request-Id": "test", **(headers or {})})
        names = {name: value for name, value in reply.headers.items() if name != "Server-Timing"}
        return reply.status, names, reply.data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a release of a small graph."""
    return build_small(tmp_path_factory.mktemp("bounded")).path.parent


@pytest.fixture(scope="module")
def sites(folder: Path) -> tuple[Site, Site, Site]:
    """Sites that evaluate bounded queries in a thread, on the event loop, and in engines."""
    by_loop = Site(folder, by_event_loop=True)
    # The first opens the release, in a thread.
    by_loop.reply(LOOKUP)
    return Site(folder), by_loop, Site(folder, bounded_queries=False)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(patterns, min_size=1, max_size=3),
    st.lists(patterns, max_size=2),
    st.sampled_from(FILTERS),
    st.sampled_from(HEADS),
    st.sampled_from(["", "ORDER BY ?a", "LIMIT 2", "ORDER BY DESC(?b) ?a LIMIT 3 OFFSET 1", "LIMIT -1"]),
    st.sampled_from(FORMATS),
)
def test_replies_are_those_of_the_engines(
    sites: tuple[Site, Site, Site],
    members: list[str],
    optional: list[str],
    filtered: str,
    head: str,
    tail: str,
    format_: str,
) -> None:
    """Status, headers and bytes are equal, in all formats and for all errors, and again from the cache."""
    further = " ".join(f"OPTIONAL {{ {pattern} }}" for pattern in optional)
    text = f"{head} {{ {' . '.join(members)} {filtered} {further} }} {tail}"
    in_thread, by_loop, engines = sites
    for _ in range(2):
        expected = engines.reply(text, format=format_)
        assert in_thread.reply(text, format=format_) == expected
        assert by_loop.reply(text, format=format_) == expected


LOOKUP = "SELECT ?name { city:bremen rdfs:label ?name } ORDER BY ?name"


def test_lookups_need_no_engine_and_other_queries_do(sites: tuple[Site, Site, Site]) -> None:
    """So that a lookup does not wait for long queries."""
    own, _, _ = sites
    before = len(own.engines.asked)
    status, headers, body = own.reply(LOOKUP + " #1")
    assert (status, body) == ("200 OK", b"name\r\nBremen\r\nBremen\r\n")
    assert headers["X-Citygraph-Rows"] == "2"  # type: ignore[index]
    assert len(own.engines.asked) == before
    own.reply("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")
    assert len(own.engines.asked) == before + 1


def test_the_event_loop_answers_lookups_and_leaves_the_rest_to_threads(sites: tuple[Site, Site, Site]) -> None:
    """(16 §1) It never waits for an engine."""
    _, site, _ = sites
    before = site.loop.quick
    assert site.reply(f"{LOOKUP} #2")[0] == "200 OK"
    assert site.loop.quick == before + 1
    assert site.reply("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }")[0] == "200 OK"
    assert site.reply(f"{LOOKUP} #3", timeout="5")[0] == "200 OK"
    assert site.reply(f"{LOOKUP} #4", format="html")[0] == "200 OK"
    assert site.loop.quick == before + 1


def test_a_request_that_begins_anew_in_a_thread_counts_once(folder: Path) -> None:
    """(16 §1) For the rate of its client, of which two requests are saved up."""
    site = Site(folder, by_event_loop=True, client_rate=0.2, hold_limit=10)
    assert [str(site.reply(f"{LOOKUP} #{number}")[0])[:3] for number in range(3)] == ["200", "200", "429"]
    assert len(site.engines.asked) == 2


@pytest.mark.parametrize(
    ("headers", "parameters", "values"),
    [
        ({"X-Citygraph-Query-Id": "n" * 24}, {}, {}),
        ({}, {"default-graph-uri": "https://w3id.org/citygraph/source/register"}, {}),
        ({}, {"named-graph-uri": "https://w3id.org/citygraph/source/register"}, {}),
        ({}, {}, {"bounded_queries": False}),
        ({}, {}, {"hold_limit": 10}),
        ({}, {}, {"result_limit": 10}),
    ],
)
def test_engines_are_asked_where_it_matters(
    folder: Path, headers: dict[str, str], parameters: dict[str, str], values: dict[str, Any]
) -> None:
    """For queries that a client can cancel, for datasets, for large results, and if the operator wants it."""
    site = Site(folder, **values)
    site.reply(LOOKUP, headers, **parameters)
    assert len(site.engines.asked) == 1


def test_a_release_without_statistics_is_left_to_the_engines(folder: Path, tmp_path: Path) -> None:
    """As made by an earlier version."""
    copytree(folder, tmp_path / "releases", symlinks=True)
    (Releases(tmp_path / "releases").current().path / "statistics.json").unlink()
    site = Site(tmp_path / "releases")
    assert site.reply(LOOKUP)[0] == "200 OK"
    assert len(site.engines.asked) == 1


def test_commits_and_rollbacks_keep_the_statistics(folder: Path, tmp_path: Path, consequences: Followup) -> None:
    """A city with more comments than any before raises the bound, and a rollback has that of the older release."""
    releases = Releases(copytree(folder, tmp_path / "releases", symlinks=True))
    first = releases.current()
    comments = " , ".join(f'"comment {number}"@en' for number in range(9))
    body = f"<https://w3id.org/citygraph/id/city/izmir> <{COMMENT}> {comments} ."
    what = GraphWrite("merge", "https://w3id.org/citygraph/graph/notes", (Payload(body.encode(), "ttl"),))
    (outcome,) = commit([Change(what, "tester")], releases, consequences, Settings(releases=releases.root))
    assert not isinstance(outcome, Exception), outcome
    assert _comments(releases.current()) >= 9 > _comments(first)
    assert _comments(rollback(first.id, releases)) == _comments(first)


def _comments(release: Release) -> int:
    statistics = read_statistics(release.path)
    assert statistics is not None
    return statistics.of(COMMENT).objects
