"""The tools for language models: thirty questions with known answers, in at most two calls each, and their errors."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

mcp = pytest.importorskip("mcp", reason="the extra citygraph[mcp] is not installed")

from mcp import StdioServerParameters  # noqa: E402 - after the check for the extra
from mcp.client.stdio import stdio_client  # noqa: E402

from citygraph.cli.main import main  # noqa: E402
from citygraph.mcp.graph_server import graph_server  # noqa: E402
from citygraph.mcp.graph_tools import SEARCHED_KINDS  # noqa: E402
from citygraph.mcp.own_site import own_site  # noqa: E402
from citygraph.release.releases import Release, Releases  # noqa: E402
from citygraph.report import Report  # noqa: E402
from citygraph.settings import Settings  # noqa: E402
from citygraph.web.search.search_page import KINDS  # noqa: E402
from tests.running import Running, free_port, wait_for  # noqa: E402

Call = tuple[str, dict[str, Any]]
Tools = Callable[..., Any]


@pytest.fixture(scope="module")
def call(built: tuple[Releases, Release, Report]) -> Iterator[Tools]:
    """A function that calls a tool of the İzmir graph in process and returns its result."""
    with own_site(Settings(releases=built[0].root)) as site:
        yield partial(_call, graph_server(site))


def _call(server: Any, name: str, /, **arguments: Any) -> Any:
    async def once() -> Any:
        async with mcp.Client(server) as client:
            return await client.call_tool(name, arguments)

    # In a thread of its own: the browser of other tests has an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(once())).result()


def _search(text: str, kind: str = "") -> Call:
    return "search_entities", {"text": text, "kind": kind}


def _describe(entity: str, **more: Any) -> Call:
    return "describe_entity", {"entity": entity, "limit": 500, **more}


def _stored(query: str, /, **parameters: str) -> Call:
    return "run_stored_query", {"name": query, "parameters": parameters, "limit": 500}


def _sparql(query: str) -> Call:
    return "run_sparql", {"query": query}


def _has(**members: Any) -> Callable[[Any], bool]:
    """Returns a test for a row or statement with these members."""
    return lambda answer: any(
        all(row.get(name) == value for name, value in members.items())
        for row in (answer.get("rows") or answer.get("statements") or answer.get("results") or ())
    )


# Each question as a scripted client asks it. The answers are facts of the documents in data/sources.
QUESTIONS: dict[str, tuple[list[Call], Callable[[Any], bool]]] = {
    "In which country is Bremen?": (
        [_describe("Bremen")],
        _has(property="cg:country", value="country:germany", sources=["source:place-register"]),
    ),
    "What is Bremen's item in Wikidata?": ([_describe("city:bremen")], _has(property="owl:sameAs", value="wd:Q24879")),
    "When was the protocol of İzmir and Bremen signed, by İzmir's own list?": (
        [_search("İzmir Bremen", "agreement"), _describe("agreement:izmir-bremen")],
        _has(property="cg:protocolDate", value="1996-04-24", sources=["source:izmir-sister-cities"]),
    ),
    "When did the council decide on the tie with Baku?": (
        [_describe("agreement:izmir-baku")],
        _has(property="cg:councilActDate", value="1985-09-04"),
    ),
    "Who was mayor of İzmir when the protocol with Plzeň was signed?": (
        [_stored("mayors-at-signing", city="city:izmir")],
        _has(agreement="agreement:izmir-plzen", party="city:izmir", mayorLabel="Burhan Özfatura"),
    ),
    "Who signed the agreement with Turin in 2012?": (
        [_stored("signatories", city="city:izmir")],
        _has(agreement="agreement:izmir-turin", signatoryLabel="Piero Fassino", date="2012-09-12"),
    ),
    "Who was mayor of İzmir on 1 June 2013?": (
        [_stored("office-holders-on-date", date="2013-06-01")],
        _has(post="post:mayor-of-izmir", holderLabel="Aziz Kocaoğlu", certainty="held"),
    ),
    "Which partners of İzmir are in China?": (
        [_stored("partners-by-country", city="city:izmir")],
        _has(country="country:china", partners="Chengdu; Tianjin; Wuhan; Xiamen"),
    ),
    "Which partner of İzmir is nearest?": (
        [_stored("partner-distances", city="city:izmir")],
        lambda answer: answer["rows"][0]["partner"] == "city:kardzhali",
    ),
    "Does the tie of İzmir and Tel Aviv still hold?": (
        [_stored("status-of-ties", city="city:izmir")],
        _has(agreement="agreement:izmir-tel-aviv", current="ended"),
    ),
    "Which round anniversary has the tie with Baku in 2026?": (
        [_stored("anniversaries", city="city:izmir", year="2026")],
        _has(agreement="agreement:izmir-baku", ordinal=40, day="2026-04-28"),
    ),
    "Which years do İzmir and Bremen give for their tie?": (
        [_stored("reciprocity", city="city:izmir")],
        _has(agreement="agreement:izmir-bremen", ownYears="1993; 1996", partnerYears="1995"),
    ),
    "How many days were between act and protocol of the tie with Tel Aviv?": (
        [_stored("days-between-act-and-protocol", city="city:izmir")],
        _has(agreement="agreement:izmir-tel-aviv", days=40),
    ),
    "Is the council act of the tie with Constanța dated, although no protocol is?": (
        [_stored("agreements-without-protocol", city="city:izmir")],
        _has(agreement="agreement:izmir-constanta", councilAct="1995-02-09"),
    ),
    "Which offices did Fatma Şahin hold?": (
        [_search("FATMA ŞAHİN"), _stored("offices-of-person", person="person:fatma-sahin")],
        _has(postLabel="President of the Union of Municipalities of Turkey"),
    ),
    "Which is the kind of the tie with Ancona Province?": (
        [_describe("agreement:izmir-ancona-province")],
        _has(property="cg:agreementType", label="cooperation agreement"),
    ),
    "What happened between İzmir and Baku in 2018?": (
        [_stored("tie-by-year", agreement="agreement:izmir-baku")],
        _has(year="2018", what="Opening of the Baku Park in İzmir, 2018"),
    ),
    "What is İzmir called in Turkish letters, whatever one types?": (
        [_search("izmır", "city")],
        _has(id="city:izmir", label="İzmir", kind="city"),
    ),
    "Is there an agreement of Chengdu with İzmir?": (
        [_search("Chengdu İzmir", "agreement")],
        _has(id="agreement:izmir-chengdu"),
    ),
    "What is Bălți called on İzmir's list?": (
        [_stored("place-names-by-source", language="en")],
        _has(place="city:balti", source="source:izmir-sister-cities", names="Balti"),
    ),
    "How many partners of İzmir are in Germany, by SPARQL?": (
        [_sparql("SELECT (COUNT(DISTINCT ?p) AS ?n) { ?a cg:party city:izmir, ?p . ?p cg:country country:germany }")],
        _has(n=1),
    ),
    "Is İzmir twinned with Bremen?": (
        [_sparql("ASK { city:izmir cg:twinnedWith city:bremen }")],
        _has(answer=True),
    ),
    "Is İzmir twinned with Paris?": (
        [_sparql('ASK { city:izmir cg:twinnedWith ?p . ?p rdfs:label "Paris"@en }')],
        _has(answer=False),
    ),
    "Which property has the date of a protocol?": (
        [("list_vocabulary", {"text": "protocol signed"})],
        lambda answer: answer["properties"][0]["name"] == "cg:protocolDate",
    ),
    "Which stored query tells who was mayor on a day?": (
        [("list_stored_queries", {"text": "office date"})],
        lambda answer: "office-holders-on-date" in [one["name"] for one in answer["queries"]],
    ),
    "On which day was the framework agreement of Bremen and İzmir signed?": (
        [_search("signing Bremen İzmir", "event"), _describe("event:signing-of-izmir-bremen-1995")],
        _has(property="cg:startDate", value="1995-03-08", sources=["source:bremen-izmir-framework-agreement"]),
    ),
    "Where does the coordinate of Bremen come from?": (
        [_describe("city:bremen")],
        _has(property="schema:latitude", value="53.08", sources=["source:natural-earth"]),
    ),
    "On which river is Bremen?": ([_describe("city:bremen")], _has(property="cg:situatedOn", label="Weser River")),
    "What is Germany called in Turkish?": (
        [_describe("country:germany", language="tr")],
        _has(property="rdfs:label", value="Almanya", label="tr"),
    ),
    "How far is Cape Town from İzmir?": (
        [_stored("partners-by-country", city="city:izmir")],
        _has(countryLabel="South Africa", nearestKm=8096),
    ),
}


def test_there_are_thirty_questions() -> None:
    """(17) The list is whole, and no question needs more than two calls."""
    assert len(QUESTIONS) == 30
    assert max(len(calls) for calls, _ in QUESTIONS.values()) == 2


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_in_two_calls(call: Tools, question: str) -> None:
    """(17) Each call succeeds, the last one has the answer, and every one carries release, source and citation."""
    calls, is_answered = QUESTIONS[question]
    for name, arguments in calls:
        result = call(name, **arguments)
        answer = result.structured_content
        assert not result.is_error, result.content[0].text
        assert answer["release"] in answer["source"]
        assert answer["release"] in answer["citation"]
        assert answer["arguments"] == {**answer["arguments"], **{k: v for k, v in arguments.items() if v != ""}}
    assert is_answered(answer), json.dumps(answer, ensure_ascii=False)[:3000]


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "suggestion"),
    [
        ("run_sparql", {"query": "SELECT * { ?a cg:partys ?b }"}, "unknown-term", "cg:party"),
        ("run_sparql", {"query": "SELECT * { ?a cg:party/^cg:holdr ?b }"}, "unknown-term", "cg:holder"),
        ("run_sparql", {"query": "SELECT * { [] a cg:Citty }"}, "unknown-term", "cg:City"),
        ("run_sparql", {"query": "SELECT * { ?a cg:party ?b"}, "syntax-error", ""),
        ("run_stored_query", {"name": "partnerz"}, "unknown-query", "partners"),
        ("run_stored_query", {"name": "partners", "parameters": {"limit": "1"}}, "bad-request", ""),
        ("describe_entity", {"entity": "city:bremmen"}, "unknown-entity", "city/bremen: Bremen"),
        ("describe_entity", {"entity": "Bremmen"}, "unknown-entity", "city/bremen: Bremen"),
        ("describe_entity", {"entity": "bremen", "language": "English"}, "bad-language", ""),
        ("search_entities", {"text": "bremen", "kind": "source"}, "unknown-kind", "organisation"),
    ],
)
def test_an_error_is_typed_and_suggests(
    call: Tools, name: str, arguments: dict[str, Any], kind: str, suggestion: str
) -> None:
    """(17) An error is flagged as one, has a type and what may be meant, also in its text."""
    result = call(name, **arguments)
    problem = result.structured_content
    assert result.is_error
    assert problem["type"] == kind
    assert problem["detail"] in result.content[0].text
    assert not suggestion or suggestion in problem["suggestions"]


def test_the_kinds_are_those_of_the_search_page() -> None:
    """(17) A kind in the description of the tool is one that the site accepts."""
    assert SEARCHED_KINDS == KINDS


def test_a_kind_is_found_in_any_case(call: Tools) -> None:
    """(17) As on the search page."""
    results = call("search_entities", text="bremen", kind="city").structured_content["results"]
    assert results
    assert call("search_entities", text="bremen", kind=" City").structured_content["results"] == results


@pytest.mark.parametrize(
    "address", ["127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:-1", "127.0.0.1:²", "8100", "[::1]:", "192.0.2.1:8100"]
)
def test_an_address_on_which_nothing_can_listen_is_refused(address: str) -> None:
    """(17) The error is one line that names the option or the address."""
    result = CliRunner().invoke(main, ["mcp", "--url", "http://127.0.0.1:9", "--http", address])
    assert (result.exit_code, "--http" in result.output, address in result.output) == (2, True, True), result.output


def test_an_address_of_a_site_that_is_none_is_refused() -> None:
    """(17) Otherwise each tool would fail later."""
    result = CliRunner().invoke(main, ["mcp", "--url", "example.org"])
    assert (result.exit_code, "--url must be an http or https address" in result.output) == (2, True)


def test_an_ambiguous_name_offers_candidates(call: Tools) -> None:
    """(17) A word that many names have is no entity; the candidates have ids for the next call."""
    problem = call("describe_entity", entity="sister-city agreement").structured_content
    assert problem["type"] == "ambiguous-name"
    assert all(one.startswith("agreement/") for one in problem["suggestions"])


def test_a_template_of_construct_may_have_any_term(call: Tools) -> None:
    """(17) Only the patterns are checked against the vocabulary."""
    result = call("run_sparql", query="CONSTRUCT { ?a <urn:mine> ?b } WHERE { ?a cg:party ?b }", limit=2)
    assert not result.is_error, result.content[0].text
    assert result.structured_content["total"] > 2


def test_the_command_serves_over_standard_streams(built: tuple[Releases, Release, Report]) -> None:
    """(17) As a program on the reader's machine starts it: the instructions, the tools and an answer."""

    async def talk() -> tuple[Any, ...]:
        async with mcp.Client(stdio_client(parameters)) as client:
            tools = await client.list_tools()
            return client.instructions, tools.tools, await client.call_tool("search_entities", {"text": "İZMİR"})

    arguments = ["-m", "citygraph.cli", "--releases", str(built[0].root), "mcp"]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
    with ThreadPoolExecutor(1) as pool:
        instructions, tools, result = pool.submit(lambda: asyncio.run(talk())).result()
    assert "search_entities" in instructions
    assert tools
    assert all(tool.output_schema and tool.annotations.read_only_hint for tool in tools)
    assert result.structured_content["results"][0]["id"] == "city:izmir"


