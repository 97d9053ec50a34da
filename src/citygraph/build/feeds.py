"""Feeds for clients that follow changes: the sitemap, the Atom feed and the Linked Data Event Stream (LDES)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pyoxigraph import Literal, NamedNode, QuerySolutions, Store, Triple

from citygraph.build.dataset import release_iri
from citygraph.catalogues import N_, interface_languages, of_instance, translated
from citygraph.instance import Instance
from citygraph.rdf.terms import BASE, CG, DATASET, DCTERMS, ID, LICENSE, RDF, SOURCE, XSD, Namespace
from citygraph.release.changes import CREATED, DELETED, UPDATED, EntityChange, things_changed
from citygraph.release.releases import Release

SITEMAP_PAGE = 50_000  # the limit of sitemaps.org
LDES_PAGE = 250
_LISTED = 50  # changed entities that an Atom entry names
_SITEMAP_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_ATOM_SPACE = "http://www.w3.org/2005/Atom"
_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_TYPE = RDF("type")
LDES = Namespace("https://w3id.org/ldes#")
TREE = Namespace("https://w3id.org/tree#")
ACTIVITY = Namespace("https://www.w3.org/ns/activitystreams#")
_KINDS = {CREATED: ACTIVITY("Create"), UPDATED: ACTIVITY("Update"), DELETED: ACTIVITY("Delete")}
_WORDS = {CREATED: N_("created"), UPDATED: N_("changed"), DELETED: N_("deleted")}
STREAM = NamedNode(BASE + "feed/ldes#stream")
_VIEW = "feed/ldes"
_THINGS = f"""SELECT DISTINCT ?thing WHERE {{
  ?thing a ?class .
  FILTER((STRSTARTS(STR(?thing), "{ID}") || STRSTARTS(STR(?thing), "{SOURCE}")) && !CONTAINS(STR(?thing), "#"))
  FILTER NOT EXISTS {{ ?thing a {CG("WithdrawnIdentifier")} }}
}}"""
# Characters that are not allowed in XML, not even escaped (XML 1.0, section 2.2); a commit message may have them.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FIXED = ("", "dataset", "ontology", "queries", "releases")


def addresses(store: Store) -> list[str]:
    """Returns the addresses of all pages for search engines, relative to the site and sorted. Cache them by release."""
    solutions = store.query(_THINGS)
    assert isinstance(solutions, QuerySolutions)  # noqa: S101 - it is a SELECT
    things = sorted(row["thing"].value for row in solutions)
    return [*_FIXED, *(_page_of(iri) for iri in things)]


def sitemap(pages: Sequence[str], base_url: str, modified: str, page: int | None = None) -> bytes | None:
    """Returns the sitemap as XML: of all pages, or an index of its parts if there are many; None if there is no such
    part.

    `page` counts the parts from 1, `base_url` is the address of the site with its last slash, `modified` the release's
    time.
    """
    parts = -(-len(pages) // SITEMAP_PAGE)
    if page is None and parts > 1:
        root, entry = Element("sitemapindex", xmlns=_SITEMAP_SPACE), "sitemap"
        locations: Iterable[str] = (f"sitemap-{number}.xml" for number in range(1, parts + 1))
    elif page is None or 1 <= page <= parts:
        root, entry = Element("urlset", xmlns=_SITEMAP_SPACE), "url"
        begin = ((page or 1) - 1) * SITEMAP_PAGE
        locations = pages[begin : begin + SITEMAP_PAGE]
    else:
        return None
    for address in locations:
        node = SubElement(root, entry)
        SubElement(node, "loc").text = base_url + address
        SubElement(node, "lastmod").text = modified
    return _xml(root)


def atom(releases: Sequence[Release], base_url: str, instance: Instance) -> bytes:
    """Returns the Atom feed of releases, the newest first, with counts of changes and the entities that changed."""
    language = interface_languages(instance)[0]
    title = instance.title_in(language)
    root = Element("feed", {"xmlns": _ATOM_SPACE, "xml:lang": language})
    SubElement(root, "id").text = BASE + "feed"
    SubElement(root, "title").text = _text(language, N_("{name}: releases"), name=title)
    SubElement(root, "updated").text = releases[0].manifest.created if releases else "1970-01-01T00:00:00Z"
    SubElement(root, "link", rel="self", type="application/atom+xml", href=base_url + "feed")
    SubElement(root, "link", rel="alternate", type="text/html", href=base_url + "releases")
    SubElement(root, "link", rel="license", href=LICENSE.value)
    author = SubElement(root, "author")
    SubElement(author, "name").text = instance.publisher.name or title
    for release in releases:
        _entry(SubElement(root, "entry"), release, base_url, language)
    return _xml(root)


@dataclass(frozen=True)
class LdesPage:
    """A page of the event stream. If `is_immutable`, it never changes while its release is kept."""

    triples: tuple[Triple, ...]
    is_immutable: bool


def ldes_root(releases: Sequence[Release], base_url: str) -> LdesPage:
    """Returns the view: the stream, its retention policy, and links to the changes of each release, the newest first.

    The IRIs of pages are at the address of the site, so that a client stays on the host that it requested.
    """
    view = NamedNode(base_url + _VIEW)
    triples = [
        *_stream(view, releases),
        *(triple for release in releases for triple in _relation(view, base_url, release, 1)),
    ]
    return LdesPage(tuple(triples), is_immutable=False)


def ldes_page(release: Release, page: int, base_url: str) -> LdesPage | None:
    """Returns a page of the changes of a release, counted from 1; None if there is no such page."""
    begin = (page - 1) * LDES_PAGE
    changes = list(islice(things_changed(release), begin, begin + LDES_PAGE + 1)) if page > 0 else []
    # A release without changes still has a first page, because the view links to it.
    if not changes and page != 1:
        return None
    node = _node(base_url, release, page)
    triples = [Triple(STREAM, TREE("view"), NamedNode(base_url + _VIEW)), Triple(node, _TYPE, TREE("Node"))]
    triples.append(Triple(node, LDES("immutable"), Literal(True)))
    for change in changes[:LDES_PAGE]:
        triples += _member(change, release)
    if len(changes) > LDES_PAGE:
        triples += _relation(node, base_url, release, page + 1)
    return LdesPage(tuple(triples), is_immutable=True)


def _page_of(iri: str) -> str:
    relative = iri.removeprefix(BASE)
    return f"doc/{relative.removeprefix('id/')}" if relative.startswith("id/") else relative


def _entry(entry: Element, release: Release, base_url: str, language: str) -> None:
    manifest = release.manifest
    # One more than is listed, to see whether there are more.
    changes = list(islice(things_changed(release), _LISTED + 1))
    named = ", ".join(
        f"{one.iri.removeprefix(BASE)} ({_text(language, _WORDS[one.kind])})" for one in changes[:_LISTED]
    )
    more = ", …" if len(changes) > _LISTED else ""
    counts = N_("{added} statements added, {removed} removed")
    summary = _text(language, counts, added=manifest.added, removed=manifest.removed)
    title = _text(language, N_("Release {release}"), release=manifest.id)
    SubElement(entry, "id").text = release_iri(manifest.id).value
    SubElement(entry, "title").text = title + (f": {manifest.message}" if manifest.message else "")
    SubElement(entry, "updated").text = manifest.created
    SubElement(entry, "published").text = manifest.created
    SubElement(entry, "link", rel="alternate", type="text/html", href=f"{base_url}releases/{manifest.id}")
    if manifest.parent:
        # The page with the difference between the two releases.
        href = f"{base_url}releases/{manifest.parent}..{manifest.id}"
        SubElement(entry, "link", rel="related", title=_text(language, N_("What changed")), href=href)
    SubElement(entry, "summary").text = summary + (f": {named}{more}" if named else "")


def _text(language: str, text: str, **values: object) -> str:
    return translated(text, language).format(**values)


def _stream(view: NamedNode, releases: Sequence[Release]) -> Iterator[Triple]:
    yield Triple(STREAM, _TYPE, LDES("EventStream"))
    for text in of_instance(N_("Changes of {name}")):
        yield Triple(STREAM, DCTERMS("title"), text)
    yield Triple(STREAM, DCTERMS("isPartOf"), DATASET)
    yield Triple(STREAM, LDES("timestampPath"), ACTIVITY("published"))
    yield Triple(STREAM, LDES("versionOfPath"), ACTIVITY("object"))
    for property_, kind in (("Create", CREATED), ("Update", UPDATED), ("Delete", DELETED)):
        yield Triple(STREAM, LDES(f"version{property_}Object"), _KINDS[kind])
    yield Triple(STREAM, TREE("view"), view)
    yield Triple(view, _TYPE, TREE("Node"))
    if releases:
        retention = NamedNode(view.value + "#retention")
        yield Triple(view, LDES("retentionPolicy"), retention)
        yield Triple(retention, _TYPE, LDES("RetentionPolicy"))
        yield Triple(retention, LDES("startingFrom"), _time(releases[-1]))


def _relation(node: NamedNode, base_url: str, release: Release, page: int) -> Iterator[Triple]:
    """Yields a link to a page whose members all have the time of the release."""
    relation = NamedNode(f"{base_url}{_VIEW}#to-{release.id}-{page}")
    yield Triple(node, TREE("relation"), relation)
    yield Triple(relation, _TYPE, TREE("EqualToRelation"))
    yield Triple(relation, TREE("node"), _node(base_url, release, page))
    # All members of a page have one time, so that a client can skip releases that it has read.
    yield Triple(relation, TREE("path"), ACTIVITY("published"))
    yield Triple(relation, TREE("value"), _time(release))


def _member(change: EntityChange, release: Release) -> Iterator[Triple]:
    thing = NamedNode(change.iri)
    # The entity as of that release: every address of the site is also available below its release.
    member = NamedNode(f"{release_iri(release.id).value}/{change.iri.removeprefix(BASE)}")
    yield Triple(STREAM, TREE("member"), member)
    yield Triple(member, _TYPE, _KINDS[change.kind])
    yield Triple(member, ACTIVITY("object"), thing)
    yield Triple(member, DCTERMS("isVersionOf"), thing)
    yield Triple(member, ACTIVITY("published"), _time(release))


def _node(base_url: str, release: Release, page: int) -> NamedNode:
    return NamedNode(f"{base_url}{_VIEW}/{release.id}/{page}")


def _time(release: Release) -> Literal:
    return Literal(release.manifest.created, datatype=XSD("dateTime"))


def _xml(root: Element) -> bytes:
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return _DECLARATION + _NOT_XML.sub("", text).encode() + b"\n"
