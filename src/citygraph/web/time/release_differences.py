"""Differences between two releases: as counts, a page, RDF Patch, and TriG of added and removed quads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, serialize

from citygraph.errors import UsageError
from citygraph.graph.document import used_prefixes, write_graph
from citygraph.graph.history import Changes
from citygraph.rdf.formats import Kind, of_kind
from citygraph.rdf.terms import DCTERMS, PREFIXES, RDF, VOID, Namespace
from citygraph.release.releases import Release
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.replies import HTML, JSON, Variant
from citygraph.web.time.release_site import ReleaseSite
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.values import Text, literal_text

OFFERS = (JSON, HTML, Variant("rdfp", "application/rdf-patch"), Variant("trig", "application/trig"))
_PAGE = 500  # statements on a page
_PARTS = ("", "added", "removed")
_PROV = Namespace(PREFIXES["prov"])


@dataclass(frozen=True)
class ChangedStatement:
    """A statement that was added or removed; its source only in a history."""

    sign: str  # "+" or "−"
    name: Text
    value: Text
    source: Text | None = None


@dataclass(frozen=True)
class ChangedSubject:
    """The changed statements of one subject in one graph."""

    graph: Text
    subject: Text
    lines: tuple[ChangedStatement, ...]


def counts(changes: Changes) -> dict[str, Any]:
    """Returns the numbers of added and removed quads, in total and by graph."""
    return {
        "from": changes.older.id,
        "to": changes.newer.id,
        "added": len(changes.added),
        "removed": len(changes.removed),
        "graphs": {graph: {"added": a, "removed": r} for graph, (a, r) in changes.by_graph.items()},
    }


def rdf_patch(changes: Changes) -> bytes:
    """Returns the changes as RDF Patch (https://afs.github.io/rdf-delta/rdf-patch.html) against the older release."""
    lines = [
        f"H id <urn:sha256:{changes.newer.manifest.digest}> .",
        f"H prev <urn:sha256:{changes.older.manifest.digest}> .",
        "TX .",
        *(f"D {_nquad(quad)} ." for quad in changes.removed),
        *(f"A {_nquad(quad)} ." for quad in changes.added),
        "TC .",
    ]
    return ("\n".join(lines) + "\n").encode()


def trig(changes: Changes, iri: str, part: str) -> bytes:
    """Returns the added and removed statements as TriG.

    With `part` "added" or "removed" the statements are in their own graphs. With an empty `part` the document has both:
    each graph appears twice, under names of its own that refer to the graph itself. Raises UsageError for any other
    part.
    """
    if part not in _PARTS:
        raise UsageError("part must be added or removed")
    if part:
        return _trig(changes.added if part == "added" else changes.removed)
    quads = []
    for name, changed in (("removed", changes.removed), ("added", changes.added)):
        dataset = NamedNode(f"{iri}#{name}")
        quads += [Quad(dataset, RDF("type"), VOID("Dataset")), Quad(dataset, VOID("triples"), Literal(len(changed)))]
        for graph in dict.fromkeys(quad.graph_name for quad in changed):
            if isinstance(graph, NamedNode):
                # In their own graphs, removed and added statements would be indistinguishable.
                own = NamedNode(f"{iri}#{name}:{graph.value}")
                quads += [Quad(own, DCTERMS("isPartOf"), dataset), Quad(own, _PROV("specializationOf"), graph)]
                quads += [Quad(q.subject, q.predicate, q.object, own) for q in changed if q.graph_name == graph]
    return _trig(quads)


def difference_page(site: ReleaseSite, changes: Changes, reader: PageRequest, page_number: str) -> str:
    """Returns the HTML page with one part of the changes. Raises UsageError for a bad page number."""
    # Nine digits are enough for any page, and spare int() a number of arbitrary length.
    if not page_number.isascii() or not page_number.isdigit() or int(page_number[:9]) < 1:
        raise UsageError("page must be a whole number, 1 or more")
    page = int(page_number[:9])
    # A removed thing may have its label and its document only in the older release.
    after, before = _table(site, changes.newer, reader), _table(site, changes.older, reader)
    statements = [(q, "+", after) for q in changes.added] + [(q, "−", before) for q in changes.removed]
    statements.sort(key=lambda one: (str(one[0].graph_name), str(one[0].subject), one[0].predicate.value, one[1]))
    of_page = statements[(page - 1) * _PAGE : page * _PAGE]
    blocks = []
    for (graph, subject), group in groupby(of_page, key=lambda one: (one[0].graph_name, one[0].subject)):
        of_subject = list(group)
        table = of_subject[0][2]
        lines = tuple(
            ChangedStatement(
                sign, property_text(quad.predicate.value, its_table, reader), value_text(quad, its_table, reader)
            )
            for quad, sign, its_table in of_subject
        )
        blocks.append(ChangedSubject(term_text(graph, table), term_text(subject, table), lines))
    return site.pages.page(
        "difference.html",
        reader,
        changes.newer,
        changes=changes,
        blocks=blocks,
        page=page,
        pages=max(1, -(-len(statements) // _PAGE)),
        graphs=[(after.link(graph), *numbers) for graph, numbers in changes.by_graph.items()],
    )


def written_as(quads: Iterable[Quad], offer: Variant) -> bytes:
    """Returns quads in one of the offered RDF formats."""
    return write_graph(quads, next(format_ for format_ in of_kind(Kind.GRAPH) if format_.extension == offer.name))


def property_text(predicate: str, table: StatementTable, reader: PageRequest) -> Text:
    """Returns the name that a property has on pages, with its link."""
    link = table.link(predicate)
    return Text(reader.translations.property_name(predicate) or link.text, href=link.href)


def value_text(quad: Quad, table: StatementTable, reader: PageRequest) -> Text:
    """Returns the value of a statement as text with its link."""
    value = quad.object
    return literal_text(value, reader.translations) if isinstance(value, Literal) else term_text(value, table)


def term_text(term: object, table: StatementTable) -> Text:
    """Returns the label and link of an IRI; any other term in its written form."""
    return table.link(term.value) if isinstance(term, NamedNode) else Text(str(term))


def _table(site: ReleaseSite, release: Release, reader: PageRequest) -> StatementTable:
    """Returns a statement table with the labels of one release and links into it."""
    addresses = Addresses(reader.addresses.base, f"{reader.addresses.root}/releases/{release.id}")
    return StatementTable(site.cache.get(release.id), reader.translations, addresses)


def _nquad(quad: Quad) -> str:
    graph = f" {quad.graph_name}" if isinstance(quad.graph_name, NamedNode) else ""
    return f"{quad.subject} {quad.predicate} {quad.object}{graph}"


def _trig(quads: Iterable[Quad]) -> bytes:
    ordered = sorted(quads, key=lambda q: (str(q.graph_name), str(q.subject), q.predicate.value, str(q.object)))
    prefixes = used_prefixes(ordered)
    data = serialize(ordered, format=RdfFormat.TRIG, prefixes=prefixes) or b""
    # The library writes prefixes in the order of its hash table, which changes from run to run.
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in prefixes.items())
    return head.encode() + b"\n" + data.split(b"\n", len(prefixes))[-1]
