"""The SPARQL endpoint from request to answer, without a server: formats, validators, caching, limits, errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import brotli
import pytest
import zstandard
from pyoxigraph import RdfFormat, parse

from citygraph.engine.engines import Answer
from citygraph.errors import Busy, EngineFailed, LimitReached
from citygraph.rdf.formats import BY_NAME
from citygraph.rdf.terms import CG, SD, VOID
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query
from citygraph.web import create_app
from citygraph.web.http.bodies import Outlet
from citygraph.web.http.messages import OUTLET, RELEASE, Request
from citygraph.web.sparql.endpoint import SparqlEndpoint
from tests.inprocess import InProcess
from tests.world import small_world

SRJ = "application/sparql-results+json"
BROWSER = "text/html,application/xml;q=0.9,*/*;q=0.8"
PARTNERS = "SELECT ?partner { city:izmir cg:twinnedWith ?partner }"
ALL = "SELECT * { ?s ?p ?o }"
CITIES = "CONSTRUCT { ?city a cg:City } WHERE { ?city a cg:City }"


@dataclass(frozen=True)
class Got:
    """An answer as a client sees it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """An endpoint over the small world, asked as a server asks it."""

    def __init__(self, engine: InProcess | None = None, **settings: Any) -> None:
        self.engine = engine or InProcess(small_world())
        self.now = 0.0
        site: Any = create_app(Settings(**settings), self.engine, self.engine, clock=lambda: self.now)
        self.wsgi = site.wsgi_app
        # The endpoint is wired inside the site; its counters are looked at from here.
        self.results = self.wsgi.views["endpoint.answer"].__self__.results

    def ask(
        self, query: str | None = None, method: str = "GET", body: bytes = b"", environ: Any = None, **headers: str
    ) -> Got:
        names = {"Content_Type": "CONTENT_TYPE", "Content_Length": "CONTENT_LENGTH"}
        asked = {
            "REQUEST_METHOD": method,
            "PATH_INFO": "/sparql",
            "QUERY_STRING": query
            if query and "=" in query.split(" ")[0]
            else urlencode({"query": query} if query else {}),
            "REMOTE_ADDR": "192.0.2.1",
            "HTTP_HOST": "data.example",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "CONTENT_LENGTH": str(len(body)),
            **{names.get(name, f"HTTP_{name.upper()}"): value for name, value in headers.items()},
            **(environ or {}),
        }
        seen: list[Any] = []
        pieces = self.wsgi(asked, lambda status, heads, _=None: seen.extend((status, heads)))
        whole = b"".join(pieces)
        if hasattr(pieces, "close"):
            pieces.close()
        assert len({name for name, _ in seen[1]}) == len(seen[1]), "a header twice"
        return Got(int(seen[0][:3]), dict(seen[1]), whole)


class Large(InProcess):
    """An engine whose results are streams of `pieces`; an error among them is raised."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        super().__init__(small_world())
        self.pieces = list(pieces)
        self.closed = 0
        self.rows: int | None = None

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """A stream."""
        self.asked.append(query)
        return Answer(BY_NAME["csv"], self, 0.001, None, release_id)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece
        self.rows = 7

    def close(self) -> None:
        """The stream is let go of."""
        self.closed += 1


class Failing(InProcess):
    """An engine that fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(small_world())
        self.error = error

    def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
        """Never answers."""
        raise self.error


@pytest.fixture
def site() -> Site:
    return Site()


# Results


