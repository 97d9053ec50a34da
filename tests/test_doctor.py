"""The doctor: its lists are whole, its door follows nothing, and it finds what is there and what is missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from citygraph.doctor import CHECKS, Check, CheckResult, CheckState, HttpRequest, HttpResponse, examine, fetch
from citygraph.doctor.fetching import read_links
from citygraph.doctor.memento_checks import MEMENTO
from citygraph.doctor.scored_site import Site
from citygraph.errors import Upstream, UsageError
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.asking import HOME, asking
from tests.inprocess import InProcess

VOID = """
@prefix void: <http://rdfs.org/ns/void#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcterms: <http://purl.org/dc/terms/> . @prefix dqv: <http://www.w3.org/ns/dqv#> .
<https://w3id.org/example/dataset> a void:Dataset , dcat:Dataset ;
  dcterms:title "Example"@en ; dcterms:description "An example."@en ; dcterms:license <http://example.org/cc0> ;
  void:uriSpace "https://w3id.org/example/" ; void:triples 3 ; void:exampleResource <https://w3id.org/example/id/one> ;
  void:sparqlEndpoint <https://w3id.org/example/sparql> ; void:dataDump <https://w3id.org/example/all.nt> ;
  dcat:hasVersion <https://w3id.org/example/v1> ; dqv:hasQualityMeasurement <https://w3id.org/example/dataset#m> .
