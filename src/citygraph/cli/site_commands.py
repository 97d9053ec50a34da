"""Commands for published sites: doctor, diff and freeze."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
from rich.console import Console

from citygraph.cli.console import OK, VIOLATES, FilePath, JsonProgress, TerminalProgress, command, print_json, shortened
from citygraph.cli.store_commands import inspect_store
from citygraph.doctor import examine
from citygraph.errors import UsageError
from citygraph.freeze.frozen_site import NOT_FROZEN, FreezeOptions, FreezeResult, parse_forms
from citygraph.freeze.frozen_site import freeze as freeze_site
from citygraph.freeze.plan import FORMS
from citygraph.graph.history import Timeline
from citygraph.instance import placeholder_problem
from citygraph.release.releases import Releases
from citygraph.settings import Settings


@click.command()
@click.argument("url", required=False)
@click.option("--store", "store", metavar="URL", help="Inspect the SPARQL store with this query address instead.")
@click.option("--store-update", metavar="URL", help="Its address of updates, if it is another one.")
@click.option("--store-graphs", metavar="URL", help="Its Graph Store Protocol, if releases are loaded by it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
@command
def doctor(
    settings: Settings,
    url: str | None,
    store: str | None,
    store_update: str | None,
    store_graphs: str | None,
    as_json: bool,
) -> int:
    """Score a running site against published lists of criteria for linked data.

    With --store, list instead how a SPARQL store deviates from SPARQL 1.1, and what citygraph does about it. A few
    test graphs are loaded and removed again; CITYGRAPH_STORE_USER and CITYGRAPH_STORE_PASSWORD are the credentials.

    Exit status: 0 every required check passed, 1 one failed, 2 the site does not respond.
    """
    if store:
        changes = {"store": store, "store_update": store_update, "store_graphs": store_graphs}
        return inspect_store(settings.with_changes(**changes), as_json)
    if not url:
        raise UsageError("name a site, or a store with --store")
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
    """Print the difference between release OLDER and release NEWER, one statement per line."""
    releases = Releases(settings.releases)
    changes = Timeline(releases).between(releases.get(older), releases.get(newer))
    if as_json:
        graphs = {graph: {"added": a, "removed": r} for graph, (a, r) in changes.by_graph.items()}
        counts = {"added": len(changes.added), "removed": len(changes.removed)}
        print_json({"from": older, "to": newer, **counts, "graphs": graphs})
        return OK
    for sign, quads in (("-", changes.removed), ("+", changes.added)):
        # Sorted, so that equal differences give equal output.
        for line in sorted(str(quad) for quad in quads):
            click.echo(f"{sign} {line} .")
    for graph, (added, removed) in changes.by_graph.items():
        # On standard error: standard output has statements only.
        click.echo(f"{shortened(graph)}: {added} added, {removed} removed", err=True)
    return OK


_MAX_LISTED = 10


@click.command()
@click.argument("folder", metavar="DIR", type=FilePath(path_type=Path))
@click.option("--url", default="http://localhost:8000", show_default=True, help="Address of the site.")
@click.option("--base-path", default="", help="Path of that address, such as /repo for a project's Pages.")
@click.option(
    "--only", default=",".join(FORMS), help="Formats of documents, separated by commas. [default: all]", metavar="FORMS"
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that render pages.")
@click.option("--force", is_flag=True, help="Replace DIR and its content even if freeze did not make it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def freeze(
    settings: Settings, folder: Path, url: str, base_path: str, only: str, jobs: int, force: bool, as_json: bool
) -> int:
    """Write the site of the current release to DIR as static files for any web server.

    DIR appears when it is complete. Functions that need a server are left out and listed at the end.
    """
    if problem := placeholder_problem(settings.base):
        raise UsageError(problem)
    out = Console(quiet=as_json)
    progress = JsonProgress() if as_json else TerminalProgress(out)
    order = FreezeOptions(folder, _address(url, base_path), parse_forms(only), jobs, force)
    try:
        frozen = freeze_site(settings, order, progress)
    finally:
        # Also after an error: the running step must not stay on the terminal.
        if isinstance(progress, TerminalProgress):
            progress.stop()
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "files": frozen.files,
                "bytes": frozen.size,
                "pages": frozen.pages,
                "left_out": [*NOT_FROZEN, *frozen.omitted],
            }
        )
    for line in _summary(frozen, folder, order.site):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    return OK


def _summary(frozen: FreezeResult, folder: Path, site: str) -> Iterator[str]:
    """Yields the lines about a frozen site: its size, what is left out, and how to view it."""
    yield f"{frozen.files:,} files, {frozen.size / 1e6:,.1f} MB in {folder}, for {site}/"
    yield "Left out:"
    rest = len(frozen.omitted) - _MAX_LISTED
    more = [f"and {rest:,} more: {folder}/frozen.json"] if rest > 0 else []
    for line in (*NOT_FROZEN, *frozen.omitted[:_MAX_LISTED], *more):
        yield f"  {line}"
    yield f"to view it: python -m http.server --directory {shlex.quote(str(folder))}"


def _address(url: str, base_path: str) -> str:
    """Returns the address, with its path replaced if `base_path` is given."""
    parts = urlsplit(url)
    path = f"/{base_path.strip('/')}" if base_path.strip("/") else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), parts.query, parts.fragment))
