"""Slots: the values that one source gives a property of an entity, in one language."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph.rdf.terms import BASE, CATALOG_GRAPH, XSD

# Their lexical forms differ between a file and a store.
_NORMALISED = frozenset({XSD("decimal"), XSD("integer"), XSD("boolean"), XSD("double")})
_DIGITS = 12


class Slot(NamedTuple):
    """A property of an entity in the graph of a source; the language is empty unless its values are texts with one."""

    subject: NamedNode
    predicate: NamedNode
    source: NamedNode
    language: str = ""


Values = dict[Slot, set[NamedNode | Literal]]


def source_of(quad: Quad) -> NamedNode:
    """Returns the source of a statement: its graph, or its subject in the catalogue."""
    source = quad.subject if quad.graph_name == CATALOG_GRAPH else quad.graph_name
    assert isinstance(source, NamedNode)  # noqa: S101 - the table model has no other statements
    return source


def slot_of(quad: Quad) -> Slot:
    """Returns the slot of a statement."""
    assert isinstance(quad.subject, NamedNode)  # noqa: S101 - no graph of the data has blank nodes
    language = (quad.object.language or "").lower() if isinstance(quad.object, Literal) else ""
    return Slot(quad.subject, quad.predicate, source_of(quad), language)


def values_of(quads: Iterable[Quad]) -> Values:
    """Returns the values of each slot, as a store has them."""
    values: Values = defaultdict(set)
    for quad in quads:
        values[slot_of(quad)].add(normalised(quad.object))
    return values


def digest_of(values: Iterable[NamedNode | Literal]) -> str:
    """Returns the beginning of the SHA-256 of the values of a slot, empty for none."""
    # Under another base the same data have the same digests.
    text = "\n".join(sorted(str(value).replace(BASE, "") for value in values))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS] if text else ""


def normalised(term: object) -> NamedNode | Literal:
    """Returns a value in the lexical form in which a store has it."""
    assert isinstance(term, NamedNode | Literal)  # noqa: S101 - no graph of the data has blank nodes
    return _stored(term) if isinstance(term, Literal) and term.datatype in _NORMALISED else term


@lru_cache(10_000)
def _stored(literal: Literal) -> Literal:
    store = Store()
    store.add(Quad(NamedNode(BASE), NamedNode(BASE), literal))
    stored = next(iter(store)).object
    assert isinstance(stored, Literal)  # noqa: S101 - a store keeps the kind of a term
    return stored