def test_a_query_is_answered_with_what_describes_it(site: Site) -> None:
    """Type, length, rows, release, validator, freshness and whom it may be shared with."""
    got = site.ask(PARTNERS)
    assert got.status == 200
    assert {row["partner"]["value"].rpartition("/")[2] for row in got.json["results"]["bindings"]} == {"baku", "bremen"}
    assert got.headers["Content-Type"] == SRJ
    assert got.headers["Content-Length"] == str(len(got.body))
    assert got.headers["X-Citygraph-Rows"] == "2"
    assert got.headers["X-Citygraph-Release"] == site.engine.release.id
    assert got.headers["ETag"].startswith('"0123456789ab-')
    assert got.headers["Cache-Control"] == "public, max-age=60"
    assert got.headers["Vary"] == "Accept, Accept-Encoding"
    assert got.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("query", "accept", "content_type"),
    [
        (PARTNERS, "text/csv", "text/csv; charset=utf-8"),
        (PARTNERS, "text/markdown", "text/markdown; charset=utf-8"),
        (PARTNERS, "application/json", "application/json"),
        ("ASK {}", "", SRJ),
        (CITIES, "", "text/turtle; charset=utf-8"),
        (CITIES, "application/ld+json", "application/ld+json"),
        (CITIES, "application/json", "application/json"),
        (CITIES, f"{SRJ}, application/rdf+xml;q=0.5", "application/rdf+xml"),
    ],
)
def test_the_format_is_negotiated(site: Site, query: str, accept: str, content_type: str) -> None:
    """By Accept, and by the kind of result that the query turns out to have."""
    got = site.ask(query, Accept=accept)
    assert (got.status, got.headers["Content-Type"]) == (200, content_type)


def test_a_kind_without_a_wanted_format_is_not_acceptable(site: Site) -> None:
    """406 lists what this kind of result can be had as."""
    got = site.ask(CITIES, Accept="text/csv")
    assert got.status == 406
    assert "text/turtle" in got.json["offered"]
    assert "text/csv" not in got.json["offered"]


def test_the_three_ways_to_ask_are_one(site: Site) -> None:
    """GET, form and direct POST: the second and third are answered from what was kept of the first."""
    form = urlencode({"query": PARTNERS}).encode()
    answers = [
        site.ask(PARTNERS),
        site.ask(None, "POST", form, Content_Type="application/x-www-form-urlencoded"),
        site.ask(None, "POST", PARTNERS.encode(), Content_Type="application/sparql-query"),
    ]
    assert len({(got.status, got.body, got.headers["ETag"]) for got in answers}) == 1
    assert len(site.engine.asked) == 1
    assert [got.headers["Server-Timing"].partition(";")[0] for got in answers] == ["engine", "cache", "cache"]


def test_head_is_get_without_the_body(site: Site) -> None:
    """RFC 9110, 9.3.2."""
    get, head = site.ask(PARTNERS), site.ask(PARTNERS, "HEAD")
    assert head.body == b""
    timing = {"Server-Timing": "", "X-Request-Id": ""}
    assert {**head.headers, **timing} == {**get.headers, **timing}


# Validators, and results that are kept


def test_what_a_client_has_is_not_evaluated(site: Site) -> None:
    """If-None-Match: lists, weak tags, any content coding, and any."""
    tag = site.ask(PARTNERS).headers["ETag"]
    site.engine.asked.clear()
    other = tag[:-1] + '-gzip"'
    for known in (tag, f"W/{tag}", f'"x", {tag}', other, f'{other},"y"', "*"):
        got = site.ask(PARTNERS, If_None_Match=known)
        assert (got.status, got.body) == (304, b"")
        assert got.headers["ETag"] in (tag, other)
        assert "Cache-Control" in got.headers
        assert "Vary" in got.headers
    assert not site.engine.asked
    assert ("cache", "not modified", 6) in site.results.metrics.sums().queries()
    for unknown in ('"x"', tag[:-2] + '"', tag[1:-1] + "0", ""):
        assert site.ask(PARTNERS, If_None_Match=unknown).status == 200


def test_the_validator_depends_on_everything(site: Site) -> None:
    """Query, dataset, format and release: but not on how a format is asked for."""
    page = "https://w3id.org/citygraph/source/page"
    other = Site(InProcess(small_world(), "2026-01-02T000000Z-ba9876543210"))
    answers = [
        site.ask(PARTNERS),
        site.ask(PARTNERS + " "),
        site.ask(PARTNERS, Accept="text/csv"),
        site.ask(urlencode({"query": PARTNERS, "default-graph-uri": page})),
        site.ask(urlencode({"query": PARTNERS, "named-graph-uri": page})),
        other.ask(PARTNERS),
        site.ask(PARTNERS, Accept="application/json"),
    ]
    assert len({got.headers["ETag"] for got in answers}) == len(answers)
    same = [site.ask(PARTNERS, Accept=f"{SRJ}{quality}").headers["ETag"] for quality in ("", ";q=0.3")]
    assert same[0] == same[1]


