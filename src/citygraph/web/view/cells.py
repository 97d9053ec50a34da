"""What the registers of a page are made of: values with the numbered squares of their sources, rows, parts, links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup, escape
from pyoxigraph import DefaultGraph, Literal, NamedNode

from citygraph.rdf.terms import CATALOG_GRAPH, CG, CURATION_GRAPH, DCTERMS, DERIVED_GRAPH, PREFIXES
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import N_, Translations
from citygraph.web.view.values import Text, literal_text


@dataclass(frozen=True, slots=True)
class SourceNote:
    """A small numbered square that opens what stands of the source of that number; `label` is how it is read out."""

    number: int
    name: str
    label: str = ""

    def __html__(self) -> Markup:
        """The same for a page. Here and not in a template: a page has hundreds of them."""
        label = escape(self.label or self.name)
        button = f'<button type="button" class="square" popovertarget="said-{self.number}" aria-label="{label}">'
        return Markup(f"{button}{self.number}</button>")  # noqa: S704 - escaped above


@dataclass(frozen=True, slots=True)
class Cell:
    """One value: its texts, the sources, the reason if the curator concluded it, its own statements if it has parts.

    `validity` says that it is "not yet" or "no longer" true on the day that is looked at.
    """

    texts: tuple[Text, ...]
    notes: tuple[SourceNote, ...] = ()
    reasons: tuple[Text, ...] = ()
    anchor: str = ""
    rows: tuple[PropertyRow, ...] = ()
    validity: str = ""

    def squares(self) -> Markup:
        """The marks for a page; a word joiner keeps the first on the line of the last word."""
        if not self.notes:
            return Markup()
        squares = "".join([note.__html__() for note in self.notes])
        return Markup(f'&#8288;<span class="marks">&#8288;{squares}</span>')  # noqa: S704 - made above


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A property and its values; `differ` when the sources give several where there can truly be one.

    Short values stand `inline`, one after the other.
    """

    name: Text
    cells: tuple[Cell, ...]
    differ: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document with an address of its own: something said or done, a conclusion."""

    anchor: str
    title: Text
    kind: str
    rows: tuple[PropertyRow, ...]


@dataclass(frozen=True, slots=True)
class IncomingLinks:
    """What points at the entity, told from its side."""

    title: str
    count: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source of the page: its number, its name with its address here, what it is, who published it, and when.

    `abroad` is where the document itself stands, if that is known.
    """

    number: int
    name: Text
    anchor: str
    kind: str = ""
    facts: tuple[tuple[str, Text], ...] = ()
    abroad: str = ""


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


def source_line(
    opened: OpenRelease, translations: Translations, link: Callable[[str], Text], iri: str, number: int
) -> SourceLine:
    """The line of one source; a lookup by its name."""
    statements: dict[str, list[NamedNode | Literal]] = {}
    for quad in islice(opened.quick.quads_for_pattern(NamedNode(iri), None, None, DefaultGraph()), _MOST):
        if isinstance(quad.object, NamedNode | Literal):
            statements.setdefault(quad.predicate.value, []).append(quad.object)
    kind = translations(_KINDS[iri]) if iri in _KINDS else translations("document") if statements else ""
    facts = tuple(
        (translations(name), literal_text(term, translations) if isinstance(term, Literal) else link(term.value))
        for predicate, name in _FACTS
        for term in statements.get(predicate, ())
    )
    return SourceLine(number, link(iri), f"source-{number}", kind, facts, address_of(statements))


def address_of(statements: Mapping[str, list[NamedNode | Literal]]) -> str:
    """The address at which a document stands on the web, or ""."""
    terms = (term.value for predicate in _ADDRESSES for term in statements.get(predicate, ()))
    return next((value for value in terms if value.startswith(("https://", "http://"))), "")
