"""The commands that look at what is published: a site's health, and what changed between two releases."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
from rich.console import Console

from citygraph.cli.console import OK, VIOLATES, JsonProgress, TerminalProgress, command, print_json, shortened
from citygraph.doctor import examine
from citygraph.freeze.frozen_site import NOT_FROZEN, Order, known_forms
from citygraph.freeze.frozen_site import freeze as freeze_site
from citygraph.freeze.plan import FORMS
from citygraph.graph.history import Timeline
from citygraph.release.releases import Releases
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


_SHOWN = 10


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--url", default="http://localhost:8000", show_default=True, help="Where the site will stand.")
@click.option("--base-path", default="", help="The path of that address alone, such as /repo for a project's Pages.")
@click.option("--only", default=",".join(FORMS), help="Forms of documents, by commas. [default: all]", metavar="FORMS")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that make pages.")
@click.option("--force", is_flag=True, help="Replace DIR, and all that is in it, although freeze did not make it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def freeze(
    settings: Settings, folder: Path, url: str, base_path: str, only: str, jobs: int, force: bool, as_json: bool
) -> int:
    """Write the current release's whole site to DIR as files that any web server can hand out.

    DIR appears when it is whole. Nothing that needs a server is in it: what, is said at the end.
    """
    out = Console(quiet=as_json)
    progress = JsonProgress() if as_json else TerminalProgress(out)
    order = Order(folder, _address(url, base_path), known_forms(only), jobs, force)
    try:
        frozen = freeze_site(settings, order, progress)
    finally:
        if isinstance(progress, TerminalProgress):
            progress.stop()
    if as_json:
        print_json({"folder": str(folder), "files": frozen.files, "bytes": frozen.size, "pages": frozen.pages,
                    "left_out": [*NOT_FROZEN, *frozen.left]})  # fmt: skip
    out.print(
        f"{frozen.files:,} files, {frozen.size / 1e6:,.1f} MB in {folder}, for {order.site}/",
        highlight=False,
        soft_wrap=True,
    )
    out.print("Not in it:", highlight=False, soft_wrap=True)
    more = [f"and {len(frozen.left) - _SHOWN:,} more: {folder}/frozen.json"] if len(frozen.left) > _SHOWN else []
    for line in (*NOT_FROZEN, *frozen.left[:_SHOWN], *more):
        out.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    out.print(f"look at it: python -m http.server --directory {folder}", highlight=False, soft_wrap=True)
    return OK


def _address(url: str, base_path: str) -> str:
    """The address with its path replaced, if one is given."""
    parts = urlsplit(url)
    path = f"/{base_path.strip('/')}" if base_path.strip("/") else parts.path
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))
