"""An edge list as CSV: a line for each edge, with the IRIs and labels of its ends."""

from __future__ import annotations

import csv
import io

from citygraph.exports.gexf import text_of
from citygraph.exports.result_network import ResultNetwork
from citygraph.exports.sinks import Sink

_BATCH = 1000


def write_edge_list(network: ResultNetwork, out: Sink) -> None:
    """Writes the edges of a network, in UTF-8 with commas (RFC 4180)."""
    names = [column.name for column in network.edge_columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["source", "target", "source_label", "target_label", *names])
    for number, (one, other) in enumerate(network.edges):
        values = (column.values[number] for column in network.edge_columns)
        cells = ["" if value is None else text_of(value) for value in values]
        writer.writerow([network.nodes[one], network.nodes[other], network.label(one), network.label(other), *cells])
        if number % _BATCH == _BATCH - 1:
            out.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
    out.write(text.getvalue().encode())
