"""What was published once and is no more: merged into another entity, or withdrawn, with the reason and the day."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Store

from citygraph.terms import CG, DCTERMS, RDF, SKOS

_REPLACED_BY = DCTERMS("isReplacedBy").value
_MERGED_INTO = CG("mergedInto").value
_REASON = SKOS("changeNote").value
_ON = CG("withdrawnOn").value


@dataclass(frozen=True)
class Withdrawal:
    """The tombstone of an identifier; `merged_into` is empty unless one other entity took its place."""

    iri: str
    on: str
    merged_into: str
    replaced_by: tuple[str, ...]
    reasons: tuple[Literal, ...]

    def reason(self, language: str) -> str:
        """Why, in the reader's language or else in another."""
        mine = sorted(self.reasons, key=lambda text: (text.language != language, text.language or ""))
        return mine[0].value if mine else ""


def read_withdrawals(store: Store) -> dict[str, Withdrawal]:
    """Every tombstone of a release, by the IRI that it stands for."""
    stones = store.quads_for_pattern(None, RDF("type"), CG("WithdrawnIdentifier"), None)
    things = {quad.subject for quad in stones if isinstance(quad.subject, NamedNode)}
    return {thing.value: _read(store, thing) for thing in things}


def _read(store: Store, thing: NamedNode) -> Withdrawal:
    said: dict[str, list[NamedNode | Literal]] = {}
    for quad in store.quads_for_pattern(thing, None, None, None):
        if isinstance(quad.object, NamedNode | Literal):
            values = said.setdefault(quad.predicate.value, [])
            if quad.object not in values:
                values.append(quad.object)
    merged = [value.value for value in said.get(_MERGED_INTO, ())]
    replaced = [value.value for value in said.get(_REPLACED_BY, ())]
    return Withdrawal(
        thing.value,
        next((value.value for value in said.get(_ON, ())), ""),
        merged[0] if merged else "",
        tuple(sorted({*merged, *replaced})),
        tuple(value for value in said.get(_REASON, ()) if isinstance(value, Literal)),
    )
