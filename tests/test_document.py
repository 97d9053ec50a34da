"""Documents in every RDF form."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from citygraph.graph.description import Description, Statements, Value, describe
from citygraph.graph.document import Document, Turtle, document, used_prefixes
from citygraph.rdf.formats import BY_NAME
from citygraph.rdf.terms import BASE, CG, DCTERMS, PREFIXES, SOURCE, XSD
from citygraph.release.releases import Release
from citygraph.web.view.release_cache import OpenRelease
from tests.world import publish, small_world

FORMS = ("ttl", "nt", "nq", "trig", "jsonld", "rdf")
THINGS = (
    "id/city/izmir", "id/city/bremen", "id/agreement/izmir-baku", "id/event/visit", "id/person/cemil-tugay",
    "id/tenure/cemil-tugay-mayor-of-izmir", "source/page", "source/register", "graph/curation",
    "ontology/roles/mayor", "ontology/roles",
)  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    """The small world, published and open."""
    release: Release = publish(small_world(), Path(tmp_path_factory.mktemp("world")))
    return OpenRelease(release, BASE)


def made(opened: OpenRelease, path: str) -> Document:
    """The document of a thing."""
    description = describe(opened.store, BASE + path, opened.sourced_labels, also=opened.parts(BASE + path))
    return document(f"{BASE}doc/{path.removeprefix('id/')}", description, opened.release)


def json_of(opened: OpenRelease, path: str) -> dict[str, Any]:
    """A document as JSON-LD, read as JSON."""
    written = opened.writer.write(made(opened, path), BY_NAME["jsonld"], "http://x/context.jsonld")
    value: dict[str, Any] = json.loads(written)
    return value


def read(opened: OpenRelease, path: str, form: str) -> set[Triple]:
    """The triples of a document as a reader of this form gets them."""
    written = opened.writer.write(made(opened, path), BY_NAME[form], "http://x/context.jsonld")
    if form == "jsonld":
        # The reader fetches the context from its address; no test reaches out for it.
        value = json.loads(written)
        assert value["@context"][0] == "http://x/context.jsonld"
        value["@context"][0] = json.loads(json.dumps(opened.context.document()))["@context"]
        written = json.dumps(value).encode()
    rdf = BY_NAME[form].rdf
    assert isinstance(rdf, RdfFormat)
    return {quad.triple for quad in parse(written, rdf)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", THINGS)
def test_every_form_has_the_same_triples(opened: OpenRelease, path: str, form: str) -> None:
    """The same triples in every RDF form: the description, and what the document says of itself."""
    doc = made(opened, path)
    assert read(opened, path, form) == {*doc.description.triples(), *doc.about}


@pytest.mark.parametrize("form", ["nq", "trig"])
def test_forms_with_graphs_keep_each_statement_in_its_source(opened: OpenRelease, form: str) -> None:
    """What stands in a source in the store stands in it here; only the document's own words stand in none."""
    doc = made(opened, "id/agreement/izmir-baku")
    written = opened.writer.write(doc, BY_NAME[form], "")
    quads = list(parse(written, BY_NAME[form].rdf))
    assert {q.triple for q in quads if isinstance(q.graph_name, DefaultGraph)} == set(doc.about)
    assert all(q in opened.store for q in quads if not isinstance(q.graph_name, DefaultGraph))


def test_document_tells_topic_dataset_licence_date_and_sources(opened: OpenRelease) -> None:
    """What a document says of itself."""
    about = [(t.predicate.value, str(t.object)) for t in made(opened, "id/city/baku").about]
    assert (PREFIXES["foaf"] + "primaryTopic", f"<{BASE}id/city/baku>") in about
    assert any(p == DCTERMS("modified").value and opened.release.manifest.created in o for p, o in about)
    sources = {o for p, o in about if p == PREFIXES["prov"] + "wasDerivedFrom"}
    assert {f"<{SOURCE}{name}>" for name in ("page", "news", "register")} <= sources


def test_turtle_declares_only_the_prefixes_that_it_uses(opened: OpenRelease) -> None:
    """A short document has a short head."""
    triples = made(opened, "id/country/germany").description.triples()
    assert {"country", "cg", "rdfs"} <= set(used_prefixes(triples))
    assert "org" not in used_prefixes(triples)


@pytest.mark.parametrize("form", FORMS)
def test_bytes_of_a_document_are_always_the_same(opened: OpenRelease, form: str) -> None:
    """A strong ETag promises the same bytes from every process."""
    written = {opened.writer.write(made(opened, "id/city/izmir"), BY_NAME[form], "") for _ in range(3)}
    assert len(written) == 1


