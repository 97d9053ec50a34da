"""The subcommand that checks a running server, for containers and monitoring."""

from __future__ import annotations

import click

from citygraph.cli.console import OK, VIOLATES, command, local_address
from citygraph.doctor.fetching import HttpRequest, fetch
from citygraph.settings import Settings


@click.command()
@click.option("--url", help="Address of the server. [default: host and port of the settings]")
@click.option("--ready", is_flag=True, help="Also fail while a part, such as engines or writer, is missing.")
@click.pass_obj
@command
def health(settings: Settings, url: str | None, ready: bool) -> int:
    """Print the state of the running server.

    Exit status: 0 it responds (with --ready: completely), 1 it responds with an error, 2 it does not respond.
    """
    response = fetch(HttpRequest((url or local_address(settings)).rstrip("/") + ("/ready" if ready else "/health")))
    click.echo(response.text.rstrip("\n"))
    return OK if response.status == 200 else VIOLATES
