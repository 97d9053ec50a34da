"""RFC 9110, section 12: what is answered to whom."""

from __future__ import annotations

import secrets
from unittest.mock import Mock

import pytest

from citygraph.catalogues import LANGUAGES, interface_languages
from citygraph.errors import NotAcceptable
from citygraph.instance import Instance
from citygraph.rdf.formats import FORMATS, Kind
from citygraph.web.http import negotiation
from citygraph.web.http.negotiation import accepted_formats, best_of, coding_of, encoding, formats_of, language

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
SRJ, SRX = "application/sparql-results+json", "application/sparql-results+xml"


def got(accept: str, kind: Kind = Kind.SOLUTIONS, asked: str | None = None) -> str:
    return accepted_formats(accept, asked).of_kind(kind).name


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f.name)
def test_every_format_is_had_by_its_media_type_and_name(format_) -> None:  # type: ignore[no-untyped-def]
    """Under each of its types, and answered under the one that was asked for."""
    kind = next(iter(format_.kinds))
    assert got("", kind, format_.name) == format_.name
    for media_type in format_.media_types:
        chosen = accepted_formats(media_type.upper())
        assert chosen.of_kind(kind) is format_
        answered = chosen.content_type(format_)
        assert answered.removesuffix("; charset=utf-8") == media_type or answered == format_.served_as


@pytest.mark.parametrize("accept", ["", "*/*", "*/*;q=0.1", "application/*", "garbage, */*"])
def test_who_takes_anything_gets_our_first(accept: str) -> None:
    """JSON for results."""
    assert got(accept) == "json"
    assert got(accept, Kind.BOOLEAN) == "json"


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (f"{SRX};q=0.2, {SRJ};q=0.9, text/csv;q=0.1", "json"),
        (f"{SRJ};q=0, {SRX}", "xml"),
        (f"{SRJ};q=0, */*", "xml"),
        ("text/*", "csv"),
        ("text/*, text/csv;q=0.5", "tsv"),
        ("text/csv, */*", "csv"),
        (f"{SRX}, {SRJ}", "xml"),
        ("text/csv;q=0.5;x=y , text/markdown ; Q=0.6", "md"),
        ("text/csv;q=2", "csv"),
        ("text/csv;q=x, text/markdown;q=0.001", "md"),
        (f"text/turtle, {SRX}", "xml"),
    ],
)
def test_qualities_and_wildcards(accept: str, name: str) -> None:
    """12.5.1: the most specific range decides; then quality, then what is named, then what stands first."""
    assert got(accept) == name


COMUNICA = (
    "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,application/n-triples;q=0.8,"
    "text/turtle;q=0.6,application/rdf+xml;q=0.5,text/n3;q=0.35,application/xml;q=0.3,text/html;q=0.2"
)
RDFLIB = (
    "application/rdf+xml, text/n3, text/turtle, application/n-triples, application/ld+json, application/n-quads, "
    "application/trix, application/trig"
)
JENA_DATASETS = (
    "application/trig,application/n-quads;q=0.9,text/x-nquads;q=0.8,application/x-trig;q=0.7,"
    "application/ld+json;q=0.5,*/*;q=0.5"
)


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (COMUNICA, "jsonld"),
        (JENA_DATASETS, "trig"),
        ("application/trig, application/ld+json;q=0.8, application/n-quads;q=0.7, text/turtle;q=0.3", "trig"),
        ("application/n-quads, text/turtle", "ttl"),
        ("application/trig, text/turtle;q=0.9", "ttl"),
        ("application/trig, text/turtle;q=0.7", "trig"),
        ("application/n-quads", "nq"),
        ("text/x-nquads, application/x-trig, text/turtle", "ttl"),
        ("application/n-quads, */*;q=0.1", "nq"),
        ("application/trig, */*", "trig"),
        ("application/trig, text/html", "trig"),
    ],
)
def test_quads_have_a_lower_quality_than_triples(accept: str, name: str) -> None:
    """A client that reads both gets triples, one that reads only quads gets quads (13.31)."""
    assert got(accept, Kind.GRAPH) == name


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (RDFLIB, "nt"),
        ("text/turtle, application/n-triples", "nt"),
        ("text/turtle, application/n-triples;q=0.9", "ttl"),
        # What else changes: nothing where N-Triples is not named.
        ("text/turtle, application/rdf+xml", "ttl"),
        ("application/rdf+xml, text/turtle", "rdf"),
        ("text/turtle, */*", "ttl"),
        ("text/turtle, text/plain", "ttl"),
        ("*/*", "ttl"),
        (f"{SRX}, {SRJ}, application/rdf+xml", "rdf"),
    ],
)
def test_n_triples_are_served_when_rdf_formats_tie(accept: str, name: str) -> None:
    """The parsers of Turtle, TriG and N-Quads read them too (13.36)."""
    assert got(accept, Kind.GRAPH) == name


def test_one_request_names_a_format_for_each_kind() -> None:
    """The kind of the result is known when the query is read, which is later."""
    assert accepted_formats("text/turtle, text/csv, */*;q=0.1").formats == ("csv", "ttl")
    assert accepted_formats("text/markdown, */*;q=0.1").formats == ("md", "json", "ttl")
    assert accepted_formats("text/markdown").formats == ("md",)
    with pytest.raises(NotAcceptable):
        accepted_formats("text/turtle").of_kind(Kind.SOLUTIONS)


