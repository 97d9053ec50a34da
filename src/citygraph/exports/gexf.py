"""GEXF 1.3, for Gephi: nodes and edges with typed attributes and the times in which they exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from citygraph.exports.result_network import ResultNetwork, Spell
from citygraph.exports.sinks import Sink, write_joined
from citygraph.exports.typed_rows import ColumnKind, TypedColumn
from citygraph.exports.xml_texts import attribute, content

_TYPES = {ColumnKind.INTEGER: "long", ColumnKind.NUMBER: "double", ColumnKind.BOOLEAN: "boolean"}
# XML Schema 1.0 has no year 0.
_DAY = re.compile(r"(?!-?0000)-?\d{4,}-\d\d-\d\d")
# Names that some readers take for their own.
_TAKEN = ("id", "type", "label", "start", "end", "weight", "source", "target")


def write_gexf(network: ResultNetwork, out: Sink) -> None:
    """Writes a network. Times are days, partial dates widened to their first and last one."""
    write_joined(_pieces(network), out)


def _pieces(network: ResultNetwork) -> Iterator[str]:
    is_dynamic = any(network.edge_spells)
    time = ' mode="dynamic" timeformat="date" timerepresentation="interval"' if is_dynamic else ' mode="static"'
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield '<gexf xmlns="http://gexf.net/1.3" version="1.3">\n'
    yield from _meta(network.about)
    yield f'<graph defaultedgetype="undirected"{time}>\n'
    # The label of a node has a place of its own.
    node_columns = tuple(column for column in network.node_columns if column.name != "label")
    yield from _declared("node", node_columns)
    yield from _declared("edge", network.edge_columns)
    yield "<nodes>\n"
    for number, iri in enumerate(network.nodes):
        yield f"<node id={attribute(iri)} label={attribute(network.label(number))}>"
        yield from _described(node_columns, number, network.node_spells[number])
        yield "</node>\n"
    yield "</nodes>\n<edges>\n"
    for number, (one, other) in enumerate(network.edges):
        ends = f"source={attribute(network.nodes[one])} target={attribute(network.nodes[other])}"
        yield f'<edge id="{number}" {ends}>'
        yield from _described(network.edge_columns, number, network.edge_spells[number])
        yield "</edge>\n"
    yield "</edges>\n</graph>\n</gexf>\n"


def _meta(about: Sequence[tuple[str, str]]) -> Iterator[str]:
    known = dict(about)
    changed = f' lastmodifieddate="{known["issued"]}"' if "issued" in known else ""
    description = "; ".join(f"{name}: {value}" for name, value in about)
    if description:
        yield f"<meta{changed}><creator>{content(known.get('publisher', 'citygraph'))}</creator>"
        yield f"<description>{content(description)}</description></meta>\n"


def _declared(class_: str, columns: Sequence[TypedColumn]) -> Iterator[str]:
    if not columns:
        return
    yield f'<attributes class="{class_}" mode="static">\n'
    for number, column in enumerate(columns):
        title = f"{column.name}_" if column.name in _TAKEN else column.name
        yield f'<attribute id="{number}" title={attribute(title)} type="{_TYPES.get(column.kind, "string")}"/>\n'
    yield "</attributes>\n"


def _described(columns: Sequence[TypedColumn], number: int, spells: Sequence[Spell]) -> Iterator[str]:
    values = [(place, column.values[number]) for place, column in enumerate(columns)]
    present = [
        f'<attvalue for="{place}" value={attribute(text_of(value))}/>' for place, value in values if value is not None
    ]
    if present:
        yield f"<attvalues>{''.join(present)}</attvalues>"
    written = [text for spell in spells if (text := _spell(spell))]
    if written:
        yield f"<spells>{''.join(written)}</spells>"


def _spell(spell: Spell) -> str:
    ends = zip(("start", "end"), spell, strict=True)
    days = "".join(f' {name}="{day}"' for name, day in ends if _DAY.fullmatch(day))
    return f"<spell{days}/>" if days else ""


def text_of(value: Any) -> str:
    """Returns a value in the form of XML Schema."""
    return str(value).lower() if isinstance(value, bool) else str(value)
