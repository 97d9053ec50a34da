"""The subcommand that serves a release, and builds one first with --build."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from citygraph.cli.console import OK, command, web_address
from citygraph.errors import NotFound, UsageError
from citygraph.parent import die_with_parent
from citygraph.release.format_version import upgrade_note
from citygraph.release.ownership import base_problem
from citygraph.release.releases import Release, Releases
from citygraph.release.retention import parse_policy
from citygraph.settings import Settings
from citygraph.source.files import is_current, require_folders, sources_of


@click.command()
@click.option("--build", "builds", is_flag=True, help="First build a release, if any file has changed.")
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 8000]")
@click.option("--follow", metavar="DIR|s3://…", help="Serve the releases that `citygraph push` publishes there.")
@click.option("--workers", type=click.IntRange(min=1), help="Web processes. [default: 2]")
@click.pass_context
@command
def serve(context: click.Context, /, builds: bool, **changes: Any) -> int:
    """Serve the current release over HTTP until SIGTERM or Ctrl-C; without a release, build one first.

    With --build, also build one if the files have changed since. With --follow, releases come from a publisher: each
    new one is verified and switched to, and this server takes no changes of its own.
    """
    settings: Settings = context.obj.with_changes(**changes)
    # The imports of the server would slow down the other commands.
    from citygraph.serve import require_free
    from citygraph.serve import serve as run

    # Before a build, which may take long.
    require_free(settings)
    # A server that follows another one needs no data.
    require_folders(settings, "ontology", "queries", *(() if settings.follow else ("data",)))
    if settings.keep:
        parse_policy(settings.keep)
    if settings.follow and settings.push_to:
        raise UsageError("the settings follow and push_to exclude each other: a server publishes or follows")
    if settings.follow:
        settings = _following(settings, builds)
    if settings.push_to:
        _require_folder(settings.push_to)
    is_outdated = not settings.follow and (_is_outdated(settings) if builds else _current(settings) is None)
    if is_outdated and (status := _build(context)) and not _is_upgrade(settings):
        return status
    release = Releases(settings.releases).current()
    if note := upgrade_note(release.manifest):
        remedy = "this version cannot build it anew, see above" if is_outdated else "`citygraph build` builds it anew"
        click.echo(f"warning: {note}. It is served as it is; {remedy}", err=True)
    if problem := base_problem(release):
        click.echo(f"warning: {problem}", err=True)
    click.echo(f"serving {release.id} on {web_address(settings.host, settings.port)}/", err=True)
    run(settings)
    return OK


def _following(settings: Settings, builds: bool) -> Settings:
    """Returns the settings of a server that follows a publisher, after its first release has arrived."""
    from rich.console import Console

    from citygraph.cli.console import TerminalProgress
    from citygraph.storage.object_folder import open_folder
    from citygraph.storage.pulling import pull

    if builds:
        raise UsageError("--build makes a release here, --follow gets it from elsewhere: choose one")
    folder = open_folder(settings.follow)
    if _current(settings) is None:
        pull(Releases(settings.releases), folder, TerminalProgress(Console(stderr=True)))
    click.echo(f"following {folder.name}", err=True)
    # The publisher decides on pruning and citations.
    return settings.with_changes(keep="", stored_results="off")


def _require_folder(address: str) -> None:
    """Raises UsageError for an invalid address, or if its package is missing."""
    from citygraph.storage.object_folder import open_folder

    open_folder(address, private=False)


def _is_outdated(settings: Settings) -> bool:
    return is_current(sources_of(settings), Releases(settings.releases)) is None


def _current(settings: Settings) -> Release | None:
    try:
        return Releases(settings.releases).current()
    except NotFound:
        return None


def _is_upgrade(settings: Settings) -> bool:
    """Returns whether the files have not changed since an earlier version of citygraph built the current release."""
    current = _current(settings)
    if current is None or not upgrade_note(current.manifest):
        return False
    data = {file.name: file.sha256() for file in sources_of(settings).data_files()}
    return data.items() <= current.manifest.files.items()


def _build(context: click.Context) -> int:
    """Runs `citygraph build` in a child process, because its modules and data would only take memory here."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        die_with_parent(parent)
        from citygraph.cli.release_commands import build

        build.main([], standalone_mode=True, obj=context.obj)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(status)
