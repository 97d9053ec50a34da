"""The subcommands for releases: build, validate, query, export, and the lists of releases and running queries."""

from __future__ import annotations

import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from pyoxigraph import NamedNode
from rich.console import Console

from citygraph.build.build import build as build_release
from citygraph.build.build import check
from citygraph.build.export import adopt, adoptable
from citygraph.build.export import export as export_graph
from citygraph.build.products import table_outputs
from citygraph.catalogues import LANGUAGES
from citygraph.cli import console
from citygraph.cli.audited import audit, prune_audited
from citygraph.cli.console import OK as _OK
from citygraph.cli.console import VIOLATES as _VIOLATES
from citygraph.cli.console import FilePath
from citygraph.cli.console import command as _command
from citygraph.cli.query_runs import list_queries, pair, print_table, query_text, write_result
from citygraph.errors import NotFound, Violations
from citygraph.instance import placeholder_problem
from citygraph.progress import Progress
from citygraph.rdf.formats import FORMATS
from citygraph.release.disk_room import low_room
from citygraph.release.format_version import upgrade_note
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release, Releases
from citygraph.release.retention import parse_policy
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.source.files import is_current, require_folders, sources_of
from citygraph.source.query_parameters import expand

_RESULT_FORMATS = click.Choice([format_.name for format_ in FORMATS])