def test_an_address_that_names_a_release_is_for_ever(site: Site) -> None:
    """A release never changes."""
    got = site.ask(PARTNERS, environ={RELEASE: site.engine.release.id})
    assert got.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("call", ["NOW()", "rand ( )", "UUID()", "STRUUID()"])
def test_what_changes_by_itself_is_not_kept(site: Site, call: str) -> None:
    """NOW, RAND, UUID: by nobody. Names that only sound like them are."""
    query = f"SELECT ({call} AS ?x) {{}}"
    for _ in range(2):
        got = site.ask(query)
        assert got.headers["Cache-Control"] == "no-store"
        assert "ETag" not in got.headers
    assert len(site.engine.asked) == 2
    assert "ETag" in site.ask("SELECT ?now { ?now foaf:knows ?brand_uuid }").headers


def test_the_cache_is_bounded_and_counted() -> None:
    """The least recently used results go; one that would push out all others is never kept."""
    site = Site(cache_size=16 * 1024)
    for number in range(40):
        site.ask(f"SELECT ({number} AS ?x) {{}}")
    cache = site.results.cache
    assert 0 < cache.size <= 16 * 1024
    counts = next(site.results.metrics.sums().caches())
    assert (counts.hits, counts.misses) == (0, 40)
    assert (counts.entries, counts.size, counts.evictions) == (len(cache), cache.size, 40 - len(cache))
    site.ask("SELECT (39 AS ?x) {}")
    site.ask("SELECT (0 AS ?x) {}")
    counts = next(site.results.metrics.sums().caches())
    assert (counts.hits, counts.misses) == (1, 41)
    before = len(cache)
    site.ask(ALL)
    assert len(cache) == before


def test_no_cache_keeps_nothing() -> None:
    """A size of 0 switches it off; validators go on."""
    site = Site(cache_size=0)
    tags = {site.ask(PARTNERS).headers["ETag"] for _ in range(2)}
    assert (len(tags), len(site.engine.asked)) == (1, 2)


# Content codings


@pytest.mark.parametrize(
    ("coding", "decode"),
    [("gzip", gzip.decompress), ("br", brotli.decompress), ("zstd", zstandard.decompress)],
)
def test_bodies_are_compressed_as_wanted(site: Site, coding: str, decode: Any) -> None:
    """Each coding has a validator of its own (RFC 9110, 8.8.3.3); the result is evaluated and compressed once."""
    plain = site.ask(ALL)
    packed = [site.ask(ALL, Accept_Encoding=coding) for _ in range(2)]
    for got in packed:
        assert got.headers["Content-Encoding"] == coding
        assert got.headers["Content-Length"] == str(len(got.body))
        assert len(got.body) < len(plain.body)
        assert got.headers["ETag"] != plain.headers["ETag"]
    assert decode(packed[0].body) == plain.body
    assert len(site.engine.asked) == 1


def test_small_bodies_are_not_compressed(site: Site) -> None:
    """It would save nothing."""
    assert "Content-Encoding" not in site.ask("ASK {}", Accept_Encoding="gzip").headers


# Large results


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_large_results_are_whole_before_they_are_sent(coding: str) -> None:
    """They are sent with their length, so that a reader sees a connection that breaks; and the engine is free."""
    site = Site(engine := Large([b"a,b\r\n" * 20_000] * 10))
    got = site.ask(PARTNERS, Accept_Encoding=coding)
    assert got.headers["Content-Length"] == str(len(got.body))
    assert (gzip.decompress(got.body) if coding else got.body) == b"a,b\r\n" * 200_000
    assert got.headers["X-Citygraph-Rows"] == "7"
    assert engine.closed == 1
    assert list(site.results.metrics.sums().queries()) == [("engine", "ok", 1)]


