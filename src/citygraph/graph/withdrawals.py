"""Withdrawn identifiers: merged into another entity, or withdrawn with a reason and a day."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Store

from citygraph.graph.labels import choose
from citygraph.rdf.terms import CG, DCTERMS, RDF, SKOS

_REPLACED_BY = DCTERMS("isReplacedBy").value
_MERGED_INTO = CG("mergedInto").value
_REASON = SKOS("changeNote").value
_ON = CG("withdrawnOn").value


@dataclass(frozen=True)
class Withdrawal:
    """A withdrawn identifier; `merged_into` is empty unless one other entity replaced it."""

    iri: str
    on: str
    merged_into: str
    replaced_by: tuple[str, ...]
    reasons: tuple[Literal, ...]

    def reason(self, language: str) -> str:
        """Returns the reason in the reader's language, or else in another."""
        best = choose(self.reasons, language)
        return best.text if best else ""


def read_withdrawals(store: Store) -> dict[str, Withdrawal]:
    """Returns the withdrawals of a release by withdrawn IRI."""
    marked = store.quads_for_pattern(None, RDF("type"), CG("WithdrawnIdentifier"), None)
    things = {quad.subject for quad in marked if isinstance(quad.subject, NamedNode)}
    return {thing.value: _read(store, thing) for thing in things}


def _read(store: Store, thing: NamedNode) -> Withdrawal:
    values_of: dict[str, list[NamedNode | Literal]] = {}
    for quad in store.quads_for_pattern(thing, None, None, None):
        if isinstance(quad.object, NamedNode | Literal):
            values = values_of.setdefault(quad.predicate.value, [])
            # The default graph repeats the statements of the named graphs.
            if quad.object not in values:
                values.append(quad.object)
    merged = [value.value for value in values_of.get(_MERGED_INTO, ())]
    replaced = [value.value for value in values_of.get(_REPLACED_BY, ())]
    return Withdrawal(
        thing.value,
        next((value.value for value in values_of.get(_ON, ())), ""),
        merged[0] if merged else "",
        tuple(sorted({*merged, *replaced})),
        tuple(value for value in values_of.get(_REASON, ()) if isinstance(value, Literal)),
    )