"""
ONE = '<https://w3id.org/example/id/one> <http://www.w3.org/2000/01/rdf-schema#label> "one"@en .'
Answers = dict[str, tuple[int, dict[str, str], str]]


def site_of(answers: Answers) -> Callable[[HttpRequest], HttpResponse]:
    """A site that answers by path; with a type in brackets where the Accept header decides."""

    def fetch_(ask: HttpRequest) -> HttpResponse:
        path = ask.url.removeprefix("https://example.org")
        accept = dict(ask.headers).get("Accept", "")
        first = accept.partition(",")[0].partition(";")[0]
        known = answers.get(f"{path} [{first}]") or answers.get(path) or answers.get(path.partition("?")[0])
        status, headers, body = known or (404, {"Content-Type": "text/plain"}, "there is no such thing")
        return HttpResponse(ask.url, status, tuple(headers.items()), body.encode())

    return fetch_


GOOD: Answers = {
    "/": (200, {"Content-Type": "text/html"}, "<html><table></table></html>"),
    "/.well-known/void": (200, {"Content-Type": "text/turtle"}, VOID),
    "/id/one": (303, {"Location": "/doc/one"}, ""),
    "/doc/one": (200, {"Content-Type": "text/turtle", "Vary": "Accept"}, ONE),
    "/doc/one [text/html]": (200, {"Content-Type": "text/html", "Vary": "Accept"}, "<html></html>"),
    "/all.nt": (200, {"Content-Type": "application/n-triples"}, ONE),
    "/v1": (200, {"Content-Type": "text/turtle"}, VOID),
    "/sparql": (
        200, {"Content-Type": "application/sparql-results+json"},
        json.dumps({"head": {"vars": ["n"]}, "results": {"bindings": [{"n": {"type": "literal", "value": "3"}}]}}),
    ),
}  # fmt: skip


def states(answers: Answers) -> dict[str, CheckState]:
    """How each check ends at a site."""
    diagnosis = examine("https://example.org/", site_of(answers))
    return {check.name: finding.state for check, finding in diagnosis.findings}


# The lists


def test_lists_are_whole() -> None:
    """35 practices of the W3C, 17 metrics of F-UJI, five criteria of the LOD Cloud and nine of its survey."""
    sizes = Counter(check.list for check in CHECKS)
    assert sizes["W3C Data on the Web Best Practices"] == 35
    assert sizes["FAIR (F-UJI 0.8)"] == 17
    assert (sizes["LOD Cloud"], sizes["State of the LOD Cloud"]) == (5, 9)
    assert {"Signposting", "Memento", "VoID"} <= set(sizes)
    numbers = [check.name.partition(" ")[0] for check in CHECKS if check.list.startswith("W3C")]
    assert numbers == [str(number) for number in range(1, 36)]
    assert len({(check.list, check.name) for check in CHECKS}) == len(CHECKS)


def test_every_check_says_what_it_looks_for() -> None:
    """A check is a value: its function has a sentence, or is made by one that has."""
    assert all(check.name and check.list and callable(check.examine) for check in CHECKS)


# Sites


def test_good_site_gets_what_it_has() -> None:
    """Identifiers on another base than the host are looked up here."""
    found = states(GOOD)
    met = (
        "1 Provide metadata", "2 Provide descriptive metadata", "4 Provide data license information",
        "6 Provide data quality information", "9 Use persistent URIs as identifiers of datasets",
        "11 Assign URIs to dataset versions and series", "12 Use machine-readable standardized data formats",
        "17 Provide bulk download", "19 Use content negotiation for serving data available in multiple formats",
        "20 Provide real-time access", "22 Provide an explanation for data that is not available",
        "1 Resolvable http(s) URIs", "At /.well-known/void", "Triples",
    )  # fmt: skip
    assert [name for name in met if found[name] is not CheckState.MET] == []
    missing = ("28 Assess dataset coverage", "3 At least 1000 triples", "cite-as", "TimeMap", "Linksets")
    assert [name for name in missing if found[name] is not CheckState.MISSING] == []
    assert found["16 Choose the right formalization level"] is CheckState.BY_HAND


@pytest.mark.parametrize(
    ("path", "answer", "lost"),
    [
        ("/all.nt", (404, {}, ""), "17 Provide bulk download"),
        ("/v1", (404, {}, ""), "11 Assign URIs to dataset versions and series"),
        ("/doc/one", (200, {"Content-Type": "text/turtle"}, "not Turtle"),
         "12 Use machine-readable standardized data formats"),
        ("/doc/one", (200, {"Content-Type": "text/turtle"}, ONE),
         "19 Use content negotiation for serving data available in multiple formats"),
        ("/id/one", (500, {}, ""), "1 Resolvable http(s) URIs"),
        ("/sparql", (200, {"Content-Type": "text/html"}, "<html>"), "20 Provide real-time access"),
        ("/sparql", (200, {}, GOOD["/sparql"][2].replace('"3"', '"4"')), "Triples"),
        ("/.well-known/void", (404, {}, ""), "1 Provide metadata"),
    ],
)  # fmt: skip
def test_what_is_taken_away_is_missed(path: str, answer: tuple[int, dict[str, str], str], lost: str) -> None:
    """Each check notices that its one thing is gone."""
    assert states(GOOD)[lost] is CheckState.MET
    assert states({**GOOD, path: answer})[lost] is CheckState.MISSING


def test_strange_site_is_examined_to_the_end() -> None:
    """A site that knows nothing, or answers nonsense, lacks things and ends nothing."""
    empty = examine("https://example.org/", site_of({"/": (200, {"Content-Type": "text/html"}, "")}))
    assert len(empty.findings) == len(CHECKS)
    assert not empty.is_healthy
    nonsense: Answers = {
        **GOOD, "/": (200, {"Content-Type": "text/html", "Link": "<<;;rel=,"},
                      '<script type="application/ld+json">{]</script>'),
        "/.well-known/void": (200, {"Content-Type": "text/turtle"}, VOID.replace("void:triples 3", 'void:triples "x"')),
        "/sparql": (200, {}, '{"results": {"bindings": [{}]}}'),
    }  # fmt: skip
    assert len(examine("https://example.org", site_of(nonsense)).findings) == len(CHECKS)


@pytest.mark.parametrize(
    ("media_type", "text"),
    [("text/turtle", "<urn:a> <urn:b> 1 ."), ("application/sparql-results+json", '{"results": {"bindings": [{}]}}')],
)
def test_byte_order_mark_of_a_response_is_ignored(media_type: str, text: str) -> None:
    """(13.5) A site that sends one is examined like any other."""
    body = b"\xef\xbb\xbf" + text.encode()
    reply = HttpResponse("http://a/", 200, (("Content-Type", media_type),), body)
    assert reply.text == text
    assert len(Site("http://a/", lambda _: reply).parsed(reply)) == (media_type == "text/turtle")


def test_health_is_a_matter_of_what_is_required() -> None:
    """An optional check may fail; the table and the JSON tell the same."""

    def found(state: CheckState) -> Callable[[Site], CheckResult]:
        return lambda _: CheckResult(state, "because")

    good, bad = found(CheckState.MET), found(CheckState.MISSING)
    site = site_of(GOOD)
    optional = (
        Check("A", "one", good),
        Check("A", "two", bad, required=False),
        Check("B", "three", found(CheckState.BY_HAND)),
    )
    diagnosis = examine("https://example.org/", site, optional)
    assert diagnosis.is_healthy
    assert diagnosis.scores() == {"A": (1, 2), "B": (0, 0)}
    assert "✗ two" in diagnosis.as_table()
    told = json.loads(diagnosis.as_json())
    assert (told["healthy"], told["lists"]["A"]) == (True, {"met": 1, "of": 2})
    assert not examine("https://example.org/", site, (Check("A", "two", bad),)).is_healthy


def test_every_address_is_asked_once() -> None:
    """The doctor is no burden: a hundred checks ask each address once."""
    asked: Counter[HttpRequest] = Counter()
    answer = site_of(GOOD)

    def counting(ask: HttpRequest) -> HttpResponse:
        asked[ask] += 1
        return answer(ask)

    examine("https://example.org/", counting)
    assert max(asked.values()) == 1


# Our own site


@pytest.fixture(scope="module")
def own(izmir: Release) -> dict[tuple[str, str], CheckResult]:
    """What is found at the site of the İzmir graph."""
    releases = Releases(izmir.path.parent)
    engines = InProcess(list(izmir.open_store()), izmir.id)
    diagnosis = examine(HOME, asking(create_app(Settings(), releases, engines)))
    return {(check.list, check.name): finding for check, finding in diagnosis.findings}


def test_own_site_has_a_past(own: dict[tuple[str, str], CheckResult]) -> None:
    """Memento whole."""
    missing = [(check.name, own[check.list, check.name].evidence) for check in MEMENTO
               if own[check.list, check.name].state is not CheckState.MET]  # fmt: skip
    assert missing == []


def test_own_site_gets_everything(own: dict[tuple[str, str], CheckResult]) -> None:
    """On every list, as far as a machine can see."""
    required = {(check.list, check.name) for check in CHECKS if check.required}
    missing = [f"{name}: {found.evidence}" for name, found in own.items()
               if found.state is CheckState.MISSING and name in required]  # fmt: skip
    assert not missing, "\n".join(missing)


# The door


class Handler(BaseHTTPRequestHandler):
    """Redirects one path and answers the others."""

    def do_GET(self) -> None:
        status = {"/from": 302, "/gone": 410}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Location", "/to")
        self.send_header("Link", '</a>; rel="next"')
        self.send_header("Link", '</b>; rel="prev"')
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_door_follows_nothing_and_raises_for_no_status(server: str) -> None:
    """A redirection and an error are answers like others."""
    assert [fetch(HttpRequest(server + path)).status for path in ("/from", "/gone", "/")] == [302, 410, 200]
    reply = fetch(HttpRequest(server + "/"))
    assert reply.body == b"body"
    assert [link.href for link in reply.links()] == [f"{server}/a", f"{server}/b"]


def test_door_says_when_nobody_answers() -> None:
    """And leads nowhere but to the web."""
    with pytest.raises(Upstream, match=r"does not respond: (?!<urlopen)"):
        fetch(HttpRequest("http://127.0.0.1:9/"))
    with pytest.raises(UsageError):
        fetch(HttpRequest("file:///etc/passwd"))
    with pytest.raises(Upstream):
        examine("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<a>; rel="x y"; type="t/t"', [("a", ("x", "y"), {"rel": "x y", "type": "t/t"})]),
        ("<a>;rel=x, <b>; rel=y", [("a", ("x",), {"rel": "x"}), ("b", ("y",), {"rel": "y"})]),
        ('<a,b>; title="c, d; e"; rel=x', [("a,b", ("x",), {"title": "c, d; e", "rel": "x"})]),
        ("<a>", [("a", (), {})]),
        ("", []),
    ],
)
def test_links_are_read_as_rfc_8288_has_them(
    header: str, links: list[tuple[str, tuple[str, ...], dict[str, str]]]
) -> None:
    """Commas and semicolons in addresses and quotes divide nothing."""
    assert [(link.href, link.rels, link.parameters) for link in read_links(header)] == links
