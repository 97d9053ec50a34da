"""Writing to a whole site over HTTP: who may, what is refused and why, what is warned of, and what is logged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.rdf.terms import RDFS, SH, SKOS
from citygraph.release.releases import Releases
from tests.running import wait_for
from tests.small import small_site
from tests.writing import Writable

RDFS_COMMENT = RDFS("comment").value
NOTES = "https://w3id.org/citygraph/graph/notes"
HELLO = f'INSERT DATA {{ GRAPH <{NOTES}> {{ city:izmir rdfs:comment "hello"@en }} }}'
BREACH = f"INSERT DATA {{ GRAPH <{NOTES}> {{ city:nowhere a cg:City }} }}"
# A city without coordinates and without an item of Wikidata: allowed, and warned of.
INCOMPLETE = f"""INSERT DATA {{ GRAPH <{NOTES}> {{
    city:baku a cg:City ; cg:country country:turkiye ; rdfs:label "Baku"@en , "Bakü"@tr }} }}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writable]:
    with small_site(tmp_path_factory.mktemp("site"), log_requests=1) as running:
        yield running


def current(site: Writable) -> str:
    return Releases(site.folder / "releases").current_id()


def token_for(
    site: Writable, name: str, rights: tuple[str, ...] = ("write",), prefixes: tuple[str, ...] = ("",)
) -> str:
    return Tokens(site.folder / "tokens.json").make(TokenHolder(name, rights, prefixes))


# what is refused


