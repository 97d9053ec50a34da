"""The command for the tools of language models."""

from __future__ import annotations

from contextlib import ExitStack

import click

from citygraph.cli.console import OK, command
from citygraph.errors import UsageError
from citygraph.setting_rules import LARGEST_PORT
from citygraph.settings import Settings


@click.command()
@click.option("--url", default="", help="Address of a site. [default: the releases of this folder]")
@click.option("--http", "address", metavar="HOST:PORT", default="", help="Listen here, at /mcp. [default: stdio]")
@click.option("--allowed-host", "hosts", multiple=True, metavar="HOST", help="A public host of a proxy in front.")
@click.pass_obj
@command
def mcp(settings: Settings, url: str, address: str, hosts: tuple[str, ...]) -> int:
    """Offer the graph to language models over the Model Context Protocol, for reading.

    \b
    citygraph mcp                                over standard input and output
    citygraph mcp --url https://example.org      the tools of a running site
    citygraph mcp --http 127.0.0.1:8100          over HTTP, at http://127.0.0.1:8100/mcp
    """
    try:
        from citygraph.mcp.graph_server import graph_server, run_http
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'citygraph[mcp]'") from None
    from citygraph.client.graph_client import INTERACTIVE
    from citygraph.client.web_exchange import HttpTransport, user_agent
    from citygraph.mcp.own_site import own_site

    host, port = _host_and_port(address) if address else ("", 0)
    if url and not url.startswith(("http://", "https://")):
        raise UsageError(f"--url must be an http or https address, and not {url!r}")
    with ExitStack() as stack:
        site = HttpTransport(url.rstrip("/"), user_agent(), INTERACTIVE) if url else None
        server = graph_server(site or stack.enter_context(own_site(settings)))
        if address:
            click.echo(f"serving http://{address}/mcp", err=True)
            run_http(server, host, port, hosts)
        else:
            server.run("stdio")
    return OK


def _host_and_port(address: str) -> tuple[str, int]:
    """Returns the host, without brackets, and the port. Raises UsageError if nothing can listen there."""
    from citygraph.serve import require_free_port

    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) <= LARGEST_PORT:
        raise UsageError(
            f"--http must be HOST:PORT, such as 127.0.0.1:8100, with a port of 1 to {LARGEST_PORT}, and not {address!r}"
        )
    require_free_port(host, int(port), "--http")
    return host, int(port)
