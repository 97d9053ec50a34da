"""What changed from one release to another: as counts, a page, RDF Patch, and TriG of what was added and removed."""

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
from citygraph.web.http.replies import HTML, JSON, Offer
from citygraph.web.time.release_site import Past
from citygraph.web.view.page_request import Reader
from citygraph.web.view.statement_table import Registrar
from citygraph.web.view.values import Text, literal_text

OFFERS = (JSON, HTML, Offer("rdfp", "application/rdf-patch"), Offer("trig", "application/trig"))
_PAGE = 500  # statements on a page
_PARTS = ("", "added", "removed")
_PROV = Namespace(PREFIXES["prov"])


@dataclass(frozen=True)
class Line:
    """One statement that came or went."""

    sign: str  # "+" or "−"
    name: Text
    value: Text


@dataclass(frozen=True)
class Block:
    """What changed of one subject in one graph."""

    graph: Text
    subject: Text
    lines: tuple[Line, ...]


def counts(changes: Changes) -> dict[str, Any]:
    """How much changed, in all and in each graph."""
    return {
        "from": changes.older.id,
        "to": changes.newer.id,
        "added": len(changes.added),
        "removed": len(changes.removed),
        "graphs": {graph: {"added": a, "removed": r} for graph, (a, r) in changes.by_graph.items()},
    }


def rdf_patch(changes: Changes) -> bytes:
    """The changes as RDF Patch (https://afs.github.io/rdf-delta/rdf-patch.html), to be applied to the older release."""
    lines = [
        f"H id <urn:sha256:{changes.newer.manifest.digest}> .",
        f"H prev <urn:sha256:{changes.older.manifest.digest}> .",
        "TX .",
        *(f"D {_written(quad)} ." for quad in changes.removed),
        *(f"A {_written(quad)} ." for quad in changes.added),
        "TC .",
    ]
    return ("\n".join(lines) + "\n").encode()


def trig(changes: Changes, iri: str, part: str) -> bytes:
    """What was added and removed as TriG.

    With `part` "added" or "removed" the statements stand in their own graphs. Else both stand side by side, each in a
    graph of this document that says which graph it is part of. Raises UsageError for any other part.
    """
    if part not in _PARTS:
        raise UsageError("part must be added or removed")
    if part:
        return _trig(changes.added if part == "added" else changes.removed)
    quads = []
    for name, of_one in (("removed", changes.removed), ("added", changes.added)):
        whole = NamedNode(f"{iri}#{name}")
        quads += [Quad(whole, RDF("type"), VOID("Dataset")), Quad(whole, VOID("triples"), Literal(len(of_one)))]
        for graph in dict.fromkeys(quad.graph_name for quad in of_one):
            if isinstance(graph, NamedNode):
                own = NamedNode(f"{iri}#{name}:{graph.value}")
                quads += [Quad(own, DCTERMS("isPartOf"), whole), Quad(own, _PROV("specializationOf"), graph)]
                quads += [Quad(q.subject, q.predicate, q.object, own) for q in of_one if q.graph_name == graph]
    return _trig(quads)


def difference_page(past: Past, changes: Changes, reader: Reader, asked: str) -> str:
    """The page, a part of the changes at a time. Raises UsageError for a bad page number."""
    if not asked.isascii() or not asked.isdigit() or int(asked[:9]) < 1:
        raise UsageError("page must be a whole number, 1 or more")
    page = int(asked[:9])
    # What went may have its name and its document only in the release that it went from.
    after, before = _registrar(past, changes.newer, reader), _registrar(past, changes.older, reader)
    said = [(q, "+", after) for q in changes.added] + [(q, "−", before) for q in changes.removed]
    said.sort(key=lambda one: (str(one[0].graph_name), str(one[0].subject), one[0].predicate.value, one[1]))
    shown = said[(page - 1) * _PAGE : page * _PAGE]
    blocks = []
    for (graph, subject), of_one in groupby(shown, key=lambda one: (one[0].graph_name, one[0].subject)):
        group = list(of_one)
        registrar = group[0][2]
        lines = tuple(Line(sign, named(q.predicate.value, r, reader), valued(q, r, reader)) for q, sign, r in group)
        blocks.append(Block(linked(graph, registrar), linked(subject, registrar), lines))
    return past.pages.page(
        "difference.html", reader, changes.newer, changes=changes, blocks=blocks, page=page,
        pages=max(1, -(-len(said) // _PAGE)), graphs=[(after.link(g), *n) for g, n in changes.by_graph.items()],
    )  # fmt: skip


def written_as(quads: Iterable[Quad], offer: Offer) -> bytes:
    """Statements in one of the forms of RDF that are offered."""
    return write_graph(quads, next(format_ for format_ in of_kind(Kind.GRAPH) if format_.extension == offer.name))


def named(predicate: str, registrar: Registrar, reader: Reader) -> Text:
    """A property by the name that it has on pages."""
    link = registrar.link(predicate)
    return Text(reader.words.property_name(predicate) or link.text, href=link.href)


def valued(quad: Quad, registrar: Registrar, reader: Reader) -> Text:
    """The value of a statement."""
    value = quad.object
    return literal_text(value, reader.words) if isinstance(value, Literal) else linked(value, registrar)


def linked(term: object, registrar: Registrar) -> Text:
    """A thing by its label; what has no IRI as it is written."""
    return registrar.link(term.value) if isinstance(term, NamedNode) else Text(str(term))


def _registrar(past: Past, release: Release, reader: Reader) -> Registrar:
    """What names and links things as one release does."""
    addresses = Addresses(reader.addresses.base, f"{reader.addresses.root}/releases/{release.id}")
    return Registrar(past.shelf.get(release.id), reader.words, addresses)


def _written(quad: Quad) -> str:
    graph = f" {quad.graph_name}" if isinstance(quad.graph_name, NamedNode) else ""
    return f"{quad.subject} {quad.predicate} {quad.object}{graph}"


def _trig(quads: Iterable[Quad]) -> bytes:
    ordered = sorted(quads, key=lambda q: (str(q.graph_name), str(q.subject), q.predicate.value, str(q.object)))
    prefixes = used_prefixes(ordered)
    written = serialize(ordered, format=RdfFormat.TRIG, prefixes=prefixes) or b""
    # The library orders the prefixes as its hash table does.
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in prefixes.items())
    return head.encode() + b"\n" + written.split(b"\n", len(prefixes))[-1]