@click.command()
@click.option("-q", "--quiet", is_flag=True, help="Print only problems.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.option("--check", "only_check", is_flag=True, help="Validate without publishing.")
@click.option("--force", is_flag=True, help="Build although no file has changed.")
@click.option("--override-rollback", is_flag=True, help="Publish again what a rollback undid.")
@click.option("--fresh", is_flag=True, help="Do not continue an interrupted build.")
@click.pass_obj
@_command
def build(
    settings: Settings,
    quiet: bool,
    as_json: bool,
    only_check: bool,
    force: bool,
    override_rollback: bool,
    fresh: bool,
) -> int:
    """Build a release from the files in data/ and ontology/, and publish it.

    Nothing is done if the current release was built from the same files. Exit status: 0 published or up to
    date, 1 the data violate the shapes (nothing is changed), 2 the command failed. After a rollback, a build fails
    while files still have the undone content, unless you give --override-rollback. A build that was interrupted is
    continued, if its inputs are the same.
    """
    require_folders(settings, "data")
    sources, releases = sources_of(settings), Releases(settings.releases)
    if settings.keep:
        # An error in it is reported before the build.
        parse_policy(settings.keep)
    for problem in filter(None, (placeholder_problem(settings.base), low_room(releases))):
        click.echo(f"warning: {problem}", err=True)
    # With --json, standard output has only JSON lines.
    out = Console(stderr=False, quiet=quiet or as_json)
    progress = console.JsonProgress() if as_json else console.TerminalProgress(out)
    # Before the comparison with the current release, which would skip the validation of unchanged files.
    if only_check:
        return _print_check(check(sources, (), progress, _current(releases)), out, as_json, LANGUAGES[0])
    current = None if force else is_current(sources, releases)
    if current is not None:
        _print_release("up to date", current, settings, out, as_json)
        return _OK
    if (former := _current(releases)) and (note := upgrade_note(former.manifest)):
        click.echo(f"{note}: it is built anew", err=True)
    try:
        release, report = build_release(
            sources,
            releases,
            progress,
            override_rollback,
            lambda text: click.echo(text, err=True),
            settings.build_memory,
            fresh,
        )
    except Violations as error:
        audit(settings, "build", "Violations", why=str(error)[:500])
        return _print_check(error.report, Console(stderr=True), as_json, LANGUAGES[0])
    audit(settings, "build", "published", release=release.id, override_rollback=override_rollback)
    out.print(f"{len(report.warnings)} warning(s): see them with `citygraph validate`", highlight=False)
    _print_release("published", release, settings, out, as_json)
    _prune(settings, out)
    return _OK


def _prune(settings: Settings, out: Console) -> None:
    for name in prune_audited(settings):
        out.print(f"pruned {name}", highlight=False, soft_wrap=True)


@click.command()
@click.argument("files", nargs=-1, type=FilePath(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, for machines.")
@console.LANG
@click.option("--warnings/--no-warnings", default=True, help="Whether to print warnings.")
@click.pass_obj
@_command
def validate(settings: Settings, files: tuple[Path, ...], as_json: bool, lang: str, warnings: bool) -> int:
    """Validate FILES against the shapes, together with the files in data/ and the graphs that the API owns.

    The result is that of a build with these files in data/. Without FILES, data/ is validated. Exit status:
    0 conforms, 1 violates, 2 the command failed.
    """
    require_folders(settings, "data")
    sources = sources_of(settings)
    report = check(sources, files, Progress(), _current(Releases(settings.releases)), partial(click.echo, err=True))
    if not warnings:
        report = Report(report.violations, report.turtle)
    return _print_check(report, Console(), as_json, lang)


@click.command()
@click.argument("query", required=False)
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of a stored query.")
@click.option("--format", "format_name", type=_RESULT_FORMATS, help="Format of the result. [default: a table, or csv]")
@click.option("--list", "list_", is_flag=True, help="List the stored queries.")
@click.option("--lang", help="Language of the labels in the result of a stored query. [default: that of the instance]")
@click.option("--release", "release_id", help="Query this release instead of the current one.")
@click.pass_obj
@_command
def query(
    settings: Settings,
    query: str | None,
    values: tuple[str, ...],
    params: tuple[str, ...],
    format_name: str | None,
    list_: bool,
    lang: str | None,
    release_id: str | None,
) -> int:
    """Run QUERY: the name of a stored query, a file, or - for standard input.

    A value may be the name of an entity, such as Bakü, an identifier such as city/baku, or an IRI.

    \b
    citygraph query partners
    citygraph query partners city=Bakü --format csv
    echo 'ASK { ?s ?p ?o }' | citygraph query -
    """
    if list_ or query is None:
        list_queries(settings)
        return _OK
    release = _release(settings, release_id)
    parameters = dict(pair(param) for param in (*values, *params))
    text = query_text(settings, release, query, parameters, lang or "")
    if format_name is None and sys.stdout.isatty():
        print_table(text, release)
    else:
        write_result(text, release, format_name)
    return _OK


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.option("--pin", metavar="RELEASE", help="Protect this release from pruning.")
@click.option("--unpin", metavar="RELEASE", help="Remove this protection.")
@click.pass_obj
@_command
def releases(settings: Settings, as_json: bool, pin: str | None, unpin: str | None) -> int:
    """List the releases, the newest first. An asterisk marks the current one."""
    folder = Releases(settings.releases)
    if pin is not None:
        folder.pin(pin, "pinned by hand")
        audit(settings, "pin", "pinned", release=pin)
    if unpin is not None:
        folder.unpin(unpin)
        audit(settings, "pin", "unpinned", release=unpin)
    current = folder.current_id()
    for release in folder.history():
        manifest = release.manifest
        if as_json:
            console.print_json(
                {
                    "id": release.id,
                    "current": release.id == current,
                    "digest": manifest.digest,
                    "created": manifest.created,
                    "parent": manifest.parent,
                    "quads": manifest.quads,
                    "triples": manifest.triples,
                }
            )
        else:
            mark = "*" if release.id == current else " "
            click.echo(f"{mark} {release.id}  {manifest.quads} quads, {manifest.triples} triples")
    return _OK


@click.command()
@click.argument("graph", required=False)
@click.option("--into", type=FilePath(path_type=Path, file_okay=False), help="Write into the files of this folder.")
@click.option("--all", "everything", is_flag=True, help="With --into, write the graphs of files too.")
@click.option("--release", "release_id", help="Export from this release instead of the current one.")
@click.pass_obj
@_command
def export(settings: Settings, graph: str | None, into: Path | None, everything: bool, release_id: str | None) -> int:
    """Write GRAPH (an IRI, or a name such as source:place-register) as canonical, sorted TriG.

    Without GRAPH, all graphs that files or the API own are printed. With --into, those that the API owns are written
    into files of a folder such as data/, whose other files stay as they are; --all makes a copy of all graphs in a
    new folder. Equal statements give equal text, and a build of the files makes a release with the same digest.
    """
    release = _release(settings, release_id)
    if into is not None:
        owned = api_graphs(release.manifest) if not everything else adoptable(release.manifest)
        owners = Releases(settings.releases).current().manifest.owners
        tables = table_outputs(sources_of(settings).query_folders)
        paths = adopt([expand(graph)] if graph else owned, release, into, tables, owners)
        for path in paths:
            click.echo(str(path), err=True)
        click.echo(f"{len(paths)} file(s) written", err=True)
        return _OK
    store = release.open_store()
    for iri in [expand(graph)] if graph else adoptable(release.manifest):
        if graph or release.manifest.graphs[iri]:
            click.echo(export_graph(store, NamedNode(iri)), nl=False)
    return _OK


@click.command()
@click.option("--cancel", "query_id", metavar="ID", help="Cancel the query with this id.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@_command
def running(settings: Settings, query_id: str | None, as_json: bool) -> int:
    """List the running queries of the servers of these releases on this machine, the oldest first."""
    from citygraph.engine.engines import Engines
    from citygraph.engine.process import servers

    # Several servers may serve the same releases.
    hosts = [Engines(server) for server in servers(settings)]
    if query_id is not None:
        if not any(engines.cancel(query_id) for engines in hosts):
            raise NotFound(f"no query {query_id} is running")
        click.echo(f"cancelled {query_id}", err=True)
        return _OK
    queries = [query for engines in hosts for query in engines.running()]
    for query in sorted(queries, key=lambda query: -query.age):
        if as_json:
            console.print_json(asdict(query))
        else:
            click.echo(f"{query.id}  {query.age:6.1f} s  {query.client or '-'}  {' '.join(query.text.split())[:100]}")
    return _OK


def _print_check(report: Report, out: Console, as_json: bool, language: str) -> int:
    if as_json:
        console.print_json(console.report_as_json(report))
    else:
        console.print_report(out, report, language)
    return _OK if report.conforms else _VIOLATES


def _print_release(what: str, release: Release, settings: Settings, out: Console, as_json: bool) -> None:
    if as_json:
        console.print_json(
            {
                "release": release.id,
                "state": what,
                "digest": release.manifest.digest,
                "path": str(release.path),
                "quads": release.manifest.quads,
            }
        )
    out.print(f"{what} [bold]{release.id}[/] in {release.path}", highlight=False, soft_wrap=True)
    out.print(f"to view it: citygraph serve, then {console.local_address(settings)}/", highlight=False)


def _current(releases: Releases) -> Release | None:
    """Returns the current release, or None before the first build."""
    try:
        return releases.current()
    except NotFound:
        return None


def _release(settings: Settings, release_id: str | None) -> Release:
    folder = Releases(settings.releases)
    return folder.get(release_id) if release_id else folder.current()
