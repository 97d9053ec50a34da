"""The possible formats of a result, according to the names of its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citygraph.exports.geometry_columns import may_have_geometry
from citygraph.exports.result_network import may_be_network
from citygraph.rdf.formats import BY_NAME, Format, Kind, Need, of_kind
from citygraph.sparql.paging import selected_names


def offered_formats(text: str, kind: Kind) -> tuple[Format, ...]:
    """Returns the formats for the result of a query of this kind. Others may be possible too."""
    names = selected_names(text) if kind is Kind.SOLUTIONS else ()
    return tuple(BY_NAME[one.name] for one in of_kind(kind) if one.needs is None or one.needs in set(_has(names)))


def _has(names: Sequence[str]) -> Iterator[Need]:
    if may_have_geometry(names):
        yield Need.GEOMETRY
    if may_be_network(names):
        yield Need.NETWORK