def test_a_large_result_that_fails_is_an_error() -> None:
    """And nothing of it is sent."""
    site = Site(Large([b"a,b\r\n" * 100_000, LimitReached("30 s are over", "time", 30.0, 30.01)]))
    got = site.ask(PARTNERS)
    assert got.status == 503
    assert b"a,b" not in got.body
    assert list(site.results.metrics.sums().queries()) == [("engine", "time", 1)]


@pytest.mark.parametrize(
    ("last", "outcome"), [(b"x", "ok"), (LimitReached("30 s are over", "time", 30.0, 30.01), "time")]
)
def test_a_result_that_is_sent_while_it_is_made_is_counted_at_its_end(last: bytes | Exception, outcome: str) -> None:
    """(18) By what came of it, once, and its engine is free."""
    site = Site(engine := Large([b"x" * 1000, last]))
    outlet = Outlet()
    with suppress(LimitReached):
        assert site.ask(PARTNERS, environ={OUTLET: outlet}).body == b"x" * 1001
    assert outlet.buffer is not None
    outlet.buffer.close()
    assert list(site.results.metrics.sums().queries()) == [("engine", outcome, 1)]
    assert engine.closed == 1


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_a_result_that_was_sent_while_it_was_made_is_cached_if_it_is_small(coding: str) -> None:
    """(16 §2) Its tag is another one if it was compressed in pieces, but a client that has it needs no other."""
    site, outlet = Site(engine := Large([b"x" * 1000, b"y" * 1000])), Outlet()
    first = site.ask(PARTNERS, environ={OUTLET: outlet}, Accept_Encoding=coding)
    assert outlet.buffer is not None
    outlet.buffer.close()
    again = site.ask(PARTNERS, Accept_Encoding=coding)
    decode = gzip.decompress if coding else bytes
    assert decode(first.body) == decode(again.body) == b"x" * 1000 + b"y" * 1000
    assert (again.headers["X-Citygraph-Rows"], again.headers["Content-Length"]) == ("7", str(len(again.body)))
    assert (first.headers["ETag"] == again.headers["ETag"]) == (not coding)
    assert site.ask(PARTNERS, Accept_Encoding=coding, If_None_Match=first.headers["ETag"]).status == 304
    assert [query.may_stream for query in engine.asked] == [True]


@pytest.mark.parametrize("last", [b"y" * 1000, LimitReached("30 s are over", "time", 30.0, 30.01)])
def test_a_result_is_not_cached_that_failed_or_is_large(last: bytes | Exception) -> None:
    """(16 §2) Only a whole result within `hold_limit` is."""
    site = Site(engine := Large([b"x" * 1000, last]), hold_limit=1500)
    for _ in range(2):
        outlet = Outlet()
        with suppress(LimitReached):
            site.ask(PARTNERS, environ={OUTLET: outlet})
        assert outlet.buffer is not None
        outlet.buffer.close()
    assert len(engine.asked) == 2


def test_a_result_streams_only_to_those_who_can_see_that_it_is_cut(site: Site) -> None:
    """(16 §2) By HEAD, by HTTP/1.0 and within pages there is no outlet."""
    site.ask(PARTNERS)
    assert [query.may_stream for query in site.engine.asked] == [False]


def test_a_result_that_finds_no_room_is_an_error() -> None:
    """spool_limit bounds what waits on disk."""
    site = Site(engine := Large([b"x" * 1000] * 10), spool_limit=5000)
    got = site.ask(PARTNERS)
    assert (got.status, got.json["type"]) == (503, "https://w3id.org/citygraph/problems/size-limit")
    assert engine.closed == 1
    assert list(site.results.metrics.sums().queries()) == [("engine", "size", 1)]


def test_readers_of_large_results_leave_room_for_others() -> None:
    """Each holds a thread of the server: at most a quarter of them may, and one that is done makes room."""
    site = Site(Large([b"x" * 1000]), threads=4, hold_limit=100)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "QUERY_STRING": urlencode({"query": PARTNERS})}
    body = site.wsgi(environ, lambda *_: None)
    refused = site.ask(PARTNERS)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    body.close()
    assert site.ask(PARTNERS).status == 200


