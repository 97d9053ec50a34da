"""The parts of a statement table: values with numbered source notes, rows, parts of a document, incoming links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from markupsafe import Markup
from pyoxigraph import DefaultGraph, Literal, NamedNode

from citygraph.graph.description import Value
from citygraph.graph.labels import last_segment
from citygraph.rdf.terms import (
    CATALOG_GRAPH,
    CG,
    CURATION_GRAPH,
    DCTERMS,
    DERIVED_GRAPH,
    PREFIXES,
    TRANSLATIONS_GRAPH,
    WD,
    split_iri,
)
from citygraph.text import escaped, trusted
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import N_, Translations
from citygraph.web.view.values import Text, literal_text


class SourceNote(NamedTuple):
    """A small numbered button that opens the details of a source; `label` is its accessible name."""

    number: int
    name: str
    label: str = ""

    def __html__(self) -> Markup:
        """Returns the button as HTML. Not in a template: a page has hundreds of them."""
        label = escaped(self.label or self.name)
        button = f'<button type="button" class="square" popovertarget="said-{self.number}" aria-label="{label}">'
        return trusted(f"{button}{self.number}</button>")


class Judgement(NamedTuple):
    """An assessment of a statement: its verdict, such as "outdated", and the reasons, linked to the assessment."""

    verdict: str
    reasons: tuple[Text, ...]


class Cell(NamedTuple):
    """A value: its texts, its sources, the reason if the curator concluded it, and its own rows if it has parts.

    `judgements` are the curator's assessments of the statement.
    `validity` is "not yet" or "no longer" valid on the requested date, else "".
    """

    texts: tuple[Text, ...]
    notes: tuple[SourceNote, ...] = ()
    reasons: tuple[Text, ...] = ()
    anchor: str = ""
    rows: tuple[PropertyRow, ...] = ()
    validity: str = ""
    judgements: tuple[Judgement, ...] = ()

    def squares(self) -> Markup:
        """Returns the source notes as HTML; a word joiner keeps the first on the line of the last word."""
        if not self.notes:
            return Markup()
        squares = "".join([note.__html__() for note in self.notes])
        return trusted(f'&#8288;<span class="marks">&#8288;{squares}</span>')


class PropertyRow(NamedTuple):
    """A property and its values; `differ` if sources disagree on a property that can have only one value.

    Short values are `inline`, one after the other.
    """

    name: Text
    cells: tuple[Cell, ...]
    differ: bool = False
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document with its own address: an act, a statement, a conclusion."""

    anchor: str
    title: Text
    kind: str
    rows: tuple[PropertyRow, ...]


@dataclass(frozen=True, slots=True)
class IncomingLinks:
    """The subjects of statements that have the entity as their object, under an inverse name of the property."""

    title: str
    count: int
    cells: tuple[Cell, ...]


class SourceLine(NamedTuple):
    """A source of the page: its number, its name with its local address, and its details, as HTML.

    `abroad` is the address of the document itself, if that is known.
    """

    number: int
    name: Text
    anchor: str
    about: Markup = Markup()
    abroad: str = ""


_MOST = 200  # statements of a source that are read
# Graphs without a document.
_KINDS: Mapping[str, str] = {
    CURATION_GRAPH.value: N_("conclusions of the editors"),
    DERIVED_GRAPH.value: N_("derived from other statements by rules"),
    CATALOG_GRAPH.value: N_("catalogue of the documents"),
    TRANSLATIONS_GRAPH.value: N_("translations and names that no document has"),
}
# The properties of a source that are shown, in this order.
_FACTS: tuple[tuple[str, str], ...] = (
    (DCTERMS("publisher").value, N_("publisher")),
    (DCTERMS("creator").value, N_("author")),
    (DCTERMS("issued").value, N_("date of the document")),
    (CG("readOn").value, N_("read on")),
)
# The properties by which catalogues give the address of a document, the most specific first.
_ADDRESSES = tuple(
    f"{PREFIXES[prefix]}{name}"
    for prefix, name in (
        ("foaf", "page"),
        ("dcat", "landingPage"),
        ("dcat", "accessURL"),
        ("foaf", "homepage"),
        ("schema", "url"),
        ("dcterms", "source"),
        ("dcterms", "identifier"),
        ("rdfs", "seeAlso"),
    )
    if prefix in PREFIXES
)


