"""Commands that publish without a build: update, load and rollback, and the tokens of clients."""

from __future__ import annotations

from pathlib import Path

import click

from citygraph.cli import console
from citygraph.cli.audited import audit, audited, prune_audited, user
from citygraph.cli.console import OK, VIOLATES, FilePath, command
from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, GraphWrite, Payload, Update, details_of
from citygraph.commit.tokens import RIGHTS, TokenHolder, Tokens
from citygraph.errors import UsageError, Violations
from citygraph.rdf.formats import by_extension
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.source.reading import unpacked_file
from citygraph.web.view.translations import Translations


@click.command()
@click.argument("file", type=FilePath(path_type=Path, allow_dash=True))
@click.option("-m", "--message", default="", help="Reason for the change, kept in the manifest.")
@click.option("--dry-run", is_flag=True, help="Validate and print what would change.")
@console.LANG
@click.pass_obj
@command
def update(settings: Settings, file: Path, message: str, dry_run: bool, lang: str) -> int:
    """Publish the current release with a SPARQL Update applied: a file, or - for standard input.

    Exit status: 0 published, 1 the data would violate the shapes (nothing is changed), 2 the command failed.
    """
    text = console.read_input(file)
    # The author in the manifest is the user of this machine.
    change = Change(Update(text, base=settings.base), user(), message, dry_run=dry_run)
    return _commit(settings, change, lang)


@click.command()
@click.argument("files", nargs=-1, required=True, type=FilePath(path_type=Path, exists=True, dir_okay=False))
@click.option("--graph", required=True, help="The graph to fill: an IRI, or a name such as graph:notes.")
@click.option("--replace", is_flag=True, help="Replace the content of the graph.")
@click.option("-m", "--message", default="", help="Reason for the change, kept in the manifest.")
@click.option("--dry-run", is_flag=True, help="Validate and print what would change.")
@console.LANG
@click.pass_obj
@command
def load(
    settings: Settings, files: tuple[Path, ...], graph: str, replace: bool, message: str, dry_run: bool, lang: str
) -> int:
    """Publish the current release with the triples of FILES added to a graph.

    Exit status: 0 published, 1 the data would violate the shapes (nothing is changed), 2 the command failed.
    """
    from citygraph.source.query_parameters import expand

    payloads = tuple(Payload(unpacked_file(path), _format_of(path), str(path)) for path in files)
    what = GraphWrite("replace" if replace else "merge", expand(graph), payloads)
    return _commit(settings, Change(what, user(), message, dry_run=dry_run), lang)


@click.command()
@click.argument("release")
@click.pass_obj
@command
def rollback(settings: Settings, release: str) -> int:
    """Publish a new release with the content of an older one.

    The files in data/ and ontology/ are not changed: until they are, the next build reports a conflict.
    """
    from citygraph.commit.rollback import rollback as roll_back

    with audited(settings, "rollback", "published") as details:
        published = roll_back(release, Releases(settings.releases))
        details |= {"release": published.id, "equal_to": release}
    click.echo(f"published {published.id}, equal to {release}", err=True)
    if published.manifest.undone:
        click.echo(f"undone for the next build: {', '.join(published.manifest.undone)}", err=True)
    return OK


@click.group()
def token() -> None:
    """Create, list and revoke the tokens of clients that may write."""


@token.command("make")
@click.argument("name")
@click.option("--graphs", "prefixes", multiple=True, help="Prefix of graph names; repeatable. [default: all]")
@click.option("--right", "rights", multiple=True, type=click.Choice(RIGHTS), default=("write",), show_default=True)
@click.option("--expires", default="", metavar="YYYY-MM-DD", help="Last day on which the token is valid.")
@click.pass_obj
@command
def make(settings: Settings, name: str, prefixes: tuple[str, ...], rights: tuple[str, ...], expires: str) -> int:
    """Create a token for NAME and print it. It cannot be printed again, because only its hash is kept."""
    from citygraph.source.query_parameters import expand

    holder = TokenHolder(name, rights, tuple(expand(prefix) for prefix in prefixes) or ("",), expires=expires)
    with audited(settings, "token", "made") as details:
        details |= {"token": name, "rights": rights, "prefixes": holder.prefixes, "expires": expires}
        made = Tokens(settings.tokens).make(holder)
    click.echo(made)
    return OK


@token.command("revoke")
@click.argument("name")
@click.pass_obj
@command
def revoke(settings: Settings, name: str) -> int:
    """Revoke the token of NAME."""
    with audited(settings, "token", "revoked") as details:
        details["token"] = name
        Tokens(settings.tokens).revoke(name)
    return OK


@token.command("list")
@click.pass_obj
@command
def list_(settings: Settings) -> int:
    """List the tokens with their rights, expiry dates and graphs."""
    tokens = Tokens(settings.tokens)
    for holder in tokens.holders():
        end = holder.expires or "no end"
        end = end if tokens.is_valid(holder) else f"{end} (expired)"
        graphs = " ".join(prefix or "(all graphs)" for prefix in holder.prefixes)
        click.echo(f"{holder.name:<20} {','.join(holder.rights):<12} {end:<20} {graphs}")
    return OK


def _commit(settings: Settings, change: Change, language: str) -> int:
    outcome = commit_here([change], settings)[0]
    if isinstance(outcome, Commit):
        published = "published" if outcome.published else "unchanged"
        about = {"change": change.id, "message": change.message, "dry_run": change.dry_run}
        audit(settings, "commit", published, **about, **details_of(outcome))
    else:
        audit(settings, "commit", type(outcome).__name__, dry_run=change.dry_run, why=str(outcome)[:500])
    if isinstance(outcome, Violations):
        from rich.console import Console

        console.print_report(Console(stderr=True), outcome.report, language)
        return VIOLATES
    # Any other outcome is an error; `command` prints it.
    if not isinstance(outcome, Commit):
        raise outcome
    prune_audited(settings)
    _print_commit(outcome, change.dry_run, language)
    return OK


def _print_commit(commit: Commit, dry_run: bool, language: str) -> None:
    translate, release = Translations(language), commit.release
    if dry_run:
        what = translate("would publish a change of {release}", release=release)
    elif commit.published:
        what = translate("published {release}", release=release)
    else:
        what = translate("nothing to change in {release}", release=release)
    counts = translate("{added} statements added, {removed} removed", added=commit.added, removed=commit.removed)
    click.echo(f"{what} ({counts})", err=True)
    if commit.blank_nodes:
        click.echo(translate("blank nodes that got IRIs: {number}", number=commit.blank_nodes), err=True)
    for warning in commit.warnings:
        name = warning.label or warning.focus_node
        click.echo(f"{translate('warning')}: {name}: {warning.message(language)}", err=True)


def _format_of(path: Path) -> str:
    format_ = by_extension(path.name)
    if format_ is None:
        raise UsageError(f"{path}: the extension is not that of an RDF format")
    return format_.name
