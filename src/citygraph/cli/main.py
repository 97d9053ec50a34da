"""The main command. Its subcommands are in other modules, which are imported when used."""

from __future__ import annotations

from pathlib import Path

import click

from citygraph import __version__
from citygraph.cli.console import COULD_NOT, FilePath, LazyGroup
from citygraph.errors import UsageError
from citygraph.settings import read_settings, require_allowed

# The imports of all commands would delay each of them.
_ELSEWHERE = {
    "build": "citygraph.cli.release_commands:build",
    "backup": "citygraph.cli.operate_commands:backup",
    "cite": "citygraph.cli.cite_commands:cite",
    "diff": "citygraph.cli.site_commands:diff",
    "doctor": "citygraph.cli.site_commands:doctor",
    "freeze": "citygraph.cli.site_commands:freeze",
    "export": "citygraph.cli.release_commands:export",
    "health": "citygraph.cli.health_command:health",
    "init": "citygraph.cli.instance_commands:init",
    "query": "citygraph.cli.release_commands:query",
    "pull": "citygraph.cli.operate_commands:pull",
    "push": "citygraph.cli.operate_commands:push",
    "prune": "citygraph.cli.operate_commands:prune",
    "rebase": "citygraph.cli.instance_commands:rebase",
    "load": "citygraph.cli.write_commands:load",
    "mcp": "citygraph.cli.mcp_commands:mcp",
    "reconcile": "citygraph.cli.reconcile_commands:reconcile",
    "releases": "citygraph.cli.release_commands:releases",
    "restore": "citygraph.cli.operate_commands:restore",
    "rollback": "citygraph.cli.write_commands:rollback",
    "running": "citygraph.cli.release_commands:running",
    "serve": "citygraph.cli.serve_command:serve",
    "sheets": "citygraph.cli.sheets_commands:sheets",
    "store": "citygraph.cli.store_commands:store",
    "token": "citygraph.cli.write_commands:token",
    "update": "citygraph.cli.write_commands:update",
    "validate": "citygraph.cli.release_commands:validate",
    "wikidata": "citygraph.cli.wikidata_commands:wikidata",
}


@click.group(
    cls=LazyGroup,
    elsewhere=_ELSEWHERE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="citygraph")
@click.option("--data", type=FilePath(path_type=Path), help="Folder of the data files. [default: data]")
@click.option("--ontology", type=FilePath(path_type=Path), help="Folder of ontology and shapes. [default: ontology]")
@click.option("--releases", type=FilePath(path_type=Path), help="Folder of the releases. [default: var/releases]")
@click.pass_context
def main(context: click.Context, /, **folders: Path | None) -> None:
    """A knowledge graph of city diplomacy, and the linked-data publisher that serves it.

    Settings can also be environment variables: CITYGRAPH_ and the name in capitals
    (see docs/settings.md).
    """
    try:
        for name, folder in folders.items():
            if folder is not None:
                require_allowed(f"--{name}", name, folder)
        context.obj = read_settings().with_changes(**folders)
    except UsageError as error:
        click.echo(f"citygraph: {error}", err=True)
        context.exit(COULD_NOT)