def test_head_of_a_large_result_lets_go_of_it() -> None:
    """It has been evaluated for its length."""
    site = Site(engine := Large([b"x" * 1000] * 10))
    assert site.ask(PARTNERS, "HEAD").headers["Content-Length"] == "10000"
    assert engine.closed == 1


# The endpoint itself


def test_the_service_is_described(site: Site) -> None:
    """Service Description: endpoint, formats, functions, graphs with their counts, and the limits in force.

    Comunica reads only a description whose subject is the endpoint's address (13.35).
    """
    got = site.ask(None)
    assert got.headers["Content-Type"] == "text/turtle; charset=utf-8"
    triples = {(q.subject, q.predicate): q.object for q in parse(got.body, format=RdfFormat.TURTLE)}
    every = list(parse(got.body, format=RdfFormat.TURTLE))
    service = next(s for (s, p) in triples if p == SD("endpoint"))
    assert triples[service, SD("endpoint")].value == "http://data.example/sparql"
    assert service == triples[service, SD("endpoint")]
    graphs = {
        q.object.value: int(triples[q.subject, VOID("triples")].value) for q in every if q.predicate == SD("name")
    }
    assert graphs == site.engine.release.manifest.graphs
    assert {q.object for q in every if q.predicate == SD("extensionFunction")} >= {CG("fold"), CG("labelIn")}
    limits = {name: triples[service, CG(name)].value for name in ("timeLimit", "memoryLimit", "queryDepthLimit")}
    assert limits == {"timeLimit": "30.0", "memoryLimit": "2147483648", "queryDepthLimit": "200"}
    assert not any(str(term).startswith("_:") for q in every for term in (q.subject, q.object))


@pytest.mark.parametrize("name", ["ttl", "nt", "rdf", "jsonld", "trig", "nq"])
def test_the_description_in_every_graph_format(site: Site, name: str) -> None:
    """All say the same; a client that has it is told so."""
    got = site.ask(f"format={name}")
    rdf = BY_NAME[name].rdf
    assert rdf is not None
    said = {(q.subject, q.predicate, q.object) for q in parse(got.body, format=rdf)}
    assert said == {(q.subject, q.predicate, q.object) for q in parse(site.ask(None).body, format=RdfFormat.TURTLE)}
    assert site.ask(f"format={name}", If_None_Match=got.headers["ETag"]).status == 304


def test_the_description_is_compressed_as_the_client_accepts(site: Site) -> None:
    """With an ETag of its own, for which the reply is 304."""
    plain, packed = site.ask(None), site.ask(None, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert site.ask(None, Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"]).status == 304


def test_the_endpoints_address_is_the_public_one() -> None:
    """What proxies say of it counts if they are trusted, and only then."""
    forwarded: Any = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "city.example", "X_Forwarded_Prefix": "/graph"}
    assert b"<http://data.example/sparql>" in Site().ask(None, **forwarded).body
    assert b"<https://city.example/graph/sparql>" in Site(trusted_proxies=1).ask(None, **forwarded).body


def test_a_host_that_is_none_is_refused(site: Site) -> None:
    """It would stand in the description as it is."""
    assert site.ask(None, Host="a b>").status == 400


@pytest.mark.parametrize("query", [None, PARTNERS, "ASK {"])
def test_a_browser_gets_the_workbench(query: str | None) -> None:
    """With the query that was asked, which is not evaluated before its reader wants it."""
    seen = []
    engine = InProcess(small_world())

    def page(_: Any, query: Query | None, language: str, __: Any) -> tuple[int, str]:
        seen.append((query.text if query else None, language))
        return 200, "<!doctype html>"

    endpoint = SparqlEndpoint(Settings(), engine, engine, page)
    sent = urlencode({"query": query} if query else {})
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "QUERY_STRING": sent,
               "HTTP_ACCEPT": BROWSER, "HTTP_ACCEPT_LANGUAGE": "tr"}  # fmt: skip
    reply = endpoint.answer(Request(environ))
    assert (reply.status, reply.header("Content-Type")) == (200, "text/html; charset=utf-8")
    assert (reply.header("Content-Language"), "Accept-Language" in reply.header("Vary")) == ("tr", True)
    assert seen == [(query, "tr")]
    assert not engine.asked