def test_prefixes_stand_in_our_order(opened: OpenRelease) -> None:
    """pyoxigraph writes them in the order of a hash table."""
    written = opened.writer.write(made(opened, "id/city/izmir"), BY_NAME["ttl"], "").decode()
    names = [line.split()[1].rstrip(":") for line in written.splitlines() if line.startswith("@prefix")]
    assert names == [name for name in PREFIXES if name in names]


def test_json_reads_like_json(opened: OpenRelease) -> None:
    """Short names, languages as maps, numbers as numbers, parts in their place, things with their labels."""
    bremen = json_of(opened, "id/city/bremen")
    assert bremen["@id"] == "id/city/bremen"
    assert bremen["label"] == {"en": "Bremen", "tr": "Bremen"}
    assert bremen["situatedOn"] == {"en": "the Weser", "tr": "Weser Nehri"}
    assert bremen["country"] == {"@id": "id/country/germany", "label": {"en": "Germany", "tr": "Almanya"}}
    figure = bremen["populationFigure"]
    assert figure["@id"] == "id/city/bremen#population-page"
    assert figure["cg:value"] == 600000
    assert [agreement["@id"] for agreement in bremen["@reverse"]["party"]] == ["id/agreement/izmir-bremen"]
    assert bremen["describedBy"]["@id"] == "doc/city/bremen"


@pytest.mark.parametrize("path", THINGS)
def test_json_has_the_layout_of_json_dumps(opened: OpenRelease, path: str) -> None:
    """The writer of its own is faster, and has the same bytes (16.7)."""
    written = opened.writer.write(made(opened, path), BY_NAME["jsonld"], "http://x/context.jsonld").decode()
    assert written == json.dumps(json.loads(written), ensure_ascii=False, indent=2) + "\n"


def test_date_of_the_usual_kind_is_text_and_another_says_its_type(opened: OpenRelease) -> None:
    """A date known to the day is a plain string; a month says that it is one."""
    agreement = json_of(opened, "id/agreement/izmir-bremen")
    assert agreement["councilActDate"] == "1993-10-19"
    assert json_of(opened, "id/city/baku")["cg:foundingDate"] == {"@value": "1991-09", "@type": "xsd:gYearMonth"}


ODD = [("abc", "integer"), ("٣", "integer"), ("12345678901234567890", "integer"), ("yes", "boolean"), ("x", "date")]
EVEN = [("7", "integer"), ("-7", "integer"), ("true", "boolean")]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> OpenRelease:
    """The small world, where a city has numbers that are none."""
    izmir, graph = NamedNode(BASE + "id/city/izmir"), NamedNode(SOURCE + "page")
    quads = [Quad(izmir, CG("figure"), Literal(text, datatype=XSD(kind)), graph) for text, kind in ODD + EVEN]
    return OpenRelease(publish([*small_world(), *quads], tmp_path_factory.mktemp("odd")), BASE)


@pytest.mark.parametrize("form", FORMS)
def test_values_that_are_not_what_they_say_are_told_as_they_are(odd: OpenRelease, form: str) -> None:
    """In every form with the text and the type that they have."""
    doc = made(odd, "id/city/izmir")
    assert read(odd, "id/city/izmir", form) == {*doc.description.triples(), *doc.about}


def test_numbers_are_jsons_own_only_where_they_say_the_same(odd: OpenRelease) -> None:
    """What is no number, or one that readers of JSON would round, keeps its text and its type."""
    values = json_of(odd, "id/city/izmir")["cg:figure"]
    assert [value for value in values if isinstance(value, dict)] == [
        value for value in values if not isinstance(value, int)
    ]
    assert {value for value in values if isinstance(value, int)} == {7, -7, True}
    assert {value["@value"] for value in values if isinstance(value, dict)} == {text for text, _ in ODD}


def test_a_writer_keeps_no_long_texts() -> None:
    """What it keeps for other documents has a bound, whatever the texts of a release (16 §7)."""
    writer = Turtle()
    tracemalloc.start()
    try:
        for number in range(30):
            text = Literal(f"POINT({number} {'0' * 100_000})", datatype=XSD("anyURI"))
            said = Statements(CG("figure").value, (Value(text, ()),))
            assert b"0000" in writer.write(
                Description(BASE + "id/city/x", (said,), (), (), {}), BASE + "doc/city/x", ()
            )
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