@pytest.mark.parametrize("name", ["json", "xml", "application/json", "text/xml"])
def test_json_and_xml_are_had_of_tables_and_graphs(name: str) -> None:
    """Nobody who asks for JSON of a CONSTRUCT means the results format."""
    assert got("", Kind.GRAPH, name) in {"jsonld", "rdf"}
    assert got("", Kind.SOLUTIONS, name) in {"json", "xml"}
    if "/" in name:
        chosen = accepted_formats(name)
        assert chosen.content_type(chosen.of_kind(Kind.GRAPH)).startswith(name)


@pytest.mark.parametrize("asked", ["turtle", "TTL", "text/turtle", "application/x-turtle"])
def test_the_parameter_goes_before_the_header(asked: str) -> None:
    """Under any name that users of other endpoints type."""
    assert got("application/rdf+xml", Kind.GRAPH, asked) == "ttl"


def test_a_plus_sign_in_the_parameter() -> None:
    """In an address it reads as a space; what was meant is clear."""
    assert got("", asked="application/sparql-results xml") == "xml"


@pytest.mark.parametrize(("accept", "asked"), [("image/png", None), ("", "nonsense"), (f"{SRJ};q=0", None)])
def test_what_cannot_be_had_is_told_with_what_can(accept: str, asked: str | None) -> None:
    """406 lists the media types."""
    with pytest.raises(NotAcceptable) as caught:
        accepted_formats(accept, asked)
    assert SRJ in caught.value.offered


@pytest.mark.parametrize(
    "accept", [FIREFOX, "text/html", "text/html, */*", "text/html, application/xml;q=0.9", "application/xhtml+xml"]
)
def test_browsers_get_pages(accept: str) -> None:
    """A page is asked for by its name, above everything else."""
    assert accepted_formats(accept).html


@pytest.mark.parametrize(
    "accept", ["*/*", "", "text/*", f"text/html, {SRJ}", f"{SRJ}, text/html;q=0.9", "text/html;q=0.5, */*", SRX]
)
def test_programs_get_data(accept: str) -> None:
    """Also those that would take a page for lack of anything better."""
    assert not accepted_formats(accept).html


def test_a_page_can_be_asked_for() -> None:
    """And data, by a browser."""
    assert accepted_formats("*/*", "html").html
    assert not accepted_formats(FIREFOX, "csv").html


OFFERS = (
    ("application/json",),
    ("text/html",),
    ("text/turtle",),
    ("application/n-triples", "text/plain"),
    ("application/ld+json",),
    ("application/n-quads",),
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/html"),
        ("text/turtle, application/json;q=0.9", "text/turtle"),
        ("application/json, application/ld+json", "application/ld+json"),
        ("application/json, application/ld+json;q=0.9", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/plain, */*;q=0.1", "text/plain"),
        (RDFLIB, "application/n-triples"),
        (COMUNICA, "application/ld+json"),
        ("application/n-quads, text/html;q=0.9", "application/n-quads"),
    ],
)
def test_offers_of_a_page_are_chosen_by_the_same_preferences(accept: str, chosen: str) -> None:
    """Releases, histories and feeds have offers of their own (13.31, 13.36, 13.37)."""
    best = best_of(accept, OFFERS)
    assert best is not None
    position, media_type = best
    assert media_type == chosen
    assert media_type in OFFERS[position]


@pytest.mark.parametrize(
    ("header", "asked", "spoken"),
    [
        ("tr", None, "tr"),
        ("tr-TR,tr;q=0.9,en;q=0.8", None, "tr"),
        ("fr, en;q=0.5, tr;q=0.6", None, "tr"),
        ("fr", None, "en"),
        ("", None, "en"),
        ("tr;q=0", None, "en"),
        ("tr", "en", "en"),
        ("en", "tr", "tr"),
        ("tr", "xx", "tr"),
    ],
)
def test_language(header: str, asked: str | None, spoken: str) -> None:
    """English or Turkish; the parameter goes before the header."""
    assert language(header, asked) == spoken


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, br;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("identity, gzip;q=0.5", None),
        ("deflate", None),
        ("GZIP;q=1.0", "gzip"),
    ],
)
def test_encoding(header: str, coding: str | None) -> None:
    """12.5.3: the coding wanted most; none if none is wanted more than the plain body."""
    assert encoding(header) == coding


@pytest.mark.parametrize(
    ("of_instance", "first"), [(("en", "tr"), ["en", "tr"]), (("tr", "en"), ["tr", "en"]), (("fr", "az"), ["az", "en"])]
)
def test_readers_without_a_language_of_ours_get_the_first_of_the_instance(
    of_instance: tuple[str, ...], first: list[str]
) -> None:
    """All other languages of the interface follow (14 §1)."""
    languages = interface_languages(Instance(languages=of_instance))
    assert list(languages[:2]) == first
    assert sorted(languages) == sorted(LANGUAGES)


@pytest.mark.parametrize(("length", "number"), [(10, 1), (100_000, 2)])
def test_what_a_long_header_means_is_not_kept(length: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be as long as a head, and many of them would fill the memory; what short ones mean is kept."""
    names = ("accepted_formats", "encoding", "interface_language")
    functions = {name: Mock(wraps=getattr(negotiation, name)) for name in names}
    for name, function in functions.items():
        monkeypatch.setattr(negotiation, name, function)
    # Nobody else has sent such headers.
    text = secrets.token_hex(length // 2)
    for _ in range(2):
        assert formats_of(f"text/turtle, text/{text}", None).of_kind(Kind.GRAPH).name == "ttl"
        assert coding_of(f"br, {text}") == "br"
        assert language("tr", text) == "tr"
    # Two languages are looked at: that of the address, and that of the header.
    assert [function.call_count for function in functions.values()] == [number, number, 2 * number]