# Errors


@pytest.mark.parametrize(
    ("error", "status", "slug", "retry", "members"),
    [
        (LimitReached("late", "time", 30.0, 30.12345), 503, "time-limit", "60", {"limit": 30.0, "elapsed": 30.123}),
        (LimitReached("much", "memory", 2048, 1.0), 503, "memory-limit", "60", {"limit": 2048}),
        (LimitReached("ended", "cancelled", 0, 1.0), 503, "cancelled", "60", {"elapsed": 1.0}),
        (Busy("wait", retry_after=5), 503, "busy", "5", {}),
        (EngineFailed("broke down"), 500, "engine-failed", None, {"detail": "broke down"}),
    ],
)
def test_failures_of_engines(error: Exception, status: int, slug: str, retry: str | None, members: Any) -> None:
    """Each has a type of its own, the numbers, and when to come back."""
    got = Site(Failing(error)).ask(PARTNERS)
    assert got.status == got.json["status"] == status
    assert got.headers["Content-Type"] == "application/problem+json"
    assert got.json["type"] == f"https://w3id.org/citygraph/problems/{slug}"
    assert got.headers.get("Retry-After") == retry
    assert members.items() <= got.json.items()
    assert got.headers["Cache-Control"] == "no-store"
    assert got.headers["Access-Control-Allow-Origin"] == "*"


