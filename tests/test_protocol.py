"""SPARQL 1.1 Protocol, section 2.1: what a request asks, from its parts."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.errors import MethodNotAllowed, UnsupportedMedia, UsageError
from citygraph.sparql.protocol import DIRECT, FORM, Query, parse_request

ASK = "ASK {}"
GRAPHS = [("default-graph-uri", "http://a/1"), ("default-graph-uri", "http://a/2"), ("named-graph-uri", "urn:b")]


def asked(*args: str | bytes) -> Query:
    query = parse_request(*args).query  # type: ignore[arg-type]
    assert query is not None
    return query


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_query_by_get(method: str) -> None:
    """2.1.1: the query and its dataset stand in the address; HEAD asks the same."""
    query = asked(method, urlencode([("query", ASK), *GRAPHS]))
    assert query == Query(ASK, ("http://a/1", "http://a/2"), ("urn:b",))


def test_query_by_form() -> None:
    """2.1.2: the same parameters as the body of a form, with or without a charset."""
    body = urlencode([("query", ASK), *GRAPHS]).encode()
    for content_type in (FORM, f"{FORM}; charset=UTF-8", FORM.upper()):
        assert asked("POST", "", content_type, body).named_graphs == ("urn:b",)


def test_query_as_body() -> None:
    """2.1.3: the body is the query, the dataset stands in the address; a byte order mark is none of it."""
    query = asked("POST", urlencode(GRAPHS), f"{DIRECT}; charset=utf-8", "\ufeffASK { ?é ?p 1 }".encode())
    assert query == Query("ASK { ?é ?p 1 }", ("http://a/1", "http://a/2"), ("urn:b",))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_arrives_as_it_was_sent(text: str) -> None:
    """Whatever was percent-encoded, in whichever way, is decoded once; a byte order mark in front is none of it."""
    for encoded in (urlencode({"query": text}), "query=" + quote(text, safe=""), "query=" + quote(text)):
        assert asked("GET", encoded).text == text.removeprefix("\ufeff")
        assert asked("POST", "", FORM, encoded.encode()).text == text.removeprefix("\ufeff")


def test_byte_order_mark_in_front_of_a_query_is_ignored() -> None:
    """(13.5) In the address, in a form and as the body."""
    encoded = urlencode({"query": "\ufeffASK {}"})
    assert asked("GET", encoded).text == ASK
    assert asked("POST", "", FORM, encoded.encode()).text == ASK
    assert asked("POST", "", DIRECT, b"\xef\xbb\xbfASK {}").text == ASK


def test_raw_utf8_in_the_address_is_read() -> None:
    """Browsers and curl send it; WSGI gives it as one character for each byte."""
    assert asked("GET", "query=SELECT(%22é+\\%25%22AS?x)".encode().decode("latin-1")).text == 'SELECT("é \\%"AS?x)'


@pytest.mark.parametrize("query_string", ["", "format=ttl", "output=json&lang=tr", "&&"])
def test_the_endpoint_itself(query_string: str) -> None:
    """Service Description, 2: without a query it is the service that is asked for, in a format perhaps."""
    assert parse_request("GET", query_string).query is None


def test_format_parameter() -> None:
    """?format= goes before ?output=; both may stand in a form as well as in the address."""
    assert parse_request("GET", "query=x&output=csv").format == "csv"
    assert parse_request("GET", "query=x&output=csv&format=tsv").format == "tsv"
    assert parse_request("POST", "format=tsv", FORM, b"query=x&format=csv").format == "tsv"


def test_timeout_parameter() -> None:
    """The client's own time limit, in seconds; without it there is only the server's (17)."""
    assert asked("GET", "query=x&timeout=0.5").time_limit == 0.5
    assert asked("POST", "", FORM, b"query=x&timeout=20").time_limit == 20
    assert asked("GET", "query=x").time_limit == asked("GET", "query=x&timeout=").time_limit == 0


@pytest.mark.parametrize(
    ("query_string", "said"),
    [
        ("query=x&timeout=0", "timeout is '0': it must be a positive number of seconds, such as 5 or 0.5"),
        ("query=x&timeout=-1", "timeout is '-1'"),
        ("query=x&timeout=1e9", "timeout is '1e9'"),
        ("query=a&query=b", "has 2"),
        ("default-graph-uri=http://a/", "no query"),
        ("foo=bar", "no query"),
        ("query=%zz", "'%zz' at character 1 of the parameter 'query' in the address"),
        ("query=ab%4", "'%4' at character 3"),
        ("query=%", "'%' at character 1"),
        ("a%2=1", "the name of a parameter"),
        ("query=a%FFb", r"invalid UTF-8 at byte 2 .* \(0xFF\)"),
        ("query=%ED%A0%80", "invalid UTF-8 at byte 1"),
        ("query=a%00", "NUL character at character 2"),
        ("query=a\x00", "NUL character at character 2"),
        ("query=x&default-graph-uri=graph", "'graph' is not an absolute IRI"),
        ("query=x&named-graph-uri=http://a/%0D%0AX:y", "not an absolute IRI"),
        ("query=x&default-graph-uri=", "not an absolute IRI"),
        ("update=CLEAR+ALL", "/update"),
        ("a&" * 6000, "more than 5000 parameters"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(query_string: str, said: str) -> None:
    """Each fault of the address is a UsageError whose sentence names it."""
    with pytest.raises(UsageError, match=said):
        parse_request("GET", query_string)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(FORM, b"query=a&query=b"), (DIRECT, b"ASK {}\xff"), (DIRECT, b"ASK\0"), (FORM, b"query=%GG"), (FORM, b"")],
)
def test_what_is_wrong_in_a_body(content_type: str, body: bytes) -> None:
    """A body is held to the same rules; a POST without a query is no request for the description."""
    with pytest.raises(UsageError):
        parse_request("POST", "", content_type, body)


def test_a_query_in_two_places_is_two_queries() -> None:
    """2.1: exactly one query, wherever it stands."""
    for content_type, body in ((DIRECT, b"ASK {}"), (FORM, b"query=ASK")):
        with pytest.raises(UsageError, match="exactly one"):
            parse_request("POST", "query=ASK", content_type, body)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data",
        f"{DIRECT}; charset=UTF-16",
        f"{FORM}; charset=latin1",
        "application/json",
    ],
)
def test_a_body_of_another_type_is_not_read(content_type: str) -> None:
    """2.1.3: a query is UTF-8; the error lists the types that are read."""
    with pytest.raises(UnsupportedMedia) as caught:
        parse_request("POST", "", content_type, b"ASK {}")
    assert caught.value.accepted == (FORM, DIRECT)


@pytest.mark.parametrize("content_type", ["", DIRECT, FORM, "application/json", "multipart/form-data"])
def test_without_a_body_a_post_is_a_get(content_type: str) -> None:
    """The query and its graphs are in the address, and an empty body has no type (13.33)."""
    address = "query=ASK+%7B%7D&default-graph-uri=http%3A%2F%2Fa.example%2F&format=json"
    assert parse_request("POST", address, content_type, b"") == parse_request("GET", address)


def test_without_a_body_a_post_needs_a_query() -> None:
    """Nothing was asked, so the type of the body decides what is missing (13.33)."""
    with pytest.raises(UnsupportedMedia):
        parse_request("POST", "", "application/json", b"")
    with pytest.raises(UsageError, match="no query"):
        parse_request("POST", "", FORM, b"")


def test_an_update_is_sent_elsewhere() -> None:
    """2.2: updates have an address of their own, and the error names it."""
    for content_type, body in ((FORM, b"update=CLEAR+ALL"), ("application/sparql-update", b"CLEAR ALL")):
        with pytest.raises(UsageError, match="/update"):
            parse_request("POST", "", content_type, body)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get"])
def test_other_methods_do_not_exist(method: str) -> None:
    """The error lists those that do."""
    with pytest.raises(MethodNotAllowed) as caught:
        parse_request(method, "query=ASK")
    assert "GET" in caught.value.allowed
