"""The writers by the name of their format. A library is imported when it is first needed, because few results are."""

from __future__ import annotations

from collections.abc import Callable

from citygraph.errors import NotAcceptable
from citygraph.exports.result_network import network_of
from citygraph.exports.sinks import Sink
from citygraph.exports.typed_rows import TermTable, typed
from citygraph.rdf.formats import BY_NAME, Kind, of_kind


def write_export(format_name: str, table: TermTable, out: Sink) -> None:
    """Writes a result in one of the formats of WRITERS. Raises NotAcceptable if it cannot be written in it."""
    try:
        WRITERS[format_name](table, out)
    except NotAcceptable as error:
        # Formats that every table has.
        offered = tuple(one.media_type for one in of_kind(Kind.SOLUTIONS) if one.name not in WRITERS)
        raise NotAcceptable(str(error), (*offered, BY_NAME["parquet"].media_type)) from None


def _parquet(table: TermTable, out: Sink) -> None:
    from citygraph.exports.parquet import write_parquet

    write_parquet(typed(table), out)


def _xlsx(table: TermTable, out: Sink) -> None:
    from citygraph.exports.xlsx import write_xlsx

    write_xlsx(typed(table), out)


def _geojson(table: TermTable, out: Sink) -> None:
    from citygraph.exports.geojson import write_geojson

    write_geojson(typed(table), out)


def _geopackage(table: TermTable, out: Sink) -> None:
    from citygraph.exports.geopackage import write_geopackage

    write_geopackage(typed(table), out)


def _gexf(table: TermTable, out: Sink) -> None:
    from citygraph.exports.gexf import write_gexf

    write_gexf(network_of(table, "GEXF"), out)


def _graphml(table: TermTable, out: Sink) -> None:
    from citygraph.exports.graphml import write_graphml

    write_graphml(network_of(table, "GraphML"), out)


def _node_link(table: TermTable, out: Sink) -> None:
    from citygraph.exports.node_link_json import write_node_link

    write_node_link(network_of(table, "node-link JSON"), out)


def _edge_list(table: TermTable, out: Sink) -> None:
    from citygraph.exports.edge_list import write_edge_list

    write_edge_list(network_of(table, "an edge list"), out)


WRITERS: dict[str, Callable[[TermTable, Sink], None]] = {
    "parquet": _parquet,
    "xlsx": _xlsx,
    "geojson": _geojson,
    "gpkg": _geopackage,
    "gexf": _gexf,
    "graphml": _graphml,
    "nodelink": _node_link,
    "edges": _edge_list,
}