def source_line(
    opened: OpenRelease, translations: Translations, link: Callable[[str], Text], iri: str, number: int, root: str
) -> SourceLine:
    """Returns the line of one source; many pages have the same, so that it is read once per release.

    `root` is the path in front of the addresses that `link` returns.
    """
    key = iri, translations.language, root
    line: SourceLine | None = opened.shared_parts.get(key)
    if line is None:
        line = opened.shared_parts.put(key, _read_source_line(opened, translations, link, iri))
    return line._replace(number=number, anchor=f"source-{number}")


def _read_source_line(
    opened: OpenRelease, translations: Translations, link: Callable[[str], Text], iri: str
) -> SourceLine:
    statements: dict[str, list[NamedNode | Literal]] = {}
    # The default graph has what any graph states about the source, each triple once.
    for quad in islice(opened.quick.quads_for_pattern(NamedNode(iri), None, None, DefaultGraph()), _MOST):
        if isinstance(quad.object, NamedNode | Literal):
            statements.setdefault(quad.predicate.value, []).append(quad.object)
    kind = translations(_KINDS[iri]) if iri in _KINDS else translations("document") if statements else ""
    facts = tuple(
        (translations(name), literal_text(term, translations) if isinstance(term, Literal) else link(term.value))
        for predicate, name in _FACTS
        for term in statements.get(predicate, ())
    )
    abroad = address_of(statements)
    return SourceLine(0, link(iri), "", _about(kind, facts, abroad, translations), abroad)


def _about(kind: str, facts: Iterable[tuple[str, Text]], abroad: str, _: Translations) -> Markup:
    """Returns a source's kind, publisher, date and place, as HTML."""
    known = [escaped(kind)] if kind else []
    known += [f'<span class="fact">{escaped(name)} {fact.__html__()}</span>' for name, fact in facts]
    lines = [f'<span class="what">{" · ".join(known)}</span>'] if known else []
    if abroad:
        lines.append(
            f'<a class="abroad" rel="external" href="{escaped(abroad)}">{escaped(_("the document itself"))}</a>'
        )
    return trusted("".join(lines))


def address_of(statements: Mapping[str, list[NamedNode | Literal]]) -> str:
    """Returns the address of a document on the web, or ""."""
    terms = (term.value for predicate in _ADDRESSES for term in statements.get(predicate, ()))
    # Only web addresses become links: others could carry a script.
    return next((value for value in terms if value.startswith(("https://", "http://"))), "")


def without_anchors(row: PropertyRow) -> PropertyRow:
    """Returns a row without anchors: a part of another document has no address on this page."""
    cells = (cell._replace(anchor="", rows=tuple(map(without_anchors, cell.rows))) for cell in row.cells)
    return row._replace(cells=tuple(cells))


def anchors_of(rows: Iterable[PropertyRow]) -> Iterator[str]:
    """Yields the anchors of the values in a table, nested ones too."""
    for row in rows:
        for cell in row.cells:
            yield cell.anchor
            yield from anchors_of(cell.rows)


def is_translation(predicate: str, value: Value) -> bool:
    """Returns whether a statement was only derived, in a vocabulary other than ours."""
    return value.sources == (DERIVED_GRAPH.value,) and not predicate.startswith(CG)


def external_name(iri: str) -> str:
    """Returns the name of an external IRI: a Wikidata number, a prefixed name, or the address."""
    name = last_segment(iri)
    namespace = iri.removesuffix(name)
    if namespace == WD:
        return f"Wikidata {name}"
    prefix, local = split_iri(iri)
    if prefix and local == name:
        return f"{prefix}:{name}"
    return iri.partition("://")[2].removeprefix("www.").rstrip("/") or iri
