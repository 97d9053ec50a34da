"""The commands that look at what is published: a site's health, and what changed between two releases."""

from __future__ import annotations

import click

from citygraph.cli.commands import OK, VIOLATES, command
from citygraph.cli.console import print_json, shortened
from citygraph.doctor import examine
from citygraph.history import Timeline
from citygraph.release import Releases
from citygraph.settings import Settings


@click.command()
@click.argument("url")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@command
def doctor(url: str, as_json: bool) -> int:
    """Score a running site on the lists that publishers of linked data are judged by.

    Exit status: 0 nothing required is missing, 1 something is, 2 nobody answers at URL.
    """
    diagnosis = examine(url)
    click.echo(diagnosis.as_json() if as_json else diagnosis.as_table(), nl=as_json)
    return OK if diagnosis.is_healthy else VIOLATES


@click.command()
@click.argument("older")
@click.argument("newer")
@click.option("--json", "as_json", is_flag=True, help="Print counts as JSON, for machines.")
@click.pass_obj
@command
def diff(settings: Settings, older: str, newer: str, as_json: bool) -> int:
    """Tell what changed from release OLDER to release NEWER, a statement a line."""
    releases = Releases(settings.releases)
    changes = Timeline(releases).between(releases.get(older), releases.get(newer))
    if as_json:
        graphs = {graph: {"added": a, "removed": r} for graph, (a, r) in changes.by_graph.items()}
        counts = {"added": len(changes.added), "removed": len(changes.removed)}
        print_json({"from": older, "to": newer, **counts, "graphs": graphs})
        return OK
    for sign, quads in (("-", changes.removed), ("+", changes.added)):
        for line in sorted(str(quad) for quad in quads):
            click.echo(f"{sign} {line} .")
    for graph, (added, removed) in changes.by_graph.items():
        click.echo(f"{shortened(graph)}: {added} added, {removed} removed", err=True)
    return OK
