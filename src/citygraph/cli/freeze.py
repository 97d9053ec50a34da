"""The command that writes the whole site as static files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import click
from rich.console import Console

from citygraph.cli.commands import OK, command
from citygraph.cli.console import JsonProgress, TerminalProgress, print_json
from citygraph.freeze.plan import FORMS
from citygraph.freeze.site import NOT_FROZEN, Order, known_forms
from citygraph.freeze.site import freeze as freeze_site
from citygraph.settings import Settings

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
