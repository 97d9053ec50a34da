"""What clients write is shown and never run: every page over data that are markup is read as a browser reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from tests.writing import Writable

MARK = "x8f3"
_SCRIPT = f"<script>{MARK}()</script>"
_QUOTED = f"\\\"'><img src=x onerror={MARK}()><svg/onload={MARK}()>"
_CLOSED = f"</script></title></style></textarea>--><script>{MARK}()</script>{{{{7*7}}}}"
_IRI = f"https://w3id.org/citygraph/id/city/{MARK}"
_GRAPH = f"https://w3id.org/citygraph/graph/{MARK}'onmouseover='{MARK}()"
_RUN = (f"javascript:{MARK}()", f"JavaScript:{MARK}()", f"data:text/html,{MARK}", f"vbscript:{MARK}")
_LINKS = " , ".join(f"<{iri}>" for iri in _RUN)
UPDATE = f"""INSERT DATA {{ GRAPH <{_GRAPH}> {{
  <{_IRI}> a cg:City ; cg:country country:germany ; rdfs:label "{_SCRIPT}"@en , "{_QUOTED}"@tr ;
    skos:altLabel "{_CLOSED}"@en , "{MARK} {_QUOTED}"@az ; cg:note "{_CLOSED}"@en , "{_QUOTED}"@tr ;
    skos:closeMatch {_LINKS} ; schema:url {_LINKS} ; rdfs:seeAlso {_LINKS} ; foaf:depiction {_LINKS} ;
    dcterms:source {_LINKS} ; cg:landmark "{_SCRIPT}"@en , "{_QUOTED}"@tr .
  <https://w3id.org/citygraph/id/agreement/{MARK}> a cg:SisterCityAgreement ; cg:party <{_IRI}> , city:izmir ;
    rdfs:label "{_SCRIPT} agreement"@en , "{_QUOTED}"@tr .
}} }}"""
_SELECT = quote(f"SELECT ?label ?link {{ <{_IRI}> rdfs:label ?label ; skos:closeMatch ?link }}")
PAGES = (
    f"/doc/city/{MARK}", f"/doc/city/{MARK}?history", f"/doc/city/{MARK}?_cite=html", f"/doc/agreement/{MARK}",
    "/doc/city/izmir", "/", "/?lang=tr", f"/graph/{MARK}%27onmouseover%3D%27{MARK}()", "/releases", "/dataset",
    f"/search?q={MARK}", f"/search?q={quote(_SCRIPT)}", f"/search?q={quote(_QUOTED)}", "/wikidata", "/cite",
    f"/sparql?query={_SELECT}", f"/sparql?query={quote('SELECT ' + _CLOSED)}", "/queries",
    f"/queries/partners?city={quote(_IRI)}", f"/queries/partners?city={quote(_SCRIPT)}", f"/{quote(_CLOSED)}",
    f"/doc/city/{quote(_SCRIPT)}", f"/timemap/doc/city/{MARK}", f"/problems/{quote(_QUOTED)}",
    f"/reconcile/preview?id={quote(_IRI)}", f"/reconcile/preview?id=city/{MARK}",
)  # fmt: skip


@dataclass
class Page(HTMLParser):
    """A page as a browser takes it apart: what it would run, and what it only says."""

    runs: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    _in: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag with its attributes, references to letters resolved."""
        given = {name: value or "" for name, value in attrs}
        self._in = tag if tag in ("script", "style") else ""
        if tag == "script" and given.get("type", "").endswith("json"):
            self._in = "data"
        elif tag in ("iframe", "object", "embed") or (tag == "script" and given.get("src", "")[:8] != "/static/"):
            self.runs.append(self.get_starttag_text() or tag)
        for name, value in given.items():
            scheme = "".join(value.split()).casefold().partition(":")[0]
            if name.startswith("on") or name == "srcdoc" or scheme in ("javascript", "data", "vbscript"):
                self.runs.append(f"{tag} {name}={value}")
        if tag in ("img", "svg") and MARK in str(given):
            self.runs.append(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        """The end of a tag."""
        self._in = ""

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        (self.data if self._in == "data" else self.runs if self._in == "script" else self.says).append(data)


@pytest.fixture(scope="module")
def site(site_to_write: Writable) -> Writable:
    """The site with markup in labels, links, the name of a graph and the message of a commit."""
    reply = site_to_write.update(UPDATE, "?message=" + quote(_SCRIPT + _QUOTED))
    assert reply.status == 200, reply.body.decode()
    return site_to_write


@pytest.mark.parametrize("path", PAGES)
def test_nothing_that_was_written_runs(site: Writable, path: str) -> None:
    """No script, handler or javascript: link beyond the site's own, whatever page it is; and a policy against them."""
    reply = site.ask("GET", path, Accept="text/html", Authorization="")
    assert reply.status in (200, 400, 404, 406), (reply.status, reply.body[:300])
    if "html" not in reply.headers["content-type"]:
        assert reply.headers["x-content-type-options"] == "nosniff"
        return
    page = Page()
    page.feed(reply.body.decode())
    assert page.runs == []
    for block in page.data:
        json.loads(block)
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy.partition("script-src")[2].partition(";")[0]


def test_what_was_written_is_shown_as_it_is(site: Writable) -> None:
    """The reader sees the very markup, as text: so the test above has something to find."""
    page = Page()
    page.feed(site.ask("GET", f"/doc/city/{MARK}", Accept="text/html").body.decode())
    said = "".join(page.says)
    assert _SCRIPT in said
    assert "</script></title></style></textarea>-->" in said
    assert any(MARK in block for block in page.data)


def test_a_feed_is_text(site: Writable) -> None:
    """The message of a commit stands in the Atom feed as text, whatever is in it."""
    feed = ElementTree.fromstring(site.ask("GET", "/feed").body)  # noqa: S314 - it is our own
    texts = [node for node in feed.iter() if MARK in (node.text or "")]
    assert texts
    assert {node.get("type", "text") for node in texts} == {"text"}


@pytest.mark.parametrize("accept", ["text/html", "application/problem+json"])
def test_a_refusal_is_text(site: Writable, accept: str) -> None:
    """What was refused is quoted in the report of the refusal, and does not run there."""
    text = f'INSERT DATA {{ GRAPH <{_GRAPH}> {{ <{_IRI}> rdfs:label "{_SCRIPT} again"@en ; cg:party "{_SCRIPT}" }} }}'
    reply = site.update(text, Accept=accept)
    assert reply.status == 422, reply.body
    page = Page()
    page.feed(reply.body.decode() if accept == "text/html" else "")
    assert page.runs == []
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert accept != "text/html" or "script-src 'self';" in reply.headers["content-security-policy"]
