"""The pages for people: what they say, in whose language, and that they need nothing from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from citygraph.rdf.terms import CG, ID, PREFIXES, SOURCE
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from tests.world import publish, small_world

PAGES = (
    "/", "/doc/city/izmir", "/doc/city/bremen", "/doc/agreement/izmir-baku", "/doc/event/visit",
    "/doc/tenure/cemil-tugay-mayor-of-izmir", "/source/page", "/graph/curation", "/ontology", "/ontology/roles/mayor",
    "/shapes", "/id/city/none",
)  # fmt: skip
VOID_ELEMENTS = {"meta", "link", "input", "br", "line", "rect", "ellipse"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A reader of the small world."""
    root = tmp_path_factory.mktemp("world")
    publish(small_world(), root)
    return create_app(Settings(), Releases(root)).test_client()


def page(client: FlaskClient, path: str, language: str = "en") -> str:
    """A page's source."""
    return client.get(f"{path}?lang={language}", headers={"Accept": "text/html"}).text


def text(html: str) -> str:
    """What a page says, without markup and spaces."""
    seen = re.sub(r"<script.*?</script>", " ", html, flags=re.DOTALL)
    plain = unescape(re.sub(r"<[^>]+>", " ", seen)).replace("\u2060", "")
    return re.sub(r"\s+", " ", plain)


