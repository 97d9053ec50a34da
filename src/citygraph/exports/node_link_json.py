"""Node-link JSON, for NetworkX and D3: the edges are in the member `edges`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from citygraph.exports.result_network import ResultNetwork, Spell
from citygraph.exports.sinks import Sink
from citygraph.exports.typed_rows import TypedColumn

_BATCH = 500
# The members that the format has itself.
_TAKEN = ("id", "source", "target", "key", "spells")


def write_node_link(network: ResultNetwork, out: Sink) -> None:
    """Writes a network. A member without value is left out."""
    # Keys distinguish several edges between two nodes.
    head = {"directed": False, "multigraph": True, "graph": dict(network.about)}
    out.write((_json(head)[:-1] + ',"nodes":[').encode())
    _write_list(_nodes(network), out)
    out.write(b'],"edges":[')
    _write_list(_edges(network), out)
    out.write(b"]}\n")


def _nodes(network: ResultNetwork) -> Iterator[dict[str, Any]]:
    for number, iri in enumerate(network.nodes):
        yield {
            "id": iri,
            **_members(network.node_columns, number),
            **_spells(network.node_spells[number]),
        }


def _edges(network: ResultNetwork) -> Iterator[dict[str, Any]]:
    for number, (one, other) in enumerate(network.edges):
        yield {
            "source": network.nodes[one],
            "target": network.nodes[other],
            "key": number,
            **_members(network.edge_columns, number),
            **_spells(network.edge_spells[number]),
        }


def _members(columns: Sequence[TypedColumn], number: int) -> dict[str, Any]:
    return {
        f"{column.name}_" if column.name in _TAKEN else column.name: column.values[number]
        for column in columns
        if column.values[number] is not None
    }


def _spells(spells: Sequence[Spell]) -> dict[str, Any]:
    return {"spells": [[start or None, end or None] for start, end in spells]} if spells else {}


def _write_list(members: Iterator[dict[str, Any]], out: Sink) -> None:
    batch: list[str] = []
    separator = "\n"
    for member in members:
        batch.append(separator + _json(member))
        separator = ",\n"
        if len(batch) == _BATCH:
            out.write("".join(batch).encode())
            batch.clear()
    out.write("".join(batch).encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