def test_the_command_serves_over_http_to_its_own_host_only() -> None:
    """(17) A page of another site, which can reach the port, cannot use the tools."""
    port = free_port()
    arguments = ["mcp", "--url", "http://127.0.0.1:9", "--http", f"127.0.0.1:{port}"]
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    headers = {"Content_Type": "application/json", "Accept": "application/json, text/event-stream"}
    with subprocess.Popen([sys.executable, "-m", "citygraph.cli", *arguments], stderr=subprocess.PIPE) as process:
        try:
            running = Running(port, process)
            wait_for(lambda: _listens(running), 60)
            reply = running.get("/mcp", "POST", call, **headers)
            foreign = running.get("/mcp", "POST", call, **headers, Host="evil.example")
        finally:
            process.terminate()
    assert len(json.loads(reply.body)["result"]["tools"]) == 6
    assert foreign.status == 421


def _listens(running: Running) -> bool:
    with suppress(OSError):
        running.get("/")
        return True
    return False


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?c { GRAPH graph:ontology { ?c a owl:Class ; skos:definition ?text } }",
        "BASE <https://w3id.org/citygraph/ontology> SELECT ?b { ?a <#party> ?b }",
    ],
)
def test_terms_outside_the_list_are_not_refused(call: Tools, query: str) -> None:
    """(17) Those that only the graph of the ontology uses, and relative IRIs."""
    result = call("run_sparql", query=query, limit=2)
    assert not result.is_error, result.content[0].text
    assert result.structured_content["total"] > 2


def test_rows_come_with_their_total_and_the_way_to_the_rest(call: Tools) -> None:
    """(17) Pages of rows together are the whole result, and each tells how many there are."""
    whole = call("run_stored_query", name="partners", limit=500).structured_content
    first = call("run_stored_query", name="partners", limit=20)
    page = first.structured_content
    second = call("run_stored_query", name="partners", limit=500, offset=20).structured_content
    assert page["total"] == whole["total"] == whole["shown"]
    assert page["rows"] + second["rows"] == whole["rows"]
    assert "offset=20" in page["advice"]
    assert not whole["advice"]
    rows = list(csv.DictReader(io.StringIO(first.content[0].text.split("\n\n")[0])))
    assert [row["partner"] for row in rows] == [row["partner"] for row in page["rows"]]


def test_an_empty_result_says_what_it_does_not_prove(call: Tools) -> None:
    """(17) No row is not reported as a fact."""
    page = call("run_sparql", query='SELECT ?c { ?c a cg:City ; rdfs:label "Atlantis"@en }').structured_content
    assert page["total"] == 0
    assert "not proof" in page["advice"]