def test_a_fault_of_ours_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged; the client learns that it is not to blame."""
    got = Site(Failing(RuntimeError("/secret/path"))).ask(PARTNERS)
    assert got.status == 500
    assert b"secret" not in got.body
    assert "/secret/path" in caplog.text


def test_a_syntax_error_has_a_place(site: Site) -> None:
    """Line and column, as members."""
    got = site.ask("SELECT *\n{ ?s ?p }")
    assert (got.status, got.json["line"]) == (400, 2)
    assert got.json["column"] > 1


def test_a_refused_construct_is_named(site: Site) -> None:
    """403, with what would be taken."""
    got = site.ask("SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }")
    assert (got.status, got.json["construct"]) == (403, "FROM <file:///etc/passwd>")
    assert "https://w3id.org/citygraph/graph/catalog" in got.json["allowed"]


def test_an_error_is_a_page_for_a_browser(site: Site) -> None:
    """With the same words, as text."""
    got = site.ask("query=%zz", Accept=BROWSER)
    assert (got.status, got.headers["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert b"bad percent-encoding &#39;%zz&#39;" in got.body


def test_other_methods_are_listed(site: Site) -> None:
    """405 with Allow."""
    for method in ("PUT", "DELETE", "CONNECT", "TRACE"):
        got = site.ask(PARTNERS, method)
        assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD, POST, QUERY, OPTIONS")


def test_preflight(site: Site) -> None:
    """Any page may ask, with any of the headers that mean something here."""
    got = site.ask(None, "OPTIONS", Origin="http://app.example", Access_Control_Request_Method="POST")
    assert (got.status, got.body) == (204, b"")
    assert got.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in got.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in got.headers["Access-Control-Allow-Headers"]
    assert got.headers["Allow"] == "GET, HEAD, POST, QUERY, OPTIONS"


class Unread(BytesIO):
    """A body that must not be received."""

    def read(self, size: int | None = -1) -> bytes:
        """Never."""
        raise AssertionError("the body was read")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content_Type": "text/plain", "Content_Length": "9"}, 415),
        ({"Content_Type": "application/sparql-update", "Content_Length": "9"}, 415),
        ({"Content_Type": "application/sparql-query", "Content_Length": "9", "Content_Encoding": "gzip"}, 415),
        ({"Content_Type": "application/sparql-query", "Content_Length": "99999999"}, 413),
    ],
)
def test_a_body_that_is_not_wanted_is_not_received(site: Site, headers: Any, status: int) -> None:
    """The head says enough."""
    got = site.ask(None, "POST", environ={"wsgi.input": Unread()}, **headers)
    assert got.status == status


@pytest.mark.parametrize(
    "type_", ["", "application/sparql-query", "application/x-www-form-urlencoded", "application/json", "text/plain"]
)
def test_a_query_in_the_address_may_be_posted(site: Site, type_: str) -> None:
    """WikibaseIntegrator posts an empty body with the query in the address, whatever type it names (13.33)."""
    got = site.ask("ASK {}", "POST", Content_Type=type_, Content_Length="0")
    assert (got.status, got.json) == (200, site.ask("ASK {}").json)


def test_a_body_is_read_to_the_limit_and_no_further() -> None:
    """Also one that does not say its length."""
    site = Site(query_length=100)
    direct, chunks = "application/sparql-query", {"Content_Length": "", "Transfer_Encoding": "chunked"}
    for length in (chunks, {"Content_Length": "70000"}):
        got = site.ask(None, "POST", b"ASK {}" + b" " * 70_000, Content_Type=direct, **length)
        assert (got.status, got.json["limit"]) == (413, 100)
    chunked = site.ask(None, "POST", b"ASK {}", Content_Type=direct, **chunks)
    assert chunked.status == 200


def test_bodies_that_do_not_come_leave_room_for_others() -> None:
    """Each holds a thread of the server: at most a quarter of them may, fewer of one client; addresses go on."""

    class Slow(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            """Meanwhile, others ask."""
            if "others" not in vars(self):
                self.others = [site.ask(None, "POST", b"ASK {}", {"REMOTE_ADDR": address}, Content_Type=direct).status
                               for address in ("192.0.2.1", "192.0.2.2")]  # fmt: skip
                self.others.append(site.ask("ASK {}").status)
            return b"ASK {}"

    site, direct, slow = Site(threads=4), "application/sparql-query", Slow()
    got = site.ask(None, "POST", b"ASK {}", {"wsgi.input": slow}, Content_Type=direct)
    assert (got.status, slow.others) == (200, [429, 503, 200])


# Clients


def test_the_rate_of_a_client_is_limited() -> None:
    """Ten seconds' worth may be saved up; then 429 says when the next request is taken; others are not touched."""
    site = Site(client_rate=2.0)
    statuses = [site.ask("ASK {}").status for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    got = site.ask("ASK {}")
    assert (got.headers["Retry-After"], got.json["type"].rpartition("/")[2]) == ("1", "too-many-requests")
    assert site.ask("ASK {}", environ={"REMOTE_ADDR": "192.0.2.2"}).status == 200
    site.now = 0.5
    assert [site.ask("ASK {}").status for _ in range(2)] == [200, 429]


def test_the_queries_of_a_client_at_a_time_are_limited() -> None:
    """The one that is too many is refused at once; when one has ended, also in failure, the next is taken."""

    class Nested(InProcess):
        inner = 0

        def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
            self.inner = self.inner or limited.ask("SELECT (2 AS ?x) {}").status
            raise EngineFailed("ended")

    limited = Site(engine := Nested(small_world()), client_concurrency=1)
    assert limited.ask("SELECT (1 AS ?x) {}").status == 500
    assert engine.inner == 429
    assert limited.ask("SELECT (3 AS ?x) {}").status == 500


@pytest.mark.parametrize(
    ("proxies", "client"), [(0, "192.0.2.1"), (1, "203.0.113.9"), (2, "198.51.100.7"), (9, "198.51.100.7")]
)
def test_the_client_behind_proxies(proxies: int, client: str) -> None:
    """Each trusted proxy appended an address; what stands before those is the client's own word."""
    site = Site(trusted_proxies=proxies)
    site.ask(PARTNERS, X_Forwarded_For="198.51.100.7, 203.0.113.9")
    assert site.engine.clients == [client]


def test_federated_results_are_not_kept() -> None:
    """What another service said may be another thing in a minute; they go to engines of their own."""
    seen = []

    class Federated(InProcess):
        def run(self, release_id: str, query: Query, client: str = "", federated: bool = False) -> Answer:
            seen.append(federated)
            return super().run(release_id, query._replace(text="ASK {}"), client)

    site = Site(Federated(small_world()), federation=True)
    for _ in range(2):
        got = site.ask("ASK { SERVICE <https://query.wikidata.org/sparql> {} }")
        assert (got.status, got.headers["Cache-Control"]) == (200, "no-store")
    assert seen == [True, True]
    site.ask("ASK { ?service ?p 'SERVICE' }")
    assert seen[2:] == [False]


# the method QUERY (RFC 10008)

SPARQL = "application/sparql-query"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(("type_", "body"), [(SPARQL, PARTNERS), (FORM, urlencode({"query": PARTNERS}))])
def test_query_method_answers_as_get(site: Site, type_: str, body: str) -> None:
    """Rows, validators and caching are those of GET, and it tells both addresses (17)."""
    got = site.ask(PARTNERS, Accept="text/csv")
    queried = site.ask("format=csv", "QUERY", body.encode(), Content_Type=type_)
    assert (queried.status, queried.body) == (200, got.body)
    assert (queried.headers["ETag"], queried.headers["Cache-Control"]) == (
        got.headers["ETag"],
        got.headers["Cache-Control"],
    )
    assert queried.headers["Accept-Query"] == got.headers["Accept-Query"] == f"{SPARQL}, {FORM}"
    assert "Accept-Query" in queried.headers["Access-Control-Expose-Headers"]
    root = f"https://data.example/sparql?{urlencode({'query': PARTNERS})}&format=csv".replace("https", "http")
    assert queried.headers["Location"] == root
    assert queried.headers["Content-Location"] == root.replace(
        "/sparql?", f"/releases/{site.engine.release.id}/sparql?"
    )
    assert site.ask(queried.headers["Location"].partition("?")[2]).body == got.body


def test_query_method_is_conditional(site: Site) -> None:
    """304 without evaluation; another query in the body has another tag (17)."""
    first = site.ask(None, "QUERY", PARTNERS.encode(), Content_Type=SPARQL)
    asked = len(site.engine.asked)
    tag = first.headers["ETag"]
    assert site.ask(None, "QUERY", PARTNERS.encode(), Content_Type=SPARQL, If_None_Match=tag).status == 304
    assert len(site.engine.asked) == asked
    other = site.ask(None, "QUERY", ALL.encode(), Content_Type=SPARQL, If_None_Match=tag)
    assert (other.status, other.headers["ETag"] == tag) == (200, False)


@pytest.mark.parametrize(
    ("query", "body", "type_", "status", "reason"),
    [
        (PARTNERS, b"", SPARQL, 400, "in the body"), (None, b"SELECT", "", 415, "no Content-Type"),
        (None, b"SELECT", "text/plain", 415, "text/plain"), (PARTNERS, b"SELECT * {}", SPARQL, 400, "exactly one"),
        (None, b"SELECT", SPARQL, 400, "syntax"), (None, b"", "", 400, "in the body"),
    ],
)  # fmt: skip
def test_query_method_needs_a_query_in_its_body(
    site: Site, query: str | None, body: bytes, type_: str, status: int, reason: str
) -> None:
    """An error says what is accepted, in a header too (17)."""
    got = site.ask(query, "QUERY", body, Content_Type=type_)
    assert got.status == status
    assert reason in got.body.decode()
    assert got.headers["Accept-Query"] == f"{SPARQL}, {FORM}"


def test_query_method_is_allowed_for_other_sites(site: Site) -> None:
    """The preflight of a browser names it, as the route table does (17)."""
    options = site.ask(None, "OPTIONS", Origin="https://other.example", Access_Control_Request_Method="QUERY")
    assert options.headers["Allow"] == options.headers["Access-Control-Allow-Methods"]
    assert options.headers["Allow"] == "GET, HEAD, POST, QUERY, OPTIONS"
    assert "Accept-Query" in options.headers
