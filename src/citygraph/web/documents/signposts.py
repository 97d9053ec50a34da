"""Typed links of a document (FAIR Signposting, level 2): in Link headers, and as a linkset (RFC 9264)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote

from citygraph.rdf.formats import Kind, of_kind
from citygraph.rdf.terms import CG, DCAT, DCTERMS, LICENSE, RDF, SCHEMA
from citygraph.web.documents.profiles import PROFILES, Profile
from citygraph.web.http.addresses import Addresses

GRAPH_FORMATS = of_kind(Kind.GRAPH)
LINKSET = "application/linkset"
LINKSET_JSON = "application/linkset+json"
# The format with the graphs of the statements: the complete content of an entity's document.
_ITEM = "trig"
_URI = "%/:?#[]@!$&'()*+,;=-._~"
TYPE = RDF("type").value
CREATOR = DCTERMS("creator").value
_DATASET = "dataset"
# nginx gives up on more than 4 KiB of headers. Beyond this the rarer forms are named in the linkset alone.
_LONGEST = 2_400
_RARE = frozenset({LINKSET, "application/n-triples", "application/n-quads", "application/rdf+xml", "application/trig"})
# Placeholders for the path and the thing of a document.
_PATH, _THING = "path--here", "thing--here"
_ABOUT_PAGE = SCHEMA("AboutPage").value
_FORMS = (("html", "text/html"), *((f.extension, f.media_type) for f in GRAPH_FORMATS))
_JSON_LD = "application/ld+json"
_SETS = (("linkset", LINKSET), ("linkset.json", LINKSET_JSON))


@dataclass(frozen=True, slots=True)
class Link:
    """A link from one of a document's addresses."""

    anchor: str
    rel: str
    href: str
    type: str = ""
    profile: str = ""

    def header(self) -> str:
        """Returns the link as a value of the header Link, whose anchor is the requested address."""
        type_ = f'; type="{self.type}"' if self.type else ""
        profile = f'; profile="{self.profile}"' if self.profile else ""
        return f'<{_as_uri(self.href)}>; rel="{self.rel}"{type_}{profile}'


@dataclass(frozen=True)
class Signposts:
    """The links of one document: `path` is its address without extension, `thing` the IRI that it describes, if any."""

    addresses: Addresses
    path: str
    thing: str
    types: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...] = ()  # distributions of a dataset: address and media type

    @property
    def address(self) -> str:
        """The address of the document on this host."""
        return self.addresses.path(self.path)

    def header(self, profile: Profile, query: str, data_query: str) -> str:
        """Returns the value of Link for one form of the document.

        Proxies accept only some kilobytes: links beyond that are in the linkset alone. `query` is that of the
        page and `data_query` that of the other forms, which may have fewer pages.
        """
        # All documents of a kind have the same links but for their names.
        like = _like(
            self.addresses, self.path == _DATASET, self.types, self.authors, self.items, (query, data_query), profile
        )
        path, thing = self.addresses.path(self.path).removeprefix(self.addresses.root + "/"), _as_uri(self.thing)
        whole = like[0].replace(_PATH, path).replace(_THING, thing)
        return whole if len(whole) <= _LONGEST else like[1].replace(_PATH, path).replace(_THING, thing)

    def of_page(self, query: str = "", data_query: str = "") -> Iterator[Link]:
        """Yields the links of the document itself."""
        at = self.address
        canonical = f"{self.addresses.iri(self.path)}{query}"
        for extension, media_type in _FORMS:
            own = query if extension == "html" else data_query
            yield Link(at, "alternate", f"{at}.{extension}{own}", media_type)
        for extension, media_type in (("ttl", "text/turtle"), ("jsonld", _JSON_LD)):
            yield Link(at, "describedby", f"{at}.{extension}{data_query}", media_type)
        yield Link(at, "canonical", canonical)
        yield Link(at, "license", LICENSE.value)
        yield Link(at, "cite-as", self.thing or canonical)
        yield Link(at, "type", _ABOUT_PAGE)
        for type_ in self.types:
            yield Link(at, "type", type_)
        for author in self.authors:
            yield Link(at, "author", author)
        for href, media_type in self.items or ((f"{at}.{_ITEM}{data_query}", "application/trig"),):
            yield Link(at, "item", href, media_type)
        if self.path != _DATASET:
            yield Link(at, "collection", self.addresses.path("dataset"))
        if self.thing:
            yield Link(at, "describes", self.thing)
        for extension, media_type in _SETS:
            yield Link(at, "linkset", f"{at}.{extension}", media_type)

    def linkset(self) -> tuple[Link, ...]:
        """Returns all links: those of the page and its views, and those from each form of the data to the page."""
        back = (link for extension, _ in _FORMS[1:] for link in self._back(f"{self.address}.{extension}"))
        return (*self.of_page(), *self._profiles(), *back)

    def _back(self, form: str) -> Iterator[Link]:
        """Yields the links from one form of the data to the page."""
        yield Link(form, "describes", self.address, "text/html")
        yield Link(form, "collection", self.address, "text/html")
        yield Link(form, "license", LICENSE.value)
        yield Link(form, "type", DCAT("Distribution").value)

    def _profiles(self) -> Iterator[Link]:
        """Yields the links to the views of each profile."""
        for profile in PROFILES:
            for extension in ("ttl", "jsonld"):
                at = f"{self.address}.{extension}?_profile={profile.token}"
                yield Link(self.address, "alternate", at, dict(_FORMS)[extension], profile.iri)