class Outline(HTMLParser):
    """Elements, ids and addresses of a page; complains of elements that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.addresses: list[tuple[str, str]] = []
        self.levels: list[int] = []  # of the headings
        self.attributes: Counter[str] = Counter()
        self._open: list[str] = []
        self.feed(html)
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements[tag] += 1
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.attributes.update(name for name, _ in attrs)
        found = dict(attrs)
        if found.get("id"):
            self.ids[str(found["id"])] += 1
        for name in ("href", "src"):
            if found.get(name):
                self.addresses.append((tag, str(found[name])))
        if tag not in VOID_ELEMENTS:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an empty element."""
        self.elements[tag] += 1
        self.attributes.update(name for name, _ in attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close the last element."""
        assert self._open.pop() == tag


@pytest.mark.parametrize("language", ["en", "tr"])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_well_made(client: FlaskClient, path: str, language: str) -> None:
    """Nested properly, one h1, headings in order, landmarks, unique ids, in-page links that lead somewhere.

    It has no script or style.
    """
    outline = Outline(page(client, path, language))
    assert outline.elements["h1"] == outline.elements["main"] == 1
    assert all(level <= above + 1 for above, level in pairwise(outline.levels)), outline.levels
    assert max(outline.ids.values()) == 1
    html = page(client, path, language)
    assert outline.elements["script"] == len(
        re.findall(r'<script type="(?:application/ld\+json"|module" src="/)', html)
    )
    assert not outline.elements["style"]
    assert not {name for name in outline.attributes if name == "style" or name.startswith("on")}
    for _, address in outline.addresses:
        assert not address.startswith("#") or address[1:] in outline.ids, address


@pytest.mark.parametrize("path", PAGES)
def test_page_asks_nobody_else_for_anything(client: FlaskClient, path: str) -> None:
    """What a page loads comes from this host; only links that a reader follows lead away."""
    loaded = [address for tag, address in Outline(page(client, path)).addresses if tag not in ("a",)]
    assert loaded
    here = f"http://localhost{path}"
    for address in loaded:
        assert urljoin(here, address).startswith("http://localhost/")
        if address.startswith("/"):
            with client.get(address) as response:
                assert response.status_code == 200


@pytest.mark.parametrize("path", PAGES[:-1])
def test_every_link_to_this_site_leads_somewhere(client: FlaskClient, path: str) -> None:
    """No dead link: every address of ours on a page answers."""
    known = {"/sparql"}  # needs engines, as tables do
    addresses = {address.partition("#")[0] for tag, address in Outline(page(client, path)).addresses if tag == "a"}
    local = {address for address in addresses if address.startswith("/") and "format=csv" not in address} - known
    assert local
    for address in local:
        response = client.get(address, follow_redirects=True, headers={"Accept": "text/html, */*;q=0.1"})
        assert response.status_code == 200, address


def test_entity_says_what_it_is_and_where(client: FlaskClient) -> None:
    """Name, kind, country, in the reader's language."""
    assert "city · Germany Bremen" in text(page(client, "/doc/city/bremen"))
    assert "şehir · Almanya Bremen" in text(page(client, "/doc/city/bremen", "tr"))


def test_other_names_say_their_language(client: FlaskClient) -> None:
    """Bakı is Azerbaijani; the page is not."""
    assert '<span lang="az">Bakı</span>' in page(client, "/doc/city/baku")


def test_values_name_their_sources_by_number(client: FlaskClient) -> None:
    """Two documents name the parties; the numbers lead to the list at the foot."""
    html = page(client, "/doc/agreement/izmir-baku")
    assert re.search(r"İzmir 1 2 (?=\w)", text(html))
    assert "Sources 1 News of the visit document 2 Sister cities page document · publisher" in text(html)


def test_texts_are_given_in_the_readers_language_only(client: FlaskClient) -> None:
    """The translation is for other readers."""
    english, turkish = page(client, "/doc/city/bremen"), page(client, "/doc/city/bremen", "tr")
    assert "the Weser" in english
    assert "Weser Nehri" not in english
    assert "Weser Nehri" in turkish


def test_figures_dates_and_coordinates_read_naturally(client: FlaskClient) -> None:
    """No triple, no datatype."""
    assert "approx. 600,000" in text(page(client, "/doc/city/bremen"))
    assert "yaklaşık 600.000" in text(page(client, "/doc/city/bremen", "tr"))
    assert "September 1991" in text(page(client, "/doc/city/baku"))
    assert "Eylül 1991" in text(page(client, "/doc/city/baku", "tr"))
    assert "38.44° N, 27.15° E" in text(page(client, "/doc/city/izmir"))


def test_conclusion_is_marked_and_gives_its_reason(client: FlaskClient) -> None:
    """The sign ≈, and the reason on demand without a script."""
    html = page(client, "/doc/event/visit")
    assert "January 2026" in html
    assert re.search(r"<details.*≈.*The news of 6 January reports it\..*</details>", html, re.DOTALL)
    assert "6 Ocak tarihli haber bildiriyor." in page(client, "/doc/event/visit", "tr")


_ASSESSED = """
GRAPH graph:curation {
  <https://w3id.org/citygraph/graph/curation#assessment-act> a cg:Assessment ;
    cg:assesses <https://w3id.org/citygraph/graph/curation#statement-act> ;
    cg:verdict <https://w3id.org/citygraph/ontology/verdicts/disputed> ; cg:evidence source:news ;
    cg:reason "The news has another day."@en, "Haberde başka bir gün var."@tr .
  <https://w3id.org/citygraph/graph/curation#statement-act> a rdf:Statement ; rdf:subject agreement:izmir-baku ;
    rdf:predicate cg:councilActDate ; rdf:object "1985-09-04"^^xsd:date ; cg:statedIn source:page .
}
GRAPH graph:ontology {
  <https://w3id.org/citygraph/ontology/verdicts/disputed> rdfs:label "disputed"@en, "tartışmalı"@tr .
}
"""


def test_an_assessed_statement_shows_the_verdict_and_its_reason(tmp_path: Path) -> None:
    """Beside the date on the page of the agreement, in the reader's language (15 §1)."""
    head = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    publish([*small_world(), *parse(head + _ASSESSED, format=RdfFormat.TRIG)], tmp_path)
    client = create_app(Settings(), Releases(tmp_path)).test_client()
    for language, verdict, reason in (
        ("en", "disputed", "The news has another day."),
        ("tr", "tartışmalı", "Haberde başka bir gün var."),
    ):
        html = page(client, "/doc/agreement/izmir-baku", language)
        assert re.search(rf"1985.{{0,400}}<summary>{verdict}</summary><p>.*{reason}.*</details>", html, re.DOTALL)
    assert "<summary>disputed</summary>" not in page(client, "/doc/agreement/izmir-bremen")


_SIGNED = """
GRAPH source:news {
  agreement:izmir-baku cg:signedAt event:signing ;
    cg:permittedBy <https://w3id.org/citygraph/id/agreement/izmir-baku#permission-1985> .
  <https://w3id.org/citygraph/id/agreement/izmir-baku#permission-1985> a cg:Permission ;
    cg:authority organisation:izmir-municipality ; cg:date "1985-10-01"^^xsd:date ; cg:number "17" .
  event:signing a cg:Signing ; rdfs:label "Signing in Baku"@en ; cg:startDate "1985-11-02"^^xsd:date ;
    cg:signatory <https://w3id.org/citygraph/id/event/signing#signature> .
  <https://w3id.org/citygraph/id/event/signing#signature> a cg:Signature ; cg:person person:cemil-tugay ;
    cg:onBehalfOf organisation:izmir-municipality ; cg:as post:mayor-of-izmir .
}
"""


def test_the_page_of_an_agreement_shows_its_permission_and_who_signed_it(tmp_path: Path) -> None:
    """The permission is a step of its history; a table has the signatures with office and body (15 §1)."""
    head = "".join(f"PREFIX {prefix}: <{iri}>\n" for prefix, iri in PREFIXES.items())
    quads = list(parse(head + _SIGNED, format=RdfFormat.TRIG))
    merged = [Quad(quad.subject, quad.predicate, quad.object) for quad in quads]
    publish([*small_world(), *quads, *merged], tmp_path)
    seen = text(page(create_app(Settings(), Releases(tmp_path)).test_client(), "/doc/agreement/izmir-baku"))
    assert "1 October 1985 Permission İzmir Metropolitan Municipality, 17" in seen
    assert "2 November 1985 Signing in Baku" in seen
    assert "Cemil Tugay Mayor of İzmir İzmir Metropolitan Municipality Signing in Baku" in seen


def test_incoming_relations_are_told_from_this_side(client: FlaskClient) -> None:
    """A city is governed by a municipality, it is not a "jurisdiction of" it."""
    assert "Governed by İzmir Metropolitan Municipality" in text(page(client, "/doc/city/izmir"))
    assert "Yönetimi İzmir Büyükşehir Belediyesi" in text(page(client, "/doc/city/izmir", "tr"))


def test_what_derivation_repeats_in_other_vocabularies_is_left_out(client: FlaskClient) -> None:
    """schema:City says nothing new to a reader."""
    assert "schema" not in text(page(client, "/doc/city/izmir"))


def test_parts_of_a_document_can_be_linked_to(client: FlaskClient) -> None:
    """A hash IRI leads to its place."""
    assert 'id="gift"' in page(client, "/doc/event/visit")
    assert 'id="population-page"' in page(client, "/doc/city/bremen")
    assert 'id="visit-date"' in page(client, "/graph/curation")


def test_foot_has_identifier_forms_and_the_same_elsewhere(client: FlaskClient) -> None:
    """What a program or a careful reader looks for."""
    html = page(client, "/doc/city/izmir")
    assert "<code>https://w3id.org/citygraph/id/city/izmir</code>" in html
    assert 'href="/doc/city/izmir.jsonld"' in html
    assert 'href="http://www.wikidata.org/entity/Q35997">Wikidata Q35997' in html


def test_source_page_lists_what_it_says(client: FlaskClient) -> None:
    """A document's page is its statements, entity by entity."""
    said = text(page(client, "/source/page"))
    assert "Statements in this document" in said
    assert re.search(r"İzmir–Bremen agreement .* 24 April 1996", said)


def test_partitions_of_the_dataset_can_be_read_and_linked_to(tmp_path: Path) -> None:
    """How many cities there are, at the hash that names the partition."""
    dataset, part = NamedNode("https://w3id.org/citygraph/dataset"), "https://w3id.org/citygraph/dataset#class-City"
    void = "http://rdfs.org/ns/void#"
    triples = [
        Triple(dataset, NamedNode(void + "classPartition"), NamedNode(part)),
        Triple(NamedNode(part), NamedNode(void + "class"), CG("City")),
        Triple(NamedNode(part), NamedNode(void + "entities"), Literal(61)),
    ]
    graphs = (NamedNode("https://w3id.org/citygraph/graph/catalog"), DefaultGraph())
    quads = [Quad(t.subject, t.predicate, t.object, graph) for t in triples for graph in graphs]
    publish([*small_world(), *quads], tmp_path)
    html = page(create_app(Settings(), Releases(tmp_path)).test_client(), "/dataset")
    assert 'id="class-City"' in html
    assert "61" in text(html)


def test_home_has_the_register(client: FlaskClient) -> None:
    """Partner, act, protocol; the figures; the release."""
    said = text(page(client, "/"))
    assert "Partners of İzmir" in said
    assert "1 Baku Council act: 4 September 1985 ; protocol: not given" in said
    assert "2 Bremen Council act: 19 October 1993 ; protocol: 24 April 1996" in said
    assert re.search(r"2 partners|partners 2", said)


def test_ontology_shows_terms_in_both_languages(client: FlaskClient) -> None:
    """The reader's language first."""
    assert "city · şehir cg:City" in text(page(client, "/ontology"))
    assert "şehir · city cg:City" in text(page(client, "/ontology", "tr"))
    assert "schema:City" in text(page(client, "/ontology"))


def test_foreign_text_cannot_become_markup(tmp_path: Path) -> None:
    """Whatever a label says, it is text."""
    evil = Literal('<script>alert("x")</script>', language="en")
    city, label = NamedNode(ID + "city/evil"), NamedNode("http://www.w3.org/2000/01/rdf-schema#label")
    quads = [Quad(city, label, evil, graph) for graph in (NamedNode(SOURCE + "s"), DefaultGraph())]
    publish([*small_world(), *quads], tmp_path)
    html = page(create_app(Settings(), Releases(tmp_path)).test_client(), "/doc/city/evil")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("</script>") == len(re.findall(r'<script type="(?:application/ld\+json"|module" src="/)', html))


def test_values_on_which_sources_differ_stand_in_one_bracket(tmp_path: Path) -> None:
    """Where there can be one value and sources give two, both stand, marked."""
    date = CG("councilActDate")
    once = Quad(date, CG("expectedOnce"), Literal(True), NamedNode("https://w3id.org/citygraph/graph/ontology"))
    other = Literal("1985", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#gYear"))
    agreement = NamedNode(ID + "agreement/izmir-baku")
    quads = [Quad(agreement, date, other, graph) for graph in (NamedNode(SOURCE + "news"), DefaultGraph())]
    publish([*small_world(), once, *quads], tmp_path)
    html = page(create_app(Settings(), Releases(tmp_path)).test_client(), "/doc/agreement/izmir-baku")
    assert html.count('class="act differ"') == 1


def test_problem_is_told_in_the_readers_language(client: FlaskClient) -> None:
    """A reader in Turkish is told in Turkish what went wrong."""
    assert "404 Bulunamadı" in text(page(client, "/id/city/none", "tr"))
    assert "404 Not found" in text(page(client, "/id/city/none"))
