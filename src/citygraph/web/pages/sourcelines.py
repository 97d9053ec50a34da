"""What a page tells of each of its sources: what kind of document it is, who published it, when it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice

from pyoxigraph import DefaultGraph, Literal, NamedNode

from citygraph.terms import CATALOG_GRAPH, CG, CURATION_GRAPH, DCTERMS, DERIVED_GRAPH, PREFIXES
from citygraph.web.answering.shelf import OpenRelease
from citygraph.web.pages.cells import SourceLine
from citygraph.web.pages.values import Text, literal_text
from citygraph.web.pages.words import N_, Words

_MOST = 200  # statements of a source that are read
# The graphs that no document is behind.
_KINDS: Mapping[str, str] = {
    CURATION_GRAPH.value: N_("conclusions of the editors"),
    DERIVED_GRAPH.value: N_("derived from other statements by rules"),
    CATALOG_GRAPH.value: N_("catalogue of the documents"),
}
# What is told, by the names of the properties, in this order.
_FACTS: tuple[tuple[str, str], ...] = (
    (DCTERMS("publisher").value, N_("publisher")),
    (DCTERMS("creator").value, N_("author")),
    (DCTERMS("issued").value, N_("date of the document")),
    (CG("readOn").value, N_("read on")),
)
# Where a document stands, by whatever property its catalogue says so.
_ADDRESSES = tuple(
    f"{PREFIXES[prefix]}{name}"
    for prefix, name in (
        ("foaf", "page"), ("dcat", "landingPage"), ("dcat", "accessURL"), ("foaf", "homepage"), ("schema", "url"),
        ("dcterms", "source"), ("dcterms", "identifier"), ("rdfs", "seeAlso"),
    )
    if prefix in PREFIXES
)  # fmt: skip


def source_line(opened: OpenRelease, words: Words, link: Callable[[str], Text], iri: str, number: int) -> SourceLine:
    """The line of one source; a lookup by its name."""
    said: dict[str, list[NamedNode | Literal]] = {}
    for quad in islice(opened.quick.quads_for_pattern(NamedNode(iri), None, None, DefaultGraph()), _MOST):
        if isinstance(quad.object, NamedNode | Literal):
            said.setdefault(quad.predicate.value, []).append(quad.object)
    kind = words(_KINDS[iri]) if iri in _KINDS else words("document") if said else ""
    facts = tuple(
        (words(name), literal_text(term, words) if isinstance(term, Literal) else link(term.value))
        for predicate, name in _FACTS
        for term in said.get(predicate, ())
    )
    return SourceLine(number, link(iri), f"source-{number}", kind, facts, address_of(said))


def address_of(said: Mapping[str, list[NamedNode | Literal]]) -> str:
    """The address at which a document stands on the web, or ""."""
    terms = (term.value for predicate in _ADDRESSES for term in said.get(predicate, ()))
    return next((value for value in terms if value.startswith(("https://", "http://"))), "")
