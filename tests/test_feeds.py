"""Sitemap, Atom and event stream: all pages, all releases, all changes, and no link that leads to another host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pyoxigraph import Literal, NamedNode

from citygraph.build import feeds
from citygraph.build.feeds import ACTIVITY, LDES, STREAM, TREE, addresses, atom, ldes_page, ldes_root, sitemap
from citygraph.instance import current_instance
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release

HOST = "https://example.org/graph/"
MAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="session")
def pages(izmir: Release) -> list[str]:
    return addresses(izmir.open_store())


def parsed(xml: bytes | None) -> ElementTree.Element:
    assert xml is not None
    return ElementTree.fromstring(xml)  # noqa: S314 - our own


def test_the_sitemap_has_every_page_once(pages: list[str]) -> None:
    """Entities and sources by their documents, under the address of this very site."""
    root = parsed(sitemap(pages, HOST, "2026-01-12T00:00:00Z"))
    found = [node.text for node in root.iter(f"{MAPS}loc")]
    assert len(found) == len(set(found)) == len(pages)
    assert {f"{HOST}doc/city/izmir", f"{HOST}source/izmir-sister-cities", HOST} <= set(found)
    assert not any("#" in str(address) for address in found)


def test_a_large_sitemap_is_an_index(pages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of the size that is allowed; together they are all; there is none beyond."""
    monkeypatch.setattr(feeds, "SITEMAP_PAGE", 100)
    index = parsed(sitemap(pages, HOST, "2026-01-12"))
    assert index.tag == f"{MAPS}sitemapindex"
    parts = [parsed(sitemap(pages, HOST, "2026-01-12", number + 1)) for number in range(len(index))]
    assert [len(part) <= 100 for part in parts] == [True] * -(-len(pages) // 100)
    assert sum(len(part) for part in parts) == len(pages)
    assert sitemap(pages, HOST, "2026-01-12", len(parts) + 1) is None
    assert sitemap(pages, HOST, "2026-01-12", 0) is None


def test_the_feed_tells_each_release(izmir: Release) -> None:
    """What Atom demands, counts, and links on this host; a message cannot break the XML."""
    message = "a \x00 <message> & more"
    second = Release(izmir.path, replace(izmir.manifest, parent=izmir.id, message=message))
    feed = parsed(atom([second, izmir], HOST, current_instance()))
    for parent in (feed, *feed.iter(f"{ATOM}entry")):
        assert all(parent.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated"))
    assert feed.find(f"{ATOM}author") is not None
    entries = list(feed.iter(f"{ATOM}entry"))
    assert len(entries) == 2
    assert "a  <message> & more" in str(entries[0].findtext(f"{ATOM}title"))
    assert f"{izmir.manifest.added} statements added" in str(entries[1].findtext(f"{ATOM}summary"))
    hrefs = [link.get("href", "") for link in feed.iter(f"{ATOM}link") if link.get("rel") != "license"]
    assert hrefs
    assert all(href.startswith(HOST) for href in hrefs)


def test_the_stream_can_be_followed_to_its_end(izmir: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the view by relations to pages, each member once, with its time, kind and what it is a version of."""
    monkeypatch.setattr(feeds, "LDES_PAGE", 50)
    root = ldes_root([izmir], HOST)
    assert not root.is_immutable
    todo = [t.object for t in root.triples if t.predicate == TREE("node")]
    members: list[object] = []
    seen = 0
    while todo:
        node = todo.pop()
        assert isinstance(node, NamedNode)
        assert node.value.startswith(HOST)
        page = ldes_page(izmir, int(node.value.rpartition("/")[2]), HOST)
        assert page is not None
        assert page.is_immutable
        seen += 1
        todo += [t.object for t in page.triples if t.predicate == TREE("node")]
        here = [t.object for t in page.triples if (t.subject, t.predicate) == (STREAM, TREE("member"))]
        assert len(here) <= 50
        members += here
        for member in here:
            said = {t.predicate for t in page.triples if t.subject == member}
            assert {ACTIVITY("published"), ACTIVITY("object")} <= said
    assert seen > 1
    assert len(members) == len(set(members))
    assert any(str(member).endswith("/id/city/izmir>") for member in members)
    assert ldes_page(izmir, seen + 1, HOST) is None
    assert ldes_page(izmir, 0, HOST) is None


def test_the_view_states_how_far_back_it_reaches(izmir: Release) -> None:
    """Retention: from the oldest release that is kept; and how a deletion looks."""
    root = ldes_root([izmir], HOST)
    (start,) = (t.object for t in root.triples if t.predicate == LDES("startingFrom"))
    assert isinstance(start, Literal)
    assert start.value == izmir.manifest.created
    assert {t.object for t in root.triples if t.predicate == LDES("versionDeleteObject")} == {ACTIVITY("Delete")}


def test_a_release_without_a_list_of_changes_has_an_empty_page(izmir: Release, tmp_path: Path) -> None:
    """Releases made before there were such lists."""
    page = ldes_page(Release(tmp_path, izmir.manifest), 1, HOST)
    assert page is not None
    assert not [t for t in page.triples if t.predicate == TREE("member")]
    assert ID not in str(page.triples)
