"""GraphML, for igraph, NetworkX, yEd and others: nodes and edges with typed attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citygraph.exports.gexf import text_of
from citygraph.exports.result_network import ResultNetwork
from citygraph.exports.sinks import Sink, write_joined
from citygraph.exports.typed_rows import ColumnKind, TypedColumn
from citygraph.exports.xml_texts import attribute, content

_TYPES = {ColumnKind.INTEGER: "long", ColumnKind.NUMBER: "double", ColumnKind.BOOLEAN: "boolean"}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns '
    'http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">\n'
)
# Readers keep these for themselves.
_TAKEN = ("id", "name", "source", "target")


def write_graphml(network: ResultNetwork, out: Sink) -> None:
    """Writes a network. A missing value has no `data` element."""
    write_joined(_pieces(network), out)


def _pieces(network: ResultNetwork) -> Iterator[str]:
    yield _HEAD
    yield from _keys("graph", "g", [TypedColumn(name, ColumnKind.TEXT, []) for name, _ in network.about])
    yield from _keys("node", "n", network.node_columns)
    yield from _keys("edge", "e", network.edge_columns)
    # igraph takes the identifiers of edges for those of nodes, so that edges have none.
    yield '<graph edgedefault="undirected">\n'
    for number, (_, value) in enumerate(network.about):
        yield f'<data key="g{number}">{content(value)}</data>\n'
    for number, iri in enumerate(network.nodes):
        yield f"<node id={attribute(iri)}>{_data('n', network.node_columns, number)}</node>\n"
    for number, (one, other) in enumerate(network.edges):
        ends = f"source={attribute(network.nodes[one])} target={attribute(network.nodes[other])}"
        yield f"<edge {ends}>{_data('e', network.edge_columns, number)}</edge>\n"
    yield "</graph>\n</graphml>\n"


def _keys(for_: str, letter: str, columns: Sequence[TypedColumn]) -> Iterator[str]:
    for number, column in enumerate(columns):
        name = f"{column.name}_" if column.name in _TAKEN else column.name
        type_ = _TYPES.get(column.kind, "string")
        yield f'<key id="{letter}{number}" for="{for_}" attr.name={attribute(name)} attr.type="{type_}"/>\n'


def _data(letter: str, columns: Sequence[TypedColumn], number: int) -> str:
    values = [(place, column.values[number]) for place, column in enumerate(columns)]
    return "".join(
        f'<data key="{letter}{place}">{content(text_of(value))}</data>' for place, value in values if value is not None
    )
