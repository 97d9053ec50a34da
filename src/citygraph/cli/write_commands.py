"""The commands that change what is published without a build: update, load, rollback, and the tokens of clients."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

import click
from rich.console import Console

from citygraph.cli import console
from citygraph.cli.console import OK, VIOLATES, command
from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, GraphWrite, Payload, Update
from citygraph.commit.commit import rollback as roll_back
from citygraph.commit.tokens import RIGHTS, Holder, Tokens
from citygraph.errors import UsageError, Violations
from citygraph.rdf.formats import by_extension
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.source.queries import expand


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("-m", "--message", default="", help="What for; it goes into the manifest.")
@click.option("--dry-run", is_flag=True, help="Validate and tell what would change.")
@click.option("--lang", default="en", type=click.Choice(["en", "tr"]), help="Language of the messages.")
@click.pass_obj
@command
def update(settings: Settings, file: Path, message: str, dry_run: bool, lang: str) -> int:
    """Publish the current release with a SPARQL Update applied: a file, or - for standard input.

    Exit status: 0 published, 1 the data would break their shapes (nothing is changed), 2 it could not run.
    """
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    change = Change(Update(text, base=settings.base), getpass.getuser(), message, dry_run=dry_run)
    return _commit(settings, change, lang)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--graph", required=True, help="The graph to fill: an IRI, or a name such as graph:notes.")
@click.option("--replace", is_flag=True, help="Have nothing else in the graph afterwards.")
@click.option("-m", "--message", default="", help="What for; it goes into the manifest.")
@click.option("--dry-run", is_flag=True, help="Validate and tell what would change.")
@click.option("--lang", default="en", type=click.Choice(["en", "tr"]), help="Language of the messages.")
@click.pass_obj
@command
def load(
    settings: Settings, files: tuple[Path, ...], graph: str, replace: bool, message: str, dry_run: bool, lang: str
) -> int:
    """Publish the current release with the triples of FILES added to a graph.

    Exit status: 0 published, 1 the data would break their shapes (nothing is changed), 2 it could not run.
    """
    payloads = tuple(Payload(path.read_bytes(), _format_of(path)) for path in files)
    what = GraphWrite("replace" if replace else "merge", expand(graph), payloads)
    return _commit(settings, Change(what, getpass.getuser(), message, dry_run=dry_run), lang)


@click.command()
@click.argument("release")
@click.pass_obj
@command
def rollback(settings: Settings, release: str) -> int:
    """Publish a new release that is equal to an older one."""
    made = roll_back(release, Releases(settings.releases))
    click.echo(f"published {made.id}, equal to {release}", err=True)
    return OK


@click.group()
def token() -> None:
    """Make, list and revoke the tokens with which clients may write."""


@token.command("make")
@click.argument("name")
@click.option("--graphs", "prefixes", multiple=True, help="A beginning of names of graphs; repeatable. [default: all]")
@click.option("--right", "rights", multiple=True, type=click.Choice(RIGHTS), default=("write",), show_default=True)
@click.option("--expires", default="", metavar="YYYY-MM-DD", help="The last day on which it is good.")
@click.pass_obj
@command
def make(settings: Settings, name: str, prefixes: tuple[str, ...], rights: tuple[str, ...], expires: str) -> int:
    """Make a token for NAME and print it, this once: only its hash is kept."""
    whose = Holder(name, rights, tuple(expand(prefix) for prefix in prefixes) or ("",), expires=expires)
    click.echo(Tokens(settings.tokens).make(whose))
    return OK


@token.command("revoke")
@click.argument("name")
@click.pass_obj
@command
def revoke(settings: Settings, name: str) -> int:
    """Let NAME's token be good for nothing from now on."""
    Tokens(settings.tokens).revoke(name)
    return OK


@token.command("list")
@click.pass_obj
@command
def list_(settings: Settings) -> int:
    """Tell whose tokens are good, for which graphs and until when."""
    for holder in Tokens(settings.tokens).holders():
        graphs = " ".join(prefix or "(all graphs)" for prefix in holder.prefixes)
        click.echo(f"{holder.name:<20} {','.join(holder.rights):<12} {holder.expires or 'no end':<12} {graphs}")
    return OK


def _commit(settings: Settings, change: Change, language: str) -> int:
    outcome = commit_here([change], settings)[0]
    if isinstance(outcome, Violations):
        console.print_report(Console(stderr=True), outcome.report, language)
        return VIOLATES
    if not isinstance(outcome, Commit):
        raise outcome
    what = "would publish" if change.dry_run else "published" if outcome.published else "nothing to change in"
    click.echo(f"{what} {outcome.release}: {outcome.added} added, {outcome.removed} removed", err=True)
    if outcome.blank_nodes:
        click.echo(f"{outcome.blank_nodes} blank node(s) got IRIs", err=True)
    for warning in outcome.warnings:
        click.echo(f"warning: {warning.label or warning.focus_node}: {warning.message(language)}", err=True)
    return OK


def _format_of(path: Path) -> str:
    format_ = by_extension(path.name)
    if format_ is None:
        raise UsageError(f"{path}: the ending is of no RDF format")
    return format_.name
