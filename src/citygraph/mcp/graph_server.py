"""The server of the Model Context Protocol, over standard input and output or over HTTP."""

from __future__ import annotations

from collections.abc import Iterable

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations

from citygraph import __version__
from citygraph.client.web_exchange import Transport
from citygraph.mcp.graph_tools import GraphTools
from citygraph.mcp.site_reading import SiteReader

INSTRUCTIONS = """\
A graph of city diplomacy: cities and their ties, agreements, people in office, organisations and events. Every
statement has the document that states it.

1. Find an entity by search_entities, then describe_entity shows what is stated about it, and by which source.
2. For a list or a comparison, look for a question in list_stored_queries and run it by run_stored_query.
3. Only then write SPARQL: list_vocabulary shows the terms, and run_sparql refuses terms that do not exist.

Dates are as precise as their source: 1995 is a year and 1995-06 a month. `total` is the number of all rows: if it is
larger than `shown`, ask for the rest or narrow the question. No row means that the sources of this graph do not state
it. Cite with `citation`, and name the sources of a statement.
"""


def graph_server(transport: Transport) -> MCPServer:
    """Returns the server of the site behind `transport`. It reads only."""
    server = MCPServer(name="citygraph", instructions=INSTRUCTIONS, version=__version__, website_url=transport.root)
    reads = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
    for tool in GraphTools(SiteReader(transport)).tools():
        server.add_tool(tool, annotations=reads)
    return server


def run_http(server: MCPServer, host: str, port: int, allowed_hosts: Iterable[str] = ()) -> None:
    """Serves at http://host:port/mcp, without sessions, until it is stopped.

    Requests must name this address as their host, or one of `allowed_hosts`: a page of another site cannot use a
    server on the reader's machine.
    """
    names = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}", f"localhost:{port}", *allowed_hosts]
    origins = [f"{scheme}://{name}" for scheme in ("http", "https") for name in names]
    security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=origins)
    server.run(
        "streamable-http", host=host, port=port, stateless_http=True, json_response=True, transport_security=security
    )