@lru_cache(4096)
def _like(
    addresses: Addresses,
    is_dataset: bool,
    types: tuple[str, ...],
    authors: tuple[str, ...],
    items: tuple[tuple[str, str], ...],
    queries: tuple[str, str],
    profile: Profile,
) -> tuple[str, str]:
    """Returns the header with all links, and the one without the rare formats, for documents with long names."""
    posts = Signposts(addresses, _DATASET if is_dataset else _PATH, _THING, types, authors, items)
    links = [_in_header(link) for link in (*posts.of_page(*queries), Link(posts.address, "profile", profile.iri))]
    few = [link for link in links if link.type not in _RARE or link.rel == "item"]
    return ", ".join(link.header() for link in links), ", ".join(link.header() for link in few)


def _in_header(link: Link) -> Link:
    """Returns the link in the syntax of the Link header."""
    # PyLD and jsonld.js compare the whole value of rel, and fail if more than one link is just an alternate.
    if link.rel == "alternate" and link.type != _JSON_LD:
        return replace(link, rel="alternate related")
    return link


def _as_uri(iri: str) -> str:
    return iri if iri.isascii() else quote(iri, safe=_URI)


def as_text(links: Iterable[Link]) -> bytes:
    """Returns a linkset as application/linkset."""
    lines = (f'{link.header()}; anchor="{link.anchor}"' for link in links)
    return (",\n".join(lines) + "\n").encode()


def as_json(links: Iterable[Link]) -> bytes:
    """Returns a linkset as application/linkset+json."""
    contexts: dict[str, dict[str, list[dict[str, str]]]] = {}
    for link in links:
        target = {"href": link.href, **({"type": link.type} if link.type else {})}
        target |= {"profile": link.profile} if link.profile else {}
        contexts.setdefault(link.anchor, {}).setdefault(link.rel, []).append(target)
    value = {"linkset": [{"anchor": anchor, **targets} for anchor, targets in contexts.items()]}
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def types_of(classes: Iterable[str]) -> tuple[str, ...]:
    """Returns the classes of a thing that programs are likely to support: schema.org's, else our own."""
    classes = list(classes)
    return tuple(c for c in classes if c.startswith(SCHEMA)) or tuple(c for c in classes if c.startswith(CG))