@pytest.mark.parametrize(
    ("graph", "status", "words"),
    [
        ("https://w3id.org/citygraph/source/register", 409, "data/register.trig"),
        ("https://w3id.org/citygraph/graph/derived", 403, "rules"),
        ("https://w3id.org/citygraph/graph/ontology", 403, "ontology/"),
        ("https://w3id.org/citygraph/graph/shapes", 403, "ontology/shapes/"),
        ("https://w3id.org/citygraph/graph/catalog", 403, "data/catalog.ttl"),
        ("", 403, "merge of the named graphs"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "update"])
def test_what_cannot_be_written_says_why(site: Writable, graph: str, status: int, words: str, method: str) -> None:
    """A file's graph with the file's name, a graph that is made with what it is made of; nothing is changed."""
    before = current(site)
    triple = "<https://w3id.org/citygraph/id/city/izmir> <urn:x:p> 1 ."
    if method == "update":
        text = f"GRAPH <{graph}> {{ {triple} }}" if graph else triple
        reply = site.update(f"INSERT DATA {{ {text} }}")
    else:
        path = f"/graphs?graph={quote(graph)}" if graph else "/graphs?default"
        reply = site.ask(method, path, "" if method == "DELETE" else triple, Content_Type="text/turtle")
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    assert words in json.loads(reply.body)["detail"]
    assert current(site) == before


def test_a_breach_is_told_in_the_form_that_is_asked(site: Writable) -> None:
    """As problem+json in English or Turkish, as a page, or as the W3C's report in Turtle; nothing is changed."""
    before = current(site)
    asked = {"en": "application/problem+json", "tr": "application/json", "page": "text/html", "ttl": "text/turtle"}
    replies = {
        name: site.update(BREACH, Accept=accept, Accept_Language="tr" if name in ("tr", "page") else "en")
        for name, accept in asked.items()
    }
    assert {reply.status for reply in replies.values()} == {422}
    for name, words in (("en", "no English label"), ("tr", "İngilizce adı yok")):
        problem = json.loads(replies[name].body)
        assert replies[name].headers["content-language"] == name
        assert problem["type"].endswith("/problems/violations")
        assert any(words in violation["message"] for violation in problem["violations"])
        assert all(violation["remedy"] for violation in problem["violations"])
    assert "İngilizce adı yok" in replies["page"].body.decode()
    assert replies["page"].headers["content-type"].startswith("text/html")
    report = {triple.predicate.value.rpartition("#")[2] for triple in parse(replies["ttl"].body, RdfFormat.TURTLE)}
    assert {"conforms", "resultSeverity", "sourceShape"} <= report
    assert current(site) == before


def test_a_trial_run_tells_what_would_change(site: Writable) -> None:
    """By /update and by PUT: counts, graphs and warnings as a commit would have them; nothing is changed."""
    before = current(site)
    told = json.loads(site.update(INCOMPLETE, "?dry-run").body)
    assert (told["added"], told["graphs"], told["published"], told["dry_run"]) == (4, [NOTES], False, True)
    assert told["warnings"]
    put = site.ask(
        "PUT", f"/graphs?graph={quote(NOTES)}&dry-run", "<urn:x:s> a <urn:x:t> .", Content_Type="text/turtle"
    )
    assert (put.status, json.loads(put.body)["added"], "etag" in put.headers) == (201, 1, False)
    assert site.update(BREACH, "?dry-run").status == 422
    assert current(site) == before
    assert site.ask("GET", f"/graphs?graph={quote(NOTES)}").status == 404


def test_warnings_stop_nothing_and_are_told(site: Writable) -> None:
    """A city without coordinates is published, and its author hears of it."""
    reply = site.update(INCOMPLETE)
    told = json.loads(reply.body)
    assert (reply.status, told["published"]) == (200, True)
    assert {warning["severity"] for warning in told["warnings"]} == {"warning"}
    assert any("coordinates" in warning["message"] for warning in told["warnings"])
    assert site.update(f"DROP GRAPH <{NOTES}>").status == 200


def test_blank_nodes_get_names_and_the_answer_says_so(site: Writable) -> None:
    """By /update and by upload; what they are called dereferences below this site."""
    upload = "[] a <urn:x:Thing> ; <urn:x:p> [ a <urn:x:Thing> ] ."
    reply = site.ask("PUT", f"/graphs?graph={quote(NOTES)}", upload, Content_Type="text/turtle")
    told = json.loads(reply.body)
    assert (reply.status, told["blank_nodes"]) == (201, 2)
    assert "/.well-known/genid/" in told["note"]
    held = site.ask("GET", f"/graphs?graph={quote(NOTES)}", Accept="application/n-triples").body
    assert held.count(b"<https://w3id.org/citygraph/.well-known/genid/") == 4
    assert b"_:" not in held


# tokens


def test_a_revoked_token_is_refused_at_once(site: Writable) -> None:
    """By the running server, with the next request; a new one is taken as soon."""
    token = token_for(site, "short")
    header = {"Authorization": f"Bearer {token}"}
    assert site.update(HELLO, "?dry-run", **header).status == 200
    Tokens(site.folder / "tokens.json").revoke("short")
    assert site.update(HELLO, "?dry-run", **header).status == 401


def test_a_token_is_good_for_its_graphs_and_rights(site: Writable) -> None:
    """By the beginning of the graph's name, whichever way it is named; another is 403, and says what is allowed."""
    mine = f"{NOTES}/ada"
    header = {"Authorization": f"Bearer {token_for(site, 'ada', prefixes=(mine,))}"}
    assert site.update(HELLO.replace(NOTES, f"{mine}/one"), "?dry-run", **header).status == 200
    outside = site.update(HELLO, **header)
    assert (outside.status, json.loads(outside.body)["allowed"]) == (403, [mine])
    for text in (
        f"COPY <{mine}/one> TO <{NOTES}>",
        f"DROP GRAPH <{NOTES}>",
        f"WITH <{NOTES}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
    ):
        assert (
            site.update(f"INSERT DATA {{ GRAPH <{mine}/one> {{ <urn:x:s> a <urn:x:t> }} }} ; {text}", **header).status
            == 403
        )
    body = {"Content_Type": "text/turtle", **header}
    assert site.ask("PUT", f"/graphs?graph={quote(NOTES)}", "<urn:x:s> a <urn:x:t> .", **body).status == 403
    none = {"Authorization": f"Bearer {token_for(site, 'reader', rights=('admin',))}"}
    assert site.update(HELLO, **none).status == 403


@pytest.mark.parametrize("name", ["access_token", "token", "authorization"])
@pytest.mark.parametrize("path", ["/update", f"/graphs?graph={NOTES}"])
def test_a_token_in_an_address_is_refused(site: Writable, name: str, path: str) -> None:
    """Even a good one, with the reason; and in the fields of a form it is none either."""
    address = f"{path}{'&' if '?' in path else '?'}{name}={site.token}"
    kind = {"Content_Type": "application/sparql-update" if path == "/update" else "text/turtle"}
    reply = site.ask("POST", address, HELLO if path == "/update" else "", **kind)
    assert reply.status == 400
    assert "Authorization" in json.loads(reply.body)["detail"]
    form = f"update={quote(HELLO)}&{name}={site.token}"
    unnamed = site.ask("POST", "/update", form, Content_Type="application/x-www-form-urlencoded", Authorization="")
    assert unnamed.status == 401
    assert site.token not in unnamed.body.decode()


def test_each_write_is_in_the_audit_log_and_no_token_in_any(site: Writable) -> None:
    """Who, what and what came of it; each request in the request log, without what follows its question mark."""
    site.update(BREACH)
    site.update(HELLO, f"?access_token={site.token}")
    site.ask("POST", "/update", f"update={quote(HELLO)}&token={site.token}",
             Content_Type="application/x-www-form-urlencoded")  # fmt: skip
    site.ask("GET", f"/nothing%0d%0aFAKE?x={site.token}")
    site.ask("POST", "/update", "CLEAR", Content_Type="application/sparql-update")
    audit = [json.loads(line) for line in (site.folder / "audit.jsonl").read_text().splitlines()]
    assert {"who", "client", "time", "method", "path", "outcome", "seconds"} <= audit[-1].keys()
    assert {"Violations", "QuerySyntaxError"} <= {line["outcome"] for line in audit}
    # The line of a request is written after its response.
    wait_for(lambda: '"POST /update" 422' in (site.folder / "server.log").read_text())
    requests = (site.folder / "server.log").read_text()
    assert "\nFAKE" not in requests
    for path in (site.folder / "audit.jsonl", site.folder / "server.log", site.folder / "tokens.json"):
        assert site.token not in path.read_text()
        assert path.name == "server.log" or path.stat().st_mode & 0o077 == 0
    _no_token_in(site.folder / "releases", site.token)


def _no_token_in(folder: Path, token: str) -> None:
    for path in folder.rglob("*"):
        # What a commit leaves may be removed meanwhile.
        with suppress(FileNotFoundError):
            if path.is_file() and not path.is_symlink():
                assert token.encode() not in path.read_bytes(), path


MARKED = {
    "text/turtle": '<urn:a:s> <urn:a:p> "one" .',
    "application/trig": '<urn:a:s> <urn:a:p> "one" .',
    "application/n-triples": '<urn:a:s> <urn:a:p> "one" .',
    "application/n-quads": '<urn:a:s> <urn:a:p> "one" .',
    "application/ld+json": '{"@id": "urn:a:s", "urn:a:p": "one"}',
}


@pytest.mark.parametrize("media_type", MARKED)
def test_byte_order_mark_of_a_body_is_ignored(site: Writable, media_type: str) -> None:
    """(13.5) The statements reach the shapes, which refuse them: the body was read."""
    graph = quote(NOTES)
    reply = site.ask("POST", f"/graphs?graph={graph}", "\ufeff" + MARKED[media_type], Content_Type=media_type)
    assert (reply.status, json.loads(reply.body)["title"]) == (422, "The data violate their shapes")


@pytest.mark.parametrize("content_type", ["application/sparql-update", "application/x-www-form-urlencoded"])
def test_byte_order_mark_of_an_update_is_ignored(site: Writable, content_type: str) -> None:
    """(13.5) As the body, and in a form."""
    text = "\ufeff" + HELLO
    body = text if content_type.endswith("update") else f"update={quote(text)}"
    reply = site.ask("POST", "/update?dry-run", body, Content_Type=content_type)
    assert (reply.status, json.loads(reply.body)["added"]) == (200, 1)


def test_byte_order_mark_of_a_parameter_is_ignored(site: Writable) -> None:
    """(13.5) A pasted name is searched and reconciled like a typed one."""
    found = site.ask("GET", f"/search.json?q={quote(chr(0xFEFF) + 'Bremen')}")
    assert "city/bremen" in found.body.decode()
    form = "queries=" + quote("\ufeff" + json.dumps({"a": {"query": "Bremen"}}))
    matched = site.ask("POST", "/reconcile", form, Content_Type="application/x-www-form-urlencoded")
    assert "city/bremen" in matched.body.decode()


def test_packed_part_of_a_body_is_unpacked(site: Writable) -> None:
    """(13.6) A part whose file name ends in .gz is read as a file of that name is read."""
    text = f'<https://w3id.org/citygraph/id/city/izmir> <{RDFS_COMMENT}> "packed"@en .'
    head = b'--B\r\nContent-Disposition: form-data; name="f"; filename="x.ttl.gz"\r\n\r\n'
    path = f"/graphs?graph={quote(NOTES)}&dry-run"
    reply = site.ask(
        "POST",
        path,
        head + gzip.compress(text.encode()) + b"\r\n--B--\r\n",
        Content_Type="multipart/form-data; boundary=B",
    )
    assert (reply.status, json.loads(reply.body)["added"]) == (200, 1)


FAULTS = f"""INSERT DATA {{ GRAPH <{NOTES}> {{
    agreement:izmir-nowhere a cg:SisterCityAgreement ; cg:party city:izmir ;
    cg:protocolDate "2199-01-01"^^xsd:date }} }}"""
NOWHERE = "https://w3id.org/citygraph/id/agreement/izmir-nowhere"


def test_report_of_a_change_is_about_the_change(site: Writable) -> None:
    """(13.8) Its own violations come first; warnings about other agreements of the same city are left out."""
    told = json.loads(site.update(FAULTS).body)["violations"]
    assert [one["severity"] for one in told] == sorted((one["severity"] for one in told), key="violation warning".index)
    shapes = [one["shape"].partition("#")[2] for one in told if one["severity"] == "violation"]
    assert shapes == ["AgreementDateNotInFuture", "TwoParties"]
    assert {one["focus"] for one in told} == {NOWHERE}
    report = parse(site.update(FAULTS, Accept="text/turtle").body, RdfFormat.TURTLE)
    results = [quad for quad in report if quad.predicate in (SH("focusNode"), SH("result"))]
    assert {quad.object.value for quad in results if quad.predicate == SH("focusNode")} == {NOWHERE}
    assert len(results) == 2 * len(told)


def test_fault_of_a_name_is_reported_once(site: Writable) -> None:
    """(13.8) The names derived from it in other vocabularies have the same fault, which is not the writer's."""
    text = f'INSERT DATA {{ GRAPH <{NOTES}> {{ agreement:izmir-bremen rdfs:label ""@de ; skos:altLabel ""@de }} }}'
    told = json.loads(site.update(text).body)["violations"]
    empty = [one["path"] for one in told if one["shape"].endswith("#TextNotEmpty")]
    assert sorted(empty) == [RDFS("label").value, SKOS("altLabel").value]


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        (f"INSERT DATA {{\n GRAPH <{NOTES}> {{ city:izmir cg:note 1 }}\n", 3, 1, "expected }"),
        ("PREFIX a: <urn:a>\nDROP SILENT GRAPH a:b ;\nPREFIX b: <urn:b>\nINSERT DATA { b:s b:p , }", 4, None, ""),
    ],
)
def test_syntax_error_of_an_update_has_its_position(
    site: Writable, text: str, line: int, column: int | None, problem: str
) -> None:
    """(13.8) As that of a query, in the text of the whole update."""
    reply = site.update(text)
    told = json.loads(reply.body)
    assert (reply.status, told["line"], told["column"]) == (400, line, column or told["column"])
    assert problem in told["detail"]
    assert told["title"] == "The query or update has a syntax error"


def test_functions_in_an_update_are_those_of_queries(site: Writable) -> None:
    """(13.8) Ours can be used; an unknown one is an error with its place and the available ones."""
    insert = f"INSERT {{ GRAPH <{NOTES}> {{ city:izmir rdfs:comment ?text }} }}\nWHERE {{ BIND(%s AS ?text) }}"
    day = 'STRLANG(STR(cg:startOfPeriod("1991"^^xsd:gYear)), "en")'
    assert json.loads(site.update(insert % day, "?dry-run").body)["added"] == 1
    reply = site.update(insert % "<http://example.org/f>(1)")
    detail = json.loads(reply.body)["detail"]
    assert reply.status == 400
    assert "<http://example.org/f> (line 2, column 14)" in detail
    assert "cg:startOfPeriod(" in detail
